//! Online services: what patients choose. A change takes effect at once, on open slots too (R7, 8.3).

use super::service_form::ServiceForm;
use super::{Listed, Matching, Retryable, catch_up, made};
use crate::http::AppState;
use crate::http::auth::{ADMINISTRATION, ANY_STAFF, Principal};
use crate::http::commands::{Done, begin};
use crate::http::extract::{ApiJson, ApiPath, CommandHeaders};
use crate::http::problem::{ApiResult, Problem};
use axum::Json;
use axum::extract::State;
use booking_domain::clinic::{Clinic, Service, ServiceConfigured, decide_configure_service};
use booking_domain::ids::{ClinicId, PractitionerId, ServiceId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, configure))
        .routes(routes!(preview))
        .routes(routes!(one, change))
        .routes(routes!(deactivate))
        .routes(routes!(preview_change))
}

/// An online service.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClinicService {
    /// Id.
    pub(crate) id: Uuid,
    /// Off: nothing of it is shown, its appointments stay. Configuring it anew switches it on.
    pub(crate) active: bool,
    /// What `If-Match` wants.
    pub(crate) revision: u64,
    /// Its configuration; this is what a change sends, as a whole.
    pub(crate) config: ServiceForm,
}

impl ClinicService {
    fn of(clinic: &Clinic, id: ServiceId) -> Option<Self> {
        let known = clinic.services.get(&id)?;
        let config = ServiceForm::of(&known.config);
        Some(Self { id: id.0, active: known.active, revision: known.touched, config })
    }
}

/// What a configuration would put online.
#[derive(Serialize, ToSchema)]
pub(crate) struct ServicePreview {
    /// Per practitioner; who is missing has nothing free that it would offer.
    pub(crate) proposed: Vec<OnlineCount>,
    /// The same for the service as it is; none for a new one, empty for one that is switched off.
    pub(crate) current: Option<Vec<OnlineCount>>,
}

/// How many of a practitioner's free availabilities are online.
#[derive(Serialize, ToSchema)]
pub(crate) struct OnlineCount {
    /// The practitioner.
    pub(crate) practitioner: Uuid,
    /// Name.
    pub(crate) name: String,
    /// Online now, as if the portal were on.
    pub(crate) now: usize,
    /// Online later, at a publication moment to come.
    pub(crate) later: usize,
}

/// The clinic's services, inactive ones too.
#[utoipa::path(get, path = "/clinics/{clinic}/services", tag = "clinic", operation_id = "listClinicServices",
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic")),
    responses((status = 200, body = Listed<ClinicService>), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
) -> ApiResult<Done<Listed<ClinicService>>> {
    principal.allow(clinic, ANY_STAFF)?;
    let rules = app.engine.rules(clinic).await?;
    let clinic = &rules.state;
    let items = clinic.services.keys().filter_map(|id| ClinicService::of(clinic, *id)).collect();
    Ok(Done::ok(Listed { items }).revision(clinic.revision))
}

/// One service.
#[utoipa::path(get, path = "/clinics/{clinic}/services/{service}", tag = "clinic", operation_id = "getClinicService",
    security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), ("service" = Uuid, Path, description = "The service")),
    responses((status = 200, body = ClinicService), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn one(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, id)): ApiPath<(ClinicId, ServiceId)>,
) -> ApiResult<Done<ClinicService>> {
    principal.allow(clinic, ANY_STAFF)?;
    let rules = app.engine.rules(clinic).await?;
    let body = ClinicService::of(&rules.state, id).ok_or_else(Problem::not_found)?;
    let revision = body.revision;
    Ok(Done::ok(body).revision(revision))
}

/// Configures a new service. Slots that are open already go online by it at once (R7).
#[utoipa::path(post, path = "/clinics/{clinic}/services", tag = "clinic", operation_id = "configureService",
    security(("staff" = [])), params(Retryable, ("clinic" = Uuid, Path, description = "The clinic")),
    request_body = ServiceForm,
    responses((status = 201, body = ClinicService), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn configure(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<ServiceForm>,
) -> ApiResult<Done<ClinicService>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let config = form.parse()?;
    let begun = begin(&app, clinic, principal.actor(), "configureService", &headers, &bytes).await?;
    let service = ServiceId(begun.ctx.id("service"));
    let done = app.engine.configure_service(&begun.ctx, &ServiceConfigured { service, config }, None).await?;
    let body = made(ClinicService::of(&done.folded.state, service))?;
    let revision = body.revision;
    Ok(Done::created(body).revision(revision).position(done.position()))
}

