//! What staff do with an appointment that is there: attach, detach, cancel, mark, and make a record of its contact.

use super::AppointmentSummary;
use crate::http::AppState;
use crate::http::auth::{CARE, Principal, RECEPTION};
use crate::http::commands::{Done, begin};
use crate::http::extract::{ApiJson, ApiPath, CommandHeaders};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads;
use crate::http::wire::instant;
use axum::extract::State;
use axum::http::StatusCode;
use booking_domain::agenda_day::DayRefusal;
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AppointmentId, ClinicId, PatientId};
use booking_domain::patient::Registration;
use booking_domain::person::Profile;
use booking_domain::values::{Role, check_match};
use booking_engine::{Cancel, Changed, Mark, NewPatient, Whereabouts};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(attach))
        .routes(routes!(detach))
        .routes(routes!(cancel))
        .routes(routes!(confirm))
        .routes(routes!(arrive))
        .routes(routes!(complete))
        .routes(routes!(no_show))
        .routes(routes!(make_record))
}

/// The record to attach.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AttachPatient {
    /// The record; a merged one leads to its survivor.
    pub(crate) patient: Uuid,
}

const fn yes() -> bool {
    true
}

/// How an appointment is cancelled (3.8).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelAppointment {
    /// When it was said, RFC 3339; none: now. A voicemail may have said it earlier.
    #[serde(default)]
    pub(crate) cancelled_at: Option<String>,
    /// The patient cancelled; else the clinic.
    #[serde(default = "yes")]
    pub(crate) by_patient: bool,
    /// Why, up to 2000 characters.
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// It stays in the patient's list; it stays in the history in any case.
    #[serde(default = "yes")]
    pub(crate) keep_record: bool,
    /// Its availabilities may be booked again.
    #[serde(default = "yes")]
    pub(crate) keep_availability: bool,
}

/// A record that was made from provisional contact details.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecordMade {
    /// The new record.
    pub(crate) patient: Uuid,
    /// The appointment with the record attached.
    pub(crate) appointment: AppointmentSummary,
}

/// What a command on an appointment answers.
pub(crate) async fn done(app: &AppState, clinic: &Clinic, changed: Changed) -> ApiResult<Done<AppointmentSummary>> {
    let (at, committed) = (changed.whereabouts, changed.committed);
    // A retry finds its outcome where the appointment stood then; it may have moved on since.
    let now_at = app.engine.locate(at).await?;
    let day = if now_at == at { committed.folded.clone() } else { app.engine.day(now_at.agenda, now_at.date).await? };
    let appointment = day.state.appointments.get(&at.appointment).ok_or_else(Problem::not_found)?;
    let body = AppointmentSummary::of_fold(now_at, appointment, clinic.zone());
    Ok(Done::ok(body).revision(appointment.touched).position(committed.position()))
}

/// The appointment that a command is about, and the revision that its caller saw.
async fn target(
    app: &AppState,
    principal: &Principal,
    roles: &[Role],
    path: (Uuid, Uuid),
    headers: &CommandHeaders,
) -> ApiResult<(ClinicId, Whereabouts, u64)> {
    let (clinic, id): (ClinicId, AppointmentId) = reads::ids(path);
    principal.allow(clinic, roles)?;
    let row = reads::appointment(app, clinic, id).await?;
    Ok((clinic, reads::whereabouts(&row), headers.require_match()?))
}

/// Attaches a patient record; the provisional details stay in the history.
#[utoipa::path(post, path = "/clinics/{clinic}/appointments/{appointment}/attach", tag = "appointments",
    operation_id = "attachPatient", security(("staff" = [])), request_body = AttachPatient,
    params(("clinic" = Uuid, Path, description = "The clinic"),
        ("appointment" = Uuid, Path, description = "The appointment"),
        ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, body = AppointmentSummary), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem),
        (status = 428, body = Problem)))]
pub(crate) async fn attach(
    State(app): State<AppState>,
    principal: Principal,
    headers: CommandHeaders,
    ApiPath(path): ApiPath<(Uuid, Uuid)>,
    ApiJson { value: asked, bytes }: ApiJson<AttachPatient>,
) -> ApiResult<Done<AppointmentSummary>> {
    let (clinic, at, seen) = target(&app, &principal, RECEPTION, path, &headers).await?;
    let begun = begin(&app, clinic, principal.actor(), "attach-patient", &headers, &bytes).await?;
    let changed = app.engine.attach(&begun.ctx, at, PatientId(asked.patient), Some(seen)).await?;
    done(&app, &app.engine.rules(clinic).await?.state, changed).await
}

