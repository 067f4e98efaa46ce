//! What the tests stand on: a log that is easy to write to, small events, and views over both.

use async_trait::async_trait;
use booking_domain::agenda_day::*;
use booking_domain::clinic::*;
use booking_domain::ids::*;
use booking_domain::patient::{PatientEvent, PatientRegistered};
use booking_domain::person::{Email, HealthNumber, Phone, Profile};
use booking_domain::sealed::Sealed;
use booking_domain::stream::StreamName;
use booking_domain::time::{Instant, Span, WallDate, WallTime};
use booking_domain::values::*;
use booking_events::{Actor, DomainEvent, Metadata};
use booking_projections::{ProfileOpener, RunnerOptions, Views};
use booking_store::{EventStore, Expected, MemoryStore, NewEvent, Position};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

pub const PATIENCE: Duration = Duration::from_secs(10);

pub fn clinic() -> ClinicId {
    ClinicId::from_bytes([1; 16])
}
pub fn agenda(n: u8) -> AgendaId {
    AgendaId::from_bytes([100 + n; 16])
}
pub fn practitioner(n: u8) -> PractitionerId {
    PractitionerId::from_bytes([50 + n; 16])
}
pub fn activity() -> ActivityId {
    ActivityId::from_bytes([2; 16])
}
pub fn service() -> ServiceId {
    ServiceId::from_bytes([3; 16])
}
pub fn id16(n: u64) -> [u8; 16] {
    u128::from(n).to_be_bytes()
}
pub fn slot(n: u64) -> SlotId {
    SlotId::from_bytes(id16(n))
}
pub fn appointment(n: u64) -> AppointmentId {
    AppointmentId::from_bytes(id16(n))
}
/// Monday 2026-11-23.
pub fn monday() -> WallDate {
    WallDate::from_ymd(2026, 11, 23).unwrap()
}
/// Midnight of a date, in UTC: the zone of the tests' clinic.
pub fn midnight(date: WallDate) -> Instant {
    Instant(i64::from(date.0) * 86_400_000_000)
}
/// Sunday noon: before everything that is opened.
pub fn now() -> Instant {
    midnight(monday()).plus_minutes(-12 * 60)
}

pub fn facts(date: WallDate, from_hour: u16, hours: u16, interval_minutes: u16) -> SlotFacts {
    let (start, end) = (WallTime(from_hour * 60), WallTime((from_hour + hours) * 60));
    let at = |time: WallTime| midnight(date).plus_minutes(i64::from(time.0));
    SlotFacts {
        start,
        end,
        span: Span { start: at(start), end: at(end) },
        activity: Some(activity()),
        title: None,
        interval_minutes,
        modality: None,
        publication: PublicationOverride::None,
    }
}

pub fn published(n: u64, of: u8, date: WallDate, facts: SlotFacts) -> AgendaDayEvent {
    AgendaDayEvent::SlotPublished(SlotPublished {
        slot: slot(n),
        clinic: clinic(),
        agenda: agenda(of),
        practitioner: practitioner(of),
        date,
        origin: Origin::Manual,
        template: None,
        recurrence: None,
        bulk: None,
        facts,
    })
}

pub fn placement(of: u8, date: WallDate, source: Source) -> Placement {
    let wall = |at: Instant| WallTime(u16::try_from(at.since(midnight(date)) / 60_000_000).unwrap());
    Placement {
        practitioner: practitioner(of),
        date,
        start: wall(source.span.start),
        end: wall(source.span.end),
        span: source.span,
        occupies: source.span,
        sources: vec![source],
        only_selected: false,
        overridden: false,
    }
}

pub fn sealed(n: u8) -> Sealed {
    Sealed { seal_id: [n; 16], key_version: 1, schema: 1, nonce: [n; 24], ciphertext: vec![n; 40] }
}

