//! The seventeen scenarios that hold from day one, as patients and staff live them. Those about schedules and staff's
//! changes stand in `schedules`.

use booking_tests::http::portal::{id, text};
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Person, SmallClinic, TestApp};
use serde_json::{Value, json};
use uuid::Uuid;

/// A service that only recognized patients see.
async fn restricted(app: &TestApp, activity: Uuid) -> Uuid {
    let more = json!({ "criteria": [{ "kind": "existing_record" }] });
    app.admin().configures_service(&[activity], &more).await
}

// 1, R2.
#[tokio::test]
async fn a_portal_that_is_on_without_a_service_shows_nothing() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.opens_portal().await;
    let desk = admin.hires("Dre Roy").await;
    let activity = admin.defines_activity("suivi", 20).await;
    app.scheduler().publishes_slot(desk.agenda, TOMORROW, ("09:00", "10:00"), activity).await;

    let visitor = app.visitor(&Person::stranger()).await;
    let seen = visitor.services().await.ok();
    assert_eq!(seen.list("/services").len(), 0);
    assert_eq!(seen["not_eligible"], true);
    let states = app.scheduler().sees_day(desk.agenda, TOMORROW).await;
    assert_eq!(states, ["09:00 free none", "09:20 free none", "09:40 free none"]);
}

// 2, R7.
#[tokio::test]
async fn a_service_that_is_created_later_puts_open_slots_online() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.opens_portal().await;
    let desk = admin.hires("Dre Roy").await;
    let activity = admin.defines_activity("suivi", 20).await;
    app.scheduler().publishes_slot(desk.agenda, TOMORROW, ("09:00", "10:00"), activity).await;
    let visitor = app.visitor(&Person::stranger()).await;
    assert!(visitor.sees_services().await.is_empty());

    let service = admin.configures_service(&[activity], &Value::Null).await;
    assert_eq!(visitor.sees_services().await, [service]);
    assert_eq!(visitor.sees_times(service).await, ["11-24 09:00", "11-24 09:20", "11-24 09:40"]);
    assert_eq!(app.scheduler().sees_day(desk.agenda, TOMORROW).await[0], "09:00 free cloud");
}

// 3, R32.
#[tokio::test]
async fn of_two_practitioners_with_one_activity_the_excluded_one_is_not_offered() {
    let app = TestApp::start().await;
    let small = app.admin().sets_up().await;
    let other = app.admin().hires("Dr Gagnon").await;
    for (desk, times) in [(small.desk, ("09:00", "09:20")), (other, ("10:00", "10:20"))] {
        app.scheduler().publishes_slot(desk.agenda, TOMORROW, times, small.activity).await;
    }
    let filter = json!({ "mode": "all_except", "practitioners": [small.desk.practitioner] });
    let service = app.admin().configures_service(&[small.activity], &json!({ "practitioner_filter": filter })).await;

    let visitor = app.visitor(&Person::stranger()).await;
    assert_eq!(visitor.sees_times(small.service).await, ["11-24 09:00", "11-24 10:00"]);
    let seen = visitor.sees(service).await;
    assert_eq!(seen.len(), 1);
    assert_eq!(id(&seen[0]["practitioner"]["id"]), other.practitioner);
    // What is not shown cannot be booked either.
    let excluded = visitor.finds(small.service, "09:00").await;
    visitor.asks_to_book(service, &excluded).await.is(409, "not_offered");
}

// 5, R14.
#[tokio::test]
async fn somebody_with_the_right_cell_phone_is_recognized_although_the_email_is_wrong() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let restricted = restricted(&app, small.activity).await;
    let eve = Person::named("Ève", "Tremblay");
    let record = app.scheduler().registers(&eve).await;

    let typed = eve.but(|p| p.email = Some("somebody.else@example.ca".to_owned()));
    let visitor = app.visitor(&typed).await;
    assert!(visitor.sees_services().await.contains(&restricted));
    let booked = visitor.books_at(restricted, "09:00").await;
    let appointment = app.scheduler().finds(TOMORROW, &booked.reference()).await;
    // R50.
    assert_eq!(appointment["patient"], json!(record));
    assert_eq!(appointment["to_identify"], false);
}

