//! Staff plan an appointment or move one, with or without a slot (4.9, 4.11); external channels enter theirs (8.24).

use super::{AppointmentSummary, AvailabilityOfSlot};
use crate::http::AppState;
use crate::http::auth::{Principal, RECEPTION};
use crate::http::clinics::patients::form::{Findings, ProvisionalForm};
use crate::http::commands::{Done, begin};
use crate::http::extract::{ApiJson, ApiPath, CommandHeaders};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads;
use crate::http::wire::{date, instant, named, time};
use axum::extract::State;
use booking_domain::agenda_day::{Selected, Wish, single_instant};
use booking_domain::clinic::Clinic;
use booking_domain::ids::{ActivityId, AgendaId, AppointmentId, ClinicId, PatientId, SlotId};
use booking_domain::time::{Instant, Span, WallDate, WallTime};
use booking_domain::values::{BadField, Language, Modality, check_text};
use booking_engine::{For, MoveTo, PlannedBooking, Whereabouts};
use booking_events::sealed_forms::Reason;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(plan)).routes(routes!(move_to))
}

const fn yes() -> bool {
    true
}

/// An appointment to be planned, for a record or with provisional contact details.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanAppointment {
    /// The agenda.
    pub(crate) agenda: Uuid,
    /// Date on the clinic's wall.
    #[schema(example = "2026-11-24")]
    pub(crate) date: String,
    /// Start on the clinic's wall.
    #[schema(example = "09:30")]
    pub(crate) start: String,
    /// End on the clinic's wall, up to 24:00.
    #[schema(example = "10:00")]
    pub(crate) end: String,
    /// Offset of the start from UTC, needed where the local time exists twice.
    #[serde(default)]
    #[schema(example = "-05:00")]
    pub(crate) start_offset: Option<String>,
    /// Offset of the end.
    #[serde(default)]
    pub(crate) end_offset: Option<String>,
    /// The availability that it is placed in.
    #[serde(default)]
    pub(crate) availability: Option<AvailabilityOfSlot>,
    /// Reserve only that availability (R76).
    #[serde(default)]
    pub(crate) only_selected: bool,
    /// Lay it over other appointments knowingly; recorded (8.21).
    #[serde(default)]
    pub(crate) overbook: bool,
    /// The record; this or `contact`.
    #[serde(default)]
    pub(crate) patient: Option<Uuid>,
    /// Provisional contact details of somebody without a record.
    #[serde(default)]
    pub(crate) contact: Option<ProvisionalForm>,
    /// Activity; without one no message is sent (R80).
    #[serde(default)]
    pub(crate) activity: Option<Uuid>,
    /// Modality; none: the slot's activity's.
    #[serde(default)]
    pub(crate) modality: Option<String>,
    /// Why, up to 500 characters.
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// Whether messages may be sent (R81).
    #[serde(default = "yes")]
    pub(crate) notify: bool,
    /// Language of messages; none: the clinic's first.
    #[serde(default)]
    pub(crate) language: Option<String>,
    /// Name of the external channel that booked it; none: staff.
    #[serde(default)]
    pub(crate) channel: Option<String>,
}

/// Where an appointment shall go, or how long it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoveAppointment {
    /// The target agenda.
    pub(crate) agenda: Uuid,
    /// Date on the clinic's wall.
    #[schema(example = "2026-11-24")]
    pub(crate) date: String,
    /// Start on the clinic's wall.
    #[schema(example = "09:30")]
    pub(crate) start: String,
    /// End on the clinic's wall, up to 24:00.
    #[schema(example = "10:00")]
    pub(crate) end: String,
    /// Offset of the start from UTC, needed where the local time exists twice.
    #[serde(default)]
    pub(crate) start_offset: Option<String>,
    /// Offset of the end.
    #[serde(default)]
    pub(crate) end_offset: Option<String>,
    /// The availability that it is placed in.
    #[serde(default)]
    pub(crate) availability: Option<AvailabilityOfSlot>,
    /// Reserve only that availability (R76).
    #[serde(default)]
    pub(crate) only_selected: bool,
    /// Lay it over other appointments knowingly; recorded (8.21).
    #[serde(default)]
    pub(crate) overbook: bool,
    /// Drop the availability that it leaves (R75).
    #[serde(default)]
    pub(crate) drop_original: bool,
}

