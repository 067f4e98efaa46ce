//! Forms about people: what is typed becomes a profile or a contact, or everything that is wrong with it at once.

use crate::http::problem::{ApiResult, FieldProblem, Problem};
use booking_domain::patient::Registration;
use booking_domain::person::{Email, Phone, Profile, ProvisionalContact, TypedContact};
use booking_domain::time::WallDate;
use booking_domain::values::{BadField, check_text};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// How many telephone numbers, e-mail addresses or postal addresses a record has at most.
const MOST: usize = 10;

/// What is wrong with a form, field by field.
#[derive(Default)]
pub struct Findings(Vec<FieldProblem>);

impl Findings {
    /// Takes note of what is wrong with a field.
    pub fn take<T>(&mut self, parsed: Result<T, BadField>) -> Option<T> {
        parsed.map_err(|bad| self.0.push(bad.into())).ok()
    }
    /// Takes note of what is wrong with a part of the form; `prefix` is the pointer to that part.
    pub fn take_all<T>(&mut self, prefix: &str, parsed: Result<T, Vec<BadField>>) -> Option<T> {
        let found = |bad: BadField| {
            let FieldProblem { pointer, message } = bad.into();
            FieldProblem { pointer: format!("{prefix}{pointer}"), message }
        };
        parsed.map_err(|all| self.0.extend(all.into_iter().map(found))).ok()
    }
    /// Takes note of something at a pointer.
    pub fn add(&mut self, pointer: String, message: impl Into<String>) {
        self.0.push(FieldProblem { pointer, message: message.into() });
    }
    /// Takes over what was found in a part of the form; `prefix` is the pointer to that part.
    pub fn within(&mut self, prefix: &str, part: Self) {
        let place = |found: FieldProblem| FieldProblem { pointer: format!("{prefix}{}", found.pointer), ..found };
        self.0.extend(part.0.into_iter().map(place));
    }
    /// The form, if nothing is wrong with it.
    pub fn done<T>(self, complete: Option<T>) -> ApiResult<T> {
        match complete {
            Some(form) if self.0.is_empty() => Ok(form),
            _ => {
                let mut problem = Problem::invalid([]);
                problem.errors = self.0;
                Err(problem)
            }
        }
    }
}

/// Provisional contact details as staff take them down: the fields of the portal's form (3.10).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProvisionalForm {
    /// First name.
    pub first_name: String,
    /// Surname.
    pub last_name: String,
    /// `yyyy-mm-dd`.
    #[schema(example = "1985-01-01")]
    pub birth_date: String,
    /// `female`, `male` or `other`.
    pub sex: String,
    /// Health insurance number.
    #[serde(default)]
    pub health_number: Option<String>,
    /// Cell phone; this or an e-mail address is needed.
    #[serde(default)]
    pub cell_phone: Option<String>,
    /// E-mail address.
    #[serde(default)]
    pub email: Option<String>,
}

impl ProvisionalForm {
    /// Reads the form.
    pub fn parse(&self, today: WallDate) -> Result<ProvisionalContact, Vec<BadField>> {
        let typed = TypedContact {
            first_name: &self.first_name,
            last_name: &self.last_name,
            birth_date: &self.birth_date,
            sex: &self.sex,
            health_number: self.health_number.as_deref().unwrap_or_default(),
            cell_phone: self.cell_phone.as_deref().unwrap_or_default(),
            email: self.email.as_deref().unwrap_or_default(),
        };
        ProvisionalContact::parse(typed, today)
    }
}

/// The details of a patient record, as a whole (3.9).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatientForm {
    /// First name, as on file.
    pub first_name: String,
    /// Surname, as on file.
    pub last_name: String,
    /// `yyyy-mm-dd`.
    #[schema(example = "1985-01-01")]
    pub birth_date: String,
    /// `female`, `male` or `other`.
    pub sex: String,
    /// Health insurance number.
    #[serde(default)]
    pub health_number: Option<String>,
    /// The card's expiry, `yyyy-mm`; an expired card does not block (8.5).
    #[serde(default)]
    #[schema(example = "2028-05")]
    pub health_number_expiry: Option<String>,
    /// Telephone numbers, the main one first.
    #[serde(default)]
    pub phones: Vec<String>,
    /// E-mail addresses.
    #[serde(default)]
    pub emails: Vec<String>,
    /// Postal addresses, lines separated by line breaks.
    #[serde(default)]
    pub addresses: Vec<String>,
}

impl PatientForm {
    /// Reads the form; `today` is the clinic's wall date.
    pub fn parse(&self, today: WallDate, findings: &mut Findings) -> Option<Profile> {
        // Names, dates and numbers have one set of rules, the portal's. That form wants a contact, which a record need
        // not have; its own are read below.
        let typed = TypedContact {
            first_name: &self.first_name,
            last_name: &self.last_name,
            birth_date: &self.birth_date,
            sex: &self.sex,
            health_number: self.health_number.as_deref().unwrap_or_default(),
            cell_phone: "",
            email: "nobody@example.invalid",
        };
        let person = findings.take_all("", ProvisionalContact::parse(typed, today));
        let expiry = match self.health_number_expiry.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => {
                let parsed = expiry(text);
                if parsed.is_none() {
                    findings.add("/health_number_expiry".to_owned(), "must be a year and month such as 2028-05");
                }
                parsed
            }
        };
        let phones = each("phones", &self.phones, findings, |text| Phone::parse(text).map_err(|e| e.to_string()));
        let emails = each("emails", &self.emails, findings, |text| Email::parse(text).map_err(|e| e.to_string()));
        let addresses = each("addresses", &self.addresses, findings, |text| {
            check_text("addresses", text, 1, 500).map(|()| text.trim().to_owned()).map_err(|e| e.problem)
        });
        let person = person?;
        Some(Profile { health_number_expiry: expiry, phones, emails, addresses, ..person.to_profile() })
    }
}

