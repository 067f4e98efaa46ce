//! An appointment in the hands of its patient: by the link's token, or by reference and birth date (8.11).

use super::book::PublicAppointment;
use super::offer::PublicAvailability;
use super::{Found, find};
use crate::http::AppState;
use crate::http::auth::LinkToken;
use crate::http::commands::{Done, begin};
use crate::http::extract::{ApiJson, ApiPath, ApiQuery, CommandHeaders};
use crate::http::limits::Budget;
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads;
use crate::http::wire::{cursor, date, page_limit, parse_availability, parse_cursor};
use crate::messages::calendar::{Entry, calendar_file, method};
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use booking_domain::agenda_day::{Appointment, DayRefusal};
use booking_domain::person::Profile;
use booking_domain::reference::Reference;
use booking_domain::values::{BadField, Language};
use booking_domain::visibility::ViewerFacts;
use booking_engine::{Actor, Cancel, Changed, Mark, MoveTo, hash_of_link};
use booking_projections::appointments::AppointmentRow;
use booking_projections::availability::{DayParts, Query, Weekdays};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(lookup))
        .routes(routes!(current))
        .routes(routes!(targets))
        .routes(routes!(cancel))
        .routes(routes!(move_to))
        .routes(routes!(confirm))
}

/// How long a link is good after the visit, in minutes.
const AFTER_VISIT_MINUTES: i64 = 24 * 60;

/// Reference and birth date.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lookup {
    /// The reference, as it was read out.
    #[schema(example = "7K3QX-29FMA")]
    pub(crate) reference: String,
    /// `yyyy-mm-dd`.
    pub(crate) birth_date: String,
}

/// What a look-up gives.
#[derive(Serialize, ToSchema)]
pub(crate) struct LookedUp {
    /// The token of the appointment's link.
    pub(crate) link_token: String,
    /// The appointment.
    pub(crate) appointment: PublicAppointment,
}

