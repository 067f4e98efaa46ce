//! The demo clinic as a whole: it can be booked, and started again.

use super::*;
use crate::import::Silent;
use booking_domain::agenda_day::Freedom;
use booking_domain::ids::ServiceId;
use booking_domain::values::{BookedBy, Origin, Status};
use booking_domain::visibility::{Candidate, ViewerFacts, is_offered};
use booking_engine::vault::{OsEntropy, Vault};
use booking_engine::{EngineOptions, ManualClock};
use booking_store::MemoryStore;
use std::sync::Arc;

/// 22 November 2026, a Sunday, 10:30 in Toronto.
const NOW: Instant = Instant(1_795_361_400_000_000);

struct Started {
    engine: Engine,
    clock: Arc<ManualClock>,
    demo: DemoClinic,
    _folder: tempfile::TempDir,
}

impl Started {
    async fn new(now: Instant) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (vault, _) = Vault::open_dir(folder.path(), Arc::new(OsEntropy)).await.unwrap();
        let clock = Arc::new(ManualClock::new(now));
        let log = Arc::new(MemoryStore::new());
        // The second clinic asks for codes, which only an installation that can send some may do.
        let options = EngineOptions { message_channel: true, ..EngineOptions::default() };
        let engine = Engine::new(log, Arc::new(vault), Arc::clone(&clock) as _, Arc::new(OsEntropy), options);
        let demo = start(&engine).await;
        Self { engine, clock, demo, _folder: folder }
    }
    async fn events(&self) -> usize {
        let page = self.engine.log().read_all(None, 1_000_000).await.unwrap();
        page.events.len()
    }
    fn ids(&self, keys: Arc<booking_engine::vault::ClinicKeys>) -> Ids {
        assert_eq!(keys.clinic(), self.demo.clinic);
        Ids::Keyed(keys)
    }
    /// How many availabilities a service offers to a stranger over the coming weeks; and of those, recurring ones.
    async fn offered(&self, service: &str) -> (usize, usize) {
        let ids = self.ids(self.engine.vault().clinic_keys(self.demo.clinic).await.unwrap());
        let rules = self.engine.rules(self.demo.clinic).await.unwrap();
        let clinic = &rules.state;
        let service = &clinic.services[&ids.of::<ServiceId>("service", &[service])];
        let (now, stranger) = (self.engine.now(), ViewerFacts::unrecognized(None));
        let today = now.wall(ZONE).0;
        let (mut all, mut recurring) = (0, 0);
        for agenda in clinic.agendas.keys() {
            for date in (0..35).map(|days| today.plus_days(days)) {
                let day = self.engine.day(*agenda, date).await.unwrap();
                for slot in &day.state.occupancy.slots {
                    for span in slot.availabilities() {
                        let freedom: Freedom = day.state.occupancy.freedom(slot, span, None, None, now);
                        let candidate = Candidate { slot, span, freedom };
                        if is_offered(clinic, service, &candidate, &stranger, now) {
                            all += 1;
                            recurring += usize::from(slot.origin == Origin::Recurrence);
                        }
                    }
                }
            }
        }
        (all, recurring)
    }
}

async fn start(engine: &Engine) -> DemoClinic {
    demo(engine, engine.now(), &Silent).await.unwrap_or_else(|error| match error {
        ImportError::Problems(all) => {
            panic!("{}", all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        }
        other => panic!("{other}"),
    })
}

#[tokio::test]
async fn the_demo_can_be_booked_and_started_again() {
    let started = Started::new(NOW).await;
    let report = &started.demo.report;
    assert_eq!(report.patients.created, u64::try_from(people::PATIENTS).unwrap());
    assert_eq!((report.practitioners.created, report.services.created), (6, 8));
    assert_eq!(started.demo.booked, 9);

    // Open services have something for a stranger, the others nothing; nothing recurring is ever offered.
    let (vaccines, recurring) = started.offered("vaccination").await;
    assert!(vaccines > 50 && recurring == 0, "{vaccines}");
    assert!(started.offered("sans-rendez-vous-48").await.0 > 0);
    for restricted in ["suivi-medecin", "enfants", "bilan-65", "depistage", "teleconsultation", "sans-rendez-vous-24"] {
        assert_eq!(started.offered(restricted).await.0, 0, "{restricted}");
    }

    // At the next full hour there is more.
    assert_eq!(started.demo.next_release, NOW.plus_minutes(30));
    started.clock.set(started.demo.next_release);
    assert_eq!(started.offered("vaccination").await.0, vaccines + 9);

    // Twice is once.
    let before = started.events().await;
    let again = start(&started.engine).await;
    assert_eq!((again.booked, again.report.slots.created), (0, 0));
    assert!(again.report.is_unchanged());
    assert_eq!(started.events().await, before);

    // Nine days later the schedule goes on, and nothing that is there changes.
    started.clock.advance_seconds(9 * 86_400);
    let later = start(&started.engine).await;
    assert_eq!(later.booked, 0);
    assert!(later.report.slots.created > 20 && later.report.slots.updated == 0, "{:?}", later.report.slots);
    assert_eq!(later.report.patients.created + later.report.patients.updated, 0);
}

#[tokio::test]
async fn there_are_bookings_of_every_kind_and_accounts_to_sign_in_with() {
    let started = Started::new(NOW).await;
    let rules = started.engine.rules(started.demo.clinic).await.unwrap();
    let today = NOW.wall(ZONE).0;
    let mut all = Vec::new();
    for agenda in rules.state.agendas.keys() {
        for date in (0..35).map(|days| today.plus_days(days)) {
            let day = started.engine.day(*agenda, date).await.unwrap();
            all.extend(day.state.appointments.values().cloned());
        }
    }
    let count = |f: &dyn Fn(&booking_domain::agenda_day::Appointment) -> bool| all.iter().filter(|a| f(a)).count();
    assert_eq!(all.len(), 9);
    assert_eq!(count(&|a| a.booked_by == BookedBy::Staff), 5);
    assert_eq!(count(&|a| a.booked_by == BookedBy::External && a.channel.as_deref() == Some("Hub")), 1);
    assert_eq!(count(&|a| a.booked_by == BookedBy::PatientOnline && a.patient.is_some()), 1);
    assert_eq!(count(&|a| a.booked_by == BookedBy::PatientOnline && a.patient.is_none()), 2);
    assert_eq!(count(&|a| a.status == Status::Cancelled), 1);

    for account in &started.demo.staff {
        let (email, password) = (Phi::new(account.email.to_owned()), Phi::new(account.password.to_owned()));
        let who = started.engine.vault().verify_password(None, &email, &password).await.unwrap();
        assert_eq!(who.len(), 1, "{}", account.email);
    }
}

#[test]
fn the_documentation_names_the_people_of_the_tour() {
    let page = include_str!("../../../docs/import.md");
    for e in EXAMPLES {
        let named =
            [e.last_name, e.birth_date, e.health_number, e.phone, e.email].iter().all(|part| page.contains(part));
        assert!(named, "{} {}", e.first_name, e.last_name);
    }
}
