//! Somebody meddles with the stored log, a statement at a time, with all the rights of the database: every change is
//! found, and the first bad leaf is the right one.
//!
//! What is expected is found out without the ledger: by comparing the rows before and after.

use booking_api::verify::{History, Options, Report, Verdict, verify};
use booking_events::ledger::{Signer, Verifier};
use booking_tests::Rng;
use booking_tests::canaries::DataDirectory;
use booking_tests::http::app::data_directory;
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Person, SmallClinic, TestApp};
use booking_tests::seeds::hold_for;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tempfile::TempDir;

/// A signed history of some bookings, as a server left it, with a checkpoint every few events.
async fn signed_history() -> DataDirectory {
    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    let sign = async || {
        app.settle().await;
        app.app.ledger.sign(&app.app.engine, &app.app.views).await;
    };
    sign().await;
    for hour in ["12", "13", "14"] {
        let (start, end) = (format!("{hour}:00"), format!("{hour}:40"));
        app.scheduler().publishes_slot(small.desk.agenda, TOMORROW, (&start, &end), small.activity).await;
        let visitor = app.visitor(&Person::stranger()).await;
        let wanted = visitor.finds(small.service, &start).await;
        let _ = visitor.asks_to_hold(small.service, &wanted).await.ok();
        sign().await;
        let _ = visitor.asks_to_book(small.service, &wanted).await.ok();
    }
    sign().await;
    app.admin().defines_activity("suivi", 20).await;
    app.stop().await
}

fn copy_of(from: &Path, views: bool) -> TempDir {
    let to = data_directory();
    std::fs::copy(from.join("events.db"), to.path().join("events.db")).unwrap();
    if views {
        std::fs::copy(from.join("views.db"), to.path().join("views.db")).unwrap();
    }
    std::fs::create_dir(to.path().join("checkpoints")).unwrap();
    for file in std::fs::read_dir(from.join("checkpoints")).unwrap() {
        let file = file.unwrap().path();
        std::fs::copy(&file, to.path().join("checkpoints").join(file.file_name().unwrap())).unwrap();
    }
    to
}

/// The file of checkpoints.
fn notes(data: &Path) -> PathBuf {
    let mut files = std::fs::read_dir(data.join("checkpoints")).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| !path.ends_with("keys.txt")).unwrap()
}

fn key_of(data: &Path) -> Verifier {
    let text = std::fs::read_to_string(data.join("checkpoints/keys.txt")).unwrap();
    Verifier::parse(text.lines().next().unwrap()).unwrap()
}

async fn open(data: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(data.join("events.db")).connect().await.unwrap()
}

type Row = (i64, Option<String>, i64, Vec<u8>, Option<String>, Vec<u8>, Vec<u8>);

async fn rows(connection: &mut SqliteConnection) -> Vec<Row> {
    let sql = "SELECT position, (SELECT name FROM streams WHERE id = stream), revision, event_id, \
               (SELECT name FROM event_types WHERE id = type), CAST(metadata AS BLOB), payload FROM events ORDER BY position";
    sqlx::query_as(sql).fetch_all(connection).await.unwrap()
}

/// The first place at which two histories differ.
fn first_difference(before: &[Row], after: &[Row]) -> Option<u64> {
    let same = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    (same < before.len().max(after.len())).then(|| u64::try_from(same).unwrap())
}

