//! Messages: who is told what, decided at the moment of sending. The worker runs when a test says so, through a channel
//! of this process; `smtp.rs` has a real server.

use booking_api::AppOptions;
use booking_api::messages::{Delivery, Outgoing};
use booking_domain::ids::AppointmentId;
use booking_domain::time::{Instant, Tz};
use booking_domain::values::{Language, Role};
use booking_engine::vault::{MessageChannel, MessageKind};
use booking_tests::http::portal::{id, text};
use booking_tests::http::setup::{ACTIVITY_NAME, SERVICE_NAME, TOMORROW};
use booking_tests::http::{LinkHolder, Person, Post, SmallClinic, TestApp, Visitor};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// A server whose messages a test sends by hand.
async fn start() -> (TestApp, Arc<Post>) {
    let post = Arc::new(Post::default());
    let messages = post.options();
    (TestApp::start_with(|o| AppOptions { messages, ..o }).await, post)
}

async fn round(app: &TestApp) -> usize {
    app.app.messages.round().await.unwrap()
}

/// The kinds of what is sent in a round.
async fn told(app: &TestApp, post: &Post) -> Vec<MessageKind> {
    round(app).await;
    post.takes().iter().map(|m| m.kind).collect()
}

fn by_email() -> Person {
    Person::stranger().but(|p| p.cell_phone = None)
}

fn by_sms() -> Person {
    Person::stranger().but(|p| p.email = None)
}

/// Moves by the link to the first other time.
async fn moves_to(link: &LinkHolder<'_>, time: &str) {
    let targets = link.sees_targets().await;
    let target = targets.iter().find(|t| t["start_time"] == time).unwrap();
    let etag = link.sees().await.ok().etag();
    let _ = link.moves(&etag, target["availability"].as_str().unwrap()).await.ok();
}

async fn cancels(link: &LinkHolder<'_>) {
    let etag = link.sees().await.ok().etag();
    let _ = link.cancels(&etag).await.ok();
}

/// Staff plan tomorrow at eleven; `more` goes over the form.
async fn plans(app: &TestApp, small: &SmallClinic, more: &Value) -> Uuid {
    let mut form = json!({ "activity": small.activity, "contact": by_email().contact() });
    booking_tests::http::staff::merge(&mut form, more);
    let planned = app.scheduler().plans(small.desk.agenda, TOMORROW, ("11:00", "11:30"), &form).await.ok();
    app.settle().await;
    id(&planned["id"])
}

/// Staff move an appointment of tomorrow.
async fn staff_moves(app: &TestApp, small: &SmallClinic, appointment: Uuid, date: &str, times: (&str, &str)) {
    let form = json!({ "agenda": small.desk.agenda, "date": date, "start": times.0, "end": times.1 });
    let _ = app.scheduler().does(appointment, "move", &form).await.ok();
}

fn said(message: &Outgoing) -> &str {
    message.text.expose()
}

#[tokio::test]
async fn a_booking_a_move_and_a_cancellation_are_each_told_once() {
    let (app, post) = start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let visitor = app.visitor(&by_email()).await;
    let link = visitor.books_at(small.service, "09:00").await;
    assert_eq!(told(&app, &post).await, [MessageKind::Booking]);
    assert_eq!(told(&app, &post).await, [], "nothing is told twice");
    moves_to(&link, "09:40").await;
    round(&app).await;
    let moved = post.takes();
    assert_eq!(moved.iter().map(|m| m.kind).collect::<Vec<_>>(), [MessageKind::Change]);
    assert!(said(&moved[0]).contains("9\u{a0}h\u{a0}40"), "{}", said(&moved[0]));
    cancels(&link).await;
    assert_eq!(told(&app, &post).await, [MessageKind::Cancellation]);
    assert_eq!(told(&app, &post).await, []);
    let done = app.app.engine.vault().deliveries(app.clinic.id, appointment_of(&app, &link).await).await.unwrap();
    let kinds: Vec<_> = done.iter().map(|(kind, channel, _)| (*kind, *channel)).collect();
    let all = [MessageKind::Booking, MessageKind::Change, MessageKind::Cancellation];
    assert_eq!(kinds, all.map(|kind| (kind, MessageChannel::Email)));
}

async fn appointment_of(app: &TestApp, link: &LinkHolder<'_>) -> AppointmentId {
    let found = app.scheduler().finds(TOMORROW, &link.reference()).await;
    AppointmentId(id(&found["id"]))
}

