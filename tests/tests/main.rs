//! Whole-system tests in process: random histories, races, crashes, time. One binary, so that it links once.
//!
//! | variable | what it does |
//! |---|---|
//! | `TORTURE=1` | the great numbers: 10,000 histories, 1,000 rounds of a race |
//! | `SEED=n` | only this seed: how a failure is replayed |
//! | `FIRST_SEED=n` | begins with this seed |
//! | `BOOKING_LOG=kurrentdb` | worlds keep their log on a double of a KurrentDB server |
//! | `BOOKING_VAULT=postgres` | vaults are databases on a PostgreSQL server that the tests start |
//! | `BLESS=1` | writes the golden table of times anew |

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod audit;
mod cluster;
mod controls;
mod crashes;
mod http;
mod kept;
mod load;
mod pages;
mod people;
mod properties;
mod races;
mod retries;
mod shown;
mod time;
mod views;
