//! Token buckets: so much at once, and so much over time.

use super::Source;
use crate::http::problem::{ApiResult, Problem};
use axum::http::StatusCode;
use booking_domain::ids::{ClinicId, VisitId};
use booking_domain::time::Instant;
use dashmap::DashMap;

/// Whose budget it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Of {
    /// One source's.
    Source(Source),
    /// One visit's.
    Visit(VisitId),
    /// A clinic's.
    Clinic(ClinicId),
}

impl From<Source> for Of {
    fn from(source: Source) -> Self {
        Self::Source(source)
    }
}
impl From<VisitId> for Of {
    fn from(visit: VisitId) -> Self {
        Self::Visit(visit)
    }
}
impl From<ClinicId> for Of {
    fn from(clinic: ClinicId) -> Self {
        Self::Clinic(clinic)
    }
}

/// What a budget is for. Each belongs to whom its first word says, or else to a source.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Budget {
    /// Opening visits.
    Visits,
    /// Opening visits, all of a clinic: ten thousand may come at once.
    ClinicVisits,
    /// Reference and birth date.
    Lookups,
    /// Signing in.
    SignIns,
    /// Pages of availabilities and services, of one visit: more than anybody reads, less than a scraper wants.
    VisitPages,
    /// The same of a source, behind which many visitors may stand.
    Pages,
    /// Codes asked for.
    Codes,
    /// Codes returned, right or wrong.
    Proofs,
}

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;

impl Budget {
    /// How many at once, and the microseconds in which one more flows in.
    const fn shape(self) -> (i64, i64) {
        match self {
            Self::Visits => (60, SECOND),
            Self::ClinicVisits => (10_000, SECOND / 100),
            Self::Lookups | Self::SignIns | Self::Codes => (10, 6 * SECOND),
            Self::VisitPages => (40, 2 * SECOND),
            Self::Pages => (600, SECOND / 3),
            Self::Proofs => (20, 6 * SECOND),
        }
    }
    /// A clinic's budget that is used up touches everybody: the operator is told.
    const fn alarms(self) -> bool {
        matches!(self, Self::ClinicVisits)
    }
}

/// How full a bucket is, in microseconds of flow.
struct Bucket {
    left: i64,
    at: Instant,
    told: Option<Instant>,
}

/// All buckets that are not full.
#[derive(Default)]
pub(super) struct Buckets(DashMap<(Of, Budget), Bucket>);

impl Buckets {
    pub fn take(&self, of: Of, budget: Budget, now: Instant) -> ApiResult<()> {
        let (size, each) = budget.shape();
        let size = size * each;
        let mut bucket = self.0.entry((of, budget)).or_insert(Bucket { left: size, at: now, told: None });
        let filled = bucket.left.saturating_add(now.since(bucket.at).max(0)).min(size);
        // A clock that went back gives nothing twice.
        bucket.at = bucket.at.max(now);
        if filled >= each {
            bucket.left = filled - each;
            return Ok(());
        }
        bucket.left = filled;
        if budget.alarms() && bucket.told.is_none_or(|told| now.since(told) > MINUTE) {
            bucket.told = Some(now);
            tracing::warn!(?budget, ?of, "a clinic's budget is used up; visitors are asked to wait");
        }
        let wait = u32::try_from((each - filled) / SECOND + 1).unwrap_or(60);
        Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "Too many requests")
            .detail("Please wait a moment and try again.")
            .retry_after(wait))
    }

    /// Drops the buckets that are full again.
    pub fn forget_old(&self, now: Instant) {
        self.0.retain(|(_, budget), bucket| {
            let (size, each) = budget.shape();
            bucket.left.saturating_add(now.since(bucket.at)) < size * each
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Source {
        Source::of("203.0.113.9".parse().unwrap())
    }

    #[test]
    fn a_budget_refills_with_time() {
        let (buckets, now) = (Buckets::default(), Instant(0));
        let of = Of::from(source());
        (0..10).for_each(|_| buckets.take(of, Budget::Lookups, now).unwrap());
        assert_eq!(buckets.take(of, Budget::Lookups, now).unwrap_err().status, 429);
        assert_eq!(buckets.take(of, Budget::Lookups, now.plus_seconds(5)).unwrap_err().status, 429);
        buckets.take(of, Budget::Lookups, now.plus_seconds(6)).unwrap();
        assert_eq!(buckets.take(of, Budget::Lookups, now.plus_seconds(6)).unwrap_err().status, 429);
    }

    #[test]
    fn a_budget_is_its_owners_alone_and_forgotten_once_it_is_full() {
        let (buckets, now) = (Buckets::default(), Instant(0));
        let visit = |n| Of::Visit(VisitId::from_bytes([n; 16]));
        (0..40).for_each(|_| buckets.take(visit(1), Budget::VisitPages, now).unwrap());
        assert!(buckets.take(visit(1), Budget::VisitPages, now).is_err());
        buckets.take(visit(2), Budget::VisitPages, now).unwrap();
        buckets.forget_old(now.plus_seconds(79));
        assert_eq!(buckets.0.len(), 1);
        buckets.forget_old(now.plus_seconds(80));
        assert!(buckets.0.is_empty());
    }

    #[test]
    fn a_scraper_runs_dry_and_a_visitor_does_not() {
        let buckets = Buckets::default();
        let (scraper, visitor) = (Of::from(VisitId::default()), Of::from(VisitId::from_bytes([1; 16])));
        let tries = |of, count: i64, every: i64| {
            let at = |n| Instant(n * every);
            (0..count).filter(|n| buckets.take(of, Budget::VisitPages, at(*n)).is_ok()).count()
        };
        // Five a second for a minute, against one every three seconds for an hour.
        assert!(tries(scraper, 300, SECOND / 5) < 75);
        assert_eq!(tries(visitor, 1_200, 3 * SECOND), 1_200);
    }
}
