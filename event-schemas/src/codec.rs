//! From events to bytes and back: one encoder, and one decode path for live, replay and audit.
//!
//! Decoding is strict. A payload must be exactly the bytes that encoding would give: anything left over, cut off or
//! written in another way than the shortest is refused, so that a payload cannot carry more than its event says.
//! What is refused is an error of the log, never a default.
//!
//! An older form is decoded as it was frozen and then lifted, version by version, to the current one
//! ([`Upcast`]). Nobody outside this crate sees anything but current events.

use crate::wire::Form;

/// An event as it goes into the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Encoded {
    /// The event's type with its version, such as `slot-published.v1`.
    pub event_type: &'static str,
    /// The payload, postcard.
    pub payload: Vec<u8>,
}

/// Why stored bytes are not an event. Such an event is quarantined by its reader, never skipped in silence.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeError {
    /// No release up to this one wrote this type, or not for this aggregate.
    #[error("unknown event type {0:?}")]
    UnknownType(String),
    /// The bytes are not a payload of this type.
    #[error("malformed {event_type}: {reason}")]
    Malformed {
        /// The type that was to be decoded.
        event_type: &'static str,
        /// What the reader stumbled over.
        reason: &'static str,
    },
    /// A whole payload, and more bytes after it.
    #[error("{count} bytes after the end of {event_type}")]
    TrailingBytes {
        /// The type that was to be decoded.
        event_type: &'static str,
        /// How many bytes are left.
        count: usize,
    },
    /// The bytes say the right thing in a longer way than encoding does (an overlong varint).
    #[error("{0} is not in its canonical encoding")]
    NotCanonical(&'static str),
}

/// An aggregate's events, as the log stores them. Generic code of the engine is written over this.
pub trait EventCodec: Sized + 'static {
    /// Every type that decodes into these events, current and former versions.
    const TYPES: &'static [EventType<Self>];

    /// Type and payload of an event, always in its current version.
    fn encode(&self) -> Encoded;

    /// The event of a stored type and payload, lifted to its current version.
    fn decode(event_type: &str, payload: &[u8]) -> Result<Self, DecodeError> {
        (find::<Self>(event_type)?.decode)(payload)
    }

    /// The stored fields under their wire names, in the version in which they were written, for people and exports:
    /// ids and bytes are hexadecimal, instants microseconds, codes numbers, and what is sealed stays sealed.
    fn describe(event_type: &str, payload: &[u8]) -> Result<String, DecodeError> {
        (find::<Self>(event_type)?.describe)(payload)
    }
}

/// One line of the registry: a type that the log may hold.
#[derive(Clone, Copy, Debug)]
pub struct EventType<E> {
    /// Its name with its version.
    pub name: &'static str,
    pub(crate) decode: fn(&[u8]) -> Result<E, DecodeError>,
    pub(crate) describe: fn(&[u8]) -> Result<String, DecodeError>,
}

/// The registry's line of a type.
fn find<E: EventCodec>(event_type: &str) -> Result<&'static EventType<E>, DecodeError> {
    E::TYPES
        .iter()
        .find(|line| line.name == event_type)
        .ok_or_else(|| DecodeError::UnknownType(event_type.chars().take(80).collect()))
}

/// The way of one frozen form to the aggregate's current event: pure and total.
///
/// The current form turns into the event itself. A former one turns into its successor by a hand-written `From` and
/// goes on from there; [`codec!`](crate::codec) writes this step for every line under `former`.
pub trait Upcast<E>: Form {
    /// The current event.
    fn upcast(self) -> E;
}

/// The bytes of a form.
pub(crate) fn to_bytes<F: Form>(form: &F) -> Vec<u8> {
    // Postcard fails on sequences of unknown length and on full buffers; forms have neither, and `Vec` grows. Were it
    // to happen, the empty payload would be refused by every reader, and a test encodes every type.
    postcard::to_stdvec(form).unwrap_or_default()
}

/// The form of these bytes: all of them, and in the canonical encoding.
pub(crate) fn from_bytes<F: Form>(bytes: &[u8]) -> Result<F, DecodeError> {
    let event_type = F::DOC.name;
    let (form, rest) = postcard::take_from_bytes::<F>(bytes)
        .map_err(|error| DecodeError::Malformed { event_type, reason: reason(&error) })?;
    if !rest.is_empty() {
        return Err(DecodeError::TrailingBytes { event_type, count: rest.len() });
    }
    // Of everything that postcard reads only a varint can be written in two ways, and the other way is longer. So the
    // length alone decides, and the payload need not be written again to be compared.
    let canonical = postcard::serialize_with_flavor(&form, postcard::ser_flavors::Size::default());
    if canonical.is_ok_and(|length| length == bytes.len()) {
        Ok(form)
    } else {
        Err(DecodeError::NotCanonical(event_type))
    }
}

