//! A channel of this process: what the worker hands over, kept for a test to read; and a channel that is down.

use async_trait::async_trait;
use booking_api::messages::{Channel, Delivery, MessageOptions, Outgoing};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// Keeps every message.
#[derive(Default)]
pub struct Post {
    sent: Mutex<Vec<Outgoing>>,
    answers: Mutex<Vec<Delivery>>,
    dies: AtomicBool,
    died: Notify,
}

impl Post {
    /// Messages by hand, through this channel for e-mail and SMS.
    #[must_use]
    pub fn options(self: &Arc<Self>) -> MessageOptions {
        MessageOptions {
            email: Some(Arc::clone(self) as _),
            sms: Some(Arc::clone(self) as _),
            shown: false,
            public_url: "https://rv.example.ca".to_owned(),
            by_hand: true,
            untouched: false,
        }
    }
    /// What was sent, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Outgoing> {
        self.sent.lock().unwrap().clone()
    }
    /// What was sent since the last look.
    #[must_use]
    pub fn takes(&self) -> Vec<Outgoing> {
        std::mem::take(&mut *self.sent.lock().unwrap())
    }
    /// The next message is taken, and whoever sends it never hears so.
    pub fn dies_after_taking(&self) {
        self.dies.store(true, Ordering::SeqCst);
    }
    /// Waits until that has happened.
    pub async fn has_died(&self) {
        self.died.notified().await;
    }
    /// The next so many messages are answered like this.
    pub fn answers(&self, times: usize, with: &Delivery) {
        self.answers.lock().unwrap().extend(vec![with.clone(); times]);
    }
}

#[async_trait]
impl Channel for Post {
    async fn send(&self, message: &Outgoing) -> Delivery {
        let answer = self.answers.lock().unwrap().pop().unwrap_or(Delivery::Taken);
        if answer == Delivery::Taken {
            self.sent.lock().unwrap().push(message.clone());
        }
        if self.dies.swap(false, Ordering::SeqCst) {
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
        answer
    }
}
