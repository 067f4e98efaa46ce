//! One-time codes (8.7): who is proven by what, and that nobody learns whether somebody is a patient.

use booking_api::AppOptions;
use booking_engine::vault::{MessageChannel, MessageKind};
use booking_tests::http::portal::opening;
use booking_tests::http::{Answer, Person, Post, SmallClinic, TestApp, Visitor};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// A clinic with a service for its patients alone, and one for everybody; codes are asked for.
struct Given {
    app: TestApp,
    post: Arc<Post>,
    restricted: Uuid,
    open: Uuid,
}

impl Given {
    async fn new() -> Self {
        let post = Arc::new(Post::default());
        let messages = post.options();
        let app = TestApp::start_with(|o| AppOptions { messages, ..o }).await;
        let small = SmallClinic::with_a_morning(&app).await;
        let form = json!({ "criteria": [{ "kind": "existing_record" }] });
        let restricted = app.admin().configures_service(&[small.activity], &form).await;
        // Nobody chose anything: what the product does by itself is written down.
        booking_api::housekeeping::default_recognition(&app.app).await;
        assert_eq!(app.admin().get("/settings").await.ok()["recognition_proof"], "one_time_code");
        Self { app, post, restricted, open: small.service }
    }
    async fn visitor(&self, person: &Person) -> Visitor<'_> {
        self.app.visitor(person).await
    }
    /// Asks for a code and reads it from the message.
    async fn receives(&self, visitor: &Visitor<'_>, channel: Option<&str>) -> String {
        sends(visitor, channel).await.has_status(202);
        self.app.app.messages.round().await.unwrap();
        let message = self.post.takes().pop().expect("a code was sent");
        assert_eq!(message.kind, MessageKind::Code);
        digits(message.text.expose())
    }
}

async fn sends(visitor: &Visitor<'_>, channel: Option<&str>) -> Answer {
    visitor.asks(Method::POST, "/visit/code").json(&json!({ "channel": channel })).answer().await
}

async fn proves(visitor: &Visitor<'_>, code: &str) -> Answer {
    visitor.asks(Method::POST, "/visit/proof").json(&json!({ "code": code })).answer().await
}

/// The first six digits in a row.
fn digits(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_digit());
    words.into_iter().find(|w| w.len() == 6).unwrap_or_else(|| panic!("no code in {text}")).to_owned()
}

