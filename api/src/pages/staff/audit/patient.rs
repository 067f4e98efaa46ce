//! One patient record, without anything that stands in it: what happened to it, and the appointments that are its own.

use super::lines::Line;
use super::{Hall, reason};
use crate::http::AppState;
use crate::http::audit::patient::history;
use crate::http::auth::AUDIT;
use crate::http::extract::ApiPath;
use crate::http::problem::ApiResult;
use crate::pages::render;
use crate::pages::staff::appointments::fresh_key;
use crate::pages::staff::frame::SignedIn;
use crate::pages::staff::words;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use booking_domain::time::{WallDate, WallTime};
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/audit/patients/{patient}", get(page))
}

/// An appointment of the record.
struct Visit {
    href: String,
    when: String,
    status: String,
}

#[derive(askama::Template)]
#[template(path = "staff/audit/patient.html")]
struct Page {
    hall: Hall,
    patient: Uuid,
    records: Vec<Uuid>,
    lines: Vec<Line>,
    visits: Vec<Visit>,
    why: String,
    /// For the form of an administrator.
    key: String,
}
super::in_hall!(Page);

async fn page(State(app): State<AppState>, mut signed: SignedIn, ApiPath(id): ApiPath<Uuid>) -> ApiResult<Response> {
    // Whom the role does not admit is refused by the API, which records it.
    if signed.may(AUDIT) && !reason::given(&mut signed) {
        return reason::ask(&app, &signed, "search", signed.w.t("audit-kind-patient")).await;
    }
    let path = ApiPath((signed.clinic(), id));
    let told = history(State(app.clone()), signed.principal.clone(), path).await?.body;
    let (w, why) = (signed.w, signed.principal.purpose.unwrap_or_default());
    let visits = told.appointments.iter().map(|a| {
        let date = WallDate::parse(&a.when.date).map(|date| w.full_date(date)).unwrap_or_default();
        let time = WallTime::parse(&a.when.start_time).map(|time| w.time(time)).unwrap_or_default();
        Visit {
            href: format!("/audit/appointments/{}?why={why}", a.id),
            when: format!("{date}, {time}"),
            status: words::status(w, a.status),
        }
    });
    let page = Page {
        patient: told.patient,
        visits: visits.collect(),
        lines: told.entries.iter().map(|entry| Line::of(w, entry)).collect(),
        records: told.records,
        why: why.to_owned(),
        key: fresh_key(&app),
        hall: Hall::new(&app, &signed, "search").await?,
    };
    render(&page)
}
