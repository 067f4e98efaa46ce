//! Races of many clients over two nodes: one availability, one winner.

use booking_engine::vault::{ROOT_KEY_FILE, SeededEntropy, Vault};
use booking_tests::actors::{date, draft, online, time};
use booking_tests::cluster::node_of;
use booking_tests::seeds::{rounds, seeds};
use booking_tests::{Answer, Command, World, oracle};
use futures::future::join_all;
use kurrent_double::Double;
use std::sync::Arc;
use tempfile::TempDir;

/// Two nodes, each with its own way to the log and to the vault.
struct Two {
    nodes: [World; 2],
    _dirs: [TempDir; 2],
    _double: Double,
}

impl Two {
    async fn new(seed: u64) -> Self {
        let (double, url) = (Double::start().unwrap(), throwaway_postgres::database().await);
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let open = async |dir: &TempDir, seed| {
            let entropy = Arc::new(SeededEntropy::new(seed));
            Arc::new(Vault::open_server(dir.path(), &url, true, entropy).await.unwrap().0)
        };
        let first = open(&dirs[0], seed).await;
        std::fs::copy(dirs[0].path().join(ROOT_KEY_FILE), dirs[1].path().join(ROOT_KEY_FILE)).unwrap();
        let second = open(&dirs[1], seed ^ 0x00ff).await;
        let one = World::on_stores(node_of(&double, None).await, first, seed);
        let two = one.on_node(node_of(&double, None).await, second);
        Self { nodes: [one, two], _dirs: dirs, _double: double }
    }

    /// Runs commands at the same moment, by turns on the two nodes.
    async fn at_once(&self, commands: Vec<Command>) -> Vec<Answer> {
        let start = Arc::new(tokio::sync::Barrier::new(commands.len()));
        let one = &self.nodes[0];
        let tasks = commands.into_iter().enumerate().map(|(n, command)| {
            let (engine, ctx, start) = (self.nodes[n % 2].engine.clone(), one.ctx(one.administrator()), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                command.run(&engine, &ctx).await
            })
        });
        join_all(tasks.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap).collect()
    }
}

/// Availabilities of a day: 08:00 to 16:00, fifteen minutes each.
const A_DAY: u64 = 32;

#[test]
fn of_all_who_want_one_availability_over_two_nodes_exactly_one_gets_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        for seed in seeds(1, 1) {
            let (clients, rounds) = (usize::try_from(rounds(40, 200)).unwrap(), rounds(12, 1_000));
            println!("{clients} clients over two nodes, {rounds} rounds: SEED={seed}");
            let two = Two::new(seed).await;
            let [one, _] = &two.nodes;
            let (mut desk, activity, service) = one.small_clinic(15).await;
            let day = date("2026-11-25");
            let crowd = join_all((0..clients).map(|n| two.nodes[n % 2].welcomes_a_stranger())).await;
            let (mut busy, mut slot) = (0, None);
            for round in 0..rounds {
                if round % A_DAY == 0 {
                    desk = one.hires("Dre Roy").await;
                    let whole = draft(desk.agenda, day, time("08:00"), time("16:00"), activity);
                    slot = Some(one.publishes(whole).await);
                }
                let nth = usize::try_from(round % A_DAY).unwrap();
                let place = one.place(desk.agenda, day, slot.unwrap(), nth).await;
                let wishes = crowd.iter().map(|visitor| Command::Book {
                    visitor: visitor.clone(),
                    booking: online(place, service, one.now()),
                });
                let answers = two.at_once(wishes.collect()).await;
                let winners = answers.iter().filter(|answer| answer.left_events()).count();
                assert_eq!(winners, 1, "round {round}");
                for answer in &answers {
                    let waited = matches!(answer, Answer::Failed(why) if why.contains("too many requests"));
                    assert!(waited || !matches!(answer, Answer::Failed(_)), "{answer:?}");
                    busy += usize::from(waited);
                }
            }
            println!("{busy} of {} were told to come again", rounds * clients as u64);
            let faults = oracle::faults(&oracle::days(&one.events().await));
            assert!(faults.is_empty(), "{}", faults.join("\n"));
        }
    });
}

/// The same key from two nodes at once: one appointment, and both callers hear of it.
#[test]
fn a_retry_that_comes_to_the_other_node_gets_the_outcome_of_the_first() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        for seed in seeds(1, 10) {
            println!("the same key on two nodes: SEED={seed}");
            let two = Two::new(seed).await;
            let one = &two.nodes[0];
            let (desk, activity, service) = one.small_clinic(15).await;
            let day = date("2026-11-25");
            let slot = one.publishes(draft(desk.agenda, day, time("08:00"), time("16:00"), activity)).await;
            for n in 0..8 {
                let place = one.place(desk.agenda, day, slot, n).await;
                // The visit is opened on one node, and booked with on both.
                let visitor = two.nodes[n % 2].welcomes_a_stranger().await;
                let command = Command::Book { visitor, booking: online(place, service, one.now()) };
                let ctx = one.ctx(one.administrator());
                let tasks = (0..6).map(|n: usize| {
                    let (engine, ctx, command) = (two.nodes[n % 2].engine.clone(), ctx.clone(), command.clone());
                    tokio::spawn(async move { command.run(&engine, &ctx).await })
                });
                let answers = join_all(tasks.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap);
                let mut said: Vec<_> = answers
                    .map(|answer| match answer {
                        Answer::Done { said, position, .. } => (said, position),
                        other => panic!("{other:?}"),
                    })
                    .collect();
                said.dedup();
                assert_eq!(said.len(), 1, "all hear of the same appointment");
            }
            let faults = oracle::faults(&oracle::days(&one.events().await));
            assert!(faults.is_empty(), "{}", faults.join("\n"));
        }
    });
}