/// One act of meddling: what it is called, and its statements.
fn act(rng: &mut Rng, count: i64) -> (&'static str, String) {
    let mut at = || rng.between(1, count);
    let (one, other) = (at(), at());
    let shift = |from: i64, by: i64| {
        format!(
            "UPDATE events SET position = -position WHERE position >= {from}; \
             UPDATE events SET position = -position + {by} WHERE position < 0;"
        )
    };
    let flip = |column: &str, cast: &str, rng: &mut Rng| {
        // One byte of the value is replaced by another.
        let place = rng.below(10_000);
        format!(
            "UPDATE events SET {column} = (SELECT CAST(substr(b, 1, p) || \
             CASE WHEN substr(b, p + 1, 1) = x'{byte:02x}' THEN x'{other:02x}' ELSE x'{byte:02x}' END || \
             substr(b, p + 2) AS {cast}) FROM \
             (SELECT CAST({column} AS BLOB) AS b, {place} % length(CAST({column} AS BLOB)) AS p)) WHERE position = {one}",
            byte = rng.below(256),
            other = rng.below(256) | 1,
        )
    };
    match rng.below(17) {
        0 => ("a byte of the metadata", flip("metadata", "TEXT", rng)),
        1 => ("a byte of the payload", flip("payload", "BLOB", rng)),
        2 => ("a byte of the id", flip("event_id", "BLOB", rng)),
        3 => ("the revision", format!("UPDATE events SET revision = revision + 1000 WHERE position = {one}")),
        4 => (
            "the type",
            format!(
                "UPDATE events SET type = (SELECT type FROM events WHERE position = {other}) WHERE position = {one}"
            ),
        ),
        5 => ("a type that is none", format!("UPDATE events SET type = 999 WHERE position = {one}")),
        6 => (
            "the stream",
            format!(
                "UPDATE events SET stream = (SELECT stream FROM events WHERE position = {other}), revision = revision + 1000 \
                 WHERE position = {one}"
            ),
        ),
        7 => ("delete", format!("DELETE FROM events WHERE position = {one}")),
        8 => ("delete and close the gap", format!("DELETE FROM events WHERE position = {one}; {}", shift(one + 1, -1))),
        9 => (
            "insert",
            format!(
                "{} INSERT INTO events SELECT {one}, stream, revision + 1000, randomblob(16), type, metadata, payload \
                 FROM events WHERE position = {}",
                shift(one, 1),
                if other >= one { other + 1 } else { other }
            ),
        ),
        10 => (
            "swap two",
            format!(
                "UPDATE events SET position = -1 WHERE position = {one}; \
                 UPDATE events SET position = {one} WHERE position = {other} AND {one} <> {other}; \
                 UPDATE events SET position = {other} WHERE position = -1"
            ),
        ),
        11 => (
            "swap what is sealed",
            format!(
                "CREATE TEMP TABLE two AS SELECT position, payload FROM events WHERE position IN ({one}, {other}); \
                 UPDATE events SET payload = (SELECT payload FROM two WHERE position = {other}) WHERE position = {one}; \
                 UPDATE events SET payload = (SELECT payload FROM two WHERE position = {one}) WHERE position = {other}"
            ),
        ),
        12 => ("truncate", format!("DELETE FROM events WHERE position >= {one}")),
        13 => (
            "back-date",
            format!(
                "UPDATE events SET metadata = replace(metadata, '\"occurred_at\":\"179', '\"occurred_at\":\"178') \
                 WHERE position = {one}"
            ),
        ),
        14 => (
            "rename a stream",
            format!(
                "UPDATE streams SET name = name || '0' WHERE id = (SELECT stream FROM events WHERE position = {one})"
            ),
        ),
        15 => (
            "rename a type",
            format!(
                "UPDATE event_types SET name = name || '0' WHERE id = (SELECT type FROM events WHERE position = {one})"
            ),
        ),
        _ => ("a gap in the positions", shift(one, 5)),
    }
}

async fn drop_triggers(connection: &mut SqliteConnection) {
    let names: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    for name in names {
        sqlx::raw_sql(AssertSqlSafe(format!("DROP TRIGGER {name}"))).execute(&mut *connection).await.unwrap();
    }
}

/// Meddles with a file of checkpoints; what it is called.
fn forges(rng: &mut Rng, data: &Path) -> &'static str {
    let (path, text) = (notes(data), std::fs::read_to_string(notes(data)).unwrap());
    let whole: Vec<&str> = booking_events::ledger::note::split(&text);
    let at = rng.below(whole.len());
    let mut lines: Vec<String> = whole[at].split('\n').map(str::to_owned).collect();
    let (what, forged) = match rng.below(4) {
        0 => {
            lines[1] = (lines[1].parse::<u64>().unwrap() + 1).to_string();
            ("another size", lines.join("\n"))
        }
        1 => {
            let other = if lines[2].starts_with('A') { "B" } else { "A" };
            lines[2].replace_range(..1, other);
            ("another root", lines.join("\n"))
        }
        2 => ("signed with another key", {
            let signer = Signer::new(lines[0].clone(), &[3; 32]).unwrap();
            signer.sign(&format!("{}\n", lines[..3].join("\n")))
        }),
        _ => ("put back again, out of its order", whole[(at + 1) % whole.len()].to_owned()),
    };
    let mut all: Vec<String> = whole.iter().map(|note| (*note).to_owned()).collect();
    all[at] = forged;
    std::fs::write(path, all.join("\n") + "\n").unwrap();
    what
}

