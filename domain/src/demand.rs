//! What was asked for on the portal, and what became of it (8.22): unmet demand, counted without personal data.
//!
//! Stream `demand-{clinic}.{yyyymmdd}.{writer}`. The names of the events *are* the storage format. These are
//! observations: written once a minute at best effort, off the request's path. Nothing is decided on them, so there
//! is no state and there are no commands.

use crate::ids::{ClinicId, ServiceId};
use crate::time::Instant;
use crate::values::{DemandReason, ViewerClass};

/// So many askings of one kind ended in one way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DemandCounted {
    /// The clinic.
    pub clinic: ClinicId,
    /// The service; none when the asking never came so far.
    pub service: Option<ServiceId>,
    /// What became of it.
    pub reason: DemandReason,
    /// What the portal knew of the visitors.
    pub viewer: ViewerClass,
    /// How many.
    pub count: u32,
    /// First instant of the time counted.
    pub from: Instant,
    /// First instant after it.
    pub until: Instant,
}

/// What is observed of demand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DemandEvent {
    /// See [`DemandCounted`].
    DemandCounted(DemandCounted),
}
