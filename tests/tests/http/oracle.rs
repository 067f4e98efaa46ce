//! Whether the portal tells who is a patient (8.7): a real patient and somebody who differs from them in one field do the
//! same things one after the other, and everything that they get is compared.
//!
//! Statuses, sets of headers, bodies without what differs from visit to visit in any case, and their lengths. The time
//! that answers take is compared in `load::oracle`.

use booking_api::AppOptions;
use booking_engine::EngineOptions;
use booking_engine::vault::{Token, VisitLookup};
use booking_tests::Rng;
use booking_tests::http::portal::{id, looks_up, opening};
use booking_tests::http::setup::{ACTIVITY_NAME, TOMORROW};
use booking_tests::http::{Answer, Person, SmallClinic, TestApp, Visitor};
use booking_tests::seeds::rounds;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What differs between any two visits. What it says must not matter; that it is there, and how long it is, must.
const NONCES: [&str; 11] = [
    "visit",
    "token",
    "hold",
    "link_token",
    "reference",
    "request_id",
    "challenge",
    "as_of",
    "expires_at",
    "event",
    "event_hash",
];
/// The same of headers.
const HEADER_NONCES: [&str; 5] = ["date", "x-request-id", "etag", "booking-position", "booking-as-of"];

/// What an observer can compare of an answer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Seen {
    asked: String,
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    length: usize,
}

fn without_nonces(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = |(key, value): (&String, &Value)| {
                let text = value.as_str().filter(|_| NONCES.contains(&key.as_str()));
                // A position and an instant: their digits grow with the log, whoever asks.
                let nonce = text.map(|text| json!(if key == "as_of" { 0 } else { text.len() }));
                (key.clone(), nonce.unwrap_or_else(|| without_nonces(value)))
            };
            fields.iter().map(kept).collect()
        }
        Value::Array(items) => items.iter().map(without_nonces).collect(),
        other => other.clone(),
    }
}

fn seen(answer: &Answer) -> Seen {
    let value = |name: &str, value: &str| if HEADER_NONCES.contains(&name) { String::new() } else { value.to_owned() };
    let header = |(name, text): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        (name.to_string(), value(name.as_str(), text.to_str().unwrap()))
    };
    let mut headers: Vec<_> = answer.headers.iter().map(header).filter(|(name, _)| name != "content-length").collect();
    headers.sort();
    // The path names the hold.
    let asked = answer.asked.split("/holds/").next().unwrap_or_default().to_owned();
    let as_of = answer.body.get("as_of").and_then(Value::as_str).map_or(0, str::len);
    let body = without_nonces(&answer.body).to_string();
    Seen { asked, status: answer.status, headers, body, length: answer.text.len() - as_of }
}

/// The whole flow, up to a booking that is looked up and cancelled again, so that whoever comes next finds the same.
async fn journey(app: &TestApp, small: &SmallClinic, person: &Person) -> Vec<Seen> {
    let mut all = Vec::new();
    let opened = opening(app, &app.clinic.slug, &person.typed()).await;
    all.push(seen(&opened));
    if !opened.is_ok() {
        return all;
    }
    let visitor = Visitor::with(app, &app.clinic.slug, opened.str("/token"));
    app.settle().await;
    for path in ["/visit", "/services", "/visit/work", "/visit/work?for=keep"] {
        all.push(seen(&visitor.get(path).await));
    }
    let first = visitor.get(&format!("/availabilities?service={}&limit=2&counts=true", small.service)).await;
    let cursor = first.str("/next").to_owned();
    let next = format!("/availabilities?service={}&limit=2&cursor={cursor}", small.service);
    all.extend([seen(&first), seen(&visitor.get(&next).await)]);
    for restricted in app.admin().get("/services").await.ok().list("/items") {
        let path = format!("/availabilities?service={}", id(&restricted["id"]));
        let shown = visitor.get(&path).await;
        all.push(Seen { asked: "some service".to_owned(), ..seen(&shown) });
        let place = first.str("/availabilities/0/availability");
        let asked = visitor.asks_to_hold(id(&restricted["id"]), place).await;
        all.push(seen(&asked));
        if let Some(hold) = asked.body.get("hold").and_then(Value::as_str) {
            all.push(seen(&visitor.extends(hold).await));
            all.push(seen(&visitor.releases(hold).await));
        }
    }
    let place = first.str("/availabilities/1/availability").to_owned();
    let hold = visitor.asks_to_hold(small.service, &place).await;
    all.push(seen(&hold));
    let booking = json!({ "service": small.service, "availability": place, "hold": hold.str("/hold"),
        "reason": { "text": "une toux" } });
    let booked = visitor.sends_booking("once", &booking).await.ok();
    all.push(seen(&booked));
    all.push(seen(&visitor.sends_booking("once", &booking).await));
    all.push(seen(&visitor.sends_booking("twice", &booking).await));
    app.settle().await;
    let link = app.link_holder(booked.str("/link_token"));
    let reference = booked.str("/appointment/reference").to_owned();
    let own = link.sees().await;
    all.push(seen(&own));
    all.push(seen(&link.asks(Method::GET, "/availabilities?limit=2").answer().await));
    all.push(seen(&looks_up(app, &app.clinic.slug, &reference, &person.birth_date).await));
    all.push(seen(&looks_up(app, &app.clinic.slug, &reference, "1950-01-01").await));
    all.push(seen(&link.cancels_as(&own.etag(), &person.birth_date).await));
    app.settle().await;
    all
}

