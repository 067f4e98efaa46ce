//! The data directory: one process at a time, files that are not ours or not whole, a lost key, a full disk. Whatever
//! is refused at the start stays as it was, byte for byte.

use booking_api::app::DataInUse;
use booking_api::{App, AppOptions};
use booking_engine::ManualClock;
use booking_store::SqliteOptions;
use booking_tests::canaries::DataDirectory;
use booking_tests::http::app::options;
use booking_tests::http::{Person, SmallClinic, TestApp};
use booking_tests::world::MORNING;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A data directory in which somebody has booked.
async fn used() -> DataDirectory {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let _ = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await;
    app.stop().await
}

/// The files of a data directory, with what they hold.
fn contents(dir: &Path) -> BTreeMap<&'static str, Option<Vec<u8>>> {
    ["events.db", "vault.db", "views.db", "root.key"].map(|name| (name, std::fs::read(dir.join(name)).ok())).into()
}

async fn open(dir: &Path) -> anyhow::Result<Arc<App>> {
    App::open(options(dir, &Arc::new(ManualClock::new(MORNING.plus_minutes(1))))).await
}

/// Expects that the start is refused with these words, and that it left the file that it refused as it was, and the
/// key; the others may have been opened before it.
async fn refuses(dir: &Path, file: &str, words: &[&str]) {
    let before = contents(dir);
    let Err(error) = open(dir).await else { panic!("it opened: {words:?}") };
    let said = format!("{error:#}");
    assert!(words.iter().all(|word| said.contains(word)), "{said}");
    let after = contents(dir);
    for (name, bytes) in &before {
        assert_eq!(bytes.is_some(), after[name].is_some(), "{name}: {said}");
        assert!(bytes == &after[name] || ![file, "root.key"].contains(name), "{name} was changed: {said}");
    }
}

#[tokio::test]
async fn two_processes_do_not_open_one_data_directory() {
    let app = TestApp::start().await;
    let error = open(app.data()).await.err().unwrap();
    assert!(error.downcast_ref::<DataInUse>().is_some(), "{error:#}");
    app.admin().opens_portal().await;
    let dir = app.stop().await;
    let again = open(dir.path()).await.unwrap();
    again.close().await;
}

#[tokio::test]
async fn a_data_directory_opens_again_and_knows_everything() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let booked = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await;
    let token = booked.token.clone();
    drop(booked);
    let app = app.restarts(|options| options).await;
    assert_eq!(app.link_holder(&token).sees().await.ok()["status"], "booked");
    let day = app.scheduler().day(small.desk.agenda, booking_tests::http::setup::TOMORROW).await;
    assert_eq!(day["appointments"][0]["name"]["last_name"], "Ouellet");
    let visitor = app.visitor(&Person::stranger()).await;
    assert_eq!(visitor.sees_times(small.service).await, ["11-24 09:20", "11-24 09:40"]);
}

#[tokio::test]
async fn a_hold_outlives_a_restart_and_ends_by_the_clock_with_nothing_running() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let owner = app.visitor(&Person::stranger()).await;
    let wanted = owner.finds(small.service, "09:00").await;
    let _ = owner.holds(small.service, &wanted).await;
    drop(owner);
    let app = app.restarts(|options| options).await;
    let other = app.visitor(&Person::named("Léo", "Roy")).await;
    app.waits_seconds(5 * 60 - 1);
    other.asks_to_book(small.service, &wanted).await.is(409, "held");
    app.waits_seconds(1);
    let _ = other.asks_to_book_again(small.service, &wanted).await;
}

#[tokio::test]
async fn a_log_that_is_cut_off_or_something_else_is_refused_and_left_as_it_is() {
    let dir = used().await;
    let log = dir.path().join("events.db");
    let whole = std::fs::read(&log).unwrap();
    for (bytes, words) in [
        (whole[..whole.len() / 2].to_vec(), ["events.db", "damaged"]),
        (whole[..50].to_vec(), ["events.db", ""]),
        (b"these are somebody's notes\n".repeat(1_000), ["events.db", "not a booking log"]),
        (std::fs::read(dir.path().join("vault.db")).unwrap(), ["events.db", "not a booking log"]),
    ] {
        std::fs::write(&log, bytes).unwrap();
        refuses(dir.path(), "events.db", &words).await;
    }
    std::fs::write(&log, &whole).unwrap();
    open(dir.path()).await.unwrap().close().await;
}

