//! The clinic's events, decoded: fields under their wire names, sealed ones sealed.

use super::names::Names;
use super::tales::tell;
use crate::http::AppState;
use crate::http::auth::{AUDIT, Principal};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads::{self, Read};
use crate::http::wire::{cursor, page_limit, parse_cursor};
use axum::extract::State;
use booking_domain::clinic::Clinic;
use booking_domain::ids::ClinicId;
use booking_domain::stream::StreamName;
use booking_events::{Actor, Metadata, describe};
use booking_store::{Position, Recorded};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(events)).routes(routes!(event))
}

/// Events of one read from the log.
pub(crate) const CHUNK: usize = 500;
/// How many events one answer looks at, whoever's they are.
pub(crate) const SCAN: usize = 10_000;

/// Which events.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsQuery {
    /// One stream, such as `agendaday-….20261124`; none: all of the clinic's, in the order of the log.
    pub(crate) stream: Option<String>,
    /// Only what this member, machine or visit did: the id of an `actor`.
    pub(crate) actor: Option<Uuid>,
    /// `next` of the page before.
    pub(crate) cursor: Option<String>,
    /// Length of the page, up to 500; none: 100.
    pub(crate) limit: Option<u32>,
}

/// Who did something: a kind and an opaque id.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditActor {
    /// `system`, `operator`, `staff`, `token`, `visit`, `link` or `unknown`.
    pub(crate) kind: &'static str,
    /// Opaque id.
    pub(crate) id: Option<Uuid>,
    /// Name of a member of staff; a machine's label.
    pub(crate) name: Option<String>,
}

impl From<Actor> for AuditActor {
    fn from(actor: Actor) -> Self {
        let (kind, id) = match actor {
            Actor::System => ("system", None),
            Actor::Operator => ("operator", None),
            Actor::Staff(id) => ("staff", Some(id.0)),
            Actor::Token(id) => ("token", Some(id.0)),
            Actor::Visit(id) => ("visit", Some(id.0)),
            Actor::Link(id) => ("link", Some(id.0)),
            Actor::Unknown(id) => ("unknown", Some(id)),
        };
        Self { kind, id, name: None }
    }
}

/// An event of the log.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditEvent {
    /// Its place in the whole log.
    pub(crate) position: u64,
    /// Its stream.
    pub(crate) stream: String,
    /// Its place in the stream.
    pub(crate) revision: u64,
    /// Its id.
    pub(crate) id: Uuid,
    /// Type and version.
    #[serde(rename = "type")]
    #[schema(example = "appointment-booked.v1")]
    pub(crate) kind: String,
    /// When it happened, RFC 3339.
    pub(crate) occurred_at: String,
    /// When the request arrived, RFC 3339.
    pub(crate) received_at: String,
    /// Who did it.
    pub(crate) actor: AuditActor,
    /// The command whose outcome it is.
    pub(crate) command: Uuid,
    /// The request, or the first cause of a chain.
    pub(crate) correlation: Uuid,
    /// The stored fields under their wire names; what is sealed stays sealed. None if they cannot be read.
    #[schema(value_type = Option<Object>)]
    pub(crate) fields: Option<serde_json::Value>,
    /// Why the fields cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unreadable: Option<String>,
    /// The same as a sentence in English; none of what is told by its fields alone.
    pub(crate) en: Option<String>,
    /// The same as a sentence in French.
    pub(crate) fr: Option<String>,
}

/// A page of events.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditEvents {
    /// Oldest first.
    pub(crate) events: Vec<AuditEvent>,
    /// Cursor of the next page; none: there was nothing more.
    pub(crate) next: Option<String>,
}

/// The clinic's events, of one stream or all.
#[utoipa::path(get, path = "/clinics/{clinic}/audit/events", tag = "audit", operation_id = "listEvents",
    security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), EventsQuery),
    responses((status = 200, body = AuditEvents), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn events(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<Uuid>,
    ApiQuery(query): ApiQuery<EventsQuery>,
) -> ApiResult<Read<AuditEvents>> {
    let clinic = ClinicId(clinic);
    principal.allow(clinic, AUDIT)?;
    let (rules, names) = (app.engine.rules(clinic).await?, Names::of(&app, clinic));
    let limit = page_limit(query.limit, 100, CHUNK)?;
    let after: Option<u64> = parse_cursor(query.cursor.as_deref())?;
    let (found, next) = if let Some(stream) = &query.stream {
        let (found, next) = of_stream(&app, clinic, stream, after, limit).await?;
        (found.into_iter().filter(|(_, metadata)| query.wants(metadata)).collect(), next)
    } else {
        let part = of_clinic(&app, clinic, after.map(Position), limit, |metadata| query.wants(metadata)).await?;
        (part.events, part.reached.filter(|_| !part.end).map(|p| p.0))
    };
    let mut events = Vec::with_capacity(found.len());
    for owned in &found {
        events.push(told(owned, &names, &rules.state).await?);
    }
    Ok(Read::new(AuditEvents { events, next: next.as_ref().map(cursor) }, true))
}

impl EventsQuery {
    fn wants(&self, metadata: &Metadata) -> bool {
        self.actor.is_none() || AuditActor::from(metadata.actor).id == self.actor
    }
}

/// One event, by its id.
#[utoipa::path(get, path = "/clinics/{clinic}/audit/events/{event}", tag = "audit", operation_id = "getEvent",
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic"),
        ("event" = Uuid, Path, description = "The event")),
    responses((status = 200, body = AuditEvent), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn event(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, id)): ApiPath<(Uuid, Uuid)>,
) -> ApiResult<Read<AuditEvent>> {
    let clinic = ClinicId(clinic);
    principal.allow(clinic, AUDIT)?;
    let found = by_id(&app, clinic, id).await?.ok_or_else(Problem::not_found)?;
    let rules = app.engine.rules(clinic).await?;
    Ok(Read::new(told(&found, &Names::of(&app, clinic), &rules.state).await?, true))
}

