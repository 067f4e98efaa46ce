//! Two nodes of ours book on one log while answers are lost and servers die: no acknowledged booking is lost, none is
//! made twice, no two overlap. `TORTURE=1` runs 500 scripts; `SEED=n` runs one again.

use booking_domain::ids::AppointmentId;
use booking_engine::EngineOptions;
use booking_store::KurrentFault;
use booking_tests::actors::{date, draft, online, time};
use booking_tests::cluster::node_of;
use booking_tests::seeds::{failures_of, seeds};
use booking_tests::{Answer, Command, Home, Rng, World, oracle};
use kurrent_double::{Call, Double, Fault, Profile};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// What befalls one call in about six.
fn fault(call: Call, rng: &mut Rng, nodes: usize) -> Option<Fault> {
    let of_append = [
        Fault::LoseAnswer,
        Fault::LoseAnswer,
        Fault::Reset,
        Fault::CommitPhaseTimeout,
        Fault::Deadline { stored: true },
        Fault::Deadline { stored: false },
        Fault::NotReady,
        Fault::HandlerFails,
        Fault::TooManyResets,
        Fault::Slow(Duration::from_millis(250)),
        Fault::Hang,
    ];
    let of_read = [
        Fault::BreakAfter(1),
        Fault::EndAfter(0),
        Fault::EndAfter(1),
        Fault::EndAfter(2),
        Fault::Twice(0),
        Fault::StrangeContentType,
        Fault::NotReady,
        Fault::Reset,
        Fault::Hang,
    ];
    let which = rng.below(24);
    match call {
        Call::Append if which < 6 => Some(rng.pick(&of_append)),
        Call::ReadStream if which < 3 => Some(rng.pick(&of_read)),
        Call::Append | Call::ReadStream if which == 6 && nodes > 1 => Some(Fault::NotLeader(rng.below(nodes))),
        Call::Gossip | Call::Features if which < 2 => Some(Fault::HandlerFails),
        _ => None,
    }
}

