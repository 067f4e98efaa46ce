//! Planning an appointment, for a record that is searched for or for somebody whose contact details are taken down.

use super::{address, fresh_key, go, shown_on_page, with_status};
use crate::http::AppState;
use crate::http::clinics::appointments::AvailabilityOfSlot;
use crate::http::clinics::appointments::plan::{self, PlanAppointment};
use crate::http::clinics::patients::form::ProvisionalForm;
use crate::http::clinics::slots;
use crate::http::extract::{ApiJson, ApiPath};
use crate::http::problem::{ApiResult, Problem};
use crate::pages::form::Form;
use crate::pages::render;
use crate::pages::staff::frame::{Frame, Section, SignedIn};
use crate::pages::staff::picker::{Found, find};
use crate::pages::staff::words::{Errors, modalities, refusal};
use crate::pages::text::Words;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AgendaId, ClinicId, SlotId};
use booking_domain::time::{WallDate, WallTime};
use serde::Deserialize;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/staff/appointments/new", get(ask).post(plan))
}

/// The form as it was typed. What comes from the address fills it in first.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct PlanForm {
    #[serde(rename = "do")]
    what: String,
    key: String,
    agenda: String,
    date: String,
    start: String,
    end: String,
    offset: String,
    slot: String,
    slot_start: String,
    only_selected: Option<String>,
    overbook: Option<String>,
    search: String,
    patient: String,
    first_name: String,
    last_name: String,
    birth_date: String,
    sex: String,
    health_number: String,
    cell_phone: String,
    email: String,
    activity: String,
    modality: String,
    reason: String,
    silent: Option<String>,
    language: String,
}

/// Something to choose.
pub(in crate::pages::staff) struct Choice {
    pub(in crate::pages::staff) id: String,
    pub(in crate::pages::staff) name: String,
    pub(in crate::pages::staff) chosen: bool,
}

/// A record that was found.
struct FoundPatient {
    id: Uuid,
    name: String,
    birth_date: String,
    phone: String,
    chosen: bool,
}

#[derive(askama::Template)]
#[template(path = "staff/appointments/plan.html")]
struct Page {
    w: Words,
    frame: Frame,
    form: PlanForm,
    key: String,
    agendas: Vec<Choice>,
    activities: Vec<Choice>,
    modalities: Vec<Choice>,
    found: Option<Vec<FoundPatient>>,
    slot_href: Option<String>,
    alert: Option<String>,
    errors: Errors,
}

impl Page {
    fn is_provisional(&self) -> bool {
        let typed = [&self.form.first_name, &self.form.last_name, &self.form.birth_date];
        typed.into_iter().any(|field| !field.is_empty())
    }
}

