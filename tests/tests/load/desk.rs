//! How long the server takes for the agenda's largest pages: a week of twenty practitioners, and a day of eight columns
//! with forty times each, half of them booked. With small numbers nothing is judged but what the pages hold.

use super::Times;
use crate::pages::staff::signed_in;
use booking_domain::values::Role;
use booking_tests::http::portal::{id, text};
use booking_tests::http::setup::Desk;
use booking_tests::http::{Person, TestApp};
use booking_tests::seeds::torture;
use futures::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What an answer may take.
const BUDGET: Duration = Duration::from_millis(100);
/// How often a page is asked for.
const ASKED: usize = 50;

/// So many practitioners with slots on these days, every second time booked by somebody of their own.
async fn full_clinic(app: &TestApp, many: usize, days: &[&str], minutes: u16) -> Vec<Desk> {
    let admin = app.admin();
    admin.opens_portal().await;
    let activity = admin.defines_activity("suivi", minutes).await;
    admin.configures_service(&[activity], &Value::Null).await;
    let mut desks = Vec::new();
    for n in 0..many {
        desks.push(admin.hires(&format!("Dre Roy {n:02}")).await);
    }
    let agendas: Vec<_> = desks.iter().map(|desk| desk.agenda).collect();
    let times = json!([{ "start": "08:00", "end": "16:00", "activity": activity }]);
    let pattern = json!({ "dates": days, "agendas": agendas, "times": times });
    let laid = app.scheduler().post("/schedule/bulk", &json!({ "pattern": pattern })).await.ok();
    assert_eq!(laid.list("/laid").len(), many * days.len());
    let mut wanted = Vec::new();
    for (n, desk) in desks.iter().enumerate() {
        for day in days {
            let starts = (8 * 60..16 * 60).step_by(usize::from(minutes) * 2);
            wanted.extend(starts.map(|start| (n, desk.agenda, *day, start)));
        }
    }
    let clock = |minutes: usize| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let plans = wanted.into_iter().map(async |(n, agenda, day, start): (usize, _, &str, usize)| {
        let person = Person::named("Ève", &format!("Tremblay-{}", (b'a' + u8::try_from(n % 26).unwrap()) as char));
        let more = json!({ "contact": person.contact(), "activity": activity, "reason": "fièvre" });
        let times = (clock(start), clock(start + usize::from(minutes)));
        let planned = app.scheduler().plans(agenda, day, (&times.0, &times.1), &more).await.ok();
        assert!(!text(&planned["reference"]).is_empty() && id(&planned["id"]) != uuid::Uuid::nil());
    });
    futures::stream::iter(plans).buffer_unordered(16).collect::<Vec<()>>().await;
    app.settle().await;
    desks
}

/// What an address takes; each answer says what is to be found.
async fn times(app: &TestApp, page: &str, holds: impl Fn(&str) -> bool) -> Times {
    let token = app.session(app.clinic.id, app.clinic.member(Role::Scheduler)).await;
    let mut all = Times::default();
    for _ in 0..ASKED {
        let asked = app.asks(Method::GET, page).header("cookie", &format!("__Host-staff={token}"));
        let began = Instant::now();
        let answer = asked.answer().await;
        all.add(began.elapsed());
        assert!(answer.status == 200 && holds(&answer.text), "{page}: {}", answer.status);
    }
    all
}

/// Says how long a page took, and judges it where that was asked for.
fn judge(what: &str, times: &Times, bytes: usize) {
    let most = times.percentile(90);
    println!("{what}, {bytes} bytes, p90 {most:.1?}, {}", times.summary());
    if torture() {
        assert!(most < BUDGET, "{what}: 90 of 100 within {most:?}, allowed {BUDGET:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_of_twenty_practitioners_is_rendered_in_time() {
    let many = if torture() { 20 } else { 3 };
    let days = ["2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27", "2026-11-28"];
    let app = TestApp::start().await;
    let desks = full_clinic(&app, many, &days, 20).await;
    let before = app.looked().await.len();
    let page = "/staff/agenda?date=2026-11-24&view=week";
    let browser = signed_in(&app, Role::Scheduler, page).await;
    assert_eq!(browser.texts_of(".overview tbody tr").len(), many);
    assert_eq!(browser.texts_of(".tally.booked"), vec!["12 appointments"; many * days.len()]);
    let bytes = browser.answer.text.len();
    judge(
        &format!("a week of {many} practitioners"),
        &times(&app, page, |html| html.contains("Dre Roy 00")).await,
        bytes,
    );
    assert_eq!(app.looked().await.len(), before, "numbers show nobody: there is nobody to record");
    // One of them over a week has names.
    let page = format!("{page}&agenda={}", desks[0].agenda);
    let browser = signed_in(&app, Role::Scheduler, &page).await;
    assert_eq!(browser.texts_of(".slip.is-booked").len(), 12 * days.len());
    let bytes = browser.answer.text.len();
    judge("a week of one practitioner", &times(&app, &page, |html| html.contains("Tremblay")).await, bytes);
    assert!(app.looked().await.len() > before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_eight_columns_with_forty_times_each_is_rendered_in_time() {
    let many = if torture() { 8 } else { 2 };
    let day = "2026-11-24";
    let app = TestApp::start().await;
    full_clinic(&app, many, &[day], 12).await;
    for (view, words) in [("day", ".slip"), ("list", "tbody tr.is-booked, tbody tr.is-online")] {
        let page = format!("/staff/agenda?date={day}&view={view}");
        let browser = signed_in(&app, Role::Scheduler, &page).await;
        assert_eq!(browser.texts_of(words).len(), many * 40, "{view}");
        let bytes = browser.answer.text.len();
        judge(&format!("a {view} of {many} × 40"), &times(&app, &page, |html| html.contains("Tremblay")).await, bytes);
    }
}
