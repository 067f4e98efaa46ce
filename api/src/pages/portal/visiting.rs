//! One request of a visitor: where it came in, in which language, and how its state travels.
//!
//! On our own address the visit's token stands in a cookie, and every form is answered with a redirection, so that
//! Back and reload work. In a frame there is no cookie: the token travels in a hidden field, and every form is answered
//! with the next page itself.

use super::Step;
use super::fields::Fields;
use super::shell::Shell;
use crate::http::AppState;
use crate::http::auth::{LinkToken, VisitorToken};
use crate::http::extract::{ApiJson, ApiPath, CommandHeaders};
use crate::http::portal::{Found, find};
use crate::http::problem::{ApiResult, Problem};
use crate::pages::text::Words;
use crate::pages::{cookie, trouble};
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use booking_domain::values::Language;
use booking_engine::vault::Visit;
use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use std::sync::Arc;

/// What a request brought.
pub(super) struct Request {
    pub(super) app: AppState,
    pub(super) peer: SocketAddr,
    pub(super) headers: HeaderMap,
    pub(super) slug: String,
    pub(super) embedded: bool,
}

/// A visitor of a portal that was found.
pub(super) struct Visiting {
    pub(super) app: AppState,
    pub(super) peer: SocketAddr,
    pub(super) headers: HeaderMap,
    pub(super) found: Found,
    /// The portal's address now.
    pub(super) slug: String,
    pub(super) words: Words,
    pub(super) embedded: bool,
    pub(super) step: Step,
    /// What the address or a form says about what is to be shown.
    pub(super) asked: Fields,
    token: Option<String>,
    opened: bool,
    link: Option<String>,
    link_changed: bool,
    /// What the visitor's device worked out.
    work: Option<String>,
}

/// How long a browser keeps the link of an appointment, in seconds.
const LINK_SECONDS: u32 = 30 * 60;

