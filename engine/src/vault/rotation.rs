//! Replacing keys while everything goes on: the root key, and a clinic's key. No event is touched.
//!
//! Nothing that is in use depends on how far a rotation is: whoever opens a row tries the keys that are good now, and
//! whatever is made meanwhile is made under the new key. Rows are wrapped again a few hundred at a time, so that nobody
//! waits longer for the writer than for a few commits.
//!
//! What a crash at each step leaves:
//! - before the rotation begins: a file `root.key.next` that nothing depends on;
//! - begun: rows under the old key and rows under the new one, and both keys. The next start goes on
//!   ([`Vault::finish_rotations`]);
//! - all rows are wrapped again, the old file is there: the same, with nothing left to wrap;
//! - the new file took the old one's place: done.

use super::crypto::{self, Place, Purpose};
use super::database::Row;
use super::error::{Result, VaultError};
use super::roots::Roots;
use super::writer::Statement;
use super::{Vault, keys, row, sql, subjects};
use booking_domain::ids::{ClinicId, SubjectId};
use booking_domain::time::Instant;
use std::path::PathBuf;
use std::sync::PoisonError;

/// Clinics' keys in one write.
const CLINICS: usize = 100;
/// Keys of people in one write: what a booking may have to wait for.
const SUBJECTS: usize = 200;

/// A durable step of a rotation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// What is wrapped from now on is wrapped under the new key.
    Begun,
    /// Some more rows are under the new key.
    Rewrapped,
    /// Every row is, and no copy of an old one is left in the files.
    Scrubbed,
    /// The old key is not needed any more.
    Ended,
}

/// The keys of a clinic, as far as somebody may know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyStatus {
    /// The clinic.
    pub clinic: ClinicId,
    /// The newest version of its key.
    pub version: u16,
    /// When that was made.
    pub since: Instant,
    /// A rotation is under way: keys of people are still wrapped under an older version.
    pub rotating: bool,
}

pub(super) const VAULT_PLACE: Place = Place { purpose: Purpose::Vault, clinic: [0; 16], subject: [0; 16], version: 1 };

impl Vault {
    /// Makes the next root key beside the present one, unless it is there, and answers where. Nothing depends on it yet:
    /// it is to be copied to a safe place, and then [`Vault::rotate_root`] takes it into use.
    pub async fn prepare_root(&self) -> Result<PathBuf> {
        let mut roots = self.roots.write().await;
        roots.prepare(&*self.entropy)?.ok_or(VaultError::NoRootKeyFile)
    }

    /// Takes the next root key into use: everything that the old one wrapped is wrapped under it, and its file takes the
    /// old one's place. Answers how many keys of clinics that were. Called again after a crash, it goes on.
    pub async fn rotate_root(&self) -> Result<usize> {
        let _alone = self.rotating.lock().await;
        self.look_at_keys_again().await?;
        self.rotate_root_in_steps(|_| ()).await
    }

    pub(super) async fn rotate_root_in_steps(&self, mut after: impl FnMut(Step) + Send) -> Result<usize> {
        {
            // Whoever wraps under the old key has written it when this lock is had.
            let mut roots = self.roots.write().await;
            if !roots.look_for_next()? {
                return Err(VaultError::NoNextRootKey);
            }
            if !roots.has_begun() {
                let wrapped = self.rewrap_vault_key(&roots).await?;
                roots.begin();
                roots.prove(wrapped)?;
            }
        }
        after(Step::Begun);
        let roots = self.roots.read().await.clone();
        let mut wrapped = 0;
        // A second time, since a row that is there already may have been written while the first ran.
        loop {
            let now = self.rewrap_clinic_keys(&roots, &mut after).await?;
            wrapped += now;
            if now == 0 {
                break;
            }
        }
        self.writer.run_and_scrub(Vec::new()).await?;
        after(Step::Scrubbed);
        self.roots.write().await.end()?;
        after(Step::Ended);
        Ok(wrapped)
    }

