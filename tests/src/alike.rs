//! Whether two sets of read models over one log show the same: those that lived through something, and those that were made
//! from the first event on.

use async_trait::async_trait;
use booking_domain::ids::{ClinicId, ServiceId, SubjectId};
use booking_domain::person::Profile;
use booking_domain::sealed::Sealed;
use booking_domain::time::Instant;
use booking_domain::visibility::ViewerFacts;
use booking_projections::agenda::render;
use booking_projections::availability::{DayParts, Offer, Query, Weekdays};
use booking_projections::{ProfileOpener, RunnerOptions, Views};
use booking_store::{EventStore, Recorded};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Opens no profiles: names are not compared.
struct Nobody;

#[async_trait]
impl ProfileOpener for Nobody {
    async fn open_profiles(&self, _: ClinicId, sealed: &[(SubjectId, Sealed)]) -> Vec<Option<Profile>> {
        vec![None; sealed.len()]
    }
}

/// The read models in this file, made if there is none, as far as the log goes; none if the log is empty.
pub async fn opened(path: &Path, log: &Arc<dyn EventStore>, patience: Duration) -> Option<Views> {
    let views = Views::open(path, Arc::clone(log), Arc::new(Nobody), RunnerOptions::default()).await.unwrap();
    views.start();
    let head = log.head().await.unwrap()?;
    assert!(views.wait_for_all(head, patience).await, "the views do not catch up: {:?}", views.status());
    Some(views)
}

/// What differs between two, as a clinic is shown by them at a moment.
pub async fn differences(
    [one, other]: [&Views; 2],
    events: &[Recorded],
    (clinic, service): (ClinicId, ServiceId),
    now: Instant,
) -> Vec<String> {
    let mut differ = Vec::new();
    let mut compare = |what: &str, same: bool| {
        if !same {
            differ.push(what.to_owned());
        }
    };
    let [a, b] = [one, other].map(|v| v.clinics.clinic(clinic));
    compare("the clinic", a == b);
    let days: BTreeSet<_> = events.iter().filter_map(|e| e.stream.as_agenda_day()).collect();
    for (agenda, date) in days {
        let [a, b] = [one.agenda.day(agenda, date).await.unwrap(), other.agenda.day(agenda, date).await.unwrap()];
        compare(&format!("the agenda {agenda} on {date}"), a == b);
        if let (Some(a), Some(b), Some(clinic)) = (a, b, one.clinics.clinic(clinic)) {
            let [a, b] = [a, b].map(|day| render(&clinic, agenda, date, &day, now));
            compare(&format!("what the agenda {agenda} shows on {date}"), a == b);
        }
        let [a, b] = [one, other].map(|v| v.availability.day(agenda, date));
        compare(&format!("the availability of {agenda} on {date}"), a == b);
    }
    let always = (Instant(i64::MIN), Instant(i64::MAX));
    let rows = async |v: &Views| v.appointments.in_range(clinic, always, None, None, 1_000_000).await.unwrap();
    compare("appointments", rows(one).await == rows(other).await);
    let [a, b] = [one, other].map(|views| offers(views, (clinic, service), now));
    compare("offers", a == b);
    differ
}

/// Everything that a stranger is offered in a year.
fn offers(views: &Views, (clinic, service): (ClinicId, ServiceId), now: Instant) -> Vec<Offer> {
    let clinic = views.clinics.clinic(clinic).unwrap();
    let today = now.wall(clinic.zone()).0;
    let page = views.availability.query(&Query {
        clinic: &clinic,
        service,
        viewer: &ViewerFacts::unrecognized(None),
        from: today,
        to: today.plus_days(366),
        practitioners: None,
        weekdays: Weekdays::ALL,
        parts: DayParts::ALL,
        now,
        after: None,
        limit: usize::MAX,
        count_days: true,
    });
    page.offers
}
