//! The HTML pages: `/p/{slug}` for patients, `/staff` for the clinic, `/audit` for its auditors. Rendered here, complete without a script.
//!
//! A page is a client of the API inside the same process: its handler reads a form, calls the function that serves the
//! JSON endpoint, and renders what that answers. So a page can do nothing that the API refuses, and no rule stands
//! here. A [`Problem`](crate::http::problem::Problem) that a page does not turn into something better becomes a page
//! of its own on the way out ([`trouble`]).
//!
//! | module | what it is for |
//! |---|---|
//! | [`text`] | words in French and English (`api/locales`), the same keys in both |
//! | [`dates`] | dates and times as people write them |
//! | [`form`] | what a browser posts |
//! | [`cookie`] | the two cookies: a visit's and a staff session's |
//! | [`assets`] | style sheets and scripts (`api/assets`), named by their content |
//! | [`headers`] | content security policy and framing of every answer |
//! | [`portal`], [`staff`] | the pages; one file per step or screen, its template under `api/templates` |

pub mod assets;
pub mod cookie;
pub mod dates;
pub mod form;
pub mod headers;
pub mod portal;
pub mod staff;
pub mod text;
pub mod trouble;

use crate::http::AppState;
use crate::http::problem::{ApiResult, Problem};
use axum::Router;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

/// Routes of all pages and of what they load.
pub fn routes() -> Router<AppState> {
    Router::new().merge(assets::routes()).merge(portal::routes()).merge(staff::routes())
}

/// A template as an answer.
pub fn render(template: &impl askama::Template) -> ApiResult<Response> {
    render_as(StatusCode::OK, template)
}

/// A template as an answer of this status: a page that says what is wrong with a form is no 200.
pub fn render_as(status: StatusCode, template: &impl askama::Template) -> ApiResult<Response> {
    let html = template.render().map_err(Problem::internal)?;
    Ok((status, Html(html)).into_response())
}
