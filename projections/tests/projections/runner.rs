//! What a runner promises: one transaction for rows and checkpoint, fences, bad events, health.

use crate::support::*;
use async_trait::async_trait;
use booking_domain::stream::StreamName;
use booking_projections::{
    At, Db, Envelope, Halt, Progress, QuarantineError, Rows, Runner, RunnerOptions, StopReason, Tables, View,
    ViewError, in_generation,
};
use booking_store::{AppendError, Appended, EventStore, Expected, NewEvent, Page, Position, ReadError, Recorded};
use sqlx::SqliteConnection;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Counts events by the slot they open, in a table of its own; breaks when it is told to. It may write `LATER`.
#[derive(Default)]
struct Fragile<const LATER: bool = false> {
    fail_after_writing: AtomicBool,
    panic_at: Mutex<Option<u64>>,
    shown: Mutex<Vec<(u64, u64)>>,
    folded: AtomicUsize,
}

#[async_trait]
impl<const LATER: bool> View for Fragile<LATER> {
    const NAME: &'static str = "fragile";
    const VERSION: u32 = 1;
    const CATEGORIES: &'static [&'static str] = &["agendaday"];
    const TABLES: Tables =
        Tables { names: &["fragile"], sql: "CREATE TABLE fragile_@ (key INTEGER PRIMARY KEY, count INTEGER) STRICT;" };
    const DEFERRED: bool = LATER;
    type Event = Envelope;
    type Key = u64;
    type Row = u64;
    type Loaded = ();
    fn keys(&self, event: &Envelope) -> Vec<u64> {
        vec![event.revision() % 3]
    }
    fn fold(&self, event: &Envelope, rows: &mut Rows<u64, u64>) -> Result<(), String> {
        self.folded.fetch_add(1, Ordering::SeqCst);
        *rows.change_or(&(event.revision() % 3), || 0) += 1;
        let panic_at = *self.panic_at.lock().unwrap();
        assert_ne!(Some(event.revision()), panic_at, "told to");
        Ok(())
    }
    async fn read(&self, c: &mut SqliteConnection, at: At<'_>, key: &u64) -> Result<Option<u64>, ViewError> {
        let sql = in_generation("SELECT count FROM fragile_@ WHERE key = ?", at.generation);
        let row: Option<i64> = sqlx::query_scalar(sql).bind(i64::try_from(*key).unwrap()).fetch_optional(c).await?;
        Ok(row.map(|n| u64::try_from(n).unwrap()))
    }
    async fn write(&self, c: &mut SqliteConnection, generation: i64, rows: &[(&u64, &u64)]) -> Result<(), ViewError> {
        for (key, count) in rows {
            let sql = in_generation("INSERT OR REPLACE INTO fragile_@ VALUES (?, ?)", generation);
            let query = sqlx::query(sql).bind(i64::try_from(**key).unwrap());
            query.bind(i64::try_from(**count).unwrap()).execute(&mut *c).await?;
        }
        if self.fail_after_writing.load(Ordering::SeqCst) {
            return Err(sqlx::Error::PoolClosed.into());
        }
        Ok(())
    }
    async fn count(&self, c: &mut SqliteConnection, generation: i64) -> Result<i64, ViewError> {
        let sql = in_generation("SELECT coalesce(sum(count), 0) FROM fragile_@", generation);
        Ok(sqlx::query_scalar(sql).fetch_one(c).await?)
    }
    async fn publish(&self, rows: &[(&u64, &u64)]) {
        self.shown.lock().unwrap().extend(rows.iter().map(|(k, n)| (**k, **n)));
    }
}

async fn runner_over(path: &Path, store: Arc<dyn EventStore>) -> (Arc<Fragile>, Arc<Db>, Runner<Fragile>) {
    runner_that_writes(path, store).await
}

/// The same for a view that writes `LATER`.
async fn runner_that_writes<const LATER: bool>(
    path: &Path,
    store: Arc<dyn EventStore>,
) -> (Arc<Fragile<LATER>>, Arc<Db>, Runner<Fragile<LATER>>) {
    let (view, db) = (Arc::new(Fragile::default()), Arc::new(Db::open(path).await.unwrap()));
    let runner = Runner::open(Arc::clone(&view), store, Arc::clone(&db), options()).await.unwrap();
    (view, db, runner)
}

