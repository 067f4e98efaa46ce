//! How a day of an agenda looks to staff: slots with their availabilities and icons, and appointments (4.8).
//!
//! One function for present and past: it is handed the clinic, the day and the moment, all three as they were.
//! Nothing here is personal data; names and reasons are sealed and are joined to it by whoever may open them.

use crate::availability::modality_of;
use booking_domain::agenda_day::{AgendaDay, Appointment, Blocked, DayOccupancy, Freedom, Slot, wall_times};
use booking_domain::clinic::{Clinic, PublicationOverride};
use booking_domain::ids::{
    ActivityId, AgendaId, AppointmentId, BulkId, PatientId, PractitionerId, RecurrenceId, ServiceId, SlotId, SubjectId,
    TemplateId,
};
use booking_domain::time::{Instant, Span, WallDate, WallTime};
use booking_domain::values::{BookedBy, Localized, Status};
use booking_domain::visibility::{Cloud, cloud};
use serde::Serialize;

/// The icon on an availability or an appointment (4.8).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Icon {
    /// None.
    None,
    /// Published online now.
    Cloud,
    /// Will be published.
    CloudClock,
    /// Booked online by the patient.
    CloudCheck,
}

/// When a service publishes an availability.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct PublicationView {
    /// The service.
    pub service: ServiceId,
    /// The moment; none: at once.
    pub at: Option<Instant>,
}

/// Whether an availability is free.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// Nobody has it.
    Free,
    /// A visitor holds it.
    Held {
        /// First instant at which the hold counts for nothing.
        until: Instant,
    },
    /// An appointment takes it.
    Booked,
    /// It was discarded.
    Removed,
    /// It is promised to a move that is under way.
    Promised,
}

/// A stretch of time, as instants and on the clinic's wall.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct WallSpan {
    /// First instant.
    pub start: Instant,
    /// First instant after it.
    pub end: Instant,
    /// Wall time of the start, in minutes since local midnight.
    pub start_time: WallTime,
    /// Wall time of the end, up to 1440.
    pub end_time: WallTime,
}

/// An availability.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AvailabilityView {
    /// When it is.
    pub time: WallSpan,
    /// Its icon; one that is held keeps its own (8.29).
    pub icon: Icon,
    /// The services that put it online, each with its moment.
    pub publications: Vec<PublicationView>,
    /// Whether it is free.
    pub state: State,
}

/// A slot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SlotView {
    /// The slot.
    pub id: SlotId,
    /// Whose it is.
    pub practitioner: PractitionerId,
    /// When it is.
    pub time: WallSpan,
    /// Activity.
    pub activity: Option<ActivityId>,
    /// The activity's internal name.
    pub activity_name: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// Length of each availability, in minutes.
    pub interval_minutes: u16,
    /// How appointments in it take place.
    pub modality: &'static str,
    /// True if the modality is the slot's own, and not its activity's.
    pub own_modality: bool,
    /// Where it came from.
    pub origin: &'static str,
    /// Its own publication moment.
    pub publication: PublicationOverride,
    /// The template that laid it down.
    pub template: Option<TemplateId>,
    /// The recurrence that it belongs to.
    pub recurrence: Option<RecurrenceId>,
    /// The bulk command that it belongs to.
    pub bulk: Option<BulkId>,
    /// Nothing of it is free any more.
    pub withdrawn: bool,
    /// Its `ETag`.
    pub touched: u64,
    /// Its availabilities, in order; of a withdrawn slot those that are still held or booked.
    pub availabilities: Vec<AvailabilityView>,
}

/// An appointment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AppointmentView {
    /// The appointment.
    pub id: AppointmentId,
    /// When it is.
    pub time: WallSpan,
    /// What it occupies.
    pub occupies: Span,
    /// Its time beyond what it occupies, laid over what may be booked by others (8.21).
    pub tail: Option<Span>,
    /// The check-mark cloud, for good, if the patient booked it online (R51).
    pub icon: Icon,
    /// Its status.
    pub status: &'static str,
    /// False once it was cancelled or moved away.
    pub live: bool,
    /// The record.
    pub patient: Option<PatientId>,
    /// The person under whose key contact and reason are sealed.
    pub subject: SubjectId,
    /// Provisional contact details stand in the place of a record.
    pub provisional: bool,
    /// Staff attached the record, so that it may be detached.
    pub attached: bool,
    /// Who booked it.
    pub booked_by: &'static str,
    /// Name of the external channel.
    pub channel: Option<String>,
    /// The service it was booked for online.
    pub service: Option<ServiceId>,
    /// The service's public name, as it was booked.
    pub service_name: Option<Localized>,
    /// Activity.
    pub activity: Option<ActivityId>,
    /// How it takes place.
    pub modality: &'static str,
    /// The reference that can be read out on the telephone.
    pub reference: String,
    /// The slots behind it.
    pub slots: Vec<SlotId>,
    /// Only the selected availability was reserved.
    pub only_selected: bool,
    /// It was laid over others by an explicit override.
    pub overridden: bool,
    /// Messages may be sent.
    pub notify: bool,
    /// When it was booked.
    pub booked_at: Instant,
    /// When it was cancelled, if it was.
    pub cancelled_at: Option<Instant>,
    /// The patient cancelled; else the clinic.
    pub cancelled_by_patient: bool,
    /// The agenda and day that it went to.
    pub moved_to: Option<(AgendaId, WallDate)>,
    /// Its `ETag`.
    pub touched: u64,
}

