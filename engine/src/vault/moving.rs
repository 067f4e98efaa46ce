//! A vault goes from its file onto a server: every row in one transaction, read again and compared before it counts.
//!
//! Keys stay wrapped and identities sealed: rows are copied as they are, and the root key has no part in it.

use super::database::{Known, Row};
use super::error::{Result, VaultError};
use super::server::{Committed, Link};
use super::value::{Kind, Value};
use super::{file, row, server};
use futures::TryStreamExt;
use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _, SqlitePool};
use std::path::Path;

/// Rows of one statement: with the most columns that a table has, far below the server's 65,535 parameters.
const ROWS: usize = 500;

/// Copies a vault's file into a database on a server, which holds no vault yet or this one already. Answers how many
/// rows it has.
///
/// Nobody may write to the file meanwhile. Whatever goes wrong, the server has all rows or none; the file stays as it is.
/// A database with another vault in it is [`VaultError::Unsuitable`].
pub async fn copy_to_server(path: &Path, url: &str) -> Result<u64> {
    if !path.try_exists().map_err(|error| VaultError::file(path, error))? {
        return Err(VaultError::file(path, std::io::ErrorKind::NotFound.into()));
    }
    let from = file::open(path).await?;
    let copied = copy(&from.readers, url).await;
    from.readers.close().await;
    sqlx::Connection::close(from.writer).await?;
    copied
}

async fn copy(from: &SqlitePool, url: &str) -> Result<u64> {
    let mut to = server::open(url).await?.link;
    let tables = tables(from).await?;
    to.begin(true).await?;
    let is_new = {
        let keys = sqlx::query("SELECT count(*) FROM vault_key").fetch_one(to.conn()?).await?;
        keys.try_get::<i64, _>(0)? == 0
    };
    let mut rows = 0;
    for table in &tables {
        if is_new {
            table.insert_all(from, &mut to).await?;
        }
        let (here, there) = (table.in_file(from).await?, table.on_server(&mut to).await?);
        if here != there {
            // The transaction ends with the connection.
            return Err(VaultError::Unsuitable("it holds another vault; nothing was changed: give this one its own"));
        }
        rows += here.rows;
    }
    match to.commit().await {
        Committed::Yes => to.close().await.map(|()| rows),
        Committed::No(error) | Committed::Unknown(error) => Err(error),
    }
}

/// A table of the vault, the same on both sides.
struct Table {
    name: String,
    columns: Vec<(String, Kind)>,
}

/// The tables of the file. The clinics' keys come last: the server refuses a subject's key under an older key of its clinic,
/// and a rotation may be under way.
async fn tables(from: &SqlitePool) -> Result<Vec<Table>> {
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
                 ORDER BY name = 'clinic_keys', name";
    let mut tables = Vec::new();
    for found in sqlx::query(names).fetch_all(from).await? {
        let name: String = found.try_get(0)?;
        let columns = sqlx::query("SELECT name, type FROM pragma_table_info(?) ORDER BY cid");
        let columns = columns.bind(name.clone()).fetch_all(from).await?.iter().map(column).collect::<Result<_>>()?;
        tables.push(Table { name, columns });
    }
    Ok(tables)
}

fn column(found: &SqliteRow) -> Result<(String, Kind)> {
    let kind = match found.try_get::<String, _>(1)?.as_str() {
        "INTEGER" => Kind::Int,
        "BLOB" => Kind::Bytes,
        "TEXT" => Kind::Text,
        _ => return Err(VaultError::Damaged("a column has a type that the vault does not use")),
    };
    Ok((found.try_get(0)?, kind))
}

impl Table {
    fn listed(&self) -> String {
        let quoted: Vec<_> = self.columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        quoted.join(", ")
    }

    fn select(&self) -> AssertSqlSafe<String> {
        AssertSqlSafe(format!("SELECT {} FROM {}", self.listed(), self.name))
    }

    fn cells(&self, row: &Row) -> Result<Vec<Value>> {
        let cell = |(at, (_, kind)): (usize, &(String, Kind))| {
            Ok(match kind {
                Kind::Int => Value::Int(row::maybe_number(row, at)?),
                Kind::Bytes => Value::Bytes(row::maybe_blob(row, at)?),
                Kind::Text => Value::Text(row::maybe_text(row, at)?),
            })
        };
        self.columns.iter().enumerate().map(cell).collect()
    }

    async fn insert_all(&self, from: &SqlitePool, to: &mut Link) -> Result<()> {
        let mut rows = sqlx::query(self.select()).fetch(from).map_err(VaultError::from).try_chunks(ROWS);
        while let Some(some) = rows.try_next().await.map_err(|error| error.1)? {
            let places = super::database::places(some.len(), self.columns.len(), true);
            let text = format!("INSERT INTO {} ({}) VALUES {places}", self.name, self.listed());
            let mut query = sqlx::query(AssertSqlSafe(text)).persistent(some.len() == ROWS);
            for row in some {
                query = self.cells(&Row::File(row))?.into_iter().fold(query, <sqlx::Postgres as Known>::bind);
            }
            query.execute(to.conn()?).await?;
        }
        Ok(())
    }

    async fn in_file(&self, from: &SqlitePool) -> Result<Content> {
        let mut content = Content::default();
        let mut rows = sqlx::query(self.select()).fetch(from);
        while let Some(row) = rows.try_next().await? {
            content.add(&self.cells(&Row::File(row))?);
        }
        Ok(content)
    }

    async fn on_server(&self, to: &mut Link) -> Result<Content> {
        let mut content = Content::default();
        let mut rows = sqlx::query(self.select()).fetch(to.conn()?);
        while let Some(row) = rows.try_next().await? {
            content.add(&self.cells(&Row::Server(row))?);
        }
        Ok(content)
    }
}

/// What stands in a table, whatever the order of its rows.
#[derive(Default, PartialEq, Eq, Debug)]
struct Content {
    rows: u64,
    /// The sum of the rows' hashes, of each the first sixteen bytes.
    sum: u128,
}

impl Content {
    fn add(&mut self, cells: &[Value]) {
        let mut hash = Sha256::new();
        for cell in cells {
            let bytes = match cell {
                Value::Int(number) => number.map(|number| number.to_be_bytes().to_vec()),
                Value::Bytes(bytes) => bytes.clone(),
                Value::Text(text) => text.clone().map(String::into_bytes),
            };
            // NULL is not the same as nothing, and no two rows run together.
            hash.update(bytes.as_ref().map_or(u64::MAX, |bytes| bytes.len() as u64).to_be_bytes());
            hash.update(bytes.unwrap_or_default());
        }
        let first = hash.finalize().first_chunk().copied().unwrap_or_default();
        self.rows += 1;
        self.sum = self.sum.wrapping_add(u128::from_be_bytes(first));
    }
}
