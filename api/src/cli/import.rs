//! `import`: a clinic from a folder of files.

use super::{Data, answer, progress, say};
use crate::app::{App, AppOptions};
use crate::import::{ImportError, ImportOptions, import};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct ImportArguments {
    #[command(flatten)]
    data: Data,
    /// The folder with clinic.toml, patients.csv, schedules.csv and *.ics.
    folder: PathBuf,
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(arguments: ImportArguments, json: bool) -> anyhow::Result<()> {
    let app = App::open(AppOptions::new(arguments.data.data)).await?;
    let options = ImportOptions { dry_run: arguments.dry_run, ..ImportOptions::default() };
    let outcome = import(&app.engine, &arguments.folder, &options, &progress::Bars::default()).await;
    app.close().await;
    match outcome {
        Ok(report) => {
            if json {
                answer(&serde_json::to_string(&report)?);
            } else {
                answer(&serde_json::to_string_pretty(&report)?);
            }
            Ok(())
        }
        Err(ImportError::Problems(problems)) => {
            for problem in &problems {
                if json { answer(&serde_json::to_string(problem)?) } else { say(&problem.to_string()) }
            }
            anyhow::bail!("{} problems; nothing was imported", problems.len())
        }
        Err(error) => Err(error.into()),
    }
}
