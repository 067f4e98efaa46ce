//! The operations listener, loopback by default: liveness, readiness.

use super::AppState;
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

/// Ready: the log answers, and every projection polled successfully a moment ago and has caught up.
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
    let ready = log && healthy && erasures && !draining;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (
        status,
        Json(
            json!({ "ready": ready, "log": log, "draining": draining, "erasures": erasures, "projections": projections }),
        ),
    )
}
