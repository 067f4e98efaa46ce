//! A slot and one availability of it, as it was: its state, what happened to it, and the way to "why".

use super::Hall;
use super::lines::{Line, Thread};
use super::then::{Slider, Then, read, with_query};
use crate::http::AppState;
use crate::http::audit::day::StaffAgendaAvailability;
use crate::http::audit::replay::{AgendaQuery, agenda};
use crate::http::audit::slot::{SlotHistoryQuery, history};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::ApiResult;
use crate::pages::render;
use crate::pages::staff::frame::SignedIn;
use crate::pages::staff::words;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use booking_domain::time::{WallDate, WallTime};
use serde::Deserialize;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/audit/slots/{agenda}/{date}/{slot}", get(page))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    start: Option<String>,
}

/// An availability of the slot at that moment.
struct Part {
    time: String,
    state: String,
    href: String,
    why_href: String,
    chosen: bool,
}

#[derive(askama::Template)]
#[template(path = "staff/audit/slot.html")]
struct Page {
    hall: Hall,
    day: String,
    practitioner: String,
    activity: String,
    agenda_href: String,
    slider: Slider,
    /// None: there was no such slot then, or the moment cannot be shown.
    parts: Option<Vec<Part>>,
    withdrawn: bool,
    lines: Vec<Line>,
}
super::in_hall!(Page);

async fn page(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath((of, date, slot)): ApiPath<(Uuid, String, Uuid)>,
    RawQuery(query): RawQuery,
) -> ApiResult<Response> {
    let (w, asked, then): (_, Asked, Then) = (signed.w, read(query.as_deref()), read(query.as_deref()));
    let start = asked.start.filter(|start| !start.is_empty());
    let path = ApiPath((signed.clinic(), of, date.clone(), slot));
    let wanted = ApiQuery(SlotHistoryQuery { start: start.clone() });
    let told = history(State(app.clone()), signed.principal.clone(), path, wanted).await?.body;
    let rules = app.engine.rules(signed.principal.clinic).await?;
    let zone = rules.state.zone();
    let when = then.when(zone);
    let (at_position, at_time) = (when.at_position, when.at_time);
    let (from, of_agenda) = (Some(date.clone()), Some(of.to_string()));
    let wanted = AgendaQuery { from, agenda: of_agenda, at_position, at_time, ..AgendaQuery::default() };
    let shown = agenda(State(app.clone()), signed.principal.clone(), ApiPath(signed.clinic()), ApiQuery(wanted)).await;
    let shown = match shown {
        Ok(read) => read.body.days.into_iter().next(),
        Err(problem) if problem.status == 400 => None,
        Err(problem) => return Err(problem),
    };
    let found = shown.as_ref().and_then(|day| day.slots.iter().find(|known| known.id == slot));
    let action = format!("/audit/slots/{of}/{date}/{slot}");
    let kept: Vec<(String, String)> = start.iter().map(|start| ("start".to_owned(), start.clone())).collect();
    let thread = Thread { w, entries: &told.entries, then: &then, action: &action, kept: &kept };
    let (lines, moment, steps) = thread.lines(zone, app.engine.now());
    let parts = found.map(|found| {
        let part = |a: &StaffAgendaAvailability| {
            let own = [("start", a.start.clone())].into_iter().chain(then.pairs()).collect::<Vec<_>>();
            let of = [("agenda", of.to_string()), ("slot", slot.to_string())];
            Part {
                time: WallTime::parse(&a.start_time).map(|time| w.time(time)).unwrap_or_default(),
                state: words::availability(w, a.state, a.icon),
                href: with_query(&action, &own),
                why_href: with_query("/audit/explain", &of.into_iter().chain(own.clone()).collect::<Vec<_>>()),
                chosen: start.as_deref() == Some(a.start.as_str()),
            }
        };
        found.availabilities.iter().map(part).collect()
    });
    let practitioner = rules.state.practitioner_of(of.into()).and_then(|id| rules.state.practitioners.get(&id));
    let mut around = vec![("date", date.clone()), ("agenda", of.to_string())];
    around.extend(then.pairs());
    let page = Page {
        day: WallDate::parse(&date).map(|date| w.full_date(date)).unwrap_or_default(),
        practitioner: practitioner.map(|p| p.name.clone()).unwrap_or_default(),
        activity: found.and_then(|s| s.activity_name.clone().or(s.title.clone())).unwrap_or_default(),
        agenda_href: with_query("/audit/agenda", &around),
        slider: Slider::new(w, &action, kept, &then, &moment, steps),
        withdrawn: found.is_some_and(|found| found.withdrawn),
        parts,
        lines,
        hall: Hall::new(&app, &signed, "agenda").await?,
    };
    render(&page)
}
