//! What a log means, found out event by event without the domain's own fold: the second opinion that properties
//! compare with. It holds plain lists and asks everything anew, slowly.

use booking_domain::agenda_day::{AgendaDayEvent, Blocked, Freedom, Placement, SlotFacts, Source};
use booking_domain::ids::{AgendaId, AppointmentId, HoldId, PatientId, SlotId, VisitId};
use booking_domain::time::{Instant, Span, WallDate};
use booking_store::Recorded;
use booking_store::fold::{decode, metadata_of};
use std::collections::BTreeMap;

/// A slot as the events say.
#[derive(Clone, Debug)]
pub struct OpenSlot {
    /// What it is now.
    pub facts: SlotFacts,
    /// It was withdrawn.
    pub withdrawn: bool,
    /// Starts of what was dropped.
    pub dropped: Vec<Instant>,
}

/// A hold as the events say.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// The hold.
    pub hold: HoldId,
    /// Whose.
    pub visit: VisitId,
    /// What of which slot.
    pub slot: SlotId,
    /// Its time.
    pub span: Span,
    /// Since when.
    pub since: Instant,
    /// Until when.
    pub until: Instant,
}

/// An appointment as the events say.
#[derive(Clone, Debug)]
pub struct Life {
    /// Where it stands.
    pub placement: Placement,
    /// It occupies its time.
    pub live: bool,
    /// It left this day.
    pub left: bool,
    /// The record that it is for.
    pub patient: Option<PatientId>,
    /// Provisional contact details were given when it was booked.
    pub contact: bool,
}

/// One agenda on one day.
#[derive(Clone, Default, Debug)]
pub struct Day {
    /// Slots.
    pub slots: BTreeMap<SlotId, OpenSlot>,
    /// Holds that no event has ended.
    pub holds: Vec<Held>,
    /// Promises to moves.
    pub promises: BTreeMap<AppointmentId, Placement>,
    /// Appointments.
    pub lives: BTreeMap<AppointmentId, Life>,
    /// What must never happen, and did.
    pub broken: Vec<String>,
}

impl Day {
    /// The availabilities of a slot, found out by adding up.
    #[must_use]
    pub fn pieces(facts: &SlotFacts) -> Vec<Span> {
        let (mut pieces, mut start) = (Vec::new(), facts.span.start);
        loop {
            let piece = Span { start, end: start.plus_minutes(i64::from(facts.interval_minutes)) };
            if piece.end > facts.span.end {
                return pieces;
            }
            pieces.push(piece);
            start = piece.end;
        }
    }

    /// Whether a piece of a slot is free for a visit, asked of appointments, promises and holds one by one.
    #[must_use]
    pub fn freedom(&self, slot: SlotId, piece: Span, visit: Option<VisitId>, now: Instant) -> Freedom {
        let open = &self.slots[&slot];
        if open.dropped.contains(&piece.start) {
            return Freedom::Blocked(Blocked::Removed);
        }
        if self.lives.values().any(|l| l.live && share(l.placement.occupies, piece)) {
            return Freedom::Blocked(Blocked::Booked);
        }
        if self.promises.values().any(|p| share(p.occupies, piece)) {
            return Freedom::Blocked(Blocked::Promised);
        }
        let live = || self.holds.iter().filter(|h| now < h.until && share(h.span, piece));
        if let Some(foreign) = live().find(|h| Some(h.visit) != visit) {
            return Freedom::Blocked(Blocked::Held(foreign.until));
        }
        match live().rfind(|h| h.slot == slot && h.span == piece) {
            Some(own) => Freedom::Own(own.since),
            None if open.withdrawn => Freedom::Blocked(Blocked::Withdrawn),
            None => Freedom::Free,
        }
    }

    fn drop_all(&mut self, sources: &[Source]) {
        for source in sources {
            if let Some(slot) = self.slots.get_mut(&source.slot) {
                slot.dropped.push(source.span.start);
            }
        }
    }

