//! Two servers on one log and one vault: what was done on one is done on the other.

use booking_api::clock_watch;
use booking_api::{AppOptions, Cluster, VaultServer};
use booking_domain::clinic::ClinicRegistered;
use booking_domain::ids::{ClinicId, MemberId};
use booking_domain::time::Instant;
use booking_domain::values::Role;
use booking_engine::{Actor, Failure, ManualClock};
use booking_tests::canaries::DataDirectory;
use booking_tests::http::portal::Visitor;
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Person, SmallClinic, TestApp, TestClinic};
use kurrent_double::Double;
use reqwest::Method;
use serde_json::json;
use sqlx::{Connection, Row};
use std::sync::Arc;

/// What they share.
pub struct Shared {
    double: Double,
    url: String,
}

impl Shared {
    /// An empty log and an empty vault.
    pub async fn new() -> Self {
        Self { double: Double::start().unwrap(), url: throwaway_postgres::database().await }
    }

    fn on(&self) -> impl FnOnce(AppOptions) -> AppOptions + use<> {
        let (cluster, vault) = (Cluster::at(self.double.connection()), VaultServer::at(self.url.clone()));
        move |options| AppOptions { cluster: Some(cluster), vault: Some(vault), ..options }
    }

    /// The first node.
    pub async fn first(&self) -> TestApp {
        TestApp::start_with(self.on()).await
    }

