//! Random clinics, slots, people and commands. Everything follows from one seed.
//!
//! Times are few and close together on purpose: what never collides tests nothing.

use crate::actors::{Desk, Patient, Visitor, at, by_staff, draft, online, planned, somebody};
use crate::command::{Answer, Command};
use crate::rng::Rng;
use crate::world::{Home, World};
use booking_domain::agenda_day::{DayRefusal, Selected, Wish};
use booking_domain::clinic::{
    ActivityDefined, Criterion, PractitionerFilter, PublicationOverride, PublicationRule, ServiceConfig,
    ServiceConfigured, Settings, UsageOrDefault,
};
use booking_domain::ids::{ActivityId, AgendaId, AppointmentId, HoldId, PatientId, ServiceId, SlotId};
use booking_domain::patient::Registration;
use booking_domain::person::Profile;
use booking_domain::time::{Instant, Span, Tz, WallDate, WallTime};
use booking_domain::values::{AgeUnit, Localized, Modality, Proof, RecognitionProof, RegistrationKind, Sex, Usage};
use booking_domain::visibility::{Candidate, is_offered};
use booking_engine::{
    Cancel, Context, EngineOptions, For, LaidBy, Mark, MoveTo, NewPatient, OnlineBooking, Place, SlotDraft, Whereabouts,
};
use booking_events::sealed_forms::Reason;
use booking_store::EventStore;
use std::sync::Arc;

/// A slot as staff remember it.
#[derive(Clone, Debug)]
pub struct Laid {
    /// Its agenda.
    pub agenda: AgendaId,
    /// Its day.
    pub date: WallDate,
    /// Its id.
    pub slot: SlotId,
}

/// A command that was run.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its frame.
    pub ctx: Context,
    /// The command.
    pub command: Command,
    /// What came back.
    pub answer: Answer,
}

/// A random clinic and what is known about it.
pub struct Play {
    /// The world.
    pub world: World,
    /// The choices.
    pub rng: Rng,
    /// The clinic's zone.
    pub zone: Tz,
    /// Practitioners.
    pub desks: Vec<Desk>,
    /// Activities.
    pub activities: Vec<ActivityId>,
    /// Services.
    pub services: Vec<ServiceId>,
    /// Patients.
    pub patients: Vec<Patient>,
    /// Visitors.
    pub visitors: Vec<Visitor>,
    /// Slots.
    pub slots: Vec<Laid>,
    /// Holds.
    pub holds: Vec<(Visitor, (AgendaId, WallDate), HoldId)>,
    /// Appointments, where they were booked first.
    pub appointments: Vec<Whereabouts>,
    /// What was run.
    pub ran: Vec<Ran>,
}

const ZONES: [Tz; 4] = [Tz::America__Toronto, Tz::America__St_Johns, Tz::Africa__Casablanca, Tz::UTC];
const DAYS: i64 = 3;

impl Play {
    /// A random clinic in a world on a log in memory.
    pub async fn new(home: &Home, seed: u64) -> Self {
        Self::in_world(home.world(seed), seed).await
    }
    /// A random clinic on this log.
    pub async fn on(home: &Home, log: Arc<dyn EventStore>, seed: u64) -> Self {
        Self::in_world(home.world_on(log, seed), seed).await
    }

    async fn in_world(world: World, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let options = EngineOptions { gate: rng.percent(80), message_channel: true };
        let zone = rng.pick(&ZONES);
        let world = world.with(options);
        world.opens_in(zone).await;
        let mut play = Self {
            world,
            rng,
            zone,
            desks: vec![],
            activities: vec![],
            services: vec![],
            patients: vec![],
            visitors: vec![],
            slots: vec![],
            holds: vec![],
            appointments: vec![],
            ran: vec![],
        };
        for _ in 0..=play.rng.below(2) {
            play.desks.push(play.world.hires("Dre Roy").await);
        }
        for _ in 0..=play.rng.below(2) {
            let minutes = play.rng.pick(&[10, 15, 20, 30]);
            play.activities.push(play.world.defines_activity(minutes).await);
        }
        let settings = play.settings();
        play.world.settles(settings).await;
        for _ in 0..=play.rng.below(3) {
            let config = play.service();
            play.services.push(play.world.offers(config).await);
        }
        for _ in 0..=play.rng.below(3) {
            let (profile, registration) = (play.profile(), play.registration());
            play.patients.push(play.world.registers(profile, registration).await);
        }
        for _ in 0..=play.rng.below(3) {
            play.somebody_comes().await;
        }
        for _ in 0..=play.rng.below(4) {
            let draft = play.slot();
            play.run(Command::PublishSlot(draft)).await;
        }
        play
    }

