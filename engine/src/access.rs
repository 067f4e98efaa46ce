//! The access log: who saw whose data, on the disk before they see it.
//!
//! One task per process writes it, so that nobody contends: each start has a random writer's id, and with it streams of
//! its own, `access-{clinic}.{yyyymmdd}.{writer}`. The task keeps the streams' heads in memory and appends whatever is
//! waiting in one go: while one append is on its way to the disk the next answers gather, so that an answer waits for
//! at most one commit besides its own, however many there are.
//!
//! What a crash does: an entry without its answer may be left, an answer without its entry never is, since
//! [`AccessLog::record`] returns after the commit. The revisions of a stream are dense, so that a missing entry shows;
//! they, and not the clock, say what came first.

use crate::transact::{envelope, new_event};
use crate::{Actor, Context, Engine};
use booking_domain::access::{AccessEvent, AccessRecorded};
use booking_domain::ids::ClinicId;
use booking_domain::stream::StreamName;
use booking_domain::time::Tz;
use booking_store::{AppendError, Expected, NewEvent, Position, Revision};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use uuid::Uuid;

/// How long an answer waits for its record before it is given up.
const PATIENCE: Duration = Duration::from_secs(5);
/// Answers that may wait for the writer before the next ones wait for a place.
const QUEUE: usize = 4_096;
/// Answers that share one append at most.
const BATCH: usize = 512;
/// Bytes of one append, roughly; the log takes a million.
const BATCH_BYTES: usize = 500_000;
/// Persons of one event; an answer that shows more takes several, stored together.
const SUBJECTS: usize = 10_000;
/// How often identical bytes are sent again after an unknown outcome.
const RESENDS: u32 = 4;
/// Streams whose heads are remembered; a forgotten one is asked of the log again.
const STREAMS: usize = 1_000;

/// Access could not be recorded, so nothing may be shown.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("access could not be recorded: {0}")]
pub struct NotRecorded(String);

/// The way to the access log.
#[derive(Debug)]
pub struct AccessLog {
    queue: mpsc::Sender<Waiting>,
    writer: Uuid,
}

/// An answer that waits for its record.
#[derive(Debug)]
struct Waiting {
    actor: Actor,
    entry: AccessRecorded,
    stored: oneshot::Sender<Result<Position, NotRecorded>>,
}

impl AccessLog {
    /// Starts the writer's task; it ends when this is dropped.
    #[must_use]
    pub fn start(engine: Arc<Engine>) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let writer = engine.fresh_command().0;
        tokio::spawn(Writer { engine, id: writer, zones: HashMap::new(), heads: HashMap::new() }.run(waiting));
        Self { queue, writer }
    }

    /// The id that this start's streams end in.
    #[must_use]
    pub const fn writer(&self) -> Uuid {
        self.writer
    }

    /// Records one answer. After this returns a position, and not before, the answer may go out.
    pub async fn record(&self, actor: Actor, entry: AccessRecorded) -> Result<Position, NotRecorded> {
        let (stored, outcome) = oneshot::channel();
        let closed = || NotRecorded("the access log is closed".to_owned());
        let recorded = async {
            self.queue.send(Waiting { actor, entry, stored }).await.map_err(|_| closed())?;
            outcome.await.map_err(|_| closed())?
        };
        timeout(PATIENCE, recorded).await.map_err(|_| NotRecorded("the log took too long".to_owned()))?
    }
}

/// The one writer of this process.
struct Writer {
    engine: Arc<Engine>,
    id: Uuid,
    zones: HashMap<ClinicId, Tz>,
    heads: HashMap<StreamName, Option<Revision>>,
}

impl Writer {
    async fn run(mut self, mut waiting: mpsc::Receiver<Waiting>) {
        let mut taken = Vec::with_capacity(BATCH);
        while waiting.recv_many(&mut taken, BATCH).await > 0 {
            let mut clinics: BTreeMap<ClinicId, Vec<Waiting>> = BTreeMap::new();
            for one in taken.drain(..) {
                clinics.entry(one.entry.clinic).or_default().push(one);
            }
            for (clinic, answers) in clinics {
                self.write(clinic, answers).await;
            }
        }
    }

