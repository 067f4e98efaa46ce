//! What an import answers, how it is told what to do, and how it says how far it is.

use super::problem::FileProblem;
use booking_domain::ids::{BulkId, ClinicId};
use booking_domain::phi::Phi;
use booking_domain::time::WallDate;
use booking_engine::Actor;
use booking_engine::vault::Token;
use booking_store::Position;
use serde::Serialize;

/// How an import runs.
#[derive(Clone, Copy, Debug)]
pub struct ImportOptions {
    /// Check everything and say what would be done; nothing is written.
    pub dry_run: bool,
    /// The clinic to import into; none: the one that follows from the file's `key`.
    pub clinic: Option<ClinicId>,
    /// What exists stays as it is, even where the files say otherwise; only what is missing is added.
    pub keep_existing: bool,
    /// The day that rolling schedules begin on; none: today at the clinic.
    pub start: Option<WallDate>,
    /// A channel for messages is set up, so that `recognition_proof = "one_time_code"` can be had.
    pub message_channel: bool,
    /// Who does it.
    pub actor: Actor,
    /// How many records are worked on at once: the log commits what waits together.
    pub in_flight: usize,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            dry_run: false,
            clinic: None,
            keep_existing: false,
            start: None,
            message_channel: false,
            actor: Actor::Operator,
            in_flight: 256,
        }
    }
}

/// How many things of one kind were made, changed, found as they are, or left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Count {
    /// Made.
    pub created: u64,
    /// Changed to what the files say.
    pub updated: u64,
    /// There already, and the same; or kept, where that was asked for.
    pub unchanged: u64,
    /// Not brought in, for a reason that stands in the notes.
    pub left_out: u64,
}

/// What became of one thing; of several commands about it the greatest counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Change {
    LeftOut,
    Unchanged,
    Updated,
    Created,
}

impl Count {
    pub(super) fn add(&mut self, change: Change) {
        match change {
            Change::Created => self.created += 1,
            Change::Updated => self.updated += 1,
            Change::Unchanged => self.unchanged += 1,
            Change::LeftOut => self.left_out += 1,
        }
    }
}

/// The kinds of things that are imported.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Kind {
    Clinic,
    Portal,
    Settings,
    Members,
    Activities,
    Practitioners,
    Agendas,
    Services,
    Templates,
    Slots,
    Patients,
}

/// A staff account that was made, with its one-time sign-in link.
#[derive(Debug)]
pub struct Invitation {
    /// The member's key in `clinic.toml`.
    pub key: String,
    /// The address, to be shown beside the link.
    pub email: Phi<String>,
    /// What the link carries; good for [`booking_engine::INVITATION_MINUTES`].
    pub token: Token,
}

/// What an import did, or would do.
#[derive(Debug, Default, Serialize)]
pub struct ImportReport {
    /// The clinic.
    pub clinic: ClinicId,
    /// Nothing was written.
    pub dry_run: bool,
    /// The clinic itself.
    pub clinics: Count,
    /// The portal: its configuration, and whether it is on.
    pub portal: Count,
    /// The settings.
    pub settings: Count,
    /// Staff accounts.
    pub members: Count,
    /// Activities.
    pub activities: Count,
    /// Practitioners.
    pub practitioners: Count,
    /// Agendas.
    pub agendas: Count,
    /// Services.
    pub services: Count,
    /// Schedule templates.
    pub templates: Count,
    /// Slots, of every source.
    pub slots: Count,
    /// Patient records.
    pub patients: Count,
    /// What was left out, and why. No reason to stop.
    pub notes: Vec<FileProblem>,
    /// The bulk commands that laid slots down, for their undo.
    pub bulks: Vec<BulkId>,
    /// New staff accounts; their links are secrets and stand in no serialized report.
    #[serde(skip)]
    pub invitations: Vec<Invitation>,
    /// Position of the last event; none if nothing was appended.
    #[serde(skip)]
    pub position: Option<Position>,
}

impl ImportReport {
    pub(super) fn count(&mut self, kind: Kind, change: Change) {
        let count = match kind {
            Kind::Clinic => &mut self.clinics,
            Kind::Portal => &mut self.portal,
            Kind::Settings => &mut self.settings,
            Kind::Members => &mut self.members,
            Kind::Activities => &mut self.activities,
            Kind::Practitioners => &mut self.practitioners,
            Kind::Agendas => &mut self.agendas,
            Kind::Services => &mut self.services,
            Kind::Templates => &mut self.templates,
            Kind::Slots => &mut self.slots,
            Kind::Patients => &mut self.patients,
        };
        count.add(change);
    }
    pub(super) fn reached(&mut self, position: Option<Position>) {
        self.position = self.position.max(position);
    }

    /// True if nothing was made or changed.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        let all = [
            self.clinics,
            self.portal,
            self.settings,
            self.members,
            self.activities,
            self.practitioners,
            self.agendas,
            self.services,
            self.templates,
            self.slots,
            self.patients,
        ];
        all.iter().all(|count| count.created == 0 && count.updated == 0)
    }
}

/// Why an import did not run, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The files are wrong: everything that is, and nothing was written.
    #[error("{} in the files; nothing was imported", problems(.0.len()))]
    Problems(Vec<FileProblem>),
    /// A file cannot be read; nothing was written.
    #[error("{file} cannot be read: {source}")]
    Io {
        /// The file or folder.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// Log or vault failed, or somebody else changed the clinic meanwhile. What was done before stays; running the same
    /// import again does the rest.
    #[error("the import stopped: {0}. Run it again to finish it")]
    Failure(String),
}

fn problems(count: usize) -> String {
    if count == 1 { "1 problem".into() } else { format!("{count} problems") }
}

impl From<booking_engine::vault::VaultError> for ImportError {
    fn from(error: booking_engine::vault::VaultError) -> Self {
        Self::Failure(error.to_string())
    }
}
impl From<booking_store::fold::FoldError> for ImportError {
    fn from(error: booking_store::fold::FoldError) -> Self {
        Self::Failure(error.to_string())
    }
}

/// Adds to a failure what was being done.
pub(super) fn failed<R: std::fmt::Display>(
    what: impl std::fmt::Display,
) -> impl FnOnce(booking_engine::Failure<R>) -> ImportError {
    move |failure| ImportError::Failure(format!("{what}: {failure}"))
}

/// Is told how far an import is.
pub trait Progress: Send + Sync {
    /// A stage begins, with so many things to do.
    fn stage(&self, name: &'static str, total: u64);
    /// So many more of them are done.
    fn advance(&self, done: u64);
}

/// Says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _: &'static str, _: u64) {}
    fn advance(&self, _: u64) {}
}

/// A number of things, as it is shown.
pub(super) fn shown(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
