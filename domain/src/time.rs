//! Time: instants in UTC microseconds, and the wall dates and times of a clinic's own IANA zone.
//!
//! Nothing here reads a clock or the machine's zone. A local time may not exist, or exist twice
//! (domain, 8.19): [`resolve`] says which, and its callers choose.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;

pub use chrono_tz::Tz;

/// Microseconds in a minute.
const MINUTE: i64 = 60_000_000;

/// A moment: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(pub i64);

impl Instant {
    /// Before everything; the publication moment of what is published at once.
    pub const MIN: Self = Self(i64::MIN);

    /// This moment and so many minutes of elapsed time (negative: earlier).
    #[must_use]
    pub const fn plus_minutes(self, minutes: i64) -> Self {
        Self(self.0.saturating_add(minutes.saturating_mul(MINUTE)))
    }
    /// This moment and so many seconds of elapsed time (negative: earlier).
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }
    /// Elapsed microseconds from `earlier` to this moment.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
    /// The moment as chrono's type; instants outside chrono's years are clamped.
    #[must_use]
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(if self.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
    }
    /// The same moment from chrono's type.
    #[must_use]
    pub fn from_utc(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_micros())
    }
    /// Date and minute of the day on a clock in `zone`.
    #[must_use]
    pub fn wall(self, zone: Tz) -> (WallDate, WallTime) {
        let local = self.to_utc().with_timezone(&zone).naive_local();
        (WallDate::of(local.date()), WallTime::of(local.time()))
    }
    /// RFC 3339 with the offset of `zone` at this moment.
    #[must_use]
    pub fn rfc3339(self, zone: Tz) -> String {
        self.to_utc().with_timezone(&zone).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.rfc3339(Tz::UTC))
    }
}

/// A date on the wall of the clinic: days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WallDate(pub i32);

impl WallDate {
    /// The date, if the calendar has it and its year is within 1800 to 9999.
    #[must_use]
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        (1800..=9999).contains(&year).then(|| NaiveDate::from_ymd_opt(year, month, day).map(Self::of)).flatten()
    }
    /// From chrono's date.
    #[must_use]
    pub fn of(date: NaiveDate) -> Self {
        Self(date.num_days_from_ce() - 719_163)
    }
    /// Chrono's date; dates outside its years are clamped.
    pub fn naive(self) -> NaiveDate {
        self.0.checked_add(719_163).and_then(NaiveDate::from_num_days_from_ce_opt).unwrap_or(if self.0 < 0 {
            NaiveDate::MIN
        } else {
            NaiveDate::MAX
        })
    }
    /// The date so many calendar days later (negative: earlier).
    #[must_use]
    pub const fn plus_days(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }
    /// Monday is 0, Sunday is 6.
    #[must_use]
    pub fn weekday(self) -> u8 {
        u8::try_from(self.naive().weekday().num_days_from_monday()).unwrap_or(0)
    }
    /// `yyyymmdd`, as in stream names.
    #[must_use]
    pub fn compact(self) -> String {
        self.naive().format("%Y%m%d").to_string()
    }
    /// Reads `yyyymmdd`.
    #[must_use]
    pub fn parse_compact(text: &str) -> Option<Self> {
        let digits = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
        let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<u32>().ok();
        digits.then(|| Self::from_ymd(i32::try_from(part(0..4)?).ok()?, part(4..6)?, part(6..8)?)).flatten()
    }
    /// Reads `yyyy-mm-dd`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let dashed = text.len() == 10 && text.as_bytes().get(4) == Some(&b'-') && text.as_bytes().get(7) == Some(&b'-');
        dashed.then(|| Self::parse_compact(&text.replace('-', ""))).flatten()
    }
}

impl fmt::Display for WallDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.naive(), f)
    }
}
impl fmt::Debug for WallDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A time on the wall: minutes since local midnight, 0 to 1440; 1440 is 24:00, the end of the day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WallTime(pub u16);

impl WallTime {
    /// The end of the local day.
    pub const END_OF_DAY: Self = Self(1440);

