//! An engine on a log and a vault, with a clock that tests set.

use crate::meddler::Meddler;
use booking_domain::ids::{ClinicId, CommandId};
use booking_domain::stream::StreamName;
use booking_domain::time::Instant;
use booking_engine::vault::{Entropy, SeededEntropy, Vault};
use booking_engine::{Actor, Context, Engine, EngineOptions, ManualClock};
use booking_store::fold::{Aggregate, Folded, Upto, load};
use booking_store::{EventStore, Expected, MemoryStore, NewEvent, Recorded, SqliteOptions, SqliteStore};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use uuid::Uuid;

/// When worlds begin: 2026-11-23 09:00 in Toronto, a Monday.
pub const MORNING: Instant = Instant(1_795_442_400_000_000);

/// A vault in a directory of its own, shared by the worlds of one thread: opening one costs more than a history.
pub struct Home {
    dir: TempDir,
    vault: Arc<Vault>,
    clinics: AtomicU64,
}

impl Home {
    /// A new vault. In memory, where the machine has such a directory: most tests are not about its disk.
    pub async fn new(seed: u64) -> Self {
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let vault = crate::vaults::open(dir.path(), Arc::new(SeededEntropy::new(seed))).await;
        Self { dir, vault: Arc::new(vault), clinics: AtomicU64::new(0) }
    }
    /// Its directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
    /// Ends it.
    pub async fn close(self) {
        self.vault.close().await;
    }
    /// Ends it, and has its directory looked at before that goes.
    pub async fn close_and(self, look: impl FnOnce()) {
        self.vault.close().await;
        look();
    }
    /// A world on a log in memory, or where `BOOKING_LOG` says.
    pub fn world(&self, seed: u64) -> World {
        self.world_on(crate::cluster::usual_log(), seed)
    }
    /// A world on a log on the disk, below this home's directory.
    pub async fn world_on_disk(&self, seed: u64) -> World {
        let name = format!("events-{}.db", self.clinics.load(Ordering::Relaxed));
        let log = SqliteStore::open(self.dir.path().join(name), SqliteOptions::default()).await.unwrap();
        self.world_on(Arc::new(log), seed)
    }
    /// A world on this log. Every world has a clinic of its own, so that worlds can share the vault.
    pub fn world_on(&self, log: Arc<dyn EventStore>, seed: u64) -> World {
        let number = self.clinics.fetch_add(1, Ordering::Relaxed);
        World::build(log, Arc::clone(&self.vault), seed, number, EngineOptions::default())
    }
}

/// An engine, its log, its clock, and one clinic.
pub struct World {
    /// The engine.
    pub engine: Arc<Engine>,
    /// The log as it is, without anybody meddling.
    pub log: Arc<dyn EventStore>,
    /// What stands between the engine and the log.
    pub meddler: Arc<Meddler>,
    /// The vault.
    pub vault: Arc<Vault>,
    /// The clock.
    pub clock: Arc<ManualClock>,
    /// The clinic.
    pub clinic: ClinicId,
    options: EngineOptions,
    seed: u64,
    ids: AtomicU64,
    space: Uuid,
}

impl World {
    fn build(log: Arc<dyn EventStore>, vault: Arc<Vault>, seed: u64, number: u64, options: EngineOptions) -> Self {
        let space = Uuid::new_v5(&Uuid::nil(), &[seed.to_be_bytes(), number.to_be_bytes()].concat());
        let clinic = ClinicId(Uuid::new_v5(&space, b"clinic"));
        let clock = Arc::new(ManualClock::new(MORNING));
        let meddler = Meddler::around(Arc::clone(&log));
        let engine = engine(&meddler, &vault, &clock, seed, options);
        Self { engine, log, meddler, vault, clock, clinic, options, seed, ids: AtomicU64::new(0), space }
    }

    /// A world on these stores.
    #[must_use]
    pub fn on_stores(log: Arc<dyn EventStore>, vault: Arc<Vault>, seed: u64) -> Self {
        Self::build(log, vault, seed, 0, EngineOptions::default())
    }
    /// The same world on another node: with its own way to the same log, and to the same vault.
    #[must_use]
    pub fn on_node(&self, log: Arc<dyn EventStore>, vault: Arc<Vault>) -> Self {
        let mut node = self.on_log(log);
        node.vault = vault;
        node.engine = engine(&node.meddler, &node.vault, &node.clock, node.seed ^ 0xa5a5, node.options);
        node
    }

