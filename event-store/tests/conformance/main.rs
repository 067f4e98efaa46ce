//! What every store has to keep its word about (`suite`), run over each store, and what is special to one of them.
//!
//! A randomised test prints its seed; `CONFORMANCE_SEED=…` runs it again with that one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this is tests")]

mod actors;
mod memory;
mod sqlite;
mod sqlite_files;
mod suite;
