//! Whatever anybody types, staff, patients or a file, stays text wherever the clinic reads it: pages, the board that the
//! script fetches, the stream, JSON, and files that a spreadsheet opens.

use super::staff::signed_in;
use booking_domain::values::Role;
use booking_engine::vault::Staff as Account;
use booking_tests::http::payloads::{PAYLOADS, assert_inert};
use booking_tests::http::portal::id;
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Browser, Person, SmallClinic, TestApp};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

/// How many texts of each kind were taken; a name of punctuation alone is no name, and is refused.
#[derive(Default, Debug)]
struct Taken {
    pages: Vec<String>,
    appointments: usize,
    records: usize,
    bookings: usize,
}

/// One payload in every free text at once.
async fn types_everywhere(app: &TestApp, n: usize, payload: &str, taken: &mut Taken) {
    let (admin, scheduler) = (app.admin(), app.scheduler());
    let desk = admin.hires(payload).await;
    let activity = admin.defines_activity(payload, 20).await;
    let both = json!({ "fr": payload, "en": payload });
    let more = json!({ "internal_name": payload, "public_name": both, "description": both, "reasons": [both] });
    let service = admin.configures_service(&[activity], &more).await;
    let more = json!({ "title": payload, "activity": activity });
    let slot = scheduler.asks_for_slot(desk.agenda, TOMORROW, ("09:00", "10:00"), &more).await.ok();
    let start = slot_start(app, desk.agenda).await;
    let slot = id(&slot["id"]);
    let from = json!({ "agenda": desk.agenda, "first_day": TOMORROW, "slots": [slot] });
    let template = id(&scheduler.post("/templates", &json!({ "name": payload, "from": from })).await.ok()["id"]);
    taken.pages.extend([
        format!("/staff/slots/{}/{TOMORROW}/{slot}?start={start}", desk.agenda),
        format!("/staff/templates/{template}"),
        format!("/staff/agenda?date={TOMORROW}&agenda={}", desk.agenda),
        format!("/staff/agenda?date={TOMORROW}&agenda={}&view=week&service={service}", desk.agenda),
        format!("/staff/admin/practitioners/{}", desk.practitioner),
    ]);

    // Appointments by staff and by the patient; a reason of the list is the clinic's own text, another is typed.
    let person = Person::named(payload, payload).but(|p| p.email = Some(format!("patient{n}@example.ca")));
    let more = json!({ "contact": person.contact(), "reason": payload, "channel": payload, "activity": activity });
    let planned = scheduler.plans(desk.agenda, TOMORROW, ("13:00", "13:20"), &more).await;
    if planned.is_ok() {
        taken.appointments += 1;
        let appointment = id(&planned["id"]);
        app.settle().await;
        taken.pages.extend(["", "/move", "/cancel"].map(|p| format!("/staff/appointments/{appointment}{p}")));
        let why = json!({ "keep_availability": true, "reason": payload });
        let _ = scheduler.does(appointment, "cancel", &why).await.ok();
    }
    let visit = json!({ "terms_accepted": true });
    let mut typed = person.contact();
    booking_tests::http::staff::merge(&mut typed, &visit);
    let opened =
        app.asks(Method::POST, &format!("/api/v1/portal/{}/visits", app.clinic.slug)).json(&typed).answer().await;
    if opened.is_ok() {
        let visitor = booking_tests::http::Visitor::with(app, &app.clinic.slug, opened.str("/token"));
        let wanted = visitor.finds(service, "09:00").await;
        let booking = json!({ "service": service, "availability": wanted, "reason": { "text": payload } });
        let booked = visitor.sends_booking(&format!("key-{n}"), &booking).await.ok();
        let found = scheduler.finds(TOMORROW, booked.str("/appointment/reference")).await;
        taken.bookings += 1;
        taken.pages.extend(["/staff/identify", "/staff/appointments"].map(|p| format!("{p}/{}", id(&found["id"]))));
    }
    let mut details = person.record();
    details["addresses"] = json!([payload]);
    let made = scheduler.post("/patients", &json!({ "details": details })).await;
    if made.is_ok() {
        taken.records += 1;
        let record = id(&made["id"]);
        taken.pages.extend(["", "/edit", "/merge"].map(|p| format!("/staff/patients/{record}{p}")));
    }
}

