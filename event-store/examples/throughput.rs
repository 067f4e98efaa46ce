//! How many appends a second the log takes, each acknowledged after its fsync, and how long they wait.
//!
//! `cargo run --release -p booking-store --example throughput -- [FOLDER] [SECONDS] [CALLERS,CALLERS...] [CHECKPOINT_FRAMES]`
//!
//! One caller pays one fsync per append. Callers who wait at the same time share one: that is group commit. Choose a
//! folder on the disk that the log will be on; memory file systems make fsync look free.

#![allow(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use booking_domain::ids::{AgendaId, PatientId};
use booking_domain::stream::StreamName;
use booking_domain::time::WallDate;
use booking_store::{EventStore, Expected, NewEvent, SqliteOptions, SqliteStore};
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Where the events go.
#[derive(Clone, Copy, PartialEq)]
enum Streams {
    /// To 1,000 agenda-days, spread over the callers.
    Days,
    /// Each to a stream of its own, as quota and patient streams do: the most index pages per append.
    New,
}

fn event(number: u64) -> NewEvent {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, &number.to_be_bytes());
    NewEvent {
        id,
        event_type: Cow::Borrowed("appointment-booked.v1"),
        metadata: format!(
            r#"{{"$correlationId":"{id}","command_id":"{id}","clinic":"{id}","actor":"visit:{id}","received_at":"1795000000000000","occurred_at":"1795000000000000","codec":"postcard/1"}}"#
        )
        .into(),
        payload: id.as_bytes().repeat(16).into(),
    }
}

/// One run; answers with the waiting times in microseconds, sorted.
async fn run(store: &SqliteStore, run: u64, callers: u64, streams: Streams, time: Duration) -> (Vec<u64>, Duration) {
    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for caller in 0..callers {
        let (store, stop) = (store.clone(), Arc::clone(&stop));
        tasks.spawn(async move {
            let date = WallDate::from_ymd(2026, 11, 24).unwrap();
            let days: Vec<_> = (0..(1_000 / callers).max(1))
                .map(|n| Uuid::new_v5(&Uuid::NAMESPACE_DNS, format!("{run} {caller} {n}").as_bytes()))
                .map(|agenda| StreamName::agenda_day(AgendaId(agenda), date))
                .collect();
            let mut lengths = vec![0_u64; days.len()];
            let mut waited = Vec::new();
            let mut number = (run << 48) + (caller << 32);
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                let new = event(number);
                let (stream, expected) = if streams == Streams::New {
                    (StreamName::patient(PatientId(new.id)), Expected::NoStream)
                } else {
                    let day = usize::try_from(number).unwrap() % days.len();
                    lengths[day] += 1;
                    (days[day].clone(), Expected::head(lengths[day].checked_sub(2)))
                };
                let asked = Instant::now();
                store.append(&stream, expected, vec![new]).await.unwrap();
                waited.push(u64::try_from(asked.elapsed().as_micros()).unwrap());
            }
            waited
        });
    }
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut waited: Vec<u64> = tasks.join_all().await.into_iter().flatten().collect();
    let took = start.elapsed();
    waited.sort_unstable();
    (waited, took)
}

/// Reads the whole log in pages, as a rebuild of a read model does.
async fn read_everything(store: &SqliteStore) {
    let (start, mut after, mut count) = (Instant::now(), None, 0_usize);
    loop {
        let page = store.read_all(after, 1_000).await.unwrap();
        (after, count) = (page.next, count + page.events.len());
        if page.end {
            break;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let rate = count as f64 / seconds;
    println!("\nread all {count} events in pages of 1,000: {seconds:.2} s, {rate:.0} events/s");
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| ".".to_owned());
    let seconds = arguments.next().map_or(5, |seconds| seconds.parse().unwrap());
    let callers = arguments.next().unwrap_or_else(|| "1,8,64,256,1000".to_owned());
    let callers: Vec<u64> = callers.split(',').map(|number| number.parse().unwrap()).collect();
    let frames = arguments.next().map_or(SqliteOptions::default().checkpoint_frames, |frames| frames.parse().unwrap());
    let options = || SqliteOptions { checkpoint_frames: frames, ..SqliteOptions::default() };
    let folder = tempfile::tempdir_in(Path::new(&folder)).unwrap();
    let path = folder.path().join("events.db");
    let store = SqliteStore::open(&path, options()).await.unwrap();

    println!("callers streams   appends/s  per commit   p50 ms   p99 ms  p99.9 ms   max ms  slowest checkpoint ms");
    let mut number = 0;
    for streams in [Streams::Days, Streams::New] {
        for &callers in &callers {
            number += 1;
            let before = store.statistics();
            let (waited, took) = run(&store, number, callers, streams, Duration::from_secs(seconds)).await;
            let after = store.statistics();
            #[expect(clippy::cast_precision_loss, reason = "figures for people to read")]
            let (rate, shared, checkpoint) = (
                waited.len() as f64 / took.as_secs_f64(),
                waited.len() as f64 / (after.batches - before.batches) as f64,
                after.slowest_checkpoint_micros as f64 / 1e3,
            );
            #[expect(clippy::cast_precision_loss, reason = "figures for people to read")]
            let part = |thousandths: usize| waited[(waited.len() - 1) * thousandths / 1_000] as f64 / 1e3;
            println!(
                "{callers:>7} {:<7} {rate:>11.0} {shared:>11.1} {:>8.2} {:>8.2} {:>9.2} {:>8.2} {checkpoint:>12.2}",
                if streams == Streams::Days { "days" } else { "new" },
                part(500),
                part(990),
                part(999),
                part(1_000),
            );
        }
    }
    read_everything(&store).await;
    println!("\n{:#?}", store.statistics());
    store.close().await;
    let start = Instant::now();
    let store = SqliteStore::open(&path, options()).await.unwrap();
    println!("opened again in {:.2} s, {} bytes", start.elapsed().as_secs_f64(), path.metadata().unwrap().len());
    store.close().await;
}
