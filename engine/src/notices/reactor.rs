//! The reactor: follows the log from its own cursor and puts intents into the outbox, both in one transaction of the
//! vault. A crash in between repeats nothing and loses nothing: the cursor says what was read.

use crate::Engine;
use crate::vault::{Intent, MessageKind, VaultError};
use booking_domain::agenda_day::AgendaDayEvent;
use booking_events::Actor;
use booking_store::fold::{FoldError, decode, metadata_of};
use booking_store::{Position, ReadError, Recorded};

/// The name of the cursor.
pub const NOTICES: &str = "notices";
/// Events read at once.
const PAGE: usize = 500;

/// Why the reactor does not get on. It stands where it is and tries again: nothing is passed over.
#[derive(Debug, thiserror::Error)]
pub enum ReactorError {
    /// The log does not answer, or an event cannot be read.
    #[error(transparent)]
    Log(#[from] FoldError),
    /// The vault does not answer.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl From<ReadError> for ReactorError {
    fn from(error: ReadError) -> Self {
        Self::Log(error.into())
    }
}

impl Engine {
    /// Where notices begin: with an empty log at its start. An installation that had no channel until now begins at
    /// the head, so that nobody is told of what happened long ago.
    pub async fn begin_notices(&self) -> Result<(), ReactorError> {
        if self.vault.cursor(NOTICES).await?.is_none() {
            let head = self.log.head().await?.unwrap_or(Position(0));
            self.vault.begin_cursor(NOTICES, head).await?;
        }
        Ok(())
    }

    /// Without a channel nobody follows: the next one begins anew.
    pub async fn end_notices(&self) -> Result<(), ReactorError> {
        if self.vault.cursor(NOTICES).await?.is_some() {
            self.vault.drop_cursor(NOTICES).await?;
        }
        Ok(())
    }

    /// Reads the log to its head; answers how many intents were put into the outbox.
    pub async fn follow_log(&self) -> Result<usize, ReactorError> {
        let mut posted = 0;
        loop {
            let Some(from) = self.vault.cursor(NOTICES).await? else { return Ok(posted) };
            let page = self.log.read_all((from.0 > 0).then_some(from), PAGE).await?;
            let to = page.next.unwrap_or(from);
            if to > from {
                let found = page.events.iter().map(intent_of).collect::<Result<Vec<_>, _>>()?;
                let intents: Vec<Intent> = found.into_iter().flatten().collect();
                match self.vault.post(NOTICES, (from, to), &intents).await {
                    Ok(()) => posted += intents.len(),
                    // Another one moved the cursor: it has posted these.
                    Err(VaultError::Gone) => continue,
                    Err(error) => return Err(error.into()),
                }
            }
            if page.end {
                return Ok(posted);
            }
        }
    }
}

/// What somebody may have to be told because of an event.
fn intent_of(event: &Recorded) -> Result<Option<Intent>, FoldError> {
    const CAUSES: [&str; 4] =
        ["appointment-booked.", "appointment-moved.", "appointment-moved-out.", "appointment-cancelled."];
    if !CAUSES.iter().any(|cause| event.event_type.starts_with(cause)) {
        return Ok(None);
    }
    let decoded = decode::<AgendaDayEvent>(event)?;
    let kind = match decoded {
        AgendaDayEvent::AppointmentBooked(_) => MessageKind::Booking,
        AgendaDayEvent::AppointmentMoved(_) | AgendaDayEvent::AppointmentMovedOut(_) => MessageKind::Change,
        AgendaDayEvent::AppointmentCancelled(_) => MessageKind::Cancellation,
        _ => return Ok(None),
    };
    let (Some(appointment), Some((agenda, date))) = (decoded.appointment(), event.stream.as_agenda_day()) else {
        return Ok(None);
    };
    let metadata = metadata_of(event)?;
    Ok(Some(Intent {
        id: event.id.into_bytes(),
        clinic: metadata.clinic,
        kind,
        appointment,
        agenda,
        date,
        position: event.position,
        own_act: matches!(metadata.actor, Actor::Visit(_) | Actor::Link(_)),
        caused_at: metadata.occurred_at,
    }))
}