    /// Opens a visit: a stranger's, or a patient's, proven or not.
    pub async fn somebody_comes(&mut self) {
        let patient = if self.rng.percent(70) { self.rng.maybe(&self.patients) } else { None };
        let proof = if self.rng.percent(50) { Proof::Both } else { Proof::None };
        let visitor = if let Some(patient) = patient {
            self.world.welcomes(patient.profile, Some(patient.id), proof).await
        } else {
            let profile = self.profile();
            self.world.welcomes(profile, None, proof).await
        };
        self.visitors.push(visitor);
    }

    fn today(&self) -> WallDate {
        self.world.now().wall(self.zone).0
    }
    /// A day from today on, now and then yesterday.
    fn day(&mut self) -> WallDate {
        let low = if self.rng.percent(5) { -1 } else { 0 };
        self.today().plus_days(i32::try_from(self.rng.between(low, DAYS)).unwrap())
    }

    /// Random details of a person.
    pub fn profile(&mut self) -> Profile {
        let years = self.rng.between(0, 90);
        let days = self.rng.between(0, 364);
        // Now and then a birthday around the day of a visit.
        let birth = if self.rng.percent(30) {
            let months = self.rng.between(1, 30) * 12;
            let near = self.rng.between(-1, DAYS + 1);
            self.today().plus_days(i32::try_from(near - months * 1461 / 48).unwrap())
        } else {
            self.today().plus_days(-i32::try_from(years * 365 + days).unwrap())
        };
        somebody("Zoé", birth, self.rng.pick(Sex::ALL))
    }

    /// A random registration.
    pub fn registration(&mut self) -> Registration {
        match self.rng.below(5) {
            0 | 1 => Registration::Practitioner(self.rng.pick(&self.desks).practitioner),
            2 => Registration::Clinic,
            3 => Registration::Elsewhere,
            _ => Registration::None,
        }
    }

    /// Random settings.
    pub fn settings(&mut self) -> Settings {
        let rng = &mut self.rng;
        Settings {
            min_notice_minutes: rng.pick(&[0, 0, 0, 30, 120]),
            max_horizon_minutes: rng.pick(&[None, None, None, Some(1_440), Some(2_880)]),
            max_future_appointments: rng.pick(&[None, None, Some(1), Some(2)]),
            hold_minutes: rng.pick(&[5, 5, 15, 60]),
            change_cutoff_minutes: rng.pick(&[0, 60, 1_440]),
            recognition_proof: rng.pick(&[RecognitionProof::None, RecognitionProof::OneTimeCode]),
            offer_recurring_online: rng.percent(30),
        }
    }

    fn criterion(&mut self) -> Criterion {
        let rng = &mut self.rng;
        match rng.below(4) {
            0 => {
                let unit = rng.pick(AgeUnit::ALL);
                let low = u16::try_from(rng.between(0, 30)).unwrap();
                let high = low + u16::try_from(rng.between(0, 400)).unwrap();
                let (min, max) = rng.pick(&[(Some(low), None), (None, Some(high)), (Some(low), Some(high))]);
                Criterion::AgeRange { unit, min, max }
            }
            1 => Criterion::Sex(vec![rng.pick(Sex::ALL), rng.pick(Sex::ALL)]),
            2 => Criterion::Registration(vec![rng.pick(RegistrationKind::ALL), rng.pick(RegistrationKind::ALL)]),
            _ => Criterion::ExistingRecord,
        }
    }

