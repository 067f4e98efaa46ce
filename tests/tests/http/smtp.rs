//! Messages through a real SMTP server, which is down at times, and a calendar file read by two readers.

use booking_api::AppOptions;
use booking_api::messages::MessageOptions;
use booking_api::messages::smtp::{Smtp, SmtpOptions};
use booking_domain::ids::AppointmentId;
use booking_tests::http::portal::{id, text};
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Person, SmallClinic, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A server process, and what it has taken.
struct MailServer {
    child: Child,
    taken: Arc<Mutex<Vec<Value>>>,
}

impl MailServer {
    /// Starts one and waits until it listens.
    fn start(python: &str, port: u16) -> Self {
        Self::with(python, port, None)
    }
    /// The same; with a certificate it takes mail only encrypted.
    fn with(python: &str, port: u16, certificate: Option<&Path>) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/mail_server.py");
        let mut child = Command::new(python)
            .arg("-B")
            .arg(script)
            .arg(port.to_string())
            .args(certificate)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.next().expect("the mail server says something").unwrap();
        assert!(ready.contains("ready"), "{ready}");
        let taken = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&taken);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                into.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, taken }
    }
    fn taken(&self) -> Vec<Value> {
        self.taken.lock().unwrap().clone()
    }
    /// Waits until it has taken so many.
    async fn has_taken(&self, many: usize) -> Vec<Value> {
        for _ in 0..1_500 {
            if self.taken().len() >= many {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let taken = self.taken();
        assert_eq!(taken.len(), many, "{taken:#?}");
        taken
    }
    /// Ends it, as a power cut would.
    fn dies(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The Python environment that has a mail server in it; made once.
fn python() -> String {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/mail-venv");
    let made = Command::new(&tool).output().unwrap();
    assert!(made.status.success(), "{}: {}", tool.display(), String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

/// A port of this machine that nobody listens on.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn options(port: u16) -> MessageOptions {
    sending(format!("smtp://127.0.0.1:{port}?tls=none"), None)
}

fn sending(url: String, authority: Option<Vec<u8>>) -> MessageOptions {
    let from = "rendez-vous@clinique.example.ca".to_owned();
    let smtp = Smtp::new(&SmtpOptions { url, user: None, password: None, from, authority }).unwrap();
    MessageOptions { email: Some(Arc::new(smtp)), public_url: "https://rv.example.ca".to_owned(), ..Default::default() }
}

/// The server runs its own worker here; a test only lets its clock go on, so that pauses end.
async fn goes_on(app: &TestApp, seconds: i64, server: &MailServer, many: usize) -> Vec<Value> {
    for _ in 0..100 {
        if server.taken().len() >= many {
            break;
        }
        app.waits_seconds(seconds);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.has_taken(many).await
}

fn code_in(mail: &Value) -> String {
    let said = text(&mail["text"]);
    let code = said.split(|c: char| !c.is_ascii_digit()).find(|w| w.len() == 6);
    code.unwrap_or_else(|| panic!("no code in {said}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_is_down_for_a_while_gets_every_message_once() {
    let (python, port) = (python(), free_port());
    let messages = options(port);
    let app = TestApp::start_with(|o| AppOptions { messages, ..o }).await;
    let small = SmallClinic::with_a_morning(&app).await;
    app.scheduler().publishes_slot(small.desk.agenda, "2026-11-30", ("09:00", "10:00"), small.activity).await;
    let person = Person::stranger().but(|p| p.cell_phone = None);
    let visitor = app.visitor(&person).await;

    // Nobody listens yet: the code waits.
    visitor.asks(Method::POST, "/visit/code").json(&json!({})).answer().await.has_status(202);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let server = MailServer::start(&python, port);
    let taken = goes_on(&app, 5, &server, 1).await;
    assert_eq!(taken[0]["recipients"], json!(["zita@example.ca"]));
    assert_eq!(text(&taken[0]["subject"]), "Votre code – Clinique du Parc");
    let proven = visitor.asks(Method::POST, "/visit/proof").json(&json!({ "code": code_in(&taken[0]) })).answer().await;
    assert_eq!(proven.ok()["proof"], "email");

    // A booking and a move by staff, each told once.
    let free = visitor.sees(small.service).await;
    let wanted = free.iter().find(|a| a["date"] == "2026-11-30" && a["start_time"] == "09:20").unwrap();
    let booking = json!({ "service": small.service, "availability": wanted["availability"] });
    let booked = visitor.sends_booking("booking", &booking).await.ok();
    let taken = server.has_taken(2).await;
    let reference = booked.str("/appointment/reference").to_owned();
    let appointment = id(&app.scheduler().finds("2026-11-30", &reference).await["id"]);
    let form = json!({ "agenda": small.desk.agenda, "date": "2026-11-30", "start": "09:40", "end": "10:00" });
    let moved = app.scheduler().does(appointment, "move", &form).await.ok();
    let also_taken = server.has_taken(3).await;
    let notice = |mail: &Value| (text(&mail["subject"]), text(&mail["calendar"]["method"]));
    assert_eq!(notice(&taken[1]), ("Rendez-vous confirmé – Clinique du Parc".to_owned(), "PUBLISH".to_owned()));
    assert_eq!(notice(&also_taken[2]).0, "Rendez-vous modifié – Clinique du Parc");
    for (mail, start) in [(&taken[1], booked.str("/appointment/start")), (&also_taken[2], moved.str("/when/start"))] {
        is_the_same_moment_for_both_readers(&mail["calendar"], start, appointment.into());
        assert!(text(&mail["from"]).contains("Clinique du Parc"), "{mail}");
        assert_eq!(mail["auto-submitted"], "auto-generated");
        assert!(text(&mail["text"]).contains(&reference), "{mail}");
    }

    // It dies. A cancellation waits; what is booked and cancelled meanwhile is told as cancelled alone.
    server.dies();
    let _ = app.scheduler().cancels(appointment, true).await.ok();
    let other = app.visitor(&Person::named("Alix", "Roy").but(|p| p.cell_phone = None)).await;
    let link = other.books_at(small.service, "09:00").await;
    let found = app.scheduler().finds(TOMORROW, &link.reference()).await;
    let _ = app.scheduler().cancels(id(&found["id"]), true).await.ok();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let server = MailServer::start(&python, port);
    let late = goes_on(&app, 30, &server, 2).await;
    for mail in &late {
        assert_eq!(notice(mail), ("Rendez-vous annulé – Clinique du Parc".to_owned(), "CANCEL".to_owned()));
        assert_eq!(mail["calendar"]["status"], "CANCELLED");
    }
    // An hour later nothing came twice.
    app.waits_seconds(3_600);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let again = server.taken();
    assert_eq!(again.len(), 2, "{again:#?}");
    let all: Vec<&Value> = also_taken.iter().chain(&again).collect();
    let ids: std::collections::BTreeSet<String> = all.iter().map(|m| text(&m["message-id"])).collect();
    assert_eq!(ids.len(), all.len(), "every message has an id of its own");
}

/// A second reader, in another language, has read the entry; ours reads the same file.
fn is_the_same_moment_for_both_readers(entry: &Value, start: &str, appointment: AppointmentId) {
    let expected = booking_api::http::wire::instant("start", start).unwrap();
    let theirs = entry["start"].to_string();
    assert_eq!(theirs.trim_end_matches(".0"), expected.to_utc().timestamp().to_string(), "{entry}");
    let file: icalendar::Calendar = text(&entry["raw"]).parse().unwrap();
    let event = file.events().next().unwrap();
    let ours = match icalendar::Component::get_start(event) {
        Some(icalendar::DatePerhapsTime::DateTime(icalendar::CalendarDateTime::Utc(at))) => at,
        other => panic!("{other:?}"),
    };
    assert_eq!(ours, expected.to_utc());
    assert_eq!(entry["uid"], json!(format!("appointment-{}@clinic-booking", appointment.0.simple())));
    assert_eq!(entry["content_method"], entry["method"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_refused_for_good_is_kept_for_staff_and_one_for_now_is_tried_again() {
    let (python, port) = (python(), free_port());
    let server = MailServer::start(&python, port);
    let messages = MessageOptions { by_hand: true, ..options(port) };
    let app = TestApp::start_with(|o| AppOptions { messages, ..o }).await;
    let small = SmallClinic::with_a_morning(&app).await;
    let mut reasons = Vec::new();
    for (mailbox, time) in [("refused", "09:00"), ("busy", "09:20"), ("zita", "09:40")] {
        let email = Some(format!("{mailbox}@example.ca"));
        let link = app.visitor(&Person { email, cell_phone: None, ..Person::named("Zita", "Roy") }).await;
        let link = link.books_at(small.service, time).await;
        app.app.messages.round().await.unwrap();
        let appointment = AppointmentId(id(&app.scheduler().finds(TOMORROW, &link.reference()).await["id"]));
        let undelivered = app.app.engine.vault().undelivered(app.clinic.id, appointment).await.unwrap();
        reasons.push(undelivered.into_iter().map(|u| u.reason).collect::<Vec<_>>());
    }
    assert_eq!(reasons, [vec!["refused".to_owned()], vec![], vec![]]);
    assert!(app.app.engine.vault().next_attempt().await.unwrap().is_some(), "one is tried again");
    let taken = server.has_taken(1).await;
    assert_eq!(taken[0]["recipients"], json!(["zita@example.ca"]));
}

/// Certificates of the tests: an authority, and a server called localhost that it vouches for.
fn certificate(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python/tls").join(name)
}

/// Books with a server that is reached like this; answers what it took, and whether the message waits.
async fn one_booking(url: String, authority: Option<Vec<u8>>, server: &MailServer) -> (Vec<Value>, bool) {
    let messages = MessageOptions { by_hand: true, ..sending(url, authority) };
    let app = TestApp::start_with(|o| AppOptions { messages, ..o }).await;
    let small = SmallClinic::with_a_morning(&app).await;
    let _ = app.visitor(&Person::stranger().but(|p| p.cell_phone = None)).await.books_at(small.service, "09:00").await;
    app.app.messages.round().await.unwrap();
    let waits = app.app.engine.vault().next_attempt().await.unwrap().is_some();
    let taken = if waits { server.taken() } else { server.has_taken(1).await };
    (taken, waits)
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_encrypted_to_a_server_that_is_vouched_for_and_else_it_waits() {
    let (python, port) = (python(), free_port());
    let authority = Some(std::fs::read(certificate("authority.pem")).unwrap());
    let url = |port: u16| format!("smtp://localhost:{port}");
    {
        let server = MailServer::with(&python, port, Some(&certificate("server.pem")));
        // Nobody that this machine trusts vouches for it: whoever stands between would read along.
        assert_eq!(one_booking(url(port), None, &server).await, (vec![], true));
        // In the clear it takes nothing, and an answer about us is no refusal of the patient.
        let clear = one_booking(format!("smtp://localhost:{port}?tls=none"), None, &server).await;
        assert_eq!(clear, (vec![], true));
        let (taken, waits) = one_booking(url(port), authority.clone(), &server).await;
        assert_eq!((taken[0]["encrypted"].as_bool(), waits), (Some(true), false), "{taken:#?}");
        assert_eq!(taken[0]["recipients"], json!(["zita@example.ca"]));
    }
    // A server that offers no encryption gets nothing.
    let port = free_port();
    let server = MailServer::start(&python, port);
    assert_eq!(one_booking(url(port), authority, &server).await, (vec![], true));
}
