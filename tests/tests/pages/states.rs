//! What a visitor meets when things are not as they should be: every state has its page, and a way on.

use super::journey::{fields, typed};
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Browser, Person, SmallClinic, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

const PORTAL: &str = "/p/clinique-du-parc";

/// A browser that has chosen the service and looks at the times.
pub async fn at_the_times<'a>(app: &'a TestApp, small: &SmallClinic, person: &Person) -> Browser<'a> {
    app.settle().await;
    let mut browser = Browser::at(app, &format!("{PORTAL}/fr/who")).await;
    browser.presses("Continuer", &fields(&typed(person))).await;
    browser.presses("Continuer", &[("service", &small.service.to_string())]).await;
    browser.is_at("when");
    browser
}

/// A browser that holds the n-th time.
pub async fn holding<'a>(app: &'a TestApp, small: &SmallClinic, person: &Person, n: usize) -> Browser<'a> {
    let mut browser = at_the_times(app, small, person).await;
    choose(&mut browser, n).await;
    browser.is_at("details");
    browser
}

/// Chooses the n-th time that the page shows.
pub async fn choose(browser: &mut Browser<'_>, n: usize) {
    let times = browser.attributes("input[name=availability]", "value");
    browser.presses("Continuer avec cette heure", &[("availability", &times[n])]).await;
}

#[tokio::test]
async fn a_portal_that_is_off_says_so_with_the_telephone_on_every_step() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let mut browser = at_the_times(&app, &small, &Person::stranger()).await;
    app.admin().closes_portal().await;
    for step in ["", "/fr/start", "/fr/who", "/fr/service", "/fr/when", "/fr/details", "/fr/check"] {
        browser.goes(&format!("{PORTAL}{step}")).await;
        browser.has_status(200);
        browser.reads("La réservation en ligne est fermée");
        assert_eq!(browser.attributes("main a[href^='tel:']", "href"), ["tel:5145550100"]);
    }
}

#[tokio::test]
async fn a_portal_with_nothing_open_says_so() {
    let app = TestApp::start().await;
    let _ = app.admin().sets_up().await;
    app.settle().await;
    let browser = Browser::speaking(&app, "en", PORTAL).await;
    browser.reads("No time is open for online booking right now");
    assert!(!browser.has("main a[href$='who']"), "there is nothing to start");
}

#[tokio::test]
async fn who_may_book_nothing_is_told_the_same_whether_known_or_not() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.opens_portal().await;
    let desk = admin.hires("Dre Roy").await;
    let activity = admin.defines_activity("zz-interne", 20).await;
    let only =
        json!({ "criteria": [{ "kind": "existing_record" }, { "kind": "age_range", "unit": "years", "min": 90 }] });
    let _ = admin.configures_service(&[activity], &only).await;
    app.scheduler().publishes_slot(desk.agenda, TOMORROW, ("09:00", "10:00"), activity).await;
    let known = Person::named("Léo", "Roy");
    app.scheduler().registers(&known).await;
    let mut pages = vec![];
    for person in [known, Person::named("Léa", "Roy")] {
        let mut browser = Browser::at(&app, &format!("{PORTAL}/fr/who")).await;
        browser.presses("Continuer", &fields(&typed(&person))).await;
        browser.is_at("service");
        browser.reads("Rien ne peut être réservé en ligne avec ces renseignements");
        pages.push((browser.answer.status, browser.answer.text.clone()));
    }
    assert_eq!(pages[0], pages[1], "byte for byte");
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once_beside_its_field_and_nothing_typed_is_lost() {
    let app = TestApp::start().await;
    let _ = SmallClinic::with_a_morning(&app).await;
    let mut browser = Browser::at(&app, &format!("{PORTAL}/fr/who")).await;
    let wrong = [
        ("first_name", "Zita"),
        ("birth_day", "31"),
        ("birth_month", "2"),
        ("birth_year", "1985"),
        ("health_number", "TREM"),
        ("email", "zita@"),
    ];
    browser.presses("Continuer", &wrong).await;
    browser.has_status(422);
    let ids = browser.attributes("#errors a", "href");
    assert_eq!(ids, ["#last_name", "#birth_day", "#sex-female", "#health_number", "#email", "#terms"]);
    for id in ids {
        assert!(browser.has(&format!("main {id}")), "{id} is on the page");
    }
    assert_eq!(browser.attributes("#first_name", "value"), ["Zita"]);
    assert_eq!(browser.attributes("#email", "aria-invalid"), ["true"]);
    assert_eq!(browser.attributes("#email", "aria-describedby"), ["email-error"]);
    let described = browser.attributes("fieldset[aria-describedby*='birth_day-error']", "class");
    assert_eq!(described, ["field invalid"]);
    assert!(browser.cookies.is_empty(), "no visit was opened");
    // In English the same page says it in English.
    let mut browser = Browser::at(&app, &format!("{PORTAL}/en/who")).await;
    browser.presses("Continue", &[]).await;
    browser.reads("Enter the first name");
    browser.reads("Enter a cell phone number or an e-mail address");
}

