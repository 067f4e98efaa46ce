//! What a verification found, and how it is told.

use booking_events::ledger::Hash;
use serde::Serialize;

/// The outcome as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything that was checked is in order.
    Ok,
    /// Something was altered, or a rule was broken.
    Altered,
    /// Nothing speaks against it, and not enough for it.
    Inconclusive,
}

impl Verdict {
    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Altered => 1,
            Self::Inconclusive => 2,
        }
    }
}

/// An event, by everything that it may be looked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct EventRef {
    /// Its leaf.
    pub leaf: u64,
    /// Its stream.
    pub stream: String,
    /// Its revision there.
    pub revision: i64,
    /// Its id.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
}

impl std::fmt::Display for EventRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "leaf {}: {} ({} @ {}, {})", self.leaf, self.event_type, self.stream, self.revision, self.id)
    }
}

/// A sign that the history is not the one that was written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Alteration {
    /// What is wrong.
    pub what: String,
    /// The first leaf that is not as it was; none: the sign is about something else.
    pub first_bad_leaf: Option<u64>,
    /// It is this leaf. False: it is this one or a later one.
    pub exact: bool,
    /// What stands there now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<EventRef>,
}

/// A rule of booking that the log breaks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Violation {
    /// `overlap`, `given_twice`, `hold_ignored`, `unpublished`, `stale_rules`, `two_places`, `cap`.
    pub rule: &'static str,
    /// What happened.
    pub what: String,
    /// The two events that do not go together, the later one last.
    pub events: [EventRef; 2],
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The outcome.
    pub verdict: Verdict,
    /// How many leaves there are.
    pub leaves: u64,
    /// The root over all of them, in hexadecimal.
    pub root: String,
    /// Checkpoints whose signature and root are good.
    pub good_checkpoints: u64,
    /// Leaves that the greatest good checkpoint covers.
    pub signed_leaves: u64,
    /// Signs of alteration, the first bad leaf first.
    pub altered: Vec<Alteration>,
    /// Broken rules; at most [`MOST_VIOLATIONS`] of them.
    pub violations: Vec<Violation>,
    /// How many there are.
    pub violation_count: u64,
    /// Bookings that were held against the rules.
    pub bookings: u64,
    /// Why nothing can be said for sure.
    pub inconclusive: Vec<String>,
    /// What was not checked.
    pub not_checked: Vec<String>,
    /// Where the time went.
    pub timing: Timing,
}

/// Where the time went, in milliseconds; parts run beside each other.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Timing {
    /// From beginning to end.
    pub total: u128,
    /// Reading for the tree.
    pub reading: u128,
    /// Hashing and comparing.
    pub hashing: u128,
    /// Reading for the rules.
    pub rules_reading: u128,
    /// Holding bookings against the rules.
    pub rules: u128,
}

/// Violations that a report lists.
pub const MOST_VIOLATIONS: usize = 1_000;

impl Report {
    /// The first leaf that is known to be bad.
    pub fn first_bad_leaf(&self) -> Option<u64> {
        self.altered.iter().filter(|a| a.exact).filter_map(|a| a.first_bad_leaf).min()
    }

    /// Decides the verdict from everything else.
    pub(super) fn conclude(&mut self) {
        self.altered.sort_by_key(|alteration| (alteration.first_bad_leaf.unwrap_or(u64::MAX), !alteration.exact));
        self.verdict = if !self.altered.is_empty() || self.violation_count > 0 {
            Verdict::Altered
        } else if self.inconclusive.is_empty() {
            Verdict::Ok
        } else {
            Verdict::Inconclusive
        };
    }

    /// For a person, line by line.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            match self.verdict {
                Verdict::Ok => "OK".to_owned(),
                Verdict::Altered => "ALTERED".to_owned(),
                Verdict::Inconclusive => "INCONCLUSIVE".to_owned(),
            },
            format!("{} leaves, root {}", self.leaves, self.root),
            format!("{} good checkpoints cover {} leaves", self.good_checkpoints, self.signed_leaves),
            format!("{} online bookings held against the rules", self.bookings),
        ];
        for found in &self.altered {
            let place = match (found.first_bad_leaf, found.exact) {
                (None, _) => String::new(),
                (Some(leaf), true) => format!("first bad leaf {leaf}: "),
                (Some(leaf), false) => format!("first bad leaf {leaf} or later: "),
            };
            lines.push(format!("altered: {place}{}", found.what));
            lines.extend(found.event.iter().map(|event| format!("  there now: {event}")));
        }
        for broken in &self.violations {
            lines.push(format!("broken rule {}: {}", broken.rule, broken.what));
            lines.extend(broken.events.iter().map(|event| format!("  {event}")));
        }
        if self.violation_count > self.violations.len() as u64 {
            lines.push(format!("… and {} more broken rules", self.violation_count - self.violations.len() as u64));
        }
        lines.extend(self.inconclusive.iter().map(|why| format!("inconclusive: {why}")));
        lines.extend(self.not_checked.iter().map(|what| format!("not checked: {what}")));
        lines
    }
}

/// A hash as people compare it.
pub(super) fn shown(hash: &Hash) -> String {
    hex::encode(hash)
}
