//! The two floors under every durable figure: one row with one fdatasync at a time, and a bare writer with group commit.
//!
//! Both write into a file whose blocks exist already, as a write-ahead log that was filled once has them: an fdatasync
//! then has no size to store. The writer decides in memory (is this the stream's next revision?), copies the same bytes
//! that a booking's row has, and answers whoever waited. Nothing that keeps a log can be faster on this disk.

use crate::figures::{Waits, rate};
use anyhow::Context as _;
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Bytes of the file, written again from its beginning when its end is reached.
const ROOM: u64 = 64 << 20;
/// Rows that share one fdatasync at most, as in the log.
const BATCH: usize = 512;

/// A file whose blocks are on the disk.
fn prepared(folder: &Path) -> anyhow::Result<File> {
    let file = tempfile::tempfile_in(folder).context("cannot make a file to write to")?;
    let zeros = vec![0_u8; 1 << 20];
    for at in (0..ROOM).step_by(zeros.len()) {
        file.write_all_at(&zeros, at)?;
    }
    file.sync_all()?;
    Ok(file)
}

/// The place for so many bytes, in turn.
fn place(next: &mut u64, length: usize) -> u64 {
    let length = length as u64;
    if *next + length > ROOM {
        *next = 0;
    }
    *next += length;
    *next - length
}

/// One row and one fdatasync after the other, for this long.
pub fn one_by_one(folder: &Path, row: &[u8], time: Duration) -> anyhow::Result<Waits> {
    let (file, mut next, mut waits) = (prepared(folder)?, 0, Waits::default());
    let begun = Instant::now();
    while begun.elapsed() < time {
        let asked = Instant::now();
        file.write_all_at(row, place(&mut next, row.len()))?;
        file.sync_data()?;
        waits.add(asked.elapsed());
    }
    Ok(waits)
}

/// A row for the bare writer.
struct Write {
    stream: usize,
    expected: u64,
    row: Arc<[u8]>,
    done: oneshot::Sender<bool>,
}

/// The bare writer's loop: what waits is decided, written and synced together.
fn write_all(file: &File, mut queue: mpsc::Receiver<Write>) -> std::io::Result<()> {
    let mut heads: HashMap<usize, u64> = HashMap::new();
    let (mut next, mut bytes, mut waiting) = (0, Vec::new(), Vec::new());
    while queue.blocking_recv_many(&mut waiting, BATCH) > 0 {
        bytes.clear();
        let mut answers = Vec::with_capacity(waiting.len());
        for Write { stream, expected, row, done } in waiting.drain(..) {
            let head = heads.entry(stream).or_default();
            let holds = *head == expected;
            if holds {
                *head += 1;
                bytes.extend_from_slice(&row);
            }
            answers.push((done, holds));
        }
        file.write_all_at(&bytes, place(&mut next, bytes.len()))?;
        file.sync_data()?;
        for (done, holds) in answers {
            // Whoever has gone does not want to know.
            let _ = done.send(holds);
        }
    }
    Ok(())
}

/// So many callers, each with streams of its own, for this long: rows a second, and how long each waited.
pub async fn bare_writer(folder: &Path, row: &[u8], callers: usize, time: Duration) -> anyhow::Result<(f64, Waits)> {
    const STREAMS: usize = 1_000;
    let file = prepared(folder)?;
    let (queue, queued) = mpsc::channel(4_096);
    let writer = std::thread::spawn(move || write_all(&file, queued));
    let row: Arc<[u8]> = row.into();
    let begun = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let (queue, row) = (queue.clone(), Arc::clone(&row));
            tokio::spawn(async move {
                let mut waits = Waits::default();
                let own = (STREAMS / callers).max(1);
                for n in 0.. {
                    if begun.elapsed() >= time {
                        break;
                    }
                    let (done, answer) = oneshot::channel();
                    let (stream, expected) = (caller + callers * (n % own), (n / own) as u64);
                    let asked = Instant::now();
                    let write = Write { stream, expected, row: Arc::clone(&row), done };
                    anyhow::ensure!(queue.send(write).await.is_ok() && answer.await?, "the bare writer refused a row");
                    waits.add(asked.elapsed());
                }
                Ok(waits)
            })
        })
        .collect();
    drop(queue);
    let mut waits = Waits::default();
    for task in tasks {
        waits.extend(task.await??);
    }
    let took = begun.elapsed();
    writer.join().map_err(|_| anyhow::anyhow!("the bare writer broke"))??;
    Ok((rate(waits.len(), took), waits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whoever_shares_an_fdatasync_is_faster_than_whoever_pays_for_one() {
        let folder = tempfile::tempdir().unwrap();
        let time = Duration::from_millis(150);
        let alone = one_by_one(folder.path(), &[7; 700], time).unwrap();
        let (shared, waits) = bare_writer(folder.path(), &[7; 700], 64, time).await.unwrap();
        assert!(!alone.is_empty() && !waits.is_empty() && shared > 0.0);
    }
}
