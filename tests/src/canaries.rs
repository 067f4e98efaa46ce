//! Personal values that must not be found: in files, in lines of the log, in a process's memory; in the encodings in which
//! programs write text down.
//!
//! Everybody who visits or is registered through the harness ([`crate::http::Person`]) is remembered here. When the data
//! directory of a server goes, at the end of its test, its files and everything that was logged so far are searched for
//! them all: whatever a test is about, it also shows that it left no personal value outside sealed columns.

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tempfile::TempDir;
use tracing_subscriber::EnvFilter;

/// Shorter ones would be found by chance: of letters and digits.
const SHORTEST: usize = 6;

/// A value that was found.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Hit {
    /// The value.
    pub value: String,
    /// In which encoding.
    pub form: &'static str,
}

/// Values to be searched for, in all their encodings.
pub struct Canaries {
    values: Vec<String>,
    forms: Vec<(usize, &'static str)>,
    automaton: AhoCorasick,
}

impl Canaries {
    /// These values; those that are too short to mean anything are left out.
    ///
    /// # Panics
    /// If there are more than an automaton takes.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = String>) -> Self {
        let enough = |value: &String| value.chars().filter(|c| c.is_alphanumeric()).count() >= SHORTEST;
        let values: Vec<String> = values.into_iter().filter(enough).collect();
        let (mut patterns, mut forms) = (Vec::new(), Vec::new());
        for (at, value) in values.iter().enumerate() {
            for (form, bytes) in encodings(value) {
                patterns.push(bytes);
                forms.push((at, form));
            }
        }
        Self { values, forms, automaton: AhoCorasick::new(patterns).unwrap() }
    }

    /// What of them stands in some bytes.
    #[must_use]
    pub fn in_bytes(&self, bytes: &[u8]) -> BTreeSet<Hit> {
        let found: BTreeSet<_> = self.automaton.find_overlapping_iter(bytes).map(|m| m.pattern().as_usize()).collect();
        let hit = |pattern| {
            let (value, form): (usize, _) = self.forms[pattern];
            Hit { value: self.values[value].clone(), form }
        };
        found.into_iter().map(hit).collect()
    }

    /// What of them stands in the files of a folder and of those below it, each with the file.
    ///
    /// # Panics
    /// If a file cannot be read.
    #[must_use]
    pub fn in_files(&self, folder: &Path) -> Vec<(String, Hit)> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(self.in_files(&path));
                continue;
            }
            match std::fs::read(&path) {
                Ok(bytes) => {
                    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    found.extend(self.in_bytes(&bytes).into_iter().map(|hit| (name.clone(), hit)));
                }
                // A database's side file goes when its last connection closes, which may be now.
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{}", path.display()),
            }
        }
        found
    }
}

/// A value as programs write it down.
fn encodings(value: &str) -> Vec<(&'static str, Vec<u8>)> {
    let mut all: Vec<(&'static str, Vec<u8>)> = Vec::new();
    let plain: String = value.chars().filter(|c| c.is_alphanumeric()).collect();
    let texts = [
        ("as it is", value.to_owned()),
        ("lower case", value.to_lowercase()),
        ("upper case", value.to_uppercase()),
        ("without spaces", plain),
        ("for URLs", percent(value, "%20")),
        ("for forms", percent(value, "+")),
        ("in JSON", escaped(value)),
        ("quoted-printable", percent(value, " ").replace('%', "=")),
    ];
    for (form, text) in texts {
        all.push((form, text.into_bytes()));
    }
    let bytes = value.as_bytes();
    all.push(("UTF-16, low byte first", value.encode_utf16().flat_map(u16::to_le_bytes).collect()));
    all.push(("UTF-16, high byte first", value.encode_utf16().flat_map(u16::to_be_bytes).collect()));
    all.push(("hexadecimal", hex::encode(bytes).into_bytes()));
    all.push(("hexadecimal, upper case", hex::encode_upper(bytes).into_bytes()));
    for before in 0..3_usize {
        // Whatever stands before and behind: only the digits that the value alone decides.
        let shifted: Vec<u8> = std::iter::repeat_n(0, before).chain(bytes.iter().copied()).collect();
        let begin = [0, 2, 3][before];
        for (form, text) in
            [("base64", STANDARD_NO_PAD.encode(&shifted)), ("base64 for URLs", URL_SAFE_NO_PAD.encode(&shifted))]
        {
            let end = text.len() - usize::from(!shifted.len().is_multiple_of(3));
            all.push((form, text.as_bytes()[begin..end].to_vec()));
        }
    }
    // What is the same in several encodings is looked for once, under the first name.
    let mut seen = BTreeSet::new();
    all.retain(|(_, bytes)| bytes.len() >= SHORTEST && seen.insert(bytes.clone()));
    all
}

fn percent(value: &str, space: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b' ' => text.push_str(space),
            _ if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => text.push(char::from(byte)),
            _ => write!(text, "%{byte:02X}").unwrap(),
        }
        text
    })
}

fn escaped(value: &str) -> String {
    value.encode_utf16().fold(String::new(), |mut text, unit| {
        match u8::try_from(unit).ok().filter(u8::is_ascii) {
            Some(byte) => text.push(char::from(byte)),
            None => write!(text, "\\u{unit:04x}").unwrap(),
        }
        text
    })
}

