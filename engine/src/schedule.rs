//! Commands on schedules: single slots, many at once, recurrences, templates.
//!
//! Bulk commands check the whole input before the first append. Slot ids follow from the command, so a broken run is
//! resumed by running it again, and every slot carries the bulk id that undoes it.

use crate::Engine;
use crate::context::Context;
use crate::drafts::{BulkRefusal, BulkReport, Laid, LaidBy, LeftOut, MAX_BULK, SlotDraft, WeeklyRule, Withdrawal};
use crate::transact::{Failure, Outcome};
use booking_domain::agenda_day::{
    AgendaDay, DayRefusal, SlotAmended, SlotPublished, booked_in_slot, check_practitioner, check_slot,
    decide_amend_slot, decide_publish_slot, decide_withdraw_slot,
};
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AgendaId, BulkId, RecurrenceId, SlotId, TemplateId};
use booking_domain::stream::StreamName;
use booking_domain::template::{self, Template, TemplateCreated, TemplateRefusal};
use booking_domain::time::{Instant, Resolved, Span, WallDate, resolve};
use booking_domain::values::{BadField, Origin};
use booking_store::Position;
use booking_store::fold::Folded;
use futures::{StreamExt, TryStreamExt};
use std::collections::BTreeMap;

impl Engine {
    /// `PublishSlot`: one slot, by hand.
    pub async fn publish_slot(&self, ctx: &Context, draft: &SlotDraft) -> Outcome<AgendaDay, DayRefusal> {
        let rules = self.rules(ctx.clinic).await?;
        let clinic = &rules.state;
        let refused = |e: BadField| Failure::Refused(DayRefusal::from(e));
        let practitioner =
            clinic.practitioner_of(draft.agenda).ok_or_else(|| refused(BadField::new("agenda", "is not known")))?;
        let span = draft.single_span(clinic).map_err(refused)?;
        let command = SlotPublished {
            slot: SlotId(ctx.id("slot")),
            clinic: ctx.clinic,
            agenda: draft.agenda,
            practitioner,
            date: draft.date,
            origin: Origin::Manual,
            template: None,
            recurrence: None,
            bulk: None,
            facts: draft.facts(clinic, span),
        };
        let stream = StreamName::agenda_day(draft.agenda, draft.date);
        self.transact(ctx, &stream, "slot", |day: &Folded<AgendaDay>, now| {
            decide_publish_slot(&day.state, clinic, command.clone(), now)
        })
        .await
    }

    /// `AmendSlot`.
    pub async fn amend_slot(
        &self,
        ctx: &Context,
        slot: SlotId,
        draft: &SlotDraft,
        if_match: Option<u64>,
    ) -> Outcome<AgendaDay, DayRefusal> {
        let rules = self.rules(ctx.clinic).await?;
        let clinic = &rules.state;
        let span = draft.single_span(clinic).map_err(|e| Failure::Refused(e.into()))?;
        let command = SlotAmended { slot, facts: draft.facts(clinic, span) };
        let stream = StreamName::agenda_day(draft.agenda, draft.date);
        self.transact(ctx, &stream, "slot", |day: &Folded<AgendaDay>, now| {
            decide_amend_slot(&day.state, clinic, command.clone(), if_match, now)
        })
        .await
    }

    /// `WithdrawSlot`; answers who stays booked.
    pub async fn withdraw_slot(
        &self,
        ctx: &Context,
        agenda: AgendaId,
        date: WallDate,
        slot: SlotId,
        if_match: Option<u64>,
    ) -> Result<(Withdrawal, booking_store::Revision), Failure<DayRefusal>> {
        let stream = StreamName::agenda_day(agenda, date);
        let step = format!("withdraw {slot}");
        let done = self
            .transact(ctx, &stream, &step, |day: &Folded<AgendaDay>, _| {
                decide_withdraw_slot(&day.state, slot, if_match)
            })
            .await?;
        let booked = booked_in_slot(&done.folded.state, slot).into_iter().map(|a| (agenda, date, a)).collect();
        let touched = done.folded.state.occupancy.slot(slot).map_or(0, |s| s.touched);
        Ok((Withdrawal { booked, withdrawn: 1, position: done.position() }, touched))
    }

