//! R71, R75, R77: an availability that was kept is offered again if the rules offer it; one that was dropped is gone.

use crate::views;
use booking_domain::agenda_day::DayRefusal;
use booking_domain::ids::ServiceId;
use booking_domain::time::Span;
use booking_domain::values::Status;
use booking_engine::{MoveTo, Place, Whereabouts};
use booking_tests::actors::{date, draft, time, whereabouts, wish};
use booking_tests::chance::Play;
use booking_tests::seeds::hold_for;
use booking_tests::{Command, World};

async fn is_offered(world: &World, service: ServiceId, place: Place) -> bool {
    let view = views::served(&world.events().await).await;
    let visitor = world.welcomes_a_stranger().await;
    let viewer = world.engine.viewer::<DayRefusal>(&visitor.visit, Some(service)).await.unwrap();
    let offers = views::offers(world, &view, service, &viewer.facts, world.now(), 100).await;
    offers.iter().any(|o| {
        (o.agenda, o.date, o.slot, o.span.start)
            == (place.agenda, place.date, place.selected.slot, place.selected.start)
    })
}

#[test]
fn a_cancelled_availability_is_offered_again_if_it_was_kept_and_gone_if_it_was_dropped() {
    hold_for("cancel", 1, 1, async |seed, home| {
        let world = home.world(seed);
        let (desk, activity, service) = world.small_clinic(15).await;
        let day = date("2026-11-25");
        let slot = world.publishes(draft(desk.agenda, day, time("09:00"), time("10:00"), activity)).await;
        for (n, keep) in [(0, true), (1, false)] {
            let place = world.place(desk.agenda, day, slot, n).await;
            assert!(is_offered(&world, service, place).await);
            let visitor = world.welcomes_a_stranger().await;
            let at = whereabouts(&visitor.books(&world, place, service).await.unwrap());
            assert!(!is_offered(&world, service, place).await, "booked");
            world.cancels(at, keep).await.unwrap();
            assert_eq!(is_offered(&world, service, place).await, keep);
            let other = world.welcomes_a_stranger().await;
            assert_eq!(other.books(&world, place, service).await.is_ok(), keep);
        }
    });
}

#[test]
fn a_move_gives_the_old_time_back_unless_it_was_dropped() {
    hold_for("move", 1, 1, async |seed, home| {
        let world = home.world(seed);
        let (desk, activity, service) = world.small_clinic(15).await;
        let other = world.hires("Dr Gagnon").await;
        let (day, next) = (date("2026-11-25"), date("2026-11-26"));
        let slot = world.publishes(draft(desk.agenda, day, time("09:00"), time("12:00"), activity)).await;
        let away = world.publishes(draft(other.agenda, next, time("09:00"), time("12:00"), activity)).await;
        for (n, drop_original, across) in [(0, false, false), (1, true, false), (2, false, true), (3, true, true)] {
            let old = world.place(desk.agenda, day, slot, n).await;
            let new = if across {
                world.place(other.agenda, next, away, n).await
            } else {
                world.place(desk.agenda, day, slot, n + 6).await
            };
            let visitor = world.welcomes_a_stranger().await;
            let at = whereabouts(&visitor.books(&world, old, service).await.unwrap());
            let to = MoveTo::Staff { agenda: new.agenda, wish: wish(new, 15) };
            let answer = world.orders(Command::Move { at, to, drop_original }).await;
            assert!(answer.left_events());
            assert_eq!(is_offered(&world, service, old).await, !drop_original, "case {n}");
            assert!(!is_offered(&world, service, new).await, "the new time is taken");
        }
    });
}

/// A random history, then every appointment that can be cancelled is, one way or the other.
#[test]
fn after_any_history_a_kept_time_is_free_again_and_a_dropped_one_is_not() {
    hold_for("kept or dropped", 300, 10_000, async |seed, home| {
        let mut play = Play::new(home, seed).await;
        play.go_on(40).await;
        let days = play.world.days().await;
        for ((agenda, date), day) in days {
            for (id, appointment) in day.appointments.iter().filter(|(_, a)| a.is_ahead()) {
                let keep = play.rng.percent(50);
                let at = Whereabouts { appointment: *id, agenda, date };
                let before = play.world.engine.day(agenda, date).await.unwrap();
                play.world.cancels(at, keep).await.unwrap();
                let after = play.world.engine.day(agenda, date).await.unwrap();
                let occupancy = &after.state.occupancy;
                assert_eq!(after.state.appointments[id].status, Status::Cancelled);
                for source in &appointment.placement.sources {
                    let slot = occupancy.slot(source.slot).unwrap();
                    // An amended slot may have no such availability any more.
                    let Some(piece) = slot.availability_at(source.span.start) else { continue };
                    let blocked = others_block(&after.state, piece, play.now());
                    let freedom = occupancy.freedom(slot, piece, None, None, play.now());
                    let dropped = slot.removed.contains(&piece.start);
                    let earlier = before.state.occupancy.slot(source.slot).unwrap().removed.contains(&piece.start);
                    assert_eq!(dropped, !keep || earlier);
                    let expected = keep && !dropped && !blocked && !slot.withdrawn;
                    assert_eq!(expected, freedom == booking_domain::agenda_day::Freedom::Free, "{at:?} {source:?}");
                }
            }
        }
    });
}

fn others_block(day: &booking_domain::agenda_day::AgendaDay, piece: Span, now: booking_domain::time::Instant) -> bool {
    day.appointments.values().any(|a| a.is_live() && a.placement.occupies.overlaps(piece))
        || day.promises.values().any(|p| p.placement.occupies.overlaps(piece))
        || day.occupancy.holds.iter().any(|h| h.expires_at > now && h.span.overlaps(piece))
}
