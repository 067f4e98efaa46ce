//! `rebuild`: makes read models again from the log.

use super::{Data, answer, open, progress};
use crate::import::Progress;
use tokio_util::sync::CancellationToken;

#[derive(clap::Args)]
pub(super) struct RebuildArguments {
    #[command(flatten)]
    data: Data,
    /// The read models; none: all.
    projection: Vec<String>,
    /// Delete the file of the views first: for one that is damaged.
    #[arg(long)]
    discard: bool,
}

pub(super) async fn run(arguments: RebuildArguments, json: bool) -> anyhow::Result<()> {
    if arguments.discard {
        booking_projections::discard(&arguments.data.data.join("views.db"))?;
    }
    let app = open(&arguments.data).await?;
    let mut names = arguments.projection;
    if names.is_empty() {
        names = app.views.names().into_iter().map(str::to_owned).collect();
    }
    let bars = progress::Bars::default();
    let of = u64::try_from(names.len()).unwrap_or(u64::MAX);
    bars.stage("read models", of);
    for name in names {
        let report = app.views.rebuild(&name, &CancellationToken::new()).await?;
        if json {
            answer(&serde_json::json!({ "projection": name, "agrees": report.agrees() }).to_string());
        } else {
            let agreed = match report.agrees() {
                Some(true) => "as before",
                Some(false) => "DIFFERENT from before",
                None => "nothing to compare with",
            };
            answer(&format!("{name}: made again, {agreed}"));
        }
        bars.advance(1);
    }
    app.close().await;
    Ok(())
}
