//! Histories of a day, told as given, when, then.

use super::*;
use crate::clinic::*;
use crate::ids::*;
use crate::time::{Instant, Span, Tz, WallDate, WallTime, resolve};
use crate::values::*;
use crate::visibility::{Cloud, Rule, ViewerFacts, cloud};

const DATE: WallDate = WallDate(20_781);
const PRACTITIONER: PractitionerId = PractitionerId(uuid::Uuid::from_u128(1));
const ACTIVITY: ActivityId = ActivityId(uuid::Uuid::from_u128(2));
const SERVICE: ServiceId = ServiceId(uuid::Uuid::from_u128(3));
const AGENDA: AgendaId = AgendaId(uuid::Uuid::from_u128(4));

fn at(hour: u16, minute: u16) -> Instant {
    resolve(DATE, WallTime::hm(hour, minute).unwrap(), Tz::America__Toronto).first_or_next()
}
fn span(from: (u16, u16), to: (u16, u16)) -> Span {
    Span { start: at(from.0, from.1), end: at(to.0, to.1) }
}
fn slot_id(n: u128) -> SlotId {
    SlotId(uuid::Uuid::from_u128(n))
}
fn visit(n: u128) -> VisitId {
    VisitId(uuid::Uuid::from_u128(n))
}
fn appointment(n: u128) -> AppointmentId {
    AppointmentId(uuid::Uuid::from_u128(n))
}

fn clinic() -> Clinic {
    let mut clinic = Clinic::default();
    let config = ServiceConfig {
        internal_name: "48h".into(),
        public_name: Localized::new("Consultation", "Visit"),
        activities: vec![ACTIVITY],
        ..ServiceConfig::default()
    };
    let events = [
        ClinicEvent::ClinicRegistered(ClinicRegistered {
            clinic: ClinicId::default(),
            name: "Clinique".into(),
            zone: "America/Toronto".into(),
            administrator: MemberId::default(),
        }),
        ClinicEvent::PortalActivated,
        ClinicEvent::ActivityDefined(ActivityDefined {
            activity: ACTIVITY,
            name: "suivi".into(),
            duration_minutes: 20,
            modality: Modality::InPerson,
        }),
        ClinicEvent::ServiceConfigured(ServiceConfigured { service: SERVICE, config }),
    ];
    for (event, revision) in events.iter().zip(0..) {
        clinic.evolve(event, Stamp { revision, occurred_at: Instant(0) });
    }
    clinic
}

/// A day with its history, a clinic, and a clock.
struct History {
    day: AgendaDay,
    clinic: Clinic,
    now: Instant,
    revision: u64,
}

fn given(slots: impl IntoIterator<Item = SlotPublished>) -> History {
    let mut day = History { day: AgendaDay::default(), clinic: clinic(), now: at(7, 0), revision: 0 };
    for slot in slots {
        let events = decide_publish_slot(&day.day, &day.clinic, slot, day.now).unwrap();
        day.take(events);
    }
    day
}

fn slot(n: u128, from: (u16, u16), to: (u16, u16), interval_minutes: u16) -> SlotPublished {
    SlotPublished {
        slot: slot_id(n),
        clinic: ClinicId::default(),
        agenda: AGENDA,
        practitioner: PRACTITIONER,
        date: DATE,
        origin: Origin::Manual,
        template: None,
        recurrence: None,
        bulk: None,
        facts: SlotFacts {
            start: WallTime::hm(from.0, from.1).unwrap(),
            end: WallTime::hm(to.0, to.1).unwrap(),
            span: span(from, to),
            activity: Some(ACTIVITY),
            title: None,
            interval_minutes,
            modality: None,
            publication: PublicationOverride::None,
        },
    }
}

fn booking(n: u128) -> Booking {
    Booking {
        appointment: appointment(n),
        clinic: ClinicId::default(),
        agenda: AGENDA,
        reference: "7K3QX29FMA".into(),
        link_hash: [0; 32],
        booked_by: BookedBy::PatientOnline,
        channel: None,
        patient: None,
        subject: SubjectId::default(),
        contact: Some(crate::sealed::Sealed {
            seal_id: [0; 16],
            key_version: 1,
            schema: 1,
            nonce: [0; 24],
            ciphertext: vec![],
        }),
        reason: None,
        visit: None,
        terms_accepted_at: None,
        language: Language::Fr,
        notify: true,
        activity: None,
        modality: Modality::InPerson,
        service_name: None,
        admission: None,
    }
}

impl History {
    fn take(&mut self, events: Vec<AgendaDayEvent>) {
        for event in events {
            self.day.evolve(&event, Stamp { revision: self.revision, occurred_at: self.now });
            self.revision += 1;
        }
    }
    #[track_caller]
    fn when(&mut self, decision: Result<Vec<AgendaDayEvent>, DayRefusal>) -> &mut Self {
        self.take(decision.unwrap());
        self
    }
    fn book(
        &self,
        n: u128,
        slot: u128,
        start: (u16, u16),
        by: Option<u128>,
    ) -> Result<Vec<AgendaDayEvent>, DayRefusal> {
        let selected = Selected { slot: slot_id(slot), start: at(start.0, start.1) };
        let viewer = ViewerFacts::unrecognized(by.map(visit));
        let command = BookOnline { booking: booking(n), service: SERVICE, selected, hold: None, viewer };
        decide_book_online(&self.day, &self.clinic, &command, self.now)
    }
    fn hold(&self, n: u128, slot: u128, start: (u16, u16), by: u128) -> Result<Vec<AgendaDayEvent>, DayRefusal> {
        let command = HoldAvailability {
            hold: HoldId(uuid::Uuid::from_u128(n)),
            visit: visit(by),
            service: SERVICE,
            slot: slot_id(slot),
            start: at(start.0, start.1),
            viewer: ViewerFacts::unrecognized(Some(visit(by))),
        };
        decide_hold(&self.day, &self.clinic, &command, self.now)
    }
    fn plan(&self, n: u128, wish: Wish) -> Result<Vec<AgendaDayEvent>, DayRefusal> {
        let booking = Booking { booked_by: BookedBy::Staff, ..booking(n) };
        decide_plan(&self.day, &self.clinic, PRACTITIONER, &booking, wish, self.now)
    }
    fn cancel(&self, n: u128, keep_availability: bool) -> Result<Vec<AgendaDayEvent>, DayRefusal> {
        let command = CancelAppointment {
            appointment: appointment(n),
            cancelled_at: self.now,
            by_patient: true,
            online: false,
            reason: None,
            keep_record: true,
            keep_availability,
        };
        decide_cancel(&self.day, &self.clinic, &command, None, self.now)
    }
    fn free(&self, slot: u128, start: (u16, u16)) -> bool {
        let slot = self.day.occupancy.slot(slot_id(slot)).unwrap();
        let piece = slot.availability_at(at(start.0, start.1)).unwrap();
        matches!(self.day.occupancy.freedom(slot, piece, None, None, self.now), Freedom::Free)
    }
}

fn wish(from: (u16, u16), to: (u16, u16)) -> Wish {
    Wish { date: DATE, span: span(from, to), selected: None, only_selected: false, overbook: false }
}

const TAKEN: DayRefusal = DayRefusal::Taken(Blocked::Booked);

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