// A19: what is due is decided when it is sent.
#[tokio::test]
async fn what_was_cancelled_before_it_was_told_is_told_as_cancelled_alone() {
    let (app, post) = start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let visitor = app.visitor(&by_email()).await;
    let link = visitor.books_at(small.service, "09:00").await;
    cancels(&link).await;
    assert_eq!(told(&app, &post).await, [MessageKind::Cancellation]);
}

#[tokio::test]
async fn a_booking_whose_cancellation_is_not_read_yet_is_not_told_any_more() {
    let (app, post) = start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let link = app.visitor(&by_email()).await.books_at(small.service, "09:00").await;
    app.app.engine.follow_log().await.unwrap();
    cancels(&link).await;
    // The outbox knows of the booking alone; the log knows better.
    assert_eq!(app.app.messages.deliver_due().await.unwrap(), 0);
    assert!(post.takes().is_empty());
    assert_eq!(told(&app, &post).await, [MessageKind::Cancellation]);
}

#[tokio::test]
async fn of_two_moves_before_sending_the_newest_state_is_told_once() {
    let (app, post) = start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    app.scheduler().publishes_slot(small.desk.agenda, "2026-11-26", ("09:00", "10:00"), small.activity).await;
    let link = app.visitor(&by_email()).await.books_at(small.service, "09:00").await;
    round(&app).await;
    let _ = post.takes();
    let appointment = appointment_of(&app, &link).await.0;
    staff_moves(&app, &small, appointment, TOMORROW, ("09:20", "09:40")).await;
    staff_moves(&app, &small, appointment, "2026-11-26", ("09:40", "10:00")).await;
    round(&app).await;
    let sent = post.takes();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].kind, MessageKind::Change);
    assert!(said(&sent[0]).contains("jeudi 26 novembre, 9\u{a0}h\u{a0}40"), "{}", said(&sent[0]));
    // There and back is no news.
    staff_moves(&app, &small, appointment, "2026-11-26", ("09:00", "09:20")).await;
    staff_moves(&app, &small, appointment, "2026-11-26", ("09:40", "10:00")).await;
    assert_eq!(told(&app, &post).await, []);
    // A longer time is.
    staff_moves(&app, &small, appointment, "2026-11-26", ("09:40", "10:15")).await;
    round(&app).await;
    let sent = post.takes();
    assert!(said(&sent[0]).contains("Durée : 35\u{a0}minutes"), "{}", said(&sent[0]));
}

// R80, R81, R82, 8.24, and what is past.
#[tokio::test]
async fn nobody_is_told_what_they_do_not_want_or_what_is_past_or_without_an_activity() {
    let (app, post) = start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    for more in [json!({ "notify": false }), json!({ "activity": null }), json!({ "channel": "Hub" })] {
        let appointment = plans(&app, &small, &more).await;
        assert_eq!(told(&app, &post).await, [], "{more}");
        let _ = app.scheduler().cancels(appointment, true).await.ok();
        assert_eq!(told(&app, &post).await, [], "{more}");
    }
    let visitor = app.visitor(&by_email()).await;
    let booking = json!({ "service": small.service, "availability": visitor.finds(small.service, "09:20").await,
        "notify": false });
    let _ = visitor.sends_booking("quietly", &booking).await.ok();
    assert_eq!(told(&app, &post).await, []);
    plans(&app, &small, &Value::Null).await;
    app.goes_to(TOMORROW, "11:00");
    assert_eq!(told(&app, &post).await, [], "it has begun");
}

