//! What every store has to keep its word about (`suite`), run over each store, and what is special to one of them.
//!
//! `KURRENTDB_URL=esdb://… cargo test -p booking-store -- --ignored kurrent::real --test-threads=1` runs it over a real
//! server, too (docs/testing.md).
//!
//! A randomised test prints its seed; `CONFORMANCE_SEED=…` runs it again with that one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this is tests")]

mod actors;
#[cfg(feature = "kurrentdb")]
mod kurrent;
#[cfg(feature = "kurrentdb")]
mod kurrent_faults;
#[cfg(feature = "kurrentdb")]
mod kurrent_scripts;
mod memory;
mod sqlite;
mod sqlite_files;
mod suite;
