//! The log as a resumable stream of ids, types and positions: pages and server-sent events. No personal data, and
//! nothing of other clinics.

use super::events::{of_clinic, owned};
use crate::http::AppState;
use crate::http::auth::{ANY_STAFF, Principal};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::follow::{follow, resumed};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads::{Read, position};
use crate::http::wire::page_limit;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::Event;
use booking_domain::ids::ClinicId;
use booking_domain::time::Tz;
use booking_events::Metadata;
use booking_store::Recorded;
use futures::Stream;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(page)).routes(routes!(stream))
}

/// After this long a stream ends; the client comes again with its `Last-Event-ID`, and its credentials are read again.
const LONGEST: Duration = Duration::from_mins(15);

/// From where.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeedQuery {
    /// Position to continue after; none: from the first event on.
    pub(crate) after: Option<String>,
    /// Length of the page, up to 1000; none: 200.
    pub(crate) limit: Option<u32>,
}

/// From where a stream goes on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamQuery {
    /// Position to continue after; `Last-Event-ID` wins; none: from the first event on.
    pub(crate) after: Option<String>,
}

/// Something that happened, without what.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeedEvent {
    /// Place in the log.
    pub(crate) position: u64,
    /// Category of its stream, such as `agendaday`.
    pub(crate) category: String,
    /// Type and version.
    #[serde(rename = "type")]
    #[schema(example = "appointment-booked.v1")]
    pub(crate) kind: String,
    /// Its id.
    pub(crate) id: Uuid,
    /// When it happened, RFC 3339.
    pub(crate) occurred_at: String,
}

/// A page of the feed.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeedPage {
    /// Oldest first; may be empty although there is more.
    pub(crate) events: Vec<FeedEvent>,
    /// Send it as `after` to go on, now or later; none: nothing has happened yet.
    pub(crate) next: Option<String>,
    /// There was nothing more when this was read.
    pub(crate) end: bool,
}

impl FeedEvent {
    fn new(event: &Recorded, metadata: &Metadata, zone: Tz) -> Self {
        Self {
            position: event.position.0,
            category: event.stream.category().to_owned(),
            kind: event.event_type.to_string(),
            id: event.id,
            occurred_at: metadata.occurred_at.rfc3339(zone),
        }
    }
}

/// What happened in the clinic, page by page.
#[utoipa::path(get, path = "/clinics/{clinic}/feed", tag = "feed", operation_id = "readFeed", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), FeedQuery),
    responses((status = 200, body = FeedPage), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn page(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<Uuid>,
    ApiQuery(query): ApiQuery<FeedQuery>,
) -> ApiResult<Read<FeedPage>> {
    let clinic = ClinicId(clinic);
    principal.allow(clinic, ANY_STAFF)?;
    let zone = app.engine.rules(clinic).await?.state.zone();
    let after = query.after.as_deref().map(|text| position("after", text)).transpose()?;
    let part = of_clinic(&app, clinic, after, page_limit(query.limit, 200, 1_000)?, |_| true).await?;
    let events = part.events.iter().map(|(event, metadata)| FeedEvent::new(event, metadata, zone)).collect();
    let next = part.reached.map(|position| position.to_string());
    Ok(Read::new(FeedPage { events, next, end: part.end }, true))
}

/// What happens in the clinic, as it happens: server-sent events whose id is the position. A client that comes again
/// with `Last-Event-ID` misses nothing. The stream ends by itself from time to time.
#[utoipa::path(get, path = "/clinics/{clinic}/feed/stream", tag = "feed", operation_id = "streamFeed",
    security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), StreamQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "Position of the last event that was seen")),
    responses((status = 200, body = FeedEvent, content_type = "text/event-stream"), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn stream(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<Uuid>,
    ApiQuery(query): ApiQuery<StreamQuery>,
    headers: HeaderMap,
) -> ApiResult<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let clinic = ClinicId(clinic);
    principal.allow(clinic, ANY_STAFF)?;
    let after = resumed(&headers, query.after.as_deref())?;
    let zone = app.engine.rules(clinic).await?.state.zone();
    Ok(follow(app, principal, after, LONGEST, move |page| {
        let own = page.iter().filter_map(|event| owned(event, clinic).map(|metadata| (event, metadata)));
        own.map(|(event, metadata)| {
            let told = FeedEvent::new(event, &metadata, zone);
            Event::default().id(event.position.to_string()).json_data(&told).ok()
        })
        .collect()
    }))
}
