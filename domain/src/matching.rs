//! Whether what a visitor typed is one of the clinic's patients (R13 to R17; 8.5, 8.6, 8.29).
//!
//! Two questions, kept apart. [`identify`] decides, by equality alone: nothing fuzzier does. [`proposals`] and
//! [`why_unmatched`] help staff to find the record afterwards, and decide nothing.
//!
//! Time must not tell a match from a miss, so every candidate is compared in every field, whatever came before.
//! [`keys`] makes an index possible: a record that could be recognized or proposed shares a key with the contact.
//! How many candidates there are does tell something, so the caller answers after a time of its own (8.7).

#[cfg(test)]
mod tests;

use crate::ids::PatientId;
use crate::person::{Email, HealthNumber, Phone, Profile, ProvisionalContact, hidden};
use crate::time::WallDate;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

/// A name as it is compared: decomposed (NFKD), without accents, case, spaces, hyphens and apostrophes.
///
/// ```
/// use booking_domain::matching::fold_name;
/// assert_eq!(fold_name(" L\u{2019}Écuyer-Roy "), fold_name("lecuyer roy"));
/// assert_ne!(fold_name("Lefœbvre"), fold_name("Lefoebvre"));
/// ```
pub fn fold_name(name: &str) -> String {
    let kept = |c: &char| !is_accent(*c) && !is_ignored(*c);
    // By way of upper case: it makes ß, ẞ and SS, or the two small sigmas, one.
    let lower = name.nfkd().filter(kept).flat_map(char::to_lowercase);
    let cased: String = lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
    // Again, since marks that something dropped kept apart now stand side by side and have an order.
    cased.nfkd().filter(kept).collect()
}

/// Marks above, below, through or attached to a letter. Vowel signs and voicing marks of other scripts are no accents:
/// names that differ in them are different names.
fn is_accent(c: char) -> bool {
    matches!(canonical_combining_class(c), 1 | 200..)
}

/// Spaces, hyphens and apostrophes, straight and typographic, seen and unseen.
fn is_ignored(c: char) -> bool {
    let hyphen = matches!(c, '-' | '\u{ad}' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    let apostrophe = matches!(c, '\'' | '`' | '\u{2b9}'..='\u{2bc}' | '\u{2018}'..='\u{201b}' | '\u{2032}');
    let unseen = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    c.is_whitespace() || hyphen || apostrophe || unseen
}

/// A record to compare with, whole or a merged one.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The record.
    pub patient: PatientId,
    /// The record that it leads to after all merges; itself, if it was not merged.
    pub survivor: PatientId,
    /// The survivor is neither dead nor erased.
    pub live: bool,
    /// What stands on this record; a merged record's old details still match.
    pub profile: &'a Profile,
}

/// What identification came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IdentificationOutcome {
    /// This record, a survivor.
    Recognized(PatientId),
    /// No record that could be named; never told to the visitor (8.7).
    Unrecognized(Why),
}

/// Why nobody was recognized, for staff. Of what came near without matching, the first in this order is named.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Why {
    /// Two or more records match, or would: nobody guesses (R17).
    SeveralRecords,
    /// The one record that matches is of a dead person (E23).
    Deceased,
    /// One record has the health number, with another birth date.
    HealthNumberBirthDateDiffers,
    /// No record has the health number; the name rule is not tried then (8.5).
    HealthNumberUnknown,
    /// Names, birth date and sex are on file, the contact is not.
    ContactDiffers,
    /// Names and birth date are on file, with another sex.
    SexDiffers,
    /// Names and a contact are on file, with another birth date.
    BirthDateDiffers,
    /// Birth date and a contact are on file, with another name.
    NameDiffers,
    /// Nothing comes near.
    NoRecord,
}

impl Why {
    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SeveralRecords => "several_records",
            Self::Deceased => "deceased",
            Self::HealthNumberBirthDateDiffers => "health_number_birth_date_differs",
            Self::HealthNumberUnknown => "health_number_unknown",
            Self::ContactDiffers => "contact_differs",
            Self::SexDiffers => "sex_differs",
            Self::BirthDateDiffers => "birth_date_differs",
            Self::NameDiffers => "name_differs",
            Self::NoRecord => "no_record",
        }
    }
}

/// A field of the identification form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum FieldName {
    /// First name.
    FirstName,
    /// Surname.
    LastName,
    /// Birth date.
    BirthDate,
    /// Sex.
    Sex,
    /// Health insurance number.
    HealthNumber,
    /// Cell phone.
    Phone,
    /// E-mail address.
    Email,
}

