//! The first page: from what somebody has in hand to the thing.

use super::Hall;
use crate::http::AppState;
use crate::http::audit::search::{AuditSearch, FoundThing, search};
use crate::http::auth::AUDIT;
use crate::http::extract::ApiPath;
use crate::http::problem::ApiResult;
use crate::pages::form::Form;
use crate::pages::render;
use crate::pages::staff::frame::SignedIn;
use crate::pages::text::Words;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/audit", get(page).post(find))
}

#[derive(Deserialize)]
struct Typed {
    #[serde(default)]
    text: String,
}

/// Something that was found.
struct Found {
    kind: String,
    name: String,
    links: Vec<(String, String)>,
}

#[derive(askama::Template)]
#[template(path = "staff/audit/search.html")]
struct Page {
    hall: Hall,
    text: String,
    /// Something was looked for.
    looked: bool,
    found: Vec<Found>,
}
super::in_hall!(Page);

async fn page(State(app): State<AppState>, signed: SignedIn) -> ApiResult<Response> {
    signed.principal.allow(signed.principal.clinic, AUDIT)?;
    let hall = Hall::new(&app, &signed, "search").await?;
    render(&Page { hall, text: String::new(), looked: false, found: vec![] })
}

/// What is typed may be a reference, so that it is posted: addresses are logged and kept.
async fn find(State(app): State<AppState>, signed: SignedIn, form: Form<Typed>) -> ApiResult<Response> {
    signed.principal.allow(signed.principal.clinic, AUDIT)?;
    let text = form.value.text.trim().to_owned();
    let body = form.json(AuditSearch { text: text.clone() });
    let answer = search(State(app.clone()), signed.principal.clone(), ApiPath(signed.principal.clinic), body).await;
    let found = match answer {
        Ok(answer) => answer.0.found,
        // Nothing, or too much, was typed.
        Err(problem) if problem.status == 422 => vec![],
        Err(problem) => return Err(problem),
    };
    if let [one] = found.as_slice()
        && let [(address, _)] = links(signed.w, one).as_slice()
    {
        return Ok(Redirect::to(address).into_response());
    }
    let w = signed.w;
    let told = |thing: &FoundThing| Found {
        kind: kind(w, thing.kind),
        name: thing.name.clone().or(thing.date.clone()).or(thing.id.map(|id| id.to_string())).unwrap_or_default(),
        links: links(w, thing),
    };
    let found = found.iter().map(told).collect();
    render(&Page { hall: Hall::new(&app, &signed, "search").await?, text, looked: true, found })
}

fn kind(w: Words, kind: &str) -> String {
    match kind {
        "appointment" => w.t("audit-kind-appointment"),
        "event" => w.t("audit-kind-event"),
        "patient" => w.t("audit-kind-patient"),
        "erasure" => w.t("audit-kind-erasure"),
        "member" => w.t("audit-kind-member"),
        "date" => w.t("audit-kind-date"),
        "agenda" => w.t("audit-kind-agenda"),
        "service" => w.t("audit-kind-service"),
        _ => w.t("audit-kind-practitioner"),
    }
}

/// Where a thing is shown, and what the link says.
fn links(w: Words, thing: &FoundThing) -> Vec<(String, String)> {
    let id = thing.id.map(|id| id.to_string()).unwrap_or_default();
    let one = |address: String, words: String| vec![(address, words)];
    match thing.kind {
        "appointment" => one(format!("/audit/appointments/{id}"), w.t("audit-open-history")),
        "event" => one(format!("/audit/events/{id}"), w.t("audit-open-proof")),
        "patient" => one(format!("/audit/patients/{id}"), w.t("audit-open-history")),
        "erasure" => one(format!("/audit/erasures/{id}"), w.t("audit-open-case")),
        "member" => vec![
            (format!("/audit/events?actor={id}"), w.t("audit-open-acts")),
            (format!("/audit/access?member={id}"), w.t("audit-open-looks")),
        ],
        "date" => {
            one(format!("/audit/agenda?date={}", thing.date.as_deref().unwrap_or_default()), w.t("audit-open-agenda"))
        }
        "agenda" => one(format!("/audit/agenda?agenda={id}"), w.t("audit-open-agenda")),
        _ => one("/audit/rules".to_owned(), w.t("audit-open-rules")),
    }
}
