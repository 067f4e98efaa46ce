//! Schedule templates: sets of slots that are laid down again from a chosen day (3.7).
//!
//! A template is never changed (R96), so nothing here wants `If-Match`; deleting one leaves its slots (R98).

use super::bulk::{BulkAnswer, answer, refused};
use super::slot_form::SlotPublication;
use super::{Listed, Retryable, catch_up, distinct, made};
use crate::http::AppState;
use crate::http::auth::{CARE, Principal, RECEPTION};
use crate::http::commands::{Done, begin};
use crate::http::extract::{ApiJson, ApiPath, ApiQuery, CommandHeaders};
use crate::http::problem::{ApiResult, Problem};
use crate::http::wire::{date, named, time};
use axum::Json;
use axum::extract::State;
use booking_domain::agenda_day::Slot;
use booking_domain::clinic::Clinic;
use booking_domain::ids::{ActivityId, AgendaId, ClinicId, PractitionerId, SlotId, TemplateId};
use booking_domain::template::{Template, TemplateCreated, TemplateSlot};
use booking_domain::time::{Tz, WallDate};
use booking_domain::values::{BadField, Modality};
use booking_engine::{BulkRefusal, MAX_BULK};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(delete)).routes(routes!(apply))
}

/// How many days a template may cover.
const MAX_SPAN: u16 = 366;

/// One slot of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TemplateSlotForm {
    /// Calendar days after the first day that the template is laid on.
    pub(crate) day_offset: u16,
    /// `HH:MM` on the clinic's wall.
    #[schema(example = "09:00")]
    pub(crate) start: String,
    /// `HH:MM` on the clinic's wall, up to 24:00.
    #[schema(example = "12:00")]
    pub(crate) end: String,
    /// Activity; a slot without one is never online.
    #[serde(default)]
    pub(crate) activity: Option<Uuid>,
    /// Title; required when there is no activity (R91).
    #[serde(default)]
    pub(crate) title: Option<String>,
    /// Length of each appointment; none: the activity's duration now, or the whole slot without an activity.
    #[serde(default)]
    pub(crate) interval_minutes: Option<u16>,
    /// `in_person`, `video`, `telephone` or `home_visit`; none: the activity's.
    #[serde(default)]
    pub(crate) modality: Option<String>,
    /// Its own publication, counted back from the start: a template has no date.
    #[serde(default)]
    pub(crate) publication: Option<SlotPublication>,
}

impl TemplateSlotForm {
    fn of(slot: &TemplateSlot) -> Self {
        Self {
            day_offset: slot.day_offset,
            start: slot.start.to_string(),
            end: slot.end.to_string(),
            activity: slot.activity.map(|id| id.0),
            title: slot.title.clone(),
            interval_minutes: Some(slot.interval_minutes),
            modality: slot.modality.map(|m| m.name().to_owned()),
            publication: SlotPublication::of(slot.publication, Tz::UTC),
        }
    }

    fn parse(&self, clinic: &Clinic) -> Result<TemplateSlot, BadField> {
        let (start, end) = (time("slots.start", &self.start)?, time("slots.end", &self.end)?);
        let activity = self.activity.map(ActivityId);
        let usual = activity.and_then(|id| clinic.activities.get(&id)).map(|a| a.duration_minutes);
        let modality = self.modality.as_deref().map(|name| named("slots.modality", name, Modality::from_name));
        let publication = SlotPublication::parse(self.publication.as_ref());
        Ok(TemplateSlot {
            day_offset: self.day_offset,
            start,
            end,
            activity,
            title: self.title.clone().filter(|title| !title.trim().is_empty()),
            interval_minutes: self.interval_minutes.or(usual).unwrap_or(end.0.saturating_sub(start.0)),
            modality: modality.transpose()?,
            publication: publication.map_err(|bad| BadField::new("slots.publication", bad.problem))?,
        })
    }
}

