//! What is known about the log without asking the disk: the heads of all streams, the types, the last position.
//!
//! The writer alone changes it, after a COMMIT and before the acknowledgements. Readers never show more than is
//! written here, so that all of them see one log that grows in the order of its positions: whoever was shown an event
//! finds everything before it, whichever way it reads.

use booking_domain::stream::StreamName;
use dashmap::DashMap;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// The number of a stream in the file, and its last revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) id: i64,
    pub(super) last: u64,
}

/// The index.
#[derive(Debug, Default)]
pub(super) struct Index {
    // Sharded, so that growing the table stops a part of the readers for a moment, not the log for a long one.
    heads: DashMap<StreamName, Head>,
    types: RwLock<Types>,
    last: AtomicU64,
}

/// Event types by number and by name.
#[derive(Debug, Default)]
struct Types {
    names: HashMap<i64, Arc<str>>,
    ids: HashMap<Arc<str>, i64>,
}

impl Index {
    pub(super) fn head(&self, stream: &StreamName) -> Option<Head> {
        self.heads.get(stream).map(|head| *head)
    }

    pub(super) fn set_head(&self, stream: &StreamName, head: Head) {
        if let Some(mut known) = self.heads.get_mut(stream) {
            *known = head;
            return;
        }
        self.heads.insert(stream.clone(), head);
    }

    /// Takes over what was read from the file again.
    pub(super) fn take(&self, read: Self) {
        for (stream, head) in read.heads {
            self.set_head(&stream, head);
        }
        let types = read.types.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (id, name) in types.names {
            self.add_type(id, &name);
        }
    }

    /// The position up to which the log may be shown; 0 if it is empty.
    pub(super) fn last(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }

    pub(super) fn set_last(&self, position: u64) {
        self.last.store(position, Ordering::Release);
    }

    pub(super) fn type_id(&self, name: &str) -> Option<i64> {
        self.types.read().unwrap_or_else(PoisonError::into_inner).ids.get(name).copied()
    }

    pub(super) fn type_name(&self, id: i64) -> Option<Arc<str>> {
        self.types.read().unwrap_or_else(PoisonError::into_inner).names.get(&id).cloned()
    }

    pub(super) fn add_type(&self, id: i64, name: &str) {
        let name: Arc<str> = Arc::from(name);
        let mut types = self.types.write().unwrap_or_else(PoisonError::into_inner);
        types.names.insert(id, Arc::clone(&name));
        types.ids.insert(name, id);
    }
}
