//! The messages of the needed subset, written by hand after the protocol's public definitions (the `.proto` files of the
//! MIT-licensed client): streams, gossip, server features. Names and numbers are theirs; nobody else's code is here.

use bytes::Bytes;
use prost::{Message, Oneof};
use std::collections::HashMap;

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Empty {}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct StreamIdentifier {
    #[prost(bytes = "bytes", tag = "3")]
    pub stream_name: Bytes,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Uuid {
    #[prost(oneof = "uuid_value::Value", tags = "1, 2")]
    pub value: Option<uuid_value::Value>,
}

pub(crate) mod uuid_value {
    use super::{Message, Oneof};

    #[derive(Clone, Copy, PartialEq, Eq, Message)]
    pub(crate) struct Structured {
        #[prost(int64, tag = "1")]
        pub most_significant_bits: i64,
        #[prost(int64, tag = "2")]
        pub least_significant_bits: i64,
    }

    #[derive(Clone, PartialEq, Eq, Oneof)]
    pub(crate) enum Value {
        #[prost(message, tag = "1")]
        Structured(Structured),
        #[prost(string, tag = "2")]
        String(String),
    }
}

/// A place in the log, where a message of its own says nothing more.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Position {
    #[prost(uint64, tag = "1")]
    pub commit: u64,
    #[prost(uint64, tag = "2")]
    pub prepare: u64,
}

