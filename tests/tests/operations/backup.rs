//! Backups are taken while people book, and restored to any position: what is there then is the fold to that position.

use booking_api::backup::{Backup, LogManifest, Restore, backup, restore};
use booking_api::moving::Place;
use booking_domain::ids::SubjectId;
use booking_domain::time::Instant;
use booking_engine::Clock as _;
use booking_store::Position;
use booking_tests::Rng;
use booking_tests::canaries::DataDirectory;
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Person, SmallClinic, TestApp};
use booking_tests::load::live;
use booking_tests::oracle;
use booking_tests::seeds::{rounds, seeds};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

struct Folders {
    log: tempfile::TempDir,
    vault: tempfile::TempDir,
}

impl Folders {
    fn new() -> Self {
        Self { log: tempfile::tempdir().unwrap(), vault: tempfile::tempdir().unwrap() }
    }

    async fn takes(&self, data: &Path, now: Instant) -> LogManifest {
        let what = Backup {
            data: data.to_owned(),
            log: Place::in_directory(data),
            log_to: self.log.path().to_owned(),
            vault_to: self.vault.path().to_owned(),
        };
        backup(&what, now, |_| ()).await.unwrap().0
    }

    fn to(&self, data: &Path, root_key: &Path, position: Option<u64>) -> Restore {
        Restore {
            log_from: self.log.path().to_owned(),
            vault_from: self.vault.path().to_owned(),
            root_key: root_key.to_owned(),
            ledger_key: None,
            erasures: Vec::new(),
            to_position: position,
            data: data.to_owned(),
            cluster: None,
        }
    }
}

