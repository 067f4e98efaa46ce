//! What one node does for all that share a vault: signing checkpoints, sending messages, keeping house.
//!
//! A node asks for the lease of a duty before each piece of it; who has it goes on, the others look again later. When a
//! node dies, another has its duties after [`LASTS`]; when it stops in order, at once. See `engine/src/vault/leases.rs`
//! for what a node that slept through the end of its lease can still do: nothing that counts.

use booking_engine::Engine;
use booking_engine::vault::{Lease, VaultError};
use std::time::Duration;

/// How long a duty is a node's that does not say so again.
pub const LASTS: Duration = Duration::from_secs(15);

/// Something that one node does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Duty {
    /// Signing the ledger's checkpoints.
    Checkpoints,
    /// Following the log for notices, and sending what waits in the outbox.
    Messages,
    /// Unfinished moves, what is old, what was left of an erasure.
    Housekeeping,
}

impl Duty {
    /// Its name in the vault.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Checkpoints => "checkpoints",
            Self::Messages => "messages",
            Self::Housekeeping => "housekeeping",
        }
    }
}

/// The lease of a duty, if it is this node's.
pub async fn lease(engine: &Engine, duty: Duty) -> Result<Option<Lease>, VaultError> {
    engine.vault().lease(duty.name(), LASTS).await
}

/// Whether a duty is this node's. A vault that does not answer says no: whoever has it goes on.
pub async fn is_ours(engine: &Engine, duty: Duty) -> bool {
    match lease(engine, duty).await {
        Ok(lease) => lease.is_some(),
        Err(error) => {
            tracing::warn!(%error, duty = duty.name(), "who has this duty is not known; it waits");
            false
        }
    }
}
