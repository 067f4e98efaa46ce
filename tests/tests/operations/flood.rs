//! A flood of visitors: reception and those who cancel are answered all the same, the others soon, one way or the other.

use booking_api::AppOptions;
use booking_api::http::shedding::{Capacity, Kind};
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Person, SmallClinic, TestApp};
use reqwest::Method;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// Visitors who all want something at once, again and again.
const CROWD: usize = 80;

/// Few places, each taken for the time of a visit's answer.
fn narrow(reserve: bool) -> impl FnOnce(AppOptions) -> AppOptions {
    move |options| AppOptions {
        answer_after: Some(Duration::from_millis(100)),
        capacity: Capacity {
            visitors: 4,
            staff: 4,
            links: 4,
            waiting: 24,
            burst: Duration::from_secs(1),
            patience: Duration::from_millis(200),
            overloaded: Duration::from_millis(50),
            reserve,
            ..Capacity::default()
        },
        ..options
    }
}

#[derive(Default, Debug)]
struct Fared {
    visitors: BTreeMap<u16, usize>,
    staff: BTreeMap<u16, usize>,
    links: BTreeMap<u16, usize>,
    slowest: Duration,
}

async fn flooded(reserve: bool) -> Fared {
    let app = TestApp::start_with(narrow(reserve)).await;
    let clinic = SmallClinic::with_a_morning(&app).await;
    app.scheduler().publishes_slot(clinic.desk.agenda, TOMORROW, ("10:00", "18:00"), clinic.activity).await;
    let mut links = Vec::new();
    for n in 0..6 {
        let visitor = app.visitor(&Person::named(&format!("Zoltane{n}"), "Ouellet")).await;
        let seen = visitor.sees(clinic.service).await;
        links.push(visitor.books(clinic.service, seen[0]["availability"].as_str().unwrap()).await);
    }
    let typed = Person::stranger().typed();
    let (over, mut fared) = (AtomicBool::new(false), Fared::default());
    let visitors = async {
        let one = async || {
            let mut answers = BTreeMap::new();
            while !over.load(Ordering::Relaxed) {
                let asked = app.asks(Method::POST, &format!("/api/v1/portal/{}/visits", app.clinic.slug));
                let answer = asked.json(&typed).answer().await;
                if answer.status == 503 {
                    assert_eq!(answer["code"], "overloaded", "{}", answer.text);
                    let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
                    assert!((2..=4).contains(&seconds), "{seconds}");
                }
                *answers.entry(answer.status).or_insert(0) += 1;
            }
            answers
        };
        let all = futures::future::join_all((0..CROWD).map(|_| one())).await;
        let mut sum = BTreeMap::new();
        all.into_iter().flatten().for_each(|(status, n)| *sum.entry(status).or_insert(0) += n);
        sum
    };
    let the_others = async {
        // The flood is there, and stays.
        while app.app.places.load(Kind::Visitor).shed < 20 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let (mut staff, mut cancelled, mut slowest) = (BTreeMap::new(), BTreeMap::new(), Duration::ZERO);
        for link in &links {
            let begun = Instant::now();
            let agenda = app.scheduler().get(&format!("/agenda?from={TOMORROW}")).await;
            *staff.entry(agenda.status).or_insert(0) += 1;
            let seen = link.sees().await;
            let status = if seen.status == 200 { link.cancels(&seen.etag()).await.status } else { seen.status };
            *cancelled.entry(status).or_insert(0) += 1;
            slowest = slowest.max(begun.elapsed());
        }
        over.store(true, Ordering::Relaxed);
        (staff, cancelled, slowest)
    };
    let (visitors, (staff, links, slowest)) = tokio::join!(visitors, the_others);
    (fared.visitors, fared.staff, fared.links, fared.slowest) = (visitors, staff, links, slowest);
    assert_eq!(app.app.places.load(Kind::Visitor).running, 0, "a place was not given back");
    app.stop().await;
    fared
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_flood_of_visitors_reception_and_those_who_cancel_are_answered() {
    let fared = flooded(true).await;
    println!("{fared:?}");
    assert_eq!(fared.staff, BTreeMap::from([(200, 6)]));
    assert_eq!(fared.links, BTreeMap::from([(200, 6)]));
    assert!(fared.visitors.keys().all(|status| matches!(status, 200 | 201 | 503)), "{fared:?}");
    assert!(fared.visitors.len() > 1, "either nobody was sent away, or everybody: {fared:?}");
    assert!(fared.slowest < Duration::from_secs(5), "{fared:?}");
}

/// Connections on which nothing is asked, until visitors are sent away; answers them and what the last visitor was told.
async fn crowded(app: &TestApp, path: &str, most: usize) -> (Vec<TcpStream>, reqwest::Response) {
    let address = app.origin().replace("http://", "");
    // Until the visitor has gone, an idle connection would take another's place.
    let before = app.app.places.doors().open();
    let only = async |idle: &[TcpStream]| {
        for _ in 0..500 {
            if app.app.places.doors().open() == before + idle.len() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} connections, {} of them idle", app.app.places.doors().open() - before, idle.len());
    };
    let mut idle = Vec::new();
    loop {
        let answer = fresh().get(format!("http://{address}{path}")).send().await.unwrap();
        if answer.status() == 503 {
            return (idle, answer);
        }
        assert!(idle.len() < most, "more connections than there are places");
        only(&idle).await;
        idle.push(TcpStream::connect(&address).await.unwrap());
        only(&idle).await;
    }
}

/// A client whose connection is a new one.
fn fresh() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(Duration::from_secs(2)).build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_counted_and_the_last_ones_are_for_reception() {
    let few = Capacity { connections: 12, reserved_connections: 3, ..Capacity::default() };
    let app = TestApp::start_with(|options| AppOptions { capacity: few, ..options }).await;
    SmallClinic::with_a_morning(&app).await;
    app.settle().await;
    let (address, token) = (app.origin().replace("http://", ""), app.scheduler().token().await);
    let portal = format!("/api/v1/portal/{}/services", app.clinic.slug);
    let (mut idle, sent_away) = crowded(&app, &portal, 12).await;
    assert_eq!((sent_away.status().as_u16(), sent_away.headers()["connection"].to_str().unwrap()), (503, "close"));
    assert!(sent_away.headers().contains_key("retry-after"));
    let staff = || {
        let url = format!("http://{address}/api/v1/clinics/{}/agenda?from={TOMORROW}", app.clinic.id);
        fresh().get(url).bearer_auth(&token).send()
    };
    assert_eq!(staff().await.unwrap().status().as_u16(), 200, "reception is answered on those in reserve");
    // Those in reserve are few as well: then whoever comes waits, and is answered when somebody goes.
    for _ in 0..3 {
        idle.push(TcpStream::connect(&address).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(app.app.places.doors().open(), 15);
    assert!(staff().await.is_err_and(|error| error.is_timeout()), "there is no place for it");
    idle.clear();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_ne!(fresh().get(format!("http://{address}{portal}")).send().await.unwrap().status().as_u16(), 503);
    app.stop().await;
}

/// The negative control: without the reserve they are sent away like everybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_reserve_they_are_sent_away_too() {
    let fared = flooded(false).await;
    println!("{fared:?}");
    assert!(fared.staff.contains_key(&503) || fared.links.contains_key(&503), "{fared:?}");
}
