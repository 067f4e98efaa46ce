//! Where personal data must never be: in a file, in a line of the log. And reads, which never write.

use booking_tests::http::portal::{id, looks_up};
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Person, SmallClinic, TestApp};
use reqwest::Method;
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tracing_subscriber::EnvFilter;

/// Everybody's texts hold this, in whatever case.
const CANARY: &str = "kanari";
/// What has no letters.
const NUMBERS: [&str; 4] = ["5145550199", "555-0199", "KANZ85561512", "4505550188"];

fn canary() -> Person {
    Person {
        first_name: "Zsofiakanari".to_owned(),
        last_name: "Kanarievna".to_owned(),
        birth_date: "1985-06-15".to_owned(),
        sex: "female".to_owned(),
        health_number: Some("KANZ 8556 1512".to_owned()),
        cell_phone: Some("514 555-0199".to_owned()),
        email: Some("Kanari@example.ca".to_owned()),
    }
}

/// Lines of the log, kept in memory.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Where a personal value stands in some bytes.
fn finds(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    let mut needles = std::iter::once(CANARY).chain(NUMBERS);
    let found = needles.find_map(|needle| text.find(&needle.to_lowercase()))?;
    let around = text.char_indices().map(|(at, _)| at).filter(|at| at.abs_diff(found) < 60);
    let (first, last) = around.fold((found, found), |(first, last), at| (first.min(at), last.max(at)));
    text.get(first..last).map(str::to_owned)
}

fn no_file_tells(dir: &Path) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            no_file_tells(&path);
            continue;
        }
        match std::fs::read(&path) {
            Ok(bytes) => assert_eq!(finds(&bytes), None, "{}", path.display()),
            // A database's side file goes when its last connection closes, which may be now.
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{}", path.display()),
        }
    }
}

#[tokio::test]
async fn no_personal_value_is_in_any_file_or_line_of_the_log_after_a_whole_story() {
    let lines = Lines::default();
    let writer = lines.clone();
    // What a server would ever be asked to tell, and more; the client's side of the wire is this test's own.
    let filter = EnvFilter::new("trace,hyper=info,hyper_util=info,reqwest=info,mio=info");
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || writer.clone()).finish();
    let _on = tracing::subscriber::set_default(subscriber);

    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let scheduler = app.scheduler();
    let person = canary();
    let almost = person.but(|p| {
        p.health_number = None;
        p.cell_phone = Some("450 555-0188".to_owned());
        p.email = None;
    });
    let visitor = app.visitor(&almost).await;
    let wanted = visitor.finds(small.service, "09:00").await;
    let hold = visitor.holds(small.service, &wanted).await;
    let booking = json!({ "service": small.service, "availability": wanted, "hold": hold,
        "reason": { "text": "motif kanari" } });
    let booked = visitor.sends_booking("k", &booking).await.ok();
    let record = scheduler.registers(&person).await;
    let appointment = id(&scheduler.queue().await[0]["appointment"]["id"]);
    let _ = scheduler.attaches(appointment, record).await.ok();
    let found = scheduler.post("/patients/search", &json!({ "text": "kanari" })).await.ok();
    assert_eq!(found.list("/patients").len(), 1);
    let more = json!({ "contact": person.contact(), "reason": "motif kanari" });
    let _ = scheduler.plans(small.desk.agenda, TOMORROW, ("11:00", "11:20"), &more).await.ok();
    let why = json!({ "reason": "kanari a téléphoné" });
    let _ = scheduler.does(appointment, "cancel", &why).await.ok();
    let _ = looks_up(&app, &app.clinic.slug, booked.str("/appointment/reference"), "1985-06-15").await.ok();
    // What is refused is told to nobody but its caller.
    let mut bad = person.typed();
    bad["sex"] = json!("kanari");
    booking_tests::http::portal::opening(&app, &app.clinic.slug, &bad).await.is(422, "invalid_field");
    let query = visitor.get("/availabilities?service=kanari").await;
    assert_eq!(query.status, 400);
    let sign_in = json!({ "email": "kanari@example.ca", "password": "kanari kanari kanari" });
    app.asks(Method::POST, "/api/v1/session").json(&sign_in).answer().await.is(401, "wrong_credentials");
    // The auditor's answers hold no names either.
    for path in [
        "/audit/events?limit=500",
        "/feed?limit=1000",
        &format!("/audit/agenda?from={TOMORROW}"),
        &format!("/audit/appointments/{appointment}/history"),
    ] {
        let answer = app.auditor().get(path).await.ok();
        assert_eq!(finds(answer.text.as_bytes()), None, "{path}");
    }

    no_file_tells(app.data());
    let dir = app.stop().await;
    no_file_tells(dir.path());
    assert!(dir.path().join("events.db").metadata().unwrap().len() > 10_000);
    let told = lines.0.lock().unwrap().clone();
    assert_eq!(finds(&told), None);
    assert!(!told.is_empty(), "nothing was captured");
}