/// Decodes one version and lifts it.
pub(crate) fn lift<E, F: Upcast<E>>(bytes: &[u8]) -> Result<E, DecodeError> {
    from_bytes::<F>(bytes).map(Upcast::upcast)
}

/// The fields of one version as JSON.
pub(crate) fn describe<F: Form>(bytes: &[u8]) -> Result<String, DecodeError> {
    let form = from_bytes::<F>(bytes)?;
    serde_json::to_string_pretty(&form)
        .map_err(|_| DecodeError::Malformed { event_type: F::DOC.name, reason: "has no JSON view" })
}

/// What postcard means, without its numbers.
fn reason(error: &postcard::Error) -> &'static str {
    use postcard::Error;
    match error {
        Error::DeserializeUnexpectedEnd => "ends too early",
        Error::DeserializeBadVarint => "holds a number that is too large",
        Error::DeserializeBadBool => "holds a bool that is neither 0 nor 1",
        Error::DeserializeBadOption => "holds an option that is neither 0 nor 1",
        Error::DeserializeBadUtf8 => "holds a text that is not UTF-8",
        _ => "cannot be read",
    }
}

/// Writes the [`EventCodec`] of an aggregate: one line per variant of its enum, then one per former version.
///
/// `SlotPublished(event) = SlotPublishedV1` says which form is the variant's current one (a variant without data has
/// no parentheses). `former { SlotPublishedV0 => SlotPublishedV1 }` says that the log may still hold version 0; the
/// step itself is `impl From<SlotPublishedV0> for SlotPublishedV1`.
macro_rules! codec {
    ($enum:ident { $($variant:ident $(($bound:ident))? = $form:ident,)* } former { $($old:ident => $next:ident,)* }) => {
        $(
            impl $crate::codec::Upcast<$enum> for $form {
                fn upcast(self) -> $enum {
                    $crate::codec::made!($enum::$variant, self $(, $bound)?)
                }
            }
        )*
        $(
            impl $crate::codec::Upcast<$enum> for $old {
                fn upcast(self) -> $enum {
                    <$next as $crate::codec::Upcast<$enum>>::upcast(<$next>::from(self))
                }
            }
        )*

        impl $crate::codec::EventCodec for $enum {
            const TYPES: &'static [$crate::codec::EventType<Self>] = &[
                $($crate::codec::line!($form),)*
                $($crate::codec::line!($old),)*
            ];

            fn encode(&self) -> $crate::codec::Encoded {
                match self {
                    $(Self::$variant $(($bound))? => $crate::codec::Encoded {
                        event_type: <$form as $crate::wire::Form>::DOC.name,
                        payload: $crate::codec::to_bytes(
                            &<$form as $crate::wire::Wire<_>>::to_wire($crate::codec::data!($($bound)?)),
                        ),
                    },)*
                }
            }
        }

        #[cfg(test)]
        impl $crate::tests::sample::Samples for $enum {
            const CURRENT: &'static [$crate::tests::sample::Current<Self>] =
                &[$($crate::tests::sample::Current::of::<$form>(),)*];
        }
    };
}

/// One line of the registry.
macro_rules! line {
    ($form:ident) => {
        $crate::codec::EventType {
            name: <$form as $crate::wire::Form>::DOC.name,
            decode: $crate::codec::lift::<Self, $form>,
            describe: $crate::codec::describe::<$form>,
        }
    };
}

/// The variant made of a form, with its data or without.
macro_rules! made {
    ($enum:ident::$variant:ident, $form:ident, $bound:ident) => {
        $enum::$variant($crate::wire::Wire::into_domain($form))
    };
    ($enum:ident::$variant:ident, $form:ident) => {{
        let () = $crate::wire::Wire::into_domain($form);
        $enum::$variant
    }};
}

/// The data of a variant, or nothing.
macro_rules! data {
    ($bound:ident) => {
        $bound
    };
    () => {
        &()
    };
}

pub(crate) use {codec, data, line, made};

#[cfg(test)]
#[path = "tests/codec.rs"]
mod tests;
