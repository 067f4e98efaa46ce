//! Moving and cancelling by the patient. The old time is kept until the new one is taken; cancelling asks for the birth
//! date, so that a link that went astray is not enough.

use super::booked::Facts;
use super::draft::Shown;
use super::fields::{BirthDate, Fields, Wrong};
use super::manage::{self, Known, Standing, about, is_stale, revision, stale};
use super::shell::Shell;
use super::visiting::{body, with_status};
use super::when::{self, Choice, Day};
use super::{Next, Step, Visiting};
use crate::http::extract::ApiQuery;
use crate::http::portal::manage as api;
use crate::http::problem::ApiResult;
use crate::pages::render;
use crate::pages::text::Words;
use askama::Template;
use serde_json::json;

/// Times on one page.
const TIMES: u32 = 60;

#[derive(Template)]
#[template(path = "portal/move.html")]
struct Move {
    w: Words,
    css: String,
    s: Shell,
    standing: Standing,
    facts: Facts,
    zone: String,
    zone_name: String,
    notice: Option<(&'static str, String)>,
    nearest: Vec<Choice>,
    days: Vec<Day>,
    more: Option<Vec<(String, String)>>,
}

#[derive(Template)]
#[template(path = "portal/cancel.html")]
struct Cancel<'a> {
    w: Words,
    css: String,
    s: Shell,
    standing: Standing,
    facts: Facts,
    fields: &'a Fields,
    wrong: &'a Wrong,
}

impl Cancel<'_> {
    fn birth_date(&self) -> BirthDate<'_> {
        BirthDate::new(self.w, self.fields, self.wrong)
    }
}

/// The appointment, if there is something to change about it; else its own page says why not.
async fn changeable(visiting: &Visiting) -> ApiResult<Option<Standing>> {
    Ok(match visiting.standing().await? {
        Known::Here(standing) if standing.can_change() => Some(*standing),
        _ => None,
    })
}

/// The times to move to.
pub(super) async fn show_move(visiting: &Visiting) -> ApiResult<Next> {
    move_page(visiting, None).await
}

async fn move_page(visiting: &Visiting, notice: Option<(&'static str, String, Vec<Shown>, u16)>) -> ApiResult<Next> {
    let (Some(standing), Some(link)) = (changeable(visiting).await?, visiting.link()) else {
        return Ok(Next::Step(Step::Manage));
    };
    let cursor = Some(visiting.asked.get("cursor").to_owned()).filter(|cursor| !cursor.is_empty());
    let asked = api::Targets { limit: Some(TIMES), cursor };
    let page = api::targets(visiting.app(), visiting.portal(), link, ApiQuery(asked)).await?.0;
    let (w, s, clinic) = (visiting.words, visiting.shell(), visiting.found.clinic());
    let own = &standing.appointment;
    let times = page
        .availabilities
        .iter()
        .filter(|a| (&a.when.start, a.practitioner.id) != (&own.when.start, own.practitioner.id));
    let times = times.zip(1..).map(|(a, n)| Choice::new(w, Shown::of(a), format!("time-{n}"), None)).collect();
    let (notice, nearest, status) = match notice {
        None => (None, vec![], 200),
        Some((kind, text, others, status)) => (Some((kind, text)), when::near(w, others), status),
    };
    let page = Move {
        w,
        css: s.css.clone(),
        s,
        facts: Facts::of(visiting, &standing.appointment)?,
        standing,
        zone: w.zone(clinic.zone(), visiting.app.engine.now()),
        zone_name: clinic.zone().name().to_owned(),
        notice,
        nearest,
        days: when::by_day(w, times),
        more: page.next.map(|cursor| vec![("cursor".to_owned(), cursor)]),
    };
    render(&page).map(|page| Next::Answer(with_status(page, status)))
}

/// Takes the new time, and then frees the old one.
pub(super) async fn take_move(visiting: &mut Visiting, form: &Fields) -> ApiResult<Next> {
    let Some((link, _)) = about(visiting, form).await? else { return stale(visiting).await };
    let w = visiting.words;
    visiting.asked = form.clone();
    if form.get("availability").is_empty() {
        return move_page(visiting, Some(("bad", w.t("wrong-time"), vec![], 422))).await;
    }
    let wanted = json!({ "availability": form.get("availability") });
    let command = visiting.command("move", form.get("key"), revision(form));
    match api::move_to(visiting.app(), visiting.portal(), link, command, body(&wanted)?).await {
        Ok(_) => Ok(manage::done(visiting, "moved")),
        Err(problem) if is_stale(&problem) => stale(visiting).await,
        Err(problem) if problem.code == "past_cutoff" => Ok(Next::Step(Step::Manage)),
        Err(problem) if when::is_gone(&problem) || problem.code == "invalid_field" => {
            let text = w.t("taken-keep");
            move_page(visiting, Some(("warn", text, when::nearest(&problem), 409))).await
        }
        Err(problem) => Err(problem),
    }
}

/// Asks before it cancels.
pub(super) async fn show_cancel(visiting: &Visiting) -> ApiResult<Next> {
    cancel_page(visiting, &Fields::default(), &Wrong::default()).await
}

async fn cancel_page(visiting: &Visiting, fields: &Fields, wrong: &Wrong) -> ApiResult<Next> {
    let Some(standing) = changeable(visiting).await? else { return Ok(Next::Step(Step::Manage)) };
    let (w, s) = (visiting.words, visiting.shell());
    let facts = Facts::of(visiting, &standing.appointment)?;
    let page = render(&Cancel { w, css: s.css.clone(), s, standing, facts, fields, wrong })?;
    Ok(Next::Answer(if wrong.is_empty() { page } else { with_status(page, 422) }))
}

/// Cancels.
pub(super) async fn take_cancel(visiting: &mut Visiting, form: &Fields) -> ApiResult<Next> {
    let Some((link, standing)) = about(visiting, form).await? else { return stale(visiting).await };
    if standing.is_cancelled() {
        return Ok(Next::Step(Step::Manage));
    }
    let reason = Some(form.get("reason").replace("\r\n", "\n")).filter(|reason| !reason.is_empty());
    let asked = json!({ "reason": reason, "birth_date": form.date("birth") });
    let command = visiting.command("cancel", form.get("key"), revision(form));
    let (peer, headers) = (visiting.peer(), visiting.headers.clone());
    let done = api::cancel(visiting.app(), peer, headers, visiting.portal(), link, command, body(&asked)?).await;
    match done {
        Ok(_) => Ok(Next::Step(Step::Manage)),
        Err(problem) if problem.code == "invalid_field" => {
            let w = visiting.words;
            let mut wrong = Wrong::default();
            for error in &problem.errors {
                wrong.0.push(match error.pointer.as_str() {
                    "/birth_date" => ("birth_day", w.t("wrong-own-birth-date")),
                    _ => ("reason", w.t("wrong-reason-text")),
                });
            }
            cancel_page(visiting, form, &wrong).await
        }
        Err(problem) if problem.code == "past_cutoff" => Ok(Next::Step(Step::Manage)),
        Err(problem) if is_stale(&problem) => stale(visiting).await,
        Err(problem) => Err(problem),
    }
}
