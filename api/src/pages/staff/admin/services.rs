//! Online services: what patients choose, who may, and whose times go online by it.
//!
//! Before anything is stored the page says by name whose times would be online: an activity that is shared with a
//! practitioner who should not be online is the trap that clinics fall into (R37). The "show" button renders the same
//! page with the count; a script presses it while one types.

use super::outcome::{After, Outcome, Refused, press, stored, submit};
use super::service_fields::{Fields, REGISTRATIONS, Roster, SEXES, kept};
use super::{Admin, Button, Page, on_page};
use crate::http::AppState;
use crate::http::clinics::service_form::ServiceForm;
use crate::http::clinics::services::{self, ClinicService, OnlineCount, ServicePreview};
use crate::http::clinics::{roster, setup};
use crate::http::extract::{ApiJson, ApiPath};
use crate::http::problem::ApiResult;
use crate::pages::form::Form;
use crate::pages::render_as;
use axum::Router;
use axum::body::Bytes;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::{get, post};
use booking_domain::ids::ServiceId;

const LIST: &str = "/staff/admin/services";

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route(LIST, get(list))
        .route("/staff/admin/services/new", get(new).post(add))
        .route("/staff/admin/services/preview", post(preview_new))
        .route("/staff/admin/services/{service}", get(show).post(save))
        .route("/staff/admin/services/{service}/preview", post(preview))
        .route("/staff/admin/services/{service}/deactivate", post(deactivate))
}

#[derive(askama::Template)]
#[template(path = "staff/admin/services.html")]
struct ListPage {
    page: Page,
    items: Vec<Row>,
}

/// A service of the list.
struct Row {
    service: ClinicService,
    activities: String,
    /// Online now; none for one that is off, or that could not be stored as it is.
    online: Option<usize>,
}

#[derive(askama::Template)]
#[template(path = "staff/admin/service.html")]
struct FormPage {
    page: Page,
    /// None for a new one.
    known: Option<ClinicService>,
    fields: Fields,
    roster: Roster,
    /// It has criteria that this page cannot show.
    kept: bool,
    preview: Preview,
}

on_page!(ListPage, FormPage);

/// What the form would put online.
struct Preview {
    /// None where that cannot be said yet.
    counts: Option<Vec<Count>>,
    now: usize,
    later: usize,
    /// Nobody is left out: a practitioner who gets slots of these activities later is online too.
    everybody: bool,
    portal_active: bool,
    /// Somebody pressed the button: the page opens there.
    asked: bool,
}

/// How many times of a practitioner would be online.
struct Count {
    id: uuid::Uuid,
    name: String,
    now: usize,
    later: usize,
    /// Not online by this service today.
    new: bool,
}

/// A value is chosen.
fn has(chosen: &[String], name: &str) -> bool {
    chosen.iter().any(|value| value == name)
}

pub(super) fn explain(pointer: &str) -> (&'static str, &'static str) {
    match pointer {
        "/internal_name" => ("internal_name", "admin-bad-name"),
        "/public_name" => ("name_fr", "admin-bad-public-name"),
        "/description" => ("description_fr", "admin-bad-description"),
        "/activities" => ("activities", "admin-bad-activities"),
        "/activity" => ("activities", "admin-bad-activity-retired"),
        "/practitioners" | "/practitioner" => ("practitioners", "admin-bad-practitioners"),
        "/criteria" => ("age_min", "admin-bad-criteria"),
        "/publication" | "/publication/at" => ("days", "admin-bad-publication"),
        "/usage" => ("usage", "admin-bad-choice"),
        "/min_notice_minutes" => ("notice", "admin-bad-notice"),
        "/max_horizon_minutes" => ("horizon", "admin-bad-horizon"),
        "/max_future_appointments" => ("cap", "admin-bad-cap"),
        "/reasons" => ("reasons", "admin-bad-reasons"),
        "/reason_required" => ("reason_required", "admin-bad-reason-required"),
        _ => ("main", "admin-bad-form"),
    }
}