/// A template to make: of slots that are described, or of slots that stand in an agenda.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TemplateForm {
    /// Name; several templates may have the same (R93).
    pub(crate) name: String,
    /// Number of days that it covers; none: as many as its slots do.
    #[serde(default)]
    pub(crate) day_span: Option<u16>,
    /// The practitioner that it belongs to (R94); with `from`, the agenda's.
    #[serde(default)]
    pub(crate) practitioner: Option<Uuid>,
    /// Its slots, 1 to 500.
    #[serde(default)]
    pub(crate) slots: Option<Vec<TemplateSlotForm>>,
    /// Slots to copy.
    #[serde(default)]
    pub(crate) from: Option<TickedSlots>,
}

/// Slots of an agenda that were ticked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TickedSlots {
    /// The agenda.
    pub(crate) agenda: Uuid,
    /// The day that becomes the template's first; the slots lie on it or within 366 days.
    #[schema(example = "2026-11-23")]
    pub(crate) first_day: String,
    /// The slots, 1 to 500.
    pub(crate) slots: Vec<Uuid>,
}

/// Where a template is laid down.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplyForm {
    /// The agendas; none: that of the template's practitioner.
    #[serde(default)]
    pub(crate) agendas: Option<Vec<Uuid>>,
    /// Each of these days becomes the template's first.
    pub(crate) first_days: Vec<String>,
    /// Only say what would be laid down.
    #[serde(default)]
    pub(crate) dry_run: bool,
}

/// Which templates are listed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TemplateFilter {
    /// Only this practitioner's.
    pub(crate) practitioner: Option<Uuid>,
}

/// A schedule template.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClinicTemplate {
    /// Id.
    pub(crate) id: Uuid,
    /// Name.
    pub(crate) name: String,
    /// The practitioner that it belongs to.
    pub(crate) practitioner: Uuid,
    /// Number of days that it covers.
    pub(crate) day_span: u16,
    /// It is off the list; slots already laid down stay.
    pub(crate) deleted: bool,
    /// Its slots.
    pub(crate) slots: Vec<TemplateSlotForm>,
}

impl ClinicTemplate {
    fn of(template: &Template) -> Option<Self> {
        let created = template.created.as_ref()?;
        Some(Self {
            id: created.template.0,
            name: created.name.clone(),
            practitioner: created.practitioner.0,
            day_span: created.day_span,
            deleted: template.deleted,
            slots: created.slots.iter().map(TemplateSlotForm::of).collect(),
        })
    }
}

/// The clinic's templates.
#[utoipa::path(get, path = "/clinics/{clinic}/templates", tag = "schedule", operation_id = "listTemplates",
    security(("staff" = [])), params(("clinic" = Uuid, Path, description = "The clinic"), TemplateFilter),
    responses((status = 200, body = Listed<ClinicTemplate>), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
    ApiQuery(filter): ApiQuery<TemplateFilter>,
) -> ApiResult<Json<Listed<ClinicTemplate>>> {
    principal.allow(clinic, CARE)?;
    catch_up(&app, "clinics").await?;
    let all = app.views.clinics.templates(clinic);
    let wanted = |t: &ClinicTemplate| filter.practitioner.is_none_or(|wanted| wanted == t.practitioner);
    let items = all.iter().filter_map(|template| ClinicTemplate::of(template)).filter(wanted).collect();
    Ok(Json(Listed { items }))
}

