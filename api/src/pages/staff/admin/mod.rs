//! The administration under `/staff/admin`: everything that is set up before patients can book.
//!
//! Its reader is a clinic's secretary. A page posts a form, its handler calls the API's own function, and what that
//! refuses is said in plain words beside the field. Every form carries the revision that it was shown at and a key of
//! its own: a form that is out of date changes nothing and shows what stands now, a second click is the first one.
//!
//! | file | page |
//! |---|---|
//! | `home` | the checklist |
//! | `portal`, `share` | the portal; its link, QR code and snippets |
//! | `activities`, `practitioners` | what schedules are made of |
//! | `services`, `service_fields` | what patients choose, with the preview of what goes online |
//! | `settings`, `retention` | delays, caps, proof of recognition; how long what is kept |
//! | `members`, `tokens` | who works here, and which machines |
//! | `outcome`, `spans` | what became of a form; lengths of time as people write them |

mod activities;
mod home;
mod members;
mod outcome;
mod portal;
mod practitioners;
mod retention;
mod service_fields;
mod services;
mod settings;
mod share;
mod spans;
mod tokens;

use crate::http::AppState;
use crate::http::auth::{ADMINISTRATION, Principal};
use crate::http::extract::ApiPath;
use crate::pages::assets;
use crate::pages::staff::frame::{Frame, Section, SignedIn};
use crate::pages::text::Words;
use axum::Router;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Uri, header};
use axum::response::{IntoResponse, Response};
use booking_domain::ids::ClinicId;
use booking_domain::stream::StreamName;
use booking_domain::time::{WallDate, WallTime};
use outcome::Outcome;
use spans::Unit;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .merge(home::routes())
        .merge(portal::routes())
        .merge(share::routes())
        .merge(activities::routes())
        .merge(practitioners::routes())
        .merge(services::routes())
        .merge(settings::routes())
        .merge(members::routes())
        .merge(tokens::routes())
}

/// An administrator who asks for a page. Nobody else gets past this: for them there is nothing here.
pub(super) struct Admin {
    app: AppState,
    principal: Principal,
    frame: Frame,
    /// `https://book.clinic.example`: what stands before the portal's path on paper and on other sites.
    origin: String,
    /// The page was asked for, not made in answer to a form.
    asked: bool,
}

impl FromRequestParts<AppState> for Admin {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Response> {
        let signed = SignedIn::from_request_parts(parts, app).await?;
        let frame = match signed.principal.allow(signed.principal.clinic, ADMINISTRATION) {
            Ok(()) => Frame::new(app, &signed, Section::Administration).await,
            Err(problem) => Err(problem),
        };
        Ok(Self {
            app: app.clone(),
            principal: signed.principal,
            frame: frame.map_err(IntoResponse::into_response)?,
            origin: app.messages.public_url().map_or_else(|| origin(&parts.headers, &parts.uri), str::to_owned),
            asked: parts.method == Method::GET,
        })
    }
}

impl Admin {
    fn w(&self) -> Words {
        self.frame.w
    }
    /// As the API's functions take it.
    fn state(&self) -> State<AppState> {
        State(self.app.clone())
    }
    /// As the API's functions take it.
    fn principal(&self) -> Principal {
        self.principal.clone()
    }
    /// As the API's functions take it.
    fn clinic(&self) -> ApiPath<ClinicId> {
        ApiPath(self.principal.clinic)
    }
    /// As the API's functions take it.
    fn at<T>(&self, id: T) -> ApiPath<(ClinicId, T)> {
        ApiPath((self.principal.clinic, id))
    }
    /// The clinic's own stream: who changed its rules last stands there.
    fn stream(&self) -> StreamName {
        StreamName::clinic(self.principal.clinic)
    }
    /// What every page is made of, with a new key for its form.
    fn page(mut self, here: &'static str, outcome: Outcome) -> Page {
        let key = self.app.engine.fresh_command().0.simple().to_string();
        if !self.asked {
            // After a change of language there is a page again, whatever a button was sent to.
            self.frame.here = if here == "home" { "/staff/admin".to_owned() } else { format!("/staff/admin/{here}") };
        }
        Page { w: self.frame.w, frame: self.frame, here, key, outcome }
    }
}

/// What every page of the administration stands in. Pages dereference to it, so that its fields are theirs.
pub(super) struct Page {
    w: Words,
    frame: Frame,
    /// The entry of the navigation that is this page.
    here: &'static str,
    /// Makes the form one command, however often it is sent.
    key: String,
    outcome: Outcome,
}

