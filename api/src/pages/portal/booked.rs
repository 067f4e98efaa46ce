//! The confirmation, and what became of the appointment since: reloading the page shows how things stand.

use super::check::reason_words;
use super::draft::day_time;
use super::fields::Fields;
use super::service::modality;
use super::shell::Shell;
use super::{Next, Step, Visiting};
use crate::http::auth::LinkToken;
use crate::http::portal::manage;
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire::instant;
use crate::pages::render;
use crate::pages::text::Words;
use askama::Template;

#[derive(Template)]
#[template(path = "portal/booked.html")]
struct Page {
    w: Words,
    css: String,
    s: Shell,
    reference: String,
    /// Characters of the reference apart, for a screen reader to spell.
    spelled: String,
    cancelled: bool,
    lines: Vec<(String, Vec<String>)>,
    until: String,
    can_change: bool,
}

pub(super) async fn show(visiting: &Visiting) -> ApiResult<Next> {
    let visit = visiting.visit().await?;
    let draft = visiting.draft(&visit).await?;
    let Some(booked) = &draft.booked else { return Ok(Next::Step(Step::Service)) };
    let link = LinkToken::of_field(&booked.link).ok_or_else(Problem::not_found)?;
    let appointment = manage::current(visiting.app(), visiting.portal(), link).await?.body;
    let (w, s, clinic) = (visiting.words, visiting.shell(), visiting.found.clinic());
    let when = &appointment.when;
    let zone = w.zone(clinic.zone(), visiting.app.engine.now());
    let practitioner =
        [appointment.practitioner.name.clone(), w.of_text(&appointment.practitioner.profession).to_owned()];
    let lines = vec![
        (w.t("line-when"), vec![day_time(w, &when.date, &when.start_time), zone]),
        (
            w.t("line-service"),
            vec![
                w.of_text(&appointment.service).to_owned(),
                w.duration(when.duration_minutes),
                modality(w, appointment.modality),
            ],
        ),
        (w.t("line-practitioner"), practitioner.into_iter().filter(|text| !text.is_empty()).collect()),
        (w.t("line-reason"), reason_words(visiting, &draft)),
    ];
    let until = instant("can_change_until", &appointment.can_change_until)?;
    let page = Page {
        w,
        css: s.css.clone(),
        s,
        spelled: appointment.reference.chars().map(String::from).collect::<Vec<_>>().join(" "),
        reference: appointment.reference,
        cancelled: appointment.status == "cancelled",
        lines,
        until: w.moment(until, clinic.zone()),
        can_change: appointment.can_change,
    };
    render(&page).map(Next::Answer)
}

/// Another appointment in the same visit, or the end of it.
pub(super) async fn take(visiting: &mut Visiting, form: &Fields) -> ApiResult<Next> {
    if form.get("do") == "finish" {
        visiting.drops_visit();
        return Ok(Next::Step(Step::Start));
    }
    let visit = visiting.visit().await?;
    let draft = visiting.draft(&visit).await?;
    visiting.keep(&visit, &draft.next()).await?;
    Ok(Next::Step(Step::Service))
}
