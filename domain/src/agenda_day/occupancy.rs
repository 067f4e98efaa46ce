//! What is open, held, promised and taken on one day of one agenda.
//!
//! This is the part of the fold that decides whether an availability is free, and all that the
//! availability view keeps in memory. There is one fold of it and one question, [`DayOccupancy::freedom`]:
//! the portal and the command cannot disagree.

use super::{AgendaDayEvent, Placement, SlotFacts, SlotPublished, Source};
use crate::clinic::PublicationOverride;
use crate::ids::{
    ActivityId, AppointmentId, BulkId, CommandId, HoldId, PractitionerId, RecurrenceId, SlotId, TemplateId, VisitId,
};
use crate::time::{Instant, Span, WallDate, WallTime};
use crate::values::{Modality, Origin, Stamp};
use serde::{Deserialize, Serialize};

/// A slot as it is now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Slot {
    /// The slot.
    pub id: SlotId,
    /// The agenda's practitioner.
    pub practitioner: PractitionerId,
    /// Wall date of the day.
    pub date: WallDate,
    /// Wall time of the start.
    pub start: WallTime,
    /// Wall time of the end.
    pub end: WallTime,
    /// The same as instants.
    pub span: Span,
    /// Activity.
    pub activity: Option<ActivityId>,
    /// Title.
    pub title: Option<Box<str>>,
    /// Length of each availability, in minutes.
    pub interval_minutes: u16,
    /// How appointments in it take place; none: as the activity says.
    pub modality: Option<Modality>,
    /// Where it came from.
    pub origin: Origin,
    /// Its own publication moment.
    pub publication: PublicationOverride,
    /// The template that laid it down.
    pub template: Option<TemplateId>,
    /// The recurrence that it belongs to.
    pub recurrence: Option<RecurrenceId>,
    /// The bulk command that it belongs to.
    pub bulk: Option<BulkId>,
    /// Nothing of it is free any more.
    pub withdrawn: bool,
    /// Starts of availabilities that were discarded with their appointment.
    pub removed: Vec<Instant>,
    /// Revision that last touched it.
    pub touched: u64,
}

impl Slot {
    /// Its whole availabilities in order; a last piece shorter than the interval is not offered (3.6).
    pub fn availabilities(&self) -> impl Iterator<Item = Span> + '_ {
        (0..self.span.len_minutes() / self.step()).map(move |number| self.piece(number))
    }
    /// The piece of that number, counted from 0: an availability, if the slot has so many.
    #[must_use]
    pub fn piece(&self, number: i64) -> Span {
        let step = self.step();
        Span::minutes(self.span.start.plus_minutes(number * step), step)
    }
    /// Minutes from one availability to the next.
    fn step(&self) -> i64 {
        i64::from(self.interval_minutes.max(1))
    }
    /// The availability that starts at `start`.
    #[must_use]
    pub fn availability_at(&self, start: Instant) -> Option<Span> {
        let step = self.step();
        let from_start = start.since(self.span.start);
        let piece = Span::minutes(start, step);
        (from_start >= 0 && from_start % (step * 60_000_000) == 0 && self.span.contains(piece)).then_some(piece)
    }
}

/// Time that a live appointment occupies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Taken {
    /// The appointment.
    pub appointment: AppointmentId,
    /// What it occupies.
    pub span: Span,
}

/// Time promised to an appointment of another stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Promised {
    /// The appointment.
    pub appointment: AppointmentId,
    /// The command that moves it.
    pub movement: CommandId,
    /// What it will occupy.
    pub span: Span,
}

/// A hold; it counts for nothing from `expires_at` on, whether or not an event says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hold {
    /// The hold.
    pub id: HoldId,
    /// Whose it is.
    pub visit: VisitId,
    /// The slot of the availability.
    pub slot: SlotId,
    /// The availability's time.
    pub span: Span,
    /// When it was placed.
    pub placed_at: Instant,
    /// First instant at which it counts for nothing.
    pub expires_at: Instant,
    /// How often it was extended.
    pub extensions: u8,
}

/// Why an availability is not free.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blocked {
    /// The slot was withdrawn.
    Withdrawn,
    /// It was discarded with its appointment.
    Removed,
    /// An appointment occupies an overlapping time.
    Booked,
    /// Another visit holds an overlapping time until then.
    Held(Instant),
    /// An overlapping time is promised to a move.
    Promised,
}

