//! The command line: one file per command.
//!
//! Exit codes: 0 done, 1 failed, 2 the arguments are wrong, 3 the data directory is in use by another process. `verify`
//! and `check-proof` have their own: 0 in order, 1 altered, 2 inconclusive.
//! Answers go to standard output, progress and log lines to standard error; `--json` makes answers machine-readable.

mod backup;
mod channels;
mod check_proof;
mod clinic;
mod copy_log;
mod doctor;
mod erase;
mod explain;
mod export;
mod import;
mod keys;
mod move_vault;
mod progress;
mod quarantine;
mod rebuild;
mod replay;
pub mod serve;
mod verify;
mod viewer;

use crate::app::{App, AppOptions, DataInUse};
use crate::log_place::Cluster;
use crate::vault_place::VaultServer;
use clap::{CommandFactory, Parser, Subcommand};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Booking for clinics: a portal for patients, an agenda for staff, a history for auditors.
#[derive(Parser)]
#[command(name = "clinic-booking", version, about)]
struct Arguments {
    /// Answers as JSON.
    #[arg(long, global = true)]
    json: bool,
    /// Log lines as JSON.
    #[arg(long, global = true)]
    log_json: bool,
    #[command(subcommand)]
    command: Command,
}

/// Where data lies.
#[derive(clap::Args, Clone)]
#[expect(clippy::struct_field_names, reason = "fields are named as the options are")]
struct Data {
    /// The data directory.
    #[arg(long, default_value = "./data", env = "CLINIC_BOOKING_DATA")]
    data: PathBuf,
    /// The log, if it is not in the data directory: a KurrentDB cluster, esdb://… (docs/operations.md). An address with a
    /// password is better given by the environment, which other users of the machine do not see.
    #[arg(long, value_name = "ADDRESS", env = "CLINIC_BOOKING_LOG", hide_env_values = true)]
    log: Option<String>,
    /// The vault, if it is not in the data directory: a database on a PostgreSQL server, postgres://…
    /// (docs/operations.md). An address with a password is better given by the environment.
    #[arg(long, value_name = "ADDRESS", env = "CLINIC_BOOKING_VAULT", hide_env_values = true)]
    vault: Option<String>,
}

impl Data {
    /// How a server opens it.
    fn options(&self) -> AppOptions {
        self.placed(AppOptions::new(&self.data))
    }

    /// How a short command opens it.
    fn without_signing(&self) -> AppOptions {
        self.placed(AppOptions::without_signing(&self.data))
    }

    fn placed(&self, options: AppOptions) -> AppOptions {
        let (cluster, vault) = (self.log.clone().map(Cluster::at), self.vault.clone().map(VaultServer::at));
        AppOptions { cluster, vault, ..options }
    }

    /// The data directory, for a command that reads the log's file beside a running server.
    fn with_log_file(&self) -> anyhow::Result<&Path> {
        anyhow::ensure!(self.log.is_none(), "this command reads a log in a file; the one at --log is on a cluster");
        Ok(&self.data)
    }
}

