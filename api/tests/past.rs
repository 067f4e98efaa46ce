//! The past, a proof and a wish to be forgotten on the command line: the same answers as the server's, to the byte, and
//! the same grounds to refuse.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use booking_api::cli::serve::{Listen, Serving};
use booking_api::import::Silent;
use booking_api::{App, AppOptions};
use booking_domain::erasure::Retention;
use booking_domain::ids::{ClinicId, MemberId, PatientId};
use booking_domain::time::Instant;
use booking_domain::values::{AccessActor, Role};
use booking_engine::vault::NewBearer;
use booking_engine::{Actor, Context};
use booking_events::DomainEvent;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn run(arguments: &[&str], data: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clinic-booking"));
    command.args(arguments).arg("--data").arg(data).env("RUST_LOG", "error").output().unwrap()
}

#[track_caller]
fn line(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap().trim_end().to_owned()
}

#[track_caller]
fn json(output: &Output, code: i32) -> Value {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}{err}");
    serde_json::from_str(out.trim()).unwrap_or(Value::Null)
}

fn ctx(app: &App, clinic: ClinicId) -> Context {
    let (actor, command, received_at) = (Actor::Operator, app.engine.fresh_command(), app.engine.now());
    Context { clinic, actor, command, received_at, body_hash: None, traceparent: None }
}

/// The token of a machine that may audit.
async fn auditor(app: &App, clinic: ClinicId) -> String {
    let member = MemberId(app.engine.fresh_command().0);
    app.engine.add_machine(&ctx(app, clinic), member, "auditor", Role::Auditor).await.unwrap();
    let (role, label) = (Role::Auditor.code(), "auditor".to_owned());
    let bearer = NewBearer { id: [1; 16], clinic, member, role, label, created_at: app.engine.now() };
    format!("t_{}", app.engine.vault().issue_bearer(bearer).await.unwrap().reveal().as_str())
}