async fn verified(data: &Path, keys: &[Verifier]) -> Report {
    let options = Options { keys: keys.to_vec(), retained: vec![] };
    verify(&History::Data(data.to_owned()), &options).await.unwrap()
}

#[test]
fn whatever_is_done_to_the_stored_log_is_found_and_the_first_bad_leaf_is_named() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let template = runtime.block_on(signed_history());
    let (from, key) = (template.path(), key_of(template.path()));
    let seen: Mutex<BTreeSet<&'static str>> = Mutex::default();
    hold_for("tamper", 150, 10_000, async |seed, _| {
        let mut rng = Rng::new(seed);
        // Without the read model's copy of the tree the signatures alone decide, and the leaf is only bounded.
        let views = rng.percent(80);
        let dir = copy_of(from, views);
        let mut connection = open(dir.path()).await;
        let before = rows(&mut connection).await;
        if rng.percent(10) {
            connection.close().await.unwrap();
            let what = forges(&mut rng, dir.path());
            let report = verified(dir.path(), std::slice::from_ref(&key)).await;
            assert_eq!(report.verdict, Verdict::Altered, "{what}: {report:?}");
            seen.lock().unwrap().insert(what);
            return;
        }
        drop_triggers(&mut connection).await;
        let (what, sql) = act(&mut rng, i64::try_from(before.len()).unwrap());
        // Some acts run into the schema's own rules: then nothing happened, which is to be found out too.
        let _ = sqlx::raw_sql(AssertSqlSafe(format!("BEGIN; {sql}; COMMIT"))).execute(&mut connection).await;
        let _ = sqlx::raw_sql("ROLLBACK").execute(&mut connection).await;
        let expected = first_difference(&before, &rows(&mut connection).await);
        connection.close().await.unwrap();
        let report = verified(dir.path(), std::slice::from_ref(&key)).await;
        let Some(expected) = expected else {
            assert_eq!(report.verdict, Verdict::Ok, "nothing was changed ({what}): {report:?}");
            return;
        };
        assert_eq!(report.verdict, Verdict::Altered, "{what} at leaf {expected}: {report:?}");
        let named = &report.altered[0];
        if views || named.exact {
            assert_eq!((report.first_bad_leaf(), named.exact), (Some(expected), true), "{what}: {report:?}");
        } else {
            assert!(named.first_bad_leaf <= Some(expected), "{what}: {report:?}");
        }
        seen.lock().unwrap().insert(what);
    });
    println!("done and found: {}", seen.into_inner().unwrap().into_iter().collect::<Vec<_>>().join(", "));
}

/// The control of all of this: what nobody touched is in order, and what is compared is not the order of the day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_that_nobody_touched_is_in_order_beside_a_running_server_too() {
    let template = signed_history().await;
    let key = key_of(template.path());
    let report = verified(template.path(), std::slice::from_ref(&key)).await;
    assert_eq!(report.verdict, Verdict::Ok, "{report:?}");
    assert_eq!((report.signed_leaves, report.good_checkpoints), (report.leaves, 6));
    assert_eq!(report.bookings, 3);
    assert!(report.not_checked.iter().any(|what| what.contains("--checkpoint")), "{report:?}");
    let other = Signer::new(key.name(), &[9; 32]).unwrap().verifier();
    assert_eq!(verified(template.path(), &[other]).await.verdict, Verdict::Altered, "checkpoints of another key");
    std::fs::remove_dir_all(template.path().join("checkpoints")).unwrap();
    assert_eq!(verified(template.path(), &[]).await.verdict, Verdict::Inconclusive, "nothing signed");

    let app = TestApp::start().await;
    let small = SmallClinic::with_a_morning(&app).await;
    app.settle().await;
    app.app.ledger.sign(&app.app.engine, &app.app.views).await;
    let visitor = app.visitor(&Person::stranger()).await;
    let wanted = visitor.finds(small.service, "09:00").await;
    let _ = visitor.asks_to_book(small.service, &wanted).await.ok();
    let report = verified(app.data(), &[]).await;
    assert_eq!(report.verdict, Verdict::Ok, "{report:?}");
    assert!(report.signed_leaves < report.leaves, "the last events are not signed yet, which is said");
    assert!(report.not_checked.iter().any(|what| what.contains("covered by no checkpoint yet")), "{report:?}");
}

