//! What each statement takes and gives, asked of both databases: PostgreSQL knows the types of parameters and columns,
//! SQLite at least that the statement can be prepared and how many of each there are. It runs without any data.

use super::super::database::{each_text, insert_text, list_text};
use super::super::{Vault, file, server};
use super::*;
use crate::vault::{SeededEntropy, VAULT_FILE};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Column as _, Either, Executor as _, SqlSafeStr as _, SqlStr, Statement as _, TypeInfo as _};
use std::sync::Arc;

/// Every text that is ever sent, with its types.
fn every_statement(numbered: bool) -> Vec<(String, String, Vec<Kind>, Vec<Kind>)> {
    let mut all = Vec::new();
    for (name, sql) in STATEMENTS {
        all.push(((*name).to_owned(), sql.text.to_owned(), sql.takes.to_vec(), sql.gives.to_vec()));
    }
    // Numbered places are a server's.
    for (name, sql) in ON_A_SERVER.iter().filter(|_| numbered) {
        all.push(((*name).to_owned(), sql.text.to_owned(), sql.takes.to_vec(), sql.gives.to_vec()));
    }
    for (name, insert) in INSERTS {
        for rows in [1, 2, Insert::ROWS] {
            let takes = insert.takes.repeat(rows);
            all.push((format!("{name} of {rows}"), insert_text(insert, rows, numbered), takes, Vec::new()));
        }
    }
    for ids in [1, 2, Each::IDS] {
        let text = each_text(&KEEP_SUBJECTS, ids, numbered);
        all.push((format!("KEEP_SUBJECTS of {ids}"), text, vec![Kind::Bytes; ids], Vec::new()));
    }
    for listed in [1, SUBJECTS] {
        let gives = vec![Kind::Bytes, Kind::Int, Kind::Bytes, Kind::Int];
        let text = list_text(SUBJECT_KEYS, listed, numbered);
        all.push((format!("SUBJECT_KEYS of {listed}"), text, vec![Kind::Bytes; listed + 1], gives));
    }
    all
}

fn kind(name: &str) -> Kind {
    match name {
        "INT8" | "INTEGER" => Kind::Int,
        "BYTEA" | "BLOB" => Kind::Bytes,
        "TEXT" => Kind::Text,
        other => panic!("a vault stores numbers of 64 bits, bytes and text, and no {other}"),
    }
}

fn text(text: &str) -> SqlStr {
    AssertSqlSafe(text.to_owned()).into_sql_str()
}

async fn asked(conn: &mut PgConnection, statement: &str) -> (Vec<Kind>, Vec<Kind>) {
    let prepared = conn.prepare(text(statement)).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    let Some(Either::Left(parameters)) = prepared.parameters() else { panic!("{statement}: no types") };
    let takes = parameters.iter().map(|of| kind(of.name())).collect();
    (takes, prepared.columns().iter().map(|column| kind(column.type_info().name())).collect())
}

async fn counted(conn: &mut SqliteConnection, statement: &str) -> (usize, usize) {
    let prepared = conn.prepare(text(statement)).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    let Some(Either::Right(parameters)) = prepared.parameters() else { panic!("{statement}: no parameters") };
    (parameters, prepared.columns().len())
}

#[tokio::test]
async fn every_statement_takes_and_gives_on_postgresql_what_is_said_of_it() {
    let mut server = server::open(&throwaway_postgres::database().await).await.unwrap();
    let all = every_statement(true);
    assert!(all.len() > 100, "{}", all.len());
    for (name, statement, takes, gives) in all {
        let found = asked(server.link.conn().unwrap(), &statement).await;
        assert_eq!(found, (takes, gives), "{name}");
    }
}

#[tokio::test]
async fn every_statement_can_be_prepared_on_a_file_and_has_as_many_places() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = file::open(&folder.path().join(VAULT_FILE)).await.unwrap();
    for (name, statement, takes, gives) in every_statement(false) {
        assert_eq!(counted(&mut file.writer, &statement).await, (takes.len(), gives.len()), "{name}");
    }
}

