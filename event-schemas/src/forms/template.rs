//! Forms of a schedule template's events.

use super::rules::PublicationOverrideV1;
use crate::primitives::{Id, ModalityCode, WallTime};
use crate::wire::{wire, wire_unit};
use booking_domain::template::{TemplateCreated, TemplateSlot};

wire! {
    /// A schedule template was made.
    "template-created.v1" TemplateCreatedV1 for TemplateCreated {
        /// The template.
        template: Id,
        /// The clinic that it belongs to.
        clinic: Id,
        /// The practitioner that it belongs to.
        practitioner: Id,
        /// Its name, not unique.
        name: String,
        /// Number of days that it covers.
        day_span: u16,
        /// Its slots.
        slots: Vec<TemplateSlotV1>,
    }

    /// One slot of a template.
    TemplateSlotV1 for TemplateSlot {
        /// Calendar days after the first day that the template is laid on.
        day_offset: u16,
        /// Wall time of the start, minutes since local midnight.
        start: WallTime,
        /// Wall time of the end, minutes since local midnight; 1440 is 24:00.
        end: WallTime,
        /// Activity; a slot without one is never online.
        activity: Option<Id>,
        /// Title; there is one where there is no activity.
        title: Option<String>,
        /// Length of each availability, in minutes.
        interval_minutes: u16,
        /// How appointments in it take place; none: as the activity says.
        modality: Option<ModalityCode>,
        /// Its own publication; never `at`, since a template has no date.
        publication: PublicationOverrideV1,
    }

    /// A template was taken off the list; slots already laid down stay.
    "template-deleted.v1" TemplateDeletedV1 {
    }
}

wire_unit!(TemplateDeletedV1);
