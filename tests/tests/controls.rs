//! Tests of the tests: each property, shown a system that is broken on purpose, says so.

use crate::views;
use booking_domain::agenda_day::{AgendaDayEvent, DayRefusal};
use booking_domain::stream::StreamName;
use booking_events::EventCodec;
use booking_store::fold::decode;
use booking_store::{EventStore, Expected, MemoryStore, NewEvent, Recorded};
use booking_tests::actors::{date, draft, time};
use booking_tests::chance::Play;
use booking_tests::oracle;
use booking_tests::seeds::failures_of;
use booking_tests::{Answer, Command, Home, World};
use std::sync::{Arc, Mutex};

/// A decision that does not look: whatever the domain refuses because the time is taken is appended all the same.
async fn decides_without_looking(play: &mut Play, command: Command) {
    let Command::Plan(planned) = &command else {
        play.run(command).await;
        return;
    };
    let mut careless = planned.clone();
    // Asks the domain with the override that staff did not give, and takes the mark off again.
    careless.wish.overbook = true;
    let before = play.world.events().await.len();
    let answer = play.run(Command::Plan(careless)).await;
    if answer.left_events() {
        rewrite(&mut play.world, before).await;
    }
}

/// Takes the mark of the override off the last booking, in a new log that takes the place of the old one.
async fn rewrite(world: &mut World, from: usize) {
    let log = world.events().await;
    let store = MemoryStore::new();
    for (i, event) in log.into_iter().enumerate() {
        let (stream, revision) = (event.stream.clone(), event.revision);
        let new = if i < from { again(event) } else { unmarked(event) };
        store.append(&stream, Expected::head(revision.checked_sub(1)), vec![new]).await.unwrap();
    }
    *world = world.on_log(Arc::new(store));
}

fn again(event: Recorded) -> NewEvent {
    let event_type = event.event_type.to_string().into();
    NewEvent { id: event.id, event_type, metadata: event.metadata, payload: event.payload }
}

fn unmarked(event: Recorded) -> NewEvent {
    if event.stream.as_agenda_day().is_none() {
        return again(event);
    }
    match decode::<AgendaDayEvent>(&event).unwrap() {
        AgendaDayEvent::AppointmentBooked(mut e) => {
            e.placement.overridden = false;
            let encoded = AgendaDayEvent::AppointmentBooked(e).encode();
            NewEvent { payload: encoded.payload.into(), ..again(event) }
        }
        _ => again(event),
    }
}

#[test]
fn a_decision_that_does_not_look_at_what_is_taken_is_found_out() {
    let seeds: Vec<u64> = (1..=200).collect();
    let failures = failures_of(&seeds, &async |seed, home: &Home| {
        let mut play = Play::new(home, seed).await;
        for _ in 0..60 {
            play.time_passes().await;
            if let Some(command) = play.next().await {
                decides_without_looking(&mut play, command).await;
            }
        }
        let faults = oracle::faults(&oracle::days(&play.world.events().await));
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    });
    let (seed, why) = failures.first().expect("some history overlaps");
    assert!(why.contains("overlap"), "seed {seed}: {why}");
}

/// A log that forgets what was expected of it: the one thing that races rest on.
struct Forgetful(MemoryStore);

