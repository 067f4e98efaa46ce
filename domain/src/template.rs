//! A schedule template: a set of slots that can be laid down again from a chosen day (3.7).
//!
//! Stream `template-{template}`. The names of the events *are* the storage format. A template is never changed
//! (R96) and its name is not unique (R93); deleting it leaves the slots that it laid down (R98).

use crate::clinic::PublicationOverride;
use crate::ids::{ActivityId, ClinicId, PractitionerId, TemplateId};
use crate::time::{WallDate, WallTime};
use crate::values::{BadField, Modality, Stale, Stamp, check_match, check_range, check_text};

/// One slot of a template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TemplateSlot {
    /// Calendar days after the first day that the template is laid on.
    pub day_offset: u16,
    /// Wall time of the start.
    pub start: WallTime,
    /// Wall time of the end, up to 24:00.
    pub end: WallTime,
    /// Activity; a slot without one is never online.
    pub activity: Option<ActivityId>,
    /// Title; required when there is no activity (R91).
    pub title: Option<String>,
    /// Length of each availability, in minutes.
    pub interval_minutes: u16,
    /// How appointments in it take place; none: as the activity says.
    pub modality: Option<Modality>,
    /// Its own publication; never [`PublicationOverride::At`], since a template has no date.
    pub publication: PublicationOverride,
}

/// A template was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TemplateCreated {
    /// The template.
    pub template: TemplateId,
    /// The clinic that it belongs to (R94).
    pub clinic: ClinicId,
    /// The practitioner that it belongs to (R94).
    pub practitioner: PractitionerId,
    /// Its name, not unique.
    pub name: String,
    /// Number of days that it covers.
    pub day_span: u16,
    /// Its slots; at least one.
    pub slots: Vec<TemplateSlot>,
}

/// What happens to a template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TemplateEvent {
    /// See [`TemplateCreated`].
    TemplateCreated(TemplateCreated),
    /// It was taken off the list; slots already laid down stay (R98).
    TemplateDeleted,
}

/// A template as its events made it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Template {
    /// None until it is made.
    pub created: Option<TemplateCreated>,
    /// It was taken off the list.
    pub deleted: bool,
    /// Revision that last touched it.
    pub touched: u64,
}

impl Template {
    /// Takes in an event of this stream, oldest first.
    pub fn evolve(&mut self, event: &TemplateEvent, stamp: Stamp) {
        self.touched = stamp.revision;
        match event {
            TemplateEvent::TemplateCreated(e) => self.created = Some(e.clone()),
            TemplateEvent::TemplateDeleted => self.deleted = true,
        }
    }
}

