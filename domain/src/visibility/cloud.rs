//! The cloud icons of the staff agenda: what is online, and what will be, by the same rules that decide what is offered.

use super::{Candidate, Rule, ViewerFacts, last_bookable, publish_at, walk};
use crate::agenda_day::{Freedom, Slot};
use crate::clinic::Clinic;
use crate::time::{Instant, Span};
use std::ops::ControlFlow;

/// What staff see on an availability (4.8): the best state over all services.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cloud {
    /// It does not qualify for online booking, or can no longer be booked online.
    None,
    /// It qualifies and will be published then.
    Scheduled(Instant),
    /// It is published now.
    Published,
}

/// The publication of one availability by one service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Publication {
    /// The service.
    pub service: crate::ids::ServiceId,
    /// Its moment; [`Instant::MIN`] means at once.
    pub at: Instant,
}

/// The services that put an availability online, each with its moment, and the icon that follows. A held
/// availability keeps its icon (8.29); past the minimum notice there is no cloud (8.2).
#[must_use]
pub fn cloud(clinic: &Clinic, slot: &Slot, span: Span, now: Instant) -> (Cloud, Vec<Publication>) {
    let mut publications = Vec::new();
    let mut cloud = Cloud::None;
    if !clinic.portal.active {
        return (cloud, publications);
    }
    let candidate = Candidate { slot, span, freedom: Freedom::Free };
    for (id, service) in &clinic.services {
        let mut qualifies = true;
        let mut in_time = true;
        let _ = walk(clinic, service, &candidate, &ViewerFacts::unrecognized(None), now, &mut |f| {
            match f.rule {
                // Who may see it is another question than whether it is online.
                Rule::Recognition | Rule::Criterion(_) | Rule::Cap | Rule::Free | Rule::Published => {}
                Rule::NotStarted | Rule::MinNotice => in_time &= f.passed,
                _ => qualifies &= f.passed,
            }
            ControlFlow::Continue(())
        });
        let Some(at) = publish_at(clinic, service, slot, span.start).filter(|_| qualifies) else { continue };
        publications.push(Publication { service: *id, at });
        if !in_time {
            continue;
        }
        // A moment that comes too late to book is no moment to wait for.
        let reachable = at <= last_bookable(clinic, service, span.start);
        cloud = match (cloud, at <= now) {
            (_, true) | (Cloud::Published, _) => Cloud::Published,
            (before, false) if !reachable => before,
            (Cloud::Scheduled(before), false) => Cloud::Scheduled(before.min(at)),
            (Cloud::None, false) => Cloud::Scheduled(at),
        };
    }
    (cloud, publications)
}
