//! What happens to one agenda on one clinic-local day. The names are the storage format.

use crate::clinic::PublicationOverride;
use crate::ids::{
    ActivityId, AgendaId, AppointmentId, BulkId, ClinicId, CommandId, HoldId, PatientId, PractitionerId, RecurrenceId,
    ServiceId, SlotId, SubjectId, TemplateId, VisitId,
};
use crate::sealed::Sealed;
use crate::time::{Instant, Span, WallDate, WallTime};
use crate::values::{BookedBy, HoldEnd, Language, Localized, Modality, Origin, Status, ViewerClass};

/// A slot as it is laid down; also what it becomes when it is amended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotFacts {
    /// Wall time of the start.
    pub start: WallTime,
    /// Wall time of the end, up to 24:00.
    pub end: WallTime,
    /// The same as instants.
    pub span: Span,
    /// Activity; a slot without one is never online.
    pub activity: Option<ActivityId>,
    /// Title; required when there is no activity (R91).
    pub title: Option<String>,
    /// Length of each availability, in minutes.
    pub interval_minutes: u16,
    /// How appointments in it take place; none: as the activity says.
    pub modality: Option<Modality>,
    /// Its own publication moment.
    pub publication: PublicationOverride,
}

/// A slot was opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotPublished {
    /// The slot.
    pub slot: SlotId,
    /// The clinic.
    pub clinic: ClinicId,
    /// The agenda.
    pub agenda: AgendaId,
    /// The agenda's practitioner.
    pub practitioner: PractitionerId,
    /// Wall date of the day.
    pub date: WallDate,
    /// Where it came from.
    pub origin: Origin,
    /// The template that laid it down.
    pub template: Option<TemplateId>,
    /// The recurrence that it belongs to.
    pub recurrence: Option<RecurrenceId>,
    /// The bulk command that it belongs to.
    pub bulk: Option<BulkId>,
    /// The slot itself.
    pub facts: SlotFacts,
}

/// What is free of a slot was changed; times held or booked stay as they are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotAmended {
    /// The slot.
    pub slot: SlotId,
    /// What it is from now on.
    pub facts: SlotFacts,
}

/// What is free of a slot was withdrawn; who is booked stays booked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotWithdrawn {
    /// The slot.
    pub slot: SlotId,
}

/// An availability was held for a visit until an instant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HoldPlaced {
    /// The hold.
    pub hold: HoldId,
    /// Whose it is.
    pub visit: VisitId,
    /// The slot of the availability.
    pub slot: SlotId,
    /// The availability's time.
    pub span: Span,
    /// When it was placed: the instant at which the clock rules are judged.
    pub placed_at: Instant,
    /// First instant at which it counts for nothing.
    pub expires_at: Instant,
}

/// A hold's end was put off.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HoldExtended {
    /// The hold.
    pub hold: HoldId,
    /// First instant at which it counts for nothing.
    pub expires_at: Instant,
}

/// A hold ended before its time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HoldReleased {
    /// The hold.
    pub hold: HoldId,
    /// Why.
    pub end: HoldEnd,
}

/// An availability behind an appointment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Source {
    /// The slot.
    pub slot: SlotId,
    /// The availability's time.
    pub span: Span,
}

/// Where in the day an appointment stands.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Placement {
    /// The agenda's practitioner.
    pub practitioner: PractitionerId,
    /// Wall date.
    pub date: WallDate,
    /// Wall time of the start.
    pub start: WallTime,
    /// Wall time of the end.
    pub end: WallTime,
    /// The appointment's time.
    pub span: Span,
    /// What it occupies: no two live appointments of an agenda overlap in this (8.21).
    pub occupies: Span,
    /// The availabilities behind it; empty when it was not booked from a slot.
    pub sources: Vec<Source>,
    /// Only the selected availability was reserved (R76).
    pub only_selected: bool,
    /// It was laid over other appointments by an explicit override. A tail, its time beyond what it occupies, is marked
    /// by the two spans themselves.
    pub overridden: bool,
}

/// What admitted an online booking (8.3).
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Admission {
    /// The service.
    pub service: ServiceId,
    /// Revision of the clinic's stream whose rules admitted it.
    pub clinic_revision: u64,
    /// What the portal knew of the visitor.
    pub viewer_class: ViewerClass,
    /// Codes of the criteria that were met.
    pub criteria_met: Vec<u8>,
}

