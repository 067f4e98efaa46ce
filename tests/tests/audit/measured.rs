//! `verify` over a large history: how long it takes, what share of that is reading the log, and that its memory does not
//! grow with the history. The history is a day that an engine wrote, laid down again on other days and agendas.

use booking_api::app::{App, AppOptions};
use booking_api::verify::{History, Options, verify};
use booking_domain::agenda_day::{AgendaDayEvent, Placement};
use booking_domain::ids::{AgendaId, AppointmentId, HoldId, SlotId, VisitId};
use booking_domain::stream::StreamName;
use booking_domain::time::{Span, WallDate};
use booking_events::EventCodec;
use booking_store::{EventStore, Expected, NewEvent, Recorded, SqliteOptions, SqliteStore};
use booking_tests::Home;
use booking_tests::actors::{date, draft, time};
use booking_tests::seeds::rounds;
use futures::StreamExt as _;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A process of this binary that is to verify a data directory, and nothing else.
const VERIFIES: &str = "MEASURED_VERIFIES";
/// Before what it answers.
const ANSWERS: &str = "the verification says ";
/// Megabytes by which the memory of four times the history may be larger: what the allocator keeps and the pages that
/// SQLite remembers. The small run finds what keeps two kilobytes of each event, the great one what keeps fifty bytes.
const MORE: u64 = 32;

/// A day of one agenda as an engine wrote it, to be laid down again on other days and agendas.
async fn a_day() -> (Vec<Recorded>, Vec<Recorded>) {
    let home = Home::new(1).await;
    let world = home.world(1);
    let (desk, activity, service) = world.small_clinic(15).await;
    let day = date("2026-11-25");
    for hour in ["08", "09", "10", "11", "13", "14", "15", "16"] {
        let (from, to) = (time(&format!("{hour}:00")), time(&format!("{hour}:45")));
        let slot = world.publishes(draft(desk.agenda, day, from, to, activity)).await;
        for n in 0..3 {
            let place = world.place(desk.agenda, day, slot, n).await;
            let visitor = world.welcomes_a_stranger().await;
            visitor.holds(&world, place, service).await.unwrap();
            visitor.books(&world, place, service).await.unwrap();
        }
    }
    let events = world.events().await;
    home.close().await;
    events.into_iter().partition(|event| event.stream.category() != "agendaday")
}

struct Copy {
    agenda: AgendaId,
    days: i32,
    salt: u64,
}

impl Copy {
    fn id(&self, of: [u8; 16]) -> [u8; 16] {
        uuid::Uuid::new_v5(&uuid::Uuid::from_bytes(of), &self.salt.to_be_bytes()).into_bytes()
    }
    fn date(&self, date: WallDate) -> WallDate {
        date.plus_days(self.days)
    }
    fn span(&self, span: Span) -> Span {
        let minutes = i64::from(self.days) * 1_440;
        Span { start: span.start.plus_minutes(minutes), end: span.end.plus_minutes(minutes) }
    }
    fn placement(&self, placement: &mut Placement) {
        placement.date = self.date(placement.date);
        (placement.span, placement.occupies) = (self.span(placement.span), self.span(placement.occupies));
        for source in &mut placement.sources {
            source.slot = SlotId::from_bytes(self.id(source.slot.bytes()));
            source.span = self.span(source.span);
        }
    }

    fn of(&self, event: &Recorded) -> NewEvent {
        let mut decoded = AgendaDayEvent::decode(&event.event_type, &event.payload).unwrap();
        match &mut decoded {
            AgendaDayEvent::SlotPublished(e) => {
                (e.slot, e.agenda) = (SlotId::from_bytes(self.id(e.slot.bytes())), self.agenda);
                (e.date, e.facts.span) = (self.date(e.date), self.span(e.facts.span));
            }
            AgendaDayEvent::HoldPlaced(e) => {
                e.hold = HoldId::from_bytes(self.id(e.hold.bytes()));
                e.visit = VisitId::from_bytes(self.id(e.visit.bytes()));
                (e.slot, e.span) = (SlotId::from_bytes(self.id(e.slot.bytes())), self.span(e.span));
            }
            AgendaDayEvent::AppointmentBooked(e) => {
                e.booking.appointment = AppointmentId::from_bytes(self.id(e.booking.appointment.bytes()));
                e.booking.agenda = self.agenda;
                e.booking.visit = e.booking.visit.map(|visit| VisitId::from_bytes(self.id(visit.bytes())));
                e.hold = e.hold.map(|hold| HoldId::from_bytes(self.id(hold.bytes())));
                self.placement(&mut e.placement);
            }
            _ => {}
        }
        NewEvent {
            id: uuid::Uuid::from_bytes(self.id(event.id.into_bytes())),
            event_type: event.event_type.to_string().into(),
            metadata: event.metadata.clone(),
            payload: decoded.encode().payload,
        }
    }
}

