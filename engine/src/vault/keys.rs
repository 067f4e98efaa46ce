//! The keys of a clinic: one wrapped key for each version in the vault, and from it one key per use, so that a hash made
//! for one use says nothing under another.
//!
//! The newest version wraps the keys of people and seals who staff members are. Older versions open what they sealed in
//! the log, which is never written again. Hashes and ids that are compared with earlier ones (links in patients' hands,
//! ids of imported things, bodies of commands) follow from the first version for ever.

use super::crypto::{self, Key, Place, Purpose};
use super::entropy::draw;
use super::error::{Result, VaultError};
use super::roots::Roots;
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
    link: Key,
    lookup: Key,
    idempotency: Key,
    import: Key,
    work: Key,
    code: Key,
    /// Of each version, from the first on.
    older: Vec<VersionKeys>,
    newest: VersionKeys,
}

/// What a version of the clinic's key is for.
struct VersionKeys {
    version: u16,
    audit: SubjectKey,
    wrapping: Key,
}

impl VersionKeys {
    fn new(version: u16, key: &[u8; 32]) -> Self {
        let audit = SubjectKey::new(*crypto::derive(key, "audit"));
        Self { version, audit, wrapping: crypto::derive(key, "wrap subject keys") }
    }
}

impl ClinicKeys {
    /// From every version, the first one first; none if there is none.
    fn new(clinic: ClinicId, versions: &[(u16, Key)]) -> Option<Self> {
        let (_, first) = versions.first()?;
        let mut older: Vec<_> = versions.iter().map(|(version, key)| VersionKeys::new(*version, key)).collect();
        let newest = older.pop()?;
        let derive = |label| crypto::derive(first, label);
        Some(Self {
            clinic,
            link: derive("link"),
            lookup: derive("lookup"),
            idempotency: derive("idempotency"),
            import: derive("import"),
            work: derive("work"),
            code: derive("one-time code"),
            older,
            newest,
        })
    }

    fn of(&self, version: u16) -> Option<&VersionKeys> {
        self.older.iter().chain([&self.newest]).find(|keys| keys.version == version)
    }

