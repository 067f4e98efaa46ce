//! Read models, and the runners that feed them.
//!
//! A projection reads the log in order and keeps rows that answer questions the log cannot. Losing them loses
//! nothing: `clinic-booking rebuild` makes them again. Every projection runs by itself; what stops one stops no other.
//!
//! - [`Views`] is all of them together: open, start, ask, close.
//! - [`View`] is what a read model says about itself, [`Runner`] feeds one, [`Runner::rebuild`] makes one again while
//!   it is read.
//! - [`availability`], [`clinics`] and [`directory`] answer from memory; [`agenda`], [`appointments`], [`demand`],
//!   [`ledger`], [`access`] and [`erasures`] from the file.
//!
//! What holds throughout:
//!
//! 1. Rows and checkpoint move in one transaction, from the place where the runner believes it to be.
//! 2. An event that cannot be read or applied stops its projection there, loudly; only an operator leaves it out.
//! 3. Who may see an availability is asked of `booking_domain::visibility`, never decided here.
//! 4. Personal data is sealed in the file, and in memory has a `Debug` that shows nothing.
//! 5. No clock is read but for health: `now` is a parameter.

pub mod access;
pub mod agenda;
mod apply;
pub mod appointments;
pub mod availability;
mod background;
mod checkpoint;
pub mod clinics;
pub mod demand;
pub mod directory;
mod envelope;
pub mod erasures;
mod file;
pub mod ledger;
mod pace;
mod projection;
mod rebuild;
mod runner;
mod runs;
mod status;
mod tables;
mod views;

pub use directory::ProfileOpener;
pub use envelope::{Envelope, FromLog};
pub use file::{Db, OpenError, discard};
pub use pace::{Progress, RunnerOptions};
pub use projection::{At, Rows, View, ViewError};
pub use rebuild::{RebuildError, RebuildReport};
pub use runner::{Halt, QuarantineError, Runner};
pub use status::{ProjectionStatus, StopReason};
pub use tables::{Tables, in_generation};
pub use views::Views;
