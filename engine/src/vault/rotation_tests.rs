//! Keys are replaced: a crash at every step loses nothing, whoever works meanwhile notices nothing, and afterwards what
//! the old keys opened is opened by the new ones alone.

use super::super::database::Readers;
use super::super::entropy::{OsEntropy, SeededEntropy};
use super::super::{Created, NewVisit, RootKey, VAULT_FILE, VisitLookup};
use super::*;
use crate::vault::ROOT_KEY_FILE;
use booking_domain::ids::VisitId;
use booking_domain::phi::Phi;
use booking_events::sealing::{Field, open, seal};
use sqlx::{ConnectOptions, Connection};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

const NOW: Instant = Instant(1_796_000_000_000_000);
/// More than one write takes.
const PEOPLE: u128 = 450;
const CLINIC: ClinicId = ClinicId::from_bytes([1; 16]);

fn clinic(n: u128) -> ClinicId {
    ClinicId::from_bytes(((1 << 120) + n).to_be_bytes())
}

fn subject(n: u128) -> SubjectId {
    SubjectId::from_bytes((7_u128 << 100 | n).to_be_bytes())
}

async fn opened(dir: &Path, seed: u64) -> Vault {
    Vault::open_dir(dir, Arc::new(SeededEntropy::new(seed))).await.unwrap().0
}

/// What has to be the same whatever becomes of the keys.
#[derive(PartialEq)]
struct Known {
    people: HashMap<SubjectId, [u8; 32]>,
    hashes: Vec<[u8; 32]>,
    staff_by_first_version: [u8; 32],
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} people", self.people.len())
    }
}

async fn known(vault: &Vault, clinics: u128) -> Known {
    let all: Vec<_> = (0..PEOPLE).map(subject).collect();
    let people = vault.subject_keys(CLINIC, &all).await.unwrap();
    let mut hashes = Vec::new();
    for n in 0..clinics {
        let keys = vault.clinic_keys(clinic(n)).await.unwrap();
        hashes.push(keys.keyed_hash(super::super::KeyUse::Link, &[b"token"]));
    }
    let keys = vault.clinic_keys(CLINIC).await.unwrap();
    hashes.push(keys.keyed_hash(super::super::KeyUse::Idempotency, &[b"body"]));
    let staff_by_first_version = *keys.audit_of(1).unwrap().expose();
    Known { people: people.into_iter().map(|(id, key)| (id, *key.expose())).collect(), hashes, staff_by_first_version }
}

/// A vault with more clinics and people than one write takes; one of them was erased.
async fn given(clinics: u128) -> (TempDir, Vault) {
    let dir = tempfile::tempdir().unwrap();
    let vault = opened(dir.path(), 1).await;
    vault.create_clinic(CLINIC, NOW).await.unwrap();
    for n in 0..clinics {
        vault.create_clinic(clinic(n), NOW).await.unwrap();
    }
    let all: Vec<_> = (0..PEOPLE).map(subject).collect();
    vault.create_subjects(CLINIC, &all, NOW).await.unwrap();
    vault.destroy_subjects(CLINIC, &[subject(3)], NOW).await.unwrap();
    (dir, vault)
}

