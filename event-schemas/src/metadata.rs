//! The envelope of an event: who caused it, when, and by which command. One flat JSON object of strings.
//!
//! Nothing in it is personal data: actors are opaque ids, and the body of a request stands there only as a keyed hash.
//! The keys stand in one order, so that a retry sends identical bytes. Keys that a newer release added are passed over.
//!
//! Folds need `occurred_at` and `command_id` of every event, so reading borrows from the bytes and copies no text.

use booking_domain::ids::{AppointmentId, ClinicId, CommandId, MemberId, VisitId};
use booking_domain::time::Instant;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use uuid::Uuid;

/// How payloads are encoded: postcard, first revision of the rules in `docs/README.md`.
pub const CODEC: &str = "postcard/1";

/// Who caused an event: a kind and an opaque id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Actor {
    /// The product itself: a sweep, a process manager.
    System,
    /// The operator at the command line.
    Operator,
    /// A staff member who signed in.
    Staff(MemberId),
    /// A machine with a token.
    Token(MemberId),
    /// A visitor of the portal.
    Visit(VisitId),
    /// Whoever followed the link of an appointment.
    Link(AppointmentId),
    /// A kind that this release does not know, with its id.
    Unknown(Uuid),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Operator => f.write_str("operator"),
            Self::Staff(id) => write!(f, "staff:{id}"),
            Self::Token(id) => write!(f, "token:{id}"),
            Self::Visit(id) => write!(f, "visit:{id}"),
            Self::Link(id) => write!(f, "link:{id}"),
            Self::Unknown(id) => write!(f, "unknown:{}", id.hyphenated()),
        }
    }
}

impl Actor {
    /// Reads `system`, `operator` or `kind:uuid`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "system" => return Some(Self::System),
            "operator" => return Some(Self::Operator),
            _ => {}
        }
        let (kind, id) = text.split_once(':')?;
        let id = uuid(id)?;
        Some(match kind {
            "staff" => Self::Staff(id.into()),
            "token" => Self::Token(id.into()),
            "visit" => Self::Visit(id.into()),
            "link" => Self::Link(id.into()),
            _ => Self::Unknown(id),
        })
    }
}

/// A W3C `traceparent` of version 00: opaque hexadecimal, whatever a client sent in its place is not kept.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TraceParent(String);

impl TraceParent {
    /// Reads `00-{32 hex}-{16 hex}-{2 hex}`, lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |(at, b): (usize, u8)| match at {
            2 | 35 | 52 => b == b'-',
            _ => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
        };
        let fits = text.len() == 55 && text.bytes().enumerate().all(plain);
        (fits && text.starts_with("00-")).then(|| Self(text.to_owned()))
    }
    /// The header's value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What stands beside every event's payload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Metadata {
    /// The request, or the first cause of a chain.
    pub correlation_id: Uuid,
    /// What caused this event: the command, or the event that a process reacted to.
    pub causation_id: Uuid,
    /// The command whose outcome the event is.
    pub command_id: CommandId,
    /// The clinic.
    pub clinic: ClinicId,
    /// Who did it.
    pub actor: Actor,
    /// When the request arrived.
    pub received_at: Instant,
    /// When it happened: `now` of the decision.
    pub occurred_at: Instant,
    /// The trace that it belongs to.
    pub traceparent: Option<TraceParent>,
    /// Keyed hash of the request's body, to tell a retry from another request under the same key.
    pub body_hash: Option<[u8; 32]>,
}

/// Why stored bytes are not metadata.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadMetadata {
    /// No JSON object of strings, or a key is missing or stands there twice.
    #[error("metadata is not a flat JSON object of strings with every key")]
    Shape,
    /// A value has another form.
    #[error("metadata: {0} does not have its form")]
    Value(&'static str),
    /// The payload beside it is not postcard as this release writes it.
    #[error("metadata: the payload has an encoding that this release does not know")]
    Codec,
}

/// The JSON object, in the order of its keys.
#[derive(PartialEq, Debug, Serialize, Deserialize)]
struct Object<'a> {
    #[serde(rename = "$correlationId", borrow)]
    correlation_id: Cow<'a, str>,
    #[serde(rename = "$causationId", borrow)]
    causation_id: Cow<'a, str>,
    #[serde(borrow)]
    command_id: Cow<'a, str>,
    #[serde(borrow)]
    clinic: Cow<'a, str>,
    #[serde(borrow)]
    actor: Cow<'a, str>,
    #[serde(borrow)]
    received_at: Cow<'a, str>,
    #[serde(borrow)]
    occurred_at: Cow<'a, str>,
    #[serde(borrow)]
    codec: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    body_hash: Option<Cow<'a, str>>,
}

