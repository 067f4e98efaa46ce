//! Slots of the files against the days of the log: what is to be laid down, what is to be amended, and what cannot be.

use super::ids::Ids;
use super::problem::{FileProblem, Problems};
use super::report::{Change, ImportError, ImportOptions};
use super::slots::{SlotEntry, Source};
use super::templates::TemplateStep;
use booking_domain::agenda_day::{
    AgendaDay, DayRefusal, SlotAmended, SlotFacts, SlotPublished, decide_amend_slot, decide_publish_slot,
};
use booking_domain::clinic::Clinic;
use booking_domain::ids::{ActivityId, AgendaId, ClinicId, SlotId, TemplateId};
use booking_domain::time::{Instant, Resolved, Span, WallDate, offset_minutes, resolve};
use booking_domain::values::Origin;
use booking_engine::{Engine, LaidBy, SlotDraft};
use booking_store::fold::Folded;
use futures::{StreamExt, TryStreamExt};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Slots of one source, to be laid down together.
#[derive(Debug)]
pub(super) struct Batch {
    pub laid_by: LaidBy,
    pub drafts: Vec<SlotDraft>,
    pub ids: Vec<SlotId>,
}

/// What is to be done about slots.
#[derive(Debug, Default)]
pub(super) struct SlotPlan {
    pub create: BTreeMap<Source, Batch>,
    pub amend: Vec<(SlotId, SlotDraft, String)>,
    pub changes: Vec<Change>,
    pub notes: Vec<FileProblem>,
}

type Days = HashMap<(AgendaId, WallDate), Arc<Folded<AgendaDay>>>;

/// The clinic that slots are planned for, as it will be.
pub(super) struct Target<'a> {
    pub id: ClinicId,
    pub clinic: &'a Clinic,
    pub ids: &'a Ids,
    pub templates: &'a BTreeMap<String, TemplateStep>,
}

fn slot_id(ids: &Ids, entry: &SlotEntry) -> SlotId {
    let date = entry.date.to_string();
    match &entry.source {
        Source::Row => ids.of("slot", &[&entry.agenda, &entry.key, &date]),
        Source::Template(template) => ids.of("laid", &[template, &entry.agenda, &date, &entry.key]),
        Source::Recurrence(rule) => ids.of("recurring", &[rule, &entry.agenda, &date]),
    }
}

/// Compares every slot with its day.
pub(super) async fn plan(
    engine: &Engine,
    target: &Target<'_>,
    entries: &[SlotEntry],
    options: &ImportOptions,
    problems: &Problems,
) -> Result<SlotPlan, ImportError> {
    let days = days(engine, target, entries).await?;
    // What ends within a minute may be over before it is appended.
    let now = engine.now().plus_minutes(1);
    let empty = AgendaDay::default();
    let mut plan = SlotPlan::default();
    for entry in entries {
        let agenda: AgendaId = target.ids.of("agenda", &[&entry.agenda]);
        // An agenda that nobody knows was reported already.
        if !target.clinic.agendas.contains_key(&agenda) {
            continue;
        }
        let day = days.get(&(agenda, entry.date)).map_or(&empty, |folded| &folded.state);
        let (change, note) = compare(target, entry, agenda, day, now, options, problems, &mut plan);
        plan.changes.push(change);
        plan.notes.extend(note.map(|message| entry.at.problem(&entry.date.to_string(), message)));
    }
    Ok(plan)
}

