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
use crate::sql;
use async_trait::async_trait;
use booking_domain::ids::AppointmentId;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

const VIEW: &str = "appointments";

#[async_trait]
impl View for Appointments {
    const NAME: &'static str = VIEW;
    const VERSION: u32 = 2;
    const CATEGORIES: &'static [&'static str] = &["agendaday"];
    type Event = Envelope;
    type Key = AppointmentId;
    type Row = AppointmentRow;
    type Loaded = ();

    fn keys(&self, event: &Envelope) -> Vec<AppointmentId> {
        day_of(event).and_then(|(_, happened)| happened.appointment()).into_iter().collect()
    }

    fn fold(&self, event: &Envelope, rows: &mut Rows<AppointmentId, AppointmentRow>) -> Result<(), String> {
        let (place, happened) = day_of(event).ok_or("not an event of an agenda-day")?;
        let Some(id) = happened.appointment() else { return Ok(()) };
        if let Some(next) = row::evolve(rows.get(&id), place, happened, event.stamp) {
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
        let row = sqlx::query("SELECT body FROM appointments WHERE generation = ? AND id = ?")
            .bind(at.generation)
            .bind(key.bytes().to_vec())
            .fetch_optional(c)
            .await?;
        row.map(|row| sql::unpack(VIEW, row.try_get(0)?)).transpose()
    }

    async fn write(
        &self,
        c: &mut SqliteConnection,
        generation: i64,
        rows: &[(&AppointmentId, &AppointmentRow)],
    ) -> Result<(), ViewError> {
        for chunk in rows.chunks(sql::CHUNK) {
            let mut packed = Vec::with_capacity(chunk.len());
            for (_, row) in chunk {
                packed.push((*row, sql::pack(VIEW, row)?));
            }
            let mut query = QueryBuilder::<Sqlite>::new(
                "INSERT OR REPLACE INTO appointments (generation, id, clinic, agenda, date, start, reference, \
                 link_hash, patient, subject, provisional, online, live, body) ",
            );
            query.push_values(packed, |mut values, (row, body)| {
                values.push_bind(generation).push_bind(row.id.bytes().to_vec());
                values.push_bind(row.clinic.bytes().to_vec()).push_bind(row.agenda.bytes().to_vec());
                values.push_bind(row.placement.date.0).push_bind(row.placement.span.start.0);
                values.push_bind(row.reference.clone()).push_bind(row.link_hash.to_vec());
                values.push_bind(row.patient.map(|p| p.bytes().to_vec())).push_bind(row.subject.bytes().to_vec());
                values.push_bind(row.is_provisional()).push_bind(row.is_online()).push_bind(row.is_live());
                values.push_bind(body);
            });
            query.build().persistent(chunk.len() == 1).execute(&mut *c).await?;
        }
        Ok(())
    }

    async fn count(&self, c: &mut SqliteConnection, generation: i64) -> Result<i64, ViewError> {
        sql::count(c, "SELECT count(*) FROM appointments WHERE generation = ?", generation).await
    }

    async fn prune(&self, c: &mut SqliteConnection, keep: i64, limit: i64) -> Result<u64, ViewError> {
        let sql =
            "DELETE FROM appointments WHERE rowid IN (SELECT rowid FROM appointments WHERE generation <> ? LIMIT ?)";
        sql::prune(c, sql, keep, limit).await
    }

    async fn load(&self, _: &mut SqliteConnection, _: At<'_>) -> Result<(), ViewError> {
        Ok(())
    }
    fn install(&self, (): ()) {}
    async fn publish(&self, _: &[(&AppointmentId, &AppointmentRow)]) {}
}
