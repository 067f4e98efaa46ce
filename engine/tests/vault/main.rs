//! The vault as its users see it, with a set time and seeded random bytes: on a real file in a temporary directory, and
//! on a real PostgreSQL server. Every test of `keys`, `secrets`, `staff` and `visits` runs on both; `files` is about the
//! file, `nodes` about several nodes that share a server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

/// Makes two tests of each of these functions: one on a file, one on a server.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod on_a_file {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::On::File).await;
            })*
        }
        mod on_postgresql {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::On::Server).await;
            })*
        }
    };
}

mod files;
mod keys;
mod moving;
mod nodes;
mod secrets;
mod staff;
mod visits;

use booking_domain::ids::{ClinicId, MemberId, SubjectId, VisitId};
use booking_domain::phi::Phi;
use booking_domain::time::Instant;
use booking_engine::vault::{
    Created, Entropy, NewVisit, ROOT_KEY_FILE, SeededEntropy, Staff, VAULT_FILE, Vault, VaultError,
};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

const CLINIC: ClinicId = ClinicId::from_bytes([1; 16]);
const OTHER_CLINIC: ClinicId = ClinicId::from_bytes([2; 16]);
const NOW: Instant = Instant(1_796_000_000_000_000);
const DAY: i64 = 24 * 60;

fn entropy(seed: u64) -> Arc<dyn Entropy> {
    Arc::new(SeededEntropy::new(seed))
}

/// Where a vault is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum On {
    File,
    Server,
}

/// A data directory and its open vault with one clinic.
struct Given {
    dir: TempDir,
    /// The server's database, if it is not in the directory.
    url: Option<String>,
    vault: Arc<Vault>,
}

impl Given {
    async fn a_vault(on: On) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = match on {
            On::File => None,
            On::Server => Some(throwaway_postgres::database().await),
        };
        let (vault, created) = open(dir.path(), url.as_deref(), 1).await.unwrap();
        assert_eq!(created, Created::Made);
        vault.create_clinic(CLINIC, NOW).await.unwrap();
        Self { dir, url, vault: Arc::new(vault) }
    }
    async fn reopened(self) -> Self {
        self.vault.close().await;
        let (vault, created) = open(self.dir.path(), self.url.as_deref(), 2).await.unwrap();
        assert_eq!(created, Created::Found);
        Self { vault: Arc::new(vault), ..self }
    }
    /// What is written behind is there. On a file memory knows it at once, and nothing has to be waited for.
    async fn settled(&self) {
        if self.url.is_some() {
            self.vault.flush().await.unwrap();
        }
    }
    fn file(&self) -> PathBuf {
        self.dir.path().join(VAULT_FILE)
    }
    /// Whether these bytes are anywhere: in the directory's files, root key excepted, or in a row of the database.
    async fn holds(&self, needle: &[u8]) -> bool {
        let files = fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut files = files.filter(|path| !path.ends_with(ROOT_KEY_FILE)).map(|path| fs::read(path).unwrap());
        if files.any(|file| contains(&file, needle)) {
            return true;
        }
        let Some(url) = &self.url else { return false };
        let hex = needle.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        rows_of(url).await.iter().any(|row| row.contains(&hex) || contains(row.as_bytes(), needle))
    }
    async fn refusal(dir: &Path) -> VaultError {
        Vault::open_dir(dir, entropy(3)).await.expect_err("the vault must be refused")
    }
    /// The wrapped key of a subject, as somebody with the file, or with the database's password, could read it.
    async fn wrapped_key(&self, subject: SubjectId) -> Vec<u8> {
        use sqlx::{ConnectOptions, Connection, Row};
        let query = "SELECT wrapped FROM subject_keys WHERE subject = $1";
        let subject = subject.bytes().to_vec();
        if let Some(url) = &self.url {
            let mut conn = sqlx::PgConnection::connect(url).await.unwrap();
            return sqlx::query(query).bind(subject).fetch_one(&mut conn).await.unwrap().get(0);
        }
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.file()).read_only(true);
        let mut conn = options.connect().await.unwrap();
        let wrapped = sqlx::query(query).bind(subject).fetch_one(&mut conn).await.unwrap().get(0);
        conn.close().await.unwrap();
        wrapped
    }
}

async fn open(dir: &Path, url: Option<&str>, seed: u64) -> Result<(Vault, Created), VaultError> {
    match url {
        None => Vault::open_dir(dir, entropy(seed)).await,
        Some(url) => Vault::open_server(dir, url, true, entropy(seed)).await,
    }
}

/// Every row of every table, as text; bytes are hexadecimal.
async fn rows_of(url: &str) -> Vec<String> {
    use sqlx::{AssertSqlSafe, Connection, Row};
    let mut conn = sqlx::PgConnection::connect(url).await.unwrap();
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
    let tables = sqlx::query(tables).fetch_all(&mut conn).await.unwrap();
    let mut rows = Vec::new();
    for table in tables {
        let text = format!("SELECT t::text FROM {} t", table.get::<String, _>(0));
        let found = sqlx::query(AssertSqlSafe(text)).fetch_all(&mut conn).await.unwrap();
        rows.extend(found.iter().map(|row| row.get::<String, _>(0)));
    }
    assert!(rows.len() > 1, "the rows were read");
    rows
}

fn id(n: u128) -> [u8; 16] {
    (0xabcd_0000_0000_0000_0000_0000_0000_0000 + n).to_be_bytes()
}
fn subject(n: u128) -> SubjectId {
    SubjectId::from_bytes(id(n))
}
fn visit(n: u128) -> NewVisit {
    NewVisit {
        id: VisitId::from_bytes(id(n)),
        clinic: CLINIC,
        subject: subject(n),
        identity: text("Trembley, Zoé").map(String::into_bytes),
        identity_schema: 1,
        patient: None,
        language: "fr".into(),
        proof: 0,
        terms_version: 3,
        opened_at: NOW,
        expires_at: NOW.plus_minutes(60),
        source_hash: Some([7; 32]),
    }
}
fn member(n: u128) -> Staff {
    Staff { clinic: CLINIC, member: MemberId::from_bytes(id(n)) }
}
fn text(text: &str) -> Phi<String> {
    Phi::new(text.to_owned())
}
fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
