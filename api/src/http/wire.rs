//! Shapes that several endpoints share: texts, times, opaque references, page cursors.

use super::problem::{ApiResult, Problem};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use booking_domain::agenda_day::Selected;
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AgendaId, HoldId, PractitionerId, SlotId};
use booking_domain::time::{Instant, Span, Tz, WallDate, WallTime};
use booking_domain::values::{BadField, Localized};
use booking_engine::Place;
use serde::{Deserialize, Serialize, Serializer};
use std::ops::Deref;
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// A text in French and English.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// French.
    #[serde(default)]
    pub fr: String,
    /// English.
    #[serde(default)]
    pub en: String,
}

impl From<&Localized> for Text {
    fn from(text: &Localized) -> Self {
        Self { fr: text.fr.clone(), en: text.en.clone() }
    }
}
impl From<Text> for Localized {
    fn from(text: Text) -> Self {
        Self { fr: text.fr, en: text.en }
    }
}

/// A stretch of time, as instants and on the clinic's wall.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct When {
    /// RFC 3339 with the zone's offset.
    #[schema(example = "2026-11-24T09:30:00-05:00")]
    pub start: String,
    /// RFC 3339 with the zone's offset.
    pub end: String,
    /// Date on the clinic's wall.
    #[schema(example = "2026-11-24")]
    pub date: String,
    /// Time on the clinic's wall.
    #[schema(example = "09:30")]
    pub start_time: String,
    /// Time on the clinic's wall, up to 24:00.
    pub end_time: String,
    /// Elapsed minutes.
    pub duration_minutes: i64,
    /// The clinic's IANA zone.
    #[schema(example = "America/Toronto")]
    pub time_zone: &'static str,
}

impl When {
    /// From what is stored.
    pub fn new(span: Span, date: WallDate, start: WallTime, end: WallTime, zone: Tz) -> Self {
        Self {
            start: span.start.rfc3339(zone),
            end: span.end.rfc3339(zone),
            date: date.to_string(),
            start_time: start.to_string(),
            end_time: end.to_string(),
            duration_minutes: span.len_minutes(),
            time_zone: zone.name(),
        }
    }
}

/// What several items of an answer have in common: made once, and written out with each.
#[derive(Clone, Debug)]
pub struct Shared<T>(Arc<T>);

impl<T> Shared<T> {
    /// To be cloned for each item.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// A practitioner as patients see one.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PublicPractitioner {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Profession.
    pub profession: Text,
}

impl PublicPractitioner {
    /// From the clinic's rules; a practitioner who is not there has no name.
    pub fn of(clinic: &Clinic, id: PractitionerId) -> Self {
        let known = clinic.practitioners.get(&id);
        Self {
            id: id.0,
            name: known.map(|p| p.name.clone()).unwrap_or_default(),
            profession: known.map(|p| Text::from(&p.profession)).unwrap_or_default(),
        }
    }
}

/// An RFC 3339 instant.
pub fn instant(field: &'static str, text: &str) -> Result<Instant, BadField> {
    chrono::DateTime::parse_from_rfc3339(text)
        .map(|at| Instant::from_utc(at.to_utc()))
        .map_err(|_| BadField::new(field, "must be an RFC 3339 time such as 2026-11-24T09:30:00-05:00"))
}

/// A date `yyyy-mm-dd`.
pub fn date(field: &'static str, text: &str) -> Result<WallDate, BadField> {
    WallDate::parse(text).ok_or_else(|| BadField::new(field, "must be a date such as 2026-11-24"))
}

/// A time of day `HH:MM`, up to 24:00.
pub fn time(field: &'static str, text: &str) -> Result<WallTime, BadField> {
    WallTime::parse(text).ok_or_else(|| BadField::new(field, "must be a time such as 09:30"))
}

/// A value of a closed list, by its name.
pub fn named<T>(field: &'static str, name: &str, from_name: impl Fn(&str) -> Option<T>) -> Result<T, BadField> {
    from_name(name).ok_or_else(|| BadField::new(field, "is not one of the known values"))
}

/// A stored reference as people read it out, in two groups.
pub fn shown_reference(stored: &str) -> String {
    booking_domain::reference::Reference::parse(stored).map_or_else(|_| stored.to_owned(), |r| r.to_string())
}

