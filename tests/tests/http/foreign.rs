//! Another clinic's things: nothing tells that they are there.

use super::unchanged;
use booking_domain::values::Role;
use booking_tests::http::portal::id;
use booking_tests::http::setup::{TOMORROW, service_form};
use booking_tests::http::{Answer, Person, SmallClinic, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn another_clinics_things_look_exactly_like_things_that_do_not_exist() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let scheduler = app.scheduler();
    let patient = scheduler.registers(&Person::named("Ève", "Tremblay")).await;
    let link = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await;
    let appointment = id(&scheduler.finds(TOMORROW, &link.reference()).await["id"]);
    let slot = id(&scheduler.day(small.desk.agenda, TOMORROW).await["slots"][0]["id"]);
    let from = json!({ "agenda": small.desk.agenda, "first_day": TOMORROW, "slots": [slot] });
    let template = id(&scheduler.post("/templates", &json!({ "name": "t", "from": from })).await.ok()["id"]);
    let member = app.clinic.member(Role::Scheduler).0;
    let token = app.admin().post("/tokens", &json!({ "label": "hub", "role": "scheduler" })).await.ok();
    let token = id(&token["id"]);

    let other = app.another_clinic("autre-clinique").await;
    let stranger = app.staff(&other, Role::Administrator);
    let own = stranger.sets_up().await;
    let random = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"nobody's");
    let form = service_form(&[own.activity], &Value::Null);
    let slot_body = json!({ "start": "09:00", "end": "10:00", "activity": own.activity });
    let dated = json!({ "date": TOMORROW, "start": "09:00", "end": "10:00", "activity": own.activity });
    let target = json!({ "agenda": own.desk.agenda, "date": TOMORROW, "start": "11:00", "end": "11:20" });
    let record = Person::stranger().record();
    // Method, path with the id's place, the other clinic's id, a body that would be right.
    let tries: Vec<(Method, &str, Uuid, Value)> = vec![
        (Method::PUT, "/activities/{}", small.activity, json!({ "name": "s", "duration_minutes": 20 })),
        (Method::POST, "/activities/{}/retire", small.activity, Value::Null),
        (Method::PUT, "/practitioners/{}", small.desk.practitioner, json!({ "name": "x" })),
        (Method::POST, "/agendas/{}/slots", small.desk.agenda, dated),
        (Method::GET, "/services/{}", small.service, Value::Null),
        (Method::PUT, "/services/{}", small.service, form.clone()),
        (Method::POST, "/services/{}/preview", small.service, form),
        (Method::POST, "/services/{}/deactivate", small.service, Value::Null),
        (Method::GET, "/agenda?agenda={}", small.desk.agenda, Value::Null),
        (Method::GET, "/audit/agenda?agenda={}", small.desk.agenda, Value::Null),
        (Method::GET, "/audit/appointments/{}/history", appointment, Value::Null),
        (Method::GET, "/appointments?from=2026-11-24&to=2026-11-24&agenda={}", small.desk.agenda, Value::Null),
        (Method::GET, "/appointments/{}", appointment, Value::Null),
        (Method::POST, "/appointments/{}/attach", appointment, json!({ "patient": patient })),
        (Method::POST, "/appointments/{}/detach", appointment, Value::Null),
        (Method::POST, "/appointments/{}/cancel", appointment, json!({})),
        (Method::POST, "/appointments/{}/confirm", appointment, Value::Null),
        (Method::POST, "/appointments/{}/arrive", appointment, Value::Null),
        (Method::POST, "/appointments/{}/complete", appointment, Value::Null),
        (Method::POST, "/appointments/{}/no-show", appointment, Value::Null),
        (Method::POST, "/appointments/{}/patient", appointment, Value::Null),
        (Method::POST, "/appointments/{}/move", appointment, target),
        (Method::GET, "/patients/{}", patient, Value::Null),
        (Method::PUT, "/patients/{}", patient, record),
        (Method::PUT, "/patients/{}/registration", patient, json!({ "kind": "clinic" })),
        (Method::POST, "/patients/{}/deceased", patient, json!({})),
        (Method::POST, "/patients/{}/merge", patient, json!({ "into": patient })),
        (Method::GET, "/patients/{}/appointments", patient, Value::Null),
        (Method::PUT, "/members/{}/role", member, json!({ "role": "auditor" })),
        (Method::POST, "/members/{}/disable", member, Value::Null),
        (Method::POST, "/members/{}/enable", member, Value::Null),
        (Method::POST, "/members/{}/invitation", member, Value::Null),
        (Method::DELETE, "/templates/{}", template, Value::Null),
        (Method::POST, "/templates/{}/apply", template, json!({ "first_days": [TOMORROW] })),
        (Method::DELETE, "/tokens/{}", token, Value::Null),
    ];
    unchanged(&app, async {
        for (method, path, theirs, body) in &tries {
            let mut answers: Vec<Answer> = Vec::new();
            for id in [*theirs, random] {
                let path = path.replace("{}", &id.to_string());
                let answer = stranger.changes(method.clone(), &path, "\"1\"", body).await;
                answer.is(404, "not_found");
                answers.push(answer);
            }
            let plain = |answer: &Answer| {
                let mut body = answer.body.clone();
                body.as_object_mut().unwrap().remove("request_id");
                body
            };
            assert_eq!(plain(&answers[0]), plain(&answers[1]), "{method} {path}");
        }
        for slot_path in [
            format!("/agendas/{}/days/{TOMORROW}/slots/{slot}", small.desk.agenda),
            format!("/agendas/{}/days/{TOMORROW}/slots/{slot}", own.desk.agenda),
        ] {
            stranger.get(&slot_path).await.is(404, "not_found");
            stranger.changes(Method::PUT, &slot_path, "\"1\"", &slot_body).await.is(404, "not_found");
            stranger.changes(Method::DELETE, &slot_path, "\"1\"", &Value::Null).await.is(404, "not_found");
        }
        // In a body, another clinic's id is one that is not known.
        for id in [small.activity, random] {
            stranger.post("/services", &service_form(&[id], &Value::Null)).await.is(422, "invalid_field");
        }
        for id in [patient, random] {
            let body = json!({ "patient": id });
            stranger.plans(own.desk.agenda, TOMORROW, ("11:00", "11:20"), &body).await.is(422, "invalid_field");
        }
        for id in [small.desk.agenda, random] {
            let body = json!({ "contact": Person::stranger().contact() });
            let answer = stranger.plans(id, TOMORROW, ("11:00", "11:20"), &body).await;
            assert!(matches!(answer.status, 404 | 422), "{}", answer.text);
        }
        // The paths of the first clinic itself.
        for path in ["", "/agenda", "/patients/search", "/members", "/feed", "/audit/events", "/settings"] {
            let at = format!("/api/v1/clinics/{}{path}", app.clinic.id);
            let answer = app.asks(Method::GET, &at).token(&stranger.token().await).answer().await;
            assert!(matches!(answer.status, 404 | 405), "{path}: {}", answer.text);
        }
        // A visitor of one portal at the other.
        let visitor = booking_tests::http::Visitor::opens(&app, &other.slug, &Person::stranger()).await;
        let theirs = app.visitor(&Person::stranger()).await.finds(small.service, "09:20").await;
        for service in [own.service, small.service] {
            visitor.asks_to_hold(service, &theirs).await.is(404, "not_found");
            visitor
                .sends_booking("k", &json!({ "service": service, "availability": theirs }))
                .await
                .is(404, "not_found");
        }
    })
    .await;
}
