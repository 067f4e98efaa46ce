//! Practitioners and their agendas: whose time patients book. Their names are public.

use super::outcome::{After, Errors, Line, Outcome, Refused, press, stored, submit};
use super::{Admin, Button, Page, on_page, tidy};
use crate::http::AppState;
use crate::http::clinics::roster::{self, AgendaForm, ClinicPractitioner, PractitionerForm};
use crate::http::extract::ApiPath;
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire::Text;
use crate::pages::form::Form;
use crate::pages::render_as;
use crate::pages::text::Words;
use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::{get, post};
use booking_domain::ids::PractitionerId;
use serde::Deserialize;

const LIST: &str = "/staff/admin/practitioners";

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route(LIST, get(list))
        .route("/staff/admin/practitioners/new", get(new).post(add))
        .route("/staff/admin/practitioners/{practitioner}", get(show).post(save))
        .route("/staff/admin/practitioners/{practitioner}/agenda", post(open_agenda))
}

#[derive(askama::Template)]
#[template(path = "staff/admin/practitioners.html")]
struct ListPage {
    page: Page,
    items: Vec<ClinicPractitioner>,
}

#[derive(askama::Template)]
#[template(path = "staff/admin/practitioner.html")]
struct FormPage {
    page: Page,
    /// None for a new one.
    known: Option<ClinicPractitioner>,
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
    profession_fr: String,
    profession_en: String,
    /// Open an agenda at once; only asked for a new one.
    agenda: bool,
}

impl Fields {
    fn of(known: &ClinicPractitioner) -> Self {
        Self {
            revision: Some(known.revision),
            name: known.name.clone(),
            profession_fr: known.profession.fr.clone(),
            profession_en: known.profession.en.clone(),
            ..Self::default()
        }
    }

    fn parse(&self) -> PractitionerForm {
        let profession = Text { fr: tidy(&self.profession_fr), en: tidy(&self.profession_en) };
        PractitionerForm { name: tidy(&self.name), profession }
    }

    fn lines(&self, w: Words) -> Vec<Line> {
        vec![
            Line::new(w.t("admin-practitioner-name"), tidy(&self.name)),
            Line::new(w.t("admin-practitioner-profession-fr"), tidy(&self.profession_fr)),
            Line::new(w.t("admin-practitioner-profession-en"), tidy(&self.profession_en)),
        ]
    }
}

pub(super) fn explain(pointer: &str) -> (&'static str, &'static str) {
    match pointer {
        "/name" => ("name", "admin-bad-name"),
        "/profession" => ("profession_fr", "admin-bad-profession"),
        _ => ("main", "admin-bad-form"),
    }
}

async fn list(admin: Admin, Query(after): Query<After>) -> ApiResult<Response> {
    let outcome = Outcome::after(&after, admin.w());
    listed(admin, outcome).await
}

async fn listed(admin: Admin, outcome: Outcome) -> ApiResult<Response> {
    let mut items = roster::practitioners(admin.state(), admin.principal(), admin.clinic()).await?.body.items;
    items.sort_by_key(|practitioner| practitioner.name.to_lowercase());
    let status = outcome.status();
    render_as(status, &ListPage { page: admin.page("practitioners", outcome), items })
}

/// One of the clinic's practitioners; the API lists them.
async fn one(admin: &Admin, id: PractitionerId) -> ApiResult<ClinicPractitioner> {
    let all = roster::practitioners(admin.state(), admin.principal(), admin.clinic()).await?.body.items;
    all.into_iter().find(|practitioner| practitioner.id == id.0).ok_or_else(Problem::not_found)
}

async fn new(admin: Admin) -> ApiResult<Response> {
    filled(admin, Outcome::default(), None, Fields { agenda: true, ..Fields::default() })
}

async fn show(admin: Admin, ApiPath(id): ApiPath<PractitionerId>) -> ApiResult<Response> {
    let known = one(&admin, id).await?;
    let fields = Fields::of(&known);
    filled(admin, Outcome::default(), Some(known), fields)
}

fn filled(admin: Admin, outcome: Outcome, known: Option<ClinicPractitioner>, fields: Fields) -> ApiResult<Response> {
    let status = outcome.status();
    render_as(status, &FormPage { page: admin.page("practitioners", outcome), known, fields })
}

async fn add(admin: Admin, form: Form<Fields>) -> ApiResult<Response> {
    let (w, fields) = (admin.w(), &form.value);
    let parse = || Ok::<_, Errors>(fields.parse());
    let sent = submit(w, explain, parse, |practitioner| {
        let headers = form.command(&fields.key, None);
        roster::register_practitioner(
            admin.state(),
            admin.principal(),
            admin.clinic(),
            headers,
            form.json(practitioner),
        )
    });
    let practitioner = match sent.await? {
        Ok(done) => done.body.id,
        Err(refused) => {
            let outcome = Outcome::of_button(refused, &admin, &admin.stream()).await?;
            return filled(admin, outcome, None, form.value);
        }
    };
    if fields.agenda {
        // The same key under another route is another command: a second click opens no second agenda.
        let opened = press(w, || {
            let headers = form.command(&fields.key, None);
            let agenda = form.json(AgendaForm { practitioner });
            roster::open_agenda(admin.state(), admin.principal(), admin.clinic(), headers, agenda)
        });
        if let Err(refused) = opened.await? {
            let outcome = Outcome::of_button(refused, &admin, &admin.stream()).await?;
            return listed(admin, outcome).await;
        }
    }
    Ok(stored(LIST, "added"))
}

async fn save(admin: Admin, ApiPath(id): ApiPath<PractitionerId>, form: Form<Fields>) -> ApiResult<Response> {
    let (w, fields) = (admin.w(), &form.value);
    let parse = || Ok::<_, Errors>(fields.parse());
    let sent = submit(w, explain, parse, |practitioner| {
        let headers = form.command(&fields.key, fields.revision);
        roster::change_practitioner(admin.state(), admin.principal(), admin.at(id), headers, form.json(practitioner))
    });
    let Err(refused) = sent.await? else { return Ok(stored(LIST, "saved")) };
    let known = one(&admin, id).await?;
    let current = Fields::of(&known);
    let shown = if matches!(refused, Refused::Stale(_)) { current.clone() } else { fields.clone() };
    let outcome = Outcome::of(refused, &admin, &admin.stream(), (fields.lines(w), &current.lines(w))).await?;
    filled(admin, outcome, Some(known), shown)
}

async fn open_agenda(admin: Admin, ApiPath(id): ApiPath<PractitionerId>, form: Form<Button>) -> ApiResult<Response> {
    let sent = press(admin.w(), || {
        let headers = form.command(&form.value.key, None);
        let agenda = form.json(AgendaForm { practitioner: id.0 });
        roster::open_agenda(admin.state(), admin.principal(), admin.clinic(), headers, agenda)
    });
    match sent.await? {
        Ok(_) => Ok(stored(LIST, "saved")),
        Err(refused) => {
            let outcome = Outcome::of_button(refused, &admin, &admin.stream()).await?;
            listed(admin, outcome).await
        }
    }
}
