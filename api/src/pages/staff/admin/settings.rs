//! The clinic's settings: delays, caps, holds, the patient's cut-off, the proof of recognition (8.4, 8.7, 8.9, 8.11), and
//! in a form of its own how long what is kept (`retention`).

use super::outcome::{self, After, Errors, Line, Outcome, stored, submit};
use super::spans::{Unit, minutes, number, shown};
use super::{Admin, Page, on_page, retention};
use crate::http::AppState;
use crate::http::clinics::settings::{self, SettingsForm};
use crate::http::clinics::setup;
use crate::http::problem::ApiResult;
use crate::pages::form::Form;
use crate::pages::render_as;
use crate::pages::text::Words;
use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

pub(super) const PATH: &str = "/staff/admin/settings";

pub(super) fn routes() -> Router<AppState> {
    Router::new().route(PATH, get(show).post(save)).merge(retention::routes())
}

#[derive(askama::Template)]
#[template(path = "staff/admin/settings.html")]
struct SettingsPage {
    page: Page,
    fields: Fields,
    kept: retention::Fields,
    clinic: String,
    time_zone: String,
}

on_page!(SettingsPage);

/// What is typed on the page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    key: String,
    revision: Option<u64>,
    notice: String,
    notice_unit: Unit,
    horizon: String,
    horizon_unit: Unit,
    cap: String,
    hold: String,
    cutoff: String,
    cutoff_unit: Unit,
    recognition_proof: String,
    recurring: bool,
}

impl Fields {
    fn of(form: &SettingsForm, revision: u64) -> Self {
        let (notice, notice_unit) = shown(form.min_notice_minutes);
        let (horizon, horizon_unit) = form.max_horizon_minutes.map_or_else(|| (String::new(), Unit::Days), shown);
        let (cutoff, cutoff_unit) = shown(form.change_cutoff_minutes);
        Self {
            key: String::new(),
            revision: Some(revision),
            notice,
            notice_unit,
            horizon,
            horizon_unit,
            cap: form.max_future_appointments.map(|cap| cap.to_string()).unwrap_or_default(),
            hold: form.hold_minutes.to_string(),
            cutoff,
            cutoff_unit,
            recognition_proof: form.recognition_proof.clone(),
            recurring: form.offer_recurring_online,
        }
    }

    fn parse(&self, w: Words) -> Result<SettingsForm, Errors> {
        let mut errors = Errors::default();
        let notice = minutes(&self.notice, self.notice_unit);
        let horizon = minutes(&self.horizon, self.horizon_unit);
        let (cap, hold) = (number::<u16>(&self.cap), number::<u16>(&self.hold));
        let cutoff = minutes(&self.cutoff, self.cutoff_unit);
        for (bad, id, key) in [
            (notice.is_err(), "notice", "admin-bad-notice"),
            (horizon.is_err(), "horizon", "admin-bad-horizon"),
            (cap.is_err(), "cap", "admin-bad-cap"),
            (!matches!(hold, Ok(Some(_))), "hold", "admin-bad-hold"),
            (!matches!(cutoff, Ok(Some(_))), "cutoff", "admin-bad-cutoff"),
        ] {
            if bad {
                errors.add(id, w.t(key));
            }
        }
        match (notice, horizon, cap, hold, cutoff) {
            (Ok(notice), Ok(horizon), Ok(cap), Ok(Some(hold)), Ok(Some(cutoff))) => Ok(SettingsForm {
                min_notice_minutes: notice.unwrap_or(0),
                max_horizon_minutes: horizon,
                max_future_appointments: cap,
                hold_minutes: hold,
                change_cutoff_minutes: cutoff,
                recognition_proof: self.recognition_proof.clone(),
                offer_recurring_online: self.recurring,
            }),
            _ => Err(errors),
        }
    }
}

impl outcome::Fields for Fields {
    fn lines(&self, w: Words) -> Vec<Line> {
        let span = |number: &str, unit: Unit| {
            if number.trim().is_empty() { String::new() } else { format!("{} {}", number.trim(), unit_name(w, unit)) }
        };
        vec![
            Line::new(w.t("admin-settings-notice"), span(&self.notice, self.notice_unit)),
            Line::new(w.t("admin-settings-horizon"), span(&self.horizon, self.horizon_unit)),
            Line::new(w.t("admin-settings-cap"), self.cap.trim()),
            Line::new(w.t("admin-settings-hold"), self.hold.trim()),
            Line::new(w.t("admin-settings-cutoff"), span(&self.cutoff, self.cutoff_unit)),
            Line::new(w.t("admin-settings-proof"), proof(w, &self.recognition_proof)),
            Line::new(w.t("admin-settings-recurring"), yes_no(w, self.recurring)),
        ]
    }
}

