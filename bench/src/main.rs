//! `bench`: measures how fast the engine is, on this machine, beside baselines of the same run.
//!
//! `bench run` makes the report in docs/performance, `bench quick` looks at everything for two minutes. Close
//! everything else first: what other processes take of the machine is measured, too, and above a tenth nothing is
//! judged.

use anyhow::Context as _;
use booking_bench::instructions::{self, Path as Hot};
use booking_bench::measures::{ALL, Bench, Child, Scale};
use booking_bench::plot::svg;
use booking_bench::report::Report;
use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};

#[derive(Parser)]
#[command(version, about = "Measures how fast the engine is, beside baselines of the same run")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Measures and writes the report.
    Run(Which),
    /// The same in two minutes, with little data; the report goes to target/bench/quick.
    Quick(Which),
    /// Counts the instructions of the hot paths with callgrind, and compares them with the reviewed counts.
    Instructions {
        /// Write the counts down instead of comparing.
        #[arg(long)]
        bless: bool,
        /// Where the reviewed counts are.
        #[arg(long, default_value = "docs/performance/instructions.txt")]
        file: PathBuf,
    },
    /// A process that a measure starts.
    #[command(hide = true)]
    Child { what: Child, data: PathBuf },
    /// Runs a hot path so many times, for callgrind.
    #[command(hide = true)]
    Hot { path: Hot, times: usize },
}

#[derive(clap::Args)]
struct Which {
    /// The measures; none: all.
    measure: Vec<String>,
    /// Where the measured files go: on the disk that the log would be on. Long histories stay there for the next time.
    #[arg(long, default_value = "target/bench")]
    data: PathBuf,
    /// Where the report goes.
    #[arg(long)]
    out: Option<PathBuf>,
    /// The peers' program; see docs/performance/README.md for how to build it.
    #[arg(long, default_value = "bench/peers/target/release/booking-peers")]
    peers: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match Arguments::parse().what {
        What::Run(which) => runtime.block_on(measure(which, Scale::full(), Path::new("docs/performance"))),
        What::Quick(which) => runtime.block_on(measure(which, Scale::quick(), Path::new("target/bench/quick"))),
        What::Instructions { bless, file } => instructions::compare(&file, bless),
        What::Child { what, data } => runtime.block_on(what.run(&data)),
        What::Hot { path, times } => instructions::run(path, times),
    }
}

/// The commit, and whether anything differs from it.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let run = std::process::Command::new("git").args(arguments).output().ok()?;
        run.status.success().then(|| String::from_utf8_lossy(&run.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".to_owned() };
    let clean = git(&["status", "--porcelain", "--", ".", ":!docs/performance"]).is_some_and(|text| text.is_empty());
    if clean { commit } else { format!("{commit} with local changes") }
}

async fn measure(which: Which, scale: Scale, usual: &Path) -> anyhow::Result<()> {
    let out = which.out.unwrap_or_else(|| usual.to_owned());
    std::fs::create_dir_all(&out)?;
    std::fs::create_dir_all(&which.data)?;
    let file = out.join("results.json");
    let mut report: Report = match std::fs::read(&file) {
        Ok(json) => serde_json::from_slice(&json).with_context(|| format!("{} is not a report", file.display()))?,
        Err(_) => Report::default(),
    };
    let (program, commit) = (std::env::current_exe()?, commit());
    let bench = Bench { scale, folder: which.data, peers: which.peers, program, commit };
    let names: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
    let wanted: Vec<&str> =
        if which.measure.is_empty() { names.clone() } else { which.measure.iter().map(String::as_str).collect() };
    for name in wanted {
        let measured = bench.run(name).await?;
        println!("{}", measured.text(name));
        for plot in &measured.plots {
            std::fs::write(out.join(format!("{}.svg", plot.file)), svg(plot))?;
        }
        report.0.insert(name.to_owned(), measured);
        std::fs::write(&file, serde_json::to_string_pretty(&report)? + "\n")?;
        std::fs::write(out.join("results.txt"), report.text(&names))?;
    }
    Ok(())
}
