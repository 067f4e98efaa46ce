//! Signing in and out, accepting an invitation, and choosing the language.

use super::frame::{SignedIn, safe_address, words};
use crate::http::AppState;
use crate::http::clinics::session::{self as api, Acceptance, OpenedSession, SignIn};
use crate::http::commands::Done;
use crate::http::extract::{ApiJson, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::pages::form::Form;
use crate::pages::text::Words;
use crate::pages::{assets, cookie, render};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use booking_domain::values::{Language, Role};
use serde::Deserialize;
use std::net::SocketAddr;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/staff", get(home))
        .route("/staff/sign-in", get(ask).post(sign_in))
        .route("/staff/sign-out", post(sign_out))
        .route("/staff/language", post(choose_language))
        .route("/staff/invitation", get(invitation).post(accept))
}

/// The first page of somebody's work.
async fn home(signed: SignedIn) -> Redirect {
    Redirect::to(first_page(signed.principal.role))
}

const fn first_page(role: Role) -> &'static str {
    if matches!(role, Role::Auditor) { "/audit" } else { "/staff/agenda" }
}

#[derive(Deserialize)]
struct SignInQuery {
    #[serde(default)]
    next: String,
    #[serde(default)]
    signed_out: bool,
}

#[derive(Deserialize)]
struct SignInForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    clinic: Option<Uuid>,
    #[serde(default)]
    next: String,
}

/// A clinic to choose from.
struct Choice {
    id: String,
    name: String,
}

#[derive(askama::Template)]
#[template(path = "staff/sign-in.html")]
struct SignInPage<'a> {
    w: Words,
    css: String,
    staff_css: String,
    email: &'a str,
    next: &'a str,
    here: String,
    clinics: Vec<Choice>,
    error: Option<String>,
    signed_out: bool,
}

impl<'a> SignInPage<'a> {
    fn new(w: Words, next: &'a str) -> Self {
        let query = serde_html_form::to_string([("next", next)]).unwrap_or_default();
        Self {
            w,
            css: assets::address("base.css"),
            staff_css: assets::address("staff.css"),
            email: "",
            next,
            here: if next == "/staff" { "/staff/sign-in".to_owned() } else { format!("/staff/sign-in?{query}") },
            clinics: vec![],
            error: None,
            signed_out: false,
        }
    }
}

async fn ask(headers: HeaderMap, ApiQuery(query): ApiQuery<SignInQuery>) -> ApiResult<Response> {
    let page = SignInPage::new(words(&headers), safe_address(&query.next));
    render(&SignInPage { signed_out: query.signed_out, ..page })
}

async fn sign_in(
    State(app): State<AppState>,
    peer: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    form: Form<SignInForm>,
) -> ApiResult<Response> {
    let (w, typed) = (words(&headers), form.value);
    let next = safe_address(&typed.next);
    let value = SignIn { email: typed.email.clone(), password: typed.password, clinic: typed.clinic };
    match api::sign_in(State(app), peer, headers, ApiJson { value, bytes: Bytes::new() }).await {
        Ok(done) => Ok(opened(&done, next)),
        Err(problem) => {
            let error = match problem.code {
                "wrong_credentials" => w.t("sign-in-wrong"),
                "choose_clinic" => w.t("sign-in-choose"),
                "too_many_requests" => w.t("sign-in-wait"),
                _ => return Err(problem),
            };
            let page = SignInPage::new(w, next);
            let page = SignInPage { email: &typed.email, clinics: choices(&problem), error: Some(error), ..page };
            with_status(&problem, render(&page)?)
        }
    }
}

fn choices(problem: &Problem) -> Vec<Choice> {
    let list = problem.alternatives.as_ref().and_then(|list| list.as_array());
    let text = |clinic: &serde_json::Value, key: &str| clinic[key].as_str().unwrap_or_default().to_owned();
    list.into_iter().flatten().map(|c| Choice { id: text(c, "id"), name: text(c, "name") }).collect()
}

/// A page that explains a problem keeps its status.
fn with_status(problem: &Problem, mut page: Response) -> ApiResult<Response> {
    *page.status_mut() = StatusCode::from_u16(problem.status).map_err(Problem::internal)?;
    Ok(page)
}

fn opened(done: &Done<OpenedSession>, next: &str) -> Response {
    let mut response = Redirect::to(next).into_response();
    cookie::set(&mut response, cookie::STAFF, &done.body.token);
    response
}

async fn sign_out(State(app): State<AppState>, signed: SignedIn) -> ApiResult<Response> {
    api::sign_out(State(app), signed.principal).await?;
    let mut response = Redirect::to("/staff/sign-in?signed_out=true").into_response();
    cookie::clear(&mut response, cookie::STAFF);
    Ok(response)
}

#[derive(Deserialize)]
struct LanguageForm {
    language: String,
    #[serde(default)]
    back: String,
}

async fn choose_language(form: Form<LanguageForm>) -> Response {
    let mut response = Redirect::to(safe_address(&form.value.back)).into_response();
    if let Some(language) = Language::from_name(&form.value.language) {
        cookie::keep(&mut response, cookie::LANGUAGE, language.name());
    }
    response
}

#[derive(askama::Template)]
#[template(path = "staff/invitation.html")]
struct InvitationPage {
    w: Words,
    css: String,
    staff_css: String,
    script: String,
    error: Option<String>,
    bad_password: bool,
}

impl InvitationPage {
    fn new(w: Words) -> Self {
        Self {
            w,
            css: assets::address("base.css"),
            staff_css: assets::address("staff.css"),
            script: assets::address("invitation.js"),
            error: None,
            bad_password: false,
        }
    }
}

/// The link's token stands in the fragment, which no server, log or Referer ever sees; a script puts it into the form.
async fn invitation(headers: HeaderMap) -> ApiResult<Response> {
    render(&InvitationPage::new(words(&headers)))
}

#[derive(Deserialize)]
struct InvitationForm {
    #[serde(default)]
    token: String,
    #[serde(default)]
    password: String,
}

async fn accept(
    State(app): State<AppState>,
    peer: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    form: Form<InvitationForm>,
) -> ApiResult<Response> {
    let w = words(&headers);
    // The whole link may be pasted.
    let token = form.value.token.trim().rsplit('#').next().unwrap_or_default().to_owned();
    let value = Acceptance { token, password: form.value.password };
    match api::accept(State(app), peer, headers, ApiJson { value, bytes: Bytes::new() }).await {
        Ok(done) => Ok(opened(&done, "/staff")),
        Err(problem) => {
            let bad_password = problem.code == "invalid_field";
            let error = match problem.code {
                "invalid_field" => w.t("invitation-password-bad"),
                "invitation_gone" => w.t("invitation-gone"),
                "too_many_requests" => w.t("sign-in-wait"),
                _ => return Err(problem),
            };
            let page = InvitationPage { error: Some(error), bad_password, ..InvitationPage::new(w) };
            with_status(&problem, render(&page)?)
        }
    }
}
