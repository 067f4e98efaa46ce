//! Quebec's health insurance number: its own form is checked, never against the typed name, date or sex (8.29).

use super::hidden;
use crate::time::WallDate;
use crate::values::BadField;

/// A health insurance number: three letters of the surname, one of the first name, year, month (50 more for
/// females), day, and two digits: twelve characters, upper case, without spaces.
///
/// It is not a secret, and proves nothing by itself (8.5).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HealthNumber(String);

hidden!(HealthNumber);

/// Which part of a health insurance number is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadHealthNumber {
    /// Its length.
    #[error("must have twelve characters, such as ABCD 1234 5678")]
    Length,
    /// The first four characters.
    #[error("must begin with four letters without accents")]
    Letters,
    /// Something after the letters is no digit.
    #[error("must end with eight digits")]
    Digits,
    /// The seventh and eighth character.
    #[error("has a month (7th and 8th character) other than 01 to 12 or 51 to 62")]
    Month,
    /// The ninth and tenth character.
    #[error("has a day (9th and 10th character) that its month does not have")]
    Day,
}

impl From<BadHealthNumber> for BadField {
    fn from(bad: BadHealthNumber) -> Self {
        Self::new("health_number", bad.to_string())
    }
}

impl HealthNumber {
    /// Reads a number in any case, with spaces anywhere.
    pub fn parse(text: &str) -> Result<Self, BadHealthNumber> {
        let number: String = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
        if number.chars().count() != 12 {
            return Err(BadHealthNumber::Length);
        }
        if !number.chars().take(4).all(|c| c.is_ascii_uppercase()) {
            return Err(BadHealthNumber::Letters);
        }
        if !number.chars().skip(4).all(|c| c.is_ascii_digit()) {
            return Err(BadHealthNumber::Digits);
        }
        let two = |at: usize| number.get(at..at + 2).and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
        let (year, month, day) = (two(4), two(6), two(8));
        let month = if month > 50 { month - 50 } else { month };
        if !(1..=12).contains(&month) {
            return Err(BadHealthNumber::Month);
        }
        // The number does not tell the century, and only 29 February depends on it.
        let exists = |century: u32| {
            let year = i32::try_from(century + year).ok();
            year.and_then(|year| WallDate::from_ymd(year, month, day)).is_some()
        };
        if !exists(1900) && !exists(2000) {
            return Err(BadHealthNumber::Day);
        }
        Ok(Self(number))
    }
    /// A number that was sealed. The release that sealed it had parsed it, so it is taken as it stands: a parser that
    /// became stricter must not make old data unreadable.
    #[must_use]
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }
    /// The twelve characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_with_spaces_and_in_any_case() {
        for typed in ["TREM85510112", "trem 8551 0112", " TREM\u{a0}8551 0112 "] {
            assert_eq!(HealthNumber::parse(typed).as_ref().map(HealthNumber::as_str), Ok("TREM85510112"), "{typed}");
        }
    }

    #[test]
    fn the_error_says_which_part_is_wrong() {
        for (bad, why) in [
            ("", BadHealthNumber::Length),
            ("TREM8501011", BadHealthNumber::Length),
            ("TREM850101123", BadHealthNumber::Length),
            ("TRE985010112", BadHealthNumber::Letters),
            ("TR\u{c9}M85010112", BadHealthNumber::Letters),
            ("TREM850101A2", BadHealthNumber::Digits),
            ("TREM85000112", BadHealthNumber::Month),
            ("TREM85130112", BadHealthNumber::Month),
            ("TREM85500112", BadHealthNumber::Month),
            ("TREM85630112", BadHealthNumber::Month),
            ("TREM85010012", BadHealthNumber::Day),
            ("TREM85043112", BadHealthNumber::Day),
            ("TREM85023012", BadHealthNumber::Day),
            ("TREM85022912", BadHealthNumber::Day),
        ] {
            assert_eq!(HealthNumber::parse(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn what_was_sealed_is_read_as_it_stands() {
        let number = HealthNumber::parse("TREM85510112").unwrap();
        assert_eq!(HealthNumber::from_stored(number.as_str().to_owned()), number);
        assert_eq!(HealthNumber::from_stored("TREM99999999".to_owned()).as_str(), "TREM99999999");
    }

    #[test]
    fn the_29th_of_february_needs_one_century_that_has_it() {
        for good in ["TREM00022912", "TREM84522912", "TREM04022912"] {
            assert!(HealthNumber::parse(good).is_ok(), "{good}");
        }
    }
}