/// Whom an appointment is for, how it came, and what was said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Booking {
    /// The appointment.
    pub appointment: AppointmentId,
    /// The clinic.
    pub clinic: ClinicId,
    /// The agenda.
    pub agenda: AgendaId,
    /// The reference that can be read out on the telephone.
    pub reference: String,
    /// SHA-256 of the link's token.
    pub link_hash: [u8; 32],
    /// Who booked.
    pub booked_by: BookedBy,
    /// Name of the external channel.
    pub channel: Option<String>,
    /// The patient record; none: provisional contact details stand in its place (R50).
    pub patient: Option<PatientId>,
    /// The person under whose key the contact and the reason are sealed.
    pub subject: SubjectId,
    /// Identity and contacts as they were typed.
    pub contact: Option<Sealed>,
    /// The reason for the visit.
    pub reason: Option<Sealed>,
    /// The visit that it was booked in.
    pub visit: Option<VisitId>,
    /// When the terms were accepted.
    pub terms_accepted_at: Option<Instant>,
    /// Language of messages.
    pub language: Language,
    /// Whether messages may be sent.
    pub notify: bool,
    /// Activity; without one no message is sent (R80).
    pub activity: Option<ActivityId>,
    /// How it takes place.
    pub modality: Modality,
    /// Public name of the service, as it was booked (8.15).
    pub service_name: Option<Localized>,
    /// What admitted it, for online bookings.
    pub admission: Option<Admission>,
}

/// An appointment was booked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppointmentBooked {
    /// Whom it is for.
    pub booking: Booking,
    /// When it is.
    pub placement: Placement,
    /// The hold that it came from.
    pub hold: Option<HoldId>,
}

/// A patient record took the place of provisional contact details (R60).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PatientAttached {
    /// The appointment.
    pub appointment: AppointmentId,
    /// The record.
    pub patient: PatientId,
    /// The person of the provisional details, linked to the record from now on.
    pub subject: SubjectId,
}

/// Provisional contact details stand in the place of a record again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PatientDetached {
    /// The appointment.
    pub appointment: AppointmentId,
    /// The record that it was attached to.
    pub patient: PatientId,
}

/// An appointment was moved, lengthened or shortened within its day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppointmentMoved {
    /// The appointment.
    pub appointment: AppointmentId,
    /// Where it stands from now on.
    pub placement: Placement,
    /// Availabilities behind its old time that are discarded (R75).
    pub dropped: Vec<Source>,
    /// The patient moved it.
    pub by_patient: bool,
}

/// Time on this day was promised to an appointment of another stream; it does not lapse.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MoveReserved {
    /// The appointment.
    pub appointment: AppointmentId,
    /// The command that moves it.
    pub movement: CommandId,
    /// Where it comes from.
    pub source_agenda: AgendaId,
    /// The day that it comes from.
    pub source_date: WallDate,
    /// Where it will stand.
    pub placement: Placement,
}

/// An appointment left this stream: the decisive moment of a move.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppointmentMovedOut {
    /// The appointment.
    pub appointment: AppointmentId,
    /// The command that moves it.
    pub movement: CommandId,
    /// Where it goes.
    pub target_agenda: AgendaId,
    /// The day that it goes to.
    pub target_date: WallDate,
    /// Availabilities behind its old time that are discarded (R75).
    pub dropped: Vec<Source>,
    /// The patient moved it.
    pub by_patient: bool,
}

/// An appointment entered this stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppointmentMovedIn {
    /// Whom it is for.
    pub booking: Booking,
    /// The command that moves it.
    pub movement: CommandId,
    /// Where it stands.
    pub placement: Placement,
    /// Where it came from.
    pub source_agenda: AgendaId,
    /// The day that it came from.
    pub source_date: WallDate,
    /// When it was first booked.
    pub booked_at: Instant,
    /// Its status on arrival here.
    pub status: Status,
    /// The record was attached by staff, so that it may be detached.
    pub attached: bool,
}

/// An unfinished move was ended at its source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MoveAbandoned {
    /// The appointment.
    pub appointment: AppointmentId,
    /// The command that moves it.
    pub movement: CommandId,
    /// The agenda it would have gone to.
    pub target_agenda: AgendaId,
    /// The day it would have gone to.
    pub target_date: WallDate,
}

