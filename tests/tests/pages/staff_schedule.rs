//! Schedules on the clinic's pages: one slot, many with a preview and an undo, templates, why something is online.

use super::staff::signed_in;
use booking_domain::values::Role;
use booking_tests::http::setup::{TOMORROW, service_form};
use booking_tests::http::{Browser, Person, SmallClinic, TestApp};
use serde_json::json;

#[tokio::test]
async fn a_slot_is_opened_explained_changed_and_withdrawn() {
    let app = TestApp::start().await;
    let small = app.admin().sets_up().await;
    let mut browser = signed_in(&app, Role::Scheduler, &format!("/staff/slots/new?date={TOMORROW}")).await;
    let activity = small.activity.to_string();
    browser.presses("Open a slot", &[("start", "10:00"), ("end", "09:00"), ("activity", &activity)]).await;
    browser.has_status(422);
    browser.presses("Open a slot", &[("start", "09:00"), ("end", "10:00")]).await;
    browser.reads("The schedule is open.");
    let slot = browser.address.split('?').next().unwrap().to_owned();
    assert_eq!(browser.texts_of("#availabilities td:nth-child(2)"), ["Free, online"; 3]);
    browser.follows("Why is it (not) online?").await;
    assert!(browser.text_of("#verdict").starts_with("Offered online"));

    // Restricted to those who have a record: an anonymous visitor is refused, a recognized one is not.
    let path = format!("/services/{}", small.service);
    let etag = app.admin().get(&path).await.ok().etag();
    let form = service_form(&[small.activity], &json!({ "criteria": [{ "kind": "existing_record" }] }));
    let _ = app.admin().changes(reqwest::Method::PUT, &path, &etag, &form).await.ok();
    browser.reloads().await;
    assert!(browser.text_of("#verdict").starts_with("Not offered online"));
    browser.presses("Look", &[("viewer", "recognized")]).await;
    assert!(browser.text_of("#verdict").starts_with("Offered online"), "{}", browser.text_of("#explained"));

    let booked = app.scheduler();
    let patient = booked.registers(&Person::named("Ève", "Tremblay")).await;
    let times = ("09:00", "09:20");
    let availability = small.availability(&booked, "09:00").await;
    let wanted = json!({ "patient": patient, "availability": availability });
    let _ = booked.plans(small.desk.agenda, TOMORROW, times, &wanted).await.ok();
    app.settle().await;
    browser.goes(&slot).await;
    browser.presses("Save", &[("start", "09:20")]).await;
    browser.has_status(409);
    browser.reads("A time that is held or booked would be cut.");
    browser.goes(&slot).await;
    browser.presses("Save", &[("end", "11:00"), ("publication", "before"), ("publication_minutes", "60")]).await;
    browser.reads("The changes are saved.");
    let states = browser.texts_of("#availabilities td:nth-child(2)");
    assert_eq!(states.len(), 6, "{states:?}");
    assert!(states[1].starts_with("Free, to be released"), "{states:?}");
    browser.goes(&format!("/staff/agenda?date={TOMORROW}")).await;
    browser.reads("Free, to be released at 8:20 am");
    browser.goes(&slot).await;
    browser.presses("Withdraw what is free", &[]).await;
    browser.reads("Withdrawn: nothing of it is free any more.");
    assert_eq!(browser.texts_of("#booked a"), ["9:00 am Ève Tremblay"]);
}

#[tokio::test]
async fn many_slots_are_previewed_opened_and_undone_as_one() {
    let app = TestApp::start().await;
    let small = app.admin().sets_up().await;
    let second = app.admin().hires("Dr Bouchard").await;
    let (activity, one, two) = (small.activity.to_string(), small.desk.agenda.to_string(), second.agenda.to_string());
    let mut browser = signed_in(&app, Role::Scheduler, "/staff/schedule").await;
    let pattern = [
        ("agendas", one.as_str()),
        ("agendas", two.as_str()),
        ("from", "2026-11-23"),
        ("to", "2026-12-06"),
        ("start", "13:00"),
        ("end", "14:00"),
        ("activity", activity.as_str()),
    ];
    let before = app.changes().await;
    browser.presses("Preview", &pattern).await;
    browser.reads("20 slots would be opened");
    assert_eq!(app.changes().await, before, "a preview stores nothing");
    browser.presses("Open these slots", &[("agendas", one.as_str()), ("agendas", two.as_str())]).await;
    browser.reads("20 slots opened");
    assert_eq!(app.scheduler().sees_day(second.agenda, TOMORROW).await.len(), 3);
    browser.presses("Undo: withdraw what is still free", &[]).await;
    browser.reads("20 slots withdrawn.");
    assert!(app.scheduler().sees_day(second.agenda, TOMORROW).await.is_empty());

    // A recurrence is laid down too, and is not online.
    browser.goes("/staff/schedule").await;
    let weekly = [
        ("agendas", one.as_str()),
        ("from", TOMORROW),
        ("start", "08:00"),
        ("end", "08:20"),
        ("weekdays", "1"),
        ("until", "2026-12-15"),
        ("activity", activity.as_str()),
    ];
    browser.presses("Preview", &weekly).await;
    browser.reads("4 slots would be opened");
    browser.presses("Open these slots", &[("agendas", one.as_str()), ("weekdays", "1")]).await;
    browser.reads("4 slots opened");
    assert_eq!(app.scheduler().sees_day(small.desk.agenda, "2026-12-08").await, ["08:00 free none"]);
}

