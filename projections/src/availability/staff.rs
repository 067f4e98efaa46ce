//! What is asked of all availabilities at once: what a service would put online, how much is open, and what is online.

use super::Availability;
use booking_domain::agenda_day::Freedom;
use booking_domain::clinic::{Clinic, Service};
use booking_domain::ids::{PractitionerId, ServiceId};
use booking_domain::time::Instant;
use booking_domain::visibility::{Cloud, cloud};
use std::collections::BTreeMap;

/// What a clinic has online, whoever asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Online {
    /// Something is published and free.
    Now,
    /// Nothing is; the next is published then.
    From(Instant),
    /// Nothing is, and no moment is known.
    Nothing,
}

/// Availabilities that are looked at for the next moment, soonest first.
const LOOKED_AT: usize = 20_000;

impl Availability {
    /// Whether anything free is published now, by the rules that make the clouds of the staff agenda, and if not, the
    /// moment at which the next is. What is held counts as free: it may come back.
    pub fn online(&self, clinic: &Clinic, now: Instant) -> Online {
        let Some(days) = clinic.id().and_then(|id| self.days(id)) else { return Online::Nothing };
        let today = now.wall(clinic.zone()).0.plus_days(-1);
        let ahead = days.range(today..).flat_map(|(_, agendas)| agendas.values());
        let open = ahead.flat_map(|day| day.left_open(now)).filter(|(slot, _)| slot.activity.is_some());
        let mut next: Option<Instant> = None;
        for (slot, span) in open.take(LOOKED_AT) {
            match cloud(clinic, slot, span, now).0 {
                Cloud::Published => return Online::Now,
                Cloud::Scheduled(at) => next = Some(next.map_or(at, |next| next.min(at))),
                Cloud::None => {}
            }
        }
        next.map_or(Online::Nothing, Online::From)
    }

    /// How many free availabilities of each practitioner a service would put online now, and how many later (R7, R37).
    ///
    /// The portal counts as switched on, so that a clinic can look before it opens.
    pub fn preview(&self, clinic: &Clinic, candidate: &Service, now: Instant) -> Vec<(PractitionerId, usize, usize)> {
        let mut alone = clinic.clone();
        alone.portal.active = true;
        alone.services = BTreeMap::from([(ServiceId::default(), candidate.clone())]);
        let mut counts: BTreeMap<PractitionerId, (usize, usize)> = BTreeMap::new();
        let Some(days) = clinic.id().and_then(|id| self.days(id)) else { return vec![] };
        let today = now.wall(clinic.zone()).0.plus_days(-1);
        for day in days.range(today..).flat_map(|(_, agendas)| agendas.values()) {
            for (slot, pieces) in day.left().filter(|(s, _)| s.activity.is_some() && s.span.end > now) {
                for span in pieces {
                    if matches!(day.occupancy.freedom(slot, span, None, None, now), Freedom::Blocked(_)) {
                        continue;
                    }
                    let entry = match cloud(&alone, slot, span, now).0 {
                        Cloud::None => continue,
                        cloud => (counts.entry(slot.practitioner).or_default(), cloud),
                    };
                    match entry.1 {
                        Cloud::Published => entry.0.0 += 1,
                        _ => entry.0.1 += 1,
                    }
                }
            }
        }
        counts.into_iter().map(|(practitioner, (now, later))| (practitioner, now, later)).collect()
    }

    /// How many availabilities of the clinic have not started and are taken by nobody; what is held counts as open.
    pub fn open_count(&self, clinic: &Clinic, now: Instant) -> usize {
        let Some(days) = clinic.id().and_then(|id| self.days(id)) else { return 0 };
        let today = now.wall(clinic.zone()).0;
        let of_today = days.range(today.plus_days(-1)..=today).flat_map(|(_, agendas)| agendas.values());
        let left = of_today.map(|day| day.left_open(now).count());
        let later = days.range(today.plus_days(1)..).flat_map(|(_, agendas)| agendas.values());
        left.sum::<usize>() + later.map(|day| day.open as usize).sum::<usize>()
    }
}
