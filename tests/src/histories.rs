//! Long histories, laid down fast: a day of one agenda as an engine wrote it, laid down again on other days and agendas, under
//! other ids. The bytes are those of real events; nobody's key opens what is sealed in them.

use crate::actors::{date, draft, time};
use crate::world::Home;
use booking_domain::agenda_day::{AgendaDayEvent, Placement};
use booking_domain::ids::{AgendaId, AppointmentId, ClinicId, HoldId, SlotId, VisitId};
use booking_domain::stream::StreamName;
use booking_domain::time::{Span, WallDate};
use booking_events::EventCodec;
use booking_store::{EventStore, Expected, NewEvent, Recorded};
use futures::StreamExt as _;

/// Agendas that the day is laid down on.
const AGENDAS: u64 = 40;
/// Appends at the same time.
const AT_ONCE: usize = 64;

/// A day: eight slots, with three holds and three bookings each.
pub struct LongDay {
    /// The clinic whose day it is.
    pub clinic: ClinicId,
    before: Vec<Recorded>,
    day: Vec<Recorded>,
}

impl LongDay {
    /// Has an engine write it.
    pub async fn written() -> Self {
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
        let (before, day) = events.into_iter().partition(|event| event.stream.category() != "agendaday");
        Self { clinic: world.clinic, before, day }
    }

    /// Lays the clinic itself down: whatever comes before the first day.
    pub async fn begins(&self, log: &dyn EventStore) {
        for event in &self.before {
            let new = NewEvent {
                id: event.id,
                event_type: event.event_type.to_string().into(),
                metadata: event.metadata.clone(),
                payload: event.payload.clone(),
            };
            log.append(&event.stream, Expected::head(event.revision.checked_sub(1)), vec![new]).await.unwrap();
        }
    }

    /// Lays days down until there are about so many events with those of the clinic; answers how many.
    pub async fn fills(&self, log: &dyn EventStore, wanted: usize) -> usize {
        let days = wanted.saturating_sub(self.before.len()).div_ceil(self.day.len());
        let lay = |salt: u64| async move {
            let agenda = AgendaId::from_bytes(u128::from(1 + salt % AGENDAS).to_be_bytes());
            let copy = Copy { agenda, days: i32::try_from(salt / AGENDAS).unwrap(), salt };
            let stream = StreamName::agenda_day(agenda, copy.date(date("2026-11-25")));
            let events: Vec<NewEvent> = self.day.iter().map(|event| copy.of(event)).collect();
            log.append(&stream, Expected::NoStream, events).await.unwrap();
        };
        let all = futures::stream::iter(0..u64::try_from(days).unwrap());
        all.map(lay).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        self.before.len() + days * self.day.len()
    }
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
            payload: decoded.encode().payload.into(),
        }
    }
}
