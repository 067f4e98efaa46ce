//! `MoveAppointment`: within a day in one append; across days by promise, leaving, arriving (design, section 4).
//!
//! The decisive moment of a move across streams is [`AppointmentMovedOut`] on the source. Until then the target
//! only holds a promise, which does not lapse with time; after two minutes anybody may end the move, at the
//! source first.

use super::{
    AgendaDay, AgendaDayEvent, Appointment, AppointmentMoved, AppointmentMovedIn, AppointmentMovedOut, Booking,
    DayRefusal, MoveAbandoned, MoveReleased, MoveReserved, Placement, Selected, Source, Wish,
    booking::{offered_placement, wished_placement},
};
use crate::clinic::Clinic;
use crate::ids::{AgendaId, AppointmentId, CommandId, PractitionerId, ServiceId};
use crate::time::{Instant, WallDate};
use crate::values::{Status, check_match};
use crate::visibility::ViewerFacts;

/// After so many seconds anybody may end an unfinished move.
pub const MOVE_PATIENCE_SECONDS: i64 = 120;

/// Where an appointment shall go, and who says so.
#[derive(Clone, Debug)]
pub enum Destination {
    /// Staff: any time that is not taken.
    Staff {
        /// The target agenda's practitioner.
        practitioner: PractitionerId,
        /// The wish.
        wish: Wish,
    },
    /// The patient: an availability that the portal offers for the appointment's service.
    Patient {
        /// The service.
        service: ServiceId,
        /// The availability.
        selected: Selected,
        /// The viewer; the cap does not count what is only moved.
        viewer: ViewerFacts,
    },
}

impl Destination {
    fn placement(
        &self,
        day: &AgendaDay,
        clinic: &Clinic,
        moved: AppointmentId,
        now: Instant,
    ) -> Result<Placement, DayRefusal> {
        match self {
            Self::Staff { practitioner, wish } => wished_placement(day, clinic, *practitioner, *wish, Some(moved), now),
            Self::Patient { service, selected, viewer } => {
                offered_placement(day, clinic, *service, *selected, viewer, Some(moved), now).map(|(p, _)| p)
            }
        }
    }
    /// True if the patient moves.
    #[must_use]
    pub const fn by_patient(&self) -> bool {
        matches!(self, Self::Patient { .. })
    }
}

/// The appointment, if it may be moved or cancelled by this person now.
pub(super) fn changeable<'a>(
    day: &'a AgendaDay,
    clinic: &Clinic,
    id: AppointmentId,
    by_patient: bool,
    if_match: Option<u64>,
    now: Instant,
) -> Result<&'a Appointment, DayRefusal> {
    let appointment = day.appointments.get(&id).ok_or(DayRefusal::UnknownAppointment)?;
    if appointment.moved_to.is_some() {
        return Err(DayRefusal::MovedAway);
    }
    check_match(if_match, appointment.touched)?;
    if appointment.status == Status::Cancelled {
        return Err(DayRefusal::Cancelled);
    }
    if !appointment.is_ahead() {
        return Err(DayRefusal::WrongStatus);
    }
    if by_patient && now > cutoff(clinic, appointment) {
        return Err(DayRefusal::PastCutoff);
    }
    Ok(appointment)
}

/// Last instant at which the patient may change the appointment; the instant itself is still in time (8.29).
#[must_use]
pub fn cutoff(clinic: &Clinic, appointment: &Appointment) -> Instant {
    appointment.placement.span.start.plus_minutes(-i64::from(clinic.settings.change_cutoff_minutes))
}

/// Moves an appointment within its day, or changes its length. The new time may overlap its old one.
pub fn decide_move_within(
    day: &AgendaDay,
    clinic: &Clinic,
    id: AppointmentId,
    destination: &Destination,
    drop_original: bool,
    if_match: Option<u64>,
    now: Instant,
) -> Result<Vec<AgendaDayEvent>, DayRefusal> {
    let by_patient = destination.by_patient();
    let appointment = changeable(day, clinic, id, by_patient, if_match, now)?;
    let placement = destination.placement(day, clinic, id, now)?;
    if placement == appointment.placement {
        return Ok(vec![]);
    }
    let dropped = dropped(day, id, drop_original, &placement.sources);
    Ok(vec![AgendaDayEvent::AppointmentMoved(AppointmentMoved { appointment: id, placement, dropped, by_patient })])
}

