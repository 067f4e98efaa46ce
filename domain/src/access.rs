//! Who saw whose data: one observation per answer, listing the persons shown.
//!
//! Stream `access-{clinic}.{yyyymmdd}.{writer}`. The names of the events *are* the storage format. These are
//! observations, like those of [`crate::demand`]: nothing is decided on them, so there is no state and there are no
//! commands. None of it is personal data: persons and members are opaque ids, texts are words of this product.

use crate::ids::{ClinicId, CommandId, MemberId, SubjectId};
use crate::values::{AccessActor, AccessOutcome};

/// An answer showed personal data, or was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccessRecorded {
    /// The clinic.
    pub clinic: ClinicId,
    /// The member who asked; none for a link or the operator.
    pub member: Option<MemberId>,
    /// What kind of caller asked.
    pub actor_kind: AccessActor,
    /// The operation's id in the API, such as `getAppointment`; never a path, which may hold ids.
    pub route: String,
    /// The persons whose data the answer shows, or would have shown.
    pub subjects: Vec<SubjectId>,
    /// What became of it.
    pub outcome: AccessOutcome,
    /// Why it was asked for, or refused: a code word, never free text.
    pub reason: Option<String>,
    /// The request.
    pub request: CommandId,
}

/// Why somebody asks for personal data, as far as they say so: words of this product, never free text.
pub const PURPOSES: [&str; 7] =
    ["care", "booking", "identification", "patient_request", "complaint", "audit", "support"];

/// The purpose of that word.
#[must_use]
pub fn purpose(word: &str) -> Option<&'static str> {
    PURPOSES.into_iter().find(|known| *known == word)
}

/// What is observed of access.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccessEvent {
    /// See [`AccessRecorded`].
    AccessRecorded(AccessRecorded),
}
