//! What is shown can be booked, and what can be booked is shown: *shown* is read from the served view, *accepted* is
//! asked of the engine on a copy of the log.

use crate::views;
use booking_domain::agenda_day::{DayRefusal, Selected};
use booking_domain::visibility::{Situation, ViewerFacts, smallest_change};
use booking_engine::{Failure, Place};
use booking_projections::availability::Offer;
use booking_tests::chance::Play;
use booking_tests::seeds::{self, hold_for};
use booking_tests::{Visitor, World};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

const SAMPLES: usize = 12;
/// Availabilities that were compared, each for a viewer at a moment.
static COMPARED: AtomicU64 = AtomicU64::new(0);

#[test]
fn an_availability_is_shown_exactly_if_booking_it_is_accepted() {
    hold_for("shown <=> accepted", 300, 10_000, async |seed, home| {
        let mut play = Play::new(home, seed).await;
        for _ in 0..3 {
            play.go_on(15).await;
            compare(&mut play).await;
        }
    });
    let compared = COMPARED.load(Ordering::Relaxed);
    println!("  {compared} availabilities, each for a viewer at a moment: shown, explained and accepted alike");
    assert!(compared > seeds::rounds(1_000, 100_000) || std::env::var_os("SEED").is_some(), "{compared}");
}

/// `explain` says what is shown; its smallest change turns that round, and none of it could be left out.
async fn explained(
    play: &Play,
    place: Place,
    service: booking_domain::ids::ServiceId,
    viewer: &ViewerFacts,
    shown: bool,
) {
    let clinic = play.world.engine.rules(play.world.clinic).await.unwrap().state.clone();
    let day = play.world.engine.day(place.agenda, place.date).await.unwrap().state.occupancy.clone();
    let Selected { slot, start } = place.selected;
    let situation = Situation { clinic, service, day, slot, start, viewer: viewer.clone(), now: play.now() };
    let verdict = situation.verdict().unwrap();
    assert_eq!(verdict.offered, shown, "{verdict:?}");
    let changes = smallest_change(&situation);
    assert!(!changes.is_empty(), "nothing turns this round: {verdict:?} of {situation:?}");
    let turned = situation.with(&changes).verdict().unwrap();
    assert_eq!(turned.offered, !shown, "{changes:?} does not turn {verdict:?} round, it gives {turned:?}");
    for left_out in 0..changes.len() {
        let mut fewer = changes.clone();
        fewer.remove(left_out);
        let still = situation.with(&fewer).verdict().unwrap();
        assert_eq!(still.offered, shown, "{changes:?} without its {left_out}th turns {verdict:?} round too");
    }
}

async fn accepted(
    world: &World,
    play: &Play,
    visitor: &Visitor,
    place: Place,
    service: booking_domain::ids::ServiceId,
) -> Result<(), DayRefusal> {
    let booking = play.booking(place, service).await;
    match world.engine.book_online(&world.ctx(visitor.actor()), &visitor.visit, &visitor.identity, &booking).await {
        Ok(_) => Ok(()),
        Err(Failure::Refused(refusal)) => Err(refusal),
        Err(other) => panic!("{other}"),
    }
}

async fn compare(play: &mut Play) {
    let Some(visitor) = play.rng.maybe(&play.visitors) else { return };
    let service = play.rng.pick(&play.services);
    let now = play.now();
    let log = play.world.events().await;
    let view = views::served(&log).await;
    let viewer = play.world.engine.viewer::<DayRefusal>(&visitor.visit, Some(service)).await.unwrap();
    let limit = play.rng.pick(&[1, 3, 1_000]);
    let shown: Vec<_> = views::offers(&play.world, &view, service, &viewer.facts, now, limit).await;
    let mut sorted = shown.clone();
    sorted.sort_by_key(Offer::key);
    assert_eq!(shown, sorted, "offers come in the order of their starts");
    let shown: BTreeSet<_> = shown.iter().map(|o| (o.agenda, o.date, o.slot, o.span.start)).collect();

    let mut all = Vec::new();
    for ((agenda, date), day) in play.world.days().await {
        for slot in &day.occupancy.slots {
            all.extend(slot.availabilities().map(|piece| (agenda, date, slot.id, piece.start)));
        }
    }
    assert!(shown.iter().all(|key| all.contains(key)), "nothing is shown that is not in the book");
    // The shown ones first: they are rare, and each is a claim that must hold.
    let mut hidden: Vec<_> = all.into_iter().filter(|key| !shown.contains(key)).collect();
    let mut sample: Vec<_> = shown.iter().copied().collect();
    while sample.len() > SAMPLES / 2 {
        sample.swap_remove(play.rng.below(sample.len()));
    }
    while sample.len() < SAMPLES && !hidden.is_empty() {
        sample.push(hidden.swap_remove(play.rng.below(hidden.len())));
    }
    let mut fork = play.world.fork().await;
    for key in sample {
        let (agenda, date, slot, start) = key;
        let place = Place { agenda, date, selected: Selected { slot, start } };
        COMPARED.fetch_add(1, Ordering::Relaxed);
        explained(play, place, service, &viewer.facts, shown.contains(&key)).await;
        let answer = accepted(&fork, play, &visitor, place, service).await;
        assert_eq!(
            shown.contains(&key),
            answer.is_ok(),
            "{service} to {:?} of {:?} at {start:?} (slot {slot}), now {now:?}: the answer is {answer:?}",
            viewer.facts,
            visitor.visit.id,
        );
        if answer.is_ok() {
            fork = play.world.fork().await;
        }
    }
}