impl<'a> Object<'a> {
    /// The object as [`Metadata::to_json`] writes it: the keys in order, no spaces, no escapes. Nearly every event has
    /// it so, and this takes two thirds of the time of a JSON parser, to which everything else goes.
    fn canonical(json: &'a [u8]) -> Option<Self> {
        // Counted, not searched: a count compiles to a few wide instructions.
        let special = json.iter().filter(|&&b| b < b' ' || b == b'\\').count();
        let mut rest = if special == 0 { std::str::from_utf8(json).ok() } else { None }?;
        let mut next = |before: &str, key: &str| {
            let (value, tail) = rest.strip_prefix(before)?.strip_prefix(key)?.strip_prefix("\":\"")?.split_once('"')?;
            rest = tail;
            Some(Cow::Borrowed(value))
        };
        let object = Self {
            correlation_id: next("{\"", "$correlationId")?,
            causation_id: next(",\"", "$causationId")?,
            command_id: next(",\"", "command_id")?,
            clinic: next(",\"", "clinic")?,
            actor: next(",\"", "actor")?,
            received_at: next(",\"", "received_at")?,
            occurred_at: next(",\"", "occurred_at")?,
            codec: next(",\"", "codec")?,
            traceparent: next(",\"", "traceparent"),
            body_hash: next(",\"", "body_hash"),
        };
        (rest == "}").then_some(object)
    }
}

impl Metadata {
    /// What is stored: the keys in one order, no spaces.
    pub fn to_json(&self) -> String {
        use std::fmt::Write;
        // No value needs escaping: they are hexadecimal, decimal, or words of this module.
        let mut text = String::with_capacity(480);
        let _ = write!(
            text,
            r#"{{"$correlationId":"{}","$causationId":"{}","command_id":"{}","clinic":"{}","actor":"{}""#,
            self.correlation_id.hyphenated(),
            self.causation_id.hyphenated(),
            self.command_id,
            self.clinic,
            self.actor
        );
        let (received, occurred) = (self.received_at.0, self.occurred_at.0);
        let _ = write!(text, r#","received_at":"{received}","occurred_at":"{occurred}","codec":"{CODEC}""#);
        if let Some(TraceParent(trace)) = &self.traceparent {
            let _ = write!(text, r#","traceparent":"{trace}""#);
        }
        if let Some(hash) = &self.body_hash {
            let _ = write!(text, r#","body_hash":"{}""#, hex::encode(hash));
        }
        text.push('}');
        text
    }

    /// Reads what was stored.
    pub fn parse(json: impl AsRef<[u8]>) -> Result<Self, BadMetadata> {
        let json = json.as_ref();
        let object = match Object::canonical(json) {
            Some(object) => object,
            None => serde_json::from_slice(json).map_err(|_| BadMetadata::Shape)?,
        };
        if object.codec != CODEC {
            return Err(BadMetadata::Codec);
        }
        let id = |key, text: &str| uuid(text).ok_or(BadMetadata::Value(key));
        let instant = |key, text: &str| micros(text).ok_or(BadMetadata::Value(key));
        Ok(Self {
            correlation_id: id("$correlationId", &object.correlation_id)?,
            causation_id: id("$causationId", &object.causation_id)?,
            command_id: id("command_id", &object.command_id)?.into(),
            clinic: id("clinic", &object.clinic)?.into(),
            actor: Actor::parse(&object.actor).ok_or(BadMetadata::Value("actor"))?,
            received_at: instant("received_at", &object.received_at)?,
            occurred_at: instant("occurred_at", &object.occurred_at)?,
            // A trace explains nothing about the booking; one that cannot be read is no reason to stop a replay.
            traceparent: object.traceparent.as_deref().and_then(TraceParent::parse),
            body_hash: object.body_hash.as_deref().map(hash).transpose()?,
        })
    }
}

/// The clinic and the moment of stored metadata, as leaves of the ledger take them: both or neither, whatever else the
/// metadata holds and whichever release wrote it. Frozen, see `docs/ledger.md`.
pub(crate) fn clinic_and_moment(json: &[u8]) -> Option<(ClinicId, Instant)> {
    #[derive(Deserialize)]
    struct Fields<'a> {
        #[serde(borrow)]
        clinic: Cow<'a, str>,
        #[serde(borrow)]
        occurred_at: Cow<'a, str>,
    }
    let Fields { clinic, occurred_at } = match Object::canonical(json) {
        Some(object) => Fields { clinic: object.clinic, occurred_at: object.occurred_at },
        None => serde_json::from_slice(json).ok()?,
    };
    Some((uuid(&clinic)?.into(), micros(&occurred_at)?))
}

/// The one form in which ids are written: lower case, with hyphens.
fn uuid(text: &str) -> Option<Uuid> {
    let shouted = text.bytes().any(|b| b.is_ascii_uppercase());
    (text.len() == 36 && !shouted).then(|| Uuid::try_parse(text).ok()).flatten()
}

/// Decimal microseconds, without a plus sign or leading zeros.
fn micros(text: &str) -> Option<Instant> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = text == "0" || !digits.starts_with(['0', '+']);
    canonical.then(|| text.parse().ok().map(Instant)).flatten()
}

fn hash(text: &str) -> Result<[u8; 32], BadMetadata> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| BadMetadata::Value("body_hash"))?;
    Ok(bytes)
}

#[cfg(test)]
#[path = "tests/metadata.rs"]
mod tests;
