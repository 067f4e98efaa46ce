//! What all nodes of a cluster share: the log, who leads, and the faults that are planned.

use crate::Profile;
use crate::fault::{Call, Fault, Faults};
use crate::log::{Log, tell};
use crate::node::Node;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tonic::{Code, Status};

pub(crate) struct Shared {
    pub(crate) nodes: Vec<Node>,
    pub(crate) profile: Profile,
    pub(crate) faults: Faults,
    log: Mutex<Log>,
    changed: watch::Sender<u64>,
    election: Mutex<Election>,
    calls: Mutex<Vec<Call>>,
}

struct Election {
    leader: Option<usize>,
    /// When the next leader is found.
    over_at: Instant,
    lasts: Duration,
}

impl Shared {
    pub(crate) fn new(nodes: Vec<Node>, profile: Profile) -> Self {
        let election = Election { leader: Some(0), over_at: Instant::now(), lasts: Duration::from_millis(100) };
        Self {
            nodes,
            profile,
            faults: Faults::default(),
            log: Mutex::new(Log::new(profile.system_events)),
            changed: watch::Sender::new(0),
            election: Mutex::new(election),
            calls: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(crate) fn tell_subscribers(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    pub(crate) fn count(&self, call: Call) -> Option<Fault> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        self.faults.take(call)
    }

    pub(crate) fn calls(&self, call: Call) -> usize {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().filter(|made| **made == call).count()
    }

    /// Who leads now; nobody, while an election lasts.
    pub(crate) fn leader(&self) -> Option<usize> {
        let mut election = self.election.lock().unwrap_or_else(PoisonError::into_inner);
        if election.leader.is_some_and(|leader| !self.nodes.get(leader).is_some_and(Node::alive)) {
            election.leader = None;
            election.over_at = Instant::now() + election.lasts;
        }
        if election.leader.is_none() && Instant::now() >= election.over_at {
            election.leader = self.nodes.iter().position(Node::alive);
        }
        election.leader
    }

    /// Elects this node, after the time that an election takes.
    pub(crate) fn elect(&self, node: usize) {
        let mut election = self.election.lock().unwrap_or_else(PoisonError::into_inner);
        election.leader = Some(node);
    }

    /// What a node answers that cannot do what only a leader may.
    pub(crate) fn may_serve(&self, node: usize, needs_leader: bool) -> Result<(), Status> {
        let ready = self.nodes.get(node).is_some_and(Node::ready);
        let leader = self.leader();
        if !ready || leader.is_none() {
            return Err(not_ready());
        }
        match leader {
            Some(leader) if leader != node && needs_leader => Err(self.not_leader(leader)),
            _ => Ok(()),
        }
    }

    pub(crate) fn not_leader(&self, leader: usize) -> Status {
        let mut status = Status::new(Code::NotFound, "Leader info available");
        tell(&mut status, "exception", "not-leader");
        if let Some(node) = self.nodes.get(leader) {
            tell(&mut status, "leader-endpoint-host", &node.address.ip().to_string());
            tell(&mut status, "leader-endpoint-port", &node.address.port().to_string());
        }
        status
    }
}

pub(crate) fn not_ready() -> Status {
    Status::unavailable("Server Is Not Ready")
}
