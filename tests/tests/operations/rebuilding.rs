//! Every read model is made again while two hundred requests a second are served: nobody notices. Broken off half-way and
//! begun again, in the end they are what a fresh build makes of the log.

use booking_domain::ids::ServiceId;
use booking_projections::RebuildError;
use booking_tests::histories::LongDay;
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Asked, Person, SmallClinic, TestApp};
use booking_tests::seeds::{rounds, torture};
use booking_tests::{Rng, alike};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Requests a second.
const RATE: u32 = 200;
/// Visitors who look and book.
const VISITORS: usize = 40;

/// What is asked, and how often of a hundred.
const KINDS: [(&str, usize); 5] =
    [("availabilities", 45), ("services", 15), ("agenda", 20), ("appointments", 10), ("bookings", 10)];

/// Whoever asks.
struct Load<'a> {
    app: &'a TestApp,
    clinic: &'a SmallClinic,
    visitors: Vec<String>,
    scheduler: String,
    places: Vec<String>,
}

impl Load<'_> {
    /// The next request.
    fn next(&self, number: usize, rng: &mut Rng) -> (&'static str, Asked) {
        let mut share = rng.below(100);
        let mut kinds = KINDS.iter();
        let kind = loop {
            let (kind, of) = kinds.next().unwrap();
            if share < *of {
                break *kind;
            }
            share -= of;
        };
        let (app, service) = (self.app, self.clinic.service);
        let portal = |method, path: &str| app.asks(method, &format!("/api/v1/portal/{}{path}", app.clinic.slug));
        let staff = |path: &str| {
            let path = format!("/api/v1/clinics/{}{path}", app.clinic.id);
            app.asks(Method::GET, &path).token(&self.scheduler)
        };
        let visitor = &self.visitors[rng.below(self.visitors.len())];
        let asked = match kind {
            "availabilities" => {
                portal(Method::GET, &format!("/availabilities?service={service}&limit=10")).token(visitor)
            }
            "services" => portal(Method::GET, "/services").token(visitor),
            "agenda" => staff(&format!("/agenda?from={TOMORROW}")),
            "appointments" => staff(&format!("/appointments?from={TOMORROW}&to={TOMORROW}")),
            _ => {
                let place = &self.places[rng.below(self.places.len())];
                let booking = json!({ "service": service, "availability": place });
                portal(Method::POST, "/appointments").token(visitor).key(&format!("key-{number}")).json(&booking)
            }
        };
        (kind, asked)
    }

    /// Asks at this rate until it is over, whether answers come or not; how many had which status, and how long they took.
    async fn runs(&self, over: &AtomicBool) -> (BTreeMap<(&'static str, u16), usize>, Vec<Duration>) {
        let (mut rng, mut number) = (Rng::new(1), 0);
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / RATE);
        let mut running = FuturesUnordered::new();
        let (mut answers, mut took) = (BTreeMap::new(), Vec::new());
        loop {
            tokio::select! {
                _ = ticks.tick(), if !over.load(Ordering::Relaxed) => {
                    number += 1;
                    let (kind, asked) = self.next(number, &mut rng);
                    running.push(async move {
                        let begun = Instant::now();
                        let answer = asked.answer().await;
                        (kind, answer.status, begun.elapsed())
                    });
                }
                Some((kind, status, time)) = running.next() => {
                    *answers.entry((kind, status)).or_insert(0) += 1;
                    took.push(time);
                }
                else => return (answers, took),
            }
        }
    }
}

