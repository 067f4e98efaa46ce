//! Personal data on its way to staff, auditors and machines: opened through one guard, recorded before it is sent.
//!
//! A handler admits its caller with [`Principal::opens`] and gets an [`Access`]. Everything personal that it shows comes
//! out of that as a [`Shown`], which notes whose it is. [`Access::answer`] records the answer, waits until the record is
//! on the disk, and only then can what was shown be serialized or looked at: a handler that forgets it answers 500 and
//! shows nothing. If the record cannot be made the answer is 503. So forgetting fails closed, and [`PersonDetails`] and
//! [`PersonName`] cannot be made anywhere else.
//!
//! What is recorded: an answer that shows sealed data of somebody, or that is about one person or one appointment that
//! the caller named; and a refusal (404) of such an operation. An answer that shows nobody is not recorded.

use super::AppState;
use super::auth::Principal;
use super::problem::{ApiResult, Problem};
use super::reads;
use axum::http::StatusCode;
use booking_domain::access::AccessRecorded;
use booking_domain::ids::{AppointmentId, ClinicId, PatientId, SubjectId};
use booking_domain::person::{Email, HealthNumber, Phone, Profile};
use booking_domain::sealed::Sealed;
use booking_domain::values::{AccessActor, AccessOutcome, Role};
use booking_engine::{NotRecorded, Personal};
use booking_projections::appointments::AppointmentRow;
use booking_projections::directory::PatientEntry;
use serde::ser::{Error as _, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

/// Header that says why personal data is asked for; a word of [`booking_domain::access::PURPOSES`].
pub const PURPOSE: &str = "booking-purpose";

/// The operations that go through this guard; all of them read [`PURPOSE`].
pub const OPERATIONS: [&str; 22] = [
    "explainAvailability",
    "exportAccess",
    "getAgenda",
    "getAppointment",
    "getAppointmentHistory",
    "getErasure",
    "getPatient",
    "getPatientHistory",
    "listAccess",
    "listAppointments",
    "listPatientAccess",
    "listPatientAppointments",
    "listReconciliation",
    "markDeceased",
    "mergePatients",
    "registerPatient",
    "replayAppointment",
    "replayAvailabilities",
    "replayServices",
    "searchPatients",
    "setRegistration",
    "updatePatient",
];

/// Whom an operation is about, as far as its caller named them.
#[derive(Clone, Copy, Debug)]
pub enum About {
    /// Whoever is found.
    Anybody,
    /// One patient's record.
    Patient(PatientId),
    /// One appointment.
    Appointment(AppointmentId),
}

/// One answer in the making: what it opens is noted here, and recorded before it goes out.
#[must_use = "an answer with personal data goes through `Access::answer`"]
pub struct Access<'a> {
    app: &'a AppState,
    principal: &'a Principal,
    clinic: ClinicId,
    operation: &'static str,
    subjects: Mutex<BTreeSet<SubjectId>>,
    receipt: Receipt,
}

/// Whether the record is on the disk.
#[derive(Clone, Debug, Default)]
struct Receipt(Arc<AtomicBool>);

impl Receipt {
    fn given(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Principal {
    /// Admits to an operation that shows personal data. Who is not admitted learns nothing, and the refusal is recorded.
    pub async fn opens<'a>(
        &'a self,
        app: &'a AppState,
        clinic: ClinicId,
        roles: &[Role],
        operation: &'static str,
        about: About,
    ) -> ApiResult<Access<'a>> {
        let (subjects, receipt) = (Mutex::default(), Receipt::default());
        let access = Access { app, principal: self, clinic: self.clinic, operation, subjects, receipt };
        if self.clinic != clinic {
            return Err(access.refused("clinic").await?);
        }
        if !roles.contains(&self.role) {
            access.name(about).await?;
            return Err(access.refused("role").await?);
        }
        Ok(access)
    }
}

