//! Rebuilding: old xor new, whatever the log holds and whatever happens meanwhile.

use crate::support::*;
use booking_domain::stream::StreamName;
use booking_projections::RebuildError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_util::sync::CancellationToken;

fn token() -> CancellationToken {
    CancellationToken::new()
}

#[tokio::test]
async fn every_projection_is_rebuilt_from_an_empty_log_from_one_event_and_from_events_that_are_not_its_own() {
    let (folder, log) = (folder(), Log::new());
    let views = views(&folder.path().join("views.db"), &log).await;
    for events in 0..3_u64 {
        for name in views.names() {
            let report = views.rebuild(name, &token()).await.unwrap();
            assert_eq!((report.events, report.agrees()), (events, Some(true)), "{name}");
        }
        // First an event of one category, then one of another: all-filtered for most.
        let position = if events == 0 {
            log.on_day(1, monday(), published(1, 1, monday(), facts(monday(), 9, 1, 20))).await
        } else {
            log.patient(1, &crate::directory::profile("A", "B", "5145550123", None)).await;
            log.head().await
        };
        assert!(views.wait_for_all(position, PATIENCE).await);
    }
    assert_eq!(views.availability.day(agenda(1), monday()).unwrap().slots.len(), 1);
    views.close().await;
}

#[tokio::test]
async fn readers_see_the_old_or_the_new_while_it_is_rebuilt_and_events_go_on_arriving() {
    let (folder, log) = (folder(), Log::new());
    log.clinic(3).await;
    let views = Arc::new(views(&folder.path().join("views.db"), &log).await);
    // Each append adds one appointment; a reader must never see fewer than before, nor a row twice.
    let source = |n: u64| {
        let start = midnight(monday()).plus_minutes(i64::try_from(n).unwrap());
        booking_domain::agenda_day::Source { slot: slot(1), span: booking_domain::time::Span::minutes(start, 1) }
    };
    let done = Arc::new(AtomicBool::new(false));
    let (reading, over) = (Arc::clone(&views), Arc::clone(&done));
    let reader = tokio::spawn(async move {
        let mut seen = 0;
        while !over.load(Ordering::SeqCst) {
            let day = (midnight(monday()), midnight(monday().plus_days(1)));
            let rows = reading.appointments.in_range(clinic(), day, None, None, 10_000).await.unwrap();
            let mut ids: Vec<_> = rows.iter().map(|row| row.id).collect();
            ids.dedup();
            assert_eq!(ids.len(), rows.len());
            assert!(rows.len() >= seen, "{} after {seen}", rows.len());
            seen = rows.len();
        }
        seen
    });
    let (writing, over) = (log.clone(), Arc::clone(&done));
    let writer = tokio::spawn(async move {
        for n in 0..300 {
            writing.on_day(1, monday(), booked(n, 1, monday(), source(n))).await;
            tokio::task::yield_now().await;
        }
        over.store(true, Ordering::SeqCst);
    });
    let mut rebuilt = 0;
    while !done.load(Ordering::SeqCst) || rebuilt == 0 {
        for name in ["appointments", "agenda", "availability"] {
            let report = views.rebuild(name, &token()).await.unwrap();
            assert_ne!(report.agrees(), Some(false));
            rebuilt += 1;
        }
    }
    writer.await.unwrap();
    reader.await.unwrap();
    assert!(views.wait_for_all(log.head().await, PATIENCE).await);
    let day = (midnight(monday()), midnight(monday().plus_days(1)));
    assert_eq!(views.appointments.in_range(clinic(), day, None, None, 10_000).await.unwrap().len(), 300);
    assert_eq!(views.availability.day(agenda(1), monday()).unwrap().taken.len(), 300);
    views.close().await;
}

