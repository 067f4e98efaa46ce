//! The smallest change that flips a verdict: what would have to be otherwise for an availability to be offered, or not
//! to be.
//!
//! A [`Situation`] is everything that a verdict rests on. A [`Change`] is one thing in it that somebody could do
//! otherwise, or another moment. [`smallest_change`] proposes, and asks [`evaluate`] whether it was right: what it
//! answers does flip the verdict, and without any one of its changes it would not.

use super::{Candidate, Finding, Rule, Verdict, ViewerFacts, evaluate, last_bookable, publish_at};
use crate::agenda_day::{Blocked, DayOccupancy, Freedom, Slot};
use crate::clinic::{Clinic, Criterion, PractitionerFilter, PublicationOverride, Service};
use crate::ids::{ActivityId, AppointmentId, HoldId, PractitionerId, ServiceId, SlotId};
use crate::time::{Instant, Span};
use crate::values::{AgeUnit, Origin, RegistrationKind, Sex, Usage, ViewerClass};

/// Everything that a verdict rests on.
#[derive(Clone, Debug)]
pub struct Situation {
    /// The clinic's rules.
    pub clinic: Clinic,
    /// The service.
    pub service: ServiceId,
    /// The day of the availability.
    pub day: DayOccupancy,
    /// Its slot.
    pub slot: SlotId,
    /// Its start.
    pub start: Instant,
    /// Who looks.
    pub viewer: ViewerFacts,
    /// When.
    pub now: Instant,
}

/// One thing that could be otherwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// The portal is switched on.
    ActivatePortal,
    /// The portal is switched off.
    DeactivatePortal,
    /// The service is active and may be used to book.
    ActivateService,
    /// The service offers this activity too.
    LinkActivity(ActivityId),
    /// The slot has this activity.
    GiveSlotActivity(ActivityId),
    /// The activity is in use again.
    ReinstateActivity(ActivityId),
    /// The service offers this practitioner too.
    AdmitPractitioner(PractitionerId),
    /// The clinic offers recurring slots online.
    OfferRecurring,
    /// The slot was opened by hand.
    OpenByHand,
    /// The viewer is recognized, and has proven it.
    ProveViewer,
    /// The service is open to everyone: it has no criteria.
    OpenToEveryone,
    /// The criterion at this place admits the viewer: its range or its values are widened by what the viewer is.
    WidenCriterion(u8),
    /// The criterion at this place is not there.
    DropCriterion(u8),
    /// It is looked at in another moment.
    LookAt(Instant),
    /// The service's shortest notice is so many minutes.
    ShortenNotice(u32),
    /// The slot is published at that moment.
    PublishSlotAt(Instant),
    /// The service publishes so many minutes before the start.
    WidenHorizon(u32),
    /// The service's cap is so high.
    RaiseCap(u16),
    /// These appointments do not stand in the way.
    FreeTime(Vec<AppointmentId>),
    /// The moves that the time is promised to end.
    EndMoves(Vec<AppointmentId>),
    /// These holds are given back.
    ReleaseHolds(Vec<HoldId>),
    /// The slot is not withdrawn.
    PutSlotBack,
    /// The availability was not dropped with its appointment.
    PutAvailabilityBack,
}

impl Change {
    /// The change's stable name in the API.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ActivatePortal => "activate_portal",
            Self::DeactivatePortal => "deactivate_portal",
            Self::ActivateService => "activate_service",
            Self::LinkActivity(_) => "link_activity",
            Self::GiveSlotActivity(_) => "give_slot_activity",
            Self::ReinstateActivity(_) => "reinstate_activity",
            Self::AdmitPractitioner(_) => "admit_practitioner",
            Self::OfferRecurring => "offer_recurring",
            Self::OpenByHand => "open_by_hand",
            Self::ProveViewer => "prove_viewer",
            Self::OpenToEveryone => "open_to_everyone",
            Self::WidenCriterion(_) => "widen_criterion",
            Self::DropCriterion(_) => "drop_criterion",
            Self::LookAt(_) => "look_at",
            Self::ShortenNotice(_) => "shorten_notice",
            Self::PublishSlotAt(_) => "publish_slot_at",
            Self::WidenHorizon(_) => "widen_horizon",
            Self::RaiseCap(_) => "raise_cap",
            Self::FreeTime(_) => "free_time",
            Self::EndMoves(_) => "end_moves",
            Self::ReleaseHolds(_) => "release_holds",
            Self::PutSlotBack => "put_slot_back",
            Self::PutAvailabilityBack => "put_availability_back",
        }
    }
}

