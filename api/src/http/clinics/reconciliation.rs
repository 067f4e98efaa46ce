//! The queue of online appointments that still need their patient, soonest visit first (8.12). It proposes; only a
//! person attaches.

use super::appointments::AppointmentSummary;
use super::patients::record::PatientItem;
use crate::http::AppState;
use crate::http::auth::{Principal, RECEPTION};
use crate::http::disclosure::{About, Access, PersonDetails, Shown};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::http::reads::{self, Read};
use crate::http::wire::{cursor, page_limit, parse_cursor};
use axum::extract::State;
use booking_domain::ids::{AppointmentId, ClinicId};
use booking_domain::matching::{FieldName, fold_name};
use booking_domain::person::{Profile, ProvisionalContact};
use booking_domain::time::{Instant, Tz, WallDate};
use booking_projections::appointments::{AppointmentRow, Cursor};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(queue))
}

/// How many bookings of the queue are looked at to find those that look like one person.
const LOOKED_AT: usize = 1_000;
/// From this many future bookings of one name and birth date on, one is marked (8.4).
const MARKED_FROM: usize = 3;

/// Which part of the queue.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueueQuery {
    /// `next` of the page before.
    pub(crate) cursor: Option<String>,
    /// Length of the page, up to 100; none: 25.
    pub(crate) limit: Option<u32>,
    /// Waits up to two seconds until this position is shown.
    pub(crate) after: Option<String>,
}

/// A record that may be the one.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProposedRecord {
    /// The record; attach its id.
    pub(crate) record: PatientItem,
    /// How near it comes: `exact`, `strong` or `possible`.
    pub(crate) grade: &'static str,
    /// What was typed and is not on file, in the order of the form.
    pub(crate) differs: Vec<&'static str>,
}

/// An appointment whose patient is to be identified.
#[derive(Serialize, ToSchema)]
pub(crate) struct Unidentified {
    /// The appointment; its `revision` goes into `If-Match`.
    pub(crate) appointment: AppointmentSummary,
    /// Who it is for, as it was typed.
    pub(crate) contact: Shown<PersonDetails>,
    /// Why it matched nobody; none: it would match now, or nothing can be said.
    #[schema(example = "contact_differs")]
    pub(crate) why: Option<&'static str>,
    /// Up to three records, the nearest first.
    pub(crate) proposals: Vec<ProposedRecord>,
    /// Other bookings of the queue with the same name and birth date.
    pub(crate) same_person: Vec<Uuid>,
    /// How many future bookings there are of this name and birth date, with those of records that have both.
    pub(crate) future_bookings: usize,
    /// It is the third future booking of this name and birth date, or a later one.
    pub(crate) third_or_later: bool,
}

/// A page of the queue.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReconciliationQueue {
    /// Soonest visit first.
    pub(crate) waiting: Vec<Unidentified>,
    /// Cursor of the next page; none: there was nothing more.
    pub(crate) next: Option<String>,
}

/// Name and birth date, as they are compared.
type Who = (String, String, WallDate);

fn who(profile: &Profile) -> Who {
    (fold_name(&profile.first_name), fold_name(&profile.last_name), profile.birth_date)
}

/// The identification form's view of what was sealed with the booking.
fn contact_of(profile: &Profile) -> ProvisionalContact {
    ProvisionalContact {
        first_name: profile.first_name.clone(),
        last_name: profile.last_name.clone(),
        birth_date: profile.birth_date,
        sex: profile.sex,
        health_number: profile.health_number.clone(),
        cell_phone: profile.phones.first().cloned(),
        email: profile.emails.first().cloned(),
    }
}

/// A booking of somebody, in the order in which they were made.
type Made = (Instant, AppointmentId);

