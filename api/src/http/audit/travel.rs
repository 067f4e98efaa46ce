//! The portal as it was, to the byte: its page, the services and the availabilities of one viewer at any moment; and an
//! appointment as it was. Without a moment the same is a preview: the portal as somebody would see it now.

use super::past::{Past, WhenQuery, Who};
use super::replay::AsOf;
use crate::http::AppState;
use crate::http::auth::{ANY_STAFF, AUDIT, Principal};
use crate::http::clinics::appointments::AppointmentSummary;
use crate::http::disclosure::About;
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::portal::PortalClinic;
use crate::http::portal::browse::{Availabilities, Services, Wanted, page};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads::{self, Read};
use axum::extract::State;
use booking_domain::ids::{AppointmentId, ClinicId, ServiceId};
use booking_domain::visibility::is_listed;
use booking_engine::Whereabouts;
use serde::Deserialize;
use utoipa::IntoParams;
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

/// As whom and when.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeenQuery {
    /// As this patient; none: as somebody whom nobody knows, or with a `proof` somebody with a record of whom nothing
    /// else is known.
    pub(crate) patient: Option<Uuid>,
    /// The patient is `recognized` (the default) or has `proven` it.
    pub(crate) proof: Option<String>,
    /// With the holds of this visit.
    pub(crate) visit: Option<Uuid>,
    /// As the visitor who booked this appointment online: what its booking recorded of them.
    pub(crate) appointment: Option<Uuid>,
    /// The `as_of` of an answer: shows that answer again. None of the three: now.
    pub(crate) as_of: Option<String>,
    /// Position of an event: right after it.
    pub(crate) at_position: Option<u64>,
    /// RFC 3339: at that moment.
    pub(crate) at_time: Option<String>,
}

/// Which availabilities, as whom and when.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeenPageQuery {
    /// The service.
    pub(crate) service: Uuid,
    /// First day, `yyyy-mm-dd`; none: the day of the moment.
    pub(crate) from: Option<String>,
    /// Last day, included; none: 60 days on.
    pub(crate) to: Option<String>,
    /// Ids of practitioners, separated by commas.
    pub(crate) practitioner: Option<String>,
    /// Weekdays, separated by commas: `mon`, `tue`, …
    pub(crate) weekday: Option<String>,
    /// Parts of the day, separated by commas: `morning`, `afternoon`, `evening`.
    pub(crate) part: Option<String>,
    /// Availabilities on a page, 1 to 100.
    pub(crate) limit: Option<u32>,
    /// Continue after the last page.
    pub(crate) cursor: Option<String>,
    /// Also count the availabilities of every day asked for.
    pub(crate) counts: Option<bool>,
    /// As this patient; none: as somebody whom nobody knows, or with a `proof` somebody with a record of whom nothing
    /// else is known.
    pub(crate) patient: Option<Uuid>,
    /// The patient is `recognized` (the default) or has `proven` it.
    pub(crate) proof: Option<String>,
    /// With the holds of this visit.
    pub(crate) visit: Option<Uuid>,
    /// As the visitor who booked this appointment online: what its booking recorded of them.
    pub(crate) appointment: Option<Uuid>,
    /// The `as_of` of an answer: shows that answer again. None of the three: now.
    pub(crate) as_of: Option<String>,
    /// Position of an event: right after it.
    pub(crate) at_position: Option<u64>,
    /// RFC 3339: at that moment.
    pub(crate) at_time: Option<String>,
}

impl SeenQuery {
    pub(crate) fn who(&self) -> Who {
        let (patient, proof, visit, appointment) = (self.patient, self.proof.clone(), self.visit, self.appointment);
        Who { patient, proof, visit, appointment }
    }
    pub(crate) fn when(&self) -> WhenQuery {
        let (as_of, at_time) = (self.as_of.clone(), self.at_time.clone());
        WhenQuery { as_of, at_position: self.at_position, at_time }
    }
}

impl SeenPageQuery {
    pub(crate) fn who(&self) -> Who {
        let (patient, proof, visit, appointment) = (self.patient, self.proof.clone(), self.visit, self.appointment);
        Who { patient, proof, visit, appointment }
    }
    pub(crate) fn when(&self) -> WhenQuery {
        let (as_of, at_time) = (self.as_of.clone(), self.at_time.clone());
        WhenQuery { as_of, at_position: self.at_position, at_time }
    }
    /// What the visitor asked.
    fn wanted(&self) -> Wanted {
        Wanted {
            service: self.service,
            from: self.from.clone(),
            to: self.to.clone(),
            practitioner: self.practitioner.clone(),
            weekday: self.weekday.clone(),
            part: self.part.clone(),
            limit: self.limit,
            cursor: self.cursor.clone(),
            counts: self.counts,
            after: None,
        }
    }
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
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic"), SeenQuery),
    responses((status = 200, body = Services), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn services(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<Uuid>,
    ApiQuery(query): ApiQuery<SeenQuery>,
) -> ApiResult<Read<Services>> {
    let (clinic, who) = (ClinicId(clinic), query.who());
    let access = principal.opens(&app, clinic, ANY_STAFF, "replayServices", who.about()).await?;
    let past = Past::of(&app, clinic, &query.when()).await?;
    access.found(who.note(&app, clinic, &access).await).await?;
    let rules = past.rules().await?;
    rules_open(&rules)?;
    let viewer = access.found(past.viewer(&who, None).await).await?;
    access.answer(Read::new(Services::of(&rules, &viewer.facts, past.at.now), true)).await
}

fn rules_open(rules: &booking_domain::clinic::Clinic) -> ApiResult<()> {
    if rules.portal.active { Ok(()) } else { Err(crate::http::portal::closed()) }
}

/// The availabilities as a visitor saw them, or would see them now.
#[utoipa::path(get, path = "/clinics/{clinic}/audit/availabilities", tag = "audit",
    operation_id = "replayAvailabilities", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), SeenPageQuery),
    responses((status = 200, body = Availabilities), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn availabilities(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<Uuid>,
    ApiQuery(query): ApiQuery<SeenPageQuery>,
) -> ApiResult<Read<Availabilities>> {
    let (clinic, who) = (ClinicId(clinic), query.who());
    let access = principal.opens(&app, clinic, ANY_STAFF, "replayAvailabilities", who.about()).await?;
    let past = Past::of(&app, clinic, &query.when()).await?;
    access.found(who.note(&app, clinic, &access).await).await?;
    let answer = seen(&past, &who, &query.wanted()).await?;
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
        let as_of = past.app.views.position().map(|position| AsOf { position, instant: now });
        return page(&rules, &past.app.views.availability, &viewer.facts, wanted, now, (as_of, false));
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
    let rules = past.rules().await?;
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
    let body = access.found(found.ok_or_else(Problem::not_found)).await?;
    access.answer(Read::new(body, true)).await
}