impl FieldName {
    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::BirthDate => "birth_date",
            Self::Sex => "sex",
            Self::HealthNumber => "health_number",
            Self::Phone => "phone",
            Self::Email => "email",
        }
    }
}

/// How near a proposal comes; the nearest first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Grade {
    /// Everything that was typed is on file.
    Exact,
    /// The health number, or names and birth date, or birth date, a contact and one name are on file.
    Strong,
    /// Anything less that the two share.
    Possible,
}

impl Grade {
    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Strong => "strong",
            Self::Possible => "possible",
        }
    }
}

/// A record that staff may want to attach; only a person attaches (8.12).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposal {
    /// The record, a survivor.
    pub patient: PatientId,
    /// How near it comes.
    pub grade: Grade,
    /// The person lives; the dead are shown after the living, so that a mistake can be found.
    pub live: bool,
    /// What was typed and is not on file, in the order of the form.
    pub differs: Vec<FieldName>,
}

/// How many proposals staff see.
const PROPOSALS: usize = 3;

/// A contact ready to be compared.
struct Sought<'a> {
    first_name: String,
    last_name: String,
    contact: &'a ProvisionalContact,
}

/// What agrees between a contact and a record. Every comparison is made, whatever the others say.
#[derive(Clone, Copy)]
struct Agreement {
    first: bool,
    last: bool,
    birth: bool,
    sex: bool,
    number: bool,
    phone: bool,
    email: bool,
}

impl<'a> Sought<'a> {
    fn new(contact: &'a ProvisionalContact) -> Self {
        let (first_name, last_name) = (fold_name(&contact.first_name), fold_name(&contact.last_name));
        Self { first_name, last_name, contact }
    }
    fn compare(&self, profile: &Profile) -> Agreement {
        let contact = self.contact;
        let any = |found: bool, same: bool| found | same;
        Agreement {
            first: self.first_name == fold_name(&profile.first_name),
            last: self.last_name == fold_name(&profile.last_name),
            birth: contact.birth_date == profile.birth_date,
            sex: contact.sex == profile.sex,
            number: contact.health_number.is_some() && contact.health_number == profile.health_number,
            phone: profile.phones.iter().map(|p| Some(p) == contact.cell_phone.as_ref()).fold(false, any),
            email: profile.emails.iter().map(|e| Some(e) == contact.email.as_ref()).fold(false, any),
        }
    }
}

impl Agreement {
    fn names(self) -> bool {
        self.first & self.last
    }
    fn contact(self) -> bool {
        self.phone | self.email
    }
    /// The rule without a health number (R14).
    fn identity(self) -> bool {
        self.names() & self.birth & self.sex & self.contact()
    }
    /// True if the two share a key of [`keys`].
    fn related(self) -> bool {
        self.names() || self.last && self.birth || self.number || self.contact()
    }
    fn differs(self, contact: &ProvisionalContact) -> Vec<FieldName> {
        let fields = [
            (FieldName::FirstName, !self.first),
            (FieldName::LastName, !self.last),
            (FieldName::BirthDate, !self.birth),
            (FieldName::Sex, !self.sex),
            (FieldName::HealthNumber, contact.health_number.is_some() && !self.number),
            (FieldName::Phone, contact.cell_phone.is_some() && !self.phone),
            (FieldName::Email, contact.email.is_some() && !self.email),
        ];
        fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }
    fn grade(self, contact: &ProvisionalContact) -> Grade {
        let named = self.names() || self.contact() && (self.first || self.last);
        if self.differs(contact).is_empty() {
            Grade::Exact
        } else if self.number || named && self.birth {
            Grade::Strong
        } else {
            Grade::Possible
        }
    }
    /// What came near without a health number.
    fn near(self) -> Why {
        match (self.names(), self.birth, self.sex, self.contact()) {
            (true, true, true, _) => Why::ContactDiffers,
            (true, true, false, _) => Why::SexDiffers,
            (true, false, _, true) => Why::BirthDateDiffers,
            (false, true, _, true) => Why::NameDiffers,
            _ => Why::NoRecord,
        }
    }
}

