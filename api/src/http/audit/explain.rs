//! Why an availability is, or is not, shown to a viewer at a moment: every rule that spoke, who set it and when, and the
//! smallest change that turns it round. It stands on the function that the query and `BookAppointment` ask.

mod historian;

use super::past::{Past, ShownTo, WhenQuery, Who};
use super::reasons::{Spoken, change_in, rule_in};
use crate::http::AppState;
use crate::http::auth::{ANY_STAFF, Principal};
use crate::http::disclosure::{PersonName, Shown};
use crate::http::extract::{ApiPath, ApiQueries};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads::Read;
use crate::http::wire::{instant, parse_availability};
use axum::extract::State;
use booking_domain::agenda_day::DayOccupancy;
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AgendaId, ClinicId, PatientId, ServiceId, SlotId, SubjectId};
use booking_domain::time::{Instant, Tz};
use booking_domain::values::BadField;
use booking_domain::visibility::{Change, Rule, Situation, smallest_change};
use historian::Historian;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(explain))
}

/// Which availability of which service.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainQuery {
    /// The service.
    pub(crate) service: Uuid,
    /// The availability, as the portal names it; or `agenda`, `slot` and `start`.
    pub(crate) availability: Option<String>,
    /// The agenda.
    pub(crate) agenda: Option<Uuid>,
    /// The slot.
    pub(crate) slot: Option<Uuid>,
    /// Start of the availability, RFC 3339.
    pub(crate) start: Option<String>,
}

/// Who set what a rule rests on.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct SetBy {
    /// The stream.
    pub(crate) stream: String,
    /// Revision in it.
    pub(crate) revision: u64,
    /// Place in the log.
    pub(crate) position: u64,
    /// What was done.
    pub(crate) what: String,
    /// When, RFC 3339.
    pub(crate) at: String,
    /// `system`, `operator`, `staff`, `token`, `visit`, `link` or `unknown`.
    pub(crate) actor: &'static str,
    /// Opaque id of whoever did it.
    pub(crate) id: Option<Uuid>,
    /// Name, if it was a member of staff.
    pub(crate) name: Option<String>,
}

/// What one rule said.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct RuleSpoken {
    /// The rule's stable name.
    #[schema(example = "published")]
    pub(crate) rule: &'static str,
    /// Which of the service's criteria, counted from 0.
    pub(crate) criterion: Option<u8>,
    /// It lets the viewer pass.
    pub(crate) passed: bool,
    /// English.
    pub(crate) en: String,
    /// French.
    pub(crate) fr: String,
    /// Who set it; none: it rests on the clock, or on the viewer.
    pub(crate) set_by: Option<SetBy>,
}

/// One thing that could be otherwise.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct CouldBe {
    /// The change's stable name.
    #[schema(example = "look_at")]
    pub(crate) change: &'static str,
    /// Instant, ids or number that it needs.
    #[schema(value_type = Object)]
    pub(crate) with: serde_json::Value,
    /// English.
    pub(crate) en: String,
    /// French.
    pub(crate) fr: String,
}

/// Why an availability is, or is not, shown.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct Explanation {
    /// It is shown, and can be booked.
    pub(crate) offered: bool,
    /// There was such an availability at that moment.
    pub(crate) exists: bool,
    /// English.
    pub(crate) en: String,
    /// French.
    pub(crate) fr: String,
    /// The moment, RFC 3339.
    pub(crate) now: String,
    /// To whom.
    pub(crate) viewer: ShownTo,
    /// When the service publishes it, RFC 3339; none: at once, or never.
    pub(crate) publish_at: Option<String>,
    /// Every rule, in the order in which they are asked.
    pub(crate) rules: Vec<RuleSpoken>,
    /// The fewest changes that turn it round.
    pub(crate) smallest_change: Vec<CouldBe>,
}

/// Which availability.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    pub(crate) agenda: AgendaId,
    pub(crate) slot: SlotId,
    pub(crate) start: Instant,
}

