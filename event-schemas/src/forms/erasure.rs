//! Forms of what becomes of the wish to forget a person.

use super::shared::SealedV1;
use crate::primitives::{ErasureBasisCode, ErasureGroundCode, Id, Micros};
use crate::wire::{wire, wire_unit};
use booking_domain::erasure::{ErasureApproved, ErasureRefused, ErasureRequested, SubjectErased};

wire! {
    /// Somebody asked that a person be forgotten, or the time to keep the data is over.
    "erasure-requested.v1" ErasureRequestedV1 for ErasureRequested {
        /// The clinic.
        clinic: Id,
        /// The patient record; none for a provisional contact, which the stream is named after.
        patient: Option<Id>,
        /// Who or what asked.
        basis: ErasureBasisCode,
        /// In words, sealed under the clinic's audit key, which no erasure destroys.
        note: Option<SealedV1>,
    }

    /// The request was refused.
    "erasure-refused.v1" ErasureRefusedV1 for ErasureRefused {
        /// Why.
        ground: ErasureGroundCode,
        /// Until when the data must be kept, where that is the ground; microseconds since 1970-01-01T00:00:00Z.
        until: Option<Micros>,
        /// In words, sealed under the clinic's audit key.
        note: Option<SealedV1>,
    }

    /// The request was granted; the data go when the cooling-off is over.
    "erasure-approved.v1" ErasureApprovedV1 for ErasureApproved {
        /// First moment at which it may be carried out, microseconds since 1970-01-01T00:00:00Z.
        not_before: Micros,
        /// In words, sealed under the clinic's audit key.
        note: Option<SealedV1>,
    }

    /// Whoever asked thinks better of it; nothing is erased.
    "erasure-withdrawn.v1" ErasureWithdrawnV1 {}

    /// These persons' keys are to be destroyed, everywhere and for ever. The erasure list is made of these events.
    "subject-erased.v1" SubjectErasedV1 for SubjectErased {
        /// The record, the records merged into it, and the provisional contacts of its appointments.
        subjects: Vec<Id>,
    }

    /// The data must be kept whatever is asked: proceedings, a complaint.
    "legal-hold-placed.v1" LegalHoldPlacedV1 {}

    /// The legal hold is over.
    "legal-hold-released.v1" LegalHoldReleasedV1 {}
}

wire_unit!(ErasureWithdrawnV1, LegalHoldPlacedV1, LegalHoldReleasedV1);
