//! Practitioners who take no more appointments, and who come back. Nothing of theirs is online or opened meanwhile; what
//! is booked stays, and the clinic is told what that is.

use super::roster::ClinicPractitioner;
use super::{Matching, catch_up, made};
use crate::http::AppState;
use crate::http::auth::{ADMINISTRATION, Principal};
use crate::http::clinics::appointments::AppointmentSummary;
use crate::http::commands::{Done, begin};
use crate::http::extract::{ApiPath, CommandHeaders};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads;
use axum::extract::State;
use booking_domain::ids::{AgendaId, ClinicId, PractitionerId};
use booking_domain::time::Instant;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(deactivate)).routes(routes!(reactivate))
}

/// The most appointments that are listed; the rest stands in the agenda.
const LISTED: usize = 500;

/// A practitioner who takes no more appointments.
#[derive(Serialize, ToSchema)]
pub(crate) struct Departure {
    #[serde(flatten)]
    pub(crate) practitioner: ClinicPractitioner,
    /// Appointments to come that stay until they are moved or cancelled: soonest first, at most 500.
    pub(crate) still_booked: Vec<AppointmentSummary>,
}

/// What is still to come in an agenda.
async fn still_booked(app: &AppState, clinic: ClinicId, agenda: AgendaId) -> ApiResult<Vec<AppointmentSummary>> {
    catch_up(app, "appointments").await?;
    let zone = app.engine.rules(clinic).await?.state.zone();
    let ahead = (app.engine.now(), Instant(i64::MAX));
    let rows = app.views.appointments.in_range(clinic, ahead, Some(agenda), None, LISTED).await;
    let rows = rows.map_err(reads::unanswered)?;
    Ok(rows.iter().filter(|row| row.is_live()).map(|row| AppointmentSummary::of_row(row, zone)).collect())
}

/// Takes a practitioner out of service: nothing of theirs is online or opened any more, and what is booked stays.
#[utoipa::path(post, path = "/clinics/{clinic}/practitioners/{practitioner}/deactivate", tag = "clinic",
    operation_id = "deactivatePractitioner", security(("staff" = [])),
    params(Matching, ("clinic" = Uuid, Path, description = "The clinic"),
        ("practitioner" = Uuid, Path, description = "The practitioner")),
    responses((status = 200, body = Departure), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn deactivate(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, id)): ApiPath<(ClinicId, PractitionerId)>,
    headers: CommandHeaders,
) -> ApiResult<Done<Departure>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let if_match = headers.require_match()?;
    ClinicPractitioner::of(&app.engine.rules(clinic).await?.state, id).ok_or_else(Problem::not_found)?;
    let begun = begin(&app, clinic, principal.actor(), "deactivatePractitioner", &headers, &[]).await?;
    let done = app.engine.deactivate_practitioner(&begun.ctx, id, Some(if_match)).await?;
    let practitioner = made(ClinicPractitioner::of(&done.folded.state, id))?;
    let still_booked = match practitioner.agenda {
        Some(agenda) => still_booked(&app, clinic, AgendaId(agenda)).await?,
        None => Vec::new(),
    };
    let revision = practitioner.revision;
    Ok(Done::ok(Departure { practitioner, still_booked }).revision(revision).position(done.position()))
}

/// Takes a practitioner into service again: what is open of theirs may be online at once.
#[utoipa::path(post, path = "/clinics/{clinic}/practitioners/{practitioner}/reactivate", tag = "clinic",
    operation_id = "reactivatePractitioner", security(("staff" = [])),
    params(Matching, ("clinic" = Uuid, Path, description = "The clinic"),
        ("practitioner" = Uuid, Path, description = "The practitioner")),
    responses((status = 200, body = ClinicPractitioner), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn reactivate(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, id)): ApiPath<(ClinicId, PractitionerId)>,
    headers: CommandHeaders,
) -> ApiResult<Done<ClinicPractitioner>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let if_match = headers.require_match()?;
    ClinicPractitioner::of(&app.engine.rules(clinic).await?.state, id).ok_or_else(Problem::not_found)?;
    let begun = begin(&app, clinic, principal.actor(), "reactivatePractitioner", &headers, &[]).await?;
    let done = app.engine.reactivate_practitioner(&begun.ctx, id, Some(if_match)).await?;
    let practitioner = made(ClinicPractitioner::of(&done.folded.state, id))?;
    let revision = practitioner.revision;
    Ok(Done::ok(practitioner).revision(revision).position(done.position()))
}
