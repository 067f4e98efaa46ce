//! Booking at the portal: holds, retries, and reads that see one's own writes.

use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Person, SmallClinic, TestApp};
use serde_json::{Value, json};

#[tokio::test]
async fn a_held_availability_is_its_owners_alone_until_the_hold_ends_by_the_clock() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let (owner, other) = (app.visitor(&Person::stranger()).await, app.visitor(&Person::named("Léo", "Roy")).await);
    let wanted = owner.finds(small.service, "09:00").await;
    let placed = owner.asks_to_hold(small.service, &wanted).await.ok();
    placed.has_status(201);
    assert_eq!((&placed["extensions_left"], &placed["expires_at"]), (&json!(10), &json!("2026-11-23T09:05:00-05:00")));

    let seen = owner.sees(small.service).await;
    assert_eq!((&seen[0]["start_time"], &seen[0]["held_by_you"]), (&json!("09:00"), &json!(true)));
    assert_eq!(other.sees_times(small.service).await, ["11-24 09:20", "11-24 09:40"]);
    other.asks_to_hold(small.service, &wanted).await.is(409, "held");
    other.asks_to_book(small.service, &wanted).await.is(409, "held");
    // A held availability keeps its icon.
    assert_eq!(app.scheduler().sees_day(small.desk.agenda, TOMORROW).await[0], "09:00 held cloud");

    app.waits_seconds(5 * 60 - 1);
    other.asks_to_hold(small.service, &wanted).await.is(409, "held");
    app.waits_seconds(1);
    assert_eq!(other.sees_times(small.service).await.len(), 3);
    let hold = placed.str("/hold");
    let booking = json!({ "service": small.service, "availability": wanted, "hold": hold });
    owner.sends_booking("late", &booking).await.is(410, "hold_ended");
    owner.extends(hold).await.is(410, "hold_ended");
    let _ = other.asks_to_book_again(small.service, &wanted).await;
}

#[tokio::test]
async fn a_hold_is_extended_ten_times_and_then_no_more() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let owner = app.visitor(&Person::stranger()).await;
    let wanted = owner.finds(small.service, "09:00").await;
    let hold = owner.holds(small.service, &wanted).await;
    for left in (0..10).rev() {
        app.waits_seconds(60);
        let extended = owner.extends(&hold).await.ok();
        assert_eq!(extended["extensions_left"], json!(left));
    }
    app.waits_seconds(60);
    owner.extends(&hold).await.is(409, "hold_not_extendable");
    let booking = json!({ "service": small.service, "availability": wanted, "hold": hold });
    owner.sends_booking("in time", &booking).await.ok().has_status(201);
}

#[tokio::test]
async fn a_hold_that_is_given_back_frees_the_availability_and_may_be_given_back_twice() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let (owner, other) = (app.visitor(&Person::stranger()).await, app.visitor(&Person::named("Léo", "Roy")).await);
    let wanted = owner.finds(small.service, "09:00").await;
    let hold = owner.holds(small.service, &wanted).await;
    // Nobody else's to give back: it stays.
    other.releases(&hold).await.has_status(204);
    other.asks_to_book(small.service, &wanted).await.is(409, "held");

    owner.releases(&hold).await.has_status(204);
    let changes = app.changes().await;
    owner.releases(&hold).await.has_status(204);
    assert_eq!(app.changes().await, changes);
    let _ = other.asks_to_book_again(small.service, &wanted).await;
}

#[tokio::test]
async fn a_visit_holds_one_availability_at_a_time_also_across_days() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    app.scheduler().publishes_slot(small.desk.agenda, "2026-11-25", ("13:00", "13:20"), small.activity).await;
    let (owner, other) = (app.visitor(&Person::stranger()).await, app.visitor(&Person::named("Léo", "Roy")).await);
    for (time, others) in [("09:00", 3), ("09:20", 3), ("13:00", 3)] {
        let wanted = owner.finds(small.service, time).await;
        let _ = owner.holds(small.service, &wanted).await;
        assert_eq!(other.sees(small.service).await.len(), others, "{time}");
    }
}

