//! What a visitor of the portal saw at a moment: its page, the services, the availabilities of one of them.

use super::then::{Slider, Then, read, with_query};
use super::viewer::Viewer;
use super::{Hall, reason};
use crate::http::AppState;
use crate::http::audit::past::Who;
use crate::http::audit::replay::Steps;
use crate::http::audit::travel;
use crate::http::extract::{ApiPath, ApiQueries, ApiQuery};
use crate::http::portal::PortalClinic;
use crate::http::portal::browse::Wanted;
use crate::http::portal::offer::PublicAvailability;
use crate::http::problem::{ApiResult, Problem};
use crate::pages::render;
use crate::pages::staff::frame::SignedIn;
use crate::pages::text::Words;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use booking_domain::clinic::Clinic;
use booking_domain::stream::StreamName;
use booking_domain::time::{WallDate, WallTime};
use booking_store::fold::{Upto, metadata_of, read_whole};
use serde::Deserialize;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/audit/seen", get(page))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    service: String,
    from: String,
    cursor: Option<String>,
}

/// A service that was listed.
struct Offered {
    id: Uuid,
    name: String,
    description: String,
    href: String,
    chosen: bool,
}

/// A time that was offered.
struct Time {
    day: String,
    start: String,
    practitioner: String,
    held: bool,
    why_href: String,
}

#[derive(askama::Template)]
#[template(path = "staff/audit/seen.html")]
struct Page {
    hall: Hall,
    slider: Slider,
    viewer: Viewer,
    /// What the moment and the viewer are kept with by the form that chooses another viewer.
    kept: Vec<(String, String)>,
    /// Why there is nothing to see.
    alert: Option<String>,
    portal: Option<PortalClinic>,
    services: Option<Vec<Offered>>,
    times: Option<Vec<Time>>,
    more: Option<String>,
    why: String,
}
super::in_hall!(Page);

async fn page(State(app): State<AppState>, mut signed: SignedIn, RawQuery(query): RawQuery) -> ApiResult<Response> {
    let (asked, viewer, then): (Asked, Viewer, Then) =
        (read(query.as_deref()), read(query.as_deref()), read(query.as_deref()));
    let reasoned = reason::given(&mut signed);
    if viewer.is_somebody() && !reasoned {
        return reason::ask(&app, &signed, "seen", signed.w.t("audit-seen")).await;
    }
    let (w, who, clinic) = (signed.w, viewer.who(), signed.principal.clinic);
    let rules = app.engine.rules(clinic).await?;
    let mut own = viewer.pairs();
    own.push(reason::kept(&signed));
    if !asked.service.is_empty() {
        own.push(("service".to_owned(), asked.service.clone()));
    }
    let steps = steps(&app, &signed, &then, &rules.state).await?;
    let shown = steps.1;
    let mut page = Page {
        slider: Slider::new(w, "/audit/seen", own, &then, &shown, steps.0),
        kept: then.pairs().into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        viewer,
        alert: None,
        portal: None,
        services: None,
        times: None,
        more: None,
        why: signed.principal.purpose.unwrap_or_default().to_owned(),
        hall: Hall::new(&app, &signed, "seen").await?,
    };
    let outcome = fill(&app, &signed, &mut page, &who, (&asked, &then)).await;
    if let Err(problem) = outcome {
        page.alert = Some(match (problem.status, problem.code) {
            (409, "portal_off") => w.t("seen-closed"),
            (404, _) => w.t("seen-nothing"),
            (400, _) => w.t("audit-bad-moment"),
            _ => return Err(problem),
        });
    }
    render(&page)
}

