//! The JSON API under `/api/v1`, its OpenAPI document, what surrounds every request, and the operations listener.
//!
//! One folder per audience, one file per group of endpoints with its types. `problem`, `extract`, `auth`, `commands`,
//! `reads`, `disclosure`, `limits`, `deadline` and `work` are what every endpoint stands on; `around`, `listening`, `doors`,
//! `shedding` and `metrics` are about all of them together.

mod around;
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
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
pub use document::openapi;
use problem::Problem;
use std::sync::Arc;
use tower::ServiceBuilder;
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
    let ids = RequestIds(Arc::clone(&app));
    let demo = if app.messages.are_shown() { demo::routes() } else { Router::new() };
    // One stack, from outside in: with each a layer of the router's own, a request would copy all within it at every step.
    let surroundings = ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(request_id.clone(), ids))
        .layer(PropagateRequestIdLayer::new(request_id))
        .layer(from_fn_with_state(Arc::clone(&app), around::outside))
        .layer(CatchPanicLayer::custom(|_| Problem::internal("a handler panicked").into_response()))
        // What changes something comes from a page of ours or from a program, never from another site's page.
        .layer(CsrfLayer::new().with_rejection_response(|_| {
            Problem::new(StatusCode::FORBIDDEN, "cross_site", "This request comes from another site")
                .detail("Requests that change something are taken from our own pages and from programs.")
                .into_response()
        }))
        .layer(from_fn_with_state(Arc::clone(&app), around::inside))
        .layer(DefaultBodyLimit::max(MAX_BODY));
    router
        .merge(demo)
        .merge(utoipa_swagger_ui::SwaggerUi::new("/api/docs").url("/api/v1/openapi.json", document))
        .merge(crate::pages::routes())
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Not possible here")
        })
        .with_state(app)
        .layer(RequestBodyLimitLayer::new(MAX_BODY))
        .layer(surroundings)
}

#[derive(Clone)]
struct RequestIds(AppState);

impl MakeRequestId for RequestIds {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let id = self.0.engine.fresh_command().0.simple().to_string();
        HeaderValue::from_str(&id).ok().map(RequestId::new)
    }
}
