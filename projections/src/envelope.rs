//! An event as projections see it: decoded, with its place and its moment. The one decode path, and nothing else.

use booking_domain::ids::ClinicId;
use booking_domain::stream::StreamName;
use booking_domain::values::Stamp;
use booking_events::{DomainEvent, Metadata, decode};
use booking_store::{Position, Recorded, Revision};

/// What a view reads of a stored event.
pub trait FromLog: Send + Sync + Sized {
    /// Reads a stored event, or says what is wrong with it; the answer never holds its payload.
    fn read(event: &Recorded) -> Result<Self, String>;
    /// Its place in the log.
    fn position(&self) -> Position;
}

impl FromLog for Envelope {
    fn read(event: &Recorded) -> Result<Self, String> {
        Self::read(event)
    }
    fn position(&self) -> Position {
        self.position
    }
}

/// A decoded event and where it stands.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Its place in the log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamName,
    /// Its revision and moment, as folds take them.
    pub stamp: Stamp,
    /// The clinic that its metadata names.
    pub clinic: ClinicId,
    /// What happened.
    pub event: DomainEvent,
}

impl Envelope {
    /// Decodes a stored event, or says what is wrong with it; the answer never holds its payload.
    pub fn read(event: &Recorded) -> Result<Self, String> {
        let metadata = Metadata::parse(event.metadata.as_bytes()).map_err(|e| e.to_string())?;
        let decoded = decode(&event.event_type, &event.payload).map_err(|e| e.to_string())?;
        Ok(Self {
            position: event.position,
            stream: event.stream.clone(),
            stamp: Stamp { revision: event.revision, occurred_at: metadata.occurred_at },
            clinic: metadata.clinic,
            event: decoded,
        })
    }
    /// Revision in its stream.
    pub const fn revision(&self) -> Revision {
        self.stamp.revision
    }
}
