//! The history of one appointment, from the slot it came from to its end, followed through its moves from day to day.

use super::events::AuditActor;
use super::names::Names;
use super::sentences::{Sentence, Teller, name};
use crate::http::AppState;
use crate::http::auth::{ANY_STAFF, Principal};
use crate::http::disclosure;
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads::{self, Read};
use axum::extract::State;
use booking_domain::agenda_day::{AgendaDayEvent, Placement};
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AgendaId, AppointmentId, ClinicId, HoldId, SlotId, VisitId};
use booking_domain::stream::StreamName;
use booking_domain::time::{Tz, WallDate};
use booking_events::Metadata;
use booking_store::Recorded;
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

/// What a read waits for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryQuery {
    /// Waits up to two seconds until this position is shown.
    pub(crate) after: Option<String>,
}

/// One thing that happened.
#[derive(Serialize, ToSchema)]
pub(crate) struct HistoryEntry {
    /// Place in the log.
    pub(crate) position: u64,
    /// The stream: the agenda and the day.
    pub(crate) stream: String,
    /// Place in the stream.
    pub(crate) revision: u64,
    /// The event's id: what its proof is asked for with.
    pub(crate) event: Uuid,
    /// When it happened, RFC 3339.
    pub(crate) at: String,
    /// Who did it.
    pub(crate) actor: AuditActor,
    /// What: the event's name without its version.
    #[schema(example = "patient-attached")]
    pub(crate) what: String,
    /// The same as a sentence in English.
    pub(crate) en: String,
    /// The same as a sentence in French.
    pub(crate) fr: String,
}

impl HistoryEntry {
    /// An event of a stream with its sentence.
    pub(crate) async fn of(
        names: &Names<'_>,
        zone: Tz,
        (event, metadata): (&Recorded, &Metadata),
        sentence: Sentence,
    ) -> ApiResult<Self> {
        Ok(Self {
            position: event.position.0,
            stream: event.stream.to_string(),
            revision: event.revision,
            event: event.id,
            at: metadata.occurred_at.rfc3339(zone),
            actor: names.actor(metadata.actor).await?,
            what: name(&event.event_type).to_owned(),
            en: sentence.en,
            fr: sentence.fr,
        })
    }
}

/// An appointment's history.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppointmentHistory {
    /// The appointment.
    pub(crate) appointment: Uuid,
    /// The reference that can be read out on the telephone.
    pub(crate) reference: String,
    /// IANA zone of all times.
    pub(crate) time_zone: String,
    /// Oldest first: the slot, the holds of the visit, the booking, and everything after it.
    pub(crate) entries: Vec<HistoryEntry>,
}

