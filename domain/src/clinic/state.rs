//! The clinic's fold. Each part keeps the revision that last touched it: its `ETag`, and the revision
//! that a verdict names.

use super::{
    ActivityDefined, AgendaOpened, ClinicEvent, ClinicRegistered, PortalConfigured, PractitionerRegistered,
    ServiceConfig, Settings,
};
use crate::erasure::Retention;
use crate::ids::{ActivityId, AgendaId, ClinicId, PractitionerId, ServiceId};
use crate::time::Tz;
use crate::values::{Localized, Modality, Stamp};
use std::collections::BTreeMap;

/// A clinic as its events made it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Clinic {
    /// None until it is registered.
    pub registered: Option<ClinicRegistered>,
    /// The portal.
    pub portal: Portal,
    /// Activities, retired ones too.
    pub activities: BTreeMap<ActivityId, Activity>,
    /// Practitioners.
    pub practitioners: BTreeMap<PractitionerId, Practitioner>,
    /// Agendas.
    pub agendas: BTreeMap<AgendaId, Agenda>,
    /// Services, inactive ones too.
    pub services: BTreeMap<ServiceId, Service>,
    /// Settings.
    pub settings: Settings,
    /// Revision that last touched the settings.
    pub settings_touched: u64,
    /// How long what is kept.
    pub retention: Retention,
    /// Revision that last touched the retention.
    pub retention_touched: u64,
    /// Revision of the last event of the stream.
    pub revision: u64,
    zone: Option<Tz>,
}

/// The portal's two sides: what it shows, and whether it is on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Portal {
    /// None until it is configured.
    pub config: Option<PortalConfigured>,
    /// Off until it is activated.
    pub active: bool,
    /// Every address that it ever had, oldest first; old ones redirect.
    pub slugs: Vec<String>,
    /// Revision that last touched it.
    pub touched: u64,
}

/// An activity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Activity {
    /// Internal name.
    pub name: String,
    /// Default interval in minutes.
    pub duration_minutes: u16,
    /// How its appointments take place.
    pub modality: Modality,
    /// Retired: its slots are offline.
    pub retired: bool,
    /// Revision that last touched it.
    pub touched: u64,
}

/// A practitioner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Practitioner {
    /// Public name.
    pub name: String,
    /// Profession.
    pub profession: Localized,
    /// Takes appointments; false: nothing of theirs is online or opened.
    pub active: bool,
    /// Revision that last touched it.
    pub touched: u64,
}

/// An agenda.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Agenda {
    /// Whose it is.
    pub practitioner: PractitionerId,
    /// Revision that opened it.
    pub touched: u64,
}

/// A service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Service {
    /// Its configuration.
    pub config: ServiceConfig,
    /// False once it was deactivated.
    pub active: bool,
    /// Revision that last touched it.
    pub touched: u64,
}

impl Clinic {
    /// The clinic's zone; UTC before it is registered.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.zone.unwrap_or(Tz::UTC)
    }
    /// The clinic's id; none before it is registered.
    #[must_use]
    pub fn id(&self) -> Option<ClinicId> {
        self.registered.as_ref().map(|r| r.clinic)
    }
    /// The practitioner of an agenda.
    #[must_use]
    pub fn practitioner_of(&self, agenda: AgendaId) -> Option<PractitionerId> {
        self.agendas.get(&agenda).map(|a| a.practitioner)
    }
    /// True unless the practitioner was deactivated.
    #[must_use]
    pub fn takes_appointments(&self, practitioner: PractitionerId) -> bool {
        self.practitioners.get(&practitioner).is_none_or(|p| p.active)
    }
    /// R2: the portal shows something only if it is on and a service is configured.
    #[must_use]
    pub fn shows_anything(&self) -> bool {
        self.portal.active && self.services.values().any(|s| s.active)
    }

    /// The fold; total, reads no clock.
    pub fn evolve(&mut self, event: &ClinicEvent, stamp: Stamp) {
        let touched = stamp.revision;
        self.revision = touched;
        match event {
            ClinicEvent::ClinicRegistered(e) => {
                self.zone = e.zone.parse().ok();
                self.registered = Some(e.clone());
            }
            ClinicEvent::PortalConfigured(e) => {
                self.portal.slugs.retain(|s| *s != e.slug);
                self.portal.slugs.push(e.slug.clone());
                self.portal.config = Some(e.clone());
                self.portal.touched = touched;
            }
            ClinicEvent::PortalActivated => self.switch_portal(true, touched),
            ClinicEvent::PortalDeactivated => self.switch_portal(false, touched),
            ClinicEvent::ActivityDefined(ActivityDefined { activity, name, duration_minutes, modality }) => {
                let (name, duration_minutes, modality) = (name.clone(), *duration_minutes, *modality);
                self.activities
                    .insert(*activity, Activity { name, duration_minutes, modality, retired: false, touched });
            }
            ClinicEvent::ActivityRetired(e) => {
                if let Some(activity) = self.activities.get_mut(&e.activity) {
                    activity.retired = true;
                    activity.touched = touched;
                }
            }
            ClinicEvent::PractitionerRegistered(PractitionerRegistered { practitioner, name, profession }) => {
                let (name, profession) = (name.clone(), profession.clone());
                // Described anew, somebody who takes no appointments still takes none.
                let active = self.takes_appointments(*practitioner);
                self.practitioners.insert(*practitioner, Practitioner { name, profession, active, touched });
            }
            ClinicEvent::PractitionerDeactivated(e) => self.switch_practitioner(e.practitioner, false, touched),
            ClinicEvent::PractitionerReactivated(e) => self.switch_practitioner(e.practitioner, true, touched),
            ClinicEvent::AgendaOpened(AgendaOpened { agenda, practitioner }) => {
                self.agendas.insert(*agenda, Agenda { practitioner: *practitioner, touched });
            }
            ClinicEvent::ServiceConfigured(e) => {
                self.services.insert(e.service, Service { config: e.config.clone(), active: true, touched });
            }
            ClinicEvent::ServiceDeactivated(e) => {
                if let Some(service) = self.services.get_mut(&e.service) {
                    service.active = false;
                    service.touched = touched;
                }
            }
            ClinicEvent::SettingsChanged(e) => {
                self.settings = e.settings.clone();
                self.settings_touched = touched;
            }
            ClinicEvent::RetentionSet(e) => {
                self.retention = e.retention;
                self.retention_touched = touched;
            }
        }
    }

    fn switch_practitioner(&mut self, id: PractitionerId, active: bool, touched: u64) {
        if let Some(practitioner) = self.practitioners.get_mut(&id) {
            practitioner.active = active;
            practitioner.touched = touched;
        }
    }
    fn switch_portal(&mut self, on: bool, touched: u64) {
        self.portal.active = on;
        self.portal.touched = touched;
    }
}
