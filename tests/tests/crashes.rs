//! A process that dies between two steps: whoever comes next finishes what was begun, or ends it, and never both.

use booking_domain::agenda_day::DayRefusal;
use booking_domain::clinic::Settings;
use booking_domain::ids::{AgendaId, AppointmentId, ServiceId, SubjectId};
use booking_domain::patient::{Patient as Record, Registration};
use booking_domain::quota::Quota;
use booking_domain::stream::StreamName;
use booking_domain::time::WallDate;
use booking_domain::values::Sex;
use booking_domain::visibility::Rule;
use booking_engine::{Context, EngineOptions, Failure, MoveTo, Place, Whereabouts};
use booking_tests::actors::{Desk, at, date, draft, online, somebody, time, whereabouts, wish};
use booking_tests::oracle;
use booking_tests::seeds::hold_for;
use booking_tests::{Command, Home, Then, Visitor, World};

struct Two {
    world: World,
    from: Desk,
    day: WallDate,
    next: WallDate,
    to: Desk,
    old: Place,
    new: Place,
}

/// A clinic with two agendas, a slot on each of two days, and an appointment to be moved from one to the other.
async fn two_days(home: &Home, seed: u64) -> (Two, Whereabouts) {
    let world = home.world(seed).with(EngineOptions { gate: seed.is_multiple_of(2), ..EngineOptions::default() });
    let (from, activity, service) = world.small_clinic(15).await;
    let to = world.hires("Dr Gagnon").await;
    let (day, next) = (date("2026-11-25"), date("2026-11-26"));
    let slot = world.publishes(draft(from.agenda, day, time("09:00"), time("10:00"), activity)).await;
    let away = world.publishes(draft(to.agenda, next, time("09:00"), time("10:00"), activity)).await;
    let old = world.place(from.agenda, day, slot, 0).await;
    let new = world.place(to.agenda, next, away, 0).await;
    let visitor = world.welcomes_a_stranger().await;
    let booked = whereabouts(&visitor.books(&world, old, service).await.unwrap());
    (Two { world, from, day, next, to, old, new }, booked)
}

impl Two {
    fn step(&self, at: Whereabouts) -> Command {
        let to = MoveTo::Staff { agenda: self.to.agenda, wish: wish(self.new, 15) };
        Command::Move { at, to, drop_original: false }
    }
    fn ctx(&self) -> Context {
        self.world.ctx(self.world.administrator())
    }
    async fn sweeps(&self) -> usize {
        let days = [(self.world.clinic, self.to.agenda, self.next), (self.world.clinic, self.from.agenda, self.day)];
        self.world.engine.sweep_moves(&days).await.unwrap()
    }
    /// The one place where the appointment lives, and nothing that is still promised.
    async fn lives_at(&self, id: AppointmentId) -> (AgendaId, WallDate) {
        let days = oracle::days(&self.world.events().await);
        let faults = oracle::faults(&days);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        assert!(days.values().all(|d| d.promises.is_empty()), "nothing stays promised");
        let homes: Vec<_> = days.iter().filter(|(_, d)| d.lives.get(&id).is_some_and(|l| l.live)).collect();
        assert_eq!(homes.len(), 1, "exactly one live appointment");
        *homes[0].0
    }
}

const STEPS: [(&str, bool); 3] =
    [("move-reserved", false), ("appointment-moved-out", true), ("appointment-moved-in", true)];

#[test]
fn a_move_that_dies_after_any_step_is_finished_or_ended_by_the_sweep() {
    hold_for("sweep", 24, 600, async |seed, home| {
        for (step, moved) in STEPS {
            for then in [Then::DieBefore, Then::DieAfter] {
                let (mut two, booked) = two_days(home, seed).await;
                two.world.meddler.once(step, then);
                let (engine, ctx, command) = (two.world.engine.clone(), two.ctx(), two.step(booked));
                assert_eq!(two.world.meddler.until_death(command.run(&engine, &ctx)).await, None);
                two.world.meddler.rest();
                two.world.restart();
                // Before two minutes have passed the sweep ends nothing that may be on its way.
                two.world.clock.advance_seconds(60);
                let early = two.sweeps().await;
                assert!(early <= 1);
                two.world.clock.advance_seconds(61);
                two.sweeps().await;
                let decided = moved && (then == Then::DieAfter || step == "appointment-moved-in");
                let home = if decided { (two.to.agenda, two.next) } else { (two.from.agenda, two.day) };
                assert_eq!(two.lives_at(booked.appointment).await, home, "{step} {then:?}");
                assert_eq!(two.sweeps().await, 0, "nothing is left to sweep");
                // The one who was asleep wakes up: what was ended stays ended, what was done stays done.
                let late = command.run(&engine, &ctx).await;
                let before_anything = step == "move-reserved" && then == Then::DieBefore;
                if !before_anything {
                    assert_eq!(late.is_done(), decided, "{step} {then:?}: {late:?}");
                    assert_eq!(two.lives_at(booked.appointment).await, home);
                }
            }
        }
    });
}

