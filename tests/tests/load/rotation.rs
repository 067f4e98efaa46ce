//! Keys are replaced while clients book: nobody is refused, nothing is lost, no event changes; also when the server is
//! killed in the middle of it, over and over.

use super::child::Server;
use super::driver::{Known, Load};
use super::house::{Clinic, House};
use super::kills::is_free;
use super::portal::Portal;
use super::witness::{self, Whose};
use booking_api::operator::{Door, KeyCommand, keys};
use booking_api::{App, AppOptions};
use booking_engine::Place;
use booking_tests::Rng;
use booking_tests::actors::{draft, time};
use booking_tests::load::events_of;
use booking_tests::seeds::{rounds, seeds};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Kills of one data directory, at most.
const KILLS_PER_LIFE: usize = 25;
/// Clients that book at once.
const CLIENTS: usize = 8;
/// What is asked of the server, again and again.
const ALL: [KeyCommand; 3] = [KeyCommand::PrepareRoot, KeyCommand::RotateRoot, KeyCommand::RotateClinics];

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

async fn places(clinic: &Clinic) -> Vec<Place> {
    let mut places = Vec::new();
    for name in ["Dre Roy", "Dr Gagnon", "Dre Cloutier", "Dr Tran"] {
        let agenda = clinic.hires(name).await;
        for day in 2..50 {
            let slot = draft(agenda, clinic.in_days(day), time("06:00"), time("22:00"), clinic.activity);
            places.extend(clinic.publishes(&slot).await);
        }
    }
    places
}

#[test]
fn keys_are_replaced_under_load_and_nobody_notices() {
    runtime().block_on(async {
        let house = House::open(|_| ()).await;
        let clinic = Clinic::found(&house.app().engine).await;
        let load = Arc::new(Load::new(clinic.id, places(&clinic).await));
        let portal = house.portal(&clinic);
        let before = events_of(&**house.app().log()).await;
        let root = std::fs::read(house.app().data.join("root.key")).unwrap();
        let (stop, wanted) = (Arc::new(AtomicBool::new(false)), rounds(5, 50));
        let mut rng = Rng::new(1);
        let work = load.run(&portal, CLIENTS, &mut rng, &stop);
        let (mut rewrapped, mut done) = (0, 0);
        let rotated = async {
            while done < wanted && load.has_room() {
                tokio::time::sleep(Duration::from_millis(50)).await;
                for command in ALL {
                    rewrapped += keys(house.app(), command).await.unwrap().rewrapped;
                }
                done += 1;
            }
            stop.store(true, Ordering::Relaxed);
        };
        tokio::join!(work, rotated);
        let ledger = load.ledger.lock().unwrap().clone();
        println!("{done} rotations under load: {} bookings, {rewrapped} keys wrapped again", ledger.booked);
        assert!(done >= 2 && ledger.booked > 0 && rewrapped > ledger.booked);
        assert_eq!(ledger.count(|known| *known == Known::Unanswered), 0, "somebody was told to come again");
        // Somebody else was faster; nothing else is a reason.
        let refused = |known: &Known| matches!(known, Known::Refused(code) if code != "taken" && code != "held");
        assert_eq!(ledger.count(refused), 0, "{:?}", ledger.requests.values().find(|r| refused(&r.known)));
        house.settled().await;
        let after = events_of(&**house.app().log()).await;
        assert!(after.starts_with(&before), "an event changed");
        let report = keys(house.app(), KeyCommand::Status).await.unwrap();
        assert_eq!(u64::from(report.clinics[0].version), done + 1);
        assert!(!report.clinics[0].rotating);
        assert_ne!(std::fs::read(house.app().data.join("root.key")).unwrap(), root);
        let whose = Whose { clinic: clinic.id, service: clinic.service };
        let data = house.app().data.clone();
        let copy = witness::copy(&data);
        let (faults, _) = witness::faults(copy.path(), whose, &ledger).await;
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        drop(portal);
        house.close().await;
    });
}

