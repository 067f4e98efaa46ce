//! What the server is asked to do wrong, one call at a time. What befalls a whole node (death, silence, election) is in
//! `node`.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What a client calls.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Call {
    /// An append.
    Append,
    /// A read of one stream.
    ReadStream,
    /// A read of everything.
    ReadAll,
    /// A subscription to everything.
    Subscribe,
    /// Delete or tombstone.
    Delete,
    /// The cluster's members.
    Gossip,
    /// What the server can do: the first call of every connection.
    Features,
}

/// A wrong that befalls one call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// `Unavailable "Server Is Not Ready"`, as after a start or in an election. Nothing is stored.
    NotReady,
    /// `Unknown "Exception was thrown by handler."`. Nothing is stored.
    HandlerFails,
    /// `Aborted "Operation timed out: Commit phase timeout."`, after the commit.
    CommitPhaseTimeout,
    /// `DeadlineExceeded`; the append may be stored.
    Deadline {
        /// Whether it is.
        stored: bool,
    },
    /// The append is stored, and the connection breaks before the answer.
    LoseAnswer,
    /// The connection breaks before anything is done.
    Reset,
    /// The call is carried out, and answered so much later.
    Slow(Duration),
    /// The call is carried out, and never answered.
    Hang,
    /// Says that this node leads the cluster, whether it does or lives.
    NotLeader(usize),
    /// `InvalidArgument`, as for an append that is too large for a smaller server.
    TooLarge,
    /// `ResourceExhausted`, as for a message that is too large for the transport.
    MessageTooLarge,
    /// What a client makes of a connection that the server gave up with `ENHANCE_YOUR_CALM`: `ResourceExhausted`. Nothing
    /// is stored.
    TooManyResets,
    /// `PermissionDenied`.
    AccessDenied,
    /// Reads: the connection breaks after so many messages.
    BreakAfter(usize),
    /// Reads: ends with OK after so many messages, as behind a proxy.
    EndAfter(usize),
    /// Reads: this message is delivered twice.
    Twice(usize),
    /// Reads: events claim a content type that nobody knows.
    StrangeContentType,
    /// Subscriptions: `Aborted "… Consumer too slow …"` after so many messages.
    ConsumerTooSlow(usize),
}

/// Decides for each call what befalls it.
pub type Meddler = Box<dyn FnMut(Call) -> Option<Fault> + Send>;

#[derive(Default)]
pub(crate) struct Faults {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    planned: Vec<(Call, VecDeque<Fault>)>,
    meddler: Option<Meddler>,
    happened: Vec<(Call, Fault)>,
}

impl Faults {
    pub(crate) fn plan(&self, call: Call, faults: impl IntoIterator<Item = Fault>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, queue)) = state.planned.iter_mut().find(|(planned, _)| *planned == call) {
            queue.extend(faults);
        } else {
            state.planned.push((call, faults.into_iter().collect()));
        }
    }

    pub(crate) fn meddle(&self, meddler: Option<Meddler>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if meddler.is_none() {
            state.planned.clear();
        }
        state.meddler = meddler;
    }

    pub(crate) fn take(&self, call: Call) -> Option<Fault> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let planned = state.planned.iter_mut().find(|(planned, _)| *planned == call);
        let planned = planned.and_then(|(_, queue)| queue.pop_front());
        let fault = planned.or_else(|| state.meddler.as_mut().and_then(|meddler| meddler(call)));
        state.happened.extend(fault.map(|fault| (call, fault)));
        fault
    }

    pub(crate) fn happened(&self) -> Vec<(Call, Fault)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).happened.clone()
    }
}
