//! Who changed something in the meantime, and when: what every page says whose form was out of date.

use super::frame::SignedIn;
use crate::http::AppState;
use crate::http::auth::Principal;
use crate::http::problem::{ApiResult, Problem};
use crate::pages::text::Words;
use booking_domain::ids::{ClinicId, MemberId};
use booking_domain::stream::StreamName;
use booking_events::Actor;
use booking_store::fold::metadata_of;

/// The name of a member of this clinic, if there is one to tell.
pub(super) async fn member_name(app: &AppState, clinic: ClinicId, id: MemberId) -> ApiResult<Option<String>> {
    let member = app.engine.member(id).await?;
    Ok(match &member.state.added {
        Some(added) if added.clinic == clinic => {
            app.engine.open_staff(clinic, id, &added.identity).await?.map(|identity| identity.name)
        }
        _ => None,
    })
}

/// "Changed by Ada Gagnon on …": who caused the event of this revision, and when.
pub(super) async fn changed_by(
    app: &AppState,
    principal: &Principal,
    w: Words,
    stream: &StreamName,
    revision: u64,
) -> ApiResult<String> {
    let events = app.log().read_stream(stream, revision, 1).await?;
    let Some(event) = events.first() else {
        return Ok(w.t("stale-somebody"));
    };
    let metadata = metadata_of(event)?;
    let who = match metadata.actor {
        Actor::Staff(member) => {
            let name = member_name(app, principal.clinic, member).await?;
            name.unwrap_or_else(|| w.t("actor-staff"))
        }
        Actor::Token(_) => w.t("actor-token"),
        Actor::Operator => w.t("actor-operator"),
        Actor::Visit(_) | Actor::Link(_) => w.t("actor-patient"),
        _ => w.t("actor-system"),
    };
    let zone = app.engine.rules(principal.clinic).await?.state.zone();
    let when = w.moment(metadata.occurred_at, zone);
    Ok(w.tv("stale-changed", &[("who", who.as_str()), ("when", when.as_str())]))
}

/// The same of a form that a problem refused; none: it was not out of date.
pub(super) async fn changed_since(
    app: &AppState,
    signed: &SignedIn,
    stream: &StreamName,
    problem: Option<&Problem>,
) -> ApiResult<Option<String>> {
    let Some(revision) = problem.filter(|problem| problem.code == "stale").and_then(|p| p.current_revision) else {
        return Ok(None);
    };
    changed_by(app, &signed.principal, signed.w, stream, revision).await.map(Some)
}
