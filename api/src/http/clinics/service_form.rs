//! An online service in JSON: criteria, practitioner filter, publication, and the way to the domain and back.
//!
//! What a newer release stored and this one does not know is shown as `unknown` with its code, and cannot be sent.

use crate::http::wire::{Text, named, time};
use booking_domain::clinic::{Criterion, PractitionerFilter, PublicationRule, ServiceConfig, UsageOrDefault};
use booking_domain::ids::{ActivityId, PractitionerId};
use booking_domain::values::{AgeUnit, BadField, RegistrationKind, Sex, Usage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// An online service's whole configuration (3.2).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceForm {
    /// The clinic's own name for it, never shown to patients (R6).
    pub internal_name: String,
    /// What patients read, in at least one language.
    pub public_name: Text,
    /// One or two sentences for patients.
    #[serde(default)]
    pub description: Text,
    /// The activities whose slots it offers; at least one.
    pub activities: Vec<Uuid>,
    /// `booking`, `request` or `both`.
    #[serde(default = "booking")]
    #[schema(example = "booking")]
    pub usage: String,
    /// Conditions on the patient; all must be met (R25). None: open to everyone, recognized or not (R20).
    #[serde(default)]
    pub criteria: Vec<CriterionForm>,
    /// Whose availabilities it offers. `all` includes practitioners you may not have thought of: preview it (R37).
    #[serde(default = "everyone")]
    pub practitioner_filter: FilterForm,
    /// When its availabilities go online.
    #[serde(default = "at_once")]
    pub publication: PublicationForm,
    /// Shortest time between booking and start, in minutes; none: the clinic's.
    #[serde(default)]
    pub min_notice_minutes: Option<u32>,
    /// Longest time between publication and start, in minutes of elapsed time; none: the clinic's.
    #[serde(default)]
    pub max_horizon_minutes: Option<u32>,
    /// How many future appointments of this service a patient may have; none: the clinic's.
    #[serde(default)]
    pub max_future_appointments: Option<u16>,
    /// Reasons for the visit to choose from.
    #[serde(default)]
    pub reasons: Vec<Text>,
    /// A reason may be typed, up to 500 characters.
    #[serde(default = "yes")]
    pub free_text_reason: bool,
    /// A reason must be given (8.17).
    #[serde(default = "yes")]
    pub reason_required: bool,
}

fn booking() -> String {
    Usage::Booking.name().to_owned()
}
const fn everyone() -> FilterForm {
    FilterForm::All {}
}
const fn at_once() -> PublicationForm {
    PublicationForm::AtOnce {}
}
const fn yes() -> bool {
    true
}

/// A condition on the patient, as it stands on the record (8.1). Within one, the values combine with OR.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum CriterionForm {
    /// Age on the day of the appointment, bounds included; at least one of them.
    AgeRange {
        /// `years` or `months`.
        unit: String,
        /// Lowest age.
        #[serde(default)]
        min: Option<u16>,
        /// Highest age.
        #[serde(default)]
        max: Option<u16>,
    },
    /// Sex as on file.
    Sex {
        /// Any of `female`, `male`, `other`.
        values: Vec<String>,
    },
    /// Registration with a family doctor.
    Registration {
        /// Any of `this_practitioner`, `other_practitioner`, `clinic`, `not_registered`.
        values: Vec<String>,
    },
    /// Recognized in this clinic.
    ExistingRecord {},
    /// A criterion of a newer release; nobody meets it. Only read, never sent.
    #[serde(skip_deserializing)]
    Unknown {
        /// Its code.
        code: u8,
    },
}

/// Which practitioners' availabilities a service offers (8.14).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum FilterForm {
    /// Everyone who uses the activities.
    All {},
    /// These alone; at least one.
    Only {
        /// Practitioners.
        practitioners: Vec<Uuid>,
    },
    /// Everyone but these.
    AllExcept {
        /// Practitioners.
        practitioners: Vec<Uuid>,
    },
    /// A mode of a newer release; nobody passes. Only read, never sent.
    #[serde(skip_deserializing)]
    Unknown {
        /// Its code.
        code: u8,
    },
}

/// When an availability goes online, counted back from its start (8.2).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum PublicationForm {
    /// At once (R42).
    AtOnce {},
    /// So many minutes of elapsed time before the start.
    MinutesBefore {
        /// 1 to 527040.
        minutes: u32,
    },
    /// So many calendar days before, at a time of day in the clinic's zone.
    DaysBefore {
        /// 0 to 366.
        days: u16,
        /// `HH:MM`.
        #[schema(example = "08:00")]
        at: String,
    },
    /// A rule of a newer release; nothing is published. Only read, never sent.
    #[serde(skip_deserializing)]
    Unknown {
        /// Its code.
        code: u8,
    },
}

