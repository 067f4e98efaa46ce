//! One-time codes (8.7): to which of the typed contacts, and what is asked of the vault.
//!
//! Nothing here looks at whether the visitor was recognized: question, work and answer are the same for everybody.

use super::Messages;
use super::worker::CodeContent;
use booking_domain::ids::ClinicId;
use booking_domain::person::ProvisionalContact;
use booking_domain::phi::Phi;
use booking_domain::time::Instant;
use booking_engine::Engine;
use booking_engine::vault::{MessageChannel, SentCode, VaultError, Visit};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Which ways a code can take: of what was typed, what can be sent. E-mail first.
pub fn ways(messages: &Messages, typed: &ProvisionalContact) -> Vec<MessageChannel> {
    let typed = [(MessageChannel::Email, typed.email.is_some()), (MessageChannel::Sms, typed.cell_phone.is_some())];
    typed.into_iter().filter(|(way, there)| *there && messages.has(*way)).map(|(way, _)| way).collect()
}

/// Queues a code to the typed contact.
pub async fn send(
    engine: &Engine,
    visit: &Visit,
    typed: &ProvisionalContact,
    channel: MessageChannel,
) -> Result<SentCode, VaultError> {
    let (to, compared) = match channel {
        MessageChannel::Email => typed.email.as_ref().map(|e| (e.as_str().to_owned(), e.folded())),
        MessageChannel::Sms => typed.cell_phone.as_ref().map(|p| (p.as_str().to_owned(), p.as_str().to_owned())),
    }
    .ok_or(VaultError::Gone)?;
    let language = visit.language.clone();
    let content = move |digits: &str| {
        let content = CodeContent { to, digits: digits.to_owned(), language };
        Phi::new(postcard::to_stdvec(&content).unwrap_or_default())
    };
    engine.vault().send_code(visit, channel, &compared, engine.now(), content).await
}

/// Codes that a clinic sends within ten minutes before the operator is told.
const MANY_CODES: u32 = 300;
/// Wrong codes that come back within ten minutes before the operator is told.
const MANY_WRONG: u32 = 100;
/// How long is counted.
const WINDOW: i64 = 10 * 60 * 1_000_000;

/// Counts codes per clinic, so that somebody looks when there are far too many. Counts only: nothing about anybody.
#[derive(Default)]
pub struct Alarm(Mutex<HashMap<ClinicId, Counts>>);

#[derive(Clone, Copy)]
struct Counts {
    since: Instant,
    sent: u32,
    wrong: u32,
    told: bool,
}

impl Alarm {
    /// A code was sent.
    pub fn sent(&self, clinic: ClinicId, now: Instant) {
        self.count(clinic, now, |counts| counts.sent += 1);
    }
    /// A wrong code came back.
    pub fn wrong(&self, clinic: ClinicId, now: Instant) {
        self.count(clinic, now, |counts| counts.wrong += 1);
    }

    fn count(&self, clinic: ClinicId, now: Instant, add: impl FnOnce(&mut Counts)) -> bool {
        let fresh = Counts { since: now, sent: 0, wrong: 0, told: false };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = all.entry(clinic).or_insert(fresh);
        if now.since(counts.since) > WINDOW {
            *counts = fresh;
        }
        add(counts);
        let too_many = counts.sent >= MANY_CODES || counts.wrong >= MANY_WRONG;
        if too_many && !counts.told {
            counts.told = true;
            let (sent, wrong) = (counts.sent, counts.wrong);
            tracing::warn!(%clinic, sent, wrong, "very many one-time codes within ten minutes: somebody may be guessing");
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_is_told_once_within_the_window_and_again_later() {
        let (alarm, clinic) = (Alarm::default(), ClinicId::from_bytes([1; 16]));
        let told = |at| (0..MANY_WRONG * 2).filter(|_| alarm.count(clinic, at, |c| c.wrong += 1)).count();
        assert_eq!(told(Instant(0)), 1);
        assert_eq!(told(Instant(WINDOW)), 0);
        assert_eq!(told(Instant(WINDOW + 1)), 1);
    }
}