/// Everything that happened to an appointment, in words and as data.
#[utoipa::path(get, path = "/clinics/{clinic}/audit/appointments/{appointment}/history", tag = "audit",
    operation_id = "getAppointmentHistory", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"),
        ("appointment" = Uuid, Path, description = "The appointment"), HistoryQuery),
    responses((status = 200, body = AppointmentHistory), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn history(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(path): ApiPath<(Uuid, Uuid)>,
    ApiQuery(query): ApiQuery<HistoryQuery>,
) -> ApiResult<Read<AppointmentHistory>> {
    let (clinic, id): (ClinicId, AppointmentId) = reads::ids(path);
    let access =
        principal.opens(&app, clinic, ANY_STAFF, "getAppointmentHistory", disclosure::About::Appointment(id)).await?;
    let fresh = reads::caught_up(&app, &["appointments"], query.after.as_deref()).await?;
    let row = access.found(reads::appointment(&app, clinic, id).await).await?;
    access.about_appointment(&row);
    let rules = app.engine.rules(clinic).await?;
    let entries = followed(&app, &rules.state, clinic, id, row.moved_from.iter().copied().chain([row.place()])).await?;
    let time_zone = rules.state.zone().name().to_owned();
    let answer = Read::new(
        AppointmentHistory {
            appointment: id.0,
            reference: crate::http::wire::shown_reference(&row.reference),
            time_zone,
            entries,
        },
        fresh,
    );
    access.answer(answer).await
}

/// An agenda on a day.
type Place = (AgendaId, WallDate);

/// A decoded event of a day.
type Happened = (Recorded, Metadata, AgendaDayEvent);

/// How many days an appointment is followed through.
const MAX_DAYS: usize = 200;

async fn followed(
    app: &AppState,
    clinic: &Clinic,
    owner: ClinicId,
    id: AppointmentId,
    known: impl Iterator<Item = Place>,
) -> ApiResult<Vec<HistoryEntry>> {
    let (mut waiting, mut seen): (Vec<Place>, BTreeSet<Place>) = (known.collect(), BTreeSet::new());
    let (teller, names, zone) = (Teller::new(clinic), Names::of(app, owner), clinic.zone());
    let mut told: Vec<HistoryEntry> = Vec::new();
    while let Some(place) = waiting.pop() {
        if seen.len() >= MAX_DAYS || !seen.insert(place) {
            continue;
        }
        let stream = StreamName::agenda_day(place.0, place.1);
        let mut day: Vec<Happened> = Vec::new();
        for event in read_whole(&**app.log(), &stream).await? {
            let (metadata, decoded) = (metadata_of(&event)?, decode::<AgendaDayEvent>(&event)?);
            if metadata.clinic == owner {
                waiting.extend(other_day(&decoded, id));
                day.push((event, metadata, decoded));
            }
        }
        let about = About::read(&day, id);
        for (event, metadata, happened) in day.iter().filter(|(event, _, happened)| about.concerns(event, happened)) {
            let sentence = teller.tell(happened, metadata.actor, place);
            told.push(HistoryEntry::of(&names, zone, (event, metadata), sentence).await?);
        }
    }
    told.sort_by_key(|entry| entry.position);
    Ok(told)
}

/// The other day that an event of a move names.
fn other_day(event: &AgendaDayEvent, id: AppointmentId) -> Option<Place> {
    let (appointment, place) = match event {
        AgendaDayEvent::MoveReserved(e) => (e.appointment, (e.source_agenda, e.source_date)),
        AgendaDayEvent::AppointmentMovedOut(e) => (e.appointment, (e.target_agenda, e.target_date)),
        AgendaDayEvent::AppointmentMovedIn(e) => (e.booking.appointment, (e.source_agenda, e.source_date)),
        AgendaDayEvent::MoveAbandoned(e) => (e.appointment, (e.target_agenda, e.target_date)),
        _ => return None,
    };
    (appointment == id).then_some(place)
}

/// What on one day has to do with an appointment: itself, the slots behind it, the holds that its visit had before.
#[derive(Default)]
struct About {
    id: AppointmentId,
    slots: BTreeSet<SlotId>,
    visit: Option<VisitId>,
    holds: BTreeSet<HoldId>,
    /// Revision of the last event about the appointment itself; what happened to slots and holds later is not its own.
    last: u64,
    /// Revision of the booking.
    booked: u64,
}

impl About {
    fn read(day: &[Happened], id: AppointmentId) -> Self {
        let mut about = Self { id, ..Self::default() };
        for (event, _, happened) in day {
            if happened.appointment() != Some(id) {
                continue;
            }
            about.last = event.revision;
            about.slots.extend(placement_of(happened).into_iter().flat_map(|p| p.sources.iter().map(|s| s.slot)));
            if let AgendaDayEvent::AppointmentBooked(e) = happened {
                about.visit = e.booking.visit;
                about.booked = event.revision;
            }
        }
        for (_, _, happened) in day {
            if let AgendaDayEvent::HoldPlaced(e) = happened
                && Some(e.visit) == about.visit
            {
                about.holds.insert(e.hold);
            }
        }
        about
    }

    fn concerns(&self, event: &Recorded, happened: &AgendaDayEvent) -> bool {
        let slot = |slot: &SlotId| self.slots.contains(slot) && event.revision <= self.last;
        let hold = |hold: &HoldId| self.holds.contains(hold) && event.revision <= self.booked;
        match happened {
            AgendaDayEvent::SlotPublished(e) => slot(&e.slot),
            AgendaDayEvent::SlotAmended(e) => slot(&e.slot),
            AgendaDayEvent::SlotWithdrawn(e) => slot(&e.slot),
            AgendaDayEvent::HoldPlaced(e) => hold(&e.hold),
            AgendaDayEvent::HoldExtended(e) => hold(&e.hold),
            AgendaDayEvent::HoldReleased(e) => hold(&e.hold),
            other => other.appointment() == Some(self.id),
        }
    }
}

fn placement_of(event: &AgendaDayEvent) -> Option<&Placement> {
    match event {
        AgendaDayEvent::AppointmentBooked(e) => Some(&e.placement),
        AgendaDayEvent::AppointmentMoved(e) => Some(&e.placement),
        AgendaDayEvent::AppointmentMovedIn(e) => Some(&e.placement),
        AgendaDayEvent::MoveReserved(e) => Some(&e.placement),
        _ => None,
    }
}
