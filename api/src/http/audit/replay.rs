//! The agenda at any moment: now from the views, in the past folded from the log, rendered by one function.
//!
//! An `as_of` token is position and instant of an answer. Time travel takes it and shows that answer again: the
//! position says what had happened, the instant what the clock showed.

use super::day::{StaffAgendaDay, day};
use crate::http::AppState;
use crate::http::auth::{ANY_STAFF, Principal};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads::{self, Read};
use crate::http::wire;
use axum::extract::State;
use booking_domain::agenda_day::AgendaDay;
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AgendaId, ClinicId};
use booking_domain::stream::StreamName;
use booking_domain::time::{Instant, WallDate};
use booking_projections::agenda::{AgendaDayView, render};
use booking_store::Position;
use booking_store::fold::{Upto, load, metadata_of, read_whole};
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(agenda))
}

/// Most days of one answer.
const MAX_DAYS: i32 = 31;
/// Most days of agendas of one answer.
const MAX_AGENDA_DAYS: usize = 1_000;

/// What an answer showed: a position of the log, and the moment by the clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AsOf {
    /// What had happened.
    pub position: Position,
    /// What the clock showed.
    pub instant: Instant,
}

impl fmt::Display for AsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.position, self.instant.0)
    }
}

/// The text is no token of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadAsOf;

impl FromStr for AsOf {
    type Err = BadAsOf;

    fn from_str(text: &str) -> Result<Self, BadAsOf> {
        let (position, micros) = text.split_once('.').ok_or(BadAsOf)?;
        let plain = !micros.is_empty() && micros.bytes().all(|b| b.is_ascii_digit());
        let canonical = plain && (micros == "0" || !micros.starts_with('0'));
        let instant = Instant(micros.parse().map_err(|_| BadAsOf)?);
        let position = position.parse().map_err(|_| BadAsOf)?;
        if canonical { Ok(Self { position, instant }) } else { Err(BadAsOf) }
    }
}

/// Which days, and as of when.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AgendaQuery {
    /// First date, `yyyy-mm-dd`; none: the day of the moment that is shown.
    pub from: Option<String>,
    /// Last date, included, at most 31 days in all; none: the first.
    pub to: Option<String>,
    /// Agendas, separated by commas; none: all of the clinic's.
    pub agenda: Option<String>,
    /// The `as_of` of an earlier answer: shows that answer again.
    pub as_of: Option<String>,
    /// Position of an event: what was there right after it.
    pub at_position: Option<u64>,
    /// RFC 3339: what was there at that moment.
    pub at_time: Option<String>,
    /// Waits up to two seconds until this position is shown; not for the past.
    pub after: Option<String>,
    /// False: without the names of whom appointments are for, so that nobody is shown and nothing is recorded. The
    /// auditors' agenda never has any.
    pub names: Option<bool>,
}

/// Which moment an answer shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shows {
    /// This one.
    Now,
    /// An earlier one: how far the log is read, and what the clock showed.
    Past {
        /// How far.
        upto: Upto,
        /// What the clock showed.
        now: Instant,
    },
}

/// Days as they are, or were.
pub struct Rendered {
    /// The clinic's rules at that moment.
    pub clinic: Arc<Clinic>,
    /// The moment.
    pub now: Instant,
    /// It is not now.
    pub past: bool,
    /// How far the log was read.
    pub upto: Upto,
    /// The token that shows this again; none for a moment that was given by the clock alone.
    pub as_of: Option<AsOf>,
    /// The views had caught up with `after`.
    pub fresh: bool,
    /// The days, by agenda and date.
    pub days: Vec<AgendaDayView>,
}

/// The agenda.
#[derive(Serialize, ToSchema)]
pub struct StaffAgenda {
    /// IANA zone of all times.
    pub time_zone: String,
    /// The moment that is shown.
    pub now: String,
    /// It is the past: nothing here can be acted on.
    pub past: bool,
    /// Token that shows this very answer again.
    pub as_of: Option<String>,
    /// One entry for each agenda and day, also for days on which there is nothing.
    pub days: Vec<StaffAgendaDay>,
    /// The events before and after this moment; not in the agenda of now that is worked in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Steps>,
}

