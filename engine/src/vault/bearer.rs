//! Tokens of machines: each for one clinic and one role, good until it is revoked.

use super::database::Row;
use super::error::Result;
use super::token::{Token, same};
use super::writer::Statement;
use super::{Vault, row, sql};
use booking_domain::ids::{ClinicId, MemberId};
use booking_domain::time::Instant;

/// A machine token that is about to be issued.
#[derive(Clone, Debug)]
pub struct NewBearer {
    /// Its public id, to list and revoke it.
    pub id: [u8; 16],
    /// The only clinic it is good for.
    pub clinic: ClinicId,
    /// The member that it acts as.
    pub member: MemberId,
    /// The role's code.
    pub role: u8,
    /// What it is for, in words; no personal data: it is stored in the clear.
    pub label: String,
    /// Now.
    pub created_at: Instant,
}

/// An issued machine token, without the token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bearer {
    /// Its public id.
    pub id: [u8; 16],
    /// The only clinic it is good for.
    pub clinic: ClinicId,
    /// The member that it acts as.
    pub member: MemberId,
    /// The role's code.
    pub role: u8,
    /// What it is for.
    pub label: String,
    /// When it was issued.
    pub created_at: Instant,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Instant>,
}

impl Bearer {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row::bytes(row, 1)?,
            clinic: ClinicId::from_bytes(row::bytes(row, 2)?),
            member: MemberId::from_bytes(row::bytes(row, 3)?),
            role: row::int(row, 4)?,
            label: row::text(row, 5)?,
            created_at: row::instant(row, 6)?,
            revoked_at: row::maybe_instant(row, 7)?,
        })
    }
}

impl Vault {
    /// Issues a machine token. The token itself is shown once and not stored.
    pub async fn issue_bearer(&self, new: NewBearer) -> Result<Token> {
        let token = Token::draw(&*self.entropy);
        let values = vec![
            token.hash().into(),
            new.id.into(),
            new.clinic.bytes().into(),
            new.member.bytes().into(),
            i64::from(new.role).into(),
            new.label.into(),
            new.created_at.0.into(),
        ];
        self.writer.run(vec![Statement::Insert(&sql::INSERT_BEARER, values)]).await?;
        Ok(token)
    }

    /// Who shows this token; `None` if it is unknown or revoked.
    pub async fn bearer(&self, token: &Token) -> Result<Option<Bearer>> {
        let hash = token.hash();
        if let Some(bearer) = self.bearers.get(&hash) {
            return Ok(Some(bearer));
        }
        let epoch = self.bearers.epoch();
        let Some(row) = self.readers.row(&sql::BEARER, [hash.into()]).await? else { return Ok(None) };
        if !same(&row::bytes(&row, 0)?, &hash) {
            return Ok(None);
        }
        let bearer = Bearer::read(&row)?;
        self.bearers.put(epoch, hash, bearer.clone());
        Ok(Some(bearer))
    }

    /// The clinic's machine tokens, revoked ones too, oldest first.
    pub async fn bearers(&self, clinic: ClinicId) -> Result<Vec<Bearer>> {
        let rows = self.readers.rows(&sql::BEARERS, [clinic.bytes().into()]).await?;
        rows.iter().map(Bearer::read).collect()
    }

    /// Revokes a machine token, at once. `false`: the clinic has none with this id that is still good.
    pub async fn revoke_bearer(&self, clinic: ClinicId, id: [u8; 16], now: Instant) -> Result<bool> {
        let values = vec![id.into(), clinic.bytes().into(), now.0.into()];
        let rows = self.writer.run(vec![Statement::Change(&sql::REVOKE_BEARER, values)]).await?;
        self.bearers.retain(|_, bearer| bearer.id != id);
        Ok(rows > 0)
    }
}
