//! Which quota stream a contact has (8.4): a keyed hash of the contact leads to a random id, here and nowhere else, so
//! that it can be forgotten. The log knows the stream, and not whose it is.
//!
//! A row for each person who booked with the contact. The contact is forgotten when nothing of it is ahead any more, or
//! when everybody who booked with it was erased.

use super::error::Result;
use super::writer::Statement;
use super::{Vault, draw, row, sql};
use booking_domain::ids::{ClinicId, SubjectId};
use booking_domain::time::Instant;

impl Vault {
    /// The quota streams of contacts, by their keyed hashes; those that never booked have none.
    pub async fn contact_quotas(&self, contacts: &[[u8; 32]]) -> Result<Vec<SubjectId>> {
        let mut quotas = Vec::with_capacity(contacts.len());
        for contact in contacts {
            let found = self.readers.row(&sql::CONTACT_QUOTA, [(*contact).into()]).await?;
            if let Some(found) = found {
                quotas.push(SubjectId::from_bytes(row::bytes(&found, 0)?));
            }
        }
        Ok(quotas)
    }

    /// The same where a person is about to book with these contacts: each has one from now on, and is known at least
    /// until then.
    pub async fn take_contact_quotas(
        &self,
        clinic: ClinicId,
        subject: SubjectId,
        contacts: &[[u8; 32]],
        until: Instant,
    ) -> Result<Vec<SubjectId>> {
        let take = |contact: &[u8; 32]| {
            let fresh: [u8; 16] = draw(&*self.entropy);
            let values =
                vec![(*contact).into(), subject.bytes().into(), clinic.bytes().into(), fresh.into(), until.0.into()];
            Statement::Change(&sql::TAKE_CONTACT_QUOTA, values)
        };
        self.writer.run(contacts.iter().map(take).collect()).await?;
        self.contact_quotas(contacts).await
    }

    /// Forgets contacts of which nothing is ahead any more.
    pub async fn purge_contact_quotas(&self, now: Instant) -> Result<()> {
        self.writer.run(vec![Statement::Change(&sql::PURGE_CONTACT_QUOTAS, vec![now.0.into()])]).await.map(drop)
    }
}
