//! What visits, sources and clinics hold and took, and what the next one asks for.
//!
//! Three limits stand one above the other (8.9):
//!
//! - a visit holds one availability at a time, and places ten holds in all;
//! - a source holds at most the larger of two and 2 % of a clinic's open availabilities. It may book beyond that (and
//!   beyond four), for work that grows fourfold with each;
//! - what was taken from a clinic in the last ten minutes without a proven contact makes the next one dearer for
//!   everybody: nothing at first, then work, then much work ([`Levels::price`]). A returned code stands for the work.
//!
//! A taking is admitted and counted in one step, before its command runs, so that a hundred at once count a hundred. The
//! [`Ticket`] takes it back if the command comes to nothing. Holds are known by their visit, so that one that is
//! extended, exchanged or given back from elsewhere stays with the source that placed it.

#[cfg(test)]
mod tests;

use super::Source;
use crate::http::wire::HoldRef;
use crate::http::work::{Levels, Solved};
use booking_domain::ids::{ClinicId, VisitId};
use booking_domain::time::Instant;
use booking_engine::Place;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Holds that one visit may place in all.
const HOLDS_PER_VISIT: u32 = 10;
/// How long a taking makes the next ones dearer.
const WINDOW_MINUTES: i64 = 10;
/// How long a booking counts for its source.
const SOURCE_MINUTES: i64 = 60;
/// How long a command that was admitted may take before it counts for nothing.
const ADMITTED_MINUTES: i64 = 1;
/// How long a visit is remembered after its last taking: longer than it lasts.
const VISIT_MINUTES: i64 = crate::http::portal::visits::VISIT_MINUTES;

/// What a visit wants to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taking {
    /// Hold an availability.
    Hold(Place),
    /// Keep the hold that it has.
    Keep(HoldRef),
    /// Book an availability.
    Book(Place),
}

/// Who wants to take what.
#[derive(Clone, Copy, Debug)]
pub struct Asks {
    /// The clinic.
    pub clinic: ClinicId,
    /// The visit.
    pub visit: VisitId,
    /// Where it comes from.
    pub source: Source,
    /// What it wants; none: it asks what the next one costs.
    pub taking: Option<Taking>,
    /// It returned a code, which stands for the work.
    pub proven: bool,
    /// Availabilities that are open now.
    pub open: usize,
    /// The work that it brought for its next step.
    pub solved: Solved,
}

/// Why it may not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The visit or its source holds as many as it may.
    Budget,
    /// So many tries are asked for first.
    Work(u64),
}

/// What a visit holds.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// The hold.
    pub hold: HoldRef,
    /// What is held.
    pub place: Place,
    /// Its end.
    pub until: Instant,
}

#[derive(Default)]
struct OfVisit {
    placed: u32,
    /// Takings that were paid for with work: the next work is for the next step.
    step: u32,
    held: Option<(Held, Source)>,
    last: Instant,
}

#[derive(Default)]
struct OfSource {
    holds: HashMap<VisitId, Instant>,
    booked: BTreeMap<u64, Instant>,
}

/// Takings without a proven contact.
#[derive(Default)]
struct OfClinic {
    held: HashMap<VisitId, Instant>,
    booked: BTreeMap<u64, Instant>,
}

#[derive(Default)]
struct State {
    visits: HashMap<VisitId, OfVisit>,
    sources: HashMap<(ClinicId, Source), OfSource>,
    clinics: HashMap<ClinicId, OfClinic>,
    serial: u64,
}

impl OfSource {
    fn forget_old(&mut self, now: Instant) {
        self.holds.retain(|_, until| *until > now);
        self.booked.retain(|_, until| *until > now);
    }
}

impl OfClinic {
    fn forget_old(&mut self, now: Instant) {
        self.held.retain(|_, until| *until > now);
        self.booked.retain(|_, until| *until > now);
    }
}

impl State {
    /// One more of the holds that a visit may place.
    fn count_hold(&mut self, asks: &Asks, holds: bool, now: Instant) {
        if holds {
            let visit = self.visits.entry(asks.visit).or_default();
            visit.last = now;
            visit.placed += 1;
        }
    }

    /// The visit's hold is over: it counts for nobody any more.
    fn give_back(&mut self, clinic: ClinicId, visit: VisitId) {
        let held = self.visits.get_mut(&visit).and_then(|known| known.held.take());
        if let Some((_, source)) = held
            && let Some(source) = self.sources.get_mut(&(clinic, source))
        {
            source.holds.remove(&visit);
        }
        if let Some(clinic) = self.clinics.get_mut(&clinic) {
            clinic.held.remove(&visit);
        }
    }
}

/// What visits, sources and clinics of this process hold.
pub struct Holdings {
    enforced: bool,
    levels: Levels,
    state: Mutex<State>,
}

