//! Does what was planned, through the engine's commands alone. Every command has a fresh id: a change back to what was
//! there before must not be taken for a retry of the first change. That nothing is done twice rests on the ids of the
//! things themselves.

use super::config::{Config, MemberEntry};
use super::days::SlotPlan;
use super::ids::Ids;
use super::report::{Change, ImportError, ImportOptions, ImportReport, Invitation, Kind, Progress, failed, shown};
use super::rules::{Command, Step};
use super::slots::Source;
use super::templates::TemplateStep;
use booking_domain::ids::{ClinicId, CommandId, MemberId};
use booking_domain::phi::Phi;
use booking_domain::values::Role;
use booking_engine::{Context, Engine, LaidBy, MAX_BULK, NewMember};
use booking_store::Position;
use futures::{StreamExt, TryStreamExt};
use std::collections::BTreeMap;

/// What every command of one import shares.
pub(super) struct Run<'a> {
    pub engine: &'a Engine,
    pub clinic: ClinicId,
    pub ids: &'a Ids,
    pub options: &'a ImportOptions,
    pub progress: &'a dyn Progress,
}

impl Run<'_> {
    /// The frame of a new command.
    pub fn context(&self) -> Context {
        self.named_context(self.engine.fresh_command())
    }
    fn named_context(&self, command: CommandId) -> Context {
        let received_at = self.engine.now();
        let actor = self.options.actor;
        Context { clinic: self.clinic, actor, command, received_at, body_hash: None, traceparent: None }
    }

    /// The commands of the clinic's stream, one after the other.
    pub async fn steps(&self, steps: &[Step], report: &mut ImportReport) -> Result<(), ImportError> {
        self.progress.stage("clinic", shown(steps.len()));
        for step in steps {
            if step.change != Change::Unchanged && !self.options.dry_run {
                report.reached(self.step(step).await?);
            }
            self.progress.advance(1);
        }
        Ok(())
    }

    /// What the commands come to, each entry once.
    pub fn count(steps: &[Step], report: &mut ImportReport) {
        let mut changes: BTreeMap<(Kind, &str), Change> = BTreeMap::new();
        for step in steps {
            let change = changes.entry((step.kind, &step.what)).or_insert(step.change);
            *change = step.change.max(*change);
        }
        for ((kind, _), change) in changes {
            report.count(kind, change);
        }
    }

    async fn step(&self, step: &Step) -> Result<Option<Position>, ImportError> {
        let (engine, ctx) = (self.engine, self.context());
        let done = match &step.command {
            Command::Portal(c) => {
                let done = engine.configure_portal(&ctx, c, None).await;
                return done.map(|d| d.position()).map_err(failed("portal"));
            }
            Command::Register(c) => engine.register_clinic(&ctx, c).await,
            Command::Activate => engine.activate_portal(&ctx, None).await,
            Command::Deactivate => engine.deactivate_portal(&ctx, None).await,
            Command::Activity(c) => engine.define_activity(&ctx, c, None).await,
            Command::Retire(c) => engine.retire_activity(&ctx, *c, None).await,
            Command::Practitioner(c) => engine.register_practitioner(&ctx, c, None).await,
            Command::Agenda(c) => engine.open_agenda(&ctx, c).await,
            Command::Service(c) => engine.configure_service(&ctx, c, None).await,
            Command::DeactivateService(c) => engine.deactivate_service(&ctx, *c, None).await,
            Command::Settings(c) => engine.change_settings(&ctx, c, None).await,
        };
        done.map(|d| d.position()).map_err(failed(&step.what))
    }

    /// Staff accounts. Somebody's role follows the file; name and address are the account's own once it is there.
    pub async fn members(&self, config: &Config, report: &mut ImportReport) -> Result<(), ImportError> {
        let id = |entry: &MemberEntry| -> MemberId { self.ids.of("member", &[&entry.key]) };
        let all: Vec<MemberId> = config.members.iter().map(|(entry, _)| id(entry)).collect();
        for (entry, at) in &config.members {
            let (member, role) = (id(entry), entry.role.unwrap_or(Role::Auditor));
            let known = match self.ids {
                Ids::Keyed(_) => self.engine.member(member).await?.state.role,
                Ids::Draft(_) => None,
            };
            let change = match known {
                None => Change::Created,
                Some(known) if known != role && !self.options.keep_existing => Change::Updated,
                Some(_) => Change::Unchanged,
            };
            report.count(Kind::Members, change);
            if self.options.dry_run {
                continue;
            }
            let ctx = self.context();
            match change {
                Change::Created => {
                    let (name, email) = (Phi::new(entry.name.clone()), Phi::new(entry.email.clone()));
                    let new = NewMember { member, name, email: email.clone(), role };
                    let token = self.engine.add_member(&ctx, &new).await.map_err(failed(&at.path))?;
                    report.invitations.push(Invitation { key: entry.key.clone(), email, token });
                }
                Change::Updated => {
                    let done = self.engine.change_member_role(&ctx, member, role, &all, None).await;
                    report.reached(done.map_err(failed(&at.path))?.position());
                }
                Change::Unchanged | Change::LeftOut => {}
            }
        }
        Ok(())
    }

    /// Templates: the one before leaves the list after the new one is there.
    pub async fn templates(
        &self,
        steps: &BTreeMap<String, TemplateStep>,
        report: &mut ImportReport,
    ) -> Result<(), ImportError> {
        for step in steps.values() {
            report.count(Kind::Templates, step.change);
            if self.options.dry_run {
                continue;
            }
            if let Some(created) = &step.create {
                let done = self.engine.create_template(&self.context(), created).await.map_err(failed(&step.what))?;
                report.reached(done.position());
            }
            if let Some(old) = step.delete {
                let done = self.engine.delete_template(&self.context(), old).await.map_err(failed(&step.what))?;
                report.reached(done.position());
            }
        }
        Ok(())
    }

    /// Slots: new ones in bulk, changed ones one by one.
    pub async fn slots(&self, plan: SlotPlan, report: &mut ImportReport) -> Result<(), ImportError> {
        plan.changes.iter().for_each(|change| report.count(Kind::Slots, *change));
        report.notes.extend(plan.notes);
        if self.options.dry_run {
            return Ok(());
        }
        let new: usize = plan.create.values().map(|batch| batch.ids.len()).sum();
        self.progress.stage("slots", shown(new + plan.amend.len()));
        for (source, batch) in &plan.create {
            for (drafts, ids) in batch.drafts.chunks(MAX_BULK).zip(batch.ids.chunks(MAX_BULK)) {
                let ctx = match source {
                    // All slots of a recurrence carry its id, which follows from the command: so that has to be found
                    // again. No day has two of them, so it is never taken for a retry.
                    Source::Recurrence(key) => self.named_context(self.ids.of("recurrence", &[key])),
                    Source::Row | Source::Template(_) => self.context(),
                };
                let laid_by: LaidBy = batch.laid_by;
                let done = self.engine.publish_with_ids(&ctx, drafts, ids, laid_by, false).await;
                let done = done.map_err(failed("slots"))?;
                report.reached(done.position);
                report.bulks.push(done.bulk);
                self.progress.advance(shown(ids.len()));
            }
        }
        let amended: Vec<Option<Position>> = futures::stream::iter(&plan.amend)
            .map(|(slot, draft, what)| async move {
                let done = self.engine.amend_slot(&self.context(), *slot, draft, None).await;
                self.progress.advance(1);
                done.map(|d| d.position()).map_err(failed(what))
            })
            .buffer_unordered(64)
            .try_collect()
            .await?;
        report.reached(amended.into_iter().flatten().max());
        Ok(())
    }
}
