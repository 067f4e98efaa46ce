//! What a visitor chose and typed so far: sealed in the vault beside the visit, never in an address and never plain.
//!
//! It is the pages' own note. Nothing is decided by it: the API decides again at every step.

use super::visiting::Visiting;
use crate::http::portal::offer::PublicAvailability;
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire::Text;
use crate::pages::text::Words;
use booking_domain::phi::Phi;
use booking_domain::time::{Instant, WallDate, WallTime};
use booking_engine::vault::Visit;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The layout of what is sealed. A draft of another layout is forgotten; its visitor chooses again.
const SCHEMA: u16 = 2;

/// The draft. It holds what people type: there is no `Debug`.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Draft {
    /// Whom the visitor books for: `me`, `child`, `other`.
    pub(super) whom: String,
    /// The service.
    pub(super) service: Option<Uuid>,
    /// What the list of times is narrowed to.
    pub(super) filters: Filters,
    /// The time, held or not.
    pub(super) chosen: Option<Chosen>,
    /// Place of the reason in the service's list.
    pub(super) reason: Option<u16>,
    /// The reason in the visitor's words.
    pub(super) reason_text: String,
    /// Messages may be sent; none: not asked yet.
    pub(super) notify: Option<bool>,
    /// The key of the booking that this draft becomes.
    pub(super) key: String,
    /// What was booked.
    pub(super) booked: Option<Booked>,
    /// The newest code that was sent.
    pub(super) code: Option<SentCode>,
}

/// A code that was sent.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SentCode {
    /// `email` or `sms`.
    pub(super) channel: String,
    /// First moment at which it is not good any more, in microseconds since 1970.
    pub(super) until: i64,
}

/// What the list of times is narrowed to, in the API's words.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Filters {
    pub(super) practitioner: Vec<String>,
    pub(super) weekday: Vec<String>,
    pub(super) part: Vec<String>,
}

/// A time as it was shown.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Shown {
    pub(super) availability: String,
    pub(super) start: String,
    pub(super) date: String,
    pub(super) start_time: String,
    pub(super) duration_minutes: i64,
    pub(super) practitioner: Practitioner,
    pub(super) modality: String,
}

/// Whom a time is with.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Practitioner {
    pub(super) name: String,
    pub(super) profession: Text,
}

/// A time that was chosen.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Chosen {
    pub(super) shown: Shown,
    pub(super) hold: Option<Held>,
}

/// How a time is held.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) hold: String,
    /// First moment at which it counts for nothing, in microseconds since 1970.
    pub(super) until: i64,
    pub(super) extensions_left: u8,
}

/// What was booked.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Booked {
    /// The key that it was booked with.
    pub(super) key: String,
    /// The token of the appointment's link.
    pub(super) link: String,
}

impl Shown {
    pub(super) fn of(availability: &PublicAvailability) -> Self {
        Self {
            availability: availability.availability.clone(),
            start: availability.when.start.clone(),
            date: availability.when.date.clone(),
            start_time: availability.when.start_time.clone(),
            duration_minutes: availability.when.duration_minutes,
            practitioner: Practitioner {
                name: availability.practitioner.name.clone(),
                profession: availability.practitioner.profession.clone(),
            },
            modality: availability.modality.to_owned(),
        }
    }
    /// "mardi 24 novembre, 9 h 30".
    pub(super) fn day_time(&self, words: Words) -> String {
        day_time(words, &self.date, &self.start_time)
    }
}

/// A wall date and time of the API as people write them.
pub(super) fn day_time(words: Words, date: &str, time: &str) -> String {
    match (WallDate::parse(date), WallTime::parse(time)) {
        (Some(date), Some(time)) => words.day_time(date, time),
        _ => String::new(),
    }
}

impl Held {
    /// It still counts.
    pub(super) const fn lives(&self, now: Instant) -> bool {
        now.0 < self.until
    }
}

impl Draft {
    /// Forgets the time, and with it the key: another time is another booking.
    pub(super) fn without_time(mut self) -> Self {
        self.chosen = None;
        self.key.clear();
        self
    }
    /// The draft of the next booking of the same visit.
    pub(super) fn next(&self) -> Self {
        Self { whom: self.whom.clone(), notify: self.notify, ..Self::default() }
    }
}

impl Visiting {
    /// The visit's draft; an empty one if there is none.
    pub(super) async fn draft(&self, visit: &Visit) -> ApiResult<Draft> {
        let kept = self.app.engine.vault().visit_draft(visit).await?;
        let read = kept.filter(|(schema, _)| *schema == SCHEMA);
        Ok(read.and_then(|(_, bytes)| postcard::from_bytes(bytes.expose()).ok()).unwrap_or_default())
    }
    /// Keeps the draft.
    pub(super) async fn keep(&self, visit: &Visit, draft: &Draft) -> ApiResult<()> {
        let bytes = Phi::new(postcard::to_stdvec(draft).map_err(Problem::internal)?);
        Ok(self.app.engine.vault().keep_visit_draft(visit, SCHEMA, &bytes).await?)
    }
}
