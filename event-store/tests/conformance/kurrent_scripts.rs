//! Random faults under writers who retry: whatever was acknowledged is stored once, where it was said to be, and nothing
//! else is.
//!
//! `SCRIPTS=n` runs so many scripts; `TORTURE=1` runs 500. A failed one prints its seed.

use crate::actors::{Dice, day, event, everything};
use crate::kurrent::options;
use booking_store::{AppendError, Appended, EventStore, Expected, KurrentFault, KurrentOptions, KurrentStore};
use kurrent_double::{Call, Double, Fault, Profile};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use uuid::Uuid;

fn scripts(small: usize) -> usize {
    let asked = std::env::var("SCRIPTS").ok().and_then(|count| count.parse().ok());
    asked.unwrap_or(if std::env::var("TORTURE").is_ok_and(|torture| torture == "1") { 500 } else { small })
}

/// What befalls one call in about four.
fn fault(call: Call, dice: &mut Dice, nodes: usize) -> Option<Fault> {
    let of_append = [
        Fault::LoseAnswer,
        Fault::Reset,
        Fault::CommitPhaseTimeout,
        Fault::Deadline { stored: true },
        Fault::Deadline { stored: false },
        Fault::NotReady,
        Fault::HandlerFails,
        Fault::Slow(Duration::from_millis(150)),
        Fault::Hang,
    ];
    let of_read = [
        Fault::BreakAfter(1),
        Fault::BreakAfter(3),
        Fault::EndAfter(0),
        Fault::EndAfter(2),
        Fault::Twice(0),
        Fault::Twice(2),
        Fault::NotReady,
        Fault::Reset,
        Fault::Hang,
    ];
    let pick = |list: &[Fault], dice: &mut Dice| list[usize::try_from(dice.below(list.len() as u64)).unwrap()];
    let nodes = nodes as u64;
    match (call, dice.below(16)) {
        (Call::Append, 0..3) => Some(pick(&of_append, dice)),
        (Call::Append | Call::ReadStream, 3) if nodes > 1 => {
            Some(Fault::NotLeader(usize::try_from(dice.below(nodes)).unwrap()))
        }
        (Call::ReadStream, 0..=1) => Some(pick(&of_read, dice)),
        // What is read of everything is judged afterwards, without faults.
        (Call::Gossip | Call::Features, 0) => Some(Fault::HandlerFails),
        _ => None,
    }
}

/// One script. What is wrong at its end, if anything is.
async fn script(seed: u64, planted: Option<KurrentFault>) -> Result<usize, String> {
    let mut dice = Dice::from(seed);
    let nodes = if dice.below(2) == 0 { 1 } else { 3 };
    let double = Double::like(Profile { nodes, system_events: dice.below(2) == 0, ..Profile::default() }).unwrap();
    let patient = KurrentOptions {
        patience: Duration::from_secs(20),
        silence: Duration::from_millis(120),
        fault: planted,
        ..options()
    };
    let stores = [
        Arc::new(KurrentStore::connect(&double.connection(), patient).await.unwrap()),
        Arc::new(KurrentStore::connect(&double.connection(), patient).await.unwrap()),
    ];
    let mut meddling = dice.split();
    double.meddle(move |call| fault(call, &mut meddling, nodes));
    let mut writers = JoinSet::new();
    for writer in 0..6_u64 {
        let (store, mut dice) = (Arc::clone(&stores[usize::try_from(writer % 2).unwrap()]), dice.split());
        writers.spawn(async move { write(&*store, writer, &mut dice).await });
    }
    // Meanwhile nodes die and come back.
    for _ in 0..dice.below(4) {
        let node = usize::try_from(dice.below(nodes as u64)).unwrap();
        tokio::time::sleep(Duration::from_millis(dice.below(60))).await;
        match dice.below(3) {
            0 if nodes > 1 => double.elect(node),
            1 => {
                double.freeze(node, true);
                tokio::time::sleep(Duration::from_millis(dice.below(200))).await;
                double.freeze(node, false);
            }
            _ => {
                double.kill(node);
                tokio::time::sleep(Duration::from_millis(dice.below(60))).await;
                double.not_ready_for(node, Duration::from_millis(dice.below(60)));
                double.start_node(node).unwrap();
            }
        }
    }
    let answers: Vec<_> = writers.join_all().await.into_iter().collect::<Result<Vec<_>, String>>()?;
    double.rest();
    sound(&stores[0], &answers.concat()).await.map(|()| double.happened().len())
}

