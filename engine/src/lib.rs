//! Commands: load, decide, append, retry.
//!
//! The engine stands between the edge (HTTP, command line) and the log. Every door goes through the same command
//! path, [`transact`](Engine): fold the stream, ask the domain, append at the exact revision. It also keeps the
//! [`vault`]: keys, visits, credentials, everything that may be deleted.
//!
//! | module | what it is for |
//! |---|---|
//! | `context`, `clock`, `folds`, `transact` | the one command path |
//! | `clinic`, `schedule` (with `drafts`), `booking`, `appointments`, `moving`, `patients`, `members`, `erasure` | commands, one method each |
//! | `viewer`, `quota` | facts that a decision needs from other streams |
//! | `sweep` | process managers: what finishes or ends unfinished moves |
//! | `access` | who saw whose data, on the disk before they see it |
//! | `notices` | who has to be told what about an appointment |
//! | `vault` | keys, visits, credentials, idempotency rows, the outbox |

pub mod vault;

mod access;
mod appointments;
mod booking;
mod clinic;
mod clock;
mod context;
mod drafts;
mod erasure;
mod folds;
mod members;
mod moving;
mod notices;
mod patients;
mod quota;
mod schedule;
mod seal;
mod statistics;
mod sweep;
mod transact;
mod viewer;

pub use access::{AccessLog, NotRecorded};
pub use appointments::*;
pub use booking::*;
pub use clinic::*;
pub use clock::{Clock, ManualClock, SystemClock};
pub use context::{Actor, Context, TraceParent, command_id};
pub use drafts::*;
pub use members::*;
pub use moving::*;
pub use notices::*;
pub use patients::*;
pub use seal::*;
pub use statistics::EngineStatistics;
pub use transact::{Committed, Failure, Outcome};
pub use viewer::*;

use booking_domain::ids::{ClinicId, CommandId};
use booking_store::EventStore;
use dashmap::DashSet;
use std::sync::{Arc, PoisonError, RwLock};
use vault::{Entropy, Vault};

/// How an engine runs.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// Commands on one stream take turns. Off: they race, and the expected revision alone decides; slower, as right.
    pub gate: bool,
    /// A channel for messages is set up, so that codes can be sent.
    pub message_channel: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { gate: true, message_channel: false }
    }
}

/// Runs commands against one log and one vault.
pub struct Engine {
    log: Arc<dyn EventStore>,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    options: EngineOptions,
    folds: folds::Folds,
    running: Arc<DashSet<CommandId>>,
    standstill: RwLock<Option<String>>,
    clock_off: std::sync::atomic::AtomicBool,
    administrators: tokio::sync::Mutex<()>,
    counters: statistics::Counters,
}

impl Engine {
    /// An engine on these stores.
    pub fn new(
        log: Arc<dyn EventStore>,
        vault: Arc<Vault>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        options: EngineOptions,
    ) -> Self {
        Self {
            log,
            vault,
            clock,
            entropy,
            options,
            folds: folds::Folds::new(),
            running: Arc::new(DashSet::new()),
            standstill: RwLock::default(),
            clock_off: std::sync::atomic::AtomicBool::new(false),
            administrators: tokio::sync::Mutex::new(()),
            counters: statistics::Counters::default(),
        }
    }

    /// The log.
    pub fn log(&self) -> &Arc<dyn EventStore> {
        &self.log
    }
    /// The vault.
    pub fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }
    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
    /// Random bytes.
    pub fn entropy(&self) -> &Arc<dyn Entropy> {
        &self.entropy
    }
    /// A command id for a request without an idempotency key.
    pub fn fresh_command(&self) -> CommandId {
        let mut bytes = vault::draw::<16>(&*self.entropy);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        CommandId::from_bytes(bytes)
    }
    /// A random clinic id.
    pub fn fresh_clinic(&self) -> ClinicId {
        ClinicId(self.fresh_command().0)
    }

    /// Takes no command from now on, for this reason; none: takes them again. What only reads or observes goes on.
    pub fn refuse_commands(&self, why: Option<String>) {
        *self.standstill.write().unwrap_or_else(PoisonError::into_inner) = why;
    }
    /// Why no command is taken; none: they are.
    pub fn standstill(&self) -> Option<String> {
        self.standstill.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says whether this node's clock is off, against those of its peers: then it takes no command.
    pub fn clock_is_off(&self, off: bool) {
        self.clock_off.store(off, std::sync::atomic::Ordering::Release);
    }
    /// Whether this node's clock is off.
    pub fn is_clock_off(&self) -> bool {
        self.clock_off.load(std::sync::atomic::Ordering::Acquire)
    }

    /// Marks a command as running on this node until the guard is dropped; none if it is running already.
    pub fn start(&self, command: CommandId) -> Option<Running> {
        self.running.insert(command).then(|| Running { command, running: Arc::clone(&self.running) })
    }
}

/// A command that is being worked on.
pub struct Running {
    command: CommandId,
    running: Arc<DashSet<CommandId>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.running.remove(&self.command);
    }
}