#[tokio::test]
async fn without_a_choice_the_page_says_what_to_choose() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    app.settle().await;
    let mut browser = Browser::at(&app, &format!("{PORTAL}/fr/who")).await;
    browser.presses("Continuer", &fields(&typed(&Person::stranger()))).await;
    browser.presses("Continuer", &[]).await;
    browser.has_status(422);
    browser.reads("Choisissez ce dont vous avez besoin");
    browser.presses("Continuer", &[("service", &small.service.to_string())]).await;
    browser.presses("Continuer avec cette heure", &[]).await;
    browser.has_status(422);
    browser.reads("Choisissez une heure");
}

#[tokio::test]
async fn a_time_that_is_taken_meanwhile_keeps_the_filters_and_offers_the_nearest_two() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let mut browser = at_the_times(&app, &small, &Person::stranger()).await;
    browser.presses("Afficher ces heures", &[("part", "morning")]).await;
    assert!(browser.address.contains("part=morning"));
    let other = app.visitor(&Person::named("Léo", "Roy")).await;
    let _ = other.books_at(small.service, "09:20").await;
    choose(&mut browser, 1).await;
    browser.has_status(409);
    assert_eq!(browser.attributes("main [data-focus]", "role"), ["alert"]);
    browser.reads("Quelqu’un d’autre vient de prendre cette heure");
    assert_eq!(browser.texts_of("#nearest time"), ["9 h", "9 h 40"]);
    assert_eq!(browser.attributes("input[type=hidden][name=part]", "value"), ["morning"]);
    // One of the nearest is one click away.
    choose(&mut browser, 0).await;
    browser.is_at("details");
    browser.reads("mardi 24 novembre, 9 h");
}

#[tokio::test]
async fn a_time_that_is_taken_before_the_confirmation_is_said_and_what_was_typed_is_kept() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let mut browser = holding(&app, &small, &Person::stranger(), 0).await;
    browser.presses("Continuer", &[("notify", "no")]).await;
    browser.is_at("check");
    // The hold ends, and somebody else is faster.
    app.waits_seconds(5 * 60);
    let other = app.visitor(&Person::named("Léo", "Roy")).await;
    let _ = other.books_at(small.service, "09:00").await;
    browser.presses("Confirmer le rendez-vous", &[]).await;
    browser.has_status(409);
    assert_eq!(browser.texts_of("#nearest time"), ["9 h 20", "9 h 40"]);
    choose(&mut browser, 0).await;
    assert_eq!(browser.attributes("input[name=notify][checked]", "value"), ["no"]);
    browser.presses("Continuer", &[]).await;
    browser.presses("Confirmer le rendez-vous", &[]).await;
    browser.reads("Votre rendez-vous est pris");
}