/// The files as a kill at this moment would leave them.
fn as_killed(dir: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

fn bytes(dir: &Path) -> Vec<u8> {
    std::fs::read_dir(dir).unwrap().flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// The file's rows, as they are.
async fn rows(vault: &Vault, sql: &'static str, bound: Option<[u8; 16]>) -> Vec<Row> {
    let Readers::File(pool) = &vault.readers else { panic!("these tests look into a file") };
    let query = sqlx::query(sql);
    let query = bound.iter().fold(query, |query, id| query.bind(id.to_vec()));
    query.fetch_all(pool).await.unwrap().into_iter().map(Row::File).collect()
}

async fn wrapped(vault: &Vault, sql: &'static str) -> Vec<Vec<u8>> {
    rows(vault, sql, None).await.iter().map(|row| row::blob(row, 0).unwrap()).collect()
}

const ROOT_WRAPPED: &str = "SELECT wrapped FROM clinic_keys UNION ALL SELECT wrapped FROM vault_key";
const CLINIC_WRAPPED: &str = "SELECT wrapped FROM subject_keys WHERE wrapped IS NOT NULL";

#[tokio::test]
async fn a_root_key_is_replaced_and_a_crash_at_every_step_loses_nothing() {
    let clinics = 250;
    let (dir, vault) = given(clinics).await;
    let before = known(&vault, clinics).await;
    let old_rows = wrapped(&vault, ROOT_WRAPPED).await;
    assert!(matches!(vault.rotate_root().await, Err(VaultError::NoNextRootKey)));
    let old_key = std::fs::read(dir.path().join(ROOT_KEY_FILE)).unwrap();
    let next = vault.prepare_root().await.unwrap();
    assert_eq!(vault.prepare_root().await.unwrap(), next, "what was copied to a safe place stays what it is");
    let new_key = std::fs::read(&next).unwrap();

    let mut crashes = vec![(None, as_killed(dir.path()))];
    let path = dir.path().to_owned();
    let done = vault.rotate_root_in_steps(|step| crashes.push((Some(step), as_killed(&path)))).await.unwrap();
    assert_eq!(done, usize::try_from(clinics).unwrap() + 1);
    assert_eq!(known(&vault, clinics).await, before);
    assert!(crashes.iter().filter(|(step, _)| *step == Some(Step::Rewrapped)).count() > 2, "several writes");
    assert_eq!(std::fs::read(dir.path().join(ROOT_KEY_FILE)).unwrap(), new_key);
    assert!(!next.exists());

    for (n, (step, copy)) in crashes.iter().enumerate() {
        let vault = opened(copy.path(), 100 + n as u64).await;
        assert_eq!(known(&vault, clinics).await, before, "after {step:?}");
        vault.create_clinic(clinic(1_000), NOW).await.unwrap();
        let begun = step.is_some_and(|step| step != Step::Ended);
        assert_eq!(vault.finish_rotations(NOW).await.unwrap(), begun, "after {step:?}");
        if step.is_none() {
            vault.rotate_root().await.unwrap();
        }
        vault.clinic_keys(clinic(1_000)).await.unwrap();
        vault.close().await;
        assert_eq!(std::fs::read(copy.path().join(ROOT_KEY_FILE)).unwrap(), new_key, "after {step:?}");
        // What the old key wrapped is in no file, and the old key opens nothing.
        let all = bytes(copy.path());
        assert!(old_rows.iter().all(|row| !contains(&all, row)), "after {step:?}");
        let again = opened(copy.path(), 500).await;
        assert_eq!(known(&again, clinics).await, before, "after {step:?}");
        again.clinic_keys(clinic(1_000)).await.unwrap();
        let old = key_of(&old_key);
        for row in rows(&again, "SELECT clinic, wrapped FROM clinic_keys", None).await {
            let place = keys::place(ClinicId::from_bytes(row::bytes(&row, 0).unwrap()), 1);
            assert!(crypto::unwrap(old.bytes(), &place, &row::blob(&row, 1).unwrap()).is_none());
        }
        again.close().await;
        std::fs::write(copy.path().join(ROOT_KEY_FILE), &old_key).unwrap();
        let refused = Vault::open_dir(copy.path(), Arc::new(OsEntropy)).await;
        assert!(matches!(refused, Err(VaultError::WrongRootKey)), "after {step:?}");
    }
}

fn key_of(file: &[u8]) -> RootKey {
    let folder = tempfile::tempdir().unwrap();
    let (key, created) = RootKey::load_or_create(&folder.path().join(ROOT_KEY_FILE), &OsEntropy).unwrap();
    assert_eq!(created, Created::Made);
    drop(key);
    std::fs::write(folder.path().join(ROOT_KEY_FILE), file).unwrap();
    RootKey::load(&folder.path().join(ROOT_KEY_FILE)).unwrap()
}

#[tokio::test]
async fn a_clinics_key_is_replaced_and_a_crash_at_every_step_loses_nothing() {
    let (dir, vault) = given(2).await;
    let before = known(&vault, 2).await;
    let old_rows = wrapped(&vault, CLINIC_WRAPPED).await;
    let others = vault.clinic_keys(clinic(0)).await.unwrap().version();
    let old = vault.clinic_keys(CLINIC).await.unwrap();
    let mut crashes = Vec::new();
    let path = dir.path().to_owned();
    let done = vault.rotate_clinic_in_steps(CLINIC, NOW, |step| crashes.push((step, as_killed(&path)))).await.unwrap();
    assert_eq!(done, usize::try_from(PEOPLE).unwrap() - 1, "not the one who was erased");
    assert_eq!(known(&vault, 2).await, before);
    assert_eq!(vault.clinic_keys(clinic(0)).await.unwrap().version(), others, "another clinic keeps its key");
    for (n, (step, copy)) in crashes.iter().enumerate() {
        let vault = opened(copy.path(), 100 + n as u64).await;
        assert_eq!(known(&vault, 2).await, before, "after {step:?}");
        // Somebody new is made under the new version, and somebody else is erased.
        vault.create_subject(CLINIC, subject(9_000), NOW).await.unwrap();
        vault.destroy_subjects(CLINIC, &[subject(4)], NOW).await.unwrap();
        assert_eq!(vault.finish_rotations(NOW).await.unwrap(), *step != Step::Ended, "after {step:?}");
        assert!(!vault.finish_rotations(NOW).await.unwrap());
        let status = vault.key_status().await.unwrap();
        let of_clinic = status.iter().find(|status| status.clinic == CLINIC).unwrap();
        assert_eq!((of_clinic.version, of_clinic.rotating), (2, false));
        assert!(vault.subject_key(CLINIC, subject(4)).await.unwrap().is_none(), "who was erased stays erased");
        vault.close().await;
        let all = bytes(copy.path());
        assert!(old_rows.iter().all(|row| !contains(&all, row)), "after {step:?}");
        let again = opened(copy.path(), 500).await;
        for n in (0..PEOPLE).filter(|n| ![3, 4].contains(n)).chain([9_000]) {
            assert!(again.subject_key(CLINIC, subject(n)).await.unwrap().is_some(), "after {step:?}");
            let text = "SELECT wrapped FROM subject_keys WHERE subject = ?1";
            let found = rows(&again, text, Some(subject(n).bytes())).await;
            let (place, row) = (subjects::place(CLINIC, subject(n), 1), row::blob(&found[0], 0).unwrap());
            assert!(crypto::unwrap(old.wrapping().1, &place, &row).is_none(), "the old key still opens {n}");
        }
        again.close().await;
    }
    vault.rotate_clinic(CLINIC, NOW).await.unwrap();
    assert_eq!(vault.clinic_keys(CLINIC).await.unwrap().version(), 3);
    assert_eq!(known(&vault, 2).await, before);
}

#[tokio::test]
async fn what_was_sealed_about_staff_before_opens_after() {
    let (_dir, vault) = given(0).await;
    let seals = async || {
        let keys = vault.clinic_keys(CLINIC).await.unwrap();
        seal(keys.audit(), CLINIC, subject(1), Field::StaffIdentity, 1, keys.version(), [1; 16], [2; 24], b"Dre Roy")
    };
    let first = seals().await;
    vault.rotate_clinic(CLINIC, NOW).await.unwrap();
    let second = seals().await;
    assert_eq!((first.key_version, second.key_version), (1, 2));
    let keys = vault.clinic_keys(CLINIC).await.unwrap();
    for sealed in [first, second] {
        let key = keys.audit_of(sealed.key_version).unwrap();
        assert_eq!(&**open(key, CLINIC, subject(1), Field::StaffIdentity, &sealed).unwrap(), b"Dre Roy");
        let other = keys.audit_of(3 - sealed.key_version).unwrap();
        assert!(open(other, CLINIC, subject(1), Field::StaffIdentity, &sealed).is_err());
    }
}

/// Visits open, people get keys, clinics register and people are erased, while both kinds of key are replaced again and
/// again: nobody is refused, and everything opens afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn work_goes_on_while_keys_are_replaced() {
    let (dir, vault) = given(10).await;
    let vault = Arc::new(vault);
    let stop = Arc::new(AtomicBool::new(false));
    let work = |worker: u128| {
        let (vault, stop) = (Arc::clone(&vault), Arc::clone(&stop));
        tokio::spawn(async move {
            let (mut tokens, mut made) = (Vec::new(), 0);
            while !stop.load(Ordering::Relaxed) {
                made += 1;
                let of = subject(worker << 32 | made);
                let opened = vault.open_visit(visit(of)).await.unwrap();
                vault.keep_visit_draft(&opened.visit, 1, &Phi::new(b"draft".to_vec())).await.unwrap();
                vault.create_subject(CLINIC, subject(worker << 32 | made | 1 << 64), NOW).await.unwrap();
                vault.create_clinic(clinic(worker << 32 | made), NOW).await.unwrap();
                if made % 5 == 0 {
                    vault.destroy_subjects(CLINIC, &[of], NOW).await.unwrap();
                } else {
                    tokens.push((opened.token, *opened.key.expose(), of));
                }
            }
            (worker, made, tokens)
        })
    };
    let workers: Vec<_> = (1..=4).map(work).collect();
    for _ in 0..5 {
        vault.prepare_root().await.unwrap();
        vault.rotate_root().await.unwrap();
        vault.rotate_clinic(CLINIC, NOW).await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    let done = futures::future::try_join_all(workers).await.unwrap();
    vault.close().await;
    drop(vault);
    let vault = opened(dir.path(), 77).await;
    let mut visits = 0;
    for (worker, made, tokens) in done {
        for (token, key, of) in tokens {
            assert_eq!(vault.subject_key(CLINIC, of).await.unwrap().unwrap().expose(), &key);
            let VisitLookup::Open(visit) = vault.visit_by_token(CLINIC, &token, NOW).await.unwrap() else { panic!() };
            assert!(vault.visit_identity(&visit).await.unwrap().is_some());
            assert!(vault.visit_draft(&visit).await.unwrap().is_some());
            visits += 1;
        }
        for n in 1..=made {
            assert!(vault.clinic_keys(clinic(worker << 32 | n)).await.is_ok());
            assert_eq!(
                vault.subject_key(CLINIC, subject(worker << 32 | n)).await.unwrap().is_none(),
                n % 5 == 0,
                "destroyed, and stays so"
            );
        }
    }
    assert!(visits > 4, "{visits} visits while keys were replaced");
    let count = "SELECT wrapped FROM subject_keys WHERE wrapped IS NOT NULL AND wrapped_under < 6";
    assert!(wrapped(&vault, count).await.is_empty(), "a key was left under an older version");
}

fn visit(of: SubjectId) -> NewVisit {
    NewVisit {
        id: VisitId::from_bytes(of.bytes()),
        clinic: CLINIC,
        subject: of,
        identity: Phi::new(b"Trembley, Zoe".to_vec()),
        identity_schema: 1,
        patient: None,
        language: "fr".into(),
        proof: 0,
        terms_version: 1,
        opened_at: NOW,
        expires_at: NOW.plus_minutes(60),
        source_hash: None,
    }
}

#[tokio::test]
async fn a_vault_of_before_this_came_keeps_its_keys() {
    let dir = tempfile::tempdir().unwrap();
    let (root, _) = RootKey::load_or_create(&dir.path().join(ROOT_KEY_FILE), &OsEntropy).unwrap();
    let path = dir.path().join(VAULT_FILE);
    // The schema of before, with a clinic and somebody in it.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut conn = options.connect().await.unwrap();
    for step in [
        include_str!("../../../migrations/vault/0001_vault.sql"),
        include_str!("../../../migrations/vault/0002_messages.sql"),
        include_str!("../../../migrations/vault/0003_visit_drafts.sql"),
        "PRAGMA application_id = 1668047478; PRAGMA user_version = 3",
    ] {
        sqlx::raw_sql(step).execute(&mut conn).await.unwrap();
    }
    let wrap = |by: &[u8; 32], place: &Place, key: &[u8; 32]| crypto::wrap(by, place, key, &OsEntropy);
    let (key, of) = ([9; 32], subject(1));
    let wrapping = crypto::derive(&key, "wrap subject keys");
    for (sql, id, value) in [
        ("INSERT INTO vault_key VALUES (1, ?2)", CLINIC.bytes(), wrap(root.bytes(), &VAULT_PLACE, &[8; 32])),
        (
            "INSERT INTO clinic_keys VALUES (?1, 1, ?2, 5)",
            CLINIC.bytes(),
            wrap(root.bytes(), &keys::place(CLINIC, 1), &key),
        ),
        (
            "INSERT INTO subject_keys (subject, clinic, version, wrapped, created_at) \
             VALUES (?1, x'01010101010101010101010101010101', 1, ?2, 5)",
            of.bytes(),
            wrap(&wrapping, &subjects::place(CLINIC, of, 1), &[7; 32]),
        ),
    ] {
        sqlx::query(sql).bind(id.to_vec()).bind(value).execute(&mut conn).await.unwrap();
    }
    conn.close().await.unwrap();
    let vault = opened(dir.path(), 1).await;
    assert_eq!(vault.subject_key(CLINIC, of).await.unwrap().unwrap().expose(), &[7; 32]);
    assert_eq!(vault.rotate_clinic(CLINIC, NOW).await.unwrap(), 1);
    vault.close().await;
    let vault = opened(dir.path(), 2).await;
    assert_eq!(vault.subject_key(CLINIC, of).await.unwrap().unwrap().expose(), &[7; 32]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_in_the_middle_of_a_rotation_goes_onto_a_server_which_finishes_it() {
    let (dir, vault) = given(2).await;
    let before = known(&vault, 2).await;
    let mut crashes = Vec::new();
    let path = dir.path().to_owned();
    vault.rotate_clinic_in_steps(CLINIC, NOW, |step| crashes.push((step, as_killed(&path)))).await.unwrap();
    for (step, copy) in &crashes {
        let url = throwaway_postgres::database().await;
        let file = copy.path().join(VAULT_FILE);
        crate::vault::copy_to_server(&file, &url).await.unwrap();
        std::fs::remove_file(file).unwrap();
        let entropy = Arc::new(SeededEntropy::new(77));
        let (vault, _) = Vault::open_server(copy.path(), &url, false, entropy).await.unwrap();
        assert_eq!(known(&vault, 2).await, before, "after {step:?}");
        assert_eq!(vault.finish_rotations(NOW).await.unwrap(), *step != Step::Ended, "after {step:?}");
        let status = vault.key_status().await.unwrap();
        let of_clinic = status.iter().find(|status| status.clinic == CLINIC).unwrap();
        assert_eq!((of_clinic.version, of_clinic.rotating), (2, false));
        vault.close().await;
    }
}
