//! Many slots at once: lists, patterns over days and agendas, recurrences, and the undo of what was laid down.
//!
//! The whole input is checked before the first append. With an `Idempotency-Key`, a run that broke off is resumed by
//! sending it again. Wall times that do not exist on a day are left out, of those that exist twice the first is taken,
//! and the answer lists both (8.19); `dry_run` gives the same answer and stores nothing.

use super::slot_form::{PlacedSlot, SlotForm};
use super::slots::WithdrawnSlots;
use super::{Retryable, Weekday, catch_up, days, distinct};
use crate::http::AppState;
use crate::http::auth::{Principal, RECEPTION};
use crate::http::commands::{Done, begin};
use crate::http::extract::{ApiJson, ApiPath, CommandHeaders};
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire::{When, date};
use axum::extract::State;
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AgendaId, BulkId, ClinicId};
use booking_domain::time::WallDate;
use booking_domain::values::BadField;
use booking_engine::{BulkRefusal, BulkReport, Failure, LaidBy, MAX_BULK, SlotDraft, WeeklyRule};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(publish)).routes(routes!(undo)).routes(routes!(recur))
}

/// Slots to lay down: either a list or a pattern.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkForm {
    /// The slots themselves, up to 20000 and as many as a body of 1 MiB holds.
    #[serde(default)]
    pub(crate) slots: Option<Vec<PlacedSlot>>,
    /// The same times on many days of many agendas.
    #[serde(default)]
    pub(crate) pattern: Option<BulkPattern>,
    /// Only say what would be laid down.
    #[serde(default)]
    pub(crate) dry_run: bool,
}

/// Every time on every day of every agenda.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkPattern {
    /// The days one by one; or `from` and `to`.
    #[serde(default)]
    pub(crate) dates: Option<Vec<String>>,
    /// First day.
    #[serde(default)]
    pub(crate) from: Option<String>,
    /// Last day, included.
    #[serde(default)]
    pub(crate) to: Option<String>,
    /// Of the days from `from` to `to` only these; none: all.
    #[serde(default)]
    pub(crate) weekdays: Option<Vec<Weekday>>,
    /// The agendas.
    pub(crate) agendas: Vec<Uuid>,
    /// The slots of each day.
    pub(crate) times: Vec<SlotForm>,
}

/// A slot that is repeated weekly.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecurringForm {
    /// The slot; its date is the first day that may carry one.
    pub(crate) draft: PlacedSlot,
    /// When it is repeated.
    pub(crate) rule: RuleForm,
    /// Only say what would be laid down.
    #[serde(default)]
    pub(crate) dry_run: bool,
}

/// A weekly rule with exceptions (8.27).
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleForm {
    /// The weekdays.
    pub(crate) weekdays: Vec<Weekday>,
    /// Every so many weeks, counted from the week of the first day: 1 to 52.
    #[serde(default = "every_week")]
    pub(crate) every_weeks: u8,
    /// Last day, included; within 366 days of the first.
    pub(crate) until: String,
    /// Days left out.
    #[serde(default)]
    pub(crate) except: Vec<String>,
}

const fn every_week() -> u8 {
    1
}

/// Where a bulk command is undone.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UndoForm {
    /// The agendas; none: all of the clinic.
    #[serde(default)]
    pub(crate) agendas: Option<Vec<Uuid>>,
    /// First day.
    pub(crate) from: String,
    /// Last day, included.
    pub(crate) to: String,
}

/// What was laid down, or would be.
#[derive(Serialize, ToSchema)]
pub(crate) struct BulkAnswer {
    /// Undo it under this id; none in a dry run.
    pub(crate) bulk: Option<Uuid>,
    /// Nothing was stored.
    pub(crate) dry_run: bool,
    /// The slots. In a dry run their ids only tell them apart.
    pub(crate) laid: Vec<LaidSlot>,
    /// Left out, since a wall time does not exist on that day.
    pub(crate) left_out: Vec<LeftOutSlot>,
}

