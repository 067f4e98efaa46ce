//! `PublishSlot`, `AmendSlot`, `WithdrawSlot`.

use super::{AgendaDay, AgendaDayEvent, DayRefusal, SlotAmended, SlotFacts, SlotPublished, SlotWithdrawn};
use crate::clinic::{Clinic, PublicationOverride};
use crate::ids::{AppointmentId, PractitionerId, SlotId};
use crate::time::{Instant, Resolved, Span, Tz, WallDate, WallTime, offset_minutes, resolve};
use crate::values::{BadField, check_match, check_range, check_text};

/// The instant of a wall time in a single command (8.19): refused where it does not exist; where it exists twice,
/// `offset` (minutes from UTC) must say which.
pub fn single_instant(
    field: &'static str,
    date: WallDate,
    time: WallTime,
    zone: Tz,
    offset: Option<i32>,
) -> Result<Instant, BadField> {
    let fits = |at: &Instant| offset.is_none_or(|o| offset_minutes(*at, zone) == o);
    match resolve(date, time, zone) {
        Resolved::Once(at) if fits(&at) => Ok(at),
        Resolved::Once(_) => Err(BadField::new(field, "the offset is not the zone's at that time")),
        Resolved::Missing(_) => Err(BadField::new(field, "this local time does not exist: the clock jumps over it")),
        Resolved::Twice(..) if offset.is_none() => {
            Err(BadField::new(field, "this local time exists twice: give its offset from UTC"))
        }
        Resolved::Twice(first, second) => [first, second]
            .into_iter()
            .find(fits)
            .ok_or_else(|| BadField::new(field, "the offset is neither of the two at that time")),
    }
}

/// Wall times of a span that lies within the local day `date`; the end may be 24:00.
#[must_use]
pub fn wall_times(span: Span, date: WallDate, zone: Tz) -> Option<(WallTime, WallTime)> {
    let (start_date, start) = span.start.wall(zone);
    let (end_date, end) = span.end.wall(zone);
    let end = if end_date == date.plus_days(1) && end == WallTime(0) { WallTime::END_OF_DAY } else { end };
    let within = start_date == date && (end_date == date || end == WallTime::END_OF_DAY);
    (within && span.start < span.end).then_some((start, end))
}

/// Checks the form of a slot; shared by single and bulk publication, templates and imports.
pub fn check_slot(clinic: &Clinic, facts: &SlotFacts) -> Result<(), BadField> {
    if facts.span.start >= facts.span.end {
        return Err(BadField::new("end", "must lie after the start"));
    }
    check_range("interval_minutes", facts.interval_minutes, 1, 1440)?;
    if facts.span.len_minutes() < i64::from(facts.interval_minutes) {
        return Err(BadField::new("interval_minutes", "is longer than the slot"));
    }
    if matches!(facts.publication, PublicationOverride::Unknown(_)) {
        return Err(BadField::new("publication", "is not known"));
    }
    let title = facts.title.as_deref().unwrap_or("");
    check_text("title", title, 0, 200)?;
    match facts.activity {
        None if title.trim().is_empty() => Err(BadField::new("title", "must be given when there is no activity")),
        None => Ok(()),
        Some(id) => match clinic.activities.get(&id) {
            None => Err(BadField::new("activity", "is not known")),
            Some(activity) if activity.retired => Err(BadField::new("activity", "is retired")),
            Some(_) => Ok(()),
        },
    }
}

/// Nothing is opened for somebody who takes no appointments.
pub fn check_practitioner(clinic: &Clinic, practitioner: PractitionerId) -> Result<(), BadField> {
    let takes = clinic.takes_appointments(practitioner);
    takes.then_some(()).ok_or(BadField::new("agenda", "belongs to somebody who takes no appointments any more"))
}

/// `PublishSlot`. Overlapping slots are allowed (R95); a slot that exists already is nothing to do.
pub fn decide_publish_slot(
    day: &AgendaDay,
    clinic: &Clinic,
    command: SlotPublished,
    now: Instant,
) -> Result<Vec<AgendaDayEvent>, DayRefusal> {
    if day.occupancy.slot(command.slot).is_some() {
        return Ok(vec![]);
    }
    check_slot(clinic, &command.facts)?;
    check_practitioner(clinic, command.practitioner)?;
    if wall_times(command.facts.span, command.date, clinic.zone()).is_none() {
        return Err(BadField::new("end", "must lie within the local day").into());
    }
    if command.facts.span.end <= now {
        return Err(BadField::new("start", "lies in the past").into());
    }
    if command.facts.span.start > now.plus_minutes(3 * 366 * 1440) {
        return Err(BadField::new("date", "lies more than three years ahead").into());
    }
    check_range("slots of the day", day.occupancy.slots.len(), 0, 500)?;
    Ok(vec![AgendaDayEvent::SlotPublished(command)])
}

