//! `backup` and `restore`.

use super::{Data, answer, progress};
use crate::backup::{self, Backup, Restore};
use crate::moving::Place;
use booking_engine::{Clock as _, SystemClock};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct BackupArguments {
    #[command(flatten)]
    data: Data,
    /// The folder for the log and its checkpoints; a folder of an earlier backup is added to.
    #[arg(long, value_name = "DIR")]
    log_to: PathBuf,
    /// The folder for the vault: keep it apart from the log's, and for a short time.
    #[arg(long, value_name = "DIR")]
    vault_to: PathBuf,
}

#[derive(clap::Args)]
pub(super) struct RestoreArguments {
    #[command(flatten)]
    data: Data,
    /// The log's folder.
    #[arg(long, value_name = "DIR")]
    log_from: PathBuf,
    /// The vault's folder, of the same backup or of a later one.
    #[arg(long, value_name = "DIR")]
    vault_from: PathBuf,
    /// Your copy of the root key.
    #[arg(long, value_name = "FILE")]
    root_key: PathBuf,
    /// Your copy of the key that signs the ledger; none: the next start makes another.
    #[arg(long, value_name = "FILE")]
    ledger_key: Option<PathBuf>,
    /// A newer erasure list, checkpoints/erasures.ndjson of the directory that was lost; may be given several times.
    #[arg(long, value_name = "FILE")]
    erasures: Vec<PathBuf>,
    /// Restore what was there at this position of the log; none: everything.
    #[arg(long, value_name = "POSITION")]
    to_position: Option<u64>,
}

pub(super) async fn backup(arguments: BackupArguments, json: bool) -> anyhow::Result<()> {
    let BackupArguments { data, log_to, vault_to } = arguments;
    only_in_a_file(&data)?;
    let log = data.log.map_or_else(|| Place::in_directory(&data.data), Place::Cluster);
    let what = Backup { data: data.data, log, log_to, vault_to };
    let bar = progress::counter("events");
    let outcome = backup::backup(&what, SystemClock.now(), |events| bar.inc(events)).await;
    bar.finish_and_clear();
    let (log, vault) = outcome?;
    if json {
        answer(&serde_json::json!({ "log": log, "vault": vault }).to_string());
    } else {
        answer(&format!("{} events in {}, root {}", log.events, what.log_to.display(), log.root));
        answer(&format!("the vault in {}: keep it apart, and for 30 days at most", what.vault_to.display()));
        answer("Neither folder has root.key or ledger.key: see that your own copies of them exist.");
    }
    Ok(())
}

/// A vault on a server has that server's own backups.
fn only_in_a_file(data: &Data) -> anyhow::Result<()> {
    anyhow::ensure!(
        data.vault.is_none(),
        "the vault is on a PostgreSQL server, whose own backups are right for it: copy the log with `clinic-booking copy-log`, \
         then the vault with pg_dump, in this order"
    );
    Ok(())
}

pub(super) async fn restore(arguments: RestoreArguments, json: bool) -> anyhow::Result<()> {
    only_in_a_file(&arguments.data)?;
    let RestoreArguments { data, log_from, vault_from, root_key, ledger_key, erasures, to_position } = arguments;
    let (data, cluster) = (data.data, data.log);
    let what = Restore { log_from, vault_from, root_key, ledger_key, erasures, to_position, data, cluster };
    let bar = progress::counter("events");
    let outcome = backup::restore(&what, |events| bar.inc(events)).await;
    bar.finish_and_clear();
    let done = outcome?;
    if json {
        let said = serde_json::json!({ "events": done.events, "root": done.root, "checkpoints": done.checkpoints,
            "left_out": done.left_out, "ledger_begins_anew": done.ledger_begins_anew, "erased": done.erased });
        answer(&said.to_string());
        return Ok(());
    }
    answer(&format!("{} events restored to {}, root {}", done.events, what.data.display(), done.root));
    answer(&format!("{} checkpoints agree; {} persons are on the erasure list", done.checkpoints, done.erased));
    if done.left_out > 0 {
        answer(&format!("{} later events of the backup were left out", done.left_out));
    }
    if done.ledger_begins_anew {
        answer(
            "Checkpoints speak of events that were left out. They lie in checkpoints/before-restore, and the next start signs \
             under a new key: tell whoever relies on the ledger.",
        );
    }
    Ok(())
}
