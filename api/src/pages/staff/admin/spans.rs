//! Lengths of time as people write them: "2 days" instead of 2880 minutes.

use serde::Deserialize;

/// A unit that a form offers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unit {
    /// Minutes.
    Minutes,
    /// Hours.
    #[default]
    Hours,
    /// Days of 24 hours.
    Days,
}

impl Unit {
    const fn minutes(self) -> u32 {
        match self {
            Self::Minutes => 1,
            Self::Hours => 60,
            Self::Days => 24 * 60,
        }
    }
    /// The value of the form's field.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Days => "days",
        }
    }
}

/// A number that cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NoNumber;

/// A whole number as it was typed; none where nothing was.
pub(super) fn number<T: std::str::FromStr>(text: &str) -> Result<Option<T>, NoNumber> {
    let text = text.trim();
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| NoNumber) }
}

/// The minutes of a number with its unit.
pub(super) fn minutes(text: &str, unit: Unit) -> Result<Option<u32>, NoNumber> {
    match number::<u32>(text)? {
        None => Ok(None),
        Some(number) => number.checked_mul(unit.minutes()).map(Some).ok_or(NoNumber),
    }
}

/// Minutes in the greatest unit that holds them whole.
pub(super) fn shown(minutes: u32) -> (String, Unit) {
    let unit = match minutes {
        0 => Unit::Hours,
        m if m.is_multiple_of(24 * 60) => Unit::Days,
        m if m.is_multiple_of(60) => Unit::Hours,
        _ => Unit::Minutes,
    };
    ((minutes / unit.minutes()).to_string(), unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_reads_back_as_it_is_shown() {
        for length in [0, 1, 59, 60, 90, 24 * 60, 36 * 60, 7 * 24 * 60, 527_040] {
            let (text, unit) = shown(length);
            assert_eq!(minutes(&text, unit), Ok(Some(length)), "{length}");
        }
        assert_eq!(shown(2 * 24 * 60), ("2".to_owned(), Unit::Days));
    }

    #[test]
    fn nothing_typed_is_none_and_nonsense_is_said() {
        assert_eq!(minutes(" ", Unit::Days), Ok(None));
        for nonsense in ["-1", "1.5", "two", "99999999999"] {
            assert_eq!(minutes(nonsense, Unit::Days), Err(NoNumber), "{nonsense}");
        }
    }
}
