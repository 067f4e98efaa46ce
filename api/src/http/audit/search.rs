//! From what an auditor has in hand to the thing that it names: a reference, an id, a hash, a position, a date, a name of
//! somebody who works here. Patients are found by id alone; nothing of theirs is told here.

use super::events::by_id;
use super::names::Names;
use crate::http::AppState;
use crate::http::auth::{AUDIT, Principal};
use crate::http::extract::{ApiJson, ApiPath};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads;
use axum::Json;
use axum::extract::State;
use booking_domain::ids::{AppointmentId, ClinicId, MemberId, PatientId, SubjectId};
use booking_domain::matching::fold_name;
use booking_domain::reference::Reference;
use booking_domain::time::WallDate;
use booking_domain::values::check_text;
use booking_store::Position;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(search))
}

/// Most members that one search answers.
const MEMBERS: usize = 50;

/// What is looked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditSearch {
    /// The reference of an appointment; the id of an event, an appointment, a patient record, a case of erasure or a
    /// member; the hash of a leaf; a position of the log; a date; or part of the name of a member of staff.
    #[schema(example = "2026-11-24")]
    pub(crate) text: String,
}

/// What a text names.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub(crate) struct FoundThing {
    /// `appointment`, `event`, `patient`, `erasure`, `member`, `date`, `agenda`, `service` or `practitioner`.
    pub(crate) kind: &'static str,
    /// Its id; none for a date.
    pub(crate) id: Option<Uuid>,
    /// The date.
    pub(crate) date: Option<String>,
    /// Name of a member of staff, of a machine, a service or a practitioner.
    pub(crate) name: Option<String>,
}

/// Everything that a text names.
#[derive(Serialize, ToSchema)]
pub(crate) struct FoundThings {
    /// In no order.
    pub(crate) found: Vec<FoundThing>,
}

impl FoundThing {
    const fn new(kind: &'static str, id: Uuid, name: Option<String>) -> Self {
        Self { kind, id: Some(id), date: None, name }
    }
}

/// Finds what a reference, an id, a hash, a position, a date or a name of staff names.
#[utoipa::path(post, path = "/clinics/{clinic}/audit/search", tag = "audit", operation_id = "searchAudit",
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic")), request_body = AuditSearch,
    responses((status = 200, body = FoundThings), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn search(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
    ApiJson { value: asked, .. }: ApiJson<AuditSearch>,
) -> ApiResult<Json<FoundThings>> {
    principal.allow(clinic, AUDIT)?;
    let text = asked.text.trim();
    check_text("text", text, 1, 200)?;
    let mut found = Vec::new();
    if let Ok(reference) = Reference::parse(text) {
        let rows = app.views.appointments.by_reference(clinic, &reference.compact()).await;
        let rows = rows.map_err(reads::unanswered)?;
        found.extend(rows.iter().map(|row| FoundThing::new("appointment", row.id.0, None)));
    }
    if let Some(date) = WallDate::parse(text) {
        found.push(FoundThing { kind: "date", id: None, date: Some(date.to_string()), name: None });
    }
    if let Ok(position) = text.parse::<Position>() {
        found.extend(at(&app, clinic, position).await?);
    }
    let mut hash = [0; 32];
    if hex::decode_to_slice(text, &mut hash).is_ok() {
        let leaf = app.views.ledger.leaf_of_hash(&hash).await.map_err(reads::unanswered)?;
        // The embedded log numbers its events as the ledger numbers its leaves, from one instead of nought.
        found.extend(match leaf {
            Some(leaf) => at(&app, clinic, Position(leaf + 1)).await?,
            None => None,
        });
    }
    if let Ok(id) = Uuid::try_parse(text) {
        named(&app, clinic, id, &mut found).await?;
    }
    if found.is_empty() {
        members(&app, clinic, text, &mut found).await?;
    }
    Ok(Json(FoundThings { found }))
}

/// The clinic's event at a position.
async fn at(app: &AppState, clinic: ClinicId, position: Position) -> ApiResult<Option<FoundThing>> {
    let before = position.0.checked_sub(1).filter(|before| *before > 0).map(Position);
    let page = app.log().read_all(before, 1).await?;
    let event = page.events.first().filter(|event| event.position == position);
    let own = event.filter(|event| super::events::owned(event, clinic).is_some());
    Ok(own.map(|event| FoundThing::new("event", event.id, None)))
}

/// Everything of the clinic that has this id.
async fn named(app: &AppState, clinic: ClinicId, id: Uuid, found: &mut Vec<FoundThing>) -> ApiResult<()> {
    if by_id(app, clinic, id).await?.is_some() {
        found.push(FoundThing::new("event", id, None));
    }
    let appointment = app.views.appointments.by_id(AppointmentId(id)).await.map_err(reads::unanswered)?;
    if appointment.is_some_and(|row| row.clinic == clinic) {
        found.push(FoundThing::new("appointment", id, None));
    }
    if app.engine.survivor(PatientId(id)).await?.1.state.clinic == Some(clinic) {
        found.push(FoundThing::new("patient", id, None));
    }
    if app.engine.erasure(SubjectId(id)).await?.state.clinic == Some(clinic) {
        found.push(FoundThing::new("erasure", id, None));
    }
    let member = app.engine.member(MemberId(id)).await?;
    if member.state.added.as_ref().is_some_and(|added| added.clinic == clinic) {
        found.push(FoundThing::new("member", id, Names::of(app, clinic).name(MemberId(id)).await?));
    }
    let rules = app.engine.rules(clinic).await?;
    if let Some(service) = rules.state.services.get(&id.into()) {
        found.push(FoundThing::new("service", id, Some(service.config.internal_name.clone())));
    }
    if let Some(practitioner) = rules.state.practitioners.get(&id.into()) {
        found.push(FoundThing::new("practitioner", id, Some(practitioner.name.clone())));
    }
    if rules.state.agendas.contains_key(&id.into()) {
        found.push(FoundThing::new("agenda", id, None));
    }
    Ok(())
}

/// The members and machines whose name has this in it.
async fn members(app: &AppState, clinic: ClinicId, text: &str, found: &mut Vec<FoundThing>) -> ApiResult<()> {
    let (names, wanted) = (Names::of(app, clinic), fold_name(text));
    if wanted.is_empty() {
        return Ok(());
    }
    for member in app.views.clinics.members(clinic) {
        let Some(added) = &member.added else { continue };
        let name = names.name(added.member).await?;
        if found.len() < MEMBERS && name.as_deref().is_some_and(|name| fold_name(name).contains(&wanted)) {
            found.push(FoundThing::new("member", added.member.0, name));
        }
    }
    Ok(())
}
