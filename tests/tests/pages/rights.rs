//! Who sees and may do what, for every route of the clinic's pages: a route without a row here fails the test. Whoever
//! may not gets the same page as for what does not exist, whichever form they send.

use super::staff::signed_in;
use booking_domain::values::Role;
use booking_tests::http::portal::id;
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Person, SmallClinic, TestApp};
use reqwest::Method;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const ALL: &[Role] = &[Role::Administrator, Role::Scheduler, Role::Practitioner, Role::Auditor];
const CARE: &[Role] = &[Role::Administrator, Role::Scheduler, Role::Practitioner];
const RECEPTION: &[Role] = &[Role::Administrator, Role::Scheduler];
const ADMINISTRATION: &[Role] = &[Role::Administrator];
const AUDIT: &[Role] = &[Role::Administrator, Role::Auditor];
const NOBODY: &[Role] = &[];

/// Whom a route answers.
#[derive(Clone, Copy)]
enum To {
    /// These roles; the others learn nothing.
    Only(&'static [Role]),
    /// Whoever comes back to the address of a button after signing in is sent to its page, which asks who they are.
    SentOn,
    /// There is no such thing.
    None,
}
use To::{None as Nothing, Only, SentOn};

/// Every route: its pattern, who reads it, who sends to it, and a form that is well formed and out of date.
const ROWS: &[(&str, To, To, &str)] = &[
    ("/staff", SentOn, Nothing, ""),
    ("/staff/agenda", Only(CARE), Nothing, ""),
    ("/audit", Only(AUDIT), Only(AUDIT), "text=roy"),
    ("/audit/agenda", Only(ALL), Nothing, ""),
    ("/audit/seen", Only(ALL), Nothing, ""),
    ("/audit/explain", Only(ALL), Nothing, ""),
    ("/audit/slots/{agenda}/{date}/{slot}", Only(ALL), Nothing, ""),
    ("/audit/appointments/{appointment}", Only(AUDIT), Nothing, ""),
    ("/audit/patients/{patient}", Only(AUDIT), Nothing, ""),
    ("/audit/rules", Only(AUDIT), Nothing, ""),
    ("/audit/events", Only(AUDIT), Nothing, ""),
    ("/audit/events/{event}", Only(AUDIT), Nothing, ""),
    ("/audit/access", Only(AUDIT), Nothing, ""),
    ("/audit/access/export", Only(AUDIT), Nothing, ""),
    ("/audit/erasures", Only(AUDIT), Only(ADMINISTRATION), "patient={patient}&key=k"),
    ("/audit/erasures/{person}", Only(AUDIT), Nothing, ""),
    ("/audit/erasures/{person}/{act}", SentOn, Only(ADMINISTRATION), "do=hold&key=k"),
    ("/audit/ledger", Only(AUDIT), Nothing, ""),
    ("/staff/undelivered", Only(CARE), Nothing, ""),
    ("/staff/identify", Only(RECEPTION), Nothing, ""),
    ("/staff/identify/{appointment}", Only(RECEPTION), Only(RECEPTION), "search=roy"),
    ("/staff/identify/{appointment}/attach", SentOn, Only(RECEPTION), "revision=0&patient={patient}"),
    ("/staff/identify/{appointment}/register", SentOn, Only(RECEPTION), "revision=0"),
    ("/staff/identify/{appointment}/undo", Nothing, Only(RECEPTION), "revision=0"),
    ("/staff/patients", Only(CARE), Only(CARE), "search=roy"),
    ("/staff/patients/new", Only(RECEPTION), Only(RECEPTION), ""),
    ("/staff/patients/{patient}", Only(CARE), Nothing, ""),
    ("/staff/patients/{patient}/edit", Only(RECEPTION), Only(RECEPTION), "revision=0"),
    ("/staff/patients/{patient}/registration", Only(CARE), Only(RECEPTION), "revision=0&registration=none"),
    ("/staff/patients/{patient}/deceased", Only(CARE), Only(RECEPTION), "revision=0"),
    ("/staff/patients/{patient}/merge", Only(RECEPTION), Only(RECEPTION), "revision=0&search=roy"),
    ("/staff/slots/new", Only(RECEPTION), Only(RECEPTION), "agenda={agenda}"),
    ("/staff/slots/{agenda}/{date}/{slot}", Only(CARE), Only(RECEPTION), "revision=0"),
    ("/staff/slots/{agenda}/{date}/{slot}/viewer", Only(CARE), Only(CARE), "start={start}&search=roy"),
    ("/staff/slots/{agenda}/{date}/{slot}/withdraw", Only(CARE), Only(RECEPTION), "revision=0"),
    ("/staff/schedule", Only(RECEPTION), Only(RECEPTION), "what=preview"),
    ("/staff/schedule/day", Only(RECEPTION), Only(RECEPTION), "date={date}&agendas={agenda}&do=preview"),
    ("/staff/schedule/undo", Only(RECEPTION), Only(RECEPTION), "bulk={slot}&from={date}&to={date}"),
    ("/staff/templates", Only(CARE), Only(RECEPTION), "agenda={agenda}&first_day={date}"),
    ("/staff/templates/{template}", Only(RECEPTION), Only(RECEPTION), "first_days={date}"),
    ("/staff/appointments/new", Only(RECEPTION), Only(RECEPTION), "agenda={agenda}&do=plan"),
    ("/staff/appointments/{appointment}", Only(CARE), Nothing, ""),
    ("/staff/appointments/{appointment}/move", Only(RECEPTION), Only(RECEPTION), MOVED),
    ("/staff/appointments/{appointment}/cancel", Only(RECEPTION), Only(RECEPTION), "revision=0&by=patient"),
    ("/staff/appointments/{appointment}/confirm", SentOn, Only(CARE), "revision=0"),
    ("/staff/appointments/{appointment}/arrive", SentOn, Only(CARE), "revision=0"),
    ("/staff/appointments/{appointment}/complete", SentOn, Only(CARE), "revision=0"),
    ("/staff/appointments/{appointment}/no-show", SentOn, Only(CARE), "revision=0"),
    ("/staff/appointments/{appointment}/detach", SentOn, Only(RECEPTION), "revision=0"),
    ("/staff/admin", Only(ADMINISTRATION), Nothing, ""),
    ("/staff/admin/portal", Only(ADMINISTRATION), Only(ADMINISTRATION), "revision=0"),
    ("/staff/admin/portal/switch", Nothing, Only(ADMINISTRATION), "revision=0&on=true"),
    ("/staff/admin/share", Only(ADMINISTRATION), Nothing, ""),
    ("/staff/admin/qr.svg", Only(ADMINISTRATION), Nothing, ""),
    ("/staff/admin/activities", Only(ADMINISTRATION), Nothing, ""),
    ("/staff/admin/activities/new", Only(ADMINISTRATION), Only(ADMINISTRATION), "name="),
    ("/staff/admin/activities/{activity}", Only(ADMINISTRATION), Only(ADMINISTRATION), ACTIVITY),
    ("/staff/admin/activities/{activity}/retire", Nothing, Only(ADMINISTRATION), "revision=0"),
    ("/staff/admin/practitioners", Only(ADMINISTRATION), Nothing, ""),
    ("/staff/admin/practitioners/new", Only(ADMINISTRATION), Only(ADMINISTRATION), "name="),
    ("/staff/admin/practitioners/{practitioner}", Only(ADMINISTRATION), Only(ADMINISTRATION), "revision=0&name=x"),
    ("/staff/admin/practitioners/{practitioner}/agenda", Nothing, Only(ADMINISTRATION), ""),
    ("/staff/admin/practitioners/{practitioner}/deactivate", SentOn, Only(ADMINISTRATION), "revision=0"),
    ("/staff/admin/practitioners/{practitioner}/reactivate", SentOn, Only(ADMINISTRATION), "revision=0"),
    ("/staff/admin/services", Only(ADMINISTRATION), Nothing, ""),
    ("/staff/admin/services/new", Only(ADMINISTRATION), Only(ADMINISTRATION), "internal_name="),
    ("/staff/admin/services/preview", Nothing, Only(ADMINISTRATION), "internal_name=x"),
    ("/staff/admin/services/{service}", Only(ADMINISTRATION), Only(ADMINISTRATION), "revision=0&internal_name="),
    ("/staff/admin/services/{service}/preview", Nothing, Only(ADMINISTRATION), "internal_name=x"),
    ("/staff/admin/services/{service}/deactivate", Nothing, Only(ADMINISTRATION), "revision=0"),
    ("/staff/admin/settings", Only(ADMINISTRATION), Only(ADMINISTRATION), "revision=0"),
    ("/staff/admin/settings/retention", SentOn, Only(ADMINISTRATION), "revision=0"),
    ("/staff/admin/members", Only(ADMINISTRATION), Nothing, ""),
    ("/staff/admin/members/new", Only(ADMINISTRATION), Only(ADMINISTRATION), "name="),
    ("/staff/admin/members/{member}", Only(ADMINISTRATION), Only(ADMINISTRATION), "revision=0&role=auditor"),
    ("/staff/admin/members/{member}/disable", Nothing, Only(ADMINISTRATION), "revision=0"),
    ("/staff/admin/members/{member}/enable", Nothing, Only(ADMINISTRATION), "revision=0"),
    ("/staff/admin/members/{member}/invitation", Nothing, Only(ADMINISTRATION), "revision=0"),
    ("/staff/admin/tokens", Only(ADMINISTRATION), Nothing, ""),
    ("/staff/admin/tokens/new", Only(ADMINISTRATION), Only(ADMINISTRATION), "label="),
    ("/staff/admin/tokens/{token}/revoke", Nothing, Only(ADMINISTRATION), ""),
    // Last, since it takes no revision: whoever may, does.
    ("/staff/templates/{template}/delete", Nothing, Only(RECEPTION), "key=k"),
];

const MOVED: &str = "revision=0&agenda={agenda}&date={date}&at=typed&start=11:00&minutes=20";
const ACTIVITY: &str = "revision=0&name=x&duration=20&modality=in_person";

/// Routes that have tests of their own: nobody is signed in there, what is answered never ends, or holds nothing.
const ELSEWHERE: &[&str] = &[
    "/staff/audit",
    "/staff/sign-in",
    "/staff/sign-out",
    "/staff/invitation",
    "/staff/language",
    "/staff/live",
    "/staff/grid.css",
];

#[test]
fn every_route_of_the_pages_has_a_row() {
    let named: BTreeSet<&str> = ROWS.iter().map(|row| row.0).chain(ELSEWHERE.iter().copied()).collect();
    assert_eq!(named.len(), ROWS.len() + ELSEWHERE.len(), "a route stands twice");
    let routed = routes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/src/pages/staff"));
    assert!(routed.len() > 60, "the search finds what it is for: {routed:?}");
    let missing: Vec<_> = routed.iter().filter(|route| !named.contains(route.as_str())).collect();
    assert!(missing.is_empty(), "no row says who may: {missing:?}");
    let gone: Vec<_> = named.into_iter().filter(|name| !routed.contains(*name)).collect();
    assert!(gone.is_empty(), "no route any more: {gone:?}");
}

/// Every `.route("…"` of the sources, also by the name of a constant.
fn routes(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            for part in source.split(".route(").skip(1) {
                let part = part.trim_start();
                let route = if let Some(literal) = part.strip_prefix('"') {
                    literal
                } else {
                    let name = part.split(',').next().unwrap().trim();
                    let constant = source.split(&format!("const {name}: &str = \"")).nth(1);
                    constant.unwrap_or_else(|| panic!("{name} in {}", path.display()))
                };
                found.insert(route.split('"').next().unwrap().to_owned());
            }
        }
    }
    found
}

