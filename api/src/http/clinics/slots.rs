//! Slots one by one: published by hand, amended, withdrawn.
//!
//! A single command refuses a local time that does not exist, and wants the offset of one that exists twice (8.19).

use super::slot_form::{DatedSlot, SlotForm, SlotPublication};
use super::{Matching, Retryable, made, own_agenda, path_date};
use crate::http::AppState;
use crate::http::auth::{CARE, Principal, RECEPTION};
use crate::http::commands::{Done, begin};
use crate::http::extract::{ApiJson, ApiPath, CommandHeaders};
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire::{When, date};
use axum::extract::State;
use booking_domain::agenda_day::Slot;
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AgendaId, AppointmentId, ClinicId, SlotId};
use booking_domain::time::WallDate;
use booking_domain::values::Modality;
use booking_engine::Withdrawal;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(publish)).routes(routes!(one, amend, withdraw))
}

/// A slot as it stands in an agenda.
#[derive(Serialize, ToSchema)]
pub(crate) struct SlotDetails {
    /// Id.
    pub(crate) id: Uuid,
    /// The agenda.
    pub(crate) agenda: Uuid,
    /// Whose agenda it is.
    pub(crate) practitioner: Uuid,
    /// Its time.
    pub(crate) when: When,
    /// Activity.
    pub(crate) activity: Option<Uuid>,
    /// Title.
    pub(crate) title: Option<String>,
    /// Length of each appointment.
    pub(crate) interval_minutes: u16,
    /// Its own modality; none: the activity's.
    pub(crate) modality: Option<&'static str>,
    /// `manual`, `template` or `recurrence`; the last is not offered online unless the clinic says so (R33).
    pub(crate) origin: &'static str,
    /// Its own publication; none: its services'.
    pub(crate) publication: Option<SlotPublication>,
    /// The template that laid it down.
    pub(crate) template: Option<Uuid>,
    /// The recurrence that it belongs to.
    pub(crate) recurrence: Option<Uuid>,
    /// The bulk command that undoes it.
    pub(crate) bulk: Option<Uuid>,
    /// Nothing of it is free any more.
    pub(crate) withdrawn: bool,
    /// What `If-Match` wants.
    pub(crate) revision: u64,
}

impl SlotDetails {
    fn of(clinic: &Clinic, agenda: AgendaId, slot: &Slot) -> Self {
        let zone = clinic.zone();
        Self {
            id: slot.id.0,
            agenda: agenda.0,
            practitioner: slot.practitioner.0,
            when: When::new(slot.span, slot.date, slot.start, slot.end, zone),
            activity: slot.activity.map(|id| id.0),
            title: slot.title.as_deref().map(str::to_owned),
            interval_minutes: slot.interval_minutes,
            modality: slot.modality.map(Modality::name),
            origin: slot.origin.name(),
            publication: SlotPublication::of(slot.publication, zone),
            template: slot.template.map(|id| id.0),
            recurrence: slot.recurrence.map(|id| id.0),
            bulk: slot.bulk.map(|id| id.0),
            withdrawn: slot.withdrawn,
            revision: slot.touched,
        }
    }
}

/// What a withdrawal did, and who is to be called.
#[derive(Serialize, ToSchema)]
pub(crate) struct WithdrawnSlots {
    /// Slots of which nothing is free any more.
    pub(crate) withdrawn: usize,
    /// Appointments in them; they stay.
    pub(crate) booked: Vec<BookedPlace>,
}

/// Where an appointment stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct BookedPlace {
    /// The agenda.
    pub(crate) agenda: Uuid,
    /// Date on the clinic's wall.
    pub(crate) date: String,
    /// The appointment.
    pub(crate) appointment: Uuid,
}

impl From<&Withdrawal> for WithdrawnSlots {
    fn from(done: &Withdrawal) -> Self {
        let place = |(agenda, date, appointment): &(AgendaId, WallDate, AppointmentId)| BookedPlace {
            agenda: agenda.0,
            date: date.to_string(),
            appointment: appointment.0,
        };
        Self { withdrawn: done.withdrawn, booked: done.booked.iter().map(place).collect() }
    }
}

