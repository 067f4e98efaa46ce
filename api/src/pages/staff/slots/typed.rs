//! A slot as it is typed, alone or in a pattern.

use crate::http::clinics::slot_form::{SlotForm, SlotPublication};
use crate::http::clinics::slots::SlotDetails;
use booking_domain::time::{Tz, WallDate, WallTime, resolve};
use serde::Deserialize;

/// The fields that every form of a slot has.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    pub(super) revision: Option<u64>,
    pub(super) key: String,
    #[serde(rename = "do")]
    pub(super) what: String,
    pub(super) agenda: String,
    pub(super) date: String,
    pub(super) start: String,
    pub(super) end: String,
    pub(super) activity: String,
    pub(super) title: String,
    pub(super) interval: String,
    pub(super) modality: String,
    /// `usual`, `at` or `before`.
    pub(super) publication: String,
    pub(super) publication_date: String,
    pub(super) publication_time: String,
    pub(super) publication_minutes: String,
    pub(super) agendas: Vec<String>,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) weekdays: Vec<String>,
    /// Last day of a weekly recurrence; empty: none.
    pub(super) until: String,
    pub(super) every: String,
    /// Days that a recurrence leaves out, one a line.
    pub(super) except: String,
}

fn optional(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

impl Typed {
    /// The slot, for the API.
    pub(super) fn slot(&self, zone: Tz) -> SlotForm {
        SlotForm {
            start: self.start.clone(),
            end: self.end.clone(),
            start_offset: None,
            end_offset: None,
            activity: self.activity.parse().ok(),
            title: optional(&self.title),
            interval_minutes: self.interval.trim().parse().ok(),
            modality: optional(&self.modality),
            publication: self.publication(zone),
        }
    }

    fn publication(&self, zone: Tz) -> Option<SlotPublication> {
        match self.publication.as_str() {
            "at" => {
                let when = WallDate::parse(&self.publication_date).zip(WallTime::parse(&self.publication_time));
                let at = when.map(|(date, time)| resolve(date, time, zone).first_or_next().rfc3339(zone));
                // What cannot be read goes to the API, which says so.
                Some(SlotPublication::At(at.unwrap_or_default()))
            }
            "before" => Some(SlotPublication::MinutesBefore(self.publication_minutes.trim().parse().unwrap_or(0))),
            _ => None,
        }
    }

    /// As a slot stands.
    pub(super) fn of(slot: &SlotDetails, zone: Tz) -> Self {
        let mut typed = Self {
            revision: Some(slot.revision),
            agenda: slot.agenda.to_string(),
            date: slot.when.date.clone(),
            start: slot.when.start_time.clone(),
            end: slot.when.end_time.clone(),
            activity: slot.activity.map(|id| id.to_string()).unwrap_or_default(),
            title: slot.title.clone().unwrap_or_default(),
            interval: slot.interval_minutes.to_string(),
            modality: slot.modality.unwrap_or_default().to_owned(),
            ..Self::default()
        };
        match &slot.publication {
            Some(SlotPublication::At(at)) => {
                "at".clone_into(&mut typed.publication);
                if let Ok(at) = crate::http::wire::instant("at", at) {
                    let (date, time) = at.wall(zone);
                    (typed.publication_date, typed.publication_time) = (date.to_string(), time.to_string());
                }
            }
            Some(SlotPublication::MinutesBefore(minutes)) => {
                "before".clone_into(&mut typed.publication);
                typed.publication_minutes = minutes.to_string();
            }
            Some(SlotPublication::Unknown(_)) | None => {}
        }
        typed
    }
}
