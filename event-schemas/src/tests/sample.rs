//! Values of every form: fixed ones for the golden files, random ones for the properties.

use crate::codec::{EventCodec, Upcast, describe, to_bytes};
use crate::events::DomainEvent;
use crate::forms::patient::RegistrationV1;
use crate::forms::rules::{CriterionV1, PractitionerFilterV1, PublicationOverrideV1, PublicationRuleV1};
use crate::primitives::{
    AgeUnitCode, Bytes, CriterionCode, FilterCode, PublicationOverrideCode, PublicationRuleCode, RegistrationCode,
};
use crate::wire::CodeDoc;
use std::collections::BTreeMap;

/// A code that no release knows; in the golden files it stands for all of them.
const UNKNOWN: u8 = 250;

/// Where the values come from.
enum Source {
    /// Nothing that may be missing is there; texts are empty.
    Empty,
    /// Everything is there; codes go round their lists, one past the end is unknown.
    Full,
    /// Everything is there once, numbers are the greatest, the least, or all ones.
    Edges,
    /// Random, from this seed on.
    Random,
}

/// Makes values, field by field.
pub struct Sampler {
    source: Source,
    field: &'static str,
    next: u64,
    rounds: Rounds,
}

/// How many values were drawn of each list, and how many it has with the unknown one. Handed on from case to case of a
/// type, so that together they show every code.
pub type Rounds = BTreeMap<&'static str, (usize, usize)>;

impl Sampler {
    /// Everything optional is missing.
    pub fn empty() -> Self {
        Self::from(Source::Empty, 0)
    }
    /// Everything is filled; lists of codes go on where `rounds` left off.
    pub fn full(rounds: Rounds) -> Self {
        Self { rounds, ..Self::from(Source::Full, 1) }
    }
    /// Everything is filled, with extremes.
    pub fn edges() -> Self {
        Self::from(Source::Edges, 1)
    }
    /// Random, the same for the same seed.
    pub fn random(seed: u64) -> Self {
        Self::from(Source::Random, seed)
    }
    fn from(source: Source, next: u64) -> Self {
        Self { source, field: "", next, rounds: Rounds::new() }
    }
    /// Where the lists of codes stand now.
    pub fn into_rounds(self) -> Rounds {
        self.rounds
    }

    /// A value for a field.
    pub fn field<T: Sample>(&mut self, name: &'static str) -> T {
        self.field = name;
        T::sample(self)
    }
    /// The next number: counted, or random (splitmix64).
    fn number(&mut self) -> u64 {
        let Source::Random = self.source else {
            self.next += 1;
            return self.next;
        };
        self.next = self.next.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.next ^ (self.next >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
    /// A number of at most so many bits; at random also of fewer, so that every length of a varint occurs.
    fn bits(&mut self, bits: u32, usual: u64) -> u64 {
        match self.source {
            Source::Empty => 0,
            Source::Full => usual + self.number(),
            Source::Edges => {
                let top = 1 << (bits - 1);
                [top - 1, top, u64::MAX][self.below(3)]
            }
            Source::Random => {
                let width = u32::try_from(self.number() % u64::from(bits + 1)).unwrap();
                self.number().checked_shr(64 - width).unwrap_or(0)
            }
        }
    }
    /// So many bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.number().to_le_bytes()[0])
    }
    /// A code of a list, or an unknown one.
    pub fn code(&mut self, list: &CodeDoc) -> u8 {
        let nth = self.round(list.name, list.codes.len() + 1);
        list.codes.get(nth).map_or(UNKNOWN, |code| code.0)
    }
    /// Which of so many cases, each in its turn.
    fn round(&mut self, list: &'static str, cases: usize) -> usize {
        match self.source {
            Source::Empty => 0,
            Source::Full => {
                let (drawn, _) = self.rounds.entry(list).or_insert((0, cases));
                *drawn += 1;
                (*drawn - 1) % cases
            }
            Source::Edges | Source::Random => self.below(cases),
        }
    }
    /// A number below.
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.number() % u64::try_from(limit).unwrap()).unwrap()
    }
    /// How many parts a list has.
    fn count(&mut self) -> usize {
        match self.source {
            Source::Empty => 0,
            Source::Full => 2,
            Source::Edges => 1,
            Source::Random => self.below(4),
        }
    }
}

/// A form, or a part of one, of which there are samples.
pub trait Sample {
    /// The next value.
    fn sample(s: &mut Sampler) -> Self;
}

macro_rules! numbers {
    ($($ty:ident $bits:literal $usual:literal)*) => {$(
        impl Sample for $ty {
            fn sample(s: &mut Sampler) -> Self {
                let bits = s.bits($bits, $usual).to_le_bytes();
                let mut own = [0; size_of::<$ty>()];
                own.copy_from_slice(&bits[..size_of::<$ty>()]);
                $ty::from_le_bytes(own)
            }
        }
    )*};
}
// The usual values look like what stands there mostly: minutes, dates of 2026, instants of 2026.
numbers! { u8 8 7  u16 16 480  u32 32 1440  u64 64 300  i32 32 20_780  i64 64 1_795_500_000_000_000 }