/// Detaches the record: the provisional contact details stand in its place again.
#[utoipa::path(post, path = "/clinics/{clinic}/appointments/{appointment}/detach", tag = "appointments",
    operation_id = "detachPatient", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"),
        ("appointment" = Uuid, Path, description = "The appointment"),
        ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, body = AppointmentSummary), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn detach(
    State(app): State<AppState>,
    principal: Principal,
    headers: CommandHeaders,
    ApiPath(path): ApiPath<(Uuid, Uuid)>,
) -> ApiResult<Done<AppointmentSummary>> {
    let (clinic, at, seen) = target(&app, &principal, RECEPTION, path, &headers).await?;
    let begun = begin(&app, clinic, principal.actor(), "detach-patient", &headers, b"").await?;
    let changed = app.engine.detach(&begun.ctx, at, Some(seen)).await?;
    done(&app, &app.engine.rules(clinic).await?.state, changed).await
}

/// Cancels an appointment.
#[utoipa::path(post, path = "/clinics/{clinic}/appointments/{appointment}/cancel", tag = "appointments",
    operation_id = "cancelAppointment", security(("staff" = [])), request_body = CancelAppointment,
    params(("clinic" = Uuid, Path, description = "The clinic"),
        ("appointment" = Uuid, Path, description = "The appointment"),
        ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, body = AppointmentSummary), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem),
        (status = 428, body = Problem)))]
pub(crate) async fn cancel(
    State(app): State<AppState>,
    principal: Principal,
    headers: CommandHeaders,
    ApiPath(path): ApiPath<(Uuid, Uuid)>,
    ApiJson { value: asked, bytes }: ApiJson<CancelAppointment>,
) -> ApiResult<Done<AppointmentSummary>> {
    let (clinic, at, seen) = target(&app, &principal, RECEPTION, path, &headers).await?;
    let command = Cancel {
        cancelled_at: asked.cancelled_at.as_deref().map(|text| instant("cancelled_at", text)).transpose()?,
        by_patient: asked.by_patient,
        online: false,
        reason: asked.reason,
        keep_record: asked.keep_record,
        keep_availability: asked.keep_availability,
    };
    let begun = begin(&app, clinic, principal.actor(), "cancel-appointment", &headers, &bytes).await?;
    let changed = app.engine.cancel(&begun.ctx, at, &command, Some(seen)).await?;
    done(&app, &app.engine.rules(clinic).await?.state, changed).await
}

async fn mark(
    app: &AppState,
    principal: &Principal,
    headers: &CommandHeaders,
    path: (Uuid, Uuid),
    (route, mark): (&'static str, Mark),
) -> ApiResult<Done<AppointmentSummary>> {
    let (clinic, at, seen) = target(app, principal, CARE, path, headers).await?;
    let begun = begin(app, clinic, principal.actor(), route, headers, b"").await?;
    let changed = app.engine.mark(&begun.ctx, at, mark, Some(seen)).await?;
    done(app, &app.engine.rules(clinic).await?.state, changed).await
}

/// The patient said that they will attend.
#[utoipa::path(post, path = "/clinics/{clinic}/appointments/{appointment}/confirm", tag = "appointments",
    operation_id = "confirmAttendance", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"),
        ("appointment" = Uuid, Path, description = "The appointment"),
        ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, body = AppointmentSummary), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn confirm(
    State(app): State<AppState>,
    principal: Principal,
    headers: CommandHeaders,
    ApiPath(path): ApiPath<(Uuid, Uuid)>,
) -> ApiResult<Done<AppointmentSummary>> {
    mark(&app, &principal, &headers, path, ("confirm-attendance", Mark::Confirmed)).await
}

/// The patient is at the clinic.
#[utoipa::path(post, path = "/clinics/{clinic}/appointments/{appointment}/arrive", tag = "appointments",
    operation_id = "markArrived", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"),
        ("appointment" = Uuid, Path, description = "The appointment"),
        ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, body = AppointmentSummary), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn arrive(
    State(app): State<AppState>,
    principal: Principal,
    headers: CommandHeaders,
    ApiPath(path): ApiPath<(Uuid, Uuid)>,
) -> ApiResult<Done<AppointmentSummary>> {
    mark(&app, &principal, &headers, path, ("mark-arrived", Mark::Arrived)).await
}

