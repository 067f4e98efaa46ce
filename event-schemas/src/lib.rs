//! Placeholder.
pub mod sealing;
