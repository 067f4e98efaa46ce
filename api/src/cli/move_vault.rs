//! `move-vault`: the vault's file onto a PostgreSQL server that several nodes can share.

use super::{Data, answer};
use crate::moving::move_vault;
use crate::vault_place::VaultServer;
use anyhow::Context as _;
use booking_engine::vault::VAULT_FILE;

pub(super) async fn run(data: &Data, json: bool) -> anyhow::Result<()> {
    let address = data.vault.clone().context("say with --vault where the vault goes")?;
    let rows = move_vault(&data.data, &VaultServer::at(address)).await?;
    if json {
        answer(&serde_json::json!({ "rows": rows }).to_string());
        return Ok(());
    }
    let aside = data.data.join(format!("{VAULT_FILE}.moved"));
    answer(&format!("{rows} rows; read again on the server, they are the same."));
    answer("Start the server with --vault from now on.");
    answer(&format!(
        "{} holds keys that may be destroyed from now on: delete it when the server's first backup is made.",
        aside.display()
    ));
    Ok(())
}
