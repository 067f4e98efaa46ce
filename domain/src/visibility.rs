//! Whether a viewer may see and book an availability: the one function that decides it.
//!
//! The availability query asks [`is_offered`], `BookAppointment` asks [`first_refusal`], `explain` prints
//! [`evaluate`]; all three walk the same rules in [`walk`], so what is shown and what is accepted cannot
//! differ for the same log position, instant and viewer.

mod change;
mod cloud;
mod smallest;
#[cfg(test)]
mod tests;

pub use change::*;
pub use cloud::*;
pub use smallest::smallest_change;

use crate::agenda_day::{Freedom, Slot};
use crate::clinic::{Clinic, Criterion, PublicationOverride, PublicationRule, Service};
use crate::ids::VisitId;
use crate::patient::Registration;
use crate::time::{Instant, Span, WallDate, age_in_months, resolve};
use crate::values::{AgeUnit, Origin, RecognitionProof, Sex, ViewerClass};
use std::ops::ControlFlow;

/// The rules that decide, in the order in which they are asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Rule {
    /// R30: the portal is on.
    PortalActive,
    /// R30: the service is configured, active and may be booked.
    ServiceActive,
    /// R31: the slot's activity belongs to the service.
    ActivityLinked,
    /// 8.29: the activity is not retired.
    ActivityActive,
    /// The practitioner was not deactivated.
    PractitionerActive,
    /// R32: the practitioner passes the filter.
    PractitionerFilter,
    /// R33: the slot is not recurring, or the clinic lifts the rule.
    Origin,
    /// R21, R22: restricted services need a recognized (and, by setting, proven) patient.
    Recognition,
    /// 8.1: the criterion at this place of the service's list is met.
    Criterion(u8),
    /// R35: it has not started.
    NotStarted,
    /// 8.4: the minimum notice is kept.
    MinNotice,
    /// R36: its publication moment has come.
    Published,
    /// 8.4: the patient's cap is not reached.
    Cap,
    /// R34: it is free, or held by this very visit.
    Free,
}

impl Rule {
    /// The rule's stable name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PortalActive => "portal_active",
            Self::ServiceActive => "service_active",
            Self::ActivityLinked => "activity_linked",
            Self::ActivityActive => "activity_active",
            Self::PractitionerActive => "practitioner_active",
            Self::PractitionerFilter => "practitioner_filter",
            Self::Origin => "origin",
            Self::Recognition => "recognition",
            Self::Criterion(_) => "criterion",
            Self::NotStarted => "not_started",
            Self::MinNotice => "min_notice",
            Self::Published => "published",
            Self::Cap => "cap",
            Self::Free => "free",
        }
    }
}

/// What one rule said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// It lets the viewer pass.
    pub passed: bool,
    /// Revision of the clinic's stream that last set it; none if it rests on the day's own stream or the viewer.
    pub revision: Option<u64>,
}

/// Whether a viewer may see and book an availability, with every rule that spoke.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// May be seen and booked.
    pub offered: bool,
    /// Every rule, in order.
    pub findings: Vec<Finding>,
    /// The publication moment; [`Instant::MIN`] means at once. None if the rule is not known.
    pub publish_at: Option<Instant>,
}

/// What the rules need to know of a viewer. Resolved by the engine, never stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ViewerFacts {
    /// Unrecognized, recognized, or recognized and proven.
    pub class: ViewerClass,
    /// Birth date on the record.
    pub birth_date: Option<WallDate>,
    /// Sex on the record.
    pub sex: Option<Sex>,
    /// Registration on the record.
    pub registration: Option<Registration>,
    /// The viewer's visit, for its own hold.
    pub visit: Option<VisitId>,
    /// Future appointments that count against the cap of the service in question; none: no cap binds (8.4).
    pub counted: Option<u16>,
}

impl ViewerFacts {
    /// A visitor whom no record matched.
    #[must_use]
    pub const fn unrecognized(visit: Option<VisitId>) -> Self {
        Self { class: ViewerClass::Unrecognized, birth_date: None, sex: None, registration: None, visit, counted: None }
    }
}

/// An availability as it stands in its day.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Its slot.
    pub slot: &'a Slot,
    /// Its time.
    pub span: Span,
    /// Whether it is free for this viewer.
    pub freedom: Freedom,
}

