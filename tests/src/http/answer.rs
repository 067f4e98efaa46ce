//! What a server answered, and what a test expects of it.

use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::ops::Index;

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Method and path of the request.
    pub asked: String,
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub text: String,
    /// The body as JSON; null if it is none.
    pub body: Value,
}

impl Answer {
    /// Sends a request.
    pub async fn to(request: RequestBuilder) -> Self {
        let (client, request) = request.build_split();
        let request = request.unwrap();
        let asked = format!("{} {}", request.method(), request.url().path());
        let response = client.execute(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { asked, status, headers, text, body }
    }
    /// True if it is a success.
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
    /// Expects a success.
    #[must_use]
    #[track_caller]
    pub fn ok(self) -> Self {
        assert!(self.is_ok(), "{}: {} {}", self.asked, self.status, self.text);
        self
    }
    /// Expects this status.
    #[track_caller]
    pub fn has_status(&self, status: u16) {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text);
    }
    /// Expects a problem of this status and code, in the form of RFC 9457, with the request's id.
    #[track_caller]
    pub fn is(&self, status: u16, code: &str) {
        let Self { asked, text, .. } = self;
        assert_eq!((self.status, self.code()), (status, code), "{asked}: {text}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{asked}: {text}");
        assert!(self.header("x-request-id").is_some_and(|id| !id.is_empty()), "{asked}: without the request's id");
        assert_eq!(self.body.get("status").and_then(Value::as_u64), Some(u64::from(status)), "{asked}: {text}");
        assert!(self.body.get("title").and_then(Value::as_str).is_some_and(|t| !t.is_empty()), "{asked}: {text}");
        assert!(self.body.get("type").and_then(Value::as_str).is_some_and(|t| t.ends_with(code)), "{asked}: {text}");
    }
    /// The problem's code, or nothing.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body.get("code").and_then(Value::as_str).unwrap_or_default()
    }
    /// The JSON pointers of the fields that are wrong.
    #[must_use]
    pub fn pointers(&self) -> Vec<&str> {
        let errors = self.body.get("errors").and_then(Value::as_array);
        errors.into_iter().flatten().filter_map(|e| e.get("pointer")?.as_str()).collect()
    }
    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
    /// The `ETag`.
    #[must_use]
    #[track_caller]
    pub fn etag(&self) -> String {
        self.header("etag").unwrap_or_else(|| panic!("{} has no ETag: {}", self.asked, self.text)).to_owned()
    }
    /// The position that a later read may wait for.
    #[must_use]
    #[track_caller]
    pub fn position(&self) -> String {
        let position = self.header("booking-position");
        position.unwrap_or_else(|| panic!("{} has no position: {}", self.asked, self.text)).to_owned()
    }
    /// A text of the body, by its JSON pointer.
    #[must_use]
    #[track_caller]
    pub fn str(&self, pointer: &str) -> &str {
        let value = self.body.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_else(|| panic!("{} has no text at {pointer}: {}", self.asked, self.text))
    }
    /// A list of the body, by its JSON pointer.
    #[must_use]
    #[track_caller]
    pub fn list(&self, pointer: &str) -> &[Value] {
        let value = self.body.pointer(pointer).and_then(Value::as_array);
        value.unwrap_or_else(|| panic!("{} has no list at {pointer}: {}", self.asked, self.text))
    }
}

impl Index<&str> for Answer {
    type Output = Value;
    fn index(&self, key: &str) -> &Value {
        &self.body[key]
    }
}