impl Sample for bool {
    fn sample(s: &mut Sampler) -> Self {
        s.count() > 1
    }
}

impl Sample for String {
    fn sample(s: &mut Sampler) -> Self {
        match s.source {
            Source::Empty => String::new(),
            Source::Full => {
                let number = s.number();
                format!("{} « n° {number} »", s.field)
            }
            Source::Edges => "\u{0}\"\\\u{7f}é漢😀".to_owned(),
            Source::Random => (0..s.count() * 3).map(|_| ['a', '\u{0}', '"', 'é', '漢', '😀'][s.below(6)]).collect(),
        }
    }
}

impl Sample for Bytes {
    fn sample(s: &mut Sampler) -> Self {
        let count = s.count() * 17;
        Self((0..count).map(|_| s.number().to_le_bytes()[0]).collect())
    }
}

impl<T: Sample> Sample for Option<T> {
    fn sample(s: &mut Sampler) -> Self {
        (s.count() > 0).then(|| T::sample(s))
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(s: &mut Sampler) -> Self {
        let count = s.count();
        (0..count).map(|_| T::sample(s)).collect()
    }
}

// Flattened enums: only what the code uses may be filled, else there would be two forms of one value.

impl Sample for CriterionV1 {
    fn sample(s: &mut Sampler) -> Self {
        let kind: CriterionCode = s.field("kind");
        let bare =
            Self { kind, unit: AgeUnitCode(0), min: None, max: None, sexes: Vec::new(), registrations: Vec::new() };
        match kind.0 {
            0 => Self { unit: s.field("unit"), min: s.field("min"), max: s.field("max"), ..bare },
            1 => Self { sexes: s.field("sexes"), ..bare },
            2 => Self { registrations: s.field("registrations"), ..bare },
            _ => bare,
        }
    }
}

impl Sample for PractitionerFilterV1 {
    fn sample(s: &mut Sampler) -> Self {
        let kind: FilterCode = s.field("kind");
        let practitioners = if matches!(kind.0, 1 | 2) { s.field("practitioners") } else { Vec::new() };
        Self { kind, practitioners }
    }
}

impl Sample for PublicationRuleV1 {
    fn sample(s: &mut Sampler) -> Self {
        let kind: PublicationRuleCode = s.field("kind");
        let bare = Self { kind, minutes: 0, days: 0, at: 0 };
        match kind.0 {
            1 => Self { minutes: s.field("minutes"), ..bare },
            2 => Self { days: s.field("days"), at: s.field("at"), ..bare },
            _ => bare,
        }
    }
}

impl Sample for PublicationOverrideV1 {
    fn sample(s: &mut Sampler) -> Self {
        let kind: PublicationOverrideCode = s.field("kind");
        let bare = Self { kind, at: 0, minutes: 0 };
        match kind.0 {
            1 => Self { at: s.field("at"), ..bare },
            2 => Self { minutes: s.field("minutes"), ..bare },
            _ => bare,
        }
    }
}

impl Sample for RegistrationV1 {
    fn sample(s: &mut Sampler) -> Self {
        let kind: RegistrationCode = s.field("kind");
        let practitioner = (kind.0 == 1).then(|| s.field("practitioner"));
        Self { kind, practitioner }
    }
}

/// A sampled event with its bytes, made from the form, not from the event.
pub struct Drawn<E> {
    /// The event.
    pub event: E,
    /// The form's own bytes.
    pub bytes: Vec<u8>,
    /// The form's JSON view.
    pub json: String,
}

/// The current form of one event type.
pub struct Current<E> {
    /// The type.
    pub name: &'static str,
    draw: fn(&mut Sampler) -> Drawn<E>,
}

/// The same over all aggregates.
pub struct CurrentEvent {
    /// The type.
    pub name: &'static str,
    /// Draws an event.
    pub draw: Draw,
}

/// Draws an event of any aggregate.
type Draw = Box<dyn Fn(&mut Sampler) -> Drawn<DomainEvent>>;

/// The current forms of an aggregate's events.
pub trait Samples: EventCodec {
    /// One per variant.
    const CURRENT: &'static [Current<Self>];
}

impl<E: EventCodec> Current<E> {
    /// Of a form.
    pub const fn of<F: Upcast<E> + Sample>() -> Self {
        Self {
            name: F::DOC.name,
            draw: |sampler| {
                let form = F::sample(sampler);
                let bytes = to_bytes(&form);
                let json = describe::<F>(&bytes).unwrap();
                Drawn { event: form.upcast(), bytes, json }
            },
        }
    }
    /// As a line over all aggregates.
    pub fn widen(&self) -> CurrentEvent
    where
        DomainEvent: From<E>,
    {
        let draw = self.draw;
        CurrentEvent {
            name: self.name,
            draw: Box::new(move |sampler| {
                let drawn = draw(sampler);
                Drawn { event: drawn.event.into(), bytes: drawn.bytes, json: drawn.json }
            }),
        }
    }
}
