//! How long the clinic keeps what: a form of its own on the page of the settings, since it has a revision of its own.

use super::outcome::{self, Errors, Line, Outcome, stored, submit};
use super::spans::number;
use super::{Admin, settings};
use crate::http::AppState;
use crate::http::clinics::erasures::{self, RetentionForm};
use crate::http::problem::ApiResult;
use crate::pages::form::Form;
use crate::pages::text::Words;
use axum::Router;
use axum::response::{Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/staff/admin/settings/retention", get(back).post(save))
}

/// Somebody who signed in again after the button comes back to the page.
async fn back() -> Redirect {
    Redirect::to(settings::PATH)
}

/// What is typed in the form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    key: String,
    pub(super) revision: Option<u64>,
    pub(super) attached_years: String,
    pub(super) provisional_days: String,
    pub(super) cooling_off_days: String,
}

impl Fields {
    fn of(form: RetentionForm, revision: u64) -> Self {
        let RetentionForm { attached_years, provisional_days, cooling_off_days } = form;
        Self {
            key: String::new(),
            revision: Some(revision),
            attached_years: attached_years.to_string(),
            provisional_days: provisional_days.to_string(),
            cooling_off_days: cooling_off_days.to_string(),
        }
    }

    fn parse(&self, w: Words) -> Result<RetentionForm, Errors> {
        let mut errors = Errors::default();
        let mut read = |text: &str, id: &'static str, key: &str| {
            let Ok(Some(number)) = number(text) else {
                errors.add(id, w.t(key));
                return 0;
            };
            number
        };
        let form = RetentionForm {
            attached_years: read(&self.attached_years, "attached_years", "admin-bad-attached-years"),
            provisional_days: read(&self.provisional_days, "provisional_days", "admin-bad-provisional-days"),
            cooling_off_days: read(&self.cooling_off_days, "cooling_off_days", "admin-bad-cooling-off-days"),
        };
        if errors.is_empty() { Ok(form) } else { Err(errors) }
    }
}

impl outcome::Fields for Fields {
    fn lines(&self, w: Words) -> Vec<Line> {
        vec![
            Line::new(w.t("admin-retention-attached"), self.attached_years.trim()),
            Line::new(w.t("admin-retention-provisional"), self.provisional_days.trim()),
            Line::new(w.t("admin-retention-cooling-off"), self.cooling_off_days.trim()),
        ]
    }
}

pub(super) fn explain(pointer: &str) -> (&'static str, &'static str) {
    match pointer {
        "/attached_years" => ("attached_years", "admin-bad-attached-years"),
        "/provisional_days" => ("provisional_days", "admin-bad-provisional-days"),
        "/cooling_off_days" => ("cooling_off_days", "admin-bad-cooling-off-days"),
        _ => ("main", "admin-bad-form"),
    }
}

/// What holds now.
pub(super) async fn current(admin: &Admin) -> ApiResult<Fields> {
    let read = erasures::retention(admin.state(), admin.principal(), admin.clinic()).await?;
    Ok(Fields::of(read.body, read.revision.unwrap_or_default()))
}

async fn save(admin: Admin, form: Form<Fields>) -> ApiResult<Response> {
    let (w, fields) = (admin.w(), &form.value);
    let sent = submit(
        w,
        explain,
        || fields.parse(w),
        |body| {
            let headers = form.command(&fields.key, fields.revision);
            erasures::set_retention(admin.state(), admin.principal(), admin.clinic(), headers, form.json(body))
        },
    );
    let Err(refused) = sent.await? else { return Ok(stored(settings::PATH, "saved")) };
    let current = current(&admin).await?;
    let (outcome, shown) = Outcome::of_form(refused, &admin, fields, current).await?;
    settings::with_retention(admin, outcome, shown).await
}
