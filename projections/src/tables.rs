//! The tables of the views. Every generation of a view's rows has a set of its own, so that a rebuild writes into empty
//! tables without indexes, the switch moves nothing, and what is no longer read is dropped whole.
//!
//! Statements write `@` where the generation's number stands in a name. What is asked from outside goes to the SQL view
//! of the plain name, which shows the generation that is read.

use crate::projection::ViewError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Row, Sqlite, SqliteConnection};

/// Rows of one INSERT, largest first. The driver pays for statements, not for rows, and the database engine copies each page
/// that a statement of many rows changes, to be able to take the statement back: once for a thousand rows, or once for each
/// hundred. Few shapes, so that each is prepared once.
const SHAPES: [usize; 4] = [1_024, 128, 16, 1];

/// A statement for the tables of one generation.
pub fn in_generation(sql: &str, generation: i64) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql.replace('@', &generation.to_string()))
}

/// A view's tables, as `migrations/views` defines them.
#[derive(Clone, Copy, Debug)]
pub struct Tables {
    /// Their plain names. The rows of the first are the rows of the view.
    pub names: &'static [&'static str],
    /// The statements that make them, each ending in a semicolon at the end of a line.
    pub sql: &'static str,
}

impl Tables {
    fn statements(&self, indexes: bool) -> impl Iterator<Item = &'static str> {
        self.sql.split(";\n").filter(move |sql| !sql.trim().is_empty() && sql.contains("CREATE INDEX") == indexes)
    }

    /// Makes the empty tables of a generation, without their indexes.
    pub(crate) async fn create(&self, c: &mut SqliteConnection, generation: i64) -> Result<(), sqlx::Error> {
        for sql in self.statements(false) {
            sqlx::query(in_generation(sql, generation)).persistent(false).execute(&mut *c).await?;
        }
        Ok(())
    }

    /// Statements that make the indexes which a generation does not have yet.
    pub(crate) fn indexes(&self, generation: i64) -> impl Iterator<Item = AssertSqlSafe<String>> {
        self.statements(true).map(move |sql| in_generation(sql, generation))
    }

    /// Lets readers see this generation, once the transaction is committed.
    pub(crate) async fn show(&self, c: &mut SqliteConnection, generation: i64) -> Result<(), sqlx::Error> {
        for name in self.names {
            let sql = format!("DROP VIEW IF EXISTS {name}; CREATE VIEW {name} AS SELECT * FROM {name}_{generation}");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *c).await?;
        }
        Ok(())
    }

    /// Drops the tables of every generation but one.
    pub(crate) async fn drop_others(&self, c: &mut SqliteConnection, keep: i64) -> Result<(), sqlx::Error> {
        for name in self.names {
            let found: Vec<String> = sqlx::query_scalar(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB ? || '_[0-9]*' AND name <> ?",
            )
            .bind(*name)
            .bind(format!("{name}_{keep}"))
            .fetch_all(&mut *c)
            .await?;
            for table in found {
                sqlx::query(AssertSqlSafe(format!("DROP TABLE {table}"))).persistent(false).execute(&mut *c).await?;
            }
        }
        Ok(())
    }

    /// How many rows a generation has.
    pub(crate) async fn count(&self, c: &mut SqliteConnection, generation: i64) -> Result<i64, sqlx::Error> {
        let first = self.names.first().copied().unwrap_or_default();
        sqlx::query_scalar(in_generation(&format!("SELECT count(*) FROM {first}_@"), generation)).fetch_one(c).await
    }
}

/// A value of a column.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Bytes(Vec<u8>),
    Text(String),
}

impl<const N: usize> From<[u8; N]> for Cell {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}
impl From<Vec<u8>> for Cell {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}
impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
macro_rules! numbers {
    ($($number:ty),*) => { $(impl From<$number> for Cell {
        fn from(number: $number) -> Self {
            Self::Int(number.into())
        }
    })* };
}
numbers!(i64, i32, u8, bool);

/// A statement with its values.
pub(crate) fn bound(
    sql: AssertSqlSafe<String>,
    cells: impl IntoIterator<Item = Cell>,
) -> Query<'static, Sqlite, SqliteArguments> {
    cells.into_iter().fold(sqlx::query(sql), |query, cell| match cell {
        Cell::Null => query.bind(None::<i64>),
        Cell::Int(number) => query.bind(number),
        Cell::Bytes(bytes) => query.bind(bytes),
        Cell::Text(text) => query.bind(text),
    })
}

/// Inserts rows, as many by one statement as is worth it. `insert` is the statement up to `VALUES`.
pub(crate) async fn insert(
    c: &mut SqliteConnection,
    insert: &str,
    generation: i64,
    rows: &mut (dyn Iterator<Item = Result<Vec<Cell>, ViewError>> + Send),
) -> Result<(), ViewError> {
    loop {
        let chunk = rows.take(SHAPES[0]).collect::<Result<Vec<_>, _>>()?;
        let Some(columns) = chunk.first().map(Vec::len) else { return Ok(()) };
        let row = format!("({})", vec!["?"; columns].join(","));
        let mut left = chunk.into_iter();
        for shape in SHAPES {
            while left.len() >= shape {
                let values = vec![row.as_str(); shape].join(",");
                let sql = in_generation(&format!("{insert} VALUES {values}"), generation);
                bound(sql, left.by_ref().take(shape).flatten()).execute(&mut *c).await?;
            }
        }
    }
}

