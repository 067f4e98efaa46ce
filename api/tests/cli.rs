//! The command line as an operator uses it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn run(arguments: &[&str], data: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clinic-booking"));
    command.args(arguments);
    if !matches!(arguments.first(), Some(&"openapi" | &"completions")) {
        command.arg("--data").arg(data);
    }
    command.env("RUST_LOG", "error").output().unwrap()
}

#[track_caller]
fn lines(output: &Output) -> Vec<Value> {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// A folder with the demo's file, which is the documented example.
fn example(folder: &Path) {
    std::fs::write(folder.join("clinic.toml"), booking_api::demo::CLINIC_TOML).unwrap();
}

#[test]
fn a_clinic_is_created_listed_examined_exported_and_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let create =
        ["--json", "clinic", "create", "--name", "Clinique", "--admin-email", "a@b.example", "--admin-name", "Ann"];
    let made = lines(&run(&create, &data));
    assert!(made[0]["invitation"].as_str().unwrap().starts_with("i_"));
    let listed = lines(&run(&["--json", "clinic", "list"], &data));
    assert_eq!(listed[0]["clinic"], made[0]["clinic"]);
    assert!(lines(&run(&["--json", "doctor"], &data)).iter().all(|finding| finding["ok"] == true));

    let exported = lines(&run(&["export"], &data));
    assert_eq!(exported[0]["type"], "clinic-registered.v1");
    let sealed = serde_json::to_string(&exported).unwrap();
    assert!(!sealed.contains("a@b.example") && !sealed.contains("Ann"), "an export leaves sealed fields sealed");
    let rebuilt = lines(&run(&["--json", "rebuild"], &data));
    assert!(rebuilt.len() >= 6 && rebuilt.iter().all(|r| r["agrees"] == true), "{rebuilt:?}");
}

#[test]
fn an_import_twice_is_once_and_can_be_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let (data, files) = (dir.path().join("data"), dir.path().join("files"));
    std::fs::create_dir(&files).unwrap();
    example(&files);
    let folder = files.to_str().unwrap();
    let planned = lines(&run(&["--json", "import", folder, "--dry-run"], &data));
    assert_ne!(planned[0]["services"]["created"], 0);
    lines(&run(&["--json", "import", folder], &data));
    let before = lines(&run(&["export"], &data)).len();
    let again = lines(&run(&["--json", "import", folder], &data));
    assert_eq!(again[0]["services"]["created"], 0);
    assert_eq!(lines(&run(&["export"], &data)).len(), before, "the second import appended something");

    let clinic = lines(&run(&["--json", "clinic", "list"], &data))[0]["clinic"].as_str().unwrap().to_owned();
    let replay = |more: &[&str]| {
        let mut arguments = vec!["replay", "--clinic", &clinic, "--date", "2030-01-07"];
        arguments.extend(more);
        run(&arguments, &data)
    };
    assert_eq!(lines(&replay(&[])).len(), 6, "one agenda for each practitioner");
    let nothing_then = replay(&["--at-time", "2020-01-01T00:00:00Z"]);
    assert_eq!(nothing_then.status.code(), Some(1));
}

#[test]
fn a_broken_import_names_file_and_line_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (data, files) = (dir.path().join("data"), dir.path().join("files"));
    std::fs::create_dir(&files).unwrap();
    let broken = booking_api::demo::CLINIC_TOML.replace("duration_minutes = 30", "duration_minutes = 0");
    std::fs::write(files.join("clinic.toml"), broken).unwrap();
    let refused = run(&["import", files.to_str().unwrap()], &data);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("clinic.toml:") && said.contains("duration_minutes"), "{said}");
    assert!(run(&["export"], &data).stdout.is_empty());
}

#[test]
fn a_directory_in_use_is_answered_with_its_own_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let lock = std::fs::File::create(data.join("lock")).unwrap();
    lock.lock().unwrap();
    let create = ["clinic", "create", "--name", "C", "--admin-email", "a@b.example", "--admin-name", "A"];
    assert_eq!(run(&create, &data).status.code(), Some(3));
}