/// A slot that was laid down, or would be.
#[derive(Serialize, ToSchema)]
pub(crate) struct LaidSlot {
    /// Id.
    pub(crate) slot: Uuid,
    /// The agenda.
    pub(crate) agenda: Uuid,
    /// Its time.
    pub(crate) when: When,
    /// Slots of the agenda that it overlaps in time; allowed (R95).
    pub(crate) overlaps: Vec<Uuid>,
    /// A wall time of it exists twice that day; the first was taken.
    pub(crate) twice: bool,
    /// It was there already, from an earlier run of the same command.
    pub(crate) existed: bool,
}

/// A slot that was left out.
#[derive(Serialize, ToSchema)]
pub(crate) struct LeftOutSlot {
    /// The agenda.
    pub(crate) agenda: Uuid,
    /// Date on the clinic's wall.
    pub(crate) date: String,
    /// Wall time of the start.
    pub(crate) start: String,
    /// Wall time of the end.
    pub(crate) end: String,
}

/// The answer to a bulk command: 201, or 200 to a dry run.
pub(crate) fn answer(clinic: &Clinic, report: &BulkReport, dry_run: bool) -> Done<BulkAnswer> {
    let laid = report.laid.iter().map(|laid| LaidSlot {
        slot: laid.slot.0,
        agenda: laid.agenda.0,
        when: When::new(laid.span, laid.date, laid.start, laid.end, clinic.zone()),
        overlaps: laid.overlaps.iter().map(|id| id.0).collect(),
        twice: laid.twice,
        existed: laid.existed,
    });
    let left_out = report.left_out.iter().map(|left| LeftOutSlot {
        agenda: left.agenda.0,
        date: left.date.to_string(),
        start: left.start.to_string(),
        end: left.end.to_string(),
    });
    let bulk = (!dry_run).then_some(report.bulk.0);
    let body = BulkAnswer { bulk, dry_run, laid: laid.collect(), left_out: left_out.collect() };
    if dry_run { Done::ok(body) } else { Done::created(body).position(report.position) }
}

/// Refusals that an answer lists at most.
const MAX_ERRORS: usize = 100;

/// The refusal of a bulk command, with pointers into the request instead of the list that was made from it.
pub(crate) fn refused(failure: Failure<BulkRefusal>, pointer: impl Fn(usize, &str) -> String) -> Problem {
    let Failure::Refused(BulkRefusal::BadSlots(bad)) = failure else { return failure.into() };
    let mut problem = Problem::invalid([]);
    for (index, BadField { field, problem: message }) in bad {
        let pointer = pointer(index, field);
        let said = problem.errors.iter().any(|e| e.pointer == pointer && e.message == message);
        if !said && problem.errors.len() < MAX_ERRORS {
            problem = problem.field(pointer, message);
        }
    }
    problem
}

/// The slots of a request, and what is needed to point back into it.
struct Expanded {
    drafts: Vec<SlotDraft>,
    /// How many times the pattern has; none: it was a list.
    times: Option<usize>,
}

impl Expanded {
    fn pointer(&self, index: usize, field: &str) -> String {
        match (self.times, field) {
            (None, _) => format!("/slots/{index}/{}", field.replace('.', "/")),
            (Some(_), "agenda") => "/pattern/agendas".to_owned(),
            (Some(_), "date") => "/pattern".to_owned(),
            (Some(times), _) => format!("/pattern/times/{}/{}", index % times.max(1), field.replace('.', "/")),
        }
    }
}

fn expand(form: &BulkForm) -> ApiResult<Expanded> {
    match (&form.slots, &form.pattern) {
        (Some(slots), None) if slots.len() > MAX_BULK => Err(Problem::from(BulkRefusal::TooMany)),
        (Some(slots), None) => {
            let (mut drafts, mut bad) = (Vec::with_capacity(slots.len()), Vec::new());
            for (index, slot) in slots.iter().enumerate() {
                match place(slot) {
                    Ok(draft) => drafts.push(draft),
                    Err(problem) => bad.push((index, problem)),
                }
            }
            let expanded = Expanded { drafts, times: None };
            if bad.is_empty() {
                return Ok(expanded);
            }
            Err(refused(Failure::Refused(BulkRefusal::BadSlots(bad)), |index, field| expanded.pointer(index, field)))
        }
        (None, Some(pattern)) => spread(pattern),
        _ => Err(BadField::new("slots", "give either slots or a pattern").into()),
    }
}

