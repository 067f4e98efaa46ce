//! The pages under `docs/` are enough to read every event in another language: a decoder written from them alone does.

use std::path::Path;
use std::process::Command;

#[test]
fn a_decoder_written_from_the_pages_alone_reads_every_golden_file() {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = crate_folder.join("../tests/python/decode_events.py");
    let output = Command::new("python3").arg("-B").arg(&script).arg(crate_folder).output();
    let output = output.unwrap_or_else(|error| panic!("this test needs python3 on the path: {error}"));
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script:?} failed: {said}{complained}");
    assert!(said.trim_end().ends_with(" passed, 0 failed"), "{said}");
}
