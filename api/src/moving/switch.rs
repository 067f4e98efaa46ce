//! A data directory goes over to another log, which holds the same events.
//!
//! In this order, each step once or again after a crash: the vault is told the new positions, the read models go (they are
//! made again at the next start), the old log is put aside or the new one into its place. Nothing is deleted that cannot
//! be made again: the old file stays as `events.db.moved`.

use super::{Outcome, Place, cursors};
use crate::app::lock;
use anyhow::Context as _;
use std::path::{Path, PathBuf};

/// A data directory that is about to go over. It is locked: no server runs on it.
pub struct Switch {
    data: PathBuf,
    _lock: std::fs::File,
}

impl Switch {
    /// Takes the data directory for itself. Refused where its log is not the one that is copied.
    pub async fn of(data: &Path, from: &Place, to: &Place) -> anyhow::Result<Self> {
        let lock = lock(data).await?;
        let vault = data.join("vault.db");
        anyhow::ensure!(vault.exists(), "{} has no vault.db: its positions cannot be said anew", data.display());
        let own = Place::in_directory(data);
        match (from, to) {
            (from, Place::Cluster(_)) if *from == own => {}
            (Place::Cluster(_), Place::File(file)) => {
                anyhow::ensure!(
                    data.join("log.id").exists() || file.parent() == Some(data),
                    "{} does not follow a log on a cluster",
                    data.display()
                );
                let same_disk = file.parent().is_some_and(|folder| folder == data);
                anyhow::ensure!(same_disk, "copy into the data directory itself: --to {}/new.db", data.display());
            }
            _ => anyhow::bail!(
                "{} goes over from its own log to a cluster, or from a cluster to a file in it",
                data.display()
            ),
        }
        Ok(Self { data: data.to_owned(), _lock: lock })
    }

    /// Goes over. Afterwards the server is started with the new place of the log.
    pub async fn carry_out(self, to: &Place, outcome: &Outcome) -> anyhow::Result<()> {
        let vault = self.data.join("vault.db");
        let copied = &outcome.copied;
        let kind = if matches!(to, Place::Cluster(_)) { "cluster" } else { "file" };
        let mark = format!("{kind}.{}", hex::encode(copied.root));
        cursors::translate(&vault, &mark, (&copied.from, &copied.to)).await?;
        booking_projections::discard(&self.data.join("views.db"))?;
        let own = self.data.join("events.db");
        match to {
            Place::Cluster(_) => {
                // The write-ahead file was emptied when the last server ended; whatever is in it goes along.
                for end in ["-wal", "-shm", ""] {
                    put(&beside(&own, end), &self.data.join(format!("events.db.moved{end}")))?;
                }
            }
            Place::File(file) => {
                match std::fs::remove_file(self.data.join("log.id")) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                    _ => {}
                }
                if *file != own {
                    for end in ["-wal", "-shm", ""] {
                        put(&beside(file, end), &beside(&own, end))?;
                    }
                }
            }
        }
        std::fs::File::open(&self.data)?.sync_all()?;
        cursors::unmark(&vault).await
    }
}

pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Renames a file; one that is not there needs no other name.
pub(super) fn put(from: &Path, to: &Path) -> anyhow::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot move {} to {}", from.display(), to.display()))
        }
        _ => Ok(()),
    }
}
