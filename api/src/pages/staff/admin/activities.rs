//! Activities: what appointments are for, inside the clinic. No patient reads their names (R6).

use super::outcome::{self, After, Errors, Line, Outcome, press, stored, submit};
use super::spans::number;
use super::{Admin, Button, Page, on_page, tidy};
use crate::http::AppState;
use crate::http::clinics::roster::{self, ActivityForm, ClinicActivity};
use crate::http::extract::ApiPath;
use crate::http::problem::{ApiResult, Problem};
use crate::pages::form::Form;
use crate::pages::render_as;
use crate::pages::text::Words;
use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::{get, post};
use booking_domain::ids::ActivityId;
use booking_domain::values::Modality;
use serde::Deserialize;

const LIST: &str = "/staff/admin/activities";

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route(LIST, get(list))
        .route("/staff/admin/activities/new", get(new).post(add))
        .route("/staff/admin/activities/{activity}", get(show).post(save))
        .route("/staff/admin/activities/{activity}/retire", post(retire))
}

#[derive(askama::Template)]
#[template(path = "staff/admin/activities.html")]
struct ListPage {
    page: Page,
    items: Vec<ClinicActivity>,
}

#[derive(askama::Template)]
#[template(path = "staff/admin/activity.html")]
struct FormPage {
    page: Page,
    /// None for a new one.
    known: Option<ClinicActivity>,
    fields: Fields,
}

on_page!(ListPage, FormPage);

/// What is typed on the page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    key: String,
    revision: Option<u64>,
    name: String,
    duration: String,
    modality: String,
}

impl Fields {
    fn of(activity: &ClinicActivity) -> Self {
        Self {
            revision: Some(activity.revision),
            name: activity.name.clone(),
            duration: activity.duration_minutes.to_string(),
            modality: activity.modality.to_owned(),
            ..Self::default()
        }
    }

    fn parse(&self, w: Words) -> Result<ActivityForm, Errors> {
        match number(&self.duration) {
            Ok(Some(duration_minutes)) => {
                let modality = Some(self.modality.clone()).filter(|m| !m.is_empty());
                Ok(ActivityForm { name: tidy(&self.name), duration_minutes, modality })
            }
            _ => Err(Errors::one("duration", w.t("admin-bad-duration"))),
        }
    }
}

impl outcome::Fields for Fields {
    fn lines(&self, w: Words) -> Vec<Line> {
        vec![
            Line::new(w.t("admin-activity-name"), tidy(&self.name)),
            Line::new(w.t("admin-activity-duration"), self.duration.trim()),
            Line::new(w.t("admin-activity-modality"), modality(w, &self.modality)),
        ]
    }
}

/// How an appointment takes place, in words.
pub(super) fn modality(w: Words, name: &str) -> String {
    match Modality::from_name(name) {
        Some(Modality::Video) => w.t("admin-modality-video"),
        Some(Modality::Telephone) => w.t("admin-modality-telephone"),
        Some(Modality::HomeVisit) => w.t("admin-modality-home-visit"),
        _ => w.t("admin-modality-in-person"),
    }
}

pub(super) fn explain(pointer: &str) -> (&'static str, &'static str) {
    match pointer {
        "/name" => ("name", "admin-bad-name"),
        "/duration_minutes" => ("duration", "admin-bad-duration"),
        "/modality" => ("modality", "admin-bad-choice"),
        _ => ("main", "admin-bad-form"),
    }
}

async fn list(admin: Admin, Query(after): Query<After>) -> ApiResult<Response> {
    let outcome = Outcome::after(&after, admin.w());
    listed(admin, outcome).await
}

async fn listed(admin: Admin, outcome: Outcome) -> ApiResult<Response> {
    let mut items = roster::activities(admin.state(), admin.principal(), admin.clinic()).await?.body.items;
    items.sort_by_key(|activity| (activity.retired, activity.name.to_lowercase()));
    let status = outcome.status();
    render_as(status, &ListPage { page: admin.page("activities", outcome), items })
}

/// One of the clinic's activities; the API lists them.
async fn one(admin: &Admin, id: ActivityId) -> ApiResult<ClinicActivity> {
    let all = roster::activities(admin.state(), admin.principal(), admin.clinic()).await?.body.items;
    all.into_iter().find(|activity| activity.id == id.0).ok_or_else(Problem::not_found)
}

async fn new(admin: Admin) -> ApiResult<Response> {
    filled(
        admin,
        Outcome::default(),
        None,
        Fields { modality: Modality::InPerson.name().to_owned(), ..Fields::default() },
    )
}

async fn show(admin: Admin, ApiPath(id): ApiPath<ActivityId>) -> ApiResult<Response> {
    let known = one(&admin, id).await?;
    let fields = Fields::of(&known);
    filled(admin, Outcome::default(), Some(known), fields)
}

fn filled(admin: Admin, outcome: Outcome, known: Option<ClinicActivity>, fields: Fields) -> ApiResult<Response> {
    let status = outcome.status();
    render_as(status, &FormPage { page: admin.page("activities", outcome), known, fields })
}

async fn add(admin: Admin, form: Form<Fields>) -> ApiResult<Response> {
    let (w, fields) = (admin.w(), &form.value);
    let sent = submit(
        w,
        explain,
        || fields.parse(w),
        |activity| {
            let headers = form.command(&fields.key, None);
            roster::define_activity(admin.state(), admin.principal(), admin.clinic(), headers, form.json(activity))
        },
    );
    match sent.await? {
        Ok(_) => Ok(stored(LIST, "added")),
        Err(refused) => {
            let outcome = Outcome::of_button(refused, &admin, &admin.stream()).await?;
            filled(admin, outcome, None, form.value)
        }
    }
}

async fn save(admin: Admin, ApiPath(id): ApiPath<ActivityId>, form: Form<Fields>) -> ApiResult<Response> {
    let (w, fields) = (admin.w(), &form.value);
    let sent = submit(
        w,
        explain,
        || fields.parse(w),
        |activity| {
            let headers = form.command(&fields.key, fields.revision);
            roster::change_activity(admin.state(), admin.principal(), admin.at(id), headers, form.json(activity))
        },
    );
    let Err(refused) = sent.await? else { return Ok(stored(LIST, "saved")) };
    let known = one(&admin, id).await?;
    let current = Fields::of(&known);
    let (outcome, shown) = Outcome::of_form(refused, &admin, fields, current).await?;
    filled(admin, outcome, Some(known), shown)
}

async fn retire(admin: Admin, ApiPath(id): ApiPath<ActivityId>, form: Form<Button>) -> ApiResult<Response> {
    let sent = press(admin.w(), || {
        let headers = form.command(&form.value.key, form.value.revision);
        roster::retire_activity(admin.state(), admin.principal(), admin.at(id), headers)
    });
    match sent.await? {
        Ok(_) => Ok(stored(LIST, "saved")),
        Err(refused) => {
            let outcome = Outcome::of_button(refused, &admin, &admin.stream()).await?;
            listed(admin, outcome).await
        }
    }
}
