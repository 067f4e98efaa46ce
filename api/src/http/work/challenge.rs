//! Proof of work without memory of ours: a challenge is a keyed hash over the visit, the purpose, the visit's step and
//! an end, so that a solution is good for one visit, one purpose and one taking, and for a few minutes.
//!
//! A solution is [`PARTS`] numbers. Each, written in four bytes before the challenge and filled up with zeros to a long
//! message, must give a SHA-256 whose first 48 bits lie below a bound. Several parts make the time that it takes more
//! even than one would. The message is long so that a browser, which hashes long messages at the processor's own speed
//! and short ones slowly, is not far behind a program.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use booking_domain::ids::VisitId;
use booking_domain::time::Instant;
use booking_engine::vault::{ClinicKeys, KeyUse};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Numbers that a solution has.
pub const PARTS: u64 = 8;
/// Bytes of a message.
pub const MESSAGE: usize = 32 * 1024;
/// How long a challenge is good for: longer than honest devices take, too short to store much work up.
pub const MINUTES: i64 = 3;

/// What the work is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// To hold an availability, or to book one that is not held.
    Take,
    /// To keep a hold for longer.
    Keep,
}

impl Purpose {
    const fn code(self) -> u8 {
        match self {
            Self::Take => 1,
            Self::Keep => 2,
        }
    }
}

/// Which taking a challenge is for.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The visit.
    pub visit: VisitId,
    /// What for.
    pub purpose: Purpose,
    /// How many takings of the visit were paid for before.
    pub step: u32,
}

const PLAIN: usize = 1 + 4 + 8;
const MAC: usize = 16;

fn mac(keys: &ClinicKeys, visit: VisitId, plain: &[u8]) -> [u8; 32] {
    keys.keyed_hash(KeyUse::Work, &[&visit.bytes(), plain])
}

