//! Forms: sent twice, out of date, wrong.

use super::{admin, id_of};
use booking_domain::values::Role;
use booking_tests::http::{Browser, TestApp};
use reqwest::Method;

/// What is out of date: the page, the button, one field with the value that somebody else saves, one with ours.
struct Case {
    page: String,
    button: &'static str,
    field: &'static str,
    theirs: &'static str,
    ours: &'static str,
}

async fn cases(app: &TestApp) -> Vec<Case> {
    let small = app.admin().sets_up().await;
    let case = |page: String, button, field, theirs, ours| Case { page, button, field, theirs, ours };
    vec![
        case("/staff/admin/portal".to_owned(), "Save", "phone", "514 555-0111", "514 555-0222"),
        case("/staff/admin/settings".to_owned(), "Save", "hold", "6", "7"),
        case(format!("/staff/admin/activities/{}", small.activity), "Save", "name", "Theirs", "Ours"),
        case(format!("/staff/admin/practitioners/{}", small.desk.practitioner), "Save", "name", "Theirs", "Ours"),
        case(format!("/staff/admin/services/{}", small.service), "Save the service", "name_fr", "Theirs", "Ours"),
    ]
}

#[tokio::test]
async fn a_form_that_is_out_of_date_overwrites_nothing_and_says_who_was_faster() {
    let app = TestApp::start().await;
    for case in cases(&app).await {
        let (mut ours, mut theirs) = (admin(&app, &case.page).await, admin(&app, &case.page).await);
        theirs.presses(case.button, &[(case.field, case.theirs)]).await;
        assert_eq!(theirs.text_of("#notice"), "Saved.", "{}", case.page);
        let before = app.changes().await;
        ours.presses(case.button, &[(case.field, case.ours)]).await;
        ours.has_status(412);
        let said = ours.text_of("#stale");
        assert!(said.contains("Changed by Member administrator on Monday 23 November, 9:00 am."), "{said}");
        assert!(ours.text_of("#typed").contains(case.ours), "what was typed is told: {}", ours.text_of("#typed"));
        assert_eq!(ours.texts_of("#typed dt").len(), 1, "and nothing that is the same: {}", ours.text_of("#typed"));
        let shown = ours.attributes(&format!("[name={}]", case.field), "value");
        assert_eq!(shown, [case.theirs], "{} shows what stands now", case.page);
        assert_eq!(app.changes().await, before, "{} stored something", case.page);
        // Sent again from here, it is up to date.
        ours.presses(case.button, &[(case.field, case.ours)]).await;
        assert_eq!(ours.text_of("#notice"), "Saved.", "{}", case.page);
    }
}

#[tokio::test]
async fn buttons_that_are_out_of_date_do_nothing() {
    let app = TestApp::start().await;
    let small = app.admin().sets_up().await;
    let member = app.clinic.member(Role::Auditor).0;
    for (page, button, change, field, value) in [
        (format!("/staff/admin/activities/{}", small.activity), "Retire it", "Save", "name", "Other"),
        (format!("/staff/admin/services/{}", small.service), "Switch it off", "Save the service", "name_fr", "Other"),
        (format!("/staff/admin/members/{member}"), "Disable it", "Save", "role", "practitioner"),
        ("/staff/admin/portal".to_owned(), "Switch online booking off", "Save", "phone", "514 555-0133"),
    ] {
        let (mut ours, mut theirs) = (admin(&app, &page).await, admin(&app, &page).await);
        theirs.presses(change, &[(field, value)]).await;
        let before = app.changes().await;
        ours.presses(button, &[]).await;
        ours.has_status(412);
        assert!(ours.text_of("#stale").contains("Changed by Member administrator"), "{page}");
        assert_eq!(app.changes().await, before, "{page}");
    }
}

