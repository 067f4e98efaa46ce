//! `MoveAppointment`: within a day one append; across days a promise, the leaving, the arrival (design, section 4).
//!
//! What a crash at each step leaves: a promise alone is ended by the sweep after two minutes, at the source first; an
//! appointment that left and did not arrive is finished by whoever meets it. The leaving is the move.

use crate::Engine;
use crate::appointments::{Changed, MOVE_CHAIN, Result, Whereabouts};
use crate::booking::Place;
use crate::context::Context;
use crate::quota::child;
use crate::transact::{Committed, Failure};
use booking_domain::agenda_day::{
    AgendaDay, AgendaDayEvent, Booking, DayRefusal, Destination, Wish, decide_abandon_move, decide_move_in,
    decide_move_out, decide_move_within, decide_release_promise, decide_reserve_move,
};
use booking_domain::ids::{AgendaId, CommandId};
use booking_domain::time::WallDate;
use booking_domain::values::BadField;
use booking_domain::visibility::{Rule, ViewerFacts};
use booking_store::fold::{FoldError, Folded, decode, read_whole};

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

impl Engine {
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
    pub(crate) async fn settled(&self, ctx: &Context, known: Whereabouts) -> Result<Whereabouts> {
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
        Ok(Changed { whereabouts: target, committed: Committed { folded, trace, stored: None, replayed } })
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
                    None => ViewerFacts::unrecognized(None),
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
