//! The reason for the visit and messages, while the time is held; and the hold itself, on every page that shows it.

use super::draft::{Draft, Held};
use super::fields::{Fields, Wrong};
use super::shell::Shell;
use super::visiting::with_status;
use super::when::{self, Notice};
use super::{Next, Step, Visiting};
use crate::http::extract::ApiPath;
use crate::http::portal::holds;
use crate::http::problem::{ApiResult, FieldProblem, Problem};
use crate::pages::render;
use crate::pages::text::Words;
use askama::Template;
use booking_domain::clinic::ServiceConfig;
use booking_domain::ids::ServiceId;
use booking_engine::vault::Visit;
use booking_events::sealed_forms::Reason;

#[derive(Template)]
#[template(path = "portal/details.html")]
struct Details<'a> {
    w: Words,
    css: String,
    s: Shell,
    hold: HoldBox,
    time: String,
    reasons: Vec<(usize, String, bool)>,
    free_text: bool,
    required: bool,
    reason_text: &'a str,
    notify: bool,
    wrong: &'a Wrong,
}

/// How the chosen time is held, as pages show it.
#[derive(Clone)]
pub(super) struct HoldBox {
    /// "10 h 42"; empty: it is not held.
    pub(super) until: String,
    /// Seconds until then; none is left once it ended.
    pub(super) seconds: i64,
    pub(super) can_extend: bool,
}

impl HoldBox {
    pub(super) fn of(visiting: &Visiting, held: Option<&Held>) -> Self {
        let now = visiting.app.engine.now();
        let Some(held) = held else {
            return Self { until: String::new(), seconds: 0, can_extend: false };
        };
        let until = booking_domain::time::Instant(held.until);
        let time = until.wall(visiting.found.clinic().zone()).1;
        Self {
            until: visiting.words.time(time),
            seconds: (until.since(now) / 1_000_000).max(0),
            can_extend: held.extensions_left > 0,
        }
    }
    pub(super) const fn ended(&self) -> bool {
        !self.until.is_empty() && self.seconds == 0
    }
}

pub(super) async fn show(visiting: &Visiting) -> ApiResult<Next> {
    let visit = visiting.visit().await?;
    let draft = visiting.draft(&visit).await?;
    page(visiting, &draft, &Wrong::default())
}

/// The page, with what is wrong.
pub(super) fn page(visiting: &Visiting, draft: &Draft, wrong: &Wrong) -> ApiResult<Next> {
    if draft.booked.is_some() {
        return Ok(Next::Step(Step::Booked));
    }
    let (Some(config), Some(chosen)) = (config(visiting, draft), &draft.chosen) else {
        return Ok(Next::Step(Step::When));
    };
    let (w, s) = (visiting.words, visiting.shell());
    let reason = |(index, reason): (usize, &booking_domain::values::Localized)| {
        let chosen = draft.reason.is_some_and(|r| usize::from(r) == index);
        (index, w.either(&reason.fr, &reason.en).to_owned(), chosen)
    };
    let page = Details {
        w,
        css: s.css.clone(),
        s,
        hold: HoldBox::of(visiting, chosen.hold.as_ref()),
        time: chosen.shown.day_time(w),
        reasons: config.reasons.iter().enumerate().map(reason).collect(),
        free_text: config.free_text_reason,
        required: config.reason_required,
        reason_text: &draft.reason_text,
        notify: draft.notify.unwrap_or(true),
        wrong,
    };
    let status = if wrong.is_empty() { 200 } else { 422 };
    render(&page).map(|page| Next::Answer(with_status(page, status)))
}

fn config<'a>(visiting: &'a Visiting, draft: &Draft) -> Option<&'a ServiceConfig> {
    visiting.found.clinic().services.get(&ServiceId(draft.service?)).map(|s| &s.config)
}

/// The reason of a draft, if it gives one.
pub(super) fn reason(draft: &Draft) -> Option<Reason> {
    let given = draft.reason.is_some() || !draft.reason_text.is_empty();
    given.then(|| Reason { choice: draft.reason, text: draft.reason_text.clone() })
}

