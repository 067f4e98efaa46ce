//! The smallest change that flips a verdict: what would have to be otherwise for an availability to be offered, or not
//! to be.
//!
//! It proposes, and asks [`evaluate`](super::evaluate) whether it was right: what it answers does flip the verdict, and
//! without any one of its changes it would not.

use super::{Change, Finding, Rule, Situation, last_bookable, publish_at};
use crate::agenda_day::{Blocked, Freedom};
use crate::ids::ActivityId;
use crate::time::{Instant, Span};
use crate::values::{Origin, ViewerClass};

/// The fewest changes that turn the verdict round; the nearest moment among as few. Empty only if there is no such
/// availability or service.
#[must_use]
pub fn smallest_change(situation: &Situation) -> Vec<Change> {
    match situation.verdict() {
        None => Vec::new(),
        Some(verdict) if verdict.offered => hide(situation),
        Some(_) => offer(situation),
    }
}

/// What is offered ends by itself, with nobody doing anything.
fn hide(situation: &Situation) -> Vec<Change> {
    let (Some(service), Some(span)) = (situation.service(), situation.span()) else { return Vec::new() };
    let after = Instant(last_bookable(&situation.clinic, service, span.start).0.saturating_add(1));
    let ends = [after.min(span.start), span.start];
    let by_time = ends.into_iter().filter(|at| *at > situation.now).map(|at| vec![Change::LookAt(at)]);
    let flips = |changes: &Vec<Change>| !situation.with(changes).offered();
    by_time.chain([vec![Change::DeactivatePortal]]).find(flips).unwrap_or_default()
}

fn offer(situation: &Situation) -> Vec<Change> {
    let mut best: Option<((usize, u64), Vec<Change>)> = None;
    for moment in moments(situation) {
        let changes = minimal(situation, at_moment(situation, moment));
        if !situation.with(&changes).offered() {
            continue;
        }
        let cost = (changes.len(), moment.since(situation.now).unsigned_abs());
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, changes));
        }
    }
    best.map(|(_, changes)| changes).unwrap_or_default()
}

/// The moments at which something about time turns.
fn moments(situation: &Situation) -> Vec<Instant> {
    let (Some(service), Some(slot), Some(span)) = (situation.service(), situation.slot(), situation.span()) else {
        return Vec::new();
    };
    let before_start = Instant(span.start.0.saturating_sub(1));
    let last = last_bookable(&situation.clinic, service, span.start).min(before_start);
    let published = publish_at(&situation.clinic, service, slot, span.start).filter(|at| *at != Instant::MIN);
    let held = situation.day.holds.iter().filter(|h| h.span.overlaps(span));
    let held: Vec<Instant> = held.flat_map(|h| [h.expires_at, Instant(h.placed_at.0.saturating_sub(1))]).collect();
    let mut all = vec![situation.now, last, before_start];
    all.extend(published);
    all.extend(held);
    all.sort_unstable();
    all.dedup();
    all
}

/// One change for each rule that refuses at that moment.
fn at_moment(situation: &Situation, moment: Instant) -> Vec<Change> {
    let mut changes = Vec::new();
    if moment != situation.now {
        changes.push(Change::LookAt(moment));
    }
    // A change may bring another rule to speak, such as an activity that is given: a few rounds settle all.
    for _ in 0..4 {
        let now = situation.with(&changes);
        let Some(verdict) = now.verdict() else { return Vec::new() };
        let refusing: Vec<Finding> = verdict.findings.into_iter().filter(|f| !f.passed).collect();
        if refusing.is_empty() {
            break;
        }
        let persons = refusing.iter().filter(|f| is_about_person(f.rule)).count();
        let open = persons > 1 || persons == 1 && !mends_person(&now, &refusing);
        let single = refusing.iter().filter(|f| !(open && is_about_person(f.rule)));
        let mended: Vec<Change> = single.flat_map(|finding| mend(&now, finding.rule)).collect();
        changes.extend(mended);
        if open {
            changes.push(Change::OpenToEveryone);
        }
    }
    changes
}

const fn is_about_person(rule: Rule) -> bool {
    matches!(rule, Rule::Recognition | Rule::Criterion(_))
}

/// Whether the one rule about the person that refuses can be mended by itself.
fn mends_person(situation: &Situation, refusing: &[Finding]) -> bool {
    refusing.iter().filter(|f| is_about_person(f.rule)).all(|f| match f.rule {
        Rule::Recognition => situation.viewer.class == ViewerClass::Recognized,
        _ => true,
    })
}

