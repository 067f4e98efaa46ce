//! `patients.csv`: one record a row, checked as the portal's form is. Nothing here prints what a row says.

use super::config::REGISTRATION_WORDS;
use super::problem::{At, Problems};
use super::rows::{self, Column, Row};
use super::slots::MAX_KEY;
use booking_domain::person::{Email, Phone, Profile, ProvisionalContact, TypedContact};
use booking_domain::time::WallDate;
use booking_domain::values::check_text;
use std::collections::HashMap;

/// The file's name.
pub(super) const FILE: &str = "patients.csv";

const COLUMNS: [Column; 11] = [
    Column { name: "key", required: true },
    Column { name: "first_name", required: true },
    Column { name: "last_name", required: true },
    Column { name: "birth_date", required: true },
    Column { name: "sex", required: true },
    Column { name: "health_number", required: false },
    Column { name: "health_number_expiry", required: false },
    Column { name: "phones", required: false },
    Column { name: "emails", required: false },
    Column { name: "address", required: false },
    Column { name: "registration", required: false },
];

/// With whom a row's patient is registered, by key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum RegistrationEntry {
    None,
    Clinic,
    Elsewhere,
    Practitioner(String),
}

/// One record.
pub(super) struct PatientEntry {
    pub key: String,
    pub profile: Profile,
    pub registration: RegistrationEntry,
    pub at: At,
}

/// Reads the file. `practitioners` answers whether a key is one of the clinic's.
pub(super) fn read(
    text: &str,
    today: WallDate,
    practitioners: impl Fn(&str) -> bool,
    problems: &Problems,
) -> Vec<PatientEntry> {
    let mut patients = Vec::new();
    let mut keys: HashMap<String, usize> = HashMap::new();
    rows::read(FILE, text, &COLUMNS, problems, |row| {
        let key = row.get("key");
        if key.is_empty() || key.len() > MAX_KEY {
            problems.push(row.at.problem("key", "must have 1 to 200 characters"));
        } else if let Some(line) = keys.insert(key.to_owned(), row.at.line) {
            problems.push(row.at.problem("key", format!("stands on line {line} already")));
        }
        let registration = registration(row, &practitioners, problems);
        let profile = profile(row, today, problems);
        if let (Some(profile), Some(registration)) = (profile, registration) {
            patients.push(PatientEntry { key: key.to_owned(), profile, registration, at: row.at.clone() });
        }
    });
    patients
}

fn profile(row: &Row<'_>, today: WallDate, problems: &Problems) -> Option<Profile> {
    let typed = TypedContact {
        first_name: row.get("first_name"),
        last_name: row.get("last_name"),
        birth_date: row.get("birth_date"),
        sex: match row.get("sex") {
            "f" | "F" => "female",
            "m" | "M" => "male",
            other => other,
        },
        health_number: row.get("health_number"),
        cell_phone: "",
        // A record needs no contact, the form does: this one is taken off again.
        email: "nobody@example.org",
    };
    let form = ProvisionalContact::parse(typed, today).map_err(|findings| {
        for bad in findings {
            problems.push(row.at.problem(bad.field, bad.problem));
        }
    });
    let phones = list(row, "phones", problems, |text| Phone::parse(text).map_err(|e| e.to_string()));
    let emails = list(row, "emails", problems, |text| Email::parse(text).map_err(|e| e.to_string()));
    let expiry = row.some("health_number_expiry").map(year_and_month);
    if matches!(expiry, Some(None)) {
        problems.push(row.at.problem("health_number_expiry", "must be a year and month, as 2028-03"));
    }
    let address = row.get("address");
    if let Err(bad) = check_text("address", address, 0, 500) {
        problems.push(row.at.problem(bad.field, bad.problem));
    }
    let form = form.ok()?;
    Some(Profile {
        health_number_expiry: expiry.flatten(),
        phones: phones?,
        emails: emails?,
        addresses: Some(address.to_owned()).filter(|a| !a.is_empty()).into_iter().collect(),
        ..form.to_profile()
    })
}

/// A cell with several values, `|` between them.
fn list<T>(
    row: &Row<'_>,
    column: &str,
    problems: &Problems,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Option<Vec<T>> {
    let parts = row.get(column).split('|').map(str::trim).filter(|part| !part.is_empty());
    let parsed: Result<Vec<T>, String> = parts.map(parse).collect();
    parsed.map_err(|message| problems.push(row.at.problem(column, message))).ok()
}

fn year_and_month(text: &str) -> Option<(u16, u8)> {
    let date = WallDate::parse(&format!("{text}-01"))?.compact();
    Some((date.get(0..4)?.parse().ok()?, date.get(4..6)?.parse().ok()?))
}

fn registration(row: &Row<'_>, practitioners: impl Fn(&str) -> bool, problems: &Problems) -> Option<RegistrationEntry> {
    match row.get("registration") {
        "" | "none" => Some(RegistrationEntry::None),
        "clinic" => Some(RegistrationEntry::Clinic),
        "elsewhere" => Some(RegistrationEntry::Elsewhere),
        key if practitioners(key) => Some(RegistrationEntry::Practitioner(key.to_owned())),
        _ => {
            let words = REGISTRATION_WORDS.join(", ");
            let message = format!("must be one of {words}, or the key of a practitioner");
            problems.push(row.at.problem("registration", message));
            None
        }
    }
}
