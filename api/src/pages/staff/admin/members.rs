//! Members of the staff: one-time links, roles, accounts that are switched off and on.

use super::outcome::{After, Errors, Line, Outcome, Refused, press, stored, submit};
use super::{Admin, Button, Page, on_page, written};
use crate::http::AppState;
use crate::http::clinics::members::{self, ClinicMember, Invitation, MemberForm, RoleForm};
use crate::http::extract::ApiPath;
use crate::http::problem::{ApiResult, Problem};
use crate::pages::form::Form;
use crate::pages::render_as;
use crate::pages::text::Words;
use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use booking_domain::ids::MemberId;
use booking_domain::stream::StreamName;
use booking_domain::values::Role;
use serde::Deserialize;

const LIST: &str = "/staff/admin/members";

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route(LIST, get(list))
        .route("/staff/admin/members/new", get(new).post(add))
        .route("/staff/admin/members/{member}", get(show).post(save))
        .route("/staff/admin/members/{member}/disable", post(disable))
        .route("/staff/admin/members/{member}/enable", post(enable))
        .route("/staff/admin/members/{member}/invitation", post(invite))
}

#[derive(askama::Template)]
#[template(path = "staff/admin/members.html")]
struct ListPage {
    page: Page,
    items: Vec<ClinicMember>,
    me: uuid::Uuid,
}

#[derive(askama::Template)]
#[template(path = "staff/admin/member_new.html")]
struct NewPage {
    page: Page,
    fields: Fields,
    roles: Vec<RoleChoice>,
}

#[derive(askama::Template)]
#[template(path = "staff/admin/member.html")]
struct MemberPage {
    page: Page,
    member: ClinicMember,
    role: String,
    revision: u64,
    roles: Vec<RoleChoice>,
}

#[derive(askama::Template)]
#[template(path = "staff/admin/invitation.html")]
struct InvitationPage {
    page: Page,
    name: String,
    link: String,
    expires: String,
}

on_page!(ListPage, NewPage, MemberPage, InvitationPage);

/// A role to choose, with what it may do.
pub(super) struct RoleChoice {
    pub(super) name: &'static str,
    pub(super) label: String,
    pub(super) hint: String,
}

/// The four roles, the least powerful first.
pub(super) fn roles(w: Words) -> Vec<RoleChoice> {
    let all = [Role::Scheduler, Role::Practitioner, Role::Auditor, Role::Administrator];
    all.map(|role| RoleChoice { name: role.name(), label: role_name(w, role.name()), hint: role_hint(w, role) }).into()
}

/// A role, in words.
pub(super) fn role_name(w: Words, name: &str) -> String {
    match Role::from_name(name) {
        Some(Role::Administrator) => w.t("admin-role-administrator"),
        Some(Role::Scheduler) => w.t("admin-role-scheduler"),
        Some(Role::Practitioner) => w.t("admin-role-practitioner"),
        Some(Role::Auditor) => w.t("admin-role-auditor"),
        _ => w.t("admin-role-unknown"),
    }
}

fn role_hint(w: Words, role: Role) -> String {
    match role {
        Role::Administrator => w.t("admin-role-administrator-hint"),
        Role::Scheduler => w.t("admin-role-scheduler-hint"),
        Role::Practitioner => w.t("admin-role-practitioner-hint"),
        _ => w.t("admin-role-auditor-hint"),
    }
}

/// What is typed of a new member.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Fields {
    key: String,
    name: String,
    email: String,
    role: String,
}

/// What is chosen of a member who is there.
#[derive(Clone, Debug, Deserialize)]
struct RoleFields {
    #[serde(default)]
    key: String,
    #[serde(default)]
    revision: Option<u64>,
    #[serde(default)]
    role: String,
}

pub(super) fn explain(pointer: &str) -> (&'static str, &'static str) {
    match pointer {
        "/name" => ("name", "admin-bad-name"),
        "/email" => ("email", "admin-bad-email"),
        "/role" => ("role", "admin-bad-role"),
        _ => ("main", "admin-bad-form"),
    }
}

/// A role of the list is always known: what is refused is to leave the clinic without an administrator.
pub(super) fn explain_change(_: &str) -> (&'static str, &'static str) {
    ("role", "admin-bad-last-administrator")
}

async fn list(admin: Admin, Query(after): Query<After>) -> ApiResult<Response> {
    let mut items = members::list(admin.state(), admin.principal(), admin.clinic()).await?.0.items;
    items.sort_by_key(|member| (member.disabled, member.name.as_deref().unwrap_or_default().to_lowercase()));
    let (outcome, me) = (Outcome::after(&after, admin.w()), admin.principal.member.0);
    render_as(outcome.status(), &ListPage { page: admin.page("members", outcome), items, me })
}

/// One of the members; the API lists them.
async fn one(admin: &Admin, id: MemberId) -> ApiResult<ClinicMember> {
    let all = members::list(admin.state(), admin.principal(), admin.clinic()).await?.0.items;
    all.into_iter().find(|member| member.id == id.0).ok_or_else(Problem::not_found)
}

async fn new(admin: Admin) -> ApiResult<Response> {
    let role = Role::Scheduler.name().to_owned();
    empty(admin, Outcome::default(), Fields { role, ..Fields::default() })
}

