//! What the one function says, rule by rule.

use super::*;
use crate::agenda_day::{AgendaDayEvent, DayOccupancy, SlotFacts, SlotPublished};
use crate::clinic::ServiceConfig;
use crate::time::WallTime;
use crate::values::Stamp;

#[test]
fn an_unknown_publication_of_a_slot_never_comes() {
    let (start, service) = (Instant(0), Service { config: ServiceConfig::default(), active: true, touched: 0 });
    let moment = |publication| {
        let mut day = DayOccupancy::default();
        let facts = SlotFacts {
            start: WallTime(0),
            end: WallTime(60),
            span: Span::minutes(start, 60),
            activity: None,
            title: None,
            interval_minutes: 20,
            modality: None,
            publication,
        };
        let published = SlotPublished {
            slot: crate::ids::SlotId::default(),
            clinic: crate::ids::ClinicId::default(),
            agenda: crate::ids::AgendaId::default(),
            practitioner: crate::ids::PractitionerId::default(),
            date: WallDate(0),
            origin: Origin::Manual,
            template: None,
            recurrence: None,
            bulk: None,
            facts,
        };
        day.evolve(&AgendaDayEvent::SlotPublished(published), Stamp::default());
        publish_at(&Clinic::default(), &service, &day.slots[0], start)
    };
    assert_eq!(moment(PublicationOverride::Unknown(250)), None);
    assert_eq!(moment(PublicationOverride::MinutesBefore(1)), Some(start.plus_minutes(-1)));
}