impl CriterionForm {
    fn of(criterion: &Criterion) -> Self {
        match criterion {
            Criterion::AgeRange { unit, min, max } => {
                Self::AgeRange { unit: unit.name().to_owned(), min: *min, max: *max }
            }
            Criterion::Sex(values) => Self::Sex { values: values.iter().map(|v| v.name().to_owned()).collect() },
            Criterion::Registration(values) => {
                Self::Registration { values: values.iter().map(|v| v.name().to_owned()).collect() }
            }
            Criterion::ExistingRecord => Self::ExistingRecord {},
            Criterion::Unknown(code) => Self::Unknown { code: *code },
        }
    }

    fn parse(self) -> Result<Criterion, BadField> {
        fn all<T>(values: &[String], from_name: fn(&str) -> Option<T>) -> Result<Vec<T>, BadField> {
            values.iter().map(|name| named("criteria", name, from_name)).collect()
        }
        Ok(match self {
            Self::AgeRange { unit, min, max } => {
                Criterion::AgeRange { unit: named("criteria", &unit, AgeUnit::from_name)?, min, max }
            }
            Self::Sex { values } => Criterion::Sex(all(&values, Sex::from_name)?),
            Self::Registration { values } => Criterion::Registration(all(&values, RegistrationKind::from_name)?),
            Self::ExistingRecord {} => Criterion::ExistingRecord,
            Self::Unknown { code } => Criterion::Unknown(code),
        })
    }
}

impl FilterForm {
    fn of(filter: &PractitionerFilter) -> Self {
        let ids = |list: &[PractitionerId]| list.iter().map(|id| id.0).collect();
        match filter {
            PractitionerFilter::All => Self::All {},
            PractitionerFilter::Only(list) => Self::Only { practitioners: ids(list) },
            PractitionerFilter::AllExcept(list) => Self::AllExcept { practitioners: ids(list) },
            PractitionerFilter::Unknown(code) => Self::Unknown { code: *code },
        }
    }

    fn parse(self) -> PractitionerFilter {
        let ids = |list: Vec<Uuid>| list.into_iter().map(PractitionerId).collect();
        match self {
            Self::All {} => PractitionerFilter::All,
            Self::Only { practitioners } => PractitionerFilter::Only(ids(practitioners)),
            Self::AllExcept { practitioners } => PractitionerFilter::AllExcept(ids(practitioners)),
            Self::Unknown { code } => PractitionerFilter::Unknown(code),
        }
    }
}

impl PublicationForm {
    fn of(rule: PublicationRule) -> Self {
        match rule {
            PublicationRule::AtOnce => Self::AtOnce {},
            PublicationRule::MinutesBefore(minutes) => Self::MinutesBefore { minutes },
            PublicationRule::DaysBefore { days, at } => Self::DaysBefore { days, at: at.to_string() },
            PublicationRule::Unknown(code) => Self::Unknown { code },
        }
    }

    fn parse(self) -> Result<PublicationRule, BadField> {
        Ok(match self {
            Self::AtOnce {} => PublicationRule::AtOnce,
            Self::MinutesBefore { minutes } => PublicationRule::MinutesBefore(minutes),
            Self::DaysBefore { days, at } => PublicationRule::DaysBefore { days, at: time("publication.at", &at)? },
            Self::Unknown { code } => PublicationRule::Unknown(code),
        })
    }
}

impl ServiceForm {
    /// As JSON.
    pub fn of(config: &ServiceConfig) -> Self {
        Self {
            internal_name: config.internal_name.clone(),
            public_name: Text::from(&config.public_name),
            description: Text::from(&config.description),
            activities: config.activities.iter().map(|id| id.0).collect(),
            usage: config.usage.0.name().to_owned(),
            criteria: config.criteria.iter().map(CriterionForm::of).collect(),
            practitioner_filter: FilterForm::of(&config.filter),
            publication: PublicationForm::of(config.publication),
            min_notice_minutes: config.min_notice_minutes,
            max_horizon_minutes: config.max_horizon_minutes,
            max_future_appointments: config.max_future_appointments,
            reasons: config.reasons.iter().map(Text::from).collect(),
            free_text_reason: config.free_text_reason,
            reason_required: config.reason_required,
        }
    }