/// The challenge of this step, good until `until`.
#[must_use]
pub fn challenge(keys: &ClinicKeys, step: Step, until: Instant) -> String {
    let mut bytes = vec![step.purpose.code()];
    bytes.extend(step.step.to_be_bytes());
    bytes.extend(until.0.to_be_bytes());
    let mac = mac(keys, step.visit, &bytes);
    bytes.extend(mac.iter().take(MAC));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// True if this is a challenge that was given for this step and is still good.
fn is_ours(keys: &ClinicKeys, step: Step, challenge: &str, now: Instant) -> bool {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(challenge) else { return false };
    let Some((plain, given)) = bytes.split_at_checked(PLAIN) else { return false };
    let mac = mac(keys, step.visit, plain);
    let own = mac.get(..MAC).is_some_and(|mac| bool::from(mac.ct_eq(given)));
    let Some((head, until)) = plain.split_last_chunk::<8>() else { return false };
    let expected = [&[step.purpose.code()][..], &step.step.to_be_bytes()].concat();
    own && head == expected && now < Instant(i64::from_be_bytes(*until))
}

/// The first 48 bits of the hash of one try.
#[must_use]
pub fn try_hash(challenge: &str, nonce: u32, message: usize) -> u64 {
    static ZEROS: [u8; MESSAGE] = [0; MESSAGE];
    let rest = message.saturating_sub(4 + challenge.len()).min(MESSAGE);
    let hash = Sha256::new()
        .chain_update(nonce.to_be_bytes())
        .chain_update(challenge)
        .chain_update(ZEROS.get(..rest).unwrap_or_default())
        .finalize();
    hash.iter().take(6).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

/// The bound that the hash of every part must lie below, for a price in tries.
#[must_use]
pub const fn bound(price: u64) -> u64 {
    ((1 << 48) / if price > PARTS { price } else { PARTS }) * PARTS
}

/// What a visit brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Solved(u64);

impl Solved {
    /// No work, or none for this step.
    pub const NOTHING: Self = Self(u64::MAX);

    /// The work in a solution: as good as its worst part.
    #[must_use]
    pub fn read(keys: &ClinicKeys, step: Step, solution: &str, now: Instant, message: usize) -> Self {
        let mut texts = solution.split('.');
        let Some(challenge) = texts.next().filter(|text| is_ours(keys, step, text, now)) else { return Self::NOTHING };
        let nonces: Result<Vec<u32>, _> = texts.take(9).map(str::parse).collect();
        let Ok(mut nonces) = nonces else { return Self::NOTHING };
        nonces.sort_unstable();
        nonces.dedup();
        if nonces.len() as u64 != PARTS {
            return Self::NOTHING;
        }
        Self(nonces.iter().map(|nonce| try_hash(challenge, *nonce, message)).max().unwrap_or(u64::MAX))
    }

    /// Whether it pays this price.
    #[must_use]
    pub const fn pays(self, price: u64) -> bool {
        price == 0 || self.0 < bound(price)
    }
}

/// Solves a challenge as a program would: in order, on this thread.
#[must_use]
pub fn solve(challenge: &str, price: u64, message: usize) -> (String, u64) {
    let (mut solution, mut tries, mut found) = (challenge.to_owned(), 0, 0);
    for nonce in 0..u32::MAX {
        tries += 1;
        if try_hash(challenge, nonce, message) < bound(price) {
            solution.extend([".", &nonce.to_string()]);
            found += 1;
        }
        if found == PARTS {
            break;
        }
    }
    (solution, tries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_domain::ids::ClinicId;
    use booking_engine::vault::{SeededEntropy, Vault};
    use std::sync::Arc;

    const SHORT: usize = 64;

    async fn keys(seed: u64) -> Arc<ClinicKeys> {
        let dir = tempfile::tempdir().unwrap();
        let (vault, _) = Vault::open_dir(dir.path(), Arc::new(SeededEntropy::new(seed))).await.unwrap();
        let keys = vault.create_clinic(ClinicId::default(), Instant(0)).await.unwrap();
        vault.close().await;
        keys
    }

    fn step(visit: u8, purpose: Purpose, step: u32) -> Step {
        Step { visit: VisitId::from_bytes([visit; 16]), purpose, step }
    }

    #[tokio::test]
    async fn a_solution_is_worth_its_work_for_its_visit_purpose_and_step_until_its_end() {
        let keys = keys(1).await;
        let (mine, until) = (step(1, Purpose::Take, 0), Instant(1_000));
        let (solution, tries) = solve(&challenge(&keys, mine, until), 400, SHORT);
        assert!((100..2_000).contains(&tries), "{tries}");
        let read = |step, solution: &str, now| Solved::read(&keys, step, solution, Instant(now), SHORT);
        assert!(read(mine, &solution, 999).pays(400));
        assert!(!read(mine, &solution, 999).pays(40_000));
        assert_eq!(read(mine, &solution, 1_000), Solved::NOTHING, "its time is over");
        let others = [step(2, Purpose::Take, 0), step(1, Purpose::Keep, 0), step(1, Purpose::Take, 1)];
        assert_eq!(others.map(|other| read(other, &solution, 0)), [Solved::NOTHING; 3]);
        let elsewhere = self::keys(2).await;
        assert_eq!(
            Solved::read(&elsewhere, mine, &solution, Instant(0), SHORT),
            Solved::NOTHING,
            "another clinic's key"
        );
        assert!(Solved::NOTHING.pays(0) && !Solved::NOTHING.pays(1));
        let head = solution.split('.').next().unwrap();
        let last = solution.rsplit('.').next().unwrap();
        let bad = [
            String::new(),
            head.to_owned(),
            format!("{head}.1.2.3"),
            // The same number eight times is one number.
            format!("{head}{}", format!(".{last}").repeat(8)),
            format!("{solution}.1"),
            format!("{solution}.x"),
            format!("A{solution}"),
            solution.replacen('A', "B", 1),
        ];
        assert_eq!(bad.clone().map(|bad| read(mine, &bad, 0)), [Solved::NOTHING; 8], "{bad:?}");
        // Numbers that were not looked for are worth as little as they took.
        assert!(!read(mine, &format!("{head}.1.2.3.4.5.6.7.8"), 0).pays(80));
    }

    #[test]
    fn a_price_is_the_tries_that_its_solution_takes_on_average() {
        for price in [80, 1_000] {
            let tries: u64 = (0..60).map(|n| solve(&format!("challenge {n}"), price, SHORT).1).sum();
            let average = tries / 60;
            assert!((price * 8 / 10..price * 12 / 10).contains(&average), "{average} tries for {price}");
        }
    }

    // What `api/assets/work.js` found for 2,048 tries, in node.
    #[test]
    fn what_the_pages_solver_finds_is_a_solution() {
        let (challenge, nonces) = ("AQAAAAAABkWm0", [40, 602, 991, 2192, 2620, 2948, 3138, 3279]);
        assert!(nonces.into_iter().all(|nonce| try_hash(challenge, nonce, MESSAGE) < bound(2_048)));
        let others = (0..nonces[7]).filter(|nonce| !nonces.contains(nonce));
        assert!(others.into_iter().all(|nonce| try_hash(challenge, nonce, MESSAGE) >= bound(2_048)));
    }

    // The same message, hashed by another implementation (Python's hashlib).
    #[test]
    fn the_message_is_the_number_the_challenge_and_zeros() {
        assert_eq!(try_hash("abc", 7, 64), 0x8137_485f_a887);
    }
}
