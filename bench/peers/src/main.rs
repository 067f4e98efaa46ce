//! The peer: the crate `cqrs-es` with its SQLite store, at synchronous=FULL, on the same command shape.
//!
//! `booking-peers FOLDER book CALLERS SECONDS` books free times of 1,000 agenda-days, 32 times each;
//! `booking-peers FOLDER contend CALLERS ROUNDS` lets all callers want one time. Either prints one line of JSON.
//!
//! The aggregate is an agenda-day with its slots and bookings, the event carries the same fields as ours and as many
//! bytes of sealed contact. Nothing else is done that our engine does: no rules, no visibility, no sealing, no read
//! models. A command whose aggregate was changed meanwhile is sent again, as callers of that crate have to.

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, AggregateError, CqrsFramework, DomainEvent};
use serde::{Deserialize, Serialize};
use sqlite_es::{SqliteCqrs, sqlite_cqrs};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Barrier;

/// As the engine's program has it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const AGENDA_DAYS: usize = 1_000;
const TIMES_A_DAY: usize = 32;
/// How often a command is sent again after somebody was faster.
const TRIES: usize = 1_000;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// One agenda on one day.
#[derive(Default, Serialize, Deserialize)]
struct AgendaDay {
    slots: Vec<(i64, i64)>,
    taken: HashSet<i64>,
}

enum Command {
    Publish { start: i64, end: i64 },
    Book { start: i64, number: usize },
}

/// What happened; a booking has the fields of ours, ids in hexadecimal.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Event {
    SlotPublished { start: i64, end: i64 },
    AppointmentBooked { start: i64, end: i64, ids: [String; 6], reference: String, link_hash: String, contact: String },
}

impl DomainEvent for Event {
    fn event_type(&self) -> String {
        match self {
            Self::SlotPublished { .. } => "SlotPublished",
            Self::AppointmentBooked { .. } => "AppointmentBooked",
        }
        .to_owned()
    }
    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

/// The time is not free.
#[derive(Debug)]
struct Taken;

impl std::fmt::Display for Taken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("taken")
    }
}

impl std::error::Error for Taken {}

/// Minutes of a time.
const LENGTH: i64 = 15;

impl Aggregate for AgendaDay {
    const TYPE: &'static str = "agenda-day";
    type Command = Command;
    type Event = Event;
    type Error = Taken;
    type Services = ();

    async fn handle(&mut self, command: Command, (): &(), sink: &EventSink<Self>) -> Result<(), Taken> {
        let event = match command {
            Command::Publish { start, end } => Event::SlotPublished { start, end },
            Command::Book { start, number } => {
                let offered = self.slots.iter().any(|(from, to)| *from <= start && start + LENGTH <= *to);
                if !offered || self.taken.contains(&start) {
                    return Err(Taken);
                }
                let id = |kind: usize| format!("{:032x}", number * 8 + kind);
                Event::AppointmentBooked {
                    start,
                    end: start + LENGTH,
                    ids: [0, 1, 2, 3, 4, 5].map(id),
                    reference: format!("{number:010}"),
                    link_hash: format!("{number:064x}"),
                    contact: format!("{number:0200x}"),
                }
            }
        };
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::SlotPublished { start, end } => self.slots.push((start, end)),
            Event::AppointmentBooked { start, .. } => drop(self.taken.insert(start)),
        }
    }
}

/// The tables that the crate asks for.
const TABLES: &str = "CREATE TABLE events (aggregate_type text NOT NULL, aggregate_id text NOT NULL,
    sequence integer CHECK (sequence >= 0) NOT NULL, event_type text NOT NULL, event_version text NOT NULL,
    payload text NOT NULL, metadata text NOT NULL, PRIMARY KEY (aggregate_type, aggregate_id, sequence)) STRICT";

