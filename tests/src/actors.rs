//! The clinic, its staff and its visitors, as verbs.

use crate::command::{Answer, Command};
use crate::world::World;
use booking_domain::agenda_day::{AgendaDay, DayRefusal, Selected, Wish};
use booking_domain::clinic::{
    ActivityDefined, AgendaOpened, ClinicRegistered, ContactDetails, PortalConfigured, PractitionerRegistered,
    PublicationOverride, ServiceConfig, ServiceConfigured, Settings,
};
use booking_domain::ids::{
    ActivityId, AgendaId, AppointmentId, HoldId, MemberId, PatientId, PractitionerId, ServiceId, SlotId, SubjectId,
    VisitId,
};
use booking_domain::patient::Registration;
use booking_domain::person::{Phone, Profile};
use booking_domain::phi::Phi;
use booking_domain::time::{Instant, Span, Tz, WallDate, WallTime, resolve};
use booking_domain::values::{Language, Localized, Modality, Proof, Sex};
use booking_engine::vault::{NewVisit, Visit};
use booking_engine::{
    Actor, Booked, Cancel, Changed, Engine, Failure, For, Mark, MoveTo, NewPatient, OnlineBooking, Place,
    PlannedBooking, SlotDraft, Whereabouts,
};
use booking_events::sealed_forms::Plaintext;

/// A practitioner and the agenda that was opened for them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Desk {
    /// The practitioner.
    pub practitioner: PractitionerId,
    /// Their agenda.
    pub agenda: AgendaId,
}

/// A visitor of the portal: the visit, and what was typed.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The visit.
    pub visit: Visit,
    /// What the visitor typed.
    pub identity: Profile,
}

/// A patient record.
#[derive(Clone, Debug)]
pub struct Patient {
    /// The record.
    pub id: PatientId,
    /// Who it is.
    pub profile: Profile,
}

/// What a command on a day came to.
pub type Result<T> = std::result::Result<T, Failure<DayRefusal>>;

/// Somebody with a name, a birth date and a telephone.
#[must_use]
pub fn somebody(name: &str, birth: WallDate, sex: Sex) -> Profile {
    Profile {
        first_name: name.to_owned(),
        last_name: "Tremblay".to_owned(),
        birth_date: birth,
        sex,
        health_number: None,
        health_number_expiry: None,
        phones: vec![Phone::parse("514 555 0123").unwrap()],
        emails: vec![],
        addresses: vec![],
    }
}

/// A date that exists.
#[must_use]
pub fn date(text: &str) -> WallDate {
    WallDate::parse(text).unwrap_or_else(|| panic!("{text} is no date"))
}

/// A time of day.
#[must_use]
pub fn time(text: &str) -> WallTime {
    WallTime::parse(text).unwrap_or_else(|| panic!("{text} is no time"))
}

/// The one instant at which a clock in `zone` shows this.
#[must_use]
pub fn instant(zone: Tz, day: &str, at: &str) -> Instant {
    resolve(date(day), time(at), zone).first_or_missing().unwrap_or_else(|| panic!("{day} {at} does not exist"))
}

/// A service with these activities and nothing else.
#[must_use]
pub fn plain_service(activities: &[ActivityId]) -> ServiceConfig {
    ServiceConfig {
        internal_name: "48h Hub".to_owned(),
        public_name: Localized::new("Consultation", "Consultation"),
        activities: activities.to_vec(),
        ..ServiceConfig::default()
    }
}

/// A slot of an activity, with the activity's interval.
#[must_use]
pub fn draft(agenda: AgendaId, day: WallDate, start: WallTime, end: WallTime, activity: ActivityId) -> SlotDraft {
    SlotDraft {
        agenda,
        date: day,
        start,
        end,
        start_offset: None,
        end_offset: None,
        activity: Some(activity),
        title: None,
        interval_minutes: None,
        modality: None,
        publication: PublicationOverride::None,
    }
}

/// A cancellation by staff that keeps everything.
#[must_use]
pub const fn by_staff() -> Cancel {
    Cancel {
        cancelled_at: None,
        by_patient: true,
        online: false,
        reason: None,
        keep_record: true,
        keep_availability: true,
    }
}

