//! Bad input: each with its status and code, as problem+json with the request's id, and nothing changed by it.

use super::unchanged;
use booking_domain::values::Role;
use booking_tests::http::portal::{id, text};
use booking_tests::http::setup::{TOMORROW, service_form};
use booking_tests::http::{Person, SmallClinic, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn a_body_that_is_no_json_of_the_right_shape_is_refused_with_what_is_wrong() {
    let app = TestApp::start().await;
    let small = app.admin().sets_up().await;
    let path = format!("/api/v1/clinics/{}/activities", app.clinic.id);
    let token = app.admin().token().await;
    let post = async |content_type: &str, body: &str| {
        app.asks(Method::POST, &path).token(&token).raw(content_type, body).answer().await
    };
    let good = r#"{"name":"suivi","duration_minutes":20}"#;
    unchanged(&app, async {
        for malformed in [
            "",
            "{",
            "suivi",
            r#"{"name":"suivi","duration_minutes":20"#,
            "{'name':'suivi'}",
            "\u{0}",
            &format!("{good} {good}"),
        ] {
            post("application/json", malformed).await.is(400, "malformed_json");
        }
        // Depth is no way to a full stack.
        post("application/json", &"[".repeat(100_000)).await.is(422, "invalid_field");
        post("application/json", &format!("{{\"name\":{}", "[".repeat(100_000))).await.is(422, "invalid_field");
        for (body, pointer) in [
            (r#"{"name":"suivi","duration_minutes":"20"}"#, "/duration_minutes"),
            (r#"{"name":"suivi","duration_minutes":-1}"#, "/duration_minutes"),
            (r#"{"name":"suivi","duration_minutes":1.5}"#, "/duration_minutes"),
            (r#"{"name":"suivi","duration_minutes":99999999999999999999}"#, "/duration_minutes"),
            (r#"{"name":null,"duration_minutes":20}"#, "/name"),
            (r#"{"name":["suivi"],"duration_minutes":20}"#, "/name"),
            (r#"{"name":"suivi","duration_minutes":0}"#, "/duration_minutes"),
            (r#"{"name":"suivi","duration_minutes":1441}"#, "/duration_minutes"),
            (r#"{"name":"","duration_minutes":20}"#, "/name"),
            (r#"{"name":"suivi","duration_minutes":20,"modality":"pigeon"}"#, "/modality"),
        ] {
            let answer = post("application/json", body).await;
            answer.is(422, "invalid_field");
            assert_eq!(answer.pointers(), [pointer], "{body}: {}", answer.text);
        }
        let over_long = json!({ "name": "é".repeat(100_000), "duration_minutes": 20 });
        post("application/json", &over_long.to_string()).await.is(422, "invalid_field");
        post("application/json", r#"{"name":"s"}"#).await.is(422, "invalid_field");
        post("application/json", r#"{"name":"s","name":"t","duration_minutes":20}"#).await.is(422, "invalid_field");
        post("application/json", r#"{"name":"s","duration_minutes":20,"colour":"red"}"#).await.is(422, "unknown_field");
        post("application/json", "[]").await.is(422, "invalid_field");
        for content_type in
            ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data"]
        {
            post(content_type, good).await.is(415, "not_json");
        }
        app.asks(Method::POST, &path).token(&token).answer().await.is(415, "not_json");
    })
    .await;
    let _ = post("Application/JSON; charset=utf-8", good).await.ok();
    // A flattened form knows its fields as well.
    unchanged(&app, async {
        let slot = json!({ "colour": "red", "activity": small.activity });
        let answer = app.scheduler().asks_for_slot(small.desk.agenda, TOMORROW, ("09:00", "10:00"), &slot).await;
        answer.is(422, "unknown_field");
    })
    .await;
}

#[tokio::test]
async fn a_problem_never_repeats_what_was_typed() {
    let app = TestApp::start().await;
    app.admin().opens_portal().await;
    let canary = "Zsuzsanna-serin";
    let mut typed = Person::stranger().typed();
    typed["terms_accepted"] = json!(canary);
    let answer = booking_tests::http::portal::opening(&app, &app.clinic.slug, &typed).await;
    answer.is(422, "invalid_field");
    assert!(!answer.text.contains(canary), "{}", answer.text);
    let odd = Person::stranger().but(|p| p.cell_phone = Some(canary.to_owned()));
    let answer = booking_tests::http::portal::opening(&app, &app.clinic.slug, &odd.typed()).await;
    answer.is(422, "invalid_field");
    assert!(!answer.text.contains(canary), "{}", answer.text);
}

#[tokio::test]
async fn a_problem_names_its_request_in_the_body_as_in_the_header() {
    let app = TestApp::start().await;
    for path in ["/api/v1/portal/nowhere", "/api/nowhere", "/api/v1/session"] {
        let answer = app.get(path).await;
        assert_eq!(answer["request_id"].as_str(), answer.header("x-request-id"), "{}", answer.text);
    }
    // One that the caller gave is taken over.
    let asked = app.asks(Method::GET, "/api/v1/portal/nowhere").header("x-request-id", "abc-123");
    assert_eq!(asked.answer().await.header("x-request-id"), Some("abc-123"));
}

#[tokio::test]
async fn a_body_over_the_limit_is_a_problem_too() {
    let app = TestApp::start().await;
    let (token, path) = (app.admin().token().await, format!("/api/v1/clinics/{}/activities", app.clinic.id));
    unchanged(&app, async {
        let large = json!({ "name": "x".repeat(1024 * 1024), "duration_minutes": 20 }).to_string();
        app.asks(Method::POST, &path).token(&token).raw("application/json", large).answer().await.is(413, "too_large");
    })
    .await;
}

#[tokio::test]
async fn a_wrong_method_and_an_unknown_path_are_problems_too() {
    let app = TestApp::start().await;
    app.admin().opens_portal().await;
    let (token, clinic) = (app.admin().token().await, app.clinic.id);
    unchanged(&app, async {
        let path = format!("/api/v1/clinics/{clinic}/activities");
        for (method, path) in [
            (Method::PATCH, path.clone()),
            (Method::DELETE, path.clone()),
            (Method::POST, format!("/api/v1/portal/{}", app.clinic.slug)),
            (Method::DELETE, format!("/api/v1/portal/{}/visits", app.clinic.slug)),
        ] {
            app.asks(method, &path).token(&token).answer().await.is(405, "method_not_allowed");
        }
        for path in
            ["/api/v1", "/api/v1/clinics", "/api/v2/portal/x", "/api/nowhere", "/api/v1/portal/clinique-du-parc/"]
        {
            app.get(path).await.is(404, "not_found");
        }
        // Everything else is for people: a page says so.
        let page = app.get("/API/V1/session").await;
        assert_eq!(page.status, 404);
        assert!(page.text.starts_with("<!doctype html>"), "{}", page.text);
        for path in ["/api/v1/clinics/not-an-id/agenda", "/api/v1/clinics/00000000-0000-0000-0000-000000000000/agenda"]
        {
            app.asks(Method::GET, path).token(&token).answer().await.is(404, "not_found");
        }
    })
    .await;
}

#[tokio::test]
async fn dates_and_times_out_of_range_or_that_do_not_exist_or_exist_twice_are_refused() {
    let app = TestApp::start().await;
    let small = app.admin().sets_up().await;
    let scheduler = app.scheduler();
    let slot = async |date: &str, times: (&str, &str), more: &Value| {
        let mut form = json!({ "activity": small.activity });
        booking_tests::http::staff::merge(&mut form, more);
        scheduler.asks_for_slot(small.desk.agenda, date, times, &form).await
    };
    unchanged(&app, async {
        for date in [
            "2026-02-30",
            "2026-11-31",
            "24/11/2026",
            "2026-1-1",
            "",
            "0000-00-00",
            "99999-01-01",
            "+2026-11-24",
            "9999-12-31",
            "1000-01-01",
            TOMORROW_ARABIC,
        ] {
            let answer = slot(date, ("09:00", "10:00"), &Value::Null).await;
            answer.is(422, "invalid_field");
            assert!(!answer.pointers().is_empty(), "{date}: {}", answer.text);
        }
        for times in [
            ("09:00", "09:00"),
            ("10:00", "09:00"),
            ("9:00", "10:00"),
            ("09:60", "10:00"),
            ("23:00", "24:01"),
            ("24:00", "24:00"),
            ("-1:00", "10:00"),
        ] {
            slot(TOMORROW, times, &Value::Null).await.is(422, "invalid_field");
        }
        slot("2026-11-20", ("09:00", "10:00"), &Value::Null).await.is(422, "invalid_field");
        for more in [
            json!({ "interval_minutes": 0 }),
            json!({ "interval_minutes": 61 }),
            json!({ "activity": Uuid::nil() }),
            json!({ "activity": null }),
            json!({ "publication": { "at": "soon" } }),
            json!({ "publication": { "minutes_before": 0 } }),
            json!({ "title": "x".repeat(10_000) }),
        ] {
            slot(TOMORROW, ("09:00", "10:00"), &more).await.is(422, "invalid_field");
        }
        // 02:30 does not exist on this day, and 01:30 exists twice on that one: which must be said (8.19).
        slot("2027-03-14", ("02:30", "03:30"), &Value::Null).await.is(422, "invalid_field");
        slot("2027-11-07", ("01:30", "02:30"), &Value::Null).await.is(422, "invalid_field");
        slot("2027-11-07", ("01:30", "02:30"), &json!({ "start_offset": "-07:00" })).await.is(422, "invalid_field");
        let patient = json!({ "contact": Person::stranger().contact() });
        for (date, times) in [("2027-03-14", ("02:30", "03:30")), ("2027-11-07", ("01:30", "02:30"))] {
            let answer = scheduler.plans(small.desk.agenda, date, times, &patient).await;
            answer.is(422, "invalid_field");
            assert_eq!(answer.pointers(), ["/start"], "{}", answer.text);
        }
        for query in [
            "from=2026-02-30",
            "from=x",
            "from=2026-11-24&to=2026-11-23",
            "from=2026-01-01&to=2026-12-31",
            "form=2026-11-24",
            "from=2026-11-24&from=2026-11-25",
        ] {
            scheduler.get(&format!("/agenda?{query}")).await.is(400, "bad_parameter");
        }
    })
    .await;
    let first = slot("2027-11-07", ("01:30", "02:30"), &json!({ "start_offset": "-04:00" })).await.ok();
    let second = slot("2027-11-07", ("01:30", "02:30"), &json!({ "start_offset": "-05:00" })).await.ok();
    assert_eq!((&first["when"]["duration_minutes"], &second["when"]["duration_minutes"]), (&json!(120), &json!(60)));
    let _ = slot(TOMORROW, ("23:00", "24:00"), &Value::Null).await.ok();
}

/// A date in digits that are not ours.
const TOMORROW_ARABIC: &str = "٢٠٢٦-١١-٢٤";

#[tokio::test]
async fn what_a_visitor_sends_for_a_booking_is_checked_and_changes_nothing_when_it_is_wrong() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let asking = app
        .admin()
        .configures_service(
            &[small.activity],
            &json!({ "reason_required": true, "free_text_reason": false,
        "reasons": [{ "fr": "Toux", "en": "Cough" }] }),
        )
        .await;
    let visitor = app.visitor(&Person::stranger()).await;
    let wanted = visitor.finds(small.service, "09:00").await;
    let good = json!({ "service": small.service, "availability": wanted });
    let other_service = Uuid::nil();
    unchanged(&app, async {
        visitor.asks(Method::POST, "/appointments").json(&good).answer().await.is(400, "idempotency_key_required");
        for key in ["", &"k".repeat(201)] {
            visitor.sends_booking(key, &good).await.is(400, "bad_parameter");
        }
        let tries: [(Value, u16, &str); 10] = [
            (json!({ "availability": "" }), 422, "invalid_field"),
            (json!({ "availability": "AAAA" }), 422, "invalid_field"),
            (json!({ "availability": "A".repeat(60) }), 422, "invalid_field"),
            // In the right form, of an agenda that is nobody's.
            (json!({ "availability": "A".repeat(59) }), 404, "not_found"),
            (json!({ "hold": "nothing" }), 422, "invalid_field"),
            (json!({ "service": other_service }), 409, "not_offered"),
            (json!({ "service": "consultation" }), 422, "invalid_field"),
            (json!({ "service": asking, "reason": { "text": "une toux" } }), 422, "invalid_field"),
            (json!({ "service": asking, "reason": { "choice": 1 } }), 422, "invalid_field"),
            (json!({ "reason": { "text": "x".repeat(501) } }), 422, "invalid_field"),
        ];
        for (n, (change, status, code)) in tries.iter().enumerate() {
            let mut booking = good.clone();
            booking_tests::http::staff::merge(&mut booking, change);
            visitor.sends_booking(&format!("try {n}"), &booking).await.is(*status, code);
        }
        visitor
            .sends_booking("asked", &json!({ "service": asking, "availability": wanted }))
            .await
            .is(422, "invalid_field");
        for query in ["", "service=x", "service=", "service=00000000-0000-0000-0000-000000000000&page=2"] {
            visitor.get(&format!("/availabilities?{query}")).await.is(400, "bad_parameter");
        }
        for query in [
            "from=x",
            "to=2030-01-01",
            "weekday=someday",
            "part=night",
            "limit=0",
            "limit=-1",
            "cursor=zzz",
            "after=x",
            "practitioner=x",
        ] {
            visitor.get(&format!("/availabilities?service={}&{query}", small.service)).await.is(400, "bad_parameter");
        }
        visitor.get(&format!("/availabilities?service={other_service}")).await.is(404, "not_found");
    })
    .await;
    // What was refused is no use of the key.
    let booking = json!({ "service": asking, "availability": wanted, "reason": { "choice": 0 } });
    visitor.sends_booking("good", &booking).await.ok().has_status(201);
}

#[tokio::test]
async fn a_change_needs_the_etag_of_what_was_read_and_a_stale_one_is_refused() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let (admin, scheduler) = (app.admin(), app.scheduler());
    let patient = scheduler.registers(&Person::named("Ève", "Tremblay")).await;
    let link = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await;
    let appointment = id(&scheduler.finds(TOMORROW, &link.reference()).await["id"]);
    let slot = scheduler.day(small.desk.agenda, TOMORROW).await["slots"][0]["id"].clone();
    let slot = format!("/agendas/{}/days/{TOMORROW}/slots/{}", small.desk.agenda, text(&slot));
    let member = app.clinic.member(Role::Auditor);
    let form = service_form(&[small.activity], &Value::Null);
    let target = json!({ "agenda": small.desk.agenda, "date": TOMORROW, "start": "11:00", "end": "11:20" });
    let changes: Vec<(Method, String, Value)> = vec![
        (Method::PUT, "/portal".to_owned(), admin.get("/portal").await["config"].clone()),
        (Method::POST, "/portal/deactivate".to_owned(), Value::Null),
        (Method::PUT, "/settings".to_owned(), admin.get("/settings").await.body),
        (Method::PUT, format!("/activities/{}", small.activity), json!({ "name": "s", "duration_minutes": 20 })),
        (Method::POST, format!("/activities/{}/retire", small.activity), Value::Null),
        (Method::PUT, format!("/practitioners/{}", small.desk.practitioner), json!({ "name": "Dre Roy" })),
        (Method::PUT, format!("/services/{}", small.service), form),
        (Method::POST, format!("/services/{}/deactivate", small.service), Value::Null),
        (Method::PUT, slot.clone(), json!({ "start": "09:00", "end": "10:20", "activity": small.activity })),
        (Method::DELETE, slot, Value::Null),
        (Method::PUT, format!("/patients/{patient}"), Person::stranger().record()),
        (Method::PUT, format!("/patients/{patient}/registration"), json!({ "kind": "clinic" })),
        (Method::POST, format!("/patients/{patient}/deceased"), json!({})),
        (Method::PUT, format!("/members/{member}/role"), json!({ "role": "scheduler" })),
        (Method::POST, format!("/members/{member}/disable"), Value::Null),
        (Method::POST, format!("/appointments/{appointment}/attach"), json!({ "patient": patient })),
        (Method::POST, format!("/appointments/{appointment}/detach"), Value::Null),
        (Method::POST, format!("/appointments/{appointment}/cancel"), json!({})),
        (Method::POST, format!("/appointments/{appointment}/confirm"), Value::Null),
        (Method::POST, format!("/appointments/{appointment}/arrive"), Value::Null),
        (Method::POST, format!("/appointments/{appointment}/move"), target),
        (Method::POST, format!("/appointments/{appointment}/patient"), Value::Null),
    ];
    unchanged(&app, async {
        for (method, path, body) in &changes {
            let bare = admin.asks(method.clone(), path).await.json(body).answer().await;
            bare.is(428, "if_match_required");
            let stale = admin.changes(method.clone(), path, "\"9999\"", body).await;
            stale.is(412, "stale");
            assert!(stale["current_revision"].is_u64(), "{path}: {}", stale.text);
            for odd in ["*", "9999", "W/\"1\"", "\"\"", "\"-1\"", "\"1\", \"2\""] {
                admin.changes(method.clone(), path, odd, body).await.is(400, "bad_parameter");
            }
        }
        link.asks(Method::POST, "/cancel")
            .json(&json!({ "birth_date": "1985-06-15" }))
            .answer()
            .await
            .is(428, "if_match_required");
        link.cancels("\"9999\"").await.is(412, "stale");
        let confirmed = link.asks(Method::POST, "/confirm").if_match("\"9999\"").answer().await;
        confirmed.is(412, "stale");
    })
    .await;
}
