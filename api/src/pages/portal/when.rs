//! When: the earliest three times, then all by day. A time that is chosen is held; one that is gone meanwhile is said
//! so on this page, with the nearest two.

use super::draft::{Chosen, Draft, Filters, Held, Shown};
use super::fields::Fields;
use super::service::{facts, modality};
use super::shell::Shell;
use super::visiting::{body, with_status};
use super::{Next, Step, Visiting};
use crate::http::extract::{ApiPath, ApiQuery, CommandHeaders};
use crate::http::portal::browse::{self, Availabilities, Wanted};
use crate::http::portal::holds;
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire::{instant, parse_availability};
use crate::pages::render;
use crate::pages::text::Words;
use askama::Template;
use booking_domain::ids::ServiceId;
use booking_domain::time::{WallDate, WallTime};
use booking_engine::vault::Visit;
use booking_projections::availability::DayPart;
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// Times on one page: they fit a slow telephone.
const TIMES: u32 = 90;
/// Days on one page.
const DAYS: usize = 5;
/// Days that are looked ahead.
const AHEAD: i32 = 366;
/// Times that stand first.
const EARLIEST: usize = 3;
/// Times offered instead of one that is gone.
const NEAREST: usize = 2;

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const PARTS: [(&str, &str); 3] =
    [("morning", "part-morning"), ("afternoon", "part-afternoon"), ("evening", "part-evening")];

#[derive(Template)]
#[template(path = "portal/when.html")]
struct When {
    w: Words,
    css: String,
    s: Shell,
    service: String,
    facts: Vec<String>,
    zone: String,
    zone_name: String,
    notice: Option<(&'static str, String)>,
    nearest: Vec<Choice>,
    earliest: Vec<Choice>,
    days: Vec<Day>,
    filters: Vec<Filter>,
    narrowed: bool,
    first_page: bool,
    kept: Vec<(String, String)>,
    more: Option<Vec<(String, String)>>,
    /// What the visitor's device has to work out before it gets a time.
    work: Option<String>,
    work_script: String,
}

impl When {
    fn nothing(&self) -> bool {
        self.earliest.is_empty() && self.days.is_empty()
    }
}

/// A time to choose.
pub(super) struct Choice {
    pub(super) id: String,
    pub(super) shown: Shown,
    /// "mardi 24 novembre".
    pub(super) day: String,
    pub(super) time: String,
    pub(super) modality: String,
    pub(super) chosen: bool,
}

/// The times of a day, by parts of it.
pub(super) struct Day {
    pub(super) title: String,
    pub(super) date: String,
    pub(super) parts: Vec<(String, Vec<Choice>)>,
}

/// One group of check boxes.
struct Filter {
    name: &'static str,
    title: String,
    options: Vec<(String, String, bool)>,
}

/// Why the page is shown again.
pub(super) enum Notice {
    /// No time was chosen.
    NotChosen,
    /// The time is gone; these are the nearest.
    Taken(Vec<Shown>),
    /// The hold ended, and the time is gone.
    Lost(Vec<Shown>),
}

impl Filters {
    /// What a form or an address narrows to; none if it says nothing about it.
    fn of(fields: &Fields) -> Option<Self> {
        fields.has("narrow").then(|| {
            let known = |name: &'static str, is: fn(&str) -> bool| {
                fields.all(name).filter(|value| is(value)).map(str::to_owned).collect()
            };
            Self {
                practitioner: known("practitioner", |v| v.parse::<Uuid>().is_ok()),
                weekday: known("weekday", |v| WEEKDAYS.contains(&v)),
                part: known("part", |v| PARTS.iter().any(|(name, _)| *name == v)),
            }
        })
    }
    fn fields(&self) -> Vec<(String, String)> {
        let named = |name: &'static str, values: &[String]| {
            values.iter().map(move |v| (name.to_owned(), v.clone())).collect::<Vec<_>>()
        };
        let mut fields = vec![("narrow".to_owned(), "yes".to_owned())];
        fields.extend(named("practitioner", &self.practitioner));
        fields.extend(named("weekday", &self.weekday));
        fields.extend(named("part", &self.part));
        fields
    }
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Visiting {
    /// What the language switch keeps of the address.
    pub(super) fn kept_query(&self) -> Vec<(String, String)> {
        if self.step == Step::Code && self.asked.has("then") {
            return vec![("then".to_owned(), self.asked.get("then").to_owned())];
        }
        if self.step != Step::When {
            return vec![];
        }
        let mut kept = Filters::of(&self.asked).map(|f| f.fields()).unwrap_or_default();
        for name in ["from", "cursor"] {
            if self.asked.has(name) {
                kept.push((name.to_owned(), self.asked.get(name).to_owned()));
            }
        }
        kept
    }
}

