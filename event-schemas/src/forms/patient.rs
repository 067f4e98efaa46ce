//! Forms of a patient record's events.

use super::shared::SealedV1;
use crate::primitives::{Id, RegistrationCode};
use crate::wire::{Wire, wire, wire_unit};
use booking_domain::ids::PractitionerId;
use booking_domain::patient::{
    MergeAbandoned, MergeCompleted, MergeDeclined, MergeReceived, PatientDeceased, PatientMerged, PatientRegistered,
    PatientUpdated, Registration, RegistrationSet,
};

wire! {
    /// A patient record was opened.
    "patient-registered.v1" PatientRegisteredV1 for PatientRegistered {
        /// The patient.
        patient: Id,
        /// The clinic whose record it is.
        clinic: Id,
        /// The person's details, sealed under the patient's own key.
        profile: SealedV1,
        /// It came by an import; its id is then a keyed hash of the external key.
        imported: bool,
    }

    /// The person's details were set, as a whole.
    "patient-updated.v1" PatientUpdatedV1 for PatientUpdated {
        /// The person's details, sealed under the patient's own key.
        profile: SealedV1,
    }

    /// The registration with a family doctor was set.
    "registration-set.v1" RegistrationSetV1 for RegistrationSet {
        /// What it is from now on.
        registration: RegistrationV1,
    }

    /// With whom a patient is registered.
    RegistrationV1 {
        /// Kind of registration.
        kind: RegistrationCode,
        /// `practitioner`: the practitioner of this clinic.
        practitioner: Option<Id>,
    }

    /// The person died.
    "patient-deceased.v1" PatientDeceasedV1 for PatientDeceased {
        /// The day, if it is known, sealed under the patient's own key.
        death_date: Option<SealedV1>,
    }

    /// On the survivor, first step of a merge: another record is about to be merged into this one.
    "merge-received.v1" MergeReceivedV1 for MergeReceived {
        /// The record that will lead here.
        from: Id,
    }

    /// On the loser, the decisive step of a merge: this record leads to another from now on.
    "patient-merged.v1" PatientMergedV1 for PatientMerged {
        /// The survivor.
        into: Id,
    }

    /// On the survivor, last step of a merge: the other record leads here.
    "merge-completed.v1" MergeCompletedV1 for MergeCompleted {
        /// The record that leads here.
        from: Id,
    }

    /// On the loser, first step of ending an unfinished merge: that attempt can no longer become decisive.
    "merge-declined.v1" MergeDeclinedV1 for MergeDeclined {
        /// The record that it would have led to.
        into: Id,
        /// Revision, on the survivor's stream, of the `merge-received` that began the attempt.
        received: u64,
    }

    /// On the survivor, last step of ending an unfinished merge: that attempt is over.
    "merge-abandoned.v1" MergeAbandonedV1 for MergeAbandoned {
        /// The record that would have led here.
        from: Id,
        /// Revision, on this stream, of the `merge-received` that began the attempt.
        received: u64,
    }

    /// The person's data was erased, or is about to be: the record leads nowhere any more and takes nothing in.
    "patient-erased.v1" PatientErasedV1 {}
}

wire_unit!(PatientErasedV1);

impl Wire<Registration> for RegistrationV1 {
    fn to_wire(value: &Registration) -> Self {
        Self { kind: RegistrationCode(value.code()), practitioner: Wire::to_wire(&value.practitioner()) }
    }
    fn into_domain(self) -> Registration {
        let practitioner: Option<PractitionerId> = self.practitioner.into_domain();
        Registration::from_code(self.kind.0, practitioner)
    }
}
