//! An availability as patients see it, alone and on a page of many.

use crate::http::wire::{PublicPractitioner, Shared, When, availability_ref};
use booking_domain::agenda_day::Selected;
use booking_domain::clinic::Clinic;
use booking_domain::time::{Span, WallDate, WallTime};
use booking_engine::Place;
use booking_projections::availability::Offer;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// An availability as patients see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct PublicAvailability {
    /// Opaque reference: what is held and booked.
    pub(crate) availability: String,
    /// When it is.
    #[serde(flatten)]
    #[schema(value_type = When)]
    pub(crate) when: Shared<When>,
    /// With whom.
    #[schema(value_type = PublicPractitioner)]
    pub(crate) practitioner: Shared<PublicPractitioner>,
    /// `in_person`, `video`, `telephone` or `home_visit`.
    pub(crate) modality: &'static str,
    /// This visit holds it.
    pub(crate) held_by_you: bool,
}

impl PublicAvailability {
    pub fn new(clinic: &Clinic, offer: &Offer) -> Self {
        let practitioner = Shared::new(PublicPractitioner::of(clinic, offer.practitioner));
        Self::of(offer, when(clinic, offer), practitioner)
    }

    /// A page of offers. They come in the order of their starts, so that those of one time stand together: it is written
    /// once for them all, and so is each practitioner.
    pub fn page(clinic: &Clinic, offers: &[Offer]) -> Vec<Self> {
        let mut practitioners = BTreeMap::new();
        let mut page = Vec::with_capacity(offers.len());
        for together in offers.chunk_by(|a, b| time_of(a) == time_of(b)) {
            let Some(first) = together.first() else { continue };
            let when = when(clinic, first);
            page.extend(together.iter().map(|offer| {
                let known = practitioners.entry(offer.practitioner);
                let made = || Shared::new(PublicPractitioner::of(clinic, offer.practitioner));
                Self::of(offer, when.clone(), known.or_insert_with(made).clone())
            }));
        }
        page
    }

    fn of(offer: &Offer, when: Shared<When>, practitioner: Shared<PublicPractitioner>) -> Self {
        let selected = Selected { slot: offer.slot, start: offer.span.start };
        let place = Place { agenda: offer.agenda, date: offer.date, selected };
        Self {
            availability: availability_ref(place),
            when,
            practitioner,
            modality: offer.modality.name(),
            held_by_you: offer.own_hold,
        }
    }
}

/// All that [`When`] is made of, in one clinic.
fn time_of(offer: &Offer) -> (Span, WallDate, WallTime, WallTime) {
    (offer.span, offer.date, offer.start_time, offer.end_time)
}

fn when(clinic: &Clinic, offer: &Offer) -> Shared<When> {
    let (span, date, start, end) = time_of(offer);
    Shared::new(When::new(span, date, start, end, clinic.zone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_domain::clinic::{ClinicEvent, ClinicRegistered, PractitionerRegistered};
    use booking_domain::ids::{AgendaId, ClinicId, MemberId, PractitionerId, SlotId};
    use booking_domain::time::{Instant, Tz};
    use booking_domain::values::{Localized, Modality, Stamp};
    use serde_json::{Value, json};

    /// In Toronto, on the day on which half past one comes twice.
    const MIDNIGHT: Instant = Instant(1_793_505_600_000_000);

    fn clinic() -> Clinic {
        let mut clinic = Clinic::default();
        let registered = ClinicRegistered {
            clinic: ClinicId::from_bytes([1; 16]),
            name: "Clinique".into(),
            zone: "America/Toronto".into(),
            administrator: MemberId::from_bytes([2; 16]),
        };
        let stamp = Stamp { revision: 0, occurred_at: MIDNIGHT };
        clinic.evolve(&ClinicEvent::ClinicRegistered(registered), stamp);
        for n in 0..3 {
            let hired = PractitionerRegistered {
                practitioner: PractitionerId::from_bytes([n; 16]),
                name: format!("Dre \"{n}\""),
                profession: Localized::new("Médecin", "Physician"),
            };
            clinic.evolve(&ClinicEvent::PractitionerRegistered(hired), stamp);
        }
        clinic
    }

    /// Offers that begin together and end apart, that are written alike and are not, of practitioners known and unknown.
    fn offers() -> Vec<Offer> {
        let date = WallDate::from_ymd(2026, 11, 1).unwrap();
        let mut offers = Vec::new();
        for (place, n) in (0_i64..48).zip((0_u8..4).cycle()) {
            let span = Span::minutes(MIDNIGHT.plus_minutes(place / 6 * 30), if place % 5 == 0 { 20 } else { 15 });
            let (start, end) = (span.start.wall(Tz::America__Toronto).1, span.end.wall(Tz::America__Toronto).1);
            offers.push(Offer {
                agenda: AgendaId::from_bytes([n; 16]),
                practitioner: PractitionerId::from_bytes([n; 16]),
                slot: SlotId::from_bytes([n; 16]),
                date: if place % 11 == 0 { date.plus_days(1) } else { date },
                start_time: if place % 7 == 0 { WallTime(start.0 + 1) } else { start },
                end_time: end,
                span,
                modality: Modality::Video,
                own_hold: place % 3 == 0,
            });
        }
        offers
    }

    /// The same, written from the offer alone.
    fn expected(clinic: &Clinic, offer: &Offer) -> Value {
        let place = Place {
            agenda: offer.agenda,
            date: offer.date,
            selected: Selected { slot: offer.slot, start: offer.span.start },
        };
        let known = clinic.practitioners.get(&offer.practitioner);
        json!({
            "availability": availability_ref(place),
            "start": offer.span.start.rfc3339(Tz::America__Toronto),
            "end": offer.span.end.rfc3339(Tz::America__Toronto),
            "date": offer.date.to_string(),
            "start_time": offer.start_time.to_string(),
            "end_time": offer.end_time.to_string(),
            "duration_minutes": offer.span.len_minutes(),
            "time_zone": "America/Toronto",
            "practitioner": {
                "id": offer.practitioner.0,
                "name": known.map_or("", |p| &p.name),
                "profession": {
                    "fr": known.map_or("", |p| &p.profession.fr),
                    "en": known.map_or("", |p| &p.profession.en),
                },
            },
            "modality": "video",
            "held_by_you": offer.own_hold,
        })
    }

    #[test]
    fn what_offers_share_stands_with_each_of_them() {
        let (clinic, offers) = (clinic(), offers());
        let alone: Vec<_> = offers.iter().map(|offer| PublicAvailability::new(&clinic, offer)).collect();
        let page = PublicAvailability::page(&clinic, &offers);
        assert_eq!(serde_json::to_string(&page).unwrap(), serde_json::to_string(&alone).unwrap());
        let expected: Vec<Value> = offers.iter().map(|offer| expected(&clinic, offer)).collect();
        assert_eq!(serde_json::to_value(&page).unwrap(), Value::Array(expected));
    }
}
