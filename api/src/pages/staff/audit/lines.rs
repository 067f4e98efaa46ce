//! Lines of a history: when, who, what, and the way to the proof.

use super::then::{Slider, Then, exact, with_query};
use crate::http::audit::events::AuditActor;
use crate::http::audit::history::HistoryEntry;
use crate::http::audit::replay::Steps;
use crate::http::wire;
use crate::pages::text::Words;
use booking_domain::time::{Instant, Tz};
use uuid::Uuid;

/// One line.
pub(super) struct Line {
    pub(super) at: String,
    pub(super) who: String,
    pub(super) sentence: String,
    /// The event, whose page has the proof.
    pub(super) event: Uuid,
    pub(super) position: u64,
    /// It happened after the moment that is shown.
    pub(super) later: bool,
    /// The page as it was right after it.
    pub(super) then: Option<String>,
}

impl Line {
    /// Of an entry.
    pub(super) fn of(w: Words, entry: &HistoryEntry) -> Self {
        Self {
            at: exact(w, &entry.at),
            who: actor(w, &entry.actor),
            sentence: w.either(&entry.fr, &entry.en).to_owned(),
            event: entry.event,
            position: entry.position,
            later: false,
            then: None,
        }
    }
}

/// A history of which a page shows one moment.
pub(super) struct Thread<'a> {
    pub(super) w: Words,
    /// Oldest first.
    pub(super) entries: &'a [HistoryEntry],
    pub(super) then: &'a Then,
    /// The page's path, and what its links keep.
    pub(super) action: &'a str,
    pub(super) kept: &'a [(String, String)],
}

impl Thread<'_> {
    /// The lines, the moment that is shown (RFC 3339), and the steps from it.
    pub(super) fn lines(&self, zone: Tz, now: Instant) -> (Vec<Line>, String, Steps) {
        let position = self.then.position.parse::<u64>().ok();
        let moment = match position {
            Some(position) => self.entries.iter().rfind(|e| e.position <= position).map(|e| e.at.clone()),
            None => self.then.when(zone).at_time.or_else(|| Some(now.rfc3339(zone))),
        };
        let shown = moment.as_deref().and_then(|at| wire::instant("at", at).ok());
        let is_later = |entry: &HistoryEntry| match position {
            Some(position) => entry.position > position,
            None => shown.zip(wire::instant("at", &entry.at).ok()).is_some_and(|(shown, at)| at > shown),
        };
        let line = |entry: &HistoryEntry| {
            let own = [("position".to_owned(), entry.position.to_string())];
            let then = with_query(self.action, &self.kept.iter().cloned().chain(own).collect::<Vec<_>>());
            Line { later: is_later(entry), then: Some(then), ..Line::of(self.w, entry) }
        };
        let lines: Vec<Line> = self.entries.iter().map(line).collect();
        let positions: Vec<u64> = self.entries.iter().map(|entry| entry.position).collect();
        let happened = lines.iter().filter(|line| !line.later).count();
        (lines, moment.unwrap_or_default(), Slider::steps(&positions, self.then, happened))
    }
}

/// Who did something, in words: the name of a member of staff, else what kind of actor.
pub(super) fn actor(w: Words, actor: &AuditActor) -> String {
    actor.name.clone().unwrap_or_else(|| kind(w, actor.kind))
}

/// A kind of actor in words.
pub(super) fn kind(w: Words, kind: &str) -> String {
    match kind {
        "system" => w.t("audit-by-system"),
        "operator" => w.t("audit-by-operator"),
        "staff" => w.t("audit-by-staff"),
        "token" => w.t("audit-by-token"),
        "visit" => w.t("audit-by-visit"),
        "link" => w.t("audit-by-link"),
        _ => w.t("audit-by-unknown"),
    }
}
