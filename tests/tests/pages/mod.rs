//! The pages, as a browser without scripts goes through them.

mod admin;
mod doors;
mod journey;
mod manage;
mod states;
