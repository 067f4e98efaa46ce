//! Who gets a time: bookings, holds, overlaps, and what staff lay over them.

use super::*;

#[test]
fn a_last_piece_shorter_than_the_interval_is_not_offered() {
    let day = given([slot(1, (9, 0), (10, 10), 20)]);
    let starts: Vec<_> = day.day.occupancy.slot(slot_id(1)).unwrap().availabilities().map(|p| p.start).collect();
    assert_eq!(starts, [at(9, 0), at(9, 20), at(9, 40)]);
}

#[test]
fn two_confirmations_of_one_availability_give_one_booking() {
    let mut day = given([slot(1, (9, 0), (10, 0), 20)]);
    let first = day.book(1, 1, (9, 20), None);
    day.when(first);
    assert_eq!(day.book(2, 1, (9, 20), None), Err(TAKEN));
}

#[test]
fn booking_one_availability_takes_what_overlaps_it_in_another_slot() {
    let mut day = given([slot(1, (9, 0), (10, 0), 20), slot(2, (9, 10), (10, 10), 30)]);
    let first = day.book(1, 1, (9, 20), None);
    day.when(first);
    assert_eq!(day.book(2, 2, (9, 10), None), Err(TAKEN));
    assert!(day.free(2, (9, 40)));
}

#[test]
fn a_hold_blocks_others_and_what_overlaps_it_until_its_last_instant() {
    let mut day = given([slot(1, (9, 0), (10, 0), 20), slot(2, (9, 10), (10, 10), 30)]);
    let held = day.hold(1, 1, (9, 20), 7);
    day.when(held);
    let until = day.now.plus_minutes(5);
    assert_eq!(day.book(1, 1, (9, 20), Some(8)), Err(DayRefusal::Taken(Blocked::Held(until))));
    assert_eq!(day.book(1, 2, (9, 10), Some(8)), Err(DayRefusal::Taken(Blocked::Held(until))));
    assert!(day.book(1, 1, (9, 20), Some(7)).is_ok());
    day.now = until;
    assert!(day.book(1, 1, (9, 20), Some(8)).is_ok());
}

#[test]
fn a_booking_that_relies_on_a_hold_is_refused_once_the_hold_has_ended() {
    let mut day = given([slot(1, (9, 0), (10, 0), 20)]);
    let held = day.hold(1, 1, (9, 20), 7);
    day.when(held);
    day.now = day.now.plus_minutes(6);
    let command = BookOnline {
        booking: booking(1),
        service: SERVICE,
        selected: Selected { slot: slot_id(1), start: at(9, 20) },
        hold: Some(HoldId(uuid::Uuid::from_u128(1))),
        viewer: ViewerFacts::unrecognized(Some(visit(7))),
    };
    assert_eq!(decide_book_online(&day.day, &day.clinic, &command, day.now), Err(DayRefusal::HoldEnded));
}

#[test]
fn a_hold_is_extended_ten_times_at_most() {
    let mut day = given([slot(1, (9, 0), (10, 0), 20)]);
    let placed = day.hold(1, 1, (9, 20), 7);
    day.when(placed);
    let hold = HoldId(uuid::Uuid::from_u128(1));
    for _ in 0..10 {
        day.now = day.now.plus_minutes(1);
        let extended = decide_extend_hold(&day.day, &day.clinic, hold, visit(7), day.now);
        day.when(extended);
    }
    let again = decide_extend_hold(&day.day, &day.clinic, hold, visit(7), day.now);
    assert_eq!(again, Err(DayRefusal::HoldNotExtendable));
}

#[test]
fn a_live_hold_keeps_its_availability_past_the_minimum_notice_but_not_past_its_start() {
    let mut day = given([slot(1, (9, 0), (10, 0), 20)]);
    day.clinic.settings.min_notice_minutes = 60;
    day.clinic.settings.hold_minutes = 60;
    day.now = at(8, 20);
    let held = day.hold(1, 1, (9, 20), 7);
    day.when(held);
    day.now = at(8, 40);
    assert!(day.book(1, 1, (9, 20), Some(7)).is_ok());
    day.now = at(8, 41);
    assert_eq!(day.book(1, 1, (9, 40), Some(8)), Err(DayRefusal::NotOffered(Rule::MinNotice)));
    day.now = at(9, 20);
    assert_eq!(day.book(1, 1, (9, 20), Some(7)), Err(DayRefusal::NotOffered(Rule::NotStarted)));
}