#[tokio::test]
async fn messages_go_to_what_was_typed_and_for_staff_bookings_to_the_record() {
    let (app, post) = start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let on_file = Person::stranger();
    let record = app.scheduler().registers(&on_file).await;
    let to = |post: &Post| post.takes().iter().map(|m| m.to.expose().clone()).collect::<Vec<_>>();
    // Recognized by the telephone that is on file; a relative's address was typed (8.18).
    let typed = on_file.but(|p| p.email = Some("daughter@example.ca".to_owned()));
    let link = app.visitor(&typed).await.books_at(small.service, "09:00").await;
    round(&app).await;
    assert_eq!(to(&post), ["daughter@example.ca"]);
    moves_to(&link, "09:20").await;
    round(&app).await;
    assert_eq!(to(&post), ["daughter@example.ca"], "also after it moved");
    let planned = plans(&app, &small, &json!({ "contact": null, "patient": record })).await;
    round(&app).await;
    assert_eq!(to(&post), ["zita@example.ca"]);
    let _ = app.scheduler().cancels(planned, true).await.ok();
    round(&app).await;
    assert_eq!(to(&post), ["zita@example.ca"]);
    // Attached by staff: what was typed still counts.
    let stranger = app.visitor(&Person::named("Alix", "Roy").but(|p| p.cell_phone = None)).await;
    let link = stranger.books_at(small.service, "09:00").await;
    round(&app).await;
    let _ = post.takes();
    let _ = app.scheduler().attaches(appointment_of(&app, &link).await.0, record).await.ok();
    moves_to(&link, "09:40").await;
    round(&app).await;
    assert_eq!(to(&post), ["alix@example.ca"]);
    let form = json!({ "activity": small.activity, "contact": by_sms().contact() });
    let _ = app.scheduler().plans(small.desk.agenda, TOMORROW, ("13:00", "13:30"), &form).await.ok();
    round(&app).await;
    assert_eq!(to(&post), ["+15145550142"]);
}

#[tokio::test]
async fn a_message_tells_what_a_patient_needs_and_no_internal_name() {
    let (app, post) = start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let link = app.visitor(&by_email()).await.books_at(small.service, "09:20").await;
    let english = Person::named("Alix", "Roy").but(|p| p.cell_phone = None);
    let mut form = english.typed();
    form["language"] = json!("en");
    let opened = booking_tests::http::portal::opening(&app, &app.clinic.slug, &form).await.ok();
    let mut visitor = app.visitor(&english).await;
    visitor.token = opened.str("/token").to_owned();
    let other = visitor.books_at(small.service, "09:40").await;
    round(&app).await;
    let mut sent = post.takes();
    // They were sent at the same time.
    sent.sort_by_key(|message| message.language == Language::En);
    let (french, english) = (said(&sent[0]), said(&sent[1]));
    let token = |link: &LinkHolder<'_>| link.token.clone();
    for part in [
        "mardi 24 novembre, 9\u{a0}h\u{a0}20 – heure de l’Est (Toronto)",
        "Durée : 20\u{a0}minutes",
        "Avec : Dre Roy",
        "Consultation : Consultation",
        "À la clinique",
        &link.reference(),
        "Clinique du Parc",
        "514 555-0100",
        &format!("https://rv.example.ca/p/clinique-du-parc/fr/manage#{}", token(&link)),
        "https://rv.example.ca/p/clinique-du-parc\n",
    ] {
        assert!(french.contains(part), "{part} is not in\n{french}");
    }
    for part in [
        "Tuesday 24 November, 9:40\u{a0}am – Eastern Time (Toronto)",
        "Duration: 20\u{a0}minutes",
        "Consultation: Visit",
        &format!("https://rv.example.ca/p/clinique-du-parc/en/manage#{}", token(&other)),
    ] {
        assert!(english.contains(part), "{part} is not in\n{english}");
    }
    assert_eq!(sent[0].heading, "Rendez-vous confirmé – Clinique du Parc");
    for message in &sent {
        let all = format!("{} {} {}", message.heading, said(message), calendar_of(message));
        for hidden in [ACTIVITY_NAME, SERVICE_NAME, "Zita", "Ouellet", "Alix", "1985-06-15"] {
            assert!(!all.contains(hidden), "{hidden} is in\n{all}");
        }
        assert!(!calendar_of(message).contains("#l_"), "a calendar is shared: no token");
    }
    // The link leads to the appointment.
    assert_eq!(app.link_holder(&link.token).sees().await.ok()["start_time"], "09:20");
}

fn calendar_of(message: &Outgoing) -> &str {
    message.calendar.as_ref().map_or("", |file| file.text.expose())
}

/// Words that a telephone on a table must not show.
const HEALTH: [&str; 12] =
    ["Consultation", "Visit", "Dre", "Roy", "médecin", "doctor", "toux", "cough", "vaccin", "Zita", "Ouellet", "santé"];

