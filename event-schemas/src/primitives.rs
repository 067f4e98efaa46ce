//! The smallest parts of a form: ids, hashes, bytes, codes, dates and instants.
//!
//! Postcard writes fixed bytes as they are, everything longer than a byte as a varint (`docs/README.md` has the rules).
//! `Uuid` itself must never stand in a form: it would write a length first. In the JSON view bytes are hexadecimal.

use crate::wire::{CodeDoc, Wire};
use booking_domain::clinic::UsageOrDefault;
use booking_domain::ids;
use booking_domain::time;
use booking_domain::values;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// A wall date: days since 1970-01-01.
pub type Date = i32;
/// A wall time: minutes since local midnight, 1440 is the end of the day.
pub type WallTime = u16;
/// An instant: microseconds since 1970-01-01T00:00:00Z.
pub type Micros = i64;

/// Declares bytes of a fixed number: as they are in postcard, hexadecimal in the JSON view.
macro_rules! fixed {
    ($($(#[$doc:meta])* $name:ident $length:literal)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub struct $name(pub [u8; $length]);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.serialize_str(&hex::encode(self.0))
                } else {
                    self.0.serialize(serializer)
                }
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let mut bytes = [0; $length];
                    let text = <&str>::deserialize(deserializer)?;
                    hex::decode_to_slice(text, &mut bytes).map_err(de::Error::custom)?;
                    Ok(Self(bytes))
                } else {
                    <[u8; $length]>::deserialize(deserializer).map(Self)
                }
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }
        impl Wire<[u8; $length]> for $name {
            fn to_wire(value: &[u8; $length]) -> Self { Self(*value) }
            fn into_domain(self) -> [u8; $length] { self.0 }
        }
        #[cfg(test)]
        impl crate::tests::sample::Sample for $name {
            fn sample(s: &mut crate::tests::sample::Sampler) -> Self { Self(s.bytes()) }
        }
    )*};
}

fixed! {
    /// An id: sixteen bytes.
    Id 16
    /// The nonce of a seal.
    Nonce 24
    /// A SHA-256.
    Hash 32
}

/// Bytes of any number, their number first.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&hex::encode(&self.0))
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            hex::decode(<&str>::deserialize(deserializer)?).map(Self).map_err(de::Error::custom)
        } else {
            <&[u8]>::deserialize(deserializer).map(|bytes| Self(bytes.to_vec()))
        }
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

impl Wire<Vec<u8>> for Bytes {
    fn to_wire(value: &Vec<u8>) -> Self {
        Self(value.clone())
    }
    fn into_domain(self) -> Vec<u8> {
        self.0
    }
}

/// Ids of the domain are sixteen bytes.
macro_rules! wire_ids {
    ($($id:ident)*) => {$(
        impl Wire<ids::$id> for Id {
            fn to_wire(value: &ids::$id) -> Self { Self(value.bytes()) }
            fn into_domain(self) -> ids::$id { ids::$id::from_bytes(self.0) }
        }
    )*};
}
wire_ids! {
    ClinicId PractitionerId AgendaId ActivityId ServiceId SlotId TemplateId RecurrenceId BulkId HoldId AppointmentId
    PatientId SubjectId VisitId MemberId CommandId
}

/// What is the same in the domain and on the wire.
macro_rules! wire_same {
    ($($ty:ty)*) => {$(
        impl Wire<$ty> for $ty {
            fn to_wire(value: &$ty) -> Self { value.clone() }
            fn into_domain(self) -> $ty { self }
        }
    )*};
}
wire_same! { bool u8 u16 u32 u64 i32 i64 String }

impl Wire<time::WallDate> for Date {
    fn to_wire(value: &time::WallDate) -> Self {
        value.0
    }
    fn into_domain(self) -> time::WallDate {
        time::WallDate(self)
    }
}

impl Wire<time::WallTime> for WallTime {
    fn to_wire(value: &time::WallTime) -> Self {
        value.0
    }
    fn into_domain(self) -> time::WallTime {
        time::WallTime(self)
    }
}

