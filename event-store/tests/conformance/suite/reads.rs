//! What is read.

use crate::actors::{Subject, day, event, everything, fill, fresh_id, patient, stored};
use booking_store::{Expected, NewEvent, Position};
use std::borrow::Cow;

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
            metadata: format!(r#"{{"n":"{n}","text":"é\u0000 '\"  {}"}}"#, '\u{1F9D1}').into(),
            payload: payload.into(),
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
    assert_eq!((start.events.len(), start.end), (0, false));
    assert!(subject.foreign || start.next.is_none(), "nothing was looked at");
}

pub async fn an_empty_log_has_one_empty_page(subject: &Subject) {
    let store = subject.store.as_ref();
    assert_eq!(store.head().await.unwrap(), None);
    for limit in [0, 1, usize::MAX] {
        let page = store.read_all(None, limit).await.unwrap();
        assert_eq!((page.events.len(), page.end), (0, true));
        assert!(subject.foreign || page.next.is_none(), "there is nothing to look at");
    }
}

pub async fn the_page_of_a_quiet_log_reaches_its_head(subject: &Subject) {
    let store = subject.store.as_ref();
    fill(store, &day(1), 7).await;
    let head = store.head().await.unwrap();
    let whole = store.read_all(None, 100).await.unwrap();
    let quiet = store.read_all(head, 100).await.unwrap();
    assert_eq!((quiet.events.len(), quiet.end), (0, true));
    assert_eq!(quiet.next, whole.next, "whoever reads on comes as far as whoever reads all");
    // What is somebody else's at the end was looked at, too: nobody looks at it again and again.
    assert!(whole.next == head || subject.foreign && whole.next > head);
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