#[tokio::test]
async fn a_form_that_is_sent_twice_is_one_command_also_at_the_same_time() {
    let app = TestApp::start().await;
    for (page, button, filled) in [
        ("/staff/admin/activities/new", "Save", vec![("name", "Suivi"), ("duration", "20")]),
        ("/staff/admin/practitioners/new", "Save", vec![("name", "Dre Roy")]),
        ("/staff/admin/portal", "Save", vec![("slug", "parc"), ("phone", "1"), ("terms_fr", "Oui")]),
    ] {
        let eve = admin(&app, page).await;
        let (method, path, body) = eve.form(button, &filled);
        let sends = || eve.request(&method, &path, Some(&body));
        let (one, two, three) = tokio::join!(sends(), sends(), sends());
        let after = app.changes().await;
        for answer in [one, two, three, sends().await] {
            answer.has_status(303);
        }
        assert_eq!(app.changes().await, after, "{page}: a fourth click does nothing more");
    }
    let mut eve = admin(&app, "/staff/admin/activities").await;
    assert_eq!(eve.texts_of("#activities tbody tr").len(), 1);
    eve.goes("/staff/admin/practitioners").await;
    assert_eq!(eve.texts_of("#practitioners tbody tr").len(), 1);
}

#[tokio::test]
async fn going_back_and_sending_something_else_is_explained_and_kept() {
    let app = TestApp::start().await;
    let mut eve = admin(&app, "/staff/admin/activities/new").await;
    let (_, path, first) = eve.form("Save", &[("name", "Suivi"), ("duration", "20")]);
    let (_, _, second) = eve.form("Save", &[("name", "Bilan"), ("duration", "40")]);
    eve.request(&Method::POST, &path, Some(&first)).await.has_status(303);
    let refused = eve.request(&Method::POST, &path, Some(&second)).await;
    refused.has_status(422);
    eve.answer = refused;
    assert!(eve.text_of("#errors").contains("sent before"), "{}", eve.text_of("#errors"));
    eve.presses("Save", &[]).await;
    assert!(eve.texts_of("#activities tbody th").contains(&"Bilan".to_owned()));
}

/// A page, its button, what is typed, and the fields that are wrong with it.
type Wrong = (String, &'static str, Vec<(&'static str, &'static str)>, Vec<&'static str>);

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field_and_what_was_typed_is_kept() {
    let app = TestApp::start().await;
    let small = app.admin().sets_up().await;
    let activity = small.activity.to_string().leak() as &'static str;
    let service = || "/staff/admin/services/new".to_owned();
    let named = |more: &[(&'static str, &'static str)]| {
        let mut all = vec![("internal_name", "a"), ("name_fr", "b"), ("activity", activity)];
        all.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        all.extend(more.iter().filter(|(_, value)| !value.is_empty()));
        all
    };
    let wrong: Vec<Wrong> = vec![
        ("/staff/admin/activities/new".to_owned(), "Save", vec![("name", " "), ("duration", "20")], vec!["name"]),
        ("/staff/admin/activities/new".to_owned(), "Save", vec![("name", "a"), ("duration", "x")], vec!["duration"]),
        ("/staff/admin/activities/new".to_owned(), "Save", vec![("name", "a"), ("duration", "1441")], vec!["duration"]),
        ("/staff/admin/practitioners/new".to_owned(), "Save", vec![("name", "")], vec!["name"]),
        ("/staff/admin/portal".to_owned(), "Save", vec![("slug", "A b")], vec!["slug"]),
        ("/staff/admin/portal".to_owned(), "Save", vec![("phone", "")], vec!["phone"]),
        ("/staff/admin/portal".to_owned(), "Save", vec![("terms_fr", ""), ("terms_en", " ")], vec!["terms_fr"]),
        ("/staff/admin/portal".to_owned(), "Save", vec![("accent", "blue")], vec!["accent"]),
        ("/staff/admin/portal".to_owned(), "Save", vec![("origins", "http://a.example")], vec!["origins"]),
        ("/staff/admin/portal".to_owned(), "Save", vec![("languages", "de")], vec!["languages"]),
        ("/staff/admin/settings".to_owned(), "Save", vec![("hold", "0")], vec!["hold"]),
        ("/staff/admin/settings".to_owned(), "Save", vec![("hold", "x"), ("cap", "-1")], vec!["cap", "hold"]),
        (
            "/staff/admin/settings".to_owned(),
            "Save",
            vec![("recognition_proof", "one_time_code")],
            vec!["recognition_proof"],
        ),
        (service(), "Save the service", named(&[("internal_name", "")]), vec!["internal_name"]),
        (service(), "Save the service", named(&[("name_fr", "")]), vec!["name_fr"]),
        (service(), "Save the service", named(&[("activity", "")]), vec!["activities"]),
        (service(), "Save the service", named(&[("filter", "only")]), vec!["practitioners"]),
        (service(), "Save the service", named(&[("age_min", "9"), ("age_max", "2")]), vec!["age_min"]),
        (service(), "Save the service", named(&[("publication", "before")]), vec!["lead"]),
        (service(), "Save the service", named(&[("publication", "days"), ("days", "400")]), vec!["days"]),
        (service(), "Save the service", named(&[("notice", "x"), ("cap", "y")]), vec!["notice", "cap"]),
        (
            "/staff/admin/members/new".to_owned(),
            "Make the link",
            vec![("name", ""), ("email", "ada")],
            vec!["name", "email"],
        ),
        ("/staff/admin/tokens/new".to_owned(), "Make the token", vec![("label", "")], vec!["label"]),
    ];
    for (page, button, typed, fields) in wrong {
        let mut eve = admin(&app, &page).await;
        let before = app.changes().await;
        eve.presses(button, &typed).await;
        eve.has_status(422);
        let links: Vec<String> = fields.iter().map(|field| format!("#{field}")).collect();
        assert_eq!(eve.attributes("#errors a", "href"), links, "{page} {typed:?}: {}", eve.text_of("#errors"));
        assert!(eve.text_of("title").starts_with("Error:"), "{page}");
        for field in fields {
            assert!(eve.has(&format!("[id='{field}']")), "{page}: the summary leads nowhere: {field}");
            assert!(eve.has(&format!("[id='{field}-error']")), "{page}: {field} does not say what is wrong");
            let described = eve.attributes(&format!("[id='{field}']"), "aria-describedby");
            assert!(described.iter().any(|ids| ids.contains(&format!("{field}-error"))), "{page}: {field}");
        }
        assert_kept(&eve, &typed);
        assert_eq!(app.changes().await, before, "{page} {typed:?} stored something");
    }
}

