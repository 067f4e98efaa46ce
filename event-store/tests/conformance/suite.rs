//! The suite: nothing here knows which store it runs over.

use crate::actors::{Dice, Subject, day, event, event_with, events, everything, fill, fresh_id, head, patient, stored};
use booking_store::{
    AppendError, Expected, MAX_EVENTS, MAX_METADATA_BYTES, MAX_PAYLOAD_BYTES, MAX_TYPE_BYTES, NewEvent, Position,
};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;

/// One test per name, over the store that `$make` makes.
#[macro_export]
macro_rules! conformance {
    ($make:path) => {
        $crate::conformance!($make;
            an_append_succeeds_exactly_when_the_expected_head_is_the_stream_s,
            an_append_whose_answer_was_lost_is_answered_again,
            a_retry_that_overlaps_only_partly_is_a_conflict,
            the_same_append_sent_twice_at_once_is_stored_once,
            an_id_that_comes_again_at_the_right_revision_is_stored_again,
            what_no_store_takes_is_refused_and_nothing_is_stored,
            of_64_first_appends_to_one_stream_one_succeeds,
            appends_of_64_racing_writers_to_one_stream_are_all_stored_once,
            appends_of_64_racing_writers_to_many_streams_are_all_stored_once,
            a_follower_sees_every_event_once_and_in_order_while_others_write,
            an_acknowledged_append_is_seen_by_every_later_read,
            what_was_appended_is_read_to_the_byte,
            pages_of_every_size_show_the_same_log,
            an_empty_log_has_one_empty_page,
            the_page_of_a_quiet_log_reaches_its_head,
            a_stream_is_read_from_any_revision_in_parts_of_any_size,
            a_stream_that_does_not_exist_reads_as_empty,
            streams_do_not_see_each_other,
            an_append_of_many_events_is_stored_whole,
            the_hint_of_new_events_wakes_a_waiting_follower,
        );
    };
    ($make:path; $($name:ident,)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $name() {
            let subject = $make().await;
            $crate::suite::$name(&subject).await;
            drop(subject.store);
            drop(subject.keep);
        }
    )+};
}

pub async fn an_append_succeeds_exactly_when_the_expected_head_is_the_stream_s(subject: &Subject) {
    let store = subject.store.as_ref();
    let expectations = [
        Expected::NoStream,
        Expected::Exact(0),
        Expected::Exact(1),
        Expected::Exact(2),
        Expected::Exact(u64::MAX - 1),
        Expected::Exact(u64::MAX),
    ];
    let mut number = 0;
    for length in 0..=3_u64 {
        for expected in expectations {
            for count in [1, 3] {
                number += 1;
                let stream = patient(number);
                fill(store, &stream, length).await;
                let case = format!("{length} events, {expected:?}, {count} more");
                let actual = length.checked_sub(1);
                let answer = store.append(&stream, expected, events(count)).await;
                let read = store.read_stream(&stream, 0, usize::MAX).await.unwrap();
                if expected == Expected::head(actual) {
                    let appended = stored(answer);
                    assert_eq!(appended.first_revision, length, "{case}");
                    assert_eq!(appended.last_revision, length + count as u64 - 1, "{case}");
                    assert_eq!(read.len() as u64, length + count as u64, "{case}");
                    assert_eq!(read.last().map(|event| event.position), Some(appended.position), "{case}");
                } else {
                    assert_eq!(answer, Err(AppendError::WrongExpectedRevision { actual }), "{case}");
                    assert_eq!(read.len() as u64, length, "{case}");
                }
            }
        }
    }
}

pub async fn an_append_whose_answer_was_lost_is_answered_again(subject: &Subject) {
    let store = subject.store.as_ref();
    for (number, length) in [(1, 0), (2, 1), (3, 4)] {
        let stream = patient(number);
        fill(store, &stream, length).await;
        let expected = Expected::head(length.checked_sub(1));
        let lost = events(2);
        let first = stored(store.append(&stream, expected, lost.clone()).await);
        // At once, and after others went on.
        for _ in 0..2 {
            let again = store.append(&stream, expected, lost.clone()).await.unwrap();
            assert!(again.already);
            assert_eq!((again.first_revision, again.last_revision), (first.first_revision, first.last_revision));
            assert_eq!(again.position, first.position);
            let now = head(store, &stream).await;
            stored(store.append(&stream, Expected::head(now), events(3)).await);
        }
        assert_eq!(head(store, &stream).await, Some(length + 2 + 6 - 1), "a retry stored something");
    }
}