/// Finds an appointment by its reference and the patient's birth date.
#[utoipa::path(post, path = "/portal/{slug}/appointment/lookup", tag = "appointment", operation_id = "lookUpAppointment",
    params(("slug" = String, Path, description = "Address of the portal")), request_body = Lookup,
    responses((status = 200, body = LookedUp), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn lookup(
    State(app): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    ApiPath(slug): ApiPath<String>,
    ApiJson { value: asked, .. }: ApiJson<Lookup>,
) -> ApiResult<Done<LookedUp>> {
    app.deadline.keep(looked_up(&app, peer, &headers, &slug, &asked)).await
}

async fn looked_up(
    app: &AppState,
    peer: SocketAddr,
    headers: &HeaderMap,
    slug: &str,
    asked: &Lookup,
) -> ApiResult<Done<LookedUp>> {
    let found = find(app, slug).await?;
    let birth_date = date("birth_date", &asked.birth_date)?;
    app.limits.take(app.limits.source(peer.ip(), headers), Budget::Lookups, app.engine.now())?;
    let reference = Reference::parse(&asked.reference).map_err(|e| BadField::new("reference", e.to_string()))?;
    let mut rows =
        app.views.appointments.by_reference(found.id, &reference.compact()).await.map_err(reads::unanswered)?;
    if rows.is_empty() {
        settle(app).await?;
        rows = app.views.appointments.by_reference(found.id, &reference.compact()).await.map_err(reads::unanswered)?;
    }
    for row in rows {
        if birth_date_of(app, &row).await? == Some(birth_date) {
            let link = app.engine.link_token(found.id, row.id).await?;
            let appointment = read(app, &row).await?;
            let link_token = format!("l_{}", hex::encode(link));
            let shown = PublicAppointment::new(found.clinic(), &appointment, app.engine.now());
            return Ok(Done::ok(LookedUp { link_token, appointment: shown }).revision(appointment.touched));
        }
    }
    Err(Problem::not_found())
}

/// What was booked a moment ago is found.
async fn settle(app: &AppState) -> ApiResult<()> {
    if let Some(head) = app.log().head().await? {
        app.views.wait_for("appointments", head, reads::PATIENCE).await;
    }
    Ok(())
}

/// The birth date that was typed at booking, or else that of the record.
async fn birth_date_of(app: &AppState, row: &AppointmentRow) -> ApiResult<Option<booking_domain::time::WallDate>> {
    if let Some(sealed) = &row.contact {
        #[expect(clippy::disallowed_methods, reason = "compared with what was typed, and not shown")]
        let typed: Option<Profile> = app.engine.open(row.clinic, row.subject, sealed).await?;
        return Ok(typed.map(|p| p.birth_date));
    }
    let entry = row.patient.and_then(|p| app.views.directory.get(app.views.directory.survivor(p)));
    Ok(entry.and_then(|e| e.profile.as_deref().map(|p| p.birth_date)))
}

/// The appointment of a link, if the link is still good.
async fn by_link(app: &AppState, found: &Found, token: &LinkToken) -> ApiResult<AppointmentRow> {
    let hash = hash_of_link(&token.0);
    let mut row = app.views.appointments.by_link_hash(&hash).await.map_err(reads::unanswered)?;
    if row.is_none() {
        settle(app).await?;
        row = app.views.appointments.by_link_hash(&hash).await.map_err(reads::unanswered)?;
    }
    let row = row.filter(|r| r.clinic == found.id).ok_or_else(Problem::not_found)?;
    let over = row.placement.span.end.plus_minutes(AFTER_VISIT_MINUTES) < app.engine.now();
    if over { Err(Problem::not_found()) } else { Ok(row) }
}

/// The appointment as the log has it now. One that is on its way to another day stands in both: as it left.
async fn read(app: &AppState, row: &AppointmentRow) -> ApiResult<Appointment> {
    let known = reads::whereabouts(row);
    let at = app.engine.locate(known).await?;
    for place in [at, known] {
        let day = app.engine.day(place.agenda, place.date).await?;
        if let Some(appointment) = day.state.appointments.get(&row.id) {
            return Ok(appointment.clone());
        }
    }
    Err(Problem::not_found())
}

/// The appointment as it stands now, also after it was moved or cancelled.
#[utoipa::path(get, path = "/portal/{slug}/appointment", tag = "appointment", operation_id = "getOwnAppointment",
    security(("link" = [])), params(("slug" = String, Path, description = "Address of the portal")),
    responses((status = 200, body = PublicAppointment), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn current(
    State(app): State<AppState>,
    ApiPath(slug): ApiPath<String>,
    token: LinkToken,
) -> ApiResult<Done<PublicAppointment>> {
    let found = find(&app, &slug).await?;
    let row = by_link(&app, &found, &token).await?;
    let appointment = read(&app, &row).await?;
    let shown = PublicAppointment::new(found.clinic(), &appointment, app.engine.now());
    Ok(Done::ok(shown).revision(appointment.touched))
}

/// A calendar file of the appointment.
pub(crate) struct CalendarFile {
    /// `PUBLISH` or `CANCEL`.
    pub(crate) method: &'static str,
    /// The file.
    pub(crate) text: String,
}

/// The calendar file of the link's appointment, as a message would bring it: it names nobody and holds no token.
pub(crate) async fn calendar(
    app: &AppState,
    found: &Found,
    link: &LinkToken,
    language: Language,
) -> ApiResult<CalendarFile> {
    let row = by_link(app, found, link).await?;
    let history = app.engine.appointment_history(reads::whereabouts(&row)).await?.ok_or_else(Problem::not_found)?;
    let clinic = found.clinic();
    let links = app.messages.links(clinic);
    let entry = Entry {
        clinic,
        id: row.id,
        appointment: &history.appointment,
        sequence: history.sequence,
        language,
        links: &links,
        now: app.engine.now(),
    };
    Ok(CalendarFile { method: method(&history.appointment), text: calendar_file(&entry) })
}

/// Which times to move to are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Targets {
    /// Availabilities on a page, 1 to 100.
    pub(crate) limit: Option<u32>,
    /// Continue after the last page.
    pub(crate) cursor: Option<String>,
}

/// Times that the appointment can be moved to.
#[derive(Serialize, ToSchema)]
pub(crate) struct TargetPage {
    /// In the order of their starts.
    pub(crate) availabilities: Vec<PublicAvailability>,
    /// Cursor of the next page.
    pub(crate) next: Option<String>,
}

/// The times that the appointment can be moved to.
#[utoipa::path(get, path = "/portal/{slug}/appointment/availabilities", tag = "appointment",
    operation_id = "listOwnTargets", security(("link" = [])),
    params(("slug" = String, Path, description = "Address of the portal"), Targets),
    responses((status = 200, body = TargetPage), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn targets(
    State(app): State<AppState>,
    ApiPath(slug): ApiPath<String>,
    token: LinkToken,
    ApiQuery(asked): ApiQuery<Targets>,
) -> ApiResult<Json<TargetPage>> {
    let found = find(&app, &slug).await?;
    let row = by_link(&app, &found, &token).await?;
    let Some(service) = row.admission.as_ref().map(|a| a.service) else {
        return Ok(Json(TargetPage { availabilities: vec![], next: None }));
    };
    let viewer = if let Some(patient) = row.patient.filter(|_| !row.attached) {
        app.engine.viewer_of_patient::<DayRefusal>(found.id, patient, None).await?.facts
    } else {
        // What a record would have cost: a stream read to its head, and personal data opened (8.7).
        app.engine.rules(found.id).await?;
        std::hint::black_box(birth_date_of(&app, &row).await?);
        ViewerFacts::unrecognized(None)
    };
    let (clinic, now) = (found.clinic(), app.engine.now());
    let today = now.wall(clinic.zone()).0;
    let page = app.views.availability.query(&Query {
        clinic,
        service,
        viewer: &viewer,
        from: today,
        to: today.plus_days(90),
        practitioners: None,
        weekdays: Weekdays::ALL,
        parts: DayParts::ALL,
        now,
        after: parse_cursor(asked.cursor.as_deref())?,
        limit: page_limit(asked.limit, 20, 100)?,
        count_days: false,
    });
    let availabilities = PublicAvailability::page(clinic, &page.offers);
    Ok(Json(TargetPage { availabilities, next: page.next.map(|key| cursor(&key)) }))
}

/// That the patient cancels, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnCancellation {
    /// `yyyy-mm-dd`: a link that went astray is not enough.
    #[schema(example = "1985-01-01")]
    pub(crate) birth_date: String,
    /// Optional.
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

/// Where the patient moves the appointment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnMove {
    /// The availability.
    pub(crate) availability: String,
}

fn answer(app: &AppState, found: &Found, changed: &Changed) -> ApiResult<Done<PublicAppointment>> {
    let day = &changed.committed.folded.state;
    let appointment = day.appointments.get(&changed.whereabouts.appointment).ok_or_else(Problem::not_found)?;
    let shown = PublicAppointment::new(found.clinic(), appointment, app.engine.now());
    Ok(Done::ok(shown).revision(appointment.touched).position(changed.committed.position()))
}

/// Cancels the appointment; its time can be booked again.
#[utoipa::path(post, path = "/portal/{slug}/appointment/cancel", tag = "appointment", operation_id = "cancelOwnAppointment",
    security(("link" = [])), params(("slug" = String, Path, description = "Address of the portal"),
        ("If-Match" = String, Header, description = "ETag of the appointment as it was read"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same for a retry")),
    request_body = OwnCancellation,
    responses((status = 200, body = PublicAppointment), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn cancel(
    State(app): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request_headers: HeaderMap,
    ApiPath(slug): ApiPath<String>,
    token: LinkToken,
    headers: CommandHeaders,
    ApiJson { value: asked, bytes }: ApiJson<OwnCancellation>,
) -> ApiResult<Done<PublicAppointment>> {
    let found = find(&app, &slug).await?;
    let row = by_link(&app, &found, &token).await?;
    let seen = headers.require_match()?;
    let birth_date = date("birth_date", &asked.birth_date)?;
    app.limits.take(app.limits.source(peer.ip(), &request_headers), Budget::Lookups, app.engine.now())?;
    if birth_date_of(&app, &row).await? != Some(birth_date) {
        return Err(BadField::new("birth_date", "is not that of the person who is to be seen").into());
    }
    let begun = begin(&app, found.id, Actor::Link(row.id), "cancel", &headers, &bytes).await?;
    let command = Cancel {
        cancelled_at: None,
        by_patient: true,
        online: true,
        reason: asked.reason,
        keep_record: true,
        keep_availability: true,
    };
    let changed = app.engine.cancel(&begun.ctx, reads::whereabouts(&row), &command, Some(seen)).await?;
    answer(&app, &found, &changed)
}

/// Moves the appointment: the new time is taken before the old one is freed.
#[utoipa::path(post, path = "/portal/{slug}/appointment/move", tag = "appointment", operation_id = "moveOwnAppointment",
    security(("link" = [])), params(("slug" = String, Path, description = "Address of the portal"),
        ("If-Match" = String, Header, description = "ETag of the appointment as it was read"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same for a retry")),
    request_body = OwnMove,
    responses((status = 200, body = PublicAppointment), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem),
        (status = 428, body = Problem)))]
pub(crate) async fn move_to(
    State(app): State<AppState>,
    ApiPath(slug): ApiPath<String>,
    token: LinkToken,
    headers: CommandHeaders,
    ApiJson { value: asked, bytes }: ApiJson<OwnMove>,
) -> ApiResult<Done<PublicAppointment>> {
    let found = find(&app, &slug).await?;
    let row = by_link(&app, &found, &token).await?;
    let seen = headers.require_match()?;
    let place = parse_availability("availability", &asked.availability)?;
    if !found.clinic().agendas.contains_key(&place.agenda) {
        return Err(Problem::not_found());
    }
    let begun = begin(&app, found.id, Actor::Link(row.id), "move", &headers, &bytes).await?;
    let to = MoveTo::Patient(place);
    let changed = app.engine.move_appointment(&begun.ctx, reads::whereabouts(&row), &to, false, Some(seen)).await?;
    answer(&app, &found, &changed)
}

/// "I will attend."
#[utoipa::path(post, path = "/portal/{slug}/appointment/confirm", tag = "appointment", operation_id = "confirmOwnAttendance",
    security(("link" = [])), params(("slug" = String, Path, description = "Address of the portal"),
        ("If-Match" = Option<String>, Header, description = "ETag of the appointment as it was read"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same for a retry")),
    responses((status = 200, body = PublicAppointment), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem)))]
pub(crate) async fn confirm(
    State(app): State<AppState>,
    ApiPath(slug): ApiPath<String>,
    token: LinkToken,
    headers: CommandHeaders,
) -> ApiResult<Done<PublicAppointment>> {
    let found = find(&app, &slug).await?;
    let row = by_link(&app, &found, &token).await?;
    let begun = begin(&app, found.id, Actor::Link(row.id), "confirm", &headers, &[]).await?;
    let changed = app.engine.mark(&begun.ctx, reads::whereabouts(&row), Mark::Confirmed, headers.if_match).await?;
    answer(&app, &found, &changed)
}
