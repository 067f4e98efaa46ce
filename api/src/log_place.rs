//! Where the log is: a file in the data directory, or a cluster that many nodes share.
//!
//! A data directory belongs to one log for good: its vault has the keys of that log's people, its read models stand at
//! that log's positions. So it remembers the log's first event, and refuses another log.

use anyhow::Context as _;
use booking_store::{EventStore, SqliteOptions, SqliteStore};
use std::path::Path;
use std::sync::Arc;

/// The connection string of a cluster. It may hold a password: it is never shown.
#[derive(Clone)]
pub struct Cluster(
    #[cfg_attr(not(feature = "kurrentdb"), allow(dead_code, reason = "told to the client alone"))] String,
);

impl Cluster {
    /// `esdb://user:password@host:2113,host:2113?…`
    pub fn at(connection: impl Into<String>) -> Self {
        Self(connection.into())
    }
}

/// A log that is open.
pub(crate) struct OpenLog {
    pub(crate) log: Arc<dyn EventStore>,
    file: Option<SqliteStore>,
    /// It was not empty when it was opened; known of a cluster only.
    pub(crate) has_events: bool,
}

impl OpenLog {
    /// Opens the log in this data directory, or makes it.
    pub(crate) async fn file(data: &Path, options: SqliteOptions) -> anyhow::Result<Self> {
        let file = SqliteStore::open(&data.join("events.db"), options).await?;
        Ok(Self { log: Arc::new(file.clone()), file: Some(file), has_events: false })
    }

    /// Reaches the log on a cluster, if it is the one that this data directory belongs to.
    pub(crate) async fn cluster(data: &Path, cluster: &Cluster) -> anyhow::Result<Self> {
        anyhow::ensure!(
            !data.join("events.db").exists(),
            "{} holds a log of its own, events.db: start without --log, or take another data directory",
            data.display()
        );
        let log = connect(cluster).await?;
        let first = log.read_all(None, 1).await?.events.first().map(|event| event.id.to_string());
        let has_events = first.is_some();
        let remembered = data.join("log.id");
        let known = std::fs::read_to_string(&remembered).ok();
        match (first, known) {
            (first, Some(known)) => anyhow::ensure!(
                first.as_deref() == Some(known.trim()),
                "{} belongs to another log than the one at --log, or that log was emptied: look at the address, or restore \
                 the log",
                data.display()
            ),
            // A directory without keys is refused right after, and stays without a log.
            (Some(first), None) if data.join("root.key").exists() => {
                std::fs::write(&remembered, first).with_context(|| format!("cannot write {}", remembered.display()))?;
            }
            (_, None) => {}
        }
        Ok(Self { log, file: None, has_events })
    }

    /// The log's file, if it is in the data directory.
    pub(crate) const fn in_file(&self) -> Option<&SqliteStore> {
        self.file.as_ref()
    }

    /// Writes what is waiting.
    pub(crate) async fn close(&self) {
        if let Some(file) = &self.file {
            file.close().await;
        }
    }
}

/// Reaches the log at an address.
#[cfg(feature = "kurrentdb")]
pub(crate) async fn connect(cluster: &Cluster) -> anyhow::Result<Arc<dyn EventStore>> {
    let options = booking_store::KurrentOptions::default();
    Ok(Arc::new(booking_store::KurrentStore::connect(&cluster.0, options).await?))
}

/// Reaches the log at an address.
#[cfg(not(feature = "kurrentdb"))]
pub(crate) fn connect(_: &Cluster) -> std::future::Ready<anyhow::Result<Arc<dyn EventStore>>> {
    std::future::ready(Err(anyhow::anyhow!(
        "this build keeps the log in a file only: a log on a cluster needs one with the feature kurrentdb"
    )))
}
