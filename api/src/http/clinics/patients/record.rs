//! A patient record as staff see it: whole, or in a list.

use super::form::RegistrationForm;
use crate::http::AppState;
use crate::http::disclosure::{Access, PersonDetails, Shown};
use crate::http::problem::ApiResult;
use booking_domain::ids::{PatientId, SubjectId};
use booking_domain::patient::Patient;
use booking_domain::person::Profile;
use booking_events::sealed_forms::DeathDate;
use booking_projections::directory::PatientEntry;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A patient record.
#[derive(Serialize, ToSchema)]
pub struct PatientRecord {
    /// Id.
    pub id: Uuid,
    /// Who it is.
    pub details: Shown<PersonDetails>,
    /// With whom the person is registered.
    pub registration: RegistrationForm,
    /// The person died.
    pub deceased: bool,
    /// The day, if it is known.
    pub death_date: Option<Shown<String>>,
    /// The record that this one leads to after all merges; nothing can be changed here then.
    pub survivor: Option<Uuid>,
    /// Records that lead to this person's record.
    pub merged: Vec<Uuid>,
    /// Its `ETag`.
    pub revision: u64,
}

/// A record in a list: enough to tell people apart.
#[derive(Serialize, ToSchema)]
pub struct PatientItem {
    /// Id.
    pub id: Uuid,
    /// Who it is.
    pub details: Shown<PersonDetails>,
    /// With whom the person is registered.
    pub registration: RegistrationForm,
    /// The person died.
    pub deceased: bool,
    /// Its `ETag`.
    pub revision: u64,
}

impl PatientItem {
    /// From the directory.
    pub fn new(access: &Access<'_>, entry: &PatientEntry) -> Self {
        Self {
            id: entry.patient.0,
            details: access.entry(entry),
            registration: entry.registration.into(),
            deceased: entry.deceased,
            revision: entry.touched,
        }
    }
}

/// Opens a record, with what leads to it and where it leads.
pub async fn shown(app: &AppState, access: &Access<'_>, id: PatientId, record: &Patient) -> ApiResult<PatientRecord> {
    let subject = SubjectId::from(id);
    access.about(subject);
    let profile = access.open::<Profile>(subject, record.profile.as_ref()).await?;
    let death_date = access.open::<DeathDate>(subject, record.death_date.as_ref()).await?;
    let survivor = match record.merged_into {
        None => None,
        Some(_) => Some(app.engine.survivor(id).await?.0.0),
    };
    let mut merged: Vec<PatientId> = app.views.directory.merged_ids(id);
    merged.extend(&record.absorbed);
    merged.retain(|other| *other != id && Some(other.0) != survivor);
    merged.sort_unstable();
    merged.dedup();
    Ok(PatientRecord {
        id: id.0,
        details: profile.map_or_else(|| access.details(subject, None), Shown::details),
        registration: record.registration.into(),
        deceased: record.deceased,
        death_date: death_date.map(|d| d.map(|death| death.date.to_string())),
        survivor,
        merged: merged.into_iter().map(|id| id.0).collect(),
        revision: record.touched,
    })
}
