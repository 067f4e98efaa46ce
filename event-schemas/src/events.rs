//! Which form is current for which event, and the one event type over all aggregates.

use crate::codec::{DecodeError, Encoded, EventCodec, EventType, codec};
use crate::forms::access::AccessRecordedV1;
use crate::forms::agenda_day::{
    HoldExtendedV1, HoldPlacedV1, HoldReleasedV1, SlotAmendedV1, SlotPublishedV1, SlotWithdrawnV1,
};
use crate::forms::appointment::{
    AppointmentBookedV1, AppointmentCancelledV1, AppointmentCompletedV1, AppointmentMovedInV1, AppointmentMovedOutV1,
    AppointmentMovedV1, AttendanceConfirmedV1, BookingAbandonedV1, MoveAbandonedV1, MoveReleasedV1, MoveReservedV1,
    NoShowRecordedV1, PatientArrivedV1, PatientAttachedV1, PatientDetachedV1,
};
use crate::forms::clinic::{
    ActivityDefinedV1, ActivityRetiredV1, AgendaOpenedV1, ClinicRegisteredV1, PortalActivatedV1, PortalConfiguredV1,
    PortalDeactivatedV1, PractitionerDeactivatedV1, PractitionerReactivatedV1, PractitionerRegisteredV1,
    RetentionSetV1, ServiceConfiguredV1, ServiceDeactivatedV1, SettingsChangedV1,
};
use crate::forms::demand::DemandCountedV1;
use crate::forms::erasure::{
    ErasureApprovedV1, ErasureRefusedV1, ErasureRequestedV1, ErasureWithdrawnV1, LegalHoldPlacedV1,
    LegalHoldReleasedV1, SubjectErasedV1,
};
use crate::forms::patient::{
    MergeAbandonedV1, MergeCompletedV1, MergeDeclinedV1, MergeReceivedV1, PatientDeceasedV1, PatientErasedV1,
    PatientMergedV1, PatientRegisteredV1, PatientUpdatedV1, RegistrationSetV1,
};
use crate::forms::quota::{QuotaReleasedV1, QuotaTakenV1};
use crate::forms::slug::SlugClaimedV1;
use crate::forms::staff::{MemberAddedV1, MemberDisabledV1, MemberEnabledV1, MemberRoleChangedV1};
use crate::forms::template::{TemplateCreatedV1, TemplateDeletedV1};
use booking_domain::access::AccessEvent;
use booking_domain::agenda_day::AgendaDayEvent;
use booking_domain::clinic::ClinicEvent;
use booking_domain::demand::DemandEvent;
use booking_domain::erasure::ErasureEvent;
use booking_domain::patient::PatientEvent;
use booking_domain::quota::QuotaEvent;
use booking_domain::slug::SlugEvent;
use booking_domain::staff::StaffEvent;
use booking_domain::template::TemplateEvent;

codec! {
    ClinicEvent {
        ClinicRegistered(event) = ClinicRegisteredV1,
        PortalConfigured(event) = PortalConfiguredV1,
        PortalActivated = PortalActivatedV1,
        PortalDeactivated = PortalDeactivatedV1,
        ActivityDefined(event) = ActivityDefinedV1,
        ActivityRetired(event) = ActivityRetiredV1,
        PractitionerRegistered(event) = PractitionerRegisteredV1,
        PractitionerDeactivated(event) = PractitionerDeactivatedV1,
        PractitionerReactivated(event) = PractitionerReactivatedV1,
        AgendaOpened(event) = AgendaOpenedV1,
        ServiceConfigured(event) = ServiceConfiguredV1,
        ServiceDeactivated(event) = ServiceDeactivatedV1,
        SettingsChanged(event) = SettingsChangedV1,
        RetentionSet(event) = RetentionSetV1,
    }
    former {}
}

codec! {
    AgendaDayEvent {
        SlotPublished(event) = SlotPublishedV1,
        SlotAmended(event) = SlotAmendedV1,
        SlotWithdrawn(event) = SlotWithdrawnV1,
        HoldPlaced(event) = HoldPlacedV1,
        HoldExtended(event) = HoldExtendedV1,
        HoldReleased(event) = HoldReleasedV1,
        AppointmentBooked(event) = AppointmentBookedV1,
        PatientAttached(event) = PatientAttachedV1,
        PatientDetached(event) = PatientDetachedV1,
        AppointmentMoved(event) = AppointmentMovedV1,
        MoveReserved(event) = MoveReservedV1,
        AppointmentMovedOut(event) = AppointmentMovedOutV1,
        AppointmentMovedIn(event) = AppointmentMovedInV1,
        MoveAbandoned(event) = MoveAbandonedV1,
        MoveReleased(event) = MoveReleasedV1,
        AppointmentCancelled(event) = AppointmentCancelledV1,
        AttendanceConfirmed(event) = AttendanceConfirmedV1,
        PatientArrived(event) = PatientArrivedV1,
        AppointmentCompleted(event) = AppointmentCompletedV1,
        NoShowRecorded(event) = NoShowRecordedV1,
        BookingAbandoned(event) = BookingAbandonedV1,
    }
    former {}
}

