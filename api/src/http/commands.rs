//! From a request to a command's frame: id, actor, arrival, the keyed hash of its body.

use super::AppState;
use super::extract::CommandHeaders;
use super::problem::{ApiResult, Problem};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use booking_domain::ids::ClinicId;
use booking_engine::vault::{KeyUse, Remembered};
use booking_engine::{Actor, Context, Running, command_id};
use booking_store::Position;
use serde::Serialize;

/// A command that may start.
pub struct Begun {
    /// Its frame.
    pub ctx: Context,
    _running: Option<Running>,
}

/// Begins a command. With an `Idempotency-Key`, the same key and body is the same command; another body is refused,
/// and so is a second run while the first is at work.
pub async fn begin(
    app: &AppState,
    clinic: ClinicId,
    actor: Actor,
    route: &'static str,
    headers: &CommandHeaders,
    body: &[u8],
) -> ApiResult<Begun> {
    let received_at = app.engine.now();
    let traceparent = headers.traceparent.clone();
    let Some(key) = &headers.idempotency_key else {
        let command = app.engine.fresh_command();
        let ctx = Context { clinic, actor, command, received_at, body_hash: None, traceparent };
        return Ok(Begun { ctx, _running: None });
    };
    let command = command_id(clinic, &actor.to_string(), route, key);
    let keys = app.engine.vault().clinic_keys(clinic).await?;
    let if_match = headers.if_match.map_or([0; 9], |revision| {
        let mut tagged = [1; 9];
        tagged.iter_mut().skip(1).zip(revision.to_be_bytes()).for_each(|(to, from)| *to = from);
        tagged
    });
    let hash = keys.keyed_hash(KeyUse::Idempotency, &[headers.path.as_bytes(), &if_match, body]);
    let running = app.engine.start(command).ok_or_else(Problem::in_flight)?;
    if app.engine.vault().remember(command, hash, received_at).await? == Remembered::Different {
        return Err(Problem::key_reused());
    }
    let ctx = Context { clinic, actor, command, received_at, body_hash: Some(hash), traceparent };
    Ok(Begun { ctx, _running: Some(running) })
}

/// What a command answers: a body, the resource's revision as `ETag`, and the position that a later read may wait for.
#[derive(Debug)]
pub struct Done<T> {
    /// Status.
    pub status: StatusCode,
    /// Body.
    pub body: T,
    /// Revision of the resource.
    pub revision: Option<u64>,
    /// Position of the command's last event; none if there was nothing to do.
    pub position: Option<Position>,
}

impl<T> Done<T> {
    /// 200 with this body.
    pub const fn ok(body: T) -> Self {
        Self { status: StatusCode::OK, body, revision: None, position: None }
    }
    /// 201 with this body.
    pub const fn created(body: T) -> Self {
        Self { status: StatusCode::CREATED, body, revision: None, position: None }
    }
    /// Adds the resource's revision.
    #[must_use]
    pub const fn revision(mut self, revision: u64) -> Self {
        self.revision = Some(revision);
        self
    }
    /// Adds the position to read after.
    #[must_use]
    pub const fn position(mut self, position: Option<Position>) -> Self {
        self.position = position;
        self
    }
}

impl<T: Serialize> IntoResponse for Done<T> {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        let headers = response.headers_mut();
        if let Some(revision) = self.revision
            && let Ok(tag) = HeaderValue::from_str(&format!("\"{revision}\""))
        {
            headers.insert(header::ETAG, tag);
        }
        if let Some(position) = self.position
            && let Ok(value) = HeaderValue::from_str(&position.to_string())
        {
            headers.insert("booking-position", value);
        }
        response
    }
}
