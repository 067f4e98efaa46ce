//! The server: in this process, on a port of its own, over a data directory that goes with the test.

use super::answer::Answer;
use super::people::Person;
use super::portal::{LinkHolder, Visitor};
use super::staff::Staff;
use crate::canaries::DataDirectory;
use crate::world::MORNING;
use booking_api::cli::serve::{Listen, Serving};
use booking_api::{App, AppOptions};
use booking_domain::clinic::ClinicRegistered;
use booking_domain::ids::{ClinicId, MemberId};
use booking_domain::phi::Phi;
use booking_domain::time::{Instant, Tz, WallDate, WallTime, resolve};
use booking_domain::values::Role;
use booking_engine::{Actor, Clock, Context, ManualClock, NewMember};
use booking_store::Recorded;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// Where the clinics of these tests are.
pub const ZONE: Tz = Tz::America__Toronto;

/// A session that was used within so many minutes is open still.
const FRESH_MINUTES: i64 = 10;

/// A clinic with one member of each role.
#[derive(Clone, Debug)]
pub struct TestClinic {
    /// The clinic.
    pub id: ClinicId,
    /// Address of its portal, once it is configured.
    pub slug: String,
    /// Its members by role.
    pub members: Vec<(Role, MemberId)>,
}

impl TestClinic {
    /// The member in this role.
    #[must_use]
    pub fn member(&self, role: Role) -> MemberId {
        self.members.iter().find(|(r, _)| *r == role).map(|(_, m)| *m).unwrap()
    }
    /// The e-mail address that a member signs in with.
    #[must_use]
    pub fn email(&self, role: Role) -> String {
        format!("{}@{}.example", role.name(), self.slug)
    }
}

/// A running server.
pub struct TestApp {
    /// The clinic that is there from the start.
    pub clinic: TestClinic,
    /// The clock.
    pub clock: Arc<ManualClock>,
    /// The application behind the server, for what HTTP does not show.
    pub app: Arc<App>,
    serving: Serving,
    client: Client,
    dir: DataDirectory,
    sessions: Mutex<HashMap<MemberId, (Instant, String)>>,
}

/// A data directory. In memory, where the machine has such a directory: most tests are not about its disk.
#[must_use]
pub fn data_directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// How tests open a data directory: with a clock that they set, without limits per source, and with answers that leave as
/// soon as they are ready.
#[must_use]
pub fn options(data: &Path, clock: &Arc<ManualClock>) -> AppOptions {
    let clock = Arc::clone(clock) as _;
    let vault = crate::vaults::server_of(data);
    AppOptions {
        clock,
        vault,
        compares_clock: false,
        source_limits: false,
        answer_after: None,
        ..AppOptions::new(data)
    }
}

/// On a free port of this machine.
#[must_use]
pub fn anywhere() -> Listen {
    Listen { public: ([127, 0, 0, 1], 0).into(), ops: None }
}

