//! The audit's pages as an auditor without scripts goes through them: found, told, stepped through, proved; each look at a
//! person asked for and recorded; and no name of a patient anywhere.

use super::doors::protected;
use super::staff::signed_in;
use booking_domain::values::Role;
use booking_tests::http::looked::Looked;
use booking_tests::http::portal::id;
use booking_tests::http::setup::{TOMORROW, availability_of};
use booking_tests::http::{Browser, Person, SmallClinic, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const ALL: [Role; 4] = [Role::Administrator, Role::Scheduler, Role::Practitioner, Role::Auditor];
const AUDIT: [Role; 2] = [Role::Administrator, Role::Auditor];
/// What no page of the audit may show.
const PERSONAL: [&str; 7] = ["Tremblay", "Ève", "Ouellet", "Zita", "555 0142", "5550142", "example.ca"];

/// A clinic in which something happened: a record, a booking by its patient, who was recognized, and one by a stranger.
struct Scene {
    app: TestApp,
    small: SmallClinic,
    patient: Uuid,
    appointment: Uuid,
    reference: String,
    /// The event of the booking.
    booked: String,
    slot: Uuid,
    start: String,
}

impl Scene {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let small = SmallClinic::with_a_morning(&app).await;
        let patient = app.scheduler().registers(&Person::named("Ève", "Tremblay")).await;
        app.waits_seconds(60);
        let visitor = app.visitor(&Person::stranger()).await;
        let wanted = visitor.finds(small.service, "09:00").await;
        let booked = visitor.asks_to_book(small.service, &wanted).await.ok();
        let (event, reference) =
            (booked.str("/receipt/event").to_owned(), booked.str("/appointment/reference").to_owned());
        let appointment = id(&app.scheduler().finds(TOMORROW, &reference).await["id"]);
        app.waits_seconds(60);
        let _ = app.scheduler().attaches(appointment, patient).await.ok();
        let day = app.scheduler().day(small.desk.agenda, TOMORROW).await;
        let named = availability_of(&day, "09:00");
        let (slot, start) = (id(&named["slot"]), named["start"].as_str().unwrap().to_owned());
        app.waits_seconds(60);
        app.settle().await;
        Self { app, small, patient, appointment, reference, booked: event, slot, start }
    }

    /// Every page that an address alone opens, with who may.
    fn pages(&self) -> Vec<(String, Vec<Role>)> {
        let (patient, appointment, agenda) = (self.patient, self.appointment, self.small.desk.agenda);
        let (slot, start) = (self.slot, encoded(&self.start));
        let everybody = [
            format!("/audit/agenda?date={TOMORROW}"),
            format!("/audit/agenda?date={TOMORROW}&view=day&on=2026-11-23&at=09:00"),
            format!("/audit/agenda?date={TOMORROW}&view=week"),
            "/audit/seen".to_owned(),
            format!("/audit/seen?service={}&patient={patient}&why=audit", self.small.service),
            "/audit/explain".to_owned(),
            format!("/audit/explain?agenda={agenda}&slot={slot}&start={start}"),
            format!("/audit/slots/{agenda}/{TOMORROW}/{slot}?start={start}"),
        ];
        let auditors = [
            "/audit".to_owned(),
            format!("/audit/appointments/{appointment}?why=audit"),
            format!("/audit/patients/{patient}?why=audit"),
            "/audit/rules".to_owned(),
            "/audit/events".to_owned(),
            format!("/audit/events/{}", self.booked),
            "/audit/access".to_owned(),
            format!("/audit/access?patient={patient}&why=patient_request"),
            "/audit/erasures".to_owned(),
            "/audit/ledger".to_owned(),
        ];
        let pages = everybody.into_iter().map(|page| (page, ALL.to_vec()));
        pages.chain(auditors.into_iter().map(|page| (page, AUDIT.to_vec()))).collect()
    }

    async fn meanwhile(&self, browser: &mut Browser<'_>, path: &str) -> Vec<Looked> {
        let before = self.app.looked().await.len();
        browser.goes(path).await;
        self.app.looked().await.split_off(before)
    }
}

