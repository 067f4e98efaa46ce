//! What a visitor may choose: services, and the availabilities of one service.

use super::offer::PublicAvailability;
use super::{Found, find};
use crate::http::AppState;
use crate::http::audit::replay::AsOf;
use crate::http::auth::VisitorToken;
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::limits::{Budget, Source};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads::{self, Long};
use crate::http::wire::{Text, cursor, page_limit, parse_cursor};
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use booking_domain::agenda_day::Selected;
use booking_domain::clinic::Clinic;
use booking_domain::ids::{PractitionerId, ServiceId};
use booking_domain::time::{Instant, WallDate};
use booking_domain::visibility::{ViewerFacts, is_listed};
use booking_engine::Place;
use booking_engine::vault::Visit;
use booking_projections::availability::{Availability, DayPart, DayParts, OfferKey, Query, Weekdays};
use booking_store::Position;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(services)).routes(routes!(availabilities))
}

/// How many days a query without an end looks ahead.
const DEFAULT_DAYS: i32 = 60;
/// More availabilities than these do not begin at one moment.
const SAME_START: usize = 500;
/// How many days one query may span.
const MAX_DAYS: i32 = 366;

/// The services that the visitor may choose from.
#[derive(Serialize, ToSchema)]
pub(crate) struct Services {
    /// In the order of their names.
    pub(crate) services: Vec<PublicService>,
    /// True if there is nothing to choose: the visitor is told to call (R23, R24).
    pub(crate) not_eligible: bool,
}

impl Services {
    /// The services that this viewer may choose from.
    pub(crate) fn of(clinic: &Clinic, viewer: &ViewerFacts, now: Instant) -> Self {
        let listed = clinic.services.iter().filter(|(_, s)| is_listed(clinic, s, viewer, now));
        let mut services: Vec<PublicService> = listed
            .map(|(id, service)| PublicService {
                id: id.0,
                name: Text::from(&service.config.public_name),
                description: Text::from(&service.config.description),
                reasons: service.config.reasons.iter().map(Text::from).collect(),
                free_text_reason: service.config.free_text_reason,
                reason_required: service.config.reason_required,
            })
            .collect();
        services.sort_by(|a, b| (&a.name.fr, &a.name.en, a.id).cmp(&(&b.name.fr, &b.name.en, b.id)));
        let not_eligible = services.is_empty();
        Self { services, not_eligible }
    }
}

/// A service as patients see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct PublicService {
    /// Id.
    pub(crate) id: Uuid,
    /// Name.
    pub(crate) name: Text,
    /// Description.
    pub(crate) description: Text,
    /// Reasons to choose from.
    pub(crate) reasons: Vec<Text>,
    /// A reason may be typed.
    pub(crate) free_text_reason: bool,
    /// A reason must be given.
    pub(crate) reason_required: bool,
}

/// More pages than anybody reads are for somebody who watches the clinic, not for a visitor.
fn may_look(app: &AppState, visit: &Visit, source: Source) -> ApiResult<()> {
    let now = app.engine.now();
    app.limits.take(visit.id, Budget::VisitPages, now)?;
    app.limits.take(source, Budget::Pages, now)
}

/// The services that this visitor may book.
#[utoipa::path(get, path = "/portal/{slug}/services", tag = "portal", operation_id = "listServices",
    security(("visit" = [])), params(("slug" = String, Path, description = "Address of the portal")),
    responses((status = 200, body = Services), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn services(
    State(app): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request_headers: HeaderMap,
    ApiPath(slug): ApiPath<String>,
    token: VisitorToken,
) -> ApiResult<Json<Services>> {
    let found = find(&app, &slug).await?;
    let visit = token.visit(&app, found.id).await?;
    found.open()?;
    may_look(&app, &visit, app.limits.source(peer.ip(), &request_headers))?;
    let viewer = app.engine.viewer::<booking_domain::clinic::ClinicRefusal>(&visit, None).await?;
    let (clinic, now) = (found.clinic(), app.engine.now());
    Ok(Json(Services::of(clinic, &viewer.facts, now)))
}

/// Which availabilities are asked for.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// The service.
    pub(crate) service: Uuid,
    /// First day, `yyyy-mm-dd`; none: today.
    pub(crate) from: Option<String>,
    /// Last day, included; none: 60 days on.
    pub(crate) to: Option<String>,
    /// Ids of practitioners, separated by commas.
    pub(crate) practitioner: Option<String>,
    /// Weekdays, separated by commas: `mon`, `tue`, …
    pub(crate) weekday: Option<String>,
    /// Parts of the day, separated by commas: `morning`, `afternoon`, `evening`.
    pub(crate) part: Option<String>,
    /// Availabilities on a page, 1 to 100.
    pub(crate) limit: Option<u32>,
    /// Continue after the last page.
    pub(crate) cursor: Option<String>,
    /// Also count the availabilities of every day asked for.
    pub(crate) counts: Option<bool>,
    /// Wait until what was written up to this position is seen.
    pub(crate) after: Option<String>,
}