/// The patient that everybody is compared with.
fn patient() -> Person {
    Person::named("Ève", "Tremblay").but(|p| p.health_number = Some("TREE 8556 1512".to_owned()))
}

/// Somebody who differs in one field each; the first differs in none.
fn near_misses() -> Vec<(&'static str, Person)> {
    let typed = patient().but(|p| p.health_number = None);
    let with = |change: fn(&mut Person)| typed.but(change);
    vec![
        ("nothing", typed.clone()),
        ("first name", with(|p| "Eva".clone_into(&mut p.first_name))),
        ("last name", with(|p| "Tremblai".clone_into(&mut p.last_name))),
        ("birth date", with(|p| "1985-06-16".clone_into(&mut p.birth_date))),
        ("sex", with(|p| "male".clone_into(&mut p.sex))),
        (
            "contacts",
            with(|p| {
                p.cell_phone = Some("514 555 0143".to_owned());
                p.email = Some("-ve@example.com".to_owned());
            }),
        ),
        ("phone", with(|p| p.cell_phone = Some("514 555 0143".to_owned()))),
        ("email", with(|p| p.email = Some("-va@example.ca".to_owned()))),
        ("the right number", patient()),
        ("number", patient().but(|p| p.health_number = Some("TREE 8556 1513".to_owned()))),
        ("the right number and another birth date", patient().but(|p| "1985-06-16".clone_into(&mut p.birth_date))),
        (
            "the right number and other contacts",
            patient().but(|p| {
                p.cell_phone = Some("514 555 0143".to_owned());
                p.email = None;
            }),
        ),
        ("everything", Person::stranger()),
    ]
}

/// A clinic where codes can be sent, with an open service; with restricted ones, if wanted.
async fn clinic(restricted: bool, proof: &str) -> (TestApp, SmallClinic) {
    let app = TestApp::start_with(|options| AppOptions {
        engine: EngineOptions { message_channel: true, ..options.engine },
        ..options
    })
    .await;
    let small = SmallClinic::with_a_morning(&app).await;
    // A day takes so many holds for each availability.
    app.scheduler().publishes_slot(small.desk.agenda, TOMORROW, ("13:00", "17:00"), small.activity).await;
    let _ = app.scheduler().registers(&patient()).await;
    app.admin().settles(&json!({ "recognition_proof": proof })).await;
    if restricted {
        for criteria in [
            json!([{ "kind": "existing_record" }]),
            json!([{ "kind": "age_range", "unit": "years", "min": 18 }]),
            json!([{ "kind": "sex", "values": ["female"] }]),
        ] {
            app.admin().configures_service(&[small.activity], &json!({ "criteria": criteria })).await;
        }
    }
    app.settle().await;
    (app, small)
}

async fn nothing_tells(restricted: bool, proof: &str) {
    let (app, small) = clinic(restricted, proof).await;
    // The first journey makes what the clinic's first visitor makes, whoever it is.
    let _ = journey(&app, &small, &Person::named("Ana", "Roy")).await;
    let misses = near_misses();
    let expected = journey(&app, &small, &misses[0].1).await;
    assert!(expected.len() >= 20, "{}", expected.len());
    assert_eq!(recognized(&app, &misses[0].1).await, Some(true), "the test's own patient");
    assert_eq!(recognized(&app, &misses[1].1).await, Some(false));
    for (what, person) in misses.iter().chain(misses.iter().take(2)) {
        let got = journey(&app, &small, person).await;
        assert_eq!(got.len(), expected.len(), "{what} tells, by how much can be done");
        for (expected, got) in expected.iter().zip(&got) {
            assert_eq!(got, expected, "{what} tells");
        }
    }
}

