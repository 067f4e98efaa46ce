//! Limits per source of requests: how many visits and look-ups one source may make, how many availabilities it may
//! hold. In memory; a source is an address prefix (IPv4 /32, IPv6 /64), never stored.

use super::problem::{ApiResult, Problem};
use axum::http::{HeaderMap, StatusCode};
use booking_domain::time::Instant;
use dashmap::DashMap;
use std::net::IpAddr;
use std::sync::Mutex;

/// A source, without its address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Source([u8; 16]);

/// What a budget is for: tokens in the bucket, and tokens a minute.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Budget {
    /// Opening visits.
    Visits,
    /// Reference and birth date.
    Lookups,
    /// Signing in.
    SignIns,
}

impl Budget {
    const fn shape(self) -> (i64, i64) {
        match self {
            Self::Visits => (60, 60),
            Self::Lookups | Self::SignIns => (10, 10),
        }
    }
}

/// All limits.
pub struct Limits {
    trusted: Vec<IpAddr>,
    enforced: bool,
    buckets: DashMap<(Source, Budget), (i64, Instant)>,
    holds: Mutex<std::collections::HashMap<Source, Vec<Instant>>>,
}

impl Limits {
    /// Limits that believe `X-Forwarded-For` from these proxies alone.
    pub fn new(trusted: Vec<IpAddr>, enforced: bool) -> Self {
        Self { trusted, enforced, buckets: DashMap::new(), holds: Mutex::default() }
    }

    /// The source of a request.
    pub fn source(&self, peer: IpAddr, headers: &HeaderMap) -> Source {
        let forwarded = || {
            let list = headers.get("x-forwarded-for")?.to_str().ok()?;
            // The last entry that no trusted proxy wrote.
            list.rsplit(',').filter_map(|a| a.trim().parse::<IpAddr>().ok()).find(|a| !self.trusted.contains(a))
        };
        let address = if self.trusted.contains(&peer) { forwarded().unwrap_or(peer) } else { peer };
        let mut bytes = match address {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => v6.octets(),
        };
        if let IpAddr::V6(v6) = address
            && v6.to_ipv4_mapped().is_none()
        {
            bytes.iter_mut().skip(8).for_each(|b| *b = 0);
        }
        Source(bytes)
    }

    /// Takes one from a budget, or answers 429 with the time to wait.
    pub fn take(&self, source: Source, budget: Budget, now: Instant) -> ApiResult<()> {
        if !self.enforced {
            return Ok(());
        }
        let (size, per_minute) = budget.shape();
        // In microseconds: what one costs, what the bucket holds, what has flowed in.
        let each = 60_000_000 / per_minute;
        let size = size * each;
        let mut bucket = self.buckets.entry((source, budget)).or_insert((size, now));
        let (left, at) = *bucket;
        let filled = left.saturating_add(now.since(at).max(0)).min(size);
        if filled < each {
            *bucket = (filled, now);
            let wait = u32::try_from((each - filled) / 1_000_000 + 1).unwrap_or(60);
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "Too many requests")
                .detail("Please wait a moment and try again.")
                .retry_after(wait));
        }
        *bucket = (filled - each, now);
        Ok(())
    }

    /// 8.9: one source holds at most the larger of two and 2 % of the open availabilities.
    pub fn may_hold(&self, source: Source, open: usize, now: Instant) -> bool {
        if !self.enforced {
            return true;
        }
        let mut holds = self.holds.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let own = holds.entry(source).or_default();
        own.retain(|end| *end > now);
        own.len() < (open / 50).max(2)
    }

    /// Remembers a hold of a source until its end.
    pub fn held(&self, source: Source, end: Instant) {
        let mut holds = self.holds.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        holds.entry(source).or_default().push(end);
    }

    /// Forgets one hold of a source: it was given back or became an appointment.
    pub fn released(&self, source: Source) {
        let mut holds = self.holds.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(own) = holds.get_mut(&source) {
            own.pop();
        }
    }

    /// Forgets what no longer limits anybody.
    pub fn forget_old(&self, now: Instant) {
        self.buckets.retain(|_, (_, at)| now.since(*at) < 600_000_000);
        let mut holds = self.holds.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        holds.retain(|_, own| {
            own.retain(|end| *end > now);
            !own.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits::new(vec!["10.0.0.1".parse().unwrap()], true)
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let limits = limits();
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "203.0.113.9".parse().unwrap());
        let direct = limits.source("198.51.100.7".parse().unwrap(), &headers);
        let proxied = limits.source("10.0.0.1".parse().unwrap(), &headers);
        assert_eq!(proxied, limits.source("203.0.113.9".parse().unwrap(), &HeaderMap::new()));
        assert_ne!(direct, proxied);
    }

    #[test]
    fn a_budget_refills_with_time() {
        let (limits, now) = (limits(), Instant(0));
        let source = limits.source("203.0.113.9".parse().unwrap(), &HeaderMap::new());
        (0..10).for_each(|_| limits.take(source, Budget::Lookups, now).unwrap());
        assert_eq!(limits.take(source, Budget::Lookups, now).unwrap_err().status, 429);
        limits.take(source, Budget::Lookups, now.plus_seconds(7)).unwrap();
    }
}