    /// A random service.
    pub fn service(&mut self) -> ServiceConfig {
        let activities = match self.rng.some_of(&self.activities) {
            none if none.is_empty() => vec![self.activities[0]],
            some => some,
        };
        let practitioners: Vec<_> = self.desks.iter().map(|d| d.practitioner).collect();
        let filter = match self.rng.below(4) {
            0 => PractitionerFilter::Only(vec![self.rng.pick(&practitioners)]),
            1 => PractitionerFilter::AllExcept(self.rng.some_of(&practitioners)),
            _ => PractitionerFilter::All,
        };
        let criteria = (0..self.rng.pick(&[0, 0, 0, 1, 1, 2])).map(|_| self.criterion()).collect();
        let rng = &mut self.rng;
        let publication = match rng.below(5) {
            0 => PublicationRule::MinutesBefore(u32::try_from(rng.between(1, 3_000)).unwrap()),
            1 => {
                let days = u16::try_from(rng.between(0, 2)).unwrap();
                PublicationRule::DaysBefore { days, at: WallTime(rng.pick(&[480, 540, 570, 0])) }
            }
            _ => PublicationRule::AtOnce,
        };
        let usage =
            UsageOrDefault(rng.pick(&[Usage::Booking, Usage::Booking, Usage::Booking, Usage::Both, Usage::Request]));
        let free_text_reason = rng.percent(50);
        let reasons = if rng.percent(40) { vec![Localized::new("Suivi", "Follow-up")] } else { vec![] };
        // A history in which nobody is ever offered anything tests little.
        let open = rng.percent(55);
        let (criteria, filter, usage) = if open {
            (vec![], PractitionerFilter::All, UsageOrDefault(Usage::Booking))
        } else {
            (criteria, filter, usage)
        };
        let publication = if open && rng.percent(70) { PublicationRule::AtOnce } else { publication };
        ServiceConfig {
            internal_name: "24h Hub".to_owned(),
            public_name: Localized::new("Consultation", "Consultation"),
            description: Localized::default(),
            activities,
            usage,
            criteria,
            filter,
            publication,
            min_notice_minutes: rng.pick(&[None, None, Some(0), Some(60)]),
            max_horizon_minutes: rng.pick(&[None, None, None, Some(720), Some(4_000)]),
            max_future_appointments: rng.pick(&[None, None, None, Some(1), Some(2)]),
            reason_required: rng.percent(50) && (free_text_reason || !reasons.is_empty()),
            reasons,
            free_text_reason,
        }
    }

    /// A random slot: short days, so that slots overlap.
    pub fn slot(&mut self) -> SlotDraft {
        let date = self.day();
        let agenda = self.rng.pick(&self.desks).agenda;
        let now = self.world.now().wall(self.zone).1.0;
        let base = if self.rng.percent(50) { 540 } else { i64::from(now / 5 * 5) };
        let start = (base + 5 * self.rng.between(0, 30)).clamp(0, 1_380);
        let end = (start + 5 * self.rng.between(2, 30)).min(1_440);
        let (start, end) = (u16::try_from(start).unwrap(), u16::try_from(end).unwrap());
        let activity = self.rng.pick(&self.activities);
        let mut slot = draft(agenda, date, WallTime(start), WallTime(end), activity);
        let rng = &mut self.rng;
        slot.interval_minutes = rng.pick(&[None, None, Some(5), Some(10), Some(15), Some(25)]);
        if rng.percent(10) {
            (slot.activity, slot.title) = (None, Some("Réunion".to_owned()));
        }
        slot.publication = match rng.below(8) {
            0 => PublicationOverride::At(self.world.now().plus_minutes(rng.between(-60, 240))),
            1 => PublicationOverride::MinutesBefore(u32::try_from(rng.between(1, 3_000)).unwrap()),
            _ => PublicationOverride::None,
        };
        slot
    }

    /// A random availability that is, or was, somewhere in the book.
    pub async fn place(&mut self) -> Option<Place> {
        let laid = self.rng.maybe(&self.slots)?;
        let day = self.world.engine.day(laid.agenda, laid.date).await.unwrap();
        let slot = day.state.occupancy.slot(laid.slot)?;
        let pieces: Vec<_> = slot.availabilities().collect();
        let mut start = self.rng.maybe(&pieces)?.start;
        if self.rng.percent(2) {
            start = start.plus_minutes(1);
        }
        Some(Place { agenda: laid.agenda, date: laid.date, selected: Selected { slot: laid.slot, start } })
    }

