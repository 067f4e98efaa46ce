//! What is found on the disk of a server that was killed. It looks at a copy, so that the server's own recovery meets
//! the files as the kill left them.

use super::driver::{Known, Ledger};
use async_trait::async_trait;
use booking_api::AppOptions;
use booking_api::app::App;
use booking_domain::ids::{ClinicId, ServiceId, SubjectId};
use booking_domain::person::Profile;
use booking_domain::sealed::Sealed;
use booking_domain::time::{Instant, Tz};
use booking_domain::visibility::ViewerFacts;
use booking_engine::vault::{OsEntropy, Vault};
use booking_engine::{Clock as _, ManualClock, SystemClock};
use booking_events::sealed_forms::Plaintext as _;
use booking_events::sealing::{self, Field};
use booking_projections::agenda::render;
use booking_projections::availability::{DayParts, Query, Weekdays};
use booking_projections::{ProfileOpener, RunnerOptions, Views};
use booking_store::{EventStore, Recorded, SqliteOptions, SqliteStore};
use booking_tests::load::{bookings, check_log, events_of};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// How long views may take to catch up.
const PATIENCE: Duration = Duration::from_secs(30);

/// The data directory as it is, in another place.
pub fn copy(data: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(data).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
    }
    copy
}

/// Whose portal is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Whose {
    /// The clinic.
    pub clinic: ClinicId,
    /// The service that is looked for.
    pub service: ServiceId,
}

/// Everything that is wrong with a copy, and how many events its log has.
pub async fn faults(copy: &Path, whose: Whose, ledger: &Ledger) -> (Vec<String>, usize) {
    let store = Arc::new(SqliteStore::open(copy.join("events.db"), SqliteOptions::default()).await.unwrap());
    let log: Arc<dyn EventStore> = Arc::clone(&store) as _;
    let events = events_of(&*log).await;
    let mut faults = check_log(&events);
    faults.extend(promises(&events, ledger));
    let (vault, _) = Vault::open_dir(copy, Arc::new(OsEntropy)).await.unwrap();
    faults.extend(keys(&vault, &events, whose.clinic, ledger).await);
    vault.close().await;
    faults.extend(views(copy, &log, &events, whose).await);
    store.close().await;
    (faults, events.len())
}

/// What clients were told, against the log.
fn promises(events: &[Recorded], ledger: &Ledger) -> Vec<String> {
    let mut faults = ledger.wrong.clone();
    let stored: HashMap<_, _> = bookings(events).into_iter().collect();
    for (command, booked) in &stored {
        let Some(request) = ledger.requests.get(command) else {
            faults.push(format!("phantom: nobody asked for the booking of {command}"));
            continue;
        };
        if !booked
            .placement
            .sources
            .iter()
            .any(|s| s.slot == request.place.selected.slot && s.span.start == request.place.selected.start)
        {
            faults.push(format!("{command} booked another time than it asked for"));
        }
    }
    for (command, request) in &ledger.requests {
        match (&request.known, stored.get(command)) {
            (Known::Booked(_), None) => faults.push(format!("lost: {command} was acknowledged and is not in the log")),
            (Known::Booked(reference), Some(booked)) if *reference != booked.booking.reference => {
                faults.push(format!("{command} was given the reference of another appointment"));
            }
            (Known::Refused(code), Some(_)) => faults.push(format!("{command} was refused ({code}) and is booked")),
            _ => {}
        }
    }
    faults
}

/// The vault's keys open what every booking sealed.
async fn keys(vault: &Vault, events: &[Recorded], clinic: ClinicId, ledger: &Ledger) -> Vec<String> {
    let bookings = bookings(events);
    let subjects: Vec<SubjectId> = bookings.iter().map(|(_, b)| b.booking.subject).collect();
    let keys = vault.subject_keys(clinic, &subjects).await.unwrap();
    let mut faults = Vec::new();
    for (command, booked) in bookings {
        let booking = &booked.booking;
        let name = booking.contact.as_ref().and_then(|sealed| {
            let key = keys.get(&booking.subject)?;
            let bytes = sealing::open(key, clinic, booking.subject, Field::Profile, sealed).ok()?;
            Some(Profile::from_plaintext(sealed.schema, &bytes).ok()?.first_name)
        });
        let typed = ledger.requests.get(&command).map(super::driver::Request::name);
        if name.as_deref() != typed {
            faults.push(format!("the contact of {command} does not open: its key is lost"));
        }
    }
    faults
}