#[async_trait::async_trait]
impl EventStore for Forgetful {
    async fn append(
        &self,
        stream: &StreamName,
        _expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<booking_store::Appended, booking_store::AppendError> {
        loop {
            let head = self.0.read_stream(stream, 0, usize::MAX).await.unwrap().last().map(|e| e.revision);
            match self.0.append(stream, Expected::head(head), events.clone()).await {
                Err(booking_store::AppendError::WrongExpectedRevision { .. }) => {}
                other => return other,
            }
        }
    }
    async fn read_stream(
        &self,
        stream: &StreamName,
        from: booking_store::Revision,
        limit: usize,
    ) -> Result<Vec<Recorded>, booking_store::ReadError> {
        self.0.read_stream(stream, from, limit).await
    }
    async fn read_all(
        &self,
        after: Option<booking_store::Position>,
        limit: usize,
    ) -> Result<booking_store::Page, booking_store::ReadError> {
        self.0.read_all(after, limit).await
    }
    async fn head(&self) -> Result<Option<booking_store::Position>, booking_store::ReadError> {
        self.0.head().await
    }
    fn new_events(&self) -> tokio::sync::watch::Receiver<u64> {
        self.0.new_events()
    }
}

#[test]
fn a_log_that_does_not_check_the_expected_revision_is_found_out_by_a_race() {
    let failures = failures_of(&[1, 2, 3], &async |seed, home: &Home| {
        let world = home.world_on(Arc::new(Forgetful(MemoryStore::new())), seed);
        let world = world.with(booking_engine::EngineOptions { gate: false, ..Default::default() });
        let (desk, activity, service) = world.small_clinic(15).await;
        let day = date("2026-11-25");
        let slot = world.publishes(draft(desk.agenda, day, time("09:00"), time("10:00"), activity)).await;
        let place = world.place(desk.agenda, day, slot, 0).await;
        let crowd = futures::future::join_all((0..50).map(|_| world.welcomes_a_stranger())).await;
        let all = futures::future::join_all(crowd.iter().map(|v| v.books(&world, place, service))).await;
        let won = all.iter().filter(|r| r.is_ok()).count();
        assert_eq!(won, 1, "{won} won");
        let faults = oracle::faults(&oracle::days(&world.events().await));
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    });
    assert!(!failures.is_empty(), "a race without the expected revision is won by several");
}

/// A portal that shows what the rules of a minute ago offered.
#[test]
fn a_portal_that_shows_what_cannot_be_booked_is_found_out() {
    let seeds: Vec<u64> = (1..=100).collect();
    let seen = Mutex::new(0);
    let failures = failures_of(&seeds, &async |seed, home: &Home| {
        let mut play = Play::new(home, seed).await;
        play.go_on(20).await;
        let stale = play.world.events().await;
        play.go_on(20).await;
        let view = views::served(&stale).await;
        for visitor in play.visitors.clone() {
            for service in play.services.clone() {
                let facts = play.world.engine.viewer::<DayRefusal>(&visitor.visit, Some(service)).await.unwrap().facts;
                for offer in views::offers(&play.world, &view, service, &facts, play.now(), 100).await {
                    let selected = booking_domain::agenda_day::Selected { slot: offer.slot, start: offer.span.start };
                    let place = booking_engine::Place { agenda: offer.agenda, date: offer.date, selected };
                    let booking = play.booking(place, service).await;
                    let fork = play.world.fork().await;
                    let command = Command::Book { visitor: visitor.clone(), booking };
                    let answer = command.run(&fork.engine, &fork.ctx(visitor.actor())).await;
                    *seen.lock().unwrap() += 1;
                    assert!(!matches!(answer, Answer::Refused(_)), "shown and not accepted: {answer:?}");
                }
            }
        }
    });
    let (_, why) = failures.first().expect("something stale is shown");
    assert!(why.contains("shown and not accepted"), "{why}");
}

/// A second run that is not recognized as one: what retries would do without the command's id in the fold.
#[test]
fn a_command_that_forgets_its_own_id_is_found_out_by_running_it_twice() {
    let failures = failures_of(&[1, 2, 3, 4, 5], &async |seed, home: &Home| {
        let mut play = Play::new(home, seed).await;
        for _ in 0..40 {
            play.go_on(1).await;
            let Some(ran) = play.ran.last().cloned() else { continue };
            let before = play.world.events().await.len();
            // Another id: the same wish, as a client without idempotency keys would send it again.
            ran.command.run(&play.world.engine, &play.world.ctx(ran.ctx.actor)).await;
            assert_eq!(play.world.events().await.len(), before, "the second run left something");
        }
    });
    assert!(!failures.is_empty());
}