async fn open(folder: &Path) -> Result<Arc<SqliteCqrs<AgendaDay>>, Failed> {
    // As the crate's own pool, but for synchronous: that is NORMAL there, which may lose what was acknowledged.
    let options = SqliteConnectOptions::new()
        .filename(folder.join("peer.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(30));
    let pool = SqlitePoolOptions::new().max_connections(10).acquire_timeout(Duration::from_secs(60));
    let pool = pool.connect_with(options).await?;
    sqlx::query(TABLES).execute(&pool).await?;
    Ok(Arc::new(sqlite_cqrs(pool, vec![], ())))
}

/// The metadata of a command, as large as ours.
fn metadata(number: usize) -> HashMap<String, String> {
    let id = |kind: &str| (kind.to_owned(), format!("{number:032x}"));
    let mut all: HashMap<_, _> = ["correlation", "causation", "command", "clinic", "actor"].map(id).into();
    all.insert("received_at".to_owned(), "1795000000000000".to_owned());
    all.insert("occurred_at".to_owned(), "1795000000000000".to_owned());
    all
}

type Engine = CqrsFramework<AgendaDay, cqrs_es::persist::PersistedEventStore<sqlite_es::SqliteEventRepository, AgendaDay>>;

/// Books; false: somebody has it.
async fn book(engine: &Engine, day: &str, start: i64, number: usize) -> Result<bool, Failed> {
    for _ in 0..TRIES {
        let command = Command::Book { start, number };
        match engine.execute_with_metadata(day, command, metadata(number)).await {
            Ok(()) => return Ok(true),
            Err(AggregateError::UserError(Taken)) => return Ok(false),
            Err(AggregateError::AggregateConflict) => {}
            // Two writers of the pool met.
            Err(other) if format!("{other:?}").contains("locked") => {}
            Err(other) => return Err(format!("{other:?}").into()),
        }
    }
    Err("still a conflict after a thousand tries".into())
}

/// The start of the `n`-th time of a day.
fn start(n: usize) -> i64 {
    let n = i64::try_from(n).unwrap_or(0);
    480 + n * LENGTH
}

async fn lay_out(engine: &Arc<Engine>, days: usize) -> Result<(), Failed> {
    for day in 0..days {
        let end = start(TIMES_A_DAY);
        let publish = Command::Publish { start: start(0), end };
        engine.execute(&format!("{day:032x}.20261124"), publish).await.map_err(|e| format!("{e:?}"))?;
    }
    Ok(())
}

fn say(mut waits: Vec<Duration>, took: Duration) {
    waits.sort_unstable();
    let at = |share: usize| {
        let place = (waits.len() * share).div_ceil(100).saturating_sub(1);
        waits.get(place).map_or(0.0, |wait| wait.as_secs_f64() * 1e3)
    };
    #[allow(clippy::cast_precision_loss, reason = "figures for people to read")]
    let rate = waits.len() as f64 / took.as_secs_f64();
    let said = serde_json::json!({ "rate": rate, "p50": at(50), "p99": at(99), "max": at(100) });
    println!("{said}");
}

async fn books(folder: &Path, callers: usize, time: Duration) -> Result<(), Failed> {
    let engine = open(folder).await?;
    lay_out(&engine, AGENDA_DAYS).await?;
    let (next, begun) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (engine, next) = (Arc::clone(&engine), Arc::clone(&next));
            tokio::spawn(async move {
                let mut waits = Vec::new();
                while begun.elapsed() < time {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let (day, place) = (number % AGENDA_DAYS, number / AGENDA_DAYS);
                    if place >= TIMES_A_DAY {
                        break;
                    }
                    let asked = Instant::now();
                    if !book(&engine, &format!("{day:032x}.20261124"), start(place), number).await? {
                        return Err("a free time was refused".into());
                    }
                    waits.push(asked.elapsed());
                }
                Ok::<_, Failed>(waits)
            })
        })
        .collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await??);
    }
    say(waits, begun.elapsed());
    Ok(())
}

async fn contends(folder: &Path, callers: usize, rounds: usize) -> Result<(), Failed> {
    let engine = open(folder).await?;
    lay_out(&engine, rounds.div_ceil(TIMES_A_DAY)).await?;
    let (gate, end) = (Arc::new(Barrier::new(callers + 1)), Arc::new(Barrier::new(callers + 1)));
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let (engine, gate, end) = (Arc::clone(&engine), Arc::clone(&gate), Arc::clone(&end));
            tokio::spawn(async move {
                let mut won = 0;
                for round in 0..rounds {
                    let day = format!("{:032x}.20261124", round / TIMES_A_DAY);
                    gate.wait().await;
                    let booked = book(&engine, &day, start(round % TIMES_A_DAY), round * callers + caller).await;
                    end.wait().await;
                    won += usize::from(booked?);
                }
                Ok::<_, Failed>(won)
            })
        })
        .collect();
    let (mut waits, begun) = (Vec::with_capacity(rounds), Instant::now());
    for _ in 0..rounds {
        gate.wait().await;
        let round = Instant::now();
        end.wait().await;
        waits.push(round.elapsed());
    }
    let took = begun.elapsed();
    let mut won = 0;
    for task in tasks {
        won += task.await??;
    }
    if won != rounds {
        return Err(format!("{won} winners in {rounds} rounds").into());
    }
    say(waits, took);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, what, callers, amount] = arguments.as_slice() else {
        return Err("booking-peers FOLDER book CALLERS SECONDS | contend CALLERS ROUNDS".into());
    };
    let callers = callers.parse()?;
    match what.as_str() {
        "book" => books(Path::new(folder), callers, Duration::from_secs_f64(amount.parse()?)).await,
        "contend" => contends(Path::new(folder), callers, amount.parse()?).await,
        other => Err(format!("{other} is not known").into()),
    }
}