/// A day of an agenda.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AgendaDayView {
    /// The agenda.
    pub agenda: AgendaId,
    /// Wall date.
    pub date: WallDate,
    /// The clinic's IANA zone.
    pub zone: String,
    /// The moment it was rendered for.
    pub now: Instant,
    /// Slots by start, withdrawn ones too.
    pub slots: Vec<SlotView>,
    /// Appointments by start, ended ones too.
    pub appointments: Vec<AppointmentView>,
}

/// Renders a day as it is, or was, at `now`.
pub fn render(clinic: &Clinic, agenda: AgendaId, date: WallDate, day: &AgendaDay, now: Instant) -> AgendaDayView {
    let mut slots: Vec<&Slot> = day.occupancy.slots.iter().collect();
    slots.sort_by_key(|slot| (slot.span, slot.id));
    let mut appointments: Vec<_> = day.appointments.iter().collect();
    appointments.sort_by_key(|(id, a)| (a.placement.span, **id));
    AgendaDayView {
        agenda,
        date,
        zone: clinic.zone().name().to_owned(),
        now,
        slots: slots.into_iter().map(|slot| slot_view(clinic, &day.occupancy, slot, now)).collect(),
        appointments: appointments.into_iter().map(|(id, a)| appointment_view(*id, a)).collect(),
    }
}

fn slot_view(clinic: &Clinic, occupancy: &DayOccupancy, slot: &Slot, now: Instant) -> SlotView {
    let activity = slot.activity.and_then(|a| clinic.activities.get(&a));
    let time = WallSpan { start: slot.span.start, end: slot.span.end, start_time: slot.start, end_time: slot.end };
    SlotView {
        id: slot.id,
        practitioner: slot.practitioner,
        time,
        activity: slot.activity,
        activity_name: activity.map(|a| a.name.clone()),
        title: slot.title.as_deref().map(str::to_owned),
        interval_minutes: slot.interval_minutes,
        modality: modality_of(clinic, slot).name(),
        own_modality: slot.modality.is_some(),
        origin: slot.origin.name(),
        publication: slot.publication,
        template: slot.template,
        recurrence: slot.recurrence,
        bulk: slot.bulk,
        withdrawn: slot.withdrawn,
        touched: slot.touched,
        availabilities: slot.availabilities().filter_map(|p| piece_view(clinic, occupancy, slot, p, now)).collect(),
    }
}

fn piece_view(
    clinic: &Clinic,
    occupancy: &DayOccupancy,
    slot: &Slot,
    piece: Span,
    now: Instant,
) -> Option<AvailabilityView> {
    let state = match occupancy.freedom(slot, piece, None, None, now) {
        Freedom::Free => State::Free,
        // Nobody asks here as a visitor, so no hold is one's own.
        Freedom::Own(_) | Freedom::Blocked(Blocked::Booked) => State::Booked,
        Freedom::Blocked(Blocked::Held(until)) => State::Held { until },
        Freedom::Blocked(Blocked::Removed) => State::Removed,
        Freedom::Blocked(Blocked::Promised) => State::Promised,
        Freedom::Blocked(Blocked::Withdrawn) => return None,
    };
    let shows_icon = matches!(state, State::Free | State::Held { .. });
    let (cloud, publications) = if shows_icon { cloud(clinic, slot, piece, now) } else { (Cloud::None, vec![]) };
    let icon = match cloud {
        Cloud::None => Icon::None,
        Cloud::Scheduled(_) => Icon::CloudClock,
        Cloud::Published => Icon::Cloud,
    };
    let moment = |at: Instant| (at != Instant::MIN).then_some(at);
    let publications =
        publications.into_iter().map(|p| PublicationView { service: p.service, at: moment(p.at) }).collect();
    let (start_time, end_time) = wall_times(piece, slot.date, clinic.zone()).unwrap_or((slot.start, slot.end));
    let time = WallSpan { start: piece.start, end: piece.end, start_time, end_time };
    Some(AvailabilityView { time, icon, publications, state })
}

fn appointment_view(id: AppointmentId, a: &Appointment) -> AppointmentView {
    let placement = &a.placement;
    let time = WallSpan {
        start: placement.span.start,
        end: placement.span.end,
        start_time: placement.start,
        end_time: placement.end,
    };
    let mut slots: Vec<SlotId> = placement.sources.iter().map(|source| source.slot).collect();
    slots.dedup();
    let tail = Span { start: placement.occupies.end, end: placement.span.end };
    AppointmentView {
        id,
        time,
        occupies: placement.occupies,
        tail: (tail.start < tail.end).then_some(tail),
        icon: if a.booked_by == BookedBy::PatientOnline { Icon::CloudCheck } else { Icon::None },
        status: if a.moved_to.is_some() { "moved" } else { a.status.name() },
        live: a.is_live(),
        patient: a.patient,
        subject: a.subject,
        provisional: a.is_provisional(),
        attached: a.attached,
        booked_by: a.booked_by.name(),
        channel: a.channel.clone(),
        service: a.admission.as_ref().map(|admission| admission.service),
        service_name: a.service_name.clone(),
        activity: a.activity,
        modality: a.modality.name(),
        reference: a.reference.clone(),
        slots,
        only_selected: placement.only_selected,
        overridden: placement.overridden,
        notify: a.notify,
        booked_at: a.booked_at,
        cancelled_at: a.cancellation.as_ref().map(|c| c.cancelled_at),
        cancelled_by_patient: a.status == Status::Cancelled && a.cancellation.as_ref().is_some_and(|c| c.by_patient),
        moved_to: a.moved_to,
        touched: a.touched,
    }
}