/// When, as it was typed.
struct Typed<'a> {
    date: &'a str,
    start: &'a str,
    end: &'a str,
    start_offset: Option<&'a str>,
    end_offset: Option<&'a str>,
    availability: Option<&'a AvailabilityOfSlot>,
    only_selected: bool,
    overbook: bool,
}

impl Typed<'_> {
    fn wish(&self, clinic: &Clinic, findings: &mut Findings) -> Option<Wish> {
        let date = findings.take(date("date", self.date));
        let start = moment("start", date, self.start, ("start_offset", self.start_offset), clinic, findings);
        let end = moment("end", date, self.end, ("end_offset", self.end_offset), clinic, findings);
        let selected = match self.availability {
            None => None,
            Some(a) => {
                let start = findings.take(instant("availability.start", &a.start))?;
                Some(Selected { slot: SlotId(a.slot), start })
            }
        };
        let span = Span { start: start?, end: end? };
        Some(Wish { date: date?, span, selected, only_selected: self.only_selected, overbook: self.overbook })
    }
}

fn moment(
    field: &'static str,
    date: Option<WallDate>,
    typed: &str,
    (offset_field, offset): (&'static str, Option<&str>),
    clinic: &Clinic,
    findings: &mut Findings,
) -> Option<Instant> {
    let time: Option<WallTime> = findings.take(time(field, typed));
    let offset = findings.take(offset.map(|text| offset_minutes(offset_field, text)).transpose());
    findings.take(single_instant(field, date?, time?, clinic.zone(), offset?))
}

/// An offset `±HH:MM` in minutes.
fn offset_minutes(field: &'static str, text: &str) -> Result<i32, BadField> {
    let bad = || BadField::new(field, "must be an offset from UTC such as -05:00");
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').ok_or_else(bad)?),
    };
    let time = WallTime::parse(rest).filter(|t| *t < WallTime::END_OF_DAY).ok_or_else(bad)?;
    Ok(sign * i32::from(time.0))
}