#[tokio::test]
async fn reading_never_writes_whatever_the_method() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let scheduler = app.scheduler();
    let patient = scheduler.registers(&Person::named("Ève", "Tremblay")).await;
    let _ = scheduler.post("/erasures", &json!({ "patient": patient })).await.ok();
    let visitor = app.visitor(&Person::stranger()).await;
    let link = visitor.books_at(small.service, "09:00").await;
    let appointment = id(&scheduler.finds(TOMORROW, &link.reference()).await["id"]);
    let slot = id(&scheduler.day(small.desk.agenda, TOMORROW).await["slots"][0]["id"]);
    let staff = app.admin().token().await;
    let first_event = app.events().await.swap_remove(0);
    let fill = |path: &str| {
        let values = [
            ("event", first_event.id.to_string()),
            ("person", patient.to_string()),
            ("clinic", app.clinic.id.to_string()),
            ("slug", app.clinic.slug.clone()),
            ("date", TOMORROW.to_owned()),
            ("agenda", small.desk.agenda.to_string()),
            ("slot", slot.to_string()),
            ("service", small.service.to_string()),
            ("appointment", appointment.to_string()),
            ("patient", patient.to_string()),
        ];
        values.iter().fold(path.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value))
    };
    let explained = visitor.finds(small.service, "09:20").await;
    app.settle().await;
    app.app.ledger.sign(&app.app.engine, &app.app.views).await;
    let before = app.changes().await;
    let document = app.get("/api/v1/openapi.json").await.ok();
    let mut read = 0;
    for (template, item) in document["paths"].as_object().unwrap() {
        if item.get("get").is_none() {
            continue;
        }
        let mut path = fill(template);
        assert!(!path.contains('{'), "{path} has a segment that this test does not know");
        if template.ends_with("/availabilities") && !template.contains("/appointment/") {
            path = format!("{path}?service={}", small.service);
        } else if template.ends_with("{clinic}/appointments") {
            path = format!("{path}?from={TOMORROW}&to={TOMORROW}");
        } else if template.ends_with("/audit/explain") {
            path = format!("{path}?service={}&availability={explained}", small.service);
        } else if template.ends_with("/access/export") {
            path = format!("{path}?format=csv");
        } else if template.ends_with("/ledger/proof") {
            path = format!("{path}?event={}", first_event.id);
        } else if template.ends_with("/ledger/consistency") {
            path = format!("{path}?from=1");
        }
        let token = match template.strip_prefix("/api/v1/portal/{slug}") {
            Some(tail) if tail == "/appointment" || tail.starts_with("/appointment/") => &link.token,
            Some(_) => &visitor.token,
            None => &staff,
        };
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            let status = app.asks(method.clone(), &path).token(token).status().await;
            if method != Method::OPTIONS {
                assert!(status < 300, "{method} {path}: {status}");
            }
            assert_eq!(app.changes().await, before, "{method} {path} wrote");
        }
        // Mail scanners come without a token, or follow what a token would do with a GET (8.11).
        let _ = app.asks(Method::GET, &path).status().await;
        read += 1;
    }
    assert!(read >= 25, "{read}");
    for verb in ["cancel", "move", "confirm"] {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            assert_eq!(link.asks(method, &format!("/{verb}")).status().await, 405);
        }
    }
    assert_eq!(app.changes().await, before);
}