// 6, R14, R15.
#[tokio::test]
async fn somebody_whose_sex_differs_is_not_recognized() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let restricted = restricted(&app, small.activity).await;
    let eve = Person::named("Ève", "Tremblay");
    app.scheduler().registers(&eve).await;

    let visitor = app.visitor(&eve.but(|p| p.sex = "other".to_owned())).await;
    assert_eq!(visitor.sees_services().await, [small.service]);
    let availability = visitor.finds(small.service, "09:00").await;
    visitor.asks_to_book(restricted, &availability).await.is(409, "not_offered");
    let booked = visitor.asks_to_book_again(small.service, &availability).await;
    let appointment = app.scheduler().finds(TOMORROW, &booked.reference()).await;
    assert_eq!((&appointment["patient"], &appointment["to_identify"]), (&Value::Null, &json!(true)));
}

// 7, R22.
#[tokio::test]
async fn somebody_unrecognized_sees_no_service_with_an_age_rule_that_their_typed_birth_date_meets() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let adults = json!({ "criteria": [{ "kind": "age_range", "unit": "years", "min": 18 }] });
    let adults = app.admin().configures_service(&[small.activity], &adults).await;

    let eve = Person::named("Ève", "Tremblay");
    let stranger = app.visitor(&eve).await;
    assert_eq!(stranger.sees_services().await, [small.service]);
    app.scheduler().registers(&eve).await;
    let patient = app.visitor(&eve).await;
    let mut seen = patient.sees_services().await;
    seen.sort_unstable();
    let mut both = [small.service, adults];
    both.sort_unstable();
    assert_eq!(seen, both);
}

// 8, R23.
#[tokio::test]
async fn somebody_unrecognized_is_told_to_call_when_every_service_has_criteria() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.opens_portal().await;
    let activity = admin.defines_activity("suivi", 20).await;
    let restricted = restricted(&app, activity).await;
    let eve = Person::named("Ève", "Tremblay");

    let stranger = app.visitor(&eve).await;
    let seen = stranger.services().await.ok();
    assert_eq!((seen.list("/services").len(), &seen["not_eligible"]), (0, &json!(true)));
    stranger.get(&format!("/availabilities?service={restricted}")).await.is(404, "not_found");
    // R24: the same for a patient who sees none.
    app.scheduler().registers(&eve.but(|p| p.birth_date = "2020-01-01".to_owned())).await;
    let etag = admin.get(&format!("/services/{restricted}")).await.etag();
    let children = json!({ "criteria": [{ "kind": "age_range", "unit": "years", "max": 3 }] });
    let form = booking_tests::http::setup::service_form(&[activity], &children);
    let _ = admin.changes(reqwest::Method::PUT, &format!("/services/{restricted}"), &etag, &form).await.ok();
    let patient = app.visitor(&eve.but(|p| p.birth_date = "2020-01-01".to_owned())).await;
    assert_eq!(patient.services().await.ok().body, seen.body);
}

// 9, R26.
#[tokio::test]
async fn a_service_with_a_practitioner_filter_alone_is_open_to_everyone() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let filter = json!({ "mode": "only", "practitioners": [small.desk.practitioner] });
    let filtered = app.admin().configures_service(&[small.activity], &json!({ "practitioner_filter": filter })).await;

    let visitor = app.visitor(&Person::stranger()).await;
    assert!(visitor.sees_services().await.contains(&filtered));
    let _ = visitor.books_at(filtered, "09:20").await;
}

