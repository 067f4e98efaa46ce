//! The clinic's pages under `/staff`.

use crate::http::AppState;
use axum::Router;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
}
