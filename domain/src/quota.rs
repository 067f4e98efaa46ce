//! The future appointments that count against one person's cap (8.4).
//!
//! Stream `quota-{subject}`. The names of the events *are* the storage format. A claim is taken before the
//! appointment is booked on its agenda-day, and that booking is the decisive append (design, section 4). A claim
//! alone is no appointment: whether it is still alive, only its agenda-day knows, so the caller releases dead
//! claims first when the cap seems reached.

use crate::ids::{AgendaId, AppointmentId, ServiceId};
use crate::time::{Instant, WallDate};
use crate::values::Stamp;
use std::collections::BTreeMap;

/// A claim was taken for a booking that is about to be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuotaTaken {
    /// The appointment that will be.
    pub booking: AppointmentId,
    /// The service whose cap it counts against.
    pub service: ServiceId,
    /// The agenda in which the appointment was booked first.
    pub agenda: AgendaId,
    /// The day on which it was booked first.
    pub date: WallDate,
    /// When the claim was taken; after two minutes without a booking anybody may abandon it.
    pub taken_at: Instant,
}

/// A claim was given back: its appointment is past, not live, or will never be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuotaReleased {
    /// The appointment.
    pub booking: AppointmentId,
}

/// What happens to a person's quota.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QuotaEvent {
    /// See [`QuotaTaken`].
    QuotaTaken(QuotaTaken),
    /// See [`QuotaReleased`].
    QuotaReleased(QuotaReleased),
}

/// A person's claims as the events made them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Quota {
    /// Claims that were not released.
    pub claims: BTreeMap<AppointmentId, QuotaTaken>,
    /// Revision that last touched it.
    pub touched: u64,
}

impl Quota {
    /// The claims against one service's cap.
    pub fn of(&self, service: ServiceId) -> impl Iterator<Item = &QuotaTaken> {
        self.claims.values().filter(move |claim| claim.service == service)
    }

    /// Takes in an event of this stream, oldest first.
    pub fn evolve(&mut self, event: &QuotaEvent, stamp: Stamp) {
        self.touched = stamp.revision;
        match event {
            QuotaEvent::QuotaTaken(e) => {
                self.claims.insert(e.booking, *e);
            }
            QuotaEvent::QuotaReleased(e) => {
                self.claims.remove(&e.booking);
            }
        }
    }
}

/// Why a claim is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum QuotaRefusal {
    /// The cap is reached, unless some of these claims are dead: release those and ask again.
    #[error("the person has as many future appointments of this service as the clinic allows")]
    CapReached {
        /// The claims that fill it.
        claims: Vec<QuotaTaken>,
    },
}

/// `TakeQuota`. A patient's cap covers the streams of all merged ids: `cap` is what the others' live claims leave of it.
pub fn decide_take(quota: &Quota, command: QuotaTaken, cap: usize) -> Result<Vec<QuotaEvent>, QuotaRefusal> {
    if quota.claims.contains_key(&command.booking) {
        return Ok(vec![]);
    }
    let claims: Vec<QuotaTaken> = quota.of(command.service).copied().collect();
    if claims.len() >= cap {
        return Err(QuotaRefusal::CapReached { claims });
    }
    Ok(vec![QuotaEvent::QuotaTaken(command)])
}

/// `ReleaseQuota`. Never refused: what is not claimed is released already.
#[must_use]
pub fn decide_release(quota: &Quota, booking: AppointmentId) -> Vec<QuotaEvent> {
    let claimed = quota.claims.contains_key(&booking);
    if claimed { vec![QuotaEvent::QuotaReleased(QuotaReleased { booking })] } else { vec![] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(booking: u8, service: u8) -> QuotaTaken {
        QuotaTaken {
            booking: AppointmentId::from_bytes([booking; 16]),
            service: ServiceId::from_bytes([service; 16]),
            agenda: AgendaId::default(),
            date: WallDate(20_000),
            taken_at: Instant(0),
        }
    }
    fn given(events: impl IntoIterator<Item = QuotaEvent>) -> Quota {
        let mut quota = Quota::default();
        for (revision, event) in (0..).zip(events) {
            quota.evolve(&event, Stamp { revision, ..Stamp::default() });
        }
        quota
    }

    #[test]
    fn a_cap_counts_the_claims_of_its_own_service() {
        let quota = given([claim(1, 1), claim(2, 2)].map(QuotaEvent::QuotaTaken));
        assert_eq!(decide_take(&quota, claim(3, 1), 2), Ok(vec![QuotaEvent::QuotaTaken(claim(3, 1))]));
        let full = decide_take(&quota, claim(3, 1), 1);
        assert_eq!(full, Err(QuotaRefusal::CapReached { claims: vec![claim(1, 1)] }));
        assert_eq!(decide_take(&quota, claim(3, 3), 0), Err(QuotaRefusal::CapReached { claims: vec![] }));
    }

    #[test]
    fn claiming_again_for_the_same_booking_is_nothing_even_at_the_cap() {
        let quota = given([QuotaEvent::QuotaTaken(claim(1, 1))]);
        assert_eq!(decide_take(&quota, claim(1, 1), 1), Ok(vec![]));
    }

    #[test]
    fn a_released_claim_makes_room_and_is_released_once() {
        let taken = QuotaEvent::QuotaTaken(claim(1, 1));
        let released = decide_release(&given([taken]), claim(1, 1).booking);
        let quota = given([taken].into_iter().chain(released));
        assert_eq!(quota.of(claim(1, 1).service).count(), 0);
        assert_eq!(decide_release(&quota, claim(1, 1).booking), vec![]);
        assert_eq!(decide_take(&quota, claim(2, 1), 1).map(|e| e.len()), Ok(1));
    }
}
