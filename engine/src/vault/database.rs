//! The two databases that may hold the vault, and everything in which they differ for who reads and writes rows: a file
//! of this process's own (SQLite), or a server that several nodes share (PostgreSQL).

use super::error::{Result, VaultError};
use super::server::{self, Link};
use super::sql::{self, Each, Insert, Sql};
use super::value::{Kind, Value, fits};
use sqlx::postgres::{PgPool, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, Connection as _, Encode, IntoArguments, Postgres, Sqlite, Type};
use std::fmt::Write as _;
use std::future::Future;
use tokio::time::timeout;

/// Connections that read.
pub(super) enum Readers {
    /// The file's, read-only.
    File(SqlitePool),
    /// The server's.
    Server(PgPool),
}

/// The one connection that writes.
pub(super) enum Connection {
    /// The file's.
    File(SqliteConnection),
    /// The server's; lost and made again.
    Server(Box<Link>),
}

/// A row of either.
pub(super) enum Row {
    /// The file's.
    File(SqliteRow),
    /// The server's.
    Server(PgRow),
}

impl Readers {
    /// Whether other nodes write there too, so that nothing that was read before may be trusted for long.
    pub(super) const fn shared(&self) -> bool {
        matches!(self, Self::Server(_))
    }

    /// All rows.
    pub(super) async fn rows(&self, sql: &'static Sql, values: impl IntoIterator<Item = Value>) -> Result<Vec<Row>> {
        let values: Vec<Value> = values.into_iter().collect();
        debug_assert!(fits(&values, sql.takes.iter().copied()), "{}", sql.text);
        match self {
            Self::File(pool) => file_rows(bind_all(sqlx::query(sql.text), values).fetch_all(pool)).await,
            Self::Server(pool) => {
                twice(|| server_rows(bind_refs(sqlx::query(sql.text), &values).fetch_all(pool))).await
            }
        }
    }

    /// The first row, if there is one.
    pub(super) async fn row(&self, sql: &'static Sql, values: impl IntoIterator<Item = Value>) -> Result<Option<Row>> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// A text with a list of values in its middle and one more value at its end.
    pub(super) async fn rows_in(
        &self,
        text: [&'static str; 2],
        list: impl ExactSizeIterator<Item = Value>,
        end: Value,
    ) -> Result<Vec<Row>> {
        let length = list.len();
        let keep = length == sql::SUBJECTS;
        let statement = list_text(text, length, self.shared());
        let values: Vec<Value> = list.chain([end]).collect();
        match self {
            Self::File(pool) => {
                file_rows(bind_all(sqlx::query(AssertSqlSafe(statement)).persistent(keep), values).fetch_all(pool))
                    .await
            }
            Self::Server(pool) => {
                let query = || sqlx::query(AssertSqlSafe(statement.clone())).persistent(keep);
                twice(|| server_rows(bind_refs(query(), &values).fetch_all(pool))).await
            }
        }
    }

    /// A change that does not wait for the disk. Only a server has that: a file's changes go through its writer.
    pub(super) async fn change_soon(
        &self,
        sql: &'static Sql,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Option<u64>> {
        match self {
            Self::File(_) => Ok(None),
            Self::Server(pool) => {
                let values: Vec<Value> = values.into_iter().collect();
                debug_assert!(fits(&values, sql.takes.iter().copied()), "{}", sql.text);
                let changed = bind_all(sqlx::query(sql.text), values).execute(pool);
                Ok(Some(within(changed).await?.rows_affected()))
            }
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::File(pool) => pool.close().await,
            Self::Server(pool) => pool.close().await,
        }
    }
}

async fn file_rows(found: impl Future<Output = sqlx::Result<Vec<SqliteRow>>>) -> Result<Vec<Row>> {
    Ok(found.await?.into_iter().map(Row::File).collect())
}

async fn server_rows(found: impl Future<Output = sqlx::Result<Vec<PgRow>>>) -> Result<Vec<Row>> {
    Ok(within(found).await?.into_iter().map(Row::Server).collect())
}

/// A question whose connection was lost is asked once more, on another one.
async fn twice<F: Future<Output = Result<Vec<Row>>>>(ask: impl Fn() -> F) -> Result<Vec<Row>> {
    match ask().await {
        Err(error) if matches!(server::again(&error), Some(server::Again::Anew)) => ask().await,
        answer => answer,
    }
}

/// A network may swallow a question; nobody waits for its answer for ever.
async fn within<T>(asked: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
    match timeout(server::SILENCE, asked).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(server::silent()),
    }
}

impl Connection {
    /// One statement.
    pub(super) async fn change(&mut self, sql: &'static Sql, values: &[Value]) -> Result<u64> {
        debug_assert!(fits(values, sql.takes.iter().copied()), "{}", sql.text);
        match self {
            Self::File(conn) => Ok(bind_refs(sqlx::query(sql.text), values).execute(conn).await?.rows_affected()),
            Self::Server(link) => {
                let query = bind_refs(sqlx::query(sql.text), values);
                Ok(query.execute(link.conn()?).await?.rows_affected())
            }
        }
    }

