//! The runbooks of docs/operations.md: their commands are run as they stand, against a server, with other paths.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use booking_domain::ids::ClinicId;
use booking_domain::stream::StreamName;
use booking_store::{EventStore as _, Expected, NewEvent, SqliteOptions, SqliteStore};
use kurrent_double::Double;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Stands in for systemd: one server on the data directory, on ports of its own.
const SYSTEMCTL: &str = r#"#!/bin/sh
set -eu
case "$1" in
stop)
  if [ -f "$ROOT/pid" ]; then
    kill -TERM "$(cat "$ROOT/pid")"
    while kill -0 "$(cat "$ROOT/pid")" 2>/dev/null; do sleep 0.05; done
    rm "$ROOT/pid"
  fi ;;
start)
  clinic-booking serve --drain-seconds 0 --listen 127.0.0.1:0 --ops-listen 127.0.0.1:0 --data "$ROOT/lib/clinic-booking" \
    >/dev/null 2>"$ROOT/server.log" &
  echo $! >"$ROOT/pid"
  n=0
  until grep -q '^Listening' "$ROOT/server.log"; do
    n=$((n + 1)); [ "$n" -lt 600 ] || { cat "$ROOT/server.log" >&2; exit 1; }
    kill -0 "$(cat "$ROOT/pid")" || { cat "$ROOT/server.log" >&2; exit 1; }
    sleep 0.05
  done ;;
esac
"#;

/// A machine in a folder: the binary and systemctl on its path, directories where the runbooks say.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["bin", "lib", "keys", "backups", "vault-backups"] {
            std::fs::create_dir(machine.path(folder)).unwrap();
        }
        let systemctl = machine.path("bin/systemctl");
        std::fs::write(&systemctl, SYSTEMCTL).unwrap();
        std::fs::set_permissions(&systemctl, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_clinic-booking"), machine.path("bin/clinic-booking")).unwrap();
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.path("lib/clinic-booking")
    }

    fn runs(&self, script: &str) -> Output {
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        command.args(["-xeuo", "pipefail", "-c", script]).env("PATH", path).env("ROOT", self.folder.path());
        command.current_dir(self.folder.path()).env("RUST_LOG", "warn").output().unwrap()
    }

    #[track_caller]
    fn does(&self, script: &str) -> String {
        let done = self.runs(script);
        let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{script}\n{said}");
        said
    }

    /// A runbook of the document, with this machine's paths.
    #[track_caller]
    fn follows(&self, name: &str, more: &[(&str, &str)]) -> String {
        let mut script = runbook(name);
        let root = self.folder.path().to_str().unwrap();
        for (there, here) in [
            ("/var/lib", "lib"),
            ("/var/backups", "backups"),
            ("/mnt/vault-backups", "vault-backups"),
            ("/root/keys", "keys"),
        ] {
            script = script.replace(there, &format!("{root}/{here}"));
        }
        for (there, here) in more {
            assert!(script.contains(there), "{there} is not in the runbook {name}");
            script = script.replace(there, here);
        }
        self.does(&script)
    }

    /// A clinic, served once, so that there is something signed, and the keys copied to where they belong.
    fn is_set_up(&self) {
        self.does(
            "clinic-booking clinic create --data lib/clinic-booking --name Clinique --admin-email a@b.example --admin-name Ann
             systemctl start
             cp lib/clinic-booking/root.key lib/clinic-booking/ledger.key keys/
             cp lib/clinic-booking/checkpoints/keys.txt keys/ledger-verifier.txt
             systemctl stop
             systemctl start",
        );
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.runs("systemctl stop");
    }
}

/// The commands under a runbook's mark.
fn runbook(name: &str) -> String {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md")).unwrap();
    let mark = format!("<!-- runbook: {name} -->\n```sh\n");
    let (_, rest) = document.split_once(&mark).unwrap_or_else(|| panic!("no runbook {name}"));
    rest.split("```").next().unwrap().to_owned()
}

