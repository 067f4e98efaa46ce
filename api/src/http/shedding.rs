//! What is not taken on under load, so that what is taken on is answered: bounded queues, and room of their own for staff
//! and for patients who give a time back.
//!
//! Each of the three kinds of request has places to work in and a queue. Visitors may fill theirs; reception and
//! cancellations do not wait behind them. A queue that has just formed may be long: at a release thousands come at one
//! instant, and all are served in a few seconds. A queue that does not empty is overload: then whoever has not come to a
//! place soon is sent away with `Retry-After`, since by the time of an answer they would be gone.

use super::AppState;
use super::doors::{Crowded, Doors};
use super::problem::{ApiResult, Problem};
use axum::extract::Request;
use axum::http::StatusCode;
use booking_engine::vault::draw;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Whoever is sent away comes again after so many seconds, and up to as many more.
const COME_AGAIN: u32 = 2;

/// How much is taken on.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    /// Visitors' requests that are worked on at once.
    pub visitors: usize,
    /// The same of staff and machines.
    pub staff: usize,
    /// The same of patients with the link of an appointment, who may cancel.
    pub links: usize,
    /// Requests that may wait for each of these places.
    pub waiting: usize,
    /// A queue that was empty within this time has just formed.
    pub burst: Duration,
    /// How long one waits in a queue that has just formed.
    pub patience: Duration,
    /// How long one waits in a queue that does not empty.
    pub overloaded: Duration,
    /// Connections at once that anybody is answered on.
    pub connections: usize,
    /// Connections beyond those, for staff and for patients with the link of an appointment.
    pub reserved_connections: usize,
    /// Off: all share the visitors' places, which a test of the reserve shows to be worse.
    pub reserve: bool,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            visitors: 512,
            staff: 64,
            links: 64,
            waiting: 20_000,
            burst: Duration::from_secs(10),
            patience: Duration::from_secs(8),
            overloaded: Duration::from_millis(500),
            // The queue above, and a good deal of connections on which nothing is asked; with those in reserve well within
            // the file descriptors of the unit in deploy/.
            connections: 24_000,
            reserved_connections: 1_000,
            reserve: true,
        }
    }
}

/// Whose request it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// Anybody's.
    Visitor,
    /// Of staff, or of a machine.
    Staff,
    /// Of a patient with the link of an appointment.
    Link,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Visitor, Self::Staff, Self::Link];

    /// Its name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Staff => "staff",
            Self::Link => "link",
        }
    }

    /// By the address alone: it is told before anything is looked up. Who may is decided later.
    fn of(path: &str) -> Self {
        let api = path.strip_prefix("/api/v1/");
        if let Some(rest) = api {
            let of_link = |rest: &str| {
                let mut parts = rest.split('/');
                (parts.next(), parts.nth(1)) == (Some("portal"), Some("appointment"))
            };
            return match rest.split('/').next() {
                Some("portal") if of_link(rest) => Self::Link,
                Some("clinics" | "session" | "invitations") => Self::Staff,
                _ => Self::Visitor,
            };
        }
        let mut parts = path.split('/').skip(1);
        match parts.next() {
            Some("staff" | "audit") => Self::Staff,
            Some("p") if parts.any(|part| matches!(part, "manage" | "cancel" | "move")) => Self::Link,
            _ => Self::Visitor,
        }
    }
}

/// The places, and who waits for them.
pub struct Places {
    capacity: Capacity,
    gates: [Gate; 3],
    doors: Doors,
}

struct Gate {
    places: Arc<Semaphore>,
    all: usize,
    waiting: AtomicUsize,
    shed: AtomicUsize,
    calm: Mutex<Option<Instant>>,
}

/// How a kind of request fares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Load {
    /// Worked on.
    pub running: usize,
    /// Waiting.
    pub waiting: usize,
    /// Sent away since the start.
    pub shed: usize,
}

impl Places {
    /// So many.
    pub fn new(capacity: Capacity) -> Self {
        let gate = |all| Gate {
            places: Arc::new(Semaphore::new(all)),
            all,
            waiting: AtomicUsize::new(0),
            shed: AtomicUsize::new(0),
            calm: Mutex::new(None),
        };
        let gates = [gate(capacity.visitors), gate(capacity.staff), gate(capacity.links)];
        Self { capacity, gates, doors: Doors::new(&capacity) }
    }

    /// The places of connections.
    pub const fn doors(&self) -> &Doors {
        &self.doors
    }

    /// How a kind of request fares.
    pub fn load(&self, kind: Kind) -> Load {
        let gate = self.gate(kind);
        Load {
            running: gate.all.saturating_sub(gate.places.available_permits()),
            waiting: gate.waiting.load(Ordering::Relaxed),
            shed: gate.shed.load(Ordering::Relaxed),
        }
    }

    fn gate(&self, kind: Kind) -> &Gate {
        let [visitors, staff, links] = &self.gates;
        match kind {
            _ if !self.capacity.reserve => visitors,
            Kind::Visitor => visitors,
            Kind::Staff => staff,
            Kind::Link => links,
        }
    }

    /// Whoever is sent away for want of a connection that anybody is answered on.
    fn sends_away(&self, kind: Kind, crowded: bool) -> bool {
        let away = kind == Kind::Visitor && crowded;
        if away {
            self.gate(kind).shed.fetch_add(1, Ordering::Relaxed);
        }
        away
    }

