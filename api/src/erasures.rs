//! Carrying out erasures: whose keys go, the list outside the databases, the keys themselves.
//!
//! The erasure list is the log's own `subject-erased` events. A copy stands in `checkpoints/erasures.ndjson`, one line
//! for each person, so that neither an older log nor an older vault brings somebody back: a start destroys whatever key
//! the vault still has of somebody on either list, before the service is ready. What a crash leaves undone, the next
//! start or the next minute does.

mod late;

use crate::app::App;
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads;
use anyhow::Context as _;
use booking_domain::erasure::Stage;
use booking_domain::ids::{ClinicId, PatientId, SubjectId};
use booking_domain::time::Instant;
use booking_domain::values::ErasureBasis;
use booking_engine::{Actor, Context};
use booking_projections::appointments::AppointmentRow;
use booking_projections::erasures::ErasureRow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The copy of the erasure list, in the data directory.
pub const LIST: &str = "checkpoints/erasures.ndjson";
/// How long a command waits for the views that say what belongs to a person.
const PATIENCE: Duration = Duration::from_secs(10);
/// Contacts that one round of the sweep looks at in a clinic.
const AT_ONCE: usize = 500;

/// One line of the list's copy.
#[derive(serde::Serialize, serde::Deserialize, PartialEq, Eq, PartialOrd, Ord, Clone, Copy, Debug)]
struct Line {
    clinic: ClinicId,
    subject: SubjectId,
}

/// Whether everybody on the list is gone from the vault, and what the list's copy holds.
pub struct ErasureList {
    path: PathBuf,
    applied: AtomicBool,
    copied: Mutex<BTreeSet<Line>>,
    /// Up to where the contacts of each clinic were looked through by this process.
    looked: Mutex<BTreeMap<ClinicId, Instant>>,
    /// Who was erased, for what is found of them later.
    late: tokio::sync::Mutex<late::Erased>,
}

impl ErasureList {
    /// Reads the copy of a data directory. A last line that a crash cut off is left out: its person is on the log's own
    /// list.
    pub fn open(data: &Path) -> anyhow::Result<Self> {
        let path = data.join(LIST);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let read = |(index, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("line {} of {} cannot be read", index + 1, path.display()))
        };
        let copied = whole.enumerate().map(read).collect::<anyhow::Result<_>>()?;
        let (applied, looked, late) = (AtomicBool::new(false), Mutex::default(), tokio::sync::Mutex::default());
        Ok(Self { path, applied, copied: Mutex::new(copied), looked, late })
    }

    /// Nobody on the list has a key any more: the service may be ready.
    pub fn applied(&self) -> bool {
        self.applied.load(Ordering::Acquire)
    }

    /// Adds to the copy, on the disk before this answers. A failed fsync stops the process: nobody knows what is there.
    fn copy(&self, lines: impl IntoIterator<Item = Line>) -> anyhow::Result<()> {
        let mut copied = self.copied.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let new: Vec<Line> = lines.into_iter().filter(|line| !copied.contains(line)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        for line in &new {
            text.push_str(&serde_json::to_string(line)?);
            text.push('\n');
        }
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = std::fs::OpenOptions::new().create(true).append(true).read(true).open(&self.path)?;
        // What a crash cut off goes: its person is written anew.
        let mut known = Vec::new();
        file.read_to_end(&mut known)?;
        let whole = known.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        if whole < known.len() {
            file.set_len(u64::try_from(whole)?)?;
        }
        file.write_all(text.as_bytes())?;
        if let Err(error) = file.sync_all() {
            tracing::error!(%error, "the erasure list could not be made durable; the process stops");
            std::process::exit(70);
        }
        copied.extend(new);
        Ok(())
    }
}

/// What belongs to a person: the records, the persons whose keys go, and when the last appointment ends.
#[derive(Debug)]
pub struct Belongings {
    /// The record, and all that are merged into it; none for a provisional contact.
    pub records: Vec<PatientId>,
    /// Everybody whose key goes.
    pub subjects: Vec<SubjectId>,
    /// Until when the data must be kept.
    pub keep_until: Option<Instant>,
}

/// Whom a request is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Person {
    /// Somebody with a record.
    Patient(PatientId),
    /// Somebody whose contact details came with an appointment, and were never attached.
    Provisional(SubjectId),
}

impl Person {
    /// The subject that the erasure's stream is named after.
    pub fn subject(self) -> SubjectId {
        match self {
            Self::Patient(patient) => patient.into(),
            Self::Provisional(subject) => subject,
        }
    }
    /// The record, if there is one.
    pub const fn patient(self) -> Option<PatientId> {
        match self {
            Self::Patient(patient) => Some(patient),
            Self::Provisional(_) => None,
        }
    }
    /// Whom a row of the view is about.
    pub fn of_row(subject: SubjectId, row: &ErasureRow) -> Self {
        row.patient.map_or(Self::Provisional(subject), Self::Patient)
    }
}

