//! The memory store: the suite, with dense and with sparse positions, and the faults it is asked for.

use crate::actors::{Subject, day, event, events, fill, stored};
use booking_store::{AppendError, EventStore, Expected, MemoryStore};
use std::future::{Ready, ready};

mod dense {
    use super::{MemoryStore, Ready, Subject, ready};

    fn make() -> Ready<Subject> {
        ready(Subject::new(MemoryStore::new(), ()))
    }

    crate::conformance!(make);
}

mod sparse {
    use super::{MemoryStore, Ready, Subject, ready};

    fn make() -> Ready<Subject> {
        ready(Subject::new(MemoryStore::sparse(), ()))
    }

    crate::conformance!(make);
}

#[tokio::test]
async fn a_lost_acknowledgement_has_stored_its_events_and_the_retry_says_so() {
    let store = MemoryStore::new();
    store.lose_next_acknowledgement();
    let list = events(2);
    let unanswered = store.append(&day(1), Expected::NoStream, list.clone()).await;
    assert!(matches!(unanswered, Err(AppendError::Unavailable(_))));
    assert_eq!(store.all().len(), 2);
    assert!(store.append(&day(1), Expected::NoStream, list).await.unwrap().already);
    assert_eq!(store.all().len(), 2);
}

#[tokio::test]
async fn planned_conflicts_and_failures_store_nothing_and_happen_once() {
    let store = MemoryStore::new();
    fill(&store, &day(1), 2).await;
    store.conflict_on_next_append();
    store.fail_next_append();
    store.be_full_on_next_append();
    let name = day(1);
    let append = || store.append(&name, Expected::Exact(1), vec![event()]);
    assert_eq!(append().await, Err(AppendError::WrongExpectedRevision { actual: Some(1) }));
    assert!(matches!(append().await, Err(AppendError::Unavailable(_))));
    assert_eq!(append().await, Err(AppendError::Full));
    assert_eq!(store.all().len(), 2);
    stored(append().await);
}
