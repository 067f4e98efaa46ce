//! A channel: what takes a message and says whether it did.

use async_trait::async_trait;
use booking_domain::ids::{ClinicId, SubjectId};
use booking_domain::phi::Phi;
use booking_domain::time::Instant;
use booking_domain::values::Language;
use booking_engine::vault::{MessageChannel, MessageKind};

/// A message as a channel takes it.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The same for every attempt to send the same: whoever gets it twice can tell.
    pub id: [u8; 16],
    /// The clinic.
    pub clinic: ClinicId,
    /// Whose message it is.
    pub subject: SubjectId,
    /// What it is.
    pub kind: MessageKind,
    /// E-mail or SMS.
    pub channel: MessageChannel,
    /// The address, or the number in E.164.
    pub to: Phi<String>,
    /// Its language.
    pub language: Language,
    /// The clinic's name, as the sender's.
    pub sender: String,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// The heading of an e-mail. It says nothing about anybody's health.
    pub heading: String,
    /// What it says.
    pub text: Phi<String>,
    /// A calendar file that goes with an e-mail.
    pub calendar: Option<Attachment>,
    /// When it is sent.
    pub at: Instant,
}

/// A calendar file.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// The iTIP method: `PUBLISH` or `CANCEL`.
    pub method: &'static str,
    /// The file.
    pub text: Phi<String>,
}

/// What a channel made of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// It took it.
    Taken,
    /// Not now: to be tried again. Why, without personal data.
    Later(String),
    /// Never: this address takes none. Why, in a word.
    Refused(&'static str),
}

/// Takes messages. A call returns within a minute, whatever happens.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Sends one message.
    async fn send(&self, message: &Outgoing) -> Delivery;
}
