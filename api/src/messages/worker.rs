//! The worker: follows the log, and sends what waits.
//!
//! For each message: claim it (on the disk), decide what is due now, send it, record what became of it. See
//! `engine/src/vault/outbox.rs` for what a crash at each step leaves.

use super::Messages;
use super::channel::{Channel, Delivery, Outgoing};
use super::quiet::{Cause, quiet_until};
use super::render::{self, Links, Notice, Rendered};
use crate::duties::{self, Duty};
use booking_domain::ids::{ClinicId, SubjectId};
use booking_domain::phi::Phi;
use booking_domain::time::Instant;
use booking_domain::values::Language;
use booking_engine::vault::{
    Claim, Claimed, Intent, MessageChannel, MessageKind, MessageOutcome as Outcome, VaultError, Waiting, draw,
};
use booking_engine::{Due, Reach, ReachError, ReactorError, Whereabouts, due};
use booking_store::fold::FoldError;
use futures::StreamExt;
use serde::{Deserialize, Serialize};

/// How long a message belongs to whoever claimed it, in minutes: longer than any channel takes.
const CLAIM_MINUTES: i64 = 5;
/// Messages that are sent at the same time.
const AT_ONCE: usize = 8;
/// Messages that are looked at together; codes that came meanwhile are not behind more than these.
const TOGETHER: u32 = 16;
/// Seconds before the second attempt; doubled for each further one.
const FIRST_PAUSE: i64 = 5;
/// The longest pause between two attempts, in seconds.
const LONGEST_PAUSE: i64 = 15 * 60;

/// Why a round did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The log could not be followed.
    #[error(transparent)]
    Reactor(#[from] ReactorError),
    /// The vault does not answer.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The log does not answer.
    #[error(transparent)]
    Log(#[from] FoldError),
}

impl From<ReachError> for WorkError {
    fn from(error: ReachError) -> Self {
        match error {
            ReachError::Log(error) => error.into(),
            ReachError::Vault(error) => error.into(),
        }
    }
}

/// What is sealed in a code's message.
#[derive(Serialize, Deserialize)]
pub(super) struct CodeContent {
    pub to: String,
    pub digits: String,
    pub language: String,
}

/// A claimed message that is about to be sent.
struct Ready<'a> {
    channel: &'a dyn Channel,
    message: Outgoing,
    told: Option<[u8; 32]>,
    kind: MessageKind,
}

/// What to do with a claimed message.
enum Next<'a> {
    Send(Box<Ready<'a>>),
    Done(Outcome),
}

impl Messages {
    /// One round: follows the log to its head and sends everything whose time has come. Answers how many were sent.
    pub async fn round(&self) -> Result<usize, WorkError> {
        if !self.any() {
            return Ok(0);
        }
        self.engine.follow_log().await?;
        self.deliver_due().await
    }

    /// Sends everything that waits and whose time has come.
    pub async fn deliver_due(&self) -> Result<usize, WorkError> {
        let mut sent = 0;
        loop {
            let waiting = self.engine.vault().waiting(self.engine.now(), TOGETHER).await?;
            let work = futures::stream::iter(waiting).map(|one| self.deliver(one)).buffer_unordered(AT_ONCE);
            let done: Vec<Result<Option<bool>, WorkError>> = work.collect().await;
            let mut claimed = false;
            for one in done {
                if let Some(taken) = one? {
                    claimed = true;
                    sent += usize::from(taken);
                }
            }
            // Nothing left, or all of it in other hands.
            if !claimed || self.stop.is_cancelled() || !duties::is_ours(&self.engine, Duty::Messages).await {
                return Ok(sent);
            }
        }
    }

