//! The keys of a clinic: one wrapped key in the vault, and from it one key per use, so that a hash made for one use
//! says nothing under another.

use super::crypto::{self, Key, Place, Purpose};
use super::entropy::draw;
use super::error::{Result, VaultError};
use super::writer::Statement;
use super::{Vault, row, sql};
use booking_domain::ids::ClinicId;
use booking_domain::time::Instant;
use booking_events::sealing::SubjectKey;
use std::fmt;
use std::sync::{Arc, PoisonError};

/// What a keyed hash is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyUse {
    /// Links to an appointment, in messages.
    Link,
    /// Looking up a contact or an identity without storing it.
    Lookup,
    /// Bodies of commands.
    Idempotency,
    /// Ids of imported things, from their external keys.
    Import,
    /// Challenges for work.
    Work,
    /// One-time codes, and the contacts that they go to.
    Code,
}

/// One clinic's keys, unwrapped. Wiped when dropped; the `Debug` shows nothing.
pub struct ClinicKeys {
    clinic: ClinicId,
    version: u16,
    link: Key,
    lookup: Key,
    idempotency: Key,
    import: Key,
    work: Key,
    code: Key,
    audit: SubjectKey,
    wrapping: Key,
}

impl ClinicKeys {
    fn new(clinic: ClinicId, version: u16, key: &[u8; 32]) -> Self {
        let derive = |label| crypto::derive(key, label);
        Self {
            clinic,
            version,
            link: derive("link"),
            lookup: derive("lookup"),
            idempotency: derive("idempotency"),
            import: derive("import"),
            work: derive("work"),
            code: derive("one-time code"),
            audit: SubjectKey::new(*derive("audit")),
            wrapping: derive("wrap subject keys"),
        }
    }

    /// The clinic.
    #[must_use]
    pub const fn clinic(&self) -> ClinicId {
        self.clinic
    }
    /// The version of the clinic's key; seals under [`ClinicKeys::audit`] carry it as their key version.
    #[must_use]
    pub const fn version(&self) -> u16 {
        self.version
    }
    /// HMAC-SHA-256 of these parts under the key of this use. Parts are told apart: `["ab", "c"]` is not `["a", "bc"]`.
    #[must_use]
    pub fn keyed_hash(&self, key_use: KeyUse, parts: &[&[u8]]) -> [u8; 32] {
        let key = match key_use {
            KeyUse::Link => &self.link,
            KeyUse::Lookup => &self.lookup,
            KeyUse::Idempotency => &self.idempotency,
            KeyUse::Import => &self.import,
            KeyUse::Work => &self.work,
            KeyUse::Code => &self.code,
        };
        crypto::keyed_hash(key, parts)
    }
    /// The first half of the keyed hash, marked as a UUID of version 8: an id that is found again from the same parts.
    #[must_use]
    pub fn keyed_id(&self, key_use: KeyUse, parts: &[&[u8]]) -> [u8; 16] {
        let [mut id, _] = halves(self.keyed_hash(key_use, parts));
        id[6] = id[6] & 0x0f | 0x80;
        id[8] = id[8] & 0x3f | 0x80;
        id
    }
    /// The key that seals who a staff member is. It is the clinic's, not a person's: no patient's erasure destroys it.
    #[must_use]
    pub const fn audit(&self) -> &SubjectKey {
        &self.audit
    }
    pub(super) fn wrapping(&self) -> &[u8; 32] {
        &self.wrapping
    }
}

impl fmt::Debug for ClinicKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[keys of {:?}]", self.clinic)
    }
}

fn halves(hash: [u8; 32]) -> [[u8; 16]; 2] {
    let mut halves = [[0; 16]; 2];
    for (to, from) in halves.iter_mut().flatten().zip(hash) {
        *to = from;
    }
    halves
}

/// The version of newly made clinic keys.
const VERSION: u16 = 1;

fn place(clinic: ClinicId, version: u16) -> Place {
    Place { purpose: Purpose::Clinic, clinic: clinic.bytes(), subject: [0; 16], version }
}

impl Vault {
    /// Makes the clinic's key. If the clinic has one already it stays and is answered: a broken registration is
    /// finished by running it again.
    pub async fn create_clinic(&self, clinic: ClinicId, now: Instant) -> Result<Arc<ClinicKeys>> {
        let key = Key::new(draw(&*self.entropy));
        let wrapped = crypto::wrap(self.root.bytes(), &place(clinic, VERSION), &key, &*self.entropy);
        let row = vec![clinic.bytes().into(), i64::from(VERSION).into(), wrapped.into(), now.0.into()];
        match self.writer.run(vec![Statement::Insert(&sql::INSERT_CLINIC_KEY, row)]).await {
            Ok(_) | Err(VaultError::Exists) => self.clinic_keys(clinic).await,
            Err(error) => Err(error),
        }
    }

    /// The clinic's keys, from memory after the first call.
    pub async fn clinic_keys(&self, clinic: ClinicId) -> Result<Arc<ClinicKeys>> {
        if let Some(keys) = self.clinics.read().unwrap_or_else(PoisonError::into_inner).get(&clinic) {
            return Ok(Arc::clone(keys));
        }
        let row = sqlx::query(sql::CLINIC_KEY).bind(clinic.bytes().to_vec()).fetch_optional(&self.readers).await?;
        let row = row.ok_or(VaultError::UnknownClinic(clinic))?;
        let version = row::int(&row, 0)?;
        let key = crypto::unwrap_or_damaged(self.root.bytes(), &place(clinic, version), &row::blob(&row, 1)?)?;
        let keys = Arc::new(ClinicKeys::new(clinic, version, &key));
        self.clinics.write().unwrap_or_else(PoisonError::into_inner).insert(clinic, Arc::clone(&keys));
        Ok(keys)
    }
}
