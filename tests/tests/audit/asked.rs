//! The access log as it is asked: by person, by member, by day, on pages and as files.

use booking_domain::values::Role;
use booking_tests::http::portal::id;
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Answer, Person, SmallClinic, TestApp};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

fn operations(answer: &Answer) -> Vec<String> {
    answer.list("/entries").iter().map(|e| e["operation"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn one_person_finds_out_who_saw_them_also_under_merged_records_and_attached_contacts() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let scheduler = app.scheduler();
    let eve = scheduler.registers(&Person::named("Ève", "Tremblay")).await;
    let double = scheduler.registers(&Person::named("Eve", "Tremblay")).await;
    let luc = scheduler.registers(&Person::named("Luc", "Roy")).await;
    let reference = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await.reference();
    let appointment = id(&scheduler.finds(TOMORROW, &reference).await["id"]);
    let _ = app.practitioner().get(&format!("/patients/{double}")).await.ok();
    let _ = app.practitioner().get(&format!("/patients/{luc}")).await.ok();
    let _ = app.practitioner().get(&format!("/appointments/{appointment}")).await.ok();

    app.settle().await;
    let seen = app.auditor().get(&format!("/patients/{eve}/access")).await.ok();
    assert_eq!(operations(&seen), ["registerPatient"]);
    // Merged and attached, what was seen before is theirs too.
    let etag = scheduler.get(&format!("/patients/{double}")).await.ok().etag();
    let merge = json!({ "into": eve });
    let merged = scheduler.changes(reqwest::Method::POST, &format!("/patients/{double}/merge"), &etag, &merge).await;
    assert!(merged.is_ok(), "{}", merged.text);
    let _ = scheduler.attaches(appointment, eve).await.ok();
    app.settle().await;
    let seen = app.auditor().get(&format!("/patients/{eve}/access")).await.ok();
    let by = |who: Role| -> Vec<&Value> {
        let member = json!(app.clinic.member(who).0);
        seen.list("/entries").iter().filter(|e| e["member"] == member).collect()
    };
    let practitioner: Vec<_> = by(Role::Practitioner).iter().map(|e| e["operation"].clone()).collect();
    assert_eq!(practitioner, ["getAppointment", "getPatient"]);
    assert!(by(Role::Practitioner).iter().all(|e| e["member_name"] == "Member practitioner"));
    // The auditor's own question about this person is an entry as well, from the next answer on.
    assert_eq!(by(Role::Auditor).len(), 1);
    let luc_too = seen.list("/entries").iter().any(|e| e["subjects"].as_array().unwrap().contains(&json!(luc)));
    assert!(!luc_too, "{}", seen.text);
    // The same under the record that was merged.
    let again = app.auditor().get(&format!("/patients/{double}/access")).await.ok();
    assert!(again.list("/entries").len() >= seen.list("/entries").len());
    // Not after the contact was detached again.
    let _ = scheduler.detaches(appointment).await.ok();
    app.settle().await;
    let seen = app.auditor().get(&format!("/patients/{eve}/access")).await.ok();
    let stranger = app.app.views.appointments.by_id(appointment.into()).await.unwrap().unwrap().subject.0;
    let other = json!([stranger]);
    assert!(seen.list("/entries").iter().all(|e| e["subjects"] != other), "{}", seen.text);
}

#[tokio::test]
async fn pages_follow_one_another_without_gap_or_repeat_and_conditions_narrow() {
    let app = TestApp::start().await;
    let patient = app.scheduler().registers(&Person::named("Ève", "Tremblay")).await;
    for n in 0..25 {
        let staff = if n % 5 == 0 { app.practitioner() } else { app.scheduler() };
        let _ = staff.get(&format!("/patients/{patient}")).await.ok();
    }
    app.auditor().get(&format!("/patients/{patient}")).await.has_status(404);
    app.settle().await;
    let mut all: Vec<u64> = Vec::new();
    let mut path = "/audit/access?limit=7".to_owned();
    loop {
        let page = app.admin().get(&path).await.ok();
        all.extend(page.list("/entries").iter().map(|e| e["position"].as_u64().unwrap()));
        match page["next"].as_str() {
            Some(next) => path = format!("/audit/access?limit=7&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(all.len(), 27);
    assert!(all.windows(2).all(|pair| pair[0] > pair[1]));
    let count = async |condition: &str| {
        let answer = app.auditor().get(&format!("/audit/access?limit=500&{condition}")).await.ok();
        answer.list("/entries").len()
    };
    let practitioner = app.clinic.member(Role::Practitioner).0;
    assert_eq!(count(&format!("member={practitioner}")).await, 5);
    assert_eq!(count("outcome=refused").await, 1);
    assert_eq!(count("operation=registerPatient").await, 1);
    assert_eq!(count("from=2026-11-24").await, 0);
    assert_eq!(count("from=2026-11-23&to=2026-11-23").await, 27);
    assert_eq!(count(&format!("subject={patient}")).await, 27);
    assert_eq!(count(&format!("subject={}", Uuid::nil())).await, 0);
    app.auditor().get("/audit/access?outcome=perhaps").await.is(400, "bad_parameter");
    app.auditor().get("/audit/access?from=2026-02-30").await.is(400, "bad_parameter");
    app.scheduler().get("/audit/access").await.is(404, "not_found");
    app.scheduler().get(&format!("/patients/{patient}/access")).await.is(404, "not_found");
}

#[tokio::test]
async fn exports_hold_every_record_once_in_both_forms() {
    let app = TestApp::start().await;
    let patient = app.scheduler().registers(&Person::named("Ève", "Tremblay")).await;
    let ask = async || app.scheduler().get(&format!("/patients/{patient}")).await.is_ok();
    assert!(futures::future::join_all((0..1_100).map(|_| ask())).await.into_iter().all(|ok| ok));
    app.settle().await;
    let lines = app.auditor().get("/audit/access/export?format=ndjson").await.ok();
    assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
    let positions: BTreeSet<u64> =
        lines.text.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()["position"].as_u64().unwrap()).collect();
    assert_eq!((lines.text.lines().count(), positions.len()), (1_101, 1_101));
    let table = app.auditor().get("/audit/access/export?format=csv").await.ok();
    assert_eq!(table.text.lines().count(), 1_102);
    assert!(
        table.text.starts_with("position,at,actor,member,member_name,operation,outcome,reason,subjects,request\r\n")
    );
    assert!(!table.text.contains("Tremblay") && !lines.text.contains("Tremblay"));
    let own = app.auditor().get(&format!("/audit/access/export?format=ndjson&patient={patient}")).await.ok();
    // The record of the export itself is on the disk before it goes out; whether it stands in it is left open.
    assert_eq!(own.text.lines().filter(|line| !line.contains("exportAccess")).count(), 1_101);
    app.auditor().get("/audit/access/export?format=xlsx").await.is(400, "bad_parameter");
    app.auditor().get(&format!("/audit/access/export?format=csv&patient={}", Uuid::nil())).await.is(404, "not_found");
}

#[tokio::test]
async fn the_view_made_again_says_the_same() {
    let app = TestApp::start().await;
    let patient = app.scheduler().registers(&Person::named("Ève", "Tremblay")).await;
    for _ in 0..10 {
        let _ = app.scheduler().get(&format!("/patients/{patient}")).await.ok();
    }
    app.settle().await;
    let before = app.auditor().get("/audit/access").await.ok();
    let stop = tokio_util::sync::CancellationToken::new();
    let report = app.app.views.rebuild("access", &stop).await.unwrap();
    assert_eq!(report.agrees(), Some(true));
    assert_eq!(app.auditor().get("/audit/access").await.ok().body, before.body);
}