#[tokio::test]
async fn no_answer_tells_a_patient_from_a_near_miss_where_a_code_proves_the_contact() {
    nothing_tells(true, "one_time_code").await;
}

#[tokio::test]
async fn no_answer_tells_a_patient_from_a_near_miss_where_everything_is_open() {
    nothing_tells(false, "one_time_code").await;
    nothing_tells(false, "none").await;
}

// The control: what `none` opens on purpose, the comparison sees.
#[tokio::test]
#[should_panic(expected = "tells")]
async fn where_recognition_alone_opens_services_the_comparison_notices() {
    nothing_tells(true, "none").await;
}

/// Whether the record of somebody was found, which only the vault knows; none: no visit was opened.
async fn recognized(app: &TestApp, person: &Person) -> Option<bool> {
    let opened = opening(app, &app.clinic.slug, &person.typed()).await;
    let token = Token::parse(opened.body["token"].as_str()?.trim_start_matches("v_"))?;
    let found = app.app.engine.vault().visit_by_token(app.clinic.id, &token, app.now()).await.unwrap();
    let VisitLookup::Open(visit) = found else { panic!("{found:?}") };
    Some(visit.patient.is_some())
}

/// What a stranger sees of one guess at a health number: everything that a visit is shown before it books.
async fn guesses(app: &TestApp, person: &Person, source: &str) -> Vec<Seen> {
    let asks = |method, path: &str| {
        app.asks(method, &format!("/api/v1/portal/{}{path}", app.clinic.slug)).header("x-forwarded-for", source)
    };
    let opened = asks(Method::POST, "/visits").json(&person.typed()).answer().await;
    let mut all = vec![seen(&opened)];
    if let Some(token) = opened.body.get("token").and_then(Value::as_str) {
        for path in ["/visit", "/services", "/visit/work"] {
            all.push(seen(&asks(Method::GET, path).token(token).answer().await));
        }
    }
    all
}

/// People of whom a stranger knows everything but the end of their health number.
fn known_people(many: u64) -> Vec<(Person, usize)> {
    let mut rng = Rng::new(3);
    let person = |n: u64| {
        let letters =
            |n: u64| ["a", "e", "i", "o", "u", "ba", "be"].map(str::to_owned)[usize::try_from(n % 7).unwrap()].clone();
        let ending = rng.below(100);
        let name = format!("Zo{}{}", letters(n), letters(n / 7));
        let person = Person::named(&name, "Tremblay").but(|p| {
            p.health_number = Some(format!("TREZ 8556 15{ending:02}"));
            p.birth_date = format!("1985-{:02}-{:02}", 1 + n % 12, 1 + n / 12);
            p.cell_phone = None;
            p.email = Some(format!("{name}@example.ca").to_lowercase());
        });
        (person, ending)
    };
    (0..many).map(person).collect()
}

async fn hundred_endings(proof: &str) -> (TestApp, Vec<(Person, usize)>) {
    let app = TestApp::start_with(|options| AppOptions {
        engine: EngineOptions { message_channel: true, ..options.engine },
        source_limits: true,
        trusted_proxies: vec!["127.0.0.1".parse().unwrap()],
        ..options
    })
    .await;
    app.admin().opens_portal().await;
    let activity = app.admin().defines_activity(ACTIVITY_NAME, 20).await;
    let _ = app.admin().configures_service(&[activity], &Value::Null).await;
    let restricted = json!({ "criteria": [{ "kind": "existing_record" }] });
    let _ = app.admin().configures_service(&[activity], &restricted).await;
    app.admin().settles(&json!({ "recognition_proof": proof })).await;
    let mut people = known_people(rounds(2, 50));
    for (n, (person, ending)) in people.iter_mut().enumerate() {
        // Each number is one person's.
        let number = format!(
            "TR{}{} 8556 15{ending:02}",
            char::from(b'A' + u8::try_from(n / 26).unwrap()),
            char::from(b'A' + u8::try_from(n % 26).unwrap())
        );
        person.health_number = Some(number);
        let _ = app.scheduler().registers(person).await;
    }
    app.settle().await;
    (app, people)
}

