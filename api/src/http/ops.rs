//! The operations listener, loopback by default: liveness, readiness, metrics, and what an operator has the server do.

use super::AppState;
use super::problem::{ApiResult, Problem};
use crate::app::App;
use crate::ledger::Standing;
use crate::operator::{Door, KeyCommand, KeyReport, Quarantine};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use booking_engine::vault::VaultError;
use booking_projections::QuarantineError;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// A projection that was not polled for so long is not healthy.
const PATIENCE: Duration = Duration::from_secs(10);
/// A log, or a vault on a server, that does not answer so soon does not answer.
const LOG: Duration = Duration::from_secs(2);

/// The operations listener's routes.
pub fn router(app: AppState) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(super::metrics::scrape))
        .with_state(app)
}

/// The routes for whoever holds the door's token.
pub fn behind(door: Door, app: AppState) -> Router {
    let door = Arc::new(door);
    let knocks = move |headers: HeaderMap, request: Request, next: Next| {
        let door = Arc::clone(&door);
        async move {
            let token =
                headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
            if token.is_some_and(|token| door.knows(token)) {
                return next.run(request).await;
            }
            Problem::unauthorized().into_response()
        }
    };
    Router::new()
        .route(
            "/keys",
            post(async |State(app): State<AppState>, Json(command): Json<KeyCommand>| keys(app, command).await),
        )
        .route("/quarantine", post(quarantine))
        .layer(axum::middleware::from_fn(knocks))
        .with_state(app)
}

async fn quarantine(State(app): State<AppState>, Json(what): Json<Quarantine>) -> ApiResult<Json<Quarantine>> {
    match crate::operator::quarantine(&app, &what).await {
        Ok(()) => Ok(Json(what)),
        Err(error) => Err(match error.downcast_ref::<QuarantineError>() {
            Some(QuarantineError::UnknownProjection) => Problem::not_found(),
            Some(QuarantineError::NotStoppedThere | QuarantineError::NoReason) => {
                Problem::conflict("not_stopped_there", error.to_string())
            }
            _ => Problem::internal(error),
        }),
    }
}

/// In a task of its own: a caller who goes away breaks nothing off.
async fn keys(app: AppState, command: KeyCommand) -> ApiResult<Json<KeyReport>> {
    let done = tokio::spawn(async move { crate::operator::keys(&app, command).await });
    match done.await.map_err(Problem::internal)? {
        Ok(report) => Ok(Json(report)),
        Err(error) => Err(match error.downcast_ref::<VaultError>() {
            Some(VaultError::UnknownClinic(_)) => Problem::not_found(),
            Some(VaultError::NoNextRootKey) => Problem::conflict("no_next_root_key", error.to_string()),
            _ => Problem::internal(error),
        }),
    }
}

/// What readiness rests on.
pub(crate) struct Ready {
    projections: Vec<booking_projections::ProjectionStatus>,
    standing: Standing,
    erasures: bool,
    clock: bool,
    joined: bool,
    draining: bool,
}

impl Ready {
    /// As it is known now, without asking the log.
    pub(crate) fn of(app: &App) -> Self {
        Self {
            projections: app.views.status(),
            standing: app.ledger.standing(),
            // Before everybody on the erasure list is gone from the vault, nobody is served.
            erasures: app.erasures.applied(),
            clock: !app.engine.is_clock_off(),
            joined: app.joined.yet(),
            draining: app.draining.is_cancelled(),
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        let healthy = self.projections.iter().all(|status| status.is_healthy(PATIENCE));
        let knows = self.standing == Standing::Holds && self.erasures && self.joined;
        healthy && knows && self.clock && !self.draining
    }
}

/// Ready: log and vault answer, every projection has seen what it held at the start and polled it successfully a moment ago, and
/// the history is the one that was signed.
async fn ready(State(app): State<AppState>) -> impl IntoResponse {
    let known = Ready::of(&app);
    let (log, vault) = tokio::join!(
        async { tokio::time::timeout(LOG, app.log().head()).await.is_ok_and(|head| head.is_ok()) },
        // One in a file answers at once.
        async { tokio::time::timeout(LOG, app.engine.vault().server_clock()).await.is_ok_and(|clock| clock.is_ok()) },
    );
    let projections: Vec<_> = known
        .projections
        .iter()
        .map(|s| {
            json!({ "name": s.name, "healthy": s.is_healthy(PATIENCE), "current": s.is_current(),
            "stopped": s.stopped.as_ref().map(ToString::to_string) })
        })
        .collect();
    let why = match &known.standing {
        Standing::Holds => None,
        Standing::Checking => Some("the history is being checked against the newest checkpoint".to_owned()),
        Standing::Broken(why) => Some(why.clone()),
    };
    let ready = log && vault && known.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let ledger = json!({ "holds": why.is_none(), "why": why });
    let body = json!({ "ready": ready, "log": log, "vault": vault, "draining": known.draining, "ledger": ledger,
        "erasures": known.erasures, "joined": known.joined, "clock": known.clock, "projections": projections });
    (status, Json(body))
}
