//! The vault: the only place where things are deleted. Subject keys, visits, staff credentials and sessions, machine
//! tokens, idempotency rows, one-time codes and the outbox live here, in `vault.db`, and nowhere else.
//!
//! What it may not do: hold personal data in the clear. Keys are wrapped (subject by clinic by root), identities are
//! sealed, e-mail addresses and tokens are hashes. Destroying a subject's key is what makes a person's data in the
//! append-only log unreadable for ever.
//!
//! Every write goes through one writer task ([`writer`]) that commits what is waiting together and acknowledges after
//! the disk has it. Reads come from memory where they can, else from a pool of read-only connections. Time is always
//! passed in; random bytes come from an [`Entropy`].
//!
//! One process owns a data directory: the caches and the idempotency rows in memory rest on it.

mod bearer;
mod cache;
mod codes;
mod crypto;
mod entropy;
mod error;
mod file;
mod idempotency;
mod keys;
mod outbox;
mod quotas;
mod root_key;
mod roots;
mod rotation;
mod row;
mod sessions;
mod shown;
mod sql;
mod staff;
mod subjects;
mod token;
mod visits;
mod writer;

pub use bearer::{Bearer, NewBearer};
pub use codes::{CODE_MINUTES, CODE_TRIES, Redeemed, SentCode};
pub use entropy::{Entropy, OsEntropy, SeededEntropy, draw};
pub use error::{Result, VaultError};
pub use idempotency::Remembered;
pub use keys::{ClinicKeys, KeyUse};
pub use outbox::{
    Claim, Claimed, Intent, MessageChannel, MessageKind, MessageState, NewCode, Outcome as MessageOutcome, Undelivered,
    Waiting,
};
pub use root_key::{Created, RootKey};
pub use rotation::KeyStatus;
pub use sessions::{ABSOLUTE_MINUTES, IDLE_MINUTES, Session, SessionLookup};
pub use shown::ShownMessage;
pub use staff::Staff;
pub use subjects::SUBJECT_KEY_VERSION;
pub use token::Token;
pub use visits::{NewVisit, OpenedVisit, VISIT_HOURS, Visit, VisitLookup};

use booking_domain::ids::{ClinicId, SubjectId};
use booking_events::sealing::SubjectKey;
use cache::Cache;
use crypto::Key;
use roots::Roots;
use sqlx::sqlite::SqlitePool;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, RwLock};
use tokio::sync::{OnceCell, Semaphore};
use writer::{Statement, Writer};

/// The database's file name in a data directory.
pub const VAULT_FILE: &str = "vault.db";
/// The root key's file name in a data directory.
pub const ROOT_KEY_FILE: &str = "root.key";

/// Keys of subjects held in memory.
const SUBJECTS_IN_MEMORY: usize = 50_000;
/// Visits, sessions and machine tokens held in memory, each.
const TOKENS_IN_MEMORY: usize = 20_000;
/// Passwords hashed at the same time: each takes 19 MiB.
const HASHES_AT_ONCE: usize = 4;

/// An open vault. Methods take `&self`; share it in an `Arc`.
pub struct Vault {
    writer: Writer,
    readers: SqlitePool,
    entropy: Arc<dyn Entropy>,
    /// Shared by whoever wraps a key, until it is written; alone for whoever changes what keys are wrapped under.
    roots: tokio::sync::RwLock<Roots>,
    /// One rotation at a time.
    rotating: tokio::sync::Mutex<()>,
    /// Keyed hashes of staff e-mail addresses, over all clinics: who signs in has not said which clinic.
    staff_lookup: Key,
    clinics: RwLock<HashMap<ClinicId, Arc<ClinicKeys>>>,
    subjects: Cache<(ClinicId, SubjectId), Arc<SubjectKey>>,
    visits: Cache<[u8; 32], Visit>,
    sessions: Cache<[u8; 32], Session>,
    bearers: Cache<[u8; 32], Bearer>,
    idempotency: OnceCell<idempotency::Memory>,
    hashing: Semaphore,
    /// Rings when a message was put into the outbox.
    posted: tokio::sync::Notify,
}

impl Vault {
    /// Opens the vault of a data directory, and makes it with its root key at the first start.
    ///
    /// A vault without its root key file is [`VaultError::MissingRootKey`]; nothing is made then.
    pub async fn open_dir(dir: &Path, entropy: Arc<dyn Entropy>) -> Result<(Self, Created)> {
        let file = dir.join(ROOT_KEY_FILE);
        let (root, created) = RootKey::load_or_create(&file, &*entropy)?;
        let roots = Roots::load(root, Some(file))?;
        Ok((Self::open_under(&dir.join(VAULT_FILE), roots, entropy).await?, created))
    }

    /// Opens this file, or makes it. A file that is not a vault, is cut off, newer, or under another root key is
    /// refused and left as it is.
    pub async fn open(path: &Path, root: RootKey, entropy: Arc<dyn Entropy>) -> Result<Self> {
        Self::open_under(path, Roots::load(root, None)?, entropy).await
    }

    async fn open_under(path: &Path, mut roots: Roots, entropy: Arc<dyn Entropy>) -> Result<Self> {
        let database = file::open(path).await?;
        let writer = Writer::start(database.writer);
        let vault_key = match vault_key(&writer, &database.readers, &mut roots, &*entropy).await {
            Ok(key) => key,
            Err(error) => {
                database.readers.close().await;
                writer.close().await;
                return Err(error);
            }
        };
        Ok(Self {
            writer,
            readers: database.readers,
            entropy,
            roots: tokio::sync::RwLock::new(roots),
            rotating: tokio::sync::Mutex::default(),
            staff_lookup: crypto::derive(&vault_key, "staff e-mail"),
            clinics: RwLock::default(),
            subjects: Cache::new(SUBJECTS_IN_MEMORY),
            visits: Cache::new(TOKENS_IN_MEMORY),
            sessions: Cache::new(TOKENS_IN_MEMORY),
            bearers: Cache::new(TOKENS_IN_MEMORY),
            idempotency: OnceCell::new(),
            hashing: Semaphore::new(HASHES_AT_ONCE),
            posted: tokio::sync::Notify::new(),
        })
    }

    /// Durable commits since the vault was opened.
    pub fn commits(&self) -> u64 {
        self.writer.commits()
    }

    /// Waits until everything that was written behind is on the disk.
    pub async fn flush(&self) -> Result<()> {
        self.writer.run(Vec::new()).await.map(drop)
    }

    /// Writes what is waiting and closes the file. Later calls answer [`VaultError::Closed`].
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[vault]")
    }
}

/// The vault's own key. That it unwraps is the proof that the root key belongs to this vault; where the next root key
/// unwraps it, a rotation has begun.
async fn vault_key(writer: &Writer, readers: &SqlitePool, roots: &mut Roots, entropy: &dyn Entropy) -> Result<Key> {
    let place = rotation::VAULT_PLACE;
    if let Some(row) = sqlx::query(sql::VAULT_KEY).fetch_optional(readers).await? {
        let wrapped = row::blob(&row, 0)?;
        if roots.next().is_some_and(|next| crypto::unwrap(next.bytes(), &place, &wrapped).is_some()) {
            roots.begin();
        }
        return roots.unwrap(&place, &wrapped).ok_or(VaultError::WrongRootKey);
    }
    let key = Key::new(draw(entropy));
    let wrapped = crypto::wrap(roots.newest().bytes(), &place, &key, entropy);
    writer.run(vec![Statement::Insert(&sql::INSERT_VAULT_KEY, vec![1.into(), wrapped.into()])]).await?;
    Ok(key)
}