    /// Stores and answers what waits for one clinic.
    async fn write(&mut self, clinic: ClinicId, answers: Vec<Waiting>) {
        let stream = match self.stream(clinic).await {
            Ok(stream) => stream,
            Err(failed) => return answer(answers, &Err(failed)),
        };
        let (mut events, mut bytes, mut batch) = (Vec::new(), 0, Vec::new());
        for one in answers {
            let own = self.events(&stream, &one);
            let size: usize = own.iter().map(|event| event.payload.len() + event.metadata.len()).sum();
            if bytes + size > BATCH_BYTES && !batch.is_empty() {
                let outcome = self.append(&stream, std::mem::take(&mut events)).await;
                answer(std::mem::take(&mut batch), &outcome);
                bytes = 0;
            }
            bytes += size;
            events.extend(own);
            batch.push(one);
        }
        let outcome = self.append(&stream, events).await;
        answer(batch, &outcome);
    }

    /// The stream of today, in the clinic's zone, which is fixed when the clinic is registered.
    async fn stream(&mut self, clinic: ClinicId) -> Result<StreamName, NotRecorded> {
        let zone = if let Some(zone) = self.zones.get(&clinic) {
            *zone
        } else {
            let rules = self.engine.rules(clinic).await.map_err(|error| NotRecorded(error.to_string()))?;
            *self.zones.entry(clinic).or_insert(rules.state.zone())
        };
        Ok(StreamName::access(clinic, self.engine.now().wall(zone).0, self.id))
    }

    /// The events of one answer: one, or several if it shows very many people.
    fn events(&self, stream: &StreamName, one: &Waiting) -> Vec<NewEvent> {
        let now = self.engine.now();
        let command = self.engine.fresh_command();
        let ctx = Context {
            clinic: one.entry.clinic,
            actor: one.actor,
            command,
            received_at: now,
            body_hash: None,
            traceparent: None,
        };
        let json: Arc<str> = envelope(&ctx, now).to_json().into();
        let parts = one.entry.subjects.chunks(SUBJECTS).map(<[_]>::to_vec);
        let parts: Vec<_> = if one.entry.subjects.is_empty() { vec![Vec::new()] } else { parts.collect() };
        let event = |(subjects, index): (Vec<_>, u32)| {
            let part = AccessEvent::AccessRecorded(AccessRecorded { subjects, ..one.entry.clone() });
            new_event(&ctx, "access", stream, &json, &part, index)
        };
        parts.into_iter().zip(0u32..).map(event).collect()
    }

    /// Appends at the head that is remembered. A head that is another one is that of an append whose answer was lost.
    async fn append(&mut self, stream: &StreamName, events: Vec<NewEvent>) -> Result<Position, NotRecorded> {
        if events.is_empty() {
            return Err(NotRecorded("there is nothing to record".to_owned()));
        }
        let mut head = self.heads.get(stream).copied().flatten();
        let mut outcome = Err(NotRecorded("the log does not answer".to_owned()));
        for attempt in 0..RESENDS {
            match self.engine.log().append(stream, Expected::head(head), events.clone()).await {
                Ok(appended) => {
                    head = Some(appended.last_revision);
                    outcome = Ok(appended.position);
                    break;
                }
                Err(AppendError::WrongExpectedRevision { actual }) => head = actual,
                Err(AppendError::Unavailable(why)) => {
                    outcome = Err(NotRecorded(why));
                    self.engine.back_off(attempt).await;
                }
                Err(error @ (AppendError::Full | AppendError::Invalid(_))) => {
                    outcome = Err(NotRecorded(error.to_string()));
                    break;
                }
            }
        }
        if self.heads.len() >= STREAMS {
            self.heads.clear();
        }
        self.heads.insert(stream.clone(), head);
        outcome
    }
}

fn answer(answers: Vec<Waiting>, outcome: &Result<Position, NotRecorded>) {
    if let Err(failed) = outcome {
        tracing::error!(answers = answers.len(), %failed, "personal data was not shown");
    }
    for one in answers {
        // Whoever asked may have gone; the record stands.
        let _gone = one.stored.send(outcome.clone());
    }
}