fn encoded(text: &str) -> String {
    text.replace(':', "%3A").replace('+', "%2B")
}

async fn signs(app: &TestApp) {
    app.settle().await;
    app.app.ledger.sign(&app.app.engine, &app.app.views).await;
}

#[tokio::test]
async fn every_page_stands_in_both_languages_for_whom_it_is_and_shows_no_patients_name() {
    let scene = Scene::new().await;
    signs(&scene.app).await;
    for role in ALL {
        let mut browser = signed_in(&scene.app, role, "/staff/sign-in").await;
        for language in ["en", "fr"] {
            browser.cookies.insert("__Host-language".to_owned(), language.to_owned());
            for (page, may) in scene.pages() {
                browser.goes(&page).await;
                let expected = if may.contains(&role) { 200 } else { 404 };
                assert_eq!(browser.answer.status, expected, "{role:?} {page}: {}", browser.text_of("body"));
                protected(&browser.answer);
                assert_eq!(browser.attributes("html", "lang"), [language], "{page}");
                if expected == 200 {
                    let wrong =
                        ["Not found", "Introuvable", "proof-", "audit-", "past-", "seen-", "ledger-", "erasure-"];
                    let said = browser.text_of("main");
                    assert!(!said.is_empty() && !wrong.iter().any(|key| said.contains(key)), "{page}: {said}");
                }
                for personal in PERSONAL {
                    assert!(!browser.answer.text.contains(personal), "{role:?} reads {personal} on {page}");
                }
            }
        }
    }
    // Nobody: the way to sign in, and back again.
    let browser = Browser::at(&scene.app, "/audit/rules").await;
    browser.is_at("/staff/sign-in");
    assert_eq!(browser.attributes("input[name=next]", "value"), ["/audit/rules"]);
    // The former address.
    let auditor = signed_in(&scene.app, Role::Auditor, "/staff/audit").await;
    assert_eq!(auditor.address, "/audit");
}

#[tokio::test]
async fn another_clinics_auditor_finds_nothing_here() {
    let scene = Scene::new().await;
    signs(&scene.app).await;
    let other = scene.app.another_clinic("autre-clinique").await;
    let token = scene.app.session(other.id, other.member(Role::Auditor)).await;
    let mut browser = Browser::speaking(&scene.app, "en", "/staff/sign-in").await;
    browser.cookies.insert("__Host-staff".to_owned(), token);
    let (agenda, slot) = (scene.small.desk.agenda, scene.slot);
    for page in [
        format!("/audit/appointments/{}?why=audit", scene.appointment),
        format!("/audit/patients/{}?why=audit", scene.patient),
        format!("/audit/events/{}", scene.booked),
        format!("/audit/slots/{agenda}/{TOMORROW}/{slot}"),
        format!("/audit/erasures/{}?why=audit", scene.patient),
    ] {
        browser.goes(&page).await;
        browser.has_status(404);
    }
    for text in [scene.reference.clone(), scene.booked.clone(), scene.patient.to_string()] {
        browser.goes("/audit").await;
        browser.presses("Search", &[("text", &text)]).await;
        browser.reads("Nothing here is called that");
    }
    browser.goes("/audit/events").await;
    assert!(!browser.answer.text.contains(&scene.booked));
}

