//! Several nodes on one log and one vault: the log on a double of a KurrentDB server, the vault on a real PostgreSQL server
//! that the test process starts, each node with a data directory and read models of its own.
//!
//! `TORTURE=1` and `SEED=n` as in the other tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod races;
mod servers;