    /// Publishes many slots over days and agendas; with `dry_run` it only says what would be laid down.
    pub async fn publish_many(
        &self,
        ctx: &Context,
        drafts: &[SlotDraft],
        laid_by: LaidBy,
        dry_run: bool,
    ) -> Result<BulkReport, Failure<BulkRefusal>> {
        let ids: Vec<SlotId> = (0..drafts.len()).map(|i| SlotId(ctx.id(&format!("slot {i}")))).collect();
        self.publish_with_ids(ctx, drafts, &ids, laid_by, dry_run).await
    }

    /// The same with slot ids of the caller's: an import's follow from external keys.
    pub async fn publish_with_ids(
        &self,
        ctx: &Context,
        drafts: &[SlotDraft],
        ids: &[SlotId],
        laid_by: LaidBy,
        dry_run: bool,
    ) -> Result<BulkReport, Failure<BulkRefusal>> {
        if drafts.len() > MAX_BULK {
            return Err(Failure::Refused(BulkRefusal::TooMany));
        }
        let rules = self.rules(ctx.clinic).await?;
        let clinic = &rules.state;
        let bulk = BulkId(ctx.id("bulk"));
        let now = self.clock.now();
        let (mut days, mut left_out, mut bad) = (BTreeMap::new(), Vec::new(), Vec::new());
        for (index, (draft, slot)) in drafts.iter().zip(ids).enumerate() {
            match planned(clinic, draft, *slot, laid_by, bulk, ctx) {
                Ok(Some((command, twice))) => {
                    if let Err(problem) = check_planned(clinic, &command, now) {
                        // What an earlier run laid down is there, also if it could not be laid down any more.
                        let day = self.day(draft.agenda, draft.date).await?;
                        if day.state.occupancy.slot(*slot).is_none() {
                            bad.push((index, problem));
                            continue;
                        }
                    }
                    days.entry((draft.agenda, draft.date)).or_insert_with(Vec::new).push((command, twice));
                }
                Ok(None) => left_out.push(LeftOut {
                    agenda: draft.agenda,
                    date: draft.date,
                    start: draft.start,
                    end: draft.end,
                }),
                Err(problem) => bad.push((index, problem)),
            }
        }
        if !bad.is_empty() {
            return Err(Failure::Refused(BulkRefusal::BadSlots(bad)));
        }
        let mut report = BulkReport { bulk, left_out, ..BulkReport::default() };
        let mut work = Vec::new();
        for ((agenda, date), commands) in days {
            let stream = StreamName::agenda_day(agenda, date);
            let known = self.read::<AgendaDay>(&stream).await?;
            for (i, (command, twice)) in commands.iter().enumerate() {
                report.laid.push(laid(&known.state, &commands[..i], command, *twice));
            }
            work.push((stream, commands));
        }
        if dry_run {
            return Ok(report);
        }
        let appended: Vec<Option<Position>> = futures::stream::iter(work)
            .map(|(stream, commands)| async move { self.lay_down(ctx, &stream, clinic, &commands).await })
            .buffered(64)
            .try_collect()
            .await?;
        report.position = appended.into_iter().flatten().max();
        Ok(report)
    }

    async fn lay_down(
        &self,
        ctx: &Context,
        stream: &StreamName,
        clinic: &Clinic,
        commands: &[(SlotPublished, bool)],
    ) -> Result<Option<Position>, Failure<BulkRefusal>> {
        let done = self
            .transact(ctx, stream, "slots", |day: &Folded<AgendaDay>, now| {
                let mut events = Vec::new();
                for (command, _) in commands {
                    events.extend(decide_publish_slot(&day.state, clinic, command.clone(), now)?);
                }
                Ok::<_, DayRefusal>(events)
            })
            .await
            .map_err(|f| f.map(BulkRefusal::Day))?;
        Ok(done.position())
    }

