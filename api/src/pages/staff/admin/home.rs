//! The first page of the administration: what is done, what is still missing before patients see anything (4.1).

use super::outcome::{After, Outcome};
use super::{Admin, Page, on_page};
use crate::http::AppState;
use crate::http::clinics::setup::{self, ClinicOverview};
use crate::http::problem::ApiResult;
use crate::pages::render;
use crate::pages::text::Words;
use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/staff/admin", get(show))
}

#[derive(askama::Template)]
#[template(path = "staff/admin/home.html")]
struct HomePage {
    page: Page,
    clinic: String,
    /// What patients see now, in a sentence.
    state: String,
    ready: bool,
    steps: Vec<Step>,
}

on_page!(HomePage);

/// A step of the set-up.
struct Step {
    id: &'static str,
    done: bool,
    title: String,
    why: String,
    /// The page where it is done.
    link: &'static str,
}

async fn show(admin: Admin, Query(after): Query<After>) -> ApiResult<Response> {
    let w = admin.w();
    let overview = setup::overview(admin.state(), admin.principal(), admin.clinic()).await?.body;
    let steps = overview.checklist.iter().filter_map(|step| described(w, step.step, step.done)).collect();
    let (state, ready) = (state(w, &overview), overview.ready);
    let page = admin.page("home", Outcome::after(&after, w));
    render(&HomePage { page, clinic: overview.name, state, ready, steps })
}

/// What patients see now, and why not more: the first thing that is missing for them.
fn state(w: Words, overview: &ClinicOverview) -> String {
    let done = |name: &str| overview.checklist.iter().any(|step| step.step == name && step.done);
    if !overview.portal_active {
        return if overview.checklist.iter().all(|step| step.done || step.step == "portal_active") {
            w.t("admin-state-only-switch")
        } else {
            w.t("admin-state-off")
        };
    }
    if !done("service") {
        w.t("admin-state-no-service")
    } else if !done("online_times") {
        w.t("admin-state-no-times")
    } else {
        w.t("admin-state-ready")
    }
}

fn described(w: Words, step: &'static str, done: bool) -> Option<Step> {
    let (title, why, link) = match step {
        "portal_configured" => (w.t("admin-step-portal"), w.t("admin-step-portal-why"), "/staff/admin/portal"),
        "activity" => (w.t("admin-step-activity"), w.t("admin-step-activity-why"), "/staff/admin/activities"),
        "practitioner" => {
            (w.t("admin-step-practitioner"), w.t("admin-step-practitioner-why"), "/staff/admin/practitioners")
        }
        "agenda" => (w.t("admin-step-agenda"), w.t("admin-step-agenda-why"), "/staff/admin/practitioners"),
        "service" => (w.t("admin-step-service"), w.t("admin-step-service-why"), "/staff/admin/services"),
        "online_times" => (w.t("admin-step-times"), w.t("admin-step-times-why"), "/staff"),
        "portal_active" => (w.t("admin-step-active"), w.t("admin-step-active-why"), "/staff/admin/portal"),
        _ => return None,
    };
    Some(Step { id: step, done, title, why, link })
}
