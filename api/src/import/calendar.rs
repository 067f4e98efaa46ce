//! `<agenda>.ics`: the events of a calendar as slots of one agenda. Times are turned into the clinic's own wall time.
//!
//! Repeating events are refused, and the message says where their rule belongs: a rule in a calendar may say more than
//! a weekly recurrence can, and half of a rule would be a wrong schedule.

use super::problem::{At, Problems};
use super::slots::{MAX_KEY, SlotEntry, Source, publication};
use booking_domain::clinic::PublicationOverride;
use booking_domain::time::{Instant, Resolved, Tz, WallDate, WallTime, resolve};
use booking_domain::values::Modality;
use icalendar::parser::{Component, Property, read_components};

/// One event: its lines without folds, and where each stands.
struct Block {
    text: String,
    at: At,
}

/// Reads a calendar; `file` is its name, without `.ics` the key of the agenda.
pub(super) fn read(file: &str, text: &str, zone: Tz, problems: &Problems) -> Vec<SlotEntry> {
    let agenda = file.strip_suffix(".ics").unwrap_or(file);
    let mut slots = Vec::new();
    for block in blocks(file, text, problems) {
        let Ok(components) = read_components(&block.text) else {
            problems.push(block.at.problem("", "is not an event that can be read"));
            continue;
        };
        let events = components.iter().filter(|c| c.name == "VEVENT");
        slots.extend(events.filter_map(|event| slot(event, agenda, &block.at, zone, problems)));
    }
    slots
}

/// The events of a file, each by itself, so that a mistake in one does not hide those in the others.
fn blocks(file: &str, text: &str, problems: &Problems) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    let mut calendar = false;
    for (line, number) in unfolded(text) {
        let name: String = line.chars().take_while(|c| !matches!(c, ':' | ';')).collect::<String>().to_uppercase();
        let upper = line.trim_end().to_uppercase();
        calendar |= upper == "BEGIN:VCALENDAR";
        if upper == "BEGIN:VEVENT" {
            if open {
                problems.push(At::row(file, number).problem("", "an event begins before the last one ended"));
            }
            blocks.push(Block { text: String::new(), at: At::row(file, number) });
            open = true;
        }
        if let Some(block) = blocks.last_mut().filter(|_| open) {
            block.text.push_str(line.trim_end());
            block.text.push_str("\r\n");
            block.at.fields.push((name, number));
        }
        if upper == "END:VEVENT" {
            open = false;
        }
    }
    if open {
        let line = blocks.pop().map_or(0, |block| block.at.line);
        problems.push(At::row(file, line).problem("", "the event has no end"));
    }
    if !calendar {
        problems.push(At::row(file, 1).problem("", "is not a calendar: BEGIN:VCALENDAR is missing"));
    }
    blocks
}

/// Lines without folds, each with the number of its first line.
fn unfolded(text: &str) -> Vec<(String, usize)> {
    let mut lines: Vec<(String, usize)> = Vec::new();
    for (line, number) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().zip(1..) {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some((last, _))) => last.push_str(rest),
            _ if line.trim().is_empty() => {}
            _ => lines.push((line.to_owned(), number)),
        }
    }
    lines
}