#[test]
fn a_move_that_dies_after_any_step_is_finished_by_its_retry() {
    hold_for("retry of a move", 24, 600, async |seed, home| {
        for (step, _) in STEPS {
            for then in [Then::DieBefore, Then::DieAfter] {
                let (mut two, booked) = two_days(home, seed).await;
                two.world.meddler.once(step, then);
                let (engine, ctx, command) = (two.world.engine.clone(), two.ctx(), two.step(booked));
                assert_eq!(two.world.meddler.until_death(command.run(&engine, &ctx)).await, None);
                two.world.meddler.rest();
                if seed.is_multiple_of(3) {
                    two.world.restart();
                }
                let again = command.run(&two.world.engine, &ctx).await;
                assert!(again.is_done(), "{step} {then:?}: {again:?}");
                assert_eq!(two.lives_at(booked.appointment).await, (two.to.agenda, two.next), "{step} {then:?}");
            }
        }
    });
}

#[test]
fn an_appointment_between_two_days_can_be_changed_by_anybody_who_finds_it() {
    hold_for("between two days", 12, 200, async |seed, home| {
        for what in 0..5 {
            let (two, booked) = two_days(home, seed).await;
            two.world.meddler.once("appointment-moved-in", Then::DieBefore);
            let (engine, ctx, command) = (two.world.engine.clone(), two.ctx(), two.step(booked));
            assert_eq!(two.world.meddler.until_death(command.run(&engine, &ctx)).await, None);
            two.world.meddler.rest();
            let world = &two.world;
            let there = at(booked.appointment, (two.to.agenda, two.next));
            let done = match what {
                0 => world.cancels(booked, true).await.map(|c| c.whereabouts),
                1 => world.marks(booked, booking_engine::Mark::Confirmed).await.map(|c| c.whereabouts),
                // The views show it at its target already.
                2 => world.cancels(there, true).await.map(|c| c.whereabouts),
                3 => world.marks(there, booking_engine::Mark::Confirmed).await.map(|c| c.whereabouts),
                _ => world.moves(booked, two.from.agenda, wish(two.old, 15)).await.map(|c| c.whereabouts),
            };
            let expected = if what == 4 { at(booked.appointment, (two.from.agenda, two.day)) } else { there };
            assert_eq!(done.unwrap(), expected, "case {what}");
            let days = oracle::days(&two.world.events().await);
            assert_eq!(oracle::faults(&days), Vec::<String>::new());
        }
    });
}

/// A clinic where everybody may have one future appointment, and a patient who wants two.
struct Capped {
    world: World,
    visitor: Visitor,
    service: ServiceId,
    places: Vec<Place>,
    subject: SubjectId,
}

async fn capped(home: &Home, seed: u64) -> Capped {
    let world = home.world(seed).with(EngineOptions { gate: seed.is_multiple_of(2), ..EngineOptions::default() });
    let (desk, activity, service) = world.small_clinic(15).await;
    world.settles(Settings { max_future_appointments: Some(1), ..Settings::default() }).await;
    let day = date("2026-11-25");
    let slot = world.publishes(draft(desk.agenda, day, time("09:00"), time("11:00"), activity)).await;
    let mut places = vec![];
    for n in 0..8 {
        places.push(world.place(desk.agenda, day, slot, n).await);
    }
    let patient = world.registers(somebody("Zoé", date("1990-02-03"), Sex::Female), Registration::default()).await;
    let visitor = world.recognizes(&patient).await;
    Capped { world, visitor, service, places, subject: patient.id.into() }
}

impl Capped {
    async fn claims(&self) -> usize {
        self.world.folded::<Quota>(&StreamName::quota(self.subject)).await.state.claims.len()
    }
    async fn live(&self) -> usize {
        let days = oracle::days(&self.world.events().await);
        assert_eq!(oracle::faults(&days), Vec::<String>::new());
        days.values().flat_map(|d| d.lives.values()).filter(|l| l.live).count()
    }
}

const OVER_THE_CAP: DayRefusal = DayRefusal::NotOffered(Rule::Cap);

