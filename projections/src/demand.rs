//! Demand by day: what was asked for and what became of it, so that what a clinic could not give is visible (8.22).

use crate::envelope::Envelope;
use crate::file::Db;
use crate::projection::{At, Rows, View, ViewError};
use crate::tables::{Cell, RowTable, Tables, id16, unpack};
use async_trait::async_trait;
use booking_domain::demand::DemandEvent;
use booking_domain::ids::{ClinicId, ServiceId};
use booking_domain::stream::StreamName;
use booking_domain::time::WallDate;
use booking_domain::values::{DemandReason, ViewerClass};
use booking_events::DomainEvent;
use sqlx::{Row, SqliteConnection};
use std::sync::Arc;

const VIEW: &str = "demand";
const TABLE: RowTable =
    RowTable { view: VIEW, name: "demand", key: &["clinic", "date", "service", "reason", "viewer"], asked: &[] };

/// The demand view.
#[derive(Debug, Clone)]
pub struct Demand {
    db: Arc<Db>,
}

/// What is counted together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DemandKey {
    /// The clinic.
    pub clinic: ClinicId,
    /// Wall date.
    pub date: WallDate,
    /// The service; none when the asking never came so far.
    pub service: Option<ServiceId>,
    /// What became of it.
    pub reason: DemandReason,
    /// What the portal knew of the visitors.
    pub viewer: ViewerClass,
}

impl Demand {
    pub(crate) const fn new(db: Arc<Db>) -> Self {
        Self { db }
    }

    /// The counts of a clinic from one date to another, both included, in the order of their keys.
    pub async fn daily(
        &self,
        clinic: ClinicId,
        from: WallDate,
        to: WallDate,
    ) -> Result<Vec<(DemandKey, u64)>, ViewError> {
        let sql = "SELECT date, service, reason, viewer, body FROM demand WHERE clinic = ? AND date BETWEEN ? AND ? \
                   ORDER BY date, service, reason, viewer";
        let rows = sqlx::query(sql)
            .bind(clinic.bytes().to_vec())
            .bind(from.0)
            .bind(to.0)
            .fetch_all(self.db.rows_of(VIEW).await)
            .await?;
        rows.iter()
            .map(|row| {
                let service: &[u8] = row.try_get(1)?;
                let service = if service.is_empty() { None } else { Some(ServiceId::from_bytes(id16(VIEW, service)?)) };
                let key = DemandKey {
                    clinic,
                    date: WallDate(row.try_get(0)?),
                    service,
                    reason: DemandReason::from_code(row.try_get(2)?),
                    viewer: ViewerClass::from_code(row.try_get(3)?),
                };
                Ok((key, unpack(VIEW, row.try_get(4)?)?))
            })
            .collect()
    }
}

/// The day that a demand stream is named after.
fn date_of(stream: &StreamName) -> Option<WallDate> {
    WallDate::parse_compact(stream.as_str().split('.').nth(1)?)
}

fn key_of(event: &Envelope) -> Option<(DemandKey, u32)> {
    let DomainEvent::Demand(DemandEvent::DemandCounted(e)) = &event.event else { return None };
    let (clinic, service, reason, viewer) = (e.clinic, e.service, e.reason, e.viewer);
    Some((DemandKey { clinic, date: date_of(&event.stream)?, service, reason, viewer }, e.count))
}

impl DemandKey {
    fn cells(&self) -> Vec<Cell> {
        let service = self.service.map(|s| s.bytes().to_vec()).unwrap_or_default();
        vec![
            self.clinic.bytes().into(),
            self.date.0.into(),
            service.into(),
            self.reason.code().into(),
            self.viewer.code().into(),
        ]
    }
}

#[async_trait]
impl View for Demand {
    const NAME: &'static str = VIEW;
    const VERSION: u32 = 2;
    const CATEGORIES: &'static [&'static str] = &["demand"];
    const TABLES: Tables = Tables { names: &["demand"], sql: include_str!("../../migrations/views/demand.sql") };
    type Event = Envelope;
    type Key = DemandKey;
    type Row = u64;
    type Loaded = ();

    fn keys(&self, event: &Envelope) -> Vec<DemandKey> {
        key_of(event).map(|(key, _)| key).into_iter().collect()
    }

    fn fold(&self, event: &Envelope, rows: &mut Rows<DemandKey, u64>) -> Result<(), String> {
        let (key, count) = key_of(event).ok_or("not a count of demand")?;
        let total = rows.change_or(&key, || 0);
        *total = total.saturating_add(u64::from(count));
        Ok(())
    }

    async fn read(&self, c: &mut SqliteConnection, at: At<'_>, key: &DemandKey) -> Result<Option<u64>, ViewError> {
        TABLE.read(c, at.generation, key.cells()).await
    }

    async fn write(
        &self,
        c: &mut SqliteConnection,
        generation: i64,
        rows: &[(&DemandKey, &u64)],
    ) -> Result<(), ViewError> {
        TABLE.write(c, generation, rows.iter().map(|(key, count)| (key.cells(), *count))).await
    }
}