fn slot(event: &Component<'_>, agenda: &str, at: &At, zone: Tz, problems: &Problems) -> Option<SlotEntry> {
    let bad = |field: &str, message: &str| problems.push(at.problem(field, message));
    let value = |name: &str| event.find_prop(name).map(|p| p.val.as_str().trim()).filter(|v| !v.is_empty());
    if value("STATUS").is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED")) {
        return None;
    }
    for repeated in ["RRULE", "RDATE"] {
        if event.find_prop(repeated).is_some() {
            bad(repeated, "repeating events are not read: write the rule under [[recurrences]] in clinic.toml");
        }
    }
    if event.find_prop("RECURRENCE-ID").is_some() {
        bad("RECURRENCE-ID", "changes one event of a series, and series are not read");
    }
    let key = value("UID").unwrap_or_default();
    if key.is_empty() || key.len() > MAX_KEY {
        bad("UID", "must have 1 to 200 characters");
    }
    let moment = |name: &str| {
        let Some(property) = event.find_prop(name) else { return Err("is missing") };
        instant(property, zone)
    };
    let start = moment("DTSTART").map_err(|message| bad("DTSTART", message)).ok()?;
    let end = match (event.find_prop("DTEND"), value("DURATION")) {
        (Some(_), _) => moment("DTEND").map_err(|message| bad("DTEND", message)).ok()?,
        (None, Some(text)) => {
            let minutes = minutes(text).ok_or("must be hours and minutes, such as PT1H30M");
            start.plus_minutes(minutes.map_err(|message| bad("DURATION", message)).ok()?)
        }
        (None, None) => {
            bad("DTEND", "is missing, and there is no DURATION");
            return None;
        }
    };
    let (date, from, to) = within_day(start, end, zone).map_err(|message| bad("DTSTART", message)).ok()?;
    let interval = value("X-INTERVAL-MINUTES").map(str::parse::<u16>);
    if matches!(interval, Some(Err(_))) {
        bad("X-INTERVAL-MINUTES", "must be a number of minutes");
    }
    let modality = value("X-MODALITY").map(Modality::from_name);
    if matches!(modality, Some(None)) {
        bad("X-MODALITY", "must be one of in_person, video, telephone, home_visit");
    }
    let publication = publication(value("X-PUBLICATION").unwrap_or_default(), zone);
    if let Err(message) = publication {
        bad("X-PUBLICATION", message);
    }
    let mut at = at.clone();
    // What the schedule's own checks call these fields.
    for (ours, theirs) in [("activity", "CATEGORIES"), ("title", "SUMMARY"), ("key", "UID"), ("end", "DTEND")] {
        let line = at.fields.iter().find(|(name, _)| name == theirs).map(|(_, line)| *line);
        at.fields.extend(line.map(|line| (ours.to_owned(), line)));
    }
    Some(SlotEntry {
        source: Source::Row,
        agenda: agenda.to_owned(),
        key: key.to_owned(),
        date,
        start: from,
        end: to,
        activity: value("CATEGORIES").map(str::to_owned),
        title: value("SUMMARY").map(str::to_owned),
        interval_minutes: interval.and_then(Result::ok),
        modality: modality.flatten(),
        publication: publication.unwrap_or(PublicationOverride::None),
        at,
    })
}

/// The moment of a property: UTC, in a zone of its own, or on the clinic's wall.
fn instant(property: &Property<'_>, clinic: Tz) -> Result<Instant, &'static str> {
    const FORM: &str = "must be a date and time such as 20270104T083000, with Z or a TZID if it is not the clinic's";
    let param = |name: &str| property.params.iter().find(|p| p.key == name).and_then(|p| p.val.as_ref());
    let text = property.val.as_str().trim();
    if param("VALUE").is_some_and(|v| v.as_str().eq_ignore_ascii_case("DATE")) || text.len() == 8 {
        return Err("is a whole day; a slot needs a time");
    }
    let (text, zone) = match (text.strip_suffix('Z'), param("TZID")) {
        (Some(text), _) => (text, Tz::UTC),
        (None, Some(zone)) => {
            let zone = zone.as_str().trim_matches('"').parse();
            (text, zone.map_err(|_| "names a TZID that is not an IANA time zone such as America/Toronto")?)
        }
        (None, None) => (text, clinic),
    };
    let (date, time) = text.split_once('T').ok_or(FORM)?;
    let digits = time.len() == 6 && time.bytes().all(|b| b.is_ascii_digit());
    let part = |range: std::ops::Range<usize>| time.get(range).filter(|_| digits).and_then(|t| t.parse().ok());
    let (hour, minute, second): (u16, u16, u16) =
        (part(0..2).ok_or(FORM)?, part(2..4).ok_or(FORM)?, part(4..6).ok_or(FORM)?);
    if second != 0 {
        return Err("must be a whole minute");
    }
    let (date, time) = (WallDate::parse_compact(date).ok_or(FORM)?, WallTime::hm(hour, minute).ok_or(FORM)?);
    match resolve(date, time, zone) {
        Resolved::Once(at) | Resolved::Twice(at, _) => Ok(at),
        Resolved::Missing(_) => Err("does not exist: the clock jumps over it that day"),
    }
}

/// Wall date and times at the clinic, if both lie within one day of it and mean these very moments.
fn within_day(start: Instant, end: Instant, zone: Tz) -> Result<(WallDate, WallTime, WallTime), &'static str> {
    let ((date, from), (last, to)) = (start.wall(zone), end.wall(zone));
    let to = if last == date.plus_days(1) && to == WallTime(0) { WallTime::END_OF_DAY } else { to };
    if end <= start {
        return Err("must lie before the end");
    }
    if last != date && to != WallTime::END_OF_DAY {
        return Err("and the end must lie within one day at the clinic");
    }
    let means = |time, moment| resolve(date, time, zone).first_or_missing() == Some(moment);
    if means(from, start) && means(to, end) {
        Ok((date, from, to))
    } else {
        Err("falls into the hour that the clinic's clock shows twice; enter this slot by hand")
    }
}

