//! What happens within one transaction of the writer: every operation that waited, in its order.

use super::database::{Connection, breaks_a_constraint};
use super::error::{Result, VaultError};
use super::sql::{Each, Insert};
use super::value::Value;
use super::writer::{Op, Statement};

/// Joining takes a savepoint on a file, which is two statements.
const WORTH_JOINING: usize = 4;

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
    for run in ops.chunk_by(|a, b| a.is_joinable() && b.is_joinable()) {
        if run.len() >= WORTH_JOINING && joined(conn, run, careful).await? {
            answers.extend(run.iter().map(|_| Ok(1)));
            continue;
        }
        for op in run {
            answers.push(one(conn, op, careful).await?);
        }
    }
    Ok(answers)
}

/// What many operations do, sorted: rows by table, ids by change.
struct Joined<'a> {
    inserts: Vec<(&'static Insert, Vec<&'a Value>)>,
    changes: Vec<(&'static Each, Vec<&'a Value>)>,
}

impl<'a> Joined<'a> {
    fn of(run: &'a [Op]) -> Self {
        let mut sorted = Self { inserts: Vec::new(), changes: Vec::new() };
        for statement in run.iter().flat_map(|op| &op.statements) {
            match statement {
                Statement::Insert(table, values) => of_one(&mut sorted.inserts, table).extend(values),
                Statement::Each(change, id) => of_one(&mut sorted.changes, change).push(id),
                Statement::Change(..) | Statement::MustChange(..) => {}
            }
        }
        sorted
    }
    /// All rows first: nobody changes the row of an id before its making was acknowledged.
    async fn run(self, conn: &mut Connection) -> Result<()> {
        for (table, values) in self.inserts {
            conn.insert(table, &values).await?;
        }
        for (change, ids) in self.changes {
            conn.change_each(change, &ids).await?;
        }
        Ok(())
    }
}

fn of_one<'s, 'a, S>(all: &'s mut Vec<(&'static S, Vec<&'a Value>)>, one: &'static S) -> &'s mut Vec<&'a Value> {
    let at = all.iter().position(|(known, _)| std::ptr::eq(*known, one)).unwrap_or_else(|| {
        all.push((one, Vec::new()));
        all.len() - 1
    });
    &mut all[at].1
}

/// Many operations in a few statements. `false`: undone, a constraint was broken.
async fn joined(conn: &mut Connection, run: &[Op], careful: bool) -> std::result::Result<bool, Broken> {
    if conn.is_server() {
        // Carefully, they run one by one.
        if careful {
            return Ok(false);
        }
        Joined::of(run).run(conn).await.map_err(carefully)?;
        return Ok(true);
    }
    conn.plain("SAVEPOINT joined").await?;
    let done = match Joined::of(run).run(conn).await {
        Ok(()) => true,
        Err(error) if !breaks_a_constraint(&error) => return Err(error.into()),
        Err(_) => {
            conn.plain("ROLLBACK TO joined").await?;
            false
        }
    };
    conn.plain("RELEASE joined").await?;
    Ok(done)
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
        match op.statements.as_slice() {
            [Statement::Insert(table, values)] => values.len() <= table.columns() * Insert::ROWS,
            [] | [_] => true,
            _ => false,
        }
    }
}

async fn steps(conn: &mut Connection, op: &Op) -> Result<u64> {
    let mut changed = 0;
    for statement in &op.statements {
        changed += match statement {
            Statement::Insert(table, values) => conn.insert(table, &values.iter().collect::<Vec<_>>()).await?,
            Statement::Each(change, id) => conn.change_each(change, &[id]).await?,
            Statement::Change(sql, values) => conn.change(sql, values).await?,
            Statement::MustChange(sql, values) => match conn.change(sql, values).await? {
                0 => return Err(VaultError::Gone),
                rows => rows,
            },
        };
    }
    Ok(changed)
}
