//! The staff's agenda: slots with their icons, appointments with the names of who they are for (4.8). Now, or at any
//! moment of the past by the token of an earlier answer, a position or a time.

use crate::http::AppState;
use crate::http::audit::day::StaffAgendaAppointment;
use crate::http::audit::replay::{AgendaQuery, Rendered, StaffAgenda, rendered};
use crate::http::auth::{CARE, Principal};
use crate::http::disclosure::{About, Access};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads::{self, Read};
use axum::extract::State;
use booking_domain::ids::{AppointmentId, ClinicId};
use booking_domain::time::{WallTime, resolve};
use booking_projections::agenda::AppointmentView;
use booking_projections::appointments::AppointmentRow;
use std::collections::HashMap;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(agenda))
}

/// The agenda, at most 31 days, as it is or as it was.
#[utoipa::path(get, path = "/clinics/{clinic}/agenda", tag = "appointments", operation_id = "getAgenda",
    security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), AgendaQuery),
    responses((status = 200, body = StaffAgenda), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn agenda(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<Uuid>,
    ApiQuery(query): ApiQuery<AgendaQuery>,
) -> ApiResult<Read<StaffAgenda>> {
    let clinic = ClinicId(clinic);
    let access = principal.opens(&app, clinic, CARE, "getAgenda", About::Anybody).await?;
    let rendered = rendered(&app, clinic, &query).await?;
    let mut answer = StaffAgenda::from(&rendered);
    if query.names == Some(false) {
        return access.answer(Read::new(answer, rendered.fresh)).await;
    }
    let rows = rows(&app, clinic, &rendered).await?;
    for (shown, view) in answer.days.iter_mut().zip(&rendered.days) {
        for (appointment, view) in shown.appointments.iter_mut().zip(&view.appointments) {
            name(&app, &access, clinic, appointment, view, rows.get(&view.id)).await?;
        }
    }
    access.answer(Read::new(answer, rendered.fresh)).await
}

/// Adds who an appointment is for: the record that stood there at the moment shown, or the provisional contact.
async fn name(
    app: &AppState,
    access: &Access<'_>,
    clinic: ClinicId,
    shown: &mut StaffAgendaAppointment,
    view: &AppointmentView,
    row: Option<&AppointmentRow>,
) -> ApiResult<()> {
    let row = match row {
        // What a booking has sealed never changes, so the row of today serves the past too.
        None if view.patient.is_none() => app.views.appointments.by_id(view.id).await.map_err(reads::unanswered)?,
        other => other.cloned(),
    };
    let contact = row.as_ref().filter(|row| row.clinic == clinic).and_then(|row| row.contact.as_ref());
    shown.name = Some(access.name_of(view.patient, view.subject, contact).await?);
    Ok(())
}

/// The appointments that stand in these days now, in one question. Those that have left are looked up one by one.
async fn rows(
    app: &AppState,
    clinic: ClinicId,
    rendered: &Rendered,
) -> ApiResult<HashMap<AppointmentId, AppointmentRow>> {
    const MOST: usize = 10_000;
    let zone = rendered.clinic.zone();
    let dates = rendered.days.iter().map(|day| day.date);
    let (Some(first), Some(last)) = (dates.clone().min(), dates.max()) else { return Ok(HashMap::new()) };
    let from = resolve(first, WallTime(0), zone).first_or_next();
    let to = resolve(last, WallTime::END_OF_DAY, zone).first_or_next();
    let found =
        app.views.appointments.in_range(clinic, (from, to), None, None, MOST).await.map_err(reads::unanswered)?;
    Ok(found.into_iter().map(|row| (row.id, row)).collect())
}
