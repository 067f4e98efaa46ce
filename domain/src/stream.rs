//! Stream names: closed formats, lower case, opaque, without personal data (design, section 4).
//!
//! The first `-` ends the category. No part ever comes from a user's text.

use crate::ids::{AgendaId, ClinicId, MemberId, PatientId, SubjectId, TemplateId};
use crate::time::WallDate;
use std::fmt;
use std::sync::Arc;

/// The name of one stream, the unit of consistency. A copy shares its text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamName(Arc<str>);

/// A text that is not one of our stream names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a stream name of this product: {0:?}")]
pub struct BadStreamName(pub String);

/// The categories that exist.
pub const CATEGORIES: [&str; 10] =
    ["clinic", "slug", "template", "agendaday", "quota", "patient", "staff", "demand", "access", "erasure"];

impl StreamName {
    /// `clinic-{clinic}`: portal, activities, practitioners, agendas, services, settings.
    #[must_use]
    pub fn clinic(id: ClinicId) -> Self {
        Self(format!("clinic-{}", id.0.simple()).into())
    }
    /// `slug-{hash}`: a portal address belongs to one clinic. `hash` is made by [`crate::slug::Slug::hash`].
    #[must_use]
    pub fn slug(hash: &str) -> Self {
        Self(format!("slug-{hash}").into())
    }
    /// `template-{template}`: one schedule template.
    #[must_use]
    pub fn template(id: TemplateId) -> Self {
        Self(format!("template-{}", id.0.simple()).into())
    }
    /// `agendaday-{agenda}.{yyyymmdd}`: one agenda on one clinic-local day.
    #[must_use]
    pub fn agenda_day(agenda: AgendaId, date: WallDate) -> Self {
        Self(format!("agendaday-{}.{}", agenda.0.simple(), date.compact()).into())
    }
    /// `quota-{subject}`: the future appointments that count against one person's cap.
    #[must_use]
    pub fn quota(subject: SubjectId) -> Self {
        Self(format!("quota-{}", subject.0.simple()).into())
    }
    /// `patient-{patient}`: one patient record.
    #[must_use]
    pub fn patient(id: PatientId) -> Self {
        Self(format!("patient-{}", id.0.simple()).into())
    }
    /// `staff-{member}`: one staff account.
    #[must_use]
    pub fn staff(id: MemberId) -> Self {
        Self(format!("staff-{}", id.0.simple()).into())
    }
    /// `demand-{clinic}.{yyyymmdd}.{writer}`: what was asked for and refused.
    #[must_use]
    pub fn demand(clinic: ClinicId, date: WallDate, writer: uuid::Uuid) -> Self {
        Self(format!("demand-{}.{}.{}", clinic.0.simple(), date.compact(), writer.simple()).into())
    }
    /// `access-{clinic}.{yyyymmdd}.{writer}`: who saw whose data.
    #[must_use]
    pub fn access(clinic: ClinicId, date: WallDate, writer: uuid::Uuid) -> Self {
        Self(format!("access-{}.{}.{}", clinic.0.simple(), date.compact(), writer.simple()).into())
    }

    /// `erasure-{subject}`: what became of the wish to forget one person.
    #[must_use]
    pub fn erasure(subject: SubjectId) -> Self {
        Self(format!("erasure-{}", subject.0.simple()).into())
    }

    /// Reads a name back, from a store or an address: lower-case letters, digits, `.` and `-`, a known category.
    pub fn parse(text: &str) -> Result<Self, BadStreamName> {
        let bad = || BadStreamName(text.chars().take(80).collect());
        let (category, rest) = text.split_once('-').ok_or_else(bad)?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.';
        if CATEGORIES.contains(&category) && !rest.is_empty() && rest.len() <= 120 && rest.chars().all(plain) {
            Ok(Self(text.into()))
        } else {
            Err(bad())
        }
    }

    /// The part before the first `-`.
    #[must_use]
    pub fn category(&self) -> &str {
        self.0.split_once('-').map_or(&*self.0, |(category, _)| category)
    }
    /// The agenda and day of an `agendaday-…` stream.
    #[must_use]
    pub fn as_agenda_day(&self) -> Option<(AgendaId, WallDate)> {
        let (agenda, date) = self.0.strip_prefix("agendaday-")?.split_once('.')?;
        Some((agenda.parse().ok()?, WallDate::parse_compact(date)?))
    }
    /// The id of a stream that is named after one id alone.
    #[must_use]
    pub fn id(&self) -> Option<uuid::Uuid> {
        uuid::Uuid::try_parse(self.0.split_once('-')?.1).ok()
    }
    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_stream_tells_its_agenda_and_day() {
        let agenda = AgendaId::from_bytes([7; 16]);
        let date = WallDate::from_ymd(2026, 11, 24).unwrap();
        let name = StreamName::agenda_day(agenda, date);
        assert_eq!(name.as_str(), "agendaday-07070707070707070707070707070707.20261124");
        assert_eq!(name.as_agenda_day(), Some((agenda, date)));
        assert_eq!(StreamName::parse(name.as_str()), Ok(name));
    }

    #[test]
    fn an_access_stream_belongs_to_one_clinic_day_and_writer() {
        let date = WallDate::from_ymd(2026, 11, 24).unwrap();
        let name = StreamName::access(ClinicId::from_bytes([7; 16]), date, uuid::Uuid::from_bytes([9; 16]));
        let expected = "access-07070707070707070707070707070707.20261124.09090909090909090909090909090909";
        assert_eq!((name.as_str(), name.category()), (expected, "access"));
        assert_eq!(StreamName::parse(expected), Ok(name));
    }

    #[test]
    fn foreign_names_are_refused() {
        for name in ["", "$$", "$all", "clinic-", "clinic-A", "other-00", "clinic", "clinic-a b"] {
            assert!(StreamName::parse(name).is_err(), "{name}");
        }
    }
}
