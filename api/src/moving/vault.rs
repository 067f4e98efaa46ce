//! The vault of a data directory goes onto a server.

use super::switch::{beside, put};
use crate::app::lock;
use crate::vault_place::VaultServer;
use anyhow::Context as _;
use booking_engine::vault::{VAULT_FILE, copy_to_server};
use std::path::Path;

/// Copies every row onto the server, compares, and puts the file aside as `vault.db.moved`. Answers how many rows there are.
///
/// Refused while a server runs on the data directory. After a crash it is called again.
pub async fn move_vault(data: &Path, to: &VaultServer) -> anyhow::Result<u64> {
    let _lock = lock(data).await?;
    let file = data.join(VAULT_FILE);
    anyhow::ensure!(file.exists(), "{} has no {VAULT_FILE}: it was moved before, or is somewhere else", data.display());
    let rows = copy_to_server(&file, to.address()).await.context("vault")?;
    // The write-ahead file was emptied when the file was closed; whatever is in it goes along.
    for end in ["-wal", "-shm", ""] {
        put(&beside(&file, end), &data.join(format!("{VAULT_FILE}.moved{end}")))?;
    }
    std::fs::File::open(data)?.sync_all()?;
    Ok(rows)
}
