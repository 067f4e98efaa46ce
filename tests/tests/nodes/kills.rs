//! Either of two nodes is killed, again and again, while people book on both: whoever was on the killed one goes to the
//! other with the same key.

use super::callers::{Callers, Manner};
use super::pair::{Pair, Places};
use booking_store::Recorded;
use booking_tests::Rng;
use booking_tests::cluster::node_of;
use booking_tests::load::events_of;
use booking_tests::seeds::seeds;
use kurrent_double::Double;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Kills over one log, at most.
const KILLS_PER_LIFE: usize = 25;
/// What is there to book for each kill.
const BOOKINGS_PER_KILL: usize = 256;
const MANNER: Manner = Manner { crowd: 6, patience: (20_000, 30_000), most_patience: (20_000, 30_000), thinks: 5 };

/// The same log without its last booking, and without anything that was asked for, is found out.
pub fn would_be_noticed(callers: &Callers, log: &[Recorded]) {
    let last = log.iter().rposition(|event| event.event_type.starts_with("appointment-booked.")).unwrap();
    let mut without = log.to_vec();
    without.remove(last);
    assert!(callers.faults(&without).iter().any(|fault| fault.starts_with("lost: ")), "a lost booking is not noticed");
    let strangers = Callers::new((callers.clinic(), callers.service(), ""), vec![], ["", ""]);
    assert!(strangers.faults(log).iter().any(|fault| fault.starts_with("phantom: ")), "a second one is not noticed");
}

#[test]
fn either_node_is_killed_under_load_and_every_key_books_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let seeds = seeds(4, 200);
        println!("kills of either node: SEED={} to {}", seeds[0], seeds[seeds.len() - 1]);
        let (mut booked, mut by_retry, mut slowest) = (0, 0, Duration::ZERO);
        for seeds in seeds.chunks(KILLS_PER_LIFE) {
            let (double, vault) = (Double::start().unwrap(), throwaway_postgres::database().await);
            let places = Places { logs: [double.connection(), double.connection()], vault };
            let mut pair = Pair::start(places, seeds.len() * BOOKINGS_PER_KILL).await;
            let log = node_of(&double, None).await;
            for seed in seeds {
                let (mut rng, over) = (Rng::new(*seed), Arc::new(AtomicBool::new(false)));
                let callers = Arc::clone(&pair.callers);
                let mut of_callers = Rng::new(rng.next());
                let work = callers.run(MANNER, &mut of_callers, &over);
                let killed = async {
                    let pause = |rng: &mut Rng, most| Duration::from_millis(u64::try_from(rng.between(10, most)).unwrap());
                    let node = rng.below(2);
                    tokio::time::sleep(pause(&mut rng, 500)).await;
                    pair.kills(node).await;
                    // Alone, the other one goes on.
                    let before = callers.answers().get(&(1 - node, 201)).copied().unwrap_or_default();
                    tokio::time::sleep(pause(&mut rng, 300)).await;
                    pair.starts(node).await;
                    slowest = slowest.max(pair.took(node));
                    tokio::time::sleep(pause(&mut rng, 300)).await;
                    over.store(true, std::sync::atomic::Ordering::Relaxed);
                    callers.answers().get(&(1 - node, 201)).copied().unwrap_or_default() > before
                };
                let ((), went_on) = tokio::join!(work, killed);
                assert!(went_on || !callers.has_room(), "SEED={seed}: the other node booked nothing meanwhile");
                let faults = callers.faults(&events_of(&*log).await);
                assert!(faults.is_empty(), "SEED={seed}: {}", faults.join("\n"));
            }
            would_be_noticed(&pair.callers, &events_of(&*log).await);
            booked += pair.callers.booked();
            by_retry += pair.callers.by_retry();
            println!("  answers by node and status (0: broken off): {:?}", pair.callers.answers());
        }
        println!(
            "  {booked} booked, {by_retry} of them told by a retry; from a node's start until it listens at most {slowest:.1?}"
        );
        assert!(booked > 0);
    });
}
