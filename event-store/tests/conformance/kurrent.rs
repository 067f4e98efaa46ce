//! The KurrentDB store: the suite over the double, alone and in a cluster, with and without events of the server's own,
//! behind a window on a log that others filled; and over a real server where there is one.

use crate::actors::{Dice, Subject, day, event, events, everything, fill, head, patient, stored};
use async_trait::async_trait;
use booking_domain::ids::{AgendaId, PatientId};
use booking_domain::stream::StreamName;
use booking_domain::time::WallDate;
use booking_store::{
    AppendError, Appended, EventStore, Expected, KurrentOptions, KurrentStore, MemoryStore, NewEvent, Page, Position,
    ReadError, Recorded, Revision,
};
use kurrent_double::{Call, Double, Profile};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// Little patience, so that a test of impatience is short.
pub fn options() -> KurrentOptions {
    KurrentOptions {
        patience: Duration::from_secs(8),
        silence: Duration::from_millis(700),
        start_patience: Duration::from_secs(8),
        poll: Duration::from_millis(20),
        ..KurrentOptions::default()
    }
}

/// A store on a server.
pub async fn open(double: &Double) -> KurrentStore {
    KurrentStore::connect(&double.connection(), options()).await.unwrap()
}

/// A server alone, and a store on it.
pub async fn alone() -> (Double, KurrentStore) {
    let double = Double::start().unwrap();
    let store = open(&double).await;
    (double, store)
}

/// Three nodes, and a store that knows all of them.
pub async fn three() -> (Double, KurrentStore) {
    let double = Double::like(Profile { nodes: 3, ..Profile::default() }).unwrap();
    let store = open(&double).await;
    (double, store)
}

mod usual {
    use super::{Subject, alone};

    async fn make() -> Subject {
        let (double, store) = alone().await;
        Subject::new(store, double)
    }

    crate::conformance!(make);
}

mod cluster {
    use super::{Subject, three};

    async fn make() -> Subject {
        let (double, store) = three().await;
        Subject::new(store, double)
    }

    crate::conformance!(make);
}

/// As a server whose system projections run: most events of the log are its own.
mod projecting {
    use super::{Double, Profile, Subject, open};

    async fn make() -> Subject {
        let double = Double::like(Profile { system_events: true, ..Profile::default() }).unwrap();
        let store = open(&double).await;
        Subject { foreign: true, ..Subject::new(store, double) }
    }

    crate::conformance!(make);
}

/// The window that real servers are looked at through, on a double that holds events already.
mod window {
    use super::{Double, Profile, Subject, Window, fill, open, patient};

    async fn make() -> Subject {
        let double = Double::like(Profile { system_events: true, ..Profile::default() }).unwrap();
        let store = open(&double).await;
        fill(&store, &patient(1), 7).await;
        Subject { foreign: true, ..Subject::new(Window::open(store).await, double) }
    }

    crate::conformance!(make);
}

mod real {
    use super::{KurrentOptions, KurrentStore, Subject, Window};

    async fn make() -> Subject {
        let connection = std::env::var("KURRENTDB_URL").expect("KURRENTDB_URL says where the server is");
        let store = KurrentStore::connect(&connection, KurrentOptions::default()).await.unwrap();
        Subject { foreign: true, ..Subject::new(Window::open(store).await, ()) }
    }

    crate::conformance!(ignored: make);
}

/// A log that begins where a shared one ends: what stood there before is not shown, and streams have names that nobody
/// else has.
pub struct Window {
    store: KurrentStore,
    from: Option<Position>,
    salt: Uuid,
    names: Mutex<HashMap<StreamName, StreamName>>,
}

impl Window {
    pub async fn open(store: KurrentStore) -> Self {
        let mut from = None;
        loop {
            let page = store.read_all(from, 4_000).await.unwrap();
            from = page.next;
            if page.end {
                break;
            }
        }
        let salt = Uuid::from_u64_pair(from.map_or(0, |from| from.0), u64::from(std::process::id()));
        Self { store, from, salt, names: Mutex::default() }
    }

    fn outside(&self, name: &StreamName) -> StreamName {
        let id = Uuid::new_v5(&self.salt, name.as_str().as_bytes());
        let outside = if name.category() == "patient" {
            StreamName::patient(PatientId(id))
        } else {
            StreamName::agenda_day(AgendaId(id), WallDate::from_ymd(2026, 11, 24).unwrap())
        };
        self.names.lock().unwrap().insert(outside.clone(), name.clone());
        outside
    }

