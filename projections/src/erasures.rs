//! Erasures: who is to be forgotten, how far that is, and the erasure list itself.

use crate::envelope::Envelope;
use crate::file::Db;
use crate::projection::{At, Rows, View, ViewError};
use crate::tables::{Cell, RowTable, Tables, id16, unpack};
use async_trait::async_trait;
use booking_domain::erasure::ErasureEvent;
use booking_domain::ids::{ClinicId, PatientId, SubjectId};
use booking_domain::time::Instant;
use booking_domain::values::{ErasureBasis, ErasureGround};
use booking_events::DomainEvent;
use serde::{Deserialize, Serialize};
use sqlx::{Row, SqliteConnection};
use std::sync::Arc;

const VIEW: &str = "erasures";
const TABLE: RowTable =
    RowTable { view: VIEW, name: "erasures", key: &["subject"], asked: &["clinic", "stage", "not_before"] };

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

    fn cells(&self, subject: SubjectId) -> Vec<Cell> {
        let (stage, not_before) = self.stage();
        vec![subject.bytes().into(), self.clinic.bytes().into(), stage.into(), not_before.map(|at| at.0).into()]
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
                   ORDER BY subject LIMIT ?";
        let rows = sqlx::query(sql)
            .bind(clinic.bytes().to_vec())
            .bind(after.map(|s| s.bytes().to_vec()).unwrap_or_default())
            .bind(open)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.db.rows_of(VIEW).await)
            .await?;
        rows.iter().map(read).collect()
    }

    /// One person's row.
    pub async fn of(&self, subject: SubjectId) -> Result<Option<ErasureRow>, ViewError> {
        let sql = "SELECT subject, body FROM erasures WHERE subject = ?";
        let row = sqlx::query(sql).bind(subject.bytes().to_vec()).fetch_optional(self.db.rows_of(VIEW).await).await?;
        row.as_ref().map(read).transpose().map(|found| found.map(|(_, row)| row))
    }

    /// What was granted and may be carried out now.
    pub async fn due(&self, now: Instant) -> Result<Vec<(SubjectId, ErasureRow)>, ViewError> {
        let sql = "SELECT subject, body FROM erasures WHERE stage = 2 AND not_before <= ? LIMIT 1000";
        let rows = sqlx::query(sql).bind(now.0).fetch_all(self.db.rows_of(VIEW).await).await?;
        rows.iter().map(read).collect()
    }

    /// Nobody was ever erased, asked to be, or was held back from it.
    pub async fn is_empty(&self) -> Result<bool, ViewError> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM erasures)";
        Ok(sqlx::query_scalar(sql).fetch_one(self.db.rows_of(VIEW).await).await?)
    }

    /// Everybody who was erased: the erasure list.
    pub async fn carried_out(&self) -> Result<Vec<(SubjectId, ErasureRow)>, ViewError> {
        let sql = "SELECT subject, body FROM erasures WHERE stage = 3";
        let rows = sqlx::query(sql).fetch_all(self.db.rows_of(VIEW).await).await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &sqlx::sqlite::SqliteRow) -> Result<(SubjectId, ErasureRow), ViewError> {
    Ok((SubjectId::from_bytes(id16(VIEW, row.try_get(0)?)?), unpack(VIEW, row.try_get(1)?)?))
}

#[async_trait]
impl View for Erasures {
    const NAME: &'static str = VIEW;
    const VERSION: u32 = 2;
    const CATEGORIES: &'static [&'static str] = &["erasure"];
    const TABLES: Tables = Tables { names: &["erasures"], sql: include_str!("../../migrations/views/erasures.sql") };
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
        TABLE.read(c, at.generation, [key.bytes().into()]).await
    }

    async fn write(
        &self,
        c: &mut SqliteConnection,
        generation: i64,
        rows: &[(&SubjectId, &ErasureRow)],
    ) -> Result<(), ViewError> {
        TABLE.write(c, generation, rows.iter().map(|(subject, row)| (row.cells(**subject), *row))).await
    }
}