fn empty(admin: Admin, outcome: Outcome, fields: Fields) -> ApiResult<Response> {
    let (status, roles) = (outcome.status(), roles(admin.w()));
    render_as(status, &NewPage { page: admin.page("members", outcome), fields, roles })
}

async fn show(admin: Admin, ApiPath(id): ApiPath<MemberId>, Query(after): Query<After>) -> ApiResult<Response> {
    let outcome = Outcome::after(&after, admin.w());
    let member = one(&admin, id).await?;
    filled(admin, outcome, member, None)
}

/// The member's page; `typed`: the role and the revision of a form that was refused.
fn filled(admin: Admin, outcome: Outcome, member: ClinicMember, typed: Option<(String, u64)>) -> ApiResult<Response> {
    let (status, roles) = (outcome.status(), roles(admin.w()));
    let (role, revision) = typed.unwrap_or_else(|| (member.role.to_owned(), member.revision));
    render_as(status, &MemberPage { page: admin.page("members", outcome), member, role, revision, roles })
}

fn invited(admin: Admin, status: StatusCode, name: Option<String>, invitation: &Invitation) -> ApiResult<Response> {
    let link = format!("{}{}", admin.origin, invitation.path);
    let expires = written(admin.w(), &invitation.expires_at);
    let name = name.unwrap_or_default();
    render_as(status, &InvitationPage { page: admin.page("members", Outcome::default()), name, link, expires })
}

async fn add(admin: Admin, form: Form<Fields>) -> ApiResult<Response> {
    let (w, fields) = (admin.w(), &form.value);
    let parse = || {
        let Fields { name, email, role, .. } = fields.clone();
        Ok::<_, Errors>(MemberForm { name, email, role })
    };
    let sent = submit(w, explain, parse, |member| {
        let headers = form.command(&fields.key, None);
        members::add(admin.state(), admin.principal(), admin.clinic(), headers, form.json(member))
    });
    match sent.await? {
        Ok(done) => invited(admin, done.status, done.body.member.name, &done.body.invitation),
        Err(refused) => {
            let outcome = Outcome::of_button(refused, &admin, &admin.stream()).await?;
            empty(admin, outcome, form.value)
        }
    }
}

async fn save(admin: Admin, ApiPath(id): ApiPath<MemberId>, form: Form<RoleFields>) -> ApiResult<Response> {
    let (w, fields) = (admin.w(), &form.value);
    let parse = || Ok::<_, Errors>(RoleForm { role: fields.role.clone() });
    let sent = submit(w, explain_change, parse, |role| {
        let headers = form.command(&fields.key, fields.revision);
        members::change_role(admin.state(), admin.principal(), admin.at(id), headers, form.json(role))
    });
    let refused = match sent.await? {
        // Who took the role from themselves has no place on these pages any more.
        Ok(done) if id == admin.principal.member && done.body.role != Role::Administrator.name() => {
            return Ok(stored("/staff", "saved"));
        }
        Ok(_) => return Ok(stored(LIST, "saved")),
        Err(refused) => refused,
    };
    let member = one(&admin, id).await?;
    let typed = match &refused {
        Refused::Stale(_) => None,
        Refused::Fields(_) => Some((fields.role.clone(), fields.revision.unwrap_or_default())),
    };
    let line = |role: &str| vec![Line::new(w.t("admin-member-role"), role_name(w, role))];
    let texts = (line(&fields.role), &line(member.role)[..]);
    let outcome = Outcome::of(refused, &admin, &StreamName::staff(id), texts).await?;
    filled(admin, outcome, member, typed)
}

async fn disable(admin: Admin, ApiPath(id): ApiPath<MemberId>, form: Form<Button>) -> ApiResult<Response> {
    let sent = submit(
        admin.w(),
        explain_change,
        || Ok(()),
        |()| {
            let headers = form.command(&form.value.key, form.value.revision);
            members::disable(admin.state(), admin.principal(), admin.at(id), headers)
        },
    );
    let sent = sent.await?;
    pressed(admin, id, sent).await
}

async fn enable(admin: Admin, ApiPath(id): ApiPath<MemberId>, form: Form<Button>) -> ApiResult<Response> {
    let sent = press(admin.w(), || {
        let headers = form.command(&form.value.key, form.value.revision);
        members::enable(admin.state(), admin.principal(), admin.at(id), headers)
    });
    let sent = sent.await?;
    pressed(admin, id, sent).await
}

async fn pressed<T>(admin: Admin, id: MemberId, sent: Result<T, Refused>) -> ApiResult<Response> {
    match sent {
        Ok(_) => Ok(stored(LIST, "saved")),
        Err(refused) => {
            let outcome = Outcome::of_button(refused, &admin, &StreamName::staff(id)).await?;
            let member = one(&admin, id).await?;
            filled(admin, outcome, member, None)
        }
    }
}

async fn invite(admin: Admin, ApiPath(id): ApiPath<MemberId>) -> ApiResult<Response> {
    let sent = press(admin.w(), || members::invite(admin.state(), admin.principal(), admin.at(id)));
    match sent.await? {
        Ok(done) => {
            let member = one(&admin, id).await?;
            invited(admin, done.status, member.name, &done.body)
        }
        Err(refused) => pressed::<()>(admin, id, Err(refused)).await,
    }
}
