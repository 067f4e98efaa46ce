//! Patient records: registered, found, corrected, merged. A search is a POST, so that no name is ever in an address.

pub(crate) mod form;
pub(crate) mod record;

use super::appointments::{AfterQuery, AppointmentItem};
use crate::http::AppState;
use crate::http::auth::{CARE, Principal, RECEPTION};
use crate::http::commands::{Done, begin};
use crate::http::disclosure::{About, Access};
use crate::http::extract::{ApiJson, ApiPath, ApiQuery, CommandHeaders};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads::{self, Read};
use crate::http::wire::{date, page_limit};
use axum::extract::State;
use booking_domain::ids::{ClinicId, PatientId};
use booking_domain::patient::{Patient, Registration};
use booking_domain::stream::StreamName;
use booking_domain::values::{BadField, check_match, check_text};
use booking_engine::NewPatient;
use booking_store::Position;
use booking_store::fold::{Folded, Upto, load};
use form::{Findings, PatientForm, RegistrationForm};
use record::{PatientItem, PatientRecord, shown};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(search))
        .routes(routes!(read))
        .routes(routes!(update))
        .routes(routes!(registration))
        .routes(routes!(deceased))
        .routes(routes!(merge))
        .routes(routes!(appointments))
}

/// A record to open.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterPatient {
    /// Who it is.
    pub(crate) details: PatientForm,
    /// With whom the person is registered; none: with nobody.
    #[serde(default)]
    pub(crate) registration: Option<RegistrationForm>,
}

/// That a patient died.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarkDeceased {
    /// The day, `yyyy-mm-dd`, if it is known.
    #[serde(default)]
    pub(crate) date: Option<String>,
}

/// Where a record shall lead.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MergePatient {
    /// The record that stays.
    pub(crate) into: Uuid,
}

/// What to look for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchPatients {
    /// Beginnings of names, a health number, a telephone number, an e-mail address or a birth date `yyyy-mm-dd`.
    pub(crate) text: String,
    /// How many to find, up to 100; none: 20.
    #[serde(default)]
    pub(crate) limit: Option<u32>,
}

/// Records that were found.
#[derive(Serialize, ToSchema)]
pub(crate) struct PatientsFound {
    /// By name; each person once.
    pub(crate) patients: Vec<PatientItem>,
}

/// A patient's appointments.
#[derive(Serialize, ToSchema)]
pub(crate) struct PatientAppointments {
    /// Soonest first, ended ones too, but none that was taken off the patient's list.
    pub(crate) appointments: Vec<AppointmentItem>,
}

/// The record as it stands in the log; one of another clinic does not exist.
async fn known(app: &AppState, clinic: ClinicId, id: PatientId) -> ApiResult<Folded<Patient>> {
    let folded = load::<Patient>(&**app.log(), &StreamName::patient(id), Upto::Head).await?;
    if folded.state.clinic == Some(clinic) { Ok(folded) } else { Err(Problem::not_found()) }
}

type Answer = ApiResult<Done<PatientRecord>>;

/// The record after a command on it.
async fn changed(
    app: &AppState,
    access: Access<'_>,
    clinic: ClinicId,
    id: PatientId,
    position: Option<Position>,
) -> Answer {
    let record = known(app, clinic, id).await?;
    let body = shown(app, &access, id, &record.state).await?;
    access.answer(Done::ok(body).revision(record.state.touched).position(position)).await
}

/// Registers a patient.
#[utoipa::path(post, path = "/clinics/{clinic}/patients", tag = "patients", operation_id = "registerPatient",
    security(("staff" = [])), request_body = RegisterPatient,
    params(("clinic" = Uuid, Path, description = "The clinic"),
        ("Idempotency-Key" = Option<String>, Header, description = "New for each record; a retry sends the same")),
    responses((status = 201, body = PatientRecord), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn register(
    State(app): State<AppState>,
    principal: Principal,
    headers: CommandHeaders,
    ApiPath(clinic): ApiPath<Uuid>,
    ApiJson { value: asked, bytes }: ApiJson<RegisterPatient>,
) -> Answer {
    let clinic = ClinicId(clinic);
    let access = principal.opens(&app, clinic, RECEPTION, "registerPatient", About::Anybody).await?;
    let zone = app.engine.rules(clinic).await?.state.zone();
    let (mut findings, mut of_details) = (Findings::default(), Findings::default());
    let profile = asked.details.parse(app.engine.now().wall(zone).0, &mut of_details);
    findings.within("/details", of_details);
    let registration = match &asked.registration {
        None => Some(Registration::None),
        Some(form) => form.parse("/registration", &mut findings),
    };
    let (profile, registration) = findings.done(profile.zip(registration))?;
    let begun = begin(&app, clinic, principal.actor(), "register-patient", &headers, &bytes).await?;
    let id = PatientId(begun.ctx.id("patient"));
    let new = NewPatient { id, profile, registration, imported: false };
    let committed = app.engine.register_patient(&begun.ctx, &new).await?;
    let done = changed(&app, access, clinic, id, committed.position()).await?;
    Ok(Done { status: axum::http::StatusCode::CREATED, ..done })
}

/// A patient record.
#[utoipa::path(get, path = "/clinics/{clinic}/patients/{patient}", tag = "patients", operation_id = "getPatient",
    security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), ("patient" = Uuid, Path, description = "The record"),
        AfterQuery),
    responses((status = 200, body = PatientRecord), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(path): ApiPath<(Uuid, Uuid)>,
    ApiQuery(query): ApiQuery<AfterQuery>,
) -> ApiResult<Read<PatientRecord>> {
    let (clinic, id): (ClinicId, PatientId) = reads::ids(path);
    let access = principal.opens(&app, clinic, CARE, "getPatient", About::Patient(id)).await?;
    let fresh = reads::caught_up(&app, &["patients"], query.after.as_deref()).await?;
    let record = access.found(known(&app, clinic, id).await).await?;
    let body = shown(&app, &access, id, &record.state).await?;
    access.answer(Read::new(body, fresh).revision(record.state.touched)).await
}

