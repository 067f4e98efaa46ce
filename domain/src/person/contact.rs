//! What a visitor types on the identification form (3.10), and what it has to be.

use super::{Email, HealthNumber, Phone, Profile, hidden};
use crate::matching::fold_name;
use crate::time::WallDate;
use crate::values::{BadField, Sex, check_text};

/// The identification form as it was typed; an empty text is a field left empty.
#[derive(Clone, Copy, Default)]
pub struct TypedContact<'a> {
    /// First name.
    pub first_name: &'a str,
    /// Surname.
    pub last_name: &'a str,
    /// Birth date, `yyyy-mm-dd`.
    pub birth_date: &'a str,
    /// Sex, by its name in the API.
    pub sex: &'a str,
    /// Health insurance number; optional (R11).
    pub health_number: &'a str,
    /// Cell phone; this or the e-mail address is needed (R10).
    pub cell_phone: &'a str,
    /// E-mail address.
    pub email: &'a str,
}

impl std::fmt::Debug for TypedContact<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[phi]")
    }
}

/// Identity and contacts of the person who will be seen; stands in the place of a record when none was recognized (R50).
#[derive(Clone, PartialEq, Eq)]
pub struct ProvisionalContact {
    /// First name, trimmed, single spaces.
    pub first_name: String,
    /// Surname, trimmed, single spaces.
    pub last_name: String,
    /// Birth date.
    pub birth_date: WallDate,
    /// Sex.
    pub sex: Sex,
    /// Health insurance number.
    pub health_number: Option<HealthNumber>,
    /// Cell phone; a contact has this or an e-mail address or both.
    pub cell_phone: Option<Phone>,
    /// E-mail address.
    pub email: Option<Email>,
}

hidden!(ProvisionalContact);

impl ProvisionalContact {
    /// Reads the form, or says everything that is wrong with it at once. `today` is the clinic's wall date.
    ///
    /// The health number is not compared with the name, the date or the sex: that would help somebody who guesses.
    pub fn parse(typed: TypedContact<'_>, today: WallDate) -> Result<Self, Vec<BadField>> {
        let mut findings = Vec::new();
        let first_name = noted(name("first_name", typed.first_name), &mut findings);
        let last_name = noted(name("last_name", typed.last_name), &mut findings);
        let birth_date = noted(birth_date(typed.birth_date, today), &mut findings);
        let sex = noted(sex(typed.sex), &mut findings);
        let health_number = noted(optional(typed.health_number, HealthNumber::parse), &mut findings);
        let cell_phone = noted(optional(typed.cell_phone, Phone::parse), &mut findings);
        let email = noted(optional(typed.email, Email::parse), &mut findings);
        if typed.cell_phone.trim().is_empty() && typed.email.trim().is_empty() {
            findings.push(BadField::new("cell_phone", "give a cell phone or an e-mail address"));
        }
        match (first_name, last_name, birth_date, sex, health_number, cell_phone, email) {
            (
                Some(first_name),
                Some(last_name),
                Some(birth_date),
                Some(sex),
                Some(health_number),
                Some(cell_phone),
                Some(email),
            ) if findings.is_empty() => {
                Ok(Self { first_name, last_name, birth_date, sex, health_number, cell_phone, email })
            }
            _ => Err(findings),
        }
    }
    /// The details of a record made from this contact: a step of its own, never automatic (8.12).
    #[must_use]
    pub fn to_profile(&self) -> Profile {
        Profile {
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            birth_date: self.birth_date,
            sex: self.sex,
            health_number: self.health_number.clone(),
            health_number_expiry: None,
            phones: self.cell_phone.iter().cloned().collect(),
            emails: self.email.iter().cloned().collect(),
            addresses: vec![],
        }
    }
}

fn noted<T>(field: Result<T, BadField>, findings: &mut Vec<BadField>) -> Option<T> {
    field.map_err(|bad| findings.push(bad)).ok()
}

