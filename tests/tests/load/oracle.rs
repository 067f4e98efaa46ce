//! Whether time tells who is a patient (8.7). A real patient and somebody who differs in one field open visits one after
//! the other, in random order, many times at once, over loopback, in a clinic of twenty thousand records of which a
//! thousand share a telephone number.
//!
//! Two judges: Welch's t of the two sorts of times, and how often the slower (or the longer) of a random pair is the
//! patient's, which is what the best threshold could make of it. The times are judged with the great numbers only: the
//! small ones say nothing on a busy machine. `http::oracle` compares everything else.

use super::house::{Clinic, House};
use super::portal::now;
use booking_api::http::deadline::USUAL;
use booking_domain::ids::PatientId;
use booking_domain::patient::Registration;
use booking_domain::person::{ProvisionalContact, TypedContact};
use booking_domain::time::WallDate;
use booking_engine::NewPatient;
use booking_tests::Rng;
use booking_tests::seeds::{rounds, torture};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// Requests at once.
const WORKERS: u64 = 8;
/// Who has this telephone number: a residence.
const SHARED: &str = "514 555 0100";

/// What a sort of request took, how long its answers were, and every kind of answer: status, names of headers, and body
/// without what differs between any two visits.
#[derive(Clone, Debug, Default)]
struct Sample {
    times: Vec<f64>,
    sizes: Vec<f64>,
    kinds: BTreeSet<String>,
}

/// An answer without what differs between any two visits.
fn kind(status: u16, headers: &reqwest::header::HeaderMap, body: &Value) -> String {
    let mut names: Vec<&str> = headers.keys().map(reqwest::header::HeaderName::as_str).collect();
    names.sort_unstable();
    let mut body = body.clone();
    for nonce in ["visit", "token", "expires_at", "as_of", "request_id"] {
        if let Some(value) = body.get_mut(nonce) {
            *value = Value::Null;
        }
    }
    format!("{status} {names:?} {body}")
}

/// Welch's t of two samples.
fn welch(a: &[f64], b: &[f64]) -> f64 {
    let moments = |sample: &[f64]| {
        let n = count(sample);
        let mean = sample.iter().sum::<f64>() / n;
        (mean, sample.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0) / n)
    };
    let ((mean_a, var_a), (mean_b, var_b)) = (moments(a), moments(b));
    if var_a + var_b == 0.0 { 0.0 } else { (mean_a - mean_b) / (var_a + var_b).sqrt() }
}

#[allow(clippy::cast_precision_loss, reason = "a few thousand")]
fn count<T>(of: &[T]) -> f64 {
    of.len() as f64
}

/// How often one of `a` is above one of `b`, or below, whichever is more often; ties count half. 0.5 tells nothing.
fn separation(a: &[f64], b: &[f64]) -> f64 {
    let mut b = b.to_vec();
    b.sort_by(f64::total_cmp);
    let above = |x: &f64| {
        let (less, not_more) = (b.partition_point(|y| y < x), b.partition_point(|y| y <= x));
        f64::midpoint(count(b.get(..less).unwrap_or_default()), count(b.get(..not_more).unwrap_or_default()))
    };
    let share = a.iter().map(above).sum::<f64>() / (count(a) * count(&b));
    share.max(1.0 - share)
}

fn form(n: usize) -> Value {
    let patient = json!({ "first_name": "Ève", "last_name": "Tremblay", "birth_date": "1985-06-15", "sex": "female",
        "cell_phone": SHARED, "email": "eve@example.ca", "terms_accepted": true });
    let change = match n % 6 {
        _ if n == usize::MAX => json!({}),
        0 => json!({ "first_name": "Eva" }),
        1 => json!({ "last_name": "Tremblai" }),
        2 => json!({ "birth_date": "1985-06-16" }),
        3 => json!({ "sex": "male" }),
        4 => json!({ "cell_phone": "514 555 0199", "email": "eva@example.ca" }),
        _ => json!({ "cell_phone": "514 555 0199" }),
    };
    let mut form = patient;
    booking_tests::http::staff::merge(&mut form, &change);
    form
}

/// What the two sorts of visitors waited for: opening a visit, the services, the availabilities.
type Pair = [[Sample; 2]; 3];

