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
use crate::tables::{RowTable, Tables, unpack};
use async_trait::async_trait;
use booking_domain::agenda_day::AgendaDay;
use booking_domain::ids::AgendaId;
use booking_domain::time::WallDate;
use sqlx::{Row, SqliteConnection};
use std::sync::Arc;

const VIEW: &str = "agenda";
const TABLE: RowTable = RowTable { view: VIEW, name: "agenda_days", key: &["agenda", "date"], asked: &[] };

/// The agenda view.
#[derive(Debug, Clone)]
pub struct Agendas {
    db: Arc<Db>,
}

impl Agendas {
    pub(crate) const fn new(db: Arc<Db>) -> Self {
        Self { db }
    }

    /// The day of an agenda; none if nothing ever happened on it.
    pub async fn day(&self, agenda: AgendaId, date: WallDate) -> Result<Option<AgendaDay>, ViewError> {
        let sql = "SELECT body FROM agenda_days WHERE agenda = ? AND date = ?";
        let row = sqlx::query(sql)
            .bind(agenda.bytes().to_vec())
            .bind(date.0)
            .fetch_optional(self.db.rows_of(VIEW).await)
            .await?;
        row.map(|row| unpack(VIEW, row.try_get(0)?)).transpose()
    }

    /// The days of an agenda from one date to another, both included, on which something happened.
    pub async fn days(
        &self,
        agenda: AgendaId,
        from: WallDate,
        to: WallDate,
    ) -> Result<Vec<(WallDate, AgendaDay)>, ViewError> {
        let sql = "SELECT date, body FROM agenda_days WHERE agenda = ? AND date BETWEEN ? AND ? ORDER BY date";
        let rows = sqlx::query(sql)
            .bind(agenda.bytes().to_vec())
            .bind(from.0)
            .bind(to.0)
            .fetch_all(self.db.rows_of(VIEW).await)
            .await?;
        rows.iter().map(|row| Ok((WallDate(row.try_get(0)?), unpack(VIEW, row.try_get(1)?)?))).collect()
    }
}

#[async_trait]
impl View for Agendas {
    const NAME: &'static str = VIEW;
    const VERSION: u32 = 3;
    const CATEGORIES: &'static [&'static str] = &["agendaday"];
    const TABLES: Tables =
        Tables { names: &["agenda_days"], sql: include_str!("../../../migrations/views/agenda.sql") };
    const DEFERRED: bool = true;
    type Event = Envelope;
    type Key = (AgendaId, WallDate);
    type Row = AgendaDay;
    type Loaded = ();

    fn keys(&self, event: &Envelope) -> Vec<Self::Key> {
        day_of(event).map(|(key, _)| key).into_iter().collect()
    }

    fn fold(&self, event: &Envelope, rows: &mut Rows<Self::Key, Self::Row>) -> Result<(), String> {
        let (key, happened) = day_of(event).ok_or("not an event of an agenda-day")?;
        rows.change_or(&key, AgendaDay::default).evolve(happened, event.stamp);
        Ok(())
    }

    async fn read(
        &self,
        c: &mut SqliteConnection,
        at: At<'_>,
        (agenda, date): &Self::Key,
    ) -> Result<Option<AgendaDay>, ViewError> {
        TABLE.read(c, at.generation, [agenda.bytes().into(), date.0.into()]).await
    }

    async fn write(
        &self,
        c: &mut SqliteConnection,
        generation: i64,
        rows: &[(&Self::Key, &AgendaDay)],
    ) -> Result<(), ViewError> {
        let cells = |(agenda, date): &Self::Key| vec![agenda.bytes().into(), date.0.into()];
        TABLE.write(c, generation, rows.iter().map(|(key, day)| (cells(key), *day))).await
    }
}
