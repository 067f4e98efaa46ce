//! Activities, practitioners and their agendas: what schedules are made of.
//!
//! Activities are internal: no patient ever reads their names (R6).

use super::{Listed, Matching, Retryable, made};
use crate::http::AppState;
use crate::http::auth::{ADMINISTRATION, ANY_STAFF, Principal};
use crate::http::commands::{Done, begin};
use crate::http::extract::{ApiJson, ApiPath, CommandHeaders};
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire::{Text, named};
use axum::extract::State;
use booking_domain::clinic::{ActivityDefined, AgendaOpened, Clinic, PractitionerRegistered};
use booking_domain::ids::{ActivityId, AgendaId, ClinicId, PractitionerId};
use booking_domain::values::{BadField, Modality};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(activities, define_activity))
        .routes(routes!(change_activity))
        .routes(routes!(retire_activity))
        .routes(routes!(practitioners, register_practitioner))
        .routes(routes!(change_practitioner))
        .routes(routes!(agendas, open_agenda))
}

/// An activity as it is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActivityForm {
    /// Internal name, never shown to patients.
    pub(crate) name: String,
    /// Length of an appointment in its slots, unless the slot says otherwise (R92): 1 to 1440.
    pub(crate) duration_minutes: u16,
    /// `in_person`, `video`, `telephone` or `home_visit`; none: `in_person`.
    #[serde(default)]
    pub(crate) modality: Option<String>,
}

/// An activity.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClinicActivity {
    /// Id.
    pub(crate) id: Uuid,
    /// Internal name.
    pub(crate) name: String,
    /// Length of an appointment in its slots.
    pub(crate) duration_minutes: u16,
    /// `in_person`, `video`, `telephone` or `home_visit`.
    pub(crate) modality: &'static str,
    /// It is retired: its slots are offline, its appointments stay. Defining it anew brings it back.
    pub(crate) retired: bool,
    /// What `If-Match` wants.
    pub(crate) revision: u64,
}

impl ClinicActivity {
    fn of(clinic: &Clinic, id: ActivityId) -> Option<Self> {
        let known = clinic.activities.get(&id)?;
        Some(Self {
            id: id.0,
            name: known.name.clone(),
            duration_minutes: known.duration_minutes,
            modality: known.modality.name(),
            retired: known.retired,
            revision: known.touched,
        })
    }
}

/// A practitioner as patients are to read of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PractitionerForm {
    /// Public name.
    pub(crate) name: String,
    /// Profession, shown beside the name.
    #[serde(default)]
    pub(crate) profession: Text,
}

/// A practitioner.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClinicPractitioner {
    /// Id.
    pub(crate) id: Uuid,
    /// Public name.
    pub(crate) name: String,
    /// Profession.
    pub(crate) profession: Text,
    /// The agenda, if it was opened.
    pub(crate) agenda: Option<Uuid>,
    /// Takes appointments; false: nothing of theirs is online or opened.
    pub(crate) active: bool,
    /// What `If-Match` wants.
    pub(crate) revision: u64,
}

impl ClinicPractitioner {
    pub(super) fn of(clinic: &Clinic, id: PractitionerId) -> Option<Self> {
        let known = clinic.practitioners.get(&id)?;
        Some(Self {
            id: id.0,
            name: known.name.clone(),
            profession: Text::from(&known.profession),
            agenda: clinic.agendas.iter().find(|(_, a)| a.practitioner == id).map(|(agenda, _)| agenda.0),
            active: known.active,
            revision: known.touched,
        })
    }
}

/// Whose agenda is opened.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgendaForm {
    /// The practitioner; one agenda each (3.4).
    pub(crate) practitioner: Uuid,
}

/// An agenda.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClinicAgenda {
    /// Id.
    pub(crate) id: Uuid,
    /// Whose it is.
    pub(crate) practitioner: Uuid,
    /// Name of the practitioner.
    pub(crate) practitioner_name: String,
    /// Revision that opened it.
    pub(crate) revision: u64,
}

impl ClinicAgenda {
    fn of(clinic: &Clinic, id: AgendaId) -> Option<Self> {
        let known = clinic.agendas.get(&id)?;
        let practitioner = clinic.practitioners.get(&known.practitioner);
        Some(Self {
            id: id.0,
            practitioner: known.practitioner.0,
            practitioner_name: practitioner.map(|p| p.name.clone()).unwrap_or_default(),
            revision: known.touched,
        })
    }
}