async fn list(admin: Admin, Query(after): Query<After>) -> ApiResult<Response> {
    let outcome = Outcome::after(&after, admin.w());
    listed(admin, outcome).await
}

async fn listed(admin: Admin, outcome: Outcome) -> ApiResult<Response> {
    let mut all = services::list(admin.state(), admin.principal(), admin.clinic()).await?.body.items;
    all.sort_by_key(|service| (!service.active, service.config.internal_name.to_lowercase()));
    let roster = roster_of(&admin).await?;
    let mut items = Vec::with_capacity(all.len());
    for service in all {
        let online = if service.active { online(&admin, &service).await? } else { None };
        let activities = roster.activities(&service.config.activities);
        items.push(Row { service, activities, online });
    }
    render_as(outcome.status(), &ListPage { page: admin.page("services", outcome), items })
}

async fn online(admin: &Admin, service: &ClinicService) -> ApiResult<Option<usize>> {
    let counted = counted(admin, Some(ServiceId(service.id)), service.config.clone()).await?;
    Ok(counted.map(|preview| preview.proposed.iter().map(|count| count.now).sum()))
}

/// The API's count of a configuration; none if it could not be stored like that.
async fn counted(admin: &Admin, id: Option<ServiceId>, value: ServiceForm) -> ApiResult<Option<ServicePreview>> {
    let form = ApiJson { value, bytes: Bytes::new() };
    let counted = match id {
        None => services::preview(admin.state(), admin.principal(), admin.clinic(), form).await,
        Some(id) => services::preview_change(admin.state(), admin.principal(), admin.at(id), form).await,
    };
    match counted {
        Ok(preview) => Ok(Some(preview.0)),
        Err(problem) if problem.status == 422 => Ok(None),
        Err(problem) => Err(problem),
    }
}

async fn roster_of(admin: &Admin) -> ApiResult<Roster> {
    let mut activities = roster::activities(admin.state(), admin.principal(), admin.clinic()).await?.body.items;
    let mut practitioners = roster::practitioners(admin.state(), admin.principal(), admin.clinic()).await?.body.items;
    activities.sort_by_key(|activity| (activity.retired, activity.name.to_lowercase()));
    practitioners.sort_by_key(|practitioner| practitioner.name.to_lowercase());
    Ok(Roster { activities, practitioners })
}

/// What the form as it is typed would put online. Names need not be there yet: they decide nothing.
async fn previewed(admin: &Admin, known: Option<&ClinicService>, fields: &Fields, asked: bool) -> ApiResult<Preview> {
    let kept = known.map(|known| kept(&known.config.criteria)).unwrap_or_default();
    let named = |text: &str| if text.trim().is_empty() { "-".to_owned() } else { text.to_owned() };
    let fields = Fields {
        internal_name: named(&fields.internal_name),
        name_fr: named(&fields.name_fr),
        reason_required: false,
        ..fields.clone()
    };
    let counted = match fields.parse(admin.w(), &kept) {
        Ok(form) => counted(admin, known.map(|known| ServiceId(known.id)), form).await?,
        Err(_) => None,
    };
    let counts = counted.map(|preview| {
        let today = preview.current;
        let was = |count: &OnlineCount| {
            today.as_ref().is_some_and(|all| all.iter().any(|c| c.practitioner == count.practitioner))
        };
        let count = |count: OnlineCount| Count {
            new: today.is_some() && !was(&count),
            id: count.practitioner,
            name: count.name,
            now: count.now,
            later: count.later,
        };
        preview.proposed.into_iter().map(count).collect::<Vec<_>>()
    });
    let sum = |of: fn(&Count) -> usize| counts.iter().flatten().map(of).sum();
    Ok(Preview {
        now: sum(|count| count.now),
        later: sum(|count| count.later),
        counts,
        everybody: fields.filter == "all",
        portal_active: setup::portal(admin.state(), admin.principal(), admin.clinic()).await?.body.active,
        asked,
    })
}

