//! A service as it is typed: the fields of the page, and the way to the API's form and back.
//!
//! The page knows one criterion of each kind. What a program configured beyond that is kept as it is: the current
//! configuration is read again when the form comes back, and the form's revision says that it is the same one.

use super::outcome::{Errors, Line};
use super::settings::{unit_name, yes_no};
use super::spans::{Unit, minutes, number, shown};
use super::{optional, tidy};
use crate::http::clinics::roster::{ClinicActivity, ClinicPractitioner};
use crate::http::clinics::service_form::{CriterionForm, FilterForm, PublicationForm, ServiceForm};
use crate::http::wire::Text;
use crate::pages::text::Words;
use serde::Deserialize;
use uuid::Uuid;

/// Rows of reasons that are empty, to fill in.
const SPARE_REASONS: usize = 3;

/// What is typed on the page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    pub(super) key: String,
    pub(super) revision: Option<u64>,
    pub(super) internal_name: String,
    pub(super) name_fr: String,
    pub(super) name_en: String,
    pub(super) description_fr: String,
    pub(super) description_en: String,
    pub(super) activity: Vec<Uuid>,
    /// `all`, `only` or `all_except`.
    pub(super) filter: String,
    pub(super) practitioner: Vec<Uuid>,
    pub(super) age_min: String,
    pub(super) age_max: String,
    /// `years` or `months`.
    pub(super) age_unit: String,
    pub(super) sex: Vec<String>,
    pub(super) registration: Vec<String>,
    pub(super) existing_record: bool,
    /// `at_once`, `before` or `days`.
    pub(super) publication: String,
    pub(super) lead: String,
    pub(super) lead_unit: Unit,
    pub(super) days: String,
    pub(super) release: String,
    pub(super) usage: String,
    pub(super) reason_fr: Vec<String>,
    pub(super) reason_en: Vec<String>,
    pub(super) free_text: bool,
    pub(super) reason_required: bool,
    pub(super) notice: String,
    pub(super) notice_unit: Unit,
    pub(super) horizon: String,
    pub(super) horizon_unit: Unit,
    pub(super) cap: String,
}

impl Fields {
    /// A service that is not there yet: open to everyone, at once, a reason asked for.
    pub(super) fn new() -> Self {
        Self {
            filter: "all".to_owned(),
            age_unit: "years".to_owned(),
            publication: "at_once".to_owned(),
            release: "08:00".to_owned(),
            usage: "booking".to_owned(),
            free_text: true,
            reason_required: true,
            ..Self::default()
        }
    }

    pub(super) fn of(form: &ServiceForm, revision: u64) -> Self {
        let mut fields = Self {
            revision: Some(revision),
            internal_name: form.internal_name.clone(),
            name_fr: form.public_name.fr.clone(),
            name_en: form.public_name.en.clone(),
            description_fr: form.description.fr.clone(),
            description_en: form.description.en.clone(),
            activity: form.activities.clone(),
            usage: form.usage.clone(),
            reason_fr: form.reasons.iter().map(|reason| reason.fr.clone()).collect(),
            reason_en: form.reasons.iter().map(|reason| reason.en.clone()).collect(),
            free_text: form.free_text_reason,
            reason_required: form.reason_required,
            cap: form.max_future_appointments.map(|cap| cap.to_string()).unwrap_or_default(),
            ..Self::new()
        };
        (fields.notice, fields.notice_unit) = form.min_notice_minutes.map_or_else(Default::default, shown);
        (fields.horizon, fields.horizon_unit) =
            form.max_horizon_minutes.map_or_else(|| (String::new(), Unit::Days), shown);
        let (mode, listed) = match &form.practitioner_filter {
            FilterForm::All {} => ("all", vec![]),
            FilterForm::Only { practitioners } => ("only", practitioners.clone()),
            FilterForm::AllExcept { practitioners } => ("all_except", practitioners.clone()),
            FilterForm::Unknown { .. } => ("", vec![]),
        };
        (fields.filter, fields.practitioner) = (mode.to_owned(), listed);
        fields.publication = match &form.publication {
            PublicationForm::AtOnce {} => "at_once".to_owned(),
            PublicationForm::MinutesBefore { minutes } => {
                (fields.lead, fields.lead_unit) = shown(*minutes);
                "before".to_owned()
            }
            PublicationForm::DaysBefore { days, at } => {
                (fields.days, fields.release) = (days.to_string(), at.clone());
                "days".to_owned()
            }
            PublicationForm::Unknown { .. } => String::new(),
        };
        for criterion in first_of_each(&form.criteria) {
            match criterion {
                CriterionForm::AgeRange { unit, min, max } => {
                    let text = |age: &Option<u16>| age.map(|age| age.to_string()).unwrap_or_default();
                    (fields.age_min, fields.age_max) = (text(min), text(max));
                    fields.age_unit.clone_from(unit);
                }
                CriterionForm::Sex { values } => fields.sex.clone_from(values),
                CriterionForm::Registration { values } => fields.registration.clone_from(values),
                CriterionForm::ExistingRecord {} => fields.existing_record = true,
                CriterionForm::Unknown { .. } => {}
            }
        }
        fields
    }