/// Time promised to a move was given back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MoveReleased {
    /// The appointment.
    pub appointment: AppointmentId,
    /// The command that moves it.
    pub movement: CommandId,
}

/// An appointment was cancelled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppointmentCancelled {
    /// The appointment.
    pub appointment: AppointmentId,
    /// When the patient or the clinic said so; may lie before the recording (E14).
    pub cancelled_at: Instant,
    /// The patient cancelled; else the clinic (R72).
    pub by_patient: bool,
    /// Why, sealed under the person's key.
    pub reason: Option<Sealed>,
    /// It stays in the patient's list (8.20).
    pub keep_record: bool,
    /// Availabilities behind it that are discarded; the others may be booked again (R71).
    pub dropped: Vec<Source>,
}

/// An event about an appointment that carries nothing else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AboutAppointment {
    /// The appointment.
    pub appointment: AppointmentId,
}

/// A booking whose quota claim was never used can no longer be made (design, section 4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BookingAbandoned {
    /// The appointment that will not be.
    pub appointment: AppointmentId,
}

/// What happens to one agenda on one day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AgendaDayEvent {
    /// See [`SlotPublished`].
    SlotPublished(SlotPublished),
    /// See [`SlotAmended`].
    SlotAmended(SlotAmended),
    /// See [`SlotWithdrawn`].
    SlotWithdrawn(SlotWithdrawn),
    /// See [`HoldPlaced`].
    HoldPlaced(HoldPlaced),
    /// See [`HoldExtended`].
    HoldExtended(HoldExtended),
    /// See [`HoldReleased`].
    HoldReleased(HoldReleased),
    /// See [`AppointmentBooked`].
    AppointmentBooked(AppointmentBooked),
    /// See [`PatientAttached`].
    PatientAttached(PatientAttached),
    /// See [`PatientDetached`].
    PatientDetached(PatientDetached),
    /// See [`AppointmentMoved`].
    AppointmentMoved(AppointmentMoved),
    /// See [`MoveReserved`].
    MoveReserved(MoveReserved),
    /// See [`AppointmentMovedOut`].
    AppointmentMovedOut(AppointmentMovedOut),
    /// See [`AppointmentMovedIn`].
    AppointmentMovedIn(AppointmentMovedIn),
    /// See [`MoveAbandoned`].
    MoveAbandoned(MoveAbandoned),
    /// See [`MoveReleased`].
    MoveReleased(MoveReleased),
    /// See [`AppointmentCancelled`].
    AppointmentCancelled(AppointmentCancelled),
    /// The patient said that they will attend.
    AttendanceConfirmed(AboutAppointment),
    /// The patient arrived.
    PatientArrived(AboutAppointment),
    /// The appointment took place.
    AppointmentCompleted(AboutAppointment),
    /// The patient did not come; the time stays taken.
    NoShowRecorded(AboutAppointment),
    /// See [`BookingAbandoned`].
    BookingAbandoned(BookingAbandoned),
}

impl AgendaDayEvent {
    /// The appointment that the event is about; none for slots and holds.
    pub fn appointment(&self) -> Option<AppointmentId> {
        Some(match self {
            Self::AppointmentBooked(e) => e.booking.appointment,
            Self::AppointmentMovedIn(e) => e.booking.appointment,
            Self::PatientAttached(e) => e.appointment,
            Self::PatientDetached(e) => e.appointment,
            Self::AppointmentMoved(e) => e.appointment,
            Self::MoveReserved(e) => e.appointment,
            Self::AppointmentMovedOut(e) => e.appointment,
            Self::MoveAbandoned(e) => e.appointment,
            Self::MoveReleased(e) => e.appointment,
            Self::AppointmentCancelled(e) => e.appointment,
            Self::BookingAbandoned(e) => e.appointment,
            Self::AttendanceConfirmed(e)
            | Self::PatientArrived(e)
            | Self::AppointmentCompleted(e)
            | Self::NoShowRecorded(e) => e.appointment,
            Self::SlotPublished(_)
            | Self::SlotAmended(_)
            | Self::SlotWithdrawn(_)
            | Self::HoldPlaced(_)
            | Self::HoldExtended(_)
            | Self::HoldReleased(_) => return None,
        })
    }
}
