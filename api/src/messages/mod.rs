//! Messages to patients: notices about appointments, and one-time codes.
//!
//! | module | what it is for |
//! |---|---|
//! | [`worker`] | follows the log, decides what is due, sends it, records what became of it |
//! | [`render`], [`calendar`] | what a message says; the calendar file that goes with it |
//! | [`quiet`] | when a telephone may ring |
//! | [`channel`], [`smtp`], [`sms`], [`shown`] | how a message goes out: by e-mail, by SMS, or onto the demo's page |
//! | [`codes`] | one-time codes: which contact, and what is asked of the vault |
//!
//! The outbox itself is the vault's (`engine/src/vault/outbox.rs`), what is due is decided in `engine/src/notices`.

pub mod calendar;
pub mod channel;
pub mod codes;
pub mod quiet;
pub mod render;
pub mod shown;
pub mod sms;
pub mod smtp;
pub mod worker;

pub use channel::{Attachment, Channel, Delivery, Outgoing};

use crate::duties::{self, Duty};
use booking_engine::Engine;
use booking_engine::vault::MessageChannel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often is looked whether somebody's time has come, when nothing else wakes the worker.
const LOOK: Duration = Duration::from_secs(1);
/// How long a failed round waits.
const PAUSE: Duration = Duration::from_secs(5);
/// How long a stop waits for messages that are being sent.
const LAST_WORDS: Duration = Duration::from_mins(1);

/// How messages go out.
#[derive(Clone, Default)]
pub struct MessageOptions {
    /// E-mail.
    pub email: Option<Arc<dyn Channel>>,
    /// SMS.
    pub sms: Option<Arc<dyn Channel>>,
    /// In the place of both: keep messages in the vault and show them on a page. For the demo.
    pub shown: bool,
    /// Where the server is reached from outside: what links in messages begin with.
    pub public_url: String,
    /// Nothing is sent by itself: a test says when.
    pub by_hand: bool,
    /// Nobody is told anything here, and whoever comes next goes on where the last one stopped: for a short command.
    pub untouched: bool,
}

impl MessageOptions {
    /// True if messages can be sent at all.
    pub fn any(&self) -> bool {
        self.shown || self.email.is_some() || self.sms.is_some()
    }
}

/// Messages of a running application.
pub struct Messages {
    engine: Arc<Engine>,
    email: Option<Arc<dyn Channel>>,
    sms: Option<Arc<dyn Channel>>,
    public_url: String,
    shown: bool,
    by_hand: bool,
    stop: CancellationToken,
    task: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl Messages {
    /// Opens the outbox. The reactor's cursor stands when this returns: what happens from now on is told.
    pub(crate) async fn open(
        engine: &Arc<Engine>,
        options: MessageOptions,
        stop: &CancellationToken,
    ) -> anyhow::Result<Arc<Self>> {
        if options.any() {
            engine.begin_notices().await?;
        } else if !options.untouched && !engine.vault().is_shared() {
            // On a shared vault other nodes may have a channel.
            engine.end_notices().await?;
        }
        let shown = || Arc::new(shown::ShownChannel(Arc::clone(engine.vault()))) as Arc<dyn Channel>;
        let (email, sms) = if options.shown { (Some(shown()), Some(shown())) } else { (options.email, options.sms) };
        let messages = Arc::new(Self {
            engine: Arc::clone(engine),
            email,
            sms,
            public_url: options.public_url,
            shown: options.shown,
            stop: stop.clone(),
            by_hand: options.by_hand,
            task: Mutex::new(None),
        });
        Ok(messages)
    }

    /// Starts the worker.
    pub(crate) fn start(self: &Arc<Self>) {
        if self.any() && !self.by_hand {
            let worker = tokio::spawn(Arc::clone(self).work());
            *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(worker);
        }
    }

    /// True if messages can be sent at all.
    pub fn any(&self) -> bool {
        self.email.is_some() || self.sms.is_some()
    }
    /// True if messages are shown on a page in the place of being sent.
    pub const fn are_shown(&self) -> bool {
        self.shown
    }
    /// True if messages can be sent this way.
    pub fn has(&self, channel: MessageChannel) -> bool {
        self.way(channel).is_some()
    }
    /// Where patients reach this server, if that was said: never what a request claims.
    pub fn public_url(&self) -> Option<&str> {
        Some(self.public_url.trim_end_matches('/')).filter(|url| !url.is_empty())
    }
    /// Addresses of a clinic's pages.
    pub fn links(&self, clinic: &booking_domain::clinic::Clinic) -> render::Links {
        render::Links::of(&self.public_url, clinic)
    }

    fn way(&self, channel: MessageChannel) -> Option<&dyn Channel> {
        match channel {
            MessageChannel::Email => self.email.as_deref(),
            MessageChannel::Sms => self.sms.as_deref(),
        }
    }

    async fn work(self: Arc<Self>) {
        let mut news = self.engine.log().new_events();
        loop {
            // Elsewhere a node that shares the vault sends; this one looks again in a moment.
            if !duties::is_ours(&self.engine, Duty::Messages).await {
                tokio::select! {
                    () = self.stop.cancelled() => return,
                    () = tokio::time::sleep(LOOK) => continue,
                }
            }
            if let Err(error) = self.round().await {
                if self.stop.is_cancelled() {
                    return;
                }
                tracing::error!(%error, "messages do not get on; tried again");
                tokio::select! {
                    () = self.stop.cancelled() => return,
                    () = tokio::time::sleep(PAUSE) => continue,
                }
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.engine.vault().posted() => {}
                _ = news.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Waits until messages that are being sent are sent, and recorded.
    pub(crate) async fn finish(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && tokio::time::timeout(LAST_WORDS, task).await.is_err()
        {
            tracing::warn!("a message was being sent when the server stopped: it may be sent again");
        }
    }
}