/// When a service publishes an availability (8.2): the later of the lead rule and start minus the horizon.
/// [`Instant::MIN`] means at once; none means never (a rule of the future).
#[must_use]
pub fn publish_at(clinic: &Clinic, service: &Service, slot: &Slot, start: Instant) -> Option<Instant> {
    let lead = match slot.publication {
        PublicationOverride::At(at) => at,
        PublicationOverride::MinutesBefore(minutes) => start.plus_minutes(-i64::from(minutes)),
        PublicationOverride::None => match service.config.publication {
            PublicationRule::AtOnce => Instant::MIN,
            PublicationRule::MinutesBefore(minutes) => start.plus_minutes(-i64::from(minutes)),
            PublicationRule::DaysBefore { days, at } => {
                resolve(slot.date.plus_days(-i32::from(days)), at, clinic.zone()).first_or_next()
            }
            PublicationRule::Unknown(_) => return None,
        },
        PublicationOverride::Unknown(_) => return None,
    };
    let horizon = service.config.max_horizon_minutes.or(clinic.settings.max_horizon_minutes);
    Some(horizon.map_or(lead, |minutes| lead.max(start.plus_minutes(-i64::from(minutes)))))
}

/// First instant at which an availability can no longer be booked online: its start, or before, by the minimum
/// notice. Exactly at start minus the notice is still in time (8.29).
#[must_use]
pub fn last_bookable(clinic: &Clinic, service: &Service, start: Instant) -> Instant {
    let notice = service.config.min_notice_minutes.unwrap_or(clinic.settings.min_notice_minutes);
    start.plus_minutes(-i64::from(notice))
}

/// Asks every rule in order and hands each finding to `sink`, until it breaks off.
fn walk(
    clinic: &Clinic,
    service: &Service,
    candidate: &Candidate<'_>,
    viewer: &ViewerFacts,
    now: Instant,
    sink: &mut impl FnMut(Finding) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Candidate { slot, span, freedom } = candidate;
    let mut say = |rule, passed, revision| sink(Finding { rule, passed, revision });
    let of_service = Some(service.touched);

    say(Rule::PortalActive, clinic.portal.active, Some(clinic.portal.touched))?;
    say(Rule::ServiceActive, service.active && service.config.usage.books(), of_service)?;
    let linked = slot.activity.is_some_and(|a| service.config.activities.contains(&a));
    say(Rule::ActivityLinked, linked, of_service)?;
    let activity = slot.activity.and_then(|a| clinic.activities.get(&a));
    say(Rule::ActivityActive, activity.is_some_and(|a| !a.retired), activity.map(|a| a.touched))?;
    let practitioner = clinic.practitioners.get(&slot.practitioner);
    let takes = clinic.takes_appointments(slot.practitioner);
    say(Rule::PractitionerActive, takes, practitioner.map(|p| p.touched))?;
    say(Rule::PractitionerFilter, service.config.filter.passes(slot.practitioner), of_service)?;
    let origin = match slot.origin {
        Origin::Manual | Origin::Template => true,
        Origin::Recurrence => clinic.settings.offer_recurring_online,
        Origin::Unknown(_) => false,
    };
    say(Rule::Origin, origin, Some(clinic.settings_touched))?;

    if !service.config.criteria.is_empty() {
        say(Rule::Recognition, opens_restricted(clinic, viewer), Some(clinic.settings_touched))?;
        for (criterion, place) in service.config.criteria.iter().zip(0u8..) {
            let met = is_met(criterion, clinic, slot, viewer);
            say(Rule::Criterion(place), met, of_service)?;
        }
    }

    // With a live hold the clock rules are judged at the hold's instant; that it has not started, at now.
    let clock = match freedom {
        Freedom::Own(since) => (*since).min(now),
        _ => now,
    };
    say(Rule::NotStarted, now < span.start, None)?;
    let set_by = |own: bool| if own { of_service } else { Some(clinic.settings_touched) };
    let notice = set_by(service.config.min_notice_minutes.is_some());
    say(Rule::MinNotice, clock <= last_bookable(clinic, service, span.start), notice)?;
    let published = publish_at(clinic, service, slot, span.start).is_some_and(|at| at <= clock);
    // A slot's own moment stands on the day's stream.
    let moment = of_service.filter(|_| slot.publication == PublicationOverride::None);
    say(Rule::Published, published, moment)?;
    let cap = service.config.max_future_appointments.or(clinic.settings.max_future_appointments);
    say(
        Rule::Cap,
        !matches!((cap, viewer.counted), (Some(cap), Some(counted)) if counted >= cap),
        set_by(service.config.max_future_appointments.is_some()),
    )?;
    say(Rule::Free, !matches!(freedom, Freedom::Blocked(_)), None)
}

/// True if the viewer may see and book the availability.
#[must_use]
pub fn is_offered(
    clinic: &Clinic,
    service: &Service,
    candidate: &Candidate<'_>,
    viewer: &ViewerFacts,
    now: Instant,
) -> bool {
    first_refusal(clinic, service, candidate, viewer, now).is_none()
}

/// The first rule that keeps the viewer from booking the availability; none: it may be seen and booked.
#[must_use]
pub fn first_refusal(
    clinic: &Clinic,
    service: &Service,
    candidate: &Candidate<'_>,
    viewer: &ViewerFacts,
    now: Instant,
) -> Option<Rule> {
    let mut refusal = None;
    let _ = walk(clinic, service, candidate, viewer, now, &mut |finding| {
        if finding.passed {
            return ControlFlow::Continue(());
        }
        refusal = Some(finding.rule);
        ControlFlow::Break(())
    });
    refusal
}

