//! Reading pages of events, up to what the index says and not beyond.
//!
//! Revisions and positions are dense, so it is known beforehand how many events a page has. Fewer mean damage.

use super::blocks::{self, Block, Stored};
use super::index::Index;
use super::open::is_damage;
use super::tail::Tail;
use crate::port::{Page, Position, ReadError, Recorded};
use booking_domain::stream::StreamName;
use futures::TryStreamExt;
use sqlx::{Row, SqlitePool};
use std::sync::Arc;
use uuid::Uuid;

/// Events of one page of the whole log at most, whatever was asked for.
pub(super) const PAGE_EVENTS: u64 = 65_536;
/// Bytes after which a page of the whole log ends, with the block that they are reached in.
const PAGE_BYTES: usize = 32_000_000;

const IDS: &str = "SELECT event_id, position FROM events WHERE stream = ? AND revision >= ? ORDER BY revision LIMIT ?";

/// Reads from the file, with the index beside it.
pub(super) struct Reader {
    pub(super) pool: SqlitePool,
    pub(super) index: Arc<Index>,
    pub(super) tail: Arc<Tail>,
}

impl Reader {
    pub(super) async fn stream(
        &self,
        stream: &StreamName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let Some(head) = self.index.head(stream).filter(|head| head.last >= from) else {
            return Ok(Vec::new());
        };
        let wanted = (head.last - from).saturating_add(1).min(limit as u64);
        if wanted == 0 {
            return Ok(Vec::new());
        }
        let last = from + wanted - 1;
        let mut events = Vec::with_capacity(usize::try_from(wanted).unwrap_or(0).min(1_024));
        let mut rows =
            sqlx::query(blocks::OF_STREAM).bind(signed(from)).bind(signed(last)).bind(head.id).fetch(&self.pool);
        while let Some(row) = rows.try_next().await.map_err(|error| refused(&error))? {
            let block: Option<&[u8]> = row.try_get(0).map_err(|error| refused(&error))?;
            for stored in Block(block.unwrap_or_default()) {
                let event = self.recorded(&stored?, stream.clone())?;
                if event.revision != from + events.len() as u64 {
                    return Err(gap(&format!("{stream}@{}", from + events.len() as u64)));
                }
                events.push(event);
            }
        }
        if (events.len() as u64) < wanted {
            return Err(gap(&format!("{stream}@{}", from + events.len() as u64)));
        }
        Ok(events)
    }

    pub(super) async fn all(&self, after: Option<Position>, limit: usize) -> Result<Page, ReadError> {
        let last = self.index.last();
        let start = after.map_or(0, |after| after.0);
        let wanted = last.saturating_sub(start).min(limit as u64).min(PAGE_EVENTS);
        if wanted == 0 {
            return Ok(Page { events: Vec::new(), next: after, end: start >= last });
        }
        if let Some(events) = self.tail.after(start, last, wanted) {
            let next = start + events.len() as u64;
            return Ok(Page { events, next: Some(Position(next)), end: next >= last });
        }
        let mut events = Vec::with_capacity(usize::try_from(wanted).unwrap_or(0).min(4_096));
        let (mut next, mut bytes) = (start, 0_usize);
        let mut rows =
            sqlx::query(blocks::IN_ORDER).bind(signed(start + 1)).bind(signed(start + wanted)).fetch(&self.pool);
        while bytes <= PAGE_BYTES
            && let Some(row) = rows.try_next().await.map_err(|error| refused(&error))?
        {
            let block: Option<&[u8]> = row.try_get(0).map_err(|error| refused(&error))?;
            for stored in Block(block.unwrap_or_default()) {
                let stored = stored?;
                let stream = StreamName::parse(stored.stream).map_err(|bad| ReadError::Corrupt(bad.to_string()))?;
                let event = self.recorded(&stored, stream)?;
                next += 1;
                if event.position.0 != next {
                    return Err(gap(&format!("position {next}")));
                }
                bytes = bytes.saturating_add(event.payload.len()).saturating_add(event.metadata.len());
                events.push(event);
            }
        }
        if next < start + wanted && bytes <= PAGE_BYTES {
            return Err(gap(&format!("position {}", next + 1)));
        }
        Ok(Page { events, next: Some(Position(next)), end: next >= last })
    }

    /// The position of the last of these events, if the stream holds them all from this revision on.
    pub(super) async fn find(&self, stream: &StreamName, from: u64, ids: &[Uuid]) -> Result<Option<u64>, ReadError> {
        let Some(head) = self.index.head(stream) else { return Ok(None) };
        let limit = signed(ids.len() as u64);
        let stored: Vec<(Vec<u8>, i64)> = sqlx::query_as(IDS)
            .bind(head.id)
            .bind(signed(from))
            .bind(limit)
            .fetch_all(&self.pool)
            .await
            .map_err(|error| refused(&error))?;
        let same = stored.len() == ids.len() && stored.iter().zip(ids).all(|((stored, _), id)| stored == id.as_bytes());
        Ok(stored.last().filter(|_| same).and_then(|(_, position)| u64::try_from(*position).ok()))
    }

    fn recorded(&self, stored: &Stored<'_>, stream: StreamName) -> Result<Recorded, ReadError> {
        let event_type = self.index.type_name(stored.event_type);
        Ok(Recorded {
            position: Position(stored.position),
            stream,
            revision: stored.revision,
            id: stored.id,
            event_type: event_type
                .ok_or_else(|| ReadError::Corrupt(format!("the unknown event type number {}", stored.event_type)))?,
            metadata: stored.metadata.into(),
            payload: stored.payload.into(),
        })
    }
}

fn gap(at: &str) -> ReadError {
    ReadError::Corrupt(format!("no event at {at}, where one was acknowledged"))
}

/// For parameters: what is beyond the file's range is beyond everything in it.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn refused(error: &sqlx::Error) -> ReadError {
    if is_damage(error) { ReadError::Corrupt(error.to_string()) } else { ReadError::Unavailable(error.to_string()) }
}