/// The clinic's activities, retired ones too.
#[utoipa::path(get, path = "/clinics/{clinic}/activities", tag = "clinic", operation_id = "listActivities",
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic")),
    responses((status = 200, body = Listed<ClinicActivity>), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn activities(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
) -> ApiResult<Done<Listed<ClinicActivity>>> {
    principal.allow(clinic, ANY_STAFF)?;
    let rules = app.engine.rules(clinic).await?;
    let clinic = &rules.state;
    let items = clinic.activities.keys().filter_map(|id| ClinicActivity::of(clinic, *id)).collect();
    Ok(Done::ok(Listed { items }).revision(clinic.revision))
}

fn activity(id: ActivityId, form: ActivityForm) -> Result<ActivityDefined, BadField> {
    let modality = match form.modality.as_deref() {
        None => Modality::InPerson,
        Some(name) => named("modality", name, Modality::from_name)?,
    };
    Ok(ActivityDefined { activity: id, name: form.name, duration_minutes: form.duration_minutes, modality })
}

/// Defines an activity.
#[utoipa::path(post, path = "/clinics/{clinic}/activities", tag = "clinic", operation_id = "defineActivity",
    security(("staff" = [])), params(Retryable, ("clinic" = Uuid, Path, description = "The clinic")),
    request_body = ActivityForm,
    responses((status = 201, body = ClinicActivity), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn define_activity(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<ActivityForm>,
) -> ApiResult<Done<ClinicActivity>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let begun = begin(&app, clinic, principal.actor(), "defineActivity", &headers, &bytes).await?;
    let id = ActivityId(begun.ctx.id("activity"));
    let done = app.engine.define_activity(&begun.ctx, &activity(id, form)?, None).await?;
    let body = made(ClinicActivity::of(&done.folded.state, id))?;
    let revision = body.revision;
    Ok(Done::created(body).revision(revision).position(done.position()))
}

/// Describes an activity anew; a retired one is in use again. Open slots follow at once (R7).
#[utoipa::path(put, path = "/clinics/{clinic}/activities/{activity}", tag = "clinic", operation_id = "changeActivity",
    security(("staff" = [])),
    params(Matching, ("clinic" = Uuid, Path, description = "The clinic"),
        ("activity" = Uuid, Path, description = "The activity")),
    request_body = ActivityForm,
    responses((status = 200, body = ClinicActivity), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn change_activity(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, id)): ApiPath<(ClinicId, ActivityId)>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<ActivityForm>,
) -> ApiResult<Done<ClinicActivity>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let if_match = headers.require_match()?;
    // The command would make what it does not find; a path names what exists.
    ClinicActivity::of(&app.engine.rules(clinic).await?.state, id).ok_or_else(Problem::not_found)?;
    let begun = begin(&app, clinic, principal.actor(), "changeActivity", &headers, &bytes).await?;
    let done = app.engine.define_activity(&begun.ctx, &activity(id, form)?, Some(if_match)).await?;
    let body = made(ClinicActivity::of(&done.folded.state, id))?;
    let revision = body.revision;
    Ok(Done::ok(body).revision(revision).position(done.position()))
}

/// Retires an activity: its slots are offline, its appointments stay (8.15).
#[utoipa::path(post, path = "/clinics/{clinic}/activities/{activity}/retire", tag = "clinic",
    operation_id = "retireActivity", security(("staff" = [])),
    params(Matching, ("clinic" = Uuid, Path, description = "The clinic"),
        ("activity" = Uuid, Path, description = "The activity")),
    responses((status = 200, body = ClinicActivity), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn retire_activity(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, id)): ApiPath<(ClinicId, ActivityId)>,
    headers: CommandHeaders,
) -> ApiResult<Done<ClinicActivity>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let if_match = headers.require_match()?;
    ClinicActivity::of(&app.engine.rules(clinic).await?.state, id).ok_or_else(Problem::not_found)?;
    let begun = begin(&app, clinic, principal.actor(), "retireActivity", &headers, &[]).await?;
    let done = app.engine.retire_activity(&begun.ctx, id, Some(if_match)).await?;
    let body = made(ClinicActivity::of(&done.folded.state, id))?;
    let revision = body.revision;
    Ok(Done::ok(body).revision(revision).position(done.position()))
}

