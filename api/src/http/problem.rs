//! Errors as people and programs get them: RFC 9457 problem details with a stable `code`.
//!
//! What a refusal means outside is decided here and nowhere else. Unknown and forbidden look the same.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use booking_domain::agenda_day::{Blocked, DayRefusal};
use booking_domain::clinic::ClinicRefusal;
use booking_domain::erasure::ErasureRefusal;
use booking_domain::patient::PatientRefusal;
use booking_domain::slug::SlugRefusal;
use booking_domain::staff::StaffRefusal;
use booking_domain::template::TemplateRefusal;
use booking_domain::values::{BadField, Stale};
use booking_engine::vault::VaultError;
use booking_engine::{BulkRefusal, Failure, PortalRefusal};
use booking_store::ReadError;
use booking_store::fold::FoldError;
use serde::Serialize;
use utoipa::ToSchema;

/// A problem, as RFC 9457 has it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Where the code is explained.
    #[serde(rename = "type")]
    pub kind: String,
    /// What went wrong, in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What the person needs to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Stable code for programs.
    pub code: &'static str,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// Names the request, for questions to the operator. Filled in on the way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Revision of the resource now, where the caller's was stale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_revision: Option<u64>,
    /// The nearest availabilities, where the wanted one is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub alternatives: Option<serde_json::Value>,
    /// What the device has to work out first, where a clinic is under load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work: Option<super::work::Work>,
    #[serde(skip)]
    retry_after: Option<u32>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldProblem {
    /// JSON pointer into the request's body.
    pub pointer: String,
    /// What is wrong, for a person.
    pub message: String,
}

/// The outcome of a handler.
pub type ApiResult<T> = Result<T, Problem>;

impl Problem {
    /// A problem with this status, code and title.
    pub fn new(status: StatusCode, code: &'static str, title: impl Into<String>) -> Self {
        Self {
            kind: format!("/api/docs/problems#{code}"),
            title: title.into(),
            status: status.as_u16(),
            detail: None,
            code,
            errors: Vec::new(),
            request_id: None,
            current_revision: None,
            alternatives: None,
            work: None,
            retry_after: None,
        }
    }
    /// Adds what the person needs to know.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
    /// Adds what is wrong with a field.
    #[must_use]
    pub fn field(mut self, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        self.errors.push(FieldProblem { pointer: pointer.into(), message: message.into() });
        self
    }
    /// Tells the caller when to try again, in seconds.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }
    /// In how many seconds to try again.
    pub const fn when_to_retry(&self) -> Option<u32> {
        self.retry_after
    }
    /// Nothing here that this caller may see.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found")
    }
    /// No valid credentials.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Sign in first")
    }
    /// A query parameter or a path segment that cannot be read.
    pub fn bad_parameter(name: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_parameter", "A parameter cannot be read")
            .field(name.to_owned(), message)
    }
    /// Fields that break a rule of form.
    pub fn invalid(fields: impl IntoIterator<Item = BadField>) -> Self {
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", "A field is not valid");
        problem.errors = fields.into_iter().map(Into::into).collect();
        problem
    }
    /// Something that is ours to mend; the cause goes to the log, not to the caller.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side")
    }
    fn unavailable(code: &'static str, title: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, title).retry_after(1)
    }
    pub(crate) fn conflict(code: &'static str, title: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, title)
    }
}

