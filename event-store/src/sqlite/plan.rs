//! Deciding a batch of appends against the heads in memory, before anything is written.
//!
//! The database is not asked here, and nothing here waits. An append may rest on one before it in the same batch; then
//! its answer, good or bad, is true only after the COMMIT.

use super::index::{Head, Index};
use super::open::Next;
use super::sql::Inserts;
use crate::port::{AppendError, Appended, Expected, NewEvent, Position};
use booking_domain::stream::StreamName;
use std::collections::{HashMap, VecDeque};
use uuid::Uuid;

/// One append, as it came from its caller.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) stream: StreamName,
    pub(super) expected: Expected,
    pub(super) events: Vec<NewEvent>,
}

/// What the writer answers.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Stored, now or earlier.
    Stored(Appended),
    /// The head is another one, and the stream may hold the events already: the caller's own task looks.
    Look {
        /// The last revision.
        actual: u64,
    },
}

/// Answers to callers.
pub(super) type Answer = Result<Outcome, AppendError>;

/// What one batch will do.
pub(super) struct Plan<'a> {
    /// One answer per append; `true`: it holds whatever becomes of the batch.
    pub(super) answers: Vec<(Answer, bool)>,
    /// What is to be stored.
    pub(super) accepted: Vec<Accepted<'a>>,
    pub(super) new_streams: Vec<(i64, &'a StreamName)>,
    pub(super) new_types: Vec<(i64, &'a str)>,
    /// Heads after the batch.
    heads: HashMap<&'a StreamName, Head>,
    types: HashMap<&'a str, i64>,
    /// The numbers after the batch.
    pub(super) next: Next,
}

/// One append that is to be stored.
pub(super) struct Accepted<'a> {
    pub(super) work: &'a Work,
    pub(super) stream: i64,
    pub(super) first_revision: u64,
    pub(super) first_position: u64,
}

/// Decides the appends in their order.
pub(super) fn decide<'a>(batch: &'a [Work], index: &Index, next: Next, recent: &mut Recent) -> Plan<'a> {
    let mut plan = Plan {
        answers: Vec::with_capacity(batch.len()),
        accepted: Vec::with_capacity(batch.len()),
        new_streams: Vec::new(),
        new_types: Vec::new(),
        heads: HashMap::with_capacity(batch.len()),
        types: HashMap::new(),
        next,
    };
    for work in batch {
        let in_batch = plan.heads.get(&work.stream).copied();
        let head = in_batch.or_else(|| index.head(&work.stream));
        if work.expected.holds(head.map(|head| head.last)) {
            let stored = plan.accept(work, head, index, recent);
            plan.answers.push((Ok(stored), false));
        } else {
            plan.answers.push((stale(work, head, recent), in_batch.is_none()));
        }
    }
    plan
}

impl<'a> Plan<'a> {
    fn accept(&mut self, work: &'a Work, head: Option<Head>, index: &Index, recent: &mut Recent) -> Outcome {
        let stream = head.map_or_else(
            || {
                let id = self.next.stream;
                self.next.stream = id.saturating_add(1);
                self.new_streams.push((id, &work.stream));
                id
            },
            |head| head.id,
        );
        for event in &work.events {
            self.learn_type(&event.event_type, index);
        }
        let first_revision = work.expected.next();
        let first_position = self.next.position;
        let count = work.events.len() as u64;
        for ((revision, position), event) in (first_revision..).zip(first_position..).zip(&work.events) {
            recent.add(stream, revision, event.id, position);
        }
        self.next.position = first_position.saturating_add(count);
        let last_revision = first_revision.saturating_add(count).saturating_sub(1);
        self.heads.insert(&work.stream, Head { id: stream, last: last_revision });
        self.accepted.push(Accepted { work, stream, first_revision, first_position });
        let position = Position(self.next.position.saturating_sub(1));
        Outcome::Stored(Appended { first_revision, last_revision, position, already: false })
    }

    fn learn_type(&mut self, name: &'a str, index: &Index) {
        if self.types.contains_key(name) {
            return;
        }
        let id = index.type_id(name).unwrap_or_else(|| {
            let id = self.next.event_type;
            self.next.event_type = id.saturating_add(1);
            self.new_types.push((id, name));
            id
        });
        self.types.insert(name, id);
    }

    /// The number of a type that some accepted append uses.
    pub(super) fn type_id(&self, name: &str) -> i64 {
        self.types.get(name).copied().unwrap_or_default()
    }

    /// Events that are to be stored.
    pub(super) fn rows(&self) -> usize {
        self.accepted.iter().map(|accepted| accepted.work.events.len()).sum()
    }

    /// It is one INSERT, which is a transaction by itself: BEGIN and COMMIT would only be two more ways to the
    /// connection's thread and back.
    pub(super) fn is_one_statement(&self) -> bool {
        self.new_types.is_empty() && self.new_streams.is_empty() && self.rows() <= Inserts::most()
    }

    /// Makes the batch visible, after its COMMIT: first the types, then the heads, then the log's last position.
    pub(super) fn publish(&self, index: &Index) {
        for (id, name) in &self.new_types {
            index.add_type(*id, name);
        }
        // In the order of positions: whoever finds a stream's new event finds those before it in the others.
        for accepted in &self.accepted {
            let last = accepted.first_revision.saturating_add(accepted.work.events.len() as u64).saturating_sub(1);
            index.set_head(&accepted.work.stream, Head { id: accepted.stream, last });
        }
        index.set_last(self.next.position.saturating_sub(1));
    }
}

/// Answers an append whose expectation does not hold: a conflict, or the retry of an earlier one.
fn stale(work: &Work, head: Option<Head>, recent: &Recent) -> Answer {
    let conflict = AppendError::WrongExpectedRevision { actual: head.map(|head| head.last) };
    let Some(head) = head else { return Err(conflict) };
    let first_revision = work.expected.next();
    let last_revision = first_revision.saturating_add(work.events.len() as u64).saturating_sub(1);
    if last_revision > head.last {
        // At most a part of the events can be stored.
        return Err(conflict);
    }
    let mut last = None;
    for (revision, event) in (first_revision..).zip(&work.events) {
        match recent.get(head.id, revision) {
            None => return Ok(Outcome::Look { actual: head.last }),
            Some((id, _)) if id != event.id => return Err(conflict),
            Some((_, position)) => last = Some(position),
        }
    }
    last.map(Position).map_or(Err(conflict), |position| {
        Ok(Outcome::Stored(Appended { first_revision, last_revision, position, already: true }))
    })
}

/// The ids of the last events, so that the usual conflict, which is one event late, is answered without the disk.
#[derive(Debug, Default)]
pub(super) struct Recent {
    order: VecDeque<(i64, u64)>,
    events: HashMap<(i64, u64), (Uuid, u64)>,
}

impl Recent {
    const KEPT: usize = 16_384;

    fn add(&mut self, stream: i64, revision: u64, id: Uuid, position: u64) {
        if self.order.len() >= Self::KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.events.remove(&oldest);
        }
        self.order.push_back((stream, revision));
        self.events.insert((stream, revision), (id, position));
    }

    fn get(&self, stream: i64, revision: u64) -> Option<(Uuid, u64)> {
        self.events.get(&(stream, revision)).copied()
    }

    /// Forgets everything: after a rollback, what was added is not so.
    pub(super) fn clear(&mut self) {
        self.order.clear();
        self.events.clear();
    }
}
