//! What happens in the agendas, as it happens: server-sent events that say on which days something changed, and nothing
//! else. A page that hears one asks for its board again.

use super::frame::SignedIn;
use crate::http::AppState;
use crate::http::auth::CARE;
use crate::http::extract::ApiQuery;
use crate::http::follow::{follow, resumed};
use crate::http::problem::{ApiResult, Problem};
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::Event;
use axum::routing::get;
use booking_domain::ids::ClinicId;
use booking_domain::stream::StreamName;
use booking_domain::time::WallDate;
use booking_store::Recorded;
use booking_store::fold::metadata_of;
use futures::Stream;
use serde::Deserialize;
use std::convert::Infallible;
use std::time::Duration;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/staff/live", get(live))
}

/// After this long a stream ends; the page comes again by itself, and its session is looked at again.
const LONGEST: Duration = Duration::from_mins(5);

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
    let after = match resumed(&headers, asked.after.as_deref())? {
        None => app.log().head().await?,
        known => known,
    };
    let clinic = signed.principal.clinic;
    // Several changes at once are told as one.
    Ok(follow(app, signed.principal, after, LONGEST, move |page| {
        let last = page.iter().rev().find(|event| concerns(clinic, days, event));
        let told = |event: &Recorded| Event::default().event("changed").id(event.position.to_string()).data("{}");
        Some(last.map(told).into_iter().collect())
    }))
}

/// An event of this clinic's agendas on one of the days, or of its rules, which icons follow.
fn concerns(clinic: ClinicId, (from, to): (WallDate, WallDate), event: &Recorded) -> bool {
    let own = || metadata_of(event).is_ok_and(|metadata| metadata.clinic == clinic);
    match event.stream.category() {
        "agendaday" => date_of(&event.stream).is_some_and(|date| from <= date && date <= to) && own(),
        "clinic" => own(),
        _ => false,
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
