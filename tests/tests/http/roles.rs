//! Every role and a sample of operations: who is not allowed cannot tell that there is anything.

use booking_domain::values::Role;
use booking_tests::http::portal::id;
use booking_tests::http::setup::{TOMORROW, service_form};
use booking_tests::http::{Person, SmallClinic, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

const ADMINISTRATION: &[Role] = &[Role::Administrator];
const RECEPTION: &[Role] = &[Role::Administrator, Role::Scheduler];
const CARE: &[Role] = &[Role::Administrator, Role::Scheduler, Role::Practitioner];
const AUDIT: &[Role] = &[Role::Administrator, Role::Auditor];
const EVERYBODY: &[Role] = &[Role::Administrator, Role::Scheduler, Role::Practitioner, Role::Auditor];

#[tokio::test]
async fn each_role_may_do_what_is_its_work_and_nothing_else_exists_for_it() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let patient = app.scheduler().registers(&Person::named("Ève", "Tremblay")).await;
    let link = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await;
    let appointment = id(&app.scheduler().finds(TOMORROW, &link.reference()).await["id"]);
    let form = service_form(&[small.activity], &Value::Null);
    let dated = json!({ "date": TOMORROW, "start": "13:00", "end": "14:00", "activity": small.activity });
    let planned = |minute: u32| {
        json!({ "agenda": small.desk.agenda, "date": TOMORROW, "start": format!("15:{minute:02}"),
            "end": format!("15:{:02}", minute + 5), "patient": patient })
    };
    let member = json!({ "name": "Nadia", "email": "nadia@parc.example", "role": "auditor" });
    let operations: Vec<(Method, String, Value, &[Role])> = vec![
        (Method::GET, String::new(), Value::Null, EVERYBODY),
        (Method::GET, "/services".to_owned(), Value::Null, EVERYBODY),
        (Method::GET, "/settings".to_owned(), Value::Null, EVERYBODY),
        (Method::GET, "/feed".to_owned(), Value::Null, EVERYBODY),
        (Method::POST, "/activities".to_owned(), json!({ "name": "x", "duration_minutes": 5 }), ADMINISTRATION),
        (Method::POST, "/practitioners".to_owned(), json!({ "name": "x" }), ADMINISTRATION),
        (Method::POST, "/services".to_owned(), form.clone(), ADMINISTRATION),
        (Method::POST, "/services/preview".to_owned(), form, ADMINISTRATION),
        (Method::GET, "/members".to_owned(), Value::Null, ADMINISTRATION),
        (Method::POST, "/members".to_owned(), member, ADMINISTRATION),
        (Method::GET, "/tokens".to_owned(), Value::Null, ADMINISTRATION),
        (Method::POST, "/tokens".to_owned(), json!({ "label": "hub", "role": "auditor" }), ADMINISTRATION),
        (Method::POST, format!("/agendas/{}/slots", small.desk.agenda), dated, RECEPTION),
        (Method::GET, "/reconciliation".to_owned(), Value::Null, RECEPTION),
        (Method::POST, "/patients".to_owned(), json!({ "details": Person::stranger().record() }), RECEPTION),
        (Method::POST, "/appointments".to_owned(), planned(0), RECEPTION),
        (Method::GET, "/templates".to_owned(), Value::Null, CARE),
        (Method::GET, format!("/agenda?from={TOMORROW}"), Value::Null, CARE),
        (Method::GET, format!("/appointments?from={TOMORROW}&to={TOMORROW}"), Value::Null, CARE),
        (Method::GET, format!("/appointments/{appointment}"), Value::Null, CARE),
        (Method::GET, format!("/patients/{patient}"), Value::Null, CARE),
        (Method::GET, format!("/patients/{patient}/appointments"), Value::Null, CARE),
        (Method::POST, "/patients/search".to_owned(), json!({ "text": "trem" }), CARE),
        (Method::GET, format!("/audit/agenda?from={TOMORROW}"), Value::Null, EVERYBODY),
        (Method::GET, "/audit/events".to_owned(), Value::Null, AUDIT),
        (Method::GET, format!("/audit/appointments/{appointment}/history"), Value::Null, EVERYBODY),
    ];
    for (method, path, body, allowed) in &operations {
        for (n, role) in EVERYBODY.iter().enumerate() {
            let staff = app.staff(&app.clinic, *role);
            let mut body = body.clone();
            // Two who may plan take two times; two who may add a member add two.
            if path == "/appointments" && *method == Method::POST {
                body = planned(u32::try_from(n).unwrap() * 5);
            }
            let before = app.changes().await;
            let answer = staff.asks(method.clone(), path).await.json(&body).answer().await;
            if allowed.contains(role) {
                assert!(answer.is_ok(), "{role:?} {method} {path}: {}", answer.text);
            } else {
                answer.is(404, "not_found");
                assert_eq!(app.changes().await, before, "{role:?} {method} {path}");
            }
        }
    }
    // Marks are everybody's who cares for patients; attaching and cancelling are reception's.
    let arrive = format!("/appointments/{appointment}/arrive");
    let etag = app.scheduler().opens(appointment).await.etag();
    app.auditor().changes(Method::POST, &arrive, &etag, &Value::Null).await.is(404, "not_found");
    for what in ["attach", "cancel"] {
        let body = if what == "attach" { json!({ "patient": patient }) } else { json!({}) };
        let path = format!("/appointments/{appointment}/{what}");
        app.practitioner().changes(Method::POST, &path, &etag, &body).await.is(404, "not_found");
    }
    let confirm = format!("/appointments/{appointment}/confirm");
    let _ = app.practitioner().changes(Method::POST, &confirm, &etag, &Value::Null).await.ok();
}

