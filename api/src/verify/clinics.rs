//! The clinics' rules as they were at any of their revisions, and which of them bound a command.

use super::report::EventRef;
use booking_domain::clinic::{Clinic, ClinicEvent};
use booking_domain::ids::ClinicId;
use booking_domain::time::Instant;
use booking_domain::values::Stamp;
use booking_events::Metadata;
use std::collections::{BTreeMap, HashMap};

/// A change that occurred so long before a request arrived binds it.
pub(super) const RACE_MICROS: i64 = 10_000_000;
/// States of a clinic that are kept at once.
const KEPT_STATES: usize = 8;

/// An event of a stream, with its place.
#[derive(Clone, Debug)]
pub(super) struct Placed<E> {
    pub event: E,
    pub metadata: Metadata,
    pub at: EventRef,
}

impl<E> Placed<E> {
    pub fn revision(&self) -> u64 {
        u64::try_from(self.at.revision).unwrap_or(0)
    }
}

/// A clinic's rules at any of its revisions.
#[derive(Default)]
pub(super) struct History {
    pub events: Vec<Placed<ClinicEvent>>,
    pub states: BTreeMap<u64, Clinic>,
}

/// The rules as they were at a revision; none: there was no such revision.
pub(super) fn rules_at<'a>(
    events: &[Placed<ClinicEvent>],
    states: &'a mut BTreeMap<u64, Clinic>,
    revision: u64,
) -> Option<&'a Clinic> {
    if revision >= events.len() as u64 {
        return None;
    }
    if !states.contains_key(&revision) {
        let before = states.range(..revision).next_back();
        let (from, mut clinic) = before.map_or((0, Clinic::default()), |(at, clinic)| (at + 1, clinic.clone()));
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        for (event, at) in events.iter().zip(0_u64..).skip(from).take_while(|(_, at)| *at <= revision) {
            clinic.evolve(&event.event, Stamp { revision: at, occurred_at: event.metadata.occurred_at });
        }
        if states.len() >= KEPT_STATES {
            states.pop_first();
        }
        states.insert(revision, clinic);
    }
    states.get(&revision)
}

/// The clinics' rules.
#[derive(Default)]
pub(super) struct Rules {
    pub clinics: HashMap<ClinicId, History>,
}

impl Rules {
    /// Takes in a clinic's stream, whole and in order.
    pub fn learn(&mut self, events: Vec<Placed<ClinicEvent>>) {
        if let Some(clinic) = events.first().map(|event| event.metadata.clinic) {
            self.clinics.insert(clinic, History { events, states: BTreeMap::new() });
        }
    }

    /// The revisions of a clinic's rules that may have bound a command whose event is this one: those that were there
    /// before it, from the newest on that had occurred ten seconds before the command arrived.
    pub fn binding(&self, clinic: ClinicId, leaf: u64, received_at: Instant) -> std::ops::Range<u64> {
        let events = self.clinics.get(&clinic).map_or(&[][..], |history| &history.events);
        let there = events.partition_point(|event| event.at.leaf < leaf);
        let before = |event: &Placed<ClinicEvent>| received_at.since(event.metadata.occurred_at) > RACE_MICROS;
        let settled = events.iter().take(there).rposition(before).unwrap_or(0);
        let number = |at: usize| u64::try_from(at).unwrap_or(u64::MAX);
        number(settled)..number(there)
    }

    /// The rules of a clinic at a revision, and the event that made it.
    pub fn at(&mut self, clinic: ClinicId, revision: u64) -> Option<(&Clinic, &EventRef)> {
        let History { events, states } = self.clinics.get_mut(&clinic)?;
        let event = events.get(usize::try_from(revision).ok()?)?;
        Some((rules_at(events, states, revision)?, &event.at))
    }
}