    /// The clinic.
    #[must_use]
    pub const fn clinic(&self) -> ClinicId {
        self.clinic
    }
    /// The newest version of the clinic's key; seals under [`ClinicKeys::audit`] carry it as their key version.
    #[must_use]
    pub const fn version(&self) -> u16 {
        self.newest.version
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
        &self.newest.audit
    }
    /// The audit key of a version, to open what was sealed under it; none if there is no such version.
    #[must_use]
    pub fn audit_of(&self, version: u16) -> Option<&SubjectKey> {
        self.of(version).map(|keys| &keys.audit)
    }
    /// The newest version, and the key that wraps people's keys under it.
    pub(super) fn wrapping(&self) -> (u16, &[u8; 32]) {
        (self.newest.version, &self.newest.wrapping)
    }
    /// The key that wrapped people's keys under this version.
    pub(super) fn wrapping_of(&self, version: u16) -> Option<&[u8; 32]> {
        self.of(version).map(|keys| &*keys.wrapping)
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

/// How often the keys are looked at again, where another node replaces them at the same moment.
pub(super) const TRIES: usize = 3;

/// The version of the keys that a clinic begins with.
const FIRST: u16 = 1;

pub(super) fn place(clinic: ClinicId, version: u16) -> Place {
    Place { purpose: Purpose::Clinic, clinic: clinic.bytes(), subject: [0; 16], version }
}

impl Vault {
    /// Makes the clinic's key. If the clinic has one already it stays and is answered: a broken registration is
    /// finished by running it again.
    pub async fn create_clinic(&self, clinic: ClinicId, now: Instant) -> Result<Arc<ClinicKeys>> {
        for attempt in 0.. {
            // Held until the row is written: no rotation ends in between.
            let roots = self.roots.read().await;
            match self.insert_clinic_key(&roots, (clinic, FIRST), (now, Some(now))).await {
                Err(VaultError::OldKeys) if attempt < TRIES => drop(roots),
                Ok(()) | Err(VaultError::Exists) => {
                    drop(roots);
                    return self.clinic_keys(clinic).await;
                }
                Err(error) => return Err(error),
            }
            self.look_at_keys_again().await?;
        }
        Err(VaultError::OldKeys)
    }

    /// Makes a key of this version; [`VaultError::OldKeys`] if another root key came into use. `rewrapped`: since when it alone wraps the keys of the clinic's people.
    pub(super) async fn insert_clinic_key(
        &self,
        roots: &Roots,
        (clinic, version): (ClinicId, u16),
        (now, rewrapped): (Instant, Option<Instant>),
    ) -> Result<()> {
        let key = Key::new(draw(&*self.entropy));
        let wrapped = crypto::wrap(roots.newest().bytes(), &place(clinic, version), &key, &*self.entropy);
        let row = vec![
            clinic.bytes().into(),
            i64::from(version).into(),
            wrapped.into(),
            now.0.into(),
            rewrapped.map(|at| at.0).into(),
        ];
        let under = Statement::MustChange(&sql::SAME_VAULT_KEY, vec![roots.proof().into()]);
        match self.writer.run(vec![under, Statement::Insert(&sql::INSERT_CLINIC_KEY, row)]).await {
            Err(VaultError::Gone) => Err(VaultError::OldKeys),
            outcome => outcome.map(drop),
        }
    }

    /// The clinic's keys, from memory after the first call; on a server for a few seconds.
    pub async fn clinic_keys(&self, clinic: ClinicId) -> Result<Arc<ClinicKeys>> {
        if let Some(keys) = self.known_clinic_keys(clinic) {
            return Ok(keys);
        }
        for _ in 0..TRIES {
            let found = {
                let roots = self.roots.read().await;
                self.clinic_keys_under(&roots, clinic).await
            };
            match found {
                Err(VaultError::OldKeys) => self.look_at_keys_again().await?,
                outcome => return outcome,
            }
        }
        Err(VaultError::OldKeys)
    }

    /// As [`Vault::clinic_keys`], for who has the root keys already.
    pub(super) async fn clinic_keys_under(&self, roots: &Roots, clinic: ClinicId) -> Result<Arc<ClinicKeys>> {
        match self.known_clinic_keys(clinic) {
            Some(keys) => Ok(keys),
            None => self.load_clinic_keys(roots, clinic).await,
        }
    }

    /// Reads the clinic's keys into memory, also where an older version of them is there.
    pub(super) async fn load_clinic_keys(&self, roots: &Roots, clinic: ClinicId) -> Result<Arc<ClinicKeys>> {
        let mut versions = Vec::new();
        for row in self.readers.rows(&sql::CLINIC_KEYS, [clinic.bytes().into()]).await? {
            let version = row::int(&row, 0)?;
            let key = roots.unwrap(&place(clinic, version), &row::blob(&row, 1)?);
            // Another node may have replaced the root key a moment ago.
            let shared = self.readers.shared();
            let unknown =
                if shared { VaultError::OldKeys } else { VaultError::Damaged("a clinic's key does not open") };
            versions.push((version, key.ok_or(unknown)?));
        }
        let keys = Arc::new(ClinicKeys::new(clinic, &versions).ok_or(VaultError::UnknownClinic(clinic))?);
        self.clinics
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(clinic, (Arc::clone(&keys), tokio::time::Instant::now()));
        Ok(keys)
    }

    fn known_clinic_keys(&self, clinic: ClinicId) -> Option<Arc<ClinicKeys>> {
        let clinics = self.clinics.read().unwrap_or_else(PoisonError::into_inner);
        let (keys, read_at) = clinics.get(&clinic)?;
        (read_at.elapsed() <= self.clinic_keys_last).then(|| Arc::clone(keys))
    }
}
