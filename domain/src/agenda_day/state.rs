//! The whole fold of a day: occupancy, and the appointments with their life.

use super::{AgendaDayEvent, Booking, DayOccupancy, Placement, Source};
use crate::ids::{AgendaId, AppointmentId, CommandId, PatientId, SubjectId, VisitId};
use crate::time::{Instant, WallDate};
use crate::values::{BookedBy, Language, Localized, Modality, Stamp, Status};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An appointment as it is now. It holds no sealed content: no decision rests on any.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Appointment {
    /// The reference that can be read out on the telephone.
    pub reference: String,
    /// SHA-256 of the link's token.
    pub link_hash: [u8; 32],
    /// Where it stands.
    pub placement: Placement,
    /// Its status.
    pub status: Status,
    /// Who booked it.
    pub booked_by: BookedBy,
    /// Name of the external channel.
    pub channel: Option<String>,
    /// The record; none: provisional.
    pub patient: Option<PatientId>,
    /// Staff attached the record, so that it may be detached.
    pub attached: bool,
    /// The person under whose key contact and reason are sealed.
    pub subject: SubjectId,
    /// A contact was typed and is sealed in its first event.
    pub has_contact: bool,
    /// The visit that it was booked in.
    pub visit: Option<VisitId>,
    /// Language of messages.
    pub language: Language,
    /// Whether messages may be sent.
    pub notify: bool,
    /// Activity.
    pub activity: Option<crate::ids::ActivityId>,
    /// How it takes place.
    pub modality: Modality,
    /// Public name of the service, as it was booked.
    pub service_name: Option<Localized>,
    /// What admitted it.
    pub admission: Option<super::Admission>,
    /// When it was booked.
    pub booked_at: Instant,
    /// How it ended, if it was cancelled.
    pub cancellation: Option<Cancellation>,
    /// It left this day: agenda and day it went to.
    pub moved_to: Option<(AgendaId, WallDate)>,
    /// The command that moved it there; another one that meant the same day has not.
    pub moved_by: Option<CommandId>,
    /// Tells its days apart in `touched`: see [`era_of`].
    pub era: u64,
    /// What last touched it: the revision, and the day's era. It never comes back to an earlier value.
    pub touched: u64,
}

/// How an appointment was cancelled (3.8).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cancellation {
    /// When it was said.
    pub cancelled_at: Instant,
    /// By the patient; else by the clinic.
    pub by_patient: bool,
    /// It stays in the patient's list.
    pub keep_record: bool,
    /// Its availabilities were kept.
    pub kept_availability: bool,
}

impl Appointment {
    /// True while it occupies its time here: neither cancelled nor moved away. A no-show still occupies (8.29).
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.status != Status::Cancelled && self.moved_to.is_none()
    }
    /// True while nothing has happened at the clinic yet: it may be moved or cancelled.
    #[must_use]
    pub fn is_ahead(&self) -> bool {
        self.is_live() && matches!(self.status, Status::Booked | Status::Confirmed)
    }
    /// True if provisional contact details stand in the place of a record.
    #[must_use]
    pub fn is_provisional(&self) -> bool {
        self.patient.is_none()
    }
}

/// The era that a movement begins. An appointment's `ETag` is a revision of the day on which it stands, and the
/// revisions of two days say nothing about one another: without the era, what was seen before a move could match by
/// chance after it. Twenty bits of the movement's id, above the revision's thirty-two; never 0, the era of the booking.
pub fn era_of(movement: CommandId) -> u64 {
    let [a, b, c, ..] = movement.bytes();
    (u64::from(a) << 12 | u64::from(b) << 4 | u64::from(c >> 4) | 1) << 32
}

/// What touched an appointment: a revision in an era.
pub const fn touched_in(era: u64, revision: u64) -> u64 {
    era | revision & 0xffff_ffff
}

/// A promise of time to an appointment of another stream.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Promise {
    /// The command that moves it.
    pub movement: CommandId,
    /// Where it comes from.
    pub source: (AgendaId, WallDate),
    /// Where it will stand.
    pub placement: Placement,
    /// When it was made.
    pub reserved_at: Instant,
}

/// A day of an agenda as its events made it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct AgendaDay {
    /// What is open, held, promised and taken.
    pub occupancy: DayOccupancy,
    /// Appointments, ended ones too.
    pub appointments: BTreeMap<AppointmentId, Appointment>,
    /// Promises to appointments of other streams.
    pub promises: BTreeMap<AppointmentId, Promise>,
    /// Bookings that can no longer be made.
    pub abandoned: BTreeSet<AppointmentId>,
    /// Moves that were ended here before they left.
    pub abandoned_moves: BTreeSet<CommandId>,
}

