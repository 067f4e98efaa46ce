//! How the ledger stands: its size and root, the newest checkpoint, who keeps it, and whether commands are taken.

use super::Hall;
use crate::http::AppState;
use crate::http::audit::ledger::{LedgerStatus, status};
use crate::http::extract::ApiPath;
use crate::http::problem::ApiResult;
use crate::pages::render;
use crate::pages::staff::frame::SignedIn;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/audit/ledger", get(page))
}

#[derive(askama::Template)]
#[template(path = "staff/audit/ledger.html")]
struct Page {
    hall: Hall,
    status: LedgerStatus,
    /// Events that no checkpoint covers yet.
    unsigned: u64,
}
super::in_hall!(Page);

async fn page(State(app): State<AppState>, signed: SignedIn) -> ApiResult<Response> {
    let path = ApiPath(signed.clinic());
    let status = status(State(app.clone()), signed.principal.clone(), path).await?.0;
    let unsigned = status.leaves.saturating_sub(status.signed.unwrap_or(0));
    render(&Page { hall: Hall::new(&app, &signed, "ledger").await?, status, unsigned })
}