#[test]
fn a_hold_wins_even_against_an_override_by_staff() {
    let mut day = given([slot(1, (9, 0), (10, 0), 20)]);
    let held = day.hold(1, 1, (9, 20), 7);
    day.when(held);
    let refused = day.plan(1, Wish { overbook: true, ..wish((9, 20), (9, 40)) });
    assert!(matches!(refused, Err(DayRefusal::Taken(Blocked::Held(_)))));
}

#[test]
fn a_longer_appointment_takes_the_following_availability_unless_only_one_is_reserved() {
    let selected = Some(Selected { slot: slot_id(1), start: at(9, 0) });
    for only_selected in [false, true] {
        let mut day = given([slot(1, (9, 0), (10, 0), 20)]);
        let planned = day.plan(1, Wish { selected, only_selected, ..wish((9, 0), (9, 30)) });
        day.when(planned);
        assert_eq!(day.free(1, (9, 20)), only_selected);
        assert!(!day.free(1, (9, 0)));
    }
}

#[test]
fn staff_overbook_only_by_saying_so_and_it_is_marked() {
    let mut day = given([]);
    let first = day.plan(1, wish((9, 0), (9, 30)));
    day.when(first);
    assert_eq!(day.plan(2, wish((9, 20), (9, 40))), Err(TAKEN));
    let second = day.plan(2, Wish { overbook: true, ..wish((9, 20), (9, 40)) });
    day.when(second);
    assert!(day.day.appointments[&appointment(2)].placement.overridden);
    assert!(!day.day.appointments[&appointment(1)].placement.overridden);
}

#[test]
fn nothing_is_opened_offered_or_held_for_somebody_who_takes_no_appointments() {
    let mut day = given([slot(1, (9, 0), (10, 0), 20)]);
    let registered =
        PractitionerRegistered { practitioner: PRACTITIONER, name: "Dre Roy".into(), profession: Localized::default() };
    let happens = |day: &mut History, event: ClinicEvent| {
        day.clinic.evolve(&event, Stamp { revision: day.clinic.revision + 1, occurred_at: day.now });
    };
    happens(&mut day, ClinicEvent::PractitionerRegistered(registered.clone()));
    let away = decide_deactivate_practitioner(&day.clinic, PRACTITIONER, None).unwrap();
    for event in away {
        happens(&mut day, event);
    }
    assert_eq!(decide_deactivate_practitioner(&day.clinic, PRACTITIONER, None), Ok(vec![]), "once is enough");
    // Described anew, they are still away.
    let renamed = PractitionerRegistered { name: "Dre Roy-Gagnon".into(), ..registered };
    happens(&mut day, ClinicEvent::PractitionerRegistered(renamed));

    let refused = Err(DayRefusal::NotOffered(Rule::PractitionerActive));
    assert_eq!(day.book(1, 1, (9, 0), None), refused);
    assert_eq!(day.hold(1, 1, (9, 0), 7), refused);
    let another = decide_publish_slot(&day.day, &day.clinic, slot(2, (13, 0), (14, 0), 20), day.now);
    assert!(matches!(another, Err(DayRefusal::BadField(bad)) if bad.field == "agenda"));
    // What is there already stays as it was asked for, and staff may plan a last visit.
    assert_eq!(decide_publish_slot(&day.day, &day.clinic, slot(1, (9, 0), (10, 0), 20), day.now), Ok(vec![]));
    assert!(day.plan(1, wish((9, 0), (9, 20))).is_ok());

    let back = decide_reactivate_practitioner(&day.clinic, PRACTITIONER, None).unwrap();
    for event in back {
        happens(&mut day, event);
    }
    assert_eq!(decide_reactivate_practitioner(&day.clinic, PRACTITIONER, None), Ok(vec![]));
    assert!(day.book(1, 1, (9, 0), None).is_ok());
    let unknown = PractitionerId(uuid::Uuid::from_u128(99));
    let refused = ClinicRefusal::UnknownPractitioner(unknown);
    assert_eq!(decide_deactivate_practitioner(&day.clinic, unknown, None), Err(refused));
}
