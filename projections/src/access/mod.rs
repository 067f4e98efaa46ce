//! Who saw whose data, as it can be asked: by person, by member, by day.
//!
//! Rows hold what the log holds: opaque ids and words of this product. Which ids are one person, and what a member is
//! called, is for whoever asks.

mod query;

pub use query::{Accesses, Filter};

use crate::envelope::Envelope;
use crate::projection::{At, Rows, View, ViewError};
use crate::sql;
use async_trait::async_trait;
use booking_domain::access::AccessEvent;
use booking_domain::ids::{ClinicId, CommandId, MemberId, SubjectId};
use booking_domain::time::{Instant, WallDate};
use booking_domain::values::{AccessActor, AccessOutcome};
use booking_events::DomainEvent;
use booking_store::Position;
use serde::{Deserialize, Serialize};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

const VIEW: &str = "access";

/// One record of the access log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AccessRow {
    position: u64,
    /// The clinic.
    pub clinic: ClinicId,
    /// The day in the clinic's zone.
    pub date: WallDate,
    /// When, by the clock of the node.
    pub at: Instant,
    /// Place in its writer's stream; dense.
    pub revision: u64,
    /// Who asked.
    pub member: Option<MemberId>,
    actor: u8,
    /// The operation.
    pub operation: String,
    /// Whose data it showed, or would have shown.
    pub subjects: Vec<SubjectId>,
    outcome: u8,
    /// Why it was asked for, or refused.
    pub reason: Option<String>,
    /// The request.
    pub request: CommandId,
}

impl AccessRow {
    /// Its place in the log.
    pub const fn position(&self) -> Position {
        Position(self.position)
    }
    /// What kind of caller asked.
    pub const fn actor(&self) -> AccessActor {
        AccessActor::from_code(self.actor)
    }
    /// What became of it.
    pub const fn outcome(&self) -> AccessOutcome {
        AccessOutcome::from_code(self.outcome)
    }

    fn of(event: &Envelope) -> Option<Self> {
        let DomainEvent::Access(AccessEvent::AccessRecorded(e)) = &event.event else { return None };
        Some(Self {
            position: event.position.0,
            clinic: e.clinic,
            date: WallDate::parse_compact(event.stream.as_str().split('.').nth(1)?)?,
            at: event.stamp.occurred_at,
            revision: event.stamp.revision,
            member: e.member,
            actor: e.actor_kind.code(),
            operation: e.route.clone(),
            subjects: e.subjects.clone(),
            outcome: e.outcome.code(),
            reason: e.reason.clone(),
            request: e.request,
        })
    }
}

fn number(position: Position) -> i64 {
    i64::try_from(position.0).unwrap_or(i64::MAX)
}

#[async_trait]
impl View for Accesses {
    const NAME: &'static str = VIEW;
    const VERSION: u32 = 1;
    const CATEGORIES: &'static [&'static str] = &["access"];
    type Event = Envelope;
    type Key = Position;
    type Row = AccessRow;
    type Loaded = ();

    fn keys(&self, event: &Envelope) -> Vec<Position> {
        vec![event.position]
    }

    fn fold(&self, event: &Envelope, rows: &mut Rows<Position, AccessRow>) -> Result<(), String> {
        rows.put(event.position, AccessRow::of(event).ok_or("not a record of access")?);
        Ok(())
    }

    async fn read(&self, _: &mut SqliteConnection, _: At<'_>, _: &Position) -> Result<Option<AccessRow>, ViewError> {
        // A record is written once and never changed: whatever stands there is replaced by itself.
        Ok(None)
    }

    async fn write(
        &self,
        c: &mut SqliteConnection,
        generation: i64,
        rows: &[(&Position, &AccessRow)],
    ) -> Result<(), ViewError> {
        for chunk in rows.chunks(sql::CHUNK) {
            let mut packed = Vec::with_capacity(chunk.len());
            for (_, row) in chunk {
                packed.push((*row, sql::pack(VIEW, row)?));
            }
            let mut query = QueryBuilder::<Sqlite>::new(
                "INSERT OR REPLACE INTO accesses (generation, position, clinic, date, member, outcome, operation, body) ",
            );
            query.push_values(packed, |mut values, (row, body)| {
                values.push_bind(generation).push_bind(number(row.position())).push_bind(row.clinic.bytes().to_vec());
                values.push_bind(row.date.0).push_bind(row.member.map(|m| m.bytes().to_vec()));
                values.push_bind(row.outcome).push_bind(row.operation.clone()).push_bind(body);
            });
            query.build().persistent(chunk.len() == 1).execute(&mut *c).await?;
        }
        let subjects: Vec<(Position, SubjectId)> =
            rows.iter().flat_map(|(position, row)| row.subjects.iter().map(|s| (**position, *s))).collect();
        for chunk in subjects.chunks(sql::CHUNK) {
            let insert = "INSERT OR REPLACE INTO access_subjects (generation, subject, position) ";
            let mut query = QueryBuilder::<Sqlite>::new(insert);
            query.push_values(chunk, |mut values, (position, subject)| {
                values.push_bind(generation).push_bind(subject.bytes().to_vec()).push_bind(number(*position));
            });
            query.build().persistent(false).execute(&mut *c).await?;
        }
        Ok(())
    }

    async fn count(&self, c: &mut SqliteConnection, generation: i64) -> Result<i64, ViewError> {
        sql::count(c, "SELECT count(*) FROM accesses WHERE generation = ?", generation).await
    }

    async fn prune(&self, c: &mut SqliteConnection, keep: i64, limit: i64) -> Result<u64, ViewError> {
        let records = "DELETE FROM accesses WHERE rowid IN (SELECT rowid FROM accesses WHERE generation <> ? LIMIT ?)";
        let subjects = "DELETE FROM access_subjects WHERE (generation, subject, position) IN \
                        (SELECT generation, subject, position FROM access_subjects WHERE generation <> ? LIMIT ?)";
        Ok(sql::prune(c, records, keep, limit).await? + sql::prune(c, subjects, keep, limit).await?)
    }

    async fn load(&self, _: &mut SqliteConnection, _: At<'_>) -> Result<(), ViewError> {
        Ok(())
    }
    fn install(&self, (): ()) {}
    async fn publish(&self, _: &[(&Position, &AccessRow)]) {}
}
