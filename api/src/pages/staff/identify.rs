//! Those whose patient is to be identified, soonest visit first: what was typed beside the records that come near,
//! with the differing fields named in words. Only a person attaches, and may undo it.

use super::appointments::{address, fresh_key, go, moment, person, shown_on_page, with_status};
use super::frame::{Frame, Section, SignedIn};
use super::picker::{Found, SearchForm, find};
use super::words::{notice, refusal, sex};
use crate::http::AppState;
use crate::http::clinics::appointments::change::{self, AttachPatient};
use crate::http::clinics::reconciliation::{self, QueueQuery, Unidentified, queue};
use crate::http::disclosure::PersonDetails;
use crate::http::extract::{ApiJson, ApiPath, ApiQuery};
use crate::http::problem::{ApiResult, Problem};
use crate::http::{reads, wire};
use crate::pages::form::Form;
use crate::pages::text::{Words, telephone};
use crate::pages::{assets, render};
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use booking_domain::clinic::Clinic;
use booking_domain::ids::{AppointmentId, PractitionerId};
use booking_domain::time::{Instant, WallDate};
use serde::Deserialize;
use uuid::Uuid;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/staff/identify", get(list))
        .route("/staff/identify/{appointment}", get(one).post(search))
        .route("/staff/identify/{appointment}/attach", get(back).post(attach))
        .route("/staff/identify/{appointment}/register", get(back).post(register))
        .route("/staff/identify/{appointment}/undo", post(undo))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    after: Option<String>,
    cursor: Option<String>,
    done: Option<String>,
    /// The appointment whose attachment may be undone, and its revision.
    undo: Option<Uuid>,
    revision: Option<u64>,
    /// Records that are not this person.
    not: Vec<Uuid>,
}

/// One field of what was typed and of a record.
struct Row {
    name: String,
    typed: String,
    records: Vec<Value>,
}

struct Value {
    text: String,
    differs: bool,
}

/// A record that may be the one.
struct Proposal {
    id: Uuid,
    name: String,
    grade: String,
    differs: String,
}

/// One that waits.
struct Case {
    id: Uuid,
    href: String,
    revision: u64,
    key: String,
    name: String,
    when: String,
    due: String,
    practitioner: String,
    what: String,
    phones: Vec<String>,
    why: String,
    same_person: Vec<String>,
    third: bool,
    rows: Vec<Row>,
    proposals: Vec<Proposal>,
    rejected: usize,
}

/// An attachment that may be undone.
struct Undo {
    id: Uuid,
    revision: u64,
    key: String,
}

#[derive(askama::Template)]
#[template(path = "staff/identify/list.html")]
struct List {
    w: Words,
    frame: Frame,
    script: String,
    notice: Option<String>,
    undo: Option<Undo>,
    cases: Vec<Case>,
    next: Option<String>,
}

#[derive(askama::Template)]
#[template(path = "staff/identify/one.html")]
struct One {
    w: Words,
    frame: Frame,
    alert: Option<String>,
    case: Case,
    search: String,
    found: Option<Vec<Found>>,
}

fn asked(query: Option<&str>) -> Asked {
    serde_html_form::from_str(query.unwrap_or_default()).unwrap_or_default()
}

/// The names of the fields that may differ, in the order of the form.
const FIELDS: [&str; 7] = ["first_name", "last_name", "birth_date", "sex", "health_number", "phone", "email"];

fn field_name(w: Words, field: &str) -> String {
    match field {
        "first_name" => w.t("person-first-name"),
        "last_name" => w.t("person-last-name"),
        "birth_date" => w.t("person-birth-date"),
        "sex" => w.t("person-sex"),
        "health_number" => w.t("person-health-number"),
        "phone" => w.t("person-phones"),
        _ => w.t("person-emails"),
    }
}

fn field(w: Words, details: &PersonDetails, field: &str) -> String {
    match field {
        "first_name" => details.first_name.clone(),
        "last_name" => details.last_name.clone(),
        "birth_date" => WallDate::parse(&details.birth_date).map(|date| w.full_date(date)).unwrap_or_default(),
        "sex" => sex(w, details.sex),
        "health_number" => details.health_number.clone().unwrap_or_default(),
        "phone" => details.phones.iter().map(|phone| telephone(phone)).collect::<Vec<_>>().join(", "),
        _ => details.emails.join(", "),
    }
}

fn why(w: Words, why: Option<&str>) -> String {
    match why {
        None => w.t("why-would-match"),
        Some("no_record") => w.t("why-nobody"),
        Some("several_records") => w.t("why-several"),
        Some("deceased") => w.t("why-deceased"),
        Some("contact_differs") => w.t("why-contact"),
        Some("birth_date_differs" | "health_number_birth_date_differs") => w.t("why-birth-date"),
        Some("sex_differs") => w.t("why-sex"),
        Some("name_differs") => w.t("why-name"),
        Some("health_number_unknown") => w.t("why-health-number"),
        Some(_) => w.t("why-other"),
    }
}

