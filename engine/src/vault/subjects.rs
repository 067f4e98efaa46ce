//! Subject keys: one per person per clinic. What is sealed under a destroyed key is gone, in every copy of the log.

use super::crypto::{self, Key, Place, Purpose};
use super::entropy::draw;
use super::error::{Result, VaultError};
use super::keys::{ClinicKeys, TRIES};
use super::roots::Roots;
use super::value::Value;
use super::writer::Statement;
use super::{Vault, row, sql};
use booking_domain::ids::{ClinicId, SubjectId, VisitId};
use booking_domain::time::Instant;
use booking_events::sealing::SubjectKey;
use std::collections::HashMap;
use std::sync::Arc;

/// The key version that stands in seals under a subject's key.
pub const SUBJECT_KEY_VERSION: u16 = 1;

/// Rows of the table: `None` for a destroyed key, nothing for a subject without a row.
type Loaded = HashMap<SubjectId, Option<Arc<SubjectKey>>>;

/// Keys made in one operation: the writer serves others in between.
const BULK: usize = 2_000;

/// A key, and the values of its row in the order of the table's insert.
pub(super) fn new_key(
    vault: &Vault,
    keys: &ClinicKeys,
    subject: SubjectId,
    visit: Option<VisitId>,
    now: Instant,
) -> (Arc<SubjectKey>, Vec<Value>) {
    let bytes = Key::new(draw(&*vault.entropy));
    let place = place(keys.clinic(), subject, SUBJECT_KEY_VERSION);
    let (under, by) = keys.wrapping();
    let wrapped = crypto::wrap(by, &place, &bytes, &*vault.entropy);
    let values = vec![
        subject.bytes().into(),
        keys.clinic().bytes().into(),
        i64::from(SUBJECT_KEY_VERSION).into(),
        wrapped.into(),
        now.0.into(),
        visit.map(VisitId::bytes).into(),
        i64::from(under).into(),
    ];
    (Arc::new(SubjectKey::new(*bytes)), values)
}

pub(super) fn place(clinic: ClinicId, subject: SubjectId, version: u16) -> Place {
    Place { purpose: Purpose::Subject, clinic: clinic.bytes(), subject: subject.bytes(), version }
}

/// Opens what a row holds. The clinic's keys have to be asked for after the row was read: a rotation makes a version known
/// before it wraps anything under it.
fn unwrapped(
    keys: &ClinicKeys,
    subject: SubjectId,
    version: u16,
    (under, wrapped): (u16, &[u8]),
) -> Result<Arc<SubjectKey>> {
    let by =
        keys.wrapping_of(under).ok_or(VaultError::Damaged("a key is wrapped under a version that is not there"))?;
    let key = crypto::unwrap_or_damaged(by, &place(keys.clinic(), subject, version), wrapped)?;
    Ok(Arc::new(SubjectKey::new(*key)))
}

impl Vault {
    /// Makes the subject's key, or answers the one it has. [`VaultError::Gone`]: it was destroyed, and there will be
    /// no other.
    pub async fn create_subject(&self, clinic: ClinicId, subject: SubjectId, now: Instant) -> Result<Arc<SubjectKey>> {
        self.create_subjects(clinic, &[subject], now).await?.remove(&subject).ok_or(VaultError::Gone)
    }

    /// As [`Vault::create_subject`], for an import. Destroyed subjects are left out of the answer. A broken run is
    /// finished by running it again.
    pub async fn create_subjects(
        &self,
        clinic: ClinicId,
        subjects: &[SubjectId],
        now: Instant,
    ) -> Result<HashMap<SubjectId, Arc<SubjectKey>>> {
        let mut all = HashMap::with_capacity(subjects.len());
        for part in subjects.chunks(BULK) {
            for attempt in 0.. {
                match self.try_to_create(clinic, part, now).await {
                    // Another caller made some of them at the same moment: then look again.
                    Err(VaultError::Exists) if attempt < TRIES => {}
                    // Another node replaced a key.
                    Err(VaultError::OldKeys) if attempt < TRIES => self.look_at_keys_again().await?,
                    made => {
                        all.extend(made?);
                        break;
                    }
                }
            }
        }
        Ok(all)
    }

