//! Whom appointments are for: one person at a time, the typed contact never lost, and nothing of it needed to know what
//! is free.

use booking_domain::agenda_day::{AgendaDay, AgendaDayEvent};
use booking_domain::clinic::Clinic;
use booking_domain::ids::AppointmentId;
use booking_domain::patient::{Patient, Registration};
use booking_domain::stream::StreamName;
use booking_domain::values::Sex;
use booking_store::fold::decode;
use booking_tests::actors::{date, somebody, whereabouts};
use booking_tests::chance::Play;
use booking_tests::seeds::hold_for;
use booking_tests::{Home, oracle};
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn a_fold_without_any_key_gives_the_same_state() {
    hold_for("without keys", 300, 10_000, async |seed, home| {
        let mut play = Play::new(home, seed).await;
        play.go_on(40).await;
        // Another vault knows none of the clinic's keys.
        let other = Home::new(seed ^ 1).await;
        let blind = other.world_on(std::sync::Arc::clone(&play.world.log), seed);
        for ((agenda, day), _) in play.world.days().await {
            let seen = play.world.engine.day(agenda, day).await.unwrap();
            let unseen = blind.engine.day(agenda, day).await.unwrap();
            assert_eq!(seen.state, unseen.state);
        }
        let clinic = StreamName::clinic(play.world.clinic);
        assert_eq!(
            play.world.engine.rules(play.world.clinic).await.unwrap().state,
            blind.folded::<Clinic>(&clinic).await.state
        );
        for patient in &play.patients {
            let (survivor, record) = play.world.engine.survivor(patient.id).await.unwrap();
            let (again, same) = blind.engine.survivor(patient.id).await.unwrap();
            assert_eq!((survivor, &record.state), (again, &same.state));
        }
        other.close().await;
    });
}

#[test]
fn destroying_every_key_changes_no_answer_about_what_is_free() {
    hold_for("keys destroyed", 40, 1_000, async |seed, home| {
        let mut play = Play::new(home, seed).await;
        play.go_on(30).await;
        let before = play.world.days().await;
        let mut subjects: BTreeSet<_> = play.patients.iter().map(|p| p.id.into()).collect();
        subjects.extend(before.iter().flat_map(|(_, day)| day.appointments.values().map(|a| a.subject)));
        for subject in subjects {
            play.world.vault.destroy_subjects(play.world.clinic, &[subject], play.now()).await.unwrap();
        }
        play.world.restart();
        for ((agenda, day), state) in before {
            assert_eq!(play.world.engine.day(agenda, day).await.unwrap().state, state);
        }
    });
}

#[test]
fn nobody_is_attached_over_somebody_else_and_what_was_typed_stays_in_the_history() {
    hold_for("one patient", 300, 10_000, async |seed, home| {
        let mut play = Play::new(home, seed).await;
        play.go_on(80).await;
        let log = play.world.events().await;
        let days = oracle::days(&log);
        let faults = oracle::faults(&days);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        let mut typed: BTreeMap<AppointmentId, booking_domain::sealed::Sealed> = BTreeMap::new();
        for event in log.iter().filter(|e| e.stream.as_agenda_day().is_some()) {
            match decode::<AgendaDayEvent>(event).unwrap() {
                AgendaDayEvent::AppointmentBooked(e) => {
                    if let Some(contact) = e.booking.contact {
                        typed.insert(e.booking.appointment, contact);
                    } else {
                        assert!(e.booking.patient.is_some(), "an appointment is for somebody");
                    }
                }
                // A move carries what was typed along, to the byte.
                AgendaDayEvent::AppointmentMovedIn(e) => {
                    assert_eq!(e.booking.contact.as_ref(), typed.get(&e.booking.appointment));
                }
                _ => {}
            }
        }
        for (_, day) in play.world.days().await {
            for (id, appointment) in day.appointments.iter().filter(|(_, a)| a.moved_to.is_none()) {
                assert_eq!(appointment.has_contact, typed.contains_key(id));
                assert!(appointment.patient.is_some() || appointment.has_contact, "{id} is for nobody");
            }
        }
        merges_make_no_circle(&play).await;
    });
}

/// Every record leads to one survivor, and no two records lead to one another.
async fn merges_make_no_circle(play: &Play) {
    for patient in &play.patients {
        let (mut id, mut seen) = (patient.id, BTreeSet::new());
        while let Some(into) = play.world.folded::<Patient>(&StreamName::patient(id)).await.state.merged_into {
            assert!(seen.insert(id), "{id} leads to itself");
            id = into;
        }
        let (survivor, _) = play.world.engine.survivor(patient.id).await.unwrap();
        assert_eq!(survivor, id);
    }
}

#[test]
fn attaching_keeps_time_service_and_online_mark_and_may_be_undone_and_repeated() {
    hold_for("attach", 1, 1, async |seed, home| {
        let world = home.world(seed);
        let (desk, activity, service) = world.small_clinic(15).await;
        let day = date("2026-11-24");
        let draft = booking_tests::actors::draft(
            desk.agenda,
            day,
            booking_tests::actors::time("09:00"),
            booking_tests::actors::time("10:00"),
            activity,
        );
        let slot = world.publishes(draft).await;
        let place = world.place(desk.agenda, day, slot, 1).await;
        let visitor = world.welcomes_a_stranger().await;
        let at = whereabouts(&visitor.books(&world, place, service).await.unwrap());
        let one = world.registers(somebody("Zoé", date("1990-02-03"), Sex::Female), Registration::default()).await;
        let two = world.registers(somebody("Zoe", date("1990-02-03"), Sex::Female), Registration::default()).await;
        let appointment = |day: &AgendaDay| day.appointments[&at.appointment].clone();
        let before = appointment(&world.engine.day(at.agenda, at.date).await.unwrap().state);

        world.attaches(at, one.id).await.unwrap();
        assert!(world.attaches(at, two.id).await.is_err(), "a second patient is refused");
        let attached = appointment(&world.engine.day(at.agenda, at.date).await.unwrap().state);
        assert_eq!(attached.patient, Some(one.id));
        assert_eq!(
            (attached.placement, attached.booked_by, attached.admission, attached.subject, attached.has_contact),
            (before.placement, before.booked_by, before.admission, before.subject, true)
        );
        world.detaches(at).await.unwrap();
        world.attaches(at, two.id).await.unwrap();
        let patient = |day: &AgendaDay| day.appointments[&at.appointment].patient;
        assert_eq!(patient(&world.engine.day(at.agenda, at.date).await.unwrap().state), Some(two.id));
    });
}
