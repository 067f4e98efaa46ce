//! Why somebody opens what is one person's: asked before it is opened, kept in the record of who saw whose data.
//!
//! A reason is one of the words that the API takes as `Booking-Purpose`; it stands in the address as `why`, so that steps
//! through one person's past are asked for once. Nobody's data is read before it is there.

use super::Hall;
use super::then::read;
use crate::http::AppState;
use crate::http::problem::ApiResult;
use crate::pages::render;
use crate::pages::staff::frame::SignedIn;
use crate::pages::text::Words;
use axum::http::Uri;
use axum::response::Response;
use booking_domain::access::{PURPOSES, purpose};
use serde::Deserialize;

/// The parameter that names the reason.
pub(super) const WHY: &str = "why";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    why: String,
}

/// The reason of an address, put where the API looks for it; false: none is given yet.
pub(super) fn given(signed: &mut SignedIn) -> bool {
    let asked: Asked = read(query(&signed.here));
    signed.principal.purpose = purpose(&asked.why);
    signed.principal.purpose.is_some()
}

/// The reason of a request that was let pass, for links.
pub(super) fn kept(signed: &SignedIn) -> (String, String) {
    (WHY.to_owned(), signed.principal.purpose.unwrap_or_default().to_owned())
}

fn query(here: &str) -> Option<&str> {
    here.split_once('?').map(|(_, query)| query)
}

/// A reason to choose.
struct Choice {
    word: &'static str,
    words: String,
}

#[derive(askama::Template)]
#[template(path = "staff/audit/reason.html")]
struct Page {
    hall: Hall,
    /// What is about to be opened.
    what: String,
    action: String,
    kept: Vec<(String, String)>,
    choices: Vec<Choice>,
}
super::in_hall!(Page);

/// The page that asks for the reason and then leads on to where the request went.
pub(super) async fn ask(app: &AppState, signed: &SignedIn, here: &'static str, what: String) -> ApiResult<Response> {
    let (w, uri) = (signed.w, signed.here.parse::<Uri>().unwrap_or_default());
    let kept: Vec<(String, String)> = read(uri.query());
    render(&Page {
        hall: Hall::new(app, signed, here).await?,
        what,
        action: uri.path().to_owned(),
        kept: kept.into_iter().filter(|(name, _)| name != WHY).collect(),
        choices: PURPOSES.into_iter().map(|word| Choice { word, words: words(w, word) }).collect(),
    })
}

/// A reason in words.
pub(super) fn words(w: Words, purpose: &str) -> String {
    match purpose {
        "care" => w.t("why-care"),
        "booking" => w.t("why-booking"),
        "identification" => w.t("why-identification"),
        "patient_request" => w.t("why-patient-request"),
        "complaint" => w.t("why-complaint"),
        "audit" => w.t("why-audit"),
        "support" => w.t("why-support"),
        "role" => w.t("why-not-role"),
        "clinic" => w.t("why-not-clinic"),
        "not_found" => w.t("why-not-found"),
        _ => w.t("why-unknown"),
    }
}
