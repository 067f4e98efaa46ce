//! The confirmation, and what became of the appointment since: reloading the page shows how things stand.

use super::calendar::Download;
use super::check::reason_words;
use super::draft::day_time;
use super::fields::Fields;
use super::service::modality;
use super::shell::Shell;
use super::{Next, Step, Visiting};
use crate::http::auth::LinkToken;
use crate::http::portal::book::PublicAppointment;
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
    facts: Facts,
    cancelled: bool,
    can_change: bool,
    calendar: Download,
}

/// What pages say of an appointment.
pub(super) struct Facts {
    pub(super) reference: String,
    /// Characters of the reference apart, for a screen reader to spell.
    pub(super) spelled: String,
    /// "mardi 24 novembre, 9 h 30".
    pub(super) day_time: String,
    /// Until when it may be changed online.
    pub(super) until: String,
    pub(super) lines: Vec<(String, Vec<String>)>,
}

impl Facts {
    pub(super) fn of(visiting: &Visiting, appointment: &PublicAppointment) -> ApiResult<Self> {
        let (w, zone, when) = (visiting.words, visiting.found.clinic().zone(), &appointment.when);
        let day_time = day_time(w, &when.date, &when.start_time);
        let until = instant("can_change_until", &appointment.can_change_until)?;
        let start = instant("start", &when.start)?;
        let how = format!("{} · {}", w.duration(when.duration_minutes), modality(w, appointment.modality));
        let what = [w.of_text(&appointment.service).to_owned(), how];
        let practitioner = &appointment.practitioner;
        let with = [practitioner.name.clone(), w.of_text(&practitioner.profession).to_owned()];
        let said = |texts: Vec<String>| texts.into_iter().filter(|text| !text.is_empty()).collect();
        Ok(Self {
            spelled: appointment.reference.chars().map(String::from).collect::<Vec<_>>().join(" "),
            reference: appointment.reference.clone(),
            until: w.moment(until, zone),
            lines: vec![
                (w.t("line-when"), vec![day_time.clone(), w.zone(zone, start)]),
                (w.t("line-service"), said(what.to_vec())),
                (w.t("line-practitioner"), said(with.to_vec())),
            ],
            day_time,
        })
    }
}

pub(super) async fn show(visiting: &Visiting) -> ApiResult<Next> {
    let visit = visiting.visit().await?;
    let draft = visiting.draft(&visit).await?;
    let Some(booked) = &draft.booked else { return Ok(Next::Step(Step::Service)) };
    let link = LinkToken::of_field(&booked.link).ok_or_else(Problem::not_found)?;
    let appointment = manage::current(visiting.app(), visiting.portal(), link).await?.body;
    let (w, s) = (visiting.words, visiting.shell());
    let mut facts = Facts::of(visiting, &appointment)?;
    facts.lines.push((w.t("line-reason"), reason_words(visiting, &draft)));
    let (cancelled, can_change) = (appointment.status == "cancelled", appointment.can_change);
    let calendar = s.download(Step::Booked);
    render(&Page { w, css: s.css.clone(), s, facts, cancelled, can_change, calendar }).map(Next::Answer)
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
