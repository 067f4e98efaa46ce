//! Forms of an agenda-day's appointments.

use super::shared::{LocalizedV1, SealedV1, SpanV1};
use crate::primitives::{
    BookedByCode, CriterionCode, Date, Hash, Id, LanguageCode, Micros, ModalityCode, StatusCode, ViewerClassCode,
    WallTime,
};
use crate::wire::wire;
use booking_domain::agenda_day::{
    AboutAppointment, Admission, AppointmentBooked, AppointmentCancelled, AppointmentMoved, AppointmentMovedIn,
    AppointmentMovedOut, Booking, BookingAbandoned, MoveAbandoned, MoveReleased, MoveReserved, PatientAttached,
    PatientDetached, Placement, Source,
};

wire! {
    /// An availability behind an appointment.
    SourceV1 for Source {
        /// The slot.
        slot: Id,
        /// The availability's time.
        span: SpanV1,
    }

    /// Where in the day an appointment stands.
    PlacementV1 for Placement {
        /// The agenda's practitioner.
        practitioner: Id,
        /// Wall date, days since 1970-01-01.
        date: Date,
        /// Wall time of the start, minutes since local midnight.
        start: WallTime,
        /// Wall time of the end, minutes since local midnight; 1440 is 24:00.
        end: WallTime,
        /// The appointment's time.
        span: SpanV1,
        /// What it occupies: no two live appointments of an agenda overlap in this.
        occupies: SpanV1,
        /// The availabilities behind it; empty when it was not booked from a slot.
        sources: Vec<SourceV1>,
        /// Only the selected availability was reserved.
        only_selected: bool,
        /// It was laid over other appointments by an explicit override; a tail shows in `span` and `occupies`.
        overridden: bool,
    }

    /// What admitted an online booking.
    AdmissionV1 for Admission {
        /// The service.
        service: Id,
        /// Revision of the clinic's stream whose rules admitted it.
        clinic_revision: u64,
        /// What the portal knew of the visitor.
        viewer_class: ViewerClassCode,
        /// Kinds of the criteria that were met.
        criteria_met: Vec<CriterionCode>,
    }

    /// Whom an appointment is for, how it came, and what was said.
    BookingV1 for Booking {
        /// The appointment.
        appointment: Id,
        /// The clinic.
        clinic: Id,
        /// The agenda.
        agenda: Id,
        /// The reference that can be read out on the telephone.
        reference: String,
        /// SHA-256 of the token in the appointment's link.
        link_hash: Hash,
        /// Who booked.
        booked_by: BookedByCode,
        /// Name of the external channel.
        channel: Option<String>,
        /// The patient record; none: provisional contact details stand in its place.
        patient: Option<Id>,
        /// The person under whose key the contact and the reason are sealed.
        subject: Id,
        /// Identity and contacts as they were typed.
        contact: Option<SealedV1>,
        /// The reason for the visit.
        reason: Option<SealedV1>,
        /// The visit to the portal that it was booked in.
        visit: Option<Id>,
        /// When the terms were accepted, microseconds since 1970-01-01T00:00:00Z.
        terms_accepted_at: Option<Micros>,
        /// Language of messages.
        language: LanguageCode,
        /// Whether messages may be sent.
        notify: bool,
        /// Activity; without one no message is sent.
        activity: Option<Id>,
        /// How it takes place.
        modality: ModalityCode,
        /// Public name of the service, as it was booked.
        service_name: Option<LocalizedV1>,
        /// What admitted it, for online bookings.
        admission: Option<AdmissionV1>,
    }

    /// An appointment was booked.
    "appointment-booked.v1" AppointmentBookedV1 for AppointmentBooked {
        /// Whom it is for.
        booking: BookingV1,
        /// When it is.
        placement: PlacementV1,
        /// The hold that it came from.
        hold: Option<Id>,
    }

    /// A patient record took the place of provisional contact details.
    "patient-attached.v1" PatientAttachedV1 for PatientAttached {
        /// The appointment.
        appointment: Id,
        /// The record.
        patient: Id,
        /// The person of the provisional details, linked to the record from now on.
        subject: Id,
    }

    /// Provisional contact details stand in the place of a record again.
    "patient-detached.v1" PatientDetachedV1 for PatientDetached {
        /// The appointment.
        appointment: Id,
        /// The record that it was attached to.
        patient: Id,
    }

    /// An appointment was moved, lengthened or shortened within its day.
    "appointment-moved.v1" AppointmentMovedV1 for AppointmentMoved {
        /// The appointment.
        appointment: Id,
        /// Where it stands from now on.
        placement: PlacementV1,
        /// Availabilities behind its old time that are discarded.
        dropped: Vec<SourceV1>,
        /// The patient moved it.
        by_patient: bool,
    }

    /// Time on this day was promised to an appointment of another stream; it does not lapse.
    "move-reserved.v1" MoveReservedV1 for MoveReserved {
        /// The appointment.
        appointment: Id,
        /// The command that moves it.
        movement: Id,
        /// The agenda that it comes from.
        source_agenda: Id,
        /// The day that it comes from, days since 1970-01-01.
        source_date: Date,
        /// Where it will stand.
        placement: PlacementV1,
    }

    /// An appointment left this stream: the decisive moment of a move.
    "appointment-moved-out.v1" AppointmentMovedOutV1 for AppointmentMovedOut {
        /// The appointment.
        appointment: Id,
        /// The command that moves it.
        movement: Id,
        /// The agenda that it goes to.
        target_agenda: Id,
        /// The day that it goes to, days since 1970-01-01.
        target_date: Date,
        /// Availabilities behind its old time that are discarded.
        dropped: Vec<SourceV1>,
        /// The patient moved it.
        by_patient: bool,
    }

    /// An appointment entered this stream.
    "appointment-moved-in.v1" AppointmentMovedInV1 for AppointmentMovedIn {
        /// Whom it is for.
        booking: BookingV1,
        /// The command that moves it.
        movement: Id,
        /// Where it stands.
        placement: PlacementV1,
        /// The agenda that it came from.
        source_agenda: Id,
        /// The day that it came from, days since 1970-01-01.
        source_date: Date,
        /// When it was first booked, microseconds since 1970-01-01T00:00:00Z.
        booked_at: Micros,
        /// Its status on arrival here.
        status: StatusCode,
        /// The record was attached by staff, so that it may be detached.
        attached: bool,
    }

    /// An unfinished move was ended at its source.
    "move-abandoned.v1" MoveAbandonedV1 for MoveAbandoned {
        /// The appointment.
        appointment: Id,
        /// The command that moves it.
        movement: Id,
        /// The agenda that it would have gone to.
        target_agenda: Id,
        /// The day that it would have gone to, days since 1970-01-01.
        target_date: Date,
    }

    /// Time promised to a move was given back.
    "move-released.v1" MoveReleasedV1 for MoveReleased {
        /// The appointment.
        appointment: Id,
        /// The command that moves it.
        movement: Id,
    }

    /// An appointment was cancelled.
    "appointment-cancelled.v1" AppointmentCancelledV1 for AppointmentCancelled {
        /// The appointment.
        appointment: Id,
        /// When the patient or the clinic said so, microseconds since 1970-01-01T00:00:00Z; may lie before the
        /// recording.
        cancelled_at: Micros,
        /// The patient cancelled; else the clinic.
        by_patient: bool,
        /// Why, sealed under the person's key.
        reason: Option<SealedV1>,
        /// It stays in the patient's list.
        keep_record: bool,
        /// Availabilities behind it that are discarded; the others may be booked again.
        dropped: Vec<SourceV1>,
    }

    /// The patient said that they will attend.
    "attendance-confirmed.v1" AttendanceConfirmedV1 for AboutAppointment {
        /// The appointment.
        appointment: Id,
    }

    /// The patient arrived.
    "patient-arrived.v1" PatientArrivedV1 for AboutAppointment {
        /// The appointment.
        appointment: Id,
    }

    /// The appointment took place.
    "appointment-completed.v1" AppointmentCompletedV1 for AboutAppointment {
        /// The appointment.
        appointment: Id,
    }

    /// The patient did not come; the time stays taken.
    "no-show-recorded.v1" NoShowRecordedV1 for AboutAppointment {
        /// The appointment.
        appointment: Id,
    }

    /// A booking whose quota claim was never used can no longer be made.
    "booking-abandoned.v1" BookingAbandonedV1 for BookingAbandoned {
        /// The appointment that will not be.
        appointment: Id,
    }
}
