//! The snapshot that queries read: shared, immutable days under one lock that is held only to take or replace them.
//!
//! A reader locks for as long as it takes to copy one `Arc`; a writer replaces the few days of its page. Whoever
//! holds a snapshot sees one moment of its clinic.

use super::DayRow;
use booking_domain::agenda_day::{DayOccupancy, Freedom};
use booking_domain::ids::{AgendaId, ClinicId};
use booking_domain::time::{Instant, WallDate};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

/// One day of one agenda, and how much of it nobody has taken.
#[derive(Debug)]
pub(super) struct Day {
    pub(super) occupancy: DayOccupancy,
    /// Availabilities that no appointment and no promise takes; holds are not counted, they end by themselves.
    pub(super) open: u32,
}

/// The agendas of one day.
pub(super) type Agendas = BTreeMap<AgendaId, Arc<Day>>;

/// The days of one clinic.
pub(super) type Days = BTreeMap<WallDate, Arc<Agendas>>;

/// Everything that is in memory.
#[derive(Debug, Default)]
pub struct World {
    clinics: HashMap<ClinicId, Arc<Days>>,
    homes: HashMap<AgendaId, ClinicId>,
    promised: BTreeSet<(AgendaId, WallDate)>,
}

impl World {
    pub(super) fn put(&mut self, key: (AgendaId, WallDate), row: &DayRow) {
        let (agenda, date) = key;
        if row.occupancy.promised.is_empty() {
            self.promised.remove(&key);
        } else {
            self.promised.insert(key);
        }
        self.homes.insert(agenda, row.clinic);
        let mut occupancy = row.occupancy.clone();
        occupancy.slots.shrink_to_fit();
        occupancy.taken.shrink_to_fit();
        occupancy.holds.shrink_to_fit();
        occupancy.promised.shrink_to_fit();
        let open = open_of(&occupancy);
        let days = Arc::make_mut(self.clinics.entry(row.clinic).or_default());
        let agendas = Arc::make_mut(days.entry(date).or_default());
        agendas.insert(agenda, Arc::new(Day { occupancy, open }));
    }
}

/// Counts what neither appointments nor promises take; past the end of every hold.
fn open_of(occupancy: &DayOccupancy) -> u32 {
    let free = |slot| {
        let slot: &booking_domain::agenda_day::Slot = slot;
        let pieces = slot.availabilities();
        pieces.filter(|p| occupancy.freedom(slot, *p, None, None, Instant(i64::MAX)) == Freedom::Free).count()
    };
    u32::try_from(occupancy.slots.iter().map(free).sum::<usize>()).unwrap_or(u32::MAX)
}

/// The availability view.
#[derive(Debug, Default)]
pub struct Availability {
    world: RwLock<World>,
}

impl Availability {
    /// A view of these days alone, as when the past is asked.
    pub fn of(clinic: ClinicId, days: impl IntoIterator<Item = ((AgendaId, WallDate), DayOccupancy)>) -> Self {
        let mut world = World::default();
        for (key, occupancy) in days {
            world.put(key, &DayRow { clinic, occupancy });
        }
        Self { world: RwLock::new(world) }
    }

    /// The clinic's days as they are at this moment.
    pub(super) fn days(&self, clinic: ClinicId) -> Option<Arc<Days>> {
        self.world.read().unwrap_or_else(PoisonError::into_inner).clinics.get(&clinic).cloned()
    }

    pub(super) fn replace(&self, world: World) {
        // The old world is dropped after the lock.
        let _old = std::mem::replace(&mut *self.world.write().unwrap_or_else(PoisonError::into_inner), world);
    }

    pub(super) fn show(&self, rows: &[(&(AgendaId, WallDate), &DayRow)]) {
        let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
        for (key, row) in rows {
            world.put(**key, row);
        }
    }

    /// One day as it is at this moment.
    pub fn day(&self, agenda: AgendaId, date: WallDate) -> Option<DayOccupancy> {
        let clinic = *self.world.read().unwrap_or_else(PoisonError::into_inner).homes.get(&agenda)?;
        self.days(clinic)?.get(&date)?.get(&agenda).map(|day| day.occupancy.clone())
    }

    /// The days that promise time to a move: each has a move that may need to be finished or ended.
    pub fn promises(&self) -> Vec<(AgendaId, WallDate)> {
        self.world.read().unwrap_or_else(PoisonError::into_inner).promised.iter().copied().collect()
    }
}