    /// Undoes a bulk command: withdraws what is still free of its slots on these days, and lists who is booked.
    pub async fn undo_bulk(
        &self,
        ctx: &Context,
        bulk: BulkId,
        days: &[(AgendaId, WallDate)],
    ) -> Result<Withdrawal, Failure<DayRefusal>> {
        let mut all = Withdrawal::default();
        for (agenda, date) in days {
            let stream = StreamName::agenda_day(*agenda, *date);
            let done = self
                .transact(ctx, &stream, "undo", |day: &Folded<AgendaDay>, _| {
                    let of_bulk = day.state.occupancy.slots.iter().filter(|s| s.bulk == Some(bulk));
                    let mut events = Vec::new();
                    for slot in of_bulk {
                        events.extend(decide_withdraw_slot(&day.state, slot.id, None)?);
                    }
                    Ok::<_, DayRefusal>(events)
                })
                .await?;
            let day = &done.folded.state;
            for slot in day.occupancy.slots.iter().filter(|s| s.bulk == Some(bulk)) {
                all.booked.extend(booked_in_slot(day, slot.id).into_iter().map(|a| (*agenda, *date, a)));
            }
            all.withdrawn += done.trace.map_or(0, |t| usize::try_from(t.last - t.first + 1).unwrap_or(0));
            all.position = all.position.max(done.position());
        }
        Ok(all)
    }

    /// `PublishRecurringSlots`: the draft's date is the first day.
    pub async fn publish_recurring(
        &self,
        ctx: &Context,
        draft: &SlotDraft,
        rule: &WeeklyRule,
        dry_run: bool,
    ) -> Result<BulkReport, Failure<BulkRefusal>> {
        let days = rule.days(draft.date).map_err(|e| Failure::Refused(DayRefusal::from(e).into()))?;
        let drafts: Vec<_> = days.into_iter().map(|date| SlotDraft { date, ..draft.clone() }).collect();
        self.publish_many(ctx, &drafts, LaidBy::Recurrence, dry_run).await
    }

    /// `CreateScheduleTemplate`.
    pub async fn create_template(
        &self,
        ctx: &Context,
        command: &TemplateCreated,
    ) -> Outcome<Template, TemplateRefusal> {
        let rules = self.rules(ctx.clinic).await?;
        let stream = StreamName::template(command.template);
        let clinic = &rules.state;
        let bad = |field, problem: &str| Failure::Refused(TemplateRefusal::from(BadField::new(field, problem)));
        if !clinic.practitioners.contains_key(&command.practitioner) {
            return Err(bad("practitioner", "is not known"));
        }
        let activities = command.slots.iter().filter_map(|s| s.activity);
        for activity in activities {
            if clinic.activities.get(&activity).is_none_or(|a| a.retired) {
                return Err(bad("slots.activity", "is not an activity in use"));
            }
        }
        self.transact(ctx, &stream, "template", |t: &Folded<Template>, _| {
            template::decide_create_template(&t.state, command.clone())
        })
        .await
    }

    /// `DeleteScheduleTemplate`; slots already laid down stay (R98).
    pub async fn delete_template(&self, ctx: &Context, id: TemplateId) -> Outcome<Template, TemplateRefusal> {
        let stream = StreamName::template(id);
        self.transact(ctx, &stream, "template", |t: &Folded<Template>, _| {
            if t.state.created.as_ref().is_some_and(|c| c.clinic == ctx.clinic) {
                template::decide_delete_template(&t.state, None)
            } else {
                Err(TemplateRefusal::UnknownTemplate)
            }
        })
        .await
    }

