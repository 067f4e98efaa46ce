//! Many at once. The expected revision alone decides; the turns that commands take on a stream only save work.
//!
//! Between a decision and its append other tasks run, for as long as a seed says.

use booking_domain::agenda_day::AgendaDayEvent;
use booking_domain::clinic::Settings;
use booking_domain::ids::ServiceId;
use booking_domain::patient::{Patient as Record, Registration};
use booking_domain::stream::StreamName;
use booking_domain::values::Sex;
use booking_engine::{EngineOptions, MoveTo, Place};
use booking_tests::actors::{Desk, date, draft, somebody, time, whereabouts, wish};
use booking_tests::seeds::{rounds, seeds};
use booking_tests::{Answer, Command, Home, Rng, Then, Visitor, World, oracle};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Runs a race on several threads, on both kinds of log, with and without turns; prints the seed.
#[allow(clippy::needless_pass_by_value, reason = "a race is written where it is called")]
fn race<F>(name: &str, small: u64, great: u64, run: F)
where
    F: AsyncFn(u64, &World),
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let home = Home::new(7).await;
        for seed in seeds(small, great) {
            println!("{name}: SEED={seed}");
            for gate in [true, false] {
                let options = EngineOptions { gate, ..EngineOptions::default() };
                let world = home.world(seed).with(options);
                delays(&world, seed);
                run(seed, &world).await;
                sound(&world).await;
            }
        }
        for seed in seeds((small / 4).max(1), (great / 10).max(1)) {
            println!("{name}, on the disk: SEED={seed}");
            let world =
                home.world_on_disk(seed).await.with(EngineOptions { gate: seed % 2 == 0, ..EngineOptions::default() });
            delays(&world, seed);
            run(seed, &world).await;
            sound(&world).await;
        }
        home.close().await;
    });
}

/// Other tasks run between every decision and its append.
fn delays(world: &World, seed: u64) {
    let rng = Mutex::new(Rng::new(seed ^ 0xde1a));
    world.meddler.plan(move |_, _| {
        let mut rng = rng.lock().unwrap();
        match rng.below(20) {
            0 => Then::Wait(Duration::from_micros(u64::try_from(rng.between(1, 800)).unwrap())),
            1..8 => Then::Yield(u32::try_from(rng.between(1, 30)).unwrap()),
            8 => Then::LoseAnswer,
            _ => Then::Store,
        }
    });
}

async fn sound(world: &World) {
    let faults = oracle::faults(&oracle::days(&world.events().await));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Visitors who all want something at once.
async fn crowd(world: &World, many: usize) -> Vec<Visitor> {
    futures::future::join_all((0..many).map(|_| world.welcomes_a_stranger())).await
}

/// Runs commands at once, each in a task of its own, on one or two nodes.
async fn at_once(world: &World, commands: Vec<Command>) -> Vec<Answer> {
    let nodes = [world.engine.clone(), world.another_node()];
    let start = Arc::new(tokio::sync::Barrier::new(commands.len()));
    let tasks: Vec<_> = commands
        .into_iter()
        .enumerate()
        .map(|(i, command)| {
            let (engine, ctx, start) = (nodes[i % 2].clone(), world.ctx(world.administrator()), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                command.run(&engine, &ctx).await
            })
        })
        .collect();
    futures::future::join_all(tasks).await.into_iter().map(|task| task.unwrap()).collect()
}

fn done(answers: &[Answer]) -> usize {
    answers.iter().filter(|a| a.left_events()).count()
}

fn nothing_broke(answers: &[Answer]) {
    for answer in answers {
        let busy = matches!(answer, Answer::Failed(why) if why.contains("too many requests"));
        assert!(busy || !matches!(answer, Answer::Failed(_)), "{answer:?}");
    }
}

async fn open_day(world: &World, minutes: u16) -> (Desk, ServiceId, Vec<Place>) {
    let (desk, activity, service) = world.small_clinic(minutes).await;
    let day = date("2026-11-25");
    let slot = world.publishes(draft(desk.agenda, day, time("08:00"), time("16:00"), activity)).await;
    let mut places = vec![];
    for n in 0..usize::from(480 / minutes) {
        places.push(world.place(desk.agenda, day, slot, n).await);
    }
    (desk, service, places)
}

