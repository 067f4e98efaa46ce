//! Appointments in the hands of staff: the list, one with its details; planned and moved in `plan`, changed in `change`.

pub(crate) mod change;
pub(crate) mod plan;

use super::messages::MessageOutcome;
use crate::http::AppState;
use crate::http::auth::{CARE, Principal};
use crate::http::disclosure::{About, Access, PersonDetails, PersonName, Shown};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads::{self, Read};
use crate::http::wire::{self, Text, When, cursor, page_limit, parse_cursor};
use axum::extract::State;
use booking_domain::agenda_day::{Appointment, Placement};
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AgendaId, AppointmentId, ClinicId};
use booking_domain::person::Profile;
use booking_domain::time::{Instant, Tz, WallTime, resolve};
use booking_domain::values::BookedBy;
use booking_engine::Whereabouts;
use booking_events::sealed_forms::{Note, Reason};
use booking_projections::appointments::{AppointmentRow, Cursor};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(details)).merge(plan::routes()).merge(change::routes())
}

/// Which appointments.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppointmentsQuery {
    /// First date, `yyyy-mm-dd`.
    pub(crate) from: String,
    /// Last date, included.
    pub(crate) to: String,
    /// Of this agenda alone.
    pub(crate) agenda: Option<Uuid>,
    /// `next` of the page before.
    pub(crate) cursor: Option<String>,
    /// Length of the page, up to 200; none: 50.
    pub(crate) limit: Option<u32>,
    /// Waits up to two seconds until this position is shown.
    pub(crate) after: Option<String>,
}

/// What a read waits for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AfterQuery {
    /// Waits up to two seconds until this position is shown; then the answer says `booking-stale: true`.
    pub after: Option<String>,
}

/// An availability of a slot.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AvailabilityOfSlot {
    /// The slot.
    pub slot: Uuid,
    /// Start of the availability, RFC 3339.
    #[schema(example = "2026-11-24T09:30:00-05:00")]
    pub start: String,
}

/// An appointment, without personal data.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppointmentSummary {
    /// Id; it stays through moves.
    pub(crate) id: Uuid,
    /// The reference that can be read out on the telephone.
    pub(crate) reference: String,
    /// The agenda where it stands.
    pub(crate) agenda: Uuid,
    /// Whose agenda that is.
    pub(crate) practitioner: Uuid,
    /// When it is.
    pub(crate) when: When,
    /// `booked`, `confirmed`, `arrived`, `completed`, `cancelled` or `no_show`.
    pub(crate) status: &'static str,
    /// `cloud_check` if the patient booked it online, for good; else `none`.
    pub(crate) icon: &'static str,
    /// The record.
    pub(crate) patient: Option<Uuid>,
    /// Provisional contact details stand in the place of a record: the patient is to be identified.
    pub(crate) to_identify: bool,
    /// Staff attached the record, so that it may be detached.
    pub(crate) attached: bool,
    /// `patient_online`, `staff` or `external`.
    pub(crate) booked_by: &'static str,
    /// Name of the external channel.
    pub(crate) channel: Option<String>,
    /// The service it was booked for online.
    pub(crate) service: Option<Uuid>,
    /// Public name of the service, as it was booked.
    pub(crate) service_name: Option<Text>,
    /// Activity; without one no message is sent.
    pub(crate) activity: Option<Uuid>,
    /// `in_person`, `video`, `telephone` or `home_visit`.
    pub(crate) modality: &'static str,
    /// Language of messages.
    pub(crate) language: &'static str,
    /// Messages may be sent.
    pub(crate) notify: bool,
    /// The availabilities behind it.
    pub(crate) availabilities: Vec<AvailabilityOfSlot>,
    /// Only the selected availability was reserved.
    pub(crate) only_selected: bool,
    /// It was laid over others by an explicit override.
    pub(crate) overridden: bool,
    /// When it was booked first, RFC 3339.
    pub(crate) booked_at: String,
    /// Its `ETag`.
    pub(crate) revision: u64,
}

const fn icon(booked_by: BookedBy) -> &'static str {
    if matches!(booked_by, BookedBy::PatientOnline) { "cloud_check" } else { "none" }
}

fn when(p: &Placement, zone: Tz) -> When {
    When::new(p.span, p.date, p.start, p.end, zone)
}

fn availabilities(p: &Placement, zone: Tz) -> Vec<AvailabilityOfSlot> {
    p.sources.iter().map(|s| AvailabilityOfSlot { slot: s.slot.0, start: s.span.start.rfc3339(zone) }).collect()
}

