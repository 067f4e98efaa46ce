//! Time travel: what the portal answered during a week in which rules changed, derived again later, to the byte.

use booking_engine::vault::{Token, VisitLookup};
use booking_tests::http::portal::id;
use booking_tests::http::setup::{TOMORROW, service_form};
use booking_tests::http::{Answer, Person, SmallClinic, TestApp, Visitor};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// An answer of the portal, and the question that derives it again.
struct Kept {
    what: String,
    status: u16,
    text: String,
    again: String,
}

struct Week {
    app: TestApp,
    services: Vec<Uuid>,
    people: Vec<(Person, Option<Uuid>)>,
    kept: Vec<Kept>,
}

impl Week {
    async fn visit_of(&self, visitor: &Visitor<'_>) -> Uuid {
        let token = Token::parse(visitor.token.strip_prefix("v_").unwrap()).unwrap();
        let vault = self.app.app.engine.vault();
        match vault.visit_by_token(self.app.clinic.id, &token, self.app.now()).await.unwrap() {
            VisitLookup::Open(visit) => visit.id.0,
            other => panic!("{other:?}"),
        }
    }

    /// Everybody looks at everything, and what they see is kept.
    async fn everybody_looks(&mut self, when: &str) {
        self.looks_while(when, false).await;
    }

    /// The same; the portal is closed after everybody has come.
    async fn looks_while(&mut self, when: &str, closing: bool) {
        let mut visitors = Vec::new();
        for (person, _) in &self.people {
            visitors.push(self.app.visitor(person).await);
        }
        if closing {
            self.app.admin().closes_portal().await;
        }
        self.app.settle().await;
        let mut kept = Vec::new();
        let page = self.app.get(&format!("/api/v1/portal/{}", self.app.clinic.slug)).await;
        kept.push(keep(&format!("{when}: the page"), &page, "/audit/portal", ""));
        for ((person, patient), visitor) in self.people.iter().zip(&visitors) {
            let visit = self.visit_of(visitor).await;
            let mut who = format!("&visit={visit}");
            if let Some(patient) = patient {
                who = format!("{who}&patient={patient}");
            }
            // Somebody holds a time, so that `held_by_you` is told as well.
            let held = visitor.get(&format!("/availabilities?service={}&limit=1", self.services[0])).await;
            if let Some(first) = held.body.pointer("/availabilities/0/availability").and_then(Value::as_str) {
                let _ = visitor.asks_to_hold(self.services[0], first).await;
            }
            self.app.settle().await;
            let answer = visitor.get("/services").await;
            kept.push(keep(&format!("{when}: services of {}", person.first_name), &answer, "/audit/services", &who));
            for service in &self.services {
                for more in ["", "&counts=true&limit=2", "&weekday=mon,wed&part=morning"] {
                    let answer = visitor.get(&format!("/availabilities?service={service}{more}")).await;
                    let what = format!("{when}: {service}{more} for {}", person.first_name);
                    kept.push(keep(&what, &answer, "/audit/availabilities", &format!("&service={service}{more}{who}")));
                }
            }
        }
        drop(visitors);
        let now = self.app.now();
        let position = self.app.app.views.position().unwrap();
        for one in &mut kept {
            // A refusal carries no token: it is asked for by what the others of this round say.
            if !one.again.contains("as_of=") {
                let join = if one.again.contains('?') { "&" } else { "?" };
                one.again = format!("{}{join}as_of={position}.{}", one.again, now.0);
            }
        }
        self.kept.extend(kept);
    }

    async fn changes(&self, service: Uuid, form: &Value) {
        let path = format!("/services/{service}");
        let etag = self.app.admin().get(&path).await.ok().etag();
        let _ = self.app.admin().changes(Method::PUT, &path, &etag, form).await.ok();
    }
}