#[tokio::test]
async fn an_sms_holds_clinic_date_time_reference_and_link_and_nothing_about_health() {
    let (app, post) = start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let asks_why = json!({ "free_text_reason": true, "reason_required": true });
    let service = app.admin().configures_service(&[small.activity], &asks_why).await;
    let visitor = app.visitor(&by_sms()).await;
    let booking = json!({ "service": service, "availability": visitor.finds(service, "09:00").await,
        "reason": { "text": "toux" } });
    let booked = visitor.sends_booking("with a reason", &booking).await.ok();
    let mut link = app.link_holder(booked.str("/link_token"));
    link.booked = Some(booked);
    moves_to(&link, "09:20").await;
    round(&app).await;
    cancels(&link).await;
    round(&app).await;
    visitor.asks(Method::POST, "/visit/code").json(&json!({})).answer().await.has_status(202);
    round(&app).await;
    let sent = post.takes();
    assert_eq!(
        sent.iter().map(|m| m.kind).collect::<Vec<_>>(),
        [MessageKind::Change, MessageKind::Cancellation, MessageKind::Code]
    );
    for message in &sent {
        assert_eq!((message.channel, message.calendar.is_some()), (MessageChannel::Sms, false));
        let said = said(message);
        assert!(said.starts_with("Clinique du Parc : "), "{said}");
        assert!(said.chars().count() <= 320, "{said}");
        for word in HEALTH {
            assert!(!said.contains(word), "{word} is in {said}");
        }
        if message.kind != MessageKind::Code {
            assert!(said.contains("mardi 24 novembre, 9 h 20") && said.contains(&link.reference()), "{said}");
        }
    }
    assert!(said(&sent[0]).ends_with(&format!("/fr/manage#{}", link.token)), "{}", said(&sent[0]));
}

// Quiet hours.
#[tokio::test]
async fn at_night_no_telephone_rings_for_what_the_clinic_did() {
    let (app, post) = start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    app.scheduler().publishes_slot(small.desk.agenda, "2026-11-26", ("09:00", "12:00"), small.activity).await;
    app.goes_to("2026-11-24", "22:00");
    // The patient's own act is answered at once.
    let link = app.visitor(&by_sms()).await.books_at(small.service, "09:20").await;
    assert_eq!(told(&app, &post).await, [MessageKind::Booking]);
    let found = app.scheduler().finds("2026-11-26", &link.reference()).await;
    staff_moves(&app, &small, id(&found["id"]), "2026-11-26", ("10:00", "10:20")).await;
    assert_eq!(told(&app, &post).await, []);
    // An e-mail rings nobody awake.
    let form = json!({ "activity": small.activity, "contact": by_email().contact() });
    let _ = app.scheduler().plans(small.desk.agenda, "2026-11-26", ("11:00", "11:20"), &form).await.ok();
    assert_eq!(told(&app, &post).await, [MessageKind::Booking]);
    app.goes_to("2026-11-25", "07:59");
    assert_eq!(told(&app, &post).await, []);
    app.goes_to("2026-11-25", "08:00");
    assert_eq!(told(&app, &post).await, [MessageKind::Change]);
}

#[tokio::test]
async fn a_channel_that_is_down_loses_nothing_and_repeats_nothing() {
    let (app, post) = start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let _link = app.visitor(&by_email()).await.books_at(small.service, "09:00").await;
    let down = Delivery::Later("down".to_owned());
    for attempt in 0..6 {
        post.answers(1, &down);
        assert_eq!(round(&app).await, 0);
        assert_eq!(round(&app).await, 0, "it waits");
        let next = app.app.engine.vault().next_attempt().await.unwrap().unwrap();
        let (pause, expected) = (next.since(app.now()), 5_000_000 << attempt);
        assert!((pause - expected).abs() <= expected / 5, "attempt {attempt}: {pause} µs");
        app.clock.set(next);
    }
    assert_eq!(told(&app, &post).await, [MessageKind::Booking]);
    assert_eq!(told(&app, &post).await, []);
}

#[tokio::test]
async fn what_cannot_be_delivered_is_kept_for_staff_and_not_tried_again() {
    let (app, post) = start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let link = app.visitor(&by_email()).await.books_at(small.service, "09:00").await;
    post.answers(1, &Delivery::Refused("refused"));
    assert_eq!(told(&app, &post).await, []);
    app.waits_seconds(3600);
    assert_eq!(told(&app, &post).await, []);
    let appointment = appointment_of(&app, &link).await;
    let undelivered = app.app.engine.vault().undelivered(app.clinic.id, appointment).await.unwrap();
    assert_eq!(undelivered.len(), 1);
    assert_eq!((undelivered[0].kind, undelivered[0].reason.as_str()), (MessageKind::Booking, "refused"));
    // News is tried again.
    staff_moves(&app, &small, appointment.0, TOMORROW, ("09:20", "09:40")).await;
    assert_eq!(told(&app, &post).await, [MessageKind::Change]);
}

