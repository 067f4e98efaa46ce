//! The clinic: portal, activities, practitioners and agendas, online services, settings.
//!
//! Stream `clinic-{clinic}`. The names of the events *are* the storage format. Everything that decides
//! what is offered online is folded here, with the revision that last touched it, so that a verdict can
//! name the rule it rests on. Commands stand in `decide`.

mod decide;
mod state;

pub use decide::*;
pub use state::*;

use crate::erasure::Retention;
use crate::ids::{ActivityId, AgendaId, ClinicId, MemberId, PractitionerId, ServiceId};
use crate::time::{Instant, WallTime};
use crate::values::{AgeUnit, Language, Localized, Modality, RecognitionProof, RegistrationKind, Sex, Usage};
use serde::{Deserialize, Serialize};

/// A clinic was registered, with its first administrator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClinicRegistered {
    /// The clinic.
    pub clinic: ClinicId,
    /// Its public name.
    pub name: String,
    /// Its IANA time zone, fixed for good (8.19).
    pub zone: String,
    /// Its first administrator.
    pub administrator: MemberId,
}

/// The portal's address and what it shows were set.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PortalConfigured {
    /// The address under `/p/`; claimed on the slug's own stream first.
    pub slug: String,
    /// The clinic's contact details, shown at the end and wherever the portal cannot help.
    pub contact: ContactDetails,
    /// Terms that a visitor must accept (R12).
    pub terms: Localized,
    /// Guidance shown before the choices.
    pub notice: Localized,
    /// Languages offered, the first is the default.
    pub languages: Vec<Language>,
    /// Accent colour, `#rrggbb`.
    pub accent: Option<String>,
    /// Origins that may frame the portal.
    pub embedding_origins: Vec<String>,
    /// Whether the start page names the next release.
    pub announce_next_release: bool,
}

/// How to reach a clinic.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ContactDetails {
    /// Telephone, as printed.
    pub phone: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Postal address, lines separated by line breaks.
    pub address: String,
    /// Website.
    pub website: Option<String>,
}

/// An activity was defined, or defined anew.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActivityDefined {
    /// The activity.
    pub activity: ActivityId,
    /// Internal name, never shown to patients (R6).
    pub name: String,
    /// Default interval of its slots (R92).
    pub duration_minutes: u16,
    /// How its appointments take place.
    pub modality: Modality,
}

/// An activity was retired: its slots are offline, its appointments stay.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActivityRetired {
    /// The activity.
    pub activity: ActivityId,
}

/// A practitioner was registered, or described anew.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PractitionerRegistered {
    /// The practitioner.
    pub practitioner: PractitionerId,
    /// Public name.
    pub name: String,
    /// Profession, shown beside the name.
    pub profession: Localized,
}

/// A practitioner takes no more appointments here: nothing of theirs is online or opened, their appointments stay.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PractitionerDeactivated {
    /// The practitioner.
    pub practitioner: PractitionerId,
}

/// A practitioner takes appointments again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PractitionerReactivated {
    /// The practitioner.
    pub practitioner: PractitionerId,
}

/// A practitioner's agenda was opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AgendaOpened {
    /// The agenda.
    pub agenda: AgendaId,
    /// Whose it is.
    pub practitioner: PractitionerId,
}

/// An online service was configured, as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceConfigured {
    /// The service.
    pub service: ServiceId,
    /// All of its configuration.
    pub config: ServiceConfig,
}

/// An online service was switched off.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceDeactivated {
    /// The service.
    pub service: ServiceId,
}

/// The clinic's settings were set, as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SettingsChanged {
    /// All settings.
    pub settings: Settings,
}

/// How long what is kept was set, as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetentionSet {
    /// What holds from now on.
    pub retention: Retention,
}

/// What happens to a clinic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ClinicEvent {
    /// See [`ClinicRegistered`].
    ClinicRegistered(ClinicRegistered),
    /// See [`PortalConfigured`].
    PortalConfigured(PortalConfigured),
    /// Online booking was switched on.
    PortalActivated,
    /// Online booking was switched off (R3).
    PortalDeactivated,
    /// See [`ActivityDefined`].
    ActivityDefined(ActivityDefined),
    /// See [`ActivityRetired`].
    ActivityRetired(ActivityRetired),
    /// See [`PractitionerRegistered`].
    PractitionerRegistered(PractitionerRegistered),
    /// See [`PractitionerDeactivated`].
    PractitionerDeactivated(PractitionerDeactivated),
    /// See [`PractitionerReactivated`].
    PractitionerReactivated(PractitionerReactivated),
    /// See [`AgendaOpened`].
    AgendaOpened(AgendaOpened),
    /// See [`ServiceConfigured`].
    ServiceConfigured(ServiceConfigured),
    /// See [`ServiceDeactivated`].
    ServiceDeactivated(ServiceDeactivated),
    /// See [`SettingsChanged`].
    SettingsChanged(SettingsChanged),
    /// See [`RetentionSet`].
    RetentionSet(RetentionSet),
}

