//! A release: many more visitors than times, and all of them at the instant at which the times open.

use super::Times;
use super::house::{Clinic, House};
use super::portal::{Guest, Portal, Reply, insist, now, reference, refs};
use booking_domain::clinic::PublicationOverride;
use booking_domain::time::Tz;
use booking_engine::ManualClock;
use booking_tests::Rng;
use booking_tests::actors::{draft, instant, time};
use booking_tests::load::check_log;
use booking_tests::seeds::{rounds, seeds};
use booking_tests::world::MORNING;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Barrier;

/// Availabilities that open.
const TIMES: usize = 50;

/// How a visitor fared.
#[derive(Default)]
struct Fared {
    booked: bool,
    looks: Times,
    tries: Times,
    worst: u16,
    again: usize,
}

impl Fared {
    fn heard(&mut self, reply: &Reply) {
        self.worst = self.worst.max(reply.status);
    }
}

/// Looks, books, takes an alternative, looks again: until there is an appointment or nothing is left.
async fn hunts(portal: &Portal, guest: &Guest, mut rng: Rng) -> Fared {
    let mut fared = Fared::default();
    let mut tries = 0;
    loop {
        let (seen, again) = insist(|| portal.look(guest)).await;
        fared.heard(&seen);
        fared.again += again;
        fared.looks.add(seen.took);
        let mut choice = rng.maybe(&refs(&seen.body["availabilities"]));
        if choice.is_none() {
            return fared;
        }
        while let Some(place) = choice {
            tries += 1;
            let key = format!("try {tries}");
            let (reply, again) = insist(|| portal.book(guest, &place, None, &key)).await;
            fared.heard(&reply);
            fared.again += again;
            fared.tries.add(reply.took);
            if reply.status == 201 {
                fared.booked = true;
                return fared;
            }
            assert_eq!(reply.status, 409, "{reply:?}");
            choice = if tries % 4 == 0 { None } else { rng.maybe(&reply.alternatives()) };
        }
    }
}

#[test]
fn when_fifty_times_open_at_one_instant_fifty_of_the_crowd_are_booked_and_everybody_is_answered() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for seed in seeds(1, 5) {
        println!("release: SEED={seed}");
        runtime.block_on(release(seed, usize::try_from(rounds(300, 1_000)).unwrap()));
    }
}

async fn release(seed: u64, many: usize) {
    let clock = Arc::new(ManualClock::new(MORNING));
    let house = House::open(|options| options.clock = Arc::clone(&clock) as _).await;
    let clinic = Clinic::found(&house.app().engine).await;
    let opening = instant(Tz::America__Toronto, "2026-11-23", "10:00");
    let mut places = Vec::new();
    for name in ["Dre Roy", "Dr Gagnon", "Dre Cloutier", "Dr Tran", "Dre Nadeau"] {
        let agenda = clinic.hires(name).await;
        let mut slot = draft(agenda, clinic.in_days(2), time("09:00"), time("11:30"), clinic.activity);
        slot.publication = PublicationOverride::At(opening);
        places.extend(clinic.publishes(&slot).await);
    }
    assert_eq!(places.len(), TIMES);
    house.settled().await;
    let portal = house.portal(&clinic);
    let begun = now();
    let crowd = portal.crowd(many).await;
    println!("  {many} visitors identified in {:.1?}", begun.elapsed());

    // A moment before, there is nothing to see and nothing to be had.
    clock.set(opening.plus_seconds(-1));
    let early = portal.look(&crowd[0]).await.unwrap();
    assert_eq!(refs(&early.body["availabilities"]), Vec::<String>::new());
    let early = portal.book(&crowd[0], &reference(places[0]), None, "too early").await.unwrap();
    assert_eq!((early.status, early.code()), (409, "not_offered"));

    let gate = Arc::new(Barrier::new(many + 1));
    let hunters: Vec<_> = crowd
        .into_iter()
        .enumerate()
        .map(|(n, guest)| {
            let (portal, gate) = (portal.clone(), Arc::clone(&gate));
            let rng = Rng::new(seed ^ u64::try_from(n).unwrap().wrapping_mul(0x9e37_79b9));
            tokio::spawn(async move {
                gate.wait().await;
                hunts(&portal, &guest, rng).await
            })
        })
        .collect();
    clock.set(opening);
    gate.wait().await;
    let opened = Instant::now();
    let mut all = Fared::default();
    let mut booked = 0;
    for hunter in hunters {
        let fared = hunter.await.unwrap();
        booked += usize::from(fared.booked);
        all.looks.0.extend(fared.looks.0);
        all.tries.0.extend(fared.tries.0);
        all.worst = all.worst.max(fared.worst);
        all.again += fared.again;
    }
    let took = opened.elapsed();
    println!("  opening to last answer: {took:.2?}; {} asked again", all.again);
    println!("  looking: {}", all.looks.summary());
    println!("  booking: {}", all.tries.summary());
    assert_eq!(booked, TIMES);
    assert!(all.worst < 500, "a {} was answered", all.worst);
    assert_eq!(all.again, 0, "nobody is sent away to come again");
    assert!(took < Duration::from_mins(1), "{took:?}");
    let log = house.log().await;
    assert_eq!(check_log(&log), Vec::<String>::new());
    assert_eq!(booking_tests::load::bookings(&log).len(), TIMES);
    drop(portal);
    house.close().await;
}
