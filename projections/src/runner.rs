//! The runner of one projection: reads a page of the log, folds it, and moves rows and checkpoint in one transaction:
//! at once, or where a view may put it off ([`View::DEFERRED`]) and where a page changed no row, with later pages.
//!
//! What a crash does: before COMMIT, nothing happened; after it, the page is applied and memory is loaded from the
//! rows at the next start. What was put off is read from the log again. Events that arrive twice are left out by their
//! position. A bad event stops this projection alone, with everything before it applied; only an operator's
//! [`quarantine`](Runner::quarantine) leaves it out.
//!
//! May not: read a clock for anything but health, skip an event unasked, or touch a checkpoint outside the
//! transaction of its rows.

use crate::apply::Unfolded;
use crate::checkpoint::{self, Checkpoint};
use crate::file::{Db, Waiting};
use crate::pace::{Progress, REBUILD_ROWS, RunnerOptions, SAVE_WITHIN};
use crate::projection::{At, Rows, View, ViewError};
use crate::status::{ProjectionStatus, StopReason};
use async_trait::async_trait;
use booking_store::{EventStore, Page, Position};
use futures::FutureExt;
use sqlx::Connection;
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

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
    /// What is on the disk.
    pub(crate) checkpoint: Checkpoint,
    /// How far the rows in memory have come.
    reached: Option<Position>,
    saved_at: Instant,
    /// A fold failed on rows that were not on the disk yet: until it is found, every page is written.
    careful: bool,
    pub(crate) quarantined: HashSet<Position>,
    pub(crate) rows: Rows<V::Key, V::Row>,
    /// The end of the log was reached since the start. Until then pages are large, and indexes may be missing.
    caught_up: bool,
}

