//! The pages, as a browser without scripts goes through them.

mod doors;
mod journey;
mod manage;
mod states;
