//! "Why is this slot (not) online?" and "preview as" on the clinic's pages: they say what the portal shows, for anonymous,
//! recognized and given patients, over random rules; and who looked as whom is recorded before anything is shown.

use super::staff::signed_in;
use booking_api::AppOptions;
use booking_domain::ids::{PatientId, SubjectId, VisitId};
use booking_domain::person::Profile;
use booking_domain::phi::Phi;
use booking_domain::values::{Proof, Role};
use booking_engine::vault::NewVisit;
use booking_events::sealed_forms::Plaintext;
use booking_store::SqliteOptions;
use booking_tests::Rng;
use booking_tests::actors::{date, somebody};
use booking_tests::http::looked::Looked;
use booking_tests::http::portal::{id, text};
use booking_tests::http::setup::{Desk, TOMORROW};
use booking_tests::http::{Browser, Person, Post, SmallClinic, TestApp, TestClinic, Visitor};
use booking_tests::seeds::seeds;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

#[tokio::test]
async fn a_patient_is_searched_for_then_chosen_and_the_look_is_recorded_before_it_is_shown() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let etag = app.admin().get(&format!("/services/{}", small.service)).await.ok().etag();
    let seniors = json!({ "criteria": [{ "kind": "age_range", "unit": "years", "min": 65 }] });
    let form = booking_tests::http::setup::service_form(&[small.activity], &seniors);
    let path = format!("/services/{}", small.service);
    let _ = app.admin().changes(Method::PUT, &path, &etag, &form).await.ok();
    let young = app.scheduler().registers(&Person::named("Ève", "Tremblay")).await;
    let old = Person::named("Odile", "Tremblay").but(|p| p.birth_date = "1940-02-03".to_owned());
    let old = app.scheduler().registers(&old).await;

    let mut browser = signed_in(&app, Role::Practitioner, &format!("/staff/agenda?date={TOMORROW}")).await;
    let slot = browser.attributes(".is-online a", "href").remove(0);
    browser.goes(&slot).await;
    assert!(browser.text_of("#verdict").starts_with("Not offered online"));
    let restricted = "Keeps it back: The service has criteria, and the visitor is not known well enough.";
    assert!(browser.texts_of("#explained li").iter().any(|li| li.starts_with(restricted)), "the rule is told");
    browser.reads("Open the service to everyone.");

    browser.presses("Search", &[("search", "tremblay")]).await;
    assert_eq!(browser.texts_of("#found a"), ["Ève Tremblay", "Odile Tremblay"]);
    assert!(!browser.address.contains("remblay"), "no name is in an address: {}", browser.address);
    let before = app.looked().await.len();
    browser.follows("Ève Tremblay").await;
    let practitioner = app.clinic.member(Role::Practitioner);
    let left = app.looked().await.split_off(before);
    let looks = left.iter().filter(|l| **l == Looked::shown(practitioner, "explainAvailability", [young])).count();
    assert_eq!(looks, 1, "one record for the whole answer: {left:?}");
    assert!(browser.text_of("#verdict").starts_with("Not offered online (As seen by Ève Tremblay"));
    browser.reads("Widen criterion 1 by what this patient is.");
    assert!(!browser.address.contains("remblay") && !browser.answer.text.contains("15 June 1985"));
    browser.presses("Search", &[("search", "odile")]).await;
    browser.follows("Odile Tremblay").await;
    assert!(browser.text_of("#verdict").starts_with("Offered online (As seen by Odile Tremblay"));
    assert_eq!(browser.attributes("#viewer option[selected]", "value"), [old.to_string()]);

    // Nobody of another clinic, and nobody at all, can be looked as; and that is recorded too.
    let other = app.another_clinic("autre-clinique").await;
    let foreign = app.staff(&other, Role::Scheduler).registers(&Person::named("Nina", "Simard")).await;
    for nobody in [foreign, Uuid::from_u128(7)] {
        let before = app.looked().await.len();
        browser.goes(&format!("{slot}&viewer={nobody}")).await;
        browser.has_status(404);
        let refused = Looked::refused(practitioner, "explainAvailability", [], "not_found");
        assert!(app.looked().await.split_off(before).contains(&refused), "{nobody}");
    }
}

