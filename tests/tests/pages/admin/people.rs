//! Who gets in, members and their links, tokens of other programs.

use super::{PAGES, admin, id_of, somebody};
use booking_domain::values::Role;
use booking_tests::http::{Browser, TestApp};
use reqwest::Method;

#[tokio::test]
async fn for_everybody_but_administrators_there_is_nothing_here() {
    let app = TestApp::start().await;
    for role in [Role::Scheduler, Role::Practitioner, Role::Auditor] {
        let mut other = somebody(&app, role, "/staff/admin").await;
        for page in PAGES {
            other.goes(page).await;
            other.has_status(404);
            let sent = other.request(&Method::POST, page, Some("name=x&on=true")).await;
            assert!(matches!(sent.status, 404 | 405), "{page}: {}", sent.status);
        }
        other.goes("/staff/admin/qr.svg").await;
        other.has_status(404);
    }
    assert_eq!(app.changes().await, 5, "the clinic's registration and its members, and nothing else");
    let nobody = Browser::at(&app, "/staff/admin/services/new").await;
    nobody.is_at("/staff/sign-in");
}

#[tokio::test]
async fn a_member_is_invited_by_a_link_that_is_shown_once_and_works_once() {
    let app = TestApp::start().await;
    let mut eve = admin(&app, "/staff/admin/members").await;
    eve.follows("Invite a member").await;
    let typed = [("name", "Ada Gagnon"), ("email", "ada@parc.example"), ("role", "scheduler")];
    eve.presses("Make the link", &typed).await;
    eve.has_status(201);
    let link = eve.attributes("#link", "value").remove(0);
    let (address, token) = link.split_once('#').unwrap();
    assert!(address.ends_with("/staff/invitation") && address.starts_with("http://127.0.0.1:"), "{address}");

    let mut ada = Browser::speaking(&app, "en-CA", "/staff/invitation").await;
    let chosen = [("token", token), ("password", "a sentence that nobody guesses")];
    ada.presses("Save and sign in", &chosen).await;
    ada.goes("/staff/admin").await;
    ada.has_status(404);
    let mut second = Browser::speaking(&app, "en-CA", "/staff/invitation").await;
    second.presses("Save and sign in", &chosen).await;
    second.has_status(410);

    // Another role, from the next request on.
    eve.goes("/staff/admin/members").await;
    let member = id_of(&eve, "#members", "Ada Gagnon");
    eve.follows("Ada Gagnon").await;
    eve.presses("Save", &[("role", "administrator")]).await;
    ada.goes("/staff/admin").await;
    ada.has_status(200);

    // Disabled, the next request is signed out; enabled, a new link lets in again.
    eve.goes(&format!("/staff/admin/members/{member}")).await;
    eve.presses("Disable it", &[]).await;
    assert_eq!(eve.text_of("#notice"), "Saved.");
    ada.goes("/staff/admin").await;
    ada.is_at("/staff/sign-in");
    eve.goes(&format!("/staff/admin/members/{member}")).await;
    eve.presses("Enable the account again", &[]).await;
    eve.goes(&format!("/staff/admin/members/{member}")).await;
    eve.presses("Make a new link", &[]).await;
    let link = eve.attributes("#link", "value").remove(0);
    let chosen = [("token", link.as_str()), ("password", "another sentence for a door")];
    let mut back = Browser::speaking(&app, "en-CA", "/staff/invitation").await;
    back.presses("Save and sign in", &chosen).await;
    back.goes("/staff/admin").await;
    back.has_status(200);
}

#[tokio::test]
async fn the_last_administrator_stays_and_the_page_says_why() {
    let app = TestApp::start().await;
    let me = app.clinic.member(Role::Administrator).0;
    let mut eve = admin(&app, &format!("/staff/admin/members/{me}")).await;
    let before = app.changes().await;
    eve.presses("Save", &[("role", "scheduler")]).await;
    eve.has_status(422);
    assert!(eve.text_of("#errors").contains("the last administrator"), "{}", eve.text_of("#errors"));
    assert_eq!(eve.attributes("input[name=role][checked]", "value"), ["scheduler"], "what was chosen is kept");
    eve.goes(&format!("/staff/admin/members/{me}")).await;
    eve.presses("Disable it", &[]).await;
    eve.has_status(422);
    assert_eq!(app.changes().await, before);
}

#[tokio::test]
async fn two_members_do_not_share_an_address_and_what_was_typed_stays() {
    let app = TestApp::start().await;
    let mut eve = admin(&app, "/staff/admin/members/new").await;
    let typed = [("name", "Zoé"), ("email", "scheduler@clinique-du-parc.example"), ("role", "auditor")];
    eve.presses("Make the link", &typed).await;
    eve.has_status(422);
    assert_eq!(eve.attributes("#errors a", "href"), ["#email"]);
    assert_eq!(eve.attributes("#name", "value"), ["Zoé"]);
    assert_eq!(eve.attributes("input[name=role][checked]", "value"), ["auditor"]);
}

#[tokio::test]
async fn a_token_is_shown_once_opens_the_api_and_is_revoked() {
    let app = TestApp::start().await;
    let mut eve = admin(&app, "/staff/admin/tokens/new").await;
    let (_, path, body) = eve.form("Make the token", &[("label", "Hub"), ("role", "scheduler")]);
    eve.presses("Make the token", &[("label", "Hub"), ("role", "scheduler")]).await;
    let first = eve.attributes("#token", "value").remove(0);
    let clinic = app.clinic.id;
    let asks = || app.asks(Method::GET, &format!("/api/v1/clinics/{clinic}/agendas"));
    asks().token(&first).answer().await.has_status(200);
    // The same form again makes no second token, and cannot show the first one again.
    let again = eve.request(&Method::POST, &path, Some(&body)).await;
    assert!(!again.text.contains(&first) && !again.text.contains("id=\"token\""), "{}", again.text);
    eve.goes("/staff/admin/tokens").await;
    assert!(!eve.answer.text.contains(&first), "the list shows no token");
    let labels = eve.texts_of("#tokens tbody th");
    eve.presses("Revoke it", &[]).await;
    assert_eq!(eve.text_of("#notice"), "Revoked: the program has no access any more.");
    assert!(!labels.is_empty() && eve.texts_of("#tokens tbody th") == labels, "revoked tokens stay in the list");
    asks().token(&first).answer().await.has_status(401);
}