    /// An id that this world has not given out.
    pub fn id(&self) -> [u8; 16] {
        let number = self.ids.fetch_add(1, Ordering::Relaxed);
        Uuid::new_v5(&self.space, &number.to_be_bytes()).into_bytes()
    }
    /// The frame of a new command.
    pub fn ctx(&self, actor: Actor) -> Context {
        let command = CommandId::from_bytes(self.id());
        let received_at = self.now();
        Context { clinic: self.clinic, actor, command, received_at, body_hash: None, traceparent: None }
    }
    /// Now, by the world's clock.
    pub fn now(&self) -> Instant {
        booking_engine::Clock::now(&*self.clock)
    }
    /// The same world with other options.
    #[must_use]
    pub fn with(mut self, options: EngineOptions) -> Self {
        self.options = options;
        self.engine = engine(&self.meddler, &self.vault, &self.clock, self.seed, options);
        self
    }
    /// The engine is started anew: it knows nothing but the log and the vault.
    pub fn restart(&mut self) {
        self.engine = self.another_node();
    }
    /// Another engine on the same log and vault.
    pub fn another_node(&self) -> Arc<Engine> {
        engine(&self.meddler, &self.vault, &self.clock, self.seed ^ 0xa5a5, self.options)
    }
    /// The same history in a log of its own, with an engine and a clock of its own: what happens there leaves no mark
    /// here. Positions are the same if the log began with position 1 and has no gaps.
    pub async fn fork(&self) -> Self {
        let copy = MemoryStore::new();
        for event in self.events().await {
            let head = event.revision.checked_sub(1);
            let new = NewEvent {
                id: event.id,
                event_type: event.event_type.to_string().into(),
                metadata: event.metadata,
                payload: event.payload,
            };
            copy.append(&event.stream, Expected::head(head), vec![new]).await.unwrap();
        }
        let log: Arc<dyn EventStore> = Arc::new(copy);
        let clock = Arc::new(ManualClock::new(self.now()));
        let meddler = Meddler::around(Arc::clone(&log));
        let engine = engine(&meddler, &self.vault, &clock, self.seed, self.options);
        let ids = AtomicU64::new(self.ids.load(Ordering::Relaxed) + (1 << 40));
        let (vault, clinic, options, seed, space) =
            (Arc::clone(&self.vault), self.clinic, self.options, self.seed, self.space);
        Self { engine, log, meddler, vault, clock, clinic, options, seed, ids, space }
    }
    /// The same world, clock and ids on another log.
    #[must_use]
    pub fn on_log(&self, log: Arc<dyn EventStore>) -> Self {
        let meddler = Meddler::around(Arc::clone(&log));
        let engine = engine(&meddler, &self.vault, &self.clock, self.seed, self.options);
        let ids = AtomicU64::new(self.ids.load(Ordering::Relaxed));
        let (vault, clock) = (Arc::clone(&self.vault), Arc::clone(&self.clock));
        let (clinic, options, seed, space) = (self.clinic, self.options, self.seed, self.space);
        Self { engine, log, meddler, vault, clock, clinic, options, seed, ids, space }
    }
    /// Everything in the log, oldest first.
    pub async fn events(&self) -> Vec<Recorded> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.log.read_all(after, 1_000).await.unwrap();
            all.extend(page.events);
            if page.end {
                return all;
            }
            after = page.next;
        }
    }
    /// A stream, folded from the log without any cache.
    pub async fn folded<A: Aggregate>(&self, stream: &StreamName) -> Folded<A> {
        load(&*self.log, stream, Upto::Head).await.unwrap()
    }
}

fn engine(
    meddler: &Arc<Meddler>,
    vault: &Arc<Vault>,
    clock: &Arc<ManualClock>,
    seed: u64,
    options: EngineOptions,
) -> Arc<Engine> {
    let log: Arc<dyn EventStore> = Arc::clone(meddler) as _;
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(seed));
    Arc::new(Engine::new(log, Arc::clone(vault), Arc::clone(clock) as _, entropy, options))
}
