//! Holds what was booked against the rules of booking, stream by stream.
//!
//! Overlaps, repetitions and holds are found by a sweep of its own, which shares nothing with the fold that decided.
//! Whether an online booking was published is asked of the rules as they were at the revision that it recorded. A
//! booking is flagged for old rules only if a later change of the clinic occurred more than ten seconds before its
//! request arrived: a change that races with a booking may bind it or not.

use super::caps::{Capped, cap_of};
use super::clinics::{History, Placed, RACE_MICROS, Rules, rules_at};
use super::moves::{Arrival, Offer, offer, refused};
use super::report::{EventRef, Violation};
use booking_domain::agenda_day::{AgendaDayEvent, AppointmentBooked, Freedom, Placement, Slot, SlotFacts, Source};
use booking_domain::clinic::{ClinicEvent, Criterion};
use booking_domain::ids::{AppointmentId, CommandId, HoldId, ServiceId, SlotId, VisitId};
use booking_domain::stream::StreamName;
use booking_domain::time::{Instant, Span, WallTime};
use booking_domain::values::{BookedBy, RecognitionProof, ViewerClass};
use booking_domain::visibility::{Candidate, Rule, ViewerFacts, criteria_met, evaluate};
use std::collections::HashMap;

pub(super) struct OpenSlot {
    pub facts: Slot,
    pub withdrawn: bool,
    pub dropped: Vec<Instant>,
    pub published: EventRef,
}

struct Standing {
    appointment: AppointmentId,
    /// The service that let it in, of an online booking.
    service: Option<ServiceId>,
    occupies: Span,
    sources: Vec<Source>,
    since: EventRef,
}

struct PromisedTime {
    appointment: AppointmentId,
    movement: CommandId,
    occupies: Span,
    /// What was offered then, should it turn out that the patient moves.
    offer: Option<Offer>,
    since: EventRef,
}

struct Held {
    hold: HoldId,
    visit: VisitId,
    slot: SlotId,
    span: Span,
    placed_at: Instant,
    until: Instant,
    since: EventRef,
}

/// One agenda on one day, as far as the sweep needs it.
pub(super) struct DayCheck<'a> {
    rules: &'a mut Rules,
    slots: HashMap<SlotId, OpenSlot>,
    standing: Vec<Standing>,
    promised: Vec<PromisedTime>,
    holds: Vec<Held>,
    /// Broken rules.
    pub violations: Vec<Violation>,
    /// Online bookings that were looked at.
    pub bookings: u64,
    /// Appointments that came from another day: that they had left it stands there.
    pub arrivals: Vec<Arrival>,
    /// Bookings under a cap: that they had a claim stands with the person.
    pub capped: Vec<Capped>,
}

fn share(a: Span, b: Span) -> bool {
    a.start.0.max(b.start.0) < a.end.0.min(b.end.0)
}

impl<'a> DayCheck<'a> {
    pub fn new(rules: &'a mut Rules) -> Self {
        Self {
            rules,
            slots: HashMap::new(),
            standing: Vec::new(),
            promised: Vec::new(),
            holds: Vec::new(),
            violations: Vec::new(),
            bookings: 0,
            arrivals: Vec::new(),
            capped: Vec::new(),
        }
    }

    fn breaks(&mut self, rule: &'static str, what: String, first: EventRef, second: &EventRef) {
        self.violations.push(Violation { rule, what, events: [first, second.clone()] });
    }