/// Everything of a person, read from views that have seen the log's head.
pub async fn belongings(app: &App, clinic: ClinicId, person: Person) -> ApiResult<Belongings> {
    if let Some(head) = app.log().head().await? {
        let waits = ["appointments", "patients"].map(|view| app.views.wait_for(view, head, PATIENCE));
        if !futures::future::join_all(waits).await.into_iter().all(|reached| reached) {
            return Err(Problem::internal("the views are too far behind to say what belongs to a person"));
        }
    }
    let retention = app.engine.rules(clinic).await?.state.retention;
    match person {
        Person::Patient(patient) => {
            let records = app.views.directory.merged_ids(patient);
            let appointments = app.views.appointments.of_patient(clinic, &records).await.map_err(reads::unanswered)?;
            let mut subjects: BTreeSet<SubjectId> = records.iter().map(|record| (*record).into()).collect();
            subjects.extend(appointments.iter().map(|row| row.subject));
            let keep_until = last(&appointments).map(|end| retention.of_patient(end));
            Ok(Belongings { records, subjects: subjects.into_iter().collect(), keep_until })
        }
        Person::Provisional(subject) => {
            let appointments = app.views.appointments.of_subject(subject).await.map_err(reads::unanswered)?;
            // What was attached meanwhile is kept with its record.
            let attached = appointments.iter().any(|row| row.patient.is_some());
            let keep_until = last(&appointments).filter(|_| attached).map(|end| retention.of_patient(end));
            Ok(Belongings { records: vec![], subjects: vec![subject], keep_until })
        }
    }
}

/// When the last of these appointments ends; a cancelled one counts until it would have been.
fn last(appointments: &[AppointmentRow]) -> Option<Instant> {
    appointments.iter().map(|row| row.placement.span.end).max()
}

/// Carries out what was approved, if nothing came up against it. Answers how far it is now.
pub async fn carry_out(app: &App, ctx: &Context, person: Person) -> ApiResult<Stage> {
    let before = belongings(app, ctx.clinic, person).await?;
    let known = app.engine.erasure(person.subject()).await?;
    let kept = known.state.held || before.keep_until.is_some_and(|until| app.engine.now() < until);
    let approved = matches!(known.state.stage, Stage::Approved(at) if at <= app.engine.now());
    if approved && !kept {
        app.engine.close_records(ctx, &before.records).await?;
    }
    // Looked at again: what was attached while the records were still open goes with them.
    let all = belongings(app, ctx.clinic, person).await?;
    let done = app.engine.erase(ctx, person.subject(), &all.subjects, before.keep_until).await?;
    destroy(app, ctx.clinic, done.folded.state.erased.iter().copied().collect()).await?;
    Ok(done.folded.state.stage)
}

/// Copies the list, then destroys the keys and what waits in the vault for these persons.
async fn destroy(app: &App, clinic: ClinicId, subjects: Vec<SubjectId>) -> ApiResult<()> {
    app.erasures.copy(subjects.iter().map(|subject| Line { clinic, subject: *subject })).map_err(Problem::internal)?;
    let records: Vec<PatientId> = subjects.iter().map(|subject| PatientId(subject.0)).collect();
    let destroyed = app.engine.vault().destroy_subjects(clinic, &subjects, app.engine.now()).await?;
    app.views.directory.forget(&records);
    if destroyed > 0 {
        tracing::info!(destroyed, "keys of erased persons were destroyed");
    }
    Ok(())
}

/// Destroys every key that the vault still has of somebody on the list: the copy's and, once the view has seen the log's
/// head, the log's own.
pub async fn apply(app: &App, patience: Duration) -> anyhow::Result<()> {
    let mut listed: BTreeMap<ClinicId, BTreeSet<SubjectId>> = BTreeMap::new();
    let copied = app.erasures.copied.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    for line in copied {
        listed.entry(line.clinic).or_default().insert(line.subject);
    }
    let head = app.log().head().await?;
    let seen = match head {
        Some(head) => app.views.wait_for("erasures", head, patience).await,
        None => true,
    };
    for (_, row) in app.views.erasures.carried_out().await? {
        listed.entry(row.clinic).or_default().extend(row.erased);
    }
    for (clinic, subjects) in listed {
        let subjects: Vec<SubjectId> = subjects.into_iter().collect();
        let back = match app.engine.vault().with_key(clinic, &subjects).await {
            Ok(back) => back,
            // A copy that is older than the vault's clinics, or of another installation.
            Err(booking_engine::vault::VaultError::UnknownClinic(_)) => continue,
            Err(error) => return Err(error.into()),
        };
        if !back.is_empty() {
            tracing::warn!(persons = back.len(), "the vault had keys of erased persons: an older copy was restored");
        }
        destroy(app, clinic, subjects).await.map_err(|problem| anyhow::anyhow!(problem.title))?;
    }
    if seen {
        app.erasures.applied.store(true, Ordering::Release);
    }
    Ok(())
}

