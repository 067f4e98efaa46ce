//! What the crate promises about its bytes: golden files, field docs, and properties.

pub mod golden;
pub mod pages;
pub mod properties;
pub mod sample;
