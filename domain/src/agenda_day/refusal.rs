//! Why a command on a day is refused: what the person needs to know.

use super::Blocked;
use crate::ids::{AppointmentId, PatientId};
use crate::values::{BadField, Stale};
use crate::visibility::Rule;

/// Why a command on a day of an agenda is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DayRefusal {
    /// There is no such slot on this day.
    #[error("there is no such slot on this day")]
    UnknownSlot,
    /// The slot has no availability that starts then.
    #[error("the slot has no availability that starts then")]
    UnknownAvailability,
    /// The availability, or the time, is not free.
    #[error("that time is not free any more")]
    Taken(Blocked),
    /// A rule of the clinic does not let this visitor book it.
    #[error("that time cannot be booked: {}", .0.name())]
    NotOffered(Rule),
    /// The hold's time is over, or it was released.
    #[error("the hold on that time has ended")]
    HoldEnded,
    /// The hold belongs to another availability.
    #[error("the hold is for another time")]
    HoldElsewhere,
    /// The hold was extended as often as it may be.
    #[error("the hold was extended as often as it may be")]
    HoldNotExtendable,
    /// The day saw so many holds that no more are given; booking works without one.
    #[error("this day takes no more holds; booking works without one")]
    HoldBudget,
    /// A live appointment or hold would be cut by the change.
    #[error("a time that is held or booked would be cut")]
    WouldCut(Vec<AppointmentId>),
    /// There is no such appointment here.
    #[error("there is no such appointment")]
    UnknownAppointment,
    /// The booking was given up before it was made; ask again with a new request.
    #[error("this booking was given up before it was made")]
    BookingAbandoned,
    /// The appointment is cancelled.
    #[error("the appointment is cancelled")]
    Cancelled,
    /// The appointment left this day while the command was on its way.
    #[error("the appointment was moved")]
    MovedAway,
    /// The appointment is being moved to another day.
    #[error("the move to that day was given up")]
    MoveAbandoned,
    /// Another move of this appointment is on its way.
    #[error("the appointment is being moved by somebody else right now")]
    MovePending,
    /// The status does not allow it: the patient arrived, or did not come, or it is over.
    #[error("the appointment's status does not allow that")]
    WrongStatus,
    /// It is too late for the patient to change it; the clinic can.
    #[error("it is too late to change this online")]
    PastCutoff,
    /// Another record is attached already.
    #[error("another patient is attached to this appointment")]
    OtherPatient(PatientId),
    /// No provisional contact stands behind the record, so nothing could take its place.
    #[error("no provisional contact stands behind this record")]
    NothingProvisional,
    /// The resource changed since it was read.
    #[error(transparent)]
    Stale(#[from] Stale),
    /// A field breaks a rule of form.
    #[error(transparent)]
    BadField(#[from] BadField),
}
