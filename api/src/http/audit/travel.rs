//! The portal as it was, to the byte: its page, the services and the availabilities of one viewer at any moment; and an
//! appointment as it was. Without a moment the same is a preview: the portal as somebody would see it now.

use super::past::{Past, WhenQuery, Who};
use super::replay::AsOf;
use crate::http::AppState;
use crate::http::auth::{ANY_STAFF, AUDIT, Principal};
use crate::http::clinics::appointments::AppointmentSummary;
use crate::http::disclosure::About;
use crate::http::extract::{ApiPath, ApiQueries, ApiQuery};
use crate::http::portal::PortalClinic;
use crate::http::portal::browse::{Availabilities, Services, Wanted, page};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads::{self, Read};
use axum::extract::State;
use booking_domain::ids::{AppointmentId, ClinicId, ServiceId};
use booking_domain::visibility::is_listed;
use booking_engine::Whereabouts;
use booking_projections::appointments::AppointmentRow;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(portal))
        .routes(routes!(services))
        .routes(routes!(availabilities))
        .routes(routes!(appointment))
}

/// The portal's page as it was.
#[utoipa::path(get, path = "/clinics/{clinic}/audit/portal", tag = "audit", operation_id = "replayPortal",
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic"), WhenQuery),
    responses((status = 200, body = PortalClinic), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn portal(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<Uuid>,
    ApiQuery(when): ApiQuery<WhenQuery>,
) -> ApiResult<Read<PortalClinic>> {
    let clinic = ClinicId(clinic);
    principal.allow(clinic, ANY_STAFF)?;
    let past = Past::of(&app, clinic, &when).await?;
    let rules = past.rules().await?;
    // Before it was configured there was no portal to be seen.
    rules.portal.config.as_ref().ok_or_else(Problem::not_found)?;
    Ok(Read::new(PortalClinic::of(&rules), true))
}

/// The services as a visitor saw them, or would see them now.
#[utoipa::path(get, path = "/clinics/{clinic}/audit/services", tag = "audit", operation_id = "replayServices",
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic"), Who, WhenQuery),
    responses((status = 200, body = Services), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn services(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<Uuid>,
    ApiQueries((who, when)): ApiQueries<(Who, WhenQuery)>,
) -> ApiResult<Read<Services>> {
    let clinic = ClinicId(clinic);
    let access = principal.opens(&app, clinic, ANY_STAFF, "replayServices", who.about()).await?;
    let past = Past::of(&app, clinic, &when).await?;
    access.found(who.note(&app, clinic, &access).await).await?;
    let services = access.found(services_seen(&past, &who).await).await?;
    access.answer(Read::new(services, true)).await
}

/// The services of one viewer at one moment, as the portal answered.
pub(crate) async fn services_seen(past: &Past<'_>, who: &Who) -> ApiResult<Services> {
    let rules = past.rules().await?;
    rules_open(&rules)?;
    let viewer = past.viewer(who, None).await?;
    Ok(Services::of(&rules, &viewer.facts, past.at.now))
}

fn rules_open(rules: &booking_domain::clinic::Clinic) -> ApiResult<()> {
    if rules.portal.active { Ok(()) } else { Err(crate::http::portal::closed()) }
}

/// The availabilities as a visitor saw them, or would see them now.
#[utoipa::path(get, path = "/clinics/{clinic}/audit/availabilities", tag = "audit",
    operation_id = "replayAvailabilities", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), Wanted, Who, WhenQuery),
    responses((status = 200, body = Availabilities), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn availabilities(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<Uuid>,
    ApiQueries((wanted, who, when)): ApiQueries<(Wanted, Who, WhenQuery)>,
) -> ApiResult<Read<Availabilities>> {
    let clinic = ClinicId(clinic);
    let access = principal.opens(&app, clinic, ANY_STAFF, "replayAvailabilities", who.about()).await?;
    let past = Past::of(&app, clinic, &when).await?;
    access.found(who.note(&app, clinic, &access).await).await?;
    let answer = seen(&past, &who, &wanted).await?;
    access.answer(Read::new(answer, true)).await
}

/// The availabilities of one viewer at one moment, as the portal answered.
pub(crate) async fn seen(past: &Past<'_>, who: &Who, wanted: &Wanted) -> ApiResult<Availabilities> {
    let (rules, now) = (past.rules().await?, past.at.now);
    rules_open(&rules)?;
    let service = ServiceId(wanted.service);
    let viewer = past.viewer(who, Some(service)).await?;
    let known = rules.services.get(&service).filter(|s| is_listed(&rules, s, &viewer.facts, now));
    known.ok_or_else(Problem::not_found)?;
    if !past.earlier {
        let stale = !reads::caught_up(past.app, &["availability"], wanted.after.as_deref()).await?;
        let as_of = past.app.views.position().map(|position| AsOf { position, instant: now });
        return page(&rules, &past.app.views.availability, &viewer.facts, wanted, now, (as_of, stale));
    }
    let (from, to) = wanted.days(now.wall(rules.zone()).0)?;
    let view = past.availability(&rules, from, to).await?;
    page(&rules, &view, &viewer.facts, wanted, now, (past.as_of(), false))
}

/// An appointment as it was: where it stood, its status, whose record stood there; without names.
#[utoipa::path(get, path = "/clinics/{clinic}/audit/appointments/{appointment}", tag = "audit",
    operation_id = "replayAppointment", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"),
        ("appointment" = Uuid, Path, description = "The appointment"), WhenQuery),
    responses((status = 200, body = AppointmentSummary), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn appointment(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(path): ApiPath<(Uuid, Uuid)>,
    ApiQuery(when): ApiQuery<WhenQuery>,
) -> ApiResult<Read<AppointmentSummary>> {
    let (clinic, id): (ClinicId, AppointmentId) = reads::ids(path);
    let access = principal.opens(&app, clinic, AUDIT, "replayAppointment", About::Appointment(id)).await?;
    let past = Past::of(&app, clinic, &when).await?;
    let row = access.found(reads::appointment(&app, clinic, id).await).await?;
    access.about_appointment(&row);
    let body = access.found(stood(&past, &row).await).await?;
    access.answer(Read::new(body, true)).await
}

/// An appointment as it stood at a moment.
pub(crate) async fn stood(past: &Past<'_>, row: &AppointmentRow) -> ApiResult<AppointmentSummary> {
    let (rules, id) = (past.rules().await?, row.id);
    // It stood on one of the days that it ever stood on, and was live there, or ended there last.
    let mut found = None;
    for (agenda, date) in row.moved_from.iter().copied().chain([row.place()]) {
        let day = past.day(agenda, date).await?;
        if let Some(appointment) = day.appointments.get(&id)
            && (found.is_none() || appointment.moved_to.is_none())
        {
            let at = Whereabouts { appointment: id, agenda, date };
            found = Some(AppointmentSummary::of_fold(at, appointment, rules.zone()));
        }
    }
    found.ok_or_else(Problem::not_found)
}
