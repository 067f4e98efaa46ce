//! Headers that protect every answer: content security policy, framing, referrer, types.
//!
//! Nothing is framed, but the pages of an embedded portal by the origins that the clinic listed: their handler puts
//! [`Framing`] into the answer. There is no inline script or style anywhere.

use axum::http::{HeaderName, HeaderValue, header};
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

/// A content security policy, framed by nobody, or up to the origins that may frame it.
macro_rules! policy {
    ($($directives:literal)*) => {
        [concat!($($directives,)* "frame-ancestors 'none'"), concat!($($directives,)* "frame-ancestors ")]
    };
}

const POLICY: [&str; 2] = policy!(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "worker-src 'self'; form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'; "
);

/// The API's documentation styles itself inline; it shows nothing that anybody typed.
const DOCUMENTATION: [&str; 2] = policy!(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
);

/// Whether this is the API's documentation.
pub fn is_documentation(path: &str) -> bool {
    path.starts_with("/api/docs")
}

/// Adds the headers to whatever is answered, problems included.
pub fn protect(response: &mut Response, documentation: bool) {
    let framing = response.extensions_mut().remove::<Framing>().filter(|framing| !framing.0.is_empty());
    let [framed_by_nobody, framed_by] = if documentation { DOCUMENTATION } else { POLICY };
    let listed = framing.and_then(|framing| HeaderValue::from_str(&format!("{framed_by}{}", framing.0.join(" "))).ok());
    let headers = response.headers_mut();
    headers.reserve(ALWAYS.len() + 3);
    // An origin that does not fit into a header costs the frame, never the policy.
    if listed.is_none() {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    let policy = listed.unwrap_or(HeaderValue::from_static(framed_by_nobody));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