#[tokio::test]
async fn a_rebuild_that_was_cancelled_changes_nothing_and_is_simply_begun_again() {
    let (folder, log) = (folder(), Log::new());
    for n in 0..30 {
        log.on_day(1, monday(), published(n, 1, monday(), facts(monday(), 9, 1, 20))).await;
    }
    let views = views(&folder.path().join("views.db"), &log).await;
    let cancelled = token();
    cancelled.cancel();
    assert!(matches!(views.rebuild("agenda", &cancelled).await, Err(RebuildError::Cancelled)));
    assert_eq!(views.agenda.day(agenda(1), monday()).await.unwrap().unwrap().occupancy.slots.len(), 30);
    // Whoever waits for it is dropped in the middle of its work, without a word.
    for patience in (0..60).map(|n| std::time::Duration::from_micros(n * 100)) {
        drop(tokio::time::timeout(patience, views.rebuild("agenda", &token())).await);
    }
    let report = loop {
        match views.rebuild("agenda", &token()).await {
            // The one that was left alone has not come to its next page yet.
            Err(RebuildError::UnderWay) => tokio::task::yield_now().await,
            outcome => break outcome.unwrap(),
        }
    };
    assert_eq!((report.events, report.rows, report.agrees()), (30, 1, Some(true)));
    assert_eq!(views.agenda.day(agenda(1), monday()).await.unwrap().unwrap().occupancy.slots.len(), 30);
    assert!(views.status().iter().all(|status| !status.rebuilding && status.stopped.is_none()));
    let position = log.on_day(1, monday(), published(99, 1, monday(), facts(monday(), 9, 1, 20))).await;
    assert!(views.wait_for_all(position, PATIENCE).await, "the live runner was not fenced: {:?}", views.status());
    assert!(matches!(views.rebuild("nonsense", &token()).await, Err(RebuildError::UnknownProjection)));
    views.close().await;
}

#[tokio::test]
async fn rows_of_another_version_are_made_again_at_the_start() {
    use sqlx::{Connection, SqliteConnection};
    let (folder, log) = (folder(), Log::new());
    log.on_day(1, monday(), published(1, 1, monday(), facts(monday(), 9, 1, 20))).await;
    let path = folder.path().join("views.db");
    views(&path, &log).await.close().await;
    let mut c = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::raw_sql("UPDATE projections SET version = 99; UPDATE availability_days_1 SET body = x'ff'")
        .execute(&mut c)
        .await
        .unwrap();
    c.close().await.unwrap();
    let views = views(&path, &log).await;
    assert_eq!(views.availability.day(agenda(1), monday()).unwrap().slots.len(), 1);
    views.close().await;
}

#[tokio::test]
async fn a_rebuild_of_a_projection_that_stopped_comes_as_far_and_tries_the_bad_event_again() {
    let (folder, log) = (folder(), Log::new());
    let open = |n: u64| published(n, 1, monday(), facts(monday(), 9, 1, 20));
    let good = log.on_day(1, monday(), open(1)).await;
    let bad = log.raw(&StreamName::agenda_day(agenda(1), monday()), "no-such-type.v1", vec![]).await;
    log.on_day(1, monday(), open(2)).await;
    let views = open_views(&folder, &log).await;
    assert!(views.wait_for("availability", good, PATIENCE).await);
    while views.status().iter().any(|s| s.name == "availability" && s.stopped.is_none()) {
        tokio::task::yield_now().await;
    }
    let report = views.rebuild("availability", &token()).await.unwrap();
    assert_eq!((report.position, report.agrees()), (Some(good), Some(true)));
    while views.status().iter().any(|s| s.name == "availability" && s.stopped.is_none()) {
        tokio::task::yield_now().await;
    }
    views.quarantine("availability", bad, "unknown").await.unwrap();
    assert!(views.wait_for("availability", log.head().await, PATIENCE).await);
    views.close().await;
}

async fn open_views(folder: &tempfile::TempDir, log: &Log) -> booking_projections::Views {
    let views = open(&folder.path().join("views.db"), log).await;
    views.start();
    views
}

#[tokio::test]
async fn a_rebuild_leaves_the_tables_and_indexes_of_one_generation_also_after_one_that_broke_off() {
    use sqlx::{Connection, SqliteConnection};
    let (folder, log) = (folder(), Log::new());
    log.on_day(1, monday(), published(1, 1, monday(), facts(monday(), 9, 1, 20))).await;
    let path = folder.path().join("views.db");
    let views = views(&path, &log).await;
    let mut c = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::raw_sql("CREATE TABLE appointments_2 (id BLOB); CREATE TABLE appointments_17 (id BLOB)")
        .execute(&mut c)
        .await
        .unwrap();
    views.rebuild("appointments", &token()).await.unwrap();
    let names = |kind: &'static str| {
        let sql = "SELECT name FROM sqlite_schema WHERE type = ? AND sql IS NOT NULL AND name GLOB 'appointments*' \
                   ORDER BY name";
        sqlx::query_scalar::<_, String>(sql).bind(kind)
    };
    assert_eq!(names("table").fetch_all(&mut c).await.unwrap(), ["appointments_2"]);
    assert_eq!(names("view").fetch_all(&mut c).await.unwrap(), ["appointments"]);
    let indexes = names("index").fetch_all(&mut c).await.unwrap();
    assert_eq!(indexes.len(), 6, "{indexes:?}");
    assert!(indexes.iter().all(|name| name.starts_with("appointments_2_")), "{indexes:?}");
    views.close().await;
}
