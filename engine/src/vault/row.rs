//! Reads columns of a row into fixed-size values; anything else than the schema promises is damage.

use super::database::Row;
use super::error::{Result, VaultError};
use booking_domain::time::Instant;
use sqlx::Row as _;

/// One column, from either database.
macro_rules! get {
    ($row:expr, $column:expr) => {
        match $row {
            Row::File(row) => row.try_get($column)?,
            Row::Server(row) => row.try_get($column)?,
        }
    };
}

/// Exactly N bytes.
pub(super) fn bytes<const N: usize>(row: &Row, column: usize) -> Result<[u8; N]> {
    exact(&blob(row, column)?)
}

/// As [`bytes`], or NULL.
pub(super) fn maybe_bytes<const N: usize>(row: &Row, column: usize) -> Result<Option<[u8; N]>> {
    maybe_blob(row, column)?.map(|found| exact(&found)).transpose()
}

/// Bytes of any length.
pub(super) fn blob(row: &Row, column: usize) -> Result<Vec<u8>> {
    Ok(get!(row, column))
}

/// As [`blob`], or NULL.
pub(super) fn maybe_blob(row: &Row, column: usize) -> Result<Option<Vec<u8>>> {
    Ok(get!(row, column))
}

/// Microseconds.
pub(super) fn instant(row: &Row, column: usize) -> Result<Instant> {
    Ok(Instant(get!(row, column)))
}

/// As [`instant`], or NULL.
pub(super) fn maybe_instant(row: &Row, column: usize) -> Result<Option<Instant>> {
    Ok(maybe_number(row, column)?.map(Instant))
}

/// A number that fits a smaller type.
pub(super) fn int<T: TryFrom<i64>>(row: &Row, column: usize) -> Result<T> {
    let found: i64 = get!(row, column);
    T::try_from(found).map_err(|_| VaultError::Damaged("a number is out of its range"))
}

/// A number, or NULL.
pub(super) fn maybe_number(row: &Row, column: usize) -> Result<Option<i64>> {
    Ok(get!(row, column))
}

/// Text.
pub(super) fn text(row: &Row, column: usize) -> Result<String> {
    Ok(get!(row, column))
}

/// As [`text`], or NULL.
pub(super) fn maybe_text(row: &Row, column: usize) -> Result<Option<String>> {
    Ok(get!(row, column))
}

fn exact<const N: usize>(found: &[u8]) -> Result<[u8; N]> {
    found.try_into().map_err(|_| VaultError::Damaged("an id or a hash has a wrong length"))
}
