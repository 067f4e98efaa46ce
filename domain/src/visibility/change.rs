//! What could be otherwise: a [`Situation`] is everything that a verdict rests on, a [`Change`] is one thing in it that
//! somebody could do otherwise, or another moment.

use super::{Candidate, Verdict, ViewerFacts, evaluate};
use crate::agenda_day::{DayOccupancy, Freedom, Slot};
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
    /// The practitioner takes appointments again.
    ReactivatePractitioner(PractitionerId),
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
            Self::ReactivatePractitioner(_) => "reactivate_practitioner",
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
    pub(super) fn slot(&self) -> Option<&Slot> {
        self.day.slot(self.slot)
    }
    pub(super) fn service(&self) -> Option<&Service> {
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
    pub(super) fn offered(&self) -> bool {
        self.verdict().is_some_and(|verdict| verdict.offered)
    }
    /// The situation with these changes.
    #[must_use]
    pub fn with(&self, changes: &[Change]) -> Self {
        let mut other = self.clone();
        for change in changes {
            other.apply(change);
        }
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
            Change::ReactivatePractitioner(practitioner) => {
                self.clinic.practitioners.entry(*practitioner).and_modify(|p| p.active = true);
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