pub(super) async fn show(visiting: &Visiting) -> ApiResult<Next> {
    let visit = visiting.visit().await?;
    let draft = visiting.draft(&visit).await?;
    page(visiting, &draft, None).await
}

/// The page, with what is to be said first.
pub(super) async fn page(visiting: &Visiting, draft: &Draft, notice: Option<Notice>) -> ApiResult<Next> {
    if draft.booked.is_some() {
        return Ok(Next::Step(Step::Booked));
    }
    let Some(service) = draft.service else { return Ok(Next::Step(Step::Service)) };
    let (w, clinic, now) = (visiting.words, visiting.found.clinic(), visiting.app.engine.now());
    let zone = clinic.zone();
    let filters = Filters::of(&visiting.asked).unwrap_or_else(|| draft.filters.clone());
    let today = now.wall(zone).0;
    let from = WallDate::parse(visiting.asked.get("from")).filter(|date| *date > today);
    let list = match times(visiting, service, &filters, from.unwrap_or(today)).await {
        Ok(list) => list,
        Err(problem) if problem.code == "not_found" => return Ok(Next::Step(Step::Service)),
        Err(problem) => return Err(problem),
    };
    let chosen = draft.chosen.as_ref().map(|c| c.shown.availability.as_str());
    let mut all: Vec<Choice> = Vec::new();
    for (availability, number) in list.availabilities.iter().zip(1..) {
        all.push(Choice::new(w, Shown::of(availability), format!("time-{number}"), chosen));
    }
    let first_page = from.is_none() && !visiting.asked.has("cursor");
    let earliest: Vec<Choice> = if first_page { all.drain(..all.len().min(EARLIEST)).collect() } else { vec![] };
    let (days, next) = days(w, all, list.next);
    let kept = filters.fields();
    let more = next.map(|(name, value)| [kept.clone(), vec![(name.to_owned(), value)]].concat());
    let (notice, nearest, status) = match notice {
        None => (None, vec![], 200),
        Some(Notice::NotChosen) => (Some(("not-chosen", w.t("wrong-time"))), vec![], 422),
        Some(Notice::Taken(others)) => (Some(("taken", w.t("taken"))), near(w, others), 409),
        Some(Notice::Lost(others)) => (Some(("lost", w.t("hold-lost"))), near(w, others), 409),
    };
    let public_name = clinic.services.get(&ServiceId(service)).map(|s| s.config.public_name.clone());
    let s = visiting.shell();
    let page = When {
        w,
        css: s.css.clone(),
        s,
        service: public_name.map(|n| w.either(&n.fr, &n.en).to_owned()).unwrap_or_default(),
        facts: facts(clinic, w, service),
        zone: w.zone(zone, now),
        zone_name: zone.name().to_owned(),
        notice,
        nearest,
        earliest,
        days,
        narrowed: !filters.is_empty(),
        filters: groups(visiting, service, &filters),
        first_page,
        kept,
        more,
        work: super::work::asked(visiting).await?,
        work_script: super::work::script(),
    };
    render(&page).map(|page| Next::Answer(with_status(page, status)))
}

/// The nearest times, to choose from.
pub(super) fn near(words: Words, shown: Vec<Shown>) -> Vec<Choice> {
    let choice = |(shown, n): (Shown, i32)| Choice::new(words, shown, format!("near-{n}"), None);
    shown.into_iter().take(NEAREST).zip(1..).map(choice).collect()
}

impl Choice {
    pub(super) fn new(words: Words, shown: Shown, id: String, chosen: Option<&str>) -> Self {
        let day = WallDate::parse(&shown.date).map(|date| words.day(date)).unwrap_or_default();
        let time = WallTime::parse(&shown.start_time).map(|time| words.time(time)).unwrap_or_default();
        let modality = modality(words, &shown.modality);
        let chosen = chosen == Some(shown.availability.as_str());
        Self { id, shown, day, time, modality, chosen }
    }
}

