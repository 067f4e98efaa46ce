//! Headers that protect every answer: content security policy, framing, referrer, types.
//!
//! Nothing is framed, but the pages of an embedded portal by the origins that the clinic listed: their handler puts
//! [`Framing`] into the answer. There is no inline script or style anywhere.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

/// Who may frame this answer: origins such as `https://clinic.example`. Put into an answer's extensions.
#[derive(Clone, Debug)]
pub struct Framing(pub Vec<String>);

/// Headers that are the same on every answer.
const ALWAYS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=()"),
];

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    worker-src 'self'; form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'";

/// The API's documentation styles itself inline; it shows nothing that anybody typed.
const DOCUMENTATION: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'";

/// Adds the headers to whatever is answered, problems included.
pub async fn protect(request: Request, next: Next) -> Response {
    let documentation = request.uri().path().starts_with("/api/docs");
    let mut response = next.run(request).await;
    let framing = response.extensions_mut().remove::<Framing>().filter(|framing| !framing.0.is_empty());
    let policy = if documentation { DOCUMENTATION } else { POLICY };
    let with = |ancestors: &str| HeaderValue::from_str(&format!("{policy}; frame-ancestors {ancestors}"));
    let listed = framing.and_then(|framing| with(&framing.0.join(" ")).ok());
    let framed = listed.is_some();
    let headers = response.headers_mut();
    // An origin that does not fit into a header costs the frame, never the policy.
    if let Some(policy) = listed.or_else(|| with("'none'").ok()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if !framed {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
