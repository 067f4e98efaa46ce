//! What surrounds every request, written down once and in its order.
//!
//! | | in | out |
//! |---|---|---|
//! | [`outside`] | | problems get the request's id and, outside the API, a page; protecting headers; a draining server says goodbye |
//! | tower's layers | panics, other sites' pages | |
//! | [`inside`] | the time limit, the count, a place to work in, the erasures, old addresses | the count; the place in history of what carries one |
//! | tower's layer | bodies that are too large | |
//!
//! Two functions and not a layer for each of these: a layer costs a request a copy of all layers within it.

use super::AppState;
use super::problem::Problem;
use super::{listening, metrics, portal, reads, shedding};
use crate::pages::{headers, trouble};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::time::Duration;
use tower_http::request_id::RequestId;

/// Longest that a request may take; streams end by their own rules.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Around everything else: what every answer has, whoever made it.
pub(super) async fn outside(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let documentation = headers::is_documentation(path);
    let words = (!path.starts_with("/api/")).then(|| trouble::language(path, request.headers()));
    let id = request.extensions().get::<RequestId>().cloned();
    let leaving = listening::Leaving::of(&request);
    let mut response = next.run(request).await;
    if let Some(mut problem) = problem_of(&mut response) {
        problem.request_id = id.and_then(|id| id.header_value().to_str().ok().map(str::to_owned));
        response = match words {
            Some(words) => trouble::page(&problem, words),
            None => problem.into_response(),
        };
    }
    headers::protect(&mut response, documentation);
    leaving.say_goodbye(&app, &mut response);
    response
}

/// The problem that an answer is, be it the framework's own refusal in plain text.
fn problem_of(response: &mut Response) -> Option<Problem> {
    let known = response.extensions_mut().remove::<Problem>();
    let plain =
        || response.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if known.is_none() && response.status() == StatusCode::PAYLOAD_TOO_LARGE && plain() {
        return Some(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The body is too large"));
    }
    known
}

/// Around the handlers: who is let in, and for how long.
pub(super) async fn inside(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let streams = path.ends_with("/feed/stream") || path == "/staff/live";
    let counting = metrics::Counting::begin(&request);
    let answered = admitted(&app, request, next);
    let response = if streams {
        answered.await
    } else {
        tokio::time::timeout(TIME_LIMIT, answered).await.unwrap_or_else(|_| {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", "This took too long")
                .retry_after(2)
                .into_response()
        })
    };
    counting.end(&app.requests, &response);
    response
}

async fn admitted(app: &AppState, request: Request, next: Next) -> Response {
    // Held until the answer's head is there; a stream goes on without one.
    let _place = match shedding::Asked::of(&request).admit(app).await {
        Ok(place) => place,
        Err(busy) => return busy.into_response(),
    };
    // Nobody is served before everybody on the erasure list is gone from the vault: it may be an older copy.
    if !app.erasures.applied() {
        let starting = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "starting", "The service is starting");
        return starting.retry_after(1).into_response();
    }
    if let Some(moved) = portal::moved(app, &request) {
        return moved;
    }
    // What is read from here on shows at least this much.
    let as_of = if portal::carries_standing(&request) { portal::standing(app).await } else { None };
    reads::as_of(as_of, next.run(request).await)
}
