//! The questions to the appointments. Each is one statement, so that it sees one moment of one generation. A plus sign keeps a
//! clinic's id from being what rows are looked up by: there are few of a reference or a patient, and many of a clinic.

use super::AppointmentRow;
use crate::file::Db;
use crate::projection::ViewError;
use crate::runs::every_run;
use crate::tables::unpack;
use booking_domain::ids::{AgendaId, AppointmentId, ClinicId, PatientId, SubjectId};
use booking_domain::time::Instant;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use std::sync::Arc;

/// The appointments view.
#[derive(Debug, Clone)]
pub struct Appointments {
    db: Arc<Db>,
}

/// Where a page ended: start and id of its last appointment.
pub type Cursor = (Instant, AppointmentId);

/// `SELECT body` with a condition; `in runs`: on what comes in no order.
macro_rules! select {
    ($condition:literal) => {
        concat!("SELECT body FROM appointments WHERE ", $condition)
    };
    (in runs $condition:literal) => {
        concat!("SELECT body FROM appointments WHERE ", every_run!("appointments"), " AND ", $condition)
    };
}

const BY_ID: &str = select!(in runs "id = ? ORDER BY run DESC LIMIT 1");
const BY_LINK: &str = select!(in runs "link_hash = ? ORDER BY run DESC LIMIT 1");
const BY_REFERENCE: &str = select!(in runs "+clinic = ? AND reference = ? ORDER BY start, id");
const OF_PATIENT: &str = select!(in runs "+clinic = ? AND patient = ?");
const OF_SUBJECT: &str = select!(in runs "subject = ? ORDER BY start, id");

/// The first cursor of all.
const START: Cursor = (Instant(i64::MIN), AppointmentId(uuid::Uuid::nil()));

fn rows(found: &[SqliteRow]) -> Result<Vec<AppointmentRow>, ViewError> {
    found.iter().map(|row| unpack(super::VIEW, row.try_get(0)?)).collect()
}

fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

impl Appointments {
    pub(crate) const fn new(db: Arc<Db>) -> Self {
        Self { db }
    }

    /// The appointment of that id.
    pub async fn by_id(&self, id: AppointmentId) -> Result<Option<AppointmentRow>, ViewError> {
        let found = sqlx::query(BY_ID).bind(id.bytes().to_vec()).fetch_all(self.db.rows_of(super::VIEW).await).await?;
        Ok(rows(&found)?.pop())
    }

    /// The clinic's appointments with that reference; more than one only by a one-in-a-quadrillion chance.
    pub async fn by_reference(&self, clinic: ClinicId, reference: &str) -> Result<Vec<AppointmentRow>, ViewError> {
        let query = sqlx::query(BY_REFERENCE).bind(clinic.bytes().to_vec()).bind(reference.to_owned());
        rows(&query.fetch_all(self.db.rows_of(super::VIEW).await).await?)
    }

    /// The appointment that a link belongs to.
    pub async fn by_link_hash(&self, hash: &[u8; 32]) -> Result<Option<AppointmentRow>, ViewError> {
        let found = sqlx::query(BY_LINK).bind(hash.to_vec()).fetch_all(self.db.rows_of(super::VIEW).await).await?;
        Ok(rows(&found)?.pop())
    }

    /// The appointments of a person, given by all of their records, soonest first; ended ones too.
    pub async fn of_patient(&self, clinic: ClinicId, patients: &[PatientId]) -> Result<Vec<AppointmentRow>, ViewError> {
        let mut all = Vec::new();
        for patient in patients {
            let query = sqlx::query(OF_PATIENT).bind(clinic.bytes().to_vec()).bind(patient.bytes().to_vec());
            all.extend(rows(&query.fetch_all(self.db.rows_of(super::VIEW).await).await?)?);
        }
        all.sort_by_key(|row| (row.placement.span.start, row.id));
        Ok(all)
    }