/// `PT1H30M`, `PT45M`, `PT2H` in minutes.
fn minutes(text: &str) -> Option<i64> {
    let mut rest = text.strip_prefix("PT")?;
    let mut total = 0;
    for (unit, length) in [('H', 60), ('M', 1)] {
        if let Some((number, after)) = rest.split_once(unit) {
            total += number.parse::<i64>().ok().filter(|n| (0..=1440).contains(n))? * length;
            rest = after;
        }
    }
    (rest.is_empty() && total > 0).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(lines: &str) -> (Vec<SlotEntry>, Vec<String>) {
        let problems = Problems::default();
        let text = format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
        let slots = read("gagnon.ics", &text, Tz::America__Toronto, &problems);
        (slots, problems.into_sorted().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn utc_another_zone_and_the_clinics_wall_give_the_same_slot() {
        for start in
            ["DTSTART:20270104T133000Z", "DTSTART;TZID=Europe/Paris:20270104T143000", "DTSTART:20270104T083000"]
        {
            let (slots, problems) = event(&format!("{start}\r\nDURATION:PT1H30M\r\nSUMMARY:Suivi\r\n  long"));
            assert_eq!(problems, Vec::<String>::new(), "{start}");
            assert_eq!((slots[0].start, slots[0].end), (WallTime(510), WallTime(600)), "{start}");
            assert_eq!(slots[0].title.as_deref(), Some("Suivi long"));
            assert_eq!(slots[0].agenda, "gagnon");
        }
    }

    #[test]
    fn a_repeating_event_is_refused_with_the_line_of_its_rule() {
        let (_, problems) = event("DTSTART:20270104T083000\r\nDTEND:20270104T090000\r\nRRULE:FREQ=WEEKLY");
        assert_eq!(problems.len(), 1);
        assert!(problems[0].starts_with("gagnon.ics:6: RRULE: repeating events are not read"), "{problems:?}");
    }

    #[test]
    fn times_that_no_slot_can_have_are_refused() {
        for (lines, why) in [
            ("DTSTART;VALUE=DATE:20270104\r\nDTEND;VALUE=DATE:20270105", "whole day"),
            ("DTSTART;TZID=Eastern Standard Time:20270104T083000\r\nDURATION:PT1H", "IANA"),
            ("DTSTART:20270314T023000\r\nDURATION:PT1H", "does not exist"),
            ("DTSTART:20271107T063000Z\r\nDURATION:PT30M", "shows twice"),
            ("DTSTART:20270104T233000\r\nDURATION:PT2H", "one day"),
            ("DTSTART:20270104T083000\r\nDTEND:20270104T080000", "before the end"),
            ("DTSTART:20270104T083000", "no DURATION"),
        ] {
            let (slots, problems) = event(lines);
            assert!(slots.is_empty() && problems.len() == 1 && problems[0].contains(why), "{lines}: {problems:?}");
        }
    }

    #[test]
    fn a_cancelled_event_is_passed_over() {
        let (slots, problems) = event("DTSTART:20270104T083000\r\nDURATION:PT1H\r\nSTATUS:CANCELLED");
        assert!(slots.is_empty() && problems.is_empty());
    }
}
