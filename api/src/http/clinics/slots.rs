//! Slots one by one: published by hand, amended, withdrawn.
//!
//! A single command refuses a local time that does not exist, and wants the offset of one that exists twice (8.19).

use super::{Matching, Retryable, made, own_agenda, path_date};
use crate::http::AppState;
use crate::http::auth::{CARE, Principal, RECEPTION};
use crate::http::commands::{Done, begin};
use crate::http::extract::{ApiJson, ApiPath, CommandHeaders};
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire::{When, date, instant, named, time};
use axum::extract::State;
use booking_domain::agenda_day::Slot;
use booking_domain::clinic::{Clinic, PublicationOverride};
use booking_domain::ids::{ActivityId, AgendaId, ClinicId, SlotId};
use booking_domain::time::{Tz, WallDate};
use booking_domain::values::{BadField, Modality, check_range};
use booking_engine::{SlotDraft, Withdrawal};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(publish)).routes(routes!(one, amend, withdraw))
}

/// A slot's own publication, in the place of its services' (8.29).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SlotPublication {
    /// At this instant, RFC 3339.
    #[schema(example = "2026-11-22T08:00:00-05:00")]
    At(String),
    /// So many minutes of elapsed time before the start: 1 to 527040.
    MinutesBefore(u32),
    /// Of a newer release, by its code; nothing is published. Only read, never sent.
    #[serde(skip_deserializing)]
    Unknown(u8),
}

impl SlotPublication {
    /// As JSON.
    pub fn of(publication: PublicationOverride, zone: Tz) -> Option<Self> {
        match publication {
            PublicationOverride::None => None,
            PublicationOverride::At(at) => Some(Self::At(at.rfc3339(zone))),
            PublicationOverride::MinutesBefore(minutes) => Some(Self::MinutesBefore(minutes)),
            PublicationOverride::Unknown(code) => Some(Self::Unknown(code)),
        }
    }
    /// As the domain has it.
    pub fn parse(form: Option<&Self>) -> Result<PublicationOverride, BadField> {
        match form {
            None => Ok(PublicationOverride::None),
            Some(Self::At(at)) => instant("publication.at", at).map(PublicationOverride::At),
            Some(Self::MinutesBefore(minutes)) => {
                check_range("publication.minutes_before", *minutes, 1, 527_040)?;
                Ok(PublicationOverride::MinutesBefore(*minutes))
            }
            Some(Self::Unknown(_)) => Err(BadField::new("publication", "is not one of the known values")),
        }
    }
}

/// A slot as it is to be, on a day that is given beside it.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SlotForm {
    /// `HH:MM` on the clinic's wall.
    #[schema(example = "09:00")]
    pub start: String,
    /// `HH:MM` on the clinic's wall, up to 24:00.
    #[schema(example = "12:00")]
    pub end: String,
    /// Offset of the start from UTC (`-05:00`), for a time that the clock shows twice that day. Not in bulk, which
    /// takes the first.
    #[serde(default)]
    pub start_offset: Option<String>,
    /// Offset of the end from UTC, likewise.
    #[serde(default)]
    pub end_offset: Option<String>,
    /// Activity; a slot without one is never online.
    #[serde(default)]
    pub activity: Option<Uuid>,
    /// Title; required when there is no activity (R91).
    #[serde(default)]
    pub title: Option<String>,
    /// Length of each appointment; none: the activity's duration (R92), or the whole slot without an activity.
    #[serde(default)]
    pub interval_minutes: Option<u16>,
    /// `in_person`, `video`, `telephone` or `home_visit`; none: the activity's.
    #[serde(default)]
    pub modality: Option<String>,
    /// Its own publication; none: its services'.
    #[serde(default)]
    pub publication: Option<SlotPublication>,
}

impl SlotForm {
    /// On a day of an agenda.
    pub fn draft(&self, agenda: AgendaId, date: WallDate) -> Result<SlotDraft, BadField> {
        let offset = |field, text: &Option<String>| text.as_deref().map(|t| offset(field, t)).transpose();
        let modality = self.modality.as_deref().map(|name| named("modality", name, Modality::from_name));
        Ok(SlotDraft {
            agenda,
            date,
            start: time("start", &self.start)?,
            end: time("end", &self.end)?,
            start_offset: offset("start_offset", &self.start_offset)?,
            end_offset: offset("end_offset", &self.end_offset)?,
            activity: self.activity.map(ActivityId),
            title: self.title.clone().filter(|title| !title.trim().is_empty()),
            interval_minutes: self.interval_minutes,
            modality: modality.transpose()?,
            publication: SlotPublication::parse(self.publication.as_ref())?,
        })
    }
}

/// An offset `+HH:MM` or `-HH:MM`, in minutes.
fn offset(field: &'static str, text: &str) -> Result<i32, BadField> {
    let bad = || BadField::new(field, "must be an offset from UTC such as -05:00");
    let (sign, rest) = match text.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => return Err(bad()),
    };
    let minutes = time(field, rest).map_err(|_| bad())?;
    Ok(sign * i32::from(minutes.0))
}

