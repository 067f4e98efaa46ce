//! Forgetting a person: requests, decisions, legal holds; and how long a clinic keeps what.
//!
//! No name is in any answer here. Who asks for a patient by id has seen that record, and that was recorded.

use super::{Matching, Retryable, catch_up, made};
use crate::erasures::{Person, belongings, carry_out};
use crate::http::AppState;
use crate::http::auth::{ADMINISTRATION, AUDIT, Principal, RECEPTION};
use crate::http::commands::{Done, begin};
use crate::http::extract::{ApiJson, ApiPath, ApiQuery, CommandHeaders};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads;
use crate::http::wire::{cursor, page_limit, parse_cursor};
use axum::Json;
use axum::extract::State;
use booking_domain::erasure::{Erasure, Retention, Stage};
use booking_domain::ids::{AppointmentId, ClinicId, PatientId, SubjectId};
use booking_domain::time::{Instant, Tz};
use booking_domain::values::{BadField, ErasureBasis, check_text};
use booking_events::sealed_forms::Note;
use booking_projections::erasures::{ErasureRow, Progress};
use booking_store::fold::Folded;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(retention, set_retention))
        .routes(routes!(list, request))
        .routes(routes!(decide))
        .routes(routes!(withdraw))
        .routes(routes!(carry_out_now))
        .routes(routes!(legal_hold))
}

/// How long a clinic keeps what.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetentionForm {
    /// Years that a patient's data are kept after the last appointment: 1 to 100.
    #[schema(example = 10)]
    pub(crate) attached_years: u16,
    /// Days after the appointment, after which a contact that nobody attached to a record is erased: 1 to 3660.
    #[schema(example = 90)]
    pub(crate) provisional_days: u16,
    /// Days between the decision and the erasure, in which it can be withdrawn: 0 to 90.
    #[schema(example = 7)]
    pub(crate) cooling_off_days: u16,
}

impl From<Retention> for RetentionForm {
    fn from(retention: Retention) -> Self {
        let Retention { attached_years, provisional_days, cooling_off_days } = retention;
        Self { attached_years, provisional_days, cooling_off_days }
    }
}

/// Whom to forget: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErasureRequest {
    /// A patient record; the records merged with it go with it.
    #[serde(default)]
    pub(crate) patient: Option<Uuid>,
    /// An appointment with provisional contact details that are not attached to a record.
    #[serde(default)]
    pub(crate) appointment: Option<Uuid>,
    /// Who asked, and how; up to 2,000 characters. It outlives the erasure.
    #[serde(default)]
    pub(crate) note: String,
}

/// What was decided.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErasureDecision {
    /// Grant it.
    pub(crate) approve: bool,
    /// Why; up to 2,000 characters. It outlives the erasure.
    #[serde(default)]
    pub(crate) note: String,
}

/// Whether the data must be kept whatever is asked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LegalHold {
    /// They must.
    pub(crate) held: bool,
}

/// How far the wish to forget a person is.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErasureCase {
    /// The person: names the case in paths.
    pub(crate) person: Uuid,
    /// The patient record; none for provisional contact details.
    pub(crate) patient: Option<Uuid>,
    /// `none`, `requested`, `withdrawn`, `refused`, `approved` or `erased`.
    #[schema(example = "approved")]
    pub(crate) progress: &'static str,
    /// `person` or `retention_end`.
    pub(crate) basis: Option<&'static str>,
    /// When it was asked.
    pub(crate) requested_at: Option<String>,
    /// When it came so far.
    pub(crate) since: Option<String>,
    /// Approved: from when on it is carried out. Refused because of the retention: until when the data are kept.
    pub(crate) until: Option<String>,
    /// Refused: `retention`, `legal_hold` or `decision`.
    pub(crate) ground: Option<&'static str>,
    /// A legal hold keeps everything back.
    pub(crate) legal_hold: bool,
    /// Persons whose keys were destroyed: the records, and the contacts of their appointments.
    pub(crate) erased: usize,
    /// For `If-Match`.
    pub(crate) revision: u64,
}

impl ErasureCase {
    pub(crate) fn of_row(person: SubjectId, row: &ErasureRow, zone: Tz) -> Self {
        let text = |at: Instant| at.rfc3339(zone);
        let (progress, until, ground) = match row.progress {
            Progress::None => ("none", None, None),
            Progress::Requested => ("requested", None, None),
            Progress::Withdrawn => ("withdrawn", None, None),
            Progress::Refused(ground, until) => ("refused", until, Some(ground.name())),
            Progress::Approved(at) => ("approved", Some(at), None),
            Progress::Erased => ("erased", None, None),
        };
        Self {
            person: person.0,
            patient: row.patient.map(|p| p.0),
            progress,
            basis: row.basis.map(ErasureBasis::name),
            requested_at: row.requested_at.map(text),
            since: Some(text(row.since)),
            until: until.map(text),
            ground,
            legal_hold: row.held,
            erased: row.erased.len(),
            revision: row.touched,
        }
    }

