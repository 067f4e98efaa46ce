//! An appointment as the view keeps it, and the fold: it follows the appointment from day to day.

use crate::tables::Cell;
use booking_domain::agenda_day::{Admission, AgendaDayEvent, Booking, Placement, era_of, touched_in};
use booking_domain::ids::{ActivityId, AgendaId, AppointmentId, ClinicId, CommandId, PatientId, SubjectId, VisitId};
use booking_domain::sealed::Sealed;
use booking_domain::time::{Instant, WallDate};
use booking_domain::values::{BookedBy, Language, Localized, Modality, Stamp, Status};
use serde::{Deserialize, Serialize};

/// An agenda on a day.
pub type Place = (AgendaId, WallDate);

/// An appointment where it stands now. What is personal in it is sealed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AppointmentRow {
    /// Which it is of all, in the order of their coming, from 0 on.
    pub(super) number: u64,
    /// The appointment.
    pub id: AppointmentId,
    /// The clinic.
    pub clinic: ClinicId,
    /// The agenda.
    pub agenda: AgendaId,
    /// Where in the day it stands.
    pub placement: Placement,
    /// The reference that can be read out on the telephone.
    pub reference: String,
    /// SHA-256 of the link's token.
    pub link_hash: [u8; 32],
    /// The record; none: provisional contact details stand in its place.
    pub patient: Option<PatientId>,
    /// Staff attached the record, so that it may be detached.
    pub attached: bool,
    /// The person under whose key contact and reason are sealed.
    pub subject: SubjectId,
    /// Its status.
    pub status: Status,
    /// Who booked it.
    pub booked_by: BookedBy,
    /// Name of the external channel.
    pub channel: Option<String>,
    /// What admitted it: service, rules and class of viewer, for online bookings.
    pub admission: Option<Admission>,
    /// Public name of the service, as it was booked.
    pub service_name: Option<Localized>,
    /// Activity; without one no message is sent.
    pub activity: Option<ActivityId>,
    /// How it takes place.
    pub modality: Modality,
    /// Language of messages.
    pub language: Language,
    /// Messages may be sent.
    pub notify: bool,
    /// The visit that it was booked in.
    pub visit: Option<VisitId>,
    /// When the terms were accepted.
    pub terms_accepted_at: Option<Instant>,
    /// Identity and contacts as they were typed.
    pub contact: Option<Sealed>,
    /// The reason for the visit.
    pub reason: Option<Sealed>,
    /// How it ended, if it was cancelled.
    pub cancellation: Option<CancellationRow>,
    /// When it was booked first.
    pub booked_at: Instant,
    /// Where it stood before, oldest first.
    pub moved_from: Vec<Place>,
    /// It left its last day, and its new one has not taken it in yet: it stands here for everybody, and a command has
    /// to wait for the move to be finished.
    pub in_transit: bool,
    /// Its `ETag`: revision that last touched it, in the stream of the day where it stands. While it is in transit
    /// that of the promise there.
    pub touched: u64,
    /// The era of the day where it stands, part of `touched`.
    era: u64,
    /// Where a move that is under way would put it.
    pub(super) promised: Option<Promised>,
}

/// How an appointment was cancelled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CancellationRow {
    /// When it was said.
    pub cancelled_at: Instant,
    /// By the patient; else by the clinic.
    pub by_patient: bool,
    /// It stays in the patient's list.
    pub keep_record: bool,
    /// Its availabilities were kept.
    pub kept_availability: bool,
    /// Why, sealed.
    pub reason: Option<Sealed>,
}

/// Time promised to a move.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Promised {
    movement: CommandId,
    agenda: AgendaId,
    placement: Placement,
    revision: u64,
}

impl AppointmentRow {
    /// What it is found and asked by.
    pub(super) fn cells(&self) -> Vec<Cell> {
        vec![
            i64::try_from(self.number).unwrap_or(i64::MAX).into(),
            self.id.bytes().into(),
            self.clinic.bytes().into(),
            self.agenda.bytes().into(),
            self.placement.span.start.0.into(),
            self.reference.clone().into(),
            self.link_hash.into(),
            self.patient.map(PatientId::bytes).into(),
            self.subject.bytes().into(),
            self.is_provisional().into(),
            self.is_online().into(),
            self.is_live().into(),
        ]
    }
    /// Agenda and day where it stands.
    pub fn place(&self) -> Place {
        (self.agenda, self.placement.date)
    }
    /// True unless it was cancelled.
    pub fn is_live(&self) -> bool {
        self.status != Status::Cancelled
    }
    /// True if provisional contact details stand in the place of a record.
    pub const fn is_provisional(&self) -> bool {
        self.patient.is_none()
    }
    /// True if the patient booked it online.
    pub fn is_online(&self) -> bool {
        self.booked_by == BookedBy::PatientOnline
    }