/// Everybody so far, and the automaton that finds them.
static EVERYBODY: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
static AUTOMATON: Mutex<Option<(usize, Arc<Canaries>)>> = Mutex::new(None);
/// What was logged and not searched yet.
static LOGGED: Mutex<Vec<u8>> = Mutex::new(Vec::new());
/// So much of it is kept at most: then it is searched at once.
const MOST_LOGGED: usize = 16 << 20;
/// What was found in it.
static TOLD: Mutex<BTreeSet<Hit>> = Mutex::new(BTreeSet::new());

/// Remembers personal values, to be searched for whenever a server's data directory goes. Markup is nobody's name: tests
/// type it into public texts as well.
pub fn remember<'a>(values: impl IntoIterator<Item = &'a str>) {
    let mut everybody = EVERYBODY.lock().unwrap_or_else(PoisonError::into_inner);
    everybody.extend(values.into_iter().filter(|value| !is_markup(value)).map(str::to_owned));
}

fn is_markup(value: &str) -> bool {
    value.contains(['<', '>', '&', '%', '"', '=', '(', '{'])
}

/// Everybody who was remembered so far.
#[must_use]
pub fn everybody() -> Arc<Canaries> {
    let known = EVERYBODY.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut made = AUTOMATON.lock().unwrap_or_else(PoisonError::into_inner);
    match &*made {
        Some((count, canaries)) if *count == known.len() => Arc::clone(canaries),
        _ => {
            let canaries = Arc::new(Canaries::of(known.iter().cloned()));
            *made = Some((known.len(), Arc::clone(&canaries)));
            canaries
        }
    }
}

struct Lines;

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
        logged.extend_from_slice(bytes);
        if logged.len() > MOST_LOGGED {
            let whole = std::mem::take(&mut *logged);
            drop(logged);
            search(&whole);
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn search(logged: &[u8]) {
    let found = everybody().in_bytes(logged);
    TOLD.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
}

/// From now on what is logged is kept until it is searched. A test that listens to the log itself does so instead.
fn listen() {
    static ON: OnceLock<()> = OnceLock::new();
    ON.get_or_init(|| {
        // Where times are judged a server says what it usually says.
        let ours = if crate::seeds::torture() { "info" } else { "trace" };
        let filter =
            format!("info,booking_engine={ours},booking_store={ours},booking_projections={ours},booking_api={ours}");
        let subscriber = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).with_writer(|| Lines);
        // Another one may be there: then that one is searched by whoever put it there.
        let _ = tracing::subscriber::set_global_default(subscriber.finish());
    });
}

/// A data directory that is searched when it goes, and fails its test if a personal value is in it.
pub struct DataDirectory(TempDir);

impl DataDirectory {
    /// A new one. In memory, where the machine has such a directory: most tests are not about its disk.
    ///
    /// # Panics
    /// If none can be made.
    #[must_use]
    pub fn new() -> Self {
        listen();
        let memory = Path::new("/dev/shm");
        Self(if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap())
    }
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Default for DataDirectory {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for DataDirectory {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let everybody = everybody();
        let found = everybody.in_files(self.path());
        assert!(found.is_empty(), "personal values stand in files: {found:?}");
        let logged = std::mem::take(&mut *LOGGED.lock().unwrap_or_else(PoisonError::into_inner));
        search(&logged);
        // Told once: it is one test's doing, and not that of all that follow.
        let found = std::mem::take(&mut *TOLD.lock().unwrap_or_else(PoisonError::into_inner));
        assert!(found.is_empty(), "personal values stand in the log: {found:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_in_every_encoding_wherever_it_stands() {
        let canaries = Canaries::of(["Zoé Trémolière".to_owned(), "514 555 0142".to_owned(), "Roy".to_owned()]);
        let forms = |bytes: &[u8]| canaries.in_bytes(bytes).into_iter().map(|hit| hit.form).collect::<Vec<_>>();
        let name = "Zoé Trémolière";
        assert_eq!(forms(format!("<b>{name}</b>").as_bytes()), ["as it is"]);
        assert_eq!(forms(b"zo\xc3\xa9 tr\xc3\xa9moli\xc3\xa8re"), ["lower case"]);
        assert_eq!(forms(b"q=Zo%C3%A9%20Tr%C3%A9moli%C3%A8re&"), ["for URLs"]);
        assert_eq!(forms(b"q=Zo%C3%A9+Tr%C3%A9moli%C3%A8re&"), ["for forms"]);
        assert_eq!(forms(b"{\"n\":\"Zo\\u00e9 Tr\\u00e9moli\\u00e8re\"}"), ["in JSON"]);
        assert_eq!(forms(b"Zo=C3=A9 Tr=C3=A9moli=C3=A8re"), ["quoted-printable"]);
        assert_eq!(forms(b"tel:5145550142"), ["without spaces"]);
        assert_eq!(forms(hex::encode(name).as_bytes()), ["hexadecimal"]);
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(forms(&wide), ["UTF-16, low byte first"]);
        for before in ["", "a", "ab", "abc"] {
            for after in ["", "x", "xy"] {
                let text = STANDARD_NO_PAD.encode(format!("{before}{name}{after}"));
                assert!(forms(text.as_bytes()).contains(&"base64"), "{before}{name}{after}");
            }
        }
        assert_eq!(forms(b"Dre Roy, Tremoliere, 5145550143"), Vec::<&str>::new(), "too short, another, another");
    }

    #[test]
    #[should_panic(expected = "personal values stand in files")]
    fn a_directory_that_holds_a_value_fails_its_test() {
        remember(["Quelquunquonneverrajamais"]);
        let directory = DataDirectory::new();
        std::fs::write(directory.path().join("notes.txt"), "seen: quelquunquonneverrajamais").unwrap();
    }
}
