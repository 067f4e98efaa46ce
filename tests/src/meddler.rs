//! A log that does what a test tells it between a decision and its append: wait, fail, or die.

use async_trait::async_trait;
use booking_domain::stream::StreamName;
use booking_store::{
    AppendError, Appended, EventStore, Expected, NewEvent, Page, Position, ReadError, Recorded, Revision,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// What happens to an append.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Then {
    /// It is stored.
    Store,
    /// Other tasks run so many times first.
    Yield(u32),
    /// It waits so long first.
    Wait(Duration),
    /// It is not stored, and the caller is never answered: the process died before.
    DieBefore,
    /// It is stored, and the caller is never answered: the process died after.
    DieAfter,
    /// It is stored, and the answer is lost.
    LoseAnswer,
    /// It is not stored, and the caller is told so.
    Fail,
}

type Plan = Box<dyn FnMut(&StreamName, &[NewEvent]) -> Then + Send>;

/// A log around another one.
pub struct Meddler {
    inner: Arc<dyn EventStore>,
    plan: Mutex<Option<Plan>>,
    died: Notify,
}

impl Meddler {
    /// Around `inner`; does nothing until it is told to.
    pub fn around(inner: Arc<dyn EventStore>) -> Arc<Self> {
        Arc::new(Self { inner, plan: Mutex::new(None), died: Notify::new() })
    }
    /// From now on every append is asked about here.
    pub fn plan(&self, plan: impl FnMut(&StreamName, &[NewEvent]) -> Then + Send + 'static) {
        *self.plan.lock().unwrap() = Some(Box::new(plan));
    }
    /// From now on nothing is meddled with.
    pub fn rest(&self) {
        *self.plan.lock().unwrap() = None;
    }
    /// Does `then` once, to the first append of an event of this type (without its version).
    pub fn once(&self, event: &'static str, then: Then) {
        let mut done = false;
        self.plan(move |_, events| {
            let hit = !done && events.iter().any(|e| e.event_type.split(".v").next() == Some(event));
            done |= hit;
            if hit { then } else { Then::Store }
        });
    }
    /// Runs a command until it is answered, or until the log dies under it: then none.
    pub async fn until_death<T>(&self, command: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.died.notified() => None,
            answer = command => Some(answer),
        }
    }
    async fn die(&self) -> ! {
        self.died.notify_one();
        std::future::pending::<std::convert::Infallible>().await;
        unreachable!("the dead do not answer")
    }
}

#[async_trait]
impl EventStore for Meddler {
    async fn append(
        &self,
        stream: &StreamName,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        let then = self.plan.lock().unwrap().as_mut().map_or(Then::Store, |plan| plan(stream, &events));
        match then {
            Then::Store => {}
            Then::Yield(times) => {
                for _ in 0..times {
                    tokio::task::yield_now().await;
                }
            }
            Then::Wait(time) => tokio::time::sleep(time).await,
            Then::DieBefore => self.die().await,
            Then::DieAfter => {
                self.inner.append(stream, expected, events).await?;
                self.die().await;
            }
            Then::LoseAnswer => {
                self.inner.append(stream, expected, events).await?;
                return Err(AppendError::Unavailable("meddled: stored, and the answer lost".to_owned()));
            }
            Then::Fail => return Err(AppendError::Unavailable("meddled: not stored".to_owned())),
        }
        self.inner.append(stream, expected, events).await
    }
    async fn read_stream(&self, stream: &StreamName, from: Revision, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.inner.read_stream(stream, from, limit).await
    }
    async fn read_all(&self, after: Option<Position>, limit: usize) -> Result<Page, ReadError> {
        self.inner.read_all(after, limit).await
    }
    async fn head(&self) -> Result<Option<Position>, ReadError> {
        self.inner.head().await
    }
    fn new_events(&self) -> watch::Receiver<u64> {
        self.inner.new_events()
    }
}
