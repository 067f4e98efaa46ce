//! `keys`: what there is, and replacing the root key and the clinics' keys. Where a server runs on the data directory it
//! is the server that does it, while it serves.

use super::{Data, answer};
use crate::app::{App, DataInUse};
use crate::operator::{Door, KeyCommand, KeyReport, keys};
use booking_domain::ids::ClinicId;
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum KeysCommand {
    /// Say which keys there are, and since when; no key is shown.
    Status {
        #[command(flatten)]
        data: Data,
    },
    /// Make the next root key beside the present one, to be copied to a safe place; nothing depends on it yet.
    PrepareRoot {
        #[command(flatten)]
        data: Data,
    },
    /// Take the next root key into use; afterwards the old one opens nothing.
    RotateRoot {
        #[command(flatten)]
        data: Data,
    },
    /// Give a clinic a new key, and wrap the keys of its people under it.
    RotateClinic {
        #[command(flatten)]
        data: Data,
        /// The clinic; none: every clinic.
        #[arg(long)]
        clinic: Option<ClinicId>,
    },
}

pub(super) async fn run(command: KeysCommand, json: bool) -> anyhow::Result<()> {
    let (data, command) = match command {
        KeysCommand::Status { data } => (data, KeyCommand::Status),
        KeysCommand::PrepareRoot { data } => (data, KeyCommand::PrepareRoot),
        KeysCommand::RotateRoot { data } => (data, KeyCommand::RotateRoot),
        KeysCommand::RotateClinic { data, clinic: None } => (data, KeyCommand::RotateClinics),
        KeysCommand::RotateClinic { data, clinic: Some(clinic) } => (data, KeyCommand::RotateClinic(clinic)),
    };
    let made = data.log.is_some() || data.data.join("events.db").exists();
    anyhow::ensure!(made, "there is no log in {}", data.data.display());
    let report = carried_out(&data, command).await?;
    if json {
        answer(&serde_json::to_string(&report)?);
    } else {
        for line in lines(command, &report) {
            answer(&line);
        }
    }
    Ok(())
}

async fn carried_out(data: &Data, command: KeyCommand) -> anyhow::Result<KeyReport> {
    match App::open(data.without_signing()).await {
        Ok(app) => {
            let report = keys(&app, command).await;
            app.close().await;
            report
        }
        Err(error) if error.downcast_ref::<DataInUse>().is_some() => Door::of(&data.data)?.ask(command).await,
        Err(error) => Err(error),
    }
}

fn lines(command: KeyCommand, report: &KeyReport) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(path) = &report.next_root_key {
        lines.push(format!("The next root key is {}.", path.display()));
        lines.push("Copy it to where you keep root.key, then: clinic-booking keys rotate-root".to_owned());
        return lines;
    }
    match command {
        KeyCommand::RotateRoot => lines.push(
            "The root key was replaced. Keep the old one as long as you keep copies of the vault from before."
                .to_owned(),
        ),
        KeyCommand::RotateClinic(_) | KeyCommand::RotateClinics => {
            lines.push(format!("{} keys of people were wrapped again.", report.rewrapped));
        }
        KeyCommand::Status | KeyCommand::PrepareRoot => {}
    }
    for key in &report.clinics {
        let rotating = if key.rotating { ", being replaced" } else { "" };
        lines.push(format!("clinic {}: version {} since {}{rotating}", key.clinic, key.version, key.since));
    }
    lines
}
