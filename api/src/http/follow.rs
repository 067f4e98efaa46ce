//! Following the log as somebody, as server-sent events: the feed and the live pages differ only in what they tell.
//!
//! Every event has its position as its id, so that a client that comes again with `Last-Event-ID` misses nothing.

use super::AppState;
use super::auth::Principal;
use super::problem::ApiResult;
use super::reads::position;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use booking_store::{Position, Recorded};
use futures::Stream;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;

/// How often the log is asked although it said nothing: its hints promise nothing.
const POLL: Duration = Duration::from_secs(5);
/// How often a silent stream shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Events of the log read at once.
const CHUNK: usize = 500;

/// Where a client goes on: after what it saw last, else after what it asked for.
pub(crate) fn resumed(headers: &HeaderMap, after: Option<&str>) -> ApiResult<Option<Position>> {
    let seen = headers.get("last-event-id").map(|v| v.to_str().unwrap_or_default()).filter(|v| !v.is_empty());
    match (seen, after.filter(|after| !after.is_empty())) {
        (Some(id), _) => position("Last-Event-ID", id).map(Some),
        (None, Some(after)) => position("after", after).map(Some),
        (None, None) => Ok(None),
    }
}

/// A stream of what `tell` makes of the log after a position, page by page. It ends after a while: the client comes
/// again, and its credentials are read again. None from `tell` ends it too.
pub(crate) fn follow(
    app: AppState,
    principal: Principal,
    after: Option<Position>,
    longest: Duration,
    tell: impl FnMut(&[Recorded]) -> Option<Vec<Event>> + Send + Sync + 'static,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let news = app.log().new_events();
    let end = tokio::time::Instant::now() + longest;
    let follower = Follower { app, principal, after, news, waiting: VecDeque::new(), end, tell };
    let events = futures::stream::unfold(follower, |mut follower| async move {
        follower.next().await.map(|event| (Ok(event), follower))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// Somebody who follows the log.
struct Follower<F> {
    app: AppState,
    principal: Principal,
    after: Option<Position>,
    news: watch::Receiver<u64>,
    waiting: VecDeque<Event>,
    end: tokio::time::Instant,
    tell: F,
}

impl<F: FnMut(&[Recorded]) -> Option<Vec<Event>>> Follower<F> {
    /// The next event; none ends the stream. A log that does not answer ends it too: the client comes again.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.app.draining.is_cancelled()
                || tokio::time::Instant::now() >= self.end
                || !self.still_admitted().await
            {
                return None;
            }
            self.news.borrow_and_update();
            let end = self.read().await?;
            if self.waiting.is_empty() && end {
                tokio::select! {
                    () = self.app.draining.cancelled() => return None,
                    _ = tokio::time::timeout(POLL, self.news.changed()) => {}
                }
            }
        }
    }

    /// Reads a page; true if there was nothing after it.
    async fn read(&mut self) -> Option<bool> {
        let page = self.app.log().read_all(self.after, CHUNK).await.ok()?;
        self.waiting.extend((self.tell)(&page.events)?);
        self.after = self.after.max(page.next).max(page.events.last().map(|event| event.position));
        // A long stretch that is nothing to this client: moves its resume point, and shows nothing.
        if self.waiting.is_empty() && page.events.len() >= CHUNK {
            self.waiting.extend(self.after.map(|after| Event::default().id(after.to_string())));
        }
        Some(page.end)
    }

    /// A member who was disabled or lost the role is sent away at once, not when they come again.
    async fn still_admitted(&self) -> bool {
        let member = self.app.engine.member(self.principal.member).await;
        member.is_ok_and(|member| member.state.active_role() == Some(self.principal.role))
    }
}