fn name(field: &'static str, typed: &str) -> Result<String, BadField> {
    check_text(field, typed, 1, 100)?;
    if fold_name(typed).is_empty() {
        return Err(BadField::new(field, "needs at least one letter"));
    }
    Ok(typed.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn birth_date(typed: &str, today: WallDate) -> Result<WallDate, BadField> {
    let bad = |problem: &str| Err(BadField::new("birth_date", problem));
    match WallDate::parse(typed.trim()) {
        None => bad("must be a date that exists, as year-month-day"),
        Some(date) if date > today => bad("must not lie in the future"),
        Some(date) if date.compact().as_str() < "19000101" => bad("must not lie before 1900"),
        Some(date) => Ok(date),
    }
}

fn sex(typed: &str) -> Result<Sex, BadField> {
    Sex::from_name(typed.trim()).ok_or_else(|| BadField::new("sex", "must be one of female, male, other"))
}

fn optional<T, E: Into<BadField>>(typed: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<Option<T>, BadField> {
    if typed.trim().is_empty() { Ok(None) } else { parse(typed).map(Some).map_err(Into::into) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: TypedContact<'_> = TypedContact {
        first_name: " Marie  Ève ",
        last_name: "L'Écuyer",
        birth_date: "1985-01-01",
        sex: "female",
        health_number: "",
        cell_phone: "514 555-0123",
        email: "",
    };
    fn today() -> WallDate {
        WallDate::from_ymd(2026, 11, 22).unwrap()
    }
    #[track_caller]
    fn assert_bad(typed: TypedContact<'_>, fields: &[&str]) {
        let findings = ProvisionalContact::parse(typed, today()).unwrap_err();
        assert_eq!(findings.iter().map(|f| f.field).collect::<Vec<_>>(), fields);
    }

    #[test]
    fn a_form_that_is_filled_in_becomes_a_contact() {
        let contact = ProvisionalContact::parse(GOOD, today()).unwrap();
        assert_eq!(contact.first_name, "Marie Ève");
        assert_eq!(contact.cell_phone.as_ref().map(Phone::as_str), Some("+15145550123"));
        assert_eq!(contact.to_profile().phones.len(), 1);
        assert_eq!(format!("{contact:?} {GOOD:?}"), "[phi] [phi]");
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let all = ["first_name", "last_name", "birth_date", "sex", "cell_phone"];
        assert_bad(TypedContact::default(), &all);
        let typed = TypedContact { health_number: "TREM", cell_phone: "12", email: "a@", ..GOOD };
        assert_bad(typed, &["health_number", "cell_phone", "email"]);
    }

    #[test]
    fn a_phone_or_an_address_is_enough_but_one_that_is_given_must_be_right() {
        let by_mail = TypedContact { cell_phone: " ", email: "m@example.ca", ..GOOD };
        assert!(ProvisionalContact::parse(by_mail, today()).is_ok());
        assert_bad(TypedContact { cell_phone: "", ..GOOD }, &["cell_phone"]);
        assert_bad(TypedContact { email: "nonsense", ..GOOD }, &["email"]);
    }

    #[test]
    fn a_birth_date_lies_between_1900_and_today() {
        for good in ["1900-01-01", "2026-11-22"] {
            assert!(ProvisionalContact::parse(TypedContact { birth_date: good, ..GOOD }, today()).is_ok(), "{good}");
        }
        for bad in ["1899-12-31", "2026-11-23", "1985-02-29", "01/02/1985"] {
            assert_bad(TypedContact { birth_date: bad, ..GOOD }, &["birth_date"]);
        }
    }

    #[test]
    fn a_name_has_a_letter_and_at_most_a_hundred_characters() {
        assert_bad(TypedContact { first_name: "- '", ..GOOD }, &["first_name"]);
        assert_bad(TypedContact { last_name: &"a".repeat(101), ..GOOD }, &["last_name"]);
        assert!(ProvisionalContact::parse(TypedContact { last_name: &"é".repeat(100), ..GOOD }, today()).is_ok());
    }
}
