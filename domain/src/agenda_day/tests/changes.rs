//! What becomes of appointments and slots: cancelled, attached, amended, moved, given up.

use super::*;

#[test]
fn cancelling_gives_the_availability_back_or_drops_it() {
    for keep in [true, false] {
        let mut day = given([slot(1, (9, 0), (10, 0), 20)]);
        let booked = day.book(1, 1, (9, 20), None);
        day.when(booked);
        let cancelled = day.cancel(1, keep);
        day.when(cancelled);
        assert_eq!(day.free(1, (9, 20)), keep);
        assert_eq!(day.cancel(1, keep), Ok(vec![]));
    }
}

#[test]
fn a_no_show_still_occupies_its_time() {
    let mut day = given([slot(1, (9, 0), (10, 0), 20)]);
    let booked = day.book(1, 1, (9, 20), None);
    day.when(booked);
    assert_eq!(decide_no_show(&day.day, appointment(1), None, day.now), Err(DayRefusal::WrongStatus));
    day.now = at(9, 30);
    let marked = decide_no_show(&day.day, appointment(1), None, day.now);
    day.when(marked);
    assert!(!day.free(1, (9, 20)));
}

#[test]
fn attaching_never_takes_the_place_of_another_record_and_can_be_undone() {
    let mut day = given([slot(1, (9, 0), (10, 0), 20)]);
    let booked = day.book(1, 1, (9, 20), None);
    day.when(booked);
    let (a, b) = (PatientId(uuid::Uuid::from_u128(8)), PatientId(uuid::Uuid::from_u128(9)));
    let attached = decide_attach(&day.day, appointment(1), a, None);
    day.when(attached);
    assert_eq!(decide_attach(&day.day, appointment(1), a, None), Ok(vec![]));
    assert_eq!(decide_attach(&day.day, appointment(1), b, None), Err(DayRefusal::OtherPatient(a)));
    assert_eq!(day.day.appointments[&appointment(1)].booked_by, BookedBy::PatientOnline);
    let detached = decide_detach(&day.day, appointment(1), None);
    day.when(detached);
    let again = decide_attach(&day.day, appointment(1), b, None);
    day.when(again);
    assert_eq!(day.day.appointments[&appointment(1)].patient, Some(b));
}

#[test]
fn amending_never_cuts_what_is_held_or_booked() {
    let mut day = given([slot(1, (9, 0), (10, 0), 20)]);
    let booked = day.book(1, 1, (9, 40), None);
    day.when(booked);
    let shorter = |day: &History, to| {
        let mut facts = slot(1, (9, 0), to, 20).facts;
        facts.title = Some("plus court".into());
        decide_amend_slot(&day.day, &day.clinic, SlotAmended { slot: slot_id(1), facts }, None, day.now)
    };
    assert_eq!(shorter(&day, (9, 40)), Err(DayRefusal::WouldCut(vec![appointment(1)])));
    assert!(shorter(&day, (10, 0)).is_ok());
    let held = day.hold(1, 1, (9, 0), 7);
    day.when(held);
    let mut facts = slot(1, (9, 0), (10, 0), 30).facts;
    facts.interval_minutes = 30;
    let regrid = decide_amend_slot(&day.day, &day.clinic, SlotAmended { slot: slot_id(1), facts }, None, day.now);
    assert_eq!(regrid, Err(DayRefusal::WouldCut(vec![])));
}

#[test]
fn withdrawing_leaves_who_is_booked_and_who_holds() {
    let mut day = given([slot(1, (9, 0), (10, 0), 20)]);
    let booked = day.book(1, 1, (9, 0), None);
    day.when(booked);
    let held = day.hold(1, 1, (9, 20), 7);
    day.when(held);
    let withdrawn = decide_withdraw_slot(&day.day, slot_id(1), None);
    day.when(withdrawn);
    assert_eq!(booked_in_slot(&day.day, slot_id(1)), [appointment(1)]);
    assert!(day.book(2, 1, (9, 20), Some(7)).is_ok());
    assert_eq!(day.book(2, 1, (9, 40), Some(7)), Err(DayRefusal::Taken(Blocked::Withdrawn)));
}