/// A page of availabilities.
#[derive(Serialize, ToSchema)]
#[allow(clippy::struct_field_names, reason = "the page's list is called what the API calls it")]
pub(crate) struct Availabilities {
    /// In the order of their starts.
    pub(crate) availabilities: Vec<PublicAvailability>,
    /// Cursor of the next page; none: there is no more.
    pub(crate) next: Option<String>,
    /// Days with availabilities, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) days: Option<Vec<DayCount>>,
    /// The clinic's IANA zone.
    pub(crate) time_zone: &'static str,
    /// Names this answer's place in history, for time travel.
    pub(crate) as_of: String,
    /// True if what was to be waited for was not seen in time.
    pub(crate) stale: bool,
}

impl Availabilities {
    /// Bytes that its JSON takes, about: an availability has some 420, a day with its count 34.
    const fn room(&self) -> usize {
        let days = match &self.days {
            Some(days) => days.len(),
            None => 0,
        };
        512 * (self.availabilities.len() + 1) + 40 * days
    }
}

/// How many availabilities a day has.
#[derive(Serialize, ToSchema)]
pub(crate) struct DayCount {
    /// Date.
    pub(crate) date: String,
    /// Availabilities.
    pub(crate) count: usize,
}

/// Days, practitioners and times that a query narrows to.
struct Filters {
    from: WallDate,
    to: WallDate,
    practitioners: Option<Vec<PractitionerId>>,
    weekdays: Weekdays,
    parts: DayParts,
}

impl Wanted {
    /// The days that are asked for.
    pub(crate) fn days(&self, today: WallDate) -> ApiResult<(WallDate, WallDate)> {
        self.filters(today).map(|filters| (filters.from, filters.to))
    }

    fn filters(&self, today: WallDate) -> ApiResult<Filters> {
        let day = |name: &str, text: &Option<String>, default: WallDate| match text {
            None => Ok(default),
            Some(text) => {
                WallDate::parse(text).ok_or_else(|| Problem::bad_parameter(name, "must be a date such as 2026-11-24"))
            }
        };
        let from = day("from", &self.from, today)?.max(today);
        let to = day("to", &self.to, from.plus_days(DEFAULT_DAYS))?;
        if to.0.saturating_sub(from.0) > MAX_DAYS {
            return Err(Problem::bad_parameter("to", "lies more than 366 days after the first day"));
        }
        let list = |text: &str| text.split(',').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect();
        let split = |text: &Option<String>| -> Option<Vec<String>> { text.as_deref().map(list) };
        let practitioners = match split(&self.practitioner) {
            None => None,
            Some(ids) => {
                let parsed: Result<Vec<PractitionerId>, _> = ids.iter().map(|id| id.parse()).collect();
                Some(parsed.map_err(|_| Problem::bad_parameter("practitioner", "must be ids"))?)
            }
        };
        let weekdays = match split(&self.weekday) {
            None => Weekdays::ALL,
            Some(names) => {
                Weekdays::only(numbers(&names, "weekday", &["mon", "tue", "wed", "thu", "fri", "sat", "sun"])?)
            }
        };
        let parts = match split(&self.part) {
            None => DayParts::ALL,
            Some(names) => {
                let all = [DayPart::Morning, DayPart::Afternoon, DayPart::Evening];
                let chosen = numbers(&names, "part", &["morning", "afternoon", "evening"])?;
                DayParts::only(chosen.into_iter().filter_map(|n| all.get(usize::from(n)).copied()))
            }
        };
        Ok(Filters { from, to, practitioners, weekdays, parts })
    }
}

fn numbers(names: &[String], parameter: &str, known: &[&str]) -> ApiResult<Vec<u8>> {
    let number = |name: &String| known.iter().zip(0u8..).find(|(k, _)| *k == name).map(|(_, n)| n);
    let found: Option<Vec<u8>> = names.iter().map(number).collect();
    found.ok_or_else(|| Problem::bad_parameter(parameter, format!("must be among {}", known.join(", "))))
}