    fn inside(&self, event: Recorded) -> Recorded {
        let stream = self.names.lock().unwrap().get(&event.stream).cloned().expect("nobody else writes");
        Recorded { stream, ..event }
    }
}

#[async_trait]
impl EventStore for Window {
    async fn append(
        &self,
        stream: &StreamName,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        self.store.append(&self.outside(stream), expected, events).await
    }

    async fn read_stream(&self, stream: &StreamName, from: Revision, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let events = self.store.read_stream(&self.outside(stream), from, limit).await?;
        Ok(events.into_iter().map(|event| self.inside(event)).collect())
    }

    async fn read_all(&self, after: Option<Position>, limit: usize) -> Result<Page, ReadError> {
        let Page { events, next, end } = self.store.read_all(after.max(self.from), limit).await?;
        let next = next.filter(|next| after.is_some() || Some(*next) > self.from);
        Ok(Page { events: events.into_iter().map(|event| self.inside(event)).collect(), next, end })
    }

    async fn head(&self) -> Result<Option<Position>, ReadError> {
        Ok(self.store.head().await?.filter(|head| Some(*head) > self.from))
    }

    fn new_events(&self) -> watch::Receiver<u64> {
        self.store.new_events()
    }
}

/// The memory store is simple enough to be believed; this one has to answer like it, but for the positions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_asked_the_answers_are_those_of_the_memory_store() {
    let mut dice = Dice::cast("memory and KurrentDB");
    let (double, mut store) = alone().await;
    let model = MemoryStore::new();
    let mut sent: Vec<(StreamName, Expected, Vec<NewEvent>)> = Vec::new();
    let (mut new, mut already, mut conflicts) = (0, 0, 0);
    for round in 0..600 {
        let earlier = sent.get(usize::try_from(dice.below(sent.len() as u64 + 1)).unwrap()).cloned();
        let (stream, mut expected, mut list) = match earlier.filter(|_| dice.below(2) == 0) {
            Some(earlier) => earlier,
            None => (day(dice.below(3)), Expected::NoStream, events(usize::try_from(dice.below(3)).unwrap() + 1)),
        };
        match dice.below(6) {
            0 => list.push(event()),
            1 => list.truncate(1),
            2 => expected = Expected::head(dice.below(80).checked_sub(1)),
            _ if expected == Expected::NoStream => expected = Expected::head(head(&model, &stream).await),
            _ => {}
        }
        let answer = store.append(&stream, expected, list.clone()).await;
        let wanted = model.append(&stream, expected, list.clone()).await;
        let case = format!("round {round}: {stream} {expected:?} {} events", list.len());
        match (answer, wanted) {
            (Ok(answer), Ok(wanted)) => {
                let without_position = |a: Appended| Appended { position: Position(1), ..a };
                assert_eq!(without_position(answer), without_position(wanted), "{case}");
                if answer.already { already += 1 } else { new += 1 }
            }
            (answer, wanted) => {
                assert_eq!(answer, wanted, "{case}");
                conflicts += 1;
            }
        }
        sent.push((stream, expected, list));
        if dice.below(60) == 0 {
            // What one process knows is not what the answer rests on.
            store = open(&double).await;
        }
    }
    let positions = |all: Vec<Recorded>| -> Vec<Recorded> {
        all.into_iter().map(|event| Recorded { position: Position(1), ..event }).collect()
    };
    assert_eq!(positions(everything(&store, 100).await), positions(model.all()));
    assert!(new > 20 && already > 20 && conflicts > 20, "{new} {already} {conflicts}: too much of one kind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_log_is_looked_at_once_however_many_events_the_server_adds_of_its_own() {
    let (double, store) = alone().await;
    fill(&store, &day(1), 3).await;
    double.add_system_events(9_000);
    let head = store.head().await.unwrap();
    let last = stored(store.append(&day(2), Expected::NoStream, vec![event()]).await).position;
    double.add_system_events(9_000);
    assert!(head < Some(last));
    assert_eq!(store.head().await.unwrap(), Some(last));
    assert_eq!(store.last().await.unwrap().map(|event| event.position), Some(last));
    let mut after = Some(last);
    loop {
        let page = store.read_all(after, 100).await.unwrap();
        assert!(page.events.is_empty());
        after = page.next;
        if page.end {
            break;
        }
    }
    assert!(after > Some(last), "the checkpoint stays below the server's own events");
    let before = (double.calls(Call::ReadAll), Duration::ZERO);
    assert_eq!(store.head().await.unwrap(), Some(last));
    assert!(store.read_all(after, 100).await.unwrap().end);
    assert!(double.calls(Call::ReadAll) - before.0 <= 4, "what was looked at is looked at again");
}