codec! {
    PatientEvent {
        PatientRegistered(event) = PatientRegisteredV1,
        PatientUpdated(event) = PatientUpdatedV1,
        RegistrationSet(event) = RegistrationSetV1,
        PatientDeceased(event) = PatientDeceasedV1,
        MergeReceived(event) = MergeReceivedV1,
        PatientMerged(event) = PatientMergedV1,
        MergeCompleted(event) = MergeCompletedV1,
        MergeDeclined(event) = MergeDeclinedV1,
        MergeAbandoned(event) = MergeAbandonedV1,
        PatientErased = PatientErasedV1,
    }
    former {}
}

codec! {
    TemplateEvent {
        TemplateCreated(event) = TemplateCreatedV1,
        TemplateDeleted = TemplateDeletedV1,
    }
    former {}
}

codec! {
    QuotaEvent {
        QuotaTaken(event) = QuotaTakenV1,
        QuotaReleased(event) = QuotaReleasedV1,
    }
    former {}
}

codec! {
    StaffEvent {
        MemberAdded(event) = MemberAddedV1,
        MemberRoleChanged(event) = MemberRoleChangedV1,
        MemberDisabled = MemberDisabledV1,
        MemberEnabled = MemberEnabledV1,
    }
    former {}
}

codec! {
    SlugEvent {
        SlugClaimed(event) = SlugClaimedV1,
    }
    former {}
}

codec! {
    DemandEvent {
        DemandCounted(event) = DemandCountedV1,
    }
    former {}
}

codec! {
    AccessEvent {
        AccessRecorded(event) = AccessRecordedV1,
    }
    former {}
}

codec! {
    ErasureEvent {
        ErasureRequested(event) = ErasureRequestedV1,
        ErasureRefused(event) = ErasureRefusedV1,
        ErasureApproved(event) = ErasureApprovedV1,
        ErasureWithdrawn = ErasureWithdrawnV1,
        SubjectErased(event) = SubjectErasedV1,
        LegalHoldPlaced = LegalHoldPlacedV1,
        LegalHoldReleased = LegalHoldReleasedV1,
    }
    former {}
}

/// Declares [`DomainEvent`] over the aggregates' enums.
macro_rules! domain_event {
    ($($(#[doc = $doc:literal])+ $variant:ident($event:ident),)*) => {
        /// Any event of the log, in its current version.
        #[allow(clippy::large_enum_variant, reason = "lives for one step of a fold; a box would cost every event")]
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum DomainEvent {
            $($(#[doc = $doc])+ $variant($event),)*
        }

        impl DomainEvent {
            /// Type and payload, always in the current version.
            pub fn encode(&self) -> Encoded {
                match self { $(Self::$variant(event) => event.encode(),)* }
            }
        }

        $(
            impl From<$event> for DomainEvent {
                fn from(event: $event) -> Self { Self::$variant(event) }
            }
        )*

        /// The event of a stored type and payload: the one decode path of live reading, replay and audit.
        pub fn decode(event_type: &str, payload: &[u8]) -> Result<DomainEvent, DecodeError> {
            $(
                if let Some(line) = line_of::<$event>(event_type) {
                    return (line.decode)(payload).map(DomainEvent::$variant);
                }
            )*
            Err(DecodeError::UnknownType(event_type.chars().take(80).collect()))
        }

        /// The stored fields of any event as JSON text, see [`EventCodec::describe`].
        pub fn describe(event_type: &str, payload: &[u8]) -> Result<String, DecodeError> {
            $(
                if let Some(line) = line_of::<$event>(event_type) {
                    return (line.describe)(payload);
                }
            )*
            Err(DecodeError::UnknownType(event_type.chars().take(80).collect()))
        }

        /// Every type that the log may hold, current and former versions.
        pub fn event_types() -> impl Iterator<Item = &'static str> {
            std::iter::empty()$(.chain($event::TYPES.iter().map(|line| line.name)))*
        }

        /// One current line per event type, for the tests of this crate.
        #[cfg(test)]
        pub(crate) fn current() -> Vec<crate::tests::sample::CurrentEvent> {
            use crate::tests::sample::Samples;
            std::iter::empty()$(.chain($event::CURRENT.iter().map(|line| line.widen())))*.collect()
        }
    };
}

domain_event! {
    /// Of a clinic's stream.
    Clinic(ClinicEvent),
    /// Of one agenda on one day.
    AgendaDay(AgendaDayEvent),
    /// Of a patient record.
    Patient(PatientEvent),
    /// Of a schedule template.
    Template(TemplateEvent),
    /// Of a person's quota.
    Quota(QuotaEvent),
    /// Of a staff account.
    Staff(StaffEvent),
    /// Of a portal address.
    Slug(SlugEvent),
    /// Observed of demand.
    Demand(DemandEvent),
    /// Observed of access.
    Access(AccessEvent),
    /// Of the wish to forget a person.
    Erasure(ErasureEvent),
}

/// The aggregate's line of a type, if the type is one of its own.
fn line_of<E: EventCodec>(event_type: &str) -> Option<&'static EventType<E>> {
    E::TYPES.iter().find(|line| line.name == event_type)
}
