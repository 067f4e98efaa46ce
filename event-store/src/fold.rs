//! Folding a stream: the one way from stored bytes to a state, for commands, views, replay and audit alike.

use crate::port::{EventStore, Position, ReadError, Recorded, Revision};
use booking_domain::agenda_day::AgendaDay;
use booking_domain::clinic::Clinic;
use booking_domain::erasure::Erasure;
use booking_domain::ids::CommandId;
use booking_domain::patient::Patient;
use booking_domain::quota::Quota;
use booking_domain::slug::SlugOwner;
use booking_domain::staff::Staff;
use booking_domain::stream::StreamName;
use booking_domain::template::Template;
use booking_domain::time::Instant;
use booking_domain::values::Stamp;
use booking_events::{EventCodec, Metadata};
use std::collections::HashMap;

/// A state that its events make.
pub trait Aggregate: Default + Clone + Send + Sync + 'static {
    /// What happens to it.
    type Event: EventCodec + Send + Sync;
    /// The fold; total, reads no clock.
    fn evolve(&mut self, event: &Self::Event, stamp: Stamp);
}

macro_rules! aggregates {
    ($($state:ty => $event:ty),* $(,)?) => {$(
        impl Aggregate for $state {
            type Event = $event;
            fn evolve(&mut self, event: &Self::Event, stamp: Stamp) { <$state>::evolve(self, event, stamp); }
        }
    )*};
}

aggregates! {
    Clinic => booking_domain::clinic::ClinicEvent,
    AgendaDay => booking_domain::agenda_day::AgendaDayEvent,
    Patient => booking_domain::patient::PatientEvent,
    Template => booking_domain::template::TemplateEvent,
    Quota => booking_domain::quota::QuotaEvent,
    Staff => booking_domain::staff::StaffEvent,
    SlugOwner => booking_domain::slug::SlugEvent,
    Erasure => booking_domain::erasure::ErasureEvent,
}

/// What a command left in a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trace {
    /// Revision of its first event here.
    pub first: Revision,
    /// Revision of its last event here.
    pub last: Revision,
    /// Position of its last event here.
    pub position: Position,
    /// Keyed hash of the request that it came with.
    pub body_hash: Option<[u8; 32]>,
}

/// A stream folded to some revision.
#[derive(Clone, Debug)]
pub struct Folded<A> {
    /// The state.
    pub state: A,
    /// Revision of the last event; none if the stream is empty.
    pub revision: Option<Revision>,
    /// Position of the last event.
    pub position: Option<Position>,
    /// When the last event happened: time never runs backwards within a stream.
    pub last_at: Instant,
    /// What each command left here.
    pub commands: HashMap<CommandId, Trace>,
}

impl<A: Default> Default for Folded<A> {
    fn default() -> Self {
        let state = A::default();
        Self { state, revision: None, position: None, last_at: Instant::MIN, commands: HashMap::new() }
    }
}

/// Why a stream cannot be folded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// The log did not answer.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An event cannot be read: written by a newer release, or damaged.
    #[error("event {revision} of {stream} ({event_type}) cannot be read: {problem}")]
    BadEvent {
        /// The stream.
        stream: StreamName,
        /// The event's revision.
        revision: Revision,
        /// Its type.
        event_type: String,
        /// What is wrong; never holds the payload.
        problem: String,
    },
}

/// Reads an event's metadata, or says which event is bad.
pub fn metadata_of(event: &Recorded) -> Result<Metadata, FoldError> {
    Metadata::parse(event.metadata.as_bytes()).map_err(|e| bad(event, &e))
}

/// Decodes an event as one of this aggregate, or says which event is bad.
pub fn decode<E: EventCodec>(event: &Recorded) -> Result<E, FoldError> {
    E::decode(&event.event_type, &event.payload).map_err(|e| bad(event, &e))
}

fn bad(event: &Recorded, problem: &dyn std::fmt::Display) -> FoldError {
    FoldError::BadEvent {
        stream: event.stream.clone(),
        revision: event.revision,
        event_type: event.event_type.to_string(),
        problem: problem.to_string(),
    }
}

impl<A: Aggregate> Folded<A> {
    /// Takes in the next event of the stream.
    pub fn apply(&mut self, event: &Recorded) -> Result<(), FoldError> {
        let metadata = metadata_of(event)?;
        let decoded = decode::<A::Event>(event)?;
        self.take(&decoded, event.revision, event.position, &metadata);
        Ok(())
    }

    /// Takes in an event that is already decoded, such as one that was just appended.
    pub fn take(&mut self, event: &A::Event, revision: Revision, position: Position, metadata: &Metadata) {
        self.state.evolve(event, Stamp { revision, occurred_at: metadata.occurred_at });
        self.revision = Some(revision);
        self.position = Some(position);
        self.last_at = self.last_at.max(metadata.occurred_at);
        let fresh = Trace { first: revision, last: revision, position, body_hash: metadata.body_hash };
        let trace = self.commands.entry(metadata.command_id).or_insert(fresh);
        trace.last = revision;
        trace.position = position;
    }

    /// Brings the fold up to the stream's head; answers whether there was anything new.
    pub async fn catch_up(&mut self, log: &dyn EventStore, stream: &StreamName) -> Result<bool, FoldError> {
        const PAGE: usize = 500;
        let before = self.revision;
        loop {
            let from = self.revision.map_or(0, |r| r + 1);
            let page = log.read_stream(stream, from, PAGE).await?;
            page.iter().try_for_each(|event| self.apply(event))?;
            if page.len() < PAGE {
                return Ok(self.revision != before);
            }
        }
    }
}

/// How far into the past a fold goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Upto {
    /// To the head.
    #[default]
    Head,
    /// To this position, included.
    Position(Position),
    /// To this moment, included.
    Moment(Instant),
}

impl Upto {
    /// True if an event lies within.
    pub fn includes(self, event: &Recorded, occurred_at: Instant) -> bool {
        match self {
            Self::Head => true,
            Self::Position(position) => event.position <= position,
            Self::Moment(moment) => occurred_at <= moment,
        }
    }
}

/// Folds a stream from its first event as far as `upto` says.
pub async fn load<A: Aggregate>(log: &dyn EventStore, stream: &StreamName, upto: Upto) -> Result<Folded<A>, FoldError> {
    let mut folded = Folded::default();
    for event in read_whole(log, stream).await? {
        let metadata = metadata_of(&event)?;
        if !upto.includes(&event, metadata.occurred_at) {
            break;
        }
        let decoded = decode::<A::Event>(&event)?;
        folded.take(&decoded, event.revision, event.position, &metadata);
    }
    Ok(folded)
}

/// Every event of a stream, oldest first.
pub async fn read_whole(log: &dyn EventStore, stream: &StreamName) -> Result<Vec<Recorded>, ReadError> {
    const PAGE: usize = 500;
    let mut all: Vec<Recorded> = Vec::new();
    loop {
        let page = log.read_stream(stream, all.last().map_or(0, |e| e.revision + 1), PAGE).await?;
        let last = page.len() < PAGE;
        all.extend(page);
        if last {
            return Ok(all);
        }
    }
}
