//! The records in memory: opened profiles, the index of the matcher's keys, and who leads to whom.

use super::{PatientRow, ProfileOpener};
use booking_domain::ids::{ClinicId, PatientId};
use booking_domain::matching::{self, IdentificationOutcome, Key, Proposal, Record, Why, contact_keys, keys};
use booking_domain::patient::Registration;
use booking_domain::person::{Profile, ProvisionalContact};
use booking_domain::time::WallDate;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A record of the directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PatientEntry {
    /// The record.
    pub patient: PatientId,
    /// The clinic whose record it is.
    pub clinic: ClinicId,
    /// The person's details; none: erased, or their key is not to be had.
    pub profile: Option<Arc<Profile>>,
    /// With whom the person is registered.
    pub registration: Registration,
    /// The person died.
    pub deceased: bool,
    /// The record that this one leads to, at one step.
    pub merged_into: Option<PatientId>,
    /// It came by an import.
    pub imported: bool,
    /// Its `ETag`.
    pub touched: u64,
}

/// Records that identification compares at least: more than come near almost anybody.
const COMPARED: usize = 16;

/// The index of one clinic.
#[derive(Default)]
pub(super) struct Index {
    pub(super) keys: HashMap<Key, Vec<PatientId>>,
    /// Folded words of the names.
    pub(super) words: BTreeSet<(String, PatientId)>,
    pub(super) births: BTreeSet<(WallDate, PatientId)>,
}

/// Everything that is in memory.
#[derive(Default)]
pub struct People {
    pub(super) entries: HashMap<PatientId, PatientEntry>,
    pub(super) clinics: HashMap<ClinicId, Index>,
    /// Records that lead to a record at one step.
    losers: HashMap<PatientId, Vec<PatientId>>,
}

impl fmt::Debug for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "People({})", self.entries.len())
    }
}

impl People {
    pub(super) fn put(&mut self, patient: PatientId, row: &PatientRow, profile: Option<Profile>) {
        self.take_out(patient);
        let entry = PatientEntry {
            patient,
            clinic: row.clinic,
            profile: profile.map(Arc::new),
            registration: row.registration(),
            deceased: row.deceased,
            merged_into: row.merged_into,
            imported: row.imported,
            touched: row.touched,
        };
        if let Some(profile) = &entry.profile {
            let index = self.clinics.entry(row.clinic).or_default();
            for key in keys(profile) {
                let found = index.keys.entry(key).or_default();
                if !found.contains(&patient) {
                    found.push(patient);
                }
            }
            index.words.extend(super::search::words_of(profile).into_iter().map(|word| (word, patient)));
            index.births.insert((profile.birth_date, patient));
        }
        if let Some(into) = row.merged_into {
            self.losers.entry(into).or_default().push(patient);
        }
        self.entries.insert(patient, entry);
    }

    /// Takes a record out of the index, whatever it held.
    fn take_out(&mut self, patient: PatientId) {
        let Some(entry) = self.entries.remove(&patient) else { return };
        if let Some(into) = entry.merged_into
            && let Some(losers) = self.losers.get_mut(&into)
        {
            losers.retain(|id| *id != patient);
        }
        let (Some(profile), Some(index)) = (entry.profile, self.clinics.get_mut(&entry.clinic)) else { return };
        for key in keys(&profile) {
            if let Some(found) = index.keys.get_mut(&key) {
                found.retain(|id| *id != patient);
                if found.is_empty() {
                    index.keys.remove(&key);
                }
            }
        }
        for word in super::search::words_of(&profile) {
            index.words.remove(&(word, patient));
        }
        index.births.remove(&(profile.birth_date, patient));
    }

    pub(super) fn survivor(&self, patient: PatientId) -> PatientId {
        let mut at = patient;
        // Merges make no circle; should a damaged log hold one, this still ends.
        for _ in 0..100 {
            match self.entries.get(&at).and_then(|entry| entry.merged_into) {
                Some(into) => at = into,
                None => break,
            }
        }
        at
    }

    /// The record as the matcher sees it; none if its details cannot be read.
    fn record(&self, patient: PatientId) -> Option<Record<'_>> {
        let profile = self.entries.get(&patient)?.profile.as_deref()?;
        let survivor = self.survivor(patient);
        let person = self.entries.get(&survivor);
        let live = person.is_some_and(|entry| !entry.deceased && entry.profile.is_some());
        Some(Record { patient, survivor, live, profile })
    }

    /// The records that share a key with a contact, each once.
    fn candidates(&self, clinic: ClinicId, contact: &ProvisionalContact) -> Vec<Record<'_>> {
        let Some(index) = self.clinics.get(&clinic) else { return vec![] };
        let mut ids: Vec<PatientId> =
            contact_keys(contact).iter().filter_map(|key| index.keys.get(key)).flatten().copied().collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().filter_map(|id| self.record(id)).collect()
    }
}

