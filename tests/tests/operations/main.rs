//! What an operator does: moving a log, backups, drains, load, old logs. A binary of its own, so that it builds fast.
//!
//! `TORTURE=1` asks for the great numbers, `SEED=n` for one seed alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod backup;
mod copying;
mod corpus;
mod drain;
mod flood;
mod metrics;
mod moving;
mod rebuilding;