#[test]
fn every_runbook_of_the_document_has_a_test() {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md")).unwrap();
    let names: Vec<&str> =
        document.split("<!-- runbook: ").skip(1).map(|rest| rest.split(' ').next().unwrap()).collect();
    assert_eq!(
        names,
        [
            "node-loss",
            "shared-gone",
            "backup",
            "restore",
            "move",
            "move-back",
            "move-vault",
            "quarantine",
            "rotation",
            "rebuild"
        ]
    );
}

#[test]
fn backup_rotation_rebuild_and_restore_as_they_are_written() {
    let machine = Machine::new();
    machine.is_set_up();
    let said = machine.follows("backup", &[]);
    assert!(said.contains("OK\n"), "{said}");
    // Again, into the same folder of the log, beside the server.
    machine.follows("backup", &[]);
    // Restored before the keys are replaced: the vault's copy is under the old root key.
    std::fs::write(machine.data().join("checkpoints/erasures.ndjson"), "").unwrap();
    let said = machine.follows("restore", &[]);
    assert!(said.contains("checkpoints agree") && said.contains("OK\n"), "{said}");
    machine.follows("rotation", &[]);
    let said = machine.follows("rebuild", &[]);
    assert!(said.contains("as before") && !said.contains("DIFFERENT"), "{said}");
    machine.does("systemctl stop; clinic-booking doctor --data lib/clinic-booking");
}

#[test]
fn moving_there_and_back_as_it_is_written() {
    let machine = Machine::new();
    machine.is_set_up();
    let double = Double::start().unwrap();
    let address = ("esdb://clinic:…@a.example:2113,b.example:2113,c.example:2113", &*double.connection());
    let said = machine.follows("move", &[address]);
    assert!(said.contains("goes on with the copy") && !said.contains("WRONG"), "{said}");
    assert!(machine.data().join("events.db.moved").exists() && !machine.data().join("events.db").exists());
    machine.follows("move-back", &[address]);
    assert!(machine.data().join("events.db").exists());
    machine.does("clinic-booking verify --data lib/clinic-booking");
}

#[test]
fn the_vault_goes_onto_a_server_as_it_is_written() {
    let machine = Machine::new();
    machine.is_set_up();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = runtime.block_on(throwaway_postgres::database());
    let address = ("postgres://clinic:…@db.example/vault?sslmode=verify-full", &*url);
    // Not beneath a server.
    let refused = machine.runs(&format!("clinic-booking move-vault --data lib/clinic-booking --vault '{url}'"));
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    let said = machine.follows("move-vault", &[address]);
    assert!(said.contains("they are the same") && !said.contains("WRONG"), "{said}");
    assert!(machine.data().join("vault.db.moved").exists() && !machine.data().join("vault.db").exists());
    machine.does(&format!(
        "export CLINIC_BOOKING_VAULT='{url}'; systemctl start; clinic-booking doctor --data lib/clinic-booking; systemctl stop"
    ));
    // Without the server's address there is no vault, and none is made.
    let refused = machine.runs("clinic-booking doctor --data lib/clinic-booking");
    assert!(!refused.status.success() && !machine.data().join("vault.db").exists(), "{refused:?}");
}

/// The addresses of the document, and those of this test.
fn shared<'a>(log: &'a str, vault: &'a str) -> [(&'static str, &'a str); 2] {
    [
        ("esdb://clinic:…@a.example:2113,b.example:2113,c.example:2113", log),
        ("postgres://clinic:…@db.example/vault?sslmode=verify-full&sslrootcert=/etc/clinic-booking/ca.pem", vault),
    ]
}