#[tokio::test]
async fn what_is_one_persons_is_opened_with_a_reason_that_is_recorded_first() {
    let scene = Scene::new().await;
    let auditor = scene.app.clinic.member(Role::Auditor);
    let (patient, appointment) = (scene.patient, scene.appointment);
    let mut browser = signed_in(&scene.app, Role::Auditor, "/audit").await;
    let pages = [
        (format!("/audit/appointments/{appointment}"), vec!["getAppointmentHistory", "replayAppointment"]),
        (format!("/audit/patients/{patient}"), vec!["getPatientHistory"]),
        (format!("/audit/access?patient={patient}"), vec!["listAccess"]),
        (format!("/audit/seen?patient={patient}"), vec!["replayServices"]),
    ];
    for (page, operations) in pages {
        // Without a reason nothing is read, and nothing is recorded.
        let left = scene.meanwhile(&mut browser, &page).await;
        assert_eq!(left, [], "{page}");
        browser.reads("Why do you open this?");
        browser.goes(&format!("{page}{}why=curious", if page.contains('?') { '&' } else { '?' })).await;
        browser.reads("Why do you open this?");
        let before = scene.app.looked().await.len();
        browser.presses("Open", &[("why", "complaint")]).await;
        browser.has_status(200);
        let left = scene.app.looked().await.split_off(before);
        let expected: Vec<Looked> = operations
            .iter()
            .map(|operation| Looked::shown(auditor, operation, [patient]).because("complaint"))
            .collect();
        assert_eq!(left, expected, "{page}");
    }
    // Somebody whose role does not allow it is refused, and that is recorded too.
    let mut desk = signed_in(&scene.app, Role::Scheduler, "/staff/agenda").await;
    let left = scene.meanwhile(&mut desk, &format!("/audit/patients/{patient}?why=care")).await;
    desk.has_status(404);
    assert_eq!(
        left,
        [Looked::refused(scene.app.clinic.member(Role::Scheduler), "getPatientHistory", [patient], "role")]
    );
    let left = scene.meanwhile(&mut desk, &format!("/audit/appointments/{appointment}")).await;
    assert_eq!((desk.answer.status, left.len(), left[0].outcome), (404, 1, "refused"));
}

#[tokio::test]
async fn an_appointment_is_found_by_its_reference_told_stepped_through_and_proved() {
    let scene = Scene::new().await;
    let mut browser = signed_in(&scene.app, Role::Auditor, "/audit").await;
    browser.presses("Search", &[("text", &scene.reference)]).await;
    browser.is_at(&format!("/audit/appointments/{}", scene.appointment));
    browser.presses("Open", &[("why", "audit")]).await;
    let history = browser.texts_of("#history li");
    assert!(history.len() >= 3, "{history:?}");
    assert!(history[0].contains("Member scheduler") && history[0].contains("opened the slot"), "{history:?}");
    let last = history.last().unwrap();
    assert!(last.contains("Member scheduler") && last.contains("attached a patient record"), "{last}");
    assert_eq!(browser.text_of("#status"), "Booked");

    // One event back: right after the attachment; once more: as it was booked.
    browser.follows("One event back").await;
    assert_eq!(browser.text_of("#past-badge"), "Past view");
    assert!(browser.has("section.past") && browser.has("#record"));
    browser.follows("One event back").await;
    assert_eq!(browser.text_of("#status"), "Booked To identify");
    assert!(!browser.has("#record"));
    assert!(browser.texts_of("#history li").last().unwrap().contains("later than the moment shown"));
    // Before the booking it was not there; and on again.
    browser.follows("One event back").await;
    assert!(browser.has("#nothing"));
    browser.follows("One event on").await;
    assert_eq!(browser.text_of("#status"), "Booked To identify");

    // As its visitor saw the portal, right before: nobody whom the clinic knew, and the time that was booked was free.
    browser.follows("As its visitor saw the portal, right before").await;
    assert_eq!(browser.texts_of("#services a"), ["Visit"]);
    browser.follows("Visit").await;
    let times = browser.texts_of("#times th");
    assert_eq!(times.len(), 3, "{times:?}");
    assert!(times[0].contains("Tuesday, 24 November 2026, 9:00 am"), "{times:?}");

    // Not signed yet, and then proved.
    browser.goes(&format!("/audit/appointments/{}?why=audit", scene.appointment)).await;
    browser.follows("Proof of the booking").await;
    browser.is_at(&format!("/audit/events/{}", scene.booked));
    assert!(browser.has("#unproven"));
    signs(&scene.app).await;
    browser.reloads().await;
    assert_eq!(browser.text_of("#proof-verdict"), "The event is part of the signed history, unchanged.");
    assert_eq!(browser.attributes("#proof-steps li", "class"), ["pass"; 5]);
    let proof = scene.app.get(&format!("/api/v1/ledger/proof?event={}", scene.booked)).await.ok();
    assert_eq!(browser.text_of("#leaf-index"), proof["leaf_index"].to_string());
    assert_eq!(browser.text_of("#tree-size"), proof["tree_size"].to_string());
    assert_eq!(browser.texts_of("#path tbody tr").len(), proof.list("/path").len());
    assert_eq!(browser.text_of("#step-root code"), proof.str("/root"));
    let origin = proof.str("/checkpoint").lines().next().unwrap();
    assert!(browser.text_of("#checkpoint").starts_with(origin), "{}", browser.text_of("#checkpoint"));
    // The hash and the leaf lead to the same event.
    let leaf = proof.str("/leaf_hash").to_owned();
    for text in [leaf.as_str(), scene.booked.as_str()] {
        browser.goes("/audit").await;
        browser.presses("Search", &[("text", text)]).await;
        browser.is_at(&format!("/audit/events/{}", scene.booked));
    }
}