#[tokio::test]
async fn nobody_is_told_of_what_happened_before_there_was_a_channel() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let link = app.visitor(&by_email()).await.books_at(small.service, "09:00").await;
    let token = link.token.clone();
    drop(link);
    let post = Arc::new(Post::default());
    let messages = post.options();
    let app = app.restarts(|o| AppOptions { messages, ..o }).await;
    assert_eq!(told(&app, &post).await, []);
    // What happens to it from now on is told.
    let link = app.link_holder(&token);
    moves_to(&link, "09:20").await;
    assert_eq!(told(&app, &post).await, [MessageKind::Change]);
    drop(link);
    // Without a channel nothing is collected for later.
    let app = app.restarts(|o| o).await;
    let link = app.link_holder(&token);
    moves_to(&link, "09:40").await;
    drop(link);
    let messages = post.options();
    let app = app.restarts(|o| AppOptions { messages, ..o }).await;
    assert_eq!(told(&app, &post).await, []);
}

// B15: a reactor is no projection.
#[tokio::test]
async fn a_rebuild_of_every_view_sends_nothing() {
    let (app, post) = start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let link = app.visitor(&by_email()).await.books_at(small.service, "09:00").await;
    moves_to(&link, "09:20").await;
    plans(&app, &small, &Value::Null).await;
    round(&app).await;
    assert_eq!(post.takes().len(), 2);
    drop(link);
    let views: Vec<&str> = app.app.views.status().iter().map(|s| s.name).collect();
    assert!(views.len() >= 5, "{views:?}");
    for view in views {
        app.app.views.rebuild(view, &tokio_util::sync::CancellationToken::new()).await.unwrap();
        assert_eq!(round(&app).await, 0, "{view}");
    }
    // And with the views gone altogether.
    let dir = app.stop().await;
    for file in ["views.db", "views.db-wal", "views.db-shm"] {
        let _ = std::fs::remove_file(dir.path().join(file));
    }
    let clock = Arc::new(booking_engine::ManualClock::new(booking_tests::world::MORNING));
    let options = booking_tests::http::app::options(dir.path(), &clock);
    let app = booking_api::App::open(AppOptions { messages: post.options(), ..options }).await.unwrap();
    assert!(app.settle().await);
    assert_eq!(app.messages.round().await.unwrap(), 0);
    assert!(post.takes().is_empty());
    app.close().await;
}

/// Where a server is killed while it tells of a booking.
#[derive(Clone, Copy, Debug)]
enum Cut {
    BeforeTheOutbox,
    BeforeTheClaim,
    BeforeSending,
    BeforeTheRecord,
    AfterTheRecord,
}