/// The appointments that need their patient.
#[utoipa::path(get, path = "/clinics/{clinic}/reconciliation", tag = "patients", operation_id = "listReconciliation",
    security(("staff" = [])),
    params(("clinic" = Uuid, Path, description = "The clinic"), QueueQuery),
    responses((status = 200, body = ReconciliationQueue), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn queue(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<Uuid>,
    ApiQuery(query): ApiQuery<QueueQuery>,
) -> ApiResult<Read<ReconciliationQueue>> {
    let clinic = ClinicId(clinic);
    let access = principal.opens(&app, clinic, RECEPTION, "listReconciliation", About::Anybody).await?;
    let limit = page_limit(query.limit, 25, 100)?;
    let after: Option<Cursor> = parse_cursor(query.cursor.as_deref())?;
    let fresh = reads::caught_up(&app, &["appointments", "patients"], query.after.as_deref()).await?;
    let now = app.engine.now();
    let start: Cursor = (now, AppointmentId(Uuid::nil()));
    let appointments = &app.views.appointments;
    let page = appointments.reconciliation(clinic, after.or(Some(start)), limit).await.map_err(reads::unanswered)?;
    let next = page.last().filter(|_| page.len() >= limit).map(|row| cursor(&(row.placement.span.start, row.id)));
    let ahead = appointments.reconciliation(clinic, Some(start), LOOKED_AT).await.map_err(reads::unanswered)?;
    let group = Group::of(&app, clinic, ahead.iter().chain(&page)).await?;
    let mut waiting = Vec::with_capacity(page.len());
    for row in &page {
        waiting.push(group.judge(&app, &access, row).await?);
    }
    access.answer(Read::new(ReconciliationQueue { waiting, next }, fresh)).await
}

/// One appointment without a record, wherever it stands: in the queue, planned by staff with contact details alone, or
/// already begun, when the person stands at the desk.
///
/// # Errors
///
/// Not found, if there is no such appointment or it has its patient or was cancelled.
pub(crate) async fn one(
    app: &AppState,
    principal: &Principal,
    (clinic, id): (ClinicId, AppointmentId),
    after: Option<&str>,
) -> ApiResult<Unidentified> {
    let access = principal.opens(app, clinic, RECEPTION, "listReconciliation", About::Anybody).await?;
    reads::caught_up(app, &["appointments", "patients"], after).await?;
    let appointments = &app.views.appointments;
    let row = appointments.by_id(id).await.map_err(reads::unanswered)?;
    let row = row.filter(|row| row.clinic == clinic && row.is_provisional() && row.is_live());
    let row = row.ok_or_else(Problem::not_found)?;
    let start: Cursor = (app.engine.now(), AppointmentId(Uuid::nil()));
    let ahead = appointments.reconciliation(clinic, Some(start), LOOKED_AT).await.map_err(reads::unanswered)?;
    let group = Group::of(app, clinic, ahead.iter().chain([&row])).await?;
    let judged = group.judge(app, &access, &row).await?;
    access.answer(judged).await
}

/// Bookings that are compared with one another, to find those that look like one person.
struct Group {
    zone: Tz,
    now: Instant,
    people: HashMap<AppointmentId, Option<Profile>>,
    /// Those whose visit is still to come.
    bookings: BTreeMap<Who, Vec<Made>>,
}

impl Group {
    async fn of(app: &AppState, clinic: ClinicId, rows: impl Iterator<Item = &AppointmentRow>) -> ApiResult<Self> {
        let (zone, now) = (app.engine.rules(clinic).await?.state.zone(), app.engine.now());
        let (mut people, mut bookings) = (HashMap::new(), BTreeMap::<Who, Vec<Made>>::new());
        for row in rows {
            if people.contains_key(&row.id) {
                continue;
            }
            let profile = match &row.contact {
                #[expect(clippy::disallowed_methods, reason = "compared with one another; who is shown is noted below")]
                Some(sealed) => app.engine.open::<Profile>(clinic, row.subject, sealed).await?,
                None => None,
            };
            if let Some(profile) = &profile
                && row.placement.span.start > now
            {
                bookings.entry(who(profile)).or_default().push((row.booked_at, row.id));
            }
            people.insert(row.id, profile);
        }
        Ok(Self { zone, now, people, bookings })
    }

    async fn judge(&self, app: &AppState, access: &Access<'_>, row: &AppointmentRow) -> ApiResult<Unidentified> {
        let summary = AppointmentSummary::of_row(row, self.zone);
        match self.people.get(&row.id).and_then(Option::as_ref) {
            None => Ok(Unidentified {
                appointment: summary,
                contact: access.details(row.subject, None),
                why: None,
                proposals: vec![],
                same_person: vec![],
                future_bookings: usize::from(row.placement.span.start > self.now),
                third_or_later: false,
            }),
            Some(profile) => {
                let others = self.bookings.get(&who(profile)).map(Vec::as_slice).unwrap_or_default();
                unidentified(app, access, row, summary, profile, others, self.now).await
            }
        }
    }
}

async fn unidentified(
    app: &AppState,
    access: &Access<'_>,
    row: &AppointmentRow,
    appointment: AppointmentSummary,
    profile: &Profile,
    waiting: &[Made],
    now: Instant,
) -> ApiResult<Unidentified> {
    let directory = &app.views.directory;
    let contact = contact_of(profile);
    let found = directory.proposals(row.clinic, &contact);
    // Bookings that stand on a record with the same name and birth date are bookings of this person as well.
    let identity = [FieldName::FirstName, FieldName::LastName, FieldName::BirthDate];
    let mut made: Vec<Made> = waiting.to_vec();
    for proposal in found.iter().filter(|p| !p.differs.iter().any(|field| identity.contains(field))) {
        let ids = directory.merged_ids(proposal.patient);
        let booked = app.views.appointments.of_patient(row.clinic, &ids).await.map_err(reads::unanswered)?;
        let future = booked.iter().filter(|b| b.is_live() && b.placement.span.start > now);
        made.extend(future.map(|b| (b.booked_at, b.id)));
    }
    let proposals = found.into_iter().filter_map(|proposal| {
        let record = PatientItem::new(access, &directory.get(proposal.patient)?);
        let differs = proposal.differs.iter().map(|field| field.name()).collect();
        Some(ProposedRecord { record, grade: proposal.grade.name(), differs })
    });
    Ok(Unidentified {
        appointment,
        contact: access.details(row.subject, Some(profile)),
        why: directory.why_unmatched(row.clinic, &contact).map(booking_domain::matching::Why::name),
        proposals: proposals.collect(),
        same_person: waiting.iter().filter(|(_, id)| *id != row.id).map(|(_, id)| id.0).collect(),
        future_bookings: made.len(),
        third_or_later: row.placement.span.start > now && rank(&made, (row.booked_at, row.id)) >= MARKED_FROM,
    })
}

/// The how-manieth booking this is, in the order in which they were made.
fn rank(made: &[Made], own: Made) -> usize {
    made.iter().filter(|other| **other <= own).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_booking_is_marked_and_the_first_two_are_not() {
        let made: Vec<Made> = (0..3u8).map(|n| (Instant(i64::from(n)), AppointmentId::from_bytes([n; 16]))).collect();
        let marked: Vec<bool> = made.iter().map(|own| rank(&made, *own) >= MARKED_FROM).collect();
        assert_eq!(marked, [false, false, true]);
    }
}
