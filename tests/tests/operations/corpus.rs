//! Old logs for ever: data directories of every release, as they were written, are opened, verified, and say what they said.
//! And what is newer than this build stops the read models that would need it, says so, and harms nothing.

use booking_api::verify::{History, Options, Verdict, verify};
use booking_api::{App, AppOptions};
use booking_domain::ids::{AgendaId, ClinicId, MemberId, PatientId, SubjectId, TemplateId};
use booking_domain::stream::StreamName;
use booking_domain::time::{Instant, WallDate};
use booking_engine::ManualClock;
use booking_events::DomainEvent;
use booking_store::{EventStore, Expected, NewEvent, SqliteOptions, SqliteStore};
use booking_tests::Home;
use booking_tests::chance::Play;
use booking_tests::http::app::options;
use booking_tests::load::{check_log, events_of};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn releases() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(corpus()).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    all.sort();
    all
}

/// A copy to open: the files of a release never change.
fn copy_of(release: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("checkpoints")).unwrap();
    for from in [release.to_owned(), release.join("checkpoints")] {
        for entry in std::fs::read_dir(&from).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
        {
            let to = folder.path().join(entry.strip_prefix(release).unwrap());
            std::fs::copy(&entry, &to).unwrap();
            let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(&to, private).unwrap();
        }
    }
    folder
}

/// What the read models say of the first events, in words that every release has. What a server does by itself when it runs,
/// such as forgetting whoever is due, comes after them.
async fn facts(app: &App, size: usize) -> Value {
    let mut events = events_of(&**app.log()).await;
    events.truncate(size);
    let mut types: BTreeMap<String, usize> = BTreeMap::new();
    for event in &events {
        *types.entry(event.event_type.to_string()).or_default() += 1;
    }
    let mut clinics = Vec::new();
    for clinic in app.views.clinics.clinics() {
        let (Some(id), Some(registered)) = (clinic.id(), clinic.registered.as_ref()) else { continue };
        let all = (Instant(i64::MIN), Instant(i64::MAX));
        let rows = app.views.appointments.in_range(id, all, None, None, 10_000).await.unwrap();
        let appointment = |row: &booking_projections::appointments::AppointmentRow| {
            let span = row.placement.span;
            format!("{} {} {} {:?} {}", row.id, span.start.0, span.end.0, row.status, row.patient.is_some())
        };
        let mut appointments: Vec<String> = rows.iter().map(appointment).collect();
        appointments.sort();
        clinics.push(
            json!({ "id": id, "name": registered.name, "zone": registered.zone, "agendas": clinic.agendas.len(),
            "services": clinic.services.len(), "members": app.views.clinics.members(id).len(),
            "templates": app.views.clinics.templates(id).len(), "appointments": appointments }),
        );
    }
    clinics.sort_by_key(|clinic| clinic["id"].to_string());
    let days: BTreeSet<_> = events.iter().filter_map(|event| event.stream.as_agenda_day()).collect();
    let mut slots = Vec::new();
    for (agenda, date) in days {
        if let Some(day) = app.views.availability.day(agenda, date) {
            let spans: Vec<_> = day.slots.iter().map(|slot| json!([slot.span.start.0, slot.span.end.0])).collect();
            slots.push(json!({ "agenda": agenda, "date": date.to_string(), "slots": spans }));
        }
    }
    let root = app.views.ledger.root_at(events.len() as u64).await.unwrap().unwrap();
    json!({ "events": events.len(), "root": hex::encode(root), "types": types, "clinics": clinics, "days": slots })
}

/// The clock stands after everything that was recorded.
fn clock_after(events: &[booking_store::Recorded]) -> Arc<ManualClock> {
    let times = events.iter().filter_map(|event| booking_events::Metadata::parse(event.metadata.as_bytes()).ok());
    Arc::new(ManualClock::new(times.map(|metadata| metadata.occurred_at).max().unwrap()))
}

