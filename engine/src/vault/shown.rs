//! Messages of the demo: what would have been sent, sealed under the person's key like everything else about a person.

use super::error::{Result, VaultError};
use super::outbox::{decoded, encoded};
use super::writer::Statement;
use super::{Vault, draw, row, sql};
use booking_domain::ids::{ClinicId, SubjectId};
use booking_domain::phi::Phi;
use booking_domain::time::Instant;
use booking_events::sealing::{Field, open, seal};

/// The layout of what is sealed.
const SCHEMA: u16 = 2;
/// Messages that are kept for each clinic.
const KEPT: i64 = 200;

/// A message as the demo shows it.
#[derive(Clone, Debug)]
pub struct ShownMessage {
    /// Its id.
    pub id: [u8; 16],
    /// What it said, as it was kept.
    pub content: Phi<Vec<u8>>,
    /// When it would have been sent.
    pub sent_at: Instant,
}

impl Vault {
    /// Keeps a message to be shown. The same id again changes nothing; the oldest go.
    pub async fn show_message(
        &self,
        clinic: ClinicId,
        subject: SubjectId,
        id: [u8; 16],
        content: &Phi<Vec<u8>>,
        now: Instant,
    ) -> Result<()> {
        let key = self.subject_key(clinic, subject).await?.ok_or(VaultError::Gone)?;
        let (seal_id, nonce) = (draw(&*self.entropy), draw(&*self.entropy));
        let version = super::SUBJECT_KEY_VERSION;
        let sealed = seal(&key, clinic, subject, Field::Message, SCHEMA, version, seal_id, nonce, content.expose());
        let row =
            vec![id.into(), clinic.bytes().into(), subject.bytes().into(), encoded(&sealed)?.into(), now.0.into()];
        let keep = vec![clinic.bytes().into(), KEPT.into()];
        let statements = vec![Statement::Insert(&sql::INSERT_SHOWN, row), Statement::Change(&sql::KEEP_SHOWN, keep)];
        match self.writer.run(statements).await {
            Ok(_) | Err(VaultError::Exists) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The newest messages of a clinic; those whose person was erased, or whose visit is over, are left out.
    pub async fn shown_messages(&self, clinic: ClinicId, limit: u32) -> Result<Vec<ShownMessage>> {
        let mut shown = Vec::new();
        for row in self.readers.rows(&sql::SHOWN, [clinic.bytes().into(), i64::from(limit).into()]).await? {
            let subject = SubjectId::from_bytes(row::bytes(&row, 1)?);
            let Some(key) = self.subject_key(clinic, subject).await? else { continue };
            let sealed = decoded(&row::blob(&row, 2)?)?;
            let plain = open(&key, clinic, subject, Field::Message, &sealed)
                .map_err(|_| VaultError::Damaged("a sealed message does not open"))?;
            let (id, sent_at) = (row::bytes(&row, 0)?, row::instant(&row, 3)?);
            shown.push(ShownMessage { id, content: Phi::new(plain.to_vec()), sent_at });
        }
        Ok(shown)
    }
}
