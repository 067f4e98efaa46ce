//! What holds after any history: nothing overlaps, holds and promises are honoured, and everybody who is asked what is
//! free says the same.

use crate::views;
use booking_domain::agenda_day::{AgendaDay, DayOccupancy};
use booking_domain::stream::StreamName;
use booking_tests::chance::Play;
use booking_tests::seeds::hold_for;
use booking_tests::{Answer, Home, oracle};
use std::collections::BTreeMap;
use std::sync::Mutex;

async fn history(seed: u64, home: &Home) -> Play {
    let mut play = Play::new(home, seed).await;
    play.go_on(60).await;
    play
}

#[test]
fn no_two_live_appointments_overlap_and_holds_and_promises_are_honoured() {
    hold_for("overlaps", 300, 10_000, async |seed, home| {
        let play = history(seed, home).await;
        let days = oracle::days(&play.world.events().await);
        let faults = oracle::faults(&days);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    });
}

#[test]
fn the_view_the_fold_the_engine_and_a_second_opinion_agree_on_what_is_free() {
    hold_for("what is free", 300, 10_000, async |seed, home| {
        let play = history(seed, home).await;
        let log = play.world.events().await;
        let view = views::served(&log).await;
        for ((agenda, date), day) in &oracle::days(&log) {
            let folded = play.world.folded::<AgendaDay>(&StreamName::agenda_day(*agenda, *date)).await;
            let cached = play.world.engine.day(*agenda, *date).await.unwrap();
            assert_eq!(folded.state, cached.state, "the engine's fold is the log's");
            assert_eq!(folded.commands, cached.commands);
            assert_eq!(
                (folded.revision, folded.position, folded.last_at),
                (cached.revision, cached.position, cached.last_at)
            );
            let viewed = views::occupancy(&view, (*agenda, *date)).expect("the view has every day");
            assert_eq!(viewed, folded.state.occupancy, "the view's fold is the log's");
            agrees(&play, day, &viewed);
        }
    });
}

/// The oracle and the domain's fold say the same of every availability, to everybody who could ask.
fn agrees(play: &Play, day: &oracle::Day, folded: &DayOccupancy) {
    let visits = play.visitors.iter().map(|v| Some(v.visit.id)).chain([None]);
    for visit in visits {
        for (id, open) in &day.slots {
            let slot = folded.slot(*id).expect("a published slot is in the fold");
            let pieces = oracle::Day::pieces(&open.facts);
            assert_eq!(slot.availabilities().collect::<Vec<_>>(), pieces);
            for piece in pieces {
                let said = folded.freedom(slot, piece, visit, None, play.now());
                assert_eq!(said, day.freedom(*id, piece, visit, play.now()), "slot {id} {piece:?} for {visit:?}");
            }
        }
    }
}

/// A property of histories in which nothing ever happens proves nothing.
#[test]
fn random_histories_do_everything_and_are_refused_everything() {
    let counts: Mutex<BTreeMap<String, [usize; 3]>> = Mutex::new(BTreeMap::new());
    hold_for("coverage", 200, 200, async |seed, home| {
        let play = history(seed, home).await;
        let log = play.world.events().await;
        let mut counts = counts.lock().unwrap();
        for ran in &play.ran {
            let name = format!("{:?}", ran.command);
            let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
            let column = match (&ran.answer, ran.answer.left_events()) {
                (_, true) => 0,
                (Answer::Done { .. }, _) => 1,
                _ => 2,
            };
            counts.entry(name).or_default()[column] += 1;
        }
        for event in &log {
            counts.entry(event.event_type.to_string()).or_default()[0] += 1;
        }
    });
    let counts = counts.into_inner().unwrap();
    let table: Vec<_> =
        counts.iter().map(|(name, n)| format!("{name:30} {n:?} (done, nothing to do, refused)")).collect();
    println!("{}", table.join("\n"));
    if std::env::var("SEED").is_ok() {
        return;
    }
    for (name, [done, ..]) in &counts {
        // Events are named in lower case, commands in the imperative.
        let enough = if name.contains('-') { 1 } else { 20 };
        assert!(*done >= enough, "{name} is hardly ever done\n{}", table.join("\n"));
    }
}
