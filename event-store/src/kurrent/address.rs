//! The connection string: read, and refused at the start where the client would break or mislead later.

use eventstore::{ClientSettings, NodePreference};
use std::path::{Path, PathBuf};

/// Why a cluster does not serve as the log. No message holds a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The connection string cannot be used.
    #[error("the log's address cannot be used: {0}")]
    Address(String),
    /// A file that the connection string names cannot be used.
    #[error("the log's address names a certificate file {path} that cannot be used: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The client could not be made.
    #[error("the client of the log cannot be made: {why}")]
    Client {
        /// What it said.
        why: String,
    },
    /// Nobody answers, or nobody who is ready.
    #[error(
        "no log answers at {hosts}: {why}. Is the server running, does its certificate fit (tls, tlsCaFile), does a leader \
         exist?"
    )]
    Unreachable {
        /// Where it was looked for.
        hosts: String,
        /// What came instead.
        why: String,
    },
    /// The server does not let us.
    #[error(
        "the log at {hosts} refuses us: {why}. Look at user and password in its address, and at the server's access lists"
    )]
    Refused {
        /// The servers.
        hosts: String,
        /// What they said.
        why: String,
    },
    /// The server holds the events of something else.
    #[error("the database at {hosts} is not a booking log of its own: {why}")]
    NotALog {
        /// The servers.
        hosts: String,
        /// What was found instead.
        why: String,
    },
}

/// Reads the connection string.
pub(super) fn settings(connection: &str) -> Result<ClientSettings, ConnectError> {
    let wrong = |why: &str| ConnectError::Address(why.to_owned());
    if !(connection.starts_with("esdb://") || connection.starts_with("esdb+discover://")) {
        return Err(wrong("it begins with neither esdb:// nor esdb+discover://"));
    }
    let settings: ClientSettings = connection.parse().map_err(|error: eventstore::ClientSettingsParseError| {
        // The reason may quote what it could not read, and that may be the password.
        if connection.contains('@') { wrong("it cannot be read") } else { wrong(error.message()) }
    })?;
    if settings.hosts().is_empty() {
        return Err(wrong("it names no host"));
    }
    if settings.node_preference() != NodePreference::Leader {
        // Refusals rest on reads: they have to see everything that was acknowledged.
        return Err(wrong("nodePreference has to be leader, or left out"));
    }
    if settings.max_discover_attempts() < 2 {
        return Err(wrong("maxDiscoverAttempts has to be 2 or more: with 1 the client never connects"));
    }
    // The client reads these files in a task of its own, and breaks there if it cannot.
    if settings.is_secure_mode_enabled() {
        if let Some(authority) = settings.tls_ca_file() {
            pem(Path::new(authority), "CERTIFICATE")?;
        }
        if let Some((certificate, key)) = settings.user_certificate() {
            pem(Path::new(certificate), "CERTIFICATE")?;
            pem(Path::new(key), "PRIVATE KEY")?;
        }
    }
    Ok(settings)
}

/// The servers' names, for messages.
pub(super) fn hosts(settings: &ClientSettings) -> String {
    let hosts: Vec<_> = settings.hosts().iter().map(|host| format!("{}:{}", host.host, host.port)).collect();
    hosts.join(", ")
}

fn pem(path: &Path, kind: &str) -> Result<(), ConnectError> {
    let refused = |why: String| ConnectError::File { path: path.to_owned(), why };
    let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    let holds =
        text.lines().any(|line| line.starts_with("-----BEGIN ") && line.trim_end().ends_with(&format!("{kind}-----")));
    if holds { Ok(()) } else { Err(refused(format!("it holds no {kind} in PEM form"))) }
}
