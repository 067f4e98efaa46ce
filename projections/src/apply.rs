//! Applying a page: decode, fold, write rows and checkpoint, commit, show. What the runner and a rebuild share.

use crate::checkpoint::{self, Checkpoint};
use crate::envelope::FromLog;
use crate::file::Db;
use crate::projection::{At, Rows, View, ViewError, fold_one, keys_of};
use crate::runner::{Halt, Runner};
use crate::status::StopReason;
use booking_store::{Position, Recorded};
use sqlx::pool::PoolConnection;
use sqlx::{Connection, Sqlite};

/// How far a page was folded, and the bad event that ended it.
pub(crate) struct Outcome {
    pub(crate) reached: Option<Position>,
    pub(crate) bad: Option<StopReason>,
}

/// A page that was not folded.
pub(crate) enum Unfolded {
    /// The file of the views did not answer.
    Halt(Halt),
    /// A fold failed, and left the rows half changed.
    HalfDone,
}

impl From<ViewError> for Unfolded {
    fn from(error: ViewError) -> Self {
        Self::Halt(error.into())
    }
}

impl<V: View> Runner<V> {
    /// Folds a page into the rows. An event that does not fold is found again in rows that hold nothing else: `alone` says
    /// that these can be thrown away and read again, since all that they held is on the disk.
    pub(crate) async fn fold_page(
        &self,
        at: At<'_>,
        rows: &mut Rows<V::Key, V::Row>,
        events: &[Recorded],
        next: Option<Position>,
        alone: bool,
    ) -> Result<Outcome, Unfolded> {
        let (mut envelopes, mut bad) = read_envelopes::<V>(at, events);
        while let Some((index, reason)) = self.fold_all(at, rows, &envelopes).await? {
            if !alone {
                return Err(Unfolded::HalfDone);
            }
            // Once more without it: what it half did goes with the rows.
            *rows = Rows::default();
            bad = events.iter().find(|e| e.position == envelopes[index].position()).map(|e| bad_event(e, reason));
            envelopes.truncate(index);
        }
        let reached = match &bad {
            Some(StopReason::BadEvent { position, .. }) => {
                events.iter().map(|e| e.position).filter(|p| p < position).max().max(at.position)
            }
            _ => next.max(at.position),
        };
        Ok(Outcome { reached, bad })
    }

    /// Folds the events one after the other; the first bad one, if there is any.
    async fn fold_all(
        &self,
        at: At<'_>,
        rows: &mut Rows<V::Key, V::Row>,
        envelopes: &[V::Event],
    ) -> Result<Option<(usize, String)>, ViewError> {
        let mut reader = Reader { db: &self.db, connection: None };
        for (index, event) in envelopes.iter().enumerate() {
            let keys = match keys_of(&*self.view, event) {
                Ok(keys) => keys,
                Err(reason) => return Ok(Some((index, reason))),
            };
            for key in keys {
                if rows.needs(&key) {
                    let row = self.view.read(reader.connection().await?, at, &key).await?;
                    rows.insert_read(key, row);
                }
            }
            if let Err(reason) = fold_one(&*self.view, event, rows) {
                return Ok(Some((index, reason)));
            }
        }
        Ok(None)
    }

    /// Writes what changed, in one transaction; if `from` is given, the checkpoint moves with it, from there.
    pub(crate) async fn write_rows(
        &self,
        rows: &Rows<V::Key, V::Row>,
        from: Option<Checkpoint>,
        to: Checkpoint,
    ) -> Result<(), Halt> {
        let mut writer = self.db.writer().await?;
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        let unsaved = rows.unsaved();
        if !unsaved.is_empty() {
            self.view.write(&mut transaction, to.generation, &unsaved).await?;
        }
        if let Some(from) = from
            && !checkpoint::advance(&mut transaction, V::NAME, from, to).await?
        {
            return Err(StopReason::Fenced.into());
        }
        Ok(transaction.commit().await?)
    }
}

/// A connection that reads, taken when it is needed first: most pages find all their rows in memory. What it reads is
/// committed, and nobody else writes these rows: whoever tried is fenced when they are written.
struct Reader<'a> {
    db: &'a Db,
    connection: Option<PoolConnection<Sqlite>>,
}

impl Reader<'_> {
    async fn connection(&mut self) -> Result<&mut sqlx::SqliteConnection, ViewError> {
        if self.connection.is_none() {
            self.connection = Some(self.db.readers.acquire().await?);
        }
        match &mut self.connection {
            Some(connection) => Ok(connection),
            None => Err(sqlx::Error::PoolClosed.into()),
        }
    }
}

fn bad_event(event: &Recorded, reason: String) -> StopReason {
    StopReason::BadEvent { position: event.position, event_type: event.event_type.to_string(), reason }
}

/// Decodes what the projection reads, up to the first event that cannot be.
fn read_envelopes<V: View>(at: At<'_>, events: &[Recorded]) -> (Vec<V::Event>, Option<StopReason>) {
    let mut last = at.position;
    let mut envelopes = Vec::new();
    for event in events {
        // Delivered again: applied already.
        if Some(event.position) <= last {
            continue;
        }
        last = Some(event.position);
        if !V::CATEGORIES.contains(&event.stream.category()) || at.quarantined.contains(&event.position) {
            continue;
        }
        match V::Event::read(event) {
            Ok(envelope) => envelopes.push(envelope),
            Err(reason) => return (envelopes, Some(bad_event(event, reason))),
        }
    }
    (envelopes, None)
}
