//! Holds a log to what no load, race or crash may bring about. It reads what is stored and believes nobody who wrote it.
//!
//! 1. The revisions of every stream are dense, positions grow, event ids are stored once.
//! 2. A command booked at most once.
//! 3. No two live appointments of an agenda overlap in what they occupy, unless one is marked as overridden; holds were
//!    honoured; an appointment lives in one place at most ([`crate::oracle`] finds these out without the domain's fold).
//! 4. Where nothing is under way any more, no appointment is lost between two days ([`adrift`]).

use crate::oracle;
use booking_domain::agenda_day::AgendaDayEvent;
use booking_domain::ids::{AppointmentId, CommandId};
use booking_domain::time::Span;
use booking_store::fold::{decode, metadata_of};
use booking_store::{EventStore, Position, Recorded, Revision};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Everything in a log, oldest first.
pub async fn events_of(log: &dyn EventStore) -> Vec<Recorded> {
    events_after(log, None).await
}

/// Everything in a log after a position.
pub async fn events_after(log: &dyn EventStore, position: Option<Position>) -> Vec<Recorded> {
    let (mut all, mut after) = (Vec::new(), position);
    loop {
        let page = log.read_all(after, 1_000).await.unwrap();
        all.extend(page.events);
        if page.end {
            return all;
        }
        after = page.next;
    }
}

/// The bookings of a log, each with the command that made it.
#[must_use]
pub fn bookings(log: &[Recorded]) -> Vec<(CommandId, booking_domain::agenda_day::AppointmentBooked)> {
    let booked = log.iter().filter(|e| e.event_type.starts_with("appointment-booked."));
    booked
        .filter_map(|event| match decode(event).unwrap() {
            AgendaDayEvent::AppointmentBooked(e) => Some((metadata_of(event).unwrap().command_id, e)),
            _ => None,
        })
        .collect()
}

/// What a log may never say, as far as this one says it.
#[must_use]
pub fn check_log(log: &[Recorded]) -> Vec<String> {
    let mut faults = order(log);
    let mut commands: HashMap<CommandId, usize> = HashMap::new();
    let mut appointments: HashMap<AppointmentId, usize> = HashMap::new();
    for (command, booked) in bookings(log) {
        *commands.entry(command).or_default() += 1;
        *appointments.entry(booked.booking.appointment).or_default() += 1;
    }
    let twice = |n: &usize| *n > 1;
    faults.extend(commands.iter().filter(|(_, n)| twice(n)).map(|(c, n)| format!("the command {c} booked {n} times")));
    faults.extend(appointments.iter().filter(|(_, n)| twice(n)).map(|(a, n)| format!("{a} was booked {n} times")));
    faults.extend(oracle::faults(&oracle::days(log)));
    faults
}

/// Revisions, positions and ids.
fn order(log: &[Recorded]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut next: HashMap<&str, Revision> = HashMap::new();
    let mut ids = HashSet::new();
    let mut last = None;
    for event in log {
        let expected = next.entry(event.stream.as_str()).or_default();
        if event.revision != *expected {
            faults.push(format!("{} has revision {} where {expected} was to come", event.stream, event.revision));
        }
        *expected = event.revision + 1;
        if last >= Some(event.position) {
            faults.push(format!("the position {} comes after {last:?}", event.position));
        }
        last = Some(event.position);
        if !ids.insert(event.id) {
            faults.push(format!("the event {} is stored twice", event.id));
        }
    }
    faults
}

/// Where the appointments of a settled log stand: the one place of each that is live.
#[must_use]
pub fn live(log: &[Recorded]) -> BTreeMap<AppointmentId, Span> {
    let days = oracle::days(log);
    let lives = days.values().flat_map(|day| &day.lives).filter(|(_, life)| life.live);
    lives.map(|(id, life)| (*id, life.placement.occupies)).collect()
}

/// Appointments that left one day and arrived at none, and promises that nobody keeps. In a log where nothing is under
/// way there are none.
#[must_use]
pub fn adrift(log: &[Recorded]) -> Vec<String> {
    let days = oracle::days(log);
    let lives = || days.values().flat_map(|day| &day.lives);
    let stands: HashSet<_> = lives().filter(|(_, life)| !life.left).map(|(id, _)| *id).collect();
    let lost = lives().filter(|(id, life)| life.left && !stands.contains(id));
    let mut adrift: Vec<String> = lost.map(|(id, _)| format!("{id} left its day and arrived nowhere")).collect();
    let promised = days.iter().flat_map(|((agenda, date), day)| day.promises.keys().map(move |id| (agenda, date, id)));
    adrift.extend(promised.map(|(agenda, date, id)| format!("{agenda} {date}: time is still promised to {id}")));
    adrift
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::{date, draft, time};
    use crate::world::Home;

    async fn history() -> Vec<Recorded> {
        let home = Home::new(1).await;
        let world = home.world(1);
        let (desk, activity, service) = world.small_clinic(15).await;
        let day = date("2026-11-25");
        let slot = world.publishes(draft(desk.agenda, day, time("09:00"), time("10:00"), activity)).await;
        for n in 0..2 {
            let place = world.place(desk.agenda, day, slot, n).await;
            let visitor = world.welcomes_a_stranger().await;
            visitor.books(&world, place, service).await.unwrap();
        }
        let events = world.events().await;
        home.close().await;
        events
    }

    #[tokio::test]
    async fn a_log_that_the_engine_wrote_has_no_faults() {
        let log = history().await;
        assert_eq!(check_log(&log), Vec::<String>::new());
        assert_eq!(adrift(&log), Vec::<String>::new());
        assert_eq!(live(&log).len(), 2);
    }

    #[tokio::test]
    async fn a_gap_a_repetition_and_a_second_booking_are_found() {
        let log = history().await;
        let last = log.len() - 1;

        let mut gap = log.clone();
        gap.remove(last - 1);
        assert!(check_log(&gap).iter().any(|f| f.contains("was to come")), "{:?}", check_log(&gap));

        let mut again = log.clone();
        let mut copy = log[last].clone();
        (copy.revision, copy.position) = (copy.revision + 1, Position(copy.position.0 + 1));
        again.push(copy);
        let faults = check_log(&again);
        for what in ["is stored twice", "booked 2 times", "is booked twice"] {
            assert!(faults.iter().any(|f| f.contains(what)), "{what}: {faults:?}");
        }
    }
}
