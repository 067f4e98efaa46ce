//! The files under `golden/`: the bytes of every event type, frozen. A released file never changes.

use super::sample::{CurrentEvent, Drawn, Rounds, Sampler};
use crate::primitives::CODE_DOCS;
use crate::{DomainEvent, decode, describe, event_types};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A folder of this crate.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// True if new files may be written.
pub fn bless() -> bool {
    std::env::var_os("BLESS").is_some()
}

/// Compares with a frozen file; writes it if it is new and that was asked for.
#[track_caller]
pub fn frozen(path: &Path, now: &str) {
    match std::fs::read_to_string(path) {
        Ok(then) => assert_eq!(now, then, "{} is frozen: the form may not change, give it a successor", path.display()),
        Err(_) if bless() => std::fs::write(path, now).unwrap(),
        Err(error) => panic!("{} ({error}): if it is new, run with BLESS=1 and commit it", path.display()),
    }
}

/// The cases of a type: with nothing, with extremes, with everything, and more until every list of codes in it has gone
/// round.
fn cases(line: &CurrentEvent) -> (Vec<(String, Drawn<DomainEvent>)>, Rounds) {
    let simple = [("empty", Sampler::empty()), ("edges", Sampler::edges())];
    let mut cases: Vec<_> = simple.into_iter().map(|(name, mut s)| (name.to_owned(), (line.draw)(&mut s))).collect();
    let mut rounds = Rounds::new();
    loop {
        let mut sampler = Sampler::full(rounds);
        let name = if cases.len() == 2 { "full".to_owned() } else { format!("full-{}", cases.len() - 1) };
        cases.push((name, (line.draw)(&mut sampler)));
        rounds = sampler.into_rounds();
        if rounds.values().all(|(drawn, values)| drawn >= values) {
            return (cases, rounds);
        }
    }
}

/// Every `.hex` file of a folder: its name without the ending, and its bytes.
pub fn hex_files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "hex"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, hex::decode(text.trim_end()).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn every_current_event_encodes_to_its_frozen_bytes() {
    for line in crate::events::current() {
        for (case, drawn) in cases(&line).0 {
            let encoded = drawn.event.encode();
            assert_eq!(encoded.event_type, line.name);
            assert_eq!(hex::encode(&encoded.payload), hex::encode(&drawn.bytes), "{} {case}", line.name);
            let file = |ending: &str| folder("golden").join(format!("{}.{case}.{ending}", line.name));
            frozen(&file("hex"), &format!("{}\n", hex::encode(&encoded.payload)));
            frozen(&file("json"), &format!("{}\n", drawn.json));
        }
    }
}

#[test]
fn every_code_of_every_list_and_an_unknown_one_stands_in_some_file() {
    let shown: BTreeSet<_> = crate::events::current().iter().flat_map(|line| cases(line).1.into_keys()).collect();
    for list in CODE_DOCS {
        assert!(shown.contains(list.name), "no event shows {}", list.name);
    }
}

#[test]
fn every_file_ever_committed_still_decodes() {
    if bless() {
        return;
    }
    for (name, bytes) in hex_files(&folder("golden")) {
        let (event_type, _case) = name.rsplit_once('.').unwrap();
        let event = decode(event_type, &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let encoded = event.encode();
        // A former version encodes as its successor.
        if encoded.event_type == event_type {
            assert_eq!(hex::encode(encoded.payload), hex::encode(&bytes), "{name}");
        }
        let json = std::fs::read_to_string(folder("golden").join(format!("{name}.json"))).unwrap();
        assert_eq!(format!("{}\n", describe(event_type, &bytes).unwrap()), json, "{name}");
    }
}

/// With `BLESS` the other tests are writing the files, perhaps at this moment.
#[test]
fn every_type_of_the_registry_is_unique_and_has_golden_files_and_a_page() {
    let types: Vec<_> = event_types().collect();
    let unique: BTreeSet<_> = types.iter().collect();
    assert_eq!(types.len(), unique.len());
    if bless() {
        return;
    }
    let files = hex_files(&folder("golden"));
    for name in types {
        let count = files.iter().filter(|(file, _)| file.rsplit_once('.').is_some_and(|(ty, _)| ty == name)).count();
        assert!(count >= 2, "{name} has {count} golden files");
        assert!(folder("docs").join(format!("{name}.md")).exists(), "{name} has no page");
        let (stem, version) = name.rsplit_once(".v").unwrap();
        assert!(stem.chars().all(|c| c.is_ascii_lowercase() || c == '-') && version.parse::<u16>().is_ok(), "{name}");
    }
}
