//! The calendar file from the pages: from the confirmation, in a frame too, and from an appointment's own page. Its
//! address says nothing about anybody.

use super::journey::{fields, typed};
use super::manage::{opens, with_an_appointment};
use booking_tests::http::{Answer, Browser, Person, SmallClinic, TestApp};
use icalendar::{CalendarDateTime, Component, DatePerhapsTime};
use reqwest::Method;

const PORTAL: &str = "/p/clinique-du-parc";

/// What the file says: the moment, in UTC, and its text.
#[track_caller]
fn read(answer: &Answer) -> (String, String) {
    answer.has_status(200);
    assert_eq!(answer.header("content-type"), Some("text/calendar; charset=utf-8; method=PUBLISH"));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"appointment.ics\""));
    let calendar: icalendar::Calendar = answer.text.parse().unwrap();
    let event = calendar.events().next().unwrap();
    let Some(DatePerhapsTime::DateTime(CalendarDateTime::Utc(start))) = event.get_start() else {
        panic!("not in UTC: {}", answer.text)
    };
    (start.to_rfc3339(), answer.text.clone())
}

#[track_caller]
fn names_nobody(text: &str, token: &str) {
    for secret in ["Zita", "Ouellet", "zita@", "Consultation", "zz-interne", token] {
        assert!(!text.contains(secret), "{secret} stands in\n{text}");
    }
}

#[tokio::test]
async fn the_confirmation_offers_the_calendar_file_with_a_cookie_and_in_a_frame() {
    for frame in ["", "embed/"] {
        let app = TestApp::start().await;
        let small = SmallClinic::with_a_morning(&app).await;
        app.settle().await;
        let mut browser = Browser::at(&app, &format!("{PORTAL}/{frame}fr/who")).await;
        browser.presses("Continuer", &fields(&typed(&Person::stranger()))).await;
        browser.presses("Continuer", &[("service", &small.service.to_string())]).await;
        let times = browser.attributes("input[name=availability]", "value");
        browser.presses("Continuer avec cette heure", &[("availability", &times[1])]).await;
        browser.presses("Continuer", &[]).await;
        browser.presses("Confirmer le rendez-vous", &[]).await;
        let path = format!("{PORTAL}/{frame}fr/booked/appointment.ics");
        let answer = if frame.is_empty() {
            assert_eq!(browser.attributes("a[download]", "href"), [path.as_str()]);
            // Without the cookie it is nobody's.
            app.get(&path).await.has_status(401);
            browser.request(&Method::GET, &path, None).await
        } else {
            let (method, action, form) = browser.form("Ajouter à mon agenda", &[]);
            assert_eq!((method, action.as_str()), (Method::POST, path.as_str()));
            app.get(&path).await.has_status(405);
            browser.request(&Method::POST, &path, Some("")).await.has_status(401);
            browser.request(&Method::POST, &path, Some(&form)).await
        };
        let (start, text) = read(&answer);
        assert_eq!(start, "2026-11-24T14:20:00+00:00");
        assert!(text.contains("SEQUENCE:0"), "{text}");
        names_nobody(&text, "l_");
    }
}

#[tokio::test]
async fn an_appointments_page_offers_the_calendar_file_as_it_stands_now() {
    let app = TestApp::start().await;
    let (_, link) = with_an_appointment(&app).await;
    let path = format!("{PORTAL}/fr/manage/appointment.ics");
    let mut browser = opens(&app, &link).await;
    assert_eq!(browser.attributes("a[download]", "href"), [path.as_str()]);
    let before = app.changes().await;
    let (start, text) = read(&browser.request(&Method::GET, &path, None).await);
    assert_eq!(start, "2026-11-25T14:00:00+00:00");
    names_nobody(&text, &link.token);
    assert_eq!(app.changes().await, before);
    // Moved: the same entry, with a higher number.
    browser.follows("Le déplacer").await;
    let times = browser.attributes("input[name=availability]", "value");
    browser.presses("Déplacer à cette heure", &[("availability", &times[0])]).await;
    browser.has_status(200);
    let (start, moved) = read(&browser.request(&Method::GET, &path, None).await);
    assert_eq!(start, "2026-11-25T14:20:00+00:00");
    let value = |text: &str, name: &str| text.lines().find(|l| l.starts_with(name)).unwrap().to_owned();
    assert_eq!(value(&text, "UID"), value(&moved, "UID"));
    assert_ne!(value(&text, "SEQUENCE"), value(&moved, "SEQUENCE"));
    // Without a link the page that finds an appointment comes first; no other step has a file.
    let answer = app.get(&path).await;
    answer.has_status(303);
    assert_eq!(answer.header("location"), Some("/p/clinique-du-parc/fr/manage"));
    app.get(&format!("{PORTAL}/fr/when/appointment.ics")).await.has_status(404);
    app.get(&format!("{PORTAL}/embed/fr/manage/appointment.ics")).await.has_status(405);
}
