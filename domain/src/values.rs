//! Small values that several aggregates share: closed lists with stable codes, bilingual texts, stamps.
//!
//! Every list has an `Unknown` arm, so that an event written by a newer release still folds. What is
//! unknown never opens anything: an unknown criterion is not met, an unknown origin is not offered.

use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Declares a closed list: code in events, name in the API, and an arm for codes of the future.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
            /// A code that this release does not know.
            Unknown(u8),
        }
        impl $name {
            /// Every value that this release knows.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// Code and name of every value, for the field docs.
            pub const CODES: &'static [(u8, &'static str)] = &[$(($code, $text)),*];
            /// The code that stands in events.
            pub const fn code(self) -> u8 { match self { $(Self::$variant => $code,)* Self::Unknown(code) => code } }
            /// The value of a code; total.
            pub const fn from_code(code: u8) -> Self { match code { $($code => Self::$variant,)* other => Self::Unknown(other) } }
            /// The name in the API.
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $text,)* Self::Unknown(_) => "unknown" } }
            /// The value of a name of the API.
            pub fn from_name(name: &str) -> Option<Self> { match name { $($text => Some(Self::$variant),)* _ => None } }
        }
    )*};
}

codes! {
    /// A language of the portal and of messages.
    Language {
        /// French.
        Fr = 0 "fr",
        /// English.
        En = 1 "en",
    }
    /// How an appointment takes place (domain, 8.16).
    Modality {
        /// At the clinic.
        InPerson = 0 "in_person",
        /// By video.
        Video = 1 "video",
        /// By telephone.
        Telephone = 2 "telephone",
        /// At the patient's home.
        HomeVisit = 3 "home_visit",
    }
    /// Where a slot came from; it decides whether the slot may go online (R33).
    Origin {
        /// Made one by one.
        Manual = 0 "manual",
        /// Laid down by a schedule template (R97).
        Template = 1 "template",
        /// Laid down by a recurrence: not offered online unless the clinic lifts the rule (8.13).
        Recurrence = 2 "recurrence",
    }
    /// Sex as on file.
    Sex {
        /// Female.
        Female = 0 "female",
        /// Male.
        Male = 1 "male",
        /// Another entry on file.
        Other = 2 "other",
    }
    /// What a service may be used for (8.26).
    Usage {
        /// Online booking.
        Booking = 0 "booking",
        /// Appointment requests.
        Request = 1 "request",
        /// Both.
        Both = 2 "both",
    }
    /// How recognition must be proven before restricted services open (8.7).
    RecognitionProof {
        /// Recognition alone opens them; a stranger who knows the data can learn that somebody is a patient.
        None = 0 "none",
        /// A code that went to the typed contact must come back, and that contact must be on file.
        OneTimeCode = 1 "one_time_code",
    }
    /// The proof state of a visit: which of the typed contacts a code proved. The codes are bits.
    Proof {
        /// Nothing was proven.
        None = 0 "none",
        /// The typed e-mail address.
        Email = 1 "email",
        /// The typed cell phone.
        Phone = 2 "phone",
        /// Both.
        Both = 3 "both",
    }
    /// What the portal knows of its visitor; recorded with a booking, never shown to the visitor.
    ViewerClass {
        /// No record was matched.
        Unrecognized = 0 "unrecognized",
        /// One record was matched.
        Recognized = 1 "recognized",
        /// One record was matched, and a contact on its file was proven.
        Proven = 2 "proven",
    }
    /// A value of the registration criterion (8.1).
    RegistrationKind {
        /// Registered with the availability's practitioner.
        ThisPractitioner = 0 "this_practitioner",
        /// Registered with another practitioner of the clinic.
        OtherPractitioner = 1 "other_practitioner",
        /// Registered with the clinic.
        Clinic = 2 "clinic",
        /// Has a record here but is not registered here.
        NotRegistered = 3 "not_registered",
    }
    /// Unit of an age range.
    AgeUnit {
        /// Years.
        Years = 0 "years",
        /// Months.
        Months = 1 "months",
    }
    /// Who booked an appointment; patient bookings carry the check-mark cloud for good (R51).
    BookedBy {
        /// The patient, on the portal.
        PatientOnline = 0 "patient_online",
        /// The clinic's staff.
        Staff = 1 "staff",
        /// An external channel such as the Hub (8.24).
        External = 2 "external",
    }
    /// The life of an appointment (8.20).
    Status {
        /// Planned.
        Booked = 0 "booked",
        /// The patient said that they will attend.
        Confirmed = 1 "confirmed",
        /// Registered at the clinic.
        Arrived = 2 "arrived",
        /// Took place.
        Completed = 3 "completed",
        /// Cancelled.
        Cancelled = 4 "cancelled",
        /// The patient did not come; the time stays taken.
        NoShow = 5 "no_show",
    }
    /// Why a hold ended before its time.
    HoldEnd {
        /// Its owner went back.
        Released = 0 "released",
        /// Its owner took another availability.
        Replaced = 1 "replaced",
        /// It became an appointment.
        Booked = 2 "booked",
    }
    /// Why something that was asked for was not had (8.22).
    DemandReason {
        /// Somebody was faster.
        Taken = 0 "taken",
        /// Somebody holds it.
        Held = 1 "held",
        /// The visitor does not meet the criteria, or was not recognized.
        NotEligible = 2 "not_eligible",
        /// It was not published yet.
        NotPublished = 3 "not_published",
        /// The minimum notice was over, or it had started.
        TooLate = 4 "too_late",
        /// The cap on future appointments was reached.
        CapReached = 5 "cap_reached",
        /// The portal was off.
        PortalOff = 6 "portal_off",
        /// No service is open to the visitor.
        NoService = 7 "no_service",
        /// The budget of holds was spent.
        HoldBudget = 8 "hold_budget",
        /// Another reason.
        Other = 9 "other",
    }
    /// What kind of caller asked for personal data.
    AccessActor {
        /// A staff member who signed in.
        Staff = 0 "staff",
        /// A machine with a token.
        Token = 1 "token",
        /// Whoever followed the link of an appointment.
        Link = 2 "link",
        /// The operator at the command line.
        Operator = 3 "operator",
    }
    /// What became of an asking for personal data.
    AccessOutcome {
        /// It was shown.
        Shown = 0 "shown",
        /// It was refused.
        Refused = 1 "refused",
    }
    /// Who or what asked that a person be forgotten.
    ErasureBasis {
        /// The person, or somebody for them.
        Person = 0 "person",
        /// The time to keep the data is over.
        RetentionEnd = 1 "retention_end",
    }
    /// Why a person is not forgotten.
    ErasureGround {
        /// The data must still be kept.
        Retention = 0 "retention",
        /// A legal hold.
        LegalHold = 1 "legal_hold",
        /// It was decided so, for reasons in words.
        Decision = 2 "decision",
    }
    /// A staff role.
    Role {
        /// Portal, activities, services, settings, members (R8).
        Administrator = 0 "administrator",
        /// Schedules, appointments, reconciliation.
        Scheduler = 1 "scheduler",
        /// Reads the agendas, marks attendance.
        Practitioner = 2 "practitioner",
        /// Reads the history.
        Auditor = 3 "auditor",
    }
}