// Ends the process between any two steps: what is on the disk then is all that the next start has.
#[tokio::test]
async fn a_kill_between_any_two_steps_loses_nothing_and_repeats_at_most_under_the_same_id() {
    for cut in
        [Cut::BeforeTheOutbox, Cut::BeforeTheClaim, Cut::BeforeSending, Cut::BeforeTheRecord, Cut::AfterTheRecord]
    {
        let (app, post) = start().await;
        let small = SmallClinic::with_a_morning(&app).await;
        let link = app.visitor(&by_email()).await.books_at(small.service, "09:00").await;
        drop(link);
        let engine = Arc::clone(&app.app.engine);
        let (vault, now) = (engine.vault(), app.now());
        match cut {
            Cut::BeforeTheOutbox => {}
            Cut::BeforeTheClaim => {
                engine.follow_log().await.unwrap();
            }
            Cut::BeforeSending => {
                engine.follow_log().await.unwrap();
                let waiting = vault.waiting(now, 10).await.unwrap();
                assert!(vault.claim(&waiting[0], now, now.plus_minutes(5)).await.unwrap().is_some());
            }
            Cut::BeforeTheRecord => {
                // Taken by the channel, and then nothing is written any more: the answer of the channel is lost.
                engine.follow_log().await.unwrap();
                post.dies_after_taking();
                let dying = Arc::clone(&app.app.messages);
                let work = tokio::spawn(async move { dying.deliver_due().await });
                post.has_died().await;
                work.abort();
                let _ = work.await;
            }
            Cut::AfterTheRecord => {
                round(&app).await;
            }
        }
        drop(engine);
        let before = post.takes();
        let messages = post.options();
        let app = app.restarts(|o| AppOptions { messages, ..o }).await;
        round(&app).await;
        // A claim that nobody finished runs out.
        app.waits_seconds(5 * 60);
        round(&app).await;
        app.waits_seconds(3600);
        round(&app).await;
        let after = post.takes();
        match cut {
            Cut::BeforeTheRecord => {
                assert_eq!((before.len(), after.len()), (1, 1), "{cut:?}");
                assert_eq!(before[0].id, after[0].id, "whoever gets it twice can tell");
                assert_eq!(said(&before[0]), said(&after[0]));
                assert_eq!(calendar_of(&before[0]), calendar_of(&after[0]));
            }
            Cut::AfterTheRecord => assert_eq!((before.len(), after.len()), (1, 0), "{cut:?}"),
            _ => assert_eq!((before.len(), after.len()), (0, 1), "{cut:?}"),
        }
    }
}

#[tokio::test]
async fn two_workers_at_once_send_one() {
    let (app, post) = start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    for time in ["09:00", "09:20", "09:40"] {
        let person = Person::named(&format!("P{}", &time[3..]), "Roy").but(|p| p.cell_phone = None);
        app.visitor(&person).await.books_at(small.service, time).await;
    }
    app.app.engine.follow_log().await.unwrap();
    let work = || async { app.app.messages.deliver_due().await.unwrap() };
    let (a, b, c, d) = tokio::join!(work(), work(), work(), work());
    assert_eq!((a + b + c + d, post.takes().len()), (3, 3));
}

#[tokio::test]
async fn the_same_event_read_twice_gives_one_message() {
    let (app, post) = start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let _link = app.visitor(&by_email()).await.books_at(small.service, "09:00").await;
    let engine = Arc::clone(&app.app.engine);
    let follow = || async { engine.follow_log().await.unwrap() };
    let (a, b, c) = tokio::join!(follow(), follow(), follow());
    assert_eq!(a + b + c, 1);
    assert_eq!(told(&app, &post).await, [MessageKind::Booking]);
    // Even a reactor that lost its place repeats nothing.
    engine.vault().drop_cursor(booking_engine::NOTICES).await.unwrap();
    engine.vault().begin_cursor(booking_engine::NOTICES, booking_store::Position(0)).await.unwrap();
    assert_eq!(told(&app, &post).await, []);
}

#[tokio::test]
async fn the_dead_and_the_erased_are_written_to_no_more() {
    let (app, post) = start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let record = app.scheduler().registers(&by_email()).await;
    let planned = plans(&app, &small, &json!({ "contact": null, "patient": record })).await;
    round(&app).await;
    assert_eq!(post.takes().len(), 1);
    let etag = app.scheduler().get(&format!("/patients/{record}")).await.ok().etag();
    let died = json!({ "date": "2026-11-20" });
    let path = format!("/patients/{record}/deceased");
    let _ = app.scheduler().changes(Method::POST, &path, &etag, &died).await.ok();
    let _ = app.scheduler().cancels(planned, true).await.ok();
    assert_eq!(told(&app, &post).await, []);

    let link = app.visitor(&by_email().but(|p| p.first_name = "Alix".to_owned())).await;
    let link = link.books_at(small.service, "09:00").await;
    round(&app).await;
    let _ = post.takes();
    let appointment = appointment_of(&app, &link).await;
    let day = app.app.engine.day(small.desk.agenda.into(), booking_tests::actors::date(TOMORROW)).await.unwrap();
    let subject = day.state.appointments[&appointment].subject;
    app.app.engine.vault().destroy_subjects(app.clinic.id, &[subject], app.now()).await.unwrap();
    moves_to(&link, "09:20").await;
    assert_eq!(told(&app, &post).await, []);
}

