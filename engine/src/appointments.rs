//! Commands on an appointment: attach, detach, cancel, statuses, move.
//!
//! The caller says where the appointment stands as far as it knows; one that was moved meanwhile is followed.

use crate::Engine;
use crate::context::Context;
use crate::transact::{Committed, Failure};
use booking_domain::agenda_day::{
    AgendaDay, AgendaDayEvent, CancelAppointment, DayRefusal, decide_arrive, decide_attach, decide_cancel,
    decide_complete, decide_confirm, decide_detach, decide_no_show,
};
use booking_domain::ids::{AgendaId, AppointmentId, PatientId};
use booking_domain::stream::StreamName;
use booking_domain::time::{Instant, WallDate};
use booking_domain::values::BadField;
use booking_events::sealed_forms::Note;
use booking_store::fold::{FoldError, Folded};

/// How often an appointment is followed to another day.
pub(crate) const MOVE_CHAIN: usize = 16;

/// Where an appointment stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Whereabouts {
    /// The appointment.
    pub appointment: AppointmentId,
    /// The agenda.
    pub agenda: AgendaId,
    /// Wall date.
    pub date: WallDate,
}

impl Whereabouts {
    pub(crate) fn stream(self) -> StreamName {
        StreamName::agenda_day(self.agenda, self.date)
    }
    pub(crate) const fn at(self, (agenda, date): (AgendaId, WallDate)) -> Self {
        Self { agenda, date, ..self }
    }
}

/// A step in an appointment's life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// `ConfirmAttendance`.
    Confirmed,
    /// `MarkArrived`.
    Arrived,
    /// `MarkCompleted`.
    Completed,
    /// `MarkNoShow`.
    NoShow,
}

/// `CancelAppointment` as it arrives.
#[derive(Clone, Debug)]
pub struct Cancel {
    /// When it was said; none: now.
    pub cancelled_at: Option<Instant>,
    /// The patient cancelled (R72).
    pub by_patient: bool,
    /// The patient does it here and now, so that the cut-off holds.
    pub online: bool,
    /// Why.
    pub reason: Option<String>,
    /// Stays in the patient's list.
    pub keep_record: bool,
    /// Its availabilities may be booked again (R71).
    pub keep_availability: bool,
}

/// What became of a command on an appointment.
#[derive(Clone, Debug)]
pub struct Changed {
    /// Where the appointment stands now.
    pub whereabouts: Whereabouts,
    /// Its day.
    pub committed: Committed<AgendaDay>,
}

pub(crate) type Result<T> = std::result::Result<T, Failure<DayRefusal>>;

impl Engine {
    /// Where an appointment stands now, from where it was last known.
    pub async fn locate(&self, known: Whereabouts) -> std::result::Result<Whereabouts, FoldError> {
        let mut at = known;
        for _ in 0..MOVE_CHAIN {
            let day = self.read::<AgendaDay>(&at.stream()).await?;
            match day.state.appointments.get(&at.appointment).and_then(|a| a.moved_to) {
                Some(target) => at = at.at(target),
                None => break,
            }
        }
        Ok(at)
    }

    /// The day of an agenda, read to its head.
    pub async fn day(
        &self,
        agenda: AgendaId,
        date: WallDate,
    ) -> std::result::Result<std::sync::Arc<Folded<AgendaDay>>, FoldError> {
        self.read::<AgendaDay>(&StreamName::agenda_day(agenda, date)).await
    }