impl AgendaDay {
    /// The fold; total, reads no clock.
    pub fn evolve(&mut self, event: &AgendaDayEvent, stamp: Stamp) {
        self.occupancy.evolve(event, stamp);
        match event {
            AgendaDayEvent::AppointmentBooked(e) => {
                let appointment = appointment(&e.booking, e.placement.clone(), stamp.occurred_at, stamp);
                self.appointments.insert(e.booking.appointment, appointment);
            }
            AgendaDayEvent::AppointmentMovedIn(e) => {
                let mut appointment = appointment(&e.booking, e.placement.clone(), e.booked_at, stamp);
                appointment.status = e.status;
                appointment.era = era_of(e.movement);
                appointment.touched = touched_in(appointment.era, stamp.revision);
                appointment.attached = e.attached;
                self.promises.remove(&e.booking.appointment);
                self.appointments.insert(e.booking.appointment, appointment);
            }
            AgendaDayEvent::PatientAttached(e) => self.change(e.appointment, stamp, |a| {
                a.patient = Some(e.patient);
                a.attached = true;
            }),
            AgendaDayEvent::PatientDetached(e) => self.change(e.appointment, stamp, |a| {
                a.patient = None;
                a.attached = false;
            }),
            AgendaDayEvent::AppointmentMoved(e) => self.change(e.appointment, stamp, |a| {
                a.placement = e.placement.clone();
                a.status = Status::Booked;
            }),
            AgendaDayEvent::AppointmentMovedOut(e) => self.change(e.appointment, stamp, |a| {
                a.moved_to = Some((e.target_agenda, e.target_date));
                a.moved_by = Some(e.movement);
            }),
            AgendaDayEvent::AppointmentCancelled(e) => self.change(e.appointment, stamp, |a| {
                a.status = Status::Cancelled;
                a.cancellation = Some(Cancellation {
                    cancelled_at: e.cancelled_at,
                    by_patient: e.by_patient,
                    keep_record: e.keep_record,
                    kept_availability: e.dropped.is_empty(),
                });
            }),
            AgendaDayEvent::AttendanceConfirmed(e) => {
                self.change(e.appointment, stamp, |a| a.status = Status::Confirmed);
            }
            AgendaDayEvent::PatientArrived(e) => self.change(e.appointment, stamp, |a| a.status = Status::Arrived),
            AgendaDayEvent::AppointmentCompleted(e) => {
                self.change(e.appointment, stamp, |a| a.status = Status::Completed);
            }
            AgendaDayEvent::NoShowRecorded(e) => self.change(e.appointment, stamp, |a| a.status = Status::NoShow),
            AgendaDayEvent::MoveReserved(e) => {
                let source = (e.source_agenda, e.source_date);
                let promise = Promise {
                    movement: e.movement,
                    source,
                    placement: e.placement.clone(),
                    reserved_at: stamp.occurred_at,
                };
                self.promises.insert(e.appointment, promise);
            }
            AgendaDayEvent::MoveReleased(e) => {
                self.promises.retain(|id, promise| (*id, promise.movement) != (e.appointment, e.movement));
            }
            AgendaDayEvent::MoveAbandoned(e) => {
                self.abandoned_moves.insert(e.movement);
            }
            AgendaDayEvent::BookingAbandoned(e) => {
                self.abandoned.insert(e.appointment);
            }
            AgendaDayEvent::SlotPublished(_)
            | AgendaDayEvent::SlotAmended(_)
            | AgendaDayEvent::SlotWithdrawn(_)
            | AgendaDayEvent::HoldPlaced(_)
            | AgendaDayEvent::HoldExtended(_)
            | AgendaDayEvent::HoldReleased(_) => {}
        }
    }

    fn change(&mut self, id: AppointmentId, stamp: Stamp, change: impl FnOnce(&mut Appointment)) {
        if let Some(appointment) = self.appointments.get_mut(&id) {
            change(appointment);
            appointment.touched = touched_in(appointment.era, stamp.revision);
        }
    }

    /// Availabilities behind an appointment that are still there to be discarded.
    pub(super) fn sources_of(&self, id: AppointmentId) -> Vec<Source> {
        self.appointments.get(&id).map(|a| a.placement.sources.clone()).unwrap_or_default()
    }
}

fn appointment(b: &Booking, placement: Placement, booked_at: Instant, stamp: Stamp) -> Appointment {
    Appointment {
        reference: b.reference.clone(),
        link_hash: b.link_hash,
        placement,
        status: Status::Booked,
        booked_by: b.booked_by,
        channel: b.channel.clone(),
        patient: b.patient,
        attached: false,
        subject: b.subject,
        has_contact: b.contact.is_some(),
        visit: b.visit,
        language: b.language,
        notify: b.notify,
        activity: b.activity,
        modality: b.modality,
        service_name: b.service_name.clone(),
        admission: b.admission.clone(),
        booked_at,
        cancellation: None,
        moved_to: None,
        moved_by: None,
        era: 0,
        touched: stamp.revision,
    }
}
