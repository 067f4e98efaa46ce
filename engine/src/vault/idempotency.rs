//! Which body a command came with, for a day: the same key with another body is an error of the caller.
//!
//! On a file memory decides, at once, and the disk is written behind. On a server, where nodes share it, the row decides,
//! without waiting for the disk. A power cut may lose the last moments of it, and with them only that error: the outcome
//! of a command is remembered by the log.

use super::error::Result;
use super::token::same;
use super::writer::Statement;
use super::{Vault, row, sql};
use booking_domain::ids::CommandId;
use booking_domain::time::Instant;
use dashmap::{DashMap, Entry};

/// Hours for which a command's body is remembered.
const HOURS: i64 = 24;

/// Whether a command came before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Remembered {
    /// It did not.
    New,
    /// It came with the same body: a retry.
    Same,
    /// It came with another body.
    Different,
}

/// All rows, read at the first use. About 70 bytes each. In so many parts that while one grows, which moves all of it, the
/// others answer.
pub(super) type Memory = DashMap<CommandId, ([u8; 32], Instant)>;

const PARTS: usize = 128;

impl Vault {
    /// Remembers a command's body by its keyed hash, and says whether the command came before. It does not wait for
    /// the disk.
    pub async fn remember(&self, command: CommandId, body_hash: [u8; 32], now: Instant) -> Result<Remembered> {
        if self.readers.shared() {
            return self.remember_together(command, body_hash, now).await;
        }
        let memory = self.idempotency.get_or_try_init(|| self.load_idempotency()).await?;
        match memory.entry(command) {
            Entry::Occupied(known) => {
                return Ok(if same(&known.get().0, &body_hash) { Remembered::Same } else { Remembered::Different });
            }
            Entry::Vacant(place) => drop(place.insert((body_hash, now))),
        }
        let values = vec![command.bytes().into(), body_hash.into(), now.0.into()];
        self.writer.run_behind(vec![Statement::Insert(&sql::INSERT_IDEMPOTENCY, values)]);
        Ok(Remembered::New)
    }

    /// The same where another node may have had the command: the server's constraint decides, and it waits for no disk.
    async fn remember_together(&self, command: CommandId, body_hash: [u8; 32], now: Instant) -> Result<Remembered> {
        let row = [command.bytes().into(), body_hash.into(), now.0.into()];
        if self.readers.change_soon(&sql::REMEMBER, row).await? > Some(0) {
            return Ok(Remembered::New);
        }
        // None: forgotten in between, a day after it came.
        let Some(row) = self.readers.row(&sql::REMEMBERED, [command.bytes().into()]).await? else {
            return Ok(Remembered::New);
        };
        Ok(if same(&row::bytes(&row, 0)?, &body_hash) { Remembered::Same } else { Remembered::Different })
    }

    /// Forgets what is older than a day.
    pub async fn purge_idempotency(&self, now: Instant) -> Result<()> {
        let bound = now.plus_minutes(-HOURS * 60);
        // The disk first: a row that memory has forgotten and the disk has not would stand there twice if it came again.
        self.writer.run(vec![Statement::Change(&sql::PURGE_IDEMPOTENCY, vec![bound.0.into()])]).await?;
        if let Some(memory) = self.idempotency.get() {
            memory.retain(|_, (_, created_at)| *created_at > bound);
        }
        Ok(())
    }

    async fn load_idempotency(&self) -> Result<Memory> {
        let rows = Memory::with_shard_amount(PARTS);
        for row in self.readers.rows(&sql::IDEMPOTENCY, []).await? {
            let command = CommandId::from_bytes(row::bytes(&row, 0)?);
            rows.insert(command, (row::bytes(&row, 1)?, row::instant(&row, 2)?));
        }
        Ok(rows)
    }
}
