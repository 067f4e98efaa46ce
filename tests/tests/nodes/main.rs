//! Several nodes on one log and one vault: the log on a double of a KurrentDB server, the vault on a real PostgreSQL server
//! that the test process starts, each node with a data directory and read models of its own.
//!
//! | module | what it is for |
//! |---|---|
//! | `races`, `servers`, `stale` | nodes in one process |
//! | `process`, `pair`, `callers` | node processes, two of them with a clinic, and people who book on both |
//! | `kills` | either node is killed |
//! | `joining` | a node with an empty disk |
//! | `wires`, `partitions` | a network between nodes and log, and what its cuts do |
//!
//! `TORTURE=1` and `SEED=n` as in the other tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod callers;
mod joining;
mod kills;
mod pair;
mod partitions;
mod process;
mod races;
mod servers;
mod stale;
mod wires;
