//! The one writer: takes every operation that is waiting, runs them in one transaction, and acknowledges each after
//! the COMMIT is on the disk. A thousand visitors who arrive together pay for a few commits, not for a thousand.
//!
//! One failing operation does not sink the others:
//! - consecutive operations that only insert, or change the same of some id's row, are joined into one statement per
//!   table or change (a statement costs more than a row); if that fails it is undone, and they run one by one;
//! - every other operation of more than one statement has a savepoint of its own;
//! - an error that is no broken constraint (disk full, I/O) rolls everything back and answers all with it; the next
//!   batch tries again;
//! - an error at COMMIT whose outcome is unknown stops the writer for good.

use super::batch::{Broken, run_all};
use super::database::Connection;
use super::error::{Result, VaultError};
use super::retry::on_the_server;
use super::sql::{Each, Insert, Sql};
use super::value::Value;
use booking_store::{DurationCounts, Durations};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

/// Operations in one transaction.
const BATCH: usize = 8_000;
/// Operations that may wait for the writer before callers wait for a place.
const QUEUE: usize = 16_384;
/// How long an operation that nobody waits for may stay in memory. Their rows lie anywhere in their tables, so that a commit
/// writes about a page for each of few, and far less for each of many.
const LAZY: Duration = Duration::from_millis(200);

