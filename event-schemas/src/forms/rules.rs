//! Enums with data, flattened: a code, and the fields that its values need. What a code does not use is empty or zero.
//!
//! A code that this release does not know becomes the domain's `Unknown` arm, whatever stands in the other fields.

use crate::primitives::{
    AgeUnitCode, CriterionCode, FilterCode, Id, Micros, PublicationOverrideCode, PublicationRuleCode,
    RegistrationKindCode, SexCode, WallTime,
};
use crate::wire::{Wire, wire};
use booking_domain::clinic::{Criterion, PractitionerFilter, PublicationOverride, PublicationRule};
use booking_domain::values::AgeUnit;

wire! {
    /// A condition on the patient. Values of one condition combine with OR, conditions with AND.
    CriterionV1 {
        /// Kind of condition.
        kind: CriterionCode,
        /// `age_range`: unit of the bounds; else 0.
        unit: AgeUnitCode,
        /// `age_range`: lowest age on the day of the appointment.
        min: Option<u16>,
        /// `age_range`: highest age on the day of the appointment, included.
        max: Option<u16>,
        /// `sex`: the values that meet it.
        sexes: Vec<SexCode>,
        /// `registration`: the values that meet it.
        registrations: Vec<RegistrationKindCode>,
    }

    /// Which practitioners' availabilities a service offers.
    PractitionerFilterV1 {
        /// Kind of filter.
        kind: FilterCode,
        /// `only` and `all_except`: the practitioners.
        practitioners: Vec<Id>,
    }

    /// When a service publishes an availability, counted back from its start.
    PublicationRuleV1 {
        /// Kind of rule.
        kind: PublicationRuleCode,
        /// `minutes_before`: minutes of elapsed time; else 0.
        minutes: u32,
        /// `days_before`: calendar days; else 0.
        days: u16,
        /// `days_before`: release time in the clinic's zone, minutes since local midnight; else 0.
        at: WallTime,
    }

    /// A slot's own publication, in the place of every service's rule.
    PublicationOverrideV1 {
        /// Kind of publication.
        kind: PublicationOverrideCode,
        /// `at`: the instant, microseconds since 1970-01-01T00:00:00Z; else 0.
        at: Micros,
        /// `minutes_before`: minutes of elapsed time before the start; else 0.
        minutes: u32,
    }
}

impl Wire<Criterion> for CriterionV1 {
    fn to_wire(value: &Criterion) -> Self {
        let bare = Self {
            kind: CriterionCode(value.code()),
            unit: AgeUnitCode(0),
            min: None,
            max: None,
            sexes: Vec::new(),
            registrations: Vec::new(),
        };
        match value {
            Criterion::AgeRange { unit, min, max } => Self { unit: Wire::to_wire(unit), min: *min, max: *max, ..bare },
            Criterion::Sex(sexes) => Self { sexes: Wire::to_wire(sexes), ..bare },
            Criterion::Registration(kinds) => Self { registrations: Wire::to_wire(kinds), ..bare },
            Criterion::ExistingRecord | Criterion::Unknown(_) => bare,
        }
    }
    fn into_domain(self) -> Criterion {
        match self.kind.0 {
            0 => Criterion::AgeRange { unit: AgeUnit::from_code(self.unit.0), min: self.min, max: self.max },
            1 => Criterion::Sex(self.sexes.into_domain()),
            2 => Criterion::Registration(self.registrations.into_domain()),
            3 => Criterion::ExistingRecord,
            code => Criterion::Unknown(code),
        }
    }
}

impl Wire<PractitionerFilter> for PractitionerFilterV1 {
    fn to_wire(value: &PractitionerFilter) -> Self {
        let none = Vec::new();
        let (kind, practitioners) = match value {
            PractitionerFilter::All => (0, &none),
            PractitionerFilter::Only(list) => (1, list),
            PractitionerFilter::AllExcept(list) => (2, list),
            PractitionerFilter::Unknown(code) => (*code, &none),
        };
        Self { kind: FilterCode(kind), practitioners: Wire::to_wire(practitioners) }
    }
    fn into_domain(self) -> PractitionerFilter {
        match self.kind.0 {
            0 => PractitionerFilter::All,
            1 => PractitionerFilter::Only(self.practitioners.into_domain()),
            2 => PractitionerFilter::AllExcept(self.practitioners.into_domain()),
            code => PractitionerFilter::Unknown(code),
        }
    }
}

impl Wire<PublicationRule> for PublicationRuleV1 {
    fn to_wire(value: &PublicationRule) -> Self {
        let (kind, minutes, days, at) = match *value {
            PublicationRule::AtOnce => (0, 0, 0, 0),
            PublicationRule::MinutesBefore(minutes) => (1, minutes, 0, 0),
            PublicationRule::DaysBefore { days, at } => (2, 0, days, at.0),
            PublicationRule::Unknown(code) => (code, 0, 0, 0),
        };
        Self { kind: PublicationRuleCode(kind), minutes, days, at }
    }
    fn into_domain(self) -> PublicationRule {
        match self.kind.0 {
            0 => PublicationRule::AtOnce,
            1 => PublicationRule::MinutesBefore(self.minutes),
            2 => PublicationRule::DaysBefore { days: self.days, at: self.at.into_domain() },
            code => PublicationRule::Unknown(code),
        }
    }
}

impl Wire<PublicationOverride> for PublicationOverrideV1 {
    fn to_wire(value: &PublicationOverride) -> Self {
        let (kind, at, minutes) = match *value {
            PublicationOverride::None => (0, 0, 0),
            PublicationOverride::At(at) => (1, at.0, 0),
            PublicationOverride::MinutesBefore(minutes) => (2, 0, minutes),
            PublicationOverride::Unknown(code) => (code, 0, 0),
        };
        Self { kind: PublicationOverrideCode(kind), at, minutes }
    }
    fn into_domain(self) -> PublicationOverride {
        match self.kind.0 {
            0 => PublicationOverride::None,
            1 => PublicationOverride::At(self.at.into_domain()),
            2 => PublicationOverride::MinutesBefore(self.minutes),
            code => PublicationOverride::Unknown(code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_kind_keeps_its_code_and_opens_nothing() {
        let unknown = Criterion::Unknown(250);
        assert_eq!(CriterionV1::to_wire(&unknown).into_domain(), unknown);
        let unknown = PractitionerFilter::Unknown(250);
        assert_eq!(PractitionerFilterV1::to_wire(&unknown).into_domain(), unknown);
        let unknown = PublicationRule::Unknown(250);
        assert_eq!(PublicationRuleV1::to_wire(&unknown).into_domain(), unknown);
        let unknown = PublicationOverride::Unknown(250);
        assert_eq!(PublicationOverrideV1::to_wire(&unknown).into_domain(), unknown);
        let filled = PublicationOverrideV1 { kind: PublicationOverrideCode(250), at: 7, minutes: 7 };
        assert_eq!(Wire::<PublicationOverride>::into_domain(filled), unknown);
    }

    #[test]
    fn the_kinds_of_criteria_are_those_that_the_domain_counts() {
        let kinds = [Criterion::Sex(vec![]), Criterion::Registration(vec![]), Criterion::ExistingRecord];
        for kind in kinds {
            assert_eq!(CriterionV1::to_wire(&kind).kind.0, kind.code());
        }
    }
}