    async fn rewrap_vault_key(&self, roots: &Roots) -> Result<Vec<u8>> {
        let next = roots.next().ok_or(VaultError::NoNextRootKey)?;
        let old = row::blob(&self.readers.row(&sql::VAULT_KEY, []).await?.ok_or(VaultError::WrongRootKey)?, 0)?;
        let key = roots.unwrap(&VAULT_PLACE, &old).ok_or(VaultError::WrongRootKey)?;
        let new = crypto::wrap(next.bytes(), &VAULT_PLACE, &key, &*self.entropy);
        let values = vec![new.clone().into(), old.into()];
        self.writer.run(vec![Statement::MustChange(&sql::REWRAP_VAULT_KEY, values)]).await?;
        Ok(new)
    }

    async fn rewrap_clinic_keys(&self, roots: &Roots, after: &mut (impl FnMut(Step) + Send)) -> Result<usize> {
        let new = roots.newest().bytes();
        let (mut clinic, mut version, mut wrapped) = (ClinicId::from_bytes([0; 16]), 0_u16, 0);
        loop {
            let asked = [clinic.bytes().into(), i64::from(version).into(), limit(CLINICS).into()];
            let rows = self.readers.rows(&sql::ALL_CLINIC_KEYS, asked).await?;
            let mut statements = Vec::new();
            for row in &rows {
                (clinic, version) = (ClinicId::from_bytes(row::bytes(row, 0)?), row::int(row, 1)?);
                let (place, old) = (keys::place(clinic, version), row::blob(row, 2)?);
                if crypto::unwrap(new, &place, &old).is_some() {
                    continue;
                }
                let key = roots.unwrap(&place, &old).ok_or(VaultError::Damaged("a clinic's key does not open"))?;
                let again = crypto::wrap(new, &place, &key, &*self.entropy);
                let values = vec![clinic.bytes().into(), i64::from(version).into(), again.into(), old.into()];
                statements.push(Statement::Change(&sql::REWRAP_CLINIC_KEY, values));
            }
            if !statements.is_empty() {
                wrapped += statements.len();
                self.writer.run(statements).await?;
                after(Step::Rewrapped);
            }
            if rows.len() < CLINICS {
                return Ok(wrapped);
            }
        }
    }

    /// Gives a clinic a new key: the keys of its people are wrapped under it, and staff identities are sealed under it
    /// from now on. Answers how many keys were wrapped again. A rotation that was broken off is finished first, and no
    /// further one begins.
    pub async fn rotate_clinic(&self, clinic: ClinicId, now: Instant) -> Result<usize> {
        let _alone = self.rotating.lock().await;
        self.look_at_keys_again().await?;
        self.rotate_clinic_in_steps(clinic, now, |_| ()).await
    }

    pub(super) async fn rotate_clinic_in_steps(
        &self,
        clinic: ClinicId,
        now: Instant,
        mut after: impl FnMut(Step) + Send,
    ) -> Result<usize> {
        {
            // Whoever wraps under the old version has written it when this lock is had.
            let roots = self.roots.write().await;
            let known = self.load_clinic_keys(&roots, clinic).await?.version();
            if !self.unfinished().await?.contains(&(clinic, known)) {
                let version = known.checked_add(1).ok_or(VaultError::Damaged("a clinic has too many keys"))?;
                self.insert_clinic_key(&roots, (clinic, version), (now, None)).await?;
                self.load_clinic_keys(&roots, clinic).await?;
            }
        }
        after(Step::Begun);
        let wrapped = self.rewrap_subjects(clinic, &mut after).await?;
        self.writer.run_and_scrub(Vec::new()).await?;
        after(Step::Scrubbed);
        let version = self.clinic_keys(clinic).await?.version();
        let values = vec![clinic.bytes().into(), i64::from(version).into(), now.0.into()];
        self.writer.run(vec![Statement::MustChange(&sql::FINISH_ROTATION, values)]).await?;
        after(Step::Ended);
        Ok(wrapped)
    }

