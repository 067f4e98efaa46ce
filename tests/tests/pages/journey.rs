//! From the first page to the booked appointment, in both languages, without a script and without a cookie in a frame.

use booking_tests::http::setup::{ACTIVITY_NAME, SERVICE_NAME};
use booking_tests::http::{Browser, Person, SmallClinic, TestApp};

/// What a form's fields are filled with.
pub type Filled = Vec<(&'static str, String)>;

/// A person as the page asks for them.
pub fn typed(person: &Person) -> Filled {
    let mut date = person.birth_date.split('-');
    let mut part = || date.next().unwrap().to_owned();
    let (year, month, day) = (part(), part(), part());
    vec![
        ("whom", "me".to_owned()),
        ("first_name", person.first_name.clone()),
        ("last_name", person.last_name.clone()),
        ("birth_day", day),
        ("birth_month", month),
        ("birth_year", year),
        ("sex", person.sex.clone()),
        ("health_number", person.health_number.clone().unwrap_or_default()),
        ("cell_phone", person.cell_phone.clone().unwrap_or_default()),
        ("email", person.email.clone().unwrap_or_default()),
        ("terms", "yes".to_owned()),
    ]
}

/// The fields as they are handed to a form.
pub fn fields(filled: &Filled) -> Vec<(&str, &str)> {
    filled.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// The words of a journey in one language.
struct Told {
    language: &'static str,
    start: &'static str,
    next: &'static str,
    service: &'static str,
    choose: &'static str,
    nine: &'static str,
    confirm: &'static str,
    nothing_yet: &'static str,
    booked: &'static str,
    reserved: &'static str,
}

const FRENCH: Told = Told {
    language: "fr",
    start: "Commencer",
    next: "Continuer",
    service: "Consultation",
    choose: "Continuer avec cette heure",
    nine: "mardi 24 novembre, 9 h",
    confirm: "Confirmer le rendez-vous",
    nothing_yet: "Rien n’est encore réservé.",
    booked: "Votre rendez-vous est pris",
    reserved: "Votre place est réservée. La clinique pourrait vous appeler pour compléter votre dossier.",
};

const ENGLISH: Told = Told {
    language: "en",
    start: "Start",
    next: "Continue",
    service: "Visit",
    choose: "Continue with this time",
    nine: "Tuesday 24 November, 9:00 am",
    confirm: "Confirm the appointment",
    nothing_yet: "Nothing is booked yet.",
    booked: "Your appointment is booked",
    reserved: "Your time is reserved. The clinic may call to complete your file.",
};

async fn goes_through(browser: &mut Browser<'_>, told: &Told, small: &SmallClinic) {
    let person = Person::stranger();
    browser.has_status(200);
    assert_eq!(browser.attributes("html", "lang"), [told.language]);
    browser.reads(told.service);
    browser.follows(told.start).await;
    browser.is_at("who");
    browser.presses(told.next, &fields(&typed(&person))).await;
    browser.has_status(200);
    browser.reads(told.service);
    browser.presses(told.next, &[("service", &small.service.to_string())]).await;
    let times = browser.attributes("input[name=availability]", "value");
    assert_eq!(times.len(), 3);
    browser.presses(told.choose, &[("availability", &times[0])]).await;
    browser.reads(told.nine);
    assert!(browser.has("#hold"), "the time is held");
    browser.presses(told.next, &[]).await;
    browser.reads(told.nothing_yet);
    browser.reads(told.nine);
    browser.reads("Zita Ouellet");
    browser.presses(told.confirm, &[]).await;
    browser.has_status(200);
    browser.reads(told.booked);
    browser.reads(told.reserved);
    browser.reads(told.nine);
    browser.reads("Dre Roy");
}

#[tokio::test]
async fn a_stranger_books_without_a_script_in_either_language() {
    for told in [FRENCH, ENGLISH] {
        let app = TestApp::start().await;
        let small = SmallClinic::with_a_morning(&app).await;
        app.settle().await;
        let language = if told.language == "fr" { "fr-CA" } else { "en-GB,en;q=0.8" };
        let mut browser = Browser::speaking(&app, language, "/p/clinique-du-parc").await;
        goes_through(&mut browser, &told, &small).await;
        browser.is_at("booked");
        let reference = browser.text_of("#reference [aria-hidden]");
        let booked = app.scheduler().finds("2026-11-24", &reference).await;
        assert_eq!(booked["when"]["start_time"], "09:00", "{booked}");
        // Reload and Back show the same appointment and book nothing.
        let before = app.changes().await;
        browser.reloads().await;
        browser.reads(told.booked);
        for step in ["check", "details", "when", "service"] {
            browser.goes(&format!("/p/clinique-du-parc/{}/{step}", told.language)).await;
            browser.is_at("booked");
            browser.reads(&reference);
        }
        assert_eq!(app.changes().await, before);
    }
}

#[tokio::test]
async fn the_same_journey_in_a_frame_keeps_no_cookie_and_answers_every_form_itself() {
    for told in [FRENCH, ENGLISH] {
        let app = TestApp::start().await;
        let small = SmallClinic::with_a_morning(&app).await;
        app.settle().await;
        let start = format!("/p/clinique-du-parc/embed/{}/start", told.language);
        let mut browser = Browser::at(&app, &start).await;
        goes_through(&mut browser, &told, &small).await;
        assert!(browser.cookies.is_empty());
        assert!(browser.address.contains("/embed/"));
        assert!(!browser.address.contains("v_"), "no token in an address");
    }
}

#[tokio::test]
async fn no_page_says_an_internal_name_or_puts_what_was_typed_into_an_address() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    app.settle().await;
    let mut browser = Browser::at(&app, "/p/clinique-du-parc/fr/who").await;
    let mut seen = vec![];
    browser.presses("Continuer", &fields(&typed(&Person::stranger()))).await;
    seen.push((browser.address.clone(), browser.answer.text.clone()));
    browser.presses("Continuer", &[("service", &small.service.to_string())]).await;
    seen.push((browser.address.clone(), browser.answer.text.clone()));
    let times = browser.attributes("input[name=availability]", "value");
    browser.presses("Continuer avec cette heure", &[("availability", &times[1])]).await;
    seen.push((browser.address.clone(), browser.answer.text.clone()));
    browser.presses("Continuer", &[]).await;
    seen.push((browser.address.clone(), browser.answer.text.clone()));
    browser.presses("Confirmer le rendez-vous", &[]).await;
    seen.push((browser.address.clone(), browser.answer.text.clone()));
    for (address, html) in seen {
        assert!(!html.contains(ACTIVITY_NAME) && !html.contains(SERVICE_NAME), "{address}");
        assert!(!address.contains('?') && !address.contains("Zita") && !address.contains("v_"), "{address}");
    }
}