/// Reads page, services and times as the API derives them.
async fn fill(
    app: &AppState,
    signed: &SignedIn,
    page: &mut Page,
    who: &Who,
    (asked, then): (&Asked, &Then),
) -> ApiResult<()> {
    let (state, principal, path) = (|| State(app.clone()), || signed.principal.clone(), || ApiPath(signed.clinic()));
    let rules = app.engine.rules(signed.principal.clinic).await?;
    let zone = rules.state.zone();
    let (w, when) = (signed.w, || then.when(zone));
    page.portal = Some(travel::portal(state(), principal(), path(), ApiQuery(when())).await?.body);
    let query = ApiQueries((who.clone(), when()));
    let services = travel::services(state(), principal(), path(), query).await?.body.services;
    let kept = || page.viewer.pairs().into_iter().chain(page.kept.clone()).chain([reason::kept(signed)]);
    let offered = services.iter().map(|service| {
        let own = kept().chain([("service".to_owned(), service.id.to_string())]).collect::<Vec<_>>();
        Offered {
            id: service.id,
            name: w.of_text(&service.name).to_owned(),
            description: w.of_text(&service.description).to_owned(),
            href: with_query("/audit/seen", &own),
            chosen: asked.service == service.id.to_string(),
        }
    });
    let offered: Vec<Offered> = offered.collect();
    let chosen = offered.iter().find(|service| service.chosen).map(|service| service.id);
    page.services = Some(offered);
    let Some(service) = chosen else { return Ok(()) };
    let wanted = Wanted {
        service,
        from: (!asked.from.is_empty()).then(|| asked.from.clone()),
        cursor: asked.cursor.clone(),
        limit: Some(100),
        ..Wanted::default()
    };
    let query = ApiQueries((wanted, who.clone(), when()));
    let answer = travel::availabilities(state(), principal(), path(), query).await?.body;
    let kept = || page.viewer.pairs().into_iter().chain(page.kept.clone()).chain([reason::kept(signed)]);
    let own: Vec<(String, String)> = kept().chain([("service".to_owned(), service.to_string())]).collect();
    let times = answer.availabilities.iter().map(|a| Time::of(w, a, &own)).collect();
    let next = |cursor| {
        with_query("/audit/seen", &own.iter().cloned().chain([("cursor".to_owned(), cursor)]).collect::<Vec<_>>())
    };
    let more = answer.next.map(next);
    (page.times, page.more) = (Some(times), more);
    Ok(())
}

impl Time {
    fn of(w: Words, a: &PublicAvailability, kept: &[(String, String)]) -> Self {
        let date = WallDate::parse(&a.when.date).unwrap_or(WallDate(0));
        let named = [("availability".to_owned(), a.availability.clone())];
        Self {
            day: format!("{}, {}", w.weekday(date.weekday()), w.full_date(date)),
            start: WallTime::parse(&a.when.start_time).map(|time| w.time(time)).unwrap_or_default(),
            practitioner: a.practitioner.name.clone(),
            held: a.held_by_you,
            why_href: with_query("/audit/explain", &kept.iter().cloned().chain(named).collect::<Vec<_>>()),
        }
    }
}

/// The changes of the rules before and after the moment, and the moment itself.
async fn steps(app: &AppState, signed: &SignedIn, then: &Then, clinic: &Clinic) -> ApiResult<(Steps, String)> {
    let zone = clinic.zone();
    let past = crate::http::audit::past::Past::of(app, signed.principal.clinic, &then.when(zone)).await;
    let (upto, now) = match past {
        Ok(past) => (past.at.upto, past.at.now),
        // What is wrong with it is said by the page.
        Err(problem) if problem.status == 400 => (Upto::Head, app.engine.now()),
        Err(problem) => return Err::<_, Problem>(problem),
    };
    let (mut positions, mut happened) = (Vec::new(), 0);
    for event in read_whole(&**app.log(), &StreamName::clinic(signed.principal.clinic)).await? {
        happened += usize::from(upto.includes(&event, metadata_of(&event)?.occurred_at));
        positions.push(event.position.0);
    }
    Ok((Slider::steps(&positions, then, happened), now.rfc3339(zone)))
}