#[tokio::test]
async fn when_the_look_cannot_be_recorded_nothing_is_explained() {
    let small_log = |options: AppOptions| AppOptions {
        log: SqliteOptions { max_pages: Some(64), ..options.log.clone() },
        ..options
    };
    let app = TestApp::start_with(small_log).await;
    let small = SmallClinic::with_a_morning(&app).await;
    let patient = app.scheduler().registers(&Person::named("Ève", "Tremblay")).await;
    let day = app.scheduler().day(small.desk.agenda, TOMORROW).await;
    let named = booking_tests::http::setup::availability_of(&day, "09:00");
    let query = serde_html_form::to_string([("start", text(&named["start"])), ("viewer", patient.to_string())]);
    let slot = id(&named["slot"]);
    let page = format!("/staff/slots/{}/{TOMORROW}/{slot}?{}", small.desk.agenda, query.unwrap());
    let mut browser = signed_in(&app, Role::Scheduler, &page).await;
    browser.has_status(200);
    browser.reads("Ève Tremblay");
    let form = json!({ "name": "x".repeat(180), "duration_minutes": 20 });
    for _ in 0..3_000 {
        if !app.admin().post("/activities", &form).await.is_ok() {
            break;
        }
    }
    for _ in 0..200 {
        browser.goes(&page).await;
        if browser.answer.status != 200 {
            break;
        }
    }
    browser.has_status(503);
    assert!(!browser.answer.text.contains("Tremblay") && !browser.has("#verdict"), "{}", browser.answer.text);
}

/// A random clinic on a server, with people whom it knows.
struct Play<'a> {
    app: &'a TestApp,
    clinic: TestClinic,
    rng: Rng,
    desks: Vec<Desk>,
    activities: Vec<Uuid>,
    services: Vec<(Uuid, String)>,
    slots: Vec<(Uuid, Uuid)>,
    patients: Vec<(Uuid, Person)>,
}

/// As whom the portal and the page are looked at.
struct Viewer {
    words: String,
    /// The page's query.
    query: String,
    token: String,
}

impl<'a> Play<'a> {
    async fn new(app: &'a TestApp, seed: u64) -> Self {
        let clinic = app.another_clinic(&format!("clinique-{seed}")).await;
        let mut play = Self {
            app,
            clinic,
            rng: Rng::new(seed),
            desks: vec![],
            activities: vec![],
            services: vec![],
            slots: vec![],
            patients: vec![],
        };
        let admin = app.staff(&play.clinic, Role::Administrator);
        admin.opens_portal().await;
        for name in ["Dre Roy", "Dr Hébert"] {
            play.desks.push(admin.hires(name).await);
        }
        for (name, minutes) in [("suivi", 20), ("bilan", 30)] {
            play.activities.push(admin.defines_activity(name, minutes).await);
        }
        let proof = play.rng.pick(&["none", "one_time_code"]);
        let more = json!({ "recognition_proof": proof, "offer_recurring_online": play.rng.percent(30),
            "min_notice_minutes": play.rng.pick(&[0, 0, 120]), "max_future_appointments": play.rng.pick(&[None, Some(1)]) });
        admin.settles(&more).await;
        for n in 0..3 {
            let name = format!("service {n}");
            let form = play.service(&name);
            play.services.push((id(&admin.post("/services", &form).await.ok()["id"]), name));
        }
        for n in 0..3 {
            let person = Person::named("Ève", ["Tremblay", "Lavigne", "Turcotte"][n]).but(|p| {
                play.rng.pick(&["1940-02-03", "1985-06-15", "2019-11-24"]).clone_into(&mut p.birth_date);
                play.rng.pick(&["female", "male"]).clone_into(&mut p.sex);
            });
            let practitioner = play.desks[0].practitioner;
            let registration = play.rng.pick(&[
                Value::Null,
                json!({ "kind": "clinic" }),
                json!({ "kind": "practitioner", "practitioner": practitioner }),
            ]);
            let scheduler = app.staff(&play.clinic, Role::Scheduler);
            play.patients.push((scheduler.registers_with(&person, &registration).await, person));
        }
        play.opens_slots().await;
        play.disturbs().await;
        app.settle().await;
        play
    }

