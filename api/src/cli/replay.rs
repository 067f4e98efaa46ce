//! `replay`: an agenda as it was.

use super::{Data, answer, open};
use booking_domain::agenda_day::AgendaDay;
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AgendaId, ClinicId};
use booking_domain::stream::StreamName;
use booking_domain::time::{Instant, WallDate};
use booking_projections::agenda::render;
use booking_store::Position;
use booking_store::fold::{Upto, load};

#[derive(clap::Args)]
pub(super) struct ReplayArguments {
    #[command(flatten)]
    data: Data,
    /// The clinic.
    #[arg(long)]
    clinic: ClinicId,
    /// The agenda; none: all of the clinic's.
    #[arg(long)]
    agenda: Option<AgendaId>,
    /// The day, yyyy-mm-dd.
    #[arg(long, value_parser = day)]
    date: WallDate,
    /// As it was at this position of the log.
    #[arg(long, conflicts_with = "at_time")]
    at_position: Option<Position>,
    /// As it was at this moment, RFC 3339.
    #[arg(long, value_parser = moment)]
    at_time: Option<Instant>,
}

fn day(text: &str) -> Result<WallDate, String> {
    WallDate::parse(text).ok_or_else(|| "must be a date such as 2026-11-24".to_owned())
}
fn moment(text: &str) -> Result<Instant, String> {
    crate::http::wire::instant("at-time", text).map_err(|e| e.problem)
}

pub(super) async fn run(arguments: ReplayArguments) -> anyhow::Result<()> {
    let app = open(arguments.data.data).await?;
    let upto = match (arguments.at_position, arguments.at_time) {
        (Some(position), _) => Upto::Position(position),
        (_, Some(moment)) => Upto::Moment(moment),
        _ => Upto::Head,
    };
    let log = &**app.log();
    let clinic = load::<Clinic>(log, &StreamName::clinic(arguments.clinic), upto).await?;
    anyhow::ensure!(clinic.revision.is_some(), "there was no such clinic then");
    let agendas: Vec<AgendaId> = match arguments.agenda {
        Some(agenda) => vec![agenda],
        None => clinic.state.agendas.keys().copied().collect(),
    };
    for agenda in agendas {
        let day = load::<AgendaDay>(log, &StreamName::agenda_day(agenda, arguments.date), upto).await?;
        // What was published then is judged at that moment; at a position, at the day's last event up to it.
        let now = match upto {
            Upto::Moment(moment) => moment,
            Upto::Position(_) => day.last_at.max(clinic.last_at),
            Upto::Head => app.engine.now(),
        };
        answer(&serde_json::to_string(&render(&clinic.state, agenda, arguments.date, &day.state, now))?);
    }
    app.close().await;
    Ok(())
}
