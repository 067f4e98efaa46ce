//! The demo's channel: nothing leaves the machine. Messages are kept sealed in the vault and shown on a page.

use super::channel::{Channel, Delivery, Outgoing};
use async_trait::async_trait;
use booking_domain::ids::ClinicId;
use booking_domain::phi::Phi;
use booking_domain::time::Tz;
use booking_engine::vault::{Vault, VaultError};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Keeps messages to be shown.
pub(super) struct ShownChannel(pub(super) Arc<Vault>);

/// A message of the demo, as a page shows it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct DemoMessage {
    /// `code`, `booking`, `change` or `cancellation`.
    pub kind: String,
    /// `email` or `sms`.
    pub channel: String,
    /// Where it would have gone.
    pub to: String,
    /// Heading of an e-mail.
    pub heading: String,
    /// What it says.
    pub text: String,
    /// The calendar file that goes with it.
    pub calendar: Option<String>,
    /// `fr` or `en`; empty: not known.
    #[serde(default)]
    pub language: String,
    /// When, RFC 3339.
    pub sent_at: String,
}

#[async_trait]
impl Channel for ShownChannel {
    async fn send(&self, message: &Outgoing) -> Delivery {
        let shown = DemoMessage {
            kind: message.kind.name().to_owned(),
            channel: message.channel.name().to_owned(),
            to: message.to.expose().clone(),
            heading: message.heading.clone(),
            text: message.text.expose().clone(),
            calendar: message.calendar.as_ref().map(|file| file.text.expose().clone()),
            language: message.language.name().to_owned(),
            sent_at: String::new(),
        };
        let Ok(content) = serde_json::to_vec(&shown) else { return Delivery::Refused("bad_address") };
        let content = Phi::new(content);
        match self.0.show_message(message.clinic, message.subject, message.id, &content, message.at).await {
            Ok(()) => Delivery::Taken,
            Err(VaultError::Gone) => Delivery::Refused("erased"),
            Err(error) => Delivery::Later(error.to_string()),
        }
    }
}

/// The newest messages of these clinics, the newest first.
pub async fn shown_messages(vault: &Vault, clinics: &[ClinicId], limit: u32) -> Result<Vec<DemoMessage>, VaultError> {
    let mut shown = Vec::new();
    for clinic in clinics {
        shown.extend(vault.shown_messages(*clinic, limit).await?);
    }
    shown.sort_by_key(|message| std::cmp::Reverse(message.sent_at));
    shown.truncate(limit as usize);
    let read = |message: booking_engine::vault::ShownMessage| {
        let mut read: DemoMessage = serde_json::from_slice(message.content.expose()).ok()?;
        read.sent_at = message.sent_at.rfc3339(Tz::UTC);
        Some(read)
    };
    Ok(shown.into_iter().filter_map(read).collect())
}
