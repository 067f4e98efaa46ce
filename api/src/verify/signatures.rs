//! The checkpoints that a history is held against: those beside it, read file by file, and those that somebody kept.

use super::report::Alteration;
use crate::ledger::Shelf;
use booking_events::ledger::note::split;
use booking_events::ledger::{Checkpoint, Hash, NoteError, Verifier};
use std::collections::VecDeque;
use std::path::PathBuf;

/// A checkpoint whose signature is good.
#[derive(Clone, Debug)]
pub(super) struct Believed {
    pub size: u64,
    pub root: Hash,
    /// Where it was found.
    pub from: String,
}

/// What a note is worth.
pub(super) enum Worth {
    Good(Believed),
    /// None of the keys signed it.
    Unsigned,
    /// It was changed, or is none.
    Bad(String),
}

pub(super) fn judge(note: &str, keys: &[Verifier], from: &str) -> Worth {
    for key in keys {
        match Checkpoint::open(note, key) {
            Ok(Checkpoint { size, root, .. }) => return Worth::Good(Believed { size, root, from: from.to_owned() }),
            Err(NoteError::Unsigned) => {}
            Err(error) => return Worth::Bad(error.to_string()),
        }
    }
    Worth::Unsigned
}

/// The checkpoints of a shelf, in the order in which they were put there. One file is in memory at a time.
pub(super) struct Checkpoints {
    files: VecDeque<PathBuf>,
    notes: VecDeque<Believed>,
    keys: Vec<Verifier>,
    last: u64,
    /// What was wrong with the shelf so far.
    pub faults: Vec<Alteration>,
    /// A note that a crash cut off stands at the end.
    pub torn: bool,
}

impl Checkpoints {
    /// The checkpoints of a shelf; none at all without one.
    pub fn of(shelf: Option<&Shelf>, keys: &[Verifier]) -> std::io::Result<Self> {
        let files = shelf.map(Shelf::files).transpose()?.unwrap_or_default().into();
        Ok(Self { files, notes: VecDeque::new(), keys: keys.to_vec(), last: 0, faults: Vec::new(), torn: false })
    }

    /// The next one, without taking it.
    pub fn peek(&mut self) -> std::io::Result<Option<&Believed>> {
        while self.notes.is_empty() {
            let Some(file) = self.files.pop_front() else { return Ok(None) };
            self.load(&file)?;
        }
        Ok(self.notes.front())
    }

    /// Takes the next one.
    pub fn take(&mut self) -> std::io::Result<Option<Believed>> {
        self.peek()?;
        Ok(self.notes.pop_front())
    }

    fn load(&mut self, file: &PathBuf) -> std::io::Result<()> {
        let bytes = std::fs::read(file)?;
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let notes = split(&text);
        let count = notes.len();
        for (note, place) in notes.into_iter().zip(1..) {
            let from = format!("{name}, checkpoint {place}");
            let what = match judge(note, &self.keys, &from) {
                Worth::Good(known) if known.size > self.last => {
                    self.last = known.size;
                    self.notes.push_back(known);
                    continue;
                }
                Worth::Good(known) => format!("{from} is of size {}, after one of size {}", known.size, self.last),
                Worth::Unsigned => format!("{from} is signed by none of the keys"),
                // What a crash cut off can only stand at the very end, or before what came after the next start.
                Worth::Bad(_) if Checkpoint::claimed(note).is_none() && !note.contains('\u{2014}') => {
                    self.torn |= place == count;
                    continue;
                }
                Worth::Bad(why) => format!("{from}: {why}"),
            };
            self.faults.push(Alteration { what, first_bad_leaf: None, exact: false, event: None });
        }
        Ok(())
    }
}
