//! What comes in: JSON bodies, queries and paths, each with problems of ours instead of plain text.

use super::problem::Problem;
use axum::body::Bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use utoipa::IntoParams;

/// A JSON body, with its bytes: their keyed hash tells a retry from another request.
#[derive(Debug)]
pub struct ApiJson<T> {
    /// What it says.
    pub value: T,
    /// As it came.
    pub bytes: Bytes,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ApiJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let json =
            request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).is_some_and(|v| {
                v.split(';').next().is_some_and(|v| v.trim().eq_ignore_ascii_case("application/json"))
            });
        if !json {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not_json",
                "Send JSON with Content-Type: application/json",
            ));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|e| match e.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The body is too large")
            }
            _ => Problem::new(StatusCode::BAD_REQUEST, "unreadable_body", "The body could not be read"),
        })?;
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|e| shape(&e))?;
        reader.end().map_err(|_| malformed("there is more after the end of the JSON value"))?;
        Ok(Self { value, bytes })
    }
}

fn malformed(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_json", "The body is not valid JSON").detail(detail)
}

fn shape(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let inner = error.inner();
    if inner.is_syntax() || inner.is_eof() || inner.is_io() {
        return malformed("it could not be parsed");
    }
    let segments = error.path().iter().map(|segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { variant } => format!("/{variant}"),
        Segment::Unknown => "/?".to_owned(),
    });
    let pointer: String = segments.collect();
    // Serde's own messages quote the value that it met, which may be somebody's name: say what kind of thing is wrong.
    let text = inner.to_string();
    let message = match text.split_once(' ').map_or("", |(first, _)| first) {
        "missing" | "unknown" | "duplicate" => text.split(" at line ").next().unwrap_or("").to_owned(),
        _ => "does not have the expected type or form".to_owned(),
    };
    let code = if text.starts_with("unknown field") { "unknown_field" } else { "invalid_field" };
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, "A field is not valid").field(pointer, message)
}

/// Query parameters.
#[derive(Debug)]
pub struct ApiQuery<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, state).await;
        query.map(|Query(value)| Self(value)).map_err(|_| Problem::bad_parameter("query", "cannot be read"))
    }
}

/// Query parameters in parts that several operations share. Each part takes the parameters that the document names for
/// it; what no part names is refused.
#[derive(Debug)]
pub struct ApiQueries<T>(pub T);

/// What comes with a query: names and values.
type Pairs = Vec<(String, String)>;

fn pairs(parts: &Parts) -> Result<Pairs, Problem> {
    serde_html_form::from_str(parts.uri.query().unwrap_or_default()).map_err(|_| unreadable())
}

fn unreadable() -> Problem {
    Problem::bad_parameter("query", "cannot be read")
}

/// Takes a part's own parameters out of the query.
fn part<T: DeserializeOwned + IntoParams>(pairs: &mut Pairs) -> Result<T, Problem> {
    let names: Vec<String> = T::into_params(|| None).into_iter().map(|parameter| parameter.name).collect();
    let (own, rest): (Pairs, Pairs) = std::mem::take(pairs).into_iter().partition(|(name, _)| names.contains(name));
    *pairs = rest;
    let query = serde_html_form::to_string(&own).map_err(|_| unreadable())?;
    let uri = format!("/?{query}").parse().map_err(|_| unreadable())?;
    Query::try_from_uri(&uri).map(|Query(value)| value).map_err(|_| unreadable())
}

/// Nothing may be left that no part took.
fn all_taken(pairs: &Pairs) -> Result<(), Problem> {
    if pairs.is_empty() { Ok(()) } else { Err(unreadable()) }
}

impl<A, B, S> FromRequestParts<S> for ApiQueries<(A, B)>
where
    A: DeserializeOwned + IntoParams,
    B: DeserializeOwned + IntoParams,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut left = pairs(parts)?;
        let taken = (part(&mut left)?, part(&mut left)?);
        all_taken(&left).map(|()| Self(taken))
    }
}

impl<A, B, C, S> FromRequestParts<S> for ApiQueries<(A, B, C)>
where
    A: DeserializeOwned + IntoParams,
    B: DeserializeOwned + IntoParams,
    C: DeserializeOwned + IntoParams,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut left = pairs(parts)?;
        let taken = (part(&mut left)?, part(&mut left)?, part(&mut left)?);
        all_taken(&left).map(|()| Self(taken))
    }
}

/// Path segments; one that cannot be read names nothing that exists.
#[derive(Debug)]
pub struct ApiPath<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for ApiPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, state).await;
        path.map(|Path(value)| Self(value)).map_err(|_| Problem::not_found())
    }
}

/// The headers that every command looks at.
#[derive(Clone, Debug, Default)]
pub struct CommandHeaders {
    /// `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// `If-Match`, as the revision that the caller saw.
    pub if_match: Option<u64>,
    /// `Booking-Work`: a solution of what the visit had to work out.
    pub work: Option<String>,
    /// `traceparent`.
    pub traceparent: Option<booking_engine::TraceParent>,
    /// The concrete path, part of what a key is used for.
    pub path: String,
}

impl CommandHeaders {
    /// `If-Match` where it must be given: 428 without.
    pub fn require_match(&self) -> Result<u64, Problem> {
        self.if_match.ok_or_else(|| {
            Problem::new(StatusCode::PRECONDITION_REQUIRED, "if_match_required", "Send If-Match with the ETag you read")
        })
    }
    /// `Idempotency-Key` where it must be given.
    pub fn require_key(&self) -> Result<(), Problem> {
        self.idempotency_key.as_ref().map(|_| ()).ok_or_else(|| {
            Problem::new(StatusCode::BAD_REQUEST, "idempotency_key_required", "Send an Idempotency-Key")
                .detail("Any text of 1 to 200 characters that is new for each thing you want; a retry sends the same.")
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CommandHeaders {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let text = |headers: &HeaderMap, name: &str| {
            headers
                .get(name)
                .map(|v| v.to_str().map(str::to_owned))
                .transpose()
                .map_err(|_| Problem::bad_parameter(name, "must be plain text"))
        };
        let idempotency_key = text(&parts.headers, "idempotency-key")?;
        if idempotency_key.as_ref().is_some_and(|k| k.is_empty() || k.len() > 200) {
            return Err(Problem::bad_parameter("Idempotency-Key", "must have 1 to 200 characters"));
        }
        let if_match = match text(&parts.headers, "if-match")? {
            None => None,
            Some(tag) => Some(
                tag.trim()
                    .strip_prefix('"')
                    .and_then(|t| t.strip_suffix('"'))
                    .and_then(|t| t.parse().ok())
                    .ok_or_else(|| Problem::bad_parameter("If-Match", "must be an ETag that this API gave"))?,
            ),
        };
        let work = text(&parts.headers, super::work::HEADER)?;
        let traceparent = text(&parts.headers, "traceparent").ok().flatten();
        let traceparent = traceparent.and_then(|t| booking_engine::TraceParent::parse(&t));
        Ok(Self { idempotency_key, if_match, work, traceparent, path: parts.uri.path().to_owned() })
    }
}