impl Holdings {
    pub(super) fn new(enforced: bool, levels: Levels) -> Self {
        Self { enforced, levels, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What work is like here.
    pub const fn levels(&self) -> &Levels {
        &self.levels
    }

    /// What the visit holds now.
    pub fn live(&self, visit: VisitId, now: Instant) -> Option<Held> {
        self.state().visits.get(&visit)?.held.map(|(held, _)| held).filter(|held| held.until > now)
    }

    /// The step that the visit's next work is for.
    pub fn step(&self, visit: VisitId) -> u32 {
        self.state().visits.get(&visit).map_or(0, |known| known.step)
    }

    /// What a taking would cost now, in tries; 0: nothing.
    pub fn price(&self, asks: &Asks, now: Instant) -> u64 {
        if self.enforced { self.price_of(&mut self.state(), asks, now) } else { 0 }
    }

    fn price_of(&self, state: &mut State, asks: &Asks, now: Instant) -> u64 {
        let own = state.visits.get(&asks.visit).and_then(|known| known.held.as_ref().map(|(held, _)| *held));
        let own = own.filter(|held| held.until > now);
        let paid_for = match asks.taking {
            Some(Taking::Hold(place) | Taking::Book(place)) => own.is_some_and(|held| held.place == place),
            Some(Taking::Keep(_)) | None => false,
        };
        if asks.proven || paid_for {
            return 0;
        }
        let clinic = state.clinics.entry(asks.clinic).or_default();
        clinic.forget_old(now);
        let before = clinic.held.len() + clinic.booked.len() - usize::from(clinic.held.contains_key(&asks.visit));
        let of_clinic = self.levels.price(before, asks.open);
        if !matches!(asks.taking, Some(Taking::Book(_))) {
            return of_clinic;
        }
        let source = state.sources.entry((asks.clinic, asks.source)).or_default();
        source.forget_old(now);
        let has = source.booked.len() + source.holds.keys().filter(|visit| **visit != asks.visit).count();
        of_clinic.max(self.levels.price_of_source((has + 1).saturating_sub(share(asks.open).max(HOUSEHOLD))))
    }

    /// Admits a taking and counts it; the ticket says what became of it.
    pub fn admit(&self, asks: Asks, now: Instant) -> Result<Ticket<'_>, Refused> {
        let mut state = self.state();
        let (placed, own) = state.visits.get(&asks.visit).map_or((0, None), |known| (known.placed, known.held));
        let own = own.filter(|(held, _)| held.until > now);
        let again =
            matches!(asks.taking, Some(Taking::Hold(place)) if own.is_some_and(|(held, _)| held.place == place));
        let holds = matches!(asks.taking, Some(Taking::Hold(_))) && !again;
        if holds && placed >= HOLDS_PER_VISIT {
            return Err(Refused::Budget);
        }
        let mut undo = Undo { placed: holds, ..Undo::default() };
        if !self.enforced {
            state.count_hold(&asks, holds, now);
            return Ok(Ticket { holdings: self, asks, now, undo });
        }
        // Whatever is placed now counts for whoever placed it, also if it is exchanged from elsewhere.
        let source = own.map_or(asks.source, |(_, source)| source);
        if holds {
            let of_source = state.sources.entry((asks.clinic, source)).or_default();
            of_source.forget_old(now);
            let others = of_source.holds.keys().filter(|visit| **visit != asks.visit).count();
            if others >= share(asks.open) {
                return Err(Refused::Budget);
            }
        }
        let price = self.price_of(&mut state, &asks, now);
        if !asks.solved.pays(price) {
            return Err(Refused::Work(price));
        }
        state.count_hold(&asks, holds, now);
        if price > 0 {
            let visit = state.visits.entry(asks.visit).or_default();
            visit.last = now;
            visit.step += 1;
            undo.step = Some(visit.step);
        }
        match asks.taking {
            Some(Taking::Hold(_)) if own.is_none() => {
                let soon = now.plus_minutes(ADMITTED_MINUTES);
                state.sources.entry((asks.clinic, source)).or_default().holds.insert(asks.visit, soon);
                if !asks.proven {
                    state.clinics.entry(asks.clinic).or_default().held.insert(asks.visit, soon);
                }
                undo.hold = true;
            }
            Some(Taking::Book(place)) if own.is_none_or(|(held, _)| held.place != place) => {
                state.serial += 1;
                let serial = state.serial;
                let of_source = state.sources.entry((asks.clinic, asks.source)).or_default();
                of_source.booked.insert(serial, now.plus_minutes(SOURCE_MINUTES));
                if !asks.proven {
                    let of_clinic = state.clinics.entry(asks.clinic).or_default();
                    of_clinic.booked.insert(serial, now.plus_minutes(WINDOW_MINUTES));
                }
                undo.booking = Some(serial);
            }
            _ => {}
        }
        Ok(Ticket { holdings: self, asks, now, undo })
    }

    /// A hold was given back.
    pub fn released(&self, clinic: ClinicId, visit: VisitId, hold: HoldRef) {
        let mut state = self.state();
        let own = state.visits.get(&visit).and_then(|known| known.held);
        if own.is_some_and(|(held, _)| held.hold == hold) {
            state.give_back(clinic, visit);
        }
    }

    /// Forgets what no longer limits anybody.
    pub fn forget_old(&self, now: Instant) {
        let mut state = self.state();
        state.visits.retain(|_, visit| {
            let held = visit.held.is_some_and(|(held, _)| held.until > now);
            held || now < visit.last.plus_minutes(VISIT_MINUTES)
        });
        state.sources.retain(|_, source| {
            source.forget_old(now);
            !(source.holds.is_empty() && source.booked.is_empty())
        });
        state.clinics.retain(|_, clinic| {
            clinic.forget_old(now);
            !(clinic.held.is_empty() && clinic.booked.is_empty())
        });
    }
}

/// How many a source may hold and book before a booking costs it more: a household.
const HOUSEHOLD: usize = 4;

/// How many availabilities one source may hold of so many that are open (8.9).
fn share(open: usize) -> usize {
    (open / 50).max(2)
}

/// What has to be taken back if a command comes to nothing.
#[derive(Default)]
struct Undo {
    placed: bool,
    step: Option<u32>,
    hold: bool,
    booking: Option<u64>,
}

/// A taking that was admitted. Dropped, it was none.
#[must_use]
pub struct Ticket<'a> {
    holdings: &'a Holdings,
    asks: Asks,
    now: Instant,
    undo: Undo,
}

