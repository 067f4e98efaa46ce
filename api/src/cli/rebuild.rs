//! `rebuild`: makes read models again from the log.

use super::{Data, answer, open, progress};
use crate::import::Progress;
use booking_projections::RebuildReport;
use futures::StreamExt;
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
    let (names, cancel) = (arguments.projection, CancellationToken::new());
    let bars = progress::Bars::default();
    let of = if names.is_empty() { app.views.names().len() } else { names.len() };
    bars.stage("read models", u64::try_from(of).unwrap_or(u64::MAX));
    let mut reports = if names.is_empty() {
        app.views.rebuild_all(&cancel).boxed()
    } else {
        futures::stream::iter(&names).then(|name| app.views.rebuild(name, &cancel)).boxed()
    };
    while let Some(report) = reports.next().await {
        tell(&report?, json);
        bars.advance(1);
    }
    drop(reports);
    app.close().await;
    Ok(())
}

fn tell(report: &RebuildReport, json: bool) {
    let (name, agrees) = (report.projection, report.agrees());
    if json {
        answer(&serde_json::json!({ "projection": name, "agrees": agrees }).to_string());
        return;
    }
    let found = match agrees {
        Some(true) => "as before",
        Some(false) => "DIFFERENT from before",
        None => "nothing to compare with",
    };
    answer(&format!("{name}: made again, {found}"));
}
