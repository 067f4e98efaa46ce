//! The ledger at work: the signing key, the file of checkpoints, the check at the start, and who is told.
//!
//! | file | what it does |
//! |---|---|
//! | `key` | the signing key: a file, made at the first start |
//! | `shelf` | `checkpoints/`: append-only files of signed checkpoints |
//! | `anchor` | tells a file or a command outside about each checkpoint |
//! | this one | when to sign, and what stands in the way |
//!
//! At the start the tree has to agree with the newest checkpoint: the same root at its size. Until that is known, and
//! for good if it does not, no command is taken and the server is not ready; reads go on. Nothing is signed that
//! contradicts the checkpoint before it.
//!
//! Where nodes share a vault on a server, the one that has the lease signs, with the key that all of them have; the note
//! goes into the vault before anybody sees it, under that lease, and every other node takes it over if its own tree agrees.

mod anchor;
mod key;
mod shelf;

pub use anchor::Anchors;
pub use key::KEY_FILE;
pub use shelf::{FOLDER, KEYS_FILE, NotesOfFile, Shelf};

use crate::duties::{self, Duty};
use anyhow::Context as _;
use booking_engine::Engine;
use booking_engine::vault::{Entropy, Lease, VaultError};
use booking_events::ledger::{Checkpoint, Signer, Verifier};
use booking_projections::Views;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How the ledger is kept.
#[derive(Clone, Debug)]
pub struct LedgerOptions {
    /// The signing key's file; none: nothing is signed here, what was signed is checked all the same.
    pub key: Option<PathBuf>,
    /// How often a checkpoint is signed, if there were events.
    pub every: Duration,
    /// Who else is told of checkpoints.
    pub anchors: Anchors,
}

impl LedgerOptions {
    /// Signing with the key in the data directory, every minute.
    pub fn new(data: &Path) -> Self {
        Self { key: Some(data.join(KEY_FILE)), every: Duration::from_mins(1), anchors: Anchors::default() }
    }
}

/// Whether the tree agrees with what was signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Not known yet.
    Checking,
    /// It agrees.
    Holds,
    /// It does not, or the newest checkpoint cannot be believed; this is why.
    Broken(String),
}

/// A checkpoint and its note.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// As it was signed.
    pub note: String,
}

/// Keeps the ledger of one data directory.
pub struct Keeper {
    signer: Option<Signer>,
    shelf: Shelf,
    every: Duration,
    anchors: Anchors,
    newest: RwLock<Option<Arc<Signed>>>,
    standing: tokio::sync::watch::Sender<Standing>,
    /// One checkpoint at a time.
    signing: tokio::sync::Mutex<()>,
    /// The signing key was made at this start.
    pub key_made: bool,
}

impl Keeper {
    /// Opens key and checkpoints. Refuses to make a new key where checkpoints were signed with another.
    pub fn open(data: &Path, options: &LedgerOptions, entropy: &dyn Entropy) -> anyhow::Result<Self> {
        let shelf = Shelf::open(data).context("checkpoints")?;
        let newest = shelf.newest()?;
        let (signer, key_made) = match &options.key {
            None => (None, false),
            Some(path) => {
                let (signer, made) = key::load_or_create(path, newest.is_some(), entropy)?;
                shelf.introduce(&signer.verifier())?;
                (Some(signer), made)
            }
        };
        let (newest, standing) = match newest {
            None => (None, Standing::Holds),
            Some(note) => match shelf.believe(&note) {
                Ok(checkpoint) => (Some(Arc::new(Signed { checkpoint, note })), Standing::Checking),
                Err(why) => (None, Standing::Broken(format!("the newest checkpoint is not to be believed: {why}"))),
            },
        };
        Ok(Self {
            signer,
            shelf,
            every: options.every,
            anchors: options.anchors.clone(),
            newest: RwLock::new(newest),
            standing: tokio::sync::watch::Sender::new(standing),
            signing: tokio::sync::Mutex::default(),
            key_made,
        })
    }

    /// The newest checkpoint.
    pub fn newest(&self) -> Option<Arc<Signed>> {
        self.newest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The key that verifies checkpoints; none if this process does not sign.
    pub fn verifier(&self) -> Option<Verifier> {
        self.signer.as_ref().map(Signer::verifier)
    }

    /// Whether the tree agrees with what was signed.
    pub fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    /// Who else is told, and what became of it the last time.
    pub const fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// Waits until the tree was compared with the newest checkpoint; false: not within `patience`.
    pub async fn checked_within(&self, patience: Duration) -> bool {
        let mut standing = self.standing.subscribe();
        let known = standing.wait_for(|standing| *standing != Standing::Checking);
        tokio::time::timeout(patience, known).await.is_ok_and(|known| known.is_ok())
    }

    /// Checks the tree, then signs from time to time, until it is told to stop.
    pub fn start(self: &Arc<Self>, engine: &Arc<Engine>, views: &Arc<Views>, stop: CancellationToken) {
        let (keeper, engine, views) = (Arc::clone(self), Arc::clone(engine), Arc::clone(views));
        tell(&engine, &keeper.standing());
        tokio::spawn(async move {
            if keeper.standing() == Standing::Checking {
                let outcome = tokio::select! {
                    () = stop.cancelled() => return,
                    outcome = keeper.compare(&engine, &views) => outcome,
                };
                keeper.settle(&engine, outcome);
            }
            while keeper.standing() == Standing::Holds {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(keeper.every) => {}
                }
                keeper.sign(&engine, &views).await;
            }
        });
    }