/// A unit of time, in words.
pub(super) fn unit_name(w: Words, unit: Unit) -> String {
    match unit {
        Unit::Minutes => w.t("admin-unit-minutes"),
        Unit::Hours => w.t("admin-unit-hours"),
        Unit::Days => w.t("admin-unit-days"),
    }
}

/// "Yes" or "No".
pub(super) fn yes_no(w: Words, yes: bool) -> String {
    if yes { w.t("admin-yes") } else { w.t("admin-no") }
}

fn proof(w: Words, name: &str) -> String {
    if name == "one_time_code" { w.t("admin-proof-code") } else { w.t("admin-proof-none") }
}

pub(super) fn explain(pointer: &str) -> (&'static str, &'static str) {
    match pointer {
        "/min_notice_minutes" => ("notice", "admin-bad-notice"),
        "/max_horizon_minutes" => ("horizon", "admin-bad-horizon"),
        "/max_future_appointments" => ("cap", "admin-bad-cap"),
        "/hold_minutes" => ("hold", "admin-bad-hold"),
        "/change_cutoff_minutes" => ("cutoff", "admin-bad-cutoff"),
        "/recognition_proof" => ("recognition_proof", "admin-bad-choice"),
        _ => ("main", "admin-bad-form"),
    }
}

async fn current(admin: &Admin) -> ApiResult<Fields> {
    let read = settings::read(admin.state(), admin.principal(), admin.clinic()).await?;
    Ok(Fields::of(&read.body, read.revision.unwrap_or_default()))
}

async fn show(admin: Admin, Query(after): Query<After>) -> ApiResult<Response> {
    let fields = current(&admin).await?;
    let outcome = Outcome::after(&after, admin.w());
    filled(admin, outcome, fields).await
}

async fn filled(admin: Admin, outcome: Outcome, fields: Fields) -> ApiResult<Response> {
    let kept = retention::current(&admin).await?;
    page(admin, outcome, fields, kept).await
}

/// The page with another form of how long what is kept.
pub(super) async fn with_retention(admin: Admin, outcome: Outcome, kept: retention::Fields) -> ApiResult<Response> {
    let fields = current(&admin).await?;
    page(admin, outcome, fields, kept).await
}

async fn page(admin: Admin, outcome: Outcome, fields: Fields, kept: retention::Fields) -> ApiResult<Response> {
    let overview = setup::overview(admin.state(), admin.principal(), admin.clinic()).await?.body;
    let status = outcome.status();
    let (clinic, time_zone) = (overview.name, overview.time_zone);
    render_as(status, &SettingsPage { page: admin.page("settings", outcome), fields, kept, clinic, time_zone })
}

async fn save(admin: Admin, form: Form<Fields>) -> ApiResult<Response> {
    let (w, fields) = (admin.w(), &form.value);
    let sent = submit(
        w,
        explain,
        || fields.parse(w),
        |body| {
            let headers = form.command(&fields.key, fields.revision);
            settings::change(admin.state(), admin.principal(), admin.clinic(), headers, form.json(body))
        },
    );
    let Err(refused) = sent.await? else { return Ok(stored(PATH, "saved")) };
    let current = current(&admin).await?;
    let (outcome, shown) = Outcome::of_form(refused, &admin, fields, current).await?;
    filled(admin, outcome, shown).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_domain::values::Language;

    #[test]
    fn settings_read_back_as_they_are_shown() {
        let form = SettingsForm {
            min_notice_minutes: 90,
            max_horizon_minutes: Some(60 * 24 * 90),
            max_future_appointments: Some(2),
            hold_minutes: 7,
            change_cutoff_minutes: 0,
            recognition_proof: "one_time_code".to_owned(),
            offer_recurring_online: true,
        };
        let w = Words::of(Language::En);
        assert_eq!(Fields::of(&form, 3).parse(w), Ok(form));
    }

    #[test]
    fn every_number_that_cannot_be_read_is_named() {
        let fields = Fields { notice: "x".to_owned(), cap: "-1".to_owned(), ..Fields::default() };
        let errors = fields.parse(Words::of(Language::En)).unwrap_err();
        let ids: Vec<_> = errors.all().iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, ["notice", "cap", "hold", "cutoff"]);
    }
}