    /// Somebody takes or is promised time: nothing may stand in the way.
    fn occupies(
        &mut self,
        what: &str,
        id: AppointmentId,
        visit: Option<VisitId>,
        placement: &Placement,
        at: Instant,
        revision: u64,
    ) {
        let span = placement.occupies;
        let place = |p: &Placement| format!("{:?}..{:?}", p.occupies.start, p.occupies.end);
        let mut broken = Vec::new();
        for (other, life) in self.lives.iter().filter(|(other, life)| **other != id && life.live) {
            if share(life.placement.occupies, span) && !placement.overridden {
                broken.push(format!("overlaps the live appointment {other} at {}", place(&life.placement)));
            }
        }
        for (other, promised) in self.promises.iter().filter(|(other, _)| **other != id) {
            if share(promised.occupies, span) {
                broken.push(format!("overlaps what is promised to {other} at {}", place(promised)));
            }
        }
        for hold in &self.holds {
            if at < hold.until && Some(hold.visit) != visit && share(hold.span, span) {
                broken.push(format!("overlaps the live hold {} until {:?}", hold.hold, hold.until));
            }
        }
        let place = place(placement);
        self.broken.extend(broken.into_iter().map(|b| format!("revision {revision}: {what} {id} at {place} {b}")));
    }

    /// Takes in an event.
    pub fn take(&mut self, event: &AgendaDayEvent, at: Instant, revision: u64) {
        match event {
            AgendaDayEvent::SlotPublished(e) => {
                let slot = OpenSlot { facts: e.facts.clone(), withdrawn: false, dropped: vec![] };
                if self.slots.insert(e.slot, slot).is_some() {
                    self.broken.push(format!("revision {revision}: the slot {} is published twice", e.slot));
                }
            }
            AgendaDayEvent::SlotAmended(e) => self.slots.get_mut(&e.slot).unwrap().facts = e.facts.clone(),
            AgendaDayEvent::SlotWithdrawn(e) => self.slots.get_mut(&e.slot).unwrap().withdrawn = true,
            AgendaDayEvent::HoldPlaced(e) => {
                let free = self.freedom(e.slot, e.span, Some(e.visit), at);
                if free != Freedom::Free {
                    self.broken.push(format!("revision {revision}: holds what is {free:?}"));
                }
                let Self { holds, .. } = self;
                holds.push(Held {
                    hold: e.hold,
                    visit: e.visit,
                    slot: e.slot,
                    span: e.span,
                    since: e.placed_at,
                    until: e.expires_at,
                });
            }
            AgendaDayEvent::HoldExtended(e) => match self.holds.iter_mut().find(|h| h.hold == e.hold) {
                Some(hold) if at < hold.until => hold.until = e.expires_at,
                _ => self.broken.push(format!("revision {revision}: a hold that had ended is extended")),
            },
            AgendaDayEvent::HoldReleased(e) => self.holds.retain(|h| h.hold != e.hold),
            AgendaDayEvent::AppointmentBooked(e) => {
                let id = e.booking.appointment;
                if self.lives.contains_key(&id) {
                    self.broken.push(format!("revision {revision}: {id} is booked twice"));
                }
                self.occupies("books", id, e.booking.visit, &e.placement, at, revision);
                self.holds.retain(|h| Some(h.hold) != e.hold);
                let (patient, contact) = (e.booking.patient, e.booking.contact.is_some());
                self.lives
                    .insert(id, Life { placement: e.placement.clone(), live: true, left: false, patient, contact });
            }
            AgendaDayEvent::AppointmentMoved(e) => {
                self.occupies("moves", e.appointment, None, &e.placement, at, revision);
                self.drop_all(&e.dropped);
                let life = self.lives.get_mut(&e.appointment).unwrap();
                if !life.live {
                    self.broken.push(format!("revision {revision}: {} is moved and not live", e.appointment));
                }
                life.placement = e.placement.clone();
            }
            AgendaDayEvent::MoveReserved(e) => {
                self.occupies("reserves", e.appointment, None, &e.placement, at, revision);
                self.promises.insert(e.appointment, e.placement.clone());
            }
            AgendaDayEvent::MoveReleased(e) => drop(self.promises.remove(&e.appointment)),
            AgendaDayEvent::AppointmentMovedOut(e) => {
                self.drop_all(&e.dropped);
                let life = self.lives.get_mut(&e.appointment).unwrap();
                (life.live, life.left) = (false, true);
            }
            AgendaDayEvent::AppointmentMovedIn(e) => {
                let id = e.booking.appointment;
                if self.promises.remove(&id).as_ref() != Some(&e.placement) {
                    self.broken.push(format!("revision {revision}: {id} arrives at a time that was not promised"));
                }
                if self.lives.get(&id).is_some_and(|life| !life.left) {
                    self.broken.push(format!("revision {revision}: {id} arrives where it has been all along"));
                }
                self.occupies("arrives", id, None, &e.placement, at, revision);
                let (patient, contact) = (e.booking.patient, e.booking.contact.is_some());
                self.lives
                    .insert(id, Life { placement: e.placement.clone(), live: true, left: false, patient, contact });
            }
            AgendaDayEvent::AppointmentCancelled(e) => {
                self.drop_all(&e.dropped);
                let life = self.lives.get_mut(&e.appointment).unwrap();
                if !life.live {
                    self.broken.push(format!("revision {revision}: {} is cancelled and not live", e.appointment));
                }
                life.live = false;
            }
            AgendaDayEvent::PatientAttached(e) => {
                let life = self.lives.get_mut(&e.appointment).unwrap();
                if let Some(other) = life.patient.replace(e.patient) {
                    self.broken.push(format!("revision {revision}: {} is attached over {other}", e.patient));
                }
            }
            AgendaDayEvent::PatientDetached(e) => {
                let life = self.lives.get_mut(&e.appointment).unwrap();
                if life.patient.take().is_none() || !life.contact {
                    self.broken.push(format!("revision {revision}: nothing stands behind {}", e.appointment));
                }
            }
            AgendaDayEvent::MoveAbandoned(_)
            | AgendaDayEvent::AttendanceConfirmed(_)
            | AgendaDayEvent::PatientArrived(_)
            | AgendaDayEvent::AppointmentCompleted(_)
            | AgendaDayEvent::NoShowRecorded(_)
            | AgendaDayEvent::BookingAbandoned(_) => {}
        }
    }
}