impl Ticket<'_> {
    /// The visit holds this now; answers the hold that it takes the place of.
    pub fn held(mut self, held: Held, now: Instant) -> Option<HoldRef> {
        let undo = std::mem::take(&mut self.undo);
        let (Asks { clinic, visit, source, proven, .. }, mut state) = (self.asks, self.holdings.state());
        let known = state.visits.entry(visit).or_default();
        known.last = now;
        let before = known.held.filter(|(before, _)| before.until > now);
        let source = before.map_or(source, |(_, source)| source);
        let same = before.is_some_and(|(before, _)| before.hold == held.hold);
        known.held = Some((held, source));
        if self.holdings.enforced && (undo.hold || !same) {
            state.sources.entry((clinic, source)).or_default().holds.insert(visit, held.until);
            if !proven {
                let until = held.until.max(now.plus_minutes(WINDOW_MINUTES));
                state.clinics.entry(clinic).or_default().held.insert(visit, until);
            }
        }
        before.filter(|_| !same).map(|(before, _)| before.hold)
    }

    /// The visit keeps its hold until then.
    pub fn kept(mut self, until: Instant, now: Instant) {
        self.undo = Undo::default();
        let (Asks { clinic, visit, taking, proven, .. }, mut state) = (self.asks, self.holdings.state());
        let Some(known) = state.visits.get_mut(&visit) else { return };
        known.last = now;
        let Some((held, source)) = &mut known.held else { return };
        if taking != Some(Taking::Keep(held.hold)) {
            return;
        }
        held.until = until;
        let source = *source;
        state.sources.entry((clinic, source)).or_default().holds.insert(visit, until);
        if !proven {
            let until = until.max(now.plus_minutes(WINDOW_MINUTES));
            state.clinics.entry(clinic).or_default().held.insert(visit, until);
        }
    }

    /// The availability is booked; the hold on it, if it was held, is over.
    pub fn booked(mut self, now: Instant) {
        let counted = std::mem::take(&mut self.undo).booking.is_some();
        let (Asks { clinic, visit, taking, proven, .. }, mut state) = (self.asks, self.holdings.state());
        let Some((held, source)) = state.visits.get(&visit).and_then(|known| known.held) else { return };
        if taking != Some(Taking::Book(held.place)) {
            return;
        }
        state.give_back(clinic, visit);
        if counted || !self.holdings.enforced {
            return;
        }
        // What was held goes on to count as booked.
        state.serial += 1;
        let serial = state.serial;
        let of_source = state.sources.entry((clinic, source)).or_default();
        of_source.booked.insert(serial, now.plus_minutes(SOURCE_MINUTES));
        if !proven {
            let of_clinic = state.clinics.entry(clinic).or_default();
            of_clinic.booked.insert(serial, now.plus_minutes(WINDOW_MINUTES));
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let Undo { placed, step, hold, booking } = std::mem::take(&mut self.undo);
        if !placed && step.is_none() && !hold && booking.is_none() {
            return;
        }
        let (Asks { clinic, visit, source, .. }, now) = (self.asks, self.now);
        let mut state = self.holdings.state();
        let mut holds = hold;
        if let Some(known) = state.visits.get_mut(&visit) {
            known.placed = known.placed.saturating_sub(u32::from(placed));
            if step == Some(known.step) {
                known.step -= 1;
            }
            // Another request of the visit may have placed a hold meanwhile: that one goes on to count.
            holds &= known.held.is_none_or(|(held, _)| held.until <= now);
        }
        if let Some(known) = state.sources.get_mut(&(clinic, source)) {
            booking.map(|serial| known.booked.remove(&serial));
            holds.then(|| known.holds.remove(&visit));
        }
        if let Some(known) = state.clinics.get_mut(&clinic) {
            booking.map(|serial| known.booked.remove(&serial));
            holds.then(|| known.held.remove(&visit));
        }
    }
}
