//! A few bookings of every kind, so that agenda, reconciliation and history have something to show. Each has a command
//! id of its own, found again by a later start: what was booked once is not booked again.

use crate::import::{Ids, ImportError, Progress};
use booking_domain::agenda_day::{Freedom, Selected, Wish};
use booking_domain::clinic::Clinic;
use booking_domain::ids::{ActivityId, AgendaId, AppointmentId, ClinicId, PatientId, ServiceId, SubjectId, VisitId};
use booking_domain::person::{ProvisionalContact, TypedContact};
use booking_domain::phi::Phi;
use booking_domain::stream::StreamName;
use booking_domain::time::{Instant, Span, WallDate};
use booking_domain::values::Language;
use booking_domain::visibility::{Candidate, ViewerFacts, is_offered};
use booking_engine::vault::NewVisit;
use booking_engine::{
    Actor, Booked, Cancel, Context, Engine, Failure, For, OnlineBooking, Place, PlannedBooking, Whereabouts, command_id,
};
use booking_events::sealed_forms::{Plaintext, Reason};
use booking_store::fold::metadata_of;

/// Within how many days of the first start each booking lies.
const DAYS: i32 = 28;
/// How long before its start nothing is booked any more, in minutes.
const NOTICE: i64 = 24 * 60;

/// Somebody's identity as it is typed, and the record it is known to belong to.
struct Person {
    typed: TypedContact<'static>,
    /// External key of the record; none: nobody recognizes this person.
    record: Option<&'static str>,
}

/// How a booking comes in.
enum Way {
    /// Staff plan it.
    Staff,
    /// Staff plan it, and it is cancelled on the telephone.
    Cancelled,
    /// An external channel enters it.
    Channel(&'static str),
    /// The patient books it on the portal, for this service.
    Online(&'static str),
}

struct Demo {
    name: &'static str,
    agenda: &'static str,
    activity: &'static str,
    person: Person,
    way: Way,
    reason: &'static str,
}

const fn typed(
    first_name: &'static str,
    last_name: &'static str,
    birth_date: &'static str,
    sex: &'static str,
    cell_phone: &'static str,
) -> TypedContact<'static> {
    TypedContact { first_name, last_name, birth_date, sex, health_number: "", cell_phone, email: "" }
}

const AMELIE: Person =
    Person { typed: typed("Amélie", "Tremblay", "1988-04-12", "female", "418 555-0101"), record: Some("P-0001") };
/// Her name with a typing error: near enough for a proposal, not for recognition.
const TYPING_ERROR: Person =
    Person { typed: typed("Amélie", "Trembley", "1988-04-12", "female", "418 555-0101"), record: None };
const NEW: Person = Person { typed: typed("Marc", "Desrosiers", "1979-10-08", "male", "581 555-0171"), record: None };
const FROM_HUB: Person =
    Person { typed: typed("Louise", "Plante", "1967-05-21", "female", "418 555-0172"), record: None };
const GERARD: Person =
    Person { typed: typed("Gérard", "Bélanger", "1949-09-03", "male", "418 555-0102"), record: Some("P-0002") };
const FATIMA: Person =
    Person { typed: typed("Fatima", "Benali", "1995-06-30", "female", "418 555-0105"), record: Some("P-0005") };
const JEAN_FRANCOIS: Person = Person {
    typed: typed("Jean-François", "L'Écuyer", "1962-03-15", "male", "418 555-0106"),
    record: Some("P-0006"),
};

const BOOKINGS: [Demo; 9] = [
    demo("plan-1", "bouchard", "suivi", JEAN_FRANCOIS, Way::Staff, "Tension artérielle"),
    demo("plan-2", "nguyen", "aines", GERARD, Way::Staff, "Bilan annuel"),
    demo("plan-3", "roy", "pansement", GERARD, Way::Staff, "Changement de pansement"),
    demo("plan-4", "gagnon", "grossesse", FATIMA, Way::Staff, "Suivi de grossesse"),
    demo("cancelled", "macdonald", "suivi", FATIMA, Way::Cancelled, "Fatigue"),
    demo("hub", "nguyen", "sru-48", FROM_HUB, Way::Channel("Hub"), "Toux depuis trois jours"),
    demo("online", "gagnon", "suivi", AMELIE, Way::Online("suivi-medecin"), "Renouvellement d'ordonnance"),
    demo("online-new", "roy", "vaccin", NEW, Way::Online("vaccination"), "Vaccin contre la grippe"),
    demo("online-typing-error", "roy", "vaccin", TYPING_ERROR, Way::Online("vaccination"), "Voyage"),
];

const fn demo(
    name: &'static str,
    agenda: &'static str,
    activity: &'static str,
    person: Person,
    way: Way,
    reason: &'static str,
) -> Demo {
    Demo { name, agenda, activity, person, way, reason }
}

/// Makes the bookings that are not there yet; answers how many.
pub(super) async fn book(
    engine: &Engine,
    clinic: ClinicId,
    ids: &Ids,
    now: Instant,
    progress: &dyn Progress,
) -> Result<usize, ImportError> {
    let zone = engine.rules(clinic).await?.state.zone();
    let first = first_start(engine, clinic).await?.wall(zone).0;
    let maker = Maker { engine, clinic, ids, now, first };
    progress.stage("bookings", u64::try_from(BOOKINGS.len()).unwrap_or(0));
    let mut made = 0;
    for booking in &BOOKINGS {
        made += usize::from(maker.make(booking).await?);
        progress.advance(1);
    }
    Ok(made)
}

/// When the demo was first started: the clinic's first event.
async fn first_start(engine: &Engine, clinic: ClinicId) -> Result<Instant, ImportError> {
    let events = engine.log().read_stream(&StreamName::clinic(clinic), 0, 1).await;
    let events = events.map_err(|error| ImportError::Failure(error.to_string()))?;
    let first = events.first().ok_or_else(|| ImportError::Failure("the demo clinic is not there".into()))?;
    Ok(metadata_of(first)?.occurred_at)
}

struct Maker<'a> {
    engine: &'a Engine,
    clinic: ClinicId,
    ids: &'a Ids,
    now: Instant,
    first: WallDate,
}

