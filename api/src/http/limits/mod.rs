//! Limits: how much one source, one visit and one clinic may ask for, how many availabilities a
//! source may hold, and what the next one costs while a clinic is under load.
//!
//! All of it is in the memory of this process and forgets. A source is an address prefix (IPv4 /32, IPv6 /64); identities
//! come as keyed hashes; nothing here is ever stored or logged. Codes to one contact are counted in the vault.
//!
//! | file | holds |
//! |---|---|
//! | `budgets` | token buckets |
//! | `source` | where a request comes from |
//! | `holdings` | what visits, sources and clinics hold and took |
//! | `claims` | how many ways to claim one identity were tried |

mod budgets;
mod claims;
mod holdings;
mod source;

pub use budgets::{Budget, Of};
pub use holdings::{Asks, Held, Holdings, Refused, Taking, Ticket};
pub use source::Source;

use super::problem::ApiResult;
use axum::http::HeaderMap;
use booking_domain::time::Instant;
use std::net::IpAddr;

/// All limits of a process.
pub struct Limits {
    trusted: Vec<IpAddr>,
    enforced: bool,
    buckets: budgets::Buckets,
    claims: claims::Claims,
    holdings: Holdings,
}

impl Limits {
    /// Limits that believe `X-Forwarded-For` from these proxies alone.
    pub fn new(trusted: Vec<IpAddr>, enforced: bool, work: super::work::Levels) -> Self {
        Self {
            trusted: trusted.into_iter().map(|proxy| proxy.to_canonical()).collect(),
            enforced,
            buckets: budgets::Buckets::default(),
            claims: claims::Claims::default(),
            holdings: Holdings::new(enforced, work),
        }
    }

    /// False if tests of something else lifted them.
    pub const fn enforced(&self) -> bool {
        self.enforced
    }

    /// The source of a request.
    pub fn source(&self, peer: IpAddr, headers: &HeaderMap) -> Source {
        Source::of(source::address(&self.trusted, peer, headers))
    }

    /// Takes one from a budget, or answers 429 with the time to wait.
    pub fn take(&self, of: impl Into<Of>, budget: Budget, now: Instant) -> ApiResult<()> {
        if self.enforced { self.buckets.take(of.into(), budget, now) } else { Ok(()) }
    }

    /// Whether another way to claim an identity may still be tried today. Both are keyed hashes.
    pub fn may_claim(&self, identity: [u8; 32], claim: [u8; 32], now: Instant) -> bool {
        !self.enforced || self.claims.may(identity, claim, now)
    }

    /// What visits, sources and clinics hold.
    pub const fn holdings(&self) -> &Holdings {
        &self.holdings
    }

    /// Forgets what no longer limits anybody.
    pub fn forget_old(&self, now: Instant) {
        self.buckets.forget_old(now);
        self.claims.forget_old(now);
        self.holdings.forget_old(now);
    }
}
