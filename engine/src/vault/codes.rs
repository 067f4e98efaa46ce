//! One-time codes (8.7): six digits to the contact that was typed. Here is only their keyed hash.
//!
//! A try is written before it is compared, so that no crash and no race gives one away for free. What is done does not
//! depend on whether anybody was recognized: neither question nor row knows.

use super::error::{Result, VaultError};
use super::keys::KeyUse;
use super::outbox::{MessageChannel, NewCode};
use super::token::same;
use super::value::Value;
use super::writer::Statement;
use super::{Vault, Visit, draw, row, sql};
use booking_domain::time::Instant;
use booking_domain::values::Proof;

/// How long a code is good for.
pub const CODE_MINUTES: i64 = 10;
/// How often a code may be tried.
pub const CODE_TRIES: i64 = 5;
/// Codes that one contact gets within an hour, from one clinic.
const CODES_AN_HOUR: i64 = 5;
/// Codes are the remainder of 64 random bits: the bias is one in ten billions.
const CODES: u64 = 1_000_000;

/// Whether a code was put on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SentCode {
    /// It is in the outbox; good until then.
    Queued(Instant),
    /// The contact had its share for now.
    EnoughForNow,
}

/// What became of a code that came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Redeemed {
    /// It was right: what the visit has proven now.
    Proven(Proof),
    /// It was wrong; another try may be left.
    Wrong,
    /// No code of this visit is open: none was sent, or it is used, too old, or was tried too often.
    Over,
}

impl Vault {
    /// Draws a code for a visit, remembers its keyed hash and queues its message, as one. Earlier codes of the visit
    /// end. `contact` is the typed contact as it is compared; `content` makes the message of the six digits.
    pub async fn send_code(
        &self,
        visit: &Visit,
        channel: MessageChannel,
        contact: &str,
        now: Instant,
        content: impl FnOnce(&str) -> booking_domain::phi::Phi<Vec<u8>> + Send,
    ) -> Result<SentCode> {
        let keys = self.clinic_keys(visit.clinic).await?;
        let digits = format!("{:06}", u64::from_be_bytes(draw(&*self.entropy)) % CODES);
        let expires_at = now.plus_minutes(CODE_MINUTES);
        let contact_hash = keys.keyed_hash(KeyUse::Code, &[b"contact", channel.name().as_bytes(), contact.as_bytes()]);
        let id: [u8; 16] = draw(&*self.entropy);
        let code_row = vec![
            id.into(),
            visit.clinic.bytes().into(),
            visit.id.bytes().into(),
            contact_hash.into(),
            keys.keyed_hash(KeyUse::Code, &[b"code", &visit.id.bytes(), digits.as_bytes()]).into(),
            (channel as i64).into(),
            now.0.into(),
            expires_at.0.into(),
            now.plus_minutes(-60).0.into(),
            CODES_AN_HOUR.into(),
        ];
        let (clinic, subject) = (visit.clinic, visit.subject);
        let content = content(&digits);
        let message =
            self.code_message(&NewCode { clinic, subject, channel, content, created_at: now, expires_at }).await?;
        let outcome = self
            .writer
            .run(vec![
                Statement::Change(&sql::END_CODES, vec![visit.id.bytes().into(), now.0.into()]),
                Statement::MustChange(&sql::SEND_CODE, code_row),
                Statement::Insert(&sql::INSERT_CODE_MESSAGE, message),
            ])
            .await;
        match outcome {
            Ok(_) => {
                self.ring();
                Ok(SentCode::Queued(expires_at))
            }
            Err(VaultError::Gone) => Ok(SentCode::EnoughForNow),
            Err(error) => Err(error),
        }
    }

    /// Takes a code that came back. Right: it is used, and the visit has proven its contact, in one write.
    pub async fn redeem_code(&self, visit: &Visit, digits: &str, now: Instant) -> Result<Redeemed> {
        let keys = self.clinic_keys(visit.clinic).await?;
        let tried = vec![visit.id.bytes().into(), now.0.into(), CODE_TRIES.into()];
        match self.writer.run(vec![Statement::MustChange(&sql::TRY_CODE, tried)]).await {
            Ok(_) => {}
            Err(VaultError::Gone) => return Ok(Redeemed::Over),
            Err(error) => return Err(error),
        }
        let found = self.readers.row(&sql::OPEN_CODE, [visit.id.bytes().into(), now.0.into()]).await?;
        let Some(row) = found else { return Ok(Redeemed::Over) };
        let (id, expected): ([u8; 16], [u8; 32]) = (row::bytes(&row, 0)?, row::bytes(&row, 1)?);
        let channel = MessageChannel::read(row::int(&row, 2)?)?;
        if !same(&expected, &keys.keyed_hash(KeyUse::Code, &[b"code", &visit.id.bytes(), digits.as_bytes()])) {
            return Ok(Redeemed::Wrong);
        }
        let bit = match channel {
            MessageChannel::Email => Proof::Email.code(),
            MessageChannel::Sms => Proof::Phone.code(),
        };
        let used: Vec<Value> = vec![id.into(), now.0.into()];
        let proven = vec![visit.id.bytes().into(), i64::from(bit).into()];
        let statements =
            vec![Statement::MustChange(&sql::USE_CODE, used), Statement::MustChange(&sql::PROVE_CONTACT, proven)];
        match self.writer.run(statements).await {
            Ok(_) => {}
            // The same code came twice at once, and the other was faster.
            Err(VaultError::Gone) => return Ok(Redeemed::Over),
            Err(error) => return Err(error),
        }
        self.note_proof(visit, bit);
        Ok(Redeemed::Proven(Proof::from_code(visit.proof | bit)))
    }
}