/// What the log tells of an appointment, for a failure's message.
async fn told(world: &World, id: booking_domain::ids::AppointmentId) -> String {
    let mut lines = vec![];
    for event in world.events().await {
        let Some((_, date)) = event.stream.as_agenda_day() else { continue };
        let story = format!("{:?}", booking_store::fold::decode::<AgendaDayEvent>(&event).unwrap());
        if story.contains(&id.to_string()) {
            lines
                .push(format!("{} {date} r{} {} {}", event.position, event.revision, event.event_type, event.metadata));
        }
    }
    lines.join("\n")
}

fn book(world: &World, visitor: &Visitor, place: Place, service: ServiceId) -> Command {
    let booking = booking_tests::actors::online(place, service, world.now());
    Command::Book { visitor: visitor.clone(), booking }
}

#[test]
fn of_two_hundred_who_want_one_availability_exactly_one_gets_it() {
    race("one availability", 2, 20, async |_, world| {
        let (_, service, places) = open_day(world, 15).await;
        let crowd = crowd(world, 200).await;
        for place in places.into_iter().take(usize::try_from(rounds(3, 32)).unwrap()) {
            let wishes = crowd.iter().map(|v| book(world, v, place, service)).collect();
            let answers = at_once(world, wishes).await;
            nothing_broke(&answers);
            assert_eq!(done(&answers), 1);
        }
    });
}

#[test]
fn of_many_who_want_overlapping_slots_no_two_get_times_that_overlap() {
    race("overlapping slots", 3, 100, async |seed, world| {
        let (desk, activity, service) = world.small_clinic(15).await;
        let day = date("2026-11-25");
        let mut rng = Rng::new(seed);
        let mut places = vec![];
        for _ in 0..6 {
            let start = u16::try_from(540 + 5 * rng.between(0, 12)).unwrap();
            let mut laid = draft(desk.agenda, day, booking_domain::time::WallTime(start), time("12:00"), activity);
            laid.interval_minutes = Some(rng.pick(&[10, 15, 20, 25]));
            let slot = world.publishes(laid).await;
            for n in 0..3 {
                places.push(world.place(desk.agenda, day, slot, n).await);
            }
        }
        let crowd = crowd(world, 60).await;
        let wishes = crowd.iter().map(|v| book(world, v, rng.pick(&places), service)).collect();
        let answers = at_once(world, wishes).await;
        nothing_broke(&answers);
        assert!(done(&answers) >= 1);
    });
}

#[test]
fn a_hold_and_a_booking_of_one_availability_never_both_win() {
    race("holds and bookings", 3, 100, async |seed, world| {
        let (_, service, places) = open_day(world, 15).await;
        let crowd = crowd(world, 40).await;
        for place in places.into_iter().take(3) {
            let commands = crowd.iter().enumerate().map(|(i, visitor)| {
                if i % 2 == usize::try_from(seed % 2).unwrap() {
                    Command::Hold { visitor: visitor.clone(), place, service }
                } else {
                    book(world, visitor, place, service)
                }
            });
            let answers = at_once(world, commands.collect()).await;
            nothing_broke(&answers);
            assert_eq!(done(&answers), 1, "one hold or one booking");
        }
    });
}

#[test]
fn a_cancellation_and_two_moves_of_one_appointment_end_in_one_place_or_none() {
    race("move, cancel, move", 4, 200, async |seed, world| {
        let (desk, activity, service) = world.small_clinic(15).await;
        let other = world.hires("Dr Gagnon").await;
        let (day, next) = (date("2026-11-25"), date("2026-11-26"));
        let slot = world.publishes(draft(desk.agenda, day, time("08:00"), time("16:00"), activity)).await;
        let away = world.publishes(draft(other.agenda, next, time("08:00"), time("16:00"), activity)).await;
        let visitor = world.welcomes_a_stranger().await;
        for n in 0..usize::try_from(rounds(2, 8)).unwrap() {
            let place = world.place(desk.agenda, day, slot, 4 * n).await;
            let booked = whereabouts(&visitor.books(world, place, service).await.unwrap());
            let near = world.place(desk.agenda, day, slot, 4 * n + 1).await;
            let far = world.place(other.agenda, next, away, 4 * n).await;
            let farther = world.place(other.agenda, next, away, 4 * n + 1).await;
            let to = |place: Place| Command::Move {
                at: booked,
                to: MoveTo::Staff { agenda: place.agenda, wish: wish(place, 15) },
                drop_original: false,
            };
            let cancel = Command::Cancel { at: booked, cancel: booking_tests::actors::by_staff() };
            let mut commands = vec![to(near), to(far), to(farther), to(far)];
            if seed % 2 == 0 {
                commands.insert(1, cancel);
            }
            let cancelled = seed % 2 == 0;
            let answers = at_once(world, commands).await;
            nothing_broke(&answers);
            // Whatever is unfinished is swept.
            world.clock.advance_seconds(121);
            let days = [(world.clinic, other.agenda, next), (world.clinic, desk.agenda, day)];
            world.engine.sweep_moves(&days).await.unwrap();
            let all = oracle::days(&world.events().await);
            let live = all.values().filter(|d| d.lives.get(&booked.appointment).is_some_and(|l| l.live)).count();
            let was_cancelled = cancelled && answers[1].left_events();
            assert_eq!(live, usize::from(!was_cancelled), "{answers:#?}\n{}", told(world, booked.appointment).await);
            assert!(all.values().all(|d| d.promises.is_empty()));
        }
    });
}