#[tokio::test]
async fn one_source_that_changes_its_mind_or_sends_its_hold_again_is_not_out_of_holds() {
    let app = TestApp::start_with(|options| booking_api::AppOptions { source_limits: true, ..options }).await;
    let small = SmallClinic::with_a_morning(&app).await;
    let visitor = app.visitor(&Person::stranger()).await;
    for time in ["09:00", "09:20", "09:40", "09:00"] {
        let wanted = visitor.finds(small.service, time).await;
        let first = visitor.asks_to_hold(small.service, &wanted).await.ok();
        let again = visitor.asks_to_hold(small.service, &wanted).await.ok();
        assert_eq!(first["hold"], again["hold"], "{time}");
    }
    // Three visits at once are more than one source may have here (8.9): two, or 2 % of what is open.
    let second = app.visitor(&Person::named("Léo", "Roy")).await;
    let wanted = second.finds(small.service, "09:20").await;
    let _ = second.holds(small.service, &wanted).await;
    let third = app.visitor(&Person::named("Ana", "Roy")).await;
    let wanted = third.finds(small.service, "09:40").await;
    third.asks_to_hold(small.service, &wanted).await.is(409, "hold_budget");
    // Beyond the budget booking works without a hold.
    let _ = third.books(small.service, &wanted).await;
}

#[tokio::test]
async fn a_retried_booking_answers_with_the_same_appointment_and_another_body_is_refused() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let visitor = app.visitor(&Person::stranger()).await;
    let wanted = visitor.finds(small.service, "09:00").await;
    let booking = json!({ "service": small.service, "availability": wanted, "reason": { "text": "une toux" } });
    let first = visitor.sends_booking("once", &booking).await.ok();
    let changes = app.changes().await;
    let again = visitor.sends_booking("once", &booking).await.ok();
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!((again.etag(), again.position()), (first.etag(), first.position()));
    let mut other = booking.clone();
    other["reason"]["text"] = json!("une autre toux");
    visitor.sends_booking("once", &other).await.is(422, "idempotency_key_reused");
    assert_eq!(app.changes().await, changes);
    // The retry answers with what was booked also when it was cancelled since.
    let link = app.link_holder(first.str("/link_token"));
    let _ = link.cancels(&link.sees().await.etag()).await.ok();
    let later = visitor.sends_booking("once", &booking).await.ok();
    assert_eq!(later["appointment"]["reference"], first["appointment"]["reference"]);
    assert_eq!(later["appointment"]["status"], "cancelled");
    assert_eq!(app.changes().await, changes + 1);
}

#[tokio::test]
async fn the_key_of_another_visit_never_returns_the_original() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let visitor = app.visitor(&Person::stranger()).await;
    let wanted = visitor.finds(small.service, "09:00").await;
    let booking = json!({ "service": small.service, "availability": wanted });
    let _ = visitor.sends_booking("the key", &booking).await.ok();

    let thief = app.visitor(&Person::stranger()).await;
    let answer = thief.sends_booking("the key", &booking).await;
    answer.is(409, "taken");
    assert!(!answer.text.contains("reference") && !answer.text.contains("link_token"), "{}", answer.text);
}

#[tokio::test]
async fn staff_who_retry_plan_one_appointment_and_register_one_patient() {
    let app = TestApp::start().await;
    let small = app.admin().sets_up().await;
    let scheduler = app.scheduler();
    let post = async |path: &str, key: &str, body: &Value| {
        scheduler.asks(reqwest::Method::POST, path).await.key(key).json(body).answer().await
    };
    let person = json!({ "details": Person::stranger().record() });
    let (one, two) = (post("/patients", "p", &person).await.ok(), post("/patients", "p", &person).await.ok());
    assert_eq!((one.status, &one["id"]), (201, &two["id"]));

    let form = json!({ "agenda": small.desk.agenda, "date": TOMORROW, "start": "11:00", "end": "11:20",
        "patient": one["id"] });
    let (one, two) = (post("/appointments", "a", &form).await.ok(), post("/appointments", "a", &form).await.ok());
    assert_eq!((one.status, &one.body), (201, &two.body));
    let mut other = form.clone();
    other["end"] = json!("11:40");
    post("/appointments", "a", &other).await.is(422, "idempotency_key_reused");
    // The same key on another path is another command.
    let desk = post("/practitioners", "a", &json!({ "name": "Dr Côté" })).await;
    desk.is(404, "not_found");
}