pub async fn a_retry_that_overlaps_only_partly_is_a_conflict(subject: &Subject) {
    let store = subject.store.as_ref();
    let stream = patient(1);
    let [a, b, c] = [event(), event(), event()];
    stored(store.append(&stream, Expected::NoStream, vec![a.clone(), b.clone()]).await);
    let conflict = Err(AppendError::WrongExpectedRevision { actual: Some(1) });
    let cases = [
        (Expected::NoStream, vec![a.clone(), b.clone(), c.clone()]),
        (Expected::NoStream, vec![a.clone(), c.clone()]),
        (Expected::NoStream, vec![b.clone(), a.clone()]),
        (Expected::NoStream, vec![b.clone()]),
        (Expected::Exact(0), vec![b.clone(), c.clone()]),
        (Expected::Exact(0), vec![a.clone()]),
        (Expected::Exact(2), vec![a.clone()]),
        (Expected::Exact(5), vec![b.clone()]),
    ];
    for (expected, list) in cases {
        let ids: Vec<_> = list.iter().map(|event| event.id).collect();
        assert_eq!(store.append(&stream, expected, list).await, conflict, "{expected:?} {ids:?}");
    }
    // A part that is stored as it stands, right after the expected revision, was stored: so says a cluster, too.
    for (expected, list, last) in [(Expected::NoStream, vec![a], 0), (Expected::Exact(0), vec![b], 1)] {
        let again = store.append(&stream, expected, list).await.unwrap();
        assert!(again.already);
        assert_eq!(again.last_revision, last);
    }
    assert_eq!(head(store, &stream).await, Some(1));
}

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

pub async fn an_id_that_comes_again_at_the_right_revision_is_stored_again(subject: &Subject) {
    // Who must not do this is the engine, whose folds know their commands.
    let (store, stream, twice) = (subject.store.as_ref(), patient(1), event());
    stored(store.append(&stream, Expected::NoStream, vec![twice.clone()]).await);
    stored(store.append(&stream, Expected::Exact(0), vec![twice.clone()]).await);
    stored(store.append(&patient(2), Expected::NoStream, vec![twice]).await);
    assert_eq!(everything(store, 10).await.len(), 3);
}

pub async fn what_no_store_takes_is_refused_and_nothing_is_stored(subject: &Subject) {
    let store = subject.store.as_ref();
    let typed = |name: String| NewEvent { event_type: Cow::Owned(name), ..event() };
    let with_metadata = |metadata: &str| NewEvent { metadata: metadata.to_owned(), ..event() };
    let long_metadata = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_METADATA_BYTES));
    let half = vec![0; MAX_PAYLOAD_BYTES / 2 + 1];
    let twice = event();
    let cases: Vec<(&str, Vec<NewEvent>)> = vec![
        ("no event", vec![]),
        ("too many events", events(MAX_EVENTS + 1)),
        ("the nil id", vec![event(), event_with(Uuid::nil(), vec![1])]),
        ("an empty type", vec![typed(String::new())]),
        ("a long type", vec![typed("t".repeat(MAX_TYPE_BYTES + 1))]),
        ("no metadata", vec![with_metadata("")]),
        ("metadata that is a list", vec![with_metadata("[]")]),
        ("long metadata", vec![with_metadata(&long_metadata)]),
        ("a long payload", vec![event_with(fresh_id(), vec![0; MAX_PAYLOAD_BYTES + 1])]),
        ("long payloads", vec![event_with(fresh_id(), half.clone()), event_with(fresh_id(), half)]),
        ("an id twice", vec![twice.clone(), event(), twice.clone()]),
        ("an id twice among many", [events(20), vec![twice.clone()], events(3), vec![twice]].concat()),
    ];
    for (case, list) in cases {
        let answer = store.append(&patient(1), Expected::NoStream, list).await;
        assert!(matches!(answer, Err(AppendError::Invalid(_))), "{case}: {answer:?}");
    }
    assert_eq!(store.head().await.unwrap(), None);
    stored(
        store.append(&patient(1), Expected::NoStream, vec![event_with(fresh_id(), vec![0; MAX_PAYLOAD_BYTES])]).await,
    );
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