    /// As its stream has it now; when it came so far is for the list to tell.
    fn of_fold(person: SubjectId, folded: &Folded<Erasure>, zone: Tz) -> Self {
        let state = &folded.state;
        let (progress, until) = match state.stage {
            Stage::None => ("none", None),
            Stage::Requested => ("requested", None),
            Stage::Approved(at) => ("approved", Some(at)),
            Stage::Erased => ("erased", None),
        };
        Self {
            person: person.0,
            patient: state.patient.map(|p| p.0),
            progress,
            basis: None,
            requested_at: None,
            since: folded.revision.map(|_| folded.last_at.rfc3339(zone)),
            until: until.map(|at| at.rfc3339(zone)),
            ground: None,
            legal_hold: state.held,
            erased: state.erased.len(),
            revision: state.touched,
        }
    }
}

/// What is said about a wish or a decision.
pub(crate) fn note(text: &str) -> Result<Option<Note>, BadField> {
    let text = text.trim();
    check_text("note", text, 0, 2_000)?;
    Ok((!text.is_empty()).then(|| Note { text: text.to_owned() }))
}

/// How long the clinic keeps what.
#[utoipa::path(get, path = "/clinics/{clinic}/retention", tag = "erasure", operation_id = "getRetention",
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic")),
    responses((status = 200, body = RetentionForm), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn retention(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
) -> ApiResult<Done<RetentionForm>> {
    principal.allow(clinic, AUDIT)?;
    let rules = app.engine.rules(clinic).await?;
    Ok(Done::ok(rules.state.retention.into()).revision(rules.state.retention_touched))
}

/// Sets how long the clinic keeps what. It holds for what is decided from now on.
#[utoipa::path(put, path = "/clinics/{clinic}/retention", tag = "erasure", operation_id = "setRetention",
    security(("staff" = [])), params(Matching, ("clinic" = Uuid, Path, description = "The clinic")),
    request_body = RetentionForm,
    responses((status = 200, body = RetentionForm), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn set_retention(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<RetentionForm>,
) -> ApiResult<Done<RetentionForm>> {
    principal.allow(clinic, ADMINISTRATION)?;
    let if_match = headers.require_match()?;
    let RetentionForm { attached_years, provisional_days, cooling_off_days } = form;
    let retention = Retention { attached_years, provisional_days, cooling_off_days };
    let begun = begin(&app, clinic, principal.actor(), "setRetention", &headers, &bytes).await?;
    let done = app.engine.set_retention(&begun.ctx, retention, Some(if_match)).await?;
    let clinic = &done.folded.state;
    Ok(Done::ok(clinic.retention.into()).revision(clinic.retention_touched).position(done.position()))
}

/// Which cases are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Cases {
    /// Only what is not decided, or not carried out yet.
    pub(crate) open: Option<bool>,
    /// Cases on a page, 1 to 200.
    pub(crate) limit: Option<u32>,
    /// Continue after the last page.
    pub(crate) cursor: Option<String>,
}

/// A page of cases.
#[derive(Serialize, ToSchema)]
pub(crate) struct CasePage {
    /// In the order of their persons' ids.
    pub(crate) items: Vec<ErasureCase>,
    /// Cursor of the next page.
    pub(crate) next: Option<String>,
}

/// Whom the clinic was asked to forget, and whom it forgot.
#[utoipa::path(get, path = "/clinics/{clinic}/erasures", tag = "erasure", operation_id = "listErasures",
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic"), Cases),
    responses((status = 200, body = CasePage), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
    ApiQuery(asked): ApiQuery<Cases>,
) -> ApiResult<Json<CasePage>> {
    principal.allow(clinic, AUDIT)?;
    catch_up(&app, "erasures").await?;
    let limit = page_limit(asked.limit, 50, 200)?;
    let after = parse_cursor::<Uuid>(asked.cursor.as_deref())?.map(SubjectId);
    let open = asked.open == Some(true);
    let mut rows = app.views.erasures.of_clinic(clinic, open, after, limit + 1).await.map_err(reads::unanswered)?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let zone = app.engine.rules(clinic).await?.state.zone();
    let next = rows.last().filter(|_| more).map(|(person, _)| cursor(&person.0));
    let items = rows.iter().map(|(person, row)| ErasureCase::of_row(*person, row, zone)).collect();
    Ok(Json(CasePage { items, next }))
}

/// Asks that a person be forgotten. Asking twice is asking once.
#[utoipa::path(post, path = "/clinics/{clinic}/erasures", tag = "erasure", operation_id = "requestErasure",
    security(("staff" = [])), params(Retryable, ("clinic" = Uuid, Path, description = "The clinic")),
    request_body = ErasureRequest,
    responses((status = 201, body = ErasureCase), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn request(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
    headers: CommandHeaders,
    ApiJson { value: asked, bytes }: ApiJson<ErasureRequest>,
) -> ApiResult<Done<ErasureCase>> {
    principal.allow(clinic, RECEPTION)?;
    let note = note(&asked.note)?;
    let person = person_named(&app, clinic, asked.patient, asked.appointment).await?;
    let begun = begin(&app, clinic, principal.actor(), "requestErasure", &headers, &bytes).await?;
    let whom = (person.subject(), person.patient());
    let done = app.engine.request_erasure(&begun.ctx, whom, ErasureBasis::Person, note.as_ref()).await?;
    let zone = app.engine.rules(clinic).await?.state.zone();
    let case = ErasureCase::of_fold(person.subject(), &done.folded, zone);
    Ok(Done::created(case).revision(done.folded.state.touched).position(done.position()))
}

/// Whom a wish is about: somebody with a record, or the contact of an appointment.
pub(crate) async fn person_named(
    app: &AppState,
    clinic: ClinicId,
    patient: Option<Uuid>,
    appointment: Option<Uuid>,
) -> ApiResult<Person> {
    match (patient, appointment) {
        (Some(patient), None) => {
            catch_up(app, "patients").await?;
            let known = app.views.directory.get(PatientId(patient)).filter(|entry| entry.clinic == clinic);
            let known = known.ok_or_else(Problem::not_found)?;
            Ok(Person::Patient(app.views.directory.survivor(known.patient)))
        }
        (None, Some(appointment)) => {
            catch_up(app, "appointments").await?;
            let row = reads::appointment(app, clinic, AppointmentId(appointment)).await?;
            Ok(row.patient.map_or(Person::Provisional(row.subject), |patient| {
                Person::Patient(app.views.directory.survivor(patient))
            }))
        }
        _ => Err(BadField::new("patient", "or an appointment must be named, one of the two").into()),
    }
}

/// The case of a path, if it is one of this clinic's.
pub(crate) async fn case(app: &AppState, clinic: ClinicId, person: Uuid) -> ApiResult<Person> {
    let subject = SubjectId(person);
    let known = app.engine.erasure(subject).await?;
    if known.state.clinic != Some(clinic) {
        return Err(Problem::not_found());
    }
    Ok(known.state.patient.map_or(Person::Provisional(subject), Person::Patient))
}

/// Decides a request. To grant what must be kept is refused on the record, with the ground.
#[utoipa::path(post, path = "/clinics/{clinic}/erasures/{person}/decision", tag = "erasure", operation_id = "decideErasure",
    security(("staff" = [])), params(Matching, ("clinic" = Uuid, Path, description = "The clinic"),
        ("person" = Uuid, Path, description = "The person of the case")),
    request_body = ErasureDecision,
    responses((status = 200, body = ErasureCase), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem),
        (status = 428, body = Problem)))]