    /// Somebody takes time, or is promised it: nothing may stand there, unless staff said so and it was recorded.
    fn takes(
        &mut self,
        appointment: AppointmentId,
        visit: Option<VisitId>,
        placement: &Placement,
        overridden: bool,
        placed: &Placed<AgendaDayEvent>,
    ) {
        let (span, now) = (placement.occupies, placed.metadata.occurred_at);
        let mut found: Vec<(&'static str, String, EventRef)> = Vec::new();
        for other in self.standing.iter().filter(|other| other.appointment != appointment) {
            if share(other.occupies, span) && !overridden {
                let twice = other.sources.iter().any(|source| placement.sources.contains(source));
                let (rule, what) = if twice {
                    ("given_twice", "an availability was given twice")
                } else {
                    ("overlap", "two live appointments overlap in what they occupy")
                };
                found.push((rule, what.to_owned(), other.since.clone()));
            }
        }
        for other in self.promised.iter().filter(|other| other.appointment != appointment) {
            if share(other.occupies, span) {
                found.push(("overlap", "time that was promised to a move was taken".to_owned(), other.since.clone()));
            }
        }
        for hold in self.holds.iter().filter(|hold| now < hold.until && Some(hold.visit) != visit) {
            if share(hold.span, span) {
                found.push(("hold_ignored", "time that another visit held was taken".to_owned(), hold.since.clone()));
            }
        }
        for (rule, what, first) in found {
            self.breaks(rule, what, first, &placed.at);
        }
    }

    fn stands(
        &mut self,
        appointment: AppointmentId,
        service: Option<ServiceId>,
        placement: &Placement,
        since: &EventRef,
    ) {
        self.standing.retain(|other| other.appointment != appointment);
        let (occupies, sources) = (placement.occupies, placement.sources.clone());
        self.standing.push(Standing { appointment, service, occupies, sources, since: since.clone() });
    }

    /// An appointment begins to stand here: it may not stand here already.
    fn arrives(&mut self, appointment: AppointmentId, placed: &Placed<AgendaDayEvent>) {
        if let Some(first) = self.standing.iter().find(|other| other.appointment == appointment) {
            let first = first.since.clone();
            self.breaks("two_places", "an appointment stands in two places".to_owned(), first, &placed.at);
        }
    }

    fn leaves(&mut self, appointment: AppointmentId, dropped: &[Source]) {
        self.standing.retain(|other| other.appointment != appointment);
        for source in dropped {
            if let Some(slot) = self.slots.get_mut(&source.slot) {
                slot.dropped.push(source.span.start);
            }
        }
    }

    /// Takes the next event of the day.
    pub fn event(&mut self, placed: &Placed<AgendaDayEvent>) {
        let now = placed.metadata.occurred_at;
        match &placed.event {
            AgendaDayEvent::SlotPublished(e) => {
                let mut facts = Slot {
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
                    publication: e.facts.publication,
                    template: e.template,
                    recurrence: e.recurrence,
                    bulk: e.bulk,
                    withdrawn: false,
                    removed: Vec::new(),
                    touched: placed.revision(),
                };
                set(&mut facts, &e.facts);
                let published = placed.at.clone();
                self.slots.insert(e.slot, OpenSlot { facts, withdrawn: false, dropped: Vec::new(), published });
            }
            AgendaDayEvent::SlotAmended(e) => {
                if let Some(slot) = self.slots.get_mut(&e.slot) {
                    set(&mut slot.facts, &e.facts);
                }
            }
            AgendaDayEvent::SlotWithdrawn(e) => {
                if let Some(slot) = self.slots.get_mut(&e.slot) {
                    slot.withdrawn = true;
                }
            }
            AgendaDayEvent::HoldPlaced(e) => {
                self.holds.retain(|hold| now < hold.until);
                let taken = self.standing.iter().find(|other| share(other.occupies, e.span)).map(|o| o.since.clone());
                if let Some(first) = taken {
                    self.breaks("hold_ignored", "time that is taken was held".to_owned(), first, &placed.at);
                }
                let other = self.holds.iter().find(|hold| hold.visit != e.visit && share(hold.span, e.span));
                if let Some(first) = other.map(|hold| hold.since.clone()) {
                    self.breaks("hold_ignored", "time that another visit held was held".to_owned(), first, &placed.at);
                }
                self.holds.push(Held {
                    hold: e.hold,
                    visit: e.visit,
                    slot: e.slot,
                    span: e.span,
                    placed_at: e.placed_at,
                    until: e.expires_at,
                    since: placed.at.clone(),
                });
            }
            AgendaDayEvent::HoldExtended(e) => {
                if let Some(hold) = self.holds.iter_mut().find(|hold| hold.hold == e.hold && now < hold.until) {
                    hold.until = e.expires_at;
                }
            }
            AgendaDayEvent::HoldReleased(e) => self.holds.retain(|hold| hold.hold != e.hold),
            AgendaDayEvent::AppointmentBooked(e) => self.booked(e, placed),
            AgendaDayEvent::AppointmentMoved(e) => {
                self.takes(e.appointment, None, &e.placement, e.placement.overridden && !e.by_patient, placed);
                let stood = self.standing.iter().find(|other| other.appointment == e.appointment);
                let service = stood.and_then(|stood| stood.service);
                if e.by_patient {
                    let clinic = placed.metadata.clinic;
                    let offered = offer(&self.slots, &e.placement, placed);
                    if let Some((what, first)) = refused(self.rules, clinic, service, offered, &placed.at) {
                        self.breaks("unpublished", what, first, &placed.at);
                    }
                }
                self.leaves(e.appointment, &e.dropped);
                self.stands(e.appointment, service, &e.placement, &placed.at);
            }
            AgendaDayEvent::MoveReserved(e) => {
                self.takes(e.appointment, None, &e.placement, e.placement.overridden, placed);
                self.promised.retain(|other| other.appointment != e.appointment);
                let (appointment, movement, occupies) = (e.appointment, e.movement, e.placement.occupies);
                let offer = offer(&self.slots, &e.placement, placed);
                self.promised.push(PromisedTime { appointment, movement, occupies, offer, since: placed.at.clone() });
            }
            AgendaDayEvent::MoveReleased(e) => {
                self.promised.retain(|other| (other.appointment, other.movement) != (e.appointment, e.movement));
            }
            AgendaDayEvent::AppointmentMovedIn(e) => {
                let id = e.booking.appointment;
                let promised = self.promised.iter().position(|other| other.appointment == id);
                let promised = promised.map(|at| self.promised.remove(at));
                let service = e.booking.admission.as_ref().map(|admission| admission.service);
                self.arrives(id, placed);
                self.takes(id, None, &e.placement, e.placement.overridden, placed);
                self.stands(id, service, &e.placement, &placed.at);
                let offer =
                    promised.filter(|promised| promised.movement == e.movement).and_then(|promised| promised.offer);
                let if_patient = refused(self.rules, placed.metadata.clinic, service, offer, &placed.at);
                self.arrivals.push(Arrival {
                    appointment: id,
                    movement: e.movement,
                    from: StreamName::agenda_day(e.source_agenda, e.source_date),
                    if_patient,
                    at: placed.at.clone(),
                });
            }
            AgendaDayEvent::AppointmentMovedOut(e) => self.leaves(e.appointment, &e.dropped),
            AgendaDayEvent::AppointmentCancelled(e) => self.leaves(e.appointment, &e.dropped),
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

    fn booked(&mut self, booked: &AppointmentBooked, placed: &Placed<AgendaDayEvent>) {
        let AppointmentBooked { booking, placement, hold } = booked;
        let online = booking.booked_by == BookedBy::PatientOnline;
        self.takes(booking.appointment, booking.visit, placement, placement.overridden && !online, placed);
        if online {
            self.bookings += 1;
            let capped = self.under_a_cap(booked, placed);
            self.capped.extend(capped);
            for (what, first, rule) in self.admitted(booked, placed) {
                self.breaks(rule, what, first, &placed.at);
            }
        }
        self.holds.retain(|other| Some(other.hold) != *hold);
        self.arrives(booking.appointment, placed);
        let service = booking.admission.as_ref().map(|admission| admission.service);
        self.stands(booking.appointment, service, placement, &placed.at);
    }

    /// A recognized patient's booking of a service that had a cap whichever of the rules bound it.
    fn under_a_cap(&mut self, booked: &AppointmentBooked, placed: &Placed<AgendaDayEvent>) -> Option<Capped> {
        let AppointmentBooked { booking, .. } = booked;
        let (patient, admission) = (booking.patient?, booking.admission.as_ref()?);
        let there = self.rules.binding(booking.clinic, placed.at.leaf, placed.metadata.received_at).end;
        let mut first = None;
        for revision in admission.clinic_revision..there {
            let (clinic, set) = self.rules.at(booking.clinic, revision)?;
            // Somebody who has proven nothing is not counted, unless nothing is to be proven.
            let counts = admission.viewer_class == ViewerClass::Proven
                || clinic.settings.recognition_proof == RecognitionProof::None;
            cap_of(clinic, admission.service).filter(|_| counts)?;
            first.get_or_insert_with(|| set.clone());
        }
        Some(Capped { patient, appointment: booking.appointment, rules: first?, at: placed.at.clone() })
    }

    /// What speaks against an online booking, each with the event that it speaks of.
    fn admitted(
        &mut self,
        booked: &AppointmentBooked,
        placed: &Placed<AgendaDayEvent>,
    ) -> Vec<(String, EventRef, &'static str)> {
        const RULE: &str = "unpublished";
        let AppointmentBooked { booking, placement, hold } = booked;
        let now = placed.metadata.occurred_at;
        let own = || placed.at.clone();
        let Some(admission) = &booking.admission else {
            return vec![("an online booking says nothing of the rules that admitted it".to_owned(), own(), RULE)];
        };
        let slot = match &placement.sources[..] {
            [source] if source.span == placement.span && placement.occupies == placement.span => {
                self.slots.get(&source.slot)
            }
            _ => None,
        };
        let Some(slot) = slot.filter(|slot| slot.facts.availability_at(placement.span.start) == Some(placement.span))
        else {
            return vec![("an online booking takes what is no availability of that day".to_owned(), own(), RULE)];
        };
        let published = slot.published.clone();
        let held = hold.and_then(|id| self.holds.iter().find(|held| held.hold == id)).filter(|held| {
            now < held.until
                && held.slot == slot.facts.id
                && held.span == placement.span
                && Some(held.visit) == booking.visit
        });
        let mut found = Vec::new();
        if hold.is_some() && held.is_none() {
            found.push(("a booking rests on a hold that its visit did not have".to_owned(), own(), "hold_ignored"));
        }
        if slot.dropped.contains(&placement.span.start) || (slot.withdrawn && held.is_none()) {
            found.push(("an availability that had been taken back was booked".to_owned(), published.clone(), RULE));
        }
        let freedom = held.map_or(Freedom::Free, |held| Freedom::Own(held.placed_at));
        let Some(History { events, states }) = self.rules.clinics.get_mut(&booking.clinic) else {
            found.push(("a booking of a clinic that the log does not know".to_owned(), own(), RULE));
            return found;
        };
        let event_at = |revision: u64| events.get(usize::try_from(revision).unwrap_or(usize::MAX));
        let revision = admission.clinic_revision;
        // The first later change is the earliest.
        let later = event_at(revision.saturating_add(1));
        let before =
            |event: &&Placed<ClinicEvent>| placed.metadata.received_at.since(event.metadata.occurred_at) > RACE_MICROS;
        if let Some(later) = later.filter(before) {
            let what = format!("a booking rests on the rules of revision {revision}, which had been changed before");
            found.push((what, later.at.clone(), "stale_rules"));
        }
        let of = |revision: Option<u64>| {
            revision.and_then(event_at).map_or_else(|| published.clone(), |event| event.at.clone())
        };
        if event_at(revision).is_none_or(|rules| rules.at.leaf > placed.at.leaf) {
            found.push((format!("a booking rests on rules of revision {revision}, which were not there"), own(), RULE));
            return found;
        }
        let Some(clinic) = rules_at(events, states, revision) else { return found };
        let Some(service) = clinic.services.get(&admission.service) else {
            found.push(("a service was booked that the rules did not know".to_owned(), of(Some(revision)), RULE));
            return found;
        };
        if criteria_met(service) != admission.criteria_met {
            let what = "a booking names other criteria than its service had".to_owned();
            found.push((what, of(Some(service.touched)), RULE));
        }
        let viewer = ViewerFacts { class: admission.viewer_class, ..ViewerFacts::unrecognized(booking.visit) };
        let candidate = Candidate { slot: &slot.facts, span: placement.span, freedom };
        for finding in evaluate(clinic, service, &candidate, &viewer, now).findings {
            if finding.passed || needs_keys(finding.rule, &service.config.criteria) {
                continue;
            }
            let what = format!("an availability was booked that was not offered (rule {})", finding.rule.name());
            found.push((what, of(finding.revision), RULE));
        }
        found
    }
}

/// Criteria on the record (age, sex, registration) cannot be asked without the keys; nor can caps.
fn needs_keys(rule: Rule, criteria: &[Criterion]) -> bool {
    match rule {
        Rule::Criterion(place) => !matches!(criteria.get(usize::from(place)), Some(Criterion::ExistingRecord)),
        _ => false,
    }
}

fn set(slot: &mut Slot, facts: &SlotFacts) {
    slot.start = facts.start;
    slot.end = facts.end;
    slot.span = facts.span;
    slot.activity = facts.activity;
    slot.interval_minutes = facts.interval_minutes;
    slot.modality = facts.modality;
    slot.publication = facts.publication;
}
