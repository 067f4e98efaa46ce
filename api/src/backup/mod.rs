//! Backups: the log and the vault, each in a folder of its own, taken while the server runs.
//!
//! **The log first, the vault second.** A key is in the vault before anything that it seals is in the log. So a copy of the
//! vault that was begun after the log's was finished has the key of everybody in the log's copy, but of those who were
//! erased in between; the other way round the last to book would be unreadable for ever. **The erasure list last**: a key is
//! destroyed after its person is on the list, so whoever's key is missing from the copy is on the list that lies beside it.
//!
//! Neither folder has the root key, without which the vault opens nothing, nor the ledger's key: they are copied once, by
//! hand, to somewhere else.
//!
//! The log's folder is added to: another backup appends what is new, after it has compared what is there. So it can be
//! taken every few minutes, and a backup that was broken off is taken again.
//!
//! | file | what it does |
//! |---|---|
//! | `manifest` | what each folder says about itself |
//! | `vault_copy` | the vault's file, while a server writes to it |
//! | `restore` | a data directory from both folders, as it was at a position |

mod manifest;
mod restore;
mod vault_copy;

pub use manifest::{LogManifest, VaultManifest};
pub use restore::{Restore, Restored, restore};

use crate::erasures::LIST;
use crate::ledger::{KEYS_FILE, NotesOfFile, Shelf};
use crate::moving::{Place, agrees, cursors};
use anyhow::Context as _;
use booking_domain::time::Instant;
use booking_events::ledger::Checkpoint;
use booking_store::copy::{CopyOptions, copy};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What a backup is taken of, and where to.
#[derive(Clone, Debug)]
pub struct Backup {
    /// The data directory.
    pub data: PathBuf,
    /// Where its log is.
    pub log: Place,
    /// The folder for the log and what was signed of it.
    pub log_to: PathBuf,
    /// The folder for the vault.
    pub vault_to: PathBuf,
}

/// Takes a backup; also while a server runs. `told` hears how many events it has come by.
pub async fn backup(
    what: &Backup,
    now: Instant,
    told: impl FnMut(u64) + Send,
) -> anyhow::Result<(LogManifest, VaultManifest)> {
    let Backup { data, log_to, vault_to, .. } = what;
    anyhow::ensure!(log_to != vault_to, "log and vault go into folders of their own, which are kept apart");
    let vault = data.join("vault.db");
    anyhow::ensure!(vault.exists(), "{} has no vault.db", data.display());
    for folder in [log_to, vault_to] {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        private(folder, 0o700)?;
    }
    // What was signed before the log is read is true of the part that is read.
    let shelf = Shelf::at(data);
    let signed = shelf.newest()?.map(|note| shelf.believe(&note)).transpose()?;
    let mut source = what.log.read().await?;
    let target = Place::in_directory(log_to).write().await?;
    let sizes = signed.iter().map(|signed: &Checkpoint| signed.size).collect();
    let options = CopyOptions { sizes, ..target.options() };
    let outcome = copy(&mut *source, target.store(), &options, told).await;
    target.close().await;
    let copied = outcome?;
    if let Some(signed) = &signed {
        agrees(signed, &copied)?;
    }
    // From here on the vault: everything that the copied log needs is in it by now.
    vault_copy::copy(&vault, &vault_to.join("vault.db")).await?;
    let seen = cursors::seen(&vault_to.join("vault.db"), &copied.from).await?;
    // The list last: whoever's key was gone already is on it.
    for folder in [log_to, vault_to] {
        erasures(data, folder)?;
    }
    checkpoints(&shelf, log_to, copied.events)?;
    let log = LogManifest::new(copied.events, hex::encode(copied.root), now);
    let vault = VaultManifest::new(copied.events, hex::encode(copied.root), seen, now);
    // The vault's word first: a log's folder never says more than the vault's folder beside it can open.
    vault.write(vault_to)?;
    log.write(log_to)?;
    Ok((log, vault))
}

/// The erasure list of a data directory, into a folder.
fn erasures(data: &Path, folder: &Path) -> anyhow::Result<()> {
    match std::fs::read(data.join(LIST)) {
        Ok(list) => write_whole(&folder.join("erasures.ndjson"), &list),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).context("cannot read the erasure list"),
    }
}

/// What was signed of the copied events: a checkpoint that speaks of more is left for the next backup.
fn checkpoints(shelf: &Shelf, folder: &Path, events: u64) -> anyhow::Result<()> {
    let to = folder.join("checkpoints");
    std::fs::create_dir_all(&to)?;
    for NotesOfFile { path: file, notes } in shelf.notes()? {
        let kept: Vec<_> = notes.into_iter().filter(|(size, _)| *size <= events).map(|(_, note)| note).collect();
        if let Some(name) = file.file_name().filter(|_| !kept.is_empty()) {
            write_whole(&to.join(name), text_of(kept).as_bytes())?;
        }
    }
    let keys = text_of(shelf.keys()?.iter().map(ToString::to_string));
    if keys.is_empty() { Ok(()) } else { write_whole(&to.join(KEYS_FILE), keys.as_bytes()) }
}

/// Keys, notes or lines as they stand in a file: each with the end of a line after it, which is an empty line for a note.
fn text_of(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().flat_map(|line| [line, "\n".to_owned()]).collect()
}

/// Puts a file into its place whole, on the disk, for its owner alone.
fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let beside = path.with_extension("unfinished");
    let write = || {
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        set_mode(&beside, 0o600)?;
        std::fs::rename(&beside, path)?;
        std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

fn private(path: &Path, mode: u32) -> anyhow::Result<()> {
    set_mode(path, mode).with_context(|| format!("cannot make {} private", path.display()))
}

fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}
