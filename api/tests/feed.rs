//! The feed: the log as pages and as a stream that is taken up again where it broke off.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use booking_api::cli::serve::{Listen, Serving};
use booking_api::{App, AppOptions};
use booking_domain::clinic::{ActivityDefined, ClinicRegistered};
use booking_domain::ids::{ActivityId, ClinicId, MemberId};
use booking_domain::values::{Modality, Role};
use booking_engine::vault::NewBearer;
use booking_engine::{Actor, Context};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

fn ctx(app: &App, clinic: ClinicId) -> Context {
    let (actor, command, received_at) = (Actor::Operator, app.engine.fresh_command(), app.engine.now());
    Context { clinic, actor, command, received_at, body_hash: None, traceparent: None }
}

async fn define(app: &App, clinic: ClinicId, name: &str) {
    let activity = ActivityId(app.engine.fresh_command().0);
    let (name, modality) = (name.to_owned(), Modality::InPerson);
    let command = ActivityDefined { activity, name, duration_minutes: 20, modality };
    app.engine.define_activity(&ctx(app, clinic), &command, None).await.unwrap();
}

/// A clinic, and the token of a machine that may read its feed.
async fn clinic(app: &App) -> (ClinicId, String) {
    let (clinic, member) = (app.engine.fresh_clinic(), MemberId(app.engine.fresh_command().0));
    let (name, zone) = ("Clinique".to_owned(), "America/Toronto".to_owned());
    let registered = ClinicRegistered { clinic, name, zone, administrator: member };
    app.engine.register_clinic(&ctx(app, clinic), &registered).await.unwrap();
    app.engine.add_machine(&ctx(app, clinic), member, "feed reader", Role::Auditor).await.unwrap();
    let bearer = NewBearer {
        id: [1; 16],
        clinic,
        member,
        role: Role::Auditor.code(),
        label: "feed reader".to_owned(),
        created_at: app.engine.now(),
    };
    let token = app.engine.vault().issue_bearer(bearer).await.unwrap();
    (clinic, format!("t_{}", token.reveal().as_str()))
}

/// The next event of a stream: its id and its data.
async fn next(stream: &mut BufReader<TcpStream>) -> (u64, serde_json::Value) {
    let (mut id, mut line) = (0, String::new());
    loop {
        line.clear();
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read_line(&mut line)).await.unwrap().unwrap();
        assert!(read > 0, "the stream ended");
        if let Some(text) = line.strip_prefix("id:") {
            id = text.trim().parse().unwrap();
        }
        if let Some(text) = line.strip_prefix("data:") {
            return (id, serde_json::from_str(text.trim()).unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_resumes_after_the_last_event_and_names_nobody() {
    let data = tempfile::tempdir().unwrap();
    let listen = Listen { public: "127.0.0.1:0".parse().unwrap(), ops: None };
    let serving = Serving::start(AppOptions::new(data.path()), listen).await.unwrap();
    let app = &serving.app;
    let (id, token) = clinic(app).await;
    let other = app.engine.fresh_clinic();
    define(app, id, "canary-activity").await;

    let base = format!("http://{}/api/v1/clinics/{id}", serving.address);
    let client = reqwest::Client::new();
    let page: serde_json::Value =
        client.get(format!("{base}/feed?limit=2")).bearer_auth(&token).send().await.unwrap().json().await.unwrap();
    let events = page["events"].as_array().unwrap();
    assert_eq!(events.len(), 2);
    let rest = format!("{base}/feed?after={}", page["next"].as_str().unwrap());
    let rest = client.get(rest).bearer_auth(&token).send().await.unwrap().text().await.unwrap();
    assert!(rest.contains("activity-defined") && !rest.contains("canary-activity"), "{rest}");
    let foreign = format!("http://{}/api/v1/clinics/{other}/feed", serving.address);
    assert_eq!(client.get(foreign).bearer_auth(&token).send().await.unwrap().status(), 404);

    let last = events[1]["position"].as_u64().unwrap();
    let mut stream = TcpStream::connect(serving.address).await.unwrap();
    let request = format!(
        "GET /api/v1/clinics/{id}/feed/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nlast-event-id: {last}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut stream = BufReader::new(stream);
    let (first, event) = next(&mut stream).await;
    assert!(first > last, "the stream repeated what its reader had");
    assert_eq!(event["type"], "activity-defined.v1");
    define(app, id, "another").await;
    let (second, event) = next(&mut stream).await;
    assert!(second > first);
    assert_eq!(event["type"], "activity-defined.v1");
    // A stream that is open does not keep the server from stopping.
    tokio::time::timeout(Duration::from_secs(10), serving.stop()).await.unwrap().unwrap();
}
