//! Compares this node's clock with what its peers recorded: a node whose clock is off takes no commands and is not ready,
//! as soon as that is known, and takes them again by itself when it is right.
//!
//! Behind is found out by the log, whose last event did not happen in the future, also on one machine. Where nodes share
//! a vault on a server, that server's clock is everybody's measure, and ahead is found out as well.

use crate::app::App;
use booking_domain::time::Instant;
use std::sync::Arc;
use std::time::Duration;

/// How far off a clock may be, in microseconds.
const TOLERANCE: i64 = 60_000_000;
/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(5);

/// Looks from time to time, until the application stops.
pub(crate) fn start(app: &Arc<App>) {
    let app = Arc::clone(app);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = app.stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => look(&app).await,
            }
        }
    });
}

/// Looks once. Where nobody answers, what was known holds on.
pub async fn look(app: &App) {
    let Some(off) = off_by(app).await else { return };
    let is_off = off.abs() > TOLERANCE;
    if is_off != app.engine.is_clock_off() {
        if is_off {
            let seconds = off / 1_000_000;
            tracing::error!(seconds, "this machine's clock is off: no command is taken until it is right");
        } else {
            tracing::info!("this machine's clock is right again: commands are taken");
        }
        app.engine.clock_is_off(is_off);
    }
}

/// Microseconds by which this clock is ahead, or behind where negative, as far as that can be known.
async fn off_by(app: &App) -> Option<i64> {
    let behind = last_recorded(app).await?.since(app.engine.now()).max(0);
    let before = app.engine.now();
    let server = if app.compares_clock { app.engine.vault().server_clock().await.ok()? } else { None };
    let after = app.engine.now();
    // The answer was on its way for a while; only what that does not explain is off.
    let ahead = server.map_or(0, |server| before.since(server).max(0) - server.since(after).max(0));
    Some(if behind > TOLERANCE { -behind } else { ahead })
}

/// When the log's last event happened, by the clock of whoever wrote it.
async fn last_recorded(app: &App) -> Option<Instant> {
    let Some(last) = app.log().last().await.ok()? else { return Some(app.engine.now()) };
    Some(
        booking_events::Metadata::parse(last.metadata.as_bytes())
            .map_or_else(|_| app.engine.now(), |metadata| metadata.occurred_at),
    )
}