/// An append that was acknowledged: where, and with which ids.
type Acknowledged = (booking_domain::stream::StreamName, Appended, Vec<Uuid>);

/// Appends eight times to a stream of several writers, each until it is acknowledged.
async fn write(store: &dyn EventStore, writer: u64, dice: &mut Dice) -> Result<Vec<Acknowledged>, String> {
    let stream = day(writer % 3);
    let mut done = Vec::new();
    for _ in 0..8 {
        let count = usize::try_from(dice.below(3)).unwrap() + 1;
        let batch: Vec<_> = (0..count).map(|_| event()).collect();
        let ids: Vec<_> = batch.iter().map(|event| event.id).collect();
        let mut tries = 0;
        loop {
            // A decision rests on what is read, so what is read has to be everything that was acknowledged.
            let read = store.read_stream(&stream, 0, usize::MAX).await.map_err(|error| error.to_string())?;
            let head = read.last().map(|event| event.revision);
            if done.last().is_some_and(|(_, last, _): &Acknowledged| Some(last.last_revision) > head) {
                return Err(format!("{stream} reads up to {head:?}, and more was acknowledged to the same writer"));
            }
            match store.append(&stream, Expected::head(head), batch.clone()).await {
                Ok(appended) => {
                    done.push((stream.clone(), appended, ids.clone()));
                    break;
                }
                Err(AppendError::WrongExpectedRevision { .. } | AppendError::Unavailable(_)) if tries < 200 => {
                    tries += 1;
                }
                Err(other) => return Err(other.to_string()),
            }
            // As the engine does: a command that finds itself in the stream is done.
            let read = store.read_stream(&stream, 0, usize::MAX).await.map_err(|error| error.to_string())?;
            if let Some(first) = read.iter().find(|event| event.id == ids[0]) {
                let last = read.iter().find(|event| event.id == ids[ids.len() - 1]);
                let Some(last) = last else { return Err(format!("half of an append in {stream}")) };
                let (first_revision, last_revision, position) = (first.revision, last.revision, last.position);
                done.push((stream.clone(), Appended { first_revision, last_revision, position, already: true }, ids));
                break;
            }
        }
    }
    Ok(done)
}

/// The log holds what was acknowledged, where it was said to be, and nothing else.
async fn sound(store: &KurrentStore, acknowledged: &[Acknowledged]) -> Result<(), String> {
    let log = everything(store, 100).await;
    let mut places = HashMap::new();
    for event in &log {
        if places.insert(event.id, event).is_some() {
            return Err(format!("event {} is stored twice", event.id));
        }
    }
    let mut known = 0;
    for (stream, appended, ids) in acknowledged {
        for (id, revision) in ids.iter().zip(appended.first_revision..) {
            let Some(event) = places.get(id) else { return Err(format!("event {id} was acknowledged and is lost")) };
            if (&event.stream, event.revision) != (stream, revision) {
                return Err(format!(
                    "event {id} is not where it was acknowledged: {} {}",
                    event.stream, event.revision
                ));
            }
            known += 1;
        }
        if places.get(&ids[ids.len() - 1]).map(|event| event.position) != Some(appended.position) {
            return Err("an append's position is not its last event's".to_owned());
        }
    }
    if known == log.len() { Ok(()) } else { Err(format!("{} events are stored, {known} were acknowledged", log.len())) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_befalls_the_servers_what_was_acknowledged_is_stored_once() {
    let mut seeds = Dice::cast("fault scripts");
    let mut happened = 0;
    for _ in 0..scripts(12) {
        let seed = seeds.seed();
        match script(seed, None).await {
            Ok(faults) => happened += faults,
            Err(why) => panic!("script {seed}: {why}"),
        }
    }
    println!("{happened} faults");
    assert!(happened > 50, "only {happened} faults happened");
}

/// The scripts have to notice a store that does it wrong.
async fn control(planted: KurrentFault) {
    let mut seeds = Dice::cast("negative control");
    for _ in 0..20 {
        if let Err(why) = script(seeds.seed(), Some(planted)).await {
            println!("{planted:?}: {why}");
            return;
        }
    }
    panic!("{planted:?} was not noticed in 20 scripts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_that_acknowledges_what_it_does_not_know_is_noticed() {
    control(KurrentFault::AcknowledgeUnknown).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_that_retries_under_other_ids_and_anywhere_is_noticed() {
    control(KurrentFault::RetryAnywhere).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_that_believes_broken_pages_is_noticed() {
    control(KurrentFault::BelieveBrokenPages).await;
}
