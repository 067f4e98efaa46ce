//! What the access log holds, as tests read it: straight from the log, without the view.

use super::app::TestApp;
use booking_domain::access::{AccessEvent, AccessRecorded};
use booking_domain::ids::MemberId;
use booking_events::{DomainEvent, decode};
use std::collections::BTreeSet;
use uuid::Uuid;

/// One record, as a test expects it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Looked {
    /// Who asked.
    pub member: Uuid,
    /// The operation.
    pub operation: String,
    /// Whose data was shown, or would have been.
    pub subjects: BTreeSet<Uuid>,
    /// `shown` or `refused`.
    pub outcome: &'static str,
    /// Why it was asked for, or refused.
    pub reason: Option<String>,
}

impl Looked {
    /// Somebody was shown these persons' data.
    #[must_use]
    pub fn shown(member: MemberId, operation: &str, subjects: impl IntoIterator<Item = Uuid>) -> Self {
        let subjects = subjects.into_iter().collect();
        Self { member: member.0, operation: operation.to_owned(), subjects, outcome: "shown", reason: None }
    }
    /// Somebody was refused.
    #[must_use]
    pub fn refused(
        member: MemberId,
        operation: &str,
        subjects: impl IntoIterator<Item = Uuid>,
        reason: &'static str,
    ) -> Self {
        Self { outcome: "refused", reason: Some(reason.to_owned()), ..Self::shown(member, operation, subjects) }
    }
    /// With the purpose that was given.
    #[must_use]
    pub fn because(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }
    /// From an event.
    #[must_use]
    pub fn of(e: &AccessRecorded) -> Self {
        Self {
            member: e.member.map_or(Uuid::nil(), |m| m.0),
            operation: e.route.clone(),
            subjects: e.subjects.iter().map(|s| s.0).collect(),
            outcome: e.outcome.name(),
            reason: e.reason.clone(),
        }
    }
}

impl TestApp {
    /// The access log, oldest first.
    pub async fn access_log(&self) -> Vec<AccessRecorded> {
        let events = self.events().await;
        let records = events.iter().filter_map(|e| match decode(&e.event_type, &e.payload).unwrap() {
            DomainEvent::Access(AccessEvent::AccessRecorded(record)) => Some(record),
            _ => None,
        });
        records.collect()
    }
    /// The access log as tests compare it.
    pub async fn looked(&self) -> Vec<Looked> {
        self.access_log().await.iter().map(Looked::of).collect()
    }
}
