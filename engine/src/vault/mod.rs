//! The vault: the only place where things are deleted. Subject keys, visits, staff credentials and sessions, machine
//! tokens, idempotency rows, one-time codes and the outbox live here, in `vault.db`, and nowhere else.
//!
//! What it may not do: hold personal data in the clear. Keys are wrapped (subject by clinic by root), identities are
//! sealed, e-mail addresses and tokens are hashes. Destroying a subject's key is what makes a person's data in the
//! append-only log unreadable for ever.
//!
//! Every write goes through one writer task ([`writer`]) that commits what is waiting together and acknowledges after
//! the disk has it. Reads come from memory where they can, else from a pool of connections. Time is always passed in;
//! random bytes come from an [`Entropy`].
//!
//! It is a file of the data directory (SQLite), or a database on a server that several nodes share (PostgreSQL); one set
//! of statements ([`sql`]) and one suite of tests serve both, and [`database`] is where they differ. One process owns a
//! data directory: the caches and the idempotency rows in memory rest on it. On a server nothing that another node may
//! end is remembered here: see [`Memory`] and docs/adr/0014-postgresql-vault.md.

mod batch;
mod bearer;
mod cache;
mod codes;
mod crypto;
mod database;
mod entropy;
mod error;
mod file;
mod idempotency;
mod keys;
mod leases;
mod moving;
mod outbox;
mod quotas;
mod retry;
mod root_key;
mod roots;
mod rotation;
mod row;
mod server;
mod sessions;
mod shown;
mod sql;
mod staff;
mod subjects;
mod token;
mod value;
mod visits;
mod writer;

pub use bearer::{Bearer, NewBearer};
pub use codes::{CODE_MINUTES, CODE_TRIES, Redeemed, SentCode};
pub use entropy::{Entropy, OsEntropy, SeededEntropy, draw};
pub use error::{Result, VaultError};
pub use idempotency::Remembered;
pub use keys::{ClinicKeys, KeyUse};
pub use leases::Lease;
pub use moving::copy_to_server;
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
use database::{Connection, Readers};
use roots::Roots;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::sync::{OnceCell, Semaphore};
use writer::{Statement, Writer};

/// The database's file name in a data directory.
pub const VAULT_FILE: &str = "vault.db";
/// The root key's file name in a data directory.
pub const ROOT_KEY_FILE: &str = "root.key";

/// What may be remembered of the database.
struct Memory {
    /// Keys of subjects.
    subjects: usize,
    /// Visits, sessions and machine tokens, each.
    tokens: usize,
    /// How long a clinic's keys are taken for the newest.
    clinic_keys_last: Duration,
}

impl Memory {
    /// A file has one process, which knows what it deleted. On a server another node may destroy a key, end a session,
    /// revoke a token or disable a member at any moment, and it holds everywhere at once: these rows are read each time.
    /// A clinic's keys are never deleted; a new one is heard of a little later.
    const fn of(readers: &Readers) -> Self {
        if readers.shared() {
            Self { subjects: 0, tokens: 0, clinic_keys_last: Duration::from_secs(5) }
        } else {
            // The half of it that was asked for last is always there.
            Self { subjects: 50_000, tokens: 40_000, clinic_keys_last: Duration::MAX }
        }
    }
}

/// Passwords hashed at the same time: each takes 19 MiB.
const HASHES_AT_ONCE: usize = 4;

/// An open vault. Methods take `&self`; share it in an `Arc`.
pub struct Vault {
    writer: Writer,
    readers: Readers,
    entropy: Arc<dyn Entropy>,
    /// Shared by whoever wraps a key, until it is written; alone for whoever changes what keys are wrapped under.
    roots: tokio::sync::RwLock<Roots>,
    /// This node, among those that share the vault: drawn at each start.
    node: [u8; 16],
    held: leases::Held,
    /// One rotation at a time.
    rotating: tokio::sync::Mutex<()>,
    /// Keyed hashes of staff e-mail addresses, over all clinics: who signs in has not said which clinic.
    staff_lookup: Key,
    clinics: RwLock<HashMap<ClinicId, (Arc<ClinicKeys>, tokio::time::Instant)>>,
    /// How long a clinic's keys are taken for the newest.
    clinic_keys_last: Duration,
    subjects: Cache<(ClinicId, SubjectId), Arc<SubjectKey>>,
    visits: Cache<[u8; 32], Arc<Visit>>,
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

