//! Identifiers: one type per kind of thing, each sixteen opaque bytes.
//!
//! Ids are made outside the domain (they need randomness or a hash) and arrive in commands.
//! None of them says anything about a person.

use std::fmt;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The id's sixteen bytes, as they stand in events.
            pub const fn bytes(self) -> [u8; 16] { self.0.into_bytes() }
            /// The id made of these sixteen bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self { Self(Uuid::from_bytes(bytes)) }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.hyphenated().fmt(f) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.hyphenated())
            }
        }
        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(s: &str) -> Result<Self, Self::Err> { Uuid::try_parse(s).map(Self) }
        }
        impl From<Uuid> for $name { fn from(id: Uuid) -> Self { Self(id) } }
    )*};
}

ids! {
    /// A clinic: the tenant, called `Institution` in the sources.
    ClinicId;
    /// A practitioner (intervenant) of one clinic.
    PractitionerId;
    /// One practitioner's calendar in one clinic.
    AgendaId;
    /// An internal appointment type.
    ActivityId;
    /// An online service that patients choose.
    ServiceId;
    /// A block of opened time in an agenda.
    SlotId;
    /// A schedule template.
    TemplateId;
    /// The recurrence that a slot was laid down by.
    RecurrenceId;
    /// One bulk command; its undo names it.
    BulkId;
    /// A hold on an availability.
    HoldId;
    /// An appointment, kept through moves.
    AppointmentId;
    /// A patient record.
    PatientId;
    /// A person whose personal data is sealed under one key: a patient, or a provisional contact.
    SubjectId;
    /// A visit to the portal: one identification.
    VisitId;
    /// A staff member, or a machine with a token.
    MemberId;
    /// A command; its events carry it, so that a retry finds its own outcome.
    CommandId;
}

impl From<PatientId> for SubjectId {
    /// A patient's subject has the patient's id.
    fn from(patient: PatientId) -> Self {
        Self(patient.0)
    }
}
