//! The small month beside the agenda.

use crate::pages::text::Words;
use booking_domain::time::WallDate;
use chrono::Datelike;

/// A day of the month.
pub(super) struct Day {
    pub(super) number: u32,
    pub(super) name: String,
    pub(super) href: String,
    pub(super) chosen: bool,
    pub(super) today: bool,
    /// Of the month before or after.
    pub(super) outside: bool,
}

/// A month in weeks from Monday on.
pub(super) struct Month {
    pub(super) title: String,
    pub(super) earlier: String,
    pub(super) later: String,
    pub(super) weekdays: Vec<(String, &'static str)>,
    pub(super) weeks: Vec<Vec<Day>>,
}

impl Month {
    pub(super) fn new(w: Words, date: WallDate, today: WallDate, href: impl Fn(WallDate) -> String) -> Self {
        let shown = date.naive();
        let first = date.plus_days(1 - i32::try_from(shown.day()).unwrap_or(1));
        let start = first.plus_days(-i32::from(first.weekday()));
        let day = |at: WallDate| Day {
            number: at.naive().day(),
            name: w.day(at),
            href: href(at),
            chosen: at == date,
            today: at == today,
            outside: at.naive().month() != shown.month(),
        };
        let weeks = (0..6).map(|week| (0..7).map(|n| day(start.plus_days(week * 7 + n))).collect::<Vec<_>>());
        Self {
            title: format!("{} {}", w.month(shown.month()), shown.year()),
            earlier: href(first.plus_days(-1)),
            later: href(first.plus_days(31)),
            weekdays: (0..7).map(|n| (w.weekday(n).chars().take(1).collect(), w.weekday(n))).collect(),
            weeks: weeks.filter(|week| week.iter().any(|day| !day.outside)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_domain::values::Language;

    #[test]
    fn a_month_has_whole_weeks_from_monday_on() {
        let date = WallDate::parse("2026-11-24").unwrap();
        let month = Month::new(Words::of(Language::En), date, date, |day| day.to_string());
        assert_eq!(month.weeks.len(), 6);
        assert_eq!(month.weeks[0][0].href, "2026-10-26");
        assert!(month.weeks[0][0].outside && !month.weeks[0][6].outside);
        assert_eq!(month.weeks.iter().flatten().filter(|day| !day.outside).count(), 30);
        assert_eq!((month.earlier.as_str(), month.later.as_str()), ("2026-10-31", "2026-12-02"));
    }
}
