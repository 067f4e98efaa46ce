//! Nodes, and the log's server, as processes of their own, so that they can be killed and cut off. The process is this test
//! binary: it opens and serves a data directory as `clinic-booking serve` does, without the limits per source, since all
//! clients are one source here.

use booking_api::cli::serve::{Listen, Serving};
use booking_api::{AppOptions, Cluster, VaultServer};
use booking_domain::time::Instant;
use booking_engine::ManualClock;
use booking_tests::guests::now;
use kurrent_double::Double;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const DATA: &str = "NODE_DATA";
const LOG: &str = "NODE_LOG";
const VAULT: &str = "NODE_VAULT";
const CLOCK: &str = "NODE_CLOCK";
const LOG_LISTENS: &str = "NODE_LOG_LISTENS";
const LISTENS: &str = "the process listens on ";

/// Whoever started this process may be gone: then so is the other end of this pipe, and this process goes as well.
fn goes_with_its_parent() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
}

/// The node's side. Without a data directory in the environment there is nothing to do.
#[test]
fn this_binary_is_a_node_when_it_is_given_a_data_directory() {
    let Some(data) = std::env::var_os(DATA) else { return };
    goes_with_its_parent();
    // What it did wrong stands beside what the test says of it. The client of the log complains of every cut.
    let usual = || tracing_subscriber::EnvFilter::new("error,eventstore=off");
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| usual());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let (log, vault) = (std::env::var(LOG).unwrap(), std::env::var(VAULT).unwrap());
    let mut options = options(Path::new(&data), &log, &vault);
    if let Ok(moment) = std::env::var(CLOCK) {
        options.clock = Arc::new(ManualClock::new(Instant(moment.parse().unwrap())));
        options.compares_clock = false;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let anywhere = ([127, 0, 0, 1], 0).into();
        let serving = Serving::start(options, Listen { public: anywhere, ops: Some(anywhere) }).await.unwrap();
        println!("\n{LISTENS}{}", serving.address);
        serving.until_stopped().await.unwrap();
    });
}

/// The side of the log's server.
#[test]
fn this_binary_is_the_log_when_it_is_told_where_to_listen() {
    let Ok(address) = std::env::var(LOG_LISTENS) else { return };
    goes_with_its_parent();
    let _double = Double::at(address.parse().unwrap()).unwrap();
    println!("\n{LISTENS}{address}");
    loop {
        std::thread::park();
    }
}

/// How a node opens its data directory.
pub fn options(data: &Path, log: &str, vault: &str) -> AppOptions {
    let (cluster, vault) = (Some(Cluster::at(log)), Some(VaultServer::at(vault)));
    AppOptions { cluster, vault, source_limits: false, answer_after: None, ..AppOptions::new(data) }
}

/// A process that listens.
pub struct Process {
    child: Child,
    /// Where it listens.
    pub address: String,
    /// From its start until it listened.
    pub took: Duration,
}

impl Process {
    /// A node on this data directory.
    pub fn node(data: &Path, log: &str, vault: &str) -> Self {
        let mut command = myself("process::this_binary_is_a_node_when_it_is_given_a_data_directory");
        command.env(DATA, data).env(LOG, log).env(VAULT, vault);
        Self::start(&mut command)
    }

    /// A node whose clock shows this.
    pub fn node_at(clock: Instant, data: &Path, log: &str, vault: &str) -> Self {
        let mut command = myself("process::this_binary_is_a_node_when_it_is_given_a_data_directory");
        command.env(DATA, data).env(LOG, log).env(VAULT, vault).env(CLOCK, clock.0.to_string());
        // One arena: how many the threads of a process happen to fill is no property of what it reads.
        Self::start(command.env("MALLOC_ARENA_MAX", "1"))
    }

    /// The log's server, with an empty log, in a network of its own: nothing reaches it yet.
    pub fn log_apart(address: SocketAddr) -> Self {
        let name = "process::this_binary_is_the_log_when_it_is_told_where_to_listen";
        let mut command = Command::new("unshare");
        command.arg("--net").arg(std::env::current_exe().unwrap()).args([name, "--exact", "--nocapture"]);
        command.env(LOG_LISTENS, address.to_string());
        Self::start(&mut command)
    }

    fn start(command: &mut Command) -> Self {
        let begun = now();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| line.unwrap().strip_prefix(LISTENS).map(str::to_owned));
        let address = address.expect("the process did not start to listen");
        // What else it says is read away, so that it never waits for it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, took: begun.elapsed() }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: nothing of it runs after this.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This test binary, to run one of its tests.
pub fn myself(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]);
    command
}

/// What the server on this data directory says of its readiness on its operations listener; none: nothing, in five seconds.
pub async fn readiness(data: &Path) -> Option<(u16, Value)> {
    let door: Value = serde_json::from_str(&std::fs::read_to_string(data.join("operator.json")).ok()?).ok()?;
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
    let answer = client.get(format!("http://{}/readyz", door["address"].as_str()?)).send().await.ok()?;
    let status = answer.status().as_u16();
    Some((status, answer.json().await.ok()?))
}