    /// The appointments that start within a time, the end excluded, by start and id; ended ones too.
    pub async fn in_range(
        &self,
        clinic: ClinicId,
        (from, to): (Instant, Instant),
        agenda: Option<AgendaId>,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<AppointmentRow>, ViewError> {
        let (start, id) = after.unwrap_or(START);
        let sql = match agenda {
            None => {
                select!("clinic = ? AND start >= ? AND start < ? AND (start, id) > (?, ?) ORDER BY start, id LIMIT ?")
            }
            Some(_) => select!(
                "clinic = ? AND start >= ? AND start < ? AND (start, id) > (?, ?) AND agenda = ? \
                 ORDER BY start, id LIMIT ?"
            ),
        };
        let mut query = sqlx::query(sql).bind(clinic.bytes().to_vec()).bind(from.0).bind(to.0);
        query = query.bind(start.0).bind(id.bytes().to_vec());
        if let Some(agenda) = agenda {
            query = query.bind(agenda.bytes().to_vec());
        }
        rows(&query.bind(limit_of(limit)).fetch_all(self.db.rows_of(super::VIEW).await).await?)
    }

    /// The live online appointments without a record, soonest visit first (8.12); begins after the cursor, so that
    /// `(now, nil)` leaves out the past.
    pub async fn reconciliation(
        &self,
        clinic: ClinicId,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Vec<AppointmentRow>, ViewError> {
        let (start, id) = after.unwrap_or(START);
        let sql = select!(
            "clinic = ? AND provisional = 1 AND online = 1 AND live = 1 AND (start, id) > (?, ?) \
             ORDER BY start, id LIMIT ?"
        );
        let query = sqlx::query(sql).bind(clinic.bytes().to_vec()).bind(start.0).bind(id.bytes().to_vec());
        rows(&query.bind(limit_of(limit)).fetch_all(self.db.rows_of(super::VIEW).await).await?)
    }

    /// The appointments that were booked under this person's own key.
    pub async fn of_subject(&self, subject: SubjectId) -> Result<Vec<AppointmentRow>, ViewError> {
        rows(
            &sqlx::query(OF_SUBJECT)
                .bind(subject.bytes().to_vec())
                .fetch_all(self.db.rows_of(super::VIEW).await)
                .await?,
        )
    }

    /// The appointments of a clinic without a record that start within a time, the end excluded, ended ones too: the
    /// contacts that nobody attached.
    pub async fn unattached(
        &self,
        clinic: ClinicId,
        (from, to): (Instant, Instant),
        limit: usize,
    ) -> Result<Vec<AppointmentRow>, ViewError> {
        let sql = select!("clinic = ? AND start >= ? AND start < ? AND patient IS NULL ORDER BY start, id LIMIT ?");
        let query = sqlx::query(sql).bind(clinic.bytes().to_vec()).bind(from.0).bind(to.0).bind(limit_of(limit));
        rows(&query.fetch_all(self.db.rows_of(super::VIEW).await).await?)
    }

    /// True if an appointment was ever booked for this person.
    pub async fn subject_known(&self, subject: SubjectId) -> Result<bool, ViewError> {
        let sql = select!(in runs "subject = ? ORDER BY run DESC LIMIT 1");
        Ok(sqlx::query(sql)
            .bind(subject.bytes().to_vec())
            .fetch_optional(self.db.rows_of(super::VIEW).await)
            .await?
            .is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projection::View;
    use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

    /// How SQLite would find the rows.
    async fn plan(c: &mut SqliteConnection, sql: &str) -> String {
        let rows = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).fetch_all(c).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>(3)).collect::<Vec<_>>().join("; ")
    }

    async fn tables() -> SqliteConnection {
        let mut c = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let tables = Appointments::TABLES;
        tables.create(&mut c, 1).await.unwrap();
        for sql in tables.indexes(1) {
            sqlx::query(sql).execute(&mut c).await.unwrap();
        }
        tables.show(&mut c, 1).await.unwrap();
        c
    }

    /// The bodies that a question finds: here they say the numbers of their rows.
    async fn found(
        c: &mut SqliteConnection,
        query: sqlx::query::Query<'_, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>,
    ) -> Vec<String> {
        let rows = query.fetch_all(c).await.unwrap();
        let mut bodies: Vec<_> = rows.iter().map(|row| String::from_utf8(row.get(0)).unwrap()).collect();
        bodies.sort();
        bodies
    }

    #[tokio::test]
    async fn an_appointment_is_found_in_whichever_run_it_stands() {
        let mut c = tables().await;
        let insert = "INSERT INTO appointments_1 (number, id, clinic, agenda, start, reference, link_hash, patient, subject, \
             provisional, online, live, body) VALUES (?1, ?2, ?3, ?3, 0, ?4, ?5, ?2, ?2, 0, 1, 1, ?6)";
        let clinic = vec![0_u8; 16];
        // At the ends of runs, one after many of them, and number 2 there once more.
        let rows = [(0_i64, 1_u8), (16_383, 2), (16_384, 3), (32_767, 4), (1_000_000, 2), (1_999_999, 5)];
        for (number, whose) in rows {
            let query = sqlx::query(insert).bind(number).bind(vec![whose; 16]).bind(&clinic).bind(whose.to_string());
            query.bind(vec![whose; 32]).bind(number.to_string().into_bytes()).execute(&mut c).await.unwrap();
        }
        for whose in 1..=6_u8 {
            let mut all: Vec<_> = rows.iter().filter(|row| row.1 == whose).map(|row| row.0.to_string()).collect();
            let newest: Vec<_> = all.last().cloned().into_iter().collect();
            all.sort();
            let id = || vec![whose; 16];
            assert_eq!(found(&mut c, sqlx::query(BY_ID).bind(id())).await, newest);
            assert_eq!(found(&mut c, sqlx::query(BY_LINK).bind(vec![whose; 32])).await, newest);
            let reference = sqlx::query(BY_REFERENCE).bind(&clinic).bind(whose.to_string());
            assert_eq!(found(&mut c, reference).await, all);
            assert_eq!(found(&mut c, sqlx::query(OF_PATIENT).bind(&clinic).bind(id())).await, all);
            assert_eq!(found(&mut c, sqlx::query(OF_SUBJECT).bind(id())).await, all);
        }
    }

    #[tokio::test]
    async fn what_an_appointment_is_found_by_is_looked_up_by_its_own_index() {
        let mut c = tables().await;
        for (sql, index) in [
            (BY_ID, "sqlite_autoindex_appointments_1_1 (run=? AND id=?)"),
            (BY_LINK, "appointments_1_by_link (run=? AND link_hash=?)"),
            (BY_REFERENCE, "appointments_1_by_reference (run=? AND reference=?)"),
            (OF_SUBJECT, "appointments_1_by_subject (run=? AND subject=?)"),
            (OF_PATIENT, "appointments_1_by_patient (run=? AND patient=?)"),
        ] {
            let plan_of = plan(&mut c, sql).await;
            assert!(plan_of.contains(index), "{plan_of}");
            // The last run is looked up, too, and the newest comes first by itself.
            let through = plan_of.contains("SCAN appointments");
            assert!(!through && (sql != BY_ID || !plan_of.contains("B-TREE")), "{plan_of}");
        }
        for signed in [BY_REFERENCE, OF_PATIENT] {
            // Without the sign the clinic's index would do, row by row.
            let unsigned = plan(&mut c, &signed.replace("+clinic", "clinic")).await;
            assert!(unsigned.contains("by_start"), "the sign is of no use: {unsigned}");
        }
    }
}
