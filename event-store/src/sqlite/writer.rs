//! The writer: the only one that changes the file. It is a task of its own, and takes what is queued.
//!
//! For each batch, in this order: decide in memory, BEGIN IMMEDIATE, insert, COMMIT (this waits for the disk), publish
//! the new heads, wake those who wait for events, answer the callers. A crash before COMMIT has answered leaves callers
//! without an answer, never with a wrong one. Where one INSERT is all, it begins and commits by itself.

use super::checkpoints::Beside;
use super::index::Index;
use super::open::{self, Next};
use super::options::{Fault, OnFatal};
use super::plan::{self, Answer, Outcome, Plan, Recent, Work};
use super::sql::{Inserts, Values};
use super::stats::Counters;
use super::tail::Tail;
use crate::port::AppendError;
use sqlx::{Connection, SqliteConnection};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot, watch};

/// Bytes that share one COMMIT at most, unless one append alone has more.
const BATCH_BYTES: usize = 4_000_000;

/// What callers send.
pub(super) enum Message {
    /// Decide and store this, then answer.
    Append(Work, oneshot::Sender<Answer>),
    /// Answer what is queued, then stop.
    Close,
}

/// Answers that are true once the batch is stored, and who waits for them.
type Waiting<'a> = Vec<(Answer, &'a mut Option<oneshot::Sender<Answer>>)>;
/// What an error means.
type Judge = fn(&sqlx::Error) -> Failure;

/// Why a batch was not stored.
pub(super) enum Failure {
    /// The disk is full.
    Full,
    /// The file is not as the index says: someone else wrote to it, or this program is wrong.
    Constraint(String),
    /// Refused, and known not to be stored.
    Refused(String),
    /// It cannot be known what the disk holds.
    Fatal(String),
}

/// The writer's state.
pub(super) struct Writer {
    pub(super) connection: SqliteConnection,
    pub(super) index: Arc<Index>,
    pub(super) tail: Arc<Tail>,
    pub(super) counters: Arc<Counters>,
    pub(super) next: Next,
    pub(super) recent: Recent,
    pub(super) statements: Statements,
    pub(super) changed: watch::Sender<u64>,
    pub(super) on_fatal: OnFatal,
    pub(super) fault: Option<Fault>,
    pub(super) batch: usize,
    pub(super) checkpoint_frames: u64,
    pub(super) beside: Beside,
    /// Frames at which the write-ahead file is too long.
    pub(super) long: u64,
    pub(super) pages_since_look: usize,
    pub(super) stopped: bool,
    /// Held until the file is closed.
    pub(super) lock: std::fs::File,
}

/// The inserts into the three tables.
pub(super) struct Statements {
    events: Inserts,
    streams: Inserts,
    types: Inserts,
}

impl Default for Statements {
    fn default() -> Self {
        let events = ["position", "stream", "revision", "event_id", "type", "metadata", "payload"];
        Self {
            events: Inserts::new("events", &events),
            streams: Inserts::new("streams", &["id", "name"]),
            types: Inserts::new("event_types", &["id", "name"]),
        }
    }
}