fn place(slot: &PlacedSlot) -> Result<SlotDraft, BadField> {
    bulk_draft(&slot.clone().into(), AgendaId(slot.agenda), date("date", &slot.date)?)
}

fn bulk_draft(slot: &SlotForm, agenda: AgendaId, date: WallDate) -> Result<SlotDraft, BadField> {
    if slot.start_offset.is_some() || slot.end_offset.is_some() {
        return Err(BadField::new("start_offset", "is for single slots: in bulk the first of two times is taken"));
    }
    slot.draft(agenda, date)
}

fn spread(pattern: &BulkPattern) -> ApiResult<Expanded> {
    let on = pattern_days(pattern)?;
    let agendas = distinct(pattern.agendas.iter().map(|id| AgendaId(*id)).take(MAX_BULK));
    let count = agendas.len().saturating_mul(on.len()).saturating_mul(pattern.times.len());
    if count > MAX_BULK || pattern.agendas.len() > MAX_BULK {
        return Err(Problem::from(BulkRefusal::TooMany));
    }
    let mut expanded = Expanded { drafts: Vec::with_capacity(count), times: Some(pattern.times.len()) };
    for agenda in &agendas {
        for day in &on {
            for (index, time) in pattern.times.iter().enumerate() {
                let draft = bulk_draft(time, *agenda, *day);
                let there = |bad: BadField| Problem::invalid([]).field(expanded.pointer(index, bad.field), bad.problem);
                expanded.drafts.push(draft.map_err(there)?);
            }
        }
    }
    Ok(expanded)
}

fn pattern_days(pattern: &BulkPattern) -> Result<Vec<WallDate>, BadField> {
    match (&pattern.dates, &pattern.from, &pattern.to) {
        (Some(dates), None, None) if pattern.weekdays.is_none() => {
            if dates.len() > MAX_BULK {
                return Err(BadField::new("pattern.dates", "are too many at once"));
            }
            let read = dates.iter().map(|text| date("pattern.dates", text)).collect::<Result<BTreeSet<_>, _>>()?;
            Ok(read.into_iter().collect())
        }
        (None, Some(from), Some(to)) => {
            let all = days("pattern.to", date("pattern.from", from)?, date("pattern.to", to)?)?;
            let wanted = pattern.weekdays.as_deref().map_or(0x7f, Weekday::bits);
            Ok(all.filter(|day| wanted & (1 << day.weekday()) != 0).collect())
        }
        _ => Err(BadField::new("pattern", "give either dates, or from and to with or without weekdays")),
    }
}