/// Whoever has the signing key and the database can write another history, and nothing beside it tells. Any checkpoint
/// that somebody kept does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_rewrite_is_exposed_by_every_checkpoint_that_somebody_kept() {
    let template = signed_history().await;
    let (data, key) = (template.path(), key_of(template.path()));
    let text = std::fs::read_to_string(notes(data)).unwrap();
    let kept: Vec<String> = booking_events::ledger::note::split(&text).into_iter().map(str::to_owned).collect();
    assert_eq!(kept.len(), 6);
    let mut connection = open(data).await;
    drop_triggers(&mut connection).await;
    let rewrite = "UPDATE events SET metadata = replace(metadata, '\"actor\":\"operator\"', '\"actor\":\"system\"') \
                   WHERE position = 1";
    sqlx::raw_sql(rewrite).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    // The same key signs the other history, from a new tree and an empty folder.
    std::fs::remove_dir_all(data.join("checkpoints")).unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(data.join(format!("views.db{suffix}")));
    }
    let app = booking_api::App::open(booking_api::AppOptions::new(data)).await.unwrap();
    assert!(app.settle().await);
    app.close().await;
    assert_eq!(key_of(data), key);
    let alone = verified(data, std::slice::from_ref(&key)).await;
    assert_eq!(alone.verdict, Verdict::Ok, "nothing beside it tells: {alone:?}");
    for note in kept {
        let retained = vec![("kept".to_owned(), note)];
        let options = Options { keys: vec![key.clone()], retained };
        let report = verify(&History::Data(data.to_owned()), &options).await.unwrap();
        assert_eq!(report.verdict, Verdict::Altered, "{report:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_verified_without_the_directory_and_a_changed_character_is_found() {
    let template = signed_history().await;
    let key = key_of(template.path());
    let mut text = Vec::new();
    booking_api::export::export(template.path(), None, &mut text, |_| {}).await.unwrap();
    let folder = data_directory();
    let file = folder.path().join("export.ndjson");
    let options = Options { keys: vec![key], retained: vec![] };
    let judged = async |text: &[u8]| {
        std::fs::write(&file, text).unwrap();
        verify(&History::Export(file.clone()), &options).await.unwrap()
    };
    let whole = judged(&text).await;
    assert_eq!((whole.verdict, whole.bookings), (Verdict::Ok, 3), "{whole:?}");
    let beside = verified(template.path(), &options.keys).await;
    assert_eq!((whole.leaves, &whole.root), (beside.leaves, &beside.root));

    let lines: Vec<&[u8]> = text.split_inclusive(|b| *b == b'\n').collect();
    let mut rng = Rng::new(1);
    for _ in 0..booking_tests::seeds::rounds(60, 2_000) {
        let at = rng.below(lines.len() - 1);
        let mut cut_off = false;
        let mut changed: Vec<Vec<u8>> = lines.iter().map(|line| line.to_vec()).collect();
        match rng.below(3) {
            0 => {
                changed.remove(at);
                cut_off = at == lines.len() - 2;
            }
            1 => changed.swap(at, (at + 1) % (lines.len() - 1)),
            _ => {
                let digits: Vec<usize> = (0..changed[at].len()).filter(|i| changed[at][*i].is_ascii_digit()).collect();
                let digit = digits[rng.below(digits.len())];
                changed[at][digit] = if changed[at][digit] == b'9' { b'8' } else { changed[at][digit] + 1 };
            }
        }
        let first = changed.iter().zip(&lines).take_while(|(a, b)| a == *b).count();
        let report = judged(&changed.concat()).await;
        assert_eq!(report.verdict, Verdict::Altered, "line {first}: {report:?}");
        // Of a history that ends early nobody can say that nothing before was changed: only its whole root was signed.
        let named = (!cut_off).then(|| u64::try_from(first).unwrap());
        assert_eq!(report.first_bad_leaf(), named, "{report:?}");
        assert!(!cut_off || report.altered[0].what.contains("the history ends"), "{report:?}");
    }

    // One clinic's export has the others as hashes, and the same root.
    let clinic = booking_domain::ids::ClinicId::from_bytes([7; 16]);
    let mut bare = Vec::new();
    booking_api::export::export(template.path(), Some(clinic), &mut bare, |_| {}).await.unwrap();
    assert!(!String::from_utf8(bare.clone()).unwrap().contains("payload"));
    let report = judged(&bare).await;
    assert_eq!((report.verdict, &report.root), (Verdict::Ok, &whole.root), "{report:?}");
    assert!(report.not_checked.iter().any(|what| what.contains("other clinics")), "{report:?}");
}
