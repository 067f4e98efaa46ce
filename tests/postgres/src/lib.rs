//! A PostgreSQL server of the tests' own: a real one, in a folder in memory, gone when the test process is.
//!
//! It needs the programs `initdb` and `postgres` (Debian: the package `postgresql`), on the path or where Debian puts
//! them. Without them the tests fail: what runs on a server is not tested elsewhere. PostgreSQL refuses to run as root;
//! there it runs as the user `postgres`.
//!
//! Nothing survives it and nothing waits for a disk: it is started without fsync. A shell stands between: it reads from
//! a pipe that the test process holds, and when that is gone, however it ended, it stops the server and removes the
//! folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::missing_panics_doc, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "the path of the programs comes from the environment")]

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A server.
#[derive(Debug)]
pub struct Server {
    port: u16,
    folder: PathBuf,
    databases: AtomicU32,
    /// It lives as long as the pipe to its standard input.
    keeper: Child,
}

/// The server that all tests of this process share.
pub fn server() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(Server::start)
}

/// A new database on the shared server: its address.
pub async fn database() -> String {
    server().database().await
}

/// The address of a database of [`server`] for whoever shares its files and not its network.
pub fn by_socket(address: &str) -> String {
    let (server, name) = (server(), address.rsplit('/').next().unwrap_or_default());
    format!("postgres://booking@localhost:{}/{name}?host={}", server.port, server.folder.display())
}

/// [`database`] for who cannot wait.
pub fn database_now() -> String {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::spawn(move || runtime().block_on(database())).join().unwrap()
}

impl Server {
    /// A server that nobody else has.
    pub fn start() -> Self {
        let (initdb, postgres) = (program("initdb"), program("postgres"));
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = base.join(format!("throwaway-postgres-{}-{port}", std::process::id()));
        let script = format!(
            "set -e; umask 077; mkdir '{folder}'; trap 'rm -rf {folder}' EXIT; trap : TERM INT HUP; \
             '{initdb}' -D '{folder}/data' -U booking -A trust -E UTF8 --locale=C --no-sync >'{folder}/initdb.log' 2>&1; \
             '{postgres}' -D '{folder}/data' -h 127.0.0.1 -p {port} -k '{folder}' -F -c max_connections=600 \
             -c full_page_writes=off -c log_min_messages=panic -c deadlock_timeout=200ms >'{folder}/log' 2>&1 & \
             server=$!; read -r end || true; kill -QUIT $server; wait $server || true",
            folder = folder.display(),
            initdb = initdb.display(),
            postgres = postgres.display(),
        );
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", "sh", "-c", &script]);
            command
        } else {
            let mut command = Command::new("sh");
            command.args(["-c", &script]);
            command
        };
        let keeper = command.stdin(Stdio::piped()).current_dir(base).spawn().expect("a shell starts the server");
        Self { port, folder, databases: AtomicU32::new(0), keeper }
    }

    /// A new database: its address.
    pub async fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut conn = self.connect("postgres").await;
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
        self.address(&name)
    }

    /// The server's processes that serve this database, ended as an administrator would: their connections are lost.
    pub async fn disconnect_all(&self, address: &str) {
        let name = address.rsplit('/').next().unwrap().to_owned();
        let mut conn = self.connect("postgres").await;
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        sqlx::query(end).bind(name).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    }

    fn address(&self, database: &str) -> String {
        format!("postgres://booking@127.0.0.1:{}/{database}", self.port)
    }

    /// Waits until it is there.
    async fn connect(&self, database: &str) -> PgConnection {
        let options: PgConnectOptions = self.address(database).parse().unwrap();
        let mut last = None;
        for _ in 0..600 {
            match options.connect().await {
                Ok(conn) => return conn,
                Err(error) => last = Some(error),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the server does not answer ({last:?}); its words are in {}", self.folder.display());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut pipe) = self.keeper.stdin.take() {
            let _it_may_be_gone = pipe.write_all(b"end\n");
        }
        let _it_may_be_gone = self.keeper.wait();
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.starts_with(b"0\n")
}

/// On the path, or the newest that Debian has installed.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        let mut versions: Vec<PathBuf> = versions.map(|entry| entry.unwrap().path()).collect();
        versions.sort_by_key(|path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
        folders.extend(versions.into_iter().rev().map(|path| path.join("bin")));
    }
    folders
        .into_iter()
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("the tests need PostgreSQL: {name} is missing (Debian: the package postgresql)"))
}
