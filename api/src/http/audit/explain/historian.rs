//! Who set what a rule rests on: the event of the clinic's stream that its revision names, or the event of the day that
//! took the time.

use super::{SetBy, Spot};
use crate::http::audit::events::AuditActor;
use crate::http::audit::names::Names;
use crate::http::audit::past::Past;
use crate::http::audit::sentences;
use crate::http::problem::ApiResult;
use booking_domain::agenda_day::{AgendaDayEvent, Blocked, Freedom};
use booking_domain::stream::StreamName;
use booking_domain::time::Tz;
use booking_domain::visibility::{Rule, Situation};
use booking_store::Recorded;
use booking_store::fold::{decode, metadata_of, read_whole};

/// Finds the events that rules rest on.
pub(super) struct Historian<'a> {
    past: &'a Past<'a>,
    spot: Spot,
    zone: Tz,
    names: Names<'a>,
    clinic: Vec<Recorded>,
    day: Vec<Recorded>,
}

impl<'a> Historian<'a> {
    pub(super) async fn new(past: &'a Past<'a>, spot: Spot, zone: Tz) -> ApiResult<Self> {
        let log = &**past.app.log();
        let clinic = read_whole(log, &StreamName::clinic(past.clinic)).await?;
        let day = read_whole(log, &StreamName::agenda_day(spot.agenda, spot.start.wall(zone).0)).await?;
        let names = Names::of(past.app, past.clinic);
        Ok(Self { past, spot, zone, names, clinic, day })
    }

    pub(super) async fn set_by(
        &self,
        situation: &Situation,
        rule: Rule,
        revision: Option<u64>,
    ) -> ApiResult<Option<SetBy>> {
        let event = match (revision, rule) {
            (Some(revision), _) => self.clinic.iter().find(|e| e.revision == revision),
            (None, Rule::Published) => self.of_day(|e| self.is_about_slot(e))?,
            (None, Rule::Free) => self.blocking(situation)?,
            (None, _) => None,
        };
        match event {
            Some(event) => self.told(event).await.map(Some),
            None => Ok(None),
        }
    }

    fn is_about_slot(&self, event: &AgendaDayEvent) -> bool {
        match event {
            AgendaDayEvent::SlotPublished(e) => e.slot == self.spot.slot,
            AgendaDayEvent::SlotAmended(e) => e.slot == self.spot.slot,
            AgendaDayEvent::SlotWithdrawn(e) => e.slot == self.spot.slot,
            _ => false,
        }
    }

    /// What took the time, if it is not free.
    fn blocking(&self, situation: &Situation) -> ApiResult<Option<&Recorded>> {
        let Some(span) = situation.span() else { return Ok(None) };
        match situation.freedom() {
            Some(Freedom::Blocked(Blocked::Withdrawn)) => {
                self.of_day(|e| matches!(e, AgendaDayEvent::SlotWithdrawn(e) if e.slot == self.spot.slot))
            }
            Some(Freedom::Blocked(Blocked::Booked)) => {
                let taken = situation.day.taken.iter().find(|t| t.span.overlaps(span)).map(|t| t.appointment);
                self.of_day(|e| {
                    matches!(
                        e,
                        AgendaDayEvent::AppointmentBooked(_)
                            | AgendaDayEvent::AppointmentMoved(_)
                            | AgendaDayEvent::AppointmentMovedIn(_)
                    ) && e.appointment() == taken
                })
            }
            Some(Freedom::Blocked(Blocked::Promised)) => {
                let promised = situation.day.promised.iter().find(|p| p.span.overlaps(span)).map(|p| p.appointment);
                self.of_day(|e| matches!(e, AgendaDayEvent::MoveReserved(e) if Some(e.appointment) == promised))
            }
            Some(Freedom::Blocked(Blocked::Held(until))) => {
                let held = situation.day.holds.iter().find(|h| h.expires_at == until).map(|h| h.id);
                self.of_day(|e| matches!(e, AgendaDayEvent::HoldPlaced(e) if Some(e.hold) == held))
            }
            Some(Freedom::Blocked(Blocked::Removed) | Freedom::Free | Freedom::Own(_)) | None => Ok(None),
        }
    }

    /// The day's last event of a kind, up to the moment.
    fn of_day(&self, wanted: impl Fn(&AgendaDayEvent) -> bool) -> ApiResult<Option<&Recorded>> {
        let mut last = None;
        for event in &self.day {
            if !self.past.at.upto.includes(event, metadata_of(event)?.occurred_at) {
                break;
            }
            if wanted(&decode::<AgendaDayEvent>(event)?) {
                last = Some(event);
            }
        }
        Ok(last)
    }

    async fn told(&self, event: &Recorded) -> ApiResult<SetBy> {
        let metadata = metadata_of(event)?;
        let AuditActor { kind: actor, id, name } = self.names.actor(metadata.actor).await?;
        Ok(SetBy {
            stream: event.stream.to_string(),
            revision: event.revision,
            position: event.position.0,
            what: sentences::name(&event.event_type).to_owned(),
            at: metadata.occurred_at.rfc3339(self.zone),
            actor,
            id,
            name,
        })
    }
}