    /// Hour 0 to 24 (24 only with minute 0) and minute.
    #[must_use]
    pub fn hm(hour: u16, minute: u16) -> Option<Self> {
        (hour < 24 && minute < 60 || hour == 24 && minute == 0).then_some(Self(hour * 60 + minute))
    }
    /// Whole minutes of chrono's time; seconds are dropped.
    #[must_use]
    pub fn of(time: NaiveTime) -> Self {
        use chrono::Timelike;
        Self(u16::try_from(time.hour() * 60 + time.minute()).unwrap_or(0))
    }
    /// Reads `HH:MM`, up to `24:00`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (hour, minute) = text.split_once(':')?;
        let two = |s: &str| (s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit())).then(|| s.parse().ok()).flatten();
        Self::hm(two(hour)?, two(minute)?)
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}
impl fmt::Debug for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a wall date and time mean in a zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resolved {
    /// The clock shows it once.
    Once(Instant),
    /// The clock shows it twice: first and second.
    Twice(Instant, Instant),
    /// The clock jumps over it; the next instant that exists.
    Missing(Instant),
}

impl Resolved {
    /// The instant of bulk work: the first of two; none where the time does not exist (domain, 8.19).
    #[must_use]
    pub const fn first_or_missing(self) -> Option<Instant> {
        match self {
            Self::Once(at) | Self::Twice(at, _) => Some(at),
            Self::Missing(_) => None,
        }
    }
    /// The first instant at or after the wall time: that of a release time (domain, 8.2 and 8.29).
    #[must_use]
    pub const fn first_or_next(self) -> Instant {
        match self {
            Self::Once(at) | Self::Twice(at, _) | Self::Missing(at) => at,
        }
    }
}

/// Finds the instant, or the two, or none, at which a clock in `zone` shows this date and time.
#[must_use]
pub fn resolve(date: WallDate, time: WallTime, zone: Tz) -> Resolved {
    let (date, minutes) = if time >= WallTime::END_OF_DAY { (date.plus_days(1), 0) } else { (date, time.0) };
    let naive = date.naive().and_time(NaiveTime::MIN) + chrono::Duration::minutes(i64::from(minutes));
    match zone.from_local_datetime(&naive) {
        chrono::LocalResult::Single(at) => Resolved::Once(Instant::from_utc(at.to_utc())),
        chrono::LocalResult::Ambiguous(a, b) => {
            let (a, b) = (Instant::from_utc(a.to_utc()), Instant::from_utc(b.to_utc()));
            Resolved::Twice(a.min(b), a.max(b))
        }
        chrono::LocalResult::None => Resolved::Missing(after_gap(naive, zone)),
    }
}

/// The first instant after the gap that swallowed `naive`.
fn after_gap(naive: NaiveDateTime, zone: Tz) -> Instant {
    // Zones change on whole minutes and by at most a day (Samoa skipped one): walk on until the clock shows the time.
    let mut minute = naive;
    for _ in 0..=2 * 1440 {
        minute += chrono::Duration::minutes(1);
        if let Some(at) = zone.from_local_datetime(&minute).earliest() {
            return Instant::from_utc(at.to_utc());
        }
    }
    Instant::from_utc(naive.and_utc())
}

/// The offset of `zone` from UTC at `at`, in minutes.
#[must_use]
pub fn offset_minutes(at: Instant, zone: Tz) -> i32 {
    zone.offset_from_utc_datetime(&at.to_utc().naive_utc()).fix().local_minus_utc() / 60
}

/// A stretch of elapsed time, its end excluded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Span {
    /// First instant.
    pub start: Instant,
    /// First instant after it.
    pub end: Instant,
}

impl Span {
    /// From a start and a length in minutes.
    #[must_use]
    pub const fn minutes(start: Instant, minutes: i64) -> Self {
        Self { start, end: start.plus_minutes(minutes) }
    }
    /// True if the two share an instant.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
    /// True if `inner` lies wholly within.
    #[must_use]
    pub fn contains(self, inner: Self) -> bool {
        self.start <= inner.start && inner.end <= self.end
    }
    /// Length in whole minutes, rounded down.
    #[must_use]
    pub const fn len_minutes(self) -> i64 {
        self.end.since(self.start) / MINUTE
    }
}

