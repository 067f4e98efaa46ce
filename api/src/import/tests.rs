//! The import as a whole: what it refuses, what it repeats, what it changes.

use super::*;
use booking_domain::ids::{PatientId, ServiceId};
use booking_domain::time::Instant;
use booking_engine::vault::{OsEntropy, Vault};
use booking_engine::{EngineOptions, ManualClock};
use booking_store::{EventStore, MemoryStore};
use std::fmt::Write;
use std::sync::Arc;

struct Clinic {
    engine: Engine,
    clock: Arc<ManualClock>,
    files: Files,
    _folder: tempfile::TempDir,
}

/// 25 November 2026, a Wednesday, 10:00 in Toronto.
const NOW: Instant = Instant(1_795_618_800_000_000);

impl Clinic {
    async fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (vault, _) = Vault::open_dir(folder.path(), Arc::new(OsEntropy)).await.unwrap();
        let clock = Arc::new(ManualClock::new(NOW));
        let log: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
        let options = EngineOptions::default();
        let engine = Engine::new(log, Arc::new(vault), Arc::clone(&clock) as _, Arc::new(OsEntropy), options);
        Self { engine, clock, files: small(), _folder: folder }
    }
    async fn import(&self, options: &ImportOptions) -> Result<ImportReport, ImportError> {
        import_files(&self.engine, &self.files, options, &Silent).await
    }
    async fn imported(&self) -> ImportReport {
        self.import(&ImportOptions::default()).await.unwrap_or_else(|e| match e {
            ImportError::Problems(all) => {
                let all: Vec<String> = all.iter().map(ToString::to_string).collect();
                panic!("{}", all.join("\n"))
            }
            other => panic!("{other}"),
        })
    }
    async fn problems(&self) -> Vec<String> {
        match self.import(&ImportOptions::default()).await {
            Err(ImportError::Problems(all)) => all.iter().map(ToString::to_string).collect(),
            other => panic!("{other:?}"),
        }
    }
    async fn events(&self) -> usize {
        let mut count = 0;
        let mut after = None;
        loop {
            let page = self.engine.log().read_all(after, 1_000).await.unwrap();
            if page.events.is_empty() {
                return count;
            }
            count += page.events.len();
            after = page.events.last().map(|e| e.position);
        }
    }
    async fn ids(&self) -> Ids {
        Ids::Keyed(self.engine.vault().clinic_keys(clinic_of("petite")).await.unwrap())
    }
    fn change(&mut self, from: &str, to: &str) {
        let text = self.files.clinic.as_mut().unwrap();
        assert!(text.contains(from), "{from}");
        *text = text.replace(from, to);
    }
}