pub(super) async fn take(visiting: &mut Visiting, form: &Fields) -> ApiResult<Next> {
    let visit = visiting.visit().await?;
    let mut draft = visiting.draft(&visit).await?;
    if draft.booked.is_some() {
        return Ok(Next::Step(Step::Booked));
    }
    let Some(service) = draft.service.filter(|_| draft.chosen.is_some()) else { return Ok(Next::Step(Step::When)) };
    let before = (draft.reason, draft.reason_text.clone(), draft.notify);
    draft.reason = form.get("reason").parse().ok();
    draft.reason_text = form.get("reason_text").replace("\r\n", "\n");
    draft.notify = Some(form.get("notify") != "no");
    if before != (draft.reason, draft.reason_text.clone(), draft.notify) {
        // Another text is another booking.
        draft.key = when::fresh_key(visiting);
    }
    visiting.keep(&visit, &draft).await?;
    if form.get("do") == "extend" {
        return extend(visiting, &visit, draft, Step::Details).await;
    }
    let clinic = visiting.found.clinic();
    if let Err(refusal) = booking_engine::check_reason(clinic, ServiceId(service), reason(&draft).as_ref()) {
        let problem = Problem::from(refusal);
        if problem.code != "invalid_field" {
            return Err(problem);
        }
        return page(visiting, &draft, &wrong(visiting, &draft, &problem.errors));
    }
    let now = visiting.app.engine.now();
    let ended = draft.chosen.as_ref().and_then(|c| c.hold.as_ref()).is_some_and(|held| !held.lives(now));
    if ended && let Some(notice) = when::holds_again(visiting, &visit, &mut draft).await? {
        return lost(visiting, &draft, notice).await;
    }
    Ok(Next::Step(Step::Check))
}

/// The time is gone: the page of the times says so, and what was typed is kept.
pub(super) async fn lost(visiting: &mut Visiting, draft: &Draft, notice: Notice) -> ApiResult<Next> {
    visiting.step = Step::When;
    visiting.asked = Fields::default();
    when::page(visiting, draft, Some(notice)).await
}

/// What is wrong with the reason, in the visitor's language.
pub(super) fn wrong(visiting: &Visiting, draft: &Draft, errors: &[FieldProblem]) -> Wrong {
    let list = config(visiting, draft).is_some_and(|c| !c.reasons.is_empty());
    let first = if list { "reason-0" } else { "reason_text" };
    if errors.iter().any(|e| e.pointer == "/reason/text") {
        return Wrong::one("reason_text", visiting.words.t("wrong-reason-text"));
    }
    Wrong::one(first, visiting.words.t("wrong-reason"))
}

/// Puts the end of the hold off, or holds again what was held; then back to the step.
pub(super) async fn extend(visiting: &mut Visiting, visit: &Visit, mut draft: Draft, step: Step) -> ApiResult<Next> {
    let Some(held) = draft.chosen.as_ref().and_then(|c| c.hold.clone()) else { return Ok(Next::Step(step)) };
    let path = ApiPath((visiting.slug.clone(), held.hold));
    match holds::extend(
        visiting.app(),
        visiting.peer(),
        visiting.headers.clone(),
        path,
        visiting.visitor(),
        visiting.command("extend", "", None),
    )
    .await
    {
        Ok(done) => {
            if let Some(chosen) = draft.chosen.as_mut() {
                chosen.hold = Some(when::held(&done.body)?);
            }
            visiting.keep(visit, &draft).await?;
            Ok(Next::Step(step))
        }
        Err(problem) if matches!(problem.code, "hold_ended" | "not_found") => {
            match when::holds_again(visiting, visit, &mut draft).await? {
                None => Ok(Next::Step(step)),
                Some(notice) => lost(visiting, &draft, notice).await,
            }
        }
        // The page says that there is no more time to give.
        Err(problem) if problem.code == "hold_not_extendable" => Ok(Next::Step(step)),
        Err(problem) => Err(problem),
    }
}