fn expiry(text: &str) -> Option<(u16, u8)> {
    let date = WallDate::parse(&format!("{text}-01"))?;
    let (year, month) = date.compact().get(..6)?.split_at_checked(4).map(|(y, m)| (y.to_owned(), m.to_owned()))?;
    Some((year.parse().ok()?, month.parse().ok()?))
}

fn each<T>(list: &str, typed: &[String], findings: &mut Findings, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
    if typed.len() > MOST {
        findings.add(format!("/{list}"), format!("has more than {MOST} entries"));
        return vec![];
    }
    let mut parsed = Vec::with_capacity(typed.len());
    for (index, text) in typed.iter().enumerate() {
        match parse(text) {
            Ok(value) => parsed.push(value),
            Err(problem) => findings.add(format!("/{list}/{index}"), problem),
        }
    }
    parsed
}

/// Registration with a family doctor (8.29).
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistrationForm {
    /// `none`, `practitioner`, `clinic` or `elsewhere`.
    pub kind: String,
    /// The practitioner of this clinic, with kind `practitioner`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub practitioner: Option<Uuid>,
}

impl RegistrationForm {
    /// Reads the form; `prefix` is the pointer to it.
    pub fn parse(&self, prefix: &str, findings: &mut Findings) -> Option<Registration> {
        let registration = match (self.kind.as_str(), self.practitioner) {
            ("none", None) => Registration::None,
            ("clinic", None) => Registration::Clinic,
            ("elsewhere", None) => Registration::Elsewhere,
            ("practitioner", Some(id)) => Registration::Practitioner(id.into()),
            ("practitioner", None) => {
                findings.add(format!("{prefix}/practitioner"), "must be given");
                return None;
            }
            ("none" | "clinic" | "elsewhere", Some(_)) => {
                findings.add(format!("{prefix}/practitioner"), "goes with the kind practitioner alone");
                return None;
            }
            _ => {
                findings.add(format!("{prefix}/kind"), "must be one of none, practitioner, clinic, elsewhere");
                return None;
            }
        };
        Some(registration)
    }
}

impl From<Registration> for RegistrationForm {
    fn from(registration: Registration) -> Self {
        let kind = match registration {
            Registration::None => "none",
            Registration::Practitioner(_) => "practitioner",
            Registration::Clinic => "clinic",
            Registration::Elsewhere => "elsewhere",
            Registration::Unknown(_) => "unknown",
        };
        Self { kind: kind.to_owned(), practitioner: registration.practitioner().map(|p| p.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Profile, Vec<String>> {
        let form: PatientForm = serde_json::from_str(body).unwrap();
        let mut findings = Findings::default();
        let profile = form.parse(WallDate::from_ymd(2026, 11, 24).unwrap(), &mut findings);
        findings.done(profile).map_err(|problem| problem.errors.into_iter().map(|e| e.pointer).collect())
    }

    #[test]
    fn a_record_needs_no_contact_and_may_have_several() {
        let bare = r#"{"first_name":"Ève","last_name":"Roy","birth_date":"1985-01-01","sex":"female"}"#;
        let profile = read(bare).unwrap();
        assert!(profile.phones.is_empty() && profile.emails.is_empty());
        let full = r#"{"first_name":"Ève","last_name":"Roy","birth_date":"1985-01-01","sex":"female",
            "health_number":"ROYE 8551 0112","health_number_expiry":"2028-05",
            "phones":["514 555-0123","450 555-0199"],"emails":["eve@example.ca"],"addresses":["1 rue A"]}"#;
        let profile = read(full).unwrap();
        assert_eq!(profile.health_number_expiry, Some((2028, 5)));
        assert_eq!(profile.phones.len(), 2);
    }

    #[test]
    fn every_mistake_is_named_with_its_place() {
        let body = r#"{"first_name":"-","last_name":"Roy","birth_date":"2030-01-01","sex":"f",
            "health_number":"ROY","health_number_expiry":"2028-13","phones":["514 555-0123","12"],"emails":["x"]}"#;
        let pointers = ["/first_name", "/birth_date", "/sex", "/health_number", "/health_number_expiry"];
        let expected: Vec<_> = pointers.into_iter().chain(["/phones/1", "/emails/0"]).map(str::to_owned).collect();
        assert_eq!(read(body), Err(expected));
    }

    #[test]
    fn a_registration_names_a_practitioner_or_none() {
        let read = |kind: &str, practitioner| {
            let mut findings = Findings::default();
            let form = RegistrationForm { kind: kind.to_owned(), practitioner };
            let parsed = form.parse("/registration", &mut findings);
            findings.done(parsed).map_err(|p| p.errors.into_iter().map(|e| e.pointer).collect::<String>())
        };
        assert!(read("clinic", None).is_ok());
        assert!(read("practitioner", Some(Uuid::nil())).is_ok());
        assert_eq!(read("practitioner", None), Err("/registration/practitioner".to_owned()));
        assert_eq!(read("clinic", Some(Uuid::nil())), Err("/registration/practitioner".to_owned()));
        assert_eq!(read("vip", None), Err("/registration/kind".to_owned()));
    }
}
