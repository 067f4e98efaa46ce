//! Where the events of a log stand: which position the n-th event has, and how many there are up to a position.

use crate::port::Position;

/// Positions of a log's events, from the first one on.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Of a log without gaps, as one in a file is: only how many.
    dense: u64,
    /// The others, once there is a gap.
    sparse: Vec<u64>,
}

impl Places {
    /// Takes the next event's.
    pub(super) fn push(&mut self, position: Position) {
        if self.sparse.is_empty() && position.0 == self.dense + 1 {
            self.dense += 1;
        } else {
            self.sparse.push(position.0);
        }
    }

    /// How many events there are.
    pub fn events(&self) -> u64 {
        self.dense + self.sparse.len() as u64
    }

    /// How many events stand at this position or before it.
    pub fn up_to(&self, position: Position) -> u64 {
        self.dense.min(position.0) + self.sparse.partition_point(|at| *at <= position.0) as u64
    }

    /// The position of the last of so many events; of the last one there is, if there are fewer. None: there is none.
    pub fn of(&self, events: u64) -> Option<Position> {
        let events = events.min(self.events());
        if events <= self.dense {
            return (events > 0).then_some(Position(events));
        }
        let at = usize::try_from(events - self.dense - 1).ok()?;
        self.sparse.get(at).copied().map(Position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(positions: &[u64]) -> Places {
        let mut places = Places::default();
        for position in positions {
            places.push(Position(*position));
        }
        places
    }

    #[test]
    fn a_place_is_found_in_logs_with_and_without_gaps() {
        for positions in [&[1, 2, 3, 4][..], &[1, 2, 7, 9], &[0, 230, 460, 461], &[5], &[]] {
            let places = places(positions);
            assert_eq!(places.events(), positions.len() as u64);
            for (n, position) in positions.iter().enumerate() {
                let n = n as u64 + 1;
                assert_eq!(places.of(n), Some(Position(*position)), "{positions:?}");
                assert_eq!(places.up_to(Position(*position)), n, "{positions:?}");
                assert!(places.up_to(Position(position.saturating_sub(1))) <= n, "{positions:?}");
            }
            assert_eq!(places.of(99), positions.last().map(|last| Position(*last)), "{positions:?}");
            assert_eq!(places.of(0), None);
            assert_eq!(places.up_to(Position(u64::MAX)), positions.len() as u64);
        }
    }
}
