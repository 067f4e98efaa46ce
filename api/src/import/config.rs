//! `clinic.toml` as it is written: names and keys, not ids yet. Everything that only the file can say is checked here;
//! the domain's own rules are asked afterwards, in `rules`.

use super::problem::{At, Lines, Problems};
use super::reader::{Document, Section};
use super::weeks::{self, RecurrenceEntry, TemplateEntry};
use booking_domain::clinic::{ContactDetails, Criterion, PortalConfigured, PublicationRule, Settings};
use booking_domain::values::{
    AgeUnit, Language, Localized, Modality, RecognitionProof, RegistrationKind, Role, Sex, Usage,
};
use std::collections::{BTreeMap, BTreeSet};
use toml::de::DeTable;

/// The file's name.
pub(super) const FILE: &str = "clinic.toml";

/// Names of an API list.
pub(super) const MODALITIES: [&str; 4] = ["in_person", "video", "telephone", "home_visit"];
/// Words of the registration column that no practitioner's key may be.
pub(super) const REGISTRATION_WORDS: [&str; 3] = ["none", "clinic", "elsewhere"];

/// The whole file.
#[derive(Debug, Default)]
pub(super) struct Config {
    pub key: String,
    pub name: String,
    pub zone: String,
    pub at: At,
    pub portal: Option<(PortalConfigured, bool, At)>,
    pub settings: Option<(Settings, At)>,
    pub members: Vec<(MemberEntry, At)>,
    pub activities: Vec<(ActivityEntry, At)>,
    pub practitioners: Vec<(PractitionerEntry, At)>,
    pub services: Vec<(ServiceEntry, At)>,
    pub templates: Vec<(TemplateEntry, At)>,
    pub recurrences: Vec<(RecurrenceEntry, At)>,
}

/// A staff account. The name and the address are personal data; nothing prints this type.
#[derive(Default)]
pub(super) struct MemberEntry {
    pub key: String,
    pub name: String,
    pub email: String,
    pub role: Option<Role>,
}

impl std::fmt::Debug for MemberEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[phi]")
    }
}

#[derive(Debug, Default)]
pub(super) struct ActivityEntry {
    pub key: String,
    pub name: String,
    pub duration_minutes: u16,
    pub modality: Option<Modality>,
    pub retired: bool,
}

#[derive(Debug, Default)]
pub(super) struct PractitionerEntry {
    pub key: String,
    pub name: String,
    pub profession: Localized,
    pub agenda: bool,
}

/// Which practitioners, by key.
#[derive(Debug, Default)]
pub(super) enum FilterEntry {
    #[default]
    All,
    Only(Vec<String>),
    AllExcept(Vec<String>),
}

#[derive(Debug, Default)]
pub(super) struct ServiceEntry {
    pub key: String,
    pub internal_name: String,
    pub public_name: Localized,
    pub description: Localized,
    pub activities: Vec<String>,
    pub usage: Option<Usage>,
    pub criteria: Vec<Criterion>,
    pub filter: FilterEntry,
    pub publication: PublicationRule,
    pub min_notice_minutes: Option<u32>,
    pub max_horizon_minutes: Option<u32>,
    pub max_future_appointments: Option<u16>,
    pub reasons: Vec<Localized>,
    pub free_text_reason: bool,
    pub reason_required: bool,
    pub active: bool,
}

/// Reads the file; what is wrong goes to `problems`.
pub(super) fn read(text: &str, problems: &Problems) -> Config {
    let document = Document { file: FILE, lines: Lines::of(text), problems };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let line = error.span().map_or(0, |span| document.lines.at(span.start));
        let message = format!("is not TOML: {}", error.message());
        problems.push(At::row(FILE, line).problem("", message));
    }
    let mut root = Section::root(&document, table.get_ref());
    let mut config = Config {
        key: key(&mut root),
        name: root.need("name", Section::text),
        zone: root.text("zone").unwrap_or_else(|| "America/Toronto".into()),
        portal: root.entry("portal", portal).map(|((config, active), at)| (config, active, at)),
        settings: root.entry("settings", settings),
        members: root.entries("members", member),
        activities: root.entries("activities", activity),
        practitioners: root.entries("practitioners", practitioner),
        services: root.entries("services", service),
        templates: root.entries("templates", weeks::template),
        recurrences: root.entries("recurrences", weeks::recurrence),
        at: At::default(),
    };
    config.at = root.done();
    references(&config, problems);
    config
}

/// An entry's key: what tells it apart from run to run.
pub(super) fn key(section: &mut Section<'_, '_>) -> String {
    let key = section.need("key", Section::text);
    if !key.is_empty() && !is_key(&key) {
        section.report_at("key", "may hold 1 to 64 letters, digits and . _ -");
    }
    key
}