    /// A random wish of staff: in an availability, or anywhere.
    pub async fn wish(&mut self) -> (AgendaId, Wish) {
        let place = if self.rng.percent(70) { self.place().await } else { None };
        let overbook = self.rng.percent(25);
        let minutes = 5 * self.rng.between(1, 12);
        if let Some(Place { agenda, date, selected }) = place {
            let shift = if self.rng.percent(15) { 5 * self.rng.between(-2, 2) } else { 0 };
            let span = Span::minutes(selected.start.plus_minutes(shift), minutes);
            let only_selected = self.rng.percent(40);
            let selected = (self.rng.percent(90)).then_some(selected);
            return (agenda, Wish { date, span, selected, only_selected, overbook });
        }
        let (agenda, date) = (self.rng.pick(&self.desks).agenda, self.day());
        let start = WallTime(u16::try_from(540 + 5 * self.rng.between(0, 60)).unwrap());
        let start = booking_domain::time::resolve(date, start, self.zone).first_or_next();
        (agenda, Wish { date, span: Span::minutes(start, minutes), selected: None, only_selected: false, overbook })
    }

    /// An availability that a service offers to a visitor right now, if there is one.
    pub async fn offered(&mut self, visitor: &Visitor, service: ServiceId) -> Option<Place> {
        let rules = self.world.engine.rules(self.world.clinic).await.unwrap();
        let known = rules.state.services.get(&service)?;
        let viewer = self.world.engine.viewer::<DayRefusal>(&visitor.visit, Some(service)).await.unwrap();
        let (mut found, now) = (vec![], self.world.now());
        let mut seen: Vec<_> = self.slots.iter().map(|l| (l.agenda, l.date)).collect();
        seen.sort();
        seen.dedup();
        for (agenda, date) in seen {
            let day = self.world.engine.day(agenda, date).await.unwrap();
            for slot in &day.state.occupancy.slots {
                for span in slot.availabilities() {
                    let freedom = day.state.occupancy.freedom(slot, span, Some(visitor.visit.id), None, now);
                    if is_offered(&rules.state, known, &Candidate { slot, span, freedom }, &viewer.facts, now) {
                        let selected = Selected { slot: slot.id, start: span.start };
                        found.push(Place { agenda, date, selected });
                    }
                }
            }
        }
        self.rng.maybe(&found)
    }

    /// A service and an availability for a visitor: most often one that is offered.
    async fn choice(&mut self, visitor: &Visitor) -> Option<(ServiceId, Place)> {
        if self.rng.percent(75) {
            for _ in 0..3 {
                let service = self.rng.pick(&self.services);
                if let Some(place) = self.offered(visitor, service).await {
                    return Some((service, place));
                }
            }
        }
        Some((self.rng.pick(&self.services), self.place().await?))
    }

    /// A reason that the service takes.
    #[must_use]
    pub fn reason(config: &ServiceConfig) -> Option<Reason> {
        if config.free_text_reason {
            Some(Reason { choice: None, text: "Toux".to_owned() })
        } else if config.reasons.is_empty() {
            None
        } else {
            Some(Reason { choice: Some(0), text: String::new() })
        }
    }

    /// A booking that gives the reason which the service asks for.
    pub async fn booking(&self, place: Place, service: ServiceId) -> OnlineBooking {
        let rules = self.world.engine.rules(self.world.clinic).await.unwrap();
        let reason = rules.state.services.get(&service).and_then(|s| Self::reason(&s.config));
        OnlineBooking { reason, ..online(place, service, self.world.now()) }
    }

    /// Where an appointment stood when it was booked, or stands now.
    async fn appointment(&mut self) -> Option<Whereabouts> {
        let first = self.rng.maybe(&self.appointments)?;
        if self.rng.percent(50) { Some(first) } else { self.world.engine.locate(first).await.ok() }
    }

