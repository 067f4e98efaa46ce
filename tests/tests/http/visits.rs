//! Opening a visit: what the form wants, who has a token, and that nothing tells whether somebody is a patient.

use booking_domain::values::Role;
use booking_tests::http::portal::{opening, text};
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Person, SmallClinic, TestApp, Visitor};
use reqwest::Method;
use serde_json::{Value, json};

// R10 to R12, E1, E2.
#[tokio::test]
async fn the_form_says_everything_that_is_wrong_with_it_and_stores_nothing() {
    let app = TestApp::start().await;
    app.admin().opens_portal().await;
    let good = Person::stranger().typed();
    let changes = app.changes().await;
    let wrong: [(Value, &str); 14] = [
        (json!({ "terms_accepted": false }), "/terms_accepted"),
        (json!({ "first_name": "" }), "/first_name"),
        (json!({ "last_name": " " }), "/last_name"),
        (json!({ "last_name": "x".repeat(10_000) }), "/last_name"),
        (json!({ "birth_date": "1985-02-30" }), "/birth_date"),
        (json!({ "birth_date": "2027-01-01" }), "/birth_date"),
        (json!({ "birth_date": "1700-01-01" }), "/birth_date"),
        (json!({ "sex": "f" }), "/sex"),
        (json!({ "health_number": "ROY" }), "/health_number"),
        (json!({ "cell_phone": "12" }), "/cell_phone"),
        (json!({ "email": "nobody" }), "/email"),
        (json!({ "language": "de" }), "/language"),
        (json!({ "first_name": "\u{0}" }), "/first_name"),
        (json!({ "birth_date": "1985-6-15" }), "/birth_date"),
    ];
    for (change, pointer) in &wrong {
        let mut form = good.clone();
        booking_tests::http::staff::merge(&mut form, change);
        let answer = opening(&app, &app.clinic.slug, &form).await;
        answer.is(422, "invalid_field");
        assert!(answer.pointers().contains(pointer), "{change}: {}", answer.text);
    }
    let nothing = Person::stranger().but(|p| {
        p.cell_phone = None;
        p.email = None;
    });
    opening(&app, &app.clinic.slug, &nothing.typed()).await.is(422, "invalid_field");
    let mut all = good;
    booking_tests::http::staff::merge(
        &mut all,
        &json!({ "first_name": "", "sex": "", "birth_date": "", "terms_accepted": false }),
    );
    let answer = opening(&app, &app.clinic.slug, &all).await;
    for pointer in ["/first_name", "/sex", "/birth_date", "/terms_accepted"] {
        assert!(answer.pointers().contains(&pointer), "{}", answer.text);
    }
    assert_eq!(app.changes().await, changes);
}

#[tokio::test]
async fn a_closed_portal_opens_no_visit_and_refuses_at_confirmation() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let visitor = app.visitor(&Person::stranger()).await;
    let wanted = visitor.finds(small.service, "09:00").await;
    app.admin().closes_portal().await;
    let changes = app.changes().await;
    opening(&app, &app.clinic.slug, &Person::stranger().typed()).await.is(409, "portal_off");
    visitor.get("/services").await.is(409, "portal_off");
    visitor.asks_to_hold(small.service, &wanted).await.is(409, "portal_off");
    // E19.
    visitor.asks_to_book(small.service, &wanted).await.is(409, "not_offered");
    assert_eq!(app.get(&format!("/api/v1/portal/{}", app.clinic.slug)).await.ok()["open"], false);
    assert_eq!(app.changes().await, changes);
}

#[tokio::test]
async fn a_visit_ends_by_the_clock() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let visitor = app.visitor(&Person::stranger()).await;
    let wanted = visitor.finds(small.service, "09:00").await;
    let ends = visitor.get("/visit").await.ok();
    assert_eq!(ends["expires_at"], "2026-11-23T11:00:00-05:00");
    app.waits_seconds(2 * 3600 - 1);
    let _ = visitor.get("/visit").await.ok();
    app.waits_seconds(1);
    let changes = app.changes().await;
    visitor.get("/visit").await.is(401, "visit_expired");
    visitor.get("/services").await.is(401, "visit_expired");
    visitor.asks_to_hold(small.service, &wanted).await.is(401, "visit_expired");
    visitor.asks_to_book(small.service, &wanted).await.is(401, "visit_expired");
    assert_eq!(app.changes().await, changes);
}

