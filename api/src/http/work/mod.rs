//! Work: what a visitor's device does before a clinic under load gives it another availability (8.9).
//!
//! Nothing is asked for in quiet times, and never before the first page. Under load holding, keeping a hold, and booking
//! what is not held cost a proof of work; a returned one-time code stands for it. There is no puzzle, and nobody else's
//! service. `docs/security.md` says what the levels mean and why.
//!
//! | file | holds |
//! |---|---|
//! | `levels` | how much is asked for |
//! | `challenge` | challenges and solutions, without memory of ours |

pub mod challenge;
mod levels;

pub use challenge::{Purpose, Solved};
pub use levels::Levels;

use super::AppState;
use super::auth::VisitorToken;
use super::commands::Begun;
use super::extract::{ApiPath, ApiQuery, CommandHeaders};
use super::limits::{Asks, Refused, Source, Taking, Ticket};
use super::portal::{Found, find};
use super::problem::{ApiResult, Problem};
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use booking_domain::agenda_day::DayRefusal;
use booking_domain::time::Instant;
use booking_domain::values::Proof;
use booking_engine::vault::Visit;
use challenge::Step;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(current))
}

/// The header that brings a solution.
pub const HEADER: &str = "booking-work";

/// What to work out. A solution is the challenge and `parts` different numbers from 0 to 4294967295, separated by full
/// stops. Each number in four bytes, the highest first, then the challenge's characters, then zeros up to `message`
/// bytes, give a SHA-256 whose first six bytes are, as a number, below `below`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Work {
    /// False: nothing is asked for now.
    pub required: bool,
    /// What to begin with.
    pub challenge: String,
    /// How many numbers are to be found.
    pub parts: u64,
    /// Bytes of a message.
    pub message: usize,
    /// The bound.
    pub below: u64,
    /// Until when a solution is taken.
    pub expires_at: String,
}

/// What the work is to be for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhatFor {
    /// `take` (the default): to hold an availability, or to book one that is not held. `keep`: to keep a hold.
    #[serde(rename = "for")]
    pub(crate) purpose: Option<String>,
}

/// What this visit has to work out before it may take or keep an availability; good for a few minutes and one taking.
#[utoipa::path(get, path = "/portal/{slug}/visit/work", tag = "portal", operation_id = "getWork",
    security(("visit" = [])), params(("slug" = String, Path, description = "Address of the portal"), WhatFor),
    responses((status = 200, body = Work), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn current(
    State(app): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request_headers: HeaderMap,
    ApiPath(slug): ApiPath<String>,
    token: VisitorToken,
    ApiQuery(wanted): ApiQuery<WhatFor>,
) -> ApiResult<Json<Work>> {
    let found = find(&app, &slug).await?;
    let visit = token.visit(&app, found.id).await?;
    let purpose = match wanted.purpose.as_deref() {
        None | Some("take") => Purpose::Take,
        Some("keep") => Purpose::Keep,
        Some(_) => return Err(Problem::bad_parameter("for", "must be take or keep")),
    };
    let source = app.limits.source(peer.ip(), &request_headers);
    let now = app.engine.now();
    let price = app.limits.holdings().price(&asks(&app, &found, &visit, source, None, Solved::NOTHING, now), now);
    Ok(Json(work(&app, &found, &visit, purpose, price).await?))
}

/// The challenge for a price.
async fn work(app: &AppState, found: &Found, visit: &Visit, purpose: Purpose, price: u64) -> ApiResult<Work> {
    let keys = app.engine.vault().clinic_keys(found.id).await?;
    let step = Step { visit: visit.id, purpose, step: app.limits.holdings().step(visit.id) };
    let until = app.engine.now().plus_minutes(challenge::MINUTES);
    Ok(Work {
        required: price > 0,
        challenge: challenge::challenge(&keys, step, until),
        parts: challenge::PARTS,
        message: app.limits.holdings().levels().message,
        below: challenge::bound(price),
        expires_at: until.rfc3339(found.clinic().zone()),
    })
}

fn asks(
    app: &AppState,
    found: &Found,
    visit: &Visit,
    source: Source,
    taking: Option<Taking>,
    solved: Solved,
    now: Instant,
) -> Asks {
    let open = if app.limits.enforced() { app.views.availability.open_count(found.clinic(), now) } else { 0 };
    let proven = visit.proof != Proof::None.code();
    Asks { clinic: found.id, visit: visit.id, source, taking, proven, open, solved }
}

/// Admits a visit to a taking, or says what it has to do first. What was done before is admitted as it is: a retry asks
/// for nothing new.
pub(crate) async fn admit<'a>(
    app: &'a AppState,
    (found, visit): (&Found, &Visit),
    source: Source,
    taking: Taking,
    headers: &CommandHeaders,
    begun: &Begun,
) -> ApiResult<Option<Ticket<'a>>> {
    let (purpose, day) = match taking {
        Taking::Hold(place) | Taking::Book(place) => (Purpose::Take, (place.agenda, place.date)),
        Taking::Keep(hold) => (Purpose::Keep, (hold.agenda, hold.date)),
    };
    let (holdings, now) = (app.limits.holdings(), app.engine.now());
    let solved = match &headers.work {
        Some(solution) if app.limits.enforced() => {
            let keys = app.engine.vault().clinic_keys(found.id).await?;
            let step = Step { visit: visit.id, purpose, step: holdings.step(visit.id) };
            Solved::read(&keys, step, solution, now, holdings.levels().message)
        }
        _ => Solved::NOTHING,
    };
    let refused = match holdings.admit(asks(app, found, visit, source, Some(taking), solved, now), now) {
        Ok(ticket) => return Ok(Some(ticket)),
        Err(refused) => refused,
    };
    if headers.idempotency_key.is_some() && app.engine.is_done(begun.ctx.command, day).await? {
        return Ok(None);
    }
    Err(match refused {
        Refused::Budget => DayRefusal::HoldBudget.into(),
        Refused::Work(price) => {
            let mut problem =
                Problem::new(StatusCode::PRECONDITION_REQUIRED, "work_required", "Many people want times")
                    .detail("Your device has to work for a moment first, or you confirm your contact with a code.");
            problem.work = Some(work(app, found, visit, purpose, price).await?);
            problem
        }
    })
}