    /// A random service.
    fn service(&mut self, name: &str) -> Value {
        let (one, rng) = (self.desks[1].practitioner, &mut self.rng);
        let filter = rng.pick(&[
            json!({ "mode": "all" }),
            json!({ "mode": "only", "practitioners": [one] }),
            json!({ "mode": "all_except", "practitioners": [one] }),
        ]);
        let publication = rng.pick(&[
            json!({ "kind": "at_once" }),
            json!({ "kind": "minutes_before", "minutes": 26 * 60 }),
            json!({ "kind": "days_before", "days": 1, "at": "10:00" }),
            json!({ "kind": "days_before", "days": 1, "at": "08:00" }),
        ]);
        let all = [
            json!({ "kind": "age_range", "unit": "years", "min": 65 }),
            json!({ "kind": "age_range", "unit": "years", "max": 40 }),
            json!({ "kind": "sex", "values": ["female"] }),
            json!({ "kind": "registration", "values": ["this_practitioner", "clinic"] }),
            json!({ "kind": "registration", "values": ["not_registered"] }),
            json!({ "kind": "existing_record" }),
        ];
        let mut criteria: Vec<Value> = Vec::new();
        if rng.percent(65) {
            criteria.push(rng.pick(&all));
        }
        if rng.percent(20) {
            criteria.push(rng.pick(&all));
        }
        let activities: Vec<Uuid> = if rng.percent(50) { self.activities.clone() } else { vec![self.activities[0]] };
        json!({ "internal_name": name, "public_name": { "fr": name }, "activities": activities,
            "criteria": criteria, "practitioner_filter": filter, "publication": publication,
            "usage": rng.pick(&["booking", "booking", "both", "request"]), "reason_required": false,
            "max_horizon_minutes": rng.pick(&[None, None, Some(25 * 60)]),
            "max_future_appointments": rng.pick(&[None, None, Some(1)]) })
    }

    async fn opens_slots(&mut self) {
        let scheduler = self.app.staff(&self.clinic, Role::Scheduler);
        for n in 0..3 {
            let desk = self.desks[n % 2];
            let activity = self.rng.pick(&self.activities);
            let hours = [("09:00", "10:00"), ("09:30", "10:30"), ("11:00", "12:00")][n];
            let own = self.rng.pick(&[Value::Null, Value::Null, json!({ "minutes_before": 60 * 23 })]);
            let more = json!({ "activity": activity, "publication": own });
            let slot = id(&scheduler.asks_for_slot(desk.agenda, TOMORROW, hours, &more).await.ok()["id"]);
            self.slots.push((desk.agenda, slot));
        }
        let draft = json!({ "agenda": self.desks[0].agenda, "date": TOMORROW, "start": "14:00", "end": "15:00",
            "activity": self.activities[0] });
        let rule = json!({ "weekdays": ["tuesday"], "until": TOMORROW });
        let laid = scheduler.post("/schedule/recurring", &json!({ "draft": draft, "rule": rule })).await.ok();
        self.slots.push((self.desks[0].agenda, id(&laid["laid"][0]["slot"])));
    }

