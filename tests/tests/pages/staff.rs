//! The clinic's pages at reception: signing in, the agenda, an appointment from its plan to its end, who somebody is.

use booking_domain::phi::Phi;
use booking_domain::values::Role;
use booking_tests::http::portal::id;
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Browser, Person, SmallClinic, TestApp};
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};

/// Somebody of this role, signed in, in English.
pub async fn signed_in<'a>(app: &'a TestApp, role: Role, path: &str) -> Browser<'a> {
    let mut browser = Browser::speaking(app, "en-CA,en;q=0.9", "/staff/sign-in").await;
    let token = app.session(app.clinic.id, app.clinic.member(role)).await;
    browser.cookies.insert("__Host-staff".to_owned(), token);
    app.settle().await;
    browser.goes(path).await;
    browser
}

#[tokio::test]
async fn somebody_signs_in_goes_where_they_wanted_and_signs_out() {
    let app = TestApp::start().await;
    let email = app.clinic.email(Role::Scheduler);
    let staff = booking_engine::vault::Staff { clinic: app.clinic.id, member: app.clinic.member(Role::Scheduler) };
    let (address, end) = (Phi::new(email.clone()), app.now().plus_minutes(60));
    let token = app.app.engine.vault().invite(staff, &address, app.now(), end).await.unwrap();
    let token = format!("i_{}", token.reveal().as_str());
    let mut browser = Browser::speaking(&app, "en", "/staff/invitation").await;
    browser.presses("Save and sign in", &[("token", &token), ("password", "short")]).await;
    browser.has_status(422);
    let link = format!("https://clinic.example/staff/invitation#{token}");
    browser.presses("Save and sign in", &[("token", &link), ("password", "correct horse battery")]).await;
    browser.is_at("/staff/agenda");
    browser.presses("Sign out", &[]).await;
    browser.is_at("/staff/sign-in");
    browser.reads("You are signed out.");

    browser.goes("/staff/agenda?date=2026-11-24&view=list").await;
    browser.is_at("/staff/sign-in");
    browser.presses("Sign in", &[("email", &email), ("password", "wrong wrong wrong")]).await;
    browser.has_status(401);
    browser.reads("The e-mail address or the password is wrong.");
    browser.presses("Sign in", &[("email", &email), ("password", "correct horse battery")]).await;
    assert_eq!(browser.address, "/staff/agenda?date=2026-11-24&view=list");
    // A link from outside leads to no other site.
    browser.goes("/staff/sign-in?next=https://evil.example/").await;
    assert_eq!(browser.attributes("input[name=next]", "value"), ["/staff"]);
    // The language is kept, and leads back to the same page.
    browser.goes("/staff/agenda?date=2026-11-24&view=list").await;
    browser.presses("Français", &[]).await;
    assert_eq!(browser.address, "/staff/agenda?date=2026-11-24&view=list");
    browser.reads("mardi 24 novembre");
}

#[tokio::test]
async fn a_session_that_ended_stores_nothing_and_shows_the_way_on() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let link = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await;
    let appointment = id(&app.scheduler().finds(TOMORROW, &link.reference()).await["id"]);
    let mut browser = signed_in(&app, Role::Scheduler, &format!("/staff/appointments/{appointment}")).await;
    let before = app.changes().await;
    app.waits_seconds(16 * 60);
    browser.presses("Arrived", &[]).await;
    browser.has_status(401);
    browser.reads("Your session has ended");
    assert_eq!(app.changes().await, before);
    browser.follows("Sign in and go on").await;
    let next = browser.attributes("input[name=next]", "value");
    assert_eq!(next, [format!("/staff/appointments/{appointment}/arrive")]);
    // That address, read, is the panel.
    let mut again = signed_in(&app, Role::Scheduler, next[0].as_str()).await;
    again.is_at(&format!("/staff/appointments/{appointment}"));
    again.presses("Arrived", &[]).await;
    again.reads("Noted.");
}