    /// A place, soon; none: there is none.
    async fn take(&self, kind: Kind) -> Option<OwnedSemaphorePermit> {
        let gate = self.gate(kind);
        let place = gate.take(&self.capacity).await;
        if place.is_none() {
            gate.shed.fetch_add(1, Ordering::Relaxed);
        }
        place
    }
}

impl Gate {
    async fn take(&self, capacity: &Capacity) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            *self.calm() = Some(Instant::now());
            return Some(place);
        }
        let burst = self.calm().is_some_and(|calm| calm.elapsed() < capacity.burst);
        let patience = if burst { capacity.patience } else { capacity.overloaded };
        let waiting = Waits::begin(&self.waiting);
        if waiting.before >= capacity.waiting {
            return None;
        }
        tokio::time::timeout(patience, Arc::clone(&self.places).acquire_owned()).await.ok()?.ok()
    }

    fn calm(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.calm.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits, until they go, whatever the reason.
struct Waits<'a> {
    count: &'a AtomicUsize,
    before: usize,
}

impl<'a> Waits<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        Self { count, before: count.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What decides about a request before anything is looked up.
pub(super) struct Asked {
    /// None: what is asked for comes from memory.
    kind: Option<Kind>,
    crowded: bool,
}

impl Asked {
    pub(super) fn of(request: &Request) -> Self {
        let path = request.uri().path();
        // Style sheets and scripts.
        let kind = (!path.starts_with("/assets/")).then(|| Kind::of(path));
        Self { kind, crowded: request.extensions().get() == Some(&Crowded(true)) }
    }

    /// A place to be worked on in, before everything that costs anything.
    pub(super) async fn admit(self, app: &AppState) -> ApiResult<Option<OwnedSemaphorePermit>> {
        let Some(kind) = self.kind else { return Ok(None) };
        if app.places.sends_away(kind, self.crowded) {
            return Err(busy(app));
        }
        app.places.take(kind).await.map(Some).ok_or_else(|| busy(app))
    }
}

fn busy(app: &AppState) -> Problem {
    // Whoever is sent away together does not come again together.
    let [jitter] = draw::<1>(&**app.engine.entropy());
    let seconds = COME_AGAIN + u32::from(jitter) % (COME_AGAIN + 1);
    let busy = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Too many people are here right now");
    busy.detail("Please try again in a moment.").retry_after(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_a_request_is_shows_in_its_address() {
        for (path, kind) in [
            ("/api/v1/portal/parc/visits", Kind::Visitor),
            ("/api/v1/portal/parc/appointments", Kind::Visitor),
            ("/api/v1/portal/parc/appointment", Kind::Link),
            ("/api/v1/portal/parc/appointment/cancel", Kind::Link),
            ("/api/v1/clinics/1/agenda", Kind::Staff),
            ("/api/v1/session", Kind::Staff),
            ("/api/v1/openapi.json", Kind::Visitor),
            ("/staff", Kind::Staff),
            ("/audit/events", Kind::Staff),
            ("/p/parc/fr/manage", Kind::Link),
            ("/p/parc/embed/en/cancel", Kind::Link),
            ("/p/parc/fr/when", Kind::Visitor),
            ("/", Kind::Visitor),
        ] {
            assert_eq!(Kind::of(path), kind, "{path}");
        }
    }

    fn small() -> Capacity {
        Capacity {
            visitors: 2,
            staff: 1,
            links: 1,
            waiting: 3,
            burst: Duration::from_millis(300),
            patience: Duration::from_secs(20),
            overloaded: Duration::from_millis(50),
            ..Capacity::default()
        }
    }

    #[tokio::test]
    async fn a_queue_is_bounded_and_shorter_once_it_does_not_empty() {
        let places = Arc::new(Places::new(small()));
        let (one, two) = (places.take(Kind::Visitor).await, places.take(Kind::Visitor).await);
        assert!(one.is_some() && two.is_some());
        // Others are not in their way.
        assert!(places.take(Kind::Staff).await.is_some() && places.take(Kind::Link).await.is_some());
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let places = Arc::clone(&places);
                tokio::spawn(async move { places.take(Kind::Visitor).await.is_some() })
            })
            .collect();
        while places.load(Kind::Visitor).waiting < 3 {
            tokio::task::yield_now().await;
        }
        assert_eq!(places.load(Kind::Visitor), Load { running: 2, waiting: 3, shed: 0 });
        assert!(places.take(Kind::Visitor).await.is_none(), "the queue has no end");
        drop(one);
        let fared: Vec<_> = futures::future::join_all(waiting).await.into_iter().map(Result::unwrap).collect();
        // The place of the first went to the next, who gave it back at once, and so on.
        assert!(fared.iter().all(|served| *served), "{fared:?}");

        let held = places.take(Kind::Visitor).await;
        tokio::time::sleep(small().burst).await;
        let begun = Instant::now();
        assert!(places.take(Kind::Visitor).await.is_none());
        assert!(begun.elapsed() >= small().overloaded && begun.elapsed() < small().patience);
        assert_eq!(places.load(Kind::Visitor).shed, 2);
        drop((held, two));
        assert!(places.take(Kind::Visitor).await.is_some());
    }
}
