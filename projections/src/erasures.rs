//! Erasures: who is to be forgotten, how far that is, and the erasure list itself.

use crate::envelope::Envelope;
use crate::file::Db;
use crate::projection::{At, Rows, View, ViewError};
use crate::sql;
use async_trait::async_trait;
use booking_domain::erasure::ErasureEvent;
use booking_domain::ids::{ClinicId, PatientId, SubjectId};
use booking_domain::time::Instant;
use booking_domain::values::{ErasureBasis, ErasureGround};
use booking_events::DomainEvent;
use serde::{Deserialize, Serialize};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use std::sync::Arc;

const VIEW: &str = "erasures";

/// The erasures view.
#[derive(Debug, Clone)]
pub struct Erasures {
    db: Arc<Db>,
}

/// How far a request is, with when it came so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Progress {
    /// Nothing is asked: there is only a legal hold, or the end of one.
    None,
    /// Asked, not decided.
    Requested,
    /// Asked, and taken back.
    Withdrawn,
    /// Refused: why, and until when the data must be kept.
    Refused(ErasureGround, Option<Instant>),
    /// Granted: from when on it may be carried out.
    Approved(Instant),
    /// Carried out.
    Erased,
}

/// A person's row.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ErasureRow {
    /// The clinic.
    pub clinic: ClinicId,
    /// The patient record; none for a provisional contact.
    pub patient: Option<PatientId>,
    /// Who or what asked last.
    pub basis: Option<ErasureBasis>,
    /// When it was asked last.
    pub requested_at: Option<Instant>,
    /// How far it is.
    pub progress: Progress,
    /// When it came so far.
    pub since: Instant,
    /// A legal hold keeps everything back.
    pub held: bool,
    /// Whose keys were destroyed.
    pub erased: Vec<SubjectId>,
    /// Its `ETag`.
    pub touched: u64,
}

impl ErasureRow {
    const fn stage(&self) -> (i64, Option<Instant>) {
        match self.progress {
            Progress::None | Progress::Withdrawn | Progress::Refused(..) => (0, None),
            Progress::Requested => (1, None),
            Progress::Approved(not_before) => (2, Some(not_before)),
            Progress::Erased => (3, None),
        }
    }
}

impl Erasures {
    pub(crate) const fn new(db: Arc<Db>) -> Self {
        Self { db }
    }

    /// What a clinic was asked, oldest person id first; with `open` only what is not decided or not carried out.
    pub async fn of_clinic(
        &self,
        clinic: ClinicId,
        open: bool,
        after: Option<SubjectId>,
        limit: usize,
    ) -> Result<Vec<(SubjectId, ErasureRow)>, ViewError> {
        let sql = "SELECT subject, body FROM erasures WHERE clinic = ? AND subject > ? AND (? = 0 OR stage IN (1, 2)) \
                   AND generation = (SELECT generation FROM projections WHERE name = 'erasures') \
                   ORDER BY subject LIMIT ?";
        let rows = sqlx::query(sql)
            .bind(clinic.bytes().to_vec())
            .bind(after.map(|s| s.bytes().to_vec()).unwrap_or_default())
            .bind(open)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.db.readers)
            .await?;
        rows.iter().map(read).collect()
    }

    /// One person's row.
    pub async fn of(&self, subject: SubjectId) -> Result<Option<ErasureRow>, ViewError> {
        let sql = "SELECT subject, body FROM erasures WHERE subject = ? \
                   AND generation = (SELECT generation FROM projections WHERE name = 'erasures')";
        let row = sqlx::query(sql).bind(subject.bytes().to_vec()).fetch_optional(&self.db.readers).await?;
        row.as_ref().map(read).transpose().map(|found| found.map(|(_, row)| row))
    }

    /// What was granted and may be carried out now.
    pub async fn due(&self, now: Instant) -> Result<Vec<(SubjectId, ErasureRow)>, ViewError> {
        let sql = "SELECT subject, body FROM erasures WHERE stage = 2 AND not_before <= ? \
                   AND generation = (SELECT generation FROM projections WHERE name = 'erasures') LIMIT 1000";
        let rows = sqlx::query(sql).bind(now.0).fetch_all(&self.db.readers).await?;
        rows.iter().map(read).collect()
    }

    /// Everybody who was erased: the erasure list.
    pub async fn carried_out(&self) -> Result<Vec<(SubjectId, ErasureRow)>, ViewError> {
        let sql = "SELECT subject, body FROM erasures WHERE stage = 3 \
                   AND generation = (SELECT generation FROM projections WHERE name = 'erasures')";
        let rows = sqlx::query(sql).fetch_all(&self.db.readers).await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &sqlx::sqlite::SqliteRow) -> Result<(SubjectId, ErasureRow), ViewError> {
    Ok((SubjectId::from_bytes(sql::id16(VIEW, row.try_get(0)?)?), sql::unpack(VIEW, row.try_get(1)?)?))
}