/// `AmendSlot`: changes what is free; refused if it would cut a time that is held or booked (8.27).
pub fn decide_amend_slot(
    day: &AgendaDay,
    clinic: &Clinic,
    command: SlotAmended,
    if_match: Option<u64>,
    now: Instant,
) -> Result<Vec<AgendaDayEvent>, DayRefusal> {
    let slot = day.occupancy.slot(command.slot).ok_or(DayRefusal::UnknownSlot)?;
    check_match(if_match, slot.touched)?;
    if slot.withdrawn {
        return Err(DayRefusal::UnknownSlot);
    }
    check_slot(clinic, &command.facts)?;
    if wall_times(command.facts.span, slot.date, clinic.zone()).is_none() {
        return Err(BadField::new("end", "must lie within the local day").into());
    }
    let mut amended = slot.clone();
    amended.span = command.facts.span;
    amended.interval_minutes = command.facts.interval_minutes;
    let held_is_cut = day
        .occupancy
        .holds
        .iter()
        .any(|h| h.slot == slot.id && h.expires_at > now && amended.availability_at(h.span.start) != Some(h.span));
    let cut: Vec<AppointmentId> = booked_from(day, slot.id)
        .filter(|(_, sources)| sources.iter().any(|s| !amended.span.contains(*s)))
        .map(|(id, _)| id)
        .collect();
    if held_is_cut || !cut.is_empty() {
        return Err(DayRefusal::WouldCut(cut));
    }
    let same = slot.span == command.facts.span
        && slot.activity == command.facts.activity
        && slot.title.as_deref() == command.facts.title.as_deref()
        && slot.interval_minutes == command.facts.interval_minutes
        && slot.modality == command.facts.modality
        && slot.publication == command.facts.publication;
    Ok(if same { vec![] } else { vec![AgendaDayEvent::SlotAmended(command)] })
}

/// `WithdrawSlot`: nothing of it is free any more; [`booked_in_slot`] lists who is booked.
pub fn decide_withdraw_slot(
    day: &AgendaDay,
    slot: SlotId,
    if_match: Option<u64>,
) -> Result<Vec<AgendaDayEvent>, DayRefusal> {
    let known = day.occupancy.slot(slot).ok_or(DayRefusal::UnknownSlot)?;
    check_match(if_match, known.touched)?;
    Ok(if known.withdrawn { vec![] } else { vec![AgendaDayEvent::SlotWithdrawn(SlotWithdrawn { slot })] })
}

/// Live appointments that were booked from a slot, with the availabilities behind them.
fn booked_from(day: &AgendaDay, slot: SlotId) -> impl Iterator<Item = (AppointmentId, Vec<Span>)> + '_ {
    day.appointments.iter().filter(|(_, a)| a.is_live()).filter_map(move |(id, a)| {
        let sources: Vec<Span> = a.placement.sources.iter().filter(|s| s.slot == slot).map(|s| s.span).collect();
        (!sources.is_empty()).then_some((*id, sources))
    })
}

/// Live appointments that were booked from a slot: whom to call when it is withdrawn.
#[must_use]
pub fn booked_in_slot(day: &AgendaDay, slot: SlotId) -> Vec<AppointmentId> {
    booked_from(day, slot).map(|(id, _)| id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_whose_publication_is_unknown_is_refused() {
        let span = Span::minutes(Instant(0), 60);
        let (start, end) = (WallTime(0), WallTime(60));
        let title = Some("Meeting".to_owned());
        let publication = PublicationOverride::None;
        let good =
            SlotFacts { start, end, span, activity: None, title, interval_minutes: 20, modality: None, publication };
        assert_eq!(check_slot(&Clinic::default(), &good), Ok(()));
        let unknown = SlotFacts { publication: PublicationOverride::Unknown(250), ..good };
        assert_eq!(check_slot(&Clinic::default(), &unknown).unwrap_err().field, "publication");
    }
}
