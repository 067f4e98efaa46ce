//! A server in a process of its own, which is this test binary, so that it can be killed.

use super::house::loopback;
use booking_api::AppOptions;
use booking_api::cli::serve::{Listen, Serving};
use booking_api::messages::MessageOptions;
use booking_api::messages::sms::SmsCommand;
use booking_domain::time::Instant;
use booking_engine::Clock;
use booking_store::Fault;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const DATA: &str = "LOAD_CHILD_DATA";
const EARLY: &str = "LOAD_CHILD_ACKNOWLEDGES_EARLY";
const POSTS: &str = "LOAD_CHILD_POSTS_TO";
const CLOCK: &str = "LOAD_CHILD_CLOCK";
const TELLS: &str = "LOAD_CHILD_LOG";
const LISTENS: &str = "the child listens on ";

/// The child's side. Without a data directory in the environment there is nothing to do.
#[test]
fn this_binary_serves_a_data_directory_when_it_is_given_one() {
    let Some(data) = std::env::var_os(DATA) else { return };
    // Whoever started it may be gone: then so is the other end of this pipe.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    if let Some(file) = std::env::var_os(TELLS) {
        // Everything that a server would ever be asked to tell, and more.
        let filter = tracing_subscriber::EnvFilter::new("trace,hyper=info,hyper_util=info,mio=info");
        let file = std::sync::Mutex::new(std::fs::File::create(file).unwrap());
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(file).init();
    }
    let mut options = AppOptions { source_limits: false, answer_after: None, ..AppOptions::new(data) };
    options.log.fault = std::env::var_os(EARLY).map(|_| Fault::AckBeforeCommit);
    if let Some(file) = std::env::var_os(POSTS) {
        let command = SmsCommand::new(format!("cat >> '{}'", file.display()));
        options.messages = MessageOptions {
            sms: Some(Arc::new(command)),
            public_url: "https://rv.example.ca".to_owned(),
            ..MessageOptions::default()
        };
    }
    if let Ok(begin) = std::env::var(CLOCK) {
        options.clock = Arc::new(RunningClock { begin: Instant(begin.parse().unwrap()), since: super::portal::now() });
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listen = Listen { ops: Some("127.0.0.1:0".parse().unwrap()), ..loopback() };
        let serving = Serving::start(options, listen).await.unwrap();
        println!("\n{LISTENS}{}", serving.address);
        serving.until_stopped().await.unwrap();
    });
}

/// A clock that begins where a test says and goes on from there.
struct RunningClock {
    begin: Instant,
    since: std::time::Instant,
}

impl Clock for RunningClock {
    fn now(&self) -> Instant {
        Instant(self.begin.0 + i64::try_from(self.since.elapsed().as_micros()).unwrap())
    }
}

/// A server process.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: String,
    /// From its start until it listened.
    pub ready: Duration,
}

impl Server {
    /// Starts one on this data directory, and waits until it listens.
    pub fn start(data: &Path, acknowledges_early: bool) -> Self {
        Self::start_with(data, acknowledges_early, &[])
    }

    /// One whose clock begins here, and whose messages go into this file, each as a line of JSON.
    pub fn start_posting(data: &Path, clock: Instant, posts: &Path) -> Self {
        Self::start_with(data, false, &[(CLOCK, clock.0.to_string()), (POSTS, posts.display().to_string())])
    }

    /// One whose clock begins here, and that logs whatever there is to log into this file.
    pub fn start_telling(data: &Path, clock: Instant, log: &Path) -> Self {
        Self::start_with(data, false, &[(CLOCK, clock.0.to_string()), (TELLS, log.display().to_string())])
    }

    /// Its process id.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    fn start_with(data: &Path, acknowledges_early: bool, more: &[(&str, String)]) -> Self {
        let begun = super::portal::now();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([
            "load::child::this_binary_serves_a_data_directory_when_it_is_given_one",
            "--exact",
            "--nocapture",
        ]);
        command.env(DATA, data).stdin(Stdio::piped()).stdout(Stdio::piped());
        if acknowledges_early {
            command.env(EARLY, "1");
        }
        command.envs(more.iter().map(|(name, value)| (*name, value)));
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| line.unwrap().strip_prefix(LISTENS).map(str::to_owned));
        let address = address.expect("the child did not start to listen");
        let ready = begun.elapsed();
        // What else it says is read away, so that it never waits for it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, ready }
    }
    /// SIGKILL: nothing of it runs after this.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
