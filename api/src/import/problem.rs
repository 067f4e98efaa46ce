//! What is wrong with a file, and where. A problem never repeats a value of a patient's row: it is printed and logged.

use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// One thing that is wrong with an imported file, or worth knowing about it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub struct FileProblem {
    /// The file's name within the folder.
    pub file: String,
    /// The line, from 1; 0 if it is about the file as a whole.
    pub line: usize,
    /// The field, as a path or the name of a column; empty if it is about the whole entry.
    pub field: String,
    /// What is wrong, for a person.
    pub message: String,
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, field, message } = self;
        match (line, field.is_empty()) {
            (0, true) => write!(f, "{file}: {message}"),
            (0, false) => write!(f, "{file}: {field}: {message}"),
            (_, true) => write!(f, "{file}:{line}: {message}"),
            (_, false) => write!(f, "{file}:{line}: {field}: {message}"),
        }
    }
}

/// Where an entry stands, so that a later check can still name its line.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct At {
    /// The file's name.
    pub file: String,
    /// The entry's first line.
    pub line: usize,
    /// Path of the entry, `services[2]`; empty for a row.
    pub path: String,
    /// Lines of its fields, by the field's path within the entry.
    pub fields: Vec<(String, usize)>,
}

impl At {
    /// A row of a file of rows.
    pub fn row(file: &str, line: usize) -> Self {
        Self { file: file.to_owned(), line, ..Self::default() }
    }
    /// The problem with a field of this entry; a field without a line of its own takes its parent's.
    pub fn problem(&self, field: &str, message: impl Into<String>) -> FileProblem {
        let known = |name: &str| self.fields.iter().find(|(path, _)| path == name).map(|(_, line)| *line);
        let parents = field.char_indices().rev().filter(|(_, c)| matches!(c, '.' | '[')).map(|(at, _)| &field[..at]);
        let line = std::iter::once(field).chain(parents).find_map(known).unwrap_or(self.line);
        let path = match (self.path.is_empty(), field.is_empty()) {
            (false, false) => format!("{}.{field}", self.path),
            (false, true) => self.path.clone(),
            (true, _) => field.to_owned(),
        };
        FileProblem { file: self.file.clone(), line, field: path, message: message.into() }
    }
}

/// Collects problems; of one field of one line only the first is kept, since the others follow from it.
#[derive(Debug, Default)]
pub(super) struct Problems(Mutex<BTreeSet<Place>>);

/// A problem in the order in which it is shown: file, line, field.
#[derive(Debug)]
struct Place(FileProblem);

impl Place {
    fn key(&self) -> (&str, usize, &str) {
        (&self.0.file, self.0.line, &self.0.field)
    }
}
impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Place {}
impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Place {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Problems {
    /// Takes in a problem.
    pub fn push(&self, problem: FileProblem) {
        // An insert of what is there already keeps the first.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(Place(problem));
    }
    /// True if nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
    /// All of them, by file and line.
    pub fn into_sorted(self) -> Vec<FileProblem> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().map(|place| place.0).collect()
    }
}

/// Line numbers of byte offsets.
#[derive(Debug)]
pub(super) struct Lines(Vec<usize>);

impl Lines {
    /// The lines of a text.
    pub fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at).collect())
    }
    /// The line of an offset, from 1.
    pub fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|end| *end < offset) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_without_a_line_of_its_own_takes_its_parents() {
        let fields = vec![("contact".into(), 4), ("contact.phone".into(), 5)];
        let at = At { file: "clinic.toml".into(), line: 3, path: "portal".into(), fields };
        assert_eq!(at.problem("contact.phone", "x").to_string(), "clinic.toml:5: portal.contact.phone: x");
        assert_eq!(at.problem("contact.address", "x").line, 4);
        assert_eq!(at.problem("terms", "x").line, 3);
    }

    #[test]
    fn offsets_have_lines_from_one() {
        let lines = Lines::of("a\nbc\n");
        assert_eq!([0, 1, 2, 4, 5].map(|at| lines.at(at)), [1, 1, 2, 2, 3]);
    }

    #[test]
    fn of_one_field_of_one_line_the_first_problem_is_kept() {
        let problems = Problems::default();
        let at = At::row("patients.csv", 2);
        problems.push(at.problem("sex", "is missing"));
        problems.push(at.problem("sex", "is not known"));
        problems.push(at.problem("email", "is not known"));
        assert_eq!(problems.into_sorted().len(), 2);
    }
}
