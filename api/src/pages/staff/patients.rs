//! Patient records: found, read, registered, corrected, merged, marked as deceased. A search is posted, so that no name
//! is ever in an address.

mod change;
mod form;

use super::appointments::{Person, moment, person, shown_on_page, with_status};
use super::changed::changed_since;
use super::frame::{Frame, Section, SignedIn};
use super::picker::{Found, SearchForm, find};
use super::words;
use crate::http::AppState;
use crate::http::clinics::appointments::AfterQuery;
use crate::http::clinics::patients as api;
use crate::http::clinics::patients::form::RegistrationForm;
use crate::http::clinics::patients::record::PatientRecord;
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::pages::form::Form;
use crate::pages::render;
use crate::pages::text::Words;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use booking_domain::clinic::Clinic;
use booking_domain::ids::{PatientId, PractitionerId};
use booking_domain::stream::StreamName;
use booking_domain::time::WallDate;
use serde::Deserialize;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/staff/patients", get(ask).post(search))
        .route("/staff/patients/{patient}", get(record))
        .merge(form::routes())
        .merge(change::routes())
}

#[derive(askama::Template)]
#[template(path = "staff/patients/search.html")]
struct SearchPage {
    w: Words,
    frame: Frame,
    alert: Option<String>,
    search: String,
    found: Option<Vec<Found>>,
}

async fn page(
    app: &AppState,
    signed: &SignedIn,
    alert: Option<String>,
    (search, found): (String, Option<Vec<Found>>),
) -> ApiResult<Response> {
    let frame = Frame::new(app, signed, Section::Patients).await?;
    render(&SearchPage { w: signed.w, frame, alert, search, found })
}

async fn ask(State(app): State<AppState>, signed: SignedIn) -> ApiResult<Response> {
    signed.principal.allow(signed.principal.clinic, crate::http::auth::CARE)?;
    page(&app, &signed, None, (String::new(), None)).await
}

async fn search(State(app): State<AppState>, signed: SignedIn, form: Form<SearchForm>) -> ApiResult<Response> {
    match find(&app, &signed, &form.value.search).await {
        Ok(found) => page(&app, &signed, None, (form.value.search, Some(found))).await,
        Err(problem) => {
            let problem = shown_on_page(problem)?;
            let alert = words::refusal(signed.w, &problem);
            with_status(&problem, page(&app, &signed, Some(alert), (form.value.search, None)).await?)
        }
    }
}

/// An appointment of the patient.
struct Visit {
    href: String,
    when: String,
    practitioner: String,
    what: String,
    status: String,
    over: bool,
}

#[derive(askama::Template)]
#[template(path = "staff/patients/record.html")]
struct RecordPage {
    w: Words,
    frame: Frame,
    notice: Option<String>,
    alert: Option<String>,
    id: Uuid,
    revision: u64,
    key: String,
    person: Option<Person>,
    addresses: Vec<String>,
    registration: String,
    deceased: bool,
    death_date: Option<String>,
    survivor: Option<Uuid>,
    merged: Vec<Uuid>,
    visits: Vec<Visit>,
    plan_href: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    after: Option<String>,
    done: Option<String>,
}

/// The record as it stands.
async fn read(app: &AppState, signed: &SignedIn, id: Uuid, after: Option<String>) -> ApiResult<PatientRecord> {
    let path = ApiPath((signed.clinic(), id));
    Ok(api::read(State(app.clone()), signed.principal.clone(), path, ApiQuery(AfterQuery { after })).await?.body)
}

fn registration(w: Words, clinic: &Clinic, form: &RegistrationForm) -> String {
    match (form.kind.as_str(), form.practitioner) {
        ("practitioner", Some(id)) => {
            let known = clinic.practitioners.get(&PractitionerId(id)).map(|p| p.name.clone());
            known.unwrap_or_else(|| w.t("registration-elsewhere"))
        }
        ("clinic", _) => w.t("registration-clinic"),
        ("elsewhere", _) => w.t("registration-elsewhere"),
        _ => w.t("registration-none"),
    }
}

async fn record(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath(id): ApiPath<Uuid>,
    RawQuery(query): RawQuery,
) -> ApiResult<Response> {
    let asked: Asked = serde_html_form::from_str(query.as_deref().unwrap_or_default()).unwrap_or_default();
    let notice = asked.done.as_deref().and_then(|done| words::notice(signed.w, done));
    show(&app, &signed, id, asked.after, (notice, None)).await
}

async fn show(
    app: &AppState,
    signed: &SignedIn,
    id: Uuid,
    after: Option<String>,
    (notice, alert): (Option<String>, Option<String>),
) -> ApiResult<Response> {
    let w = signed.w;
    let record = read(app, signed, id, after.clone()).await?;
    let path = ApiPath((signed.clinic(), id));
    let query = ApiQuery(AfterQuery { after });
    let visits = api::appointments(State(app.clone()), signed.principal.clone(), path, query).await?.body.appointments;
    let rules = app.engine.rules(signed.principal.clinic).await?;
    let clinic = &rules.state;
    let visit = |item: &crate::http::clinics::appointments::AppointmentItem| {
        let a = &item.summary;
        let practitioner = clinic.practitioners.get(&PractitionerId(a.practitioner));
        let activity = a.activity.and_then(|id| clinic.activities.get(&booking_domain::ids::ActivityId(id)));
        let what = a.service_name.as_ref().map(|name| w.of_text(name).to_owned());
        Visit {
            href: super::appointments::address(a.id),
            when: moment(w, &a.when.start, clinic.zone()),
            practitioner: practitioner.map(|p| p.name.clone()).unwrap_or_default(),
            what: what.or_else(|| activity.map(|a| a.name.clone())).unwrap_or_else(|| w.t("agenda-no-activity")),
            status: words::status(w, a.status),
            over: matches!(a.status, "cancelled" | "no_show"),
        }
    };
    let death = record.death_date.as_ref().and_then(|date| date.get());
    let page = RecordPage {
        w,
        frame: Frame::new(app, signed, Section::Patients).await?,
        notice,
        alert,
        id,
        revision: record.revision,
        key: super::appointments::fresh_key(app),
        addresses: record.details.get().map(|details| details.addresses.clone()).unwrap_or_default(),
        person: person(w, &record.details),
        registration: registration(w, clinic, &record.registration),
        deceased: record.deceased,
        death_date: death.and_then(|date| WallDate::parse(date)).map(|date| w.full_date(date)),
        survivor: record.survivor,
        merged: record.merged,
        visits: visits.iter().map(visit).collect(),
        plan_href: format!("/staff/appointments/new?patient={id}"),
    };
    render(&page)
}

/// What a refusal says, over the record as it stands now.
async fn refused(app: &AppState, signed: &SignedIn, id: Uuid, problem: Problem) -> ApiResult<Response> {
    let problem = shown_on_page(problem)?;
    let changed = changed_since(app, signed, &StreamName::patient(PatientId(id)), Some(&problem)).await?;
    let alert = changed.unwrap_or_else(|| words::refusal(signed.w, &problem));
    with_status(&problem, show(app, signed, id, None, (None, Some(alert))).await?)
}