/// One statement of an operation.
pub(super) enum Statement {
    /// Rows for one table, their values one after the other.
    Insert(&'static Insert, Vec<Value>),
    /// The same change for every such statement, of the row of an id.
    Each(&'static Each, Value),
    /// Anything else.
    Change(&'static Sql, Vec<Value>),
    /// As `Change`, and the whole operation fails with [`VaultError::Gone`] if it changes no row.
    MustChange(&'static Sql, Vec<Value>),
}

impl Statement {
    const fn is_insert(&self) -> bool {
        matches!(self, Self::Insert(..))
    }
    const fn is_joinable(&self) -> bool {
        matches!(self, Self::Insert(..) | Self::Each(..))
    }
}

pub(super) struct Op {
    pub(super) statements: Vec<Statement>,
    /// Who waits for the commit; nobody: written behind.
    reply: Option<oneshot::Sender<Result<u64>>>,
    /// Empty the write-ahead log afterwards, so that no copy of a deleted key stays in it.
    scrub: bool,
}

impl Op {
    /// Constraints alone keep it apart from others.
    pub(super) fn only_inserts(&self) -> bool {
        self.statements.iter().all(Statement::is_insert)
    }
    /// It may share statements with its neighbours, which run in the order of tables then, and not of operations.
    pub(super) fn is_joinable(&self) -> bool {
        self.statements.iter().all(Statement::is_joinable)
    }
}

enum Message {
    Run(Op),
    Close(oneshot::Sender<()>),
}

/// The way to the writer. Cloning it is cheap.
#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    commits: Arc<Durations>,
}

impl Writer {
    /// Starts the writer's task on this connection.
    pub(super) fn start(conn: Connection) -> Self {
        let (queue, messages) = mpsc::channel(QUEUE);
        let commits = Arc::new(Durations::default());
        let task = Task { conn, commits: Arc::clone(&commits), stopped: None, scrub_due: false };
        tokio::spawn(task.run(messages));
        Self { queue, commits }
    }

    /// Runs the statements as one, and returns the number of changed rows after they are on the disk.
    pub(super) async fn run(&self, statements: Vec<Statement>) -> Result<u64> {
        self.send(statements, false).await
    }

    /// As [`Writer::run`]; afterwards nothing of what was deleted is left in the write-ahead log, unless a reader is
    /// in the way: then after the next commit.
    pub(super) async fn run_and_scrub(&self, statements: Vec<Statement>) -> Result<u64> {
        self.send(statements, true).await
    }

    /// Writes within a moment, or with the next commit, whichever is first. A power cut may lose it.
    pub(super) fn run_behind(&self, statements: Vec<Statement>) {
        let op = Op { statements, reply: None, scrub: false };
        if self.queue.try_send(Message::Run(op)).is_err() {
            tracing::warn!("the vault's queue is full or closed: a write that nobody waits for was dropped");
        }
    }

    /// How long durable commits took, with what they committed.
    pub(super) fn commits(&self) -> DurationCounts {
        self.commits.counts()
    }

    /// Writes what is waiting and closes the connection.
    pub(super) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.queue.send(Message::Close(reply)).await.is_ok() {
            let _closed_or_dropped = closed.await;
        }
    }

    async fn send(&self, statements: Vec<Statement>, scrub: bool) -> Result<u64> {
        let (reply, outcome) = oneshot::channel();
        let op = Op { statements, reply: Some(reply), scrub };
        self.queue.send(Message::Run(op)).await.map_err(|_| VaultError::Closed)?;
        outcome.await.map_err(|_| VaultError::Closed)?
    }
}

struct Task {
    conn: Connection,
    commits: Arc<Durations>,
    stopped: Option<VaultError>,
    scrub_due: bool,
}

impl Task {
    async fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        let mut waiting: Vec<Op> = Vec::new();
        let mut deadline = Instant::now();
        let mut close = None;
        while close.is_none() {
            let next = if waiting.is_empty() {
                messages.recv().await
            } else if let Ok(next) = timeout_at(deadline, messages.recv()).await {
                next
            } else {
                self.commit(std::mem::take(&mut waiting)).await;
                continue;
            };
            let Some(mut message) = next else { break };
            if waiting.is_empty() {
                deadline = Instant::now() + LAZY;
            }
            loop {
                match message {
                    Message::Run(op) => waiting.push(op),
                    Message::Close(reply) => close = Some(reply),
                }
                if waiting.len() >= BATCH || close.is_some() {
                    break;
                }
                let Ok(more) = messages.try_recv() else { break };
                message = more;
            }
            if waiting.len() >= BATCH || waiting.iter().any(|op| op.reply.is_some()) {
                self.commit(std::mem::take(&mut waiting)).await;
            }
        }
        self.commit(waiting).await;
        if let Err(error) = self.conn.close().await {
            tracing::warn!(%error, "the vault's writing connection did not close cleanly");
        }
        if let Some(reply) = close {
            let _nobody_waits = reply.send(());
        }
    }

    async fn commit(&mut self, ops: Vec<Op>) {
        if ops.is_empty() {
            return;
        }
        self.scrub_due |= ops.iter().any(|op| op.scrub);
        let outcome = match &self.stopped {
            Some(_) => Err(VaultError::Closed),
            None => self.transaction(&ops).await,
        };
        if outcome.is_ok() && self.scrub_due {
            self.scrub_due = !self.conn.scrub().await;
        }
        for (at, op) in ops.into_iter().enumerate() {
            let answer = match &outcome {
                Ok(answers) => answers.get(at).cloned().unwrap_or(Err(VaultError::Closed)),
                Err(error) => Err(error.clone()),
            };
            match (op.reply, answer) {
                (Some(reply), answer) => drop(reply.send(answer)),
                (None, Err(error)) => tracing::warn!(%error, "a write that nobody waits for failed"),
                (None, Ok(_)) => {}
            }
        }
    }

    async fn transaction(&mut self, ops: &[Op]) -> Result<Vec<Result<u64>>> {
        let begun = Instant::now();
        let answers = match &self.conn {
            Connection::File(_) => self.in_the_file(ops).await,
            Connection::Server(_) => on_the_server(&mut self.conn, ops).await,
        };
        if answers.is_ok() {
            self.commits.add(begun.elapsed());
        }
        answers
    }

    async fn in_the_file(&mut self, ops: &[Op]) -> Result<Vec<Result<u64>>> {
        self.conn.plain("BEGIN IMMEDIATE").await?;
        let answers = match run_all(&mut self.conn, ops, false).await {
            Ok(answers) => answers,
            Err(broken) => {
                // SQLite may have rolled back by itself already.
                let _rolled_back = self.conn.plain("ROLLBACK").await;
                return Err(match broken {
                    Broken::All(error) => error,
                    Broken::Carefully => VaultError::Exists,
                });
            }
        };
        match self.conn.plain("COMMIT").await {
            Ok(()) => Ok(answers),
            Err(error) => Err(self.commit_failed(error).await),
        }
    }

    async fn commit_failed(&mut self, error: VaultError) -> VaultError {
        let VaultError::Database(cause) = error else { return error };
        // SQLITE_BUSY (5) and SQLITE_FULL (13) say for certain that nothing was committed.
        let code = cause.as_database_error().and_then(|e| e.code()?.parse::<i32>().ok()).map(|code| code & 0xff);
        if matches!(code, Some(5 | 13)) && self.conn.plain("ROLLBACK").await.is_ok() {
            return VaultError::Database(cause);
        }
        tracing::error!(error = %cause, "a commit of the vault has an unknown outcome; the vault is stopped");
        let error = VaultError::OutcomeUnknown(cause);
        self.stopped = Some(error.clone());
        error
    }
}
