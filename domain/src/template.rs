//! A schedule template: a set of slots that can be laid down again from a chosen day (3.7).
//!
//! Stream `template-{template}`. The names of the events *are* the storage format. A template is never changed
//! (R96) and its name is not unique (R93); deleting it leaves the slots that it laid down (R98).

use crate::clinic::PublicationOverride;
use crate::ids::{ActivityId, ClinicId, PractitionerId, TemplateId};
use crate::time::WallTime;
use crate::values::Modality;

/// One slot of a template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TemplateSlot {
    /// Calendar days after the first day that the template is laid on.
    pub day_offset: u16,
    /// Wall time of the start.
    pub start: WallTime,
    /// Wall time of the end, up to 24:00.
    pub end: WallTime,
    /// Activity; a slot without one is never online.
    pub activity: Option<ActivityId>,
    /// Title; required when there is no activity (R91).
    pub title: Option<String>,
    /// Length of each availability, in minutes.
    pub interval_minutes: u16,
    /// How appointments in it take place; none: as the activity says.
    pub modality: Option<Modality>,
    /// Its own publication; never [`PublicationOverride::At`], since a template has no date.
    pub publication: PublicationOverride,
}

/// A template was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TemplateCreated {
    /// The template.
    pub template: TemplateId,
    /// The clinic that it belongs to (R94).
    pub clinic: ClinicId,
    /// The practitioner that it belongs to (R94).
    pub practitioner: PractitionerId,
    /// Its name, not unique.
    pub name: String,
    /// Number of days that it covers.
    pub day_span: u16,
    /// Its slots; at least one.
    pub slots: Vec<TemplateSlot>,
}

/// What happens to a template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TemplateEvent {
    /// See [`TemplateCreated`].
    TemplateCreated(TemplateCreated),
    /// It was taken off the list; slots already laid down stay (R98).
    TemplateDeleted,
}