/// Publishes a slot by hand. Slots may overlap (R95); appointments never do.
#[utoipa::path(post, path = "/clinics/{clinic}/agendas/{agenda}/slots", tag = "schedule", operation_id = "publishSlot",
    security(("staff" = [])),
    params(Retryable, ("clinic" = Uuid, Path, description = "The clinic"),
        ("agenda" = Uuid, Path, description = "The agenda")),
    request_body = DatedSlot,
    responses((status = 201, body = SlotDetails), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn publish(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, agenda)): ApiPath<(ClinicId, AgendaId)>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<DatedSlot>,
) -> ApiResult<Done<SlotDetails>> {
    principal.allow(clinic, RECEPTION)?;
    let rules = app.engine.rules(clinic).await?;
    own_agenda(&rules.state, agenda)?;
    let on = date("date", &form.date)?;
    let draft = SlotForm::from(form).draft(agenda, on)?;
    let begun = begin(&app, clinic, principal.actor(), "publishSlot", &headers, &bytes).await?;
    let done = app.engine.publish_slot(&begun.ctx, &draft).await?;
    let slot = made(done.folded.state.occupancy.slot(SlotId(begun.ctx.id("slot"))))?;
    let body = SlotDetails::of(&rules.state, agenda, slot);
    Ok(Done::created(body).revision(slot.touched).position(done.position()))
}

/// One slot.
#[utoipa::path(get, path = "/clinics/{clinic}/agendas/{agenda}/days/{date}/slots/{slot}", tag = "schedule",
    operation_id = "getSlot", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), ("agenda" = Uuid, Path, description = "The agenda"),
        ("date" = String, Path, description = "Its date, `yyyy-mm-dd`"),
        ("slot" = Uuid, Path, description = "The slot")),
    responses((status = 200, body = SlotDetails), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn one(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, agenda, date, slot)): ApiPath<(ClinicId, AgendaId, String, SlotId)>,
) -> ApiResult<Done<SlotDetails>> {
    principal.allow(clinic, CARE)?;
    let rules = app.engine.rules(clinic).await?;
    own_agenda(&rules.state, agenda)?;
    let day = app.engine.day(agenda, path_date(&date)?).await?;
    let slot = day.state.occupancy.slot(slot).ok_or_else(Problem::not_found)?;
    Ok(Done::ok(SlotDetails::of(&rules.state, agenda, slot)).revision(slot.touched))
}

/// Amends what is free of a slot, as a whole: 409 `would_cut` if a time that is held or booked would be cut (8.27).
#[utoipa::path(put, path = "/clinics/{clinic}/agendas/{agenda}/days/{date}/slots/{slot}", tag = "schedule",
    operation_id = "amendSlot", security(("staff" = [])),
    params(Matching, ("clinic" = Uuid, Path, description = "The clinic"),
        ("agenda" = Uuid, Path, description = "The agenda"),
        ("date" = String, Path, description = "Its date, `yyyy-mm-dd`"),
        ("slot" = Uuid, Path, description = "The slot")),
    request_body = SlotForm,
    responses((status = 200, body = SlotDetails), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem),
        (status = 428, body = Problem)))]
pub(crate) async fn amend(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, agenda, date, slot)): ApiPath<(ClinicId, AgendaId, String, SlotId)>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<SlotForm>,
) -> ApiResult<Done<SlotDetails>> {
    principal.allow(clinic, RECEPTION)?;
    let if_match = headers.require_match()?;
    let rules = app.engine.rules(clinic).await?;
    own_agenda(&rules.state, agenda)?;
    let draft = form.draft(agenda, path_date(&date)?)?;
    let begun = begin(&app, clinic, principal.actor(), "amendSlot", &headers, &bytes).await?;
    let done = app.engine.amend_slot(&begun.ctx, slot, &draft, Some(if_match)).await?;
    let slot = made(done.folded.state.occupancy.slot(slot))?;
    let body = SlotDetails::of(&rules.state, agenda, slot);
    Ok(Done::ok(body).revision(slot.touched).position(done.position()))
}

/// Withdraws what is free of a slot; who is booked stays booked and is listed (8.27).
#[utoipa::path(delete, path = "/clinics/{clinic}/agendas/{agenda}/days/{date}/slots/{slot}", tag = "schedule",
    operation_id = "withdrawSlot", security(("staff" = [])),
    params(Matching, ("clinic" = Uuid, Path, description = "The clinic"),
        ("agenda" = Uuid, Path, description = "The agenda"),
        ("date" = String, Path, description = "Its date, `yyyy-mm-dd`"),
        ("slot" = Uuid, Path, description = "The slot")),
    responses((status = 200, body = WithdrawnSlots), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn withdraw(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, agenda, date, slot)): ApiPath<(ClinicId, AgendaId, String, SlotId)>,
    headers: CommandHeaders,
) -> ApiResult<Done<WithdrawnSlots>> {
    principal.allow(clinic, RECEPTION)?;
    let if_match = headers.require_match()?;
    own_agenda(&app.engine.rules(clinic).await?.state, agenda)?;
    let date = path_date(&date)?;
    let begun = begin(&app, clinic, principal.actor(), "withdrawSlot", &headers, &[]).await?;
    let (done, revision) = app.engine.withdraw_slot(&begun.ctx, agenda, date, slot, Some(if_match)).await?;
    Ok(Done::ok(WithdrawnSlots::from(&done)).revision(revision).position(done.position))
}