#[tokio::test]
async fn a_hold_that_ended_is_taken_again_on_the_way_on() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let mut browser = holding(&app, &small, &Person::stranger(), 0).await;
    browser.reads("jusqu’à 9 h 05");
    app.waits_seconds(5 * 60);
    let before = app.changes().await;
    browser.reloads().await;
    browser.reads("Le délai s’est terminé à 9 h 05");
    assert_eq!(app.changes().await, before, "looking holds nothing");
    browser.presses("Continuer", &[]).await;
    browser.is_at("check");
    browser.reads("jusqu’à 9 h 10");
    let other = app.visitor(&Person::named("Léo", "Roy")).await;
    assert_eq!(other.sees_times(small.service).await, ["11-24 09:20", "11-24 09:40"]);
}

#[tokio::test]
async fn a_hold_that_ended_and_was_taken_by_somebody_else_is_said_so() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let mut browser = holding(&app, &small, &Person::stranger(), 0).await;
    app.waits_seconds(5 * 60);
    let other = app.visitor(&Person::named("Léo", "Roy")).await;
    let _ = other.books_at(small.service, "09:00").await;
    browser.presses("Continuer", &[]).await;
    browser.has_status(409);
    browser.reads("Cette heure vous était gardée");
    assert_eq!(browser.texts_of("#nearest time"), ["9 h 20", "9 h 40"]);
}

#[tokio::test]
async fn a_hold_is_extended_ten_times_by_one_button_and_then_said_to_end() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let mut browser = holding(&app, &small, &Person::stranger(), 0).await;
    for _ in 0..10 {
        app.waits_seconds(60);
        browser.presses("La garder plus longtemps", &[("notify", "no")]).await;
        browser.is_at("details");
        assert_eq!(browser.attributes("input[name=notify][checked]", "value"), ["no"], "what was typed is kept");
    }
    browser.reads("jusqu’à 9 h 15");
    browser.reads("Elle ne peut pas être gardée plus longtemps");
    assert!(!browser.has("#extend"));
    browser.presses("Continuer", &[]).await;
    browser.presses("Confirmer le rendez-vous", &[]).await;
    browser.reads("Votre rendez-vous est pris");
}

#[tokio::test]
async fn going_back_to_another_time_or_another_person_gives_the_hold_back() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let mut browser = holding(&app, &small, &Person::stranger(), 0).await;
    browser.follows("Modifier").await;
    choose(&mut browser, 1).await;
    let other = app.visitor(&Person::named("Léo", "Roy")).await;
    assert_eq!(other.sees_times(small.service).await, ["11-24 09:00", "11-24 09:40"]);
    // Another person: the choices stay, the time does not, and nothing has to be typed again.
    browser.goes(&format!("{PORTAL}/fr/who")).await;
    assert_eq!(browser.attributes("#first_name", "value"), ["Zita"]);
    browser.presses("Continuer", &[("first_name", "Zoé"), ("terms", "yes")]).await;
    browser.is_at("service");
    assert_eq!(browser.attributes("input[name=service][checked]", "value"), [small.service.to_string()]);
    assert_eq!(other.sees_times(small.service).await.len(), 3);
}

#[tokio::test]
async fn the_reason_is_asked_for_as_the_service_wants_it() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.opens_portal().await;
    let desk = admin.hires("Dre Roy").await;
    let activity = admin.defines_activity("zz-interne", 20).await;
    let more = json!({ "reason_required": true, "free_text_reason": true,
        "reasons": [{ "fr": "Toux", "en": "Cough" }, { "fr": "Fièvre", "en": "Fever" }] });
    let service = admin.configures_service(&[activity], &more).await;
    app.scheduler().publishes_slot(desk.agenda, TOMORROW, ("09:00", "10:00"), activity).await;
    let small = SmallClinic { desk, activity, service };
    let mut browser = holding(&app, &small, &Person::stranger(), 0).await;
    browser.presses("Continuer", &[]).await;
    browser.has_status(422);
    assert_eq!(browser.attributes("#errors a", "href"), ["#reason-0"]);
    browser.presses("Continuer", &[("reason_text", &"é".repeat(501))]).await;
    browser.has_status(422);
    assert_eq!(browser.attributes("#errors a", "href"), ["#reason_text"]);
    browser.presses("Continuer", &[("reason", "1"), ("reason_text", "depuis hier\r\n<b>fort</b>")]).await;
    browser.is_at("check");
    browser.reads("Fièvre");
    browser.reads("<b>fort</b>");
    assert!(!browser.has("main b"), "what is typed is text");
    browser.presses("Confirmer le rendez-vous", &[]).await;
    browser.reads("Fièvre");
}

