//! What schedule commands are told, and what they answer: slots as people describe them, weekly rules, reports of bulk
//! work.

use booking_domain::agenda_day::{DayRefusal, SlotFacts, single_instant};
use booking_domain::clinic::{Clinic, PublicationOverride};
use booking_domain::ids::{ActivityId, AgendaId, AppointmentId, BulkId, SlotId, TemplateId};
use booking_domain::template::TemplateRefusal;
use booking_domain::time::{Span, WallDate, WallTime};
use booking_domain::values::{BadField, Modality};
use booking_store::Position;

/// How many slots one bulk command may lay down.
pub const MAX_BULK: usize = 20_000;
/// How far ahead a recurrence may end, in days (8.27).
pub const MAX_RECURRENCE_DAYS: i32 = 366;

/// A slot as a person describes it.
#[derive(Clone, Debug)]
pub struct SlotDraft {
    /// The agenda.
    pub agenda: AgendaId,
    /// Wall date.
    pub date: WallDate,
    /// Wall time of the start.
    pub start: WallTime,
    /// Wall time of the end.
    pub end: WallTime,
    /// Offset of the start from UTC in minutes, where the local time exists twice.
    pub start_offset: Option<i32>,
    /// Offset of the end.
    pub end_offset: Option<i32>,
    /// Activity.
    pub activity: Option<ActivityId>,
    /// Title.
    pub title: Option<String>,
    /// Interval; none: the activity's duration (R92), or the whole slot without an activity.
    pub interval_minutes: Option<u16>,
    /// Modality; none: the activity's.
    pub modality: Option<Modality>,
    /// Own publication.
    pub publication: PublicationOverride,
}

impl SlotDraft {
    pub(crate) fn facts(&self, clinic: &Clinic, span: Span) -> SlotFacts {
        let of_activity = self.activity.and_then(|a| clinic.activities.get(&a)).map(|a| a.duration_minutes);
        let whole = u16::try_from(span.len_minutes().clamp(1, 1440)).unwrap_or(1440);
        SlotFacts {
            start: self.start,
            end: self.end,
            span,
            activity: self.activity,
            title: self.title.clone(),
            interval_minutes: self.interval_minutes.or(of_activity).unwrap_or(whole),
            modality: self.modality,
            publication: self.publication,
        }
    }
    pub(crate) fn single_span(&self, clinic: &Clinic) -> Result<Span, BadField> {
        let start = single_instant("start", self.date, self.start, clinic.zone(), self.start_offset)?;
        let end = single_instant("end", self.date, self.end, clinic.zone(), self.end_offset)?;
        Ok(Span { start, end })
    }
}

/// Where the slots of a bulk command come from.
#[derive(Clone, Copy, Debug)]
pub enum LaidBy {
    /// A bulk publication by hand.
    Hand,
    /// A template (R97).
    Template(TemplateId),
    /// A recurrence (R33).
    Recurrence,
    /// An import of a schedule: each slot counts as made by hand.
    Import,
}

/// A slot that a bulk command lays down, or would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Laid {
    /// The slot.
    pub slot: SlotId,
    /// The agenda.
    pub agenda: AgendaId,
    /// Wall date.
    pub date: WallDate,
    /// Wall time of the start.
    pub start: WallTime,
    /// Wall time of the end.
    pub end: WallTime,
    /// Its time.
    pub span: Span,
    /// Slots of the agenda that it overlaps in time; allowed (R95).
    pub overlaps: Vec<SlotId>,
    /// A wall time of it exists twice that day; the first is taken (8.19).
    pub twice: bool,
    /// It was there already, from an earlier run of the same command.
    pub existed: bool,
}

/// A slot that a bulk command leaves out, since a wall time of it does not exist that day (8.19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The agenda.
    pub agenda: AgendaId,
    /// Wall date.
    pub date: WallDate,
    /// Wall time of the start.
    pub start: WallTime,
    /// Wall time of the end.
    pub end: WallTime,
}

/// What a bulk command did, or would do.
#[derive(Clone, Debug, Default)]
pub struct BulkReport {
    /// Names the whole, for its undo.
    pub bulk: BulkId,
    /// Slots laid down.
    pub laid: Vec<Laid>,
    /// Slots left out.
    pub left_out: Vec<LeftOut>,
    /// Position of the last event; none in a dry run, or if there was nothing to do.
    pub position: Option<Position>,
}

/// Why a bulk command is refused as a whole.
#[derive(Debug, thiserror::Error)]
pub enum BulkRefusal {
    /// These slots break a rule; index into the input, and what is wrong.
    #[error("{} of the slots cannot be laid down", .0.len())]
    BadSlots(Vec<(usize, BadField)>),
    /// Too many slots at once.
    #[error("more than {MAX_BULK} slots at once")]
    TooMany,
    /// A day refuses.
    #[error(transparent)]
    Day(#[from] DayRefusal),
    /// The template cannot be applied.
    #[error(transparent)]
    Template(#[from] TemplateRefusal),
}

/// What a withdrawal found.
#[derive(Clone, Debug, Default)]
pub struct Withdrawal {
    /// Appointments that stay: whom to call.
    pub booked: Vec<(AgendaId, WallDate, AppointmentId)>,
    /// Slots withdrawn.
    pub withdrawn: usize,
    /// Position of the last event.
    pub position: Option<Position>,
}

/// A weekly rule with exceptions (8.27).
#[derive(Clone, Debug)]
pub struct WeeklyRule {
    /// Weekdays, Monday is bit 0.
    pub weekdays: u8,
    /// Every so many weeks.
    pub every_weeks: u8,
    /// Last day, included; within 366 days of the first.
    pub until: WallDate,
    /// Days left out.
    pub except: Vec<WallDate>,
}

impl WeeklyRule {
    /// The days of the rule from `first` on.
    pub fn days(&self, first: WallDate) -> Result<Vec<WallDate>, BadField> {
        if self.weekdays.trailing_zeros() >= 7 {
            return Err(BadField::new("weekdays", "needs at least one day"));
        }
        if self.every_weeks == 0 || self.every_weeks > 52 {
            return Err(BadField::new("every_weeks", "must lie between 1 and 52"));
        }
        if self.until < first || self.until.0 - first.0 > MAX_RECURRENCE_DAYS {
            return Err(BadField::new("until", "must lie within 366 days of the first day"));
        }
        let monday = first.plus_days(-i32::from(first.weekday()));
        let on = |day: &WallDate| {
            let week = (day.0 - monday.0) / 7;
            self.weekdays & (1 << day.weekday()) != 0
                && week % i32::from(self.every_weeks) == 0
                && !self.except.contains(day)
        };
        Ok((first.0..=self.until.0).map(WallDate).filter(on).collect())
    }
}
