//! The audit under `/audit`: what happened, who did it, what was visible to whom, and the proof of it.
//!
//! Its reader answers for others: an auditor, or an administrator who is asked "why". Names of patients are on none of
//! these pages. A page that opens what is one person's asks first why it is opened ([`reason`]), and what it opens is
//! recorded with that reason before it is shown. Every page is its API function's answer in words.
//!
//! | file | page |
//! |---|---|
//! | `search` | from a reference, an id, a date or a name of staff to the thing |
//! | `appointment`, `slot`, `patient`, `rules` | histories in sentences, each line with its proof |
//! | `seen`, `explain` | what a visitor saw at a moment, and why |
//! | `events` | everything in the order of the log; one event with its proof, step by step |
//! | `access`, `erasures`, `ledger` | who saw whose data; who was forgotten; how the ledger stands |
//! | `then`, `lines`, `reason` | the moment that is shown; lines of a history; why somebody looks |
//!
//! The agenda of the past is `agenda::past`, beside the agenda of now.

mod access;
mod appointment;
mod erasures;
mod events;
mod explain;
mod ledger;
mod lines;
mod patient;
mod reason;
mod rules;
mod search;
mod seen;
mod slot;
mod then;
mod viewer;

pub(super) use then::{Slider, Then, read};

use crate::http::AppState;
use crate::http::auth::AUDIT;
use crate::http::problem::ApiResult;
use crate::pages::assets;
use crate::pages::staff::frame::{Frame, Section, SignedIn};
use crate::pages::text::Words;
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/staff/audit", get(|| async { Redirect::permanent("/audit") }))
        .merge(search::routes())
        .merge(appointment::routes())
        .merge(slot::routes())
        .merge(patient::routes())
        .merge(rules::routes())
        .merge(seen::routes())
        .merge(explain::routes())
        .merge(events::routes())
        .merge(access::routes())
        .merge(erasures::routes())
        .merge(ledger::routes())
}

/// What stands around every page of the audit.
pub(super) struct Hall {
    pub(super) w: Words,
    pub(super) frame: Frame,
    /// The entry of the navigation that is this page.
    pub(in crate::pages::staff) here: &'static str,
}

impl Hall {
    /// Around a page of this entry.
    pub(super) async fn new(app: &AppState, signed: &SignedIn, here: &'static str) -> ApiResult<Self> {
        // Whoever works at the desk looks at the past from the agenda, and stays there in the navigation.
        let section = if signed.may(AUDIT) { Section::Audit } else { Section::Agenda };
        Ok(Self { w: signed.w, frame: Frame::new(app, signed, section).await?, here })
    }
    /// The entries of the navigation: id, address, label.
    pub(in crate::pages::staff) fn entries(&self) -> Vec<(&'static str, &'static str, String)> {
        let w = self.w;
        let everybody = [
            ("agenda", "/audit/agenda", w.t("past-title")),
            ("seen", "/audit/seen", w.t("audit-seen")),
            ("explain", "/audit/explain", w.t("audit-explain")),
        ];
        if !self.frame.audits() {
            return everybody.into();
        }
        let first = [("search", "/audit", w.t("audit-search"))];
        let more = [
            ("rules", "/audit/rules", w.t("audit-rules")),
            ("events", "/audit/events", w.t("audit-events")),
            ("access", "/audit/access", w.t("audit-access")),
            ("erasures", "/audit/erasures", w.t("audit-erasures")),
            ("ledger", "/audit/ledger", w.t("audit-ledger")),
        ];
        first.into_iter().chain(everybody).chain(more).collect()
    }
    pub(in crate::pages::staff) fn css() -> String {
        assets::address("admin.css")
    }
}

/// Lets templates say `w`, `frame` and what is in the hall as if it were their page's own.
macro_rules! in_hall {
    ($($name:ty),+) => {$(
        impl std::ops::Deref for $name {
            type Target = $crate::pages::staff::audit::Hall;
            fn deref(&self) -> &Self::Target {
                &self.hall
            }
        }
    )+};
}
pub(super) use in_hall;
