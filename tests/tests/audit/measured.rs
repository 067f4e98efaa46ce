//! `verify` over a large history: how long it takes, what share of that is reading the log, and that its memory does not
//! grow with the history. The history is a day that an engine wrote, laid down again on other days and agendas.

use booking_api::app::{App, AppOptions};
use booking_api::verify::{History, Options, verify};
use booking_store::{SqliteOptions, SqliteStore};
use booking_tests::histories::LongDay;
use booking_tests::seeds::rounds;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A process of this binary that is to verify a data directory, and nothing else.
const VERIFIES: &str = "MEASURED_VERIFIES";
/// Before what it answers.
const ANSWERS: &str = "the verification says ";
/// Megabytes by which the memory of four times the history may be larger: what the allocator keeps and the pages that
/// SQLite remembers. The small run finds what keeps two kilobytes of each event, the great one what keeps fifty bytes.
const MORE: u64 = 32;

/// Writes so many events, and has a server make the tree and sign it.
async fn written(data: &Path, wanted: usize) -> usize {
    let log = SqliteStore::open(data.join("events.db"), SqliteOptions::default()).await.unwrap();
    let day = LongDay::written().await;
    day.begins(&log).await;
    let events = day.fills(&log, wanted).await;
    log.close().await;
    // A vault of its own, so that a server can be started on it.
    let entropy = std::sync::Arc::new(booking_engine::vault::OsEntropy);
    booking_engine::vault::Vault::open_dir(data, entropy).await.unwrap().0.close().await;
    let app = App::open(AppOptions::new(data)).await.unwrap();
    assert!(app.settle_within(Duration::from_mins(10)).await, "the views do not catch up");
    app.close().await;
    events
}

/// The process that verifies: alone with its memory.
#[test]
fn this_binary_verifies_a_data_directory_when_it_is_given_one() {
    let Some(data) = std::env::var_os(VERIFIES) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let report = runtime.block_on(verify(&History::Data(data.into()), &Options::default())).unwrap();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    println!("\n{ANSWERS}{}", json!({ "report": report, "peak": peak }));
}

fn verified(data: &Path) -> (Value, u64) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "audit::measured::this_binary_verifies_a_data_directory_when_it_is_given_one",
        "--exact",
        "--nocapture",
    ]);
    // One arena: how many the threads of a process happen to fill is no property of what is verified, and is noise of 20 MB.
    let output = command.env(VERIFIES, data).env("MALLOC_ARENA_MAX", "1").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let answer = text.lines().find_map(|line| line.strip_prefix(ANSWERS)).unwrap_or_else(|| panic!("{text}"));
    let mut answer: Value = serde_json::from_str(answer).unwrap();
    (answer["report"].take(), answer["peak"].as_u64().unwrap() / 1_024)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verifying_a_large_history_takes_no_more_memory_than_a_small_one() {
    let wanted = usize::try_from(rounds(20_000, 1_000_000)).unwrap();
    let mut peaks = Vec::new();
    for wanted in [wanted / 4, wanted] {
        let data = tempfile::tempdir().unwrap();
        let begun = crate::load::portal::now();
        let written = written(data.path(), wanted).await;
        println!("{written} events written, shown and signed in {:.1?}", begun.elapsed());
        let (report, peak) = verified(data.path());
        assert_eq!(report["verdict"], "ok", "{report:#}");
        assert_eq!((report["leaves"].as_u64(), report["violation_count"].as_u64()), (Some(written as u64), Some(0)));
        let took = |what: &str| report["timing"][what].as_u64().unwrap();
        let total = took("total").max(1);
        println!(
            "  verified in {total} ms ({} events/s), at most {peak} MB: tree: reading {} ms ({} %), hashing {} ms; \
             rules of {} bookings, beside it: reading {} ms ({} %), judging {} ms",
            written as u64 * 1_000 / total,
            took("reading"),
            took("reading") * 100 / total,
            took("hashing"),
            report["bookings"],
            took("rules_reading"),
            took("rules_reading") * 100 / total,
            took("rules"),
        );
        peaks.push(peak);
    }
    assert!(peaks[1] <= peaks[0] + MORE, "memory grows with the history: {peaks:?} MB");
}
