//! Histories of a day, told as given, when, then: who gets a time, what becomes of an appointment, which icon stands there.

mod changes;
mod icons;
mod times;

use super::*;
use crate::clinic::*;
use crate::ids::*;
use crate::time::{Instant, Span, Tz, WallDate, WallTime, resolve};
use crate::values::*;
use crate::visibility::{Cloud, Rule, ViewerFacts, cloud};

const DATE: WallDate = WallDate(20_781);
const PRACTITIONER: PractitionerId = PractitionerId(uuid::Uuid::from_u128(1));
const ACTIVITY: ActivityId = ActivityId(uuid::Uuid::from_u128(2));
const SERVICE: ServiceId = ServiceId(uuid::Uuid::from_u128(3));
const AGENDA: AgendaId = AgendaId(uuid::Uuid::from_u128(4));

fn at(hour: u16, minute: u16) -> Instant {
    resolve(DATE, WallTime::hm(hour, minute).unwrap(), Tz::America__Toronto).first_or_next()
}
fn span(from: (u16, u16), to: (u16, u16)) -> Span {
    Span { start: at(from.0, from.1), end: at(to.0, to.1) }
}
fn slot_id(n: u128) -> SlotId {
    SlotId(uuid::Uuid::from_u128(n))
}
fn visit(n: u128) -> VisitId {
    VisitId(uuid::Uuid::from_u128(n))
}
fn appointment(n: u128) -> AppointmentId {
    AppointmentId(uuid::Uuid::from_u128(n))
}

fn clinic() -> Clinic {
    let mut clinic = Clinic::default();
    let config = ServiceConfig {
        internal_name: "48h".into(),
        public_name: Localized::new("Consultation", "Visit"),
        activities: vec![ACTIVITY],
        ..ServiceConfig::default()
    };
    let events = [
        ClinicEvent::ClinicRegistered(ClinicRegistered {
            clinic: ClinicId::default(),
            name: "Clinique".into(),
            zone: "America/Toronto".into(),
            administrator: MemberId::default(),
        }),
        ClinicEvent::PortalActivated,
        ClinicEvent::ActivityDefined(ActivityDefined {
            activity: ACTIVITY,
            name: "suivi".into(),
            duration_minutes: 20,
            modality: Modality::InPerson,
        }),
        ClinicEvent::ServiceConfigured(ServiceConfigured { service: SERVICE, config }),
    ];
    for (event, revision) in events.iter().zip(0..) {
        clinic.evolve(event, Stamp { revision, occurred_at: Instant(0) });
    }
    clinic
}

/// A day with its history, a clinic, and a clock.
struct History {
    day: AgendaDay,
    clinic: Clinic,
    now: Instant,
    revision: u64,
}

fn given(slots: impl IntoIterator<Item = SlotPublished>) -> History {
    let mut day = History { day: AgendaDay::default(), clinic: clinic(), now: at(7, 0), revision: 0 };
    for slot in slots {
        let events = decide_publish_slot(&day.day, &day.clinic, slot, day.now).unwrap();
        day.take(events);
    }
    day
}

fn slot(n: u128, from: (u16, u16), to: (u16, u16), interval_minutes: u16) -> SlotPublished {
    SlotPublished {
        slot: slot_id(n),
        clinic: ClinicId::default(),
        agenda: AGENDA,
        practitioner: PRACTITIONER,
        date: DATE,
        origin: Origin::Manual,
        template: None,
        recurrence: None,
        bulk: None,
        facts: SlotFacts {
            start: WallTime::hm(from.0, from.1).unwrap(),
            end: WallTime::hm(to.0, to.1).unwrap(),
            span: span(from, to),
            activity: Some(ACTIVITY),
            title: None,
            interval_minutes,
            modality: None,
            publication: PublicationOverride::None,
        },
    }
}

fn booking(n: u128) -> Booking {
    Booking {
        appointment: appointment(n),
        clinic: ClinicId::default(),
        agenda: AGENDA,
        reference: "7K3QX29FMA".into(),
        link_hash: [0; 32],
        booked_by: BookedBy::PatientOnline,
        channel: None,
        patient: None,
        subject: SubjectId::default(),
        contact: Some(crate::sealed::Sealed {
            seal_id: [0; 16],
            key_version: 1,
            schema: 1,
            nonce: [0; 24],
            ciphertext: vec![],
        }),
        reason: None,
        visit: None,
        terms_accepted_at: None,
        language: Language::Fr,
        notify: true,
        activity: None,
        modality: Modality::InPerson,
        service_name: None,
        admission: None,
    }
}

impl History {
    fn take(&mut self, events: Vec<AgendaDayEvent>) {
        for event in events {
            self.day.evolve(&event, Stamp { revision: self.revision, occurred_at: self.now });
            self.revision += 1;
        }
    }
    #[track_caller]
    fn when(&mut self, decision: Result<Vec<AgendaDayEvent>, DayRefusal>) -> &mut Self {
        self.take(decision.unwrap());
        self
    }
    fn book(
        &self,
        n: u128,
        slot: u128,
        start: (u16, u16),
        by: Option<u128>,
    ) -> Result<Vec<AgendaDayEvent>, DayRefusal> {
        let selected = Selected { slot: slot_id(slot), start: at(start.0, start.1) };
        let viewer = ViewerFacts::unrecognized(by.map(visit));
        let command = BookOnline { booking: booking(n), service: SERVICE, selected, hold: None, viewer };
        decide_book_online(&self.day, &self.clinic, &command, self.now)
    }
    fn hold(&self, n: u128, slot: u128, start: (u16, u16), by: u128) -> Result<Vec<AgendaDayEvent>, DayRefusal> {
        let command = HoldAvailability {
            hold: HoldId(uuid::Uuid::from_u128(n)),
            visit: visit(by),
            service: SERVICE,
            slot: slot_id(slot),
            start: at(start.0, start.1),
            viewer: ViewerFacts::unrecognized(Some(visit(by))),
        };
        decide_hold(&self.day, &self.clinic, &command, self.now)
    }
    fn plan(&self, n: u128, wish: Wish) -> Result<Vec<AgendaDayEvent>, DayRefusal> {
        let booking = Booking { booked_by: BookedBy::Staff, ..booking(n) };
        decide_plan(&self.day, &self.clinic, PRACTITIONER, &booking, wish, self.now)
    }
    fn cancel(&self, n: u128, keep_availability: bool) -> Result<Vec<AgendaDayEvent>, DayRefusal> {
        let command = CancelAppointment {
            appointment: appointment(n),
            cancelled_at: self.now,
            by_patient: true,
            online: false,
            reason: None,
            keep_record: true,
            keep_availability,
        };
        decide_cancel(&self.day, &self.clinic, &command, None, self.now)
    }
    fn free(&self, slot: u128, start: (u16, u16)) -> bool {
        let slot = self.day.occupancy.slot(slot_id(slot)).unwrap();
        let piece = slot.availability_at(at(start.0, start.1)).unwrap();
        matches!(self.day.occupancy.freedom(slot, piece, None, None, self.now), Freedom::Free)
    }
}

fn wish(from: (u16, u16), to: (u16, u16)) -> Wish {
    Wish { date: DATE, span: span(from, to), selected: None, only_selected: false, overbook: false }
}

const TAKEN: DayRefusal = DayRefusal::Taken(Blocked::Booked);