/// Two stretches of time share an instant; written out anew on purpose.
#[must_use]
pub fn share(a: Span, b: Span) -> bool {
    a.start.0.max(b.start.0) < a.end.0.min(b.end.0)
}

/// Every agenda-day of a log.
#[must_use]
pub fn days(log: &[Recorded]) -> BTreeMap<(AgendaId, WallDate), Day> {
    let mut days: BTreeMap<_, Day> = BTreeMap::new();
    for event in log {
        let Some(key) = event.stream.as_agenda_day() else { continue };
        let at = metadata_of(event).unwrap().occurred_at;
        days.entry(key).or_default().take(&decode(event).unwrap(), at, event.revision);
    }
    days
}

/// What a log may never say: everything that is broken in it, and appointments that live in two places or nowhere.
#[must_use]
pub fn faults(days: &BTreeMap<(AgendaId, WallDate), Day>) -> Vec<String> {
    let mut faults: Vec<String> =
        days.iter().flat_map(|((a, d), day)| day.broken.iter().map(move |b| format!("{a} {d}: {b}"))).collect();
    let mut lives: BTreeMap<AppointmentId, usize> = BTreeMap::new();
    for (id, life) in days.values().flat_map(|d| &d.lives) {
        *lives.entry(*id).or_default() += usize::from(life.live);
    }
    faults.extend(lives.iter().filter(|(_, n)| **n > 1).map(|(id, n)| format!("{id} lives in {n} places")));
    for ((agenda, date), day) in days {
        let live: Vec<_> = day.lives.iter().filter(|(_, l)| l.live).collect();
        for (i, (a, one)) in live.iter().enumerate() {
            for (b, other) in &live[i + 1..] {
                let marked = one.placement.overridden || other.placement.overridden;
                if share(one.placement.occupies, other.placement.occupies) && !marked {
                    faults.push(format!("{agenda} {date}: {a} and {b} overlap, and neither is marked"));
                }
            }
        }
    }
    faults
}
