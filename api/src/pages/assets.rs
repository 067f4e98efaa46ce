//! Style sheets and scripts: the files of `api/assets`, built into the binary.
//!
//! Their addresses carry a hash of their content, so that browsers keep them for ever and still see a new version.

use crate::http::AppState;
use crate::http::problem::{ApiResult, Problem};
use axum::Router;
use axum::extract::{Path, RawQuery};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/assets/accent.css", get(accent)).route("/assets/{file}", get(file))
}

/// The address of an asset, with the hash of its content.
pub fn address(name: &str) -> String {
    let hash = Files::get(name).map(|file| hex::encode(&file.metadata.sha256_hash()[..6])).unwrap_or_default();
    format!("/assets/{name}?v={hash}")
}

async fn file(Path(name): Path<String>, RawQuery(query): RawQuery) -> ApiResult<Response> {
    let file = Files::get(&name).ok_or_else(Problem::not_found)?;
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let current = query.is_some_and(|query| address(&name).ends_with(&format!("?{query}")));
    let keep = if current { "public, max-age=31536000, immutable" } else { "no-cache" };
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, keep)], file.data).into_response())
}

/// The clinic's accent colour as a style sheet: pages have no inline style. `?c=1a5fb4`.
async fn accent(RawQuery(query): RawQuery) -> ApiResult<Response> {
    let colour = query.as_deref().and_then(|q| q.strip_prefix("c=")).and_then(Colour::parse);
    let colour = colour.ok_or_else(Problem::not_found)?;
    let css = format!(
        ":root{{--accent:{};--on-accent:{}}}@media(prefers-color-scheme:dark){{:root{{--accent:{};--on-accent:#10151c}}}}\n",
        colour.darkened_for_white().css(),
        "#ffffff",
        colour.lightened_for_dark().css(),
    );
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, css).into_response())
}

/// The address of a clinic's accent colour, `#rrggbb`; none if it has no valid one.
pub fn accent_address(accent: Option<&str>) -> Option<String> {
    let hex = accent?.strip_prefix('#')?;
    Colour::parse(hex).map(|_| format!("/assets/accent.css?c={hex}"))
}

/// How a clinic's accent colour can be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Legible {
    /// Contrast of white text on the colour as it was chosen, such as `4.7`.
    pub ratio: String,
    /// The colour that pages use on white, `#rrggbb`.
    pub used: String,
    /// It is the one that was chosen.
    pub kept: bool,
}

/// What becomes of an accent colour `#rrggbb`; none of what is no colour.
pub fn legible(accent: &str) -> Option<Legible> {
    let colour = Colour::parse(accent.strip_prefix('#')?)?;
    let used = colour.darkened_for_white();
    let ratio = 1.05 / (colour.luminance() + 0.05);
    Some(Legible { ratio: format!("{ratio:.1}"), used: used.css(), kept: used == colour })
}

/// A colour, channels from 0 to 255.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Colour([u8; 3]);

/// Luminance of the pages' dark background, as WCAG reckons it.
const DARK: f64 = 0.0065;
/// WCAG 1.4.3 for text of ordinary size, with a little room for rounding.
const CONTRAST: f64 = 4.6;

impl Colour {
    fn parse(hex: &str) -> Option<Self> {
        let mut channels = [0; 3];
        hex::decode_to_slice(hex, &mut channels).ok().map(|()| Self(channels))
    }
    fn css(self) -> String {
        format!("#{}", hex::encode(self.0))
    }
    /// Relative luminance (WCAG 2.2).
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        let [r, g, b] = self.0.map(linear);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    fn towards(self, target: u8) -> Self {
        Self(self.0.map(|c| {
            let step = (i16::from(target) - i16::from(c)) / 16;
            let step = if step == 0 { (i16::from(target) - i16::from(c)).signum() } else { step };
            u8::try_from(i16::from(c) + step).unwrap_or(target)
        }))
    }
    /// The colour, darkened until white text on it and it on white can be read.
    fn darkened_for_white(mut self) -> Self {
        while 1.05 / (self.luminance() + 0.05) < CONTRAST {
            self = self.towards(0);
        }
        self
    }
    /// The colour, lightened until it can be read on the dark background and dark text can be read on it.
    fn lightened_for_dark(mut self) -> Self {
        while (self.luminance() + 0.05) / (DARK + 0.05) < CONTRAST + 1.0 {
            self = self.towards(255);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accent_can_be_read_in_both_schemes() {
        for hex in ["ffffff", "000000", "ffff00", "1a5fb4", "ff0000", "00ff00", "777777", "0000ff"] {
            let colour = Colour::parse(hex).unwrap();
            assert!(1.05 / (colour.darkened_for_white().luminance() + 0.05) >= 4.5, "{hex} on white");
            assert!((colour.lightened_for_dark().luminance() + 0.05) / (DARK + 0.05) >= 4.5, "{hex} on dark");
        }
        assert_eq!(Colour::parse("1a5fb4").unwrap().darkened_for_white().css(), "#1a5fb4", "what is fine stays");
    }

    #[test]
    fn a_clinic_reads_what_becomes_of_its_colour() {
        let fine = legible("#1a5fb4").unwrap();
        assert_eq!((fine.used.as_str(), fine.kept), ("#1a5fb4", true));
        let pale = legible("#ffff00").unwrap();
        assert_eq!((pale.ratio.as_str(), pale.kept), ("1.1", false));
        assert_eq!(legible("red"), None);
    }

    #[test]
    fn nothing_but_a_colour_gets_into_the_style_sheet() {
        for bad in ["", "1a5fb", "1a5fb4}", "javascript:x", "ggffff"] {
            assert_eq!(Colour::parse(bad), None, "{bad}");
        }
    }
}
