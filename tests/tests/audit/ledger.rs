//! The ledger of a running server: receipts that are proved, checkpoints that fit together, and a start on a history
//! that is not the one that was signed.

use booking_api::ledger::{Anchors, Standing};
use booking_events::ledger::merkle::Hash;
use booking_events::ledger::proof::{verify_consistency, verify_inclusion};
use booking_events::ledger::{Checkpoint, Verifier, leaf_hash};
use booking_tests::http::setup::TOMORROW;
use booking_tests::http::{Person, SmallClinic, TestApp};
use serde_json::Value;
use sqlx::{ConnectOptions, Connection};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

fn hash(value: &Value) -> Hash {
    hex::decode(value.as_str().unwrap()).unwrap().try_into().unwrap()
}
fn path(value: &Value) -> Vec<Hash> {
    value.as_array().unwrap().iter().map(hash).collect()
}

async fn signs(app: &TestApp) -> Checkpoint {
    app.settle().await;
    app.app.ledger.sign(&app.app.engine, &app.app.views).await;
    let key = Verifier::parse(&app.get("/api/v1/ledger/key").await.ok().text).unwrap();
    let answer = app.get("/api/v1/ledger/checkpoint").await.ok();
    assert!(answer.header("content-type").unwrap().starts_with("text/plain"));
    Checkpoint::open(&answer.text, &key).unwrap()
}

#[tokio::test]
async fn a_patient_proves_with_the_receipt_that_the_booking_stands_in_the_signed_history() {
    let app = TestApp::start().await;
    app.get("/api/v1/ledger/checkpoint").await.is(404, "no_checkpoint");
    let small = SmallClinic::with_a_morning(&app).await;
    let visitor = app.visitor(&Person::stranger()).await;
    let wanted = visitor.finds(small.service, "09:00").await;
    let booked = visitor.asks_to_book(small.service, &wanted).await.ok();
    let (event, event_hash) = (booked.str("/receipt/event").to_owned(), hash(&booked["receipt"]["event_hash"]));

    let ask = format!("/api/v1/ledger/proof?event={event}");
    app.settle().await;
    app.get(&ask).await.is(404, "no_checkpoint");
    let signed = signs(&app).await;
    let proof = app.get(&ask).await.ok();
    let index = proof["leaf_index"].as_u64().unwrap();
    let leaf = leaf_hash(index, &event_hash);
    assert_eq!(hash(&proof["leaf_hash"]), leaf);
    assert_eq!(proof["tree_size"], signed.size);
    assert!(verify_inclusion(leaf, index, signed.size, &path(&proof["path"]), &signed.root));
    assert!(proof.str("/checkpoint").starts_with(&signed.origin));
    // Found by the leaf's hash too, which says nothing about anybody.
    let by_hash = app.get(&format!("/api/v1/ledger/proof?leaf_hash={}", hex::encode(leaf))).await.ok();
    assert_eq!((&by_hash["leaf_index"], &by_hash["path"]), (&proof["leaf_index"], &proof["path"]));

    // What came after is proved later; the older checkpoint still holds.
    app.scheduler().publishes_slot(small.desk.agenda, TOMORROW, ("13:00", "14:00"), small.activity).await;
    app.settle().await;
    let events = app.events().await;
    let last = events.last().unwrap();
    app.get(&format!("/api/v1/ledger/proof?event={}", last.id)).await.is(409, "not_yet_signed");
    let newer = signs(&app).await;
    assert!(newer.size > signed.size);
    let grown = app.get(&format!("/api/v1/ledger/consistency?from={}", signed.size)).await.ok();
    assert!(verify_consistency(signed.size, &signed.root, newer.size, &newer.root, &path(&grown["path"])));
    assert_eq!((hash(&grown["old_root"]), hash(&grown["root"])), (signed.root, newer.root));
    assert_eq!(app.get(&format!("{ask}&size={}", signed.size)).await.ok().body["path"], proof["path"]);

    for (wrong, code) in [
        ("proof", "bad_parameter"),
        ("proof?leaf_hash=12", "bad_parameter"),
        ("consistency?from=0", "bad_parameter"),
        ("consistency?from=9&to=3", "bad_parameter"),
        ("consistency?from=1&to=9999", "bad_parameter"),
    ] {
        app.get(&format!("/api/v1/ledger/{wrong}")).await.is(400, code);
    }
    app.get(&format!("{ask}&size=1")).await.is(400, "bad_parameter");
    app.get(&format!("/api/v1/ledger/proof?leaf_hash={}", "00".repeat(32))).await.is(404, "not_found");

    let status = app.auditor().get("/audit/ledger").await.ok();
    assert_eq!((&status["standing"], &status["signed"]), (&"holds".into(), &newer.size.into()));
    app.scheduler().get("/audit/ledger").await.is(404, "not_found");
}