    /// As the API takes it; `kept` are the criteria that the page cannot show.
    pub(super) fn parse(&self, w: Words, kept: &[CriterionForm]) -> Result<ServiceForm, Errors> {
        let mut errors = Errors::default();
        let mut bad = |id, key: &str| errors.add(id, w.t(key));
        let ages = (number::<u16>(&self.age_min), number::<u16>(&self.age_max));
        let notice = minutes(&self.notice, self.notice_unit);
        let horizon = minutes(&self.horizon, self.horizon_unit);
        let cap = number::<u16>(&self.cap);
        if ages.0.is_err() || ages.1.is_err() {
            bad("age_min", "admin-bad-age");
        }
        if notice.is_err() {
            bad("notice", "admin-bad-notice");
        }
        if horizon.is_err() {
            bad("horizon", "admin-bad-horizon");
        }
        if cap.is_err() {
            bad("cap", "admin-bad-cap");
        }
        let publication = match self.publication.as_str() {
            "at_once" => Some(PublicationForm::AtOnce {}),
            "before" => match minutes(&self.lead, self.lead_unit) {
                Ok(Some(minutes)) => Some(PublicationForm::MinutesBefore { minutes }),
                _ => None,
            },
            _ => match number::<u16>(&self.days) {
                Ok(Some(days)) => Some(PublicationForm::DaysBefore { days, at: tidy(&self.release) }),
                _ => None,
            },
        };
        if publication.is_none() {
            bad(self.publication_field(), "admin-bad-publication");
        }
        let practitioners = self.practitioner.clone();
        let practitioner_filter = match self.filter.as_str() {
            "only" => FilterForm::Only { practitioners },
            "all_except" => FilterForm::AllExcept { practitioners },
            _ => FilterForm::All {},
        };
        match (publication, ages, notice, horizon, cap) {
            (Some(publication), (Ok(min), Ok(max)), Ok(notice), Ok(horizon), Ok(cap)) => Ok(ServiceForm {
                internal_name: tidy(&self.internal_name),
                public_name: Text { fr: tidy(&self.name_fr), en: tidy(&self.name_en) },
                description: Text { fr: tidy(&self.description_fr), en: tidy(&self.description_en) },
                activities: self.activity.clone(),
                usage: self.usage.clone(),
                criteria: self.criteria(min, max).into_iter().chain(kept.iter().cloned()).collect(),
                practitioner_filter,
                publication,
                min_notice_minutes: notice,
                max_horizon_minutes: horizon,
                max_future_appointments: cap,
                reasons: self.reasons(),
                free_text_reason: self.free_text,
                reason_required: self.reason_required,
            }),
            _ => Err(errors),
        }
    }

    fn criteria(&self, min: Option<u16>, max: Option<u16>) -> Vec<CriterionForm> {
        let mut criteria = Vec::new();
        if min.is_some() || max.is_some() {
            criteria.push(CriterionForm::AgeRange { unit: self.age_unit.clone(), min, max });
        }
        if !self.sex.is_empty() {
            criteria.push(CriterionForm::Sex { values: self.sex.clone() });
        }
        if !self.registration.is_empty() {
            criteria.push(CriterionForm::Registration { values: self.registration.clone() });
        }
        if self.existing_record {
            criteria.push(CriterionForm::ExistingRecord {});
        }
        criteria
    }

    fn reasons(&self) -> Vec<Text> {
        let pairs = self.reason_rows().into_iter().map(|(fr, en)| Text { fr: tidy(&fr), en: tidy(&en) });
        pairs.filter(|reason| !reason.fr.is_empty() || !reason.en.is_empty()).collect()
    }

    /// The rows that were sent, French beside English.
    fn reason_rows(&self) -> Vec<(String, String)> {
        let rows = self.reason_fr.len().max(self.reason_en.len());
        let cell = |list: &[String], row: usize| list.get(row).cloned().unwrap_or_default();
        (0..rows).map(|row| (cell(&self.reason_fr, row), cell(&self.reason_en, row))).collect()
    }

    /// The rows to show: those that say something, and some to fill in.
    pub(super) fn shown_reasons(&self) -> Vec<(String, String)> {
        let mut rows = self.reason_rows();
        rows.retain(|(fr, en)| !fr.trim().is_empty() || !en.trim().is_empty());
        rows.extend(std::iter::repeat_n((String::new(), String::new()), SPARE_REASONS));
        rows
    }

