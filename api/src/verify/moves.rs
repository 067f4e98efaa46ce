//! Moves: what a patient moved to was offered, and whoever arrives on a day had left the one before.
//!
//! A move records no revision of the rules. So a patient's move is flagged only if whichever of the rules may have bound
//! it (those of ten seconds before the request arrived, and everything after) refused it. What depends on the record and
//! not on the availability is left out.

use super::clinics::{Placed, Rules};
use super::report::{EventRef, Violation};
use super::rules::OpenSlot;
use booking_domain::agenda_day::{AgendaDayEvent, Freedom, Placement, Slot};
use booking_domain::ids::{AppointmentId, ClinicId, CommandId, ServiceId, SlotId};
use booking_domain::stream::StreamName;
use booking_domain::time::{Instant, Span};
use booking_domain::visibility::{Candidate, Rule, ViewerFacts, evaluate};
use std::collections::HashMap;

/// An availability as it was when an appointment was moved to it, or was promised it.
pub(super) struct Offer {
    slot: Slot,
    span: Span,
    /// It had been taken back.
    gone: bool,
    published: EventRef,
    now: Instant,
    received_at: Instant,
    leaf: u64,
}

/// An appointment that came from another day.
pub(super) struct Arrival {
    pub appointment: AppointmentId,
    pub movement: CommandId,
    /// The stream that it came from.
    pub from: StreamName,
    /// What speaks against it if it was the patient who moved.
    pub if_patient: Option<(String, EventRef)>,
    pub at: EventRef,
}

/// What stood there to be moved to; none: no availability.
pub(super) fn offer(
    slots: &HashMap<SlotId, OpenSlot>,
    placement: &Placement,
    placed: &Placed<AgendaDayEvent>,
) -> Option<Offer> {
    let [source] = &placement.sources[..] else { return None };
    let slot = slots.get(&source.slot)?;
    let (span, start) = (placement.span, placement.span.start);
    let whole = source.span == span && placement.occupies == span && slot.facts.availability_at(start) == Some(span);
    whole.then(|| Offer {
        slot: slot.facts.clone(),
        span,
        gone: slot.withdrawn || slot.dropped.contains(&start),
        published: slot.published.clone(),
        now: placed.metadata.occurred_at,
        received_at: placed.metadata.received_at,
        leaf: placed.at.leaf,
    })
}

/// Why a patient could not have moved there, with the event that says so.
pub(super) fn refused(
    rules: &mut Rules,
    clinic: ClinicId,
    service: Option<ServiceId>,
    offer: Option<Offer>,
    own: &EventRef,
) -> Option<(String, EventRef)> {
    let Some(offer) = offer else {
        return Some(("a patient moved to what is no availability of that day".to_owned(), own.clone()));
    };
    let Some(service) = service else {
        return Some(("a patient moved what was not booked online".to_owned(), own.clone()));
    };
    if offer.gone {
        return Some(("a patient moved to an availability that had been taken back".to_owned(), offer.published));
    }
    let viewer = ViewerFacts::unrecognized(None);
    let mut reason = None;
    for revision in rules.binding(clinic, offer.leaf, offer.received_at) {
        let (state, set) = rules.at(clinic, revision)?;
        let candidate = Candidate { slot: &offer.slot, span: offer.span, freedom: Freedom::Free };
        let Some(known) = state.services.get(&service) else {
            reason = Some(("a patient moved under a service that the rules did not know".to_owned(), set.clone()));
            continue;
        };
        let findings = evaluate(state, known, &candidate, &viewer, offer.now).findings;
        let failed = findings.into_iter().find(|finding| !finding.passed && of_the_availability(finding.rule))?;
        let what = format!("a patient moved to an availability that was not offered (rule {})", failed.rule.name());
        let first = failed.revision.and_then(|revision| Some(rules.at(clinic, revision)?.1.clone()));
        reason = Some((what, first.unwrap_or_else(|| offer.published.clone())));
    }
    reason
}

/// True for what does not depend on who looks.
const fn of_the_availability(rule: Rule) -> bool {
    !matches!(rule, Rule::Recognition | Rule::Criterion(_) | Rule::Cap | Rule::Free)
}

/// Holds an arrival against the stream that the appointment came from, whole.
pub(super) fn left(arrival: &Arrival, source: &[Placed<AgendaDayEvent>]) -> Vec<Violation> {
    let breaks = |rule, what: &str, first: &EventRef| Violation {
        rule,
        what: what.to_owned(),
        events: [first.clone(), arrival.at.clone()],
    };
    let mut last = None;
    for placed in source.iter().take_while(|placed| placed.at.leaf < arrival.at.leaf) {
        if placed.event.appointment() != Some(arrival.appointment) {
            continue;
        }
        last = Some(&placed.at);
        let AgendaDayEvent::AppointmentMovedOut(out) = &placed.event else { continue };
        if out.movement == arrival.movement {
            let patient = arrival.if_patient.iter().filter(|_| out.by_patient);
            return patient.map(|(what, first)| breaks("unpublished", what, first)).collect();
        }
    }
    vec![breaks(
        "two_places",
        "an appointment arrived on a day and had not left the one before",
        last.unwrap_or(&arrival.at),
    )]
}
