//! The peers: another crate's engine on the same disk, in a process of its own. Its workspace has a lock file of its
//! own, since it would drag the linked SQLite down to an older version here.

use super::Bench;
use anyhow::Context as _;
use serde::Deserialize;
use tokio::process::Command;

/// What a peer says of its run.
#[derive(Clone, Copy, Deserialize, Debug)]
pub(super) struct Peer {
    /// Commands, or rounds, a second.
    pub(super) rate: f64,
    /// Milliseconds.
    pub(super) p50: f64,
    /// Milliseconds.
    pub(super) p99: f64,
    /// Milliseconds.
    pub(super) max: f64,
}

impl Bench {
    /// Runs the peer's program; none if it was not built.
    pub(super) async fn peer(&self, arguments: &[&str]) -> anyhow::Result<Option<Peer>> {
        if !self.peers.exists() {
            return Ok(None);
        }
        let folder = tempfile::tempdir_in(&self.folder)?;
        let run = Command::new(&self.peers).arg(folder.path()).args(arguments).output().await?;
        let said = String::from_utf8_lossy(&run.stdout);
        anyhow::ensure!(run.status.success(), "the peer failed: {}", String::from_utf8_lossy(&run.stderr));
        Ok(Some(serde_json::from_str(said.trim()).with_context(|| format!("the peer said {said:?}"))?))
    }
}
