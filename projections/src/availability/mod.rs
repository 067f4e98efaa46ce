//! What can be booked: every agenda-day's occupancy in memory, with a table as the durable copy that a start loads.
//!
//! Answers never wait for SQL. A query takes a snapshot of its clinic and asks the domain's one visibility function
//! for every candidate; nothing here decides by itself who may see what.
//!
//! | file | holds |
//! |---|---|
//! | `shelf` | the snapshot: clinics, days, agendas, and what is left of each day |
//! | `query` | pages of offers, and counts by day |
//! | `staff` | what a service would put online, how much is open |

mod query;
mod shelf;
mod staff;

pub(crate) use query::modality_of;
pub use query::{DayPart, DayParts, Offer, OfferKey, OfferPage, Query, Weekdays};
pub use shelf::Availability;
pub use staff::Online;

use crate::envelope::Envelope;
use crate::projection::{At, Rows, View, ViewError};
use crate::tables::{RowTable, Tables, id16, in_generation, unpack};
use async_trait::async_trait;
use booking_domain::agenda_day::{AgendaDayEvent, DayOccupancy};
use booking_domain::ids::{AgendaId, ClinicId};
use booking_domain::time::WallDate;
use booking_events::DomainEvent;
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use shelf::World;
use sqlx::{Row, SqliteConnection};

const VIEW: &str = "availability";
const TABLE: RowTable = RowTable { view: VIEW, name: "availability_days", key: &["agenda", "date"], asked: &[] };

/// One agenda on one day.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DayRow {
    /// The clinic.
    pub clinic: ClinicId,
    /// What is open, held, promised and taken.
    pub occupancy: DayOccupancy,
}

/// Agenda and day of an event, if its stream is one of an agenda-day.
pub(crate) fn day_of(event: &Envelope) -> Option<((AgendaId, WallDate), &AgendaDayEvent)> {
    match &event.event {
        DomainEvent::AgendaDay(happened) => Some((event.stream.as_agenda_day()?, happened)),
        _ => None,
    }
}

#[async_trait]
impl View for Availability {
    const NAME: &'static str = VIEW;
    const VERSION: u32 = 2;
    const CATEGORIES: &'static [&'static str] = &["agendaday"];
    const TABLES: Tables =
        Tables { names: &["availability_days"], sql: include_str!("../../../migrations/views/availability.sql") };
    const DEFERRED: bool = true;
    const ASKED: bool = false;
    type Event = Envelope;
    type Key = (AgendaId, WallDate);
    type Row = DayRow;
    type Loaded = World;

    fn keys(&self, event: &Envelope) -> Vec<Self::Key> {
        day_of(event).map(|(key, _)| key).into_iter().collect()
    }

    fn fold(&self, event: &Envelope, rows: &mut Rows<Self::Key, Self::Row>) -> Result<(), String> {
        let (key, happened) = day_of(event).ok_or("not an event of an agenda-day")?;
        let fresh = || DayRow { clinic: event.clinic, occupancy: DayOccupancy::default() };
        rows.change_or(&key, fresh).occupancy.evolve(happened, event.stamp);
        Ok(())
    }

    async fn read(
        &self,
        c: &mut SqliteConnection,
        at: At<'_>,
        (agenda, date): &Self::Key,
    ) -> Result<Option<DayRow>, ViewError> {
        TABLE.read(c, at.generation, [agenda.bytes().into(), date.0.into()]).await
    }

    async fn write(
        &self,
        c: &mut SqliteConnection,
        generation: i64,
        rows: &[(&Self::Key, &DayRow)],
    ) -> Result<(), ViewError> {
        let cells = |(agenda, date): &Self::Key| vec![agenda.bytes().into(), date.0.into()];
        TABLE.write(c, generation, rows.iter().map(|(key, row)| (cells(key), *row))).await
    }

    async fn load(&self, c: &mut SqliteConnection, at: At<'_>) -> Result<World, ViewError> {
        let sql = in_generation("SELECT agenda, date, body FROM availability_days_@", at.generation);
        let mut found = sqlx::query(sql).fetch(c);
        let mut world = World::default();
        while let Some(row) = found.try_next().await? {
            let agenda = AgendaId::from_bytes(id16(VIEW, row.try_get(0)?)?);
            world.put((agenda, WallDate(row.try_get(1)?)), &unpack(VIEW, row.try_get(2)?)?);
        }
        Ok(world)
    }

    fn install(&self, loaded: World) {
        self.replace(loaded);
    }

    async fn publish(&self, rows: &[(&Self::Key, &Self::Row)]) {
        self.show(rows);
    }
}