impl TestApp {
    /// A server with a clinic and one member of each role, on a Monday at nine.
    pub async fn start() -> Self {
        Self::start_with(|options| options).await
    }
    /// The same with other options.
    pub async fn start_with(change: impl FnOnce(AppOptions) -> AppOptions) -> Self {
        Self::start_listening(anywhere(), change).await
    }
    /// The same, where a test says.
    pub async fn start_listening(listen: Listen, change: impl FnOnce(AppOptions) -> AppOptions) -> Self {
        let (dir, clock) = (DataDirectory::new(), Arc::new(ManualClock::new(MORNING)));
        let serving = Serving::start(change(options(dir.path(), &clock)), listen).await.unwrap();
        let app = Arc::clone(&serving.app);
        let clinic = registered(&app, "clinique-du-parc").await;
        Self { clinic, clock, app, serving, client: client(), dir, sessions: Mutex::default() }
    }
    /// Another clinic on the same server.
    pub async fn another_clinic(&self, slug: &str) -> TestClinic {
        registered(&self.app, slug).await
    }
    /// Another clinic, on the wall of this zone.
    pub async fn another_clinic_in(&self, slug: &str, zone: Tz) -> TestClinic {
        registered_in(&self.app, slug, zone).await
    }
    /// The origin of its pages.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.serving.address)
    }
    /// The address of its operations listener, if it was started with one.
    #[must_use]
    pub fn operations(&self) -> String {
        let text = std::fs::read_to_string(self.data().join("operator.json")).unwrap();
        let door: Value = serde_json::from_str(&text).unwrap();
        door["address"].as_str().unwrap().to_owned()
    }
    /// Reads a path at another address of it.
    pub async fn asks_at(&self, address: &str, path: &str) -> Answer {
        Asked(self.client.get(format!("http://{address}{path}"))).answer().await
    }
    /// Its data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.dir.path()
    }
    /// Stops; what it wrote is there until the directory goes.
    pub async fn stop(self) -> DataDirectory {
        let Self { app, serving, client, dir, .. } = self;
        drop(client);
        let still_there = Arc::downgrade(&app);
        drop(app);
        serving.stop().await.unwrap();
        // The lock on the directory goes with the last task.
        while still_there.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
        dir
    }

    /// A server on what another one left behind.
    pub async fn on(dir: DataDirectory, clinic: TestClinic, clock: Arc<ManualClock>) -> Self {
        Self::on_with(dir, clinic, clock, |options| options).await
    }

    /// The same with other options.
    pub async fn on_with(
        dir: DataDirectory,
        clinic: TestClinic,
        clock: Arc<ManualClock>,
        change: impl FnOnce(AppOptions) -> AppOptions,
    ) -> Self {
        let serving = Serving::start(change(options(dir.path(), &clock)), anywhere()).await.unwrap();
        let app = Arc::clone(&serving.app);
        Self { clinic, clock, app, serving, client: client(), dir, sessions: Mutex::default() }
    }

    /// Stops and starts again on the same data directory, with other options.
    pub async fn restarts(self, change: impl FnOnce(AppOptions) -> AppOptions) -> Self {
        self.restarts_after(change, |_| ()).await
    }

    /// The same; something is done to the data directory while nobody has it.
    pub async fn restarts_after(
        self,
        change: impl FnOnce(AppOptions) -> AppOptions,
        meanwhile: impl FnOnce(&Path),
    ) -> Self {
        let (clinic, clock, client) = (self.clinic.clone(), Arc::clone(&self.clock), client());
        let dir = self.stop().await;
        meanwhile(dir.path());
        let serving = Serving::start(change(options(dir.path(), &clock)), anywhere()).await.unwrap();
        let app = Arc::clone(&serving.app);
        Self { clinic, clock, app, serving, client, dir, sessions: Mutex::default() }
    }

    /// Now, by its clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }
    /// Lets the clock show this, in Toronto.
    pub fn goes_to(&self, date: &str, time: &str) {
        self.clock.set(at(date, time));
    }
    /// Lets time pass.
    pub fn waits_seconds(&self, seconds: i64) {
        self.clock.advance_seconds(seconds);
    }
    /// Everything in the log, oldest first.
    pub async fn events(&self) -> Vec<Recorded> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.app.log().read_all(after, 1_000).await.unwrap();
            all.extend(page.events);
            if page.end {
                return all;
            }
            after = page.next;
        }
    }
    /// How many events there are, without the counts of demand and the records of who looked.
    pub async fn changes(&self) -> usize {
        let events = self.events().await;
        events.iter().filter(|e| !matches!(e.stream.category(), "demand" | "access")).count()
    }
    /// Waits until every view shows the log's head.
    pub async fn settle(&self) {
        assert!(self.app.settle().await, "the views do not catch up");
    }

    /// A request to a path of this server.
    #[must_use]
    pub fn asks(&self, method: Method, path: &str) -> Asked {
        Asked(self.client.request(method, format!("http://{}{path}", self.serving.address)))
    }
    /// Reads a path without any token.
    pub async fn get(&self, path: &str) -> Answer {
        self.asks(Method::GET, path).answer().await
    }

    /// The administrator.
    pub fn admin(&self) -> Staff<'_> {
        self.staff(&self.clinic, Role::Administrator)
    }
    /// A scheduler.
    pub fn scheduler(&self) -> Staff<'_> {
        self.staff(&self.clinic, Role::Scheduler)
    }
    /// A practitioner.
    pub fn practitioner(&self) -> Staff<'_> {
        self.staff(&self.clinic, Role::Practitioner)
    }
    /// An auditor.
    pub fn auditor(&self) -> Staff<'_> {
        self.staff(&self.clinic, Role::Auditor)
    }
    /// Somebody who works at a clinic.
    pub fn staff(&self, clinic: &TestClinic, role: Role) -> Staff<'_> {
        Staff::new(self, clinic.clone(), role)
    }
    /// Somebody opens a visit.
    pub async fn visitor(&self, person: &Person) -> Visitor<'_> {
        Visitor::opens(self, &self.clinic.slug, person).await
    }
    /// Somebody with the link of an appointment.
    pub fn link_holder(&self, token: &str) -> LinkHolder<'_> {
        LinkHolder::new(self, &self.clinic.slug, token)
    }

    /// The token of a member's session. Signing in has its own test; a hash for every session would take minutes, so
    /// the others open theirs in the vault, anew when the clock went on.
    pub async fn session(&self, clinic: ClinicId, member: MemberId) -> String {
        let now = self.now();
        let known = self.sessions.lock().unwrap().get(&member).cloned();
        if let Some((opened, token)) = known
            && now.since(opened) < FRESH_MINUTES * 60_000_000
        {
            return token;
        }
        let staff = booking_engine::vault::Staff { clinic, member };
        let token = self.app.engine.vault().open_session(staff, now).await.unwrap();
        let token = format!("s_{}", token.reveal().as_str());
        self.sessions.lock().unwrap().insert(member, (now, token.clone()));
        token
    }
    /// The frame of a command that a test runs beside HTTP.
    #[must_use]
    pub fn ctx(&self, clinic: ClinicId, actor: Actor) -> Context {
        ctx(&self.app, clinic, actor)
    }
}

