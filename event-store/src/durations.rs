//! How long something took, counted by classes: what a histogram is drawn from.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The classes' upper ends, in microseconds; what took longer is counted after the last.
const ENDS: [u64; 11] = [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 1_000_000];
const CLASSES: usize = ENDS.len() + 1;

/// Counts as it goes.
#[derive(Debug, Default)]
pub struct Durations {
    classes: [AtomicU64; CLASSES],
    micros: AtomicU64,
}

/// What was counted so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DurationCounts {
    classes: [u64; CLASSES],
    /// All together, in microseconds.
    pub micros: u64,
}

impl Durations {
    /// Counts one.
    pub fn add(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let class = ENDS.iter().position(|end| micros <= *end).unwrap_or(ENDS.len());
        if let Some(class) = self.classes.get(class) {
            class.fetch_add(1, Ordering::Relaxed);
        }
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn counts(&self) -> DurationCounts {
        let classes = std::array::from_fn(|class| {
            self.classes.get(class).map_or(0, |count: &AtomicU64| count.load(Ordering::Relaxed))
        });
        DurationCounts { classes, micros: self.micros.load(Ordering::Relaxed) }
    }
}

impl DurationCounts {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.classes.iter().sum()
    }

    /// The classes' upper ends in microseconds, with how many belong to each alone; the last has none.
    pub fn classes(&self) -> impl Iterator<Item = (Option<u64>, u64)> + '_ {
        ENDS.iter().copied().map(Some).chain([None]).zip(self.classes.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_in_the_first_class_that_it_fits_in() {
        let durations = Durations::default();
        for micros in [0, 250, 251, 1_000_000, 1_000_001, u64::MAX / 4] {
            durations.add(Duration::from_micros(micros));
        }
        let counts = durations.counts();
        let filled: Vec<_> = counts.classes().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(Some(250), 2), (Some(500), 1), (Some(1_000_000), 1), (None, 2)]);
        assert_eq!(counts.count(), 6);
    }
}
