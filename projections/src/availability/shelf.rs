//! The snapshot that queries read: shared, immutable days under one lock that is held only to take or replace them.
//!
//! A reader locks for as long as it takes to copy one `Arc`; a writer replaces the few days of its page, made before. Whoever
//! holds a snapshot sees one moment of its clinic.

use super::DayRow;
use booking_domain::agenda_day::{DayOccupancy, Slot};
use booking_domain::ids::{AgendaId, ClinicId};
use booking_domain::time::{Instant, Span, WallDate};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

/// One day of one agenda, and what of it nobody has taken.
#[derive(Debug)]
pub(super) struct Day {
    pub(super) occupancy: DayOccupancy,
    /// Availabilities that no appointment and no promise takes; holds are not counted, they end by themselves.
    pub(super) open: u32,
    /// What is not gone for good, in the order of the slots: most of a day is, and queries need not look at it.
    left: Box<[Left]>,
}

/// An availability by its slot's place in the day and its number in the slot: a clinic may have a million.
#[derive(Clone, Copy, Debug)]
struct Left {
    slot: u32,
    number: u32,
}

impl Day {
    fn of(row: &DayRow) -> Self {
        let mut occupancy = row.occupancy.clone();
        occupancy.slots.shrink_to_fit();
        occupancy.taken.shrink_to_fit();
        occupancy.holds.shrink_to_fit();
        occupancy.promised.shrink_to_fit();
        let mut day = Self { left: left_of(&occupancy), open: 0, occupancy };
        day.open = u32::try_from(day.left_open(Instant::MIN).count()).unwrap_or(u32::MAX);
        day
    }

    /// Slot by slot, the availabilities that are not gone for good. Whoever shows one asks [`DayOccupancy::freedom`] about
    /// it: it may be held, or its slot withdrawn, which is something else for the visit that holds it.
    pub(super) fn left(&self) -> impl Iterator<Item = (&Slot, impl Iterator<Item = Span>)> {
        self.left.chunk_by(|a, b| a.slot == b.slot).filter_map(|of_slot| {
            let slot = self.occupancy.slots.get(usize::try_from(of_slot.first()?.slot).ok()?)?;
            Some((slot, of_slot.iter().map(move |left| slot.piece(i64::from(left.number)))))
        })
    }

    /// What starts after this moment and will be free: when every hold has ended, that is all that is left of slots that
    /// were not withdrawn.
    pub(super) fn left_open(&self, after: Instant) -> impl Iterator<Item = (&Slot, Span)> {
        let slots = self.left().filter(move |(slot, _)| !slot.withdrawn && slot.span.end > after);
        let pieces = slots.flat_map(|(slot, pieces)| pieces.map(move |piece| (slot, piece)));
        pieces.filter(move |(_, piece)| piece.start > after)
    }
}

