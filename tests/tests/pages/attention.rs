//! What needs somebody at the clinic: notices that did not arrive, appointments of a practitioner who left, and which
//! services the agenda shows.

use super::staff::signed_in;
use booking_api::AppOptions;
use booking_api::messages::Delivery;
use booking_domain::values::Role;
use booking_tests::http::portal::id;
use booking_tests::http::setup::{ACTIVITY_NAME, TOMORROW};
use booking_tests::http::{Browser, Person, Post, SmallClinic, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;

/// What is due is sent, and shown.
async fn round(app: &TestApp) {
    app.app.messages.round().await.unwrap();
    app.settle().await;
}

#[tokio::test]
async fn a_notice_that_did_not_arrive_is_told_with_the_number_to_call_until_a_later_one_arrives() {
    let post = Arc::new(Post::default());
    let messages = post.options();
    let app = TestApp::start_with(|o| AppOptions { messages, ..o }).await;
    let small = SmallClinic::with_a_morning(&app).await;
    let link = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await;
    let appointment = id(&app.scheduler().finds(TOMORROW, &link.reference()).await["id"]);
    post.answers(1, &Delivery::Refused("refused"));
    round(&app).await;

    let mut browser = signed_in(&app, Role::Practitioner, &format!("/staff/agenda?date={TOMORROW}")).await;
    assert_eq!(browser.text_of("#undelivered-count"), "1");
    browser.follows("Notice not delivered").await;
    browser.reads("Booking notice by e-mail: could not be delivered.");
    assert!(!browser.text_of("main").contains("Ouellet"), "whose it is stands at the appointment alone");
    browser.follows("Tuesday 24 November, 9:00 am").await;
    browser.is_at(&format!("/staff/appointments/{appointment}"));
    let call = browser.text_of("#not-reached");
    assert_eq!(call, "The notice could not be delivered: call +15145550142");
    assert_eq!(browser.attributes("#not-reached a", "href"), ["tel:+15145550142"]);
    let told = browser.texts_of("#messages li");
    assert_eq!(told, ["Booking notice by e-mail: could not be delivered. Monday 23 November, 9:00 am"]);
    let api = app.scheduler().opens(appointment).await;
    let expected = json!([{ "kind": "booking", "channel": "email", "delivered": false,
        "at": "2026-11-23T09:00:00-05:00", "reason": "refused" }]);
    assert_eq!(api["messages"], expected, "and never what it said");

    // A later message arrives: nobody has to call any more, and what happened stays to be read.
    app.waits_seconds(60);
    let form = json!({ "agenda": small.desk.agenda, "date": TOMORROW, "start": "09:20", "end": "09:40" });
    let _ = app.scheduler().does(appointment, "move", &form).await.ok();
    round(&app).await;
    browser.reloads().await;
    assert!(!browser.has("#not-reached"));
    assert_eq!(browser.texts_of("#messages li").len(), 2);
    browser.reads("Notice of a change by e-mail: sent.");
    browser.goes("/staff/undelivered").await;
    browser.reads("Every notice about coming appointments was delivered.");

    // A cancellation that did not arrive counts too, and the day after its day it does not.
    let _ = app.scheduler().cancels(appointment, true).await.ok();
    post.answers(1, &Delivery::Refused("refused"));
    round(&app).await;
    browser.goes("/staff/undelivered").await;
    browser.reads("Notice of the cancellation by e-mail: could not be delivered.");
    browser.reads("Cancelled");
    app.goes_to("2026-11-25", "00:00");
    let mut browser = signed_in(&app, Role::Scheduler, "/staff/undelivered").await;
    browser.reads("Every notice about coming appointments was delivered.");
    browser.goes("/staff/agenda").await;
    assert_eq!(browser.text_of("#undelivered-count"), "0");
    let auditor = signed_in(&app, Role::Auditor, "/staff/undelivered").await;
    auditor.has_status(404);
}

#[tokio::test]
async fn another_clinics_trouble_is_not_counted_here() {
    let post = Arc::new(Post::default());
    let messages = post.options();
    let app = TestApp::start_with(|o| AppOptions { messages, ..o }).await;
    let small = SmallClinic::with_a_morning(&app).await;
    let _ = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await;
    let other = app.another_clinic("autre-clinique").await;
    post.answers(1, &Delivery::Refused("refused"));
    round(&app).await;
    let found = app.staff(&other, Role::Scheduler).get("/messages/undelivered").await.ok();
    assert_eq!(found["items"], json!([]));
    let own = app.scheduler().get("/messages/undelivered").await.ok();
    assert_eq!(own.list("/items").len(), 1);
    assert!(!own.text.contains("Ouellet") && !own.text.contains("514") && !own.text.contains('@'), "{}", own.text);
}

/// What the administrator sees of Dre Roy.
async fn administrator<'a>(app: &'a TestApp, small: &SmallClinic) -> Browser<'a> {
    signed_in(app, Role::Administrator, &format!("/staff/admin/practitioners/{}", small.desk.practitioner)).await
}

