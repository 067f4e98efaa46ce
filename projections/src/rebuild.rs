//! Making a projection again while it is read: a new generation of rows beside the old one, then one switch.
//!
//! The live runner goes on feeding the old generation. When the new one has come as far, the runner stands still for
//! the last few events, the counts of rows are compared, memory is loaded from the new rows, and one transaction
//! switches. A rebuild that breaks off changes nothing: its tables belong to no generation that anybody reads, and the
//! next rebuild drops them and begins again.

use crate::apply::Unfolded;
use crate::checkpoint::{self, Checkpoint};
use crate::pace::REBUILD_ROWS;
use crate::projection::{At, Rows, View, ViewError};
use crate::runner::{Halt, Lane, Runner};
use crate::status::StopReason;
use booking_store::{Position, Recorded};
use sqlx::Connection;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What a rebuild did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RebuildReport {
    /// The projection.
    pub projection: &'static str,
    /// Events that were read.
    pub events: u64,
    /// Where it switched.
    pub position: Option<Position>,
    /// Rows of the new generation.
    pub rows: i64,
    /// Rows of the old one; only if both had come to the same position, else they say nothing about each other.
    pub rows_before: Option<i64>,
}

impl RebuildReport {
    /// True if the old rows were as many as the log says; none if that could not be compared.
    pub fn agrees(&self) -> Option<bool> {
        self.rows_before.map(|before| before == self.rows)
    }
}

/// How long the old rows may take to come as far as the new ones.
const COMPARED_WITHIN: Duration = Duration::from_secs(1);

/// Why a rebuild did not switch. The old rows go on being read.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// There is no projection of that name.
    #[error("there is no such projection")]
    UnknownProjection,
    /// One is under way.
    #[error("this projection is being rebuilt already")]
    UnderWay,
    /// It was told to stop.
    #[error("the rebuild was cancelled; begin it again at any time")]
    Cancelled,
    /// It met an event that the live projection has applied and this release cannot.
    #[error(transparent)]
    Stopped(#[from] StopReason),
    /// The log or the file of the views did not answer.
    #[error("{0}")]
    Failed(String),
}

impl From<ViewError> for RebuildError {
    fn from(error: ViewError) -> Self {
        Halt::from(error).into()
    }
}
impl From<sqlx::Error> for RebuildError {
    fn from(error: sqlx::Error) -> Self {
        Halt::from(error).into()
    }
}
impl From<Halt> for RebuildError {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Again(problem) => Self::Failed(problem),
            Halt::Stop(reason) => Self::Stopped(reason),
        }
    }
}

/// The generation that is being built.
struct Shadow<V: View> {
    at: Checkpoint,
    rows: Rows<V::Key, V::Row>,
    events: u64,
    /// It met this bad event, right after where it stands.
    bad: Option<StopReason>,
}

/// Tells in the status that a rebuild is under way, until it ends in whatever way.
struct Shown<'a, V: View>(&'a Runner<V>);

impl<'a, V: View> Shown<'a, V> {
    fn new(runner: &'a Runner<V>) -> Self {
        runner.set_rebuilding(true);
        Self(runner)
    }
}

impl<V: View> Drop for Shown<'_, V> {
    fn drop(&mut self) {
        self.0.set_rebuilding(false);
    }
}

impl<V: View> Runner<V> {
    /// Makes the projection's rows again from the log and switches to them.
    ///
    /// The work is a task of its own. Whoever waits here may be dropped at any moment, which tells the task to stop at
    /// its next page; were the work itself dropped, the switch could be on the disk and unknown to the runner, which
    /// would take it for another runner's and stand still.
    pub async fn rebuild(self: &Arc<Self>, cancel: &CancellationToken) -> Result<RebuildReport, RebuildError> {
        let cancel = cancel.child_token();
        let _dropped = cancel.clone().drop_guard();
        let runner = Arc::clone(self);
        let task = self.tasks.spawn(async move { runner.rebuild_to_the_end(&cancel).await });
        task.await.unwrap_or_else(|broken| Err(RebuildError::Failed(format!("the rebuild broke: {broken}"))))
    }

    async fn rebuild_to_the_end(&self, cancel: &CancellationToken) -> Result<RebuildReport, RebuildError> {
        let _only_one = self.rebuild_lock.try_lock().map_err(|_| RebuildError::UnderWay)?;
        let _shown = Shown::new(self);
        let outcome = self.build_and_switch(cancel).await;
        if let Err(problem) = self.drop_leftovers().await {
            // They are in nobody's way, and the next rebuild tries again.
            tracing::warn!(projection = V::NAME, %problem, "rows of an old generation could not be dropped");
        }
        outcome
    }

