//! BookAppointment on the portal.

use super::holds::refused;
use super::visits::typed_contact;
use super::{Found, PublicContact, find};
use crate::http::AppState;
use crate::http::auth::VisitorToken;
use crate::http::commands::{Done, begin};
use crate::http::extract::{ApiJson, ApiPath, CommandHeaders};
use crate::http::limits::Taking;
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire::{HoldRef, PublicPractitioner, Text, When, parse_availability, shown_reference};
use crate::http::work;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use booking_domain::agenda_day::{Appointment, cutoff};
use booking_domain::clinic::Clinic;
use booking_domain::ids::ServiceId;
use booking_domain::stream::StreamName;
use booking_domain::values::BadField;
use booking_engine::{Actor, Booked, OnlineBooking};
use booking_events::sealed_forms::Reason;
use booking_projections::ledger::event_hash;
use booking_store::Recorded;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(book))
}

/// What is to be booked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBooking {
    /// The service.
    pub(crate) service: Uuid,
    /// The availability.
    pub(crate) availability: String,
    /// The hold that the visitor relies on; if it ended, nothing is booked (410).
    #[serde(default)]
    pub(crate) hold: Option<String>,
    /// The reason for the visit, as the service asks.
    #[serde(default)]
    pub(crate) reason: Option<VisitReason>,
    /// Messages about the appointment may be sent.
    #[serde(default = "yes")]
    pub(crate) notify: bool,
}

const fn yes() -> bool {
    true
}

/// A reason for a visit.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VisitReason {
    /// Place in the service's list, from 0.
    #[serde(default)]
    pub choice: Option<u16>,
    /// Typed, up to 500 characters.
    #[serde(default)]
    pub text: String,
}

/// What was booked (8.10).
#[derive(Serialize, ToSchema)]
pub(crate) struct BookedAppointment {
    /// The appointment.
    pub(crate) appointment: PublicAppointment,
    /// The reason given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<VisitReason>,
    /// The token of the appointment's link: send it as `Authorization: Bearer …` to see, move or cancel it.
    pub(crate) link_token: String,
    /// How to reach the clinic.
    pub(crate) clinic: PublicContact,
    /// With this anybody can check later that the booking stands in the clinic's history as it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) receipt: Option<Receipt>,
}

/// What a booking left in the log. It says nothing about anybody; `GET /ledger/proof?event=…` proves the rest.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct Receipt {
    /// Id of the event.
    pub(crate) event: Uuid,
    /// SHA-256 over the stored event, in hexadecimal; the ledger's leaf is its place and this hash.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub(crate) event_hash: String,
}

/// An appointment as its patient sees it. It holds no name and no health number.
#[derive(Serialize, ToSchema)]
pub(crate) struct PublicAppointment {
    /// To be read out on the telephone.
    #[schema(example = "7K3QX-29FMA")]
    pub(crate) reference: String,
    /// `booked`, `confirmed`, `arrived`, `completed`, `cancelled` or `no_show`.
    pub(crate) status: &'static str,
    /// When it is.
    #[serde(flatten)]
    pub(crate) when: When,
    /// With whom.
    pub(crate) practitioner: PublicPractitioner,
    /// What for.
    pub(crate) service: Text,
    /// `in_person`, `video`, `telephone` or `home_visit`.
    pub(crate) modality: &'static str,
    /// Until when the patient may move or cancel it.
    pub(crate) can_change_until: String,
    /// False if it is too late, or over.
    pub(crate) can_change: bool,
}

impl PublicAppointment {
    pub fn new(clinic: &Clinic, appointment: &Appointment, now: booking_domain::time::Instant) -> Self {
        let (placement, zone) = (&appointment.placement, clinic.zone());
        let until = cutoff(clinic, appointment);
        Self {
            reference: shown_reference(&appointment.reference),
            status: appointment.status.name(),
            when: When::new(placement.span, placement.date, placement.start, placement.end, zone),
            practitioner: PublicPractitioner::of(clinic, placement.practitioner),
            service: appointment.service_name.as_ref().map(Text::from).unwrap_or_default(),
            modality: appointment.modality.name(),
            can_change_until: until.rfc3339(zone),
            can_change: appointment.is_ahead() && now <= until,
        }
    }
}

