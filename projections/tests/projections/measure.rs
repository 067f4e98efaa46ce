//! Figures, not verdicts: `cargo test --release -p booking-projections measure -- --ignored --nocapture`.

use crate::support::*;
use booking_domain::agenda_day::*;
use booking_domain::ids::*;
use booking_domain::stream::StreamName;
use booking_domain::time::Span;
use booking_domain::visibility::ViewerFacts;
use booking_events::EventCodec;
use booking_projections::availability::{Availability, DayParts, Query, Weekdays};
use booking_projections::{Db, Progress, Runner, RunnerOptions, Views};
use booking_store::{EventStore, Expected, NewEvent};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Appends many events of a day at once.
async fn day(log: &Log, template: &str, agenda: AgendaId, date: i32, events: Vec<AgendaDayEvent>, next: &mut u64) {
    let stream = StreamName::agenda_day(agenda, monday().plus_days(date));
    let events = events.into_iter().map(|event| {
        *next += 1;
        let encoded = event.encode();
        NewEvent {
            id: uuid::Uuid::from_bytes(id16(*next + (1 << 40))),
            event_type: encoded.event_type.into(),
            metadata: template.into(),
            payload: encoded.payload.into(),
        }
    });
    log.store.append(&stream, Expected::NoStream, events.collect()).await.unwrap();
}

/// `agendas` × `days` days of two slots of four hours with pieces of 20 minutes; `taken` of the 24 are booked.
async fn fill(agendas: u64, days: i32, taken: u64) -> (Log, u64) {
    let log = Log::new();
    log.clinic(1).await;
    let template = log.store.all()[0].metadata.clone();
    let mut next = 0;
    for n in 0..agendas {
        let agenda = if n < 100 { agenda(u8::try_from(n).unwrap()) } else { AgendaId::from_bytes(id16(n)) };
        for k in 0..days {
            let date = monday().plus_days(k);
            let mut events = vec![];
            for from in [8, 13] {
                next += 1;
                events.push(published(next, u8::try_from(n % 20).unwrap(), date, facts(date, from, 4, 20)));
            }
            for piece in 0..taken {
                next += 1;
                let minute = 480 + i64::try_from(piece * 7 % 12).unwrap() * 20;
                let span = Span::minutes(midnight(date).plus_minutes(minute), 20);
                events.push(booked(next, 0, date, Source { slot: slot(next), span }));
            }
            day(&log, &template, agenda, k, events, &mut next).await;
        }
    }
    let count = log.store.all().len() as u64;
    (log, count)
}

