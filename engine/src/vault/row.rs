//! Reads columns of a row into fixed-size values; anything else than the schema promises is damage.

use super::error::{Result, VaultError};
use booking_domain::time::Instant;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// A BLOB of exactly N bytes.
pub(super) fn bytes<const N: usize>(row: &SqliteRow, column: usize) -> Result<[u8; N]> {
    exact(&blob(row, column)?)
}

/// As [`bytes`], or NULL.
pub(super) fn maybe_bytes<const N: usize>(row: &SqliteRow, column: usize) -> Result<Option<[u8; N]>> {
    row.try_get::<Option<Vec<u8>>, _>(column)?.map(|found| exact(&found)).transpose()
}

/// A BLOB of any length.
pub(super) fn blob(row: &SqliteRow, column: usize) -> Result<Vec<u8>> {
    Ok(row.try_get(column)?)
}

/// As [`blob`], or NULL.
pub(super) fn maybe_blob(row: &SqliteRow, column: usize) -> Result<Option<Vec<u8>>> {
    Ok(row.try_get(column)?)
}

/// An INTEGER of microseconds.
pub(super) fn instant(row: &SqliteRow, column: usize) -> Result<Instant> {
    Ok(Instant(row.try_get(column)?))
}

/// As [`instant`], or NULL.
pub(super) fn maybe_instant(row: &SqliteRow, column: usize) -> Result<Option<Instant>> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Instant))
}

/// An INTEGER that fits a smaller type.
pub(super) fn int<T: TryFrom<i64>>(row: &SqliteRow, column: usize) -> Result<T> {
    T::try_from(row.try_get(column)?).map_err(|_| VaultError::Damaged("a number is out of its range"))
}

/// A TEXT.
pub(super) fn text(row: &SqliteRow, column: usize) -> Result<String> {
    Ok(row.try_get(column)?)
}

/// As [`text`], or NULL.
pub(super) fn maybe_text(row: &SqliteRow, column: usize) -> Result<Option<String>> {
    Ok(row.try_get(column)?)
}

fn exact<const N: usize>(found: &[u8]) -> Result<[u8; N]> {
    found.try_into().map_err(|_| VaultError::Damaged("an id or a hash has a wrong length"))
}
