//! A day of an agenda in JSON: what `projections` renders, with the clinic's names and times as texts.
//!
//! Names of people are joined to it by whoever may see them; without that there are none.

use crate::http::disclosure::{PersonName, Shown};
use crate::http::wire::{PublicPractitioner, Text, When};
use booking_domain::clinic::Clinic;
use booking_domain::time::{Instant, Span, Tz, WallDate, WallTime};
use booking_projections::agenda::{
    AgendaDayView, AppointmentView, AvailabilityView, Icon, PublicationView, SlotView, State, WallSpan,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// One agenda on one day.
#[derive(Serialize, ToSchema)]
pub struct StaffAgendaDay {
    /// The agenda.
    pub agenda: Uuid,
    /// Whose it is.
    pub practitioner: Option<PublicPractitioner>,
    /// Date on the clinic's wall.
    pub date: String,
    /// Slots by start, withdrawn ones too.
    pub slots: Vec<StaffAgendaSlot>,
    /// Appointments by start; cancelled ones and those that left the day too.
    pub appointments: Vec<StaffAgendaAppointment>,
}

/// A slot in the agenda.
#[derive(Serialize, ToSchema)]
pub struct StaffAgendaSlot {
    /// Id.
    pub id: Uuid,
    /// When it is.
    pub when: When,
    /// Activity; a slot without one is never online.
    pub activity: Option<Uuid>,
    /// The activity's internal name.
    pub activity_name: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// Length of each availability, in minutes.
    pub interval_minutes: u16,
    /// How appointments in it take place.
    pub modality: &'static str,
    /// True if the modality is the slot's own.
    pub own_modality: bool,
    /// `manual`, `template` or `recurrence`.
    pub origin: &'static str,
    /// The template that laid it down.
    pub template: Option<Uuid>,
    /// The recurrence that it belongs to.
    pub recurrence: Option<Uuid>,
    /// The bulk command that it belongs to.
    pub bulk: Option<Uuid>,
    /// Nothing of it is free any more.
    pub withdrawn: bool,
    /// Its `ETag`.
    pub revision: u64,
    /// Its availabilities, in order.
    pub availabilities: Vec<StaffAgendaAvailability>,
}

/// An availability in the agenda. Together with its slot, `start` names it in commands.
#[derive(Serialize, ToSchema)]
pub struct StaffAgendaAvailability {
    /// RFC 3339 with the zone's offset.
    pub start: String,
    /// RFC 3339 with the zone's offset.
    pub end: String,
    /// Time on the clinic's wall.
    pub start_time: String,
    /// Time on the clinic's wall, up to 24:00.
    pub end_time: String,
    /// `none`, `cloud` (published online now) or `cloud_clock` (will be published).
    pub icon: &'static str,
    /// `free`, `held`, `booked`, `removed` or `promised` (to a move that is under way).
    pub state: &'static str,
    /// When a hold ends.
    pub held_until: Option<String>,
    /// The services that put it online, each with its moment.
    pub publications: Vec<StaffAgendaPublication>,
}

/// When a service publishes an availability.
#[derive(Serialize, ToSchema)]
pub struct StaffAgendaPublication {
    /// The service.
    pub service: Uuid,
    /// The service's internal name.
    pub service_name: String,
    /// The moment; none: at once.
    pub at: Option<String>,
}

/// An appointment in the agenda: the least that a page needs; the rest stands at the appointment itself.
#[derive(Serialize, ToSchema)]
pub struct StaffAgendaAppointment {
    /// Id.
    pub id: Uuid,
    /// When it is.
    pub when: When,
    /// `cloud_check` if the patient booked it online, for good; else `none`.
    pub icon: &'static str,
    /// `booked`, `confirmed`, `arrived`, `completed`, `cancelled`, `no_show`, or `moved` to another day.
    pub status: &'static str,
    /// False once it was cancelled or left this day.
    pub live: bool,
    /// Who it is for. Not there for auditors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Shown<PersonName>>,
    /// Provisional contact details stand in the place of a record: the patient is to be identified.
    pub to_identify: bool,
    /// The record.
    pub patient: Option<Uuid>,
    /// Activity.
    pub activity: Option<Uuid>,
    /// The activity's internal name.
    pub activity_name: Option<String>,
    /// Public name of the service, as it was booked.
    pub service_name: Option<Text>,
    /// How it takes place.
    pub modality: &'static str,
    /// `patient_online`, `staff` or `external`.
    pub booked_by: &'static str,
    /// Only the selected availability was reserved.
    pub only_selected: bool,
    /// It was laid over others by an explicit override.
    pub overridden: bool,
    /// Its time beyond what it occupies, if any: RFC 3339 start and end.
    pub tail: Option<Tail>,
    /// Where it went.
    pub moved_to: Option<MovedTo>,
    /// Its `ETag`.
    pub revision: u64,
}

/// A stretch that an appointment takes without occupying it.
#[derive(Serialize, ToSchema)]
pub struct Tail {
    /// RFC 3339.
    pub start: String,
    /// RFC 3339.
    pub end: String,
}

/// The day that an appointment went to.
#[derive(Serialize, ToSchema)]
pub struct MovedTo {
    /// The agenda.
    pub agenda: Uuid,
    /// Date on the clinic's wall.
    pub date: String,
}

const fn icon_name(icon: Icon) -> &'static str {
    match icon {
        Icon::None => "none",
        Icon::Cloud => "cloud",
        Icon::CloudClock => "cloud_clock",
        Icon::CloudCheck => "cloud_check",
    }
}

