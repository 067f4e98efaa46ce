//! A patient record: who it is (sealed), its registration with a family doctor, its merges, its death.
//!
//! Stream `patient-{patient}`. The names of the events *are* the storage format. Nothing here reads what is
//! sealed; whether a visitor is this person is decided in [`crate::matching`].
//!
//! A merge is three steps on two streams: [`MergeReceived`] on the survivor, [`PatientMerged`] on the loser (the
//! decisive one), [`MergeCompleted`] on the survivor. Between the first and the last step the survivor itself cannot
//! be merged away, so that no interleaving of merges makes a circle: whoever is about to point somewhere is not
//! being pointed at.

use crate::ids::{ClinicId, PatientId, PractitionerId};
use crate::sealed::Sealed;

/// A record was opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PatientRegistered {
    /// The patient.
    pub patient: PatientId,
    /// The clinic whose record it is.
    pub clinic: ClinicId,
    /// A [`crate::person::Profile`], sealed under the patient's own key.
    pub profile: Sealed,
    /// It came by an import; its id is then a keyed hash of the external key.
    pub imported: bool,
}

/// The person's details were set, as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PatientUpdated {
    /// A [`crate::person::Profile`], sealed under the patient's own key.
    pub profile: Sealed,
}

/// The registration with a family doctor was set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RegistrationSet {
    /// What it is from now on.
    pub registration: Registration,
}

/// The person died; matched records of the dead count as unrecognized (E23).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PatientDeceased {
    /// The day, if it is known, sealed under the patient's own key.
    pub death_date: Option<Sealed>,
}

/// On the survivor, first step of a merge: another record is about to be merged into this one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MergeReceived {
    /// The record that will lead here.
    pub from: PatientId,
}

/// On the loser, the decisive step of a merge: this record leads to another from now on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PatientMerged {
    /// The survivor.
    pub into: PatientId,
}

/// On the survivor, last step of a merge: the other record leads here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MergeCompleted {
    /// The record that leads here.
    pub from: PatientId,
}

/// What happens to a patient record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PatientEvent {
    /// See [`PatientRegistered`].
    PatientRegistered(PatientRegistered),
    /// See [`PatientUpdated`].
    PatientUpdated(PatientUpdated),
    /// See [`RegistrationSet`].
    RegistrationSet(RegistrationSet),
    /// See [`PatientDeceased`].
    PatientDeceased(PatientDeceased),
    /// See [`MergeReceived`].
    MergeReceived(MergeReceived),
    /// See [`PatientMerged`].
    PatientMerged(PatientMerged),
    /// See [`MergeCompleted`].
    MergeCompleted(MergeCompleted),
}

/// With whom a patient is registered (8.29).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Registration {
    /// With nobody.
    #[default]
    None,
    /// With a practitioner of this clinic.
    Practitioner(PractitionerId),
    /// With the clinic as such.
    Clinic,
    /// With a practitioner elsewhere; counts as not registered.
    Elsewhere,
    /// A value that this release does not know: satisfies nothing.
    Unknown(u8),
}

impl Registration {
    /// The code that stands in events; a practitioner's id stands beside it.
    pub const fn code(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Practitioner(_) => 1,
            Self::Clinic => 2,
            Self::Elsewhere => 3,
            Self::Unknown(code) => code,
        }
    }
    /// The value of a code and the practitioner beside it; total.
    pub const fn from_code(code: u8, practitioner: Option<PractitionerId>) -> Self {
        match (code, practitioner) {
            (0, _) => Self::None,
            (1, Some(practitioner)) => Self::Practitioner(practitioner),
            (2, _) => Self::Clinic,
            (3, _) => Self::Elsewhere,
            (other, _) => Self::Unknown(other),
        }
    }
    /// The practitioner, if it is one of this clinic.
    pub const fn practitioner(self) -> Option<PractitionerId> {
        match self {
            Self::Practitioner(practitioner) => Some(practitioner),
            _ => None,
        }
    }
}
