//! What only the demo serves: the messages that would have been sent. In any other server there is no such address.

use super::AppState;
use super::problem::{ApiResult, Problem};
use crate::messages::shown::{DemoMessage, shown_messages};
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

/// Messages on a page.
const SHOWN: u32 = 50;

/// Routes of the demo.
pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/demo/messages", get(messages))
}

/// The newest messages of the demo clinic.
#[derive(Serialize)]
pub(crate) struct DemoMessages {
    /// The newest first.
    pub messages: Vec<DemoMessage>,
}

async fn messages(State(app): State<AppState>) -> ApiResult<Json<DemoMessages>> {
    Ok(Json(newest(&app).await?))
}

/// The newest messages of the demo clinic, for a page of its own.
pub(crate) async fn newest(app: &AppState) -> ApiResult<DemoMessages> {
    let (clinic, _) = app.views.clinics.by_slug(crate::demo::SLUG).ok_or_else(Problem::not_found)?;
    Ok(DemoMessages { messages: shown_messages(app.engine.vault(), clinic, SHOWN).await? })
}
