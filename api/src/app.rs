//! The application: stores, engine and views of one data directory, opened together and closed together.

use crate::ledger::{KEY_FILE, Keeper, LedgerOptions};
use crate::log_place::{Cluster, OpenLog};
use crate::vault_place::{self, VaultServer};
use anyhow::Context as _;
use async_trait::async_trait;
use booking_domain::ids::{ClinicId, SubjectId};
use booking_domain::person::Profile;
use booking_domain::sealed::Sealed;
use booking_engine::vault::{Created, Entropy, OsEntropy, Vault};
use booking_engine::{AccessLog, Clock, Engine, EngineOptions, SystemClock};
use booking_events::sealed_forms::Plaintext;
use booking_events::sealing::{self, Field};
use booking_projections::{ProfileOpener, RunnerOptions, Views};
use booking_store::{EventStore, SqliteOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How an application is opened.
#[derive(Clone)]
pub struct AppOptions {
    /// The data directory.
    pub data: PathBuf,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// How the engine runs.
    pub engine: EngineOptions,
    /// How the log is kept, if it is kept in the data directory.
    pub log: SqliteOptions,
    /// Where the log is, if it is not in the data directory.
    pub cluster: Option<Cluster>,
    /// Where the vault is, if it is not in the data directory.
    pub vault: Option<VaultServer>,
    /// Whether the machine's clock is compared with that of the vault's server; tests that set their clock do not.
    pub compares_clock: bool,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// Limits per source, visit, contact and clinic, and work under load; tests of races lift them.
    pub source_limits: bool,
    /// How much work is asked for under load.
    pub work: crate::http::work::Levels,
    /// An answer whose work depends on who is known leaves at a multiple of this after its request arrived. None: as soon
    /// as it is ready, which tells who is known; tests of everything else save the time.
    pub answer_after: Option<Duration>,
    /// How messages go out.
    pub messages: crate::messages::MessageOptions,
    /// How the ledger is signed.
    pub ledger: LedgerOptions,
    /// How much is taken on at once.
    pub capacity: crate::http::shedding::Capacity,
    /// How long a server that was told to stop goes on answering, while whoever sends it requests finds out.
    pub drain: Duration,
}

impl AppOptions {
    /// The usual way on this data directory.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        let data = data.into();
        Self {
            ledger: LedgerOptions::new(&data),
            data,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            engine: EngineOptions::default(),
            log: SqliteOptions::default(),
            cluster: None,
            vault: None,
            compares_clock: true,
            trusted_proxies: Vec::new(),
            source_limits: true,
            work: crate::http::work::Levels::default(),
            answer_after: Some(crate::http::deadline::USUAL),
            messages: crate::messages::MessageOptions::default(),
            capacity: crate::http::shedding::Capacity::default(),
            drain: Duration::from_secs(3),
        }
    }

    /// For a short command: what was signed is checked, and nothing is signed; messages wait for the next server.
    pub fn without_signing(data: impl Into<PathBuf>) -> Self {
        let mut options = Self::new(data);
        options.ledger.key = None;
        options.messages.untouched = true;
        options
    }
}

/// Everything that a request needs. Shared in an `Arc`.
pub struct App {
    /// Commands.
    pub engine: Arc<Engine>,
    /// Read models.
    pub views: Arc<Views>,
    /// The data directory.
    pub data: PathBuf,
    /// The root key was made at this start: it must be backed up.
    pub root_key_made: bool,
    /// Limits per source, visit, contact and clinic.
    pub limits: crate::http::limits::Limits,
    /// When answers leave whose work depends on who is known.
    pub deadline: crate::http::deadline::Deadline,
    /// What was asked for and refused.
    pub demand: crate::demand_counter::DemandCounter,
    /// Who saw whose data.
    pub access: AccessLog,
    /// Who was erased, and whether the vault knows.
    pub erasures: crate::erasures::ErasureList,
    /// Notices and one-time codes.
    pub messages: Arc<crate::messages::Messages>,
    /// Counts one-time codes.
    pub code_alarm: crate::messages::codes::Alarm,
    /// Signs the ledger, and knows whether it agrees with what was signed.
    pub ledger: Arc<Keeper>,
    /// How much is taken on at once.
    pub places: crate::http::shedding::Places,
    /// What was asked, for metrics.
    pub requests: crate::http::metrics::Requests,
    /// This server is about to stop: it is not ready, and long-lived streams end.
    pub draining: tokio_util::sync::CancellationToken,
    /// How long it goes on answering then.
    pub drain: Duration,
    pub(crate) compares_clock: bool,
    pub(crate) joined: crate::joining::Joined,
    /// Ends every task.
    pub stop: tokio_util::sync::CancellationToken,
    place: OpenLog,
    _lock: std::fs::File,
}