/// From event to event: positions for `at_position`.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Steps {
    /// The last event before what is shown, on these days or of the clinic's rules.
    pub earlier: Option<u64>,
    /// The first event after what is shown.
    pub later: Option<u64>,
}

impl From<&Rendered> for StaffAgenda {
    fn from(rendered: &Rendered) -> Self {
        let zone = rendered.clinic.zone();
        Self {
            time_zone: zone.name().to_owned(),
            now: rendered.now.rfc3339(zone),
            past: rendered.past,
            as_of: rendered.as_of.map(|as_of| as_of.to_string()),
            days: rendered.days.iter().map(|view| day(&rendered.clinic, view)).collect(),
            steps: None,
        }
    }
}

/// The agenda as it was, without names: slots, icons, appointments.
#[utoipa::path(get, path = "/clinics/{clinic}/audit/agenda", tag = "audit", operation_id = "replayAgenda",
    security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), AgendaQuery),
    responses((status = 200, body = StaffAgenda), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn agenda(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<Uuid>,
    ApiQuery(query): ApiQuery<AgendaQuery>,
) -> ApiResult<Read<StaffAgenda>> {
    let clinic = ClinicId(clinic);
    principal.allow(clinic, ANY_STAFF)?;
    let rendered = rendered(&app, clinic, &query).await?;
    let steps = steps(&app, clinic, &rendered).await?;
    Ok(Read::new(StaffAgenda { steps: Some(steps), ..StaffAgenda::from(&rendered) }, rendered.fresh))
}

/// Renders what a query asks for.
pub async fn rendered(app: &AppState, clinic: ClinicId, query: &AgendaQuery) -> ApiResult<Rendered> {
    match query.moment(app).await? {
        Shows::Now => present(app, clinic, query).await,
        Shows::Past { upto, now } => past(app, clinic, query, upto, now).await,
    }
}

impl AgendaQuery {
    async fn moment(&self, app: &AppState) -> ApiResult<Shows> {
        moment(app, self.as_of.as_deref(), self.at_position, self.at_time.as_deref()).await
    }

    /// The agendas that are asked for, or all, with the days.
    fn days(&self, clinic: &Clinic, known: &Clinic, now: Instant) -> ApiResult<Vec<(AgendaId, WallDate)>> {
        let date = |name: &'static str, text: &Option<String>, default: WallDate| match text {
            None => Ok(default),
            Some(text) => wire::date(name, text).map_err(|e| Problem::bad_parameter(name, e.problem)),
        };
        let from = date("from", &self.from, now.wall(clinic.zone()).0)?;
        let to = date("to", &self.to, from)?;
        if to < from || to.0.saturating_sub(from.0) >= MAX_DAYS {
            return Err(Problem::bad_parameter("to", "must lie at most 31 days from the first, and not before it"));
        }
        let agendas: Vec<AgendaId> = match &self.agenda {
            None => clinic.agendas.keys().copied().collect(),
            Some(list) => {
                let asked: Result<Vec<AgendaId>, _> = list.split(',').map(|id| id.trim().parse()).collect();
                let asked = asked.map_err(|_| Problem::not_found())?;
                if !asked.iter().all(|id| known.agendas.contains_key(id)) {
                    return Err(Problem::not_found());
                }
                asked.into_iter().filter(|id| clinic.agendas.contains_key(id)).collect()
            }
        };
        let dates: Vec<WallDate> = (from.0..=to.0).map(WallDate).collect();
        if agendas.len().saturating_mul(dates.len()) > MAX_AGENDA_DAYS {
            return Err(Problem::bad_parameter("agenda", "that is too much at once: name fewer agendas or fewer days"));
        }
        Ok(agendas.iter().flat_map(|agenda| dates.iter().map(|date| (*agenda, *date))).collect())
    }
}

