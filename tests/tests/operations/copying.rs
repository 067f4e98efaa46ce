//! A log is copied from a file to a cluster and back, broken off again and again: the same leaves, the same root.

use async_trait::async_trait;
use booking_domain::ids::{AgendaId, PatientId};
use booking_domain::stream::StreamName;
use booking_domain::time::WallDate;
use booking_store::copy::{Copied, CopyError, CopyOptions, FileInOrder, InOrder, StoreInOrder, copy};
use booking_store::{
    AppendError, Appended, EventStore, Expected, KurrentStore, MemoryStore, NewEvent, Page, Position, RawLog,
    ReadError, Recorded, Revision, SqliteOptions, SqliteStore,
};
use booking_tests::Rng;
use booking_tests::cluster::options;
use booking_tests::load::events_of;
use booking_tests::seeds::{rounds, seeds};
use kurrent_double::{Call, Double, Fault};
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How often a copy is broken off on its way.
const INTERRUPTIONS: u64 = 10;

/// A log that nobody wrote: many streams, some with several events in a row.
struct Invented {
    rng: Rng,
    left: u64,
    next: u64,
    heads: HashMap<StreamName, u64>,
}

impl Invented {
    fn new(seed: u64, events: u64) -> Self {
        Self { rng: Rng::new(seed), left: events, next: 1, heads: HashMap::new() }
    }

    fn event(&mut self, stream: &StreamName) -> Recorded {
        let revision = self.heads.entry(stream.clone()).and_modify(|head| *head += 1).or_insert(0);
        let position = Position(self.next);
        (self.next, self.left) = (self.next + 1, self.left - 1);
        let bytes = self.rng.below(200);
        Recorded {
            position,
            stream: stream.clone(),
            revision: *revision,
            id: uuid::Uuid::from_bytes(self.rng.bytes()),
            event_type: Arc::from(format!("invented-{}.v1", self.rng.below(20))),
            metadata: format!("{{\"n\":\"{}\"}}", position.0).into(),
            payload: (0..bytes).map(|n| u8::try_from(n).unwrap_or(7)).collect(),
        }
    }
}

#[async_trait]
impl InOrder for Invented {
    async fn next(&mut self) -> Result<Vec<Recorded>, ReadError> {
        let mut page = Vec::new();
        while page.len() < 1_000 && self.left > 0 {
            let few = u128::try_from(self.rng.below(300)).unwrap();
            let stream = match self.rng.below(3) {
                0 => StreamName::patient(PatientId(uuid::Uuid::from_u128(few + 1))),
                n => {
                    let date = WallDate::parse("2026-11-24").unwrap().plus_days(i32::try_from(n).unwrap());
                    StreamName::agenda_day(AgendaId(uuid::Uuid::from_u128(few + 1)), date)
                }
            };
            for _ in 0..=self.rng.below(3).min(usize::try_from(self.left - 1).unwrap_or(0)) {
                page.push(self.event(&stream));
            }
        }
        Ok(page)
    }
}

async fn invent(seed: u64, events: u64, file: &Path) -> Copied {
    let store = SqliteStore::open(file, SqliteOptions::default()).await.unwrap();
    let target = Arc::new(store.clone());
    let made = copy(&mut Invented::new(seed, events), target, &CopyOptions::into_a_file(), |_| ()).await.unwrap();
    store.close().await;
    made
}

async fn file(path: &Path) -> FileInOrder {
    FileInOrder::new(RawLog::open(path).await.unwrap())
}

