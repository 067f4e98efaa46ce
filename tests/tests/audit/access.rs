//! The access log: every answer with personal data is recorded before it goes out, refusals too, and nothing else is.

use booking_api::AppOptions;
use booking_domain::values::{AccessActor, Role};
use booking_store::SqliteOptions;
use booking_tests::http::looked::Looked;
use booking_tests::http::portal::id;
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Answer, Person, SmallClinic, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// A clinic with a record, and a booking of somebody without one.
struct Scene {
    app: TestApp,
    patient: Uuid,
    appointment: Uuid,
    /// The person of the provisional contact.
    stranger: Uuid,
}

impl Scene {
    async fn new() -> Self {
        Self::in_app(TestApp::start().await).await
    }
    async fn in_app(app: TestApp) -> Self {
        let small = SmallClinic::with_a_morning(&app).await;
        let patient = app.scheduler().registers(&Person::named("Ève", "Tremblay")).await;
        let reference = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await.reference();
        let appointment = id(&app.scheduler().finds(TOMORROW, &reference).await["id"]);
        let row = app.app.views.appointments.by_id(appointment.into()).await.unwrap().unwrap();
        Self { app, patient, appointment, stranger: row.subject.0 }
    }
    /// What the log holds of what happens meanwhile.
    async fn meanwhile(&self, what: impl Future<Output = Answer>) -> (Answer, Vec<Looked>) {
        let before = self.app.looked().await.len();
        let answer = what.await;
        (answer, self.app.looked().await.split_off(before))
    }
}

#[tokio::test]
async fn every_answer_with_personal_data_leaves_one_record_of_whom_it_showed() {
    let scene = Scene::new().await;
    let (app, patient, stranger) = (&scene.app, scene.patient, scene.stranger);
    let scheduler = app.clinic.member(Role::Scheduler);
    let (appointment, day) = (scene.appointment, format!("from={TOMORROW}&to={TOMORROW}"));
    let reads: Vec<(Method, String, Value, &str, Vec<Uuid>)> = vec![
        (Method::GET, format!("/agenda?from={TOMORROW}"), Value::Null, "getAgenda", vec![stranger]),
        (Method::GET, format!("/appointments?{day}"), Value::Null, "listAppointments", vec![stranger]),
        (Method::GET, format!("/appointments/{appointment}"), Value::Null, "getAppointment", vec![stranger]),
        (Method::GET, "/reconciliation".to_owned(), Value::Null, "listReconciliation", vec![patient, stranger]),
        (Method::GET, format!("/patients/{patient}"), Value::Null, "getPatient", vec![patient]),
        (
            Method::GET,
            format!("/patients/{patient}/appointments"),
            Value::Null,
            "listPatientAppointments",
            vec![patient],
        ),
        (Method::POST, "/patients/search".to_owned(), json!({ "text": "trem" }), "searchPatients", vec![patient]),
    ];
    for (method, path, body, operation, subjects) in reads {
        let asked = app.scheduler().asks(method, &path).await.json(&body).answer();
        let (answer, left) = scene.meanwhile(asked).await;
        let request = answer.header("x-request-id").unwrap().to_owned();
        assert!(answer.is_ok(), "{path}: {}", answer.text);
        assert_eq!(left, [Looked::shown(scheduler, operation, subjects)], "{path}");
        let record = app.access_log().await.pop().unwrap();
        assert_eq!(record.request.0.simple().to_string(), request, "{path}");
        assert_eq!(record.actor_kind, AccessActor::Staff);
    }
    // What shows nobody leaves nothing: a search without a hit, an empty day, an agenda without names.
    for (method, path, body) in [
        (Method::POST, "/patients/search", json!({ "text": "nobody of that name" })),
        (Method::GET, "/agenda?from=2026-12-24", Value::Null),
        (Method::GET, "/services", Value::Null),
    ] {
        let (answer, left) = scene.meanwhile(app.scheduler().asks(method, path).await.json(&body).answer()).await;
        assert!(answer.is_ok());
        assert_eq!(left, [], "{path}");
    }
}

