//! Notices: who has to be told what about an appointment, and when.
//!
//! Three steps, kept apart. The reactor ([`Engine::follow_log`]) follows the log and puts intents into the outbox; it
//! is no projection, and a rebuild sends nothing. When an intent's time has come, [`Engine::notice`] folds the
//! appointment's own history and [`due`] says what its patient has to be told now, if anything. Whoever sends it
//! records the outcome in the vault.

mod due;
mod history;
mod reactor;

pub use due::{Due, Fingerprint, due};
pub use history::{AppointmentHistory, Reach, ReachError, Unreachable};
pub use reactor::{NOTICES, ReactorError};