// A20, A21: origin, message and zone; what is shown, mailed and in the calendar is one moment.
#[tokio::test]
async fn every_message_of_every_origin_says_the_clinics_own_time_in_every_zone() {
    let (app, post) = start().await;
    let zones = [
        Tz::America__Toronto,
        Tz::America__BlancSablon,
        Tz::America__St_Johns,
        Tz::Australia__Lord_Howe,
        Tz::Africa__Casablanca,
    ];
    let mut compared = 0;
    for (number, zone) in zones.into_iter().enumerate() {
        let clinic = app.another_clinic_in(&format!("clinique-{number}"), zone).await;
        let admin = app.staff(&clinic, Role::Administrator);
        let small = admin.sets_up().await;
        // Before and after the clocks change somewhere, and on the days themselves.
        for date in ["2026-11-25", "2027-03-14", "2027-04-04", "2027-11-07"] {
            admin.publishes_slot(small.desk.agenda, date, ("09:00", "10:00"), small.activity).await;
            let person = by_email();
            let visitor = Visitor::opens(&app, &clinic.slug, &person).await;
            app.settle().await;
            let day = format!("/availabilities?service={}&from={date}&to={date}", small.service);
            let free = visitor.get(&day).await.ok();
            let free = free.list("/availabilities");
            let wanted = free.iter().find(|a| a["date"] == date && a["start_time"] == "09:20").unwrap();
            let booking = json!({ "service": small.service, "availability": wanted["availability"] });
            let booked = visitor.sends_booking(date, &booking).await.ok();
            let mut link = LinkHolder::new(&app, &clinic.slug, booked.str("/link_token"));
            link.booked = Some(booked);
            let form = json!({ "activity": small.activity, "contact": person.contact() });
            let planned = admin.plans(small.desk.agenda, date, ("11:05", "11:35"), &form).await.ok();
            app.settle().await;
            round(&app).await;
            let of_patient = link.sees().await.ok();
            compared += compare(&post.takes(), &[&of_patient.body, &planned.body], zone);
            // Both are moved, one by the patient and one by staff.
            let target = free.iter().find(|a| a["date"] == date && a["start_time"] == "09:40").unwrap();
            let moved = link.moves(&of_patient.etag(), &text(&target["availability"])).await.ok();
            let planned = id(&planned["id"]);
            let form = json!({ "agenda": small.desk.agenda, "date": date, "start": "16:10", "end": "16:40" });
            let also = admin.does(planned, "move", &form).await.ok();
            round(&app).await;
            compared += compare(&post.takes(), &[&moved.body, &also.body], zone);
            let gone = link.cancels(&moved.etag()).await.ok();
            let also_gone = admin.cancels(planned, false).await.ok();
            round(&app).await;
            compared += compare(&post.takes(), &[&gone.body, &also_gone.body], zone);
        }
    }
    assert_eq!(compared, 5 * 4 * 6);
}

/// Every message says the time of its answer; answers how many were compared.
fn compare(sent: &[Outgoing], answers: &[&Value], zone: Tz) -> usize {
    assert_eq!(sent.len(), answers.len(), "{answers:?}");
    for answer in answers {
        let reference = text(&answer["reference"]).replace('-', "");
        let message = sent.iter().find(|m| said(m).replace('-', "").contains(&reference)).unwrap();
        let shown = answer.get("when").unwrap_or(answer);
        let start: Instant = booking_api::http::wire::instant("start", &text(&shown["start"])).unwrap();
        let (date, time) = start.wall(zone);
        assert_eq!((date.to_string(), time.to_string()), (text(&shown["date"]), text(&shown["start_time"])));
        let w = booking_api::pages::text::Words::of(Language::Fr);
        let when = format!("{} – {}", w.day_time(date, time), w.zone(zone, start));
        assert!(said(message).contains(&when), "{when} is not in\n{}", said(message));
        let file: icalendar::Calendar = calendar_of(message).parse().unwrap();
        let event = file.events().next().unwrap();
        let Some(icalendar::DatePerhapsTime::DateTime(icalendar::CalendarDateTime::Utc(starts))) =
            icalendar::Component::get_start(event)
        else {
            panic!("not in UTC: {}", calendar_of(message));
        };
        assert_eq!(Instant::from_utc(starts), start);
    }
    answers.len()
}

