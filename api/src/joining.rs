//! A server that starts is not ready before its read models have seen what the log held then: one that joins with an empty
//! disk would show empty agendas, and nothing to book.

use crate::app::App;
use booking_store::Position;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long the log and the views are waited for before it is looked whether the application stops.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two questions to a log that does not answer.
const PAUSE: Duration = Duration::from_millis(100);

/// Whether the read models have seen what the log held at the start.
#[derive(Debug, Default)]
pub(crate) struct Joined(AtomicBool);

impl Joined {
    /// Since then, they may lag again: whoever asks for a position is told.
    pub(crate) fn yet(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Watches until it is so, or the application stops.
pub(crate) fn start(app: &Arc<App>) {
    let app = Arc::clone(app);
    tokio::spawn(async move {
        tokio::select! {
            () = app.stop.cancelled() => {}
            () = seen(&app) => app.joined.0.store(true, Ordering::Release),
        }
    });
}

async fn seen(app: &App) {
    let Some(head) = head(app).await else { return };
    while !app.views.wait_for_all(head, PATIENCE).await {}
}

/// Where the log ends now; none: it is empty.
async fn head(app: &App) -> Option<Position> {
    loop {
        match app.log().head().await {
            Ok(head) => return head,
            Err(error) => tracing::debug!(%error, "where the log ends is not known yet"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
