//! Moving a log between stores: from the file of a data directory to a cluster, and back; and the vault onto a server.
//!
//! Copying is done beside a running server, as often as one likes; the last copy, with which a data directory goes over to
//! the new log, is made while none runs on it. What remembers positions of the old log is told those of the new one
//! ([`cursors`]), or made again (the read models).
//!
//! | file | what it does |
//! |---|---|
//! | `place` | where a log is, and opening it |
//! | `cursors` | what the vault remembers of a log's positions |
//! | `switch` | a data directory goes over to another log |
//! | `vault` | the vault of a data directory goes onto a server |
//! | this one | the copy, held against what was signed |

pub(crate) mod cursors;
mod place;
mod switch;
mod vault;

pub use place::{Place, PlaceError};
pub use switch::Switch;
pub use vault::move_vault;

use crate::ledger::Shelf;
use anyhow::Context as _;
use booking_events::ledger::Checkpoint;
use booking_store::copy::{Copied, CopyOptions, copy};
use std::path::Path;

/// Copies a log, all of it. What `shelf` has signed of it has to be true of the copy.
pub async fn copy_log(
    from: &Place,
    to: &Place,
    shelf: Option<&Path>,
    told: impl FnMut(u64) + Send,
) -> anyhow::Result<Outcome> {
    anyhow::ensure!(from != to, "a log is not copied onto itself");
    let signed = shelf.map(newest).transpose()?.flatten();
    let mut source = from.read().await?;
    let target = to.write().await?;
    let options = CopyOptions { sizes: signed.iter().map(|signed| signed.size).collect(), ..target.options() };
    let outcome = copy(&mut *source, target.store(), &options, told).await;
    target.close().await;
    let copied = outcome?;
    if let Some(signed) = &signed {
        agrees(signed, &copied)?;
    }
    Ok(Outcome { copied, signed })
}

/// A copy, and what was signed of it.
#[derive(Debug)]
pub struct Outcome {
    /// The copy.
    pub copied: Copied,
    /// The newest checkpoint that it agrees with; none: nothing was signed, or nobody said where.
    pub signed: Option<Checkpoint>,
}

/// The newest checkpoint of a data directory, if one of its keys signed it.
fn newest(data: &Path) -> anyhow::Result<Option<Checkpoint>> {
    let shelf = Shelf::at(data);
    let Some(note) = shelf.newest()? else { return Ok(None) };
    shelf.believe(&note).map(Some).context("the newest checkpoint is not to be believed")
}

/// That a copy is the history that was signed.
pub(crate) fn agrees(signed: &Checkpoint, copied: &Copied) -> anyhow::Result<()> {
    match copied.roots.get(&signed.size) {
        _ if signed.size == 0 => Ok(()),
        Some(root) if *root == signed.root => Ok(()),
        Some(_) => anyhow::bail!(
            "the first {} events are not those that were signed; `clinic-booking verify` names the first that differs",
            signed.size
        ),
        None => anyhow::bail!(
            "the newest checkpoint speaks of {} events, and there are {}: events are missing at the end",
            signed.size,
            copied.events
        ),
    }
}
