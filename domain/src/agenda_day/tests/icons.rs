//! Which icon stands on an availability, and when it changes.

use super::*;

fn icon(day: &History, n: u128) -> Cloud {
    let slot = day.day.occupancy.slot(slot_id(n)).unwrap();
    cloud(&day.clinic, slot, slot.availabilities().next().unwrap(), day.now).0
}

#[test]
fn the_icon_is_a_clock_one_second_before_the_publication_and_a_cloud_at_it() {
    let mut day = given([slot(1, (9, 0), (10, 0), 20)]);
    let publish_at = at(8, 0);
    day.clinic.services.get_mut(&SERVICE).unwrap().config.publication = PublicationRule::MinutesBefore(60);
    day.now = publish_at.plus_seconds(-1);
    assert_eq!(icon(&day, 1), Cloud::Scheduled(publish_at));
    assert_eq!(day.book(1, 1, (9, 0), None), Err(DayRefusal::NotOffered(Rule::Published)));
    day.now = publish_at;
    assert_eq!(icon(&day, 1), Cloud::Published);
    assert!(day.book(1, 1, (9, 0), None).is_ok());
}

#[test]
fn a_recurring_slot_has_no_icon_and_cannot_be_booked_online() {
    let mut day = given([SlotPublished { origin: Origin::Recurrence, ..slot(1, (9, 0), (10, 0), 20) }]);
    assert_eq!(icon(&day, 1), Cloud::None);
    assert_eq!(day.book(1, 1, (9, 0), None), Err(DayRefusal::NotOffered(Rule::Origin)));
    day.clinic.settings.offer_recurring_online = true;
    assert!(day.book(1, 1, (9, 0), None).is_ok());
}

#[test]
fn past_the_minimum_notice_there_is_no_cloud() {
    let mut day = given([slot(1, (9, 0), (10, 0), 20)]);
    day.clinic.settings.min_notice_minutes = 60;
    day.now = at(8, 0);
    assert_eq!(icon(&day, 1), Cloud::Published);
    day.now = at(8, 0).plus_seconds(1);
    assert_eq!(icon(&day, 1), Cloud::None);
}

#[test]
fn a_release_two_calendar_days_before_at_eight_is_on_the_clinics_wall() {
    let mut day = given([slot(1, (9, 0), (10, 0), 20)]);
    let eight = WallTime::hm(8, 0).unwrap();
    let rule = PublicationRule::DaysBefore { days: 2, at: eight };
    day.clinic.services.get_mut(&SERVICE).unwrap().config.publication = rule;
    let expected = resolve(DATE.plus_days(-2), eight, Tz::America__Toronto).first_or_next();
    day.now = expected.plus_seconds(-1);
    assert_eq!(icon(&day, 1), Cloud::Scheduled(expected));
}
