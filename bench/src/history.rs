//! Long histories, made in bulk: what a clinic's log and views are after months of work.
//!
//! One slot, one hold and one booking are made by the engine, sealed and admitted as they are in life. Every other event
//! is one of them under other ids and times, encoded as it would be, and appended a day at a time. So the bytes are
//! those of real events; only, nobody's key opens what is sealed in them.

use crate::scene::{Guest, HALVES, open, places, settle, welcome};
use anyhow::Context as _;
use booking_api::App;
use booking_domain::agenda_day::{
    AboutAppointment, AgendaDayEvent, AppointmentBooked, AppointmentCancelled, HoldExtended, HoldPlaced, SlotPublished,
    Source,
};
use booking_domain::clinic::{ActivityDefined, ServiceConfigured};
use booking_domain::ids::{
    ActivityId, AgendaId, AppointmentId, ClinicId, CommandId, HoldId, PractitionerId, ServiceId, SlotId, SubjectId,
    VisitId,
};
use booking_domain::reference::Reference;
use booking_domain::stream::StreamName;
use booking_domain::time::{Span, Tz, WallDate, WallTime, resolve};
use booking_domain::values::Modality;
use booking_engine::{Actor, Clock, ManualClock};
use booking_events::{EventCodec, Metadata};
use booking_store::fold::decode;
use booking_store::{Expected, NewEvent};
use booking_tests::Rng;
use booking_tests::actors::{draft, plain_service};
use booking_tests::house::Clinic;
use booking_tests::world::MORNING;
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// The file that says what a finished history is; it is written last.
const DONE: &str = "history.json";
/// Practitioners of the narrow service, and of the wide one.
pub const NARROW: usize = 20;
/// The wide service's.
pub const WIDE: usize = 50;

/// What the days of a history look like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Shape {
    /// Two half-days of fifteen-minute times; 80 % are booked, 5 % held at the clock's moment.
    Clinic,
    /// Twelve slots, twelve holds, twelve bookings and twelve of everything else: a quarter each.
    Mixed,
}

/// How long a history is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// What its days look like.
    pub shape: Shape,
    /// How many agendas.
    pub agendas: usize,
    /// Days that are over.
    pub past: i32,
    /// Days to come, today's not counted.
    pub ahead: i32,
}

/// A history that was made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct History {
    /// As it was asked for.
    pub plan: Plan,
    /// The clinic.
    pub clinic: ClinicId,
    /// The address of its portal.
    pub slug: String,
    /// A service of [`NARROW`] practitioners.
    pub narrow: ServiceId,
    /// A service of [`WIDE`].
    pub wide: ServiceId,
    /// The day that the clock stands on.
    pub today: WallDate,
    /// Events in the log.
    pub events: u64,
    /// Availabilities, taken or not.
    pub availabilities: u64,
}

/// The clock of histories: a Monday morning that does not pass.
#[must_use]
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new(MORNING))
}

/// What the history in a data directory is.
pub fn known(data: &Path) -> anyhow::Result<History> {
    Ok(serde_json::from_slice(&std::fs::read(data.join(DONE))?)?)
}

/// The data directory of a history below this folder, made unless it is there.
pub async fn made(below: &Path, plan: Plan) -> anyhow::Result<(PathBuf, History)> {
    let Plan { shape, agendas, past, ahead } = plan;
    let data = below.join(format!("{shape:?}-{agendas}-{past}-{ahead}").to_lowercase());
    if let Ok(known) = known(&data)
        && known.plan == plan
    {
        return Ok((data, known));
    }
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    let serving = open(&data, Some(clock())).await?;
    let made = Maker::found(&serving.app, plan).await?.make().await;
    let settled = settle(&serving.app).await;
    serving.stop().await?;
    let history = made.and_then(|history| settled.map(|()| history))?;
    std::fs::write(data.join(DONE), serde_json::to_vec(&history)?)?;
    Ok((data, history))
}

