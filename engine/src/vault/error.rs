//! What can go wrong in the vault, in words that say what to do. No message holds a secret or personal data.

use booking_domain::ids::ClinicId;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An error of the vault. Cheap to clone: one failed commit is the answer to many callers.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VaultError {
    /// The vault exists and its root key file does not. A new key would open nothing, so none is made.
    #[error("{path} is missing, and the vault beside it cannot be read without it: restore it from its backup")]
    MissingRootKey {
        /// Where the file should be.
        path: PathBuf,
    },
    /// The root key is not the one that this vault was made with.
    #[error(
        "the root key does not belong to this vault: restore the key and the vault of the same installation, and a \
             vault from before the root key was replaced with the key of that time"
    )]
    WrongRootKey,
    /// There is no next root key to take into use.
    #[error("there is no next root key: make it, copy it to a safe place, then take it into use")]
    NoNextRootKey,
    /// The root key did not come from a file of a data directory.
    #[error("the root key did not come from a file, so that no other can take its place")]
    NoRootKeyFile,
    /// Others than the owner may read the root key file.
    #[error("{path} can be read by others (mode {mode:o}): set its mode to 0600, and think about who has read it")]
    ExposedRootKey {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The root key file is not 64 hexadecimal digits.
    #[error("{path} is not a root key (64 hexadecimal digits and a newline): restore it from its backup")]
    MalformedRootKey {
        /// The file.
        path: PathBuf,
    },
    /// The file is another program's, or no database at all. It was not changed.
    #[error("{path} is not a vault of clinic-booking; nothing was changed")]
    ForeignFile {
        /// The file.
        path: PathBuf,
    },
    /// The file is shorter than its header says. It was not changed.
    #[error("{path} is cut off: {found} bytes of {expected}; nothing was changed: restore it from its backup")]
    TruncatedFile {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        found: u64,
        /// The length in bytes that its header gives.
        expected: u64,
    },
    /// A newer version of this program made the file. It was not changed.
    #[error("{path} has schema {found}, this program knows up to {known}: use the newer program; nothing was changed")]
    NewerFile {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// The server's database cannot hold the vault. It was not changed.
    #[error("the vault cannot be kept in this database: {0}")]
    Unsuitable(&'static str),
    /// A newer version of this program made the vault in this database. It was not changed.
    #[error(
        "the vault has schema {found}, this program knows up to {known}: use the newer program; nothing was changed"
    )]
    NewerDatabase {
        /// Its schema version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// Another node replaced a key: what was to be written is wrapped under an older one.
    #[error("a key was replaced meanwhile, and this node has not the new one: copy the root key files to every node")]
    OldKeys,
    /// The clinic has no keys in this vault.
    #[error("clinic {0} has no keys in this vault")]
    UnknownClinic(ClinicId),
    /// A row with this id, or a member with this e-mail address in this clinic, is there already.
    #[error("it exists already")]
    Exists,
    /// A condition of the change did not hold any more; nothing was changed.
    #[error("what was to be changed is not there any more")]
    Gone,
    /// A row does not decode, or a wrapped key does not open under the right key.
    #[error("the vault is damaged ({0}): restore it from its backup")]
    Damaged(&'static str),
    /// Hashing a password failed (out of memory, most likely).
    #[error("a password could not be hashed: {0}")]
    Password(String),
    /// The database refused; nothing was changed.
    #[error("the vault's database failed: {0}")]
    Database(Arc<sqlx::Error>),
    /// Reading or writing a file failed.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: Arc<std::io::Error>,
    },
    /// A commit failed in a way that leaves open whether it is on the disk. The vault takes no writes any more; the
    /// process must end and start again.
    #[error("a commit of the vault has an unknown outcome ({0}); the vault is stopped: restart the process")]
    OutcomeUnknown(Arc<sqlx::Error>),
    /// The server did not say whether it committed. The same again, later, finds out.
    #[error("the vault's database did not say whether it made a change ({0})")]
    Unanswered(Arc<sqlx::Error>),
    /// The vault was closed, or stopped after an unknown outcome.
    #[error("the vault is closed")]
    Closed,
}

impl VaultError {
    /// The database could not be reached, or was too busy: the same may go well in a moment.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unanswered(_) | Self::OldKeys) || super::server::again(self).is_some()
    }

    pub(super) fn file(path: &Path, error: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), error: Arc::new(error) }
    }
}

impl From<sqlx::Error> for VaultError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolClosed => Self::Closed,
            sqlx::Error::Database(inner) if inner.is_unique_violation() => Self::Exists,
            // Raised by a trigger of ours (migrations/vault-postgres).
            sqlx::Error::Database(inner) if inner.code().is_some_and(|code| code == "CB001") => Self::OldKeys,
            _ => Self::Database(Arc::new(error)),
        }
    }
}

/// What the vault's functions return.
pub type Result<T> = std::result::Result<T, VaultError>;
