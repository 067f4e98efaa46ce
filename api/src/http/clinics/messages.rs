//! What became of messages about appointments: never what they said, and never where they went.

use crate::http::AppState;
use crate::http::auth::{CARE, Principal};
use crate::http::extract::ApiPath;
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads;
use crate::http::wire::When;
use axum::Json;
use axum::extract::State;
use booking_domain::ids::{AppointmentId, ClinicId};
use booking_domain::time::Tz;
use booking_engine::vault::{MessageChannel, Undelivered};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(undelivered))
}

/// The most that is listed; who has more has another trouble.
pub(crate) const LISTED: usize = 200;

/// What became of one message about an appointment.
#[derive(Serialize, ToSchema)]
pub(crate) struct MessageOutcome {
    /// `booking`, `change` or `cancellation`.
    pub(crate) kind: &'static str,
    /// `email` or `sms`; none: it did not come that far.
    pub(crate) channel: Option<&'static str>,
    /// The channel took it; else it will not be tried again.
    pub(crate) delivered: bool,
    /// When that was, RFC 3339.
    pub(crate) at: String,
    /// Not delivered: why, in a word.
    #[schema(example = "refused")]
    pub(crate) reason: Option<String>,
}

impl MessageOutcome {
    fn failed(message: &Undelivered, zone: Tz) -> Self {
        Self {
            kind: message.kind.name(),
            channel: message.channel.map(MessageChannel::name),
            delivered: false,
            at: message.at.rfc3339(zone),
            reason: Some(message.reason.clone()),
        }
    }

    /// Of one appointment, oldest first.
    pub(crate) async fn of_appointment(
        app: &AppState,
        clinic: ClinicId,
        appointment: AppointmentId,
        zone: Tz,
    ) -> ApiResult<Vec<Self>> {
        let vault = app.engine.vault();
        let failed = vault.undelivered(clinic, appointment).await?;
        let taken = vault.deliveries(clinic, appointment).await?;
        let mut all: Vec<_> = failed.iter().map(|message| (message.at, Self::failed(message, zone))).collect();
        all.extend(taken.into_iter().map(|(kind, channel, at)| {
            let (kind, channel) = (kind.name(), Some(channel.name()));
            (at, Self { kind, channel, delivered: true, at: at.rfc3339(zone), reason: None })
        }));
        all.sort_by_key(|(at, _)| *at);
        Ok(all.into_iter().map(|(_, outcome)| outcome).collect())
    }
}

/// An appointment whose patient does not know yet.
#[derive(Serialize, ToSchema)]
pub(crate) struct NotReached {
    /// The appointment.
    pub(crate) appointment: Uuid,
    /// Whose agenda it stands in.
    pub(crate) practitioner: Uuid,
    /// When it is.
    pub(crate) when: When,
    /// `booked`, `confirmed`, `arrived`, `completed`, `cancelled` or `no_show`.
    pub(crate) status: &'static str,
    /// The last message that did not reach the patient.
    pub(crate) message: MessageOutcome,
}

/// Whom to call.
#[derive(Serialize, ToSchema)]
pub(crate) struct NotReachedList {
    /// Soonest first, at most 200; nobody's name: that stands at the appointment.
    pub(crate) items: Vec<NotReached>,
}

/// Appointments of today and later whose patient could not be told of the last change: somebody has to call.
#[utoipa::path(get, path = "/clinics/{clinic}/messages/undelivered", tag = "appointments",
    operation_id = "listUndelivered", security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic")),
    responses((status = 200, body = NotReachedList), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn undelivered(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
) -> ApiResult<Json<NotReachedList>> {
    principal.allow(clinic, CARE)?;
    let zone = app.engine.rules(clinic).await?.state.zone();
    let today = app.engine.now().wall(zone).0;
    let mut items = Vec::new();
    for (appointment, message) in app.engine.vault().not_reached(clinic, today, LISTED).await? {
        let row = app.views.appointments.by_id(appointment).await.map_err(reads::unanswered)?;
        let Some(row) = row.filter(|row| row.clinic == clinic) else { continue };
        let place = &row.placement;
        items.push(NotReached {
            appointment: appointment.0,
            practitioner: place.practitioner.0,
            when: When::new(place.span, place.date, place.start, place.end, zone),
            status: row.status.name(),
            message: MessageOutcome::failed(&message, zone),
        });
    }
    items.sort_by(|a, b| a.when.start.cmp(&b.when.start));
    Ok(Json(NotReachedList { items }))
}

/// How many there are, for the pages that count what needs attention.
pub(crate) async fn count_undelivered(app: &AppState, principal: &Principal) -> ApiResult<usize> {
    let clinic = principal.clinic;
    principal.allow(clinic, CARE)?;
    let today = app.engine.now().wall(app.engine.rules(clinic).await?.state.zone()).0;
    Ok(app.engine.vault().not_reached(clinic, today, LISTED).await?.len())
}
