//! The machine: what it is, and how much of it somebody else took while something was measured.
//!
//! With both cores busy one fdatasync takes twenty times as long, so a figure that was taken beside other work says
//! nothing. What other processes took is what the machine did, less what this process and its children did. The kernel's
//! own threads (writing back, the disk's queue) count as others: they are part of it, and small.

use serde::{Deserialize, Serialize};
use std::fs::read_to_string;
use std::path::Path;

/// More than this share of the machine for others, and a measure is not to be trusted.
pub const TENTH: f64 = 0.1;

/// What was measured on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// How many of them.
    pub processors: usize,
    /// Memory in GB.
    pub memory_gb: u64,
    /// The kernel.
    pub kernel: String,
    /// The file system under the measured files.
    pub file_system: String,
}

impl Machine {
    /// This machine, with its files below this folder.
    #[must_use]
    pub fn read(folder: &Path) -> Self {
        let line = |file: &str, name: &str| {
            let text = read_to_string(file).unwrap_or_default();
            text.lines().find(|line| line.starts_with(name)).map(str::to_owned).unwrap_or_default()
        };
        let processor = line("/proc/cpuinfo", "model name");
        let memory = line("/proc/meminfo", "MemTotal");
        let kilobytes: u64 = memory.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
        Self {
            processor: processor.split_once(':').map_or("unknown", |(_, name)| name.trim()).to_owned(),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gb: kilobytes.div_ceil(1_000_000),
            kernel: read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            file_system: file_system(folder),
        }
    }
}

/// The type of the file system that a folder is on: the longest mount that it lies below.
fn file_system(folder: &Path) -> String {
    let mounts = read_to_string("/proc/self/mounts").unwrap_or_default();
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let of = |line: &str| {
        let mut words = line.split_whitespace();
        let (_, at, kind) = (words.next()?, words.next()?, words.next()?);
        folder.starts_with(at).then(|| (at.len(), kind.to_owned()))
    };
    mounts.lines().filter_map(of).max().map_or_else(|| "unknown".to_owned(), |(_, kind)| kind)
}

/// What the processors did since the machine started, in ticks.
#[derive(Clone, Copy, Debug)]
pub struct Ticks {
    whole: u64,
    busy: u64,
    own: u64,
}

impl Ticks {
    /// Until now.
    #[must_use]
    pub fn now() -> Self {
        let stat = read_to_string("/proc/stat").unwrap_or_default();
        let first = stat.lines().next().unwrap_or_default();
        // user, nice, system, idle, iowait, irq, softirq, steal.
        let all: Vec<u64> = first.split_whitespace().skip(1).take(8).filter_map(|n| n.parse().ok()).collect();
        let whole: u64 = all.iter().sum();
        let idle: u64 = all.iter().skip(3).take(2).sum();
        let own = read_to_string("/proc/self/stat").unwrap_or_default();
        // After the name, which may hold anything but ends with the last bracket: utime, stime, cutime, cstime.
        let rest = own.rsplit_once(')').map_or("", |(_, rest)| rest);
        let own = rest.split_whitespace().skip(11).take(4).filter_map(|n| n.parse::<u64>().ok()).sum();
        Self { whole, busy: whole - idle, own }
    }

    /// The share of the machine that others have taken since.
    #[must_use]
    pub fn taken_by_others(self) -> f64 {
        let now = Self::now();
        let whole = now.whole.saturating_sub(self.whole).max(1);
        let others = now.busy.saturating_sub(self.busy).saturating_sub(now.own.saturating_sub(self.own));
        others as f64 / whole as f64
    }
}

/// Resident memory of this process in bytes: now, and at its peak.
#[must_use]
pub fn memory() -> (u64, u64) {
    let status = read_to_string("/proc/self/status").unwrap_or_default();
    let of = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) * 1_024
    };
    (of("VmRSS:"), of("VmHWM:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_process_does_is_not_taken_by_others() {
        let (before, begun) = (Ticks::now(), std::time::Instant::now());
        let mut sum = 0_u64;
        while begun.elapsed().as_millis() < 300 {
            sum = sum.wrapping_mul(31).wrapping_add(1);
        }
        assert_ne!(sum, 0);
        let after = Ticks::now();
        assert!(after.own > before.own, "work counts as own");
        assert!(after.busy >= before.busy && after.whole > before.whole);
        assert!((0.0..=1.0).contains(&before.taken_by_others()));
    }

    #[test]
    fn a_process_has_memory() {
        let (now, peak) = memory();
        assert!(now > 100_000 && peak >= now, "{now} {peak}");
    }
}
