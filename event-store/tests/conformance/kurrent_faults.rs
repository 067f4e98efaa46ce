//! What befalls a server, one fault at a time: what the store answers, that it finds back, and that nothing is stored twice.

use crate::actors::{day, event, event_with, events, everything, fill, fresh_id, stored};
use crate::kurrent::{alone, open, options, three};
use booking_store::{
    AppendError, ConnectError, EventStore, Expected, KurrentOptions, KurrentStore, Position, ReadError,
};
use kurrent_double::{Call, Double, Fault};
use std::time::{Duration, Instant};

/// Plans one fault for the next append, which has to succeed all the same, and to be stored once.
async fn survives_at_append(fault: Fault) -> KurrentStore {
    let (double, store) = alone().await;
    fill(&store, &day(1), 2).await;
    double.plan(Call::Append, [fault]);
    let list = events(3);
    let appended = stored(store.append(&day(1), Expected::Exact(1), list.clone()).await);
    assert_eq!((appended.first_revision, appended.last_revision), (2, 4));
    assert_eq!(double.happened(), [(Call::Append, fault)], "the fault did not happen");
    let log = everything(&store, 10).await;
    let ids: Vec<_> = log.iter().skip(2).map(|event| event.id).collect();
    assert_eq!(ids, list.iter().map(|event| event.id).collect::<Vec<_>>());
    assert_eq!(log.last().map(|event| event.position), Some(appended.position));
    // And the next one, as if nothing had been.
    stored(store.append(&day(1), Expected::Exact(4), events(1)).await);
    store
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_survives_a_lost_answer() {
    survives_at_append(Fault::LoseAnswer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_survives_a_connection_that_breaks_before_it() {
    survives_at_append(Fault::Reset).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_survives_an_aborted_commit_phase_after_the_commit() {
    assert_eq!(survives_at_append(Fault::CommitPhaseTimeout).await.rebuilds(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_survives_a_deadline_whether_it_was_stored_or_not() {
    survives_at_append(Fault::Deadline { stored: true }).await;
    survives_at_append(Fault::Deadline { stored: false }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_survives_a_server_that_is_not_ready_and_keeps_its_client() {
    assert_eq!(survives_at_append(Fault::NotReady).await.rebuilds(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_survives_a_handler_that_fails_once() {
    survives_at_append(Fault::HandlerFails).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_survives_an_answer_that_comes_too_late_or_never() {
    survives_at_append(Fault::Slow(Duration::from_secs(2))).await;
    survives_at_append(Fault::Hang).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_survives_a_connection_that_the_server_gave_up_since_too_many_calls_were_taken_back() {
    survives_at_append(Fault::TooManyResets).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_after_an_append_that_was_not_stored_is_a_conflict() {
    let (double, store) = alone().await;
    let other = open(&double).await;
    fill(&store, &day(1), 1).await;
    double.plan(Call::Append, [Fault::Deadline { stored: false }, Fault::NotReady, Fault::NotReady]);
    let stream = day(1);
    let (late, first) = tokio::join!(store.append(&stream, Expected::Exact(0), events(1)), async {
        // Whoever has the faults on his way is slower; if that is the other one, he is the late one.
        tokio::time::sleep(Duration::from_millis(2)).await;
        other.append(&stream, Expected::Exact(0), events(1)).await
    });
    assert_eq!(usize::from(late.is_ok()) + usize::from(first.is_ok()), 1, "{late:?} {first:?}");
    assert_eq!(everything(&store, 10).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_always_fails_ends_the_patience_and_not_the_store() {
    let double = Double::start().unwrap();
    let impatient = KurrentOptions { patience: Duration::from_millis(300), ..options() };
    let store = KurrentStore::connect(&double.connection(), impatient).await.unwrap();
    double.meddle(|call| (call == Call::Append).then_some(Fault::HandlerFails));
    let list = events(1);
    let answer = store.append(&day(1), Expected::NoStream, list.clone()).await;
    assert!(matches!(&answer, Err(AppendError::Unavailable(why)) if why.contains("handler")), "{answer:?}");
    double.rest();
    stored(store.append(&day(1), Expected::NoStream, list).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_finds_too_large_is_refused_for_good_and_said_so() {
    let (double, store) = alone().await;
    for fault in [Fault::TooLarge, Fault::MessageTooLarge] {
        double.plan(Call::Append, [fault]);
        let answer = store.append(&day(1), Expected::NoStream, events(1)).await;
        let Err(AppendError::Invalid(why)) = answer else { panic!("{answer:?}") };
        assert!(why.contains("more than the log's server takes"), "{why}");
    }
    assert_eq!(double.calls(Call::Append), 2, "sent again");
    assert!(everything(&store, 10).await.is_empty());
    // What is refused here never gets there: the limit of the real server is higher.
    let large = vec![event_with(fresh_id(), vec![7; 1_000_001])];
    assert!(matches!(store.append(&day(1), Expected::NoStream, large).await, Err(AppendError::Invalid(_))));
    let fits = vec![event_with(fresh_id(), vec![7; 1_000_000])];
    stored(store.append(&day(1), Expected::NoStream, fits).await);
}

// ---- reads ----

/// Both kinds of reads give the right answer, whatever befalls their first try.
async fn reads_survive(faults: impl Fn(Call) -> Vec<Fault>) -> KurrentStore {
    let (double, store) = alone().await;
    fill(&store, &day(1), 6).await;
    let (stream, all) = (store.read_stream(&day(1), 0, 100).await.unwrap(), everything(&store, 100).await);
    for call in [Call::ReadStream, Call::ReadAll] {
        for fault in faults(call) {
            double.plan(call, [fault]);
            match call {
                Call::ReadStream => assert_eq!(store.read_stream(&day(1), 0, 100).await.unwrap(), stream, "{fault:?}"),
                _ => assert_eq!(store.read_all(None, 100).await.unwrap().events, all, "{fault:?}"),
            }
            assert_eq!(double.happened().last(), Some(&(call, fault)), "the fault did not happen");
        }
    }
    store
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_survives_a_connection_that_breaks_in_its_middle() {
    reads_survive(|_| (0..7).map(Fault::BreakAfter).collect()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_a_stream_that_ends_too_early_is_not_taken_for_its_end() {
    // Behind a proxy an answer may end in order, and not be whole: then the server has not said where the stream ends.
    reads_survive(|call| if call == Call::ReadStream { (0..7).map(Fault::EndAfter).collect() } else { vec![] }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_everything_that_ends_too_early_is_read_on_and_loses_nothing() {
    let (double, store) = alone().await;
    fill(&store, &day(1), 6).await;
    let all = everything(&store, 100).await;
    for count in 0..6 {
        double.plan(Call::ReadAll, [Fault::EndAfter(count)]);
        let first = store.read_all(None, 100).await.unwrap();
        assert_eq!(first.events, all[..count]);
        let rest = store.read_all(first.next, 100).await.unwrap();
        assert_eq!(rest.events, all[count..], "a reader that goes on after the checkpoint misses something");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_is_delivered_twice_is_read_once() {
    reads_survive(|_| (0..6).map(Fault::Twice).collect()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_content_type_that_nobody_knows_changes_no_byte() {
    reads_survive(|_| vec![Fault::StrangeContentType]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_survive_what_appends_survive() {
    let usual = [
        Fault::NotReady,
        Fault::HandlerFails,
        Fault::TooManyResets,
        Fault::Reset,
        Fault::LoseAnswer,
        Fault::Deadline { stored: false },
        Fault::Slow(Duration::from_secs(2)),
        Fault::Hang,
    ];
    reads_survive(|_| usual.to_vec()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_somebody_deleted_or_cut_are_damage_and_not_an_empty_answer() {
    let (double, store) = alone().await;
    for n in 1..=3 {
        fill(&store, &day(n), 5).await;
    }
    // Cut: the first events are hidden.
    double.truncate(day(1).as_str(), 3);
    let cut = store.read_stream(&day(1), 0, 100).await;
    assert!(matches!(&cut, Err(ReadError::Corrupt(why)) if why.contains("$maxCount")), "{cut:?}");
    assert_eq!(store.read_stream(&day(1), 3, 100).await.unwrap().len(), 2);
    // Deleted for good.
    double.delete(day(2).as_str(), true);
    let dead = store.read_stream(&day(2), 0, 100).await;
    assert!(matches!(&dead, Err(ReadError::Corrupt(why)) if why.contains("was deleted")), "{dead:?}");
    let late = store.append(&day(2), Expected::Exact(4), events(1)).await;
    assert!(matches!(&late, Err(AppendError::Invalid(why)) if why.contains("was deleted")), "{late:?}");
    let all = store.read_all(None, 100).await;
    assert!(matches!(&all, Err(ReadError::Corrupt(why)) if why.contains("was deleted")), "{all:?}");
    // Deleted softly: reads like a stream that never was, which an append finds out.
    double.delete(day(3).as_str(), false);
    let taken = store.append(&day(3), Expected::Exact(3), events(1)).await;
    assert!(matches!(taken, Err(AppendError::WrongExpectedRevision { actual: Some(4) })), "{taken:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_retry_of_an_append_to_a_stream_that_was_deleted_since_is_not_acknowledged() {
    let (double, store) = alone().await;
    let list = events(2);
    // Another process: it has not seen the position.
    let other = open(&double).await;
    stored(other.append(&day(1), Expected::NoStream, list.clone()).await);
    double.delete(day(1).as_str(), false);
    let answer = store.append(&day(1), Expected::NoStream, list).await;
    assert!(matches!(&answer, Err(AppendError::Unavailable(why)) if why.contains("was deleted")), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_others_write_to_is_not_taken_for_a_log() {
    let (double, store) = alone().await;
    fill(&store, &day(1), 2).await;
    double.intrude("orders-17", "order-placed");
    let page = store.read_all(None, 100).await;
    assert!(matches!(&page, Err(ReadError::Corrupt(why)) if why.contains("orders-17")), "{page:?}");

    let theirs = Double::start().unwrap();
    theirs.intrude("orders-17", "order-placed");
    let refused = KurrentStore::connect(&theirs.connection(), options()).await.err().unwrap();
    assert!(matches!(refused, ConnectError::NotALog { .. }), "{refused}");
}

// ---- nodes ----

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_down_at_the_first_call_is_found_when_it_comes() {
    let double = Double::start().unwrap();
    double.kill(0);
    let starting = tokio::spawn({
        let double = double.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(600)).await;
            double.not_ready_for(0, Duration::from_millis(300));
            double.start_node(0).unwrap();
        }
    });
    let store = open(&double).await;
    starting.await.unwrap();
    assert!(store.rebuilds() > 0, "the first client was poisoned");
    stored(store.append(&day(1), Expected::NoStream, events(1)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_never_comes_is_told_with_its_address_and_without_the_password() {
    let double = Double::start().unwrap();
    double.kill(0);
    let address = double.connection().replace("esdb://", "esdb://clinic:s3cret@");
    let impatient = KurrentOptions { start_patience: Duration::from_millis(300), ..options() };
    let refused = KurrentStore::connect(&address, impatient).await.err().unwrap();
    assert!(matches!(refused, ConnectError::Unreachable { .. }), "{refused}");
    let (said, debug) = (refused.to_string(), format!("{refused:?}"));
    assert!(said.contains("127.0.0.1:") && said.contains("server running"), "{said}");
    assert!(!said.contains("s3cret") && !debug.contains("s3cret"), "{said} {debug}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_refuses_us_says_so_at_the_start_and_is_not_asked_again() {
    let double = Double::start().unwrap();
    double.meddle(|call| (call == Call::ReadAll).then_some(Fault::AccessDenied));
    let refused = KurrentStore::connect(&double.connection(), options()).await.err().unwrap();
    assert!(matches!(refused, ConnectError::Refused { .. }), "{refused}");
    assert_eq!(double.calls(Call::ReadAll), 1);
}

#[test]
fn addresses_that_would_break_or_mislead_the_client_are_refused_with_their_reason() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let no_pem = folder.path().join("authority.pem");
    std::fs::write(&no_pem, "no certificate").unwrap();
    let cases = [
        ("http://localhost:2113".to_owned(), "begins with neither"),
        ("kurrentdb://localhost:2113".to_owned(), "begins with neither"),
        ("esdb://user:s3cret@localhost:port".to_owned(), "cannot be read"),
        ("esdb://localhost:2113?nodePreference=follower".to_owned(), "nodePreference"),
        ("esdb://localhost:2113?maxDiscoverAttempts=1".to_owned(), "maxDiscoverAttempts"),
        ("esdb://localhost:2113?tlsCaFile=/nowhere/authority.pem".to_owned(), "/nowhere/authority.pem"),
        (format!("esdb://localhost:2113?tlsCaFile={}", no_pem.display()), "no CERTIFICATE"),
    ];
    for (address, reason) in cases {
        let refused = runtime.block_on(KurrentStore::connect(&address, options())).err().unwrap().to_string();
        assert!(refused.contains(reason), "{address}: {refused}");
        assert!(!refused.contains("s3cret"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_and_comes_back_is_found_and_nothing_is_lost() {
    let (double, store) = alone().await;
    fill(&store, &day(1), 3).await;
    double.kill(0);
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.append(&day(1), Expected::Exact(2), events(1)).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    double.not_ready_for(0, Duration::from_millis(300));
    double.start_node(0).unwrap();
    stored(waiting.await.unwrap());
    assert_eq!(everything(&store, 10).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stays_away_is_unavailable_within_the_patience() {
    let double = Double::start().unwrap();
    let impatient = KurrentOptions { patience: Duration::from_millis(500), ..options() };
    let store = KurrentStore::connect(&double.connection(), impatient).await.unwrap();
    double.kill(0);
    let begun = Instant::now();
    let answer = store.append(&day(1), Expected::NoStream, events(1)).await;
    assert!(matches!(answer, Err(AppendError::Unavailable(_))), "{answer:?}");
    assert!(matches!(store.read_stream(&day(1), 0, 1).await, Err(ReadError::Unavailable(_))));
    assert!(matches!(store.read_all(None, 1).await, Err(ReadError::Unavailable(_))));
    assert!(matches!(store.head().await, Err(ReadError::Unavailable(_))));
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_leader_dies_the_next_append_goes_to_the_new_one() {
    for seed in 0..3 {
        let (double, store) = three().await;
        fill(&store, &day(1), 3).await;
        double.kill(0);
        let begun = Instant::now();
        stored(store.append(&day(1), Expected::Exact(2), events(1)).await);
        assert!(begun.elapsed() < Duration::from_secs(10), "round {seed}: {:?}", begun.elapsed());
        assert!(store.rebuilds() > 0, "the client stayed with the dead leader");
        assert_eq!(double.leader(), Some(1));
        double.start_node(0).unwrap();
        assert_eq!(everything(&store, 10).await.len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_another_node_is_elected_the_client_moves_there_by_itself() {
    let (double, store) = three().await;
    fill(&store, &day(1), 1).await;
    for leader in [1, 2, 0, 2] {
        double.elect(leader);
        let head = everything(&store, 10).await.len() as u64 - 1;
        stored(store.append(&day(1), Expected::Exact(head), events(1)).await);
    }
    assert_eq!(store.rebuilds(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_names_a_follower_reaches_the_leader() {
    let (double, _) = three().await;
    let store = KurrentStore::connect(&double.connection_to(2), options()).await.unwrap();
    fill(&store, &day(1), 2).await;
    assert_eq!(everything(&store, 10).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_names_a_dead_leader_does_not_end_the_store() {
    let (double, store) = three().await;
    fill(&store, &day(1), 1).await;
    double.kill(2);
    double.plan(Call::Append, [Fault::NotLeader(2)]);
    double.plan(Call::ReadStream, [Fault::NotLeader(2)]);
    stored(store.append(&day(1), Expected::Exact(0), events(1)).await);
    assert_eq!(store.read_stream(&day(1), 0, 10).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_whose_gossip_or_features_fail_is_reached_all_the_same() {
    let (double, store) = three().await;
    double.plan(Call::Gossip, [Fault::HandlerFails, Fault::Reset, Fault::NotReady, Fault::Hang]);
    double.plan(Call::Features, [Fault::HandlerFails, Fault::Reset]);
    double.kill(0);
    stored(store.append(&day(1), Expected::NoStream, events(1)).await);
    assert!(double.happened().len() >= 3, "{:?}", double.happened());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_black_hole_is_noticed_and_left_when_it_ends() {
    let double = Double::start().unwrap();
    let impatient =
        KurrentOptions { patience: Duration::from_secs(1), silence: Duration::from_millis(200), ..options() };
    let store = KurrentStore::connect(&double.connection(), impatient).await.unwrap();
    let list = events(2);
    double.freeze(0, true);
    let begun = Instant::now();
    let answer = store.append(&day(1), Expected::NoStream, list.clone()).await;
    assert!(matches!(answer, Err(AppendError::Unavailable(_))), "{answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    double.freeze(0, false);
    let mut answer = store.append(&day(1), Expected::NoStream, list.clone()).await;
    for _ in 0..5 {
        if answer.is_ok() {
            break;
        }
        answer = store.append(&day(1), Expected::NoStream, list.clone()).await;
    }
    assert_eq!(answer.unwrap().last_revision, 1);
    assert_eq!(everything(&store, 10).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_told_to_stop_is_left_for_the_next_one() {
    let (double, store) = three().await;
    fill(&store, &day(1), 2).await;
    double.terminate(0);
    tokio::time::sleep(Duration::from_millis(50)).await;
    double.kill(0);
    stored(store.append(&day(1), Expected::Exact(1), events(1)).await);
    assert_eq!(everything(&store, 10).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hint_comes_back_with_the_server() {
    let (double, store) = alone().await;
    let mut hint = store.new_events();
    hint.changed().await.unwrap();
    double.kill(0);
    tokio::time::sleep(Duration::from_millis(200)).await;
    double.start_node(0).unwrap();
    let other = open(&double).await;
    stored(other.append(&day(1), Expected::NoStream, vec![event()]).await);
    tokio::time::timeout(Duration::from_secs(8), hint.changed()).await.unwrap().unwrap();
    assert!(store.head().await.unwrap() > Some(Position(1)));
}