#[tokio::test]
async fn a_practitioner_who_leaves_is_offline_at_once_and_the_clinic_is_told_whom_to_call() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let visitor = app.visitor(&Person::stranger()).await;
    visitor.books_at(small.service, "09:00").await;
    assert_eq!(visitor.sees_times(small.service).await.len(), 2);
    let held = visitor.finds(small.service, "09:40").await;

    let mut browser = administrator(&app, &small).await;
    let mut stale = administrator(&app, &small).await;
    browser.reads("Appointments stay: the next page lists whom to call.");
    browser.presses("Take out of service", &[]).await;
    browser.reads("Out of service. The button below undoes it.");
    browser.reads("1 appointment to come: move or cancel it");
    assert_eq!(browser.texts_of("#still-booked a"), ["Tuesday 24 November, 9:00 am: Zita Ouellet"]);
    stale.presses("Save", &[("name", "Dre Roy-Gagnon")]).await;
    stale.has_status(412);

    // Nothing of theirs is online, to be held, or to be opened; what is booked stands.
    assert_eq!(visitor.sees_times(small.service).await, Vec::<String>::new());
    assert!(!visitor.asks_to_hold(small.service, &held).await.is_ok());
    let refused = app.scheduler().asks_for_slot(small.desk.agenda, TOMORROW, ("13:00", "14:00"), &slot(&small)).await;
    refused.is(422, "invalid_field");
    assert_eq!(refused["errors"][0]["pointer"], "/agenda");
    for (path, form) in [
        ("/schedule/bulk", json!({ "slots": [placed(&small)] })),
        (
            "/schedule/recurring",
            json!({ "draft": placed(&small), "rule": { "weekdays": ["tuesday"], "until": TOMORROW } }),
        ),
    ] {
        let refused = app.scheduler().post(path, &form).await;
        assert_eq!(refused.status, 422, "{path}: {}", refused.text);
    }
    let day = app.scheduler().sees_day(small.desk.agenda, TOMORROW).await;
    assert_eq!(day, ["09:00 booked none", "09:20 free none", "09:40 free none"]);
    let mut reception = signed_in(&app, Role::Scheduler, "/staff/slots/new").await;
    assert!(reception.texts_of("#agenda option").is_empty(), "nobody to open a slot for");
    reception.goes(&format!("/staff/agenda?date={TOMORROW}")).await;
    reception.reads("Dre Roy");
    reception.goes("/staff/agenda?date=2026-12-01").await;
    assert!(!reception.text_of("#board").contains("Dre Roy"), "no column where nothing is left");
    // Why, in words, with who did it and what turns it round.
    let found = reception_explains(&mut reception).await;
    assert!(
        found.contains("The practitioner takes no more appointments here. (set by Member administrator"),
        "{found}"
    );
    assert!(found.contains("Let Dre Roy take appointments again."), "{found}");

    // Described anew they are still away; back in service everything is as it was.
    browser.presses("Save", &[("name", "Dre Roy-Gagnon")]).await;
    assert!(browser.text_of("#practitioners").contains("Takes no appointments"));
    let mut browser = administrator(&app, &small).await;
    let (method, path, form) = browser.form("Take into service again", &[]);
    let before = app.changes().await;
    for _ in 0..2 {
        assert_eq!(browser.request(&method, &path, Some(&form)).await.status, 303);
    }
    assert_eq!(app.changes().await, before + 1, "a second click does nothing more");
    browser.reloads().await;
    assert!(!browser.has("#away"));
    assert_eq!(visitor.sees_times(small.service).await.len(), 2);
    visitor.holds(small.service, &held).await;
    let _ = app.scheduler().asks_for_slot(small.desk.agenda, TOMORROW, ("13:00", "14:00"), &slot(&small)).await.ok();
}

fn slot(small: &SmallClinic) -> Value {
    json!({ "activity": small.activity })
}

fn placed(small: &SmallClinic) -> Value {
    json!({ "agenda": small.desk.agenda, "date": TOMORROW, "start": "15:00", "end": "16:00", "activity": small.activity })
}

async fn reception_explains(browser: &mut Browser<'_>) -> String {
    browser.goes(&format!("/staff/agenda?date={TOMORROW}")).await;
    let band = browser.attributes(".band a", "href").remove(0);
    browser.goes(&band).await;
    browser.follows("Why is it (not) online?").await;
    browser.text_of("#explained")
}

