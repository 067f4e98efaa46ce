//! Credentials of staff: e-mail address as a keyed hash, password as argon2id, one-time invitations.

use super::crypto::keyed_hash;
use super::entropy::draw;
use super::error::{Result, VaultError};
use super::token::{Token, same};
use super::value::Value;
use super::writer::Statement;
use super::{Vault, row, sql};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use booking_domain::ids::{ClinicId, MemberId};
use booking_domain::phi::Phi;
use booking_domain::time::Instant;
use zeroize::Zeroizing;

/// A member of one clinic's staff.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Staff {
    /// The clinic.
    pub clinic: ClinicId,
    /// The member.
    pub member: MemberId,
}

/// Verified for an e-mail address that nobody has, so that the answer takes as long. No password is known for it.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGlzIGhlcmUuLg$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

impl Vault {
    /// Makes or changes a member's e-mail address and draws a one-time link that is good until `expires_at`. Links
    /// drawn before and not used stop working. [`VaultError::Exists`]: another member of this clinic has the address;
    /// [`VaultError::Gone`]: the member is another clinic's.
    pub async fn invite(&self, staff: Staff, email: &Phi<String>, now: Instant, expires_at: Instant) -> Result<Token> {
        let token = Token::draw(&*self.entropy);
        let [clinic, member] = [staff.clinic.bytes(), staff.member.bytes()];
        self.writer
            .run(vec![
                Statement::MustChange(
                    &sql::SET_MEMBER,
                    vec![member.into(), clinic.into(), self.email_hash(email).into(), now.0.into()],
                ),
                Statement::Change(&sql::DROP_INVITATIONS, vec![member.into()]),
                Statement::Insert(
                    &sql::INSERT_INVITATION,
                    vec![token.hash().into(), member.into(), clinic.into(), expires_at.0.into()],
                ),
            ])
            .await?;
        Ok(token)
    }

