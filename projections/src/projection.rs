//! What a read model says about itself, and the working set in which a page of events is folded.
//!
//! A view is rows under keys. The runner reads the rows that a page of events touches, folds the page in memory, and
//! writes what changed, in the order of the keys, in the transaction that moves the checkpoint. So a fold is plain
//! code: no SQL, no waiting, no clock, and a page costs one read and one write of a row however many of its events
//! touch it. A view may put the writing off for a moment ([`View::DEFERRED`]): then many pages share one.

use crate::envelope::FromLog;
use crate::tables::Tables;
use async_trait::async_trait;
use booking_store::fold::FoldError;
use booking_store::{Position, ReadError};
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

const PANICKED: &str = "the fold panicked";

/// Why rows could not be read, written or loaded.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The file of the views did not answer, or answered nonsense.
    #[error("the views: {0}")]
    Sql(#[from] sqlx::Error),
    /// A stored row cannot be read; a rebuild writes it again.
    #[error("a row of the view {view} cannot be read: {why}")]
    Row {
        /// The view.
        view: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The log did not answer.
    #[error(transparent)]
    Log(#[from] FoldError),
}

impl ViewError {
    /// True if trying again cannot help: the file is damaged.
    pub(crate) fn is_damage(&self) -> bool {
        match self {
            Self::Sql(error) => crate::file::is_damage(error),
            Self::Row { .. } => true,
            Self::Log(error) => !matches!(error, FoldError::Read(ReadError::Unavailable(_))),
        }
    }
}

/// Which rows are meant: their generation, how far they have come, and what they leave out.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// The generation of the rows.
    pub generation: i64,
    /// The last event that they hold.
    pub position: Option<Position>,
    /// Events that they were told to leave out.
    pub quarantined: &'a HashSet<Position>,
}

/// A read model: how events become rows, and how rows become what is asked.
#[async_trait]
pub trait View: Send + Sync + 'static {
    /// Its name, in status, commands and checkpoints.
    const NAME: &'static str;
    /// Version of its fold and of its rows; raising it makes the rows again at the next start.
    const VERSION: u32;
    /// The categories of the streams it reads. An event of another category cannot stop it.
    const CATEGORIES: &'static [&'static str];
    /// Where its rows stand.
    const TABLES: Tables;
    /// Its rows are shown before they are written, which follows within a second: for a view that answers from memory, or
    /// whose rows whoever reads them asks to be written first. A crash loses nothing: rows and checkpoint are written
    /// together, and the log is read again from there.
    const DEFERRED: bool = false;
    /// Questions are answered from its rows; false: from memory alone.
    const ASKED: bool = true;
    /// What it reads of an event: the decoded event, or less.
    type Event: FromLog;
    /// What a row is found by.
    type Key: Ord + Clone + Send + Sync + 'static;
    /// A row.
    type Row: Clone + Send + Sync + 'static;
    /// What it keeps in memory, ready to be put in place; `()`: nothing.
    type Loaded: Send + Default;

    /// The rows that an event may touch.
    fn keys(&self, event: &Self::Event) -> Vec<Self::Key>;

    /// Takes in an event. An error, or a panic, makes it a bad event: the projection stops before it.
    fn fold(&self, event: &Self::Event, rows: &mut Rows<Self::Key, Self::Row>) -> Result<(), String>;

    /// Reads a row.
    async fn read(&self, c: &mut SqliteConnection, at: At<'_>, key: &Self::Key)
    -> Result<Option<Self::Row>, ViewError>;

    /// Writes rows, in the order of their keys; a row that is there is replaced.
    async fn write(
        &self,
        c: &mut SqliteConnection,
        generation: i64,
        rows: &[(&Self::Key, &Self::Row)],
    ) -> Result<(), ViewError>;

    /// How many rows a generation has.
    async fn count(&self, c: &mut SqliteConnection, generation: i64) -> Result<i64, ViewError> {
        Ok(Self::TABLES.count(c, generation).await?)
    }

    /// Reads what is kept in memory from a generation's rows.
    async fn load(&self, _: &mut SqliteConnection, _: At<'_>) -> Result<Self::Loaded, ViewError> {
        Ok(Self::Loaded::default())
    }

    /// Puts what was loaded in place, at once: readers see the old or the new.
    fn install(&self, _: Self::Loaded) {}

    /// Shows rows to readers of memory: just committed, or if they are deferred just folded.
    async fn publish(&self, _: &[(&Self::Key, &Self::Row)]) {}
}

