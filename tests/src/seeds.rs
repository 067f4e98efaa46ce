//! Runs a property over many seeds, and says how to replay the one that failed.
//!
//! - `SEED=n` runs that seed alone;
//! - `TORTURE=1` runs the great number instead of the small one;
//! - `FIRST_SEED=n` starts elsewhere.

use crate::world::Home;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number: {text}")))
}

/// True if the great numbers were asked for.
#[must_use]
pub fn torture() -> bool {
    std::env::var("TORTURE").is_ok_and(|value| value == "1")
}

/// The small number of rounds, or the great one.
#[must_use]
pub fn rounds(small: u64, great: u64) -> u64 {
    if torture() { great } else { small }
}

/// The seeds of a property: one if `SEED` names it, else so many.
#[must_use]
pub fn seeds(small: u64, great: u64) -> Vec<u64> {
    if let Some(seed) = number("SEED") {
        return vec![seed];
    }
    let first = number("FIRST_SEED").unwrap_or(1);
    (first..first + rounds(small, great)).collect()
}

/// What went wrong, from a caught panic.
fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_else(|| "a panic".to_owned())
}

/// Runs `property` for every seed, on a few threads, each with a vault of its own. Stops at the first failure and
/// names its seed.
pub fn hold_for<F>(name: &str, small: u64, great: u64, property: F)
where
    F: AsyncFn(u64, &Home) + Sync,
{
    let seeds = seeds(small, great);
    if let (Some(first), Some(last)) = (seeds.first(), seeds.last()) {
        println!("{name}: SEED={first} to {last}");
    }
    let failures = failures_of(&seeds, &property);
    if let Some((seed, why)) = failures.first() {
        panic!("{name}: failed for seed {seed}; replay it with SEED={seed}\n{why}");
    }
}

/// The seeds for which `property` fails, at most a few, smallest first. For tests of the tests, too.
pub fn failures_of<F>(seeds: &[u64], property: &F) -> Vec<(u64, String)>
where
    F: AsyncFn(u64, &Home) + Sync,
{
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8).min(seeds.len().max(1));
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let made = AtomicU64::new(0);
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let home = runtime.block_on(Home::new(made.fetch_add(1, Ordering::Relaxed)));
        while failed.lock().unwrap().is_empty() {
            let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
            let run = catch_unwind(AssertUnwindSafe(|| runtime.block_on(property(*seed, &home))));
            if let Err(panic) = run {
                failed.lock().unwrap().push((*seed, text_of(&*panic)));
            }
        }
        runtime.block_on(home.close());
    };
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for thread in all {
            thread.join().unwrap();
        }
    });
    let mut failures = failed.into_inner().unwrap();
    failures.sort();
    failures
}
