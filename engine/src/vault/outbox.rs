//! The outbox: what is to be sent, until it is sent or given up.
//!
//! A notice waits as an intent: which appointment, and why. It holds no text and no address: what is due is decided
//! when it is sent, from the appointment's own history. A code waits sealed, with the address that it goes to.
//!
//! What a crash at each step leaves:
//! - before the intent is written: the reactor's cursor has not moved either, and it reads the event again;
//! - written, not claimed: it waits;
//! - claimed, not sent: the claim runs out, and it is claimed again;
//! - sent, not recorded: the claim runs out, and it is sent once more under the same message id;
//! - recorded: nothing is left to do.

use super::database::Row;
use super::error::{Result, VaultError};
use super::value::Value;
use super::writer::Statement;
use super::{Vault, draw, row, sql};
use booking_domain::ids::{AgendaId, AppointmentId, ClinicId, SubjectId};
use booking_domain::phi::Phi;
use booking_domain::sealed::Sealed;
use booking_domain::time::{Instant, WallDate};
use booking_events::sealing::{Field, open, seal};
use booking_store::Position;

/// The layout of what is sealed in a code's message.
const CODE_SCHEMA: u16 = 1;
/// Days for which it is kept that a message was delivered, or was not.
const KEPT_DAYS: i64 = 400;

/// What a message is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MessageKind {
    /// A one-time code.
    Code = 1,
    /// An appointment was booked.
    Booking = 2,
    /// It was moved, lengthened or shortened.
    Change = 3,
    /// It was cancelled.
    Cancellation = 4,
}

/// How a message goes out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MessageChannel {
    /// E-mail.
    Email = 1,
    /// A text message to a telephone.
    Sms = 2,
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MessageState {
    /// It waits.
    Waiting = 0,
    /// The channel took it.
    Delivered = 1,
    /// It could not be delivered, and will not be tried again.
    Undelivered = 2,
    /// It was not due any more.
    NotDue = 3,
}

impl MessageKind {
    /// The name in the API and in log lines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Booking => "booking",
            Self::Change => "change",
            Self::Cancellation => "cancellation",
        }
    }
    fn read(code: i64) -> Result<Self> {
        [Self::Code, Self::Booking, Self::Change, Self::Cancellation]
            .into_iter()
            .find(|kind| *kind as i64 == code)
            .ok_or(VaultError::Damaged("a message has an unknown kind"))
    }
}

impl MessageChannel {
    /// The name in the API and in log lines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
    /// The channel of a name of the API.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Email, Self::Sms].into_iter().find(|channel| channel.name() == name)
    }
    pub(super) fn read(code: i64) -> Result<Self> {
        [Self::Email, Self::Sms]
            .into_iter()
            .find(|channel| *channel as i64 == code)
            .ok_or(VaultError::Damaged("a message has an unknown channel"))
    }
}

/// That somebody may have to be told something about an appointment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Intent {
    /// The id of the event that caused it; the same event gives one intent.
    pub id: [u8; 16],
    /// The clinic.
    pub clinic: ClinicId,
    /// What happened.
    pub kind: MessageKind,
    /// The appointment.
    pub appointment: AppointmentId,
    /// The agenda on which it happened.
    pub agenda: AgendaId,
    /// The day on which it happened.
    pub date: WallDate,
    /// The event's place in the log.
    pub position: Position,
    /// The patient did it, on the portal or by the link.
    pub own_act: bool,
    /// When it happened.
    pub caused_at: Instant,
}

/// A one-time code that is to be sent.
#[derive(Clone, Debug)]
pub struct NewCode {
    /// The clinic.
    pub clinic: ClinicId,
    /// The visit's subject: the message is sealed under its key.
    pub subject: SubjectId,
    /// How it goes out.
    pub channel: MessageChannel,
    /// Address, digits and language, encoded; sealed before it is stored.
    pub content: Phi<Vec<u8>>,
    /// Now.
    pub created_at: Instant,
    /// After that it is of no use to anybody.
    pub expires_at: Instant,
}

/// Something that may be sent now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Waiting {
    id: [u8; 16],
    /// The clinic.
    pub clinic: ClinicId,
    /// What it is.
    pub kind: MessageKind,
    /// The appointment, of a notice.
    pub appointment: Option<AppointmentId>,
}

/// A message that this caller alone may send, until the claim runs out. Of a notice: everything that waits about one
/// appointment, since one message tells it all.
#[derive(Clone, Debug)]
pub struct Claim {
    token: [u8; 16],
    /// The clinic.
    pub clinic: ClinicId,
    /// What is claimed.
    pub content: Claimed,
    /// How often it was tried before.
    pub failures: u32,
}

