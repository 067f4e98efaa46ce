//! Whom to call: coming appointments whose patient could not be told of the last change.

use super::appointments::{address, moment};
use super::frame::{Frame, Section, SignedIn};
use super::words;
use crate::http::AppState;
use crate::http::clinics::messages::undelivered;
use crate::http::extract::ApiPath;
use crate::http::problem::ApiResult;
use crate::pages::render;
use crate::pages::text::Words;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use booking_domain::ids::{ClinicId, PractitionerId};
use booking_domain::time::{WallDate, WallTime};

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/staff/undelivered", get(page))
}

/// An appointment of the list. Whose it is stands on its own page, which is recorded.
struct Item {
    href: String,
    when: String,
    practitioner: String,
    status: String,
    sentence: String,
    at: String,
}

#[derive(askama::Template)]
#[template(path = "staff/undelivered.html")]
struct Page {
    w: Words,
    frame: Frame,
    items: Vec<Item>,
}

async fn page(State(app): State<AppState>, signed: SignedIn) -> ApiResult<Response> {
    let w = signed.w;
    let path = ApiPath(ClinicId(signed.clinic()));
    let found = undelivered(State(app.clone()), signed.principal.clone(), path).await?.0.items;
    let rules = app.engine.rules(signed.principal.clinic).await?;
    let clinic = &rules.state;
    let items = found.iter().map(|item| {
        let date = WallDate::parse(&item.when.date).unwrap_or(WallDate(0));
        let start = WallTime::parse(&item.when.start_time).unwrap_or(WallTime(0));
        let practitioner = clinic.practitioners.get(&PractitionerId(item.practitioner));
        Item {
            href: address(item.appointment),
            when: w.day_time(date, start),
            practitioner: practitioner.map(|p| p.name.clone()).unwrap_or_default(),
            status: words::status(w, item.status),
            sentence: words::message(w, item.message.kind, item.message.channel, false),
            at: moment(w, &item.message.at, clinic.zone()),
        }
    });
    let items = items.collect();
    render(&Page { w, frame: Frame::new(&app, &signed, Section::Agenda).await?, items })
}