pub fn booking(n: u64, of: u8) -> Booking {
    Booking {
        appointment: appointment(n),
        clinic: clinic(),
        agenda: agenda(of),
        reference: format!("REF{n}"),
        link_hash: [u8::try_from(n % 256).unwrap(); 32],
        booked_by: BookedBy::PatientOnline,
        channel: None,
        patient: None,
        subject: SubjectId::from_bytes(id16(n + 1_000_000)),
        contact: Some(sealed(7)),
        reason: Some(sealed(8)),
        visit: None,
        terms_accepted_at: Some(now()),
        language: Language::Fr,
        notify: true,
        activity: Some(activity()),
        modality: Modality::InPerson,
        service_name: Some(Localized::new("Vaccin", "Vaccine")),
        admission: Some(Admission {
            service: service(),
            clinic_revision: 1,
            viewer_class: ViewerClass::Unrecognized,
            criteria_met: vec![],
        }),
    }
}

pub fn booked(n: u64, of: u8, date: WallDate, source: Source) -> AgendaDayEvent {
    AgendaDayEvent::AppointmentBooked(AppointmentBooked {
        booking: booking(n, of),
        placement: placement(of, date, source),
        hold: None,
    })
}

/// A clinic in UTC with `agendas` agendas, one activity and one service; its portal is on.
pub fn clinic_events(agendas: u8) -> Vec<ClinicEvent> {
    let mut events = vec![
        ClinicEvent::ClinicRegistered(ClinicRegistered {
            clinic: clinic(),
            name: "Clinique".into(),
            zone: "UTC".into(),
            administrator: MemberId::from_bytes([9; 16]),
        }),
        ClinicEvent::PortalConfigured(PortalConfigured { slug: "clinique".into(), ..PortalConfigured::default() }),
        ClinicEvent::PortalActivated,
        ClinicEvent::ActivityDefined(ActivityDefined {
            activity: activity(),
            name: "Annual".into(),
            duration_minutes: 20,
            modality: Modality::Video,
        }),
        ClinicEvent::ServiceConfigured(ServiceConfigured {
            service: service(),
            config: ServiceConfig { activities: vec![activity()], ..ServiceConfig::default() },
        }),
    ];
    for n in 0..agendas {
        let (practitioner, agenda) = (practitioner(n), agenda(n));
        let name = format!("Dr {n}");
        let registered = PractitionerRegistered { practitioner, name, profession: Localized::default() };
        events.push(ClinicEvent::PractitionerRegistered(registered));
        events.push(ClinicEvent::AgendaOpened(AgendaOpened { agenda, practitioner }));
    }
    events
}

pub fn the_clinic(agendas: u8) -> Clinic {
    let mut clinic = Clinic::default();
    for (revision, event) in (0..).zip(clinic_events(agendas)) {
        clinic.evolve(&event, Stamp { revision, occurred_at: now() });
    }
    clinic
}

/// A log that tests write to.
#[derive(Clone)]
pub struct Log {
    pub store: MemoryStore,
    ids: Arc<AtomicU64>,
}

impl Log {
    pub fn new() -> Self {
        Self { store: MemoryStore::sparse(), ids: Arc::new(AtomicU64::new(1)) }
    }
    pub fn store(&self) -> Arc<dyn EventStore> {
        Arc::new(self.store.clone())
    }
    /// Appends an event as it is.
    pub async fn raw(&self, stream: &StreamName, event_type: &str, payload: Vec<u8>) -> Position {
        let n = self.ids.fetch_add(1, Ordering::Relaxed);
        let metadata = Metadata {
            correlation_id: Uuid::from_bytes(id16(n)),
            causation_id: Uuid::from_bytes(id16(n)),
            command_id: CommandId::from_bytes(id16(n)),
            clinic: clinic(),
            actor: Actor::System,
            received_at: now(),
            occurred_at: now(),
            traceparent: None,
            body_hash: None,
        };
        let event = NewEvent {
            id: Uuid::from_bytes(id16(n)),
            event_type: event_type.to_owned().into(),
            metadata: metadata.to_json().into(),
            payload: payload.into(),
        };
        let all = self.store.read_stream(stream, 0, usize::MAX).await.unwrap();
        let expected = Expected::head(all.last().map(|e| e.revision));
        self.store.append(stream, expected, vec![event]).await.unwrap().position
    }
    pub async fn happen(&self, stream: &StreamName, event: impl Into<DomainEvent>) -> Position {
        let encoded = event.into().encode();
        self.raw(stream, encoded.event_type, encoded.payload).await
    }
    pub async fn on_day(&self, of: u8, date: WallDate, event: AgendaDayEvent) -> Position {
        self.happen(&StreamName::agenda_day(agenda(of), date), event).await
    }
    pub async fn clinic(&self, agendas: u8) -> Position {
        let mut last = Position(0);
        for event in clinic_events(agendas) {
            last = self.happen(&StreamName::clinic(clinic()), event).await;
        }
        last
    }
    pub async fn patient(&self, n: u8, profile: &Profile) -> PatientId {
        let patient = PatientId::from_bytes([n; 16]);
        let registered = PatientRegistered { patient, clinic: clinic(), profile: seal(profile), imported: false };
        self.happen(&StreamName::patient(patient), PatientEvent::PatientRegistered(registered)).await;
        patient
    }
    pub async fn head(&self) -> Position {
        self.store.head().await.unwrap().unwrap()
    }
}