/// What a claim is about.
#[derive(Clone, Debug)]
pub enum Claimed {
    /// Intents about one appointment, in the order of the log. Never empty.
    Notice(Vec<Intent>),
    /// A code.
    Code {
        /// Its message's id.
        id: [u8; 16],
        /// The visit's subject.
        subject: SubjectId,
        /// How it goes out.
        channel: MessageChannel,
        /// Sealed under the subject's key.
        content: Sealed,
        /// After that it is of no use to anybody.
        expires_at: Instant,
    },
}

/// What became of a claimed message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The channel took it.
    Delivered {
        /// What was sent in the end.
        kind: MessageKind,
        /// How.
        channel: MessageChannel,
        /// Fingerprint of what a notice said.
        told: Option<[u8; 32]>,
    },
    /// It will not be delivered.
    Undelivered {
        /// Why, in a word of ours.
        reason: &'static str,
        /// How it was tried, if it came that far.
        channel: Option<MessageChannel>,
    },
    /// It is not due any more; why, in a word of ours.
    NotDue(&'static str),
    /// Later. `counted`: it was tried, and failed.
    Later {
        /// Not before.
        at: Instant,
        /// Whether it counts as a failure.
        counted: bool,
    },
}

/// A message that did not reach its patient, for staff.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Undelivered {
    /// What it was.
    pub kind: MessageKind,
    /// How it was tried, if it came that far.
    pub channel: Option<MessageChannel>,
    /// When it was given up.
    pub at: Instant,
    /// Why, in a word of ours.
    pub reason: String,
}

impl Undelivered {
    /// From the columns of a row that begin at `first`.
    fn read(row: &Row, first: usize) -> Result<Self> {
        Ok(Self {
            kind: MessageKind::read(row::int(row, first)?)?,
            channel: row::maybe_number(row, first + 1)?.map(MessageChannel::read).transpose()?,
            at: row::instant(row, first + 2)?,
            reason: row::maybe_text(row, first + 3)?.unwrap_or_default(),
        })
    }
}

impl Vault {
    /// How far a reactor has come; none: it never ran.
    pub async fn cursor(&self, name: &'static str) -> Result<Option<Position>> {
        let row = self.readers.row(&sql::CURSOR, [name.to_owned().into()]).await?;
        row.as_ref().map(|row| row::int(row, 0).map(Position)).transpose()
    }