/// Opens profiles with the vault's keys, for the patient directory.
struct VaultOpener(Arc<Vault>);

#[async_trait]
impl ProfileOpener for VaultOpener {
    async fn open_profiles(&self, clinic: ClinicId, sealed: &[(SubjectId, Sealed)]) -> Vec<Option<Profile>> {
        let subjects: Vec<SubjectId> = sealed.iter().map(|(subject, _)| *subject).collect();
        let keys = match self.0.subject_keys(clinic, &subjects).await {
            Ok(keys) => keys,
            Err(error) => {
                tracing::error!(%error, "the vault gave no keys for the patient directory");
                return vec![None; sealed.len()];
            }
        };
        let open = |(subject, sealed): &(SubjectId, Sealed)| {
            let key = keys.get(subject)?;
            let bytes = sealing::open(key, clinic, *subject, Field::Profile, sealed).ok()?;
            Profile::from_plaintext(sealed.schema, &bytes).ok()
        };
        sealed.iter().map(open).collect()
    }
}

impl App {
    /// Opens log, vault and views. One process owns a data directory.
    pub async fn open(options: AppOptions) -> anyhow::Result<Arc<Self>> {
        let data = options.data.clone();
        std::fs::create_dir_all(&data).with_context(|| format!("cannot make the data directory {}", data.display()))?;
        let lock = lock(&data).await?;
        // Before anything is made here: a directory that belongs to another log is left as it is.
        let cluster = match &options.cluster {
            Some(cluster) => Some(OpenLog::cluster(&data, cluster).await.context("log")?),
            None => None,
        };
        let log_has_events = match &cluster {
            Some(cluster) => cluster.has_events,
            None => data.join("events.db").exists(),
        };
        vault_place::check(&data, options.vault.as_ref(), log_has_events)?;
        let erasures = crate::erasures::ErasureList::open(&data)?;
        let mut ledger = options.ledger.clone();
        if options.vault.is_some() && !log_has_events {
            // Of the nodes that share a log the first one makes the key, be it for a short command: later ones make no other.
            ledger.key.get_or_insert_with(|| data.join(KEY_FILE));
        } else if options.vault.is_some() && ledger.key.as_ref().is_some_and(|key| !key.exists()) {
            tracing::warn!("no ledger.key: this node signs nothing; copy it from the node that made it");
            ledger.key = None;
        }
        let ledger = Arc::new(Keeper::open(&data, &ledger, &*options.entropy).context("ledger")?);
        let entropy = Arc::clone(&options.entropy);
        let (vault, created) = vault_place::open(&data, options.vault.as_ref(), log_has_events, entropy).await?;
        let vault = Arc::new(vault);
        // What was opened before a refusal is closed before the refusal is told: the next start finds nothing in use.
        let place = match cluster {
            Some(cluster) => cluster,
            None => match OpenLog::file(&data, options.log.clone()).await {
                Ok(file) => file,
                Err(error) => {
                    vault.close().await;
                    return Err(error).context("log");
                }
            },
        };
        let log = Arc::clone(&place.log);
        let opener = Arc::new(VaultOpener(Arc::clone(&vault)));
        let views = match Views::open(&data.join("views.db"), Arc::clone(&log), opener, RunnerOptions::default()).await
        {
            Ok(views) => views,
            Err(error) => {
                place.close().await;
                vault.close().await;
                return Err(error).context("views");
            }
        };
        views.start();
        let stop = tokio_util::sync::CancellationToken::new();
        let message_channel = options.engine.message_channel || options.messages.any();
        let engine_options = EngineOptions { message_channel, ..options.engine };
        let engine = Arc::new(Engine::new(log, vault, options.clock, options.entropy, engine_options));
        let messages = match crate::messages::Messages::open(&engine, options.messages, &stop).await {
            Ok(messages) => messages,
            Err(error) => {
                views.close().await;
                engine.vault().close().await;
                place.close().await;
                return Err(error).context("outbox");
            }
        };
        let app = Arc::new(Self {
            demand: crate::demand_counter::DemandCounter::new(&engine),
            access: AccessLog::start(Arc::clone(&engine)),
            engine,
            views: Arc::new(views),
            ledger,
            data,
            root_key_made: created == Created::Made,
            limits: crate::http::limits::Limits::new(options.trusted_proxies, options.source_limits, options.work),
            deadline: crate::http::deadline::Deadline::new(options.answer_after),
            erasures,
            messages,
            code_alarm: crate::messages::codes::Alarm::default(),
            places: crate::http::shedding::Places::new(options.capacity),
            requests: crate::http::metrics::Requests::default(),
            draining: tokio_util::sync::CancellationToken::new(),
            drain: options.drain,
            compares_clock: options.compares_clock,
            joined: crate::joining::Joined::default(),
            stop,
            place,
            _lock: lock,
        });
        crate::joining::start(&app);
        app.ledger.start(&app.engine, &app.views, app.stop.clone());
        // Nearly always it is known at once. Where the read models are made again it takes longer, and the server starts
        // meanwhile without taking commands.
        app.ledger.checked_within(Duration::from_secs(2)).await;
        // Before anybody is served; where the views still have far to go, housekeeping goes on with it.
        if let Err(error) = crate::erasures::apply(&app, Duration::from_secs(1)).await {
            tracing::warn!(%error, "the erasure list could not be applied yet; the service is not ready");
        }
        crate::clock_watch::look(&app).await;
        crate::clock_watch::start(&app);
        // After the erasures: nobody who was erased is written to.
        app.messages.start();
        crate::housekeeping::start(&app);
        Ok(app)
    }

