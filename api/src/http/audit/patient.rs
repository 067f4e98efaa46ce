//! The history of a patient record, without anything that stands in it: who made, changed and merged it, and when; and
//! the appointments that are the patient's.

use super::history::HistoryEntry;
use super::names::Names;
use super::tales::tell;
use crate::http::AppState;
use crate::http::auth::{AUDIT, Principal};
use crate::http::clinics::appointments::AppointmentSummary;
use crate::http::disclosure::About;
use crate::http::extract::ApiPath;
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads::{self, Read};
use axum::extract::State;
use booking_domain::ids::{ClinicId, PatientId};
use booking_domain::stream::StreamName;
use booking_store::fold::{metadata_of, read_whole};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(history))
}

/// A record's history.
#[derive(Serialize, ToSchema)]
pub(crate) struct PatientHistory {
    /// The record that leads on after merges.
    pub(crate) patient: Uuid,
    /// Every record that is the same person's.
    pub(crate) records: Vec<Uuid>,
    /// IANA zone of all times.
    pub(crate) time_zone: String,
    /// Oldest first, of all of these records.
    pub(crate) entries: Vec<HistoryEntry>,
    /// The appointments, soonest first; ended ones too.
    pub(crate) appointments: Vec<AppointmentSummary>,
}

/// What happened to a patient record and the records merged with it; without names.
#[utoipa::path(get, path = "/clinics/{clinic}/audit/patients/{patient}/history", tag = "audit",
    operation_id = "getPatientHistory", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), ("patient" = Uuid, Path, description = "The record")),
    responses((status = 200, body = PatientHistory), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn history(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(path): ApiPath<(Uuid, Uuid)>,
) -> ApiResult<Read<PatientHistory>> {
    let (clinic, patient): (ClinicId, PatientId) = reads::ids(path);
    let access = principal.opens(&app, clinic, AUDIT, "getPatientHistory", About::Patient(patient)).await?;
    let (survivor, record) = app.engine.survivor(patient).await?;
    let own = if record.state.clinic == Some(clinic) { Ok(()) } else { Err(Problem::not_found()) };
    access.found(own).await?;
    access.about(survivor.into());
    let rules = app.engine.rules(clinic).await?;
    let (names, zone) = (Names::of(&app, clinic), rules.state.zone());
    let mut records = app.views.directory.merged_ids(survivor);
    records.extend([patient, survivor]);
    records.sort_unstable();
    records.dedup();
    let mut entries = Vec::new();
    for record in &records {
        for event in read_whole(&**app.log(), &StreamName::patient(*record)).await? {
            let metadata = metadata_of(&event)?;
            if let Some(sentence) = tell(&rules.state, &event, metadata.actor) {
                entries.push(HistoryEntry::of(&names, zone, (&event, &metadata), sentence).await?);
            }
        }
    }
    entries.sort_by_key(|entry| entry.position);
    let rows = app.views.appointments.of_patient(clinic, &records).await.map_err(reads::unanswered)?;
    let body = PatientHistory {
        patient: survivor.0,
        records: records.iter().map(|record| record.0).collect(),
        time_zone: zone.name().to_owned(),
        entries,
        appointments: rows.iter().map(|row| AppointmentSummary::of_row(row, zone)).collect(),
    };
    access.answer(Read::new(body, true)).await
}
