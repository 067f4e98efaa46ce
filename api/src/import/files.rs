//! The files of an import: read whole before anything is looked at.

use super::problem::{At, Problems};
use super::report::ImportError;
use super::{config, patients, slots};
use std::path::Path;

/// Texts to import, from a folder or from memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    /// `clinic.toml`.
    pub clinic: Option<String>,
    /// `patients.csv`.
    pub patients: Option<String>,
    /// `schedules.csv`.
    pub schedules: Option<String>,
    /// Calendars with their names, `<agenda>.ics`.
    pub calendars: Vec<(String, String)>,
}

impl Files {
    /// Reads a folder. A table or calendar whose name means nothing here is a mistake, not something to pass over.
    pub(super) fn read(folder: &Path, problems: &Problems) -> Result<Self, ImportError> {
        let failed = |file: &Path| {
            let file = file.display().to_string();
            move |source| ImportError::Io { file, source }
        };
        let mut files = Self::default();
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
            paths.push(entry.map_err(failed(folder))?.path());
        }
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let kind = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
            if !matches!(kind.as_str(), "toml" | "csv" | "ics") || path.is_dir() {
                continue;
            }
            let known = [config::FILE, patients::FILE, slots::FILE];
            if kind != "ics" && !known.contains(&name.as_str()) {
                let message = format!("is not a file of an import; known are {} and *.ics", known.join(", "));
                problems.push(At::row(&name, 0).problem("", message));
                continue;
            }
            let bytes = std::fs::read(&path).map_err(failed(&path))?;
            let text = String::from_utf8(bytes).unwrap_or_else(|error| {
                let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
                let line = good.split(|b| *b == b'\n').count();
                let message = "is not UTF-8: save the file with that encoding";
                problems.push(At::row(&name, line).problem("", message));
                String::new()
            });
            match name.as_str() {
                config::FILE => files.clinic = Some(text),
                patients::FILE => files.patients = Some(text),
                slots::FILE => files.schedules = Some(text),
                _ => files.calendars.push((name, text)),
            }
        }
        Ok(files)
    }
}