/// A clinic's things, by the name of the path's part.
async fn things(app: &TestApp) -> BTreeMap<&'static str, String> {
    let small = SmallClinic::with_a_morning(app).await;
    let day = app.scheduler().day(small.desk.agenda, TOMORROW).await;
    let slot = id(&day["slots"][0]["id"]);
    let start = day["slots"][0]["availabilities"][1]["start"].as_str().unwrap().replace('+', "%2B").replace(':', "%3A");
    let patient = app.scheduler().registers(&Person::named("Odile", "Roy")).await;
    let link = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await;
    let appointment = id(&app.scheduler().finds(TOMORROW, &link.reference()).await["id"]);
    let token = app.admin().post("/tokens", &json!({ "label": "hub", "role": "scheduler" })).await.ok();
    let from = json!({ "agenda": small.desk.agenda, "first_day": TOMORROW, "slots": [slot] });
    let template = id(&app.scheduler().post("/templates", &json!({ "name": "t", "from": from })).await.ok()["id"]);
    app.settle().await;
    let events = app.events().await;
    let booked = events.iter().rfind(|event| event.event_type.starts_with("appointment-booked")).unwrap();
    let wish = app.scheduler().post("/erasures", &json!({ "patient": patient })).await.ok();
    BTreeMap::from([
        ("act", "hold".to_owned()),
        ("event", booked.id.to_string()),
        ("person", id(&wish["person"]).to_string()),
        ("activity", small.activity.to_string()),
        ("agenda", small.desk.agenda.to_string()),
        ("appointment", appointment.to_string()),
        ("date", TOMORROW.to_owned()),
        ("member", app.clinic.member(Role::Practitioner).to_string()),
        ("patient", patient.to_string()),
        ("practitioner", small.desk.practitioner.to_string()),
        ("service", small.service.to_string()),
        ("slot", slot.to_string()),
        ("start", start),
        ("template", template.to_string()),
        ("token", id(&token["id"]).to_string()),
    ])
}