impl ExplainQuery {
    fn spot(&self) -> ApiResult<Spot> {
        let bad = |e: BadField| Problem::bad_parameter(e.field, e.problem);
        match (&self.availability, self.agenda, self.slot, &self.start) {
            (Some(text), None, None, None) => {
                let place = parse_availability("availability", text).map_err(bad)?;
                let (slot, start) = (place.selected.slot, place.selected.start);
                Ok(Spot { agenda: place.agenda, slot, start })
            }
            (None, Some(agenda), Some(slot), Some(start)) => {
                let start = instant("start", start).map_err(bad)?;
                Ok(Spot { agenda: AgendaId(agenda), slot: SlotId(slot), start })
            }
            _ => Err(Problem::bad_parameter("availability", "give it, or agenda, slot and start")),
        }
    }
}

/// Why an availability is, or is not, shown to somebody at a moment.
#[utoipa::path(get, path = "/clinics/{clinic}/audit/explain", tag = "audit", operation_id = "explainAvailability",
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic"), ExplainQuery, Who, WhenQuery),
    responses((status = 200, body = Explanation), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn explain(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<Uuid>,
    ApiQueries((query, who, when)): ApiQueries<(ExplainQuery, Who, WhenQuery)>,
) -> ApiResult<Read<Explanation>> {
    let clinic = ClinicId(clinic);
    let access = principal.opens(&app, clinic, ANY_STAFF, "explainAvailability", who.about()).await?;
    let spot = query.spot()?;
    let past = Past::of(&app, clinic, &when).await?;
    access.found(who.note(&app, clinic, &access).await).await?;
    let explanation = explained(&past, &who, ServiceId(query.service), spot).await?;
    access.answer(Read::new(explanation, true)).await
}

/// What every service of the clinic says of an availability now, and the name of the patient whom it was asked for.
pub(crate) struct Everything {
    /// The services, with their internal names.
    pub(crate) services: Vec<(String, Explanation)>,
    /// The patient, if one was named.
    pub(crate) patient: Option<Shown<PersonName>>,
}

/// The same for every service, as one answer with one record of it: for the clinic's pages.
pub(crate) async fn explain_everything(
    app: &AppState,
    principal: &Principal,
    who: &Who,
    spot: Spot,
) -> ApiResult<Everything> {
    let clinic = principal.clinic;
    let access = principal.opens(app, clinic, ANY_STAFF, "explainAvailability", who.about()).await?;
    let past = Past::of(app, clinic, &WhenQuery::default()).await?;
    access.found(who.note(app, clinic, &access).await).await?;
    let scene = Scene::new(&past, spot).await?;
    let mut services = Vec::with_capacity(scene.rules.services.len());
    for (id, service) in &scene.rules.services {
        services.push((service.config.internal_name.clone(), scene.explained(who, *id).await?));
    }
    let patient = match who.patient.map(PatientId) {
        Some(patient) => Some(access.name_of(Some(patient), SubjectId::from(patient), None).await?),
        None => None,
    };
    access.answer(Everything { services, patient }).await
}

/// The explanation itself, for the API and the command line.
pub(crate) async fn explained(past: &Past<'_>, who: &Who, service: ServiceId, spot: Spot) -> ApiResult<Explanation> {
    if !past.app.engine.rules(past.clinic).await?.state.services.contains_key(&service) {
        return Err(Problem::not_found());
    }
    Scene::new(past, spot).await?.explained(who, service).await
}

/// An availability with everything that rules ask about it, at one moment.
struct Scene<'a> {
    past: &'a Past<'a>,
    spot: Spot,
    rules: Arc<Clinic>,
    day: DayOccupancy,
    historian: Historian<'a>,
}

impl<'a> Scene<'a> {
    async fn new(past: &'a Past<'a>, spot: Spot) -> ApiResult<Self> {
        // Streams of days name no clinic: another clinic's agenda does not exist here.
        if !past.app.engine.rules(past.clinic).await?.state.agendas.contains_key(&spot.agenda) {
            return Err(Problem::not_found());
        }
        let rules = past.rules().await?;
        let day = past.day(spot.agenda, spot.start.wall(rules.zone()).0).await?.occupancy;
        let historian = Historian::new(past, spot, rules.zone()).await?;
        Ok(Self { past, spot, rules, day, historian })
    }

