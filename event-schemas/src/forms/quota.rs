//! Forms of a person's quota.

use crate::primitives::{Date, Id, Micros};
use crate::wire::wire;
use booking_domain::quota::{QuotaReleased, QuotaTaken};

wire! {
    /// A claim was taken for a booking that is about to be made.
    "quota-taken.v1" QuotaTakenV1 for QuotaTaken {
        /// The appointment that will be.
        booking: Id,
        /// The service whose cap it counts against.
        service: Id,
        /// The agenda in which the appointment was booked first.
        agenda: Id,
        /// The day on which it was booked first, days since 1970-01-01.
        date: Date,
        /// When the claim was taken, microseconds since 1970-01-01T00:00:00Z.
        taken_at: Micros,
    }

    /// A claim was given back: its appointment is past, not live, or will never be.
    "quota-released.v1" QuotaReleasedV1 for QuotaReleased {
        /// The appointment.
        booking: Id,
    }
}
