//! An appointment in its patient's hands: found, attended, moved, cancelled; by the link of a message or by reference
//! and birth date. Looking never changes anything.

use super::states::choose;
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Browser, LinkHolder, Person, SmallClinic, TestApp};
use reqwest::Method;

const PORTAL: &str = "/p/clinique-du-parc";
const BORN: [(&str, &str); 3] = [("birth_day", "15"), ("birth_month", "6"), ("birth_year", "1985")];

/// Two days on, so that the cut-off of 24 hours is ahead.
const DAY_AFTER: &str = "2026-11-25";

pub async fn with_an_appointment(app: &TestApp) -> (SmallClinic, LinkHolder<'_>) {
    let small = app.admin().sets_up().await;
    app.scheduler().publishes_slot(small.desk.agenda, DAY_AFTER, ("09:00", "10:00"), small.activity).await;
    let visitor = app.visitor(&Person::stranger()).await;
    let link = visitor.books_at(small.service, "09:00").await;
    app.settle().await;
    (small, link)
}

/// What the script does with the fragment of a message's link.
pub async fn opens<'a>(app: &'a TestApp, link: &LinkHolder<'_>) -> Browser<'a> {
    let mut browser = Browser::at(app, &format!("{PORTAL}/fr/manage")).await;
    let form = format!("link={}&do=open", link.token);
    let answer = browser.request(&Method::POST, &format!("{PORTAL}/fr/manage"), Some(&form)).await;
    answer.has_status(303);
    assert_eq!(answer.header("location"), Some("/p/clinique-du-parc/fr/manage"));
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.contains("Secure; HttpOnly; SameSite=Lax; Max-Age=1800"), "{cookie}");
    browser.cookies.insert("__Host-link".to_owned(), link.token.clone());
    browser.reloads().await;
    browser
}

#[tokio::test]
async fn an_appointment_is_found_by_reference_and_birth_date_without_a_script() {
    let app = TestApp::start().await;
    let (_, link) = with_an_appointment(&app).await;
    let mut browser = Browser::at(&app, &format!("{PORTAL}/fr/manage")).await;
    browser.reads("Retrouver votre rendez-vous");
    let reference = link.reference();
    let spoken = reference.to_lowercase().replace('-', " ");
    let wrong = [BORN.to_vec(), vec![("reference", spoken.as_str()), ("birth_year", "1986")]].concat();
    browser.presses("Afficher le rendez-vous", &wrong[1..]).await;
    browser.has_status(422);
    let right = [BORN.to_vec(), vec![("reference", spoken.as_str())]].concat();
    browser.presses("Afficher le rendez-vous", &right).await;
    browser.has_status(200);
    browser.is_at("manage");
    browser.reads("mercredi 25 novembre, 9 h");
    browser.reads(&reference);
    browser.reloads().await;
    browser.reads(&reference);
    assert!(!browser.answer.text.contains("Zita") && !browser.answer.text.contains("Ouellet"), "it shows no name");
    assert!(!browser.answer.text.contains(&link.token), "nor the token");
    browser.presses("Fermer ce rendez-vous sur cet appareil", &[]).await;
    assert!(!browser.cookies.contains_key("__Host-link"));
    browser.goes(&format!("{PORTAL}/fr/manage")).await;
    browser.reads("Retrouver votre rendez-vous");
}

#[tokio::test]
async fn a_link_opens_its_appointment_and_attending_is_said_once() {
    let app = TestApp::start().await;
    let (_, link) = with_an_appointment(&app).await;
    let mut browser = opens(&app, &link).await;
    let (_, path, form) = browser.form("Je serai présent", &[]);
    browser.presses("Je serai présent", &[]).await;
    browser.reads("Vous avez dit que vous serez présent");
    let changes = app.changes().await;
    browser.request(&Method::POST, &path, Some(&form)).await.has_status(303);
    assert_eq!(app.changes().await, changes);
    assert_eq!(link.sees().await["status"], "confirmed");
}

#[tokio::test]
async fn moving_keeps_the_old_time_until_the_new_one_is_taken() {
    let app = TestApp::start().await;
    let (small, link) = with_an_appointment(&app).await;
    let mut browser = opens(&app, &link).await;
    browser.follows("Le déplacer").await;
    browser.reads("Vous gardez mercredi 25 novembre, 9 h");
    let times = browser.attributes("input[name=availability]", "value");
    assert_eq!(browser.texts_of("fieldset.times time"), ["9 h 20", "9 h 40"]);
    // Somebody else is faster: the appointment stays as it is.
    let other = app.visitor(&Person::named("Léo", "Roy")).await;
    let _ = other.books_at(small.service, "09:20").await;
    browser.presses("Déplacer à cette heure", &[("availability", &times[0])]).await;
    browser.has_status(409);
    browser.reads("Vous gardez votre rendez-vous");
    assert_eq!(link.sees().await["start_time"], "09:00");
    browser.presses("Déplacer à cette heure", &[("availability", &times[1])]).await;
    browser.is_at("manage");
    browser.reads("Votre rendez-vous a été déplacé");
    browser.reads("9 h 40");
    assert_eq!(link.sees().await["start_time"], "09:40");
    assert_eq!(other.sees_times(small.service).await, ["11-25 09:00"]);
}