    async fn try_to_create(
        &self,
        clinic: ClinicId,
        subjects: &[SubjectId],
        now: Instant,
    ) -> Result<HashMap<SubjectId, Arc<SubjectKey>>> {
        let epoch = self.subjects.epoch();
        // Held until the rows are written: no rotation ends in between.
        let roots = self.roots.read().await;
        let clinic_keys = self.clinic_keys_under(&roots, clinic).await?;
        let known = self.load_with(Some(&roots), clinic, subjects).await?;
        let mut values = Vec::with_capacity(7 * subjects.len());
        let mut made = HashMap::new();
        for subject in subjects {
            if !known.contains_key(subject) && !made.contains_key(subject) {
                let (key, row) = new_key(self, &clinic_keys, *subject, None, now);
                values.extend(row);
                made.insert(*subject, key);
            }
        }
        if !made.is_empty() {
            self.writer.run(vec![Statement::Insert(&sql::INSERT_SUBJECT_KEY, values)]).await?;
        }
        for (subject, key) in &made {
            self.subjects.put(epoch, (clinic, *subject), Arc::clone(key));
        }
        made.extend(known.into_iter().filter_map(|(subject, key)| Some((subject, key?))));
        Ok(made)
    }

    /// The subject's key; `None` if it was destroyed or never made: what it sealed reads as erased.
    pub async fn subject_key(&self, clinic: ClinicId, subject: SubjectId) -> Result<Option<Arc<SubjectKey>>> {
        if let Some(key) = self.subjects.get(&(clinic, subject)) {
            return Ok(Some(key));
        }
        let epoch = self.subjects.epoch();
        let asked = [subject.bytes().into(), clinic.bytes().into()];
        let Some(row) = self.readers.row(&sql::SUBJECT_KEY, asked).await? else { return Ok(None) };
        let under = row::int(&row, 2)?;
        let clinic_keys = self.clinic_keys_with(clinic, under).await?;
        let key = unwrapped(&clinic_keys, subject, row::int(&row, 0)?, (under, &row::blob(&row, 1)?))?;
        self.subjects.put(epoch, (clinic, subject), Arc::clone(&key));
        Ok(Some(key))
    }

    /// The keys of many subjects, in a few statements; those without one are left out.
    pub async fn subject_keys(
        &self,
        clinic: ClinicId,
        subjects: &[SubjectId],
    ) -> Result<HashMap<SubjectId, Arc<SubjectKey>>> {
        let mut keys = HashMap::with_capacity(subjects.len());
        let mut missing = Vec::new();
        for subject in subjects {
            match self.subjects.get(&(clinic, *subject)) {
                Some(key) => drop(keys.insert(*subject, key)),
                None => missing.push(*subject),
            }
        }
        if !missing.is_empty() {
            let epoch = self.subjects.epoch();
            for (subject, key) in self.load(clinic, &missing).await? {
                let Some(key) = key else { continue };
                self.subjects.put(epoch, (clinic, subject), Arc::clone(&key));
                keys.insert(subject, key);
            }
        }
        Ok(keys)
    }

    /// A visit's subject has booked: its key no longer goes with the visit.
    ///
    /// [`VaultError::Gone`]: the key was purged or destroyed before. So call it before the booking is appended, or the
    /// log would hold what nobody can ever read. It costs a share of one commit.
    pub async fn keep_subject(&self, clinic: ClinicId, subject: SubjectId) -> Result<()> {
        let values = vec![subject.bytes().into(), clinic.bytes().into()];
        self.writer.run(vec![Statement::MustChange(&sql::KEEP_SUBJECT, values)]).await.map(drop)
    }

    /// As [`Vault::keep_subject`], without waiting: a booking costs no second commit. What a crash loses is made good
    /// by [`Vault::purge_visits`], which asks for each key whether its subject booked.
    pub fn keep_subject_behind(&self, subject: SubjectId) {
        self.writer.run_behind(vec![Statement::Each(&sql::KEEP_SUBJECTS, subject.bytes().into())]);
    }

