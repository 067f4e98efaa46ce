//! What an error of the client means for who called: a decision of the server, a refusal for good, or nothing at all.
//!
//! "Nothing at all" is the usual one. A time-out, a broken connection, an aborted commit, a server that is not ready: the
//! append may be stored or not, and only sending it again tells.

use crate::port::{AppendError, ReadError, Revision};
use booking_domain::stream::StreamName;
use eventstore::{CurrentRevision, Error};
use std::fmt;

/// What went wrong with one try.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The client says so.
    Said(Error),
    /// No answer came in time.
    Silent,
    /// The answer is not whole, or not in order.
    Incomplete(&'static str),
    /// The answer is whole, and cannot be what was appended.
    Damaged(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Said(error)
    }
}

/// What can be said of the client after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    /// It works; the trouble passes by itself.
    Fine,
    /// It may hang on a dead node.
    Doubtful,
    /// It never works again.
    Dead,
}

/// What a try came to.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The stream's head is another one.
    Conflict(Option<Revision>),
    /// More than the server takes.
    TooLarge(String),
    /// There is no such stream, or nothing to be seen of it.
    NotFound,
    /// Somebody deleted the stream for good.
    Deleted,
    /// The position is not one that the server ever told.
    NotAPosition,
    /// The server does not let us, or is none.
    Refused(String),
    /// What is stored cannot be what was appended.
    Damaged(String),
    /// Nothing is known.
    Unknown {
        /// What was said.
        why: String,
        /// What is thought of the client.
        client: Client,
    },
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict(revision) => write!(f, "the stream's last revision is {revision:?}"),
            Self::TooLarge(why) | Self::Refused(why) | Self::Damaged(why) | Self::Unknown { why, .. } => {
                f.write_str(why)
            }
            Self::NotFound => f.write_str("there is no such stream"),
            Self::Deleted => f.write_str("the stream was deleted"),
            Self::NotAPosition => f.write_str("not a position of this log"),
        }
    }
}

// gRPC's numbers of the codes that are told apart.
const INVALID_ARGUMENT: i32 = 3;
const RESOURCE_EXHAUSTED: i32 = 8;
/// How a status begins that the client's own transport made up: it wears the code of an answer, and is none.
const TRANSPORT: &str = "h2 protocol error";

impl Verdict {
    pub(super) fn of(trouble: Trouble) -> Self {
        let unknown = |why: String, client| Self::Unknown { why, client };
        match trouble {
            Trouble::Silent => unknown("no answer in time".to_owned(), Client::Doubtful),
            Trouble::Incomplete(what) => unknown(what.to_owned(), Client::Doubtful),
            Trouble::Damaged(what) => Self::Damaged(what),
            Trouble::Said(error) => Self::of_error(error),
        }
    }

    fn of_error(error: Error) -> Self {
        let unknown = |why: String, client| Self::Unknown { why, client };
        match error {
            Error::WrongExpectedVersion { current, .. } => Self::Conflict(match current {
                CurrentRevision::Current(revision) => Some(revision),
                CurrentRevision::NoStream => None,
            }),
            Error::ResourceNotFound => Self::NotFound,
            Error::ResourceDeleted => Self::Deleted,
            Error::AccessDenied => Self::Refused("access denied".to_owned()),
            Error::UnsupportedFeature => Self::Refused("the server does not know this call".to_owned()),
            // Every call from now on ends so, also when the server is back.
            Error::ConnectionClosed => unknown("the client has given up".to_owned(), Client::Dead),
            Error::GrpcConnectionError(why) => unknown(why.to_string(), Client::Dead),
            // It is on its way to the leader by itself.
            Error::NotLeaderException(leader) => {
                unknown(format!("{}:{} is said to lead", leader.host, leader.port), Client::Fine)
            }
            Error::ServerError(why) if why.contains("Server Is Not Ready") => unknown(why, Client::Fine),
            Error::ServerError(why) if why.contains("Unexpected ReadAllResult") => Self::NotAPosition,
            // A dead server and a bug of a living one look the same here.
            Error::ServerError(why) => unknown(why, Client::Doubtful),
            Error::Grpc { code, message } if code as i32 == INVALID_ARGUMENT => Self::TooLarge(message),
            // "Enhance your calm": the transport gave a connection up, for instance since many calls were taken back at
            // once. Nothing is said of what was sent.
            Error::Grpc { message, .. } if message.starts_with(TRANSPORT) => unknown(message, Client::Doubtful),
            Error::Grpc { code, message } if code as i32 == RESOURCE_EXHAUSTED => Self::TooLarge(message),
            // "Aborted: commit phase timeout" is stored as often as not.
            Error::Grpc { message, .. } => unknown(message, Client::Fine),
            // The client waits for ever on a connection that nobody serves any more.
            Error::DeadlineExceeded => unknown("the server did not answer in time".to_owned(), Client::Doubtful),
            other => unknown(other.to_string(), Client::Doubtful),
        }
    }

    /// For the caller of an append.
    pub(super) fn for_append(self, stream: &StreamName) -> AppendError {
        match self {
            Self::Conflict(actual) => AppendError::WrongExpectedRevision { actual },
            Self::TooLarge(why) => {
                AppendError::Invalid(format!("more than the log's server takes in one append ({why})"))
            }
            Self::Deleted => AppendError::Invalid(deleted(stream)),
            other => AppendError::Unavailable(other.to_string()),
        }
    }

    /// For the caller of a read; a stream that is not there is no error there.
    pub(super) fn for_read(self) -> ReadError {
        match self {
            Self::Damaged(why) => ReadError::Corrupt(why),
            other => ReadError::Unavailable(other.to_string()),
        }
    }
}

/// What is said when somebody deleted a stream behind our back.
pub(super) fn deleted(stream: &StreamName) -> String {
    format!("stream {stream} was deleted on the log's server; nothing may delete there: restore the log from a backup")
}
