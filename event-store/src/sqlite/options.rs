//! How a log on a disk is opened, and why that may be refused.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Called when going on could lose an acknowledged event. It is told why, and should not return.
pub type OnFatal = Arc<dyn Fn(&str) + Send + Sync>;

/// Called once per append; the append waits so long before it is queued.
pub type Delay = Arc<dyn Fn() -> Duration + Send + Sync>;

/// A wrong that is done on purpose, so that a test can show that it would notice it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Acknowledges appends before their COMMIT, as a store would that loses events in a crash.
    ///
    /// The negative control of the crash test: with it the test has to fail.
    AckBeforeCommit,
    /// Takes the first COMMIT for one whose outcome is unknown, as after a failed fsync.
    CommitOutcomeUnknown,
    /// Takes the first fsync of a checkpoint for a failed one.
    CheckpointFsyncFails,
}

/// How to open the log. [`SqliteOptions::default`] is how a server opens it.
#[derive(Clone)]
pub struct SqliteOptions {
    /// Make a new log if there is no file. Default: true.
    pub create: bool,
    /// Connections for reading. Default: 4.
    pub readers: u32,
    /// Appends that may wait for the writer; the next callers wait for room. Default: 4,096.
    pub queue: usize,
    /// Appends that share one COMMIT at most. Default: 512.
    pub batch: usize,
    /// Frames of the write-ahead file after which a checkpoint moves them into the log, beside the appends. Default: 4,000
    /// (16 MB). At four times as many appends wait for the checkpoint of the last of them, so that the file begins anew.
    pub checkpoint_frames: u32,
    /// The file grows to so many pages of 4 KiB at most; beyond, appends are answered with `Full`. Default: no limit.
    pub max_pages: Option<u32>,
    /// What to do when an fsync failed or the outcome of a COMMIT is unknown. Default: log it and exit with code 70,
    /// since what the disk holds can only be found out by opening the log again.
    pub on_fatal: OnFatal,
    /// For tests of races: how long an append waits before it is queued. Default: none.
    pub delay: Option<Delay>,
    /// For tests of the tests: a planted fault. Default: none; nothing outside tests sets it.
    pub fault: Option<Fault>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            create: true,
            readers: 4,
            queue: 4_096,
            batch: 512,
            checkpoint_frames: 4_000,
            max_pages: None,
            on_fatal: Arc::new(exit),
            delay: None,
            fault: None,
        }
    }
}

impl fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("create", &self.create)
            .field("readers", &self.readers)
            .field("queue", &self.queue)
            .field("batch", &self.batch)
            .field("checkpoint_frames", &self.checkpoint_frames)
            .field("max_pages", &self.max_pages)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

/// `EX_SOFTWARE`: a supervisor starts the program again, and opening the log finds out what it holds.
fn exit(why: &str) {
    tracing::error!(why, "the log cannot go on: exiting, so that the next start reads what the disk really holds");
    std::process::exit(70);
}

/// Why a file was not opened as a log. It is left as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no such file, and none was to be made.
    #[error("there is no log at {0}")]
    Missing(PathBuf),
    /// The file is something else: its bytes or its application id say so.
    #[error("{path} is not a booking log: {why}")]
    NotALog {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        why: String,
    },
    /// A later version of this program wrote the file.
    #[error("{path} has schema version {found}, and this program knows versions up to {known}: use a newer program")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The last schema version that this program knows.
        known: u32,
    },
    /// The file is a log, and something of it is missing or wrong: restore it from a backup.
    #[error("the log at {path} is damaged: {why}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Another process, or another store in this one, has the log open.
    #[error("the log at {0} is in use by another process")]
    InUse(PathBuf),
    /// The operating system refused.
    #[error("cannot open the log at {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database engine refused.
    #[error("cannot open the log at {path}: {why}")]
    Database {
        /// The file.
        path: PathBuf,
        /// What it said.
        why: String,
    },
}
