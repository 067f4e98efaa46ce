//! How much work is asked for. A pure function of how many availabilities are open and how many of them were taken
//! lately; `docs/security.md` argues for the numbers.

/// The levels of work. A try is one message hashed ([`super::challenge::MESSAGE`] bytes); a price is the number of tries
/// that a solution takes on average.
#[derive(Clone, Copy, Debug)]
pub struct Levels {
    /// The lowest price that is asked for.
    pub everyday: u64,
    /// The highest, where a clinic is under load.
    pub most: u64,
    /// Bytes of a message. Tests of many simulated minutes take shorter ones.
    pub message: usize,
}

impl Default for Levels {
    fn default() -> Self {
        Self { everyday: 1 << 11, most: 1 << 20, message: super::challenge::MESSAGE }
    }
}

impl Levels {
    /// What one more costs where so many were taken lately of so many that are open: nothing up to 1 %, then the everyday
    /// price, doubled for every further quarter of a percent, up to what one processor core cannot pay for more than a
    /// few percent of the clinic in ten minutes.
    #[must_use]
    pub fn price(&self, taken: usize, open: usize) -> u64 {
        let free = (open / 100).max(3);
        let Some(over) = taken.checked_sub(free) else { return 0 };
        let steps = u32::try_from(over / (open / 400).max(1)).unwrap_or(u32::MAX);
        let price = self.everyday.saturating_mul(1u64.checked_shl(steps).unwrap_or(u64::MAX));
        // A clinic with more to lose to one core may ask for less.
        let large = u64::try_from(open / 500).unwrap_or(1).max(1);
        price.min((self.most / large).max(self.everyday))
    }

    /// What a source pays that has so many more than its share: eight times the everyday price, fourfold for each.
    #[must_use]
    pub fn price_of_source(&self, excess: usize) -> u64 {
        let Some(steps) = excess.checked_sub(1) else { return 0 };
        let steps = u32::try_from(steps).unwrap_or(u32::MAX).saturating_mul(2).saturating_add(3);
        // More than anybody can pay is a refusal; the code is the way on.
        self.everyday.saturating_mul(1u64.checked_shl(steps).unwrap_or(u64::MAX)).min(1 << 46)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_price_begins_at_nothing_and_hardens_to_its_end() {
        let levels = Levels::default();
        let prices: Vec<u64> = (0..16).map(|taken| levels.price(taken, 500)).collect();
        assert_eq!(prices[..7], [0, 0, 0, 0, 0, 1 << 11, 1 << 12]);
        assert_eq!(prices[13..], [1 << 19, 1 << 20, 1 << 20]);
        assert!((0..10_000).all(|taken| levels.price(taken, 500) <= levels.most));
        // A small clinic gives three away, a large one asks for less at most.
        assert_eq!((levels.price(2, 20), levels.price(3, 20)), (0, 1 << 11));
        assert_eq!(levels.price(100_000, 5_000), (1 << 20) / 10);
        assert_eq!(levels.price(usize::MAX, usize::MAX), 1 << 11);
    }

    #[test]
    fn a_source_pays_fourfold_for_each_beyond_its_share() {
        let levels = Levels::default();
        assert_eq!([0, 1, 2, 3].map(|n| levels.price_of_source(n)), [0, 1 << 14, 1 << 16, 1 << 18]);
        assert_eq!(levels.price_of_source(usize::MAX), 1 << 46);
    }

    // What one core takes in ten minutes: the free ones, the ramp, then as many as it can pay for.
    #[test]
    fn one_core_takes_less_than_a_tenth_of_a_clinic_in_ten_minutes() {
        let levels = Levels::default();
        for (open, tries_a_second) in [(500, 42_000), (500, 60_000), (1_000, 60_000), (5_000, 60_000)] {
            let (mut left, mut taken) = (tries_a_second * 600, 0);
            while let Some(rest) = u64::checked_sub(left, levels.price(taken, open)) {
                (left, taken) = (rest, taken + 1);
            }
            assert!(taken * 10 <= open, "{taken} of {open} at {tries_a_second} tries a second");
        }
    }
}
