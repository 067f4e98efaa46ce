//! The sweep: ends or finishes moves that their caller left unfinished. Needed for liveness, never for safety.

use crate::Engine;
use crate::appointments::Whereabouts;
use crate::context::{Actor, Context};
use crate::transact::Failure;
use booking_domain::agenda_day::{DayRefusal, MOVE_PATIENCE_SECONDS};
use booking_domain::ids::{AgendaId, ClinicId};
use booking_domain::time::WallDate;

impl Engine {
    /// Looks at days that hold promises to moves; the view knows them. Answers how many moves were settled.
    pub async fn sweep_moves(&self, days: &[(ClinicId, AgendaId, WallDate)]) -> Result<usize, Failure<DayRefusal>> {
        let mut settled = 0;
        for (clinic, agenda, date) in days {
            let day = self.day(*agenda, *date).await?;
            let now = self.clock.now();
            for (appointment, promise) in &day.state.promises {
                let target = Whereabouts { appointment: *appointment, agenda: *agenda, date: *date };
                let (source_agenda, source_date) = promise.source;
                let source = Whereabouts { appointment: *appointment, agenda: source_agenda, date: source_date };
                let ctx = Context {
                    clinic: *clinic,
                    actor: Actor::System,
                    command: self.fresh_command(),
                    received_at: now,
                    body_hash: None,
                    traceparent: None,
                };
                let left = self.day(source_agenda, source_date).await?;
                let gone = left.state.appointments.get(appointment);
                let gone = gone.is_some_and(|a| a.moved_by == Some(promise.movement));
                if gone {
                    self.finish_move_in(&ctx, source, target).await?;
                    settled += 1;
                } else if now.since(promise.reserved_at) > MOVE_PATIENCE_SECONDS * 1_000_000 {
                    self.end_move(&ctx, source, target, promise.movement).await?;
                    settled += 1;
                }
            }
        }
        Ok(settled)
    }
}