/// The patient directory.
pub struct Directory {
    opener: Arc<dyn ProfileOpener>,
    people: RwLock<People>,
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").finish_non_exhaustive()
    }
}

impl Directory {
    pub(crate) fn new(opener: Arc<dyn ProfileOpener>) -> Self {
        Self { opener, people: RwLock::default() }
    }
    pub(super) fn opener(&self) -> &dyn ProfileOpener {
        &*self.opener
    }
    pub(super) fn people(&self) -> RwLockReadGuard<'_, People> {
        self.people.read().unwrap_or_else(PoisonError::into_inner)
    }
    fn people_mut(&self) -> RwLockWriteGuard<'_, People> {
        self.people.write().unwrap_or_else(PoisonError::into_inner)
    }
    pub(super) fn replace(&self, people: People) {
        let _old = std::mem::replace(&mut *self.people_mut(), people);
    }
    pub(super) fn show<'a>(&self, rows: impl Iterator<Item = (PatientId, &'a PatientRow, Option<Profile>)>) {
        let mut people = self.people_mut();
        rows.for_each(|(id, row, profile)| people.put(id, row, profile));
    }

    /// Whether the contact is one of the clinic's patients; the only matcher there is.
    ///
    /// However many records come near, so many are compared: where they are fewer, what was typed is compared with
    /// itself, which decides nothing.
    pub fn identify(&self, clinic: ClinicId, contact: &ProvisionalContact) -> IdentificationOutcome {
        let own = contact.to_profile();
        let people = self.people();
        let candidates = people.candidates(clinic, contact);
        let none = PatientId::default();
        let itself = Record { patient: none, survivor: none, live: true, profile: &own };
        let missing = COMPARED.saturating_sub(candidates.len());
        std::hint::black_box(matching::identify(contact, std::iter::repeat_n(itself, missing)));
        matching::identify(contact, candidates)
    }

    /// Why the contact matches nobody; none: it would be recognized now.
    pub fn why_unmatched(&self, clinic: ClinicId, contact: &ProvisionalContact) -> Option<Why> {
        matching::why_unmatched(contact, self.people().candidates(clinic, contact))
    }

    /// Records that staff may want to attach, the nearest first.
    pub fn proposals(&self, clinic: ClinicId, contact: &ProvisionalContact) -> Vec<Proposal> {
        matching::proposals(contact, self.people().candidates(clinic, contact))
    }

    /// A record.
    pub fn get(&self, patient: PatientId) -> Option<PatientEntry> {
        self.people().entries.get(&patient).cloned()
    }

    /// The record that this one leads to after all merges; itself, if it was not merged.
    pub fn survivor(&self, patient: PatientId) -> PatientId {
        self.people().survivor(patient)
    }

    /// Every record of the same person, whichever of them is given: the survivor first, then all that lead to it.
    pub fn merged_ids(&self, patient: PatientId) -> Vec<PatientId> {
        let people = self.people();
        let mut ids = vec![people.survivor(patient)];
        let mut next = 0;
        while let Some(id) = ids.get(next).copied() {
            let losers = people.losers.get(&id).into_iter().flatten();
            let fresh: Vec<PatientId> = losers.filter(|loser| !ids.contains(loser)).copied().collect();
            ids.extend(fresh);
            next += 1;
        }
        ids
    }

    /// How many records a clinic has, merged and erased ones too.
    pub fn count(&self, clinic: ClinicId) -> usize {
        self.people().entries.values().filter(|entry| entry.clinic == clinic).count()
    }

    /// Drops the opened details of some records at once: called when their keys are destroyed.
    pub fn forget(&self, patients: &[PatientId]) {
        let mut people = self.people_mut();
        for patient in patients {
            let Some(entry) = people.entries.get(patient).cloned() else { continue };
            people.take_out(*patient);
            if let Some(into) = entry.merged_into {
                people.losers.entry(into).or_default().push(*patient);
            }
            people.entries.insert(*patient, PatientEntry { profile: None, ..entry });
        }
    }
}
