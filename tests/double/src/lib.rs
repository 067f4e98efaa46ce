//! A KurrentDB server in process, for tests: appends, reads, deletes, gossip and server features over gRPC on loopback,
//! with the rules that were measured against a real server, and the faults of one when asked.
//!
//! What it is good for: every answer of a server that a store has to survive can be had here, at the call where it hurts.
//! What it is not: no TLS, no access control, no scavenging, no persistent subscriptions; one process, so that its nodes
//! never disagree about the log. The same suite runs against a real server where there is one.
//!
//! | file | what it does |
//! |---|---|
//! | `wire` | the protocol's messages |
//! | `log` | what is stored, and the server's rules about it |
//! | `streams`, `cluster` | the calls |
//! | `services` | gRPC |
//! | `fault` | what befalls a call |
//! | `node`, `connection`, `shared` | what befalls a node, a connection, the cluster |

mod cluster;
mod connection;
mod fault;
mod log;
mod node;
mod services;
mod shared;
mod streams;
mod wire;

pub use fault::{Call, Fault, Meddler};
pub use log::Stored;

use node::Node;
use shared::Shared;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Which server it is like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Profile {
    /// Nodes of the cluster; one is a server of its own.
    pub nodes: usize,
    /// Mixes events of the server's own among the others, as one does whose system projections run.
    pub system_events: bool,
    /// Tells subscribers when history ends, as servers after 22.10 do.
    pub caught_up: bool,
}

impl Default for Profile {
    fn default() -> Self {
        Self { nodes: 1, system_events: false, caught_up: false }
    }
}

/// A server, or a cluster of them, that runs until it is dropped.
///
/// Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Double {
    shared: Arc<Shared>,
    _end: Arc<End>,
}

/// Ends the nodes with the last clone: their services hold what is shared, so it would never end by itself.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.nodes.iter().for_each(Node::kill);
    }
}

impl Double {
    /// One node with an empty log, without events of the server's own.
    pub fn start() -> io::Result<Self> {
        Self::like(Profile::default())
    }

    /// One node that listens here: for a process of its own, which others reach over a network.
    pub fn at(address: SocketAddr) -> io::Result<Self> {
        Self::of(vec![Node::at(address)?], Profile::default())
    }

    /// A cluster of this kind. Node 0 leads.
    pub fn like(profile: Profile) -> io::Result<Self> {
        let nodes = (0..profile.nodes.max(1)).map(|_| Node::new()).collect::<io::Result<Vec<_>>>()?;
        Self::of(nodes, profile)
    }

    fn of(nodes: Vec<Node>, profile: Profile) -> io::Result<Self> {
        let count = nodes.len();
        let shared = Arc::new(Shared::new(nodes, profile));
        let double = Self { _end: Arc::new(End(Arc::clone(&shared))), shared };
        for number in 0..count {
            double.start_node(number)?;
        }
        Ok(double)
    }

    /// The connection string of all nodes: one is called by its address, several are seeds of a gossip.
    pub fn connection(&self) -> String {
        let hosts: Vec<_> = self.shared.nodes.iter().map(|node| node.address.to_string()).collect();
        format!("esdb://{}?tls=false&discoveryInterval=10&gossipTimeout=500", hosts.join(","))
    }

    /// The connection string of one node alone.
    pub fn connection_to(&self, node: usize) -> String {
        let host = self.shared.nodes.get(node).map(|node| node.address.to_string()).unwrap_or_default();
        format!("esdb://{host}?tls=false&discoveryInterval=10")
    }

    /// SIGKILL: connections break, what was not answered never is. The log stays. If it led, another one is elected.
    pub fn kill(&self, node: usize) {
        if let Some(node) = self.shared.nodes.get(node) {
            node.kill();
        }
    }

    /// SIGTERM: new connections are refused and new calls fail; open subscriptions stay open and silent until the node
    /// is [killed](Self::kill).
    pub fn terminate(&self, node: usize) {
        if let Some(node) = self.shared.nodes.get(node) {
            node.terminate();
        }
    }

    /// Starts a node that was killed, on its old port.
    pub fn start_node(&self, number: usize) -> io::Result<()> {
        self.shared.nodes.get(number).map_or(Ok(()), |node| node.start(number, &self.shared))
    }

    /// For so long the node answers `Server Is Not Ready`.
    pub fn not_ready_for(&self, node: usize, time: Duration) {
        if let Some(node) = self.shared.nodes.get(node) {
            node.not_ready_for(time);
        }
    }

    /// A black hole: the node takes connections and bytes, and says nothing; or ends being one.
    pub fn freeze(&self, node: usize, on: bool) {
        if let Some(node) = self.shared.nodes.get(node) {
            node.freeze(on);
        }
    }

    /// Another node leads from now on.
    pub fn elect(&self, node: usize) {
        self.shared.elect(node);
    }

    /// Who leads; nobody, while an election lasts.
    pub fn leader(&self) -> Option<usize> {
        self.shared.leader()
    }

    /// What befalls the next calls of this kind, one each.
    pub fn plan(&self, call: Call, faults: impl IntoIterator<Item = Fault>) {
        self.shared.faults.plan(call, faults);
    }

    /// Asks this for every call what befalls it, after what was planned.
    pub fn meddle(&self, meddler: impl FnMut(Call) -> Option<Fault> + Send + 'static) {
        self.shared.faults.meddle(Some(Box::new(meddler)));
    }

    /// Nothing befalls anybody any more.
    pub fn rest(&self) {
        self.shared.faults.meddle(None);
    }

    /// What befell calls so far.
    pub fn happened(&self) -> Vec<(Call, Fault)> {
        self.shared.faults.happened()
    }

    /// Calls of this kind so far.
    pub fn calls(&self, call: Call) -> usize {
        self.shared.calls(call)
    }

    /// Everything that is stored, the server's own events left out, in its order.
    pub fn stored(&self) -> Vec<Stored> {
        self.shared.log().all().iter().filter(|event| !event.stream.starts_with('$')).cloned().collect()
    }

    /// Adds events of the server's own, as it does by itself when nobody writes.
    pub fn add_system_events(&self, count: usize) {
        let mut log = self.shared.log();
        for _ in 0..count {
            log.own_event("$stats-127.0.0.1:2113", "$statsCollected");
        }
        drop(log);
        self.shared.tell_subscribers();
    }

    /// Sets `$tb` in the stream's metadata: events before this revision are not shown any more.
    pub fn truncate(&self, stream: &str, before: u64) {
        self.shared.log().truncate(stream, before);
    }

    /// Deletes a stream behind everybody's back: softly, or for ever.
    pub fn delete(&self, stream: &str, for_ever: bool) {
        // A stream that is not there is not deleted either.
        let _ = self.shared.log().delete(stream, log::Expected::Any, for_ever);
    }

    /// Stores an event of a stranger, in any stream.
    pub fn intrude(&self, stream: &str, event_type: &str) {
        let id = uuid::Uuid::from_u64_pair(0x0bad, self.shared.log().all().len() as u64);
        let (metadata, data) = (bytes::Bytes::new(), bytes::Bytes::new());
        let event = log::Proposal { id, event_type: event_type.to_owned(), is_json: false, metadata, data };
        let _ = self.shared.log().append(stream, log::Expected::Any, &[event], 0);
        self.shared.tell_subscribers();
    }
}