/// Another code than this one.
fn another(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

#[tokio::test]
async fn a_returned_code_opens_what_is_for_patients_if_the_contact_is_on_file() {
    let given = Given::new().await;
    let person = Person::stranger();
    given.app.scheduler().registers(&person).await;
    let visitor = given.visitor(&person).await;
    assert_eq!(visitor.sees_services().await, [given.open], "recognition alone opens nothing");
    let code = given.receives(&visitor, None).await;
    assert_eq!(visitor.sees_services().await, [given.open], "a code that was sent proves nothing");
    assert_eq!(proves(&visitor, &code).await.ok()["proof"], "email");
    assert_eq!(visitor.get("/visit").await.ok()["proof"], "email");
    let mut seen = visitor.sees_services().await;
    seen.sort();
    let mut both = [given.open, given.restricted];
    both.sort();
    assert_eq!(seen, both);
    visitor.books_at(given.restricted, "09:00").await;
}

#[tokio::test]
async fn a_stranger_who_proves_a_contact_sees_what_is_for_everybody() {
    let given = Given::new().await;
    let visitor = given.visitor(&Person::stranger()).await;
    let code = given.receives(&visitor, None).await;
    assert_eq!(proves(&visitor, &code).await.ok()["proof"], "email");
    assert_eq!(visitor.sees_services().await, [given.open]);
}

// 8.7: the number decides where a booking is filed, and not what a stranger gets to see.
#[tokio::test]
async fn a_health_number_with_somebody_elses_contact_proves_nothing() {
    let given = Given::new().await;
    let patient = Person::stranger().but(|p| p.health_number = Some("OUEZ85561512".to_owned()));
    let record = given.app.scheduler().registers(&patient).await;
    let thief = patient.but(|p| {
        p.email = Some("thief@example.ca".to_owned());
        p.cell_phone = None;
    });
    let visitor = given.visitor(&thief).await;
    let code = given.receives(&visitor, None).await;
    let _ = proves(&visitor, &code).await.ok();
    assert_eq!(visitor.sees_services().await, [given.open]);
    // It is filed on the record all the same, and the message goes to the typed contact.
    let link = visitor.books_at(given.open, "09:00").await;
    let found = given.app.scheduler().finds(booking_tests::http::setup::TOMORROW, &link.reference()).await;
    assert_eq!(found["patient"], json!(record), "{found}");
    given.app.app.messages.round().await.unwrap();
    let told = given.post.takes();
    assert_eq!(told.iter().map(|m| m.to.expose().as_str()).collect::<Vec<_>>(), ["thief@example.ca"]);
}

#[tokio::test]
async fn only_the_contact_that_was_proven_counts() {
    let given = Given::new().await;
    let person = Person::stranger();
    given.app.scheduler().registers(&person).await;
    // The telephone is on file, the address is not; the address is proven.
    let other_address = person.but(|p| p.email = Some("new@example.ca".to_owned()));
    let visitor = given.visitor(&other_address).await;
    let code = given.receives(&visitor, Some("email")).await;
    let _ = proves(&visitor, &code).await.ok();
    assert_eq!(visitor.sees_services().await, [given.open]);
    let code = given.receives(&visitor, Some("sms")).await;
    assert_eq!(proves(&visitor, &code).await.ok()["proof"], "both");
    assert_eq!(visitor.sees_services().await.len(), 2);
}

#[tokio::test]
async fn a_code_is_tried_at_most_five_times() {
    let given = Given::new().await;
    let visitor = given.visitor(&Person::stranger()).await;
    let code = given.receives(&visitor, None).await;
    for _ in 0..5 {
        proves(&visitor, &another(&code)).await.is(422, "wrong_code");
    }
    proves(&visitor, &code).await.is(410, "code_over");
    assert_eq!(visitor.get("/visit").await.ok()["proof"], "none");
}

#[tokio::test]
async fn a_code_is_good_for_ten_minutes_and_once() {
    let given = Given::new().await;
    let visitor = given.visitor(&Person::stranger()).await;
    let late = given.receives(&visitor, None).await;
    given.app.waits_seconds(600);
    proves(&visitor, &late).await.is(410, "code_over");
    let code = given.receives(&visitor, None).await;
    given.app.waits_seconds(599);
    let _ = proves(&visitor, &code).await.ok();
    proves(&visitor, &code).await.is(410, "code_over");
}

#[tokio::test]
async fn of_two_that_come_back_at_once_one_is_taken() {
    let given = Given::new().await;
    let visitor = given.visitor(&Person::stranger()).await;
    for _ in 0..5 {
        let code = given.receives(&visitor, None).await;
        let (a, b, c) = tokio::join!(proves(&visitor, &code), proves(&visitor, &code), proves(&visitor, &code));
        let taken = [a, b, c].iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(taken, 1);
    }
}

#[tokio::test]
async fn a_new_code_ends_the_one_before_and_a_visit_takes_no_other_visits_code() {
    let given = Given::new().await;
    let visitor = given.visitor(&Person::stranger()).await;
    let first = given.receives(&visitor, None).await;
    let second = given.receives(&visitor, None).await;
    if first != second {
        proves(&visitor, &first).await.is(422, "wrong_code");
    }
    let other = given.visitor(&Person::named("Alix", "Roy")).await;
    proves(&other, &second).await.is(410, "code_over");
    let _ = proves(&visitor, &second).await.ok();
}

#[tokio::test]
async fn a_contact_gets_five_codes_an_hour_whoever_asks() {
    let given = Given::new().await;
    let person = Person::stranger();
    for _ in 0..5 {
        let visitor = given.visitor(&person).await;
        sends(&visitor, Some("email")).await.has_status(202);
    }
    // The same address in capitals, claimed by somebody else.
    let other = Person::named("Alix", "Roy").but(|p| p.email = person.email.as_ref().map(|e| e.to_uppercase()));
    let visitor = given.visitor(&other).await;
    sends(&visitor, Some("email")).await.is(429, "too_many_codes");
    // The other contact is another contact; nobody else is locked out, and an hour later nobody is.
    sends(&visitor, Some("sms")).await.has_status(202);
    let stranger = given.visitor(&Person::named("Olga", "Petit").but(|p| p.cell_phone = None)).await;
    sends(&stranger, None).await.has_status(202);
    given.app.waits_seconds(3601);
    sends(&visitor, Some("email")).await.has_status(202);
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_by_its_field() {
    let given = Given::new().await;
    let visitor = given.visitor(&Person::stranger().but(|p| p.cell_phone = None)).await;
    sends(&visitor, Some("sms")).await.is(422, "invalid_field");
    sends(&visitor, Some("pigeon")).await.is(422, "invalid_field");
    for bad in ["12345", "1234567", "abcdef", ""] {
        proves(&visitor, bad).await.is(422, "invalid_field");
    }
    proves(&visitor, "123456").await.is(410, "code_over");
}

/// Everything of an answer but what is drawn at random.
fn shape(answer: &Answer) -> (u16, Vec<String>, Value) {
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| {
            !matches!(name.as_str(), "x-request-id" | "date" | "booking-position" | "content-security-policy")
        })
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    headers.sort();
    let mut body = answer.body.clone();
    for drawn in ["visit", "token", "request_id"] {
        if let Some(value) = body.get_mut(drawn) {
            *value = json!("drawn");
        }
    }
    (answer.status, headers, body)
}

#[tokio::test]
async fn every_answer_is_the_same_whether_or_not_somebody_was_recognized() {
    let given = Given::new().await;
    let patient = Person::stranger();
    given.app.scheduler().registers(&patient).await;
    // One letter of the name differs: the same contacts, and no record.
    let near_miss = patient.but(|p| p.last_name = "Ouellez".to_owned());
    let mut told = Vec::new();
    for person in [&patient, &near_miss] {
        let opened = opening(&given.app, &given.app.clinic.slug, &person.typed()).await;
        let visitor = Visitor::opens(&given.app, &given.app.clinic.slug, person).await;
        let mut answers = vec![shape(&opened), shape(&visitor.get("/visit").await)];
        answers.push(shape(&proves(&visitor, "000000").await));
        for channel in ["email", "sms"] {
            answers.push(shape(&sends(&visitor, Some(channel)).await));
            given.app.app.messages.round().await.unwrap();
            let message = given.post.takes().pop().unwrap();
            let code = digits(message.text.expose());
            let said = message.text.expose().replace(&code, "######");
            answers.push((0, vec![message.heading.clone(), message.to.expose().clone()], json!(said)));
            answers.push(shape(&proves(&visitor, &another(&code)).await));
            answers.push(shape(&proves(&visitor, &code).await));
            answers.push(shape(&proves(&visitor, &code).await));
            answers.push(shape(&visitor.get("/visit").await));
        }
        told.push(answers);
    }
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn no_code_stands_in_the_vault_in_the_clear_nor_does_its_contact() {
    let given = Given::new().await;
    let person = Person::stranger().but(|p| p.email = Some("canary-zita@example.ca".to_owned()));
    let visitor = given.visitor(&person).await;
    sends(&visitor, None).await.has_status(202);
    given.app.app.engine.vault().flush().await.unwrap();
    let waiting = vault_bytes(&given.app);
    let code = {
        given.app.app.messages.round().await.unwrap();
        digits(given.post.takes().pop().unwrap().text.expose())
    };
    let sent = vault_bytes(&given.app);
    for bytes in [&waiting, &sent] {
        for secret in ["canary-zita", &code] {
            assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{secret} stands in the vault");
        }
    }
}

fn vault_bytes(app: &TestApp) -> Vec<u8> {
    ["vault.db", "vault.db-wal"].iter().flat_map(|f| std::fs::read(app.data().join(f)).unwrap_or_default()).collect()
}

#[tokio::test]
async fn without_a_channel_there_is_no_code() {
    let app = TestApp::start().await;
    let _ = SmallClinic::with_a_morning(&app).await;
    let visitor = app.visitor(&Person::stranger()).await;
    sends(&visitor, None).await.is(409, "no_message_channel");
}

#[tokio::test]
async fn by_sms_the_code_goes_to_the_number_in_full() {
    let given = Given::new().await;
    let visitor = given.visitor(&Person::stranger().but(|p| p.email = None)).await;
    sends(&visitor, None).await.has_status(202);
    given.app.app.messages.round().await.unwrap();
    let message = given.post.takes().pop().unwrap();
    assert_eq!((message.channel, message.to.expose().as_str()), (MessageChannel::Sms, "+15145550142"));
}

// 8.4: a cap binds the contact that a code proved, whoever the visitor says they are, and nobody who proved nothing.
#[tokio::test]
async fn a_cap_binds_the_contact_that_a_code_proved_until_one_of_its_appointments_is_cancelled() {
    let given = Given::new().await;
    given.app.admin().settles(&json!({ "max_future_appointments": 1 })).await;
    let proven = async |person: &Person, channel: &str| {
        let visitor = given.visitor(person).await;
        let code = given.receives(&visitor, Some(channel)).await;
        let _ = proves(&visitor, &code).await.ok();
        visitor
    };
    let first = proven(&Person::stranger(), "email").await;
    assert_eq!(first.sees_times(given.open).await.len(), 3);
    let link = first.books_at(given.open, "09:00").await;
    given.app.app.messages.round().await.unwrap();
    let _ = given.post.takes();
    // The same mailbox in capitals, in another name.
    let other = Person::named("Alix", "Roy").but(|p| p.email = Person::stranger().email.map(|e| e.to_uppercase()));
    let unproven = given.visitor(&other).await;
    assert_eq!(unproven.sees_times(given.open).await.len(), 2, "nothing is proven, and nothing binds");
    let wanted = unproven.finds(given.open, "09:20").await;
    let again = proven(&other, "email").await;
    assert_eq!(again.sees_services().await, [given.open], "the service stays listed");
    assert_eq!(again.sees_times(given.open).await, Vec::<String>::new());
    again.asks_to_book(given.open, &wanted).await.is(409, "not_offered");
    again.asks_to_hold(given.open, &wanted).await.is(409, "not_offered");
    // Another contact is another quota; with both proven, both count.
    let by_phone = proven(&other.but(|p| p.cell_phone = Some("514 555-0198".to_owned())), "sms").await;
    assert_eq!(by_phone.sees_times(given.open).await.len(), 2);
    let code = given.receives(&by_phone, Some("email")).await;
    assert_eq!(proves(&by_phone, &code).await.ok()["proof"], "both");
    assert_eq!(by_phone.sees_times(given.open).await, Vec::<String>::new());
    // A retry of what was booked answers with it, also at the cap; a cancellation makes room.
    let _ = link.cancels(&link.sees().await.etag()).await.ok();
    assert_eq!(again.sees_times(given.open).await.len(), 3);
    let _ = again.asks_to_book_again(given.open, &wanted).await;
    assert_eq!(first.sees_times(given.open).await, Vec::<String>::new());
}

#[tokio::test]
async fn of_many_who_book_with_one_proven_contact_at_once_no_more_than_the_cap_succeed() {
    let given = Given::new().await;
    given.app.admin().settles(&json!({ "max_future_appointments": 2 })).await;
    let mut visitors = Vec::new();
    for name in ["Ana", "Bea", "Cleo"] {
        let person = Person::named(name, "Roy").but(|p| p.email = Some("one@example.ca".to_owned()));
        let visitor = given.visitor(&person).await;
        let code = given.receives(&visitor, Some("email")).await;
        let _ = proves(&visitor, &code).await.ok();
        visitors.push(visitor);
    }
    let mut wanted = Vec::new();
    for (visitor, time) in visitors.iter().zip(["09:00", "09:20", "09:40"]) {
        wanted.push(visitor.finds(given.open, time).await);
    }
    let asks = visitors.iter().zip(&wanted).map(|(visitor, time)| visitor.asks_to_book(given.open, time));
    let answers = futures::future::join_all(asks).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 2, "{answers:?}");
    for refused in answers.iter().filter(|answer| !answer.is_ok()) {
        refused.is(409, "not_offered");
    }
    assert_eq!(visitors[0].sees_times(given.open).await, Vec::<String>::new());
}
