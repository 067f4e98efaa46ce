//! The staff agenda: every agenda-day as its events made it, one row each.
//!
//! The row holds the domain's own fold, so a day of the past that was replayed to a moment is rendered by the very
//! same [`render`] as today's.

mod render;

pub use render::{
    AgendaDayView, AppointmentView, AvailabilityView, Icon, PublicationView, SlotView, State, WallSpan, render,
};

use crate::availability::day_of;
use crate::envelope::Envelope;
use crate::file::Db;
use crate::projection::{At, Rows, View, ViewError};
use crate::sql;
use async_trait::async_trait;
use booking_domain::agenda_day::AgendaDay;
use booking_domain::ids::{AgendaId, ClinicId};
use booking_domain::time::WallDate;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use std::sync::Arc;

const VIEW: &str = "agenda";

/// The agenda view.
#[derive(Debug, Clone)]
pub struct Agendas {
    db: Arc<Db>,
}

/// One agenda on one day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AgendaRow {
    /// The clinic.
    pub clinic: ClinicId,
    /// The day.
    pub day: AgendaDay,
}

impl Agendas {
    pub(crate) const fn new(db: Arc<Db>) -> Self {
        Self { db }
    }

    /// The day of an agenda; none if nothing ever happened on it.
    pub async fn day(&self, agenda: AgendaId, date: WallDate) -> Result<Option<AgendaDay>, ViewError> {
        let sql = "SELECT day FROM agenda_days WHERE agenda = ? AND date = ? \
                   AND generation = (SELECT generation FROM projections WHERE name = 'agenda')";
        let row = sqlx::query(sql).bind(agenda.bytes().to_vec()).bind(date.0).fetch_optional(&self.db.readers).await?;
        row.map(|row| sql::unpack(VIEW, row.try_get(0)?)).transpose()
    }

    /// The days of an agenda from one date to another, both included, on which something happened.
    pub async fn days(
        &self,
        agenda: AgendaId,
        from: WallDate,
        to: WallDate,
    ) -> Result<Vec<(WallDate, AgendaDay)>, ViewError> {
        let sql = "SELECT date, day FROM agenda_days WHERE agenda = ? AND date BETWEEN ? AND ? \
                   AND generation = (SELECT generation FROM projections WHERE name = 'agenda') ORDER BY date";
        let rows =
            sqlx::query(sql).bind(agenda.bytes().to_vec()).bind(from.0).bind(to.0).fetch_all(&self.db.readers).await?;
        rows.iter().map(|row| Ok((WallDate(row.try_get(0)?), sql::unpack(VIEW, row.try_get(1)?)?))).collect()
    }
}

#[async_trait]
impl View for Agendas {
    const NAME: &'static str = VIEW;
    const VERSION: u32 = 2;
    const CATEGORIES: &'static [&'static str] = &["agendaday"];
    type Event = Envelope;
    type Key = (AgendaId, WallDate);
    type Row = AgendaRow;
    type Loaded = ();

    fn keys(&self, event: &Envelope) -> Vec<Self::Key> {
        day_of(event).map(|(key, _)| key).into_iter().collect()
    }

    fn fold(&self, event: &Envelope, rows: &mut Rows<Self::Key, Self::Row>) -> Result<(), String> {
        let (key, happened) = day_of(event).ok_or("not an event of an agenda-day")?;
        let fresh = || AgendaRow { clinic: event.clinic, day: AgendaDay::default() };
        rows.change_or(&key, fresh).day.evolve(happened, event.stamp);
        Ok(())
    }

    async fn read(
        &self,
        c: &mut SqliteConnection,
        at: At<'_>,
        (agenda, date): &Self::Key,
    ) -> Result<Option<Self::Row>, ViewError> {
        let sql = "SELECT clinic, day FROM agenda_days WHERE generation = ? AND agenda = ? AND date = ?";
        let row =
            sqlx::query(sql).bind(at.generation).bind(agenda.bytes().to_vec()).bind(date.0).fetch_optional(c).await?;
        row.map(|row| {
            let clinic = sql::clinic_id(VIEW, row.try_get(0)?)?;
            Ok(AgendaRow { clinic, day: sql::unpack(VIEW, row.try_get(1)?)? })
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
                packed.push((agenda.bytes(), date.0, row.clinic.bytes(), sql::pack(VIEW, &row.day)?));
            }
            let insert = "INSERT OR REPLACE INTO agenda_days (generation, agenda, date, clinic, day) ";
            let mut query = QueryBuilder::<Sqlite>::new(insert);
            query.push_values(packed, |mut values, (agenda, date, clinic, day)| {
                values.push_bind(generation).push_bind(agenda.to_vec()).push_bind(date);
                values.push_bind(clinic.to_vec()).push_bind(day);
            });
            query.build().persistent(chunk.len() == 1).execute(&mut *c).await?;
        }
        Ok(())
    }

    async fn count(&self, c: &mut SqliteConnection, generation: i64) -> Result<i64, ViewError> {
        sql::count(c, "SELECT count(*) FROM agenda_days WHERE generation = ?", generation).await
    }

    async fn prune(&self, c: &mut SqliteConnection, keep: i64, limit: i64) -> Result<u64, ViewError> {
        let sql =
            "DELETE FROM agenda_days WHERE rowid IN (SELECT rowid FROM agenda_days WHERE generation <> ? LIMIT ?)";
        sql::prune(c, sql, keep, limit).await
    }

    async fn load(&self, _: &mut SqliteConnection, _: At<'_>) -> Result<(), ViewError> {
        Ok(())
    }
    fn install(&self, (): ()) {}
    async fn publish(&self, _: &[(&Self::Key, &Self::Row)]) {}
}
