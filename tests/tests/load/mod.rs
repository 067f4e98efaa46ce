//! Whole systems under load, over HTTP: races, a release, processes that are killed.
//!
//! | module | what it is for |
//! |---|---|
//! | `races` | two hundred clients want the same thing |
//! | `release` | many more visitors than times, all at one instant |
//! | `desk` | how long the agenda's largest pages take |
//! | `oracle` | whether the time of an answer tells who is a patient |
//! | `swarm` | bots that hoard a clinic, and honest visitors |
//! | `child`, `driver`, `witness`, `kills` | a server process that is killed, whoever loads it, and what is found after |
//! | `posts` | a server process that is killed while it tells patients of their bookings |
//! | `rotation` | the same while keys are replaced |
//! | `looked` | the same while staff look at patients: no answer without its record |
//!
//! Clinics are set up through the engine; everything that is tested goes over HTTP. `docs/torture.md` says how to run
//! the great numbers.

pub(crate) mod child;
mod desk;
mod driver;
mod kills;
mod looked;
mod oracle;
mod posts;
mod races;
mod release;
mod rotation;
mod swarm;
mod witness;

pub(crate) use booking_tests::{guests as portal, house};
use std::time::Duration;

/// What a number of answers took.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Adds one.
    pub fn add(&mut self, took: Duration) {
        self.0.push(took);
    }
    /// The time that so many of a hundred answers stayed within.
    pub fn percentile(&self, share: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = (sorted.len() * share).div_ceil(100).saturating_sub(1);
        sorted.get(at).copied().unwrap_or_default()
    }
    /// How many, their median, 99th percentile and longest.
    pub fn summary(&self) -> String {
        let [half, most, all] = [50, 99, 100].map(|share| self.percentile(share));
        format!("{} answers: p50 {half:.1?}, p99 {most:.1?}, max {all:.1?}", self.0.len())
    }
}
