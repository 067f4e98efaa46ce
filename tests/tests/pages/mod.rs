//! The pages, as a browser without scripts goes through them.

mod admin;
mod calendar;
mod code;
mod doors;
mod journey;
mod manage;
mod staff;
mod staff_schedule;
mod states;