/// The whole verdict, with every rule that spoke.
#[must_use]
pub fn evaluate(
    clinic: &Clinic,
    service: &Service,
    candidate: &Candidate<'_>,
    viewer: &ViewerFacts,
    now: Instant,
) -> Verdict {
    let mut findings = Vec::new();
    let _ = walk(clinic, service, candidate, viewer, now, &mut |finding| {
        findings.push(finding);
        ControlFlow::Continue(())
    });
    let publish_at = publish_at(clinic, service, candidate.slot, candidate.span.start);
    Verdict { offered: findings.iter().all(|f| f.passed), findings, publish_at }
}

/// R21 and 8.7: whether services with criteria open for this viewer at all.
fn opens_restricted(clinic: &Clinic, viewer: &ViewerFacts) -> bool {
    match (clinic.settings.recognition_proof, viewer.class) {
        (_, ViewerClass::Proven) | (RecognitionProof::None, ViewerClass::Recognized) => true,
        (_, ViewerClass::Unrecognized | ViewerClass::Recognized | ViewerClass::Unknown(_)) => false,
    }
}

/// 8.1; a value missing on the record fails the criterion.
fn is_met(criterion: &Criterion, clinic: &Clinic, slot: &Slot, viewer: &ViewerFacts) -> bool {
    match criterion {
        Criterion::AgeRange { unit, min, max } => viewer
            .birth_date
            .and_then(|birth| age_in(*unit, birth, slot.date))
            .is_some_and(|age| min.is_none_or(|m| age >= u32::from(m)) && max.is_none_or(|m| age <= u32::from(m))),
        Criterion::Sex(values) => viewer.sex.is_some_and(|sex| values.contains(&sex)),
        Criterion::Registration(kinds) => viewer.registration.is_some_and(|registration| {
            registration.satisfies(kinds, slot.practitioner, |p| clinic.practitioners.contains_key(&p))
        }),
        Criterion::ExistingRecord => !matches!(viewer.class, ViewerClass::Unrecognized | ViewerClass::Unknown(_)),
        Criterion::Unknown(_) => false,
    }
}

fn age_in(unit: AgeUnit, birth: WallDate, on: WallDate) -> Option<u32> {
    let months = age_in_months(birth, on)?;
    match unit {
        AgeUnit::Years => Some(months / 12),
        AgeUnit::Months => Some(months),
        AgeUnit::Unknown(_) => None,
    }
}

/// Codes of a service's criteria, as recorded with a booking that met them.
pub fn criteria_met(service: &Service) -> Vec<u8> {
    service.config.criteria.iter().map(Criterion::code).collect()
}

/// Whether a service stands in a viewer's list before a day is chosen (R20 to R22, 8.29).
#[must_use]
pub fn is_listed(clinic: &Clinic, service: &Service, viewer: &ViewerFacts, now: Instant) -> bool {
    if !clinic.portal.active || !service.active || !service.config.usage.books() {
        return false;
    }
    if service.config.criteria.is_empty() {
        return true;
    }
    if !opens_restricted(clinic, viewer) {
        return false;
    }
    let today = now.wall(clinic.zone()).0;
    let horizon = service.config.max_horizon_minutes.or(clinic.settings.max_horizon_minutes);
    let days = horizon.map_or(366, |minutes| i32::try_from(minutes / 1440).unwrap_or(366).saturating_add(1));
    service.config.criteria.iter().all(|criterion| match criterion {
        Criterion::AgeRange { unit, min, max } => {
            let age = |on| viewer.birth_date.and_then(|birth| age_in(*unit, birth, on));
            // Ages only rise: some day admits the patient if the ages from today to the horizon meet the range.
            age(today.plus_days(days)).is_some_and(|oldest| min.is_none_or(|m| oldest >= u32::from(m)))
                && age(today).unwrap_or(0) <= max.map_or(u32::MAX, u32::from)
                && viewer.birth_date.is_some()
        }
        Criterion::Registration(kinds) => viewer.registration.is_some_and(|registration| {
            let here = |p| clinic.practitioners.contains_key(&p);
            let mut offered =
                clinic.practitioners.iter().filter(|(p, known)| known.active && service.config.filter.passes(**p));
            offered.any(|(p, _)| registration.satisfies(kinds, *p, here))
        }),
        Criterion::Sex(values) => viewer.sex.is_some_and(|sex| values.contains(&sex)),
        Criterion::ExistingRecord => !matches!(viewer.class, ViewerClass::Unrecognized | ViewerClass::Unknown(_)),
        Criterion::Unknown(_) => false,
    })
}
