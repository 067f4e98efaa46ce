//! Who somebody is: the details of a record, and what a visitor types. Parsed at the edge, so that inside there is
//! nothing left to check.
//!
//! All of this is personal data. Nothing here has a `Display`, and every `Debug` prints `[phi]`.

mod contact;
mod health_number;

pub use contact::*;
pub use health_number::*;

use crate::time::WallDate;
use crate::values::{BadField, Sex};
use std::hash::{Hash, Hasher};
use unicode_normalization::UnicodeNormalization;

/// Gives types a `Debug` that says only that something is there.
macro_rules! hidden {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("[phi]") }
        }
    )*};
}
pub(crate) use hidden;

hidden!(Profile, Phone, Email);

/// The details of a patient record (3.9); sealed wherever they are kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Profile {
    /// First name, as on file.
    pub first_name: String,
    /// Surname, as on file.
    pub last_name: String,
    /// Birth date.
    pub birth_date: WallDate,
    /// Sex as on file.
    pub sex: Sex,
    /// Health insurance number.
    pub health_number: Option<HealthNumber>,
    /// Year and month of the card's expiry; an expired number does not block (8.5).
    pub health_number_expiry: Option<(u16, u8)>,
    /// Telephone numbers, the main one first.
    pub phones: Vec<Phone>,
    /// E-mail addresses.
    pub emails: Vec<Email>,
    /// Postal addresses, lines separated by line breaks.
    pub addresses: Vec<String>,
}

/// A telephone number in E.164: `+`, country, number; extensions are not part of it (8.29).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phone(String);

/// What is wrong with a telephone number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadPhone {
    /// A character that telephone numbers do not have.
    #[error("holds a character that telephone numbers do not have")]
    Character,
    /// Without a country it is a number of North America.
    #[error("needs ten digits with the area code, or + and the country")]
    NorthAmerican,
    /// With a country its length is wrong.
    #[error("needs 8 to 15 digits with the country, which does not begin with 0")]
    International,
}

impl Phone {
    /// Reads a number as people write them: `514 555-0123 poste 4`, `1 (514) 555.0123`, `+33 6 12 34 56 78`.
    pub fn parse(text: &str) -> Result<Self, BadPhone> {
        let plain: String = text.nfkc().flat_map(char::to_lowercase).collect();
        let number = without_extension(plain.trim());
        let (abroad, rest) = match number.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, number),
        };
        let separator =
            |c: char| c.is_whitespace() || matches!(c, '-' | '.' | '(' | ')' | '/' | '\u{2010}'..='\u{2015}');
        let digits: String = rest.chars().filter(|c| !separator(*c)).collect();
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(BadPhone::Character);
        }
        if abroad && !digits.starts_with('1') {
            let good = (8..=15).contains(&digits.len()) && !digits.starts_with('0');
            return if good { Ok(Self(format!("+{digits}"))) } else { Err(BadPhone::International) };
        }
        let national = digits.strip_prefix('1').unwrap_or(&digits);
        if national.len() != 10 || national.starts_with(['0', '1']) {
            return Err(BadPhone::NorthAmerican);
        }
        Ok(Self(format!("+1{national}")))
    }
    /// A number that was sealed. The release that sealed it had parsed it, so it is taken as it stands: a parser that
    /// became stricter must not make old data unreadable.
    #[must_use]
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }
    /// The number in E.164.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Cuts off `x4`, `ext. 4`, `poste 4`, `#4` and the like; what follows the mark must be a number.
fn without_extension(text: &str) -> &str {
    let Some(at) = text.find(|c: char| c.is_alphabetic() || c == '#') else { return text };
    let (number, rest) = text.split_at(at);
    let marks = ["extension", "poste", "ext", "x", "#"];
    let extension = marks.iter().find_map(|mark| rest.strip_prefix(mark));
    let plain = |tail: &str| {
        let tail = tail.trim_matches(|c: char| c.is_whitespace() || matches!(c, '.' | ':' | '='));
        !tail.is_empty() && tail.len() <= 10 && tail.bytes().all(|b| b.is_ascii_digit())
    };
    match extension {
        Some(tail) if plain(tail) => number.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ';')),
        _ => text,
    }
}

/// An e-mail address, as it was typed; compared without case (8.6).
#[derive(Clone)]
pub struct Email(String);

/// The text is no e-mail address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("is not an e-mail address")]
pub struct BadEmail;

