//! The agenda: a day with a column for each practitioner, a week, or a list. The address holds date, view and filters.
//!
//! The board is what the API's agenda answers, placed on rows of five minutes ([`board`]). A script asks for the board
//! alone when something happened (`live`).

mod board;
mod month;
mod past;

use super::audit::Then;
use super::frame::{Frame, Section, SignedIn};
use super::notice;
use crate::http::AppState;
use crate::http::audit::replay::{AgendaQuery, StaffAgenda};
use crate::http::clinics::agenda::agenda as read_agenda;
use crate::http::clinics::messages::count_undelivered;
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::ApiResult;
use crate::pages::text::Words;
use crate::pages::{assets, render};
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use board::{Board, Look};
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AgendaId, PractitionerId, ServiceId};
use booking_domain::matching::fold_name;
use booking_domain::time::WallDate;
use month::Month;
use serde::Deserialize;
use std::collections::BTreeSet;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/staff/agenda", get(page)).route("/staff/grid.css", get(grid)).merge(past::routes())
}

/// What the address says. What cannot be read is left out: an old link still shows a day.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    date: Option<String>,
    view: Option<String>,
    agenda: Vec<Uuid>,
    service: Vec<Uuid>,
    ended: Option<String>,
    after: Option<String>,
    done: Option<String>,
}

/// How the agenda is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum View {
    Day,
    Week,
    List,
}

impl View {
    const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::List => "list",
        }
    }
    /// The days that it shows around this one.
    fn days(self, date: WallDate) -> (WallDate, WallDate) {
        match self {
            Self::Week => (date.plus_days(-i32::from(date.weekday())), date.plus_days(6 - i32::from(date.weekday()))),
            Self::Day | Self::List => (date, date),
        }
    }
}

/// An agenda or a service to choose.
struct Choice {
    id: Uuid,
    name: String,
    chosen: bool,
}

/// A link to another view of the same.
struct Tab {
    name: &'static str,
    words: String,
    href: String,
    current: bool,
}

#[derive(askama::Template)]
#[template(path = "staff/agenda/page.html")]
struct Page {
    w: Words,
    frame: Frame,
    grid_css: String,
    script: String,
    title: String,
    date: String,
    view: &'static str,
    tabs: Vec<Tab>,
    earlier: String,
    later: String,
    today: String,
    /// The same as it was.
    past: String,
    month: Month,
    agendas: Vec<Choice>,
    services: Vec<Choice>,
    ended: bool,
    /// How many appointments to come whose patient was not reached.
    undelivered: usize,
    notice: Option<String>,
    board: Board,
}

#[derive(askama::Template)]
#[template(path = "staff/agenda/part.html")]
struct Part {
    w: Words,
    board: Board,
}

async fn page(State(app): State<AppState>, signed: SignedIn, RawQuery(query): RawQuery) -> ApiResult<Response> {
    let asked: Asked = serde_html_form::from_str(query.as_deref().unwrap_or_default()).unwrap_or_default();
    let rules = app.engine.rules(signed.principal.clinic).await?;
    let clinic = &rules.state;
    let today = app.engine.now().wall(clinic.zone()).0;
    let date = asked.date.as_deref().and_then(WallDate::parse).unwrap_or(today);
    let view = match asked.view.as_deref() {
        Some("week") => View::Week,
        Some("list") => View::List,
        _ => View::Day,
    };
    let known = |id: &Uuid| clinic.agendas.contains_key(&AgendaId(*id));
    let chosen: Vec<Uuid> = asked.agenda.iter().copied().filter(known).collect();
    let (from, to) = view.days(date);
    let listed = chosen.iter().map(Uuid::to_string).collect::<Vec<_>>().join(",");
    let query = AgendaQuery {
        from: Some(from.to_string()),
        to: Some(to.to_string()),
        agenda: (!chosen.is_empty()).then_some(listed),
        after: asked.after.clone(),
        // A week of everybody shows numbers.
        names: (view == View::Week && chosen.len() != 1).then_some(false),
        ..AgendaQuery::default()
    };
    let mut answer: StaffAgenda =
        read_agenda(State(app.clone()), signed.principal.clone(), ApiPath(signed.clinic()), ApiQuery(query))
            .await?
            .body;
    let services: Vec<Uuid> =
        asked.service.iter().copied().filter(|id| clinic.services.contains_key(&ServiceId(*id))).collect();
    keep_services(&mut answer, clinic, &services);
    if chosen.is_empty() {
        // Who takes no appointments any more has a column only where something of theirs is left.
        answer.days.retain(|day| {
            let takes = day.practitioner.as_ref().is_none_or(|p| clinic.takes_appointments(PractitionerId(p.id)));
            takes || !day.slots.is_empty() || !day.appointments.is_empty()
        });
    }
    let ended = asked.ended.is_some();
    let look = Look {
        w: signed.w,
        zone: clinic.zone(),
        view,
        ended,
        receives: signed.receives(),
        links: true,
        single: chosen.len() == 1,
    };
    let board = Board::new(look, &answer, (from, to));
    if signed.part {
        return render(&Part { w: signed.w, board });
    }
    let now = Then::default();
    let address = Address { path: "/staff/agenda", view, chosen: &chosen, services: &services, ended, then: &now };
    let w = signed.w;
    let tab = |of: View, words: String| Tab {
        name: of.name(),
        words,
        href: Address { view: of, ..address }.of(date),
        current: of == view,
    };
    let step = if view == View::Week { 7 } else { 1 };
    let page = Page {
        w,
        frame: Frame::new(&app, &signed, Section::Agenda).await?,
        grid_css: "/staff/grid.css".to_owned(),
        script: assets::address("agenda.js"),
        title: title(w, view, from, to),
        date: date.to_string(),
        view: view.name(),
        tabs: vec![
            tab(View::Day, w.t("agenda-view-day")),
            tab(View::Week, w.t("agenda-view-week")),
            tab(View::List, w.t("agenda-view-list")),
        ],
        earlier: address.of(date.plus_days(-step)),
        later: address.of(date.plus_days(step)),
        today: address.of(today),
        past: Address { path: "/audit/agenda", services: &[], ..address }.of(date),
        month: Month::new(w, date, today, |day| address.of(day)),
        agendas: choices(clinic, &chosen),
        services: service_choices(clinic, &services),
        undelivered: count_undelivered(&app, &signed.principal).await?,
        ended,
        notice: asked.done.as_deref().and_then(|done| notice(w, done)),
        board,
    };
    render(&page)
}

