//! A clinic from an empty database on: set-up, first booking, reconciliation with its undo, history and replay, and
//! what staff do with appointments.

use booking_domain::phi::Phi;
use booking_domain::values::Role;
use booking_engine::vault;
use booking_tests::http::portal::{id, text};
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Person, SmallClinic, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_clinic_is_set_up_from_nothing_to_its_first_online_booking() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let steps = async || {
        let overview = admin.get("").await.ok();
        let open = overview.list("/checklist").iter().filter(|s| s["done"] == false).map(|s| text(&s["step"]));
        (open.collect::<Vec<_>>(), overview["ready"].clone())
    };
    let all = ["portal_configured", "activity", "practitioner", "agenda", "service", "online_times", "portal_active"];
    assert_eq!(steps().await, (all.map(str::to_owned).to_vec(), json!(false)));
    app.get(&format!("/api/v1/portal/{}", app.clinic.slug)).await.is(404, "not_found");

    let activity = admin.defines_activity("suivi", 20).await;
    let desk = admin.hires("Dre Roy").await;
    let service = admin.configures_service(&[activity], &Value::Null).await;
    app.scheduler().publishes_slot(desk.agenda, TOMORROW, ("09:00", "10:00"), activity).await;
    assert_eq!(steps().await.0, ["portal_configured", "portal_active"]);
    admin.opens_portal().await;
    assert_eq!(steps().await, (vec![], json!(true)));

    let visitor = app.visitor(&Person::stranger()).await;
    let wanted = visitor.finds(service, "09:20").await;
    let booking = json!({ "service": service, "availability": wanted, "reason": { "text": " une toux " } });
    let booked = visitor.sends_booking("first", &booking).await.ok();
    // 8.10.
    assert_eq!(booked["appointment"]["start"], "2026-11-24T09:20:00-05:00");
    assert_eq!(booked["appointment"]["duration_minutes"], 20);
    assert_eq!(booked["appointment"]["time_zone"], "America/Toronto");
    assert_eq!(booked["appointment"]["practitioner"]["name"], "Dre Roy");
    assert_eq!(booked["appointment"]["service"]["en"], "Visit");
    assert_eq!(booked["appointment"]["modality"], "in_person");
    assert_eq!(booked["clinic"]["phone"], "514 555-0100");
    assert_eq!(booked.str("/appointment/reference").len(), 11);
    let shown = app.scheduler().sees_day(desk.agenda, TOMORROW).await;
    assert_eq!(shown, ["09:00 free cloud", "09:20 booked none", "09:40 free cloud"]);
    let day = app.practitioner().day(desk.agenda, TOMORROW).await;
    assert_eq!(
        (&day["appointments"][0]["icon"], &day["appointments"][0]["to_identify"]),
        (&json!("cloud_check"), &json!(true))
    );
    assert_eq!(day["appointments"][0]["name"]["last_name"], "Ouellet");
    let details = app.practitioner().opens(id(&day["appointments"][0]["id"])).await;
    assert_eq!(details["reason"]["text"], "une toux");
}

