//! A staff account, or a machine's: its role, and whether it may be used.
//!
//! Stream `staff-{member}`. The names of the events *are* the storage format. "A clinic keeps one enabled
//! administrator" is not decided here: it rests on other members' streams, so the caller reads them to their heads
//! before it demotes or disables an administrator, and puts two such commands of one clinic in a row.

use crate::ids::{ClinicId, MemberId};
use crate::sealed::Sealed;
use crate::values::{BadField, Role, Stale, Stamp, check_match};

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

/// A staff account as its events made it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Staff {
    /// None until it is added.
    pub added: Option<MemberAdded>,
    /// Its role now; none until it is added.
    pub role: Option<Role>,
    /// It may not be used.
    pub disabled: bool,
    /// Revision that last touched it.
    pub touched: u64,
}

impl Staff {
    /// What the account may do now: nothing if it was never added or is disabled.
    #[must_use]
    pub fn active_role(&self) -> Option<Role> {
        self.role.filter(|_| !self.disabled)
    }
    /// True if it counts for "a clinic keeps one enabled administrator". A program does not: it cannot be called.
    #[must_use]
    pub fn is_active_administrator(&self) -> bool {
        let person = self.added.as_ref().is_some_and(|a| !a.machine);
        person && self.active_role() == Some(Role::Administrator)
    }

    /// Takes in an event of this stream, oldest first.
    pub fn evolve(&mut self, event: &StaffEvent, stamp: Stamp) {
        self.touched = stamp.revision;
        match event {
            StaffEvent::MemberAdded(e) => {
                self.role = Some(e.role);
                self.added = Some(e.clone());
            }
            StaffEvent::MemberRoleChanged(e) => self.role = Some(e.role),
            StaffEvent::MemberDisabled => self.disabled = true,
            StaffEvent::MemberEnabled => self.disabled = false,
        }
    }
}

