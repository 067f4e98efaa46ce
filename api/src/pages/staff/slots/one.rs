//! One slot: opened, looked at, changed, withdrawn.

use super::explain::{AsWhom, Explained, explain};
use super::typed::Typed;
use crate::http::AppState;
use crate::http::audit::replay::AgendaQuery;
use crate::http::clinics::agenda::agenda as read_agenda;
use crate::http::clinics::slot_form::{DatedSlot, SlotForm};
use crate::http::clinics::slots as api;
use crate::http::clinics::slots::SlotDetails;
use crate::http::extract::{ApiJson, ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::pages::form::Form;
use crate::pages::render;
use crate::pages::staff::appointments::{
    Choice, activities, address, agendas, fresh_key, go, shown_on_page, with_status,
};
use crate::pages::staff::changed::changed_since;
use crate::pages::staff::frame::{Frame, Section, SignedIn};
use crate::pages::staff::picker::{Found, find};
use crate::pages::staff::words::{self, Errors, modalities, notice, refusal};
use crate::pages::text::Words;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AgendaId, ClinicId, SlotId};
use booking_domain::stream::StreamName;
use booking_domain::time::{WallDate, WallTime};
use serde::Deserialize;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/staff/slots/new", get(ask).post(open))
        .route("/staff/slots/{agenda}/{date}/{slot}", get(page).post(amend))
        .route("/staff/slots/{agenda}/{date}/{slot}/viewer", get(page).post(choose_viewer))
        .route("/staff/slots/{agenda}/{date}/{slot}/withdraw", get(page).post(withdraw))
}

/// What every form of a slot chooses from.
pub(super) struct Choices {
    pub(super) agendas: Vec<Choice>,
    pub(super) activities: Vec<Choice>,
    pub(super) modalities: Vec<Choice>,
}

impl Choices {
    pub(super) fn new(w: Words, clinic: &Clinic, form: &Typed) -> Self {
        let choice = |(id, name): (&str, String)| Choice { chosen: form.modality == id, id: id.to_owned(), name };
        Self {
            agendas: agendas(clinic, &form.agenda),
            activities: activities(clinic, &form.activity),
            modalities: modalities(w).into_iter().map(choice).collect(),
        }
    }
}

#[derive(askama::Template)]
#[template(path = "staff/slots/new.html")]
struct NewPage {
    w: Words,
    frame: Frame,
    form: Typed,
    key: String,
    choices: Choices,
    alert: Option<String>,
    errors: Errors,
}

async fn new_page(app: &AppState, signed: &SignedIn, form: Typed, problem: Option<&Problem>) -> ApiResult<Response> {
    if !signed.receives() {
        return Err(Problem::not_found());
    }
    let rules = app.engine.rules(signed.principal.clinic).await?;
    let page = NewPage {
        w: signed.w,
        frame: Frame::new(app, signed, Section::Agenda).await?,
        key: fresh_key(app),
        choices: Choices::new(signed.w, &rules.state, &form),
        alert: problem.map(|problem| refusal(signed.w, problem)),
        errors: problem.map_or(Errors::none(), |problem| Errors::of(signed.w, problem)),
        form,
    };
    render(&page)
}

async fn ask(State(app): State<AppState>, signed: SignedIn, RawQuery(query): RawQuery) -> ApiResult<Response> {
    let form: Typed = serde_html_form::from_str(query.as_deref().unwrap_or_default()).unwrap_or_default();
    new_page(&app, &signed, form, None).await
}

async fn open(State(app): State<AppState>, signed: SignedIn, form: Form<Typed>) -> ApiResult<Response> {
    let headers = form.command(&form.value.key, None);
    let zone = app.engine.rules(signed.principal.clinic).await?.state.zone();
    let typed = form.value;
    let SlotForm { start, end, start_offset, end_offset, activity, title, interval_minutes, modality, publication } =
        typed.slot(zone);
    let date = typed.date.clone();
    let value = DatedSlot {
        date,
        start,
        end,
        start_offset,
        end_offset,
        activity,
        title,
        interval_minutes,
        modality,
        publication,
    };
    let agenda = typed.agenda.parse::<Uuid>().map_err(|_| Problem::not_found())?;
    let path = ApiPath((ClinicId(signed.clinic()), AgendaId(agenda)));
    let body = ApiJson { value, bytes: form.bytes };
    match api::publish(State(app.clone()), signed.principal.clone(), path, headers, body).await {
        Ok(done) => {
            let to = format!("/staff/slots/{agenda}/{}/{}", done.body.when.date, done.body.id);
            Ok(go(&to, "published", done.position))
        }
        Err(problem) => {
            let problem = shown_on_page(problem)?;
            with_status(&problem, new_page(&app, &signed, typed, Some(&problem)).await?)
        }
    }
}

