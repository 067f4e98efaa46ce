//! A slot in JSON, alone, on a date, or on a date of an agenda, and the way to the engine's draft.

use crate::http::wire::{instant, named, time};
use booking_domain::clinic::PublicationOverride;
use booking_domain::ids::{ActivityId, AgendaId};
use booking_domain::time::{Tz, WallDate};
use booking_domain::values::{BadField, Modality, check_range};
use booking_engine::SlotDraft;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A slot's own publication, in the place of its services' (8.29).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SlotPublication {
    /// At this instant, RFC 3339.
    #[schema(example = "2026-11-22T08:00:00-05:00")]
    At(String),
    /// So many minutes of elapsed time before the start: 1 to 527040.
    MinutesBefore(u32),
    /// Of a newer release, by its code; nothing is published. Only read, never sent.
    #[serde(skip_deserializing)]
    Unknown(u8),
}

impl SlotPublication {
    /// As JSON.
    pub fn of(publication: PublicationOverride, zone: Tz) -> Option<Self> {
        match publication {
            PublicationOverride::None => None,
            PublicationOverride::At(at) => Some(Self::At(at.rfc3339(zone))),
            PublicationOverride::MinutesBefore(minutes) => Some(Self::MinutesBefore(minutes)),
            PublicationOverride::Unknown(code) => Some(Self::Unknown(code)),
        }
    }
    /// As the domain has it.
    pub fn parse(form: Option<&Self>) -> Result<PublicationOverride, BadField> {
        match form {
            None => Ok(PublicationOverride::None),
            Some(Self::At(at)) => instant("publication.at", at).map(PublicationOverride::At),
            Some(Self::MinutesBefore(minutes)) => {
                check_range("publication.minutes_before", *minutes, 1, 527_040)?;
                Ok(PublicationOverride::MinutesBefore(*minutes))
            }
            Some(Self::Unknown(_)) => Err(BadField::new("publication", "is not one of the known values")),
        }
    }
}

/// Declares a request that has a slot's fields and some of its own. Not by `flatten`: the schemas of strict objects
/// cannot be joined, and a refusal would not say which field it means.
macro_rules! slot_form {
    ($(#[$doc:meta])* $name:ident { $($(#[$own_doc:meta])* $own:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $($(#[$own_doc])* pub $own: $kind,)*
            /// `HH:MM` on the clinic's wall.
            #[schema(example = "09:00")]
            pub start: String,
            /// `HH:MM` on the clinic's wall, up to 24:00.
            #[schema(example = "12:00")]
            pub end: String,
            /// Offset of the start from UTC (`-05:00`), for a time that the clock shows twice that day. Not in bulk, which
            /// takes the first.
            #[serde(default)]
            pub start_offset: Option<String>,
            /// Offset of the end from UTC, likewise.
            #[serde(default)]
            pub end_offset: Option<String>,
            /// Activity; a slot without one is never online.
            #[serde(default)]
            pub activity: Option<Uuid>,
            /// Title; required when there is no activity (R91).
            #[serde(default)]
            pub title: Option<String>,
            /// Length of each appointment; none: the activity's duration (R92), or the whole slot without an activity.
            #[serde(default)]
            pub interval_minutes: Option<u16>,
            /// `in_person`, `video`, `telephone` or `home_visit`; none: the activity's.
            #[serde(default)]
            pub modality: Option<String>,
            /// Its own publication; none: its services'.
            #[serde(default)]
            pub publication: Option<SlotPublication>,
        }
    };
}

slot_form! {
    /// A slot as it is to be, on a day that is given beside it.
    SlotForm {}
}

slot_form! {
    /// A slot on a date.
    DatedSlot {
        /// Date on the clinic's wall.
        #[schema(example = "2026-11-24")]
        date: String,
    }
}

slot_form! {
    /// A slot on a date of an agenda.
    PlacedSlot {
        /// The agenda.
        agenda: Uuid,
        /// Date on the clinic's wall.
        #[schema(example = "2026-11-24")]
        date: String,
    }
}

