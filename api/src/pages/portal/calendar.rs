//! The appointment as a calendar file, from the confirmation and from its patient's own page.
//!
//! The address says nothing about anybody: which appointment it is follows from the same cookie as the page that links
//! here, and in a frame, where there is none, from the hidden field of a form.

use super::fields::Fields;
use super::shell::Shell;
use super::visiting::Request;
use super::{Next, Peer, Step, Visiting, arrive};
use crate::http::AppState;
use crate::http::auth::LinkToken;
use crate::http::portal::manage::{self as api, CalendarFile};
use crate::http::problem::{ApiResult, Problem};
use crate::pages::form::Form;
use askama::Template;
use axum::Router;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

/// The end of the address, which browsers take for the file's name.
const FILE: &str = "appointment.ics";

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/p/{slug}/{language}/{step}/appointment.ics", get(download))
        .route("/p/{slug}/embed/{language}/{step}/appointment.ics", post(download_embedded))
}

/// A way to the file: a link, or in a frame a button that carries the visit.
#[derive(Template)]
#[template(path = "portal/download.html")]
pub(super) struct Download {
    address: String,
    label: String,
    button: bool,
    carried: Vec<(String, String)>,
}

impl Shell {
    /// The way to the calendar file of the appointment that a step shows.
    pub(super) fn download(&self, step: Step) -> Download {
        Download {
            address: format!("{}/{FILE}", self.address(step.name())),
            label: self.words().t("calendar-file"),
            button: self.embedded(),
            carried: self.carried(),
        }
    }
}

type Address = Path<(String, String, String)>;

async fn download(
    State(app): State<AppState>,
    ConnectInfo(peer): Peer,
    Path((slug, language, step)): Address,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let request = Request { app, peer, headers, slug, embedded: false };
    match arrive(request, (&language, &step), None).await? {
        Ok(visiting) => Ok(answers(visiting).await),
        Err(elsewhere) => Ok(elsewhere),
    }
}

async fn download_embedded(
    State(app): State<AppState>,
    ConnectInfo(peer): Peer,
    Path((slug, language, step)): Address,
    headers: HeaderMap,
    form: Form<Fields>,
) -> ApiResult<Response> {
    let request = Request { app, peer, headers, slug, embedded: true };
    match arrive(request, (&language, &step), None).await? {
        Ok(visiting) => Ok(answers(visiting.asking(form.value)).await),
        Err(elsewhere) => Ok(elsewhere),
    }
}

async fn answers(visiting: Visiting) -> Response {
    let response = match file(&visiting).await {
        Ok(Next::Answer(file)) => file,
        Ok(Next::Step(step)) => visiting.redirect(step.name()),
        Err(problem) => visiting.tells(&problem),
    };
    visiting.finish(response)
}

async fn file(visiting: &Visiting) -> ApiResult<Next> {
    let link = match visiting.step {
        Step::Booked => {
            let visit = visiting.visit().await?;
            let booked = visiting.draft(&visit).await?.booked;
            booked.and_then(|booked| LinkToken::of_field(&booked.link))
        }
        Step::Manage => match visiting.link() {
            Some(link) => Some(link),
            None => return Ok(Next::Step(Step::Manage)),
        },
        _ => None,
    };
    let link = link.ok_or_else(Problem::not_found)?;
    let CalendarFile { method, text } = api::calendar(&visiting.app, &visiting.found, &link, visiting.words.0).await?;
    let kind = HeaderValue::from_str(&format!("text/calendar; charset=utf-8; method={method}"));
    let kind = kind.map_err(Problem::internal)?;
    let name = HeaderValue::from_static("attachment; filename=\"appointment.ics\"");
    Ok(Next::Answer(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], text).into_response()))
}
