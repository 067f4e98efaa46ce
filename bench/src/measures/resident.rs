//! What a server is at its start: how soon it is ready, and how much memory it takes. Each in a process of its own, which
//! this program starts as itself.

use super::over_http::Hosted;
use super::{Bench, count};
use crate::figures::Spread;
use crate::history::{History, clock, known, made};
use crate::lines::{Line, ask, closed};
use crate::machine::memory;
use crate::report::{Bar, Findings};
use anyhow::Context as _;
use booking_api::cli::serve::{Listen, Serving};
use booking_api::{App, AppOptions};
use hyper::Method;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// What a process of its own is started for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Child {
    /// Opens a data directory, says when it is ready, ends.
    Start,
    /// Opens a data directory, is asked for pages, says how much memory it takes, ends.
    Memory,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
struct Resident {
    ready: u64,
    used: u64,
    peak: u64,
}

impl Child {
    /// Does it.
    pub async fn run(self, data: &Path) -> anyhow::Result<()> {
        match self {
            Self::Start => begin(data).await,
            Self::Memory => reside(data).await,
        }
    }
}

async fn begin(data: &Path) -> anyhow::Result<()> {
    let options = AppOptions { clock: clock(), ..AppOptions::new(data) };
    let app = App::open(options).await?;
    // A free port, given back for the listener of the operations.
    let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let listen = Listen { public: ([127, 0, 0, 1], 0).into(), ops: Some(free) };
    let serving = Serving::start_with(app, listen).await?;
    let mut line = Line::open(free).await?;
    let begun = Instant::now();
    while !line.ask(ask(Method::GET, "/readyz", None, None)?).await?.0.is_success() {
        anyhow::ensure!(begun.elapsed() < Duration::from_mins(1), "the server does not become ready");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(line);
    println!("ready");
    serving.stop().await
}

async fn reside(data: &Path) -> anyhow::Result<()> {
    let hosted = Hosted::on(data, known(data)?).await?;
    let (ready, _) = memory();
    let asks = hosted.asks(hosted.history.narrow, 14, "&limit=20");
    closed(hosted.serving.address, 64, Duration::from_secs(2), &asks).await?;
    let (used, peak) = memory();
    println!("{}", serde_json::to_string(&Resident { ready, used, peak })?);
    hosted.serving.stop().await
}

impl Bench {
    /// Starts a child; answers its first line and when it came.
    async fn child(&self, child: &str, data: &Path) -> anyhow::Result<(String, Duration)> {
        let begun = Instant::now();
        let mut process =
            Command::new(&self.program).args(["child", child]).arg(data).stdout(Stdio::piped()).spawn()?;
        let said = process.stdout.take().context("a child without a voice")?;
        let line = BufReader::new(said).lines().next_line().await?;
        let took = begun.elapsed();
        anyhow::ensure!(process.wait().await?.success(), "the child failed");
        Ok((line.context("the child said nothing")?, took))
    }
}

fn sizes(findings: &mut Findings, history: &History) -> anyhow::Result<()> {
    let (events, times) = (usize::try_from(history.events)?, usize::try_from(history.availabilities)?);
    findings.set(format!(
        "{} events, {} availabilities; the files are in the system's memory",
        count(events),
        count(times)
    ));
    Ok(())
}

/// From starting the process to `/readyz` saying yes.
pub(super) async fn start(bench: &Bench) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    let (data, history) = made(&bench.folder, bench.scale.clinic(false)).await?;
    sizes(&mut findings, &history)?;
    let mut took = Vec::new();
    for _ in 0..bench.scale.runs {
        let (said, time) = bench.child("start", &data).await?;
        anyhow::ensure!(said == "ready", "the child said {said:?}");
        took.push(time.as_secs_f64());
    }
    findings.judge("from the process's start to /readyz", Spread(took), "s", Bar::AtMost(2.0));
    Ok(findings)
}

/// Resident memory, fresh and after pages were asked for.
pub(super) async fn memory_of(bench: &Bench) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    let (data, history) = made(&bench.folder, bench.scale.clinic(false)).await?;
    sizes(&mut findings, &history)?;
    let (mut ready, mut used, mut peak) = (Vec::new(), Vec::new(), Vec::new());
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    for _ in 0..bench.scale.runs.min(3) {
        let said: Resident = serde_json::from_str(&bench.child("memory", &data).await?.0)?;
        ready.push(megabytes(said.ready));
        used.push(megabytes(said.used));
        peak.push(megabytes(said.peak));
    }
    findings.judge("resident, after two seconds of pages", Spread(used), "MB", Bar::AtMost(250.0));
    findings.note("resident, when it is ready", Spread(ready), "MB");
    findings.note("resident, at its peak", Spread(peak), "MB");
    Ok(findings)
}
