//! Ids of imported things: found again from their external keys, so that a second run changes what the first one made.

use booking_domain::ids::ClinicId;
use booking_engine::vault::{ClinicKeys, KeyUse};
use std::sync::Arc;
use uuid::Uuid;

/// Names the space of clinic ids that follow from a file's `key`.
const CLINICS: Uuid = Uuid::from_u128(0x6d1f_0f2b_53a1_5c0e_9f57_0c5f_5e0a_7c11);

/// The clinic of a `key`. It is no secret and names nobody, so its hash needs no key; there is none before the clinic.
pub(crate) fn clinic_of(key: &str) -> ClinicId {
    ClinicId(Uuid::new_v5(&CLINICS, key.as_bytes()))
}

/// Makes ids.
#[derive(Clone, Debug)]
pub(crate) enum Ids {
    /// Keyed hashes, under the clinic's own key.
    Keyed(Arc<ClinicKeys>),
    /// For checking a clinic that is not there yet, and so has no key: any ids will do.
    Draft(ClinicId),
}

impl Ids {
    /// The id of a thing of a kind.
    pub fn of<T: From<Uuid>>(&self, kind: &str, parts: &[&str]) -> T {
        let bytes = std::iter::once(kind).chain(parts.iter().copied()).map(str::as_bytes);
        let id = match self {
            Self::Keyed(keys) => {
                let parts: Vec<&[u8]> = bytes.collect();
                Uuid::from_bytes(keys.keyed_id(KeyUse::Import, &parts))
            }
            Self::Draft(clinic) => {
                let joined: Vec<u8> = bytes.flat_map(|part| part.iter().copied().chain([0])).collect();
                Uuid::new_v5(&clinic.0, &joined)
            }
        };
        T::from(id)
    }
}