impl Writer {
    /// Works until the queue is closed and empty, then closes the file.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut taken = Vec::with_capacity(self.batch);
        let (mut work, mut replies) = (Vec::with_capacity(self.batch), Vec::with_capacity(self.batch));
        while queue.recv_many(&mut taken, self.batch).await > 0 {
            let mut bytes = 0_usize;
            for message in taken.drain(..) {
                match message {
                    Message::Append(append, reply) => {
                        bytes = bytes.saturating_add(size(&append));
                        if bytes > BATCH_BYTES && !work.is_empty() {
                            self.run_batch(&mut work, &mut replies).await;
                            bytes = size(&append);
                        }
                        work.push(append);
                        replies.push(Some(reply));
                    }
                    Message::Close => queue.close(),
                }
            }
            self.run_batch(&mut work, &mut replies).await;
            if self.stopped {
                break;
            }
        }
        if let Some(moved) = self.beside.close().await {
            self.note(moved);
        }
        if !self.stopped {
            self.checkpoint("PRAGMA wal_checkpoint(TRUNCATE)").await;
        }
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "the log was not closed cleanly; the next start recovers it");
        }
        drop(self.lock);
    }

    /// Stores and answers one batch; both lists are empty afterwards.
    async fn run_batch(&mut self, work: &mut Vec<Work>, replies: &mut Vec<Option<oneshot::Sender<Answer>>>) {
        if !self.stopped {
            match self.attempt(work, replies).await {
                Ok(()) => {}
                Err(Failure::Constraint(why)) => self.replay(&why, work, replies).await,
                Err(failure) => self.answer_failure(&failure, replies),
            }
            self.look_at_wal(work).await;
        }
        // Whoever has no answer by now finds the writer stopped.
        for reply in replies.iter_mut().filter_map(Option::take) {
            send(reply, Err(AppendError::Unavailable("the log has stopped".to_owned())));
        }
        work.clear();
        replies.clear();
    }

    /// Decides, stores and answers these appends in one transaction. On a failure nothing of them is stored, except
    /// that after a fatal one nobody knows.
    async fn attempt(&mut self, work: &[Work], replies: &mut [Option<oneshot::Sender<Answer>>]) -> Result<(), Failure> {
        let mut plan = plan::decide(work, &self.index, self.next, &mut self.recent);
        let answers = std::mem::take(&mut plan.answers);
        let mut later = Vec::with_capacity(answers.len());
        for ((answer, early), reply) in answers.into_iter().zip(replies.iter_mut()) {
            match &answer {
                Err(_) => self.counters.conflict(),
                Ok(Outcome::Stored(appended)) if appended.already => self.counters.retry(),
                Ok(_) => {}
            }
            if !early {
                later.push((answer, reply));
            } else if let Some(reply) = reply.take() {
                send(reply, answer);
            }
        }
        if plan.accepted.is_empty() {
            return Ok(());
        }
        // Nothing lies between an INSERT and its own COMMIT where an answer could leave too early.
        let stored = if plan.is_one_statement() && self.fault != Some(Fault::AckBeforeCommit) {
            self.insert_and_commit(&plan).await
        } else {
            self.transaction(&plan, &mut later).await
        };
        if let Err(failure) = stored {
            self.counters.rolled_back();
            self.recent.clear();
            if !matches!(failure, Failure::Fatal(_)) {
                self.roll_back().await;
            }
            return Err(failure);
        }
        // Before it is shown: whoever is told of a position finds the event.
        self.tail.extend(&plan);
        plan.publish(&self.index);
        self.next = plan.next;
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
        acknowledge(&mut later);
        Ok(())
    }

    async fn transaction(&mut self, plan: &Plan<'_>, later: &mut Waiting<'_>) -> Result<(), Failure> {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut self.connection).await.map_err(|error| judge(&error))?;
        self.insert(plan, judge).await?;
        if self.fault == Some(Fault::AckBeforeCommit) {
            acknowledge(later);
            // Long enough for a test to kill the process in between.
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        self.commit(plan).await
    }

    async fn insert_and_commit(&mut self, plan: &Plan<'_>) -> Result<(), Failure> {
        let start = Instant::now();
        self.insert(plan, judge_alone).await?;
        if self.fault == Some(Fault::CommitOutcomeUnknown) {
            return Err(unknown_outcome());
        }
        self.counters.committed(plan.accepted.len(), plan.rows(), start.elapsed());
        Ok(())
    }

    async fn insert(&mut self, plan: &Plan<'_>, judge: Judge) -> Result<(), Failure> {
        let Self { connection, statements, .. } = self;
        for some in plan.new_types.chunks(Inserts::most()) {
            let mut values = Values::default();
            for (id, name) in some {
                values.integer(*id);
                values.text(name);
            }
            run(connection, (&statements.types, some.len()), values, judge).await?;
        }
        for some in plan.new_streams.chunks(Inserts::most()) {
            let mut values = Values::default();
            for (id, name) in some {
                values.integer(*id);
                values.text(name.as_str());
            }
            run(connection, (&statements.streams, some.len()), values, judge).await?;
        }
        let mut left = plan.rows();
        let mut room = left.min(Inserts::most());
        let (mut values, mut rows) = (Values::for_rows(room, 7), 0_usize);
        for accepted in &plan.accepted {
            let places = (accepted.first_position..).zip(accepted.first_revision..);
            for ((position, revision), event) in places.zip(&accepted.work.events) {
                values.integer(signed(position)?);
                values.integer(accepted.stream);
                values.integer(signed(revision)?);
                values.bytes(event.id.as_bytes());
                values.integer(plan.type_id(&event.event_type));
                values.text(&event.metadata);
                values.bytes(&event.payload);
                rows += 1;
                if rows == room {
                    left -= rows;
                    room = left.min(Inserts::most());
                    let full = std::mem::replace(&mut values, Values::for_rows(room, 7));
                    run(connection, (&statements.events, std::mem::take(&mut rows)), full, judge).await?;
                }
            }
        }
        Ok(())
    }

    async fn commit(&mut self, plan: &Plan<'_>) -> Result<(), Failure> {
        let start = Instant::now();
        let committed = sqlx::query("COMMIT").execute(&mut self.connection).await;
        if self.fault == Some(Fault::CommitOutcomeUnknown) {
            return Err(unknown_outcome());
        }
        match committed {
            Ok(_) => {
                self.counters.committed(plan.accepted.len(), plan.rows(), start.elapsed());
                Ok(())
            }
            Err(error) => Err(match judge(&error) {
                Failure::Full => Failure::Full,
                Failure::Constraint(why) | Failure::Refused(why) | Failure::Fatal(why) => {
                    Failure::Fatal(format!("the outcome of a COMMIT is unknown: {why}"))
                }
            }),
        }
    }

    async fn roll_back(&mut self) {
        // Some failures have rolled back already; then this one has nothing to do, and says so.
        if let Err(error) = sqlx::query("ROLLBACK").execute(&mut self.connection).await {
            tracing::debug!(%error, "nothing to roll back");
        }
    }

    /// After a constraint spoke that the index did not foresee: reads the index again, then tries the appends one by
    /// one, so that none of them fails for another's fault.
    async fn replay(&mut self, why: &str, work: &[Work], replies: &mut [Option<oneshot::Sender<Answer>>]) {
        tracing::error!(why, "the log refused a batch: reading the index again, then appending one by one");
        self.tail.clear();
        match open::reload(&mut self.connection, &self.index).await {
            Ok(next) => self.next = next,
            Err(error) => return self.answer_failure(&judge(&error), replies),
        }
        for (work, reply) in work.iter().zip(replies.iter_mut()).filter(|(_, reply)| reply.is_some()) {
            let one = std::slice::from_mut(reply);
            if let Err(failure) = self.attempt(std::slice::from_ref(work), one).await {
                self.answer_failure(&failure, one);
            }
            if self.stopped {
                return;
            }
        }
    }

    fn answer_failure(&mut self, failure: &Failure, replies: &mut [Option<oneshot::Sender<Answer>>]) {
        let error = match failure {
            Failure::Full => {
                tracing::error!("the log's disk is full");
                AppendError::Full
            }
            Failure::Constraint(why) | Failure::Refused(why) => {
                tracing::error!(why, "the log refused a batch");
                AppendError::Unavailable(why.clone())
            }
            Failure::Fatal(why) => {
                self.stop(why);
                AppendError::Unavailable(why.clone())
            }
        };
        for reply in replies.iter_mut().filter_map(Option::take) {
            send(reply, Err(error.clone()));
        }
    }

    pub(super) fn stop(&mut self, why: &str) {
        self.stopped = true;
        (self.on_fatal)(why);
    }
}

