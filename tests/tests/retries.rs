//! A command that is run again leaves what it left once, and answers what it answered once: at once, later, after a
//! lost answer, and after a restart.

use booking_domain::agenda_day::AgendaDay;
use booking_domain::stream::StreamName;
use booking_tests::chance::{Play, Ran};
use booking_tests::seeds::hold_for;
use booking_tests::{Answer, Command, Then};

/// What the second answer has to be.
fn same_answer(ran: &Ran, second: &Answer) {
    match (&ran.answer, second) {
        (Answer::Done { said, position: Some(position), .. }, Answer::Done { said: again, position: at, replayed }) => {
            assert_eq!(said, again, "{:?}", ran.command);
            assert_eq!(Some(*position), *at, "{:?}", ran.command);
            assert!(*replayed || matches!(ran.command, Command::WithdrawSlot { .. }), "{:?}", ran.command);
        }
        (first, second) => assert_eq!(
            std::mem::discriminant(first),
            std::mem::discriminant(second),
            "{:?}: {first:?}, then {second:?}",
            ran.command
        ),
    }
}

/// Known limit: a command on an appointment that had left the day it was told is found again only while the trail from
/// that day leads to where it was carried out; an appointment that came back cuts the trail.
fn was_carried_out_elsewhere(ran: &Ran) -> bool {
    let (Command::Attach { at, .. } | Command::Detach { at } | Command::Mark { at, .. } | Command::Cancel { at, .. }) =
        &ran.command
    else {
        return false;
    };
    !matches!(&ran.answer, Answer::Done { said, .. } if *said == format!("{at:?}"))
}

async fn the_engine_knows_the_log(play: &Play) {
    for ((agenda, date), state) in play.world.days().await {
        let cached = play.world.engine.day(agenda, date).await.unwrap();
        assert_eq!(cached.state, state, "what the engine remembers of {agenda} {date} is what the log says");
        let folded = play.world.folded::<AgendaDay>(&StreamName::agenda_day(agenda, date)).await;
        assert_eq!(cached.commands, folded.commands);
    }
}

#[test]
fn a_command_that_is_run_twice_leaves_what_it_left_once() {
    hold_for("twice", 300, 10_000, async |seed, home| {
        let mut play = Play::new(home, seed).await;
        for _ in 0..50 {
            let many = play.ran.len();
            play.go_on(1).await;
            let Some(ran) = play.ran.get(many).cloned() else { continue };
            let before = play.world.events().await;
            if play.rng.percent(30) {
                play.world.restart();
            }
            let second = ran.command.run(&play.world.engine, &ran.ctx).await;
            assert!(play.world.events().await == before, "{:?}: {:?}, then {second:?}", ran.command, ran.answer);
            same_answer(&ran, &second);
        }
    });
}

#[test]
fn a_command_that_is_run_again_much_later_leaves_nothing_new_and_answers_as_it_did() {
    hold_for("again, later", 300, 10_000, async |seed, home| {
        let mut play = Play::new(home, seed).await;
        play.go_on(50).await;
        let ran = play.ran.clone();
        for ran in ran.iter().filter(|ran| ran.answer.left_events() && !was_carried_out_elsewhere(ran)) {
            let before = play.world.events().await;
            if play.rng.percent(20) {
                play.world.restart();
            }
            let second = ran.command.run(&play.world.engine, &ran.ctx).await;
            let after = play.world.events().await;
            assert_eq!(after.len(), before.len(), "{:?} {second:?}", ran.command);
            same_answer(ran, &second);
        }
    });
}

#[test]
fn a_lost_answer_of_the_log_changes_nothing() {
    hold_for("lost answers", 300, 10_000, async |seed, home| {
        let mut play = Play::new(home, seed).await;
        let mut dice = booking_tests::Rng::new(!seed);
        play.world.meddler.plan(move |_, _| match dice.below(10) {
            0..3 => Then::LoseAnswer,
            3 => Then::Fail,
            4 => Then::Yield(3),
            _ => Then::Store,
        });
        for _ in 0..30 {
            play.time_passes().await;
            if let Some(command) = play.next().await {
                play.run(command).await;
            }
        }
        play.world.meddler.rest();
        the_engine_knows_the_log(&play).await;
        let faults = booking_tests::oracle::faults(&booking_tests::oracle::days(&play.world.events().await));
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    });
}

/// The log stored a command and then was silent for as long as the engine asks; the caller tries again later.
#[test]
fn a_caller_who_was_told_that_the_log_is_silent_finds_the_first_outcome_later() {
    hold_for("a silent log", 300, 10_000, async |seed, home| {
        let mut play = Play::new(home, seed).await;
        for _ in 0..25 {
            play.time_passes().await;
            let Some(command) = play.next().await else { continue };
            // The first append is stored, then nobody answers.
            play.world.meddler.plan(move |_, _| Then::DieAfter);
            let ctx = play.world.ctx(play.world.administrator());
            let engine = std::sync::Arc::clone(&play.world.engine);
            let first = play.world.meddler.until_death(command.run(&engine, &ctx)).await;
            play.world.meddler.rest();
            if play.rng.percent(50) {
                play.time_passes().await;
            }
            if play.rng.percent(30) {
                play.world.restart();
            }
            let before = play.world.events().await.len();
            let answer = command.run(&play.world.engine, &ctx).await;
            let after = play.world.events().await.len();
            the_engine_knows_the_log(&play).await;
            let third = command.run(&play.world.engine, &ctx).await;
            assert_eq!(play.world.events().await.len(), after, "{command:?}: {first:?}, {answer:?}, {third:?}");
            assert!(after >= before);
            if first.is_none() && answer.left_events() {
                same_answer(&Ran { ctx, command, answer }, &third);
            }
        }
        let faults = booking_tests::oracle::faults(&booking_tests::oracle::days(&play.world.events().await));
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    });
}