/// A command of the system itself.
fn by_itself(app: &App, clinic: ClinicId) -> Context {
    let (command, received_at) = (app.engine.fresh_command(), app.engine.now());
    Context { clinic, actor: Actor::System, command, received_at, body_hash: None, traceparent: None }
}

/// What is due: the list after a start that could not apply it, approved erasures, contacts that nobody attached,
/// and whatever was found of somebody who was erased before.
pub async fn sweep(app: &App) {
    let outcome = async {
        if !app.erasures.applied() {
            apply(app, PATIENCE).await?;
        }
        let told = |problem: Problem| anyhow::anyhow!("{}: {}", problem.code, problem.title);
        for (subject, row) in app.views.erasures.due(app.engine.now()).await? {
            carry_out(app, &by_itself(app, row.clinic), Person::of_row(subject, &row)).await.map_err(told)?;
        }
        late::follow(app).await.map_err(told)?;
        for clinic in app.views.clinics.clinics() {
            if let Some(id) = clinic.id() {
                forget_contacts(app, id).await.map_err(told)?;
            }
        }
        anyhow::Ok(())
    };
    if let Err(error) = outcome.await
        && !app.stop.is_cancelled()
    {
        tracing::warn!(%error, "what is to be forgotten could not all be; tried again in a minute");
    }
}

/// Erases provisional contacts that nobody attached in time. Only what became due since the last round is looked at.
async fn forget_contacts(app: &App, clinic: ClinicId) -> ApiResult<()> {
    let now = app.engine.now();
    let retention = app.engine.rules(clinic).await?.state.retention;
    let due = now.plus_minutes(-i64::from(retention.provisional_days) * 24 * 60);
    let from = {
        let looked = app.erasures.looked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        looked.get(&clinic).copied().unwrap_or(Instant::MIN)
    };
    let rows = app.views.appointments.unattached(clinic, (from, due), AT_ONCE).await.map_err(reads::unanswered)?;
    let mut next = if rows.len() < AT_ONCE { due } else { rows.last().map_or(due, |row| row.placement.span.start) };
    for row in &rows {
        forget_contact(app, clinic, row, now).await?;
        // It began so long ago, and did not end so long ago: the next round comes back to it.
        if retention.of_provisional(row.placement.span.end) > now {
            next = next.min(row.placement.span.start);
        }
    }
    app.erasures.looked.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(clinic, next);
    Ok(())
}

/// What a legal hold keeps back is looked at again when it is released.
async fn forget_contact(app: &App, clinic: ClinicId, row: &AppointmentRow, now: Instant) -> ApiResult<()> {
    let of_person = app.views.appointments.of_subject(row.subject).await.map_err(reads::unanswered)?;
    let retention = app.engine.rules(clinic).await?.state.retention;
    let attached = of_person.iter().any(|row| row.patient.is_some());
    let over = last(&of_person).is_some_and(|end| retention.of_provisional(end) <= now);
    if attached || !over {
        return Ok(());
    }
    let known = app.engine.erasure(row.subject).await?;
    if known.state.stage != Stage::None || known.state.held {
        return Ok(());
    }
    let person = Person::Provisional(row.subject);
    let step = || by_itself(app, clinic);
    app.engine.request_erasure(&step(), (row.subject, None), ErasureBasis::RetentionEnd, None).await?;
    let decided = app.engine.decide_erasure(&step(), row.subject, true, None, None, None).await?;
    // The clinic had its days; whoever wants to keep it longer places a legal hold within the cooling-off.
    if matches!(decided.folded.state.stage, Stage::Approved(at) if at <= now) {
        carry_out(app, &step(), person).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: u8) -> Line {
        Line { clinic: ClinicId::from_bytes([1; 16]), subject: SubjectId::from_bytes([n; 16]) }
    }

    #[test]
    fn the_copy_is_read_back_and_a_line_that_was_cut_off_costs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let list = ErasureList::open(folder.path()).unwrap();
        list.copy([line(1), line(2)]).unwrap();
        list.copy([line(2)]).unwrap();
        let path = folder.path().join(LIST);
        let whole = std::fs::read_to_string(&path).unwrap();
        assert_eq!(whole.lines().count(), 2, "nobody is listed twice");

        std::fs::write(&path, &whole[..whole.len() - 20]).unwrap();
        let list = ErasureList::open(folder.path()).unwrap();
        assert_eq!(*list.copied.lock().unwrap(), BTreeSet::from([line(1)]));
        list.copy([line(3)]).unwrap();
        let list = ErasureList::open(folder.path()).unwrap();
        assert_eq!(*list.copied.lock().unwrap(), BTreeSet::from([line(1), line(3)]));
    }

    #[test]
    fn a_copy_that_was_damaged_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("checkpoints")).unwrap();
        std::fs::write(folder.path().join(LIST), "{}\n").unwrap();
        assert!(ErasureList::open(folder.path()).is_err());
    }
}