fn filled(pattern: &str, things: &BTreeMap<&'static str, String>) -> String {
    let mut path = pattern.to_owned();
    for (name, value) in things {
        path = path.replace(&format!("{{{name}}}"), value);
    }
    assert!(!path.contains('{'), "{path}");
    path
}

#[tokio::test]
async fn each_role_sees_its_pages_and_the_rest_looks_as_if_it_were_not_there() {
    let app = TestApp::start().await;
    let things = things(&app).await;
    let mut seen = 0;
    for role in ALL {
        let mut browser = signed_in(&app, *role, "/staff/sign-in").await;
        for (pattern, read, _, _) in ROWS {
            let path = filled(pattern, &things);
            let answer = browser.request(&Method::GET, &path, Option::None).await;
            let expected = match read {
                Only(roles) if roles.contains(role) => 200,
                Only(_) => 404,
                SentOn => 303,
                Nothing => 405,
            };
            assert_eq!(answer.status, expected, "{role:?} reads {path}: {}", answer.text);
            if expected == 404 {
                let nowhere = browser.request(&Method::GET, "/staff/nowhere", Option::None).await;
                assert_eq!((nowhere.status, answer.header("content-type")), (404, nowhere.header("content-type")));
                assert!(!answer.text.contains("Ouellet") && !answer.text.contains("Odile"), "{role:?} {path}");
            }
            if matches!(read, SentOn) {
                // Wherever that leads, it asks who they are.
                browser.goes(&path).await;
                assert!(matches!(browser.answer.status, 200 | 404), "{role:?} {path}: {}", browser.answer.status);
            }
            seen += 1;
        }
    }
    assert_eq!(seen, ROWS.len() * ALL.len());
}

