//! Pure booking decisions.
pub mod agenda_day;
pub mod clinic;
pub mod demand;
pub mod ids;
pub mod matching;
pub mod patient;
pub mod person;
pub mod phi;
pub mod quota;
pub mod sealed;
pub mod slug;
pub mod staff;
pub mod stream;
pub mod template;
pub mod time;
pub mod values;
pub mod visibility;
