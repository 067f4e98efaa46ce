//! What was asked for and refused (8.22): counted in memory, written as one event a minute for each count, best effort
//! and off the path of requests. No personal data.

use booking_domain::demand::{DemandCounted, DemandEvent};
use booking_domain::ids::{ClinicId, ServiceId};
use booking_domain::stream::StreamName;
use booking_domain::time::Instant;
use booking_domain::values::{DemandReason, ViewerClass};
use booking_engine::Engine;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

type Kind = (ClinicId, Option<ServiceId>, DemandReason, ViewerClass);

/// Counts refusals until they are written.
pub struct DemandCounter {
    writer: Uuid,
    counts: Mutex<(Instant, HashMap<Kind, u32>)>,
}

impl DemandCounter {
    /// A counter with a random id of its own, so that nobody contends on its streams.
    pub fn new(engine: &Engine) -> Self {
        Self { writer: engine.fresh_command().0, counts: Mutex::new((engine.now(), HashMap::new())) }
    }

    /// Counts one refusal.
    pub fn count(&self, clinic: ClinicId, service: Option<ServiceId>, reason: DemandReason, viewer: ViewerClass) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.1.entry((clinic, service, reason, viewer)).or_default() += 1;
    }

    /// Writes what was counted since the last time. What cannot be written is counted again.
    pub async fn flush(&self, engine: &Engine) {
        let until = engine.now();
        let (from, counted) = {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *counts, (until, HashMap::new()))
        };
        let mut by_clinic: HashMap<ClinicId, Vec<DemandEvent>> = HashMap::new();
        for ((clinic, service, reason, viewer), count) in counted {
            let counted = DemandCounted { clinic, service, reason, viewer, count, from, until };
            by_clinic.entry(clinic).or_default().push(DemandEvent::DemandCounted(counted));
        }
        for (clinic, events) in by_clinic {
            let Ok(rules) = engine.rules(clinic).await else { continue };
            let today = until.wall(rules.state.zone()).0;
            let stream = StreamName::demand(clinic, today, self.writer);
            if let Err(error) = engine.observe(clinic, &stream, &events).await {
                tracing::warn!(%error, "demand was not recorded; it is counted again");
                for DemandEvent::DemandCounted(e) in events {
                    (0..e.count).for_each(|_| self.count(e.clinic, e.service, e.reason, e.viewer));
                }
            }
        }
    }
}
