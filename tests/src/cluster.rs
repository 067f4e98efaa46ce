//! The log on a KurrentDB cluster, for whole-system tests: the server is the double (`tests/double`), the store is the
//! real one.
//!
//! `BOOKING_LOG=kurrentdb` puts the log of every world in memory on a double of its own: scenarios, properties, races and
//! crashes then run over the protocol.

use async_trait::async_trait;
use booking_domain::stream::StreamName;
use booking_store::{
    AppendError, Appended, EventStore, Expected, KurrentFault, KurrentOptions, KurrentStore, MemoryStore, NewEvent,
    Page, Position, ReadError, Recorded, Revision,
};
use kurrent_double::Double;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OnceCell, watch};

/// How stores reach a double: with a silence that a test can wait for.
#[must_use]
pub fn options(fault: Option<KurrentFault>) -> KurrentOptions {
    KurrentOptions {
        patience: Duration::from_secs(8),
        silence: Duration::from_millis(200),
        start_patience: Duration::from_secs(8),
        poll: Duration::from_millis(20),
        fault,
    }
}

/// A node's store on this cluster.
pub async fn node_of(double: &Double, fault: Option<KurrentFault>) -> Arc<dyn EventStore> {
    Arc::new(KurrentStore::connect(&double.connection(), options(fault)).await.unwrap())
}

/// The log of a world that says nothing else: in memory, or where `BOOKING_LOG` says.
#[must_use]
pub fn usual_log() -> Arc<dyn EventStore> {
    match std::env::var("BOOKING_LOG").as_deref() {
        Err(_) | Ok("memory") => Arc::new(MemoryStore::new()),
        Ok("kurrentdb") => Arc::new(Late::new(Double::start().unwrap())),
        Ok(other) => panic!("BOOKING_LOG is memory or kurrentdb, not {other}"),
    }
}

/// A store that connects when it is first used: worlds are made without waiting.
struct Late {
    double: Double,
    store: OnceCell<KurrentStore>,
    hint: watch::Sender<u64>,
}

impl Late {
    fn new(double: Double) -> Self {
        Self { double, store: OnceCell::new(), hint: watch::Sender::new(0) }
    }

    async fn store(&self) -> &KurrentStore {
        let connect = async || {
            // No faults are planned here, and a busy machine may be slow.
            let options = KurrentOptions { poll: Duration::from_hours(1), ..KurrentOptions::default() };
            KurrentStore::connect(&self.double.connection(), options).await.unwrap()
        };
        self.store.get_or_init(connect).await
    }
}

#[async_trait]
impl EventStore for Late {
    async fn append(
        &self,
        stream: &StreamName,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        let answer = self.store().await.append(stream, expected, events).await;
        self.hint.send_modify(|count| *count += 1);
        answer
    }

    async fn read_stream(&self, stream: &StreamName, from: Revision, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.store().await.read_stream(stream, from, limit).await
    }

    async fn read_all(&self, after: Option<Position>, limit: usize) -> Result<Page, ReadError> {
        self.store().await.read_all(after, limit).await
    }

    async fn head(&self) -> Result<Option<Position>, ReadError> {
        self.store().await.head().await
    }

    fn new_events(&self) -> watch::Receiver<u64> {
        let mut hint = self.hint.subscribe();
        hint.mark_changed();
        hint
    }
}