#[tokio::test]
async fn a_machine_has_its_role_until_its_token_is_revoked_and_a_disabled_member_has_none_at_once() {
    let app = TestApp::start().await;
    let small = app.admin().sets_up().await;
    let issued = app.admin().post("/tokens", &json!({ "label": "hub", "role": "scheduler" })).await.ok();
    let machine = issued.str("/token").to_owned();
    let base = format!("/api/v1/clinics/{}", app.clinic.id);
    let slots = format!("{base}/agendas/{}/slots", small.desk.agenda);
    let dated = json!({ "date": TOMORROW, "start": "13:00", "end": "14:00", "activity": small.activity });
    let _ = app.asks(Method::POST, &slots).token(&machine).json(&dated).answer().await.ok();
    let more = json!({ "name": "x", "duration_minutes": 5 });
    let refused = app.asks(Method::POST, &format!("{base}/activities")).token(&machine).json(&more).answer().await;
    refused.is(404, "not_found");
    let _ = app.admin().asks(Method::DELETE, &format!("/tokens/{}", issued.str("/id"))).await.answer().await.ok();
    app.asks(Method::POST, &slots).token(&machine).json(&dated).answer().await.is(401, "unauthorized");

    app.settle().await;
    let scheduler = app.scheduler();
    let (token, member) = (scheduler.token().await, app.clinic.member(Role::Scheduler));
    let members = app.admin().get("/members").await.ok();
    let own = members.list("/items").iter().find(|m| m["id"] == json!(member.0)).unwrap();
    let etag = format!("\"{}\"", own["revision"]);
    let role = format!("/members/{member}/role");
    let changed = app.admin().changes(Method::PUT, &role, &etag, &json!({ "role": "auditor" })).await.ok();
    app.asks(Method::POST, &slots).token(&token).json(&dated).answer().await.is(404, "not_found");
    let disable = format!("/members/{member}/disable");
    let _ = app.admin().changes(Method::POST, &disable, &changed.etag(), &Value::Null).await.ok();
    app.asks(Method::POST, &slots).token(&token).json(&dated).answer().await.is(401, "unauthorized");
    // The last administrator stays one.
    let admin = app.clinic.member(Role::Administrator);
    let own = members.list("/items").iter().find(|m| m["id"] == json!(admin.0)).unwrap();
    let etag = format!("\"{}\"", own["revision"]);
    for (path, body) in [("disable", Value::Null), ("role", json!({ "role": "auditor" }))] {
        let method = if path == "role" { Method::PUT } else { Method::POST };
        app.admin().changes(method, &format!("/members/{admin}/{path}"), &etag, &body).await.is(422, "invalid_field");
    }
}
