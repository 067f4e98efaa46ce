//! The vault as its users see it, on a real file in a temporary directory, with a set time and seeded random bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod files;
mod keys;
mod secrets;
mod staff;
mod visits;

use booking_domain::ids::{ClinicId, MemberId, SubjectId, VisitId};
use booking_domain::phi::Phi;
use booking_domain::time::Instant;
use booking_engine::vault::{
    Created, Entropy, NewVisit, ROOT_KEY_FILE, SeededEntropy, Staff, VAULT_FILE, Vault, VaultError,
};
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

/// A data directory and its open vault with one clinic.
struct Given {
    dir: TempDir,
    vault: Arc<Vault>,
}

impl Given {
    async fn a_vault() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (vault, created) = Vault::open_dir(dir.path(), entropy(1)).await.unwrap();
        assert_eq!(created, Created::Made);
        vault.create_clinic(CLINIC, NOW).await.unwrap();
        Self { dir, vault: Arc::new(vault) }
    }
    async fn reopened(self) -> Self {
        self.vault.close().await;
        let (vault, created) = Vault::open_dir(self.dir.path(), entropy(2)).await.unwrap();
        assert_eq!(created, Created::Found);
        Self { dir: self.dir, vault: Arc::new(vault) }
    }
    fn file(&self) -> PathBuf {
        self.dir.path().join(VAULT_FILE)
    }
    /// Everything that lies in the directory, root key excepted.
    fn bytes(&self) -> Vec<u8> {
        let files = fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| !path.ends_with(ROOT_KEY_FILE)).flat_map(|path| fs::read(path).unwrap()).collect()
    }
    async fn refusal(dir: &Path) -> VaultError {
        Vault::open_dir(dir, entropy(3)).await.expect_err("the vault must be refused")
    }
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

/// Reads a row beside the vault, as somebody with the file could.
async fn wrapped_key(file: &Path, subject: SubjectId) -> Vec<u8> {
    use sqlx::{ConnectOptions, Connection, Row};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).read_only(true);
    let mut conn = options.connect().await.unwrap();
    let query = sqlx::query("SELECT wrapped FROM subject_keys WHERE subject = ?1").bind(subject.bytes().to_vec());
    let wrapped = query.fetch_one(&mut conn).await.unwrap().get(0);
    conn.close().await.unwrap();
    wrapped
}