    /// The next command; none if it would be about something that is not there.
    pub async fn next(&mut self) -> Option<Command> {
        let just_held =
            self.ran.last().is_some_and(|r| matches!(r.command, Command::Hold { .. }) && r.answer.is_done());
        let dice = if just_held && self.rng.percent(30) { 30 } else { self.rng.below(100) };
        Some(match dice {
            0..10 => Command::PublishSlot(self.slot()),
            10..13 => {
                let drafts = (0..=self.rng.below(3)).map(|_| self.slot()).collect();
                let template = booking_domain::ids::TemplateId::from_bytes(self.world.id());
                let laid_by = self.rng.pick(&[LaidBy::Hand, LaidBy::Recurrence, LaidBy::Template(template)]);
                Command::PublishMany { drafts, laid_by }
            }
            13..17 => {
                let Laid { agenda, date, slot } = self.rng.maybe(&self.slots)?;
                let draft = SlotDraft { agenda, date, ..self.slot() };
                Command::AmendSlot { slot, draft }
            }
            17..19 => {
                let Laid { agenda, date, slot } = self.rng.maybe(&self.slots)?;
                Command::WithdrawSlot { agenda, date, slot }
            }
            19..30 => {
                let visitor = self.rng.maybe(&self.visitors)?;
                let (service, place) = self.choice(&visitor).await?;
                Command::Hold { visitor, place, service }
            }
            30..34 => {
                let last = if self.rng.percent(70) { self.holds.last().cloned() } else { None };
                let (visitor, day, hold) = last.or_else(|| self.rng.maybe(&self.holds))?;
                if self.rng.percent(60) {
                    Command::Extend { visitor, day, hold }
                } else {
                    Command::Release { visitor, day, hold }
                }
            }
            34..52 => {
                let visitor = self.rng.maybe(&self.visitors)?;
                let (service, place) = self.choice(&visitor).await?;
                let mut booking = self.booking(place, service).await;
                if self.rng.percent(20) {
                    booking.hold = self.rng.maybe(&self.holds).map(|(_, _, hold)| hold);
                }
                Command::Book { visitor, booking }
            }
            52..62 => {
                let (agenda, wish) = self.wish().await;
                let person = match self.rng.maybe(&self.patients) {
                    Some(patient) if self.rng.percent(60) => For::Patient(patient.id),
                    _ => For::Provisional(Box::new(self.profile())),
                };
                let mut plan = planned(agenda, wish, person);
                plan.activity = if self.rng.percent(30) { self.rng.maybe(&self.activities) } else { None };
                plan.channel = self.rng.percent(20).then(|| "Hub".to_owned());
                Command::Plan(plan)
            }
            62..72 => self.next_move().await?,
            72..79 => {
                let by_patient = self.rng.percent(50);
                let cancel = Cancel {
                    by_patient,
                    online: by_patient && self.rng.percent(30),
                    reason: self.rng.percent(30).then(|| "Empêchement".to_owned()),
                    keep_availability: self.rng.percent(60),
                    ..by_staff()
                };
                Command::Cancel { at: self.appointment().await?, cancel }
            }
            79..86 => {
                let at = self.appointment().await?;
                match self.rng.below(3) {
                    0 => Command::Detach { at },
                    _ => Command::Attach { at, patient: self.rng.maybe(&self.patients)?.id },
                }
            }
            86..90 => {
                let at = self.appointment().await?;
                let mark = self.rng.pick(&[Mark::Confirmed, Mark::Arrived, Mark::Completed, Mark::NoShow]);
                Command::Mark { at, mark }
            }
            90..96 => self.next_on_patients()?,
            _ => self.next_on_rules(),
        })
    }

    async fn next_move(&mut self) -> Option<Command> {
        let at = self.appointment().await?;
        let to = if self.rng.percent(30) {
            MoveTo::Patient(self.place().await?)
        } else {
            let (agenda, wish) = self.wish().await;
            MoveTo::Staff { agenda, wish }
        };
        Some(Command::Move { at, to, drop_original: self.rng.percent(40) })
    }

