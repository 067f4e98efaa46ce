//! The scenarios about schedules and staff's appointments: recurrences and templates, no activity, moves, channels.

use booking_tests::http::portal::{id, text};
use booking_tests::http::setup::{ACTIVITY_NAME, SERVICE_NAME, TOMORROW, availability_of};
use booking_tests::http::{Person, SmallClinic, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

// 4, R33, R97.
#[tokio::test]
async fn a_recurring_slot_is_never_online_and_a_template_of_it_is() {
    let app = TestApp::start().await;
    let small = app.admin().sets_up().await;
    let scheduler = app.scheduler();
    let draft = json!({ "agenda": small.desk.agenda, "date": TOMORROW, "start": "09:00", "end": "10:00",
        "activity": small.activity });
    let rule = json!({ "weekdays": ["tuesday"], "until": "2026-12-08" });
    let laid = scheduler.post("/schedule/recurring", &json!({ "draft": draft, "rule": rule })).await.ok();
    assert_eq!(laid.list("/laid").len(), 3);
    let visitor = app.visitor(&Person::stranger()).await;
    assert_eq!(visitor.sees_times(small.service).await, Vec::<String>::new());
    assert_eq!(scheduler.sees_day(small.desk.agenda, TOMORROW).await[0], "09:00 free none");

    let from = json!({ "agenda": small.desk.agenda, "first_day": TOMORROW, "slots": [laid["laid"][0]["slot"]] });
    let template = scheduler.post("/templates", &json!({ "name": "Mardi", "from": from })).await.ok();
    let apply = format!("/templates/{}/apply", text(&template["id"]));
    // R95: over the slots that are there.
    let applied = scheduler.post(&apply, &json!({ "first_days": [TOMORROW] })).await.ok();
    assert_eq!(applied["laid"][0]["overlaps"], json!([laid["laid"][0]["slot"]]));
    assert_eq!(visitor.sees_times(small.service).await, ["11-24 09:00", "11-24 09:20", "11-24 09:40"]);
}

// 14, R6.
#[tokio::test]
async fn no_public_answer_holds_an_internal_name() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let portal = format!("/api/v1/portal/{}", app.clinic.slug);
    let visitor = app.visitor(&Person::stranger()).await;
    let mut answers = vec![app.get(&portal).await, app.get("/api/v1/openapi.json").await];

    let wanted = visitor.finds(small.service, "09:00").await;
    let placed = visitor.asks_to_hold(small.service, &wanted).await.ok();
    let hold = placed.str("/hold").to_owned();
    answers.push(placed);
    answers.push(visitor.extends(&hold).await.ok());
    let booking = json!({ "service": small.service, "availability": wanted, "hold": hold });
    answers.push(visitor.sends_booking("a", &booking).await.ok());
    answers.push(visitor.sends_booking("b", &booking).await);
    let link = app.link_holder(answers[4].str("/link_token"));
    let reference = answers[4].str("/appointment/reference").to_owned();
    let found = booking_tests::http::portal::looks_up(&app, &app.clinic.slug, &reference, "1985-06-15").await.ok();
    answers.push(found);
    app.settle().await;
    // Every GET of the portal that the document lists, with the token that it wants.
    let document = app.get("/api/v1/openapi.json").await.ok();
    let mut crawled = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(tail) = path.strip_prefix("/api/v1/portal/{slug}") else { continue };
        if item.get("get").is_none() {
            continue;
        }
        let token = if tail.starts_with("/appointment") { &link.token } else { &visitor.token };
        let query =
            if tail == "/availabilities" { format!("?service={}&counts=true", small.service) } else { String::new() };
        let asked = app.asks(Method::GET, &format!("{portal}{tail}{query}")).token(token);
        answers.push(asked.answer().await.ok());
        crawled += 1;
    }
    assert!(crawled >= 6, "{crawled}");
    let target = text(&link.sees_targets().await[0]["availability"]);
    answers.push(link.moves(&link.sees().await.etag(), &target).await);
    answers.push(link.confirms().await);
    answers.push(link.cancels(&link.sees().await.etag()).await);
    let ids = [small.activity.to_string(), small.activity.simple().to_string()];
    for answer in &answers {
        for secret in [ACTIVITY_NAME, SERVICE_NAME] {
            assert!(!answer.text.contains(secret), "{} tells {secret}: {}", answer.asked, answer.text);
        }
        // Nor whose activity it was: ids of activities are not public either.
        assert!(ids.iter().all(|id| !answer.text.contains(id)), "{}: {}", answer.asked, answer.text);
    }
}