impl<V: View> Lane<V> {
    /// Goes on from another generation of rows.
    pub(crate) fn start_from(&mut self, checkpoint: Checkpoint) {
        (self.checkpoint, self.reached, self.rows) = (checkpoint, checkpoint.position, Rows::default());
    }
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
    /// Rows that were shown are not written yet.
    waiting: AtomicBool,
    health: StdMutex<Health>,
    resume: Notify,
    /// Where its tasks run: where it was opened.
    pub(crate) tasks: Handle,
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
        let (saved_at, careful, caught_up) = (Instant::now(), false, false);
        let lane = Mutex::new(Lane { checkpoint, reached: position, saved_at, careful, quarantined, rows, caught_up });
        let rebuild_lock = Mutex::new(());
        let (applied, waiting, tasks) = (watch::Sender::new(position), AtomicBool::new(false), Handle::current());
        Ok(Self { view, store, db, lane, rebuild_lock, options, applied, waiting, health, resume, tasks })
    }

    /// Starts [`Runner::run`] as a task; should it break, the status says so.
    pub fn spawn(self: &Arc<Self>, stop: CancellationToken) -> JoinHandle<()> {
        let runner = Arc::clone(self);
        self.tasks.spawn(async move {
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
            let breath = match self.step(&stop).await {
                Ok(Progress::More) => {
                    failures = 0;
                    continue;
                }
                Ok(progress) => progress.breath(V::DEFERRED),
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
            failures = 0;
            tokio::select! { () = stop.cancelled() => {}, () = tokio::time::sleep_until(begun + breath) => {} }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.resume.notified() => {}
                () = tokio::time::sleep(self.options.poll) => {}
                gone = news.changed() => if gone.is_err() { tokio::time::sleep(self.options.poll).await },
            }
        }
        if let Err(problem) = self.save().await {
            tracing::warn!(projection = V::NAME, %problem, "rows were not written; the next start makes them again");
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
        let (generation, from, size) = {
            let Lane { checkpoint, reached, caught_up, .. } = &*self.lane.lock().await;
            let RunnerOptions { page, rebuild_page, .. } = self.options;
            (checkpoint.generation, *reached, if *caught_up { page } else { rebuild_page })
        };
        let page = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(Progress::Idle),
            page = self.store.read_all(from, size) => {
                page.map_err(|error| Halt::from(ViewError::Log(error.into())))?
            }
        };
        let head = if page.end { page.next } else { self.store.head().await.ok().flatten().max(page.next) };
        let mut lane = self.lane.lock().await;
        self.polled(head);
        if (lane.checkpoint.generation, lane.reached) != (generation, from) {
            // A rebuild switched meanwhile; the page is of another place.
            return Ok(Progress::More);
        }
        if page.next > from && !self.take_in(&mut lane, &page).await? {
            return Ok(Progress::More);
        }
        if page.events.is_empty() || lane.saved_at.elapsed() >= SAVE_WITHIN {
            self.save_lane(&mut lane).await?;
        }
        if page.end && !lane.caught_up {
            self.make_indexes(generation).await?;
            lane.caught_up = true;
        }
        Ok(Progress::of_page(page.events.len(), page.end))
    }

    /// Folds a page, and shows what it changed; before that it is written, unless it may be later. False: nothing was taken
    /// in, and the pages since the checkpoint are to be read again.
    async fn take_in(&self, lane: &mut Lane<V>, page: &Page) -> Result<bool, Halt> {
        let Checkpoint { generation, position } = lane.checkpoint;
        // Taken out: if this is broken off, rows that are not on the disk are gone with it.
        let (mut rows, from) = (std::mem::take(&mut lane.rows), std::mem::replace(&mut lane.reached, position));
        let at = At { generation, position: from, quarantined: &lane.quarantined };
        let done = match self.fold_page(at, &mut rows, &page.events, page.next, from == position).await {
            Ok(done) => done,
            Err(Unfolded::Halt(halt)) => return Err(halt),
            Err(Unfolded::HalfDone) => {
                lane.careful = true;
                return Ok(false);
            }
        };
        let idle = rows.changed().is_empty();
        if V::DEFERRED {
            // Before they are shown: whoever sees them has them written.
            self.waiting.fetch_or(!idle, Ordering::AcqRel);
            self.view.publish(&rows.changed()).await;
        }
        rows.turn();
        let now =
            !V::DEFERRED && !idle || lane.careful || done.bad.is_some() || rows.waiting() > self.options.unsaved_rows;
        // While pages are read again there is less in the rows than was shown.
        self.waiting.store(rows.waiting() > 0 || done.reached < self.position(), Ordering::Release);
        (lane.rows, lane.reached) = (rows, done.reached);
        if now {
            self.save_lane(lane).await?;
        }
        // After pages that are read again it is not there yet: what was shown stays shown.
        self.applied.send_if_modified(|at| std::mem::replace(at, done.reached.max(*at)) < done.reached);
        match done.bad {
            None => Ok(true),
            Some(bad) => {
                lane.careful = false;
                Err(bad.into())
            }
        }
    }

    /// Writes what waits to be written.
    pub async fn save(&self) -> Result<(), Halt> {
        self.save_lane(&mut *self.lane.lock().await).await
    }

    /// Writes the rows that were shown and wait, for somebody who reads them; false: that cannot be done now, or not within
    /// `patience`.
    pub async fn write_waiting(self: &Arc<Self>, patience: Duration) -> bool {
        // Usually nothing waits, and whoever asks is not kept by a rebuild that has the lane.
        if !self.waiting.load(Ordering::Acquire) {
            return true;
        }
        let runner = Arc::clone(self);
        // A task of its own, since whoever asks may go away: broken off, its COMMIT may be on the disk and unknown here.
        let writing = self.tasks.spawn(async move {
            let mut lane = runner.lane.lock().await;
            let saved = runner.save_lane(&mut lane).await;
            saved.is_ok() && lane.checkpoint.position >= runner.position()
        });
        matches!(tokio::time::timeout(patience, writing).await, Ok(Ok(true)))
    }

    /// The same for who has the lane.
    pub(crate) async fn save_lane(&self, lane: &mut Lane<V>) -> Result<(), Halt> {
        lane.saved_at = Instant::now();
        let to = Checkpoint { position: lane.reached, ..lane.checkpoint };
        if to == lane.checkpoint {
            return Ok(());
        }
        // Taken out, as above.
        let mut rows = std::mem::take(&mut lane.rows);
        lane.reached = lane.checkpoint.position;
        self.write_rows(&rows, Some(lane.checkpoint), to).await?;
        if !V::DEFERRED {
            self.view.publish(&rows.unsaved()).await;
        }
        rows.settle(if lane.caught_up { self.options.warm_rows } else { REBUILD_ROWS });
        (lane.rows, lane.checkpoint, lane.reached) = (rows, to, to.position);
        // After pages that are read again there may be less on the disk than was shown.
        self.waiting.store(to.position < self.position(), Ordering::Release);
        Ok(())
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
        self.waiting.store(false, Ordering::Release);
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

#[async_trait]
impl<V: View> Waiting for Runner<V> {
    async fn write_waiting(self: Arc<Self>, patience: Duration) -> bool {
        Self::write_waiting(&self, patience).await
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
