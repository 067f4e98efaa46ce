//! A patient record: who it is (sealed), its registration with a family doctor, its merges, its death.
//!
//! Stream `patient-{patient}`. The names of the events *are* the storage format. Nothing here reads what is
//! sealed; whether a visitor is this person is decided in [`crate::matching`].
//!
//! A merge is three steps on two streams: [`MergeReceived`] on the survivor, [`PatientMerged`] on the loser (the
//! decisive one), [`MergeCompleted`] on the survivor. Between the first and the last step the survivor itself cannot
//! be merged away, so that no interleaving of merges makes a circle: whoever is about to point somewhere is not
//! being pointed at.
//!
//! Two merges that were begun against one another refuse each other's decisive step. An unfinished merge is ended by
//! [`MergeDeclined`] on the loser first, then [`MergeAbandoned`] on the survivor. Both name the revision of the
//! [`MergeReceived`] that they end, so that a writer who slept meanwhile is refused by the fold, and a later attempt
//! is not.

mod decide;
#[cfg(test)]
mod tests;

pub use decide::*;

use crate::ids::{ClinicId, PatientId, PractitionerId};
use crate::sealed::Sealed;
use crate::values::{RegistrationKind, Stamp};
use std::collections::BTreeMap;

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

/// On the loser, first step of ending an unfinished merge: that attempt can no longer become decisive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MergeDeclined {
    /// The record that it would have led to.
    pub into: PatientId,
    /// Revision, on the survivor's stream, of the [`MergeReceived`] that began the attempt.
    pub received: u64,
}

/// On the survivor, last step of ending an unfinished merge: that attempt is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MergeAbandoned {
    /// The record that would have led here.
    pub from: PatientId,
    /// Revision of the [`MergeReceived`] that began the attempt.
    pub received: u64,
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
    /// See [`MergeDeclined`].
    MergeDeclined(MergeDeclined),
    /// See [`MergeAbandoned`].
    MergeAbandoned(MergeAbandoned),
    /// The person's data was erased, or is about to be: the record leads nowhere any more and takes nothing in.
    PatientErased,
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
    #[must_use]
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
    #[must_use]
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
    #[must_use]
    pub const fn practitioner(self) -> Option<PractitionerId> {
        match self {
            Self::Practitioner(practitioner) => Some(practitioner),
            _ => None,
        }
    }
    /// True if any of `kinds` holds for an availability of `availability_practitioner` (8.1, 8.29).
    ///
    /// "With the clinic" is a value of its own: somebody registered with one of its practitioners does not satisfy it.
    /// A practitioner that `clinic_practitioners` does not know is one elsewhere.
    pub fn satisfies(
        self,
        kinds: &[RegistrationKind],
        availability_practitioner: PractitionerId,
        clinic_practitioners: impl Fn(PractitionerId) -> bool,
    ) -> bool {
        let kind = match self {
            Self::Practitioner(with) if with == availability_practitioner => RegistrationKind::ThisPractitioner,
            Self::Practitioner(with) if clinic_practitioners(with) => RegistrationKind::OtherPractitioner,
            Self::Clinic => RegistrationKind::Clinic,
            Self::None | Self::Elsewhere | Self::Practitioner(_) => RegistrationKind::NotRegistered,
            Self::Unknown(_) => return false,
        };
        kinds.contains(&kind)
    }
}

/// A patient record as its events made it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Patient {
    /// None until it is registered.
    pub id: Option<PatientId>,
    /// Whose record it is; none until it is registered.
    pub clinic: Option<ClinicId>,
    /// The person's details, sealed.
    pub profile: Option<Sealed>,
    /// With whom the person is registered.
    pub registration: Registration,
    /// The person died.
    pub deceased: bool,
    /// The day of death, sealed.
    pub death_date: Option<Sealed>,
    /// The record that this one leads to.
    pub merged_into: Option<PatientId>,
    /// Records that lead here, their merges complete.
    pub absorbed: Vec<PatientId>,
    /// Records whose merge into this one was begun and not ended; with the revision that began it.
    pub receiving: BTreeMap<PatientId, u64>,
    /// For each would-be survivor, the last attempt that can no longer become decisive.
    pub declined: BTreeMap<PatientId, u64>,
    /// The person's data was erased.
    pub erased: bool,
    /// Revision that last touched it.
    pub touched: u64,
}

impl Patient {
    /// True if the record stands for a living person whose data is there. A merged record leads to its survivor, and
    /// it is the survivor's life that counts.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.id.is_some() && !self.deceased && !self.erased
    }

    /// Takes in an event of this stream, oldest first. Total: what does not fit changes nothing.
    pub fn evolve(&mut self, event: &PatientEvent, stamp: Stamp) {
        self.touched = stamp.revision;
        match event {
            PatientEvent::PatientRegistered(e) => {
                self.id = Some(e.patient);
                self.clinic = Some(e.clinic);
                self.profile = Some(e.profile.clone());
            }
            PatientEvent::PatientUpdated(e) => self.profile = Some(e.profile.clone()),
            PatientEvent::RegistrationSet(e) => self.registration = e.registration,
            PatientEvent::PatientDeceased(e) => {
                self.deceased = true;
                self.death_date.clone_from(&e.death_date);
            }
            PatientEvent::MergeReceived(e) => {
                self.receiving.entry(e.from).or_insert(stamp.revision);
            }
            PatientEvent::PatientMerged(e) => self.merged_into = Some(e.into),
            PatientEvent::MergeCompleted(e) => {
                self.receiving.remove(&e.from);
                if !self.absorbed.contains(&e.from) {
                    self.absorbed.push(e.from);
                }
            }
            PatientEvent::MergeDeclined(e) => {
                let last = self.declined.entry(e.into).or_insert(e.received);
                *last = e.received.max(*last);
            }
            PatientEvent::MergeAbandoned(e) => {
                self.receiving.retain(|from, received| (*from, *received) != (e.from, e.received));
            }
            PatientEvent::PatientErased => self.erased = true,
        }
    }
}
