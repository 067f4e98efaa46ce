//! Merging a record into another, and marking a patient as deceased.

use super::super::appointments::{fresh_key, go, shown_on_page, with_status};
use super::super::frame::{Frame, Section, SignedIn};
use super::super::picker::{Found, find};
use super::super::words::refusal;
use crate::http::AppState;
use crate::http::clinics::patients::{self as api, MarkDeceased, MergePatient};
use crate::http::extract::{ApiJson, ApiPath};
use crate::http::problem::{ApiResult, Problem};
use crate::pages::form::Form;
use crate::pages::render;
use crate::pages::staff::appointments::person;
use crate::pages::text::Words;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/staff/patients/{patient}/deceased", get(super::record).post(deceased))
        .route("/staff/patients/{patient}/merge", get(ask_merge).post(merge))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Typed {
    revision: Option<u64>,
    key: String,
    date: String,
    search: String,
    into: Option<Uuid>,
}

async fn deceased(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath(id): ApiPath<Uuid>,
    form: Form<Typed>,
) -> ApiResult<Response> {
    let headers = form.command(&form.value.key, form.value.revision);
    let date = Some(form.value.date.trim().to_owned()).filter(|date| !date.is_empty());
    let body = ApiJson { value: MarkDeceased { date }, bytes: form.bytes };
    let path = ApiPath((signed.clinic(), id));
    match api::deceased(State(app.clone()), signed.principal.clone(), headers, path, body).await {
        Ok(done) => Ok(go(&format!("/staff/patients/{id}"), "saved", done.position)),
        Err(problem) => super::refused(&app, &signed, id, problem).await,
    }
}

#[derive(askama::Template)]
#[template(path = "staff/patients/merge.html")]
struct Page {
    w: Words,
    frame: Frame,
    id: Uuid,
    name: String,
    revision: u64,
    key: String,
    alert: Option<String>,
    search: String,
    found: Option<Vec<Found>>,
}

async fn page(
    app: &AppState,
    signed: &SignedIn,
    id: Uuid,
    problem: Option<&Problem>,
    (search, found): (String, Option<Vec<Found>>),
) -> ApiResult<Response> {
    if !signed.receives() {
        return Err(Problem::not_found());
    }
    let w = signed.w;
    let record = super::read(app, signed, id, None).await?;
    let page = Page {
        w,
        frame: Frame::new(app, signed, Section::Patients).await?,
        id,
        name: person(w, &record.details).map_or_else(|| w.t("person-erased"), |person| person.name),
        revision: record.revision,
        key: fresh_key(app),
        alert: problem.map(|problem| refusal(w, problem)),
        search,
        found: found.map(|found| found.into_iter().filter(|found| found.id != id).collect()),
    };
    render(&page)
}

async fn ask_merge(State(app): State<AppState>, signed: SignedIn, ApiPath(id): ApiPath<Uuid>) -> ApiResult<Response> {
    page(&app, &signed, id, None, (String::new(), None)).await
}

/// With a record to merge into it merges; without it searches for one.
async fn merge(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath(id): ApiPath<Uuid>,
    form: Form<Typed>,
) -> ApiResult<Response> {
    let outcome = match form.value.into {
        None => match find(&app, &signed, &form.value.search).await {
            Ok(found) => return page(&app, &signed, id, None, (form.value.search, Some(found))).await,
            Err(problem) => Err(problem),
        },
        Some(into) => {
            let headers = form.command(&form.value.key, form.value.revision);
            let body = ApiJson { value: MergePatient { into }, bytes: form.bytes };
            let path = ApiPath((signed.clinic(), id));
            let done = api::merge(State(app.clone()), signed.principal.clone(), headers, path, body).await;
            done.map(|done| (into, done.position))
        }
    };
    match outcome {
        Ok((into, position)) => Ok(go(&format!("/staff/patients/{into}"), "merged", position)),
        Err(problem) => {
            let problem = shown_on_page(problem)?;
            with_status(&problem, page(&app, &signed, id, Some(&problem), (form.value.search, None)).await?)
        }
    }
}