/// Makes a template. To change one: apply it, delete it, adjust the slots, make a new one (3.7).
#[utoipa::path(post, path = "/clinics/{clinic}/templates", tag = "schedule", operation_id = "createTemplate",
    security(("staff" = [])), params(Retryable, ("clinic" = Uuid, Path, description = "The clinic")),
    request_body = TemplateForm,
    responses((status = 201, body = ClinicTemplate), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn create(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath(clinic): ApiPath<ClinicId>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<TemplateForm>,
) -> ApiResult<Done<ClinicTemplate>> {
    principal.allow(clinic, RECEPTION)?;
    let rules = app.engine.rules(clinic).await?;
    let (practitioner, slots) = match (&form.slots, &form.from) {
        (Some(slots), None) => {
            let of = form.practitioner.ok_or_else(|| BadField::new("practitioner", "must be given"))?;
            let slots = slots.iter().map(|slot| slot.parse(&rules.state)).collect::<Result<Vec<_>, _>>()?;
            (PractitionerId(of), slots)
        }
        (None, Some(from)) if form.practitioner.is_none() => ticked(&app, &rules.state, from).await?,
        (None, Some(_)) => return Err(BadField::new("practitioner", "is the agenda's: leave it out").into()),
        _ => return Err(BadField::new("slots", "give either slots or from").into()),
    };
    let covered = slots.iter().map(|slot| slot.day_offset.saturating_add(1)).max().unwrap_or(1);
    let begun = begin(&app, clinic, principal.actor(), "createTemplate", &headers, &bytes).await?;
    let template = TemplateId(begun.ctx.id("template"));
    let (name, day_span) = (form.name, form.day_span.unwrap_or(covered));
    let command = TemplateCreated { template, clinic, practitioner, name, day_span, slots };
    let done = app.engine.create_template(&begun.ctx, &command).await?;
    let body = made(ClinicTemplate::of(&done.folded.state))?;
    Ok(Done::created(body).revision(done.folded.state.touched).position(done.position()))
}

/// The slots that were ticked, found by the view and read to the heads of their days.
async fn ticked(app: &AppState, clinic: &Clinic, from: &TickedSlots) -> ApiResult<(PractitionerId, Vec<TemplateSlot>)> {
    let agenda = AgendaId(from.agenda);
    let known = clinic.practitioner_of(agenda).ok_or_else(|| BadField::new("from.agenda", "is not known"))?;
    let first = date("from.first_day", &from.first_day)?;
    let wanted = distinct(from.slots.iter().map(|id| SlotId(*id)).take(501));
    catch_up(app, "availability").await?;
    let mut found = Vec::with_capacity(wanted.len());
    for day in (0..i32::from(MAX_SPAN)).map(|offset| first.plus_days(offset)) {
        let shown = app.views.availability.day(agenda, day);
        if shown.is_some_and(|shown| shown.slots.iter().any(|slot| wanted.contains(&slot.id))) {
            let folded = app.engine.day(agenda, day).await?;
            let slots = folded.state.occupancy.slots.iter();
            found.extend(slots.filter(|slot| wanted.contains(&slot.id) && !slot.withdrawn).cloned());
        }
    }
    if found.len() < wanted.len() {
        return Err(BadField::new("from.slots", "names one that is not in the agenda on these days").into());
    }
    Ok((known, copied(first, &found)))
}

fn copied(first: WallDate, slots: &[Slot]) -> Vec<TemplateSlot> {
    let copy = |slot: &Slot| TemplateSlot {
        day_offset: u16::try_from(slot.date.0 - first.0).unwrap_or(u16::MAX),
        start: slot.start,
        end: slot.end,
        activity: slot.activity,
        title: slot.title.as_deref().map(str::to_owned),
        interval_minutes: slot.interval_minutes,
        modality: slot.modality,
        publication: slot.publication,
    };
    slots.iter().map(copy).collect()
}

/// Takes a template off the list; slots already laid down stay (R98).
#[utoipa::path(delete, path = "/clinics/{clinic}/templates/{template}", tag = "schedule",
    operation_id = "deleteTemplate", security(("staff" = [])),
    params(Retryable, ("clinic" = Uuid, Path, description = "The clinic"),
        ("template" = Uuid, Path, description = "The template")),
    responses((status = 200, body = ClinicTemplate), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn delete(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, template)): ApiPath<(ClinicId, TemplateId)>,
    headers: CommandHeaders,
) -> ApiResult<Done<ClinicTemplate>> {
    principal.allow(clinic, RECEPTION)?;
    let begun = begin(&app, clinic, principal.actor(), "deleteTemplate", &headers, &[]).await?;
    let done = app.engine.delete_template(&begun.ctx, template).await?;
    let body = made(ClinicTemplate::of(&done.folded.state))?;
    Ok(Done::ok(body).revision(done.folded.state.touched).position(done.position()))
}