/// The slot of a request that says more than that.
macro_rules! slot_of {
    ($($name:ident)*) => {$(
        impl From<$name> for SlotForm {
            fn from(form: $name) -> Self {
                let $name {
                    start, end, start_offset, end_offset, activity, title, interval_minutes, modality, publication, ..
                } = form;
                Self {
                    start, end, start_offset, end_offset, activity, title, interval_minutes, modality, publication,
                }
            }
        }
    )*};
}

slot_of! { DatedSlot PlacedSlot }

impl SlotForm {
    /// On a day of an agenda.
    pub fn draft(&self, agenda: AgendaId, date: WallDate) -> Result<SlotDraft, BadField> {
        let offset = |field, text: &Option<String>| text.as_deref().map(|t| offset(field, t)).transpose();
        let modality = self.modality.as_deref().map(|name| named("modality", name, Modality::from_name));
        Ok(SlotDraft {
            agenda,
            date,
            start: time("start", &self.start)?,
            end: time("end", &self.end)?,
            start_offset: offset("start_offset", &self.start_offset)?,
            end_offset: offset("end_offset", &self.end_offset)?,
            activity: self.activity.map(ActivityId),
            title: self.title.clone().filter(|title| !title.trim().is_empty()),
            interval_minutes: self.interval_minutes,
            modality: modality.transpose()?,
            publication: SlotPublication::parse(self.publication.as_ref())?,
        })
    }
}

/// An offset `+HH:MM` or `-HH:MM`, in minutes.
fn offset(field: &'static str, text: &str) -> Result<i32, BadField> {
    let bad = || BadField::new(field, "must be an offset from UTC such as -05:00");
    let (sign, rest) = match text.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => return Err(bad()),
    };
    let minutes = time(field, rest).map_err(|_| bad())?;
    Ok(sign * i32::from(minutes.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::wire::date;
    use serde_json::json;

    #[test]
    fn an_offset_is_a_sign_hours_and_minutes() {
        for (text, minutes) in [("-05:00", -300), ("+05:30", 330), ("+00:00", 0), ("-03:30", -210)] {
            assert_eq!(offset("start_offset", text), Ok(minutes));
        }
        for wrong in ["", "5", "05:00", "-5:00", "Z", "−05:00", "-05:60", "--5:00"] {
            assert_eq!(offset("start_offset", wrong).unwrap_err().field, "start_offset", "{wrong}");
        }
    }

    #[test]
    fn a_publication_reads_back_in_its_documented_shape() {
        let zone = Tz::America__Toronto;
        for shape in [json!({"at": "2026-11-22T08:00:00-05:00"}), json!({"minutes_before": 90})] {
            let form: SlotPublication = serde_json::from_value(shape.clone()).unwrap();
            let domain = SlotPublication::parse(Some(&form)).unwrap();
            assert_eq!(SlotPublication::of(domain, zone).map(|f| serde_json::to_value(f).unwrap()), Some(shape));
        }
        assert_eq!(SlotPublication::parse(None), Ok(PublicationOverride::None));
        assert!(SlotPublication::parse(Some(&SlotPublication::MinutesBefore(0))).is_err());
        assert!(SlotPublication::parse(Some(&SlotPublication::At("soon".to_owned()))).is_err());
    }

    #[test]
    fn a_dated_slot_becomes_a_draft_and_unknown_fields_are_refused() {
        let (agenda, day) = (AgendaId::from_bytes([1; 16]), WallDate(20_781));
        let form: DatedSlot = serde_json::from_value(json!({
            "date": "2026-11-24", "start": "09:00", "end": "24:00", "start_offset": "-05:00", "title": " ",
            "interval_minutes": 20, "modality": "video",
        }))
        .unwrap();
        let on = date("date", &form.date).unwrap();
        let draft = SlotForm::from(form).draft(agenda, on).unwrap();
        assert_eq!((draft.agenda, draft.date, draft.start.0, draft.end.0), (agenda, day, 540, 1440));
        assert_eq!((draft.start_offset, draft.end_offset, draft.title), (Some(-300), None, None));
        assert_eq!((draft.interval_minutes, draft.modality), (Some(20), Some(Modality::Video)));
        let wrong = json!({"date": "2026-11-24", "start": "09:00", "end": "10:00", "colour": "red"});
        let error = serde_json::from_value::<DatedSlot>(wrong).unwrap_err();
        assert!(error.to_string().starts_with("unknown field"), "{error}");
    }
}