impl From<BadField> for FieldProblem {
    fn from(bad: BadField) -> Self {
        Self { pointer: format!("/{}", bad.field.replace('.', "/")), message: bad.problem }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let retry_after = self.retry_after;
        // Kept beside its bytes, so that the way out can add the request's id.
        response.extensions_mut().insert(self);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<BadField> for Problem {
    fn from(bad: BadField) -> Self {
        Self::invalid([bad])
    }
}

impl From<Stale> for Problem {
    fn from(stale: Stale) -> Self {
        let mut problem = Self::new(StatusCode::PRECONDITION_FAILED, "stale", "It was changed since you read it")
            .detail("Read it again and decide anew; nothing was overwritten.");
        problem.current_revision = Some(stale.current);
        problem
    }
}

impl From<DayRefusal> for Problem {
    fn from(refusal: DayRefusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            DayRefusal::UnknownSlot | DayRefusal::UnknownAppointment => Self::not_found(),
            DayRefusal::UnknownAvailability => Self::conflict("availability_gone", "That time does not exist any more"),
            DayRefusal::Taken(blocked) => {
                let code = match blocked {
                    Blocked::Held(_) => "held",
                    Blocked::Withdrawn | Blocked::Removed => "availability_gone",
                    Blocked::Booked | Blocked::Promised => "taken",
                };
                Self::conflict(code, "That time is not free any more")
            }
            DayRefusal::NotOffered(rule) => Self::conflict("not_offered", "That time cannot be booked online")
                // Why is for staff (`explain`): a visitor would learn from it whether a record was matched.
                .detail(match rule {
                    booking_domain::visibility::Rule::NotStarted | booking_domain::visibility::Rule::MinNotice => {
                        "It is too late to book this time online; please call the clinic."
                    }
                    _ => "Please choose another time, or call the clinic.",
                }),
            DayRefusal::HoldEnded => Self::new(StatusCode::GONE, "hold_ended", "The hold on that time has ended"),
            DayRefusal::HoldElsewhere => Self::conflict("hold_elsewhere", "The hold is for another time"),
            DayRefusal::HoldNotExtendable => {
                Self::conflict("hold_not_extendable", "The hold cannot be extended any more")
            }
            DayRefusal::HoldBudget => Self::conflict("hold_budget", "No more holds here; you can book without one"),
            DayRefusal::WouldCut(_) => Self::conflict("would_cut", "A time that is held or booked would be cut"),
            DayRefusal::BookingAbandoned => {
                Self::conflict("booking_abandoned", "This booking was given up; start again")
            }
            DayRefusal::Cancelled => Self::conflict("cancelled", "The appointment is cancelled"),
            DayRefusal::MovedAway | DayRefusal::MoveAbandoned | DayRefusal::MovePending => {
                Self::conflict("moving", "The appointment is being moved; read it again")
            }
            DayRefusal::WrongStatus => Self::conflict("wrong_status", "The appointment's status does not allow that"),
            DayRefusal::PastCutoff => {
                Self::conflict("past_cutoff", "It is too late to change this online").detail("Please call the clinic.")
            }
            DayRefusal::OtherPatient(_) => Self::conflict("other_patient", "Another patient is attached already"),
            DayRefusal::NothingProvisional => Self::conflict("nothing_provisional", text),
            DayRefusal::Stale(stale) => stale.into(),
            DayRefusal::BadField(bad) => bad.into(),
        }
    }
}

impl From<ClinicRefusal> for Problem {
    fn from(refusal: ClinicRefusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            ClinicRefusal::UnknownClinic | ClinicRefusal::UnknownService => Self::not_found(),
            ClinicRefusal::AlreadyRegistered => Self::conflict("exists", text),
            ClinicRefusal::AgendaExists(_) => Self::conflict("agenda_exists", text),
            ClinicRefusal::PortalNotConfigured => Self::conflict("portal_not_configured", text),
            ClinicRefusal::NoMessageChannel => Self::conflict("no_message_channel", text),
            ClinicRefusal::UnknownActivity(_) => Self::invalid([BadField::new("activity", "is not known")]),
            ClinicRefusal::RetiredActivity(_) => Self::invalid([BadField::new("activity", "is retired")]),
            ClinicRefusal::UnknownPractitioner(_) => Self::invalid([BadField::new("practitioner", "is not known")]),
            ClinicRefusal::Stale(stale) => stale.into(),
            ClinicRefusal::BadField(bad) => bad.into(),
        }
    }
}

impl From<PortalRefusal> for Problem {
    fn from(refusal: PortalRefusal) -> Self {
        match refusal {
            PortalRefusal::Clinic(refusal) => refusal.into(),
            PortalRefusal::Slug(SlugRefusal::Taken) => Self::conflict("slug_taken", "Another clinic has this address"),
        }
    }
}

impl From<TemplateRefusal> for Problem {
    fn from(refusal: TemplateRefusal) -> Self {
        match refusal {
            TemplateRefusal::UnknownTemplate => Self::not_found(),
            TemplateRefusal::AlreadyCreated => Self::conflict("exists", refusal.to_string()),
            TemplateRefusal::Stale(stale) => stale.into(),
            TemplateRefusal::BadField(bad) => bad.into(),
        }
    }
}