impl Access<'_> {
    /// Passes on what was found. What was not found, or is another clinic's, is recorded as refused.
    pub async fn found<T>(&self, found: ApiResult<T>) -> ApiResult<T> {
        match found {
            Err(problem) if problem.status == StatusCode::NOT_FOUND.as_u16() => Err(self.refused("not_found").await?),
            other => other,
        }
    }

    /// Notes whom the answer is about, although it opens nothing of theirs.
    pub fn about(&self, subject: SubjectId) {
        self.subjects.lock().unwrap_or_else(PoisonError::into_inner).insert(subject);
    }

    /// Whom an appointment is for: the record's survivor, else the person of its provisional contact.
    pub fn about_appointment(&self, row: &AppointmentRow) {
        let directory = &self.app.views.directory;
        self.about(row.patient.map_or(row.subject, |patient| directory.survivor(patient).into()));
    }

    /// Opens what is sealed under this person's key; nothing was sealed: none.
    pub async fn open<P: Personal>(&self, subject: SubjectId, sealed: Option<&Sealed>) -> ApiResult<Option<Shown<P>>> {
        let Some(sealed) = sealed else { return Ok(None) };
        #[expect(clippy::disallowed_methods, reason = "the one door, and it notes who is shown")]
        let opened = self.app.engine.open::<P>(self.clinic, subject, sealed).await?;
        Ok(Some(self.shown(subject, opened)))
    }

    /// Words about an erasure: sealed under the clinic's audit key, they outlive the person's own.
    pub async fn erasure_note(&self, subject: SubjectId, sealed: Option<&Sealed>) -> ApiResult<Option<Shown<String>>> {
        let Some(sealed) = sealed else { return Ok(None) };
        #[expect(clippy::disallowed_methods, reason = "noted like everything that is shown of somebody")]
        let opened = self.app.engine.open_erasure_note(self.clinic, subject, sealed).await?;
        Ok(Some(self.shown(subject, opened.map(|note| note.text))))
    }

    /// The details of a profile that is in the clear already.
    pub fn details(&self, subject: SubjectId, profile: Option<&Profile>) -> Shown<PersonDetails> {
        self.shown(subject, profile.map(PersonDetails::of))
    }

    /// The details of an entry of the patient directory.
    pub fn entry(&self, entry: &PatientEntry) -> Shown<PersonDetails> {
        self.details(entry.patient.into(), entry.profile.as_deref())
    }

    /// The details of a record's survivor, with its id.
    pub async fn record(&self, patient: PatientId) -> ApiResult<(PatientId, Shown<PersonDetails>)> {
        let (survivor, profile) = self.survivor(patient).await?;
        Ok((survivor, self.details(survivor.into(), profile.as_deref())))
    }

    /// The name to show on an appointment: the record's, or that of the provisional contact.
    pub async fn name_of(
        &self,
        patient: Option<PatientId>,
        subject: SubjectId,
        contact: Option<&Sealed>,
    ) -> ApiResult<Shown<PersonName>> {
        if let Some(patient) = patient {
            let (survivor, profile) = self.survivor(patient).await?;
            return Ok(self.shown(survivor.into(), profile.as_deref().map(PersonName::of)));
        }
        let contact = self.open::<Profile>(subject, contact).await?;
        Ok(contact.map_or_else(|| self.shown(subject, None), |shown| shown.map(|profile| PersonName::of(&profile))))
    }

    async fn survivor(&self, patient: PatientId) -> ApiResult<(PatientId, Option<Arc<Profile>>)> {
        let directory = &self.app.views.directory;
        if let Some(entry) = directory.get(directory.survivor(patient)).filter(|entry| entry.clinic == self.clinic) {
            return Ok((entry.patient, entry.profile));
        }
        // Registered a moment ago: the directory does not know it yet.
        let (survivor, record) = self.app.engine.survivor(patient).await?;
        let own = record.state.clinic == Some(self.clinic);
        let profile = match record.state.profile.as_ref().filter(|_| own) {
            #[expect(clippy::disallowed_methods, reason = "shown by the caller, which notes it")]
            Some(sealed) => self.app.engine.open::<Profile>(self.clinic, survivor.into(), sealed).await?,
            None => None,
        };
        Ok((survivor, profile.map(Arc::new)))
    }

    fn shown<T>(&self, subject: SubjectId, value: Option<T>) -> Shown<T> {
        if value.is_some() {
            self.about(subject);
        }
        Shown { value, receipt: self.receipt.clone() }
    }

    /// Records the answer, and gives it back when the record is on the disk: 503 if that cannot be.
    pub async fn answer<R>(self, answer: R) -> ApiResult<R> {
        if !self.noted().is_empty() {
            self.record_as(AccessOutcome::Shown, self.principal.purpose).await?;
        }
        self.receipt.0.store(true, Ordering::Release);
        Ok(answer)
    }

    /// Records a refusal; what the caller gets does not say why.
    async fn refused(&self, why: &'static str) -> ApiResult<Problem> {
        self.record_as(AccessOutcome::Refused, Some(why)).await?;
        Ok(Problem::not_found())
    }

    fn noted(&self) -> Vec<SubjectId> {
        self.subjects.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    async fn record_as(&self, outcome: AccessOutcome, reason: Option<&str>) -> ApiResult<()> {
        let principal = self.principal;
        let entry = AccessRecorded {
            clinic: principal.clinic,
            member: Some(principal.member),
            actor_kind: if principal.machine { AccessActor::Token } else { AccessActor::Staff },
            route: self.operation.to_owned(),
            subjects: self.noted(),
            outcome,
            reason: reason.map(str::to_owned),
            request: principal.request,
        };
        self.app.access.record(principal.actor(), entry).await?;
        Ok(())
    }

    /// Notes whom the caller named, if they are this clinic's.
    async fn name(&self, about: About) -> ApiResult<()> {
        match about {
            About::Anybody => {}
            About::Patient(patient) => {
                let known = self.app.views.directory.get(patient);
                known
                    .filter(|entry| entry.clinic == self.clinic)
                    .into_iter()
                    .for_each(|e| self.about(e.patient.into()));
            }
            About::Appointment(id) => {
                let known = self.app.views.appointments.by_id(id).await.map_err(reads::unanswered)?;
                known.filter(|row| row.clinic == self.clinic).iter().for_each(|row| self.about_appointment(row));
            }
        }
        Ok(())
    }
}