#[tokio::test]
async fn a_read_after_a_position_sees_what_was_written_up_to_it() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let visitor = app.visitor(&Person::stranger()).await;
    let scheduler = app.scheduler();
    for (n, time) in ["09:00", "09:20", "09:40"].iter().enumerate() {
        let wanted = visitor.finds(small.service, time).await;
        let booking = json!({ "service": small.service, "availability": wanted });
        let booked = visitor.sends_booking(time, &booking).await.ok();
        let after = booked.position();

        let seen = visitor.get(&format!("/availabilities?service={}&after={after}", small.service)).await.ok();
        assert_eq!((seen.list("/availabilities").len(), &seen["stale"]), (2 - n, &json!(false)));
        let agenda = scheduler.get(&format!("/agenda?from={TOMORROW}&after={after}")).await.ok();
        assert_eq!(agenda.list("/days/0/appointments").len(), n + 1);
        assert_eq!(agenda.header("booking-stale"), None);
        let queue = scheduler.get(&format!("/reconciliation?after={after}")).await.ok();
        assert_eq!(queue.list("/waiting").len(), n + 1);
    }
    // A position that is not there yet is waited for, and then the answer says that it is stale.
    let far = visitor.get(&format!("/availabilities?service={}&after=999999", small.service)).await.ok();
    assert_eq!(far["stale"], true);
}

// 8.4, 8.29.
#[tokio::test]
async fn a_patient_at_the_cap_is_offered_no_more_times_until_one_is_cancelled_and_strangers_are_not_bound() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    app.admin().settles(&json!({ "max_future_appointments": 1 })).await;
    let eve = Person::named("Eve", "Tremblay");
    app.scheduler().registers(&eve).await;
    let visitor = app.visitor(&eve).await;
    let other = visitor.finds(small.service, "09:20").await;
    let first = visitor.books_at(small.service, "09:00").await;

    let again = app.visitor(&eve).await;
    assert_eq!(again.sees_services().await, [small.service]);
    assert_eq!(again.sees_times(small.service).await, Vec::<String>::new());
    again.asks_to_book(small.service, &other).await.is(409, "not_offered");
    again.asks_to_hold(small.service, &other).await.is(409, "not_offered");
    let stranger = app.visitor(&Person::stranger()).await;
    assert_eq!(stranger.sees_times(small.service).await, ["11-24 09:20", "11-24 09:40"]);

    let _ = first.cancels(&first.sees().await.etag()).await.ok();
    assert_eq!(again.sees_times(small.service).await.len(), 3);
    let _ = again.asks_to_book_again(small.service, &other).await;
}

// 8.4: exactly at the minimum notice is in time, a second later is not.
#[tokio::test]
async fn a_time_is_offered_up_to_its_minimum_notice_and_within_the_horizon() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    app.admin().settles(&json!({ "min_notice_minutes": 60, "max_horizon_minutes": 1440 })).await;
    let visitor = app.visitor(&Person::stranger()).await;
    // Of nine, nine twenty and nine forty tomorrow only the first lies within a day from now.
    assert_eq!(visitor.sees_times(small.service).await, ["11-24 09:00"]);
    app.goes_to(TOMORROW, "08:00");
    let visitor = app.visitor(&Person::stranger()).await;
    let wanted = visitor.finds(small.service, "09:00").await;
    app.waits_seconds(1);
    assert_eq!(visitor.sees_times(small.service).await, ["11-24 09:20", "11-24 09:40"]);
    let late = visitor.asks_to_book(small.service, &wanted).await;
    late.is(409, "not_offered");
    assert!(late.str("/detail").contains("too late"), "{}", late.text);
}
