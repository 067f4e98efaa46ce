//! The vault on a PostgreSQL server: opening it, its schema, and the connection that writes.
//!
//! What a transaction of the writer may rely on is said here once: see [`Link::begin`]. What becomes of one whose
//! answer was lost is found out by its number: see [`Link::fate`].

use super::error::{Result, VaultError};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The schema, step by step. Step n takes a database from schema n to n + 1. A released step never changes.
const MIGRATIONS: [&str; 1] = [include_str!("../../../migrations/vault-postgres/0001_vault.sql")];

/// The schema that this program writes.
const SCHEMA: i64 = 1;

/// Readers beside the one writer, of each node.
const READERS: u32 = 8;
/// The oldest server that tells what became of a transaction by its 64-bit number.
const OLDEST: u32 = 130_000;
/// After so long without an answer a connection is given up.
pub(super) const SILENCE: Duration = Duration::from_secs(12);

/// Settings of every connection. A node that fell asleep in a transaction keeps nobody waiting longer than this.
const SETTINGS: [(&str, &str); 4] = [
    ("statement_timeout", "10s"),
    ("lock_timeout", "8s"),
    ("idle_in_transaction_session_timeout", "5s"),
    ("client_min_messages", "warning"),
];

/// An open server.
pub(super) struct Server {
    pub(super) link: Link,
    pub(super) readers: PgPool,
}

/// Connects, and brings the schema up to date. A database that is not a vault, or newer, is left as it is.
pub(super) async fn open(url: &str) -> Result<Server> {
    // What the parser says may repeat the address, and an address may hold a password.
    let options =
        PgConnectOptions::from_str(url).map_err(|_| VaultError::Unsuitable("its address is no postgres:// address"))?;
    let options = options.application_name("clinic-booking").options(SETTINGS).disable_statement_logging();
    let mut link = Link { options: options.clone(), conn: None };
    link.connected().await?;
    migrate(link.conn()?).await?;
    let readers = PgPoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(Duration::from_secs(5))
        .after_connect(|conn, _| Box::pin(async move { primary_only(conn).await }))
        // Of all that readers do only the memory of commands writes, and that waits for no disk.
        .connect_lazy_with(options.options([("synchronous_commit", "off")]));
    Ok(Server { link, readers })
}

/// A standby may be behind: what it says of a session or of a key may be long over.
async fn primary_only(conn: &mut PgConnection) -> sqlx::Result<()> {
    let standby: bool = sqlx::query("SELECT pg_is_in_recovery()").fetch_one(conn).await?.try_get(0)?;
    if standby { Err(sqlx::Error::Protocol("the server is a standby".to_owned())) } else { Ok(()) }
}

/// In one transaction; nodes that start together wait for each other.
async fn migrate(conn: &mut PgConnection) -> Result<()> {
    let mut work = conn.begin().await?;
    sqlx::raw_sql(LOCK_ALONE).execute(&mut *work).await?;
    let here = sqlx::query("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()");
    let tables: i64 = here.fetch_one(&mut *work).await?.try_get(0)?;
    let marked = sqlx::query("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1");
    let marked: i64 = marked.bind("vault_schema").fetch_one(&mut *work).await?.try_get(0)?;
    if tables > 0 && marked == 0 {
        return Err(VaultError::Unsuitable("it holds something else; nothing was changed: give the vault its own"));
    }
    let from: i64 = match marked {
        0 => 0,
        _ => sqlx::query("SELECT version FROM vault_schema").fetch_one(&mut *work).await?.try_get(0)?,
    };
    if from > SCHEMA {
        return Err(VaultError::NewerDatabase { found: from, known: SCHEMA });
    }
    if from < SCHEMA {
        for step in MIGRATIONS.iter().skip(usize::try_from(from).unwrap_or(usize::MAX)) {
            sqlx::raw_sql(*step).execute(&mut *work).await?;
        }
        sqlx::query("UPDATE vault_schema SET version = $1").bind(SCHEMA).execute(&mut *work).await?;
        tracing::info!(from, to = SCHEMA, "the vault's schema is up to date");
    }
    work.commit().await?;
    Ok(())
}

/// `clbv`, and the schema: vaults in one database do not wait for each other.
const LOCK_ALONE: &str = "SELECT pg_advisory_xact_lock(1668047478, hashtext(current_schema()))";
const BEGIN_ALONE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; \
     SELECT pg_advisory_xact_lock(1668047478, hashtext(current_schema())); SELECT pg_current_xact_id()::text";
const BEGIN_TOGETHER: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; \
     SELECT pg_advisory_xact_lock_shared(1668047478, hashtext(current_schema())); SELECT pg_current_xact_id()::text";

/// How a COMMIT ended.
pub(super) enum Committed {
    /// It is on the disk.
    Yes,
    /// Nothing was changed.
    No(VaultError),
    /// The answer was lost.
    Unknown(VaultError),
}

/// What became of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    Committed,
    RolledBack,
    /// The server has not noticed yet that nobody is at the other end.
    Running,
    /// The server cannot say.
    Unknown,
}

/// The connection that writes, and how to make it again.
pub(super) struct Link {
    options: PgConnectOptions,
    conn: Option<PgConnection>,
}

impl Link {
    /// The connection.
    pub(super) fn conn(&mut self) -> Result<&mut PgConnection> {
        self.conn.as_mut().ok_or_else(silent)
    }

