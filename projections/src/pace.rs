//! At which pace runners go: how much they read at once, how long they wait between two pages, when rows are written.

use std::time::Duration;

/// How runners go about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunnerOptions {
    /// Events of one page, and so of one transaction at most. Default: 2,000.
    pub page: usize,
    /// Events of one page while the log is read again from its beginning. Default: 10,000.
    pub rebuild_page: usize,
    /// The log is asked at least so often. Default: a second.
    pub poll: Duration,
    /// Rows kept from page to page. Default: 2,000.
    pub warm_rows: usize,
    /// Rows that wait to be written, at most. Default: 20,000.
    pub unsaved_rows: usize,
}

/// Between two pages so much more is waited for: a transaction costs as much for one event as for many. Whoever waits for
/// what they have just written waits so much longer at most, and only if somebody wrote just before.
const BREATH: Duration = Duration::from_millis(5);
/// The same under load, where rows are shown before they are written.
const CROWDED: Duration = Duration::from_millis(10);
/// The same under load, where rows are written page by page: the more rows of a transaction lie side by side, the fewer
/// pages of the file are written again and again.
const CROWDED_WRITING: Duration = Duration::from_millis(100);
/// So many events on a page are a load.
const CROWD: usize = 16;
/// How long rows, or a checkpoint that moved without them, wait to be written.
pub(crate) const SAVE_WITHIN: Duration = Duration::from_secs(1);

/// Rows kept from page to page while a projection is far behind.
pub(crate) const REBUILD_ROWS: usize = 50_000;

impl Default for RunnerOptions {
    fn default() -> Self {
        Self { page: 2_000, rebuild_page: 10_000, poll: Duration::from_secs(1), warm_rows: 2_000, unsaved_rows: 20_000 }
    }
}

/// What a step did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// There is more to read.
    More,
    /// The end of the log is reached, and it is growing fast.
    Crowd,
    /// The end of the log is reached, and it has grown.
    Few,
    /// There was nothing new.
    Idle,
}

impl Progress {
    /// What a page of so many events was; `end`: it reached the end of the log.
    pub(crate) const fn of_page(events: usize, end: bool) -> Self {
        match events {
            _ if !end => Self::More,
            0 => Self::Idle,
            few if few <= CROWD => Self::Few,
            _ => Self::Crowd,
        }
    }

    /// How long after the begin of this page the next one is read; `deferred`: rows are shown before they are written.
    pub(crate) const fn breath(self, deferred: bool) -> Duration {
        match self {
            Self::More | Self::Idle => Duration::ZERO,
            Self::Few => BREATH,
            Self::Crowd if deferred => CROWDED,
            Self::Crowd => CROWDED_WRITING,
        }
    }
}
