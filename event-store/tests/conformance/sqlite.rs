//! The `SQLite` store: the suite, and what only a store with a writer and a disk can get wrong.

use crate::actors::{Dice, Subject, day, event, event_with, events, everything, fill, fresh_id, head, patient, stored};
use booking_domain::stream::StreamName;
use booking_store::{
    AppendError, EventStore, Expected, Fault, MemoryStore, NewEvent, Position, SqliteOptions, SqliteStore,
};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinSet;

/// A folder for a log.
pub fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("events.db");
    (folder, path)
}

/// Opens with the usual options.
pub async fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, SqliteOptions::default()).await.unwrap()
}

/// A connection that is not the store's.
pub async fn stranger(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).foreign_keys(false).connect().await.unwrap()
}

mod usual {
    use super::{Subject, folder, open};

    async fn make() -> Subject {
        let (folder, path) = folder();
        Subject::new(open(&path).await, folder)
    }

    crate::conformance!(make);
}

/// One append per transaction at most, one reader, a checkpoint all the time, and appends that arrive late.
mod cramped {
    use super::{Arc, Dice, Duration, Mutex, SqliteOptions, SqliteStore, Subject, folder};

    async fn make() -> Subject {
        let (folder, path) = folder();
        let dice = Mutex::new(Dice::cast("delays"));
        let options = SqliteOptions {
            batch: 1,
            queue: 1,
            readers: 1,
            checkpoint_frames: 1,
            delay: Some(Arc::new(move || Duration::from_micros(dice.lock().unwrap().below(300)))),
            ..SqliteOptions::default()
        };
        Subject::new(SqliteStore::open(&path, options).await.unwrap(), folder)
    }

    crate::conformance!(make);
}

#[tokio::test]
async fn the_linked_engine_does_not_have_the_wal_reset_bug() {
    let (_folder, path) = folder();
    let version = open(&path).await.engine_version().await.unwrap();
    let parts: Vec<u32> = version.split('.').map(|part| part.parse().unwrap()).collect();
    assert!(parts >= vec![3, 51, 3], "{version}");
}

/// `.cargo/config.toml` says how, and why.
#[tokio::test]
async fn the_linked_engine_is_compiled_so_that_connections_do_not_share_their_pages() {
    let (_folder, path) = folder();
    drop(open(&path).await);
    let options: Vec<String> =
        sqlx::query_scalar("PRAGMA compile_options").fetch_all(&mut stranger(&path).await).await.unwrap();
    assert!(options.iter().any(|option| option == "DEFAULT_MEMSTATUS=0"), "{options:?}");
    assert!(!options.iter().any(|option| option == "ENABLE_MEMORY_MANAGEMENT"), "{options:?}");
}

/// The memory store is simple enough to be believed; the other one has to answer like it, to the position.
///
/// What is asked: retries, parts of retries, late and early appends, several of them in one batch.
#[tokio::test]
async fn whatever_is_asked_the_answers_are_those_of_the_memory_store() {
    let mut dice = Dice::cast("memory and SQLite");
    let (_folder, path) = folder();
    let (mut store, model) = (open(&path).await, MemoryStore::new());
    let mut sent: Vec<(StreamName, Expected, Vec<NewEvent>)> = Vec::new();
    let (mut new, mut already, mut conflicts) = (0, 0, 0);
    for round in 0..150 {
        let mut asked = Vec::new();
        for _ in 0..=dice.below(12) {
            let earlier = sent.get(usize::try_from(dice.below(sent.len() as u64 + 1)).unwrap()).cloned();
            let (stream, mut expected, mut list) = match earlier.filter(|_| dice.below(2) == 0) {
                Some(earlier) => earlier,
                None => (day(dice.below(3)), Expected::NoStream, events(usize::try_from(dice.below(3)).unwrap() + 1)),
            };
            match dice.below(6) {
                0 => list.push(event()),
                1 => list.truncate(1),
                2 => expected = Expected::head(dice.below(80).checked_sub(1)),
                // Nearly always right, until another append of the same batch is there before it.
                _ if expected == Expected::NoStream => expected = Expected::head(head(&model, &stream).await),
                _ => {}
            }
            asked.push((stream, expected, list));
        }
        let answers = asked.iter().map(|(stream, expected, list)| store.append(stream, *expected, list.clone()));
        let answers = futures::future::join_all(answers).await;
        for ((stream, expected, list), answer) in asked.iter().zip(answers) {
            let wanted = model.append(stream, *expected, list.clone()).await;
            assert_eq!(answer, wanted, "round {round}: {stream} {expected:?} {} events", list.len());
            match answer {
                Ok(appended) if appended.already => already += 1,
                Ok(_) => new += 1,
                Err(_) => conflicts += 1,
            }
        }
        sent.extend(asked);
        if dice.below(30) == 0 {
            // What was in memory has to be found in the file.
            store.close().await;
            store = open(&path).await;
        }
    }
    assert_eq!(everything(&store, 100).await, model.all());
    assert!(new > 20 && already > 20 && conflicts > 20, "{new} {already} {conflicts}: too much of one kind");
}