#[tokio::test]
async fn what_is_still_booked_with_somebody_who_left_is_answered_by_the_api_without_names() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let visitor = app.visitor(&Person::stranger()).await;
    let link = visitor.books_at(small.service, "09:00").await;
    let other = app.visitor(&Person::named("Nina", "Simard")).await;
    let cancelled = other.books_at(small.service, "09:20").await;
    let cancelled = id(&app.scheduler().finds(TOMORROW, &cancelled.reference()).await["id"]);
    let _ = app.scheduler().cancels(cancelled, true).await.ok();
    let path = format!("/practitioners/{}", small.desk.practitioner);
    let known = app.admin().get("/practitioners").await.ok();
    let etag = format!("\"{}\"", known["items"][0]["revision"]);
    let left = app.admin().changes(Method::POST, &format!("{path}/deactivate"), &etag, &Value::Null).await.ok();
    assert_eq!((&left["active"], left.list("/still_booked").len()), (&json!(false), 1));
    let reference = left.str("/still_booked/0/reference").replace('-', "");
    assert_eq!(reference, link.reference().replace('-', ""));
    assert!(!left.text.contains("Ouellet"));
    // Once more is nothing more, and an old revision is refused.
    let again = app.admin().changes(Method::POST, &format!("{path}/deactivate"), &left.etag(), &Value::Null).await;
    assert_eq!(again.ok().list("/still_booked").len(), 1);
    let stale = app.admin().changes(Method::POST, &format!("{path}/reactivate"), &etag, &Value::Null).await;
    stale.is(412, "stale");
}

#[tokio::test]
async fn the_agenda_shows_the_services_that_are_ticked() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let other = app.admin().defines_activity("zz-bilan", 30).await;
    let more = json!({ "internal_name": "bilans" });
    let service = app.admin().configures_service(&[other], &more).await;
    app.scheduler().publishes_slot(small.desk.agenda, TOMORROW, ("13:00", "14:00"), other).await;
    let own = json!({ "title": "réunion" });
    let _ = app.scheduler().asks_for_slot(small.desk.agenda, TOMORROW, ("15:00", "16:00"), &own).await.ok();
    let mut browser = signed_in(&app, Role::Scheduler, &format!("/staff/agenda?date={TOMORROW}")).await;
    for shown in [ACTIVITY_NAME, "zz-bilan", "réunion"] {
        browser.reads(shown);
    }
    browser.presses("Show", &[("service", &service.to_string())]).await;
    let board = browser.text_of("#board");
    assert!(board.contains("zz-bilan") && !board.contains(ACTIVITY_NAME) && !board.contains("réunion"), "{board}");
    assert_eq!(browser.attributes("input[name=service][checked]", "value"), [service.to_string()]);
    // Going on to another day or view keeps the choice.
    for link in ["Later", "Week", "List"] {
        browser.follows(link).await;
        assert!(browser.address.contains(&format!("service={service}")), "{link}: {}", browser.address);
    }
}

#[tokio::test]
async fn how_long_data_are_kept_is_set_on_the_page_of_the_settings() {
    let app = TestApp::start().await;
    let mut browser = signed_in(&app, Role::Administrator, "/staff/admin/settings").await;
    let mut stale = signed_in(&app, Role::Administrator, "/staff/admin/settings").await;
    assert_eq!(browser.attributes("#attached_years", "value"), ["10"]);
    let before = app.changes().await;
    let wrong = [("attached_years", "0"), ("provisional_days", "x"), ("cooling_off_days", "91")];
    browser.presses("Save how long", &wrong).await;
    browser.has_status(422);
    assert_eq!(browser.text_of("#provisional_days-error"), "Give a number of days from 1 to 3660.");
    assert_eq!(browser.attributes("#cooling_off_days", "value"), ["91"], "what was typed stays");
    browser.presses("Save how long", &[("provisional_days", "30"), ("attached_years", "101")]).await;
    browser.has_status(422);
    assert!(browser.has("#attached_years-error"));
    assert_eq!(app.changes().await, before);
    let right = [("attached_years", "15"), ("provisional_days", "30"), ("cooling_off_days", "0")];
    browser.presses("Save how long", &right).await;
    assert_eq!(browser.text_of("#notice"), "Saved.");
    let kept = app.admin().get("/retention").await.ok();
    assert_eq!(kept.body, json!({ "attached_years": 15, "provisional_days": 30, "cooling_off_days": 0 }));
    stale.presses("Save how long", &[("attached_years", "20")]).await;
    stale.has_status(412);
    assert!(stale.text_of("#stale").contains("Changed by Member administrator"));
    assert!(stale.text_of("#typed").contains("20"), "{}", stale.text_of("#typed"));
    assert_eq!(stale.attributes("#attached_years", "value"), ["15"]);
    // The other form of the page is another command.
    stale.presses("Save", &[("hold", "7")]).await;
    assert_eq!(stale.text_of("#notice"), "Saved.");
}
