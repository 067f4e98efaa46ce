//! A clinic from nothing to its first booking, and the checklist on the way.

use super::{PAGES, admin, id_of};
use booking_domain::clinic::ClinicRegistered;
use booking_domain::ids::MemberId;
use booking_domain::phi::Phi;
use booking_domain::values::Role;
use booking_engine::{Actor, NewMember};
use booking_tests::http::app::ZONE;
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Browser, Person, TestApp, TestClinic, Visitor};
use serde_json::json;

const PASSWORD: &str = "a sentence that nobody guesses";

/// A clinic as `clinic create` leaves it: its first administrator, with a one-time link.
async fn created(app: &TestApp) -> (TestClinic, String) {
    let engine = &app.app.engine;
    let (id, member) = (engine.fresh_clinic(), MemberId(engine.fresh_command().0));
    let name = "Clinique des Érables".to_owned();
    let registered = ClinicRegistered { clinic: id, name, zone: ZONE.name().to_owned(), administrator: member };
    engine.register_clinic(&app.ctx(id, Actor::Operator), &registered).await.unwrap();
    let (name, email) = (Phi::new("Ève Admin".to_owned()), Phi::new("eve@erables.example".to_owned()));
    let new = NewMember { member, name, email, role: Role::Administrator };
    let token = engine.add_member(&app.ctx(id, Actor::Operator), &new).await.unwrap();
    let clinic = TestClinic { id, slug: "erables".to_owned(), members: vec![(Role::Administrator, member)] };
    (clinic, format!("i_{}", token.reveal().as_str()))
}

#[tokio::test]
async fn a_clinic_is_set_up_through_its_pages_until_a_patient_books() {
    let app = TestApp::start().await;
    let (clinic, link) = created(&app).await;
    let mut eve = Browser::speaking(&app, "en-CA", "/staff/invitation").await;
    eve.presses("Save and sign in", &[("token", &link), ("password", PASSWORD)]).await;
    eve.goes("/staff/admin").await;
    assert!(eve.text_of("#state").contains("Online booking is off"), "{}", eve.text_of("#state"));
    assert_eq!(eve.texts_of(".step.done").len(), 0, "nothing is done yet");

    eve.follows("Describe the portal").await;
    eve.presses("Save", &[("slug", "erables"), ("phone", "514 555-0100"), ("terms_en", "Be kind.\r\nBe on time.")])
        .await;
    assert_eq!(eve.text_of("#notice"), "Saved.");
    eve.presses("Switch online booking on", &[]).await;
    assert_eq!(eve.text_of("#notice"), "Online booking is on.");
    eve.goes("/staff/admin").await;
    assert!(eve.text_of("#state").contains("there is no service yet: nothing is shown"), "{}", eve.text_of("#state"));

    eve.goes("/staff/admin/activities").await;
    eve.follows("Add an activity").await;
    eve.presses("Save", &[("name", "zz-suivi"), ("duration", "20")]).await;
    let activity = id_of(&eve, "#activities", "zz-suivi").to_string();
    eve.goes("/staff/admin/practitioners/new").await;
    eve.presses("Save", &[("name", "Dre Roy"), ("profession_fr", "Médecin")]).await;
    assert_eq!(eve.texts_of("#practitioners tbody td").last().unwrap(), "Open", "the agenda was opened at once");

    eve.goes("/staff/admin/services/new").await;
    let service = [("internal_name", "zz-48h"), ("name_en", "Visit"), ("activity", activity.as_str())];
    eve.presses("Save the service", &service).await;
    assert_eq!(eve.text_of("#notice"), "Added.");
    eve.goes("/staff/admin").await;
    assert!(eve.text_of("#state").contains("no free time belongs to a service"), "{}", eve.text_of("#state"));

    let staff = app.staff(&clinic, Role::Administrator);
    let agenda = staff.get("/agendas").await.ok().list("/items")[0]["id"].as_str().unwrap().parse().unwrap();
    staff.publishes_slot(agenda, TOMORROW, ("09:00", "10:00"), activity.parse().unwrap()).await;
    eve.reloads().await;
    assert_eq!(eve.text_of("#state"), "Patients can book online now.");
    assert_eq!(eve.texts_of(".step.done").len(), 7, "every step is done");

    let patient = Visitor::opens(&app, "erables", &Person::stranger()).await;
    let service = patient.sees_services().await[0];
    assert_eq!(patient.sees(service).await.len(), 3);
    let availability = patient.finds(service, "09:20").await;
    let booking = json!({ "service": service, "availability": availability, "reason": { "text": "Toux" } });
    patient.sends_booking("the-first-booking", &booking).await.has_status(201);
}

#[tokio::test]
async fn every_page_speaks_both_languages_and_names_no_key_of_its_words() {
    let app = TestApp::start().await;
    let mut eve = admin(&app, "/staff/admin").await;
    let mut pages = PAGES.to_vec();
    pages.push("/staff/admin/tokens");
    for language in ["en", "fr"] {
        eve.cookies.insert("__Host-language".to_owned(), language.to_owned());
        for page in &pages {
            eve.goes(page).await;
            eve.has_status(200);
            assert_eq!(eve.attributes("html", "lang"), [language], "{page}");
            assert_eq!(eve.texts_of("h1").len(), 1, "{page} has one heading");
            let text = eve.text_of("body");
            assert!(!text.contains("admin-") && !text.contains("{ $"), "{page}: {text}");
            assert_eq!(eve.attributes("[aria-current=page]", "href").len(), 2, "{page} is marked in both navigations");
        }
    }
}

#[tokio::test]
async fn every_form_can_be_understood_by_its_labels_alone() {
    let app = TestApp::start().await;
    app.admin().sets_up().await;
    let mut eve = admin(&app, "/staff/admin").await;
    for page in PAGES {
        eve.goes(page).await;
        let ids = eve.attributes("[id]", "id");
        let mut once = ids.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), ids.len(), "{page} names an id twice: {ids:?}");
        for label in eve.attributes("label[for]", "for") {
            assert!(ids.contains(&label), "{page}: a label for {label}, which is not there");
        }
        for described in eve.attributes("[aria-describedby]", "aria-describedby") {
            for id in described.split(' ') {
                assert!(ids.contains(&id.to_owned()), "{page}: described by {id}, which is not there");
            }
        }
        let fields = "main input:not([type=hidden]):not([type=radio]):not([type=checkbox]), main select, main textarea";
        let (all, named) = (eve.texts_of(fields).len(), eve.attributes(fields, "aria-label").len());
        let labelled = eve.attributes(fields, "id").iter().filter(|id| eve.has(&format!("label[for='{id}']"))).count();
        assert!(named + labelled >= all, "{page}: a field without a label");
        let inline = eve.texts_of("style, [style], script:not([src])").len();
        assert_eq!(inline, 0, "{page} has inline script or style");
    }
}