#[tokio::test]
async fn each_role_is_offered_its_work_and_refused_the_rest() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let patient = app.scheduler().registers(&Person::named("Ève", "Tremblay")).await;
    let link = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await;
    let appointment = id(&app.scheduler().finds(TOMORROW, &link.reference()).await["id"]);
    let care = [Role::Administrator, Role::Scheduler, Role::Practitioner];
    let reception = [Role::Administrator, Role::Scheduler];
    let pages: Vec<(String, &[Role])> = vec![
        (format!("/staff/agenda?date={TOMORROW}"), &care),
        (format!("/staff/agenda?date={TOMORROW}&view=week"), &care),
        (format!("/staff/appointments/{appointment}"), &care),
        ("/staff/patients".to_owned(), &care),
        (format!("/staff/patients/{patient}"), &care),
        ("/staff/templates".to_owned(), &care),
        (format!("/staff/appointments/{appointment}/cancel"), &reception),
        (format!("/staff/appointments/{appointment}/move"), &reception),
        ("/staff/appointments/new".to_owned(), &reception),
        ("/staff/identify".to_owned(), &reception),
        (format!("/staff/identify/{appointment}"), &reception),
        ("/staff/patients/new".to_owned(), &reception),
        (format!("/staff/patients/{patient}/edit"), &reception),
        (format!("/staff/patients/{patient}/merge"), &reception),
        ("/staff/schedule".to_owned(), &reception),
        ("/staff/slots/new".to_owned(), &reception),
    ];
    for role in [Role::Administrator, Role::Scheduler, Role::Practitioner, Role::Auditor] {
        let mut browser = signed_in(&app, role, "/staff/sign-in").await;
        for (page, allowed) in &pages {
            browser.goes(page).await;
            let expected = if allowed.contains(&role) { 200 } else { 404 };
            assert_eq!(browser.answer.status, expected, "{role:?} {page}: {}", browser.answer.text);
            assert!(browser.answer.header("content-type").unwrap().starts_with("text/html"), "{page}");
        }
        browser.goes(&format!("/staff/appointments/{appointment}")).await;
        assert_eq!(browser.has("#cancel"), reception.contains(&role), "{role:?}");
        assert_eq!(browser.has("#arrive"), care.contains(&role), "{role:?}");
    }
    // What is not offered is refused all the same, and nothing is told apart from what does not exist.
    let browser = signed_in(&app, Role::Practitioner, "/staff/agenda").await;
    let before = app.changes().await;
    for what in ["cancel", "move", "detach"] {
        let path = format!("/staff/appointments/{appointment}/{what}");
        let form = Some("revision=0&by=patient&date=2026-11-24&at=same&minutes=20");
        assert_eq!(browser.request(&Method::POST, &path, form).await.status, 404, "{what}");
    }
    assert_eq!(app.changes().await, before);
}

#[tokio::test]
async fn an_appointment_is_planned_lengthened_moved_and_cancelled_without_a_script() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    app.scheduler().registers(&Person::named("Ève", "Tremblay")).await;
    let mut browser = signed_in(&app, Role::Scheduler, &format!("/staff/agenda?date={TOMORROW}")).await;
    let nine = browser.attributes(".is-online a", "href").remove(0);
    browser.goes(&nine).await;
    assert_eq!(browser.attributes("#start, #end", "value"), ["09:00", "09:20"]);
    browser.presses("Search", &[("search", "trem")]).await;
    browser.reads("1 record found");
    let patient = browser.attributes("#found input[name=patient]", "value").remove(0);
    browser.presses("Plan", &[("patient", &patient), ("reason", "fièvre")]).await;
    browser.reads("The appointment is planned.");
    browser.reads("Ève Tremblay");
    browser.reads("fièvre");
    let panel = browser.address.split('?').next().unwrap().to_owned();
    let day = app.scheduler().sees_day(small.desk.agenda, TOMORROW).await;
    assert_eq!(day, ["09:00 booked none", "09:20 free cloud", "09:40 free cloud"]);

    // Longer, and the following availability stays free only if that is asked for.
    browser.follows("Move or change the length").await;
    browser.presses("Move", &[("minutes", "40"), ("only_selected", "yes")]).await;
    browser.reads("The appointment is moved.");
    browser.reads("Only the selected availability is reserved.");
    let day = app.scheduler().sees_day(small.desk.agenda, TOMORROW).await;
    assert_eq!(day, ["09:00 booked none", "09:20 free cloud", "09:40 free cloud"]);
    browser.goes(&format!("{panel}/move")).await;
    browser.presses("Move", &[("minutes", "40")]).await;
    let day = app.scheduler().sees_day(small.desk.agenda, TOMORROW).await;
    assert_eq!(day, ["09:00 booked none", "09:20 booked none", "09:40 free cloud"]);

    // To another free time, chosen from the list, dropping the original.
    browser.goes(&format!("{panel}/move")).await;
    let last = browser.attributes(".choices input", "value").remove(0);
    let moved = [("at", last.as_str()), ("minutes", "20"), ("drop_original", "yes")];
    browser.presses("Move", &moved).await;
    browser.reads("Tuesday 24 November, 9:40 am");
    let day = app.scheduler().sees_day(small.desk.agenda, TOMORROW).await;
    assert!(day.contains(&"09:40 booked none".to_owned()) && day.contains(&"09:00 removed none".to_owned()), "{day:?}");

    // A time that is taken is refused with what was typed, and an override is recorded.
    browser.goes(&nine).await;
    let contact = [
        ("first_name", "Zita"),
        ("last_name", "Ouellet"),
        ("birth_date", "1990-02-03"),
        ("sex", "female"),
        ("email", "zita@example.ca"),
        ("start", "09:40"),
        ("end", "10:00"),
        ("slot", ""),
        ("slot_start", ""),
    ];
    browser.presses("Plan", &contact).await;
    browser.has_status(409);
    browser.reads("That time is not free any more.");
    assert_eq!(browser.attributes("#last_name", "value"), ["Ouellet"]);
    browser.presses("Plan", &[("overbook", "yes")]).await;
    browser.reads("Overbooked");
    browser.reads("Zita Ouellet");

    browser.goes(&format!("{panel}/cancel")).await;
    browser.presses("Cancel this appointment", &[("reason", "voyage"), ("by", "patient")]).await;
    browser.reads("The appointment is cancelled.");
    browser.reads("voyage");
    browser.goes(&format!("/staff/agenda?date={TOMORROW}&view=list")).await;
    browser.reads("Cancelled");
}