/// Configures a service anew, as a whole; one that was off is on again. Booked appointments are never touched.
#[utoipa::path(put, path = "/clinics/{clinic}/services/{service}", tag = "clinic", operation_id = "changeService",
    security(("staff" = [])),
    params(Matching, ("clinic" = Uuid, Path, description = "The clinic"),
        ("service" = Uuid, Path, description = "The service")),
    request_body = ServiceForm,
    responses((status = 200, body = ClinicService), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn change(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, service)): ApiPath<(ClinicId, ServiceId)>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<ServiceForm>,
) -> ApiResult<Done<ClinicService>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let if_match = headers.require_match()?;
    // The command would make what it does not find; a path names what exists.
    ClinicService::of(&app.engine.rules(clinic).await?.state, service).ok_or_else(Problem::not_found)?;
    let config = form.parse()?;
    let begun = begin(&app, clinic, principal.actor(), "changeService", &headers, &bytes).await?;
    let command = ServiceConfigured { service, config };
    let done = app.engine.configure_service(&begun.ctx, &command, Some(if_match)).await?;
    let body = made(ClinicService::of(&done.folded.state, service))?;
    let revision = body.revision;
    Ok(Done::ok(body).revision(revision).position(done.position()))
}

/// Switches a service off: nothing of it is shown any more, its appointments stay (8.15).
#[utoipa::path(post, path = "/clinics/{clinic}/services/{service}/deactivate", tag = "clinic",
    operation_id = "deactivateService", security(("staff" = [])),
    params(Matching, ("clinic" = Uuid, Path, description = "The clinic"),
        ("service" = Uuid, Path, description = "The service")),
    responses((status = 200, body = ClinicService), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn deactivate(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, service)): ApiPath<(ClinicId, ServiceId)>,
    headers: CommandHeaders,
) -> ApiResult<Done<ClinicService>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let if_match = headers.require_match()?;
    let begun = begin(&app, clinic, principal.actor(), "deactivateService", &headers, &[]).await?;
    let done = app.engine.deactivate_service(&begun.ctx, service, Some(if_match)).await?;
    let body = made(ClinicService::of(&done.folded.state, service))?;
    let revision = body.revision;
    Ok(Done::ok(body).revision(revision).position(done.position()))
}

/// What a new service would put online; nothing is stored.
#[utoipa::path(post, path = "/clinics/{clinic}/services/preview", tag = "clinic", operation_id = "previewService",
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic")),
    request_body = ServiceForm,
    responses((status = 200, body = ServicePreview), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn preview(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
    ApiJson { value: form, .. }: ApiJson<ServiceForm>,
) -> ApiResult<Json<ServicePreview>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let rules = app.engine.rules(clinic).await?;
    let proposed = proposed(&app, &rules.state, form).await?;
    Ok(Json(ServicePreview { proposed, current: None }))
}

/// What a change would put online, beside what the service puts online now; nothing is stored.
#[utoipa::path(post, path = "/clinics/{clinic}/services/{service}/preview", tag = "clinic",
    operation_id = "previewServiceChange", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), ("service" = Uuid, Path, description = "The service")),
    request_body = ServiceForm,
    responses((status = 200, body = ServicePreview), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn preview_change(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, service)): ApiPath<(ClinicId, ServiceId)>,
    ApiJson { value: form, .. }: ApiJson<ServiceForm>,
) -> ApiResult<Json<ServicePreview>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let rules = app.engine.rules(clinic).await?;
    let known = rules.state.services.get(&service).ok_or_else(Problem::not_found)?;
    let proposed = proposed(&app, &rules.state, form).await?;
    let current = if known.active { counts(&app, &rules.state, known) } else { vec![] };
    Ok(Json(ServicePreview { proposed, current: Some(current) }))
}

async fn proposed(app: &AppState, clinic: &Clinic, form: ServiceForm) -> ApiResult<Vec<OnlineCount>> {
    let command = ServiceConfigured { service: ServiceId::default(), config: form.parse()? };
    // The command's own guards, so that what can be previewed can be stored.
    decide_configure_service(clinic, command.clone(), None)?;
    catch_up(app, "availability").await?;
    Ok(counts(app, clinic, &Service { config: command.config, active: true, touched: 0 }))
}

fn counts(app: &AppState, clinic: &Clinic, service: &Service) -> Vec<OnlineCount> {
    let found = app.views.availability.preview(clinic, service, app.engine.now());
    let count = |(id, now, later): (PractitionerId, usize, usize)| {
        let name = clinic.practitioners.get(&id).map(|p| p.name.clone()).unwrap_or_default();
        OnlineCount { practitioner: id.0, name, now, later }
    };
    found.into_iter().map(count).collect()
}