/// Days until the visit, as they are counted on the wall.
fn due(w: Words, clinic: &Clinic, now: Instant, date: &str) -> String {
    let days = WallDate::parse(date).map_or(0, |date| date.0 - now.wall(clinic.zone()).0.0);
    match days {
        ..=0 => w.t("due-today"),
        1 => w.t("due-tomorrow"),
        days => w.count("due-in", usize::try_from(days).unwrap_or(0)),
    }
}

/// `same`: when the other bookings are that look like the same person's.
fn case(
    app: &AppState,
    signed: &SignedIn,
    clinic: &Clinic,
    waiting: &Unidentified,
    not: &[Uuid],
    same: impl Iterator<Item = Instant>,
) -> Case {
    let (w, summary) = (signed.w, &waiting.appointment);
    let typed = waiting.contact.get();
    let kept: Vec<_> = waiting.proposals.iter().filter(|proposal| !not.contains(&proposal.record.id)).collect();
    let rows = FIELDS.iter().map(|name| Row {
        name: field_name(w, name),
        typed: typed.map(|typed| field(w, typed, name)).unwrap_or_default(),
        records: kept
            .iter()
            .map(|proposal| Value {
                text: proposal.record.details.get().map(|details| field(w, details, name)).unwrap_or_default(),
                differs: proposal.differs.contains(name),
            })
            .collect(),
    });
    let proposals = kept.iter().map(|proposal| Proposal {
        id: proposal.record.id,
        name: person(w, &proposal.record.details).map_or_else(|| w.t("person-erased"), |person| person.name),
        grade: match proposal.grade {
            "exact" => w.t("grade-exact"),
            "strong" => w.t("grade-strong"),
            _ => w.t("grade-possible"),
        },
        differs: proposal.differs.iter().map(|name| field_name(w, name)).collect::<Vec<_>>().join(", "),
    });
    let zone = clinic.zone();
    let person = person(w, &waiting.contact);
    let practitioner = clinic.practitioners.get(&PractitionerId(summary.practitioner));
    Case {
        id: summary.id,
        href: address(summary.id),
        revision: summary.revision,
        key: fresh_key(app),
        when: moment(w, &summary.when.start, zone),
        due: due(w, clinic, app.engine.now(), &summary.when.date),
        practitioner: practitioner.map(|p| p.name.clone()).unwrap_or_default(),
        what: summary.service_name.as_ref().map(|name| w.of_text(name).to_owned()).unwrap_or_default(),
        why: why(w, waiting.why),
        same_person: same.map(|start| w.moment(start, zone)).collect(),
        third: waiting.third_or_later,
        rows: rows.collect(),
        proposals: proposals.collect(),
        rejected: waiting.proposals.len() - kept.len(),
        name: person.as_ref().map_or_else(|| w.t("person-erased"), |person| person.name.clone()),
        phones: person.map(|person| person.phones).unwrap_or_default(),
    }
}

async fn list(State(app): State<AppState>, signed: SignedIn, RawQuery(query): RawQuery) -> ApiResult<Response> {
    let asked = asked(query.as_deref());
    let query = QueueQuery { cursor: asked.cursor, limit: Some(20), after: asked.after };
    let path = ApiPath(signed.clinic());
    let answer = queue(State(app.clone()), signed.principal.clone(), path, ApiQuery(query)).await?.body;
    let rules = app.engine.rules(signed.principal.clinic).await?;
    let all = &answer.waiting;
    let cases = all.iter().map(|waiting| {
        let same = all.iter().filter(|other| waiting.same_person.contains(&other.appointment.id));
        let same = same.filter_map(|other| wire::instant("start", &other.appointment.when.start).ok());
        case(&app, &signed, &rules.state, waiting, &asked.not, same)
    });
    let cases = cases.collect();
    let undo = asked.undo.zip(asked.revision);
    let page = List {
        w: signed.w,
        frame: Frame::new(&app, &signed, Section::Identify).await?,
        script: assets::address("identify.js"),
        notice: asked.done.as_deref().and_then(|done| notice(signed.w, done)),
        undo: undo.map(|(id, revision)| Undo { id, revision, key: fresh_key(&app) }),
        cases,
        next: answer.next.map(|next| format!("/staff/identify?cursor={next}")),
    };
    render(&page)
}

/// One that waits, wherever it stands.
async fn waiting(app: &AppState, signed: &SignedIn, id: Uuid, not: &[Uuid], after: Option<String>) -> ApiResult<Case> {
    let clinic = signed.principal.clinic;
    let waiting = reconciliation::one(app, &signed.principal, (clinic, AppointmentId(id)), after.as_deref()).await?;
    let mut same = Vec::new();
    for other in &waiting.same_person {
        let row = app.views.appointments.by_id(AppointmentId(*other)).await.map_err(reads::unanswered)?;
        same.extend(row.map(|row| row.placement.span.start));
    }
    let rules = app.engine.rules(clinic).await?;
    Ok(case(app, signed, &rules.state, &waiting, not, same.into_iter()))
}

