//! Templates of `clinic.toml` against those of the log. A template is never changed (R96): another content is another
//! template, the next in the row of those that had this key, and the one before leaves the list.

use super::config::Config;
use super::ids::Ids;
use super::problem::{At, Problems};
use super::report::{Change, ImportError, ImportOptions};
use super::weeks::{TemplateEntry, TemplateSlotEntry};
use booking_domain::clinic::Clinic;
use booking_domain::ids::{ActivityId, ClinicId, TemplateId};
use booking_domain::stream::StreamName;
use booking_domain::template::{Template, TemplateCreated, TemplateRefusal, TemplateSlot, decide_create_template};
use booking_engine::Engine;
use booking_store::fold::Folded;
use std::collections::BTreeMap;

/// How many templates may have had one key.
const MAX_VERSIONS: u32 = 10_000;

/// What is to be done about one template.
#[derive(Debug)]
pub(super) struct TemplateStep {
    pub change: Change,
    pub id: TemplateId,
    pub create: Option<TemplateCreated>,
    pub delete: Option<TemplateId>,
    /// It may be laid: nobody took it off the list.
    pub lay: bool,
    pub what: String,
}

/// Checks every template and finds what is to be done, by its key.
pub(super) async fn plan(
    engine: &Engine,
    config: &Config,
    (clinic_id, clinic): (ClinicId, &Clinic),
    ids: &Ids,
    options: &ImportOptions,
    problems: &Problems,
) -> Result<BTreeMap<String, TemplateStep>, ImportError> {
    let mut steps = BTreeMap::new();
    for (entry, at) in &config.templates {
        let wanted = created(entry, clinic_id, clinic, ids);
        check(entry, &wanted, at, problems);
        let mut delete = None;
        for version in 0..MAX_VERSIONS {
            let id: TemplateId = ids.of("template", &[&entry.key, &version.to_string()]);
            let wanted = TemplateCreated { template: id, ..wanted.clone() };
            let known = read(engine, ids, id).await?;
            let what = at.path.clone();
            let step = match &known.created {
                None => {
                    let change = if version == 0 { Change::Created } else { Change::Updated };
                    TemplateStep { change, id, create: Some(wanted), delete, lay: true, what }
                }
                // Somebody took it off the list: that stands, unless the file is to have its way.
                Some(_) if options.keep_existing => TemplateStep {
                    change: Change::Unchanged,
                    id,
                    create: None,
                    delete: None,
                    lay: !known.deleted,
                    what,
                },
                Some(same) if *same == wanted && !known.deleted => {
                    TemplateStep { change: Change::Unchanged, id, create: None, delete, lay: true, what }
                }
                Some(_) => {
                    delete = Some(id).filter(|_| !known.deleted);
                    continue;
                }
            };
            steps.insert(entry.key.clone(), step);
            break;
        }
    }
    Ok(steps)
}

async fn read(engine: &Engine, ids: &Ids, id: TemplateId) -> Result<Template, ImportError> {
    let mut folded = Folded::<Template>::default();
    if matches!(ids, Ids::Keyed(_)) {
        folded.catch_up(&**engine.log(), &StreamName::template(id)).await?;
    }
    Ok(folded.state)
}

fn created(entry: &TemplateEntry, clinic_id: ClinicId, clinic: &Clinic, ids: &Ids) -> TemplateCreated {
    TemplateCreated {
        template: TemplateId::default(),
        clinic: clinic_id,
        practitioner: ids.of("practitioner", &[&entry.practitioner]),
        name: entry.name.clone(),
        day_span: entry.days,
        slots: entry.slots.iter().map(|(slot, _)| template_slot(slot, clinic, ids)).collect(),
    }
}

fn template_slot(slot: &TemplateSlotEntry, clinic: &Clinic, ids: &Ids) -> TemplateSlot {
    let activity: Option<ActivityId> = slot.activity.as_deref().map(|key| ids.of("activity", &[key]));
    let of_activity = activity.and_then(|id| clinic.activities.get(&id)).map(|a| a.duration_minutes);
    TemplateSlot {
        day_offset: slot.day,
        start: slot.start,
        end: slot.end,
        activity,
        title: slot.title.clone(),
        interval_minutes: slot
            .interval_minutes
            .or(of_activity)
            .unwrap_or_else(|| slot.end.0.saturating_sub(slot.start.0).max(1)),
        modality: slot.modality,
        publication: slot.publication,
    }
}

/// The domain's rules: of each slot by itself, so that its line can be named, then of the whole.
fn check(entry: &TemplateEntry, wanted: &TemplateCreated, at: &At, problems: &Problems) {
    let none = Template::default();
    for ((_, slot_at), slot) in entry.slots.iter().zip(&wanted.slots) {
        let alone = TemplateCreated { slots: vec![slot.clone()], name: "x".into(), ..wanted.clone() };
        if let Err(TemplateRefusal::BadField(bad)) = decide_create_template(&none, alone) {
            let field = match bad.field.strip_prefix("slots.") {
                Some("day_offset") => "day",
                Some(field) => field,
                // About the whole: reported below.
                None => continue,
            };
            problems.push(slot_at.problem(field, bad.problem));
        }
    }
    if let Err(TemplateRefusal::BadField(bad)) = decide_create_template(&none, wanted.clone()) {
        match bad.field {
            "day_span" => problems.push(at.problem("days", bad.problem)),
            "name" | "slots" => problems.push(at.problem(bad.field, bad.problem)),
            _ => {}
        }
    }
}
