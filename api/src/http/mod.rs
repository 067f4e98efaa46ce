//! The JSON API under `/api/v1`, its OpenAPI document, what surrounds every request, and the operations listener.
//!
//! One folder per audience, one file per group of endpoints with its types. `problem`, `extract`, `auth`, `commands`,
//! `reads`, `disclosure`, `limits`, `deadline` and `work` are what every endpoint stands on; `listening`, `doors`,
//! `shedding` and `metrics` are about all of them together.

pub mod audit;
pub mod auth;
pub mod clinics;
pub mod commands;
pub mod deadline;
pub(crate) mod demo;
pub mod disclosure;
mod document;
pub mod doors;
pub mod extract;
pub(crate) mod follow;
pub mod limits;
pub(crate) mod listening;
pub mod metrics;
pub mod ops;
pub mod portal;
pub mod problem;
pub(crate) mod reads;
pub mod shedding;
pub mod wire;
pub mod work;

use crate::app::App;
use axum::Router;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
pub use document::openapi;
use problem::Problem;
use std::sync::Arc;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use utoipa_axum::router::OpenApiRouter;

/// State of every handler.
pub type AppState = Arc<App>;

/// Largest body of a request, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;

fn routes() -> OpenApiRouter<AppState> {
    let v1 = OpenApiRouter::new().merge(portal::routes()).merge(clinics::routes()).merge(audit::routes());
    OpenApiRouter::with_openapi(document::head()).nest("/api/v1", v1)
}

/// The public listener's routes.
pub fn router(app: AppState) -> Router {
    let (router, _) = routes().split_for_parts();
    let document = document::openapi();
    let request_id = HeaderName::from_static("x-request-id");
    let (ids, goodbye) = (RequestIds(Arc::clone(&app)), Arc::clone(&app));
    let demo = if app.messages.are_shown() { demo::routes() } else { Router::new() };
    router
        .merge(demo)
        .merge(utoipa_swagger_ui::SwaggerUi::new("/api/docs").url("/api/v1/openapi.json", document))
        .merge(crate::pages::routes())
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Not possible here")
        })
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), portal::carry_as_of))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), portal::redirect_old_address))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), after_the_erasures))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), shedding::admit))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), metrics::count))
        .with_state(app)
        .layer(axum::middleware::from_fn(time_limit))
        .layer(RequestBodyLimitLayer::new(MAX_BODY))
        .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
        // What changes something comes from a page of ours or from a program, never from another site's page.
        .layer(CsrfLayer::new().with_rejection_response(|_| {
            axum::response::IntoResponse::into_response(
                Problem::new(StatusCode::FORBIDDEN, "cross_site", "This request comes from another site")
                    .detail("Requests that change something are taken from our own pages and from programs."),
            )
        }))
        .layer(CatchPanicLayer::custom(|_| {
            axum::response::IntoResponse::into_response(Problem::internal("a handler panicked"))
        }))
        .layer(axum::middleware::from_fn(finish))
        .layer(axum::middleware::from_fn(crate::pages::headers::protect))
        .layer(axum::middleware::from_fn_with_state(goodbye, listening::say_goodbye))
        .layer(PropagateRequestIdLayer::new(request_id.clone()))
        .layer(SetRequestIdLayer::new(request_id, ids))
}

/// Nobody is served before everybody on the erasure list is gone from the vault: it may be an older copy.
async fn after_the_erasures(
    axum::extract::State(app): axum::extract::State<AppState>,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> axum::response::Response {
    if app.erasures.applied() {
        return next.run(request).await;
    }
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "starting", "The service is starting").retry_after(1);
    axum::response::IntoResponse::into_response(problem)
}

/// Longest that a request may take; streams end by their own rules.
const TIME_LIMIT: Duration = Duration::from_secs(30);

async fn time_limit(request: axum::extract::Request, next: axum::middleware::Next) -> axum::response::Response {
    if request.uri().path().ends_with("/feed/stream") || request.uri().path() == "/staff/live" {
        return next.run(request).await;
    }
    match tokio::time::timeout(TIME_LIMIT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => axum::response::IntoResponse::into_response(
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", "This took too long").retry_after(2),
        ),
    }
}

/// Gives every problem the request's id, and turns the framework's own plain-text refusals into problems. Outside the
/// API a problem is a page.
async fn finish(request: axum::extract::Request, next: axum::middleware::Next) -> axum::response::Response {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok().map(str::to_owned));
    let page = !request.uri().path().starts_with("/api/");
    let words = crate::pages::trouble::language(request.uri().path(), request.headers());
    let mut response = next.run(request).await;
    let plain = response.headers().get(header::CONTENT_TYPE).is_none_or(|v| v.as_bytes().starts_with(b"text/plain"));
    let problem = match response.extensions_mut().remove::<Problem>() {
        None if response.status() == StatusCode::PAYLOAD_TOO_LARGE && plain => {
            Some(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The body is too large"))
        }
        known => known,
    };
    match problem {
        Some(mut problem) => {
            problem.request_id = id;
            if page {
                return crate::pages::trouble::page(&problem, words);
            }
            axum::response::IntoResponse::into_response(problem)
        }
        None => response,
    }
}

#[derive(Clone)]
struct RequestIds(AppState);

impl MakeRequestId for RequestIds {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let id = self.0.engine.fresh_command().0.simple().to_string();
        HeaderValue::from_str(&id).ok().map(RequestId::new)
    }
}
