//! The operations listener, loopback by default: liveness, readiness, and what an operator has the server do.

use super::AppState;
use super::problem::{ApiResult, Problem};
use crate::ledger::Standing;
use crate::operator::{Door, KeyCommand, KeyReport};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use booking_engine::vault::VaultError;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// A projection that was not polled for so long is not healthy.
const PATIENCE: Duration = Duration::from_secs(10);

/// The operations listener's routes.
pub fn router(app: AppState) -> Router {
    Router::new().route("/livez", get(|| async { "ok" })).route("/readyz", get(ready)).with_state(app)
}

/// The routes for whoever holds the door's token.
pub fn behind(door: Door, app: AppState) -> Router {
    let door = Arc::new(door);
    let keys = async move |State(app): State<AppState>, headers: HeaderMap, Json(command): Json<KeyCommand>| {
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        if !token.is_some_and(|token| door.knows(token)) {
            return Err(Problem::unauthorized());
        }
        keys(app, command).await
    };
    Router::new().route("/keys", post(keys)).with_state(app)
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

/// Ready: the log answers, every projection polled successfully a moment ago, and the history is the one that was signed.
async fn ready(State(app): State<AppState>) -> impl IntoResponse {
    let log = app.log().head().await.is_ok();
    let projections: Vec<_> = app
        .views
        .status()
        .into_iter()
        .map(|s| json!({ "name": s.name, "healthy": s.is_healthy(PATIENCE), "current": s.is_current() }))
        .collect();
    let healthy = app.views.status().iter().all(|s| s.is_healthy(PATIENCE));
    let draining = app.stop.is_cancelled();
    // Before everybody on the erasure list is gone from the vault, nobody is served.
    let erasures = app.erasures.applied();
    let standing = app.ledger.standing();
    let holds = standing == Standing::Holds;
    let why = match standing {
        Standing::Holds => None,
        Standing::Checking => Some("the history is being checked against the newest checkpoint".to_owned()),
        Standing::Broken(why) => Some(why),
    };
    let clock = !app.engine.is_clock_off();
    let ready = log && healthy && holds && erasures && clock && !draining;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let ledger = json!({ "holds": holds, "why": why });
    let body = json!({ "ready": ready, "log": log, "draining": draining, "ledger": ledger, "erasures": erasures, "clock": clock,
        "projections": projections });
    (status, Json(body))
}
