//! One summary before anything is booked. The form holds the booking's key: a second click is the same booking.

use super::details::{self, HoldBox, reason};
use super::draft::{Booked, Chosen, Draft};
use super::fields::Fields;
use super::service::modality;
use super::shell::Shell;
use super::visiting::{body, with_status};
use super::when::{self, Notice};
use super::{Next, Step, Visiting, who};
use crate::http::commands::Done;
use crate::http::portal::book::{self, BookedAppointment};
use crate::http::problem::{ApiResult, Problem};
use crate::pages::render;
use crate::pages::text::{Words, telephone};
use askama::Template;
use booking_domain::ids::ServiceId;
use serde_json::json;
use std::time::Duration;

#[derive(Template)]
#[template(path = "portal/check.html")]
struct Check {
    w: Words,
    css: String,
    s: Shell,
    hold: HoldBox,
    lines: Vec<Line>,
    key: String,
    /// The form that was sent is not the one that stands here.
    changed: bool,
}

/// A fact, and where it is changed.
struct Line {
    term: String,
    facts: Vec<String>,
    step: &'static str,
    change: String,
}

pub(super) async fn show(visiting: &Visiting) -> ApiResult<Next> {
    page(visiting, false).await
}

async fn page(visiting: &Visiting, changed: bool) -> ApiResult<Next> {
    let visit = visiting.visit().await?;
    let draft = visiting.draft(&visit).await?;
    if draft.booked.is_some() {
        return Ok(Next::Step(Step::Booked));
    }
    let Some(chosen) = &draft.chosen else { return Ok(Next::Step(Step::When)) };
    if draft.notify.is_none() {
        return Ok(Next::Step(Step::Details));
    }
    let Some(known) = who::identity(visiting, &visit).await? else { return Err(Problem::unauthorized()) };
    let (w, s) = (visiting.words, visiting.shell());
    let line = |term: &str, facts: Vec<String>, step: Step, what: &str| Line {
        term: w.t(term),
        facts: facts.into_iter().filter(|f| !f.is_empty()).collect(),
        step: step.name(),
        change: w.t(what),
    };
    let zone = visiting.found.clinic().zone();
    let person = vec![
        format!("{} {}", known.first_name, known.last_name),
        w.tv("born", &[("date", who::birth_date(w, known.birth_date))]),
        known.cell_phone.as_ref().map(|p| telephone(p.as_str())).unwrap_or_default(),
        known.email.as_ref().map(|e| e.as_str().to_owned()).unwrap_or_default(),
    ];
    let shown = &chosen.shown;
    let practitioner = [shown.practitioner.name.as_str(), w.of_text(&shown.practitioner.profession)];
    let lines = vec![
        line("line-when", vec![shown.day_time(w), w.zone(zone, visiting.app.engine.now())], Step::When, "change-when"),
        line(
            "line-service",
            vec![
                service_name(visiting, &draft),
                format!("{} · {}", w.duration(shown.duration_minutes), modality(w, &shown.modality)),
            ],
            Step::Service,
            "change-service",
        ),
        line("line-practitioner", practitioner.map(str::to_owned).into(), Step::When, "change-when"),
        line("line-reason", reason_words(visiting, &draft), Step::Details, "change-reason"),
        line("line-notify", vec![notify_words(w, &draft)], Step::Details, "change-notify"),
        line("line-who", person, Step::Who, "change-who"),
    ];
    let hold = HoldBox::of(visiting, chosen.hold.as_ref());
    let page = Check { w, css: s.css.clone(), s, hold, lines, key: draft.key.clone(), changed };
    render(&page).map(|page| Next::Answer(with_status(page, if changed { 409 } else { 200 })))
}

fn service_name(visiting: &Visiting, draft: &Draft) -> String {
    let service = draft.service.and_then(|id| visiting.found.clinic().services.get(&ServiceId(id)));
    let name = service.map(|s| &s.config.public_name);
    name.map(|n| visiting.words.either(&n.fr, &n.en).to_owned()).unwrap_or_default()
}

