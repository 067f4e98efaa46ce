//! Forgetting a person: on request, by itself when the time is over, and for good, also where an older copy of the vault
//! or of the log comes back. What happened folds to the same state without the keys.

use booking_api::erasures::{self, LIST};
use booking_domain::agenda_day::{AgendaDay, AgendaDayEvent, PatientAttached};
use booking_domain::ids::{PatientId, SubjectId};
use booking_domain::stream::StreamName;
use booking_domain::time::WallDate;
use booking_domain::values::ErasureBasis;
use booking_engine::Actor;
use booking_events::EventCodec;
use booking_store::fold::{Upto, load};
use booking_store::{Expected, NewEvent};
use booking_tests::http::portal::id;
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Answer, Person, SmallClinic, Staff, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use uuid::Uuid;

/// Eleven years after the appointments: nothing has to be kept any more.
const LATER: &str = "2037-11-24";

fn patient() -> Person {
    Person::named("Ève", "Tremblay")
}

/// A record whose patient booked online, and was recognized; the record's id.
async fn somebody_with_a_record(app: &TestApp, small: &SmallClinic, time: &str) -> Uuid {
    let record = app.scheduler().registers(&patient()).await;
    app.visitor(&patient()).await.books_at(small.service, time).await;
    record
}

/// Somebody whom nobody knows, booked and never attached; the appointment's id.
async fn somebody_unknown(app: &TestApp, small: &SmallClinic, time: &str) -> Uuid {
    let link = app.visitor(&Person::stranger()).await.books_at(small.service, time).await;
    id(&app.scheduler().finds(TOMORROW, &link.reference()).await["id"])
}

async fn asks_to_forget(staff: &Staff<'_>, whom: &Value) -> Answer {
    staff.post("/erasures", whom).await.ok()
}

async fn decides(app: &TestApp, case: &Answer, approve: bool) -> Answer {
    let path = format!("/erasures/{}/decision", id(&case["person"]));
    let body = json!({ "approve": approve, "note": "Demande écrite du 3 mars" });
    app.admin().changes(Method::POST, &path, &case.etag(), &body).await.ok()
}

async fn carries_out(app: &TestApp, case: &Answer) -> Answer {
    app.admin().post(&format!("/erasures/{}/carry-out", id(&case["person"])), &Value::Null).await
}

/// A record that was erased, after all waiting; answers the record's id and how the day folds.
async fn erased_record(app: &TestApp, small: &SmallClinic) -> (Uuid, AgendaDay) {
    let record = somebody_with_a_record(app, small, "09:00").await;
    let before = day(app, small).await;
    app.goes_to(LATER, "09:00");
    let case = asks_to_forget(&app.scheduler(), &json!({ "patient": record })).await;
    let approved = decides(app, &case, true).await;
    assert_eq!(approved["progress"], "approved");
    app.goes_to("2037-12-02", "09:00");
    assert_eq!(carries_out(app, &case).await.ok()["progress"], "erased");
    (record, before)
}

async fn day(app: &TestApp, small: &SmallClinic) -> AgendaDay {
    let stream = StreamName::agenda_day(small.desk.agenda.into(), WallDate::parse(TOMORROW).unwrap());
    load::<AgendaDay>(&**app.app.log(), &stream, Upto::Head).await.unwrap().state
}

/// A round of the sweep, with everything that was written before in the views.
async fn sweeps(app: &TestApp) {
    app.settle().await;
    erasures::sweep(&app.app).await;
}

async fn keys_of(app: &TestApp, subjects: &[SubjectId]) -> usize {
    app.app.engine.vault().with_key(app.clinic.id, subjects).await.unwrap().len()
}

