//! Subject keys: one per person per clinic. What is sealed under a destroyed key is gone, in every copy of the log.

use super::crypto::{self, Key, Place, Purpose};
use super::entropy::draw;
use super::error::{Result, VaultError};
use super::keys::ClinicKeys;
use super::writer::{Statement, Value};
use super::{Vault, row, sql};
use booking_domain::ids::{ClinicId, SubjectId, VisitId};
use booking_domain::time::Instant;
use booking_events::sealing::SubjectKey;
use sqlx::AssertSqlSafe;
use std::collections::HashMap;
use std::sync::Arc;

/// The key version that stands in seals under a subject's key.
pub const SUBJECT_KEY_VERSION: u16 = 1;

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
            let epoch = self.subjects.epoch();
            // Another caller may make some of them at the same moment: then look again.
            for attempt in 0.. {
                // Held until the rows are written: no rotation ends in between.
                let roots = self.roots.read().await;
                let clinic_keys = self.clinic_keys_under(&roots, clinic).await?;
                let known = self.load(clinic, part).await?;
                let mut values = Vec::with_capacity(7 * part.len());
                let mut made = HashMap::new();
                for subject in part {
                    if !known.contains_key(subject) && !made.contains_key(subject) {
                        let (key, row) = new_key(self, &clinic_keys, *subject, None, now);
                        values.extend(row);
                        made.insert(*subject, key);
                    }
                }
                if !made.is_empty() {
                    match self.writer.run(vec![Statement::Insert(&sql::INSERT_SUBJECT_KEY, values)]).await {
                        Err(VaultError::Exists) if attempt < 3 => continue,
                        written => drop(written?),
                    }
                }
                for (subject, key) in &made {
                    self.subjects.put(epoch, (clinic, *subject), Arc::clone(key));
                }
                all.extend(made);
                all.extend(known.into_iter().filter_map(|(subject, key)| Some((subject, key?))));
                break;
            }
        }
        Ok(all)
    }

    /// The subject's key; `None` if it was destroyed or never made: what it sealed reads as erased.
    pub async fn subject_key(&self, clinic: ClinicId, subject: SubjectId) -> Result<Option<Arc<SubjectKey>>> {
        if let Some(key) = self.subjects.get(&(clinic, subject)) {
            return Ok(Some(key));
        }
        let epoch = self.subjects.epoch();
        let query = sqlx::query(sql::SUBJECT_KEY).bind(subject.bytes().to_vec()).bind(clinic.bytes().to_vec());
        let Some(row) = query.fetch_optional(&self.readers).await? else { return Ok(None) };
        let clinic_keys = self.clinic_keys(clinic).await?;
        let wrapped = (row::int(&row, 2)?, &*row::blob(&row, 1)?);
        let key = unwrapped(&clinic_keys, subject, row::int(&row, 0)?, wrapped)?;
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
        self.writer.run(vec![Statement::MustChange(sql::KEEP_SUBJECT, values)]).await.map(drop)
    }

    /// As [`Vault::keep_subject`], without waiting: a booking costs no second commit. What a crash loses is made good
    /// by [`Vault::purge_visits`], which asks for each key whether its subject booked.
    pub fn keep_subject_behind(&self, clinic: ClinicId, subject: SubjectId) {
        let values = vec![subject.bytes().into(), clinic.bytes().into()];
        self.writer.run_behind(vec![Statement::Change(sql::KEEP_SUBJECT, values)]);
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
                statements.push(Statement::Change(sql::DESTROY_VISITS_OF, ids(subject)));
                statements.push(Statement::Change(sql::FORGET_CONTACT_QUOTAS, ids(subject)));
                let mut values = ids(subject);
                values.push(now.0.into());
                statements.push(Statement::Change(sql::DESTROY_SUBJECT, values));
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

    /// Rows of the table: `None` for a destroyed key, nothing for a subject without a row.
    async fn load(
        &self,
        clinic: ClinicId,
        subjects: &[SubjectId],
    ) -> Result<HashMap<SubjectId, Option<Arc<SubjectKey>>>> {
        let mut found = HashMap::with_capacity(subjects.len());
        for part in subjects.chunks(sql::SUBJECTS) {
            let text = AssertSqlSafe(sql::subject_keys(part.len()));
            let query = sqlx::query(text).persistent(part.len() == sql::SUBJECTS).bind(clinic.bytes().to_vec());
            let query = part.iter().fold(query, |query, subject| query.bind(subject.bytes().to_vec()));
            let rows = query.fetch_all(&self.readers).await?;
            let keys = self.clinic_keys(clinic).await?;
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