#[async_trait]
impl View for Erasures {
    const NAME: &'static str = VIEW;
    const VERSION: u32 = 1;
    const CATEGORIES: &'static [&'static str] = &["erasure"];
    type Event = Envelope;
    type Key = SubjectId;
    type Row = ErasureRow;
    type Loaded = ();

    fn keys(&self, event: &Envelope) -> Vec<SubjectId> {
        event.stream.id().map(SubjectId).into_iter().collect()
    }

    fn fold(&self, event: &Envelope, rows: &mut Rows<SubjectId, ErasureRow>) -> Result<(), String> {
        let DomainEvent::Erasure(happened) = &event.event else { return Err("not an event of an erasure".to_owned()) };
        let subject = event.stream.id().map(SubjectId).ok_or("not a person's stream")?;
        let at = event.stamp.occurred_at;
        let row = rows.change_or(&subject, || ErasureRow {
            clinic: event.clinic,
            patient: None,
            basis: None,
            requested_at: None,
            progress: Progress::None,
            since: at,
            held: false,
            erased: Vec::new(),
            touched: 0,
        });
        row.touched = event.stamp.revision;
        let progress = match happened {
            ErasureEvent::ErasureRequested(e) => {
                row.patient = e.patient;
                row.basis = Some(e.basis);
                row.requested_at = Some(at);
                Progress::Requested
            }
            ErasureEvent::ErasureRefused(e) => Progress::Refused(e.ground, e.until),
            ErasureEvent::ErasureApproved(e) => Progress::Approved(e.not_before),
            ErasureEvent::ErasureWithdrawn => Progress::Withdrawn,
            ErasureEvent::SubjectErased(e) => {
                row.erased.extend(&e.subjects);
                Progress::Erased
            }
            ErasureEvent::LegalHoldPlaced | ErasureEvent::LegalHoldReleased => {
                row.held = matches!(happened, ErasureEvent::LegalHoldPlaced);
                return Ok(());
            }
        };
        (row.progress, row.since) = (progress, at);
        Ok(())
    }

    async fn read(
        &self,
        c: &mut SqliteConnection,
        at: At<'_>,
        key: &SubjectId,
    ) -> Result<Option<ErasureRow>, ViewError> {
        let row = sqlx::query("SELECT body FROM erasures WHERE generation = ? AND subject = ?")
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
        rows: &[(&SubjectId, &ErasureRow)],
    ) -> Result<(), ViewError> {
        for chunk in rows.chunks(sql::CHUNK) {
            let mut packed = Vec::with_capacity(chunk.len());
            for (subject, row) in chunk {
                packed.push((subject.bytes(), row.clinic.bytes(), row.stage(), sql::pack(VIEW, row)?));
            }
            let insert = "INSERT OR REPLACE INTO erasures (generation, subject, clinic, stage, not_before, body) ";
            let mut query = QueryBuilder::<Sqlite>::new(insert);
            query.push_values(packed, |mut values, (subject, clinic, (stage, not_before), body)| {
                values.push_bind(generation).push_bind(subject.to_vec()).push_bind(clinic.to_vec());
                values.push_bind(stage).push_bind(not_before.map(|at| at.0)).push_bind(body);
            });
            query.build().persistent(chunk.len() == 1).execute(&mut *c).await?;
        }
        Ok(())
    }

    async fn count(&self, c: &mut SqliteConnection, generation: i64) -> Result<i64, ViewError> {
        sql::count(c, "SELECT count(*) FROM erasures WHERE generation = ?", generation).await
    }

    async fn prune(&self, c: &mut SqliteConnection, keep: i64, limit: i64) -> Result<u64, ViewError> {
        let sql = "DELETE FROM erasures WHERE rowid IN (SELECT rowid FROM erasures WHERE generation <> ? LIMIT ?)";
        sql::prune(c, sql, keep, limit).await
    }

    async fn load(&self, _: &mut SqliteConnection, _: At<'_>) -> Result<(), ViewError> {
        Ok(())
    }
    fn install(&self, (): ()) {}
    async fn publish(&self, _: &[(&SubjectId, &ErasureRow)]) {}
}
