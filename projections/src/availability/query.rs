//! Pages of offers: narrowed by the index, decided by the domain, sorted by start.
//!
//! Days lie in order and do not overlap, so a page is built day by day: what is left of a day is sorted, then asked about
//! one by one until the page is full. Only a count by day asks about all of it.

use super::Availability;
use super::shelf::{Agendas, Day};
use booking_domain::agenda_day::{Freedom, Slot, wall_times};
use booking_domain::clinic::{Clinic, Service};
use booking_domain::ids::{AgendaId, PractitionerId, ServiceId, SlotId};
use booking_domain::time::{Instant, Span, Tz, WallDate, WallTime};
use booking_domain::values::Modality;
use booking_domain::visibility::{Candidate, ViewerFacts, is_offered};
use serde::{Deserialize, Serialize};

/// A part of the day, by the start on the clinic's wall.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum DayPart {
    /// Before 12:00.
    Morning,
    /// From 12:00, before 17:00.
    Afternoon,
    /// From 17:00.
    Evening,
}

impl DayPart {
    /// The part that a wall time lies in.
    pub const fn of(time: WallTime) -> Self {
        match time.0 {
            0..720 => Self::Morning,
            720..1020 => Self::Afternoon,
            _ => Self::Evening,
        }
    }
    const fn bit(self) -> u8 {
        match self {
            Self::Morning => 1,
            Self::Afternoon => 2,
            Self::Evening => 4,
        }
    }
}

/// A set of parts of the day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DayParts(u8);

impl DayParts {
    /// The whole day.
    pub const ALL: Self = Self(7);
    /// Only these.
    pub fn only(parts: impl IntoIterator<Item = DayPart>) -> Self {
        Self(parts.into_iter().fold(0, |set, part| set | part.bit()))
    }
    /// True if it lies in one of them.
    pub const fn holds(self, time: WallTime) -> bool {
        self.0 & DayPart::of(time).bit() != 0
    }
}

/// A set of weekdays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Weekdays(u8);

impl Weekdays {
    /// Every day.
    pub const ALL: Self = Self(0x7f);
    /// Only these; Monday is 0, Sunday is 6.
    pub fn only(days: impl IntoIterator<Item = u8>) -> Self {
        Self(days.into_iter().filter(|day| *day < 7).fold(0, |set, day| set | 1 << day))
    }
    /// True if the date falls on one of them.
    pub fn holds(self, date: WallDate) -> bool {
        self.0 & (1 << date.weekday()) != 0
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The clinic as it is.
    pub clinic: &'a Clinic,
    /// The service.
    pub service: ServiceId,
    /// Who asks.
    pub viewer: &'a ViewerFacts,
    /// First day.
    pub from: WallDate,
    /// Last day, included.
    pub to: WallDate,
    /// Only these practitioners; none: all.
    pub practitioners: Option<&'a [PractitionerId]>,
    /// Only these weekdays.
    pub weekdays: Weekdays,
    /// Only these parts of the day.
    pub parts: DayParts,
    /// When it is asked.
    pub now: Instant,
    /// Continue after this offer.
    pub after: Option<OfferKey>,
    /// Offers of the page.
    pub limit: usize,
    /// Also count the offers of every day asked for, whatever the page.
    pub count_days: bool,
}

/// Where an offer stands in the order of all offers: by day and start, then agenda and slot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct OfferKey {
    /// Wall date.
    pub date: WallDate,
    /// Start.
    pub start: Instant,
    /// Agenda.
    pub agenda: AgendaId,
    /// Slot.
    pub slot: SlotId,
}

/// An availability that the viewer may book now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offer {
    /// Its agenda.
    pub agenda: AgendaId,
    /// Whose it is.
    pub practitioner: PractitionerId,
    /// Its slot.
    pub slot: SlotId,
    /// Wall date.
    pub date: WallDate,
    /// Wall time of the start.
    pub start_time: WallTime,
    /// Wall time of the end, up to 24:00.
    pub end_time: WallTime,
    /// The same as instants.
    pub span: Span,
    /// How the appointment would take place.
    pub modality: Modality,
    /// The viewer holds it.
    pub own_hold: bool,
}

impl Offer {
    /// Its place in the order of all offers.
    pub const fn key(&self) -> OfferKey {
        OfferKey { date: self.date, start: self.span.start, agenda: self.agenda, slot: self.slot }
    }
}

/// A page of offers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OfferPage {
    /// In order.
    pub offers: Vec<Offer>,
    /// Continue after this one; none: there is no more.
    pub next: Option<OfferKey>,
    /// Days with offers and how many; only if they were asked for.
    pub days: Vec<(WallDate, usize)>,
}

/// What is left of a day and was asked for; whether it is free is not asked yet.
struct Found<'a> {
    key: OfferKey,
    span: Span,
    slot: &'a Slot,
    day: &'a Day,
}