    /// Claims and sends one message. None: somebody else has it. Else whether the channel took it.
    async fn deliver(&self, waiting: Waiting) -> Result<Option<bool>, WorkError> {
        let vault = self.engine.vault();
        let now = self.engine.now();
        let Some(claim) = vault.claim(&waiting, now, now.plus_minutes(CLAIM_MINUTES)).await? else { return Ok(None) };
        let outcome = match self.prepare(&claim).await {
            Ok(Next::Done(outcome)) => outcome,
            Ok(Next::Send(ready)) => self.send(&claim, &ready).await,
            Err(error) => {
                // Not its fault: others may go on, and this one comes again.
                tracing::warn!(%error, clinic = %claim.clinic, "a message could not be prepared; tried again later");
                self.later(&claim)
            }
        };
        match vault.finish(&claim, outcome, self.engine.now()).await {
            Ok(()) => {}
            Err(VaultError::Gone) => {
                tracing::warn!(clinic = %claim.clinic, "a message's claim ran out while it was sent");
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Some(matches!(outcome, Outcome::Delivered { .. })))
    }

    async fn send(&self, claim: &Claim, ready: &Ready<'_>) -> Outcome {
        let (kind, channel) = (ready.kind, ready.message.channel);
        let (kind_name, channel_name) = (kind.name(), channel.name());
        match ready.channel.send(&ready.message).await {
            Delivery::Taken => Outcome::Delivered { kind, channel, told: ready.told },
            Delivery::Refused(reason) => {
                tracing::warn!(clinic = %claim.clinic, kind = kind_name, channel = channel_name, reason, "a message is refused for good");
                Outcome::Undelivered { reason, channel: Some(channel) }
            }
            Delivery::Later(why) => {
                let (clinic, failures) = (claim.clinic, claim.failures + 1);
                tracing::warn!(%clinic, kind = kind_name, channel = channel_name, failures, %why, "a message is tried again later");
                self.later(claim)
            }
        }
    }

    /// Doubling pauses, each up to a fifth shorter or longer, so that what failed together does not come back together.
    fn later(&self, claim: &Claim) -> Outcome {
        let pause = FIRST_PAUSE.saturating_mul(1 << claim.failures.min(16)).min(LONGEST_PAUSE);
        let [random] = draw::<1>(&**self.engine.entropy());
        let jitter = pause * 1_000_000 * (i64::from(random) - 128) / 640;
        let at = self.engine.now().plus_seconds(pause);
        Outcome::Later { at: Instant(at.0 + jitter), counted: true }
    }

    async fn prepare(&self, claim: &Claim) -> Result<Next<'_>, WorkError> {
        match &claim.content {
            Claimed::Code { id, subject, channel, expires_at, .. } => {
                self.prepare_code(claim, *id, *subject, *channel, *expires_at).await
            }
            Claimed::Notice(intents) => self.prepare_notice(claim, intents).await,
        }
    }

