//! `verify`: says whether a history is the one that was signed, and whether the rules of booking were kept in it.
//!
//! It reads a data directory (beside a running server too: nothing is written, and what is appended meanwhile is not
//! looked at) or an export, and needs no key but the public one. Memory does not grow with the history. What is proved
//! and what is not stands in `docs/verify.md`; every report lists what it did not check.
//!
//! | file | what it does |
//! |---|---|
//! | `tree` | leaves against checkpoints, and which leaf is the first bad one |
//! | `signatures` | which checkpoints are to be believed |
//! | `rules` | overlaps, repetitions, holds, publication |
//! | `moves` | what patients moved to, and that whoever arrives had left |
//! | `caps` | claims against caps on future appointments |
//! | `clinics` | the rules as they were at any revision |
//! | `streams` | hands streams to the rules |
//! | `log`, `export` | where leaves come from |
//! | `report` | what was found |

mod caps;
mod clinics;
mod export;
mod log;
mod moves;
mod report;
mod rules;
mod signatures;
mod streams;
mod tree;

pub(crate) use export::Told;
pub use report::{Alteration, EventRef, Report, Timing, Verdict, Violation};

use anyhow::Context as _;
use booking_events::Metadata;
use booking_events::ledger::{Hash, StoredEvent, Verifier};
use booking_store::RawEvent;
use signatures::{Believed, Worth, judge};
use std::path::PathBuf;
use streams::RulesFound;
use tree::Ended;
use uuid::Uuid;

/// What is verified.
#[derive(Clone, Debug)]
pub enum History {
    /// A data directory.
    Data(PathBuf),
    /// An export.
    Export(PathBuf),
}

/// How.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Keys that are trusted; none: those that lie beside the history, which proves less.
    pub keys: Vec<Verifier>,
    /// Notes of checkpoints that somebody kept, each with where it came from.
    pub retained: Vec<(String, String)>,
}

/// Verifies a history. An error means that it could not be read at all.
pub async fn verify(history: &History, options: &Options) -> anyhow::Result<Report> {
    let start = std::time::Instant::now();
    let mut report = match history {
        History::Data(data) => log::verify(data, options).await?,
        History::Export(file) => export::verify(file, options).await?,
    };
    report.timing.total = start.elapsed().as_millis();
    report.conclude();
    Ok(report)
}

/// Which of the retained checkpoints are to be believed; those that are not are said so.
fn retained(options: &Options, keys: &[Verifier]) -> anyhow::Result<(Vec<Believed>, Vec<String>)> {
    let (mut believed, mut others) = (Vec::new(), Vec::new());
    for (from, text) in &options.retained {
        let notes = booking_events::ledger::note::split(text);
        anyhow::ensure!(!notes.is_empty(), "{from} holds no checkpoint");
        for note in notes {
            match judge(note, keys, from) {
                Worth::Good(known) => believed.push(known),
                Worth::Unsigned => others.push(format!("{from} is signed by none of the keys")),
                Worth::Bad(why) => others.push(format!("{from}: {why}")),
            }
        }
    }
    Ok((believed, others))
}

/// Puts together what tree and rules found.
fn report_of(
    ended: Ended,
    rules: RulesFound,
    options: &Options,
    others: Vec<String>,
    mut not_checked: Vec<String>,
) -> Report {
    let mut inconclusive = others;
    if ended.good == 0 && ended.altered.is_empty() {
        inconclusive.push("no checkpoint whose signature could be verified speaks of this history".to_owned());
    }
    inconclusive.extend(rules.unreadable);
    if ended.good > 0 && ended.good_size < ended.size {
        let (from, count) = (ended.good_size, ended.size - ended.good_size);
        not_checked
            .push(format!("signatures: the last {count} leaves, from {from} on, are covered by no checkpoint yet"));
    }
    if options.keys.is_empty() {
        not_checked.push("whether the keys that lie beside the history are the clinic's own: give --key".to_owned());
    }
    if options.retained.is_empty() {
        not_checked.push(
            "whether all of it, with its checkpoints, was rewritten by somebody who has the signing key: give --checkpoint \
             with one that somebody else kept"
                .to_owned(),
        );
    }
    if ended.copy_is_wrong {
        not_checked.push("the copy of the tree beside it, which is wrong where the signature is right".to_owned());
    }
    if ended.torn {
        not_checked.push("the last checkpoint of the folder, which was cut off".to_owned());
    }
    not_checked.push("criteria of age, sex and registration: they need the keys of the people".to_owned());
    not_checked.extend(
        [
            "whether claims on a cap were given back only when their appointments were past, cancelled or never made, and \
             the claims of records that were merged, taken together",
            "whether patients moved and cancelled before the last moment for it, and whether who moves meets the criteria",
            "whether two bookings on different days name the same appointment",
            "what is sealed",
        ]
        .map(str::to_owned),
    );
    Report {
        verdict: Verdict::Inconclusive,
        leaves: ended.size,
        root: report::shown(&ended.root),
        good_checkpoints: ended.good,
        signed_leaves: ended.good_size,
        altered: ended.altered,
        violations: rules.violations,
        violation_count: rules.violation_count,
        bookings: rules.bookings,
        inconclusive,
        not_checked,
        timing: Timing { rules_reading: rules.reading, rules: rules.judging, ..Timing::default() },
    }
}

/// The event hash of a stored row; none if it cannot be an event of any log.
fn hash_of(event: &RawEvent) -> Option<Hash> {
    let stored = StoredEvent {
        stream: event.stream.as_deref()?,
        revision: u64::try_from(event.revision).ok()?,
        id: Uuid::from_slice(&event.id).ok()?,
        event_type: event.event_type.as_deref()?,
        metadata: &event.metadata,
        payload: &event.payload,
    };
    Some(stored.hash())
}

fn ref_of(leaf: u64, event: &RawEvent) -> EventRef {
    EventRef {
        leaf,
        stream: event.stream.clone().unwrap_or_else(|| "no stream".to_owned()),
        revision: event.revision,
        id: Uuid::from_slice(&event.id).map_or_else(|_| hex::encode(&event.id), |id| id.to_string()),
        event_type: event.event_type.clone().unwrap_or_else(|| "no type".to_owned()),
    }
}

fn metadata_of(event: &RawEvent) -> anyhow::Result<Metadata> {
    Metadata::parse(&event.metadata).context("metadata")
}
