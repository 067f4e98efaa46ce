//! The fixed moment at which an answer leaves, where the work behind it depends on who is known (8.7).
//!
//! Recognition makes the same comparisons for everybody, but how many records come near, and what is read afterwards,
//! still takes its own time. So the answer waits until a fixed time after the request arrived; work that took longer
//! waits for the next multiple of that time, so that a loaded server tells no more than an idle one.
//!
//! What waits is the answer alone: the work is over, and whatever it held was given back.

use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long after its arrival an answer leaves, unless the options say otherwise.
pub const USUAL: Duration = Duration::from_millis(100);

/// When answers leave.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Option<Duration>);

impl Deadline {
    /// Answers leave at a multiple of this; none: as soon as they are ready, which tells who is known.
    pub fn new(every: Option<Duration>) -> Self {
        Self(every.filter(|every| !every.is_zero()))
    }

    /// Does the work, and gives its outcome at the fixed moment, whatever it is.
    pub async fn keep<T>(&self, work: impl Future<Output = T>) -> T {
        let Some(every) = self.0 else { return work.await };
        let arrived = Instant::now();
        let outcome = work.await;
        sleep_until(arrived + leaves_after(arrived.elapsed(), every)).await;
        outcome
    }
}

/// The first multiple of `every` that is not before `spent`.
fn leaves_after(spent: Duration, every: Duration) -> Duration {
    let rounds = spent.as_nanos().div_ceil(every.as_nanos()).max(1);
    every.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_leaves_at_the_next_multiple() {
        let [every, ms] = [USUAL, Duration::from_millis(1)];
        for (spent, leaves) in
            [(Duration::ZERO, every), (ms, every), (every, every), (every + ms, every * 2), (ms * 950, every * 10)]
        {
            assert_eq!(leaves_after(spent, every), leaves, "{spent:?}");
        }
    }

    // On the real clock, so only what may never happen is asserted: that something leaves early, or without a bound.
    #[tokio::test]
    async fn nothing_leaves_before_its_moment_whatever_the_outcome() {
        let every = Duration::from_millis(30);
        let deadline = Deadline::new(Some(every));
        for (work, earliest) in [(0, every), (5, every), (40, every * 2)] {
            let begun = Instant::now();
            let refused: Result<(), u8> = deadline
                .keep(async {
                    tokio::time::sleep(Duration::from_millis(work)).await;
                    Err(7)
                })
                .await;
            assert_eq!(refused, Err(7));
            assert!(begun.elapsed() >= earliest, "{:?} for {work} ms of work", begun.elapsed());
        }
    }

    #[tokio::test]
    async fn switched_off_it_waits_for_nothing() {
        for off in [None, Some(Duration::ZERO)] {
            let (deadline, begun) = (Deadline::new(off), Instant::now());
            for _ in 0..100 {
                deadline.keep(async {}).await;
            }
            assert!(begun.elapsed() < Duration::from_millis(100));
        }
    }
}
