//! `replay`: agendas and appointments as they were, and the portal as somebody saw it.

use super::viewer::{Viewer, said};
use super::{Data, answer, open};
use crate::app::App;
use crate::http::audit::past::{Past, WhenQuery};
use crate::http::audit::travel::{seen, services_seen, stood};
use crate::http::portal::PortalClinic;
use crate::http::portal::browse::Wanted;
use crate::http::reads;
use booking_domain::agenda_day::AgendaDay;
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AgendaId, AppointmentId, ClinicId};
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
    /// The services, as a visitor saw them.
    Services,
    /// The availabilities of one service, as a visitor saw them.
    Availabilities,
    /// One appointment, without names.
    Appointment,
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
    /// The appointment that is shown.
    #[arg(long, required_if_eq("show", "appointment"))]
    appointment: Option<AppointmentId>,
    #[command(flatten)]
    viewer: Viewer,
    /// The agenda; none: all of the clinic's.
    #[arg(long)]
    agenda: Option<AgendaId>,
    /// The day, yyyy-mm-dd; of availabilities, the first.
    #[arg(long, value_parser = day, required_if_eq("show", "agenda"))]
    date: Option<WallDate>,
    /// Availabilities on a page, 1 to 100; none: 20.
    #[arg(long)]
    limit: Option<u32>,
    /// As it was at this position of the log.
    #[arg(long, conflicts_with = "at_time")]
    at_position: Option<Position>,
    /// As it was at this moment, RFC 3339.
    #[arg(long, value_parser = moment)]
    at_time: Option<Instant>,
    /// The `as_of` of an answer: prints that answer again.
    #[arg(long, conflicts_with_all = ["at_position", "at_time"])]
    as_of: Option<String>,
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

/// The same answers as the API's, to the byte.
async fn portal(app: &Arc<App>, arguments: &ReplayArguments) -> anyhow::Result<()> {
    let ReplayArguments { clinic, viewer, .. } = arguments;
    let at_time = arguments.at_time.map(|at| at.rfc3339(booking_domain::time::Tz::UTC));
    let as_of = arguments.as_of.clone();
    let when = WhenQuery { as_of, at_position: arguments.at_position.map(|p| p.0), at_time };
    let past = Past::of(app, *clinic, &when).await.map_err(said)?;
    let rules = past.rules().await.map_err(said)?;
    anyhow::ensure!(rules.registered.is_some(), "there was no such clinic then");
    let told = match arguments.show {
        Show::Services => {
            viewer.record(app, *clinic, "replayServices").await?;
            serde_json::to_string(&services_seen(&past, &viewer.who()).await.map_err(said)?)?
        }
        Show::Availabilities => {
            viewer.record(app, *clinic, "replayAvailabilities").await?;
            let service = arguments.service.unwrap_or_default();
            let from = arguments.date.map(|date| date.to_string());
            let wanted = Wanted { service, from, limit: arguments.limit, ..Wanted::default() };
            serde_json::to_string(&seen(&past, &viewer.who(), &wanted).await.map_err(said)?)?
        }
        Show::Appointment => {
            let row =
                reads::appointment(app, *clinic, arguments.appointment.unwrap_or_default()).await.map_err(said)?;
            serde_json::to_string(&stood(&past, &row).await.map_err(said)?)?
        }
        Show::Agenda | Show::Portal => serde_json::to_string(&PortalClinic::of(&rules))?,
    };
    answer(&told);
    Ok(())
}
