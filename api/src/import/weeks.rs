//! Schedules that repeat, from `clinic.toml`: templates with the weeks they are laid over, and recurrences. Which days
//! they fall on is worked out here; both come out as single slots with an external key of their own.

use super::config::{key, modality};
use super::problem::At;
use super::reader::Section;
use super::slots::{SlotEntry, Source};
use booking_domain::clinic::PublicationOverride;
use booking_domain::time::{WallDate, WallTime};
use booking_domain::values::Modality;

/// How far ahead anything is laid, in days (8.27).
const MAX_DAYS: i32 = 366;
/// A Monday: from here weeks are counted when a rule has no first day of its own.
const MONDAY: WallDate = WallDate(4);
/// Weekdays, Monday first.
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A schedule template, and where it is laid.
#[derive(Debug, Default)]
pub(super) struct TemplateEntry {
    pub key: String,
    pub practitioner: String,
    pub name: String,
    pub days: u16,
    pub slots: Vec<(TemplateSlotEntry, At)>,
    pub lay: Option<Window>,
}

/// A slot of a template.
#[derive(Clone, Debug, Default)]
pub(super) struct TemplateSlotEntry {
    pub day: u16,
    pub start: WallTime,
    pub end: WallTime,
    pub activity: Option<String>,
    pub title: Option<String>,
    pub interval_minutes: Option<u16>,
    pub modality: Option<Modality>,
    pub publication: PublicationOverride,
}

/// A weekly rule whose slots are never online (R33).
#[derive(Debug, Default)]
pub(super) struct RecurrenceEntry {
    pub key: String,
    pub agenda: String,
    pub weekdays: u8,
    pub every_weeks: u8,
    pub start: WallTime,
    pub end: WallTime,
    pub activity: Option<String>,
    pub title: Option<String>,
    pub interval_minutes: Option<u16>,
    pub modality: Option<Modality>,
    pub except: Vec<WallDate>,
    pub window: Window,
}

/// From when, and for how many weeks. Without a first day it begins on the day of the import.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    pub from: Option<WallDate>,
    pub weeks: u16,
}

impl Window {
    fn first(self, today: WallDate) -> WallDate {
        self.from.unwrap_or(today)
    }
    fn days(self, today: WallDate) -> impl Iterator<Item = WallDate> {
        let first = self.first(today);
        (first.0..first.0.saturating_add(i32::from(self.weeks) * 7)).map(WallDate)
    }
    /// What weeks are counted from, so that a rule keeps its rhythm whenever it is run again.
    fn anchor(self) -> WallDate {
        self.from.unwrap_or(MONDAY)
    }
}

fn window(section: &mut Section<'_, '_>) -> Window {
    let window = Window { from: section.date("from"), weeks: section.need("weeks", Section::number) };
    if i32::from(window.weeks) * 7 > MAX_DAYS {
        section.report_at("weeks", "must lie between 0 and 52");
        return Window::default();
    }
    window
}

fn publication(section: &mut Section<'_, '_>) -> PublicationOverride {
    let minutes = section.table("publication", |p| p.need("minutes_before", Section::number));
    minutes.map_or(PublicationOverride::None, PublicationOverride::MinutesBefore)
}

/// Reads `[[templates]]`.
pub(super) fn template(section: &mut Section<'_, '_>) -> TemplateEntry {
    TemplateEntry {
        key: key(section),
        practitioner: section.need("practitioner", Section::text),
        name: section.need("name", Section::text),
        days: section.number("days").unwrap_or(7),
        slots: section.entries("slots", |s| TemplateSlotEntry {
            day: s.need("day", Section::number),
            start: s.need("start", Section::time),
            end: s.need("end", Section::time),
            activity: s.text("activity"),
            title: s.text("title"),
            interval_minutes: s.number("interval_minutes"),
            modality: modality(s),
            publication: publication(s),
        }),
        lay: section.table("lay", window),
    }
}

/// Reads `[[recurrences]]`.
pub(super) fn recurrence(section: &mut Section<'_, '_>) -> RecurrenceEntry {
    let weekday = |name: &str| WEEKDAYS.iter().position(|day| *day == name);
    let days = section.need("weekdays", |s, key| s.names(key, weekday, &WEEKDAYS));
    let every_weeks = section.number("every_weeks").unwrap_or(1);
    if !(1..=52).contains(&every_weeks) {
        section.report_at("every_weeks", "must lie between 1 and 52");
    }
    RecurrenceEntry {
        key: key(section),
        agenda: section.need("agenda", Section::text),
        weekdays: days.into_iter().fold(0, |bits, day| bits | 1 << day),
        every_weeks: every_weeks.max(1),
        start: section.need("start", Section::time),
        end: section.need("end", Section::time),
        activity: section.text("activity"),
        title: section.text("title"),
        interval_minutes: section.number("interval_minutes"),
        modality: modality(section),
        except: section.dates("except"),
        window: window(section),
    }
}