impl Situation {
    fn slot(&self) -> Option<&Slot> {
        self.day.slot(self.slot)
    }
    fn service(&self) -> Option<&Service> {
        self.clinic.services.get(&self.service)
    }
    /// The availability's time; none: there is no such availability.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        self.slot()?.availability_at(self.start)
    }
    /// Whether it is free for this viewer at this moment.
    #[must_use]
    pub fn freedom(&self) -> Option<Freedom> {
        Some(self.day.freedom(self.slot()?, self.span()?, self.viewer.visit, None, self.now))
    }
    /// What the rules say; none: there is no such availability, or no such service.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        let candidate = Candidate { slot: self.slot()?, span: self.span()?, freedom: self.freedom()? };
        Some(evaluate(&self.clinic, self.service()?, &candidate, &self.viewer, self.now))
    }
    fn offered(&self) -> bool {
        self.verdict().is_some_and(|verdict| verdict.offered)
    }
    /// The situation with these changes.
    #[must_use]
    pub fn with(&self, changes: &[Change]) -> Self {
        let mut other = self.clone();
        changes.iter().for_each(|change| other.apply(change));
        other
    }

    fn apply(&mut self, change: &Change) {
        let (slot_id, span, viewer) = (self.slot, self.span(), self.viewer.clone());
        let own_practitioner = self.slot().map(|slot| slot.practitioner);
        let date = self.slot().map(|slot| slot.date);
        let service = self.clinic.services.get_mut(&self.service);
        let slot = self.day.slots.iter_mut().find(|slot| slot.id == slot_id);
        let (Some(service), Some(slot), Some(span)) = (service, slot, span) else { return };
        let config = &mut service.config;
        match change {
            Change::ActivatePortal => self.clinic.portal.active = true,
            Change::DeactivatePortal => self.clinic.portal.active = false,
            Change::ActivateService => {
                service.active = true;
                if !config.usage.books() {
                    config.usage.0 = Usage::Both;
                }
            }
            Change::LinkActivity(activity) => config.activities.push(*activity),
            Change::GiveSlotActivity(activity) => slot.activity = Some(*activity),
            Change::ReinstateActivity(activity) => {
                self.clinic.activities.entry(*activity).and_modify(|a| a.retired = false);
            }
            Change::AdmitPractitioner(practitioner) => admit(&mut config.filter, *practitioner),
            Change::OfferRecurring => self.clinic.settings.offer_recurring_online = true,
            Change::OpenByHand => slot.origin = Origin::Manual,
            Change::ProveViewer => self.viewer.class = ViewerClass::Proven,
            Change::OpenToEveryone => config.criteria.clear(),
            Change::WidenCriterion(place) => {
                let widened = config.criteria.get(usize::from(*place)).and_then(|criterion| {
                    widened(criterion, &viewer, date?, own_practitioner?, |p| {
                        self.clinic.practitioners.contains_key(&p)
                    })
                });
                if let (Some(criterion), Some(to)) = (config.criteria.get_mut(usize::from(*place)), widened) {
                    *criterion = to;
                }
            }
            Change::DropCriterion(place) => {
                if usize::from(*place) < config.criteria.len() {
                    config.criteria.remove(usize::from(*place));
                }
            }
            Change::LookAt(instant) => self.now = *instant,
            Change::ShortenNotice(minutes) => config.min_notice_minutes = Some(*minutes),
            Change::PublishSlotAt(instant) => slot.publication = PublicationOverride::At(*instant),
            Change::WidenHorizon(minutes) => config.max_horizon_minutes = Some(*minutes),
            Change::RaiseCap(cap) => config.max_future_appointments = Some(*cap),
            Change::FreeTime(appointments) => self.day.taken.retain(|t| !appointments.contains(&t.appointment)),
            Change::EndMoves(appointments) => self.day.promised.retain(|p| !appointments.contains(&p.appointment)),
            Change::ReleaseHolds(holds) => self.day.holds.retain(|h| !holds.contains(&h.id)),
            Change::PutSlotBack => slot.withdrawn = false,
            Change::PutAvailabilityBack => slot.removed.retain(|start| *start != span.start),
        }
    }
}