fn keep(what: &str, answer: &Answer, path: &str, more: &str) -> Kept {
    let in_body = answer.body.get("as_of").and_then(Value::as_str);
    let as_of = in_body.or(answer.header("booking-as-of")).filter(|_| answer.is_ok());
    let mut query: Vec<String> = as_of.map(|token| format!("as_of={token}")).into_iter().collect();
    query.extend((!more.is_empty()).then(|| more.trim_start_matches('&').to_owned()));
    let again = if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) };
    Kept { what: what.to_owned(), status: answer.status, text: answer.text.clone(), again }
}

#[tokio::test]
async fn what_the_portal_answered_in_a_week_of_changes_is_derived_again_to_the_byte() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let eve = Person::named("Ève", "Tremblay");
    let old = Person::named("Rose", "Rancourt").but(|p| {
        p.birth_date = "1940-02-03".to_owned();
        p.cell_phone = Some("514 555 0177".to_owned());
    });
    let (eve_id, old_id) = (app.scheduler().registers(&eve).await, app.scheduler().registers(&old).await);
    let elders = json!({ "criteria": [{ "kind": "age_range", "unit": "years", "min": 65 }],
        "public_name": { "fr": "Aînés", "en": "Elders" } });
    let restricted = app.admin().configures_service(&[small.activity], &elders).await;
    let people = vec![(Person::stranger(), None), (eve, Some(eve_id)), (old, Some(old_id))];
    let services = vec![small.service, restricted];
    let mut week = Week { app, services, people, kept: Vec::new() };
    let (agenda, activity) = (small.desk.agenda, small.activity);

    week.everybody_looks("Monday").await;
    for (date, times) in
        [("2026-11-25", ("13:00", "15:00")), ("2026-11-27", ("09:00", "10:00")), ("2026-11-30", ("08:00", "09:00"))]
    {
        week.app.scheduler().publishes_slot(agenda, date, times, activity).await;
    }
    week.everybody_looks("more is open").await;
    let _ = week.app.visitor(&week.people[1].0).await.books_at(small.service, "09:40").await;
    week.app.goes_to(TOMORROW, "08:50");
    week.everybody_looks("Tuesday").await;
    week.changes(small.service, &service_form(&[activity], &json!({ "min_notice_minutes": 90 }))).await;
    week.everybody_looks("with a notice").await;
    // A second practitioner, whose slot is withdrawn again in part; a booking is moved there, another is cancelled.
    let second = week.app.admin().hires("Dr Blais").await;
    let slot = week.app.scheduler().publishes_slot(second.agenda, "2026-11-26", ("10:00", "11:00"), activity).await;
    week.everybody_looks("a second practitioner").await;
    let rose = week.app.visitor(&week.people[2].0).await.books_at(small.service, "08:40").await.reference();
    let rose = id(&week.app.scheduler().finds("2026-11-30", &rose).await["id"]);
    week.everybody_looks("one more is booked").await;
    let path = format!("/agendas/{}/days/2026-11-26/slots/{slot}", second.agenda);
    let etag = week.app.scheduler().get(&path).await.ok().etag();
    let _ = week.app.scheduler().changes(Method::DELETE, &path, &etag, &Value::Null).await.ok();
    week.everybody_looks("withdrawn").await;
    let _ = week.app.scheduler().cancels(rose, false).await.ok();
    week.everybody_looks("cancelled and dropped").await;
    let odile = week.app.scheduler().registers(&Person::named("Odile", "Roy")).await;
    let etag = week.app.scheduler().get(&format!("/patients/{odile}")).await.ok().etag();
    let merge = format!("/patients/{odile}/merge");
    let _ = week.app.scheduler().changes(Method::POST, &merge, &etag, &json!({ "into": eve_id })).await.ok();
    week.everybody_looks("a record merged").await;
    week.app.goes_to("2026-11-25", "07:30");
    let two_days = json!({ "publication": { "kind": "minutes_before", "minutes": 2880 },
        "public_name": { "fr": "Rendez-vous", "en": "Appointment" } });
    week.changes(small.service, &service_form(&[activity], &two_days)).await;
    week.everybody_looks("Wednesday, published late").await;
    week.app.admin().settles(&json!({ "max_horizon_minutes": 4000, "max_future_appointments": 1 })).await;
    week.everybody_looks("with a cap and a horizon").await;
    week.app.goes_to("2026-11-26", "12:00");
    week.looks_while("Thursday, closed", true).await;
    week.app.admin().opens_portal().await;
    week.everybody_looks("open again").await;
    let etag = week.app.admin().get(&format!("/services/{restricted}")).await.ok().etag();
    let off = format!("/services/{restricted}/deactivate");
    let _ = week.app.admin().changes(Method::POST, &off, &etag, &Value::Null).await.ok();
    week.app.goes_to("2026-11-27", "08:59");
    week.everybody_looks("Friday").await;
    let etag = week.app.scheduler().get(&format!("/patients/{eve_id}")).await.ok().etag();
    let dead = format!("/patients/{eve_id}/deceased");
    let _ = week.app.scheduler().changes(Method::POST, &dead, &etag, &json!({})).await.ok();
    week.app.goes_to("2026-11-29", "09:00");
    week.everybody_looks("Sunday").await;

    week.app.goes_to("2027-02-01", "09:00");
    // From the log alone: the read models that had answered are gone.
    week.app = week
        .app
        .restarts_after(
            |options| options,
            |data| {
                for file in std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path()) {
                    if file.file_name().unwrap().to_string_lossy().starts_with("views.db") {
                        std::fs::remove_file(file).unwrap();
                    }
                }
            },
        )
        .await;
    week.app.settle().await;
    let mut shown = 0;
    for kept in &week.kept {
        let again = week.app.auditor().get(&kept.again).await;
        assert_eq!(again.status, kept.status, "{}: {} {}", kept.what, kept.again, again.text);
        if kept.status == 200 {
            assert_eq!(again.text, kept.text, "{}: {}", kept.what, kept.again);
            shown += 1;
        }
    }
    println!("{shown} of {} answers were derived again to the byte, the others are the same refusals", week.kept.len());
    assert!(shown > 200, "{shown}");
}