    /// `ApplyScheduleTemplate` to agendas, from each of these days on (R95: never fails because of overlap).
    pub async fn apply_template(
        &self,
        ctx: &Context,
        id: TemplateId,
        agendas: &[AgendaId],
        first_days: &[WallDate],
        dry_run: bool,
    ) -> Result<BulkReport, Failure<BulkRefusal>> {
        let known = self.read::<Template>(&StreamName::template(id)).await?;
        let own = known.state.created.as_ref().is_some_and(|c| c.clinic == ctx.clinic);
        if !own || known.state.deleted {
            return Err(Failure::Refused(TemplateRefusal::UnknownTemplate.into()));
        }
        let mut drafts = Vec::new();
        for agenda in agendas {
            for first in first_days {
                drafts.extend(template::lay_down(&known.state, *first).map(|(date, slot)| SlotDraft {
                    agenda: *agenda,
                    date,
                    start: slot.start,
                    end: slot.end,
                    start_offset: None,
                    end_offset: None,
                    activity: slot.activity,
                    title: slot.title.clone(),
                    interval_minutes: Some(slot.interval_minutes),
                    modality: slot.modality,
                    publication: slot.publication,
                }));
            }
        }
        self.publish_many(ctx, &drafts, LaidBy::Template(id), dry_run).await
    }
}

/// The command for one slot of a bulk, and whether a wall time of it exists twice; none if one does not exist.
fn planned(
    clinic: &Clinic,
    draft: &SlotDraft,
    slot: SlotId,
    laid_by: LaidBy,
    bulk: BulkId,
    ctx: &Context,
) -> Result<Option<(SlotPublished, bool)>, BadField> {
    let practitioner = clinic.practitioner_of(draft.agenda).ok_or_else(|| BadField::new("agenda", "is not known"))?;
    let (start, end) = (resolve(draft.date, draft.start, clinic.zone()), resolve(draft.date, draft.end, clinic.zone()));
    let (Some(first), Some(last)) = (start.first_or_missing(), end.first_or_missing()) else { return Ok(None) };
    let span = Span { start: first, end: last };
    let facts = draft.facts(clinic, span);
    let twice = [start, end].iter().any(|r| matches!(r, Resolved::Twice(..)));
    let (origin, template, recurrence) = match laid_by {
        LaidBy::Hand | LaidBy::Import => (Origin::Manual, None, None),
        LaidBy::Template(id) => (Origin::Template, Some(id), None),
        LaidBy::Recurrence => (Origin::Recurrence, None, Some(RecurrenceId(ctx.id("recurrence")))),
    };
    let (clinic, agenda, date, bulk) = (ctx.clinic, draft.agenda, draft.date, Some(bulk));
    let command = SlotPublished { slot, clinic, agenda, practitioner, date, origin, template, recurrence, bulk, facts };
    Ok(Some((command, twice)))
}

fn check_planned(clinic: &Clinic, command: &SlotPublished, now: Instant) -> Result<(), BadField> {
    check_slot(clinic, &command.facts)?;
    check_practitioner(clinic, command.practitioner)?;
    if command.facts.span.end <= now {
        return Err(BadField::new("date", "lies in the past"));
    }
    Ok(())
}

fn laid(day: &AgendaDay, before: &[(SlotPublished, bool)], command: &SlotPublished, twice: bool) -> Laid {
    let span = command.facts.span;
    let known = day.occupancy.slots.iter().filter(|s| !s.withdrawn && s.span.overlaps(span)).map(|s| s.id);
    let same_run = before.iter().filter(|(c, _)| c.facts.span.overlaps(span)).map(|(c, _)| c.slot);
    Laid {
        slot: command.slot,
        agenda: command.agenda,
        date: command.date,
        start: command.facts.start,
        end: command.facts.end,
        span,
        overlaps: known.chain(same_run).filter(|id| *id != command.slot).collect(),
        twice,
        existed: day.occupancy.slot(command.slot).is_some(),
    }
}