/// A slot on a date.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DatedSlot {
    /// Date on the clinic's wall.
    #[schema(example = "2026-11-24")]
    date: String,
    /// The slot.
    #[serde(flatten)]
    slot: SlotForm,
}

/// A slot as it stands in an agenda.
#[derive(Serialize, ToSchema)]
pub(super) struct SlotDetails {
    /// Id.
    id: Uuid,
    /// The agenda.
    agenda: Uuid,
    /// Whose agenda it is.
    practitioner: Uuid,
    /// Its time.
    when: When,
    /// Activity.
    activity: Option<Uuid>,
    /// Title.
    title: Option<String>,
    /// Length of each appointment.
    interval_minutes: u16,
    /// Its own modality; none: the activity's.
    modality: Option<&'static str>,
    /// `manual`, `template` or `recurrence`; the last is not offered online unless the clinic says so (R33).
    origin: &'static str,
    /// Its own publication; none: its services'.
    publication: Option<SlotPublication>,
    /// The template that laid it down.
    template: Option<Uuid>,
    /// The recurrence that it belongs to.
    recurrence: Option<Uuid>,
    /// The bulk command that undoes it.
    bulk: Option<Uuid>,
    /// Nothing of it is free any more.
    withdrawn: bool,
    /// What `If-Match` wants.
    revision: u64,
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
pub(super) struct WithdrawnSlots {
    /// Slots of which nothing is free any more.
    withdrawn: usize,
    /// Appointments in them; they stay.
    booked: Vec<BookedPlace>,
}

/// Where an appointment stands.
#[derive(Serialize, ToSchema)]
pub(super) struct BookedPlace {
    /// The agenda.
    agenda: Uuid,
    /// Date on the clinic's wall.
    date: String,
    /// The appointment.
    appointment: Uuid,
}

impl From<&Withdrawal> for WithdrawnSlots {
    fn from(done: &Withdrawal) -> Self {
        let place = |(agenda, date, appointment): &(AgendaId, WallDate, booking_domain::ids::AppointmentId)| {
            BookedPlace { agenda: agenda.0, date: date.to_string(), appointment: appointment.0 }
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
async fn publish(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, agenda)): ApiPath<(ClinicId, AgendaId)>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<DatedSlot>,
) -> ApiResult<Done<SlotDetails>> {
    principal.allow(clinic, RECEPTION)?;
    let rules = app.engine.rules(clinic).await?;
    own_agenda(&rules.state, agenda)?;
    let draft = form.slot.draft(agenda, date("date", &form.date)?)?;
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
async fn one(
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
async fn amend(
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
async fn withdraw(
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_offset_is_a_sign_hours_and_minutes() {
        for (text, minutes) in [("-05:00", -300), ("+05:30", 330), ("+00:00", 0), ("-03:30", -210)] {
            assert_eq!(offset("start_offset", text), Ok(minutes));
        }
        for wrong in ["", "5", "05:00", "-5:00", "Z", "−05:00", "-05:60", "--5:00"] {
            assert_eq!(offset("start_offset", wrong).unwrap_err().field, "start_offset", "{wrong}");
        }
    }

    #[test]
    fn a_publication_reads_back_in_its_documented_shape() {
        let zone = Tz::America__Toronto;
        for shape in [json!({"at": "2026-11-22T08:00:00-05:00"}), json!({"minutes_before": 90})] {
            let form: SlotPublication = serde_json::from_value(shape.clone()).unwrap();
            let domain = SlotPublication::parse(Some(&form)).unwrap();
            assert_eq!(SlotPublication::of(domain, zone).map(|f| serde_json::to_value(f).unwrap()), Some(shape));
        }
        assert_eq!(SlotPublication::parse(None), Ok(PublicationOverride::None));
        assert!(SlotPublication::parse(Some(&SlotPublication::MinutesBefore(0))).is_err());
        assert!(SlotPublication::parse(Some(&SlotPublication::At("soon".to_owned()))).is_err());
    }

    #[test]
    fn a_dated_slot_becomes_a_draft_and_unknown_fields_are_refused() {
        let (agenda, day) = (AgendaId::from_bytes([1; 16]), WallDate(20_781));
        let form: DatedSlot = serde_json::from_value(json!({
            "date": "2026-11-24", "start": "09:00", "end": "24:00", "start_offset": "-05:00", "title": " ",
            "interval_minutes": 20, "modality": "video",
        }))
        .unwrap();
        let draft = form.slot.draft(agenda, date("date", &form.date).unwrap()).unwrap();
        assert_eq!((draft.agenda, draft.date, draft.start.0, draft.end.0), (agenda, day, 540, 1440));
        assert_eq!((draft.start_offset, draft.end_offset, draft.title), (Some(-300), None, None));
        assert_eq!((draft.interval_minutes, draft.modality), (Some(20), Some(Modality::Video)));
        let wrong = json!({"date": "2026-11-24", "start": "09:00", "end": "10:00", "colour": "red"});
        let error = serde_json::from_value::<DatedSlot>(wrong).unwrap_err();
        assert!(error.to_string().starts_with("unknown field"), "{error}");
    }
}