pub async fn what_was_appended_is_read_to_the_byte(subject: &Subject) {
    let store = subject.store.as_ref();
    let payloads: Vec<Vec<u8>> = vec![
        vec![],
        (0..=255).collect(),
        vec![0],
        vec![0; 4096],
        "déjà vu".as_bytes().to_vec(),
        vec![0xff; 100_000],
        b"'); DROP TABLE events; --".to_vec(),
    ];
    let list: Vec<_> = payloads
        .into_iter()
        .enumerate()
        .map(|(n, payload)| NewEvent {
            id: fresh_id(),
            event_type: Cow::Owned(format!("type-{n}.v{n}")),
            metadata: format!(r#"{{"n":"{n}","text":"é\u0000 '\"  {}"}}"#, '\u{1F9D1}'),
            payload,
        })
        .collect();
    stored(store.append(&patient(1), Expected::NoStream, list.clone()).await);
    let (stream, all) = (store.read_stream(&patient(1), 0, 100).await.unwrap(), everything(store, 3).await);
    assert_eq!(stream, all);
    for ((revision, stored), sent) in (0..).zip(all).zip(list) {
        assert_eq!(stored.stream, patient(1));
        assert_eq!((stored.revision, stored.id), (revision, sent.id));
        assert_eq!(stored.event_type.as_ref(), sent.event_type.as_ref());
        assert_eq!((stored.metadata, stored.payload), (sent.metadata, sent.payload));
    }
}

pub async fn pages_of_every_size_show_the_same_log(subject: &Subject) {
    let store = subject.store.as_ref();
    for n in 0..5 {
        fill(store, &day(n), 5).await;
    }
    let whole = everything(store, usize::MAX).await;
    assert_eq!(whole.len(), 25);
    for limit in 1..=26 {
        assert_eq!(everything(store, limit).await, whole, "pages of {limit}");
    }
    // The page that ends with the log says so, though it is full.
    let full = store.read_all(None, 25).await.unwrap();
    assert!(full.end);
    assert!(!store.read_all(None, 24).await.unwrap().end);
    let none = store.read_all(full.next, 0).await.unwrap();
    assert_eq!((none.events.len(), none.next, none.end), (0, full.next, true));
    let start = store.read_all(None, 0).await.unwrap();
    assert_eq!((start.events.len(), start.next, start.end), (0, None, false));
}

pub async fn an_empty_log_has_one_empty_page(subject: &Subject) {
    let store = subject.store.as_ref();
    assert_eq!(store.head().await.unwrap(), None);
    for limit in [0, 1, usize::MAX] {
        let page = store.read_all(None, limit).await.unwrap();
        assert_eq!((page.events.len(), page.next, page.end), (0, None, true));
    }
}

pub async fn the_page_of_a_quiet_log_reaches_its_head(subject: &Subject) {
    let store = subject.store.as_ref();
    fill(store, &day(1), 7).await;
    let head = store.head().await.unwrap();
    assert_eq!(store.read_all(None, 100).await.unwrap().next, head);
    let quiet = store.read_all(head, 100).await.unwrap();
    assert_eq!((quiet.events.len(), quiet.next, quiet.end), (0, head, true));
    // A position of another log, or of a later backup of this one: nothing, and nothing breaks.
    for beyond in [head.unwrap().0 + 1_000, u64::MAX] {
        let page = store.read_all(Some(Position(beyond)), 10).await.unwrap();
        assert_eq!((page.events.len(), page.next, page.end), (0, Some(Position(beyond)), true));
    }
}

pub async fn a_stream_is_read_from_any_revision_in_parts_of_any_size(subject: &Subject) {
    let store = subject.store.as_ref();
    fill(store, &day(1), 9).await;
    let whole = store.read_stream(&day(1), 0, usize::MAX).await.unwrap();
    assert_eq!(whole.len(), 9);
    for from in 0..=10_usize {
        for limit in [0, 1, 2, 8, 9, 10, usize::MAX] {
            let part = store.read_stream(&day(1), from as u64, limit).await.unwrap();
            let wanted: Vec<_> = whole.iter().skip(from).take(limit).cloned().collect();
            assert_eq!(part, wanted, "{limit} from {from}");
        }
    }
    assert!(store.read_stream(&day(1), u64::MAX, usize::MAX).await.unwrap().is_empty());
}

pub async fn a_stream_that_does_not_exist_reads_as_empty(subject: &Subject) {
    let store = subject.store.as_ref();
    fill(store, &day(1), 1).await;
    assert!(store.read_stream(&day(2), 0, 10).await.unwrap().is_empty());
}

pub async fn streams_do_not_see_each_other(subject: &Subject) {
    let store = subject.store.as_ref();
    let names = [day(1), patient(1), day(2)];
    for round in 0..4_u64 {
        for name in &names {
            stored(store.append(name, Expected::head(round.checked_sub(1)), vec![event()]).await);
        }
    }
    for name in &names {
        let read = store.read_stream(name, 0, 100).await.unwrap();
        assert_eq!(read.iter().map(|event| event.revision).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert!(read.iter().all(|event| event.stream == *name));
    }
}

pub async fn an_append_of_many_events_is_stored_whole(subject: &Subject) {
    let store = subject.store.as_ref();
    for (number, count) in [(1, 63), (2, 64), (3, 65), (4, 1_023), (5, 1_025), (6, MAX_EVENTS)] {
        let list = events(count);
        let ids: Vec<_> = list.iter().map(|event| event.id).collect();
        let appended = stored(store.append(&day(number), Expected::NoStream, list).await);
        assert_eq!(appended.last_revision, count as u64 - 1);
        let read = store.read_stream(&day(number), 0, usize::MAX).await.unwrap();
        assert_eq!(read.iter().map(|event| event.id).collect::<Vec<_>>(), ids);
    }
}

pub async fn the_hint_of_new_events_wakes_a_waiting_follower(subject: &Subject) {
    let mut hint = subject.store.new_events();
    // Given out as changed: a follower that reads before it waits misses nothing.
    hint.changed().await.unwrap();
    let waiting = tokio::spawn(async move { hint.changed().await });
    stored(subject.store.append(&day(1), Expected::NoStream, vec![event()]).await);
    waiting.await.unwrap().unwrap();
}