    async fn prepare_code(
        &self,
        claim: &Claim,
        id: [u8; 16],
        subject: SubjectId,
        channel: MessageChannel,
        expires_at: Instant,
    ) -> Result<Next<'_>, WorkError> {
        let now = self.engine.now();
        if now >= expires_at {
            return Ok(Next::Done(undeliverable("expired")));
        }
        let Some(way) = self.way(channel) else { return Ok(Next::Done(undeliverable("no_channel"))) };
        let content = self.engine.vault().code_content(claim).await?;
        let Some(content) = content.and_then(|c| postcard::from_bytes::<CodeContent>(c.expose()).ok()) else {
            return Ok(Next::Done(Outcome::NotDue("visit_over")));
        };
        let rules = self.engine.rules(claim.clinic).await?;
        let clinic = &rules.state;
        let language = Language::from_name(&content.language).unwrap_or(Language::Fr);
        let rendered = render::code(clinic, &content.digits, language, channel);
        let message = Addressed { id, clinic: claim.clinic, subject, kind: MessageKind::Code, channel, language };
        let message = message.outgoing(clinic, Phi::new(content.to), rendered, now);
        Ok(Next::Send(Box::new(Ready { channel: way, message, told: None, kind: MessageKind::Code })))
    }

    async fn prepare_notice(&self, claim: &Claim, intents: &[Intent]) -> Result<Next<'_>, WorkError> {
        let Some(last) = intents.last() else { return Ok(Next::Done(Outcome::NotDue("nothing"))) };
        let now = self.engine.now();
        let known = Whereabouts { appointment: last.appointment, agenda: last.agenda, date: last.date };
        let Some(history) = self.engine.appointment_history(known).await? else {
            // It is on its way to another day: whoever moves it finishes that, or the sweep does.
            return Ok(Next::Done(self.later(claim)));
        };
        let appointment = &history.appointment;
        let happened: Vec<MessageKind> = intents.iter().map(|intent| intent.kind).collect();
        let told = self.engine.vault().told(last.appointment).await?;
        let (kind, told) = match due(&happened, appointment, told, now) {
            Due::Send(kind, fingerprint) => (kind, fingerprint),
            // It was tried until it was too late.
            Due::Nothing("past") if claim.failures > 0 => return Ok(Next::Done(undeliverable("too_late"))),
            Due::Nothing(reason) => return Ok(Next::Done(Outcome::NotDue(reason))),
        };
        let reach = match self.engine.reach(claim.clinic, &history).await? {
            Ok(reach) => reach,
            Err(booking_engine::Unreachable::Erased) => return Ok(Next::Done(Outcome::NotDue("erased"))),
            Err(booking_engine::Unreachable::Deceased) => return Ok(Next::Done(Outcome::NotDue("deceased"))),
        };
        let (channel, way, to) = match self.choose(reach) {
            Ok(chosen) => chosen,
            Err(reason) => return Ok(Next::Done(undeliverable(reason))),
        };
        let rules = self.engine.rules(claim.clinic).await?;
        let clinic = &rules.state;
        if channel == MessageChannel::Sms {
            let cause = Cause { own_act: last.own_act, at: last.caused_at };
            if let Some(at) = quiet_until(cause, appointment.placement.span.start, clinic.zone(), now) {
                return Ok(Next::Done(Outcome::Later { at, counted: false }));
            }
        }
        let token = self.engine.link_token(claim.clinic, last.appointment).await?;
        let links = Links::of(&self.public_url, clinic);
        let (id, sequence) = (last.appointment, history.sequence);
        let rendered = render::notice(
            &Notice { kind, clinic, id, appointment, sequence, links: &links, token: &token, now: last.caused_at },
            channel,
        );
        let message = Addressed {
            id: message_id(last.id, told),
            clinic: claim.clinic,
            subject: appointment.subject,
            kind,
            channel,
            language: appointment.language,
        };
        let message = message.outgoing(clinic, to, rendered, now);
        Ok(Next::Send(Box::new(Ready { channel: way, message, told: Some(told), kind })))
    }

    /// E-mail where an address is known and e-mail can be sent; else SMS.
    fn choose(&self, reach: Reach) -> Result<(MessageChannel, &dyn Channel, Phi<String>), &'static str> {
        let nowhere = reach.email.is_none() && reach.phone.is_none();
        if let (Some(address), Some(way)) = (reach.email, self.way(MessageChannel::Email)) {
            return Ok((MessageChannel::Email, way, Phi::new(address.as_str().to_owned())));
        }
        if let (Some(number), Some(way)) = (reach.phone, self.way(MessageChannel::Sms)) {
            return Ok((MessageChannel::Sms, way, Phi::new(number.as_str().to_owned())));
        }
        Err(if nowhere { "no_contact" } else { "no_channel" })
    }
}

/// It never came as far as a channel.
const fn undeliverable(reason: &'static str) -> Outcome {
    Outcome::Undelivered { reason, channel: None }
}

/// The id that a message carries: of its cause and of what it says. A repetition has the same, news another.
fn message_id(cause: [u8; 16], told: [u8; 32]) -> [u8; 16] {
    let mut id = cause;
    id.iter_mut().zip(told).for_each(|(to, from)| *to ^= from);
    id
}

/// Whose message it is.
struct Addressed {
    id: [u8; 16],
    clinic: ClinicId,
    subject: SubjectId,
    kind: MessageKind,
    channel: MessageChannel,
    language: Language,
}

impl Addressed {
    fn outgoing(
        self,
        clinic: &booking_domain::clinic::Clinic,
        to: Phi<String>,
        rendered: Rendered,
        at: Instant,
    ) -> Outgoing {
        Outgoing {
            id: self.id,
            clinic: self.clinic,
            subject: self.subject,
            kind: self.kind,
            channel: self.channel,
            to,
            language: self.language,
            sender: render::clinic_name(clinic),
            reply_to: clinic.portal.config.as_ref().and_then(|c| c.contact.email.clone()),
            heading: rendered.heading,
            text: rendered.text,
            calendar: rendered.calendar,
            at,
        }
    }
}
