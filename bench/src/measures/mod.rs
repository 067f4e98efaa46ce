//! What is measured: one function for each measure, and what they share.

mod bookings;
mod contended;
mod over_http;
mod peer;
mod reading;
mod release;
mod resident;

pub use resident::Child;

use crate::figures::shown;
use crate::history::{Plan, Shape};
use crate::machine::{Machine, Ticks};
use crate::report::{Findings, Measured};
use booking_engine::{Clock, SystemClock};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The measures, in the order of the report, and what each is about.
pub const ALL: [(&str, &str); 13] = [
    ("bookings", "durable bookings in process, 64 callers over 1,000 agenda-days, everything on"),
    ("single", "the same with one caller"),
    ("steady", "the same for 60 seconds"),
    ("visits", "opening a visit; booking with a cap"),
    ("contended", "64 callers in process for one availability"),
    ("http-bookings", "bookings over HTTP, 64 connections"),
    ("availability", "availability over HTTP in a clinic with 1,000,000 availabilities"),
    ("page", "the first page of 100 with counts per day, 50 agendas, 31 days, one visitor"),
    ("release", "1,000 visitors look for and book 50 availabilities that open at one instant"),
    ("replay", "1,000,000 events into aggregate states"),
    ("rebuild", "all views made again from 1,000,000 events"),
    ("start", "start with 1,000,000 events and built views"),
    ("memory", "resident memory of a server with 1,000,000 availabilities"),
];

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// How often each run is repeated.
    pub runs: usize,
    /// Bookings of one run.
    pub bookings: usize,
    /// How long a baseline, or a load over HTTP, runs.
    pub seconds: f64,
    /// How long the constant load lasts.
    pub steady_seconds: u64,
    /// Bookings that are laid out a second of the constant load: more than are made, or it would end early.
    pub steady_rate: usize,
    /// Rounds for one availability.
    pub rounds: usize,
    /// Visitors at a release.
    pub crowd: usize,
    /// Agendas of a long history.
    pub agendas: usize,
    /// Days of a long history.
    pub days: i32,
    /// Agenda-days of a mixed history: 47 events each.
    pub mixed_days: i32,
}

impl Scale {
    /// As the report is made.
    #[must_use]
    pub const fn full() -> Self {
        Self {
            runs: 5,
            bookings: 20_000,
            seconds: 3.0,
            steady_seconds: 60,
            steady_rate: 30_000,
            rounds: 10_000,
            crowd: 1_000,
            agendas: 100,
            days: 313,
            mixed_days: 213,
        }
    }
    /// Two minutes for everything.
    #[must_use]
    pub const fn quick() -> Self {
        Self {
            runs: 2,
            bookings: 5_000,
            seconds: 1.0,
            steady_seconds: 8,
            steady_rate: 25_000,
            rounds: 500,
            crowd: 300,
            agendas: 60,
            days: 52,
            mixed_days: 33,
        }
    }
    /// Seconds for everything: whether it works, not how fast.
    #[must_use]
    pub const fn tiny() -> Self {
        Self {
            runs: 1,
            bookings: 40,
            seconds: 0.05,
            steady_seconds: 1,
            steady_rate: 200,
            rounds: 2,
            crowd: 60,
            agendas: 2,
            days: 4,
            mixed_days: 2,
        }
    }
    /// For a baseline, or a load over HTTP.
    #[must_use]
    pub fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
    /// A clinic's history: all of its days, or a tenth with the same days ahead.
    #[must_use]
    pub fn clinic(&self, tenth: bool) -> Plan {
        let ahead = (self.days / 10).max(2);
        let past = if tenth { 0 } else { self.days - ahead - 1 };
        Plan { shape: Shape::Clinic, agendas: self.agendas, past, ahead }
    }
    /// A history of every kind of event.
    #[must_use]
    pub const fn mixed(&self) -> Plan {
        Plan { shape: Shape::Mixed, agendas: self.agendas, past: self.mixed_days, ahead: 0 }
    }
}

/// Where and how much.
#[derive(Clone, Debug)]
pub struct Bench {
    /// How much.
    pub scale: Scale,
    /// Where the measured files lie; long histories stay there for the next time.
    pub folder: PathBuf,
    /// The program of the peers.
    pub peers: PathBuf,
    /// What this program is called by when it starts itself.
    pub program: PathBuf,
    /// The commit that is measured.
    pub commit: String,
}

impl Bench {
    /// Runs one measure.
    pub async fn run(&self, name: &str) -> anyhow::Result<Measured> {
        let about = ALL.iter().find(|(known, _)| *known == name).map(|(_, about)| *about);
        let about = about.ok_or_else(|| anyhow::anyhow!("there is no measure {name}"))?;
        std::fs::create_dir_all(&self.folder)?;
        let moment = SystemClock.now().rfc3339(booking_domain::time::Tz::UTC);
        // What is made before is not measured.
        self.prepare(name).await?;
        let (ticks, begun) = (Ticks::now(), Instant::now());
        let found = match name {
            "bookings" => bookings::bookings(self).await,
            "single" => bookings::single(self).await,
            "steady" => bookings::steady(self).await,
            "visits" => bookings::visits(self).await,
            "contended" => contended::contended(self).await,
            "http-bookings" => over_http::bookings(self).await,
            "availability" => over_http::availability(self).await,
            "page" => over_http::page(self).await,
            "release" => release::release(self).await,
            "replay" => reading::replay(self).await,
            "rebuild" => reading::rebuild(self).await,
            "start" => resident::start(self).await,
            _ => resident::memory_of(self).await,
        };
        let Findings { settings, rows, plots } = found?;
        Ok(Measured {
            about: about.to_owned(),
            settings,
            machine: Machine::read(&self.folder),
            commit: self.commit.clone(),
            begun: moment,
            seconds: begun.elapsed().as_secs_f64(),
            others: ticks.taken_by_others(),
            rows,
            plots,
        })
    }

    /// Makes the history that a measure needs.
    async fn prepare(&self, name: &str) -> anyhow::Result<()> {
        let plans: &[Plan] = match name {
            "availability" | "start" | "memory" => &[self.scale.clinic(false)],
            "page" => &[self.scale.clinic(false), self.scale.clinic(true)],
            "replay" | "rebuild" => &[self.scale.mixed()],
            _ => &[],
        };
        for plan in plans {
            crate::history::made(&self.folder, *plan).await?;
        }
        Ok(())
    }
}

/// What is said of durability with every figure that the log takes part in.
fn durable(findings: &mut Findings) {
    findings
        .set("log: SQLite, WAL, synchronous=FULL (fdatasync before every acknowledgement); vault the same, written");
    findings.set("behind where nobody waits for it; views: WAL, synchronous=NORMAL");
}

/// A number for a setting's text.
fn count(number: usize) -> String {
    shown(number as f64)
}
