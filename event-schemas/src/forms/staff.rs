//! Forms of a staff account's events.

use super::shared::SealedV1;
use crate::primitives::{Id, RoleCode};
use crate::wire::{wire, wire_unit};
use booking_domain::staff::{MemberAdded, MemberRoleChanged};

wire! {
    /// A staff member was added.
    "member-added.v1" MemberAddedV1 for MemberAdded {
        /// The member.
        member: Id,
        /// The one clinic that the account works in.
        clinic: Id,
        /// What it may do.
        role: RoleCode,
        /// Name and e-mail address, sealed under the clinic's audit key.
        identity: SealedV1,
        /// It is a program with a token, not a person.
        machine: bool,
    }

    /// A member's role was changed.
    "member-role-changed.v1" MemberRoleChangedV1 for MemberRoleChanged {
        /// What it may do from now on.
        role: RoleCode,
    }

    /// The account may not be used any more; its history stays.
    "member-disabled.v1" MemberDisabledV1 {
    }

    /// The account may be used again.
    "member-enabled.v1" MemberEnabledV1 {
    }
}

wire_unit!(MemberDisabledV1, MemberEnabledV1);
