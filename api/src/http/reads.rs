//! What reads have in common: waiting for the caller's own writes, finding by id, and how personal data is shown.

use crate::http::AppState;
use crate::http::problem::{ApiResult, Problem};
use axum::Json;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use booking_domain::ids::{AppointmentId, ClinicId, PatientId, SubjectId};
use booking_domain::person::{Email, HealthNumber, Phone, Profile};
use booking_domain::sealed::Sealed;
use booking_engine::{Personal, Whereabouts};
use booking_projections::ViewError;
use booking_projections::appointments::AppointmentRow;
use booking_store::Position;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// How long a read waits for what its caller has written.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Waits until these views show the position of `?after=`; false if that took too long, so that the answer is stale.
pub async fn caught_up(app: &AppState, views: &[&str], after: Option<&str>) -> ApiResult<bool> {
    let Some(text) = after else { return Ok(true) };
    let position = position("after", text)?;
    let waits = views.iter().map(|view| app.views.wait_for(view, position, PATIENCE));
    Ok(futures::future::join_all(waits).await.into_iter().all(|reached| reached))
}

/// A position that this API gave.
pub fn position(name: &str, text: &str) -> ApiResult<Position> {
    text.parse().map_err(|_| Problem::bad_parameter(name, "is not a position that this API gave"))
}

/// What a view could not answer is ours to mend.
#[allow(clippy::needless_pass_by_value, reason = "stands where errors are mapped")]
pub fn unanswered(error: ViewError) -> Problem {
    Problem::internal(error)
}

/// The appointment of an id in this clinic. One that the view does not know yet is waited for.
pub async fn appointment(app: &AppState, clinic: ClinicId, id: AppointmentId) -> ApiResult<AppointmentRow> {
    let mut row = app.views.appointments.by_id(id).await.map_err(unanswered)?;
    if row.is_none()
        && let Some(head) = app.log().head().await?
    {
        app.views.wait_for("appointments", head, PATIENCE).await;
        row = app.views.appointments.by_id(id).await.map_err(unanswered)?;
    }
    row.filter(|row| row.clinic == clinic).ok_or_else(Problem::not_found)
}

/// Where commands find an appointment. One that is on its way between two days is followed from the day it left, which
/// also finishes its move.
pub fn whereabouts(row: &AppointmentRow) -> Whereabouts {
    let place = row.moved_from.last().copied().filter(|_| row.in_transit).unwrap_or(row.place());
    Whereabouts { appointment: row.id, agenda: place.0, date: place.1 }
}

/// What a read answers: a body, the resource's revision as `ETag`, and whether the views had caught up.
#[derive(Debug)]
pub struct Read<T> {
    body: T,
    revision: Option<u64>,
    fresh: bool,
}

impl<T> Read<T> {
    /// 200 with this body; `fresh` is what [`caught_up`] said.
    pub const fn new(body: T, fresh: bool) -> Self {
        Self { body, revision: None, fresh }
    }
    /// Adds the resource's revision.
    #[must_use]
    pub const fn revision(mut self, revision: u64) -> Self {
        self.revision = Some(revision);
        self
    }
}

impl<T: Serialize> IntoResponse for Read<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.body).into_response();
        let headers = response.headers_mut();
        if let Some(revision) = self.revision
            && let Ok(tag) = HeaderValue::from_str(&format!("\"{revision}\""))
        {
            headers.insert(header::ETAG, tag);
        }
        if !self.fresh {
            headers.insert(HeaderName::from_static("booking-stale"), HeaderValue::from_static("true"));
        }
        response
    }
}

/// Personal data as far as it can be read.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Shown<T> {
    /// It can be read.
    Open(T),
    /// It was erased.
    Erased(Erased),
}

/// Stands in the place of personal data that was erased.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Erased {
    /// Always true.
    erased: bool,
}

impl<T> Shown<T> {
    /// Erased, if there is nothing.
    pub fn of(value: Option<T>) -> Self {
        value.map_or(Self::Erased(Erased { erased: true }), Self::Open)
    }
    /// The same of another form.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Shown<U> {
        match self {
            Self::Open(value) => Shown::Open(f(value)),
            Self::Erased(erased) => Shown::Erased(erased),
        }
    }
}

