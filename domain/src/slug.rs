//! The portal's address: a name under `/p/` that belongs to one clinic.
//!
//! Stream `slug-{hash}`. The names of the events *are* the storage format. The address is claimed here first and
//! then configured on the clinic's own stream; a claim that never came to be used may be taken over after ten
//! minutes, and one that was ever used stays with its clinic for ever, because old addresses redirect.

use crate::ids::ClinicId;
use crate::time::Instant;
use crate::values::{BadField, Stamp};
use sha2::{Digest, Sha256};

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

/// Addresses that the product keeps for itself.
const RESERVED: [&str; 34] = [
    "about",
    "admin",
    "administrator",
    "api",
    "app",
    "assets",
    "audit",
    "auth",
    "book",
    "booking",
    "demo",
    "docs",
    "events",
    "fhir",
    "health",
    "healthz",
    "help",
    "login",
    "logout",
    "me",
    "metrics",
    "null",
    "openapi",
    "portal",
    "public",
    "ready",
    "root",
    "staff",
    "static",
    "status",
    "support",
    "system",
    "undefined",
    "www",
];

/// An address under `/p/`: 3 to 60 lower-case letters, digits and single hyphens between them.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Slug(String);

/// What is wrong with an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadSlug {
    /// Its length.
    #[error("must have 3 to 60 characters")]
    Length,
    /// A character.
    #[error("may hold only lower-case letters a to z, digits and hyphens")]
    Character,
    /// A hyphen.
    #[error("must not begin or end with a hyphen or hold two in a row")]
    Hyphen,
    /// It is kept for the product.
    #[error("is reserved")]
    Reserved,
}

impl From<BadSlug> for BadField {
    fn from(bad: BadSlug) -> Self {
        Self::new("slug", bad.to_string())
    }
}

impl Slug {
    /// Reads an address; nothing is corrected, since it will be printed as it was typed.
    pub fn parse(text: &str) -> Result<Self, BadSlug> {
        if !text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return Err(BadSlug::Character);
        }
        if !(3..=60).contains(&text.len()) {
            return Err(BadSlug::Length);
        }
        if text.starts_with('-') || text.ends_with('-') || text.contains("--") {
            return Err(BadSlug::Hyphen);
        }
        if RESERVED.contains(&text) {
            return Err(BadSlug::Reserved);
        }
        Ok(Self(text.to_owned()))
    }
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The end of the stream's name: the first 16 bytes of the SHA-256 of the address, as 32 hexadecimal digits.
    #[must_use]
    pub fn hash(&self) -> String {
        let digest = Sha256::digest(self.0.as_bytes());
        let half = digest.iter().take(16).fold(0_u128, |half, byte| half << 8 | u128::from(*byte));
        format!("{half:032x}")
    }
}

impl std::fmt::Display for Slug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Minutes for which an unused claim binds.
const UNUSED_MINUTES: i64 = 10;

/// An address as its events made it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SlugOwner {
    /// The last claim; none: free.
    pub claim: Option<SlugClaimed>,
    /// Revision that last touched it.
    pub touched: u64,
}

impl SlugOwner {
    /// Whose it is.
    #[must_use]
    pub fn clinic(&self) -> Option<ClinicId> {
        self.claim.as_ref().map(|c| c.clinic)
    }

    /// Takes in an event of this stream, oldest first.
    pub fn evolve(&mut self, event: &SlugEvent, stamp: Stamp) {
        self.touched = stamp.revision;
        let SlugEvent::SlugClaimed(e) = event;
        self.claim = Some(e.clone());
    }
}

/// Why an address is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SlugRefusal {
    /// Another clinic has it.
    #[error("another clinic has this address")]
    Taken,
}

/// `ClaimSlug`. `used`: the portal of the clinic that holds the claim was at some time configured with this address,
/// read from that clinic's stream to its head.
///
/// The claimant's own claim is renewed when it is unused and has stopped binding, so that its ten minutes start again
/// before the portal is configured; a clinic configures within that time or claims again.
pub fn decide_claim(
    state: &SlugOwner,
    clinic: ClinicId,
    slug: &Slug,
    now: Instant,
    used: bool,
) -> Result<Vec<SlugEvent>, SlugRefusal> {
    if let Some(claim) = &state.claim {
        let binds = used || now < claim.claimed_at.plus_minutes(UNUSED_MINUTES);
        match (binds, claim.clinic == clinic) {
            (true, true) => return Ok(vec![]),
            (true, false) => return Err(SlugRefusal::Taken),
            (false, _) => {}
        }
    }
    Ok(vec![SlugEvent::SlugClaimed(SlugClaimed { clinic, slug: slug.0.clone(), claimed_at: now })])
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: ClinicId = ClinicId::from_bytes([1; 16]);
    const THEM: ClinicId = ClinicId::from_bytes([2; 16]);

    fn slug() -> Slug {
        Slug::parse("clinique-du-parc").unwrap()
    }
    fn claimed_by_them() -> SlugOwner {
        let mut state = SlugOwner::default();
        for event in decide_claim(&state, THEM, &slug(), Instant(0), false).unwrap() {
            state.evolve(&event, Stamp::default());
        }
        state
    }

    #[test]
    fn an_address_is_letters_digits_and_single_hyphens() {
        for good in ["abc", "clinique-du-parc", "24h", "0-0", &"a".repeat(60)] {
            assert_eq!(Slug::parse(good).as_ref().map(Slug::as_str), Ok(good));
        }
        for (bad, why) in [
            ("ab", BadSlug::Length),
            (&"a".repeat(61), BadSlug::Length),
            ("", BadSlug::Length),
            ("Clinique", BadSlug::Character),
            ("santé", BadSlug::Character),
            ("a b c", BadSlug::Character),
            ("-abc", BadSlug::Hyphen),
            ("abc-", BadSlug::Hyphen),
            ("ab--c", BadSlug::Hyphen),
            ("admin", BadSlug::Reserved),
            ("assets", BadSlug::Reserved),
        ] {
            assert_eq!(Slug::parse(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn the_stream_is_named_by_half_a_sha_256() {
        assert_eq!(Slug::parse("abc").unwrap().hash(), "ba7816bf8f01cfea414140de5dae2223");
    }

    #[test]
    fn a_free_address_is_claimed_and_another_clinics_is_refused() {
        let state = claimed_by_them();
        assert_eq!(state.clinic(), Some(THEM));
        assert_eq!(decide_claim(&state, US, &slug(), Instant(1), false), Err(SlugRefusal::Taken));
        assert_eq!(decide_claim(&state, THEM, &slug(), Instant(1), false), Ok(vec![]));
    }

    #[test]
    fn an_unused_claim_binds_for_ten_minutes_and_a_used_one_for_ever() {
        let state = claimed_by_them();
        let end = Instant(0).plus_minutes(10);
        assert_eq!(decide_claim(&state, US, &slug(), Instant(end.0 - 1), false), Err(SlugRefusal::Taken));
        assert_eq!(decide_claim(&state, US, &slug(), end, false).map(|e| e.len()), Ok(1));
        assert_eq!(decide_claim(&state, US, &slug(), end.plus_minutes(1_000_000), true), Err(SlugRefusal::Taken));
    }

    #[test]
    fn ones_own_unused_claim_is_renewed_after_ten_minutes() {
        let state = claimed_by_them();
        let end = Instant(0).plus_minutes(10);
        assert_eq!(decide_claim(&state, THEM, &slug(), end, false).map(|e| e.len()), Ok(1));
        assert_eq!(decide_claim(&state, THEM, &slug(), end, true), Ok(vec![]));
    }
}