#[tokio::test]
async fn the_agenda_of_the_past_is_marked_and_leads_from_event_to_event_and_to_slots_as_they_were() {
    let scene = Scene::new().await;
    // From the desk, with the same day, view and agendas.
    let agenda = scene.small.desk.agenda;
    let from = format!("/staff/agenda?date={TOMORROW}&view=list&agenda={agenda}");
    let mut desk = signed_in(&scene.app, Role::Scheduler, &from).await;
    desk.follows("Past view…").await;
    assert!(desk.address.starts_with(&format!("/audit/agenda?date={TOMORROW}&view=list&agenda={agenda}")));
    assert_eq!(desk.text_of("#past-badge"), "State of now");
    assert!(!desk.has("section.past"));
    assert!(desk.answer.text.contains("Booked online") && desk.has("#present"));
    // What stands there leads to nothing that can be acted on.
    desk.follows("One event back").await;
    desk.follows("One event back").await;
    assert_eq!(desk.text_of("#past-badge"), "Past view");
    assert!(desk.has("section.past") && desk.answer.text.contains("To identify"));
    desk.follows("One event back").await;
    assert!(!desk.text_of("#board").contains("Booked online"), "{}", desk.text_of("#board"));
    let moment = desk.address.split("position=").nth(1).unwrap().to_owned();
    let links = desk.attributes("#board a", "href");
    assert!(!links.is_empty() && links.iter().all(|href| !href.starts_with("/staff/slots")), "{links:?}");
    let slot = links.iter().find(|href| href.starts_with("/audit/slots/")).unwrap().clone();
    assert!(slot.contains(&format!("position={moment}")), "{slot}");
    desk.goes(&slot).await;
    assert_eq!(desk.text_of("#availabilities tr[aria-current] td"), "Free, online");
    assert!(desk.texts_of("#history li").iter().any(|line| line.contains("booked the appointment")));
    desk.follows("To now").await;
    assert_eq!(desk.text_of("#availabilities tr[aria-current] td"), "Taken");
    // A moment by the clock, and one that is none.
    desk.goes(&format!("/audit/agenda?date={TOMORROW}")).await;
    desk.presses("Show", &[("on", "2026-11-22"), ("at", "09:00")]).await;
    assert!(desk.has("section.past #nothing"), "there was no clinic yet");
    desk.goes(&format!("/audit/agenda?date={TOMORROW}&on=2026-12-24&at=09:00")).await;
    assert!(desk.has("#alert") && !desk.has("#board"));
    desk.goes(&format!("/audit/agenda?date={TOMORROW}&position=999999")).await;
    assert!(desk.has("#alert"));
    // In French, in the words that the clinic knows.
    desk.cookies.insert("__Host-language".to_owned(), "fr".to_owned());
    desk.goes(&format!("/audit/agenda?date={TOMORROW}&position={moment}")).await;
    assert_eq!(desk.text_of("#past-badge"), "Vue du passé");
}

