//! The files: whose they are, and what is refused.

use super::*;
use booking_domain::ids::CommandId;
use booking_engine::vault::{OsEntropy, Remembered, RootKey};

#[cfg(unix)]
#[tokio::test]
async fn the_root_key_and_the_vault_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let given = Given::a_vault(On::File).await;
    for entry in fs::read_dir(given.dir.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
    let text = fs::read_to_string(given.dir.path().join(ROOT_KEY_FILE)).unwrap();
    assert_eq!((text.len(), text.ends_with('\n')), (65, true));
}

#[cfg(unix)]
#[tokio::test]
async fn a_root_key_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let given = Given::a_vault(On::File).await;
    given.vault.close().await;
    let key = given.dir.path().join(ROOT_KEY_FILE);
    for mode in [0o640, 0o604, 0o660] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let refusal = Given::refusal(given.dir.path()).await;
        assert!(matches!(refusal, VaultError::ExposedRootKey { mode: found, .. } if found == mode), "{refusal}");
    }
}

#[tokio::test]
async fn a_wrong_root_key_is_refused() {
    let given = Given::a_vault(On::File).await;
    given.vault.close().await;
    let key = given.dir.path().join(ROOT_KEY_FILE);
    let good = fs::read_to_string(&key).unwrap();
    let flipped = if good.starts_with('0') { "1" } else { "0" };
    let bytes = fs::read(given.file()).unwrap();
    fs::write(&key, format!("{flipped}{}", &good[1..])).unwrap();
    assert!(matches!(Given::refusal(given.dir.path()).await, VaultError::WrongRootKey));
    assert!(fs::read(given.file()).unwrap() == bytes, "the vault was changed");
    fs::write(&key, &good[..60]).unwrap();
    assert!(matches!(Given::refusal(given.dir.path()).await, VaultError::MalformedRootKey { .. }));
    fs::write(&key, &good).unwrap();
    Given::reopened(given).await.vault.clinic_keys(CLINIC).await.unwrap();
}

#[tokio::test]
async fn a_missing_root_key_beside_a_vault_is_refused_and_none_is_made() {
    let given = Given::a_vault(On::File).await;
    given.vault.close().await;
    let key = given.dir.path().join(ROOT_KEY_FILE);
    fs::remove_file(&key).unwrap();
    assert!(matches!(Given::refusal(given.dir.path()).await, VaultError::MissingRootKey { .. }));
    assert!(matches!(RootKey::load(&key), Err(VaultError::MissingRootKey { .. })));
    assert!(matches!(RootKey::load_or_create(&key, &OsEntropy), Err(VaultError::MissingRootKey { .. })));
    assert!(!key.exists());
}

/// Says whether a refusal is the right one.
type Check = fn(&VaultError) -> bool;

#[tokio::test]
async fn foreign_truncated_and_newer_files_are_refused_with_their_bytes_unchanged() {
    let given = Given::a_vault(On::File).await;
    given.vault.close().await;
    let good = fs::read(given.file()).unwrap();
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = good.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    let foreign: Check = |e| matches!(e, VaultError::ForeignFile { .. });
    let truncated: Check = |e| matches!(e, VaultError::TruncatedFile { .. });
    let newer: Check = |e| matches!(e, VaultError::NewerFile { found: 99, .. });
    let cases: [(&str, Vec<u8>, Check); 6] = [
        ("text", b"Dear diary, today I installed a booking engine.".repeat(9), foreign),
        ("another program's database", with(68, &[0, 0, 0, 9]), foreign),
        ("cut in the header", good[..50].to_vec(), truncated),
        ("cut in the middle", good[..good.len() / 2].to_vec(), truncated),
        ("cut by a byte", good[..good.len() - 1].to_vec(), truncated),
        ("from the future", with(60, &99u32.to_be_bytes()), newer),
    ];
    for (name, bytes, check) in cases {
        fs::write(given.file(), &bytes).unwrap();
        let refusal = Given::refusal(given.dir.path()).await;
        assert!(check(&refusal), "{name}: {refusal}");
        assert!(fs::read(given.file()).unwrap() == bytes, "{name}: the file was changed");
    }
}

/// Schema 6 kept them in the order of the keys.
#[tokio::test]
async fn keys_of_requests_that_a_former_release_kept_are_remembered() {
    use sqlx::Connection as _;
    let given = Given::a_vault(On::File).await;
    given.vault.close().await;
    let url = format!("sqlite://{}", given.file().display());
    let mut former = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let schema = include_str!("../../../migrations/vault/0001_vault.sql");
    let (_, table) = schema.split_once("CREATE TABLE idempotency").unwrap();
    let table = table.split_once(';').unwrap().0;
    let text = format!("DROP TABLE idempotency; CREATE TABLE idempotency{table}; PRAGMA user_version = 6");
    sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut former).await.unwrap();
    for n in 0..3_000_u128 {
        let row = sqlx::query("INSERT INTO idempotency (command_id, body_hash, created_at) VALUES (?, ?, ?)");
        // Three came at each moment.
        let at = NOW.plus_minutes(i64::try_from(n / 3).unwrap()).0;
        row.bind(&id(n)[..]).bind(&[7; 32][..]).bind(at).execute(&mut former).await.unwrap();
    }
    former.close().await.unwrap();

    let mut given = given.reopened().await;
    for _ in 0..2 {
        for n in 0..3_000 {
            let key = CommandId::from_bytes(id(n));
            assert_eq!(given.vault.remember(key, [7; 32], NOW).await.unwrap(), Remembered::Same);
            assert_eq!(given.vault.remember(key, [8; 32], NOW).await.unwrap(), Remembered::Different);
        }
        given = given.reopened().await;
    }
    given.vault.purge_idempotency(NOW.plus_minutes(DAY + 499)).await.unwrap();
    let left = async |n| given.vault.remember(CommandId::from_bytes(id(n)), [7; 32], NOW).await.unwrap();
    assert_eq!((left(1_499).await, left(1_500).await), (Remembered::New, Remembered::Same));
}