/// The appointment took place.
#[utoipa::path(post, path = "/clinics/{clinic}/appointments/{appointment}/complete", tag = "appointments",
    operation_id = "markCompleted", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"),
        ("appointment" = Uuid, Path, description = "The appointment"),
        ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, body = AppointmentSummary), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn complete(
    State(app): State<AppState>,
    principal: Principal,
    headers: CommandHeaders,
    ApiPath(path): ApiPath<(Uuid, Uuid)>,
) -> ApiResult<Done<AppointmentSummary>> {
    mark(&app, &principal, &headers, path, ("mark-completed", Mark::Completed)).await
}

/// The patient did not come; not before the appointment has started.
#[utoipa::path(post, path = "/clinics/{clinic}/appointments/{appointment}/no-show", tag = "appointments",
    operation_id = "markNoShow", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"),
        ("appointment" = Uuid, Path, description = "The appointment"),
        ("If-Match" = String, Header, description = "The ETag that was read")),
    responses((status = 200, body = AppointmentSummary), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn no_show(
    State(app): State<AppState>,
    principal: Principal,
    headers: CommandHeaders,
    ApiPath(path): ApiPath<(Uuid, Uuid)>,
) -> ApiResult<Done<AppointmentSummary>> {
    mark(&app, &principal, &headers, path, ("mark-no-show", Mark::NoShow)).await
}

/// Makes a patient record from the provisional contact details, then attaches it: a step that only a person takes.
#[utoipa::path(post, path = "/clinics/{clinic}/appointments/{appointment}/patient", tag = "appointments",
    operation_id = "registerFromAppointment", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"),
        ("appointment" = Uuid, Path, description = "The appointment"),
        ("If-Match" = String, Header, description = "The ETag that was read"),
        ("Idempotency-Key" = Option<String>, Header, description = "New for each record; a retry sends the same")),
    responses((status = 201, body = RecordMade), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn make_record(
    State(app): State<AppState>,
    principal: Principal,
    headers: CommandHeaders,
    ApiPath(path): ApiPath<(Uuid, Uuid)>,
) -> ApiResult<Done<RecordMade>> {
    let (clinic, id): (ClinicId, AppointmentId) = reads::ids(path);
    principal.allow(clinic, RECEPTION)?;
    let row = reads::appointment(&app, clinic, id).await?;
    let seen = headers.require_match()?;
    let begun = begin(&app, clinic, principal.actor(), "register-from-appointment", &headers, b"").await?;
    let patient = PatientId(begun.ctx.id("patient"));
    let at = app.engine.locate(reads::whereabouts(&row)).await?;
    let day = app.engine.day(at.agenda, at.date).await?;
    // What attaching would refuse makes no record. A retry of what was done already goes on to its answer.
    if !day.commands.contains_key(&begun.ctx.command) {
        let appointment = day.state.appointments.get(&id).ok_or_else(Problem::not_found)?;
        check_match(Some(seen), appointment.touched)?;
        match appointment.patient {
            Some(other) if other != patient => return Err(DayRefusal::OtherPatient(other).into()),
            _ => {}
        }
        let sealed = row.contact.as_ref().ok_or(DayRefusal::NothingProvisional)?;
        #[expect(clippy::disallowed_methods, reason = "sealed again for the record, and not shown")]
        let opened = app.engine.open::<Profile>(clinic, row.subject, sealed).await?;
        let profile = opened.ok_or_else(|| {
            Problem::new(StatusCode::CONFLICT, "erased", "The provisional contact details were erased")
        })?;
        let new = NewPatient { id: patient, profile, registration: Registration::None, imported: false };
        app.engine.register_patient(&begun.ctx, &new).await?;
    }
    let changed = app.engine.attach(&begun.ctx, at, patient, Some(seen)).await?;
    let attached = done(&app, &app.engine.rules(clinic).await?.state, changed).await?;
    Ok(Done {
        status: StatusCode::CREATED,
        body: RecordMade { patient: patient.0, appointment: attached.body },
        revision: attached.revision,
        position: attached.position,
    })
}