/// Why a command on a staff account is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StaffRefusal {
    /// The id belongs to another account.
    #[error("this member exists already")]
    AlreadyAdded,
    /// There is no such member.
    #[error("there is no such member")]
    UnknownMember,
    /// The resource changed since it was read.
    #[error(transparent)]
    Stale(#[from] Stale),
    /// A field breaks a rule of form.
    #[error(transparent)]
    BadField(#[from] BadField),
}

type Decision = Result<Vec<StaffEvent>, StaffRefusal>;

impl Staff {
    fn known(&self) -> Result<(), StaffRefusal> {
        self.added.as_ref().map(|_| ()).ok_or(StaffRefusal::UnknownMember)
    }
}

fn check_role(role: Role) -> Result<(), BadField> {
    if matches!(role, Role::Unknown(_)) { Err(BadField::new("role", "is not known")) } else { Ok(()) }
}

/// `AddMember`. That the e-mail address is not in use is for the caller to check, in the vault.
pub fn decide_add_member(staff: &Staff, command: MemberAdded) -> Decision {
    match &staff.added {
        // The seal is not compared: sealing the same name twice gives different bytes.
        Some(known) if known.clinic == command.clinic && known.machine == command.machine => return Ok(vec![]),
        Some(_) => return Err(StaffRefusal::AlreadyAdded),
        None => {}
    }
    check_role(command.role)?;
    Ok(vec![StaffEvent::MemberAdded(command)])
}

/// `ChangeMemberRole`. The caller has seen to it that an administrator remains.
pub fn decide_change_member_role(staff: &Staff, role: Role, if_match: Option<u64>) -> Decision {
    staff.known()?;
    check_match(if_match, staff.touched)?;
    check_role(role)?;
    let same = staff.role == Some(role);
    Ok(if same { vec![] } else { vec![StaffEvent::MemberRoleChanged(MemberRoleChanged { role })] })
}

/// `DisableMember`. The caller has seen to it that an administrator remains.
pub fn decide_disable_member(staff: &Staff, if_match: Option<u64>) -> Decision {
    staff.known()?;
    check_match(if_match, staff.touched)?;
    Ok(if staff.disabled { vec![] } else { vec![StaffEvent::MemberDisabled] })
}

/// `EnableMember`.
pub fn decide_enable_member(staff: &Staff, if_match: Option<u64>) -> Decision {
    staff.known()?;
    check_match(if_match, staff.touched)?;
    Ok(if staff.disabled { vec![StaffEvent::MemberEnabled] } else { vec![] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(seal: u8) -> MemberAdded {
        let identity = Sealed { seal_id: [seal; 16], key_version: 1, schema: 1, nonce: [seal; 24], ciphertext: vec![] };
        let (member, clinic) = (MemberId::from_bytes([1; 16]), ClinicId::from_bytes([2; 16]));
        MemberAdded { member, clinic, role: Role::Administrator, identity, machine: false }
    }
    fn given(events: impl IntoIterator<Item = StaffEvent>) -> Staff {
        let mut staff = Staff::default();
        for (revision, event) in (0..).zip([StaffEvent::MemberAdded(added(1))].into_iter().chain(events)) {
            staff.evolve(&event, Stamp { revision, ..Stamp::default() });
        }
        staff
    }

    #[test]
    fn adding_the_same_member_again_is_nothing_and_another_is_refused() {
        let staff = given([]);
        assert_eq!(decide_add_member(&Staff::default(), added(1)).map(|e| e.len()), Ok(1));
        assert_eq!(decide_add_member(&staff, added(9)), Ok(vec![]));
        let foreign = MemberAdded { clinic: ClinicId::default(), ..added(1) };
        assert_eq!(decide_add_member(&staff, foreign), Err(StaffRefusal::AlreadyAdded));
    }

    #[test]
    fn a_role_that_is_not_known_is_not_given() {
        let unknown = MemberAdded { role: Role::Unknown(9), ..added(1) };
        assert!(matches!(decide_add_member(&Staff::default(), unknown), Err(StaffRefusal::BadField(_))));
        let change = decide_change_member_role(&given([]), Role::Unknown(9), None);
        assert!(matches!(change, Err(StaffRefusal::BadField(_))));
    }

    #[test]
    fn a_disabled_member_may_do_nothing_until_it_is_enabled_again() {
        let staff = given([StaffEvent::MemberDisabled]);
        assert_eq!(staff.active_role(), None);
        assert!(!staff.is_active_administrator());
        assert_eq!(decide_disable_member(&staff, Some(1)), Ok(vec![]));
        assert_eq!(decide_enable_member(&staff, None), Ok(vec![StaffEvent::MemberEnabled]));
        let staff = given([StaffEvent::MemberDisabled, StaffEvent::MemberEnabled]);
        assert!(staff.is_active_administrator());
        assert_eq!(decide_enable_member(&staff, None), Ok(vec![]));
    }

    #[test]
    fn a_change_of_role_names_the_revision_that_it_saw() {
        let staff = given([]);
        let auditor = MemberRoleChanged { role: Role::Auditor };
        let changed = decide_change_member_role(&staff, Role::Auditor, Some(0));
        assert_eq!(changed, Ok(vec![StaffEvent::MemberRoleChanged(auditor)]));
        assert_eq!(decide_change_member_role(&staff, Role::Administrator, None), Ok(vec![]));
        let stale = decide_change_member_role(&staff, Role::Auditor, Some(4));
        assert_eq!(stale, Err(StaffRefusal::Stale(Stale { current: 0 })));
    }

    #[test]
    fn nothing_can_be_said_of_a_member_that_was_never_added() {
        let nobody = Staff::default();
        assert_eq!(decide_disable_member(&nobody, None), Err(StaffRefusal::UnknownMember));
        assert_eq!(decide_enable_member(&nobody, None), Err(StaffRefusal::UnknownMember));
        assert_eq!(decide_change_member_role(&nobody, Role::Auditor, None), Err(StaffRefusal::UnknownMember));
    }
}