    fn settle(&self, engine: &Engine, standing: Standing) {
        if let Standing::Broken(why) = &standing {
            tracing::error!(why, "the log is not the one that was signed: no command is taken");
        }
        // The engine first: whoever waited for the check goes on with a command.
        tell(engine, &standing);
        self.standing.send_replace(standing);
    }

    /// Compares the tree with the newest checkpoint, as soon as it is as large.
    async fn compare(&self, engine: &Engine, views: &Views) -> Standing {
        let Some(newest) = self.newest() else { return Standing::Holds };
        loop {
            match self.compare_now(&newest.checkpoint, engine, views).await {
                Standing::Checking => tokio::time::sleep(Duration::from_millis(10)).await,
                known => return known,
            }
        }
    }

    async fn compare_now(&self, signed: &Checkpoint, engine: &Engine, views: &Views) -> Standing {
        let Ok(head) = engine.log().head().await else { return Standing::Checking };
        let status = views.status().into_iter().find(|status| status.name == "ledger");
        let applied = status.as_ref().and_then(|status| status.position);
        if let Some(why) = status.and_then(|status| status.stopped) {
            return Standing::Broken(why.to_string());
        }
        if applied > head {
            return Standing::Broken("the log ends before events that the read models have seen".to_owned());
        }
        match views.ledger.root_at(signed.size).await {
            Ok(Some(root)) if root == signed.root => Standing::Holds,
            Ok(Some(_)) => Standing::Broken(format!(
                "the first {} events are not those of the newest checkpoint; `clinic-booking verify` names the first",
                signed.size
            )),
            Ok(None) if applied >= head => Standing::Broken(format!(
                "the newest checkpoint speaks of {} events, and the log has {}",
                signed.size,
                views.ledger.size()
            )),
            Ok(None) => Standing::Checking,
            Err(error) => Standing::Broken(error.to_string()),
        }
    }

    /// Signs a checkpoint if there were events since the newest, and tells the anchors. One that contradicts the newest
    /// is not signed: then nothing is taken any more.
    pub async fn sign(&self, engine: &Engine, views: &Views) {
        let _alone = self.signing.lock().await;
        if let Err(error) = self.follow(engine, views).await {
            tracing::warn!(%error, "the newest checkpoint of all nodes could not be looked at; tried again later");
            return;
        }
        let Some(signer) = self.signer.as_ref().filter(|_| self.standing() == Standing::Holds) else { return };
        let lease = match duties::lease(engine, Duty::Checkpoints).await {
            Ok(Some(lease)) => lease,
            // Another node signs.
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, "who signs checkpoints is not known; tried again later");
                return;
            }
        };
        let newest = self.newest();
        let size = views.ledger.size();
        if newest.as_ref().map_or(0, |newest| newest.checkpoint.size) >= size {
            return;
        }
        if let Some(newest) = newest {
            let standing = self.compare_now(&newest.checkpoint, engine, views).await;
            match standing {
                Standing::Holds => {}
                Standing::Checking => return,
                Standing::Broken(_) => return self.settle(engine, standing),
            }
        }
        match self.sign_at(signer, size, (engine, &lease), views).await {
            Ok(None) => tracing::warn!("another node signs checkpoints by now; what was signed here is dropped"),
            Ok(Some(fresh)) => {
                let fresh = Arc::new(fresh);
                *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&fresh));
                self.anchors.tell(&fresh.note).await;
            }
            Err(error) => tracing::error!(%error, "a checkpoint could not be kept; tried again later"),
        }
    }

    /// Takes over a newer checkpoint that another node signed, if the tree here is as large: it has to agree.
    async fn follow(&self, engine: &Engine, views: &Views) -> anyhow::Result<()> {
        let Some((size, note)) = engine.vault().published_checkpoint().await? else { return Ok(()) };
        let known = self.newest().map_or(0, |newest| newest.checkpoint.size);
        // Without a key there is nothing to believe it by.
        if self.signer.is_none() || self.standing() != Standing::Holds || size <= known || size > views.ledger.size() {
            return Ok(());
        }
        let checkpoint = self.shelf.believe(&note).context("the newest checkpoint is signed by a key unknown here")?;
        match self.compare_now(&checkpoint, engine, views).await {
            Standing::Checking => {}
            Standing::Holds => {
                self.shelf.put(&note, engine.now())?;
                let fresh = Some(Arc::new(Signed { checkpoint, note }));
                *self.newest.write().unwrap_or_else(PoisonError::into_inner) = fresh;
            }
            broken @ Standing::Broken(_) => self.settle(engine, broken),
        }
        Ok(())
    }

    /// None: the lease was lost meanwhile, and nobody may see what was signed.
    async fn sign_at(
        &self,
        signer: &Signer,
        size: u64,
        (engine, lease): (&Engine, &Lease),
        views: &Views,
    ) -> anyhow::Result<Option<Signed>> {
        let root = views.ledger.root_at(size).await?.context("the tree is smaller than it was")?;
        let checkpoint = Checkpoint { origin: signer.name().to_owned(), size, root };
        let note = checkpoint.sign(signer);
        match engine.vault().publish_checkpoint(lease, size, &note).await {
            Ok(()) => {}
            Err(VaultError::Gone) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        self.shelf.put(&note, engine.now())?;
        Ok(Some(Signed { checkpoint, note }))
    }
}

/// Commands are taken only while the tree is known to agree.
fn tell(engine: &Engine, standing: &Standing) {
    engine.refuse_commands(match standing {
        Standing::Holds => None,
        Standing::Checking => Some("the history is being checked against the last checkpoint".to_owned()),
        Standing::Broken(why) => Some(why.clone()),
    });
}