#[tokio::test]
async fn a_stale_card_says_who_changed_what_and_overwrites_nothing() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let link = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await;
    let appointment = id(&app.scheduler().finds(TOMORROW, &link.reference()).await["id"]);
    let panel = format!("/staff/appointments/{appointment}");
    let mut mine = signed_in(&app, Role::Scheduler, &format!("{panel}/cancel")).await;
    let mut theirs = signed_in(&app, Role::Practitioner, &panel).await;
    theirs.presses("Arrived", &[]).await;
    theirs.reads("Noted.");
    mine.presses("Cancel this appointment", &[]).await;
    mine.has_status(412);
    mine.reads("It was changed in the meantime. Nothing was overwritten");
    let changed = mine.text_of("#changed");
    assert!(changed.starts_with("Changed by Member practitioner, Monday 23 November, 9:00 am"), "{changed}");
    assert_eq!(mine.text_of("#status"), "Arrived");
    assert_eq!(app.scheduler().opens(appointment).await["status"], "arrived");
    // A second click on the same button does the same thing once.
    let once = signed_in(&app, Role::Scheduler, &panel).await;
    let (method, path, form) = once.form("Completed", &[]);
    let before = app.changes().await;
    for _ in 0..2 {
        assert_eq!(once.request(&method, &path, Some(&form)).await.status, 303);
    }
    assert_eq!(app.changes().await, before + 1);
}

#[tokio::test]
async fn a_provisional_appointment_is_attached_undone_attached_to_another_and_made_a_record() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let known = Person::named("Zita", "Ouellet").but(|p| p.birth_date = "1985-06-16".to_owned());
    app.scheduler().registers(&known).await;
    let other = app.scheduler().registers(&Person::named("Odile", "Roy")).await;
    let link = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await;
    let appointment = id(&app.scheduler().finds(TOMORROW, &link.reference()).await["id"]);
    let mut browser = signed_in(&app, Role::Scheduler, "/staff/identify").await;
    browser.reads("tomorrow");
    browser.reads("The birth date differs from the record");
    assert!(browser.texts_of("td.differs").contains(&"16 June 1985 differs".to_owned()), "said in words");
    browser.presses("Attach this record", &[]).await;
    browser.reads("The record is attached to the appointment.");
    browser.reads("Nobody waits to be identified.");
    browser.presses("Undo: detach", &[]).await;
    browser.is_at(&format!("/staff/identify/{appointment}"));
    // Not this one: it is not proposed any more, until all are shown again.
    browser.follows("Not this person").await;
    assert!(!browser.texts_of("td.differs").contains(&"16 June 1985 differs".to_owned()), "the one that was put aside");
    browser.follows("Show all proposals again").await;
    browser.presses("Search", &[("search", "odile")]).await;
    let attach = format!("/staff/identify/{appointment}/attach");
    let revision = browser.attributes("#found input[name=revision]", "value").remove(0);
    let form = format!("patient={other}&revision={revision}&key=k1");
    assert_eq!(browser.request(&Method::POST, &attach, Some(&form)).await.status, 303);
    assert_eq!(app.scheduler().opens(appointment).await["patient"], json!(other));
    browser.goes(&format!("/staff/appointments/{appointment}")).await;
    browser.presses("Detach the record", &[]).await;
    browser.goes(&format!("/staff/identify/{appointment}")).await;
    browser.presses("Create a record from these details", &[]).await;
    browser.reads("The record is made.");
    let record = id(&app.scheduler().opens(appointment).await["patient"]);
    browser.goes(&format!("/staff/patients/{record}")).await;
    browser.reads("Zita Ouellet");
    browser.reads("15 June 1985");
}

