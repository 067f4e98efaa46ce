//! The pages, as a browser without scripts goes through them.

mod admin;
mod journey;
mod staff;
mod staff_schedule;
