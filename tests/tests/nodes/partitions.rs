//! A node is cut off from the log while people book over both nodes: a black hole, or answers alone are lost, so that
//! what was asked for is done and nobody hears of it. The network heals after a while, and the node by itself.

use super::callers::Manner;
use super::pair::{Pair, Places};
use super::process::{myself, readiness};
use super::wires::{Cut, Wires, apart};
use booking_store::{KurrentOptions, KurrentStore, Recorded};
use booking_tests::Rng;
use booking_tests::load::events_of;
use booking_tests::seeds::{rounds, seeds, torture};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// The vault's address, for the test that runs apart.
const VAULTS: &str = "PARTITIONS_VAULTS";
/// Cuts over one log, at most.
const CUTS_PER_LIFE: usize = 25;
/// What is there to book for each cut.
const BOOKINGS_PER_CUT: usize = 256;
/// Callers that are impatient with a node, or patient, so that they hear its 503.
const MANNER: Manner = Manner { crowd: 16, patience: (250, 1_500), most_patience: (1_500, 15_000), thinks: 40 };
/// So soon nobody has gone to the other node.
const IMPATIENT: Duration = Duration::from_millis(100);
/// A cut that lasts so long is noticed: the node says that it is not ready.
const NOTICED: Duration = Duration::from_millis(2_600);
/// Within this after the end of a cut the node is ready, and books.
const RECOVERS: Duration = Duration::from_secs(15);

#[test]
fn a_node_that_is_cut_off_from_the_log_books_nothing_twice_and_recovers() {
    let way = match apart() {
        Ok(way) => way,
        Err(why) => {
            assert!(!torture(), "no network namespaces can be made here: {why}");
            println!("NOT RUN: partitions between nodes and log, since no network namespaces can be made here: {why}");
            return;
        }
    };
    let lives = seeds(2, 200).len().div_ceil(CUTS_PER_LIFE);
    let vaults: Vec<_> =
        (0..lives).map(|_| throwaway_postgres::by_socket(&throwaway_postgres::database_now())).collect();
    let inside = myself("partitions::this_binary_cuts_nodes_off_when_it_is_in_a_network_of_its_own");
    let mut command = Command::new("unshare");
    command.args(way).arg(inside.get_program()).args(inside.get_args()).env(VAULTS, vaults.join(" "));
    assert!(command.status().unwrap().success(), "see what it said");
}

/// The test itself, in namespaces of its own. Without vaults in the environment there is nothing to do.
#[test]
fn this_binary_cuts_nodes_off_when_it_is_in_a_network_of_its_own() {
    let Ok(vaults) = std::env::var(VAULTS) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let seeds = seeds(2, 200);
        println!("partitions: SEED={} to {}", seeds[0], seeds[seeds.len() - 1]);
        let mut toll = Toll::default();
        for (seeds, vault) in seeds.chunks(CUTS_PER_LIFE).zip(vaults.split(' ')) {
            let wires = Wires::new();
            let logs = [0, 1].map(Wires::log_for);
            let places = Places { logs: logs.clone(), vault: vault.to_owned() };
            let mut pair = Pair::start(places, seeds.len() * BOOKINGS_PER_CUT).await;
            for seed in seeds {
                round(*seed, &wires, &mut pair, &mut toll).await;
                // Through the way that nothing was lost on.
                let faults = pair.callers.faults(&log_of(&logs[1]).await);
                assert!(faults.is_empty(), "SEED={seed}: {}", faults.join("\n"));
            }
            toll.booked += pair.callers.booked();
            toll.by_retry += pair.callers.by_retry();
            println!("  answers by node and status (0: broken off, 1: not waited for): {:?}", pair.callers.answers());
        }
        toll.noticed.sort();
        toll.recovered.sort();
        let [noticed, recovered] = [&toll.noticed, &toll.recovered]
            .map(|times| (times.get(times.len() / 2).copied(), times.last().copied()));
        println!(
            "  {} booked, {} of them told by a retry; median and longest: until it said that it is not ready {noticed:.1?}, \
             from the end of a cut until it was ready and booked {recovered:.1?}",
            toll.booked, toll.by_retry
        );
        println!("  at the beginning of cuts {} bookings were stored and nobody was told of them", toll.unheard);
        assert!(toll.booked > 0 && !toll.noticed.is_empty());
        // What all this is about happened.
        assert!(toll.unheard > 0 || !torture());
    });
}

async fn log_of(address: &str) -> Vec<Recorded> {
    let log = KurrentStore::connect(address, KurrentOptions::default()).await.unwrap();
    events_of(&log).await
}

#[derive(Default)]
struct Toll {
    booked: usize,
    by_retry: usize,
    unheard: usize,
    noticed: Vec<Duration>,
    recovered: Vec<Duration>,
}

async fn round(seed: u64, wires: &Wires, pair: &mut Pair, toll: &mut Toll) {
    let (mut rng, over) = (Rng::new(seed), Arc::new(AtomicBool::new(false)));
    // The small run has one of each, long enough to be noticed.
    let cut = if seed.is_multiple_of(2) { Cut::Both } else { Cut::Answers };
    let longest = i64::try_from(rounds(3_200, 14_000)).unwrap();
    let lasts =
        Duration::from_millis(u64::try_from(rng.between(if torture() { 100 } else { 2_800 }, longest)).unwrap());
    let callers = Arc::clone(&pair.callers);
    let mut of_callers = Rng::new(rng.next());
    let work = callers.run(MANNER, &mut of_callers, &over);
    let data = pair.data(0).to_owned();
    let cutting = async {
        tokio::time::sleep(Duration::from_millis(u64::try_from(rng.between(100, 400)).unwrap())).await;
        let begun = Instant::now();
        wires.cuts(0, cut);
        tokio::time::sleep(IMPATIENT).await;
        let unheard = callers.unheard(0, &log_of(&Wires::log_for(1)).await);
        let unready = async {
            loop {
                match readiness(&data).await {
                    Some((503, _)) => return begun.elapsed(),
                    _ => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        };
        let noticed = tokio::time::timeout(lasts, unready).await.ok();
        tokio::time::sleep(lasts.saturating_sub(begun.elapsed())).await;
        wires.heals(0, cut);
        let healed = Instant::now();
        while readiness(&data).await.is_none_or(|(status, _)| status != 200) {
            assert!(healed.elapsed() < RECOVERS, "SEED={seed}: {cut:?} for {lasts:.1?}: it does not get ready again");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let ready = healed.elapsed();
        // Ready means that it books.
        let before = booked_on(&callers, 0);
        while booked_on(&callers, 0) == before && callers.has_room() {
            assert!(healed.elapsed() < RECOVERS, "SEED={seed}: {cut:?} for {lasts:.1?}: it does not book again");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        println!(
            "  SEED={seed}: {cut:?} for {lasts:.1?}: {unheard} were stored and not told of; not ready after {noticed:.1?}; \
             then ready after {ready:.1?} and booking after {:.1?}",
            healed.elapsed()
        );
        over.store(true, Ordering::Relaxed);
        (noticed, unheard, healed.elapsed())
    };
    let ((), (noticed, unheard, recovered)) = tokio::join!(work, cutting);
    assert!(noticed.is_some() || lasts < NOTICED, "SEED={seed}: {cut:?} for {lasts:.1?}: it stayed ready");
    toll.noticed.extend(noticed);
    toll.unheard += unheard;
    toll.recovered.push(recovered);
}

/// How often a node said that it booked, or let somebody in.
fn booked_on(callers: &super::callers::Callers, node: usize) -> usize {
    callers.answers().get(&(node, 201)).copied().unwrap_or_default()
}
