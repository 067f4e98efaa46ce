//! Pure booking decisions.
pub mod ids;
pub mod stream;
pub mod time;
