//! The future appointments that count against one person's cap (8.4).
//!
//! Stream `quota-{subject}`. The names of the events *are* the storage format. A claim is taken before the
//! appointment is booked on its agenda-day, and that booking is the decisive append (design, section 4). A claim
//! alone is no appointment: whether it is still alive, only its agenda-day knows, so the caller releases dead
//! claims first when the cap seems reached.

use crate::ids::{AgendaId, AppointmentId, ServiceId};
use crate::time::{Instant, WallDate};

/// A claim was taken for a booking that is about to be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuotaTaken {
    /// The appointment that will be.
    pub booking: AppointmentId,
    /// The service whose cap it counts against.
    pub service: ServiceId,
    /// The agenda in which the appointment was booked first.
    pub agenda: AgendaId,
    /// The day on which it was booked first.
    pub date: WallDate,
    /// When the claim was taken; after two minutes without a booking anybody may abandon it.
    pub taken_at: Instant,
}

/// A claim was given back: its appointment is past, not live, or will never be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuotaReleased {
    /// The appointment.
    pub booking: AppointmentId,
}

/// What happens to a person's quota.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QuotaEvent {
    /// See [`QuotaTaken`].
    QuotaTaken(QuotaTaken),
    /// See [`QuotaReleased`].
    QuotaReleased(QuotaReleased),
}
