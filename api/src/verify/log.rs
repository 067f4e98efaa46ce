//! A data directory: leaves from its log, checkpoints from its folder, and the read model's tree as the other copy.

use super::report::Alteration;
use super::signatures::Checkpoints;
use super::tree::TreeCheck;
use super::{Options, Report, hash_of, ref_of, report_of, retained, streams};
use crate::ledger::Shelf;
use anyhow::Context as _;
use booking_events::ledger::leaf_hash;
use booking_projections::ledger::StoredLeaves;
use booking_store::{RawEvent, RawLog, ReadError};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Rows of one read, and reads that may wait to be hashed.
const PAGE: u32 = 500;
const AHEAD: usize = 4;

pub(super) async fn verify(data: &Path, options: &Options) -> anyhow::Result<Report> {
    let path = data.join("events.db");
    let shelf = Shelf::at(data);
    let keys = if options.keys.is_empty() { shelf.keys()? } else { options.keys.clone() };
    let (believed, others) = retained(options, &keys)?;
    let checkpoints = Checkpoints::of(Some(&shelf), &keys)?;
    // Two connections: one reads in the order of positions, the other stream by stream, beside each other.
    let mut log = RawLog::open(&path).await?;
    let mut by_stream = RawLog::open(&path).await?;
    let rules = tokio::spawn(async move {
        let found = streams::check(&mut by_stream).await;
        by_stream.close().await;
        found
    });
    let mut copy = stored(data).await;
    let mut not_checked = Vec::new();
    if copy.is_none() {
        not_checked.push(
            "which leaf is the first bad one, should there be one: views.db holds no tree to compare with".to_owned(),
        );
    }

    let gap = log.gap().await?;
    let (pages, mut read) = mpsc::channel::<Result<Vec<RawEvent>, ReadError>>(AHEAD);
    let reader = tokio::spawn(async move {
        let (mut after, mut reading) = (0, Duration::ZERO);
        loop {
            let start = Instant::now();
            let page = log.in_order(after, PAGE).await;
            reading += start.elapsed();
            let last = page.as_ref().map(|page| page.last().map(|event| event.position));
            let end = !matches!(last, Ok(Some(_)));
            after = last.ok().flatten().unwrap_or(after);
            if pages.send(page).await.is_err() || end {
                log.close().await;
                return reading;
            }
        }
    });
    let mut check = TreeCheck::new(checkpoints, believed);
    let mut impossible: Vec<Alteration> = Vec::new();
    let mut hashing = Duration::ZERO;
    let mut damaged = None;
    while let Some(page) = read.recv().await {
        let start = Instant::now();
        match page {
            Ok(page) => {
                for event in &page {
                    take(&mut check, copy.as_mut(), event, &mut impossible).await?;
                }
            }
            Err(error) => damaged = Some(error),
        }
        hashing += start.elapsed();
    }
    let reading = reader.await.context("reading the log")?;
    let rules = rules.await.context("the rules")?;
    if let Some(error) = damaged {
        let leaf = check.size();
        let what = format!("the log cannot be read any further: {error}");
        impossible.push(Alteration { what, first_bad_leaf: Some(leaf), exact: true, event: None });
    }
    let remembered = copy.as_ref().map(StoredLeaves::size);
    if let Some(copy) = copy {
        copy.close().await;
    }
    let mut ended = check.end(remembered)?;
    // What cannot be is told once, at the first leaf.
    if let Some(first) = impossible.into_iter().next()
        && !ended.altered.iter().any(|found| found.exact && found.first_bad_leaf <= first.first_bad_leaf)
    {
        ended.altered.push(first);
    }
    if let Some(stream) = gap.filter(|_| ended.altered.is_empty()) {
        let what = format!("the revisions of {stream} are not 0, 1, 2 …");
        ended.altered.push(Alteration { what, first_bad_leaf: None, exact: false, event: None });
    }
    let rules = rules.unwrap_or_else(|error| streams::RulesFound {
        unreadable: vec![format!("the rules: the log cannot be read stream by stream: {error}")],
        ..Default::default()
    });
    let mut report = report_of(ended, rules, options, others, not_checked);
    report.timing.reading = reading.as_millis();
    report.timing.hashing = hashing.as_millis();
    Ok(report)
}

/// The read model's leaves; none if there are none that can be read.
async fn stored(data: &Path) -> Option<StoredLeaves> {
    let path = data.join("views.db");
    if !path.exists() {
        return None;
    }
    StoredLeaves::open(&path).await.ok().flatten()
}

async fn take(
    check: &mut TreeCheck,
    copy: Option<&mut StoredLeaves>,
    event: &RawEvent,
    impossible: &mut Vec<Alteration>,
) -> anyhow::Result<()> {
    let index = check.size();
    let remembered = match copy {
        // A tree that cannot be read remembers nothing; what is signed decides.
        Some(copy) => copy.leaf(index).await.unwrap_or_default(),
        None => None,
    };
    let hash = hash_of(event);
    if impossible.is_empty() {
        let due = i64::try_from(index).unwrap_or(i64::MAX).saturating_add(1);
        let what = if event.position != due {
            Some(format!("position {} stands where {due} was to come", event.position))
        } else if hash.is_none() {
            Some("the row is no event: its stream, type, id or revision is none".to_owned())
        } else {
            None
        };
        let event = Some(ref_of(index, event));
        impossible.extend(what.map(|what| Alteration { what, first_bad_leaf: Some(index), exact: true, event }));
    }
    // A row that is no event has no leaf; any value serves that no leaf has.
    let leaf = hash.map_or([0; 32], |hash| leaf_hash(index, &hash));
    let what = "the event is not the one that the read model has seen";
    check.leaf(leaf, remembered, || Some(ref_of(index, event)), what)?;
    Ok(())
}