async fn measure(answer_after: Option<Duration>, records: u64, pairs: u64) -> Pair {
    let house = House::open(|options| options.answer_after = answer_after).await;
    let clinic = Clinic::found(&house.app().engine).await;
    let agenda = clinic.hires("Dre Roy").await;
    let (nine, ten) = (booking_tests::actors::time("09:00"), booking_tests::actors::time("10:00"));
    clinic.publishes(&booking_tests::actors::draft(agenda, clinic.in_days(1), nine, ten, clinic.activity)).await;
    let engine = &house.app().engine;
    for from in (0..records).step_by(500) {
        let all = (from..records.min(from + 500)).map(|n| {
            let clinic = clinic.clone();
            async move {
                let name = super::portal::letters(usize::try_from(n).unwrap() + 26);
                let (phone, email) = if n % 20 == 0 { (SHARED, "") } else { ("", "somebody@example.ca") };
                let typed = TypedContact {
                    first_name: if n == 0 { "Ève" } else { &name },
                    last_name: if n == 0 { "Tremblay" } else { &name },
                    birth_date: "1985-06-15",
                    sex: "female",
                    health_number: "",
                    cell_phone: phone,
                    email,
                };
                let today = WallDate::parse("2026-11-24").unwrap();
                let profile = ProvisionalContact::parse(typed, today).unwrap().to_profile();
                let id = PatientId(engine.fresh_command().0);
                let new = NewPatient { id, profile, registration: Registration::None, imported: false };
                engine.register_patient(&clinic.ctx(), &new).await.unwrap();
            }
        });
        futures::future::join_all(all).await;
    }
    assert!(house.app().settle_within(Duration::from_mins(5)).await);
    let base = house.base(&clinic);
    let service = clinic.service.0;
    let workers = (0..WORKERS).map(|worker| {
        let base = base.clone();
        tokio::spawn(async move {
            let http = Client::builder().no_proxy().tcp_nodelay(true).build().unwrap();
            let mut rng = Rng::new(worker);
            let mut pair = Pair::default();
            for n in 0..pairs / WORKERS {
                let first = rng.below(2);
                for which in [first, 1 - first] {
                    let typed = form(if which == 0 { usize::MAX } else { usize::try_from(n).unwrap() });
                    let asks = |method, path: &str| http.request(method, format!("{base}{path}"));
                    let mut take = async |at: usize, request: reqwest::RequestBuilder| {
                        let begun = now();
                        let answer = request.send().await.unwrap();
                        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
                        let body = answer.bytes().await.unwrap();
                        let sample = &mut pair[at][which];
                        sample.times.push(begun.elapsed().as_secs_f64());
                        let value: Value = serde_json::from_slice(&body).unwrap();
                        let as_of = value["as_of"].as_str().map_or(0, str::len);
                        sample.sizes.push(count(&body[as_of..]));
                        sample.kinds.insert(kind(status, &headers, &value));
                        value
                    };
                    let opened = take(0, asks(Method::POST, "/visits").json(&typed)).await;
                    let token = opened["token"].as_str().unwrap();
                    take(1, asks(Method::GET, "/services").bearer_auth(token)).await;
                    let path = format!("/availabilities?service={service}");
                    take(2, asks(Method::GET, &path).bearer_auth(token)).await;
                }
            }
            pair
        })
    });
    let mut all = Pair::default();
    for worker in workers.collect::<Vec<_>>() {
        for (into, from) in all.iter_mut().flatten().zip(worker.await.unwrap().into_iter().flatten()) {
            into.times.extend(from.times);
            into.sizes.extend(from.sizes);
            into.kinds.extend(from.kinds);
        }
    }
    house.close().await;
    all
}

/// |t|, and the best threshold on time and on length, of each sort of request.
fn judged(what: &str, pair: &Pair) -> [(f64, f64, f64); 3] {
    let judge = |[patient, other]: &[Sample; 2]| {
        let (times, sizes) = (separation(&patient.times, &other.times), separation(&patient.sizes, &other.sizes));
        (welch(&patient.times, &other.times).abs(), times, sizes)
    };
    let judged = pair.each_ref().map(judge);
    for (name, (t, times, sizes)) in ["visit", "services", "availabilities"].iter().zip(&judged) {
        let pairs = pair[0][0].times.len();
        println!("oracle: {what}, {pairs} pairs, {name}: |t| {t:.2}, AUC of time {times:.3}, of length {sizes:.3}");
    }
    judged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_time_nor_length_tells_who_is_a_patient() {
    let after = if torture() { USUAL } else { Duration::from_millis(10) };
    let pair = measure(Some(after), rounds(200, 20_000), rounds(40, 10_000)).await;
    for (at, (t, times, sizes)) in judged("with the deadline", &pair).into_iter().enumerate() {
        // Not equal to the byte: one instant in a thousand is written with fewer digits, whoever asks.
        assert!(sizes <= 0.52, "the length of an answer tells: {at}");
        if torture() {
            assert!(t < 4.5 && times <= 0.52, "the time of an answer tells: {at}");
        }
    }
    for [patient, other] in &pair {
        assert_eq!(patient.kinds, other.kinds, "an answer tells");
        assert_eq!(patient.kinds.len(), 1, "{:#?}", patient.kinds);
    }
    assert!(pair[0].iter().flat_map(|sample| &sample.times).all(|time| *time >= after.as_secs_f64()));
}

// The control: a build without the deadline is found out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_deadline_the_time_of_a_visit_tells() {
    let pair = measure(None, rounds(200, 20_000), rounds(40, 4_000)).await;
    let [(t, times, _), ..] = judged("without the deadline", &pair);
    if torture() {
        assert!(t >= 4.5 || times > 0.52, "the judges notice nothing");
    }
}

#[test]
fn the_judges_know_what_is_told_from_what_is_not() {
    let mut rng = Rng::new(5);
    let mut noise = |shift: u32| -> Vec<f64> {
        (0..4_000).map(|_| f64::from(u32::try_from(rng.below(1_000)).unwrap() + shift)).collect()
    };
    let (a, b, c) = (noise(0), noise(0), noise(60));
    assert!(welch(&a, &b).abs() < 4.5 && separation(&a, &b) < 0.52);
    assert!(welch(&a, &c).abs() > 4.5 && separation(&a, &c) > 0.52);
    let same = vec![7.0; 10];
    assert!(welch(&same, &same).abs() < 1e-9 && (separation(&same, &same) - 0.5).abs() < 1e-9);
}