/// An availability of the slot.
struct Availability {
    time: String,
    state: String,
    why_href: String,
    plan_href: Option<String>,
    chosen: bool,
}

#[derive(askama::Template)]
#[template(path = "staff/slots/slot.html")]
struct SlotPage {
    w: Words,
    frame: Frame,
    notice: Option<String>,
    alert: Option<String>,
    /// Who was faster.
    changed: Option<String>,
    errors: Errors,
    href: String,
    day_href: String,
    title: String,
    when: String,
    practitioner: String,
    origin: String,
    withdrawn: bool,
    form: Typed,
    key: String,
    choices: Choices,
    availabilities: Vec<Availability>,
    booked: Vec<(String, String)>,
    explained: Option<Explained>,
    search: String,
    found: Option<Vec<Found>>,
}

impl SlotPage {
    /// The same availability, as seen by this patient.
    fn seen_by(&self, patient: &Uuid) -> String {
        let start = self.explained.as_ref().map(|e| e.start.clone()).unwrap_or_default();
        let query = serde_html_form::to_string([("start", start), ("viewer", patient.to_string())]);
        format!("{}?{}", self.href, query.unwrap_or_default())
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    after: Option<String>,
    done: Option<String>,
}

/// What a slot's page shows besides the slot.
#[derive(Default)]
struct More<'a> {
    asked: Asked,
    as_whom: AsWhom,
    form: Option<Typed>,
    problem: Option<&'a Problem>,
    search: String,
    found: Option<Vec<Found>>,
}

type Path = ApiPath<(Uuid, String, Uuid)>;

async fn page(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath(path): Path,
    RawQuery(query): RawQuery,
) -> ApiResult<Response> {
    let query = query.as_deref().unwrap_or_default();
    let asked: Asked = serde_html_form::from_str(query).unwrap_or_default();
    let as_whom: AsWhom = serde_html_form::from_str(query).unwrap_or_default();
    show(&app, &signed, &path, More { asked, as_whom, ..More::default() }).await
}

/// A search for the patient to look as.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ViewerForm {
    start: String,
    search: String,
}

async fn choose_viewer(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath(path): Path,
    form: Form<ViewerForm>,
) -> ApiResult<Response> {
    let ViewerForm { start, search } = form.value;
    let more = More { as_whom: AsWhom::at(start), ..More::default() };
    match find(&app, &signed, &search).await {
        Ok(found) => show(&app, &signed, &path, More { search, found: Some(found), ..more }).await,
        Err(problem) => {
            let problem = shown_on_page(problem)?;
            let more = More { search, problem: Some(&problem), ..more };
            with_status(&problem, show(&app, &signed, &path, more).await?)
        }
    }
}

