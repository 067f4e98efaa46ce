//! Names of members of staff, each opened once for an answer. An audit says who; patients have no names here.

use super::events::AuditActor;
use crate::http::AppState;
use crate::http::problem::ApiResult;
use booking_domain::ids::{ClinicId, MemberId};
use booking_events::Actor;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The names of a clinic's members and machines.
pub(crate) struct Names<'a> {
    app: &'a AppState,
    clinic: ClinicId,
    known: Mutex<HashMap<MemberId, Option<String>>>,
}

impl<'a> Names<'a> {
    /// Of this clinic.
    pub(crate) fn of(app: &'a AppState, clinic: ClinicId) -> Self {
        Self { app, clinic, known: Mutex::default() }
    }

    /// A member's name, a machine's label; none: of another clinic, or not to be opened any more.
    pub(crate) async fn name(&self, member: MemberId) -> ApiResult<Option<String>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&member).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let folded = self.app.engine.member(member).await?;
        let identity = match folded.state.added.as_ref().filter(|added| added.clinic == self.clinic) {
            Some(added) => self.app.engine.open_staff(self.clinic, member, &added.identity).await?,
            None => None,
        };
        let name = identity.map(|identity| identity.name);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(member, name.clone());
        Ok(name)
    }

    /// Who did something, with the name.
    pub(crate) async fn actor(&self, actor: Actor) -> ApiResult<AuditActor> {
        let name = match actor {
            Actor::Staff(member) | Actor::Token(member) => self.name(member).await?,
            _ => None,
        };
        Ok(AuditActor { name, ..actor.into() })
    }
}
