//! The ledger: every event is a leaf, in the log's order, whatever it says; proofs for every leaf and size.

use crate::support::*;
use booking_domain::stream::StreamName;
use booking_events::ledger::merkle::{Hash, Tree};
use booking_events::ledger::proof::{verify_consistency, verify_inclusion};
use booking_events::ledger::{StoredEvent, leaf_hash};
use booking_projections::ledger::{Ledger, StoredLeaves};
use booking_projections::{Db, Progress, Runner, RunnerOptions, Views};
use booking_store::{EventStore, Expected, NewEvent, Recorded};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The leaf as the page on the ledger has it, made here from what the log holds.
fn leaf_of(index: u64, event: &Recorded) -> Hash {
    let stored = StoredEvent {
        stream: event.stream.as_str(),
        revision: event.revision,
        id: event.id,
        event_type: &event.event_type,
        metadata: event.metadata.as_bytes(),
        payload: &event.payload,
    };
    leaf_hash(index, &stored.hash())
}

fn leaves(log: &Log) -> Vec<Hash> {
    log.store.all().iter().zip(0..).map(|(event, index)| leaf_of(index, event)).collect()
}

fn root_of(leaves: &[Hash]) -> Hash {
    let mut tree = Tree::default();
    for leaf in leaves {
        tree.push(*leaf);
    }
    tree.root()
}

/// Appends events that mean nothing: of types that nobody knows, with metadata that nobody can read.
async fn noise(log: &Log, stream: &str, count: u64) {
    let stream = StreamName::parse(stream).unwrap();
    let event = |n: u64| NewEvent {
        id: Uuid::new_v5(&Uuid::nil(), format!("{stream}{n}").as_bytes()),
        event_type: "never-heard-of.v9".into(),
        metadata: "{}".into(),
        payload: n.to_be_bytes().into(),
    };
    log.store.append(&stream, Expected::NoStream, (0..count).map(event).collect()).await.unwrap();
}

/// Everything that the ledger says, against the leaves of the log.
async fn holds(ledger: &Ledger, log: &Log) {
    let (all, events) = (leaves(log), log.store.all());
    let size = u64::try_from(all.len()).unwrap();
    assert_eq!(ledger.size(), size);
    let root = root_of(&all);
    for (leaf, index) in all.iter().zip(0_u64..).step_by(7) {
        assert_eq!(ledger.leaf(index).await.unwrap(), Some(*leaf));
        assert_eq!(ledger.leaf_of_hash(leaf).await.unwrap(), Some(index));
        assert_eq!(ledger.leaf_of_event(events[usize::try_from(index).unwrap()].id).await.unwrap(), Some(index));
        let proof = ledger.inclusion(index, size).await.unwrap().unwrap();
        assert!(verify_inclusion(*leaf, index, size, &proof, &root), "{index} of {size}");
        let old = root_of(&all[..usize::try_from(index).unwrap()]);
        assert_eq!(ledger.root_at(index).await.unwrap(), Some(old));
        let proof = ledger.consistency(index, size).await.unwrap().unwrap();
        assert!(verify_consistency(index, &old, size, &root, &proof), "{index} to {size}");
    }
    assert_eq!(ledger.root_at(size).await.unwrap(), Some(root));
    assert_eq!(ledger.root_at(size + 1).await.unwrap(), None);
    assert_eq!((ledger.leaf(size).await.unwrap(), ledger.inclusion(size, size).await.unwrap()), (None, None));
    assert_eq!(ledger.inclusion(0, size + 1).await.unwrap(), None);
    assert_eq!(ledger.leaf_of_event(Uuid::from_bytes([9; 16])).await.unwrap(), None);
    assert_eq!(ledger.leaf_of_hash(&[9; 32]).await.unwrap(), None);
}

async fn ledger_of(log: &Log, path: &std::path::Path, page: usize) -> (Arc<Ledger>, Views) {
    let options = RunnerOptions { page, rebuild_page: page, ..RunnerOptions::default() };
    let views = Views::open(path, log.store(), Arc::new(Opener), options).await.unwrap();
    (Arc::clone(&views.ledger), views)
}

#[tokio::test]
async fn every_event_is_a_leaf_whether_or_not_it_can_be_read() {
    let (folder, log) = (folder(), Log::new());
    log.clinic(2).await;
    noise(&log, "patient-00000000000000000000000000000001", 3).await;
    let (ledger, views) = ledger_of(&log, &folder.path().join("views.db"), 10).await;
    assert_eq!(ledger.root_at(0).await.unwrap(), Some(root_of(&[])));
    views.start();
    assert!(views.wait_for("ledger", log.head().await, PATIENCE).await);
    holds(&ledger, &log).await;
    views.close().await;
}

#[tokio::test]
async fn pages_restarts_and_rebuilds_make_one_tree() {
    let (folder, log) = (folder(), Log::new());
    let path = folder.path().join("views.db");
    // Past the ends of tiles, in pages that do not fall on them.
    for (round, (count, page)) in [(200, 1), (57, 3), (600, 100), (1, 1_000)].into_iter().enumerate() {
        noise(&log, &format!("demand-{round}"), count).await;
        let (ledger, views) = ledger_of(&log, &path, page).await;
        views.start();
        assert!(views.wait_for("ledger", log.head().await, PATIENCE).await);
        holds(&ledger, &log).await;
        let report = views.rebuild("ledger", &CancellationToken::new()).await.unwrap();
        assert_eq!(report.agrees(), Some(true));
        holds(&ledger, &log).await;
        views.close().await;
    }
    let all = leaves(&log);
    let mut stored = StoredLeaves::open(&path).await.unwrap().unwrap();
    assert_eq!(stored.size(), u64::try_from(all.len()).unwrap());
    for (leaf, index) in all.iter().zip(0..) {
        assert_eq!(stored.leaf(index).await.unwrap(), Some(*leaf));
    }
    assert_eq!(stored.leaf(stored.size()).await.unwrap(), None);
    stored.close().await;
}

/// Figures: what a leaf costs, alone in its file.
#[tokio::test]
#[ignore = "a measurement"]
async fn measure_the_ledger_of_a_hundred_thousand_events() {
    let (folder, log) = (folder(), Log::new());
    for round in 0..20 {
        noise(&log, &format!("demand-{round}"), 5_000).await;
    }
    let db = Arc::new(Db::open(&folder.path().join("views.db")).await.unwrap());
    let view = Arc::new(Ledger::new(Arc::clone(&db)));
    let runner = Runner::open(view, log.store(), db, RunnerOptions { page: 10_000, ..RunnerOptions::default() });
    let (runner, start) = (runner.await.unwrap(), std::time::Instant::now());
    while runner.step(&CancellationToken::new()).await.unwrap() == Progress::More {}
    println!("100,000 leaves in {:?}", start.elapsed());
}