async fn one(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath(id): ApiPath<Uuid>,
    RawQuery(query): RawQuery,
) -> ApiResult<Response> {
    let asked = asked(query.as_deref());
    let case = waiting(&app, &signed, id, &asked.not, asked.after).await?;
    show(&app, &signed, case, None, (String::new(), None)).await
}

async fn show(
    app: &AppState,
    signed: &SignedIn,
    case: Case,
    problem: Option<&Problem>,
    (search, found): (String, Option<Vec<Found>>),
) -> ApiResult<Response> {
    let frame = Frame::new(app, signed, Section::Identify).await?;
    render(&One { w: signed.w, frame, alert: problem.map(|p| refusal(signed.w, p)), case, search, found })
}

async fn search(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath(id): ApiPath<Uuid>,
    form: Form<SearchForm>,
) -> ApiResult<Response> {
    let case = waiting(&app, &signed, id, &[], None).await?;
    match find(&app, &signed, &form.value.search).await {
        Ok(found) => show(&app, &signed, case, None, (form.value.search, Some(found))).await,
        Err(problem) => {
            let problem = shown_on_page(problem)?;
            let page = show(&app, &signed, case, Some(&problem), (form.value.search, None)).await?;
            with_status(&problem, page)
        }
    }
}

async fn back(ApiPath(id): ApiPath<Uuid>) -> Redirect {
    Redirect::to(&format!("/staff/identify/{id}"))
}

#[derive(Deserialize)]
struct Decision {
    #[serde(default)]
    patient: Option<Uuid>,
    revision: Option<u64>,
    #[serde(default)]
    key: String,
}

/// What a decision that was refused says: over the case, or over the appointment if it waits no more.
async fn refused(app: &AppState, signed: &SignedIn, id: Uuid, problem: Problem) -> ApiResult<Response> {
    let problem = shown_on_page(problem)?;
    let head = app.log().head().await?.map(|head| head.to_string());
    match waiting(app, signed, id, &[], head).await {
        Ok(case) if problem.code != "stale" => {
            with_status(&problem, show(app, signed, case, Some(&problem), (String::new(), None)).await?)
        }
        _ => super::appointments::Panel::refused(app, signed, id, &problem).await,
    }
}

fn done(id: Uuid, what: &str, revision: Option<u64>, position: Option<booking_store::Position>) -> Response {
    let revision = revision.map(|revision| format!("&revision={revision}")).unwrap_or_default();
    go(&format!("/staff/identify?undo={id}{revision}"), what, position)
}

async fn attach(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath(id): ApiPath<Uuid>,
    form: Form<Decision>,
) -> ApiResult<Response> {
    let headers = form.command(&form.value.key, form.value.revision);
    let patient = form.value.patient.ok_or_else(Problem::not_found)?;
    let body = ApiJson { value: AttachPatient { patient }, bytes: form.bytes };
    let path = ApiPath((signed.clinic(), id));
    match change::attach(State(app.clone()), signed.principal.clone(), headers, path, body).await {
        Ok(answer) => Ok(done(id, "attached", answer.revision, answer.position)),
        Err(problem) => refused(&app, &signed, id, problem).await,
    }
}

async fn register(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath(id): ApiPath<Uuid>,
    form: Form<Decision>,
) -> ApiResult<Response> {
    let headers = form.command(&form.value.key, form.value.revision);
    let path = ApiPath((signed.clinic(), id));
    match change::make_record(State(app.clone()), signed.principal.clone(), headers, path).await {
        Ok(answer) => Ok(done(id, "registered", answer.revision, answer.position)),
        Err(problem) => refused(&app, &signed, id, problem).await,
    }
}

async fn undo(
    State(app): State<AppState>,
    signed: SignedIn,
    ApiPath(id): ApiPath<Uuid>,
    form: Form<Decision>,
) -> ApiResult<Response> {
    let headers = form.command(&form.value.key, form.value.revision);
    let path = ApiPath((signed.clinic(), id));
    match change::detach(State(app.clone()), signed.principal.clone(), headers, path).await {
        Ok(answer) => Ok(go(&format!("/staff/identify/{id}"), "detached", answer.position)),
        Err(problem) => refused(&app, &signed, id, problem).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_domain::values::Language;

    #[test]
    fn a_visit_is_due_in_days_of_the_wall() {
        let (w, clinic) = (Words::of(Language::En), Clinic::default());
        let now = crate::http::wire::instant("now", "2026-11-24T12:00:00Z").unwrap();
        assert_eq!(due(w, &clinic, now, "2026-11-24"), w.t("due-today"));
        assert_eq!(due(w, &clinic, now, "2026-11-25"), w.t("due-tomorrow"));
        assert!(due(w, &clinic, now, "2026-12-01").contains('7'));
    }
}
