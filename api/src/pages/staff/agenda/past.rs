//! The agenda as it was at a chosen moment, without names: for auditors and administrators. Nothing here can be acted
//! on, and the page says "past view" and has a border of its own.

use super::View;
use super::board::{Board, Look};
use crate::http::AppState;
use crate::http::audit::replay::{AgendaQuery, StaffAgenda, agenda};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::ApiResult;
use crate::pages::render;
use crate::pages::staff::frame::{Frame, Section, SignedIn};
use crate::pages::staff::words;
use crate::pages::text::Words;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use booking_domain::time::{WallDate, WallTime, resolve};
use serde::Deserialize;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/staff/audit", get(page))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct When {
    /// The day whose agenda is shown.
    date: Option<String>,
    /// The moment as of which, on the clinic's wall.
    on: String,
    at: String,
}

#[derive(askama::Template)]
#[template(path = "staff/agenda/past.html")]
struct Page {
    w: Words,
    frame: Frame,
    date: String,
    day: String,
    on: String,
    at: String,
    moment: String,
    past: bool,
    alert: Option<String>,
    board: Option<Board>,
}

async fn page(State(app): State<AppState>, signed: SignedIn, RawQuery(query): RawQuery) -> ApiResult<Response> {
    let when: When = serde_html_form::from_str(query.as_deref().unwrap_or_default()).unwrap_or_default();
    let rules = app.engine.rules(signed.principal.clinic).await?;
    let zone = rules.state.zone();
    let now = app.engine.now();
    let date = when.date.as_deref().and_then(WallDate::parse).unwrap_or(now.wall(zone).0);
    let typed = WallDate::parse(&when.on).zip(WallTime::parse(&when.at));
    let as_of = typed.map(|(on, at)| resolve(on, at, zone).first_or_next());
    let query = AgendaQuery {
        from: Some(date.to_string()),
        at_time: as_of.map(|at| at.rfc3339(zone)),
        ..AgendaQuery::default()
    };
    let path = ApiPath(signed.clinic());
    let answer: ApiResult<StaffAgenda> =
        agenda(State(app.clone()), signed.principal.clone(), path, ApiQuery(query)).await.map(|read| read.body);
    let w = signed.w;
    let (board, alert) = match answer {
        Ok(answer) => {
            let look = Look { w, zone, view: View::List, ended: true, receives: false, links: false, single: false };
            (Some(Board::new(look, &answer, (date, date))), None)
        }
        // A moment that lies in the future, or a clinic that was not there yet.
        Err(problem) if problem.status == 400 => (None, Some(words::refusal(w, &problem))),
        Err(problem) => return Err(problem),
    };
    let page = Page {
        w,
        frame: Frame::new(&app, &signed, Section::Audit).await?,
        date: date.to_string(),
        day: w.day(date),
        on: when.on,
        at: when.at,
        moment: w.moment(as_of.unwrap_or(now), zone),
        past: as_of.is_some(),
        alert,
        board,
    };
    render(&page)
}
