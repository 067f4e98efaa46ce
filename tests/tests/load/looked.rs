//! A server that is killed while staff look at patients: no answer went out without its record.

use super::child::Server;
use super::house::Clinic;
use super::witness;
use booking_api::AppOptions;
use booking_api::app::App;
use booking_domain::access::AccessEvent;
use booking_domain::ids::{ClinicId, MemberId, PatientId};
use booking_domain::patient::Registration;
use booking_domain::phi::Phi;
use booking_domain::time::WallDate;
use booking_domain::values::{Role, Sex};
use booking_engine::vault::Staff;
use booking_engine::{Actor, Context, NewMember, NewPatient};
use booking_events::{DomainEvent, decode};
use booking_store::{SqliteOptions, SqliteStore};
use booking_tests::Rng;
use booking_tests::actors::somebody;
use booking_tests::load::events_of;
use booking_tests::seeds::seeds;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

/// Kills of one data directory, at most: a session lasts as long.
const KILLS_PER_LIFE: usize = 25;
/// Members who look at once.
const CLIENTS: usize = 8;
/// Kills within which a log that acknowledges too early has to be found out.
const CONTROL_KILLS: u64 = 60;

struct Life {
    data: TempDir,
    clinic: ClinicId,
    token: String,
    patients: Vec<PatientId>,
    /// The requests that were answered with a name.
    answered: Arc<Mutex<BTreeSet<Uuid>>>,
    acknowledges_early: bool,
}

impl Life {
    async fn begin(acknowledges_early: bool) -> Self {
        let data = tempfile::tempdir().unwrap();
        let app = App::open(AppOptions::new(data.path())).await.unwrap();
        let clinic = Clinic::found(&app.engine).await.id;
        let ctx = || Context {
            clinic,
            actor: Actor::Operator,
            command: app.engine.fresh_command(),
            received_at: app.engine.now(),
            body_hash: None,
            traceparent: None,
        };
        let member = MemberId(app.engine.fresh_command().0);
        let (name, email) = (Phi::new("Member".to_owned()), Phi::new("member@parc.example".to_owned()));
        app.engine.add_member(&ctx(), &NewMember { member, name, email, role: Role::Scheduler }).await.unwrap();
        let mut patients = Vec::new();
        for n in 0..20 {
            let id = PatientId(app.engine.fresh_command().0);
            let birth = WallDate::parse("1985-06-15").unwrap();
            let profile = somebody(&format!("Ève{n}"), birth, Sex::Female);
            let new = NewPatient { id, profile, registration: Registration::None, imported: false };
            app.engine.register_patient(&ctx(), &new).await.unwrap();
            patients.push(id);
        }
        let token = app.engine.vault().open_session(Staff { clinic, member }, app.engine.now()).await.unwrap();
        let token = format!("s_{}", token.reveal().as_str());
        app.close().await;
        drop(app);
        super::kills::is_free(&data.path().join("events.db")).await;
        Self { data, clinic, token, patients, answered: Arc::default(), acknowledges_early }
    }

    async fn round(&self, rng: &mut Rng) -> Vec<Uuid> {
        let server = Server::start(self.data.path(), self.acknowledges_early);
        let stop = Arc::new(AtomicBool::new(false));
        let clients = (0..CLIENTS).map(|n| self.looks(server.address.clone(), n, Arc::clone(&stop)));
        let work = futures::future::join_all(clients);
        let cut = Duration::from_millis(u64::try_from(rng.between(30, 300)).unwrap());
        let stopping = Arc::clone(&stop);
        let killed = async {
            tokio::time::sleep(cut).await;
            tokio::task::spawn_blocking(move || server.kill()).await.unwrap();
            stopping.store(true, Ordering::Relaxed);
        };
        tokio::join!(work, killed);
        let recorded = recorded(witness::copy(self.data.path()).path()).await;
        self.answered.lock().unwrap().difference(&recorded).copied().collect()
    }

    async fn looks(&self, address: String, n: usize, stop: Arc<AtomicBool>) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut at = n;
        while !stop.load(Ordering::Relaxed) {
            at += 1;
            let patient = self.patients[at % self.patients.len()];
            let url = format!("http://{address}/api/v1/clinics/{}/patients/{patient}", self.clinic);
            let Ok(answer) = client.get(url).bearer_auth(&self.token).send().await else { return };
            let request = answer.headers().get("x-request-id").and_then(|id| id.to_str().ok()?.parse().ok());
            let ok = answer.status().is_success();
            // A name was seen as soon as its bytes came, whether or not the answer came to its end.
            let Ok(text) = answer.text().await else { return };
            assert!(ok, "{text}");
            assert!(text.contains("Tremblay"));
            self.answered.lock().unwrap().insert(request.unwrap());
        }
    }
}

/// The requests that the access log holds.
async fn recorded(data: &Path) -> BTreeSet<Uuid> {
    let store = SqliteStore::open(&data.join("events.db"), SqliteOptions::default()).await.unwrap();
    let mut requests = BTreeSet::new();
    for event in events_of(&store).await {
        if let DomainEvent::Access(AccessEvent::AccessRecorded(e)) = decode(&event.event_type, &event.payload).unwrap()
        {
            requests.insert(e.request.0);
        }
    }
    store.close().await;
    requests
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

#[test]
fn a_server_that_is_killed_has_shown_nobody_without_a_record() {
    runtime().block_on(async {
        let seeds = seeds(6, 300);
        println!("kills between record and answer: SEED={} to {}", seeds[0], seeds[seeds.len() - 1]);
        let mut shown = 0;
        for seeds in seeds.chunks(KILLS_PER_LIFE) {
            let life = Life::begin(false).await;
            for seed in seeds {
                let missing = life.round(&mut Rng::new(*seed)).await;
                assert!(missing.is_empty(), "SEED={seed}: shown without a record: {missing:?}");
            }
            shown += life.answered.lock().unwrap().len();
        }
        assert!(shown > 0);
        println!("  {shown} answers, each with its record");
    });
}

#[test]
fn a_log_that_acknowledges_access_before_its_commit_is_found_out() {
    runtime().block_on(async {
        let life = Life::begin(true).await;
        for seed in 1..=CONTROL_KILLS {
            let missing = life.round(&mut Rng::new(seed)).await;
            if !missing.is_empty() {
                println!("control: found out at kill {seed}: {} answers without a record", missing.len());
                return;
            }
        }
        panic!("{CONTROL_KILLS} kills, and no answer without its record: this test would not notice one");
    });
}
