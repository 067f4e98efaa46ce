//! `serve`: opens a data directory and answers until it is told to stop.

use super::channels::Channels;
use super::{Data, Listening};
use crate::app::{App, AppOptions};
use crate::http;
use crate::ledger::{Anchors, Standing};
use crate::messages::MessageOptions;
use crate::operator::Door;
use anyhow::Context as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Where to listen.
#[derive(Clone, Copy, Debug)]
pub struct Listen {
    /// The public listener.
    pub public: SocketAddr,
    /// The operations listener.
    pub ops: Option<SocketAddr>,
}

/// How long a server waits until it can answer before it listens. Where read models are made again it takes longer, and the
/// server says meanwhile that it is starting.
const START: Duration = Duration::from_secs(5);

/// A server that listens.
pub struct Serving {
    /// The public listener's address, with the port that it got.
    pub address: SocketAddr,
    /// The application.
    pub app: Arc<App>,
    done: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Serving {
    /// Opens the data directory and starts to listen.
    pub async fn start(options: AppOptions, listen: Listen) -> anyhow::Result<Self> {
        let app = App::open(options).await?;
        Self::start_with(app, listen).await
    }

    /// Starts to listen for an application that is open already.
    pub async fn start_with(app: Arc<App>, listen: Listen) -> anyhow::Result<Self> {
        // Whoever waits in a socket that was passed on is answered, and not told to come again.
        let begun = tokio::time::Instant::now();
        while !(app.erasures.applied() && app.joined.yet()) && begun.elapsed() < START {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        app.ledger.checked_within(START.saturating_sub(begun.elapsed())).await;
        let public = http::listening::listener(listen.public)
            .await
            .with_context(|| format!("cannot listen on {}", listen.public))?;
        let address = public.local_addr()?;
        if let Some(ops) = listen.ops {
            let ops = tokio::net::TcpListener::bind(ops).await.with_context(|| format!("cannot listen on {ops}"))?;
            let ops_address = ops.local_addr()?;
            let door = Door::open(&app, ops_address)?;
            let router = http::ops::router(Arc::clone(&app)).merge(http::ops::behind(door, Arc::clone(&app)));
            let stop = app.stop.clone();
            tokio::spawn(async move { axum::serve(ops, router).with_graceful_shutdown(stop.cancelled_owned()).await });
        }
        let done = tokio::spawn(http::listening::serve(public, Arc::clone(&app)));
        Ok(Self { address, app, done })
    }

    /// Waits for a signal to stop, or for the listener to fail.
    pub async fn until_stopped(self) -> anyhow::Result<()> {
        let mut done = self.done;
        tokio::select! {
            ended = &mut done => { ended??; }
            () = stop_signal() => {
                tracing::info!("stopping: not ready any more; work in hand is finished first");
                self.app.draining.cancel();
                // A second signal does not wait for whoever sends requests to find out.
                tokio::select! {
                    () = tokio::time::sleep(self.app.drain) => {}
                    () = stop_signal() => {}
                }
                self.app.stop.cancel();
                done.await??;
            }
        }
        self.app.close().await;
        Ok(())
    }

    /// Stops and waits until everything is closed.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.app.draining.cancel();
        self.app.stop.cancel();
        self.done.await??;
        self.app.close().await;
        Ok(())
    }
}

/// `serve`.
pub(super) async fn serve(data: &Data, listening: &Listening, channels: &Channels) -> anyhow::Result<()> {
    let (options, listen) = parts(data, listening);
    let options = AppOptions { messages: channels.options()?, ..options };
    if !options.messages.any() {
        tracing::warn!("no channel for messages: nobody is told of their appointment, no codes can be sent");
    }
    let serving = Serving::start(options, listen).await?;
    announce(&serving);
    serving.until_stopped().await
}

/// `demo`: makes the demo clinic through the same commands as any client's, then serves it.
pub(super) async fn demo(
    data: &Data,
    listening: &Listening,
    public: bool,
    public_url: Option<String>,
) -> anyhow::Result<()> {
    anyhow::ensure!(
        public || listening.listen.ip().is_loopback(),
        "the demo's passwords are known to everybody: listen on a loopback address, or say --public-demo"
    );
    let (options, listen) = parts(data, listening);
    let public_url = public_url.unwrap_or_else(|| format!("http://{}", listening.listen));
    let messages = MessageOptions { shown: true, public_url, ..MessageOptions::default() };
    let app = App::open(AppOptions { messages, ..options }).await?;
    let clinic = crate::demo::demo(&app.engine, app.engine.now(), &super::progress::Bars::default()).await?;
    anyhow::ensure!(app.settle_within(std::time::Duration::from_mins(2)).await, "the read models did not catch up");
    let serving = Serving::start_with(app, listen).await?;
    announce(&serving);
    super::say(&format!("Demo clinic {} at /p/{} (API: /api/v1/portal/{})", clinic.clinic, clinic.slug, clinic.slug));
    super::say("Messages are not sent but shown: /demo/messages");
    super::say(&format!(
        "A second clinic, which asks for one-time codes, at /p/{} (administrator: {}, the same password)",
        crate::demo::SECOND_SLUG,
        crate::demo::SECOND_ADMINISTRATOR,
    ));
    for account in &clinic.staff {
        super::say(&format!("  {:14} {}  {}", account.role.name(), account.email, account.password));
    }
    serving.until_stopped().await
}

fn parts(data: &Data, listening: &Listening) -> (AppOptions, Listen) {
    let mut options = AppOptions { trusted_proxies: listening.trusted_proxy.clone(), ..data.options() };
    options.drain = Duration::from_secs(listening.drain_seconds);
    options.ledger.key = listening.ledger_key.clone().or(options.ledger.key);
    options.ledger.every = Duration::from_secs(listening.checkpoint_every);
    options.ledger.anchors = Anchors::new(listening.anchor_file.clone(), listening.anchor_command.clone());
    (options, Listen { public: listening.listen, ops: Some(listening.ops_listen) })
}

fn announce(serving: &Serving) {
    if serving.app.root_key_made {
        super::say(&key_warning(&serving.app.data));
    }
    if serving.app.ledger.key_made
        && let Some(key) = serving.app.ledger.verifier()
    {
        super::say(&format!(
            "A key that signs the ledger's checkpoints was made. Back it up apart from the data, and give this line, which \
             verifies them, to whoever shall be able to check the history:\n  {key}"
        ));
    }
    if let Standing::Broken(why) = serving.app.ledger.standing() {
        super::say(&format!("NOT READY: {why}. No command is taken; reads go on. See docs/verify.md."));
    }
    let address = serving.address;
    super::say(&format!("Listening on http://{address} (API: /api/v1, documentation: /api/docs)"));
}

/// What must be said when a root key was made.
pub(super) fn key_warning(data: &Path) -> String {
    let key = data.join("root.key");
    format!(
        "A root key was made: {}. Back it up apart from the data: without it the log cannot be read.",
        key.display()
    )
}

async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
