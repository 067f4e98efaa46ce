//! The cookies: `__Host-visit` of a visitor, `__Host-staff` of somebody who works at the clinic, and the language that
//! they chose.
//!
//! The first two hold the token that the API takes as `Authorization: Bearer`, are out of every script's reach, and are never
//! set in a frame. A request that changes something also has to come from a page of ours (see `http::router`).

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

/// A visitor's token, `v_…`.
pub const VISIT: &str = "__Host-visit";
/// The token of an appointment's link, `l_…`, for half an hour.
pub const LINK: &str = "__Host-link";
/// A staff session's token, `s_…`.
pub const STAFF: &str = "__Host-staff";

/// The language of the staff's pages, `fr` or `en`; nothing secret.
pub const LANGUAGE: &str = "__Host-language";

/// The value of a cookie.
pub fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}

/// Sets a cookie until the browser closes. `value` is a token of ours: letters, digits and `_` only.
pub fn set(response: &mut Response, name: &str, value: &str) {
    append(response, &format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax"));
}

/// Sets a cookie for a year. `value` as in [`set`].
pub fn keep(response: &mut Response, name: &str, value: &str) {
    append(response, &format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000"));
}

/// Sets a cookie for so many seconds.
pub fn set_for(response: &mut Response, name: &str, value: &str, seconds: u32) {
    append(response, &format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}"));
}

/// Removes a cookie.
pub fn clear(response: &mut Response, name: &str) {
    append(response, &format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"));
}

fn append(response: &mut Response, line: &str) {
    if let Ok(value) = HeaderValue::from_str(line) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
