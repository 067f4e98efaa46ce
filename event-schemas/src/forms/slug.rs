//! Forms of a portal address's events.

use crate::primitives::{Id, Micros};
use crate::wire::wire;
use booking_domain::slug::SlugClaimed;

wire! {
    /// A clinic claimed a portal address.
    "slug-claimed.v1" SlugClaimedV1 for SlugClaimed {
        /// The clinic.
        clinic: Id,
        /// The address under `/p/`.
        slug: String,
        /// When, microseconds since 1970-01-01T00:00:00Z; an unused claim binds for ten minutes from here.
        claimed_at: Micros,
    }
}
