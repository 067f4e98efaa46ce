//! `replay`: agendas as they were, and the portal as somebody saw it.

use super::{Data, answer, open};
use crate::app::App;
use crate::http::audit::past::{Past, WhenQuery, Who};
use crate::http::audit::travel::seen;
use crate::http::portal::PortalClinic;
use crate::http::portal::browse::{Services, Wanted};
use crate::http::problem::Problem;
use booking_domain::agenda_day::AgendaDay;
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AgendaId, ClinicId};
use booking_domain::stream::StreamName;
use booking_domain::time::{Instant, WallDate};
use booking_projections::agenda::render;
use booking_store::Position;
use booking_store::fold::{Upto, load};
use std::sync::Arc;
use uuid::Uuid;

/// What is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Show {
    /// Agendas of one day.
    Agenda,
    /// The portal's page.
    Portal,
    /// The services, as an unknown visitor saw them.
    Services,
    /// The availabilities of one service, as an unknown visitor saw them.
    Availabilities,
}

#[derive(clap::Args)]
pub(super) struct ReplayArguments {
    #[command(flatten)]
    data: Data,
    /// The clinic.
    #[arg(long)]
    clinic: ClinicId,
    /// What to show.
    #[arg(long, value_enum, default_value = "agenda")]
    show: Show,
    /// The service whose availabilities are shown.
    #[arg(long, required_if_eq("show", "availabilities"))]
    service: Option<Uuid>,
    /// The agenda; none: all of the clinic's.
    #[arg(long)]
    agenda: Option<AgendaId>,
    /// The day, yyyy-mm-dd; of availabilities, the first.
    #[arg(long, value_parser = day, required_if_eq("show", "agenda"))]
    date: Option<WallDate>,
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
pub(super) fn moment(text: &str) -> Result<Instant, String> {
    crate::http::wire::instant("at-time", text).map_err(|e| e.problem)
}

pub(super) async fn run(arguments: ReplayArguments) -> anyhow::Result<()> {
    let app = open(&arguments.data).await?;
    let told = match (arguments.show, arguments.date) {
        (Show::Agenda, Some(date)) => agendas(&app, &arguments, date).await,
        _ => portal(&app, &arguments).await,
    };
    app.close().await;
    told
}

async fn agendas(app: &Arc<App>, arguments: &ReplayArguments, date: WallDate) -> anyhow::Result<()> {
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
        let day = load::<AgendaDay>(log, &StreamName::agenda_day(agenda, date), upto).await?;
        // What was published then is judged at that moment; at a position, at the day's last event up to it.
        let now = match upto {
            Upto::Moment(moment) => moment,
            Upto::Position(_) => day.last_at.max(clinic.last_at),
            Upto::Head => app.engine.now(),
        };
        answer(&serde_json::to_string(&render(&clinic.state, agenda, date, &day.state, now))?);
    }
    Ok(())
}

/// The same answers as the portal's, to the byte.
async fn portal(app: &Arc<App>, arguments: &ReplayArguments) -> anyhow::Result<()> {
    let at_time = arguments.at_time.map(|at| at.rfc3339(booking_domain::time::Tz::UTC));
    let when = WhenQuery { as_of: None, at_position: arguments.at_position.map(|p| p.0), at_time };
    let said = |problem: Problem| anyhow::anyhow!(problem.title);
    let past = Past::of(app, arguments.clinic, &when).await.map_err(said)?;
    let rules = past.rules().await.map_err(said)?;
    anyhow::ensure!(rules.registered.is_some(), "there was no such clinic then");
    let told = match arguments.show {
        Show::Services => {
            let viewer = past.viewer(&Who::default(), None).await.map_err(said)?;
            serde_json::to_string(&Services::of(&rules, &viewer.facts, past.at.now))?
        }
        Show::Availabilities => {
            let service = arguments.service.unwrap_or_default();
            let from = arguments.date.map(|date| date.to_string());
            let wanted = Wanted { service, from, limit: Some(100), ..Wanted::default() };
            serde_json::to_string(&seen(&past, &Who::default(), &wanted).await.map_err(said)?)?
        }
        Show::Agenda | Show::Portal => serde_json::to_string(&PortalClinic::of(&rules))?,
    };
    answer(&told);
    Ok(())
}
