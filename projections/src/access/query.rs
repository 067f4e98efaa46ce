//! The questions to the access log: a page of it, newest first, under any combination of conditions.

use super::{AccessRow, VIEW, number};
use crate::file::Db;
use crate::projection::ViewError;
use crate::tables::unpack;
use booking_domain::ids::{ClinicId, MemberId, SubjectId};
use booking_domain::time::WallDate;
use booking_domain::values::AccessOutcome;
use booking_store::Position;
use sqlx::{QueryBuilder, Row, Sqlite};
use std::sync::Arc;

/// The access view.
#[derive(Debug, Clone)]
pub struct Accesses {
    db: Arc<Db>,
}

/// Which records of a clinic; what is none is no condition.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The clinic.
    pub clinic: ClinicId,
    /// One of these persons was shown, or would have been.
    pub subjects: Option<Vec<SubjectId>>,
    /// By this member.
    pub member: Option<MemberId>,
    /// From this day on.
    pub from: Option<WallDate>,
    /// Up to this day, included.
    pub to: Option<WallDate>,
    /// What became of it.
    pub outcome: Option<AccessOutcome>,
    /// The operation.
    pub operation: Option<String>,
}

impl Filter {
    /// All of a clinic.
    #[must_use]
    pub const fn of(clinic: ClinicId) -> Self {
        Self { clinic, subjects: None, member: None, from: None, to: None, outcome: None, operation: None }
    }
}

impl Accesses {
    pub(crate) const fn new(db: Arc<Db>) -> Self {
        Self { db }
    }

    /// Up to `limit` records before a position, newest first.
    pub async fn page(
        &self,
        filter: &Filter,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<AccessRow>, ViewError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT body FROM accesses WHERE clinic = ");
        query.push_bind(filter.clinic.bytes().to_vec());
        if let Some(before) = before {
            query.push(" AND position < ").push_bind(number(before));
        }
        if let Some(member) = filter.member {
            query.push(" AND member = ").push_bind(member.bytes().to_vec());
        }
        if let Some(from) = filter.from {
            query.push(" AND date >= ").push_bind(from.0);
        }
        if let Some(to) = filter.to {
            query.push(" AND date <= ").push_bind(to.0);
        }
        if let Some(outcome) = filter.outcome {
            query.push(" AND outcome = ").push_bind(outcome.code());
        }
        if let Some(operation) = &filter.operation {
            query.push(" AND operation = ").push_bind(operation.clone());
        }
        if let Some(subjects) = &filter.subjects {
            query.push(" AND position IN (SELECT position FROM access_subjects WHERE subject IN (");
            let mut list = query.separated(", ");
            for subject in subjects {
                list.push_bind(subject.bytes().to_vec());
            }
            query.push("))");
        }
        query.push(" ORDER BY position DESC LIMIT ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let found = query.build().persistent(false).fetch_all(self.db.rows_of(super::VIEW).await).await?;
        found.iter().map(|row| unpack(VIEW, row.try_get(0)?)).collect()
    }
}