/// Set-up and rules, by an administrator.
impl World {
    /// The clinic's administrator.
    #[must_use]
    pub fn administrator(&self) -> Actor {
        Actor::Staff(MemberId(self.clinic.0))
    }
    /// Runs a command as the administrator, who has no patience for failures.
    pub async fn orders(&self, command: Command) -> Answer {
        let answer = command.run(&self.engine, &self.ctx(self.administrator())).await;
        assert!(answer.is_done(), "{command:?}: {answer:?}");
        answer
    }
    /// Registers the clinic, and switches its portal on.
    pub async fn opens_in(&self, zone: Tz) {
        let registered = ClinicRegistered {
            clinic: self.clinic,
            name: "Clinique du Parc".to_owned(),
            zone: zone.name().to_owned(),
            administrator: MemberId(self.clinic.0),
        };
        self.engine.register_clinic(&self.ctx(self.administrator()), &registered).await.unwrap();
        let portal = PortalConfigured {
            slug: format!("clinic-{}", &self.clinic.0.simple().to_string()[..12]),
            contact: ContactDetails { phone: "514 555 0100".to_owned(), ..ContactDetails::default() },
            terms: Localized::new("Conditions", "Terms"),
            languages: vec![Language::Fr, Language::En],
            ..PortalConfigured::default()
        };
        self.engine.configure_portal(&self.ctx(self.administrator()), &portal, None).await.unwrap();
        self.orders(Command::Portal { on: true }).await;
    }
    /// Hires a practitioner and opens an agenda.
    pub async fn hires(&self, name: &str) -> Desk {
        let (practitioner, agenda) = (PractitionerId::from_bytes(self.id()), AgendaId::from_bytes(self.id()));
        let registered =
            PractitionerRegistered { practitioner, name: name.to_owned(), profession: Localized::default() };
        self.engine.register_practitioner(&self.ctx(self.administrator()), &registered, None).await.unwrap();
        let opened = AgendaOpened { agenda, practitioner };
        self.engine.open_agenda(&self.ctx(self.administrator()), &opened).await.unwrap();
        Desk { practitioner, agenda }
    }
    /// Defines an activity.
    pub async fn defines_activity(&self, duration_minutes: u16) -> ActivityId {
        let activity = ActivityId::from_bytes(self.id());
        let name = "Examen annuel".to_owned();
        let defined = ActivityDefined { activity, name, duration_minutes, modality: Modality::InPerson };
        self.orders(Command::DefineActivity(defined)).await;
        activity
    }
    /// Configures a new service.
    pub async fn offers(&self, config: ServiceConfig) -> ServiceId {
        let service = ServiceId::from_bytes(self.id());
        self.orders(Command::ConfigureService(Box::new(ServiceConfigured { service, config }))).await;
        service
    }
    /// Changes the settings.
    pub async fn settles(&self, settings: Settings) {
        self.orders(Command::ChangeSettings(settings)).await;
    }
    /// A clinic in Toronto with one practitioner, one activity of so many minutes and one open service.
    pub async fn small_clinic(&self, minutes: u16) -> (Desk, ActivityId, ServiceId) {
        self.opens_in(Tz::America__Toronto).await;
        let desk = self.hires("Dre Roy").await;
        let activity = self.defines_activity(minutes).await;
        let service = self.offers(plain_service(&[activity])).await;
        (desk, activity, service)
    }
}

/// Schedules and appointments, by staff.
impl World {
    /// Publishes a slot, which gets an id of its own.
    pub async fn publishes(&self, draft: SlotDraft) -> SlotId {
        let ctx = self.ctx(self.administrator());
        let done = self.engine.publish_slot(&ctx, &draft).await.unwrap();
        let slot = SlotId(ctx.id("slot"));
        assert!(done.folded.state.occupancy.slot(slot).is_some());
        slot
    }
    /// The `n`-th availability of a slot, counted from 0.
    pub async fn place(&self, agenda: AgendaId, day: WallDate, slot: SlotId, n: usize) -> Place {
        let folded = self.engine.day(agenda, day).await.unwrap();
        let start = folded.state.occupancy.slot(slot).unwrap().availabilities().nth(n).unwrap().start;
        Place { agenda, date: day, selected: Selected { slot, start } }
    }
    /// Registers a patient.
    pub async fn registers(&self, profile: Profile, registration: Registration) -> Patient {
        let id = PatientId::from_bytes(self.id());
        let new = NewPatient { id, profile: profile.clone(), registration, imported: false };
        self.orders(Command::RegisterPatient(Box::new(new))).await;
        Patient { id, profile }
    }
    /// Plans an appointment for a patient.
    pub async fn plans(&self, agenda: AgendaId, wish: Wish, patient: PatientId) -> Result<Booked> {
        self.engine.plan(&self.ctx(self.administrator()), &planned(agenda, wish, For::Patient(patient))).await
    }
    /// Cancels an appointment.
    pub async fn cancels(&self, at: Whereabouts, keep_availability: bool) -> Result<Changed> {
        let cancel = Cancel { keep_availability, ..by_staff() };
        self.engine.cancel(&self.ctx(self.administrator()), at, &cancel, None).await
    }
    /// Moves an appointment.
    pub async fn moves(&self, at: Whereabouts, agenda: AgendaId, wish: Wish) -> Result<Changed> {
        let to = MoveTo::Staff { agenda, wish };
        self.engine.move_appointment(&self.ctx(self.administrator()), at, &to, false, None).await
    }
    /// Attaches a patient.
    pub async fn attaches(&self, at: Whereabouts, patient: PatientId) -> Result<Changed> {
        self.engine.attach(&self.ctx(self.administrator()), at, patient, None).await
    }
    /// Detaches the patient.
    pub async fn detaches(&self, at: Whereabouts) -> Result<Changed> {
        self.engine.detach(&self.ctx(self.administrator()), at, None).await
    }
    /// Marks a step in an appointment's life.
    pub async fn marks(&self, at: Whereabouts, mark: Mark) -> Result<Changed> {
        self.engine.mark(&self.ctx(self.administrator()), at, mark, None).await
    }
    /// Every day of an agenda that has a stream, read from the log.
    pub async fn days(&self) -> Vec<((AgendaId, WallDate), AgendaDay)> {
        let mut names: Vec<_> = self.events().await.into_iter().map(|e| e.stream).collect();
        names.sort();
        names.dedup();
        let mut days = Vec::new();
        for name in names {
            if let Some(key) = name.as_agenda_day() {
                days.push((key, self.folded::<AgendaDay>(&name).await.state));
            }
        }
        days
    }
}

