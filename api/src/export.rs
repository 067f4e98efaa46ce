//! Exports: a history as text, one event a line, to be verified anywhere without a key, a database or a network.
//!
//! A line tells an event twice: as stored fields, for people, and as bytes, for proof. Sealed fields stay sealed. In the
//! export of one clinic the other clinics' events are there as the hashes of their leaves alone. The last line has the
//! newest checkpoint and the keys that verify it. The log is only read, beside a running server too.

use crate::ledger::Shelf;
use crate::verify::Told;
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use booking_domain::ids::ClinicId;
use booking_events::ledger::{StoredEvent, leaf_hash};
use booking_events::{Metadata, describe};
use booking_store::{RawEvent, RawLog};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use uuid::Uuid;

/// A line of an export.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Line {
    /// An event.
    Event(Box<EventLine>),
    /// Another clinic's event.
    Leaf {
        /// Its place.
        leaf: u64,
        /// Hash of its leaf.
        leaf_hash: String,
    },
    /// The last line.
    End {
        /// The newest checkpoint, as it was signed.
        checkpoint: Option<String>,
        /// The keys that verify checkpoints.
        keys: Vec<String>,
    },
}

/// An event of an export.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventLine {
    /// Its place among all events of the log, from 0.
    pub leaf: u64,
    /// Its position.
    pub position: i64,
    /// Its stream.
    pub stream: String,
    /// Its revision there.
    pub revision: i64,
    /// Its id.
    pub id: Uuid,
    /// Type and version.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The metadata; null if its bytes are no JSON.
    pub metadata: Value,
    /// The stored fields under their wire names; null if this release cannot read them.
    pub fields: Value,
    /// The metadata's bytes in base64.
    pub metadata_bytes: String,
    /// The payload's bytes in base64.
    pub payload_bytes: String,
    /// Hash of the leaf, in hexadecimal.
    pub leaf_hash: String,
}

impl EventLine {
    fn of(leaf: u64, event: RawEvent) -> anyhow::Result<Self> {
        let (stream, event_type) = (event.stream.context("no stream")?, event.event_type.context("no type")?);
        let stored = StoredEvent {
            stream: &stream,
            revision: u64::try_from(event.revision)?,
            id: Uuid::from_slice(&event.id)?,
            event_type: &event_type,
            metadata: &event.metadata,
            payload: &event.payload,
        };
        let hash = leaf_hash(leaf, &stored.hash());
        let fields = describe(&event_type, &event.payload).ok().and_then(|text| serde_json::from_str(&text).ok());
        Ok(Self {
            leaf,
            position: event.position,
            revision: event.revision,
            id: stored.id,
            metadata: serde_json::from_slice(&event.metadata).unwrap_or(Value::Null),
            fields: fields.unwrap_or(Value::Null),
            metadata_bytes: BASE64.encode(&event.metadata),
            payload_bytes: BASE64.encode(&event.payload),
            leaf_hash: hex::encode(hash),
            stream,
            event_type,
        })
    }

    /// The event as the log held it, and what the line tells of it beside.
    pub(crate) fn into_raw(self) -> anyhow::Result<(RawEvent, Told)> {
        let bytes = |name: &str, text: &str| BASE64.decode(text).with_context(|| format!("{name} is no base64"));
        let event = RawEvent {
            position: self.position,
            stream: Some(self.stream),
            revision: self.revision,
            id: self.id.into_bytes().to_vec(),
            event_type: Some(self.event_type),
            metadata: bytes("metadata_bytes", &self.metadata_bytes)?,
            payload: bytes("payload_bytes", &self.payload_bytes)?,
        };
        Ok((event, Told { metadata: self.metadata, fields: self.fields }))
    }
}

/// Rows of one read.
const PAGE: u32 = 1_000;

/// Writes the history of a data directory, of one clinic or of all; tells how many events it has come by.
pub async fn export(
    data: &Path,
    clinic: Option<ClinicId>,
    out: &mut (dyn Write + Send),
    mut told: impl FnMut(u64) + Send,
) -> anyhow::Result<()> {
    let mut log = RawLog::open(&data.join("events.db")).await?;
    let (mut after, mut leaf) = (0, 0_u64);
    loop {
        let page = log.in_order(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.position;
        told(page.len() as u64);
        for event in page {
            let own = |clinic| Metadata::parse(&event.metadata).is_ok_and(|metadata| metadata.clinic == clinic);
            let own = clinic.is_none_or(own);
            let at = event.position;
            let line = EventLine::of(leaf, event).with_context(|| format!("the event at position {at}"))?;
            let line = if own { Line::Event(Box::new(line)) } else { Line::Leaf { leaf, leaf_hash: line.leaf_hash } };
            write_line(out, &line)?;
            leaf += 1;
        }
    }
    log.close().await;
    let shelf = Shelf::at(data);
    if let Some(note) = shelf.newest()? {
        let keys = shelf.keys()?.iter().map(ToString::to_string).collect();
        write_line(out, &Line::End { checkpoint: Some(note), keys })?;
    }
    out.flush()?;
    Ok(())
}

fn write_line(out: &mut (dyn Write + Send), line: &Line) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")?;
    Ok(())
}