#[test]
fn a_claim_whose_writer_died_is_released_after_two_minutes_and_a_writer_who_was_asleep_is_refused() {
    hold_for("claims", 24, 600, async |seed, home| {
        for then in [Then::DieBefore, Then::DieAfter] {
            let mut capped = capped(home, seed).await;
            let (first, second) = (capped.places[0], capped.places[1]);
            let asleep = capped.world.engine.clone();
            let ctx = capped.world.ctx(capped.visitor.actor());
            let booking = online(first, capped.service, capped.world.now());
            let (visit, identity) = (capped.visitor.visit.clone(), capped.visitor.identity.clone());
            // Dies with the claim taken: before the booking, or right after the claim.
            let event = if then == Then::DieBefore { "appointment-booked" } else { "quota-taken" };
            capped.world.meddler.once(event, then);
            let died = capped.world.meddler.until_death(asleep.book_online(&ctx, &visit, &identity, &booking)).await;
            assert!(died.is_none());
            capped.world.meddler.rest();
            assert_eq!((capped.claims().await, capped.live().await), (1, 0));
            if seed.is_multiple_of(3) {
                capped.world.restart();
            }

            // Within two minutes the claim counts: its writer may be on the way.
            capped.world.clock.advance_seconds(119);
            let early = capped.visitor.books(&capped.world, second, capped.service).await;
            assert!(matches!(early, Err(Failure::Refused(OVER_THE_CAP))), "{early:?}");
            capped.world.clock.advance_seconds(2);
            capped.visitor.books(&capped.world, second, capped.service).await.unwrap();
            assert_eq!((capped.claims().await, capped.live().await), (1, 1));

            let late = asleep.book_online(&ctx, &visit, &identity, &booking).await;
            assert!(
                matches!(late, Err(Failure::Refused(DayRefusal::BookingAbandoned | OVER_THE_CAP))),
                "the sleeper is refused: {late:?}"
            );
            assert_eq!(capped.live().await, 1);
        }
    });
}

#[test]
fn a_booking_that_died_after_its_claim_is_finished_by_its_retry() {
    hold_for("retry of a claim", 24, 600, async |seed, home| {
        for event in ["quota-taken", "appointment-booked"] {
            for then in [Then::DieBefore, Then::DieAfter, Then::LoseAnswer] {
                let mut capped = capped(home, seed).await;
                let ctx = capped.world.ctx(capped.visitor.actor());
                let booking = online(capped.places[0], capped.service, capped.world.now());
                let (visit, identity) = (capped.visitor.visit.clone(), capped.visitor.identity.clone());
                capped.world.meddler.once(event, then);
                let engine = capped.world.engine.clone();
                let first =
                    capped.world.meddler.until_death(engine.book_online(&ctx, &visit, &identity, &booking)).await;
                capped.world.meddler.rest();
                capped.world.clock.advance_seconds(30);
                if seed.is_multiple_of(2) {
                    capped.world.restart();
                }
                let again = capped.world.engine.book_online(&ctx, &visit, &identity, &booking).await.unwrap();
                if let Some(first) = first {
                    assert_eq!(first.unwrap().appointment, again.appointment);
                }
                assert_eq!((capped.claims().await, capped.live().await), (1, 1), "{event} {then:?}");
            }
        }
    });
}

#[test]
fn a_refused_booking_leaves_no_claim_behind() {
    hold_for("no claim behind", 12, 200, async |seed, home| {
        let capped = capped(home, seed).await;
        // Somebody is faster between the claim and the booking.
        let rival = capped.world.welcomes_a_stranger().await;
        let other = capped.world.another_node();
        let ctx = capped.world.ctx(capped.visitor.actor());
        let booking = online(capped.places[0], capped.service, capped.world.now());
        capped.world.meddler.once("appointment-booked", Then::Yield(400));
        let engine = capped.world.engine.clone();
        let (own, _) =
            tokio::join!(engine.book_online(&ctx, &capped.visitor.visit, &capped.visitor.identity, &booking), async {
                while capped.claims().await == 0 {
                    tokio::task::yield_now().await;
                }
                rival.books_on(&other, &capped.world, capped.places[0], capped.service).await
            });
        capped.world.meddler.rest();
        if own.is_err() {
            assert_eq!(capped.claims().await, 0, "the claim was given back");
            capped.visitor.books(&capped.world, capped.places[1], capped.service).await.unwrap();
        }
        assert!(capped.live().await <= 2);
    });
}

#[test]
fn a_merge_that_dies_after_any_step_is_finished_by_its_retry() {
    hold_for("retry of a merge", 24, 600, async |seed, home| {
        for step in ["merge-received", "patient-merged", "merge-completed"] {
            for then in [Then::DieBefore, Then::DieAfter] {
                let mut world = home.world(seed);
                world.small_clinic(15).await;
                let who = somebody("Zoé", date("1990-02-03"), Sex::Female);
                let loser = world.registers(who.clone(), Registration::default()).await.id;
                let survivor = world.registers(who, Registration::default()).await.id;
                let ctx = world.ctx(world.administrator());
                world.meddler.once(step, then);
                let command = Command::Merge { loser, survivor };
                let engine = world.engine.clone();
                assert_eq!(world.meddler.until_death(command.run(&engine, &ctx)).await, None);
                world.meddler.rest();
                if seed.is_multiple_of(2) {
                    world.restart();
                }
                let again = command.run(&world.engine, &ctx).await;
                assert!(again.is_done(), "{step} {then:?}: {again:?}");
                let record = |id| StreamName::patient(id);
                assert_eq!(world.folded::<Record>(&record(loser)).await.state.merged_into, Some(survivor));
                let end = world.folded::<Record>(&record(survivor)).await.state;
                assert!(end.receiving.is_empty() && end.absorbed == [loser], "{step} {then:?}");
            }
        }
    });
}
