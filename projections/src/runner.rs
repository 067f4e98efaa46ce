//! The runner of one projection: reads a page after the checkpoint, folds it, and moves rows and checkpoint in one
//! transaction.
//!
//! What a crash does: before COMMIT, nothing happened; after it, the page is applied and memory is loaded from the
//! rows at the next start. Events that arrive twice are left out by their position. A bad event stops this projection
//! alone, with everything before it applied; only an operator's [`quarantine`](Runner::quarantine) leaves it out.
//!
//! May not: read a clock for anything but health, skip an event unasked, or touch a checkpoint outside the
//! transaction of its rows.

use crate::checkpoint::{self, Checkpoint};
use crate::file::Db;
use crate::projection::{At, Rows, View, ViewError};
use crate::status::{ProjectionStatus, StopReason};
use booking_store::{EventStore, Position};
use futures::FutureExt;
use sqlx::Connection;
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How runners go about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunnerOptions {
    /// Events of one page, and so of one transaction. Default: 1,000.
    pub page: usize,
    /// Events of one page while the log is read again from its beginning. Default: 10,000.
    pub rebuild_page: usize,
    /// The log is asked at least so often. Default: a second.
    pub poll: Duration,
    /// Rows kept from page to page. Default: 2,000.
    pub warm_rows: usize,
}

/// Between two pages of more than [`CROWD`] events as many more are waited for: a transaction costs as much for one event
/// as for many. Whoever waits for what they have just written waits so much longer at most, and only under load.
const BREATH: Duration = Duration::from_millis(10);
/// So many events on a page are a load.
const CROWD: usize = 16;

/// Rows kept from page to page while a projection is far behind.
pub(crate) const REBUILD_ROWS: usize = 50_000;

impl Default for RunnerOptions {
    fn default() -> Self {
        Self { page: 1_000, rebuild_page: 10_000, poll: Duration::from_secs(1), warm_rows: 2_000 }
    }
}

/// What a step did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// There is more to read.
    More,
    /// The end of the log is reached, and it is growing fast.
    Crowd,
    /// The end of the log is reached.
    Idle,
}

/// Why a step did nothing.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    /// It is worth trying again.
    #[error("{0}")]
    Again(String),
    /// It is not.
    #[error(transparent)]
    Stop(#[from] StopReason),
}

impl From<ViewError> for Halt {
    fn from(error: ViewError) -> Self {
        let text = error.to_string();
        if error.is_damage() { Self::Stop(StopReason::Damaged(text)) } else { Self::Again(text) }
    }
}

impl From<sqlx::Error> for Halt {
    fn from(error: sqlx::Error) -> Self {
        ViewError::from(error).into()
    }
}

/// What the runner and a rebuild share; whoever holds it is the only one to move this projection.
pub(crate) struct Lane<V: View> {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) quarantined: HashSet<Position>,
    pub(crate) rows: Rows<V::Key, V::Row>,
    /// The end of the log was reached since the start. Until then pages are large, and indexes may be missing.
    caught_up: bool,
}

#[derive(Default)]
struct Health {
    head: Option<Position>,
    polled: Option<Instant>,
    stopped: Option<StopReason>,
    trouble: Option<String>,
    pub(crate) rebuilding: bool,
}

/// Feeds one projection.
pub struct Runner<V: View> {
    pub(crate) view: Arc<V>,
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) db: Arc<Db>,
    pub(crate) lane: Mutex<Lane<V>>,
    pub(crate) rebuild_lock: Mutex<()>,
    pub(crate) options: RunnerOptions,
    applied: watch::Sender<Option<Position>>,
    health: StdMutex<Health>,
    resume: Notify,
}

