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

/// What a fold keeps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Key {
    /// The number of the next new row.
    Next,
    /// An appointment.
    Row(AppointmentId),
}

/// What stands under a [`Key`].
#[derive(Clone, Debug)]
pub enum Kept {
    /// The number of the next new row.
    Next(u64),
    /// An appointment.
    Row(Box<AppointmentRow>),
}

impl Kept {
    /// The appointment; a number stands in no row of its own, since the rows themselves say it.
    fn row(&self) -> Option<&AppointmentRow> {
        match self {
            Self::Row(row) => Some(row),
            Self::Next(_) => None,
        }
    }
}

#[async_trait]
impl View for Appointments {
    const NAME: &'static str = VIEW;
    const VERSION: u32 = 6;
    const CATEGORIES: &'static [&'static str] = &["agendaday"];
    const TABLES: Tables =
        Tables { names: &["appointments"], sql: include_str!("../../../migrations/views/appointments.sql") };
    const DEFERRED: bool = true;
    type Event = Envelope;
    type Key = Key;
    type Row = Kept;
    type Loaded = ();

    fn keys(&self, event: &Envelope) -> Vec<Key> {
        match day_of(event) {
            None => vec![],
            // The row begins here: there is none to be read.
            Some((_, AgendaDayEvent::AppointmentBooked(_))) => vec![Key::Next],
            Some((_, happened)) => {
                happened.appointment().into_iter().flat_map(|id| [Key::Next, Key::Row(id)]).collect()
            }
        }
    }

    fn fold(&self, event: &Envelope, rows: &mut Rows<Key, Kept>) -> Result<(), String> {
        let (place, happened) = day_of(event).ok_or("not an event of an agenda-day")?;
        let Some(id) = happened.appointment() else { return Ok(()) };
        let next = match rows.get(&Key::Next) {
            Some(Kept::Next(next)) => *next,
            _ => 0,
        };
        let known = rows.get(&Key::Row(id)).and_then(Kept::row);
        if let Some(row) = row::evolve(known, place, next, (happened, event.stamp)) {
            if row.number == next {
                rows.put(Key::Next, Kept::Next(next + 1));
            }
            rows.put(Key::Row(id), Kept::Row(Box::new(row)));
        }
        Ok(())
    }

    async fn read(&self, c: &mut SqliteConnection, at: At<'_>, key: &Key) -> Result<Option<Kept>, ViewError> {
        let Key::Row(id) = key else {
            let last = in_generation("SELECT max(number) FROM appointments_@", at.generation);
            let last: Option<i64> = sqlx::query_scalar(last).fetch_one(c).await?;
            return Ok(last.and_then(|last| u64::try_from(last).ok()).map(|last| Kept::Next(last + 1)));
        };
        let sql = concat!(
            "SELECT body FROM appointments_@ WHERE ",
            every_run!("appointments_@"),
            " AND id = ? ORDER BY run DESC LIMIT 1"
        );
        let found = sqlx::query(in_generation(sql, at.generation)).bind(id.bytes().to_vec()).fetch_optional(c).await?;
        found.map(|row| Ok(Kept::Row(Box::new(unpack(VIEW, row.try_get(0)?)?)))).transpose()
    }

    async fn write(&self, c: &mut SqliteConnection, generation: i64, rows: &[(&Key, &Kept)]) -> Result<(), ViewError> {
        let mut rows: Vec<&AppointmentRow> = rows.iter().filter_map(|(_, kept)| kept.row()).collect();
        // Side by side, as they will lie.
        rows.sort_unstable_by_key(|row| row.number);
        TABLE.write(c, generation, rows.into_iter().map(|row| (row.cells(), row))).await
    }
}
