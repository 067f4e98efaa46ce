//! The views against a log in memory, with histories made by hand and at random.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "every file here is a test")]
#![allow(missing_docs, reason = "a test binary has no readers of its documentation")]

mod availability;
mod directory;
mod file;
mod histories;
mod ledger;
mod measure;
mod rebuild;
mod runner;
mod support;
mod views;