/// The clinic's practitioners.
#[utoipa::path(get, path = "/clinics/{clinic}/practitioners", tag = "clinic", operation_id = "listPractitioners",
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic")),
    responses((status = 200, body = Listed<ClinicPractitioner>), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn practitioners(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
) -> ApiResult<Done<Listed<ClinicPractitioner>>> {
    principal.allow(clinic, ANY_STAFF)?;
    let rules = app.engine.rules(clinic).await?;
    let clinic = &rules.state;
    let items = clinic.practitioners.keys().filter_map(|id| ClinicPractitioner::of(clinic, *id)).collect();
    Ok(Done::ok(Listed { items }).revision(clinic.revision))
}

fn practitioner(id: PractitionerId, form: PractitionerForm) -> PractitionerRegistered {
    PractitionerRegistered { practitioner: id, name: form.name, profession: form.profession.into() }
}

/// Registers a practitioner.
#[utoipa::path(post, path = "/clinics/{clinic}/practitioners", tag = "clinic", operation_id = "registerPractitioner",
    security(("staff" = [])), params(Retryable, ("clinic" = Uuid, Path, description = "The clinic")),
    request_body = PractitionerForm,
    responses((status = 201, body = ClinicPractitioner), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn register_practitioner(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<PractitionerForm>,
) -> ApiResult<Done<ClinicPractitioner>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let begun = begin(&app, clinic, principal.actor(), "registerPractitioner", &headers, &bytes).await?;
    let id = PractitionerId(begun.ctx.id("practitioner"));
    let done = app.engine.register_practitioner(&begun.ctx, &practitioner(id, form), None).await?;
    let body = made(ClinicPractitioner::of(&done.folded.state, id))?;
    let revision = body.revision;
    Ok(Done::created(body).revision(revision).position(done.position()))
}

/// Describes a practitioner anew.
#[utoipa::path(put, path = "/clinics/{clinic}/practitioners/{practitioner}", tag = "clinic",
    operation_id = "changePractitioner", security(("staff" = [])),
    params(Matching, ("clinic" = Uuid, Path, description = "The clinic"),
        ("practitioner" = Uuid, Path, description = "The practitioner")),
    request_body = PractitionerForm,
    responses((status = 200, body = ClinicPractitioner), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem),
        (status = 428, body = Problem)))]
pub(crate) async fn change_practitioner(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, id)): ApiPath<(ClinicId, PractitionerId)>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<PractitionerForm>,
) -> ApiResult<Done<ClinicPractitioner>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let if_match = headers.require_match()?;
    ClinicPractitioner::of(&app.engine.rules(clinic).await?.state, id).ok_or_else(Problem::not_found)?;
    let begun = begin(&app, clinic, principal.actor(), "changePractitioner", &headers, &bytes).await?;
    let done = app.engine.register_practitioner(&begun.ctx, &practitioner(id, form), Some(if_match)).await?;
    let body = made(ClinicPractitioner::of(&done.folded.state, id))?;
    let revision = body.revision;
    Ok(Done::ok(body).revision(revision).position(done.position()))
}

/// The clinic's agendas.
#[utoipa::path(get, path = "/clinics/{clinic}/agendas", tag = "clinic", operation_id = "listAgendas",
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic")),
    responses((status = 200, body = Listed<ClinicAgenda>), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn agendas(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
) -> ApiResult<Done<Listed<ClinicAgenda>>> {
    principal.allow(clinic, ANY_STAFF)?;
    let rules = app.engine.rules(clinic).await?;
    let clinic = &rules.state;
    let items = clinic.agendas.keys().filter_map(|id| ClinicAgenda::of(clinic, *id)).collect();
    Ok(Done::ok(Listed { items }).revision(clinic.revision))
}

/// Opens a practitioner's agenda: 409 `agenda_exists` if there is one.
#[utoipa::path(post, path = "/clinics/{clinic}/agendas", tag = "clinic", operation_id = "openAgenda",
    security(("staff" = [])), params(Retryable, ("clinic" = Uuid, Path, description = "The clinic")),
    request_body = AgendaForm,
    responses((status = 201, body = ClinicAgenda), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn open_agenda(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<AgendaForm>,
) -> ApiResult<Done<ClinicAgenda>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let begun = begin(&app, clinic, principal.actor(), "openAgenda", &headers, &bytes).await?;
    let id = AgendaId(begun.ctx.id("agenda"));
    let command = AgendaOpened { agenda: id, practitioner: PractitionerId(form.practitioner) };
    let done = app.engine.open_agenda(&begun.ctx, &command).await?;
    let body = made(ClinicAgenda::of(&done.folded.state, id))?;
    let revision = body.revision;
    Ok(Done::created(body).revision(revision).position(done.position()))
}