impl Visiting {
    /// Finds the portal. A language that the clinic does not offer, or none, becomes the one that the browser prefers
    /// among the clinic's.
    pub(super) async fn arrives(request: Request, language: Option<Language>, step: Step) -> ApiResult<Self> {
        let Request { app, peer, headers, slug, embedded } = request;
        let found = find(&app, &slug).await?;
        let slug = app.views.clinics.by_slug(&slug).map_or(slug, |(_, current)| current);
        let offered = languages(&found);
        let preferred = || trouble::preferred(&headers).filter(|l| offered.contains(l));
        let language = language.filter(|l| offered.contains(l)).or_else(preferred);
        let words = Words::of(language.or(offered.first().copied()).unwrap_or(Language::Fr));
        let token = (!embedded).then(|| cookie::read(&headers, cookie::VISIT).map(str::to_owned)).flatten();
        let link = (!embedded).then(|| cookie::read(&headers, cookie::LINK).map(str::to_owned)).flatten();
        let asked = Fields::default();
        Ok(Self {
            app,
            peer,
            headers,
            found,
            slug,
            words,
            embedded,
            step,
            asked,
            token,
            opened: false,
            link,
            link_changed: false,
            work: None,
        })
    }
    /// With what the address or a form says.
    pub(super) fn asking(mut self, asked: Fields) -> Self {
        if self.embedded {
            self.token = Some(asked.get("visit").to_owned()).filter(|token| !token.is_empty());
        }
        self.asked = asked;
        self
    }
    /// The visit's token, to travel on.
    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }
    /// A visit was opened: its token travels from now on.
    pub(super) fn carries(&mut self, token: String) {
        (self.token, self.opened) = (Some(token), true);
    }
    /// The visit is over for this browser.
    pub(super) fn drops_visit(&mut self) {
        (self.token, self.opened) = (None, true);
    }

    /// The link of an appointment that this browser brought.
    pub(super) fn link(&self) -> Option<LinkToken> {
        self.link.as_deref().and_then(LinkToken::of_field)
    }
    /// A link was brought, in a message or by a look-up.
    pub(super) fn brings_link(&mut self, link: String) {
        (self.link, self.link_changed) = (Some(link), true);
    }
    /// The link is let go of.
    pub(super) fn drops_link(&mut self) {
        (self.link, self.link_changed) = (None, true);
    }

    /// The arguments of the API's functions, as they come over HTTP.
    pub(super) fn app(&self) -> State<AppState> {
        State(Arc::clone(&self.app))
    }
    pub(super) fn portal(&self) -> ApiPath<String> {
        ApiPath(self.slug.clone())
    }
    pub(super) const fn peer(&self) -> ConnectInfo<SocketAddr> {
        ConnectInfo(self.peer)
    }
    pub(super) fn visitor(&self) -> VisitorToken {
        self.token.as_deref().map_or(VisitorToken(None), VisitorToken::of_field)
    }
    /// A form brings what the visitor's device worked out.
    pub(super) fn brings_work(&mut self, work: &str) {
        self.work = Some(work.to_owned()).filter(|work| !work.is_empty());
    }
    /// A command with this key. What it is for stands in the key's path, whatever the language and the frame.
    pub(super) fn command(&self, what: &str, key: &str, revision: Option<u64>) -> CommandHeaders {
        let idempotency_key = (!key.is_empty()).then(|| key.chars().take(200).collect());
        let path = format!("/p/{}/{what}", self.slug);
        CommandHeaders { idempotency_key, if_match: revision, work: self.work.clone(), traceparent: None, path }
    }
    /// The visit; 401 without one that is going on.
    pub(super) async fn visit(&self) -> ApiResult<Arc<Visit>> {
        self.visitor().visit(&self.app, self.found.id).await
    }

    /// The address of a step, in the language of this request.
    pub(super) fn address(&self, step: &str) -> String {
        self.shell().address(step)
    }
    /// What every page shows around its own.
    pub(super) fn shell(&self) -> Shell {
        Shell::of(self)
    }
    /// To another step's address; 303: by GET.
    pub(super) fn redirect(&self, step: &str) -> Response {
        see_other(&self.address(step))
    }
    /// What has to be on every answer: the visit's cookie where one was opened, and who may frame it.
    pub(super) fn finish(&self, mut response: Response) -> Response {
        if self.embedded {
            let config = self.found.clinic().portal.config.as_ref();
            let origins = config.map(|c| c.embedding_origins.clone()).unwrap_or_default();
            response.extensions_mut().insert(crate::pages::headers::Framing(origins));
            return response;
        }
        if self.opened {
            match &self.token {
                Some(token) => cookie::set(&mut response, cookie::VISIT, token),
                None => cookie::clear(&mut response, cookie::VISIT),
            }
        }
        if self.link_changed {
            match &self.link {
                Some(link) => cookie::set_for(&mut response, cookie::LINK, link, LINK_SECONDS),
                None => cookie::clear(&mut response, cookie::LINK),
            }
        }
        response
    }
}

/// The clinic's languages, the first is the default.
pub(super) fn languages(found: &Found) -> Vec<Language> {
    let config = found.clinic().portal.config.as_ref();
    config.map(|c| c.languages.clone()).filter(|l| !l.is_empty()).unwrap_or_else(|| vec![Language::Fr, Language::En])
}

/// A redirection that is followed by GET.
pub(super) fn see_other(address: &str) -> Response {
    match HeaderValue::from_str(address) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(error) => Problem::internal(error).into_response(),
    }
}

/// The body of a request to the API, as a program would send it.
pub(super) fn body<T: DeserializeOwned>(value: &serde_json::Value) -> ApiResult<ApiJson<T>> {
    let bytes = serde_json::to_vec(value).map_err(Problem::internal)?;
    // What the page got wrong, not the visitor; the cause may quote what was typed.
    let value =
        serde_json::from_slice(&bytes).map_err(|_| Problem::internal("a page sent a body that does not fit"))?;
    Ok(ApiJson { value, bytes: Bytes::from(bytes) })
}

/// With another status.
pub(super) fn with_status(mut response: Response, status: u16) -> Response {
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}