    /// The field that the chosen publication depends on.
    pub(super) fn publication_field(&self) -> &'static str {
        match self.publication.as_str() {
            "before" => "lead",
            "days" => "days",
            _ => "publication",
        }
    }

    /// Everything in words, for a form that was out of date.
    pub(super) fn lines(&self, w: Words, roster: &Roster) -> Vec<Line> {
        let span = |number: &str, unit| match optional(number) {
            Some(number) => format!("{number} {}", unit_name(w, unit)),
            None => String::new(),
        };
        let publication = match self.publication.as_str() {
            "before" => span(&self.lead, self.lead_unit),
            "days" => format!("{} {}, {}", self.days.trim(), w.t("admin-unit-days"), self.release),
            _ => w.t("admin-publication-at-once"),
        };
        let filter = match self.filter.as_str() {
            "only" => format!("{} {}", w.t("admin-filter-only"), roster.practitioners(&self.practitioner)),
            "all_except" => format!("{} {}", w.t("admin-filter-except"), roster.practitioners(&self.practitioner)),
            _ => w.t("admin-filter-all"),
        };
        let age = format!("{} – {} {}", self.age_min.trim(), self.age_max.trim(), age_unit(w, &self.age_unit));
        let age = if self.age_min.is_empty() && self.age_max.is_empty() { String::new() } else { age };
        let names = |list: &[String], name: fn(Words, &str) -> String| {
            list.iter().map(|value| name(w, value)).collect::<Vec<_>>().join(", ")
        };
        let reasons = self.reasons().iter().map(|r| format!("{} / {}", r.fr, r.en)).collect::<Vec<_>>().join("\n");
        vec![
            Line::new(w.t("admin-service-internal"), tidy(&self.internal_name)),
            Line::new(w.t("admin-service-name-fr"), tidy(&self.name_fr)),
            Line::new(w.t("admin-service-name-en"), tidy(&self.name_en)),
            Line::new(w.t("admin-service-description-fr"), tidy(&self.description_fr)),
            Line::new(w.t("admin-service-description-en"), tidy(&self.description_en)),
            Line::new(w.t("admin-service-activities"), roster.activities(&self.activity)),
            Line::new(w.t("admin-service-practitioners"), filter),
            Line::new(w.t("admin-criterion-age"), age),
            Line::new(w.t("admin-criterion-sex"), names(&self.sex, sex)),
            Line::new(w.t("admin-criterion-registration"), names(&self.registration, registration)),
            Line::new(w.t("admin-criterion-record"), yes_no(w, self.existing_record)),
            Line::new(w.t("admin-service-publication"), publication),
            Line::new(w.t("admin-service-usage"), usage(w, &self.usage)),
            Line::new(w.t("admin-service-reasons"), reasons),
            Line::new(w.t("admin-service-free-text"), yes_no(w, self.free_text)),
            Line::new(w.t("admin-service-reason-required"), yes_no(w, self.reason_required)),
            Line::new(w.t("admin-settings-notice"), span(&self.notice, self.notice_unit)),
            Line::new(w.t("admin-settings-horizon"), span(&self.horizon, self.horizon_unit)),
            Line::new(w.t("admin-settings-cap"), self.cap.trim()),
        ]
    }
}

/// What a service chooses from.
pub(super) struct Roster {
    pub(super) activities: Vec<ClinicActivity>,
    pub(super) practitioners: Vec<ClinicPractitioner>,
}