    async fn rewrap_subjects(&self, clinic: ClinicId, after: &mut (impl FnMut(Step) + Send)) -> Result<usize> {
        let keys = self.clinic_keys(clinic).await?;
        let (newest, by) = keys.wrapping();
        let (mut last, mut wrapped) = (SubjectId::from_bytes([0; 16]), 0);
        loop {
            let asked = [clinic.bytes().into(), last.bytes().into(), i64::from(newest).into(), limit(SUBJECTS).into()];
            let rows = self.readers.rows(&sql::WRAPPED_BEFORE, asked).await?;
            let mut statements = Vec::with_capacity(rows.len());
            for row in &rows {
                last = SubjectId::from_bytes(row::bytes(row, 0)?);
                let (version, under, old) = (row::int(row, 1)?, row::int(row, 2)?, row::blob(row, 3)?);
                let before = keys.wrapping_of(under).ok_or(VaultError::Damaged("a key is wrapped under no version"))?;
                let place = subjects::place(clinic, last, version);
                let key = crypto::unwrap_or_damaged(before, &place, &old)?;
                let again = crypto::wrap(by, &place, &key, &*self.entropy);
                let (subject, clinic) = (last.bytes().into(), clinic.bytes().into());
                let values = vec![subject, clinic, again.into(), i64::from(newest).into(), old.into()];
                statements.push(Statement::Change(&sql::REWRAP_SUBJECT, values));
            }
            if statements.is_empty() {
                return Ok(wrapped);
            }
            wrapped += statements.len();
            self.writer.run(statements).await?;
            after(Step::Rewrapped);
        }
    }

    /// Goes on with what a crash broke off. Answers whether there was anything. Where a rotation is under way in this
    /// process there is nothing to finish.
    pub async fn finish_rotations(&self, now: Instant) -> Result<bool> {
        let Ok(_alone) = self.rotating.try_lock() else { return Ok(false) };
        self.look_at_keys_again().await?;
        let root = self.roots.read().await.has_begun();
        if root {
            self.rotate_root_in_steps(|_| ()).await?;
        }
        let clinics = self.unfinished().await?;
        for (clinic, _) in &clinics {
            self.rotate_clinic_in_steps(*clinic, now, |_| ()).await?;
        }
        Ok(root || !clinics.is_empty())
    }

    /// Another node may have replaced a key: nothing that is remembered of them holds any more.
    pub(super) async fn look_at_keys_again(&self) -> Result<()> {
        if self.readers.shared() {
            let mut roots = self.roots.write().await;
            let row = self.readers.row(&sql::VAULT_KEY, []).await?.ok_or(VaultError::WrongRootKey)?;
            roots.prove_again(row::blob(&row, 0)?)?;
            self.clinics.write().unwrap_or_else(PoisonError::into_inner).clear();
        }
        Ok(())
    }

    async fn unfinished(&self) -> Result<Vec<(ClinicId, u16)>> {
        let rows = self.readers.rows(&sql::UNFINISHED, []).await?;
        rows.iter().map(|row| Ok((ClinicId::from_bytes(row::bytes(row, 0)?), row::int(row, 1)?))).collect()
    }

    /// The clinics' keys, without the keys.
    pub async fn key_status(&self) -> Result<Vec<KeyStatus>> {
        let rows = self.readers.rows(&sql::KEY_STATUS, []).await?;
        let read = |row: &Row| {
            Ok(KeyStatus {
                clinic: ClinicId::from_bytes(row::bytes(row, 0)?),
                version: row::int(row, 1)?,
                since: row::instant(row, 2)?,
                rotating: row::maybe_instant(row, 3)?.is_none(),
            })
        };
        rows.iter().map(read).collect()
    }
}

fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "rotation_tests.rs"]
mod tests;