#[tokio::test]
async fn who_is_forgotten_cannot_be_read_anywhere_and_the_history_stands() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let (record, before) = erased_record(&app, &small).await;

    let case = app.auditor().get("/erasures").await.ok().list("/items")[0].clone();
    assert_eq!((case["progress"].as_str(), case["erased"].as_u64()), (Some("erased"), Some(2)), "record and contact");
    assert_eq!(keys_of(&app, &[SubjectId(record)]).await, 0);
    assert_eq!(day(&app, &small).await, before, "the day folds as before");

    let scheduler = app.scheduler();
    let found = scheduler.post("/patients/search", &json!({ "text": "Tremblay" })).await.ok();
    assert_eq!(found.list("/patients").len(), 0);
    for path in [format!("/patients/{record}"), format!("/appointments?from={TOMORROW}&to={TOMORROW}")] {
        let answer = scheduler.get(&path).await;
        assert!(!answer.text.contains("Tremblay"), "{path}: {}", answer.text);
        assert!(answer.status < 500, "{path}: {}", answer.text);
    }
    // The same person comes again: nobody recognizes them, and the old record takes nothing in.
    scheduler.publishes_slot(small.desk.agenda, "2037-12-03", ("09:00", "10:00"), small.activity).await;
    let link = app.visitor(&patient()).await.books_at(small.service, "09:00").await;
    let appointment = id(&scheduler.finds("2037-12-03", &link.reference()).await["id"]);
    assert_eq!(scheduler.opens(appointment).await["to_identify"], true);
    scheduler.attaches(appointment, record).await.is(422, "invalid_field");
}

#[tokio::test]
async fn what_must_be_kept_is_refused_on_the_record_and_can_be_asked_again() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let record = somebody_with_a_record(&app, &small, "09:00").await;
    let case = asks_to_forget(&app.scheduler(), &json!({ "patient": record })).await;
    let refused = decides(&app, &case, true).await;
    assert_eq!((refused["progress"].as_str(), refused["ground"].as_str()), (Some("refused"), Some("retention")));
    assert!(refused.str("/until").starts_with("2036-11-2"), "{}", refused.text);

    let held = format!("/erasures/{record}/legal-hold");
    let _ = app.admin().asks(Method::PUT, &held).await.json(&json!({ "held": true })).answer().await.ok();
    app.goes_to(LATER, "09:00");
    let case = asks_to_forget(&app.scheduler(), &json!({ "patient": record })).await;
    assert_eq!(decides(&app, &case, true).await["ground"], "legal_hold");
    let _ = app.admin().asks(Method::PUT, &held).await.json(&json!({ "held": false })).answer().await.ok();
    let case = asks_to_forget(&app.scheduler(), &json!({ "patient": record })).await;
    let approved = decides(&app, &case, true).await;
    carries_out(&app, &case).await.is(409, "cooling_off");
    let withdraw = format!("/erasures/{record}/withdraw");
    let withdrawn = app.admin().changes(Method::POST, &withdraw, &approved.etag(), &Value::Null).await.ok();
    assert_eq!(withdrawn["progress"], "withdrawn");
    app.goes_to("2037-12-24", "09:00");
    erasures::sweep(&app.app).await;
    assert_eq!(keys_of(&app, &[SubjectId(record)]).await, 1, "what was taken back is not carried out");
}

#[tokio::test]
async fn a_contact_that_nobody_attached_goes_by_itself_and_an_attached_one_stays() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let (alone, attached) =
        (somebody_unknown(&app, &small, "09:00").await, somebody_unknown(&app, &small, "09:20").await);
    let record = app.scheduler().registers(&patient()).await;
    let _ = app.scheduler().attaches(attached, record).await.ok();
    app.settle().await;
    let subject = |appointment: Uuid| {
        let views = &app.app.views;
        async move { views.appointments.by_id(appointment.into()).await.unwrap().unwrap().subject }
    };
    let (alone, attached) = (subject(alone).await, subject(attached).await);

    app.goes_to("2027-02-22", "09:00");
    erasures::sweep(&app.app).await;
    assert_eq!(keys_of(&app, &[alone, attached]).await, 2, "on the ninetieth day it is still there");
    app.goes_to("2027-02-23", "09:00");
    erasures::sweep(&app.app).await;
    app.settle().await;
    let case = app.auditor().get("/erasures?open=true").await.ok().list("/items")[0].clone();
    assert_eq!((case["basis"].as_str(), case["progress"].as_str()), (Some("retention_end"), Some("approved")));
    app.goes_to("2027-03-03", "09:00");
    erasures::sweep(&app.app).await;
    assert_eq!(keys_of(&app, &[alone]).await, 0);
    assert_eq!(keys_of(&app, &[attached]).await, 1);
}