/// Events come out of the file 256 at a time.
#[tokio::test]
async fn pages_are_whole_wherever_a_block_ends() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    let mut all = Vec::new();
    for first in (0..600).step_by(100) {
        let list = events(100);
        stored(store.append(&day(1), Expected::head(u64::checked_sub(first, 1)), list.clone()).await);
        all.extend(list);
    }
    store.close().await;
    // The last events would be found in memory.
    let store = open(&path).await;
    for from in [0, 1, 255, 256, 257, 511, 512, 599] {
        for limit in [1, 255, 256, 257, 511, 512, 513, 1_000] {
            let wanted: Vec<_> = all.iter().skip(from).take(limit).map(|event| &event.payload).collect();
            let (revision, position) = (from as u64, from as u64);
            let stream = store.read_stream(&day(1), revision, limit).await.unwrap();
            assert_eq!(stream.iter().map(|event| &event.payload).collect::<Vec<_>>(), wanted, "{from} {limit}");
            let page = store.read_all(Some(Position(position)), limit).await.unwrap();
            assert_eq!(page.events, stream, "{from} {limit}");
            assert_eq!(page.end, from + limit >= 600, "{from} {limit}");
        }
    }
}

#[tokio::test]
async fn a_log_that_is_opened_again_holds_what_it_held_and_goes_on() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    let lost = events(2);
    fill(&store, &day(1), 3).await;
    let before = stored(store.append(&day(2), Expected::NoStream, lost.clone()).await);
    let log = everything(&store, 10).await;
    store.close().await;

    let store = open(&path).await;
    assert_eq!(everything(&store, 10).await, log);
    assert_eq!(store.head().await.unwrap(), Some(before.position));
    let late = store.append(&day(1), Expected::Exact(1), vec![event()]).await;
    assert_eq!(late, Err(AppendError::WrongExpectedRevision { actual: Some(2) }));
    // The writer has forgotten the ids by now; the file has not.
    let again = store.append(&day(2), Expected::NoStream, lost.clone()).await.unwrap();
    assert!(again.already);
    assert_eq!(again.position, before.position);
    let partly = vec![lost[0].clone(), event()];
    let answer = store.append(&day(2), Expected::NoStream, partly).await;
    assert_eq!(answer, Err(AppendError::WrongExpectedRevision { actual: Some(1) }));
    let next = stored(store.append(&day(3), Expected::NoStream, vec![event()]).await);
    assert_eq!(next.position.0, before.position.0 + 1, "positions are dense");
}

#[tokio::test]
async fn a_store_that_goes_away_stores_what_was_queued_and_lets_the_next_one_open() {
    let (_folder, path) = folder();
    for round in 0..10_u64 {
        let store = open(&path).await;
        let name = day(1);
        // Dropped without waiting for its answer: it is stored all the same.
        let mut append = store.append(&name, Expected::head(round.checked_sub(1)), vec![event()]);
        assert!(futures::poll!(&mut append).is_pending());
        drop(append);
        store.close().await;
    }
    assert_eq!(head(&open(&path).await, &day(1)).await, Some(9));
}

