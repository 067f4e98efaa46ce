//! Forms that stand inside the events of several aggregates.

use crate::primitives::{Bytes, Id, Micros, Nonce};
use crate::wire::wire;
use booking_domain::sealed::Sealed;
use booking_domain::time::Span;
use booking_domain::values::Localized;

wire! {
    /// A text in the portal's languages; where one is empty, the other is shown.
    LocalizedV1 for Localized {
        /// French.
        fr: String,
        /// English.
        en: String,
    }

    /// A stretch of time.
    SpanV1 for Span {
        /// First instant, microseconds since 1970-01-01T00:00:00Z.
        start: Micros,
        /// First instant after it, microseconds since 1970-01-01T00:00:00Z.
        end: Micros,
    }

    /// Personal data, encrypted with XChaCha20-Poly1305 under the person's own key. Nothing inside can be read from the
    /// log alone, and nothing at all once the key is destroyed.
    SealedV1 for Sealed {
        /// Random id of the seal, bound into the ciphertext.
        seal_id: Id,
        /// Which of the person's keys.
        key_version: u16,
        /// Version of the plaintext's form.
        schema: u16,
        /// The cipher's nonce, 24 random bytes.
        nonce: Nonce,
        /// The ciphertext, the 16 bytes of the authentication tag last.
        ciphertext: Bytes,
    }
}