#[tokio::test]
async fn answers_of_commands_that_show_a_record_count_too() {
    let scene = Scene::new().await;
    let (app, patient) = (&scene.app, scene.patient);
    let scheduler = app.clinic.member(Role::Scheduler);
    let form = json!({ "details": Person::named("Luc", "Roy").record() });
    let (answer, left) = scene.meanwhile(app.scheduler().post("/patients", &form)).await;
    let other = id(&answer.ok()["id"]);
    assert_eq!(left, [Looked::shown(scheduler, "registerPatient", [other])]);
    let details = Person::named("Ève", "Tremblay-Roy").record();
    let with_practitioner = json!({ "kind": "none" });
    for (method, path, body, operation) in [
        (Method::PUT, format!("/patients/{patient}"), details, "updatePatient"),
        (Method::PUT, format!("/patients/{patient}/registration"), with_practitioner, "setRegistration"),
        (Method::POST, format!("/patients/{patient}/deceased"), json!({}), "markDeceased"),
    ] {
        let etag = app.scheduler().get(&format!("/patients/{patient}")).await.ok().etag();
        let (answer, left) = scene.meanwhile(app.scheduler().changes(method, &path, &etag, &body)).await;
        assert!(answer.is_ok(), "{path}: {}", answer.text);
        assert_eq!(left, [Looked::shown(scheduler, operation, [patient])], "{path}");
    }
    // A command whose answer shows no personal data leaves none, and neither does what is refused for its form.
    let etag = app.scheduler().opens(scene.appointment).await.etag();
    let path = format!("/appointments/{}/confirm", scene.appointment);
    let (answer, left) = scene.meanwhile(app.scheduler().changes(Method::POST, &path, &etag, &Value::Null)).await;
    assert!(answer.is_ok(), "{}", answer.text);
    assert_eq!(left, []);
    let (answer, left) = scene.meanwhile(app.scheduler().post("/patients", &json!({ "details": {} }))).await;
    assert_eq!((answer.status, left), (422, vec![]));
}

#[tokio::test]
async fn who_is_refused_is_recorded_with_whom_they_wanted_to_see() {
    let scene = Scene::new().await;
    let (app, patient, stranger) = (&scene.app, scene.patient, scene.stranger);
    let auditor = app.clinic.member(Role::Auditor);
    let (get_patient, get_appointment) =
        (format!("/patients/{patient}"), format!("/appointments/{}", scene.appointment));
    let (answer, left) = scene.meanwhile(app.auditor().get(&get_patient)).await;
    answer.is(404, "not_found");
    assert_eq!(left, [Looked::refused(auditor, "getPatient", [patient], "role")]);
    let (answer, left) = scene.meanwhile(app.auditor().get(&get_appointment)).await;
    answer.is(404, "not_found");
    assert_eq!(left, [Looked::refused(auditor, "getAppointment", [stranger], "role")]);
    let (answer, left) = scene.meanwhile(app.scheduler().get(&format!("/patients/{}", Uuid::nil()))).await;
    answer.is(404, "not_found");
    assert_eq!(left, [Looked::refused(app.clinic.member(Role::Scheduler), "getPatient", [], "not_found")]);

    // Somebody of another clinic: recorded where they work, and nothing tells whether there is such a person.
    let other = app.another_clinic("autre-clinique").await;
    let foreign = app.staff(&other, Role::Administrator);
    let token = foreign.token().await;
    let path = format!("/api/v1/clinics/{}/patients/{patient}", app.clinic.id);
    let (answer, left) = scene.meanwhile(app.asks(Method::GET, &path).token(&token).answer()).await;
    answer.is(404, "not_found");
    let member = other.member(Role::Administrator);
    assert_eq!(left, [Looked::refused(member, "getPatient", [], "clinic")]);
    let (answer, left) = scene.meanwhile(foreign.get(&get_patient)).await;
    answer.is(404, "not_found");
    assert_eq!(left, [Looked::refused(member, "getPatient", [], "not_found")]);
    assert!(app.access_log().await.iter().rev().take(2).all(|record| record.clinic == other.id));
}