/// An online service as its clinic configures it (3.2).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ServiceConfig {
    /// The clinic's own name for it, never shown to patients (R6).
    pub internal_name: String,
    /// What patients read.
    pub public_name: Localized,
    /// One or two sentences for patients.
    pub description: Localized,
    /// The activities whose slots it offers; at least one.
    pub activities: Vec<ActivityId>,
    /// What it may be used for.
    pub usage: UsageOrDefault,
    /// Conditions on the patient; all must be met (R25); none: open to everyone (R20).
    pub criteria: Vec<Criterion>,
    /// Condition on the practitioner (8.14).
    pub filter: PractitionerFilter,
    /// When its availabilities are published (8.2).
    pub publication: PublicationRule,
    /// Shortest time between booking and start, in minutes; none: the clinic's.
    pub min_notice_minutes: Option<u32>,
    /// Longest time between publication and start, in minutes of elapsed time; none: the clinic's.
    pub max_horizon_minutes: Option<u32>,
    /// Cap on a patient's future appointments of this service; none: the clinic's.
    pub max_future_appointments: Option<u16>,
    /// Reasons for the visit to choose from (8.17).
    pub reasons: Vec<Localized>,
    /// Whether a reason may be typed.
    pub free_text_reason: bool,
    /// Whether a reason must be given.
    pub reason_required: bool,
}

/// [`Usage`] with online booking as its default.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UsageOrDefault(pub Usage);

impl Default for UsageOrDefault {
    fn default() -> Self {
        Self(Usage::Booking)
    }
}

impl UsageOrDefault {
    /// True if the service offers availabilities to book.
    #[must_use]
    pub fn books(self) -> bool {
        matches!(self.0, Usage::Booking | Usage::Both)
    }
}

/// A condition on the patient (8.1). Within one criterion the values combine with OR.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Criterion {
    /// Age on the day of the appointment, bounds included.
    AgeRange {
        /// Years or months.
        unit: AgeUnit,
        /// Lowest age.
        min: Option<u16>,
        /// Highest age.
        max: Option<u16>,
    },
    /// Sex as on file.
    Sex(Vec<Sex>),
    /// Registration with a family doctor.
    Registration(Vec<RegistrationKind>),
    /// Recognized in this clinic.
    ExistingRecord,
    /// A criterion that this release does not know: never met.
    Unknown(u8),
}

impl Criterion {
    /// The criterion's code in events and in `criteria_met`.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::AgeRange { .. } => 0,
            Self::Sex(_) => 1,
            Self::Registration(_) => 2,
            Self::ExistingRecord => 3,
            Self::Unknown(code) => *code,
        }
    }
}

/// Which practitioners' availabilities a service offers (8.14).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum PractitionerFilter {
    /// Everyone who uses the activities, also those the clinic may not have thought of (R37).
    #[default]
    All,
    /// These alone.
    Only(Vec<PractitionerId>),
    /// Everyone but these.
    AllExcept(Vec<PractitionerId>),
    /// A mode that this release does not know: nobody.
    Unknown(u8),
}

impl PractitionerFilter {
    /// R32.
    #[must_use]
    pub fn passes(&self, practitioner: PractitionerId) -> bool {
        match self {
            Self::All => true,
            Self::Only(list) => list.contains(&practitioner),
            Self::AllExcept(list) => !list.contains(&practitioner),
            Self::Unknown(_) => false,
        }
    }
}

/// When a service publishes an availability, counted back from its start (8.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum PublicationRule {
    /// At once (R42).
    #[default]
    AtOnce,
    /// So many minutes of elapsed time before the start.
    MinutesBefore(u32),
    /// So many calendar days before, at a time of day in the clinic's zone.
    DaysBefore {
        /// Calendar days.
        days: u16,
        /// Release time.
        at: WallTime,
    },
    /// A rule that this release does not know: never published.
    Unknown(u8),
}

/// A slot's own publication, in the place of every service's lead (8.2, 8.29).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum PublicationOverride {
    /// None: the service's rule holds.
    #[default]
    None,
    /// At this instant.
    At(Instant),
    /// So many minutes of elapsed time before the start.
    MinutesBefore(u32),
    /// A kind that this release does not know: never published.
    Unknown(u8),
}

/// What a clinic can set (8.4, 8.7, 8.9, 8.11, 8.13).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// Shortest time between booking and start, in minutes.
    pub min_notice_minutes: u32,
    /// Longest time between publication and start, in minutes; none: no limit.
    pub max_horizon_minutes: Option<u32>,
    /// Cap on a patient's future appointments for each service; none: no cap.
    pub max_future_appointments: Option<u16>,
    /// Length of a hold, in minutes.
    pub hold_minutes: u16,
    /// Last moment for a patient's own change, in minutes before the start.
    pub change_cutoff_minutes: u32,
    /// How recognition must be proven.
    pub recognition_proof: RecognitionProof,
    /// Whether recurring slots may be offered online.
    pub offer_recurring_online: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            min_notice_minutes: 0,
            max_horizon_minutes: None,
            max_future_appointments: None,
            hold_minutes: 5,
            change_cutoff_minutes: 24 * 60,
            recognition_proof: RecognitionProof::None,
            offer_recurring_online: false,
        }
    }
}