// 15, R80. There is no message machinery yet: whether a message would be sent follows from these two facts.
#[tokio::test]
async fn an_appointment_without_an_activity_has_nothing_to_send_messages_for() {
    let app = TestApp::start().await;
    let small = app.admin().sets_up().await;
    let scheduler = app.scheduler();
    let patient = json!({ "patient": scheduler.registers(&Person::stranger()).await });
    let bare = scheduler.plans(small.desk.agenda, TOMORROW, ("11:00", "11:20"), &patient).await.ok();
    assert_eq!((&bare["activity"], &bare["icon"]), (&Value::Null, &json!("none")));

    let mut more = patient.clone();
    more["activity"] = json!(small.activity);
    let with = scheduler.plans(small.desk.agenda, TOMORROW, ("11:20", "11:40"), &more).await.ok();
    assert_eq!((&with["activity"], &with["notify"]), (&json!(small.activity), &json!(true)));
    more["notify"] = json!(false);
    let out = scheduler.plans(small.desk.agenda, TOMORROW, ("11:40", "12:00"), &more).await.ok();
    assert_eq!(out["notify"], false);
}

// 16, R76.
#[tokio::test]
async fn a_longer_appointment_that_is_moved_takes_the_availabilities_after_it_unless_only_the_selected_one_is_wanted() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let other = app.admin().hires("Dr Gagnon").await;
    let scheduler = app.scheduler();
    scheduler.publishes_slot(other.agenda, TOMORROW, ("13:00", "14:00"), small.activity).await;
    let booked = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await;
    let appointment = id(&scheduler.finds(TOMORROW, &booked.reference()).await["id"]);

    let at_one = availability_of(&scheduler.day(other.agenda, TOMORROW).await, "13:00");
    let longer = json!({ "agenda": other.agenda, "date": TOMORROW, "start": "13:00", "end": "13:40",
        "availability": at_one });
    let moved = scheduler.does(appointment, "move", &longer).await.ok();
    assert_eq!((&moved["agenda"], &moved["practitioner"]), (&json!(other.agenda), &json!(other.practitioner)));
    assert_eq!(moved.list("/availabilities").len(), 2);
    let shown = scheduler.sees_day(other.agenda, TOMORROW).await;
    assert_eq!(shown, ["13:00 booked none", "13:20 booked none", "13:40 free cloud"]);
    assert_eq!(scheduler.sees_day(small.desk.agenda, TOMORROW).await[0], "09:00 free cloud");

    let mut alone = longer.clone();
    alone["only_selected"] = json!(true);
    let moved = scheduler.does(appointment, "move", &alone).await.ok();
    assert_eq!(moved.list("/availabilities").len(), 1);
    let shown = scheduler.sees_day(other.agenda, TOMORROW).await;
    assert_eq!(shown, ["13:00 booked none", "13:20 free cloud", "13:40 free cloud"]);
}

// 17, 8.24, R82. No message machinery yet: an external booking may not be notified, which is the fact it will ask.
#[tokio::test]
async fn an_external_booking_takes_the_availability_without_a_check_mark_and_without_messages() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let scheduler = app.scheduler();
    let more = json!({ "channel": "RVSQ", "contact": Person::stranger().contact(), "notify": true,
        "availability": small.availability(&scheduler, "09:00").await });
    let entered = scheduler.plans(small.desk.agenda, TOMORROW, ("09:00", "09:20"), &more).await.ok();
    assert_eq!((&entered["booked_by"], &entered["channel"]), (&json!("external"), &json!("RVSQ")));
    assert_eq!((&entered["icon"], &entered["notify"]), (&json!("none"), &json!(false)));

    let visitor = app.visitor(&Person::stranger()).await;
    assert_eq!(visitor.sees_times(small.service).await, ["11-24 09:20", "11-24 09:40"]);
    let day = scheduler.day(small.desk.agenda, TOMORROW).await;
    assert_eq!(day["appointments"][0]["icon"], "none");
}

