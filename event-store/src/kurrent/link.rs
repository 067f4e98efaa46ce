//! A client that works. The crate's client gives up for ever when the server is down at its first call, and stays with a
//! leader that died: so it is watched, and replaced.

use super::KurrentOptions;
use super::verdict::{Client as Health, Trouble, Verdict};
use eventstore::{Client, ClientSettings};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::Instant;

/// Doubtful answers in a row after which the client is replaced.
const DOUBTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

pub(super) struct Link {
    settings: ClientSettings,
    /// Where clients live: not on the runtime of whoever happens to call when one is replaced.
    runtime: Handle,
    pub(super) options: KurrentOptions,
    current: Mutex<Current>,
}

struct Current {
    client: Client,
    generation: u64,
    doubts: u32,
}

impl Link {
    pub(super) fn new(settings: ClientSettings, options: KurrentOptions) -> eventstore::Result<Self> {
        let runtime = Handle::current();
        let client = Client::with_runtime_handle(runtime.clone(), settings.clone())?;
        Ok(Self { settings, runtime, options, current: Mutex::new(Current { client, generation: 0, doubts: 0 }) })
    }

    pub(super) fn rebuilds(&self) -> u64 {
        self.current().generation
    }

    /// One try.
    pub(super) async fn once<T, F>(&self, call: impl FnOnce(Client) -> F) -> Result<T, Verdict>
    where
        F: Future<Output = Result<T, Trouble>>,
    {
        let (client, generation) = {
            let current = self.current();
            (current.client.clone(), current.generation)
        };
        let answer = tokio::time::timeout(self.options.silence, call(client)).await.unwrap_or(Err(Trouble::Silent));
        let verdict = match answer {
            Ok(answer) => {
                self.think(generation, Health::Fine);
                return Ok(answer);
            }
            Err(trouble) => Verdict::of(trouble),
        };
        let client = match &verdict {
            Verdict::Unknown { client, why } => {
                tracing::debug!(why, "the log gave no answer");
                *client
            }
            _ => Health::Fine,
        };
        self.think(generation, client);
        Err(verdict)
    }

    /// Tries until there is an answer, or this much time has passed.
    pub(super) async fn patiently<T, F>(
        &self,
        patience: Duration,
        mut call: impl FnMut(Client) -> F,
    ) -> Result<T, Verdict>
    where
        F: Future<Output = Result<T, Trouble>>,
    {
        let (started, mut pause) = (Instant::now(), FIRST_PAUSE);
        loop {
            match self.once(&mut call).await {
                Err(Verdict::Unknown { why, client }) => {
                    if started.elapsed() + pause > patience {
                        return Err(Verdict::Unknown { why, client });
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                other => return other,
            }
        }
    }

    fn think(&self, generation: u64, health: Health) {
        let mut current = self.current();
        if current.generation != generation {
            // Said of a client that is gone.
            return;
        }
        current.doubts = match health {
            Health::Fine => 0,
            Health::Doubtful => current.doubts.saturating_add(1),
            Health::Dead => DOUBTS,
        };
        if current.doubts < DOUBTS {
            return;
        }
        match Client::with_runtime_handle(self.runtime.clone(), self.settings.clone()) {
            Ok(client) => {
                tracing::warn!(replaced = current.generation.saturating_add(1), "a new client for the log");
                *current = Current { client, generation: generation.saturating_add(1), doubts: 0 };
            }
            Err(error) => tracing::error!(%error, "no new client for the log"),
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        // Replaced in one step: nothing is half done when a holder of the lock panics.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
