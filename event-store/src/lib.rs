//! The log: the one place where what happened is kept, in the order in which it happened.
//!
//! - [`EventStore`] is the port. Engine and projections know nothing else of this crate.
//! - [`SqliteStore`] keeps the log in one file: one writer, group commit, `synchronous=FULL`.
//! - `KurrentStore` (feature `kurrentdb`) keeps it on a KurrentDB cluster, for many nodes of ours.
//! - [`MemoryStore`] keeps it in memory and misbehaves on demand, for tests.
//! - [`copy`](mod@copy) takes a log from one store into another, the same to the leaf.
//!
//! Nothing here knows what an event means: payloads are bytes, and decoding them is the business of `booking-events`.
//!
//! What every store promises, and what `tests/conformance` holds each of them to:
//!
//! 1. An append is stored whole, or not at all, and only if the stream's head is exactly the one that was expected.
//! 2. An acknowledged append is on the disk, and every read that begins afterwards sees it.
//! 3. Positions follow the order of commits: whoever has read up to a position never finds something new before it.
//! 4. Sending the same append again, after its answer was lost, is answered with the first one's outcome.

pub mod copy;
mod durations;
pub mod fold;
#[cfg(feature = "kurrentdb")]
mod kurrent;
mod memory;
mod port;
mod sqlite;
mod validate;

pub use durations::{DurationCounts, Durations};
#[cfg(feature = "kurrentdb")]
pub use kurrent::{ConnectError, KurrentFault, KurrentOptions, KurrentStore};
pub use memory::MemoryStore;
pub use port::{
    AppendError, Appended, EventStore, Expected, NewEvent, Page, ParsePositionError, Position, ReadError, Recorded,
    Revision,
};
pub use sqlite::{
    Delay, Fault, OnFatal, OpenError, RawEvent, RawLog, RawStream, SqliteOptions, SqliteStore, Statistics,
};
pub use validate::{MAX_EVENTS, MAX_METADATA_BYTES, MAX_PAYLOAD_BYTES, MAX_TYPE_BYTES};
