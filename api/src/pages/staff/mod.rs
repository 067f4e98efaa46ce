//! The clinic's pages under `/staff`.
//!
//! | module | what it is for |
//! |---|---|
//! | [`frame`] | who is signed in, and what stands around every page |
//! | [`admin`] | setting up the clinic |
//! | [`session`] | signing in and out, invitations, the language |

mod admin;
pub(crate) mod frame;
mod session;

use crate::http::AppState;
use axum::Router;

pub(super) fn routes() -> Router<AppState> {
    Router::new().merge(session::routes()).merge(admin::routes())
}
