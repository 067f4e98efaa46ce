//! Practitioners and their agendas: whose time patients book. Their names are public.

use super::outcome::{self, After, Errors, Line, Outcome, Refused, press, stored, submit};
use super::{Admin, Button, Page, on_page, tidy};
use crate::http::AppState;
use crate::http::clinics::appointments::{self, AppointmentsQuery};
use crate::http::clinics::departures;
use crate::http::clinics::roster::{self, AgendaForm, ClinicPractitioner, PractitionerForm};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire::Text;
use crate::pages::form::Form;
use crate::pages::render_as;
use crate::pages::text::Words;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use booking_domain::ids::PractitionerId;
use booking_domain::time::{WallDate, WallTime};
use serde::Deserialize;
use uuid::Uuid;

const LIST: &str = "/staff/admin/practitioners";

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route(LIST, get(list))
        .route("/staff/admin/practitioners/new", get(new).post(add))
        .route("/staff/admin/practitioners/{practitioner}", get(show).post(save))
        .route("/staff/admin/practitioners/{practitioner}/agenda", post(open_agenda))
        .route("/staff/admin/practitioners/{practitioner}/deactivate", get(back).post(deactivate))
        .route("/staff/admin/practitioners/{practitioner}/reactivate", get(back).post(reactivate))
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
    /// Of somebody who takes no more appointments: what is to be moved or cancelled, with its address.
    still_booked: Vec<(String, String)>,
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
}

impl outcome::Fields for Fields {
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
    items.sort_by_key(|practitioner| (!practitioner.active, practitioner.name.to_lowercase()));
    let status = outcome.status();
    render_as(status, &ListPage { page: admin.page("practitioners", outcome), items })
}

/// One of the clinic's practitioners; the API lists them.
async fn one(admin: &Admin, id: PractitionerId) -> ApiResult<ClinicPractitioner> {
    let all = roster::practitioners(admin.state(), admin.principal(), admin.clinic()).await?.body.items;
    all.into_iter().find(|practitioner| practitioner.id == id.0).ok_or_else(Problem::not_found)
}

async fn new(admin: Admin) -> ApiResult<Response> {
    filled(admin, Outcome::default(), None, Fields { agenda: true, ..Fields::default() }).await
}

async fn show(admin: Admin, ApiPath(id): ApiPath<PractitionerId>, Query(after): Query<After>) -> ApiResult<Response> {
    let known = one(&admin, id).await?;
    let fields = Fields::of(&known);
    let outcome = Outcome::after(&after, admin.w());
    filled(admin, outcome, Some(known), fields).await
}

async fn filled(
    admin: Admin,
    outcome: Outcome,
    known: Option<ClinicPractitioner>,
    fields: Fields,
) -> ApiResult<Response> {
    let status = outcome.status();
    let gone = known.as_ref().filter(|known| !known.active).and_then(|known| known.agenda);
    let still_booked = match gone {
        Some(agenda) => still_booked(&admin, agenda).await?,
        None => Vec::new(),
    };
    render_as(status, &FormPage { page: admin.page("practitioners", outcome), known, fields, still_booked })
}

/// The appointments to come of an agenda, with their addresses: day, time and whose they are.
async fn still_booked(admin: &Admin, agenda: Uuid) -> ApiResult<Vec<(String, String)>> {
    let (State(app), w) = (admin.state(), admin.w());
    let clinic = app.engine.rules(admin.principal().clinic).await?;
    let now = app.engine.now();
    let today = now.wall(clinic.state.zone()).0;
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let query = AppointmentsQuery {
            from: today.to_string(),
            to: today.plus_days(3 * 366).to_string(),
            agenda: Some(agenda),
            cursor,
            limit: Some(200),
            after: app.log().head().await?.map(|head| head.to_string()),
        };
        let path = ApiPath(admin.principal().clinic.0);
        let page = appointments::list(admin.state(), admin.principal(), path, ApiQuery(query)).await?.body;
        let ahead = page.appointments.iter().filter(|a| matches!(a.summary.status, "booked" | "confirmed"));
        all.extend(ahead.map(|a| {
            let when = &a.summary.when;
            let day = WallDate::parse(&when.date).unwrap_or(WallDate(0));
            let time = WallTime::parse(&when.start_time).unwrap_or(WallTime(0));
            let name = a
                .name
                .get()
                .map_or_else(|| w.t("person-erased"), |name| format!("{} {}", name.first_name, name.last_name));
            (format!("/staff/appointments/{}", a.summary.id), format!("{}: {name}", w.day_time(day, time)))
        }));
        cursor = page.next;
        if cursor.is_none() || all.len() >= 500 {
            return Ok(all);
        }
    }
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
            return filled(admin, outcome, None, form.value).await;
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
    let (outcome, shown) = Outcome::of_form(refused, &admin, fields, current).await?;
    filled(admin, outcome, Some(known), shown).await
}

/// Somebody who signed in again after a button comes back to the page that has it.
async fn back(ApiPath(id): ApiPath<PractitionerId>) -> Redirect {
    Redirect::to(&address(id))
}

fn address(id: PractitionerId) -> String {
    format!("{LIST}/{id}")
}

async fn deactivate(admin: Admin, ApiPath(id): ApiPath<PractitionerId>, form: Form<Button>) -> ApiResult<Response> {
    let sent = press(admin.w(), || {
        let headers = form.command(&form.value.key, form.value.revision);
        departures::deactivate(admin.state(), admin.principal(), admin.at(id), headers)
    });
    let sent = sent.await?.map(drop);
    switched(admin, id, sent, "away").await
}

async fn reactivate(admin: Admin, ApiPath(id): ApiPath<PractitionerId>, form: Form<Button>) -> ApiResult<Response> {
    let sent = press(admin.w(), || {
        let headers = form.command(&form.value.key, form.value.revision);
        departures::reactivate(admin.state(), admin.principal(), admin.at(id), headers)
    });
    let sent = sent.await?.map(drop);
    switched(admin, id, sent, "back").await
}

/// The page of whoever was taken out of service or into it again: it has the button that undoes that.
async fn switched(admin: Admin, id: PractitionerId, sent: Result<(), Refused>, done: &str) -> ApiResult<Response> {
    let Err(refused) = sent else { return Ok(stored(&address(id), done)) };
    let outcome = Outcome::of_button(refused, &admin, &admin.stream()).await?;
    let known = one(&admin, id).await?;
    let fields = Fields::of(&known);
    filled(admin, outcome, Some(known), fields).await
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
