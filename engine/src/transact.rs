//! `transact`: fold, decide, append at the exact revision, or decide again.
//!
//! What a crash or a race can do at each step:
//! - before the append: nothing was stored; the caller's retry runs the command anew;
//! - append answered "another revision": somebody was faster; fold on and decide again;
//! - append unanswered: the identical bytes are sent again at the identical revision, and the store answers with
//!   the first outcome;
//! - after the append, before the answer: the retry finds its own command in the fold and answers with that.
//!
//! A refusal, an "already done" and a "nothing to do" are not protected by the expected revision: they are final
//! only after the stream was read to its head since the request arrived. A stale fold may only lead to an append.

use crate::Engine;
use crate::context::Context;
use crate::folds::Entry;
use crate::statistics::count;
use booking_domain::stream::StreamName;
use booking_domain::time::Instant;
use booking_events::{EventCodec, Metadata};
use booking_store::fold::{Aggregate, FoldError, Folded, Trace};
use booking_store::{AppendError, Expected, NewEvent, Position, ReadError, Recorded};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use uuid::Uuid;

/// How often a decision is made anew before the caller is sent away.
const TRIES: u32 = 10;
/// How often identical bytes are sent again after an unknown outcome.
const RESENDS: u32 = 8;
/// How long a command waits for its turn on one stream.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many commands may wait for one stream.
const QUEUE: u64 = 2_000;

/// What became of a command on one stream.
#[derive(Clone, Debug)]
pub struct Committed<A> {
    /// The stream after it.
    pub folded: Arc<Folded<A>>,
    /// Its events' place; none if there was nothing to do.
    pub trace: Option<Trace>,
    /// Its last event as it was stored just now; none if there was nothing to do, or an earlier run had stored it.
    pub stored: Option<Recorded>,
    /// True if an earlier run of the same command had done it.
    pub replayed: bool,
}

impl<A> Committed<A> {
    /// Position of its last event; none if there was nothing to do.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.trace.map(|t| t.position)
    }
}

/// Why a command has no outcome, or a refusal.
#[derive(Debug, thiserror::Error)]
pub enum Failure<R> {
    /// The domain refuses, on grounds that were fresh.
    #[error("{0}")]
    Refused(R),
    /// The same idempotency key was used with another body.
    #[error("this idempotency key was used with another body")]
    KeyReused,
    /// Too much at once on one stream; nothing was done.
    #[error("too many requests for the same day at once")]
    Busy,
    /// The log has no room; nothing was done.
    #[error("the disk is full")]
    Full,
    /// The log or the vault does not answer; a retry with the same key finds out what became of it.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// This node's clock is behind what the log has recorded.
    #[error("this node's clock is wrong; it takes no commands")]
    ClockBehind,
    /// What is stored cannot be read.
    #[error(transparent)]
    Damaged(FoldError),
    /// An event cannot be stored.
    #[error("the event cannot be stored: {0}")]
    Invalid(String),
    /// No command is taken for now, see [`Engine::refuse_commands`].
    #[error("no command is taken: {0}")]
    Standstill(String),
}

impl<R> Failure<R> {
    /// The same failure with another refusal type.
    pub fn map<S>(self, f: impl FnOnce(R) -> S) -> Failure<S> {
        match self {
            Self::Refused(refusal) => Failure::Refused(f(refusal)),
            Self::KeyReused => Failure::KeyReused,
            Self::Busy => Failure::Busy,
            Self::Full => Failure::Full,
            Self::Unavailable(why) => Failure::Unavailable(why),
            Self::ClockBehind => Failure::ClockBehind,
            Self::Damaged(e) => Failure::Damaged(e),
            Self::Invalid(why) => Failure::Invalid(why),
            Self::Standstill(why) => Failure::Standstill(why),
        }
    }
}

impl<R> From<FoldError> for Failure<R> {
    fn from(error: FoldError) -> Self {
        match error {
            // Nothing is wrong with what is stored: the log did not answer.
            FoldError::Read(ReadError::Unavailable(why)) => Self::Unavailable(why),
            other => Self::Damaged(other),
        }
    }
}

