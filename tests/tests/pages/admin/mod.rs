//! The administration through its pages alone.

mod forms;
mod people;
mod preview;
mod setup;
mod share;
mod texts;

use booking_domain::values::Role;
use booking_tests::http::{Browser, TestApp};

/// Every page of the administration that an address alone opens.
const PAGES: [&str; 13] = [
    "/staff/admin",
    "/staff/admin/portal",
    "/staff/admin/share",
    "/staff/admin/activities",
    "/staff/admin/activities/new",
    "/staff/admin/practitioners",
    "/staff/admin/practitioners/new",
    "/staff/admin/services",
    "/staff/admin/services/new",
    "/staff/admin/settings",
    "/staff/admin/members",
    "/staff/admin/members/new",
    "/staff/admin/tokens/new",
];

/// Somebody of the first clinic in front of a page, speaking English.
async fn somebody<'a>(app: &'a TestApp, role: Role, path: &str) -> Browser<'a> {
    let token = app.session(app.clinic.id, app.clinic.member(role)).await;
    let mut browser = Browser::speaking(app, "en-CA,en;q=0.9", "/assets/base.css").await;
    browser.cookies.insert("__Host-staff".to_owned(), token);
    browser.goes(path).await;
    browser
}

/// The administrator in front of a page.
async fn admin<'a>(app: &'a TestApp, path: &str) -> Browser<'a> {
    somebody(app, Role::Administrator, path).await
}

/// The id at the end of the address of the link with this text.
fn id_of(browser: &Browser<'_>, table: &str, text: &str) -> uuid::Uuid {
    let links = browser.attributes(&format!("{table} tbody th a"), "href");
    let texts = browser.texts_of(&format!("{table} tbody th a"));
    let at = texts.iter().position(|t| t == text).unwrap_or_else(|| panic!("no {text:?} among {texts:?}"));
    links[at].rsplit('/').next().unwrap().parse().unwrap()
}