    /// Destroys these subjects' keys for ever, also their copies in the write-ahead log and in memory, and deletes their
    /// visits. Nobody makes another key for any of them. Answers how many had one. Backups of the vault still hold
    /// them: that is why they are kept for a short time only.
    pub async fn destroy_subjects(&self, clinic: ClinicId, subjects: &[SubjectId], now: Instant) -> Result<usize> {
        let mut destroyed = 0;
        for part in subjects.chunks(BULK) {
            let known = self.load(clinic, part).await?;
            destroyed += known.values().flatten().count();
            let ids = |subject: &SubjectId| vec![subject.bytes().into(), clinic.bytes().into()];
            let gone = |subject: &&SubjectId| matches!(known.get(subject), Some(None));
            let mut statements = Vec::with_capacity(3 * part.len());
            for subject in part.iter().filter(|subject| !gone(subject)) {
                statements.push(Statement::Change(&sql::DESTROY_VISITS_OF, ids(subject)));
                statements.push(Statement::Change(&sql::FORGET_CONTACT_QUOTAS, ids(subject)));
                let mut values = ids(subject);
                values.push(now.0.into());
                statements.push(Statement::Change(&sql::DESTROY_SUBJECT, values));
            }
            if !statements.is_empty() {
                self.writer.run_and_scrub(statements).await?;
            }
            let places: Vec<_> = part.iter().map(|subject| (clinic, *subject)).collect();
            self.subjects.forget(&places);
            self.visits.retain(|_, visit| visit.clinic != clinic || !part.contains(&visit.subject));
        }
        Ok(destroyed)
    }

    /// Those of these subjects who still have a key.
    pub async fn with_key(&self, clinic: ClinicId, subjects: &[SubjectId]) -> Result<Vec<SubjectId>> {
        let known = self.load(clinic, subjects).await?;
        Ok(known.into_iter().filter_map(|(subject, key)| key.map(|_| subject)).collect())
    }

    /// The clinic's keys, this version among them: another node may have made it a moment ago.
    async fn clinic_keys_with(&self, clinic: ClinicId, version: u16) -> Result<Arc<ClinicKeys>> {
        let keys = self.clinic_keys(clinic).await?;
        if keys.version() >= version {
            return Ok(keys);
        }
        self.look_at_keys_again().await?;
        self.clinic_keys(clinic).await
    }

    async fn load(&self, clinic: ClinicId, subjects: &[SubjectId]) -> Result<Loaded> {
        self.load_with(None, clinic, subjects).await
    }

    /// `roots`: of who has them already, and holds them.
    async fn load_with(&self, roots: Option<&Roots>, clinic: ClinicId, subjects: &[SubjectId]) -> Result<Loaded> {
        let mut found = HashMap::with_capacity(subjects.len());
        for part in subjects.chunks(sql::SUBJECTS) {
            let list = part.iter().map(|subject| subject.bytes().into());
            let rows = self.readers.rows_in(sql::SUBJECT_KEYS, list, clinic.bytes().into()).await?;
            let mut newest = 0;
            for row in &rows {
                newest = newest.max(row::int(row, 3)?);
            }
            let keys = match roots {
                Some(roots) => {
                    let keys = self.clinic_keys_under(roots, clinic).await?;
                    if keys.version() < newest && self.is_shared() {
                        return Err(VaultError::OldKeys);
                    }
                    keys
                }
                None => self.clinic_keys_with(clinic, newest).await?,
            };
            for row in rows {
                let subject = SubjectId::from_bytes(row::bytes(&row, 0)?);
                let wrapped = row::maybe_blob(&row, 2)?;
                let (version, under) = (row::int(&row, 1)?, row::int(&row, 3)?);
                let key = wrapped.map(|wrapped| unwrapped(&keys, subject, version, (under, &wrapped))).transpose()?;
                found.insert(subject, key);
            }
        }
        Ok(found)
    }
}