#[tokio::test]
async fn why_is_answered_for_a_moment_and_a_viewer_with_who_set_the_rule() {
    let scene = Scene::new().await;
    let (app, small) = (&scene.app, &scene.small);
    let open = app.app.views.position().unwrap();
    app.admin().closes_portal().await;
    let (agenda, slot) = (small.desk.agenda, scene.slot);
    let day = app.scheduler().day(agenda, TOMORROW).await;
    let start = encoded(availability_of(&day, "09:20")["start"].as_str().unwrap());
    let page = format!("/audit/slots/{agenda}/{TOMORROW}/{slot}?start={start}");
    let mut browser = signed_in(app, Role::Practitioner, &page).await;
    let why = browser.attributes("#availabilities tr[aria-current] td a", "href").remove(0);
    browser.goes(&why).await;
    assert_eq!(browser.text_of("#verdict"), "It is not shown to this visitor: one rule keeps it back.");
    let rules = browser.texts_of("#rules li.fail");
    assert!(rules.len() == 1 && rules[0].contains("The portal is off."), "{rules:?}");
    assert!(rules[0].contains("set by Member administrator") && rules[0].contains("portal-deactivated"), "{rules:?}");
    assert_eq!(browser.texts_of("#otherwise li").len(), 1);
    // And then it was shown.
    browser.goes(&format!("{why}&position={open}")).await;
    assert!(browser.has("#verdict.pass") && browser.has("section.past"));
    // What a visitor saw says the same.
    browser.goes(&format!("/audit/seen?service={}", small.service)).await;
    browser.reads("Online booking was closed at that moment.");
    browser.goes(&format!("/audit/seen?service={}&position={open}", small.service)).await;
    let times = browser.texts_of("#times th");
    assert!(times.iter().any(|time| time.contains("9:20")), "{times:?}");
    // The change of the rule is in their history, with its author, and steps lead to it.
    let mut auditor = signed_in(app, Role::Auditor, "/audit/rules").await;
    let newest = auditor.texts_of("#history > li").remove(0);
    assert!(newest.contains("Member administrator") && newest.contains("switched online booking off"), "{newest}");
    auditor.goes(&format!("/audit/seen?position={open}")).await;
    auditor.follows("One event on").await;
    auditor.reads("Online booking was closed at that moment.");
}

#[tokio::test]
async fn rules_tell_what_each_change_changed_and_who_did_what_is_found_by_name() {
    let scene = Scene::new().await;
    let (app, small) = (&scene.app, &scene.small);
    let path = format!("/services/{}", small.service);
    let etag = app.admin().get(&path).await.ok().etag();
    let form = booking_tests::http::setup::service_form(&[small.activity], &json!({ "min_notice_minutes": 90 }));
    let _ = app.admin().changes(Method::PUT, &path, &etag, &form).await.ok();
    let mut browser = signed_in(app, Role::Auditor, "/audit/rules").await;
    let changed = browser.texts_of("#history > li:first-child tbody tr");
    assert!(changed.iter().any(|row| row.contains("notice") && row.ends_with("90")), "{changed:?}");

    browser.goes("/audit").await;
    browser.presses("Search", &[("text", "member admin")]).await;
    browser.reads("Member administrator");
    browser.follows("what they did").await;
    let rows = browser.texts_of("#events tbody tr");
    assert!(!rows.is_empty() && rows.iter().all(|row| row.contains("Member administrator")), "{rows:?}");
    assert!(rows.iter().any(|row| row.contains("configured the service")), "{rows:?}");
    // A date leads to its agenda, a position to its event, nonsense nowhere.
    for (text, to) in [(TOMORROW, "/audit/agenda"), ("1", "/audit/events/")] {
        browser.goes("/audit").await;
        browser.presses("Search", &[("text", text)]).await;
        assert!(browser.address.starts_with(to), "{text}: {}", browser.address);
    }
    for text in ["", "nobody of that name", "00000000-0000-0000-0000-000000000000"] {
        browser.goes("/audit").await;
        browser.presses("Search", &[("text", text)]).await;
        browser.reads("Nothing here is called that");
    }
}

