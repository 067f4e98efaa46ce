//! What whole-system tests share: a world to play in, actors with verbs, random clinics and random histories.
//!
//! | module | what it is for |
//! |---|---|
//! | [`rng`] | random choices that a seed gives again |
//! | [`seeds`] | runs a property over many seeds and says how to replay the one that failed |
//! | [`meddler`] | a log that delays, fails or dies where a test says so |
//! | [`world`] | an engine on a log and a vault, with a clock that tests set |
//! | [`vaults`] | where vaults are: files, or databases on a real server |
//! | [`cluster`] | the log on a cluster, whose servers are doubles |
//! | [`actors`] | the clinic, its staff and its visitors, as verbs |
//! | [`command`] | every command as a value, so that it can be run twice and compared |
//! | [`chance`] | random clinics, slots, people and commands |
//! | [`canaries`] | personal values, searched for wherever they must not be; every server's data directory when it goes |
//! | [`oracle`] | what a log means, found out without the domain's own fold |
//! | [`house`], [`guests`] | a server in this process with clinics set up through the engine, and what clients of its portal do |
//! | [`histories`] | long histories, laid down fast |
//! | [`alike`] | whether two sets of read models show the same |
//! | [`load`] | what a log may never say, whatever load, race or crash it went through |
//!
//! Nothing here reads the machine's clock, zone or randomness.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::missing_panics_doc, reason = "a test fails by panicking")]

pub mod actors;
pub mod alike;
pub mod canaries;
pub mod chance;
pub mod cluster;
pub mod command;
pub mod guests;
pub mod histories;
pub mod house;
pub mod http;
pub mod load;
pub mod meddler;
pub mod oracle;
pub mod rng;
pub mod seeds;
pub mod vaults;
pub mod world;

pub use actors::{Patient, Visitor};
pub use command::{Answer, Command};
pub use meddler::{Meddler, Then};
pub use rng::Rng;
pub use world::{Home, World};
