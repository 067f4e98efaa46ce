//! The page that says what went wrong and how to go on, for every refusal that no page of its own explains.

use super::assets;
use super::text::Words;
use crate::http::problem::Problem;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use booking_domain::values::Language;

#[derive(askama::Template)]
#[template(path = "trouble.html")]
struct Trouble<'a> {
    w: Words,
    css: String,
    title: String,
    explanation: String,
    request_id: Option<&'a str>,
}

/// The problem as a page, in the language of the request.
pub fn page(problem: &Problem, words: Words) -> Response {
    let (title, explanation) = words_for(problem.status, words);
    let template = Trouble {
        w: words,
        css: assets::address("base.css"),
        title,
        explanation,
        request_id: problem.request_id.as_deref(),
    };
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let html = askama::Template::render(&template).unwrap_or_else(|_| words.t("trouble-ours"));
    let mut response = (status, Html(html)).into_response();
    if let Some(seconds) = problem.when_to_retry() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// What went wrong and how to go on, by the status.
pub(super) fn words_for(status: u16, words: Words) -> (String, String) {
    match status {
        400 | 415 | 422 => (words.t("trouble-form"), words.t("trouble-form-how")),
        401 => (words.t("trouble-signed-out"), words.t("trouble-signed-out-how")),
        403 => (words.t("trouble-foreign"), words.t("trouble-foreign-how")),
        404 | 405 => (words.t("trouble-nothing"), words.t("trouble-nothing-how")),
        409 | 410 | 412 | 428 => (words.t("trouble-changed"), words.t("trouble-changed-how")),
        413 => (words.t("trouble-large"), words.t("trouble-large-how")),
        429 => (words.t("trouble-busy"), words.t("trouble-busy-how")),
        503 => (words.t("trouble-later"), words.t("trouble-later-how")),
        _ => (words.t("trouble-ours"), words.t("trouble-ours-how")),
    }
}

/// The language of a request: of a page of the staff or the audit the one that was chosen there, else the one in its path, else the one that
/// the browser prefers, else French.
pub fn language(path: &str, headers: &HeaderMap) -> Words {
    if path.starts_with("/staff") || path.starts_with("/audit") {
        let chosen = super::cookie::read(headers, super::cookie::LANGUAGE).and_then(Language::from_name);
        return Words::of(chosen.or_else(|| preferred(headers)).unwrap_or(Language::Fr));
    }
    if let Some(language) = path.split('/').skip(3).take(2).find_map(Language::from_name) {
        return Words::of(language);
    }
    Words::of(preferred(headers).unwrap_or(Language::Fr))
}

/// The first of the browser's languages that we speak. Browsers list them in order of preference.
pub fn preferred(headers: &HeaderMap) -> Option<Language> {
    let list = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    list.split(',').find_map(|item| Language::from_name(item.trim().get(..2)?))
}