/// Whether an availability is free for somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Freedom {
    /// Free for everybody.
    Free,
    /// Held by this very visit, since that instant.
    Own(Instant),
    /// Not free.
    Blocked(Blocked),
}

/// What is open, held, promised and taken.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct DayOccupancy {
    /// Slots, withdrawn ones too.
    pub slots: Vec<Slot>,
    /// What live appointments occupy.
    pub taken: Vec<Taken>,
    /// Holds, some perhaps past their end.
    pub holds: Vec<Hold>,
    /// Time promised to appointments of other streams.
    pub promised: Vec<Promised>,
    /// How often an availability of this day was held: bounds the stream (8.9).
    pub hold_events: u32,
}

impl DayOccupancy {
    /// The slot of that id.
    #[must_use]
    pub fn slot(&self, id: SlotId) -> Option<&Slot> {
        self.slots.iter().find(|s| s.id == id)
    }
    /// The live hold of that id.
    #[must_use]
    pub fn live_hold(&self, id: HoldId, now: Instant) -> Option<&Hold> {
        self.holds.iter().find(|h| h.id == id && h.expires_at > now)
    }
    /// How many availabilities the day's slots have in all.
    #[must_use]
    pub fn availability_count(&self) -> usize {
        self.slots.iter().filter(|s| !s.withdrawn).map(|s| s.availabilities().count()).sum()
    }

    /// Whether the availability `piece` of `slot` is free at `now` for `visit`; what `except` occupies counts as free.
    #[must_use]
    pub fn freedom(
        &self,
        slot: &Slot,
        piece: Span,
        visit: Option<VisitId>,
        except: Option<AppointmentId>,
        now: Instant,
    ) -> Freedom {
        if let Some(blocked) = self.gone(slot, piece, except) {
            return Freedom::Blocked(blocked);
        }
        let mut own = None;
        for hold in self.holds.iter().filter(|h| h.expires_at > now && h.span.overlaps(piece)) {
            if Some(hold.visit) != visit {
                return Freedom::Blocked(Blocked::Held(hold.expires_at));
            }
            if hold.slot == slot.id && hold.span == piece {
                own = Some(hold.placed_at);
            }
        }
        match own {
            // What is held stays as it is when the rest of the slot is withdrawn (8.27).
            Some(since) => Freedom::Own(since),
            None if slot.withdrawn => Freedom::Blocked(Blocked::Withdrawn),
            None => Freedom::Free,
        }
    }

    /// Why an availability is free for nobody, whoever asks and at whatever moment: it was discarded, or it is taken by or
    /// promised to another than `except`. Holds, and whether the slot was withdrawn, are asked after this.
    #[must_use]
    pub fn gone(&self, slot: &Slot, piece: Span, except: Option<AppointmentId>) -> Option<Blocked> {
        if slot.removed.contains(&piece.start) {
            return Some(Blocked::Removed);
        }
        self.time_blocked(piece, except)
    }

    /// Whether an appointment or a promise to another than `except` overlaps `span`.
    #[must_use]
    pub fn time_blocked(&self, span: Span, except: Option<AppointmentId>) -> Option<Blocked> {
        let other = |appointment, at: Span| Some(appointment) != except && at.overlaps(span);
        if self.taken.iter().any(|t| other(t.appointment, t.span)) {
            return Some(Blocked::Booked);
        }
        self.promised.iter().any(|p| other(p.appointment, p.span)).then_some(Blocked::Promised)
    }

    /// Whether a live hold of another visit overlaps `span`.
    #[must_use]
    pub fn time_held(&self, span: Span, visit: Option<VisitId>, now: Instant) -> Option<Blocked> {
        self.holds
            .iter()
            .find(|h| h.expires_at > now && Some(h.visit) != visit && h.span.overlaps(span))
            .map(|h| Blocked::Held(h.expires_at))
    }

