//! SMS by the operator's own means: a command that reads JSON, or an HTTP gateway that takes it.
//!
//! Both get `{"id", "to", "text", "sender"}`; `id` is the same for every attempt, so that a gateway that knows it
//! can leave a repetition out.

use super::channel::{Channel, Delivery, Outgoing};
use anyhow::Context as _;
use async_trait::async_trait;
use booking_domain::phi::Phi;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// How long a command or a gateway may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The exit code by which a command says that this number takes no messages (`EX_DATAERR`).
const BAD_NUMBER: i32 = 65;

fn body(message: &Outgoing) -> serde_json::Value {
    serde_json::json!({
        "id": hex::encode(message.id),
        "to": message.to.expose(),
        "text": message.text.expose(),
        "sender": message.sender,
    })
}

/// A command of the operator's: the message as JSON on its standard input. Exit code 0: taken; 65: this number takes
/// none; anything else: try again.
pub struct SmsCommand {
    command: String,
}

impl SmsCommand {
    /// The command, run by `sh -c` once for each message.
    pub const fn new(command: String) -> Self {
        Self { command }
    }

    async fn run(&self, message: &Outgoing) -> std::io::Result<std::process::ExitStatus> {
        let mut child = tokio::process::Command::new("sh")
            .args(["-c", &self.command])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that does not read has its reasons; its exit code says what became of the message.
            let _ = stdin.write_all(format!("{}\n", body(message)).as_bytes()).await;
        }
        child.wait().await
    }
}

#[async_trait]
impl Channel for SmsCommand {
    async fn send(&self, message: &Outgoing) -> Delivery {
        match tokio::time::timeout(PATIENCE, self.run(message)).await {
            Ok(Ok(status)) if status.success() => Delivery::Taken,
            Ok(Ok(status)) if status.code() == Some(BAD_NUMBER) => Delivery::Refused("refused"),
            Ok(Ok(status)) => Delivery::Later(format!("the SMS command ended with {status}")),
            Ok(Err(error)) => Delivery::Later(format!("the SMS command cannot be run: {error}")),
            Err(_) => Delivery::Later("the SMS command takes too long".to_owned()),
        }
    }
}

/// A gateway: the message is posted as JSON. 2xx: taken; 400, 404, 410 and 422: this number takes none; anything else:
/// try again.
pub struct SmsGateway {
    client: reqwest::Client,
    url: reqwest::Url,
    token: Option<Phi<String>>,
}

impl SmsGateway {
    /// Posts to this address, with this bearer token.
    pub fn new(url: &str, token: Option<Phi<String>>) -> anyhow::Result<Self> {
        let url: reqwest::Url = url.parse().context("--sms-url is not an address")?;
        anyhow::ensure!(matches!(url.scheme(), "http" | "https"), "--sms-url is an http:// or https:// address");
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("the SMS gateway's client")?;
        Ok(Self { client, url, token })
    }
}

#[async_trait]
impl Channel for SmsGateway {
    async fn send(&self, message: &Outgoing) -> Delivery {
        let mut request = self.client.post(self.url.clone()).json(&body(message));
        request = request.header("idempotency-key", hex::encode(message.id));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        match request.send().await.map(|answer| answer.status().as_u16()) {
            Ok(200..=299) => Delivery::Taken,
            Ok(400 | 404 | 410 | 422) => Delivery::Refused("refused"),
            Ok(status) => Delivery::Later(format!("the SMS gateway answers {status}")),
            Err(error) if error.is_timeout() => Delivery::Later("the SMS gateway takes too long".to_owned()),
            Err(_) => Delivery::Later("the SMS gateway cannot be reached".to_owned()),
        }
    }
}
