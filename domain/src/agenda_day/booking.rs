//! `BookAppointment`: online by a patient, planned by staff, entered by an external channel.

use super::{
    Admission, AgendaDay, AgendaDayEvent, AppointmentBooked, Blocked, Booking, DayRefusal, Placement, Source,
    holds::refusal_of, slots::wall_times,
};
use crate::clinic::Clinic;
use crate::ids::{AppointmentId, HoldId, PractitionerId, ServiceId, SlotId};
use crate::time::{Instant, Span, WallDate};
use crate::values::BadField;
use crate::visibility::{Candidate, Rule, ViewerFacts, criteria_met, first_refusal};

/// An availability as a visitor names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Selected {
    /// The slot.
    pub slot: SlotId,
    /// Start of the availability.
    pub start: Instant,
}

/// `BookAppointment` by a patient on the portal.
#[derive(Clone, Debug)]
pub struct BookOnline {
    /// Whom it is for; admission, activity, modality and public name are filled in by the decision.
    pub booking: Booking,
    /// The service.
    pub service: ServiceId,
    /// The availability.
    pub selected: Selected,
    /// The hold that the visitor relies on; one that ended refuses the booking.
    pub hold: Option<HoldId>,
    /// The viewer.
    pub viewer: ViewerFacts,
}

/// Where staff want an appointment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wish {
    /// Wall date of the day.
    pub date: WallDate,
    /// The appointment's time.
    pub span: Span,
    /// The availability it is placed in, if any.
    pub selected: Option<Selected>,
    /// Reserve only that availability (R76).
    pub only_selected: bool,
    /// Lay it over other appointments knowingly (8.21).
    pub overbook: bool,
}

/// Books an availability online. What the visitor is shown comes from the same rules.
pub fn decide_book_online(
    day: &AgendaDay,
    clinic: &Clinic,
    command: &BookOnline,
    now: Instant,
) -> Result<Vec<AgendaDayEvent>, DayRefusal> {
    not_given_up(day, command.booking.appointment)?;
    if day.appointments.contains_key(&command.booking.appointment) {
        return Ok(vec![]);
    }
    if let Some(id) = command.hold {
        let own = |h: &&super::Hold| Some(h.visit) == command.viewer.visit;
        let hold = day.occupancy.live_hold(id, now).filter(own).ok_or(DayRefusal::HoldEnded)?;
        if (hold.slot, hold.span.start) != (command.selected.slot, command.selected.start) {
            return Err(DayRefusal::HoldElsewhere);
        }
    }
    let (mut placement, rule) =
        offered_placement(day, clinic, command.service, command.selected, &command.viewer, None, now)?;
    placement.overridden = false;
    let own_hold = day.occupancy.holds.iter().find(|h| {
        Some(h.visit) == command.viewer.visit
            && h.slot == command.selected.slot
            && h.span == placement.span
            && h.expires_at > now
    });
    let mut booking = command.booking.clone();
    booking.activity = rule.activity;
    booking.modality = rule.modality;
    booking.service_name = Some(rule.public_name);
    booking.admission = Some(Admission {
        service: command.service,
        clinic_revision: clinic.revision,
        viewer_class: command.viewer.class,
        criteria_met: rule.criteria_met,
    });
    Ok(vec![AgendaDayEvent::AppointmentBooked(AppointmentBooked { booking, placement, hold: own_hold.map(|h| h.id) })])
}

/// What the rules add to a booking that they admit.
pub(super) struct Admitted {
    pub activity: Option<crate::ids::ActivityId>,
    pub modality: crate::values::Modality,
    pub public_name: crate::values::Localized,
    pub criteria_met: Vec<u8>,
}

/// The placement of an availability that the rules offer to this viewer, or why they do not.
pub(super) fn offered_placement(
    day: &AgendaDay,
    clinic: &Clinic,
    service: ServiceId,
    selected: Selected,
    viewer: &ViewerFacts,
    except: Option<AppointmentId>,
    now: Instant,
) -> Result<(Placement, Admitted), DayRefusal> {
    let slot = day.occupancy.slot(selected.slot).ok_or(DayRefusal::UnknownSlot)?;
    let span = slot.availability_at(selected.start).ok_or(DayRefusal::UnknownAvailability)?;
    let service = clinic.services.get(&service).ok_or(DayRefusal::NotOffered(Rule::ServiceActive))?;
    let freedom = day.occupancy.freedom(slot, span, viewer.visit, except, now);
    if let Some(rule) = first_refusal(clinic, service, &Candidate { slot, span, freedom }, viewer, now) {
        return Err(refusal_of(rule, freedom));
    }
    let (start, end) = wall_times(span, slot.date, clinic.zone()).unwrap_or((slot.start, slot.end));
    let placement = Placement {
        practitioner: slot.practitioner,
        date: slot.date,
        start,
        end,
        span,
        occupies: span,
        sources: vec![Source { slot: slot.id, span }],
        only_selected: false,
        overridden: false,
    };
    let of_activity = slot.activity.and_then(|a| clinic.activities.get(&a)).map(|a| a.modality);
    let admitted = Admitted {
        activity: slot.activity,
        modality: slot.modality.or(of_activity).unwrap_or(crate::values::Modality::InPerson),
        public_name: service.config.public_name.clone(),
        criteria_met: criteria_met(service),
    };
    Ok((placement, admitted))
}