#[tokio::test]
async fn a_contact_that_was_held_goes_when_the_hold_is_released_and_one_that_has_just_ended_in_time() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let (held, other) = (somebody_unknown(&app, &small, "09:00").await, somebody_unknown(&app, &small, "09:20").await);
    app.settle().await;
    let subject = |appointment: Uuid| {
        let views = &app.app.views;
        async move { views.appointments.by_id(appointment.into()).await.unwrap().unwrap().subject }
    };
    let (held, other) = (subject(held).await, subject(other).await);
    let address = format!("/erasures/{}/legal-hold", held.0);
    let places = async |held: bool| {
        let _ = app.admin().asks(Method::PUT, &address).await.json(&json!({ "held": held })).answer().await.ok();
        app.settle().await;
    };
    places(true).await;
    sweeps(&app).await;
    // A round that comes between the beginning and the end of the second one, ninety days later.
    app.goes_to("2027-02-22", "09:25");
    sweeps(&app).await;
    app.goes_to("2027-02-22", "09:50");
    sweeps(&app).await;
    app.goes_to("2027-03-03", "09:00");
    sweeps(&app).await;
    assert_eq!(keys_of(&app, &[other]).await, 0);
    assert_eq!(keys_of(&app, &[held]).await, 1, "what is held is kept");
    places(false).await;
    sweeps(&app).await;
    app.goes_to("2027-03-11", "09:00");
    sweeps(&app).await;
    assert_eq!(keys_of(&app, &[held]).await, 0, "without a restart");
}

#[tokio::test]
async fn a_round_reads_what_is_new_in_the_log_and_nothing_twice() {
    let app = TestApp::start().await;
    let cursor = async || app.app.engine.vault().cursor("erasures").await.unwrap();
    let small = SmallClinic::with_a_morning(&app).await;
    // Twice: it begins at the end of the log.
    for hour in ["09:20", "09:40"] {
        somebody_unknown(&app, &small, hour).await;
        app.settle().await;
        erasures::sweep(&app.app).await;
        assert_eq!(
            cursor().await,
            app.app.log().head().await.unwrap(),
            "nobody was erased, nothing is to be looked for"
        );
    }
    let (record, _) = erased_record(&app, &small).await;
    erasures::sweep(&app.app).await;
    app.settle().await;
    let events = app.events().await.len();
    let head = app.app.log().head().await.unwrap();
    erasures::sweep(&app.app).await;
    assert_eq!(cursor().await, head, "it read the log to its end");
    for _ in 0..3 {
        erasures::sweep(&app.app).await;
    }
    assert_eq!((app.events().await.len(), cursor().await), (events, head), "nothing is done twice");

    // A contact arrives at the erased record after all, as a process that ended in the middle would leave it.
    app.goes_to("2037-12-02", "10:00");
    app.scheduler().publishes_slot(small.desk.agenda, "2037-12-03", ("09:00", "10:00"), small.activity).await;
    let link = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await;
    let appointment = id(&app.scheduler().finds("2037-12-03", &link.reference()).await["id"]);
    app.settle().await;
    let row = app.app.views.appointments.by_id(appointment.into()).await.unwrap().unwrap();
    let stream = StreamName::agenda_day(small.desk.agenda.into(), WallDate::parse("2037-12-03").unwrap());
    let attached = AgendaDayEvent::PatientAttached(PatientAttached {
        appointment: appointment.into(),
        patient: PatientId(record),
        subject: row.subject,
    });
    let before = app.events().await;
    let (encoded, last) = (attached.encode(), before.iter().rfind(|e| e.stream == stream).unwrap());
    let event = NewEvent {
        id: Uuid::from_bytes([7; 16]),
        event_type: encoded.event_type.into(),
        metadata: last.metadata.clone(),
        payload: encoded.payload.into(),
    };
    app.app.log().append(&stream, Expected::head(Some(last.revision)), vec![event]).await.unwrap();
    assert_eq!(keys_of(&app, &[row.subject]).await, 1);
    sweeps(&app).await;
    assert_eq!(keys_of(&app, &[row.subject]).await, 0);
}

