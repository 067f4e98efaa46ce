//! The availability view over a world's log: fed event by event through its own fold, shown as it is served.

use booking_domain::agenda_day::DayOccupancy;
use booking_domain::ids::{AgendaId, ServiceId};
use booking_domain::time::{Instant, WallDate};
use booking_domain::visibility::ViewerFacts;
use booking_projections::availability::{Availability, DayParts, DayRow, Offer, Query, Weekdays};
use booking_projections::{Envelope, Rows, View};
use booking_store::Recorded;
use booking_tests::World;
use std::collections::BTreeSet;

/// The view as it stands after these events.
pub async fn served(log: &[Recorded]) -> Availability {
    let view = Availability::default();
    let mut rows: Rows<(AgendaId, WallDate), DayRow> = Rows::default();
    let mut keys = BTreeSet::new();
    for event in log.iter().filter(|e| Availability::CATEGORIES.contains(&e.stream.category())) {
        let event = Envelope::read(event).unwrap();
        keys.extend(view.keys(&event));
        view.fold(&event, &mut rows).unwrap();
    }
    let shown: Vec<_> = keys.iter().filter_map(|key| Some((key, rows.get(key)?))).collect();
    view.publish(&shown).await;
    view
}

/// Every offer of a service to a viewer, page by page.
pub async fn offers(
    world: &World,
    view: &Availability,
    service: ServiceId,
    viewer: &ViewerFacts,
    now: Instant,
    limit: usize,
) -> Vec<Offer> {
    let rules = world.engine.rules(world.clinic).await.unwrap();
    let today = now.wall(rules.state.zone()).0;
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = view.query(&Query {
            clinic: &rules.state,
            service,
            viewer,
            from: today.plus_days(-2),
            to: today.plus_days(800),
            practitioners: None,
            weekdays: Weekdays::ALL,
            parts: DayParts::ALL,
            now,
            after,
            limit,
            count_days: false,
        });
        all.extend(page.offers);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

/// What the view holds of a day.
pub fn occupancy(view: &Availability, key: (AgendaId, WallDate)) -> Option<DayOccupancy> {
    view.day(key.0, key.1)
}