#[tokio::test]
async fn a_server_signs_when_it_stops_if_there_were_events_and_not_twice_for_the_same() {
    let app = TestApp::start().await;
    let first = signs(&app).await;
    app.admin().defines_activity("suivi", 20).await;
    let app = app.restarts(|options| options).await;
    let second = signs(&app).await;
    assert!(second.size > first.size && second.origin == first.origin);
    let files = std::fs::read_dir(app.data().join("checkpoints")).unwrap().count();
    assert_eq!(files, 2, "one month, and the keys");
    let app = app.restarts(|options| options).await;
    assert_eq!(signs(&app).await, second);
}

#[tokio::test]
async fn anchors_are_told_of_every_checkpoint_and_their_trouble_is_shown() {
    let outside = TempDir::new().unwrap();
    let (file, copy) = (outside.path().join("anchored.txt"), outside.path().join("copied.txt"));
    let command = format!("cat >> {}", copy.display());
    let app = TestApp::start_with(|mut options| {
        options.ledger.anchors = Anchors::new(Some(file.clone()), Some(command));
        options
    })
    .await;
    let note = async |app: &TestApp| {
        signs(app).await;
        app.app.ledger.newest().unwrap().note.clone()
    };
    let first = note(&app).await;
    app.admin().defines_activity("suivi", 20).await;
    let second = note(&app).await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{first}\n{second}\n"));
    assert_eq!(std::fs::read_to_string(&copy).unwrap(), format!("{first}{second}"));
    assert_eq!(app.auditor().get("/audit/ledger").await.ok()["anchored"], true);

    let app = app
        .restarts(|mut options| {
            options.ledger.anchors = Anchors::new(None, Some("exit 3".to_owned()));
            options
        })
        .await;
    app.admin().defines_activity("autre", 20).await;
    signs(&app).await;
    let status = app.auditor().get("/audit/ledger").await.ok();
    assert!(status.str("/anchor_trouble").contains("the anchor command"), "{}", status.text);
}