    /// Connects, unless it is connected.
    pub(super) async fn connected(&mut self) -> Result<()> {
        if self.conn.is_none() {
            let connect = async {
                let mut conn = self.options.connect().await?;
                primary_only(&mut conn).await?;
                // Whatever the server's default is: what was acknowledged is on its disk.
                sqlx::raw_sql("SET synchronous_commit = on").execute(&mut conn).await?;
                Ok::<_, sqlx::Error>(conn)
            };
            let conn = timeout(SILENCE, connect).await.map_err(|_| silent())??;
            if conn.server_version_num().is_some_and(|version| version < OLDEST) {
                return Err(VaultError::Unsuitable("the server is older than PostgreSQL 13"));
            }
            self.conn = Some(conn);
        }
        Ok(())
    }

    /// Gives the connection up, without a word to a server that may not be there.
    pub(super) fn give_up(&mut self) {
        self.conn = None;
    }

    /// Begins a transaction and answers its number.
    ///
    /// Every transaction of every node's writer has the vault's lock until its end: together with others if it only
    /// inserts, which constraints keep apart; alone if it changes or deletes anything. So a statement that looks before
    /// it changes sees what every other node has committed, and nobody changes it in between: what holds for the one
    /// writer of a file holds here. It also means that no two of them wait for each other in a circle, and that who
    /// begins to replace a clinic's key has seen every key that was wrapped under the old one.
    pub(super) async fn begin(&mut self, alone: bool) -> Result<String> {
        let text = if alone { BEGIN_ALONE } else { BEGIN_TOGETHER };
        let rows = sqlx::raw_sql(text).fetch_all(self.conn()?).await?;
        let last = rows.last().ok_or_else(silent)?;
        Ok(last.try_get(0)?)
    }

    /// Ends a transaction.
    pub(super) async fn commit(&mut self) -> Committed {
        let conn = match self.conn() {
            Ok(conn) => conn,
            Err(error) => return Committed::No(error),
        };
        match timeout(SILENCE, sqlx::raw_sql("COMMIT").execute(conn)).await {
            Ok(Ok(_)) => Committed::Yes,
            Ok(Err(error)) if refused(&error) => Committed::No(error.into()),
            Ok(Err(error)) => Committed::Unknown(error.into()),
            Err(_) => Committed::Unknown(silent()),
        }
    }

    /// What became of the transaction of this number.
    pub(super) async fn fate(&mut self, transaction: &str) -> Result<Fate> {
        let query = sqlx::query("SELECT pg_xact_status($1::text::xid8)").bind(transaction);
        let found = timeout(SILENCE, query.fetch_one(self.conn()?)).await.map_err(|_| silent())?;
        let status: Option<String> = match found {
            Ok(row) => row.try_get(0)?,
            // "Is in the future": another server took over, and never had it.
            Err(error) if refused(&error) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(match status.as_deref() {
            Some("committed") => Fate::Committed,
            Some("aborted") => Fate::RolledBack,
            Some(_) => Fate::Running,
            None => Fate::Unknown,
        })
    }

    /// Takes what was deleted out of the tables' pages, on a connection of its own and without anybody waiting.
    pub(super) fn scrub(&self) {
        let options = self.options.clone().options([("statement_timeout", "0")]);
        tokio::spawn(async move {
            let scrub = async {
                let mut conn = options.connect().await?;
                for table in ["VACUUM subject_keys", "VACUUM visits", "VACUUM clinic_keys"] {
                    sqlx::raw_sql(table).execute(&mut conn).await?;
                }
                conn.close().await
            };
            if let Err(error) = scrub.await {
                tracing::warn!(%error, "deleted rows were not vacuumed; the server's own vacuum will come to them");
            }
        });
    }

    pub(super) async fn close(self) -> Result<()> {
        match self.conn {
            Some(conn) => Ok(conn.close().await?),
            None => Ok(()),
        }
    }
}

/// Nobody answers.
pub(super) fn silent() -> VaultError {
    VaultError::Database(Arc::new(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
}

/// The server itself said no, and is still there: what it refused did not happen.
fn refused(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| !code.starts_with("57") && !code.starts_with("08"))
}

fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(std::borrow::Cow::into_owned)
}

/// What may go better at the next try: nothing of it was done.
pub(super) enum Again {
    /// On the same connection.
    Here,
    /// On a new connection.
    Anew,
}

/// Whether a transaction that failed like this is to be tried again, and where.
pub(super) fn again(error: &VaultError) -> Option<Again> {
    let VaultError::Database(cause) = error else { return None };
    match code(cause) {
        // Waited too long for the lock, a circle, or a conflict.
        Some(code) if ["55P03", "40P01", "40001"].contains(&code.as_str()) => Some(Again::Here),
        // Slept too long, too many connections, not the primary any more, shutting down, no connection.
        Some(code) if ["25P03", "53300", "25006"].contains(&code.as_str()) => Some(Again::Anew),
        Some(code) => (code.starts_with("57P") || code.starts_with("08")).then_some(Again::Anew),
        None => matches!(
            &**cause,
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolTimedOut
        )
        .then_some(Again::Anew),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_number_is_the_number_of_migrations() {
        assert_eq!(usize::try_from(SCHEMA).unwrap(), MIGRATIONS.len());
    }
}