/// How to listen.
#[derive(clap::Args, Clone)]
struct Listening {
    /// Address of the portal, the API and the staff pages.
    #[arg(long, default_value = "127.0.0.1:8080", env = "CLINIC_BOOKING_LISTEN")]
    listen: SocketAddr,
    /// Address of /livez, /readyz and /metrics; keep it private.
    #[arg(long, default_value = "127.0.0.1:8081", env = "CLINIC_BOOKING_OPS_LISTEN")]
    ops_listen: SocketAddr,
    /// A proxy whose X-Forwarded-For is believed; may be given several times.
    #[arg(long)]
    trusted_proxy: Vec<IpAddr>,
    /// Seconds that a server which was told to stop goes on answering, not ready, so that whoever sends it requests finds
    /// out.
    #[arg(long, value_name = "SECONDS", default_value_t = 3, env = "CLINIC_BOOKING_DRAIN_SECONDS")]
    drain_seconds: u64,
    /// The key that signs the ledger's checkpoints; made at the first start. None: ledger.key in the data directory.
    #[arg(long, value_name = "FILE", env = "CLINIC_BOOKING_LEDGER_KEY")]
    ledger_key: Option<PathBuf>,
    /// Seconds between two checkpoints, if there were events.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    checkpoint_every: u64,
    /// Append each checkpoint to this file too: on another disk, or where only appending is allowed.
    #[arg(long, value_name = "PATH")]
    anchor_file: Option<PathBuf>,
    /// Hand each checkpoint to this command on its standard input.
    #[arg(long, value_name = "COMMAND")]
    anchor_command: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the clinics of a data directory.
    Serve {
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        listening: Listening,
        #[command(flatten)]
        channels: Box<channels::Channels>,
    },
    /// Serve a demo clinic with known passwords and made-up patients.
    Demo {
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        listening: Listening,
        /// Allow an address that others can reach, although the passwords are known.
        #[arg(long)]
        public_demo: bool,
        /// Where others reach this server: links in messages begin with it; none: the address that it listens on.
        #[arg(long, env = "CLINIC_BOOKING_PUBLIC_URL")]
        public_url: Option<String>,
    },
    /// Set up clinics.
    Clinic {
        #[command(subcommand)]
        command: clinic::ClinicCommand,
    },
    /// Import a clinic from a folder of files (docs/import.md).
    Import(import::ImportArguments),
    /// Agendas, or the portal as somebody saw it, as they were at a position of the log or at a moment.
    Replay(replay::ReplayArguments),
    /// Why an availability is, or is not, shown to somebody at a moment.
    Explain(explain::ExplainArguments),
    /// Make read models again from the log.
    Rebuild(rebuild::RebuildArguments),
    /// Have a read model leave out the event at which it stopped; works while a server runs.
    Quarantine(quarantine::QuarantineArguments),
    /// Copy log and vault into two folders, also while a server runs (docs/operations.md).
    Backup(backup::BackupArguments),
    /// Make a data directory from a backup, as it was at a position.
    Restore(backup::RestoreArguments),
    /// Copy the log into another store, file or cluster, and have a data directory go over to it.
    CopyLog(copy_log::CopyLogArguments),
    /// Move the vault's file onto the PostgreSQL server at --vault; no server may run on the data directory.
    MoveVault {
        #[command(flatten)]
        data: Data,
    },
    /// Look for what is wrong, with a remedy for each finding.
    Doctor {
        #[command(flatten)]
        data: Data,
    },
    /// Look after the keys that protect personal data; works while a server runs (docs/operations.md).
    Keys {
        #[command(subcommand)]
        command: keys::KeysCommand,
    },
    /// Write the log as NDJSON; what is sealed stays sealed.
    Export(export::ExportArguments),
    /// Is this the history that was signed, and were the rules of booking kept in it? (docs/verify.md)
    Verify(verify::VerifyArguments),
    /// Is this event part of the signed history? From a proof alone, without the server.
    CheckProof(check_proof::CheckProofArguments),
    /// Forget somebody: asked, decided, carried out; legal holds.
    Erase {
        #[command(subcommand)]
        command: erase::EraseCommand,
    },
    /// Print the OpenAPI document.
    Openapi,
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Reads the arguments and runs the command.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A server tells what it does; a short command only what is wrong.
    let serves = matches!(arguments.command, Command::Serve { .. } | Command::Demo { .. });
    log_to_stderr(arguments.log_json, if serves { "info,sqlx=warn" } else { "warn" });
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Ends the program with this code; what there was to say is said.
#[derive(Debug, thiserror::Error)]
#[error("exit code {0}")]
struct Exit(u8);

fn failed(error: &anyhow::Error) -> ExitCode {
    if let Some(Exit(code)) = error.downcast_ref::<Exit>() {
        return ExitCode::from(*code);
    }
    say(&format!("error: {error:#}"));
    if error.downcast_ref::<DataInUse>().is_some() { ExitCode::from(3) } else { ExitCode::FAILURE }
}

/// A line for the person at the terminal, on standard error.
fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// An answer, on standard output. A closed pipe ends the answer, not the program.
fn answer(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn log_to_stderr(json: bool, usual: &str) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json { builder.json().init() } else { builder.init() }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let json = arguments.json;
    match arguments.command {
        Command::Serve { data, listening, channels } => serve::serve(&data, &listening, &channels).await,
        Command::Demo { data, listening, public_demo, public_url } => {
            serve::demo(&data, &listening, public_demo, public_url).await
        }
        Command::Clinic { command } => clinic::run(command, json).await,
        Command::Import(arguments) => import::run(arguments, json).await,
        Command::Replay(arguments) => replay::run(arguments).await,
        Command::Explain(arguments) => explain::run(arguments, json).await,
        Command::Rebuild(arguments) => rebuild::run(arguments, json).await,
        Command::Quarantine(arguments) => quarantine::run(arguments, json).await,
        Command::Backup(arguments) => backup::backup(arguments, json).await,
        Command::Restore(arguments) => backup::restore(arguments, json).await,
        Command::CopyLog(arguments) => copy_log::run(arguments, json).await,
        Command::MoveVault { data } => move_vault::run(&data, json).await,
        Command::Doctor { data } => doctor::run(&data, json).await,
        Command::Keys { command } => keys::run(command, json).await,
        Command::Export(arguments) => export::run(arguments).await,
        Command::Verify(arguments) => verify::run(arguments, json).await,
        Command::CheckProof(arguments) => check_proof::run(&arguments, json),
        Command::Erase { command } => erase::run(command, json).await,
        Command::Openapi => {
            answer(&crate::http::openapi().to_pretty_json()?);
            Ok(())
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "clinic-booking", &mut std::io::stdout());
            Ok(())
        }
    }
}

/// Opens an existing data directory for a command that needs it to itself.
async fn open(data: &Data) -> anyhow::Result<Arc<App>> {
    let is_there = data.log.is_some() || data.data.join("events.db").exists();
    anyhow::ensure!(is_there, "there is no log in {}", data.data.display());
    let app = App::open(data.without_signing()).await?;
    anyhow::ensure!(app.settle_within(std::time::Duration::from_mins(10)).await, "the read models did not catch up");
    wait_for_check(&app).await;
    Ok(app)
}

/// Waits until the history was checked, for as long as read models may take that are made again: until then no command is taken.
/// Whoever gives one after that is told what is wrong.
async fn wait_for_check(app: &App) {
    app.ledger.checked_within(std::time::Duration::from_mins(10)).await;
}
