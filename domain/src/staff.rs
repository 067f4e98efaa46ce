//! A staff account, or a machine's: its role, and whether it may be used.
//!
//! Stream `staff-{member}`. The names of the events *are* the storage format. "A clinic keeps one enabled
//! administrator" is not decided here: it rests on other members' streams, so the caller reads them to their heads
//! before it demotes or disables an administrator, and puts two such commands of one clinic in a row.

use crate::ids::{ClinicId, MemberId};
use crate::sealed::Sealed;
use crate::values::Role;

/// A member was added.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberAdded {
    /// The member.
    pub member: MemberId,
    /// The one clinic that the account works in.
    pub clinic: ClinicId,
    /// What it may do.
    pub role: Role,
    /// Name and e-mail address, sealed under the clinic's audit key, which no patient's erasure destroys.
    pub identity: Sealed,
    /// It is a program with a token, not a person.
    pub machine: bool,
}

/// A member's role was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemberRoleChanged {
    /// What it may do from now on.
    pub role: Role,
}

/// What happens to a staff account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StaffEvent {
    /// See [`MemberAdded`].
    MemberAdded(MemberAdded),
    /// See [`MemberRoleChanged`].
    MemberRoleChanged(MemberRoleChanged),
    /// The account may not be used any more; its history stays.
    MemberDisabled,
    /// The account may be used again.
    MemberEnabled,
}
