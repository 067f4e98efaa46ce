//! The pages, as a browser without scripts goes through them.

mod admin;
mod attention;
mod audit;
mod calendar;
mod code;
mod doors;
mod journey;
mod manage;
mod preview;
mod rights;
pub mod staff;
mod staff_schedule;
mod states;
mod typed;
