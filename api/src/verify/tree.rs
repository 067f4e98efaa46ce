//! Holds leaves, one after the other, against what was signed and against what another copy of the tree remembers.
//!
//! The other copy (the read model beside a log, the `leaf_hash` of an export's lines) is not believed for itself. Where
//! it leads to a signed root it is as good as the signature, and tells which leaf is the first that differs.

use super::report::{Alteration, EventRef};
use super::signatures::{Believed, Checkpoints};
use booking_events::ledger::{Hash, Tree};

/// The first leaf that the other copy remembers otherwise.
struct Difference {
    leaf: u64,
    event: Option<EventRef>,
    /// The tree as the other copy has it.
    remembered: Tree,
    what: String,
}

/// The tree in the making.
pub(super) struct TreeCheck {
    tree: Tree,
    checkpoints: Checkpoints,
    /// Kept by somebody else, by size.
    retained: Vec<Believed>,
    difference: Option<Difference>,
    /// A checkpoint that does not agree was met: nothing after it says anything new.
    broken: bool,
    /// The greatest size whose root was good.
    pub good_size: u64,
    /// How many were good.
    pub good: u64,
    /// What was found.
    pub altered: Vec<Alteration>,
    /// The other copy is wrong where the signature is right.
    pub copy_is_wrong: bool,
}

impl TreeCheck {
    pub fn new(checkpoints: Checkpoints, mut retained: Vec<Believed>) -> Self {
        retained.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.size));
        Self {
            tree: Tree::default(),
            checkpoints,
            retained,
            difference: None,
            broken: false,
            good_size: 0,
            good: 0,
            altered: Vec::new(),
            copy_is_wrong: false,
        }
    }

    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Takes the next leaf. `remembered` is what the other copy has there; none: it does not reach as far.
    pub fn leaf(
        &mut self,
        leaf: Hash,
        remembered: Option<Hash>,
        event: impl FnOnce() -> Option<EventRef>,
        what: &str,
    ) -> std::io::Result<()> {
        match (&mut self.difference, remembered) {
            (Some(difference), remembered) => difference.remembered.push(remembered.unwrap_or(leaf)),
            (None, Some(remembered)) if remembered != leaf => {
                let mut other = self.tree.clone();
                other.push(remembered);
                let (at, what) = (self.tree.size(), what.to_owned());
                self.difference = Some(Difference { leaf: at, event: event(), remembered: other, what });
            }
            (None, _) => {}
        }
        self.tree.push(leaf);
        self.compare()
    }

    /// Compares with every checkpoint of this size.
    fn compare(&mut self) -> std::io::Result<()> {
        let size = self.tree.size();
        while self.checkpoints.peek()?.is_some_and(|next| next.size <= size) {
            if let Some(checkpoint) = self.checkpoints.take()?.filter(|checkpoint| checkpoint.size == size) {
                self.judge(&checkpoint);
            }
        }
        while self.retained.last().is_some_and(|next| next.size <= size) {
            if let Some(checkpoint) = self.retained.pop().filter(|checkpoint| checkpoint.size == size) {
                self.judge(&checkpoint);
            }
        }
        Ok(())
    }

    fn judge(&mut self, checkpoint: &Believed) {
        if checkpoint.root == self.tree.root() {
            self.good += 1;
            self.good_size = self.good_size.max(checkpoint.size);
            // The signature is on the side of these leaves.
            self.copy_is_wrong |= self.difference.take().is_some();
            return;
        }
        if self.broken {
            return;
        }
        self.broken = true;
        let Believed { size, from, .. } = checkpoint;
        let known = self.difference.as_ref().filter(|d| d.remembered.root() == checkpoint.root);
        self.altered.push(match known {
            Some(Difference { leaf, event, .. }) => Alteration {
                what: format!("the events are not those that were signed ({from}, of {size} leaves)"),
                first_bad_leaf: Some(*leaf),
                exact: true,
                event: event.clone(),
            },
            None => Alteration {
                what: format!("the root is not the signed one ({from}, of {size} leaves)"),
                first_bad_leaf: Some(self.good_size),
                exact: size.saturating_sub(self.good_size) == 1,
                event: None,
            },
        });
    }

    /// After the last leaf: checkpoints of a longer history, and what the other copy remembers beyond the signatures.
    /// `remembered` is how many leaves the other copy has.
    pub fn end(mut self, remembered: Option<u64>) -> std::io::Result<Ended> {
        let size = self.tree.size();
        let next = self.checkpoints.take()?;
        // The rest is read for its faults.
        while self.checkpoints.take()?.is_some() {}
        let longer = self.retained.drain(..).chain(next).min_by_key(|checkpoint| checkpoint.size);
        if let Some(difference) = self.difference.take().filter(|_| !self.broken) {
            let Difference { leaf, event, what, .. } = difference;
            self.altered.push(Alteration { what, first_bad_leaf: Some(leaf), exact: true, event });
        } else if let Some(Believed { size: signed, from, .. }) = longer.filter(|_| !self.broken) {
            let what = format!("the history ends, and {signed} leaves were signed ({from})");
            // Without another copy, what lies between the last good checkpoint and the end may have been changed too.
            let exact = remembered.is_some() || self.good_size == size;
            let first_bad_leaf = Some(if exact { size } else { self.good_size });
            self.altered.push(Alteration { what, first_bad_leaf, exact, event: None });
        } else if let Some(remembered) = remembered.filter(|remembered| *remembered > size && !self.broken) {
            let what = format!("the history ends, and the read model has seen {remembered} leaves");
            self.altered.push(Alteration { what, first_bad_leaf: Some(size), exact: true, event: None });
        }
        self.altered.append(&mut self.checkpoints.faults);
        Ok(Ended {
            size,
            root: self.tree.root(),
            good: self.good,
            good_size: self.good_size,
            altered: self.altered,
            copy_is_wrong: self.copy_is_wrong,
            torn: self.checkpoints.torn,
        })
    }
}

/// What the tree had to say.
pub(super) struct Ended {
    pub size: u64,
    pub root: Hash,
    pub good: u64,
    pub good_size: u64,
    pub altered: Vec<Alteration>,
    pub copy_is_wrong: bool,
    pub torn: bool,
}