async fn opened(log: &Log, path: &std::path::Path) -> Views {
    Views::open(path, log.store(), Arc::new(Opener), RunnerOptions::default()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn measure_a_page_of_twenty_over_twenty_practitioners_and_fourteen_days() {
    let (log, _) = fill(20, 14, 6).await;
    let folder = folder();
    let views = opened(&log, &folder.path().join("views.db")).await;
    views.start();
    assert!(views.wait_for_all(log.head().await, Duration::from_mins(1)).await);
    let (clinic, viewer) = (the_clinic(20), ViewerFacts::unrecognized(None));
    let base = Query {
        clinic: &clinic,
        service: service(),
        viewer: &viewer,
        from: monday(),
        to: monday().plus_days(13),
        practitioners: None,
        weekdays: Weekdays::ALL,
        parts: DayParts::ALL,
        now: now(),
        after: None,
        limit: 20,
        count_days: false,
    };
    let time = |name: &str, rounds: u32, ask: &dyn Fn() -> usize| {
        let (start, mut sum) = (Instant::now(), 0);
        for _ in 0..rounds {
            sum += ask();
        }
        println!("{name}: {:?} ({} found)", start.elapsed() / rounds, sum / rounds as usize);
    };
    time("first page of 20", 2_000, &|| views.availability.query(&base).offers.len());
    let all = Query { limit: 100_000, ..base };
    time("every offer", 200, &|| views.availability.query(&all).offers.len());
    let counted = Query { count_days: true, ..base };
    time("page with counts by day", 500, &|| views.availability.query(&counted).days.len());
    let around = midnight(monday().plus_days(5)).plus_minutes(600);
    time("three nearest", 500, &|| views.availability.nearest(&base, around, 3).len());
    time("open_count", 2_000, &|| views.availability.open_count(&clinic, now()));
    views.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn measure_a_million_availabilities() {
    let folder = folder();
    let path = folder.path().join("views.db");
    let (agendas, days) = (125, 334);
    let availabilities = agendas * 334 * 24;
    let (log, events) = fill(agendas, days, 6).await;
    println!("{availabilities} availabilities in {} agenda-days, {events} events", agendas * 334);
    {
        let views = opened(&log, &path).await;
        let start = Instant::now();
        views.start();
        assert!(views.wait_for_all(log.head().await, Duration::from_mins(10)).await);
        let took = start.elapsed();
        let rate = u128::from(events) * 1_000 / took.as_millis().max(1);
        println!("all projections from zero: {took:?}, {rate} events/s each");
        for name in ["availability", "agenda", "appointments", "ledger"] {
            let start = Instant::now();
            let report = views.rebuild(name, &CancellationToken::new()).await.unwrap();
            println!("rebuild of {name}: {:?}, {} rows, agrees {:?}", start.elapsed(), report.rows, report.agrees());
        }
        views.close().await;
    }
    let head = log.head().await;
    let bytes = std::fs::metadata(&path).unwrap().len();
    let start = Instant::now();
    let views = opened(&log, &path).await;
    println!("start: {:?}; file {} MB", start.elapsed(), bytes >> 20);
    views.start();
    assert!(views.wait_for_all(head, Duration::from_mins(1)).await);
    let mut slowest = Duration::ZERO;
    let start = Instant::now();
    for n in 0..200 {
        let position =
            log.on_day(1, monday().plus_days(400), published(n, 1, monday(), facts(monday(), 9, 1, 20))).await;
        let waiting = Instant::now();
        assert!(views.wait_for_all(position, PATIENCE).await);
        slowest = slowest.max(waiting.elapsed());
    }
    println!("append to visible in all views: {:?} on average, {slowest:?} at most", start.elapsed() / 200);
    views.close().await;
}

/// Counted, not asked of the system: resident memory hides whatever was freed before and is used again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn measure_the_memory_of_a_million_availabilities() {
    let (folder, stop) = (folder(), CancellationToken::new());
    let (agendas, days) = (125, 334);
    let (log, _) = fill(agendas, days, 6).await;
    let db = Arc::new(Db::open(&folder.path().join("views.db")).await.unwrap());
    let view = Arc::new(Availability::default());
    let runner = Runner::open(Arc::clone(&view), log.store(), db, RunnerOptions::default()).await.unwrap();
    let start = Instant::now();
    while runner.step(&stop).await.unwrap() == Progress::More {}
    println!("availability alone from zero: {:?}", start.elapsed());
    let (mut bytes, mut found) = (0, 0);
    for n in 0..agendas {
        let agenda = if n < 100 { agenda(u8::try_from(n).unwrap()) } else { AgendaId::from_bytes(id16(n)) };
        for k in 0..days {
            let day = view.day(agenda, monday().plus_days(k)).unwrap();
            found += day.availability_count();
            // The day with its two counters, `open` and its list of what is left, its key and place in the tree, and its
            // lists.
            bytes += size_of::<DayOccupancy>() + 40 + 24;
            bytes += 8 * (day.availability_count() - day.taken.len());
            bytes += day.slots.len() * size_of::<Slot>() + day.taken.len() * size_of::<Taken>();
        }
    }
    println!(
        "{found} availabilities: {} MB; a slot has {} bytes, an appointment {}",
        bytes >> 20,
        size_of::<Slot>(),
        size_of::<Taken>()
    );
    println!("were every availability a slot of its own: {} MB per million", (1_000_000 * size_of::<Slot>()) >> 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn measure_twenty_thousand_patients() {
    use booking_domain::patient::{PatientEvent, PatientRegistered};
    let (folder, log) = (folder(), Log::new());
    log.clinic(1).await;
    let metadata = log.store.all()[0].metadata.clone();
    for n in 0..20_000_u64 {
        let patient = PatientId::from_bytes(id16(n + 1));
        let profile = crate::directory::profile(
            &format!("Prénom{}", n % 500),
            &format!("Nom{}", n % 3_000),
            &format!("514{:07}", 2_000_000 + n),
            None,
        );
        let registered = PatientRegistered { patient, clinic: clinic(), profile: seal(&profile), imported: true };
        let encoded = PatientEvent::PatientRegistered(registered).encode();
        let id = uuid::Uuid::from_bytes(id16(n + (1 << 41)));
        let (event_type, payload) = (encoded.event_type.into(), encoded.payload);
        let event = NewEvent { id, event_type, metadata: metadata.clone(), payload: payload.into() };
        log.store.append(&StreamName::patient(patient), Expected::NoStream, vec![event]).await.unwrap();
    }
    let path = folder.path().join("views.db");
    let views = opened(&log, &path).await;
    let start = Instant::now();
    views.start();
    assert!(views.wait_for_all(log.head().await, Duration::from_mins(1)).await);
    println!("20,000 patients from zero: {:?}", start.elapsed());
    views.close().await;
    drop(views);
    let start = Instant::now();
    let views = opened(&log, &path).await;
    println!("start: {:?}", start.elapsed());
    let start = Instant::now();
    let found: usize = (0..1_000).map(|n| views.directory.search(clinic(), &format!("nom{n}"), 20).len()).sum();
    println!("search: {:?} ({found} found)", start.elapsed() / 1_000);
    views.close().await;
}