impl<R> From<crate::vault::VaultError> for Failure<R> {
    fn from(error: crate::vault::VaultError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Outcome of [`Engine::transact`].
pub type Outcome<A, R> = Result<Committed<A>, Failure<R>>;

impl Engine {
    /// Runs one step of a command on one stream. `step` tells the steps of a command apart in event ids.
    pub(crate) async fn transact<A, R>(
        &self,
        ctx: &Context,
        stream: &StreamName,
        step: &str,
        mut decide: impl FnMut(&Folded<A>, Instant) -> Result<Vec<A::Event>, R> + Send,
    ) -> Outcome<A, R>
    where
        A: Aggregate,
        R: Send,
    {
        if let Some(why) = self.standstill() {
            return Err(Failure::Standstill(why));
        }
        if self.is_clock_off() {
            return Err(Failure::ClockBehind);
        }
        let entry = self.folds.entry::<A>(stream);
        let waiting = entry.queue.fetch_add(1, Ordering::AcqRel);
        let _queued = Queued(&entry.queue);
        if waiting >= QUEUE {
            return Err(self.busy());
        }
        let _turn = if self.options.gate {
            Some(tokio::time::timeout(PATIENCE, entry.gate.lock()).await.map_err(|_| self.busy())?)
        } else {
            None
        };
        let mut fresh = false;
        for attempt in 0..TRIES {
            let mut folded = entry.get();
            if !fresh && (attempt > 0 || folded.revision.is_none()) {
                folded = self.refresh(&entry, stream, folded).await?;
                fresh = true;
            }
            loop {
                if let Some(outcome) = own_outcome(ctx, &folded) {
                    return outcome;
                }
                let now = self.decision_time(folded.last_at)?;
                let decision = decide(&folded, now);
                match decision {
                    Ok(events) if !events.is_empty() => {
                        match self.append(ctx, stream, step, &entry, folded, events, now).await? {
                            Some(committed) => return Ok(committed),
                            None => break,
                        }
                    }
                    settled if fresh => {
                        return match settled {
                            Ok(_) => Ok(Committed { folded, trace: None, stored: None, replayed: false }),
                            Err(refusal) => Err(Failure::Refused(refusal)),
                        };
                    }
                    _ => {
                        folded = self.refresh(&entry, stream, folded).await?;
                        fresh = true;
                    }
                }
            }
            fresh = false;
            count(&self.counters.conflicts);
            self.back_off(attempt).await;
        }
        Err(self.busy())
    }

    fn busy<R>(&self) -> Failure<R> {
        count(&self.counters.busy);
        Failure::Busy
    }

    /// Appends observations, which no command causes and no fold guards: demand, access. The stream has one writer.
    pub async fn observe<E: EventCodec>(
        &self,
        clinic: booking_domain::ids::ClinicId,
        stream: &StreamName,
        events: &[E],
    ) -> Result<Position, AppendError> {
        let now = self.clock.now();
        let (actor, command) = (crate::Actor::System, self.fresh_command());
        let ctx = Context { clinic, actor, command, received_at: now, body_hash: None, traceparent: None };
        let json: Arc<str> = envelope(&ctx, now).to_json().into();
        let batch: Vec<NewEvent> =
            events.iter().zip(0u32..).map(|(e, i)| new_event(&ctx, "observe", stream, &json, e, i)).collect();
        let mut expected = Expected::NoStream;
        for _ in 0..RESENDS {
            match self.log.append(stream, expected, batch.clone()).await {
                Ok(appended) => return Ok(appended.position),
                Err(AppendError::WrongExpectedRevision { actual }) => expected = Expected::head(actual),
                Err(AppendError::Unavailable(_)) => self.back_off(3).await,
                Err(error) => return Err(error),
            }
        }
        Err(AppendError::Unavailable("the log did not answer".into()))
    }

    /// Reads a stream to its head, from the fold in memory on.
    pub(crate) async fn read<A: Aggregate>(&self, stream: &StreamName) -> Result<Arc<Folded<A>>, FoldError> {
        let entry = self.folds.entry::<A>(stream);
        let known = entry.get();
        self.refresh(&entry, stream, known).await
    }

    async fn refresh<A: Aggregate>(
        &self,
        entry: &Entry<A>,
        stream: &StreamName,
        known: Arc<Folded<A>>,
    ) -> Result<Arc<Folded<A>>, FoldError> {
        let from = known.revision.map_or(0, |r| r + 1);
        let news = self.log.read_stream(stream, from, 500).await?;
        if news.is_empty() {
            return Ok(known);
        }
        let mut fresh = Folded::clone(&known);
        news.iter().try_for_each(|event| fresh.apply(event))?;
        fresh.catch_up(&*self.log, stream).await?;
        let fresh = Arc::new(fresh);
        entry.put(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// The instant of a decision: never before what the stream has seen. A clock that lags by more than a minute
    /// takes no commands.
    fn decision_time<R>(&self, last_at: Instant) -> Result<Instant, Failure<R>> {
        let now = self.clock.now();
        if last_at != Instant::MIN && last_at.since(now) > 60_000_000 {
            return Err(Failure::ClockBehind);
        }
        Ok(now.max(last_at))
    }

    /// Appends; none if somebody was faster.
    #[allow(clippy::too_many_arguments, reason = "private: the pieces of one append")]
    async fn append<A: Aggregate, R>(
        &self,
        ctx: &Context,
        stream: &StreamName,
        step: &str,
        entry: &Entry<A>,
        folded: Arc<Folded<A>>,
        events: Vec<A::Event>,
        now: Instant,
    ) -> Result<Option<Committed<A>>, Failure<R>> {
        let metadata = envelope(ctx, now);
        let json: Arc<str> = metadata.to_json().into();
        let expected = Expected::head(folded.revision);
        let mut batch: Vec<NewEvent> =
            events.iter().zip(0u32..).map(|(event, index)| new_event(ctx, step, stream, &json, event, index)).collect();
        let mut resends = 0;
        let appended = loop {
            match self.log.append(stream, expected, batch.clone()).await {
                Ok(appended) => break appended,
                Err(AppendError::WrongExpectedRevision { .. }) => return Ok(None),
                Err(AppendError::Full) => return Err(Failure::Full),
                Err(AppendError::Invalid(why)) => return Err(Failure::Invalid(why)),
                Err(AppendError::Unavailable(why)) if resends >= RESENDS => return Err(Failure::Unavailable(why)),
                Err(AppendError::Unavailable(_)) => {
                    count(&self.counters.resends);
                    self.back_off(resends).await;
                    resends += 1;
                }
            }
        };
        count(&self.counters.appends);
        // An earlier run of this command had stored its events, and its answer was lost. What that run decided is in
        // the log, which need not be what was decided just now.
        if appended.already {
            let stored = self.refresh(entry, stream, folded).await?;
            return own_outcome(ctx, &stored).transpose();
        }
        // Given back before the fold moves on, so that it is changed in place and not copied.
        let before = folded.revision;
        drop(folded);
        let advanced = entry.advance(before, |fold| {
            for (event, revision) in events.iter().zip(appended.first_revision..) {
                fold.take(event, revision, appended.position, &metadata);
            }
        });
        let trace = Trace {
            first: appended.first_revision,
            last: appended.last_revision,
            position: appended.position,
            body_hash: ctx.body_hash,
        };
        let folded = match advanced {
            Some(folded) => folded,
            None => self.refresh(entry, stream, entry.get()).await?,
        };
        let stored = batch.pop().map(|last| recorded(stream, &trace, last));
        Ok(Some(Committed { folded, trace: Some(trace), stored, replayed: false }))
    }

    pub(crate) async fn back_off(&self, attempt: u32) {
        let [jitter] = crate::vault::draw::<1>(&*self.entropy);
        let ceiling = 1u64 << attempt.min(6);
        tokio::time::sleep(Duration::from_micros(200 * ceiling + u64::from(jitter) * 4 * ceiling)).await;
    }
}

/// The outcome of an earlier run of this very command, if the fold has seen one.
fn own_outcome<A, R>(ctx: &Context, folded: &Arc<Folded<A>>) -> Option<Outcome<A, R>> {
    let trace = folded.commands.get(&ctx.command)?;
    let other_body = matches!((trace.body_hash, ctx.body_hash), (Some(a), Some(b)) if a != b);
    Some(if other_body {
        Err(Failure::KeyReused)
    } else {
        Ok(Committed { folded: Arc::clone(folded), trace: Some(*trace), stored: None, replayed: true })
    })
}

pub(crate) fn new_event<E: EventCodec>(
    ctx: &Context,
    step: &str,
    stream: &StreamName,
    metadata: &Arc<str>,
    event: &E,
    index: u32,
) -> NewEvent {
    let encoded = event.encode();
    NewEvent {
        id: event_id(ctx, step, stream, index),
        event_type: encoded.event_type.into(),
        metadata: Arc::clone(metadata),
        payload: encoded.payload.into(),
    }
}

/// The last event of an append, as the log has it.
fn recorded(stream: &StreamName, trace: &Trace, event: NewEvent) -> Recorded {
    Recorded {
        position: trace.position,
        stream: stream.clone(),
        revision: trace.last,
        id: event.id,
        event_type: event.event_type.into(),
        metadata: event.metadata,
        payload: event.payload,
    }
}

fn event_id(ctx: &Context, step: &str, stream: &StreamName, index: u32) -> Uuid {
    Uuid::new_v5(&ctx.command.0, format!("{step}\u{0}{stream}\u{0}{index}").as_bytes())
}

/// The envelope of a command's events.
pub(crate) fn envelope(ctx: &Context, now: Instant) -> Metadata {
    Metadata {
        correlation_id: ctx.command.0,
        causation_id: ctx.command.0,
        command_id: ctx.command,
        clinic: ctx.clinic,
        actor: ctx.actor,
        received_at: ctx.received_at,
        occurred_at: now,
        traceparent: ctx.traceparent.clone(),
        body_hash: ctx.body_hash,
    }
}

struct Queued<'a>(&'a std::sync::atomic::AtomicU64);

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
