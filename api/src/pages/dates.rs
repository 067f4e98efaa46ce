//! Dates and times as people write them: "mardi 24 novembre, 9 h 30", "Tuesday 24 November, 9:30 am".
//!
//! Only wall dates and times are written here; whoever has an instant takes the clinic's zone first.

use super::text::Words;
use booking_domain::time::{Instant, Tz, WallDate, WallTime, offset_minutes};
use chrono::Datelike;

const DAYS_FR: [&str; 7] = ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"];
const DAYS_EN: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS_FR: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];
const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Words {
    fn of_list<'a>(self, french: &[&'a str], english: &[&'a str], index: u32) -> &'a str {
        let list = if self.is_english() { english } else { french };
        usize::try_from(index).ok().and_then(|i| list.get(i)).copied().unwrap_or_default()
    }
    /// "mardi", "Tuesday"; 0 is Monday.
    pub fn weekday(self, index: u8) -> &'static str {
        self.of_list(&DAYS_FR, &DAYS_EN, u32::from(index))
    }
    /// "novembre", "November"; 1 is January.
    pub fn month(self, number: u32) -> &'static str {
        self.of_list(&MONTHS_FR, &MONTHS_EN, number.wrapping_sub(1))
    }
    /// "24 novembre", "1er décembre", "24 November".
    pub fn day_month(self, date: WallDate) -> String {
        let date = date.naive();
        let ordinal = if date.day() == 1 && !self.is_english() { "er" } else { "" };
        format!("{}{ordinal} {}", date.day(), self.month(date.month()))
    }
    /// "mardi 24 novembre", "Tuesday 24 November".
    pub fn day(self, date: WallDate) -> String {
        format!("{} {}", self.weekday(date.weekday()), self.day_month(date))
    }
    /// "24 novembre 2026": for birth dates and days of another year.
    pub fn full_date(self, date: WallDate) -> String {
        format!("{} {}", self.day_month(date), date.naive().year())
    }
    /// "9 h", "9 h 05", "minuit"; "9:00 am", "midnight" for 24:00.
    pub fn time(self, time: WallTime) -> String {
        let (hour, minute) = (time.0 / 60, time.0 % 60);
        match (self.is_english(), hour, minute) {
            (false, 24, _) => "minuit".to_owned(),
            (true, 24, _) => "midnight".to_owned(),
            (false, _, 0) => format!("{hour}\u{a0}h"),
            (false, ..) => format!("{hour}\u{a0}h\u{a0}{minute:02}"),
            (true, ..) => {
                let half = if hour < 12 { "am" } else { "pm" };
                format!("{}:{minute:02}\u{a0}{half}", if hour % 12 == 0 { 12 } else { hour % 12 })
            }
        }
    }
    /// "mardi 24 novembre, 9 h 30".
    pub fn day_time(self, date: WallDate, time: WallTime) -> String {
        format!("{}, {}", self.day(date), self.time(time))
    }
    /// The same of an instant on a clock in this zone.
    pub fn moment(self, at: Instant, zone: Tz) -> String {
        let (date, time) = at.wall(zone);
        self.day_time(date, time)
    }
    /// "30 minutes", "1 h 15 min", "1 hr 15 min".
    pub fn duration(self, minutes: i64) -> String {
        let (hours, rest) = (minutes / 60, minutes % 60);
        let hour = if self.is_english() { "hr" } else { "h" };
        match (hours, rest) {
            (0, _) => format!("{minutes}\u{a0}minutes"),
            (_, 0) => format!("{hours}\u{a0}{hour}"),
            _ => format!("{hours}\u{a0}{hour}\u{a0}{rest}\u{a0}min"),
        }
    }
    /// A zone by the name that people there use, with its city: "heure de l’Est (Toronto)". What has no name of ours is
    /// called by its distance from UTC at that moment.
    pub fn zone(self, zone: Tz, at: Instant) -> String {
        let name = zone.name();
        let city = name.rsplit('/').next().unwrap_or(name).replace('_', " ");
        let known = match name {
            "America/Toronto" | "America/Montreal" | "America/Iqaluit" => ("heure de l’Est", "Eastern Time"),
            "America/Halifax" | "America/Moncton" => ("heure de l’Atlantique", "Atlantic Time"),
            "America/Blanc-Sablon" => ("heure normale de l’Atlantique", "Atlantic Standard Time"),
            "America/St_Johns" => ("heure de Terre-Neuve", "Newfoundland Time"),
            "America/Winnipeg" => ("heure du Centre", "Central Time"),
            "America/Regina" => ("heure normale du Centre", "Central Standard Time"),
            "America/Edmonton" => ("heure des Rocheuses", "Mountain Time"),
            "America/Vancouver" => ("heure du Pacifique", "Pacific Time"),
            _ => {
                let offset = offset_minutes(at, zone);
                let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
                let sign = if offset < 0 { '\u{2212}' } else { '+' };
                return format!("UTC{sign}{hours}:{minutes:02} ({city})");
            }
        };
        format!("{} ({city})", if self.is_english() { known.1 } else { known.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_domain::values::Language;

    const FR: Words = Words(Language::Fr);
    const EN: Words = Words(Language::En);

    #[test]
    fn dates_and_times_are_written_as_people_write_them() {
        let (date, time) = (WallDate::parse("2026-11-24").unwrap(), WallTime::parse("09:30").unwrap());
        assert_eq!(FR.day_time(date, time), "mardi 24 novembre, 9\u{a0}h\u{a0}30");
        assert_eq!(EN.day_time(date, time), "Tuesday 24 November, 9:30\u{a0}am");
        assert_eq!(FR.day(WallDate::parse("2026-12-01").unwrap()), "mardi 1er décembre");
        assert_eq!(EN.full_date(WallDate::parse("1988-04-01").unwrap()), "1 April 1988");
    }

    #[test]
    fn noon_midnight_and_whole_hours_are_unmistakable() {
        let time = |text| WallTime::parse(text).unwrap();
        assert_eq!(EN.time(time("12:00")), "12:00\u{a0}pm");
        assert_eq!(EN.time(time("00:05")), "12:05\u{a0}am");
        assert_eq!(EN.time(time("24:00")), "midnight");
        assert_eq!(FR.time(time("13:00")), "13\u{a0}h");
        assert_eq!(FR.time(time("13:05")), "13\u{a0}h\u{a0}05");
        assert_eq!(FR.time(time("24:00")), "minuit");
    }

    #[test]
    fn zones_are_named() {
        let winter = Instant(1_800_000_000_000_000);
        assert_eq!(FR.zone(Tz::America__Toronto, winter), "heure de l’Est (Toronto)");
        assert_eq!(EN.zone(Tz::Australia__Lord_Howe, winter), "UTC+11:00 (Lord Howe)");
    }
}