/// Packs an availability into an opaque reference.
pub fn availability_ref(place: Place) -> String {
    let mut bytes = Vec::with_capacity(44);
    bytes.extend_from_slice(&place.agenda.bytes());
    bytes.extend_from_slice(&place.date.0.to_be_bytes());
    bytes.extend_from_slice(&place.selected.slot.bytes());
    bytes.extend_from_slice(&place.selected.start.0.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Unpacks a reference that [`availability_ref`] made.
pub fn parse_availability(field: &'static str, text: &str) -> Result<Place, BadField> {
    let unpack = || {
        let mut bytes = [0u8; 44];
        (URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()? == 44).then_some(())?;
        let (agenda, rest) = bytes.split_first_chunk::<16>()?;
        let (date, rest) = rest.split_first_chunk::<4>()?;
        let (slot, start) = rest.split_first_chunk::<16>()?;
        let start: [u8; 8] = start.try_into().ok()?;
        Some(Place {
            agenda: AgendaId::from_bytes(*agenda),
            date: WallDate(i32::from_be_bytes(*date)),
            selected: Selected { slot: SlotId::from_bytes(*slot), start: Instant(i64::from_be_bytes(start)) },
        })
    };
    unpack().filter(|p| in_calendar(p.date)).ok_or_else(|| BadField::new(field, "is not an availability of this API"))
}

/// Dates that stream names can hold.
fn in_calendar(date: WallDate) -> bool {
    (-62_000..2_933_000).contains(&date.0)
}

/// Where a hold stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HoldRef {
    /// The agenda.
    pub agenda: AgendaId,
    /// Wall date.
    pub date: WallDate,
    /// The hold.
    pub hold: HoldId,
}

impl HoldRef {
    /// Packs it into an opaque reference.
    pub fn pack(self) -> String {
        let mut bytes = Vec::with_capacity(36);
        bytes.extend_from_slice(&self.agenda.bytes());
        bytes.extend_from_slice(&self.date.0.to_be_bytes());
        bytes.extend_from_slice(&self.hold.bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }
    /// Unpacks what [`HoldRef::pack`] made.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0u8; 36];
        (URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()? == 36).then_some(())?;
        let (agenda, rest) = bytes.split_first_chunk::<16>()?;
        let (date, hold) = rest.split_first_chunk::<4>()?;
        let hold: [u8; 16] = hold.try_into().ok()?;
        let date = WallDate(i32::from_be_bytes(*date));
        in_calendar(date).then_some(Self {
            agenda: AgendaId::from_bytes(*agenda),
            date,
            hold: HoldId::from_bytes(hold),
        })
    }
}

/// An opaque cursor of a page.
pub fn cursor<T: Serialize>(key: &T) -> String {
    URL_SAFE_NO_PAD.encode(postcard::to_stdvec(key).unwrap_or_default())
}

/// Reads a cursor back.
pub fn parse_cursor<T: for<'de> Deserialize<'de>>(text: Option<&str>) -> ApiResult<Option<T>> {
    let Some(text) = text else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    let key = bytes.and_then(|b| postcard::from_bytes(&b).ok());
    key.map(Some).ok_or_else(|| Problem::bad_parameter("cursor", "is not a cursor that this API gave"))
}

/// A page's length: `default` if none is asked for, never more than `max`.
pub fn page_limit(asked: Option<u32>, default: usize, max: usize) -> ApiResult<usize> {
    match asked {
        None => Ok(default),
        Some(0) => Err(Problem::bad_parameter("limit", "must be at least 1")),
        Some(n) => Ok(usize::try_from(n).unwrap_or(max).min(max)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_read_back_and_nothing_else_does() {
        let place = Place {
            agenda: AgendaId::from_bytes([1; 16]),
            date: WallDate(20_000),
            selected: Selected { slot: SlotId::from_bytes([2; 16]), start: Instant(-5) },
        };
        let text = availability_ref(place);
        assert_eq!(parse_availability("availability", &text), Ok(place));
        for wrong in ["", "AAAA", &text[1..], &format!("{text}A")] {
            assert!(parse_availability("availability", wrong).is_err(), "{wrong}");
        }
        let hold = HoldRef { agenda: place.agenda, date: place.date, hold: HoldId::from_bytes([3; 16]) };
        assert_eq!(HoldRef::parse(&hold.pack()), Some(hold));
    }
}
