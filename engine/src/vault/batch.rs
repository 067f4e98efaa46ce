//! What happens within one transaction of the writer: every operation that waited, in its order.

use super::database::{Connection, breaks_a_constraint};
use super::error::{Result, VaultError};
use super::sql::Insert;
use super::value::Value;
use super::writer::{Op, Statement};

/// Why a transaction cannot end.
pub(super) enum Broken {
    /// It concerns them all.
    All(VaultError),
    /// One of them broke a constraint, and the server forgets the others with it: again, each on its own.
    Carefully,
}

impl From<VaultError> for Broken {
    fn from(error: VaultError) -> Self {
        Self::All(error)
    }
}

type Answers = std::result::Result<Vec<Result<u64>>, Broken>;

/// Runs the operations in their order. `careful`: each can fail without the others, which a file always gives.
pub(super) async fn run_all(conn: &mut Connection, ops: &[Op], careful: bool) -> Answers {
    let mut answers = Vec::with_capacity(ops.len());
    for run in ops.chunk_by(|a, b| a.only_inserts() && b.only_inserts()) {
        if run.len() > 1 && joined(conn, run, careful).await? {
            answers.extend(run.iter().map(|_| Ok(1)));
            continue;
        }
        for op in run {
            answers.push(one(conn, op, careful).await?);
        }
    }
    Ok(answers)
}

/// All rows of many inserting operations, table by table. `false`: undone, a constraint was broken.
async fn joined(conn: &mut Connection, run: &[Op], careful: bool) -> std::result::Result<bool, Broken> {
    let mut tables: Vec<(&Insert, Vec<&Value>)> = Vec::new();
    for statement in run.iter().flat_map(|op| &op.statements) {
        let Statement::Insert(table, values) = statement else { continue };
        match tables.iter_mut().find(|(known, _)| std::ptr::eq(*known, *table)) {
            Some((_, all)) => all.extend(values),
            None => tables.push((table, values.iter().collect())),
        }
    }
    if conn.is_server() {
        // Carefully, they run one by one.
        if careful {
            return Ok(false);
        }
        for (table, values) in tables {
            conn.insert(table, &values).await.map_err(carefully)?;
        }
        return Ok(true);
    }
    conn.plain("SAVEPOINT joined").await?;
    for (table, values) in tables {
        if let Err(error) = conn.insert(table, &values).await {
            if !breaks_a_constraint(&error) {
                return Err(error.into());
            }
            conn.plain("ROLLBACK TO joined").await?;
            conn.plain("RELEASE joined").await?;
            return Ok(false);
        }
    }
    conn.plain("RELEASE joined").await?;
    Ok(true)
}

fn carefully(error: VaultError) -> Broken {
    if breaks_a_constraint(&error) { Broken::Carefully } else { Broken::All(error) }
}

async fn one(conn: &mut Connection, op: &Op, careful: bool) -> std::result::Result<Result<u64>, Broken> {
    if is_safe_alone(conn, op, careful) {
        return match steps(conn, op).await {
            Err(VaultError::Gone) => Ok(Err(VaultError::Gone)),
            Err(error) if !breaks_a_constraint(&error) => Err(error.into()),
            Err(_) if conn.is_server() => Err(Broken::Carefully),
            outcome => Ok(outcome),
        };
    }
    conn.plain("SAVEPOINT one").await?;
    let outcome = steps(conn, op).await;
    match &outcome {
        Ok(_) => {}
        Err(error) if breaks_a_constraint(error) => conn.plain("ROLLBACK TO SAVEPOINT one").await?,
        Err(error) => return Err(error.clone().into()),
    }
    conn.plain("RELEASE SAVEPOINT one").await?;
    Ok(outcome)
}

/// Whether an operation needs no savepoint. One statement is undone by SQLite itself when it fails. PostgreSQL undoes
/// everything then, which is seldom, and tried again carefully; but a condition that does not hold must undo what the
/// operation's earlier statements did.
fn is_safe_alone(conn: &Connection, op: &Op, careful: bool) -> bool {
    if conn.is_server() {
        !careful && !op.statements.iter().skip(1).any(|one| matches!(one, Statement::MustChange(..)))
    } else {
        matches!(op.statements.as_slice(), [Statement::Change(..) | Statement::MustChange(..)])
    }
}

async fn steps(conn: &mut Connection, op: &Op) -> Result<u64> {
    let mut changed = 0;
    for statement in &op.statements {
        changed += match statement {
            Statement::Insert(table, values) => conn.insert(table, &values.iter().collect::<Vec<_>>()).await?,
            Statement::Change(sql, values) => conn.change(sql, values).await?,
            Statement::MustChange(sql, values) => match conn.change(sql, values).await? {
                0 => return Err(VaultError::Gone),
                rows => rows,
            },
        };
    }
    Ok(changed)
}