/// The reason as it was given: from the list, in the visitor's words, or both.
pub(super) fn reason_words(visiting: &Visiting, draft: &Draft) -> Vec<String> {
    let service = draft.service.and_then(|id| visiting.found.clinic().services.get(&ServiceId(id)));
    let listed = draft.reason.and_then(|index| service?.config.reasons.get(usize::from(index)));
    let listed = listed.map(|r| visiting.words.either(&r.fr, &r.en).to_owned());
    let given: Vec<String> =
        listed.into_iter().chain([draft.reason_text.clone()]).filter(|text| !text.is_empty()).collect();
    if given.is_empty() { vec![visiting.words.t("no-reason")] } else { given }
}

fn notify_words(words: Words, draft: &Draft) -> String {
    if draft.notify.unwrap_or(true) { words.t("notify-yes") } else { words.t("notify-no") }
}

pub(super) async fn take(visiting: &mut Visiting, form: &Fields) -> ApiResult<Next> {
    let visit = visiting.visit().await?;
    let mut draft = visiting.draft(&visit).await?;
    if draft.booked.is_some() {
        return Ok(Next::Step(Step::Booked));
    }
    if form.get("do") == "extend" {
        return details::extend(visiting, &visit, draft, Step::Check).await;
    }
    let Some(chosen) = draft.chosen.clone() else { return Ok(Next::Step(Step::When)) };
    // A form from before a change would book something else than it shows.
    if form.get("key") != draft.key || draft.key.is_empty() {
        return page(visiting, true).await;
    }
    match book(visiting, &draft, &chosen).await {
        Ok(done) => {
            draft.booked = Some(Booked { key: draft.key.clone(), link: done.body.link_token });
            visiting.keep(&visit, &draft).await?;
            Ok(Next::Step(Step::Booked))
        }
        Err(problem) if problem.code == "invalid_field" => {
            visiting.step = Step::Details;
            let wrong = details::wrong(visiting, &draft, &problem.errors);
            details::page(visiting, &draft, &wrong)
        }
        Err(problem) if when::is_gone(&problem) => {
            let others = when::nearest(&problem);
            draft = draft.without_time();
            visiting.keep(&visit, &draft).await?;
            details::lost(visiting, &draft, Notice::Taken(others)).await
        }
        Err(problem) => Err(problem),
    }
}

/// Books what the draft says: with its hold, and without where that ended. Each of the two has a key of its own, the
/// same for every click: the hold is asked first, so that a click after the hold's end still finds what it booked.
async fn book(visiting: &Visiting, draft: &Draft, chosen: &Chosen) -> ApiResult<Done<BookedAppointment>> {
    let Some(held) = &chosen.hold else { return book_with(visiting, draft, chosen, None).await };
    match book_with(visiting, draft, chosen, Some(&held.hold)).await {
        Err(problem) if problem.code == "hold_ended" => book_with(visiting, draft, chosen, None).await,
        outcome => outcome,
    }
}

async fn book_with(
    visiting: &Visiting,
    draft: &Draft,
    chosen: &Chosen,
    hold: Option<&str>,
) -> ApiResult<Done<BookedAppointment>> {
    let reason = reason(draft).map(|r| json!({ "choice": r.choice, "text": r.text }));
    let wanted = json!({
        "service": draft.service, "availability": chosen.shown.availability, "hold": hold, "reason": reason,
        "notify": draft.notify.unwrap_or(true),
    });
    let key = if hold.is_some() { draft.key.clone() } else { format!("{}-unheld", draft.key) };
    let mut patience = 50;
    loop {
        let booked = book::book(
            visiting.app(),
            visiting.peer(),
            visiting.headers.clone(),
            visiting.portal(),
            visiting.visitor(),
            visiting.command("book", &key, None),
            body(&wanted)?,
        )
        .await;
        match booked {
            // The first click is at work: the second waits for what it comes to.
            Err(problem) if problem.code == "in_flight" && patience > 0 => {
                patience -= 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            outcome => return outcome,
        }
    }
}
