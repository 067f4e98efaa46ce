//! Sealing and opening with the vault's keys: the one place where personal data turns into sealed bytes and back.

use crate::Engine;
use crate::vault::{VaultError, draw};
use booking_domain::ids::{ClinicId, MemberId, SubjectId};
use booking_domain::person::Profile;
use booking_domain::sealed::Sealed;
use booking_events::sealed_forms::{DeathDate, Note, Plaintext, Reason, StaffIdentity};
use booking_events::sealing::{self, Field};

/// The version of subject keys that seals are made with.
const KEY_VERSION: u16 = 1;

/// What may be sealed under a person's key, each as one kind of field.
pub trait Personal: Plaintext {
    /// The field that the seal is bound to.
    const FIELD: Field;
}

impl Personal for Profile {
    const FIELD: Field = Field::Profile;
}
impl Personal for Reason {
    const FIELD: Field = Field::Reason;
}
impl Personal for Note {
    const FIELD: Field = Field::Note;
}
impl Personal for DeathDate {
    const FIELD: Field = Field::DeathDate;
}

impl Engine {
    /// Seals a value under a person's key; [`VaultError::Gone`] if that was destroyed.
    pub async fn seal<P: Personal>(
        &self,
        clinic: ClinicId,
        subject: SubjectId,
        value: &P,
    ) -> Result<Sealed, VaultError> {
        let key = self.vault.subject_key(clinic, subject).await?.ok_or(VaultError::Gone)?;
        let (seal_id, nonce) = (draw(&*self.entropy), draw(&*self.entropy));
        let plaintext = value.to_plaintext();
        Ok(sealing::seal(&key, clinic, subject, P::FIELD, P::SCHEMA, KEY_VERSION, seal_id, nonce, &plaintext))
    }

    /// Opens a value; none if the key was destroyed: erased is a value, not an error.
    ///
    /// Whoever shows it to somebody answers for the record of that: the edge opens through a guard that makes it.
    pub async fn open<P: Personal>(
        &self,
        clinic: ClinicId,
        subject: SubjectId,
        sealed: &Sealed,
    ) -> Result<Option<P>, VaultError> {
        self.unseal(clinic, subject, sealed).await
    }

    /// The same for the engine's own decisions, which show nobody anything.
    pub(crate) async fn unseal<P: Personal>(
        &self,
        clinic: ClinicId,
        subject: SubjectId,
        sealed: &Sealed,
    ) -> Result<Option<P>, VaultError> {
        let Some(key) = self.vault.subject_key(clinic, subject).await? else { return Ok(None) };
        let opened = sealing::open(&key, clinic, subject, P::FIELD, sealed);
        opened
            .ok()
            .and_then(|bytes| P::from_plaintext(sealed.schema, &bytes).ok())
            .map(Some)
            .ok_or(VaultError::Damaged("sealed data does not open under its subject's key"))
    }

    /// Seals who a staff member is, under the clinic's audit key, which no patient's erasure destroys.
    pub async fn seal_staff(
        &self,
        clinic: ClinicId,
        member: MemberId,
        identity: &StaffIdentity,
    ) -> Result<Sealed, VaultError> {
        let keys = self.vault.clinic_keys(clinic).await?;
        let (seal_id, nonce) = (draw(&*self.entropy), draw(&*self.entropy));
        let (field, version, schema) = (Field::StaffIdentity, keys.version(), StaffIdentity::SCHEMA);
        let plaintext = identity.to_plaintext();
        let subject = SubjectId(member.0);
        Ok(sealing::seal(keys.audit(), clinic, subject, field, schema, version, seal_id, nonce, &plaintext))
    }

    /// Opens who a staff member is.
    pub async fn open_staff(
        &self,
        clinic: ClinicId,
        member: MemberId,
        sealed: &Sealed,
    ) -> Result<Option<StaffIdentity>, VaultError> {
        let keys = self.vault.clinic_keys(clinic).await?;
        let key = keys.audit_of(sealed.key_version);
        let opened = key.map(|key| sealing::open(key, clinic, SubjectId(member.0), Field::StaffIdentity, sealed));
        Ok(opened.and_then(Result::ok).and_then(|bytes| StaffIdentity::from_plaintext(sealed.schema, &bytes).ok()))
    }
}
