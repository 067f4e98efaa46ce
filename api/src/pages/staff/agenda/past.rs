//! The agenda as it was at a chosen moment, without names: for whoever may look at agendas, and for auditors. Nothing here
//! can be acted on, and the page says "past view" and has a border of its own; its cards lead to the slots and
//! appointments as they were.

use super::board::{Board, Look};
use super::{Address, Choice, Tab, View, choices};
use crate::http::AppState;
use crate::http::audit::replay::{AgendaQuery, StaffAgenda, agenda};
use crate::http::auth::AUDIT;
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::ApiResult;
use crate::pages::render;
use crate::pages::staff::audit::{Hall, Slider, Then, in_hall, read};
use crate::pages::staff::frame::SignedIn;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use booking_domain::ids::AgendaId;
use booking_domain::time::WallDate;
use serde::Deserialize;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/audit/agenda", get(page))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// The day whose agenda is shown.
    date: Option<String>,
    view: Option<String>,
    agenda: Vec<Uuid>,
}

#[derive(askama::Template)]
#[template(path = "staff/agenda/past.html")]
struct Page {
    hall: Hall,
    title: String,
    date: String,
    view: &'static str,
    tabs: Vec<Tab>,
    earlier: String,
    later: String,
    agendas: Vec<Choice>,
    slider: Slider,
    alert: Option<String>,
    board: Option<Board>,
    /// The same days as they are.
    present: Option<String>,
}
in_hall!(Page);

async fn page(State(app): State<AppState>, signed: SignedIn, RawQuery(query): RawQuery) -> ApiResult<Response> {
    let (w, asked, then): (_, Asked, Then) = (signed.w, read(query.as_deref()), read(query.as_deref()));
    let rules = app.engine.rules(signed.principal.clinic).await?;
    let (clinic, zone, now) = (&rules.state, rules.state.zone(), app.engine.now());
    let date = asked.date.as_deref().and_then(WallDate::parse).unwrap_or(now.wall(zone).0);
    let view = match asked.view.as_deref() {
        Some("day") => View::Day,
        Some("week") => View::Week,
        _ => View::List,
    };
    let chosen: Vec<Uuid> =
        asked.agenda.iter().copied().filter(|id| clinic.agendas.contains_key(&AgendaId(*id))).collect();
    let (from, to) = view.days(date);
    let when = then.when(zone);
    let (at_position, at_time) = (when.at_position, when.at_time);
    let wanted = AgendaQuery {
        from: Some(from.to_string()),
        to: Some(to.to_string()),
        agenda: (!chosen.is_empty()).then(|| chosen.iter().map(Uuid::to_string).collect::<Vec<_>>().join(",")),
        at_position,
        at_time,
        ..AgendaQuery::default()
    };
    let path = ApiPath(signed.clinic());
    let answer = agenda(State(app.clone()), signed.principal.clone(), path, ApiQuery(wanted)).await;
    let (answer, alert) = match answer {
        Ok(read) => (Some(read.body), None),
        // A moment that lies in the future, or no event's position.
        Err(problem) if problem.status == 400 => (None, Some(w.t("audit-bad-moment"))),
        Err(problem) => return Err(problem),
    };
    let look = Look { w, zone, view, ended: true, receives: false, links: true, single: chosen.len() == 1 };
    let board = answer.as_ref().map(|answer| {
        let mut board = Board::new(look, answer, (from, to));
        as_it_was(&mut board, &then, signed.may(AUDIT));
        board
    });
    let address = Address { path: "/audit/agenda", view, chosen: &chosen, services: &[], ended: false, then: &then };
    let tab = |of: View, words: String| Tab {
        name: of.name(),
        words,
        href: Address { view: of, ..address }.of(date),
        current: of == view,
    };
    let step = if view == View::Week { 7 } else { 1 };
    let mut kept = vec![("date".to_owned(), date.to_string()), ("view".to_owned(), view.name().to_owned())];
    kept.extend(chosen.iter().map(|id| ("agenda".to_owned(), id.to_string())));
    let shown = answer.as_ref().map(|answer: &StaffAgenda| answer.now.clone()).unwrap_or_default();
    let steps = answer.as_ref().and_then(|answer| answer.steps).unwrap_or_default();
    let page = Page {
        title: super::title(w, view, from, to),
        date: date.to_string(),
        view: view.name(),
        tabs: vec![
            tab(View::List, w.t("agenda-view-list")),
            tab(View::Day, w.t("agenda-view-day")),
            tab(View::Week, w.t("agenda-view-week")),
        ],
        earlier: address.of(date.plus_days(-step)),
        later: address.of(date.plus_days(step)),
        agendas: choices(clinic, &chosen),
        slider: Slider::new(w, "/audit/agenda", kept, &then, &shown, steps),
        alert,
        board,
        present: signed
            .may(crate::http::auth::CARE)
            .then(|| Address { path: "/staff/agenda", then: &Then::default(), ..address }.of(date)),
        hall: Hall::new(&app, &signed, "agenda").await?,
    };
    render(&page)
}

/// Leads every card to the thing as it was, and none to where something is done.
fn as_it_was(board: &mut Board, then: &Then, audits: bool) {
    let moment = serde_html_form::to_string(then.pairs()).unwrap_or_default();
    let with = |href: String| match (moment.is_empty(), href.contains('?')) {
        (true, _) => href,
        (false, true) => format!("{href}&{moment}"),
        (false, false) => format!("{href}?{moment}"),
    };
    let past = |href: &str| {
        let slot = href.strip_prefix("/staff/slots/").map(|rest| format!("/audit/slots/{rest}"));
        let day = || href.strip_prefix("/staff/agenda").map(|rest| format!("/audit/agenda{rest}"));
        // The history of an appointment is for auditors; at the desk its panel tells it.
        let appointment = || href.strip_prefix("/staff/appointments/").filter(|_| audits);
        let appointment = || appointment().map(|rest| format!("/audit/appointments/{rest}"));
        slot.or_else(day).or_else(appointment).map_or_else(|| href.to_owned(), with)
    };
    for line in &mut board.lines {
        line.href = past(&line.href);
    }
    let columns = board.lines.iter_mut().flat_map(|line| line.days.iter_mut()).chain(board.columns.iter_mut());
    for column in columns {
        column.day_href = past(&column.day_href);
        column.bands.iter_mut().for_each(|band| band.href = past(&band.href));
        column.cards.iter_mut().for_each(|card| card.href = past(&card.href));
    }
}