impl Email {
    /// Checks the form: one `@`, a dotted local part, a host of at least two labels, at most 254 characters.
    pub fn parse(text: &str) -> Result<Self, BadEmail> {
        let text = text.trim();
        let (local, host) = text.split_once('@').ok_or(BadEmail)?;
        let atom = |part: &str| {
            let good = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b);
            !part.is_empty() && part.bytes().all(good)
        };
        let label = |part: &str| {
            let inside = part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            (1..=63).contains(&part.len()) && inside && !part.starts_with('-') && !part.ends_with('-')
        };
        let top = host.rsplit('.').next().unwrap_or_default();
        let good = text.len() <= 254
            && local.len() <= 64
            && local.split('.').all(atom)
            && host.contains('.')
            && host.split('.').all(label)
            && top.len() >= 2
            && !top.bytes().all(|b| b.is_ascii_digit());
        if good { Ok(Self(text.to_owned())) } else { Err(BadEmail) }
    }
    /// An address that was sealed. The release that sealed it had parsed it, so it is taken as it stands: a parser that
    /// became stricter must not make old data unreadable.
    #[must_use]
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }
    /// The address as it was typed: what messages go to.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The address as it is compared.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}
impl Eq for Email {}
impl Hash for Email {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded().hash(state);
    }
}

impl From<BadPhone> for BadField {
    fn from(bad: BadPhone) -> Self {
        Self::new("cell_phone", bad.to_string())
    }
}
impl From<BadEmail> for BadField {
    fn from(bad: BadEmail) -> Self {
        Self::new("email", bad.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telephone_numbers_of_north_america_come_in_many_shapes() {
        for typed in [
            "5145550123",
            "514-555-0123",
            "(514) 555-0123",
            "1 514 555 0123",
            "+1 514.555.0123",
            "514\u{a0}555\u{2011}0123",
            " 514 555 0123 x123",
            "514 555-0123 poste 4",
            "514-555-0123, ext. 22",
            "514 555-0123 Ext:22",
            "514-555-0123;ext=22",
            "514-555-0123 #9",
            "\u{ff15}\u{ff11}\u{ff14} 555 0123",
        ] {
            assert_eq!(Phone::parse(typed).as_ref().map(Phone::as_str), Ok("+15145550123"), "{typed}");
        }
    }

    #[test]
    fn numbers_abroad_need_a_plus() {
        assert_eq!(Phone::parse("+33 6 12 34 56 78").as_ref().map(Phone::as_str), Ok("+33612345678"));
        for (bad, why) in [
            ("", BadPhone::NorthAmerican),
            ("555-0123", BadPhone::NorthAmerican),
            ("0612345678", BadPhone::NorthAmerican),
            ("33612345678", BadPhone::NorthAmerican),
            ("+1 514 555 012", BadPhone::NorthAmerican),
            ("+33 612", BadPhone::International),
            ("+0 612 345 678", BadPhone::International),
            ("+4912345678901234", BadPhone::International),
            ("514-555-CALL", BadPhone::Character),
            ("514 555 0123 poste", BadPhone::Character),
            ("514 555 0123 or 514 555 0124", BadPhone::Character),
            ("514+555+0123", BadPhone::Character),
        ] {
            assert_eq!(Phone::parse(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn an_address_is_kept_as_typed_and_compared_without_case() {
        let typed = Email::parse(" Marie.Tremblay+rv@Example.CA ").unwrap();
        assert_eq!(typed.as_str(), "Marie.Tremblay+rv@Example.CA");
        assert_eq!(typed, Email::parse("marie.tremblay+rv@example.ca").unwrap());
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        let long = format!("{}@{}.ca", "a".repeat(64), "b".repeat(63));
        assert!(Email::parse(&long).is_ok());
        for bad in [
            "",
            "a",
            "@example.ca",
            "a@",
            "a@b",
            "a@b.c",
            "a@b@example.ca",
            "a b@example.ca",
            ".a@example.ca",
            "a..b@example.ca",
            "a@-b.ca",
            "a@b..ca",
            "a@1.2.3.44",
            "a@example.ca\nbcc: b@example.ca",
            &format!("{}@example.ca", "a".repeat(65)),
            &format!("a@{}.ca", "b.".repeat(130)),
        ] {
            assert_eq!(Email::parse(bad), Err(BadEmail), "{bad}");
        }
    }

    #[test]
    fn what_was_sealed_is_read_as_it_stands() {
        let (phone, email) = (Phone::parse("5145550123").unwrap(), Email::parse("A@example.ca").unwrap());
        assert_eq!(Phone::from_stored(phone.as_str().to_owned()), phone);
        assert_eq!(Email::from_stored(email.as_str().to_owned()).as_str(), "A@example.ca");
        assert!(Phone::parse("+1").is_err() && Email::parse("a@localhost").is_err());
        assert_eq!(Phone::from_stored("+1".to_owned()).as_str(), "+1");
        assert_eq!(Email::from_stored("a@localhost".to_owned()).as_str(), "a@localhost");
    }

    #[test]
    fn debug_output_says_only_that_something_is_there() {
        let phone = Phone::parse("5145550123").unwrap();
        let shown = format!("{phone:?} {:?}", Email::parse("a@example.ca"));
        assert_eq!(shown, "[phi] Ok([phi])");
    }
}
