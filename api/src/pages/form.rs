//! What a browser posts: fields by name, repeated ones as lists.

use crate::http::extract::{ApiJson, CommandHeaders};
use crate::http::problem::Problem;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

/// A posted form, with its bytes: their keyed hash tells a second click from another request.
#[derive(Debug)]
pub struct Form<T> {
    /// What it says.
    pub value: T,
    /// As it came.
    pub bytes: Bytes,
    /// The path that it was posted to.
    pub path: String,
}

impl<T> Form<T> {
    /// A body of the API with this form's bytes, so that a second click is the same request.
    pub fn json<B>(&self, value: B) -> ApiJson<B> {
        ApiJson { value, bytes: self.bytes.clone() }
    }
    /// The headers that the same command has when it comes as JSON: its key and the revision that the page showed.
    pub fn command(&self, key: &str, revision: Option<u64>) -> CommandHeaders {
        CommandHeaders {
            idempotency_key: (!key.is_empty()).then(|| key.chars().take(200).collect()),
            if_match: revision,
            work: None,
            traceparent: None,
            path: self.path.clone(),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let form = request.headers().get(header::CONTENT_TYPE).is_some_and(|v| {
            v.as_bytes().get(..33).is_some_and(|v| v.eq_ignore_ascii_case(b"application/x-www-form-urlencoded"))
        });
        if !form {
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_a_form", "Send a form"));
        }
        let path = request.uri().path().to_owned();
        let bytes = Bytes::from_request(request, state).await.map_err(|e| match e.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The form is too large")
            }
            _ => Problem::new(StatusCode::BAD_REQUEST, "unreadable_body", "The form could not be read"),
        })?;
        let value = serde_html_form::from_bytes(&bytes)
            .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "malformed_form", "The form could not be read"))?;
        Ok(Self { value, bytes, path })
    }
}