pub(crate) async fn decide(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, person)): ApiPath<(Uuid, Uuid)>,
    headers: CommandHeaders,
    ApiJson { value: decision, bytes }: ApiJson<ErasureDecision>,
) -> ApiResult<Done<ErasureCase>> {
    let clinic = ClinicId(clinic);
    principal.allow(clinic, ADMINISTRATION)?;
    let (if_match, note) = (headers.require_match()?, note(&decision.note)?);
    let whom = case(&app, clinic, person).await?;
    let keep_until = belongings(&app, clinic, whom).await?.keep_until;
    let begun = begin(&app, clinic, principal.actor(), "decideErasure", &headers, &bytes).await?;
    let approve = decision.approve;
    let done = app
        .engine
        .decide_erasure(&begun.ctx, whom.subject(), approve, note.as_ref(), keep_until, Some(if_match))
        .await?;
    answer(&app, clinic, whom, done.position()).await
}

/// Takes a request back, as long as it was not carried out.
#[utoipa::path(post, path = "/clinics/{clinic}/erasures/{person}/withdraw", tag = "erasure",
    operation_id = "withdrawErasure", security(("staff" = [])),
    params(Matching, ("clinic" = Uuid, Path, description = "The clinic"),
        ("person" = Uuid, Path, description = "The person of the case")),
    responses((status = 200, body = ErasureCase), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn withdraw(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, person)): ApiPath<(Uuid, Uuid)>,
    headers: CommandHeaders,
) -> ApiResult<Done<ErasureCase>> {
    let clinic = ClinicId(clinic);
    principal.allow(clinic, RECEPTION)?;
    let if_match = headers.require_match()?;
    let whom = case(&app, clinic, person).await?;
    let begun = begin(&app, clinic, principal.actor(), "withdrawErasure", &headers, &[]).await?;
    let done = app.engine.withdraw_erasure(&begun.ctx, whom.subject(), Some(if_match)).await?;
    answer(&app, clinic, whom, done.position()).await
}

