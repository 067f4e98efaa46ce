//! Confirmed, arrived, completed, no-show; and taking a record off again.

use super::{Panel, address, go, shown_on_page};
use crate::http::AppState;
use crate::http::auth::Principal;
use crate::http::clinics::appointments::AppointmentSummary;
use crate::http::clinics::appointments::change;
use crate::http::commands::Done;
use crate::http::extract::{ApiPath, CommandHeaders};
use crate::http::problem::ApiResult;
use crate::pages::form::Form;
use crate::pages::staff::frame::SignedIn;
use axum::Router;
use axum::extract::State;
use axum::response::{Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use std::future::Future;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/staff/appointments/{appointment}/confirm", get(back).post(confirm))
        .route("/staff/appointments/{appointment}/arrive", get(back).post(arrive))
        .route("/staff/appointments/{appointment}/complete", get(back).post(complete))
        .route("/staff/appointments/{appointment}/no-show", get(back).post(no_show))
        .route("/staff/appointments/{appointment}/detach", get(back).post(detach))
}

/// The appointment as the page showed it.
#[derive(Deserialize)]
struct Seen {
    revision: Option<u64>,
    #[serde(default)]
    key: String,
}

/// Somebody who signed in again after a button of the panel comes back to the panel.
async fn back(ApiPath(id): ApiPath<Uuid>) -> Redirect {
    Redirect::to(&address(id))
}

type Path = ApiPath<(Uuid, Uuid)>;

async fn does<A>(
    (app, signed, id, form): (AppState, SignedIn, Uuid, Form<Seen>),
    done: &str,
    command: impl FnOnce(State<AppState>, Principal, CommandHeaders, Path) -> A,
) -> ApiResult<Response>
where
    A: Future<Output = ApiResult<Done<AppointmentSummary>>>,
{
    let headers = form.command(&form.value.key, form.value.revision);
    let path = ApiPath((signed.clinic(), id));
    match command(State(app.clone()), signed.principal.clone(), headers, path).await {
        Ok(answer) => Ok(go(&address(id), done, answer.position)),
        Err(problem) => Panel::refused(&app, &signed, id, &shown_on_page(problem)?).await,
    }
}

macro_rules! button {
    ($name:ident, $done:literal) => {
        async fn $name(
            State(app): State<AppState>,
            signed: SignedIn,
            ApiPath(id): ApiPath<Uuid>,
            form: Form<Seen>,
        ) -> ApiResult<Response> {
            does((app, signed, id, form), $done, change::$name).await
        }
    };
}

button!(confirm, "marked");
button!(arrive, "marked");
button!(complete, "marked");
button!(no_show, "marked");
button!(detach, "detached");