/// The start of the first availability, as a query has it.
async fn slot_start(app: &TestApp, agenda: Uuid) -> String {
    let day = app.scheduler().day(agenda, TOMORROW).await;
    let start = day["slots"][0]["availabilities"][0]["start"].as_str().unwrap().to_owned();
    start.replace('+', "%2B").replace(':', "%3A")
}

#[tokio::test]
async fn thirty_texts_that_would_run_stay_text_on_every_page_of_the_desk() {
    let app = TestApp::start().await;
    app.admin().opens_portal().await;
    let mut taken = Taken::default();
    for (n, payload) in PAYLOADS.iter().enumerate() {
        types_everywhere(&app, n, payload, &mut taken).await;
    }
    app.settle().await;
    assert!(taken.appointments >= 25 && taken.records >= 25 && taken.bookings >= 25, "{taken:?}");
    // Whoever looks is called so too: their name stands over every page, and in what they changed.
    let form = json!({ "name": "\"><script>x()</script>", "email": "evil@parc.example", "role": "scheduler" });
    let member = id(&app.admin().post("/members", &form).await.ok()["member"]["id"]);
    let account = Account { clinic: app.clinic.id, member: member.into() };
    let session = app.app.engine.vault().open_session(account, app.now()).await.unwrap();
    let mut desk = signed_in(&app, Role::Scheduler, "/staff/agenda").await;
    let mut admin = signed_in(&app, Role::Administrator, "/staff/admin").await;
    desk.cookies.insert("__Host-staff".to_owned(), format!("s_{}", session.reveal().as_str()));
    let week = format!("/staff/agenda?date={TOMORROW}&view=week");
    taken.pages.extend([
        format!("/staff/agenda?date={TOMORROW}"),
        format!("/staff/agenda?date={TOMORROW}&view=list&ended=yes"),
        week.clone(),
        "/staff/schedule".to_owned(),
        "/staff/identify".to_owned(),
        "/staff/templates".to_owned(),
        "/staff/appointments/new".to_owned(),
        "/staff/slots/new".to_owned(),
        "/staff/undelivered".to_owned(),
    ]);
    for page in &taken.pages {
        let eve: &mut Browser<'_> = if page.contains("/admin/") { &mut admin } else { &mut desk };
        eve.goes(page).await;
        eve.has_status(200);
        assert_inert(eve, page);
        let policy = eve.answer.header("content-security-policy").unwrap();
        assert!(policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"), "{page}: {policy}");
        assert_eq!(eve.answer.header("x-content-type-options"), Some("nosniff"), "{page}");
    }
    // The name is there, as text.
    desk.goes(&week).await;
    assert!(desk.text_of(".bar-who").contains("\"><script>x()</script>"), "{}", desk.text_of(".bar-who"));

    // The part of a page that the script fetches, and what is typed and refused, or searched for and not found.
    let part = app.asks(Method::GET, &week).header("x-part", "board");
    desk.answer = part.header("cookie", &format!("__Host-staff={}", desk.cookies["__Host-staff"])).answer().await;
    assert!(desk.has("#board") && !desk.has("header"));
    assert_inert(&desk, "the board alone");
    for payload in PAYLOADS {
        let typed = [("first_name", payload), ("last_name", payload), ("birth_date", payload), ("reason", payload)];
        for (page, button, typed) in [
            ("/staff/patients", "Search", &[("search", payload)][..]),
            ("/staff/patients/new", "Save", &typed[..3]),
            ("/staff/appointments/new", "Plan", &typed[..]),
            ("/staff/slots/new", "Open a slot", &[("title", payload), ("start", payload)][..]),
            ("/staff/schedule", "Preview", &[("title", payload), ("from", payload), ("except", payload)][..]),
            ("/staff/schedule/day", "Preview", &[("date", payload), ("agendas", payload)][..]),
        ] {
            desk.goes(page).await;
            desk.presses(button, typed).await;
            assert_inert(&desk, payload);
        }
        let query = serde_html_form::to_string([("date", payload), ("view", payload), ("service", payload)]).unwrap();
        for page in ["/staff/agenda", "/staff/appointments/new", "/staff/slots/new"] {
            admin.goes(&format!("{page}?{query}")).await;
            assert_inert(&admin, payload);
        }
        let names =
            ["on", "at", "position", "date", "stream", "actor", "patient", "from", "start", "cursor", "service"];
        let query = serde_html_form::to_string(names.map(|name| (name, payload))).unwrap();
        for page in ["agenda", "seen", "explain", "rules", "events", "access", "erasures"] {
            admin.goes(&format!("/audit/{page}?{query}")).await;
            assert_inert(&admin, payload);
        }
        admin.goes("/audit").await;
        admin.presses("Search", &[("text", payload)]).await;
        assert_inert(&admin, payload);
    }
}

#[tokio::test]
async fn the_stream_and_the_api_hold_no_markup_that_a_browser_would_read() {
    let app = TestApp::start().await;
    SmallClinic::with_a_morning(&app).await;
    let mut taken = Taken::default();
    types_everywhere(&app, 0, PAYLOADS[0], &mut taken).await;
    let session = app.session(app.clinic.id, app.clinic.member(Role::Scheduler)).await;
    let live = format!("/staff/live?after=1&from={TOMORROW}&to={TOMORROW}");
    let mut stream = app.asks(Method::GET, &live).header("cookie", &format!("__Host-staff={session}")).opens().await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let said = stream.chunk().await.unwrap().unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let known = |line: &str| line.is_empty() || ["event:", "id:", "data:", ":"].iter().any(|k| line.starts_with(k));
    assert!(said.lines().all(known) && !said.contains(['<', '>', '"', '&']), "{said}");
    for path in ["/agenda?from=2026-11-24", "/templates", "/services", "/practitioners", "/activities"] {
        let answer = app.scheduler().get(path).await.ok();
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
}

/// The cells of a CSV file, by the rules of RFC 4180: a reader that is not the writer's.
fn cells(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, quoted) {
            ('"', true) if letters.peek() == Some(&'"') => {
                cell.push('"');
                letters.next();
            }
            ('"', _) => quoted = !quoted,
            (',', false) => row.push(std::mem::take(&mut cell)),
            ('\r', false) => {}
            ('\n', false) => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            _ => cell.push(letter),
        }
    }
    rows
}