/// Copies while something goes wrong over and over; answers how often it was broken off.
async fn insist(
    rng: &mut Rng,
    mut once: impl AsyncFnMut(Option<Duration>) -> Option<Result<Copied, CopyError>>,
) -> (Copied, u64) {
    let (mut broken, mut longest) = (0, 40);
    loop {
        // Later tries are given more time, so that the work gets on whatever the machine does meanwhile.
        longest += longest / 8 + 1;
        let patience =
            (broken < INTERRUPTIONS).then(|| Duration::from_millis(u64::try_from(rng.between(0, longest)).unwrap()));
        match once(patience).await {
            Some(Ok(copied)) => return (copied, broken),
            None | Some(Err(CopyError::Append { .. } | CopyError::Source(_) | CopyError::Target(_))) => broken += 1,
            Some(Err(other)) => panic!("{other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_goes_to_a_cluster_and_back_through_any_interruption_and_is_the_same_tree() {
    let events = rounds(3_000, 1_000_000);
    for seed in seeds(1, 1) {
        println!("copy: SEED={seed}, {events} events");
        let mut rng = Rng::new(seed);
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().join("here.db");
        let made = invent(seed, events, &here).await;
        assert_eq!(made.events, events);

        let begun = Instant::now();
        let double = Double::start().unwrap();
        let mut faults = Rng::new(seed ^ 0xfau64);
        double.meddle(move |call| match call {
            Call::Append if faults.percent(1) => Some(faults.pick(&[
                Fault::LoseAnswer,
                Fault::Reset,
                Fault::Deadline { stored: true },
                Fault::Deadline { stored: false },
                Fault::NotReady,
            ])),
            _ => None,
        });
        let (there, broken) = insist(&mut rng, async |patience| {
            // Each run is another process: it knows nothing of the one before.
            let target = KurrentStore::connect(&double.connection(), options(None)).await.unwrap();
            let mut source = file(&here).await;
            let one_by_one = CopyOptions::one_by_one();
            let work = copy(&mut source, Arc::new(target), &one_by_one, |_| ());
            match patience {
                Some(patience) => tokio::time::timeout(patience, work).await.ok(),
                None => Some(work.await),
            }
        })
        .await;
        println!("  to the cluster: {:.1?}, broken off {broken} times", begun.elapsed());
        assert_eq!((there.events, there.root), (made.events, made.root));
        double.rest();

        let begun = Instant::now();
        let back = folder.path().join("back.db");
        let (again, broken) = insist(&mut rng, async |patience| {
            let source = Arc::new(KurrentStore::connect(&double.connection(), options(None)).await.unwrap());
            let target = SqliteStore::open(&back, SqliteOptions::default()).await.unwrap();
            let mut source = StoreInOrder::to_its_end(source);
            let into = CopyOptions::into_a_file();
            let work = copy(&mut source, Arc::new(target.clone()), &into, |_| ());
            let outcome = match patience {
                Some(patience) => tokio::time::timeout(patience, work).await.ok(),
                None => Some(work.await),
            };
            target.close().await;
            outcome
        })
        .await;
        println!("  back into a file: {:.1?}, broken off {broken} times", begun.elapsed());
        assert_eq!((again.events, again.root), (made.events, made.root));
        // Not the ledger's word alone: event by event, to the byte.
        let (mut one, mut other) = (file(&here).await, file(&back).await);
        loop {
            let (left, right) = (one.next().await.unwrap(), other.next().await.unwrap());
            assert_eq!(left, right);
            if left.is_empty() {
                break;
            }
        }
        // What a position is there is found by what it is here.
        for n in [1, events / 3, events] {
            assert_eq!(there.from.of(n), Some(Position(n)));
            assert_eq!(again.from.of(n), there.to.of(n));
            assert_eq!(there.to.up_to(there.to.of(n).unwrap()), n);
        }
    }
}

fn event(n: u64, payload: &str) -> NewEvent {
    NewEvent {
        id: uuid::Uuid::from_u64_pair(1, n),
        event_type: "invented.v1".into(),
        metadata: "{}".into(),
        payload: payload.as_bytes().into(),
    }
}

async fn log(payloads: &[&str]) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    let stream = StreamName::patient(PatientId(uuid::Uuid::from_u128(1)));
    for (n, payload) in payloads.iter().enumerate() {
        let n = n as u64;
        store.append(&stream, Expected::head(n.checked_sub(1)), vec![event(n, payload)]).await.unwrap();
    }
    store
}

async fn copied(from: &Arc<MemoryStore>, to: &Arc<MemoryStore>) -> Result<Copied, CopyError> {
    let mut source = StoreInOrder::to_its_end(Arc::clone(from) as _);
    copy(&mut source, Arc::clone(to) as _, &CopyOptions::one_by_one(), |_| ()).await
}

#[tokio::test]
async fn a_target_that_is_no_beginning_of_the_log_is_left_as_it_is() {
    let from = log(&["a", "b", "c"]).await;
    for (there, leaf) in [(&["a", "x"][..], 1), (&["x"], 0), (&["a", "b", "c", "d"], 3)] {
        let to = log(there).await;
        match copied(&from, &to).await {
            Err(CopyError::NotAPrefix { leaf: at, .. }) => assert_eq!(at, leaf, "{there:?}"),
            other => panic!("{there:?}: {other:?}"),
        }
        assert_eq!(events_of(&*to).await.len(), there.len(), "something was written to {there:?}");
    }
    for there in [&[][..], &["a"], &["a", "b", "c"]] {
        let to = log(there).await;
        let done = copied(&from, &to).await.unwrap();
        assert_eq!((done.events, done.appended), (3, 3 - there.len() as u64));
        assert_eq!(events_of(&*to).await, events_of(&*from).await);
    }
}

/// Acknowledges its first append at once, and stores it after the second one.
struct Shuffles {
    log: MemoryStore,
    late: Mutex<Option<(StreamName, Expected, Vec<NewEvent>)>>,
    begun: AtomicBool,
}

#[async_trait]
impl EventStore for Shuffles {
    async fn append(
        &self,
        stream: &StreamName,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        if !self.begun.swap(true, Ordering::Relaxed) {
            *self.late.lock().unwrap() = Some((stream.clone(), expected, events));
            return Ok(Appended { first_revision: 0, last_revision: 0, position: Position(1), already: false });
        }
        let appended = self.log.append(stream, expected, events).await;
        let late = self.late.lock().unwrap().take();
        if let Some((stream, expected, events)) = late {
            self.log.append(&stream, expected, events).await?;
        }
        appended
    }

    async fn read_stream(&self, stream: &StreamName, from: Revision, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.log.read_stream(stream, from, limit).await
    }

    async fn read_all(&self, after: Option<Position>, limit: usize) -> Result<Page, ReadError> {
        self.log.read_all(after, limit).await
    }

    async fn head(&self) -> Result<Option<Position>, ReadError> {
        self.log.head().await
    }

    fn new_events(&self) -> watch::Receiver<u64> {
        self.log.new_events()
    }
}

/// The negative control: a store that changes the order, and says nothing.
#[tokio::test]
async fn a_store_that_changes_the_order_is_found_out() {
    let from = Arc::new(MemoryStore::new());
    for n in 0..3 {
        let stream = StreamName::patient(PatientId(uuid::Uuid::from_u128(u128::from(n) + 1)));
        from.append(&stream, Expected::NoStream, vec![event(n, "x")]).await.unwrap();
    }
    let to = Shuffles { log: MemoryStore::new(), late: Mutex::default(), begun: AtomicBool::new(false) };
    let to: Arc<dyn EventStore> = Arc::new(to);
    let copied = async || {
        let mut source = StoreInOrder::to_its_end(Arc::clone(&from) as _);
        copy(&mut source, Arc::clone(&to), &CopyOptions::one_by_one(), |_| ()).await
    };
    let outcome = copied().await;
    assert!(matches!(outcome, Err(CopyError::Different { events: 3, .. })), "it passed for the same: {outcome:?}");
    // And by the next run, from the first event that is out of its place.
    let outcome = copied().await;
    assert!(matches!(outcome, Err(CopyError::NotAPrefix { leaf: 0, .. })), "{outcome:?}");
}
