//! `checkpoints/`: signed checkpoints in append-only text files, one for each month, each note with an empty line after
//! it; and `keys.txt`, the keys that verify them. Nothing here is secret, and everything is worth a backup elsewhere.

use anyhow::{Context as _, bail};
use booking_domain::time::{Instant, Tz};
use booking_events::ledger::note::split;
use booking_events::ledger::{Checkpoint, NoteError, Verifier};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// The folder's name in a data directory.
pub const FOLDER: &str = "checkpoints";
/// The verifying keys, one a line, the newest last.
pub const KEYS_FILE: &str = "keys.txt";

/// The notes of one file.
#[derive(Clone, Debug)]
pub struct NotesOfFile {
    /// The file.
    pub path: PathBuf,
    /// Each with the size that it claims.
    pub notes: Vec<(u64, String)>,
}

/// The folder of checkpoints.
#[derive(Clone, Debug)]
pub struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    /// The folder of a data directory; made if it is not there.
    pub fn open(data: &Path) -> std::io::Result<Self> {
        let shelf = Self::at(data);
        std::fs::create_dir_all(&shelf.folder)?;
        Ok(shelf)
    }

    /// The folder of a data directory, there or not, for reading alone.
    pub fn at(data: &Path) -> Self {
        Self { folder: data.join(FOLDER) }
    }

    /// The files of checkpoints, oldest first.
    pub fn files(&self) -> std::io::Result<Vec<PathBuf>> {
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
        let mut files = paths?;
        files.retain(|path| path.extension().is_some_and(|e| e == "txt") && !path.ends_with(KEYS_FILE));
        files.sort();
        Ok(files)
    }

    /// The newest note; one that a crash cut off does not count.
    pub fn newest(&self) -> anyhow::Result<Option<String>> {
        for path in self.files()?.iter().rev() {
            let text = tail(path).with_context(|| format!("cannot read {}", path.display()))?;
            let notes = split(&text);
            let Some((last, before)) = notes.split_last() else { continue };
            // Only the end of the newest file can have been cut off.
            let whole = Checkpoint::claimed(last).is_some();
            if let Some(note) = if whole { Some(last) } else { before.last() } {
                return Ok(Some((*note).to_owned()));
            }
        }
        Ok(None)
    }

    /// Every whole note, by file, oldest first; what a crash cut off is left out.
    pub fn notes(&self) -> anyhow::Result<Vec<NotesOfFile>> {
        let notes_of = |path: PathBuf| {
            let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let sized = |note: &str| Some((Checkpoint::claimed(note)?.size, note.to_owned()));
            let notes = split(&text).into_iter().filter_map(sized).collect();
            Ok(NotesOfFile { path, notes })
        };
        self.files()?.into_iter().map(notes_of).collect()
    }

    /// The keys that were ever used here.
    pub fn keys(&self) -> anyhow::Result<Vec<Verifier>> {
        match std::fs::read_to_string(self.folder.join(KEYS_FILE)) {
            Ok(text) => text.lines().map(|line| Ok(Verifier::parse(line)?)).collect(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// Notes a key, if it is new here.
    pub(super) fn introduce(&self, key: &Verifier) -> anyhow::Result<()> {
        if self.keys()?.last() == Some(key) {
            return Ok(());
        }
        append(&self.folder.join(KEYS_FILE), &format!("{key}\n")).context("cannot write the verifying key")
    }

    /// What a note says, if one of the keys signed it.
    pub fn believe(&self, note: &str) -> anyhow::Result<Checkpoint> {
        for key in self.keys()?.iter().rev() {
            match Checkpoint::open(note, key) {
                Err(NoteError::Unsigned) => {}
                known => return Ok(known?),
            }
        }
        bail!("no key in {KEYS_FILE} signed it")
    }

    /// Keeps a note: when this returns, the disk has it.
    pub(super) fn put(&self, note: &str, now: Instant) -> std::io::Result<()> {
        let month: String = now.wall(Tz::UTC).0.to_string().chars().take(7).collect();
        append_note(&self.folder.join(format!("{month}.txt")), note)
    }
}

/// The end of a file, from the beginning of a line on; enough for many notes.
fn tail(path: &Path) -> std::io::Result<String> {
    const ENOUGH: u64 = 64 * 1024;
    let mut file = File::open(path)?;
    let from = file.metadata()?.len().saturating_sub(ENOUGH);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if from == 0 {
        return Ok(text);
    }
    Ok(text.split_once("\n\n").map(|(_, rest)| rest.to_owned()).unwrap_or_default())
}

/// Appends a note and an empty line; what a crash cut off before it is closed first.
pub(super) fn append_note(path: &Path, note: &str) -> std::io::Result<()> {
    let closed = match File::open(path) {
        Ok(file) => ends_well(file)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(error),
    };
    append(path, &format!("{}{note}\n", if closed { "" } else { "\n\n" }))
}

/// True for a file that is empty, or ends with an empty line.
fn ends_well(mut file: File) -> std::io::Result<bool> {
    if file.metadata()?.len() < 2 {
        return Ok(file.metadata()?.len() == 0);
    }
    let mut end = [0; 2];
    file.seek(SeekFrom::End(-2))?;
    file.read_exact(&mut end)?;
    Ok(end == *b"\n\n")
}

fn append(path: &Path, text: &str) -> std::io::Result<()> {
    let fresh = !path.exists();
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    if fresh { sync_folder(path) } else { Ok(()) }
}

/// Makes a new file's name as lasting as its bytes.
pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