fn failed<R: std::fmt::Display>(failure: &Failure<R>) -> ImportError {
    ImportError::Failure(format!("demo booking: {failure}"))
}

impl Maker<'_> {
    fn context(&self, name: &str, step: &str, actor: Actor) -> Context {
        let command = command_id(self.clinic, "demo", step, name);
        Context { clinic: self.clinic, actor, command, received_at: self.now, body_hash: None, traceparent: None }
    }

    /// True if it was made now.
    async fn make(&self, demo: &Demo) -> Result<bool, ImportError> {
        let receptionist = Actor::Staff(self.ids.of("member", &["accueil"]));
        let ctx = self.context(demo.name, "book", receptionist);
        let agenda: AgendaId = self.ids.of("agenda", &[demo.agenda]);
        let Some(place) = self.place(demo, agenda, &ctx).await? else { return Ok(false) };
        match demo.way {
            Way::Online(service) => self.online(demo, &ctx, place, service).await?,
            Way::Staff | Way::Cancelled | Way::Channel(_) => self.planned(demo, &ctx, place).await?,
        };
        if matches!(demo.way, Way::Cancelled) {
            let appointment = AppointmentId(ctx.id("appointment"));
            let at = Whereabouts { appointment, agenda, date: place.date };
            let cancel = Cancel {
                cancelled_at: None,
                by_patient: true,
                online: false,
                reason: Some("Message vocal : se sent mieux".into()),
                keep_record: true,
                keep_availability: true,
            };
            let ctx = self.context(demo.name, "cancel", receptionist);
            self.engine.cancel(&ctx, at, &cancel, None).await.map_err(|e| failed(&e))?;
        }
        Ok(true)
    }

    /// The first availability that suits; none if the booking was made already, or nothing suits.
    async fn place(&self, demo: &Demo, agenda: AgendaId, ctx: &Context) -> Result<Option<Place>, ImportError> {
        let rules = self.engine.rules(self.clinic).await?;
        let activity: ActivityId = self.ids.of("activity", &[demo.activity]);
        let viewer = self.viewer(demo).await?;
        let mut found = None;
        for date in (0..DAYS).map(|days| self.first.plus_days(days)) {
            let day = self.engine.day(agenda, date).await?;
            if day.commands.contains_key(&ctx.command) {
                return Ok(None);
            }
            let occupancy = &day.state.occupancy;
            for slot in occupancy.slots.iter().filter(|s| s.activity == Some(activity)) {
                let suits = |span: &Span| {
                    let freedom = occupancy.freedom(slot, *span, None, None, self.now);
                    let candidate = Candidate { slot, span: *span, freedom };
                    freedom == Freedom::Free
                        && span.start > self.now.plus_minutes(NOTICE)
                        && self.offered(&rules.state, demo, &candidate, &viewer)
                };
                let start = slot.availabilities().find(suits).map(|span| span.start);
                let place = start.map(|start| Place { agenda, date, selected: Selected { slot: slot.id, start } });
                found = found.or(place);
            }
        }
        Ok(found)
    }

    fn offered(&self, clinic: &Clinic, demo: &Demo, candidate: &Candidate<'_>, viewer: &ViewerFacts) -> bool {
        let Way::Online(service) = demo.way else { return true };
        let service: ServiceId = self.ids.of("service", &[service]);
        clinic.services.get(&service).is_some_and(|s| is_offered(clinic, s, candidate, viewer, self.now))
    }

    async fn viewer(&self, demo: &Demo) -> Result<ViewerFacts, ImportError> {
        let Some(patient) = self.patient(demo) else { return Ok(ViewerFacts::unrecognized(None)) };
        let viewer = self.engine.viewer_of_patient::<String>(self.clinic, patient, None).await;
        viewer.map(|viewer| viewer.facts).map_err(|e| failed(&e))
    }

    fn patient(&self, demo: &Demo) -> Option<PatientId> {
        demo.person.record.map(|key| self.ids.of("patient", &[key]))
    }

    fn contact(&self, demo: &Demo) -> Result<ProvisionalContact, ImportError> {
        let contact = ProvisionalContact::parse(demo.person.typed, self.now.wall(chrono_tz::UTC).0);
        contact.map_err(|_| ImportError::Failure(format!("demo booking {}: the contact is wrong", demo.name)))
    }

    async fn planned(&self, demo: &Demo, ctx: &Context, place: Place) -> Result<Booked, ImportError> {
        let person = match self.patient(demo) {
            Some(patient) => For::Patient(patient),
            None => For::Provisional(Box::new(self.contact(demo)?.to_profile())),
        };
        let day = self.engine.day(place.agenda, place.date).await?;
        let slot = day.state.occupancy.slot(place.selected.slot);
        let span = slot.and_then(|s| s.availability_at(place.selected.start));
        let span = span.ok_or_else(|| ImportError::Failure(format!("demo booking {}: its slot is gone", demo.name)))?;
        let wish =
            Wish { date: place.date, span, selected: Some(place.selected), only_selected: false, overbook: false };
        let command = PlannedBooking {
            agenda: place.agenda,
            wish,
            person,
            activity: None,
            modality: None,
            reason: Some(Reason { choice: None, text: demo.reason.into() }),
            notify: true,
            language: Language::Fr,
            channel: if let Way::Channel(name) = demo.way { Some(name.into()) } else { None },
        };
        self.engine.plan(ctx, &command).await.map_err(|e| failed(&e))
    }

    async fn online(
        &self,
        demo: &Demo,
        ctx: &Context,
        place: Place,
        service: &'static str,
    ) -> Result<Booked, ImportError> {
        let contact = self.contact(demo)?;
        // Of this start alone: a visit that did not come to a booking is forgotten within a day.
        let (id, subject) = (VisitId(self.engine.fresh_command().0), SubjectId(self.engine.fresh_command().0));
        let new = NewVisit {
            id,
            clinic: self.clinic,
            subject,
            identity: Phi::new(contact.to_plaintext().to_vec()),
            identity_schema: ProvisionalContact::SCHEMA,
            patient: self.patient(demo),
            language: "fr".into(),
            proof: 0,
            terms_version: 1,
            opened_at: self.now,
            expires_at: self.now.plus_minutes(60),
            source_hash: None,
        };
        let visit = self.engine.vault().open_visit(new).await?.visit;
        let command = OnlineBooking {
            place,
            service: self.ids.of("service", &[service]),
            hold: None,
            reason: Some(Reason { choice: None, text: demo.reason.into() }),
            terms_accepted_at: self.now,
            notify: true,
        };
        let ctx = Context { actor: Actor::Visit(id), ..ctx.clone() };
        let booked = self.engine.book_online(&ctx, &visit, &contact.to_profile(), &command).await;
        booked.map_err(|e| failed(&e))
    }
}