    async fn explained(&self, who: &Who, service: ServiceId) -> ApiResult<Explanation> {
        let zone = self.rules.zone();
        let viewer = self.past.viewer(who, Some(service)).await?;
        let situation = Situation {
            clinic: (*self.rules).clone(),
            service,
            day: self.day.clone(),
            slot: self.spot.slot,
            start: self.spot.start,
            viewer: viewer.facts,
            now: self.past.at.now,
        };
        let now = self.past.at.now.rfc3339(zone);
        let Some(verdict) = situation.verdict() else {
            let Spoken { en, fr } = Spoken::new(
                "There was no such availability, or no such service, at that moment.",
                "Il n’y avait pas de telle disponibilité, ou pas de tel service, à ce moment.",
            );
            let (rules, smallest_change) = (Vec::new(), Vec::new());
            let (offered, exists, publish_at, viewer) = (false, false, None, viewer.told);
            return Ok(Explanation { offered, exists, en, fr, now, viewer, publish_at, rules, smallest_change });
        };
        let mut spoken = Vec::with_capacity(verdict.findings.len());
        for finding in &verdict.findings {
            let Spoken { en, fr } = rule_in(&situation, finding, verdict.publish_at);
            let set_by = self.historian.set_by(&situation, finding.rule, finding.revision).await?;
            let criterion = match finding.rule {
                Rule::Criterion(place) => Some(place),
                _ => None,
            };
            spoken.push(RuleSpoken { rule: finding.rule.name(), criterion, passed: finding.passed, en, fr, set_by });
        }
        let refusing = verdict.findings.iter().filter(|f| !f.passed).count();
        let Spoken { en, fr } = Spoken::verdict(verdict.offered, refusing);
        let could_be = smallest_change(&situation).iter().map(|change| told(change, &situation, zone)).collect();
        Ok(Explanation {
            offered: verdict.offered,
            exists: true,
            en,
            fr,
            now,
            viewer: viewer.told,
            publish_at: verdict.publish_at.filter(|at| *at != Instant::MIN).map(|at| at.rfc3339(zone)),
            rules: spoken,
            smallest_change: could_be,
        })
    }
}

fn told(change: &Change, situation: &Situation, zone: Tz) -> CouldBe {
    let Spoken { en, fr } = change_in(change, situation);
    let with = match change {
        Change::LookAt(at) | Change::PublishSlotAt(at) => serde_json::json!({ "at": at.rfc3339(zone) }),
        Change::LinkActivity(id) | Change::GiveSlotActivity(id) | Change::ReinstateActivity(id) => {
            serde_json::json!({ "activity": id.0 })
        }
        Change::AdmitPractitioner(id) | Change::ReactivatePractitioner(id) => {
            serde_json::json!({ "practitioner": id.0 })
        }
        Change::WidenCriterion(place) | Change::DropCriterion(place) => serde_json::json!({ "criterion": place }),
        Change::ShortenNotice(minutes) | Change::WidenHorizon(minutes) => serde_json::json!({ "minutes": minutes }),
        Change::RaiseCap(cap) => serde_json::json!({ "cap": cap }),
        Change::FreeTime(ids) | Change::EndMoves(ids) => {
            serde_json::json!({ "appointments": ids.iter().map(|id| id.0).collect::<Vec<_>>() })
        }
        Change::ReleaseHolds(ids) => serde_json::json!({ "holds": ids.iter().map(|id| id.0).collect::<Vec<_>>() }),
        Change::ActivatePortal
        | Change::DeactivatePortal
        | Change::ActivateService
        | Change::OfferRecurring
        | Change::OpenByHand
        | Change::ProveViewer
        | Change::OpenToEveryone
        | Change::PutSlotBack
        | Change::PutAvailabilityBack => serde_json::json!({}),
    };
    CouldBe { change: change.name(), with, en, fr }
}