/// Rows in memory while events are folded. They are kept from page to page, and thrown away after any error.
#[derive(Debug)]
pub struct Rows<K, R> {
    known: BTreeMap<K, Option<R>>,
    /// Since the last page.
    changed: BTreeSet<K>,
    /// Since they were written.
    unsaved: BTreeSet<K>,
    /// The generation holds no row that is not here.
    complete: bool,
}

impl<K, R> Default for Rows<K, R> {
    fn default() -> Self {
        Self { known: BTreeMap::new(), changed: BTreeSet::new(), unsaved: BTreeSet::new(), complete: false }
    }
}

impl<K: Ord + Clone, R> Rows<K, R> {
    /// For a generation that has no rows yet.
    pub(crate) fn of_empty_generation() -> Self {
        Self { complete: true, ..Self::default() }
    }
    pub(crate) fn needs(&self, key: &K) -> bool {
        !self.complete && !self.known.contains_key(key)
    }
    pub(crate) fn insert_read(&mut self, key: K, row: Option<R>) {
        self.known.insert(key, row);
    }
    /// The row as it is.
    pub fn get(&self, key: &K) -> Option<&R> {
        self.known.get(key)?.as_ref()
    }
    /// The row, to be changed; none if it is not there.
    pub fn change(&mut self, key: &K) -> Option<&mut R> {
        let row = self.known.get_mut(key)?.as_mut()?;
        self.changed.insert(key.clone());
        Some(row)
    }
    /// The row, to be changed; made if it is not there.
    pub fn change_or(&mut self, key: &K, make: impl FnOnce() -> R) -> &mut R {
        self.changed.insert(key.clone());
        self.known.entry(key.clone()).or_default().get_or_insert_with(make)
    }
    /// Puts a row in place.
    pub fn put(&mut self, key: K, row: R) {
        self.changed.insert(key.clone());
        self.known.insert(key, Some(row));
    }
    /// What changed since the last page, in the order of the keys.
    pub(crate) fn changed(&self) -> Vec<(&K, &R)> {
        self.of(&self.changed)
    }
    /// What is not written yet, in the order of the keys.
    pub(crate) fn unsaved(&self) -> Vec<(&K, &R)> {
        self.of(&self.unsaved)
    }
    fn of<'r>(&'r self, keys: &'r BTreeSet<K>) -> Vec<(&'r K, &'r R)> {
        keys.iter().filter_map(|key| Some((key, self.known.get(key)?.as_ref()?))).collect()
    }
    /// How many are not written yet.
    pub(crate) fn waiting(&self) -> usize {
        self.unsaved.len()
    }
    /// The page is over: what it changed is to be written.
    pub(crate) fn turn(&mut self) {
        if self.unsaved.is_empty() {
            std::mem::swap(&mut self.unsaved, &mut self.changed);
        } else {
            self.unsaved.extend(std::mem::take(&mut self.changed));
        }
    }
    /// All are written. Beyond `most` rows all are forgotten, to be read again when they are needed.
    pub(crate) fn settle(&mut self, most: usize) {
        self.unsaved.clear();
        if self.known.len() > most {
            self.known.clear();
            self.complete = false;
        }
    }
}

/// The rows of an event; a panic makes it a bad event.
pub(crate) fn keys_of<V: View>(view: &V, event: &V::Event) -> Result<Vec<V::Key>, String> {
    catch_unwind(AssertUnwindSafe(|| view.keys(event))).map_err(|_| PANICKED.to_owned())
}

/// Folds one event, and answers a panic as a bad event.
pub(crate) fn fold_one<V: View>(view: &V, event: &V::Event, rows: &mut Rows<V::Key, V::Row>) -> Result<(), String> {
    // After a panic the rows are thrown away and read again, so that no half-done change is ever seen.
    catch_unwind(AssertUnwindSafe(|| view.fold(event, rows))).unwrap_or_else(|_| Err(PANICKED.to_owned()))
}
