//! Where the vault is: a file in the data directory, or a database on a PostgreSQL server that many nodes share.
//!
//! The root key is in the data directory in any case: whoever has the database alone can read nothing.

use anyhow::Context as _;
use booking_engine::vault::{Created, Entropy, ROOT_KEY_FILE, VAULT_FILE, Vault};
use std::path::Path;
use std::sync::Arc;

/// The address of the database. It may hold a password: it is never shown.
#[derive(Clone)]
pub struct VaultServer(String);

impl VaultServer {
    /// `postgres://user:password@host/database?…`
    pub fn at(address: impl Into<String>) -> Self {
        Self(address.into())
    }

    /// For whoever connects.
    pub(crate) fn address(&self) -> &str {
        &self.0
    }
}

/// Refuses a data directory that has not what it takes, before anything is made in it. `log_has_events`: a vault or a root
/// key that is made now would open nothing of the log.
pub(crate) fn check(data: &Path, server: Option<&VaultServer>, log_has_events: bool) -> anyhow::Result<()> {
    let file = data.join(VAULT_FILE).exists();
    if server.is_none() {
        anyhow::ensure!(
            file || !log_has_events,
            "the log has events, but {} has no vault: restore vault.db and root.key, without which nothing personal in the \
             log can be read, or say with --vault where the vault is",
            data.display()
        );
        return Ok(());
    }
    anyhow::ensure!(
        !file,
        "{} holds a vault of its own, vault.db: start without --vault, or take another data directory",
        data.display()
    );
    anyhow::ensure!(
        data.join(ROOT_KEY_FILE).exists() || !log_has_events,
        "the log has events, but {} has no root.key: copy it from another node, or restore it",
        data.display()
    );
    Ok(())
}

/// Opens the vault, and makes it where the log is empty and there is none.
pub(crate) async fn open(
    data: &Path,
    server: Option<&VaultServer>,
    log_has_events: bool,
    entropy: Arc<dyn Entropy>,
) -> anyhow::Result<(Vault, Created)> {
    match server {
        None => Vault::open_dir(data, entropy).await.context("vault"),
        Some(server) => Vault::open_server(data, &server.0, !log_has_events, entropy).await.context("vault"),
    }
}