    /// Rows for one table, a few hundred in one statement.
    pub(super) async fn insert(&mut self, table: &'static Insert, values: &[&Value]) -> Result<u64> {
        let columns = table.columns();
        let mut rows = 0;
        for chunk in values.chunks(columns * Insert::ROWS) {
            let count = chunk.len() / columns;
            debug_assert!(
                fits(chunk.iter().copied(), table.takes.iter().copied().cycle().take(chunk.len())),
                "{}",
                table.head
            );
            // Only the two usual sizes are worth keeping prepared.
            let keep = count == 1 || count == Insert::ROWS;
            rows += self.execute(insert_text(table, count, self.is_server()), keep, chunk).await?;
        }
        Ok(rows)
    }

    /// The same change of the rows of these ids, a few hundred in one statement.
    pub(super) async fn change_each(&mut self, change: &'static Each, ids: &[&Value]) -> Result<u64> {
        let mut rows = 0;
        for chunk in ids.chunks(Each::IDS) {
            debug_assert!(
                fits(chunk.iter().copied(), std::iter::repeat_n(Kind::Bytes, chunk.len())),
                "{}",
                change.head
            );
            let keep = chunk.len() == 1 || chunk.len() == Each::IDS;
            rows += self.execute(each_text(change, chunk.len(), self.is_server()), keep, chunk).await?;
        }
        Ok(rows)
    }

    /// A statement that was put together; `keep` it prepared.
    async fn execute(&mut self, text: String, keep: bool, values: &[&Value]) -> Result<u64> {
        let text = AssertSqlSafe(text);
        Ok(match self {
            Self::File(conn) => {
                let query = bind_refs(sqlx::query(text).persistent(keep), values.iter().copied());
                query.execute(&mut *conn).await?.rows_affected()
            }
            Self::Server(link) => {
                let query = bind_refs(sqlx::query(text).persistent(keep), values.iter().copied());
                query.execute(link.conn()?).await?.rows_affected()
            }
        })
    }

    /// A statement about the transaction, the same on both.
    pub(super) async fn plain(&mut self, text: &'static str) -> Result<()> {
        match self {
            Self::File(conn) => {
                sqlx::query(text).execute(conn).await?;
            }
            Self::Server(link) => {
                sqlx::raw_sql(text).execute(link.conn()?).await?;
            }
        }
        Ok(())
    }

    /// Whether it is a server's, which undoes a whole transaction when one statement of it fails.
    pub(super) const fn is_server(&self) -> bool {
        matches!(self, Self::Server(_))
    }

    /// Gets rid of what was deleted. A file: moves the write-ahead log into it and empties that. `false`: a reader was
    /// in the way. A server: its pages, in a while; what its log and its backups hold is for those who keep them.
    pub(super) async fn scrub(&mut self) -> bool {
        use sqlx::Row as _;
        let conn = match self {
            Self::File(conn) => conn,
            Self::Server(link) => {
                link.scrub();
                return true;
            }
        };
        match sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(conn).await {
            Ok(row) => row.try_get::<i64, _>(0).is_ok_and(|busy| busy == 0),
            Err(error) => {
                tracing::warn!(%error, "the vault's write-ahead log could not be emptied; tried again after the next commit");
                false
            }
        }
    }

