//! The one-time code on the pages (8.7): sent to what was typed, returned, sent again, wrong, over; gone on without. In
//! both languages, without a script, with a cookie and in a frame; the same for whoever is known and whoever is not.

use super::journey::{fields, typed};
use super::states::choose;
use booking_api::AppOptions;
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Browser, Person, Post, SmallClinic, TestApp};
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

const PORTAL: &str = "/p/clinique-du-parc";

/// A clinic with a service for its patients alone, and one for everybody; it asks for a code.
struct Given {
    app: TestApp,
    post: Arc<Post>,
    small: SmallClinic,
    restricted: Uuid,
}

impl Given {
    async fn new() -> Self {
        Self::with(|options| options).await
    }
    async fn with(change: impl FnOnce(AppOptions) -> AppOptions) -> Self {
        let post = Arc::new(Post::default());
        let messages = post.options();
        let app = TestApp::start_with(|options| AppOptions { messages, ..change(options) }).await;
        let small = SmallClinic::with_a_morning(&app).await;
        let form =
            json!({ "public_name": { "fr": "Suivi", "en": "Follow-up" }, "criteria": [{ "kind": "existing_record" }] });
        let restricted = app.admin().configures_service(&[small.activity], &form).await;
        app.admin().settles(&json!({ "recognition_proof": "one_time_code" })).await;
        app.settle().await;
        Self { app, post, small, restricted }
    }
    /// A browser that has said who it is for.
    async fn said(&self, path: &str, person: &Person) -> Browser<'_> {
        let mut browser = Browser::at(&self.app, &format!("{PORTAL}{path}")).await;
        let next = if path.contains("/en/") { "Continue" } else { "Continuer" };
        browser.presses(next, &fields(&typed(person))).await;
        browser.has_status(200);
        browser
    }
    /// The code of the newest message.
    async fn code(&self) -> String {
        self.app.app.messages.round().await.unwrap();
        let message = self.post.takes().pop().expect("a code was sent");
        let text = message.text.expose().clone();
        let digits = text.split(|c: char| !c.is_ascii_digit()).find(|w| w.len() == 6);
        digits.unwrap_or_else(|| panic!("no code in {text}")).to_owned()
    }
}

