//! Pure booking decisions.
pub mod ids;
pub mod phi;
pub mod sealed;
pub mod stream;
pub mod time;
