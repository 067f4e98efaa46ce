//! Holds: an availability kept for a visit while the rest is filled in (8.9).

use super::browse::alternatives;
use super::{Found, find};
use crate::http::AppState;
use crate::http::auth::VisitorToken;
use crate::http::commands::{Done, begin};
use crate::http::extract::{ApiJson, ApiPath, CommandHeaders};
use crate::http::limits::{Held, Taking};
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire::{HoldRef, availability_ref, parse_availability};
use crate::http::work;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use booking_domain::agenda_day::{DayRefusal, Hold, MAX_EXTENSIONS, Selected};
use booking_domain::ids::ServiceId;
use booking_domain::values::{DemandReason, HoldEnd};
use booking_engine::vault::Visit;
use booking_engine::{Actor, Failure, Place};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(place)).routes(routes!(extend)).routes(routes!(release))
}

/// Which availability is to be held.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewHold {
    /// The service that it is looked at for.
    pub(crate) service: Uuid,
    /// The availability.
    pub(crate) availability: String,
}

/// A hold.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlacedHold {
    /// Opaque reference.
    pub(crate) hold: String,
    /// The availability.
    pub(crate) availability: String,
    /// First moment at which it counts for nothing.
    pub(crate) expires_at: String,
    /// How often it may still be extended.
    pub(crate) extensions_left: u8,
}

/// Holds an availability for this visit; another hold of the visit ends with it.
#[utoipa::path(post, path = "/portal/{slug}/holds", tag = "portal", operation_id = "holdAvailability",
    security(("visit" = [])), params(("slug" = String, Path, description = "Address of the portal"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same for a retry"),
        ("Booking-Work" = Option<String>, Header, description = "What the device worked out, under load")),
    request_body = NewHold,
    responses((status = 201, body = PlacedHold), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 428, body = Problem)))]
pub(crate) async fn place(
    State(app): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request_headers: HeaderMap,
    ApiPath(slug): ApiPath<String>,
    token: VisitorToken,
    headers: CommandHeaders,
    ApiJson { value: wanted, bytes }: ApiJson<NewHold>,
) -> ApiResult<Done<PlacedHold>> {
    let found = find(&app, &slug).await?;
    let visit = token.visit(&app, found.id).await?;
    found.open()?;
    let place = parse_availability("availability", &wanted.availability)?;
    let service = ServiceId(wanted.service);
    if !found.clinic().agendas.contains_key(&place.agenda) {
        return Err(Problem::not_found());
    }
    let source = app.limits.source(peer.ip(), &request_headers);
    let begun = begin(&app, found.id, Actor::Visit(visit.id), "hold", &headers, &bytes).await?;
    let ticket = match work::admit(&app, (&found, &visit), source, Taking::Hold(place), &headers, &begun).await {
        Ok(ticket) => ticket,
        Err(problem) => {
            if matches!(problem.code, "hold_budget" | "work_required") {
                let class = booking_domain::values::ViewerClass::Unrecognized;
                app.demand.count(found.id, Some(service), DemandReason::HoldBudget, class);
            }
            return Err(problem);
        }
    };
    let (hold, committed) = match app.engine.hold(&begun.ctx, &visit, place, service).await {
        Ok(placed) => placed,
        Err(failure) => return Err(refused(&app, &found, &visit, service, place.selected, failure).await),
    };
    let placed = HoldRef { agenda: place.agenda, date: place.date, hold };
    let known = committed.folded.state.occupancy.holds.iter().find(|h| h.id == hold).copied();
    let Some(known) = known else {
        // A retry that comes after the hold was released or became a booking.
        return Err(DayRefusal::HoldEnded.into());
    };
    let now_held = Held { hold: placed, place, until: known.expires_at };
    if let Some(old) = ticket.and_then(|ticket| ticket.held(now_held, app.engine.now()))
        && (old.agenda, old.date) != (placed.agenda, placed.date)
    {
        let aside = begin(&app, found.id, Actor::Visit(visit.id), "release", &CommandHeaders::default(), &[]).await?;
        let day = (old.agenda, old.date);
        app.engine.release_hold(&aside.ctx, &visit, day, old.hold, HoldEnd::Replaced).await?;
    }
    Ok(Done::created(shown(&found, placed, &known)).position(committed.position()))
}

fn shown(found: &Found, place: HoldRef, hold: &Hold) -> PlacedHold {
    let selected = Selected { slot: hold.slot, start: hold.span.start };
    PlacedHold {
        hold: place.pack(),
        availability: availability_ref(Place { agenda: place.agenda, date: place.date, selected }),
        expires_at: hold.expires_at.rfc3339(found.clinic().zone()),
        extensions_left: MAX_EXTENSIONS.saturating_sub(hold.extensions),
    }
}

