//! What can be booked: every agenda-day's occupancy in memory, with a table as the durable copy that a start loads.
//!
//! Answers never wait for SQL. A query takes a snapshot of its clinic and asks the domain's one visibility function
//! for every candidate; nothing here decides by itself who may see what.
//!
//! | file | holds |
//! |---|---|
//! | `shelf` | the snapshot: clinics, days, agendas |
//! | `query` | pages of offers, and counts by day |
//! | `staff` | what a service would put online, how much is open |

mod query;
mod shelf;
mod staff;

pub(crate) use query::modality_of;
pub use query::{DayPart, DayParts, Offer, OfferKey, OfferPage, Query, Weekdays};
pub use shelf::Availability;

use crate::envelope::Envelope;
use crate::projection::{At, Rows, View, ViewError};
use crate::sql;
use async_trait::async_trait;
use booking_domain::agenda_day::{AgendaDayEvent, DayOccupancy};
use booking_domain::ids::{AgendaId, ClinicId};
use booking_domain::time::WallDate;
use booking_events::DomainEvent;
use futures::TryStreamExt;
use shelf::World;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

const VIEW: &str = "availability";

/// One agenda on one day.
#[derive(Clone, PartialEq, Eq, Debug)]
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
    const VERSION: u32 = 1;
    const CATEGORIES: &'static [&'static str] = &["agendaday"];
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
    ) -> Result<Option<Self::Row>, ViewError> {
        let sql = "SELECT clinic, occupancy FROM availability_days WHERE generation = ? AND agenda = ? AND date = ?";
        let row =
            sqlx::query(sql).bind(at.generation).bind(agenda.bytes().to_vec()).bind(date.0).fetch_optional(c).await?;
        row.map(|row| {
            let clinic = sql::clinic_id(VIEW, row.try_get(0)?)?;
            Ok(DayRow { clinic, occupancy: sql::unpack(VIEW, row.try_get(1)?)? })
        })
        .transpose()
    }

    async fn write(
        &self,
        c: &mut SqliteConnection,
        generation: i64,
        rows: &[(&Self::Key, &Self::Row)],
    ) -> Result<(), ViewError> {
        for chunk in rows.chunks(sql::CHUNK) {
            let mut packed = Vec::with_capacity(chunk.len());
            for ((agenda, date), row) in chunk {
                packed.push((agenda.bytes(), date.0, row.clinic.bytes(), sql::pack(VIEW, &row.occupancy)?));
            }
            let mut query = QueryBuilder::<Sqlite>::new(
                "INSERT OR REPLACE INTO availability_days (generation, agenda, date, clinic, occupancy) ",
            );
            query.push_values(packed, |mut values, (agenda, date, clinic, occupancy)| {
                values.push_bind(generation).push_bind(agenda.to_vec()).push_bind(date);
                values.push_bind(clinic.to_vec()).push_bind(occupancy);
            });
            query.build().persistent(chunk.len() == 1).execute(&mut *c).await?;
        }
        Ok(())
    }

    async fn count(&self, c: &mut SqliteConnection, generation: i64) -> Result<i64, ViewError> {
        sql::count(c, "SELECT count(*) FROM availability_days WHERE generation = ?", generation).await
    }

    async fn prune(&self, c: &mut SqliteConnection, keep: i64, limit: i64) -> Result<u64, ViewError> {
        let sql = "DELETE FROM availability_days WHERE rowid IN \
                   (SELECT rowid FROM availability_days WHERE generation <> ? LIMIT ?)";
        sql::prune(c, sql, keep, limit).await
    }

    async fn load(&self, c: &mut SqliteConnection, at: At<'_>) -> Result<World, ViewError> {
        let sql = "SELECT agenda, date, clinic, occupancy FROM availability_days WHERE generation = ?";
        let mut found = sqlx::query(sql).bind(at.generation).fetch(c);
        let mut world = World::default();
        while let Some(row) = found.try_next().await? {
            let agenda = AgendaId::from_bytes(sql::id16(VIEW, row.try_get(0)?)?);
            let (date, clinic) = (WallDate(row.try_get(1)?), sql::clinic_id(VIEW, row.try_get(2)?)?);
            let occupancy = sql::unpack(VIEW, row.try_get(3)?)?;
            world.put((agenda, date), &DayRow { clinic, occupancy });
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
