//! Commands on staff accounts: members, roles, machine tokens.

use crate::Engine;
use crate::context::Context;
use crate::transact::{Failure, Outcome};
use crate::vault::{Lease, Staff as Account, Token};
use booking_domain::ids::MemberId;
use booking_domain::phi::Phi;
use booking_domain::staff::{self, MemberAdded, Staff, StaffEvent, StaffRefusal};
use booking_domain::stream::StreamName;
use booking_domain::values::{BadField, Role};
use booking_events::sealed_forms::StaffIdentity;
use booking_store::fold::Folded;

/// How long a node waits for its turn.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
/// How long a one-time sign-in link is good, in minutes.
pub const INVITATION_MINUTES: i64 = 60;

/// A member that is to be added.
#[derive(Clone, Debug)]
pub struct NewMember {
    /// Its id.
    pub member: MemberId,
    /// Its name.
    pub name: Phi<String>,
    /// Its e-mail address.
    pub email: Phi<String>,
    /// What it may do.
    pub role: Role,
}

impl Engine {
    async fn on_member(
        &self,
        ctx: &Context,
        member: MemberId,
        decide: impl Fn(&Staff) -> Result<Vec<StaffEvent>, StaffRefusal> + Send + Sync,
    ) -> Outcome<Staff, StaffRefusal> {
        let clinic = ctx.clinic;
        self.transact(ctx, &StreamName::staff(member), "member", |m: &Folded<Staff>, _| {
            if m.state.added.as_ref().is_some_and(|a| a.clinic != clinic) {
                return Err(StaffRefusal::UnknownMember);
            }
            decide(&m.state)
        })
        .await
    }

    /// `AddMember`: the account, and a one-time link to sign in with.
    pub async fn add_member(&self, ctx: &Context, new: &NewMember) -> Result<Token, Failure<StaffRefusal>> {
        let identity = StaffIdentity { name: new.name.expose().clone(), email: new.email.expose().clone() };
        let identity = self.seal_staff(ctx.clinic, new.member, &identity).await?;
        let added = MemberAdded { member: new.member, clinic: ctx.clinic, role: new.role, identity, machine: false };
        let account = Account { clinic: ctx.clinic, member: new.member };
        let now = self.clock.now();
        // The address first: two members of a clinic cannot share one, and the vault's constraint says so.
        let token = match self.vault.invite(account, &new.email, now, now.plus_minutes(INVITATION_MINUTES)).await {
            Err(crate::vault::VaultError::Exists) => {
                return Err(Failure::Refused(BadField::new("email", "belongs to another member").into()));
            }
            other => other?,
        };
        self.on_member(ctx, new.member, |m| staff::decide_add_member(m, added.clone())).await?;
        Ok(token)
    }

    /// Adds a machine: a program with a bearer token instead of a person with a password.
    pub async fn add_machine(
        &self,
        ctx: &Context,
        member: MemberId,
        label: &str,
        role: Role,
    ) -> Outcome<Staff, StaffRefusal> {
        let identity = StaffIdentity { name: label.to_owned(), email: String::new() };
        let identity = self.seal_staff(ctx.clinic, member, &identity).await?;
        let added = MemberAdded { member, clinic: ctx.clinic, role, identity, machine: true };
        self.on_member(ctx, member, |m| staff::decide_add_member(m, added.clone())).await
    }

    /// The member, read to the head of its stream.
    pub async fn member(
        &self,
        member: MemberId,
    ) -> Result<std::sync::Arc<Folded<Staff>>, booking_store::fold::FoldError> {
        self.read::<Staff>(&StreamName::staff(member)).await
    }

    /// `ChangeMemberRole`. `others` are the clinic's other members: one of them must be an administrator if this one
    /// is not to be.
    pub async fn change_member_role(
        &self,
        ctx: &Context,
        member: MemberId,
        role: Role,
        others: &[MemberId],
        if_match: Option<u64>,
    ) -> Outcome<Staff, StaffRefusal> {
        let _row = self.administrators.lock().await;
        let turn = self.turn_among_nodes().await?;
        let done = async {
            if role != Role::Administrator {
                self.leaves_an_administrator(member, others).await?;
            }
            self.on_member(ctx, member, |m| staff::decide_change_member_role(m, role, if_match)).await
        };
        let done = done.await;
        self.vault.give_back(turn).await?;
        done
    }

    /// `DisableMember`: the next request of the account is refused.
    pub async fn disable_member(
        &self,
        ctx: &Context,
        member: MemberId,
        others: &[MemberId],
        if_match: Option<u64>,
    ) -> Outcome<Staff, StaffRefusal> {
        let _row = self.administrators.lock().await;
        let turn = self.turn_among_nodes().await?;
        let done = async {
            self.leaves_an_administrator(member, others).await?;
            self.on_member(ctx, member, |m| staff::decide_disable_member(m, if_match)).await
        };
        let done = done.await;
        self.vault.give_back(turn).await?;
        let done = done?;
        self.vault.set_disabled(Account { clinic: ctx.clinic, member }, true, self.clock.now()).await?;
        Ok(done)
    }

    /// `EnableMember`.
    pub async fn enable_member(
        &self,
        ctx: &Context,
        member: MemberId,
        if_match: Option<u64>,
    ) -> Outcome<Staff, StaffRefusal> {
        let done = self.on_member(ctx, member, |m| staff::decide_enable_member(m, if_match)).await?;
        self.vault.set_disabled(Account { clinic: ctx.clinic, member }, false, self.clock.now()).await?;
        Ok(done)
    }

    /// That one administrator is left spans streams: of nodes that share a vault one at a time takes somebody out.
    async fn turn_among_nodes(&self) -> Result<Lease, Failure<StaffRefusal>> {
        self.vault.turn("administrators", PATIENCE).await?.ok_or(Failure::Busy)
    }

    async fn leaves_an_administrator(
        &self,
        member: MemberId,
        others: &[MemberId],
    ) -> Result<(), Failure<StaffRefusal>> {
        let own = self.member(member).await?;
        if !own.state.is_active_administrator() {
            return Ok(());
        }
        for other in others.iter().filter(|o| **o != member) {
            if self.member(*other).await?.state.is_active_administrator() {
                return Ok(());
            }
        }
        Err(Failure::Refused(BadField::new("role", "the clinic would have no administrator left").into()))
    }
}
