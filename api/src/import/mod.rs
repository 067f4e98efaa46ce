//! A clinic from files: `clinic.toml`, `patients.csv`, `schedules.csv` and calendars (`docs/import.md`).
//!
//! Three steps, and nothing is appended before the third:
//! 1. *Read* everything, going on after each mistake, so that one run reports all of them with file and line.
//! 2. *Try out* what was read: the domain decides every command on a copy of the clinic and of each day.
//! 3. *Apply* it through the engine's commands, like any other client.
//!
//! It can be repeated: ids follow from external keys ([`ids`]), so a second run changes what the first one made, and
//! does nothing where nothing changed. A run that broke off is finished by running it again.
//!
//! | module | what it is for |
//! |---|---|
//! | `files`, `reader`, `rows` | texts, TOML tables and rows, with their lines |
//! | `config`, `weeks`, `slots`, `calendar`, `patients` | what each file may say |
//! | `rules`, `templates`, `days` | what that comes to, checked against the log |
//! | `apply`, `records` | the commands |
//! | `report`, `problem` | what is answered |

mod apply;
mod calendar;
mod config;
mod days;
mod files;
mod ids;
mod patients;
mod problem;
mod reader;
mod records;
mod report;
mod rows;
mod rules;
mod slots;
mod templates;
#[cfg(test)]
mod tests;
mod weeks;

pub(crate) use files::Files;
pub(crate) use ids::{Ids, clinic_of};
pub use problem::FileProblem;
pub use report::{Count, ImportError, ImportOptions, ImportReport, Invitation, Progress, Silent};

use booking_domain::ids::ClinicId;
use booking_domain::slug::{Slug, SlugOwner, decide_claim};
use booking_domain::stream::StreamName;
use booking_domain::time::Tz;
use booking_engine::Engine;
use booking_engine::vault::VaultError;
use booking_store::fold::Folded;
use config::Config;
use patients::PatientEntry;
use problem::Problems;
use slots::SlotEntry;
use std::collections::BTreeMap;
use std::path::Path;

/// Imports the files of a folder.
pub async fn import(
    engine: &Engine,
    folder: &Path,
    options: &ImportOptions,
    progress: &dyn Progress,
) -> Result<ImportReport, ImportError> {
    let problems = Problems::default();
    let files = Files::read(folder, &problems)?;
    run(engine, &files, options, progress, problems).await
}

/// Imports texts from memory.
pub(crate) async fn import_files(
    engine: &Engine,
    files: &Files,
    options: &ImportOptions,
    progress: &dyn Progress,
) -> Result<ImportReport, ImportError> {
    run(engine, files, options, progress, Problems::default()).await
}

/// Everything that the files say.
struct Parsed {
    config: Config,
    patients: Vec<PatientEntry>,
    slots: Vec<SlotEntry>,
}

async fn run(
    engine: &Engine,
    files: &Files,
    options: &ImportOptions,
    progress: &dyn Progress,
    problems: Problems,
) -> Result<ImportReport, ImportError> {
    progress.stage("files", 1);
    let parsed = parse(engine, files, options, &problems);
    progress.advance(1);
    let id = options.clinic.unwrap_or_else(|| clinic_of(&parsed.config.key));
    let known = engine.rules(id).await?;
    let ids = ids_of(engine, id).await?;
    let rules = rules::plan(&parsed.config, id, &ids, &known.state, options, &problems);
    slug(engine, id, &parsed.config, &problems).await?;
    let templates = templates::plan(engine, &parsed.config, (id, &rules.clinic), &ids, options, &problems).await?;
    let target = days::Target { id, clinic: &rules.clinic, ids: &ids, templates: &templates };
    let slots = days::plan(engine, &target, &parsed.slots, options, &problems).await?;
    if !problems.is_empty() {
        return Err(ImportError::Problems(problems.into_sorted()));
    }

    let mut report = ImportReport { clinic: id, dry_run: options.dry_run, ..ImportReport::default() };
    let draft = matches!(ids, Ids::Draft(_));
    if draft && !options.dry_run {
        // Now that nothing is in the way, the clinic gets its key, and everything the ids that follow from it.
        engine.vault().create_clinic(id, engine.now()).await?;
        return Box::pin(run(engine, files, options, progress, Problems::default())).await;
    }
    let run = apply::Run { engine, clinic: id, ids: &ids, options, progress };
    apply::Run::count(&rules.steps, &mut report);
    // The portal goes on last: nobody is to see half a clinic.
    let (last, first): (Vec<_>, Vec<_>) =
        rules.steps.into_iter().partition(|step| matches!(step.command, rules::Command::Activate));
    run.steps(&first, &mut report).await?;
    run.members(&parsed.config, &mut report).await?;
    run.templates(&templates, &mut report).await?;
    run.patients(&parsed.patients, &mut report).await?;
    run.slots(slots, &mut report).await?;
    run.steps(&last, &mut report).await?;
    Ok(report)
}

fn parse(engine: &Engine, files: &Files, options: &ImportOptions, problems: &Problems) -> Parsed {
    if files.clinic.is_none() {
        problems.push(problem::At::row(config::FILE, 0).problem("", "is missing"));
    }
    let config = files.clinic.as_deref().map(|text| config::read(text, problems)).unwrap_or_default();
    let zone = config.zone.parse().unwrap_or(Tz::America__Toronto);
    let today = engine.now().wall(zone).0;
    let start = options.start.unwrap_or(today);
    let agendas: BTreeMap<&str, bool> =
        config.practitioners.iter().map(|(entry, _)| (entry.key.as_str(), entry.agenda)).collect();
    let activities: BTreeMap<&str, bool> =
        config.activities.iter().map(|(entry, _)| (entry.key.as_str(), true)).collect();
    let mut patients = Vec::new();
    if let Some(text) = &files.patients {
        patients = patients::read(text, today, |key| agendas.contains_key(key), problems);
    }
    let mut slots = Vec::new();
    if let Some(text) = &files.schedules {
        slots = slots::read(text, zone, problems);
    }
    for (name, text) in &files.calendars {
        slots.extend(calendar::read(name, text, zone, problems));
    }
    config.templates.iter().for_each(|(entry, _)| slots.extend(entry.laid(start)));
    config.recurrences.iter().for_each(|(entry, at)| slots.extend(entry.laid(at, start)));
    slots::check(&slots, &agendas, &activities, problems);
    Parsed { config, patients, slots }
}

async fn ids_of(engine: &Engine, id: ClinicId) -> Result<Ids, ImportError> {
    match engine.vault().clinic_keys(id).await {
        Ok(keys) => Ok(Ids::Keyed(keys)),
        Err(VaultError::UnknownClinic(_)) => Ok(Ids::Draft(id)),
        Err(error) => Err(error.into()),
    }
}

/// The portal's address must not be another clinic's.
async fn slug(engine: &Engine, id: ClinicId, config: &Config, problems: &Problems) -> Result<(), ImportError> {
    let Some((portal, _, at)) = &config.portal else { return Ok(()) };
    let Ok(slug) = Slug::parse(&portal.slug) else { return Ok(()) };
    let mut owner = Folded::<SlugOwner>::default();
    owner.catch_up(&**engine.log(), &StreamName::slug(&slug.hash())).await?;
    let used = match owner.state.clinic() {
        Some(owner) => engine.rules(owner).await?.state.portal.slugs.iter().any(|s| s == slug.as_str()),
        None => false,
    };
    if let Err(refusal) = decide_claim(&owner.state, id, &slug, engine.now(), used) {
        problems.push(at.problem("slug", refusal.to_string()));
    }
    Ok(())
}
