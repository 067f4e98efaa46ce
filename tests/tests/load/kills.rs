//! A server that is killed while clients book, and started again, over and over.
//!
//! `SIGKILL` ends the process, not the machine: what was written is in the system's memory. What is shown here is that
//! nothing is acknowledged before it is written, that a retry finds out what became of a request, and that views, vault
//! and log agree again after any cut. Power cuts are another test.

use super::Times;
use super::child::Server;
use super::driver::{Known, Load};
use super::house::Clinic;
use super::portal::Portal;
use super::witness::{self, Whose};
use booking_api::AppOptions;
use booking_api::app::App;
use booking_engine::Place;
use booking_store::{OpenError, SqliteOptions, SqliteStore};
use booking_tests::Rng;
use booking_tests::actors::{draft, time};
use booking_tests::seeds::seeds;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tempfile::TempDir;

/// Kills of one data directory, at most.
const KILLS_PER_LIFE: usize = 25;
/// Clients that book at once.
const CLIENTS: usize = 8;
/// Kills within which a store that acknowledges too early has to be found out.
const CONTROL_KILLS: u64 = 60;

/// A data directory, what is asked of its server, and how it fared.
struct Life {
    data: TempDir,
    whose: Whose,
    load: Arc<Load>,
    slug: String,
    acknowledges_early: bool,
}

/// What a number of kills came to.
#[derive(Default)]
struct Toll {
    booked: usize,
    retried: usize,
    found_done: usize,
    events: usize,
    ready: Times,
}

impl Life {
    async fn begin(acknowledges_early: bool) -> Self {
        let data = tempfile::tempdir().unwrap();
        let app = App::open(AppOptions::new(data.path())).await.unwrap();
        let clinic = Clinic::found(&app.engine).await;
        let mut agendas = Vec::new();
        for name in ["Dre Roy", "Dr Gagnon", "Dre Cloutier", "Dr Tran"] {
            agendas.push(clinic.hires(name).await);
        }
        let mut places: Vec<Place> = Vec::new();
        for day in 2..50 {
            for agenda in &agendas {
                let slot = draft(*agenda, clinic.in_days(day), time("06:00"), time("22:00"), clinic.activity);
                places.extend(clinic.publishes(&slot).await);
            }
        }
        let (whose, slug) = (Whose { clinic: clinic.id, service: clinic.service }, clinic.slug.clone());
        app.close().await;
        drop((app, clinic));
        is_free(&data.path().join("events.db")).await;
        let load = Arc::new(Load::new(whose.clinic, places));
        Self { data, whose, load, slug, acknowledges_early }
    }

    /// Starts the server, asks again for what was not answered, loads it, and kills it.
    async fn round(&self, rng: &mut Rng, toll: &mut Toll) -> Vec<String> {
        let server = Server::start(self.data.path(), self.acknowledges_early);
        toll.ready.add(server.ready);
        let portal = Portal::new(&server.address, &self.slug, self.whose.service);
        let before = self.load.ledger.lock().unwrap().booked;
        toll.retried += self.load.retry(&portal).await;
        toll.found_done += self.load.ledger.lock().unwrap().booked - before;
        let cut = u64::try_from(rng.between(20, 400)).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let work = self.load.run(&portal, CLIENTS, rng, &stop);
        let killed = async {
            tokio::time::sleep(Duration::from_millis(cut)).await;
            tokio::task::spawn_blocking(move || server.kill()).await.unwrap();
        };
        tokio::join!(work, killed);
        let copy = witness::copy(self.data.path());
        let ledger = self.load.ledger.lock().unwrap().clone();
        let (faults, events) = witness::faults(copy.path(), self.whose, &ledger).await;
        toll.events = toll.events.max(events);
        faults
    }

    /// The last start: everything is answered, and a day later the keys are still there.
    async fn end(self, toll: &mut Toll) -> Vec<String> {
        let server = Server::start(self.data.path(), self.acknowledges_early);
        toll.ready.add(server.ready);
        let portal = Portal::new(&server.address, &self.slug, self.whose.service);
        toll.retried += self.load.retry(&portal).await;
        server.kill();
        let copy = witness::copy(self.data.path());
        let ledger = self.load.ledger.lock().unwrap().clone();
        toll.booked += ledger.booked;
        assert_eq!(ledger.count(|k| *k == Known::Unanswered), 0);
        let (mut faults, _) = witness::faults(copy.path(), self.whose, &ledger).await;
        faults.extend(witness::faults_after_the_purge(copy.path(), self.whose, &ledger).await);
        faults
    }
}

/// Waits until the log is closed: an application that closes leaves that to the log's own task.
pub(super) async fn is_free(log: &Path) {
    for _ in 0..500 {
        match SqliteStore::open(log, SqliteOptions::default()).await {
            Ok(store) => return store.close().await,
            Err(OpenError::InUse(_)) => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the log stays in use");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

#[test]
fn a_server_that_is_killed_under_load_loses_nothing_that_it_acknowledged() {
    runtime().block_on(async {
        let seeds = seeds(20, 300);
        println!("kills: SEED={} to {}", seeds[0], seeds[seeds.len() - 1]);
        let mut toll = Toll::default();
        for seeds in seeds.chunks(KILLS_PER_LIFE) {
            let life = Life::begin(false).await;
            for seed in seeds {
                if !life.load.has_room() {
                    break;
                }
                let faults = life.round(&mut Rng::new(*seed), &mut toll).await;
                assert!(faults.is_empty(), "SEED={seed}: {}", faults.join("\n"));
            }
            let faults = life.end(&mut toll).await;
            assert!(faults.is_empty(), "after SEED={}: {}", seeds[seeds.len() - 1], faults.join("\n"));
        }
        println!(
            "  {} bookings acknowledged; {} requests asked again after a kill, {} of them had been carried out",
            toll.booked, toll.retried, toll.found_done
        );
        println!(
            "  up to {} events in a log; from the start of a process until it listens: {}",
            toll.events,
            toll.ready.summary()
        );
    });
}

#[test]
fn a_server_that_acknowledges_before_its_commit_is_found_out() {
    runtime().block_on(async {
        let life = Life::begin(true).await;
        let mut toll = Toll::default();
        for seed in 1..=CONTROL_KILLS {
            let faults = life.round(&mut Rng::new(seed), &mut toll).await;
            if let Some(lost) = faults.iter().find(|f| f.starts_with("lost: ")) {
                println!("control: found out at kill {seed}: {lost}");
                return;
            }
            assert!(life.load.has_room(), "nothing is left to book");
        }
        panic!("{CONTROL_KILLS} kills, and no loss was found: this test would not notice one");
    });
}
