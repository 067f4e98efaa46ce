//! One agenda on one clinic-local day: slots, holds and appointments.
//!
//! Stream `agendaday-{agenda}.{yyyymmdd}`. It guards what must never happen: one availability given
//! twice, two live appointments that overlap in what they occupy. Days are short (some hundred events),
//! so a fold needs no snapshot, and different days never contend.
//!
//! | file | holds |
//! |---|---|
//! | `events` | what happens, the storage format |
//! | `occupancy` | what is open, held, promised and taken: the part that the availability view keeps too |
//! | `state` | the whole fold, with appointments |
//! | `slots`, `holds`, `booking`, `moving`, `lifecycle` | the commands |

mod booking;
mod events;
mod holds;
mod lifecycle;
mod moving;
mod occupancy;
mod refusal;
mod slots;
mod state;
#[cfg(test)]
mod tests;

pub use booking::*;
pub use events::*;
pub use holds::*;
pub use lifecycle::*;
pub use moving::*;
pub use occupancy::*;
pub use refusal::*;
pub use slots::*;
pub use state::*;