#[tokio::test]
async fn two_clicks_are_one_appointment_also_at_the_same_moment() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let mut browser = holding(&app, &small, &Person::stranger(), 0).await;
    browser.presses("Continuer", &[]).await;
    let (_, path, form) = browser.form("Confirmer le rendez-vous", &[]);
    let click = || browser.request(&Method::POST, &path, Some(&form));
    let (first, second, third) = tokio::join!(click(), click(), click());
    for answer in [first, second, third, click().await] {
        answer.has_status(303);
        assert_eq!(answer.header("location"), Some("/p/clinique-du-parc/fr/booked"));
    }
    let booked = app.events().await.iter().filter(|e| e.event_type.starts_with("appointment-booked")).count();
    assert_eq!(booked, 1);
    // Also after the hold's end, and after the visit's page was left open overnight it books nothing.
    app.waits_seconds(6 * 60);
    assert_eq!(click().await.header("location"), Some("/p/clinique-du-parc/fr/booked"));
}

#[tokio::test]
async fn a_form_from_before_a_change_books_nothing_and_shows_what_stands_now() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let mut browser = holding(&app, &small, &Person::stranger(), 0).await;
    browser.presses("Continuer", &[]).await;
    let (_, path, old) = browser.form("Confirmer le rendez-vous", &[]);
    // In another tab another time is chosen.
    browser.goes(&format!("{PORTAL}/fr/when")).await;
    choose(&mut browser, 2).await;
    browser.presses("Continuer", &[]).await;
    let answer = browser.request(&Method::POST, &path, Some(&old)).await;
    answer.has_status(409);
    assert!(answer.text.contains("Quelque chose a changé entre-temps"));
    assert!(answer.text.contains("9\u{a0}h\u{a0}40"));
    let events = app.events().await;
    assert!(!events.iter().any(|e| e.event_type.starts_with("appointment-booked")));
}

#[tokio::test]
async fn a_visit_that_ended_leads_back_to_the_start() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let mut browser = at_the_times(&app, &small, &Person::stranger()).await;
    app.waits_seconds(3 * 3600);
    browser.reloads().await;
    browser.has_status(401);
    browser.reads("Veuillez recommencer");
    browser.follows("Recommencer").await;
    browser.has_status(200);
    // Whoever was never there is told the same.
    for step in ["service", "when", "details", "check", "booked"] {
        let fresh = Browser::at(&app, &format!("{PORTAL}/en/{step}")).await;
        fresh.has_status(401);
        fresh.reads("Please start again");
    }
}

#[tokio::test]
async fn the_language_switch_stays_on_the_step_and_keeps_the_state() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    for frame in [false, true] {
        app.settle().await;
        let path = if frame { format!("{PORTAL}/embed/fr/who") } else { format!("{PORTAL}/fr/who") };
        let mut browser = Browser::at(&app, &path).await;
        browser.presses("Continuer", &fields(&typed(&Person::stranger()))).await;
        browser.presses("Continuer", &[("service", &small.service.to_string())]).await;
        browser.presses("Afficher ces heures", &[("part", "morning"), ("weekday", "tue")]).await;
        browser.follows("English").await;
        browser.reads("The earliest times");
        assert_eq!(browser.attributes("input[name=part][checked]", "value"), ["morning"]);
        assert_eq!(browser.attributes("input[name=weekday][checked]", "value"), ["tue"]);
        browser.follows("Français").await;
        choose(&mut browser, usize::from(frame)).await;
        browser.follows("English").await;
        browser.reads("This time is held for you until");
        browser.presses("Continue", &[]).await;
        browser.follows("Français").await;
        browser.reads("Rien n’est encore réservé.");
    }
}

