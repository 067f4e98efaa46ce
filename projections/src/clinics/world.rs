//! What is known of clinics at this moment, and the questions to it.

use super::Part;
use booking_domain::clinic::Clinic;
use booking_domain::ids::{ClinicId, MemberId, TemplateId};
use booking_domain::staff::Staff;
use booking_domain::template::Template;
use booking_store::EventStore;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// Everything that is in memory.
#[derive(Debug, Default)]
pub struct World {
    clinics: BTreeMap<ClinicId, Arc<Clinic>>,
    slugs: HashMap<String, ClinicId>,
    members: BTreeMap<MemberId, Arc<Staff>>,
    templates: BTreeMap<TemplateId, Arc<Template>>,
}

impl World {
    pub(super) fn put(&mut self, part: &Part) {
        match part {
            Part::Clinic(clinic) => {
                let Some(id) = clinic.id() else { return };
                self.slugs.extend(clinic.portal.slugs.iter().map(|slug| (slug.clone(), id)));
                self.clinics.insert(id, Arc::clone(clinic));
            }
            Part::Member(member) => {
                if let Some(added) = &member.added {
                    self.members.insert(added.member, Arc::clone(member));
                }
            }
            Part::Template(template) => {
                if let Some(created) = &template.created {
                    self.templates.insert(created.template, Arc::clone(template));
                }
            }
        }
    }
}

/// The view of clinics, their staff and their templates.
pub struct Clinics {
    store: Arc<dyn EventStore>,
    world: RwLock<World>,
}

impl fmt::Debug for Clinics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clinics").finish_non_exhaustive()
    }
}

impl Clinics {
    pub(crate) fn new(store: Arc<dyn EventStore>) -> Self {
        Self { store, world: RwLock::default() }
    }

    pub(super) fn store(&self) -> &dyn EventStore {
        &*self.store
    }

    fn world(&self) -> RwLockReadGuard<'_, World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn replace(&self, world: World) {
        let _old = std::mem::replace(&mut *self.world.write().unwrap_or_else(PoisonError::into_inner), world);
    }

    pub(super) fn show<'a>(&self, parts: impl Iterator<Item = &'a Part>) {
        let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
        parts.for_each(|part| world.put(part));
    }

    /// A clinic.
    pub fn clinic(&self, id: ClinicId) -> Option<Arc<Clinic>> {
        self.world().clinics.get(&id).cloned()
    }

    /// The clinic that a portal address leads to, and the address it has now: another one means a redirect.
    pub fn by_slug(&self, slug: &str) -> Option<(ClinicId, String)> {
        let world = self.world();
        let id = *world.slugs.get(slug)?;
        let current = world.clinics.get(&id)?.portal.slugs.last()?.clone();
        Some((id, current))
    }

    /// Every clinic, in the order of their ids.
    pub fn clinics(&self) -> Vec<Arc<Clinic>> {
        self.world().clinics.values().cloned().collect()
    }

    /// A member of some clinic's staff, disabled ones too.
    pub fn member(&self, id: MemberId) -> Option<Arc<Staff>> {
        self.world().members.get(&id).cloned()
    }

    /// The members of a clinic, disabled ones too, in the order of their ids.
    pub fn members(&self, clinic: ClinicId) -> Vec<Arc<Staff>> {
        let of_clinic = |m: &&Arc<Staff>| m.added.as_ref().is_some_and(|added| added.clinic == clinic);
        self.world().members.values().filter(of_clinic).cloned().collect()
    }

    /// A template, deleted ones too.
    pub fn template(&self, id: TemplateId) -> Option<Arc<Template>> {
        self.world().templates.get(&id).cloned()
    }

    /// The templates of a clinic that were not deleted, in the order of their ids; each names itself in `created`.
    pub fn templates(&self, clinic: ClinicId) -> Vec<Arc<Template>> {
        let listed =
            |t: &&Arc<Template>| !t.deleted && t.created.as_ref().is_some_and(|created| created.clinic == clinic);
        self.world().templates.values().filter(listed).cloned().collect()
    }
}
