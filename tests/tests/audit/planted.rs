//! Breaches of the rules of booking, planted in a copy of a log: `verify` names the two events of each. And none is seen
//! in any history that the engine wrote.

use booking_api::verify::{History, Options, Report, Verdict, verify};
use booking_domain::agenda_day::{
    AgendaDayEvent, AppointmentBooked, AppointmentMoved, AppointmentMovedIn, AppointmentMovedOut,
};
use booking_domain::ids::{AppointmentId, CommandId, PatientId, ServiceId, VisitId};
use booking_domain::quota::{QuotaEvent, QuotaReleased, QuotaTaken};
use booking_domain::stream::StreamName;
use booking_domain::time::Span;
use booking_domain::values::{BookedBy, Status};
use booking_engine::Place;
use booking_events::{EventCodec, Metadata};
use booking_store::{EventStore, Expected, NewEvent, Recorded, SqliteOptions, SqliteStore};
use booking_tests::actors::{date, draft, time};
use booking_tests::chance::Play;
use booking_tests::http::app::data_directory;
use booking_tests::seeds::hold_for;
use booking_tests::{Home, World};
use std::collections::HashMap;

/// Verifies a log of these events, each behind the one before it in its stream.
async fn judged(events: &[Recorded]) -> Report {
    let folder = data_directory();
    let log = SqliteStore::open(folder.path().join("events.db"), SqliteOptions::default()).await.unwrap();
    let mut heads: HashMap<String, u64> = HashMap::new();
    for event in events {
        let next = heads.entry(event.stream.to_string()).or_default();
        let new = NewEvent {
            id: event.id,
            event_type: event.event_type.to_string().into(),
            metadata: event.metadata.clone(),
            payload: event.payload.clone(),
        };
        log.append(&event.stream, Expected::head(next.checked_sub(1)), vec![new]).await.unwrap();
        *next += 1;
    }
    log.close().await;
    verify(&History::Data(folder.path().to_owned()), &Options::default()).await.unwrap()
}

/// The rules that were broken, each with the places of its two events.
fn broken(report: &Report) -> Vec<(&'static str, [u64; 2])> {
    report.violations.iter().map(|v| (v.rule, [v.events[0].leaf, v.events[1].leaf])).collect()
}

/// A morning of four availabilities; the first is booked online, the second held by a visit and booked by it.
struct Morning {
    world: World,
    events: Vec<Recorded>,
    service: ServiceId,
    places: Vec<Place>,
}

async fn morning(home: &Home) -> Morning {
    let world = home.world(1);
    let (desk, activity, service) = world.small_clinic(15).await;
    let day = date("2026-11-25");
    let slot = world.publishes(draft(desk.agenda, day, time("09:00"), time("10:00"), activity)).await;
    let mut places = Vec::new();
    for n in 0..4 {
        places.push(world.place(desk.agenda, day, slot, n).await);
    }
    let first = world.welcomes_a_stranger().await;
    first.books(&world, places[0], service).await.unwrap();
    let second = world.welcomes_a_stranger().await;
    second.holds(&world, places[1], service).await.unwrap();
    second.books(&world, places[1], service).await.unwrap();
    let events = world.events().await;
    Morning { world, events, service, places }
}

impl Morning {
    /// Places of the events of this type.
    fn all(&self, event_type: &str) -> Vec<usize> {
        let of_type = |(_, event): &(usize, &Recorded)| event.event_type.starts_with(event_type);
        self.events.iter().enumerate().filter(of_type).map(|(at, _)| at).collect()
    }

    /// The `n`-th booking, changed and with another id.
    fn booking(&self, n: usize, change: impl FnOnce(&mut AppointmentBooked)) -> Recorded {
        let mut event = self.events[self.all("appointment-booked")[n]].clone();
        let AgendaDayEvent::AppointmentBooked(mut booked) =
            AgendaDayEvent::decode(&event.event_type, &event.payload).unwrap()
        else {
            panic!("{event:?}")
        };
        change(&mut booked);
        event.payload = AgendaDayEvent::AppointmentBooked(booked).encode().payload.into();
        event.id = uuid::Uuid::from_bytes(self.world.id());
        event
    }
}

