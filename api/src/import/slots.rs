//! Slots as files describe them, and `schedules.csv`.

use super::config::MODALITIES;
use super::problem::{At, Problems};
use super::rows::{self, Column, Row};
use booking_domain::clinic::PublicationOverride;
use booking_domain::time::{Tz, WallDate, WallTime, resolve};
use booking_domain::values::Modality;
use std::collections::BTreeMap;

/// The file's name.
pub(super) const FILE: &str = "schedules.csv";
/// Longest external key.
pub(super) const MAX_KEY: usize = 200;

const COLUMNS: [Column; 10] = [
    Column { name: "agenda", required: true },
    Column { name: "key", required: true },
    Column { name: "date", required: true },
    Column { name: "start", required: true },
    Column { name: "end", required: true },
    Column { name: "activity", required: false },
    Column { name: "title", required: false },
    Column { name: "interval_minutes", required: false },
    Column { name: "modality", required: false },
    Column { name: "publication", required: false },
];

/// Where a slot comes from; it decides the slot's origin.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Source {
    /// A row or a calendar's event: counts as made by hand.
    Row,
    /// A template, by its key.
    Template(String),
    /// A recurrence, by its key: never online (R33).
    Recurrence(String),
}

/// One slot.
#[derive(Clone, Debug)]
pub(super) struct SlotEntry {
    pub source: Source,
    /// Key of the agenda's practitioner.
    pub agenda: String,
    /// The external key, within its source, agenda and date.
    pub key: String,
    pub date: WallDate,
    pub start: WallTime,
    pub end: WallTime,
    pub activity: Option<String>,
    pub title: Option<String>,
    pub interval_minutes: Option<u16>,
    pub modality: Option<Modality>,
    pub publication: PublicationOverride,
    pub at: At,
}

/// Reads `schedules.csv`.
pub(super) fn read(text: &str, zone: Tz, problems: &Problems) -> Vec<SlotEntry> {
    let mut slots = Vec::new();
    rows::read(FILE, text, &COLUMNS, problems, |row| slots.extend(slot(row, zone, problems)));
    slots
}

fn slot(row: &Row<'_>, zone: Tz, problems: &Problems) -> Option<SlotEntry> {
    let bad = |field: &str, message: &str| problems.push(row.at.problem(field, message));
    let key = row.get("key");
    if key.is_empty() || key.len() > MAX_KEY {
        bad("key", "must have 1 to 200 characters");
    }
    let date = WallDate::parse(row.get("date"));
    if date.is_none() {
        bad("date", "must be a date that exists, as 2027-01-04");
    }
    let time = |column: &str| {
        let time = WallTime::parse(row.get(column));
        if time.is_none() {
            bad(column, "must be a time of day such as 08:30");
        }
        time
    };
    let (start, end) = (time("start"), time("end"));
    let interval = row.some("interval_minutes").map(str::parse::<u16>);
    if matches!(interval, Some(Err(_))) {
        bad("interval_minutes", "must be a number of minutes");
    }
    let modality = row.some("modality").map(Modality::from_name);
    if matches!(modality, Some(None)) {
        bad("modality", &format!("must be one of {}", MODALITIES.join(", ")));
    }
    let publication = publication(row.get("publication"), zone);
    if let Err(message) = publication {
        bad("publication", message);
    }
    Some(SlotEntry {
        source: Source::Row,
        agenda: row.get("agenda").to_owned(),
        key: key.to_owned(),
        date: date?,
        start: start?,
        end: end?,
        activity: row.some("activity").map(str::to_owned),
        title: row.some("title").map(str::to_owned),
        interval_minutes: interval.and_then(Result::ok),
        modality: modality.flatten(),
        publication: publication.ok()?,
        at: row.at.clone(),
    })
}

/// A slot's own publication: nothing, `lead:2880` (minutes before its start), or a wall time `2027-01-04T08:00`.
pub(super) fn publication(text: &str, zone: Tz) -> Result<PublicationOverride, &'static str> {
    const FORM: &str = "must be empty, lead:2880 (minutes before the start) or 2027-01-04T08:00";
    if text.is_empty() {
        return Ok(PublicationOverride::None);
    }
    if let Some(minutes) = text.strip_prefix("lead:") {
        let minutes = minutes.trim().parse().ok().filter(|m| (1..=527_040).contains(m));
        return minutes.map(PublicationOverride::MinutesBefore).ok_or(FORM);
    }
    let (date, time) = text.split_once(['T', ' ']).ok_or(FORM)?;
    let (date, time) = (WallDate::parse(date).ok_or(FORM)?, WallTime::parse(time).ok_or(FORM)?);
    Ok(PublicationOverride::At(resolve(date, time, zone).first_or_next()))
}

/// Reports external keys that stand twice within one agenda and day, and agendas and activities that nobody knows.
pub(super) fn check(
    slots: &[SlotEntry],
    agendas: &BTreeMap<&str, bool>,
    activities: &BTreeMap<&str, bool>,
    problems: &Problems,
) {
    let mut keys = BTreeMap::new();
    for slot in slots {
        let field = if matches!(slot.source, Source::Template(_)) { "practitioner" } else { "agenda" };
        match agendas.get(slot.agenda.as_str()) {
            Some(true) => {}
            Some(false) => problems.push(slot.at.problem(field, "is of a practitioner without an agenda")),
            // A template's practitioner was looked for already.
            None if field == "practitioner" => {}
            None => problems.push(slot.at.problem(field, "is not the key of a practitioner")),
        }
        if slot.activity.as_deref().is_some_and(|key| !activities.contains_key(key)) {
            problems.push(slot.at.problem("activity", "is not the key of an activity"));
        }
        if slot.source == Source::Row {
            let name = (slot.agenda.as_str(), slot.date, slot.key.as_str());
            if let Some((file, line)) = keys.insert(name, (slot.at.file.as_str(), slot.at.line)) {
                let message = format!("stands in {file} on line {line} already, for the same agenda and day");
                problems.push(slot.at.problem("key", message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_may_say_itself_when_it_is_published() {
        let zone = Tz::America__Toronto;
        assert_eq!(publication("", zone), Ok(PublicationOverride::None));
        assert_eq!(publication("lead:90", zone), Ok(PublicationOverride::MinutesBefore(90)));
        let Ok(PublicationOverride::At(at)) = publication("2027-01-04T08:00", zone) else { panic!() };
        assert_eq!(at.rfc3339(zone), "2027-01-04T08:00:00-05:00");
        for bad in ["lead:0", "lead:x", "2027-02-30T08:00", "tomorrow", "2027-01-04"] {
            assert!(publication(bad, zone).is_err(), "{bad}");
        }
    }
}