impl Proof {
    /// True if the typed e-mail address was proven.
    #[must_use]
    pub const fn email(self) -> bool {
        matches!(self, Self::Email | Self::Both)
    }
    /// True if the typed cell phone was proven.
    #[must_use]
    pub const fn phone(self) -> bool {
        matches!(self, Self::Phone | Self::Both)
    }
}

/// A text in the portal's languages. An empty language falls back to the other.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Localized {
    /// French.
    pub fr: String,
    /// English.
    pub en: String,
}

impl Localized {
    /// Both languages at once.
    pub fn new(fr: impl Into<String>, en: impl Into<String>) -> Self {
        Self { fr: fr.into(), en: en.into() }
    }
    /// The text in `language`, or in the other if that is empty.
    #[must_use]
    pub fn get(&self, language: Language) -> &str {
        let (first, second) = if language == Language::En { (&self.en, &self.fr) } else { (&self.fr, &self.en) };
        if first.is_empty() { second } else { first }
    }
    /// True if both languages are empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fr.is_empty() && self.en.is_empty()
    }
}

/// Where and when an event stands: handed to every fold beside the event.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Stamp {
    /// Revision in its stream, from 0.
    pub revision: u64,
    /// When it happened, from its metadata.
    pub occurred_at: Instant,
}