#[test]
fn a_stale_change_is_refused_with_the_revision_of_now() {
    let mut day = given([slot(1, (9, 0), (10, 0), 20)]);
    let booked = day.book(1, 1, (9, 20), None);
    day.when(booked);
    let touched = day.day.appointments[&appointment(1)].touched;
    let confirmed = decide_confirm(&day.day, appointment(1), Some(touched));
    day.when(confirmed);
    let stale = Err(DayRefusal::Stale(Stale { current: touched + 1 }));
    assert_eq!(decide_arrive(&day.day, appointment(1), Some(touched)), stale);
}

#[test]
fn a_move_across_days_holds_its_promise_until_it_arrives_or_is_given_up() {
    let mut source = given([slot(1, (9, 0), (10, 0), 20)]);
    let booked = source.book(1, 1, (9, 20), None);
    source.when(booked);
    let mut target = given([slot(2, (14, 0), (15, 0), 20)]);
    let (movement, from) = (CommandId(uuid::Uuid::from_u128(5)), (AGENDA, DATE));
    let into = (AGENDA, DATE.plus_days(1));
    let to = Destination::Staff { practitioner: PRACTITIONER, wish: wish((14, 0), (14, 20)) };
    let reserved = decide_reserve_move(&target.day, &target.clinic, appointment(1), movement, from, &to, target.now);
    target.when(reserved);
    assert_eq!(target.book(2, 2, (14, 0), None), Err(DayRefusal::Taken(Blocked::Promised)));

    let left =
        decide_move_out(&source.day, &source.clinic, appointment(1), movement, into, true, false, None, source.now);
    source.when(left);
    assert!(!source.free(1, (9, 20)), "the original availability was dropped");
    assert_eq!(decide_abandon_move(&source.day, appointment(1), movement, into), vec![]);
    assert_eq!(source.cancel(1, true), Err(DayRefusal::MovedAway));

    let appointment_before = source.day.appointments[&appointment(1)].clone();
    let arrived = decide_move_in(&target.day, &booking(1), movement, &appointment_before, from);
    target.take(arrived);
    assert!(target.day.appointments[&appointment(1)].is_live());
    assert_eq!(decide_move_in(&target.day, &booking(1), movement, &appointment_before, from), vec![]);
}

#[test]
fn a_move_that_was_given_up_at_its_source_can_no_longer_leave() {
    let mut source = given([slot(1, (9, 0), (10, 0), 20)]);
    let booked = source.book(1, 1, (9, 20), None);
    source.when(booked);
    let (movement, into) = (CommandId(uuid::Uuid::from_u128(5)), (AGENDA, DATE.plus_days(1)));
    let given_up = decide_abandon_move(&source.day, appointment(1), movement, into);
    source.take(given_up);
    let left =
        decide_move_out(&source.day, &source.clinic, appointment(1), movement, into, false, false, None, source.now);
    assert_eq!(left, Err(DayRefusal::MoveAbandoned));
}

#[test]
fn the_cut_off_instant_itself_is_still_in_time() {
    let mut day = given([slot(1, (9, 0), (10, 0), 20)]);
    day.clinic.settings.change_cutoff_minutes = 60;
    let booked = day.book(1, 1, (9, 20), None);
    day.when(booked);
    let cancel = |now| {
        let command = CancelAppointment {
            appointment: appointment(1),
            cancelled_at: now,
            by_patient: true,
            online: true,
            reason: None,
            keep_record: true,
            keep_availability: true,
        };
        decide_cancel(&day.day, &day.clinic, &command, None, now)
    };
    assert!(cancel(at(8, 20)).is_ok());
    assert_eq!(cancel(at(8, 20).plus_seconds(1)), Err(DayRefusal::PastCutoff));
}

#[test]
fn a_booking_that_was_given_up_can_no_longer_be_made() {
    let mut day = given([slot(1, (9, 0), (10, 0), 20)]);
    let given_up = decide_abandon_booking(&day.day, appointment(1));
    day.take(given_up);
    assert_eq!(day.book(1, 1, (9, 20), None), Err(DayRefusal::BookingAbandoned));
    assert!(day.book(2, 1, (9, 20), None).is_ok());
}