/// A command that has no outcome is sent again, to either node, as a caller does who got no answer.
async fn insists(worlds: &[World; 2], ctx: &booking_engine::Context, command: &Command, mut rng: Rng) -> Answer {
    let mut last = None;
    for _ in 0..60 {
        let answer = command.run(&worlds[rng.below(2)].engine, ctx).await;
        if !matches!(answer, Answer::Failed(_)) {
            return answer;
        }
        last = Some(answer);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    last.unwrap()
}

/// One script; panics if something is wrong.
async fn script(seed: u64, home: &Home, planted: Option<KurrentFault>) {
    let mut rng = Rng::new(seed ^ 0xc1a5);
    let nodes = if seed.is_multiple_of(2) { 1 } else { 3 };
    let double = Double::like(Profile { nodes, system_events: seed.is_multiple_of(3), ..Profile::default() }).unwrap();
    let options = EngineOptions { gate: seed.is_multiple_of(5), ..EngineOptions::default() };
    let one = home.world_on(node_of(&double, planted).await, seed).with(options);
    let two = one.on_log(node_of(&double, planted).await).with(options);
    let (desk, activity, service) = one.small_clinic(15).await;
    let day = date("2026-11-25");
    let slot = one.publishes(draft(desk.agenda, day, time("09:00"), time("11:00"), activity)).await;
    let mut places = vec![];
    for n in 0..4 {
        places.push(one.place(desk.agenda, day, slot, n).await);
    }
    let visitors = futures::future::join_all((0..10).map(|_| one.welcomes_a_stranger())).await;
    let wishes: Vec<_> = visitors
        .into_iter()
        .map(|visitor| {
            let booking = online(rng.pick(&places), service, one.now());
            (one.ctx(visitor.actor()), Command::Book { visitor, booking })
        })
        .collect();

    let mut meddling = Rng::new(seed ^ 0xfa17);
    double.meddle(move |call| fault(call, &mut meddling, nodes));
    let worlds = [one, two];
    let all = futures::future::join_all(wishes.iter().enumerate().map(|(number, (ctx, command))| {
        // A caller without patience sends the same command twice at once.
        let (first, second) = (Rng::new(seed + number as u64), Rng::new(seed * 31 + number as u64));
        let impatient = number % 3 == 0;
        let worlds = &worlds;
        async move {
            if !impatient {
                return vec![insists(worlds, ctx, command, first).await];
            }
            let both = tokio::join!(insists(worlds, ctx, command, first), insists(worlds, ctx, command, second));
            vec![both.0, both.1]
        }
    }));
    let nodes_die = async {
        for _ in 0..rng.below(3) {
            let node = rng.below(nodes);
            tokio::time::sleep(Duration::from_millis(rng.below(80) as u64)).await;
            match rng.below(3) {
                0 if nodes > 1 => double.elect(node),
                1 => {
                    double.freeze(node, true);
                    tokio::time::sleep(Duration::from_millis(rng.below(300) as u64)).await;
                    double.freeze(node, false);
                }
                _ => {
                    double.kill(node);
                    tokio::time::sleep(Duration::from_millis(rng.below(100) as u64)).await;
                    double.not_ready_for(node, Duration::from_millis(rng.below(100) as u64));
                    double.start_node(node).unwrap();
                }
            }
        }
    };
    let (answers, ()) = tokio::join!(all, nodes_die);
    double.rest();
    judge(&worlds, &answers).await;
}

/// What was acknowledged is in the log, once; what was refused is not.
async fn judge(worlds: &[World; 2], answers: &[Vec<Answer>]) {
    let days = oracle::days(&worlds[0].events().await);
    assert_eq!(oracle::faults(&days), Vec::<String>::new());
    let lives: BTreeSet<AppointmentId> = days.values().flat_map(|day| day.lives.keys().copied()).collect();
    let mut acknowledged = BTreeMap::new();
    for (number, of_one) in answers.iter().enumerate() {
        for answer in of_one {
            match answer {
                Answer::Done { said, .. } => {
                    let before = acknowledged.insert(number, said.clone());
                    assert!(before.is_none_or(|before| before == *said), "one command has two outcomes: {of_one:?}");
                }
                Answer::Refused(_) => {}
                Answer::Failed(why) => panic!("no outcome, however often it was sent: {why}"),
            }
        }
        let done = of_one.iter().filter(|answer| answer.is_done()).count();
        assert!(done == 0 || done == of_one.len(), "one command was done and refused: {of_one:?}");
    }
    for said in acknowledged.values() {
        assert!(lives.iter().any(|id| said.contains(&format!("{id:?}"))), "acknowledged and not in the log: {said}");
    }
    assert_eq!(lives.len(), acknowledged.len(), "appointments that nobody was told of, or twice: {answers:?}");
    assert!(!lives.is_empty(), "nobody got anything");
    // Both nodes' folds are the log's.
    for world in worlds {
        for (agenda, date) in days.keys() {
            let stream = booking_domain::stream::StreamName::agenda_day(*agenda, *date);
            let folded = world.folded::<booking_domain::agenda_day::AgendaDay>(&stream).await;
            let cached = world.engine.day(*agenda, *date).await.unwrap();
            assert_eq!(folded.state, cached.state, "a node believes what the log does not say");
        }
    }
}

/// Runs scripts on several threads each; the failed seeds.
fn scripts(seeds: &[u64], planted: Option<KurrentFault>) -> Vec<(u64, String)> {
    let home = |seed: u64| async move {
        let home = Home::new(seed).await;
        script(seed, &home, planted).await;
        home.close().await;
    };
    let home = Arc::new(home);
    failures_of(seeds, &async |seed, _: &Home| home(seed).await)
}

#[test]
fn whatever_befalls_the_servers_no_acknowledged_booking_is_lost_and_none_is_made_twice() {
    let seeds = seeds(8, 500);
    println!("bookings on a cluster: SEED={} to {}", seeds[0], seeds[seeds.len() - 1]);
    if let Some((seed, why)) = scripts(&seeds, None).first() {
        panic!("failed for seed {seed}; replay it with SEED={seed}\n{why}");
    }
}

/// A script that never fails proves nothing.
#[test]
fn a_store_that_acknowledges_what_it_does_not_know_is_noticed() {
    let seeds: Vec<_> = (1..=24).collect();
    let failures = scripts(&seeds, Some(KurrentFault::AcknowledgeUnknown));
    let (seed, why) = failures.first().expect("a store that loses bookings went unnoticed");
    println!("seed {seed}: {why}");
}

#[test]
fn a_store_that_retries_anywhere_is_noticed() {
    let seeds: Vec<_> = (1..=24).collect();
    let failures = scripts(&seeds, Some(KurrentFault::RetryAnywhere));
    let (seed, why) = failures.first().expect("a store that books twice went unnoticed");
    println!("seed {seed}: {why}");
}
