//! Checkpoints beside the appends, on a connection of their own.
//!
//! Moving frames of the write-ahead file into the log writes pages all over it, and waits for the disk. The engine lets a
//! writer go on meanwhile. But the write-ahead file begins anew only when all of it was moved, which appends that never
//! pause do not let happen: so when it has become long, the writer moves the little that is left between two batches.

use super::options::Fault;
use super::plan::Work;
use super::writer::{Failure, Writer, judge, size};
use sqlx::{Connection, SqliteConnection};
use std::time::Instant;
use tokio::task::JoinHandle;

/// A write-ahead file of so many times the frames of a checkpoint is too long.
const LONG: u64 = 4;
/// Pages that are written, by a rough count, before the write-ahead file's real length is asked for.
const LOOK_AFTER: usize = 64;

/// What a checkpoint came to: whether somebody was in the way, frames in the write-ahead file, frames of them in the log.
pub(super) type Moved = Result<(i64, i64, i64), sqlx::Error>;

/// The connection, and the checkpoint that it runs.
pub(super) struct Beside {
    idle: Option<SqliteConnection>,
    running: Option<JoinHandle<(SqliteConnection, Moved)>>,
}

impl Beside {
    pub(super) const fn new(connection: SqliteConnection) -> Self {
        Self { idle: Some(connection), running: None }
    }

    pub(super) const fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Begins a checkpoint, unless one is running.
    pub(super) fn begin(&mut self) {
        let Some(mut connection) = self.idle.take() else { return };
        self.running = Some(tokio::spawn(async move {
            let moved = sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(&mut connection).await;
            (connection, moved)
        }));
    }

    /// What the last one came to, told once, when it has ended.
    pub(super) async fn ended(&mut self) -> Option<Moved> {
        if self.running.as_ref().is_some_and(JoinHandle::is_finished) { self.end().await } else { None }
    }

    async fn end(&mut self) -> Option<Moved> {
        Some(match self.running.take()?.await {
            Ok((connection, moved)) => {
                self.idle = Some(connection);
                moved
            }
            // Nobody but a runtime that ends cancels it, and that one ends the writer, too, as soon as it waits.
            Err(error) if error.is_cancelled() => std::future::pending().await,
            Err(_) => Err(sqlx::Error::WorkerCrashed),
        })
    }

    /// Waits for the one that is running, and closes the connection.
    pub(super) async fn close(&mut self) -> Option<Moved> {
        let moved = self.end().await;
        if let Some(connection) = self.idle.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "a connection of the log was not closed cleanly");
        }
        moved
    }
}

impl Writer {
    /// Begins a checkpoint when many frames wait for one, and finishes it when the write-ahead file has become too long.
    pub(super) async fn look_at_wal(&mut self, stored: &[Work]) {
        if let Some(moved) = self.beside.ended().await {
            self.counters.checkpointed_beside();
            self.note(moved);
        }
        if self.stopped {
            return;
        }
        // Two pages of indexes for each append, and the rows themselves.
        let pages: usize = stored.iter().map(|work| 2 + size(work) / 4_096).sum();
        self.pages_since_look = self.pages_since_look.saturating_add(pages);
        if self.pages_since_look < LOOK_AFTER {
            return;
        }
        self.pages_since_look = 0;
        if self.beside.is_running() {
            return;
        }
        let (frames, left) = self.frames().await;
        let long = LONG.saturating_mul(self.checkpoint_frames);
        if frames < long {
            self.long = long;
        }
        if frames >= self.long && left <= self.checkpoint_frames / 2 {
            let start = Instant::now();
            self.checkpoint("PRAGMA wal_checkpoint(PASSIVE)").await;
            self.counters.checkpointed(start.elapsed());
            // The next batch begins the file anew, unless somebody reads an old part of it: then not again at once.
            self.long = frames.saturating_add(self.checkpoint_frames);
        } else if frames >= self.long || left >= self.checkpoint_frames {
            self.beside.begin();
        }
    }

    /// Frames in the write-ahead file, and how many of them are still to be moved.
    async fn frames(&mut self) -> (u64, u64) {
        let pragma = "PRAGMA wal_checkpoint(NOOP)";
        match sqlx::query_as::<_, (i64, i64, i64)>(pragma).fetch_one(&mut self.connection).await {
            Ok((_, frames, moved)) => {
                let number = |frames: i64| u64::try_from(frames).unwrap_or(0);
                self.counters.wal(number(frames));
                (number(frames), number(frames.saturating_sub(moved)))
            }
            Err(error) => {
                self.note(Err(error));
                (0, 0)
            }
        }
    }

    /// Runs one of the checkpoint pragmas that move frames.
    pub(super) async fn checkpoint(&mut self, pragma: &'static str) {
        let moved = sqlx::query_as(pragma).fetch_one(&mut self.connection).await;
        self.note(moved);
    }

    /// What a checkpoint came to.
    pub(super) fn note(&mut self, moved: Moved) {
        match moved {
            Ok(_) if self.fault == Some(Fault::CheckpointFsyncFails) => {
                self.stop("planned: a checkpoint's fsync failed");
            }
            Ok((_, frames, _)) => self.counters.wal(u64::try_from(frames).unwrap_or(0)),
            Err(error) => {
                if let Failure::Fatal(why) = judge(&error) {
                    self.stop(&why);
                } else {
                    // The frames stay where they are, and nothing is lost.
                    tracing::warn!(%error, "a checkpoint of the log failed; the next one tries again");
                }
            }
        }
    }
}