#[tokio::test]
async fn a_provisional_patient_is_reconciled_undone_and_reconciled_again_and_the_past_stays_as_it_was() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let scheduler = app.scheduler();
    let eve = Person::named("Ève", "Tremblay");
    let (right, wrong) = (
        scheduler.registers(&eve).await,
        scheduler
            .registers(&eve.but(|p| {
                p.birth_date = "1986-06-15".to_owned();
            }))
            .await,
    );
    let typed = eve.but(|p| {
        p.cell_phone = Some("450 555 0177".to_owned());
        p.email = None;
    });
    let booked = app.visitor(&typed).await.books_at(small.service, "09:00").await;

    let queue = scheduler.queue().await;
    assert_eq!((queue.len(), &queue[0]["why"]), (1, &json!("contact_differs")));
    assert_eq!(queue[0]["contact"]["phones"][0], "+14505550177");
    let proposals = queue[0]["proposals"].as_array().unwrap();
    assert_eq!((id(&proposals[0]["record"]["id"]), proposals[0]["differs"].as_array().unwrap().len()), (right, 1));
    assert!(proposals.iter().any(|p| id(&p["record"]["id"]) == wrong), "{proposals:?}");
    let appointment = id(&queue[0]["appointment"]["id"]);
    let before = scheduler.agenda(TOMORROW).await;
    let (token, moment) = (before.str("/as_of").to_owned(), before.str("/now").to_owned());

    app.waits_seconds(60);
    let attached = scheduler.attaches(appointment, wrong).await.ok();
    assert_eq!(scheduler.queue().await.len(), 0);
    // Another patient is not attached over the first.
    scheduler.attaches(appointment, right).await.is(409, "other_patient");
    // The same again is nothing to do.
    let changes = app.changes().await;
    let _ = scheduler.attaches(appointment, wrong).await.ok();
    assert_eq!(app.changes().await, changes);
    app.waits_seconds(60);
    let _ = scheduler.detaches(appointment).await.ok();
    assert_eq!(scheduler.queue().await.len(), 1);
    app.waits_seconds(60);
    let again = scheduler.attaches(appointment, right).await.ok();
    assert_eq!(again["patient"], json!(right));

    let told = app.auditor().get(&format!("/audit/appointments/{appointment}/history")).await.ok();
    let what: Vec<String> = told.list("/entries").iter().map(|e| text(&e["what"])).collect();
    let expected = ["slot-published", "appointment-booked", "patient-attached", "patient-detached", "patient-attached"];
    assert_eq!(what, expected);
    for entry in told.list("/entries") {
        assert!(text(&entry["en"]).ends_with('.') && text(&entry["fr"]).ends_with('.'), "{entry}");
        assert!(!entry.to_string().contains("Tremblay"), "{entry}");
    }

    // The agenda as it was: by the answer's own token, by the position of an event, by the moment.
    let plain = |answer: &booking_tests::http::Answer| {
        let mut days = answer["days"].clone();
        for day in days.as_array_mut().unwrap() {
            for appointment in day["appointments"].as_array_mut().unwrap() {
                appointment.as_object_mut().unwrap().remove("name");
            }
        }
        days
    };
    let back = scheduler.get(&format!("/agenda?from={TOMORROW}&as_of={token}")).await.ok();
    assert_eq!((&back["past"], &back["days"], &back["as_of"]), (&json!(true), &before["days"], &json!(token)));
    let encoded = moment.replace('+', "%2B");
    let booking_at = booked.position();
    for query in [format!("as_of={token}"), format!("at_time={encoded}"), format!("at_position={booking_at}")] {
        let past = app.auditor().get(&format!("/audit/agenda?from={TOMORROW}&{query}")).await.ok();
        assert_eq!(plain(&past), plain(&before), "{query}");
        assert!(!past.text.contains("Tremblay"), "{query}");
    }
    let attached_at = attached.position();
    let then = app.auditor().get(&format!("/audit/agenda?from={TOMORROW}&at_position={attached_at}")).await.ok();
    assert_eq!(then["days"][0]["appointments"][0]["patient"], json!(wrong));
    let first = app.auditor().get(&format!("/audit/agenda?from={TOMORROW}&at_position=1")).await.ok();
    assert!(first.list("/days").is_empty());
    for (query, parameter) in [
        ("at_position=999999", "at_position"),
        ("as_of=x", "as_of"),
        ("at_time=tomorrow", "at_time"),
        ("at_time=2026-11-24T00:00:00Z", "at_time"),
        ("at_position=1&as_of=1.1", "as_of"),
    ] {
        let answer = app.auditor().get(&format!("/audit/agenda?{query}")).await;
        answer.is(400, "bad_parameter");
        assert_eq!(answer.pointers(), [parameter], "{query}");
    }
}

#[tokio::test]
async fn staff_plan_move_mark_and_cancel_and_make_a_record_of_provisional_details() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let scheduler = app.scheduler();
    let eve = scheduler.registers(&Person::named("Ève", "Tremblay")).await;
    let nine = small.availability(&scheduler, "09:00").await;
    let more = json!({ "patient": eve, "availability": nine, "reason": "contrôle" });
    let planned = scheduler.plans(small.desk.agenda, TOMORROW, ("09:00", "09:20"), &more).await.ok();
    planned.has_status(201);
    assert_eq!(
        (&planned["booked_by"], &planned["icon"], &planned["activity"]),
        (&json!("staff"), &json!("none"), &json!(small.activity))
    );
    let appointment = id(&planned["id"]);
    // Nobody else's time, unless somebody overbooks knowingly.
    let contact = json!({ "contact": Person::stranger().contact() });
    let times = ("09:10", "09:30");
    scheduler.plans(small.desk.agenda, TOMORROW, times, &contact).await.is(409, "taken");
    let mut over = contact.clone();
    over["overbook"] = json!(true);
    let overbooked = scheduler.plans(small.desk.agenda, TOMORROW, times, &over).await.ok();
    assert_eq!(overbooked["overridden"], true);
    let _ = scheduler.cancels(id(&overbooked["id"]), true).await.ok();

    let to = json!({ "agenda": small.desk.agenda, "date": TOMORROW, "start": "09:40", "end": "10:00",
        "availability": small.availability(&scheduler, "09:40").await });
    let moved = scheduler.does(appointment, "move", &to).await.ok();
    assert_eq!(moved["when"]["start_time"], "09:40");
    assert_eq!(
        scheduler.sees_day(small.desk.agenda, TOMORROW).await,
        ["09:00 free cloud", "09:20 free cloud", "09:40 booked none"]
    );
    // To another day: it keeps its id, and its old day says where it went.
    let to = json!({ "agenda": small.desk.agenda, "date": "2026-11-26", "start": "11:00", "end": "11:30" });
    let moved = scheduler.does(appointment, "move", &to).await.ok();
    assert_eq!((id(&moved["id"]), &moved["when"]["date"]), (appointment, &json!("2026-11-26")));
    let old = scheduler.day(small.desk.agenda, TOMORROW).await;
    let left = old["appointments"].as_array().unwrap().iter().find(|a| id(&a["id"]) == appointment).unwrap();
    assert_eq!((&left["live"], &left["moved_to"]["date"]), (&json!(false), &json!("2026-11-26")));

    app.goes_to("2026-11-26", "11:00");
    for (what, status) in [("confirm", "confirmed"), ("arrive", "arrived"), ("complete", "completed")] {
        assert_eq!(scheduler.does(appointment, what, &Value::Null).await.ok()["status"], status);
    }
    scheduler.does(appointment, "no-show", &Value::Null).await.is(409, "wrong_status");
    let list = scheduler.get(&format!("/patients/{eve}/appointments")).await.ok();
    assert_eq!(list.list("/appointments").len(), 1);
}

