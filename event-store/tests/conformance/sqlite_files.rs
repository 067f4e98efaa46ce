//! Files that must not be opened as a log: each is refused with its own reason, and left as it was.

use crate::actors::{day, event, fill};
use crate::sqlite::{folder, open, stranger};
use booking_store::{EventStore, Expected, OpenError, ReadError, SqliteOptions, SqliteStore};
use sqlx::Connection;
use std::fs;
use std::path::Path;

/// Tries to open, has to be refused, and looks whether the file is as it was.
async fn refusal(path: &Path) -> OpenError {
    let before = fs::read(path).ok();
    let refusal = SqliteStore::open(path, SqliteOptions::default()).await.err().expect("it was opened");
    assert!(fs::read(path).ok() == before, "the file was changed");
    refusal
}

/// A log with some events, closed.
async fn closed_log(path: &Path) {
    let store = open(path).await;
    fill(&store, &day(1), 50).await;
    store.close().await;
}

#[tokio::test]
async fn files_that_are_no_databases_are_refused_and_left_alone() {
    let (_folder, path) = folder();
    let random: Vec<u8> = (0..20_000_u32).map(|n| u8::try_from(n * n % 251).unwrap()).collect();
    for bytes in [random, b"SQLite format 3".to_vec(), vec![], vec![0; 4_096]] {
        fs::write(&path, &bytes).unwrap();
        let refusal = refusal(&path).await;
        assert!(matches!(refusal, OpenError::NotALog { .. }), "{} bytes: {refusal}", bytes.len());
    }
}

#[tokio::test]
async fn the_database_of_another_program_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    fs::write(&path, []).unwrap();
    let mut other = stranger(&path).await;
    sqlx::query("CREATE TABLE events (position INTEGER PRIMARY KEY)").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let refusal = refusal(&path).await;
    assert!(matches!(refusal, OpenError::NotALog { .. }), "{refusal}");
}

#[tokio::test]
async fn a_folder_is_refused() {
    let (folder, _) = folder();
    let refusal = SqliteStore::open(folder.path(), SqliteOptions::default()).await.err().unwrap();
    assert!(matches!(refusal, OpenError::NotALog { .. }), "{refusal}");
}

#[tokio::test]
async fn a_log_that_was_cut_off_anywhere_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    closed_log(&path).await;
    let whole = fs::read(&path).unwrap();
    for length in [whole.len() - 1, whole.len() - 4_096, 4_096, 4_095, 100] {
        fs::write(&path, &whole[..length]).unwrap();
        let refusal = refusal(&path).await;
        assert!(matches!(refusal, OpenError::Corrupt { .. }), "{length} bytes: {refusal}");
    }
    fs::write(&path, &whole).unwrap();
    open(&path).await;
}

#[tokio::test]
async fn a_log_of_a_later_version_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    closed_log(&path).await;
    let mut later = stranger(&path).await;
    sqlx::query("PRAGMA user_version = 99").execute(&mut later).await.unwrap();
    later.close().await.unwrap();
    let refusal = refusal(&path).await;
    assert!(matches!(refusal, OpenError::Newer { found: 99, known: 1, .. }), "{refusal}");
}

#[tokio::test]
async fn a_log_that_lost_events_is_refused() {
    let (_folder, path) = folder();
    closed_log(&path).await;
    let mut vandal = stranger(&path).await;
    for step in ["DROP TRIGGER events_are_not_deleted", "DELETE FROM events WHERE position = 50"] {
        sqlx::query(step).execute(&mut vandal).await.unwrap();
    }
    // The last one gone looks like a shorter log; only the ledger's signed checkpoints know better.
    open(&path).await.close().await;
    sqlx::query("DELETE FROM events WHERE position = 20").execute(&mut vandal).await.unwrap();
    vandal.close().await.unwrap();
    let refusal = refusal(&path).await;
    assert!(matches!(refusal, OpenError::Corrupt { .. }), "{refusal}");
}

#[tokio::test]
async fn events_that_vanish_from_an_open_log_are_damage_and_not_an_empty_answer() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    fill(&store, &day(1), 5).await;
    store.close().await;
    // Opened again: what it has just written itself a log tells from memory.
    let store = open(&path).await;
    let mut vandal = stranger(&path).await;
    for step in ["DROP TRIGGER events_are_not_deleted", "DELETE FROM events WHERE position = 3"] {
        sqlx::query(step).execute(&mut vandal).await.unwrap();
    }
    assert!(matches!(store.read_stream(&day(1), 0, 10).await, Err(ReadError::Corrupt(_))));
    assert!(matches!(store.read_all(None, 10).await, Err(ReadError::Corrupt(_))));
    assert_eq!(store.read_stream(&day(1), 3, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn no_log_is_made_where_none_is_wanted_or_where_one_was_lost() {
    let (_folder, path) = folder();
    let options = SqliteOptions { create: false, ..SqliteOptions::default() };
    let refusal = SqliteStore::open(&path, options).await.err().unwrap();
    assert!(matches!(refusal, OpenError::Missing(_)), "{refusal}");
    assert!(!path.exists());
    fs::write(path.with_file_name("events.db-wal"), [1; 100]).unwrap();
    let refusal = SqliteStore::open(&path, SqliteOptions::default()).await.err().unwrap();
    assert!(matches!(refusal, OpenError::Corrupt { .. }), "{refusal}");
    assert!(!path.exists());
}

#[tokio::test]
async fn what_an_interrupted_creation_left_is_no_obstacle() {
    let (_folder, path) = folder();
    fs::write(path.with_file_name("events.db.new"), b"half of a new log").unwrap();
    fs::write(path.with_file_name("events.db.new-journal"), b"and its journal").unwrap();
    let store = open(&path).await;
    fill(&store, &day(1), 1).await;
    assert!(!path.with_file_name("events.db.new").exists());
}

#[tokio::test]
async fn a_log_is_open_in_one_store_at_a_time() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    let second = SqliteStore::open(&path, SqliteOptions::default()).await.err().unwrap();
    assert!(matches!(second, OpenError::InUse(_)), "{second}");
    // The refused one has not disturbed the first one's locks.
    store.append(&day(1), Expected::NoStream, vec![event()]).await.unwrap();
    store.close().await;
    open(&path).await;
}