/// A clinic's event with its metadata, found by the place that the ledger knows of it.
pub(crate) async fn by_id(app: &AppState, clinic: ClinicId, id: Uuid) -> ApiResult<Option<Owned>> {
    let Some(leaf) = app.views.ledger.leaf_of_event(id).await.map_err(reads::unanswered)? else { return Ok(None) };
    // The embedded log numbers its events without gaps. In a log that does not, the event lies further on.
    let mut after = Some(leaf).filter(|leaf| *leaf > 0).map(Position);
    loop {
        let page = app.log().read_all(after, CHUNK).await?;
        if let Some(event) = page.events.into_iter().find(|event| event.id == id) {
            return Ok(owned(&event, clinic).map(|metadata| (event, metadata)));
        }
        if page.end || page.next == after {
            return Ok(None);
        }
        after = page.next;
    }
}

/// An event with its metadata.
pub(crate) type Owned = (Recorded, Metadata);

/// A page of one stream, with the revision to go on after. One that has no event of this clinic does not exist here.
async fn of_stream(
    app: &AppState,
    clinic: ClinicId,
    name: &str,
    after: Option<u64>,
    limit: usize,
) -> ApiResult<(Vec<Owned>, Option<u64>)> {
    let stream = StreamName::parse(name).map_err(|_| Problem::not_found())?;
    let first = app.log().read_stream(&stream, 0, 1).await?;
    if first.first().and_then(|event| owned(event, clinic)).is_none() {
        return Err(Problem::not_found());
    }
    let from = after.map_or(0, |revision| revision.saturating_add(1));
    let page = app.log().read_stream(&stream, from, limit).await?;
    let next = page.last().filter(|_| page.len() >= limit).map(|event| event.revision);
    let own = page.into_iter().filter_map(|event| owned(&event, clinic).map(|metadata| (event, metadata)));
    Ok((own.collect(), next))
}

/// A part of the log, as far as one clinic may see it.
pub(crate) struct Part {
    /// Its events, oldest first.
    pub events: Vec<Owned>,
    /// How far the log was looked through.
    pub reached: Option<Position>,
    /// There was nothing after that.
    pub end: bool,
}

/// A page of everything of one clinic: as many events as were asked for, or as one answer may look for.
pub(crate) async fn of_clinic(
    app: &AppState,
    clinic: ClinicId,
    after: Option<Position>,
    limit: usize,
    wanted: impl Fn(&Metadata) -> bool,
) -> ApiResult<Part> {
    let (mut events, mut reached, mut scanned) = (Vec::new(), after, 0);
    loop {
        let page = app.log().read_all(reached, CHUNK).await?;
        scanned += page.events.len();
        for event in page.events {
            reached = Some(event.position);
            if let Some(metadata) = owned(&event, clinic).filter(&wanted) {
                events.push((event, metadata));
            }
            if events.len() >= limit {
                return Ok(Part { events, reached, end: false });
            }
        }
        // A page may have looked further than the last event that it shows.
        reached = reached.max(page.next);
        if page.end || scanned >= SCAN {
            return Ok(Part { events, reached, end: page.end });
        }
    }
}

/// The metadata of an event of this clinic; an event whose owner cannot be read is nobody's.
pub(crate) fn owned(event: &Recorded, clinic: ClinicId) -> Option<Metadata> {
    Metadata::parse(event.metadata.as_bytes()).ok().filter(|metadata| metadata.clinic == clinic)
}

async fn told((event, metadata): &Owned, names: &Names<'_>, clinic: &Clinic) -> ApiResult<AuditEvent> {
    let zone = clinic.zone();
    let (en, fr) = tell(clinic, event, metadata.actor).map(|sentence| (sentence.en, sentence.fr)).unzip();
    let described = describe(&event.event_type, &event.payload).map_err(|e| e.to_string());
    let fields = described.and_then(|json| serde_json::from_str(&json).map_err(|_| "has no JSON view".to_owned()));
    let (fields, unreadable) = match fields {
        Ok(fields) => (Some(fields), None),
        Err(why) => (None, Some(why)),
    };
    Ok(AuditEvent {
        position: event.position.0,
        stream: event.stream.to_string(),
        revision: event.revision,
        id: event.id,
        kind: event.event_type.to_string(),
        occurred_at: metadata.occurred_at.rfc3339(zone),
        received_at: metadata.received_at.rfc3339(zone),
        actor: names.actor(metadata.actor).await?,
        command: metadata.command_id.0,
        correlation: metadata.correlation_id,
        fields,
        unreadable,
        en,
        fr,
    })
}