/// A person's name.
#[derive(Clone, Serialize, ToSchema)]
pub struct PersonName {
    /// First name.
    first_name: String,
    /// Surname.
    last_name: String,
}

impl From<&Profile> for PersonName {
    fn from(profile: &Profile) -> Self {
        Self { first_name: profile.first_name.clone(), last_name: profile.last_name.clone() }
    }
}

/// Who somebody is: a record's details, or provisional contact details.
#[derive(Clone, Serialize, ToSchema)]
pub struct PersonDetails {
    /// First name.
    first_name: String,
    /// Surname.
    last_name: String,
    /// `yyyy-mm-dd`.
    #[schema(example = "1985-01-01")]
    birth_date: String,
    /// `female`, `male` or `other`.
    sex: &'static str,
    /// Health insurance number.
    health_number: Option<String>,
    /// The card's expiry, `yyyy-mm`.
    health_number_expiry: Option<String>,
    /// Telephone numbers in E.164, the main one first.
    phones: Vec<String>,
    /// E-mail addresses.
    emails: Vec<String>,
    /// Postal addresses, lines separated by line breaks.
    addresses: Vec<String>,
}

impl From<&Profile> for PersonDetails {
    fn from(p: &Profile) -> Self {
        Self {
            first_name: p.first_name.clone(),
            last_name: p.last_name.clone(),
            birth_date: p.birth_date.to_string(),
            sex: p.sex.name(),
            health_number: p.health_number.as_ref().map(HealthNumber::as_str).map(str::to_owned),
            health_number_expiry: p.health_number_expiry.map(|(year, month)| format!("{year:04}-{month:02}")),
            phones: p.phones.iter().map(Phone::as_str).map(str::to_owned).collect(),
            emails: p.emails.iter().map(Email::as_str).map(str::to_owned).collect(),
            addresses: p.addresses.clone(),
        }
    }
}

/// Opens what an appointment has sealed; nothing was sealed: none.
pub async fn open<P: Personal>(
    app: &AppState,
    clinic: ClinicId,
    subject: SubjectId,
    sealed: Option<&Sealed>,
) -> ApiResult<Option<Shown<P>>> {
    match sealed {
        None => Ok(None),
        Some(sealed) => Ok(Some(Shown::of(app.engine.open::<P>(clinic, subject, sealed).await?))),
    }
}

/// The details of a record's survivor, with its id; none: erased.
pub async fn record(
    app: &AppState,
    clinic: ClinicId,
    patient: PatientId,
) -> ApiResult<(PatientId, Option<std::sync::Arc<Profile>>)> {
    let directory = &app.views.directory;
    if let Some(entry) = directory.get(directory.survivor(patient)).filter(|entry| entry.clinic == clinic) {
        return Ok((entry.patient, entry.profile));
    }
    // Registered a moment ago: the directory does not know it yet.
    let (survivor, record) = app.engine.survivor(patient).await?;
    let own = record.state.clinic == Some(clinic);
    let profile = match record.state.profile.as_ref().filter(|_| own) {
        Some(sealed) => app.engine.open::<Profile>(clinic, survivor.into(), sealed).await?,
        None => None,
    };
    Ok((survivor, profile.map(std::sync::Arc::new)))
}

/// The name to show on an appointment: the record's, or that of the provisional contact.
pub async fn name_of(
    app: &AppState,
    clinic: ClinicId,
    patient: Option<PatientId>,
    subject: SubjectId,
    contact: Option<&Sealed>,
) -> ApiResult<Shown<PersonName>> {
    if let Some(patient) = patient {
        let (_, profile) = record(app, clinic, patient).await?;
        return Ok(Shown::of(profile.as_deref().map(PersonName::from)));
    }
    let contact = match contact {
        Some(sealed) => app.engine.open::<Profile>(clinic, subject, sealed).await?,
        None => None,
    };
    Ok(Shown::of(contact.as_ref().map(PersonName::from)))
}

/// An id of the path as one of ours.
pub fn ids<C: From<Uuid>, T: From<Uuid>>((clinic, id): (Uuid, Uuid)) -> (C, T) {
    (clinic.into(), id.into())
}
