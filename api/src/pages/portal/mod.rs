//! The patient's pages under `/p/{slug}`.

use crate::http::AppState;
use axum::Router;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
}