fn dropped(day: &AgendaDay, id: AppointmentId, drop_original: bool, still_used: &[Source]) -> Vec<Source> {
    let mut sources = if drop_original { day.sources_of(id) } else { vec![] };
    sources.retain(|s| !still_used.contains(s));
    sources
}

/// First step, on the target: time is promised.
pub fn decide_reserve_move(
    target: &AgendaDay,
    clinic: &Clinic,
    id: AppointmentId,
    movement: CommandId,
    source: (AgendaId, WallDate),
    destination: &Destination,
    now: Instant,
) -> Result<Vec<AgendaDayEvent>, DayRefusal> {
    match target.promises.get(&id) {
        Some(promise) if promise.movement == movement => return Ok(vec![]),
        Some(_) => return Err(DayRefusal::MovePending),
        None => {}
    }
    let placement = destination.placement(target, clinic, id, now)?;
    let (source_agenda, source_date) = source;
    let reserved = MoveReserved { appointment: id, movement, source_agenda, source_date, placement };
    Ok(vec![AgendaDayEvent::MoveReserved(reserved)])
}

/// Second step, on the source: the appointment leaves. This append is the move.
#[allow(clippy::too_many_arguments, reason = "one argument for each fact of the event")]
pub fn decide_move_out(
    source: &AgendaDay,
    clinic: &Clinic,
    id: AppointmentId,
    movement: CommandId,
    target: (AgendaId, WallDate),
    drop_original: bool,
    by_patient: bool,
    if_match: Option<u64>,
    now: Instant,
) -> Result<Vec<AgendaDayEvent>, DayRefusal> {
    if source.abandoned_moves.contains(&movement) {
        return Err(DayRefusal::MoveAbandoned);
    }
    changeable(source, clinic, id, by_patient, if_match, now)?;
    let dropped = dropped(source, id, drop_original, &[]);
    let (target_agenda, target_date) = target;
    let left = AppointmentMovedOut { appointment: id, movement, target_agenda, target_date, dropped, by_patient };
    Ok(vec![AgendaDayEvent::AppointmentMovedOut(left)])
}

/// Third step, on the target: the appointment arrives at the time that was promised to this movement of it.
#[must_use]
pub fn decide_move_in(
    target: &AgendaDay,
    booking: &Booking,
    movement: CommandId,
    left: &Appointment,
    source: (AgendaId, WallDate),
) -> Vec<AgendaDayEvent> {
    let promise = target.promises.get(&booking.appointment).filter(|p| p.movement == movement);
    let Some(promise) = promise else { return vec![] };
    let (source_agenda, source_date) = source;
    vec![AgendaDayEvent::AppointmentMovedIn(AppointmentMovedIn {
        booking: booking.clone(),
        movement,
        placement: promise.placement.clone(),
        source_agenda,
        source_date,
        booked_at: left.booked_at,
        status: Status::Booked,
        attached: left.attached,
    })]
}

/// Ends an unfinished move at its source; nothing to do if the appointment has left with this very move.
#[must_use]
pub fn decide_abandon_move(
    source: &AgendaDay,
    id: AppointmentId,
    movement: CommandId,
    target: (AgendaId, WallDate),
) -> Vec<AgendaDayEvent> {
    let left = source.appointments.get(&id).is_some_and(|a| a.moved_by == Some(movement));
    if left || source.abandoned_moves.contains(&movement) {
        return vec![];
    }
    let (target_agenda, target_date) = target;
    vec![AgendaDayEvent::MoveAbandoned(MoveAbandoned { appointment: id, movement, target_agenda, target_date })]
}

