//! Cancelling: who asked for it, when it was learned, why, and what becomes of the time.

use super::{Panel, address, fresh_key, go, shown_on_page, with_status};
use crate::http::AppState;
use crate::http::clinics::appointments::change::{self, CancelAppointment};
use crate::http::clinics::appointments::{AfterQuery, details};
use crate::http::extract::{ApiJson, ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::pages::form::Form;
use crate::pages::render;
use crate::pages::staff::frame::{Frame, Section, SignedIn};
use crate::pages::staff::words::{Errors, refusal};
use crate::pages::text::Words;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use booking_domain::time::{Tz, WallDate, WallTime, resolve};
use serde::Deserialize;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/staff/appointments/{appointment}/cancel", get(ask).post(cancel))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CancelForm {
    revision: Option<u64>,
    key: String,
    by: String,
    date: String,
    time: String,
    reason: String,
    keep_record: Option<String>,
    keep_availability: Option<String>,
}

#[derive(askama::Template)]
#[template(path = "staff/appointments/cancel.html")]
struct Page {
    w: Words,
    frame: Frame,
    href: String,
    summary: String,
    from_slot: bool,
    form: CancelForm,
    alert: Option<String>,
    errors: Errors,
}

async fn page(
    app: &AppState,
    signed: &SignedIn,
    id: Uuid,
    form: Option<CancelForm>,
    problem: Option<&Problem>,
) -> ApiResult<Response> {
    let w = signed.w;
    let path = ApiPath((signed.clinic(), id));
    let who = signed.principal.clone();
    let read = details(State(app.clone()), who, path, ApiQuery(AfterQuery { after: None })).await?.body;
    let zone = app.engine.rules(signed.principal.clinic).await?.state.zone();
    let (date, time) = app.engine.now().wall(zone);
    let on = Some("yes".to_owned());
    let fresh = || CancelForm {
        revision: Some(read.summary.revision),
        by: "patient".to_owned(),
        date: date.to_string(),
        time: time.to_string(),
        keep_record: on.clone(),
        keep_availability: on.clone(),
        ..CancelForm::default()
    };
    let form = CancelForm { key: fresh_key(app), ..form.unwrap_or_else(fresh) };
    let day = WallDate::parse(&read.summary.when.date).unwrap_or(WallDate(0));
    let start = WallTime::parse(&read.summary.when.start_time).unwrap_or(WallTime(0));
    let page = Page {
        w,
        frame: Frame::new(app, signed, Section::Agenda).await?,
        href: address(id),
        summary: w.day_time(day, start),
        from_slot: !read.summary.availabilities.is_empty(),
        form,
        alert: problem.map(|problem| refusal(w, problem)),
        errors: problem.map_or(Errors::none(), |problem| Errors::of(w, problem)),
    };
    render(&page)
}

async fn ask(State(app): State<AppState>, signed: SignedIn, ApiPath(id): ApiPath<Uuid>) -> ApiResult<Response> {
    if !signed.receives() {
        return Err(Problem::not_found());
    }
    page(&app, &signed, id, None, None).await
}

/// The moment on the clinic's wall as an instant; what cannot be read goes to the API as it was typed.
fn learned(form: &CancelForm, zone: Tz) -> Option<String> {
    if form.date.is_empty() && form.time.is_empty() {
        return None;
    }
    let (date, time) = (WallDate::parse(&form.date), WallTime::parse(&form.time));
    let at = date.zip(time).map(|(date, time)| resolve(date, time, zone).first_or_next().rfc3339(zone));
    Some(at.unwrap_or_else(|| format!("{} {}", form.date, form.time)))
}

async fn cancel(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath(id): ApiPath<Uuid>,
    form: Form<CancelForm>,
) -> ApiResult<Response> {
    let headers = form.command(&form.value.key, form.value.revision);
    let zone = app.engine.rules(signed.principal.clinic).await?.state.zone();
    let typed = form.value;
    let value = CancelAppointment {
        cancelled_at: learned(&typed, zone),
        by_patient: typed.by != "clinic",
        reason: (!typed.reason.trim().is_empty()).then(|| typed.reason.clone()),
        keep_record: typed.keep_record.is_some(),
        keep_availability: typed.keep_availability.is_some(),
    };
    let path = ApiPath((signed.clinic(), id));
    let body = ApiJson { value, bytes: form.bytes };
    match change::cancel(State(app.clone()), signed.principal.clone(), headers, path, body).await {
        Ok(done) => Ok(go(&address(id), "cancelled", done.position)),
        Err(problem) => {
            let problem = shown_on_page(problem)?;
            if problem.errors.is_empty() {
                return Panel::refused(&app, &signed, id, &problem).await;
            }
            let page = page(&app, &signed, id, Some(typed), Some(&problem)).await?;
            with_status(&problem, page)
        }
    }
}
