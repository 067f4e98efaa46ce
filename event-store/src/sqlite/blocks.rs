//! Many events in one row: a row costs the driver some eight microseconds, whatever is in it, and an event in a block one
//! and a half, most of them the database engine's.
//!
//! A block is its events one after the other, each as seven numbers in decimal digits, a space after each, and four
//! values to the byte:
//!
//! ```text
//! position revision type length(id) length(stream) length(metadata) length(payload) id stream metadata payload
//! ```
//!
//! The database engine puts them together and has no say in what they mean: whoever reads checks every length, and the
//! reader of pages every position.

use crate::port::ReadError;
use crate::validate::{MAX_METADATA_BYTES, MAX_PAYLOAD_BYTES};
use uuid::Uuid;

// The most that a value may have in a database engine that nobody told otherwise.
const _: () = assert!(256 * (MAX_PAYLOAD_BYTES + MAX_METADATA_BYTES + 1_000) < 1_000_000_000);

macro_rules! blocks {
    (of: $from:literal, by: $number:literal, stream: $stream:literal) => {
        concat!(
            "WITH RECURSIVE block(first) AS ",
            "(SELECT ?1 UNION ALL SELECT first + 256 FROM block WHERE first + 256 <= ?2) ",
            "SELECT (SELECT CAST(group_concat(event, '') AS BLOB) FROM (SELECT format('%d %d %d %d %d %d %d ', ",
            "position, revision, type, octet_length(event_id), octet_length(",
            $stream,
            "), octet_length(metadata), ",
            "octet_length(payload)) || event_id || ",
            $stream,
            " || metadata || payload AS event FROM ",
            $from,
            $number,
            " BETWEEN first AND min(first + 255, ?2) ORDER BY ",
            $number,
            ")) FROM block"
        )
    };
}

/// The events from position ?1 to position ?2, 256 in each row.
pub(super) const IN_ORDER: &str =
    blocks!(of: "events CROSS JOIN streams ON streams.id = stream WHERE ", by: "position", stream: "name");
/// The events of stream ?3 from revision ?1 to revision ?2, 256 in each row, without the stream's name.
pub(super) const OF_STREAM: &str = blocks!(of: "events WHERE stream = ?3 AND ", by: "revision", stream: "''");

/// An event as it lies in its block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stored<'a> {
    pub(super) position: u64,
    pub(super) revision: u64,
    pub(super) event_type: i64,
    pub(super) id: Uuid,
    /// Empty where the statement left it out.
    pub(super) stream: &'a str,
    pub(super) metadata: &'a str,
    pub(super) payload: &'a [u8],
}

/// What is left of a block. Its events come in the block's order, and after damage nothing more.
pub(super) struct Block<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Block<'a> {
    type Item = Result<Stored<'a>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let stored = self.stored();
        if stored.is_none() {
            self.0 = &[];
        }
        Some(stored.ok_or_else(|| ReadError::Corrupt("a row that cannot be taken apart".to_owned())))
    }
}

impl<'a> Block<'a> {
    fn stored(&mut self) -> Option<Stored<'a>> {
        let [position, revision] = [self.number()?, self.number()?];
        let event_type = i64::try_from(self.number()?).ok()?;
        let [id, stream, metadata, payload] = [self.number()?, self.number()?, self.number()?, self.number()?];
        Some(Stored {
            position,
            revision,
            event_type,
            id: Uuid::from_slice(self.bytes(id)?).ok()?,
            stream: str::from_utf8(self.bytes(stream)?).ok()?,
            metadata: str::from_utf8(self.bytes(metadata)?).ok()?,
            payload: self.bytes(payload)?,
        })
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        loop {
            let (first, rest) = self.0.split_first()?;
            self.0 = rest;
            match first {
                b'0'..=b'9' => number = number.checked_mul(10)?.checked_add(u64::from(first - b'0'))?,
                b' ' => return Some(number),
                _ => return None,
            }
        }
    }

    fn bytes(&mut self, length: u64) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[u8] = b"7 0 3 16 8 2 3 0123456789abcdefclinic-a{}\x00\xff 8 1 3 16 8 2 0 0123456789abcdefclinic-a{}";

    #[test]
    fn a_block_is_its_events_one_after_the_other() {
        let events: Vec<_> = Block(TWO).map(Result::unwrap).collect();
        let id = Uuid::from_bytes(*b"0123456789abcdef");
        let (stream, metadata, event_type) = ("clinic-a", "{}", 3);
        let first = Stored { position: 7, revision: 0, event_type, id, stream, metadata, payload: b"\x00\xff " };
        let second = Stored { position: 8, revision: 1, event_type, id, stream, metadata, payload: b"" };
        assert_eq!(events, [first, second]);
        assert_eq!(Block(b"").count(), 0);
    }

    #[test]
    fn a_block_that_is_cut_off_anywhere_else_than_between_two_events_is_damage() {
        let between = TWO.len() - b"8 1 3 16 8 2 0 0123456789abcdefclinic-a{}".len();
        for length in 1..TWO.len() {
            let whole = Block(&TWO[..length]).all(|event| event.is_ok());
            assert_eq!(whole, length == between, "{length}");
        }
    }

    #[test]
    fn what_is_no_number_no_id_or_no_text_is_damage() {
        for bad in [
            &b"-1 0 3 16 0 2 0 0123456789abcdef{}"[..],
            b" 0 3 16 0 2 0 0123456789abcdef{}x",
            b"99999999999999999999 0 3 16 0 2 0 0123456789abcdef{}",
            b"7 0 3 15 0 2 0 0123456789abcde{}",
            b"7 0 3 16 0 2 0 0123456789abcdef\xff\xff",
        ] {
            assert!(Block(bad).any(|event| event.is_err()), "{bad:?}");
        }
    }
}
