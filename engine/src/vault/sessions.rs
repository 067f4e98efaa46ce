//! Staff sessions: ended by a quarter of an hour of idleness, and after twelve hours in any case.

use super::error::Result;
use super::staff::Staff;
use super::token::{Token, same};
use super::writer::Statement;
use super::{Vault, row, sql};
use booking_domain::ids::{ClinicId, MemberId};
use booking_domain::time::Instant;

/// Minutes without a request after which a session ends.
pub const IDLE_MINUTES: i64 = 15;
/// Minutes after its opening at which a session ends in any case.
pub const ABSOLUTE_MINUTES: i64 = 12 * 60;
/// The disk hears of a session's use at most once in so many minutes: after a crash it may end so much earlier.
const WRITE_EVERY_MINUTES: i64 = 1;

/// A session that is going on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Session {
    /// Whose it is.
    pub staff: Staff,
    /// When it was opened.
    pub opened_at: Instant,
    /// When it was last used.
    pub last_seen: Instant,
    /// What the disk knows of `last_seen`.
    written: Instant,
}

/// What a session's token leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionLookup {
    /// A session that is going on; this look counted as use.
    Open(Session),
    /// It idled out or reached its end.
    Expired,
    /// No session, or one that was closed.
    Unknown,
}

impl Session {
    const fn is_over(&self, now: Instant) -> bool {
        now.0 >= self.last_seen.plus_minutes(IDLE_MINUTES).0 || now.0 >= self.opened_at.plus_minutes(ABSOLUTE_MINUTES).0
    }
}

impl Vault {
    /// Opens a session for a member who has just proved who they are.
    pub async fn open_session(&self, staff: Staff, now: Instant) -> Result<Token> {
        let token = Token::draw(&*self.entropy);
        let epoch = self.sessions.epoch();
        let values = vec![
            token.hash().into(),
            staff.member.bytes().into(),
            staff.clinic.bytes().into(),
            now.0.into(),
            now.0.into(),
        ];
        self.writer.run(vec![Statement::Insert(&sql::INSERT_SESSION, values)]).await?;
        self.sessions.put(epoch, token.hash(), Session { staff, opened_at: now, last_seen: now, written: now });
        Ok(token)
    }

    /// The session of this token; looking counts as use.
    pub async fn session(&self, token: &Token, now: Instant) -> Result<SessionLookup> {
        let hash = token.hash();
        let known = self.sessions.get(&hash);
        let Some(mut session) = (if known.is_some() { known } else { self.load_session(hash).await? }) else {
            return Ok(SessionLookup::Unknown);
        };
        if session.is_over(now) {
            return Ok(SessionLookup::Expired);
        }
        session.last_seen = session.last_seen.max(now);
        if session.last_seen >= session.written.plus_minutes(WRITE_EVERY_MINUTES) {
            session.written = session.last_seen;
            let values = vec![hash.into(), session.last_seen.0.into()];
            self.writer.run_behind(vec![Statement::Change(&sql::TOUCH_SESSION, values)]);
        }
        self.sessions.update(&hash, |known| {
            known.last_seen = known.last_seen.max(session.last_seen);
            known.written = known.written.max(session.written);
        });
        Ok(SessionLookup::Open(session))
    }

    async fn load_session(&self, hash: [u8; 32]) -> Result<Option<Session>> {
        let epoch = self.sessions.epoch();
        let Some(row) = self.readers.row(&sql::SESSION, [hash.into()]).await? else { return Ok(None) };
        if !same(&row::bytes(&row, 0)?, &hash) {
            return Ok(None);
        }
        let staff = Staff {
            clinic: ClinicId::from_bytes(row::bytes(&row, 2)?),
            member: MemberId::from_bytes(row::bytes(&row, 1)?),
        };
        let last_seen = row::instant(&row, 4)?;
        let session = Session { staff, opened_at: row::instant(&row, 3)?, last_seen, written: last_seen };
        self.sessions.put(epoch, hash, session);
        Ok(Some(session))
    }

    /// Ends a session: signing out.
    pub async fn close_session(&self, token: &Token) -> Result<()> {
        let hash = token.hash();
        self.writer.run(vec![Statement::Change(&sql::CLOSE_SESSION, vec![hash.into()])]).await?;
        self.sessions.forget([&hash]);
        Ok(())
    }

    /// Deletes sessions that are over.
    pub async fn purge_sessions(&self, now: Instant) -> Result<()> {
        // What memory knows of their use goes first, or the disk would take a session in use for an idle one.
        let idle = now.plus_minutes(-IDLE_MINUTES - WRITE_EVERY_MINUTES).0;
        let old = now.plus_minutes(-ABSOLUTE_MINUTES).0;
        self.writer.run(vec![Statement::Change(&sql::PURGE_SESSIONS, vec![idle.into(), old.into()])]).await?;
        self.sessions.retain(|_, session| !session.is_over(now));
        Ok(())
    }
}
