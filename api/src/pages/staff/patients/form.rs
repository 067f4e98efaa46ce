//! The form of a record: a new one, or a correction of one.

use super::super::appointments::{fresh_key, go, shown_on_page, with_status};
use super::super::frame::{Frame, Section, SignedIn};
use super::super::words::{Errors, refusal};
use crate::http::AppState;
use crate::http::clinics::patients::form::{PatientForm, RegistrationForm};
use crate::http::clinics::patients::{self as api, RegisterPatient};
use crate::http::extract::{ApiJson, ApiPath};
use crate::http::problem::{ApiResult, Problem};
use crate::pages::form::Form;
use crate::pages::render;
use crate::pages::text::Words;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use booking_domain::clinic::Clinic;
use serde::Deserialize;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/staff/patients/new", get(ask_new).post(register))
        .route("/staff/patients/{patient}/edit", get(ask_edit).post(update))
        .route("/staff/patients/{patient}/registration", get(super::record).post(registration))
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Typed {
    revision: Option<u64>,
    key: String,
    first_name: String,
    last_name: String,
    birth_date: String,
    sex: String,
    health_number: String,
    health_number_expiry: String,
    phones: String,
    emails: String,
    address: String,
    registration: String,
}

impl Typed {
    fn form(&self) -> PatientForm {
        let lines = |text: &str| -> Vec<String> {
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
        };
        let optional = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
        // Addresses have several lines, and stand apart by an empty one.
        let text = self.address.replace("\r\n", "\n");
        let addresses = text.split("\n\n").map(str::trim).filter(|address| !address.is_empty()).map(str::to_owned);
        PatientForm {
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            birth_date: self.birth_date.clone(),
            sex: self.sex.clone(),
            health_number: optional(&self.health_number),
            health_number_expiry: optional(&self.health_number_expiry),
            phones: lines(&self.phones),
            emails: lines(&self.emails),
            addresses: addresses.collect(),
        }
    }
}

/// `none`, `clinic`, `elsewhere`, or a practitioner's id.
fn registered(text: &str) -> RegistrationForm {
    match text.parse::<Uuid>() {
        Ok(practitioner) => RegistrationForm { kind: "practitioner".to_owned(), practitioner: Some(practitioner) },
        Err(_) => RegistrationForm { kind: text.to_owned(), practitioner: None },
    }
}

/// With whom one may be registered.
struct Choice {
    value: String,
    words: String,
    chosen: bool,
}

fn choices(w: Words, clinic: &Clinic, chosen: &str) -> Vec<Choice> {
    let named = [
        ("none", w.t("registration-none")),
        ("clinic", w.t("registration-clinic")),
        ("elsewhere", w.t("registration-elsewhere")),
    ];
    let named = named.into_iter().map(|(value, words)| (value.to_owned(), words));
    let practitioners = clinic.practitioners.iter().map(|(id, p)| (id.to_string(), p.name.clone()));
    named.chain(practitioners).map(|(value, words)| Choice { chosen: value == chosen, value, words }).collect()
}

#[derive(askama::Template)]
#[template(path = "staff/patients/form.html")]
struct Page {
    w: Words,
    frame: Frame,
    /// None: a new record.
    id: Option<Uuid>,
    action: String,
    key: String,
    form: Typed,
    registrations: Vec<Choice>,
    alert: Option<String>,
    errors: Errors,
}

async fn page(
    app: &AppState,
    signed: &SignedIn,
    id: Option<Uuid>,
    form: Typed,
    problem: Option<&Problem>,
) -> ApiResult<Response> {
    if !signed.receives() {
        return Err(Problem::not_found());
    }
    let rules = app.engine.rules(signed.principal.clinic).await?;
    let page = Page {
        w: signed.w,
        frame: Frame::new(app, signed, Section::Patients).await?,
        action: id.map_or_else(|| "/staff/patients/new".to_owned(), |id| format!("/staff/patients/{id}/edit")),
        id,
        key: fresh_key(app),
        registrations: choices(signed.w, &rules.state, &form.registration),
        alert: problem.map(|problem| refusal(signed.w, problem)),
        errors: problem.map_or(Errors::none(), |problem| Errors::of(signed.w, problem)),
        form,
    };
    render(&page)
}

async fn ask_new(State(app): State<AppState>, signed: SignedIn) -> ApiResult<Response> {
    page(&app, &signed, None, Typed { registration: "none".to_owned(), ..Typed::default() }, None).await
}

async fn ask_edit(State(app): State<AppState>, signed: SignedIn, ApiPath(id): ApiPath<Uuid>) -> ApiResult<Response> {
    let record = super::read(&app, &signed, id, None).await?;
    let mut form = Typed { revision: Some(record.revision), ..Typed::default() };
    if let Some(details) = record.details.get() {
        let details = details.clone();
        form = Typed {
            first_name: details.first_name,
            last_name: details.last_name,
            birth_date: details.birth_date,
            sex: details.sex.to_owned(),
            health_number: details.health_number.unwrap_or_default(),
            health_number_expiry: details.health_number_expiry.unwrap_or_default(),
            phones: details.phones.join("\n"),
            emails: details.emails.join("\n"),
            address: details.addresses.join("\n\n"),
            ..form
        };
    }
    let practitioner = record.registration.practitioner.map(|id| id.to_string());
    form.registration = practitioner.unwrap_or(record.registration.kind);
    page(&app, &signed, Some(id), form, None).await
}

async fn register(State(app): State<AppState>, signed: SignedIn, form: Form<Typed>) -> ApiResult<Response> {
    let headers = form.command(&form.value.key, None);
    let value = RegisterPatient {
        details: form.value.form(),
        registration: Some(registered(&form.value.registration)).filter(|r| !r.kind.is_empty()),
    };
    let body = ApiJson { value, bytes: form.bytes };
    let path = ApiPath(signed.clinic());
    match api::register(State(app.clone()), signed.principal.clone(), headers, path, body).await {
        Ok(done) => Ok(go(&format!("/staff/patients/{}", done.body.id), "registered", done.position)),
        Err(problem) => {
            let problem = shown_on_page(problem)?;
            with_status(&problem, page(&app, &signed, None, form.value, Some(&problem)).await?)
        }
    }
}

async fn update(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath(id): ApiPath<Uuid>,
    form: Form<Typed>,
) -> ApiResult<Response> {
    let headers = form.command(&form.value.key, form.value.revision);
    let body = ApiJson { value: form.value.form(), bytes: form.bytes };
    let path = ApiPath((signed.clinic(), id));
    match api::update(State(app.clone()), signed.principal.clone(), headers, path, body).await {
        Ok(done) => Ok(go(&format!("/staff/patients/{id}"), "saved", done.position)),
        Err(problem) if problem.errors.is_empty() => super::refused(&app, &signed, id, problem).await,
        Err(problem) => {
            let problem = shown_on_page(problem)?;
            with_status(&problem, page(&app, &signed, Some(id), form.value, Some(&problem)).await?)
        }
    }
}

async fn registration(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath(id): ApiPath<Uuid>,
    form: Form<Typed>,
) -> ApiResult<Response> {
    let headers = form.command(&form.value.key, form.value.revision);
    let body = ApiJson { value: registered(&form.value.registration), bytes: form.bytes };
    let path = ApiPath((signed.clinic(), id));
    match api::registration(State(app.clone()), signed.principal.clone(), headers, path, body).await {
        Ok(done) => Ok(go(&format!("/staff/patients/{id}"), "saved", done.position)),
        Err(problem) => super::refused(&app, &signed, id, problem).await,
    }
}