/// A field of a command that breaks a rule of form.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct BadField {
    /// The field, as a path of the API (`public_name.fr`).
    pub field: &'static str,
    /// What is wrong, for a person.
    pub problem: String,
}

impl BadField {
    /// A finding about `field`.
    pub fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into() }
    }
}

/// The resource was touched since the caller read it; `current` is its revision now (the API's `ETag`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the resource changed since it was read; its revision is {current}")]
pub struct Stale {
    /// Revision of the last event that touched the resource.
    pub current: u64,
}

/// Checks a caller's `If-Match` against the resource's own revision, inside `decide`.
pub fn check_match(if_match: Option<u64>, touched: u64) -> Result<(), Stale> {
    match if_match {
        Some(seen) if seen != touched => Err(Stale { current: touched }),
        _ => Ok(()),
    }
}

/// Checks a text's length in characters after trimming, and that it holds no control characters but line breaks.
pub fn check_text(field: &'static str, text: &str, min: usize, max: usize) -> Result<(), BadField> {
    let length = text.trim().chars().count();
    if length < min {
        return Err(BadField::new(
            field,
            if min == 1 { "must not be empty".into() } else { format!("needs at least {min} characters") },
        ));
    }
    if length > max {
        return Err(BadField::new(field, format!("is longer than {max} characters")));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(BadField::new(field, "holds control characters"));
    }
    Ok(())
}

/// Checks both languages of a text; at least one must be there when `min` is not zero.
pub fn check_localized(field: &'static str, text: &Localized, min: usize, max: usize) -> Result<(), BadField> {
    if min > 0 && text.is_empty() {
        return Err(BadField::new(field, "must be given in at least one language"));
    }
    check_text(field, &text.fr, 0, max)?;
    check_text(field, &text.en, 0, max)
}

/// Checks that a number lies within bounds, both included.
pub fn check_range<T: PartialOrd + std::fmt::Display + Copy>(
    field: &'static str,
    value: T,
    min: T,
    max: T,
) -> Result<(), BadField> {
    if value < min || value > max {
        return Err(BadField::new(field, format!("must lie between {min} and {max}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_read_back() {
        for &value in Origin::ALL {
            assert_eq!(Origin::from_code(value.code()), value);
            assert_eq!(Origin::from_name(value.name()), Some(value));
        }
        for (code, name) in [(0, "staff"), (1, "token"), (2, "link"), (3, "operator")] {
            assert_eq!((AccessActor::from_code(code).name(), AccessActor::from_code(code).code()), (name, code));
        }
        assert_eq!(AccessOutcome::CODES, [(0, "shown"), (1, "refused")]);
        assert_eq!(Origin::from_code(200), Origin::Unknown(200));
        assert_eq!(Origin::Unknown(200).code(), 200);
    }

    #[test]
    fn a_missing_language_falls_back_to_the_other() {
        assert_eq!(Localized::new("", "Vaccine").get(Language::Fr), "Vaccine");
        assert_eq!(Localized::new("Vaccin", "Vaccine").get(Language::Fr), "Vaccin");
    }
}