impl From<NotRecorded> for Problem {
    fn from(_: NotRecorded) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "access_not_recorded",
            "Who looks at personal data must be recorded, and that is not possible right now",
        )
        .retry_after(5)
    }
}

/// Personal data as far as it can be read. Nothing comes out of it before its answer is recorded.
#[derive(Clone)]
pub struct Shown<T> {
    value: Option<T>,
    receipt: Receipt,
}

impl<T> Shown<T> {
    /// The same of another form.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Shown<U> {
        Shown { value: self.value.map(f), receipt: self.receipt }
    }
    /// The value, once its answer is recorded; none: erased.
    pub fn get(&self) -> Option<&T> {
        if !self.receipt.given() {
            tracing::error!("personal data was looked at before its answer was recorded; it is not shown");
        }
        self.value.as_ref().filter(|_| self.receipt.given())
    }
}

impl<T> fmt::Debug for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.value.is_some() { "[phi]" } else { "[erased]" })
    }
}

impl<T: Serialize> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            None => Erased { erased: true }.serialize(serializer),
            Some(value) if self.receipt.given() => value.serialize(serializer),
            Some(_) => Err(S::Error::custom("personal data that was not recorded as shown")),
        }
    }
}

/// How it looks in the API's document.
#[derive(serde::Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "describes what `Shown` serializes")]
enum Form<T> {
    /// It can be read.
    Open(T),
    /// It was erased.
    Erased(Erased),
}

// Generic schemas are composed by this trait, which the derive macro implements; it has no public name.
impl<T: ToSchema> utoipa::__dev::ComposeSchema for Shown<T> {
    fn compose(generics: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        <Form<T> as utoipa::__dev::ComposeSchema>::compose(generics)
    }
}

impl<T: ToSchema> ToSchema for Shown<T> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Shown")
    }
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Form::<T>::schemas(schemas);
    }
}

/// Stands in the place of personal data that was erased.
#[derive(Clone, Copy, Debug, serde::Serialize, ToSchema)]
pub struct Erased {
    /// Always true.
    erased: bool,
}

/// A person's name.
#[derive(Clone, serde::Serialize, ToSchema)]
pub struct PersonName {
    /// First name.
    pub(crate) first_name: String,
    /// Surname.
    pub(crate) last_name: String,
}

impl PersonName {
    fn of(profile: &Profile) -> Self {
        Self { first_name: profile.first_name.clone(), last_name: profile.last_name.clone() }
    }
}

/// Who somebody is: a record's details, or provisional contact details.
#[derive(Clone, serde::Serialize, ToSchema)]
pub struct PersonDetails {
    /// First name.
    pub(crate) first_name: String,
    /// Surname.
    pub(crate) last_name: String,
    /// `yyyy-mm-dd`.
    #[schema(example = "1985-01-01")]
    pub(crate) birth_date: String,
    /// `female`, `male` or `other`.
    pub(crate) sex: &'static str,
    /// Health insurance number.
    pub(crate) health_number: Option<String>,
    /// The card's expiry, `yyyy-mm`.
    pub(crate) health_number_expiry: Option<String>,
    /// Telephone numbers in E.164, the main one first.
    pub(crate) phones: Vec<String>,
    /// E-mail addresses.
    pub(crate) emails: Vec<String>,
    /// Postal addresses, lines separated by line breaks.
    pub(crate) addresses: Vec<String>,
    /// Nothing outside this file makes one.
    #[serde(skip)]
    _made_here: MadeHere,
}

#[derive(Clone, Copy)]
struct MadeHere;

impl PersonDetails {
    fn of(p: &Profile) -> Self {
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
            _made_here: MadeHere,
        }
    }
}

/// Opened profiles: they are shown as [`Shown`] details.
impl Shown<Profile> {
    /// As details.
    pub fn details(self) -> Shown<PersonDetails> {
        self.map(|profile| PersonDetails::of(&profile))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> PersonName {
        PersonName { first_name: "Rosalie".to_owned(), last_name: "Gagnon".to_owned() }
    }

    #[test]
    fn nothing_comes_out_before_the_record_is_on_the_disk() {
        let receipt = Receipt::default();
        let shown = Shown { value: Some(name()), receipt: receipt.clone() };
        assert!(serde_json::to_string(&shown).is_err());
        assert!(shown.get().is_none());
        assert!(serde_json::to_string(&vec![shown.clone().map(|n| n.last_name)]).is_err());
        receipt.0.store(true, Ordering::Release);
        assert_eq!(serde_json::to_value(&shown).unwrap()["last_name"], "Gagnon");
        assert!(shown.get().is_some());
    }

    #[test]
    fn what_was_erased_says_so_and_debug_says_nothing_else() {
        let erased: Shown<PersonName> = Shown { value: None, receipt: Receipt::default() };
        assert_eq!(serde_json::to_string(&erased).unwrap(), r#"{"erased":true}"#);
        let shown = Shown { value: Some(name()), receipt: Receipt::default() };
        assert_eq!(format!("{shown:?} {erased:?}"), "[phi] [erased]");
    }
}
