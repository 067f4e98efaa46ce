//! Schedules: one slot, many at once, templates, and why an availability is (not) online.

mod bulk;
mod day;
mod explain;
mod one;
mod templates;
mod typed;

use crate::http::AppState;
use axum::Router;

pub(super) fn routes() -> Router<AppState> {
    Router::new().merge(one::routes()).merge(bulk::routes()).merge(day::routes()).merge(templates::routes())
}