/// A plain planned booking.
#[must_use]
pub const fn planned(agenda: AgendaId, wish: Wish, person: For) -> PlannedBooking {
    PlannedBooking {
        agenda,
        wish,
        person,
        activity: None,
        modality: None,
        reason: None,
        notify: true,
        language: Language::Fr,
        channel: None,
    }
}

/// A wish for this availability of so many minutes.
#[must_use]
pub const fn wish(place: Place, minutes: i64) -> Wish {
    let span = Span::minutes(place.selected.start, minutes);
    Wish { date: place.date, span, selected: Some(place.selected), only_selected: false, overbook: false }
}

/// Where a booking put its appointment.
#[must_use]
pub const fn whereabouts(booked: &Booked) -> Whereabouts {
    Whereabouts { appointment: booked.appointment, agenda: booked.agenda, date: booked.date }
}

/// Visits.
impl World {
    /// Somebody opens a visit; `patient` is the record that they were recognized as.
    pub async fn welcomes(&self, identity: Profile, patient: Option<PatientId>, proof: Proof) -> Visitor {
        let new = NewVisit {
            id: VisitId::from_bytes(self.id()),
            clinic: self.clinic,
            subject: SubjectId::from_bytes(self.id()),
            identity: Phi::new(identity.to_plaintext().to_vec()),
            identity_schema: Profile::SCHEMA,
            patient,
            language: "fr".into(),
            proof: proof.code(),
            terms_version: 1,
            opened_at: self.now(),
            expires_at: self.now().plus_minutes(24 * 60),
            source_hash: None,
        };
        Visitor { visit: self.vault.open_visit(new).await.unwrap().visit, identity }
    }
    /// A stranger opens a visit.
    pub async fn welcomes_a_stranger(&self) -> Visitor {
        self.welcomes(somebody("Zoé", date("1990-02-03"), Sex::Female), None, Proof::None).await
    }
    /// A patient opens a visit and is recognized.
    pub async fn recognizes(&self, patient: &Patient) -> Visitor {
        self.welcomes(patient.profile.clone(), Some(patient.id), Proof::None).await
    }
}

/// An online booking without a hold or a reason.
#[must_use]
pub const fn online(place: Place, service: ServiceId, now: Instant) -> OnlineBooking {
    OnlineBooking { place, service, hold: None, reason: None, terms_accepted_at: now, notify: true }
}

impl Visitor {
    /// Who acts.
    #[must_use]
    pub const fn actor(&self) -> Actor {
        Actor::Visit(self.visit.id)
    }
    /// Books an availability.
    pub async fn books(&self, world: &World, place: Place, service: ServiceId) -> Result<Booked> {
        self.books_on(&world.engine, world, place, service).await
    }
    /// Books an availability on this node.
    pub async fn books_on(&self, engine: &Engine, world: &World, place: Place, service: ServiceId) -> Result<Booked> {
        let booking = online(place, service, world.now());
        engine.book_online(&world.ctx(self.actor()), &self.visit, &self.identity, &booking).await
    }
    /// Holds an availability.
    pub async fn holds(&self, world: &World, place: Place, service: ServiceId) -> Result<HoldId> {
        world.engine.hold(&world.ctx(self.actor()), &self.visit, place, service).await.map(|(hold, _)| hold)
    }
}

/// A whereabouts of an appointment that is known to be there.
#[must_use]
pub const fn at(appointment: AppointmentId, (agenda, date): (AgendaId, WallDate)) -> Whereabouts {
    Whereabouts { appointment, agenda, date }
}
