//! Who saw whose data, as it can be asked: by person, by member, by day.
//!
//! Rows hold what the log holds: opaque ids and words of this product. Which ids are one person, and what a member is
//! called, is for whoever asks.

mod query;

pub use query::{Accesses, Filter};

use crate::envelope::Envelope;
use crate::projection::{At, Rows, View, ViewError};
use crate::tables::{Cell, RowTable, Tables, insert};
use async_trait::async_trait;
use booking_domain::access::AccessEvent;
use booking_domain::ids::{ClinicId, CommandId, MemberId, SubjectId};
use booking_domain::time::{Instant, WallDate};
use booking_domain::values::{AccessActor, AccessOutcome};
use booking_events::DomainEvent;
use booking_store::Position;
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;

const VIEW: &str = "access";
const TABLE: RowTable = RowTable {
    view: VIEW,
    name: "accesses",
    key: &["position"],
    asked: &["clinic", "date", "member", "outcome", "operation"],
};

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

    fn cells(&self) -> Vec<Cell> {
        vec![
            number(self.position()).into(),
            self.clinic.bytes().into(),
            self.date.0.into(),
            self.member.map(MemberId::bytes).into(),
            self.outcome.into(),
            self.operation.clone().into(),
        ]
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
    const VERSION: u32 = 2;
    const CATEGORIES: &'static [&'static str] = &["access"];
    const TABLES: Tables =
        Tables { names: &["accesses", "access_subjects"], sql: include_str!("../../../migrations/views/access.sql") };
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
        TABLE.write(c, generation, rows.iter().map(|(_, row)| (row.cells(), *row))).await?;
        let mut subjects = Vec::new();
        for (position, row) in rows {
            subjects.extend(row.subjects.iter().map(|s| Ok(vec![s.bytes().into(), number(**position).into()])));
        }
        insert(c, "INSERT OR REPLACE INTO access_subjects_@ (subject, position)", generation, &mut subjects.into_iter())
            .await
    }
}
