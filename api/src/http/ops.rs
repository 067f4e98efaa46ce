//! The operations listener, loopback by default: liveness, readiness.

use super::AppState;
use crate::ledger::Standing;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use std::time::Duration;

/// A projection that was not polled for so long is not healthy.
const PATIENCE: Duration = Duration::from_secs(10);

/// The operations listener's routes.
pub fn router(app: AppState) -> Router {
    Router::new().route("/livez", get(|| async { "ok" })).route("/readyz", get(ready)).with_state(app)
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
    let ready = log && healthy && holds && erasures && !draining;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let ledger = json!({ "holds": holds, "why": why });
    let body = json!({ "ready": ready, "log": log, "draining": draining, "ledger": ledger, "erasures": erasures,
        "projections": projections });
    (status, Json(body))
}