// 8.19, 8.27.
#[tokio::test]
async fn a_pattern_is_tried_dry_laid_down_once_and_undone_but_for_who_is_booked() {
    let app = TestApp::start().await;
    let small = app.admin().sets_up().await;
    let scheduler = app.scheduler();
    let times = json!([{ "start": "09:00", "end": "09:40", "activity": small.activity }]);
    let pattern = json!({ "from": TOMORROW, "to": "2026-11-26", "agendas": [small.desk.agenda], "times": times });
    let changes = app.changes().await;
    let dry = scheduler.post("/schedule/bulk", &json!({ "pattern": pattern, "dry_run": true })).await.ok();
    assert_eq!((dry.status, dry.list("/laid").len(), &dry["bulk"]), (200, 3, &Value::Null));
    assert_eq!(app.changes().await, changes);

    let lay = async || {
        let asked = scheduler.asks(Method::POST, "/schedule/bulk").await.key("lay");
        asked.json(&json!({ "pattern": pattern })).answer().await.ok()
    };
    let laid = lay().await;
    laid.has_status(201);
    let changes = app.changes().await;
    assert!(lay().await.list("/laid").iter().all(|slot| slot["existed"] == true));
    assert_eq!(app.changes().await, changes);

    let booked = app.visitor(&Person::stranger()).await.books_at(small.service, "09:20").await;
    let appointment = scheduler.finds(TOMORROW, &booked.reference()).await["id"].clone();
    let undo = format!("/schedule/bulk/{}/undo", text(&laid["bulk"]));
    let undone = scheduler.post(&undo, &json!({ "from": TOMORROW, "to": "2026-11-26" })).await.ok();
    assert_eq!(undone["booked"][0]["appointment"], appointment);
    assert_eq!(undone.list("/booked").len(), 1);
    let visitor = app.visitor(&Person::stranger()).await;
    assert_eq!(visitor.sees_times(small.service).await, Vec::<String>::new());
    assert_eq!(booked.sees().await.ok()["status"], "booked");
}

#[tokio::test]
async fn a_pattern_over_a_change_of_the_clock_says_what_it_left_out_and_what_it_took_of_two() {
    let app = TestApp::start().await;
    let small = app.admin().sets_up().await;
    let slot = |date: &str, start: &str, end: &str| {
        json!({ "agenda": small.desk.agenda, "date": date, "start": start,
        "end": end, "activity": small.activity })
    };
    let slots = [
        slot("2027-03-14", "02:20", "03:20"),
        slot("2027-11-07", "01:20", "01:40"),
        slot("2027-03-15", "02:20", "03:20"),
    ];
    let laid = app.scheduler().post("/schedule/bulk", &json!({ "slots": slots })).await.ok();
    assert_eq!((laid.list("/laid").len(), laid.list("/left_out").len()), (2, 1));
    assert_eq!((&laid["left_out"][0]["date"], &laid["left_out"][0]["start"]), (&json!("2027-03-14"), &json!("02:20")));
    let twice: Vec<(&Value, &Value)> = laid.list("/laid").iter().map(|l| (&l["when"]["start"], &l["twice"])).collect();
    assert!(twice.contains(&(&json!("2027-11-07T01:20:00-04:00"), &json!(true))), "{twice:?}");
    assert!(twice.contains(&(&json!("2027-03-15T02:20:00-04:00"), &json!(false))), "{twice:?}");
}

#[tokio::test]
async fn a_slot_is_amended_and_withdrawn_around_what_is_booked() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let scheduler = app.scheduler();
    let visitor = app.visitor(&Person::stranger()).await;
    let _ = visitor.books_at(small.service, "09:20").await;
    let slot = scheduler.day(small.desk.agenda, TOMORROW).await["slots"][0]["id"].clone();
    let path = format!("/agendas/{}/days/{TOMORROW}/slots/{}", small.desk.agenda, text(&slot));
    let etag = scheduler.get(&path).await.ok().etag();
    let shape = |start: &str, end: &str| json!({ "start": start, "end": end, "activity": small.activity });
    scheduler.changes(Method::PUT, &path, &etag, &shape("09:40", "10:40")).await.is(409, "would_cut");
    let amended = scheduler.changes(Method::PUT, &path, &etag, &shape("09:20", "10:20")).await.ok();
    assert_eq!(visitor.sees_times(small.service).await, ["11-24 09:40", "11-24 10:00"]);
    scheduler.changes(Method::DELETE, &path, &etag, &Value::Null).await.is(412, "stale");
    let withdrawn = scheduler.changes(Method::DELETE, &path, &amended.etag(), &Value::Null).await.ok();
    assert_eq!(withdrawn.list("/booked").len(), 1);
    assert_eq!(visitor.sees_times(small.service).await, Vec::<String>::new());
}
