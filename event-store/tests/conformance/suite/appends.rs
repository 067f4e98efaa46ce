//! What an append stores, and what it answers.

use crate::actors::{Subject, day, event, event_with, events, everything, fill, fresh_id, head, patient, stored};
use booking_store::{
    AppendError, Expected, MAX_EVENTS, MAX_METADATA_BYTES, MAX_PAYLOAD_BYTES, MAX_TYPE_BYTES, NewEvent,
};
use std::borrow::Cow;
use uuid::Uuid;

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
    let with_metadata = |metadata: &str| NewEvent { metadata: metadata.into(), ..event() };
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