/// Sets a record's details, as a whole.
#[utoipa::path(put, path = "/clinics/{clinic}/patients/{patient}", tag = "patients", operation_id = "updatePatient",
    security(("staff" = [])), request_body = PatientForm,
    params(("clinic" = Uuid, Path, description = "The clinic"), ("patient" = Uuid, Path, description = "The record"),
        ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, body = PatientRecord), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem),
        (status = 428, body = Problem)))]
pub(crate) async fn update(
    State(app): State<AppState>,
    principal: Principal,
    headers: CommandHeaders,
    ApiPath(path): ApiPath<(Uuid, Uuid)>,
    ApiJson { value: form, bytes }: ApiJson<PatientForm>,
) -> Answer {
    let (clinic, id): (ClinicId, PatientId) = reads::ids(path);
    let access = principal.opens(&app, clinic, RECEPTION, "updatePatient", About::Patient(id)).await?;
    access.found(known(&app, clinic, id).await).await?;
    let seen = headers.require_match()?;
    let zone = app.engine.rules(clinic).await?.state.zone();
    let mut findings = Findings::default();
    let profile = form.parse(app.engine.now().wall(zone).0, &mut findings);
    let profile = findings.done(profile)?;
    let begun = begin(&app, clinic, principal.actor(), "update-patient", &headers, &bytes).await?;
    let committed = app.engine.update_patient(&begun.ctx, id, &profile, Some(seen)).await?;
    changed(&app, access, clinic, id, committed.position()).await
}

/// Sets with whom a patient is registered.
#[utoipa::path(put, path = "/clinics/{clinic}/patients/{patient}/registration", tag = "patients",
    operation_id = "setRegistration", security(("staff" = [])), request_body = RegistrationForm,
    params(("clinic" = Uuid, Path, description = "The clinic"), ("patient" = Uuid, Path, description = "The record"),
        ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, body = PatientRecord), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem),
        (status = 428, body = Problem)))]
pub(crate) async fn registration(
    State(app): State<AppState>,
    principal: Principal,
    headers: CommandHeaders,
    ApiPath(path): ApiPath<(Uuid, Uuid)>,
    ApiJson { value: form, bytes }: ApiJson<RegistrationForm>,
) -> Answer {
    let (clinic, id): (ClinicId, PatientId) = reads::ids(path);
    let access = principal.opens(&app, clinic, RECEPTION, "setRegistration", About::Patient(id)).await?;
    access.found(known(&app, clinic, id).await).await?;
    let seen = headers.require_match()?;
    let mut findings = Findings::default();
    let registration = form.parse("", &mut findings);
    let registration = findings.done(registration)?;
    let begun = begin(&app, clinic, principal.actor(), "set-registration", &headers, &bytes).await?;
    let committed = app.engine.set_registration(&begun.ctx, id, registration, Some(seen)).await?;
    changed(&app, access, clinic, id, committed.position()).await
}

/// Marks a patient as deceased; again with a date to add or correct it.
#[utoipa::path(post, path = "/clinics/{clinic}/patients/{patient}/deceased", tag = "patients",
    operation_id = "markDeceased", security(("staff" = [])), request_body = MarkDeceased,
    params(("clinic" = Uuid, Path, description = "The clinic"), ("patient" = Uuid, Path, description = "The record"),
        ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, body = PatientRecord), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem),
        (status = 428, body = Problem)))]
