//! Schedule templates: made from the slots of a week, listed, applied over agendas and weeks with a preview, deleted.

use super::bulk::Outcome;
use crate::http::AppState;
use crate::http::audit::replay::AgendaQuery;
use crate::http::clinics::agenda::agenda as read_agenda;
use crate::http::clinics::templates::{self as api, ApplyForm, TemplateFilter, TemplateForm, TickedSlots};
use crate::http::extract::{ApiJson, ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::pages::form::Form;
use crate::pages::render;
use crate::pages::staff::appointments::{Choice, agendas, fresh_key, go, shown_on_page, with_status};
use crate::pages::staff::frame::{Frame, Section, SignedIn};
use crate::pages::staff::words::{Errors, notice, refusal};
use crate::pages::text::Words;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use booking_domain::ids::{ClinicId, PractitionerId, TemplateId};
use booking_domain::time::{WallDate, WallTime};
use serde::Deserialize;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/staff/templates", get(list).post(create))
        .route("/staff/templates/{template}", get(one).post(apply))
        .route("/staff/templates/{template}/delete", post(delete))
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Typed {
    #[serde(rename = "do")]
    what: String,
    key: String,
    name: String,
    agenda: String,
    first_day: String,
    slots: Vec<Uuid>,
    agendas: Vec<String>,
    first_days: String,
    done: Option<String>,
}

/// A template of the list.
struct Item {
    id: Uuid,
    name: String,
    practitioner: String,
    days: usize,
    slots: usize,
}

/// A slot that may go into a template.
struct Slot {
    id: Uuid,
    words: String,
}

#[derive(askama::Template)]
#[template(path = "staff/slots/templates.html")]
struct ListPage {
    w: Words,
    frame: Frame,
    notice: Option<String>,
    alert: Option<String>,
    errors: Errors,
    templates: Vec<Item>,
    form: Typed,
    key: String,
    agendas: Vec<Choice>,
    slots: Option<Vec<Slot>>,
}

async fn items(app: &AppState, signed: &SignedIn) -> ApiResult<Vec<Item>> {
    let path = ApiPath(ClinicId(signed.clinic()));
    let filter = ApiQuery(TemplateFilter { practitioner: None });
    let all = api::list(State(app.clone()), signed.principal.clone(), path, filter).await?.0.items;
    let rules = app.engine.rules(signed.principal.clinic).await?;
    let name = |id: Uuid| rules.state.practitioners.get(&PractitionerId(id)).map(|p| p.name.clone());
    let item = |t: &api::ClinicTemplate| Item {
        id: t.id,
        name: t.name.clone(),
        practitioner: name(t.practitioner).unwrap_or_default(),
        days: t.day_span.into(),
        slots: t.slots.len(),
    };
    Ok(all.iter().filter(|template| !template.deleted).map(item).collect())
}

/// The slots of the week from a day on.
async fn week(app: &AppState, signed: &SignedIn, form: &Typed) -> ApiResult<Option<Vec<Slot>>> {
    let Some(first) = WallDate::parse(&form.first_day).filter(|_| !form.agenda.is_empty()) else { return Ok(None) };
    let query = AgendaQuery {
        from: Some(first.to_string()),
        to: Some(first.plus_days(6).to_string()),
        agenda: Some(form.agenda.clone()),
        names: Some(false),
        ..AgendaQuery::default()
    };
    let (w, path) = (signed.w, ApiPath(signed.clinic()));
    let answer = read_agenda(State(app.clone()), signed.principal.clone(), path, ApiQuery(query)).await?.body;
    let slots = answer.days.iter().flat_map(|day| &day.slots).filter(|slot| !slot.withdrawn);
    let time = |text: &str| WallTime::parse(text).map(|time| w.time(time)).unwrap_or_default();
    let words = slots.map(|slot| {
        let day = WallDate::parse(&slot.when.date).map(|date| w.day(date)).unwrap_or_default();
        let what = slot.title.clone().or_else(|| slot.activity_name.clone()).unwrap_or_default();
        let (start, end) = (time(&slot.when.start_time), time(&slot.when.end_time));
        Slot { id: slot.id, words: format!("{day}, {start} – {end} {what}") }
    });
    Ok(Some(words.collect()))
}

async fn list_page(app: &AppState, signed: &SignedIn, form: Typed, problem: Option<&Problem>) -> ApiResult<Response> {
    let w = signed.w;
    let rules = app.engine.rules(signed.principal.clinic).await?;
    let page = ListPage {
        w,
        frame: Frame::new(app, signed, Section::Agenda).await?,
        notice: form.done.as_deref().and_then(|done| notice(w, done)),
        alert: problem.map(|problem| refusal(w, problem)),
        errors: problem.map_or(Errors::none(), |problem| Errors::of(w, problem)),
        templates: items(app, signed).await?,
        key: fresh_key(app),
        agendas: agendas(&rules.state, &form.agenda),
        slots: if signed.receives() { week(app, signed, &form).await? } else { None },
        form,
    };
    render(&page)
}

async fn list(State(app): State<AppState>, signed: SignedIn, RawQuery(query): RawQuery) -> ApiResult<Response> {
    let form: Typed = serde_html_form::from_str(query.as_deref().unwrap_or_default()).unwrap_or_default();
    list_page(&app, &signed, form, None).await
}

async fn create(State(app): State<AppState>, signed: SignedIn, form: Form<Typed>) -> ApiResult<Response> {
    let headers = form.command(&form.value.key, None);
    let typed = form.value;
    let agenda = typed.agenda.parse().map_err(|_| Problem::not_found())?;
    let from = TickedSlots { agenda, first_day: typed.first_day.clone(), slots: typed.slots.clone() };
    let name = typed.name.clone();
    let value = TemplateForm { name, day_span: None, practitioner: None, slots: None, from: Some(from) };
    let body = ApiJson { value, bytes: form.bytes };
    let path = ApiPath(ClinicId(signed.clinic()));
    match api::create(State(app.clone()), signed.principal.clone(), path, headers, body).await {
        Ok(_) => Ok(go("/staff/templates", "saved", None)),
        Err(problem) => {
            let problem = shown_on_page(problem)?;
            with_status(&problem, list_page(&app, &signed, typed, Some(&problem)).await?)
        }
    }
}

#[derive(askama::Template)]
#[template(path = "staff/slots/template.html")]
struct OnePage {
    w: Words,
    frame: Frame,
    item: Item,
    form: Typed,
    key: String,
    agendas: Vec<Choice>,
    outcome: Option<Outcome>,
    alert: Option<String>,
    errors: Errors,
}

impl OnePage {
    fn is_previewed(&self) -> bool {
        self.outcome.as_ref().is_some_and(Outcome::is_preview)
    }
    fn is_ticked(&self, agenda: &str) -> bool {
        self.form.agendas.iter().any(|id| id == agenda)
    }
}

async fn one_page(app: &AppState, signed: &SignedIn, id: Uuid, form: Typed) -> ApiResult<OnePage> {
    if !signed.receives() {
        return Err(Problem::not_found());
    }
    let item = items(app, signed).await?.into_iter().find(|item| item.id == id).ok_or_else(Problem::not_found)?;
    let rules = app.engine.rules(signed.principal.clinic).await?;
    Ok(OnePage {
        w: signed.w,
        frame: Frame::new(app, signed, Section::Agenda).await?,
        item,
        key: fresh_key(app),
        agendas: agendas(&rules.state, ""),
        outcome: None,
        alert: None,
        errors: Errors::none(),
        form,
    })
}

async fn one(State(app): State<AppState>, signed: SignedIn, ApiPath(id): ApiPath<Uuid>) -> ApiResult<Response> {
    render(&one_page(&app, &signed, id, Typed::default()).await?)
}

async fn apply(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath(id): ApiPath<Uuid>,
    form: Form<Typed>,
) -> ApiResult<Response> {
    let dry_run = form.value.what != "publish";
    let mut headers = form.command(&form.value.key, None);
    if dry_run {
        headers.idempotency_key = None;
    }
    let typed = form.value;
    let agendas: Vec<Uuid> = typed.agendas.iter().filter_map(|id| id.parse().ok()).collect();
    let days = typed.first_days.split([' ', ',', '\n', '\r']).map(str::trim).filter(|day| !day.is_empty());
    let value = ApplyForm {
        agendas: (!agendas.is_empty()).then_some(agendas),
        first_days: days.map(str::to_owned).collect(),
        dry_run,
    };
    let body = ApiJson { value, bytes: form.bytes };
    let path = ApiPath((ClinicId(signed.clinic()), TemplateId(id)));
    let outcome = api::apply(State(app.clone()), signed.principal.clone(), path, headers, body).await;
    let mut page = one_page(&app, &signed, id, typed).await?;
    match outcome {
        Ok(done) => {
            let rules = app.engine.rules(signed.principal.clinic).await?;
            page.outcome = Some(Outcome::new(signed.w, &rules.state, &done.body));
            render(&page)
        }
        Err(problem) => {
            let problem = shown_on_page(problem)?;
            page.alert = Some(refusal(signed.w, &problem));
            page.errors = Errors::of(signed.w, &problem);
            with_status(&problem, render(&page)?)
        }
    }
}

async fn delete(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath(id): ApiPath<Uuid>,
    form: Form<Typed>,
) -> ApiResult<Response> {
    let headers = form.command(&form.value.key, None);
    let path = ApiPath((ClinicId(signed.clinic()), TemplateId(id)));
    api::delete(State(app.clone()), signed.principal.clone(), path, headers).await?;
    Ok(go("/staff/templates", "deleted", None))
}