fn title(w: Words, view: View, from: WallDate, to: WallDate) -> String {
    match view {
        View::Day | View::List => format!("{} {}", w.day(from), chrono::Datelike::year(&from.naive())),
        View::Week => w.tv("agenda-week-of", &[("from", w.day_month(from)), ("to", w.full_date(to))]),
    }
}

fn choices(clinic: &Clinic, chosen: &[Uuid]) -> Vec<Choice> {
    let mut all: Vec<Choice> = clinic
        .agendas
        .iter()
        .map(|(id, agenda)| Choice {
            id: id.0,
            name: clinic.practitioners.get(&agenda.practitioner).map(|p| p.name.clone()).unwrap_or_default(),
            chosen: chosen.is_empty() || chosen.contains(&id.0),
        })
        .collect();
    all.sort_by_cached_key(|choice| (fold_name(&choice.name), choice.id));
    all
}

/// The services in use, by their internal names; none chosen: everything is shown, also what is in no service.
fn service_choices(clinic: &Clinic, chosen: &[Uuid]) -> Vec<Choice> {
    let offered = clinic.services.iter().filter(|(id, service)| service.active || chosen.contains(&id.0));
    let mut all: Vec<Choice> = offered
        .map(|(id, service)| Choice {
            id: id.0,
            name: service.config.internal_name.clone(),
            chosen: chosen.contains(&id.0),
        })
        .collect();
    all.sort_by_cached_key(|choice| (fold_name(&choice.name), choice.id));
    all
}

/// Leaves what these services offer: slots and appointments of their activities.
fn keep_services(answer: &mut StaffAgenda, clinic: &Clinic, services: &[Uuid]) {
    if services.is_empty() {
        return;
    }
    let chosen = services.iter().filter_map(|id| clinic.services.get(&ServiceId(*id)));
    let activities: BTreeSet<Uuid> = chosen.flat_map(|service| &service.config.activities).map(|id| id.0).collect();
    let kept = |activity: Option<Uuid>| activity.is_some_and(|activity| activities.contains(&activity));
    for day in &mut answer.days {
        day.slots.retain(|slot| kept(slot.activity));
        day.appointments.retain(|appointment| kept(appointment.activity));
    }
}

/// The address of the agenda on another day, now or as it was.
#[derive(Clone, Copy)]
struct Address<'a> {
    path: &'static str,
    view: View,
    chosen: &'a [Uuid],
    services: &'a [Uuid],
    ended: bool,
    then: &'a Then,
}

impl Address<'_> {
    fn of(&self, date: WallDate) -> String {
        let mut pairs = vec![("date", date.to_string()), ("view", self.view.name().to_owned())];
        pairs.extend(self.chosen.iter().map(|id| ("agenda", id.to_string())));
        pairs.extend(self.services.iter().map(|id| ("service", id.to_string())));
        if self.ended {
            pairs.push(("ended", "yes".to_owned()));
        }
        pairs.extend(self.then.pairs());
        format!("{}?{}", self.path, serde_html_form::to_string(pairs).unwrap_or_default())
    }
}

/// The rows of the board as classes: pages have no inline style. `r2 s4` begins in row two and is four rows long.
async fn grid() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=86400")];
    (headers, board::style_sheet()).into_response()
}