#[tokio::test]
async fn times_are_grouped_and_more_days_lead_on_without_losing_one() {
    let app = TestApp::start().await;
    let small = app.admin().sets_up().await;
    let scheduler = app.scheduler();
    for day in 24..=30 {
        let date = format!("2026-11-{day}");
        scheduler.publishes_slot(small.desk.agenda, &date, ("09:00", "19:00"), small.activity).await;
    }
    let mut browser = at_the_times(&app, &small, &Person::stranger()).await;
    assert_eq!(browser.texts_of("#earliest time"), ["9 h", "9 h 20", "9 h 40"]);
    let parts = browser.texts_of("fieldset.times legend");
    assert_eq!(parts[1], "mardi 24 novembre, Matin");
    assert_eq!(parts[2], "mardi 24 novembre, Après-midi");
    assert_eq!(parts[3], "mardi 24 novembre, Soir");
    let mut all = vec![];
    loop {
        let times = browser.attributes("input[name=availability]", "value");
        assert!(!times.is_empty() && times.len() <= 90);
        all.extend(times);
        if !browser.has("p.more a") {
            break;
        }
        browser.follows("Plus de jours").await;
    }
    assert_eq!(all.len(), 7 * 30);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 7 * 30, "none twice, none lost");
    browser.goes(&format!("{PORTAL}/fr/when?narrow=yes&weekday=sun&part=evening")).await;
    assert_eq!(browser.texts_of("#earliest time"), ["17 h", "17 h 20", "17 h 40"]);
    browser
        .goes(&format!("{PORTAL}/fr/when?narrow=yes&weekday=wed&part=evening&practitioner={}", small.desk.agenda))
        .await;
    browser.reads("Rien ne correspond à votre choix");
}

#[tokio::test]
async fn every_name_of_a_time_has_its_day_its_hour_and_the_professional() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    app.scheduler().publishes_slot(small.desk.agenda, "2026-11-25", ("13:00", "13:20"), small.activity).await;
    let browser = at_the_times(&app, &small, &Person::stranger()).await;
    let labels = browser.texts_of("label:has(input[name=availability])");
    assert_eq!(labels[0], "mardi 24 novembre, 9 h Dre Roy · en personne");
    assert_eq!(labels[3], "13 h, mercredi 25 novembre, Dre Roy");
    browser.reads("heure de l’Est (Toronto)");
}

#[tokio::test]
async fn old_addresses_and_languages_that_are_not_offered_lead_to_the_page_that_there_is() {
    let app = TestApp::start().await;
    let _ = SmallClinic::with_a_morning(&app).await;
    let admin = app.admin();
    let now = admin.get("/portal").await.ok();
    let mut form = now.body["config"].clone();
    form["slug"] = json!("nouveau-parc");
    form["languages"] = json!(["fr"]);
    let changed = admin.changes(Method::PUT, "/portal", &now.etag(), &form).await;
    assert!(changed.is_ok(), "{}", changed.text);
    app.settle().await;
    let moved = |path: &'static str, to: &'static str| {
        let app = &app;
        async move {
            let answer = app.get(path).await;
            answer.has_status(308);
            assert_eq!(answer.header("location"), Some(to));
        }
    };
    moved("/p/clinique-du-parc", "/p/nouveau-parc/fr/start").await;
    moved("/p/clinique-du-parc/fr/who", "/p/nouveau-parc/fr/who").await;
    moved("/p/clinique-du-parc/embed/fr/start", "/p/nouveau-parc/embed/fr/start").await;
    moved("/p/clinique-du-parc/fr/when?narrow=yes&part=morning", "/p/nouveau-parc/fr/when?narrow=yes&part=morning")
        .await;
    moved("/p/nouveau-parc/en/who", "/p/nouveau-parc/fr/who").await;
    let browser = Browser::speaking(&app, "en-CA", "/p/nouveau-parc").await;
    browser.reads("Prendre rendez-vous");
    assert!(!browser.has("[hreflang]"), "there is no other language to switch to");
    app.get("/p/nobody/fr/start").await.has_status(404);
    app.get("/p/nouveau-parc/fr/nothing").await.has_status(404);
    app.get("/p/nouveau-parc/de/start").await.has_status(404);
    let _: Value = now.body;
}