#[tokio::test]
async fn a_purpose_is_a_known_word_and_a_machine_is_told_from_a_person() {
    let scene = Scene::new().await;
    let (app, patient) = (&scene.app, scene.patient);
    let path = format!("/patients/{patient}");
    let asked = app.scheduler().asks(Method::GET, &path).await.header("booking-purpose", "complaint").answer();
    let (_, left) = scene.meanwhile(asked).await;
    let scheduler = app.clinic.member(Role::Scheduler);
    assert_eq!(left, [Looked::shown(scheduler, "getPatient", [patient]).because("complaint")]);
    let free_text = "Mme Tremblay asked; her number is 514 555 0142";
    let asked = app.scheduler().asks(Method::GET, &path).await.header("booking-purpose", free_text).answer();
    let (answer, left) = scene.meanwhile(asked).await;
    answer.is(400, "bad_parameter");
    assert_eq!(left, []);

    let made = app.admin().post("/tokens", &json!({ "label": "hub", "role": "scheduler" })).await.ok();
    let full = format!("/api/v1/clinics/{}{path}", app.clinic.id);
    let asked = app.asks(Method::GET, &full).token(made.str("/token")).answer();
    let (answer, _) = scene.meanwhile(asked).await;
    assert!(answer.is_ok());
    assert_eq!(app.access_log().await.pop().unwrap().actor_kind, AccessActor::Token);
}

#[tokio::test]
async fn when_access_cannot_be_recorded_nobody_is_shown_and_the_portal_goes_on() {
    let small_log = |options: AppOptions| AppOptions {
        log: SqliteOptions { max_pages: Some(64), ..options.log.clone() },
        ..options
    };
    let scene = Scene::in_app(TestApp::start_with(small_log).await).await;
    let (app, patient) = (&scene.app, scene.patient);
    let service = id(&app.admin().get("/services").await.ok()["items"][0]["id"]);
    let visitor = app.visitor(&Person::named("Nina", "Simard")).await;
    let form = json!({ "name": "x".repeat(180), "duration_minutes": 20 });
    let mut full = false;
    for _ in 0..3_000 {
        full = !app.admin().post("/activities", &form).await.is_ok();
        if full {
            break;
        }
    }
    assert!(full, "3,000 events fit into 64 pages");
    // What is smaller than an activity may fit still.
    let path = format!("/patients/{patient}");
    for _ in 0..100 {
        if !app.scheduler().get(&path).await.is_ok() {
            break;
        }
    }
    let before = app.looked().await;
    for path in [
        path,
        format!("/appointments/{}", scene.appointment),
        format!("/agenda?from={TOMORROW}"),
        format!("/appointments?from={TOMORROW}&to={TOMORROW}"),
        "/reconciliation".to_owned(),
    ] {
        let answer = app.scheduler().get(&path).await;
        answer.is(503, "access_not_recorded");
        assert!(answer.header("retry-after").is_some());
        assert!(!answer.text.contains("Tremblay") && !answer.text.contains("Ouellet"), "{path}: {}", answer.text);
    }
    app.auditor().get(&format!("/patients/{patient}")).await.is(503, "access_not_recorded");
    assert_eq!(app.looked().await, before);
    assert_eq!(visitor.sees_times(service).await.len(), 2);
    assert_eq!(visitor.sees_services().await, [service]);
}

#[tokio::test]
async fn a_thousand_answers_at_once_are_each_recorded_and_share_their_commits() {
    let scene = Scene::new().await;
    let app = &scene.app;
    let path = format!("/patients/{}", scene.patient);
    let before = app.looked().await.len();
    let ask = async || app.scheduler().get(&path).await.is_ok();
    let answers = futures::future::join_all((0..1_000).map(|_| ask())).await;
    assert!(answers.into_iter().all(|ok| ok));
    assert_eq!(app.looked().await.len(), before + 1_000);
    // Dense revisions in one stream of this start, so that a record that is missing shows.
    let writer = app.app.access.writer().simple().to_string();
    let events = app.events().await;
    let own: Vec<_> = events.iter().filter(|e| e.stream.category() == "access").collect();
    assert!(own.iter().all(|e| e.stream.as_str().ends_with(&writer)));
    assert!(own.iter().enumerate().all(|(n, e)| e.revision == n as u64));
}

#[test]
fn the_document_names_the_purpose_where_and_only_where_access_is_recorded() {
    let document = serde_json::to_value(booking_api::http::openapi()).unwrap();
    let mut told: Vec<String> = Vec::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
            if parameters.iter().any(|p| p["name"] == "Booking-Purpose") {
                told.push(operation["operationId"].as_str().unwrap().to_owned());
            }
        }
    }
    told.sort();
    assert_eq!(told, booking_api::http::disclosure::OPERATIONS);
}
