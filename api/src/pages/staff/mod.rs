//! The clinic's pages under `/staff`, and the audit's under `/audit`.
//!
//! | module | what it is for |
//! |---|---|
//! | [`frame`] | who is signed in, and what stands around every page |
//! | [`admin`] | setting up the clinic |
//! | [`session`] | signing in and out, invitations, the language |
//! | [`agenda`] | day, week and list |
//! | [`appointments`] | one appointment: its facts and history, and everything that may be done with it |
//! | [`audit`] | what happened, under `/audit` |
//! | [`slots`] | one slot, many, templates, why it is (not) online |
//! | [`identify`], [`patients`] | who somebody is; records |
//! | [`picker`] | a record is searched for, then chosen |
//! | [`undelivered`] | whom to call, since no message arrived |
//! | [`changed`] | who changed something in the meantime |
//! | [`live`] | what happens, as it happens |
//! | [`words`] | words for what the API names |

mod admin;
mod agenda;
mod appointments;
mod audit;
mod changed;
pub(crate) mod frame;
mod identify;
mod live;
mod patients;
mod picker;
mod session;
mod slots;
mod undelivered;
mod words;

use crate::http::AppState;
use axum::Router;
use words::notice;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .merge(session::routes())
        .merge(admin::routes())
        .merge(agenda::routes())
        .merge(appointments::routes())
        .merge(audit::routes())
        .merge(live::routes())
        .merge(identify::routes())
        .merge(patients::routes())
        .merge(slots::routes())
        .merge(undelivered::routes())
}