fn left_of(occupancy: &DayOccupancy) -> Box<[Left]> {
    let mut left = Vec::new();
    for (slot, place) in occupancy.slots.iter().zip(0..) {
        let pieces = slot.availabilities().zip(0..);
        let pieces = pieces.filter(|(piece, _)| occupancy.gone(slot, *piece, None).is_none());
        left.extend(pieces.map(|(_, number)| Left { slot: place, number }));
    }
    left.into_boxed_slice()
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
        self.place(key, row.clinic, Day::of(row));
    }

    fn place(&mut self, key: (AgendaId, WallDate), clinic: ClinicId, day: Day) {
        let (agenda, date) = key;
        if day.occupancy.promised.is_empty() {
            self.promised.remove(&key);
        } else {
            self.promised.insert(key);
        }
        self.homes.insert(agenda, clinic);
        let days = Arc::make_mut(self.clinics.entry(clinic).or_default());
        let agendas = Arc::make_mut(days.entry(date).or_default());
        agendas.insert(agenda, Arc::new(day));
    }
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
        // Made before the lock: whoever asks for a page would wait for it.
        let days: Vec<_> = rows.iter().map(|(key, row)| (**key, row.clinic, Day::of(row))).collect();
        let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
        for (key, clinic, day) in days {
            world.place(key, clinic, day);
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

#[cfg(test)]
mod tests {
    use super::*;
    use booking_domain::agenda_day::{AgendaDayEvent, Freedom, Hold, Promised, SlotFacts, SlotPublished, Taken};
    use booking_domain::clinic::PublicationOverride;
    use booking_domain::ids::{AppointmentId, CommandId, HoldId, PractitionerId, SlotId, VisitId};
    use booking_domain::time::WallTime;
    use booking_domain::values::{Origin, Stamp};
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};

    /// Minutes of the day in which everything happens, and of which some is past and some is not.
    const DAY: i64 = 300;
    type Free = Vec<(SlotId, Span, Freedom)>;

    fn at(minute: i64) -> Instant {
        Instant(1_800_000_000_000_000).plus_minutes(minute)
    }

    fn span() -> impl Strategy<Value = Span> {
        (0..DAY / 5, 1..9_i64).prop_map(|(start, length)| Span::minutes(at(start * 5), length * 5))
    }

    fn visit(n: u8) -> Option<VisitId> {
        (n > 0).then(|| VisitId::from_bytes([n; 16]))
    }

    /// A slot, whether it was withdrawn, and which of its pieces were discarded.
    fn slot(n: u8, (span, interval, withdrawn, removed): (Span, u16, bool, u16)) -> Slot {
        let facts = SlotFacts {
            start: WallTime(0),
            end: WallTime(0),
            span: Span { end: span.start.plus_minutes(span.len_minutes() * 4), ..span },
            activity: None,
            title: None,
            interval_minutes: interval,
            modality: None,
            publication: PublicationOverride::None,
        };
        let published = AgendaDayEvent::SlotPublished(SlotPublished {
            slot: SlotId::from_bytes([n; 16]),
            clinic: ClinicId::from_bytes([1; 16]),
            agenda: AgendaId::from_bytes([1; 16]),
            practitioner: PractitionerId::from_bytes([1; 16]),
            date: WallDate(20_000),
            origin: Origin::Manual,
            template: None,
            recurrence: None,
            bulk: None,
            facts,
        });
        let mut day = DayOccupancy::default();
        day.evolve(&published, Stamp { revision: 0, occurred_at: at(0) });
        let mut slot = day.slots.remove(0);
        slot.withdrawn = withdrawn;
        let pieces = slot.availabilities().zip(0..16).filter(|(_, n)| removed & 1 << n != 0);
        slot.removed = pieces.map(|(piece, _)| piece.start).collect();
        slot
    }

    /// A hold of a whole availability, if there are any; else of any time.
    fn hold(
        day: &DayOccupancy,
        (which, piece, anywhere, span, of, until): (usize, usize, bool, Span, u8, i64),
    ) -> Hold {
        let slot = day.slots.get(which % day.slots.len().max(1));
        let held = slot.and_then(|slot| Some((slot.id, slot.availabilities().nth(piece)?)));
        let (slot, span) = held.filter(|_| !anywhere).unwrap_or((SlotId::from_bytes([99; 16]), span));
        Hold {
            id: HoldId::from_bytes([1; 16]),
            visit: VisitId::from_bytes([of; 16]),
            slot,
            span,
            placed_at: at(until - 5),
            expires_at: at(until),
            extensions: 0,
        }
    }

    fn day() -> impl Strategy<Value = DayOccupancy> {
        // Most slots keep most of their pieces, or nothing would be left to be wrong about.
        let removed = prop_oneof![3 => Just(0), 1 => any::<u16>()];
        let slots = prop::collection::vec((span(), 0..35_u16, any::<bool>(), removed), 0..4);
        let (taken, promised) = (prop::collection::vec(span(), 0..5), prop::collection::vec(span(), 0..3));
        let drawn = (0..4_usize, 0..8_usize, prop::bool::weighted(0.2), span(), 1..3_u8, -10..DAY + 10);
        let holds = prop::collection::vec(drawn, 0..5);
        (slots, taken, promised, holds).prop_map(|(slots, taken, promised, holds)| {
            let of_nobody = AppointmentId::from_bytes([7; 16]);
            let mut day = DayOccupancy {
                slots: (0..).zip(slots).map(|(n, drawn)| slot(n, drawn)).collect(),
                taken: taken.into_iter().map(|span| Taken { appointment: of_nobody, span }).collect(),
                ..DayOccupancy::default()
            };
            let movement = CommandId::from_bytes([8; 16]);
            let promise = |span| Promised { appointment: of_nobody, movement, span };
            day.promised = promised.into_iter().map(promise).collect();
            day.holds = holds.into_iter().map(|drawn| hold(&day, drawn)).collect();
            day
        })
    }

    fn made(occupancy: DayOccupancy) -> Day {
        Day::of(&DayRow { clinic: ClinicId::from_bytes([1; 16]), occupancy })
    }

    fn asked<'a>(
        occupancy: &DayOccupancy,
        pieces: impl Iterator<Item = (&'a Slot, Span)>,
        visit: Option<VisitId>,
        now: Instant,
    ) -> Free {
        let judged = pieces.map(|(slot, piece)| (slot.id, piece, occupancy.freedom(slot, piece, visit, None, now)));
        judged.filter(|(_, _, freedom)| !matches!(freedom, Freedom::Blocked(_))).collect()
    }

    /// What is free for a visit at a moment: by what is left of the day, and by a walk over every piece of it.
    fn both(day: &Day, visit: Option<VisitId>, now: Instant) -> (Free, Free) {
        let left = day.left().flat_map(|(slot, pieces)| pieces.map(move |piece| (slot, piece)));
        let every = day.occupancy.slots.iter().flat_map(|s| s.availabilities().map(move |piece| (s, piece)));
        (asked(&day.occupancy, left, visit, now), asked(&day.occupancy, every, visit, now))
    }

    /// The moments, the visits that hold something, another, and nobody.
    fn looks() -> impl Strategy<Value = (Option<VisitId>, Instant)> {
        (0..4_u8, -20..DAY + 20).prop_map(|(n, minute)| (visit(n), at(minute)))
    }

    proptest! {
        #![proptest_config(Config::with_cases(2_000))]

        #[test]
        fn what_is_left_of_a_day_holds_all_that_is_free_for_anybody_ever((occupancy, (visit, now)) in (day(), looks())) {
            let day = made(occupancy);
            let (left, every) = both(&day, visit, now);
            prop_assert_eq!(left, every);
            let pieces = day.left().flat_map(|(slot, pieces)| pieces.map(move |piece| (slot, piece)));
            for (slot, piece) in pieces {
                prop_assert_eq!(day.occupancy.gone(slot, piece, None), None);
            }
            let end_of_holds = Instant(i64::MAX);
            let every = day.occupancy.slots.iter().flat_map(|s| s.availabilities().map(move |piece| (s, piece)));
            let open = asked(&day.occupancy, every, None, end_of_holds);
            prop_assert_eq!(day.open as usize, open.len());
            let ahead: Vec<_> = day.left_open(now).map(|(slot, piece)| (slot.id, piece, Freedom::Free)).collect();
            prop_assert_eq!(ahead, open.into_iter().filter(|(_, piece, _)| piece.start > now).collect::<Free>());
        }
    }

    /// Whether the property above finds days whose list leaves out what `keep` does not keep.
    fn is_found(keep: fn(&DayOccupancy, &Slot, Span) -> bool) -> bool {
        let config = Config { failure_persistence: None, max_shrink_iters: 0, ..Config::with_cases(2_000) };
        let found = TestRunner::new(config).run(&(day(), looks()), |(occupancy, (visit, now))| {
            let mut day = made(occupancy);
            let kept = day.left.iter().filter(|left| {
                let slot = &day.occupancy.slots[left.slot as usize];
                keep(&day.occupancy, slot, slot.piece(i64::from(left.number)))
            });
            day.left = kept.copied().collect();
            let (left, every) = both(&day, visit, now);
            prop_assert_eq!(left, every);
            Ok(())
        });
        found.is_err()
    }

    #[test]
    fn a_list_without_what_was_withdrawn_or_is_held_is_found_out() {
        assert!(!is_found(|_, _, _| true));
        assert!(is_found(|_, slot, _| !slot.withdrawn), "withdrawn, but held by whoever asks");
        assert!(is_found(|day, _, piece| !day.holds.iter().any(|hold| hold.span.overlaps(piece))), "held, for a while");
        assert!(is_found(|_, slot, piece| piece.start > slot.span.start), "the first of a slot");
    }
}
