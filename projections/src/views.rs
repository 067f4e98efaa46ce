//! All views together: opened at the start, fed by their runners, closed at the end.

use crate::access::Accesses;
use crate::agenda::Agendas;
use crate::appointments::Appointments;
use crate::availability::Availability;
use crate::background::Background;
use crate::clinics::Clinics;
use crate::demand::Demand;
use crate::directory::{Directory, ProfileOpener};
use crate::erasures::Erasures;
use crate::file::{self, Db, OpenError, Waiting};
use crate::ledger::Ledger;
use crate::pace::RunnerOptions;
use crate::projection::{View, ViewError};
use crate::rebuild::{RebuildError, RebuildReport};
use crate::runner::{QuarantineError, Runner};
use crate::status::ProjectionStatus;
use async_trait::async_trait;
use booking_store::{EventStore, Position};
use futures::{Stream, StreamExt};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as StdMutex, PoisonError, Weak};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A runner, whatever its view.
#[async_trait]
trait Lane: Send + Sync {
    fn name(&self) -> &'static str;
    fn position(&self) -> Option<Position>;
    fn status(&self) -> ProjectionStatus;
    fn spawn(&self, stop: CancellationToken) -> JoinHandle<()>;
    async fn wait_for(&self, position: Position, timeout: Duration) -> bool;
    async fn rebuild(&self, cancel: &CancellationToken) -> Result<RebuildReport, RebuildError>;
    async fn quarantine(&self, position: Position, reason: &str) -> Result<(), QuarantineError>;
}

#[async_trait]
impl<V: View> Lane for Arc<Runner<V>> {
    fn name(&self) -> &'static str {
        V::NAME
    }
    fn position(&self) -> Option<Position> {
        Runner::position(self)
    }
    fn status(&self) -> ProjectionStatus {
        Runner::status(self)
    }
    fn spawn(&self, stop: CancellationToken) -> JoinHandle<()> {
        Runner::spawn(self, stop)
    }
    async fn wait_for(&self, position: Position, timeout: Duration) -> bool {
        Runner::wait_for(self, position, timeout).await
    }
    async fn rebuild(&self, cancel: &CancellationToken) -> Result<RebuildReport, RebuildError> {
        Runner::rebuild(self, cancel).await
    }
    async fn quarantine(&self, position: Position, reason: &str) -> Result<(), QuarantineError> {
        Runner::quarantine(self, position, reason).await
    }
}

/// The read models.
pub struct Views {
    /// Clinics, their staff and their templates.
    pub clinics: Arc<Clinics>,
    /// What can be booked.
    pub availability: Arc<Availability>,
    /// The staff agenda.
    pub agenda: Arc<Agendas>,
    /// Appointments, and the reconciliation queue.
    pub appointments: Arc<Appointments>,
    /// Patients.
    pub directory: Arc<Directory>,
    /// Demand by day.
    pub demand: Arc<Demand>,
    /// The ledger.
    pub ledger: Arc<Ledger>,
    /// Who saw whose data.
    pub access: Arc<Accesses>,
    /// Who is to be forgotten, and who was.
    pub erasures: Arc<Erasures>,
    lanes: Vec<Box<dyn Lane>>,
    db: Arc<Db>,
    stop: CancellationToken,
    tasks: StdMutex<Vec<JoinHandle<()>>>,
    /// Ends with the views, and their tasks with it.
    _background: Arc<Background>,
}

impl fmt::Debug for Views {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Views").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Views {
    /// Opens the file, or makes it, and loads what is kept in memory. Nothing is fed before [`Views::start`].
    ///
    /// A start reads the rows and the short streams of clinics, staff and templates, never the whole log; a
    /// projection whose version changed is made again by its runner.
    pub async fn open(
        path: &Path,
        store: Arc<dyn EventStore>,
        opener: Arc<dyn ProfileOpener>,
        options: RunnerOptions,
    ) -> Result<Self, OpenError> {
        let refused = |source| OpenError::Io { path: path.to_owned(), source };
        let background = Arc::new(Background::start().map_err(refused)?);
        let opening = Self::open_in(Arc::clone(&background), path.to_owned(), store, opener, options);
        background.spawn(opening).await.map_err(|broken| refused(io::Error::other(broken)))?
    }

    async fn open_in(
        background: Arc<Background>,
        path: PathBuf,
        store: Arc<dyn EventStore>,
        opener: Arc<dyn ProfileOpener>,
        options: RunnerOptions,
    ) -> Result<Self, OpenError> {
        let path = &path;
        let db = Arc::new(Db::open(path).await?);
        let clinics = Arc::new(Clinics::new(Arc::clone(&store)));
        let availability = Arc::new(Availability::default());
        let agenda = Arc::new(Agendas::new(Arc::clone(&db)));
        let appointments = Arc::new(Appointments::new(Arc::clone(&db)));
        let directory = Arc::new(Directory::new(opener));
        let demand = Arc::new(Demand::new(Arc::clone(&db)));
        let ledger = Arc::new(Ledger::new(Arc::clone(&db)));
        let access = Arc::new(Accesses::new(Arc::clone(&db)));
        let erasures = Arc::new(Erasures::new(Arc::clone(&db)));
        let opening = Opening { path, store, db: Arc::clone(&db), options };
        let lanes = vec![
            opening.lane(&clinics).await?,
            opening.lane(&availability).await?,
            opening.lane(&agenda).await?,
            opening.lane(&appointments).await?,
            opening.lane(&directory).await?,
            opening.lane(&demand).await?,
            opening.lane(&ledger).await?,
            opening.lane(&access).await?,
            opening.lane(&erasures).await?,
        ];
        let (stop, tasks) = (CancellationToken::new(), StdMutex::default());
        Ok(Self {
            clinics,
            availability,
            agenda,
            appointments,
            directory,
            demand,
            ledger,
            access,
            erasures,
            lanes,
            db,
            stop,
            tasks,
            _background: background,
        })
    }

