//! What an operator has a running server do: looking after keys, leaving out a bad event.
//!
//! A command of the command line that finds its data directory in use asks the server on it, through the operations
//! listener. It proves that it may by a token that the server lays into the data directory when it starts, readable by
//! its owner only: whoever can read that can read the keys as well.

use crate::app::App;
use anyhow::Context as _;
use booking_domain::ids::ClinicId;
use booking_domain::time::Tz;
use booking_projections::QuarantineError;
use booking_store::Position;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where a running server says how it is reached.
const FILE: &str = "operator.json";

/// A command on keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyCommand {
    /// Say what there is.
    Status,
    /// Make the next root key, so that it can be copied to a safe place.
    PrepareRoot,
    /// Take the next root key into use.
    RotateRoot,
    /// Give every clinic a new key.
    RotateClinics,
    /// Give one clinic a new key.
    RotateClinic(ClinicId),
}

/// An event that a read model leaves out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Quarantine {
    /// The read model that stopped.
    pub projection: String,
    /// The position at which it stopped.
    pub position: u64,
    /// Why the event is left out.
    pub why: String,
}

/// How long a read model is waited for that has not come to the bad event yet.
const STOPS_WITHIN: std::time::Duration = std::time::Duration::from_mins(1);

/// Has a read model leave out the event at which it stopped.
pub async fn quarantine(app: &App, what: &Quarantine) -> anyhow::Result<()> {
    let position = Position(what.position);
    let stopped = async {
        loop {
            match app.views.quarantine(&what.projection, position, &what.why).await {
                // After a start it has yet to come there.
                Err(QuarantineError::NotStoppedThere) => {
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
                outcome => return outcome,
            }
        }
    };
    match tokio::time::timeout(STOPS_WITHIN, stopped).await {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(QuarantineError::NotStoppedThere.into()),
    }
}

/// The keys after a command.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyReport {
    /// Keys that were wrapped again.
    pub rewrapped: usize,
    /// Where the next root key is, if it was made.
    pub next_root_key: Option<PathBuf>,
    /// The clinics' keys.
    pub clinics: Vec<ClinicKey>,
}

/// What may be known of a clinic's key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClinicKey {
    /// The clinic.
    pub clinic: ClinicId,
    /// The newest version.
    pub version: u16,
    /// Since when, RFC 3339.
    pub since: String,
    /// Some keys of people are still wrapped under an older version.
    pub rotating: bool,
}

/// Carries out a command on keys.
pub async fn keys(app: &App, command: KeyCommand) -> anyhow::Result<KeyReport> {
    let vault = app.engine.vault();
    let (mut rewrapped, mut next_root_key) = (0, None);
    match command {
        KeyCommand::Status => {}
        KeyCommand::PrepareRoot => next_root_key = Some(vault.prepare_root().await?),
        KeyCommand::RotateRoot => {
            rewrapped = vault.rotate_root().await?;
            tracing::info!(rewrapped, "the root key was replaced");
        }
        KeyCommand::RotateClinic(clinic) => rewrapped = rotate(app, clinic).await?,
        KeyCommand::RotateClinics => {
            for status in vault.key_status().await? {
                rewrapped += rotate(app, status.clinic).await?;
            }
        }
    }
    let status = vault.key_status().await?;
    let shown = |status: booking_engine::vault::KeyStatus| ClinicKey {
        clinic: status.clinic,
        version: status.version,
        since: status.since.rfc3339(Tz::UTC),
        rotating: status.rotating,
    };
    Ok(KeyReport { rewrapped, next_root_key, clinics: status.into_iter().map(shown).collect() })
}

async fn rotate(app: &App, clinic: ClinicId) -> anyhow::Result<usize> {
    let rewrapped = app.engine.vault().rotate_clinic(clinic, app.engine.now()).await?;
    tracing::info!(%clinic, rewrapped, "the clinic's key was replaced");
    Ok(rewrapped)
}

/// How a running server is reached by whoever may read its data directory.
#[derive(Serialize, Deserialize)]
pub struct Door {
    address: SocketAddr,
    token: String,
}

impl Door {
    /// Opens one for a server whose operations listener is at this address.
    pub fn open(app: &App, address: SocketAddr) -> anyhow::Result<Self> {
        let token = hex::encode(booking_engine::vault::draw::<32>(&**app.engine.entropy()));
        let door = Self { address, token };
        let (path, beside) = (app.data.join(FILE), app.data.join("operator.json.new"));
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(serde_json::to_string(&door)?.as_bytes())?;
        std::fs::rename(&beside, &path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(door)
    }

    /// Whether somebody who asks has read the token.
    pub fn knows(&self, token: &str) -> bool {
        subtle::ConstantTimeEq::ct_eq(self.token.as_bytes(), token.as_bytes()).into()
    }

    /// The door of the server that runs on this data directory.
    pub fn of(data: &Path) -> anyhow::Result<Self> {
        let path = data.join(FILE);
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("a server runs on {}, and {} does not say how to reach it", data.display(), path.display())
        })?;
        serde_json::from_str(&text).with_context(|| format!("{} cannot be read", path.display()))
    }

    /// Has the server carry out a command on keys. A rotation takes as long as it takes.
    pub async fn ask(&self, command: KeyCommand) -> anyhow::Result<KeyReport> {
        self.send("keys", &command).await
    }

    /// Has the server's read model leave out an event.
    pub async fn has_quarantined(&self, what: &Quarantine) -> anyhow::Result<Quarantine> {
        self.send("quarantine", what).await
    }

    /// What the server's /readyz says.
    pub async fn ready(&self) -> anyhow::Result<serde_json::Value> {
        let client = reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_secs(10)).build()?;
        let answer = client.get(format!("http://{}/readyz", self.address)).send().await;
        Ok(answer.context("the server that runs on the data directory does not answer")?.json().await?)
    }

    async fn send<T: serde::de::DeserializeOwned>(&self, path: &str, command: &impl Serialize) -> anyhow::Result<T> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let request = client.post(format!("http://{}/{path}", self.address)).bearer_auth(&self.token).json(command);
        let answer = request.send().await.context("the server that runs on the data directory does not answer")?;
        if answer.status().is_success() {
            return Ok(answer.json().await?);
        }
        let problem: serde_json::Value = answer.json().await.unwrap_or_default();
        let text = |name: &str| problem.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        anyhow::bail!("the server refused: {} {}", text("title"), text("detail"))
    }
}