#[tokio::test]
async fn tokens_of_another_kind_or_clinic_or_of_nobody_open_nothing() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let visitor = app.visitor(&Person::stranger()).await;
    let link = visitor.books_at(small.service, "09:00").await;
    let staff = app.scheduler().token().await;
    let other = app.another_clinic("autre-clinique").await;
    app.staff(&other, Role::Administrator).opens_portal().await;
    let elsewhere = Visitor::opens(&app, &other.slug, &Person::stranger()).await;

    let portal = format!("/api/v1/portal/{}", app.clinic.slug);
    let bare = |token: &str| token.get(2..).unwrap_or_default().to_owned();
    let hex = "0".repeat(64);
    let wrong_visits = [
        link.token.clone(),
        staff.clone(),
        elsewhere.token.clone(),
        format!("v_{}", bare(&staff)),
        format!("s_{}", bare(&visitor.token)),
        format!("v_{hex}"),
        bare(&visitor.token),
        format!("vv_{}", bare(&visitor.token)),
        "v_".to_owned(),
        String::new(),
        "é".to_owned(),
    ];
    for token in &wrong_visits {
        let asked =
            app.asks(Method::GET, &format!("{portal}/visit")).header("authorization", &format!("Bearer {token}"));
        asked.answer().await.is(401, "unauthorized");
    }
    app.get(&format!("{portal}/visit")).await.is(401, "unauthorized");
    let basic =
        app.asks(Method::GET, &format!("{portal}/visit")).header("authorization", &format!("Basic {}", visitor.token));
    basic.answer().await.is(401, "unauthorized");

    let agenda = format!("/api/v1/clinics/{}/agenda", app.clinic.id);
    let wrong_staff =
        [visitor.token.clone(), link.token.clone(), format!("t_{}", bare(&staff)), format!("s_{hex}"), bare(&staff)];
    for token in &wrong_staff {
        app.asks(Method::GET, &agenda).token(token).answer().await.is(401, "unauthorized");
    }
    app.get(&agenda).await.is(401, "unauthorized");
    for token in [&visitor.token, &staff, &format!("l_{}", bare(&visitor.token))] {
        let answer = app.asks(Method::GET, &format!("{portal}/appointment")).token(token).answer().await;
        assert!(matches!(answer.status, 401 | 404), "{}", answer.text);
    }
    // A link is its clinic's alone.
    let there = app.asks(Method::GET, &format!("/api/v1/portal/{}/appointment", other.slug)).token(&link.token);
    there.answer().await.is(404, "not_found");
}

// 8.7: with open services alone, no answer of the whole journey tells who was recognized.
#[tokio::test]
async fn no_answer_tells_whether_somebody_was_recognized() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let eve = Person::named("Ève", "Tremblay");
    app.scheduler().registers(&eve).await;
    let mut journeys: Vec<Vec<(u16, Value)>> = Vec::new();
    for (person, time) in [(eve.clone(), "09:00"), (eve.but(|p| p.last_name = "Roy".to_owned()), "09:20")] {
        let opened = opening(&app, &app.clinic.slug, &person.typed()).await.ok();
        let visitor = app.visitor(&person).await;
        let services = visitor.services().await;
        let hold = visitor.asks_to_hold(small.service, &visitor.finds(small.service, time).await).await;
        let booked = visitor.books_at(small.service, time).await;
        let seen = booked.sees().await;
        let answers = [opened, visitor.get("/visit").await, services, hold, booked.booked.clone().unwrap(), seen];
        journeys.push(answers.into_iter().map(|a| (a.status, shape(&a.body))).collect());
    }
    assert_eq!(journeys[0], journeys[1]);
}

/// What a body looks like, without what differs from visit to visit in any case.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::String(text) => json!(text.len()),
        other => other.clone(),
    }
}

#[tokio::test]
async fn an_old_address_of_a_portal_leads_to_the_new_one_and_an_unknown_one_nowhere() {
    let app = TestApp::start().await;
    app.admin().opens_portal().await;
    let setup = app.admin().get("/portal").await.ok();
    let mut form = setup["config"].clone();
    form["slug"] = json!("nouvelle-adresse");
    let _ = app.admin().changes(Method::PUT, "/portal", &setup.etag(), &form).await.ok();
    app.settle().await;
    let old = app.get(&format!("/api/v1/portal/{}", app.clinic.slug)).await;
    old.has_status(308);
    assert_eq!(old.header("location"), Some("/api/v1/portal/nouvelle-adresse"));
    let new = app.get("/api/v1/portal/nouvelle-adresse").await.ok();
    assert_eq!(text(&new["slug"]), "nouvelle-adresse");
    for unknown in ["nowhere", "%00", "%ff%fe", "..", "%2e%2e%2fclinics", &"x".repeat(3_000), TOMORROW] {
        let answer = app.get(&format!("/api/v1/portal/{unknown}")).await;
        assert!(answer.status == 404, "{unknown}: {}", answer.status);
    }
}
