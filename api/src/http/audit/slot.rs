//! The history of a slot and of one availability in it: opened, changed, held, booked, given back; without names.

use super::history::HistoryEntry;
use super::names::Names;
use super::sentences::Teller;
use crate::http::AppState;
use crate::http::auth::{ANY_STAFF, Principal};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads::Read;
use crate::http::wire;
use axum::extract::State;
use booking_domain::agenda_day::{AgendaDayEvent, Source};
use booking_domain::ids::{AgendaId, AppointmentId, ClinicId, HoldId, SlotId};
use booking_domain::stream::StreamName;
use booking_domain::time::{Instant, WallDate};
use booking_store::fold::{decode, metadata_of, read_whole};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(history))
}

/// Which availability.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SlotHistoryQuery {
    /// Start of one availability, RFC 3339; none: the whole slot.
    pub(crate) start: Option<String>,
}

/// A slot's history.
#[derive(Serialize, ToSchema)]
pub(crate) struct SlotHistory {
    /// The slot.
    pub(crate) slot: Uuid,
    /// IANA zone of all times.
    pub(crate) time_zone: String,
    /// Oldest first.
    pub(crate) entries: Vec<HistoryEntry>,
}

/// Everything that happened to a slot, or to one availability of it.
#[utoipa::path(get, path = "/clinics/{clinic}/audit/agendas/{agenda}/days/{date}/slots/{slot}/history", tag = "audit",
    operation_id = "getSlotHistory", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), ("agenda" = Uuid, Path, description = "The agenda"),
        ("date" = String, Path, description = "The day, `yyyy-mm-dd`"),
        ("slot" = Uuid, Path, description = "The slot"), SlotHistoryQuery),
    responses((status = 200, body = SlotHistory), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn history(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, agenda, date, slot)): ApiPath<(Uuid, Uuid, String, Uuid)>,
    ApiQuery(query): ApiQuery<SlotHistoryQuery>,
) -> ApiResult<Read<SlotHistory>> {
    let (clinic, agenda, slot) = (ClinicId(clinic), AgendaId(agenda), SlotId(slot));
    principal.allow(clinic, ANY_STAFF)?;
    let rules = app.engine.rules(clinic).await?;
    let date = WallDate::parse(&date).filter(|_| rules.state.agendas.contains_key(&agenda));
    let date = date.ok_or_else(Problem::not_found)?;
    let start = query.start.as_deref().map(|text| wire::instant("start", text)).transpose();
    let start = start.map_err(|e| Problem::bad_parameter(e.field, e.problem))?;
    let (teller, names, zone) = (Teller::new(&rules.state), Names::of(&app, clinic), rules.state.zone());
    let mut thread = Thread { slot, start, holds: BTreeSet::new(), appointments: BTreeSet::new(), known: false };
    let mut entries = Vec::new();
    for event in read_whole(&**app.log(), &StreamName::agenda_day(agenda, date)).await? {
        let (metadata, happened) = (metadata_of(&event)?, decode::<AgendaDayEvent>(&event)?);
        if metadata.clinic == clinic && thread.takes(&happened) {
            let sentence = teller.tell(&happened, metadata.actor, (agenda, date));
            entries.push(HistoryEntry::of(&names, zone, (&event, &metadata), sentence).await?);
        }
    }
    if !thread.known {
        return Err(Problem::not_found());
    }
    Ok(Read::new(SlotHistory { slot: slot.0, time_zone: zone.name().to_owned(), entries }, true))
}

/// What of a day has to do with a slot: the slot itself, the holds in it, the appointments that come out of it.
struct Thread {
    slot: SlotId,
    start: Option<Instant>,
    holds: BTreeSet<HoldId>,
    appointments: BTreeSet<AppointmentId>,
    /// The slot was opened on this day.
    known: bool,
}

impl Thread {
    fn is_source(&self, sources: &[Source]) -> bool {
        let wanted = |source: &Source| self.start.is_none_or(|start| source.span.start == start);
        sources.iter().any(|source| source.slot == self.slot && wanted(source))
    }

    fn takes(&mut self, event: &AgendaDayEvent) -> bool {
        let own = match event {
            AgendaDayEvent::SlotPublished(e) => {
                self.known |= e.slot == self.slot;
                return e.slot == self.slot;
            }
            AgendaDayEvent::SlotAmended(e) => return e.slot == self.slot,
            AgendaDayEvent::SlotWithdrawn(e) => return e.slot == self.slot,
            AgendaDayEvent::HoldPlaced(e) => {
                let own = e.slot == self.slot && self.start.is_none_or(|start| e.span.start == start);
                if own {
                    self.holds.insert(e.hold);
                }
                return own;
            }
            AgendaDayEvent::HoldExtended(e) => return self.holds.contains(&e.hold),
            AgendaDayEvent::HoldReleased(e) => return self.holds.contains(&e.hold),
            AgendaDayEvent::AppointmentBooked(e) => self.is_source(&e.placement.sources),
            AgendaDayEvent::AppointmentMoved(e) => self.is_source(&e.placement.sources),
            AgendaDayEvent::AppointmentMovedIn(e) => self.is_source(&e.placement.sources),
            AgendaDayEvent::MoveReserved(e) => self.is_source(&e.placement.sources),
            _ => false,
        };
        let Some(appointment) = event.appointment() else { return own };
        let before = self.appointments.contains(&appointment);
        if own {
            self.appointments.insert(appointment);
        }
        own || before
    }
}