/// "Seals" a profile so that the tests' opener can open it, and no byte of it stands there in the clear.
pub fn seal(profile: &Profile) -> Sealed {
    let parts = [
        profile.first_name.clone(),
        profile.last_name.clone(),
        profile.birth_date.compact(),
        profile.sex.code().to_string(),
        profile.health_number.as_ref().map(|n| n.as_str().to_owned()).unwrap_or_default(),
        profile.phones.iter().map(Phone::as_str).collect::<Vec<_>>().join(","),
        profile.emails.iter().map(Email::as_str).collect::<Vec<_>>().join(","),
    ];
    let ciphertext = parts.join("|").into_bytes().into_iter().map(|byte| byte ^ 0xa5).collect();
    Sealed { seal_id: [1; 16], key_version: 1, schema: 1, nonce: [2; 24], ciphertext }
}

fn unseal(sealed: &Sealed) -> Option<Profile> {
    let text = String::from_utf8(sealed.ciphertext.iter().map(|byte| byte ^ 0xa5).collect()).ok()?;
    let parts: Vec<&str> = text.split('|').collect();
    let [first, last, birth, sex, number, phones, emails] = parts[..] else { return None };
    let parts_of = |text: &str| text.split(',').filter(|p| !p.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    Some(Profile {
        first_name: first.into(),
        last_name: last.into(),
        birth_date: WallDate::parse_compact(birth)?,
        sex: Sex::from_code(sex.parse().ok()?),
        health_number: HealthNumber::parse(number).ok(),
        health_number_expiry: None,
        phones: parts_of(phones).iter().filter_map(|p| Phone::parse(p).ok()).collect(),
        emails: parts_of(emails).iter().filter_map(|e| Email::parse(e).ok()).collect(),
        addresses: vec![],
    })
}

/// Opens what [`seal`] made.
pub struct Opener;

#[async_trait]
impl ProfileOpener for Opener {
    async fn open_profiles(&self, _: ClinicId, sealed: &[(SubjectId, Sealed)]) -> Vec<Option<Profile>> {
        sealed.iter().map(|(_, sealed)| unseal(sealed)).collect()
    }
}

pub fn options() -> RunnerOptions {
    RunnerOptions { page: 7, rebuild_page: 7, poll: Duration::from_millis(50), warm_rows: 3, unsaved_rows: 3 }
}

pub fn folder() -> TempDir {
    TempDir::new().unwrap()
}

pub async fn open(path: &Path, log: &Log) -> Views {
    Views::open(path, log.store(), Arc::new(Opener), options()).await.unwrap()
}

/// Opens, starts, and waits until everything is applied.
pub async fn views(path: &Path, log: &Log) -> Views {
    let views = open(path, log).await;
    views.start();
    if let Some(head) = log.store.head().await.unwrap() {
        assert!(views.wait_for_all(head, PATIENCE).await, "{:?}", views.status());
    }
    views
}