#[test]
fn with_a_cap_of_one_two_bookings_at_once_of_one_patient_make_one_appointment() {
    race("cap", 6, 300, async |_, world| {
        let (_, service, places) = open_day(world, 15).await;
        world.settles(Settings { max_future_appointments: Some(1), ..Settings::default() }).await;
        for n in 0..2 {
            let who = somebody("Zoé", date("1990-02-03"), Sex::Female);
            let patient = world.registers(who, Registration::default()).await;
            let (one, two) = (world.recognizes(&patient).await, world.recognizes(&patient).await);
            let commands =
                vec![book(world, &one, places[2 * n], service), book(world, &two, places[2 * n + 1], service)];
            let answers = at_once(world, commands).await;
            nothing_broke(&answers);
            assert_eq!(done(&answers), 1, "{answers:?}");
        }
    });
}

#[test]
fn merges_in_opposite_directions_make_no_circle_and_leave_nothing_on_its_way() {
    race("opposite merges", 6, 300, async |_, world| {
        world.small_clinic(15).await;
        let who = somebody("Zoé", date("1990-02-03"), Sex::Female);
        let mut ids = vec![];
        for _ in 0..3 {
            ids.push(world.registers(who.clone(), Registration::default()).await.id);
        }
        let (a, b, c) = (ids[0], ids[1], ids[2]);
        let merge = |loser, survivor| Command::Merge { loser, survivor };
        let answers = at_once(world, vec![merge(a, b), merge(b, a), merge(b, c), merge(c, a)]).await;
        nothing_broke(&answers);
        let mut roots = 0;
        for id in &ids {
            let record = world.folded::<Record>(&StreamName::patient(*id)).await.state;
            assert!(record.receiving.is_empty(), "a merge is still on its way: {answers:?}");
            roots += usize::from(record.merged_into.is_none());
            let (mut at, mut hops) = (*id, 0);
            while let Some(into) = world.folded::<Record>(&StreamName::patient(at)).await.state.merged_into {
                (at, hops) = (into, hops + 1);
                assert!(hops < 4, "a circle");
            }
        }
        assert!(roots >= 1);
    });
}

#[test]
fn one_command_sent_many_times_at_once_is_carried_out_once() {
    race("one command", 4, 100, async |_, world| {
        let (_, service, places) = open_day(world, 15).await;
        let visitor = world.welcomes_a_stranger().await;
        let ctx = world.ctx(visitor.actor());
        let command = book(world, &visitor, places[0], service);
        let tasks: Vec<_> = (0..20)
            .map(|i| {
                let engine = if i % 2 == 0 { world.engine.clone() } else { world.another_node() };
                let (ctx, command) = (ctx.clone(), command.clone());
                tokio::spawn(async move { command.run(&engine, &ctx).await })
            })
            .collect();
        let answers: Vec<_> = futures::future::join_all(tasks).await.into_iter().map(|task| task.unwrap()).collect();
        let said = |a: &Answer| match a {
            Answer::Done { said, position, .. } => (said.clone(), *position),
            other => panic!("{other:?}"),
        };
        assert!(answers.iter().all(|a| said(a) == said(&answers[0])), "{answers:?}");
        let days = oracle::days(&world.events().await);
        let lives: usize = days.values().map(|d| d.lives.len()).sum();
        assert_eq!(lives, 1);
    });
}