/// Age on a day, in whole months; a birthday that the month lacks falls on the first of the next (domain, 8.29).
#[must_use]
pub fn age_in_months(birth: WallDate, on: WallDate) -> Option<u32> {
    let (b, o) = (birth.naive(), on.naive());
    if o < b {
        return None;
    }
    let months = (o.year() - b.year()) * 12 + i32::try_from(o.month()).ok()? - i32::try_from(b.month()).ok()?;
    // Compared with the day of birth itself: the 31st is not reached in a month of 30 days, but on the next 1st,
    // which already counts a month more.
    let complete = if o.day() >= b.day() { months } else { months - 1 };
    u32::try_from(complete).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_date_is_written_as_by_its_format(days in prop_oneof![-1_000_000..4_000_000_i32, any::<i32>()]) {
            let date = WallDate(days);
            prop_assert_eq!(date.to_string(), date.naive().format("%Y-%m-%d").to_string());
        }
    }

    fn date(y: i32, m: u32, d: u32) -> WallDate {
        WallDate::from_ymd(y, m, d).unwrap()
    }

    #[test]
    fn half_past_two_does_not_exist_on_the_spring_day_in_toronto() {
        let got = resolve(date(2027, 3, 14), WallTime(150), Tz::America__Toronto);
        let Resolved::Missing(next) = got else { panic!("{got:?}") };
        assert_eq!(next.rfc3339(Tz::America__Toronto), "2027-03-14T03:00:00-04:00");
    }

    #[test]
    fn half_past_one_exists_twice_on_the_autumn_day_in_toronto() {
        let Resolved::Twice(a, b) = resolve(date(2027, 11, 7), WallTime(90), Tz::America__Toronto) else { panic!() };
        assert_eq!(b.since(a), 60 * MINUTE);
        assert_eq!(a.rfc3339(Tz::America__Toronto), "2027-11-07T01:30:00-04:00");
    }

    #[test]
    fn lord_howe_moves_by_half_an_hour() {
        let Resolved::Missing(next) = resolve(date(2026, 10, 4), WallTime(130), Tz::Australia__Lord_Howe) else {
            panic!()
        };
        assert_eq!(next.rfc3339(Tz::Australia__Lord_Howe), "2026-10-04T02:30:00+11:00");
    }

    #[test]
    fn twenty_four_hundred_is_the_next_midnight() {
        let zone = Tz::America__Toronto;
        assert_eq!(
            resolve(date(2026, 11, 24), WallTime::END_OF_DAY, zone),
            resolve(date(2026, 11, 25), WallTime(0), zone)
        );
    }

    #[test]
    fn a_birthday_that_the_month_lacks_falls_on_the_first_of_the_next() {
        let leap = date(2024, 2, 29);
        assert_eq!(age_in_months(leap, date(2025, 2, 28)), Some(11));
        assert_eq!(age_in_months(leap, date(2025, 3, 1)), Some(12));
        assert_eq!(age_in_months(date(2026, 1, 31), date(2026, 4, 30)), Some(2));
        assert_eq!(age_in_months(date(2026, 1, 31), date(2026, 5, 1)), Some(3));
        assert_eq!(age_in_months(date(2026, 5, 2), date(2026, 5, 1)), None);
    }

    #[test]
    fn dates_and_times_read_back_what_they_print() {
        for text in ["1899-12-31", "1970-01-01", "2026-11-24", "2028-02-29"] {
            assert_eq!(WallDate::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(WallDate::parse("2026-02-29"), None);
        assert_eq!(WallDate::parse("2026-1-029"), None);
        assert_eq!(WallTime::parse("24:00"), Some(WallTime::END_OF_DAY));
        for bad in ["24:01", "7:00", "07:60", "+7:00", ""] {
            assert_eq!(WallTime::parse(bad), None, "{bad}");
        }
    }
}