    pub(super) async fn close(self) -> Result<()> {
        match self {
            Self::File(conn) => Ok(conn.close().await?),
            Self::Server(link) => link.close().await,
        }
    }
}

/// The statement for so many rows.
pub(super) fn insert_text(table: &Insert, rows: usize, numbered: bool) -> String {
    format!("{} {}", table.head, places(rows, table.columns(), numbered))
}

/// The statement for so many ids.
pub(super) fn each_text(change: &Each, ids: usize, numbered: bool) -> String {
    format!("{} {}", change.head, places(1, ids, numbered))
}

/// The question for so many.
pub(super) fn list_text([head, tail]: [&str; 2], listed: usize, numbered: bool) -> String {
    let last = if numbered { format!("${}", listed + 1) } else { "?".to_owned() };
    format!("{head} {} {tail} {last}", places(1, listed, numbered))
}

/// `($1,$2),($3,$4)`: so many rows of so many places. PostgreSQL knows no `?`; SQLite looks a name up each time, which
/// takes long where there are thousands.
pub(super) fn places(rows: usize, columns: usize, numbered: bool) -> String {
    let mut text = String::with_capacity(rows * columns * 6);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ",(" });
        for column in 0..columns {
            if column > 0 {
                text.push(',');
            }
            if numbered {
                let _never_fails = write!(text, "${}", 1 + row * columns + column);
            } else {
                text.push('?');
            }
        }
        text.push(')');
    }
    text
}

type Bound<'q, DB> = Query<'q, DB, <DB as sqlx::Database>::Arguments>;

/// A database that knows the three kinds of value.
pub(super) trait Known: sqlx::Database {
    /// Binds one more value.
    fn bind(query: Bound<'_, Self>, value: Value) -> Bound<'_, Self>;
}

impl Known for Sqlite {
    fn bind(query: Bound<'_, Self>, value: Value) -> Bound<'_, Self> {
        bind_one(query, value)
    }
}

impl Known for Postgres {
    fn bind(query: Bound<'_, Self>, value: Value) -> Bound<'_, Self> {
        bind_one(query, value)
    }
}

fn bind_one<'q, DB>(query: Bound<'q, DB>, value: Value) -> Bound<'q, DB>
where
    DB: sqlx::Database,
    Option<i64>: for<'t> Encode<'t, DB> + Type<DB>,
    Option<Vec<u8>>: for<'t> Encode<'t, DB> + Type<DB>,
    Option<String>: for<'t> Encode<'t, DB> + Type<DB>,
    DB::Arguments: IntoArguments<DB>,
{
    match value {
        Value::Int(number) => query.bind(number),
        Value::Bytes(bytes) => query.bind(bytes),
        Value::Text(text) => query.bind(text),
    }
}

fn bind_all<DB: Known>(query: Bound<'_, DB>, values: impl IntoIterator<Item = Value>) -> Bound<'_, DB> {
    values.into_iter().fold(query, DB::bind)
}

fn bind_refs<'q, 'v, DB: Known>(query: Bound<'q, DB>, values: impl IntoIterator<Item = &'v Value>) -> Bound<'q, DB> {
    let copied = values.into_iter().map(|value| match value {
        Value::Int(number) => Value::Int(*number),
        Value::Bytes(bytes) => Value::Bytes(bytes.clone()),
        Value::Text(text) => Value::Text(text.clone()),
    });
    bind_all(query, copied)
}

/// True for what concerns one operation alone.
pub(super) fn breaks_a_constraint(error: &VaultError) -> bool {
    match error {
        VaultError::Exists | VaultError::Gone | VaultError::OldKeys => true,
        VaultError::Database(cause) => {
            cause.as_database_error().is_some_and(|e| e.is_unique_violation() || e.is_check_violation())
        }
        _ => false,
    }
}
