//! `explain`: why an availability is, or is not, shown to somebody at a moment.
//!
//! To look as a patient is to look at what is known of them, so it is recorded like any other look.

use super::viewer::{Viewer, said};
use super::{Data, answer, open};
use crate::app::App;
use crate::http::audit::explain::{Spot, explained};
use crate::http::audit::past::{Past, WhenQuery};
use booking_domain::ids::{AgendaId, ClinicId, ServiceId, SlotId};
use booking_domain::time::Instant;
use std::sync::Arc;

#[derive(clap::Args)]
pub(super) struct ExplainArguments {
    #[command(flatten)]
    data: Data,
    /// The clinic.
    #[arg(long)]
    clinic: ClinicId,
    /// The service.
    #[arg(long)]
    service: ServiceId,
    /// The agenda.
    #[arg(long)]
    agenda: AgendaId,
    /// The slot.
    #[arg(long)]
    slot: SlotId,
    /// Start of the availability, RFC 3339.
    #[arg(long, value_parser = super::replay::moment)]
    start: Instant,
    #[command(flatten)]
    viewer: Viewer,
    /// At this position of the log.
    #[arg(long, conflicts_with = "at_time")]
    at_position: Option<u64>,
    /// At this moment, RFC 3339.
    #[arg(long)]
    at_time: Option<String>,
}

pub(super) async fn run(arguments: ExplainArguments, json: bool) -> anyhow::Result<()> {
    let app = open(&arguments.data).await?;
    let told = tell(&app, arguments, json).await;
    app.close().await;
    told
}

async fn tell(app: &Arc<App>, arguments: ExplainArguments, json: bool) -> anyhow::Result<()> {
    let ExplainArguments { clinic, service, agenda, slot, start, viewer, at_position, at_time, .. } = arguments;
    let when = WhenQuery { as_of: None, at_position, at_time };
    let past = Past::of(app, clinic, &when).await.map_err(said)?;
    let spot = Spot { agenda, slot, start };
    let explanation = explained(&past, &viewer.who(), service, spot).await.map_err(said)?;
    viewer.record(app, clinic, "explainAvailability").await?;
    if json {
        answer(&serde_json::to_string(&explanation)?);
        return Ok(());
    }
    answer(&explanation.en);
    for rule in &explanation.rules {
        let who = rule.set_by.as_ref().map(|set| {
            let name = set.name.as_deref().unwrap_or(set.actor);
            format!(" ({} by {name}, {}, revision {} of {})", set.what, set.at, set.revision, set.stream)
        });
        let mark = if rule.passed { "yes" } else { "no " };
        answer(&format!("{mark}  {}{}", rule.en, who.unwrap_or_default()));
    }
    for change in &explanation.smallest_change {
        answer(&format!("otherwise if: {}", change.en));
    }
    Ok(())
}