impl Query<'_> {
    fn wants(&self, practitioner: PractitionerId) -> bool {
        self.practitioners.is_none_or(|wanted| wanted.contains(&practitioner))
    }

    /// What of a day could be offered, in order. Leaves out only what the domain would refuse, or nobody asked for.
    fn candidates<'a>(&self, service: &Service, date: WallDate, agendas: &'a Agendas, found: &mut Vec<Found<'a>>) {
        found.clear();
        let after = self.after.filter(|_| !self.count_days);
        for (agenda, day) in agendas {
            for (slot, pieces) in day.left() {
                let linked = slot.activity.is_some_and(|a| service.config.activities.contains(&a));
                if !linked || !self.wants(slot.practitioner) || slot.span.end <= self.now {
                    continue;
                }
                let ahead = pieces.filter(|span| span.start > self.now).map(|span| {
                    let key = OfferKey { date, start: span.start, agenda: *agenda, slot: slot.id };
                    Found { key, span, slot, day }
                });
                found.extend(ahead.filter(|found| after.is_none_or(|after| found.key > after)));
            }
        }
        found.sort_unstable_by_key(|f| f.key);
    }

    /// Whether a candidate is offered, and if so, as what.
    fn judged(&self, service: &Service, found: &Found<'_>) -> Option<Freedom> {
        let Found { span, slot, day, .. } = found;
        if self.parts != DayParts::ALL && !self.parts.holds(span.start.wall(self.clinic.zone()).1) {
            return None;
        }
        let freedom = day.occupancy.freedom(slot, *span, self.viewer.visit, None, self.now);
        let asked = Candidate { slot, span: *span, freedom };
        is_offered(self.clinic, service, &asked, self.viewer, self.now).then_some(freedom)
    }

    fn offer(&self, found: &Found<'_>, freedom: Freedom, clock: &mut WallClock) -> Offer {
        let Found { key, span, slot, .. } = found;
        let (start_time, end_time) = clock.shows(*span, slot.date).unwrap_or((slot.start, slot.end));
        Offer {
            agenda: key.agenda,
            practitioner: slot.practitioner,
            slot: slot.id,
            date: slot.date,
            start_time,
            end_time,
            span: *span,
            modality: modality_of(self.clinic, slot),
            own_hold: matches!(freedom, Freedom::Own(_)),
        }
    }
}

/// The clinic's clock at the times of a page. They come in order and many are the same: each is looked up once.
struct WallClock {
    zone: Tz,
    looked_up: Option<(Span, WallDate)>,
    shown: Option<(WallTime, WallTime)>,
}

impl WallClock {
    fn of(clinic: &Clinic) -> Self {
        Self { zone: clinic.zone(), looked_up: None, shown: None }
    }

    fn shows(&mut self, span: Span, date: WallDate) -> Option<(WallTime, WallTime)> {
        if self.looked_up != Some((span, date)) {
            self.looked_up = Some((span, date));
            self.shown = wall_times(span, date, self.zone);
        }
        self.shown
    }
}

/// How an appointment in a slot takes place (8.16).
pub(crate) fn modality_of(clinic: &Clinic, slot: &Slot) -> Modality {
    let of_activity = slot.activity.and_then(|a| clinic.activities.get(&a)).map(|a| a.modality);
    slot.modality.or(of_activity).unwrap_or(Modality::InPerson)
}

impl Availability {
    /// The offers to a viewer, in the order of their starts.
    pub fn query(&self, query: &Query<'_>) -> OfferPage {
        let mut page = OfferPage::default();
        let service = query.clinic.services.get(&query.service);
        let days = query.clinic.id().and_then(|clinic| self.days(clinic));
        let (Some(service), Some(days)) = (service, days) else { return page };
        if query.from > query.to {
            return page;
        }
        // Yesterday is over everywhere; what is left of today is decided one by one.
        let mut first = query.from.max(query.now.wall(query.clinic.zone()).0.plus_days(-1));
        if let Some(after) = query.after.filter(|_| !query.count_days) {
            first = first.max(after.date);
        }
        if first > query.to {
            return page;
        }
        let mut found = Vec::new();
        let mut clock = WallClock::of(query.clinic);
        for (date, agendas) in days.range(first..=query.to).filter(|(date, _)| query.weekdays.holds(**date)) {
            query.candidates(service, *date, agendas, &mut found);
            let mut count = 0;
            for candidate in &found {
                let Some(freedom) = query.judged(service, candidate) else { continue };
                count += 1;
                if query.after.is_some_and(|after| candidate.key <= after) {
                    continue;
                }
                if page.offers.len() < query.limit {
                    page.offers.push(query.offer(candidate, freedom, &mut clock));
                    continue;
                }
                page.next = page.offers.last().map(Offer::key);
                if !query.count_days {
                    return page;
                }
            }
            if query.count_days && count > 0 {
                page.days.push((*date, count));
            }
        }
        page
    }

    /// The `n` offers nearest to an instant, the nearest first: what else there is when something was taken.
    ///
    /// Days and filters are the query's; its page is not.
    pub fn nearest(&self, query: &Query<'_>, around: Instant, n: usize) -> Vec<Offer> {
        const HOUR: u64 = 3_600_000_000;
        let middle = around.wall(query.clinic.zone()).0;
        let distance = |offer: &Offer| offer.span.start.since(around).unsigned_abs();
        let mut reach = 1;
        let mut near = loop {
            let (low, high) = (middle.plus_days(-reach), middle.plus_days(reach));
            let (from, to) = (low.max(query.from), high.min(query.to));
            let all = Query { from, to, after: None, limit: usize::MAX, count_days: false, ..*query };
            let mut near = self.query(&all).offers;
            near.sort_by_key(|offer| (distance(offer), offer.key()));
            // Days may be 23 hours long: nothing beyond the reach is nearer than this.
            let sure = u64::try_from(reach).unwrap_or(0) * 23 * HOUR;
            let enough = n == 0 || near.get(n - 1).is_some_and(|last| distance(last) <= sure);
            if enough || low <= query.from && high >= query.to {
                break near;
            }
            reach *= 2;
        };
        near.truncate(n);
        near
    }
}
