//! Who asks for what, when, and under which command id: handed to every command.

use booking_domain::ids::{ClinicId, CommandId};
use booking_domain::time::Instant;
pub use booking_events::{Actor, TraceParent};
use uuid::Uuid;

/// The frame of one command.
#[derive(Clone, Debug)]
pub struct Context {
    /// The clinic that the caller was admitted to.
    pub clinic: ClinicId,
    /// Who acts.
    pub actor: Actor,
    /// The command; a retry has the same.
    pub command: CommandId,
    /// When the request arrived.
    pub received_at: Instant,
    /// Keyed hash of the request's body, when the caller gave an idempotency key.
    pub body_hash: Option<[u8; 32]>,
    /// W3C trace context, if the caller sent one.
    pub traceparent: Option<TraceParent>,
}

impl Context {
    /// An id that belongs to this command and is found again by its retry.
    #[must_use]
    pub fn id(&self, purpose: &str) -> Uuid {
        Uuid::new_v5(&self.command.0, purpose.as_bytes())
    }
}

/// The command id of a request with an idempotency key: the same key of the same caller on the same route.
#[must_use]
pub fn command_id(clinic: ClinicId, principal: &str, route: &str, key: &str) -> CommandId {
    // Parts are told apart by their lengths, so that no two different requests share an id.
    let mut name = Vec::with_capacity(96 + key.len());
    for part in [principal, route, key] {
        name.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        name.extend_from_slice(part.as_bytes());
    }
    CommandId(Uuid::new_v5(&clinic.0, &name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_caller_route_or_key_is_another_command() {
        let clinic = ClinicId::from_bytes([1; 16]);
        let id = |p, r, k| command_id(clinic, p, r, k);
        assert_eq!(id("visit:a", "book", "k"), id("visit:a", "book", "k"));
        assert_ne!(id("visit:a", "book", "k"), id("visit:b", "book", "k"));
        assert_ne!(id("visit:a", "book", "k"), id("visit:a", "hold", "k"));
        assert_ne!(id("ab", "c", "k"), id("a", "bc", "k"));
    }
}
