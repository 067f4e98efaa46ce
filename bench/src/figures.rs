//! Figures: how long many things took, and what came out of several runs.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long many things took, in microseconds.
#[derive(Clone, Debug, Default)]
pub struct Waits(Vec<u64>);

impl Waits {
    /// Adds one.
    pub fn add(&mut self, took: Duration) {
        self.0.push(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }
    /// Adds those of another.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
    /// How many.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }
    /// True if there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// The milliseconds that so many of a thousand stayed within.
    #[must_use]
    pub fn within(&self, thousandths: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = (sorted.len() * thousandths).div_ceil(1_000).saturating_sub(1);
        sorted.get(at).map_or(0.0, |micros| *micros as f64 / 1e3)
    }
    /// Share of the answers against milliseconds, for a plot.
    #[must_use]
    pub fn curve(&self) -> Vec<(f64, f64)> {
        let shares = [10, 100, 250, 500, 750, 900, 950, 990, 995, 999, 1_000];
        shares.into_iter().map(|share| (share as f64 / 10.0, self.within(share))).collect()
    }
}

/// What came out of several runs of the same.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Spread(pub Vec<f64>);

impl Spread {
    fn sorted(&self) -> Vec<f64> {
        let mut all = self.0.clone();
        all.sort_by(f64::total_cmp);
        all
    }
    /// The middle one; of an even number the mean of the two in the middle.
    #[must_use]
    pub fn median(&self) -> f64 {
        let all = self.sorted();
        let half = all.len() / 2;
        match (all.get(half), half.checked_sub(1).and_then(|below| all.get(below))) {
            (Some(above), Some(below)) if all.len().is_multiple_of(2) => f64::midpoint(*below, *above),
            (Some(middle), _) => *middle,
            (None, _) => f64::NAN,
        }
    }
    /// The least and the most.
    #[must_use]
    pub fn ends(&self) -> (f64, f64) {
        let all = self.sorted();
        (all.first().copied().unwrap_or(f64::NAN), all.last().copied().unwrap_or(f64::NAN))
    }
    /// Run by run, this one over another.
    #[must_use]
    pub fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a / b).collect())
    }
    /// Every run times this.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        Self(self.0.iter().map(|value| value * factor).collect())
    }
}

impl From<f64> for Spread {
    fn from(value: f64) -> Self {
        Self(vec![value])
    }
}

/// So many in so long, a second.
#[must_use]
pub fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64().max(1e-9)
}

/// A figure with three digits that say something.
#[must_use]
pub fn shown(value: f64) -> String {
    if !value.is_finite() {
        return "-".to_owned();
    }
    match value.abs() {
        size if size >= 1_000.0 => grouped(value.round()),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "these figures are exact")]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_its_middle_and_its_ends() {
        assert_eq!(Spread(vec![3.0, 1.0, 2.0]).median(), 2.0);
        assert_eq!(Spread(vec![4.0, 1.0, 2.0, 3.0]).median(), 2.5);
        assert_eq!(Spread(vec![3.0, 1.0, 2.0]).ends(), (1.0, 3.0));
        assert!(Spread::default().median().is_nan());
    }

    #[test]
    fn of_a_thousand_waits_the_990th_is_the_99th_percentile() {
        let mut waits = Waits::default();
        for ms in (1..=1_000).rev() {
            waits.add(Duration::from_millis(ms));
        }
        assert_eq!(waits.within(990), 990.0);
        assert_eq!(waits.within(1_000), 1_000.0);
        assert_eq!(waits.within(500), 500.0);
    }

    #[test]
    fn figures_are_read_easily() {
        let texts = [1_234_567.0, 1_000.4, 99.96, 9.0, 0.123_4, -12_345.0].map(shown);
        assert_eq!(texts, ["1,234,567", "1,000", "100.0", "9.00", "0.123", "-12,345"]);
    }
}
