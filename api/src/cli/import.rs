//! `import`: a clinic from a folder of files.

use super::{Data, answer, progress, say, wait_for_check};
use crate::app::App;
use crate::import::{ImportError, ImportOptions, import};
use booking_domain::ids::ClinicId;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct ImportArguments {
    #[command(flatten)]
    data: Data,
    /// The folder with clinic.toml, patients.csv, schedules.csv and *.ics.
    folder: PathBuf,
    /// The clinic to import into; none: the one that clinic.toml names, made if it is new.
    #[arg(long)]
    clinic: Option<ClinicId>,
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(arguments: ImportArguments, json: bool) -> anyhow::Result<()> {
    let app = App::open(arguments.data.without_signing()).await?;
    wait_for_check(&app).await;
    let options = ImportOptions { dry_run: arguments.dry_run, clinic: arguments.clinic, ..ImportOptions::default() };
    let outcome = import(&app.engine, &arguments.folder, &options, &progress::Bars::default()).await;
    app.close().await;
    match outcome {
        Ok(report) => {
            if json {
                answer(&serde_json::to_string(&report)?);
            } else {
                answer(&serde_json::to_string_pretty(&report)?);
            }
            // Secrets, for the person at the terminal alone: they stand in no report and no log.
            for invitation in &report.invitations {
                let (email, token) = (invitation.email.expose(), invitation.token.reveal());
                say(&format!("one-time link for {email}, good for an hour: i_{}", token.as_str()));
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