#[tokio::test]
async fn nothing_open_names_the_next_release_only_if_the_clinic_chooses_to() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let small = admin.sets_up().await;
    let rule = json!({ "publication": { "kind": "days_before", "days": 1, "at": "08:00" } });
    let service = admin.get(&format!("/services/{}", small.service)).await.ok();
    let mut form = service.body["config"].clone();
    form["publication"] = rule["publication"].clone();
    let changed = admin.changes(Method::PUT, &format!("/services/{}", small.service), &service.etag(), &form).await;
    assert!(changed.is_ok(), "{}", changed.text);
    for date in ["2026-11-26", "2026-11-27"] {
        app.scheduler().publishes_slot(small.desk.agenda, date, ("09:00", "10:00"), small.activity).await;
    }
    app.settle().await;
    let start = async || Browser::at(&app, &format!("{PORTAL}/fr/start")).await;
    let quiet = start().await;
    quiet.reads("Aucune plage n’est ouverte");
    quiet.reads("Revenez plus tard");
    assert!(!quiet.text_of("main").contains("25 novembre"));
    let now = admin.get("/portal").await.ok();
    let mut form = now.body["config"].clone();
    form["announce_next_release"] = json!(true);
    assert!(admin.changes(Method::PUT, "/portal", &now.etag(), &form).await.is_ok());
    app.settle().await;
    start().await.reads("Les prochaines plages seront publiées le mercredi 25 novembre, 8 h");
    // At that moment, and not a second before, the same page lets visitors in, and one finds the time.
    app.goes_to("2026-11-25", "07:59");
    app.waits_seconds(59);
    start().await.reads("publiées le mercredi 25 novembre, 8 h");
    app.waits_seconds(1);
    let mut open = start().await;
    open.follows("Commencer").await;
    open.presses("Continuer", &fields(&typed(&Person::stranger()))).await;
    open.presses("Continuer", &[("service", &small.service.to_string())]).await;
    assert_eq!(open.texts_of("#earliest time"), ["9 h", "9 h 20", "9 h 40"]);
    // Who takes them all leaves the next moment to wait for.
    for time in ["09:00", "09:20", "09:40"] {
        let _ = app.visitor(&Person::named("Léo", "Roy")).await.books_at(small.service, time).await;
    }
    app.settle().await;
    start().await.reads("publiées le jeudi 26 novembre, 8 h");
}

#[tokio::test]
async fn the_emergency_line_stands_once_on_every_page() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let browser = at_the_times(&app, &small, &Person::stranger()).await;
    assert_eq!(browser.texts_of(".emergency").len(), 1);
    for page in ["start", "who"] {
        let browser = Browser::at(&app, &format!("{PORTAL}/fr/{page}")).await;
        assert_eq!(browser.texts_of(".emergency"), ["En cas d’urgence, composez le 911."], "{page}");
    }
    let framed = Browser::at(&app, &format!("{PORTAL}/embed/fr/start")).await;
    assert_eq!(framed.text_of("footer a[target=_top]"), "Voir, déplacer ou annuler un rendez-vous (quitte ce cadre)");
}