/// Carries out what was granted, once the cooling-off is over. The service does so by itself within a minute.
#[utoipa::path(post, path = "/clinics/{clinic}/erasures/{person}/carry-out", tag = "erasure",
    operation_id = "carryOutErasure", security(("staff" = [])),
    params(Retryable, ("clinic" = Uuid, Path, description = "The clinic"),
        ("person" = Uuid, Path, description = "The person of the case")),
    responses((status = 200, body = ErasureCase), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(crate) async fn carry_out_now(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, person)): ApiPath<(Uuid, Uuid)>,
    headers: CommandHeaders,
) -> ApiResult<Done<ErasureCase>> {
    let clinic = ClinicId(clinic);
    principal.allow(clinic, ADMINISTRATION)?;
    let whom = case(&app, clinic, person).await?;
    let begun = begin(&app, clinic, principal.actor(), "carryOutErasure", &headers, &[]).await?;
    carry_out(&app, &begun.ctx, whom).await?;
    answer(&app, clinic, whom, None).await
}

/// The same; where nothing was asked yet, a record of this clinic, or a contact that nobody attached: it can be held all
/// the same.
pub(crate) async fn case_or_record(app: &AppState, clinic: ClinicId, person: Uuid) -> ApiResult<Person> {
    let problem = match case(app, clinic, person).await {
        Ok(whom) => return Ok(whom),
        Err(problem) => problem,
    };
    if let Some(entry) = app.views.directory.get(PatientId(person)) {
        return if entry.clinic == clinic { Ok(Person::Patient(entry.patient)) } else { Err(problem) };
    }
    catch_up(app, "appointments").await?;
    let rows = app.views.appointments.of_subject(SubjectId(person)).await.map_err(reads::unanswered)?;
    let own = rows.iter().all(|row| row.clinic == clinic && row.patient.is_none());
    if own && !rows.is_empty() { Ok(Person::Provisional(SubjectId(person))) } else { Err(problem) }
}

/// Places or releases a legal hold on somebody's data. It needs no request.
#[utoipa::path(put, path = "/clinics/{clinic}/erasures/{person}/legal-hold", tag = "erasure",
    operation_id = "setLegalHold", security(("staff" = [])),
    params(Retryable, ("clinic" = Uuid, Path, description = "The clinic"),
        ("person" = Uuid, Path, description = "The person of the case")),
    request_body = LegalHold,
    responses((status = 200, body = ErasureCase), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn legal_hold(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, person)): ApiPath<(Uuid, Uuid)>,
    headers: CommandHeaders,
    ApiJson { value: hold, bytes }: ApiJson<LegalHold>,
) -> ApiResult<Done<ErasureCase>> {
    let clinic = ClinicId(clinic);
    principal.allow(clinic, ADMINISTRATION)?;
    let whom = case_or_record(&app, clinic, person).await?;
    let begun = begin(&app, clinic, principal.actor(), "setLegalHold", &headers, &bytes).await?;
    let done = app.engine.legal_hold(&begun.ctx, whom.subject(), hold.held).await?;
    answer(&app, clinic, whom, done.position()).await
}

/// The case as the list shows it, after what was just written.
pub(crate) async fn answer(
    app: &AppState,
    clinic: ClinicId,
    whom: Person,
    position: Option<booking_store::Position>,
) -> ApiResult<Done<ErasureCase>> {
    catch_up(app, "erasures").await?;
    let zone = app.engine.rules(clinic).await?.state.zone();
    let row = made(app.views.erasures.of(whom.subject()).await.map_err(reads::unanswered)?)?;
    Ok(Done::ok(ErasureCase::of_row(whom.subject(), &row, zone)).revision(row.touched).position(position))
}