/// A table with one row for each key: the columns that find it, those it is asked by, and the row, as postcard.
pub(crate) struct RowTable {
    /// The view that it belongs to.
    pub(crate) view: &'static str,
    /// Its plain name.
    pub(crate) name: &'static str,
    /// What a row is replaced by, and found by where no other way is said.
    pub(crate) key: &'static [&'static str],
    /// What rows are asked by besides.
    pub(crate) asked: &'static [&'static str],
}

impl RowTable {
    /// Reads the row of a key.
    pub(crate) async fn read<R: DeserializeOwned>(
        &self,
        c: &mut SqliteConnection,
        generation: i64,
        key: impl IntoIterator<Item = Cell>,
    ) -> Result<Option<R>, ViewError> {
        let sql = format!("SELECT body FROM {}_@ WHERE {} = ?", self.name, self.key.join(" = ? AND "));
        let row = bound(in_generation(&sql, generation), key).fetch_optional(c).await?;
        row.map(|row| unpack(self.view, row.try_get(0)?)).transpose()
    }

    /// Writes rows, each with its cells: those of the key, then those it is asked by. A row that is there is replaced.
    pub(crate) async fn write<'r, R: Serialize + Sync + 'r>(
        &self,
        c: &mut SqliteConnection,
        generation: i64,
        rows: impl Iterator<Item = (Vec<Cell>, &'r R)> + Send,
    ) -> Result<(), ViewError> {
        let columns = [self.key, self.asked].concat().join(", ");
        let sql = format!("INSERT OR REPLACE INTO {}_@ ({columns}, body)", self.name);
        let mut rows = rows.map(|(mut cells, row)| {
            cells.push(pack(self.view, row)?.into());
            Ok(cells)
        });
        insert(c, &sql, generation, &mut rows).await
    }
}

/// A value as postcard.
pub(crate) fn pack<T: Serialize>(view: &'static str, value: &T) -> Result<Vec<u8>, ViewError> {
    postcard::to_stdvec(value).map_err(|error| ViewError::Row { view, why: error.to_string() })
}

/// A value from postcard; all of the bytes.
pub(crate) fn unpack<T: DeserializeOwned>(view: &'static str, bytes: &[u8]) -> Result<T, ViewError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(ViewError::Row { view, why: "bytes are left over".to_owned() }),
        Err(error) => Err(ViewError::Row { view, why: error.to_string() }),
    }
}

/// Sixteen bytes from a column that the schema checks.
pub(crate) fn id16(view: &'static str, bytes: &[u8]) -> Result<[u8; 16], ViewError> {
    bytes.try_into().map_err(|_| ViewError::Row { view, why: "an id has not sixteen bytes".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::Connection;

    #[tokio::test]
    async fn however_many_rows_each_is_inserted_once_in_few_shapes() {
        let mut c = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        sqlx::query("CREATE TABLE t_7 (n INTEGER NOT NULL, body BLOB NOT NULL) STRICT").execute(&mut c).await.unwrap();
        let mut expected = 0;
        for many in [0, 1, 15, 16, 17, 127, 128, 1_023, 1_024, 1_025, 2 * 1_024 + 3 * 128 + 5 * 16 + 9] {
            let mut rows =
                (expected..expected + many).map(|n: i64| Ok(vec![n.into(), n.to_string().into_bytes().into()]));
            insert(&mut c, "INSERT INTO t_@ (n, body)", 7, &mut rows).await.unwrap();
            expected += many;
        }
        let sql = "SELECT count(*), count(DISTINCT n), max(n) + 1, sum(CAST(body AS TEXT) = n) FROM t_7";
        let found: (i64, i64, i64, i64) = sqlx::query_as(sql).fetch_one(&mut c).await.unwrap();
        assert_eq!(found, (expected, expected, expected, expected));
        assert!(c.cached_statements_size() <= SHAPES.len() + 2, "{} statements", c.cached_statements_size());
    }

    #[tokio::test]
    async fn a_row_that_cannot_be_made_ends_it() {
        let mut c = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        sqlx::query("CREATE TABLE t_7 (n INTEGER) STRICT").execute(&mut c).await.unwrap();
        let bad = || ViewError::Row { view: "t", why: "planted".to_owned() };
        let mut rows = (0..40_i64).map(|n| if n == 20 { Err(bad()) } else { Ok(vec![n.into()]) });
        let failed = insert(&mut c, "INSERT INTO t_@ (n)", 7, &mut rows).await;
        assert!(matches!(failed, Err(ViewError::Row { .. })), "{failed:?}");
    }
}