/// Somebody books, and every other one thinks better of it.
async fn visits(app: &TestApp, clinic: &SmallClinic, n: usize) {
    let visitor = app.visitor(&Person::named(&format!("Zoltane{n}"), "Ouellet")).await;
    let seen = visitor.sees(clinic.service).await;
    let Some(first) = seen.first() else { return };
    let place = first["availability"].as_str().unwrap();
    let answer = visitor.asks_to_book(clinic.service, place).await;
    if answer.status == 201 && n.is_multiple_of(3) {
        let link = app.link_holder(answer.str("/link_token"));
        let etag = link.sees().await.ok().etag();
        link.cancels(&etag).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_restored_to_any_position_as_the_log_was_then() {
    let (visitors, positions) = (rounds(24, 300), rounds(3, 50));
    for seed in seeds(1, 1) {
        println!("backup: SEED={seed}");
        let mut rng = Rng::new(seed);
        let app = TestApp::start().await;
        let clinic = app.admin().sets_up().await;
        for day in 0..10 {
            let date = format!("2026-11-{}", 24 + day % 7);
            let hours = if day < 7 { ("08:00", "12:00") } else { ("13:00", "16:00") };
            app.scheduler().publishes_slot(clinic.desk.agenda, &date, hours, clinic.activity).await;
        }
        let folders = Folders::new();
        let done = AtomicBool::new(false);
        let load = async {
            for n in 0..usize::try_from(visitors).unwrap() {
                visits(&app, &clinic, n).await;
            }
            done.store(true, Ordering::Relaxed);
        };
        let copies = async {
            let mut taken = 0;
            while !done.load(Ordering::Relaxed) {
                folders.takes(app.data(), app.clock.now()).await;
                taken += 1;
                tokio::task::yield_now().await;
            }
            taken
        };
        let ((), taken) = tokio::join!(load, copies);
        let manifest = LogManifest::read(folders.log.path()).unwrap();
        let all = app.events().await;
        println!("  {taken} backups under load; the last has {} of {} events", manifest.events, all.len());
        assert!(taken > 1 && manifest.events > 40);
        let key = app.data().join("root.key");
        let (registered, clock) = (app.clinic.clone(), Arc::clone(&app.clock));

        let mut chosen: Vec<Option<u64>> = (1..positions)
            .map(|_| Some(u64::try_from(rng.between(12, i64::try_from(manifest.events).unwrap())).unwrap()))
            .collect();
        chosen.push(None);
        for position in chosen {
            let dir = DataDirectory::new();
            let restored = restore(&folders.to(dir.path(), &key, position), |_| ()).await.unwrap();
            let at = position.unwrap_or(manifest.events);
            assert_eq!(restored.events, at, "SEED={seed}");
            let prefix: Vec<_> = all.iter().filter(|event| event.position <= Position(at)).cloned().collect();
            let other = TestApp::on(dir, registered.clone(), Arc::clone(&clock)).await;
            other.settle().await;
            assert_eq!(other.events().await.get(..prefix.len()), Some(&prefix[..]), "SEED={seed} position {at}");
            // Who has an appointment, found out without the domain's fold, against what the desk is shown.
            let expected = live(&prefix).len();
            let shown = named(&other).await;
            assert_eq!(shown.len(), expected, "SEED={seed} position {at}: {shown:?}");
            assert!(shown.iter().all(|name| name.starts_with("Zoltane")), "SEED={seed} position {at}: {shown:?}");
            assert_eq!(oracle::faults(&oracle::days(&prefix)), Vec::<String>::new());
            // And it goes on: the desk opens another day.
            if !prefix.iter().any(|event| event.event_type.starts_with("agenda-opened.")) {
                other.stop().await;
                continue;
            }
            let slot = json!({ "activity": clinic.activity });
            let _ = other.scheduler().asks_for_slot(clinic.desk.agenda, TOMORROW, ("17:00", "18:00"), &slot).await;
            other.stop().await;
        }
        app.stop().await;
    }
}

/// The first names of everybody with a live appointment, as the desk reads them.
async fn named(app: &TestApp) -> Vec<String> {
    let mut names = Vec::new();
    for day in 24..=30 {
        let path = format!("/appointments?from=2026-11-{day}&to=2026-11-{day}&limit=200");
        let answer = app.scheduler().get(&path).await.ok();
        for appointment in answer.list("/appointments").iter().filter(|a| a["status"] != "cancelled") {
            names.push(appointment["name"]["first_name"].as_str().unwrap_or("nobody").to_owned());
        }
    }
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_that_is_older_than_the_log_is_refused_and_so_is_a_log_that_was_altered() {
    let app = TestApp::start().await;
    let clinic = SmallClinic::with_a_morning(&app).await;
    let older = Folders::new();
    let before = older.takes(app.data(), app.clock.now()).await;
    app.visitor(&Person::stranger()).await.books_at(clinic.service, "09:00").await;
    app.settle().await;
    app.app.ledger.sign(&app.app.engine, &app.app.views).await;
    let newer = Folders::new();
    newer.takes(app.data(), app.clock.now()).await;
    let key = app.data().join("root.key");

    // The log of today and the vault of yesterday: who booked in between could never be read again.
    let dir = DataDirectory::new();
    let mixed = Restore { vault_from: older.vault.path().to_owned(), ..newer.to(dir.path(), &key, None) };
    let refused = restore(&mixed, |_| ()).await.unwrap_err().to_string();
    assert!(refused.contains("older than this log needs"), "{refused}");
    // Up to where that vault has the keys, it is taken.
    let until = Restore { to_position: Some(before.events), ..mixed };
    assert_eq!(restore(&until, |_| ()).await.unwrap().events, before.events);
    // The other way round nothing is missing.
    let dir = DataDirectory::new();
    let later = Restore { vault_from: newer.vault.path().to_owned(), ..older.to(dir.path(), &key, None) };
    assert_eq!(restore(&later, |_| ()).await.unwrap().events, before.events);
    // Not into a directory that has something in it.
    let refused = restore(&later, |_| ()).await.unwrap_err().to_string();
    assert!(refused.contains("is not empty"), "{refused}");

    // Somebody wrote to the backup.
    let log = newer.log.path().join("events.db");
    let change = "DROP TRIGGER events_are_not_updated; UPDATE events SET metadata = '{}' WHERE position = 3";
    let mut file =
        sqlx::ConnectOptions::connect(&sqlx::sqlite::SqliteConnectOptions::new().filename(&log)).await.unwrap();
    sqlx::raw_sql(change).execute(&mut file).await.unwrap();
    sqlx::Connection::close(file).await.unwrap();
    let dir = DataDirectory::new();
    let refused = restore(&newer.to(dir.path(), &key, None), |_| ()).await.unwrap_err();
    assert!(format!("{refused:#}").contains("not those that were signed"), "{refused:#}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_erased_after_the_backup_stays_erased_when_it_is_restored() {
    let app = TestApp::start().await;
    let clinic = SmallClinic::with_a_morning(&app).await;
    let somebody = Person::named("Zoltane", "Ouellet");
    let record = app.scheduler().registers(&somebody).await;
    app.visitor(&somebody).await.books_at(clinic.service, "09:00").await;
    app.settle().await;
    // Two backups: one of before, and the log's folder of one of after.
    let (before, after) = (Folders::new(), Folders::new());
    let size = before.takes(app.data(), app.clock.now()).await.events;
    erased(&app, record).await;
    let whole = after.takes(app.data(), app.clock.now()).await.events;
    assert!(whole > size);
    let key = app.data().join("root.key");
    let list = app.data().join(booking_api::erasures::LIST);
    let (registered, clock) = (app.clinic.clone(), Arc::clone(&app.clock));
    let gone = async |dir: DataDirectory, from: &str| {
        let other = TestApp::on(dir, registered.clone(), Arc::clone(&clock)).await;
        let keys = other.app.engine.vault().with_key(registered.id, &[SubjectId(record)]).await.unwrap();
        let answer = other.scheduler().get(&format!("/patients/{record}")).await;
        assert!(keys.is_empty() && !answer.text.contains("Ouellet"), "{from}: {}", answer.text);
        other.stop().await;
    };

    // Yesterday's backup, and the list that was saved from the lost machine.
    let dir = DataDirectory::new();
    let with_list = Restore { erasures: vec![list], ..before.to(dir.path(), &key, None) };
    let restored = restore(&with_list, |_| ()).await.unwrap();
    assert_eq!(restored.erased, 2, "the record and the contact that was booked with");
    gone(dir, "yesterday's backup with the list").await;
    // Today's log as it was yesterday, with yesterday's vault: the events that are left out say who was erased.
    for name in ["erasures.ndjson", "checkpoints/erasures.ndjson"] {
        let _ = std::fs::remove_file(after.log.path().join(name));
    }
    let dir = DataDirectory::new();
    let mixed = Restore { vault_from: before.vault.path().to_owned(), ..after.to(dir.path(), &key, Some(size)) };
    let restored = restore(&mixed, |_| ()).await.unwrap();
    assert_eq!((restored.erased, restored.left_out), (2, whole - size));
    gone(dir, "today's log as it was yesterday").await;
    // The negative control: without any list they are back, which is why there are lists.
    let dir = DataDirectory::new();
    restore(&before.to(dir.path(), &key, None), |_| ()).await.unwrap();
    let other = TestApp::on(dir, registered.clone(), Arc::clone(&clock)).await;
    assert_eq!(other.app.engine.vault().with_key(registered.id, &[SubjectId(record)]).await.unwrap().len(), 1);
    other.stop().await;
    app.stop().await;
}

/// Forgets a record, eleven years later, after all waiting.
async fn erased(app: &TestApp, record: uuid::Uuid) {
    app.goes_to("2037-11-24", "09:00");
    let case = app.scheduler().post("/erasures", &json!({ "patient": record })).await.ok();
    let address = format!("/erasures/{}", case["person"].as_str().unwrap());
    let body = json!({ "approve": true, "note": "Demande écrite" });
    let _ = app.admin().changes(Method::POST, &format!("{address}/decision"), &case.etag(), &body).await.ok();
    app.goes_to("2037-12-02", "09:00");
    let done = app.admin().post(&format!("{address}/carry-out"), &Value::Null).await.ok();
    assert_eq!(done["progress"], "erased");
}
