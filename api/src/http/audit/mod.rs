//! What happened: events, the agenda as it was, histories, who saw whose data, and the log as a feed.
//!
//! Whoever reads here sees no names: what is sealed stays sealed, people are opaque ids. `day` and `replay` are
//! shared with the staff's own pages, so that the past is shown by the same code as the present.

pub(crate) mod access;
pub(crate) mod day;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod feed;
pub(crate) mod history;
pub(crate) mod ledger;
pub(crate) mod names;
pub(crate) mod past;
pub(crate) mod patient;
mod reasons;
pub(crate) mod replay;
pub(crate) mod rules;
pub(crate) mod search;
pub(crate) mod sentences;
pub(crate) mod slot;
pub(crate) mod tales;
pub(crate) mod travel;

use super::AppState;
use utoipa_axum::router::OpenApiRouter;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(events::routes())
        .merge(search::routes())
        .merge(history::routes())
        .merge(slot::routes())
        .merge(patient::routes())
        .merge(rules::routes())
        .merge(replay::routes())
        .merge(travel::routes())
        .merge(explain::routes())
        .merge(access::routes())
        .merge(feed::routes())
        .merge(ledger::routes())
}