/// What lets one rule pass.
fn mend(situation: &Situation, rule: Rule) -> Vec<Change> {
    let (Some(service), Some(slot), Some(span)) = (situation.service(), situation.slot(), situation.span()) else {
        return Vec::new();
    };
    let clinic = &situation.clinic;
    match rule {
        Rule::PortalActive => vec![Change::ActivatePortal],
        Rule::ServiceActive => vec![Change::ActivateService],
        Rule::ActivityLinked => {
            let used = |a: &&ActivityId| clinic.activities.get(a).is_some_and(|a| !a.retired);
            let fits = || service.config.activities.iter().find(used).or(service.config.activities.first());
            let given = || fits().map(|activity| Change::GiveSlotActivity(*activity));
            slot.activity.map(Change::LinkActivity).or_else(given).into_iter().collect()
        }
        Rule::ActivityActive => slot.activity.map(Change::ReinstateActivity).into_iter().collect(),
        Rule::PractitionerActive => vec![Change::ReactivatePractitioner(slot.practitioner)],
        Rule::PractitionerFilter => vec![Change::AdmitPractitioner(slot.practitioner)],
        Rule::Origin if slot.origin == Origin::Recurrence => vec![Change::OfferRecurring],
        Rule::Origin => vec![Change::OpenByHand],
        Rule::Recognition => vec![Change::ProveViewer],
        Rule::Criterion(place) => {
            let widen = vec![Change::WidenCriterion(place)];
            let met =
                |s: &Situation| s.verdict().is_some_and(|v| v.findings.iter().any(|f| f.rule == rule && f.passed));
            if met(&situation.with(&widen)) { widen } else { vec![Change::DropCriterion(place)] }
        }
        // Only another moment helps; that is tried as one.
        Rule::NotStarted => Vec::new(),
        Rule::MinNotice => {
            let minutes = span.start.since(clock(situation)).max(0) / 60_000_000;
            vec![Change::ShortenNotice(u32::try_from(minutes).unwrap_or(0))]
        }
        Rule::Published => {
            let clock = clock(situation);
            let published = Change::PublishSlotAt(clock);
            let enough = situation.with(std::slice::from_ref(&published)).verdict();
            if enough.is_some_and(|v| v.findings.iter().any(|f| f.rule == Rule::Published && f.passed)) {
                return vec![published];
            }
            // The longest horizon binds besides: it has to reach from the start back to now.
            let micros = span.start.since(clock).max(0);
            let minutes = u32::try_from((micros + 59_999_999) / 60_000_000).unwrap_or(u32::MAX);
            let wider = Change::WidenHorizon(minutes);
            let alone = situation.with(std::slice::from_ref(&wider)).verdict();
            if alone.is_some_and(|v| v.findings.iter().any(|f| f.rule == Rule::Published && f.passed)) {
                return vec![wider];
            }
            vec![published, wider]
        }
        Rule::Cap => {
            let counted = situation.viewer.counted.unwrap_or(0);
            vec![Change::RaiseCap(counted.saturating_add(1))]
        }
        Rule::Free => free(situation, span),
    }
}

/// The instant by which the clock rules are judged.
fn clock(situation: &Situation) -> Instant {
    match situation.freedom() {
        Some(Freedom::Own(since)) => since.min(situation.now),
        _ => situation.now,
    }
}

fn free(situation: &Situation, span: Span) -> Vec<Change> {
    let day = &situation.day;
    match situation.freedom() {
        Some(Freedom::Blocked(Blocked::Withdrawn)) => vec![Change::PutSlotBack],
        Some(Freedom::Blocked(Blocked::Removed)) => vec![Change::PutAvailabilityBack],
        Some(Freedom::Blocked(Blocked::Booked)) => {
            let there = day.taken.iter().filter(|t| t.span.overlaps(span)).map(|t| t.appointment);
            vec![Change::FreeTime(there.collect())]
        }
        Some(Freedom::Blocked(Blocked::Promised)) => {
            let there = day.promised.iter().filter(|p| p.span.overlaps(span)).map(|p| p.appointment);
            vec![Change::EndMoves(there.collect())]
        }
        Some(Freedom::Blocked(Blocked::Held(_))) => {
            let others = day.holds.iter().filter(|h| {
                h.expires_at > situation.now && h.span.overlaps(span) && Some(h.visit) != situation.viewer.visit
            });
            vec![Change::ReleaseHolds(others.map(|h| h.id).collect())]
        }
        Some(Freedom::Free | Freedom::Own(_)) | None => Vec::new(),
    }
}

/// Leaves out what is not needed.
fn minimal(situation: &Situation, mut changes: Vec<Change>) -> Vec<Change> {
    let mut at = 0;
    while at < changes.len() {
        let mut fewer = changes.clone();
        fewer.remove(at);
        if !fewer.is_empty() && situation.with(&fewer).offered() {
            changes = fewer;
        } else {
            at += 1;
        }
    }
    changes
}
