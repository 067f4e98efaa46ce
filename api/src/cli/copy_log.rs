//! `copy-log`: a log into another store, the same to the leaf; and a data directory that goes over to it.

use super::{answer, progress};
use crate::moving::{Place, Switch, copy_log};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(super) struct CopyLogArguments {
    /// The log: a data directory, a file *.db, or esdb://…
    #[arg(long, value_name = "PLACE", env = "CLINIC_BOOKING_COPY_FROM", hide_env_values = true)]
    from: Place,
    /// Where it is copied to: a data directory, a file *.db, or esdb://…
    #[arg(long, value_name = "PLACE", env = "CLINIC_BOOKING_COPY_TO", hide_env_values = true)]
    to: Place,
    /// When the copy is whole, this data directory goes over to it; no server may run on it.
    #[arg(long, value_name = "DIR")]
    switch: Option<PathBuf>,
}

pub(super) async fn run(arguments: CopyLogArguments, json: bool) -> anyhow::Result<()> {
    let CopyLogArguments { from, to, switch } = arguments;
    let going_over = match switch.as_deref() {
        Some(data) => Some(Switch::of(data, &from, &to).await?),
        None => None,
    };
    let bar = progress::counter("events");
    let of_file = match &from {
        Place::File(file) => file.parent().map(Path::to_owned),
        Place::Cluster(_) => None,
    };
    let outcome = copy_log(&from, &to, switch.as_deref().or(of_file.as_deref()), |events| bar.inc(events)).await;
    bar.finish_and_clear();
    let outcome = outcome?;
    if let Some(going_over) = going_over {
        going_over.carry_out(&to, &outcome).await?;
    }
    let (copied, signed) = (&outcome.copied, outcome.signed.as_ref().map(|signed| signed.size));
    let root = hex::encode(copied.root);
    if json {
        let said = serde_json::json!({ "events": copied.events, "appended": copied.appended, "root": root,
            "signed_events": signed, "switched": switch });
        answer(&said.to_string());
        return Ok(());
    }
    answer(&format!(
        "{} events, {} of them new; read again, the copy has the same root {root}",
        copied.events, copied.appended
    ));
    match signed {
        Some(size) => answer(&format!("The first {size} are those of the newest checkpoint.")),
        None => answer("No checkpoint lies beside the log: nothing signed was compared."),
    }
    match (&switch, &to) {
        (Some(data), Place::Cluster(_)) => answer(&format!(
            "{} goes on with the copy: start the server with --log. The old log is {}.",
            data.display(),
            data.join("events.db.moved").display()
        )),
        (Some(data), Place::File(_)) => {
            answer(&format!("{} goes on with the copy: start the server without --log.", data.display()));
        }
        (None, _) => answer("Nothing uses the copy yet: run this again with --switch, while no server runs."),
    }
    Ok(())
}