/// Gives promised time back after its move was ended.
#[must_use]
pub fn decide_release_promise(target: &AgendaDay, id: AppointmentId, movement: CommandId) -> Vec<AgendaDayEvent> {
    let still = target.promises.get(&id).is_some_and(|p| p.movement == movement);
    if still { vec![AgendaDayEvent::MoveReleased(MoveReleased { appointment: id, movement })] } else { vec![] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Span, WallTime};
    use crate::values::Stamp;

    const ID: AppointmentId = AppointmentId::from_bytes([1; 16]);
    const FIRST: CommandId = CommandId::from_bytes([2; 16]);
    const SECOND: CommandId = CommandId::from_bytes([3; 16]);
    const SPAN: Span = Span { start: Instant(0), end: Instant(60_000_000) };

    fn placement() -> Placement {
        Placement {
            practitioner: PractitionerId::default(),
            date: WallDate(0),
            start: WallTime(0),
            end: WallTime(1),
            span: SPAN,
            occupies: SPAN,
            sources: vec![],
            only_selected: false,
            overridden: false,
        }
    }
    fn reserve(day: &mut AgendaDay, movement: CommandId) {
        let (source_agenda, source_date) = (AgendaId::default(), WallDate(1));
        let reserved = MoveReserved { appointment: ID, movement, source_agenda, source_date, placement: placement() };
        day.evolve(&AgendaDayEvent::MoveReserved(reserved), Stamp::default());
    }
    fn booking() -> Booking {
        Booking {
            appointment: ID,
            clinic: crate::ids::ClinicId::default(),
            agenda: AgendaId::default(),
            reference: String::new(),
            link_hash: [0; 32],
            booked_by: crate::values::BookedBy::Staff,
            channel: None,
            patient: None,
            subject: crate::ids::SubjectId::default(),
            contact: None,
            reason: None,
            visit: None,
            terms_accepted_at: None,
            language: crate::values::Language::Fr,
            notify: false,
            activity: None,
            modality: crate::values::Modality::InPerson,
            service_name: None,
            admission: None,
        }
    }
    /// The fold and the view's part of it say the same of the promise.
    #[track_caller]
    fn assert_promised(day: &AgendaDay, movement: Option<CommandId>) {
        assert_eq!(day.promises.get(&ID).map(|p| p.movement), movement);
        assert_eq!(day.occupancy.promised.iter().map(|p| p.movement).collect::<Vec<_>>(), Vec::from_iter(movement));
        assert_eq!(day.occupancy.time_blocked(SPAN, None).is_some(), movement.is_some());
    }

    #[test]
    fn a_late_release_does_not_end_the_promise_of_a_newer_attempt() {
        let mut day = AgendaDay::default();
        reserve(&mut day, FIRST);
        assert_eq!(decide_release_promise(&day, ID, SECOND), []);
        let released = decide_release_promise(&day, ID, FIRST);
        assert_eq!(released, [AgendaDayEvent::MoveReleased(MoveReleased { appointment: ID, movement: FIRST })]);
        day.evolve(&released[0], Stamp::default());
        assert_promised(&day, None);
        reserve(&mut day, SECOND);
        assert_eq!(decide_release_promise(&day, ID, FIRST), []);
        day.evolve(&released[0], Stamp::default());
        assert_promised(&day, Some(SECOND));
    }

    #[test]
    fn an_appointment_arrives_only_at_the_time_that_was_promised_to_this_movement() {
        let (mut source, mut target) = (AgendaDay::default(), AgendaDay::default());
        let booked = super::super::AppointmentBooked { booking: booking(), placement: placement(), hold: None };
        source.evolve(&AgendaDayEvent::AppointmentBooked(booked), Stamp::default());
        let left = &source.appointments[&ID];
        reserve(&mut target, SECOND);
        let from = (AgendaId::default(), WallDate(1));
        assert_eq!(decide_move_in(&target, &booking(), FIRST, left, from), []);
        let arrived = decide_move_in(&target, &booking(), SECOND, left, from);
        let [AgendaDayEvent::AppointmentMovedIn(event)] = &arrived[..] else { panic!("{arrived:?}") };
        assert_eq!((event.movement, &event.placement), (SECOND, &placement()));
        target.evolve(&arrived[0], Stamp::default());
        assert!(target.promises.is_empty() && target.occupancy.promised.is_empty());
        assert!(target.appointments[&ID].is_live());
    }
}