impl Wire<time::Instant> for Micros {
    fn to_wire(value: &time::Instant) -> Self {
        value.0
    }
    fn into_domain(self) -> time::Instant {
        time::Instant(self)
    }
}

/// Declares the wire types of lists of codes; `for` names the domain's list, literals give the codes of a kind.
macro_rules! code_types {
    ($($(#[doc = $doc:literal])+ $name:ident $(for $domain:path)? $(= [$($code:literal $text:literal),*])?;)*) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
            pub struct $name(pub u8);

            impl $name {
                /// Name, meaning and codes.
                pub const DOC: CodeDoc = CodeDoc {
                    name: stringify!($name),
                    doc: concat!($($doc),+),
                    codes: $(<$domain>::CODES)? $(&[$(($code, $text)),*])?,
                };
            }
            $(
                impl Wire<$domain> for $name {
                    fn to_wire(value: &$domain) -> Self { Self(value.code()) }
                    fn into_domain(self) -> $domain { <$domain>::from_code(self.0) }
                }
            )?
            #[cfg(test)]
            impl crate::tests::sample::Sample for $name {
                fn sample(s: &mut crate::tests::sample::Sampler) -> Self { Self(s.code(&Self::DOC)) }
            }
        )*

        /// Every list of codes, for the field docs.
        pub const CODE_DOCS: &[CodeDoc] = &[$($name::DOC),*];
    };
}

code_types! {
    /// A language of the portal and of messages.
    LanguageCode for values::Language;
    /// How an appointment takes place.
    ModalityCode for values::Modality;
    /// Where a slot came from.
    OriginCode for values::Origin;
    /// Sex as on file.
    SexCode for values::Sex;
    /// What a service may be used for.
    UsageCode for values::Usage;
    /// How recognition must be proven before restricted services open.
    RecognitionProofCode for values::RecognitionProof;
    /// What the portal knew of its visitor.
    ViewerClassCode for values::ViewerClass;
    /// A value of the registration criterion.
    RegistrationKindCode for values::RegistrationKind;
    /// Unit of an age range.
    AgeUnitCode for values::AgeUnit;
    /// Who booked an appointment.
    BookedByCode for values::BookedBy;
    /// The life of an appointment.
    StatusCode for values::Status;
    /// Why a hold ended before its time.
    HoldEndCode for values::HoldEnd;
    /// Who or what asked that a person be forgotten.
    ErasureBasisCode for values::ErasureBasis;
    /// Why a person is not forgotten.
    ErasureGroundCode for values::ErasureGround;
    /// A staff role.
    RoleCode for values::Role;
    /// What became of an asking on the portal.
    DemandReasonCode for values::DemandReason;
    /// What kind of caller asked for personal data.
    AccessActorCode for values::AccessActor;
    /// What became of an asking for personal data.
    AccessOutcomeCode for values::AccessOutcome;
    /// Kind of a condition on the patient.
    CriterionCode = [0 "age_range", 1 "sex", 2 "registration", 3 "existing_record"];
    /// Kind of a practitioner filter.
    FilterCode = [0 "all", 1 "only", 2 "all_except"];
    /// Kind of a service's publication rule.
    PublicationRuleCode = [0 "at_once", 1 "minutes_before", 2 "days_before"];
    /// Kind of a slot's own publication.
    PublicationOverrideCode = [0 "none", 1 "at", 2 "minutes_before"];
    /// Kind of a patient's registration with a family doctor.
    RegistrationCode = [0 "none", 1 "practitioner", 2 "clinic", 3 "elsewhere"];
}

impl Wire<UsageOrDefault> for UsageCode {
    fn to_wire(value: &UsageOrDefault) -> Self {
        Self::to_wire(&value.0)
    }
    fn into_domain(self) -> UsageOrDefault {
        UsageOrDefault(self.into_domain())
    }
}

impl Wire<u8> for CriterionCode {
    fn to_wire(value: &u8) -> Self {
        Self(*value)
    }
    fn into_domain(self) -> u8 {
        self.0
    }
}
