//! One case of forgetting somebody, step by step, with the reasons that were given. Reasons may say something about the
//! person, so that opening a case is recorded.

use super::catch_up;
use super::erasures::{ErasureCase, case};
use crate::erasures::belongings;
use crate::http::AppState;
use crate::http::audit::history::HistoryEntry;
use crate::http::audit::names::Names;
use crate::http::audit::tales::tell;
use crate::http::auth::{AUDIT, Principal};
use crate::http::disclosure::{About, Shown};
use crate::http::extract::ApiPath;
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads::{self, Read};
use axum::extract::State;
use booking_domain::erasure::ErasureEvent;
use booking_domain::ids::{ClinicId, PatientId, SubjectId};
use booking_domain::sealed::Sealed;
use booking_domain::stream::StreamName;
use booking_store::fold::{decode, metadata_of, read_whole};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(one))
}

/// One step of a case.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErasureStep {
    /// What happened.
    #[serde(flatten)]
    pub(crate) entry: HistoryEntry,
    /// What was said about it.
    pub(crate) note: Option<Shown<String>>,
}

/// A case with its steps.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErasureFile {
    /// How far it is.
    #[serde(flatten)]
    pub(crate) case: ErasureCase,
    /// Until when the data must be kept, as far as the appointments say now.
    pub(crate) keep_until: Option<String>,
    /// Oldest first.
    pub(crate) steps: Vec<ErasureStep>,
}

fn note(event: &ErasureEvent) -> Option<&Sealed> {
    match event {
        ErasureEvent::ErasureRequested(e) => e.note.as_ref(),
        ErasureEvent::ErasureRefused(e) => e.note.as_ref(),
        ErasureEvent::ErasureApproved(e) => e.note.as_ref(),
        _ => None,
    }
}

/// One case, step by step: who asked, who decided what and why, and what was carried out.
#[utoipa::path(get, path = "/clinics/{clinic}/erasures/{person}", tag = "erasure", operation_id = "getErasure",
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic"),
        ("person" = Uuid, Path, description = "The person of the case")),
    responses((status = 200, body = ErasureFile), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn one(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, person)): ApiPath<(Uuid, Uuid)>,
) -> ApiResult<Read<ErasureFile>> {
    let (clinic, subject) = (ClinicId(clinic), SubjectId(person));
    let about = About::Patient(PatientId(person));
    let access = principal.opens(&app, clinic, AUDIT, "getErasure", about).await?;
    let whom = access.found(case(&app, clinic, person).await).await?;
    access.about(subject);
    catch_up(&app, "erasures").await?;
    let row = app.views.erasures.of(subject).await.map_err(reads::unanswered)?;
    let row = access.found(row.ok_or_else(Problem::not_found)).await?;
    let rules = app.engine.rules(clinic).await?;
    let (names, zone) = (Names::of(&app, clinic), rules.state.zone());
    let mut steps = Vec::new();
    for event in read_whole(&**app.log(), &StreamName::erasure(subject)).await? {
        let (metadata, happened) = (metadata_of(&event)?, decode::<ErasureEvent>(&event)?);
        let Some(sentence) = tell(&rules.state, &event, metadata.actor) else { continue };
        let entry = HistoryEntry::of(&names, zone, (&event, &metadata), sentence).await?;
        steps.push(ErasureStep { entry, note: access.erasure_note(subject, note(&happened)).await? });
    }
    let keep_until = belongings(&app, clinic, whom).await?.keep_until.map(|until| until.rfc3339(zone));
    let (case, revision) = (ErasureCase::of_row(subject, &row, zone), row.touched);
    access.answer(Read::new(ErasureFile { case, keep_until, steps }, true).revision(revision)).await
}