async fn looked(data: &Path) -> Vec<(AccessActor, String, Option<String>)> {
    let app = App::open(AppOptions::without_signing(data)).await.unwrap();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = app.log().read_all(after, 500).await.unwrap();
        for event in &page.events {
            let decoded = booking_events::decode(&event.event_type, &event.payload).unwrap();
            if let DomainEvent::Access(booking_domain::access::AccessEvent::AccessRecorded(e)) = decoded {
                found.push((e.actor_kind, e.route, e.reason));
            }
        }
        if page.end {
            break;
        }
        after = page.next;
    }
    app.close().await;
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_derives_proves_and_erases_as_the_server_does() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut options = AppOptions::new(&data);
    // The demo's second clinic asks for codes.
    options.engine.message_channel = true;
    let app = App::open(options).await.unwrap();
    let demo = booking_api::demo::demo(&app.engine, app.engine.now(), &Silent).await.unwrap();
    let (clinic, token) = (demo.clinic, auditor(&app, demo.clinic).await);
    let retention = Retention { cooling_off_days: 0, ..Retention::default() };
    app.engine.set_retention(&ctx(&app, clinic), retention, None).await.unwrap();
    assert!(app.settle_within(std::time::Duration::from_mins(1)).await);
    let listen = Listen { public: ([127, 0, 0, 1], 0).into(), ops: None };
    let serving = Serving::start_with(app.clone(), listen).await.unwrap();
    let (client, base) = (reqwest::Client::builder().no_proxy().build().unwrap(), serving.address);
    let get = async |path: String| {
        let answer = client.get(format!("http://{base}{path}")).bearer_auth(&token).send().await.unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert_eq!(status, 200, "{path}: {text}");
        text
    };
    // Somebody with appointments, somebody without, and an appointment that its patient booked.
    let all =
        app.views.appointments.in_range(clinic, (Instant(0), Instant(i64::MAX)), None, None, 10_000).await.unwrap();
    let with = all.iter().find_map(|row| row.patient).unwrap();
    let online = all.iter().find(|row| row.is_online() && row.admission.is_some()).unwrap().id;
    let people: Vec<PatientId> =
        demo.examples.iter().flat_map(|e| app.views.directory.search(clinic, e.last_name, 50)).collect();
    let without = *people.iter().find(|p| !all.iter().any(|row| row.patient == Some(**p))).unwrap();
    let position = app.views.position().unwrap();
    let as_of = format!("{position}.{}", app.engine.now().0);
    let api = format!("/api/v1/clinics/{clinic}/audit");
    let services: Value = serde_json::from_str(&get(format!("{api}/services?as_of={as_of}")).await).unwrap();
    let service = services["services"][0]["id"].as_str().unwrap().to_owned();
    let (with, without, online) = (with.to_string(), without.to_string(), online.to_string());
    let asked: Vec<(String, Vec<&str>)> = vec![
        (format!("portal?as_of={as_of}"), vec!["portal"]),
        (format!("services?as_of={as_of}"), vec!["services"]),
        (format!("services?patient={with}&as_of={as_of}"), vec!["services", "--patient", &with, "--why", "complaint"]),
        (format!("services?appointment={online}&as_of={as_of}"), vec!["services", "--visitor-of", &online]),
        (format!("availabilities?service={service}&as_of={as_of}"), vec!["availabilities", "--service", &service]),
        (
            format!("availabilities?service={service}&patient={with}&proof=proven&limit=7&as_of={as_of}"),
            vec!["availabilities", "--service", &service, "--patient", &with, "--proven", "--limit", "7"],
        ),
        (format!("appointments/{online}?as_of={as_of}"), vec!["appointment", "--appointment", &online]),
    ];
    let mut kept = Vec::new();
    for (path, command) in &asked {
        kept.push((get(format!("{api}/{path}")).await, command));
    }
    let event = {
        let rows: Value = serde_json::from_str(&get(format!("{api}/appointments/{online}/history")).await).unwrap();
        let booked = rows["entries"].as_array().unwrap().iter().find(|e| e["what"] == "appointment-booked").unwrap();
        booked["event"].as_str().unwrap().to_owned()
    };
    app.ledger.sign(&app.engine, &app.views).await;
    let proof = get(format!("/api/v1/ledger/proof?event={event}")).await;
    let key = get("/api/v1/ledger/key".to_owned()).await.trim().to_owned();
    let stored = {
        let index = app.views.ledger.leaf_of_event(event.parse().unwrap()).await.unwrap().unwrap();
        let after = Some(booking_store::Position(index)).filter(|_| index > 0);
        app.log().read_all(after, 1).await.unwrap().events.remove(0)
    };
    let event_hash = hex::encode(booking_projections::ledger::event_hash(&stored));
    drop(app);
    serving.stop().await.unwrap();

    // The past.
    let clinic = clinic.to_string();
    for (text, command) in kept {
        let mut arguments = vec!["replay", "--clinic", &clinic, "--as-of", &as_of, "--show"];
        arguments.extend(command);
        assert_eq!(line(&run(&arguments, &data)), text, "{command:?}");
    }
    let own: Vec<_> = looked(&data).await.into_iter().filter(|(actor, ..)| *actor == AccessActor::Operator).collect();
    let operator = |route: &str, why: Option<&str>| (AccessActor::Operator, route.to_owned(), why.map(str::to_owned));
    let expected = [
        operator("replayServices", Some("complaint")),
        operator("replayServices", None),
        operator("replayAvailabilities", None),
    ];
    assert_eq!(own, expected, "whoever looks as somebody is recorded, and nothing else is");
    let unknown = run(&["replay", "--clinic", &clinic, "--show", "services", "--patient", &online], &data);
    assert_eq!(unknown.status.code(), Some(1), "nobody of that id");

    // The proof, without the server.
    let file = dir.path().join("proof.json");
    std::fs::write(&file, &proof).unwrap();
    let check = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clinic-booking"));
        command.args(["--json", "check-proof"]).arg(&file).args(more).output().unwrap()
    };
    assert_eq!(json(&check(&["--key", &key, "--event-hash", &event_hash]), 0)["good"], true);
    assert_eq!(json(&check(&["--key", &key]), 0)["good"], true);
    let other = format!("{}{}", if event_hash.starts_with('0') { '1' } else { '0' }, &event_hash[1..]);
    assert_eq!(json(&check(&["--key", &key, "--event-hash", &other]), 1)["good"], false);
    for (from, to) in [("\"leaf_index\":", "\"leaf_index\":1"), ("\"tree_size\":", "\"tree_size\":1")] {
        std::fs::write(&file, proof.replacen(from, to, 1)).unwrap();
        assert_eq!(json(&check(&["--key", &key]), 1)["good"], false, "{from}");
    }
    std::fs::write(&file, "{}").unwrap();
    assert_eq!(check(&["--key", &key]).status.code(), Some(2));

    // Forgetting.
    let erase = |what: &str, more: &[&str]| {
        let mut arguments = vec!["--json", "erase", what, "--clinic", &clinic];
        arguments.extend(more);
        run(&arguments, &data)
    };
    let asked = json(&erase("request", &["--patient", &with, "--note", "lettre"]), 0);
    assert_eq!((&asked["progress"], &asked["patient"]), (&Value::from("requested"), &Value::from(with.as_str())));
    let refused = json(&erase("decide", &["--person", &with, "--approve"]), 1);
    assert_eq!((&refused["progress"], &refused["ground"]), (&Value::from("refused"), &Value::from("retention")));
    assert_eq!(erase("carry-out", &["--person", &with]).status.code(), Some(1), "nothing was granted");
    json(&erase("request", &["--patient", &without]), 0);
    assert_eq!(json(&erase("hold", &["--person", &without]), 0)["legal_hold"], true);
    assert_eq!(json(&erase("decide", &["--person", &without, "--approve"]), 1)["ground"], "legal_hold");
    assert_eq!(json(&erase("release", &["--person", &without]), 0)["legal_hold"], false);
    json(&erase("request", &["--patient", &without]), 0);
    assert_eq!(json(&erase("withdraw", &["--person", &without]), 0)["progress"], "withdrawn");
    json(&erase("request", &["--patient", &without]), 0);
    let granted = json(&erase("decide", &["--person", &without, "--approve", "--note", "rien"]), 0);
    assert_eq!(granted["progress"], "approved");
    assert_eq!(json(&erase("carry-out", &["--person", &without]), 0)["progress"], "erased");
    let cases = String::from_utf8(erase("list", &[]).stdout).unwrap();
    assert_eq!(cases.lines().count(), 2, "{cases}");
    assert_eq!(erase("request", &["--patient", &clinic]).status.code(), Some(1), "nobody of that id");
    assert_eq!(erase("request", &[]).status.code(), Some(2), "whom?");
}