#[tokio::test]
async fn who_saw_whose_data_is_read_narrowed_and_taken_along_as_a_file() {
    let scene = Scene::new().await;
    let (app, patient) = (&scene.app, scene.patient);
    let _ = app.practitioner().get(&format!("/patients/{patient}")).await.ok();
    app.practitioner().get("/audit/access").await.has_status(404);
    app.settle().await;
    let mut browser = signed_in(app, Role::Auditor, "/audit/access").await;
    let all = browser.texts_of("#access tbody tr").len();
    assert!(all >= 4, "{all}");
    let practitioner = app.clinic.member(Role::Practitioner).to_string();
    browser.presses("Show", &[("member", &practitioner)]).await;
    let rows = browser.texts_of("#access tbody tr");
    assert!(rows.len() == 2 && rows.iter().all(|row| row.contains("Member practitioner")), "{rows:?}");
    browser.presses("Show", &[("outcome", "refused")]).await;
    assert_eq!(browser.texts_of("#access tbody tr").len(), 1);
    browser.goes("/audit/access?from=2026-11-24").await;
    assert!(browser.has("#none"));
    browser.goes("/audit/access?from=soon").await;
    assert!(browser.has("#alert"));
    // One person's: asked why, and so is the file.
    browser.goes(&format!("/audit/access?patient={patient}")).await;
    browser.presses("Open", &[("why", "patient_request")]).await;
    assert!(browser.texts_of("#access tbody tr").iter().any(|row| row.contains("Member practitioner")));
    let files = browser.attributes("#csv, #ndjson", "href");
    let before = app.looked().await.len();
    browser.goes(&files[0]).await;
    assert_eq!(browser.answer.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(browser.answer.text.lines().count() > 1 && browser.answer.text.contains("getPatient"));
    let auditor = app.clinic.member(Role::Auditor);
    let exported = Looked::shown(auditor, "exportAccess", [patient]).because("patient_request");
    assert_eq!(app.looked().await.split_off(before), [exported]);
    browser.goes(&files[1]).await;
    assert!(browser.answer.text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    browser.goes(&format!("/audit/access/export?format=csv&patient={patient}")).await;
    browser.reads("Why do you open this?");
    browser.goes(&format!("/audit/access?patient={}&why=audit", Uuid::nil())).await;
    assert!(browser.has("#alert"));
}

#[tokio::test]
async fn a_wish_to_be_forgotten_is_taken_down_decided_held_and_carried_out_and_an_auditor_reads_why() {
    let scene = Scene::new().await;
    let (app, patient) = (&scene.app, scene.patient);
    let record = format!("/audit/patients/{patient}?why=patient_request");
    let mut admin = signed_in(app, Role::Administrator, &record).await;
    admin.presses("Take down that the person wishes to be forgotten", &[("note", "lettre du 3 mars")]).await;
    admin.is_at(&format!("/audit/erasures/{patient}"));
    assert_eq!(admin.text_of("#progress"), "asked, not decided");
    // What must be kept is refused on the record, also where it is granted.
    admin.presses("Grant", &[("note", "rien ne s’y oppose")]).await;
    assert_eq!(admin.text_of("#progress"), "refused: must still be kept");
    app.goes_to("2037-11-24", "09:00");
    let mut admin = signed_in(app, Role::Administrator, &record).await;
    admin.presses("Take down that the person wishes to be forgotten", &[("note", "encore")]).await;
    admin.presses("Place a legal hold", &[]).await;
    assert!(admin.has("#held"));
    admin.presses("Grant", &[]).await;
    assert_eq!(admin.text_of("#progress"), "refused: legal hold legal hold");
    admin.presses("Release the legal hold", &[]).await;
    admin.goes(&record).await;
    admin.presses("Take down that the person wishes to be forgotten", &[]).await;
    // A form from before another decision decides nothing.
    let (method, path, stale) = admin.form("Refuse", &[]);
    admin.presses("Grant", &[("note", "délai écoulé")]).await;
    assert_eq!(admin.text_of("#progress"), "granted, cooling off");
    let late = admin.request(&method, &path, Some(&stale.replacen("key=", "key=another", 1))).await;
    assert!(matches!(late.status, 409 | 412), "{}: {}", late.status, late.text);
    admin.presses("Erase now", &[]).await;
    admin.has_status(409);
    admin.reads("The cooling-off is not over yet.");
    app.goes_to("2037-12-02", "09:00");
    let case = format!("/audit/erasures/{patient}?why=audit");
    let mut admin = signed_in(app, Role::Administrator, &case).await;
    admin.presses("Erase now", &[]).await;
    assert!(admin.text_of("#progress").starts_with("erased, "), "{}", admin.text_of("#progress"));
    assert!(!admin.has("#hold") && !admin.has("#approve"));

    // An auditor reads it all, with the reasons, and does nothing.
    let mut auditor = signed_in(app, Role::Auditor, "/audit/erasures").await;
    assert_eq!(auditor.texts_of("#cases tbody tr").len(), 1);
    auditor.goes("/audit/erasures?open=yes").await;
    assert!(auditor.has("#none"));
    auditor.goes(&format!("/audit/erasures/{patient}")).await;
    auditor.reads("Why do you open this?");
    let before = app.looked().await.len();
    auditor.presses("Open", &[("why", "audit")]).await;
    let looked = Looked::shown(app.clinic.member(Role::Auditor), "getErasure", [patient]).because("audit");
    assert_eq!(app.looked().await.split_off(before), [looked]);
    let steps = auditor.text_of("#history");
    for said in
        ["lettre du 3 mars", "délai écoulé", "the data must still be kept", "placed a legal hold", "erased the person"]
    {
        assert!(steps.contains(said), "{said}: {steps}");
    }
    assert!(!auditor.has("form[method=post][action^='/audit/erasures']"));
    let form = Some("do=hold&key=k");
    let refused = auditor.request(&Method::POST, &format!("/audit/erasures/{patient}/hold"), form).await;
    assert_eq!(refused.status, 404);
    // Seen as this person: nobody is left to be recognized.
    auditor.goes(&format!("/audit/seen?patient={patient}&why=audit")).await;
    auditor.has_status(200);
}

#[tokio::test]
async fn the_ledgers_page_says_how_it_stands_and_who_keeps_it() {
    let scene = Scene::new().await;
    let mut browser = signed_in(&scene.app, Role::Auditor, "/audit/ledger").await;
    assert!(browser.text_of("#signed").starts_with('–'));
    signs(&scene.app).await;
    browser.reloads().await;
    assert!(browser.has("#standing.good"));
    let status = scene.app.auditor().get("/audit/ledger").await.ok();
    assert_eq!(browser.text_of("#size"), status["leaves"].to_string());
    assert_eq!(browser.text_of("#root"), status.str("/root"));
    assert!(browser.text_of("#checkpoint").contains(&status["signed"].to_string()));
    assert!(browser.text_of("#anchors").starts_with("no: nobody outside"));
    assert_eq!(browser.text_of("#key"), status.str("/key"));
}
