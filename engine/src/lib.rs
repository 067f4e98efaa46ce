//! Placeholder.
pub mod vault;