    fn next_on_patients(&mut self) -> Option<Command> {
        let id = self.rng.maybe(&self.patients)?.id;
        Some(match self.rng.below(10) {
            0..3 => {
                let id = PatientId::from_bytes(self.world.id());
                let (profile, registration) = (self.profile(), self.registration());
                Command::RegisterPatient(Box::new(NewPatient { id, profile, registration, imported: false }))
            }
            3..5 => Command::UpdatePatient { id, profile: Box::new(self.profile()) },
            5..7 => Command::SetRegistration { id, registration: self.registration() },
            7 => Command::MarkDeceased { id },
            _ => Command::Merge { loser: id, survivor: self.rng.pick(&self.patients).id },
        })
    }

    fn next_on_rules(&mut self) -> Command {
        let service = self.rng.pick(&self.services);
        match self.rng.below(10) {
            0..3 => {
                let config = self.service();
                Command::ConfigureService(Box::new(ServiceConfigured { service, config }))
            }
            3 => Command::DeactivateService(service),
            4..5 => Command::ChangeSettings(self.settings()),
            5..7 => Command::Portal { on: self.rng.percent(70) },
            7 => Command::Practitioner { id: self.rng.pick(&self.desks).practitioner, active: self.rng.percent(60) },
            _ => {
                let activity = self.rng.pick(&self.activities);
                if self.rng.percent(40) {
                    return Command::RetireActivity(activity);
                }
                let duration_minutes = self.rng.pick(&[10, 15, 20]);
                let name = "Suivi".to_owned();
                Command::DefineActivity(ActivityDefined { activity, name, duration_minutes, modality: Modality::Video })
            }
        }
    }

    /// Lets some time pass, or none; now and then somebody comes.
    pub async fn time_passes(&mut self) {
        let seconds = match self.rng.below(10) {
            0..4 => 0,
            4..8 => self.rng.between(1, 400),
            8 => self.rng.between(400, 4_000),
            _ => self.rng.pick(&[300, 3_600, 20_000]),
        };
        self.world.clock.advance_seconds(seconds);
        if self.rng.percent(5) && self.visitors.len() < 6 {
            self.somebody_comes().await;
        }
    }

    /// Runs a command and remembers what it made.
    pub async fn run(&mut self, command: Command) -> Answer {
        let actor = match &command {
            Command::Hold { visitor, .. }
            | Command::Extend { visitor, .. }
            | Command::Release { visitor, .. }
            | Command::Book { visitor, .. } => visitor.actor(),
            _ => self.world.administrator(),
        };
        let ctx = self.world.ctx(actor);
        let answer = command.run(&self.world.engine, &ctx).await;
        self.remember(&ctx, &command, &answer);
        self.ran.push(Ran { ctx, command, answer: answer.clone() });
        answer
    }

    fn remember(&mut self, ctx: &Context, command: &Command, answer: &Answer) {
        if !answer.left_events() {
            return;
        }
        match command {
            Command::PublishSlot(d) => {
                self.slots.push(Laid { agenda: d.agenda, date: d.date, slot: SlotId(ctx.id("slot")) });
            }
            Command::PublishMany { drafts, .. } => {
                for (i, d) in drafts.iter().enumerate() {
                    let slot = SlotId(ctx.id(&format!("slot {i}")));
                    self.slots.push(Laid { agenda: d.agenda, date: d.date, slot });
                }
            }
            Command::Hold { visitor, place, .. } => {
                self.holds.push((visitor.clone(), (place.agenda, place.date), HoldId(ctx.id("hold"))));
            }
            Command::Book { booking: OnlineBooking { place: Place { agenda, date, .. }, .. }, .. } => {
                self.appointments.push(at(AppointmentId(ctx.id("appointment")), (*agenda, *date)));
            }
            Command::Plan(plan) => {
                self.appointments.push(at(AppointmentId(ctx.id("appointment")), (plan.agenda, plan.wish.date)));
            }
            Command::RegisterPatient(new) => {
                self.patients.push(Patient { id: new.id, profile: new.profile.clone() });
            }
            _ => {}
        }
    }

    /// Runs so many random commands, time passing between them.
    pub async fn go_on(&mut self, commands: usize) {
        for _ in 0..commands {
            self.time_passes().await;
            if let Some(command) = self.next().await {
                let answer = self.run(command).await;
                assert!(!matches!(answer, Answer::Failed(_)), "{:?}", self.ran.last());
            }
        }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.world.now()
    }
}