async fn times(visiting: &Visiting, service: Uuid, filters: &Filters, from: WallDate) -> ApiResult<Availabilities> {
    let list = |values: &[String]| (!values.is_empty()).then(|| values.join(","));
    let wanted = Wanted {
        service,
        from: Some(from.to_string()),
        to: Some(from.plus_days(AHEAD).to_string()),
        practitioner: list(&filters.practitioner),
        weekday: list(&filters.weekday),
        part: list(&filters.part),
        limit: Some(TIMES),
        cursor: Some(visiting.asked.get("cursor").to_owned()).filter(|cursor| !cursor.is_empty()),
        counts: None,
        after: None,
    };
    let headers = visiting.headers.clone();
    let answer = browse::availabilities(
        visiting.app(),
        visiting.peer(),
        headers,
        visiting.portal(),
        visiting.visitor(),
        ApiQuery(wanted),
    );
    Ok(answer.await?.0)
}

/// The times by day and part of the day, and where the next page begins. A day that does not fit begins the next page,
/// unless it is too long for any.
fn days(words: Words, all: Vec<Choice>, next: Option<String>) -> (Vec<Day>, Option<(&'static str, String)>) {
    let mut days = by_day(words, all);
    let more = match (days.len(), next) {
        (0 | 1, Some(cursor)) => Some(("cursor", cursor)),
        (n, Some(_)) if n <= DAYS => days.pop().map(|day| ("from", day.date)),
        (n, _) if n > DAYS => days.get(DAYS).map(|day| ("from", day.date.clone())),
        _ => None,
    };
    days.truncate(DAYS);
    (days, more)
}

/// The times by day and part of the day.
pub(super) fn by_day(words: Words, all: Vec<Choice>) -> Vec<Day> {
    let mut days: Vec<(String, Vec<Choice>)> = Vec::new();
    for choice in all {
        match days.last_mut() {
            Some((date, choices)) if *date == choice.shown.date => choices.push(choice),
            _ => days.push((choice.shown.date.clone(), vec![choice])),
        }
    }
    let days = days.into_iter().map(|(date, choices)| {
        let title = choices.first().map(|c| c.day.clone()).unwrap_or_default();
        let mut parts: Vec<(String, Vec<Choice>)> = PARTS.map(|(_, key)| (words.t(key), vec![])).into();
        for choice in choices {
            let part = match WallTime::parse(&choice.shown.start_time).map(DayPart::of) {
                Some(DayPart::Afternoon) => 1,
                Some(DayPart::Evening) => 2,
                _ => 0,
            };
            if let Some((_, choices)) = parts.get_mut(part) {
                choices.push(choice);
            }
        }
        parts.retain(|(_, choices)| !choices.is_empty());
        Day { title, date, parts }
    });
    days.collect()
}

fn groups(visiting: &Visiting, service: Uuid, filters: &Filters) -> Vec<Filter> {
    let (w, clinic) = (visiting.words, visiting.found.clinic());
    let config = clinic.services.get(&ServiceId(service)).map(|s| &s.config);
    let passes = |id| config.is_some_and(|c| c.filter.passes(id));
    let mut people: Vec<(String, String, bool)> = clinic
        .practitioners
        .iter()
        .filter(|(id, _)| passes(**id) && clinic.agendas.values().any(|a| a.practitioner == **id))
        .map(|(id, p)| (id.0.to_string(), p.name.clone(), filters.practitioner.contains(&id.0.to_string())))
        .collect();
    people.sort_by(|a, b| a.1.cmp(&b.1));
    let weekdays = WEEKDAYS.iter().zip(0u8..);
    let weekdays = weekdays
        .map(|(name, n)| ((*name).to_owned(), w.weekday(n).to_owned(), filters.weekday.iter().any(|v| v == name)));
    let parts = PARTS.map(|(name, key)| (name.to_owned(), w.t(key), filters.part.iter().any(|v| v == name)));
    vec![
        Filter { name: "practitioner", title: w.t("filter-practitioner"), options: people },
        Filter { name: "weekday", title: w.t("filter-weekday"), options: weekdays.collect() },
        Filter { name: "part", title: w.t("filter-part"), options: parts.into() },
    ]
}

/// Holds the time that was chosen.
pub(super) async fn take(visiting: &mut Visiting, form: &Fields) -> ApiResult<Next> {
    let visit = visiting.visit().await?;
    let mut draft = visiting.draft(&visit).await?;
    if draft.booked.is_some() {
        return Ok(Next::Step(Step::Booked));
    }
    if let Some(filters) = Filters::of(form) {
        draft.filters = filters;
    }
    visiting.asked = form.clone();
    let Some(service) = draft.service else { return Ok(Next::Step(Step::Service)) };
    let availability = form.get("availability");
    let Ok(place) = parse_availability("availability", availability) else {
        return page(visiting, &draft, Some(Notice::NotChosen)).await;
    };
    let held = match hold(visiting, service, availability).await {
        Ok(held) => held,
        Err(problem) if is_gone(&problem) => {
            visiting.keep(&visit, &draft).await?;
            return page(visiting, &draft, Some(Notice::Taken(nearest(&problem)))).await;
        }
        Err(problem) => return Err(problem),
    };
    // The list may be a moment behind the log: what is held is offered to its holder once it caught up.
    let offered = || browse::offered(&visiting.app, &visiting.found, &visit, ServiceId(service), place);
    let offer = match offered().await? {
        None => {
            visiting.app.settle_within(Duration::from_millis(500)).await;
            offered().await?
        }
        known => known,
    };
    let Some(offer) = offer else {
        return page(visiting, &draft, Some(Notice::Taken(vec![]))).await;
    };
    if draft.chosen.as_ref().is_none_or(|c| c.shown.availability != availability) || draft.key.is_empty() {
        draft.key = fresh_key(visiting);
    }
    draft.chosen = Some(Chosen { shown: Shown::of(&offer), hold: held });
    visiting.keep(&visit, &draft).await?;
    Ok(Next::Step(Step::Details))
}

/// A key for one booking.
pub(super) fn fresh_key(visiting: &Visiting) -> String {
    visiting.app.engine.fresh_command().0.simple().to_string()
}

/// Holds an availability for the visit; none if there are no more holds here: it can be booked without.
pub(super) async fn hold(visiting: &Visiting, service: Uuid, availability: &str) -> ApiResult<Option<Held>> {
    let wanted = json!({ "service": service, "availability": availability });
    let placed = holds::place(
        visiting.app(),
        visiting.peer(),
        visiting.headers.clone(),
        visiting.portal(),
        visiting.visitor(),
        visiting.command("hold", "", None),
        body(&wanted)?,
    );
    match placed.await {
        Ok(done) => held(&done.body).map(Some),
        Err(problem) if problem.code == "hold_budget" => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// A hold as the draft keeps it.
pub(super) fn held(placed: &holds::PlacedHold) -> ApiResult<Held> {
    let until = instant("expires_at", &placed.expires_at)?.0;
    Ok(Held { hold: placed.hold.clone(), until, extensions_left: placed.extensions_left })
}

/// Gives a hold back; one that ended already is fine, and one that cannot be given back ends by itself.
pub(super) async fn release(visiting: &Visiting, draft: &Draft) {
    let Some(held) = draft.chosen.as_ref().and_then(|c| c.hold.as_ref()) else { return };
    let path = ApiPath((visiting.slug.clone(), held.hold.clone()));
    let released = holds::release(visiting.app(), path, visiting.visitor(), CommandHeaders::default()).await;
    if let Err(problem) = released {
        tracing::warn!(code = problem.code, "a hold was not given back");
    }
}

/// The wanted time cannot be had any more.
pub(super) fn is_gone(problem: &Problem) -> bool {
    matches!(problem.code, "taken" | "held" | "availability_gone" | "not_offered" | "not_found")
}

/// The nearest times, as the API offers them instead.
pub(super) fn nearest(problem: &Problem) -> Vec<Shown> {
    let others = problem.alternatives.clone().and_then(|value| serde_json::from_value(value).ok());
    others.unwrap_or_default()
}

/// Holds again what was chosen, after the hold ended. True: it is held, or can be booked without a hold.
pub(super) async fn holds_again(visiting: &Visiting, visit: &Visit, draft: &mut Draft) -> ApiResult<Option<Notice>> {
    let (Some(service), Some(chosen)) = (draft.service, draft.chosen.as_mut()) else { return Ok(None) };
    match hold(visiting, service, &chosen.shown.availability).await {
        Ok(held) => {
            chosen.hold = held;
            visiting.keep(visit, draft).await?;
            Ok(None)
        }
        Err(problem) if is_gone(&problem) => {
            let others = nearest(&problem);
            *draft = draft.clone().without_time();
            visiting.keep(visit, draft).await?;
            Ok(Some(Notice::Lost(others)))
        }
        Err(problem) => Err(problem),
    }
}
