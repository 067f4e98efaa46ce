//! A node with an empty disk joins over a long log: how long it takes until it is ready, that it is not ready before its
//! read models have seen the log, and how much memory that takes.

use super::process::{Process, options, readiness};
use booking_api::App;
use booking_engine::ManualClock;
use booking_store::{KurrentOptions, KurrentStore};
use booking_tests::guests::now;
use booking_tests::histories::LongDay;
use booking_tests::http::app::data_directory;
use booking_tests::seeds::{rounds, torture};
use booking_tests::world::MORNING;
use kurrent_double::Double;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// A node that is not ready after so long never is.
const LONGEST: Duration = Duration::from_mins(20);
/// Bytes of memory for each event more in the log. What can be booked, and who is booked, is kept in memory; of a booking
/// that is some hundred bytes, and of other events nothing.
const BYTES_AN_EVENT: u64 = 700;
/// Bytes that come and go with the pages that are read.
const MORE: u64 = 48_000_000;

/// What joining came to.
struct Joined {
    events: usize,
    ready: Duration,
    peak: u64,
}

async fn joins(wanted: usize) -> Joined {
    let (double, vault) = (Double::start().unwrap(), throwaway_postgres::database().await);
    let address = double.connection();
    // The first node makes the keys.
    let (first, second) = (data_directory(), data_directory());
    let clock = Arc::new(ManualClock::new(MORNING));
    let mut made = options(first.path(), &address, &vault);
    (made.clock, made.compares_clock) = (clock, false);
    let app = App::open(made).await.unwrap();
    app.close().await;
    drop(app);
    let begun = now();
    let log = KurrentStore::connect(&address, KurrentOptions::default()).await.unwrap();
    let day = LongDay::written().await;
    day.begins(&log).await;
    let events = day.fills(&log, wanted).await;
    println!("  {events} events written in {:.1?}", begun.elapsed());
    for key in ["root.key", "ledger.key"] {
        std::fs::copy(first.path().join(key), second.path().join(key)).unwrap();
    }
    let begun = now();
    let (data, later) = (second.path().to_owned(), MORNING.plus_minutes(60));
    let started = tokio::task::spawn_blocking(move || Process::node_at(later, &data, &address, &vault));
    let (mut not_ready, mut says) = (0, Value::Null);
    let ready = loop {
        match readiness(second.path()).await {
            Some((200, body)) => {
                says = body;
                break begun.elapsed();
            }
            Some((503, body)) => (not_ready, says) = (not_ready + 1, body),
            _ => {}
        }
        assert!(begun.elapsed() < LONGEST, "it does not become ready: {says:#}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    // Ready, and every read model has seen the log: not one of them is still on its way.
    let projections = says["projections"].as_array().unwrap();
    assert!(projections.len() > 5 && projections.iter().all(|p| p["current"] == true), "{says:#}");
    let node = started.await.unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak = peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024;
    // A short log is there before the node listens.
    assert!(not_ready > 0 || !torture(), "it was never asked before it was ready");
    println!(
        "  ready {ready:.1?} after its start, having said {not_ready} times that it is not; at most {} MB of memory",
        peak / 1_000_000
    );
    node.kill();
    Joined { events, ready, peak }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_with_an_empty_disk_is_ready_when_it_has_seen_the_log_and_its_memory_is_bounded() {
    let (few, many) = (rounds(3_000, 100_000), rounds(12_000, 1_000_000));
    println!("joining:");
    let few = joins(usize::try_from(few).unwrap()).await;
    let many = joins(usize::try_from(many).unwrap()).await;
    let speed = |joined: &Joined| joined.events * 1_000 / usize::try_from(joined.ready.as_millis()).unwrap();
    println!("  {} and {} events a second until ready", speed(&few), speed(&many));
    let more = u64::try_from(many.events - few.events).unwrap() * BYTES_AN_EVENT + MORE;
    assert!(many.peak <= few.peak + more, "{} and {} bytes", few.peak, many.peak);
}