impl<V: View> Runner<V> {
    /// Registers the projection and loads what it keeps in memory from its rows.
    pub async fn open(
        view: Arc<V>,
        store: Arc<dyn EventStore>,
        db: Arc<Db>,
        options: RunnerOptions,
    ) -> Result<Self, ViewError> {
        let (checkpoint, quarantined) = {
            let mut writer = db.writer().await?;
            let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
            let (checkpoint, fresh) = checkpoint::register(&mut transaction, V::NAME, V::VERSION).await?;
            if fresh {
                V::TABLES.create(&mut transaction, checkpoint.generation).await?;
                V::TABLES.show(&mut transaction, checkpoint.generation).await?;
                // Another version left rows that this one may not be able to read.
                V::TABLES.drop_others(&mut transaction, checkpoint.generation).await?;
            }
            let quarantined = checkpoint::quarantined(&mut transaction, V::NAME).await?;
            transaction.commit().await?;
            (checkpoint, quarantined)
        };
        let Checkpoint { generation, position } = checkpoint;
        let mut reader = db.readers.acquire().await?;
        let at = At { generation, position, quarantined: &quarantined };
        view.install(view.load(&mut reader, at).await?);
        drop(reader);
        let (health, resume) = (StdMutex::default(), Notify::new());
        let rows = if position.is_none() { Rows::of_empty_generation() } else { Rows::default() };
        let lane = Mutex::new(Lane { checkpoint, quarantined, rows, caught_up: false });
        let rebuild_lock = Mutex::new(());
        Ok(Self { view, store, db, lane, rebuild_lock, options, applied: watch::Sender::new(position), health, resume })
    }

    /// Starts [`Runner::run`] as a task; should it break, the status says so.
    pub fn spawn(self: &Arc<Self>, stop: CancellationToken) -> JoinHandle<()> {
        let runner = Arc::clone(self);
        tokio::spawn(async move {
            if AssertUnwindSafe(runner.run(stop)).catch_unwind().await.is_err() {
                tracing::error!(projection = V::NAME, "a runner broke");
                runner.health().stopped = Some(StopReason::Broken("it panicked".to_owned()));
            }
        })
    }

