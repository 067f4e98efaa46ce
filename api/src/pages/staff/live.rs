//! What happens in the agendas, as it happens: server-sent events that say on which days something changed, and nothing
//! else. A page that hears one asks for its board again.

use super::frame::SignedIn;
use crate::http::AppState;
use crate::http::auth::CARE;
use crate::http::extract::ApiQuery;
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads::position;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use axum::routing::get;
use booking_domain::stream::StreamName;
use booking_domain::time::WallDate;
use booking_store::fold::metadata_of;
use booking_store::{Position, Recorded};
use futures::Stream;
use serde::Deserialize;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/staff/live", get(live))
}

/// How often the log is asked although it said nothing: its hints promise nothing.
const POLL: Duration = Duration::from_secs(5);
/// How often a silent stream shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// After this long a stream ends; the page comes again by itself, and its session is looked at again.
const LONGEST: Duration = Duration::from_mins(5);
/// Events of the log read at once.
const CHUNK: usize = 500;

/// The days that a page shows, and the position that it shows them at.
#[derive(Deserialize)]
struct Asked {
    after: Option<String>,
    from: String,
    to: String,
}

async fn live(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiQuery(asked): ApiQuery<Asked>,
    headers: HeaderMap,
) -> ApiResult<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    signed.principal.allow(signed.principal.clinic, CARE)?;
    let day = |name: &str, text: &str| WallDate::parse(text).ok_or_else(|| Problem::bad_parameter(name, "is no date"));
    let days = (day("from", &asked.from)?, day("to", &asked.to)?);
    let seen = headers.get("last-event-id").and_then(|v| v.to_str().ok()).filter(|v| !v.is_empty());
    let after = match seen.or(asked.after.as_deref().filter(|after| !after.is_empty())) {
        Some(after) => Some(position("after", after)?),
        None => app.log().head().await?,
    };
    let news = app.log().new_events();
    let end = tokio::time::Instant::now() + LONGEST;
    let follower = Follower { app, signed, days, after, news, waiting: VecDeque::new(), end };
    let events = futures::stream::unfold(follower, |mut follower| async move {
        follower.next().await.map(|event| (Ok(event), follower))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Follower {
    app: AppState,
    signed: SignedIn,
    days: (WallDate, WallDate),
    after: Option<Position>,
    news: watch::Receiver<u64>,
    waiting: VecDeque<Event>,
    end: tokio::time::Instant,
}

impl Follower {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.app.stop.is_cancelled() || tokio::time::Instant::now() >= self.end || !self.still_admitted().await {
                return None;
            }
            self.news.borrow_and_update();
            let end = self.read().await?;
            if self.waiting.is_empty() && end {
                tokio::select! {
                    () = self.app.stop.cancelled() => return None,
                    _ = tokio::time::timeout(POLL, self.news.changed()) => {}
                }
            }
        }
    }

    /// Reads on; true if there was nothing more. Several changes at once are told as one.
    async fn read(&mut self) -> Option<bool> {
        let page = self.app.log().read_all(self.after, CHUNK).await.ok()?;
        let last = page.events.iter().rev().find(|event| self.concerns(event));
        if let Some(event) = last {
            self.waiting.push_back(Event::default().event("changed").id(event.position.to_string()).data("{}"));
        }
        self.after = self.after.max(page.next).max(page.events.last().map(|event| event.position));
        Some(page.end)
    }

    /// An event of this clinic's agendas on one of the days, or of its rules, which icons follow.
    fn concerns(&self, event: &Recorded) -> bool {
        let own = || metadata_of(event).is_ok_and(|metadata| metadata.clinic == self.signed.principal.clinic);
        match event.stream.category() {
            "agendaday" => {
                date_of(&event.stream).is_some_and(|date| self.days.0 <= date && date <= self.days.1) && own()
            }
            "clinic" => own(),
            _ => false,
        }
    }

    async fn still_admitted(&self) -> bool {
        let member = self.app.engine.member(self.signed.principal.member).await;
        member.is_ok_and(|member| member.state.active_role() == Some(self.signed.principal.role))
    }
}

/// The date in the name of an agenda-day's stream.
fn date_of(stream: &StreamName) -> Option<WallDate> {
    let name = stream.to_string();
    WallDate::parse_compact(name.rsplit('.').next()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_domain::ids::AgendaId;

    #[test]
    fn a_stream_of_a_day_names_its_date() {
        let date = WallDate::parse("2026-11-24").unwrap();
        assert_eq!(date_of(&StreamName::agenda_day(AgendaId::from_bytes([1; 16]), date)), Some(date));
    }
}
