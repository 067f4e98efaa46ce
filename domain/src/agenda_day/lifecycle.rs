//! `AttachPatient`, `DetachPatient`, `CancelAppointment`, `ConfirmAttendance`, `MarkArrived`, `MarkCompleted`, `MarkNoShow`.

use super::{
    AboutAppointment, AgendaDay, AgendaDayEvent, Appointment, AppointmentCancelled, DayRefusal, PatientAttached,
    PatientDetached, moving::changeable,
};
use crate::clinic::Clinic;
use crate::ids::{AppointmentId, PatientId};
use crate::sealed::Sealed;
use crate::time::Instant;
use crate::values::{BadField, Status, check_match};

type Decision = Result<Vec<AgendaDayEvent>, DayRefusal>;

/// `CancelAppointment` (4.10, 8.11).
#[derive(Clone, Debug)]
pub struct CancelAppointment {
    /// The appointment.
    pub appointment: AppointmentId,
    /// When it was said; may lie before now (E14).
    pub cancelled_at: Instant,
    /// The patient cancelled (R72).
    pub by_patient: bool,
    /// The patient does it here and now, so that the cut-off holds.
    pub online: bool,
    /// Why.
    pub reason: Option<Sealed>,
    /// Stays in the patient's list.
    pub keep_record: bool,
    /// Its availabilities may be booked again (R71).
    pub keep_availability: bool,
}

/// Cancels; an appointment that is cancelled already is nothing to do, unless the caller saw an older state.
pub fn decide_cancel(
    day: &AgendaDay,
    clinic: &Clinic,
    command: &CancelAppointment,
    if_match: Option<u64>,
    now: Instant,
) -> Decision {
    match changeable(day, clinic, command.appointment, command.online, if_match, now) {
        Err(DayRefusal::Cancelled) => return Ok(vec![]),
        other => other?,
    };
    if command.cancelled_at > now {
        return Err(BadField::new("cancelled_at", "lies in the future").into());
    }
    let dropped = if command.keep_availability { vec![] } else { day.sources_of(command.appointment) };
    Ok(vec![AgendaDayEvent::AppointmentCancelled(AppointmentCancelled {
        appointment: command.appointment,
        cancelled_at: command.cancelled_at,
        by_patient: command.by_patient,
        reason: command.reason.clone(),
        keep_record: command.keep_record,
        dropped,
    })])
}

fn present(day: &AgendaDay, id: AppointmentId, if_match: Option<u64>) -> Result<&Appointment, DayRefusal> {
    let appointment = day.appointments.get(&id).ok_or(DayRefusal::UnknownAppointment)?;
    if appointment.moved_to.is_some() {
        return Err(DayRefusal::MovedAway);
    }
    check_match(if_match, appointment.touched)?;
    Ok(appointment)
}

/// `AttachPatient` (R60): never over another record; the engine has read that the record is live.
pub fn decide_attach(day: &AgendaDay, id: AppointmentId, patient: PatientId, if_match: Option<u64>) -> Decision {
    let appointment = present(day, id, if_match)?;
    match appointment.patient {
        Some(attached) if attached == patient => Ok(vec![]),
        Some(other) => Err(DayRefusal::OtherPatient(other)),
        None => {
            let subject = appointment.subject;
            Ok(vec![AgendaDayEvent::PatientAttached(PatientAttached { appointment: id, patient, subject })])
        }
    }
}

/// `DetachPatient`: the provisional contact stands in the record's place again.
pub fn decide_detach(day: &AgendaDay, id: AppointmentId, if_match: Option<u64>) -> Decision {
    let appointment = present(day, id, if_match)?;
    let Some(patient) = appointment.patient else { return Ok(vec![]) };
    if !appointment.has_contact {
        return Err(DayRefusal::NothingProvisional);
    }
    Ok(vec![AgendaDayEvent::PatientDetached(PatientDetached { appointment: id, patient })])
}

fn step(
    day: &AgendaDay,
    id: AppointmentId,
    if_match: Option<u64>,
    from: &[Status],
    to: Status,
    event: fn(AboutAppointment) -> AgendaDayEvent,
) -> Decision {
    let appointment = present(day, id, if_match)?;
    match appointment.status {
        status if status == to => Ok(vec![]),
        Status::Cancelled => Err(DayRefusal::Cancelled),
        status if from.contains(&status) => Ok(vec![event(AboutAppointment { appointment: id })]),
        _ => Err(DayRefusal::WrongStatus),
    }
}

/// `ConfirmAttendance`: the patient says that they will come.
pub fn decide_confirm(day: &AgendaDay, id: AppointmentId, if_match: Option<u64>) -> Decision {
    step(day, id, if_match, &[Status::Booked], Status::Confirmed, AgendaDayEvent::AttendanceConfirmed)
}

/// `MarkArrived`.
pub fn decide_arrive(day: &AgendaDay, id: AppointmentId, if_match: Option<u64>) -> Decision {
    step(day, id, if_match, &[Status::Booked, Status::Confirmed], Status::Arrived, AgendaDayEvent::PatientArrived)
}

/// `MarkCompleted`.
pub fn decide_complete(day: &AgendaDay, id: AppointmentId, if_match: Option<u64>) -> Decision {
    step(day, id, if_match, &[Status::Arrived], Status::Completed, AgendaDayEvent::AppointmentCompleted)
}

/// `MarkNoShow`: not before the appointment has started.
pub fn decide_no_show(day: &AgendaDay, id: AppointmentId, if_match: Option<u64>, now: Instant) -> Decision {
    let appointment = present(day, id, if_match)?;
    if appointment.placement.span.start > now {
        return Err(DayRefusal::WrongStatus);
    }
    step(day, id, if_match, &[Status::Booked, Status::Confirmed], Status::NoShow, AgendaDayEvent::NoShowRecorded)
}