/// Makes every read model again, is broken off when half of them are done, and makes every one again. Answers how many
/// rebuilds were broken off.
async fn rebuilds(app: &TestApp) -> usize {
    let (views, cancel, mut done, mut cancelled) = (&app.app.views, CancellationToken::new(), 0, 0);
    let mut reports = std::pin::pin!(views.rebuild_all(&cancel));
    while let Some(report) = reports.next().await {
        match report {
            Ok(report) => {
                assert_ne!(report.agrees(), Some(false), "{report:?}");
                done += 1;
            }
            Err(RebuildError::Cancelled) => cancelled += 1,
            Err(error) => panic!("{error}"),
        }
        if done >= views.names().len() / 2 {
            cancel.cancel();
        }
    }
    let cancel = CancellationToken::new();
    let reports: Vec<_> = views.rebuild_all(&cancel).collect().await;
    assert_eq!(reports.len(), views.names().len());
    for report in reports {
        assert_ne!(report.unwrap().agrees(), Some(false));
    }
    cancelled
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_read_model_is_made_again_under_load_and_nobody_notices() {
    let (seconds, wanted) = (rounds(4, 60), usize::try_from(rounds(5_000, 200_000)).unwrap());
    let app = TestApp::start().await;
    let clinic = app.admin().sets_up().await;
    for n in 0..7 {
        let date = format!("2026-11-{}", 24 + n);
        app.scheduler().publishes_slot(clinic.desk.agenda, &date, ("07:00", "20:00"), clinic.activity).await;
    }
    let (log, day) = (app.app.log(), LongDay::written().await);
    day.begins(&**log).await;
    let events = day.fills(&**log, wanted).await;
    assert!(app.app.settle_within(Duration::from_mins(5)).await, "the views do not catch up");
    let mut visitors = Vec::new();
    for n in 0..VISITORS {
        visitors.push(app.visitor(&Person::named(&format!("Zoltane{n}"), "Ouellet")).await.token);
    }
    let seen = app.visitor(&Person::stranger()).await.sees(clinic.service).await;
    let places = seen.iter().map(|seen| seen["availability"].as_str().unwrap().to_owned()).collect();
    let load = Load { app: &app, clinic: &clinic, visitors, scheduler: app.scheduler().token().await, places };
    let (over, begun) = (AtomicBool::new(false), Instant::now());
    let operator = async {
        let (mut times, mut cancelled) = (0, 0);
        // Some time before, and as often as there is time.
        tokio::time::sleep(Duration::from_millis(500)).await;
        while times == 0 || begun.elapsed() < Duration::from_secs(seconds) {
            cancelled += rebuilds(&app).await;
            times += 1;
        }
        over.store(true, Ordering::Relaxed);
        (times, cancelled, begun.elapsed())
    };
    let ((answers, mut took), (times, cancelled, lasted)) = tokio::join!(load.runs(&over), operator);
    took.sort_unstable();
    let rate = took.len() * 1_000 / usize::try_from(lasted.as_millis()).unwrap();
    println!(
        "{events} events and more, made again {times} times in {lasted:.1?}, {cancelled} rebuilds broken off; {} requests, \
         {rate} a second: {answers:?}; median {:.1?}, 99 of 100 within {:.1?}, longest {:.1?}",
        took.len(),
        took[took.len() / 2],
        took[took.len() * 99 / 100],
        took[took.len() - 1],
    );
    assert!(cancelled > 0, "no rebuild was broken off");
    assert!(rate * 10 > RATE as usize * 9 || !torture(), "{rate} requests a second");
    for ((kind, status), times) in &answers {
        // A time that somebody else has is no error.
        let good = *status == 200 || *kind == "bookings" && matches!(status, 201 | 409);
        assert!(good, "{kind}: {status}, {times} times");
    }
    assert!(answers.get(&("bookings", 201)).is_some_and(|booked| *booked > 10), "{answers:?}");

    // What was made again and again while people booked is what a fresh build makes of it.
    app.settle().await;
    let fresh = tempfile::tempdir().unwrap();
    let fresh = alike::opened(&fresh.path().join("views.db"), log, Duration::from_mins(5)).await.unwrap();
    let whose = (app.clinic.id, ServiceId(clinic.service));
    let differ = alike::differences([&app.app.views, &fresh], &app.events().await, whose, app.now()).await;
    assert_eq!(differ, Vec::<String>::new());
    fresh.close().await;
    app.stop().await;
}
