//! What only the demo serves: the messages that would have been sent, as a page, and as JSON for programs. In any other
//! server there is no such address.

use super::AppState;
use super::problem::{ApiResult, Problem};
use super::wire::instant;
use crate::demo::PORTALS;
use crate::messages::shown::{DemoMessage, shown_messages};
use crate::pages::text::Words;
use crate::pages::{assets, render, trouble};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use booking_domain::ids::ClinicId;
use booking_domain::time::Tz;
use serde::Serialize;

/// Where the messages are.
pub(crate) const MESSAGES: &str = "/demo/messages";
/// Messages on a page.
const SHOWN: u32 = 50;

/// Routes of the demo.
pub(super) fn routes() -> Router<AppState> {
    Router::new().route(MESSAGES, get(messages))
}

/// The newest messages of the demo's clinics.
#[derive(Serialize)]
pub(crate) struct DemoMessages {
    /// The newest first.
    pub messages: Vec<DemoMessage>,
}

#[derive(Template)]
#[template(path = "demo_messages.html")]
struct Page {
    w: Words,
    css: String,
    look: String,
    address: &'static str,
    portals: Vec<(String, String)>,
    messages: Vec<Shown>,
}

/// A message as the page shows it.
struct Shown {
    kind: String,
    to: String,
    heading: String,
    language: String,
    /// The text, taken apart at its links.
    parts: Vec<(String, bool)>,
    calendar: Option<String>,
    sent_at: String,
    time: String,
}

/// A browser gets the page, a program what it is made from.
async fn messages(State(app): State<AppState>, headers: HeaderMap) -> ApiResult<Response> {
    let clinics: Vec<ClinicId> =
        PORTALS.iter().filter_map(|slug| app.views.clinics.by_slug(slug).map(|(id, _)| id)).collect();
    if clinics.is_empty() {
        return Err(Problem::not_found());
    }
    let messages = shown_messages(app.engine.vault(), &clinics, SHOWN).await?;
    let browser = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if !browser.is_some_and(|accept| accept.contains("text/html")) {
        return Ok(Json(DemoMessages { messages }).into_response());
    }
    let w = trouble::language(MESSAGES, &headers);
    let mut portals = Vec::new();
    let mut zone = Tz::UTC;
    for (slug, clinic) in PORTALS.iter().zip(&clinics) {
        let rules = app.engine.rules(*clinic).await?;
        let name = rules.state.registered.as_ref().map(|r| r.name.clone()).unwrap_or_default();
        portals.push((format!("/p/{slug}"), w.tv("demo-portal", &[("clinic", name)])));
        zone = rules.state.zone();
    }
    let shown = |message: DemoMessage| {
        let key = if message.channel == "sms" { "demo-by-sms" } else { "demo-by-email" };
        let time = instant("sent_at", &message.sent_at).map(|at| w.moment(at, zone)).unwrap_or_default();
        Shown {
            to: w.tv(key, &[("to", message.to)]),
            kind: message.kind,
            heading: message.heading,
            language: if message.language.is_empty() { w.code().to_owned() } else { message.language },
            parts: parts(&message.text),
            calendar: message.calendar,
            sent_at: message.sent_at,
            time,
        }
    };
    let messages = messages.into_iter().map(shown).collect();
    let (css, look) = (assets::address("base.css"), assets::address("portal.css"));
    render(&Page { w, css, look, address: MESSAGES, portals, messages })
}

/// A text taken apart at its links, so that they can be followed as in a mailbox.
fn parts(text: &str) -> Vec<(String, bool)> {
    let is_link = |word: &str| word.starts_with("http://") || word.starts_with("https://");
    let mut parts: Vec<(String, bool)> = Vec::new();
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        if is_link(word) {
            parts.push((word.to_owned(), true));
            parts.push((piece.get(word.len()..).unwrap_or_default().to_owned(), false));
        } else if let Some((last, false)) = parts.last_mut() {
            last.push_str(piece);
        } else {
            parts.push((piece.to_owned(), false));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_among_the_words_and_nothing_is_lost() {
        let text = "Voir :\nhttps://rv.example.ca/p/x/fr/manage#l_1\n\nMerci <b>";
        let found = parts(text);
        let links: Vec<&str> = found.iter().filter(|(_, link)| *link).map(|(text, _)| text.as_str()).collect();
        assert_eq!(links, ["https://rv.example.ca/p/x/fr/manage#l_1"]);
        assert_eq!(found.iter().map(|(text, _)| text.as_str()).collect::<String>(), text);
    }
}
