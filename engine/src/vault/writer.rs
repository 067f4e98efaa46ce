//! The one writer: takes every operation that is waiting, runs them in one transaction, and acknowledges each after
//! the COMMIT is on the disk. A thousand visitors who arrive together pay for a few commits, not for a thousand.
//!
//! One failing operation does not sink the others:
//! - consecutive operations that only insert are joined into one multi-row INSERT per table (a statement costs more
//!   than a row); if that fails it is undone, and they run one by one;
//! - every other operation of more than one statement has a savepoint of its own;
//! - an error that is no broken constraint (disk full, I/O) rolls everything back and answers all with it; the next
//!   batch tries again;
//! - an error at COMMIT whose outcome is unknown stops the writer for good.

use super::error::{Result, VaultError};
use super::sql::Insert;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection, Sqlite};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

/// Operations in one transaction.
const BATCH: usize = 2_000;
/// Operations that may wait for the writer before callers wait for a place.
const QUEUE: usize = 8_192;
/// How long an operation that nobody waits for may stay in memory.
const LAZY: Duration = Duration::from_millis(50);

/// A bound value. Never the plaintext of anything.
pub(super) enum Value {
    Null,
    Int(i64),
    Bytes(Vec<u8>),
    Text(String),
}

impl From<[u8; 16]> for Value {
    fn from(id: [u8; 16]) -> Self {
        Self::Bytes(id.to_vec())
    }
}
impl From<[u8; 32]> for Value {
    fn from(hash: [u8; 32]) -> Self {
        Self::Bytes(hash.to_vec())
    }
}
impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One statement of an operation.
pub(super) enum Statement {
    /// Rows for one table, their values one after the other.
    Insert(&'static Insert, Vec<Value>),
    /// Anything else.
    Change(&'static str, Vec<Value>),
    /// As `Change`, and the whole operation fails with [`VaultError::Gone`] if it changes no row.
    MustChange(&'static str, Vec<Value>),
}

impl Statement {
    const fn is_insert(&self) -> bool {
        matches!(self, Self::Insert(..))
    }
}

struct Op {
    statements: Vec<Statement>,
    /// Who waits for the commit; nobody: written behind.
    reply: Option<oneshot::Sender<Result<u64>>>,
    /// Empty the write-ahead log afterwards, so that no copy of a deleted key stays in it.
    scrub: bool,
}

enum Message {
    Run(Op),
    Close(oneshot::Sender<()>),
}

/// The way to the writer. Cloning it is cheap.
#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the writer's task on this connection.
    pub(super) fn start(conn: SqliteConnection) -> Self {
        let (queue, messages) = mpsc::channel(QUEUE);
        let commits = Arc::new(AtomicU64::new(0));
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

    /// Durable commits so far.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
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
    conn: SqliteConnection,
    commits: Arc<AtomicU64>,
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
            self.scrub_due = !scrubbed(&mut self.conn).await;
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
        plain(&mut self.conn, "BEGIN IMMEDIATE").await?;
        let answers = match run_all(&mut self.conn, ops).await {
            Ok(answers) => answers,
            Err(error) => {
                // SQLite may have rolled back by itself already.
                let _rolled_back = plain(&mut self.conn, "ROLLBACK").await;
                return Err(error);
            }
        };
        match plain(&mut self.conn, "COMMIT").await {
            Ok(()) => {
                self.commits.fetch_add(1, Ordering::Relaxed);
                Ok(answers)
            }
            Err(error) => Err(self.commit_failed(error).await),
        }
    }

    async fn commit_failed(&mut self, error: VaultError) -> VaultError {
        let VaultError::Database(cause) = error else { return error };
        // SQLITE_BUSY (5) and SQLITE_FULL (13) say for certain that nothing was committed.
        let code = cause.as_database_error().and_then(|e| e.code()?.parse::<i32>().ok()).map(|code| code & 0xff);
        if matches!(code, Some(5 | 13)) && plain(&mut self.conn, "ROLLBACK").await.is_ok() {
            return VaultError::Database(cause);
        }
        tracing::error!(error = %cause, "a commit of the vault has an unknown outcome; the vault is stopped");
        let error = VaultError::OutcomeUnknown(cause);
        self.stopped = Some(error.clone());
        error
    }
}

/// Runs the operations in their order. An error is one that concerns them all.
async fn run_all(conn: &mut SqliteConnection, ops: &[Op]) -> Result<Vec<Result<u64>>> {
    let mut answers = Vec::with_capacity(ops.len());
    let inserts_only = |op: &Op| op.statements.iter().all(Statement::is_insert);
    for run in ops.chunk_by(|a, b| inserts_only(a) && inserts_only(b)) {
        if run.len() > 1 && joined(conn, run).await? {
            answers.extend(run.iter().map(|_| Ok(1)));
            continue;
        }
        for op in run {
            answers.push(one(conn, op).await?);
        }
    }
    Ok(answers)
}

/// All rows of many inserting operations, table by table. `false`: undone, a constraint was broken.
async fn joined(conn: &mut SqliteConnection, run: &[Op]) -> Result<bool> {
    let mut tables: Vec<(&Insert, Vec<&Value>)> = Vec::new();
    for statement in run.iter().flat_map(|op| &op.statements) {
        let Statement::Insert(table, values) = statement else { continue };
        match tables.iter_mut().find(|(known, _)| std::ptr::eq(*known, *table)) {
            Some((_, all)) => all.extend(values),
            None => tables.push((table, values.iter().collect())),
        }
    }
    plain(conn, "SAVEPOINT joined").await?;
    for (table, values) in tables {
        if let Err(error) = insert(conn, table, &values).await {
            if !breaks_a_constraint(&error) {
                return Err(error);
            }
            plain(conn, "ROLLBACK TO joined").await?;
            plain(conn, "RELEASE joined").await?;
            return Ok(false);
        }
    }
    plain(conn, "RELEASE joined").await?;
    Ok(true)
}

async fn one(conn: &mut SqliteConnection, op: &Op) -> Result<Result<u64>> {
    // One statement is undone by SQLite itself when it fails.
    if let [Statement::Change(..) | Statement::MustChange(..)] = op.statements.as_slice() {
        return match steps(conn, op).await {
            Err(error) if !breaks_a_constraint(&error) => Err(error),
            outcome => Ok(outcome),
        };
    }
    plain(conn, "SAVEPOINT one").await?;
    let outcome = steps(conn, op).await;
    match &outcome {
        Ok(_) => {}
        Err(error) if breaks_a_constraint(error) => plain(conn, "ROLLBACK TO one").await?,
        Err(error) => return Err(error.clone()),
    }
    plain(conn, "RELEASE one").await?;
    Ok(outcome)
}

async fn steps(conn: &mut SqliteConnection, op: &Op) -> Result<u64> {
    let mut changed = 0;
    for statement in &op.statements {
        changed += match statement {
            Statement::Insert(table, values) => insert(conn, table, &values.iter().collect::<Vec<_>>()).await?,
            Statement::Change(sql, values) => change(conn, sql, values).await?,
            Statement::MustChange(sql, values) => match change(conn, sql, values).await? {
                0 => return Err(VaultError::Gone),
                rows => rows,
            },
        };
    }
    Ok(changed)
}

/// True for what concerns one operation alone.
fn breaks_a_constraint(error: &VaultError) -> bool {
    match error {
        VaultError::Exists | VaultError::Gone => true,
        VaultError::Database(cause) => {
            cause.as_database_error().is_some_and(|e| e.is_unique_violation() || e.is_check_violation())
        }
        _ => false,
    }
}

async fn insert(conn: &mut SqliteConnection, table: &'static Insert, values: &[&Value]) -> Result<u64> {
    let mut rows = 0;
    for chunk in values.chunks(table.columns * Insert::ROWS) {
        let count = chunk.len() / table.columns;
        // Only the two usual sizes are worth keeping prepared.
        let keep = count == 1 || count == Insert::ROWS;
        let query = sqlx::query(AssertSqlSafe(table.sql(count))).persistent(keep);
        rows += bind_all(query, chunk.iter().copied()).execute(&mut *conn).await?.rows_affected();
    }
    Ok(rows)
}

async fn change(conn: &mut SqliteConnection, sql: &'static str, values: &[Value]) -> Result<u64> {
    Ok(bind_all(sqlx::query(sql), values).execute(conn).await?.rows_affected())
}

type Sql<'q> = Query<'q, Sqlite, SqliteArguments>;

fn bind_all<'q, 'v>(query: Sql<'q>, values: impl IntoIterator<Item = &'v Value>) -> Sql<'q> {
    values.into_iter().fold(query, |query, value| match value {
        Value::Null => query.bind(None::<i64>),
        Value::Int(number) => query.bind(*number),
        Value::Bytes(bytes) => query.bind(bytes.clone()),
        Value::Text(text) => query.bind(text.clone()),
    })
}

async fn plain(conn: &mut SqliteConnection, sql: &'static str) -> Result<()> {
    sqlx::query(sql).execute(conn).await?;
    Ok(())
}

/// Moves the write-ahead log into the file and empties it. `false`: a reader was in the way.
async fn scrubbed(conn: &mut SqliteConnection) -> bool {
    use sqlx::Row;
    match sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(conn).await {
        Ok(row) => row.try_get::<i64, _>(0).is_ok_and(|busy| busy == 0),
        Err(error) => {
            tracing::warn!(%error, "the vault's write-ahead log could not be emptied; tried again after the next commit");
            false
        }
    }
}
