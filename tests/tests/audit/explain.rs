//! Explanations over HTTP: the rules, who set them, and what would turn them round. That they are right for random
//! clinics is the property in `shown`.

use booking_domain::values::Role;
use booking_tests::http::looked::Looked;
use booking_tests::http::portal::id;
use booking_tests::http::setup::{TOMORROW, availability_of};
use booking_tests::http::{Answer, Person, SmallClinic, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

struct Scene {
    app: TestApp,
    small: SmallClinic,
}

impl Scene {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let small = SmallClinic::with_a_morning(&app).await;
        Self { app, small }
    }
    async fn explains(&self, time: &str, more: &str) -> Answer {
        let day = self.app.scheduler().day(self.small.desk.agenda, TOMORROW).await;
        let named = availability_of(&day, time);
        let start = named["start"].as_str().unwrap().replace(':', "%3A").replace('+', "%2B");
        let (service, agenda) = (self.small.service, self.small.desk.agenda);
        let query = format!("service={service}&agenda={agenda}&slot={}&start={start}{more}", id(&named["slot"]));
        self.app.auditor().get(&format!("/audit/explain?{query}")).await.ok()
    }
}

fn refusing(answer: &Answer) -> Vec<&str> {
    let rules = answer.list("/rules").iter().filter(|rule| rule["passed"] == false);
    rules.map(|rule| rule["rule"].as_str().unwrap()).collect()
}

fn changes(answer: &Answer) -> Vec<&str> {
    answer.list("/smallest_change").iter().map(|c| c["change"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_rule_names_who_set_it_and_when_and_what_would_turn_it_round() {
    let scene = Scene::new().await;
    let shown = scene.explains("09:00", "").await;
    assert_eq!((&shown["offered"], refusing(&shown), changes(&shown)), (&json!(true), vec![], vec!["look_at"]));
    let before = shown["now"].as_str().unwrap().to_owned();

    scene.app.waits_seconds(600);
    scene.app.admin().closes_portal().await;
    let closed = scene.explains("09:00", "").await;
    assert_eq!((refusing(&closed), changes(&closed)), (vec!["portal_active"], vec!["activate_portal"]));
    let rule = &closed.list("/rules")[0];
    assert_eq!(rule["set_by"]["what"], "portal-deactivated");
    assert_eq!(rule["set_by"]["name"], "Member administrator");
    assert_eq!(rule["set_by"]["id"], json!(scene.app.clinic.member(Role::Administrator).0));
    assert!(rule["set_by"]["at"].as_str().unwrap() > before.as_str());
    assert!(rule["en"].as_str().unwrap().contains("off") && rule["fr"].as_str().unwrap().contains("fermé"));
    // And then it was not so.
    let then = scene.explains("09:00", &format!("&at_time={}", before.replace(':', "%3A"))).await;
    assert_eq!(then["offered"], true);
}

#[tokio::test]
async fn a_time_that_is_taken_names_the_booking_and_one_that_is_held_the_hold() {
    let scene = Scene::new().await;
    let _ = scene.app.visitor(&Person::stranger()).await.books_at(scene.small.service, "09:00").await;
    let taken = scene.explains("09:00", "").await;
    assert_eq!((refusing(&taken), changes(&taken)), (vec!["free"], vec!["free_time"]));
    let free = taken.list("/rules").iter().find(|rule| rule["rule"] == "free").unwrap();
    assert_eq!((&free["set_by"]["what"], &free["set_by"]["actor"]), (&json!("appointment-booked"), &json!("visit")));

    let visitor = scene.app.visitor(&Person::named("Nina", "Simard")).await;
    let wanted = visitor.finds(scene.small.service, "09:20").await;
    let _ = visitor.holds(scene.small.service, &wanted).await;
    let held = scene.explains("09:20", "").await;
    assert_eq!(refusing(&held), ["free"]);
    // Waiting for the end of the hold, or giving it back: one change either way, and now is nearer than later.
    assert_eq!(changes(&held), ["release_holds"]);
}

#[tokio::test]
async fn a_patient_is_looked_at_only_with_a_record_of_it() {
    let scene = Scene::new().await;
    let (app, small) = (&scene.app, &scene.small);
    let etag = app.admin().get(&format!("/services/{}", small.service)).await.ok();
    let mut form = booking_tests::http::setup::service_form(&[small.activity], &Value::Null);
    form["criteria"] = json!([{ "kind": "age_range", "unit": "years", "min": 65 }]);
    let path = format!("/services/{}", small.service);
    let changed = app.admin().changes(Method::PUT, &path, &etag.etag(), &form).await;
    assert!(changed.is_ok(), "{}", changed.text);
    let patient = app.scheduler().registers(&Person::named("Ève", "Tremblay")).await;
    let anonymous = scene.explains("09:00", "").await;
    assert_eq!(
        (refusing(&anonymous), changes(&anonymous)),
        (vec!["recognition", "criterion"], vec!["open_to_everyone"])
    );
    let before = app.looked().await.len();
    let young = scene.explains("09:00", &format!("&patient={patient}")).await;
    assert_eq!((refusing(&young), changes(&young)), (vec!["criterion"], vec!["widen_criterion"]));
    assert!(!young.text.contains("Tremblay") && !young.text.contains("1985"));
    let left = app.looked().await.split_off(before);
    let auditor = app.clinic.member(Role::Auditor);
    assert!(left.contains(&Looked::shown(auditor, "explainAvailability", [patient])), "{left:?}");
    // The preview agrees.
    let preview = format!("/audit/availabilities?service={}&patient={patient}", small.service);
    app.scheduler().get(&preview).await.is(404, "not_found");
}