    fn new(
        number: u64,
        (agenda, placement): (AgendaId, &Placement),
        b: &Booking,
        booked_at: Instant,
        stamp: Stamp,
    ) -> Self {
        Self {
            number,
            id: b.appointment,
            clinic: b.clinic,
            agenda,
            placement: placement.clone(),
            reference: b.reference.clone(),
            link_hash: b.link_hash,
            patient: b.patient,
            attached: false,
            subject: b.subject,
            status: Status::Booked,
            booked_by: b.booked_by,
            channel: b.channel.clone(),
            admission: b.admission.clone(),
            service_name: b.service_name.clone(),
            activity: b.activity,
            modality: b.modality,
            language: b.language,
            notify: b.notify,
            visit: b.visit,
            terms_accepted_at: b.terms_accepted_at,
            contact: b.contact.clone(),
            reason: b.reason.clone(),
            cancellation: None,
            booked_at,
            moved_from: vec![],
            in_transit: false,
            touched: stamp.revision,
            era: 0,
            promised: None,
        }
    }
}

/// The row after an event on `place`; total, like the domain's own fold. `next`: the number of a new row.
pub(super) fn evolve(
    row: Option<&AppointmentRow>,
    place: Place,
    next: u64,
    (event, stamp): (&AgendaDayEvent, Stamp),
) -> Option<AppointmentRow> {
    match event {
        AgendaDayEvent::AppointmentBooked(e) => {
            return Some(AppointmentRow::new(next, (place.0, &e.placement), &e.booking, stamp.occurred_at, stamp));
        }
        AgendaDayEvent::AppointmentMovedIn(e) => {
            let number = row.map_or(next, |row| row.number);
            let mut arrived = AppointmentRow::new(number, (place.0, &e.placement), &e.booking, e.booked_at, stamp);
            arrived.status = e.status;
            arrived.era = era_of(e.movement);
            arrived.touched = touched_in(arrived.era, stamp.revision);
            arrived.attached = e.attached;
            let source = (e.source_agenda, e.source_date);
            arrived.moved_from = row.map(|r| r.moved_from.clone()).unwrap_or_default();
            if arrived.moved_from.last() != Some(&source) {
                arrived.moved_from.push(source);
            }
            return Some(arrived);
        }
        _ => {}
    }
    let mut row = row?.clone();
    let here = row.place() == place && !row.in_transit;
    match event {
        AgendaDayEvent::MoveReserved(e) => {
            row.promised = Some(Promised {
                movement: e.movement,
                agenda: place.0,
                placement: e.placement.clone(),
                revision: stamp.revision,
            });
        }
        AgendaDayEvent::MoveReleased(e) => row.forget_promise(e.movement, place),
        AgendaDayEvent::MoveAbandoned(e) => row.forget_promise(e.movement, (e.target_agenda, e.target_date)),
        AgendaDayEvent::AppointmentMovedOut(e) if here => {
            let target = (e.target_agenda, e.target_date);
            row.moved_from.push(place);
            row.in_transit = true;
            row.status = Status::Booked;
            row.era = era_of(e.movement);
            row.touched = touched_in(row.era, stamp.revision);
            match row.promised.take() {
                Some(promised) if (promised.movement, promised.place()) == (e.movement, target) => {
                    row.placement = promised.placement;
                    row.touched = touched_in(row.era, promised.revision);
                }
                _ => row.placement.date = target.1,
            }
            row.agenda = target.0;
        }
        _ if here => row.evolve_in_place(event, stamp),
        _ => return None,
    }
    Some(row)
}

impl Promised {
    fn place(&self) -> Place {
        (self.agenda, self.placement.date)
    }
}

impl AppointmentRow {
    fn forget_promise(&mut self, movement: CommandId, place: Place) {
        self.promised = self.promised.take().filter(|p| (p.movement, p.place()) != (movement, place));
    }

    fn evolve_in_place(&mut self, event: &AgendaDayEvent, stamp: Stamp) {
        self.touched = touched_in(self.era, stamp.revision);
        match event {
            AgendaDayEvent::PatientAttached(e) => {
                self.patient = Some(e.patient);
                self.attached = true;
            }
            AgendaDayEvent::PatientDetached(_) => {
                self.patient = None;
                self.attached = false;
            }
            AgendaDayEvent::AppointmentMoved(e) => {
                self.placement = e.placement.clone();
                self.status = Status::Booked;
            }
            AgendaDayEvent::AppointmentCancelled(e) => {
                self.status = Status::Cancelled;
                self.cancellation = Some(CancellationRow {
                    cancelled_at: e.cancelled_at,
                    by_patient: e.by_patient,
                    keep_record: e.keep_record,
                    kept_availability: e.dropped.is_empty(),
                    reason: e.reason.clone(),
                });
            }
            AgendaDayEvent::AttendanceConfirmed(_) => self.status = Status::Confirmed,
            AgendaDayEvent::PatientArrived(_) => self.status = Status::Arrived,
            AgendaDayEvent::AppointmentCompleted(_) => self.status = Status::Completed,
            AgendaDayEvent::NoShowRecorded(_) => self.status = Status::NoShow,
            _ => {}
        }
    }
}