#[test]
fn wrong_arguments_the_document_and_completions() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(run(&["replay", "--clinic", "x", "--date", "tomorrow"], dir.path()).status.code(), Some(2));
    let document: Value = serde_json::from_slice(&run(&["openapi"], dir.path()).stdout).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(String::from_utf8_lossy(&run(&["completions", "bash"], dir.path()).stdout).contains("clinic-booking"));
    let demo = run(&["demo", "--listen", "0.0.0.0:0"], dir.path());
    assert_eq!(demo.status.code(), Some(1), "the demo listens on loopback alone");
}

#[test]
fn a_history_is_verified_with_exit_codes_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("data"), dir.path().join("history.ndjson"));
    let create = ["clinic", "create", "--name", "C", "--admin-email", "a@b.example", "--admin-name", "A"];
    assert!(run(&create, &data).status.success());
    let judged = |arguments: &[&str]| {
        let output = run(&[&["--json", "verify"], arguments].concat(), &data);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        (output.status.code(), report["verdict"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(judged(&[]), (Some(2), "inconclusive".to_owned()), "short commands sign nothing");
    // A server signs, at the latest when it stops.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let app = booking_api::App::open(booking_api::AppOptions::new(&data)).await.unwrap();
        app.close().await;
    });
    let keys = data.join("checkpoints/keys.txt");
    assert_eq!(judged(&["--key", keys.to_str().unwrap()]), (Some(0), "ok".to_owned()));
    let told = String::from_utf8(run(&["verify"], &data).stdout).unwrap();
    assert!(told.starts_with("OK\n") && told.contains("not checked: "), "{told}");

    let export = ["--export", file.to_str().unwrap()];
    assert!(run(&["export", "--to", file.to_str().unwrap()], &data).status.success());
    assert_eq!(judged(&export), (Some(0), "ok".to_owned()));
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("\"revision\":0", "\"revision\":7", 1)).unwrap();
    assert_eq!(judged(&export), (Some(1), "altered".to_owned()));
    let told = String::from_utf8(run(&["verify", "--export", file.to_str().unwrap()], &data).stdout).unwrap();
    assert!(told.contains("first bad leaf 0"), "{told}");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(judged(&export).0, Some(2), "nothing to read proves nothing");
    assert_eq!(judged(&["--key", "nonsense"]).0, Some(1));
}

#[test]
fn keys_are_replaced_and_the_old_root_key_opens_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let create =
        ["--json", "clinic", "create", "--name", "Clinique", "--admin-email", "a@b.example", "--admin-name", "Ann"];
    lines(&run(&create, &data));
    let status = lines(&run(&["--json", "keys", "status"], &data));
    assert_eq!((&status[0]["clinics"][0]["version"], &status[0]["next_root_key"]), (&1.into(), &Value::Null));
    let too_early = run(&["keys", "rotate-root"], &data);
    assert!(!too_early.status.success(), "nobody has a copy of a key that was never made");

    let old = std::fs::read(data.join("root.key")).unwrap();
    let prepared = lines(&run(&["--json", "keys", "prepare-root"], &data));
    let next = std::fs::read(prepared[0]["next_root_key"].as_str().unwrap()).unwrap();
    lines(&run(&["--json", "keys", "rotate-root"], &data));
    assert_eq!(std::fs::read(data.join("root.key")).unwrap(), next);
    let rotated = lines(&run(&["--json", "keys", "rotate-clinic"], &data));
    assert_eq!(rotated[0]["clinics"][0]["version"], 2);
    assert!(lines(&run(&["--json", "doctor"], &data)).iter().all(|finding| finding["ok"] == true));

    std::fs::write(data.join("root.key"), old).unwrap();
    let refused = run(&["clinic", "list"], &data);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("does not belong to this vault"));
}