/// Makes one day after the other.
struct Maker<'a> {
    app: &'a App,
    plan: Plan,
    clinic: Clinic,
    wide: ServiceId,
    /// Agendas, whose they are, and what their slots are for.
    agendas: Vec<(AgendaId, PractitionerId, ActivityId)>,
    slot: SlotPublished,
    hold: HoldPlaced,
    booked: AppointmentBooked,
}

impl<'a> Maker<'a> {
    async fn found(app: &'a Arc<App>, plan: Plan) -> anyhow::Result<Self> {
        let clinic = Clinic::found(&app.engine).await;
        let second = activity(app, &clinic, "Suivi").await?;
        let third = activity(app, &clinic, "Vaccination").await?;
        let wide = ServiceId(app.engine.fresh_command().0);
        let config = plain_service(&[clinic.activity, second]);
        let configured = ServiceConfigured { service: wide, config };
        app.engine.configure_service(&clinic.ctx(), &configured, None).await.map_err(failed)?;
        let mut agendas = Vec::new();
        for number in 0..plan.agendas {
            let of = if number < NARROW {
                clinic.activity
            } else if number < WIDE {
                second
            } else {
                third
            };
            agendas.push((clinic.hires("Dre Roy").await, of));
        }
        let rules = app.engine.rules(clinic.id).await?;
        let owned = |(agenda, of)| Some((agenda, rules.state.practitioner_of(agenda)?, of));
        let agendas: Vec<_> = agendas.into_iter().filter_map(owned).collect();
        let (slot, hold, booked) = samples(app, &clinic, agendas.first().context("no agenda")?.0).await?;
        Ok(Self { app, plan, clinic, wide, agendas, slot, hold, booked })
    }

    async fn make(self) -> anyhow::Result<History> {
        let today = self.clinic.in_days(0);
        let days = (-self.plan.past..=self.plan.ahead).flat_map(|day| {
            self.agendas.iter().zip(0_u64..).map(move |(agenda, number)| (today.plus_days(day), agenda, number))
        });
        let appends = days.map(|(date, agenda, number)| {
            let seed = u64::from(date.0.unsigned_abs()) << 20 | number;
            let events = self.day(date, *agenda, &mut Rng::new(seed));
            async move {
                let stream = StreamName::agenda_day(agenda.0, date);
                let appended = self.app.log().append(&stream, Expected::NoStream, events?).await;
                appended.map(|_| ()).map_err(anyhow::Error::from)
            }
        });
        futures::stream::iter(appends).buffer_unordered(64).try_collect::<()>().await?;
        let events = self.app.log().head().await?.map_or(0, |head| head.0);
        let per_day = match self.plan.shape {
            Shape::Clinic => crate::scene::TIMES_A_DAY,
            Shape::Mixed => MIXED,
        };
        let agenda_days = self.agendas.len() * usize::try_from(self.plan.past + self.plan.ahead + 1)?;
        Ok(History {
            plan: self.plan,
            clinic: self.clinic.id,
            slug: self.clinic.slug,
            narrow: self.clinic.service,
            wide: self.wide,
            today,
            events,
            availabilities: u64::try_from(agenda_days * per_day)?,
        })
    }

    /// The events of an agenda's day.
    fn day(
        &self,
        date: WallDate,
        agenda: (AgendaId, PractitionerId, ActivityId),
        rng: &mut Rng,
    ) -> anyhow::Result<Vec<NewEvent>> {
        let mut day = Day { maker: self, date, agenda, events: Vec::new() };
        match self.plan.shape {
            Shape::Clinic => day.of_clinic(rng)?,
            Shape::Mixed => day.mixed(rng)?,
        }
        Ok(day.events.iter().map(|event| self.stored(event, rng)).collect())
    }

