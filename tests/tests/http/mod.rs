//! The whole system through HTTP: the scenarios of the domain, a clinic's story from an empty database on, what is
//! refused and leaves no mark, who may do what, and where personal data must never be.

mod codes;
mod doors;
mod erasure;
mod files;
mod foreign;
mod links;
mod messages;
mod oracle;
mod refused;
mod roles;
mod scenarios;
mod schedules;
mod secrecy;
mod sms;
mod smtp;
mod story;
mod visits;

use booking_tests::http::TestApp;

/// Runs what must be refused, and expects that it left no mark.
async fn unchanged(app: &TestApp, what: impl Future<Output = ()>) {
    let before = app.changes().await;
    what.await;
    assert_eq!(app.changes().await, before, "what was refused left an event");
}
