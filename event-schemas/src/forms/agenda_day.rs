//! Forms of an agenda-day's slots and holds. Its appointments stand in [`super::appointment`].

use super::rules::PublicationOverrideV1;
use super::shared::SpanV1;
use crate::primitives::{Date, HoldEndCode, Id, Micros, ModalityCode, OriginCode, WallTime};
use crate::wire::wire;
use booking_domain::agenda_day::{
    HoldExtended, HoldPlaced, HoldReleased, SlotAmended, SlotFacts, SlotPublished, SlotWithdrawn,
};

wire! {
    /// A slot as it is laid down; also what it becomes when it is amended.
    SlotFactsV1 for SlotFacts {
        /// Wall time of the start, minutes since local midnight.
        start: WallTime,
        /// Wall time of the end, minutes since local midnight; 1440 is 24:00.
        end: WallTime,
        /// The same as instants.
        span: SpanV1,
        /// Activity; a slot without one is never online.
        activity: Option<Id>,
        /// Title; there is one where there is no activity.
        title: Option<String>,
        /// Length of each availability, in minutes.
        interval_minutes: u16,
        /// How appointments in it take place; none: as the activity says.
        modality: Option<ModalityCode>,
        /// Its own publication.
        publication: PublicationOverrideV1,
    }

    /// A slot was opened.
    "slot-published.v1" SlotPublishedV1 for SlotPublished {
        /// The slot.
        slot: Id,
        /// The clinic.
        clinic: Id,
        /// The agenda.
        agenda: Id,
        /// The agenda's practitioner.
        practitioner: Id,
        /// Wall date of the day, days since 1970-01-01.
        date: Date,
        /// Where it came from.
        origin: OriginCode,
        /// The template that laid it down.
        template: Option<Id>,
        /// The recurrence that it belongs to.
        recurrence: Option<Id>,
        /// The bulk command that it belongs to; its undo names it.
        bulk: Option<Id>,
        /// The slot itself.
        facts: SlotFactsV1,
    }

    /// What is free of a slot was changed; times held or booked stay as they are.
    "slot-amended.v1" SlotAmendedV1 for SlotAmended {
        /// The slot.
        slot: Id,
        /// What it is from now on.
        facts: SlotFactsV1,
    }

    /// What is free of a slot was withdrawn; who is booked stays booked.
    "slot-withdrawn.v1" SlotWithdrawnV1 for SlotWithdrawn {
        /// The slot.
        slot: Id,
    }

    /// An availability was held for a visit until an instant.
    "hold-placed.v1" HoldPlacedV1 for HoldPlaced {
        /// The hold.
        hold: Id,
        /// The visit whose it is.
        visit: Id,
        /// The slot of the availability.
        slot: Id,
        /// The availability's time.
        span: SpanV1,
        /// When it was placed, microseconds since 1970-01-01T00:00:00Z: the clock rules of a booking from it are judged
        /// at this instant.
        placed_at: Micros,
        /// First instant at which it counts for nothing, microseconds since 1970-01-01T00:00:00Z.
        expires_at: Micros,
    }

    /// A hold's end was put off.
    "hold-extended.v1" HoldExtendedV1 for HoldExtended {
        /// The hold.
        hold: Id,
        /// First instant at which it counts for nothing, microseconds since 1970-01-01T00:00:00Z.
        expires_at: Micros,
    }

    /// A hold ended before its time.
    "hold-released.v1" HoldReleasedV1 for HoldReleased {
        /// The hold.
        hold: Id,
        /// Why.
        end: HoldEndCode,
    }
}
