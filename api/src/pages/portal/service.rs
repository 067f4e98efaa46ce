//! What the appointment is for: one list of what this visitor may book. Who may book nothing is told so, in the same
//! words whether or not the clinic knows them.

use super::fields::{Fields, Wrong};
use super::shell::Shell;
use super::visiting::with_status;
use super::{Next, Step, Visiting};
use crate::http::portal::browse::{self, PublicService};
use crate::http::problem::ApiResult;
use crate::pages::render;
use crate::pages::text::Words;
use askama::Template;
use booking_domain::clinic::Clinic;
use booking_domain::ids::ServiceId;
use std::collections::BTreeSet;
use uuid::Uuid;

#[derive(Template)]
#[template(path = "portal/service.html")]
struct Page<'a> {
    w: Words,
    css: String,
    s: Shell,
    services: Vec<Choice>,
    wrong: &'a Wrong,
    /// A code may open more. Whether it would, nobody is told before it is returned.
    code: bool,
}

struct Choice {
    id: Uuid,
    name: String,
    description: String,
    /// Duration and how it takes place, as far as they are the same for all its times.
    facts: Vec<String>,
    chosen: bool,
}

pub(super) async fn show(visiting: &Visiting) -> ApiResult<Next> {
    page(visiting, &Wrong::default()).await
}

async fn page(visiting: &Visiting, wrong: &Wrong) -> ApiResult<Next> {
    let visit = visiting.visit().await?;
    let draft = visiting.draft(&visit).await?;
    if draft.booked.is_some() {
        return Ok(Next::Step(Step::Booked));
    }
    let listed = services(visiting).await?;
    let (w, s) = (visiting.words, visiting.shell());
    let choice = |service: &PublicService| Choice {
        id: service.id,
        name: w.of_text(&service.name).to_owned(),
        description: w.of_text(&service.description).to_owned(),
        facts: facts(visiting.found.clinic(), w, service.id),
        chosen: draft.service == Some(service.id),
    };
    let services = listed.services.iter().map(choice).collect();
    let code = visiting.may_return_code(&visit).await?;
    let page = render(&Page { w, css: s.css.clone(), s, services, wrong, code })?;
    Ok(Next::Answer(if wrong.is_empty() { page } else { with_status(page, 422) }))
}

/// What this visitor may book.
async fn services(visiting: &Visiting) -> ApiResult<browse::Services> {
    let headers = visiting.headers.clone();
    Ok(browse::services(visiting.app(), visiting.peer(), headers, visiting.portal(), visiting.visitor()).await?.0)
}

/// What a service's activities say to patients: how long, and where.
pub(super) fn facts(clinic: &Clinic, words: Words, service: Uuid) -> Vec<String> {
    let Some(service) = clinic.services.get(&ServiceId(service)) else { return vec![] };
    let activities = service.config.activities.iter().filter_map(|id| clinic.activities.get(id));
    let activities: Vec<_> = activities.collect();
    let minutes: BTreeSet<u16> = activities.iter().map(|a| a.duration_minutes).collect();
    let modalities: BTreeSet<&str> = activities.iter().map(|a| a.modality.name()).collect();
    let mut facts = Vec::new();
    if let [Some(shortest), Some(longest)] = [minutes.first(), minutes.last()] {
        let (from, to) = (words.duration((*shortest).into()), words.duration((*longest).into()));
        let same = shortest == longest;
        facts.push(if same { from } else { words.tv("duration-between", &[("from", from), ("to", to)]) });
    }
    facts.extend(modalities.into_iter().map(|name| modality(words, name)));
    facts
}

/// How an appointment takes place.
pub(super) fn modality(words: Words, name: &str) -> String {
    match name {
        "video" => words.t("modality-video"),
        "telephone" => words.t("modality-telephone"),
        "home_visit" => words.t("modality-home-visit"),
        _ => words.t("modality-in-person"),
    }
}

pub(super) async fn take(visiting: &mut Visiting, form: &Fields) -> ApiResult<Next> {
    let visit = visiting.visit().await?;
    let mut draft = visiting.draft(&visit).await?;
    if draft.booked.is_some() {
        return Ok(Next::Step(Step::Booked));
    }
    let listed = services(visiting).await?;
    let chosen = form.get("service").parse::<Uuid>().ok();
    let Some(service) = listed.services.iter().map(|s| s.id).find(|id| Some(*id) == chosen) else {
        let first = if listed.services.is_empty() { "main" } else { "service-1" };
        let wrong = Wrong::one(first, visiting.words.t("wrong-service"));
        return page(visiting, &wrong).await;
    };
    if draft.service != Some(service) {
        super::when::release(visiting, &draft).await;
        draft = draft.without_time();
        draft.service = Some(service);
        draft.filters = super::draft::Filters::default();
        (draft.reason, draft.reason_text) = (None, String::new());
    }
    visiting.keep(&visit, &draft).await?;
    Ok(Next::Step(Step::When))
}