    /// As the engine would store it, under a command of its own.
    fn stored(&self, event: &AgendaDayEvent, rng: &mut Rng) -> NewEvent {
        let command = CommandId::from_bytes(rng.bytes());
        let metadata = Metadata {
            correlation_id: command.0,
            causation_id: command.0,
            command_id: command,
            clinic: self.clinic.id,
            actor: Actor::Visit(VisitId::from_bytes(rng.bytes())),
            received_at: MORNING,
            occurred_at: MORNING,
            traceparent: None,
            body_hash: Some([7; 32]),
        };
        let encoded = event.encode();
        let id = Uuid::from_bytes(rng.bytes());
        NewEvent {
            id,
            event_type: encoded.event_type.into(),
            metadata: metadata.to_json().into(),
            payload: encoded.payload.into(),
        }
    }
}

/// Slots of a mixed day.
const MIXED: usize = 12;

/// A day that is being made.
struct Day<'a> {
    maker: &'a Maker<'a>,
    date: WallDate,
    agenda: (AgendaId, PractitionerId, ActivityId),
    events: Vec<AgendaDayEvent>,
}

impl Day<'_> {
    fn slot(
        &mut self,
        (start, end): (WallTime, WallTime),
        minutes: u16,
        rng: &mut Rng,
    ) -> anyhow::Result<(SlotId, Span)> {
        let instant = |time| resolve(self.date, time, Tz::America__Toronto).first_or_missing().context("no such time");
        let span = Span { start: instant(start)?, end: instant(end)? };
        let mut slot = self.maker.slot.clone();
        slot.slot = SlotId::from_bytes(rng.bytes());
        (slot.agenda, slot.practitioner, slot.date) = (self.agenda.0, self.agenda.1, self.date);
        (slot.facts.start, slot.facts.end, slot.facts.span) = (start, end, span);
        (slot.facts.activity, slot.facts.interval_minutes) = (Some(self.agenda.2), minutes);
        let id = slot.slot;
        self.events.push(AgendaDayEvent::SlotPublished(slot));
        Ok((id, span))
    }

    fn hold(&mut self, slot: SlotId, span: Span, rng: &mut Rng) -> HoldId {
        let hold = HoldId::from_bytes(rng.bytes());
        let visit = VisitId::from_bytes(rng.bytes());
        self.events.push(AgendaDayEvent::HoldPlaced(HoldPlaced { hold, visit, slot, span, ..self.maker.hold.clone() }));
        hold
    }

    fn book(&mut self, slot: SlotId, span: Span, hold: Option<HoldId>, rng: &mut Rng) -> AppointmentId {
        let AppointmentBooked { mut booking, mut placement, .. } = self.maker.booked.clone();
        let named = rng.bytes().first_chunk::<6>().copied().unwrap_or_default();
        booking.appointment = AppointmentId::from_bytes(rng.bytes());
        (booking.agenda, booking.reference) = (self.agenda.0, Reference::from_entropy(named).compact());
        (booking.subject, booking.visit) = (SubjectId::from_bytes(rng.bytes()), Some(VisitId::from_bytes(rng.bytes())));
        for half in booking.link_hash.chunks_mut(16) {
            half.copy_from_slice(&rng.bytes());
        }
        booking.activity = Some(self.agenda.2);
        (placement.practitioner, placement.date) = (self.agenda.1, self.date);
        (placement.start, placement.end) =
            (span.start.wall(Tz::America__Toronto).1, span.end.wall(Tz::America__Toronto).1);
        (placement.span, placement.occupies, placement.sources) = (span, span, vec![Source { slot, span }]);
        let id = booking.appointment;
        self.events.push(AgendaDayEvent::AppointmentBooked(AppointmentBooked { booking, placement, hold }));
        id
    }

    fn of_clinic(&mut self, rng: &mut Rng) -> anyhow::Result<()> {
        let mut slots = Vec::new();
        for (from, to) in HALVES {
            slots.push(self.slot((WallTime(from * 60), WallTime(to * 60)), 15, rng)?);
        }
        for (slot, whole) in slots {
            let mut start = whole.start;
            while start < whole.end {
                let span = Span::minutes(start, 15);
                start = span.end;
                match rng.below(100) {
                    0..80 => drop(self.book(slot, span, None, rng)),
                    80..85 => drop(self.hold(slot, span, rng)),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn mixed(&mut self, rng: &mut Rng) -> anyhow::Result<()> {
        let at = |half_hours: usize| WallTime(8 * 60 + 30 * u16::try_from(half_hours).unwrap_or(0));
        let mut slots = Vec::new();
        for number in 0..MIXED {
            slots.push(self.slot((at(number), at(number + 1)), 30, rng)?);
        }
        let held: Vec<_> = slots.iter().map(|(slot, span)| self.hold(*slot, *span, rng)).collect();
        if let Some(first) = held.first() {
            let expires_at = self.maker.hold.expires_at.plus_minutes(5);
            self.events.push(AgendaDayEvent::HoldExtended(HoldExtended { hold: *first, expires_at }));
        }
        let kept = slots.iter().zip(held);
        let booked: Vec<_> = kept.map(|((slot, span), hold)| self.book(*slot, *span, Some(hold), rng)).collect();
        let about = |at: usize| booked.get(at).map(|appointment| AboutAppointment { appointment: *appointment });
        let rest = (0..4).filter_map(about).map(AgendaDayEvent::AttendanceConfirmed);
        let rest = rest.chain((0..3).filter_map(about).map(AgendaDayEvent::PatientArrived));
        let rest = rest.chain((0..2).filter_map(about).map(AgendaDayEvent::AppointmentCompleted));
        let rest = rest.chain(about(3).map(AgendaDayEvent::NoShowRecorded));
        let cancelled = about(4).map(|a| AppointmentCancelled {
            appointment: a.appointment,
            cancelled_at: MORNING,
            by_patient: true,
            reason: None,
            keep_record: true,
            dropped: vec![],
        });
        let rest: Vec<_> = rest.chain(cancelled.map(AgendaDayEvent::AppointmentCancelled)).collect();
        self.events.extend(rest);
        Ok(())
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn failed<R: std::fmt::Debug>(failure: booking_engine::Failure<R>) -> anyhow::Error {
    anyhow::anyhow!("{failure:?}")
}

async fn activity(app: &App, clinic: &Clinic, name: &str) -> anyhow::Result<ActivityId> {
    let activity = ActivityId(app.engine.fresh_command().0);
    let modality = Modality::InPerson;
    let defined = ActivityDefined { activity, name: name.to_owned(), duration_minutes: 15, modality };
    app.engine.define_activity(&clinic.ctx(), &defined, None).await.map_err(failed)?;
    Ok(activity)
}

/// A slot, a hold and a booking, made by the engine on a day far ahead, as the log has them.
async fn samples(
    app: &App,
    clinic: &Clinic,
    agenda: AgendaId,
) -> anyhow::Result<(SlotPublished, HoldPlaced, AppointmentBooked)> {
    let date = clinic.in_days(1_000);
    let slot = draft(agenda, date, WallTime(9 * 60), WallTime(10 * 60), clinic.activity);
    app.engine.publish_slot(&clinic.ctx(), &slot).await.map_err(failed)?;
    let [first, second, ..] = places(app, agenda, date).await?[..] else { anyhow::bail!("no places") };
    let Guest { visit, .. } = welcome(app, clinic.id, None).await?;
    app.engine.hold(&clinic.ctx(), &visit, first, clinic.service).await.map_err(failed)?;
    let guest = welcome(app, clinic.id, None).await?;
    anyhow::ensure!(
        crate::scene::book(app, clinic.service, &guest, second, "sample").await?,
        "the sample is not booked"
    );
    let (mut slot, mut hold, mut booked) = (None, None, None);
    for event in app.log().read_stream(&StreamName::agenda_day(agenda, date), 0, 10).await? {
        match decode::<AgendaDayEvent>(&event)? {
            AgendaDayEvent::SlotPublished(e) => slot = Some(e),
            AgendaDayEvent::HoldPlaced(e) => hold = Some(e),
            AgendaDayEvent::AppointmentBooked(e) => booked = Some(e),
            _ => {}
        }
    }
    Ok((slot.context("no slot")?, hold.context("no hold")?, booked.context("no booking")?))
}
