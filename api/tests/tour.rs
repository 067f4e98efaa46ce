//! The README's tour: its commands are run as they stand, against the demo as the README starts it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Ends the server with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the demo on a free port; its address, once it listens and the demo clinic is there.
fn demo(data: &std::path::Path) -> (Server, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_clinic-booking"))
        .args(["demo", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let server = Server(child);
    let (mut address, mut said) = (None, Vec::new());
    for line in lines.map_while(Result::ok) {
        if let Some(rest) = line.strip_prefix("Listening on http://") {
            address = rest.split_whitespace().next().map(str::to_owned);
        }
        if line.starts_with("Demo clinic") {
            let address = address.unwrap_or_else(|| panic!("no address in {said:?}"));
            return (server, address);
        }
        said.push(line);
    }
    panic!("the demo did not start: {said:#?}");
}

/// The `sh` blocks between the tour's marks, in order.
fn tour() -> String {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let (_, rest) = readme.split_once("<!-- tour: begin -->").unwrap();
    let (tour, _) = rest.split_once("<!-- tour: end -->").unwrap();
    let blocks: Vec<&str> = tour.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 6, "the tour has lost its commands");
    blocks.join("\n")
}

#[test]
fn the_tour_of_the_readme_runs_as_it_stands() {
    let data = tempfile::tempdir().unwrap();
    let (_server, address) = demo(&data.path().join("data"));
    // Only the port differs, so that the test does not depend on a free 8080.
    let script = tour().replace("127.0.0.1:8080", &address);
    let done = Command::new("bash")
        .args(["-xeuo", "pipefail", "-c", &script])
        .current_dir(data.path())
        .output()
        .expect("bash, curl and jq are needed");
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "the tour failed\n{out}\n{err}");
    for expected in ["Vaccination", "cloud", "cloud_check", "to identify then: true", "no_record"] {
        assert!(out.contains(expected), "{expected:?} is missing in\n{out}");
    }
    assert!(out.contains("\"to_identify\": false"), "the patient was not attached\n{out}");
}