impl AppointmentSummary {
    /// From the view.
    pub fn of_row(row: &AppointmentRow, zone: Tz) -> Self {
        Self {
            id: row.id.0,
            reference: wire::shown_reference(&row.reference),
            agenda: row.agenda.0,
            practitioner: row.placement.practitioner.0,
            when: when(&row.placement, zone),
            status: row.status.name(),
            icon: icon(row.booked_by),
            patient: row.patient.map(|p| p.0),
            to_identify: row.is_provisional(),
            attached: row.attached,
            booked_by: row.booked_by.name(),
            channel: row.channel.clone(),
            service: row.admission.as_ref().map(|a| a.service.0),
            service_name: row.service_name.as_ref().map(Text::from),
            activity: row.activity.map(|a| a.0),
            modality: row.modality.name(),
            language: row.language.name(),
            notify: row.notify,
            availabilities: availabilities(&row.placement, zone),
            only_selected: row.placement.only_selected,
            overridden: row.placement.overridden,
            booked_at: row.booked_at.rfc3339(zone),
            revision: row.touched,
        }
    }
    /// From the log, right after a command.
    pub fn of_fold(at: Whereabouts, a: &Appointment, zone: Tz) -> Self {
        Self {
            id: at.appointment.0,
            reference: wire::shown_reference(&a.reference),
            agenda: at.agenda.0,
            practitioner: a.placement.practitioner.0,
            when: when(&a.placement, zone),
            status: a.status.name(),
            icon: icon(a.booked_by),
            patient: a.patient.map(|p| p.0),
            to_identify: a.is_provisional(),
            attached: a.attached,
            booked_by: a.booked_by.name(),
            channel: a.channel.clone(),
            service: a.admission.as_ref().map(|a| a.service.0),
            service_name: a.service_name.as_ref().map(Text::from),
            activity: a.activity.map(|a| a.0),
            modality: a.modality.name(),
            language: a.language.name(),
            notify: a.notify,
            availabilities: availabilities(&a.placement, zone),
            only_selected: a.placement.only_selected,
            overridden: a.placement.overridden,
            booked_at: a.booked_at.rfc3339(zone),
            revision: a.touched,
        }
    }
}

/// An appointment in a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppointmentItem {
    #[serde(flatten)]
    pub(crate) summary: AppointmentSummary,
    /// Who it is for.
    pub(crate) name: Shown<PersonName>,
}

impl AppointmentItem {
    /// With the name of whom it is for.
    pub async fn new(access: &Access<'_>, row: &AppointmentRow, zone: Tz) -> ApiResult<Self> {
        let name = access.name_of(row.patient, row.subject, row.contact.as_ref()).await?;
        Ok(Self { summary: AppointmentSummary::of_row(row, zone), name })
    }
}

/// A page of appointments.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppointmentPage {
    /// By start; ended ones too.
    pub(crate) appointments: Vec<AppointmentItem>,
    /// Cursor of the next page; none: there was nothing more.
    pub(crate) next: Option<String>,
}

/// The appointments between two dates.
#[utoipa::path(get, path = "/clinics/{clinic}/appointments", tag = "appointments", operation_id = "listAppointments",
    security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), AppointmentsQuery),
    responses((status = 200, body = AppointmentPage), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<Uuid>,
    ApiQuery(query): ApiQuery<AppointmentsQuery>,
) -> ApiResult<Read<AppointmentPage>> {
    let clinic = ClinicId(clinic);
    let access = principal.opens(&app, clinic, CARE, "listAppointments", About::Anybody).await?;
    let rules = app.engine.rules(clinic).await?;
    let zone = rules.state.zone();
    let midnight = |name: &'static str, text: &str, at: WallTime| -> ApiResult<Instant> {
        let date = wire::date(name, text).map_err(|e| Problem::bad_parameter(name, e.problem))?;
        Ok(resolve(date, at, zone).first_or_next())
    };
    let from = midnight("from", &query.from, WallTime(0))?;
    let to = midnight("to", &query.to, WallTime::END_OF_DAY)?;
    if to <= from {
        return Err(Problem::bad_parameter("to", "must not lie before from"));
    }
    let agenda = query.agenda.map(AgendaId);
    if agenda.is_some_and(|agenda| !rules.state.agendas.contains_key(&agenda)) {
        return Err(Problem::not_found());
    }
    let limit = page_limit(query.limit, 50, 200)?;
    let after: Option<Cursor> = parse_cursor(query.cursor.as_deref())?;
    let fresh = reads::caught_up(&app, &["appointments", "patients"], query.after.as_deref()).await?;
    let appointments = &app.views.appointments;
    let rows = appointments.in_range(clinic, (from, to), agenda, after, limit).await.map_err(reads::unanswered)?;
    let next = rows.last().filter(|_| rows.len() >= limit).map(|row| cursor(&(row.placement.span.start, row.id)));
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push(AppointmentItem::new(&access, row, zone).await?);
    }
    access.answer(Read::new(AppointmentPage { appointments: found, next }, fresh)).await
}

/// The reason for a visit.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatedReason {
    /// Which of the service's reasons was chosen, counted from 0.
    pub(crate) choice: Option<u16>,
    /// What was typed, or the chosen reason as it read then.
    pub(crate) text: String,
}