/// The disk of the only node is gone, then the log's server for a while: everything is there again, and nothing was done
/// by hand but what is written.
#[test]
fn a_lost_node_and_a_log_that_was_gone_as_it_is_written() {
    let (machine, double, vault) = (Machine::new(), Double::start().unwrap(), throwaway_postgres::database_now());
    let log = double.connection();
    let addresses = shared(&log, &vault);
    let at = format!("export CLINIC_BOOKING_LOG='{log}' CLINIC_BOOKING_VAULT='{vault}'\n");
    machine.does(&format!(
        "{at} systemctl start
         systemctl stop
         clinic-booking clinic create --data lib/clinic-booking --name Clinique --admin-email a@b.example --admin-name Ann
         systemctl start
         cp lib/clinic-booking/root.key lib/clinic-booking/ledger.key keys/
         systemctl stop"
    ));
    std::fs::remove_dir_all(machine.data()).unwrap();
    let said = machine.follows("node-loss", &addresses);
    assert!(!machine.data().join("events.db").exists() && !machine.data().join("vault.db").exists(), "{said}");

    // It runs, and its log is gone: doctor says so, and stops saying so when it is back.
    double.kill(0);
    let told = machine.runs(&format!("{at} clinic-booking doctor --data lib/clinic-booking"));
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(
        told.contains("WRONG the server's log answers") && told.contains("ok    the server's vault answers"),
        "{told}"
    );
    let back = double.clone();
    let later = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_secs(1));
        back.start_node(0).unwrap();
    });
    machine.follows("shared-gone", &addresses);
    later.join().unwrap();
    let said = machine.does(&format!("{at} systemctl stop; clinic-booking clinic list --data lib/clinic-booking"));
    assert!(said.contains("Clinique"), "{said}");
}

/// A vault that does not answer, or is another one, is said to be it, with what to do.
#[test]
fn doctor_knows_what_is_wrong_with_a_vault_on_a_server() {
    let (machine, double) = (Machine::new(), Double::start().unwrap());
    let log = double.connection();
    let with = |vault: &str| format!("export CLINIC_BOOKING_LOG='{log}' CLINIC_BOOKING_VAULT='{vault}'\n");
    let looks = |vault: &str| {
        let told = machine.runs(&format!("{} clinic-booking doctor --data lib/clinic-booking", with(vault)));
        assert!(!told.status.success());
        String::from_utf8_lossy(&told.stdout).into_owned()
    };
    let told = looks("postgres://booking@127.0.0.1:1/vault");
    assert!(told.contains("Look at the PostgreSQL server"), "{told}");
    let vault = throwaway_postgres::database_now();
    machine.does(&format!(
        "{} clinic-booking clinic create --data lib/clinic-booking --name Clinique --admin-email a@b.example --admin-name Ann",
        with(&vault)
    ));
    let told = looks(&throwaway_postgres::database_now());
    assert!(told.contains("or the vault that the log belongs"), "{told}");
    std::fs::write(machine.data().join("root.key"), format!("{}\n", "7".repeat(64))).unwrap();
    let told = looks(&vault);
    assert!(told.contains("Copy root.key"), "{told}");
}

/// Writes an event that nobody can read into the clinic's stream; answers its position.
fn a_bad_event(data: &Path) -> u64 {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let log = SqliteStore::open(data.join("events.db"), SqliteOptions::default()).await.unwrap();
        let first = log.read_all(None, 1).await.unwrap().events.remove(0);
        let clinic: ClinicId = first.stream.id().map(ClinicId).unwrap();
        let stream = StreamName::clinic(clinic);
        let head = log.read_stream(&stream, 0, 1_000).await.unwrap().last().map(|event| event.revision);
        let bad = NewEvent {
            id: uuid::Uuid::from_u128(42),
            event_type: "clinic-painted.v1".into(),
            metadata: first.metadata,
            payload: [].into(),
        };
        let appended = log.append(&stream, Expected::head(head), vec![bad]).await.unwrap();
        log.close().await;
        appended.position.0
    })
}

#[test]
fn a_bad_event_is_left_out_as_it_is_written_while_the_server_runs_and_while_it_does_not() {
    for serving in [false, true] {
        let machine = Machine::new();
        machine.is_set_up();
        machine.does("systemctl stop");
        let position = a_bad_event(&machine.data());
        let told = machine.runs("clinic-booking doctor --data lib/clinic-booking");
        let text = String::from_utf8_lossy(&told.stdout).into_owned();
        assert!(
            !told.status.success() && text.contains("clinic-painted.v1") && text.contains(&position.to_string()),
            "{text}"
        );
        if serving {
            machine.does("systemctl start");
        }
        let (there, here) = ("--position 42", format!("--position {position}"));
        let said = machine.follows("quarantine", &[(there, &here)]);
        assert!(said.contains("goes on without the event"), "{said}");
        machine.does("systemctl stop; clinic-booking doctor --data lib/clinic-booking");
    }
}
