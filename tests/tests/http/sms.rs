//! SMS through an operator's gateway: what it is sent, how often, and what its answers mean.

use booking_api::AppOptions;
use booking_api::messages::MessageOptions;
use booking_api::messages::sms::{SmsCommand, SmsGateway};
use booking_domain::ids::AppointmentId;
use booking_domain::phi::Phi;
use booking_tests::http::portal::{id, text};
use booking_tests::http::setup::{ACTIVITY_NAME, TOMORROW};
use booking_tests::http::{Person, SmallClinic, TestApp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What a gateway was sent: headers in small letters, and the body.
type Taken = (BTreeMap<String, String>, Value);

/// A gateway of this machine that answers with these statuses, one after the other, and 202 from then on.
struct Gateway {
    address: String,
    taken: Arc<Mutex<Vec<Taken>>>,
}

impl Gateway {
    async fn answering(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/sms", listener.local_addr().unwrap());
        let taken = Arc::new(Mutex::new(Vec::new()));
        let (into, mut statuses) = (Arc::clone(&taken), statuses.to_vec());
        statuses.reverse();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let status = statuses.pop().unwrap_or(202);
                let request = answer(stream, status).await;
                into.lock().unwrap().push(request);
            }
        });
        Self { address, taken }
    }
    fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }
}

/// Reads one request, answers it, and closes.
async fn answer(stream: TcpStream, status: u16) -> Taken {
    let mut stream = BufReader::new(stream);
    let (mut headers, mut first) = (BTreeMap::new(), String::new());
    stream.read_line(&mut first).await.unwrap();
    assert!(first.starts_with("POST /sms "), "{first}");
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    let said = format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(said.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    (headers, serde_json::from_slice(&body).unwrap())
}

async fn with_sms(sms: Arc<dyn booking_api::messages::Channel>) -> (TestApp, SmallClinic) {
    let public_url = "https://rv.example.ca".to_owned();
    let messages = MessageOptions { sms: Some(sms), public_url, by_hand: true, ..Default::default() };
    let app = TestApp::start_with(|o| AppOptions { messages, ..o }).await;
    let small = SmallClinic::with_a_morning(&app).await;
    (app, small)
}

/// Books by telephone, and lets the worker look once.
async fn books(app: &TestApp, small: &SmallClinic, time: &str) -> AppointmentId {
    let person = Person::stranger().but(|p| p.email = None);
    let link = app.visitor(&person).await.books_at(small.service, time).await;
    app.app.messages.round().await.unwrap();
    AppointmentId(id(&app.scheduler().finds(TOMORROW, &link.reference()).await["id"]))
}

#[tokio::test]
async fn a_gateway_gets_the_message_as_json_with_its_token_and_the_same_key_for_every_attempt() {
    let gateway = Gateway::answering(&[503, 429]).await;
    let bearer = Some(Phi::new("the gateway's token".to_owned()));
    let (app, small) = with_sms(Arc::new(SmsGateway::new(&gateway.address, bearer).unwrap())).await;
    let _ = books(&app, &small, "09:00").await;
    for _ in 0..4 {
        app.waits_seconds(60);
        app.app.messages.round().await.unwrap();
    }
    let taken = gateway.taken();
    assert_eq!(taken.len(), 3, "twice not now, then taken, then never again: {taken:#?}");
    for (headers, body) in &taken {
        assert_eq!(headers["authorization"], "Bearer the gateway's token");
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(json!(headers["idempotency-key"]), body["id"]);
        assert_eq!(body, &taken[0].1, "every attempt is the same");
        assert_eq!((&body["to"], &body["sender"]), (&json!("+15145550142"), &json!("Clinique du Parc")));
        let said = text(&body["text"]);
        assert!(said.contains("9 h") && said.contains("https://rv.example.ca/p/"), "{said}");
        for secret in [ACTIVITY_NAME, "Consultation", "Zita", "Ouellet"] {
            assert!(!said.contains(secret), "{secret} stands in {said}");
        }
    }
}

#[tokio::test]
async fn a_number_that_a_gateway_refuses_is_kept_for_staff_and_not_tried_again() {
    for status in [400, 404, 410, 422] {
        let gateway = Gateway::answering(&[status]).await;
        let (app, small) = with_sms(Arc::new(SmsGateway::new(&gateway.address, None).unwrap())).await;
        let appointment = books(&app, &small, "09:00").await;
        app.waits_seconds(3_600);
        app.app.messages.round().await.unwrap();
        let taken = gateway.taken();
        assert_eq!(taken.len(), 1, "{status}");
        assert!(!taken[0].0.contains_key("authorization"));
        let kept = app.app.engine.vault().undelivered(app.clinic.id, appointment).await.unwrap();
        assert_eq!(kept.iter().map(|u| u.reason.as_str()).collect::<Vec<_>>(), ["refused"], "{status}");
    }
}

#[tokio::test]
async fn a_gateway_that_is_not_there_or_leads_elsewhere_gets_the_message_later() {
    let gone = Gateway::answering(&[301]).await;
    let (app, small) = with_sms(Arc::new(SmsGateway::new(&gone.address, None).unwrap())).await;
    let appointment = books(&app, &small, "09:00").await;
    assert_eq!(gone.taken().len(), 1, "a redirection is not followed: the token is for this address");
    assert!(app.app.engine.vault().next_attempt().await.unwrap().is_some());
    assert!(app.app.engine.vault().undelivered(app.clinic.id, appointment).await.unwrap().is_empty());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = SmsGateway::new(&format!("http://127.0.0.1:{port}/sms"), None).unwrap();
    let (app, small) = with_sms(Arc::new(nobody)).await;
    let _ = books(&app, &small, "09:00").await;
    assert!(app.app.engine.vault().next_attempt().await.unwrap().is_some());
}

#[tokio::test]
async fn a_command_reads_the_message_and_its_exit_code_says_what_became_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sent");
    let command = |code: i32| format!("cat >> '{}'; exit {code}", file.display());
    for (code, reasons, waits) in [(0, vec![], false), (65, vec!["refused"], false), (1, vec![], true)] {
        let (app, small) = with_sms(Arc::new(SmsCommand::new(command(code)))).await;
        let appointment = books(&app, &small, "09:00").await;
        let kept = app.app.engine.vault().undelivered(app.clinic.id, appointment).await.unwrap();
        assert_eq!(kept.iter().map(|u| u.reason.as_str()).collect::<Vec<_>>(), reasons, "{code}");
        assert_eq!(app.app.engine.vault().next_attempt().await.unwrap().is_some(), waits, "{code}");
    }
    let sent = std::fs::read_to_string(&file).unwrap();
    let sent: Vec<Value> = sent.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|message| message["to"] == "+15145550142"), "{sent:#?}");
}