impl From<BulkRefusal> for Problem {
    fn from(refusal: BulkRefusal) -> Self {
        match refusal {
            BulkRefusal::BadSlots(bad) => {
                let mut problem = Self::invalid([]);
                problem.errors = bad
                    .into_iter()
                    .map(|(index, bad)| FieldProblem {
                        pointer: format!("/slots/{index}/{}", bad.field),
                        message: bad.problem,
                    })
                    .collect();
                problem
            }
            BulkRefusal::TooMany => Self::invalid([BadField::new("slots", "are too many at once")]),
            BulkRefusal::Day(refusal) => refusal.into(),
            BulkRefusal::Template(refusal) => refusal.into(),
        }
    }
}

impl From<PatientRefusal> for Problem {
    fn from(refusal: PatientRefusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            PatientRefusal::UnknownPatient | PatientRefusal::OtherClinic => Self::not_found(),
            PatientRefusal::AlreadyRegistered => Self::conflict("exists", text),
            PatientRefusal::Merged { .. } => Self::conflict("merged", text),
            PatientRefusal::Deceased => Self::conflict("deceased", text),
            PatientRefusal::Erased => Self::conflict("erased", text),
            PatientRefusal::SameRecord => Self::conflict("same_record", text),
            PatientRefusal::ReceivesMerge { .. } | PatientRefusal::MergeDeclined | PatientRefusal::MergeNotReceived => {
                Self::conflict("merge_pending", text)
            }
            PatientRefusal::Stale(stale) => stale.into(),
            PatientRefusal::BadField(bad) => bad.into(),
        }
    }
}

impl From<ErasureRefusal> for Problem {
    fn from(refusal: ErasureRefusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            ErasureRefusal::UnknownPerson => Self::not_found(),
            ErasureRefusal::NoRequest => Self::conflict("no_request", text),
            ErasureRefusal::Erased => Self::conflict("erased", text),
            ErasureRefusal::TooEarly(_) => Self::conflict("cooling_off", text),
            ErasureRefusal::Stale(stale) => stale.into(),
            ErasureRefusal::BadField(bad) => bad.into(),
        }
    }
}

impl From<StaffRefusal> for Problem {
    fn from(refusal: StaffRefusal) -> Self {
        match refusal {
            StaffRefusal::UnknownMember => Self::not_found(),
            StaffRefusal::AlreadyAdded => Self::conflict("exists", refusal.to_string()),
            StaffRefusal::Stale(stale) => stale.into(),
            StaffRefusal::BadField(bad) => bad.into(),
        }
    }
}

impl<R: Into<Self>> From<Failure<R>> for Problem {
    fn from(failure: Failure<R>) -> Self {
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            Failure::KeyReused => Self::key_reused(),
            Failure::Busy => Self::unavailable("busy", "Too many people want the same day right now; try again"),
            Failure::Full => Self::unavailable("storage_full", "Nothing can be stored right now"),
            Failure::Unavailable(why) => {
                tracing::warn!(%why, "the store did not answer");
                Self::unavailable("unavailable", "Not available right now; try again with the same key")
            }
            Failure::ClockBehind => Self::unavailable("clock_behind", "This server's clock is wrong"),
            Failure::Damaged(error) => Self::internal(error),
            Failure::Invalid(why) => Self::internal(why),
            Failure::Standstill(_) => {
                Self::unavailable("standstill", "Nothing can be changed right now").retry_after(30)
            }
        }
    }
}

impl Problem {
    /// The same idempotency key came with another body.
    pub fn key_reused() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "This Idempotency-Key was used for another request",
        )
    }
    /// The same request is being worked on.
    pub fn in_flight() -> Self {
        Self::conflict("in_flight", "The same request is being worked on right now").retry_after(1)
    }
}

impl From<FoldError> for Problem {
    fn from(error: FoldError) -> Self {
        match error {
            FoldError::Read(error) => error.into(),
            error @ FoldError::BadEvent { .. } => Self::internal(error),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable(why) => {
                tracing::warn!(%why, "the log did not answer");
                Self::unavailable("unavailable", "Not available right now; try again")
            }
            ReadError::Corrupt(why) => Self::internal(why),
        }
    }
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Gone => Self::new(StatusCode::GONE, "gone", "It is not there any more"),
            error if error.is_passing() => {
                tracing::warn!(%error, "the vault did not answer");
                Self::unavailable("unavailable", "Not available right now; try again")
            }
            error => Self::internal(error),
        }
    }
}
