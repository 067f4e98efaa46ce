//! Commands on an appointment: attach, detach, cancel, statuses, move.
//!
//! The caller says where the appointment stands as far as it knows; one that was moved meanwhile is followed.

use crate::Engine;
use crate::booking::Place;
use crate::context::Context;
use crate::quota::child;
use crate::transact::{Committed, Failure};
use booking_domain::agenda_day::{
    AgendaDay, AgendaDayEvent, Booking, CancelAppointment, DayRefusal, Destination, Wish, decide_abandon_move,
    decide_arrive, decide_attach, decide_cancel, decide_complete, decide_confirm, decide_detach, decide_move_in,
    decide_move_out, decide_move_within, decide_no_show, decide_release_promise, decide_reserve_move,
};
use booking_domain::ids::{AgendaId, AppointmentId, CommandId, PatientId};
use booking_domain::stream::StreamName;
use booking_domain::time::{Instant, WallDate};
use booking_domain::values::BadField;
use booking_domain::visibility::Rule;
use booking_events::sealed_forms::Note;
use booking_store::fold::{FoldError, Folded, decode, read_whole};

/// How often an appointment is followed to another day.
const MOVE_CHAIN: usize = 16;

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
    fn stream(self) -> StreamName {
        StreamName::agenda_day(self.agenda, self.date)
    }
    const fn at(self, (agenda, date): (AgendaId, WallDate)) -> Self {
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

/// Where an appointment shall go.
#[derive(Clone, Debug)]
pub enum MoveTo {
    /// Staff's wish.
    Staff {
        /// The target agenda.
        agenda: AgendaId,
        /// When.
        wish: Wish,
    },
    /// The patient's choice among what the portal offers for the appointment's service.
    Patient(Place),
}

impl MoveTo {
    /// Agenda and day that it leads to.
    #[must_use]
    pub const fn day(&self) -> (AgendaId, WallDate) {
        match self {
            Self::Staff { agenda, wish } => (*agenda, wish.date),
            Self::Patient(place) => (place.agenda, place.date),
        }
    }
}

/// What became of a command on an appointment.
#[derive(Clone, Debug)]
pub struct Changed {
    /// Where the appointment stands now.
    pub whereabouts: Whereabouts,
    /// Its day.
    pub committed: Committed<AgendaDay>,
}

type Result<T> = std::result::Result<T, Failure<DayRefusal>>;

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
    async fn on_appointment(
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

    /// `MoveAppointment`, or a change of its length. Within a day one append; across days a promise on the target, the
    /// leaving of the source (which is the move), the arrival.
    pub async fn move_appointment(
        &self,
        ctx: &Context,
        at: Whereabouts,
        to: &MoveTo,
        drop_original: bool,
        if_match: Option<u64>,
    ) -> Result<Changed> {
        let rules = self.rules(ctx.clinic).await?;
        let movement = CommandId(ctx.id("movement"));
        if let Some(done) = self.moved_before(ctx, at, to.day(), movement).await? {
            return Ok(done);
        }
        let source = self.settled(ctx, at).await?;
        let (target, destination) = self.destination(ctx, source, to).await?;
        let id = source.appointment;
        if (source.agenda, source.date) == (target.agenda, target.date) {
            return self
                .on_appointment(ctx, source, "move", |day, now| {
                    decide_move_within(day, &rules.state, id, &destination, drop_original, if_match, now)
                })
                .await;
        }
        let left = self.day(source.agenda, source.date).await?;
        let from = (source.agenda, source.date);
        let into = (target.agenda, target.date);
        // What the source refuses promises nothing on the target.
        decide_move_out(
            &left.state,
            &rules.state,
            id,
            movement,
            into,
            drop_original,
            destination.by_patient(),
            if_match,
            self.clock.now(),
        )
        .map_err(Failure::Refused)?;
        let reserve = child(ctx, "reserve");
        let reserve = Context { actor: ctx.actor, ..reserve };
        self.transact(&reserve, &target.stream(), "reserve", |day: &Folded<AgendaDay>, now| {
            decide_reserve_move(&day.state, &rules.state, id, movement, from, &destination, now)
        })
        .await?;
        let out = self
            .transact(ctx, &source.stream(), "move", |day: &Folded<AgendaDay>, now| {
                let by_patient = destination.by_patient();
                decide_move_out(&day.state, &rules.state, id, movement, into, drop_original, by_patient, if_match, now)
            })
            .await;
        if let Err(Failure::Refused(refusal)) = out {
            self.end_move(ctx, source, target, movement).await?;
            return Err(Failure::Refused(refusal));
        }
        out?;
        self.finish_own_move(ctx, source, target, movement, false).await
    }

    /// The outcome of an earlier run of this very move, which is finished if it had left and not arrived. The
    /// appointment may have gone on since: a command that was carried out is never carried out again.
    async fn moved_before(
        &self,
        ctx: &Context,
        at: Whereabouts,
        target: (AgendaId, WallDate),
        movement: CommandId,
    ) -> Result<Option<Changed>> {
        let target = at.at(target);
        let there = self.day(target.agenda, target.date).await?;
        if there.commands.contains_key(&ctx.command) {
            let nothing = |_: &Folded<AgendaDay>, _| Ok(vec![]);
            let committed = self.transact(ctx, &target.stream(), "move", nothing).await?;
            return Ok(Some(Changed { whereabouts: target, committed }));
        }
        if there.commands.contains_key(&step_of(movement, "arrive")) {
            return self.finish_own_move(ctx, at, target, movement, true).await.map(Some);
        }
        let mut source = at;
        for _ in 0..MOVE_CHAIN {
            let day = self.day(source.agenda, source.date).await?;
            if day.commands.contains_key(&ctx.command) {
                return self.finish_own_move(ctx, source, target, movement, true).await.map(Some);
            }
            match day.state.appointments.get(&at.appointment).and_then(|a| a.moved_to) {
                Some(next) => source = source.at(next),
                None => break,
            }
        }
        Ok(None)
    }

    /// Where an appointment stands now; a move that had left its source and not arrived is finished on the way.
    async fn settled(&self, ctx: &Context, known: Whereabouts) -> Result<Whereabouts> {
        let mut at = known;
        for _ in 0..MOVE_CHAIN {
            let day = self.day(at.agenda, at.date).await?;
            let Some(appointment) = day.state.appointments.get(&at.appointment) else {
                self.finish_move_in(ctx, at, at).await?;
                break;
            };
            let Some(next) = appointment.moved_to else { break };
            self.finish_move_in(ctx, at, at.at(next)).await?;
            at = at.at(next);
        }
        Ok(at)
    }

    async fn finish_own_move(
        &self,
        ctx: &Context,
        source: Whereabouts,
        target: Whereabouts,
        movement: CommandId,
        replayed: bool,
    ) -> Result<Changed> {
        self.finish_move_in(ctx, source, target).await?;
        let folded = self.day(target.agenda, target.date).await?;
        let trace = folded.commands.get(&step_of(movement, "arrive")).copied();
        Ok(Changed { whereabouts: target, committed: Committed { folded, trace, replayed } })
    }

    async fn destination(&self, ctx: &Context, source: Whereabouts, to: &MoveTo) -> Result<(Whereabouts, Destination)> {
        match to {
            MoveTo::Staff { agenda, wish } => {
                let rules = self.rules(ctx.clinic).await?;
                let practitioner = rules
                    .state
                    .practitioner_of(*agenda)
                    .ok_or_else(|| Failure::Refused(DayRefusal::from(BadField::new("agenda", "is not known"))))?;
                let wish = *wish;
                Ok((source.at((*agenda, wish.date)), Destination::Staff { practitioner, wish }))
            }
            MoveTo::Patient(place) => {
                let day = self.day(source.agenda, source.date).await?;
                let appointment = day
                    .state
                    .appointments
                    .get(&source.appointment)
                    .ok_or(Failure::Refused(DayRefusal::UnknownAppointment))?;
                let service = appointment.admission.as_ref().map(|a| a.service);
                let service = service.ok_or(Failure::Refused(DayRefusal::NotOffered(Rule::ServiceActive)))?;
                // Whoever was let in by the rules when booking stands in the same place when moving: the record that
                // the booking was filed under, never one that staff attached later.
                let own = appointment.patient.filter(|_| !appointment.attached);
                let viewer = match own {
                    Some(patient) => self.viewer_of_patient(ctx.clinic, patient, None).await?.facts,
                    None => booking_domain::visibility::ViewerFacts::unrecognized(None),
                };
                let selected = place.selected;
                let destination = Destination::Patient { service, selected, viewer };
                Ok((source.at((place.agenda, place.date)), destination))
            }
        }
    }

    /// Third step of a move: the appointment arrives where time was promised to it. Anybody may run it.
    pub(crate) async fn finish_move_in(&self, ctx: &Context, source: Whereabouts, target: Whereabouts) -> Result<()> {
        let day = self.day(target.agenda, target.date).await?;
        let Some(promise) = day.state.promises.get(&target.appointment) else { return Ok(()) };
        let source = source.at(promise.source);
        let left = self.day(source.agenda, source.date).await?;
        let Some(appointment) = left.state.appointments.get(&target.appointment).cloned() else { return Ok(()) };
        // A promise alone is no move: it is decided by the leaving, and only by its own. Another move to the same day
        // may have been faster, and the appointment may have been cancelled there or gone on since.
        if appointment.moved_by != Some(promise.movement) {
            return Ok(());
        }
        let Some(booking) = self.booking_of(source, &left.state).await? else { return Ok(()) };
        let from = (source.agenda, source.date);
        // The id names the movement, so that whoever finishes it appends the identical event.
        let movement = promise.movement;
        let arrive = Context { command: step_of(movement, "arrive"), ..child(ctx, "arrive") };
        self.transact(&arrive, &target.stream(), "arrive", |day: &Folded<AgendaDay>, _| {
            Ok::<_, DayRefusal>(decide_move_in(&day.state, &booking, movement, &appointment, from))
        })
        .await?;
        Ok(())
    }

    /// The booking behind an appointment as it stands now: its first facts, with the record of today.
    async fn booking_of(&self, at: Whereabouts, day: &AgendaDay) -> Result<Option<Booking>> {
        let Some(appointment) = day.appointments.get(&at.appointment) else { return Ok(None) };
        let events = read_whole(&**self.log(), &at.stream()).await.map_err(FoldError::from)?;
        let mut found = None;
        for event in &events {
            match decode::<AgendaDayEvent>(event)? {
                AgendaDayEvent::AppointmentBooked(e) if e.booking.appointment == at.appointment => {
                    found = Some(e.booking);
                }
                AgendaDayEvent::AppointmentMovedIn(e) if e.booking.appointment == at.appointment => {
                    found = Some(e.booking);
                }
                _ => {}
            }
        }
        Ok(found.map(|booking| Booking { patient: appointment.patient, ..booking }))
    }

    /// Ends an unfinished move: at its source first, then the promise; one that has left already is finished instead.
    pub(crate) async fn end_move(
        &self,
        ctx: &Context,
        source: Whereabouts,
        target: Whereabouts,
        movement: CommandId,
    ) -> Result<()> {
        let into = (target.agenda, target.date);
        let abandon = Context { command: step_of(movement, "abandon"), ..child(ctx, "abandon") };
        let done = self
            .transact(&abandon, &source.stream(), "abandon", |day: &Folded<AgendaDay>, _| {
                Ok::<_, DayRefusal>(decide_abandon_move(&day.state, source.appointment, movement, into))
            })
            .await?;
        if !done.folded.state.abandoned_moves.contains(&movement) {
            return self.finish_move_in(ctx, source, target).await;
        }
        let release = Context { command: step_of(movement, "release"), ..child(ctx, "release") };
        self.transact(&release, &target.stream(), "release", |day: &Folded<AgendaDay>, _| {
            Ok::<_, DayRefusal>(decide_release_promise(&day.state, target.appointment, movement))
        })
        .await?;
        Ok(())
    }
}

/// The id of a movement's later step: whoever runs it appends the identical event.
fn step_of(movement: CommandId, step: &str) -> CommandId {
    CommandId(uuid::Uuid::new_v5(&movement.0, step.as_bytes()))
}
