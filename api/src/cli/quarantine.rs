//! `quarantine`: a read model leaves out the one event at which it stopped, for good, with a reason. Where a server runs on
//! the data directory it is the server that does it.

use super::{Data, answer};
use crate::app::{App, DataInUse};
use crate::operator::{Door, Quarantine, quarantine};

#[derive(clap::Args)]
pub(super) struct QuarantineArguments {
    #[command(flatten)]
    data: Data,
    /// The read model that stopped, as `doctor` and /readyz name it.
    projection: String,
    /// The position at which it stopped.
    #[arg(long)]
    position: u64,
    /// Why the event is left out; recorded.
    #[arg(long)]
    why: String,
}

pub(super) async fn run(arguments: QuarantineArguments, json: bool) -> anyhow::Result<()> {
    let QuarantineArguments { data, projection, position, why } = arguments;
    let made = data.log.is_some() || data.data.join("events.db").exists();
    anyhow::ensure!(made, "there is no log in {}", data.data.display());
    let what = Quarantine { projection, position, why };
    match App::open(data.without_signing()).await {
        Ok(app) => {
            let outcome = quarantine(&app, &what).await;
            app.close().await;
            outcome?;
        }
        Err(error) if error.downcast_ref::<DataInUse>().is_some() => {
            Door::of(&data.data)?.has_quarantined(&what).await?;
        }
        Err(error) => return Err(error),
    }
    let Quarantine { projection, position, .. } = &what;
    if json {
        answer(&serde_json::json!({ "projection": projection, "quarantined": position }).to_string());
    } else {
        answer(&format!(
            "{projection} goes on without the event at position {position}; rebuilding leaves it out too."
        ));
    }
    Ok(())
}
