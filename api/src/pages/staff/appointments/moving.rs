//! Moving an appointment, also to another agenda, and making it longer or shorter.
//!
//! A free availability is chosen from a list, or a time is typed. Dragging a card in the day view opens this page with
//! everything filled in.

use super::{Choice, Panel, address, agendas, fresh_key, go, shown_on_page, with_status};
use crate::http::AppState;
use crate::http::audit::replay::AgendaQuery;
use crate::http::clinics::agenda::agenda as read_agenda;
use crate::http::clinics::appointments::plan::{MoveAppointment, move_to};
use crate::http::clinics::appointments::{AfterQuery, AppointmentSummary, AvailabilityOfSlot, details};
use crate::http::extract::{ApiJson, ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire;
use crate::pages::form::Form;
use crate::pages::render;
use crate::pages::staff::frame::{Frame, Section, SignedIn};
use crate::pages::staff::words::{Errors, refusal};
use crate::pages::text::Words;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use booking_domain::time::{Tz, WallDate, WallTime};
use booking_domain::values::BadField;
use serde::Deserialize;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/staff/appointments/{appointment}/move", get(ask).post(move_it))
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct MoveForm {
    revision: Option<u64>,
    key: String,
    agenda: String,
    date: String,
    /// `same`, `typed`, or an availability as `slot start`.
    at: String,
    start: String,
    minutes: String,
    only_selected: Option<String>,
    overbook: Option<String>,
    drop_original: Option<String>,
    /// From a card that was dropped on an availability.
    slot: String,
}

/// A free availability.
struct Free {
    value: String,
    words: String,
    chosen: bool,
}

#[derive(askama::Template)]
#[template(path = "staff/appointments/move.html")]
struct Page {
    w: Words,
    frame: Frame,
    href: String,
    now_at: String,
    form: MoveForm,
    key: String,
    agendas: Vec<Choice>,
    free: Vec<Free>,
    here: bool,
    from_slot: bool,
    alert: Option<String>,
    errors: Errors,
}

async fn current(app: &AppState, signed: &SignedIn, id: Uuid) -> ApiResult<AppointmentSummary> {
    let query = ApiQuery(AfterQuery { after: None });
    let path = ApiPath((signed.clinic(), id));
    Ok(details(State(app.clone()), signed.principal.clone(), path, query).await?.body.summary)
}

async fn free(app: &AppState, signed: &SignedIn, form: &MoveForm) -> ApiResult<Vec<Free>> {
    let query = AgendaQuery {
        from: Some(form.date.clone()),
        agenda: Some(form.agenda.clone()),
        names: Some(false),
        ..AgendaQuery::default()
    };
    let path = ApiPath(signed.clinic());
    let answer = read_agenda(State(app.clone()), signed.principal.clone(), path, ApiQuery(query)).await?.body;
    let slots = answer.days.iter().flat_map(|day| &day.slots);
    let mut free: Vec<Free> = slots
        .flat_map(|slot| slot.availabilities.iter().filter(|a| a.state == "free").map(move |a| (slot, a)))
        .map(|(slot, a)| {
            let value = format!("{} {}", slot.id, a.start);
            let time = |text: &str| WallTime::parse(text).map(|time| signed.w.time(time)).unwrap_or_default();
            let what = slot.title.clone().or_else(|| slot.activity_name.clone()).unwrap_or_default();
            Free {
                words: format!("{} – {}  {what}", time(&a.start_time), time(&a.end_time)),
                chosen: form.at == value,
                value,
            }
        })
        .collect();
    free.dedup_by(|a, b| a.value == b.value);
    Ok(free)
}

async fn page(
    app: &AppState,
    signed: &SignedIn,
    id: Uuid,
    mut form: MoveForm,
    problem: Option<&Problem>,
) -> ApiResult<Response> {
    let w = signed.w;
    let now = current(app, signed, id).await?;
    let rules = app.engine.rules(signed.principal.clinic).await?;
    let or = |text: &mut String, default: String| {
        if text.is_empty() {
            *text = default;
        }
    };
    or(&mut form.agenda, now.agenda.to_string());
    or(&mut form.date, now.when.date.clone());
    or(&mut form.start, now.when.start_time.clone());
    or(&mut form.minutes, now.when.duration_minutes.to_string());
    form.revision = form.revision.or(Some(now.revision));
    let here = form.agenda == now.agenda.to_string() && form.date == now.when.date;
    or(&mut form.at, if here { "same".to_owned() } else { "typed".to_owned() });
    let day = WallDate::parse(&now.when.date).unwrap_or(WallDate(0));
    let start = WallTime::parse(&now.when.start_time).unwrap_or(WallTime(0));
    let page = Page {
        w,
        frame: Frame::new(app, signed, Section::Agenda).await?,
        href: address(id),
        now_at: format!("{}, {}", w.day_time(day, start), w.duration(now.when.duration_minutes)),
        key: fresh_key(app),
        agendas: agendas(&rules.state, &form.agenda),
        free: free(app, signed, &form).await.unwrap_or_default(),
        here,
        from_slot: !now.availabilities.is_empty(),
        alert: problem.map(|problem| refusal(w, problem)),
        errors: problem.map_or(Errors::none(), |problem| Errors::of(w, problem)),
        form,
    };
    render(&page)
}

async fn ask(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath(id): ApiPath<Uuid>,
    RawQuery(query): RawQuery,
) -> ApiResult<Response> {
    if !signed.receives() {
        return Err(Problem::not_found());
    }
    let mut form: MoveForm = serde_html_form::from_str(query.as_deref().unwrap_or_default()).unwrap_or_default();
    // What is looked at is the revision of now, whatever the address says.
    form.revision = None;
    if !form.slot.is_empty() {
        form.at = format!("{} {}", form.slot, form.start);
        form.start = String::new();
    }
    page(&app, &signed, id, form, None).await
}

/// The wish of the form; the length is added on the clinic's clock.
fn wish(form: &MoveForm, now: &AppointmentSummary, zone: Tz) -> Result<MoveAppointment, BadField> {
    let agenda: Uuid = form.agenda.parse().map_err(|_| BadField::new("agenda", "must be chosen"))?;
    let minutes: i64 = form.minutes.trim().parse().map_err(|_| BadField::new("end", "needs a number of minutes"))?;
    if !(1..=1440).contains(&minutes) {
        return Err(BadField::new("end", "must be 1 to 1440 minutes after the start"));
    }
    let (availability, date, start) = match form.at.as_str() {
        "same" => {
            let first = now.availabilities.first();
            let selected = first.map(|a| AvailabilityOfSlot { slot: a.slot, start: a.start.clone() });
            (selected, now.when.date.clone(), Some(wire::instant("start", &now.when.start)?))
        }
        "typed" => (None, form.date.clone(), None),
        chosen => {
            let (slot, start) = chosen.split_once(' ').ok_or_else(|| BadField::new("start", "must be chosen"))?;
            let slot = slot.parse().map_err(|_| BadField::new("start", "must be chosen"))?;
            let at = wire::instant("start", start)?;
            let selected = AvailabilityOfSlot { slot, start: start.to_owned() };
            (Some(selected), form.date.clone(), Some(at))
        }
    };
    let offset = |at: booking_domain::time::Instant| {
        let text = at.rfc3339(zone);
        text.get(text.len().saturating_sub(6)..).map(str::to_owned)
    };
    // Elapsed time from a known instant; on the wall from a time that was typed.
    let (start, end, offsets) = if let Some(at) = start {
        let end = at.plus_minutes(minutes);
        let (end_date, end_time) = end.wall(zone);
        let midnight = end_time.0 == 0 && end_date.to_string() != date;
        let end_time = if midnight { WallTime::END_OF_DAY } else { end_time };
        (at.wall(zone).1, end_time, (offset(at), offset(end).filter(|_| !midnight)))
    } else {
        let start = wire::time("start", &form.start)?;
        let end = i64::from(start.0) + minutes;
        let end = u16::try_from(end).ok().filter(|end| *end <= WallTime::END_OF_DAY.0);
        let end = end.ok_or_else(|| BadField::new("end", "must lie on the same day"))?;
        (start, WallTime(end), (None, None))
    };
    Ok(MoveAppointment {
        agenda: if form.at == "same" { now.agenda } else { agenda },
        date,
        start: start.to_string(),
        end: end.to_string(),
        start_offset: offsets.0,
        end_offset: offsets.1,
        availability,
        only_selected: form.only_selected.is_some(),
        overbook: form.overbook.is_some(),
        drop_original: form.drop_original.is_some(),
    })
}

async fn move_it(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath(id): ApiPath<Uuid>,
    form: Form<MoveForm>,
) -> ApiResult<Response> {
    if !signed.receives() {
        return Err(Problem::not_found());
    }
    let typed = form.value.clone();
    let headers = form.command(&typed.key, typed.revision);
    let zone = app.engine.rules(signed.principal.clinic).await?.state.zone();
    let now = current(&app, &signed, id).await?;
    let path = ApiPath((signed.clinic(), id));
    let outcome = match wish(&typed, &now, zone) {
        Ok(value) => {
            let body = ApiJson { value, bytes: form.bytes };
            move_to(State(app.clone()), signed.principal.clone(), headers, path, body).await
        }
        Err(bad) => Err(bad.into()),
    };
    match outcome {
        Ok(done) => Ok(go(&address(id), "moved", done.position)),
        Err(problem) => {
            let problem = shown_on_page(problem)?;
            if matches!(problem.code, "stale" | "cancelled" | "wrong_status" | "moving") {
                return Panel::refused(&app, &signed, id, &problem).await;
            }
            with_status(&problem, page(&app, &signed, id, typed, Some(&problem)).await?)
        }
    }
}