fn admit(filter: &mut PractitionerFilter, practitioner: PractitionerId) {
    match filter {
        PractitionerFilter::All => {}
        PractitionerFilter::Only(list) => list.push(practitioner),
        PractitionerFilter::AllExcept(list) => list.retain(|p| *p != practitioner),
        PractitionerFilter::Unknown(_) => *filter = PractitionerFilter::All,
    }
}

/// The criterion with what the viewer is; none: it is not known what the viewer is.
fn widened(
    criterion: &Criterion,
    viewer: &ViewerFacts,
    on: crate::time::WallDate,
    with: PractitionerId,
    here: impl Fn(PractitionerId) -> bool,
) -> Option<Criterion> {
    match criterion {
        Criterion::AgeRange { unit, min, max } => {
            let months = crate::time::age_in_months(viewer.birth_date?, on)?;
            let age = match unit {
                AgeUnit::Years => months / 12,
                AgeUnit::Months => months,
                AgeUnit::Unknown(_) => return None,
            };
            let age = u16::try_from(age).ok()?;
            Some(Criterion::AgeRange {
                unit: *unit,
                min: min.map(|min| min.min(age)),
                max: max.map(|max| max.max(age)),
            })
        }
        Criterion::Sex(values) => {
            let mut values: Vec<Sex> = values.clone();
            values.push(viewer.sex?);
            Some(Criterion::Sex(values))
        }
        Criterion::Registration(kinds) => {
            let registration = viewer.registration?;
            let known = [
                RegistrationKind::ThisPractitioner,
                RegistrationKind::OtherPractitioner,
                RegistrationKind::Clinic,
                RegistrationKind::NotRegistered,
            ];
            let fits = known.into_iter().find(|kind| registration.satisfies(&[*kind], with, &here))?;
            let mut kinds = kinds.clone();
            kinds.push(fits);
            Some(Criterion::Registration(kinds))
        }
        Criterion::ExistingRecord | Criterion::Unknown(_) => None,
    }
}

/// The fewest changes that turn the verdict round; the nearest moment among as few. Empty only if there is no such
/// availability or service.
#[must_use]
pub fn smallest_change(situation: &Situation) -> Vec<Change> {
    match situation.verdict() {
        None => Vec::new(),
        Some(verdict) if verdict.offered => hide(situation),
        Some(_) => offer(situation),
    }
}

/// What is offered ends by itself, with nobody doing anything.
fn hide(situation: &Situation) -> Vec<Change> {
    let (Some(service), Some(span)) = (situation.service(), situation.span()) else { return Vec::new() };
    let after = Instant(last_bookable(&situation.clinic, service, span.start).0.saturating_add(1));
    let ends = [after.min(span.start), span.start];
    let by_time = ends.into_iter().filter(|at| *at > situation.now).map(|at| vec![Change::LookAt(at)]);
    let flips = |changes: &Vec<Change>| !situation.with(changes).offered();
    by_time.chain([vec![Change::DeactivatePortal]]).find(flips).unwrap_or_default()
}