/// Decides whether the contact is one of these records: all of the clinic's, or those that share one of its keys.
///
/// With a health number: exactly one survivor has it, on its own record or a merged one, and the typed birth date
/// stands on a record with it. Without: names, birth date, sex and a contact all stand on one record. In both cases
/// the survivor must be the only one, dead ones counted, and live.
pub fn identify<'a>(
    contact: &ProvisionalContact,
    records: impl IntoIterator<Item = Record<'a>>,
) -> IdentificationOutcome {
    let sought = Sought::new(contact);
    let by_number = contact.health_number.is_some();
    // For each survivor that matches: does the birth date stand beside the number, and is it live?
    let mut matched: BTreeMap<PatientId, (bool, bool)> = BTreeMap::new();
    let mut nearest = if by_number { Why::HealthNumberUnknown } else { Why::NoRecord };
    for record in records {
        let found = sought.compare(record.profile);
        if if by_number { found.number } else { found.identity() } {
            let entry = matched.entry(record.survivor).or_insert((false, true));
            *entry = (entry.0 | found.birth, entry.1 & record.live);
        }
        nearest = if by_number { nearest } else { nearest.min(found.near()) };
    }
    let mut survivors = matched.into_iter();
    IdentificationOutcome::Unrecognized(match (survivors.next(), survivors.next()) {
        (None, _) => nearest,
        (Some(_), Some(_)) => Why::SeveralRecords,
        (Some((_, (false, _))), None) => Why::HealthNumberBirthDateDiffers,
        (Some((_, (true, false))), None) => Why::Deceased,
        (Some((survivor, (true, true))), None) => return IdentificationOutcome::Recognized(survivor),
    })
}

/// Why the contact matches none of these records; none if it would be recognized now.
pub fn why_unmatched<'a>(contact: &ProvisionalContact, records: impl IntoIterator<Item = Record<'a>>) -> Option<Why> {
    match identify(contact, records) {
        IdentificationOutcome::Recognized(_) => None,
        IdentificationOutcome::Unrecognized(why) => Some(why),
    }
}

/// Up to three records that staff may want to attach, the nearest first; each survivor once, by its nearest record.
pub fn proposals<'a>(contact: &ProvisionalContact, records: impl IntoIterator<Item = Record<'a>>) -> Vec<Proposal> {
    let sought = Sought::new(contact);
    let rank = |p: &Proposal| (Reverse(p.live), p.grade, p.differs.len(), p.differs.clone(), p.patient);
    let mut best: BTreeMap<PatientId, Proposal> = BTreeMap::new();
    for record in records {
        let found = sought.compare(record.profile);
        if !found.related() {
            continue;
        }
        let differs = found.differs(contact);
        let new = Proposal { patient: record.survivor, grade: found.grade(contact), live: record.live, differs };
        let entry = best.entry(record.survivor).or_insert_with(|| new.clone());
        if rank(&new) < rank(entry) {
            *entry = new;
        }
    }
    let mut ranked: Vec<Proposal> = best.into_values().collect();
    ranked.sort_by_key(rank);
    ranked.truncate(PROPOSALS);
    ranked
}

/// A key of the directory's index; equal keys lead from a contact to its candidates.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// Folded surname and birth date.
    NameAndBirth(String, WallDate),
    /// Folded first name and surname.
    Names(String, String),
    /// Health insurance number.
    HealthNumber(HealthNumber),
    /// Telephone number.
    Phone(Phone),
    /// E-mail address.
    Email(Email),
}

hidden!(Key);

fn keys_of<'a>(
    (first, last, birth): (&str, &str, WallDate),
    number: Option<&HealthNumber>,
    phones: impl IntoIterator<Item = &'a Phone>,
    emails: impl IntoIterator<Item = &'a Email>,
) -> Vec<Key> {
    let last = fold_name(last);
    let mut keys = vec![Key::NameAndBirth(last.clone(), birth), Key::Names(fold_name(first), last)];
    keys.extend(number.cloned().map(Key::HealthNumber));
    keys.extend(phones.into_iter().cloned().map(Key::Phone));
    keys.extend(emails.into_iter().cloned().map(Key::Email));
    keys
}

/// The keys that a record is found under. Records that share none with a contact change nothing in [`identify`],
/// [`why_unmatched`] and [`proposals`].
#[must_use]
pub fn keys(profile: &Profile) -> Vec<Key> {
    let names = (profile.first_name.as_str(), profile.last_name.as_str(), profile.birth_date);
    keys_of(names, profile.health_number.as_ref(), &profile.phones, &profile.emails)
}

/// The keys to look a contact's candidates up by.
#[must_use]
pub fn contact_keys(contact: &ProvisionalContact) -> Vec<Key> {
    let names = (contact.first_name.as_str(), contact.last_name.as_str(), contact.birth_date);
    keys_of(names, contact.health_number.as_ref(), &contact.cell_phone, &contact.email)
}