    /// Another node joins, with the keys of the first and a directory of its own.
    pub async fn joins(&self, first: &TestApp) -> TestApp {
        let dir = DataDirectory::new();
        for key in ["root.key", "ledger.key"] {
            std::fs::copy(first.data().join(key), dir.path().join(key)).unwrap();
        }
        TestApp::on_with(dir, first.clinic.clone(), Arc::clone(&first.clock), self.on()).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_visit_a_booking_a_session_and_a_sign_out_are_good_on_every_node() {
    let shared = Shared::new().await;
    let a = shared.first().await;
    let clinic = SmallClinic::with_a_morning(&a).await;
    let b = shared.joins(&a).await;
    assert!(!b.data().join("vault.db").exists() && !b.data().join("events.db").exists());

    // Opened on one, booked on the other, and the retry on the first hears of the same appointment.
    let opened = a.visitor(&Person::stranger()).await;
    let there = Visitor::with(&b, &a.clinic.slug, &opened.token);
    let availability = there.finds(clinic.service, "09:00").await;
    let booking = json!({ "service": clinic.service, "availability": availability });
    let booked = there.sends_booking("one-key", &booking).await.ok();
    booked.has_status(201);
    let again = opened.sends_booking("one-key", &booking).await.ok();
    assert_eq!(again.str("/appointment/reference"), booked.str("/appointment/reference"));
    let other = json!({ "service": clinic.service, "availability": opened.finds(clinic.service, "09:40").await });
    opened.sends_booking("one-key", &other).await.has_status(422);

    // Read your writes: the position that one node answered is waited for on the other.
    let position = booked.position();
    let token = a.scheduler().token().await;
    let path = format!("/api/v1/clinics/{}/appointments?from={TOMORROW}&to={TOMORROW}&after={position}", a.clinic.id);
    let shown = b.asks(Method::GET, &path).token(&token).answer().await.ok();
    assert_eq!(shown.list("/appointments").len(), 1, "{}", shown.text);

    // Signed out on one, disabled on one: over on both.
    let path = format!("/api/v1/clinics/{}/agenda?from={TOMORROW}", a.clinic.id);
    b.asks(Method::GET, &path).token(&token).answer().await.has_status(200);
    a.asks(Method::DELETE, "/api/v1/session").token(&token).answer().await;
    b.asks(Method::GET, &path).token(&token).answer().await.has_status(401);
    let practitioner = b.practitioner().token().await;
    a.asks(Method::GET, &path).token(&practitioner).answer().await.has_status(200);
    let member = a.clinic.member(Role::Practitioner);
    let members = b.admin().get("/members").await.ok();
    let own = members.list("/items").iter().find(|m| m["id"] == json!(member.0)).unwrap();
    let (etag, disable) = (format!("\"{}\"", own["revision"]), format!("/members/{member}/disable"));
    let _ = b.admin().changes(Method::POST, &disable, &etag, &json!(null)).await.ok();
    a.asks(Method::GET, &path).token(&practitioner).answer().await.has_status(401);
    b.stop().await;
    a.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_node_signs_the_others_take_its_checkpoint_over_and_another_follows_when_it_stops() {
    let shared = Shared::new().await;
    let a = shared.first().await;
    let b = shared.joins(&a).await;
    let sign = async |node: &TestApp| {
        node.settle().await;
        node.app.ledger.sign(&node.app.engine, &node.app.views).await;
        node.app.ledger.newest().map(|newest| newest.note.clone())
    };
    let first = sign(&a).await.expect("it signs");
    assert_eq!(sign(&b).await.expect("it follows"), first, "one checkpoint, signed once");
    SmallClinic::with_a_morning(&a).await;
    // More has happened, and the other one still does not sign.
    assert_eq!(sign(&b).await, Some(first.clone()));
    let second = sign(&a).await.unwrap();
    assert_ne!(second, first);
    assert_eq!(sign(&b).await, Some(second));
    let dir = a.stop().await;
    b.visitor(&Person::stranger()).await;
    SmallClinic::with_a_morning(&b).await;
    let before = b.app.ledger.newest().unwrap().checkpoint.size;
    sign(&b).await.unwrap();
    assert!(b.app.ledger.newest().unwrap().checkpoint.size > before, "it signs from now on");
    drop(dir);
    b.stop().await;
}

/// `clinic create` comes before the first `serve`: who makes the log's first events makes the key, or nobody ever would.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_comes_first_makes_the_signing_key_and_who_comes_later_makes_none() {
    let shared = Shared::new().await;
    let (first, second) = (DataDirectory::new(), DataDirectory::new());
    let short = async |dir: &DataDirectory| {
        let (cluster, vault) = (Cluster::at(shared.double.connection()), VaultServer::at(shared.url.clone()));
        let short = AppOptions::without_signing(dir.path());
        booking_api::App::open(AppOptions { cluster: Some(cluster), vault: Some(vault), ..short }).await.unwrap()
    };
    let app = short(&first).await;
    let (clinic, administrator) = (app.engine.fresh_clinic(), MemberId(app.engine.fresh_command().0));
    let zone = "America/Toronto".to_owned();
    let registered = ClinicRegistered { clinic, name: "Clinique".to_owned(), zone, administrator };
    let ctx = booking_engine::Context {
        clinic,
        actor: Actor::Operator,
        command: app.engine.fresh_command(),
        received_at: app.engine.now(),
        body_hash: None,
        traceparent: None,
    };
    app.engine.register_clinic(&ctx, &registered).await.unwrap();
    app.close().await;
    assert!(first.path().join("ledger.key").exists());
    std::fs::copy(first.path().join("root.key"), second.path().join("root.key")).unwrap();
    short(&second).await.close().await;
    assert!(!second.path().join("ledger.key").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_without_the_root_key_does_not_join_and_makes_nothing() {
    let shared = Shared::new().await;
    let a = shared.first().await;
    let dir = DataDirectory::new();
    let options = shared.on()(booking_tests::http::app::options(dir.path(), &a.clock));
    let refused = booking_api::App::open(options).await.err().expect("it has no key").to_string();
    assert!(refused.contains("root.key"), "{refused}");
    let made: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(made, ["lock"], "nothing else was made");
    a.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_whose_clock_is_off_takes_no_commands_until_it_is_right() {
    let shared = Shared::new().await;
    let mut conn = sqlx::PgConnection::connect(&shared.url).await.unwrap();
    let text = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    let now = Instant(sqlx::query(text).fetch_one(&mut conn).await.unwrap().get(0));
    let clock = Arc::new(ManualClock::new(now));
    let nobody = TestClinic { id: ClinicId::from_bytes([1; 16]), slug: "x".to_owned(), members: Vec::new() };
    let watched = |options| AppOptions { compares_clock: true, ..shared.on()(options) };
    let a = TestApp::on_with(DataDirectory::new(), nobody, Arc::clone(&clock), watched).await;
    for (n, (minutes, off)) in [(0, false), (2, true), (0, false), (-2, true), (0, false)].into_iter().enumerate() {
        clock.set(now.plus_minutes(minutes));
        clock_watch::look(&a.app).await;
        assert_eq!(a.app.engine.is_clock_off(), off, "{minutes} minutes off");
        let clinic = a.app.engine.fresh_clinic();
        let administrator = MemberId(a.app.engine.fresh_command().0);
        let zone = "America/Toronto".to_owned();
        let registered = ClinicRegistered { clinic, name: format!("Clinique {n}"), zone, administrator };
        let done = a.app.engine.register_clinic(&a.ctx(clinic, Actor::Operator), &registered).await;
        assert_eq!(matches!(done, Err(Failure::ClockBehind)), off, "{minutes} minutes off");
        assert_eq!(done.is_ok(), !off, "{minutes} minutes off");
    }
    a.stop().await;
}