/// The store reads in pages of its own, which end at anybody's event.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_are_put_together_show_every_event_once() {
    for (system_events, between) in [(true, 0), (false, 0), (false, 61), (false, 62), (false, 63), (false, 64)] {
        let double = Double::like(Profile { system_events, ..Profile::default() }).unwrap();
        let store = open(&double).await;
        for number in 0..40 {
            stored(store.append(&patient(number), Expected::NoStream, events(3)).await);
            double.add_system_events(between);
        }
        let stored: Vec<_> = double.stored().iter().map(|event| event.id).collect();
        for limit in [1, 2, 61, 62, 63, 64, 65, 119, 120, 121, usize::MAX] {
            let read = everything(&store, limit).await;
            assert_eq!(read.iter().map(|event| event.id).collect::<Vec<_>>(), stored, "{between} between, by {limit}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_node_writes_wakes_a_waiting_follower() {
    let (double, store) = alone().await;
    let other = open(&double).await;
    let mut hint = store.new_events();
    hint.changed().await.unwrap();
    stored(other.append(&day(1), Expected::NoStream, vec![event()]).await);
    tokio::time::timeout(Duration::from_secs(5), hint.changed()).await.unwrap().unwrap();
    assert_eq!(everything(&store, 10).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_that_store_under_the_same_ids_one_hears_that_it_was_not_the_one() {
    let double = Double::start().unwrap();
    let nodes = [Arc::new(open(&double).await), Arc::new(open(&double).await)];
    for number in 0..50 {
        let list = events(2);
        // The same command, decided by two nodes: the same ids, and another time in the metadata.
        let mut other = list.clone();
        other[0].metadata = r#"{"actor":"visit","codec":"postcard/2"}"#.into();
        let stream = patient(number);
        let (one, two) = tokio::join!(
            nodes[0].append(&stream, Expected::NoStream, list.clone()),
            nodes[1].append(&stream, Expected::NoStream, other.clone())
        );
        let (one, two) = (one.unwrap(), two.unwrap());
        let read = nodes[0].read_stream(&stream, 0, 10).await.unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(one.already, read[0].metadata != list[0].metadata, "node 0 takes the other's content for its own");
        assert_eq!(two.already, read[0].metadata != other[0].metadata, "node 1 takes the other's content for its own");
        assert_eq!(one.position, two.position);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revision_that_no_server_knows_is_a_conflict_and_is_not_sent() {
    // There a revision is signed: sent as it is, the greatest ones would mean "any" and "no stream".
    let (double, store) = alone().await;
    fill(&store, &day(1), 2).await;
    let sent = double.calls(Call::Append);
    for revision in [u64::MAX, u64::MAX - 1, u64::MAX - 3, 1 << 63] {
        for (stream, actual) in [(day(1), Some(1)), (day(2), None)] {
            let answer = store.append(&stream, Expected::Exact(revision), vec![event()]).await;
            assert_eq!(answer, Err(AppendError::WrongExpectedRevision { actual }));
        }
    }
    assert_eq!(double.calls(Call::Append), sent);
    assert_eq!(everything(&store, 10).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_that_nobody_was_told_is_read_after_all_the_same() {
    let (_double, store) = alone().await;
    fill(&store, &day(1), 40).await;
    let all = everything(&store, 7).await;
    for (index, event) in all.iter().enumerate() {
        for between in [event.position.0 - 1, event.position.0 - 40] {
            let page = store.read_all(Some(Position(between)), 3).await.unwrap();
            let wanted: Vec<_> = all.iter().filter(|event| event.position.0 > between).take(3).cloned().collect();
            assert_eq!(page.events, wanted, "after {between}, before event {index}");
        }
    }
}