fn client() -> Client {
    Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

fn ctx(app: &App, clinic: ClinicId, actor: Actor) -> Context {
    let command = app.engine.fresh_command();
    Context { clinic, actor, command, received_at: app.engine.now(), body_hash: None, traceparent: None }
}

/// As `clinic create` does it, with a member of each role.
async fn registered(app: &App, slug: &str) -> TestClinic {
    registered_in(app, slug, ZONE).await
}

async fn registered_in(app: &App, slug: &str, zone: Tz) -> TestClinic {
    let engine = &app.engine;
    let id = engine.fresh_clinic();
    let roles = [Role::Administrator, Role::Scheduler, Role::Practitioner, Role::Auditor];
    let members: Vec<(Role, MemberId)> = roles.map(|role| (role, MemberId(engine.fresh_command().0))).to_vec();
    let clinic = TestClinic { id, slug: slug.to_owned(), members };
    let administrator = clinic.member(Role::Administrator);
    let name = "Clinique du Parc".to_owned();
    let registered = ClinicRegistered { clinic: id, name, zone: zone.name().to_owned(), administrator };
    engine.register_clinic(&ctx(app, id, Actor::Operator), &registered).await.unwrap();
    for (role, member) in clinic.members.clone() {
        let (name, email) = (Phi::new(format!("Member {}", role.name())), Phi::new(clinic.email(role)));
        engine.add_member(&ctx(app, id, Actor::Operator), &NewMember { member, name, email, role }).await.unwrap();
    }
    clinic
}

/// The instant at which a clock in Toronto shows this.
#[must_use]
pub fn at(date: &str, time: &str) -> Instant {
    let date = WallDate::parse(date).unwrap_or_else(|| panic!("{date} is no date"));
    let time = WallTime::parse(time).unwrap_or_else(|| panic!("{time} is no time"));
    resolve(date, time, ZONE).first_or_missing().unwrap_or_else(|| panic!("{date} {time} does not exist"))
}

/// A request that is being put together.
pub struct Asked(RequestBuilder);

impl Asked {
    /// With a bearer token.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }
    /// With an `Idempotency-Key`.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }
    /// With `If-Match`.
    #[must_use]
    pub fn if_match(self, etag: &str) -> Self {
        self.header("if-match", etag)
    }
    /// With a header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }
    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        Self(self.0.json(body))
    }
    /// With a body of some type, as it stands.
    #[must_use]
    pub fn raw(self, content_type: &str, body: impl Into<String>) -> Self {
        Self(self.0.header("content-type", content_type).body(body.into()))
    }
    /// Sends it, and looks at the status alone: some answers never end.
    pub async fn status(self) -> u16 {
        self.0.send().await.unwrap().status().as_u16()
    }
    /// Sends it, and reads what comes piece by piece: streams do not end.
    pub async fn opens(self) -> reqwest::Response {
        let response = self.0.send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        response
    }
    /// Sends it.
    pub async fn answer(self) -> Answer {
        Answer::to(self.0).await
    }
}