    /// The log.
    pub fn log(&self) -> &Arc<dyn EventStore> {
        self.engine.log()
    }

    /// The log's file, if it is in the data directory.
    pub(crate) const fn log_file(&self) -> Option<&booking_store::SqliteStore> {
        self.place.in_file()
    }

    /// Waits until every view shows the log's head; false if that took longer than five seconds.
    pub async fn settle(&self) -> bool {
        self.settle_within(Duration::from_secs(5)).await
    }

    /// The same with another patience.
    pub async fn settle_within(&self, patience: Duration) -> bool {
        match self.log().head().await {
            Ok(Some(head)) => self.views.wait_for_all(head, patience).await,
            Ok(None) => true,
            Err(_) => false,
        }
    }

    /// Stops tasks, writes what is waiting, closes the stores.
    pub async fn close(&self) {
        self.draining.cancel();
        self.stop.cancel();
        self.messages.finish().await;
        self.demand.flush(&self.engine).await;
        if let Ok(Some(head)) = self.log().head().await {
            self.views.wait_for("ledger", head, Duration::from_secs(5)).await;
        }
        self.ledger.sign(&self.engine, &self.views).await;
        if let Err(error) = self.engine.vault().give_leases_back().await {
            tracing::warn!(%error, "duties could not be given back; another node has them in a while");
        }
        self.views.close().await;
        self.engine.vault().close().await;
        self.place.close().await;
    }
}

/// Another process has the data directory.
#[derive(Debug, thiserror::Error)]
#[error("the data directory {} is in use by another process; commands go through the running server", .0.display())]
pub struct DataInUse(pub PathBuf);

/// Tries, ten milliseconds apart, for the lock of a data directory: whoever had it may be closing its files, and a program
/// that it has just started has them open until it runs.
const LOCK_TRIES: u32 = 50;

/// Takes a data directory for this process alone.
pub(crate) async fn lock(data: &Path) -> anyhow::Result<std::fs::File> {
    let path = data.join("lock");
    let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(std::fs::TryLockError::Error(error)) => return Err(error.into()),
        }
    }
    Err(DataInUse(data.to_owned()).into())
}
