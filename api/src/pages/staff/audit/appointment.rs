//! One appointment: how it was at a moment, and everything that happened to it, with who and the proof.

use super::lines::{Line, Thread};
use super::then::{Slider, Then, read, with_query};
use super::{Hall, reason};
use crate::http::AppState;
use crate::http::audit::history::{HistoryQuery, history};
use crate::http::audit::past::WhenQuery;
use crate::http::audit::travel::appointment;
use crate::http::auth::AUDIT;
use crate::http::clinics::appointments::{AppointmentSummary, AvailabilityOfSlot};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::pages::render;
use crate::pages::staff::frame::SignedIn;
use crate::pages::staff::words;
use crate::pages::text::Words;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use booking_domain::clinic::Clinic;
use booking_domain::time::{WallDate, WallTime};
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/audit/appointments/{appointment}", get(page))
}

/// The appointment as it was; no name is in it.
struct Facts {
    when: String,
    practitioner: String,
    status: String,
    booked_by: String,
    service: String,
    modality: String,
    patient: Option<Uuid>,
    to_identify: bool,
    agenda_href: String,
    slots: Vec<String>,
}

#[derive(askama::Template)]
#[template(path = "staff/audit/appointment.html")]
struct Page {
    hall: Hall,
    reference: String,
    slider: Slider,
    /// None: at that moment there was no such appointment, or the moment cannot be shown.
    facts: Option<Facts>,
    lines: Vec<Line>,
    /// The event of the booking.
    booking: Option<Uuid>,
    /// As its visitor saw the portal, right before the booking.
    seen_href: Option<String>,
    why: String,
}
super::in_hall!(Page);

async fn page(
    State(app): State<AppState>,
    mut signed: SignedIn,
    ApiPath(id): ApiPath<Uuid>,
    RawQuery(query): RawQuery,
) -> ApiResult<Response> {
    if !signed.may(AUDIT) {
        // The API refuses, and records that it did.
        let path = ApiPath((signed.clinic(), id));
        let refused = appointment(State(app), signed.principal, path, ApiQuery(WhenQuery::default())).await;
        return Err(refused.err().unwrap_or_else(Problem::not_found));
    }
    if !reason::given(&mut signed) {
        return reason::ask(&app, &signed, "search", signed.w.t("audit-kind-appointment")).await;
    }
    let (w, then): (_, Then) = (signed.w, read(query.as_deref()));
    let path = || ApiPath((signed.clinic(), id));
    let asked = ApiQuery(HistoryQuery { after: None });
    let told = history(State(app.clone()), signed.principal.clone(), path(), asked).await?.body;
    let rules = app.engine.rules(signed.principal.clinic).await?;
    let zone = rules.state.zone();
    let when = then.when(zone);
    let shown = appointment(State(app.clone()), signed.principal.clone(), path(), ApiQuery(when)).await;
    let facts = match shown {
        Ok(read) => Some(Facts::of(w, &rules.state, &read.body)),
        Err(problem) if matches!(problem.status, 400 | 404) => None,
        Err(problem) => return Err(problem),
    };
    let (action, kept) = (format!("/audit/appointments/{id}"), vec![reason::kept(&signed)]);
    let told_of = Thread { w, entries: &told.entries, then: &then, action: &action, kept: &kept };
    let (lines, moment, steps) = told_of.lines(zone, app.engine.now());
    let booked = told.entries.iter().find(|entry| entry.what == "appointment-booked");
    let before = booked
        .and_then(|entry| entry.position.checked_sub(1))
        .filter(|_| booked.is_some_and(|entry| entry.actor.kind == "visit"));
    let seen_href = before.map(|position| {
        let pairs = [
            ("appointment".to_owned(), id.to_string()),
            ("position".to_owned(), position.to_string()),
            reason::kept(&signed),
        ];
        with_query("/audit/seen", &pairs)
    });
    let page = Page {
        reference: told.reference,
        slider: Slider::new(w, &action, kept, &then, &moment, steps),
        facts,
        booking: booked.map(|entry| entry.event),
        lines,
        seen_href,
        why: signed.principal.purpose.unwrap_or_default().to_owned(),
        hall: Hall::new(&app, &signed, "search").await?,
    };
    render(&page)
}

impl Facts {
    fn of(w: Words, clinic: &Clinic, a: &AppointmentSummary) -> Self {
        let date = WallDate::parse(&a.when.date).unwrap_or(WallDate(0));
        let time = |text: &str| WallTime::parse(text).map(|time| w.time(time)).unwrap_or_default();
        let day = format!("{}, {}", w.weekday(date.weekday()), w.full_date(date));
        let practitioner = clinic.practitioners.get(&a.practitioner.into());
        let slot = |s: &AvailabilityOfSlot| {
            let path = format!("/audit/slots/{}/{}/{}", a.agenda, a.when.date, s.slot);
            with_query(&path, &[("start", s.start.as_str())])
        };
        Self {
            when: format!("{day}, {} – {}", time(&a.when.start_time), time(&a.when.end_time)),
            practitioner: practitioner.map(|p| p.name.clone()).unwrap_or_default(),
            status: words::status(w, a.status),
            booked_by: match a.booked_by {
                "patient_online" => w.t("state-booked-online"),
                "external" => w.t("state-booked-elsewhere"),
                _ => w.t("state-booked-staff"),
            },
            service: a.service_name.as_ref().map(|name| w.of_text(name).to_owned()).unwrap_or_default(),
            modality: words::modality(w, a.modality),
            patient: a.patient,
            to_identify: a.to_identify,
            agenda_href: format!("/audit/agenda?date={}&agenda={}", a.when.date, a.agenda),
            slots: a.availabilities.iter().map(slot).collect(),
        }
    }
}