/// Lays down many slots by hand: over days, over agendas.
#[utoipa::path(post, path = "/clinics/{clinic}/schedule/bulk", tag = "schedule", operation_id = "publishBulk",
    security(("staff" = [])), params(Retryable, ("clinic" = Uuid, Path, description = "The clinic")),
    request_body = BulkForm,
    responses((status = 200, body = BulkAnswer, description = "Dry run"), (status = 201, body = BulkAnswer),
        (status = 401, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn publish(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<BulkForm>,
) -> ApiResult<Done<BulkAnswer>> {
    principal.allow(clinic, RECEPTION)?;
    let expanded = expand(&form)?;
    let begun = begin(&app, clinic, principal.actor(), "publishBulk", &headers, &bytes).await?;
    let report = app
        .engine
        .publish_many(&begun.ctx, &expanded.drafts, LaidBy::Hand, form.dry_run)
        .await
        .map_err(|failure| refused(failure, |index, field| expanded.pointer(index, field)))?;
    Ok(answer(&app.engine.rules(clinic).await?.state, &report, form.dry_run))
}

/// Undoes a bulk command on these days: withdraws what is still free of its slots, and lists who is booked.
#[utoipa::path(post, path = "/clinics/{clinic}/schedule/bulk/{bulk}/undo", tag = "schedule", operation_id = "undoBulk",
    security(("staff" = [])),
    params(Retryable, ("clinic" = Uuid, Path, description = "The clinic"),
        ("bulk" = Uuid, Path, description = "The bulk command")),
    request_body = UndoForm,
    responses((status = 200, body = WithdrawnSlots), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn undo(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, bulk)): ApiPath<(ClinicId, BulkId)>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<UndoForm>,
) -> ApiResult<Done<WithdrawnSlots>> {
    principal.allow(clinic, RECEPTION)?;
    let rules = app.engine.rules(clinic).await?;
    let all = days("to", date("from", &form.from)?, date("to", &form.to)?)?.collect::<Vec<_>>();
    let agendas = match form.agendas {
        None => rules.state.agendas.keys().copied().collect(),
        Some(agendas) => distinct(agendas.into_iter().map(AgendaId)),
    };
    if agendas.iter().any(|agenda| !rules.state.agendas.contains_key(agenda)) {
        return Err(BadField::new("agendas", "names one that is not known").into());
    }
    let begun = begin(&app, clinic, principal.actor(), "undoBulk", &headers, &bytes).await?;
    catch_up(&app, "availability").await?;
    let of_bulk = |agenda: AgendaId, date: WallDate| {
        let day = app.views.availability.day(agenda, date);
        day.is_some_and(|day| day.slots.iter().any(|slot| slot.bulk == Some(bulk)))
    };
    let pairs = agendas.iter().flat_map(|agenda| all.iter().map(|date| (*agenda, *date)));
    let found: Vec<_> = pairs.filter(|(agenda, date)| of_bulk(*agenda, *date)).collect();
    let done = app.engine.undo_bulk(&begun.ctx, bulk, &found).await?;
    Ok(Done::ok(WithdrawnSlots::from(&done)).position(done.position))
}

/// Lays down a slot weekly. Recurring slots are not offered online unless the clinic's settings say so (R33).
#[utoipa::path(post, path = "/clinics/{clinic}/schedule/recurring", tag = "schedule", operation_id = "publishRecurring",
    security(("staff" = [])), params(Retryable, ("clinic" = Uuid, Path, description = "The clinic")),
    request_body = RecurringForm,
    responses((status = 200, body = BulkAnswer, description = "Dry run"), (status = 201, body = BulkAnswer),
        (status = 401, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn recur(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<RecurringForm>,
) -> ApiResult<Done<BulkAnswer>> {
    principal.allow(clinic, RECEPTION)?;
    let in_draft = |field: &str| format!("/draft/{}", field.replace('.', "/"));
    let draft = place(&form.draft).map_err(|b| Problem::invalid([]).field(in_draft(b.field), b.problem))?;
    let rule = weekly(&form.rule)?;
    // The rule's own findings, with their place in this request.
    rule.days(draft.date).map_err(|b| Problem::invalid([]).field(format!("/rule/{}", b.field), b.problem))?;
    let begun = begin(&app, clinic, principal.actor(), "publishRecurring", &headers, &bytes).await?;
    let report = app
        .engine
        .publish_recurring(&begun.ctx, &draft, &rule, form.dry_run)
        .await
        .map_err(|failure| refused(failure, |_, field| in_draft(field)))?;
    Ok(answer(&app.engine.rules(clinic).await?.state, &report, form.dry_run))
}

fn weekly(form: &RuleForm) -> Result<WeeklyRule, BadField> {
    Ok(WeeklyRule {
        weekdays: Weekday::bits(&form.weekdays),
        every_weeks: form.every_weeks,
        until: date("rule.until", &form.until)?,
        except: form.except.iter().map(|text| date("rule.except", text)).collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
#[path = "bulk_tests.rs"]
mod tests;