async fn show(
    app: &AppState,
    signed: &SignedIn,
    (agenda, date, id): &(Uuid, String, Uuid),
    more: More<'_>,
) -> ApiResult<Response> {
    let w = signed.w;
    let More { asked, as_whom, form, problem, search, found } = more;
    let path = (ClinicId(signed.clinic()), AgendaId(*agenda), date.clone(), SlotId(*id));
    let slot: SlotDetails = api::one(State(app.clone()), signed.principal.clone(), ApiPath(path)).await?.body;
    let rules = app.engine.rules(signed.principal.clinic).await?;
    let clinic = &rules.state;
    let query = AgendaQuery {
        from: Some(date.clone()),
        agenda: Some(agenda.to_string()),
        after: asked.after.clone(),
        ..AgendaQuery::default()
    };
    let path = ApiPath(signed.clinic());
    let day = read_agenda(State(app.clone()), signed.principal.clone(), path, ApiQuery(query)).await?.body;
    let time = |text: &str| WallTime::parse(text).map(|time| w.time(time)).unwrap_or_default();
    let href = format!("/staff/slots/{agenda}/{date}/{id}");
    let shown = day.days.iter().flat_map(|day| &day.slots).find(|slot| slot.id == *id);
    let availabilities = shown.into_iter().flat_map(|slot| &slot.availabilities).map(|a| {
        let query = serde_html_form::to_string([("start", &a.start)]).unwrap_or_default();
        let plan = [
            ("agenda", agenda.to_string()),
            ("date", date.clone()),
            ("slot", id.to_string()),
            ("start", a.start.clone()),
            ("end", a.end_time.clone()),
        ];
        let plan = serde_html_form::to_string(plan).unwrap_or_default();
        Availability {
            time: format!("{} – {}", time(&a.start_time), time(&a.end_time)),
            state: words::availability(w, a.state, a.icon),
            why_href: format!("{href}?{query}"),
            plan_href: (a.state == "free" && signed.receives()).then(|| format!("/staff/appointments/new?{plan}")),
            chosen: as_whom.start.as_deref() == Some(a.start.as_str()),
        }
    });
    let availabilities = availabilities.collect();
    let inside = |start: &str, end: &str| slot.when.start_time.as_str() < end && start < slot.when.end_time.as_str();
    let appointments = day.days.iter().flat_map(|day| &day.appointments);
    let booked = appointments.filter(|a| a.live && inside(&a.when.start_time, &a.when.end_time)).map(|a| {
        let name = a.name.as_ref().and_then(|name| name.get());
        let name = name.map_or_else(|| w.t("person-erased"), |name| format!("{} {}", name.first_name, name.last_name));
        (address(a.id), format!("{} {name}", time(&a.when.start_time)))
    });
    let booked = booked.collect();
    let explained = match &as_whom.start {
        Some(start) => Some(explain(app, signed, (*agenda, date, *id), start, &as_whom).await?),
        None => None,
    };
    let on = WallDate::parse(date).unwrap_or(WallDate(0));
    let practitioner = clinic.practitioners.get(&booking_domain::ids::PractitionerId(slot.practitioner));
    let activity = slot.activity.and_then(|id| clinic.activities.get(&booking_domain::ids::ActivityId(id)));
    let form = form.unwrap_or_else(|| Typed::of(&slot, clinic.zone()));
    let page = SlotPage {
        w,
        frame: Frame::new(app, signed, Section::Agenda).await?,
        notice: asked.done.as_deref().and_then(|done| notice(w, done)),
        alert: problem.map(|problem| refusal(w, problem)),
        changed: changed_since(app, signed, &StreamName::agenda_day(AgendaId(*agenda), on), problem).await?,
        errors: problem.map_or(Errors::none(), |problem| Errors::of(w, problem)),
        day_href: format!("/staff/agenda?date={date}"),
        title: slot.title.clone().or_else(|| activity.map(|a| a.name.clone())).unwrap_or_default(),
        when: format!("{}, {} – {}", w.day(on), time(&slot.when.start_time), time(&slot.when.end_time)),
        practitioner: practitioner.map(|p| p.name.clone()).unwrap_or_default(),
        origin: match slot.origin {
            "template" => w.t("slot-origin-template"),
            "recurrence" => w.t("slot-origin-recurrence"),
            _ => w.t("slot-origin-manual"),
        },
        withdrawn: slot.withdrawn,
        key: fresh_key(app),
        choices: Choices::new(w, clinic, &form),
        href,
        form,
        availabilities,
        booked,
        explained,
        search,
        found,
    };
    render(&page)
}

async fn refused(
    app: &AppState,
    signed: &SignedIn,
    path: &(Uuid, String, Uuid),
    typed: Typed,
    problem: Problem,
) -> ApiResult<Response> {
    let problem = shown_on_page(problem)?;
    // A stale form gives way to what is there now; another mistake keeps what was typed.
    let kept = (problem.code != "stale").then_some(typed);
    let more = More { form: kept, problem: Some(&problem), ..More::default() };
    with_status(&problem, show(app, signed, path, more).await?)
}

async fn amend(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath(path): Path,
    form: Form<Typed>,
) -> ApiResult<Response> {
    let headers = form.command(&form.value.key, form.value.revision);
    let zone = app.engine.rules(signed.principal.clinic).await?.state.zone();
    let (agenda, date, slot) = &path;
    let api_path = ApiPath((ClinicId(signed.clinic()), AgendaId(*agenda), date.clone(), SlotId(*slot)));
    let body = ApiJson { value: form.value.slot(zone), bytes: form.bytes };
    match api::amend(State(app.clone()), signed.principal.clone(), api_path, headers, body).await {
        Ok(done) => Ok(go(&format!("/staff/slots/{agenda}/{date}/{slot}"), "saved", done.position)),
        Err(problem) => refused(&app, &signed, &path, form.value, problem).await,
    }
}

async fn withdraw(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath(path): Path,
    form: Form<Typed>,
) -> ApiResult<Response> {
    let headers = form.command(&form.value.key, form.value.revision);
    let (agenda, date, slot) = &path;
    let api_path = ApiPath((ClinicId(signed.clinic()), AgendaId(*agenda), date.clone(), SlotId(*slot)));
    match api::withdraw(State(app.clone()), signed.principal.clone(), api_path, headers).await {
        Ok(done) => Ok(go(&format!("/staff/slots/{agenda}/{date}/{slot}"), "withdrawn", done.position)),
        Err(problem) => refused(&app, &signed, &path, form.value, problem).await,
    }
}
