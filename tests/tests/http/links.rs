//! An appointment in the hands of its patient: by the link, or by reference and birth date (8.11).

use booking_tests::http::portal::{id, looks_up, text};
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Person, SmallClinic, TestApp};
use serde_json::{Value, json};

/// A week after the small clinic's first slot.
const NEXT_WEEK: &str = "2026-12-01";

/// A clinic with a slot tomorrow and one the week after.
async fn clinic(app: &TestApp) -> SmallClinic {
    let small = SmallClinic::with_a_morning(app).await;
    app.scheduler().publishes_slot(small.desk.agenda, NEXT_WEEK, ("14:00", "15:00"), small.activity).await;
    small
}

#[tokio::test]
async fn the_holder_of_a_link_moves_and_cancels_and_the_link_shows_where_things_stand() {
    let app = TestApp::start().await;
    let small = clinic(&app).await;
    let visitor = app.visitor(&Person::stranger()).await;
    let link = visitor.books_at(small.service, "14:00").await;
    let first = link.sees().await.ok();
    assert_eq!((&first["status"], &first["can_change"]), (&json!("booked"), &json!(true)));
    assert!(!first.text.contains("Zita") && !first.text.contains("Ouellet"), "{}", first.text);

    let targets = link.sees_targets().await;
    let times: Vec<&Value> = targets.iter().map(|t| &t["start_time"]).collect();
    assert!(times.contains(&&json!("09:00")) && times.contains(&&json!("14:20")), "{times:?}");
    let later = targets.iter().find(|t| t["start_time"] == "14:40").unwrap();
    let moved = link.moves(&first.etag(), &text(&later["availability"])).await.ok();
    assert_eq!((&moved["start_time"], &moved["reference"]), (&json!("14:40"), &first["reference"]));
    // Over to another day: tomorrow at nine, twenty-four hours from now, which is the cut-off itself.
    let tomorrow = targets.iter().find(|t| t["date"] == TOMORROW).unwrap();
    let moved = link.moves(&moved.etag(), &text(&tomorrow["availability"])).await.ok();
    assert_eq!((&moved["date"], &moved["start_time"]), (&json!(TOMORROW), &json!("09:00")));
    assert_eq!(visitor.sees_times(small.service).await.len(), 5);

    // A form from before the change is refused, and the link shows the current state.
    link.cancels(&first.etag()).await.is(412, "stale");
    let now = link.sees().await.ok();
    assert_eq!((&now["start_time"], now.etag()), (&json!("09:00"), moved.etag()));
    let cancelled = link.cancels(&now.etag()).await.ok();
    assert_eq!((&cancelled["status"], &cancelled["can_change"]), (&json!("cancelled"), &json!(false)));
    assert_eq!(link.sees().await.ok()["status"], "cancelled");
    assert_eq!(visitor.sees_times(small.service).await.len(), 6);
    // A cancelled one does not come back to life by a move, and is cancelled once.
    let again = link.moves(&cancelled.etag(), &text(&later["availability"])).await;
    again.is(409, "cancelled");
}

#[tokio::test]
async fn a_change_is_in_time_at_the_cutoff_itself_and_too_late_a_second_after() {
    let app = TestApp::start().await;
    let small = clinic(&app).await;
    let link = app.visitor(&Person::stranger()).await.books_at(small.service, "14:00").await;
    let late = app.visitor(&Person::named("Léo", "Roy")).await.books_at(small.service, "14:20").await;
    app.goes_to("2026-11-30", "14:00");
    assert_eq!(link.sees().await.ok()["can_change_until"], "2026-11-30T14:00:00-05:00");
    let _ = link.cancels(&link.sees().await.etag()).await.ok();
    app.goes_to("2026-11-30", "14:20");
    app.waits_seconds(1);
    let seen = late.sees().await.ok();
    assert_eq!(seen["can_change"], false);
    let changes = app.changes().await;
    late.cancels(&seen.etag()).await.is(409, "past_cutoff");
    let target = app.visitor(&Person::stranger()).await.finds(small.service, "14:40").await;
    late.moves(&seen.etag(), &target).await.is(409, "past_cutoff");
    assert_eq!(app.changes().await, changes);
    // "I will attend" has no cut-off.
    assert_eq!(late.confirms().await.ok()["status"], "confirmed");
}