fn when(time: &WallSpan, date: WallDate, zone: Tz) -> When {
    let WallSpan { start, end, start_time, end_time } = *time;
    When::new(Span { start, end }, date, start_time, end_time, zone)
}

/// A rendered day in JSON, without names of people.
pub fn day(clinic: &Clinic, view: &AgendaDayView) -> StaffAgendaDay {
    StaffAgendaDay {
        agenda: view.agenda.0,
        practitioner: clinic.practitioner_of(view.agenda).map(|id| PublicPractitioner::of(clinic, id)),
        date: view.date.to_string(),
        slots: view.slots.iter().map(|s| slot(clinic, view.date, s)).collect(),
        appointments: view.appointments.iter().map(|a| appointment(clinic, view.date, a)).collect(),
    }
}

fn slot(clinic: &Clinic, date: WallDate, view: &SlotView) -> StaffAgendaSlot {
    StaffAgendaSlot {
        id: view.id.0,
        when: when(&view.time, date, clinic.zone()),
        activity: view.activity.map(|a| a.0),
        activity_name: view.activity_name.clone(),
        title: view.title.clone(),
        interval_minutes: view.interval_minutes,
        modality: view.modality,
        own_modality: view.own_modality,
        origin: view.origin,
        template: view.template.map(|t| t.0),
        recurrence: view.recurrence.map(|r| r.0),
        bulk: view.bulk.map(|b| b.0),
        withdrawn: view.withdrawn,
        revision: view.touched,
        availabilities: view.availabilities.iter().map(|a| availability(clinic, a)).collect(),
    }
}

fn availability(clinic: &Clinic, view: &AvailabilityView) -> StaffAgendaAvailability {
    let zone = clinic.zone();
    let (state, held_until) = match view.state {
        State::Free => ("free", None),
        State::Held { until } => ("held", Some(until)),
        State::Booked => ("booked", None),
        State::Removed => ("removed", None),
        State::Promised => ("promised", None),
    };
    let time = |at: WallTime| at.to_string();
    StaffAgendaAvailability {
        start: view.time.start.rfc3339(zone),
        end: view.time.end.rfc3339(zone),
        start_time: time(view.time.start_time),
        end_time: time(view.time.end_time),
        icon: icon_name(view.icon),
        state,
        held_until: held_until.map(|until: Instant| until.rfc3339(zone)),
        publications: view.publications.iter().map(|p| publication(clinic, p)).collect(),
    }
}

fn publication(clinic: &Clinic, view: &PublicationView) -> StaffAgendaPublication {
    StaffAgendaPublication {
        service: view.service.0,
        service_name: clinic.services.get(&view.service).map(|s| s.config.internal_name.clone()).unwrap_or_default(),
        at: view.at.map(|at| at.rfc3339(clinic.zone())),
    }
}

fn appointment(clinic: &Clinic, date: WallDate, view: &AppointmentView) -> StaffAgendaAppointment {
    let zone = clinic.zone();
    StaffAgendaAppointment {
        id: view.id.0,
        when: when(&view.time, date, zone),
        icon: icon_name(view.icon),
        status: view.status,
        live: view.live,
        name: None,
        to_identify: view.provisional,
        patient: view.patient.map(|p| p.0),
        activity: view.activity.map(|a| a.0),
        activity_name: view.activity.and_then(|a| clinic.activities.get(&a)).map(|a| a.name.clone()),
        service_name: view.service_name.as_ref().map(Text::from),
        modality: view.modality,
        booked_by: view.booked_by,
        only_selected: view.only_selected,
        overridden: view.overridden,
        tail: view.tail.map(|t| Tail { start: t.start.rfc3339(zone), end: t.end.rfc3339(zone) }),
        moved_to: view.moved_to.map(|(agenda, date)| MovedTo { agenda: agenda.0, date: date.to_string() }),
        revision: view.touched,
    }
}
