//! What the folders of a backup say about themselves: enough to know whether two of them belong together.

use super::write_whole;
use anyhow::Context as _;
use booking_domain::time::{Instant, Tz};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The file's name in both folders.
const FILE: &str = "backup.json";
/// How these files are written; a later release reads earlier ones.
const FORMAT: u32 = 1;

/// What the log's folder says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LogManifest {
    /// How this file is written.
    pub format: u32,
    /// The release that took the backup.
    pub release: String,
    /// When, RFC 3339.
    pub taken_at: String,
    /// Events of the log.
    pub events: u64,
    /// Root of the ledger's tree over them, in hexadecimal.
    pub root: String,
}

/// What the vault's folder says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct VaultManifest {
    /// How this file is written.
    pub format: u32,
    /// The release that took the backup.
    pub release: String,
    /// When, RFC 3339.
    pub taken_at: String,
    /// The vault has the keys of so many first events of the log.
    pub keys_of_events: u64,
    /// Root of the ledger's tree over these events: which log it is the vault of.
    pub root: String,
    /// How many events each follower of the log had seen.
    pub seen: BTreeMap<String, u64>,
}

impl LogManifest {
    pub(super) fn new(events: u64, root: String, now: Instant) -> Self {
        let (release, taken_at) = release(now);
        Self { format: FORMAT, release, taken_at, events, root }
    }

    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        write(self, folder)
    }

    /// Of a folder.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        read(folder, |manifest: &Self| manifest.format)
    }
}

impl VaultManifest {
    pub(super) fn new(events: u64, root: String, seen: BTreeMap<String, u64>, now: Instant) -> Self {
        let (release, taken_at) = release(now);
        Self { format: FORMAT, release, taken_at, keys_of_events: events, root, seen }
    }

    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        write(self, folder)
    }

    /// Of a folder.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        read(folder, |manifest: &Self| manifest.format)
    }
}

fn release(now: Instant) -> (String, String) {
    (env!("CARGO_PKG_VERSION").to_owned(), now.rfc3339(Tz::UTC))
}

fn write(manifest: &impl Serialize, folder: &Path) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(manifest)?;
    text.push('\n');
    write_whole(&folder.join(FILE), text.as_bytes())
}

fn read<M: DeserializeOwned>(folder: &Path, format: impl Fn(&M) -> u32) -> anyhow::Result<M> {
    let path = folder.join(FILE);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{} is not a finished backup: no {}", folder.display(), path.display()))?;
    let manifest = serde_json::from_str(&text).with_context(|| format!("{} cannot be read", path.display()))?;
    anyhow::ensure!(format(&manifest) <= FORMAT, "{} was written by a newer release", path.display());
    Ok(manifest)
}
