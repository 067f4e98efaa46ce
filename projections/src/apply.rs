//! Applying a page: decode, fold, write rows and checkpoint, commit, show. What the runner and a rebuild share.

use crate::checkpoint::{self, Checkpoint};
use crate::envelope::FromLog;
use crate::projection::{At, Rows, View, fold_one, keys_of};
use crate::runner::{Halt, Runner};
use crate::status::StopReason;
use booking_store::{Position, Recorded};
use sqlx::{Connection, SqliteConnection};
use std::collections::HashSet;

/// How far a page was applied, and the bad event that ended it.
pub(crate) struct Outcome {
    pub(crate) reached: Option<Position>,
    pub(crate) bad: Option<StopReason>,
}

impl<V: View> Runner<V> {
    /// Folds events into the rows of `at`'s generation, and commits them; a live page with its checkpoint.
    pub(crate) async fn apply(
        &self,
        at: Checkpoint,
        quarantined: &HashSet<Position>,
        rows: &mut Rows<V::Key, V::Row>,
        events: &[Recorded],
        next: Option<Position>,
        live: bool,
    ) -> Result<Outcome, Halt> {
        let (mut envelopes, mut bad) = read_envelopes::<V>(at, quarantined, events);
        let place = At { generation: at.generation, position: at.position, quarantined };
        let mut writer = self.db.writer().await?;
        loop {
            let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
            if let Some((index, reason)) = self.fold_all(&mut transaction, place, rows, &envelopes).await? {
                transaction.rollback().await?;
                // Once more without it: what it half did goes with the rows.
                *rows = Rows::default();
                bad = events.iter().find(|e| e.position == envelopes[index].position()).map(|e| bad_event(e, reason));
                envelopes.truncate(index);
                continue;
            }
            let reached = match &bad {
                Some(StopReason::BadEvent { position, .. }) => {
                    events.iter().map(|e| e.position).filter(|p| p < position).max().max(at.position)
                }
                _ => next.max(at.position),
            };
            let changed = rows.changed();
            if !changed.is_empty() {
                self.view.write(&mut transaction, at.generation, &changed).await?;
            }
            let to = Checkpoint { generation: at.generation, position: reached };
            if live && to != at && !checkpoint::advance(&mut transaction, V::NAME, at, to).await? {
                return Err(StopReason::Fenced.into());
            }
            transaction.commit().await?;
            if live {
                self.view.publish(&changed).await;
            }
            return Ok(Outcome { reached, bad });
        }
    }

    /// Folds the events one after the other; the first bad one, if there is any.
    async fn fold_all(
        &self,
        c: &mut SqliteConnection,
        at: At<'_>,
        rows: &mut Rows<V::Key, V::Row>,
        envelopes: &[V::Event],
    ) -> Result<Option<(usize, String)>, Halt> {
        for (index, event) in envelopes.iter().enumerate() {
            let keys = match keys_of(&*self.view, event) {
                Ok(keys) => keys,
                Err(reason) => return Ok(Some((index, reason))),
            };
            for key in keys {
                if rows.needs(&key) {
                    let row = self.view.read(c, at, &key).await?;
                    rows.insert_read(key, row);
                }
            }
            if let Err(reason) = fold_one(&*self.view, event, rows) {
                return Ok(Some((index, reason)));
            }
        }
        Ok(None)
    }
}

fn bad_event(event: &Recorded, reason: String) -> StopReason {
    StopReason::BadEvent { position: event.position, event_type: event.event_type.to_string(), reason }
}

/// Decodes what the projection reads, up to the first event that cannot be.
fn read_envelopes<V: View>(
    at: Checkpoint,
    quarantined: &HashSet<Position>,
    events: &[Recorded],
) -> (Vec<V::Event>, Option<StopReason>) {
    let mut last = at.position;
    let mut envelopes = Vec::new();
    for event in events {
        // Delivered again: applied already.
        if Some(event.position) <= last {
            continue;
        }
        last = Some(event.position);
        if !V::CATEGORIES.contains(&event.stream.category()) || quarantined.contains(&event.position) {
            continue;
        }
        match V::Event::read(event) {
            Ok(envelope) => envelopes.push(envelope),
            Err(reason) => return (envelopes, Some(bad_event(event, reason))),
        }
    }
    (envelopes, None)
}