/// Changes the log as somebody does who has its file and knows that triggers can be dropped.
async fn meddles(data: &Path, statements: &[&'static str]) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.join("events.db"));
    let mut connection = options.connect().await.unwrap();
    for trigger in ["updated", "deleted", "replaced"] {
        let drop = format!("DROP TRIGGER events_are_not_{trigger}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(drop)).execute(&mut connection).await.unwrap();
    }
    for statement in statements {
        sqlx::raw_sql(*statement).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

fn forget_views(data: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(data.join(format!("views.db{suffix}")));
    }
}

async fn refuses_commands(app: &TestApp, why: &str) {
    assert!(app.app.ledger.checked_within(Duration::from_secs(20)).await);
    let Standing::Broken(said) = app.app.ledger.standing() else { panic!("{:?}", app.app.ledger.standing()) };
    assert!(said.contains(why), "{said}");
    // Reads go on, and nothing is changed.
    let form = serde_json::json!({ "name": "x", "duration_minutes": 20 });
    app.admin().post("/activities", &form).await.is(503, "standstill");
    assert!(app.admin().get("/activities").await.is_ok());
    let status = app.auditor().get("/audit/ledger").await.ok();
    assert_eq!(status["standing"], "broken");
    let before = app.app.ledger.newest();
    app.app.ledger.sign(&app.app.engine, &app.app.views).await;
    assert_eq!(app.app.ledger.newest(), before, "nothing is signed over it");
}

async fn signed_directory() -> TestApp {
    let app = TestApp::start().await;
    SmallClinic::with_a_morning(&app).await;
    signs(&app).await;
    app
}

/// Stops, lets `meddle` have the directory, and starts again.
async fn after(app: TestApp, meddle: impl AsyncFnOnce(&Path)) -> TestApp {
    let data = app.data().to_owned();
    let (clinic, clock) = (app.clinic.clone(), std::sync::Arc::clone(&app.clock));
    let dir = app.stop().await;
    meddle(&data).await;
    TestApp::on(dir, clinic, clock).await
}

#[tokio::test]
async fn on_a_history_that_was_changed_no_command_is_taken() {
    let app = after(signed_directory().await, async |data| {
        meddles(data, &["UPDATE events SET payload = x'00' WHERE position = 3"]).await;
        forget_views(data);
    })
    .await;
    refuses_commands(&app, "are not those of the newest checkpoint").await;
}

#[tokio::test]
async fn on_a_history_that_was_cut_off_no_command_is_taken() {
    let cut = "DELETE FROM events WHERE position = (SELECT max(position) FROM events); \
               DELETE FROM streams WHERE id NOT IN (SELECT stream FROM events)";
    let drop = "DROP TRIGGER streams_are_not_deleted";
    let app = after(signed_directory().await, async |data| meddles(data, &[drop, cut]).await).await;
    refuses_commands(&app, "the log ends before").await;
    let app = after(signed_directory().await, async |data| {
        meddles(data, &[drop, cut]).await;
        forget_views(data);
    })
    .await;
    refuses_commands(&app, "and the log has").await;
}

#[tokio::test]
async fn a_checkpoint_that_was_changed_is_not_believed_and_half_of_one_does_not_count() {
    let file = |data: &Path| {
        let mut files = std::fs::read_dir(data.join("checkpoints")).unwrap().map(|entry| entry.unwrap().path());
        files.find(|path| !path.ends_with("keys.txt")).unwrap()
    };
    let app = after(signed_directory().await, async |data| {
        let text = std::fs::read_to_string(file(data)).unwrap();
        let (first, rest) = text.split_once('\n').unwrap();
        let (size, rest) = rest.split_once('\n').unwrap();
        let smaller = size.parse::<u64>().unwrap() - 1;
        std::fs::write(file(data), format!("{first}\n{smaller}\n{rest}")).unwrap();
    })
    .await;
    refuses_commands(&app, "is not to be believed").await;

    // A crash in the middle of writing one.
    let app = after(signed_directory().await, async |data| {
        let text = std::fs::read_to_string(file(data)).unwrap();
        let note = text.split_once("\n\n\u{2014}").unwrap().0.to_owned();
        std::fs::write(file(data), format!("{text}{}", &note[..note.len() - 20])).unwrap();
    })
    .await;
    assert_eq!(app.app.ledger.standing(), Standing::Holds);
    app.admin().defines_activity("suivi", 20).await;
    let newest = signs(&app).await;
    let app = app.restarts(|options| options).await;
    assert_eq!((app.app.ledger.standing(), signs(&app).await), (Standing::Holds, newest));
}

#[tokio::test]
async fn without_its_key_or_with_one_that_others_can_read_the_server_does_not_start() {
    use booking_tests::http::app::{anywhere, options};
    use std::os::unix::fs::PermissionsExt;
    let app = signed_directory().await;
    let clock = std::sync::Arc::clone(&app.clock);
    let dir = app.stop().await;
    let key = dir.path().join("ledger.key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let refused = async |what: &str| {
        let start = booking_api::cli::serve::Serving::start(options(dir.path(), &clock), anywhere()).await;
        let error = format!("{:#}", start.err().unwrap());
        assert!(error.contains(what), "{error}");
    };
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    refused("others may read").await;
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = std::fs::read_to_string(&key).unwrap();
    std::fs::write(&key, "PRIVATE+KEY+nonsense").unwrap();
    refused("holds no signing key").await;
    std::fs::remove_file(&key).unwrap();
    refused("restore it").await;
    assert!(!key.exists(), "no new key hides that the old one is lost");
    std::fs::write(&key, text).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let serving = booking_api::cli::serve::Serving::start(options(dir.path(), &clock), anywhere()).await.unwrap();
    serving.stop().await.unwrap();
}