fn fixture(name: &str) -> String {
    let path = format!("{}/../tests/fixtures/import/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn small() -> Files {
    Files {
        clinic: Some(fixture("small/clinic.toml")),
        patients: Some(fixture("small/patients.csv")),
        schedules: Some(fixture("small/schedules.csv")),
        calendars: vec![("roy.ics".into(), fixture("small/roy.ics"))],
    }
}

#[tokio::test]
async fn every_mistake_is_reported_with_file_and_line_and_nothing_is_appended() {
    let clinic = Clinic::empty().await;
    let folder = format!("{}/../tests/fixtures/import/broken", env!("CARGO_MANIFEST_DIR"));
    let outcome = import(&clinic.engine, Path::new(&folder), &ImportOptions::default(), &Silent).await;
    let Err(ImportError::Problems(found)) = outcome else { panic!("{outcome:?}") };
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    let expected = fixture("broken/expected.txt");
    let expected: Vec<&str> = expected.lines().collect();
    assert_eq!(found, expected, "\n{}", found.join("\n"));
    assert_eq!(clinic.events().await, 0);
}

#[tokio::test]
async fn a_clinic_comes_whole_from_its_files() {
    let clinic = Clinic::empty().await;
    let report = clinic.imported().await;
    assert_eq!((report.activities.created, report.practitioners.created, report.services.created), (2, 2, 2));
    assert_eq!((report.patients.created, report.templates.created, report.members.created), (3, 1, 1));
    assert_eq!(report.invitations.len(), 1);
    // Two rows, one event, two weeks of two template slots less one in the past, two Mondays of a recurrence.
    assert_eq!((report.slots.created, report.slots.left_out), (8, 1), "{:?}", report.notes);
    let rules = clinic.engine.rules(report.clinic).await.unwrap();
    assert!(rules.state.portal.active);
    assert!(report.position.is_some());
}

#[tokio::test]
async fn a_second_import_appends_nothing() {
    let clinic = Clinic::empty().await;
    clinic.imported().await;
    let before = clinic.events().await;
    let again = clinic.imported().await;
    assert!(again.is_unchanged(), "{again:?}");
    assert_eq!(clinic.events().await, before);
    // The same a week later: rows that are over by then are no mistake, and the rolling template goes on.
    clinic.clock.advance_seconds(7 * 86_400);
    let later = clinic.imported().await;
    assert_eq!((later.slots.created, later.slots.updated, later.patients.updated), (2, 0, 0));
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_done_and_writes_nothing() {
    let clinic = Clinic::empty().await;
    let dry = clinic.import(&ImportOptions { dry_run: true, ..ImportOptions::default() }).await.unwrap();
    assert_eq!(clinic.events().await, 0);
    let done = clinic.imported().await;
    let counts = |r: &ImportReport| (r.clinics, r.portal, r.settings, r.members, r.services, r.slots, r.patients);
    assert_eq!(counts(&dry), counts(&done));
}

#[tokio::test]
async fn a_changed_service_is_configured_again_also_back_to_what_it_was() {
    let mut clinic = Clinic::empty().await;
    clinic.imported().await;
    let service: ServiceId = clinic.ids().await.of("service", &["ouvert"]);
    for (from, to) in [("Open to all", "Walk-in"), ("Walk-in", "Open to all"), ("Open to all", "Walk-in")] {
        clinic.change(from, to);
        let report = clinic.imported().await;
        assert_eq!((report.services.updated, report.services.unchanged), (1, 1));
        let rules = clinic.engine.rules(report.clinic).await.unwrap();
        assert_eq!(rules.state.services[&service].config.public_name.en, to);
    }
}

#[tokio::test]
async fn what_exists_is_kept_where_that_is_asked_for() {
    let mut clinic = Clinic::empty().await;
    clinic.imported().await;
    clinic.change("Open to all", "Walk-in");
    let before = clinic.events().await;
    let keep = ImportOptions { keep_existing: true, ..ImportOptions::default() };
    assert!(clinic.import(&keep).await.unwrap().is_unchanged());
    assert_eq!(clinic.events().await, before);
}

#[tokio::test]
async fn a_service_is_switched_off_and_on_again() {
    let mut clinic = Clinic::empty().await;
    clinic.imported().await;
    let service: ServiceId = clinic.ids().await.of("service", &["ouvert"]);
    for (from, to, active) in [
        ("active = true # service", "active = false # service", false),
        ("active = false # service", "active = true # service", true),
    ] {
        clinic.change(from, to);
        let report = clinic.imported().await;
        assert_eq!(report.services.updated, 1);
        assert_eq!(clinic.engine.rules(report.clinic).await.unwrap().state.services[&service].active, active);
        assert!(clinic.imported().await.is_unchanged());
    }
}

#[tokio::test]
async fn changed_rows_change_records_and_slots() {
    let mut clinic = Clinic::empty().await;
    clinic.imported().await;
    let patients = clinic.files.patients.take().unwrap();
    clinic.files.patients = Some(patients.replace("418 555-0190", "418 555-0191").replace(",clinic", ",none"));
    let schedules = clinic.files.schedules.take().unwrap();
    clinic.files.schedules = Some(schedules.replace("10:00,suivi", "11:00,suivi"));
    let report = clinic.imported().await;
    assert_eq!((report.patients.updated, report.patients.unchanged), (2, 1));
    assert_eq!((report.slots.updated, report.slots.created), (1, 0));
    assert!(clinic.imported().await.is_unchanged());
}

#[tokio::test]
async fn a_changed_template_is_another_template_and_its_slots_follow() {
    let mut clinic = Clinic::empty().await;
    clinic.imported().await;
    clinic.change("end = \"12:00\"", "end = \"11:00\"");
    let report = clinic.imported().await;
    assert_eq!((report.templates.updated, report.slots.updated, report.slots.created), (1, 2, 0));
    assert!(clinic.imported().await.is_unchanged());
}

#[tokio::test]
async fn another_clinics_address_is_found_before_anything_is_appended() {
    let mut clinic = Clinic::empty().await;
    clinic.imported().await;
    let before = clinic.events().await;
    clinic.change("key = \"petite\"", "key = \"other\"");
    let problems = clinic.problems().await;
    assert!(problems.len() == 1 && problems[0].contains("portal.slug"), "{problems:?}");
    assert_eq!(clinic.events().await, before);
}

#[tokio::test]
async fn two_thousand_patients_come_with_all_their_keys() {
    let mut clinic = Clinic::empty().await;
    clinic.files.patients = Some(many(2_000));
    let report = clinic.imported().await;
    assert_eq!(report.patients.created, 2_000);
    let ids = clinic.ids().await;
    let subjects: Vec<_> = (0..2_000).map(|n| ids.of::<PatientId>("patient", &[&format!("N{n}")]).into()).collect();
    assert_eq!(clinic.engine.vault().subject_keys(report.clinic, &subjects).await.unwrap().len(), 2_000);
    let (_, folded) = clinic.engine.survivor(ids.of("patient", &["N7"])).await.unwrap();
    let (subject, sealed) = (subjects[7], folded.state.profile.clone().unwrap());
    #[expect(clippy::disallowed_methods, reason = "a test looks at what an import has sealed")]
    let profile: booking_domain::person::Profile =
        clinic.engine.open(report.clinic, subject, &sealed).await.unwrap().unwrap();
    assert_eq!(profile.first_name, "Prénom7");
    assert!(clinic.imported().await.is_unchanged());
}

#[tokio::test]
async fn somebody_who_was_erased_does_not_come_back() {
    let clinic = Clinic::empty().await;
    let first = clinic.imported().await;
    let id: PatientId = clinic.ids().await.of("patient", &["A1"]);
    clinic.engine.vault().destroy_subjects(first.clinic, &[id.into()], clinic.engine.now()).await.unwrap();
    let again = clinic.imported().await;
    assert_eq!((again.patients.left_out, again.patients.unchanged), (1, 2));
    assert_eq!(again.notes.iter().filter(|n| n.message.contains("erased")).count(), 1);
}

/// Rows of so many patients.
fn many(count: usize) -> String {
    let mut text = String::from("key,first_name,last_name,birth_date,sex,phones,registration\n");
    for n in 0..count {
        let day = n % 28 + 1;
        let _ = writeln!(text, "N{n},Prénom{n},Nom{n},1980-05-{day:02},female,418 555-{:04},roy", n % 10_000);
    }
    text
}

/// Not a test of a rule but of the pace: `cargo test --release -p booking-api -- --ignored --nocapture twenty`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures"]
async fn twenty_thousand_patients_on_a_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (vault, _) = Vault::open_dir(folder.path(), Arc::new(OsEntropy)).await.unwrap();
    let options = booking_store::SqliteOptions::default();
    let log = booking_store::SqliteStore::open(folder.path().join("events.db"), options).await.unwrap();
    let clock = Arc::new(ManualClock::new(NOW));
    let engine = Engine::new(Arc::new(log), Arc::new(vault), clock, Arc::new(OsEntropy), EngineOptions::default());
    let files = Files { patients: Some(many(20_000)), ..small() };
    for run in ["first", "second"] {
        let begun = std::time::Instant::now();
        let report = import_files(&engine, &files, &ImportOptions::default(), &Silent).await.unwrap();
        println!("{run} run: {:?}, {:?}", begun.elapsed(), report.patients);
    }
}
