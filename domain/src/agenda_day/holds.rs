//! `HoldAvailability`, `ExtendHold`, `ReleaseHold` (8.9). A hold ends by the clock alone; no job is needed.

use super::{AgendaDay, AgendaDayEvent, DayRefusal, Freedom, HoldExtended, HoldPlaced, HoldReleased};
use crate::clinic::Clinic;
use crate::ids::{HoldId, ServiceId, SlotId, VisitId};
use crate::time::Instant;
use crate::values::HoldEnd;
use crate::visibility::{Candidate, Rule, ViewerFacts, first_refusal};

/// How often a hold may be extended.
pub const MAX_EXTENSIONS: u8 = 10;
/// Hold events that a day takes for each of its availabilities.
pub const HOLD_EVENTS_PER_AVAILABILITY: u32 = 20;

/// `HoldAvailability`.
#[derive(Clone, Debug)]
pub struct HoldAvailability {
    /// The new hold.
    pub hold: HoldId,
    /// Whose it is.
    pub visit: VisitId,
    /// The service that the visitor looks at.
    pub service: ServiceId,
    /// The slot.
    pub slot: SlotId,
    /// Start of the availability.
    pub start: Instant,
    /// The viewer.
    pub viewer: ViewerFacts,
}

/// Places a hold; another hold of the same visit on this day is released with it.
pub fn decide_hold(
    day: &AgendaDay,
    clinic: &Clinic,
    command: &HoldAvailability,
    now: Instant,
) -> Result<Vec<AgendaDayEvent>, DayRefusal> {
    let slot = day.occupancy.slot(command.slot).ok_or(DayRefusal::UnknownSlot)?;
    let span = slot.availability_at(command.start).ok_or(DayRefusal::UnknownAvailability)?;
    let service = clinic.services.get(&command.service).ok_or(DayRefusal::NotOffered(Rule::ServiceActive))?;
    let freedom = day.occupancy.freedom(slot, span, Some(command.visit), None, now);
    let candidate = Candidate { slot, span, freedom };
    if let Some(rule) = first_refusal(clinic, service, &candidate, &command.viewer, now) {
        return Err(refusal_of(rule, freedom));
    }
    if matches!(freedom, Freedom::Own(_)) {
        return Ok(vec![]);
    }
    let budget = u32::try_from(day.occupancy.availability_count()).unwrap_or(u32::MAX);
    if day.occupancy.hold_events >= budget.saturating_mul(HOLD_EVENTS_PER_AVAILABILITY) {
        return Err(DayRefusal::HoldBudget);
    }
    let replaced = day.occupancy.holds.iter().filter(|h| h.visit == command.visit && h.expires_at > now);
    let mut events: Vec<_> =
        replaced.map(|h| AgendaDayEvent::HoldReleased(HoldReleased { hold: h.id, end: HoldEnd::Replaced })).collect();
    events.push(AgendaDayEvent::HoldPlaced(HoldPlaced {
        hold: command.hold,
        visit: command.visit,
        slot: command.slot,
        span,
        placed_at: now,
        expires_at: now.plus_minutes(i64::from(clinic.settings.hold_minutes)),
    }));
    Ok(events)
}

/// Puts a live hold's end off; at most ten times. Its first instant still counts (8.29).
pub fn decide_extend_hold(
    day: &AgendaDay,
    clinic: &Clinic,
    hold: HoldId,
    visit: VisitId,
    now: Instant,
) -> Result<Vec<AgendaDayEvent>, DayRefusal> {
    let known = day.occupancy.live_hold(hold, now).filter(|h| h.visit == visit).ok_or(DayRefusal::HoldEnded)?;
    if known.extensions >= MAX_EXTENSIONS {
        return Err(DayRefusal::HoldNotExtendable);
    }
    let expires_at = now.plus_minutes(i64::from(clinic.settings.hold_minutes));
    let later = expires_at > known.expires_at;
    Ok(if later { vec![AgendaDayEvent::HoldExtended(HoldExtended { hold, expires_at })] } else { vec![] })
}

/// Gives a hold back; what is gone already is nothing to do.
pub fn decide_release_hold(
    day: &AgendaDay,
    hold: HoldId,
    visit: VisitId,
    end: HoldEnd,
    now: Instant,
) -> Result<Vec<AgendaDayEvent>, DayRefusal> {
    let own = day.occupancy.live_hold(hold, now).filter(|h| h.visit == visit);
    Ok(own.map(|_| AgendaDayEvent::HoldReleased(HoldReleased { hold, end })).into_iter().collect())
}

/// The refusal that a failed rule means to the visitor.
pub(super) fn refusal_of(rule: Rule, freedom: Freedom) -> DayRefusal {
    match (rule, freedom) {
        (Rule::Free, Freedom::Blocked(blocked)) => DayRefusal::Taken(blocked),
        (rule, _) => DayRefusal::NotOffered(rule),
    }
}