fn offer(situation: &Situation) -> Vec<Change> {
    let mut best: Option<((usize, u64), Vec<Change>)> = None;
    for moment in moments(situation) {
        let changes = minimal(situation, at_moment(situation, moment));
        if !situation.with(&changes).offered() {
            continue;
        }
        let cost = (changes.len(), moment.since(situation.now).unsigned_abs());
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, changes));
        }
    }
    best.map(|(_, changes)| changes).unwrap_or_default()
}

/// The moments at which something about time turns.
fn moments(situation: &Situation) -> Vec<Instant> {
    let (Some(service), Some(slot), Some(span)) = (situation.service(), situation.slot(), situation.span()) else {
        return Vec::new();
    };
    let before_start = Instant(span.start.0.saturating_sub(1));
    let last = last_bookable(&situation.clinic, service, span.start).min(before_start);
    let published = publish_at(&situation.clinic, service, slot, span.start).filter(|at| *at != Instant::MIN);
    let held = situation.day.holds.iter().filter(|h| h.span.overlaps(span));
    let held: Vec<Instant> = held.flat_map(|h| [h.expires_at, Instant(h.placed_at.0.saturating_sub(1))]).collect();
    let mut all = vec![situation.now, last, before_start];
    all.extend(published);
    all.extend(held);
    all.sort_unstable();
    all.dedup();
    all
}

/// One change for each rule that refuses at that moment.
fn at_moment(situation: &Situation, moment: Instant) -> Vec<Change> {
    let mut changes = Vec::new();
    if moment != situation.now {
        changes.push(Change::LookAt(moment));
    }
    // A change may bring another rule to speak, such as an activity that is given: a few rounds settle all.
    for _ in 0..4 {
        let now = situation.with(&changes);
        let Some(verdict) = now.verdict() else { return Vec::new() };
        let refusing: Vec<Finding> = verdict.findings.into_iter().filter(|f| !f.passed).collect();
        if refusing.is_empty() {
            break;
        }
        let persons = refusing.iter().filter(|f| is_about_person(f.rule)).count();
        let open = persons > 1 || persons == 1 && !mends_person(&now, &refusing);
        let single = refusing.iter().filter(|f| !(open && is_about_person(f.rule)));
        let mended: Vec<Change> = single.flat_map(|finding| mend(&now, finding.rule)).collect();
        changes.extend(mended);
        if open {
            changes.push(Change::OpenToEveryone);
        }
    }
    changes
}

const fn is_about_person(rule: Rule) -> bool {
    matches!(rule, Rule::Recognition | Rule::Criterion(_))
}

/// Whether the one rule about the person that refuses can be mended by itself.
fn mends_person(situation: &Situation, refusing: &[Finding]) -> bool {
    refusing.iter().filter(|f| is_about_person(f.rule)).all(|f| match f.rule {
        Rule::Recognition => situation.viewer.class == ViewerClass::Recognized,
        _ => true,
    })
}

