//! Forms of the clinic's events.

use super::rules::{CriterionV1, PractitionerFilterV1, PublicationRuleV1};
use super::shared::LocalizedV1;
use crate::primitives::{Id, LanguageCode, ModalityCode, RecognitionProofCode, UsageCode};
use crate::wire::{wire, wire_unit};
use booking_domain::clinic::{
    ActivityDefined, ActivityRetired, AgendaOpened, ClinicRegistered, ContactDetails, PortalConfigured,
    PractitionerDeactivated, PractitionerReactivated, PractitionerRegistered, RetentionSet, ServiceConfig,
    ServiceConfigured, ServiceDeactivated, Settings, SettingsChanged,
};
use booking_domain::erasure::Retention;

wire! {
    /// A clinic was registered, with its first administrator.
    "clinic-registered.v1" ClinicRegisteredV1 for ClinicRegistered {
        /// The clinic.
        clinic: Id,
        /// Its public name.
        name: String,
        /// Its IANA time zone, such as `America/Toronto`; fixed for good.
        zone: String,
        /// Its first administrator: a staff member.
        administrator: Id,
    }

    /// The portal's address and what it shows were set, as a whole.
    "portal-configured.v1" PortalConfiguredV1 for PortalConfigured {
        /// The address under `/p/`, claimed on the slug's own stream before.
        slug: String,
        /// How to reach the clinic.
        contact: ContactDetailsV1,
        /// Terms that a visitor must accept.
        terms: LocalizedV1,
        /// Guidance shown before the choices.
        notice: LocalizedV1,
        /// Languages offered, the default first.
        languages: Vec<LanguageCode>,
        /// Accent colour, `#rrggbb`.
        accent: Option<String>,
        /// Web origins that may frame the portal.
        embedding_origins: Vec<String>,
        /// Whether the start page names the next release.
        announce_next_release: bool,
    }

    /// How to reach a clinic.
    ContactDetailsV1 for ContactDetails {
        /// Telephone, as printed.
        phone: String,
        /// E-mail address.
        email: Option<String>,
        /// Postal address, lines separated by line breaks.
        address: String,
        /// Website.
        website: Option<String>,
    }

    /// Online booking was switched on.
    "portal-activated.v1" PortalActivatedV1 {
    }

    /// Online booking was switched off.
    "portal-deactivated.v1" PortalDeactivatedV1 {
    }

    /// An activity was defined, or defined anew.
    "activity-defined.v1" ActivityDefinedV1 for ActivityDefined {
        /// The activity.
        activity: Id,
        /// Internal name, never shown to patients.
        name: String,
        /// Default length of its availabilities, in minutes.
        duration_minutes: u16,
        /// How its appointments take place.
        modality: ModalityCode,
    }

    /// An activity was retired: its slots are offline, its appointments stay.
    "activity-retired.v1" ActivityRetiredV1 for ActivityRetired {
        /// The activity.
        activity: Id,
    }

    /// A practitioner was registered, or described anew.
    "practitioner-registered.v1" PractitionerRegisteredV1 for PractitionerRegistered {
        /// The practitioner.
        practitioner: Id,
        /// Public name.
        name: String,
        /// Profession, shown beside the name.
        profession: LocalizedV1,
    }

    /// A practitioner takes no more appointments: nothing of theirs is online or opened, their appointments stay.
    "practitioner-deactivated.v1" PractitionerDeactivatedV1 for PractitionerDeactivated {
        /// The practitioner.
        practitioner: Id,
    }

    /// A practitioner takes appointments again.
    "practitioner-reactivated.v1" PractitionerReactivatedV1 for PractitionerReactivated {
        /// The practitioner.
        practitioner: Id,
    }

    /// A practitioner's agenda was opened.
    "agenda-opened.v1" AgendaOpenedV1 for AgendaOpened {
        /// The agenda.
        agenda: Id,
        /// The practitioner whose it is.
        practitioner: Id,
    }

    /// An online service was configured, as a whole.
    "service-configured.v1" ServiceConfiguredV1 for ServiceConfigured {
        /// The service.
        service: Id,
        /// All of its configuration.
        config: ServiceConfigV1,
    }

    /// An online service was switched off.
    "service-deactivated.v1" ServiceDeactivatedV1 for ServiceDeactivated {
        /// The service.
        service: Id,
    }

    /// The clinic's settings were set, as a whole.
    "settings-changed.v1" SettingsChangedV1 for SettingsChanged {
        /// All settings.
        settings: SettingsV1,
    }

    /// How long what is kept was set, as a whole.
    "retention-set.v1" RetentionSetV1 for RetentionSet {
        /// What holds from now on.
        retention: RetentionV1,
    }

    /// How long a clinic keeps what, and how long it waits before it forgets.
    RetentionV1 for Retention {
        /// Years that a patient's data are kept after the last appointment.
        attached_years: u16,
        /// Days after the appointment, after which a provisional contact that was never attached is erased.
        provisional_days: u16,
        /// Days between the decision to erase and the erasure, in which it can be withdrawn.
        cooling_off_days: u16,
    }

    /// An online service as its clinic configures it.
    ServiceConfigV1 for ServiceConfig {
        /// The clinic's own name for it, never shown to patients.
        internal_name: String,
        /// What patients read.
        public_name: LocalizedV1,
        /// One or two sentences for patients.
        description: LocalizedV1,
        /// The activities whose slots it offers.
        activities: Vec<Id>,
        /// What it may be used for.
        usage: UsageCode,
        /// Conditions on the patient; all must be met; none: open to everyone.
        criteria: Vec<CriterionV1>,
        /// Condition on the practitioner.
        filter: PractitionerFilterV1,
        /// When its availabilities are published.
        publication: PublicationRuleV1,
        /// Shortest time between booking and start, in minutes; none: the clinic's.
        min_notice_minutes: Option<u32>,
        /// Longest time between publication and start, in minutes of elapsed time; none: the clinic's.
        max_horizon_minutes: Option<u32>,
        /// Cap on a patient's future appointments of this service; none: the clinic's.
        max_future_appointments: Option<u16>,
        /// Reasons for the visit to choose from.
        reasons: Vec<LocalizedV1>,
        /// Whether a reason may be typed.
        free_text_reason: bool,
        /// Whether a reason must be given.
        reason_required: bool,
    }

    /// What a clinic can set.
    SettingsV1 for Settings {
        /// Shortest time between booking and start, in minutes.
        min_notice_minutes: u32,
        /// Longest time between publication and start, in minutes; none: no limit.
        max_horizon_minutes: Option<u32>,
        /// Cap on a patient's future appointments for each service; none: no cap.
        max_future_appointments: Option<u16>,
        /// Length of a hold, in minutes.
        hold_minutes: u16,
        /// Last moment for a patient's own change, in minutes before the start.
        change_cutoff_minutes: u32,
        /// How recognition must be proven before restricted services open.
        recognition_proof: RecognitionProofCode,
        /// Whether recurring slots may be offered online.
        offer_recurring_online: bool,
    }
}

wire_unit!(PortalActivatedV1, PortalDeactivatedV1);
