//! Forms of what is observed of access.

use crate::primitives::{AccessActorCode, AccessOutcomeCode, Id};
use crate::wire::wire;
use booking_domain::access::AccessRecorded;

wire! {
    /// An answer showed personal data, or was refused.
    "access-recorded.v1" AccessRecordedV1 for AccessRecorded {
        /// The clinic.
        clinic: Id,
        /// The member who asked; none for a link or the operator.
        member: Option<Id>,
        /// What kind of caller asked.
        actor_kind: AccessActorCode,
        /// The operation's id in the API, such as `getAppointment`; never a path, which may hold ids.
        route: String,
        /// The persons whose data the answer shows, or would have shown.
        subjects: Vec<Id>,
        /// What became of it.
        outcome: AccessOutcomeCode,
        /// Why it was asked for, or refused: a code word, never free text.
        reason: Option<String>,
        /// The request.
        request: Id,
    }
}