fn optional(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The agendas by name.
pub(in crate::pages::staff) fn agendas(clinic: &Clinic, chosen: &str) -> Vec<Choice> {
    let name = |id: &AgendaId| {
        let practitioner = clinic.practitioner_of(*id).and_then(|p| clinic.practitioners.get(&p));
        practitioner.map(|p| p.name.clone()).unwrap_or_default()
    };
    let choice = |id: &AgendaId| Choice { id: id.to_string(), name: name(id), chosen: id.to_string() == chosen };
    // Of those who take no appointments any more, only the one that stands there already.
    let open = |id: &&AgendaId| {
        id.to_string() == chosen || clinic.practitioner_of(**id).is_some_and(|p| clinic.takes_appointments(p))
    };
    let mut all: Vec<Choice> = clinic.agendas.keys().filter(open).map(choice).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// The activities that are in use, by name.
pub(in crate::pages::staff) fn activities(clinic: &Clinic, chosen: &str) -> Vec<Choice> {
    let in_use = clinic.activities.iter().filter(|(id, activity)| !activity.retired || id.to_string() == chosen);
    let choice = |(id, activity): (&booking_domain::ids::ActivityId, &booking_domain::clinic::Activity)| Choice {
        id: id.to_string(),
        name: format!("{} ({} min)", activity.name, activity.duration_minutes),
        chosen: id.to_string() == chosen,
    };
    let mut all: Vec<Choice> = in_use.map(choice).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

async fn page(
    app: &AppState,
    signed: &SignedIn,
    form: PlanForm,
    problem: Option<&Problem>,
    found: Option<Vec<FoundPatient>>,
) -> ApiResult<Response> {
    let w = signed.w;
    let rules = app.engine.rules(signed.principal.clinic).await?;
    let clinic = &rules.state;
    let slot = form.slot.parse::<Uuid>().ok().zip(form.agenda.parse::<Uuid>().ok());
    let slot_href = slot.map(|(slot, agenda)| format!("/staff/slots/{agenda}/{}/{slot}", form.date));
    let choice = |(id, name): (&str, String)| Choice { chosen: form.modality == id, id: id.to_owned(), name };
    let page = Page {
        w,
        frame: Frame::new(app, signed, Section::Agenda).await?,
        key: fresh_key(app),
        agendas: agendas(clinic, &form.agenda),
        activities: activities(clinic, &form.activity),
        modalities: modalities(w).into_iter().map(choice).collect(),
        found,
        slot_href: slot_href.filter(|_| WallDate::parse(&form.date).is_some()),
        alert: problem.map(|problem| refusal(w, problem)),
        errors: problem.map_or(Errors::none(), |problem| Errors::of(w, problem)),
        form,
    };
    render(&page)
}

/// The form, filled in from the address: a free availability, or a day alone.
async fn ask(State(app): State<AppState>, signed: SignedIn, RawQuery(query): RawQuery) -> ApiResult<Response> {
    if !signed.receives() {
        return Err(Problem::not_found());
    }
    let mut form: PlanForm = serde_html_form::from_str(query.as_deref().unwrap_or_default()).unwrap_or_default();
    let zone = app.engine.rules(signed.principal.clinic).await?.state.zone();
    if form.date.is_empty() {
        form.date = app.engine.now().wall(zone).0.to_string();
    }
    // A start with its offset names an availability of the slot, also where the wall shows that time twice.
    if let Ok(at) = crate::http::wire::instant("start", &form.start) {
        form.slot_start = form.start.clone();
        form.offset = form.start.get(form.start.len().saturating_sub(6)..).unwrap_or_default().to_owned();
        form.start = at.wall(zone).1.to_string();
    }
    let (agenda, slot) = (form.agenda.parse::<Uuid>(), form.slot.parse::<Uuid>());
    if let (Ok(agenda), Ok(slot)) = (agenda, slot) {
        let path = (ClinicId(signed.clinic()), AgendaId(agenda), form.date.clone(), SlotId(slot));
        if let Ok(done) = slots::one(State(app.clone()), signed.principal.clone(), ApiPath(path)).await {
            form.activity = done.body.activity.map(|id| id.to_string()).unwrap_or_default();
            done.body.modality.unwrap_or_default().clone_into(&mut form.modality);
        }
    }
    if form.end.is_empty()
        && let Some(start) = WallTime::parse(&form.start)
    {
        form.end = WallTime(start.0.saturating_add(30).min(WallTime::END_OF_DAY.0)).to_string();
    }
    page(&app, &signed, form, None, None).await
}

async fn search(app: &AppState, signed: &SignedIn, form: &PlanForm) -> ApiResult<Vec<FoundPatient>> {
    let found = find(app, signed, &form.search).await?;
    let alone = found.len() == 1;
    let shown = found.into_iter().filter(|item| !item.deceased).map(|Found { id, person, .. }| {
        let phone = person.phones.first().cloned().unwrap_or_default();
        let chosen = alone || form.patient == id.to_string();
        FoundPatient { id, name: person.name, birth_date: person.birth_date, phone, chosen }
    });
    Ok(shown.collect())
}

fn asked(form: &PlanForm) -> ApiResult<PlanAppointment> {
    let id = |field: &'static str, text: &str| {
        let bad = |_| Problem::invalid([booking_domain::values::BadField::new(field, "must be chosen")]);
        text.parse::<Uuid>().map_err(bad)
    };
    let slot = form.slot.parse::<Uuid>().ok().filter(|_| !form.slot_start.is_empty());
    let patient = form.patient.parse::<Uuid>().ok();
    let contact = patient.is_none().then(|| ProvisionalForm {
        first_name: form.first_name.clone(),
        last_name: form.last_name.clone(),
        birth_date: form.birth_date.clone(),
        sex: form.sex.clone(),
        health_number: optional(&form.health_number),
        cell_phone: optional(&form.cell_phone),
        email: optional(&form.email),
    });
    Ok(PlanAppointment {
        agenda: id("agenda", &form.agenda)?,
        date: form.date.clone(),
        start: form.start.clone(),
        end: form.end.clone(),
        start_offset: optional(&form.offset),
        end_offset: None,
        availability: slot.map(|slot| AvailabilityOfSlot { slot, start: form.slot_start.clone() }),
        only_selected: form.only_selected.is_some(),
        overbook: form.overbook.is_some(),
        patient,
        contact,
        activity: form.activity.parse().ok(),
        modality: optional(&form.modality),
        reason: optional(&form.reason),
        notify: form.silent.is_none(),
        language: optional(&form.language),
        channel: None,
    })
}

async fn plan(State(app): State<AppState>, signed: SignedIn, form: Form<PlanForm>) -> ApiResult<Response> {
    if !signed.receives() {
        return Err(Problem::not_found());
    }
    let typed = form.value.clone();
    if typed.what == "search" {
        return match search(&app, &signed, &typed).await {
            Ok(found) => page(&app, &signed, typed, None, Some(found)).await,
            Err(problem) => {
                let problem = shown_on_page(problem)?;
                with_status(&problem, page(&app, &signed, typed, Some(&problem), None).await?)
            }
        };
    }
    // Another start than the availability's, or another day or agenda: it is not that availability any more.
    let headers = form.command(&typed.key, None);
    let path = ApiPath(signed.clinic());
    let outcome = match asked(&typed) {
        Ok(value) => {
            let body = ApiJson { value, bytes: form.bytes };
            plan::plan(State(app.clone()), signed.principal.clone(), headers, path, body).await
        }
        Err(problem) => Err(problem),
    };
    match outcome {
        Ok(done) => Ok(go(&address(done.body.id), "planned", done.position)),
        Err(problem) => {
            let problem = shown_on_page(problem)?;
            let found = if typed.search.trim().is_empty() { None } else { search(&app, &signed, &typed).await.ok() };
            with_status(&problem, page(&app, &signed, typed, Some(&problem), found).await?)
        }
    }
}