    /// Uses a one-time link. `None`: unknown, used, too old, or the member is disabled.
    pub async fn redeem_invitation(&self, token: &Token, now: Instant) -> Result<Option<Staff>> {
        let hash = token.hash();
        let found = self.readers.row(&sql::INVITATION, [hash.into(), now.0.into()]).await?;
        let Some(row) = found else { return Ok(None) };
        if !same(&row::bytes(&row, 0)?, &hash) {
            return Ok(None);
        }
        let staff = Staff {
            clinic: ClinicId::from_bytes(row::bytes(&row, 2)?),
            member: MemberId::from_bytes(row::bytes(&row, 1)?),
        };
        let used = Statement::MustChange(&sql::USE_INVITATION, vec![hash.into(), now.0.into()]);
        match self.writer.run(vec![used]).await {
            Ok(_) => Ok(Some(staff)),
            // Somebody used it between our look and our write.
            Err(VaultError::Gone) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets a member's password and ends all of the member's sessions. Length and strength are the caller's to check.
    pub async fn set_password(&self, staff: Staff, password: &Phi<String>, now: Instant) -> Result<()> {
        let salt: [u8; 16] = draw(&*self.entropy);
        let secret = Zeroizing::new(password.expose().clone());
        let hash = self.hash(move || {
            let hash = Argon2::default().hash_password_with_salt(secret.as_bytes(), &salt);
            hash.map(|hash| hash.to_string()).map_err(|error| VaultError::Password(error.to_string()))
        });
        let hash = hash.await??;
        let [clinic, member] = [staff.clinic.bytes(), staff.member.bytes()];
        self.writer
            .run(vec![
                Statement::MustChange(
                    &sql::SET_PASSWORD,
                    vec![member.into(), clinic.into(), hash.into(), now.0.into()],
                ),
                Statement::Change(&sql::CLOSE_SESSIONS, vec![member.into()]),
            ])
            .await?;
        self.sessions.retain(|_, session| session.staff.member != staff.member);
        Ok(())
    }

    /// Disables a member (sessions end, machine tokens are revoked, links stop working) or enables one again.
    pub async fn set_disabled(&self, staff: Staff, disabled: bool, now: Instant) -> Result<()> {
        let [clinic, member] = [staff.clinic.bytes(), staff.member.bytes()];
        let values: Vec<Value> = vec![member.into(), clinic.into(), i64::from(disabled).into(), now.0.into()];
        let mut statements = vec![Statement::MustChange(&sql::SET_DISABLED, values)];
        if disabled {
            statements.push(Statement::Change(&sql::CLOSE_SESSIONS, vec![member.into()]));
            statements.push(Statement::Change(&sql::REVOKE_BEARERS, vec![member.into(), now.0.into()]));
            statements.push(Statement::Change(&sql::DROP_INVITATIONS, vec![member.into()]));
        }
        self.writer.run(statements).await?;
        if disabled {
            self.sessions.retain(|_, session| session.staff.member != staff.member);
            self.bearers.retain(|_, bearer| bearer.member != staff.member);
        }
        Ok(())
    }

    /// The members whose e-mail address and password these are: in this clinic, or in all. Empty: refused, and nothing
    /// says why. An unknown address takes as long as a known one with a wrong password.
    pub async fn verify_password(
        &self,
        clinic: Option<ClinicId>,
        email: &Phi<String>,
        password: &Phi<String>,
    ) -> Result<Vec<Staff>> {
        let asked = [self.email_hash(email).into(), clinic.map(ClinicId::bytes).into()];
        let rows = self.readers.rows(&sql::CREDENTIALS, asked).await?;
        let mut candidates = Vec::with_capacity(rows.len().max(1));
        for row in &rows {
            let staff = Staff {
                clinic: ClinicId::from_bytes(row::bytes(row, 1)?),
                member: MemberId::from_bytes(row::bytes(row, 0)?),
            };
            let enabled = row::int::<u8>(row, 3)? == 0;
            let hash = row::maybe_text(row, 2)?;
            let may = enabled && hash.is_some();
            candidates.push((may.then_some(staff), hash.unwrap_or_else(|| NOBODY.to_owned())));
        }
        if candidates.is_empty() {
            candidates.push((None, NOBODY.to_owned()));
        }
        let secret = Zeroizing::new(password.expose().clone());
        self.hash(move || {
            let verified = |(staff, hash): (Option<Staff>, String)| {
                let right = PasswordHash::new(&hash)
                    .is_ok_and(|hash| Argon2::default().verify_password(secret.as_bytes(), &hash).is_ok());
                staff.filter(|_| right)
            };
            candidates.into_iter().filter_map(verified).collect()
        })
        .await
    }

    /// Deletes one-time links that are too old.
    pub async fn purge_invitations(&self, now: Instant) -> Result<()> {
        let old = Statement::Change(&sql::PURGE_INVITATIONS, vec![now.0.into()]);
        self.writer.run(vec![old]).await.map(drop)
    }

    /// Off the threads that serve requests, and only so many at once.
    async fn hash<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _place = self.hashing.acquire().await.map_err(|_| VaultError::Closed)?;
        tokio::task::spawn_blocking(work).await.map_err(|error| VaultError::Password(error.to_string()))
    }

    /// Case and surrounding spaces do not matter.
    fn email_hash(&self, email: &Phi<String>) -> [u8; 32] {
        let normal = Zeroizing::new(email.expose().trim().to_lowercase());
        keyed_hash(&self.staff_lookup, &[normal.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_nobody_is_verified_like_any_other_and_refuses() {
        let hash = PasswordHash::new(NOBODY).unwrap();
        let outcome = Argon2::default().verify_password(b"", &hash);
        assert_eq!(outcome, Err(argon2::password_hash::Error::PasswordInvalid));
        let real = Argon2::default().hash_password_with_salt(b"x", &[0; 16]).unwrap().to_string();
        let costs = |hash: &str| hash.split('$').nth(3).map(str::to_owned);
        assert_eq!(costs(&real), costs(NOBODY), "the costs are the same, or the time tells who is staff");
    }
}