/// What the rows add up to, read beside the runner.
async fn total(path: &Path) -> i64 {
    use sqlx::{Connection, SqliteConnection};
    let mut c = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::query_scalar("SELECT coalesce(sum(count), 0) FROM fragile").fetch_one(&mut c).await.unwrap()
}

async fn events(log: &Log, n: u64) -> Vec<Position> {
    let mut positions = vec![];
    for k in 0..n {
        positions.push(log.on_day(1, monday(), published(k, 1, monday(), facts(monday(), 9, 1, 20))).await);
    }
    positions
}

async fn run_to_the_end<const LATER: bool>(runner: &Runner<Fragile<LATER>>) -> Result<(), Halt> {
    while runner.step(&CancellationToken::new()).await? == Progress::More {}
    Ok(())
}

fn stopped_at(halt: Result<(), Halt>) -> StopReason {
    match halt {
        Err(Halt::Stop(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

/// A log that counts how it is read, and may deliver events again.
struct Spy {
    log: Log,
    read: AtomicUsize,
    again: bool,
    down: AtomicBool,
}

#[async_trait]
impl EventStore for Spy {
    async fn append(&self, s: &StreamName, e: Expected, n: Vec<NewEvent>) -> Result<Appended, AppendError> {
        self.log.store.append(s, e, n).await
    }
    async fn read_stream(&self, s: &StreamName, from: u64, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.log.store.read_stream(s, from, limit).await
    }
    async fn read_all(&self, after: Option<Position>, limit: usize) -> Result<Page, ReadError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(ReadError::Unavailable("down".into()));
        }
        let mut page = self.log.store.read_all(after, limit).await?;
        self.read.fetch_add(page.events.len(), Ordering::SeqCst);
        if self.again {
            let before = self.log.store.read_all(None, 3).await?.events;
            page.events = before.into_iter().chain(page.events.clone()).chain(page.events).collect();
        }
        Ok(page)
    }
    async fn head(&self) -> Result<Option<Position>, ReadError> {
        self.log.store.head().await
    }
    fn new_events(&self) -> tokio::sync::watch::Receiver<u64> {
        self.log.store.new_events()
    }
}

fn spy(log: &Log, again: bool) -> Arc<Spy> {
    Arc::new(Spy { log: log.clone(), read: AtomicUsize::new(0), again, down: AtomicBool::new(false) })
}

#[tokio::test]
async fn the_checkpoint_reaches_the_head_of_a_log_that_has_nothing_for_it_and_a_restart_reads_nothing_again() {
    let (folder, log) = (folder(), Log::new());
    let head = log.clinic(3).await;
    let path = folder.path().join("views.db");
    let store = spy(&log, false);
    {
        let (view, _db, runner) = runner_over(&path, store.clone()).await;
        run_to_the_end(&runner).await.unwrap();
        assert_eq!(runner.position(), Some(head));
        assert_eq!(view.folded.load(Ordering::SeqCst), 0);
        assert!(runner.status().is_current());
        // As at the end of its task, or a second later.
        runner.save().await.unwrap();
    }
    let read = store.read.load(Ordering::SeqCst);
    let (_, _db, runner) = runner_over(&path, store.clone()).await;
    run_to_the_end(&runner).await.unwrap();
    assert_eq!((runner.position(), store.read.load(Ordering::SeqCst)), (Some(head), read));
}

#[tokio::test]
async fn rows_and_checkpoint_move_together_and_a_break_between_them_is_as_if_nothing_had_happened() {
    let (folder, log) = (folder(), Log::new());
    let positions = events(&log, 20).await;
    let path = folder.path().join("views.db");
    let (view, _db, runner) = runner_over(&path, log.store()).await;
    runner.step(&CancellationToken::new()).await.unwrap();
    assert_eq!((runner.position(), total(&path).await), (Some(positions[6]), 7));

    view.fail_after_writing.store(true, Ordering::SeqCst);
    assert!(matches!(run_to_the_end(&runner).await, Err(Halt::Again(_))));
    assert_eq!((runner.position(), total(&path).await), (Some(positions[6]), 7));
    assert_eq!(view.shown.lock().unwrap().iter().map(|(_, n)| n).sum::<u64>(), 7);

    view.fail_after_writing.store(false, Ordering::SeqCst);
    run_to_the_end(&runner).await.unwrap();
    assert_eq!((runner.position(), total(&path).await), (Some(positions[19]), 20));
}

#[tokio::test]
async fn of_two_runners_on_one_file_the_second_is_fenced_and_nothing_is_counted_twice() {
    let (folder, log) = (folder(), Log::new());
    events(&log, 10).await;
    let path = folder.path().join("views.db");
    let (_, _db1, first) = runner_over(&path, log.store()).await;
    let (_, _db2, second) = runner_over(&path, log.store()).await;
    first.step(&CancellationToken::new()).await.unwrap();
    assert_eq!(stopped_at(run_to_the_end(&second).await), StopReason::Fenced);
    run_to_the_end(&first).await.unwrap();
    assert_eq!(total(&path).await, 10);
}

#[tokio::test]
async fn events_that_are_delivered_again_change_nothing() {
    let (folder, log) = (folder(), Log::new());
    events(&log, 20).await;
    let path = folder.path().join("views.db");
    let (_, _db, runner) = runner_over(&path, spy(&log, true)).await;
    run_to_the_end(&runner).await.unwrap();
    assert_eq!(total(&path).await, 20);
}

#[tokio::test]
async fn a_panic_in_a_fold_is_a_bad_event_that_leaves_no_half_of_itself() {
    let (folder, log) = (folder(), Log::new());
    let positions = events(&log, 10).await;
    let path = folder.path().join("views.db");
    let (view, _db, runner) = runner_over(&path, log.store()).await;
    *view.panic_at.lock().unwrap() = Some(4);
    let reason = stopped_at(run_to_the_end(&runner).await);
    assert!(matches!(&reason, StopReason::BadEvent { position, event_type, .. }
        if *position == positions[4] && event_type == "slot-published.v1"));
    assert_eq!((runner.position(), total(&path).await), (Some(positions[3]), 4));
    // A newer release that can fold it goes on from there.
    *view.panic_at.lock().unwrap() = None;
    run_to_the_end(&runner).await.unwrap();
    assert_eq!(total(&path).await, 10);
}

#[tokio::test]
async fn rows_that_are_written_later_are_shown_at_once_and_a_crash_before_loses_nothing() {
    let (folder, log) = (folder(), Log::new());
    let positions = events(&log, 20).await;
    let path = folder.path().join("views.db");
    {
        let (view, _db, runner) = runner_that_writes::<true>(&path, log.store()).await;
        runner.step(&CancellationToken::new()).await.unwrap();
        assert_eq!((runner.position(), total(&path).await), (Some(positions[6]), 0));
        assert_eq!(view.shown.lock().unwrap().iter().map(|(_, n)| n).sum::<u64>(), 7);
        runner.save().await.unwrap();
        assert_eq!(total(&path).await, 7);
        run_to_the_end(&runner).await.unwrap();
        assert_eq!((runner.position(), total(&path).await), (Some(positions[19]), 7));
    }
    let (view, _db, runner) = runner_that_writes::<true>(&path, log.store()).await;
    assert_eq!(runner.position(), Some(positions[6]));
    run_to_the_end(&runner).await.unwrap();
    assert_eq!(view.folded.load(Ordering::SeqCst), 13, "only what was not written is read again");
    // Nothing is new: then it is written.
    assert_eq!(runner.step(&CancellationToken::new()).await.unwrap(), Progress::Idle);
    assert_eq!((runner.position(), total(&path).await), (Some(positions[19]), 20));
}

#[tokio::test]
async fn rows_that_cannot_be_written_later_are_made_again_from_the_log() {
    let (folder, log) = (folder(), Log::new());
    events(&log, 20).await;
    let path = folder.path().join("views.db");
    let (view, _db, runner) = runner_that_writes::<true>(&path, log.store()).await;
    let runner = Arc::new(runner);
    run_to_the_end(&runner).await.unwrap();
    view.fail_after_writing.store(true, Ordering::SeqCst);
    assert!(matches!(runner.save().await, Err(Halt::Again(_))));
    view.fail_after_writing.store(false, Ordering::SeqCst);
    // What was shown is not there for somebody who reads the rows now: they are told so, and not given older ones.
    let patience = Duration::from_secs(5);
    assert!(!runner.write_waiting(patience).await);
    runner.step(&CancellationToken::new()).await.unwrap();
    assert!(!runner.write_waiting(patience).await);
    run_to_the_end(&runner).await.unwrap();
    assert!(runner.write_waiting(patience).await);
    assert_eq!(total(&path).await, 20);
}

#[tokio::test]
async fn a_panic_in_a_fold_leaves_no_half_of_itself_in_rows_that_are_written_later() {
    let (folder, log) = (folder(), Log::new());
    let positions = events(&log, 20).await;
    let path = folder.path().join("views.db");
    let (view, _db, runner) = runner_that_writes::<true>(&path, log.store()).await;
    // On the second page: the rows of the first are not on the disk yet.
    *view.panic_at.lock().unwrap() = Some(10);
    let reason = stopped_at(run_to_the_end(&runner).await);
    assert!(matches!(&reason, StopReason::BadEvent { position, .. } if *position == positions[10]), "{reason:?}");
    assert_eq!((runner.position(), total(&path).await), (Some(positions[9]), 10));
    *view.panic_at.lock().unwrap() = None;
    run_to_the_end(&runner).await.unwrap();
    runner.save().await.unwrap();
    assert_eq!(total(&path).await, 20);
}

#[tokio::test]
async fn of_two_runners_that_write_later_the_second_is_fenced() {
    let (folder, log) = (folder(), Log::new());
    events(&log, 10).await;
    let path = folder.path().join("views.db");
    let (_, _db1, first) = runner_that_writes::<true>(&path, log.store()).await;
    let (_, _db2, second) = runner_that_writes::<true>(&path, log.store()).await;
    run_to_the_end(&first).await.unwrap();
    run_to_the_end(&second).await.unwrap();
    first.save().await.unwrap();
    assert_eq!(stopped_at(second.save().await), StopReason::Fenced);
    assert_eq!(total(&path).await, 10);
}

#[tokio::test]
async fn a_bad_event_stops_its_projection_alone_and_a_quarantine_leaves_out_exactly_it() {
    let (folder, log) = (folder(), Log::new());
    log.clinic(1).await;
    let path = folder.path().join("views.db");
    let views = views(&path, &log).await;
    let open = |n: u64| published(n, 1, monday(), facts(monday(), 9, 1, 20));
    let before = log.on_day(1, monday(), open(1)).await;
    let day = StreamName::agenda_day(agenda(1), monday());
    let bad = log.raw(&day, "slot-published.v1", vec![1, 2, 3]).await;
    log.on_day(1, monday(), open(2)).await;
    let demand = log.clinic_and_demand().await;

    assert!(views.wait_for("clinics", demand, PATIENCE).await);
    assert!(views.wait_for("demand", demand, PATIENCE).await);
    for name in ["availability", "agenda", "appointments"] {
        assert!(views.wait_for(name, before, PATIENCE).await);
        assert!(!views.wait_for(name, bad, Duration::from_millis(100)).await);
        let status = views.status().into_iter().find(|s| s.name == name).unwrap();
        assert!(!status.is_healthy(PATIENCE));
        assert!(matches!(status.stopped, Some(StopReason::BadEvent { position, event_type, .. })
            if position == bad && event_type == "slot-published.v1"));
    }
    assert_eq!(views.availability.day(agenda(1), monday()).unwrap().slots.len(), 1);

    assert!(matches!(views.quarantine("availability", bad, " ").await, Err(QuarantineError::NoReason)));
    assert!(matches!(views.quarantine("availability", before, "no").await, Err(QuarantineError::NotStoppedThere)));
    assert!(matches!(views.quarantine("clinics", bad, "no").await, Err(QuarantineError::NotStoppedThere)));
    views.quarantine("availability", bad, "written by a broken import").await.unwrap();
    assert!(views.wait_for("availability", demand, PATIENCE).await);
    assert_eq!(views.availability.day(agenda(1), monday()).unwrap().slots.len(), 2);
    assert!(!views.wait_for("agenda", bad, Duration::from_millis(100)).await, "the others still stand");
    views.close().await;

    // It is remembered, by a restart and by a rebuild.
    let views = open_again(&path, &log).await;
    assert!(views.wait_for("availability", demand, PATIENCE).await);
    views.rebuild("availability", &CancellationToken::new()).await.unwrap();
    assert_eq!(views.availability.day(agenda(1), monday()).unwrap().slots.len(), 2);
    views.close().await;
}

async fn open_again(path: &Path, log: &Log) -> booking_projections::Views {
    let views = open(path, log).await;
    views.start();
    views
}

#[tokio::test]
async fn a_type_that_nobody_knows_stops_only_the_projections_that_read_its_category() {
    let (folder, log) = (folder(), Log::new());
    log.clinic(1).await;
    let views = views(&folder.path().join("views.db"), &log).await;
    let unknown = log.raw(&StreamName::clinic(clinic()), "clinic-painted.v1", vec![]).await;
    let head = log.on_day(1, monday(), published(1, 1, monday(), facts(monday(), 9, 1, 20))).await;
    for name in ["availability", "agenda", "appointments", "patients", "demand"] {
        assert!(views.wait_for(name, head, PATIENCE).await, "{name}");
    }
    assert!(!views.wait_for("clinics", unknown, Duration::from_millis(100)).await);
    assert!(views.clinics.clinic(clinic()).is_some());
    views.quarantine("clinics", unknown, "of a newer release").await.unwrap();
    assert!(views.wait_for("clinics", head, PATIENCE).await);
    views.close().await;
    // The clinic's stream is folded again at the start, without the event.
    let views = open(&folder.path().join("views.db"), &log).await;
    assert!(views.clinics.clinic(clinic()).is_some());
}

#[tokio::test]
async fn health_tells_the_time_since_the_last_answer_of_the_log_and_not_that_a_task_exists() {
    let (folder, log) = (folder(), Log::new());
    events(&log, 2).await;
    let store = spy(&log, false);
    let (_, _db, runner) = runner_over(&folder.path().join("views.db"), store.clone()).await;
    assert!(!runner.status().is_healthy(PATIENCE), "it never asked");
    let (runner, stop) = (Arc::new(runner), CancellationToken::new());
    let (task, token) = (Arc::clone(&runner), stop.clone());
    let running = tokio::spawn(async move { task.run(token).await });
    assert!(runner.wait_for(log.head().await, PATIENCE).await);
    store.down.store(true, Ordering::SeqCst);
    let patience = Duration::from_millis(300);
    while runner.status().is_healthy(patience) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(runner.status().trouble.unwrap().contains("down"));
    store.down.store(false, Ordering::SeqCst);
    while !runner.status().is_healthy(patience) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn waiting_for_a_position_ends_when_it_is_applied_the_time_is_up_or_the_views_are_closed() {
    let (folder, log) = (folder(), Log::new());
    let options = RunnerOptions { poll: Duration::from_hours(1), ..options() };
    let path = folder.path().join("views.db");
    let views = booking_projections::Views::open(&path, log.store(), Arc::new(Opener), options).await.unwrap();
    views.start();
    assert!(!views.wait_for_all(Position(7), Duration::from_millis(50)).await);
    // Woken by the log itself: the next poll is an hour away.
    let position = log.on_day(1, monday(), published(1, 1, monday(), facts(monday(), 9, 1, 20))).await;
    assert!(views.wait_for_all(position, PATIENCE).await);
    assert_eq!(views.position(), Some(position));
    let (far, begun) = (Position(position.0 + 1_000), tokio::time::Instant::now());
    let waits =
        async { views.wait_for_all(far, PATIENCE * 10).await || views.wait_for("agenda", far, PATIENCE * 10).await };
    let (reached, ()) = tokio::join!(waits, views.close());
    assert!(!reached && begun.elapsed() < PATIENCE * 5, "{:?}", begun.elapsed());
    assert!(views.wait_for_all(position, PATIENCE).await, "what was applied stays so");
}

impl Log {
    /// Something for the projections that read no agenda-day.
    async fn clinic_and_demand(&self) -> Position {
        use booking_domain::demand::{DemandCounted, DemandEvent};
        use booking_domain::values::{DemandReason, ViewerClass};
        let stream = StreamName::demand(clinic(), monday(), uuid::Uuid::from_bytes([4; 16]));
        let counted = DemandCounted {
            clinic: clinic(),
            service: Some(service()),
            reason: DemandReason::Taken,
            viewer: ViewerClass::Recognized,
            count: 3,
            from: now(),
            until: now().plus_minutes(1),
        };
        self.happen(&stream, DemandEvent::DemandCounted(counted)).await
    }
}
