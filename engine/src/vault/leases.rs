//! Who does what only one node should do: sign checkpoints, send messages, keep house.
//!
//! A lease lasts until a moment of the server's clock; who does not renew it in time loses it to whoever asks next. Each
//! holder has a number. A node that slept past its lease's end does not know it, so what it writes says the number, and
//! a write under an older number, or after the end, changes nothing ([`VaultError::Gone`]). What is not written to the
//! vault under a lease is safe by other means: messages by their claims, cursors by their old position, events by their
//! expected revision. A vault in a file has one process, which has every lease.

use super::error::{Result, VaultError};
use super::writer::Statement;
use super::{Vault, row, sql};
use booking_domain::time::Instant;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A lease that this node had a moment ago.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lease {
    name: &'static str,
    number: i64,
}

/// What this node holds, and until when it need not ask.
pub(super) type Held = Mutex<HashMap<&'static str, (Lease, tokio::time::Instant)>>;

impl Vault {
    /// Whether other nodes share this vault.
    pub const fn is_shared(&self) -> bool {
        self.readers.shared()
    }

    /// Takes this lease for so long, or holds on to it; none: another node has it. The server is asked only when half of
    /// the time is over.
    pub async fn lease(&self, name: &'static str, lasts: Duration) -> Result<Option<Lease>> {
        if !self.is_shared() {
            return Ok(Some(Lease { name, number: 0 }));
        }
        let asked = tokio::time::Instant::now();
        if let Some((lease, until)) = self.held().get(name).copied()
            && asked < until
        {
            return Ok(Some(lease));
        }
        let micros = i64::try_from(lasts.as_micros()).unwrap_or(i64::MAX / 4);
        let take = vec![name.to_owned().into(), self.node.into(), micros.into()];
        match self.writer.run(vec![Statement::MustChange(&sql::TAKE_LEASE, take)]).await {
            Ok(_) => {}
            Err(VaultError::Gone) => {
                self.held().remove(name);
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        let mine = [name.to_owned().into(), self.node.into()];
        let Some(row) = self.readers.row(&sql::LEASE, mine).await? else { return Ok(None) };
        let lease = Lease { name, number: row::int(&row, 0)? };
        self.held().insert(name, (lease, asked + lasts / 2));
        Ok(Some(lease))
    }

    /// Waits for a lease of which each holder needs only a moment, for `patience`; none: it was not to be had. A node that
    /// sleeps with it keeps the others waiting, and loses it, after the same time.
    pub async fn turn(&self, name: &'static str, patience: Duration) -> Result<Option<Lease>> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            if let Some(lease) = self.lease(name, patience).await? {
                return Ok(Some(lease));
            }
            if tokio::time::Instant::now() >= deadline {
                return Ok(None);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Gives a lease back that is not needed any more.
    pub async fn give_back(&self, lease: Lease) -> Result<()> {
        if !self.is_shared() {
            return Ok(());
        }
        self.held().remove(lease.name);
        let mine = vec![lease.name.to_owned().into(), self.node.into(), lease.number.into()];
        self.writer.run(vec![Statement::Change(&sql::GIVE_LEASE_BACK, mine)]).await.map(drop)
    }

    /// Gives every lease back: a node that stops in order keeps nobody waiting.
    pub async fn give_leases_back(&self) -> Result<()> {
        if self.is_shared() {
            self.held().clear();
            self.writer.run(vec![Statement::Change(&sql::GIVE_LEASES_BACK, vec![self.node.into()])]).await?;
        }
        Ok(())
    }

    /// Makes a signed checkpoint the newest, for every node to see. [`VaultError::Gone`]: the lease is another node's by
    /// now, or a larger one is there; the note must not be shown to anybody.
    pub async fn publish_checkpoint(&self, lease: &Lease, size: u64, note: &str) -> Result<()> {
        if !self.is_shared() {
            return Ok(());
        }
        let size = i64::try_from(size).map_err(|_| VaultError::Damaged("a checkpoint is too large"))?;
        let mine = vec![lease.name.to_owned().into(), self.node.into(), lease.number.into()];
        let newest = vec![size.into(), note.to_owned().into()];
        let statements =
            vec![Statement::MustChange(&sql::HOLD_LEASE, mine), Statement::MustChange(&sql::PUT_CHECKPOINT, newest)];
        self.writer.run(statements).await.map(drop)
    }

    /// The newest signed checkpoint of all nodes: its size and its note. None on a file: it is on the shelf.
    pub async fn published_checkpoint(&self) -> Result<Option<(u64, String)>> {
        if !self.is_shared() {
            return Ok(None);
        }
        let row = self.readers.row(&sql::CHECKPOINT, []).await?;
        row.map(|row| Ok((row::int(&row, 0)?, row::text(&row, 1)?))).transpose()
    }

    /// The server's clock, which all nodes can compare theirs with; none on a file.
    pub async fn server_clock(&self) -> Result<Option<Instant>> {
        if !self.is_shared() {
            return Ok(None);
        }
        let row = self.readers.row(&sql::CLOCK, []).await?;
        row.map(|row| row::instant(&row, 0)).transpose()
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<&'static str, (Lease, tokio::time::Instant)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