    /// Runs until it is told to stop. A projection that stopped by itself waits here for an operator.
    pub async fn run(&self, stop: CancellationToken) {
        let mut news = self.store.new_events();
        let mut failures = 0_u32;
        while !stop.is_cancelled() {
            // Marked as seen before reading: what arrives meanwhile wakes the next wait.
            news.borrow_and_update();
            let begun = Instant::now();
            let pause = match self.step(&stop).await {
                Ok(Progress::More) => {
                    failures = 0;
                    continue;
                }
                Ok(Progress::Crowd) => {
                    failures = 0;
                    tokio::select! { () = stop.cancelled() => {}, () = tokio::time::sleep_until(begun + BREATH) => {} }
                    continue;
                }
                Ok(Progress::Idle) => {
                    failures = 0;
                    self.options.poll
                }
                Err(Halt::Again(problem)) => {
                    tracing::warn!(projection = V::NAME, problem, "a projection tries again");
                    self.health().trouble = Some(problem);
                    failures = (failures + 1).min(6);
                    let pause = Duration::from_millis(20 << failures).min(self.options.poll);
                    tokio::select! { () = stop.cancelled() => {}, () = tokio::time::sleep(pause) => {} }
                    continue;
                }
                Err(Halt::Stop(reason)) => {
                    tracing::error!(projection = V::NAME, %reason, "a projection stopped");
                    self.health().stopped = Some(reason);
                    self.stand_still(&stop).await;
                    continue;
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.resume.notified() => {}
                () = tokio::time::sleep(pause) => {}
                gone = news.changed() => if gone.is_err() { tokio::time::sleep(pause).await },
            }
        }
    }

    /// Waits for an operator, and goes on telling how far the log is.
    async fn stand_still(&self, stop: &CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.resume.notified() => if self.health().stopped.is_none() { return },
                () = tokio::time::sleep(self.options.poll) => {
                    if let Ok(head) = self.store.head().await {
                        self.health().head = head;
                    }
                }
            }
        }
    }

    /// Reads and applies one page. Not to be dropped halfway: its COMMIT may be on the disk and unknown here.
    pub async fn step(&self, stop: &CancellationToken) -> Result<Progress, Halt> {
        let (at, size, warm_rows) = {
            let Lane { checkpoint, caught_up, .. } = &*self.lane.lock().await;
            let RunnerOptions { page, warm_rows, rebuild_page, .. } = self.options;
            if *caught_up { (*checkpoint, page, warm_rows) } else { (*checkpoint, rebuild_page, REBUILD_ROWS) }
        };
        let page = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(Progress::Idle),
            page = self.store.read_all(at.position, size) => {
                page.map_err(|error| Halt::from(ViewError::Log(error.into())))?
            }
        };
        let head = if page.end { page.next } else { self.store.head().await.ok().flatten().max(page.next) };
        let mut lane = self.lane.lock().await;
        self.polled(head);
        if lane.checkpoint != at {
            // A rebuild switched meanwhile; the page is of another place.
            return Ok(Progress::More);
        }
        if page.next > at.position {
            let Lane { quarantined, rows, .. } = &mut *lane;
            // Taken out: if this is broken off, rows that were not committed are gone with it.
            let mut warm = std::mem::take(rows);
            let done = self.apply(at, quarantined, &mut warm, &page.events, page.next, true).await?;
            warm.settle(warm_rows);
            *rows = warm;
            lane.checkpoint.position = done.reached;
            self.applied.send_replace(done.reached);
            if let Some(bad) = done.bad {
                return Err(bad.into());
            }
        }
        if page.end && !lane.caught_up {
            self.make_indexes(at.generation).await?;
            lane.caught_up = true;
        }
        Ok(match page.end {
            true if page.events.len() > CROWD => Progress::Crowd,
            true => Progress::Idle,
            false => Progress::More,
        })
    }

    /// Makes the indexes that a generation has not, one at a time: other projections write between them.
    pub(crate) async fn make_indexes(&self, generation: i64) -> Result<(), sqlx::Error> {
        for sql in V::TABLES.indexes(generation) {
            sqlx::query(sql).persistent(false).execute(&mut *self.db.writer().await?).await?;
        }
        Ok(())
    }

    /// Waits until the projection has applied `position`; false: not within `timeout`.
    pub async fn wait_for(&self, position: Position, timeout: Duration) -> bool {
        let mut applied = self.applied.subscribe();
        let reached = applied.wait_for(|at| *at >= Some(position));
        matches!(tokio::time::timeout(timeout, reached).await, Ok(Ok(_)))
    }

    /// The last position that was applied.
    pub fn position(&self) -> Option<Position> {
        *self.applied.borrow()
    }

    /// Leaves out the event at which the projection stopped, for good, and goes on. Recorded with the reason.
    pub async fn quarantine(&self, position: Position, reason: &str) -> Result<(), QuarantineError> {
        if reason.trim().is_empty() {
            return Err(QuarantineError::NoReason);
        }
        let mut lane = self.lane.lock().await;
        match &self.health().stopped {
            Some(StopReason::BadEvent { position: at, .. }) if *at == position => {}
            _ => return Err(QuarantineError::NotStoppedThere),
        }
        checkpoint::quarantine(&mut *self.db.writer().await?, V::NAME, position, reason).await?;
        lane.quarantined.insert(position);
        drop(lane);
        tracing::warn!(projection = V::NAME, %position, reason, "an event is quarantined");
        self.go_on();
        Ok(())
    }

    /// Tries again from where it stopped.
    pub(crate) fn go_on(&self) {
        self.health().stopped = None;
        self.resume.notify_one();
    }

    pub(crate) fn show(&self, position: Option<Position>) {
        self.applied.send_replace(position);
    }

    pub(crate) fn set_rebuilding(&self, on: bool) {
        self.health().rebuilding = on;
    }

    /// How it is.
    pub fn status(&self) -> ProjectionStatus {
        let health = self.health();
        ProjectionStatus {
            name: V::NAME,
            version: V::VERSION,
            position: self.position(),
            head: health.head.max(self.position()),
            last_poll_age: health.polled.map(|at| at.elapsed()),
            stopped: health.stopped.clone(),
            rebuilding: health.rebuilding,
            trouble: health.trouble.clone(),
        }
    }

    fn polled(&self, head: Option<Position>) {
        let mut health = self.health();
        health.head = head;
        health.polled = Some(Instant::now());
        health.trouble = None;
    }

    fn health(&self) -> std::sync::MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why an event was not quarantined.
#[derive(Debug, thiserror::Error)]
pub enum QuarantineError {
    /// There is no projection of that name.
    #[error("there is no such projection")]
    UnknownProjection,
    /// It did not stop at that event.
    #[error("the projection did not stop at this event")]
    NotStoppedThere,
    /// Leaving an event out needs a reason.
    #[error("give a reason: it is recorded")]
    NoReason,
    /// The file of the views did not take it.
    #[error("the views: {0}")]
    Sql(#[from] sqlx::Error),
}