#[tokio::test]
async fn a_spreadsheet_that_opens_an_export_runs_nothing() {
    let app = TestApp::start().await;
    let patient = app.scheduler().registers(&Person::named("Ève", "Tremblay")).await;
    let formulas = [
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(1)",
        "\t=1+1",
        "\r=1+1",
        "\u{1}=1+1",
        "=HYPERLINK(\"http://e.example\")",
        "＝1+1",
        "=cmd|' /C calc'!A0",
        "\"=1+1",
        "a,=1+1",
    ];
    let mut taken = 0;
    for (n, name) in formulas.iter().enumerate() {
        let form = json!({ "name": name, "email": format!("member{n}@parc.example"), "role": "scheduler" });
        let added = app.admin().post("/members", &form).await;
        if !added.is_ok() {
            continue;
        }
        taken += 1;
        let account = Account { clinic: app.clinic.id, member: id(&added["member"]["id"]).into() };
        let session = app.app.engine.vault().open_session(account, app.now()).await.unwrap();
        let path = format!("/api/v1/clinics/{}/patients/{patient}", app.clinic.id);
        let _ = app.asks(Method::GET, &path).token(&format!("s_{}", session.reveal().as_str())).answer().await.ok();
    }
    assert!(taken >= 8, "only {taken} of these are names");
    app.settle().await;
    let file = app.auditor().get("/audit/access/export?format=csv").await.ok();
    assert!(file.header("content-type").unwrap().starts_with("text/csv"));
    assert!(file.header("content-disposition").unwrap().starts_with("attachment"));
    let rows = cells(&file.text);
    assert!(rows.len() > taken && rows.iter().all(|row| row.len() == rows[0].len()), "{rows:?}");
    let names = rows[0].iter().position(|column| column == "member_name").unwrap();
    for cell in rows.iter().flatten() {
        let first = cell.chars().next();
        assert!(!first.is_some_and(|c| "=+-@＝＋－＠".contains(c) || c.is_control()), "{cell:?} would be run");
        assert!(!cell.chars().any(char::is_control), "{cell:?}");
    }
    let told: Vec<&str> = rows.iter().map(|row| row[names].as_str()).collect();
    assert!(told.contains(&"'=1+1") && told.contains(&"'=HYPERLINK(\"http://e.example\")"), "{told:?}");
}
