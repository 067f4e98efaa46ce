//! The frozen wire form of every event version, the sealing of personal fields, and the leaves of the ledger.
//!
//! An event in the log is a type name (`slot-published.v1`), a payload and metadata. The payload is the postcard
//! encoding of one frozen struct ([`forms`]); the type's name carries the version, and neither ever changes once
//! released. Current events go in through [`EventCodec::encode`] and come out through [`decode`], which reads every
//! version ever released, byte for byte, and lifts it to the current one.
//!
//! ```
//! use booking_domain::clinic::ClinicEvent;
//! use booking_events::{DomainEvent, EventCodec, decode};
//!
//! let encoded = ClinicEvent::PortalActivated.encode();
//! assert_eq!(encoded.event_type, "portal-activated.v1");
//! assert_eq!(decode(encoded.event_type, &encoded.payload), Ok(DomainEvent::Clinic(ClinicEvent::PortalActivated)));
//! ```
//!
//! What holds it still: `golden/` has the bytes of every type, `docs/` says what each byte means, and a decoder in
//! another language, written from those pages alone, reads all of them (`tests/python` of the workspace).
//!
//! To change an event: give the form a successor with the next version number, point the variant's line in
//! [`events`] at it, list the old form under `former`, and write the `From` between the two. Then let the tests write
//! the new golden files and pages (`BLESS=1 cargo test -p booking-events`); they never overwrite a golden file.

pub mod codec;
pub mod events;
pub mod forms;
pub mod ledger;
pub mod metadata;
pub mod primitives;
pub mod sealed_forms;
pub mod sealing;
pub mod wire;

pub use codec::{DecodeError, Encoded, EventCodec};
pub use events::{DomainEvent, decode, describe, event_types};
pub use metadata::{Actor, BadMetadata, Metadata, TraceParent};

#[cfg(test)]
mod tests;