#[tokio::test]
async fn a_record_is_made_from_provisional_details_by_a_person_and_once() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let scheduler = app.scheduler();
    let booked = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await;
    let appointment = id(&scheduler.finds(TOMORROW, &booked.reference()).await["id"]);
    let made = scheduler.does(appointment, "patient", &Value::Null).await.ok();
    made.has_status(201);
    let record = scheduler.get(&format!("/patients/{}", text(&made["patient"]))).await.ok();
    assert_eq!(record["details"]["last_name"], "Ouellet");
    assert_eq!(made["appointment"]["patient"], made["patient"]);
    let search = format!("/patients/search?after={}", made.position());
    let found = scheduler.post(&search, &json!({ "text": "ouellet" })).await.ok();
    assert_eq!(found.list("/patients").len(), 1);
    // The next time they are recognized.
    let again = app.visitor(&Person::stranger()).await.books_at(small.service, "09:20").await;
    assert_eq!(scheduler.finds(TOMORROW, &again.reference()).await["patient"], made["patient"]);
    scheduler.does(appointment, "patient", &Value::Null).await.is(409, "other_patient");
}

#[tokio::test]
async fn a_member_accepts_an_invitation_signs_in_and_out() {
    let app = TestApp::start().await;
    let admin = app.clinic.member(Role::Administrator);
    let staff = vault::Staff { clinic: app.clinic.id, member: admin };
    let password = "correct horse battery staple";
    app.app.engine.vault().set_password(staff, &Phi::new(password.to_owned()), app.now()).await.unwrap();
    let sign_in = async |email: &str, password: &str| {
        app.asks(Method::POST, "/api/v1/session").json(&json!({ "email": email, "password": password })).answer().await
    };
    let email = app.clinic.email(Role::Administrator);
    sign_in(&email, "wrong").await.is(401, "wrong_credentials");
    sign_in("nobody@example.ca", password).await.is(401, "wrong_credentials");
    let session = sign_in(&email.to_uppercase(), password).await.ok();
    assert_eq!((&session["role"], &session["clinic"]), (&json!("administrator"), &json!(app.clinic.id.0)));
    let token = session.str("/token");
    let me = app.asks(Method::GET, "/api/v1/session").token(token).answer().await.ok();
    assert_eq!(me["role"], "administrator");

    let form = json!({ "name": "Nadia", "email": "nadia@parc.example", "role": "scheduler" });
    let members = format!("/api/v1/clinics/{}/members", app.clinic.id);
    let invited = app.asks(Method::POST, &members).token(token).json(&form).answer().await.ok();
    let accept = async |password: &str| {
        let body = json!({ "token": invited.str("/invitation/token"), "password": password });
        app.asks(Method::POST, "/api/v1/invitations/accept").json(&body).answer().await
    };
    accept("short").await.is(422, "invalid_field");
    let nadia = accept("a long enough password").await.ok();
    accept("a long enough password").await.is(410, "invitation_gone");
    let hers = nadia.str("/token");
    let _ = app.asks(Method::DELETE, "/api/v1/session").token(hers).answer().await.ok();
    app.asks(Method::GET, "/api/v1/session").token(hers).answer().await.is(401, "unauthorized");
    // A session that nobody used for a quarter of an hour is over.
    app.waits_seconds(15 * 60 + 1);
    app.asks(Method::GET, "/api/v1/session").token(token).answer().await.is(401, "unauthorized");
}