#[tokio::test]
async fn a_crash_between_the_decision_and_the_keys_is_made_good() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let record = somebody_with_a_record(&app, &small, "09:00").await;
    app.goes_to(LATER, "09:00");
    let subject = SubjectId(record);
    let (clinic, engine) = (app.clinic.id, &app.app.engine);
    let ctx = || app.ctx(clinic, Actor::Operator);
    let whom = (subject, Some(PatientId(record)));
    engine.request_erasure(&ctx(), whom, ErasureBasis::Person, None).await.unwrap();
    engine.decide_erasure(&ctx(), subject, true, None, None, None).await.unwrap();
    app.goes_to("2037-12-24", "09:00");
    engine.erase(&ctx(), subject, &[subject], None).await.unwrap();
    assert_eq!(keys_of(&app, &[subject]).await, 1, "the process ended here");

    let app = app.restarts(|options| options).await;
    assert!(app.app.erasures.applied());
    assert_eq!(keys_of(&app, &[subject]).await, 0);
    // The record was never closed and its contact not named: the next round finds both.
    erasures::sweep(&app.app).await;
    app.settle().await;
    let case = app.auditor().get("/erasures").await.ok().list("/items")[0].clone();
    assert_eq!(case["erased"], 2);
}

fn copy(from: &Path, to: &Path, names: &[&str]) {
    for name in names {
        for suffix in ["", "-wal", "-shm"] {
            let (from, to) = (from.join(format!("{name}{suffix}")), to.join(format!("{name}{suffix}")));
            let _ = std::fs::remove_file(&to);
            if from.exists() {
                std::fs::copy(&from, &to).unwrap();
            }
        }
    }
}

/// Erases somebody, puts these files of before back, and starts again.
async fn older_copies_come_back(names: &[&str]) -> (TestApp, Uuid) {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let somebody = somebody_with_a_record(&app, &small, "09:00").await;
    app.app.engine.vault().flush().await.unwrap();
    let backup = tempfile::tempdir().unwrap();
    let data = app.data().to_owned();
    let app = app.restarts(|options| options).await;
    copy(&data, backup.path(), names);
    app.goes_to(LATER, "09:00");
    let case = asks_to_forget(&app.scheduler(), &json!({ "patient": somebody })).await;
    decides(&app, &case, true).await;
    app.goes_to("2037-12-02", "09:00");
    let _ = carries_out(&app, &case).await.ok();
    assert_eq!(keys_of(&app, &[SubjectId(somebody)]).await, 0);
    assert_eq!(std::fs::read_to_string(data.join(LIST)).unwrap().lines().count(), 2);
    let (data, names) = (data.clone(), names.to_vec());
    let restored = app.restarts_after(|options| options, |_| copy(backup.path(), &data, &names)).await;
    (restored, somebody)
}

#[tokio::test]
async fn an_older_vault_brings_nobody_back() {
    let (app, somebody) = older_copies_come_back(&["vault.db"]).await;
    assert!(app.app.erasures.applied());
    assert_eq!(keys_of(&app, &[SubjectId(somebody)]).await, 0);
    let answer = app.scheduler().get(&format!("/patients/{somebody}")).await;
    assert!(!answer.text.contains("Tremblay"), "{}", answer.text);
}

#[tokio::test]
async fn an_older_vault_with_an_older_log_brings_nobody_back_while_the_list_is_there() {
    let (app, somebody) = older_copies_come_back(&["vault.db", "events.db", "views.db"]).await;
    assert_eq!(keys_of(&app, &[SubjectId(somebody)]).await, 0);
}