/// A checkpoint that a runtime takes with it when it ends is no failure of the disk.
#[test]
fn a_runtime_that_ends_in_the_middle_of_everything_does_not_end_the_process() {
    for _ in 0..100 {
        let (_folder, path) = folder();
        let told = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&told);
        let options = SqliteOptions {
            checkpoint_frames: 1,
            on_fatal: Arc::new(move |why| listener.lock().unwrap().push(why.to_owned())),
            ..SqliteOptions::default()
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
        runtime.block_on(async {
            let store = SqliteStore::open(&path, options).await.unwrap();
            for writer in 0..8 {
                let store = store.clone();
                tokio::spawn(async move { fill(&store, &day(writer), 1_000_000).await });
            }
            while store.statistics().appends < 200 {
                tokio::task::yield_now().await;
            }
        });
        drop(runtime);
        assert_eq!(*told.lock().unwrap(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_closed_store_answers_instead_of_waiting() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    fill(&store, &day(1), 1).await;
    store.close().await;
    store.close().await;
    let late = store.append(&day(1), Expected::Exact(0), vec![event()]).await;
    assert!(matches!(late, Err(AppendError::Unavailable(_))), "{late:?}");
    assert!(store.read_stream(&day(1), 0, 10).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thirty_two_writers_and_their_readers_are_never_told_that_the_log_is_busy() {
    let (_folder, path) = folder();
    // A checkpoint after nearly every batch is what writers and readers would get in each other's way with.
    let store =
        SqliteStore::open(&path, SqliteOptions { checkpoint_frames: 8, ..SqliteOptions::default() }).await.unwrap();
    let mut tasks = JoinSet::new();
    for writer in 0..32 {
        let store = store.clone();
        tasks.spawn(async move {
            let name = day(writer);
            for revision in 0..40_u64 {
                let list = vec![event_with(fresh_id(), vec![7; 2_000])];
                stored(store.append(&name, Expected::head(revision.checked_sub(1)), list).await);
                assert_eq!(store.read_stream(&name, 0, usize::MAX).await.unwrap().len() as u64, revision + 1);
                store.read_all(None, 50).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let statistics = store.statistics();
    assert_eq!((statistics.appends, statistics.rows), (32 * 40, 32 * 40));
    assert_eq!((statistics.rollbacks, statistics.conflicts), (0, 0));
    assert!(statistics.checkpoints > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_who_wait_at_the_same_time_share_one_commit() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    let mut tasks = JoinSet::new();
    for writer in 0..64 {
        let store = store.clone();
        tasks.spawn(async move { fill(&store, &day(writer), 20).await });
    }
    tasks.join_all().await;
    let statistics = store.statistics();
    assert_eq!(statistics.appends, 64 * 20);
    assert!(statistics.batches * 2 < statistics.appends, "{statistics:?}");
    assert!(statistics.last_commit_micros > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_bytes_than_fit_into_one_batch_are_stored_in_several() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    let mut tasks = JoinSet::new();
    for writer in 0..20 {
        let store = store.clone();
        tasks.spawn(async move {
            let list = vec![event_with(fresh_id(), vec![1; 900_000])];
            stored(store.append(&day(writer), Expected::NoStream, list).await);
        });
    }
    tasks.join_all().await;
    assert!(store.statistics().batches >= 20 * 900_000 / 4_000_000);
    // Pages end by their bytes, too.
    let page = store.read_all(None, usize::MAX).await.unwrap();
    assert_eq!((page.events.len(), page.end), (20, true));
}

#[tokio::test]
async fn nobody_updates_deletes_or_replaces_what_was_logged() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    fill(&store, &day(1), 3).await;
    let log = everything(&store, 10).await;
    let mut stranger = stranger(&path).await;
    for attempt in [
        "UPDATE events SET payload = x'00'",
        "UPDATE events SET revision = revision + 10 WHERE position = 2",
        "DELETE FROM events",
        "DELETE FROM events WHERE position = 3",
        "INSERT OR REPLACE INTO events SELECT position, stream, revision, event_id, type, metadata, x'00' FROM events",
        "REPLACE INTO events SELECT position + 10, stream, revision, event_id, type, metadata, x'00' FROM events",
        "UPDATE streams SET name = 'patient-00'",
        "DELETE FROM streams",
        "REPLACE INTO streams SELECT id, 'patient-00' FROM streams",
        "REPLACE INTO streams SELECT id + 10, name FROM streams",
        "UPDATE event_types SET name = 'other.v1'",
        "DELETE FROM event_types",
        "REPLACE INTO event_types SELECT id, 'other.v1' FROM event_types",
    ] {
        let refused = sqlx::query(attempt).execute(&mut stranger).await.unwrap_err().to_string();
        assert!(refused.contains("the log is append-only"), "{attempt}: {refused}");
    }
    assert_eq!(everything(&store, 10).await, log);
}

#[tokio::test]
async fn a_row_written_behind_the_store_s_back_costs_nobody_his_append() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    fill(&store, &day(1), 1).await;
    fill(&store, &day(2), 1).await;
    let mut stranger = stranger(&path).await;
    let row =
        "INSERT INTO events SELECT 3, stream, 1, event_id, type, metadata, payload FROM events WHERE position = 1";
    sqlx::query(row).execute(&mut stranger).await.unwrap();
    stranger.close().await.unwrap();
    let (one, two) = (day(1), day(2));
    let (late, fine) = tokio::join!(
        store.append(&one, Expected::Exact(0), vec![event()]),
        store.append(&two, Expected::Exact(0), vec![event()]),
    );
    assert_eq!(late, Err(AppendError::WrongExpectedRevision { actual: Some(1) }));
    assert_eq!(stored(fine).position.0, 4);
    assert_eq!(store.statistics().rollbacks, 1);
    assert_eq!(everything(&store, 2).await.len(), 4);
}

#[tokio::test]
async fn a_full_disk_stores_nothing_says_so_and_is_forgotten_when_there_is_room() {
    let (_folder, path) = folder();
    let store =
        SqliteStore::open(&path, SqliteOptions { max_pages: Some(40), ..SqliteOptions::default() }).await.unwrap();
    let (name, mut count) = (day(1), 0_u64);
    let big = || vec![event_with(fresh_id(), vec![9; 10_000])];
    loop {
        match store.append(&name, Expected::head(count.checked_sub(1)), big()).await {
            Ok(_) => count += 1,
            Err(error) => {
                assert_eq!(error, AppendError::Full);
                break;
            }
        }
    }
    assert!(count > 3);
    assert_eq!(head(&store, &name).await, Some(count - 1));
    assert_eq!(store.append(&name, Expected::Exact(count - 1), big()).await, Err(AppendError::Full));
    // A small one still fits.
    stored(store.append(&name, Expected::Exact(count - 1), vec![event()]).await);
    store.close().await;

    let store = open(&path).await;
    stored(store.append(&name, Expected::Exact(count), big()).await);
    assert_eq!(everything(&store, 10).await.len() as u64, count + 2);
}

/// Opens with this fault, and notes what the store says when it must not go on.
async fn open_with(path: &Path, fault: Fault) -> (SqliteStore, Arc<Mutex<Vec<String>>>) {
    let said = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&said);
    let options = SqliteOptions {
        fault: Some(fault),
        checkpoint_frames: 1,
        on_fatal: Arc::new(move |why| listener.lock().unwrap().push(why.to_owned())),
        ..SqliteOptions::default()
    };
    (SqliteStore::open(path, options).await.unwrap(), said)
}

#[tokio::test]
async fn a_commit_of_unknown_outcome_stops_the_store_and_the_retry_finds_what_was_stored() {
    // The first append of a stream is a transaction; a later one is an INSERT that commits by itself.
    for expected in [Expected::NoStream, Expected::Exact(1)] {
        let (_folder, path) = folder();
        let store = open(&path).await;
        if expected != Expected::NoStream {
            store.append(&day(1), Expected::NoStream, events(2)).await.unwrap();
        }
        let head = store.head().await.unwrap();
        store.close().await;
        let (store, said) = open_with(&path, Fault::CommitOutcomeUnknown).await;
        let list = events(2);
        let unknown = store.append(&day(1), expected, list.clone()).await;
        assert!(matches!(unknown, Err(AppendError::Unavailable(_))), "{unknown:?}");
        assert_eq!(said.lock().unwrap().len(), 1);
        let after = store.append(&day(2), Expected::NoStream, vec![event()]).await;
        assert!(matches!(after, Err(AppendError::Unavailable(_))), "{after:?}");
        assert_eq!(store.head().await.unwrap(), head, "shown before it is known");
        store.close().await;

        let store = open(&path).await;
        assert!(store.append(&day(1), expected, list).await.unwrap().already);
        store.close().await;
    }
}

#[tokio::test]
async fn nothing_that_rests_on_an_append_is_answered_before_its_commit() {
    for _ in 0..10 {
        let (_folder, path) = folder();
        let (store, _said) = open_with(&path, Fault::CommitOutcomeUnknown).await;
        let (name, list) = (day(1), events(2));
        // One batch: an append, its retry, one that comes too late for it, and one that follows it.
        let answers = futures::future::join_all([
            store.append(&name, Expected::NoStream, list.clone()),
            store.append(&name, Expected::NoStream, list),
            store.append(&name, Expected::NoStream, events(1)),
            store.append(&name, Expected::Exact(1), events(1)),
        ]);
        for answer in answers.await {
            assert!(matches!(answer, Err(AppendError::Unavailable(_))), "{answer:?}");
        }
        store.close().await;
    }
}

#[tokio::test]
async fn a_failed_fsync_of_a_checkpoint_stops_the_store() {
    let (_folder, path) = folder();
    let (store, said) = open_with(&path, Fault::CheckpointFsyncFails).await;
    let mut appends = 0;
    while said.lock().unwrap().is_empty() {
        let list = vec![event_with(fresh_id(), vec![9; 100_000])];
        let answer = store.append(&patient(appends), Expected::NoStream, list).await;
        assert!(answer.is_ok() || !said.lock().unwrap().is_empty(), "{answer:?}");
        appends += 1;
    }
    let after = store.append(&day(2), Expected::NoStream, vec![event()]).await;
    assert!(matches!(after, Err(AppendError::Unavailable(_))), "{after:?}");
}

#[tokio::test]
async fn the_planted_fault_of_early_acknowledgement_still_stores_what_it_acknowledged_if_nothing_crashes() {
    let (_folder, path) = folder();
    let store =
        SqliteStore::open(&path, SqliteOptions { fault: Some(Fault::AckBeforeCommit), ..SqliteOptions::default() })
            .await
            .unwrap();
    fill(&store, &day(1), 5).await;
    store.close().await;
    assert_eq!(head(&open(&path).await, &day(1)).await, Some(4));
}
