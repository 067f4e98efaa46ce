//! A patient's row: everything of the record that is not personal, and the sealed rest.

use booking_domain::ids::{ClinicId, PatientId, PractitionerId};
use booking_domain::patient::{PatientEvent, Registration};
use booking_domain::sealed::Sealed;
use booking_domain::values::Stamp;
use serde::{Deserialize, Serialize};

/// A patient record as the table keeps it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PatientRow {
    /// The clinic whose record it is.
    pub clinic: ClinicId,
    /// The person's details, sealed.
    pub profile: Sealed,
    /// Code of the registration, and the practitioner beside it.
    registration: (u8, Option<PractitionerId>),
    /// The person died.
    pub deceased: bool,
    /// The day of death, sealed.
    pub death_date: Option<Sealed>,
    /// The record that this one leads to.
    pub merged_into: Option<PatientId>,
    /// The person was erased: what is sealed is not opened any more, also while its key still exists.
    pub erased: bool,
    /// It came by an import.
    pub imported: bool,
    /// Its `ETag`.
    pub touched: u64,
}

impl PatientRow {
    /// With whom the person is registered.
    pub const fn registration(&self) -> Registration {
        Registration::from_code(self.registration.0, self.registration.1)
    }
}

/// The row after an event; total, like the domain's own fold.
pub(super) fn evolve(row: Option<&PatientRow>, event: &PatientEvent, stamp: Stamp) -> Option<PatientRow> {
    if let PatientEvent::PatientRegistered(e) = event {
        return Some(PatientRow {
            clinic: e.clinic,
            profile: e.profile.clone(),
            registration: (Registration::None.code(), None),
            deceased: false,
            death_date: None,
            merged_into: None,
            erased: false,
            imported: e.imported,
            touched: stamp.revision,
        });
    }
    let mut row = row?.clone();
    row.touched = stamp.revision;
    match event {
        PatientEvent::PatientUpdated(e) => row.profile = e.profile.clone(),
        PatientEvent::RegistrationSet(e) => {
            row.registration = (e.registration.code(), e.registration.practitioner());
        }
        PatientEvent::PatientDeceased(e) => {
            row.deceased = true;
            row.death_date.clone_from(&e.death_date);
        }
        PatientEvent::PatientMerged(e) => row.merged_into = Some(e.into),
        PatientEvent::PatientErased => row.erased = true,
        PatientEvent::PatientRegistered(_)
        | PatientEvent::MergeReceived(_)
        | PatientEvent::MergeCompleted(_)
        | PatientEvent::MergeDeclined(_)
        | PatientEvent::MergeAbandoned(_) => {}
    }
    Some(row)
}