async fn open(data: &Path) -> Arc<App> {
    let log = SqliteStore::open(data.join("events.db"), SqliteOptions::default()).await.unwrap();
    let clock = clock_after(&events_of(&log).await);
    log.close().await;
    let mut options: AppOptions = options(data, &clock);
    options.ledger.key = None;
    App::open(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_of_every_release_are_read_verified_and_say_what_they_said() {
    if std::env::var("BLESS").is_ok() && !corpus().join(VERSION).exists() {
        write(&corpus().join(VERSION)).await;
    }
    let releases = releases();
    assert!(releases.iter().any(|release| release.ends_with(VERSION)), "this release has no corpus: BLESS=1 writes it");
    for release in releases {
        let data = copy_of(&release);
        let told = std::fs::read_to_string(release.join("facts.json")).unwrap();
        let expected: Value = serde_json::from_str(&told).unwrap();

        let log = SqliteStore::open(data.path().join("events.db"), SqliteOptions::default()).await.unwrap();
        let stored = events_of(&log).await;
        log.close().await;
        assert_eq!(expected["events"], stored.len(), "{}", release.display());
        for event in &stored {
            booking_events::decode(&event.event_type, &event.payload)
                .unwrap_or_else(|error| panic!("{event:?}: {error}"));
        }
        let report = verify(&History::Data(data.path().to_owned()), &Options::default()).await.unwrap();
        assert_eq!(report.verdict, Verdict::Ok, "{}: {:#?}", release.display(), report.lines());

        // The read models do not come along: this build makes them of the log.
        let app = open(data.path()).await;
        assert!(app.settle().await, "{}: {:?}", release.display(), app.views.status());
        assert_eq!(facts(&app, stored.len()).await, expected, "{}", release.display());
        for name in app.views.names() {
            let rebuilt = app.views.rebuild(name, &CancellationToken::new()).await.unwrap();
            assert_eq!(rebuilt.agrees(), Some(true), "{}: {name}", release.display());
        }
        assert_eq!(facts(&app, stored.len()).await, expected, "{}: after a rebuild", release.display());
        app.close().await;
    }
}

#[test]
fn the_corpus_of_this_release_has_every_event_type() {
    let facts = std::fs::read_to_string(corpus().join(VERSION).join("facts.json")).unwrap();
    let facts: Value = serde_json::from_str(&facts).unwrap();
    let known: BTreeSet<&str> = facts["types"].as_object().unwrap().keys().map(String::as_str).collect();
    // A type that came after this release was frozen is in the golden files, and in the next release's folder.
    let missing: Vec<&str> = booking_events::event_types().filter(|name| !known.contains(name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_a_newer_release_stops_what_needs_it_says_so_and_harms_nothing() {
    for release in releases() {
        let data = copy_of(&release);
        let log = SqliteStore::open(data.path().join("events.db"), SqliteOptions::default()).await.unwrap();
        let before = events_of(&log).await;
        let day = before.iter().rfind(|event| event.stream.category() == "agendaday").unwrap().clone();
        let head = log.read_stream(&day.stream, 0, 10_000).await.unwrap().last().map(|event| event.revision);
        let newer = NewEvent {
            id: Uuid::from_u128(99),
            event_type: "appointment-booked.v99".into(),
            metadata: day.metadata.clone(),
            payload: vec![1, 2, 3].into(),
        };
        let position = log.append(&day.stream, Expected::head(head), vec![newer]).await.unwrap().position;
        log.close().await;
        let bytes = |name: &str| std::fs::read(data.path().join(name)).unwrap();

        let app = open(data.path()).await;
        let settled = async {
            while app.views.status().iter().any(|status| status.stopped.is_none() && status.position < Some(position)) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), settled).await.unwrap();
        for status in app.views.status() {
            let said = status.stopped.as_ref().map(ToString::to_string).unwrap_or_default();
            if matches!(status.name, "availability" | "agenda" | "appointments") {
                assert!(said.contains("appointment-booked.v99") && said.contains(&position.to_string()), "{said}");
                // Everything before it is shown.
                assert!(status.position.is_some_and(|at| at < position), "{status:?}");
            }
            if matches!(status.name, "clinics" | "ledger" | "patients" | "access") {
                assert_eq!(said, "", "{} does not need it", status.name);
            }
        }
        // A command on that day is refused, and nothing is written after it.
        assert_eq!(app.log().head().await.unwrap(), Some(position));
        app.close().await;
        let log = SqliteStore::open(data.path().join("events.db"), SqliteOptions::default()).await.unwrap();
        let after = events_of(&log).await;
        assert_eq!(after.get(..before.len()), Some(&before[..]));
        assert_eq!(after.len(), before.len() + 1);
        log.close().await;
        assert!(!bytes("vault.db").is_empty());
    }
}

/// Random clinics, and of every event type that they left out its golden bytes, in streams of a clinic of their own.
async fn write(folder: &Path) {
    let home = Home::new(2026).await;
    let file = home.dir().join("events.db");
    let log = SqliteStore::open(&file, SqliteOptions::default()).await.unwrap();
    let shared: Arc<dyn EventStore> = Arc::new(log.clone());
    for seed in 1..=4 {
        let mut play = Play::on(&home, Arc::clone(&shared), seed).await;
        play.go_on(60).await;
    }
    let written = events_of(&log).await;
    assert_eq!(check_log(&written), Vec::<String>::new());
    let known: BTreeSet<String> = written.iter().map(|event| event.event_type.to_string()).collect();
    let template = written.last().unwrap().metadata.clone();
    for (number, name) in (1..).zip(booking_events::event_types().filter(|name| !known.contains(*name))) {
        let (payload, stream) = golden(name, number);
        let id = Uuid::from_u64_pair(2026, number);
        let event = NewEvent { id, event_type: name.into(), metadata: template.clone(), payload: payload.into() };
        log.append(&stream, Expected::NoStream, vec![event]).await.unwrap();
    }
    let all = events_of(&log).await;
    let clock = clock_after(&all);
    log.close().await;
    let data = home.dir().to_owned();
    let kept = tempfile::tempdir().unwrap();
    drop(shared);
    // The home's directory goes with it: what it holds is opened elsewhere.
    home.close_and(|| {
        for name in ["events.db", "vault.db", "root.key"] {
            std::fs::copy(data.join(name), kept.path().join(name)).unwrap();
        }
    })
    .await;
    let app = App::open(options(kept.path(), &clock)).await.unwrap();
    assert!(app.settle().await, "{:?}", app.views.status());
    let told = facts(&app, all.len()).await;
    app.close().await;
    std::fs::create_dir_all(folder.join("checkpoints")).unwrap();
    for name in ["events.db", "vault.db", "root.key"] {
        std::fs::copy(kept.path().join(name), folder.join(name)).unwrap();
    }
    for entry in std::fs::read_dir(kept.path().join("checkpoints")).unwrap().map(|entry| entry.unwrap().path()) {
        std::fs::copy(&entry, folder.join("checkpoints").join(entry.file_name().unwrap())).unwrap();
    }
    std::fs::write(folder.join("facts.json"), format!("{}\n", serde_json::to_string_pretty(&told).unwrap())).unwrap();
}

/// Golden bytes of a type, and a stream of its category that nothing else is in.
fn golden(name: &str, number: u64) -> (Vec<u8>, StreamName) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../event-schemas/golden");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let own = |path: &&PathBuf| {
        let file = path.file_name().unwrap().to_str().unwrap();
        file.starts_with(&format!("{name}.")) && path.extension().is_some_and(|extension| extension == "hex")
    };
    let file = files.iter().find(own).unwrap_or_else(|| panic!("no golden file of {name}"));
    let text: String = std::fs::read_to_string(file).unwrap().split_whitespace().collect();
    let payload = hex::decode(text).unwrap();
    let (id, date) = (Uuid::from_u64_pair(7, number), WallDate::parse("2026-12-01").unwrap());
    let stream = match booking_events::decode(name, &payload).unwrap() {
        DomainEvent::Clinic(_) => StreamName::clinic(ClinicId(id)),
        DomainEvent::AgendaDay(_) => StreamName::agenda_day(AgendaId(id), date),
        DomainEvent::Patient(_) => StreamName::patient(PatientId(id)),
        DomainEvent::Template(_) => StreamName::template(TemplateId(id)),
        DomainEvent::Quota(_) => StreamName::quota(SubjectId(id)),
        DomainEvent::Staff(_) => StreamName::staff(MemberId(id)),
        DomainEvent::Slug(_) => StreamName::slug(&format!("{number:064x}")),
        DomainEvent::Demand(_) => StreamName::demand(ClinicId(id), date, id),
        DomainEvent::Access(_) => StreamName::access(ClinicId(id), date, id),
        DomainEvent::Erasure(_) => StreamName::erasure(SubjectId(id)),
    };
    (payload, stream)
}