    /// Where a reactor begins. One that began already stays where it is.
    pub async fn begin_cursor(&self, name: &'static str, at: Position) -> Result<()> {
        let values = vec![name.to_owned().into(), number(at)?];
        match self.writer.run(vec![Statement::Insert(&sql::INSERT_CURSOR, values)]).await {
            Ok(_) | Err(VaultError::Exists) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Forgets where a reactor stands: it begins anew one day.
    pub async fn drop_cursor(&self, name: &'static str) -> Result<()> {
        self.writer.run(vec![Statement::Change(&sql::DROP_CURSOR, vec![name.to_owned().into()])]).await.map(drop)
    }

    /// Puts intents into the outbox and moves the reactor's cursor, as one. [`VaultError::Gone`]: somebody else moved
    /// the cursor, and nothing was written.
    pub async fn post(&self, name: &'static str, (from, to): (Position, Position), intents: &[Intent]) -> Result<()> {
        let moved = vec![name.to_owned().into(), number(from)?, number(to)?];
        let mut statements = vec![Statement::MustChange(&sql::MOVE_CURSOR, moved)];
        for intent in intents {
            statements.push(Statement::Change(&sql::POST_NOTICE, notice_row(intent)?));
        }
        self.writer.run(statements).await?;
        if !intents.is_empty() {
            self.posted.notify_one();
        }
        Ok(())
    }

    /// The row of a code's message, its content sealed.
    pub(super) async fn code_message(&self, code: &NewCode) -> Result<Vec<Value>> {
        let key = self.subject_key(code.clinic, code.subject).await?.ok_or(VaultError::Gone)?;
        let (id, nonce) = (draw(&*self.entropy), draw(&*self.entropy));
        let (field, version) = (Field::Message, super::SUBJECT_KEY_VERSION);
        let plain = code.content.expose();
        let sealed = seal(&key, code.clinic, code.subject, field, CODE_SCHEMA, version, id, nonce, plain);
        let id: [u8; 16] = draw(&*self.entropy);
        Ok(vec![
            id.into(),
            code.clinic.bytes().into(),
            (MessageKind::Code as i64).into(),
            (MessageState::Waiting as i64).into(),
            1_i64.into(),
            code.created_at.0.into(),
            code.subject.bytes().into(),
            encoded(&sealed)?.into(),
            (code.channel as i64).into(),
            code.expires_at.0.into(),
            0_i64.into(),
            code.created_at.0.into(),
        ])
    }

    /// Waits until something is put into the outbox.
    pub async fn posted(&self) {
        self.posted.notified().await;
    }

    pub(super) fn ring(&self) {
        self.posted.notify_one();
    }

    /// What may be sent now, codes first; one for each appointment.
    pub async fn waiting(&self, now: Instant, limit: u32) -> Result<Vec<Waiting>> {
        let rows = self.readers.rows(&sql::WAITING, [now.0.into(), i64::from(limit).into()]).await?;
        let read = |row: &Row| {
            Ok(Waiting {
                id: row::bytes(row, 0)?,
                clinic: ClinicId::from_bytes(row::bytes(row, 1)?),
                kind: MessageKind::read(row::int(row, 2)?)?,
                appointment: row::maybe_bytes(row, 3)?.map(AppointmentId::from_bytes),
            })
        };
        rows.iter().map(read).collect()
    }

    /// When the next message may be sent; none: nothing waits.
    pub async fn next_attempt(&self) -> Result<Option<Instant>> {
        let row = self.readers.row(&sql::NEXT_ATTEMPT, []).await?;
        row.map_or(Ok(None), |row| row::maybe_instant(&row, 0))
    }

    /// Claims what waits, before it is sent; none: somebody else has it, or it is gone. The claim is on the disk when
    /// this returns.
    pub async fn claim(&self, waiting: &Waiting, now: Instant, until: Instant) -> Result<Option<Claim>> {
        let token: [u8; 16] = draw(&*self.entropy);
        let (sql, id) = match waiting.appointment {
            Some(appointment) => (&sql::CLAIM_APPOINTMENT, appointment.bytes()),
            None => (&sql::CLAIM_CODE, waiting.id),
        };
        let values = vec![id.into(), token.into(), until.0.into(), now.0.into()];
        match self.writer.run(vec![Statement::MustChange(sql, values)]).await {
            Ok(_) => {}
            Err(VaultError::Gone) => return Ok(None),
            Err(error) => return Err(error),
        }
        let rows = self.readers.rows(&sql::CLAIMED, [token.into()]).await?;
        let attempts = rows.iter().map(|row| row::int::<u32>(row, 13)).collect::<Result<Vec<_>>>()?;
        // A fresh cause starts with fresh patience.
        let failures = attempts.into_iter().min().unwrap_or(1).saturating_sub(1);
        let content = match (waiting.appointment, rows.as_slice()) {
            (_, []) => return Ok(None),
            (None, [row, ..]) => Claimed::Code {
                id: row::bytes(row, 0)?,
                subject: SubjectId::from_bytes(row::bytes(row, 9)?),
                content: decoded(&row::blob(row, 10)?)?,
                channel: MessageChannel::read(row::int(row, 11)?)?,
                expires_at: row::instant(row, 12)?,
            },
            (Some(_), rows) => Claimed::Notice(rows.iter().map(intent).collect::<Result<_>>()?),
        };
        Ok(Some(Claim { token, clinic: waiting.clinic, content, failures }))
    }

    /// Records what became of a claimed message, and deletes its content if it is over. [`VaultError::Gone`]: the claim
    /// had run out and somebody else has it.
    pub async fn finish(&self, claim: &Claim, outcome: Outcome, now: Instant) -> Result<()> {
        let token = || Value::from(claim.token);
        let finish = |state: MessageState, reason: &str, channel: Option<MessageChannel>| {
            let (reason, channel) = (Some(reason.to_owned()).into(), channel.map(|channel| channel as i64).into());
            vec![token(), (state as i64).into(), now.0.into(), reason, channel]
        };
        let over = |state, reason, channel| Statement::MustChange(&sql::FINISH, finish(state, reason, channel));
        let statements = match outcome {
            Outcome::Delivered { kind, channel, told } => {
                let newest = match &claim.content {
                    Claimed::Code { id, .. } => *id,
                    Claimed::Notice(intents) => intents.last().map_or([0; 16], |intent| intent.id),
                };
                let (kind, channel) = ((kind as i64).into(), (channel as i64).into());
                let values = vec![token(), newest.into(), now.0.into(), kind, channel, told.into()];
                let rest = finish(MessageState::NotDue, "told_together", None);
                vec![Statement::MustChange(&sql::DELIVERED, values), Statement::Change(&sql::FINISH, rest)]
            }
            Outcome::Undelivered { reason, channel } => vec![over(MessageState::Undelivered, reason, channel)],
            Outcome::NotDue(reason) => vec![over(MessageState::NotDue, reason, None)],
            Outcome::Later { at, counted } => {
                let values = vec![token(), at.0.into(), i64::from(!counted).into()];
                vec![Statement::MustChange(&sql::RELEASE, values)]
            }
        };
        self.writer.run(statements).await.map(drop)
    }

    /// The content of a claimed code; none if the visit's key is gone.
    pub async fn code_content(&self, claim: &Claim) -> Result<Option<Phi<Vec<u8>>>> {
        let Claimed::Code { subject, content, .. } = &claim.content else { return Ok(None) };
        let Some(key) = self.subject_key(claim.clinic, *subject).await? else { return Ok(None) };
        open(&key, claim.clinic, *subject, Field::Message, content)
            .map(|plain| Some(Phi::new(plain.to_vec())))
            .map_err(|_| VaultError::Damaged("a sealed message does not open"))
    }

    /// Fingerprint of what the patient was told last about an appointment.
    pub async fn told(&self, appointment: AppointmentId) -> Result<Option<[u8; 32]>> {
        let row = self.readers.row(&sql::TOLD, [appointment.bytes().into()]).await?;
        row.map_or(Ok(None), |row| row::maybe_bytes(&row, 0))
    }

    /// What of an appointment did not reach its patient, oldest first.
    pub async fn undelivered(&self, clinic: ClinicId, appointment: AppointmentId) -> Result<Vec<Undelivered>> {
        let asked = [clinic.bytes().into(), appointment.bytes().into()];
        let rows = self.readers.rows(&sql::UNDELIVERED, asked).await?;
        rows.iter().map(|row| Undelivered::read(row, 0)).collect()
    }

    /// The appointments from this day on whose patient was not reached by the last message, soonest first.
    pub async fn not_reached(
        &self,
        clinic: ClinicId,
        from: WallDate,
        limit: usize,
    ) -> Result<Vec<(AppointmentId, Undelivered)>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let asked = [clinic.bytes().into(), i64::from(from.0).into(), limit.into()];
        let rows = self.readers.rows(&sql::NOT_REACHED, asked).await?;
        let read = |row: &Row| Ok((AppointmentId::from_bytes(row::bytes(row, 0)?), Undelivered::read(row, 1)?));
        rows.iter().map(read).collect()
    }

    /// What was delivered about an appointment, oldest first: kind, channel, time.
    pub async fn deliveries(
        &self,
        clinic: ClinicId,
        appointment: AppointmentId,
    ) -> Result<Vec<(MessageKind, MessageChannel, Instant)>> {
        let asked = [clinic.bytes().into(), appointment.bytes().into()];
        let rows = self.readers.rows(&sql::DELIVERIES, asked).await?;
        let read = |row: &Row| {
            let (kind, channel) = (MessageKind::read(row::int(row, 0)?)?, MessageChannel::read(row::int(row, 1)?)?);
            Ok((kind, channel, row::instant(row, 2)?))
        };
        rows.iter().map(read).collect()
    }

    /// Forgets deliveries of long ago, and codes of yesterday.
    pub async fn purge_messages(&self, now: Instant) -> Result<()> {
        let (delivered, codes) = (now.plus_minutes(-KEPT_DAYS * 24 * 60), now.plus_minutes(-24 * 60));
        self.writer
            .run(vec![
                Statement::Change(&sql::PURGE_OUTBOX, vec![delivered.0.into()]),
                Statement::Change(&sql::PURGE_CODES, vec![codes.0.into()]),
            ])
            .await
            .map(drop)
    }
}

fn number(position: Position) -> Result<Value> {
    i64::try_from(position.0).map(Value::from).map_err(|_| VaultError::Damaged("a position is out of its range"))
}

fn notice_row(intent: &Intent) -> Result<Vec<Value>> {
    Ok(vec![
        intent.id.into(),
        intent.clinic.bytes().into(),
        (intent.kind as i64).into(),
        intent.appointment.bytes().into(),
        intent.agenda.bytes().into(),
        i64::from(intent.date.0).into(),
        number(intent.position)?,
        i64::from(intent.own_act).into(),
        intent.caused_at.0.into(),
    ])
}

fn intent(row: &Row) -> Result<Intent> {
    Ok(Intent {
        id: row::bytes(row, 0)?,
        clinic: ClinicId::from_bytes(row::bytes(row, 1)?),
        kind: MessageKind::read(row::int(row, 2)?)?,
        appointment: AppointmentId::from_bytes(row::bytes(row, 3)?),
        agenda: AgendaId::from_bytes(row::bytes(row, 4)?),
        date: WallDate(row::int(row, 5)?),
        position: Position(row::int(row, 6)?),
        own_act: row::int::<u8>(row, 7)? != 0,
        caused_at: row::instant(row, 8)?,
    })
}

pub(super) fn encoded(sealed: &Sealed) -> Result<Vec<u8>> {
    postcard::to_stdvec(sealed).map_err(|_| VaultError::Damaged("a sealed message does not encode"))
}

pub(super) fn decoded(bytes: &[u8]) -> Result<Sealed> {
    postcard::from_bytes(bytes).map_err(|_| VaultError::Damaged("a sealed message does not decode"))
}
