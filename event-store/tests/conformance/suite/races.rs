//! Many at once.

use crate::actors::{Dice, Subject, day, event, events, everything, head, patient, stored};
use booking_store::{AppendError, Expected, Position};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::task::JoinSet;

pub async fn the_same_append_sent_twice_at_once_is_stored_once(subject: &Subject) {
    for number in 0..50 {
        let stream = patient(number);
        let list = events(2);
        let append = || subject.store.append(&stream, Expected::NoStream, list.clone());
        let (one, two) = tokio::join!(append(), append());
        let (one, two) = (one.unwrap(), two.unwrap());
        assert!(one.already != two.already, "{one:?} {two:?}");
        assert_eq!(one.position, two.position);
        assert_eq!(head(subject.store.as_ref(), &stream).await, Some(1));
    }
}

pub async fn of_64_first_appends_to_one_stream_one_succeeds(subject: &Subject) {
    let mut writers = JoinSet::new();
    for _ in 0..64 {
        let store = Arc::clone(&subject.store);
        writers.spawn(async move { store.append(&day(1), Expected::NoStream, events(2)).await });
    }
    let answers = writers.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let conflict = Err(AppendError::WrongExpectedRevision { actual: Some(1) });
    assert_eq!(answers.iter().filter(|answer| **answer == conflict).count(), 63, "{answers:?}");
    assert_eq!(everything(subject.store.as_ref(), 100).await.len(), 2);
}

pub async fn appends_of_64_racing_writers_to_one_stream_are_all_stored_once(subject: &Subject) {
    race(subject, 64, 4, |_| day(1)).await;
}

pub async fn appends_of_64_racing_writers_to_many_streams_are_all_stored_once(subject: &Subject) {
    race(subject, 64, 10, |writer| day(writer % 7)).await;
}

/// So many writers append so often, each until it has succeeded; then the log holds just what was acknowledged.
async fn race(subject: &Subject, writers: u64, times: u64, stream_of: fn(u64) -> booking_domain::stream::StreamName) {
    let mut running = JoinSet::new();
    for writer in 0..writers {
        let store = Arc::clone(&subject.store);
        running.spawn(async move {
            let (stream, mut expected, mut done) = (stream_of(writer), Expected::NoStream, Vec::new());
            while (done.len() as u64) < times {
                let list = vec![event(), event()];
                let ids = [list[0].id, list[1].id];
                match store.append(&stream, expected, list).await {
                    Ok(appended) => {
                        assert!(!appended.already, "ids that nobody else has");
                        done.push((stream.clone(), appended, ids));
                        expected = Expected::Exact(appended.last_revision);
                    }
                    Err(AppendError::WrongExpectedRevision { actual }) => expected = Expected::head(actual),
                    Err(other) => panic!("a caller saw {other}"),
                }
            }
            done
        });
    }
    let acknowledged: Vec<_> = running.join_all().await.into_iter().flatten().collect();
    let log = everything(subject.store.as_ref(), 33).await;
    assert_eq!(log.len() as u64, 2 * writers * times, "stored rows are not the acknowledged ones");
    let by_id: HashMap<_, _> = log.iter().map(|event| (event.id, event)).collect();
    for (stream, appended, ids) in acknowledged {
        let [first, last] = ids.map(|id| by_id.get(&id).unwrap());
        assert_eq!((first.revision, last.revision), (appended.first_revision, appended.last_revision));
        assert_eq!(last.position, appended.position);
        assert_eq!(first.stream, stream);
    }
}

pub async fn a_follower_sees_every_event_once_and_in_order_while_others_write(subject: &Subject) {
    let mut dice = Dice::cast("follower");
    let mut writers = JoinSet::new();
    for writer in 0..16_u64 {
        let (store, mut dice) = (Arc::clone(&subject.store), dice.split());
        writers.spawn(async move {
            let (stream, mut last) = (day(writer), None);
            for _ in 0..40 {
                for _ in 0..dice.below(8) {
                    tokio::task::yield_now().await;
                }
                let count = usize::try_from(dice.below(5)).unwrap() + 1;
                let appended = stored(store.append(&stream, Expected::head(last), events(count)).await);
                last = Some(appended.last_revision);
            }
            last.unwrap() + 1
        });
    }
    let store = Arc::clone(&subject.store);
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let follower = tokio::spawn(async move {
        let (mut seen, mut after): (Vec<_>, Option<Position>) = (Vec::new(), None);
        let mut hint = store.new_events();
        loop {
            let stopping = *stopped.borrow();
            let limit = usize::try_from(dice.below(20)).unwrap() + 1;
            let page = store.read_all(after, limit).await.unwrap();
            // The log grows in one order, whichever way it is read: what a page shows, its stream shows too.
            if let Some(last) = page.events.last() {
                let read = store.read_stream(&last.stream, last.revision, 1).await.unwrap();
                assert_eq!(read.first(), Some(last));
            }
            seen.extend(page.events);
            after = page.next;
            if page.end && stopping {
                return seen;
            }
            if page.end {
                tokio::select! { _ = hint.changed() => {}, _ = stopped.changed() => {} }
            }
        }
    });
    let written: u64 = writers.join_all().await.into_iter().sum();
    stop.send(true).unwrap();
    let seen = follower.await.unwrap();
    assert_eq!(seen.len() as u64, written);
    assert!(seen.windows(2).all(|two| two[0].position < two[1].position));
    assert_eq!(seen.iter().map(|event| event.id).collect::<HashSet<_>>().len() as u64, written);
    let mut next = HashMap::new();
    for event in &seen {
        let revision = next.entry(event.stream.clone()).or_insert(0);
        assert_eq!(event.revision, *revision, "a stream's events came out of their order");
        *revision += 1;
    }
}

pub async fn an_acknowledged_append_is_seen_by_every_later_read(subject: &Subject) {
    let mut writers = JoinSet::new();
    for writer in 0..16_u64 {
        let store = Arc::clone(&subject.store);
        writers.spawn(async move {
            let stream = day(writer);
            for revision in 0..20_u64 {
                let one = event();
                let id = one.id;
                let expected = Expected::head(revision.checked_sub(1));
                let appended = stored(store.append(&stream, expected, vec![one]).await);
                let read = store.read_stream(&stream, revision, 10).await.unwrap();
                assert_eq!(read.iter().map(|event| event.id).collect::<Vec<_>>(), [id]);
                assert!(store.head().await.unwrap() >= Some(appended.position));
                let before = Position(appended.position.0 - 1);
                let page = store.read_all(Some(before).filter(|before| before.0 > 0), 1).await.unwrap();
                assert_eq!(page.events.first().map(|event| event.id), Some(id));
            }
        });
    }
    writers.join_all().await;
}

pub async fn the_hint_of_new_events_wakes_a_waiting_follower(subject: &Subject) {
    let mut hint = subject.store.new_events();
    // Given out as changed: a follower that reads before it waits misses nothing.
    hint.changed().await.unwrap();
    let waiting = tokio::spawn(async move { hint.changed().await });
    stored(subject.store.append(&day(1), Expected::NoStream, vec![event()]).await);
    waiting.await.unwrap().unwrap();
}
