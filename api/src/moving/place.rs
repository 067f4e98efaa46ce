//! Where a log is, in the words of the command line: a data directory, a file, or an address.

use crate::log_place::{Cluster, connect};
use anyhow::Context as _;
use booking_store::copy::{CopyOptions, FileInOrder, InOrder, StoreInOrder};
use booking_store::{EventStore, RawLog, SqliteOptions, SqliteStore};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

/// Where a log is.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// In this file.
    File(PathBuf),
    /// On a cluster; the address may hold a password.
    Cluster(String),
}

/// Not a place of a log.
#[derive(Debug, thiserror::Error)]
#[error("a log is in a data directory, in a file *.db, or at an address esdb://…")]
pub struct PlaceError;

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            Self::Cluster(_) => f.write_str("[cluster]"),
        }
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        match text.split_once("://") {
            Some(("esdb" | "esdb+discover" | "kurrentdb" | "kurrentdb+discover", _)) => {
                Ok(Self::Cluster(text.to_owned()))
            }
            Some(_) => Err(PlaceError),
            None if text.is_empty() => Err(PlaceError),
            None if Path::new(text).extension().is_some_and(|end| end == "db") => Ok(Self::File(text.into())),
            None => Ok(Self::in_directory(Path::new(text))),
        }
    }
}

impl Place {
    /// The log that lies in a data directory.
    pub fn in_directory(data: &Path) -> Self {
        Self::File(data.join("events.db"))
    }

    /// The log, to be read from its beginning to the end that it has now; also beside a running server.
    pub(crate) async fn read(&self) -> anyhow::Result<Box<dyn InOrder>> {
        Ok(match self {
            Self::File(path) => {
                let log = RawLog::open(path).await.with_context(|| format!("cannot read {}", path.display()))?;
                Box::new(FileInOrder::new(log))
            }
            Self::Cluster(address) => Box::new(StoreInOrder::to_its_end(connect(&Cluster::at(address)).await?)),
        })
    }

    /// The log, to be written to; made if it is not there.
    pub(crate) async fn write(&self) -> anyhow::Result<Target> {
        Ok(match self {
            Self::File(path) => {
                if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
                }
                Target::File(SqliteStore::open(path, SqliteOptions::default()).await?)
            }
            Self::Cluster(address) => Target::Cluster(connect(&Cluster::at(address)).await?),
        })
    }
}

/// A log that is written to.
pub(crate) enum Target {
    File(SqliteStore),
    Cluster(Arc<dyn EventStore>),
}

impl Target {
    pub(crate) fn store(&self) -> Arc<dyn EventStore> {
        match self {
            Self::File(file) => Arc::new(file.clone()),
            Self::Cluster(log) => Arc::clone(log),
        }
    }

    /// How a log is copied to it.
    pub(crate) const fn options(&self) -> CopyOptions {
        match self {
            Self::File(_) => CopyOptions::into_a_file(),
            Self::Cluster(_) => CopyOptions::one_by_one(),
        }
    }

    pub(crate) async fn close(&self) {
        if let Self::File(file) = self {
            file.close().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_apart_and_a_password_is_never_shown() {
        let place = |text: &str| text.parse::<Place>().ok();
        assert_eq!(place("/var/lib/booking"), Some(Place::File("/var/lib/booking/events.db".into())));
        assert_eq!(place("copy.db"), Some(Place::File("copy.db".into())));
        assert_eq!(place("https://example.com"), None);
        assert_eq!(place(""), None);
        let cluster = place("esdb://clinic:secret@a:2113").unwrap();
        assert!(matches!(cluster, Place::Cluster(_)));
        assert!(!format!("{cluster:?}").contains("secret"));
    }
}