/// Has the server replace keys until it is gone; how many rotations came to their end.
async fn rotate(data: &Path, done: &AtomicUsize) {
    let Ok(door) = Door::of(data) else { return };
    loop {
        for command in ALL {
            if door.ask(command).await.is_err() {
                return;
            }
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_server_that_is_killed_while_it_replaces_keys_loses_nothing() {
    runtime().block_on(async {
        let seeds = seeds(6, 100);
        println!("kills while keys are replaced: SEED={} to {}", seeds[0], seeds[seeds.len() - 1]);
        let (done, mut broken_off, mut booked) = (AtomicUsize::new(0), 0, 0);
        for seeds in seeds.chunks(KILLS_PER_LIFE) {
            let data = tempfile::tempdir().unwrap();
            let app = App::open(AppOptions::new(data.path())).await.unwrap();
            let clinic = Clinic::found(&app.engine).await;
            let (whose, slug) = (Whose { clinic: clinic.id, service: clinic.service }, clinic.slug.clone());
            let load = Arc::new(Load::new(clinic.id, places(&clinic).await));
            app.close().await;
            drop((app, clinic));
            is_free(&data.path().join("events.db")).await;
            for seed in seeds {
                let mut rng = Rng::new(*seed);
                let server = Server::start(data.path(), false);
                let portal = Portal::new(&server.address, &slug, whose.service);
                load.retry(&portal).await;
                let cut = Duration::from_millis(u64::try_from(rng.between(20, 400)).unwrap());
                let stop = Arc::new(AtomicBool::new(false));
                let work = load.run(&portal, CLIENTS, &mut rng, &stop);
                let killed = async {
                    tokio::time::sleep(cut).await;
                    tokio::task::spawn_blocking(move || server.kill()).await.unwrap();
                };
                tokio::join!(work, killed, rotate(data.path(), &done));
                broken_off += usize::from(data.path().join("root.key.next").exists());
                let copy = witness::copy(data.path());
                let ledger = load.ledger.lock().unwrap().clone();
                let (faults, _) = witness::faults(copy.path(), whose, &ledger).await;
                assert!(faults.is_empty(), "SEED={seed}: {}", faults.join("\n"));
            }
            // The last start finishes what was broken off; then the vault needs one root key.
            let server = Server::start(data.path(), false);
            load.retry(&Portal::new(&server.address, &slug, whose.service)).await;
            let door = Door::of(data.path()).unwrap();
            for command in ALL {
                door.ask(command).await.unwrap();
            }
            let report = door.ask(KeyCommand::Status).await.unwrap();
            assert!(report.clinics.iter().all(|key| !key.rotating));
            server.kill();
            assert!(!data.path().join("root.key.next").exists());
            let copy = witness::copy(data.path());
            let ledger = load.ledger.lock().unwrap().clone();
            booked += ledger.booked;
            let (mut faults, _) = witness::faults(copy.path(), whose, &ledger).await;
            faults.extend(witness::faults_after_the_purge(copy.path(), whose, &ledger).await);
            assert!(faults.is_empty(), "{}", faults.join("\n"));
        }
        println!(
            "  {} rotations came to their end, {broken_off} kills broke off one of the root key; {booked} bookings",
            done.load(Ordering::Relaxed)
        );
    });
}

#[test]
fn nobody_has_keys_replaced_without_the_token_of_the_data_directory() {
    runtime().block_on(async {
        let data = tempfile::tempdir().unwrap();
        let server = Server::start(data.path(), false);
        let door = Door::of(data.path()).unwrap();
        assert!(door.ask(KeyCommand::Status).await.is_ok());
        let told: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(data.path().join("operator.json")).unwrap()).unwrap();
        let url = format!("http://{}/keys", told["address"].as_str().unwrap());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for token in [None, Some(""), Some("0000"), Some(&*told["token"].as_str().unwrap().to_uppercase())] {
            let request = client.post(&url).json(&KeyCommand::PrepareRoot);
            let request = token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
            assert_eq!(request.send().await.unwrap().status(), 401, "{token:?}");
        }
        let public = format!("http://{}/keys", server.address);
        let request = client.post(&public).bearer_auth(told["token"].as_str().unwrap()).json(&KeyCommand::PrepareRoot);
        assert_eq!(request.send().await.unwrap().status(), 404, "not on the public listener");
        assert!(!data.path().join("root.key.next").exists());
        server.kill();
    });
}
