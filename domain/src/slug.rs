//! The portal's address: a name under `/p/` that belongs to one clinic.
//!
//! Stream `slug-{hash}`. The names of the events *are* the storage format. The address is claimed here first and
//! then configured on the clinic's own stream; a claim that never came to be used may be taken over after ten
//! minutes, and one that was ever used stays with its clinic for ever, because old addresses redirect.

use crate::ids::ClinicId;
use crate::time::Instant;

/// A clinic claimed an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlugClaimed {
    /// The clinic.
    pub clinic: ClinicId,
    /// The address, in the form of [`Slug`].
    pub slug: String,
    /// When; an unused claim binds for ten minutes from here.
    pub claimed_at: Instant,
}

/// What happens to an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SlugEvent {
    /// See [`SlugClaimed`].
    SlugClaimed(SlugClaimed),
}
