//! Under `recognition_proof: none` a match opens services, so somebody who knows a person could try the hundred endings
//! of a health number. Of one identity, five different claims a day are looked up; a claim that was made before costs
//! nothing, so that whoever comes back is recognized again.
//!
//! Beyond that a visit is opened unrecognized, and says nothing about it: nobody is kept from booking what is open to
//! everyone. Where a code proves the contact there is no such budget, since it would let a stranger lock somebody out.

use booking_domain::time::Instant;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Different claims of one identity that are looked up.
const CLAIMS: usize = 5;
/// How long they count.
const DAY_MINUTES: i64 = 24 * 60;

/// The claims of each identity, with the end of their day.
type Known = HashMap<[u8; 32], Vec<([u8; 32], Instant)>>;

#[derive(Default)]
pub(super) struct Claims(Mutex<Known>);

impl Claims {
    fn all(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn may(&self, identity: [u8; 32], claim: [u8; 32], now: Instant) -> bool {
        let mut all = self.all();
        let claims = all.entry(identity).or_default();
        claims.retain(|(_, until)| *until > now);
        if claims.iter().any(|(known, _)| *known == claim) {
            return true;
        }
        let room = claims.len() < CLAIMS;
        if room {
            claims.push((claim, now.plus_minutes(DAY_MINUTES)));
        }
        room
    }

    pub fn forget_old(&self, now: Instant) {
        self.all().retain(|_, claims| claims.iter().any(|(_, until)| *until > now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_claims_a_day_and_those_as_often_as_one_likes() {
        let (claims, now) = (Claims::default(), Instant(0));
        let may = |identity, claim, now| claims.may([identity; 32], [claim; 32], now);
        assert!((0..5).all(|claim| may(1, claim, now)));
        assert!((5..100).all(|claim| !may(1, claim, now)));
        assert!((0..5).all(|claim| may(1, claim, now)));
        assert!(may(2, 50, now));
        let tomorrow = now.plus_minutes(DAY_MINUTES);
        assert!(may(1, 99, tomorrow));
        claims.forget_old(tomorrow.plus_minutes(DAY_MINUTES));
        assert!(claims.all().is_empty());
    }
}