#[tokio::test]
async fn a_statement_that_says_something_else_is_found_out() {
    let mut server = server::open(&throwaway_postgres::database().await).await.unwrap();
    let text = "SELECT label FROM bearer_tokens WHERE member = $1 AND role = $2";
    let found = asked(server.link.conn().unwrap(), text).await;
    assert_eq!(found, (vec![Kind::Bytes, Kind::Int], vec![Kind::Text]));
    assert!(server.link.conn().unwrap().prepare(self::text("SELECT nothing FROM bearer_tokens")).await.is_err());
}

/// Tables and columns, with whether they may be NULL: the same in both, or one set of statements could not serve them.
#[tokio::test]
async fn both_databases_have_the_same_tables() {
    use sqlx::Row as _;
    let folder = tempfile::tempdir().unwrap();
    let mut file = file::open(&folder.path().join(VAULT_FILE)).await.unwrap();
    let text = "SELECT m.name, c.name, c.type, c.\"notnull\" OR c.pk > 0 FROM sqlite_schema m, pragma_table_info(m.name) c \
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY 1, 2";
    let rows = sqlx::query(text).fetch_all(&mut file.writer).await.unwrap();
    let in_file: Vec<_> = rows
        .iter()
        .map(|row| (row.get::<String, _>(0), row.get::<String, _>(1), kind(row.get(2)), row.get::<bool, _>(3)))
        .collect();

    let mut server = server::open(&throwaway_postgres::database().await).await.unwrap();
    let text = "SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'NO' \
         FROM information_schema.columns WHERE table_schema = current_schema() \
         AND table_name NOT IN ('vault_schema', 'leases', 'checkpoints') ORDER BY table_name COLLATE \"C\", column_name COLLATE \"C\"";
    let rows = sqlx::query(text).fetch_all(server.link.conn().unwrap()).await.unwrap();
    let of = |name: &str| match name {
        "bigint" => Kind::Int,
        "bytea" => Kind::Bytes,
        other => kind(&other.to_uppercase()),
    };
    let on_server: Vec<_> = rows
        .iter()
        .map(|row| (row.get::<String, _>(0), row.get::<String, _>(1), of(row.get(2)), row.get::<bool, _>(3)))
        .collect();
    assert!(in_file.len() > 70, "{}", in_file.len());
    assert_eq!(in_file, on_server);
}

#[tokio::test]
async fn a_database_that_holds_something_else_or_a_newer_vault_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = async |url: &str, may_make| {
        let opened = Vault::open_server(folder.path(), url, may_make, Arc::new(SeededEntropy::new(1))).await;
        opened.expect_err("it must be refused").to_string()
    };
    let foreign = throwaway_postgres::database().await;
    let mut conn = <PgConnection as sqlx::Connection>::connect(&foreign).await.unwrap();
    sqlx::raw_sql("CREATE TABLE diary (day TEXT)").execute(&mut conn).await.unwrap();
    assert!(refusal(&foreign, true).await.contains("something else"));
    let tables = sqlx::query("SELECT 1 FROM pg_tables WHERE schemaname = 'public'").fetch_all(&mut conn).await;
    assert_eq!(tables.unwrap().len(), 1, "nothing was made");

    let newer = throwaway_postgres::database().await;
    assert!(refusal(&newer, false).await.contains("it is empty, and the log is not"));
    assert!(!folder.path().join(crate::vault::ROOT_KEY_FILE).exists());
    let mut conn = <PgConnection as sqlx::Connection>::connect(&newer).await.unwrap();
    sqlx::raw_sql("UPDATE vault_schema SET version = 99").execute(&mut conn).await.unwrap();
    assert!(refusal(&newer, true).await.contains("schema 99"));
    assert!(refusal("postgres//nonsense", true).await.contains("no postgres:// address"));
}