/// Books an availability. Final at once (R53); a retry with the same key gives the same appointment (E22).
#[utoipa::path(post, path = "/portal/{slug}/appointments", tag = "portal", operation_id = "bookAppointment",
    security(("visit" = [])), params(("slug" = String, Path, description = "Address of the portal"),
        ("Idempotency-Key" = String, Header, description = "New for each booking; the same for a retry"),
        ("Booking-Work" = Option<String>, Header, description = "What the device worked out, under load")),
    request_body = NewBooking,
    responses((status = 201, body = BookedAppointment), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem),
        (status = 422, body = Problem), (status = 428, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn book(
    State(app): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request_headers: HeaderMap,
    ApiPath(slug): ApiPath<String>,
    token: VisitorToken,
    headers: CommandHeaders,
    ApiJson { value: wanted, bytes }: ApiJson<NewBooking>,
) -> ApiResult<Done<BookedAppointment>> {
    let found = find(&app, &slug).await?;
    let visit = token.visit(&app, found.id).await?;
    headers.require_key()?;
    let place = parse_availability("availability", &wanted.availability)?;
    if !found.clinic().agendas.contains_key(&place.agenda) {
        return Err(Problem::not_found());
    }
    let hold = match &wanted.hold {
        None => None,
        Some(text) => {
            Some(HoldRef::parse(text).ok_or_else(|| BadField::new("hold", "is not a hold of this API"))?.hold)
        }
    };
    let begun = begin(&app, found.id, Actor::Visit(visit.id), "book", &headers, &bytes).await?;
    let source = app.limits.source(peer.ip(), &request_headers);
    let ticket = work::admit(&app, (&found, &visit), source, Taking::Book(place), &headers, &begun).await?;
    let identity = typed_contact(&app, &visit).await?.to_profile();
    let service = ServiceId(wanted.service);
    let command = OnlineBooking {
        place,
        service,
        hold,
        reason: wanted.reason.as_ref().map(|r| Reason { choice: r.choice, text: r.text.trim().to_owned() }),
        terms_accepted_at: visit.opened_at,
        notify: wanted.notify,
    };
    let booked = match app.engine.book_online(&begun.ctx, &visit, &identity, &command).await {
        Ok(booked) => booked,
        Err(failure) => return Err(refused(&app, &found, &visit, service, place.selected, failure).await),
    };
    if let Some(ticket) = ticket {
        ticket.booked(app.engine.now());
    }
    let appointment = booked.committed.folded.state.appointments.get(&booked.appointment);
    let appointment = appointment.ok_or_else(|| Problem::internal("a booked appointment is not in its day"))?;
    let link = app.engine.link_token(found.id, booked.appointment).await?;
    let receipt = receipt(&app, &booked).await;
    let body = BookedAppointment { receipt, ..confirmation(&app, &found, appointment, wanted.reason, &link) };
    Ok(Done::created(body).revision(appointment.touched).position(booked.committed.position()))
}

fn confirmation(
    app: &AppState,
    found: &Found,
    appointment: &Appointment,
    reason: Option<VisitReason>,
    link: &[u8; 32],
) -> BookedAppointment {
    BookedAppointment {
        appointment: PublicAppointment::new(found.clinic(), appointment, app.engine.now()),
        reason,
        link_token: format!("l_{}", hex::encode(link)),
        clinic: PublicContact::of(found.clinic()),
        receipt: None,
    }
}

/// The receipt of a booking, made from the event as it was just stored; of a retry, as the log gives it back. The booking is
/// made: a log that does not answer now takes away the receipt and nothing else.
async fn receipt(app: &AppState, booked: &Booked) -> Option<Receipt> {
    let of = |event: &Recorded| Receipt { event: event.id, event_hash: hex::encode(event_hash(event)) };
    if let Some(event) = &booked.committed.stored {
        return Some(of(event));
    }
    let stream = StreamName::agenda_day(booked.agenda, booked.date);
    let revision = booked.committed.trace?.last;
    app.log().read_stream(&stream, revision, 1).await.ok()?.first().map(of)
}