/// The moment that a query names by a token, a position or a time; none of them: now.
pub async fn moment(
    app: &AppState,
    as_of: Option<&str>,
    at_position: Option<u64>,
    at_time: Option<&str>,
) -> ApiResult<Shows> {
    let now = app.engine.now();
    let not_future = |name: &str, at: Instant| {
        if at <= now { Ok(at) } else { Err(Problem::bad_parameter(name, "lies in the future")) }
    };
    match (as_of, at_position, at_time) {
        (None, None, None) => Ok(Shows::Now),
        (Some(token), None, None) => {
            let bad = |_| Problem::bad_parameter("as_of", "is not a token that this API gave");
            let as_of: AsOf = token.parse().map_err(bad)?;
            let now = not_future("as_of", as_of.instant)?;
            Ok(Shows::Past { upto: Upto::Position(as_of.position), now })
        }
        (None, Some(position), None) => {
            let position = Position(position);
            Ok(Shows::Past { upto: Upto::Position(position), now: instant_of(app, position).await? })
        }
        (None, None, Some(time)) => {
            let at = wire::instant("at_time", time).map_err(|e| Problem::bad_parameter(e.field, e.problem))?;
            let now = not_future("at_time", at)?;
            Ok(Shows::Past { upto: Upto::Moment(now), now })
        }
        _ => Err(Problem::bad_parameter("as_of", "give one of as_of, at_position and at_time")),
    }
}

/// When the event of a position happened.
async fn instant_of(app: &AppState, position: Position) -> ApiResult<Instant> {
    let mut after = position.0.checked_sub(1).filter(|p| *p > 0).map(Position);
    loop {
        let page = app.log().read_all(after, 1).await?;
        match page.events.first() {
            Some(event) if event.position == position => return Ok(metadata_of(event)?.occurred_at),
            None if !page.end && page.next.is_some() && page.next != after && page.next < Some(position) => {
                after = page.next;
            }
            _ => return Err(Problem::bad_parameter("at_position", "is not the position of an event")),
        }
    }
}

/// The positions that the views of agendas and of clinics have reached.
fn reached(app: &AppState) -> (Option<Position>, Option<Position>) {
    let status = app.views.status();
    let of = |name: &str| status.iter().find(|s| s.name == name).and_then(|s| s.position);
    (of("agenda"), of("clinics"))
}

async fn present(app: &AppState, clinic: ClinicId, query: &AgendaQuery) -> ApiResult<Rendered> {
    const TRIES: usize = 3;
    let fresh =
        reads::caught_up(app, &["agenda", "clinics", "appointments", "patients"], query.after.as_deref()).await?;
    let now = app.engine.now();
    let mut attempt = 0;
    loop {
        attempt += 1;
        let before = reached(app);
        let rules = match app.views.clinics.clinic(clinic) {
            Some(rules) => rules,
            None => Arc::new(app.engine.rules(clinic).await?.state.clone()),
        };
        let wanted = query.days(&rules, &rules, now)?;
        let mut found: BTreeMap<(AgendaId, WallDate), AgendaDay> = BTreeMap::new();
        if let (Some((_, from)), Some((_, to))) = (wanted.first(), wanted.last()) {
            let agendas: std::collections::BTreeSet<AgendaId> = wanted.iter().map(|(agenda, _)| *agenda).collect();
            for agenda in agendas {
                let days = app.views.agenda.days(agenda, *from, *to).await.map_err(reads::unanswered)?;
                found.extend(days.into_iter().map(|(date, day)| ((agenda, date), day)));
            }
        }
        // If the views went on while they were read, read again: the token has to show this very answer. Under a load
        // that never pauses it may show a little less.
        if reached(app) != before && attempt < TRIES {
            continue;
        }
        let empty = AgendaDay::default();
        let show = |(agenda, date): &(AgendaId, WallDate)| {
            render(&rules, *agenda, *date, found.get(&(*agenda, *date)).unwrap_or(&empty), now)
        };
        let days = wanted.iter().map(show).collect();
        let as_of = before.0.min(before.1).map(|position| AsOf { position, instant: now });
        return Ok(Rendered { clinic: rules, now, past: false, upto: Upto::Head, as_of, fresh, days });
    }
}