    /// Starts the runners; once.
    pub fn start(&self) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if !tasks.is_empty() {
            return;
        }
        tasks.extend(self.lanes.iter().map(|lane| lane.spawn(self.stop.clone())));
    }

    /// Waits until whoever asks one view is answered with what stands at `position`; false: not within `timeout`, or there
    /// is no such view.
    pub async fn wait_for(&self, projection: &str, position: Position, timeout: Duration) -> bool {
        let Some(lane) = self.lane(projection) else { return false };
        let begun = Instant::now();
        let shown = self.unless_closed(lane.wait_for(position, timeout)).await;
        shown && self.db.written(projection, timeout.saturating_sub(begun.elapsed())).await
    }

    /// The same for every view.
    pub async fn wait_for_all(&self, position: Position, timeout: Duration) -> bool {
        let waits = self.lanes.iter().map(|lane| self.wait_for(lane.name(), position, timeout));
        futures::future::join_all(waits).await.into_iter().all(|reached| reached)
    }

    /// Once nobody feeds the views any more, nothing is waited for.
    async fn unless_closed(&self, wait: impl Future<Output = bool>) -> bool {
        tokio::select! {
            biased;
            reached = wait => reached,
            () = self.stop.cancelled() => false,
        }
    }

    /// The position that every view has applied; none if one of them has applied nothing.
    pub fn position(&self) -> Option<Position> {
        self.lanes.iter().map(|lane| lane.position()).min().flatten()
    }

    /// The position that these views have applied; none if one of them has applied nothing, or there is no such view.
    pub fn position_of(&self, projections: &[&str]) -> Option<Position> {
        projections.iter().map(|name| self.lane(name)?.position()).min().flatten()
    }

    /// How each projection is.
    pub fn status(&self) -> Vec<ProjectionStatus> {
        self.lanes.iter().map(|lane| lane.status()).collect()
    }

    /// The names of the projections.
    pub fn names(&self) -> Vec<&'static str> {
        self.lanes.iter().map(|lane| lane.name()).collect()
    }

    /// Makes a projection again from the log while it is read; returns when readers see the new rows.
    pub async fn rebuild(&self, projection: &str, cancel: &CancellationToken) -> Result<RebuildReport, RebuildError> {
        self.lane(projection).ok_or(RebuildError::UnknownProjection)?.rebuild(cancel).await
    }

    /// Makes every projection again, a few at the same time: while one writes, others read and decode. Reports come as they
    /// end.
    pub fn rebuild_all<'a>(
        &'a self,
        cancel: &'a CancellationToken,
    ) -> impl Stream<Item = Result<RebuildReport, RebuildError>> + 'a {
        let at_once = std::thread::available_parallelism().map_or(1, usize::from) + 1;
        futures::stream::iter(&self.lanes).map(move |lane| lane.rebuild(cancel)).buffer_unordered(at_once)
    }

    /// Leaves out the event at which a projection stopped, and lets it go on. Recorded with the reason.
    pub async fn quarantine(&self, projection: &str, position: Position, reason: &str) -> Result<(), QuarantineError> {
        self.lane(projection).ok_or(QuarantineError::UnknownProjection)?.quarantine(position, reason).await
    }

    /// Stops the runners, each after its page, and closes the file.
    pub async fn close(&self) {
        self.stop.cancel();
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            if task.await.is_err() {
                tracing::error!("a runner did not end by itself");
            }
        }
        self.db.close().await;
    }

    fn lane(&self, name: &str) -> Option<&dyn Lane> {
        self.lanes.iter().find(|lane| lane.name() == name).map(Box::as_ref)
    }
}

/// What opening a lane needs.
struct Opening<'a> {
    path: &'a Path,
    store: Arc<dyn EventStore>,
    db: Arc<Db>,
    options: RunnerOptions,
}

impl Opening<'_> {
    async fn lane<V: View>(&self, view: &Arc<V>) -> Result<Box<dyn Lane>, OpenError> {
        let (view, store, db) = (Arc::clone(view), Arc::clone(&self.store), Arc::clone(&self.db));
        match Runner::open(view, store, db, self.options).await {
            Ok(runner) => {
                let runner = Arc::new(runner);
                if V::DEFERRED && V::ASKED {
                    self.db.defer(V::NAME, Arc::downgrade(&runner) as Weak<dyn Waiting>);
                }
                Ok(Box::new(runner))
            }
            Err(ViewError::Sql(error)) => Err(file::refused(self.path)(error)),
            Err(row @ ViewError::Row { .. }) => {
                Err(OpenError::Damaged { path: self.path.to_owned(), why: row.to_string() })
            }
            Err(error @ ViewError::Log(_)) => Err(OpenError::Load(error.to_string())),
        }
    }
}