// 10, R41.
#[tokio::test]
async fn an_availability_turns_from_clock_to_cloud_at_its_publication_moment_and_not_a_second_before() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let rule = json!({ "publication": { "kind": "days_before", "days": 0, "at": "08:00" } });
    let released = app.admin().configures_service(&[small.activity], &rule).await;
    let etag = app.admin().get(&format!("/services/{}", small.service)).await.etag();
    let off = format!("/services/{}/deactivate", small.service);
    let _ = app.admin().changes(reqwest::Method::POST, &off, &etag, &Value::Null).await.ok();

    app.clock.set(booking_tests::http::app::at(TOMORROW, "08:00").plus_seconds(-1));
    let visitor = app.visitor(&Person::stranger()).await;
    assert_eq!(visitor.sees_times(released).await, Vec::<String>::new());
    let day = app.scheduler().day(small.desk.agenda, TOMORROW).await;
    let first = &day["slots"][0]["availabilities"][0];
    assert_eq!(first["icon"], "cloud_clock");
    // R40: the moment can be read in advance.
    assert_eq!(first["publications"][0]["at"], "2026-11-24T08:00:00-05:00");

    app.waits_seconds(1);
    assert_eq!(app.scheduler().sees_day(small.desk.agenda, TOMORROW).await[0], "09:00 free cloud");
    assert_eq!(visitor.sees_times(released).await.len(), 3);
    let _ = visitor.books_at(released, "09:00").await;
}

// 11, R50, R51, R62.
#[tokio::test]
async fn a_booking_by_somebody_unrecognized_keeps_its_mark_and_its_provisional_details_when_the_patient_is_attached() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let record = app.scheduler().registers(&Person::named("Ève", "Tremblay")).await;
    let typed = Person::named("Ève", "Tremblai");
    let booked = app.visitor(&typed).await.books_at(small.service, "09:20").await;
    let scheduler = app.scheduler();

    let before = scheduler.finds(TOMORROW, &booked.reference()).await;
    let appointment = id(&before["id"]);
    assert_eq!((&before["icon"], &before["to_identify"]), (&json!("cloud_check"), &json!(true)));
    let _ = scheduler.attaches(appointment, record).await.ok();

    let after = scheduler.opens(appointment).await;
    assert_eq!(after["patient"], json!(record));
    assert_eq!((&after["icon"], &after["to_identify"]), (&json!("cloud_check"), &json!(false)));
    for same in ["when", "service", "service_name", "booked_by", "reference", "activity"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    assert_eq!(after.str("/contact/last_name"), "Tremblai");
    assert_eq!(after.str("/record/details/last_name"), "Tremblay");
    let history = app.auditor().get(&format!("/audit/appointments/{appointment}/history")).await.ok();
    let told: Vec<String> = history.list("/entries").iter().map(|e| text(&e["what"])).collect();
    assert_eq!(told, ["slot-published", "appointment-booked", "patient-attached"]);
}

// 12, R52.
#[tokio::test]
async fn of_two_patients_who_confirm_one_availability_at_once_one_gets_it_and_the_other_is_told_of_others() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let (one, two) = (app.visitor(&Person::stranger()).await, app.visitor(&Person::named("Léo", "Roy")).await);
    let availability = one.finds(small.service, "09:00").await;

    let (first, second) =
        tokio::join!(one.asks_to_book(small.service, &availability), two.asks_to_book(small.service, &availability));
    let (won, lost) = if first.is_ok() { (first, second) } else { (second, first) };
    won.has_status(201);
    lost.is(409, "taken");
    assert!(!lost.list("/alternatives").is_empty());
    assert!(lost.list("/alternatives").iter().all(|a| a["start_time"] != "09:00"));
    let day = app.scheduler().day(small.desk.agenda, TOMORROW).await;
    assert_eq!(day["appointments"].as_array().unwrap().len(), 1);
}

// 13, R71, R77.
#[tokio::test]
async fn a_cancelled_appointment_gives_its_availability_back_unless_staff_drop_it() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let visitor = app.visitor(&Person::stranger()).await;
    let scheduler = app.scheduler();
    for (time, keep) in [("09:00", true), ("09:20", false)] {
        let booked = app.visitor(&Person::stranger()).await.books_at(small.service, time).await;
        let appointment = id(&scheduler.finds(TOMORROW, &booked.reference()).await["id"]);
        let cancelled = scheduler.cancels(appointment, keep).await.ok();
        assert_eq!(cancelled["status"], "cancelled");
    }
    assert_eq!(visitor.sees_times(small.service).await, ["11-24 09:00", "11-24 09:40"]);
    let shown = scheduler.sees_day(small.desk.agenda, TOMORROW).await;
    assert_eq!(shown, ["09:00 free cloud", "09:20 removed none", "09:40 free cloud"]);
}