impl Roster {
    pub(super) fn activities(&self, ids: &[Uuid]) -> String {
        let named = self.activities.iter().filter(|activity| ids.contains(&activity.id));
        named.map(|activity| activity.name.as_str()).collect::<Vec<_>>().join(", ")
    }
    fn practitioners(&self, ids: &[Uuid]) -> String {
        let named = self.practitioners.iter().filter(|practitioner| ids.contains(&practitioner.id));
        named.map(|practitioner| practitioner.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// The values of the criteria that the page offers.
pub(super) const SEXES: [&str; 3] = ["female", "male", "other"];
/// The same of the registration.
pub(super) const REGISTRATIONS: [&str; 4] = ["this_practitioner", "other_practitioner", "clinic", "not_registered"];

/// A sex, in words.
pub(super) fn sex(w: Words, name: &str) -> String {
    match name {
        "female" => w.t("admin-sex-female"),
        "male" => w.t("admin-sex-male"),
        _ => w.t("admin-sex-other"),
    }
}

/// A registration, in words.
pub(super) fn registration(w: Words, name: &str) -> String {
    match name {
        "this_practitioner" => w.t("admin-registration-this"),
        "other_practitioner" => w.t("admin-registration-other"),
        "clinic" => w.t("admin-registration-clinic"),
        _ => w.t("admin-registration-none"),
    }
}

fn age_unit(w: Words, name: &str) -> String {
    if name == "months" { w.t("admin-unit-months") } else { w.t("admin-unit-years") }
}

/// What a service is for, in words.
pub(super) fn usage(w: Words, name: &str) -> String {
    match name {
        "request" => w.t("admin-usage-request"),
        "both" => w.t("admin-usage-both"),
        _ => w.t("admin-usage-booking"),
    }
}

fn same_kind(a: &CriterionForm, b: &CriterionForm) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

/// The criteria that the page shows: the first of each kind that it knows.
fn first_of_each(criteria: &[CriterionForm]) -> impl Iterator<Item = &CriterionForm> {
    let first = |(at, criterion): &(usize, &CriterionForm)| {
        !matches!(criterion, CriterionForm::Unknown { .. })
            && !criteria.iter().take(*at).any(|before| same_kind(before, criterion))
    };
    criteria.iter().enumerate().filter(move |pair| first(pair)).map(|(_, criterion)| criterion)
}

/// The criteria that the page cannot show, and keeps.
pub(super) fn kept(criteria: &[CriterionForm]) -> Vec<CriterionForm> {
    let shown: Vec<*const CriterionForm> = first_of_each(criteria).map(std::ptr::from_ref).collect();
    criteria.iter().filter(|criterion| !shown.contains(&std::ptr::from_ref(*criterion))).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_domain::values::Language;
    use serde_json::{Value, json};

    const W: Words = Words(Language::En);

    fn form(more: &Value) -> ServiceForm {
        let mut form = json!({ "internal_name": "a", "public_name": { "fr": "b", "en": "c" },
            "activities": [Uuid::from_u128(1)] });
        for (key, value) in more.as_object().unwrap() {
            form[key] = value.clone();
        }
        serde_json::from_value(form).unwrap()
    }

    #[test]
    fn every_service_reads_back_as_it_is_shown() {
        for more in [
            json!({}),
            json!({ "criteria": [{ "kind": "age_range", "unit": "months", "min": 2, "max": null },
                { "kind": "sex", "values": ["female", "other"] },
                { "kind": "registration", "values": ["clinic"] }, { "kind": "existing_record" }] }),
            json!({ "practitioner_filter": { "mode": "only", "practitioners": [Uuid::from_u128(2)] } }),
            json!({ "practitioner_filter": { "mode": "all_except", "practitioners": [] } }),
            json!({ "publication": { "kind": "minutes_before", "minutes": 90 } }),
            json!({ "publication": { "kind": "days_before", "days": 0, "at": "17:30" } }),
            json!({ "min_notice_minutes": 0, "max_horizon_minutes": 1441, "max_future_appointments": 2 }),
            json!({ "reasons": [{ "fr": "Suivi", "en": "" }, { "fr": "", "en": "Result" }], "usage": "both",
                "free_text_reason": false, "reason_required": false }),
        ] {
            let form = form(&more);
            let read = Fields::of(&form, 1).parse(W, &kept(&form.criteria)).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), serde_json::to_value(form).unwrap(), "{more}");
        }
    }

    #[test]
    fn criteria_that_the_page_cannot_show_are_kept() {
        let age = |min| json!({ "kind": "age_range", "unit": "years", "min": min, "max": null });
        let form = form(&json!({ "criteria": [age(1), age(5)] }));
        assert_eq!(kept(&form.criteria).len(), 1);
        let read = Fields::of(&form, 1).parse(W, &kept(&form.criteria)).unwrap();
        assert_eq!(read.criteria, form.criteria);
    }

    #[test]
    fn what_cannot_be_read_is_named_where_it_stands() {
        let fields = Fields { publication: "days".to_owned(), days: "two".to_owned(), ..Fields::new() };
        assert!(fields.parse(W, &[]).unwrap_err().of("days").is_some());
        let fields = Fields { age_min: "x".to_owned(), cap: "y".to_owned(), ..Fields::new() };
        let errors = fields.parse(W, &[]).unwrap_err();
        assert!(errors.of("age_min").is_some() && errors.of("cap").is_some());
    }

    #[test]
    fn rows_of_reasons_stay_beside_one_another() {
        let texts = |list: [&str; 3]| list.map(str::to_owned).to_vec();
        let fields =
            Fields { reason_fr: texts(["", "", "Suivi"]), reason_en: texts(["Result", "", ""]), ..Fields::new() };
        let reasons = fields.reasons();
        assert_eq!((reasons.len(), reasons[0].en.as_str(), reasons[1].fr.as_str()), (2, "Result", "Suivi"));
        assert_eq!(fields.shown_reasons().len(), 2 + SPARE_REASONS);
    }
}