#[tokio::test]
async fn each_role_may_send_what_is_its_work_and_the_rest_changes_nothing() {
    let app = TestApp::start().await;
    let things = things(&app).await;
    let allowed = |sends: To| match sends {
        Only(roles) => roles,
        SentOn | Nothing => NOBODY,
    };
    // First everybody who may not, then everybody who may: some of it takes things away.
    for forbidden in [true, false] {
        for (pattern, _, sends, form) in ROWS {
            for role in ALL.iter().filter(|role| allowed(*sends).contains(role) != forbidden) {
                let browser = signed_in(&app, *role, "/staff/sign-in").await;
                let (path, form) = (filled(pattern, &things), filled(form, &things));
                let before = app.changes().await;
                let answer = browser.request(&Method::POST, &path, Some(&form)).await;
                if !forbidden {
                    let worked = matches!(answer.status, 200 | 201 | 303 | 400 | 409 | 412 | 422 | 428);
                    assert!(worked, "{role:?} sends {form} to {path}: {} {}", answer.status, answer.text);
                    continue;
                }
                let expected = if matches!(sends, Only(_)) { 404 } else { 405 };
                assert_eq!(answer.status, expected, "{role:?} sends {form} to {path}: {}", answer.text);
                assert_eq!(app.changes().await, before, "{role:?} sends {form} to {path}");
                assert!(!answer.text.contains("Ouellet") && !answer.text.contains("Odile"), "{role:?} {path}");
            }
        }
    }
}

#[tokio::test]
async fn whoever_is_not_signed_in_gets_nowhere_and_stores_nothing() {
    let app = TestApp::start().await;
    let things = things(&app).await;
    let before = app.changes().await;
    for (pattern, read, sends, form) in ROWS {
        let (path, form) = (filled(pattern, &things), filled(form, &things));
        if !matches!(read, Nothing) {
            let answer = app.get(&path).await;
            assert_eq!(answer.status, 303, "{path}");
            let to = answer.header("location").unwrap();
            let panel = matches!(read, SentOn) && (to.starts_with("/staff/") || to.starts_with("/audit/"));
            assert!(to.starts_with("/staff/sign-in") || panel, "{path} leads to {to}");
        }
        if matches!(sends, Only(_)) {
            let asked = app.asks(Method::POST, &path).header("sec-fetch-site", "same-origin");
            let answer = asked.raw("application/x-www-form-urlencoded", form).answer().await;
            assert_eq!(answer.status, 401, "{path}");
        }
    }
    assert_eq!(app.changes().await, before);
}