// Neither stands in the queue: one is no online booking, of the other the visit has begun.
#[tokio::test]
async fn whom_staff_planned_for_and_who_stands_at_the_desk_are_identified_as_well() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let record = app.scheduler().registers(&Person::named("Odile", "Roy")).await;
    let contact = json!({ "contact": {
        "first_name": "Odile", "last_name": "Roy", "birth_date": "1985-06-15", "sex": "female", "cell_phone": "514 555-0199"
    } });
    let planned = app.scheduler().plans(small.desk.agenda, TOMORROW, ("13:00", "13:20"), &contact).await.ok();
    let link = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await;
    let booked = id(&app.scheduler().finds(TOMORROW, &link.reference()).await["id"]);
    let planned = id(&planned["id"]);
    // The same person twice more, by another telephone each time: three visits are to come, then two.
    let mut last = booked;
    for (time, phone) in [("09:20", "514 555-0171"), ("09:40", "514 555-0172")] {
        app.waits_seconds(60);
        let again = Person::stranger().but(|p| (p.cell_phone, p.email) = (Some(phone.to_owned()), None));
        let link = app.visitor(&again).await.books_at(small.service, time).await;
        last = id(&app.scheduler().finds(TOMORROW, &link.reference()).await["id"]);
    }
    let browser = signed_in(&app, Role::Scheduler, &format!("/staff/identify/{last}")).await;
    browser.reads("Third future booking of this name and birth date, or a later one");
    app.goes_to(TOMORROW, "09:10");
    let mut browser = signed_in(&app, Role::Scheduler, "/staff/identify").await;
    for appointment in [booked, last] {
        browser.goes(&format!("/staff/identify/{appointment}")).await;
        browser.reads("Zita Ouellet");
        assert!(!browser.text_of("main").contains("Third future booking"), "it has begun, or two are to come");
    }
    let queue = app.scheduler().queue().await;
    assert!(queue.iter().all(|waiting| waiting["appointment"]["id"] != json!(booked)));
    browser.goes(&format!("/staff/appointments/{planned}")).await;
    browser.follows("Identify the patient").await;
    browser.presses("Attach this record", &[]).await;
    assert_eq!(app.scheduler().opens(planned).await["patient"], json!(record));
    browser.goes(&format!("/staff/appointments/{booked}")).await;
    browser.follows("Identify the patient").await;
    browser.presses("Create a record from these details", &[]).await;
    browser.reads("The record is made.");
    // Who has a record needs none.
    browser.goes(&format!("/staff/identify/{planned}")).await;
    browser.has_status(404);
}

#[tokio::test]
async fn a_record_that_somebody_else_changed_says_who_and_when() {
    let app = TestApp::start().await;
    let record = app.scheduler().registers(&Person::named("Odile", "Roy")).await;
    let mut stale = signed_in(&app, Role::Scheduler, &format!("/staff/patients/{record}/edit")).await;
    let mut browser = signed_in(&app, Role::Administrator, &format!("/staff/patients/{record}/edit")).await;
    browser.presses("Save", &[("first_name", "Odile-Anne")]).await;
    stale.presses("Save", &[("last_name", "Royer")]).await;
    stale.has_status(412);
    stale.reads("Changed by Member administrator on");
    stale.reads("Odile-Anne Roy");
}

#[tokio::test]
async fn a_record_is_made_corrected_merged_and_marked() {
    let app = TestApp::start().await;
    let mut browser = signed_in(&app, Role::Scheduler, "/staff/patients/new").await;
    let typed = [("first_name", "Ève"), ("last_name", "Roy"), ("birth_date", "1985-13-01"), ("sex", "female")];
    browser.presses("Save", &typed).await;
    browser.has_status(422);
    assert_eq!(browser.attributes("#last_name", "value"), ["Roy"], "what was typed stays");
    browser.presses("Save", &[("birth_date", "1985-01-31"), ("phones", "514 555-0123\n450 555-0199")]).await;
    browser.reads("The record is made.");
    browser.reads("450 555-0199");
    let kept = browser.address.split('?').next().unwrap().to_owned();
    let double = app.scheduler().registers(&Person::named("Eve", "Roy")).await;
    browser.goes(&format!("{kept}/edit")).await;
    browser.presses("Save", &[("last_name", "Roy-Gagnon")]).await;
    browser.reads("The changes are saved.");
    browser.reads("Roy-Gagnon");
    app.settle().await;
    browser.goes(&format!("/staff/patients/{double}/merge")).await;
    browser.presses("Search", &[("search", "roy-gagnon")]).await;
    browser.presses("Merge into this record", &[]).await;
    assert_eq!(browser.address.split('?').next().unwrap(), kept);
    browser.reads("1 record leads to this one.");
    browser.presses("Mark as deceased", &[("date", "2026-11-20")]).await;
    browser.reads("Deceased, 20 November 2026");
}

