//! `export`: the log as NDJSON. What is sealed stays sealed.

use super::{Data, progress};
use booking_domain::ids::ClinicId;
use std::io::Write;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct ExportArguments {
    #[command(flatten)]
    data: Data,
    /// Only this clinic's events; the others are there as hashes of their leaves.
    #[arg(long)]
    clinic: Option<ClinicId>,
    /// The file to write; none: standard output.
    #[arg(long)]
    to: Option<PathBuf>,
}

pub(super) async fn run(arguments: ExportArguments) -> anyhow::Result<()> {
    let mut out: Box<dyn Write + Send> = match &arguments.to {
        Some(path) => Box::new(std::io::BufWriter::new(std::fs::File::create_new(path)?)),
        None => Box::new(std::io::BufWriter::new(std::io::stdout())),
    };
    let exported = progress::counter("events");
    crate::export::export(arguments.data.with_log_file()?, arguments.clinic, &mut *out, |events| exported.inc(events))
        .await?;
    exported.finish_and_clear();
    Ok(())
}
