//! Who saw whose data: the whole log with conditions, or one person's, and the same as a file.

use super::lines::kind;
use super::then::{exact, read, with_query};
use super::{Hall, reason};
use crate::http::AppState;
use crate::http::audit::access::{self as api, AccessEntry, AccessQuery, ExportQuery};
use crate::http::audit::names::Names;
use crate::http::auth::AUDIT;
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::ApiResult;
use crate::pages::render;
use crate::pages::staff::frame::SignedIn;
use crate::pages::text::Words;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use booking_domain::matching::fold_name;
use serde::Deserialize;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/audit/access", get(page)).route("/audit/access/export", get(export))
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Asked {
    patient: String,
    member: String,
    from: String,
    to: String,
    outcome: String,
    cursor: String,
    format: String,
}

fn text(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// What cannot be read is nobody's id, and finds nothing.
fn id(typed: &str) -> Option<Uuid> {
    text(typed).map(|text| text.parse().unwrap_or_default())
}

/// Somebody who looked, or was refused.
struct Row {
    at: String,
    who: String,
    operation: String,
    shown: bool,
    reason: String,
    subjects: Vec<Uuid>,
}

/// Somebody to choose.
struct Member {
    id: Uuid,
    name: String,
    chosen: bool,
}

#[derive(askama::Template)]
#[template(path = "staff/audit/access.html")]
struct Page {
    hall: Hall,
    asked: Asked,
    members: Vec<Member>,
    rows: Vec<Row>,
    alert: Option<String>,
    next: Option<String>,
    csv: String,
    ndjson: String,
    why: String,
}
super::in_hall!(Page);

async fn page(State(app): State<AppState>, mut signed: SignedIn, RawQuery(query): RawQuery) -> ApiResult<Response> {
    let asked: Asked = read(query.as_deref());
    let reasoned = reason::given(&mut signed);
    if signed.may(AUDIT) && text(&asked.patient).is_some() && !reasoned {
        return reason::ask(&app, &signed, "access", signed.w.t("access-of-person")).await;
    }
    let w = signed.w;
    let wanted = AccessQuery {
        patient: id(&asked.patient),
        member: id(&asked.member),
        from: text(&asked.from),
        to: text(&asked.to),
        outcome: text(&asked.outcome),
        cursor: text(&asked.cursor),
        ..AccessQuery::default()
    };
    let path = ApiPath(signed.clinic());
    let answer = api::list(State(app.clone()), signed.principal.clone(), path, ApiQuery(wanted)).await;
    let (answer, alert) = match answer {
        Ok(read) => (Some(read.body), None),
        Err(problem) if problem.status == 400 => (None, Some(w.t("audit-bad-filter"))),
        // Whoever may look here, and names somebody who is not the clinic's.
        Err(problem) if problem.status == 404 && signed.may(AUDIT) => (None, Some(w.t("access-nobody"))),
        Err(problem) => return Err(problem),
    };
    let (entries, next) = answer.map(|answer| (answer.entries, answer.next)).unwrap_or_default();
    let kept = [
        ("patient", asked.patient.clone()),
        ("member", asked.member.clone()),
        ("from", asked.from.clone()),
        ("to", asked.to.clone()),
        ("why", signed.principal.purpose.unwrap_or_default().to_owned()),
    ];
    let file = |format: &str| {
        let format = [("format", format.to_owned())];
        with_query("/audit/access/export", &kept.iter().cloned().chain(format).collect::<Vec<_>>())
    };
    let more = |cursor: String| {
        let own = [("outcome", asked.outcome.clone()), ("cursor", cursor)];
        with_query("/audit/access", &kept.iter().cloned().chain(own).collect::<Vec<_>>())
    };
    let page = Page {
        rows: entries.iter().map(|entry| Row::of(w, entry)).collect(),
        members: members(&app, &signed, &asked.member).await?,
        next: next.map(more),
        csv: file("csv"),
        ndjson: file("ndjson"),
        alert,
        why: signed.principal.purpose.unwrap_or_default().to_owned(),
        asked,
        hall: Hall::new(&app, &signed, "access").await?,
    };
    render(&page)
}

impl Row {
    fn of(w: Words, entry: &AccessEntry) -> Self {
        let name = entry.member_name.clone();
        Self {
            at: exact(w, &entry.at),
            who: name.unwrap_or_else(|| kind(w, entry.actor)),
            operation: entry.operation.clone(),
            shown: entry.outcome == "shown",
            reason: entry.reason.as_deref().map(|reason| reason::words(w, reason)).unwrap_or_default(),
            subjects: entry.subjects.clone(),
        }
    }
}

/// Everybody who works here, and the programs, by name.
async fn members(app: &AppState, signed: &SignedIn, chosen: &str) -> ApiResult<Vec<Member>> {
    let names = Names::of(app, signed.principal.clinic);
    let mut members = Vec::new();
    for member in app.views.clinics.members(signed.principal.clinic) {
        let Some(added) = &member.added else { continue };
        let name = names.name(added.member).await?.unwrap_or_else(|| added.member.to_string());
        members.push(Member { id: added.member.0, name, chosen: added.member.to_string() == chosen });
    }
    members.sort_by_cached_key(|member| (fold_name(&member.name), member.id));
    Ok(members)
}

/// The file; of one person it is given a reason like the page.
async fn export(State(app): State<AppState>, mut signed: SignedIn, RawQuery(query): RawQuery) -> ApiResult<Response> {
    let asked: Asked = read(query.as_deref());
    let reasoned = reason::given(&mut signed);
    if signed.may(AUDIT) && text(&asked.patient).is_some() && !reasoned {
        return reason::ask(&app, &signed, "access", signed.w.t("access-of-person")).await;
    }
    let wanted = ExportQuery {
        format: text(&asked.format).unwrap_or_else(|| "csv".to_owned()),
        patient: id(&asked.patient),
        member: id(&asked.member),
        from: text(&asked.from),
        to: text(&asked.to),
        after: None,
    };
    let path = ApiPath(signed.clinic());
    api::export(State(app), signed.principal, path, ApiQuery(wanted)).await
}
