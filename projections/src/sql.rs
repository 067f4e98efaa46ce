//! Small helpers between rows and the domain's types. Every statement's text is a constant.

use crate::projection::ViewError;
use booking_domain::ids;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::{Sqlite, SqliteConnection};

/// Rows of one INSERT: the driver pays for statements, not for rows.
pub(crate) const CHUNK: usize = 100;

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

/// Reads an id column.
pub(crate) fn clinic_id(view: &'static str, bytes: &[u8]) -> Result<ids::ClinicId, ViewError> {
    id16(view, bytes).map(ids::ClinicId::from_bytes)
}

/// Counts a generation's rows.
pub(crate) async fn count(c: &mut SqliteConnection, sql: &'static str, generation: i64) -> Result<i64, ViewError> {
    Ok(sqlx::query_scalar::<Sqlite, i64>(sql).bind(generation).fetch_one(c).await?)
}

/// Deletes rows of other generations.
pub(crate) async fn prune(
    c: &mut SqliteConnection,
    sql: &'static str,
    keep: i64,
    limit: i64,
) -> Result<u64, ViewError> {
    Ok(sqlx::query(sql).bind(keep).bind(limit).execute(c).await?.rows_affected())
}