pub(crate) async fn deceased(
    State(app): State<AppState>,
    principal: Principal,
    headers: CommandHeaders,
    ApiPath(path): ApiPath<(Uuid, Uuid)>,
    ApiJson { value: asked, bytes }: ApiJson<MarkDeceased>,
) -> Answer {
    let (clinic, id): (ClinicId, PatientId) = reads::ids(path);
    let access = principal.opens(&app, clinic, RECEPTION, "markDeceased", About::Patient(id)).await?;
    access.found(known(&app, clinic, id).await).await?;
    let seen = headers.require_match()?;
    let zone = app.engine.rules(clinic).await?.state.zone();
    let date = asked.date.as_deref().map(|text| date("date", text)).transpose()?;
    if date.is_some_and(|date| date > app.engine.now().wall(zone).0) {
        return Err(BadField::new("date", "must not lie in the future").into());
    }
    let begun = begin(&app, clinic, principal.actor(), "mark-deceased", &headers, &bytes).await?;
    let committed = app.engine.mark_deceased(&begun.ctx, id, date, Some(seen)).await?;
    changed(&app, access, clinic, id, committed.position()).await
}

/// Merges a record into another; its appointments and old details lead there from now on.
#[utoipa::path(post, path = "/clinics/{clinic}/patients/{patient}/merge", tag = "patients", operation_id = "mergePatients",
    security(("staff" = [])), request_body = MergePatient,
    params(("clinic" = Uuid, Path, description = "The clinic"),
        ("patient" = Uuid, Path, description = "The record that will lead elsewhere"),
        ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, body = PatientRecord), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn merge(
    State(app): State<AppState>,
    principal: Principal,
    headers: CommandHeaders,
    ApiPath(path): ApiPath<(Uuid, Uuid)>,
    ApiJson { value: asked, bytes }: ApiJson<MergePatient>,
) -> Answer {
    let (clinic, id): (ClinicId, PatientId) = reads::ids(path);
    let access = principal.opens(&app, clinic, RECEPTION, "mergePatients", About::Patient(id)).await?;
    let record = access.found(known(&app, clinic, id).await).await?;
    let into = PatientId(asked.into);
    access.found(known(&app, clinic, into).await).await?;
    let seen = headers.require_match()?;
    let begun = begin(&app, clinic, principal.actor(), "merge-patients", &headers, &bytes).await?;
    // A retry of a merge that was made already goes on to its answer.
    if !record.commands.contains_key(&begun.ctx.command) {
        check_match(Some(seen), record.state.touched)?;
    }
    let committed = app.engine.merge_patients(&begun.ctx, id, into).await?;
    changed(&app, access, clinic, id, committed.position()).await
}

/// Finds patients.
#[utoipa::path(post, path = "/clinics/{clinic}/patients/search", tag = "patients", operation_id = "searchPatients",
    security(("staff" = [])), request_body = SearchPatients,
    params(("clinic" = Uuid, Path, description = "The clinic"), AfterQuery),
    responses((status = 200, body = PatientsFound), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn search(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<Uuid>,
    ApiQuery(query): ApiQuery<AfterQuery>,
    ApiJson { value: asked, .. }: ApiJson<SearchPatients>,
) -> ApiResult<Read<PatientsFound>> {
    let clinic = ClinicId(clinic);
    let access = principal.opens(&app, clinic, CARE, "searchPatients", About::Anybody).await?;
    check_text("text", &asked.text, 1, 200)?;
    let limit = page_limit(asked.limit, 20, 100)?;
    let fresh = reads::caught_up(&app, &["patients"], query.after.as_deref()).await?;
    let directory = &app.views.directory;
    let found = directory.search(clinic, &asked.text, limit);
    let patients =
        found.into_iter().filter_map(|id| directory.get(id)).map(|entry| PatientItem::new(&access, &entry)).collect();
    access.answer(Read::new(PatientsFound { patients }, fresh)).await
}

/// The appointments of a patient, with those of all records that were merged.
#[utoipa::path(get, path = "/clinics/{clinic}/patients/{patient}/appointments", tag = "patients",
    operation_id = "listPatientAppointments", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), ("patient" = Uuid, Path, description = "The record"),
        AfterQuery),
    responses((status = 200, body = PatientAppointments), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn appointments(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(path): ApiPath<(Uuid, Uuid)>,
    ApiQuery(query): ApiQuery<AfterQuery>,
) -> ApiResult<Read<PatientAppointments>> {
    let (clinic, id): (ClinicId, PatientId) = reads::ids(path);
    let access = principal.opens(&app, clinic, CARE, "listPatientAppointments", About::Patient(id)).await?;
    let fresh = reads::caught_up(&app, &["appointments", "patients"], query.after.as_deref()).await?;
    access.found(known(&app, clinic, id).await).await?;
    let zone = app.engine.rules(clinic).await?.state.zone();
    let ids = app.views.directory.merged_ids(id);
    let rows = app.views.appointments.of_patient(clinic, &ids).await.map_err(reads::unanswered)?;
    let mut appointments = Vec::with_capacity(rows.len());
    for row in rows.iter().filter(|row| row.cancellation.as_ref().is_none_or(|c| c.keep_record)) {
        appointments.push(AppointmentItem::new(&access, row, zone).await?);
    }
    access.about(id.into());
    access.answer(Read::new(PatientAppointments { appointments }, fresh)).await
}
