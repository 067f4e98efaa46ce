//! `verify`: is this the history that was signed, and were the rules of booking kept in it?

use super::{Data, Exit, answer};
use crate::verify::{History, Options, verify};
use anyhow::Context as _;
use booking_events::ledger::Verifier;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(super) struct VerifyArguments {
    #[command(flatten)]
    data: Data,
    /// Verify this export instead of a data directory.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// A checkpoint that somebody kept; may be given several times.
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// The key that verifies checkpoints, or a file that holds it, from the clinic itself; may be given several times.
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
}

/// A key, or the lines of a file of keys.
fn keys(given: &str) -> anyhow::Result<Vec<Verifier>> {
    if let Ok(key) = Verifier::parse(given) {
        return Ok(vec![key]);
    }
    let text = std::fs::read_to_string(given).with_context(|| format!("{given} is neither a key nor a file"))?;
    text.lines().map(|line| Verifier::parse(line).with_context(|| format!("{given} holds no key"))).collect()
}

pub(super) async fn run(arguments: VerifyArguments, json: bool) -> anyhow::Result<()> {
    let history = match arguments.export {
        Some(export) => History::Export(export),
        None => History::Data(arguments.data.with_log_file()?.to_owned()),
    };
    let mut options = Options::default();
    for given in &arguments.key {
        options.keys.extend(keys(given)?);
    }
    for path in &arguments.checkpoint {
        options.retained.push((path.display().to_string(), read(path)?));
    }
    let report = match verify(&history, &options).await {
        Ok(report) => report,
        // What cannot be read at all proves nothing either way.
        Err(error) => {
            super::say(&format!("error: {error:#}"));
            return Err(Exit(2).into());
        }
    };
    if json {
        answer(&serde_json::to_string(&report)?);
    } else {
        report.lines().iter().for_each(|line| answer(line));
    }
    match report.verdict.code() {
        0 => Ok(()),
        code => Err(Exit(code).into()),
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
