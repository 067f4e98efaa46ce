//! A server that is killed while it tells patients of their bookings, and started again, over and over. Every booking
//! that was acknowledged is told; what is told twice comes under the same id and with the same words.

use super::child::Server;
use super::house::Clinic;
use super::portal::{Portal, letters, refs};
use booking_api::AppOptions;
use booking_api::app::App;
use booking_domain::time::Instant;
use booking_engine::ManualClock;
use booking_tests::Rng;
use booking_tests::actors::{draft, time};
use booking_tests::seeds::seeds;
use booking_tests::world::MORNING;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// So much later each start is, in minutes: longer than a claim lasts.
const LATER: i64 = 6;

/// Every line that the channel took: a cut may have left half of one, which the channel did not take.
fn posted(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Books one time after another until the server is gone; keeps what was acknowledged.
async fn books(portal: Portal, name: String, from: usize, acknowledged: Arc<Mutex<BTreeSet<String>>>) {
    let Ok(guest) = portal.identify(&name).await else { return };
    let Ok(free) = portal.look(&guest).await else { return };
    for (number, place) in refs(&free.body["availabilities"]).iter().skip(from).step_by(4).enumerate() {
        match portal.book(&guest, place, None, &format!("{name}-{number}")).await {
            Ok(reply) if reply.status == 201 => {
                acknowledged.lock().unwrap().insert(reply.reference());
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_while_it_sends_tells_every_booking_and_repeats_only_under_the_same_id() {
    let seeds = seeds(8, 100);
    println!("posts: SEED={} to {}", seeds[0], seeds[seeds.len() - 1]);
    let data = tempfile::tempdir().unwrap();
    let posts = data.path().join("posts");
    let clock = Arc::new(ManualClock::new(MORNING));
    let app = App::open(AppOptions { clock, ..AppOptions::new(data.path()) }).await.unwrap();
    let clinic = Clinic::found(&app.engine).await;
    for name in ["Dre Roy", "Dr Gagnon"] {
        let agenda = clinic.hires(name).await;
        for day in 30..60 {
            clinic.publishes(&draft(agenda, clinic.in_days(day), time("06:00"), time("22:00"), clinic.activity)).await;
        }
    }
    let (slug, service) = (clinic.slug.clone(), clinic.service);
    app.close().await;
    drop((app, clinic));
    super::kills::is_free(&data.path().join("events.db")).await;

    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let mut now = MORNING;
    for (round, seed) in seeds.iter().enumerate() {
        let server = Server::start_posting(data.path(), now, &posts);
        let portal = Portal::new(&server.address, &slug, service);
        let work = (0..4).map(|n| {
            let name = format!("Zoe {}", letters(round * 4 + n));
            tokio::spawn(books(portal.clone(), name, n, Arc::clone(&acknowledged)))
        });
        let work: Vec<_> = work.collect();
        let cut = u64::try_from(Rng::new(*seed).between(100, 1_500)).unwrap();
        tokio::time::sleep(Duration::from_millis(cut)).await;
        tokio::task::spawn_blocking(move || server.kill()).await.unwrap();
        for one in work {
            one.await.unwrap();
        }
        now = Instant(now.0 + LATER * 60_000_000);
    }
    // The last start is left alone until nothing comes any more.
    let expected = acknowledged.lock().unwrap().clone();
    let server = Server::start_posting(data.path(), now, &posts);
    let mut quiet = 0;
    let mut seen = 0;
    while quiet < 20 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let many = posted(&posts).len();
        quiet = if many == seen { quiet + 1 } else { 0 };
        seen = many;
    }
    server.kill();

    let all = posted(&posts);
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for message in &all {
        let (id, text) = (message["id"].to_string(), message["text"].as_str().unwrap().to_owned());
        told.entry(id).or_default().insert(text);
    }
    assert!(told.values().all(|texts| texts.len() == 1), "an id has one text");
    let texts: Vec<String> = told.values().flatten().map(|text| text.replace('-', "")).collect();
    for reference in &expected {
        let times = texts.iter().filter(|text| text.contains(reference.as_str())).count();
        assert_eq!(times, 1, "{reference} was told under {times} ids");
    }
    assert!(expected.len() > seeds.len(), "something was booked: {}", expected.len());
    println!(
        "  {} bookings acknowledged, {} messages, {} of them repeated under the same id after a kill",
        expected.len(),
        told.len(),
        all.len() - told.len()
    );
}