#[allow(clippy::unused_self, reason = "templates call methods of their page")]
impl Page {
    /// The entries of the navigation: id, address, label.
    fn entries(&self) -> [(&'static str, &'static str, String); 9] {
        let w = self.w;
        [
            ("home", "/staff/admin", w.t("admin-home")),
            ("portal", "/staff/admin/portal", w.t("admin-portal")),
            ("activities", "/staff/admin/activities", w.t("admin-activities")),
            ("practitioners", "/staff/admin/practitioners", w.t("admin-practitioners")),
            ("services", "/staff/admin/services", w.t("admin-services")),
            ("settings", "/staff/admin/settings", w.t("admin-settings")),
            ("share", "/staff/admin/share", w.t("admin-share")),
            ("members", "/staff/admin/members", w.t("admin-members")),
            ("tokens", "/staff/admin/tokens", w.t("admin-tokens")),
        ]
    }
    /// The units of time that a form offers, with their words.
    fn units(&self) -> [(Unit, String); 3] {
        [Unit::Minutes, Unit::Hours, Unit::Days].map(|unit| (unit, settings::unit_name(self.w, unit)))
    }
    /// The key of another form on the same page.
    fn keyed(&self, what: impl std::fmt::Display) -> String {
        format!("{}-{what}", self.key)
    }
    /// The value that a radio button stands for is the one that is chosen.
    fn same(&self, value: impl AsRef<str>, chosen: impl AsRef<str>) -> bool {
        value.as_ref() == chosen.as_ref()
    }
    fn css(&self) -> String {
        assets::address("admin.css")
    }
    fn script(&self) -> String {
        assets::address("admin.js")
    }
}

/// Lets templates of the administration say `w`, `frame` and `outcome` of their page.
macro_rules! on_page {
    ($($name:ty),+) => {$(
        impl std::ops::Deref for $name {
            type Target = $crate::pages::staff::admin::Page;
            fn deref(&self) -> &Self::Target {
                &self.page
            }
        }
    )+};
}
use on_page;

/// The address that this request came to, for a server that was not told its own (`--public-url`). Cookies of ours are `Secure`, so anything but this machine speaks https.
fn origin(headers: &HeaderMap, uri: &Uri) -> String {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = named.or_else(|| uri.authority().map(Authority::as_str)).unwrap_or("localhost");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    let host = if host.chars().all(plain) { host } else { "localhost" };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let scheme = if matches!(name, "localhost" | "127.0.0.1" | "[::1]") { "http" } else { "https" };
    format!("{scheme}://{host}")
}

/// A form without fields: a button.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Button {
    #[serde(default)]
    key: String,
    #[serde(default)]
    revision: Option<u64>,
}

/// What was typed, with the line breaks of texts and without space around it: browsers post lines with `\r\n`.
fn tidy(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}

/// A moment that the API wrote, as people write it.
fn written(w: Words, rfc3339: &str) -> String {
    let Ok(at) = chrono::DateTime::parse_from_rfc3339(rfc3339) else { return rfc3339.to_owned() };
    let local = at.naive_local();
    w.day_time(WallDate::of(local.date()), WallTime::of(local.time()))
}

/// The same; none where nothing was typed.
fn optional(text: &str) -> Option<String> {
    Some(tidy(text)).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn an_address_on_paper_is_the_one_that_the_page_was_asked_at() {
        for (host, expected) in [
            ("book.clinic.example", "https://book.clinic.example"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("[::1]:8080", "http://[::1]:8080"),
            ("evil\"><script>", "http://localhost"),
        ] {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_str(host).unwrap())]);
            assert_eq!(origin(&headers, &Uri::from_static("/staff/admin")), expected);
        }
    }

    #[test]
    fn every_field_that_the_api_can_refuse_has_words_of_ours() {
        let pages: [outcome::Explain; 9] = [
            activities::explain,
            practitioners::explain,
            services::explain,
            settings::explain,
            retention::explain,
            portal::explain,
            members::explain,
            members::explain_change,
            tokens::explain,
        ];
        let pointers = [
            "/name",
            "/duration_minutes",
            "/modality",
            "/profession",
            "/internal_name",
            "/public_name",
            "/description",
            "/activities",
            "/activity",
            "/practitioners",
            "/practitioner",
            "/criteria",
            "/publication",
            "/publication/at",
            "/usage",
            "/min_notice_minutes",
            "/max_horizon_minutes",
            "/max_future_appointments",
            "/reasons",
            "/reason_required",
            "/hold_minutes",
            "/change_cutoff_minutes",
            "/recognition_proof",
            "/attached_years",
            "/provisional_days",
            "/cooling_off_days",
            "/slug",
            "/contact/phone",
            "/contact/email",
            "/contact/address",
            "/contact/website",
            "/terms",
            "/notice",
            "/languages",
            "/accent",
            "/embedding_origins",
            "/email",
            "/role",
            "/label",
            "/something/new",
        ];
        for (explain, pointer) in pages.iter().flat_map(|page| pointers.map(|pointer| (page, pointer))) {
            let (id, key) = explain(pointer);
            assert!(!id.contains('-'), "{id}: ids are names of fields");
            for language in booking_domain::values::Language::ALL {
                assert_ne!(Words::of(*language).t(key), key, "{pointer}");
            }
        }
    }

    #[test]
    fn lines_are_lines_wherever_they_were_typed() {
        assert_eq!(tidy(" 1 rue du Parc\r\nMontréal \r\n"), "1 rue du Parc\nMontréal");
        assert_eq!(optional(" \r\n "), None);
    }
}
