//! Reads a table of rows: UTF-8, comma or semicolon, a header that names the columns in any order. One row at a time,
//! so that a mistake in one does not hide those in the others.

use super::problem::{At, Problems};
use std::collections::BTreeMap;

/// A column that a file may have.
pub(super) struct Column {
    pub name: &'static str,
    pub required: bool,
}

/// A row: its cells by column, and where it stands.
pub(super) struct Row<'a> {
    cells: &'a BTreeMap<&'static str, usize>,
    record: csv::StringRecord,
    pub at: At,
}

impl Row<'_> {
    /// The cell of a column, trimmed; empty if the file does not have the column.
    pub fn get(&self, column: &str) -> &str {
        self.cells.get(column).and_then(|index| self.record.get(*index)).unwrap_or_default().trim()
    }
    /// The cell, if something stands in it.
    pub fn some(&self, column: &str) -> Option<&str> {
        Some(self.get(column)).filter(|cell| !cell.is_empty())
    }
}

/// Reads every row of a file and hands it to `take`.
pub(super) fn read(file: &str, text: &str, columns: &[Column], problems: &Problems, mut take: impl FnMut(&Row<'_>)) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let header = text.lines().next().unwrap_or_default();
    let delimiter = if header.contains(';') && !header.contains(',') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => return problems.push(At::row(file, 1).problem("", format!("cannot be read: {error}"))),
    };
    let Some(cells) = known_columns(file, &header, columns, problems) else { return };
    for record in reader.into_records() {
        match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                let at = At::row(file, usize::try_from(line).unwrap_or(0));
                if record.len() == header.len() {
                    take(&Row { cells: &cells, record, at });
                } else {
                    let message = format!("has {} cells, the header has {}", record.len(), header.len());
                    problems.push(at.problem("", message));
                }
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                let at = At::row(file, usize::try_from(line).unwrap_or(0));
                problems.push(at.problem("", "cannot be read as a row"));
            }
        }
    }
}

fn known_columns(
    file: &str,
    header: &csv::StringRecord,
    columns: &[Column],
    problems: &Problems,
) -> Option<BTreeMap<&'static str, usize>> {
    let at = At::row(file, 1);
    let mut cells = BTreeMap::new();
    let mut good = true;
    for (index, name) in header.iter().enumerate() {
        let name = name.trim();
        let Some(column) = columns.iter().find(|c| c.name == name) else {
            let known: Vec<&str> = columns.iter().map(|c| c.name).collect();
            problems.push(at.problem(name, format!("is not a known column; known are {}", known.join(", "))));
            good = false;
            continue;
        };
        if cells.insert(column.name, index).is_some() {
            problems.push(at.problem(name, "stands in the header twice"));
            good = false;
        }
    }
    for column in columns.iter().filter(|c| c.required && !cells.contains_key(c.name)) {
        problems.push(at.problem(column.name, "is a column that must be there"));
        good = false;
    }
    good.then_some(cells)
}
