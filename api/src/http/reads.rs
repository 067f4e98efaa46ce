//! What reads have in common: waiting for the caller's own writes, and finding by id. How personal data is shown
//! stands in `disclosure`.

use crate::http::AppState;
use crate::http::audit::replay::AsOf;
use crate::http::problem::{ApiResult, Problem};
use axum::Json;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use booking_domain::ids::{AppointmentId, ClinicId};
use booking_engine::Whereabouts;
use booking_projections::ViewError;
use booking_projections::appointments::AppointmentRow;
use booking_store::Position;
use serde::Serialize;
use std::time::Duration;
use uuid::Uuid;

/// How long a read waits for what its caller has written.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Waits until these views show the position of `?after=`; false if that took too long, so that the answer is stale.
pub async fn caught_up(app: &AppState, views: &[&str], after: Option<&str>) -> ApiResult<bool> {
    let Some(text) = after else { return Ok(true) };
    let position = position("after", text)?;
    let waits = views.iter().map(|view| app.views.wait_for(view, position, PATIENCE));
    Ok(futures::future::join_all(waits).await.into_iter().all(|reached| reached))
}

/// A position that this API gave.
pub fn position(name: &str, text: &str) -> ApiResult<Position> {
    text.parse().map_err(|_| Problem::bad_parameter(name, "is not a position that this API gave"))
}

/// What a view could not answer is ours to mend.
#[allow(clippy::needless_pass_by_value, reason = "stands where errors are mapped")]
pub fn unanswered(error: ViewError) -> Problem {
    Problem::internal(error)
}

/// The appointment of an id in this clinic. One that the view does not know yet is waited for.
pub async fn appointment(app: &AppState, clinic: ClinicId, id: AppointmentId) -> ApiResult<AppointmentRow> {
    let mut row = app.views.appointments.by_id(id).await.map_err(unanswered)?;
    if row.is_none()
        && let Some(head) = app.log().head().await?
    {
        app.views.wait_for("appointments", head, PATIENCE).await;
        row = app.views.appointments.by_id(id).await.map_err(unanswered)?;
    }
    row.filter(|row| row.clinic == clinic).ok_or_else(Problem::not_found)
}

/// Where commands find an appointment. One that is on its way between two days is followed from the day it left, which
/// also finishes its move.
pub fn whereabouts(row: &AppointmentRow) -> Whereabouts {
    let place = row.moved_from.last().copied().filter(|_| row.in_transit).unwrap_or(row.place());
    Whereabouts { appointment: row.id, agenda: place.0, date: place.1 }
}

/// What a read answers: a body, the resource's revision as `ETag`, and whether the views had caught up.
#[derive(Debug)]
pub struct Read<T> {
    pub(crate) body: T,
    pub(crate) revision: Option<u64>,
    pub(crate) fresh: bool,
}

impl<T> Read<T> {
    /// 200 with this body; `fresh` is what [`caught_up`] said.
    pub const fn new(body: T, fresh: bool) -> Self {
        Self { body, revision: None, fresh }
    }
    /// Adds the resource's revision.
    #[must_use]
    pub const fn revision(mut self, revision: u64) -> Self {
        self.revision = Some(revision);
        self
    }
}

impl<T: Serialize> IntoResponse for Read<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.body).into_response();
        let headers = response.headers_mut();
        if let Some(revision) = self.revision
            && let Ok(tag) = HeaderValue::from_str(&format!("\"{revision}\""))
        {
            headers.insert(header::ETAG, tag);
        }
        if !self.fresh {
            headers.insert(HeaderName::from_static("booking-stale"), HeaderValue::from_static("true"));
        }
        response
    }
}

/// 200 with a long body, written at once into room for about so many bytes: `Json` begins with 128 and moves what it has
/// each time that it grows.
#[derive(Debug)]
pub struct Long<T>(pub T, pub usize);

impl<T: Serialize> IntoResponse for Long<T> {
    fn into_response(self) -> Response {
        let Self(body, room) = self;
        let mut written = Vec::with_capacity(room);
        match serde_json::to_writer(&mut written, &body) {
            Ok(()) => {
                let mut response = Response::new(Body::from(written));
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}

/// Header of an answer whose body has no place for its `as_of`.
pub const AS_OF: &str = "booking-as-of";

/// An answer with its place in history, which time travel takes.
pub fn as_of(as_of: Option<AsOf>, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    if let Some(value) = as_of.and_then(|as_of| HeaderValue::from_str(&as_of.to_string()).ok()) {
        response.headers_mut().insert(HeaderName::from_static(AS_OF), value);
    }
    response
}

/// An id of the path as one of ours.
pub fn ids<C: From<Uuid>, T: From<Uuid>>((clinic, id): (Uuid, Uuid)) -> (C, T) {
    (clinic.into(), id.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn taken_apart(response: Response) -> (u16, axum::http::HeaderMap, Vec<u8>) {
        let (parts, body) = response.into_parts();
        (parts.status.as_u16(), parts.headers, axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec())
    }

    #[tokio::test]
    async fn a_long_body_is_what_a_short_one_would_be_however_much_room_it_was_given() {
        let body: Vec<String> = (0..100).map(|n| format!("{n} \"é\" \u{1}")).collect();
        let short = taken_apart(Json(&body).into_response()).await;
        for room in [0, 1, short.2.len(), 100_000] {
            assert_eq!(taken_apart(Long(&body, room).into_response()).await, short);
        }
    }
}