async fn days(engine: &Engine, target: &Target<'_>, entries: &[SlotEntry]) -> Result<Days, ImportError> {
    if matches!(target.ids, Ids::Draft(_)) {
        return Ok(Days::new());
    }
    let mut wanted: Vec<(AgendaId, WallDate)> =
        entries.iter().map(|e| (target.ids.of("agenda", &[&e.agenda]), e.date)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    futures::stream::iter(wanted)
        .map(|(agenda, date)| async move { Ok(((agenda, date), engine.day(agenda, date).await?)) })
        .buffer_unordered(64)
        .try_collect()
        .await
}

#[allow(clippy::too_many_arguments, reason = "private: one slot beside everything it is compared with")]
fn compare(
    target: &Target<'_>,
    entry: &SlotEntry,
    agenda: AgendaId,
    day: &AgendaDay,
    now: Instant,
    options: &ImportOptions,
    problems: &Problems,
    plan: &mut SlotPlan,
) -> (Change, Option<&'static str>) {
    let (clinic, slot) = (target.clinic, slot_id(target.ids, entry));
    let known = day.occupancy.slot(slot);
    if let Some(known) = known
        && (options.keep_existing || known.withdrawn || known.span.end <= now)
    {
        return (Change::Unchanged, None);
    }
    let (start, end) = (resolve(entry.date, entry.start, clinic.zone()), resolve(entry.date, entry.end, clinic.zone()));
    let (Some(first), Some(last)) = (start.first_or_missing(), end.first_or_missing()) else {
        return (Change::LeftOut, Some("is left out: a time of it does not exist that day"));
    };
    let twice = [start, end].iter().any(|r| matches!(r, Resolved::Twice(..)));
    let note = twice.then_some("has a time that exists twice that day; the first is taken");
    let span = Span { start: first, end: last };
    let facts = facts(target, entry, span);
    let draft = draft(target, entry, agenda, &facts);
    match known {
        Some(_) => {
            let amended = SlotAmended { slot, facts };
            match decide_amend_slot(day, clinic, amended, None, now) {
                Ok(events) if events.is_empty() => (Change::Unchanged, None),
                Ok(_) => {
                    plan.amend.push((slot, draft, format!("{}:{}", entry.at.file, entry.at.line)));
                    (Change::Updated, note)
                }
                Err(refusal) => {
                    refused(entry, &refusal, problems);
                    (Change::LeftOut, None)
                }
            }
        }
        None if span.end <= now && span.start < span.end => (Change::LeftOut, Some("is left out: it is in the past")),
        None => {
            let laid_by = match &entry.source {
                Source::Row => LaidBy::Import,
                Source::Recurrence(_) => LaidBy::Recurrence,
                Source::Template(key) => match target.templates.get(key) {
                    Some(template) if template.lay => LaidBy::Template(template.id),
                    _ => return (Change::LeftOut, Some("is left out: its template was deleted")),
                },
            };
            let command = published(target, entry, agenda, slot, laid_by, facts);
            if let Err(refusal) = decide_publish_slot(day, clinic, command, now) {
                refused(entry, &refusal, problems);
                return (Change::LeftOut, None);
            }
            let empty = || Batch { laid_by, drafts: Vec::new(), ids: Vec::new() };
            let batch = plan.create.entry(entry.source.clone()).or_insert_with(empty);
            batch.drafts.push(draft);
            batch.ids.push(slot);
            (Change::Created, note)
        }
    }
}

fn origin(source: &Source) -> Origin {
    match source {
        Source::Row => Origin::Manual,
        Source::Template(_) => Origin::Template,
        Source::Recurrence(_) => Origin::Recurrence,
    }
}

fn refused(entry: &SlotEntry, refusal: &DayRefusal, problems: &Problems) {
    problems.push(match refusal {
        DayRefusal::BadField(bad) => entry.at.problem(bad.field, bad.problem.clone()),
        DayRefusal::WouldCut(_) => entry.at.problem("", "would cut a time that is held or booked"),
        other => entry.at.problem("", other.to_string()),
    });
}

fn facts(target: &Target<'_>, entry: &SlotEntry, span: Span) -> SlotFacts {
    let activity: Option<ActivityId> = entry.activity.as_deref().map(|key| target.ids.of("activity", &[key]));
    let of_activity = activity.and_then(|id| target.clinic.activities.get(&id)).map(|a| a.duration_minutes);
    let whole = u16::try_from(span.len_minutes().clamp(1, 1440)).unwrap_or(1440);
    SlotFacts {
        start: entry.start,
        end: entry.end,
        span,
        activity,
        title: entry.title.clone(),
        interval_minutes: entry.interval_minutes.or(of_activity).unwrap_or(whole),
        modality: entry.modality,
        publication: entry.publication,
    }
}

fn draft(target: &Target<'_>, entry: &SlotEntry, agenda: AgendaId, facts: &SlotFacts) -> SlotDraft {
    let zone = target.clinic.zone();
    SlotDraft {
        agenda,
        date: entry.date,
        start: facts.start,
        end: facts.end,
        start_offset: Some(offset_minutes(facts.span.start, zone)),
        end_offset: Some(offset_minutes(facts.span.end, zone)),
        activity: facts.activity,
        title: facts.title.clone(),
        interval_minutes: Some(facts.interval_minutes),
        modality: facts.modality,
        publication: facts.publication,
    }
}

fn published(
    target: &Target<'_>,
    entry: &SlotEntry,
    agenda: AgendaId,
    slot: SlotId,
    laid_by: LaidBy,
    facts: SlotFacts,
) -> SlotPublished {
    let template: Option<TemplateId> = if let LaidBy::Template(id) = laid_by { Some(id) } else { None };
    SlotPublished {
        slot,
        clinic: target.id,
        agenda,
        practitioner: target.clinic.practitioner_of(agenda).unwrap_or_default(),
        date: entry.date,
        origin: origin(&entry.source),
        template,
        recurrence: None,
        bulk: None,
        facts,
    }
}
