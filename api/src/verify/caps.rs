//! Caps on future appointments (8.4): no claim was taken beyond the cap, and no booking was made under a cap without a claim.
//!
//! A claim records no revision of the rules: it is flagged only if whichever of the rules may have bound it refused it.
//! Whether a claim was given back too early stands on other days, and is not looked at.

use super::clinics::{Placed, Rules};
use super::report::{EventRef, Violation};
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AppointmentId, PatientId, ServiceId};
use booking_domain::quota::{QuotaEvent, QuotaTaken};

/// A booking under a cap.
pub(super) struct Capped {
    pub patient: PatientId,
    pub appointment: AppointmentId,
    /// The event that the cap rests on.
    pub rules: EventRef,
    pub at: EventRef,
}

/// The cap of a service: its own, else the clinic's.
pub(super) fn cap_of(clinic: &Clinic, service: ServiceId) -> Option<u16> {
    let own = clinic.services.get(&service).and_then(|service| service.config.max_future_appointments);
    own.or(clinic.settings.max_future_appointments)
}

/// Holds a person's claims against the rules.
pub(super) fn claims(rules: &mut Rules, events: &[Placed<QuotaEvent>]) -> Vec<Violation> {
    let mut open: Vec<(QuotaTaken, &EventRef)> = Vec::new();
    let mut found = Vec::new();
    for placed in events {
        match &placed.event {
            QuotaEvent::QuotaReleased(e) => open.retain(|(claim, _)| claim.booking != e.booking),
            QuotaEvent::QuotaTaken(e) => {
                let others: Vec<_> = open.iter().filter(|(claim, _)| claim.service == e.service).collect();
                let (first, count) = (others.first().map(|(_, at)| (*at).clone()), others.len());
                let clinic = placed.metadata.clinic;
                let mut binding = rules.binding(clinic, placed.at.leaf, placed.metadata.received_at);
                let mut refuses = |revision| {
                    let cap = rules.at(clinic, revision).and_then(|(rules, _)| cap_of(rules, e.service));
                    cap.is_some_and(|cap| count >= usize::from(cap))
                };
                if let Some(first) = first
                    && !binding.is_empty()
                    && binding.all(&mut refuses)
                {
                    let what = format!("a claim was taken beyond the cap, where {count} were there");
                    found.push(Violation { rule: "cap", what, events: [first, placed.at.clone()] });
                }
                open.push((*e, &placed.at));
            }
        }
    }
    found
}

/// Holds a booking under a cap against its person's claims, whole.
pub(super) fn claimed(capped: &Capped, events: &[Placed<QuotaEvent>]) -> Option<Violation> {
    let before = events.iter().take_while(|placed| placed.at.leaf < capped.at.leaf);
    let taken = |placed: &Placed<QuotaEvent>| matches!(&placed.event, QuotaEvent::QuotaTaken(claim) if claim.booking == capped.appointment);
    if before.into_iter().any(taken) {
        return None;
    }
    let what = "a booking was made under a cap without a claim".to_owned();
    Some(Violation { rule: "cap", what, events: [capped.rules.clone(), capped.at.clone()] })
}