/// Writes so many events, and has a server make the tree and sign it.
async fn written(data: &Path, wanted: usize) -> usize {
    let (before, day) = a_day().await;
    let log = SqliteStore::open(data.join("events.db"), SqliteOptions::default()).await.unwrap();
    for event in &before {
        let new = NewEvent {
            id: event.id,
            event_type: event.event_type.to_string().into(),
            metadata: event.metadata.clone(),
            payload: event.payload.clone(),
        };
        log.append(&event.stream, Expected::head(event.revision.checked_sub(1)), vec![new]).await.unwrap();
    }
    let days = wanted.saturating_sub(before.len()).div_ceil(day.len());
    let lay = |salt: u64| {
        let (log, day) = (&log, &day);
        async move {
            let agenda = AgendaId::from_bytes(u128::from(1 + salt % 40).to_be_bytes());
            let copy = Copy { agenda, days: i32::try_from(salt / 40).unwrap(), salt };
            let stream = StreamName::agenda_day(agenda, copy.date(date("2026-11-25")));
            let events: Vec<NewEvent> = day.iter().map(|event| copy.of(event)).collect();
            log.append(&stream, Expected::NoStream, events).await.unwrap();
        }
    };
    let all = futures::stream::iter(0..u64::try_from(days).unwrap());
    all.map(lay).buffer_unordered(64).collect::<Vec<()>>().await;
    log.close().await;
    // A vault of its own, so that a server can be started on it.
    let entropy = std::sync::Arc::new(booking_engine::vault::OsEntropy);
    booking_engine::vault::Vault::open_dir(data, entropy).await.unwrap().0.close().await;
    let app = App::open(AppOptions::new(data)).await.unwrap();
    assert!(app.settle_within(Duration::from_mins(10)).await, "the views do not catch up");
    app.close().await;
    before.len() + days * day.len()
}

/// The process that verifies: alone with its memory.
#[test]
fn this_binary_verifies_a_data_directory_when_it_is_given_one() {
    let Some(data) = std::env::var_os(VERIFIES) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let report = runtime.block_on(verify(&History::Data(data.into()), &Options::default())).unwrap();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    println!("\n{ANSWERS}{}", json!({ "report": report, "peak": peak }));
}

fn verified(data: &Path) -> (Value, u64) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "audit::measured::this_binary_verifies_a_data_directory_when_it_is_given_one",
        "--exact",
        "--nocapture",
    ]);
    // One arena: how many the threads of a process happen to fill is no property of what is verified, and is noise of 20 MB.
    let output = command.env(VERIFIES, data).env("MALLOC_ARENA_MAX", "1").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let answer = text.lines().find_map(|line| line.strip_prefix(ANSWERS)).unwrap_or_else(|| panic!("{text}"));
    let mut answer: Value = serde_json::from_str(answer).unwrap();
    (answer["report"].take(), answer["peak"].as_u64().unwrap() / 1_024)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verifying_a_large_history_takes_no_more_memory_than_a_small_one() {
    let wanted = usize::try_from(rounds(20_000, 1_000_000)).unwrap();
    let mut peaks = Vec::new();
    for wanted in [wanted / 4, wanted] {
        let data = tempfile::tempdir().unwrap();
        let begun = crate::load::portal::now();
        let written = written(data.path(), wanted).await;
        println!("{written} events written, shown and signed in {:.1?}", begun.elapsed());
        let (report, peak) = verified(data.path());
        assert_eq!(report["verdict"], "ok", "{report:#}");
        assert_eq!((report["leaves"].as_u64(), report["violation_count"].as_u64()), (Some(written as u64), Some(0)));
        let took = |what: &str| report["timing"][what].as_u64().unwrap();
        let total = took("total").max(1);
        println!(
            "  verified in {total} ms ({} events/s), at most {peak} MB: tree: reading {} ms ({} %), hashing {} ms; \
             rules of {} bookings, beside it: reading {} ms ({} %), judging {} ms",
            written as u64 * 1_000 / total,
            took("reading"),
            took("reading") * 100 / total,
            took("hashing"),
            report["bookings"],
            took("rules_reading"),
            took("rules_reading") * 100 / total,
            took("rules"),
        );
        peaks.push(peak);
    }
    assert!(peaks[1] <= peaks[0] + MORE, "memory grows with the history: {peaks:?} MB");
}