#[tokio::test]
async fn a_calendar_entry_keeps_its_id_and_its_sequence_grows_over_every_move() {
    let (app, post) = start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    for date in ["2026-11-26", "2026-11-27"] {
        app.scheduler().publishes_slot(small.desk.agenda, date, ("09:00", "10:00"), small.activity).await;
    }
    let link = app.visitor(&by_email()).await.books_at(small.service, "09:00").await;
    round(&app).await;
    let appointment = appointment_of(&app, &link).await.0;
    // Away, on, back to the first day, and away again: no day is counted twice.
    for date in ["2026-11-26", "2026-11-27", TOMORROW, "2026-11-26"] {
        staff_moves(&app, &small, appointment, date, ("09:20", "09:40")).await;
        round(&app).await;
    }
    cancels(&link).await;
    round(&app).await;
    let mut last = None;
    let sent = post.takes();
    assert_eq!(sent.len(), 6);
    for (at, message) in sent.iter().enumerate() {
        let file = calendar_of(message);
        let value = |name: &str| {
            let unfolded = file.replace("\r\n ", "");
            unfolded.lines().find_map(|l| l.strip_prefix(name).map(str::to_owned)).unwrap_or_default()
        };
        assert_eq!(value("UID:"), format!("appointment-{}@clinic-booking", appointment.simple()));
        let sequence: u32 = value("SEQUENCE:").parse().unwrap();
        assert!(last.is_none_or(|last| sequence > last), "{sequence} after {last:?}");
        last = Some(sequence);
        let cancelled = at == 5;
        assert_eq!(value("METHOD:"), if cancelled { "CANCEL" } else { "PUBLISH" });
        assert_eq!(value("STATUS:"), if cancelled { "CANCELLED" } else { "CONFIRMED" });
    }
}

#[tokio::test]
async fn the_demo_shows_its_messages_on_a_page_and_no_other_server_does() {
    let messages = booking_api::messages::MessageOptions {
        shown: true,
        public_url: "http://127.0.0.1:8080".to_owned(),
        by_hand: true,
        ..Default::default()
    };
    let app = TestApp::start_with(|o| AppOptions { messages, ..o }).await;
    app.get("/demo/messages").await.has_status(404);
    let clinic = app.another_clinic(booking_api::demo::SLUG).await;
    let admin = app.staff(&clinic, Role::Administrator);
    let small = admin.sets_up().await;
    admin.publishes_slot(small.desk.agenda, TOMORROW, ("09:00", "10:00"), small.activity).await;
    let visitor = Visitor::opens(&app, &clinic.slug, &by_email()).await;
    visitor.books_at(small.service, "09:00").await;
    round(&app).await;
    let shown = app.get("/demo/messages").await.ok();
    assert_eq!(shown.str("/messages/0/kind"), "booking");
    assert!(shown.str("/messages/0/text").contains("mardi 24 novembre"), "{}", shown.text);
    assert!(shown.str("/messages/0/calendar").starts_with("BEGIN:VCALENDAR"), "{}", shown.text);
    assert_eq!(shown.str("/messages/0/language"), "fr");
    // A browser gets the same as a page, whose links lead on.
    let page = |accept: &'static str| app.asks(Method::GET, "/demo/messages").header("accept", accept).answer();
    let html = page("text/html,application/xhtml+xml,*/*;q=0.8").await;
    html.has_status(200);
    assert!(html.header("content-type").unwrap().starts_with("text/html"));
    let document = scraper::Html::parse_document(&html.text);
    let all = |selector: &str| {
        let selector = scraper::Selector::parse(selector).unwrap();
        document.select(&selector).map(|e| e.text().collect::<String>()).collect::<Vec<_>>()
    };
    assert_eq!(all("article").len(), 1);
    assert!(all("article h2")[0].contains("zita@example.ca"), "{:?}", all("article h2"));
    assert!(all("article [lang=fr]")[0].contains("mardi 24 novembre"));
    let links = all("article a[href]");
    assert!(links.iter().any(|link| link.contains("/manage#l_")), "{links:?}");
    assert!(all("article pre")[0].starts_with("BEGIN:VCALENDAR"));
    assert!(page("application/json").await.ok().list("/messages").len() == 1);
    let first = app.get(&format!("/p/{}/fr/start", clinic.slug)).await;
    assert!(first.text.contains("href=\"/demo/messages\""));
    let (other, _) = start().await;
    other.get("/demo/messages").await.has_status(404);
    assert!(!other.get(&format!("/p/{}/fr/start", other.clinic.slug)).await.text.contains("/demo/messages"));
}