    /// The fold; total, reads no clock.
    pub fn evolve(&mut self, event: &AgendaDayEvent, stamp: Stamp) {
        match event {
            AgendaDayEvent::SlotPublished(e) => self.slots.push(slot_of(e, stamp)),
            AgendaDayEvent::SlotAmended(e) => {
                if let Some(slot) = self.slots.iter_mut().find(|s| s.id == e.slot) {
                    set_facts(slot, &e.facts);
                    slot.touched = stamp.revision;
                }
            }
            AgendaDayEvent::SlotWithdrawn(e) => {
                if let Some(slot) = self.slots.iter_mut().find(|s| s.id == e.slot) {
                    slot.withdrawn = true;
                    slot.touched = stamp.revision;
                }
            }
            AgendaDayEvent::HoldPlaced(e) => {
                self.holds.retain(|h| h.expires_at > stamp.occurred_at && h.id != e.hold);
                self.hold_events = self.hold_events.saturating_add(1);
                self.holds.push(Hold {
                    id: e.hold,
                    visit: e.visit,
                    slot: e.slot,
                    span: e.span,
                    placed_at: e.placed_at,
                    expires_at: e.expires_at,
                    extensions: 0,
                });
            }
            AgendaDayEvent::HoldExtended(e) => {
                self.hold_events = self.hold_events.saturating_add(1);
                if let Some(hold) = self.holds.iter_mut().find(|h| h.id == e.hold) {
                    hold.expires_at = e.expires_at;
                    hold.extensions = hold.extensions.saturating_add(1);
                }
            }
            AgendaDayEvent::HoldReleased(e) => self.holds.retain(|h| h.id != e.hold),
            AgendaDayEvent::AppointmentBooked(e) => {
                if let Some(hold) = e.hold {
                    self.holds.retain(|h| h.id != hold);
                }
                self.take(e.booking.appointment, &e.placement);
            }
            AgendaDayEvent::AppointmentMoved(e) => {
                self.discard(&e.dropped);
                self.take(e.appointment, &e.placement);
            }
            AgendaDayEvent::MoveReserved(e) => {
                self.promised.retain(|p| p.appointment != e.appointment);
                let (movement, span) = (e.movement, e.placement.occupies);
                self.promised.push(Promised { appointment: e.appointment, movement, span });
            }
            // A late release never ends the promise of a newer attempt.
            AgendaDayEvent::MoveReleased(e) => {
                self.promised.retain(|p| (p.appointment, p.movement) != (e.appointment, e.movement));
            }
            AgendaDayEvent::AppointmentMovedIn(e) => {
                self.promised.retain(|p| p.appointment != e.booking.appointment);
                self.take(e.booking.appointment, &e.placement);
            }
            AgendaDayEvent::AppointmentMovedOut(e) => {
                self.discard(&e.dropped);
                self.free(e.appointment);
            }
            AgendaDayEvent::AppointmentCancelled(e) => {
                self.discard(&e.dropped);
                self.free(e.appointment);
            }
            AgendaDayEvent::PatientAttached(_)
            | AgendaDayEvent::PatientDetached(_)
            | AgendaDayEvent::MoveAbandoned(_)
            | AgendaDayEvent::AttendanceConfirmed(_)
            | AgendaDayEvent::PatientArrived(_)
            | AgendaDayEvent::AppointmentCompleted(_)
            | AgendaDayEvent::NoShowRecorded(_)
            | AgendaDayEvent::BookingAbandoned(_) => {}
        }
    }

    /// Discards availabilities for good, with the appointment that they stood behind.
    fn discard(&mut self, sources: &[Source]) {
        for source in sources {
            if let Some(slot) = self.slots.iter_mut().find(|s| s.id == source.slot)
                && !slot.removed.contains(&source.span.start)
            {
                slot.removed.push(source.span.start);
            }
        }
    }

    fn take(&mut self, appointment: AppointmentId, placement: &Placement) {
        self.free(appointment);
        self.taken.push(Taken { appointment, span: placement.occupies });
    }
    fn free(&mut self, appointment: AppointmentId) {
        self.taken.retain(|t| t.appointment != appointment);
    }
}

fn slot_of(e: &SlotPublished, stamp: Stamp) -> Slot {
    let mut slot = Slot {
        id: e.slot,
        practitioner: e.practitioner,
        date: e.date,
        start: WallTime(0),
        end: WallTime(0),
        span: Span::default(),
        activity: None,
        title: None,
        interval_minutes: 0,
        modality: None,
        origin: e.origin,
        publication: PublicationOverride::None,
        template: e.template,
        recurrence: e.recurrence,
        bulk: e.bulk,
        withdrawn: false,
        removed: Vec::new(),
        touched: stamp.revision,
    };
    set_facts(&mut slot, &e.facts);
    slot
}

fn set_facts(slot: &mut Slot, facts: &SlotFacts) {
    slot.start = facts.start;
    slot.end = facts.end;
    slot.span = facts.span;
    slot.activity = facts.activity;
    slot.title = facts.title.as_deref().map(Into::into);
    slot.interval_minutes = facts.interval_minutes;
    slot.modality = facts.modality;
    slot.publication = facts.publication;
}