#[tokio::test]
async fn a_template_is_made_of_a_week_laid_over_two_agendas_and_deleted() {
    let app = TestApp::start().await;
    let small = app.admin().sets_up().await;
    let second = app.admin().hires("Dr Bouchard").await;
    app.scheduler().publishes_slot(small.desk.agenda, TOMORROW, ("09:00", "10:00"), small.activity).await;
    let (one, two) = (small.desk.agenda.to_string(), second.agenda.to_string());
    let mut browser = signed_in(&app, Role::Scheduler, "/staff/templates").await;
    browser.reads("No templates.");
    browser.presses("Show the slots", &[("agenda", &one), ("first_day", "2026-11-23")]).await;
    browser.presses("Make the template", &[("name", "Ordinary <week>")]).await;
    browser.reads("Ordinary <week>");
    browser.follows("Apply").await;
    let where_to = [("agendas", one.as_str()), ("agendas", two.as_str()), ("first_days", "2026-12-07\n2026-12-14")];
    browser.presses("Preview", &where_to).await;
    browser.reads("4 slots would be opened");
    browser.presses("Open these slots", &[("agendas", one.as_str()), ("agendas", two.as_str())]).await;
    browser.reads("4 slots opened");
    assert_eq!(app.scheduler().sees_day(second.agenda, "2026-12-15").await.len(), 3);
    browser.goes("/staff/templates").await;
    browser.presses("Delete", &[]).await;
    browser.reads("No templates.");
    assert_eq!(app.scheduler().sees_day(second.agenda, "2026-12-15").await.len(), 3, "its slots stay");
}

#[tokio::test]
async fn a_day_is_withdrawn_after_it_was_shown_and_whom_to_call_is_listed() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let link = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await;
    let other = app.admin().hires("Dr Hébert").await;
    app.scheduler().publishes_slot(small.desk.agenda, TOMORROW, ("13:00", "14:00"), small.activity).await;
    app.scheduler().publishes_slot(other.agenda, TOMORROW, ("09:00", "10:00"), small.activity).await;
    let mut browser = signed_in(&app, Role::Scheduler, "/staff/schedule").await;
    browser.follows("Withdraw a day").await;
    browser.presses("Preview", &[("date", TOMORROW)]).await;
    browser.reads("Choose a day and at least one agenda.");
    let before = app.changes().await;
    let wanted = [("date", TOMORROW), ("agendas", &small.desk.agenda.to_string())];
    browser.presses("Preview", &wanted).await;
    browser.reads("2 slots would be withdrawn.");
    browser.reads("1 person to call");
    let row = "9:00 am Dre Roy Zita Ouellet +15145550142";
    let reads = |browser: &Browser<'_>| browser.texts_of("#to-call tr");
    assert!(reads(&browser)[0].replace(' ', "") == row.replace(' ', ""), "{:?}", reads(&browser));
    assert_eq!(app.changes().await, before, "a preview stores nothing");
    browser.presses("Withdraw this day", &[]).await;
    browser.reads("2 slots are withdrawn.");
    browser.reads("1 person to call");
    let day = app.scheduler().sees_day(small.desk.agenda, TOMORROW).await;
    assert!(day.iter().all(|line| !line.contains("free")), "{day:?}");
    let standing = app.scheduler().finds(TOMORROW, &link.reference()).await;
    assert_eq!(standing["status"], "booked");
    let other_day = app.scheduler().sees_day(other.agenda, TOMORROW).await;
    assert_eq!(other_day.iter().filter(|line| line.contains("free cloud")).count(), 3, "the other agenda stays open");
}

#[tokio::test]
async fn a_recurrence_leaves_out_the_days_that_are_named() {
    let app = TestApp::start().await;
    let small = app.admin().sets_up().await;
    let mut browser = signed_in(&app, Role::Scheduler, "/staff/schedule").await;
    let (agenda, activity) = (small.desk.agenda.to_string(), small.activity.to_string());
    let typed = [
        ("agendas", agenda.as_str()),
        ("from", TOMORROW),
        ("weekdays", "1"),
        ("until", "2026-12-15"),
        ("except", "2026-12-01\n2026-12-08"),
        ("start", "09:00"),
        ("end", "10:00"),
        ("activity", activity.as_str()),
    ];
    browser.presses("Preview", &typed).await;
    browser.reads("2 slots would be opened");
    browser.presses("Preview", &[("except", "2026-13-01")]).await;
    browser.has_status(422);
    browser.presses("Preview", &typed).await;
    browser.presses("Open these slots", &typed).await;
    browser.reads("2 slots opened");
    assert_eq!(app.scheduler().sees_day(small.desk.agenda, "2026-12-01").await, Vec::<String>::new());
    assert_eq!(app.scheduler().sees_day(small.desk.agenda, "2026-12-15").await.len(), 3);
}