struct Nobody;

#[async_trait]
impl ProfileOpener for Nobody {
    async fn open_profiles(&self, _: ClinicId, sealed: &[(SubjectId, Sealed)]) -> Vec<Option<Profile>> {
        vec![None; sealed.len()]
    }
}

async fn opened(path: &Path, log: &Arc<dyn EventStore>) -> Option<Views> {
    let views = Views::open(path, Arc::clone(log), Arc::new(Nobody), RunnerOptions::default()).await.unwrap();
    views.start();
    let head = log.head().await.unwrap()?;
    assert!(views.wait_for_all(head, PATIENCE).await, "the views do not catch up: {:?}", views.status());
    Some(views)
}

/// The killed views, caught up, against views that are made from the first event on.
async fn views(copy: &Path, log: &Arc<dyn EventStore>, events: &[Recorded], whose: Whose) -> Vec<String> {
    let fresh = tempfile::tempdir().unwrap();
    let killed = opened(&copy.join("views.db"), log).await;
    let replayed = opened(&fresh.path().join("views.db"), log).await;
    let (Some(killed), Some(replayed)) = (killed, replayed) else { return vec![] };
    let mut faults = Vec::new();
    let mut compare = |what: &str, same: bool| {
        if !same {
            faults.push(format!("the killed views and a replay from the start differ in {what}"));
        }
    };
    let now = SystemClock.now();
    let [a, b] = [&killed, &replayed].map(|v| v.clinics.clinic(whose.clinic));
    compare("the clinic", a == b);
    let days: BTreeSet<_> = events.iter().filter_map(|e| e.stream.as_agenda_day()).collect();
    for (agenda, date) in days {
        let [a, b] = [killed.agenda_day(agenda, date).await.unwrap(), replayed.agenda_day(agenda, date).await.unwrap()];
        compare(&format!("the agenda {agenda} on {date}"), a == b);
        if let (Some(a), Some(b), Some(clinic)) = (a, b, killed.clinics.clinic(whose.clinic)) {
            let [a, b] = [a, b].map(|day| render(&clinic, agenda, date, &day, now));
            compare(&format!("what the agenda {agenda} shows on {date}"), a == b);
        }
        let [a, b] = [&killed, &replayed].map(|v| v.availability.day(agenda, date));
        compare(&format!("the availability of {agenda} on {date}"), a == b);
    }
    let always = (Instant(i64::MIN), Instant(i64::MAX));
    let rows = async |v: &Views| v.appointments.in_range(whose.clinic, always, None, None, 1_000_000).await.unwrap();
    compare("appointments", rows(&killed).await == rows(&replayed).await);
    compare("offers", offers(&killed, whose, now) == offers(&replayed, whose, now));
    killed.close().await;
    replayed.close().await;
    faults
}

fn offers(views: &Views, whose: Whose, now: Instant) -> Vec<booking_projections::availability::Offer> {
    let clinic = views.clinics.clinic(whose.clinic).unwrap();
    let today = now.wall(Tz::America__Toronto).0;
    let page = views.availability.query(&Query {
        clinic: &clinic,
        service: whose.service,
        viewer: &ViewerFacts::unrecognized(None),
        from: today,
        to: today.plus_days(366),
        practitioners: None,
        weekdays: Weekdays::ALL,
        parts: DayParts::ALL,
        now,
        after: None,
        limit: usize::MAX,
        count_days: true,
    });
    page.offers
}

/// A day later the purge deletes the keys of visits that never booked. It keeps the others, although the kill may have
/// come between a booking and the note that its key is to be kept.
pub async fn faults_after_the_purge(copy: &Path, whose: Whose, ledger: &Ledger) -> Vec<String> {
    let later = SystemClock.now().plus_minutes(26 * 60);
    let options = AppOptions { clock: Arc::new(ManualClock::new(later)), ..AppOptions::new(copy) };
    let app = App::open(options).await.unwrap();
    let before = later.plus_minutes(-60);
    let vault = app.engine.vault();
    let purged = async {
        while !vault.unkept_subjects(before).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, purged).await.is_ok();
    let events = events_of(&**app.log()).await;
    let mut faults = keys(vault, &events, whose.clinic, ledger).await;
    if !in_time {
        faults.push("the purge left keys of visits that are over".to_owned());
    }
    app.close().await;
    faults
}
