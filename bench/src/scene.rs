//! A server of this process on a folder of the disk, a clinic in it, times to book, and visitors whose visits are open.

use anyhow::Context as _;
use booking_api::cli::serve::Serving;
use booking_api::{App, AppOptions};
use booking_domain::agenda_day::Selected;
use booking_domain::ids::{AgendaId, ClinicId, PatientId, ServiceId, SlotId, SubjectId, VisitId};
use booking_domain::person::{Phone, ProvisionalContact};
use booking_domain::phi::Phi;
use booking_domain::time::{WallDate, WallTime};
use booking_domain::values::{Proof, Sex};
use booking_engine::vault::{KeyUse, NewVisit, Visit};
use booking_engine::{Actor, Clock, Context, LaidBy, MAX_BULK, OnlineBooking, Place, command_id};
use booking_events::sealed_forms::Plaintext;
use booking_tests::actors::draft;
use booking_tests::house::{Clinic, loopback};
use futures::{StreamExt, TryStreamExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Visits that are opened, and slots that are laid down, at the same time.
const AT_ONCE: usize = 64;
/// How long the views may take to catch up.
const PATIENCE: Duration = Duration::from_mins(10);
/// What a booking's request is hashed from.
const BODY: &[u8] =
    br#"{"service":"00000000-0000-0000-0000-000000000000","availability":"0000000000000000000000000000"}"#;

/// Half-days of a practitioner: from which hour to which.
pub const HALVES: [(u16, u16); 2] = [(8, 12), (13, 17)];
/// Availabilities of fifteen minutes on such a day.
pub const TIMES_A_DAY: usize = 32;

/// Opens a server on a data directory. Limits per source are lifted, since all clients are one source, and answers leave
/// as soon as they are ready; everything else is as a clinic has it.
pub async fn open(data: &Path, clock: Option<Arc<dyn Clock>>) -> anyhow::Result<Serving> {
    let mut options = AppOptions { source_limits: false, answer_after: None, ..AppOptions::new(data) };
    if let Some(clock) = clock {
        options.clock = clock;
    }
    Serving::start(options, loopback()).await
}

/// Waits until every view shows everything.
pub async fn settle(app: &App) -> anyhow::Result<()> {
    anyhow::ensure!(app.settle_within(PATIENCE).await, "the views do not catch up");
    Ok(())
}

/// A server on a folder that goes with it, and a clinic with one open service.
pub struct Scene {
    /// The server.
    pub serving: Serving,
    /// The clinic.
    pub clinic: Clinic,
    folder: tempfile::TempDir,
}

impl Scene {
    /// Opens one below this folder.
    pub async fn open(below: &Path, clock: Option<Arc<dyn Clock>>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(below).context("cannot make a folder to measure in")?;
        let serving = open(folder.path(), clock).await?;
        let clinic = Clinic::found(&serving.app.engine).await;
        Ok(Self { serving, clinic, folder })
    }
    /// The application.
    #[must_use]
    pub const fn app(&self) -> &Arc<App> {
        &self.serving.app
    }
    /// Closes the server; its clients must be gone.
    pub async fn close(self) -> anyhow::Result<()> {
        self.serving.stop().await?;
        Ok(self.folder.close()?)
    }

    /// Hires so many practitioners, each with an agenda.
    pub async fn hires(&self, many: usize) -> Vec<AgendaId> {
        let hired = (0..many).map(|_| self.clinic.hires("Dre Roy"));
        futures::stream::iter(hired).buffered(8).collect().await
    }
    /// Lays down two half-days of each agenda on so many days from tomorrow on. Answers every place, those of one day far
    /// apart: whoever takes them in this order goes through all agenda-days before coming back to one.
    pub async fn lays_out(&self, agendas: &[AgendaId], days: i32) -> anyhow::Result<Vec<Place>> {
        let (engine, activity) = (&self.app().engine, self.clinic.activity);
        let whole = |hour: u16| WallTime(hour * 60);
        let mut drafts = Vec::new();
        for (agenda, day) in agendas.iter().flat_map(|agenda| (1..=days).map(move |day| (*agenda, day))) {
            let date = self.clinic.in_days(day);
            drafts.extend(HALVES.map(|(from, to)| draft(agenda, date, whole(from), whole(to), activity)));
        }
        for some in drafts.chunks(MAX_BULK) {
            engine
                .publish_many(&self.clinic.ctx(), some, LaidBy::Hand, false)
                .await
                .map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
        }
        let on_day = drafts.chunks(HALVES.len()).filter_map(|day| day.first());
        let read = on_day.map(|slot| places(self.app(), slot.agenda, slot.date));
        let by_day: Vec<Vec<Place>> = futures::stream::iter(read).buffered(8).try_collect().await?;
        let nth = |n| by_day.iter().filter_map(move |day: &Vec<Place>| day.get(n).copied());
        Ok((0..TIMES_A_DAY).flat_map(nth).collect())
    }
    /// Opens so many visits.
    pub async fn welcomes(&self, many: usize) -> anyhow::Result<Vec<Guest>> {
        let all = (0..many).map(|_| welcome(self.app(), self.clinic.id, None));
        futures::stream::iter(all).buffer_unordered(AT_ONCE).try_collect().await
    }
}

/// The places of an agenda-day.
pub async fn places(app: &App, agenda: AgendaId, date: WallDate) -> anyhow::Result<Vec<Place>> {
    let day = app.engine.day(agenda, date).await?;
    let of = |slot: SlotId, start| Place { agenda, date, selected: Selected { slot, start } };
    let slots = &day.state.occupancy.slots;
    Ok(slots.iter().flat_map(|slot| slot.availabilities().map(|span| of(slot.id, span.start))).collect())
}

/// Somebody with an open visit.
#[derive(Clone)]
pub struct Guest {
    /// The visit.
    pub visit: Visit,
    /// Its token, as a client sends it.
    pub token: String,
}

/// Somebody opens a visit, and is recognized as this patient.
pub async fn welcome(app: &App, clinic: ClinicId, patient: Option<PatientId>) -> anyhow::Result<Guest> {
    let (engine, now) = (&app.engine, app.engine.now());
    let contact = ProvisionalContact {
        first_name: "Zoé".to_owned(),
        last_name: "Tremblay-Gagnon".to_owned(),
        birth_date: WallDate::from_ymd(1990, 2, 3).unwrap_or_default(),
        sex: Sex::Female,
        health_number: None,
        cell_phone: Phone::parse("514 555 0123").ok(),
        email: None,
    };
    let new = NewVisit {
        id: VisitId(engine.fresh_command().0),
        clinic,
        subject: SubjectId(engine.fresh_command().0),
        identity: Phi::new(contact.to_plaintext().to_vec()),
        identity_schema: ProvisionalContact::SCHEMA,
        patient,
        language: "fr".to_owned(),
        proof: Proof::None.code(),
        terms_version: 1,
        opened_at: now,
        expires_at: now.plus_minutes(24 * 60),
        source_hash: None,
    };
    let opened = engine.vault().open_visit(new).await?;
    Ok(Guest { token: format!("v_{}", opened.token.reveal().as_str()), visit: opened.visit })
}

/// Books as the portal's handler does, less HTTP: the identity is opened, the key of the request remembered, the command
/// marked as running. True if it was booked, false if somebody else had the time.
pub async fn book(app: &App, service: ServiceId, guest: &Guest, place: Place, key: &str) -> anyhow::Result<bool> {
    let (engine, visit, actor) = (&app.engine, &guest.visit, Actor::Visit(guest.visit.id));
    let (vault, received_at) = (engine.vault(), engine.now());
    let command = command_id(visit.clinic, &actor.to_string(), "book", key);
    let hash = vault.clinic_keys(visit.clinic).await?.keyed_hash(KeyUse::Idempotency, &[b"/appointments", BODY]);
    let _running = engine.start(command).context("this command is running")?;
    vault.remember(command, hash, received_at).await?;
    let ctx = Context { clinic: visit.clinic, actor, command, received_at, body_hash: Some(hash), traceparent: None };
    let typed = vault.visit_identity(visit).await?.context("the visit has no identity")?;
    let identity = ProvisionalContact::from_plaintext(visit.identity.schema, typed.expose())?.to_profile();
    let terms_accepted_at = visit.opened_at;
    let wanted = OnlineBooking { place, service, hold: None, reason: None, terms_accepted_at, notify: true };
    match engine.book_online(&ctx, visit, &identity, &wanted).await {
        Ok(booked) => {
            anyhow::ensure!(booked.committed.trace.is_some(), "a booking left nothing in the log");
            Ok(true)
        }
        Err(booking_engine::Failure::Refused(_)) => Ok(false),
        Err(failure) => Err(anyhow::anyhow!("{failure:?}")),
    }
}
