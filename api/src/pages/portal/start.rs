//! The first page, and the pages that a visitor cannot go past: booking is closed, nothing is open, the visit ended.

use super::shell::Shell;
use super::visiting::with_status;
use super::{Next, Visiting};
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire::Text;
use crate::pages::text::Words;
use crate::pages::{render, trouble as general};
use askama::Template;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use booking_domain::clinic::Clinic;
use booking_domain::time::Instant;
use booking_domain::visibility::{ViewerFacts, is_listed};
use booking_projections::availability::Online;

#[derive(Template)]
#[template(path = "portal/start.html")]
struct Start {
    w: Words,
    css: String,
    s: Shell,
    notice: String,
    services: Vec<Listed>,
    nothing_open: bool,
    /// When the next times are published, if nothing is and the clinic chose to say so; else empty.
    next_release: String,
    /// The demo's messages.
    demo: Option<&'static str>,
}

/// A service that everybody may book.
struct Listed {
    name: String,
    description: String,
}

#[derive(Template)]
#[template(path = "portal/closed.html")]
struct Closed {
    w: Words,
    css: String,
    s: Shell,
}

#[derive(Template)]
#[template(path = "portal/trouble.html")]
struct Trouble {
    w: Words,
    css: String,
    s: Shell,
    title: String,
    explanation: String,
    /// Starting again helps.
    start: bool,
}

pub(super) fn show(visiting: &Visiting) -> ApiResult<Next> {
    let (clinic, w, now) = (visiting.found.clinic(), visiting.words, visiting.app.engine.now());
    let s = visiting.shell();
    let notice = clinic.portal.config.as_ref().map(|c| Text::from(&c.notice)).unwrap_or_default();
    let online = visiting.app.views.availability.online(clinic, now);
    let announces = clinic.portal.config.as_ref().is_some_and(|c| c.announce_next_release);
    let next_release = match online {
        Online::From(at) if announces => w.moment(at, clinic.zone()),
        _ => String::new(),
    };
    let nothing_open = online != Online::Now;
    let services = listed(clinic, w, now);
    let notice = w.of_text(&notice).to_owned();
    let demo = visiting.app.messages.are_shown().then_some(crate::http::demo::MESSAGES);
    render(&Start { w, css: s.css.clone(), s, notice, services, nothing_open, next_release, demo }).map(Next::Answer)
}

/// What everybody may book: no more than a stranger's own list would say.
fn listed(clinic: &Clinic, words: Words, now: Instant) -> Vec<Listed> {
    let viewer = ViewerFacts::unrecognized(None);
    let open = clinic.services.values().filter(|s| is_listed(clinic, s, &viewer, now));
    let mut services: Vec<Listed> = open
        .map(|service| Listed {
            name: words.either(&service.config.public_name.fr, &service.config.public_name.en).to_owned(),
            description: words.either(&service.config.description.fr, &service.config.description.en).to_owned(),
        })
        .collect();
    services.sort_by(|a, b| a.name.cmp(&b.name));
    services
}

/// A problem as a page of this portal, with a way on.
pub(super) fn trouble(visiting: &Visiting, problem: &Problem) -> Response {
    let (w, s) = (visiting.words, visiting.shell());
    let css = s.css.clone();
    let rendered = if problem.code == "portal_off" {
        render(&Closed { w, css, s })
    } else {
        let (title, explanation) = match problem.status {
            401 => (w.t("ended-title"), w.t("ended-how")),
            404 => (w.t("trouble-nothing"), w.t("trouble-nothing-how")),
            _ => general::words_for(problem.status, w),
        };
        let start = matches!(problem.status, 401 | 404 | 409 | 410 | 422);
        render(&Trouble { w, css, s, title, explanation, start }).map(|page| with_status(page, problem.status))
    };
    match rendered {
        Ok(mut page) => {
            if let Some(seconds) = problem.when_to_retry() {
                page.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            page
        }
        Err(problem) => general::page(&problem, w),
    }
}