// ---- reading ----

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ReadRequest {
    #[prost(message, optional, tag = "1")]
    pub options: Option<ReadOptions>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ReadOptions {
    #[prost(oneof = "read::Source", tags = "1, 2")]
    pub source: Option<read::Source>,
    /// 0: forwards, 1: backwards.
    #[prost(int32, tag = "3")]
    pub direction: i32,
    #[prost(bool, tag = "4")]
    pub resolve_links: bool,
    #[prost(oneof = "read::Amount", tags = "5, 6")]
    pub amount: Option<read::Amount>,
    #[prost(message, optional, tag = "10")]
    pub control: Option<ControlOption>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct ControlOption {
    #[prost(uint32, tag = "1")]
    pub compatibility: u32,
}

pub(crate) mod read {
    use super::{Empty, Message, Oneof, Position, StreamIdentifier};

    #[derive(Clone, PartialEq, Eq, Message)]
    pub(crate) struct Stream {
        #[prost(message, optional, tag = "1")]
        pub identifier: Option<StreamIdentifier>,
        #[prost(oneof = "Revision", tags = "2, 3, 4")]
        pub revision: Option<Revision>,
    }

    #[derive(Clone, Copy, PartialEq, Eq, Oneof)]
    pub(crate) enum Revision {
        #[prost(uint64, tag = "2")]
        At(u64),
        #[prost(message, tag = "3")]
        Start(Empty),
        #[prost(message, tag = "4")]
        End(Empty),
    }

    #[derive(Clone, Copy, PartialEq, Eq, Message)]
    pub(crate) struct All {
        #[prost(oneof = "Place", tags = "1, 2, 3")]
        pub place: Option<Place>,
    }

    #[derive(Clone, Copy, PartialEq, Eq, Oneof)]
    pub(crate) enum Place {
        #[prost(message, tag = "1")]
        At(Position),
        #[prost(message, tag = "2")]
        Start(Empty),
        #[prost(message, tag = "3")]
        End(Empty),
    }

    #[derive(Clone, PartialEq, Eq, Oneof)]
    pub(crate) enum Source {
        #[prost(message, tag = "1")]
        Stream(Stream),
        #[prost(message, tag = "2")]
        All(All),
    }

    #[derive(Clone, Copy, PartialEq, Eq, Oneof)]
    pub(crate) enum Amount {
        #[prost(uint64, tag = "5")]
        Count(u64),
        #[prost(message, tag = "6")]
        Subscription(Empty),
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReadResponse {
    #[prost(oneof = "content::Content", tags = "1, 2, 4, 5, 6, 8")]
    pub content: Option<content::Content>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReadEvent {
    #[prost(message, optional, tag = "1")]
    pub event: Option<RecordedEvent>,
    #[prost(message, optional, tag = "2")]
    pub link: Option<RecordedEvent>,
    #[prost(oneof = "content::Place", tags = "3, 4")]
    pub position: Option<content::Place>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RecordedEvent {
    #[prost(message, optional, tag = "1")]
    pub id: Option<Uuid>,
    #[prost(message, optional, tag = "2")]
    pub stream: Option<StreamIdentifier>,
    #[prost(uint64, tag = "3")]
    pub revision: u64,
    #[prost(uint64, tag = "4")]
    pub prepare: u64,
    #[prost(uint64, tag = "5")]
    pub commit: u64,
    #[prost(map = "string, string", tag = "6")]
    pub metadata: HashMap<String, String>,
    #[prost(bytes = "bytes", tag = "7")]
    pub custom_metadata: Bytes,
    #[prost(bytes = "bytes", tag = "8")]
    pub data: Bytes,
}

pub(crate) mod content {
    use super::{Empty, Message, Oneof, ReadEvent, StreamIdentifier};

    #[derive(Clone, Copy, PartialEq, Eq, Oneof)]
    pub(crate) enum Place {
        #[prost(uint64, tag = "3")]
        Commit(u64),
        #[prost(message, tag = "4")]
        None(Empty),
    }

    #[derive(Clone, PartialEq, Eq, Message)]
    pub(crate) struct Confirmation {
        #[prost(string, tag = "1")]
        pub subscription: String,
    }

    #[derive(Clone, PartialEq, Eq, Message)]
    pub(crate) struct NotFound {
        #[prost(message, optional, tag = "1")]
        pub stream: Option<StreamIdentifier>,
    }

    #[derive(Clone, PartialEq, Oneof)]
    #[allow(clippy::large_enum_variant, reason = "nearly every message is an event")]
    pub(crate) enum Content {
        #[prost(message, tag = "1")]
        Event(ReadEvent),
        #[prost(message, tag = "2")]
        Confirmation(Confirmation),
        #[prost(message, tag = "4")]
        StreamNotFound(NotFound),
        #[prost(uint64, tag = "5")]
        FirstStreamPosition(u64),
        #[prost(uint64, tag = "6")]
        LastStreamPosition(u64),
        #[prost(message, tag = "8")]
        CaughtUp(Empty),
    }
}

// ---- appending ----

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AppendRequest {
    #[prost(oneof = "append::Content", tags = "1, 2")]
    pub content: Option<append::Content>,
}

/// What append, delete and tombstone expect of a stream: their options have the same fields.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Target {
    #[prost(message, optional, tag = "1")]
    pub stream: Option<StreamIdentifier>,
    #[prost(oneof = "append::Expected", tags = "2, 3, 4, 5")]
    pub expected: Option<append::Expected>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Proposed {
    #[prost(message, optional, tag = "1")]
    pub id: Option<Uuid>,
    #[prost(map = "string, string", tag = "2")]
    pub metadata: HashMap<String, String>,
    #[prost(bytes = "bytes", tag = "3")]
    pub custom_metadata: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    pub data: Bytes,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct AppendResponse {
    #[prost(oneof = "append::Result", tags = "1, 2")]
    pub result: Option<append::Result>,
}

pub(crate) mod append {
    use super::{Empty, Message, Oneof, Position, Proposed, Target};

    #[derive(Clone, PartialEq, Oneof)]
    pub(crate) enum Content {
        #[prost(message, tag = "1")]
        Options(Target),
        #[prost(message, tag = "2")]
        Proposed(Proposed),
    }

    #[derive(Clone, Copy, PartialEq, Eq, Oneof)]
    pub(crate) enum Expected {
        #[prost(uint64, tag = "2")]
        Revision(u64),
        #[prost(message, tag = "3")]
        NoStream(Empty),
        #[prost(message, tag = "4")]
        Any(Empty),
        #[prost(message, tag = "5")]
        StreamExists(Empty),
    }

    #[derive(Clone, Copy, PartialEq, Eq, Message)]
    pub(crate) struct Success {
        #[prost(oneof = "Revision", tags = "1, 2")]
        pub revision: Option<Revision>,
        #[prost(oneof = "Place", tags = "3, 4")]
        pub place: Option<Place>,
    }

    #[derive(Clone, Copy, PartialEq, Eq, Oneof)]
    pub(crate) enum Revision {
        #[prost(uint64, tag = "1")]
        At(u64),
        #[prost(message, tag = "2")]
        NoStream(Empty),
    }

    #[derive(Clone, Copy, PartialEq, Eq, Oneof)]
    pub(crate) enum Place {
        #[prost(message, tag = "3")]
        At(Position),
        #[prost(message, tag = "4")]
        None(Empty),
    }

    #[derive(Clone, Copy, PartialEq, Eq, Message)]
    pub(crate) struct WrongVersion {
        #[prost(oneof = "Current", tags = "6, 7")]
        pub current: Option<Current>,
        #[prost(oneof = "Wanted", tags = "8, 9, 10, 11")]
        pub wanted: Option<Wanted>,
    }

    #[derive(Clone, Copy, PartialEq, Eq, Oneof)]
    pub(crate) enum Current {
        #[prost(uint64, tag = "6")]
        Revision(u64),
        #[prost(message, tag = "7")]
        NoStream(Empty),
    }

    #[derive(Clone, Copy, PartialEq, Eq, Oneof)]
    pub(crate) enum Wanted {
        #[prost(uint64, tag = "8")]
        Revision(u64),
        #[prost(message, tag = "9")]
        Any(Empty),
        #[prost(message, tag = "10")]
        StreamExists(Empty),
        #[prost(message, tag = "11")]
        NoStream(Empty),
    }

    #[derive(Clone, Copy, PartialEq, Eq, Oneof)]
    pub(crate) enum Result {
        #[prost(message, tag = "1")]
        Success(Success),
        #[prost(message, tag = "2")]
        WrongVersion(WrongVersion),
    }
}

// ---- deleting ----

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct DeleteRequest {
    #[prost(message, optional, tag = "1")]
    pub options: Option<Target>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct DeleteResponse {
    #[prost(message, optional, tag = "1")]
    pub position: Option<Position>,
}

// ---- cluster ----

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ClusterInfo {
    #[prost(message, repeated, tag = "1")]
    pub members: Vec<Member>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct EndPoint {
    #[prost(string, tag = "1")]
    pub address: String,
    #[prost(uint32, tag = "2")]
    pub port: u32,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Member {
    #[prost(message, optional, tag = "1")]
    pub instance: Option<Uuid>,
    #[prost(int64, tag = "2")]
    pub time: i64,
    #[prost(int32, tag = "3")]
    pub state: i32,
    #[prost(bool, tag = "4")]
    pub is_alive: bool,
    #[prost(message, optional, tag = "5")]
    pub end_point: Option<EndPoint>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct SupportedMethods {
    #[prost(message, repeated, tag = "1")]
    pub methods: Vec<SupportedMethod>,
    #[prost(string, tag = "2")]
    pub server_version: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct SupportedMethod {
    #[prost(string, tag = "1")]
    pub method: String,
    #[prost(string, tag = "2")]
    pub service: String,
    #[prost(string, repeated, tag = "3")]
    pub features: Vec<String>,
}

impl From<uuid::Uuid> for Uuid {
    fn from(id: uuid::Uuid) -> Self {
        Self { value: Some(uuid_value::Value::String(id.to_string())) }
    }
}

impl Uuid {
    /// The id, whichever way it was sent; nil if it was not.
    pub(crate) fn id(&self) -> uuid::Uuid {
        match &self.value {
            None => uuid::Uuid::nil(),
            Some(uuid_value::Value::String(text)) => text.parse().unwrap_or_default(),
            Some(uuid_value::Value::Structured(bits)) => uuid::Uuid::from_u64_pair(
                bits.most_significant_bits.cast_unsigned(),
                bits.least_significant_bits.cast_unsigned(),
            ),
        }
    }
}