/// The nearest events of the shown days and of the clinic's rules. Right after an event, `earlier` is the one before
/// it; at any other moment it is the last that had happened.
async fn steps(app: &AppState, clinic: ClinicId, rendered: &Rendered) -> ApiResult<Steps> {
    let days = rendered.days.iter().map(|day| StreamName::agenda_day(day.agenda, day.date));
    let reads: Vec<_> = std::iter::once(StreamName::clinic(clinic))
        .chain(days)
        .map(|stream| async move { read_whole(&**app.log(), &stream).await })
        .collect();
    let streams: Vec<_> = futures::stream::iter(reads).buffered(8).try_collect().await?;
    let mut steps = Steps::default();
    for event in streams.iter().flatten() {
        let position = event.position.0;
        let happened = match rendered.upto {
            Upto::Position(shown) => event.position < shown,
            upto => upto.includes(event, metadata_of(event)?.occurred_at),
        };
        if happened {
            steps.earlier = steps.earlier.max(Some(position));
        } else if rendered.upto != Upto::Position(event.position) {
            steps.later = Some(steps.later.map_or(position, |later| later.min(position)));
        }
    }
    Ok(steps)
}

async fn past(app: &AppState, clinic: ClinicId, query: &AgendaQuery, upto: Upto, now: Instant) -> ApiResult<Rendered> {
    let log = &**app.log();
    let known = app.engine.rules(clinic).await?;
    let rules = load::<Clinic>(log, &StreamName::clinic(clinic), upto).await?.state;
    let wanted = query.days(&rules, &known.state, now)?;
    // Each day is a stream of its own; several are read at once, and they stay in order.
    let folds: Vec<_> = wanted
        .iter()
        .map(|(agenda, date)| {
            let stream = StreamName::agenda_day(*agenda, *date);
            async move { load::<AgendaDay>(log, &stream, upto).await.map(|folded| folded.state) }
        })
        .collect();
    let states: Vec<AgendaDay> = futures::stream::iter(folds).buffered(8).try_collect().await?;
    let days =
        wanted.iter().zip(&states).map(|((agenda, date), day)| render(&rules, *agenda, *date, day, now)).collect();
    let as_of = match upto {
        Upto::Position(position) => Some(AsOf { position, instant: now }),
        Upto::Head | Upto::Moment(_) => None,
    };
    Ok(Rendered { clinic: Arc::new(rules), now, past: true, upto, as_of, fresh: true, days })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_has_one_form() {
        let token = AsOf { position: Position(42), instant: Instant(1_795_442_400_000_000) };
        assert_eq!(token.to_string(), "42.1795442400000000");
        assert_eq!(token.to_string().parse(), Ok(token));
        for wrong in ["", "42", "42.", ".42", "0.1", "042.1", "42.01", "42.+1", "42.-1", "4 2.1", "42.1.1", "42.9e9"] {
            assert_eq!(wrong.parse::<AsOf>(), Err(BadAsOf), "{wrong}");
        }
    }

    #[test]
    fn dates_are_checked_before_anything_is_read() {
        let (clinic, now) = (Clinic::default(), Instant(1_795_442_400_000_000));
        let ask = |from: &str, to: &str| AgendaQuery {
            from: Some(from.to_owned()),
            to: Some(to.to_owned()),
            ..AgendaQuery::default()
        };
        assert!(ask("2026-11-01", "2026-12-01").days(&clinic, &clinic, now).is_ok());
        for (from, to) in [("2026-11-01", "2026-12-02"), ("2026-11-02", "2026-11-01"), ("2026-11-31", "2026-12-01")] {
            assert_eq!(ask(from, to).days(&clinic, &clinic, now).unwrap_err().status, 400, "{from} {to}");
        }
        let foreign = AgendaQuery { agenda: Some(Uuid::nil().to_string()), ..AgendaQuery::default() };
        assert_eq!(foreign.days(&clinic, &clinic, now).unwrap_err().status, 404);
    }
}