/// Lays a template down from each of these days on; it never fails because of overlap (R95).
#[utoipa::path(post, path = "/clinics/{clinic}/templates/{template}/apply", tag = "schedule",
    operation_id = "applyTemplate", security(("staff" = [])),
    params(Retryable, ("clinic" = Uuid, Path, description = "The clinic"),
        ("template" = Uuid, Path, description = "The template")),
    request_body = ApplyForm,
    responses((status = 200, body = BulkAnswer, description = "Dry run"), (status = 201, body = BulkAnswer),
        (status = 401, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn apply(
    State(app): State<AppState>,
    principal: Principal,
    ApiPath((clinic, id)): ApiPath<(ClinicId, TemplateId)>,
    headers: CommandHeaders,
    ApiJson { value: form, bytes }: ApiJson<ApplyForm>,
) -> ApiResult<Done<BulkAnswer>> {
    principal.allow(clinic, RECEPTION)?;
    catch_up(&app, "clinics").await?;
    let template = app.views.clinics.template(id).ok_or_else(Problem::not_found)?;
    let created = template.created.as_ref().filter(|c| c.clinic == clinic).ok_or_else(Problem::not_found)?;
    let rules = app.engine.rules(clinic).await?;
    let agendas = if let Some(agendas) = &form.agendas {
        distinct(agendas.iter().map(|id| AgendaId(*id)).take(MAX_BULK))
    } else {
        let own = rules.state.agendas.iter().find(|(_, a)| a.practitioner == created.practitioner);
        let (agenda, _) = own.ok_or_else(|| BadField::new("agendas", "the practitioner has no agenda yet"))?;
        vec![*agenda]
    };
    let days = form.first_days.iter().take(MAX_BULK).map(|text| date("first_days", text));
    let mut days = days.collect::<Result<Vec<_>, _>>()?;
    days.sort_unstable();
    days.dedup();
    // Before the slots are made: a small request may name millions.
    if agendas.len().saturating_mul(days.len()).saturating_mul(created.slots.len()) > MAX_BULK {
        return Err(BulkRefusal::TooMany.into());
    }
    let begun = begin(&app, clinic, principal.actor(), "applyTemplate", &headers, &bytes).await?;
    let report = app
        .engine
        .apply_template(&begun.ctx, id, &agendas, &days, form.dry_run)
        .await
        .map_err(|failure| refused(failure, pointer))?;
    Ok(answer(&rules.state, &report, form.dry_run))
}

/// What is wrong lies in the request only if it is the agenda or the day; else the clinic changed under the template.
fn pointer(_: usize, field: &str) -> String {
    match field {
        "agenda" => "/agendas".to_owned(),
        "date" => "/first_days".to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_domain::clinic::PublicationOverride;
    use booking_domain::time::WallTime;

    fn slot() -> TemplateSlot {
        TemplateSlot {
            day_offset: 3,
            start: WallTime(540),
            end: WallTime::END_OF_DAY,
            activity: Some(ActivityId::from_bytes([1; 16])),
            title: Some("Walk-in".to_owned()),
            interval_minutes: 20,
            modality: Some(Modality::Telephone),
            publication: PublicationOverride::MinutesBefore(2880),
        }
    }

    #[test]
    fn a_templates_slot_reads_back_as_it_was_written() {
        let bare = TemplateSlot { activity: None, modality: None, publication: PublicationOverride::None, ..slot() };
        for slot in [slot(), bare] {
            let json = serde_json::to_string(&TemplateSlotForm::of(&slot)).unwrap();
            let form: TemplateSlotForm = serde_json::from_str(&json).unwrap();
            assert_eq!(form.parse(&Clinic::default()), Ok(slot));
        }
    }

    #[test]
    fn without_an_interval_it_is_the_activitys_or_the_whole_slot() {
        let mut clinic = Clinic::default();
        let activity = booking_domain::clinic::Activity {
            name: "Exam".to_owned(),
            duration_minutes: 30,
            modality: Modality::InPerson,
            retired: false,
            touched: 0,
        };
        clinic.activities.insert(ActivityId::from_bytes([1; 16]), activity);
        let form = TemplateSlotForm { interval_minutes: None, ..TemplateSlotForm::of(&slot()) };
        assert_eq!(form.parse(&clinic).unwrap().interval_minutes, 30);
        let titled = TemplateSlotForm { activity: None, ..form };
        assert_eq!(titled.parse(&clinic).unwrap().interval_minutes, 900);
    }
}
