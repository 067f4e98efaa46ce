//! Forms of what is observed of demand.

use crate::primitives::{DemandReasonCode, Id, Micros, ViewerClassCode};
use crate::wire::wire;
use booking_domain::demand::DemandCounted;

wire! {
    /// So many askings of one kind ended in one way.
    "demand-counted.v1" DemandCountedV1 for DemandCounted {
        /// The clinic.
        clinic: Id,
        /// The service; none when the asking never came so far.
        service: Option<Id>,
        /// What became of it.
        reason: DemandReasonCode,
        /// What the portal knew of the visitors.
        viewer: ViewerClassCode,
        /// How many.
        count: u32,
        /// First instant of the time counted, microseconds since 1970-01-01T00:00:00Z.
        from: Micros,
        /// First instant after it, microseconds since 1970-01-01T00:00:00Z.
        until: Micros,
    }
}