fn guess(person: &Person, ending: usize) -> Person {
    let number = person.health_number.clone().unwrap();
    // The stranger types a contact of their own.
    person.but(|p| {
        p.health_number = Some(format!("{}{ending:02}", &number[..number.len() - 2]));
        p.email = Some("stranger@example.com".to_owned());
    })
}

#[tokio::test]
async fn a_hundred_endings_of_a_health_number_confirm_nobody_and_lock_nobody_out() {
    let (app, people) = hundred_endings("one_time_code").await;
    for many_sources in [false, true] {
        let mut kinds: BTreeSet<Vec<Seen>> = BTreeSet::new();
        let mut hits = 0;
        for (n, (person, right)) in people.iter().enumerate() {
            for ending in 0..100 {
                let source = if many_sources { format!("198.51.{n}.{ending}") } else { "203.0.113.9".to_owned() };
                let got = guesses(&app, &guess(person, ending), &source).await;
                hits += usize::from(ending == *right && got[0].status == 201);
                assert!(matches!(got[0].status, 201 | 429), "{got:?}");
                if got[0].status == 201 {
                    kinds.insert(got);
                }
            }
            // One source runs into its budget, and so says no more of the right ending than of any other.
            app.waits_seconds(120);
        }
        println!("{} people, many sources {many_sources}: {hits} right guesses went through", people.len());
        assert_eq!(kinds.len(), 1, "something tells: {kinds:#?}");
        if many_sources {
            assert_eq!(hits, people.len());
        }
    }
    // Whoever it is comes after all that, with one typo and then without.
    for (person, _) in &people {
        app.waits_seconds(60);
        let typo =
            person.but(|p| p.health_number = p.health_number.clone().map(|n| format!("{}00", &n[..n.len() - 2])));
        let _ = recognized(&app, &typo).await;
        assert_eq!(recognized(&app, person).await, Some(true), "locked out");
    }
}

#[tokio::test]
async fn where_recognition_alone_opens_services_five_claims_of_an_identity_are_looked_up_a_day() {
    let (app, people) = hundred_endings("none").await;
    for (n, (person, right)) in people.iter().enumerate() {
        let mut order: Vec<usize> = (0..100).filter(|ending| ending != right).collect();
        // The right one comes as the sixth.
        order.insert(5, *right);
        let mut kinds = BTreeSet::new();
        for ending in order.iter().take(20) {
            kinds.insert(guesses(&app, &guess(person, *ending), &format!("198.51.{n}.{ending}")).await);
        }
        assert_eq!(kinds.len(), 1, "the sixth claim was looked up");
        // A day later the person types one thing wrong, and then everything right.
        app.waits_seconds(24 * 3600);
        let typo =
            person.but(|p| p.health_number = p.health_number.clone().map(|n| format!("{}00", &n[..n.len() - 2])));
        let _ = recognized(&app, &typo).await;
        assert_eq!(recognized(&app, person).await, Some(true));
        assert_eq!(recognized(&app, person).await, Some(true), "the same claim again costs nothing");
    }
}

#[tokio::test]
async fn somebody_who_watches_a_clinic_is_asked_to_wait_and_visitors_are_not() {
    let app = TestApp::start_with(|options| AppOptions {
        source_limits: true,
        trusted_proxies: vec!["127.0.0.1".parse().unwrap()],
        ..options
    })
    .await;
    let small = SmallClinic::with_a_morning(&app).await;
    let scraper = app.visitor(&Person::stranger()).await;
    let path = format!("/availabilities?service={}", small.service);
    let mut served = 0;
    for second in 0..60 {
        for _ in 0..5 {
            let answer = scraper.get(&path).await;
            served += usize::from(answer.is_ok());
            if !answer.is_ok() {
                answer.is(429, "too_many_requests");
                assert!(answer.header("retry-after").is_some());
            }
        }
        // Behind the same address, people who look for a time.
        if second % 10 == 0 {
            let honest = app.visitor(&Person::named("Léo", "Roy")).await;
            for _ in 0..8 {
                let _ = honest.get(&path).await.ok();
            }
        }
        app.waits_seconds(1);
    }
    assert!(served < 75, "{served} of 300");
}