    /// What happens to a clinic: bookings, holds, somebody leaves, a service or the portal is switched off, time passes.
    async fn disturbs(&mut self) {
        let (app, slug) = (self.app, self.clinic.slug.clone());
        self.app.settle().await;
        let service = self.services[0].0;
        for person in [Person::stranger(), self.patients[0].1.clone()] {
            let visitor = Visitor::opens(app, &slug, &person).await;
            let seen = visitor.get(&format!("/availabilities?service={service}&limit=100")).await;
            if !seen.is_ok() || seen.list("/availabilities").is_empty() {
                continue;
            }
            let wanted = self.rng.pick(seen.list("/availabilities"));
            let wanted = text(&wanted["availability"]);
            if self.rng.percent(50) {
                let _ = visitor.asks_to_hold(service, &wanted).await;
            } else {
                let _ = visitor.asks_to_book(service, &wanted).await;
            }
        }
        let admin = app.staff(&self.clinic, Role::Administrator);
        if self.rng.percent(20) {
            let path = format!("/practitioners/{}", self.desks[1].practitioner);
            let known = admin.get("/practitioners").await.ok();
            let known = known.list("/items").iter().find(|p| p["id"] == json!(self.desks[1].practitioner)).cloned();
            let etag = format!("\"{}\"", known.unwrap()["revision"]);
            let _ = admin.changes(Method::POST, &format!("{path}/deactivate"), &etag, &Value::Null).await.ok();
        }
        if self.rng.percent(15) {
            let path = format!("/services/{}", self.services[1].0);
            let etag = admin.get(&path).await.ok().etag();
            let _ = admin.changes(Method::POST, &format!("{path}/deactivate"), &etag, &Value::Null).await.ok();
        }
        if self.rng.percent(10) {
            admin.closes_portal().await;
        }
        if self.rng.percent(15) {
            let path = format!("/agendas/{}/days/{TOMORROW}/slots/{}", self.slots[2].0, self.slots[2].1);
            let scheduler = app.staff(&self.clinic, Role::Scheduler);
            let etag = scheduler.get(&path).await.ok().etag();
            let _ = scheduler.changes(Method::DELETE, &path, &etag, &Value::Null).await.ok();
        }
    }

    /// A visit as the portal opens it for somebody whom it recognized, or did not; proven by a code, or not.
    async fn visit(&mut self, patient: Option<Uuid>, proof: Proof) -> String {
        let profile = somebody("Zoé", date("1990-02-03"), booking_domain::values::Sex::Female);
        let new = NewVisit {
            id: VisitId::from_bytes(self.rng.bytes()),
            clinic: self.clinic.id,
            subject: SubjectId::from_bytes(self.rng.bytes()),
            identity: Phi::new(self.typed(patient, profile).to_plaintext().to_vec()),
            identity_schema: Profile::SCHEMA,
            patient: patient.map(PatientId),
            language: "fr".into(),
            proof: proof.code(),
            terms_version: 1,
            opened_at: self.app.now(),
            expires_at: self.app.now().plus_minutes(24 * 60),
            source_hash: None,
        };
        format!("v_{}", self.app.app.engine.vault().open_visit(new).await.unwrap().token.reveal().as_str())
    }

    /// What a patient typed carries the contact of their record, or no code could prove anything.
    fn typed(&self, patient: Option<Uuid>, stranger: Profile) -> Profile {
        let Some((_, person)) = self.patients.iter().find(|(id, _)| Some(*id) == patient) else { return stranger };
        let email = person.email.as_deref().and_then(|e| booking_domain::person::Email::parse(e).ok());
        Profile { emails: email.into_iter().collect(), ..stranger }
    }

    async fn viewers(&mut self) -> Vec<Viewer> {
        let viewer = |words: &str, query: String, token| Viewer { words: words.to_owned(), query, token };
        let mut all = vec![viewer("anonymous", "viewer=anonymous".to_owned(), self.visit(None, Proof::None).await)];
        for (patient, _) in self.patients.clone() {
            let unproven = format!("viewer={patient}&proof=recognized");
            all.push(viewer("recognized", unproven, self.visit(Some(patient), Proof::None).await));
            let proven = format!("viewer={patient}");
            all.push(viewer("proven", proven, self.visit(Some(patient), Proof::Both).await));
        }
        all
    }

    /// What the portal shows: service by its name, and start.
    async fn portal(&self, token: &str) -> BTreeSet<(String, String)> {
        let visitor = Visitor::with(self.app, &self.clinic.slug, token);
        let mut shown = BTreeSet::new();
        for (service, name) in &self.services {
            let answer = visitor.get(&format!("/availabilities?service={service}&limit=100")).await;
            // A closed portal, and a service that is not listed, show nothing.
            assert!(matches!(answer.status, 200 | 404 | 409), "{}: {}", answer.status, answer.text);
            if answer.is_ok() {
                let all = answer.list("/availabilities").iter();
                shown.extend(
                    all.map(|a| (name.clone(), format!("{} {}", text(&a["practitioner"]["id"]), text(&a["start"])))),
                );
            }
        }
        shown
    }