    async fn build_and_switch(&self, cancel: &CancellationToken) -> Result<RebuildReport, RebuildError> {
        self.drop_leftovers().await?;
        let (generation, quarantined) = {
            let lane = self.lane.lock().await;
            (lane.checkpoint.generation + 1, lane.quarantined.clone())
        };
        V::TABLES.create(&mut *self.db.writer().await?, generation).await?;
        let at = Checkpoint { generation, position: None };
        let mut shadow: Shadow<V> = Shadow { at, rows: Rows::of_empty_generation(), events: 0, bad: None };
        while self.extend(&mut shadow, &quarantined, None, cancel).await? {}
        self.make_indexes(generation).await?;
        // The old rows are compared where both have come to the same place. One that stands still is not waited for long.
        if let Some(position) = shadow.at.position {
            self.wait_for(position, COMPARED_WITHIN).await;
        }
        let report = {
            let mut lane = self.lane.lock().await;
            // An operator may have quarantined another event meanwhile: then this generation holds too much.
            if lane.quarantined != quarantined {
                return Err(RebuildError::Failed("an event was quarantined meanwhile; begin again".to_owned()));
            }
            self.save_lane(&mut lane).await?;
            while lane.checkpoint.position > shadow.at.position
                && self.extend(&mut shadow, &quarantined, lane.checkpoint.position, cancel).await?
            {}
            self.switch(&mut lane, shadow).await?
        };
        self.go_on();
        Ok(report)
    }

    /// Applies the next events, up to a position if one is given; false: there are none, or the next one is bad.
    async fn extend(
        &self,
        shadow: &mut Shadow<V>,
        quarantined: &std::collections::HashSet<Position>,
        upto: Option<Position>,
        cancel: &CancellationToken,
    ) -> Result<bool, RebuildError> {
        let page = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(RebuildError::Cancelled),
            page = self.store.read_all(shadow.at.position, self.options.rebuild_page) => {
                page.map_err(|error| ViewError::Log(error.into()))?
            }
        };
        let (mut events, mut next, mut end) = (page.events, page.next, page.end);
        if let Some(upto) = upto.filter(|upto| next > Some(*upto)) {
            events.retain(|event: &Recorded| event.position <= upto);
            (next, end) = (Some(upto), true);
        }
        let at = At { generation: shadow.at.generation, position: shadow.at.position, quarantined };
        let done = match self.fold_page(at, &mut shadow.rows, &events, next, true).await {
            Ok(done) => done,
            Err(Unfolded::Halt(halt)) => return Err(halt.into()),
            Err(Unfolded::HalfDone) => return Err(RebuildError::Failed("a fold broke".to_owned())),
        };
        shadow.rows.turn();
        self.write_rows(&shadow.rows, None, shadow.at).await?;
        shadow.rows.settle(REBUILD_ROWS);
        shadow.events += events.iter().filter(|e| Some(e.position) <= done.reached).count() as u64;
        shadow.at.position = done.reached;
        shadow.bad = done.bad;
        Ok(!end && shadow.bad.is_none())
    }

    async fn switch(&self, lane: &mut Lane<V>, shadow: Shadow<V>) -> Result<RebuildReport, RebuildError> {
        if lane.checkpoint.position > shadow.at.position {
            // The live rows hold an event that this fold refuses: they know more than the new ones.
            return Err(match shadow.bad {
                Some(bad) => RebuildError::Stopped(bad),
                None => RebuildError::Failed("the log ends before the projection's checkpoint".to_owned()),
            });
        }
        let mut reader = self.db.readers.acquire().await?;
        let rows = self.view.count(&mut reader, shadow.at.generation).await?;
        let same_place = lane.checkpoint.position == shadow.at.position;
        let rows_before =
            if same_place { Some(self.view.count(&mut reader, lane.checkpoint.generation).await?) } else { None };
        if rows_before.is_some_and(|before| before != rows) {
            tracing::warn!(
                projection = V::NAME,
                rows,
                ?rows_before,
                "the rebuilt rows are not as many as the old ones"
            );
        }
        let Checkpoint { generation, position } = shadow.at;
        let at = At { generation, position, quarantined: &lane.quarantined };
        let loaded = self.view.load(&mut reader, at).await?;
        drop(reader);
        let mut writer = self.db.writer().await?;
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        V::TABLES.show(&mut transaction, generation).await?;
        if !checkpoint::advance(&mut transaction, V::NAME, lane.checkpoint, shadow.at).await? {
            return Err(StopReason::Fenced.into());
        }
        transaction.commit().await?;
        drop(writer);
        self.view.install(loaded);
        lane.start_from(shadow.at);
        self.show(position);
        Ok(RebuildReport { projection: V::NAME, events: shadow.events, position, rows, rows_before })
    }

    /// Drops the tables of every generation but the one that is read.
    async fn drop_leftovers(&self) -> Result<(), ViewError> {
        let keep = self.lane.lock().await.checkpoint.generation;
        let mut writer = self.db.writer().await?;
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        V::TABLES.drop_others(&mut transaction, keep).await?;
        Ok(transaction.commit().await?)
    }
}