/// Why a command on a template is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TemplateRefusal {
    /// The id belongs to another template; a template is never changed (R96).
    #[error("this template exists already, and a template is never changed: make a new one")]
    AlreadyCreated,
    /// There is no such template.
    #[error("there is no such template")]
    UnknownTemplate,
    /// The resource changed since it was read.
    #[error(transparent)]
    Stale(#[from] Stale),
    /// A field breaks a rule of form.
    #[error(transparent)]
    BadField(#[from] BadField),
}

type Decision = Result<Vec<TemplateEvent>, TemplateRefusal>;

/// `CreateTemplate`. Slots may overlap (R95); that the activities exist is for the caller to check.
pub fn decide_create_template(template: &Template, command: TemplateCreated) -> Decision {
    match &template.created {
        Some(known) if *known == command => return Ok(vec![]),
        Some(_) => return Err(TemplateRefusal::AlreadyCreated),
        None => {}
    }
    check_text("name", &command.name, 1, 200)?;
    check_range("day_span", command.day_span, 1, 366)?;
    check_range("slots", command.slots.len(), 1, 500)?;
    command.slots.iter().try_for_each(|slot| check_slot(slot, command.day_span))?;
    Ok(vec![TemplateEvent::TemplateCreated(command)])
}

fn check_slot(slot: &TemplateSlot, day_span: u16) -> Result<(), BadField> {
    if slot.day_offset >= day_span {
        return Err(BadField::new("slots.day_offset", "lies beyond the days that the template covers"));
    }
    if slot.end > WallTime::END_OF_DAY {
        return Err(BadField::new("slots.end", "must not be later than 24:00"));
    }
    if slot.start >= slot.end {
        return Err(BadField::new("slots.start", "must be earlier than the end"));
    }
    check_range("slots.interval_minutes", slot.interval_minutes, 1, slot.end.0 - slot.start.0)?;
    if slot.activity.is_none() && slot.title.is_none() {
        return Err(BadField::new("slots.title", "is required when there is no activity"));
    }
    slot.title.as_deref().map_or(Ok(()), |title| check_text("slots.title", title, 1, 200))?;
    if matches!(slot.modality, Some(Modality::Unknown(_))) {
        return Err(BadField::new("slots.modality", "is not known"));
    }
    match slot.publication {
        PublicationOverride::None => Ok(()),
        PublicationOverride::MinutesBefore(minutes) => check_range("slots.publication", minutes, 1, 527_040),
        PublicationOverride::At(_) => {
            Err(BadField::new("slots.publication", "must count back from the start: a template has no date"))
        }
        PublicationOverride::Unknown(_) => Err(BadField::new("slots.publication", "is not known")),
    }
}

/// `DeleteTemplate`.
pub fn decide_delete_template(template: &Template, if_match: Option<u64>) -> Decision {
    if template.created.is_none() {
        return Err(TemplateRefusal::UnknownTemplate);
    }
    if template.deleted {
        return Ok(vec![]);
    }
    check_match(if_match, template.touched)?;
    Ok(vec![TemplateEvent::TemplateDeleted])
}

/// The template's slots on their dates, in its own order, when it is laid from `first_day` on; none if it was deleted.
///
/// What a wall time means on its date, and whether it exists there, is for the caller to resolve (8.19).
pub fn lay_down(template: &Template, first_day: WallDate) -> impl Iterator<Item = (WallDate, &TemplateSlot)> {
    let created = template.created.as_ref().filter(|_| !template.deleted);
    let slots = created.map_or(&[][..], |c| &c.slots);
    slots.iter().map(move |slot| (first_day.plus_days(i32::from(slot.day_offset)), slot))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot() -> TemplateSlot {
        TemplateSlot {
            day_offset: 0,
            start: WallTime(540),
            end: WallTime(720),
            activity: Some(ActivityId::from_bytes([1; 16])),
            title: None,
            interval_minutes: 20,
            modality: None,
            publication: PublicationOverride::None,
        }
    }
    fn with(slots: Vec<TemplateSlot>) -> TemplateCreated {
        let (template, clinic) = (TemplateId::from_bytes([2; 16]), ClinicId::from_bytes([3; 16]));
        let practitioner = PractitionerId::from_bytes([4; 16]);
        TemplateCreated { template, clinic, practitioner, name: "Week".into(), day_span: 7, slots }
    }
    fn given(command: TemplateCreated) -> Template {
        let mut template = Template::default();
        for event in decide_create_template(&template, command).unwrap() {
            template.evolve(&event, Stamp::default());
        }
        template
    }
    #[track_caller]
    fn assert_bad(field: &str, change: impl FnOnce(&mut TemplateSlot)) {
        let mut bad = slot();
        change(&mut bad);
        match decide_create_template(&Template::default(), with(vec![slot(), bad])) {
            Err(TemplateRefusal::BadField(found)) => assert_eq!(found.field, field),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_template_is_made_once_and_never_changed() {
        let template = given(with(vec![slot()]));
        assert_eq!(decide_create_template(&template, with(vec![slot()])), Ok(vec![]));
        let other = decide_create_template(&template, with(vec![slot(), slot()]));
        assert_eq!(other, Err(TemplateRefusal::AlreadyCreated));
    }

    #[test]
    fn every_slot_is_checked_like_a_slot() {
        assert_bad("slots.day_offset", |s| s.day_offset = 7);
        assert_bad("slots.start", |s| s.start = s.end);
        assert_bad("slots.end", |s| s.end = WallTime(1441));
        assert_bad("slots.interval_minutes", |s| s.interval_minutes = 0);
        assert_bad("slots.interval_minutes", |s| s.interval_minutes = 181);
        assert_bad("slots.title", |s| s.activity = None);
        assert_bad("slots.title", |s| s.title = Some("  ".into()));
        assert_bad("slots.modality", |s| s.modality = Some(Modality::Unknown(9)));
        assert_bad("slots.publication", |s| s.publication = PublicationOverride::At(crate::time::Instant(0)));
        assert_bad("slots.publication", |s| s.publication = PublicationOverride::MinutesBefore(0));
        assert_bad("slots.publication", |s| s.publication = PublicationOverride::Unknown(250));
        let end_of_day = TemplateSlot { end: WallTime::END_OF_DAY, ..slot() };
        let title_alone = TemplateSlot { activity: None, title: Some("Meeting".into()), ..slot() };
        given(with(vec![end_of_day, title_alone, slot(), slot()]));
    }

    #[test]
    fn a_template_holds_one_to_five_hundred_slots() {
        for (count, good) in [(0, false), (1, true), (500, true), (501, false)] {
            let made = decide_create_template(&Template::default(), with(vec![slot(); count]));
            assert_eq!(made.is_ok(), good, "{count}");
        }
    }

    #[test]
    fn deleting_twice_is_nothing_and_what_is_deleted_is_not_laid_down() {
        let mut template = given(with(vec![slot()]));
        assert_eq!(decide_delete_template(&Template::default(), None), Err(TemplateRefusal::UnknownTemplate));
        assert!(matches!(decide_delete_template(&template, Some(5)), Err(TemplateRefusal::Stale(_))));
        assert_eq!(decide_delete_template(&template, Some(0)), Ok(vec![TemplateEvent::TemplateDeleted]));
        template.evolve(&TemplateEvent::TemplateDeleted, Stamp { revision: 1, ..Stamp::default() });
        assert_eq!(decide_delete_template(&template, Some(0)), Ok(vec![]));
        assert_eq!(lay_down(&template, WallDate(0)).count(), 0);
    }

    #[test]
    fn slots_are_laid_from_the_first_day_on_also_over_the_end_of_a_year() {
        let template = given(with(vec![slot(), TemplateSlot { day_offset: 4, ..slot() }]));
        let first = WallDate::from_ymd(2026, 12, 28).unwrap();
        let dates: Vec<String> = lay_down(&template, first).map(|(date, _)| date.to_string()).collect();
        assert_eq!(dates, ["2026-12-28", "2027-01-01"]);
    }
}
