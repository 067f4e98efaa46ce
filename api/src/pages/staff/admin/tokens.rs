//! Tokens of other programs: issued, shown once, revoked.

use super::members::{RoleChoice, roles};
use super::outcome::{After, Errors, Outcome, press, stored, submit};
use super::{Admin, Button, Page, on_page, tidy};
use crate::http::AppState;
use crate::http::clinics::tokens::{self, IssuedToken, MachineToken, TokenForm};
use crate::http::extract::ApiPath;
use crate::http::problem::ApiResult;
use crate::pages::form::Form;
use crate::pages::render_as;
use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use booking_domain::values::Role;
use serde::Deserialize;
use uuid::Uuid;

const LIST: &str = "/staff/admin/tokens";

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route(LIST, get(list))
        .route("/staff/admin/tokens/new", get(new).post(issue))
        .route("/staff/admin/tokens/{token}/revoke", post(revoke))
}

#[derive(askama::Template)]
#[template(path = "staff/admin/tokens.html")]
struct ListPage {
    page: Page,
    items: Vec<MachineToken>,
}

#[derive(askama::Template)]
#[template(path = "staff/admin/token_new.html")]
struct NewPage {
    page: Page,
    fields: Fields,
    roles: Vec<RoleChoice>,
}

#[derive(askama::Template)]
#[template(path = "staff/admin/token.html")]
struct TokenPage {
    page: Page,
    issued: IssuedToken,
}

on_page!(ListPage, NewPage, TokenPage);

/// What is typed of a new token.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    key: String,
    label: String,
    role: String,
}

pub(super) fn explain(pointer: &str) -> (&'static str, &'static str) {
    match pointer {
        "/label" => ("label", "admin-bad-label"),
        "/role" => ("role", "admin-bad-role"),
        _ => ("main", "admin-bad-form"),
    }
}

async fn list(admin: Admin, Query(after): Query<After>) -> ApiResult<Response> {
    let outcome = Outcome::after(&after, admin.w());
    listed(admin, outcome).await
}

async fn listed(admin: Admin, outcome: Outcome) -> ApiResult<Response> {
    let items = tokens::list(admin.state(), admin.principal(), admin.clinic()).await?.0.items;
    render_as(outcome.status(), &ListPage { page: admin.page("tokens", outcome), items })
}

async fn new(admin: Admin) -> ApiResult<Response> {
    let role = Role::Scheduler.name().to_owned();
    empty(admin, Outcome::default(), Fields { role, ..Fields::default() })
}

fn empty(admin: Admin, outcome: Outcome, fields: Fields) -> ApiResult<Response> {
    let (status, roles) = (outcome.status(), roles(admin.w()));
    render_as(status, &NewPage { page: admin.page("tokens", outcome), fields, roles })
}

async fn issue(admin: Admin, form: Form<Fields>) -> ApiResult<Response> {
    let (w, fields) = (admin.w(), &form.value);
    let parse = || Ok::<_, Errors>(TokenForm { label: tidy(&fields.label), role: fields.role.clone() });
    let sent = submit(w, explain, parse, |token| {
        let headers = form.command(&fields.key, None);
        tokens::issue(admin.state(), admin.principal(), admin.clinic(), headers, form.json(token))
    });
    match sent.await? {
        Ok(done) => {
            let page = admin.page("tokens", Outcome::default());
            render_as(StatusCode::CREATED, &TokenPage { page, issued: done.body })
        }
        Err(refused) => {
            let outcome = Outcome::of_button(refused, &admin, &admin.stream()).await?;
            empty(admin, outcome, form.value)
        }
    }
}

async fn revoke(admin: Admin, ApiPath(id): ApiPath<Uuid>, _: Form<Button>) -> ApiResult<Response> {
    let sent = press(admin.w(), || tokens::revoke(admin.state(), admin.principal(), admin.at(id)));
    match sent.await? {
        Ok(_) => Ok(stored(LIST, "revoked")),
        Err(refused) => {
            let outcome = Outcome::of_button(refused, &admin, &admin.stream()).await?;
            listed(admin, outcome).await
        }
    }
}