#[tokio::test]
async fn a_vault_that_is_cut_off_or_something_else_is_refused_and_left_as_it_is() {
    let dir = used().await;
    let vault = dir.path().join("vault.db");
    let whole = std::fs::read(&vault).unwrap();
    for bytes in [
        whole[..whole.len() / 2].to_vec(),
        whole[..50].to_vec(),
        b"these are somebody's notes\n".repeat(1_000),
        std::fs::read(dir.path().join("events.db")).unwrap(),
    ] {
        std::fs::write(&vault, bytes).unwrap();
        refuses(dir.path(), "vault.db", &["vault.db"]).await;
    }
    std::fs::write(&vault, &whole).unwrap();
    open(dir.path()).await.unwrap().close().await;
}

#[tokio::test]
async fn views_that_are_cut_off_or_something_else_are_refused_and_left_as_they_are() {
    let dir = used().await;
    let views = dir.path().join("views.db");
    let whole = std::fs::read(&views).unwrap();
    for bytes in [whole[..whole.len() / 2].to_vec(), b"these are somebody's notes\n".repeat(1_000)] {
        std::fs::write(&views, bytes).unwrap();
        refuses(dir.path(), "views.db", &["views.db", "rebuild"]).await;
    }
    // Without them they are made again.
    std::fs::remove_file(&views).unwrap();
    let app = open(dir.path()).await.unwrap();
    assert!(app.settle().await);
    app.close().await;
}

#[tokio::test]
async fn a_lost_or_wrong_or_exposed_key_is_refused_and_no_new_one_is_made() {
    let dir = used().await;
    let path = dir.path().join("root.key");
    let right = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    refuses(dir.path(), "vault.db", &["root.key"]).await;
    for wrong in [b"".to_vec(), b"xyz".to_vec(), right[..20].to_vec(), "0".repeat(64).into_bytes()] {
        std::fs::write(&path, wrong).unwrap();
        private(&path);
        refuses(dir.path(), "vault.db", &["key"]).await;
    }
    std::fs::write(&path, &right).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    refuses(dir.path(), "vault.db", &["root.key"]).await;
    private(&path);
    open(dir.path()).await.unwrap().close().await;
}

fn private(path: &Path) {
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn with_a_full_disk_writes_are_refused_reads_go_on_and_everything_works_once_there_is_room() {
    let small_log = |options: AppOptions| AppOptions {
        log: SqliteOptions { max_pages: Some(64), ..options.log.clone() },
        ..options
    };
    let app = TestApp::start_with(small_log).await;
    let small = SmallClinic::with_a_morning(&app).await;
    let visitor = app.visitor(&Person::stranger()).await;
    let wanted = visitor.finds(small.service, "09:00").await;
    let form = json!({ "name": "x".repeat(180), "duration_minutes": 20 });
    let mut refused = None;
    for _ in 0..3_000 {
        let answer = app.admin().post("/activities", &form).await;
        if !answer.is_ok() {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("3,000 events fit into 64 pages");
    refused.is(503, "storage_full");
    assert!(refused.header("retry-after").is_some());

    let changes = app.changes().await;
    visitor.asks_to_book(small.service, &wanted).await.is(503, "storage_full");
    assert_eq!(app.changes().await, changes);
    assert_eq!(visitor.sees_times(small.service).await.len(), 3);
    assert_eq!(app.scheduler().sees_day(small.desk.agenda, "2026-11-24").await.len(), 3);

    let token = visitor.token.clone();
    drop(visitor);
    let app = app.restarts(|options| options).await;
    let booking = json!({ "service": small.service, "availability": wanted });
    let path = format!("/api/v1/portal/{}/appointments", app.clinic.slug);
    let again = app.asks(reqwest::Method::POST, &path).token(&token).key("only-try").json(&booking);
    again.answer().await.ok().has_status(201);
}