    /// As the domain has it; what the domain decides is left to it.
    pub fn parse(self) -> Result<ServiceConfig, BadField> {
        Ok(ServiceConfig {
            internal_name: self.internal_name,
            public_name: self.public_name.into(),
            description: self.description.into(),
            activities: self.activities.into_iter().map(ActivityId).collect(),
            usage: UsageOrDefault(named("usage", &self.usage, Usage::from_name)?),
            criteria: self.criteria.into_iter().map(CriterionForm::parse).collect::<Result<_, _>>()?,
            filter: self.practitioner_filter.parse(),
            publication: self.publication.parse()?,
            min_notice_minutes: self.min_notice_minutes,
            max_horizon_minutes: self.max_horizon_minutes,
            max_future_appointments: self.max_future_appointments,
            reasons: self.reasons.into_iter().map(Into::into).collect(),
            free_text_reason: self.free_text_reason,
            reason_required: self.reason_required,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_domain::time::WallTime;
    use booking_domain::values::Localized;
    use serde_json::{Value, json};

    fn practitioner(byte: u8) -> PractitionerId {
        PractitionerId::from_bytes([byte; 16])
    }

    #[track_caller]
    fn assert_reads_back(config: &ServiceConfig) -> Value {
        let json = serde_json::to_value(ServiceForm::of(config)).unwrap();
        let form: ServiceForm = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(form.parse().as_ref(), Ok(config), "{json}");
        json
    }

    #[test]
    fn every_criterion_reads_back_in_its_documented_shape() {
        for (criterion, shape) in [
            (
                Criterion::AgeRange { unit: AgeUnit::Months, min: Some(2), max: None },
                json!({"kind": "age_range", "unit": "months", "min": 2, "max": null}),
            ),
            (Criterion::Sex(vec![Sex::Female, Sex::Other]), json!({"kind": "sex", "values": ["female", "other"]})),
            (
                Criterion::Registration(vec![RegistrationKind::ThisPractitioner, RegistrationKind::Clinic]),
                json!({"kind": "registration", "values": ["this_practitioner", "clinic"]}),
            ),
            (Criterion::ExistingRecord, json!({"kind": "existing_record"})),
        ] {
            let config = ServiceConfig { criteria: vec![criterion], ..ServiceConfig::default() };
            assert_eq!(assert_reads_back(&config)["criteria"][0], shape);
        }
    }

    #[test]
    fn every_filter_and_publication_reads_back_in_its_documented_shape() {
        for (filter, shape) in [
            (PractitionerFilter::All, json!({"mode": "all"})),
            (
                PractitionerFilter::Only(vec![practitioner(1)]),
                json!({"mode": "only", "practitioners": [practitioner(1).to_string()]}),
            ),
            (PractitionerFilter::AllExcept(vec![]), json!({"mode": "all_except", "practitioners": []})),
        ] {
            let config = ServiceConfig { filter, ..ServiceConfig::default() };
            assert_eq!(assert_reads_back(&config)["practitioner_filter"], shape);
        }
        for (publication, shape) in [
            (PublicationRule::AtOnce, json!({"kind": "at_once"})),
            (PublicationRule::MinutesBefore(90), json!({"kind": "minutes_before", "minutes": 90})),
            (
                PublicationRule::DaysBefore { days: 2, at: WallTime(480) },
                json!({"kind": "days_before", "days": 2, "at": "08:00"}),
            ),
        ] {
            let config = ServiceConfig { publication, ..ServiceConfig::default() };
            assert_eq!(assert_reads_back(&config)["publication"], shape);
        }
    }

    #[test]
    fn everything_else_reads_back_too() {
        let config = ServiceConfig {
            internal_name: "48h Hub".to_owned(),
            public_name: Localized::new("Consultation", "Visit"),
            description: Localized::new("", "Short"),
            activities: vec![ActivityId::from_bytes([1; 16]), ActivityId::from_bytes([2; 16])],
            usage: UsageOrDefault(Usage::Both),
            min_notice_minutes: Some(60),
            max_horizon_minutes: Some(90_000),
            max_future_appointments: Some(2),
            reasons: vec![Localized::new("Suivi", "Follow-up")],
            free_text_reason: true,
            reason_required: false,
            ..ServiceConfig::default()
        };
        assert_reads_back(&config);
    }

    #[test]
    fn a_service_needs_a_name_and_activities_and_asks_for_a_reason_by_default() {
        let least = json!({"internal_name": "a", "public_name": {"fr": "b"}, "activities": []});
        let config = serde_json::from_value::<ServiceForm>(least).unwrap().parse().unwrap();
        assert!(config.free_text_reason && config.reason_required && config.usage.books());
        assert_eq!(config.filter, PractitionerFilter::All);
    }

    #[test]
    fn unknown_kinds_and_fields_are_refused() {
        for wrong in [
            json!({"kind": "unknown", "code": 9}),
            json!({"kind": "shoe_size"}),
            json!({"kind": "existing_record", "values": []}),
            json!({"kind": "sex", "values": ["female"], "also": 1}),
        ] {
            assert!(serde_json::from_value::<CriterionForm>(wrong.clone()).is_err(), "{wrong}");
        }
        assert!(serde_json::from_value::<FilterForm>(json!({"mode": "all", "practitioners": []})).is_err());
        assert!(serde_json::from_value::<PublicationForm>(json!({"kind": "at_once", "minutes": 1})).is_err());
        let shown = serde_json::to_value(CriterionForm::of(&Criterion::Unknown(9))).unwrap();
        assert_eq!(shown, json!({"kind": "unknown", "code": 9}));
    }

    #[test]
    fn names_that_are_not_known_say_where_they_stand() {
        let sex = CriterionForm::Sex { values: vec!["x".to_owned()] };
        assert_eq!(sex.parse().unwrap_err().field, "criteria");
        let late = PublicationForm::DaysBefore { days: 1, at: "8h".to_owned() };
        assert_eq!(late.parse().unwrap_err().field, "publication.at");
    }
}
