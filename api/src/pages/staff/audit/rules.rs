//! The clinic's rules: who set what and when, newest first, with what each change changed.

use super::Hall;
use super::lines::Line;
use super::then::read;
use crate::http::AppState;
use crate::http::audit::rules::{FieldChange, RuleChange, RulesQuery, rules};
use crate::http::auth::AUDIT;
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::ApiResult;
use crate::pages::render;
use crate::pages::staff::frame::SignedIn;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/audit/rules", get(page))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    cursor: Option<String>,
}

/// A change with its line.
struct Change {
    line: Line,
    fields: Vec<FieldChange>,
}

#[derive(askama::Template)]
#[template(path = "staff/audit/rules.html")]
struct Page {
    hall: Hall,
    changes: Vec<Change>,
    next: Option<String>,
}
super::in_hall!(Page);

async fn page(State(app): State<AppState>, signed: SignedIn, RawQuery(query): RawQuery) -> ApiResult<Response> {
    signed.principal.allow(signed.principal.clinic, AUDIT)?;
    let asked: Asked = read(query.as_deref());
    let query = ApiQuery(RulesQuery { cursor: asked.cursor, limit: None });
    let path = ApiPath(signed.clinic());
    let told = rules(State(app.clone()), signed.principal.clone(), path, query).await?.body;
    let change = |change: RuleChange| Change { line: Line::of(signed.w, &change.entry), fields: change.changes };
    let page = Page {
        changes: told.entries.into_iter().map(change).collect(),
        next: told.next.map(|cursor| format!("/audit/rules?cursor={cursor}")),
        hall: Hall::new(&app, &signed, "rules").await?,
    };
    render(&page)
}