/// Books for staff or an external channel, with or without a slot.
pub fn decide_plan(
    day: &AgendaDay,
    clinic: &Clinic,
    practitioner: PractitionerId,
    booking: &Booking,
    wish: Wish,
    now: Instant,
) -> Result<Vec<AgendaDayEvent>, DayRefusal> {
    not_given_up(day, booking.appointment)?;
    if day.appointments.contains_key(&booking.appointment) {
        return Ok(vec![]);
    }
    if let Some(activity) = booking.activity {
        match clinic.activities.get(&activity) {
            None => return Err(BadField::new("activity", "is not known").into()),
            Some(a) if a.retired => return Err(BadField::new("activity", "is retired").into()),
            Some(_) => {}
        }
    }
    let placement = wished_placement(day, clinic, practitioner, wish, None, now)?;
    let booking = booking.clone();
    Ok(vec![AgendaDayEvent::AppointmentBooked(AppointmentBooked { booking, placement, hold: None })])
}

/// The placement that staff wish, or why it cannot be.
pub(super) fn wished_placement(
    day: &AgendaDay,
    clinic: &Clinic,
    practitioner: PractitionerId,
    wish: Wish,
    except: Option<AppointmentId>,
    now: Instant,
) -> Result<Placement, DayRefusal> {
    let Wish { date, span, selected, only_selected, overbook } = wish;
    let (start, end) = wall_times(span, date, clinic.zone())
        .ok_or_else(|| BadField::new("end", "must lie after the start, within the local day"))?;
    let (mut occupies, mut sources) = (span, Vec::new());
    if let Some(selected) = selected {
        let slot = day.occupancy.slot(selected.slot).ok_or(DayRefusal::UnknownSlot)?;
        let piece = slot.availability_at(selected.start).ok_or(DayRefusal::UnknownAvailability)?;
        if !span.overlaps(piece) {
            return Err(BadField::new("start", "does not touch the selected availability").into());
        }
        if slot.withdrawn {
            return Err(DayRefusal::Taken(Blocked::Withdrawn));
        }
        if slot.removed.contains(&piece.start) {
            return Err(DayRefusal::Taken(Blocked::Removed));
        }
        let touched = |p: &Span| if only_selected { *p == piece } else { p.overlaps(span) };
        let there = slot.availabilities().filter(touched).filter(|p| !slot.removed.contains(&p.start));
        sources = there.map(|span| Source { slot: slot.id, span }).collect();
        if only_selected {
            occupies = piece;
        }
    } else if only_selected {
        return Err(BadField::new("only_selected", "needs a selected availability").into());
    }
    // A hold wins even against an override, and so does a promise to a move (8.29).
    if let Some(held) = day.occupancy.time_held(occupies, None, now) {
        return Err(DayRefusal::Taken(held));
    }
    let mut overridden = false;
    match day.occupancy.time_blocked(occupies, except) {
        None => {}
        Some(Blocked::Booked) if overbook && !promised(day, occupies, except) => overridden = true,
        Some(blocked) => return Err(DayRefusal::Taken(blocked)),
    }
    Ok(Placement { practitioner, date, start, end, span, occupies, sources, only_selected, overridden })
}

fn promised(day: &AgendaDay, span: Span, except: Option<AppointmentId>) -> bool {
    day.occupancy.promised.iter().any(|t| Some(t.appointment) != except && t.span.overlaps(span))
}

fn not_given_up(day: &AgendaDay, appointment: AppointmentId) -> Result<(), DayRefusal> {
    if day.abandoned.contains(&appointment) { Err(DayRefusal::BookingAbandoned) } else { Ok(()) }
}

/// `BookingAbandoned`: whoever finds a quota claim without its booking ends it here first, so that a writer who was
/// asleep is refused by the fold. A booking that is there stays.
#[must_use]
pub fn decide_abandon_booking(day: &AgendaDay, appointment: AppointmentId) -> Vec<AgendaDayEvent> {
    if day.appointments.contains_key(&appointment) || day.abandoned.contains(&appointment) {
        return vec![];
    }
    vec![AgendaDayEvent::BookingAbandoned(super::BookingAbandoned { appointment })]
}
