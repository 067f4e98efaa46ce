//! A transaction of the writer on a server: tried again when that is safe, and never told to have failed when it did not.
//!
//! - Before COMMIT was sent, whatever goes wrong undoes everything: it is tried again, on a new connection if need be.
//! - Where the answer to COMMIT is lost, the server is asked by the transaction's number: committed, and the callers are
//!   told so; rolled back, and it is tried again.
//! - Where nobody answers for [`PATIENCE`], the callers are told: nothing was changed, or
//!   [`VaultError::Unanswered`] if that is not known. The writer goes on with the next.

use super::batch::{Broken, run_all};
use super::database::Connection;
use super::error::{Result, VaultError};
use super::server::{Again, Committed, Fate, SILENCE, again, silent};
use super::writer::Op;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How long a transaction is tried.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries, at first; doubled each time up to a second.
const PAUSE: Duration = Duration::from_millis(10);

/// What one try came to.
enum Tried {
    Done(Vec<Result<u64>>),
    Carefully,
    Again(VaultError, Again),
    Over(VaultError),
}

pub(super) async fn on_the_server(conn: &mut Connection, ops: &[Op]) -> Result<Vec<Result<u64>>> {
    let deadline = Instant::now() + PATIENCE;
    let (mut careful, mut pause) = (false, PAUSE);
    loop {
        match once(conn, ops, careful).await {
            Tried::Done(answers) => return Ok(answers),
            Tried::Over(error) => return Err(error),
            Tried::Carefully => careful = true,
            Tried::Again(error, where_to) => {
                if let (Again::Anew, Connection::Server(link)) = (where_to, &mut *conn) {
                    link.give_up();
                }
                if Instant::now() >= deadline {
                    return Err(error);
                }
                tracing::warn!(%error, "a transaction of the vault is tried again");
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
        }
    }
}

async fn once(conn: &mut Connection, ops: &[Op], careful: bool) -> Tried {
    let transaction = match begin(conn, ops).await {
        Ok(transaction) => transaction,
        Err(error) => return failed(conn, error).await,
    };
    let ran = timeout(SILENCE, run_all(conn, ops, careful)).await.unwrap_or_else(|_| Err(silent().into()));
    let answers = match ran {
        Ok(answers) => answers,
        Err(Broken::All(error)) => return failed(conn, error).await,
        Err(Broken::Carefully) => {
            return match conn.plain("ROLLBACK").await {
                Ok(()) => Tried::Carefully,
                Err(error) => failed(conn, error).await,
            };
        }
    };
    let Connection::Server(link) = conn else { return Tried::Over(VaultError::Closed) };
    match link.commit().await {
        Committed::Yes => Tried::Done(answers),
        Committed::No(error) => failed(conn, error).await,
        Committed::Unknown(error) => {
            link.give_up();
            tracing::warn!(%error, "the answer to a commit of the vault was lost; its outcome is asked for");
            match fate(conn, &transaction).await {
                Fate::Committed => Tried::Done(answers),
                Fate::RolledBack => Tried::Again(error, Again::Here),
                Fate::Running | Fate::Unknown => Tried::Over(match error {
                    VaultError::Database(cause) => VaultError::Unanswered(cause),
                    other => other,
                }),
            }
        }
    }
}

async fn begin(conn: &mut Connection, ops: &[Op]) -> Result<String> {
    let Connection::Server(link) = conn else { return Err(VaultError::Closed) };
    link.connected().await?;
    let alone = !ops.iter().all(Op::only_inserts);
    timeout(SILENCE, link.begin(alone)).await.unwrap_or_else(|_| Err(silent()))
}

/// Nothing was committed: rolls back, and says whether another try may go better.
async fn failed(conn: &mut Connection, error: VaultError) -> Tried {
    let where_to = again(&error);
    if !matches!(where_to, Some(Again::Anew))
        && conn.plain("ROLLBACK").await.is_err()
        && let Connection::Server(link) = conn
    {
        link.give_up();
    }
    match where_to {
        Some(where_to) => Tried::Again(error, where_to),
        None => Tried::Over(error),
    }
}

/// Asks until the server knows, for a while.
async fn fate(conn: &mut Connection, transaction: &str) -> Fate {
    let Connection::Server(link) = conn else { return Fate::Unknown };
    let deadline = Instant::now() + PATIENCE;
    loop {
        let asked = match link.connected().await {
            Ok(()) => link.fate(transaction).await,
            Err(error) => Err(error),
        };
        match asked {
            Ok(Fate::Running) => {}
            Ok(fate) => return fate,
            Err(_) => link.give_up(),
        }
        if Instant::now() >= deadline {
            return Fate::Unknown;
        }
        sleep(Duration::from_millis(100)).await;
    }
}