fn another(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

#[tokio::test]
async fn a_patient_returns_a_code_and_books_what_is_for_patients_also_in_a_frame() {
    let words = [
        ("fr", "M’envoyer un code", "Confirmer", "Suivi", "Continuer", "Continuer avec cette heure"),
        ("en", "Send me a code", "Confirm", "Follow-up", "Continue", "Continue with this time"),
    ];
    for (language, send, confirm, service, next, choose) in words {
        let given = Given::new().await;
        let person = Person::stranger();
        given.app.scheduler().registers(&person).await;
        given.app.settle().await;
        for frame in ["", "embed/"] {
            let mut browser = given.said(&format!("/{frame}{language}/who"), &person).await;
            assert_eq!(browser.cookies.is_empty(), !frame.is_empty());
            browser.presses(send, &[("channel", "email")]).await;
            browser.has_status(200);
            assert!(browser.text_of("#sent").contains(person.email.as_deref().unwrap()));
            assert_eq!(browser.attributes("#code", "autocomplete"), ["one-time-code"]);
            let code = given.code().await;
            browser.presses(confirm, &[("code", &format!(" {} {} ", &code[..3], &code[3..]))]).await;
            browser.has_status(200);
            browser.reads(service);
            browser.presses(next, &[("service", &given.restricted.to_string())]).await;
            let times = browser.attributes("input[name=availability]", "value");
            browser.presses(choose, &[("availability", &times[0])]).await;
            assert!(browser.has("#hold"));
            let address = &browser.address;
            assert!(!address.contains('?') && !address.contains('@') && !address.contains(&code), "{address}");
            assert_eq!(browser.cookies.is_empty(), !frame.is_empty());
        }
    }
}

#[tokio::test]
async fn whoever_goes_on_without_sees_what_is_open_to_all_and_may_come_back() {
    let given = Given::new().await;
    let person = Person::stranger();
    given.app.scheduler().registers(&person).await;
    given.app.settle().await;
    for frame in ["", "embed/"] {
        let mut browser = given.said(&format!("/{frame}fr/who"), &person).await;
        browser.reads("Confirmez vos coordonnées");
        browser.presses("Continuer sans code", &[]).await;
        browser.reads("Consultation");
        assert!(!browser.text_of("main").contains("Suivi"));
        browser.follows("Confirmer vos coordonnées pour en voir plus").await;
        browser.presses("M’envoyer un code", &[("channel", "sms")]).await;
        let code = given.code().await;
        // The language switch keeps the code that was sent.
        browser.follows("English").await;
        browser.presses("Confirm", &[("code", &code)]).await;
        browser.reads("Follow-up");
        // The other contact may be proven too, and is nobody's duty.
        browser.follows("Confirm your contact to see more").await;
        browser.reads("You returned the code");
        assert_eq!(browser.attributes("input[name=channel]", "value"), ["email"]);
        browser.presses("Continue", &[]).await;
        browser.reads("Follow-up");
    }
    assert!(given.post.takes().is_empty(), "nothing was sent that nobody asked for");
}

#[tokio::test]
async fn a_wrong_code_a_new_one_and_one_that_is_over_are_told_apart() {
    let given = Given::new().await;
    let person = Person::stranger().but(|p| p.cell_phone = None);
    for frame in ["", "embed/"] {
        let person = person.but(|p| p.email = Some(format!("zita{}@example.ca", frame.len())));
        let mut browser = given.said(&format!("/{frame}fr/who"), &person).await;
        assert_eq!(browser.attributes("input[name=channel]", "value"), ["email"]);
        browser.presses("M’envoyer un code", &[]).await;
        let first = given.code().await;
        for bad in ["", "12345", "abcdef"] {
            browser.presses("Confirmer", &[("code", bad)]).await;
            browser.has_status(422);
            assert_eq!(browser.attributes("#errors a", "href"), ["#code"]);
            browser.reads("Inscrivez les six chiffres du message");
        }
        browser.presses("Confirmer", &[("code", &another(&first))]).await;
        browser.has_status(422);
        browser.reads("Ce n’est pas le code du dernier message");
        assert_eq!(browser.attributes("#code", "aria-invalid"), ["true"]);
        assert_eq!(browser.attributes("#code", "value"), [""], "what was wrong is typed anew");
        // A new one ends the one before.
        browser.presses("Envoyer un nouveau code", &[]).await;
        let second = given.code().await;
        if first != second {
            browser.presses("Confirmer", &[("code", &first)]).await;
            browser.has_status(422);
        }
        // Five tries.
        for _ in 0..4 {
            browser.presses("Confirmer", &[("code", &another(&second))]).await;
            browser.has_status(422);
        }
        browser.presses("Confirmer", &[("code", &another(&second))]).await;
        if browser.answer.status == 422 {
            browser.presses("Confirmer", &[("code", &second)]).await;
        }
        browser.has_status(410);
        browser.reads("Ce code n’est plus valable");
        assert!(!browser.has("#code"), "there is nothing to return");
        // Ten minutes.
        browser.presses("M’envoyer un code", &[]).await;
        let third = given.code().await;
        given.app.waits_seconds(600);
        browser.presses("Confirmer", &[("code", &third)]).await;
        browser.has_status(410);
        browser.reads("Ce code n’est plus valable");
        for _ in 0..2 {
            browser
                .presses(if browser.has("#code") { "Envoyer un nouveau code" } else { "M’envoyer un code" }, &[])
                .await;
            browser.has_status(200);
        }
        browser.presses("Envoyer un nouveau code", &[]).await;
        browser.has_status(429);
        browser.reads("autant de codes que possible pour l’instant");
        assert!(browser.answer.header("retry-after").is_some());
        browser.presses("Continuer sans code", &[]).await;
        browser.reads("Consultation");
        let _ = given.post.takes();
    }
}

#[tokio::test]
async fn a_page_that_is_looked_at_again_after_ten_minutes_says_that_the_code_is_over() {
    let given = Given::new().await;
    let mut browser = given.said("/fr/who", &Person::stranger()).await;
    browser.presses("M’envoyer un code", &[]).await;
    assert!(browser.has("#code"));
    browser.reloads().await;
    assert!(browser.has("#code"), "looking sends nothing and forgets nothing");
    given.app.waits_seconds(600);
    browser.reloads().await;
    browser.reads("Ce code n’est plus valable");
}

/// Everything that a visitor reads on the way, but the code and the token.
async fn reads_on(given: &Given, frame: &str, person: &Person) -> Vec<(u16, String)> {
    let mut browser = given.said(&format!("/{frame}fr/who"), person).await;
    let token = browser.attributes("input[name=visit]", "value").pop().unwrap_or_else(|| "nothing".to_owned());
    let mut seen = Vec::new();
    let mut see =
        |browser: &Browser<'_>| seen.push((browser.answer.status, browser.answer.text.replace(&token, "token")));
    see(&browser);
    browser.presses("M’envoyer un code", &[("channel", "email")]).await;
    see(&browser);
    let code = given.code().await;
    browser.presses("Confirmer", &[("code", &another(&code))]).await;
    see(&browser);
    browser.presses("Continuer sans code", &[]).await;
    see(&browser);
    browser.follows("Confirmer vos coordonnées pour en voir plus").await;
    see(&browser);
    given.app.waits_seconds(600);
    browser.presses("Confirmer", &[("code", &code)]).await;
    see(&browser);
    seen
}

#[tokio::test]
async fn every_page_of_the_step_is_the_same_whether_or_not_somebody_is_known() {
    let given = Given::new().await;
    let patient = Person::stranger();
    given.app.scheduler().registers(&patient).await;
    given.app.settle().await;
    // One letter differs: the same contacts, and no record.
    let near_miss = patient.but(|p| p.last_name = "Ouellez".to_owned());
    for frame in ["", "embed/"] {
        let (known, unknown) = (reads_on(&given, frame, &patient).await, reads_on(&given, frame, &near_miss).await);
        // Ten minutes lie between the two: the times of day differ, in as many characters.
        let plain = |pages: Vec<(u16, String)>| -> Vec<(u16, String)> {
            let digits = |text: String| text.replace(|c: char| c.is_ascii_digit(), "#");
            pages.into_iter().map(|(status, text)| (status, digits(text))).collect()
        };
        for (known, unknown) in plain(known).into_iter().zip(plain(unknown)) {
            assert_eq!(known, unknown);
        }
        given.app.waits_seconds(3_600);
    }
}

#[tokio::test]
async fn nobody_is_asked_where_a_code_opens_nothing_or_cannot_be_sent() {
    // Recognition alone opens services.
    let given = Given::new().await;
    given.app.admin().settles(&json!({ "recognition_proof": "none" })).await;
    let browser = given.said("/fr/who", &Person::stranger()).await;
    browser.is_at("service");
    assert!(!browser.has("a[href$='code']"));
    // Nothing is for patients alone.
    let given = Given::new().await;
    let admin = given.app.admin();
    let service = admin.get(&format!("/services/{}", given.restricted)).await.ok();
    let path = format!("/services/{}/deactivate", given.restricted);
    let _ = admin.changes(reqwest::Method::POST, &path, &service.etag(), &json!(null)).await.ok();
    given.said("/fr/who", &Person::stranger()).await.is_at("service");
    // No channel: the page leads on.
    let app = TestApp::start().await;
    let _ = SmallClinic::with_a_morning(&app).await;
    app.settle().await;
    let mut browser = Browser::at(&app, &format!("{PORTAL}/fr/who")).await;
    browser.presses("Continuer", &fields(&typed(&Person::stranger()))).await;
    browser.is_at("service");
    browser.goes(&format!("{PORTAL}/fr/code")).await;
    browser.is_at("service");
}

#[tokio::test]
async fn who_may_book_nothing_is_led_to_the_code_whether_known_or_not() {
    let given = Given::new().await;
    let admin = given.app.admin();
    let service = admin.get(&format!("/services/{}", given.small.service)).await.ok();
    let path = format!("/services/{}/deactivate", given.small.service);
    let _ = admin.changes(reqwest::Method::POST, &path, &service.etag(), &json!(null)).await.ok();
    let known = Person::named("Léo", "Roy");
    given.app.scheduler().registers(&known).await;
    given.app.settle().await;
    let mut pages = vec![];
    for person in [known, Person::named("Léa", "Roy")] {
        let mut browser = given.said("/fr/who", &person).await;
        browser.presses("Continuer sans code", &[]).await;
        browser.reads("Rien ne peut être réservé en ligne avec ces renseignements");
        pages.push(browser.answer.text.clone());
        browser.follows("Confirmer vos coordonnées pour en voir plus").await;
        browser.is_at("code");
    }
    assert_eq!(pages[0], pages[1], "byte for byte");
}

#[tokio::test]
async fn under_load_a_returned_code_stands_for_the_work_and_leads_back_to_the_times() {
    for frame in ["", "embed/"] {
        let given = Given::with(|options| AppOptions { source_limits: true, ..options }).await;
        let small = &given.small;
        given.app.scheduler().publishes_slot(small.desk.agenda, TOMORROW, ("13:00", "15:00"), small.activity).await;
        given.app.admin().settles(&json!({ "recognition_proof": "none" })).await;
        for (first, time) in [("Léo", "13:00"), ("Ana", "13:20"), ("Ali", "13:40")] {
            let other = given.app.visitor(&Person::named(first, "Roy")).await;
            let _ = other.books_at(small.service, time).await;
        }
        given.app.app.messages.round().await.unwrap();
        let _ = given.post.takes();
        given.app.settle().await;
        let mut browser = given.said(&format!("/{frame}fr/who"), &Person::stranger()).await;
        browser.presses("Continuer", &[("service", &small.service.to_string())]).await;
        choose(&mut browser, 0).await;
        browser.has_status(428);
        browser.reads("Beaucoup de gens réservent en ce moment");
        browser.follows("Utiliser plutôt un code").await;
        browser.reads("remplace le travail que ferait votre appareil");
        browser.presses("M’envoyer un code", &[("channel", "email")]).await;
        let code = given.code().await;
        browser.presses("Confirmer", &[("code", &another(&code))]).await;
        browser.has_status(422);
        browser.follows("English").await;
        browser.presses("Confirm", &[("code", &code)]).await;
        browser.has_status(200);
        browser.reads("The earliest times");
        let times = browser.attributes("input[name=availability]", "value");
        browser.presses("Continue with this time", &[("availability", &times[0])]).await;
        browser.has_status(200);
        assert!(browser.has("#hold"));
        assert_eq!(browser.cookies.is_empty(), !frame.is_empty());
    }
}