/// What lets one rule pass.
fn mend(situation: &Situation, rule: Rule) -> Vec<Change> {
    let (Some(service), Some(slot), Some(span)) = (situation.service(), situation.slot(), situation.span()) else {
        return Vec::new();
    };
    let clinic = &situation.clinic;
    match rule {
        Rule::PortalActive => vec![Change::ActivatePortal],
        Rule::ServiceActive => vec![Change::ActivateService],
        Rule::ActivityLinked => match slot.activity {
            Some(activity) => vec![Change::LinkActivity(activity)],
            None => {
                let used = |a: &&ActivityId| clinic.activities.get(a).is_some_and(|a| !a.retired);
                let fits = service.config.activities.iter().find(used).or(service.config.activities.first());
                fits.map(|activity| Change::GiveSlotActivity(*activity)).into_iter().collect()
            }
        },
        Rule::ActivityActive => slot.activity.map(Change::ReinstateActivity).into_iter().collect(),
        Rule::PractitionerFilter => vec![Change::AdmitPractitioner(slot.practitioner)],
        Rule::Origin if slot.origin == Origin::Recurrence => vec![Change::OfferRecurring],
        Rule::Origin => vec![Change::OpenByHand],
        Rule::Recognition => vec![Change::ProveViewer],
        Rule::Criterion(place) => {
            let widen = vec![Change::WidenCriterion(place)];
            let met =
                |s: &Situation| s.verdict().is_some_and(|v| v.findings.iter().any(|f| f.rule == rule && f.passed));
            if met(&situation.with(&widen)) { widen } else { vec![Change::DropCriterion(place)] }
        }
        // Only another moment helps; that is tried as one.
        Rule::NotStarted => Vec::new(),
        Rule::MinNotice => {
            let minutes = span.start.since(clock(situation)).max(0) / 60_000_000;
            vec![Change::ShortenNotice(u32::try_from(minutes).unwrap_or(0))]
        }
        Rule::Published => {
            let clock = clock(situation);
            let published = Change::PublishSlotAt(clock);
            let enough = situation.with(std::slice::from_ref(&published)).verdict();
            if enough.is_some_and(|v| v.findings.iter().any(|f| f.rule == Rule::Published && f.passed)) {
                return vec![published];
            }
            // The longest horizon binds besides: it has to reach from the start back to now.
            let micros = span.start.since(clock).max(0);
            let minutes = u32::try_from((micros + 59_999_999) / 60_000_000).unwrap_or(u32::MAX);
            let wider = Change::WidenHorizon(minutes);
            let alone = situation.with(std::slice::from_ref(&wider)).verdict();
            if alone.is_some_and(|v| v.findings.iter().any(|f| f.rule == Rule::Published && f.passed)) {
                return vec![wider];
            }
            vec![published, wider]
        }
        Rule::Cap => {
            let counted = situation.viewer.counted.unwrap_or(0);
            vec![Change::RaiseCap(counted.saturating_add(1))]
        }
        Rule::Free => free(situation, span),
    }
}

/// The instant by which the clock rules are judged.
fn clock(situation: &Situation) -> Instant {
    match situation.freedom() {
        Some(Freedom::Own(since)) => since.min(situation.now),
        _ => situation.now,
    }
}

fn free(situation: &Situation, span: Span) -> Vec<Change> {
    let day = &situation.day;
    match situation.freedom() {
        Some(Freedom::Blocked(Blocked::Withdrawn)) => vec![Change::PutSlotBack],
        Some(Freedom::Blocked(Blocked::Removed)) => vec![Change::PutAvailabilityBack],
        Some(Freedom::Blocked(Blocked::Booked)) => {
            let there = day.taken.iter().filter(|t| t.span.overlaps(span)).map(|t| t.appointment);
            vec![Change::FreeTime(there.collect())]
        }
        Some(Freedom::Blocked(Blocked::Promised)) => {
            let there = day.promised.iter().filter(|p| p.span.overlaps(span)).map(|p| p.appointment);
            vec![Change::EndMoves(there.collect())]
        }
        Some(Freedom::Blocked(Blocked::Held(_))) => {
            let others = day.holds.iter().filter(|h| {
                h.expires_at > situation.now && h.span.overlaps(span) && Some(h.visit) != situation.viewer.visit
            });
            vec![Change::ReleaseHolds(others.map(|h| h.id).collect())]
        }
        Some(Freedom::Free | Freedom::Own(_)) | None => Vec::new(),
    }
}

/// Leaves out what is not needed.
fn minimal(situation: &Situation, mut changes: Vec<Change>) -> Vec<Change> {
    let mut at = 0;
    while at < changes.len() {
        let mut fewer = changes.clone();
        fewer.remove(at);
        if !fewer.is_empty() && situation.with(&fewer).offered() {
            changes = fewer;
        } else {
            at += 1;
        }
    }
    changes
}
