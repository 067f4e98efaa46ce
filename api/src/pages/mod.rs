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
use axum::http::header::CONTENT_TYPE;
use axum::http::{Extensions, HeaderMap, StatusCode, Version};
use axum::response::{Html, IntoResponse, Response};
use tower_http::compression::CompressionLayer;

/// Routes of all pages and of what they load. An agenda is long, and goes compressed; the patient's pages are short and do
/// not, since the length of a compressed answer would tell how much of it repeats what the visitor typed.
pub fn routes() -> Router<AppState> {
    let compressed = CompressionLayer::new().gzip(true).compress_when(is_text);
    Router::new().merge(assets::routes()).merge(staff::routes()).layer(compressed).merge(portal::routes())
}

/// A page, a style sheet or a script: a stream of events is not held back, and what is not yet a page is none.
fn is_text(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    ["text/html", "text/css", "text/javascript"].iter().any(|text| kind.starts_with(text))
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
