//! A server in this process, and clinics in it that are set up through the engine.

use crate::actors::plain_service;
use crate::guests::Portal;
use crate::load::events_of;
use booking_api::AppOptions;
use booking_api::app::App;
use booking_api::cli::serve::{Listen, Serving};
use booking_domain::agenda_day::Selected;
use booking_domain::clinic::{
    ActivityDefined, AgendaOpened, ClinicRegistered, ContactDetails, PortalConfigured, PractitionerRegistered,
    ServiceConfigured,
};
use booking_domain::ids::{ActivityId, AgendaId, ClinicId, MemberId, PractitionerId, ServiceId, SlotId};
use booking_domain::time::{Tz, WallDate};
use booking_domain::values::{Language, Localized, Modality};
use booking_engine::{Actor, Context, Engine, Place, SlotDraft};
use booking_store::Recorded;
use std::sync::Arc;
use tempfile::TempDir;

/// Where tests listen.
pub fn loopback() -> Listen {
    Listen { public: "127.0.0.1:0".parse().unwrap(), ops: None }
}

/// A server on a data directory of its own.
pub struct House {
    serving: Serving,
    _dir: TempDir,
}

impl House {
    /// Opens one; limits per source are lifted, since all clients are one source.
    pub async fn open(change: impl FnOnce(&mut AppOptions)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut options = AppOptions { source_limits: false, answer_after: None, ..AppOptions::new(dir.path()) };
        change(&mut options);
        let serving = Serving::start(options, loopback()).await.unwrap();
        Self { serving, _dir: dir }
    }
    /// The application.
    pub fn app(&self) -> &Arc<App> {
        &self.serving.app
    }
    /// The portal of a clinic in it.
    pub fn portal(&self, clinic: &Clinic) -> Portal {
        Portal::new(&self.serving.address.to_string(), &clinic.slug, clinic.service)
    }
    /// The address of a clinic's portal in it.
    pub fn base(&self, clinic: &Clinic) -> String {
        format!("http://{}/api/v1/portal/{}", self.serving.address, clinic.slug)
    }
    /// Everything in the log.
    pub async fn log(&self) -> Vec<Recorded> {
        events_of(&**self.app().log()).await
    }
    /// Waits until the views show everything.
    pub async fn settled(&self) {
        assert!(self.app().settle().await, "the views do not catch up");
    }
    /// Closes it. Clients must be gone: the listener waits for their connections.
    pub async fn close(self) {
        self.serving.stop().await.unwrap();
    }
}

/// A clinic with one service, set up through the engine.
#[derive(Clone)]
pub struct Clinic {
    engine: Arc<Engine>,
    /// The clinic.
    pub id: ClinicId,
    /// The address of its portal.
    pub slug: String,
    /// What its slots are for.
    pub activity: ActivityId,
    /// The service that patients choose.
    pub service: ServiceId,
}

impl Clinic {
    /// Registers a clinic in Toronto, with its portal switched on. Activities take fifteen minutes.
    pub async fn found(engine: &Arc<Engine>) -> Self {
        let id = engine.fresh_clinic();
        let (activity, service) = (ActivityId(engine.fresh_command().0), ServiceId(engine.fresh_command().0));
        let slug = format!("clinic-{}", &id.0.simple().to_string()[..12]);
        let clinic = Self { engine: Arc::clone(engine), id, slug: slug.clone(), activity, service };
        let registered = ClinicRegistered {
            clinic: id,
            name: "Clinique du Parc".to_owned(),
            zone: Tz::America__Toronto.name().to_owned(),
            administrator: MemberId(id.0),
        };
        engine.register_clinic(&clinic.ctx(), &registered).await.unwrap();
        let portal = PortalConfigured {
            slug,
            contact: ContactDetails { phone: "514 555 0100".to_owned(), ..ContactDetails::default() },
            terms: Localized::new("Conditions", "Terms"),
            languages: vec![Language::Fr, Language::En],
            ..PortalConfigured::default()
        };
        engine.configure_portal(&clinic.ctx(), &portal, None).await.unwrap();
        engine.activate_portal(&clinic.ctx(), None).await.unwrap();
        let name = "Examen annuel".to_owned();
        let defined = ActivityDefined { activity, name, duration_minutes: 15, modality: Modality::InPerson };
        engine.define_activity(&clinic.ctx(), &defined, None).await.unwrap();
        let configured = ServiceConfigured { service, config: plain_service(&[activity]) };
        engine.configure_service(&clinic.ctx(), &configured, None).await.unwrap();
        clinic
    }
    /// Hires a practitioner and opens an agenda.
    pub async fn hires(&self, name: &str) -> AgendaId {
        let practitioner = PractitionerId(self.engine.fresh_command().0);
        let agenda = AgendaId(self.engine.fresh_command().0);
        let registered =
            PractitionerRegistered { practitioner, name: name.to_owned(), profession: Localized::default() };
        self.engine.register_practitioner(&self.ctx(), &registered, None).await.unwrap();
        self.engine.open_agenda(&self.ctx(), &AgendaOpened { agenda, practitioner }).await.unwrap();
        agenda
    }
    /// Publishes a slot and answers its places, in order.
    pub async fn publishes(&self, draft: &SlotDraft) -> Vec<Place> {
        let ctx = self.ctx();
        let done = self.engine.publish_slot(&ctx, draft).await.unwrap();
        let slot = SlotId(ctx.id("slot"));
        let laid = done.folded.state.occupancy.slot(slot).unwrap();
        let place = |start| Place { agenda: draft.agenda, date: draft.date, selected: Selected { slot, start } };
        laid.availabilities().map(|span| place(span.start)).collect()
    }
    /// The clinic's date, so many days from now.
    pub fn in_days(&self, days: i32) -> WallDate {
        self.engine.now().wall(Tz::America__Toronto).0.plus_days(days)
    }
    /// The frame of a command.
    pub fn ctx(&self) -> Context {
        Context {
            clinic: self.id,
            actor: Actor::Staff(MemberId(self.id.0)),
            command: self.engine.fresh_command(),
            received_at: self.engine.now(),
            body_hash: None,
            traceparent: None,
        }
    }
}