#[tokio::test]
async fn an_appointment_and_the_visitor_who_booked_it_are_shown_as_they_were() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let reference = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await.reference();
    let appointment = id(&app.scheduler().finds(TOMORROW, &reference).await["id"]);
    let booked = app.now();
    app.waits_seconds(60);
    let patient = app.scheduler().registers(&Person::named("Ève", "Tremblay")).await;
    let _ = app.scheduler().attaches(appointment, patient).await.ok();
    app.waits_seconds(60);
    let _ = app.scheduler().cancels(appointment, true).await.ok();
    app.settle().await;
    let at = |seconds: i64| booking_domain::time::Instant(booked.0 + seconds * 1_000_000);
    let was = async |seconds: i64| {
        let moment = at(seconds).rfc3339(booking_tests::http::app::ZONE).replace(':', "%3A");
        let answer = app.auditor().get(&format!("/audit/appointments/{appointment}?at_time={moment}")).await.ok();
        (answer["status"].clone(), answer["to_identify"].clone())
    };
    assert_eq!(was(0).await, (json!("booked"), json!(true)));
    assert_eq!(was(90).await, (json!("booked"), json!(false)));
    assert_eq!(was(120).await, (json!("cancelled"), json!(false)));
    let before = at(-3_600).rfc3339(booking_tests::http::app::ZONE).replace(':', "%3A");
    let path = format!("/audit/appointments/{appointment}?at_time={before}");
    app.auditor().get(&path).await.is(404, "not_found");

    // As its visitor saw the portal: nobody whom the clinic knew, whoever was attached later.
    let seen = format!("/audit/availabilities?service={}&appointment={appointment}", small.service);
    assert_eq!(app.scheduler().get(&seen).await.ok().list("/availabilities").len(), 3);
    let other = app.another_clinic("autre-clinique").await;
    let foreign = app.staff(&other, booking_domain::values::Role::Administrator);
    let _ = foreign.sets_up().await;
    let path = format!("/audit/services?appointment={appointment}");
    foreign.get(&path).await.is(404, "not_found");
    let path = format!("/audit/services?patient={patient}");
    foreign.get(&path).await.is(404, "not_found");
}
