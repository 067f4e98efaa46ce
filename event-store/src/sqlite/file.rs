//! The file before the database engine touches it: is it a log of ours, is it whole, and does anybody else have it?
//!
//! The engine would take an empty file for a new database and repair what it can. A log is not to be repaired
//! unasked, and a file that is not a log is not to be written to at all.

use super::options::OpenError;
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// `application_id` of a log: the letters `bLog`.
pub(super) const APPLICATION_ID: u32 = 0x624c_6f67;

const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const HEADER: usize = 100;

/// What was found at the path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Log,
}

/// The path with something after its last letter, as the engine names the files beside a database.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

pub(super) fn io_error(path: &Path) -> impl Fn(io::Error) -> OpenError {
    move |source| OpenError::Io { path: path.to_owned(), source }
}

/// Takes the log for this store, until the answer is dropped.
///
/// This has to come before anything else opens the file: closing it, this process would give up the locks that another
/// store in it holds.
pub(super) fn lock(path: &Path) -> Result<File, OpenError> {
    let beside = beside(path, ".lock");
    let file = File::options().create(true).truncate(false).write(true).open(&beside).map_err(io_error(&beside))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(OpenError::Io { path: beside, source }),
    }
}

/// Looks at the file's header, and at its length.
pub(super) fn inspect(path: &Path, known: u32) -> Result<Found, OpenError> {
    let wal = length(&beside(path, "-wal"))?.unwrap_or(0);
    let corrupt = |why: String| Err(OpenError::Corrupt { path: path.to_owned(), why });
    let Some(length) = length(path)? else {
        if wal > 0 {
            return corrupt("a write-ahead file lies here, and the log that it belongs to does not".to_owned());
        }
        return Ok(Found::Nothing);
    };
    let mut header = [0_u8; HEADER];
    let mut file = File::open(path).map_err(io_error(path))?;
    let foreign = |why: &str| Err(OpenError::NotALog { path: path.to_owned(), why: why.to_owned() });
    match file.read_exact(&mut header) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            return foreign(if length == 0 { "the file is empty" } else { "the file is too short" });
        }
        Err(source) => return Err(OpenError::Io { path: path.to_owned(), source }),
    }
    if !header.starts_with(MAGIC) {
        return foreign("the file does not begin as one");
    }
    if number(&header, 68) != APPLICATION_ID {
        return foreign("another program made this database");
    }
    let version = number(&header, 60);
    if version > known {
        return Err(OpenError::Newer { path: path.to_owned(), found: version, known });
    }
    let whole = u64::from(number(&header, 28)) * page_size(&header);
    // With a write-ahead file the header may be ahead of a checkpoint that was interrupted; the engine finishes it.
    if wal == 0 && length < whole {
        return corrupt(format!("it should have {whole} bytes and has {length}: it was cut off"));
    }
    Ok(Found::Log)
}

fn length(path: &Path) -> Result<Option<u64>, OpenError> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(Some(found.len())),
        Ok(_) => Err(OpenError::NotALog { path: path.to_owned(), why: "it is not a file".to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(OpenError::Io { path: path.to_owned(), source }),
    }
}

/// Four bytes of the header, most significant first.
fn number(header: &[u8; HEADER], at: usize) -> u32 {
    header.iter().skip(at).take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn page_size(header: &[u8; HEADER]) -> u64 {
    // Two bytes; 65,536 does not fit them and is written as 1.
    match number(header, 16) >> 16 {
        1 => 65_536,
        size => u64::from(size),
    }
}

/// Moves a finished new log into its place, so that there is either a whole log at the path, or nothing.
pub(super) fn put_in_place(finished: &Path, path: &Path) -> Result<(), OpenError> {
    File::open(finished).and_then(|file| file.sync_all()).map_err(io_error(finished))?;
    std::fs::rename(finished, path).map_err(io_error(path))?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io_error(folder))
}

/// Removes what a creation that was interrupted left.
pub(super) fn discard(unfinished: &Path) -> Result<(), OpenError> {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        let path = beside(unfinished, suffix);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(io_error(&path)(error)),
            _ => {}
        }
    }
    Ok(())
}