#[tokio::test]
async fn a_change_reaches_a_second_screen_within_half_a_second() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let second = signed_in(&app, Role::Practitioner, &format!("/staff/agenda?date={TOMORROW}")).await;
    let after = second.attributes("#board", "data-after").remove(0);
    assert!(!second.has(".is-booked"), "nothing is booked yet");
    let token = app.session(app.clinic.id, app.clinic.member(Role::Practitioner)).await;
    let live = format!("/staff/live?after={after}&from={TOMORROW}&to={TOMORROW}");
    let mut stream = app.asks(Method::GET, &live).header("cookie", &format!("__Host-staff={token}")).opens().await;
    let visitor = app.visitor(&Person::stranger()).await;
    let began = Instant::now();
    let booked = visitor.books_at(small.service, "09:00");
    let heard = async {
        loop {
            let chunk = stream.chunk().await.unwrap().unwrap_or_default();
            let text = String::from_utf8_lossy(&chunk).into_owned();
            if text.contains("event: changed") || text.contains("event:changed") {
                let position = text.lines().find_map(|l| l.strip_prefix("id:")).unwrap().trim().to_owned();
                return (position, Instant::now());
            }
        }
    };
    let (link, first) = tokio::join!(booked, tokio::time::timeout(Duration::from_secs(5), heard));
    let acknowledged = Instant::now();
    let (position, heard_at) = first.unwrap();
    assert!(heard_at.duration_since(began) < Duration::from_secs(5));
    // From the acknowledgement on, the second screen shows it within half a second, its own request included.
    let page = format!("/staff/agenda?date={TOMORROW}&after={position}");
    let asked =
        app.asks(Method::GET, &page).header("cookie", &format!("__Host-staff={token}")).header("x-part", "board");
    let board = asked.answer().await;
    let took = acknowledged.elapsed();
    assert!(board.text.contains("Réservé en ligne") && !board.text.contains("<html"), "{}", board.text);
    assert!(took < Duration::from_millis(500), "{took:?}");
    drop(link);
    // Nothing of another day, and nobody's name.
    let other = format!("/staff/live?after={position}&from=2026-12-01&to=2026-12-01");
    let mut silent = app.asks(Method::GET, &other).header("cookie", &format!("__Host-staff={token}")).opens().await;
    app.visitor(&Person::stranger()).await.books_at(small.service, "09:20").await;
    let said = tokio::time::timeout(Duration::from_millis(300), silent.chunk()).await;
    assert!(said.is_err() || !String::from_utf8_lossy(&said.unwrap().unwrap().unwrap_or_default()).contains("changed"));
}

#[tokio::test]
async fn other_sites_may_not_post_and_an_auditor_hears_nothing() {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let link = app.visitor(&Person::stranger()).await.books_at(small.service, "09:00").await;
    let appointment = id(&app.scheduler().finds(TOMORROW, &link.reference()).await["id"]);
    let token = app.session(app.clinic.id, app.clinic.member(Role::Scheduler)).await;
    let before = app.changes().await;
    for path in [
        "/staff/sign-in".to_owned(),
        "/staff/sign-out".to_owned(),
        "/staff/language".to_owned(),
        format!("/staff/appointments/{appointment}/arrive"),
        format!("/staff/appointments/{appointment}/cancel"),
        "/staff/schedule".to_owned(),
        "/staff/patients/new".to_owned(),
    ] {
        let asked = app.asks(Method::POST, &path).header("cookie", &format!("__Host-staff={token}"));
        let asked = asked.header("sec-fetch-site", "cross-site").header("origin", "https://evil.example");
        let answer = asked.raw("application/x-www-form-urlencoded", "revision=1").answer().await;
        assert_eq!(answer.status, 403, "{path}");
    }
    assert_eq!(app.changes().await, before);
    let auditor = app.session(app.clinic.id, app.clinic.member(Role::Auditor)).await;
    let live = format!("/staff/live?from={TOMORROW}&to={TOMORROW}");
    let asked = app.asks(Method::GET, &live).header("cookie", &format!("__Host-staff={auditor}"));
    assert_eq!(asked.status().await, 404);
}