/// Plans an appointment.
#[utoipa::path(post, path = "/clinics/{clinic}/appointments", tag = "appointments", operation_id = "planAppointment",
    security(("staff" = [])), request_body = PlanAppointment,
    params(("clinic" = Uuid, Path, description = "The clinic"),
        ("Idempotency-Key" = Option<String>, Header, description = "New for each appointment; a retry sends the same")),
    responses((status = 201, body = AppointmentSummary), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn plan(
    State(app): State<AppState>,
    principal: Principal,
    headers: CommandHeaders,
    ApiPath(clinic): ApiPath<Uuid>,
    ApiJson { value: asked, bytes }: ApiJson<PlanAppointment>,
) -> ApiResult<Done<AppointmentSummary>> {
    let clinic = ClinicId(clinic);
    principal.allow(clinic, RECEPTION)?;
    let rules = app.engine.rules(clinic).await?;
    let command = planned(&rules.state, &asked, app.engine.now())?;
    let begun = begin(&app, clinic, principal.actor(), "plan-appointment", &headers, &bytes).await?;
    let booked = app.engine.plan(&begun.ctx, &command).await?;
    let at = Whereabouts { appointment: booked.appointment, agenda: booked.agenda, date: booked.date };
    let day = &booked.committed.folded.state;
    let appointment = day.appointments.get(&booked.appointment).ok_or_else(Problem::not_found)?;
    let body = AppointmentSummary::of_fold(at, appointment, rules.state.zone());
    Ok(Done::created(body).revision(appointment.touched).position(booked.committed.position()))
}

/// Everything that is wrong with the form is said at once.
fn planned(clinic: &Clinic, asked: &PlanAppointment, now: Instant) -> ApiResult<PlannedBooking> {
    let mut findings = Findings::default();
    let typed = Typed {
        date: &asked.date,
        start: &asked.start,
        end: &asked.end,
        start_offset: asked.start_offset.as_deref(),
        end_offset: asked.end_offset.as_deref(),
        availability: asked.availability.as_ref(),
        only_selected: asked.only_selected,
        overbook: asked.overbook,
    };
    let wish = typed.wish(clinic, &mut findings);
    let person = match (asked.patient, &asked.contact) {
        (Some(patient), None) => Some(For::Patient(PatientId(patient))),
        (None, Some(contact)) => {
            let parsed = contact.parse(now.wall(clinic.zone()).0);
            findings.take_all("/contact", parsed).map(|contact| For::Provisional(Box::new(contact.to_profile())))
        }
        _ => findings.take(Err(BadField::new("patient", "give either a patient or a contact"))),
    };
    let modality = asked.modality.as_deref().map(|name| named("modality", name, Modality::from_name));
    let modality = findings.take(modality.transpose());
    let language = asked.language.as_deref().map(|name| named("language", name, Language::from_name));
    let language = findings.take(language.transpose());
    let text = asked.reason.as_deref().map_or("", str::trim);
    findings.take(check_text("reason", text, 0, 500));
    if let Some(channel) = &asked.channel {
        findings.take(check_text("channel", channel, 1, 100));
    }
    let first = || clinic.portal.config.as_ref().and_then(|c| c.languages.first().copied()).unwrap_or(Language::Fr);
    let complete = wish.zip(person).zip(modality).zip(language);
    let (((wish, person), modality), language) = findings.done(complete)?;
    Ok(PlannedBooking {
        agenda: AgendaId(asked.agenda),
        wish,
        person,
        activity: asked.activity.map(ActivityId),
        modality,
        reason: (!text.is_empty()).then(|| Reason { choice: None, text: text.to_owned() }),
        notify: asked.notify,
        language: language.unwrap_or_else(first),
        channel: asked.channel.as_deref().map(str::trim).map(str::to_owned),
    })
}

/// Moves an appointment, also to another agenda, or changes its length. It keeps its id.
#[utoipa::path(post, path = "/clinics/{clinic}/appointments/{appointment}/move", tag = "appointments",
    operation_id = "moveAppointment", security(("staff" = [])), request_body = MoveAppointment,
    params(("clinic" = Uuid, Path, description = "The clinic"),
        ("appointment" = Uuid, Path, description = "The appointment"),
        ("If-Match" = String, Header, description = "The ETag that was read"),
        ("Idempotency-Key" = Option<String>, Header, description = "New for each move; a retry sends the same")),
    responses((status = 200, body = AppointmentSummary), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem),
        (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn move_to(
    State(app): State<AppState>,
    principal: Principal,
    headers: CommandHeaders,
    ApiPath(path): ApiPath<(Uuid, Uuid)>,
    ApiJson { value: asked, bytes }: ApiJson<MoveAppointment>,
) -> ApiResult<Done<AppointmentSummary>> {
    let (clinic, id): (ClinicId, AppointmentId) = reads::ids(path);
    principal.allow(clinic, RECEPTION)?;
    let row = reads::appointment(&app, clinic, id).await?;
    let if_match = headers.require_match()?;
    let rules = app.engine.rules(clinic).await?;
    let mut findings = Findings::default();
    let typed = Typed {
        date: &asked.date,
        start: &asked.start,
        end: &asked.end,
        start_offset: asked.start_offset.as_deref(),
        end_offset: asked.end_offset.as_deref(),
        availability: asked.availability.as_ref(),
        only_selected: asked.only_selected,
        overbook: asked.overbook,
    };
    let wish = typed.wish(&rules.state, &mut findings);
    let to = MoveTo::Staff { agenda: AgendaId(asked.agenda), wish: findings.done(wish)? };
    let begun = begin(&app, clinic, principal.actor(), "move-appointment", &headers, &bytes).await?;
    let at = reads::whereabouts(&row);
    let moved = app.engine.move_appointment(&begun.ctx, at, &to, asked.drop_original, Some(if_match)).await?;
    super::change::done(&app, &rules.state, moved).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_have_a_sign_hours_and_minutes() {
        assert_eq!(offset_minutes("start_offset", "-05:00"), Ok(-300));
        assert_eq!(offset_minutes("start_offset", "+10:30"), Ok(630));
        for wrong in ["", "05:00", "-5:00", "-24:00", "Z", "--05:00"] {
            assert!(offset_minutes("start_offset", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_form_with_several_mistakes_names_them_all() {
        let body = r#"{"agenda":"00000000-0000-0000-0000-000000000001","date":"2026-02-30","start":"9:30","end":"10:00",
            "contact":{"first_name":"","last_name":"Roy","birth_date":"1985-01-01","sex":"female","email":"x"},
            "modality":"carrier_pigeon"}"#;
        let asked: PlanAppointment = serde_json::from_str(body).unwrap();
        let problem = planned(&Clinic::default(), &asked, Instant(1_795_442_400_000_000)).unwrap_err();
        let pointers: Vec<&str> = problem.errors.iter().map(|e| e.pointer.as_str()).collect();
        assert_eq!(pointers, ["/date", "/start", "/contact/first_name", "/contact/email", "/modality"]);
    }
}