async fn one(admin: &Admin, id: ServiceId) -> ApiResult<ClinicService> {
    Ok(services::one(admin.state(), admin.principal(), admin.at(id)).await?.body)
}

async fn filled(
    admin: Admin,
    outcome: Outcome,
    known: Option<ClinicService>,
    fields: Fields,
    asked: bool,
) -> ApiResult<Response> {
    let mut roster = roster_of(&admin).await?;
    // A retired activity cannot be chosen; one that is chosen already has to be seen.
    roster.activities.retain(|activity| !activity.retired || fields.activity.contains(&activity.id));
    let preview = previewed(&admin, known.as_ref(), &fields, asked).await?;
    let kept = known.as_ref().is_some_and(|known| !kept(&known.config.criteria).is_empty());
    let status = outcome.status();
    render_as(status, &FormPage { page: admin.page("services", outcome), known, fields, roster, kept, preview })
}

async fn new(admin: Admin) -> ApiResult<Response> {
    filled(admin, Outcome::default(), None, Fields::new(), false).await
}

async fn show(admin: Admin, ApiPath(id): ApiPath<ServiceId>) -> ApiResult<Response> {
    let known = one(&admin, id).await?;
    let fields = Fields::of(&known.config, known.revision);
    filled(admin, Outcome::default(), Some(known), fields, false).await
}

async fn preview_new(admin: Admin, form: Form<Fields>) -> ApiResult<Response> {
    filled(admin, Outcome::default(), None, form.value, true).await
}

async fn preview(admin: Admin, ApiPath(id): ApiPath<ServiceId>, form: Form<Fields>) -> ApiResult<Response> {
    let known = one(&admin, id).await?;
    filled(admin, Outcome::default(), Some(known), form.value, true).await
}

async fn add(admin: Admin, form: Form<Fields>) -> ApiResult<Response> {
    let (w, fields) = (admin.w(), &form.value);
    let sent = submit(
        w,
        explain,
        || fields.parse(w, &[]),
        |service| {
            let headers = form.command(&fields.key, None);
            services::configure(admin.state(), admin.principal(), admin.clinic(), headers, form.json(service))
        },
    );
    match sent.await? {
        Ok(_) => Ok(stored(LIST, "added")),
        Err(refused) => {
            let outcome = Outcome::of_button(refused, &admin, &admin.stream()).await?;
            filled(admin, outcome, None, form.value, false).await
        }
    }
}

async fn save(admin: Admin, ApiPath(id): ApiPath<ServiceId>, form: Form<Fields>) -> ApiResult<Response> {
    let (w, fields) = (admin.w(), &form.value);
    let before = one(&admin, id).await?;
    let kept = kept(&before.config.criteria);
    let parse = || fields.parse(w, &kept);
    let sent = submit(w, explain, parse, |service| {
        let headers = form.command(&fields.key, fields.revision);
        services::change(admin.state(), admin.principal(), admin.at(id), headers, form.json(service))
    });
    let Err(refused) = sent.await? else { return Ok(stored(LIST, "saved")) };
    let known = one(&admin, id).await?;
    let current = Fields::of(&known.config, known.revision);
    let shown = if matches!(refused, Refused::Stale(_)) { current.clone() } else { fields.clone() };
    let roster = roster_of(&admin).await?;
    let texts = (fields.lines(w, &roster), &current.lines(w, &roster)[..]);
    let outcome = Outcome::of(refused, &admin, &admin.stream(), texts).await?;
    filled(admin, outcome, Some(known), shown, false).await
}

async fn deactivate(admin: Admin, ApiPath(id): ApiPath<ServiceId>, form: Form<Button>) -> ApiResult<Response> {
    let sent = press(admin.w(), || {
        let headers = form.command(&form.value.key, form.value.revision);
        services::deactivate(admin.state(), admin.principal(), admin.at(id), headers)
    });
    match sent.await? {
        Ok(_) => Ok(stored(LIST, "saved")),
        Err(refused) => {
            let outcome = Outcome::of_button(refused, &admin, &admin.stream()).await?;
            listed(admin, outcome).await
        }
    }
}