/// The availabilities that this visitor may book now, soonest first.
#[utoipa::path(get, path = "/portal/{slug}/availabilities", tag = "portal", operation_id = "listAvailabilities",
    security(("visit" = [])), params(("slug" = String, Path, description = "Address of the portal"), Wanted),
    responses((status = 200, body = Availabilities), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn availabilities(
    State(app): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request_headers: HeaderMap,
    ApiPath(slug): ApiPath<String>,
    token: VisitorToken,
    ApiQuery(wanted): ApiQuery<Wanted>,
) -> ApiResult<Long<Availabilities>> {
    let found = find(&app, &slug).await?;
    let visit = token.visit(&app, found.id).await?;
    found.open()?;
    may_look(&app, &visit, app.limits.source(peer.ip(), &request_headers))?;
    let stale = !reads::caught_up(&app, &["availability"], wanted.after.as_deref()).await?;
    let service = ServiceId(wanted.service);
    let viewer = app.engine.viewer::<booking_domain::clinic::ClinicRefusal>(&visit, Some(service)).await?;
    let (clinic, now) = (found.clinic(), app.engine.now());
    let position = app.views.position();
    let known = clinic.services.get(&service).filter(|s| is_listed(clinic, s, &viewer.facts, now));
    known.ok_or_else(Problem::not_found)?;
    let answer = page(clinic, &app.views.availability, &viewer.facts, &wanted, now, (standing(position, now), stale))?;
    let room = answer.room();
    Ok(Long(answer, room))
}

/// An answer's place in history.
fn standing(position: Option<Position>, instant: Instant) -> Option<AsOf> {
    position.map(|position| AsOf { position, instant })
}

/// A page of availabilities: what the portal answers, now and when the past is asked.
pub(crate) fn page(
    clinic: &Clinic,
    view: &Availability,
    viewer: &ViewerFacts,
    wanted: &Wanted,
    now: Instant,
    (as_of, stale): (Option<AsOf>, bool),
) -> ApiResult<Availabilities> {
    let zone = clinic.zone();
    let filters = wanted.filters(now.wall(zone).0)?;
    let page = view.query(&Query {
        clinic,
        service: ServiceId(wanted.service),
        viewer,
        from: filters.from,
        to: filters.to,
        practitioners: filters.practitioners.as_deref(),
        weekdays: filters.weekdays,
        parts: filters.parts,
        now,
        after: parse_cursor(wanted.cursor.as_deref())?,
        limit: page_limit(wanted.limit, 20, 100)?,
        count_days: wanted.counts == Some(true),
    });
    let counted = |(date, count): &(WallDate, usize)| DayCount { date: date.to_string(), count: *count };
    Ok(Availabilities {
        availabilities: PublicAvailability::page(clinic, &page.offers),
        next: page.next.map(|key| cursor(&key)),
        days: (wanted.counts == Some(true)).then(|| page.days.iter().map(counted).collect()),
        time_zone: zone.name(),
        as_of: as_of.map_or_else(|| format!("0.{}", now.0), |as_of| as_of.to_string()),
        stale,
    })
}

/// One availability as this visitor is shown it; none if it is not.
pub(crate) async fn offered(
    app: &AppState,
    found: &Found,
    visit: &Visit,
    service: ServiceId,
    place: Place,
) -> ApiResult<Option<PublicAvailability>> {
    let viewer = app.engine.viewer::<booking_domain::clinic::ClinicRefusal>(visit, Some(service)).await?;
    let (clinic, Selected { slot, start }) = (found.clinic(), place.selected);
    let page = app.views.availability.query(&Query {
        clinic,
        service,
        viewer: &viewer.facts,
        from: place.date,
        to: place.date,
        practitioners: None,
        weekdays: Weekdays::ALL,
        parts: DayParts::ALL,
        now: app.engine.now(),
        after: Some(OfferKey { date: place.date, start: Instant(start.0 - 1), agenda: place.agenda, slot }),
        limit: SAME_START,
        count_days: false,
    });
    let offer = page.offers.iter().find(|o| (o.agenda, o.slot, o.span.start) == (place.agenda, slot, start));
    Ok(offer.map(|offer| PublicAvailability::new(clinic, offer)))
}

/// The availabilities nearest to one that is gone. The view may not know yet that it is: it is none of them.
pub(crate) fn alternatives(
    app: &AppState,
    found: &Found,
    service: ServiceId,
    viewer: &ViewerFacts,
    gone: Selected,
) -> Option<serde_json::Value> {
    let (clinic, now) = (found.clinic(), app.engine.now());
    let today = now.wall(clinic.zone()).0;
    let query = Query {
        clinic,
        service,
        viewer,
        from: today,
        to: today.plus_days(DEFAULT_DAYS),
        practitioners: None,
        weekdays: Weekdays::ALL,
        parts: DayParts::ALL,
        now,
        after: None,
        limit: 1,
        count_days: false,
    };
    let nearest = app.views.availability.nearest(&query, gone.start, 4);
    let others = nearest.iter().filter(|o| (o.slot, o.span.start) != (gone.slot, gone.start));
    let shown: Vec<_> = others.take(3).map(|o| PublicAvailability::new(clinic, o)).collect();
    serde_json::to_value(shown).ok()
}