#[tokio::test]
async fn a_link_survives_attach_and_detach_and_ends_a_day_after_the_visit() {
    let app = TestApp::start().await;
    let small = clinic(&app).await;
    let record = app.scheduler().registers(&Person::named("Ève", "Tremblay")).await;
    let link = app.visitor(&Person::stranger()).await.books_at(small.service, "14:00").await;
    let scheduler = app.scheduler();
    let appointment = id(&scheduler.finds(NEXT_WEEK, &link.reference()).await["id"]);
    let _ = scheduler.attaches(appointment, record).await.ok();
    assert_eq!(link.sees().await.ok()["status"], "booked");
    let _ = scheduler.detaches(appointment).await.ok();
    assert_eq!(link.sees().await.ok()["status"], "booked");

    app.goes_to("2026-12-02", "14:20");
    assert_eq!(link.sees().await.ok()["can_change"], false);
    app.waits_seconds(1);
    link.sees().await.is(404, "not_found");
    // As an unknown one.
    app.link_holder(&format!("l_{}", "0".repeat(64))).sees().await.is(404, "not_found");
}

#[tokio::test]
async fn an_appointment_is_found_by_reference_and_birth_date_and_by_nothing_less() {
    let app = TestApp::start().await;
    let small = clinic(&app).await;
    let slug = app.clinic.slug.clone();
    let booked = app.visitor(&Person::stranger()).await.books_at(small.service, "14:00").await;
    let reference = booked.reference();
    let found = looks_up(&app, &slug, &reference.to_lowercase().replace('-', " "), "1985-06-15").await.ok();
    assert_eq!(found.str("/link_token"), booked.token);
    let link = app.link_holder(found.str("/link_token"));
    let target = text(&link.sees_targets().await.last().unwrap()["availability"]);
    let moved = link.moves(&found.etag(), &target).await.ok();
    let _ = link.cancels(&moved.etag()).await.ok();

    looks_up(&app, &slug, &reference, "1985-06-16").await.is(404, "not_found");
    looks_up(&app, &slug, &reference, "15/06/1985").await.is(422, "invalid_field");
    let wrong = looks_up(&app, &slug, "AAAAA-AAAAA", "1985-06-15").await;
    assert!(matches!((wrong.status, wrong.code()), (404, "not_found") | (422, "invalid_field")), "{}", wrong.text);
    let other = app.another_clinic("autre-clinique").await;
    app.staff(&other, booking_domain::values::Role::Administrator).opens_portal().await;
    looks_up(&app, &other.slug, &reference, "1985-06-15").await.is(404, "not_found");
}

#[tokio::test]
async fn look_ups_and_sign_ins_of_one_source_are_limited_and_the_limit_wears_off() {
    let app = TestApp::start_with(|options| booking_api::AppOptions { source_limits: true, ..options }).await;
    let small = clinic(&app).await;
    let slug = app.clinic.slug.clone();
    let booked = app.visitor(&Person::stranger()).await.books_at(small.service, "14:00").await;
    for day in 1..=10 {
        looks_up(&app, &slug, &booked.reference(), &format!("1985-07-{day:02}")).await.is(404, "not_found");
    }
    let limited = looks_up(&app, &slug, &booked.reference(), "1985-06-15").await;
    limited.is(429, "too_many_requests");
    let wait: i64 = limited.header("retry-after").unwrap().parse().unwrap();
    app.waits_seconds(wait);
    let _ = looks_up(&app, &slug, &booked.reference(), "1985-06-15").await.ok();
}

#[tokio::test]
async fn a_move_to_a_time_that_somebody_took_changes_nothing() {
    let app = TestApp::start().await;
    let small = clinic(&app).await;
    let link = app.visitor(&Person::stranger()).await.books_at(small.service, "14:00").await;
    let other = app.visitor(&Person::named("Léo", "Roy")).await;
    let target = other.finds(small.service, "14:20").await;
    let _ = other.books(small.service, &target).await;
    let (etag, changes) = (link.sees().await.etag(), app.changes().await);
    link.moves(&etag, &target).await.is(409, "taken");
    assert_eq!((link.sees().await.etag(), app.changes().await), (etag, changes));
}