#[tokio::test]
async fn cancelling_asks_first_and_asks_for_the_birth_date() {
    let app = TestApp::start().await;
    let (_, link) = with_an_appointment(&app).await;
    let mut browser = opens(&app, &link).await;
    let before = app.changes().await;
    browser.follows("L’annuler").await;
    browser.presses("Annuler le rendez-vous", &[("reason", "Je vais mieux")]).await;
    browser.has_status(422);
    assert_eq!(browser.attributes("#errors a", "href"), ["#birth_day"]);
    assert_eq!(browser.text_of("#reason"), "Je vais mieux");
    browser
        .presses("Annuler le rendez-vous", &[("birth_day", "16"), ("birth_month", "6"), ("birth_year", "1985")])
        .await;
    browser.has_status(422);
    assert_eq!(app.changes().await, before);
    browser.presses("Annuler le rendez-vous", &BORN).await;
    browser.is_at("manage");
    browser.reads("Ce rendez-vous est annulé.");
    browser.follows("Prendre un nouveau rendez-vous").await;
    browser.is_at("start");
    assert_eq!(link.sees().await["status"], "cancelled");
}

#[tokio::test]
async fn a_form_from_before_a_change_does_nothing_and_shows_how_things_stand() {
    let app = TestApp::start().await;
    let (_, link) = with_an_appointment(&app).await;
    let mut browser = opens(&app, &link).await;
    browser.follows("L’annuler").await;
    let (_, path, form) = browser.form("Annuler le rendez-vous", &BORN);
    let target = link.sees_targets().await[0]["availability"].as_str().unwrap().to_owned();
    let _ = link.moves(&link.sees().await.etag(), &target).await.ok();
    let answer = browser.request(&Method::POST, &path, Some(&form)).await;
    answer.has_status(409);
    assert!(answer.text.contains("rien n’a donc été fait"));
    assert!(answer.text.contains("9\u{a0}h\u{a0}20"));
    assert_eq!(link.sees().await["status"], "booked");
    // The link of another appointment in another tab does not make this form's appointment that one.
    let visitor = app.visitor(&Person::named("Léo", "Roy")).await;
    let small = SmallClinic { desk: app.admin().hires("Dr Gagnon").await, ..small_of(&app).await };
    app.scheduler().publishes_slot(small.desk.agenda, DAY_AFTER, ("15:00", "16:00"), small.activity).await;
    let second = visitor.books_at(small.service, "15:00").await;
    let mut browser = opens(&app, &link).await;
    browser.follows("L’annuler").await;
    let (_, path, form) = browser.form("Annuler le rendez-vous", &BORN);
    browser.cookies.insert("__Host-link".to_owned(), second.token.clone());
    browser.request(&Method::POST, &path, Some(&form)).await.has_status(409);
    assert_eq!(second.sees().await["status"], "booked");
    assert_eq!(link.sees().await["status"], "booked");
}

/// The clinic's first service and activity.
async fn small_of(app: &TestApp) -> SmallClinic {
    let admin = app.admin();
    let first = |answer: &booking_tests::http::Answer, list: &str| -> uuid::Uuid {
        answer.list(list)[0]["id"].as_str().unwrap().parse().unwrap()
    };
    let service = first(&admin.get("/services").await.ok(), "/items");
    let activity = first(&admin.get("/activities").await.ok(), "/items");
    SmallClinic { desk: admin.hires("Dre Côté").await, activity, service }
}

#[tokio::test]
async fn inside_the_cut_off_the_page_gives_the_telephone_and_a_form_from_before_it_too() {
    let app = TestApp::start().await;
    let (_, link) = with_an_appointment(&app).await;
    let mut browser = opens(&app, &link).await;
    browser.follows("L’annuler").await;
    let (_, path, form) = browser.form("Annuler le rendez-vous", &BORN);
    app.goes_to(TOMORROW, "09:01");
    browser.request(&Method::POST, &path, Some(&form)).await.has_status(303);
    browser.goes(&format!("{PORTAL}/fr/manage")).await;
    browser.reads("Il est trop tard pour déplacer ou annuler en ligne");
    assert_eq!(browser.attributes("main a[href^='tel:']", "href"), ["tel:5145550100"]);
    for step in ["move", "cancel"] {
        browser.goes(&format!("{PORTAL}/fr/{step}")).await;
        browser.is_at("manage");
    }
    assert_eq!(link.sees().await["status"], "booked");
}

#[tokio::test]
async fn a_link_that_ended_or_never_was_has_a_page_with_a_way_on() {
    let app = TestApp::start().await;
    let (_, link) = with_an_appointment(&app).await;
    let mut browser = opens(&app, &link).await;
    app.goes_to("2026-11-26", "09:21");
    browser.reloads().await;
    browser.has_status(404);
    browser.reads("Ce lien n’est plus valide");
    assert!(browser.has("#reference"), "the way by reference is open");
    assert!(!browser.cookies.contains_key("__Host-link"));
    let never = format!("link=l_{}&do=open", "0".repeat(64));
    let answer = browser.request(&Method::POST, &format!("{PORTAL}/fr/manage"), Some(&never)).await;
    answer.has_status(303);
    browser.cookies.insert("__Host-link".to_owned(), format!("l_{}", "0".repeat(64)));
    browser.reloads().await;
    browser.has_status(404);
}

#[tokio::test]
async fn the_booked_page_leads_to_the_appointment_and_shows_when_it_was_cancelled() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let mut browser = super::states::at_the_times(&app, &small, &Person::stranger()).await;
    choose(&mut browser, 0).await;
    browser.presses("Continuer", &[]).await;
    browser.presses("Confirmer le rendez-vous", &[]).await;
    assert_eq!(browser.attributes("main a.button:not([download])", "href"), ["/p/clinique-du-parc/fr/manage"]);
    let reference = browser.text_of("#reference [aria-hidden]");
    let appointment = app.scheduler().finds(TOMORROW, &reference).await["id"].as_str().unwrap().parse().unwrap();
    let _ = app.scheduler().cancels(appointment, true).await.ok();
    browser.reloads().await;
    browser.reads("Ce rendez-vous est annulé");
    browser.presses("Prendre un autre rendez-vous", &[]).await;
    browser.is_at("service");
}