    /// Every availability: its slot's page, its start and its practitioner.
    async fn everything(&self) -> Vec<(String, String, Uuid)> {
        let mut all = Vec::new();
        let answer = self.app.staff(&self.clinic, Role::Scheduler).agenda(TOMORROW).await;
        for day in answer.list("/days") {
            for slot in day["slots"].as_array().unwrap() {
                for availability in slot["availabilities"].as_array().unwrap() {
                    let page = format!("/staff/slots/{}/{TOMORROW}/{}", id(&day["agenda"]), id(&slot["id"]));
                    all.push((page, text(&availability["start"]), id(&day["practitioner"]["id"])));
                }
            }
        }
        all
    }
}

/// What the pages say would be shown.
async fn explained(
    browser: &mut Browser<'_>,
    everything: &[(String, String, Uuid)],
    query: &str,
) -> BTreeSet<(String, String)> {
    let mut shown = BTreeSet::new();
    for (page, start, practitioner) in everything {
        let start_query = serde_html_form::to_string([("start", start)]).unwrap();
        browser.goes(&format!("{page}?{start_query}&{query}")).await;
        browser.has_status(200);
        let summaries = browser.texts_of("details.of summary");
        let offered = browser.attributes("details.of", "data-offered");
        assert_eq!(summaries.len(), offered.len());
        let mut any = false;
        for (summary, offered) in summaries.iter().zip(&offered) {
            let (service, words) = summary.split_once(": ").unwrap();
            assert_eq!(words == "Offered online", offered == "true");
            if offered == "true" {
                any = true;
                shown.insert((service.to_owned(), format!("{practitioner} {start}")));
            }
        }
        // The words over it all say the same.
        assert_eq!(browser.text_of("#verdict").starts_with("Offered online"), any, "{page}");
    }
    shown
}

#[tokio::test]
async fn what_the_pages_explain_is_what_the_portal_shows() {
    let seeds = seeds(4, 150);
    let post = Arc::new(Post::default());
    let messages = post.options();
    let app = TestApp::start_with(|o| AppOptions { messages, ..o }).await;
    let (mut shown_at_all, mut hidden_at_all) = (0, 0);
    // Viewers who are shown different things: without any, an explanation that ignored its viewer would pass.
    let mut told_apart = BTreeSet::new();
    for seed in seeds {
        println!("preview = portal: SEED={seed}");
        let mut play = Play::new(&app, seed).await;
        let viewers = play.viewers().await;
        let everything = play.everything().await;
        let mut browser = Browser::speaking(&app, "en", "/assets/base.css").await;
        let token = app.session(play.clinic.id, play.clinic.member(Role::Scheduler)).await;
        browser.cookies.insert("__Host-staff".to_owned(), token);
        let anybody = explained(&mut browser, &everything, "viewer=recognized").await;
        let (mut known, mut first) = (Vec::new(), None);
        for viewer in &viewers {
            let shown = play.portal(&viewer.token).await;
            let said = explained(&mut browser, &everything, &viewer.query).await;
            assert_eq!(said, shown, "SEED={seed}: as {} ({})", viewer.words, viewer.query);
            shown_at_all += shown.len();
            hidden_at_all += everything.len() * play.services.len() - shown.len();
            if *first.get_or_insert_with(|| shown.clone()) != shown {
                told_apart.insert(viewer.words.clone());
            }
            if viewer.words == "proven" {
                known.push(shown);
            }
        }
        // Somebody recognized of whom nothing else is known: no more than any patient whose caps are not reached. The
        // first may have booked; the others have not.
        for shown in &known[1..] {
            let more: Vec<_> = anybody.difference(shown).collect();
            assert!(more.is_empty(), "SEED={seed}: recognized, but not this patient: {more:?}");
        }
    }
    assert!(shown_at_all > 0 && hidden_at_all > 0, "{shown_at_all} shown, {hidden_at_all} hidden: nothing was tested");
    if std::env::var_os("SEED").is_none() {
        assert!(told_apart.contains("proven"), "everybody is shown what nobody in particular is: {told_apart:?}");
    }
    println!(
        "{shown_at_all} shown and {hidden_at_all} hidden agree; other than the anonymous are shown: {told_apart:?}"
    );
}
