//! Writes a large history for measurements of `verify`; nothing is decided here. A server that is started on it makes
//! the tree, and signs it when it stops.
//!
//! `EVENTS=1000000 INTO=/some/directory cargo test -p booking-tests --test system -- --ignored a_large_history`

use booking_domain::agenda_day::{AgendaDayEvent, Placement};
use booking_domain::ids::{AgendaId, AppointmentId, HoldId, SlotId, VisitId};
use booking_domain::stream::StreamName;
use booking_domain::time::{Span, WallDate};
use booking_events::EventCodec;
use booking_store::{EventStore, Expected, NewEvent, Recorded, SqliteOptions, SqliteStore};
use booking_tests::Home;
use booking_tests::actors::{date, draft, time};
use std::path::PathBuf;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "writes a large history for a measurement"]
async fn a_large_history() {
    let wanted: usize = std::env::var("EVENTS").unwrap().parse().unwrap();
    let data = PathBuf::from(std::env::var("INTO").unwrap());
    std::fs::create_dir_all(&data).unwrap();
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
    let (mut written, mut salt) = (before.len(), 0_u64);
    while written < wanted {
        let agenda = AgendaId::from_bytes(u128::from(1 + salt % 40).to_be_bytes());
        let copy = Copy { agenda, days: i32::try_from(salt / 40).unwrap(), salt };
        let stream = StreamName::agenda_day(agenda, copy.date(date("2026-11-25")));
        let events: Vec<NewEvent> = day.iter().map(|event| copy.of(event)).collect();
        written += events.len();
        log.append(&stream, Expected::NoStream, events).await.unwrap();
        salt += 1;
    }
    log.close().await;
    // A vault of its own, so that a server can be started on it, which makes the tree and signs it.
    let entropy = std::sync::Arc::new(booking_engine::vault::OsEntropy);
    booking_engine::vault::Vault::open_dir(&data, entropy).await.unwrap().0.close().await;
    println!("{written} events in {salt} agenda-days");
}