/// How an appointment was cancelled.
#[derive(Serialize, ToSchema)]
pub(crate) struct CancellationDetails {
    /// When it was said, RFC 3339.
    pub(crate) cancelled_at: String,
    /// By the patient; else by the clinic.
    pub(crate) by_patient: bool,
    /// Why.
    pub(crate) reason: Option<Shown<String>>,
    /// It stays in the patient's list.
    pub(crate) keep_record: bool,
    /// Its availabilities were kept.
    pub(crate) keep_availability: bool,
}

/// What let an online booking in.
#[derive(Serialize, ToSchema)]
pub(crate) struct AdmissionDetails {
    /// The service.
    pub(crate) service: Uuid,
    /// The service's internal name, as it is now.
    pub(crate) service_name: String,
    /// Revision of the clinic's rules that admitted it.
    pub(crate) clinic_revision: u64,
    /// `unrecognized`, `recognized` or `proven`.
    pub(crate) viewer_class: &'static str,
}

/// The record of an appointment.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppointmentRecord {
    /// The record; the survivor, if the one that was attached was merged.
    pub(crate) id: Uuid,
    /// Who it is.
    pub(crate) details: Shown<PersonDetails>,
}

/// An appointment with everything that staff may see.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppointmentDetails {
    #[serde(flatten)]
    pub(crate) summary: AppointmentSummary,
    /// Identity and contacts as they were typed at the booking; they stay when a record is attached.
    pub(crate) contact: Option<Shown<PersonDetails>>,
    /// The record, if there is one.
    pub(crate) record: Option<AppointmentRecord>,
    /// The reason for the visit.
    pub(crate) reason: Option<Shown<StatedReason>>,
    /// How it ended, if it was cancelled.
    pub(crate) cancellation: Option<CancellationDetails>,
    /// What let it in, if it was booked online.
    pub(crate) admission: Option<AdmissionDetails>,
    /// When the terms were accepted, RFC 3339.
    pub(crate) terms_accepted_at: Option<String>,
    /// It is on its way between two days.
    pub(crate) in_transit: bool,
    /// What became of messages about it, oldest first.
    pub(crate) messages: Vec<MessageOutcome>,
}

/// One appointment.
#[utoipa::path(get, path = "/clinics/{clinic}/appointments/{appointment}", tag = "appointments",
    operation_id = "getAppointment", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"),
        ("appointment" = Uuid, Path, description = "The appointment"), AfterQuery),
    responses((status = 200, body = AppointmentDetails), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn details(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(path): ApiPath<(Uuid, Uuid)>,
    ApiQuery(query): ApiQuery<AfterQuery>,
) -> ApiResult<Read<AppointmentDetails>> {
    let (clinic, id): (ClinicId, AppointmentId) = reads::ids(path);
    let access = principal.opens(&app, clinic, CARE, "getAppointment", About::Appointment(id)).await?;
    let fresh = reads::caught_up(&app, &["appointments", "patients"], query.after.as_deref()).await?;
    let row = access.found(reads::appointment(&app, clinic, id).await).await?;
    let rules = app.engine.rules(clinic).await?;
    let messages = MessageOutcome::of_appointment(&app, clinic, id, rules.state.zone()).await?;
    let body = opened(&access, &rules.state, &row, messages).await?;
    access.answer(Read::new(body, fresh).revision(row.touched)).await
}

async fn opened(
    access: &Access<'_>,
    rules: &Clinic,
    row: &AppointmentRow,
    messages: Vec<MessageOutcome>,
) -> ApiResult<AppointmentDetails> {
    let (subject, zone) = (row.subject, rules.zone());
    access.about_appointment(row);
    let contact = access.open::<Profile>(subject, row.contact.as_ref()).await?;
    let reason = access.open::<Reason>(subject, row.reason.as_ref()).await?;
    let record = match row.patient {
        None => None,
        Some(patient) => {
            let (id, details) = access.record(patient).await?;
            Some(AppointmentRecord { id: id.0, details })
        }
    };
    let cancellation = match &row.cancellation {
        None => None,
        Some(c) => {
            let why = access.open::<Note>(subject, c.reason.as_ref()).await?;
            Some(CancellationDetails {
                cancelled_at: c.cancelled_at.rfc3339(zone),
                by_patient: c.by_patient,
                reason: why.map(|why| why.map(|note| note.text)),
                keep_record: c.keep_record,
                keep_availability: c.kept_availability,
            })
        }
    };
    Ok(AppointmentDetails {
        summary: AppointmentSummary::of_row(row, zone),
        contact: contact.map(Shown::details),
        record,
        reason: reason.map(|r| r.map(|Reason { choice, text }| StatedReason { choice, text })),
        cancellation,
        admission: row.admission.as_ref().map(|a| AdmissionDetails {
            service: a.service.0,
            service_name: rules.services.get(&a.service).map(|s| s.config.internal_name.clone()).unwrap_or_default(),
            clinic_revision: a.clinic_revision,
            viewer_class: a.viewer_class.name(),
        }),
        terms_accepted_at: row.terms_accepted_at.map(|at| at.rfc3339(zone)),
        in_transit: row.in_transit,
        messages,
    })
}
