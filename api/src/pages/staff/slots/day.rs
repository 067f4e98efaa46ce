//! Withdrawing a day: everything that is free in these agendas goes, and whoever is booked is listed with the number to
//! call. It is shown first, and done slot by slot: what somebody changed meanwhile stays, and is told.

use super::one::Choices;
use super::typed::Typed;
use crate::http::AppState;
use crate::http::audit::replay::{AgendaQuery, StaffAgenda};
use crate::http::clinics::agenda::agenda as read_agenda;
use crate::http::clinics::appointments::{AfterQuery, details};
use crate::http::clinics::slots as api;
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::pages::form::Form;
use crate::pages::render;
use crate::pages::staff::appointments::{address, fresh_key, person, shown_on_page};
use crate::pages::staff::frame::{Frame, Section, SignedIn};
use crate::pages::text::Words;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use booking_domain::ids::{AgendaId, ClinicId, SlotId};
use booking_domain::time::{WallDate, WallTime};

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/staff/schedule/day", get(ask).post(withdraw))
}

/// Somebody to call.
struct Booked {
    href: String,
    when: String,
    name: String,
    practitioner: String,
    phones: Vec<String>,
}

/// What a day holds, or held.
struct Found {
    /// Slots that go, or went.
    slots: usize,
    /// Those that somebody changed meanwhile.
    kept: usize,
    booked: Vec<Booked>,
    done: bool,
}

#[derive(askama::Template)]
#[template(path = "staff/slots/day.html")]
struct Page {
    w: Words,
    frame: Frame,
    form: Typed,
    key: String,
    choices: Choices,
    found: Option<Found>,
    /// No day, or no agenda, was given.
    missing: bool,
}

impl Page {
    fn is_ticked(&self, agenda: &str) -> bool {
        self.form.agendas.iter().any(|id| id == agenda)
    }
}

async fn page(
    app: &AppState,
    signed: &SignedIn,
    form: Typed,
    found: Option<Found>,
    missing: bool,
) -> ApiResult<Response> {
    if !signed.receives() {
        return Err(Problem::not_found());
    }
    let rules = app.engine.rules(signed.principal.clinic).await?;
    render(&Page {
        w: signed.w,
        frame: Frame::new(app, signed, Section::Agenda).await?,
        key: fresh_key(app),
        choices: Choices::new(signed.w, &rules.state, &form),
        form,
        found,
        missing,
    })
}

async fn ask(State(app): State<AppState>, signed: SignedIn, RawQuery(query): RawQuery) -> ApiResult<Response> {
    let form: Typed = serde_html_form::from_str(query.as_deref().unwrap_or_default()).unwrap_or_default();
    page(&app, &signed, form, None, false).await
}

/// The day as it stands, after everything that was written.
async fn read(app: &AppState, signed: &SignedIn, form: &Typed) -> ApiResult<StaffAgenda> {
    let query = AgendaQuery {
        from: Some(form.date.clone()),
        agenda: Some(form.agendas.join(",")),
        after: app.log().head().await?.map(|head| head.to_string()),
        names: Some(false),
        ..AgendaQuery::default()
    };
    let path = ApiPath(signed.clinic());
    Ok(read_agenda(State(app.clone()), signed.principal.clone(), path, ApiQuery(query)).await?.body)
}

/// Whoever is still expected, soonest first; each of them is recorded as shown.
async fn booked(app: &AppState, signed: &SignedIn, day: &StaffAgenda) -> ApiResult<Vec<Booked>> {
    let w = signed.w;
    let mut all = Vec::new();
    for column in &day.days {
        let practitioner = column.practitioner.as_ref().map(|p| p.name.clone()).unwrap_or_default();
        let expected = column.appointments.iter().filter(|a| a.live && matches!(a.status, "booked" | "confirmed"));
        for appointment in expected {
            let path = ApiPath((signed.clinic(), appointment.id));
            let query = ApiQuery(AfterQuery { after: None });
            let read = details(State(app.clone()), signed.principal.clone(), path, query).await?.body;
            let whose = read.record.as_ref().map(|record| &record.details).or(read.contact.as_ref());
            let whose = whose.and_then(|shown| person(w, shown));
            let time = WallTime::parse(&appointment.when.start_time).map(|time| w.time(time)).unwrap_or_default();
            all.push((
                appointment.when.start.clone(),
                Booked {
                    href: address(appointment.id),
                    when: time,
                    name: whose.as_ref().map_or_else(|| w.t("person-erased"), |person| person.name.clone()),
                    practitioner: practitioner.clone(),
                    phones: whose.map(|person| person.phones).unwrap_or_default(),
                },
            ));
        }
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(all.into_iter().map(|(_, booked)| booked).collect())
}

async fn withdraw(State(app): State<AppState>, signed: SignedIn, form: Form<Typed>) -> ApiResult<Response> {
    if !signed.receives() {
        return Err(Problem::not_found());
    }
    if WallDate::parse(&form.value.date).is_none() || form.value.agendas.is_empty() {
        return page(&app, &signed, form.value, None, true).await;
    }
    let done = form.value.what == "withdraw";
    let day = read(&app, &signed, &form.value).await?;
    let mut open = Vec::new();
    for column in &day.days {
        let standing = column.slots.iter().filter(|slot| !slot.withdrawn);
        open.extend(standing.map(|slot| (column.agenda, column.date.clone(), slot.id, slot.revision)));
    }
    let (many, mut kept) = (open.len(), 0);
    for (agenda, date, slot, revision) in open.into_iter().filter(|_| done) {
        let headers = form.command(&format!("{}-{slot}", form.value.key), Some(revision));
        let path = ApiPath((ClinicId(signed.clinic()), AgendaId(agenda), date, SlotId(slot)));
        if let Err(problem) = api::withdraw(State(app.clone()), signed.principal.clone(), path, headers).await {
            shown_on_page(problem)?;
            kept += 1;
        }
    }
    let day = if done { read(&app, &signed, &form.value).await? } else { day };
    let found = Found { slots: many - kept, kept, booked: booked(&app, &signed, &day).await?, done };
    page(&app, &signed, form.value, Some(found), false).await
}
