//! Appointments by id, reference, link, patient and time, and the queue of those that still need their patient.
//!
//! One row per appointment, wherever it was moved. Personal data in a row is sealed, as it is in the events.

mod query;
mod row;

pub use query::{Appointments, Cursor};
pub use row::{AppointmentRow, CancellationRow, Place};

use crate::availability::day_of;
use crate::envelope::Envelope;
use crate::projection::{At, Rows, View, ViewError};
use crate::runs::every_run;
use crate::tables::{RowTable, Tables, in_generation, unpack};
use async_trait::async_trait;
use booking_domain::agenda_day::AgendaDayEvent;
use booking_domain::ids::AppointmentId;
use sqlx::{Row, SqliteConnection};

const VIEW: &str = "appointments";
const TABLE: RowTable = RowTable {
    view: VIEW,
    name: "appointments",
    key: &["number"],
    asked: &[
        "id",
        "clinic",
        "agenda",
        "start",
        "reference",
        "link_hash",
        "patient",
        "subject",
        "provisional",
        "online",
        "live",
    ],
};

#[async_trait]
impl View for Appointments {
    const NAME: &'static str = VIEW;
    const VERSION: u32 = 5;
    const CATEGORIES: &'static [&'static str] = &["agendaday"];
    const TABLES: Tables =
        Tables { names: &["appointments"], sql: include_str!("../../../migrations/views/appointments.sql") };
    const DEFERRED: bool = true;
    type Event = Envelope;
    type Key = AppointmentId;
    type Row = AppointmentRow;
    type Loaded = ();

    fn keys(&self, event: &Envelope) -> Vec<AppointmentId> {
        match day_of(event) {
            // The row begins here: there is none to be read.
            None | Some((_, AgendaDayEvent::AppointmentBooked(_))) => vec![],
            Some((_, happened)) => happened.appointment().into_iter().collect(),
        }
    }

    fn fold(&self, event: &Envelope, rows: &mut Rows<AppointmentId, AppointmentRow>) -> Result<(), String> {
        let (place, happened) = day_of(event).ok_or("not an event of an agenda-day")?;
        let Some(id) = happened.appointment() else { return Ok(()) };
        if let Some(next) = row::evolve(rows.get(&id), place, event.position, (happened, event.stamp)) {
            rows.put(id, next);
        }
        Ok(())
    }

    async fn read(
        &self,
        c: &mut SqliteConnection,
        at: At<'_>,
        key: &AppointmentId,
    ) -> Result<Option<AppointmentRow>, ViewError> {
        let sql = concat!("SELECT body FROM appointments_@ WHERE ", every_run!("appointments_@"), " AND id = ?");
        let found = sqlx::query(in_generation(sql, at.generation)).bind(key.bytes().to_vec()).fetch_optional(c).await?;
        found.map(|row| unpack(VIEW, row.try_get(0)?)).transpose()
    }

    async fn write(
        &self,
        c: &mut SqliteConnection,
        generation: i64,
        rows: &[(&AppointmentId, &AppointmentRow)],
    ) -> Result<(), ViewError> {
        let mut rows: Vec<_> = rows.iter().map(|(_, row)| *row).collect();
        // Side by side, as they will lie.
        rows.sort_unstable_by_key(|row| row.number);
        TABLE.write(c, generation, rows.into_iter().map(|row| (row.cells(), row))).await
    }
}