/// What was typed stands in the fields again.
#[track_caller]
fn assert_kept(eve: &Browser<'_>, typed: &[(&str, &str)]) {
    for (name, value) in typed {
        let field = format!("[name={name}]");
        let shown = if eve.has(&format!("textarea{field}")) {
            eve.texts_of(&format!("textarea{field}")).remove(0)
        } else if eve.has(&format!("{field}[type=radio], {field}[type=checkbox]")) {
            if *value == "de" {
                continue;
            }
            eve.attributes(&format!("{field}[checked]"), "value").join(",")
        } else {
            eve.attributes(&format!("input{field}"), "value").remove(0)
        };
        assert_eq!(shown.trim(), value.trim(), "{name} at {}", eve.address);
    }
}

#[tokio::test]
async fn an_address_of_another_clinic_is_refused_in_words() {
    let app = TestApp::start().await;
    let other = app.another_clinic("erables").await;
    app.staff(&other, Role::Administrator).opens_portal().await;
    let mut eve = admin(&app, "/staff/admin/portal").await;
    eve.presses("Save", &[("slug", "erables"), ("phone", "1"), ("terms_fr", "Oui")]).await;
    eve.has_status(422);
    assert_eq!(eve.text_of("#slug-error"), "Another clinic has this address. Choose another one.");
    assert_eq!(eve.attributes("#slug", "value"), ["erables"]);
}

#[tokio::test]
async fn things_are_retired_and_brought_back() {
    let app = TestApp::start().await;
    let small = app.admin().sets_up().await;
    let mut eve = admin(&app, &format!("/staff/admin/activities/{}", small.activity)).await;
    eve.presses("Retire it", &[]).await;
    assert!(eve.text_of("#activities").contains("Retired"));
    eve.goes(&format!("/staff/admin/services/{}", small.service)).await;
    eve.presses("Save the service", &[("name_en", "Other")]).await;
    assert!(eve.text_of("#activities-error").contains("retired"), "{}", eve.text_of("#activities-error"));
    eve.goes(&format!("/staff/admin/activities/{}", small.activity)).await;
    eve.presses("Save", &[]).await;
    assert!(!eve.text_of("#activities").contains("Retired"));
    eve.goes(&format!("/staff/admin/services/{}", small.service)).await;
    eve.presses("Switch it off", &[]).await;
    assert!(eve.text_of("#services").contains("Off"));
    let service = id_of(&eve, "#services", booking_tests::http::setup::SERVICE_NAME);
    eve.goes(&format!("/staff/admin/services/{service}")).await;
    eve.presses("Save the service", &[]).await;
    assert!(eve.text_of("#services").contains("In use"));
}