    /// Runs a decision where the appointment stands; one that left its day meanwhile is followed.
    pub(crate) async fn on_appointment(
        &self,
        ctx: &Context,
        known: Whereabouts,
        step: &str,
        decide: impl Fn(&AgendaDay, Instant) -> std::result::Result<Vec<AgendaDayEvent>, DayRefusal> + Send + Sync,
    ) -> Result<Changed> {
        let mut at = known;
        let mut awaited = false;
        for _ in 0..MOVE_CHAIN {
            let run = |day: &Folded<AgendaDay>, now| decide(&day.state, now);
            match self.transact(ctx, &at.stream(), step, run).await {
                Ok(committed) => return Ok(Changed { whereabouts: at, committed }),
                // The views show an appointment at its target from its leaving on: it may only just be on its way.
                Err(Failure::Refused(DayRefusal::UnknownAppointment)) if !awaited => {
                    awaited = true;
                    self.finish_move_in(ctx, at, at).await?;
                }
                Err(Failure::Refused(DayRefusal::MovedAway)) => {
                    let day = self.read::<AgendaDay>(&at.stream()).await?;
                    let target = day.state.appointments.get(&at.appointment).and_then(|a| a.moved_to);
                    at = at.at(target.ok_or(Failure::Refused(DayRefusal::MovedAway))?);
                    self.finish_move_in(ctx, known, at).await?;
                }
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure::Refused(DayRefusal::MovedAway))
    }

    /// `AttachPatient` (R60, 8.12): a merged record leads to its survivor; an erased one cannot be attached. A record
    /// that was merged since it was attached is the same person: nothing to do.
    pub async fn attach(
        &self,
        ctx: &Context,
        at: Whereabouts,
        patient: PatientId,
        if_match: Option<u64>,
    ) -> Result<Changed> {
        let (survivor, record) = self.survivor(patient).await?;
        if record.state.clinic != Some(ctx.clinic) || record.state.id.is_none() || record.state.erased {
            return Err(Failure::Refused(BadField::new("patient", "is not a patient of this clinic").into()));
        }
        let here = self.locate(at).await?;
        let day = self.day(here.agenda, here.date).await?;
        let attached = day.state.appointments.get(&at.appointment).and_then(|a| a.patient);
        let patient = match attached {
            Some(before) if self.survivor(before).await?.0 == survivor => before,
            _ => survivor,
        };
        self.on_appointment(ctx, at, "attach", |day, _| decide_attach(day, at.appointment, patient, if_match)).await
    }

    /// `DetachPatient`.
    pub async fn detach(&self, ctx: &Context, at: Whereabouts, if_match: Option<u64>) -> Result<Changed> {
        self.on_appointment(ctx, at, "detach", |day, _| decide_detach(day, at.appointment, if_match)).await
    }

    /// `ConfirmAttendance`, `MarkArrived`, `MarkCompleted`, `MarkNoShow`.
    pub async fn mark(&self, ctx: &Context, at: Whereabouts, mark: Mark, if_match: Option<u64>) -> Result<Changed> {
        let id = at.appointment;
        self.on_appointment(ctx, at, "mark", |day, now| match mark {
            Mark::Confirmed => decide_confirm(day, id, if_match),
            Mark::Arrived => decide_arrive(day, id, if_match),
            Mark::Completed => decide_complete(day, id, if_match),
            Mark::NoShow => decide_no_show(day, id, if_match, now),
        })
        .await
    }

    /// `CancelAppointment` (4.10, 8.11).
    pub async fn cancel(
        &self,
        ctx: &Context,
        at: Whereabouts,
        command: &Cancel,
        if_match: Option<u64>,
    ) -> Result<Changed> {
        let rules = self.rules(ctx.clinic).await?;
        let at = self.settled(ctx, at).await?;
        let day = self.day(at.agenda, at.date).await?;
        let subject = day.state.appointments.get(&at.appointment).map(|a| a.subject);
        let reason = match (&command.reason, subject) {
            (Some(text), Some(subject)) if !text.trim().is_empty() => {
                booking_domain::values::check_text("reason", text, 0, 2_000)
                    .map_err(|e| Failure::Refused(DayRefusal::from(e)))?;
                Some(self.seal(ctx.clinic, subject, &Note { text: text.clone() }).await?)
            }
            _ => None,
        };
        self.on_appointment(ctx, at, "cancel", |day, now| {
            let cancel = CancelAppointment {
                appointment: at.appointment,
                cancelled_at: command.cancelled_at.unwrap_or(now),
                by_patient: command.by_patient,
                online: command.online,
                reason: reason.clone(),
                keep_record: command.keep_record,
                keep_availability: command.keep_availability,
            };
            decide_cancel(day, &rules.state, &cancel, if_match, now)
        })
        .await
    }
}
