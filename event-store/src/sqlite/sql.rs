//! The statements of the writer, in few fixed shapes, so that each is prepared once.
//!
//! A statement costs far more than a row (it crosses to the connection's thread and back), so a batch is one
//! statement. A shape has room for so many rows; parameters that are not bound are NULL, and such rows are skipped.

use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, SqlSafeStr, SqlStr};
use std::fmt::Write;
use std::sync::Arc;

/// Rooms of the shapes: the next one is never more than twice what is needed.
const ROOMS: [usize; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/// Inserts into one table.
pub(super) struct Inserts {
    shapes: Vec<(usize, SqlStr)>,
}

impl Inserts {
    pub(super) fn new(table: &str, columns: &[&str]) -> Self {
        let shapes = ROOMS.iter().map(|&room| (room, shape(table, columns, room))).collect();
        Self { shapes }
    }

    /// The most rows that one statement takes.
    pub(super) const fn most() -> usize {
        ROOMS[ROOMS.len() - 1]
    }

    /// The statement with room for so many rows.
    pub(super) fn with_room(&self, rows: usize) -> Option<SqlStr> {
        self.shapes.iter().find(|(room, _)| *room >= rows).map(|(_, sql)| sql.clone())
    }
}

fn shape(table: &str, columns: &[&str], room: usize) -> SqlStr {
    let columns_text = columns.join(", ");
    let row = format!("({})", vec!["?"; columns.len()].join(","));
    let rows = vec![row.as_str(); room].join(",");
    let mut sql = format!("INSERT INTO {table} ({columns_text}) ");
    // Writing to a String does not fail.
    let _ = if room == 1 {
        write!(sql, "VALUES {rows}")
    } else {
        write!(sql, "SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL")
    };
    AssertSqlSafe(Arc::<str>::from(sql)).into_sql_str()
}

/// Collects the values of one statement; the first that cannot be encoded is reported by [`Values::finish`].
#[derive(Default)]
pub(super) struct Values {
    arguments: SqliteArguments,
    failed: Option<String>,
}

impl Values {
    /// With memory for so many rows.
    pub(super) fn for_rows(rows: usize, columns: usize) -> Self {
        let mut values = Self::default();
        values.arguments.reserve(rows.saturating_mul(columns), 0);
        values
    }

    pub(super) fn integer(&mut self, value: i64) {
        if let Err(error) = Arguments::add(&mut self.arguments, value) {
            self.failed = Some(error.to_string());
        }
    }

    pub(super) fn text(&mut self, value: &str) {
        if let Err(error) = Arguments::add(&mut self.arguments, value) {
            self.failed = Some(error.to_string());
        }
    }

    pub(super) fn bytes(&mut self, value: &[u8]) {
        if let Err(error) = Arguments::add(&mut self.arguments, value) {
            self.failed = Some(error.to_string());
        }
    }

    pub(super) fn finish(self) -> Result<SqliteArguments, sqlx::Error> {
        match self.failed {
            None => Ok(self.arguments),
            Some(why) => Err(sqlx::Error::Encode(why.into())),
        }
    }
}
