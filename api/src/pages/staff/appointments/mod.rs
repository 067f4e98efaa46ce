//! One appointment: its facts and its history, and everything that may be done with it.
//!
//! Every form carries the revision that the page showed, so that what somebody else changed in the meantime is shown
//! instead of overwritten, and a key, so that a second click does nothing more.

mod cancel;
mod marks;
mod moving;
mod panel;
mod plan;

use crate::http::AppState;
use crate::http::problem::{ApiResult, Problem};
use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use booking_store::Position;
use std::fmt::Write as _;
use uuid::Uuid;

pub(super) use panel::{Panel, Person, moment, person};
pub(super) use plan::{Choice, activities, agendas};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .merge(panel::routes())
        .merge(plan::routes())
        .merge(marks::routes())
        .merge(cancel::routes())
        .merge(moving::routes())
}

/// The address of an appointment.
pub(super) fn address(id: Uuid) -> String {
    format!("/staff/appointments/{id}")
}

/// To another page, which shows what was just done and says so.
pub(super) fn go(to: &str, done: &str, position: Option<Position>) -> Response {
    let mut to = format!("{to}{}done={done}", if to.contains('?') { '&' } else { '?' });
    if let Some(position) = position {
        let _ = write!(to, "&after={position}");
    }
    Redirect::to(&to).into_response()
}

/// A key for a form: new for each page that is shown.
pub(super) fn fresh_key(app: &AppState) -> String {
    app.engine.fresh_command().0.simple().to_string()
}

/// What a page says itself; anything else becomes a page of its own on the way out.
pub(super) fn shown_on_page(problem: Problem) -> ApiResult<Problem> {
    match problem.status {
        409 | 410 | 412 | 422 | 428 => Ok(problem),
        400 if !problem.errors.is_empty() => Ok(problem),
        _ => Err(problem),
    }
}

/// A page with the status of the problem that it explains.
pub(super) fn with_status(problem: &Problem, mut page: Response) -> ApiResult<Response> {
    *page.status_mut() = axum::http::StatusCode::from_u16(problem.status).map_err(Problem::internal)?;
    Ok(page)
}