/// The problem of a refused hold or booking, with the nearest alternatives where the time is gone; counted as demand.
pub(crate) async fn refused(
    app: &AppState,
    found: &Found,
    visit: &Visit,
    service: ServiceId,
    selected: Selected,
    failure: Failure<DayRefusal>,
) -> Problem {
    use booking_domain::agenda_day::Blocked;
    use booking_domain::visibility::Rule;
    let viewer = app.engine.viewer::<DayRefusal>(visit, Some(service)).await.ok();
    let reason = match &failure {
        Failure::Refused(DayRefusal::Taken(Blocked::Held(_))) => Some(DemandReason::Held),
        Failure::Refused(DayRefusal::Taken(_)) => Some(DemandReason::Taken),
        Failure::Refused(DayRefusal::HoldBudget) => Some(DemandReason::HoldBudget),
        Failure::Refused(DayRefusal::NotOffered(rule)) => Some(match rule {
            Rule::Recognition | Rule::Criterion(_) => DemandReason::NotEligible,
            Rule::Published => DemandReason::NotPublished,
            Rule::NotStarted | Rule::MinNotice => DemandReason::TooLate,
            Rule::Cap => DemandReason::CapReached,
            Rule::PortalActive => DemandReason::PortalOff,
            Rule::ServiceActive => DemandReason::NoService,
            _ => DemandReason::Other,
        }),
        _ => None,
    };
    if let (Some(reason), Some(viewer)) = (reason, &viewer) {
        app.demand.count(found.id, Some(service), reason, viewer.facts.class);
    }
    let mut problem = Problem::from(failure);
    if problem.status == StatusCode::CONFLICT.as_u16()
        && matches!(problem.code, "taken" | "held" | "availability_gone" | "not_offered")
        && let Some(viewer) = viewer
    {
        problem.alternatives = alternatives(app, found, service, &viewer.facts, selected);
    }
    problem
}

/// Puts the end of a hold off; at most ten times.
#[utoipa::path(post, path = "/portal/{slug}/holds/{hold}/extend", tag = "portal", operation_id = "extendHold",
    security(("visit" = [])), params(("slug" = String, Path, description = "Address of the portal"),
        ("hold" = String, Path, description = "The hold"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same for a retry"),
        ("Booking-Work" = Option<String>, Header, description = "What the device worked out, under load")),
    responses((status = 200, body = PlacedHold), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 410, body = Problem), (status = 428, body = Problem)))]
pub(crate) async fn extend(
    State(app): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request_headers: HeaderMap,
    ApiPath((slug, hold)): ApiPath<(String, String)>,
    token: VisitorToken,
    headers: CommandHeaders,
) -> ApiResult<Done<PlacedHold>> {
    let found = find(&app, &slug).await?;
    let visit = token.visit(&app, found.id).await?;
    let place = own_agenda(&found, &hold)?;
    let begun = begin(&app, found.id, Actor::Visit(visit.id), "extend", &headers, &[]).await?;
    let source = app.limits.source(peer.ip(), &request_headers);
    let ticket = work::admit(&app, (&found, &visit), source, Taking::Keep(place), &headers, &begun).await?;
    let done = app.engine.extend_hold(&begun.ctx, &visit, (place.agenda, place.date), place.hold).await?;
    let known = done.folded.state.occupancy.holds.iter().find(|h| h.id == place.hold).copied();
    let known = known.ok_or(DayRefusal::HoldEnded)?;
    if let Some(ticket) = ticket {
        ticket.kept(known.expires_at, app.engine.now());
    }
    Ok(Done::ok(shown(&found, place, &known)).position(done.position()))
}

/// Gives a hold back. One that ended already is fine.
#[utoipa::path(delete, path = "/portal/{slug}/holds/{hold}", tag = "portal", operation_id = "releaseHold",
    security(("visit" = [])), params(("slug" = String, Path, description = "Address of the portal"),
        ("hold" = String, Path, description = "The hold")),
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn release(
    State(app): State<AppState>,
    ApiPath((slug, hold)): ApiPath<(String, String)>,
    token: VisitorToken,
    headers: CommandHeaders,
) -> ApiResult<StatusCode> {
    let found = find(&app, &slug).await?;
    let visit = token.visit(&app, found.id).await?;
    let place = own_agenda(&found, &hold)?;
    let begun = begin(&app, found.id, Actor::Visit(visit.id), "release", &headers, &[]).await?;
    let day = (place.agenda, place.date);
    app.engine.release_hold(&begun.ctx, &visit, day, place.hold, HoldEnd::Released).await?;
    app.limits.holdings().released(found.id, visit.id, place);
    Ok(StatusCode::NO_CONTENT)
}

fn own_agenda(found: &Found, hold: &str) -> ApiResult<HoldRef> {
    HoldRef::parse(hold).filter(|h| found.clinic().agendas.contains_key(&h.agenda)).ok_or_else(Problem::not_found)
}