fn unknown_outcome() -> Failure {
    Failure::Fatal("planned: the outcome of a COMMIT is unknown".to_owned())
}

/// What an error before COMMIT means.
pub(super) fn judge(error: &sqlx::Error) -> Failure {
    // SQLITE_IOERR_FSYNC and SQLITE_IOERR_DIR_FSYNC: the system may have dropped pages, and would not say so again.
    const FSYNC: [i32; 2] = [1_034, 1_290];
    let why = error.to_string();
    match (open::code(error), error) {
        (Some(code), _) if FSYNC.contains(&code) => Failure::Fatal(why),
        (Some(code), _) if code & 0xff == 13 => Failure::Full,
        (Some(code), _) if code & 0xff == 19 => Failure::Constraint(why),
        (Some(_), _) | (None, sqlx::Error::Encode(_)) => Failure::Refused(why),
        // The connection itself is gone.
        (None, _) => Failure::Fatal(why),
    }
}

/// What an error of a statement means that commits by itself: unless it is one of those that say for certain that nothing
/// was stored, nobody knows.
fn judge_alone(error: &sqlx::Error) -> Failure {
    const BUSY: i32 = 5;
    match (judge(error), open::code(error)) {
        (Failure::Refused(why), Some(code)) if code & 0xff != BUSY => {
            Failure::Fatal(format!("the outcome of an INSERT is unknown: {why}"))
        }
        (failure, _) => failure,
    }
}

async fn run(
    connection: &mut SqliteConnection,
    (inserts, rows): (&Inserts, usize),
    values: Values,
    judge: Judge,
) -> Result<(), Failure> {
    let Some(sql) = inserts.with_room(rows) else {
        return Err(Failure::Refused("more rows than a statement has room for".to_owned()));
    };
    let arguments = values.finish().map_err(|error| judge(&error))?;
    match sqlx::query_with(sql, arguments).execute(connection).await {
        Ok(done) if done.rows_affected() == rows as u64 => Ok(()),
        // No error speaks of it, and it may be committed already.
        Ok(done) => Err(Failure::Fatal(format!("{} rows were stored instead of {rows}", done.rows_affected()))),
        Err(error) => Err(judge(&error)),
    }
}

fn signed(number: u64) -> Result<i64, Failure> {
    i64::try_from(number).map_err(|_| Failure::Refused("a number beyond the log's range".to_owned()))
}

pub(super) fn size(work: &Work) -> usize {
    work.events.iter().map(|event| 100 + event.metadata.len() + event.payload.len()).sum()
}

fn acknowledge(answers: &mut Waiting<'_>) {
    for (answer, reply) in answers.drain(..) {
        if let Some(reply) = reply.take() {
            send(reply, answer);
        }
    }
}

fn send(reply: oneshot::Sender<Answer>, answer: Answer) {
    // A caller that has gone away does not want to know.
    let _ = reply.send(answer);
}