fn is_key(text: &str) -> bool {
    text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

pub(super) fn modality(section: &mut Section<'_, '_>) -> Option<Modality> {
    section.named("modality", Modality::from_name, &MODALITIES)
}

fn portal(section: &mut Section<'_, '_>) -> (PortalConfigured, bool) {
    let contact = section.need("contact", |s, key| {
        s.table(key, |c| ContactDetails {
            phone: c.need("phone", Section::text),
            email: c.text("email"),
            address: c.text("address").unwrap_or_default(),
            website: c.text("website"),
        })
    });
    let origins = section.texts("embedding_origins").unwrap_or_default();
    let config = PortalConfigured {
        slug: section.need("slug", Section::text),
        contact,
        terms: section.need("terms", Section::localized),
        notice: section.localized("notice").unwrap_or_default(),
        languages: section
            .names("languages", Language::from_name, &["fr", "en"])
            .unwrap_or_else(|| vec![Language::Fr, Language::En]),
        accent: section.text("accent"),
        embedding_origins: origins.into_iter().map(|(origin, _)| origin).collect(),
        announce_next_release: section.flag("announce_next_release").unwrap_or(false),
    };
    (config, section.flag("active").unwrap_or(false))
}

fn settings(section: &mut Section<'_, '_>) -> Settings {
    let defaults = Settings::default();
    Settings {
        min_notice_minutes: section.number("min_notice_minutes").unwrap_or(defaults.min_notice_minutes),
        max_horizon_minutes: section.number("max_horizon_minutes"),
        max_future_appointments: section.number("max_future_appointments"),
        hold_minutes: section.number("hold_minutes").unwrap_or(defaults.hold_minutes),
        change_cutoff_minutes: section.number("change_cutoff_minutes").unwrap_or(defaults.change_cutoff_minutes),
        recognition_proof: section
            .named("recognition_proof", RecognitionProof::from_name, &["none", "one_time_code"])
            .unwrap_or(defaults.recognition_proof),
        offer_recurring_online: section.flag("offer_recurring_online").unwrap_or(false),
    }
}

fn member(section: &mut Section<'_, '_>) -> MemberEntry {
    let roles = ["administrator", "scheduler", "practitioner", "auditor"];
    let entry = MemberEntry {
        key: key(section),
        name: section.need("name", Section::text),
        email: section.need("email", Section::text),
        role: section.need("role", |s, key| s.named(key, Role::from_name, &roles).map(Some)),
    };
    if !entry.email.is_empty() && booking_domain::person::Email::parse(&entry.email).is_err() {
        section.report_at("email", "is not an e-mail address");
    }
    entry
}

fn activity(section: &mut Section<'_, '_>) -> ActivityEntry {
    ActivityEntry {
        key: key(section),
        name: section.need("name", Section::text),
        duration_minutes: section.need("duration_minutes", Section::number),
        modality: modality(section),
        retired: section.flag("retired").unwrap_or(false),
    }
}

fn practitioner(section: &mut Section<'_, '_>) -> PractitionerEntry {
    let entry = PractitionerEntry {
        key: key(section),
        name: section.need("name", Section::text),
        profession: section.localized("profession").unwrap_or_default(),
        agenda: section.flag("agenda").unwrap_or(true),
    };
    if REGISTRATION_WORDS.contains(&entry.key.as_str()) {
        section.report_at("key", "is a word of the registration column; choose another");
    }
    entry
}

fn service(section: &mut Section<'_, '_>) -> ServiceEntry {
    let keys = |list: Vec<(String, usize)>| list.into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    ServiceEntry {
        key: key(section),
        internal_name: section.need("internal_name", Section::text),
        public_name: section.need("public_name", Section::localized),
        description: section.localized("description").unwrap_or_default(),
        activities: keys(section.need("activities", Section::texts)),
        usage: section.named("usage", Usage::from_name, &["booking", "request", "both"]),
        criteria: section.entries("criteria", criterion).into_iter().filter_map(|(criterion, _)| criterion).collect(),
        filter: section.table("practitioners", filter).unwrap_or_default(),
        publication: section.table("publication", publication).unwrap_or_default(),
        min_notice_minutes: section.number("min_notice_minutes"),
        max_horizon_minutes: section.number("max_horizon_minutes"),
        max_future_appointments: section.number("max_future_appointments"),
        reasons: section.localized_list("reasons"),
        free_text_reason: section.flag("free_text_reason").unwrap_or(true),
        reason_required: section.flag("reason_required").unwrap_or(true),
        active: section.flag("active").unwrap_or(true),
    }
}

fn criterion(section: &mut Section<'_, '_>) -> Option<Criterion> {
    let kinds = ["age_range", "sex", "registration", "existing_record"];
    let kind = section.need("kind", Section::text);
    match kind.as_str() {
        "age_range" => Some(Criterion::AgeRange {
            unit: section.named("unit", AgeUnit::from_name, &["years", "months"]).unwrap_or(AgeUnit::Years),
            min: section.number("min"),
            max: section.number("max"),
        }),
        "sex" => {
            let values = section.need("values", |s, k| s.names(k, Sex::from_name, &["female", "male", "other"]));
            Some(Criterion::Sex(values))
        }
        "registration" => {
            let known = ["this_practitioner", "other_practitioner", "clinic", "not_registered"];
            let values = section.need("values", |s, k| s.names(k, RegistrationKind::from_name, &known));
            Some(Criterion::Registration(values))
        }
        "existing_record" => Some(Criterion::ExistingRecord),
        _ => {
            section.report_at("kind", format!("must be one of {}", kinds.join(", ")));
            None
        }
    }
}

fn filter(section: &mut Section<'_, '_>) -> FilterEntry {
    let keys = |list: Vec<(String, usize)>| list.into_iter().map(|(key, _)| key).collect();
    match (section.texts("only"), section.texts("all_except")) {
        (Some(only), None) => FilterEntry::Only(keys(only)),
        (None, Some(except)) => FilterEntry::AllExcept(keys(except)),
        (None, None) => FilterEntry::All,
        (Some(_), Some(_)) => {
            section.report_at("all_except", "cannot stand beside only: one mode per service");
            FilterEntry::All
        }
    }
}

fn publication(section: &mut Section<'_, '_>) -> PublicationRule {
    let minutes: Option<u32> = section.number("minutes_before");
    let days: Option<u16> = section.number("days_before");
    let at = section.time("at");
    match (minutes, days, at) {
        (None, None, None) => PublicationRule::AtOnce,
        (Some(minutes), None, None) => PublicationRule::MinutesBefore(minutes),
        (None, Some(days), Some(at)) => PublicationRule::DaysBefore { days, at },
        _ => {
            section.report_at("", "takes either minutes_before, or days_before with at");
            PublicationRule::AtOnce
        }
    }
}

/// Keys that stand twice, and keys that lead nowhere.
fn references(config: &Config, problems: &Problems) {
    let activities = unique(config.activities.iter().map(|(e, at)| (&e.key, at)), problems);
    let practitioners = unique(config.practitioners.iter().map(|(e, at)| (&e.key, at)), problems);
    unique(config.members.iter().map(|(e, at)| (&e.key, at)), problems);
    unique(config.services.iter().map(|(e, at)| (&e.key, at)), problems);
    unique(config.templates.iter().map(|(e, at)| (&e.key, at)), problems);
    unique(config.recurrences.iter().map(|(e, at)| (&e.key, at)), problems);
    let mut addresses = BTreeMap::new();
    for (entry, at) in &config.members {
        if let Some(line) = addresses.insert(entry.email.trim().to_lowercase(), at.line) {
            problems.push(at.problem("email", format!("is that of the member on line {line} already")));
        }
    }
    for (entry, at) in &config.services {
        for (index, key) in entry.activities.iter().enumerate() {
            if !activities.contains(key.as_str()) {
                problems.push(at.problem(&format!("activities[{index}]"), "is not the key of an activity"));
            }
        }
        let (FilterEntry::Only(list) | FilterEntry::AllExcept(list)) = &entry.filter else { continue };
        for key in list.iter().filter(|key| !practitioners.contains(key.as_str())) {
            problems.push(at.problem("practitioners", format!("{key:?} is not the key of a practitioner")));
        }
    }
    for (entry, at) in &config.templates {
        if !practitioners.contains(entry.practitioner.as_str()) {
            problems.push(at.problem("practitioner", "is not the key of a practitioner"));
        }
        for (slot, at) in &entry.slots {
            if slot.activity.as_deref().is_some_and(|key| !activities.contains(key)) {
                problems.push(at.problem("activity", "is not the key of an activity"));
            }
        }
    }
    for (entry, at) in &config.recurrences {
        if !practitioners.contains(entry.agenda.as_str()) {
            problems.push(at.problem("agenda", "is not the key of a practitioner"));
        }
        if entry.activity.as_deref().is_some_and(|key| !activities.contains(key)) {
            problems.push(at.problem("activity", "is not the key of an activity"));
        }
    }
}

fn unique<'a>(entries: impl Iterator<Item = (&'a String, &'a At)>, problems: &Problems) -> BTreeSet<&'a str> {
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    for (key, at) in entries.filter(|(key, _)| !key.is_empty()) {
        match lines.get(key.as_str()) {
            Some(line) => problems.push(at.problem("key", format!("stands on line {line} already"))),
            None => drop(lines.insert(key, at.line)),
        }
    }
    lines.into_keys().collect()
}
