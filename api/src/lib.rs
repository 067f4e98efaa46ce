//! HTTP and command line: the edge of the product.
//!
//! | module | what it is for |
//! |---|---|
//! | [`app`], `log_place`, `vault_place` | opens log, vault, engine and views of a data directory; where log and vault are |
//! | [`http`] | the JSON API; one file per group of endpoints, each with its types |
//! | [`pages`] | the HTML pages: portal, staff; they call the API's functions |
//! | [`cli`] | the command line |
//! | [`messages`] | notices and one-time codes: outbox worker, channels, what they say |
//! | [`import`], [`demo`] | a clinic from files; the demo clinic is one |
//! | [`erasures`] | carrying out what was decided about forgetting a person |
//! | [`ledger`] | signs the ledger, and checks it at the start |
//! | [`moving`], [`backup`] | a log goes to another store; copies of log and vault, and what is made of them again |
//! | [`export`], [`verify`] | a history as text; whether a history is the signed one and kept the rules |
//! | [`demand_counter`], [`housekeeping`], `joining` | what runs beside requests |
//!
//! Nothing imports this crate but its binary and the whole-system tests.

pub mod app;
pub mod backup;
pub mod cli;
pub mod clock_watch;
pub mod demand_counter;
pub mod demo;
pub mod duties;
pub mod erasures;
pub mod export;
pub mod housekeeping;
pub mod http;
pub mod import;
mod joining;
pub mod ledger;
mod log_place;
pub mod messages;
pub mod moving;
pub mod operator;
pub mod pages;
mod vault_place;
pub mod verify;

pub use app::{App, AppOptions};
pub use log_place::Cluster;
pub use vault_place::VaultServer;

/// Of the program and of the libraries in C that it is linked with: docs/adr/0020-allocator.md.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
