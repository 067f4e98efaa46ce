//! The vault's file, copied while a server writes to it: one moment of it, whole.

use crate::moving::cursors;
use anyhow::Context as _;
use sqlx::Connection as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Copies the vault as it is when this is called, or a little later. Pages of what was deleted are not copied along.
pub(super) async fn copy(vault: &Path, to: &Path) -> anyhow::Result<()> {
    let unfinished = to.with_extension("unfinished");
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    // Made before the database writes to it, so that nobody else ever reads it.
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    let mut connection = cursors::open(vault, true).await?;
    let name = unfinished.to_str().context("the folder's name is no text")?;
    sqlx::query("VACUUM INTO ?")
        .bind(name)
        .execute(&mut connection)
        .await
        .with_context(|| format!("cannot copy the vault to {}", to.display()))?;
    connection.close().await?;
    std::fs::File::open(&unfinished)?.sync_all()?;
    std::fs::rename(&unfinished, to)?;
    std::fs::File::open(to.parent().unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}