impl Morning {
    /// An event that nobody's command wrote, at the end of this stream.
    fn planted<E: EventCodec>(&self, stream: StreamName, event: &E, id: u8) -> Recorded {
        let encoded = event.encode();
        Recorded {
            stream,
            id: uuid::Uuid::from_bytes([id; 16]),
            event_type: encoded.event_type.into(),
            payload: encoded.payload.into(),
            ..self.events[self.all("appointment-booked")[0]].clone()
        }
    }
    fn clinic_events(&self) -> usize {
        self.events.iter().filter(|event| event.stream.category() == "clinic").count()
    }
}

/// When an event occurred.
fn booked_at(event: &Recorded) -> booking_domain::time::Instant {
    Metadata::parse(event.metadata.as_bytes()).unwrap().occurred_at
}

fn another(booked: &mut AppointmentBooked, n: u8) {
    booked.booking.appointment = AppointmentId::from_bytes([n; 16]);
    booked.booking.visit = Some(VisitId::from_bytes([n; 16]));
    booked.hold = None;
}

fn leaf(at: usize) -> u64 {
    u64::try_from(at).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_planted_breach_is_named_with_its_two_events() {
    let home = Home::new(1).await;
    let morning = morning(&home).await;
    let (bookings, last) = (morning.all("appointment-booked"), leaf(morning.events.len()));
    let with = async |planted: Recorded| {
        let mut events = morning.events.clone();
        events.push(planted);
        judged(&events).await
    };
    let control = judged(&morning.events).await;
    assert_eq!((broken(&control), control.bookings), (vec![], 2), "{control:?}");
    assert_eq!(control.verdict, Verdict::Inconclusive, "nothing is signed here");

    // The same availability, once more.
    let twice = with(morning.booking(0, |booked| another(booked, 9))).await;
    assert_eq!(broken(&twice), [("given_twice", [leaf(bookings[0]), last])], "{twice:?}");
    assert_eq!(twice.verdict, Verdict::Altered);

    // Staff lay an appointment across two others, and nothing says that they meant to.
    let overlap = |overridden: bool| {
        morning.booking(0, |booked| {
            another(booked, 9);
            booked.booking.booked_by = BookedBy::Staff;
            booked.booking.admission = None;
            let span = Span::minutes(booked.placement.span.start.plus_minutes(10), 15);
            (booked.placement.span, booked.placement.occupies) = (span, span);
            booked.placement.sources.clear();
            booked.placement.overridden = overridden;
        })
    };
    let laid = with(overlap(false)).await;
    assert_eq!(broken(&laid), [("overlap", [leaf(bookings[0]), last]), ("overlap", [leaf(bookings[1]), last])]);
    assert_eq!(broken(&with(overlap(true)).await), [], "a recorded override is in order");

    // Somebody else takes what the second visit holds.
    let hold = morning.all("hold-placed")[0];
    let mut events = morning.events.clone();
    let stolen = morning.booking(1, |booked| another(booked, 9));
    events.truncate(bookings[1]);
    events.push(stolen);
    assert_eq!(broken(&judged(&events).await), [("hold_ignored", [leaf(hold), leaf(bookings[1])])]);

    // A booking under the rules of a revision at which the service did not exist.
    let early = with(morning.booking(0, |booked| {
        another(booked, 9);
        let placement = &mut booked.placement;
        let span = Span::minutes(placement.span.start.plus_minutes(30), 15);
        (placement.span, placement.occupies, placement.sources[0].span) = (span, span, span);
        if let Some(admission) = &mut booked.booking.admission {
            admission.clinic_revision = 0;
        }
    }))
    .await;
    let registered = morning.all("clinic-registered")[0];
    assert_eq!(broken(&early), [("unpublished", [leaf(registered), last])], "{early:?}");
    home.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_the_rules_binds_what_arrived_ten_seconds_later_and_not_what_raced_with_it() {
    let home = Home::new(1).await;
    let Morning { world, service, places, .. } = morning(&home).await;
    let visitor = world.welcomes_a_stranger().await;
    visitor.books(&world, places[2], service).await.unwrap();
    let booked = world.events().await.pop().unwrap();
    world.engine.deactivate_portal(&world.ctx(booking_engine::Actor::Operator), None).await.unwrap();
    // The booking's event stands behind the change, and says that its request arrived some time after it.
    let events = world.events().await;
    let changed = events.len() - 1;
    let at = events.iter().position(|event| event.id == booked.id).unwrap();
    for (seconds, flagged) in [(0, false), (10, false), (11, true)] {
        let mut late = booked.clone();
        let mut metadata = Metadata::parse(late.metadata.as_bytes()).unwrap();
        metadata.received_at.0 += seconds * 1_000_000;
        late.metadata = metadata.to_json().into();
        let mut log = events.clone();
        log.remove(at);
        log.push(late);
        let report = judged(&log).await;
        let expected = if flagged { vec![("stale_rules", [leaf(changed - 1), leaf(changed)])] } else { vec![] };
        assert_eq!(broken(&report), expected, "{seconds} s: {report:?}");
    }
    home.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_arrives_on_a_day_has_left_the_one_before() {
    let home = Home::new(1).await;
    let morning = morning(&home).await;
    let booked = &morning.events[morning.all("appointment-booked")[0]];
    let AgendaDayEvent::AppointmentBooked(first) = AgendaDayEvent::decode(&booked.event_type, &booked.payload).unwrap()
    else {
        panic!("{booked:?}")
    };
    let (agenda, date) = booked.stream.as_agenda_day().unwrap();
    let movement = CommandId::from_bytes([8; 16]);
    let later = date.plus_days(1);
    let mut placement = first.placement.clone();
    let span = Span::minutes(placement.span.start.plus_minutes(24 * 60), 15);
    (placement.date, placement.span, placement.occupies) = (later, span, span);
    placement.sources.clear();
    let arrival = AgendaDayEvent::AppointmentMovedIn(AppointmentMovedIn {
        booking: first.booking.clone(),
        movement,
        placement,
        source_agenda: agenda,
        source_date: date,
        booked_at: booked_at(booked),
        status: Status::Booked,
        attached: false,
    });
    let arrives = morning.planted(StreamName::agenda_day(agenda, later), &arrival, 1);
    let mut events = morning.events.clone();
    events.push(arrives.clone());
    let (booking, last) = (leaf(morning.all("appointment-booked")[0]), leaf(morning.events.len()));
    let report = judged(&events).await;
    assert_eq!(broken(&report), [("two_places", [booking, last])], "{report:?}");

    // In order once it has left.
    let leaves = |by_patient| {
        AgendaDayEvent::AppointmentMovedOut(AppointmentMovedOut {
            appointment: first.booking.appointment,
            movement,
            target_agenda: agenda,
            target_date: later,
            dropped: vec![],
            by_patient,
        })
    };
    let mut events = morning.events.clone();
    events.push(morning.planted(booked.stream.clone(), &leaves(false), 2));
    events.push(arrives.clone());
    assert_eq!(broken(&judged(&events).await), []);
    // Unless it was the patient who moved: nothing was offered there.
    let mut events = morning.events.clone();
    events.push(morning.planted(booked.stream.clone(), &leaves(true), 2));
    events.push(arrives);
    assert_eq!(broken(&judged(&events).await), [("unpublished", [last + 1, last + 1])]);

    // The same appointment, booked twice on its day.
    let mut events = morning.events.clone();
    events.push(morning.booking(0, |booked| {
        let span = Span::minutes(booked.placement.span.start.plus_minutes(30), 15);
        (booked.placement.span, booked.placement.occupies) = (span, span);
        booked.placement.sources.clear();
        booked.booking.booked_by = BookedBy::Staff;
        booked.booking.admission = None;
    }));
    assert_eq!(broken(&judged(&events).await), [("two_places", [booking, last])]);
    home.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patient_moves_to_what_was_offered_and_a_change_binds_ten_seconds_later() {
    let home = Home::new(1).await;
    let mut morning = morning(&home).await;
    let booked = morning.events[morning.all("appointment-booked")[0]].clone();
    let AgendaDayEvent::AppointmentBooked(first) = AgendaDayEvent::decode(&booked.event_type, &booked.payload).unwrap()
    else {
        panic!("{booked:?}")
    };
    morning.world.engine.deactivate_portal(&morning.world.ctx(booking_engine::Actor::Operator), None).await.unwrap();
    morning.events = morning.world.events().await;
    let moved = |minutes: i64, by_patient: bool, seconds: i64| {
        let mut placement = first.placement.clone();
        let span = Span::minutes(placement.span.start.plus_minutes(minutes), 15);
        (placement.span, placement.occupies, placement.sources[0].span) = (span, span, span);
        let (appointment, dropped) = (first.booking.appointment, vec![]);
        let event = AgendaDayEvent::AppointmentMoved(AppointmentMoved { appointment, placement, dropped, by_patient });
        let mut planted = morning.planted(booked.stream.clone(), &event, 3);
        let mut metadata = Metadata::parse(planted.metadata.as_bytes()).unwrap();
        metadata.received_at.0 += seconds * 1_000_000;
        planted.metadata = metadata.to_json().into();
        planted
    };
    let (changed, last) = (leaf(morning.events.len() - 1), leaf(morning.events.len()));
    for (minutes, by_patient, seconds, expected) in [
        (30, true, 10, vec![]),
        (30, true, 11, vec![("unpublished", [changed, last])]),
        (30, false, 11, vec![]),
        // Between two availabilities, whatever the rules said.
        (35, true, 0, vec![("unpublished", [last, last])]),
    ] {
        let mut events = morning.events.clone();
        events.push(moved(minutes, by_patient, seconds));
        let report = judged(&events).await;
        assert_eq!(broken(&report), expected, "{minutes} min, {by_patient}, {seconds} s: {report:?}");
    }
    home.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_claim_is_taken_beyond_a_cap_and_no_booking_made_under_one_without_a_claim() {
    let home = Home::new(1).await;
    let mut morning = morning(&home).await;
    let world = &morning.world;
    let mut settings = world.engine.rules(world.clinic).await.unwrap().state.settings.clone();
    settings.max_future_appointments = Some(1);
    world.engine.change_settings(&world.ctx(booking_engine::Actor::Operator), &settings, None).await.unwrap();
    morning.events = morning.world.events().await;
    let capped = leaf(morning.events.len() - 1);
    let (agenda, date) = morning.events[morning.all("appointment-booked")[0]].stream.as_agenda_day().unwrap();
    let patient = PatientId::from_bytes([5; 16]);
    let claim = |n: u8, seconds: i64| {
        let taken = QuotaEvent::QuotaTaken(QuotaTaken {
            booking: AppointmentId::from_bytes([n; 16]),
            service: morning.service,
            agenda,
            date,
            taken_at: booking_domain::time::Instant(0),
        });
        let mut planted = morning.planted(StreamName::quota(patient.into()), &taken, n);
        let mut metadata = Metadata::parse(planted.metadata.as_bytes()).unwrap();
        metadata.received_at = booked_at(morning.events.last().unwrap());
        metadata.received_at.0 += seconds * 1_000_000;
        planted.metadata = metadata.to_json().into();
        planted
    };
    let released = |n: u8| {
        let released = QuotaEvent::QuotaReleased(QuotaReleased { booking: AppointmentId::from_bytes([n; 16]) });
        morning.planted(StreamName::quota(patient.into()), &released, 100 + n)
    };
    let end = leaf(morning.events.len());
    for (planted, expected) in [
        (vec![claim(20, 11), claim(21, 11)], vec![("cap", [end, end + 1])]),
        // A change of the cap that raced with the claim.
        (vec![claim(20, 0), claim(21, 0)], vec![]),
        (vec![claim(20, 11), released(20), claim(21, 11)], vec![]),
    ] {
        let events = [morning.events.clone(), planted].concat();
        let report = judged(&events).await;
        assert_eq!(broken(&report), expected, "{report:?}");
    }
    let booking = morning.booking(0, |booked| {
        another(booked, 9);
        booked.booking.patient = Some(patient);
        let span = Span::minutes(booked.placement.span.start.plus_minutes(30), 15);
        (booked.placement.span, booked.placement.occupies, booked.placement.sources[0].span) = (span, span, span);
        if let Some(admission) = &mut booked.booking.admission {
            admission.clinic_revision = u64::try_from(morning.clinic_events() - 1).unwrap();
        }
    });
    let report = judged(&[morning.events.clone(), vec![booking.clone()]].concat()).await;
    assert_eq!(broken(&report), [("cap", [capped, end])], "{report:?}");
    let report = judged(&[morning.events.clone(), vec![claim(9, 11), booking]].concat()).await;
    assert_eq!(broken(&report), [], "{report:?}");
    home.close().await;
}

#[test]
fn no_history_that_the_engine_wrote_breaks_a_rule() {
    hold_for("certified", 60, 3_000, async |seed, home| {
        let mut play = Play::new(home, seed).await;
        play.go_on(60).await;
        let report = judged(&play.world.events().await).await;
        assert_eq!(broken(&report), [], "{report:?}");
        assert!(report.altered.is_empty(), "{report:?}");
    });
}