impl TemplateEntry {
    /// The slots that it lays, in the practitioner's agenda.
    pub fn laid(&self, today: WallDate) -> Vec<SlotEntry> {
        let Some(window) = self.lay else { return Vec::new() };
        let period = (i32::from(self.days.max(1)) + 6) / 7 * 7;
        let mut laid = Vec::new();
        for date in window.days(today) {
            let offset = (date.0 - window.anchor().0).rem_euclid(period);
            let of_day = self.slots.iter().enumerate().filter(|(_, (slot, _))| i32::from(slot.day) == offset);
            for (place, (slot, at)) in of_day {
                laid.push(SlotEntry {
                    source: Source::Template(self.key.clone()),
                    agenda: self.practitioner.clone(),
                    key: place.to_string(),
                    date,
                    start: slot.start,
                    end: slot.end,
                    activity: slot.activity.clone(),
                    title: slot.title.clone(),
                    interval_minutes: slot.interval_minutes,
                    modality: slot.modality,
                    publication: slot.publication,
                    at: at.clone(),
                });
            }
        }
        laid
    }
}

impl RecurrenceEntry {
    /// The slots that it lays.
    pub fn laid(&self, at: &At, today: WallDate) -> Vec<SlotEntry> {
        let anchor = self.window.anchor();
        let monday = anchor.0 - i32::from(anchor.weekday());
        let on = |date: &WallDate| {
            let week = (date.0 - monday).div_euclid(7);
            self.weekdays & (1 << date.weekday()) != 0
                && week.rem_euclid(i32::from(self.every_weeks)) == 0
                && !self.except.contains(date)
        };
        let slot = |date| SlotEntry {
            source: Source::Recurrence(self.key.clone()),
            agenda: self.agenda.clone(),
            key: String::new(),
            date,
            start: self.start,
            end: self.end,
            activity: self.activity.clone(),
            title: self.title.clone(),
            interval_minutes: self.interval_minutes,
            modality: self.modality,
            publication: PublicationOverride::None,
            at: at.clone(),
        };
        self.window.days(today).filter(on).map(slot).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(month: u32, day: u32) -> WallDate {
        WallDate::from_ymd(2026, month, day).unwrap()
    }
    fn template(days: u16, on: &[u16], lay: Window) -> TemplateEntry {
        let slot = |day: &u16| (TemplateSlotEntry { day: *day, ..TemplateSlotEntry::default() }, At::default());
        TemplateEntry { days, slots: on.iter().map(slot).collect(), lay: Some(lay), ..TemplateEntry::default() }
    }
    fn dates(slots: &[SlotEntry]) -> Vec<WallDate> {
        slots.iter().map(|s| s.date).collect()
    }

    #[test]
    fn weeks_are_counted_from_monday_and_begin_today() {
        assert_eq!(MONDAY.weekday(), 0);
        // 25 November 2026 is a Wednesday.
        let laid = template(7, &[0, 2], Window { from: None, weeks: 1 }).laid(day(11, 25));
        assert_eq!(dates(&laid), [day(11, 25), day(11, 30)]);
    }

    #[test]
    fn a_fortnight_keeps_its_rhythm_when_it_is_run_a_week_later() {
        let fortnight = template(14, &[0], Window { from: None, weeks: 4 });
        let (first, second) = (fortnight.laid(day(11, 23)), fortnight.laid(day(11, 30)));
        assert!(dates(&second).iter().any(|d| dates(&first).contains(d)));
    }

    #[test]
    fn a_first_day_is_kept_whatever_day_it_is() {
        let from = Some(day(12, 2));
        let laid = template(7, &[0], Window { from, weeks: 2 }).laid(day(11, 25));
        assert_eq!(dates(&laid), [day(12, 2), day(12, 9)]);
    }

    #[test]
    fn a_recurrence_leaves_out_its_exceptions_and_every_other_week() {
        let window = Window { from: Some(day(11, 23)), weeks: 4 };
        let mut rule = RecurrenceEntry { weekdays: 0b1, every_weeks: 2, window, ..RecurrenceEntry::default() };
        assert_eq!(dates(&rule.laid(&At::default(), day(1, 1))), [day(11, 23), day(12, 7)]);
        rule.except = vec![day(11, 23)];
        assert_eq!(dates(&rule.laid(&At::default(), day(1, 1))), [day(12, 7)]);
    }
}