    /// Opens the vault in a database on a server (`postgres://…`), under the root key of this data directory. A vault
    /// that is new is made, with its root key, if `may_make`; else, and where the vault is there and the root key is
    /// not, nothing is made.
    pub async fn open_server(
        dir: &Path,
        url: &str,
        may_make: bool,
        entropy: Arc<dyn Entropy>,
    ) -> Result<(Self, Created)> {
        let server = server::open(url).await?;
        let (writer, readers) = (Connection::Server(Box::new(server.link)), Readers::Server(server.readers));
        let file = dir.join(ROOT_KEY_FILE);
        let is_new = readers.row(&sql::VAULT_KEY, []).await?.is_none();
        if is_new && !may_make {
            return Err(VaultError::Unsuitable(
                "it is empty, and the log is not: give the vault that the log belongs to",
            ));
        }
        let there = file.try_exists().map_err(|error| VaultError::file(&file, error))?;
        let (root, created) = match (there, is_new) {
            (true, _) => (RootKey::load(&file)?, Created::Found),
            (false, true) => (RootKey::make(&file, &*entropy)?, Created::Made),
            (false, false) => return Err(VaultError::MissingRootKey { path: file }),
        };
        let opened = Self::on(writer, readers, Roots::load(root, Some(file.clone()))?, entropy).await;
        if created == Created::Made && matches!(opened, Err(VaultError::WrongRootKey)) {
            // Another node made the vault at this moment: what was made here opens nothing.
            std::fs::remove_file(&file).map_err(|error| VaultError::file(&file, error))?;
            return Err(VaultError::MissingRootKey { path: file });
        }
        Ok((opened?, created))
    }

    async fn open_under(path: &Path, roots: Roots, entropy: Arc<dyn Entropy>) -> Result<Self> {
        let file = file::open(path).await?;
        Self::on(Connection::File(file.writer), Readers::File(file.readers), roots, entropy).await
    }

    async fn on(conn: Connection, readers: Readers, mut roots: Roots, entropy: Arc<dyn Entropy>) -> Result<Self> {
        let writer = Writer::start(conn);
        let vault_key = match vault_key(&writer, &readers, &mut roots, &*entropy).await {
            Ok(key) => key,
            Err(error) => {
                readers.close().await;
                writer.close().await;
                return Err(error);
            }
        };
        let memory = Memory::of(&readers);
        let node = if readers.shared() { draw(&*entropy) } else { [0; 16] };
        Ok(Self {
            writer,
            readers,
            entropy,
            roots: tokio::sync::RwLock::new(roots),
            node,
            held: leases::Held::default(),
            rotating: tokio::sync::Mutex::default(),
            staff_lookup: crypto::derive(&vault_key, "staff e-mail"),
            clinics: RwLock::default(),
            subjects: Cache::new(memory.subjects),
            visits: Cache::new(memory.tokens),
            sessions: Cache::new(memory.tokens),
            bearers: Cache::new(memory.tokens),
            clinic_keys_last: memory.clinic_keys_last,
            idempotency: OnceCell::new(),
            hashing: Semaphore::new(HASHES_AT_ONCE),
            posted: tokio::sync::Notify::new(),
        })
    }

    /// Durable commits since the vault was opened.
    pub fn commits(&self) -> u64 {
        self.writer.commits().count()
    }

    /// How long they took, each from the beginning of its transaction until the disk, or the server, had it.
    pub fn commit_times(&self) -> booking_store::DurationCounts {
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

/// The vault's own key, made where there is none.
async fn vault_key(writer: &Writer, readers: &Readers, roots: &mut Roots, entropy: &dyn Entropy) -> Result<Key> {
    if let Some(row) = readers.row(&sql::VAULT_KEY, []).await? {
        return roots.prove(row::blob(&row, 0)?);
    }
    let key = Key::new(draw(entropy));
    let wrapped = crypto::wrap(roots.newest().bytes(), &rotation::VAULT_PLACE, &key, entropy);
    match writer.run(vec![Statement::Insert(&sql::INSERT_VAULT_KEY, vec![1_i64.into(), wrapped.clone().into()])]).await
    {
        Ok(_) => roots.prove(wrapped),
        // Another node made it at this moment.
        Err(VaultError::Exists) => {
            let row = readers.row(&sql::VAULT_KEY, []).await?.ok_or(VaultError::WrongRootKey)?;
            roots.prove(row::blob(&row, 0)?)
        }
        Err(error) => Err(error),
    }
}
